"""What is marked and where its mark stands: the plain values between masks, placement and paint.

All coordinates are whole pixels of the drawn picture; boxes are ``(x1, y1, x2, y2)``, half-open.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BoxPx = tuple[int, int, int, int]
PointPx = tuple[int, int]

Bits = NDArray[np.uint8]
"""uint8 (height, width), 1 on the region and 0 off it."""


@dataclass(frozen=True)
class Target:
    """A segment that is to be marked, as the record has it: pixels of the upright photograph.

    ``mask`` is the key in the record's mask store; None marks the box instead. ``unlike`` are
    colours (``#rrggbb``) that the mark is not to get, as long as the palette has others.
    """

    number: int
    segment: int
    text: str
    box_xyxy: tuple[float, float, float, float]
    mask: int | None
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Region:
    """A target's pixels in the drawn picture, cut to a box whose upper left corner is (x, y).

    ``mask`` is all of it. ``visible`` is what no smaller region covers: where a mark may stand so
    that it cannot be read as another's. ``area_px`` counts ``visible``.
    """

    target: Target
    x: int
    y: int
    mask: Bits
    visible: Bits
    area_px: int

    @property
    def box_xyxy(self) -> BoxPx:
        """The box that ``mask`` fills."""
        rows, columns = self.mask.shape
        return (self.x, self.y, self.x + columns, self.y + rows)


@dataclass(frozen=True)
class Owners:
    """Whose each pixel of the drawn photograph is, where no two regions share one.

    ``numbers`` is uint8 or uint16 (height, width); ``regions`` gives the region of each number:
    its place among the marked regions and, after them, those without a mark. -1 is void.
    """

    numbers: NDArray[Any]
    regions: tuple[int, ...]


@dataclass(frozen=True)
class Inset:
    """A zoomed copy of what is around a tiny region: where it stands, and what it shows.

    ``box_xyxy`` holds the frame too. ``crop_xyxy`` lies on the photograph.
    """

    box_xyxy: BoxPx
    crop_xyxy: BoxPx


@dataclass(frozen=True)
class Label:
    """Where a target's label stands.

    ``text_px`` is the height of its digits. ``anchor_xy`` is a pixel of the region.
    ``leader_xyxy`` runs to a pixel of the region where the label stands beside it: from the
    label's edge, or from that of the ``inset`` to which the label is attached. ``alone`` is False
    where no free place was left: two labels overlap, or labels hide too much of the region.
    """

    target: Target
    text_px: int
    box_xyxy: BoxPx
    anchor_xy: PointPx
    leader_xyxy: BoxPx | None = None
    alone: bool = True
    inset: Inset | None = None

    @property
    def boxes(self) -> tuple[BoxPx, ...]:
        """All that the label hides: its own box and its inset's."""
        return (self.box_xyxy,) if self.inset is None else (self.box_xyxy, self.inset.box_xyxy)


@dataclass(frozen=True)
class TextHeights:
    """How high digits may be, in pixels: never under ``least``, ``usual`` where that hides little
    of the region, up to ``most`` on regions that hardly notice."""

    least: int
    usual: int
    most: int


@dataclass(frozen=True)
class Layout:
    """All labels of one picture, in order of their numbers.

    ``picture_wh`` may exceed the photograph's drawn size on the right and below: a margin for
    labels and insets that found no place on it.
    """

    picture_wh: tuple[int, int]
    labels: tuple[Label, ...]
