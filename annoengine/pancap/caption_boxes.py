"""Finds the boxes that a panoptic caption writes into its sentences, and writes them there.

What is written is exact and comes back from parsing exactly: ``[[0.004, 0.322, 0.454, 0.927]]``.
What is found may deviate in every way that published captions and models show: one pair of
brackets, round ones about them, several boxes in a row, other decimals, a grid of 999 or 1000
steps, pixels, corners in the wrong order. Every offset is one of the text as it was given, so that
whoever reads the sentence about a box still finds it. Pure; no grammar is asked here.

Source: the forms are those of the captions of arXiv 2505.16334 (SA-Pancap, test and validation)
and of its training data (``<box>[[…]]</box>``, a grid of 1000).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from annoengine.pancap.content import BoxUnit

Grid = Literal["shares", "of 999", "of 1000", "pixels"]
"""What the numbers of a box count: shares of the image, steps of a grid, or pixels."""

BoxForm = Literal["apposed", "with", "box of", "at"]
"""How a sentence brings a box in.

``apposed``: straight after a name, "a cup [[…]]", "a cup (bounding box: [[…]])".
``with``: "a cup on the table with a bounding box of [[…]]".
``box of``: "the cup's bounding box is [[…]]", "the bounding box of the cup is [[…]]".
``at``: "the cup is located at [[…]]", "the cup covers [[…]]".
"""

BoxTrouble = Literal["count", "empty", "outside", "reversed", "clamped", "size unknown"]
"""``count``: not four numbers. ``empty``: no area. ``outside``: beyond the grid or the image by
more than rounding. These, and ``size unknown`` (pixels of an image whose size was not given), give
no box. ``reversed`` (corners in the wrong order) and ``clamped`` (over the edge by a rounding) are
mended."""

DECIMALS = 3
"""Digits after the point. Source: the test captions of SA-Pancap."""

_ROUNDING = 0.02
"""How far beyond the edge a number may be and still be clamped, as a share. Ours."""

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)"
_NAMED = rf"(?:[xy](?:_?(?:min|max|[12]))?\s*[:=]\s*)?{_NUMBER}"
_INNER = rf"\[\s*{_NAMED}(?:\s*[,;]\s*{_NAMED})+\s*,?\s*\]"
_LIST = rf"\[\s*{_INNER}(?:\s*[,;]?\s*{_INNER})*\s*,?\s*\]"
_ROUND = rf"\(\s*{_NUMBER}(?:\s*,\s*{_NUMBER}){{3}}\s*\)"
_FOUND = re.compile(rf"(?:<box>\s*)?(?:{_LIST}|{_INNER}|{_ROUND})(?:\s*</box>)?")
_QUAD = re.compile(rf"[\[(]\s*({_NAMED}(?:\s*[,;]\s*{_NAMED})+)\s*,?\s*[\])]")
_VALUE = re.compile(rf"{_NUMBER}(?=\s*(?:[,;]|$))")

_BOX = r"(?:bounding[ -]?box(?:es)?|bbox(?:es)?|box(?:es)?|coordinates|location)"
_LEAD_WITH = re.compile(
    rf"(?:,\s*)?\b(?:with|has|having)\s+(?:(?:a|an|its|his|her|their|the)\s+)?{_BOX}"
    r"(?:\s+(?:of|at|being|as))?\s*[:=]?\s*[(*`\"]*$",
    re.IGNORECASE,
)
_LEAD_APPOSED = re.compile(
    rf"[(*`\"]*\s*(?:\b(?:with\s+)?(?:the\s+)?{_BOX}\s*[:=]\s*|\b(?:at|located at)\s+)?"
    r"[(*`\"]*$",
    re.IGNORECASE,
)
_LEAD_BOX_OF = re.compile(
    rf"(?:['’]s?|\b(?:its|his|her|their|whose)|\b{_BOX}\s+(?:of|for)\s+[^.:;\[]{{1,80}}?)\s*"
    rf"(?:{_BOX})?\s*(?:(?:is|are|being|spans|covers|lies at|is given (?:as|by)|at)\b)?"
    r"\s*[:=]?\s*[(*`\"]*$",
    re.IGNORECASE,
)
_LEAD_AT = re.compile(
    r"\b(?:(?:located|positioned|situated|found|placed|seen|visible|lies|lying|is|are|stands|sits|"
    r"appears)\s+(?:at|in|within|around)|spans|spanning|covers|covering|occupies|occupying|fills|"
    rf"filling|bounded by|at)\s+(?:the\s+)?(?:{_BOX}|area|region|coordinates)?\s*[:=]?\s*"
    r"[(*`\"]*$",
    re.IGNORECASE,
)
_LOOK_BACK = 140


@dataclass(frozen=True)
class CaptionBox:
    """A box and where its text stands: ``text[start:end]`` are its brackets.

    ``first`` and ``past`` bound the brackets with all that only serves them: round brackets about
    them, "bounding box:", "with a bounding box of", "at". Taking them out leaves the sentence.
    """

    box: BoxUnit
    start: int
    end: int
    form: BoxForm
    first: int
    past: int


@dataclass(frozen=True)
class WrittenBox:
    """Numbers in brackets as they were written, four or another count of them.

    Its places are those of :class:`CaptionBox`.
    """

    numbers: tuple[float, ...]
    start: int
    end: int
    form: BoxForm
    first: int
    past: int


@dataclass(frozen=True)
class BoxFault:
    """Numbers in brackets that are no box, or that had to be mended."""

    trouble: BoxTrouble
    start: int
    end: int


@dataclass(frozen=True)
class FoundBoxes:
    """All boxes of a caption in their order, what was wrong, and what the numbers count.

    ``grid_sure``: no other grid would have held all of these numbers.
    """

    boxes: tuple[CaptionBox, ...]
    faults: tuple[BoxFault, ...]
    grid: Grid
    grid_sure: bool


@dataclass(frozen=True)
class PlacedBox:
    """A box, and the offset in the prose at which its brackets stand."""

    at: int
    box: BoxUnit


@dataclass(frozen=True)
class Boxed:
    """A caption as prose and boxes: the grammar's value. ``boxes`` in the order of the text."""

    prose: str
    boxes: tuple[PlacedBox, ...] = ()


