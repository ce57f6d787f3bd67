"""A measurement as a person reads it, and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from annoengine.bench.bounds import Bound, bound_of
from annoengine.bench.measuring import Measurement
from annoengine.bench.modes import ENGINE, ONE, STATIC, Measured
from annoengine.cards import GIB


@dataclass(frozen=True)
class Shares:
    """How near a way of answering comes to what the machine could do; None where that is not
    known. ``decoding``: of the bandwidth, while it decodes."""

    bandwidth: float | None
    decoding: float | None
    prefilling: float | None
    arithmetic: float | None


def shares(found: Measurement, mode: Measured) -> Shares:
    """The shares of one way, against the bounds at its own number of sequences at once."""
    if found.shape is None or found.peak is None or not mode.answers:
        return Shares(None, None, None, None)
    bound: Bound = bound_of(found.shape, found.facts.dtype, mode.tasks, mode.at_once, found.peak)
    return Shares(
        bandwidth=bound.decode_s / mode.wall_s,
        decoding=_part(bound.decode_s, mode.decode_s),
        prefilling=_part(bound.prefill_s, mode.prefill_s),
        arithmetic=bound.arithmetic_s / mode.wall_s,
    )


def _part(least: float, took: float) -> float | None:
    return least / took if took else None


def bottleneck(mode: Measured) -> tuple[str, float]:
    """The side that takes most of the time, and its part of it.

    >>> bottleneck(Measured("engine", 8, wall_s=10, prepare_s=1, prefill_s=3, decode_s=6))
    ('decoding', 0.6)
    """
    sides = {
        "preparing pictures and prompts on the processor": mode.prepare_s,
        "computing pictures and prompts": mode.prefill_s,
        "decoding": mode.decode_s,
    }
    side = max(sides, key=lambda name: sides[name])
    return side, sides[side] / mode.wall_s


def print_report(console: Console, found: Measurement) -> None:
    """The table, and what is to be said of it."""
    facts, settings = found.facts, found.settings
    console.print(
        f"{found.name}, {facts.dtype}, on {facts.device} ({facts.card}); seed {settings.seed}",
        markup=False,
    )
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for mode in found.modes.values():
        at_once = "" if mode.mode == ONE else f" ({mode.at_once})"
        table.add_column(f"{mode.mode}{at_once}", justify="right", no_wrap=True)
    columns = [_column(found, mode) for mode in found.modes.values()]
    for name in columns[0]:
        table.add_row(name, *(column[name] for column in columns))
    console.print(table)
    for line in sentences(found):
        console.print(f"  {line}", markup=False)


def _column(found: Measurement, mode: Measured) -> dict[str, str]:
    """The figures of one way, by what they are called."""
    part = shares(found, mode)
    seen = any(task.patches for task in mode.tasks)
    sides = (mode.prepare_s, mode.prefill_s, mode.decode_s)
    return {
        "images a second" if seen else "answers a second": f"{mode.answers / mode.wall_s:.3g}",
        "output tokens a second": f"{mode.output_tokens / mode.wall_s:,.0f}",
        "first token after (median)": f"{statistics.median(mode.first_token_s):.2f} s",
        "of the bandwidth bound": _share(part.bandwidth),
        "the same, while decoding": _share(part.decoding),
        "of peak arithmetic": _share(part.arithmetic),
        "the same, at prompts": _share(part.prefilling),
        "most memory": f"{mode.peak_bytes / GIB:.1f} GiB",
        "waits, prompts, decodes": " ".join(f"{100 * s / mode.wall_s:.0f}%" for s in sides),
    }


def sentences(found: Measurement) -> Iterator[str]:
    """What the table does not say by itself."""
    modes, facts = found.modes, found.facts
    engine = modes.get(ENGINE)
    if engine is not None:
        for other in (ONE, STATIC):
            if other in modes:
                yield f"the engine: {_ratio(engine, modes[other]):.2f} times {other}"
        side, part = bottleneck(engine)
        yield f"the engine spends most of its time on {side} ({100 * part:.0f} %)"
        tokens = sum(task.answer - 1 for task in engine.tasks)
        if engine.row_steps:
            yield (
                f"the engine: {engine.steps:,} decode steps, {engine.row_steps:,} rows computed "
                f"for {tokens:,} tokens"
            )
    static = modes.get(STATIC)
    if static is not None and static.row_steps:
        wanted = sum(task.answer - 1 for task in static.tasks)
        yield (
            f"static batches: {static.steps:,} decode steps, {static.row_steps:,} rows computed "
            f"for {wanted:,} tokens"
        )
    if found.peak is not None:
        yield (
            f"at most {found.peak.bandwidth_gb_s:,.0f} GB and {found.peak.tflops:,.3g} × 10¹² "
            f"operations a second ({found.peak.source})"
        )
    if found.shape is None:
        yield "the model's shape is not known here, so that there are no shares"
    if engine is not None:
        yield (
            f"the engine is asked {engine.answers // len(engine.rates):,} at once: its first "
            "tokens count the wait for a free slot"
        )
    drawn = [task.answer for mode in modes.values() for task in mode.tasks]
    yield (
        f"answers of {min(drawn)} to {max(drawn)} tokens, {sum(drawn) / len(drawn):.0f} in the "
        "mean (exponential, cut off at both ends; the end token forbidden)"
    )
    if facts.device == "cpu":
        yield "peak is this process's from its beginning, of all ways"
    if found.smallest_gap is not None:
        yield (
            f"smallest distance between the two likeliest tokens: {found.smallest_gap:.2g} "
            "(logits; what is below the arithmetic's noise may differ from batch to batch)"
        )
    rounds = ", ".join(f"{m.mode} {' '.join(f'{r:.3g}' for r in m.rates)}" for m in modes.values())
    yield f"a second, round by round: {rounds}; {found.seconds:.0f} s in all"
    yield from found.notes


def _ratio(one: Measured, other: Measured) -> float:
    """How many times the answers a second."""
    return (one.answers / one.wall_s) / (other.answers / other.wall_s)


def _share(value: float | None) -> str:
    """
    >>> _share(0.314), _share(0.0004), _share(None)
    ('0.31', '0.0004', '?')
    """
    if value is None:
        return "?"
    return f"{value:.2f}" if value >= 0.095 else f"{value:.1g}"


def as_json(found: Measurement) -> dict[str, Any]:
    """All of it as JSON-like data."""
    modes = {}
    for name, mode in found.modes.items():
        part = shares(found, mode)
        side, of_time = bottleneck(mode)
        modes[name] = {
            "at_once": mode.at_once,
            "answers": mode.answers,
            "output_tokens": mode.output_tokens,
            "seconds": mode.wall_s,
            "answers_per_s": mode.answers / mode.wall_s,
            "images_per_s": sum(len(task.patches) for task in mode.tasks) / mode.wall_s,
            "output_tokens_per_s": mode.output_tokens / mode.wall_s,
            "first_token_s": {
                "median": statistics.median(mode.first_token_s),
                "most": max(mode.first_token_s),
            },
            "prepare_s": mode.prepare_s,
            "prefill_s": mode.prefill_s,
            "decode_s": mode.decode_s,
            "decode_steps": mode.steps,
            "rows_computed": mode.row_steps,
            "peak_bytes": mode.peak_bytes,
            "shares": asdict(part),
            "bottleneck": {"side": side, "part": of_time},
            "rounds_answers_per_s": mode.rates,
        }
    engine = found.modes.get(ENGINE)
    times = {
        other: _ratio(engine, mode)
        for other, mode in found.modes.items()
        if engine is not None and other != ENGINE
    }
    return {
        "model": found.name,
        "shape": None if found.shape is None else found.shape.name,
        "parameters": None if found.shape is None else found.shape.parameters,
        "machine": asdict(found.facts),
        "peak": None if found.peak is None else asdict(found.peak),
        "settings": asdict(found.settings),
        "modes": modes,
        "engine_times": times,
        "smallest_gap": found.smallest_gap,
        "seconds": found.seconds,
        "notes": found.notes,
    }
