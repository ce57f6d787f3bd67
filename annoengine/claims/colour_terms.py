"""What the colour words of captions can look like in a photograph, as regions of Lab.

Each term has two regions in lightness, chroma and hue. ``core``: what nearly everybody calls so,
which supports a statement. ``wide``: all that it may look like in shadow, in a highlight, faded or
under a cast of the light, and its neighbours that some people call the same; only where next to
nothing is in there is a statement contradicted. Wide regions overlap on purpose: the price is that
a neighbouring colour (red for orange) is never held against a caption.

The bounds are ours. Hues and lightnesses start from the sRGB values of CSS's colour names in Lab;
the margins were set by looking at photographs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
from numpy.typing import NDArray

from annoengine.colour import Lab

FULL = (0.0, 200.0)
AROUND = (0.0, 360.0)


@dataclass(frozen=True)
class Region:
    """A box of hue (degrees; the second may be past 360), lightness and chroma.

    With ``fades`` the least chroma falls with the light, to two fifths in the dark: shadow takes
    chroma along with lightness.
    """

    hue: tuple[float, float] = AROUND
    light: tuple[float, float] = FULL
    chroma: tuple[float, float] = FULL
    fades: bool = False

    def holds(self, light: _Floats, chroma: _Floats, hue: _Floats) -> NDArray[np.bool_]:
        """Which colours lie in it."""
        inside = (light >= self.light[0]) & (light <= self.light[1]) & (chroma <= self.chroma[1])
        if self.fades:
            least = self.chroma[0] * np.clip(np.float32(0.4) + light / np.float32(80), 0.4, 1)
            inside &= chroma >= least
        else:
            inside &= chroma >= self.chroma[0]
        if self.hue != AROUND:
            inside &= (hue - self.hue[0]) % 360 <= self.hue[1] - self.hue[0]
        return inside


_Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Term:
    """A colour as captions say it: its words, what it surely is, and what it may look like."""

    says: str
    core: tuple[Region, ...]
    wide: tuple[Region, ...]


def in_core(term: Term, lab: Lab) -> NDArray[np.bool_]:
    """Which Lab colours (n, 3) nearly everybody calls by the term.

    >>> red = term_of(["red"])
    >>> in_core(red, np.array([[53, 80, 67], [25, 30, 20], [60, 0, 0]], np.float32)).tolist()
    [True, True, False]
    """
    return _any(term.core, lab)


def in_wide(term: Term, lab: Lab) -> NDArray[np.bool_]:
    """Which Lab colours (n, 3) the term may look like.

    >>> white = term_of(["white"])
    >>> in_wide(white, np.array([[100, 0, 0], [60, 4, 12], [20, 0, 0]], np.float32)).tolist()
    [True, True, False]
    """
    return _any(term.wide, lab)


def _any(regions: Iterable[Region], lab: Lab) -> NDArray[np.bool_]:
    light = lab[..., 0]
    chroma = np.hypot(lab[..., 1], lab[..., 2])
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1])) % 360
    inside = np.zeros(light.shape, dtype=np.bool_)
    for region in regions:
        inside |= region.holds(light, chroma, hue)
    return cast("NDArray[np.bool_]", inside)


def _hued(
    core: tuple[float, float],
    wide: tuple[float, float],
    *,
    light: tuple[float, float] = FULL,
    chroma: tuple[float, float] = (20, 200),
    wide_light: tuple[float, float] = FULL,
    wide_chroma: tuple[float, float] = (8, 200),
) -> tuple[tuple[Region, ...], tuple[Region, ...]]:
    return (
        (Region(core, light, chroma, fades=True),),
        (Region(wide, wide_light, wide_chroma, fades=True),),
    )


_RED = _hued((355, 408), (338, 412), light=(15, 65), chroma=(34, 200), wide_chroma=(21, 200))
_PINK = _hued(
    (325, 400),
    (305, 420),
    light=(55, 97),
    chroma=(10, 80),
    wide_light=(26, 200),
    wide_chroma=(6, 200),
)
_ORANGE = _hued((42, 80), (30, 90), light=(48, 90), chroma=(42, 200), wide_chroma=(24, 200))
_BROWN = _hued(
    (30, 92), (10, 105), light=(8, 60), chroma=(10, 55), wide_light=(2, 74), wide_chroma=(5, 66)
)
_TAN = _hued(
    (45, 100), (25, 115), light=(48, 88), chroma=(9, 42), wide_light=(30, 96), wide_chroma=(3, 58)
)
_CREAM = (
    (Region((45, 115), (75, 100), (3, 30)),),
    (Region((20, 130), (46, 200), (0, 46)), Region(light=(60, 200), chroma=(0, 12))),
)
_YELLOW = _hued(
    (78, 114),
    (66, 121),
    light=(58, 100),
    chroma=(34, 200),
    wide_light=(22, 200),
    wide_chroma=(24, 200),
)
_GOLD = _hued(
    (58, 104),
    (40, 115),
    light=(35, 95),
    chroma=(22, 200),
    wide_light=(12, 200),
    wide_chroma=(11, 200),
)
_GREEN = _hued((102, 180), (88, 205), chroma=(14, 200), wide_chroma=(7, 200))
_OLIVE = _hued((88, 125), (75, 145), light=(12, 68), chroma=(9, 200), wide_light=(4, 84))
_LIME = _hued((105, 145), (92, 155), light=(55, 100), chroma=(35, 200), wide_chroma=(18, 200))
_TEAL = _hued((165, 232), (140, 262), chroma=(12, 200), wide_chroma=(6, 200))
_BLUE = _hued((222, 312), (192, 322), chroma=(14, 200), wide_chroma=(7, 200))
_PURPLE = _hued((292, 345), (272, 364), chroma=(14, 200), wide_chroma=(9, 200))
_MAGENTA = _hued((318, 362), (300, 385), light=(30, 80), chroma=(35, 200), wide_chroma=(16, 200))
_MAROON = _hued(
    (345, 408), (322, 424), light=(5, 40), chroma=(18, 70), wide_light=(0, 55), wide_chroma=(9, 90)
)
_NAVY = (
    (Region((240, 315), (3, 32), (10, 90), fades=True),),
    (
        Region((200, 325), (0, 50), (5, 200), fades=True),
        # What is next to black has no hue to speak of.
        Region(light=(0, 18), chroma=(0, 7)),
    ),
)
_WHITE = (
    (Region(light=(82, 200), chroma=(0, 14)),),
    (
        # A white thing in the shade is a bluish grey, under a lamp a yellowish one.
        Region(light=(48, 200), chroma=(0, 20)),
        Region((20, 125), (52, 200), (0, 32)),
        Region(light=(85, 200), chroma=(0, 40)),
    ),
)
_BLACK = (
    (Region(light=(0, 22), chroma=(0, 16)),),
    # Sheen lifts black; what is deep brown or navy is called black as well.
    (Region(light=(0, 42), chroma=(0, 22)), Region(light=(0, 20), chroma=(0, 45))),
)
_GREY = (
    (Region(light=(25, 80), chroma=(0, 10)),),
    (Region(light=(10, 92), chroma=(0, 17)), Region((180, 320), (20, 85), (0, 24))),
)
_SILVER = (
    (Region(light=(40, 95), chroma=(0, 11)),),
    # Metal mirrors what is around it.
    (Region(light=(14, 200), chroma=(0, 26)), Region(light=(70, 200), chroma=(0, 40))),
)
_DARK = ((Region(light=(0, 36)),), (Region(light=(0, 56)),))
_LIGHT = ((Region(light=(66, 200)),), (Region(light=(44, 200)),))
_RUST = _hued(
    (30, 68), (12, 80), light=(18, 62), chroma=(28, 90), wide_light=(8, 75), wide_chroma=(14, 100)
)
_BRONZE = _hued((40, 88), (20, 105), light=(20, 70), chroma=(14, 70), wide_chroma=(7, 90))
_CORAL = _hued(
    (10, 62),
    (348, 440),
    light=(50, 90),
    chroma=(22, 200),
    wide_light=(20, 200),
    wide_chroma=(11, 200),
)
_BLOND = _hued(
    (50, 100), (25, 112), light=(35, 92), chroma=(12, 70), wide_light=(15, 200), wide_chroma=(6, 90)
)
_COLOURFUL = ((Region(chroma=(30, 200)),), (Region(chroma=(14, 200)),))

_Bounds = tuple[tuple[Region, ...], tuple[Region, ...]]

_LISTED: tuple[tuple[str, _Bounds], ...] = (
    ("red crimson scarlet ruby cherry vermilion vermillion cardinal", _RED),
    ("maroon burgundy oxblood wine claret auburn mahogany", _MAROON),
    ("pink rose rosy fuchsia blush", _PINK),
    ("coral salmon peach peachy apricot", _CORAL),
    ("orange tangerine amber", _ORANGE),
    ("ginger rust rusty rusted terracotta brick copper russet chestnut", _RUST),
    ("brown chocolate umber sienna coffee brunette sepia hazel walnut", _BROWN),
    ("tan beige khaki taupe fawn sand sandy buff caramel camel", _TAN),
    ("cream creamy ivory eggshell", _CREAM),
    ("bronze brass", _BRONZE),
    ("gold golden ochre mustard", _GOLD),
    ("blond blonde honey straw", _BLOND),
    ("yellow lemon", _YELLOW),
    ("lime chartreuse", _LIME),
    ("olive", _OLIVE),
    ("green emerald jade mint", _GREEN),
    ("teal turquoise cyan aqua aquamarine", _TEAL),
    ("blue azure cobalt sapphire cerulean", _BLUE),
    ("navy", _NAVY),
    ("purple violet lilac lavender mauve indigo plum", _PURPLE),
    ("magenta", _MAGENTA),
    ("black ebony", _BLACK),
    ("white snowy", _WHITE),
    ("grey gray ash ashen slate charcoal", _GREY),
    ("silver silvery metallic chrome", _SILVER),
    ("dark", _DARK),
    ("pale light-coloured", _LIGHT),
    ("colourful colorful multicoloured multicolored multicolour multicolor", _COLOURFUL),
)
BOUNDS: dict[str, _Bounds] = {word: bounds for line, bounds in _LISTED for word in line.split()}
"""Core and wide region of each colour word."""

ISH = {
    "reddish": "red",
    "pinkish": "pink",
    "orangish": "orange",
    "orangey": "orange",
    "brownish": "brown",
    "yellowish": "yellow",
    "greenish": "green",
    "bluish": "blue",
    "blueish": "blue",
    "purplish": "purple",
    "blackish": "black",
    "whitish": "white",
    "greyish": "grey",
    "grayish": "gray",
    "golden": "golden",
}
"""Words for a touch of a colour; before another colour they shift it."""

NEVER_ALONE = frozenset(
    "wine brick coffee cherry ruby rose sand straw honey copper bronze brass chrome plum mint "
    "lemon lime peach apricot salmon coral cardinal camel caramel chocolate walnut mahogany jade "
    "ebony sepia cream amber ash mustard rust slate emerald sapphire blush cobalt chestnut buff "
    "ginger sandy snowy creamy metallic ivory hazel rusted rusty charcoal straw".split()
)
"""Colour words that name a thing, a stuff or a state first: believed as colours where the grammar
says so (a predicate, or before another colour word) and as adjectives before a noun that is worn
or is a part, else left alone."""

DARKER = frozenset({"dark", "deep", "darker", "rich"})
LIGHTER = frozenset(
    {"light", "pale", "lighter", "pastel", "soft", "faded", "baby", "muted", "dusty"}
)
LOOKS = frozenset(
    (
        "bright vivid vibrant brilliant neon solid plain pure glossy shiny matte warm cool "
        "striking bold intense mostly mainly predominantly primarily largely entirely "
        "completely all fully sky royal ocean sea grass forest lush hot electric jet snow pitch "
        "blood clear medium brick fire fiery apple bottle natural subtle slightly lightly very "
        "quite partly partially somewhat "
    ).split()
)
"""Words that stand with a colour and hardly move it."""


def is_colour_word(word: str) -> bool:
    """Is a word, in lower case, the name of a colour or of a touch of it?

    >>> is_colour_word("reddish"), is_colour_word("bright")
    (True, False)
    """
    return word in BOUNDS or word in ISH


@lru_cache(maxsize=4096)
def _term(words: tuple[str, ...]) -> Term | None:
    names = [word for word in words if word in BOUNDS or word in ISH]
    deep = any(word in DARKER for word in words[:-1])
    pale = any(word in LIGHTER for word in words[:-1])
    if len(names) > 1 and names[0] in ("dark", "pale"):
        names = names[1:]
    if not names:
        return None
    cores: list[Region] = []
    wides: list[Region] = []
    for place, name in enumerate(names):
        core, wide = BOUNDS[ISH.get(name, name)]
        # "Reddish brown" is a brown; "blue-green" may lie at either.
        if name not in ISH or name == "golden" or len(names) == 1:
            cores += core
        wides += (_faint(region) for region in wide) if name in ISH else wide
        if len(names) > 1 and place == 0:
            wides += _between(names)
    if "off" in words and "white" in words:
        core, wide = BOUNDS["cream"]
        cores, wides = [*cores, *core], [*wides, *wide]
    if deep:
        cores, wides = [_darkened(r) for r in cores], [_darkened(r, 15) for r in wides]
    elif pale:
        cores, wides = [_lightened(r) for r in cores], [_lightened(r, 15) for r in wides]
    return Term(" ".join(words), tuple(cores), tuple(wides))


def term_of(words: Sequence[str]) -> Term | None:
    """The term of a colour's words, in lower case; None where no colour is among them.

    Several colour words make one mixed colour ("reddish brown", "blue green"), which may look like
    either.

    >>> term_of(["dark", "green"]).says, term_of(["wooden"])
    ('dark green', None)
    """
    return _term(tuple(words))


def _between(names: Sequence[str]) -> list[Region]:
    """The hues on the short way from one colour to another: blue-green is either, and teal."""
    hues = []
    for name in names[:2]:
        region = BOUNDS[ISH.get(name, name)][1][0]
        if region.hue == AROUND:
            return []
        hues.append(region)
    one, two = hues
    middle_one, middle_two = sum(one.hue) / 2, sum(two.hue) / 2
    turn = (middle_two - middle_one + 180) % 360 - 180
    start, end = (middle_one, middle_one + turn) if turn >= 0 else (middle_two, middle_two - turn)
    return [
        Region(
            (start, end),
            (min(one.light[0], two.light[0]), max(one.light[1], two.light[1])),
            (min(one.chroma[0], two.chroma[0]), max(one.chroma[1], two.chroma[1])),
            fades=True,
        )
    ]


def _faint(region: Region) -> Region:
    """Half the chroma will do."""
    return Region(region.hue, region.light, (region.chroma[0] / 2, region.chroma[1]), region.fades)


def _darkened(region: Region, margin: float = 0) -> Region:
    """The dark half of a region. *Dark grey* may be next to black."""
    low, high = region.light
    top = min(high, max(50.0, low + 20)) + margin
    return Region(region.hue, (max(0.0, low - 20), min(top, 70)), region.chroma, region.fades)


def _lightened(region: Region, margin: float = 0) -> Region:
    """The light half of a region, with less chroma asked."""
    low, high = region.light
    bottom = max(low, 55.0) - margin
    chroma = (region.chroma[0] * 0.5, region.chroma[1])
    return Region(region.hue, (bottom, max(high + 20, 100)), chroma, region.fades)
