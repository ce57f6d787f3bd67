"""The marks of COCONut-PanCap: ``id:category`` on every segment, and the clean image beside it.

Source: arXiv 2502.02589, figure 3 ("the concatenated set-of-marks images"): the marked image on
the left has mask contours, a faint fill and white text on black plates (``5:stop sign``), the
original image stands on its right. The paper's figure numbers from 0, its released masks from 1;
numbers here are the marks', from 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.photo import ImageRgb
from annoengine.som.layout import Layout, Region
from annoengine.som.paint import painting_of
from annoengine.som.palette import WHITE, Rgb

FILL = 26
"""The fill's share of a pixel, in parts of 256: a tenth."""


class Coconut:
    """Outlines, faint fills and named numbers."""

    VERSION = 1
    CLEAN_BESIDE = True

    def text(self, number: int, category: str) -> str:
        """``5:stop sign``; the number alone where there is no category."""
        return f"{number}:{category}" if category else str(number)

    def paint(self, picture: ImageRgb, regions: Sequence[Region], layout: Layout) -> list[Rgb]:
        """Fills and outlines, small ones over large ones; then leaders; then labels."""
        painting = painting_of(picture, regions)
        painting.fill(FILL)
        painting.outline()
        painting.lead(layout.labels)
        painting.letter(layout.labels, WHITE)
        return painting.colours
