"""Reads the ``segmentation`` of a COCO annotation: polygons, or an RLE in either form.

Polygons are painted by pycocotools itself, pixel for pixel as every reader of COCO paints them
(where an outline crosses itself, what it goes round twice is void). What is odd but can be
painted is counted, in :class:`Outlined`; what cannot is a ValueError that says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annoengine.reading.coco_json import is_whole, shown
from annoengine.rle_counts import Counts, counts_of_rle, counts_of_text

MOST_OUTLINE_PX = 1 << 21
"""Longest outline that is painted: pycocotools keeps 80 bytes for each pixel of it.

Source: ``rleFrPoly`` of cocodataset/cocoapi, which walks it in fifths of a pixel.
"""


@dataclass(frozen=True)
class Outlined:
    """A mask's counts, and what was odd about its polygons.

    ``short``: polygons of one or two points, left out. ``crossing``: polygons that cross
    themselves. ``outside``: points beyond the photograph's edge, where the mask ends.
    ``outline_px`` is the length of all outlines; 0 for an RLE.
    """

    counts: Counts
    outline_px: float = 0.0
    short: int = 0
    crossing: int = 0
    outside: int = 0


def read_segmentation(value: Any, shape_hw: tuple[int, int]) -> Outlined:
    """The mask of a ``segmentation`` over a photograph of the given height and width.

    Raises ValueError, saying what is wrong with it.
    """
    if isinstance(value, dict):
        return Outlined(counts_of_rle(value, shape_hw))
    if isinstance(value, list):
        return _from_polygons(value, shape_hw)
    raise ValueError(f"its segmentation is {shown(value)}; polygons or an RLE are needed")


def _from_polygons(polygons: Sequence[Any], shape_hw: tuple[int, int]) -> Outlined:
    from pycocotools import mask as coco_mask

    height, width = shape_hw
    if polygons and all(isinstance(value, int | float) for value in polygons):
        raise ValueError("its segmentation is a flat list; polygons are lists in it: [[x, y, …]]")
    painted: list[list[float]] = []
    short = crossing = outside = 0
    outline_px = 0.0
    for at, polygon in enumerate(polygons):
        points_xy = _points_of(polygon, f"its segmentation[{at}]", shape_hw)
        if len(points_xy) < 3:
            short += 1
            continue
        x, y = points_xy[:, 0], points_xy[:, 1]
        outside += int(((x < 0) | (x > width) | (y < 0) | (y > height)).sum())
        crossing += _crosses_itself(points_xy)
        steps_xy = points_xy - np.roll(points_xy, -1, axis=0)
        outline_px += float(np.hypot(steps_xy[:, 0], steps_xy[:, 1]).sum())
        painted.append(polygon)
    if not painted:
        raise ValueError("no polygon of its segmentation has three points")
    whole = coco_mask.merge(coco_mask.frPyObjects(painted, height, width))
    counts = counts_of_text(whole["counts"].decode("ascii"), shape_hw)
    return Outlined(counts, outline_px, short, crossing, outside)


def _points_of(polygon: Any, where: str, shape_hw: tuple[int, int]) -> NDArray[np.float64]:
    """A polygon's points, float64 (points, 2) as (x, y)."""
    height, width = shape_hw
    if not isinstance(polygon, list):
        raise ValueError(f"{where} is {shown(polygon)}; a list [x, y, x, y, …] is needed")
    for value in polygon:
        if not (is_whole(value) or (type(value) is float and math.isfinite(value))):
            raise ValueError(f"{where} holds {shown(value)}; numbers are needed")
    if len(polygon) % 2:
        raise ValueError(f"{where} has {len(polygon)} numbers; pairs of x and y are needed")
    points_xy = np.array(polygon, dtype=np.float64).reshape(-1, 2)
    # As far out as the photograph is large: such points are of another picture or another scale.
    far = (points_xy < (-width, -height)) | (points_xy > (2 * width, 2 * height))
    if far.any():
        x, y = points_xy[int(np.flatnonzero(far.any(axis=1))[0])].tolist()
        raise ValueError(
            f"{where} has the point ({x:g}, {y:g}), far outside of the {width}×{height} photograph"
        )
    steps = np.abs(points_xy - np.roll(points_xy, -1, axis=0)).max(axis=1, initial=0)
    if steps.sum() > MOST_OUTLINE_PX:
        raise ValueError(
            f"{where} has an outline of {steps.sum():.0f} px; up to {MOST_OUTLINE_PX} are painted"
        )
    return points_xy


def _crosses_itself(points_xy: NDArray[np.float64]) -> bool:
    import shapely  # type: ignore[import-untyped]

    polygon = shapely.Polygon(points_xy)
    # Other reasons (a ring that touches itself, say) leave no doubt of what is inside.
    return not polygon.is_valid and shapely.is_valid_reason(polygon).startswith("Self-intersection")
