"""What the rest of a run is likely to take: calls, tokens, dollars, time.

Calls come from :mod:`annoengine.estimate`. Tokens of questions are counted in sampled requests;
those of answers are what the stage expects. Where the stage has answers already (a pilot), they
count instead: tokens, calls a record and seconds as they really were. *Low* is what there will
be at least, without a single repair; *high* allows for repairs and longer answers. None is a
bound: that is what a budget is for.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from annoengine.budget import in_usd
from annoengine.call_counts import journal_lines
from annoengine.compute import Pool
from annoengine.door import Door
from annoengine.estimate import NewCalls, Sample
from annoengine.model_chain import Role
from annoengine.pricing import FREE, Price, cost_of
from annoengine.provider import Usage
from annoengine.recipe import Recipe
from annoengine.request_tokens import cached_tokens, request_tokens, shared_prefix
from annoengine.workspace import Workspace

_LEAST_ANSWERS = 10
"""Answers from which on a pilot is believed."""

_LEAST_OUTPUT, _MOST_OUTPUT = 0.6, 2.0
"""Answers may be so much shorter and longer than the stage expects, where there is no pilot."""

_MORE_CALLS, _MANY_MORE_CALLS = 1.1, 1.6
"""Calls of a stage without a pilot, of those that are sure: likely, and with many repairs."""

_AROUND_PILOT = 0.15
"""So far from a pilot's mean the rest may lie."""

NO_SAMPLE = "no sample: what it asks depends on answers that are not there yet"

_USUAL_OUTPUT = 400
"""Tokens of an answer of which the stage expects nothing."""


@dataclass(frozen=True)
class Span:
    """A number that is not known yet."""

    low: float
    likely: float
    high: float

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.likely + other.likely, self.high + other.high)


@dataclass
class Pilot:
    """What the answers of a stage were like, in the mean over its calls."""

    answers: int = 0
    records: set[str] = field(default_factory=set)
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0

    @property
    def counts(self) -> bool:
        """Are there enough of them?"""
        return self.answers >= _LEAST_ANSWERS and self.output_tokens > 0

    def usage(self) -> Usage:
        """The mean call."""
        n = self.answers
        return Usage(
            round(self.input_tokens / n),
            round(self.output_tokens / n),
            round(self.cached_tokens / n),
        )


@dataclass(frozen=True)
class StageForecast:
    """What one stage still takes; ``usd`` None where the model's price is not known.

    ``cached_usd``: what the likely calls cost if the provider's prompt cache bites wherever it
    can; ``batch_usd``: by the provider's batch API. Each None where it changes nothing. ``hours``
    is None while nobody knows how fast the model answers.
    """

    stage: str
    model: str
    calls: Span
    input_tokens: Span
    output_tokens: Span
    usd: Span | None
    cached_usd: float | None
    batch_usd: float | None
    hours: float | None
    based_on: str
    spent_usd: float
    also: tuple[str, ...] = ()


def forecast(
    recipe: Recipe, workspace: Workspace, counts: Sequence[NewCalls]
) -> list[StageForecast]:
    """The forecast of each stage that asks a model."""
    door = Door(recipe.roles, Pool(0))
    stages = {built.name: built for built in recipe.stages}
    found = []
    for count in counts:
        roles = stages[count.stage].stage.roles()
        role = recipe.roles[roles[0]]
        pilot, spent = read_pilot(workspace, count.stage, role.providers[0].name)
        found.append(_of_stage(count, role, door, pilot, spent))
    return found


def read_pilot(workspace: Workspace, stage: str, provider: str) -> tuple[Pilot, float]:
    """The answers that a stage has from a model, and the USD that it has spent on all models."""
    pilot, spent = Pilot(), 0.0
    for path in workspace.journals(stage):
        asked: dict[tuple[str, str, str], bool] = {}
        for _, line in journal_lines(path):
            entry = orjson.loads(line)
            if entry["event"] == "asked":
                name = (entry["record"], entry["turn"], entry["key"])
                asked[name] = entry["provider"] == provider
            elif entry["event"] == "answered":
                spent += entry.get("usd") or 0.0
                ours = asked.pop((entry["record"], entry["turn"], entry["key"]), False)
                usage = entry.get("usage") or {}
                if ours and usage.get("output_tokens"):
                    pilot.answers += 1
                    pilot.records.add(entry["record"])
                    pilot.input_tokens += usage.get("input_tokens") or 0
                    pilot.cached_tokens += usage.get("cached_input_tokens") or 0
                    pilot.output_tokens += usage["output_tokens"]
                    pilot.seconds += entry["seconds"]
    return pilot, spent


