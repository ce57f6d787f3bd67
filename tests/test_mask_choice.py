"""Choosing among proposed masks, by hand-made grids."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.mask_choice import cleaned, largest, stability, unlike


def grids(*rows: str) -> np.ndarray:
    """Masks of one row each: ``#`` on it, ``.`` off it."""
    return np.array([[[1.0 if c == "#" else -1.0 for c in row]] for row in rows])


def test_of_two_alike_the_surer_stays() -> None:
    logits = grids("####....", "###.....", "....####")
    assert unlike(logits, np.array([0.8, 0.9, 0.7]), 0.7) == [1, 2]


def test_just_as_much_overlap_as_allowed_stays() -> None:
    logits = grids("####", "###.")  # An IoU of 3 / 4.
    assert unlike(logits, np.array([0.9, 0.8]), 0.75) == [0, 1]
    assert unlike(logits, np.array([0.9, 0.8]), 0.74) == [0]


def test_a_part_is_not_its_whole() -> None:
    logits = grids("########", "##......", "......##")
    assert unlike(logits, np.array([0.9, 0.9, 0.9]), 0.7) == [0, 1, 2]


def test_what_a_removed_mask_overlapped_may_stay() -> None:
    # The second goes because of the first; the third was only like the second.
    logits = grids("####....", ".####...", "..####..")
    assert unlike(logits, np.array([0.9, 0.8, 0.7]), 0.5) == [0, 2]


def test_of_equally_sure_ones_the_first_stays_and_empty_ones_go() -> None:
    logits = grids("....", "##..", "##..")
    assert unlike(logits, np.array([0.9, 0.5, 0.5]), 0.7) == [1]
    assert unlike(np.zeros((0, 2, 2)), np.zeros(0), 0.7) == []


def test_the_largest_come_first_and_of_equals_the_earlier() -> None:
    assert largest(np.array([1, 5, 5, 7]), 3) == [3, 1, 2]
    assert largest(np.array([1]), 3) == [0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [([9.0, 9.0, -9.0], 1.0), ([9.0, 0.5, -9.0], 0.5), ([0.5, 0.5, -0.5], 0.0), ([-9.0] * 3, 0.0)],
)
def test_a_mask_is_stable_whose_edge_is_steep(values: list[float], expected: float) -> None:
    assert stability(np.array([[values]]), 1.0).tolist() == [expected]


def drawn(*rows: str) -> np.ndarray:
    """One mask of several rows."""
    return np.array([[1.0 if c == "#" else -1.0 for c in row] for row in rows], dtype=np.float32)


def test_small_islands_and_holes_go() -> None:
    mask = drawn("#####...", "#.###..#", "#####...", "........")
    expected = drawn("#####...", "#####...", "#####...", "........")
    assert np.array_equal(cleaned(mask, 2) > 0, expected > 0)
    assert np.array_equal(cleaned(mask, 1) > 0, mask > 0)


def test_a_hole_that_touches_the_border_is_none() -> None:
    mask = drawn("##.##", "##.##", "#####")
    assert np.array_equal(cleaned(mask, 9) > 0, mask > 0)


def test_the_largest_island_stays_however_small() -> None:
    mask = drawn("#....", ".....", "...##")
    assert np.array_equal(cleaned(mask, 9) > 0, drawn(".....", ".....", "...##") > 0)


def test_what_is_filled_keeps_its_depth_and_what_is_empty_stays_so() -> None:
    mask = np.full((3, 3), 2.0, dtype=np.float32)
    mask[1, 1] = -0.5
    assert cleaned(mask, 2)[1, 1] == 0.5
    mask[1, 1] = 0.0
    assert cleaned(mask, 2)[1, 1] > 0
    empty = np.full((2, 2), -3.0, dtype=np.float32)
    assert np.array_equal(cleaned(empty, 2), empty)


@given(seed=st.integers(0, 9999), least=st.integers(0, 12))
@settings(max_examples=100)
def test_nothing_small_is_left_whatever_the_mask(seed: int, least: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(12, 14)).astype(np.float32)
    mask = np.asarray(cv2.GaussianBlur(noise, (0, 0), 0.7), dtype=np.float32)
    result = cleaned(mask, least) > 0
    assert np.allclose(np.abs(cleaned(mask, least)), np.abs(mask), atol=1e-3)
    number, labels = cv2.connectedComponents(result.astype(np.uint8))
    areas = sorted(np.bincount(labels.ravel())[1:].tolist())
    assert number <= 2 or areas[0] >= least or len(areas) == 1
