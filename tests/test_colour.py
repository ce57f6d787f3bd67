"""Colours: against published numbers, and names against what people call them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.colour import (
    BASES,
    NAMES,
    base_of,
    chart_rgb,
    delta_e_76,
    delta_e_2000,
    dominant_colours,
    family_of,
    lab_from_srgb,
    name_of,
    names_of,
    share_of,
    words_for,
)
from tests.pixels.colour_names import colour_name, lab_of

# Pairs of Lab colours with their CIEDE2000 difference. Source: G. Sharma, W. Wu, E. Dalal,
# "The CIEDE2000 Color-Difference Formula", Color Research and Application 30 (2005), table 1.
SHARMA = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, -1.1848, -84.8006), (50, 0, -82.7485), 1.0000),
    ((50, -0.9009, -85.5211), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.001), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, 2.49, -0.001), (50, -2.49, 0.0012), 7.2195),
    ((50, -0.001, 2.49), (50, 0.0009, -2.49), 4.8045),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
    ((50, 2.5, 0), (50, 3.1736, 0.5854), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((63.0109, -31.0961, -5.8663), (62.8187, -29.7946, -4.0864), 1.2630),
]


@pytest.mark.parametrize(("one", "other", "difference"), SHARMA)
def test_ciede2000_gives_the_published_differences(
    one: tuple[float, ...], other: tuple[float, ...], difference: float
) -> None:
    assert delta_e_2000(np.array(one), np.array(other)) == pytest.approx(difference, abs=1e-4)


def test_differences_work_on_arrays_and_vanish_for_equal_colours() -> None:
    colours = np.array([[[50.0, 0, 0], [20.0, 30, -40]]])
    assert delta_e_2000(colours, colours).tolist() == [[0.0, 0.0]]
    assert delta_e_76(colours, colours + 1)[0].tolist() == pytest.approx([3**0.5] * 2)


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        # Source: the Lab values of the sRGB primaries under D65, as colour calculators print them.
        ((0, 0, 0), (0, 0, 0)),
        ((255, 255, 255), (100, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((119, 119, 119), (50.03, 0, 0)),
    ],
)
def test_lab_of_known_colours(rgb: tuple[int, ...], lab: tuple[float, ...]) -> None:
    assert lab_from_srgb(np.array(rgb)).tolist() == pytest.approx(lab, abs=0.02)


# What people call these; CSS gives the values, the names are plain English.
PLAIN = {
    "black": (0, 0, 0),
    "white": (255, 255, 255),
    "grey": (128, 128, 128),
    "dark grey": (64, 64, 64),
    "light grey": (192, 192, 192),
    "red": (255, 0, 0),
    "maroon": (128, 0, 0),
    "orange": (255, 140, 0),
    "yellow": (255, 255, 0),
    "olive": (128, 128, 0),
    "green": (0, 128, 0),
    "dark green": (0, 80, 0),
    "light green": (144, 238, 144),
    "teal": (0, 128, 128),
    "turquoise": (64, 224, 208),
    "blue": (0, 0, 255),
    "light blue": (135, 206, 235),
    "navy": (0, 0, 128),
    "purple": (147, 112, 219),
    "dark purple": (75, 0, 130),
    "magenta": (255, 0, 255),
    "pink": (255, 105, 180),
    "light pink": (255, 192, 203),
    "brown": (139, 69, 19),
    "dark brown": (60, 30, 10),
    "tan": (210, 180, 140),
    "beige": (245, 245, 220),
}


@pytest.mark.parametrize(("name", "rgb"), PLAIN.items())
def test_plain_colours_have_their_plain_names(name: str, rgb: tuple[int, ...]) -> None:
    assert name_of(lab_from_srgb(np.array(rgb))) == name


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_names_agree_with_the_table_written_a_second_time(rgb: tuple[int, int, int]) -> None:
    lab = lab_from_srgb(np.array(rgb))
    assert lab.tolist() == pytest.approx(lab_of(*rgb), abs=2e-3)
    mine = name_of(lab)
    if mine != colour_name(*rgb):
        # Only a colour on a border of the table may fall to either side by rounding.
        near = {name_of(lab + np.array(d, dtype=np.float32)) for d in _around(5e-3)}
        assert colour_name(*rgb) in near


def _around(step: float) -> list[tuple[float, float, float]]:
    return [(x, y, z) for x in (-step, 0, step) for y in (-step, 0, step) for z in (-step, 0, step)]


def test_every_colour_has_a_name_and_every_name_a_colour() -> None:
    steps = np.arange(0, 256, 5)
    grid = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    found = {NAMES[i] for i in np.unique(names_of(lab_from_srgb(grid)))}
    assert found == set(NAMES)


def test_words_go_from_narrow_to_wide() -> None:
    for name in NAMES:
        assert base_of(name) in BASES
        assert words_for(name)[0] == name
        assert words_for(name)[-1] == family_of(name)


def test_shares_sum_to_one_and_weights_count() -> None:
    colours = dominant_colours(
        np.array([[255, 0, 0], [0, 0, 128], [0, 0, 255]]), weights=np.array([1, 2, 1])
    )
    assert colours == [("navy", 0.5), ("blue", 0.25), ("red", 0.25)]
    assert share_of("blue", colours) == 0.75
    assert dominant_colours(np.zeros((0, 3))) == []


def test_an_even_split_is_ordered_by_name() -> None:
    pixels = np.array([[255, 255, 255], [0, 0, 0]])
    assert dominant_colours(pixels) == dominant_colours(pixels[::-1])


def test_the_chart_shows_colours_under_their_own_names() -> None:
    for name, colours in chart_rgb(["red", "navy"], 3).items():
        assert len(colours) == 3
        assert {name_of(lab_from_srgb(np.array(c))) for c in colours} == {name}
