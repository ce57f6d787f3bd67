"""Names a colour by its lightness, chroma and hue in CIE Lab, by code of its own."""

from __future__ import annotations

import functools
import math


def lab_of(r: float, g: float, b: float) -> tuple[float, float, float]:
    """CIE Lab (D65) of an sRGB colour, 0..255."""

    def linear(value: float) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    def root(value: float) -> float:
        return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116

    red, green, blue = linear(r), linear(g), linear(b)
    x = root((0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047)
    y = root(0.2126729 * red + 0.7151522 * green + 0.0721750 * blue)
    z = root((0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _shade(base: str, light: float, chroma: float, dark: float, pale: float) -> str:
    if light < dark:
        return f"dark {base}"
    if chroma < 15 and light < 82:
        return f"greyish {base}"
    return f"light {base}" if light >= pale else base


def _pinkish(light: float, chroma: float, hue: float) -> str:
    if 38 <= light < 80 and chroma < 15:
        return "greyish pink"
    if light >= 80:
        return "light pink"
    if light >= 57:
        return "pink"
    if 14 <= hue < 28 and light >= 36 and chroma >= 50:
        return "red"
    if (hue < 14 or hue >= 345) and light >= 50 and chroma >= 60:
        return "pink"
    if 332 <= hue < 345:
        return "purple"
    return "maroon" if light < 38 else "dark pink"


def _reddish(light: float, chroma: float, hue: float) -> str | None:
    """28..45, or None where the brown that follows applies."""
    if hue < 40 and 57 <= light < 80 and chroma < 15:
        return "greyish pink"
    if hue < 40 and light >= 80:
        return "light pink"
    if hue >= 34 and light >= 61 and chroma >= 65:
        return "orange"
    if hue < 40 and light >= 62:
        return "pink"
    if hue >= 40 and light >= 80 and chroma < 20:
        return "beige"
    if hue >= 40 and light >= 66:
        return "light orange"
    if light < 30 and chroma >= 25:
        return "maroon"
    if chroma >= 48:
        return "dark red" if light < 38 else "red"
    return None


def _orangish(light: float, chroma: float, hue: float) -> str | None:
    """45..80, or None where the brown that follows applies."""
    if hue < 50 and 30 <= light < 52 and chroma >= 65:
        return "red"
    if light >= 78 and chroma >= 28:
        return "light orange"
    if light >= 55 and chroma >= 55:
        return "orange"
    if hue < 70 and 45 <= light < 55 and chroma >= 62:
        return "dark orange"
    if hue < 76 and light >= 66 and chroma >= 36:
        return "light orange"
    if light >= 80 or (light >= 72 and chroma < 13):
        return "beige"
    if light >= 58 and chroma >= 13:
        return "tan"
    return None


def _yellowish(light: float, chroma: float, hue: float) -> str:
    """80..106."""
    if light >= 82 and 25 <= chroma < 58:
        return "light yellow"
    if light >= 66 and chroma >= 45:
        return "yellow"
    if hue < 95 and 50 <= light < 66 and chroma >= 50:
        return "dark yellow"
    if (light >= 80 and chroma < 25) or (light >= 70 and chroma < 13):
        return "beige"
    if hue < 98 and light >= 58 and 13 <= chroma < 45:
        return "tan"
    if hue < 93:
        return _shade("brown", light, chroma, 28, 48)
    return _shade("olive", light, chroma, 32, 66)


def _limish(light: float, chroma: float, hue: float) -> str:
    """106..114."""
    if light >= 86 and chroma < 15:
        return "beige"
    if hue < 112 and light >= 90 and 15 <= chroma < 40:
        return "light yellow"
    if light >= 34 and chroma < 15:
        return "greyish green"
    if chroma < 30 and light < 58:
        return "dark olive" if light < 32 else "olive"
    if light < 38:
        return "dark green"
    return "green" if light < 66 else "yellowish green"


def _teal(light: float, chroma: float, hue: float) -> str:
    """168..218."""
    if hue >= 190 and light >= 80 and chroma < 18:
        return "light blue"
    if light < 32:
        return "dark teal"
    if chroma < 15:
        return "greyish teal"
    return "turquoise" if light >= 64 else "teal"


def _purplish(light: float, chroma: float, hue: float) -> str:
    """290..332."""
    if hue < 310 and light < 20 and 25 <= chroma < 88:
        return "navy"
    if (hue < 298 and chroma >= 48) or (298 <= hue < 312 and light < 60 and chroma >= 76):
        return "blue"
    if hue >= 318 and light >= 45 and chroma >= 75:
        return "magenta"
    if hue >= 318 and light >= 80:
        return "light pink"
    return _shade("purple", light, chroma, 30, 66)


@functools.lru_cache(maxsize=1 << 18)
def colour_name(r: float, g: float, b: float) -> str:
    """The name of an sRGB colour, 0..255."""
    light, a, other = lab_of(r, g, b)
    chroma, hue = math.hypot(a, other), math.degrees(math.atan2(other, a)) % 360
    if (light < 8 and chroma < 22) or (light < 16 and chroma < 12):
        return "black"
    if light < 40 and chroma < 6:
        return "dark grey"
    if 40 <= light < 66 and chroma < 9:
        return "grey"
    if 66 <= light < 86 and chroma < 8:
        return "light grey"
    if light >= 86 and chroma < 8:
        return "white"
    if hue < 28:
        return _pinkish(light, chroma, hue)
    if hue < 45:
        return _reddish(light, chroma, hue) or _shade("brown", light, chroma, 28, 48)
    if hue < 80:
        return _orangish(light, chroma, hue) or _shade("brown", light, chroma, 28, 48)
    if hue < 106:
        return _yellowish(light, chroma, hue)
    if hue < 114:
        return _limish(light, chroma, hue)
    if hue < 168:
        return _shade("green", light, chroma, 38, 72)
    if hue < 218:
        return _teal(light, chroma, hue)
    if hue < 290:
        if light < 26 and chroma >= 14:
            return "navy"
        return _shade("blue", light, chroma, 36, 66)
    if hue < 332:
        return _purplish(light, chroma, hue)
    if hue < 345 and light >= 45 and chroma >= 75:
        return "magenta"
    return _pinkish(light, chroma, hue)


KIND_OF = {"navy": "blue", "maroon": "red", "olive": "green"}


def is_called(name: str, word: str) -> bool:
    """Does a word, which may be a wider one, fit the name of a colour?"""
    base = name.split()[-1]
    return word in (name, base, KIND_OF.get(base, base))
