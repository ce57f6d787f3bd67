"""Rectangles around the segments' boxes, with the number on a plate of the box's colour.

For records that have boxes and no masks, and for models that were trained on drawn boxes. Where
there is a mask, the box is the tight one around it. Small boxes lie over large ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from annoengine.photo import ImageRgb
from annoengine.som.layout import Bits, Layout, Region
from annoengine.som.outline import MAX_LINE_SHARE, Outline, outline_of
from annoengine.som.paint import painting_of
from annoengine.som.palette import Rgb


class Boxes:
    """Rectangles and numbers."""

    VERSION = 1
    CLEAN_BESIDE = False

    def text(self, number: int, category: str) -> str:
        """The number alone: the categories are told in the prompt."""
        return str(number)

    def paint(self, picture: ImageRgb, regions: Sequence[Region], layout: Layout) -> list[Rgb]:
        """Rectangles first, small ones over large ones; then leaders; then labels."""
        painting = painting_of(picture, [_box_of(region) for region in regions], _frame_of)
        painting.outline()
        painting.lead(layout.labels)
        painting.letter_in_reverse(layout.labels)
        return painting.colours


def _box_of(region: Region) -> Region:
    """All of a region's box as a region."""
    mask: Bits = np.ones(region.mask.shape, dtype=np.uint8)
    return Region(region.target, region.x, region.y, mask, mask, mask.size)


def _frame_of(box: Region, thickness: int, picture_wh: tuple[int, int]) -> Outline:
    """What ``outline_of`` gives for a box, without looking for its border."""
    rows, columns = box.mask.shape
    inside = max(0, rows - 2 * thickness) * max(0, columns - 2 * thickness)
    if rows * columns - inside > MAX_LINE_SHARE * rows * columns:
        return outline_of(box, thickness, picture_wh)
    line = box.mask.copy()
    line[thickness:-thickness, thickness:-thickness] = 0
    return Outline(line, box.x, box.y, around=False)
