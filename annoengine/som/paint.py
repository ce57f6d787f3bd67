"""The paint that styles share: fills, outlines, leaders and labels, laid onto a picture in place.

All outlines of a picture are one map of ranks, and so are all fills: the smaller a region, the
higher its rank, and the highest wins a pixel. Colours are RGB. Nothing here decides where
anything stands.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.photo import ImageRgb
from annoengine.som.layout import Bits, BoxPx, Label, Region
from annoengine.som.lettering import label_padding_px, text_coverage
from annoengine.som.outline import Outline, line_px, outline_of
from annoengine.som.palette import (
    DARK,
    PALETTE,
    WHITE,
    Rgb,
    choose_colours,
    packed,
    packed_code,
    palette_unseen,
)

Floats = NDArray[np.float32]
Ranks = NDArray[Any]
"""uint8 or uint16 (height, width): 0 for none, else the rank of a region, from 1."""

PLATE_COVER = 0.92
"""How much of what lies under a label's plate it hides."""

_SAMPLE = 24
"""Pixels of the ground that are looked at for each region's colour."""

_REACH = 24
"""Regions within this many thicknesses of a line are to differ in colour."""


class Painting:
    """A picture on which the marks of some regions are being painted.

    It is uint8 (height, width, 3), RGB, contiguous, and changed in place. Colours are chosen from
    its pixels as they are before the first paint. Paint from below: fill, outline, lead, letter.
    """

    def __init__(
        self,
        picture: ImageRgb,
        regions: Sequence[Region],
        outlines: Sequence[Outline],
        thickness: int,
    ) -> None:
        """``outlines`` are those of ``regions``, in order; ``thickness`` is that of a line."""
        self.picture = picture
        self.regions = regions
        self.outlines = outlines
        self.thickness = thickness
        self._pixels = picture.reshape(-1, 3)
        self._order = from_large_to_small(regions)
        self._specks = self._masks_of_specks()
        self._lines = self._ranks(self._line_pieces())
        self._on_line = np.flatnonzero(self._lines != 0)
        self._owners = self._lines.reshape(-1).take(self._on_line)
        """The rank of each pixel of ``_on_line``."""
        # The large ones choose first: most regions are beside them.
        boxes = [regions[i].box_xyxy for i in self._order]
        unlike = [regions[i].target.unlike for i in self._order]
        self._chosen = choose_colours(boxes, self._grounds(), _REACH * thickness, unlike)
        """The place in the palette of each rank's colour; the lowest rank first."""
        self.colours: list[Rgb] = [WHITE] * len(regions)
        """The colour of each region, in order."""
        for i, chosen in zip(self._order, self._chosen, strict=True):
            self.colours[i] = PALETTE[chosen]
        self._by_number = {
            region.target.number: colour
            for region, colour in zip(regions, self.colours, strict=True)
        }

    def fill(self, parts: int) -> None:
        """Tints every region with ``parts`` of 256 of its colour; a pixel gets one tint only.

        Shares of 256 are exact in floating point: the bytes are the same on every machine.
        """
        ranks = self._ranks(
            (region.box_xyxy, region.mask) for region in map(self.regions.__getitem__, self._order)
        )
        colours = self._coloured(ranks)
        tinted = cv2.addWeighted(self.picture, 1 - parts / 256, colours, parts / 256, 0)
        cv2.copyTo(tinted, (ranks != 0).view(np.uint8), self.picture)

    def outline(self) -> None:
        """Every region's line; where its ground is too like it, a dark edge runs beside it."""
        reach = 2 * max(1, self.thickness // 2) + 1
        beside: Ranks = cv2.dilate(self._lines, np.ones((reach, reach), dtype=np.uint8))
        at = np.flatnonzero((beside != 0) & (self._lines == 0) & (self._specks == 0))
        unseen = palette_unseen()
        first = np.zeros(len(self._order) + 1, dtype=np.intp)
        first[1:] = [chosen * unseen.shape[1] for chosen in self._chosen]
        line = first.take(beside.reshape(-1).take(at))
        # Pixels of four bytes are picked and set as one number each, three times as fast.
        canvas = cv2.cvtColor(self.picture, cv2.COLOR_RGB2RGBA)
        pixels = canvas.view("<u4").reshape(-1)
        ground = packed_code(pixels.take(at))
        faint = beside  # the same memory, put to a new use
        faint.fill(0)
        faint.reshape(-1)[at] = unseen.reshape(-1).take(line + ground)
        # One line on a textured ground is to have an edge, not dots.
        edged = cv2.dilate(faint, np.ones((5, 5), dtype=np.uint8)).reshape(-1).take(at)
        pixels[at[edged != 0]] = packed(DARK)
        colours = np.array([0, *(packed(PALETTE[c]) for c in self._chosen)], dtype="<u4")
        pixels[self._on_line] = colours.take(self._owners)
        cv2.cvtColor(canvas, cv2.COLOR_RGBA2RGB, dst=self.picture)

    def lead(self, labels: Sequence[Label]) -> None:
        """Every leader, in the colour of its region.

        A leader ends on its region, but its paint stops at the line around a speck: it would hide
        all of it.
        """
        if all(label.leader_xyxy is None for label in labels):
            return
        spared = self._specks.copy()
        for outline in self.outlines:
            if outline.around:
                x1, y1, x2, y2 = outline.box_xyxy
                spared[y1:y2, x1:x2] |= outline.line
        kept = np.flatnonzero(spared != 0)
        before = self._pixels[kept]
        for label in labels:
            paint_leader(self.picture, label, self._by_number[label.target.number], self.thickness)
        self._pixels[kept] = before

    def letter(self, labels: Sequence[Label], ink: Rgb | None = None) -> None:
        """Every label on a near-black plate: in ``ink``, or in its region's colour."""
        for label in labels:
            paint_label(self.picture, label, ink or self._by_number[label.target.number], DARK)

    def letter_in_reverse(self, labels: Sequence[Label]) -> None:
        """Every label in near-black, on a plate of its region's colour."""
        for label in labels:
            paint_label(self.picture, label, DARK, self._by_number[label.target.number])

    def _ranks(self, pieces: Iterable[tuple[BoxPx, Bits]]) -> Ranks:
        """One map of pieces that come in order of their ranks; each fills its box."""
        kind = np.uint8 if len(self._order) < 256 else np.uint16
        ranks: Ranks = np.zeros(self.picture.shape[:2], dtype=kind)
        for rank, ((x1, y1, x2, y2), bits) in enumerate(pieces, start=1):
            under = ranks[y1:y2, x1:x2]
            np.maximum(under, bits * kind(rank), out=under)
        return ranks

    def _line_pieces(self) -> Iterable[tuple[BoxPx, Bits]]:
        """The lines; one around a speck may cross anything but another speck."""
        for i in self._order:
            outline = self.outlines[i]
            x1, y1, x2, y2 = outline.box_xyxy
            free = outline.line
            if outline.around:
                free = free & (1 - self._specks[y1:y2, x1:x2])
            yield outline.box_xyxy, free

    def _coloured(self, ranks: Ranks) -> ImageRgb:
        """A map of ranks as colours; black for none."""
        table = np.zeros((max(256, len(self._order) + 1), 1, 3), dtype=np.uint8)
        if self._order:
            table[1 : len(self._order) + 1, 0] = [PALETTE[chosen] for chosen in self._chosen]
        if ranks.dtype == np.uint8:
            return np.asarray(cv2.applyColorMap(ranks, table), dtype=np.uint8)
        return table[:, 0].take(ranks, axis=0)

    def _masks_of_specks(self) -> Bits:
        """1 on all regions so small that their line runs around them."""
        found: Bits = np.zeros(self.picture.shape[:2], dtype=np.uint8)
        for region, outline in zip(self.regions, self.outlines, strict=True):
            if outline.around:
                x1, y1, x2, y2 = region.box_xyxy
                found[y1:y2, x1:x2] |= region.mask
        return found

    def _grounds(self) -> ImageRgb:
        """(n, _SAMPLE, 3): pixels under each rank's line, taken evenly; and those of a speck."""
        # Every other pixel of a line is enough; specks are added below.
        at, owners = self._on_line[::2], self._owners[::2]
        specks = self._speck_pixels()
        if specks:
            at = np.concatenate([at, *(places for _, places in specks)])
            ranks = [np.full(places.size, rank, owners.dtype) for rank, places in specks]
            owners = np.concatenate([owners, *ranks])
        if not at.size:
            return np.zeros((len(self._order), 1, 3), dtype=np.uint8)
        at = at.take(np.argsort(owners, kind="stable"))
        counts = np.bincount(owners, minlength=len(self._order) + 1)
        first = np.cumsum(counts)[:-1]
        steps = (np.arange(_SAMPLE) * counts[1:, None]) // _SAMPLE
        # A line that others hide wholly has no pixel of its own: any will do.
        taken = at.take(np.minimum(first[:, None] + steps, at.size - 1))
        return self._pixels.take(taken, axis=0)

    def _speck_pixels(self) -> list[tuple[int, NDArray[np.intp]]]:
        """Each speck's rank, and where its pixels are in the picture's rows laid end to end.

        They are repeated, so that they count as much as the many more under the line around them.
        """
        width = self.picture.shape[1]
        found = []
        for rank, i in enumerate(self._order, start=1):
            if self.outlines[i].around:
                ys, xs = np.nonzero(self.regions[i].mask)
                places = (ys + self.regions[i].y) * width + xs + self.regions[i].x
                count = max(_SAMPLE, places.size)
                found.append((rank, places.take(np.arange(count), mode="wrap")))
        return found


def painting_of(
    picture: ImageRgb,
    regions: Sequence[Region],
    outline: Callable[[Region, int, tuple[int, int]], Outline] = outline_of,
) -> Painting:
    """A painting whose lines are as thick as suits the picture, drawn region by region."""
    height, width = picture.shape[:2]
    thickness = line_px((width, height))
    outlines = [outline(region, thickness, (width, height)) for region in regions]
    return Painting(picture, regions, outlines, thickness)


def from_large_to_small(regions: Sequence[Region]) -> list[int]:
    """The positions of regions in the order in which they are painted.

    All of a region counts, not what others leave of it: a part lies on its whole even where it is
    most of it. Of twins the lower number comes last.
    """
    sizes = [
        region.area_px if region.visible is region.mask else cv2.countNonZero(region.mask)
        for region in regions
    ]
    return sorted(range(len(regions)), key=lambda i: (-sizes[i], -regions[i].target.number))


def paint_leader(picture: ImageRgb, label: Label, colour: Rgb, thickness: int) -> None:
    """A line with a dark edge on either side, so that it is seen on any ground."""
    if label.leader_xyxy is None:
        return
    x1, y1, x2, y2 = label.leader_xyxy
    cv2.line(picture, (x1, y1), (x2, y2), DARK, thickness + 2, cv2.LINE_8)
    cv2.line(picture, (x1, y1), (x2, y2), colour, thickness, cv2.LINE_8)


def paint_label(picture: ImageRgb, label: Label, ink: Rgb, plate: Rgb) -> None:
    """The text on its plate; both stay inside the label's box."""
    x1, y1, x2, y2 = label.box_xyxy
    through, paint = _stamp(label.target.text, label.text_px, ink, plate)
    under = picture[y1:y2, x1:x2]
    # A label that had to be forced may reach past a picture smaller than itself.
    rows, columns = under.shape[:2]
    stamped = under * through[:rows, :columns]
    np.add(stamped, paint[:rows, :columns], out=under, casting="unsafe")


@functools.lru_cache(maxsize=512)
def _stamp(text: str, text_px: int, ink: Rgb, plate: Rgb) -> tuple[Floats, Floats]:
    """A label as two layers: how much of the ground is seen through it, and what it adds.

    What it adds has the half that rounds the sum when its fraction is cut off.
    """
    letters = text_coverage(text, text_px).astype(np.float32) / np.float32(255)
    padding = label_padding_px(text_px)
    cover = np.pad(letters, padding)[..., None].astype(np.float32)
    through: Floats = np.float32(1 - PLATE_COVER) * (np.float32(1) - cover)
    board = np.float32(PLATE_COVER) * np.array(plate, dtype=np.float32) * (np.float32(1) - cover)
    paint: Floats = board + np.array(ink, dtype=np.float32) * cover + np.float32(0.5)
    return through, paint
