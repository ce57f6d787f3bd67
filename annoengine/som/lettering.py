"""The letters of the labels: how large a text is, and its coverage of each pixel.

Letters are Pillow's built-in outline font, drawn eight times too large with a thickened stroke
and averaged down: at 12 pixels its regular weight alone is too thin to be read by a model.
"""

from __future__ import annotations

import functools
import math

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


@functools.lru_cache(maxsize=4096)
def text_coverage(text: str, height_px: int) -> Coverage:
    """The text's coverage, cut tightly; its digits are at least ``height_px`` pixels high.

    >>> text_coverage("1", 12).shape[0]
    12
    """
    font, stroke = _font(height_px * _OVERSAMPLING)
    step = _OVERSAMPLING
    _, flat_top, _, flat_bottom = font.getbbox("1", stroke_width=stroke, anchor="ls")
    left, top, right, bottom = font.getbbox(text, stroke_width=stroke, anchor="ls")
    # Round digits overshoot the line by a hair. A third of a pixel is cut, so that all numbers
    # share the rows of the flat digit; what hangs lower (p, g, a comma) gets rows of its own.
    above = math.ceil(max(0.0, flat_top - top - step / 3) / step)
    below = math.ceil(max(0.0, bottom - flat_bottom - step / 3) / step)
    canvas = Image.new(
        "L", (math.ceil(right - left) + 2 * step, (height_px + above + below) * step), 0
    )
    ImageDraw.Draw(canvas).text(
        (step - left, above * step - flat_top),
        text,
        fill=255,
        font=font,
        anchor="ls",
        stroke_width=stroke,
    )
    ink = np.asarray(canvas)
    columns = np.flatnonzero(ink.any(axis=0))
    first, width = int(columns[0]), math.ceil((columns[-1] + 1 - columns[0]) / step)
    ink = np.pad(ink[:, first : first + width * step], ((0, 0), (0, width * step)))
    small = cv2.resize(
        np.ascontiguousarray(ink[:, : width * step]),
        (width, height_px + above + below),
        interpolation=cv2.INTER_AREA,
    )
    coverage: Coverage = np.ascontiguousarray(small, dtype=np.uint8)
    coverage.setflags(write=False)
    return coverage


def label_padding_px(height_px: int) -> int:
    """The margin between a text of this height and the edge of its label."""
    return max(2, round(0.18 * height_px))


def label_size_wh(text: str, height_px: int) -> tuple[int, int]:
    """Width and height of the label that holds a text, in pixels."""
    rows, columns = text_coverage(text, height_px).shape
    padding = label_padding_px(height_px)
    return columns + 2 * padding, rows + 2 * padding
