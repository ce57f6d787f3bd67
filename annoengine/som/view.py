"""How the model sees a drawn picture: the sizes that placement and insets reckon with."""

from __future__ import annotations

import math
from dataclasses import dataclass

from annoengine.model_sight import Sight, shrunk

MIN_TEXT_PX = 12
"""The least height of a label's digits in what the model sees."""

SEAM_PX = 8
"""The width of the seam between the marked photograph and the clean one."""


@dataclass(frozen=True)
class View:
    """The model's sight of the whole picture, said in sizes of the marked panel.

    With ``beside`` the picture is two panels of one size with a seam between them.
    """

    sight: Sight
    beside: bool

    def whole_wh(self, panel_wh: tuple[int, int]) -> tuple[int, int]:
        """The size of the picture that is sent."""
        width, height = panel_wh
        return (2 * width + SEAM_PX, height) if self.beside else panel_wh

    def seen_wh(self, panel_wh: tuple[int, int]) -> tuple[int, int]:
        """The size at which the model sees that picture."""
        return self.sight.seen_wh(self.whole_wh(panel_wh))

    def scale(self, panel_wh: tuple[int, int]) -> float:
        """How much a panel must shrink, 0 to 1, so that the model shrinks nothing further."""
        if not self.beside:
            return self.sight.scale(panel_wh)
        scale = self.sight.scale(self.whole_wh(panel_wh))
        # The seam does not shrink with the panels: a few steps make room for it.
        while scale < 1.0 and self.sight.scale(self.whole_wh(shrunk(panel_wh, scale))) < 1.0:
            scale *= 0.995
        return scale

    def drawn_wh(self, panel_wh: tuple[int, int]) -> tuple[int, int]:
        """The size to draw a panel at: the largest that the model takes as it is."""
        return shrunk(panel_wh, self.scale(panel_wh))

    def shrink(self, panel_wh: tuple[int, int]) -> float:
        """How much the model's own view of the picture is smaller than it, 0 to 1."""
        whole, seen = self.whole_wh(panel_wh), self.seen_wh(panel_wh)
        return min(1.0, seen[0] / whole[0], seen[1] / whole[1])

    def least_text_px(self, panel_wh: tuple[int, int]) -> int:
        """The height at which digits are drawn so that the model sees them MIN_TEXT_PX high."""
        return math.ceil(MIN_TEXT_PX / self.shrink(panel_wh) - 1e-6)
