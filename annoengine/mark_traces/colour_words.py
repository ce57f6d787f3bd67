"""Which words name a mark's colour, and which pixels bear such a word out.

Words come in families ("purple", "violet", "lavender"). A pixel bears a family out by its name in
``annoengine.colour``: exactly, or nearly, for words of daily use have wide borders, and light
shifts colours. Both tables are ours; they lean to the side of the caption: a beige wall may be
called yellow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from annoengine.colour import NAMES, base_of, lab_from_srgb, names_of
from annoengine.som.palette import PALETTE, distance, hex_of, oklab


@dataclass(frozen=True)
class Family:
    """Words for about the same colour; ``exact`` and ``near`` are names or bases of colours."""

    words: frozenset[str]
    exact: frozenset[str]
    near: frozenset[str]


def _family(words: str, exact: str, near: str) -> Family:
    def names(listed: str) -> frozenset[str]:
        return frozenset(name.strip() for name in listed.split(","))

    return Family(frozenset(words.split()), names(exact), names(near))


FAMILIES: Mapping[str, Family] = {
    "yellow": _family(
        "yellow yellowish golden gold lemon mustard",
        "yellow, yellowish green",
        "beige, tan, orange, olive, light green",
    ),
    "orange": _family(
        "orange orangish amber tangerine",
        "orange, dark yellow",
        "red, brown, tan, beige, yellow, pink",
    ),
    "red": _family(
        "red reddish crimson scarlet", "red, maroon, dark pink", "pink, orange, brown, magenta"
    ),
    "pink": _family(
        "pink pinkish rose coral", "pink", "magenta, red, purple, beige, light orange, maroon"
    ),
    "magenta": _family("magenta fuchsia", "magenta", "pink, purple"),
    "purple": _family(
        "purple purplish violet lavender lilac mauve", "purple", "magenta, pink, blue, navy, maroon"
    ),
    "blue": _family("blue bluish azure", "blue, navy", "teal, turquoise, purple"),
    "cyan": _family(
        "cyan aqua turquoise teal aquamarine",
        "turquoise, teal, light blue",
        "blue, light green, greyish green",
    ),
    "mint": _family("mint", "turquoise, light green", "green, teal, light blue"),
    "green": _family("green greenish lime", "green, olive", "teal, turquoise, yellow"),
    "peach": _family(
        "peach apricot salmon", "beige, light orange, pink", "orange, tan, light yellow, brown"
    ),
}

FAMILY_OF: Mapping[str, str] = {
    word: name for name, family in FAMILIES.items() for word in family.words
}
"""The family of each word."""

_PALETTE_FAMILIES: tuple[tuple[str, ...], ...] = (
    ("yellow",),
    ("cyan", "blue"),
    ("magenta", "pink", "purple"),
    ("green",),
    ("orange", "red"),
    ("blue", "cyan"),
    ("red", "pink"),
    ("pink", "magenta"),
    ("purple",),
    ("mint", "cyan", "green"),
    ("orange", "yellow"),
    ("peach", "orange", "pink"),
)
"""What each colour of ``PALETTE`` may be called, in its order. Ours, by looking at drawings."""

ABSENT = 0.005
"""Under this share of a segment's pixels a colour is practically absent. Ours: a logo on a jersey
takes about a hundredth of a person; stray pixels of JPEG less than this."""

ABSENT_WHOLE = 0.02
"""The same where the word is said of the segment as a whole ("a yellow car"). Ours: a colour that
names a thing covers more than a logo on it does."""

NEARLY_ABSENT = 0.15
"""Under this share its neighbours among colours do not account for the word either. Ours."""


@cache
def families_of(mark_colour: str) -> frozenset[str]:
    """What a mark's colour (``#rrggbb``) may be called: that of the palette's nearest colour.

    >>> sorted(families_of("#ff28e1")), sorted(families_of("#fffa05"))
    (['magenta', 'pink', 'purple'], ['yellow'])
    """
    rgb = [int(mark_colour[i : i + 2], 16) for i in (1, 3, 5)]
    colours = np.asarray([rgb, *PALETTE], dtype=np.uint8)
    found = oklab(colours)
    nearest = int(distance(found[:1], found[1:]).argmin())
    return frozenset(_PALETTE_FAMILIES[nearest])


@cache
def unlike_colours(mark_colour: str) -> tuple[str, ...]:
    """The palette's colours that might be called as a mark's colour is, itself among them.

    >>> unlike_colours("#ffff00")
    ('#ffff00', '#ffaa00')
    """
    named = families_of(mark_colour)
    return tuple(
        hex_of(colour)
        for colour, families in zip(PALETTE, _PALETTE_FAMILIES, strict=True)
        if named.intersection(families)
    )


@cache
def _name_by_code() -> NDArray[np.uint8]:
    """(32768,): the index of the name of every colour cut to five bits a channel."""
    steps = np.arange(4, 256, 8, dtype=np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    return names_of(lab_from_srgb(cube))


@cache
def _truth(family: str, exactly: bool) -> NDArray[np.bool_]:
    """(32768,): which colours bear a family out."""
    listed = FAMILIES[family].exact if exactly else FAMILIES[family].near
    names = np.array([name in listed or base_of(name) in listed for name in NAMES])
    table: NDArray[np.bool_] = names[_name_by_code()]
    return table


def count_pixels(codes: NDArray[np.intp], family: str) -> tuple[int, int]:
    """Of pixels (``ground_code``), how many bear a family out exactly, and how many nearly.

    >>> from annoengine.som.palette import ground_code
    >>> pixels = np.array([[250, 240, 20], [90, 90, 90], [235, 225, 200]], dtype=np.uint8)
    >>> count_pixels(ground_code(pixels), "yellow")
    (1, 1)
    """
    exact = int(np.count_nonzero(_truth(family, True)[codes]))
    near = int(np.count_nonzero(_truth(family, False)[codes] & ~_truth(family, True)[codes]))
    return exact, near
