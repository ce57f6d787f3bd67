"""Where each label stands: on its own region if it can, beside it with a leader if it cannot.

Regions are served smallest first, as the small ones have the least choice; the large ones, which
find room anywhere, come last. On a region, a label takes the place farthest from every border of
what is free of it (a distance transform of the region's own cut-out, less smaller regions and
labels already placed) and, among places about as good, the one nearest to its centre. A label
that would hide too much of its region, or hang over its edge by half, goes to the cheapest free
place nearby: near, and hiding as little as possible of anything, small things above all. Where a
picture has no free place left at all it grows a margin on its right or below.

Source: the order and the distance transform are the mark allocation of Set-of-Mark
(arXiv 2310.11441, section 3.2). Leaders, the margin and the limits on hiding are ours: published
code centres the number on the region however small, and lets numbers overlap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.som.depth import (
    best_corner,
    block,
    centroid,
    counts_under,
    deepest_of,
    holds,
    step_for,
)
from annoengine.som.layout import Bits, BoxPx, Label, Layout, PointPx, Region, TextHeights
from annoengine.som.leader import leader_to, pixels_between
from annoengine.som.lettering import label_size_wh

GAP_PX = 2
"""Free pixels between two labels."""

MAX_HIDDEN = 0.4
"""The largest share of a region that its own label may hide."""

MIN_ON = 0.6
"""The least share of a label that must stand on its region, where it has no leader."""

_UNNOTICED = 0.03
"""Digits grow beyond their usual height while the label hides no more of its region than this."""

_LITTLE = 0.15
"""Digits have their usual height while the label hides no more of its region than this."""

_ROOMY = 40
"""A region this many times as large as its smallest label finds room late as well as early."""

_LEADER_PX = 7
"""Free pixels between a region and a label beside it, so that the leader can be seen."""

_HIDDEN_COST = 5.0
"""What hiding all of one region costs, in label heights of distance."""

_FOREIGN = 0.4
"""What standing wholly on another region counts, next to hiding it."""

_TRIED = 48
"""Places beside a region whose leaders are looked at."""


def place_labels(
    regions: Sequence[Region],
    picture_wh: tuple[int, int],
    heights: TextHeights,
    margin: bool = True,
) -> Layout:
    """The places of all labels on a picture of ``picture_wh``.

    No two labels overlap and none crosses the frame, except those with ``alone`` False. With a
    ``margin`` there are none such: the layout's picture is then larger than ``picture_wh``, on
    the right or below, where that is needed.
    """
    board = _Board(regions, picture_wh, heights)
    order = sorted(
        range(len(regions)), key=lambda i: (regions[i].area_px, regions[i].target.number)
    )
    tight = [i for i in order if not board.is_roomy(i)]
    without = [i for i in tight if not board.place_on(i)]
    homeless = [i for i in without if not board.place_beside(i)]
    for i in order:
        if board.is_roomy(i) and not board.place_on(i) and not board.place_beside(i):
            homeless.append(i)
    for _ in range(4 if margin else 0):
        if not homeless:
            break
        board.grow(homeless)
        homeless = [i for i in homeless if not board.place_beside(i)]
    for i in homeless:
        board.force(i)
    labels = (board.labels[i] for i in range(len(regions)))
    return Layout(board.picture_wh, tuple(sorted(labels, key=lambda each: each.target.number)))


def text_height(text: str, area_px: int, heights: TextHeights) -> int:
    """The height of a label's digits on a region of this area.

    >>> [text_height("7", area, TextHeights(12, 14, 20)) for area in (300, 3_000, 300_000)]
    [12, 14, 20]
    """
    usual = math.prod(label_size_wh(text, heights.usual))
    for height in range(heights.most, heights.usual, -2):
        if usual * (height / heights.usual) ** 2 <= _UNNOTICED * area_px:
            return height
    return heights.usual if usual <= _LITTLE * area_px else heights.least


class _Board:
    """The picture while labels are laid on it: what is taken, and what would be hidden."""

    def __init__(
        self, regions: Sequence[Region], picture_wh: tuple[int, int], heights: TextHeights
    ) -> None:
        width, height = picture_wh
        self.regions = regions
        self.picture_wh = picture_wh
        self.least_px = heights.least
        self.wanted_px = [text_height(r.target.text, r.area_px, heights) for r in regions]
        self.sizes = [label_size_wh(region.target.text, heights.least) for region in regions]
        self.labels: dict[int, Label] = {}
        self.covered: Bits = np.zeros((height, width), dtype=np.uint8)
        """1 under a label."""
        self.open: Bits = np.ones((height, width), dtype=np.uint8)
        """1 where a label may stand: off every other one and its gap."""
        self.clear: Bits = self.open.copy()
        """Like ``open``, and off every leader."""
        self._worth: NDArray[np.float32] | None = None

    def is_roomy(self, i: int) -> bool:
        return self.regions[i].area_px >= _ROOMY * math.prod(self.sizes[i])

    @property
    def worth(self) -> NDArray[np.float32]:
        """What each pixel is worth that a label hides, in regions.

        It is one over the area of the pixel's region, so that a region wholly hidden counts 1,
        and as much again as makes _FOREIGN for a label that stands wholly on it: a number on
        something is read as that thing's. Roomy regions count nothing.
        """
        if self._worth is None:
            width, height = self.picture_wh
            worth = np.zeros((height, width), dtype=np.float32)
            for i, region in enumerate(self.regions):
                if not self.is_roomy(i):
                    x1, y1, x2, y2 = region.box_xyxy
                    worth[y1:y2, x1:x2] += region.visible * np.float32(self._each(i))
            self._worth = worth
        return self._worth

    def _each(self, i: int) -> float:
        """The worth of each pixel of a region that is not roomy."""
        return 1 / self.regions[i].area_px + _FOREIGN / math.prod(self.sizes[i])

    def settle(self, i: int, label: Label) -> bool:
        x1, y1, x2, y2 = label.box_xyxy
        self.labels[i] = label
        self.covered[y1:y2, x1:x2] = 1
        gap = GAP_PX
        for places in (self.open, self.clear):
            places[max(0, y1 - gap) : y2 + gap, max(0, x1 - gap) : x2 + gap] = 0
        if label.leader_xyxy is not None:
            lx1, ly1, lx2, ly2 = label.leader_xyxy
            cv2.line(self.clear, (lx1, ly1), (lx2, ly2), 0, thickness=3)
        return True

    def place_on(self, i: int) -> bool:
        if self._place_inside(i, self.wanted_px[i]):
            return True
        if self.wanted_px[i] > self.least_px and self._place_inside(i, self.least_px):
            return True
        return self._place_across(i)

    def _place_inside(self, i: int, text_px: int) -> bool:
        """The label wholly on what is free of its region."""
        region = self.regions[i]
        wide, high = label_size_wh(region.target.text, text_px)
        rows, columns = region.visible.shape
        if rows < high or columns < wide or wide * high > MAX_HIDDEN * region.area_px:
            return False
        x1, y1, x2, y2 = region.box_xyxy
        free: Bits = np.bitwise_and(region.visible, self.clear[y1:y2, x1:x2])
        step = step_for(rows, columns)
        corner = best_corner(free, wide, high, step)
        if step > 1 and (corner is None or not holds(free, corner, wide, high)):
            corner = best_corner(free, wide, high, 1)
        if corner is None:
            return False
        left, top = x1 + corner[0], y1 + corner[1]
        anchor = (left + wide // 2, top + high // 2)
        box = (left, top, left + wide, top + high)
        return self.settle(i, Label(region.target, text_px, box, anchor))

    def _place_across(self, i: int) -> bool:
        """The label's centre on its region, its edges over the region's: for thin regions."""
        region, (wide, high) = self.regions[i], self.sizes[i]
        if MIN_ON * wide * high > MAX_HIDDEN * region.area_px:
            return False
        window = self._window(region.box_xyxy, wide, high)
        x1, y1, x2, y2 = window
        if x2 - x1 < wide or y2 - y1 < high:
            return False
        own = self._own(region, window)
        on = counts_under(own, wide, high)
        centred = own[high // 2 :, wide // 2 :][: on.shape[0], : on.shape[1]]
        # Most thin regions end here, before anything else is counted.
        enough = (on >= MIN_ON * wide * high) & (on <= MAX_HIDDEN * region.area_px)
        if not enough.any():
            return False
        opened = counts_under(self.clear[y1:y2, x1:x2], wide, high)
        ys, xs = np.nonzero(enough & (opened == wide * high) & (centred != 0))
        if not ys.size:
            return False
        hidden = self._hidden(window, wide, high)[ys, xs]
        if not self.is_roomy(i):
            hidden -= on[ys, xs] * self._each(i)
        centre_x, centre_y = centroid(own)
        off = np.hypot(xs + wide // 2 - centre_x, ys + high // 2 - centre_y)
        cost = (1 - on[ys, xs] / (wide * high)) + hidden + 0.2 * off / max(own.shape)
        best = int(np.argmin(np.round(cost, 6)))
        if hidden[best] > MAX_HIDDEN:
            return False
        left, top = x1 + int(xs[best]), y1 + int(ys[best])
        anchor = (left + wide // 2, top + high // 2)
        box = (left, top, left + wide, top + high)
        return self.settle(i, Label(region.target, self.least_px, box, anchor))

    def place_beside(self, i: int) -> bool:
        """The cheapest free place near the region, with a leader; False where there is none."""
        region, (wide, high) = self.regions[i], self.sizes[i]
        anchor = deepest_of(region)
        around = (anchor[0], anchor[1], anchor[0] + 1, anchor[1] + 1)
        reach, frame = 4 * high, max(self.picture_wh)
        while True:
            window = self._window(around, wide + reach, high + reach)
            label = self._beside(i, anchor, window, lines=True)
            if label is None and reach >= frame:
                label = self._beside(i, anchor, window, lines=False)
            if label is not None:
                return self.settle(i, label)
            if reach >= frame:
                return False
            reach *= 4

    def _beside(self, i: int, anchor: PointPx, window: BoxPx, lines: bool) -> Label | None:
        region, (wide, high) = self.regions[i], self.sizes[i]
        x1, y1, x2, y2 = window
        if x2 - x1 < wide or y2 - y1 < high:
            return None
        reach = 2 * _LEADER_PX + 1
        near = cv2.dilate(self._own(region, window), block(reach, reach))
        places = self.clear if lines else self.open
        opened: Bits = np.bitwise_and(places[y1:y2, x1:x2], 1 - near)
        free = counts_under(opened, wide, high) == wide * high
        ys, xs = np.nonzero(free[::2, ::2])
        if ys.size:
            ys, xs = 2 * ys, 2 * xs
        else:
            ys, xs = np.nonzero(free)
            if not ys.size:
                return None
        left, top = x1 + xs, y1 + ys
        away_x = np.maximum(0, np.maximum(left - anchor[0], anchor[0] - (left + wide - 1)))
        away_y = np.maximum(0, np.maximum(top - anchor[1], anchor[1] - (top + high - 1)))
        hidden = self._hidden(window, wide, high)[ys, xs]
        cost = np.hypot(away_x, away_y) / high + _HIDDEN_COST * hidden
        # Places of about one cost are neighbours of one another: some of them, ever farther down
        # the list, show whether any leader gets through without crossing a label.
        order = np.argsort(np.round(cost, 6), kind="stable")
        spread = order[np.unique(np.geomspace(1, order.size, _TRIED).astype(np.intp)) - 1]
        chosen: Label | None = None
        for at in spread:
            box = (
                int(left[at]),
                int(top[at]),
                int(left[at]) + wide,
                int(top[at]) + high,
            )
            leader = leader_to(region, box, anchor)
            label = Label(region.target, self.least_px, box, anchor, leader)
            if not self._crosses(leader):
                return label
            chosen = chosen or label
        return None if lines else chosen

    def force(self, i: int) -> None:
        """A label over its region, whatever it covers: only where all else failed."""
        region, (wide, high) = self.regions[i], self.sizes[i]
        width, height = self.picture_wh
        anchor = deepest_of(region)
        left = max(0, min(anchor[0] - wide // 2, width - wide))
        top = max(0, min(anchor[1] - high // 2, height - high))
        box = (left, top, left + wide, top + high)
        self.settle(i, Label(region.target, self.least_px, box, anchor, alone=False))

    def grow(self, homeless: Sequence[int]) -> None:
        """Adds a margin, on the right or below, with room for the labels named."""
        width, height = self.picture_wh
        wide = max(self.sizes[i][0] for i in homeless) + GAP_PX + 1
        high = max(self.sizes[i][1] for i in homeless) + GAP_PX + 1
        lane = _LEADER_PX + 2
        tall, broad = max(height, high), max(width, wide)
        right = (width + lane + wide * -(-len(homeless) // (tall // high)), tall)
        below = (broad, height + lane + high * -(-len(homeless) // (broad // wide)))
        wider, taller = min(right, below, key=math.prod)
        more = ((0, taller - height), (0, wider - width))
        self.covered = np.pad(self.covered, more)
        self.open = np.pad(self.open, more, constant_values=1)
        self.clear = np.pad(self.clear, more, constant_values=1)
        self.picture_wh = (wider, taller)
        self._worth = None

    def _window(self, box: BoxPx, wide: int, high: int) -> BoxPx:
        width, height = self.picture_wh
        x1, y1, x2, y2 = box
        return (
            max(0, x1 - wide),
            max(0, y1 - high),
            min(width, x2 + wide),
            min(height, y2 + high),
        )

    def _own(self, region: Region, window: BoxPx) -> Bits:
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

    def _hidden(self, window: BoxPx, wide: int, high: int) -> NDArray[np.float64]:
        """What a label hides, in regions, at each upper left corner in a window."""
        x1, y1, x2, y2 = window
        table = cv2.integral(self.worth[y1:y2, x1:x2], sdepth=cv2.CV_64F)
        below = table.astype(np.float64, copy=False)
        below = below[high:] - below[:-high]
        hidden: NDArray[np.float64] = below[:, wide:] - below[:, :-wide]
        return hidden

    def _crosses(self, leader: BoxPx) -> bool:
        """Does the leader run over another label?"""
        xs, ys = pixels_between(leader)
        return bool(self.covered[ys, xs].any())
