"""Where each label stands: on its own region if it can, beside it with a leader if it cannot.

Regions are served smallest first, as the small ones have the least choice; the large ones, which
find room anywhere, come last. On a region, a label takes the place where it lies deepest in what
is free of it (a distance transform of the region's own cut-out, less smaller regions and labels
already placed) and, among places about as good, the one nearest to its centre. A label that
would hide too much, or hang over its region's edge by half, goes to the cheapest free place
nearby, with a leader. A region too tiny to be made out gets an inset, as far as there is room
(``inset``); its label is attached to that. What finds no place on the picture goes to a margin on
its right or below.

What holds. Always: each label is whole, of its own text, and at least ``heights.least`` high.
With every label whose ``alone`` is True: it overlaps no label or inset, lies inside the picture,
stands on its region for MIN_ON or more of itself or has a leader that ends on it, and all labels
and insets together hide at most MAX_HIDDEN of its region. ``alone`` is False only where a margin
could not be had: there is no ``room`` for one that would hold all labels.

Source: the order and the distance transform are the mark allocation of Set-of-Mark
(arXiv 2310.11441, section 3.2). Leaders, insets, the margin and the limits on hiding are ours:
published code centres the number on the region however small, and lets numbers overlap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from annoengine.som.beside import (
    LEADER_PX,
    Search,
    Shape,
    find_beside,
    find_in_margin,
    label_shape,
)
from annoengine.som.board import GAP_PX, MAX_HIDDEN, MOST_PRICE, TAKEN, Board, cut_out
from annoengine.som.cover import Prices
from annoengine.som.depth import centroid, corner_inside, deepest_of, squares_off, sums_under
from annoengine.som.inset import MOST_INSETS, Zoom, chosen
from annoengine.som.layout import Bits, BoxPx, Inset, Label, Layout, Owners, Region, TextHeights
from annoengine.som.leader import leader_to
from annoengine.som.lettering import label_size_wh
from annoengine.som.room import Room

MIN_ON = 0.6
"""The least share of a label that must stand on its region, where it has no leader."""

_UNNOTICED = 0.03
"""Digits grow beyond their usual height while the label hides no more of its region than this."""

_LITTLE = 0.15
"""Digits have their usual height while the label hides no more of its region than this."""

_ROOMY = 40
"""A region this many times as large as its smallest label finds room late as well as early."""

_TRIED_ACROSS = 8
"""Places over the edge of a thin region that are held against what is hidden."""

_INSET_GRID = 6
"""Places for insets are looked for on every so many pixels."""

_INSET_STRIP = 1.25
"""A margin for insets makes the picture so many times as large at most."""

_INSET_REACH = 0.4
"""The longest leader of an inset, of the photograph's longer side: beyond, none is better."""

_INSET_PRICE = 12.0
"""What hiding all that may be hidden of one region costs an inset, in its own heights."""

_MOST_LANES = 8
"""Columns of labels that a margin on the right may have."""


_ENDLESS = Room()


def place_labels(
    regions: Sequence[Region],
    picture_wh: tuple[int, int],
    heights: TextHeights,
    room: Room | None = _ENDLESS,
    bystanders: Sequence[Region] = (),
    zoom: Zoom | None = None,
    owners: Owners | None = None,
) -> Layout:
    """The places of all labels on a picture of ``picture_wh``; see above for what holds.

    ``room`` says how far a margin may make the picture larger; None: there is none.
    ``bystanders`` are regions without a mark that must be seen all the same. With a ``zoom``,
    tiny regions get insets. ``owners``, where no two regions share a pixel, spares counting.
    """
    placer = _Placer(regions, bystanders, picture_wh, heights, owners)
    order = sorted(
        range(len(regions)), key=lambda i: (regions[i].area_px, regions[i].target.number)
    )
    tiny = 0 if zoom is None else sum(zoom.is_tiny(region) for region in regions)
    with_inset = [] if zoom is None else chosen(regions, zoom)
    zoomed = set(with_inset)
    tight = [i for i in order if not placer.is_roomy(i) and i not in zoomed]
    homeless = [i for i in tight if not placer.place_on(i)]
    homeless = [i for i in homeless if not placer.place_beside(i)]
    if zoom is not None:
        # Where most tiny regions get no inset after all, the margin is for labels alone.
        strip = room if tiny <= 2 * MOST_INSETS else None
        for i in placer.place_insets(with_inset, zoom, strip):
            if not placer.place_beside(i):
                homeless.append(i)
    roomy = [i for i in order if placer.is_roomy(i) and i not in zoomed]
    homeless += [i for i in roomy if not placer.place_on(i) and not placer.place_beside(i)]
    if room is not None:
        homeless = placer.place_in_margin(homeless, room)
    for i in homeless:
        if not placer.place_beside(i, everywhere=True):
            placer.force(i)
    return placer.layout()


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


