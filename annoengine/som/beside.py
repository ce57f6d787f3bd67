"""The cheapest free place beside a region: near it, and hiding little of anything.

The price of every place in a window is one box filter over the board's price map. The cheapest
places are then tried one after another against the pixels, and with the leader they would need.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.som.board import MOST_PRICE, TAKEN, Board, cut_out
from annoengine.som.depth import block, deepest_of, step_for, sums_under
from annoengine.som.layout import Bits, BoxPx, Label, PointPx
from annoengine.som.leader import leader_to

LEADER_PX = 7
"""Free pixels between a region and a label beside it, so that the leader can be seen."""

_PRICE_COST = 5.0
"""What a place costs that hides all it may of one region, in label heights of distance."""

_WINDOW_PIXELS = 4_000
"""Windows larger than this are searched on a coarser grid."""

_TRIED = 16
"""Places in one window that are tried."""

_TRIED_BLINDLY = 3
"""Places that are tried before it is worked out which of them a leader can reach."""

_CROSSED = 0.2
"""The share of a small region that a leader may hide on its way, where there is a choice."""


@dataclass(frozen=True)
class Shape:
    """A label, or an inset under its label, as seen from its upper left corner.

    The leader starts at ``tied``; all of ``parts`` hide what is under them. The label is the
    first of the parts.
    """

    wide: int
    high: int
    parts: tuple[BoxPx, ...]
    tied: BoxPx

    def at(self, corner: PointPx) -> tuple[BoxPx, ...]:
        """The parts at a corner."""
        return tuple(moved(part, corner) for part in self.parts)


def label_shape(wide: int, high: int) -> Shape:
    """A label alone."""
    box = (0, 0, wide, high)
    return Shape(wide, high, (box,), box)


def moved(box: BoxPx, by: PointPx) -> BoxPx:
    """A box at another place."""
    return (box[0] + by[0], box[1] + by[1], box[2] + by[0], box[3] + by[1])


def find_beside(
    board: Board, i: int, text_px: int, shape: Shape, everywhere: bool = False
) -> Label | None:
    """The label of a region at the cheapest place near it, with its leader; None: no place.

    Two windows around the region are searched. ``everywhere``, all of the picture is, and where
    no place can be reached otherwise, the leader crosses other labels.
    """
    anchor = deepest_of(board.regions[i])
    around = (anchor[0], anchor[1], anchor[0] + 1, anchor[1] + 1)
    for reach in (4 * shape.high, 16 * shape.high):
        window = board.window(around, shape.wide + reach, shape.high + reach)
        x1, y1, x2, y2 = window
        step = step_for(y2 - y1, x2 - x1, _WINDOW_PIXELS)
        search = Search(board, i, text_px, shape, anchor, window)
        label = search.best(board.price(window, step), step, lines=True)
        if label is not None:
            return label
    if not everywhere:
        return None
    window = (0, 0, *board.picture_wh)
    price = board.price(window)
    search = Search(board, i, text_px, shape, anchor, window)
    return search.best(price, 1, lines=True) or search.best(price, 1, lines=False)


def find_in_margin(
    board: Board, i: int, text_px: int, shape: Shape, crossing: bool, most_px: float = math.inf
) -> Label | None:
    """The label of a region in the margin, as near as can be; None: no place.

    Its leader crosses other labels only where it must, and only if ``crossing`` is allowed.
    """
    anchor = deepest_of(board.regions[i])
    (width, height), (wide, high) = board.photo_wh, board.picture_wh
    strips = [(0, height, wide, high), (width, 0, wide, height)]
    searches = [Search(board, i, text_px, shape, anchor, strip) for strip in strips]
    for lines in (True, False) if crossing else (True,):
        found: list[Label] = []
        for search in searches:
            x1, y1, x2, y2 = search.window
            if x2 - x1 >= shape.wide and y2 - y1 >= shape.high:
                step = step_for(y2 - y1, x2 - x1, _WINDOW_PIXELS)
                price = np.zeros(board.open[y1:y2:step, x1:x2:step].shape, dtype=np.float32)
                label = search.best(price, step, lines, most_px=most_px)
                if label is None and step > 1:
                    price = np.zeros((y2 - y1, x2 - x1), dtype=np.float32)
                    label = search.best(price, 1, lines, most_px=most_px)
                if label is not None:
                    found.append(label)
        if found:
            return min(found, key=_length)
    return None


def _length(label: Label) -> float:
    x1, y1, x2, y2 = label.leader_xyxy or (0, 0, 0, 0)
    return math.hypot(x2 - x1, y2 - y1)


class Search:
    """One window around one region."""

    def __init__(
        self, board: Board, i: int, text_px: int, shape: Shape, anchor: PointPx, window: BoxPx
    ) -> None:
        self.board = board
        self.i = i
        self.text_px = text_px
        self.shape = shape
        self.anchor = anchor
        self.window = window

    def best(
        self,
        price: NDArray[np.float32],
        step: int,
        lines: bool,
        price_cost: float = _PRICE_COST,
        most_px: float = math.inf,
    ) -> Label | None:
        """The cheapest place that holds; ``price`` is that of every ``step``-th pixel.

        Without ``lines`` leaders are no hindrance: not for the label, nor for its own. No leader
        is longer than ``most_px``.
        """
        shape = self.shape
        cost = self._costs(price, step, lines, price_cost, most_px)
        if cost is None:
            return None
        near_x, near_y = max(1, shape.wide // 3 // step), max(1, shape.high // 3 // step)
        second: Label | None = None
        for number in range(_TRIED):
            if lines and number == _TRIED_BLINDLY:
                cost[self._unseen(cost.shape, step)] = np.inf
            least, _, (x, y), _ = cv2.minMaxLoc(cost)
            if least >= np.inf:
                break
            label = self._label_at((self.window[0] + x * step, self.window[1] + y * step), lines)
            if label is not None:
                leader = label.leader_xyxy
                if not lines or leader is None or self.board.crossed(self.i, leader) <= _CROSSED:
                    return label
                second = second or label
            # A place close by would most likely fail for the same reason.
            cost[max(0, y - near_y) : y + near_y + 1, max(0, x - near_x) : x + near_x + 1] = np.inf
        return second

    def _costs(
        self,
        price: NDArray[np.float32],
        step: int,
        lines: bool,
        price_cost: float,
        most_px: float,
    ) -> NDArray[np.float32] | None:
        """The cost of each corner on the grid, in label heights; infinite where taken."""
        board, shape, (x1, y1, x2, y2) = self.board, self.shape, self.window
        # On a coarse grid one row and column more: what begins between them is seen then.
        more = 0 if step == 1 else 1
        wide, high = -(-shape.wide // step) + more, -(-shape.high // step) + more
        if price.shape[0] < high or price.shape[1] < wide or x2 - x1 < shape.wide:
            return None
        places = (board.clear if lines else board.open)[y1:y2:step, x1:x2:step]
        own = np.ascontiguousarray(cut_out(board.regions[self.i], self.window)[::step, ::step])
        reach = 2 * -(-LEADER_PX // step) + 1
        near = cv2.dilate(own, block(reach, reach))
        field = np.where(places > near, price * np.float32(step * step), np.float32(TAKEN))
        sums = sums_under(field, wide, high)
        xs = np.arange(sums.shape[1], dtype=np.float32) * step + x1
        ys = np.arange(sums.shape[0], dtype=np.float32) * step + y1
        tied = shape.tied
        away_x = _outside(self.anchor[0], xs + tied[0], xs + tied[2])
        away_y = _outside(self.anchor[1], ys + tied[1], ys + tied[3])
        distance = np.sqrt((away_x * away_x)[None] + (away_y * away_y)[:, None])
        cost: NDArray[np.float32] = distance / np.float32(shape.high) + price_cost * sums
        cost[(sums > MOST_PRICE) | (distance > most_px)] = np.inf
        return cost

    def _unseen(self, shape: tuple[int, ...], step: int) -> NDArray[np.bool_]:
        """The corners from which other labels stand between the leader's start and the anchor.

        Each label throws a shadow, as if the anchor were a lamp.
        """
        x1, y1, x2, y2 = self.window
        lit: Bits = np.ones((-(-(y2 - y1) // step), -(-(x2 - x1) // step)), dtype=np.uint8)
        lamp = np.array([self.anchor[0] - x1, self.anchor[1] - y1], dtype=np.float32) / step
        boxes = np.array(
            [
                box
                for label in self.board.labels.values()
                for box in label.boxes
                if box[0] < x2 and box[2] > x1 and box[1] < y2 and box[3] > y1
            ],
            dtype=np.float32,
        ).reshape(-1, 4)
        corners = np.stack([boxes[:, [0, 1]], boxes[:, [2, 1]], boxes[:, [2, 3]], boxes[:, [0, 3]]])
        rays = (corners - np.array([x1, y1], dtype=np.float32)) / step - lamp
        lengths = np.maximum(1, np.abs(rays).max(axis=2, keepdims=True))
        shadows = np.concatenate([rays, rays * (2 * max(lit.shape) / lengths)]) + lamp
        for shadow in np.rint(shadows).astype(np.int32).transpose(1, 0, 2):
            cv2.fillConvexPoly(lit, cv2.convexHull(np.ascontiguousarray(shadow)), 0)
        tied = self.shape.tied
        xs = np.arange(shape[1]) * step + x1
        ys = np.arange(shape[0]) * step + y1
        start_x = np.clip(self.anchor[0], xs + tied[0], xs + tied[2] - 1) - x1
        start_y = np.clip(self.anchor[1], ys + tied[1], ys + tied[3] - 1) - y1
        columns = np.minimum(start_x // step, lit.shape[1] - 1)
        rows = np.minimum(start_y // step, lit.shape[0] - 1)
        unseen: NDArray[np.bool_] = lit[np.ix_(rows, columns)] == 0
        return unseen

    def _label_at(self, corner: PointPx, lines: bool) -> Label | None:
        board = self.board
        region = board.regions[self.i]
        parts = self.shape.at(corner)
        if not all(board.is_free(part, lines) for part in parts):
            return None
        if any(cut_out(region, part).any() for part in parts):
            return None
        leader = leader_to(region, moved(self.shape.tied, corner), self.anchor)
        if lines and board.is_crossed(leader):
            return None
        if board.tolls(*parts) is None:
            return None
        return Label(region.target, self.text_px, parts[0], self.anchor, leader)


def _outside(at: int, low: NDArray[np.float32], high: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far a coordinate lies outside each range."""
    away: NDArray[np.float32] = np.maximum(0, np.maximum(low - at, at - (high - 1)))
    return away
