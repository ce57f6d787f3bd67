"""Names colours: sRGB to CIE Lab, colour differences, and a table of everyday names.

A name is a base (``green``) or a base with one modifier (``dark green``). The table cuts CIE
LCh(ab) into boxes, read from top to bottom, the first that holds wins; every colour has exactly
one name. Boxes were preferred to nearest prototypes because a statement "62 % of it is dark
green" then has a definition that anyone can check with a few comparisons, and to learnt names
because those come with a data set. The borders follow the eleven basic terms of Berlin and Kay
(*Basic Color Terms*, 1969) with the everyday neighbours beige, tan, olive, maroon, navy, teal,
turquoise and magenta; they were set on the CSS named colours and on photographs.

Names are for the picture's sRGB values under D65, as displayed: a white shirt in the evening sun
is orange here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

Lab = NDArray[np.float32]
"""float32 (..., 3): L* 0..100, a*, b* (CIE 1976, D65, 2 degrees)."""

WHITE_D65 = (0.95047, 1.0, 1.08883)
"""XYZ of the D65 white, Y = 1. Source: ASTM E308, 2-degree observer."""

_XYZ_FROM_RGB = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ],
    dtype=np.float32,
)
"""Linear sRGB to XYZ. Source: IEC 61966-2-1 primaries, at the usual seven digits."""


def lab_from_srgb(rgb: NDArray[np.generic]) -> Lab:
    """CIE Lab of sRGB values, (..., 3), 0..255, integers or (for mean colours) fractions.

    Source: IEC 61966-2-1 (transfer curve), CIE 15 (Lab).

    >>> [[round(float(v), 1) + 0.0 for v in lab_from_srgb(np.array(c))]
    ...     for c in ([255, 255, 255], [255, 0, 0])]
    [[100.0, 0.0, 0.0], [53.2, 80.1, 67.2]]
    """
    values = np.asarray(rgb, dtype=np.float32) / np.float32(255)
    linear = np.where(
        values <= 0.04045,
        values / np.float32(12.92),
        ((values + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4),
    )
    # Written out: a matrix product would start threads, in every process of a pool.
    red, green, blue = linear[..., 0], linear[..., 1], linear[..., 2]
    xyz = np.stack(
        [
            (red * x + green * y + blue * z) / np.float32(white)
            for (x, y, z), white in zip(_XYZ_FROM_RGB, WHITE_D65, strict=True)
        ],
        axis=-1,
    )
    cut = np.float32((6 / 29) ** 3)
    f = np.where(xyz > cut, np.cbrt(xyz), xyz * np.float32((29 / 6) ** 2 / 3) + np.float32(4 / 29))
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    return cast(Lab, lab.astype(np.float32))


def delta_e_76(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """The Euclidean distance of Lab colours (CIE 1976); about 2.3 is just noticeable.

    >>> float(delta_e_76(np.array([50.0, 0, 0]), np.array([50.0, 3, 4])))
    5.0
    """
    difference = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    return cast("NDArray[np.float64]", np.sqrt((difference**2).sum(axis=-1)))


def delta_e_2000(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """The colour difference CIEDE2000 (kL = kC = kH = 1) of Lab colours, (..., 3) each.

    Source: G. Sharma, W. Wu, E. Dalal, *The CIEDE2000 Color-Difference Formula*, Color Research
    and Application 30 (2005), equations 2 to 22; their test data are in the tests.
    """
    l1, a1, b1 = np.moveaxis(np.asarray(a, dtype=np.float64), -1, 0)
    l2, a2, b2 = np.moveaxis(np.asarray(b, dtype=np.float64), -1, 0)
    mean_c7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - np.sqrt(mean_c7 / (mean_c7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0.0, (h2 - h1 + 180) % 360 - 180)
    # At exactly opposite hues the published formula turns by +180, where the modulus gives -180.
    turn = np.where((turn == -180) & (h2 > h1), 180.0, turn)
    d_l, d_c = l2 - l1, c2 - c1
    d_h = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    half = (h1 + h2) / 2
    mean_h = np.where(np.abs(h1 - h2) <= 180, half, np.where(half < 180, half + 180, half - 180))
    mean_h = np.where(grey, h1 + h2, mean_h)
    t = (
        1
        - 0.17 * np.cos(np.radians(mean_h - 30))
        + 0.24 * np.cos(np.radians(2 * mean_h))
        + 0.32 * np.cos(np.radians(3 * mean_h + 6))
        - 0.20 * np.cos(np.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    r_c = 2 * np.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    r_t = -np.sin(np.radians(60 * np.exp(-(((mean_h - 275) / 25) ** 2)))) * r_c
    l_term, c_term, h_term = d_l / s_l, d_c / s_c, d_h / s_h
    total = l_term**2 + c_term**2 + h_term**2 + r_t * c_term * h_term
    return cast("NDArray[np.float64]", np.sqrt(np.maximum(total, 0)))


ANY = (0.0, 1000.0)
ROUND = (0.0, 360.0)


@dataclass(frozen=True)
class _Box:
    """One row of the table: half-open ranges of hue (degrees), lightness and chroma."""

    name: str
    hue: tuple[float, float] = ROUND
    light: tuple[float, float] = ANY
    chroma: tuple[float, float] = ANY


GREYISH_C = 15.0
"""Chroma under which a colour that still has a hue is called greyish."""


def _shades(base: str, hue: tuple[float, float], dark: float, light: float) -> tuple[_Box, ...]:
    """A hue's rows: dark, greyish, light, and the plain name."""
    return (
        _Box(f"dark {base}", hue, light=(0, dark)),
        _Box(f"greyish {base}", hue, light=(0, 82), chroma=(0, GREYISH_C)),
        _Box(f"light {base}", hue, light=(light, 1000)),
        _Box(base, hue),
    )


