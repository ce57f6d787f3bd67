"""What may truly be said of a segment by itself: its colours, surface, shape, size and place.

The definitions, in the terms of :class:`annoengine.baseline.region_surface.Surface`,
:class:`annoengine.baseline.region_outline.Outline` and
:class:`annoengine.baseline.region_facts.RegionFacts`; W × H is the image:

``colour`` (form, words…)
    A word's share is the part of the segment's pixels whose cell has a name that the word is true
    of (``annoengine.colour.share_of``). ``entirely``: at least 0.90. ``mostly``: at least 0.60.
    ``two``: each at least 0.20, together at least 0.60. ``partly``: at least 0.25. ``many``: at
    least four families of at least 0.10 each.
``tinge`` (words…)
    Colours besides the main ones: each has a share of at least 0.10.
``tone``
    ``even``: 95th − 5th percentile of L* at most 12. ``contrast``: at least 70.
``grain``
    ``smooth``: grain at most 2. ``textured``: at least 15.
``shape``
    From 64 pixels up. ``round``: ellipse_iou ≥ 0.93 and elongation ≤ 1.2; ``oval``: ellipse_iou ≥
    0.93 and 1.2 < elongation ≤ 3; ``rectangular``: fill ≥ 0.93; ``narrow``: elongation ≥ 3.5 and
    solidity ≥ 0.6; ``irregular``: solidity ≤ 0.5.
``lie``
    From 64 pixels up, elongation ≥ 2. ``upright``: |angle| ≥ 75; ``level``: |angle| ≤ 15;
    ``rising``: 25 ≤ angle ≤ 65 (from the lower left to the upper right); ``falling``: the mirror.
``parts`` (n)
    n ≥ 2 parts, each with at least a tenth of the area.
``proportion`` (tall | wide, k)
    Of the box. k ≥ 2: height / width (or width / height) within 0.25 of k. k = 1: at least 1.25
    and none of those.
``share`` (percent)
    Area / (W H), rounded: 0 below 0.5 %, to whole percents below 10 %, to fives above.
    ``box_share``: the same of the box, where there is no mask.
``place`` (column, row)
    The third of the image that holds the centre. The column is left out (``""``) where the box is
    at least 0.6 W wide, the row where it is at least 0.6 H high.
``edges`` (left, top, right, bottom)
    Those sides of the image that the box comes within one pixel of.
``centre`` (x, y)
    Its centre in percent of W and H, rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from annoengine import colour
from annoengine.baseline.claim import Draft, Value
from annoengine.baseline.region_facts import RegionFacts
from annoengine.baseline.region_outline import Outline
from annoengine.baseline.region_surface import Surface

ENTIRELY, MOSTLY, TWO_EACH, TWO_TOGETHER, PARTLY, SOME = 0.90, 0.60, 0.20, 0.60, 0.25, 0.10
SPECIFIC = 0.75
"""A narrower colour word is used where it covers this part of its family's share."""
EVEN_L, CONTRAST_L = 12.0, 70.0
SMOOTH, TEXTURED = 2.0, 15.0
SHAPE_PX = 64


def looks_of(facts: RegionFacts, size_wh: tuple[int, int]) -> Iterator[Draft]:
    """Everything that is true of a segment of an image by itself."""
    yield from _surface(facts)
    yield from _outline(facts)
    yield from _place(facts, size_wh)


def _surface(facts: RegionFacts) -> Iterator[Draft]:
    surface = facts.surface
    if surface is None:
        return
    yield from _colours(surface)
    spread = surface.light_high - surface.light_low
    if spread <= EVEN_L:
        yield "tone", ("even",), ()
    elif spread >= CONTRAST_L:
        yield "tone", ("contrast",), ()
    if surface.grain <= SMOOTH:
        yield "grain", ("smooth",), ()
    elif surface.grain >= TEXTURED:
        yield "grain", ("textured",), ()


def _families(surface: Surface) -> list[tuple[str, float]]:
    """Families with their shares, largest first."""
    totals: dict[str, float] = {}
    for name, share in surface.colours:
        family = colour.family_of(name)
        totals[family] = totals.get(family, 0.0) + share
    return sorted(totals.items(), key=lambda item: (-item[1], item[0]))


def _word(family: str, least: float, surface: Surface) -> str:
    """The narrowest word of a family that covers most of it and reaches ``least``."""
    total = colour.share_of(family, surface.colours)
    words: dict[str, int] = {}
    for name, _ in surface.colours:
        if colour.family_of(name) == family:
            for width, word in enumerate(colour.words_for(name)):
                words[word] = max(words.get(word, 0), width)
    for word in sorted(words, key=lambda w: (words[w], -colour.share_of(w, surface.colours), w)):
        share = colour.share_of(word, surface.colours)
        if share >= least and share >= SPECIFIC * total:
            return word
    return family


