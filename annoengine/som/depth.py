"""How deep a pixel lies inside a mask, and where in it a label's rectangle fits."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.som.layout import Bits, PointPx, Region

FINE_PIXELS = 4_000
"""Cut-outs larger than this are measured on a coarser grid: a centre needs no pixel accuracy."""


def step_for(rows: int, columns: int) -> int:
    """The grid on which a cut-out of this size is measured."""
    return max(1, round(math.sqrt(rows * columns / FINE_PIXELS)))


def depth_of(mask: Bits) -> NDArray[np.float32]:
    """The distance of each pixel of a mask to the nearest pixel off it; the frame counts as off."""
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, 3)
    return np.asarray(distance[1:-1, 1:-1], dtype=np.float32)


def counts_under(mask: Bits, width: int, height: int) -> NDArray[np.int32]:
    """For each upper left corner, how many pixels of a mask lie under a rectangle."""
    table = cv2.integral(mask).astype(np.int32, copy=False)
    below = table[height:] - table[:-height]
    counts: NDArray[np.int32] = below[:, width:] - below[:, :-width]
    return counts


def best_corner(free: Bits, wide: int, high: int, step: int) -> PointPx | None:
    """The upper left corner at which a label lies on free pixels, its middle deepest in them.

    Only every ``step``-th pixel is looked at, so that with a step the answer is likely, not sure.
    """
    coarse = np.ascontiguousarray(free[::step, ::step])
    fits = cv2.erode(
        coarse,
        block(-(-wide // step), -(-high // step)),
        anchor=(0, 0),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    down, right = high // 2 // step, wide // 2 // step
    middles = depth_of(coarse)[down:, right:]
    middles = middles * fits[: middles.shape[0], : middles.shape[1]]
    deepest = float(middles.max(initial=0.0))
    if not deepest:
        return None
    good = np.flatnonzero(middles >= 0.85 * deepest)
    ys, xs = np.divmod(good, middles.shape[1])
    centre_x, centre_y = centroid(coarse)
    best = int(np.argmin((xs + right - centre_x) ** 2 + (ys + down - centre_y) ** 2))
    return (int(xs[best]) * step, int(ys[best]) * step)


@functools.lru_cache(maxsize=256)
def block(wide: int, high: int) -> Bits:
    """A kernel of ones."""
    return np.ones((high, wide), dtype=np.uint8)


def holds(free: Bits, corner: PointPx, wide: int, high: int) -> bool:
    """Is a label at this corner wholly on free pixels, and inside the cut-out?"""
    left, top = corner
    under = free[top : top + high, left : left + wide]
    return under.shape == (high, wide) and bool(under.all())


def centroid(mask: Bits) -> PointPx:
    """The mean pixel of a mask that is not empty."""
    rows, columns = mask.shape
    step = step_for(rows, columns)
    moments = cv2.moments(np.ascontiguousarray(mask[::step, ::step]))
    area = moments["m00"]
    if not area:
        return (columns // 2, rows // 2)
    return (round(step * moments["m10"] / area), round(step * moments["m01"] / area))


def deepest_of(region: Region) -> PointPx:
    """The region's pixel that is farthest from its border; of equals, the middle one."""
    depth = depth_of(region.visible)
    rows, columns = np.nonzero(depth >= 0.95 * depth.max())
    centre_x, centre_y = centroid(region.visible)
    best = int(np.argmin((columns - centre_x) ** 2 + (rows - centre_y) ** 2))
    return (region.x + int(columns[best]), region.y + int(rows[best]))
