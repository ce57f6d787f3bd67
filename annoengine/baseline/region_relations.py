"""What may truly be said of a segment among others: how many there are, which it is, what is near.

The definitions, in the terms of :class:`annoengine.baseline.region_facts.RegionFacts`; W × H is
the image:

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
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from annoengine.baseline.claim import Draft
from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.box import BoxXyxy
from annoengine.categories import words_of

APART, TOUCH_EDGES, TOUCH_SHARE = 0.2, 4, 0.05
ORDINAL_GAP, LAST_ORDINAL = 0.02, 4
NEARBY = 0.12
"""Directions are given of segments whose boxes are at most this part of the diagonal apart."""


def standing_of(
    facts: RegionFacts, scene: Scene, group: list[RegionFacts], light: bool = True
) -> Iterator[Draft]:
    """Which of its name it is; ``group`` is all segments of that name.

    Without ``light`` no pixel is looked at, and nothing is said of the lightest and the darkest.
    """
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
    if crowds or not all(one.has_mask for one in ones):
        return
    yield from _extremes(facts, ones, light)


def _extremes(facts: RegionFacts, ones: list[RegionFacts], by_light: bool) -> Iterator[Draft]:
    others = [other for other in ones if other.id != facts.id]
    if all(facts.area_px >= 1.1 * other.area_px for other in others):
        yield "extreme", ("largest", len(ones)), ()
    if all(facts.area_px * 1.1 <= other.area_px for other in others):
        yield "extreme", ("smallest", len(ones)), ()
    if not by_light:
        return
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


def relations_of(facts: RegionFacts, scene: Scene) -> Iterator[Draft]:
    """How it lies to the other segments, the nearest first."""
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
