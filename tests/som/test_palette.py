"""Colours: readable, told apart from their neighbours, seen on their ground, always the same."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.som.palette import (
    DARK,
    ENOUGH,
    PALETTE,
    SEEN,
    choose_colours,
    distance,
    ground_code,
    hex_of,
    line_contrast,
    neighbours,
    oklab,
    palette_contrasts,
    palette_distances,
)
from tests.som.contrast import ciede2000, contrast

GREY = (120, 120, 120)


def colour(*rgb: int) -> np.ndarray:
    return oklab(np.array(rgb, dtype=np.uint8))


def on(ground: tuple[int, int, int], count: int = 1) -> np.ndarray:
    """Samples of one colour under ``count`` outlines."""
    return np.full((count, 4, 3), ground, dtype=np.uint8)


def named(chosen: list[int]) -> list[tuple[int, int, int]]:
    return [PALETTE[place] for place in chosen]


def test_every_colour_is_read_on_the_near_black_plate() -> None:
    for each in PALETTE:
        assert contrast(each, DARK) >= 6, each


def test_any_two_colours_have_different_names() -> None:
    """CIEDE2000 of 20: green and lime, say, have 10."""
    for a, b in itertools.combinations(PALETTE, 2):
        assert ciede2000(a, b) >= 20, (a, b)


def test_distances_agree_with_the_eye() -> None:
    """What CIEDE2000 has among the nearest quarter of all pairs is never counted as far apart."""
    pairs = sorted(
        itertools.combinations(range(len(PALETTE)), 2),
        key=lambda pair: float(ciede2000(PALETTE[pair[0]], PALETTE[pair[1]])),
    )
    distances = palette_distances()
    assert all(distances[pair] < ENOUGH for pair in pairs[: len(pairs) // 4])
    assert (distances == distances.T).all()
    assert (np.diag(distances) == 0).all()
    assert distances.max() == ENOUGH


def test_distances_are_the_same_on_every_machine() -> None:
    """Pinned, as they come from floating point: yellow's, then cyan's, to every colour."""
    assert palette_distances()[:2].tolist() == [
        [0, 1000, 1000, 634, 1000, 1000, 1000, 1000, 1000, 621, 695, 692],
        [1000, 0, 1000, 908, 1000, 497, 1000, 801, 787, 473, 991, 737],
    ]


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        ((255, 255, 255), (1.0, 0.0, 0.0)),
        ((0, 0, 0), (0.0, 0.0, 0.0)),
        # CSS Color 4, the example of red: oklab(0.62796 0.22486 0.12585).
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
    ],
)
def test_oklab(rgb: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    assert colour(*rgb) == pytest.approx(expected, abs=1e-4)


def test_a_distance_is_in_thousandths_of_enough() -> None:
    # Greys: 0.15 of lightness is half of enough.
    assert int(distance(np.array([0.5, 0.0, 0.0]), np.array([0.65, 0.0, 0.0]))) == 500
    assert int(distance(np.array([0.5, 0.0, 0.18]), np.array([0.5, 0.24, 0.0]))) == ENOUGH
    assert int(distance(np.array([0.5, 0.09, 0.0]), np.array([0.5, 0.0, 0.12]))) == 500


@pytest.mark.parametrize(
    ("line", "ground", "expected"),
    [
        # Far apart in hue and in lightness.
        ((255, 255, 0), (0, 0, 0), 1000),
        # Yellow on white: 0.214 of 0.3 in all, 0.032 of it in lightness.
        ((255, 255, 0), (255, 255, 255), 409),
        # The same colour.
        ((80, 170, 255), (80, 170, 255), 0),
    ],
)
def test_the_contrast_of_a_line(
    line: tuple[int, int, int], ground: tuple[int, int, int], expected: int
) -> None:
    assert int(line_contrast(colour(*line), colour(*ground))) == expected


def test_what_counts_as_seen_is_seen() -> None:
    """By its lightness (WCAG 2), or by a hue so different (CIEDE2000) that it need not."""
    table = palette_contrasts()
    steps = np.arange(4, 256, 8)
    grounds = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    for place, each in enumerate(PALETTE):
        seen = table[place] >= SEEN
        lightness = contrast(np.array(each), grounds)
        assert ((lightness >= 1.5) | (ciede2000(each, grounds) >= 50))[seen].all(), each
        # And no dark edge is spent where the line stands out anyway.
        assert lightness[~seen].max() < 2.7, each


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_the_table_is_the_contrast_to_within_its_steps(ground: tuple[int, int, int]) -> None:
    code = int(ground_code(np.array(ground, dtype=np.uint8)))
    middle = colour(*(channel // 8 * 8 + 4 for channel in ground))
    for place, each in enumerate(PALETTE):
        assert palette_contrasts()[place, code] == line_contrast(colour(*each), middle)


def test_boxes_are_neighbours_within_reach() -> None:
    near = neighbours([(0, 0, 10, 10), (14, 0, 20, 10), (40, 0, 50, 10)], reach_px=5)
    assert near.tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_neighbours_differ_while_colours_last() -> None:
    boxes = [(10 * i, 0, 10 * i + 10, 10) for i in range(len(PALETTE))]
    chosen = choose_colours(boxes, on(GREY, len(boxes)), reach_px=1000)
    assert sorted(chosen) == list(range(len(PALETTE)))


def test_more_neighbours_than_colours_share_them_evenly() -> None:
    boxes = [(i, 0, i + 1, 1) for i in range(3 * len(PALETTE))]
    chosen = choose_colours(boxes, on((0, 0, 0), len(boxes)), reach_px=1000)
    assert {chosen.count(place) for place in range(len(PALETTE))} == {3}


def test_regions_far_apart_use_the_palette_too() -> None:
    boxes = [(1000 * i, 0, 1000 * i + 10, 10) for i in range(6)]
    assert len(set(choose_colours(boxes, on((0, 0, 0), 6), reach_px=10))) == 6
    # On grey few colours stand out by their lightness, and those come again.
    assert len(set(choose_colours(boxes, on(GREY, 6), reach_px=10))) == 4


@pytest.mark.parametrize("ground", PALETTE)
def test_the_ground_is_avoided(ground: tuple[int, int, int]) -> None:
    (best,) = named(choose_colours([(0, 0, 9, 9)], on(ground), reach_px=9))
    assert line_contrast(colour(*best), colour(*ground)) >= 650


def test_a_ground_of_two_colours_is_avoided_on_both() -> None:
    """The mean of white and black is grey, on which yellow is well seen; on white it is not."""
    ground = on((255, 255, 255))
    ground[0, :2] = (10, 30, 20)
    (best,) = named(choose_colours([(0, 0, 9, 9)], ground, reach_px=9))
    assert contrast(best, (255, 255, 255)) >= 2
    assert contrast(best, (10, 30, 20)) >= 4


def test_a_region_gets_none_of_the_colours_that_it_is_to_be_unlike() -> None:
    free = choose_colours([(0, 0, 9, 9)], on(GREY), 4)
    barred = [hex_of(PALETTE[free[0]])]
    (other,) = choose_colours([(0, 0, 9, 9)], on(GREY), 4, [barred])
    assert hex_of(PALETTE[other]) not in barred
    # Beside each other, far more often than there are colours left.
    boxes = [(0, 0, 9, 9)] * 30
    most = [hex_of(each) for each in PALETTE[:9]]
    chosen = choose_colours(boxes, on(GREY, 30), 4, [most] * 30)
    assert set(chosen) == {9, 10, 11}
    assert choose_colours(boxes, on(GREY, 30), 4, [()] * 30) == choose_colours(
        boxes, on(GREY, 30), 4
    )


def test_where_no_colour_is_left_one_is_taken_all_the_same() -> None:
    every = [hex_of(each) for each in PALETTE]
    free = choose_colours([(0, 0, 9, 9)], on(GREY), 4)
    assert choose_colours([(0, 0, 9, 9)], on(GREY), 4, [every]) == free


def test_nothing_to_colour() -> None:
    assert choose_colours([], np.zeros((0, 1, 3), dtype=np.uint8), 10) == []


@given(st.lists(st.tuples(*[st.integers(0, 300)] * 4), max_size=40), st.integers(0, 99))
def test_any_boxes_get_colours_and_adjacent_ones_differ(
    corners: list[tuple[int, int, int, int]], reach_px: int
) -> None:
    boxes = [(x, y, x + w + 1, y + h + 1) for x, y, w, h in corners]
    chosen = choose_colours(boxes, on(GREY, len(boxes)), reach_px)
    assert len(chosen) == len(boxes)
    assert chosen == choose_colours(boxes, on(GREY, len(boxes)), reach_px)
    near = neighbours(boxes, reach_px)
    for i in range(len(boxes)):
        earlier = [j for j in range(i) if near[i, j]]
        if len({chosen[j] for j in earlier}) < len(PALETTE) // 2:
            assert all(chosen[i] != chosen[j] for j in earlier)


def test_hex() -> None:
    assert hex_of((0, 229, 255)) == "#00e5ff"