def _of_stage(count: NewCalls, role: Role, door: Door, pilot: Pilot, spent: float) -> StageForecast:
    model, provider = role.text.models[0], role.providers[0]
    price = door.price(model, provider)
    name = provider.name
    calls = _calls(count, pilot)
    if price is FREE:  # its tokens are nobody's bill, and many such models have none
        usage, around, based_on = Usage(0, 0), (1.0, 1.0), "its price alone: no call is paid for"
    elif pilot.counts:
        usage, around = pilot.usage(), (1 - _AROUND_PILOT, 1 + _AROUND_PILOT)
        based_on = f"{pilot.answers:,} answers about {len(pilot.records):,} images"
    else:
        usage, around = _expected(name, count.samples), (_LEAST_OUTPUT, _MOST_OUTPUT)
        based_on = f"{len(count.samples):,} sampled questions" if count.samples else NO_SAMPLE
    given, answered = usage.input_tokens or 0, usage.output_tokens or 0
    inputs = Span(calls.low * given, calls.likely * given, calls.high * given)
    outputs = Span(
        calls.low * answered * around[0], calls.likely * answered, calls.high * answered * around[1]
    )
    cached = 0 if price is FREE else usage.cached_input_tokens or _cacheable(name, count.samples)
    plain = Usage(given, answered, 0)
    known = price is FREE or pilot.counts or bool(count.samples) or not count.calls
    usd = _usd(price, plain, calls, around) if known else None
    likely = None if usd is None else usd.likely
    with_cache = _each(price, Usage(given, answered, cached), calls.likely) if cached else None
    batched = None
    if usd is not None and price is not None and price.batch is not None:
        batched = _each(price, plain, calls.likely, batch=True)
    if pilot.counts and cached and with_cache is not None and usd is not None:
        # The pilot was charged so: its discount is no hope but what is likely.
        usd = Span(usd.low * with_cache / usd.likely, with_cache, usd.high)
    also = tuple(f"{p.name} gets what {name} fails at; not counted" for p in role.providers[1:])
    return StageForecast(
        stage=count.stage,
        model=name,
        calls=calls,
        input_tokens=inputs,
        output_tokens=outputs,
        usd=usd,
        cached_usd=with_cache if with_cache != likely else None,
        batch_usd=batched if batched != likely else None,
        hours=_hours(role, pilot, calls.likely, inputs.likely + outputs.likely),
        based_on=based_on,
        spent_usd=spent,
        also=also,
    )


def _calls(count: NewCalls, pilot: Pilot) -> Span:
    least = float(count.calls)
    if pilot.counts:
        planned = max(1.0, count.calls / max(1, count.records))
        more = max(1.0, pilot.answers / len(pilot.records) / planned)
        return Span(least, least * more, least * more * (1 + _AROUND_PILOT))
    return Span(least, least * _MORE_CALLS, least * _MANY_MORE_CALLS)


def _expected(model: str, samples: Sequence[Sample]) -> Usage:
    """The mean question of the samples, and the answer that is likely."""
    if not samples:
        return Usage(0, _USUAL_OUTPUT)
    asked = [request_tokens(model, sample.request) for sample in samples]
    calls = sum(sample.calls for sample in samples)
    said = sum(sample.output_tokens or _USUAL_OUTPUT * sample.calls for sample in samples)
    return Usage(round(sum(b.likely_input for b in asked) / len(asked)), round(said / calls))


def _cacheable(model: str, samples: Sequence[Sample]) -> int:
    """Tokens that a question shares with the one before it and that may come from a cache."""
    if len(samples) < 2:
        return 0
    pairs = list(itertools.pairwise(samples))
    shared = sum(
        cached_tokens(model, shared_prefix(model, one.request, other.request))
        for one, other in pairs
    )
    return round(shared / len(pairs))


def _each(price: Price | None, usage: Usage, calls: float, batch: bool = False) -> float | None:
    cost = None if price is None else cost_of(price, usage, batch=batch)
    return None if cost is None else in_usd(cost) * calls


def _usd(
    price: Price | None, usage: Usage, calls: Span, around: tuple[float, float]
) -> Span | None:
    given, answered = usage.input_tokens or 0, usage.output_tokens or 0
    low = _each(price, Usage(given, round(answered * around[0])), calls.low)
    likely = _each(price, usage, calls.likely)
    high = _each(price, Usage(given, round(answered * around[1])), calls.high)
    if low is None or likely is None or high is None:
        return None
    return Span(low, likely, high)


def _hours(role: Role, pilot: Pilot, calls: float, tokens: float) -> float | None:
    """By what is tightest: requests or tokens a minute, or calls at once at a pilot's pace."""
    model, provider = role.text.models[0], role.providers[0]
    minutes = []
    if model.limits.requests_per_minute:
        minutes.append(calls / model.limits.requests_per_minute)
    if model.limits.tokens_per_minute:
        minutes.append(tokens / model.limits.tokens_per_minute)
    if pilot.counts:
        at_once = min(provider.window, model.limits.concurrency or provider.window)
        minutes.append(calls * pilot.seconds / pilot.answers / at_once / 60)
    return max(minutes) / 60 if minutes else None
