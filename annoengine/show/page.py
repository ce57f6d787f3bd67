"""Lays out short texts in several colours on a picture: runs become lines, lines a column.

Pillow draws a line of one colour; here words are wrapped to a width whatever their colours, and
the height of a column is known before it is drawn, so that columns can be made alike.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import ImageDraw, ImageFont

from annoengine.figure import drawable

Sign = Literal["tick", "cross", "dash"]

_LEADING = 1.38
"""The distance of base lines, of the letters' size."""

_WORDS = re.compile(r"\s+|\S+")


@dataclass(frozen=True)
class Run:
    """Words of one colour."""

    text: str
    colour: str = "#22272b"
    underlined: bool = False


@dataclass(frozen=True)
class Lines:
    """A text that is wrapped; ``above`` is the room over it, ``sign`` stands before it."""

    runs: tuple[Run, ...]
    size: int
    indent: int = 0
    above: int = 0
    sign: Sign | None = None
    sign_colour: str = "#22272b"
    swatch: tuple[str, str] | None = None
    """A number on a dark plate before it, and its colour."""
    bold: bool = False


@dataclass(frozen=True)
class Block:
    """Texts that stay together."""

    texts: tuple[Lines, ...]
    above: int = 0

    def height(self, width: int) -> int:
        """How high it is in a column of this width."""
        return self.above + sum(_height(text, width) for text in self.texts)

    def draw(self, draw: ImageDraw.ImageDraw, left: int, top: int, width: int) -> int:
        """Draws it; gives where it ends."""
        y = top + self.above
        for text in self.texts:
            _draw_lines(draw, text, left, y, width)
            y += _height(text, width)
        return y


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


@functools.lru_cache(maxsize=8192)
def _width(text: str, size: int) -> float:
    return _font(size).getlength(text)


def _lead(text: Lines) -> int:
    """The room that a text's sign or swatch takes before it."""
    if text.swatch is not None:
        return max(round(1.7 * text.size), round(_width(text.swatch[0], text.size)) + text.size)
    return round(1.25 * text.size) if text.sign is not None else 0


def _height(text: Lines, width: int) -> int:
    rows = len(wrapped(text.runs, text.size, width - text.indent - _lead(text)))
    return text.above + round(rows * text.size * _LEADING)


def wrapped(runs: Sequence[Run], size: int, width: int) -> list[list[Run]]:
    """The runs as lines no wider than ``width``; a word that is wider is cut."""
    rows: list[list[Run]] = [[]]
    x = 0.0
    for run in runs:
        for word in _WORDS.findall(drawable(run.text)):
            for part in _cut(word, size, width):
                room = _width(part, size)
                if x and x + room > width and not part.isspace():
                    rows.append([])
                    x = 0.0
                if part.isspace() and not x:
                    continue
                rows[-1].append(Run(part, run.colour, run.underlined))
                x += room
    return rows


def _cut(word: str, size: int, width: int) -> list[str]:
    """A word in parts that fit a line."""
    parts = []
    while len(word) > 1 and _width(word, size) > width:
        fits = max(1, int(len(word) * width / _width(word, size)))
        parts.append(word[:fits])
        word = word[fits:]
    return [*parts, word]


def _draw_lines(draw: ImageDraw.ImageDraw, text: Lines, left: int, top: int, width: int) -> None:
    size, lead = text.size, _lead(text)
    x0 = left + text.indent
    base = top + text.above + round(1.02 * size)
    if text.swatch is not None:
        _draw_swatch(draw, text.swatch, x0, base, size, lead)
    if text.sign is not None:
        _draw_sign(draw, text.sign, text.sign_colour, x0, base, size)
    stroke = 0.022 * size if text.bold else 0
    for row in wrapped(text.runs, size, width - text.indent - lead):
        x = float(x0 + lead)
        for run in row:
            room = _width(run.text, size)
            draw.text(
                (x, base),
                run.text,
                run.colour,
                _font(size),
                "ls",
                stroke_width=stroke,
                stroke_fill=run.colour,
            )
            if run.underlined:
                draw.line([(x, base + 0.2 * size), (x + room, base + 0.2 * size)], run.colour, 2)
            x += room
        base += round(size * _LEADING)


def _draw_swatch(
    draw: ImageDraw.ImageDraw, swatch: tuple[str, str], x: int, base: int, size: int, lead: int
) -> None:
    """A number as marks bear it: in its colour on a near-black plate."""
    number, colour = swatch
    box = (x, base - 1.05 * size, x + lead - 0.45 * size, base + 0.33 * size)
    draw.rounded_rectangle(box, 3, fill="#0e0e0e", outline=colour, width=2)
    middle = ((box[0] + box[2]) / 2, base - 0.02 * size)
    draw.text(middle, number, colour, _font(size), "ms", stroke_width=0.02 * size)


def _draw_sign(
    draw: ImageDraw.ImageDraw, sign: Sign, colour: str, x: int, base: int, size: int
) -> None:
    """The signs that the font lacks, as lines."""
    shapes: dict[Sign, list[list[tuple[float, float]]]] = {
        "tick": [[(0.05, -0.35), (0.3, -0.08), (0.75, -0.68)]],
        "cross": [[(0.1, -0.62), (0.65, -0.05)], [(0.1, -0.05), (0.65, -0.62)]],
        "dash": [[(0.1, -0.33), (0.65, -0.33)]],
    }
    for points in shapes[sign]:
        placed = [(x + size * dx, base + size * dy) for dx, dy in points]
        draw.line(placed, colour, max(2, round(0.13 * size)), joint="curve")
