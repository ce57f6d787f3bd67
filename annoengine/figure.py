"""A small drawing of lines, areas and words that can be written as SVG and as PNG.

It knows what the plots of this package need and no more; a plotting library would weigh more than
the rest of the package. Coordinates are pixels from the upper left corner.
"""

from __future__ import annotations

import functools
import io
import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Anchor = Literal["start", "middle", "end"]

_FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
_OVERSAMPLING = 3
"""PNGs are drawn this much larger and averaged down: Pillow's lines have no smooth edges."""

_BAND = 256
"""So many pixels of the height are drawn at a time, or a tall drawing takes 36 times its size."""


@dataclass(frozen=True)
class _Line:
    points: tuple[Point, ...]
    colour: str
    width: float
    dash: float


@dataclass(frozen=True)
class _Area:
    points: tuple[Point, ...]
    colour: str


@dataclass(frozen=True)
class _Words:
    at: Point
    text: str
    size: float
    colour: str
    anchor: Anchor


@dataclass
class Figure:
    """A drawing under way; what is added later lies above.

    >>> figure = Figure(20, 10)
    >>> figure.line([(0, 5), (20, 5)], "#000000")
    >>> figure.to_svg().count("<polyline")
    1
    """

    width: int
    height: int
    ground: str = "#ffffff"
    _shapes: list[_Line | _Area | _Words] = field(default_factory=list)

    def line(
        self, points: Sequence[Point], colour: str, width: float = 1.0, dash: float = 0.0
    ) -> None:
        """A line through points; ``dash``: the length of its dashes and of what lies between."""
        self._shapes.append(_Line(tuple(points), colour, width, dash))

    def area(self, points: Sequence[Point], colour: str) -> None:
        """A filled polygon."""
        self._shapes.append(_Area(tuple(points), colour))

    def box(self, x1: float, y1: float, x2: float, y2: float, colour: str) -> None:
        """A filled rectangle."""
        self.area([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], colour)

    def words(
        self, at: Point, text: str, size: float, colour: str = "#222222", anchor: Anchor = "start"
    ) -> None:
        """A line of text on the base line ``at``, which is where it starts, or as ``anchor``."""
        self._shapes.append(_Words(at, text, size, colour, anchor))

    def to_svg(self) -> str:
        """The drawing as an SVG document."""
        rows = [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}" font-family="{_FONT}">',
            f'<rect width="100%" height="100%" fill="{self.ground}"/>',
        ]
        for shape in self._shapes:
            if isinstance(shape, _Words):
                rows.append(
                    f'<text x="{_short(shape.at[0])}" y="{_short(shape.at[1])}" '
                    f'font-size="{_short(shape.size)}" fill="{shape.colour}" '
                    f'text-anchor="{shape.anchor}">{escape(_printable(shape.text))}</text>'
                )
                continue
            points = " ".join(f"{_short(x)},{_short(y)}" for x, y in shape.points)
            if isinstance(shape, _Area):
                rows.append(f'<polygon points="{points}" fill="{shape.colour}"/>')
                continue
            dash = f' stroke-dasharray="{_short(shape.dash)}"' if shape.dash else ""
            rows.append(
                f'<polyline points="{points}" fill="none" stroke="{shape.colour}" '
                f'stroke-width="{_short(shape.width)}" stroke-linejoin="round"{dash}/>'
            )
        return "\n".join([*rows, "</svg>"]) + "\n"

    def to_png(self, scale: int = 2) -> bytes:
        """The drawing as a PNG, ``scale`` pixels for one of the drawing."""
        picture = Image.new("RGB", (self.width * scale, self.height * scale), self.ground)
        for top in range(0, self.height, _BAND):
            picture.paste(self._band(top, min(_BAND, self.height - top), scale), (0, top * scale))
        buffer = io.BytesIO()
        picture.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    def _band(self, top: int, height: int, scale: int) -> Image.Image:
        """The drawing from ``top`` on, as high as a band."""
        large = scale * _OVERSAMPLING
        picture = Image.new("RGB", (self.width * large, height * large), self.ground)
        draw = ImageDraw.Draw(picture)
        for shape in self._shapes:
            if not _reaches(shape, top, top + height):
                continue
            if isinstance(shape, _Words):
                font = ImageFont.load_default(size=shape.size * large)
                anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
                at = (shape.at[0] * large, (shape.at[1] - top) * large)
                draw.text(at, drawable(shape.text), shape.colour, font, anchor)
                continue
            points = [(x * large, (y - top) * large) for x, y in shape.points]
            if isinstance(shape, _Area):
                draw.polygon(points, fill=shape.colour)
                continue
            width = max(1, round(shape.width * large))
            pieces = _dashes(points, shape.dash * large) if shape.dash else [points]
            for piece in pieces:
                draw.line(piece, fill=shape.colour, width=width, joint="curve")
        size_wh = (self.width * scale, height * scale)
        return picture.resize(size_wh, Image.Resampling.BOX)