TABLE: tuple[_Box, ...] = (
    # Without a hue. Chroma is noise near black, and a cast of the light near white.
    _Box("black", light=(0, 8), chroma=(0, 22)),
    _Box("black", light=(0, 16), chroma=(0, 12)),
    _Box("dark grey", light=(0, 40), chroma=(0, 6)),
    _Box("grey", light=(40, 66), chroma=(0, 9)),
    _Box("light grey", light=(66, 86), chroma=(0, 8)),
    _Box("white", light=(86, 1000), chroma=(0, 8)),
    # 0..28: pink where light, red where strong, maroon where dark.
    _Box("greyish pink", (0, 28), light=(38, 80), chroma=(0, GREYISH_C)),
    _Box("light pink", (0, 28), light=(80, 1000)),
    _Box("pink", (0, 28), light=(57, 1000)),
    _Box("red", (14, 28), light=(36, 57), chroma=(50, 1000)),
    _Box("pink", (0, 14), light=(50, 1000), chroma=(60, 1000)),
    _Box("maroon", (0, 28), light=(0, 38)),
    _Box("dark pink", (0, 28)),
    # 28..45: red, its pale and its dull neighbours.
    _Box("greyish pink", (28, 40), light=(57, 80), chroma=(0, GREYISH_C)),
    _Box("light pink", (28, 40), light=(80, 1000)),
    _Box("orange", (34, 45), light=(61, 1000), chroma=(65, 1000)),
    _Box("pink", (28, 40), light=(62, 1000)),
    _Box("beige", (40, 45), light=(80, 1000), chroma=(0, 20)),
    _Box("light orange", (40, 45), light=(66, 1000)),
    _Box("maroon", (28, 45), light=(0, 30), chroma=(25, 1000)),
    _Box("dark red", (28, 45), light=(0, 38), chroma=(48, 1000)),
    _Box("red", (28, 45), chroma=(48, 1000)),
    # 45..80: orange where strong, brown where dark, tan and beige where pale.
    _Box("red", (45, 50), light=(30, 52), chroma=(65, 1000)),
    _Box("light orange", (45, 80), light=(78, 1000), chroma=(28, 1000)),
    _Box("orange", (45, 80), light=(55, 1000), chroma=(55, 1000)),
    _Box("dark orange", (45, 70), light=(45, 55), chroma=(62, 1000)),
    _Box("light orange", (45, 76), light=(66, 1000), chroma=(36, 1000)),
    _Box("beige", (45, 80), light=(80, 1000)),
    _Box("beige", (45, 80), light=(72, 1000), chroma=(0, 13)),
    _Box("tan", (45, 80), light=(58, 1000), chroma=(13, 1000)),
    # What is left of 28..80 is brown.
    *_shades("brown", (28, 80), 28, 48),
    # 80..106: yellow where strong, olive and brown where dark, beige where pale.
    _Box("light yellow", (80, 106), light=(82, 1000), chroma=(25, 58)),
    _Box("yellow", (80, 106), light=(66, 1000), chroma=(45, 1000)),
    _Box("dark yellow", (80, 95), light=(50, 66), chroma=(50, 1000)),
    _Box("beige", (80, 106), light=(80, 1000), chroma=(0, 25)),
    _Box("beige", (80, 106), light=(70, 1000), chroma=(0, 13)),
    _Box("tan", (80, 98), light=(58, 1000), chroma=(13, 45)),
    *_shades("brown", (80, 93), 28, 48),
    *_shades("olive", (93, 106), 32, 66),
    # 106..114: olive where dull, else green, yellowish where light.
    _Box("beige", (106, 114), light=(86, 1000), chroma=(0, 15)),
    _Box("light yellow", (106, 112), light=(90, 1000), chroma=(15, 40)),
    _Box("greyish green", (106, 114), light=(34, 1000), chroma=(0, GREYISH_C)),
    _Box("dark olive", (106, 114), light=(0, 32), chroma=(0, 30)),
    _Box("olive", (106, 114), light=(0, 58), chroma=(0, 30)),
    _Box("dark green", (106, 114), light=(0, 38)),
    _Box("green", (106, 114), light=(0, 66)),
    _Box("yellowish green", (106, 114)),
    *_shades("green", (114, 168), 38, 72),
    # 168..218: between green and blue.
    _Box("light blue", (190, 218), light=(80, 1000), chroma=(0, 18)),
    _Box("dark teal", (168, 218), light=(0, 32)),
    _Box("greyish teal", (168, 218), chroma=(0, GREYISH_C)),
    _Box("turquoise", (168, 218), light=(64, 1000)),
    _Box("teal", (168, 218)),
    # 218..312: blue. In Lab, strong blues lie where weaker colours already look purple.
    _Box("navy", (218, 290), light=(0, 26), chroma=(14, 1000)),
    _Box("navy", (290, 310), light=(0, 20), chroma=(25, 88)),
    *_shades("blue", (218, 290), 36, 66),
    _Box("blue", (290, 298), chroma=(48, 1000)),
    _Box("blue", (298, 312), light=(0, 60), chroma=(76, 1000)),
    # 290..332: purple; the strongest are magenta.
    _Box("magenta", (318, 345), light=(45, 1000), chroma=(75, 1000)),
    _Box("light pink", (318, 332), light=(80, 1000)),
    *_shades("purple", (290, 332), 30, 66),
    # 332..360: pink where light, purple and maroon where dark.
    _Box("greyish pink", (332, 360), light=(38, 80), chroma=(0, GREYISH_C)),
    _Box("light pink", (332, 360), light=(80, 1000)),
    _Box("pink", (332, 360), light=(57, 1000)),
    _Box("pink", (345, 360), light=(50, 1000), chroma=(60, 1000)),
    _Box("purple", (332, 345), light=(0, 57)),
    _Box("maroon", (345, 360), light=(0, 38)),
    _Box("dark pink", (345, 360)),
)
"""The whole table. The first row that holds a colour names it."""

