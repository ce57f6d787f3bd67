"""Tells what was counted: tables for a person, JSON for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from annoengine.statistics.counting import LEVELS, CaptionSet
from annoengine.statistics.measures import (
    MEASURES,
    Common,
    common_nouns,
    common_verbs,
    length_quantile,
    most_common,
    noun_kinds,
)
from annoengine.statistics.published import PublishedRow, of_level
from annoengine.statistics.sample import Level
from annoengine.statistics.words import WORDS_BY

_TABLES: dict[Level, tuple[tuple[tuple[str, str], ...], ...]] = {
    # The columns of Pix2Cap-COCO's Table 1, then what COCONut-PanCap's tables and both papers'
    # figures add.
    "region": (
        (
            ("images", "images"),
            ("captions", "captions"),
            ("captions_per_image", "cap/img"),
            ("characters", "chars"),
            ("words", "words"),
            ("sentences", "sent."),
            ("nouns", "nouns"),
            ("adjectives", "adj."),
            ("adverbs", "adv."),
            ("verbs", "verbs"),
        ),
        (
            ("attributes", "attributes"),
            ("more_than_one_attribute", "with >1"),
            ("masks_per_image", "masks/img"),
            ("segments_grounded", "captioned"),
            ("nouns_beyond_class_names", "nouns beyond"),
        ),
    ),
    # The columns of COCONut-PanCap's Table 1, then those of Pix2Cap-COCO's.
    "image": (
        (
            ("samples", "samples"),
            ("images", "images"),
            ("words", "words"),
            ("sentences", "sent."),
            ("masks_per_image", "masks/img"),
            ("segments_grounded", "grounded"),
        ),
        (
            ("captions", "captions"),
            ("captions_per_image", "cap/img"),
            ("characters", "chars"),
            ("nouns", "nouns"),
            ("adjectives", "adj."),
            ("adverbs", "adv."),
            ("verbs", "verbs"),
            ("attributes", "attributes"),
            ("nouns_beyond_class_names", "nouns beyond"),
        ),
    ),
}

_TITLES: dict[Level, tuple[str, str]] = {
    "region": (
        "Captions of regions: per caption (columns of Pix2Cap-COCO, Table 1)",
        "Captions of regions: attributes, masks, classes",
    ),
    "image": (
        "Captions of images: text and masks (columns of COCONut-PanCap, Table 1)",
        "Captions of images: per caption",
    ),
}

WHOLE = ("images", "captions", "samples")
SHARES = ("more_than_one_attribute", "segments_grounded", "nouns_beyond_class_names")

_WIDE = 110
"""A terminal of so many columns has room between the numbers."""

_PIPE_COLUMNS = 1000
"""Without a terminal no line is folded or cut."""


def told(measure: str, value: float | None) -> str:
    """A value as tables show it; "" where there is none.

    >>> told("captions", 167254), told("words", 22.936), told("segments_grounded", 0.8321)
    ('167,254', '22.94', '83.2 %')
    """
    if value is None:
        return ""
    if measure in WHOLE:
        return f"{int(value):,}"
    return f"{100 * value:.1f} %" if measure in SHARES else f"{value:.2f}"


def print_statistics(sets: Sequence[CaptionSet], model: str | None, published: bool) -> None:
    """All tables, and how they were counted."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_COLUMNS, soft_wrap=True)
    for level in LEVELS:
        own = [one for one in sets if one.level == level]
        if not own:
            continue
        rows = of_level(level) if published else []
        for title, columns in zip(_TITLES[level], _TABLES[level], strict=True):
            table = _table(own, rows, columns, console.width)
            if table is not None:
                console.print(Text(title, style="bold"))
                console.print(table)
                console.print()
    for line in foot_lines(sets, model, published):
        console.print(line, style="dim", markup=False)


