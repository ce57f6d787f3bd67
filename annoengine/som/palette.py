"""Bright colours for marks: one a segment, unlike its neighbours' and unlike what lies under it.

Distances are measured in Oklab: among colours as bright as these it agrees with CIEDE2000, where
weighted RGB has cyan and mint as far apart as red and green. They are rounded to whole numbers, so
that a tie falls the same way on every machine.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annoengine.som.layout import BoxPx

Rgb = tuple[int, int, int]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

PALETTE: tuple[Rgb, ...] = (
    (255, 255, 0),  # yellow
    (0, 225, 255),  # cyan
    (255, 40, 225),  # magenta
    (0, 255, 40),  # green
    (255, 110, 40),  # orange
    (80, 170, 255),  # blue
    (255, 80, 110),  # red
    (255, 170, 225),  # pink
    (170, 140, 255),  # violet
    (170, 255, 225),  # mint
    (255, 170, 0),  # amber
    (255, 200, 170),  # apricot
)
"""Each is light enough to be read on a near-black label, a contrast of at least 6 to 1 (WCAG 2),
and any two are at least 20 apart (CIEDE2000)."""

DARK: Rgb = (14, 14, 14)
"""The near-black of plates and of edges beside bright lines."""

WHITE: Rgb = (255, 255, 255)

ENOUGH = 1000
"""The distance at which two colours are told apart at a glance; more counts no further."""

SEEN = 750
"""From this contrast on, a thin line is seen on its ground; under it, it needs a dark edge.

Measured for all colours on all grounds: what is over it differs in lightness by 1.5 to 1 or more
(WCAG 2), or in hue by 50 (CIEDE2000); what is under it never by 2.7 to 1.
"""

_ENOUGH_OKLAB = 0.3
"""``ENOUGH`` as a distance in Oklab."""

_REPEATED = 130
"""What a colour loses by every neighbour that has it."""

_USED = 65
"""What a colour loses by every region that has it: pictures are to use the whole palette."""

_BARRED = 1_000_000
"""What a colour loses that a region is not to get: more than any other counts for."""

_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def hex_of(colour: Rgb) -> str:
    """``#rrggbb``.

    >>> hex_of((255, 233, 0))
    '#ffe900'
    """
    return "#{:02x}{:02x}{:02x}".format(*colour)


def oklab(colours: NDArray[np.uint8]) -> Floats:
    """RGB colours in Oklab, along the last axis: lightness from 0 to 1, green-red, blue-yellow.

    Source: B. Ottosson, "A perceptual color space for image processing"
    (bottosson.github.io/posts/oklab).
    """
    coded = colours.astype(np.float64) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    converted: Floats = np.cbrt(linear @ _TO_CONES.T) @ _TO_OKLAB.T
    return converted


def distance(a: Floats, b: Floats) -> Ints:
    """How far two Oklab colours look from each other, 0 to ``ENOUGH``, along the last axis."""
    d = a - b
    return _clipped(np.sqrt(d[..., 0] ** 2 + d[..., 1] ** 2 + d[..., 2] ** 2))


def line_contrast(line: Floats, ground: Floats) -> Ints:
    """How well a thin line is seen on a ground, 0 to ``ENOUGH``: Oklab, along the last axis.

    Half is the distance of the colours, half that of their lightness alone: of a line two pixels
    wide the eye sees the lightness far better than the hue, so that yellow on white fades though
    the two colours are far from each other.
    """
    lightness = np.abs(line[..., 0] - ground[..., 0])
    contrast: Ints = (distance(line, ground) + _clipped(lightness)) // 2
    return contrast


def _clipped(oklab_distance: Floats) -> Ints:
    """In whole numbers, so that every machine agrees."""
    scaled = np.minimum(oklab_distance, _ENOUGH_OKLAB) * (ENOUGH / _ENOUGH_OKLAB)
    whole: Ints = np.rint(scaled).astype(np.int64)
    return whole


@functools.cache
def palette_distances() -> Ints:
    """(n, n): the palette's colours' :func:`distance` from each other."""
    palette = oklab(np.asarray(PALETTE, dtype=np.uint8))
    table = distance(palette[:, None], palette[None])
    table.setflags(write=False)
    return table


@functools.cache
def palette_contrasts() -> NDArray[np.int32]:
    """(n, 32768): every palette colour's :func:`line_contrast` on every :func:`ground_code`."""
    steps = np.arange(4, 256, 8, dtype=np.uint8)
    grounds = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    seen_on = oklab(grounds)
    palette = oklab(np.asarray(PALETTE, dtype=np.uint8))
    table = np.stack([line_contrast(colour, seen_on) for colour in palette]).astype(np.int32)
    table.setflags(write=False)
    return table


