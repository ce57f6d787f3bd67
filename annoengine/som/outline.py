"""Outlines: the border pixels of a region, every part and every hole of it.

A line is drawn inside its region, so that neighbours that share a border both keep theirs and a
region that fills the frame is outlined at the frame's edge. A region so small that the line would
hide it gets the line around it instead.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from annoengine.som.layout import Bits, BoxPx, Region

MAX_LINE_SHARE = 0.36
"""The largest share of a region that its own outline may cover."""


def line_px(picture_wh: tuple[int, int]) -> int:
    """The outline's thickness for a picture: 2 at COCO's 640 × 480, growing with the short side.

    >>> line_px((640, 427)), line_px((1024, 768)), line_px((60, 40))
    (2, 3, 1)
    """
    return min(6, max(1, round(min(picture_wh) / 240 + 0.1)))


@dataclass(frozen=True)
class Outline:
    """The pixels of a line, cut to a box whose upper left corner is (x, y); inside the frame.

    ``around`` tells a line that runs around its region from one drawn on it.
    """

    line: Bits
    x: int
    y: int
    around: bool

    @property
    def box_xyxy(self) -> BoxPx:
        """The box that ``line`` fills."""
        rows, columns = self.line.shape
        return (self.x, self.y, self.x + columns, self.y + rows)


@functools.cache
def _square(reach: int) -> Bits:
    """The kernel that reaches this many pixels to every side."""
    return np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)


def outline_of(region: Region, thickness: int, picture_wh: tuple[int, int]) -> Outline:
    """The outline of a region, ``thickness`` pixels or thinner where that would hide it."""
    mask = region.mask
    size = region.area_px if mask is region.visible else cv2.countNonZero(mask)
    for width in range(thickness, 0, -1):
        core = cv2.erode(mask, _square(width), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        ring: Bits = np.bitwise_xor(mask, core)
        if cv2.countNonZero(ring) <= MAX_LINE_SHARE * size:
            return Outline(ring, region.x, region.y, around=False)
    sides = (thickness, thickness, thickness, thickness)
    wide = cv2.copyMakeBorder(region.mask, *sides, cv2.BORDER_CONSTANT, value=0)
    around = cv2.dilate(wide, _square(thickness)) - wide
    x, y = region.x - thickness, region.y - thickness
    left, top = max(0, -x), max(0, -y)
    inside = around[top : picture_wh[1] - y, left : picture_wh[0] - x]
    if cv2.countNonZero(np.ascontiguousarray(inside)) == 0:
        # The whole picture is the region, and a few pixels large: nothing is around it.
        return Outline(region.mask, region.x, region.y, around=False)
    return Outline(np.ascontiguousarray(inside), x + left, y + top, around=True)