class _Placer:
    """The ways to place a label, in the order in which they are tried."""

    def __init__(
        self,
        regions: Sequence[Region],
        bystanders: Sequence[Region],
        picture_wh: tuple[int, int],
        heights: TextHeights,
        owners: Owners | None,
    ) -> None:
        self.regions = regions
        self.least_px = heights.least
        self.heights = heights
        self.sizes = [label_size_wh(region.target.text, heights.least) for region in regions]
        areas = sorted(math.prod(size) for size in self.sizes) or [0]
        self.board = Board(
            regions, bystanders, picture_wh, areas[len(areas) // 2], max(areas[-1], 1), owners
        )
        self.crowded: list[tuple[int, int]] = []
        """Sizes of labels for which there is no place left on the picture."""

    def is_roomy(self, i: int) -> bool:
        return self.regions[i].area_px >= _ROOMY * math.prod(self.sizes[i])

    def place_on(self, i: int) -> bool:
        wanted = text_height(self.regions[i].target.text, self.regions[i].area_px, self.heights)
        if self._place_inside(i, wanted):
            return True
        if wanted > self.least_px and self._place_inside(i, self.least_px):
            return True
        return self._place_across(i)

    def _place_inside(self, i: int, text_px: int) -> bool:
        """The label wholly on what is free of its region."""
        board, region = self.board, self.regions[i]
        wide, high = label_size_wh(region.target.text, text_px)
        rows, columns = region.visible.shape
        if rows < high or columns < wide or wide * high > self._may_hide(i):
            return False
        x1, y1, x2, y2 = region.box_xyxy
        free: Bits = np.bitwise_and(region.visible, board.clear[y1:y2, x1:x2])
        corner = corner_inside(free, wide, high)
        if corner is None:
            return False
        left, top = x1 + corner[0], y1 + corner[1]
        box = (left, top, left + wide, top + high)
        return self._settle_on(i, text_px, box, inside=True)

    def _place_across(self, i: int) -> bool:
        """The label's centre on its region, its edges over the region's: for thin regions."""
        board, region, (wide, high) = self.board, self.regions[i], self.sizes[i]
        most = self._may_hide(i)
        if MIN_ON * wide * high > most:
            return False
        x1, y1, x2, y2 = window = board.window(region.box_xyxy, wide // 2, high // 2)
        if x2 - x1 < wide or y2 - y1 < high:
            return False
        own = cut_out(region, window)
        on = sums_under(own, wide, high)
        centred = own[high // 2 :, wide // 2 :][: on.shape[0], : on.shape[1]]
        # Most thin regions end here, before anything else is counted.
        enough = (on >= MIN_ON * wide * high) & (on <= most) & (centred != 0)
        if not enough.any():
            return False
        # Its own pixels have a limit of their own, so that they cost nothing more here.
        field = np.where(board.clear[y1:y2, x1:x2], board.price(window), np.float32(99))
        hidden = sums_under(field, wide, high) - np.float32(board.each(i)) * on
        centre_x, centre_y = centroid(own)
        off = np.sqrt(squares_off(on.shape, centre_x - wide // 2, centre_y - high // 2))
        cost = hidden - on / (wide * high) + np.float32(0.2 / max(own.shape)) * off
        allowed = (enough & (hidden <= MOST_PRICE)).view(np.uint8)
        for _ in range(_TRIED_ACROSS):
            _, _, (x, y), _ = cv2.minMaxLoc(cost, mask=allowed)
            if x < 0:
                break
            box = (x1 + x, y1 + y, x1 + x + wide, y1 + y + high)
            if self._settle_on(i, self.least_px, box):
                return True
            allowed[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3] = 0
        return False

    def _may_hide(self, i: int) -> int:
        """How many pixels of its own region a label may hide, of those that are seen."""
        return min(self.board.left[i], int(MAX_HIDDEN * self.regions[i].area_px))

    def _settle_on(self, i: int, text_px: int, box: BoxPx, inside: bool = False) -> bool:
        anchor = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
        return self.board.settle(i, Label(self.regions[i].target, text_px, box, anchor), inside)

    def place_beside(self, i: int, everywhere: bool = False) -> bool:
        """The label at the cheapest free place nearby, or ``everywhere``, with a leader."""
        wide, high = self.sizes[i]
        if any(wide >= each[0] and high >= each[1] for each in self.crowded):
            return False
        shape = label_shape(wide, high)
        label = find_beside(self.board, i, self.least_px, shape, everywhere)
        if label is not None:
            return self.board.settle(i, label)
        if everywhere and not _has_place(self.board, wide, high):
            self.crowded.append((wide, high))
        return False

    def _place_in_margin(self, i: int) -> bool:
        shape = label_shape(*self.sizes[i])
        label = find_in_margin(self.board, i, self.least_px, shape, crossing=True)
        return label is not None and self.board.settle(i, label)

    def place_insets(self, wanted: Sequence[int], zoom: Zoom, room: Room | None) -> list[int]:
        """Places insets with their labels; gives the regions for which there was no room."""
        if not wanted:
            return []
        everything = (0, 0, *self.board.picture_wh)
        shares = self.board.price(everything, _INSET_GRID, of_all=True)
        left = [i for i in wanted if not self._place_inset(i, zoom, shares)]
        if not left or room is None:
            return left
        shapes = {i: zoom.shape(self.regions[i], self.sizes[i]) for i in left}
        for count in range(len(left), 0, -1):
            larger = self._margin_of_insets([shapes[i] for i in left[:count]], room)
            if larger is not None:
                below = larger[1] > self.board.picture_wh[1]
                self._grow(larger)
                # In the order in which they lie along the margin, leaders do not cross.
                in_turn = sorted(left, key=lambda i: self._place_along(i, below))
                return [i for i in in_turn if not self._place_inset(i, zoom, None)]
        return left

    def _place_along(self, i: int, below: bool) -> tuple[int, int]:
        """Where a region lies along the margin; its number settles a tie."""
        region = self.regions[i]
        return (region.x if below else region.y, region.target.number)

    def _margin_of_insets(self, shapes: Sequence[Shape], room: Room) -> tuple[int, int] | None:
        """Like ``_with_margin``, but not more than a strip that leaves the photograph large."""
        larger = self._with_margin(shapes, room, room.least_for_insets)
        if larger is None or math.prod(larger) > _INSET_STRIP * math.prod(self.board.photo_wh):
            return None
        return larger

    def _place_inset(self, i: int, zoom: Zoom, shares: Prices | None) -> bool:
        """One inset: over what is roomy or, without ``shares``, in the margin."""
        board, region = self.board, self.regions[i]
        shape = zoom.shape(region, self.sizes[i])
        most_px = _INSET_REACH * max(board.photo_wh)
        if shares is None:
            label = find_in_margin(board, i, self.least_px, shape, False, most_px)
        else:
            window = (0, 0, *board.picture_wh)
            search = Search(board, i, self.least_px, shape, deepest_of(region), window)
            label = search.best(shares, _INSET_GRID, True, _INSET_PRICE, most_px)
        if label is None:
            return False
        corner = label.box_xyxy[:2]
        inset = Inset(shape.at((corner[0], corner[1]))[1], zoom.crop(region))
        return board.settle(i, replace(label, inset=inset))

    def place_in_margin(self, homeless: list[int], room: Room) -> list[int]:
        """Grows a margin for all that have no place, as far as may be; gives those left."""
        for share in (1, 1, 2, 2):
            if not homeless:
                break
            shapes = [label_shape(*self.sizes[i]) for i in homeless] * share
            larger = room.largest(self.board.picture_wh) if room.all_of_it else None
            while shapes and larger is None:
                larger = self._with_margin(shapes, room)
                shapes = shapes[: len(shapes) * 3 // 4]
            if larger is None:
                break
            below = larger[1] > self.board.picture_wh[1]
            self._grow(larger)
            in_turn = sorted(homeless, key=lambda i: self._place_along(i, below))
            homeless = [i for i in in_turn if not self._place_in_margin(i)]
        return homeless

    def _with_margin(
        self, shapes: Sequence[Shape], room: Room, least_scale: float | None = None
    ) -> tuple[int, int] | None:
        """The size of the picture with a margin that holds all shapes; None: it may not be had.

        So many columns on the right and rows below that the photograph has to shrink least;
        among those about as good, the smallest picture.
        """
        width, height = self.board.picture_wh
        wide = max(shape.wide for shape in shapes) + GAP_PX + 1
        high = max(shape.high for shape in shapes) + GAP_PX + 1
        lane = LEADER_PX + 2
        sizes: list[tuple[int, int]] = []
        for columns in range(_MOST_LANES + 1):
            broad = max(width + (lane + wide * columns if columns else 0), wide)
            tall = max(height, high)
            left = len(shapes) - columns * (tall // high)
            rows = max(0, -(-left // (broad // wide)))
            # A column is longer beside rows, and may then hold all alone.
            sizes.append((broad, max(tall, height + lane + high * rows) if rows else tall))
        least_scale = room.least_scale if least_scale is None else least_scale
        possible = [
            (-round(room.scale_of(size), 2), math.prod(size), size)
            for size in sizes
            if size != (width, height) and room.scale_of(size) >= least_scale
        ]
        return min(possible)[2] if possible else None

    def _grow(self, picture_wh: tuple[int, int]) -> None:
        self.board.grow(picture_wh)
        self.crowded.clear()

    def force(self, i: int) -> None:
        """A label near its region that covers as little of other labels as can be.

        Only where all else failed.
        """
        board, region, (wide, high) = self.board, self.regions[i], self.sizes[i]
        width, height = board.picture_wh
        anchor = deepest_of(region)
        left, top = max(0, min(anchor[0] - wide // 2, width - wide)), 0
        if wide <= width and high <= height:
            # Over labels that are spoilt already, rather than over what is still right.
            label_px = np.float32(1 / (wide * high))
            price = np.minimum(board.price((0, 0, width, height)), 2 * label_px)
            field = np.where(board.covered, 4 * label_px, price)
            for label in board.labels.values():
                if not label.alone:
                    x1, y1, x2, y2 = label.box_xyxy
                    field[y1:y2, x1:x2] = 0
            cost = sums_under(field, wide, high)
            off = squares_off(cost.shape, anchor[0] - wide // 2, anchor[1] - high // 2)
            _, _, (left, top), _ = cv2.minMaxLoc(cost + np.sqrt(off) / np.float32(40 * high))
        box = (left, top, left + wide, top + high)
        inside = left <= anchor[0] < left + wide and top <= anchor[1] < top + high
        leader = None if inside else leader_to(region, box, anchor)
        board.force(i, Label(region.target, self.least_px, box, anchor, leader, alone=False))

    def layout(self) -> Layout:
        """All labels; those that a forced one spoils are not alone either."""
        board = self.board
        labels = [board.labels[i] for i in range(len(self.regions))]
        forced = [label.box_xyxy for label in labels if not label.alone]
        if forced:
            labels = [
                replace(label, alone=False)
                if board.left[i] < 0 or any(_meet(b, f) for b in label.boxes for f in forced)
                else label
                for i, label in enumerate(labels)
            ]
        labels.sort(key=lambda each: each.target.number)
        # A margin is no larger than what stands in it.
        width, height = board.photo_wh
        boxes = [box for label in labels for box in label.boxes]
        reach = [max((box[side] + GAP_PX for box in boxes), default=0) for side in (2, 3)]
        picture_wh = (
            max(width, min(board.picture_wh[0], reach[0])),
            max(height, min(board.picture_wh[1], reach[1])),
        )
        return Layout(picture_wh, tuple(labels))


def _has_place(board: Board, wide: int, high: int) -> bool:
    """Is there any place for a label of this size, whatever region it belongs to?"""
    if board.open.shape[0] < high or board.open.shape[1] < wide:
        return False
    price = board.price((0, 0, *board.picture_wh))
    field = np.where(board.open, price, np.float32(TAKEN))
    return bool((sums_under(field, wide, high) <= MOST_PRICE).any())


def _meet(a: BoxPx, b: BoxPx) -> bool:
    """Do two boxes overlap?"""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