@functools.cache
def palette_unseen() -> NDArray[np.uint8]:
    """(n, 32768): 1 where a colour on a :func:`ground_code` is not ``SEEN`` without an edge."""
    table: NDArray[np.uint8] = (palette_contrasts() < SEEN).view(np.uint8)
    table.setflags(write=False)
    return table


@functools.cache
def _contrasts_by_ground() -> NDArray[np.int32]:
    """(32768, n): the same, so that all colours on one ground lie together."""
    table = np.ascontiguousarray(palette_contrasts().T)
    table.setflags(write=False)
    return table


def ground_code(pixels: NDArray[np.uint8]) -> NDArray[np.intp]:
    """RGB pixels as one number each, 0 to 32,767: the five upper bits of every channel.

    >>> ground_code(np.array([[255, 0, 8]], dtype=np.uint8)).tolist()
    [31745]
    """
    upper = (pixels >> 3).astype(np.intp)
    code: NDArray[np.intp] = (upper[..., 0] << 10) | (upper[..., 1] << 5) | upper[..., 2]
    return code


def packed_code(pixels: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The :func:`ground_code` of pixels whose red is in the lowest byte, then green and blue.

    >>> packed_code(np.array([255 | 0 << 8 | 8 << 16], dtype=np.uint32)).tolist()
    [31745]
    """
    code = (pixels << 7 & 0x7C00) | (pixels >> 6 & 0x03E0) | (pixels >> 19 & 0x001F)
    return code.astype(np.intp)


def packed(colour: Rgb) -> int:
    """A colour as one opaque pixel of :func:`packed_code`."""
    red, green, blue = colour
    return red | green << 8 | blue << 16 | 0xFF << 24


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


def choose_colours(
    boxes: Sequence[BoxPx],
    grounds: NDArray[np.uint8],
    reach_px: int,
    unlike: Sequence[Sequence[str]] = (),
) -> list[int]:
    """A colour for each region, in order, as its place in the palette.

    ``grounds`` (n, k, 3) is a sample of the picture's pixels under each region's outline. Each
    region takes the colour that is farthest from those of the neighbours already coloured and,
    among such, best seen on its ground; where several are, the one used least. ``unlike`` are
    the colours (``#rrggbb``) that each region gets only where the palette has no other.
    """
    if not boxes:
        return []
    between = palette_distances()
    contrasts = _contrasts_by_ground().take(ground_code(grounds), axis=0)
    seen = contrasts.sum(axis=1, dtype=np.int64) // grounds.shape[1]
    near = neighbours(boxes, reach_px)
    far = np.where(near, 0, ENOUGH)
    losses = near * _REPEATED + _USED
    apart = np.full(seen.shape, ENOUGH, dtype=np.int64)
    lost = np.zeros(seen.shape, dtype=np.int64)
    for i, barred in ((i, barred) for i, barred in enumerate(unlike) if barred):
        lost[i] += [_BARRED * (hex_of(colour) in barred) for colour in PALETTE]
    chosen: list[int] = []
    for i in range(len(boxes)):
        # Among more neighbours than colours: the colour that repeats most rarely.
        best = int((2 * apart[i] + seen[i] - lost[i]).argmax())
        chosen.append(best)
        later = apart[i + 1 :]
        np.minimum(later, np.maximum(far[i, i + 1 :, None], between[best]), out=later)
        lost[i + 1 :, best] += losses[i, i + 1 :]
    return chosen
