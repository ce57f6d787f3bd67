"""Draws the most frequent words: by part of speech (Pix2Cap-COCO, Fig. 3 C), and the nouns beside
the class names (COCONut-PanCap, Fig. 4)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial

from annoengine.figure import Figure, shortened
from annoengine.statistics.class_names import NounKind
from annoengine.statistics.counting import CaptionSet
from annoengine.statistics.measures import (
    Common,
    common_nouns,
    common_verbs,
    most_common,
    noun_kinds,
    nouns_beyond_class_names,
)
from annoengine.statistics.plot_frame import (
    COLOURS,
    FAINT,
    GRID,
    INK,
    MARGIN,
    SMALL,
    TEXT,
    colour_of,
    head,
    head_height,
    legend,
    number,
    round_step,
)
from annoengine.statistics.words import FUNCTION_WORDS

_PANEL = 300
_WORD_ROOM = 92
_BAR = 17
_ABOVE, _BELOW = 46, 60
"""Room of a panel above its bars, for names, and below them, for the axis."""

KIND_COLOURS: dict[NounKind, str] = {
    "class name": COLOURS[0],
    "other word": COLOURS[5],
    "beyond": COLOURS[1],
}
_KINDS_TOLD: dict[NounKind, str] = {
    "class name": "in a class name",
    "other word": "another word for a class",
    "beyond": "beyond the classes",
}


def draw_common_words(sets: Sequence[CaptionSet], most: int) -> Figure:
    """A row of panels for each dataset; one of all words where parts of speech are not told."""
    rows = [_panels_of(one, most) for one in sets]
    line = "all forms of a noun are one, and all of a verb"
    if any(one.tally.classes is None for one in sets):
        line = "words that only join others (the, of, is …) are left out"
    figure, tops = _rows(rows, "Most common words", [line])
    for number_of_row, (one, panels) in enumerate(zip(sets, rows, strict=True)):
        at = tops[number_of_row]
        figure.words((MARGIN, at + 16), shortened(one.name, 600, TEXT), TEXT, INK)
        colour = partial(_one_colour, colour_of(number_of_row))
        for k, (title, found) in enumerate(panels):
            corner = (MARGIN + k * (_PANEL + MARGIN), at)
            _bars(figure, corner, title, found, one.tally.captions, colour)
    return figure


def _one_colour(colour: str, common: Common) -> str:
    return colour


def _panels_of(one: CaptionSet, most: int) -> list[tuple[str, list[Common]]]:
    classes = one.tally.classes
    if classes is None:
        forms = one.tally.word_forms
        own = {word: n for word, n in forms.items() if word not in FUNCTION_WORDS}
        return [("words", most_common(own, most))]
    return [
        ("nouns", common_nouns(one, most)),
        ("adjectives", most_common(classes.adjective_forms, most)),
        ("verbs", common_verbs(one, most)),
    ]


def draw_nouns(sets: Sequence[CaptionSet], most: int) -> Figure:
    """For each dataset its most frequent nouns, by what they are to its classes, and those beyond
    them."""
    rows = [
        [
            ("most frequent nouns", common_nouns(one, most)),
            ("most frequent beyond the classes", common_nouns(one, most, beyond=True)),
        ]
        for one in sets
    ]
    entries = [(KIND_COLOURS[kind], told) for kind, told in _KINDS_TOLD.items()]
    lines = ["singular and plural are one; classes: the dataset's own, or the 133 of COCO", ""]
    figure, tops = _rows(rows, "Nouns and class names", lines)
    legend(figure, (MARGIN, tops[0] - 18), entries)
    for number_of_row, (one, panels) in enumerate(zip(sets, rows, strict=True)):
        at = tops[number_of_row]
        share = 100 * (nouns_beyond_class_names(one) or 0)
        total = sum((noun_kinds(one) or {}).values())
        which = f"the {len(one.class_names):,} classes"
        told = f"{one.name}: {share:.0f} % of {total:,} nouns are beyond {which}"
        figure.words((MARGIN, at + 16), shortened(told, figure.width - 2 * MARGIN, TEXT), TEXT, INK)
        for k, (title, found) in enumerate(panels):
            corner = (MARGIN + k * (_PANEL + MARGIN), at)
            _bars(figure, corner, title, found, one.tally.captions, _kind_colour)
    return figure


def _kind_colour(common: Common) -> str:
    return KIND_COLOURS[common.kind or "beyond"]


def _row_height(panels: Sequence[tuple[str, Sequence[Common]]]) -> int:
    return _ABOVE + _BAR * max(1, *(len(found) for _, found in panels)) + _BELOW


def _rows(
    rows: Sequence[Sequence[tuple[str, Sequence[Common]]]], title: str, lines: Sequence[str]
) -> tuple[Figure, list[int]]:
    """The figure for rows of panels with its head, and where each row begins."""
    columns = max(len(row) for row in rows)
    width = max(2, columns) * (_PANEL + MARGIN) + MARGIN
    top = head_height(len(lines))
    tops = list(itertools.accumulate(map(_row_height, rows), initial=top))
    figure = Figure(width, tops[-1])
    head(figure, title, *lines)
    return figure, tops


def _bars(
    figure: Figure,
    corner: tuple[float, float],
    title: str,
    found: Sequence[Common],
    captions: int,
    colour: Callable[[Common], str],
) -> None:
    """One panel: bars with their words before them, over an axis."""
    left, top = corner[0] + _WORD_ROOM, corner[1] + _ABOVE
    right, bottom = corner[0] + _PANEL - 8, top + _BAR * len(found)
    figure.words((left, top - 8), title, SMALL, FAINT)
    if not found:
        figure.words((left, top + 14), "none", SMALL, FAINT)
        return
    rates = [100 * one.times / captions for one in found]
    step = round_step(max(rates), 4)
    high = max(rates) * 1.04
    for k in range(math.floor(high / step) + 1):
        x = left + (right - left) * k * step / high
        figure.line([(x, top), (x, bottom)], GRID)
        figure.words((x, bottom + 15), number(k * step), SMALL, FAINT, "middle")
    middle = (left + right) / 2
    figure.words((middle, bottom + 31), "times in 100 captions", SMALL, FAINT, "middle")
    for k, (one, rate) in enumerate(zip(found, rates, strict=True)):
        y = top + _BAR * k
        end = left + (right - left) * rate / high
        figure.box(left, y + 2, max(end, left + 1), y + _BAR - 2, colour(one))
        word = shortened(one.word, _WORD_ROOM - 10, SMALL)
        figure.words((left - 6, y + _BAR - 5), word, SMALL, INK, "end")
    figure.line([(left, top), (left, bottom)], FAINT)
