"""What a model may call the colour that a mark was drawn in.

Wide on purpose: a model names a thin bright line as it likes, and what matters is to tell it from
an outline that the thing itself has ("a stop sign outlined in white", marked in blue).
"""

from __future__ import annotations

import re

import numpy as np

from annoengine import colour

_NEAR = {
    "red": ("red", "orange", "pink", "magenta"),
    "orange": ("orange", "red", "yellow"),
    "yellow": ("yellow", "lime", "gold", "golden", "orange"),
    "green": ("green", "lime", "teal"),
    "lime": ("lime", "green", "yellow"),
    "teal": ("teal", "turquoise", "cyan", "green", "blue"),
    "turquoise": ("turquoise", "cyan", "teal", "blue"),
    "cyan": ("cyan", "turquoise", "blue"),
    "blue": ("blue", "cyan", "purple"),
    "navy": ("blue", "purple"),
    "purple": ("purple", "violet", "magenta", "blue"),
    "magenta": ("magenta", "pink", "purple", "violet"),
    "pink": ("pink", "magenta", "red", "purple"),
    "white": ("white", "grey", "gray"),
    "grey": ("grey", "gray"),
    "black": ("black",),
    "brown": ("brown", "orange"),
    "olive": ("green", "yellow"),
    "maroon": ("red", "brown"),
    "beige": ("beige", "white", "yellow"),
    "tan": ("brown", "orange", "yellow"),
}
"""What a model may call a drawn colour of that name. Ours, from hues that border one another."""


def names_of_drawn(hex_colour: str) -> frozenset[str]:
    """The names that a drawn colour may go by; empty for one that is no ``#rrggbb``.

    >>> sorted(names_of_drawn("#E6194B"))
    ['magenta', 'orange', 'pink', 'red']
    """
    match = re.fullmatch(r"#?([0-9a-fA-F]{6})", hex_colour)
    if match is None:
        return frozenset()
    value = match.group(1)
    rgb = np.array([int(value[at : at + 2], 16) for at in (0, 2, 4)])
    base = colour.base_of(colour.name_of(colour.lab_from_srgb(rgb)))
    return frozenset(_NEAR.get(base, (base,)))
