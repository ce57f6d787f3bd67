"""Measures how segments lie in the picture plane: spans in shares of the image, gaps, sides.

Only boxes, centres and contacts are asked: they are what a scene holds of a segment. So a gap is
that of boxes, which is never larger than that of the masks: what it calls apart is apart.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.baseline.region_relations import gap_px

CLEAR = 0.05
"""By this share of the image's width or height edges and centres must differ for a clear side.
Ours, set on the example photographs: what stands one above the other there is on no side."""


@dataclass(frozen=True)
class Extent:
    """Where a segment lies along an axis, in shares of the image, 0 (left, top) to 1."""

    low: float
    high: float
    centre: float

    @property
    def length(self) -> float:
        """How much of the image it spans."""
        return self.high - self.low


def extent(facts: RegionFacts, scene: Scene, axis: int) -> Extent:
    """The extent along the width (axis 0) or the height (1)."""
    size = scene.size_wh[axis]
    box = facts.box_xyxy
    return Extent(box[axis] / size, box[axis + 2] / size, facts.centre_xy[axis] / size)


def gap(a: RegionFacts, b: RegionFacts, scene: Scene) -> float:
    """The gap of two boxes as a share of the image's diagonal; 0 where they meet."""
    return gap_px(a.box_xyxy, b.box_xyxy) / math.hypot(*scene.size_wh)


def touching(a: RegionFacts, b: RegionFacts) -> bool:
    """Do they share an edge or pixels? Of boxes without masks: do the boxes meet?"""
    if a.has_mask and b.has_mask:
        return any(
            (x.contacts.get(y.id, 0) or x.overlaps.get(y.id, 0)) for x, y in ((a, b), (b, a))
        )
    return gap_px(a.box_xyxy, b.box_xyxy) == 0


def before(a: Extent, b: Extent) -> bool:
    """Does ``a`` lie clearly nearer to the left (top): its centre and neither edge beyond b's?

    >>> before(Extent(0.1, 0.3, 0.2), Extent(0.2, 0.6, 0.4))
    True
    >>> before(Extent(0.1, 0.7, 0.2), Extent(0.2, 0.6, 0.4))
    False
    """
    slack = CLEAR / 5
    return a.centre <= b.centre - CLEAR and a.low <= b.low + slack and a.high <= b.high + slack


def scattered(facts: RegionFacts) -> bool:
    """Several parts, or a thing that is everywhere: its centre says little of where it is."""
    return not facts.isthing or (facts.outline is not None and facts.outline.parts > 1)
