"""A segment's mask on its own tight crop, and how it meets others and the frame.

Work is done on crops, so that the cost follows the area covered and not segments times image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annoengine.box import intersection
from annoengine.mask import Mask


@dataclass(frozen=True)
class Cut:
    """A mask on its own tight crop: whole-image coordinates of the crop's corner, and the crop."""

    x: int
    y: int
    mask: Mask

    def at(self, ys: NDArray[np.intp], xs: NDArray[np.intp]) -> Mask:
        """Whether the points, in whole-image coordinates, lie on the mask."""
        height, width = self.mask.shape
        y, x = ys - self.y, xs - self.x
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        hits = np.zeros(len(ys), dtype=np.bool_)
        hits[inside] = self.mask[y[inside], x[inside]]
        return hits

    @property
    def box_xyxy(self) -> tuple[int, int, int, int]:
        """The crop's place in the image."""
        height, width = self.mask.shape
        return (self.x, self.y, self.x + width, self.y + height)

    def near(self, other: Cut) -> bool:
        """Could they touch or overlap at all?"""
        x1, y1, x2, y2 = self.box_xyxy
        return intersection((x1 - 1, y1 - 1, x2 + 1, y2 + 1), other.box_xyxy) is not None

    def shared_px(self, other: Cut) -> int:
        """How many pixels both have."""
        common = intersection(self.box_xyxy, other.box_xyxy)
        if common is None:
            return 0
        x1, y1, x2, y2 = (int(v) for v in common)
        here = self.mask[y1 - self.y : y2 - self.y, x1 - self.x : x2 - self.x]
        there = other.mask[y1 - other.y : y2 - other.y, x1 - other.x : x2 - other.x]
        return int(np.count_nonzero(here & there))

    def outer_pixels(
        self, size_wh: tuple[int, int]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
        """The outer pixel of each edge, as ys and xs of the image, and the number at the frame."""
        padded = np.pad(self.mask, 1)
        empty = ~padded
        width = padded.shape[1]
        everything, first, last = slice(None), slice(None, -1), slice(1, None)
        found = []
        for inner, outer in (
            ((last, everything), (first, everything)),
            ((first, everything), (last, everything)),
            ((everything, last), (everything, first)),
            ((everything, first), (everything, last)),
        ):
            hits = np.zeros_like(padded)
            np.logical_and(padded[inner], empty[outer], out=hits[outer])
            found.append(np.flatnonzero(hits))
        ys, xs = np.divmod(np.concatenate(found), width)
        ys, xs = ys + (self.y - 1), xs + (self.x - 1)
        inside = (ys >= 0) & (ys < size_wh[1]) & (xs >= 0) & (xs < size_wh[0])
        return ys[inside], xs[inside], int(np.count_nonzero(~inside))
