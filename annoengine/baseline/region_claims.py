"""What may truly be said of a segment, as typed claims with exact definitions.

Measurements come in (``annoengine.baseline.region_facts``), claims go out; words are made of claims
alone (``annoengine.baseline.region_english``), so that every sentence has a definition here that
anyone can check against the pixels. All of it is of the picture plane: "above" is higher in the
picture, "next to" is sharing an outline in it. Nothing is said of depth.

The definitions, in the terms of :class:`annoengine.baseline.region_facts.RegionFacts`; W × H is the
image:

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
``count`` (exactly | at least, n)
    n ≥ 2 segments of the same name that are no crowd; "at least" where there is a crowd as well.
``ordinal`` (k, side)
    k − 1 segments of the same name have their centre nearer to that side by at least 0.02 of the
    image's width (height for top and bottom), all others farther by as much, and every crowd of
    that name lies wholly farther. k ≤ 4.
``extreme``
    Among two or more segments of the same name, none a crowd, all with masks. ``largest`` /
    ``smallest``: area differs from the next by a factor of at least 1.1. ``lightest`` /
    ``darkest``: mean L* differs from the next by at least 4.
``direction`` (where) of another
    With overlap in x at most 0.2 of the narrower box ("apart in x"), and the same in y: apart in
    x alone: ``left`` or ``right``; in y alone: ``above`` or ``below``; in both: ``above left`` ….
``touch`` another
    At least four edges lead into the other, and at least 0.05 of the edges of the one that has
    fewer.
``bordered`` by another / ``surrounded`` by another
    At least 0.5 of the edges lead into the other / at least 0.9, and the frame is not reached.
``inside`` / ``overlap`` another
    At least 0.95 of its pixels are the other's too, and not the other way round / at least 0.1.
``between`` (across | down) two others
    It is right of (below) the first and left of (above) the second.
``centre`` (x, y)
    Its centre in percent of W and H, rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from annoengine import colour
from annoengine.baseline.region_facts import Outline, RegionFacts, Scene, Surface
from annoengine.box import BoxXyxy
from annoengine.categories import words_of

ENTIRELY, MOSTLY, TWO_EACH, TWO_TOGETHER, PARTLY, SOME = 0.90, 0.60, 0.20, 0.60, 0.25, 0.10
SPECIFIC = 0.75
"""A narrower colour word is used where it covers this part of its family's share."""
EVEN_L, CONTRAST_L = 12.0, 70.0
SMOOTH, TEXTURED = 2.0, 15.0
SHAPE_PX = 64
APART, TOUCH_EDGES, TOUCH_SHARE = 0.2, 4, 0.05
ORDINAL_GAP, LAST_ORDINAL = 0.02, 4
NEARBY = 0.12
"""Directions are given of segments whose boxes are at most this part of the diagonal apart."""

Value = tuple[str | int, ...]


@dataclass(frozen=True)
class Claim:
    """One checkable statement about a segment, and about ``others`` where it relates."""

    kind: str
    segment: int
    value: Value = ()
    others: tuple[int, ...] = ()


def claims_of(scene: Scene) -> dict[int, tuple[Claim, ...]]:
    """Every true claim about each segment that is no crowd, in a fixed order."""
    groups = groups_of(scene)
    claims: dict[int, tuple[Claim, ...]] = {}
    for facts in scene.regions:
        if facts.iscrowd:
            continue
        own = [
            *_surface(facts),
            *_outline(facts),
            *_place(facts, scene.size_wh),
            *_among(facts, scene, groups[name_of(facts)]),
            *_relations(facts, scene),
        ]
        claims[facts.id] = tuple(Claim(k, facts.id, v, o) for k, v, o in own)
    return claims


Draft = tuple[str, Value, tuple[int, ...]]


def name_of(facts: RegionFacts) -> str:
    """The name that segments of one kind share: the category's, as it is shown."""
    return words_of(facts.category).show


def groups_of(scene: Scene) -> dict[str, list[RegionFacts]]:
    """The segments of each name, crowds among them, in the record's order."""
    groups: dict[str, list[RegionFacts]] = {}
    for facts in scene.regions:
        groups.setdefault(name_of(facts), []).append(facts)
    return groups


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


def _among(facts: RegionFacts, scene: Scene, group: list[RegionFacts]) -> Iterator[Draft]:
    if not (facts.isthing and words_of(facts.category).countable):
        return
    ones = [other for other in group if not other.iscrowd]
    crowds = [other for other in group if other.iscrowd]
    if len(ones) < 2:
        return
    yield "count", ("at least" if crowds else "exactly", len(ones)), ()
    for axis, (near, far) in enumerate((("left", "right"), ("top", "bottom"))):
        size = scene.size_wh[axis]
        gap = ORDINAL_GAP * size
        own = facts.centre_xy[axis]
        before = [o for o in ones if o.id != facts.id and o.centre_xy[axis] <= own - gap]
        after = [o for o in ones if o.id != facts.id and o.centre_xy[axis] >= own + gap]
        if len(before) + len(after) != len(ones) - 1:
            continue
        if all(c.box_xyxy[axis] >= own + gap for c in crowds) and len(before) < LAST_ORDINAL:
            yield "ordinal", (len(before) + 1, near), ()
        if all(c.box_xyxy[axis + 2] <= own - gap for c in crowds) and len(after) < LAST_ORDINAL:
            yield "ordinal", (len(after) + 1, far), ()
    if crowds or not all(one.surface for one in ones):
        return
    yield from _extremes(facts, ones)


