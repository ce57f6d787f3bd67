"""How deep a pixel lies inside a mask, and where in it a label's rectangle fits."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.som.layout import Bits, PointPx, Region

FINE_PIXELS = 1_600
"""Cut-outs larger than this are measured on a coarser grid: a centre needs no pixel accuracy."""

_AS_GOOD = 0.85
"""Places at least this deep, of the deepest, are as good: the one nearest to the middle wins."""

_TRIED = 6
"""Places on a coarse grid that are held against the pixels before a finer grid is taken."""


def step_for(rows: int, columns: int, pixels: int = FINE_PIXELS) -> int:
    """The grid on which a cut-out of this size is measured.

    >>> step_for(40, 50), step_for(480, 640)
    (1, 14)
    """
    return max(1, round(math.sqrt(rows * columns / pixels)))


def depth_of(mask: Bits) -> NDArray[np.float32]:
    """The distance of each pixel of a mask to the nearest pixel off it; the frame counts as off."""
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    return cast("NDArray[np.float32]", depth)


def corner_inside(free: Bits, wide: int, high: int) -> PointPx | None:
    """The upper left corner at which a label lies deepest in what is free; None where none fits.

    Deepest: where it can be pushed farthest to any side before it leaves the free pixels. Large
    cut-outs are looked at on a grid, and on finer ones where nothing on that holds.
    """
    rows, columns = free.shape
    step = step_for(rows, columns)
    while True:
        for corner in _corners(free, wide, high, step):
            if step == 1 or holds(free, corner, wide, high):
                return corner
        if step == 1:
            return None
        step = step // 3 or 1


def _corners(free: Bits, wide: int, high: int, step: int) -> Iterator[PointPx]:
    """Corners on a grid, the best ones first; on a coarse one likely to hold, not sure to."""
    coarse = free if step == 1 else np.ascontiguousarray(free[::step, ::step])
    across, down = -(-wide // step), -(-high // step)
    rows, columns = coarse.shape[0] - down + 1, coarse.shape[1] - across + 1
    if rows < 1 or columns < 1:
        return
    # The frame is no matter: only corners are kept at which all of the label is inside.
    fits = cv2.erode(coarse, block(across, down), anchor=(0, 0))[:rows, :columns]
    depth = depth_of(cast("Bits", fits))
    deepest = cv2.minMaxLoc(depth)[1]
    if not deepest:
        return
    good = cast("Bits", cv2.compare(depth, cast("Any", _AS_GOOD * deepest), cv2.CMP_GE))
    off = _off_the_middle(rows, columns)
    for _ in range(_TRIED):
        _, _, (x, y), _ = cv2.minMaxLoc(off, mask=good)
        if x < 0:
            return
        yield (x * step, y * step)
        # What is beside a place that does not hold is not likely to hold either.
        good[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = 0


_STEPS = np.arange(1 << 15, dtype=np.float32)


def squares_off(shape: tuple[int, ...], x: float, y: float) -> NDArray[np.float32]:
    """The squared distance of each pixel of a grid to a point."""
    across = _STEPS[: shape[1]] - np.float32(x)
    down = _STEPS[: shape[0]] - np.float32(y)
    off: NDArray[np.float32] = np.add.outer(down * down, across * across)
    return off


_MOST_TABLED = 64
_TWICE = np.arange(1 - _MOST_TABLED, _MOST_TABLED, dtype=np.float32)
_SQUARES = np.add.outer(_TWICE * _TWICE, _TWICE * _TWICE)
"""The squared distance of each half pixel to the middle of a grid, in half pixels."""


def _off_the_middle(rows: int, columns: int) -> NDArray[np.float32]:
    """What orders the pixels of a grid by their distance to its middle."""
    if max(rows, columns) > _MOST_TABLED:
        return squares_off((rows, columns), (columns - 1) / 2, (rows - 1) / 2)
    middle = _MOST_TABLED - 1
    return np.ascontiguousarray(
        _SQUARES[middle - rows + 1 : middle + rows : 2, middle - columns + 1 : middle + columns : 2]
    )


@functools.lru_cache(maxsize=256)
def block(wide: int, high: int) -> Bits:
    """A kernel of ones."""
    return np.ones((high, wide), dtype=np.uint8)


def holds(free: Bits, corner: PointPx, wide: int, high: int) -> bool:
    """Is a label at this corner wholly on free pixels, and inside the cut-out?"""
    left, top = corner
    under = free[top : top + high, left : left + wide]
    return under.shape == (high, wide) and cv2.countNonZero(under) == wide * high


def sums_under(values: NDArray[np.float32] | Bits, wide: int, high: int) -> NDArray[np.float32]:
    """For each upper left corner, the sum of what lies under a rectangle that stays inside.

    >>> sums_under(np.ones((3, 4), dtype=np.float32), 2, 2).shape
    (2, 3)
    """
    rows, columns = values.shape[0] - high + 1, values.shape[1] - wide + 1
    sums = cv2.boxFilter(
        values,
        cv2.CV_32F,
        (wide, high),
        anchor=(0, 0),
        normalize=False,
        borderType=cv2.BORDER_CONSTANT,
    )
    return cast("NDArray[np.float32]", sums[:rows, :columns])


def centroid(mask: Bits) -> PointPx:
    """The mean pixel of a mask that is not empty."""
    rows, columns = mask.shape
    step = step_for(rows, columns)
    x, y = _mean_pixel(np.ascontiguousarray(mask[::step, ::step]))
    return (round(step * x), round(step * y))


def _mean_pixel(mask: Bits) -> tuple[float, float]:
    moments = cv2.moments(mask, binaryImage=False)
    area = moments["m00"]
    if not area:
        return (mask.shape[1] / 2, mask.shape[0] / 2)
    return (moments["m10"] / area, moments["m01"] / area)


def deepest_of(region: Region) -> PointPx:
    """The region's pixel that is farthest from its border; of equals, the middle one."""
    rows, columns = region.visible.shape
    step = step_for(rows, columns, 4 * FINE_PIXELS)
    visible = region.visible
    if step > 1:
        visible = np.ascontiguousarray(visible[::step, ::step])
        if not visible.any():
            step, visible = 1, region.visible
    depth = depth_of(visible)
    good: Bits = (depth >= 0.95 * cv2.minMaxLoc(depth)[1]).view(np.uint8)
    _, _, (x, y), _ = cv2.minMaxLoc(squares_off(good.shape, *_mean_pixel(visible)), mask=good)
    return (region.x + step * x, region.y + step * y)
