"""The letters of the labels: how large a text is, and its coverage of each pixel.

Letters are Pillow's built-in outline font, drawn eight times too large with a thickened stroke
and averaged down: at 12 pixels its regular weight alone is too thin to be read by a model.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from annoengine.errors import SettingError

Coverage = NDArray[np.uint8]
"""uint8 (height, width), 0 = outside the letter, 255 = wholly inside."""

_OVERSAMPLING = 8
_STROKE_OF_HEIGHT = 0.035
"""How much each side of a stroke is thickened, of the digits' height: a semi-bold weight."""


@functools.cache
def _font(height_px: int) -> tuple[ImageFont.FreeTypeFont, int]:
    """The font whose digit ``1`` is ``height_px`` high with its stroke, and that stroke."""
    stroke = max(1, round(_STROKE_OF_HEIGHT * height_px))
    size = float(height_px)
    # The height is all but proportional to the size; three rounds settle it to the pixel.
    for _ in range(3):
        _, top, _, bottom = _built_in_font(size).getbbox("1", stroke_width=stroke)
        size *= height_px / (bottom - top)
    return _built_in_font(size), stroke


def _built_in_font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size=size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SettingError(
            "this Pillow was built without FreeType and cannot draw labels; "
            "install a Pillow wheel from PyPI"
        )
    return font


@dataclass(frozen=True)
class _Glyph:
    """One character, oversampled: its ink, where that begins, and how far the next one is.

    ``left`` is from the pen, ``top`` from the base line (up is negative).
    """

    ink: Coverage
    left: int
    top: int
    advance: float


@functools.lru_cache(maxsize=4096)
def _glyph(character: str, height_px: int) -> _Glyph:
    """A character whose digits are ``height_px`` high, oversampled."""
    font, stroke = _font(height_px * _OVERSAMPLING)
    left, top, right, bottom = (
        int(side) for side in font.getbbox(character, stroke_width=stroke, anchor="ls")
    )
    canvas = Image.new("L", (max(1, right - left), max(1, bottom - top)), 0)
    ImageDraw.Draw(canvas).text(
        (-left, -top), character, fill=255, font=font, anchor="ls", stroke_width=stroke
    )
    ink = np.asarray(canvas)
    columns = np.flatnonzero(ink.any(axis=0))
    if columns.size:
        # The font's box may be a hair wider than its ink.
        left += int(columns[0])
        ink = np.ascontiguousarray(ink[:, columns[0] : columns[-1] + 1])
    return _Glyph(ink, left, top, font.getlength(character))


@functools.lru_cache(maxsize=4096)
def text_coverage(text: str, height_px: int) -> Coverage:
    """The text's coverage, cut tightly; its digits are at least ``height_px`` pixels high.

    Characters are drawn once and put together while they are oversampled: words, unlike numbers,
    seldom come twice.

    >>> text_coverage("1", 12).shape[0]
    12
    """
    step = _OVERSAMPLING
    flat = _glyph("1", height_px)
    glyphs = [_glyph(character, height_px) for character in text]
    pens = list(itertools.accumulate((glyph.advance for glyph in glyphs), initial=0.0))
    placed = [(round(pen) + glyph.left, glyph) for pen, glyph in zip(pens, glyphs, strict=False)]
    inked = [(x, glyph) for x, glyph in placed if glyph.ink.any()]
    if not inked:
        raise SettingError(f"the label {text!r} has no character that can be seen")
    first = min(x for x, _ in inked)
    width = math.ceil((max(x + glyph.ink.shape[1] for x, glyph in inked) - first) / step)
    # Round digits overshoot the line by a hair. A third of a pixel is cut, so that all numbers
    # share the rows of the flat digit; what hangs lower (p, g, a comma) gets rows of its own.
    top = min(glyph.top for _, glyph in inked)
    bottom = max(glyph.top + glyph.ink.shape[0] for _, glyph in inked)
    above = math.ceil(max(0.0, flat.top - top - step / 3) / step)
    below = math.ceil(max(0.0, bottom - (flat.top + flat.ink.shape[0]) - step / 3) / step)
    rows = height_px + above + below
    origin = flat.top - above * step
    large: Coverage = np.zeros((rows * step, width * step), dtype=np.uint8)
    for x, glyph in inked:
        down = glyph.top - origin
        ink = glyph.ink[max(0, -down) : large.shape[0] - down]
        down = max(0, down)
        under = large[down : down + ink.shape[0], x - first : x - first + ink.shape[1]]
        np.maximum(under, ink, out=under)
    small = cv2.resize(large, (width, rows), interpolation=cv2.INTER_AREA)
    coverage: Coverage = np.ascontiguousarray(small, dtype=np.uint8)
    coverage.setflags(write=False)
    return coverage


def label_padding_px(height_px: int) -> int:
    """The margin between a text of this height and the edge of its label."""
    return max(2, round(0.18 * height_px))


@functools.lru_cache(maxsize=4096)
def label_size_wh(text: str, height_px: int) -> tuple[int, int]:
    """Width and height of the label that holds a text, in pixels."""
    rows, columns = text_coverage(text, height_px).shape
    padding = label_padding_px(height_px)
    return columns + 2 * padding, rows + 2 * padding
