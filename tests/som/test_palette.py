"""Colours: readable, told apart from their neighbours, and the same every time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from annoengine.som.palette import (
    PALETTE,
    choose_colours,
    colour_distance,
    hex_of,
    neighbours,
)

GREY = (120, 120, 120)


def luminance(colour: tuple[int, int, int]) -> float:
    """WCAG 2 relative luminance."""
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (channel / 255 for channel in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_colour_is_read_on_the_near_black_plate() -> None:
    plate = luminance((14, 14, 14))
    for colour in PALETTE:
        assert (luminance(colour) + 0.05) / (plate + 0.05) >= 6, colour


def test_no_two_colours_are_close() -> None:
    palette = np.asarray(PALETTE, dtype=np.int64)
    between = colour_distance(palette[:, None], palette[None])
    np.fill_diagonal(between, 1 << 30)
    assert int(between.min()) >= 9_000


def test_the_distance_is_the_published_one() -> None:
    white, black = np.array([255, 255, 255]), np.array([0, 0, 0])
    # (512 + 127) + 1024 + (767 - 127), times 255², over 256.
    assert int(colour_distance(white, black)) == (639 + 1024 + 640) * 65025 // 256


def test_boxes_are_neighbours_within_reach() -> None:
    near = neighbours([(0, 0, 10, 10), (14, 0, 20, 10), (40, 0, 50, 10)], reach_px=5)
    assert near.tolist() == [[False, True, False], [True, False, False], [False, False, False]]


def test_neighbours_differ_while_colours_last() -> None:
    boxes = [(10 * i, 0, 10 * i + 10, 10) for i in range(len(PALETTE))]
    colours = choose_colours(boxes, [GREY] * len(boxes), reach_px=1000)
    assert len(set(colours)) == len(PALETTE)


def test_the_ground_is_avoided() -> None:
    for ground in PALETTE:
        assert choose_colours([(0, 0, 9, 9)], [ground], reach_px=9) != [ground]


@given(st.lists(st.tuples(*[st.integers(0, 300)] * 4), max_size=40), st.integers(0, 99))
def test_any_boxes_get_colours_and_adjacent_ones_differ(
    corners: list[tuple[int, int, int, int]], reach_px: int
) -> None:
    boxes = [(x, y, x + w + 1, y + h + 1) for x, y, w, h in corners]
    colours = choose_colours(boxes, [GREY] * len(boxes), reach_px)
    assert len(colours) == len(boxes)
    assert colours == choose_colours(boxes, [GREY] * len(boxes), reach_px)
    near = neighbours(boxes, reach_px)
    for i in range(len(boxes)):
        earlier = [j for j in range(i) if near[i, j]]
        if len({colours[j] for j in earlier}) < len(PALETTE) // 2:
            assert all(colours[i] != colours[j] for j in earlier)


def test_hex() -> None:
    assert hex_of((0, 229, 255)) == "#00e5ff"
