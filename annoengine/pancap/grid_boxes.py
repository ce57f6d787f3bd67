"""Boxes on the grid of a model: whole steps over the padded square or over the resized image.

A model sees its images square: padded on the shorter side (LLaVA's ``pad``), or resized without
regard to their shape. In the first the steps count on the square as wide as the longer side, in
whose middle the image lies; in the second on the image itself. There and back is exact to one step.

Source: arXiv 2505.16334, section 5 (``<box>[[x1, y1, x2, y2]]</box>``, 0 to 1000); the released
conversion of predictions for the padded square; ASMv2's grid of 999.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from annoengine.box import BoxXyxy
from annoengine.pancap.content import BoxUnit

Frame = Literal["padded", "resized"]
"""On what the steps count; see the module."""

Steps = tuple[int, int, int, int]
"""A box in whole steps."""

_STEPS = r"\[{1,2}\s*-?\d+(?:\s*,\s*-?\d+){3}\s*\]{1,2}"
BOX_TEXT = re.compile(rf"<box>\s*(?P<steps>{_STEPS})\s*</box>")
"""One box as it is written; the paper's appendix has one pair of brackets, its section 5 two."""


@dataclass(frozen=True)
class BoxGrid:
    """``scale`` is the step of the right and the lower edge: 1000, or ASMv2's 999."""

    frame: Frame = "padded"
    scale: int = 1000

    def steps(self, box_xyxy: BoxXyxy, size_wh: tuple[int, int]) -> Steps:
        """A box of pixels in steps, at least one step wide and high.

        >>> BoxGrid().steps((0, 0, 100, 100), (200, 100))
        (0, 250, 500, 750)
        >>> BoxGrid("resized", 999).steps((0, 0, 100, 100), (200, 100))
        (0, 0, 500, 999)
        """
        found = []
        for n, value in enumerate(box_xyxy):
            side, pad = self._axis(size_wh, n % 2)
            found.append(min(max(round((value + pad) / side * self.scale), 0), self.scale))
        x1, y1 = min(found[0], self.scale - 1), min(found[1], self.scale - 1)
        return x1, y1, max(found[2], x1 + 1), max(found[3], y1 + 1)

    def shares(self, steps: Steps, size_wh: tuple[int, int]) -> BoxUnit:
        """A box of steps as shares of the image; what lies beyond it is cut off.

        >>> BoxGrid().shares((0, 250, 500, 750), (200, 100))
        (0.0, 0.0, 0.5, 1.0)
        """
        found = []
        for n, step in enumerate(steps):
            side, pad = self._axis(size_wh, n % 2)
            found.append(min(max((step / self.scale * side - pad) / size_wh[n % 2], 0.0), 1.0))
        return found[0], found[1], found[2], found[3]

    def _axis(self, size_wh: tuple[int, int], axis: int) -> tuple[int, int]:
        """How long the frame is, and where the image begins in it."""
        if self.frame == "resized":
            return size_wh[axis], 0
        side = max(size_wh)
        return side, (side - size_wh[axis]) // 2


def write_steps(boxes: Iterable[Steps]) -> str:
    """Boxes of one thing as ASMv2 writes them.

    >>> write_steps([(100, 200, 500, 600)])
    '<box>[[100, 200, 500, 600]]</box>'
    """
    inner = ", ".join(f"[{', '.join(map(str, box))}]" for box in boxes)
    return f"<box>[{inner}]</box>"


def read_steps(text: str) -> Steps:
    """The four numbers of one box's text.

    >>> read_steps("[[100, 200, 500, 600]]")
    (100, 200, 500, 600)
    """
    x1, y1, x2, y2 = (int(number) for number in re.findall(r"-?\d+", text))
    return x1, y1, x2, y2


def step_fault(box: Steps, scale: int = 1000) -> str:
    """What is wrong with a box of steps, or "".

    >>> step_fault((0, 10, 20, 5)), step_fault((0, 0, 1001, 5)), step_fault((0, 0, 9, 9))
    ('has its corners in the wrong order or no area', 'leaves the grid of 0 to 1000', '')
    """
    if not all(0 <= value <= scale for value in box):
        return f"leaves the grid of 0 to {scale}"
    if box[0] >= box[2] or box[1] >= box[3]:
        return "has its corners in the wrong order or no area"
    return ""