MODIFIERS = ("light", "dark", "greyish", "yellowish")
NAMES: tuple[str, ...] = tuple(sorted({row.name for row in TABLE}))
"""Every name that :func:`name_of` gives, sorted."""

_INDEX = {name: i for i, name in enumerate(NAMES)}


def base_of(name: str) -> str:
    """The name without its modifier.

    >>> base_of("dark green"), base_of("navy")
    ('green', 'navy')
    """
    modifier, _, rest = name.partition(" ")
    return rest if rest and modifier in MODIFIERS else name


BASES: tuple[str, ...] = tuple(sorted({base_of(name) for name in NAMES}))
"""Every name without modifiers, sorted."""


def names_of(lab: Lab) -> NDArray[np.uint8]:
    """For Lab colours (..., 3), uint8 (...): the index into :data:`NAMES` of each one's name."""
    flat = np.asarray(lab, dtype=np.float32).reshape(-1, 3)
    light = flat[:, 0]
    chroma = np.hypot(flat[:, 1], flat[:, 2])
    hue = np.degrees(np.arctan2(flat[:, 2], flat[:, 1])) % 360
    # A tiny negative angle comes back from the modulus as 360 itself.
    hue = np.where(hue >= 360, np.float32(0), hue)
    names = np.empty(len(flat), dtype=np.uint8)
    left = np.arange(len(flat))
    for row in TABLE:
        inside = (chroma[left] >= row.chroma[0]) & (chroma[left] < row.chroma[1])
        inside &= (light[left] >= row.light[0]) & (light[left] < row.light[1])
        inside &= (hue[left] >= row.hue[0]) & (hue[left] < row.hue[1])
        names[left[inside]] = _INDEX[row.name]
        left = left[~inside]
        if left.size == 0:
            break
    # L* of sRGB black can come out a rounding error below 0, outside every box.
    names[left] = _INDEX["black"]
    return names.reshape(np.asarray(lab).shape[:-1])


