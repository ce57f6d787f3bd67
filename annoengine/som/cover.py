"""Which regions lie under a box, under a line, or in a window: counted in the pixels.

Where no two regions share a pixel, one map says whose each is, and all regions are counted in one
pass (``Apart``). Where they may overlap, each region near by is counted by its own mask
(``Stacked``). Both give the same numbers for the same regions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from annoengine.som.layout import BoxPx, Owners, Region

Places = NDArray[np.intp]
Prices = NDArray[np.float32]


class Cover(Protocol):
    """What is asked of either way to count."""

    def under(self, box: BoxPx) -> list[tuple[int, int]]:
        """The regions under a box that begins inside the picture, and how many pixels of each."""

    def along(self, xs: Places, ys: Places) -> list[tuple[int, int]]:
        """The regions under some pixels of the picture, and how many of them each has."""

    def spread(self, each: Prices, window: BoxPx, step: int) -> Prices:
        """What each pixel of a window costs, on a grid: the sum over the regions that it is of.

        ``each`` has the price of a pixel of every region.
        """


class Apart:
    """Regions of which no two share a pixel."""

    def __init__(self, owners: Owners) -> None:
        self._numbers = owners.numbers
        self._regions = owners.regions
        self._places = np.array(owners.regions, dtype=np.intp)

    def under(self, box: BoxPx) -> list[tuple[int, int]]:
        """The regions under a box, and how many pixels of each."""
        x1, y1, x2, y2 = box
        return self._counted(self._numbers[y1:y2, x1:x2].reshape(-1))

    def along(self, xs: Places, ys: Places) -> list[tuple[int, int]]:
        """The regions under some pixels, and how many of them each has."""
        rows, columns = self._numbers.shape
        if xs.size and (int(xs.max()) >= columns or int(ys.max()) >= rows):
            inside = (xs < columns) & (ys < rows)
            xs, ys = xs[inside], ys[inside]
        return self._counted(self._numbers[ys, xs])

    def _counted(self, numbers: NDArray[np.integer]) -> list[tuple[int, int]]:
        counts = np.bincount(numbers)
        found: list[int] = counts.nonzero()[0].tolist()
        return [(self._regions[n], int(counts[n])) for n in found if self._regions[n] >= 0]

    def spread(self, each: Prices, window: BoxPx, step: int) -> Prices:
        """What each pixel of a window costs, on a grid."""
        x1, y1, x2, y2 = window
        # The last price is that of void, whose place is -1.
        of_number = np.append(each, np.float32(0))[self._places]
        on_photo = of_number.take(self._numbers[y1:y2:step, x1:x2:step])
        shape = (-(-(y2 - y1) // step), -(-(x2 - x1) // step))
        if on_photo.shape == shape:
            return on_photo
        price = np.zeros(shape, dtype=np.float32)
        price[: on_photo.shape[0], : on_photo.shape[1]] = on_photo
        return price


class Stacked:
    """Regions that may overlap."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._all = regions
        boxes = np.array([region.box_xyxy for region in regions], dtype=np.int32)
        self._x1, self._y1, self._x2, self._y2 = boxes.reshape(-1, 4).T

    def under(self, box: BoxPx) -> list[tuple[int, int]]:
        """The regions under a box, and how many pixels of each."""
        x1, y1, x2, y2 = box
        found: list[tuple[int, int]] = []
        for j in self._near(box):
            region = self._all[j]
            top, left = max(0, y1 - region.y), max(0, x1 - region.x)
            hidden = np.count_nonzero(region.mask[top : y2 - region.y, left : x2 - region.x])
            if hidden:
                found.append((j, int(hidden)))
        return found

    def along(self, xs: Places, ys: Places) -> list[tuple[int, int]]:
        """The regions under some pixels, and how many of them each has."""
        if not xs.size:
            return []
        found: list[tuple[int, int]] = []
        for j in self._near((int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)):
            x1, y1, x2, y2 = self._all[j].box_xyxy
            inside = (xs >= x1) & (xs < x2) & (ys >= y1) & (ys < y2)
            on = np.count_nonzero(self._all[j].mask[ys[inside] - y1, xs[inside] - x1])
            if on:
                found.append((j, int(on)))
        return found

    def spread(self, each: Prices, window: BoxPx, step: int) -> Prices:
        """What each pixel of a window costs, on a grid."""
        x1, y1, x2, y2 = window
        price = np.zeros((-(-(y2 - y1) // step), -(-(x2 - x1) // step)), dtype=np.float32)
        for j in self._near(window):
            if each[j]:
                region = self._all[j]
                # The first pixel of the grid at or after the region's own first.
                row = -(-max(0, region.y - y1) // step)
                column = -(-max(0, region.x - x1) // step)
                part = region.mask[
                    y1 + row * step - region.y : y2 - region.y : step,
                    x1 + column * step - region.x : x2 - region.x : step,
                ]
                under = price[row : row + part.shape[0], column : column + part.shape[1]]
                under += part * each[j]
        return price

    def _near(self, box: BoxPx) -> list[int]:
        """The regions whose boxes meet a box."""
        x1, y1, x2, y2 = box
        near = (self._x1 < x2) & (self._x2 > x1) & (self._y1 < y2) & (self._y2 > y1)
        found: list[int] = near.nonzero()[0].tolist()
        return found