@dataclass(frozen=True)
class _Raw:
    """Four or another count of numbers as they were written."""

    values: tuple[float, ...]
    start: int
    end: int
    fraction: bool
    group: tuple[int, int]


def write_box(box: BoxUnit) -> str:
    """The published form of a box.

    >>> write_box((0.25, 0.5, 1.0, 1.0))
    '[[0.250, 0.500, 1.000, 1.000]]'
    """
    return "[[" + ", ".join(f"{value:.{DECIMALS}f}" for value in box) + "]]"


def rounded_box(box: BoxUnit) -> BoxUnit:
    """The box as it is written; one that is too small for that keeps a step each way.

    >>> rounded_box((0.1, 0.12345, 0.1002, 0.9999))
    (0.1, 0.123, 0.101, 1.0)
    """
    step = 10**-DECIMALS
    x1, y1, x2, y2 = (round(min(max(value, 0.0), 1.0), DECIMALS) for value in box)
    x1, y1 = min(x1, 1 - step), min(y1, 1 - step)
    return (
        round(x1, DECIMALS),
        round(y1, DECIMALS),
        round(max(x2, x1 + step), DECIMALS),
        round(max(y2, y1 + step), DECIMALS),
    )


def write_boxed(boxed: Boxed) -> str:
    """The caption's text. Raises ValueError where reading it would give something else.

    >>> write_boxed(Boxed("A cup .", (PlacedBox(6, (0.1, 0.2, 0.3, 0.4)),)))
    'A cup [[0.100, 0.200, 0.300, 0.400]].'
    """
    pieces, last = [], 0
    for placed in boxed.boxes:
        if not last <= placed.at <= len(boxed.prose):
            raise ValueError(f"a box stands at {placed.at}, outside the prose or out of order")
        pieces += [boxed.prose[last : placed.at], write_box(placed.box)]
        last = placed.at
    text = "".join([*pieces, boxed.prose[last:]])
    if parse_boxed(text) != boxed:
        raise ValueError(f"the prose or a box would be read differently: {text!r}")
    return text


