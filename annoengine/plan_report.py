"""A plan as a person reads it: what is done and to do, and what the rest is likely to take."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from annoengine.estimate import NewCalls
from annoengine.forecast import NO_SAMPLE, Span, StageForecast
from annoengine.model_terms import (
    licence_sentence,
    licence_summary,
    terms_of,
    terms_sentence,
)
from annoengine.plan import Plan, State
from annoengine.progress import usd_text


def steps_table(plan: Plan, counts: Mapping[str, NewCalls]) -> Table:
    """How many shards of each stage are done, to do or changed, and why."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("stage")
    headings: dict[State, str] = {
        "done": "done",
        "todo": "to do",
        "stale": "changed",
        "follows": "follows",
    }
    if any(step.state == "waiting" for step in plan.steps):
        headings["waiting"] = "waiting for people"
    for heading in (*headings.values(), "new calls", "because"):
        table.add_column(heading, justify="left" if heading == "because" else "right")
    for index, name in enumerate(plan.stages):
        states = Counter(step.state for step in plan.of(index))
        count = counts.get(name)
        changed = sorted({key for step in plan.of(index) for key in step.changed})
        table.add_row(
            name,
            *(str(states[state] or "") for state in headings),
            "" if count is None else f"{'' if count.exact else '≥ '}{count.calls:,}",
            ", ".join(changed),
        )
    return table


def print_forecast(console: Console, stages: Sequence[StageForecast]) -> None:
    """Likely calls and tokens, dollars from least to most, and time: of each stage and of all."""
    asking = [stage for stage in stages if stage.calls.high]
    if not asking:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", title_justify="left")
    table.add_column("still to ask", no_wrap=True)
    for heading in ("calls", "tokens in", "tokens out", "USD least", "likely", "most", "hours"):
        table.add_column(heading, justify="right", no_wrap=True)
    for stage in asking:
        table.add_row(
            stage.stage,
            _short(stage.calls.likely),
            _short(stage.input_tokens.likely),
            _short(stage.output_tokens.likely),
            *_usd(stage.usd),
            "?" if stage.hours is None else f"{stage.hours:,.1f}",
        )
    if len(asking) > 1:
        known = [stage.usd for stage in asking if stage.usd is not None]
        table.add_row(
            "all",
            _short(_sum(stage.calls for stage in asking).likely),
            _short(_sum(stage.input_tokens for stage in asking).likely),
            _short(_sum(stage.output_tokens for stage in asking).likely),
            *_usd(_sum(known) if known else None),
            "",
        )
    console.print(table)
    for line in forecast_notes(asking):
        console.print(f"  {line}")


def forecast_notes(stages: Iterable[StageForecast]) -> list[str]:
    """What stands behind the numbers, a sentence each."""
    notes: list[str] = []
    for stage in stages:
        notes.append(f"{stage.stage}: asks {stage.model}; from {stage.based_on}")
        if stage.usd is None and stage.based_on != NO_SAMPLE:
            notes.append(
                f"{stage.stage}: nobody knows the price of {stage.model}; a recipe gives it with "
                "price: {input: …, output: …} (USD per million tokens)"
            )
        if stage.cached_usd is not None:
            likely = usd_text(stage.cached_usd)
            notes.append(f"{stage.stage}: likely {likely} with the provider's prompt cache")
        if stage.batch_usd is not None:
            notes.append(f"{stage.stage}: likely {usd_text(stage.batch_usd)} by its batch API")
        if stage.spent_usd:
            notes.append(f"{stage.stage}: {usd_text(stage.spent_usd)} are spent already")
        if stage.hours is None:
            notes.append(
                f"{stage.stage}: how long it takes is not known before a pilot (run --pilot 200) "
                "or limits in the recipe"
            )
        notes += [f"{stage.stage}: {line}" for line in stage.also]
    return notes


def rights(licences: Mapping[str, int], models: Iterable[str]) -> list[str]:
    """What is known of the photographs' licences and of the terms on the models' outputs."""
    lines = []
    if licences:
        lines.append(f"photographs: {licence_sentence(licence_summary(licences))}")
    # Models of one provider often share their terms.
    under: dict[object, list[str]] = {}
    for model in models:
        under.setdefault(terms_of(model) or model, []).append(model)
    for names in under.values():
        also = f" (and {', '.join(names[1:])})" if names[1:] else ""
        lines.append(terms_sentence(names[0]) + also)
    return lines


def forecast_json(stages: Sequence[StageForecast]) -> list[dict[str, Any]]:
    """The forecast as JSON-like data."""
    return [dataclasses.asdict(stage) for stage in stages]


def _sum(spans: Iterable[Span]) -> Span:
    total = Span(0, 0, 0)
    for span in spans:
        total += span
    return total


def _short(number: float) -> str:
    """
    >>> [_short(n) for n in (6, 20550, 1_234_567, 99_999_999)]
    ['6', '20,550', '1.23M', '100M']
    """
    if number < 1e6:
        return f"{number:,.0f}"
    return f"{number / 1e6:.3g}M"


def _usd(span: Span | None) -> tuple[str, str, str]:
    if span is None:
        return ("?", "?", "?")
    return (usd_text(span.low), usd_text(span.likely), usd_text(span.high))
