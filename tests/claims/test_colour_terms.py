"""Colour words as regions of Lab: what they hold, in full light, in shadow and under a cast."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.claims.colour_terms import BOUNDS, ISH, in_core, in_wide, term_of
from annoengine.colour import lab_from_srgb

# CSS Color Module Level 4, section 6.1, named colours.
CSS: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("red", (255, 0, 0)),
    ("crimson", (220, 20, 60)),
    ("maroon", (128, 0, 0)),
    ("pink", (255, 192, 203)),
    ("pink", (255, 105, 180)),
    ("coral", (255, 127, 80)),
    ("salmon", (250, 128, 114)),
    ("orange", (255, 165, 0)),
    ("orange", (255, 140, 0)),
    ("brown", (139, 69, 19)),
    ("brown", (160, 82, 45)),
    ("tan", (210, 180, 140)),
    ("khaki", (195, 176, 145)),
    ("beige", (222, 200, 170)),
    ("ivory", (255, 255, 240)),
    ("cream", (255, 248, 220)),
    ("golden", (218, 165, 32)),
    ("yellow", (255, 255, 0)),
    ("yellow", (255, 215, 0)),
    ("lime", (0, 255, 0)),
    ("olive", (128, 128, 0)),
    ("green", (0, 128, 0)),
    ("green", (34, 139, 34)),
    ("teal", (0, 128, 128)),
    ("turquoise", (64, 224, 208)),
    ("cyan", (0, 255, 255)),
    ("blue", (0, 0, 255)),
    ("blue", (135, 206, 235)),
    ("blue", (65, 105, 225)),
    ("navy", (0, 0, 128)),
    ("purple", (128, 0, 128)),
    ("violet", (238, 130, 238)),
    ("indigo", (75, 0, 130)),
    ("magenta", (255, 0, 255)),
    ("black", (0, 0, 0)),
    ("white", (255, 255, 255)),
    ("grey", (128, 128, 128)),
    ("gray", (169, 169, 169)),
    ("silver", (192, 192, 192)),
)


def lab(rgb: tuple[float, float, float]) -> np.ndarray:
    return lab_from_srgb(np.array([rgb], dtype=np.float32))


def core(words: str, rgb: tuple[float, float, float]) -> bool:
    term = term_of(words.split())
    assert term is not None
    return bool(in_core(term, lab(rgb))[0])


def wide(words: str, rgb: tuple[float, float, float]) -> bool:
    term = term_of(words.split())
    assert term is not None
    return bool(in_wide(term, lab(rgb))[0])


@pytest.mark.parametrize(("word", "rgb"), CSS)
def test_the_colours_of_css_bear_their_words(word: str, rgb: tuple[int, int, int]) -> None:
    assert core(word, rgb)
    assert wide(word, rgb)


@given(st.sampled_from(CSS), st.floats(0.4, 1.0))
def test_shadow_takes_no_colour_out_of_its_word(
    named: tuple[str, tuple[int, int, int]], light: float
) -> None:
    word, rgb = named
    if word in ("white", "ivory", "cream", "lime", "cyan", "silver"):
        # In deep shadow these are greys and greens that nobody calls by the word.
        light = max(light, 0.75)
    assert wide(word, (rgb[0] * light, rgb[1] * light, rgb[2] * light))


@given(st.sampled_from(CSS), st.floats(-0.06, 0.06))
def test_a_slight_cast_takes_no_colour_out_of_its_word(
    named: tuple[str, tuple[int, int, int]], cast: float
) -> None:
    word, (red, green, blue) = named
    assert wide(word, (min(255, red * (1 + cast)), green, min(255, blue * (1 - cast))))


@pytest.mark.parametrize(
    ("word", "rgb"),
    [
        ("red", (0, 128, 0)),
        ("red", (0, 0, 255)),
        ("red", (255, 255, 0)),
        ("red", (255, 255, 255)),
        ("red", (0, 0, 0)),
        ("green", (255, 0, 0)),
        ("green", (128, 0, 128)),
        ("green", (128, 128, 128)),
        ("blue", (255, 165, 0)),
        ("blue", (139, 69, 19)),
        ("blue", (0, 128, 0)),
        ("yellow", (0, 0, 255)),
        ("yellow", (255, 0, 0)),
        ("yellow", (255, 192, 203)),
        ("orange", (0, 128, 128)),
        ("purple", (0, 128, 0)),
        ("purple", (255, 255, 0)),
        ("pink", (0, 128, 0)),
        ("pink", (0, 0, 0)),
        ("brown", (0, 0, 255)),
        ("brown", (255, 255, 255)),
        ("white", (0, 0, 0)),
        ("white", (255, 0, 0)),
        ("white", (139, 69, 19)),
        ("black", (255, 255, 255)),
        ("black", (255, 165, 0)),
        ("grey", (255, 0, 0)),
        ("grey", (0, 128, 0)),
        ("teal", (220, 20, 60)),
        ("navy", (255, 255, 255)),
        ("dark green", (144, 238, 144)),
        ("light blue", (0, 0, 60)),
    ],
)
def test_no_light_makes_one_colour_of_the_other(word: str, rgb: tuple[int, int, int]) -> None:
    assert not wide(word, rgb)


def test_modifiers_move_the_core() -> None:
    light, dark = (173, 216, 230), (0, 0, 110)
    assert core("light blue", light)
    assert not core("light blue", dark)
    assert core("dark blue", dark)
    assert not core("dark blue", light)
    assert wide("dark blue", (30, 60, 160))


def test_a_white_thing_in_the_shade_is_bluish_and_under_a_lamp_yellowish() -> None:
    assert wide("white", (120, 130, 150))
    assert not core("white", (120, 130, 150))
    assert wide("white", (235, 205, 150))
    assert not core("white", (235, 205, 150))


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        ("reddish brown", ((139, 69, 19), (150, 50, 35), (90, 40, 30))),
        ("blue green", ((0, 0, 255), (0, 128, 0), (0, 128, 128))),
        ("off white", ((255, 255, 255), (250, 240, 220))),
        ("orange red", ((255, 69, 0), (255, 140, 0), (200, 20, 20))),
    ],
)
def test_mixed_colours_hold_what_they_are_mixed_of(
    words: str, inside: tuple[tuple[int, int, int], ...]
) -> None:
    assert [wide(words, rgb) for rgb in inside] == [True] * len(inside)


def test_words_without_a_colour_have_no_term() -> None:
    assert term_of(["wooden"]) is None
    assert term_of([]) is None


@given(st.sampled_from([*BOUNDS, *ISH]), st.tuples(*[st.integers(0, 255)] * 3))
def test_what_is_surely_a_colour_may_pass_for_it(word: str, rgb: tuple[int, int, int]) -> None:
    assert not core(word, rgb) or wide(word, rgb)


@given(
    st.sampled_from(["dark", "light", "pale", "deep"]),
    st.sampled_from(sorted(set(BOUNDS) - {"dark", "pale"})),
    st.tuples(*[st.integers(0, 255)] * 3),
)
def test_the_same_holds_with_modifiers(modifier: str, word: str, rgb: tuple[int, int, int]) -> None:
    assert not core(f"{modifier} {word}", rgb) or wide(f"{modifier} {word}", rgb)
