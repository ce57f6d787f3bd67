"""The picture while labels are laid on it: what is taken, and how much of each region is hidden.

Every region may be hidden up to MAX_HIDDEN by all labels and insets together. Two things keep
to that: ``tolls`` counts pixels, and nothing is settled that it forbids; ``price`` is a map on
which whole windows can be searched at once for places that it is likely to allow.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from annoengine.som.cover import Apart, Cover, Prices, Stacked
from annoengine.som.layout import Bits, BoxPx, Label, Owners, Region
from annoengine.som.leader import pixels_between

GAP_PX = 2
"""Free pixels between two labels."""

MAX_HIDDEN = 0.3
"""The largest share of a region that all labels and insets together may hide."""

MOST_PRICE = 1.8
"""What a place may cost: a label over two regions may take nearly all that each has left."""

TAKEN = 4.0
"""The price of a pixel on which nothing may stand: more than any place may cost."""

_PRICED = 12
"""Regions of which so many labels may hide no more are priced; larger ones count nothing."""

_LEADER_WIDE = 3
"""Pixels of a leader's width that hide what it crosses."""


class Board:
    """What is taken, what is hidden, and how large the picture is by now.

    ``label_px`` is the area of a usual label, ``most_px`` that of the largest. With ``owners``,
    which are there where no two regions share a pixel, all of them are counted at once.
    """

    def __init__(
        self,
        regions: Sequence[Region],
        bystanders: Sequence[Region],
        picture_wh: tuple[int, int],
        label_px: int,
        most_px: int,
        owners: Owners | None,
    ) -> None:
        width, height = picture_wh
        self.regions = regions
        self.all = (*regions, *bystanders)
        self.owners = owners
        self.photo_wh = picture_wh
        self.picture_wh = picture_wh
        self.labels: dict[int, Label] = {}
        self.covered: Bits = np.zeros((height, width), dtype=np.uint8)
        """1 under a label or an inset."""
        self.open: Bits = np.ones((height, width), dtype=np.uint8)
        """1 where a label may stand: off every other one and its gap."""
        self.clear: Bits = self.open.copy()
        """Like ``open``, and off every leader."""
        self._cover: Cover = Stacked(self.all) if owners is None else Apart(owners)
        self.left = [
            int(MAX_HIDDEN * (r.area_px if r.mask is r.visible else cv2.countNonZero(r.mask)))
            for r in self.all
        ]
        """How many pixels of each region may still be hidden."""
        self._priced_below = max(_PRICED * label_px, most_px)
        self._each = np.zeros(len(self.all), dtype=np.float32)
        """The price of a pixel of each region, large ones too."""
        self._each_small = self._each.copy()
        """Nothing for large regions."""
        for j in range(len(self.all)):
            self._set_price(j)

    def tolls(self, *boxes: BoxPx) -> list[tuple[int, int]] | None:
        """How many pixels of which region boxes hide that do not overlap; None: too many."""
        found: dict[int, int] = {}
        for box in boxes:
            for j, hidden in self._cover.under(box):
                found[j] = found.get(j, 0) + hidden
                if found[j] > self.left[j]:
                    return None
        return list(found.items())

    def is_free(self, box: BoxPx, lines: bool = True) -> bool:
        """Does a box lie inside the picture, off all labels, their gaps and (lines) leaders?"""
        x1, y1, x2, y2 = box
        width, height = self.picture_wh
        places = self.clear if lines else self.open
        return (
            min(x1, y1) >= 0 and x2 <= width and y2 <= height and bool(places[y1:y2, x1:x2].all())
        )

    def settle(self, i: int, label: Label, inside: bool = False) -> bool:
        """Takes the label's place, if that hides not too much of anything; else False.

        ``inside`` says that all of the label lies on its region.
        """
        if inside and self.owners is not None:
            x1, y1, x2, y2 = label.box_xyxy
            hidden = (x2 - x1) * (y2 - y1)
            tolls = [(i, hidden)] if hidden <= self.left[i] else None
        else:
            tolls = self.tolls(*label.boxes)
        if tolls is None:
            return False
        self._take(i, label, tolls)
        return True

    def force(self, i: int, label: Label) -> None:
        """Takes the label's place whatever it hides."""
        self._take(i, label, self._cover.under(label.box_xyxy))

    def _take(self, i: int, label: Label, tolls: list[tuple[int, int]]) -> None:
        self.labels[i] = label
        for x1, y1, x2, y2 in label.boxes:
            self.covered[y1:y2, x1:x2] = 1
            top, left = max(0, y1 - GAP_PX), max(0, x1 - GAP_PX)
            self.open[top : y2 + GAP_PX, left : x2 + GAP_PX] = 0
            self.clear[top : y2 + GAP_PX, left : x2 + GAP_PX] = 0
        if label.leader_xyxy is not None:
            lx1, ly1, lx2, ly2 = label.leader_xyxy
            cv2.line(self.clear, (lx1, ly1), (lx2, ly2), 0, thickness=3)
        for j, hidden in tolls:
            self.left[j] -= hidden
            self._set_price(j)

    def _set_price(self, j: int) -> None:
        left = self.left[j]
        # A region that a forced label has spoilt has nothing more to lose.
        each = 0.0 if left < 0 else 1 / left if left else TAKEN
        self._each[j] = each
        self._each_small[j] = each if left < self._priced_below else 0.0

    def price(self, window: BoxPx, step: int = 1, of_all: bool = False) -> Prices:
        """What each pixel of a window costs that is hidden, on a grid.

        It is one over what may still be hidden of the pixel's region: a place that costs 1 at
        most hides no more than it may of any one region, one that costs a little more still
        may be right, over several. Regions so large that no label can hide too much of them cost
        nothing, unless the price ``of_all`` is asked for. The margin costs nothing.
        """
        return self._cover.spread(self._each if of_all else self._each_small, window, step)

    def each(self, j: int) -> float:
        """The price of each pixel of a region, where it is priced."""
        return float(self._each_small[j])

    def crossed(self, i: int, leader: BoxPx) -> float:
        """How much of other small regions a leader hides, in regions.

        Large regions lose little by a line.
        """
        hidden = 0.0
        for j, on in self._cover.along(*pixels_between(leader)):
            area_px = self.all[j].area_px
            if j != i and MAX_HIDDEN * area_px < self._priced_below:
                hidden += _LEADER_WIDE * on / area_px
        return hidden

    def is_crossed(self, leader: BoxPx) -> bool:
        """Does the leader run over a label or an inset?"""
        xs, ys = pixels_between(leader)
        return bool(self.covered[ys, xs].any())

    def grow(self, picture_wh: tuple[int, int]) -> None:
        """Makes the picture larger, on the right and below."""
        width, height = self.picture_wh
        more = ((0, picture_wh[1] - height), (0, picture_wh[0] - width))
        self.covered = np.pad(self.covered, more)
        self.open = np.pad(self.open, more, constant_values=1)
        self.clear = np.pad(self.clear, more, constant_values=1)
        self.picture_wh = picture_wh

    def window(self, box: BoxPx, wide: int, high: int) -> BoxPx:
        """A box with a label's width and height added on every side, inside the picture."""
        width, height = self.picture_wh
        x1, y1, x2, y2 = box
        return (
            max(0, x1 - wide),
            max(0, y1 - high),
            min(width, x2 + wide),
            min(height, y2 + high),
        )


def cut_out(region: Region, window: BoxPx) -> Bits:
    """The region's visible pixels in a window."""
    x1, y1, x2, y2 = window
    own: Bits = np.zeros((y2 - y1, x2 - x1), dtype=np.uint8)
    rx1, ry1, rx2, ry2 = region.box_xyxy
    left, top, right, bottom = max(x1, rx1), max(y1, ry1), min(x2, rx2), min(y2, ry2)
    if left < right and top < bottom:
        own[top - y1 : bottom - y1, left - x1 : right - x1] = region.visible[
            top - ry1 : bottom - ry1, left - rx1 : right - rx1
        ]
    return own