def _reaches(shape: _Line | _Area | _Words, top: float, bottom: float) -> bool:
    """Can any of a shape be seen between two heights?"""
    if isinstance(shape, _Words):
        return top - shape.size <= shape.at[1] <= bottom + 2 * shape.size
    ys = [y for _, y in shape.points]
    room = shape.width if isinstance(shape, _Line) else 0.0
    return min(ys, default=bottom) - room <= bottom and top <= max(ys, default=top) + room


def text_width(text: str, size: float) -> float:
    """How wide a line of text is in a PNG, in pixels of the drawing.

    A reader of an SVG has another font, which may be a tenth wider.
    """
    return float(ImageFont.load_default(size=size).getlength(drawable(text)))


def shortened(text: str, room: float, size: float) -> str:
    """A line of text, cut where it is wider than some pixels.

    >>> shortened("a dog", 100, 12), shortened("supercalifragilistic", 60, 12)
    ('a dog', 'supercali…')
    """
    if text_width(text, size) <= room:
        return text
    while text and text_width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


_INSTEAD = {
    "≥": ">=",
    "≤": "<=",
    "≈": "~",
    "≠": "!=",
    "×": "x",
    "−": "-",
    "–": "-",
    "—": "-",
    "→": "->",
    "←": "<-",
    "½": "1/2",
    "¼": "1/4",
    "¾": "3/4",
    "²": "2",
    "ß": "ss",
    "µ": "u",
}


def drawable(text: str) -> str:
    """A text in the letters that Pillow's built-in font has, which are little more than ASCII.

    >>> drawable("café ≥ 2 × “a”, 犬")
    'cafe >= 2 x “a”, ?'
    """
    return "".join(_drawn(one) for one in text)


@functools.lru_cache(maxsize=4096)
def _drawn(character: str) -> str:
    """What is drawn for a character: itself, its plain letter, or a question mark."""
    if character in _INSTEAD:
        return _INSTEAD[character]
    if not character.isprintable():
        return " "
    if _has_glyph(character):
        return character
    plain = unicodedata.normalize("NFKD", character)
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return letters if letters and all(map(_has_glyph, letters)) else "?"


@functools.lru_cache(maxsize=4096)
def _has_glyph(character: str) -> bool:
    """Has the font this character? What it lacks, it draws as it draws what is no character."""
    font = ImageFont.load_default(size=20)
    found, none = font.getmask(character), font.getmask("\uffff")
    return character == " " or (found.size, bytes(found)) != (none.size, bytes(none))


def _short(number: float) -> str:
    """A coordinate to a tenth of a pixel.

    >>> _short(12.04), _short(-0.04)
    ('12', '0')
    """
    return f"{round(number, 1) + 0.0:g}"


def _printable(text: str) -> str:
    """A text without the characters that XML and fonts do not have."""
    return "".join(one if one.isprintable() else " " for one in text)


def _dashes(points: Sequence[Point], dash: float) -> list[list[Point]]:
    """Every other stretch of a line.

    >>> _dashes([(0, 0), (10, 0)], 4)
    [[(0.0, 0.0), (4.0, 0.0)], [(8.0, 0.0), (10.0, 0.0)]]
    """
    pieces = []
    for (x1, y1), (x2, y2) in itertools.pairwise(points):
        length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
        for k in range(0, int(length / dash) + 1, 2):
            ends = [min(1.0, step * dash / length) for step in (k, k + 1)] if length else [0.0]
            pieces.append([(x1 + (x2 - x1) * t, y1 + (y2 - y1) * t) for t in ends])
    return pieces
