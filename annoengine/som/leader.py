"""The line that ties a label beside its region to the region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annoengine.som.layout import BoxPx, PointPx, Region

_SPECK_PX = 30
"""Of regions up to this area a leader takes one pixel alone: more would hide too much of them."""


_STEPS = np.arange(1 << 14)


def pixels_between(line: BoxPx) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pixels of a line, both ends included, as columns and rows.

    >>> [side.tolist() for side in pixels_between((0, 0, 4, 2))]
    [[0, 1, 2, 3, 4], [0, 1, 1, 2, 2]]
    """
    x1, y1, x2, y2 = line
    across, down = x2 - x1, y2 - y1
    most = max(abs(across), abs(down), 1)
    steps = _STEPS[: most + 1] if most < _STEPS.size else np.arange(most + 1)
    if across == down == 0:
        steps = steps[:1]
    return x1 + _share(steps, across, most), y1 + _share(steps, down, most)


def _share(steps: NDArray[np.intp], length: int, most: int) -> NDArray[np.intp]:
    """``steps / most`` of a length, rounded; whole steps where it is the longest."""
    if abs(length) == most:
        return steps if length > 0 else -steps
    return (2 * length * steps + most) // (2 * most)


def leader_to(region: Region, box: BoxPx, anchor: PointPx) -> BoxPx:
    """A line from the label's edge to the region's, a little way in, towards the anchor."""
    x = min(max(anchor[0], box[0]), box[2] - 1)
    y = min(max(anchor[1], box[1]), box[3] - 1)
    xs, ys = pixels_between((x, y, *anchor))
    rows, columns = region.visible.shape
    at_x, at_y = xs - region.x, ys - region.y
    inside = (at_x >= 0) & (at_x < columns) & (at_y >= 0) & (at_y < rows)
    # The line ends inside the box, so that what is inside is its last part.
    start = int(inside.argmax())
    on = region.visible[at_y[start:], at_x[start:]]
    first = int(on.argmax())
    # Two pixels in, the end is seen to lie on the region.
    last = first
    while region.area_px > _SPECK_PX and last < first + 2 and last + 1 < on.size and on[last + 1]:
        last += 1
    return (x, y, int(xs[start + last]), int(ys[start + last]))
