"""The marks of Set-of-Mark: a faint fill with an edge, and a white number on a black plate.

Source: arXiv 2310.11441, and microsoft/SoM's ``task_adapter/utils/visualizer.py``: masks filled at
an alpha of 0.05 to 0.1 with an opaque edge of the same colour, white numbers on a black box of
alpha 0.8. Ours differ in this: colours are chosen, not random; the edge is as thick as other
styles' lines; holes have their edge too; and where labels stand is our own. At 0.1 a dark blue
sky turned grey and white turned pink, and captions would have said so.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.photo import ImageRgb
from annoengine.som.layout import Layout, Region
from annoengine.som.paint import painting_of
from annoengine.som.palette import WHITE, Rgb

FILL = 16
"""The fill's share of a pixel, in parts of 256: a sixteenth, as no clean image is beside it."""


class Som:
    """Filled regions and white numbers."""

    VERSION = 1
    CLEAN_BESIDE = False

    def text(self, number: int, category: str) -> str:
        """The number alone."""
        return str(number)

    def paint(self, picture: ImageRgb, regions: Sequence[Region], layout: Layout) -> list[Rgb]:
        """Fills and edges, small ones over large ones; then leaders; then labels."""
        painting = painting_of(picture, regions)
        painting.fill(FILL)
        painting.outline()
        painting.lead(layout.labels)
        painting.letter(layout.labels, WHITE)
        return painting.colours