def parse_boxed(text: str, size_wh: tuple[int, int] | None = None) -> Boxed:
    """A caption's prose and boxes. What is no box stays in the prose.

    >>> parse_boxed("A cup [[0.1, 0.2, 0.3, 0.4]].")
    Boxed(prose='A cup .', boxes=(PlacedBox(at=6, box=(0.1, 0.2, 0.3, 0.4)),))
    """
    found = find_boxes(text, size_wh).boxes
    prose: list[str] = []
    placed: list[PlacedBox] = []
    last = length = 0
    for box in found:
        if box.start > last:
            prose.append(text[last : box.start])
            length += box.start - last
        last = max(last, box.end)
        placed.append(PlacedBox(length, box.box))
    return Boxed("".join([*prose, text[last:]]), tuple(placed))


def find_written(text: str) -> tuple[WrittenBox, ...]:
    """All that is written like a box, whatever its numbers count, in the order of the text.

    >>> [(box.numbers, box.form) for box in find_written("a cup (box: [100, 200, 300, 400])")]
    [((100.0, 200.0, 300.0, 400.0), 'apposed')]
    """
    found = [
        WrittenBox(raw.values, raw.start, raw.end, *_surroundings(text, raw.group))
        for raw in _raws(text)
    ]
    return _adjacent(text, found)


def find_boxes(
    text: str, size_wh: tuple[int, int] | None = None, grid: Grid | None = None
) -> FoundBoxes:
    """Every box of a caption, as shares. ``size_wh``: the image's, for pixels.

    Without ``grid`` the numbers themselves tell it: one caption counts in one grid, but a box of
    numbers up to 1 is always one of shares. Where both pixels and a grid of 1000 would do, the one
    is taken under which the boxes reach further, since a panoptic caption covers its image.

    >>> find_boxes("a cup [100, 200, 300, 400]").boxes[0].box
    (0.1, 0.2, 0.3, 0.4)
    """
    raws = _raws(text)
    counted = [raw for raw in raws if len(raw.values) == 4]
    sure = True
    if grid is None:
        grid, sure = _grid_of([raw for raw in counted if not are_shares(raw.values)], size_wh)
    boxes: list[CaptionBox] = []
    faults: list[BoxFault] = []
    for raw in raws:
        own = "shares" if are_shares(raw.values) else grid
        box, troubles = box_as_shares(raw.values, own, size_wh)
        faults += [BoxFault(trouble, raw.start, raw.end) for trouble in troubles]
        if box is not None:
            form, first, past = _surroundings(text, raw.group)
            boxes.append(CaptionBox(box, raw.start, raw.end, form, first, past))
    return FoundBoxes(_adjacent(text, boxes), tuple(faults), grid, sure)


def _raws(text: str) -> list[_Raw]:
    found: list[_Raw] = []
    for match in _FOUND.finditer(text):
        quads = list(_QUAD.finditer(text, match.start(), match.end()))
        wrapped = match.group().startswith(("[[", "<box>"))
        for n, quad in enumerate(quads):
            values = tuple(float(value) for value in _VALUE.findall(quad.group(1)))
            fraction = "." in quad.group(1)
            if len(values) != 4 and not wrapped and not (fraction and len(values) > 2):
                continue  # "[1, 2]" is a citation or a list.
            if quad.group().startswith("(") and not fraction:
                continue  # "(1, 2, 3, 4)" may be anything.
            start = match.start() if n == 0 else quad.start()
            end = match.end() if n == len(quads) - 1 else quads[n + 1].start()
            found.append(_Raw(values, start, end, fraction, match.span()))
    return found


def are_shares(numbers: Sequence[float]) -> bool:
    """Are these shares of the image, whatever the other boxes of the text count?"""
    return max(numbers) <= 1 + _ROUNDING


