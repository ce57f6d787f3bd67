"""The paint that styles share: outlines, leaders and labels, laid onto a picture in place.

Colours are RGB. Nothing here decides where anything stands.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.photo import ImageRgb
from annoengine.som.layout import Bits, Label, Region
from annoengine.som.lettering import label_padding_px, text_coverage
from annoengine.som.outline import Outline
from annoengine.som.palette import Rgb

Floats = NDArray[np.float32]

_PLATE = np.array([14, 14, 14], dtype=np.float32)
_PLATE_COVER = 0.92
"""How much of what lies under a label's plate it hides."""


def mean_under(picture: ImageRgb, outline: Outline) -> Rgb:
    """The mean colour of the picture under a line; of a large one, in every few rows."""
    x1, y1, x2, y2 = outline.box_xyxy
    step = 1 + (y2 - y1) // 64
    red, green, blue, _ = cv2.mean(picture[y1:y2:step, x1:x2], mask=outline.line[::step])
    return (int(red), int(green), int(blue))


def specks(
    regions: Sequence[Region], outlines: Sequence[Outline], picture_wh: tuple[int, int]
) -> Bits:
    """The pixels of all regions so small that their line runs around them."""
    width, height = picture_wh
    found: Bits = np.zeros((height, width), dtype=np.uint8)
    for region, outline in zip(regions, outlines, strict=True):
        if outline.around:
            x1, y1, x2, y2 = region.box_xyxy
            found[y1:y2, x1:x2] |= region.mask
    return found


def paint_outlines(
    picture: ImageRgb,
    regions: Sequence[Region],
    outlines: Sequence[Outline],
    colours: Sequence[Rgb],
    around: Bits,
) -> None:
    """Every region's line; one around a speck may cross anything but another speck.

    ``around`` has the pixels of all specks.
    """
    # The highest rank wins a pixel that several lines claim: the smallest region's.
    order = sorted(
        range(len(regions)), key=lambda i: (-regions[i].area_px, regions[i].target.number)
    )
    kind = np.uint8 if len(order) < 256 else np.uint16
    ranks = np.zeros(around.shape, dtype=kind)
    for rank, i in enumerate(order, start=1):
        x1, y1, x2, y2 = outlines[i].box_xyxy
        line = outlines[i].line
        if outlines[i].around:
            line = line & (1 - around[y1:y2, x1:x2])
        under = ranks[y1:y2, x1:x2]
        np.maximum(under, line * kind(rank), out=under)
    table = np.zeros((max(256, len(order) + 1), 3), dtype=np.uint8)
    table[1 : len(order) + 1] = [colours[i] for i in order]
    if kind is np.uint8:
        painted = cv2.LUT(cv2.merge([ranks, ranks, ranks]), table[None])
    else:
        painted = np.take(table, ranks, axis=0)
    cv2.copyTo(painted, (ranks != 0).view(np.uint8), picture)


def paint_leaders(
    picture: ImageRgb,
    labels: Sequence[Label],
    outlines: Sequence[Outline],
    colours: Mapping[int, Rgb],
    thickness: int,
    around: Bits,
) -> None:
    """Every leader, in the colour of its number.

    A leader ends on its region, but its paint stops at the line around a speck: it would hide all
    of it. ``around`` has the pixels of all specks.
    """
    if all(label.leader_xyxy is None for label in labels):
        return
    spared = around.copy()
    for outline in outlines:
        if outline.around:
            x1, y1, x2, y2 = outline.box_xyxy
            spared[y1:y2, x1:x2] |= outline.line
    kept = np.flatnonzero(spared.reshape(-1))
    pixels = picture.reshape(-1, 3)
    before = pixels[kept]
    for label in labels:
        paint_leader(picture, label, colours[label.target.number], thickness)
    pixels[kept] = before


def paint_labels(picture: ImageRgb, labels: Sequence[Label], colours: Mapping[int, Rgb]) -> None:
    """Every label: its text in the colour of its number, on a near-black plate."""
    for label in labels:
        paint_label(picture, label, colours[label.target.number])


def paint_leader(picture: ImageRgb, label: Label, colour: Rgb, thickness: int) -> None:
    """A line with a dark edge on either side, so that it is seen on any ground."""
    if label.leader_xyxy is None:
        return
    x1, y1, x2, y2 = label.leader_xyxy
    cv2.line(picture, (x1, y1), (x2, y2), (14, 14, 14), thickness + 2, cv2.LINE_8)
    cv2.line(picture, (x1, y1), (x2, y2), colour, thickness, cv2.LINE_8)


def paint_label(picture: ImageRgb, label: Label, colour: Rgb) -> None:
    """The text on its plate; both stay inside the label's box."""
    x1, y1, x2, y2 = label.box_xyxy
    through, ink = _stamp(label.target.text, label.text_px, colour)
    under = picture[y1:y2, x1:x2]
    # A label that had to be forced may reach past a picture smaller than itself.
    rows, columns = under.shape[:2]
    stamped = under * through[:rows, :columns] + ink[:rows, :columns]
    under[:] = np.rint(stamped).astype(np.uint8)


@functools.lru_cache(maxsize=512)
def _stamp(text: str, text_px: int, colour: Rgb) -> tuple[Floats, Floats]:
    """A label as two layers: how much of the ground is seen through it, and what it adds."""
    letters = text_coverage(text, text_px).astype(np.float32) / np.float32(255)
    padding = label_padding_px(text_px)
    cover = np.pad(letters, padding)[..., None].astype(np.float32)
    through: Floats = np.float32(1 - _PLATE_COVER) * (np.float32(1) - cover)
    plate = np.float32(_PLATE_COVER) * _PLATE * (np.float32(1) - cover)
    ink: Floats = plate + np.array(colour, dtype=np.float32) * cover
    return through, ink
