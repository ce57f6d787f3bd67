"""Tells what each threshold would keep: tables for a person, JSON for a program."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from annoengine.quantiles import Histogram
from annoengine.sweep.counts import Kept, ScoreCounts, Swept, Threshold

_ALL_OF = 11
"""A score with no more different values than this is told value by value."""

_PERCENTS = (1, 5, 10, 25, 50, 75, 90, 95, 99)
"""Otherwise at these quantiles, the least and the most."""

_PIPE_COLUMNS = 1000
"""Without a terminal no line is folded or cut."""


@dataclass(frozen=True)
class Step:
    """A threshold that is told: its value, what it is called, and what it keeps on both sides."""

    value: float
    names: tuple[str, ...]
    at_least: Kept
    at_most: Kept


def steps_of(counts: ScoreCounts, thresholds: Iterable[Threshold]) -> list[Step]:
    """The thresholds of a score that are told, from the least, the recipe's own among them.

    A quantile is one of the captions' values, of the images' where captions have none.
    """
    lie = counts.captions if counts.captions.total else counts.most
    names: dict[float, list[str]] = {}
    if len(lie.values) <= _ALL_OF:
        names = {value: [] for value in lie.values}
    else:
        names[lie.values[0]] = ["least"]
        for percent in _PERCENTS:
            names.setdefault(lie.quantile(percent), []).append(f"q{percent}")
        names.setdefault(lie.values[-1], []).append("most")
    for one in thresholds:
        names.setdefault(one.value, []).append(f"{one.stage}: {one.sign} {one.bound}")
    return [
        Step(value, tuple(dict.fromkeys(told)), counts.at_least(value), counts.at_most(value))
        for value, told in sorted(names.items())
    ]


def print_sweep(swept: Swept) -> None:
    """The tables of all scores, and what is kept now."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_COLUMNS, soft_wrap=True)
    for line in head_lines(swept):
        console.print(line, markup=False)
    constant = [(name, counts) for name, counts in swept.scores.items() if is_constant(counts)]
    for name, counts in constant:
        console.print(f"  {constant_line(name, counts)} everywhere", markup=False)
    for name, counts in swept.scores.items():
        if is_constant(counts):
            continue
        console.print()
        console.print(Text(_title(name, counts, swept.counted), style="bold"))
        console.print(_table(steps_of(counts, _of(swept, name)), counts))


def is_constant(counts: ScoreCounts) -> bool:
    """Has the score one value alone, so that there is nothing to choose?"""
    return len(counts.most.values) <= 1 and counts.most.values == counts.least.values


def constant_line(name: str, counts: ScoreCounts) -> str:
    """``parse.failed is 0``."""
    values = counts.most.values
    return f"{name} is {values[0]:g}" if values else f"{name} is no number"


def head_lines(swept: Swept) -> list[str]:
    """What was read and counted, and what the recipe's own conditions keep of it."""
    read = f"{swept.shards_read:,} of {swept.shards:,} shards"
    lines = [f"{swept.root}: {_kept(swept.every)} left the stage {swept.stage} ({read})"]
    if swept.older:
        lines.append(
            f"  {swept.older:,} of these shards are of an older recipe or input: run it again to "
            "renew them"
        )
    if swept.where is not None:
        lines.append(f"  where {swept.where.text}: {_kept(swept.counted)} of them")
    for stage, condition, kept in swept.keeping:
        lines.append(f"  {stage} keeps {_kept(kept)} now: {condition.text}")
    return lines


def _of(swept: Swept, name: str) -> list[Threshold]:
    return [one for one in swept.thresholds if one.score == name]


def _kept(kept: Kept) -> str:
    return f"{kept.captions:,} captions in {kept.images:,} images"


def _title(name: str, counts: ScoreCounts, counted: Kept) -> str:
    total = counts.total
    missing = []
    if total.captions < counted.captions:
        missing.append(f"{counted.captions - total.captions:,} captions")
    if total.images < counted.images:
        missing.append(f"{counted.images - total.images:,} images")
    return name + (f"   ({', '.join(missing)} without it)" if missing else "")


def _table(steps: list[Step], counts: ScoreCounts) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("value", justify="right")
    table.add_column("")
    for sign in ("≥", "≤"):
        table.add_column(f"captions {sign}", justify="right")
        table.add_column("", justify="right")
        table.add_column(f"images {sign}", justify="right")
        table.add_column("", justify="right")
    total = counts.total
    for step in steps:
        cells = [f"{step.value:g}", " ".join(step.names)]
        for kept in (step.at_least, step.at_most):
            cells += [f"{kept.captions:,}", _share(kept.captions, total.captions)]
            cells += [f"{kept.images:,}", _share(kept.images, total.images)]
        now = any(":" in name for name in step.names)
        table.add_row(*cells, style="bold cyan" if now else "")
    return table


def _share(part: int, whole: int) -> str:
    """A share in percent; only all is 100 %, only nothing 0 %.

    >>> _share(1999, 2000), _share(2, 2), _share(0, 0)
    ('99.9 %', '100 %', '')
    """
    if not whole:
        return ""
    if part in (0, whole):
        return "100 %" if part else "0 %"
    return f"{min(99.9, max(0.1, 100 * part / whole)):.1f} %"


def sweep_json(swept: Swept) -> dict[str, Any]:
    """All of it as JSON-like values."""
    return {
        "run": str(swept.root),
        "stage": swept.stage,
        "shards_read": swept.shards_read,
        "shards": swept.shards,
        "shards_of_older_recipe": swept.older,
        "where": None if swept.where is None else swept.where.text,
        "every": asdict(swept.every),
        "counted": asdict(swept.counted),
        "keeping": [
            {"stage": stage, "condition": condition.text, **asdict(kept)}
            for stage, condition, kept in swept.keeping
        ],
        "scores": [
            {
                "name": name,
                **asdict(counts.total),
                "least": _end(counts.most, counts.least, 0),
                "most": _end(counts.most, counts.most, -1),
                "thresholds": [asdict(step) for step in steps_of(counts, _of(swept, name))],
            }
            for name, counts in swept.scores.items()
        ],
    }


def _end(some: Histogram, of: Histogram, place: int) -> float | None:
    return of.values[place] if some.total else None
