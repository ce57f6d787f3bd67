"""Tests relations of two segments in the picture plane, each with margins that leave doubt open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Literal

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.box import intersection
from annoengine.categories import named, words_of
from annoengine.claims.caption_reading import Verdict, percent
from annoengine.claims.picture_plane import CLEAR, Extent, before, extent, gap, scattered, touching

Relation = Literal[
    "left of",
    "right of",
    "above",
    "below",
    "over",
    "on",
    "on top of",
    "in",
    "inside",
    "near",
    "next to",
    "far from",
    "against",
    "touching",
    "between",
    "behind",
    "in front of",
    "at the top of",
    "at the bottom of",
]

CLOSENESS = frozenset({"on", "in", "inside", "near", "next to", "against", "touching"})
"""Relations that a part shares with what it is a part of, as far as they can be false."""

CONTACT = 0.03
"""Boxes farther apart than this share of the diagonal do not touch. Ours: masks drawn by hand leave
strips of void between things that do."""

NEXT_TO, NEAR_TO = 0.2, 0.25
"""From these gaps on things are not next to, not near each other. Ours: about a
quarter and about a third of the width of a photograph of 3 : 2."""

CLOSE = 0.05
"""Up to this gap things are next to each other. Ours."""

SPREAD, PARTED = 0.15, 0.08
"""By so much the centres must differ for a side where one is stuff, or has several parts. Ours."""

BRIDGED = 0.12
"""Up to this gap things may meet by way of stuff between them: a spire on the roof of a building,
where building and roof are annotated apart. Ours."""

BESIDE = 0.25
"""What lies farther than this share of the image beside the line of two is not called between them,
nor is that denied of it. Ours."""

ENCLOSED = 2
"""What is so many times larger, and whose box holds the other's, is not inside it. Ours."""

TOO_LARGE, WITHIN = 1.3, 0.8
"""A mask that is larger than the other's box by the first factor is not inside it; one whose box
lies in the other's by the second share may be. Ours."""

Check = Callable[[RegionFacts, RegionFacts, Scene], Verdict]

_WITH_SIDES = frozenset(
    "person bicycle car motorcycle airplane bus train truck boat bird cat dog horse sheep cow "
    "elephant bear zebra giraffe".split()
)


@lru_cache(maxsize=1024)
def has_own_sides(category: str) -> bool:
    """Does a thing have a left of its own: people, animals, vehicles?

    >>> has_own_sides("dog"), has_own_sides("dining table")
    (True, False)
    """
    return category in _WITH_SIDES or not _WITH_SIDES.isdisjoint(named(category))


def check_of(relation: Relation) -> Check:
    """The test of a relation of one segment to another."""
    return _TESTS[relation]


def _centres(a: Extent, b: Extent, of: str, other: RegionFacts) -> str:
    return (
        f"its centre lies at {percent(a.centre)} of the {of}, that of the "
        f"{words_of(other.category).show} at {percent(b.centre)}"
    )


