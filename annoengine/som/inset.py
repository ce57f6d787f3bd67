"""Insets: a small framed zoom on what is around a segment too tiny to be made out.

The crop is square where the photograph's edge allows it, twice as large as the segment so that
what is around it is seen too, and taken from the photograph without marks at its full
resolution: where the photograph was shrunk, an inset shows pixels that the drawing has lost. The
segment is outlined in it in its own colour. Sizes are those of what the model sees.

An inset costs room. Segments are served by need (``chosen``), and an inset stands where it hides
little: over large segments, or in a strip of margin on the right or below that shrinks the
photograph by a tenth at most; that strip is had only where at most 2 × MOST_INSETS segments are
tiny. A tiny segment without an inset has a plain label with a leader, like any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from annoengine.photo import ImageRgb
from annoengine.som.beside import Shape
from annoengine.som.layout import Bits, BoxPx, Label, Region, Target
from annoengine.som.palette import Rgb

TINY_PX = 24
"""A segment whose longer side the model sees smaller than this is shown in an inset."""

_LEAST_CROP_PX = 14
_LEAST_SIDE_PX = 60
_MOST_SIDE_PX = 84

_FRAME_PX = 3
_DARK = (14, 14, 14)

MOST_INSETS = 12
"""A picture with more insets than this is a wall of them."""

MOST_SHARE = 0.15
"""The largest share of the picture that insets may take."""

_MADE_OUT = 3
"""Photograph pixels on the longer side of a segment under which no zoom shows anything."""

CutMask = Callable[[Target, BoxPx], Bits]
"""A target's mask in a box of the photograph, uint8 (height, width), 1 on it."""


@dataclass(frozen=True)
class Zoom:
    """How insets are sized: ``scale`` is drawn pixels per photograph pixel, ``pixel`` drawn
    pixels per pixel that the model sees (1 or more), ``photo_wh`` the photograph as drawn."""

    scale: float
    pixel: float
    photo_wh: tuple[int, int]

    def is_tiny(self, region: Region) -> bool:
        """Is the longer side of the segment's box seen smaller than TINY_PX?"""
        x1, y1, x2, y2 = region.target.box_xyxy
        return max(x2 - x1, y2 - y1) * self.scale / self.pixel < TINY_PX

    def crop(self, region: Region) -> BoxPx:
        """What an inset shows, in drawn pixels: around the region, inside the photograph."""
        x1, y1, x2, y2 = region.box_xyxy
        side = max(_LEAST_CROP_PX * self.pixel, 2 * max(x2 - x1, y2 - y1))
        left, right = _span((x1 + x2) / 2, side, self.photo_wh[0])
        top, bottom = _span((y1 + y2) / 2, side, self.photo_wh[1])
        return (left, top, right, bottom)

    def size_wh(self, crop: BoxPx) -> tuple[int, int]:
        """An inset's size with its frame."""
        wide, high = crop[2] - crop[0], crop[3] - crop[1]
        longer = max(wide, high)
        side = min(max(2 * longer, _LEAST_SIDE_PX * self.pixel), _MOST_SIDE_PX * self.pixel)
        border = 2 * frame_px(self.pixel)
        zoom = side / longer
        return (max(1, round(wide * zoom)) + border, max(1, round(high * zoom)) + border)

    def shape(self, region: Region, label_wh: tuple[int, int]) -> Shape:
        """The label on top, the inset under it; the leader starts at the inset."""
        wide, high = self.size_wh(self.crop(region))
        under = (0, label_wh[1], wide, label_wh[1] + high)
        return Shape(max(wide, label_wh[0]), under[3], ((0, 0, *label_wh), under), under)


def frame_px(pixel: float) -> int:
    """The thickness of an inset's frame."""
    return round(_FRAME_PX * pixel)


def _span(middle: float, side: float, limit: int) -> tuple[int, int]:
    """A stretch around the middle, moved and cut so that it lies inside 0 to ``limit``."""
    length = min(limit, math.ceil(side))
    start = min(max(0, round(middle - length / 2)), limit - length)
    return start, start + length


def chosen(regions: Sequence[Region], zoom: Zoom) -> list[int]:
    """The regions that are to have an inset, the most needy first.

    Those that a zoom can show come before those of a pixel or two, of which it shows but a
    square; among them the smallest first. At most MOST_INSETS, on MOST_SHARE of the picture.
    """
    tiny = [i for i, region in enumerate(regions) if zoom.is_tiny(region)]
    if not tiny:
        return []

    def need(i: int) -> tuple[bool, int, int]:
        x1, y1, x2, y2 = regions[i].target.box_xyxy
        return (max(x2 - x1, y2 - y1) < _MADE_OUT, regions[i].area_px, regions[i].target.number)

    room = MOST_SHARE * math.prod(zoom.photo_wh)
    kept: list[int] = []
    for i in sorted(tiny, key=need)[:MOST_INSETS]:
        room -= math.prod(zoom.size_wh(zoom.crop(regions[i])))
        if room < 0:
            break
        kept.append(i)
    return kept


def paint_insets(
    picture: ImageRgb,
    photo: ImageRgb,
    labels: Sequence[Label],
    regions: Sequence[Region],
    colours: Sequence[Rgb],
    zoom: Zoom,
    cut_mask: CutMask,
) -> None:
    """Paints every inset onto ``picture``, in place. ``photo`` has no marks and its full size.

    ``colours`` are those of ``regions``.
    """
    by_number = {r.target.number: colour for r, colour in zip(regions, colours, strict=True)}
    for label in labels:
        if label.inset is not None:
            crop = _on_photo(label.inset.crop_xyxy, zoom.scale, photo)
            x1, y1, x2, y2 = crop
            mask = cut_mask(label.target, crop)
            colour = by_number[label.target.number]
            _paint(picture, photo[y1:y2, x1:x2], mask, label.inset.box_xyxy, colour, zoom.pixel)


def _paint(
    picture: ImageRgb, cut: ImageRgb, mask: Bits, box: BoxPx, colour: Rgb, pixel: float
) -> None:
    """One inset: a dark edge, a frame in the mark's colour, the cut with its outline."""
    x1, y1, x2, y2 = box
    frame = frame_px(pixel)
    size = (x2 - x1 - 2 * frame, y2 - y1 - 2 * frame)
    way = cv2.INTER_AREA if cut.shape[1] > size[0] else cv2.INTER_CUBIC
    shown = cv2.resize(cut, size, interpolation=way)
    # Smooth edges: the mask's own pixels would be stairs at this zoom.
    smooth = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_LINEAR)
    on: Bits = (smooth >= 128).view(np.uint8)
    reach = max(1, round(pixel))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)
    with_line = cv2.dilate(on, kernel)
    shown[cv2.dilate(with_line, kernel) != with_line] = _DARK
    shown[with_line != on] = colour
    picture[y1:y2, x1:x2] = _DARK
    picture[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1] = colour
    picture[y1 + frame : y2 - frame, x1 + frame : x2 - frame] = shown


def _on_photo(crop: BoxPx, scale: float, photo: ImageRgb) -> BoxPx:
    """A box of drawn pixels in pixels of the photograph."""
    if scale == 1.0:
        return crop
    height, width = photo.shape[:2]
    return (
        math.floor(crop[0] / scale),
        math.floor(crop[1] / scale),
        min(width, math.ceil(crop[2] / scale)),
        min(height, math.ceil(crop[3] / scale)),
    )