def _colours(surface: Surface) -> Iterator[Draft]:
    families = _families(surface)
    first, share = families[0]
    second, other = families[1] if len(families) > 1 else ("", 0.0)
    if share >= ENTIRELY:
        yield "colour", ("entirely", _word(first, ENTIRELY, surface)), ()
        return
    used = 1
    if share >= MOSTLY:
        yield "colour", ("mostly", _word(first, MOSTLY, surface)), ()
    elif other >= TWO_EACH and share + other >= TWO_TOGETHER:
        # The narrower words must still reach the sum together.
        words = (_word(first, TWO_EACH, surface), _word(second, TWO_EACH, surface))
        if sum(colour.share_of(word, surface.colours) for word in words) < TWO_TOGETHER:
            words = (first, second)
        yield "colour", ("two", *words), ()
        used = 2
    elif share >= PARTLY:
        yield "colour", ("partly", _word(first, PARTLY, surface)), ()
    else:
        used = 0
        if len([family for family in families if family[1] >= SOME]) >= 4:
            yield "colour", ("many",), ()
    rest = [family for family, part in families[used : used + 2] if part >= SOME]
    if rest:
        yield "tinge", tuple(_word(family, SOME, surface) for family in rest), ()


def colour_holds(value: Value, surface: Surface) -> bool:
    """Is a colour claim, as defined above, also true of another surface?"""
    form, *words = (str(part) for part in value)
    shares = [colour.share_of(word, surface.colours) for word in words]
    if form == "many":
        return len([f for f in _families(surface) if f[1] >= SOME]) >= 4
    if form == "two":
        return min(shares) >= TWO_EACH and sum(shares) >= TWO_TOGETHER
    return shares[0] >= {"entirely": ENTIRELY, "mostly": MOSTLY, "partly": PARTLY}[form]


def _outline(facts: RegionFacts) -> Iterator[Draft]:
    x1, y1, x2, y2 = facts.box_xyxy
    yield from _proportion(x2 - x1, y2 - y1)
    outline = facts.outline
    if outline is None:
        return
    if outline.parts >= 2:
        yield "parts", (outline.parts,), ()
    if facts.area_px >= SHAPE_PX:
        yield from _shape(outline)


def _shape(outline: Outline) -> Iterator[Draft]:
    if outline.ellipse_iou >= 0.93 and outline.elongation <= 1.2:
        yield "shape", ("round",), ()
    elif outline.ellipse_iou >= 0.93 and outline.elongation <= 3:
        yield "shape", ("oval",), ()
    elif outline.fill >= 0.93:
        yield "shape", ("rectangular",), ()
    elif outline.elongation >= 3.5 and outline.solidity >= 0.6:
        yield "shape", ("narrow",), ()
    elif outline.solidity <= 0.5:
        yield "shape", ("irregular",), ()
    if outline.elongation >= 2:
        angle = outline.angle_deg
        if abs(angle) >= 75:
            yield "lie", ("upright",), ()
        elif abs(angle) <= 15:
            yield "lie", ("level",), ()
        elif 25 <= abs(angle) <= 65:
            yield "lie", ("rising" if angle > 0 else "falling",), ()


def _proportion(width: float, height: float) -> Iterator[Draft]:
    way, ratio = ("tall", height / width) if height >= width else ("wide", width / height)
    times = round(ratio)
    if times >= 2 and abs(ratio - times) <= 0.25:
        yield "proportion", (way, times), ()
    elif ratio >= 1.25:
        yield "proportion", (way, 1), ()


def percent_of(part: float) -> int:
    """A share of the image as it is spoken: 0 below half a percent, fives from ten on.

    >>> [percent_of(part) for part in (0.004, 0.034, 0.098, 0.1249, 0.13)]
    [0, 3, 10, 10, 15]
    """
    percent = part * 100
    if percent < 0.5:
        return 0
    rounded = math.floor(percent + 0.5)
    return rounded if rounded < 10 else 5 * math.floor(percent / 5 + 0.5)


def _place(facts: RegionFacts, size_wh: tuple[int, int]) -> Iterator[Draft]:
    width, height = size_wh
    x1, y1, x2, y2 = facts.box_xyxy
    share = percent_of(facts.area_px / (width * height))
    yield "share" if facts.has_mask else "box_share", (share,), ()
    column = row = ""
    if x2 - x1 < 0.6 * width:
        column = ("left", "centre", "right")[min(2, int(3 * facts.centre_xy[0] / width))]
    if y2 - y1 < 0.6 * height:
        row = ("top", "middle", "bottom")[min(2, int(3 * facts.centre_xy[1] / height))]
    if column or row:
        yield "place", (column, row), ()
    reached = {
        "left": x1 <= 1,
        "top": y1 <= 1,
        "right": x2 >= width - 1,
        "bottom": y2 >= height - 1,
    }
    if any(reached.values()):
        yield "edges", tuple(side for side, met in reached.items() if met), ()
    x, y = facts.centre_xy
    yield "centre", (math.floor(100 * x / width + 0.5), math.floor(100 * y / height + 0.5)), ()
