"""The line that ties a label beside its region to the region."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from annoengine.som.layout import BoxPx, PointPx, Region


def pixels_between(line: BoxPx) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The pixels of a line, both ends included, as columns and rows."""
    x1, y1, x2, y2 = line
    count = max(abs(x2 - x1), abs(y2 - y1)) + 1
    xs = np.rint(np.linspace(x1, x2, count)).astype(np.intp)
    ys = np.rint(np.linspace(y1, y2, count)).astype(np.intp)
    return xs, ys


def leader_to(region: Region, box: BoxPx, anchor: PointPx) -> BoxPx:
    """A line from the label's edge to the region's, a little way in, towards the anchor."""
    x = min(max(anchor[0], box[0]), box[2] - 1)
    y = min(max(anchor[1], box[1]), box[3] - 1)
    xs, ys = pixels_between((x, y, *anchor))
    rx1, ry1, rx2, ry2 = region.box_xyxy
    inside = (xs >= rx1) & (xs < rx2) & (ys >= ry1) & (ys < ry2)
    on = np.zeros(xs.shape, dtype=bool)
    on[inside] = region.visible[ys[inside] - ry1, xs[inside] - rx1] != 0
    first = int(np.argmax(on))
    # Two pixels in, the end is seen to lie on the region; of a speck they would hide too much.
    last = first
    while region.area_px > 30 and last < first + 2 and last + 1 < on.size and on[last + 1]:
        last += 1
    return (x, y, int(xs[last]), int(ys[last]))
