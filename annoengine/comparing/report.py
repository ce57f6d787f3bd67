"""Tells a comparison: a table for a person, JSON for a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from annoengine.comparing.bootstrap import FEWEST, LEVEL
from annoengine.comparing.comparison import GROUPS, Compared, Comparison, Shares
from annoengine.comparing.sides import described_path
from annoengine.language.wordnet import OFF, wordnet_version
from annoengine.pancap.embedded_score import scored_by
from annoengine.pancap.ways import AS_PUBLISHED, PAPER
from annoengine.progress import usd_text
from annoengine.statistics.words import WORDS_BY

_LETTERS = ("A", "B")
_COLUMNS = 80
_PIPE_COLUMNS = 1000
"""Without a terminal no line is folded or cut."""

_ACCOUNT: tuple[tuple[str, str], ...] = (
    ("read", "images read"),
    ("kept", "kept"),
    ("dropped", "dropped"),
    ("failed", "failed"),
    ("pending", "pending"),
    ("captions_dropped", "captions dropped"),
    ("calls", "calls"),
    ("perhaps_paid", "of them perhaps paid"),
    ("input_tokens", "tokens in"),
    ("output_tokens", "tokens out"),
)


def number(value: float | None, signed: bool = False) -> str:
    """A value as the table shows it; "" for none.

    >>> number(0.12345), number(21.5), number(1234.56), number(0.00042), number(-0.5, signed=True)
    ('0.123', '21.50', '1,234.6', '0.00042', '-0.500')
    """
    if value is None:
        return ""
    sign, size = "+" if signed else "", abs(value)
    if size and size < 0.001:
        return f"{value:{sign}.2g}" if size >= 1e-9 else f"{0:{sign}.3f}"
    digits = 3 if size < 10 else 2 if size < 1000 else 1
    return f"{value:{sign},.{digits}f}"


def print_comparison(one: Comparison) -> None:
    """Both sides, the measures with their differences, and what the runs took."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, width=_PIPE_COLUMNS, soft_wrap=True)
    for letter, side in zip(_LETTERS, one.sides, strict=True):
        notes = "; ".join([f"{described_path(side)} ({side.kind})", *side.notes.lines()])
        console.print(Text.assemble((f"{letter}  {side.name}", "bold"), f"  {notes}"))
    alone = (
        f"{n:,} in {letter} alone" for n, letter in zip(one.joined.alone, _LETTERS, strict=True)
    )
    console.print(
        f"{one.joined.images:,} images in both, paired by their {one.joined.by}; {', '.join(alone)}"
    )
    console.print()
    console.print(_table(one))
    accounts = _account_table(one.accounts)
    if accounts is not None:
        console.print()
        console.print(accounts)
    console.print()
    for line in foot_lines(one):
        for piece in wrap(line, _COLUMNS, subsequent_indent="  "):
            console.print(piece, style="dim")


