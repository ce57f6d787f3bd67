"""The marks of Pix2Cap-COCO: unfilled outlines, and a bright number at each segment's centre.

Source: arXiv 2501.13893, section 3.1 ("unfilled polygons, with a unique bright object ID at the
center"), in the manner of Set-of-Mark (arXiv 2310.11441). Number and outline share one colour, so
that they are seen to belong together; the number stands on a near-black plate, as in Set-of-Mark.
Numbers start at 1.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.photo import ImageRgb
from annoengine.som.layout import Layout, Region
from annoengine.som.paint import painting_of
from annoengine.som.palette import Rgb


class Pix2cap:
    """Outlines and numbers."""

    VERSION = 2
    CLEAN_BESIDE = False

    def text(self, number: int, category: str) -> str:
        """The number alone: the categories are told in the prompt."""
        return str(number)

    def paint(self, picture: ImageRgb, regions: Sequence[Region], layout: Layout) -> list[Rgb]:
        """Outlines first, small ones over large ones; then leaders; then labels."""
        painting = painting_of(picture, regions)
        painting.outline()
        painting.lead(layout.labels)
        painting.letter(layout.labels)
        return painting.colours