def _extremes(facts: RegionFacts, ones: list[RegionFacts]) -> Iterator[Draft]:
    others = [other for other in ones if other.id != facts.id]
    if all(facts.area_px >= 1.1 * other.area_px for other in others):
        yield "extreme", ("largest", len(ones)), ()
    if all(facts.area_px * 1.1 <= other.area_px for other in others):
        yield "extreme", ("smallest", len(ones)), ()
    light = facts.surface.light_mean if facts.surface else 0.0
    lights = [other.surface.light_mean for other in others if other.surface]
    if all(light >= other + 4 for other in lights):
        yield "extreme", ("lightest", len(ones)), ()
    if all(light <= other - 4 for other in lights):
        yield "extreme", ("darkest", len(ones)), ()


def direction(a: BoxXyxy, b: BoxXyxy) -> str:
    """Where box ``a`` is, seen from ``b``; empty where neither axis sets them apart.

    >>> direction((0, 0, 4, 4), (5, 1, 9, 5)), direction((0, 0, 4, 4), (3, 9, 7, 12))
    ('left', 'above')
    >>> direction((6, 6, 8, 8), (0, 0, 5, 5)), direction((0, 0, 4, 4), (1, 1, 3, 3))
    ('below right', '')
    """

    def apart(axis: int) -> bool:
        shared = min(a[axis + 2], b[axis + 2]) - max(a[axis], b[axis])
        return shared <= APART * min(a[axis + 2] - a[axis], b[axis + 2] - b[axis])

    across = ("left" if a[0] + a[2] < b[0] + b[2] else "right") if apart(0) else ""
    down = ("above" if a[1] + a[3] < b[1] + b[3] else "below") if apart(1) else ""
    return " ".join(part for part in (down, across) if part)


def gap_px(a: BoxXyxy, b: BoxXyxy) -> float:
    """The distance of two boxes; 0 where they meet.

    >>> gap_px((0, 0, 2, 2), (5, 6, 7, 8))
    5.0
    """
    return math.hypot(max(0, a[0] - b[2], b[0] - a[2]), max(0, a[1] - b[3], b[1] - a[3]))


def touches(a: RegionFacts, b: RegionFacts) -> bool:
    """The claim ``touch``."""
    shared = max(a.contacts.get(b.id, 0), b.contacts.get(a.id, 0))
    return shared >= TOUCH_EDGES and shared >= TOUCH_SHARE * min(a.edges, b.edges)


def _relations(facts: RegionFacts, scene: Scene) -> Iterator[Draft]:
    reach = NEARBY * math.hypot(*scene.size_wh)
    where: dict[str, list[int]] = {}
    others = [other for other in scene.regions if other.id != facts.id and not other.iscrowd]
    # Nearest first, so that what is cut short later is the far.
    others.sort(key=lambda o: (gap_px(facts.box_xyxy, o.box_xyxy), -o.area_px, o.id))
    for other in others:
        for found in _closeness(facts, other):
            yield found, (), (other.id,)
        if touches(facts, other):
            yield "touch", (), (other.id,)
        if gap_px(facts.box_xyxy, other.box_xyxy) > reach:
            continue
        side = direction(facts.box_xyxy, other.box_xyxy)
        if side:
            yield "direction", (side,), (other.id,)
            where.setdefault(side, []).append(other.id)
    for way, first, second in (("across", "right", "left"), ("down", "below", "above")):
        if where.get(first) and where.get(second):
            yield "between", (way,), (where[first][0], where[second][0])


def _closeness(facts: RegionFacts, other: RegionFacts) -> Iterator[str]:
    """All that is true, strongest first."""
    shared = facts.overlaps.get(other.id, 0.0)
    if shared >= 0.95 and other.overlaps.get(facts.id, 0.0) < 0.95:
        yield "inside"
    if shared >= 0.1:
        yield "overlap"
    reached = facts.contacts.get(other.id, 0)
    if facts.edges and reached >= 0.9 * facts.edges and not facts.frame_edges:
        yield "surrounded"
    if facts.edges and reached >= 0.5 * facts.edges:
        yield "bordered"


def sets_apart(claim: Claim, other: RegionFacts, others: Mapping[int, Sequence[Claim]]) -> bool:
    """Is a claim, which is true of its own segment, clearly untrue of another?

    Relations are left to the caller, who knows what the related segments are called.
    """
    same = [c for c in others[other.id] if c.kind == claim.kind]
    if claim.kind == "colour":
        return other.surface is None or not colour_holds(claim.value, other.surface)
    if claim.kind == "tinge":
        shares = other.surface.colours if other.surface else ()
        return any(colour.share_of(str(word), shares) < SOME for word in claim.value)
    if claim.kind in ("share", "box_share"):
        mine = int(claim.value[0])
        return all(abs(mine - int(c.value[0])) >= max(2, mine // 4) for c in same)
    if claim.kind == "centre":
        return all(
            sum(abs(int(p) - int(q)) for p, q in zip(claim.value, c.value, strict=True)) >= 3
            for c in same
        )
    if claim.kind == "proportion" and claim.value[1] == 1:
        return all(claim.value[0] != c.value[0] for c in same)
    if claim.kind == "edges":
        return not any(set(claim.value) <= set(c.value) for c in same)
    if claim.kind == "place":
        # "On the left side" is also true of what is in the upper left.
        return all(
            any(said and said != there for said, there in zip(claim.value, c.value, strict=True))
            for c in same
        )
    if claim.kind == "count":
        return False
    return claim.value not in [c.value for c in same]
