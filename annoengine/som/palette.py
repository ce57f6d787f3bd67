"""Bright colours for marks: one a segment, unlike its neighbours' and unlike what lies under it.

Distances are integers in red-weighted RGB, so that a tie falls the same way on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annoengine.som.layout import BoxPx

Rgb = tuple[int, int, int]

PALETTE: tuple[Rgb, ...] = (
    (255, 233, 0),  # yellow
    (0, 229, 255),  # cyan
    (255, 64, 255),  # magenta
    (57, 255, 20),  # green
    (255, 140, 0),  # orange
    (255, 150, 190),  # pink
    (90, 160, 255),  # blue
    (0, 255, 170),  # spring green
    (255, 96, 90),  # red
    (190, 130, 255),  # violet
    (190, 255, 90),  # lime
    (255, 200, 140),  # apricot
)
"""Each is light enough to be read on a near-black label: a contrast of at least 6 to 1 (WCAG 2)."""

_ENOUGH = 60_000
"""A squared distance past which two colours are told apart at a glance; more counts no further."""

_REPEATED = 8_000
"""What a colour loses by every neighbour that has it, as a squared distance."""

_USED = 1_500
"""What a colour loses by every region that has it: pictures are to use the whole palette."""


def hex_of(colour: Rgb) -> str:
    """``#rrggbb``.

    >>> hex_of((255, 233, 0))
    '#ffe900'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)


def colour_distance(a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """The squared distance of RGB colours along the last axis, weighted as the eye sees it.

    Source: T. Riemersma, "Colour metric" (compuphase.com/cmetric.htm), in integers.
    """
    red = (a[..., 0] + b[..., 0]) // 2
    d = a - b
    squared: NDArray[np.int64] = (
        (512 + red) * d[..., 0] ** 2 + 1024 * d[..., 1] ** 2 + (767 - red) * d[..., 2] ** 2
    ) >> 8
    return squared


def neighbours(boxes: Sequence[BoxPx], reach_px: int) -> NDArray[np.bool_]:
    """bool (n, n): do two boxes come within ``reach_px`` of each other? The diagonal is False."""
    corners = np.asarray(boxes, dtype=np.int64).reshape(-1, 4)
    x1, y1, x2, y2 = corners.T
    near: NDArray[np.bool_] = (
        (x1[:, None] < x2[None] + reach_px)
        & (x1[None] < x2[:, None] + reach_px)
        & (y1[:, None] < y2[None] + reach_px)
        & (y1[None] < y2[:, None] + reach_px)
    )
    np.fill_diagonal(near, False)
    return near


def choose_colours(boxes: Sequence[BoxPx], grounds: Sequence[Rgb], reach_px: int) -> list[Rgb]:
    """A palette colour for each region, in order.

    ``grounds`` is the mean colour under each region's outline. Each region takes the colour that
    is farthest from those of the neighbours already coloured and, among such, from its ground;
    where several do, the one used least.
    """
    if not boxes:
        return []
    palette = np.asarray(PALETTE, dtype=np.int64)
    between = np.minimum(colour_distance(palette[:, None], palette[None]), _ENOUGH)
    ground = np.asarray(grounds, dtype=np.int64).reshape(-1, 3)
    off_ground = np.minimum(colour_distance(ground[:, None], palette[None]), _ENOUGH)
    near = neighbours(boxes, reach_px)
    apart = np.full((len(boxes), len(PALETTE)), _ENOUGH, dtype=np.int64)
    repeats = np.zeros((len(boxes), len(PALETTE)), dtype=np.int64)
    used = np.zeros(len(PALETTE), dtype=np.int64)
    colours: list[Rgb] = []
    for i in range(len(boxes)):
        # Among more neighbours than colours: the colour that repeats most rarely.
        score = 2 * apart[i] + off_ground[i] - _REPEATED * repeats[i] - _USED * used
        best = int(np.argmax(score))
        colours.append(PALETTE[best])
        used[best] += 1
        beside = np.flatnonzero(near[i])
        apart[beside] = np.minimum(apart[beside], between[best])
        repeats[beside, best] += 1
    return colours