def _aside(axis: int, lower: bool) -> Check:
    of = ("width", "height")[axis]

    def check(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
        first, second = extent(a, scene, axis), extent(b, scene, axis)
        evidence = _centres(first, second, of, b)
        near, far = (first, second) if lower else (second, first)
        apart = abs(first.centre - second.centre)
        if apart < CLEAR or (apart < SPREAD and not (a.isthing and b.isthing)):
            return "cannot tell", evidence
        if apart < PARTED and (scattered(a) or scattered(b)):
            return "cannot tell", evidence
        if before(far, near):
            return "contradicted", evidence
        return ("supported" if before(near, far) else "cannot tell"), evidence

    return check


def _gap_evidence(a: RegionFacts, b: RegionFacts, scene: Scene) -> str:
    name = words_of(b.category).show
    if touching(a, b):
        return f"it touches the {name}"
    return f"the boxes of it and the {name} are {gap(a, b, scene):.2f} of the diagonal apart"


def _contact(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    evidence, apart = _gap_evidence(a, b, scene), gap(a, b, scene)
    if apart > CONTACT and not (apart <= BRIDGED and _bridge(a, b, scene)):
        return "contradicted", evidence
    return ("supported" if touching(a, b) else "cannot tell"), evidence


def _bridge(a: RegionFacts, b: RegionFacts, scene: Scene) -> bool:
    """Is there stuff, no larger than the two, that touches both?"""
    return any(
        not one.isthing and one.area_px <= a.area_px + b.area_px
        for one in scene.regions
        if one.id not in (a.id, b.id) and touching(one, a) and touching(one, b)
    )


def _on(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    verdict = _contact(a, b, scene)
    if verdict[0] == "supported" and before(extent(b, scene, 1), extent(a, scene, 1)):
        return "cannot tell", verdict[1]
    return verdict


def _on_top(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    first, second = extent(a, scene, 1), extent(b, scene, 1)
    if first.low >= second.centre + CLEAR and first.high > second.high:
        return "contradicted", _centres(first, second, "height", b)
    if _encloses(a, b) and not has_own_sides(a.category):
        return "contradicted", f"it lies around the {words_of(b.category).show}"
    return _on(a, b, scene)


def _over(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    first, second = extent(a, scene, 1), extent(b, scene, 1)
    if first.low >= second.high - CLEAR / 2:
        return "contradicted", _centres(first, second, "height", b)
    return _aside(1, True)(a, b, scene) if before(first, second) else _unclear(first, second, b)


def _unclear(a: Extent, b: Extent, other: RegionFacts) -> Verdict:
    return "cannot tell", _centres(a, b, "height", other)


def _encloses(a: RegionFacts, b: RegionFacts) -> bool:
    """Does ``a`` lie around ``b``: a much larger mask whose box holds the other's?"""
    inner, outer = b.box_xyxy, a.box_xyxy
    holds = (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and outer[2] >= inner[2]
        and outer[3] >= inner[3]
    )
    return holds and a.area_px >= ENCLOSED * b.area_px


def _in(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    verdict = _contact(a, b, scene)
    return ("cannot tell", verdict[1]) if _encloses(a, b) else verdict


def _inside(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    name = words_of(b.category).show
    if _encloses(a, b):
        return "contradicted", f"it lies around the {name}"
    x1, y1, x2, y2 = b.box_xyxy
    if a.area_px >= TOO_LARGE * (x2 - x1) * (y2 - y1):
        return "contradicted", f"its mask is larger than the box of the {name}"
    verdict = _contact(a, b, scene)
    common = intersection(a.box_xyxy, b.box_xyxy)
    x1, y1, x2, y2 = a.box_xyxy
    shared = 0.0 if common is None else (common[2] - common[0]) * (common[3] - common[1])
    if verdict[0] == "supported" and shared < WITHIN * (x2 - x1) * (y2 - y1):
        return "cannot tell", f"its box lies partly outside that of the {name}"
    return verdict


def _near(limit: float) -> Check:
    def check(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
        evidence, apart = _gap_evidence(a, b, scene), gap(a, b, scene)
        if apart >= limit:
            return "contradicted", evidence
        return ("supported" if apart <= CLOSE else "cannot tell"), evidence

    return check


def _far(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    evidence, apart = _gap_evidence(a, b, scene), gap(a, b, scene)
    if touching(a, b):
        return "contradicted", evidence
    return ("supported" if apart >= NEAR_TO else "cannot tell"), evidence


def _within_height(top: bool) -> Check:
    """ "At the top of the tower": in the upper half of it, or above it."""

    def check(a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
        first, second = extent(a, scene, 1), extent(b, scene, 1)
        evidence = _centres(first, second, "height", b)
        below = first.centre - second.centre if top else second.centre - first.centre
        if below >= max(CLEAR, second.length / 5):
            return "contradicted", evidence
        return ("supported" if below <= -second.length / 5 else "cannot tell"), evidence

    return check


_TESTS: dict[Relation, Check] = {
    "left of": _aside(0, True),
    "right of": _aside(0, False),
    "above": _aside(1, True),
    "below": _aside(1, False),
    "over": _over,
    "on": _on,
    "on top of": _on_top,
    "in": _in,
    "inside": _inside,
    "near": _near(NEAR_TO),
    "next to": _near(NEXT_TO),
    "far from": _far,
    "against": _contact,
    "touching": _contact,
    "at the top of": _within_height(True),
    "at the bottom of": _within_height(False),
}


def between_two(facts: RegionFacts, a: RegionFacts, b: RegionFacts, scene: Scene) -> Verdict:
    """Does it lie between two others, along the axis that sets those apart?"""
    gaps = [abs(extent(a, scene, axis).centre - extent(b, scene, axis).centre) for axis in (0, 1)]
    axis = 0 if gaps[0] >= gaps[1] else 1
    here = extent(facts, scene, axis)
    low, high = sorted(extent(one, scene, axis).centre for one in (a, b))
    evidence = (
        f"its centre lies at {percent(here.centre)} of the {('width', 'height')[axis]}, theirs at "
        f"{percent(low)} and {percent(high)}"
    )
    if gaps[axis] < CLEAR:
        return "cannot tell", evidence
    if not low - CLEAR <= here.centre <= high + CLEAR:
        return "contradicted", evidence
    line = [extent(one, scene, 1 - axis).centre for one in (a, b)]
    beside = extent(facts, scene, 1 - axis).centre
    margin = (high - low) / 10
    amid = low + margin <= here.centre <= high - margin
    level = min(line) - BESIDE <= beside <= max(line) + BESIDE
    return ("supported" if amid and level else "cannot tell"), evidence


def between_all(facts: RegionFacts, others: Sequence[RegionFacts], scene: Scene) -> Verdict:
    """Can it lie between any two of them? Not where all are on one side, across and down."""
    outside, inside = [], []
    for axis in (0, 1):
        here = extent(facts, scene, axis).centre
        centres = [extent(one, scene, axis).centre for one in others]
        outside.append(here < min(centres) - CLEAR or here > max(centres) + CLEAR)
        inside.append(min(centres) < here < max(centres))
    name = words_of(others[0].category).plural
    if all(outside):
        return "contradicted", f"all {name} lie on one side of it, across and down"
    evidence = f"it lies among the {name}" if inside[0] else f"it may lie between two {name}"
    return ("supported" if inside[0] else "cannot tell"), evidence