def _table(
    sets: Sequence[CaptionSet],
    rows: Sequence[PublishedRow],
    columns: Sequence[tuple[str, str]],
    width: int,
) -> Table | None:
    """One table; None where no dataset has a value for it."""
    shown = [
        (measure, head)
        for measure, head in columns
        if any(MEASURES[measure](one) is not None for one in sets)
        or any(row.value(measure) is not None for row in rows)
    ]
    if not any(MEASURES[measure](one) is not None for one in sets for measure, _ in shown):
        return None
    gap = 2 if width >= _WIDE else 1
    table = Table(box=None, padding=(0, gap, 0, 0), header_style="dim", pad_edge=False)
    # Where there is little room, names are broken, and no number is.
    table.add_column("", overflow="fold")
    for _, head in shown:
        table.add_column(head, justify="right", no_wrap=True)
    for one in sets:
        cells = [told(measure, MEASURES[measure](one)) for measure, _ in shown]
        table.add_row(Text(one.name, style="bold"), *cells)
    names = {measure for measure, _ in shown} - {"captions", "captions_per_image", "images"}
    fitting = [row for row in rows if names.intersection(row.printed)]
    if fitting:
        table.add_row(Text("published", style="dim italic"))
    for row in fitting:
        cells = [row.printed.get(measure, "") for measure, _ in shown]
        table.add_row(Text(row.name), *cells, style="dim")
    return table


def foot_lines(sets: Sequence[CaptionSet], model: str | None, published: bool) -> list[str]:
    """Where it is from and how it was counted, line by line."""
    lines = []
    for name in dict.fromkeys(one.name for one in sets):
        first = next(one for one in sets if one.name == name)
        read = ", ".join(str(path) for path in first.notes.read[:3])
        more = len(first.notes.read) - 3
        line = f"{name}: {read}{f' and {more} more' if more > 0 else ''} ({first.kind})"
        lines.append("; ".join([line, *first.notes.lines()]))
    lines.append(f"words: {WORDS_BY}")
    lines.append(
        f"parts of speech: {model}; verbs without auxiliaries"
        if model
        else "parts of speech were not told (--no-pos)"
    )
    if published:
        places: dict[str, list[str]] = {}
        notes: list[str] = []
        for level in LEVELS:
            if any(one.level == level for one in sets):
                for row in of_level(level):
                    places.setdefault(row.paper, []).extend(row.places)
                    if row.note:
                        notes.append(f"{row.name}: {row.note}")
        for paper, found in places.items():
            lines.append(f"published: {paper}: {'; '.join(dict.fromkeys(found))}")
        lines += notes
        lines.append("published values are by the papers' own rules, of which they tell little")
    return lines


def statistics_json(
    sets: Sequence[CaptionSet], model: str | None, published: bool, most: int
) -> dict[str, Any]:
    """All of it as JSON-like values, the ``most`` most frequent words among it."""
    return {
        "counted_by": {"words": WORDS_BY, "parts_of_speech": model},
        "datasets": [_set_json(one, most) for one in sets],
        "published": [
            {
                "name": row.name,
                "published": True,
                "level": row.level,
                "paper": row.paper,
                "places": row.places,
                "printed": row.printed,
                "measures": {name: row.value(name) for name in row.printed},
                "note": row.note,
            }
            for level in LEVELS
            if published and any(one.level == level for one in sets)
            for row in of_level(level)
        ],
    }


def _set_json(one: CaptionSet, most: int) -> dict[str, Any]:
    classes = one.tally.classes
    row: dict[str, Any] = {
        "name": one.name,
        "level": one.level,
        "format": one.kind,
        "files": [path.as_posix() for path in one.notes.read],
        "notes": one.notes.lines(),
        "measures": {name: _rounded(measure(one)) for name, measure in MEASURES.items()},
        "samples_without_caption": one.without_caption,
        "length_quartiles": [length_quantile(one, percent) for percent in (25, 50, 75)],
        "lengths": _counts(one.tally.lengths),
        "common_words": _by_word(most_common(one.tally.word_forms, most)),
    }
    if classes is not None:
        row |= {
            "attributes": _counts(classes.attributes),
            "common_nouns": [asdict(noun) for noun in common_nouns(one, most)],
            "common_adjectives": _by_word(most_common(classes.adjective_forms, most)),
            "common_verbs": _by_word(common_verbs(one, most)),
            "noun_kinds": noun_kinds(one),
            "common_nouns_beyond_class_names": _by_word(common_nouns(one, most, beyond=True)),
        }
    return row


def _by_word(common: Sequence[Common]) -> dict[str, int]:
    """How often each word comes, the most frequent first."""
    return {one.word: one.times for one in common}


def _counts(counts: Mapping[int, int]) -> dict[str, int]:
    """How many captions have each number, from the least."""
    return {str(n): times for n, times in sorted(counts.items())}


def _rounded(value: float | None) -> float | None:
    """To six digits behind the point: what lies behind is no finding."""
    return None if value is None else round(value, 6)