def name_of(lab: Iterable[float]) -> str:
    """The name of one Lab colour.

    >>> [name_of(lab_from_srgb(np.array(c))) for c in ([139, 69, 19], [0, 0, 128], [245, 245, 220])]
    ['brown', 'navy', 'beige']
    """
    return NAMES[int(names_of(np.asarray([tuple(lab)], dtype=np.float32))[0])]


def dominant_colours(
    pixels_rgb: NDArray[np.generic], weights: NDArray[np.generic] | None = None
) -> list[tuple[str, float]]:
    """The names found in sRGB pixels (n, 3), 0..255, with their shares of the total weight.

    Each pixel votes for its own name: fixed clusters, one a name, so that no start or order of a
    clustering can change the answer. Shares sum to 1; largest first, equal ones by name.

    >>> dominant_colours(np.array([[255, 0, 0], [250, 5, 5], [0, 0, 0], [230, 0, 0]]))
    [('red', 0.75), ('black', 0.25)]
    """
    return shares_of_names(names_of(lab_from_srgb(pixels_rgb)), weights)


def shares_of_names(
    names: NDArray[np.uint8], weights: NDArray[np.generic] | None = None
) -> list[tuple[str, float]]:
    """Like :func:`dominant_colours`, of indices that :func:`names_of` gave."""
    if names.size == 0:
        return []
    given = None if weights is None else np.asarray(weights, dtype=np.float64).ravel()
    votes = np.bincount(names.ravel(), weights=given, minlength=len(NAMES))
    total = float(votes.sum())
    found = [(NAMES[i], float(votes[i]) / total) for i in np.flatnonzero(votes)]
    return sorted(found, key=lambda item: (-item[1], item[0]))


FAMILIES = {"navy": "blue", "maroon": "red", "olive": "green"}
"""Bases that are also a kind of a more general one."""


@lru_cache(maxsize=256)
def family_of(name: str) -> str:
    """The most general word for a name.

    >>> family_of("light olive"), family_of("navy"), family_of("dark grey")
    ('green', 'blue', 'grey')
    """
    base = base_of(name)
    return FAMILIES.get(base, base)


@lru_cache(maxsize=256)
def words_for(name: str) -> tuple[str, ...]:
    """Every word that is true of a name, from the narrowest to the widest.

    >>> words_for("dark olive"), words_for("green")
    (('dark olive', 'olive', 'green'), ('green',))
    """
    return tuple(dict.fromkeys((name, base_of(name), family_of(name))))


def share_of(word: str, colours: Iterable[tuple[str, float]]) -> float:
    """How much of named colours a word is true of: a base covers its shades, and its family.

    >>> colours = [("dark green", 0.5), ("olive", 0.25), ("black", 0.25)]
    >>> share_of("green", colours), share_of("dark green", colours)
    (0.75, 0.5)
    """
    return sum(share for name, share in colours if word in words_for(name))


def chart_rgb(names: Iterable[str], per_name: int = 1) -> dict[str, list[tuple[int, int, int]]]:
    """For each name, up to ``per_name`` sRGB colours that bear it, from an even grid of sRGB.

    For pictures of the table and for tests.
    """
    steps = np.arange(0, 256, 15, dtype=np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    found = names_of(lab_from_srgb(grid))
    chart = {}
    for name in names:
        hits = grid[found == _INDEX[name]]
        chosen = hits[np.linspace(0, len(hits) - 1, min(per_name, len(hits))).round().astype(int)]
        chart[name] = [(int(r), int(g), int(b)) for r, g, b in chosen]
    return chart