def _table(one: Comparison) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("per image", overflow="fold")
    for head in ("images", *_LETTERS, "B − A"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column(f"{LEVEL:.0%}".replace("%", " %") + " interval", no_wrap=True)
    table.add_column("", no_wrap=True)
    group = ""
    for row in one.measures:
        if _is_listed(row):
            continue
        if row.group != group:
            group = row.group
            table.add_row(Text(GROUPS[group], style="bold"))
        table.add_row(*_cells(row))
    return table


def _is_listed(row: Compared) -> bool:
    """Is a row named below the table alone? Most checks find nothing on most images."""
    same = row.difference is not None and row.difference.is_none
    return row.group == "score" and same


def _cells(row: Compared) -> tuple[Text | str, ...]:
    found = row.difference
    name = f"  {row.name}"
    if found is None:
        return name, "", number(row.first), number(row.second)
    interval = "   the same" if found.is_none else ""
    if not found.is_none and found.low is not None and found.high is not None:
        low, high = number(found.low, signed=True), number(found.high, signed=True)
        interval = f"{low:>8} … {high:<8}"
    style = "bold" if found.excludes_zero else ""
    return (
        name,
        f"{found.images:,}",
        number(row.first),
        number(row.second),
        Text(number(found.difference, signed=True), style=style),
        Text(interval, style=style),
        "*" if found.excludes_zero else "",
    )


def _account_table(accounts: tuple[Shares | None, Shares | None]) -> Table | None:
    """What became of the runs' records; None where neither side is a run."""
    if not any(accounts):
        return None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    table.add_column("whole runs")
    for letter in _LETTERS:
        table.add_column(letter, justify="right")
    for name, head in _ACCOUNT:
        values = [None if one is None else getattr(one, name) for one in accounts]
        if any(values) or name in ("read", "kept", "failed"):
            table.add_row(f"  {head}", *("" if n is None else f"{n:,}" for n in values))
    if any(one is not None and one.usd for one in accounts):
        table.add_row("  USD", *("" if one is None else usd_text(one.usd) for one in accounts))
        per_kept = (
            "" if one is None or not one.kept else usd_text(one.usd / one.kept) for one in accounts
        )
        table.add_row("  USD by image kept", *per_kept)
    return table


def foot_lines(one: Comparison) -> Iterator[str]:
    """How it was measured, line by line."""
    same = [f"{row.name} {number(row.first)}" for row in one.measures if _is_listed(row)]
    if same:
        yield f"stored scores that are the same on both sides: {', '.join(same)}"
    differences = [row.difference for row in one.measures if row.difference is not None]
    drawn = [found for found in differences if found.low is not None and not found.is_none]
    if drawn:
        yield (
            f"intervals: paired bootstrap over images, BCa widened for small samples, "
            f"{one.resamples:,} resamples, seed {one.seed}"
        )
        marked = sum(found.excludes_zero for found in drawn)
        by_chance = len(drawn) * (1 - LEVEL)
        yield (
            f"*: the interval excludes 0 ({marked} of {len(drawn)} rows that differ; by chance "
            f"alone about {by_chance:.1f} would be marked)"
        )
    if any(found.low is None for found in differences):
        yield f"no interval of fewer than {FEWEST} images"
    if one.reference:
        way = AS_PUBLISHED if one.how.as_published else PAPER
        yield f"PancapScore against {one.reference}: {way}"
        yield f"  by rules: {scored_by(one.how.model, one.how.wordnet)}"
        if one.how.matched != OFF:
            yield f"  tags alike by WordNet {wordnet_version(one.how.matched)}"
        yield "for comparing captions, not for setting beside figures that a language model made"
    yield f"words: {WORDS_BY}"
    if any(one.accounts):
        yield "stored scores are means over captions, or over images where an image has one"
        yield "calls of an image are all in the run's journals, whatever came of them"


def comparison_json(one: Comparison) -> dict[str, Any]:
    """All of it as JSON-like values."""
    return {
        "sides": [
            {
                "name": side.name,
                "kind": side.kind,
                "read": [path.as_posix() for path in side.notes.read],
                "notes": side.notes.lines(),
                "account": None if shares is None else _rounded(asdict(shares)),
            }
            for side, shares in zip(one.sides, one.accounts, strict=True)
        ],
        "images": {
            "both": one.joined.images,
            "alone": list(one.joined.alone),
            "paired_by": one.joined.by,
        },
        "reference": one.reference or None,
        "pancapscore": _way(one) if one.reference else None,
        "intervals": {
            "method": "paired bootstrap over images, BCa, expanded",
            "level": LEVEL,
            "resamples": one.resamples,
            "seed": one.seed,
        },
        "measures": [_measure_json(row) for row in one.measures],
    }


def _way(one: Comparison) -> dict[str, str]:
    way = AS_PUBLISHED if one.how.as_published else PAPER
    return {"arithmetic": way, "by": scored_by(one.how.model, one.how.wordnet)}


def _measure_json(row: Compared) -> dict[str, Any]:
    found = row.difference
    told: dict[str, Any] = {"group": GROUPS[row.group], "measure": row.name}
    told |= {"a": row.first, "b": row.second}
    if found is not None:
        told |= {
            "images": found.images,
            "difference": found.difference,
            "low": found.low,
            "high": found.high,
            "excludes_zero": found.excludes_zero,
        }
    return _rounded(told)


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    """To nine digits behind the point: what lies behind differs from machine to machine."""
    return {
        name: round(value, 9) if isinstance(value, float) else value
        for name, value in values.items()
    }