def _grid_of(raws: Sequence[_Raw], size_wh: tuple[int, int] | None) -> tuple[Grid, bool]:
    """The grid of boxes that are no shares, and whether no other could hold them."""
    if not raws:
        return "shares", True
    right = max(max(raw.values[0], raw.values[2]) for raw in raws)
    low = max(max(raw.values[1], raw.values[3]) for raw in raws)
    most = max(right, low)
    steps: Grid = "of 999" if most == 999 else "of 1000"
    if most > 1000:
        return "pixels", True
    if size_wh is None:
        return steps, False
    width, height = size_wh
    if right > width * (1 + _ROUNDING) or low > height * (1 + _ROUNDING):
        return steps, True
    pixels = right / width + low / height
    return ("pixels", False) if pixels > (right + low) / 1000 else (steps, False)


def box_as_shares(
    numbers: Sequence[float], grid: Grid, size_wh: tuple[int, int] | None
) -> tuple[BoxUnit | None, list[BoxTrouble]]:
    """The box of four numbers that count in ``grid``, or None, and what was wrong.

    >>> box_as_shares((64, 480, 640, 48), "pixels", (640, 480))
    ((0.1, 0.1, 1.0, 1.0), ['reversed'])
    """
    if len(numbers) != 4:
        return None, ["count"]
    if grid == "pixels" and size_wh is None:
        return None, ["size unknown"]
    steps = {"shares": 1.0, "of 999": 999.0, "of 1000": 1000.0}.get(grid, 0.0)
    across, down = size_wh if grid == "pixels" and size_wh is not None else (steps, steps)
    x1, y1, x2, y2 = (value / unit for value, unit in zip(numbers, (across, down) * 2, strict=True))
    if not all(-_ROUNDING <= value <= 1 + _ROUNDING for value in (x1, y1, x2, y2)):
        return None, ["outside"]
    troubles: list[BoxTrouble] = []
    if x1 > x2 or y1 > y2:
        troubles.append("reversed")
        x1, x2 = sorted((x1, x2))
        y1, y2 = sorted((y1, y2))
    clamped = tuple(min(max(value, 0.0), 1.0) for value in (x1, y1, x2, y2))
    if clamped != (x1, y1, x2, y2):
        troubles.append("clamped")
    x1, y1, x2, y2 = clamped
    if x1 == x2 or y1 == y2:
        return None, ["empty"]
    return (x1, y1, x2, y2), troubles


def _surroundings(text: str, group: tuple[int, int]) -> tuple[BoxForm, int, int]:
    """How brackets are brought in, and where they begin and end with what serves only them."""
    start, end = group
    begin = max(0, start - _LOOK_BACK)
    before = text[begin:start]
    form: BoxForm = "apposed"
    first = start
    for name, pattern in _LEADS:
        match = pattern.search(before)
        if match is not None:
            form = name
            words = match.group().rstrip('(*`" ')
            first = begin + match.start() if name != "box of" else start
            first = first if words or name == "apposed" else start
            break
    past = end
    while past < len(text) and text[past] in ')*`"' and _opens(text[first:start], text[past]):
        past += 1
    return form, first, past


def _opens(lead: str, closing: str) -> bool:
    return ("(" if closing == ")" else closing) in lead


_LEADS: tuple[tuple[BoxForm, re.Pattern[str]], ...] = (
    ("with", _LEAD_WITH),
    ("box of", _LEAD_BOX_OF),
    ("at", _LEAD_AT),
    ("apposed", _LEAD_APPOSED),
)


_Found = TypeVar("_Found", CaptionBox, WrittenBox)


def _adjacent(text: str, boxes: Sequence[_Found]) -> tuple[_Found, ...]:
    """Boxes in a row ("[[…]] and [[…]]") are brought in as the first of them is."""
    found: list[_Found] = []
    for box in boxes:
        if found and re.fullmatch(r"[\s,;&)(]*(?:and\b\s*)?[(]?", text[found[-1].end : box.start]):
            box = replace(box, form=found[-1].form, first=found[-1].past)
        found.append(box)
    return tuple(found)
