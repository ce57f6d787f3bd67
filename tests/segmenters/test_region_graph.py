"""Merging regions by hand-made pictures of a few pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.region_graph import Floats, Labels, Merging, RegionGraph, histogram_of

PLAIN = Merging(sharpness=0.0, small=1.0, cheapness=0.0, most_cost=0.25)
"""Colour alone decides, whatever the size."""


def strip(shades: list[float], sharp: list[float] | None = None) -> RegionGraph:
    """Regions of one pixel side by side, each of one shade in two bins."""
    labels: Labels = np.arange(len(shades)).reshape(1, -1)
    values = np.array([shades])
    sharpness = np.array([sharp or [0.0] * len(shades)])
    return RegionGraph(labels, histogram_of(labels, values, 2), np.ones(2), sharpness)


def test_regions_that_look_alike_become_one() -> None:
    assert strip([0.0, 0.0, 1.0, 1.0]).merge(PLAIN, 9, 0.0).tolist() == [0, 0, 2, 2]


def test_what_is_apart_stays_apart_though_it_looks_alike() -> None:
    assert strip([0.0, 1.0, 0.0]).merge(PLAIN, 9, 0.0).tolist() == [0, 1, 2]


def test_a_region_is_compared_anew_as_a_whole() -> None:
    # 0.25 and 0.75 are the middles of the bins, so 0.5 is half in each: (1, 0), (½, ½), (0, 1).
    # Either edge costs (¼ / 1½ + ¼ / ½) / 2 = ⅓.
    merging = Merging(sharpness=0.0, small=1.0, cheapness=0.0, most_cost=0.4)
    roots = strip([0.25, 0.5, 0.75]).merge(merging, 9, 0.0)
    # The first two are (¾, ¼) together, and (¾² / ¾ + ¾² / 1¼) / 2 = 0.6 away from the third.
    assert roots.tolist() == [0, 0, 2]


def test_the_cheapest_edges_go_first_until_there_are_few_enough() -> None:
    graph = strip([0.25, 0.4, 0.75, 0.75])
    stern = Merging(sharpness=0.0, small=1.0, cheapness=0.0, most_cost=0.0)
    assert graph.merge(stern, 2, 0.0).tolist() == [0, 0, 2, 2]


def test_a_sharp_border_keeps_regions_apart() -> None:
    sharp = Merging(sharpness=1.0, small=1.0, cheapness=0.0, most_cost=0.25)
    roots = strip([0.0, 0.0, 0.0, 0.0], [0.0, 0.9, 0.9, 0.0]).merge(sharp, 9, 0.0)
    # Borders of 0.45, 0.9 and 0.45: none is below 0.25.
    assert roots.tolist() == [0, 1, 2, 3]
    roots = strip([0.0, 0.0, 0.0, 0.0], [0.1, 0.1, 0.9, 0.9]).merge(sharp, 9, 0.0)
    assert roots.tolist() == [0, 0, 2, 3]


def test_a_small_region_goes_to_the_neighbour_that_is_most_alike() -> None:
    labels = np.array([[0] * 10 + [1] + [2] * 10])
    values = np.array([[0.25] * 10 + [0.6] + [0.75] * 10])
    graph = RegionGraph(labels, histogram_of(labels, values, 2), np.ones(2), np.zeros((1, 21)))
    stern = Merging(sharpness=0.0, small=1.0, cheapness=0.0, most_cost=0.0)
    assert graph.merge(stern, 9, 0.1).tolist() == [0, 2, 2]


def test_a_picture_is_one_region_at_least() -> None:
    assert strip([0.5]).merge(PLAIN, 1, 0.9).tolist() == [0]
    assert len(set(strip([0.0, 1.0]).merge(PLAIN, 1, 0.9).tolist())) == 1


def test_bins_count_for_what_they_weigh() -> None:
    labels = np.array([[0, 1]])
    histograms = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    light = RegionGraph(labels, histograms, np.array([0.1, 0.1, 9.0]), np.zeros((1, 2)))
    heavy = RegionGraph(labels, histograms, np.array([1.0, 1.0, 0.0]), np.zeros((1, 2)))
    assert light.merge(PLAIN, 9, 0.0).tolist() == [0, 0]
    assert heavy.merge(PLAIN, 9, 0.0).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("value", "counts"),
    [
        (0.0, [1, 0]),
        (0.25, [1, 0]),
        (0.5, [0.5, 0.5]),
        (0.75, [0, 1]),
        (1.0, [0, 1]),
        (9.0, [0, 1]),
    ],
)
def test_a_value_counts_for_the_bins_beside_it(value: float, counts: list[float]) -> None:
    assert histogram_of(np.array([[0]]), np.array([[value]]), 2).tolist() == [counts]


def random_graph(seed: int, side: int) -> tuple[Labels, Floats]:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 6, size=(side, side))
    labels = np.unique(np.kron(blocks, np.ones((2, 2), dtype=int)), return_inverse=True)[1]
    return labels.reshape(2 * side, 2 * side), rng.random((2 * side, 2 * side))


@given(
    seed=st.integers(0, 10_000),
    side=st.integers(1, 6),
    most=st.integers(1, 6),
    least=st.floats(0, 0.5),
    most_cost=st.floats(0, 2),
)
@settings(max_examples=80)
def test_whatever_the_picture_the_bounds_hold(
    seed: int, side: int, most: int, least: float, most_cost: float
) -> None:
    labels, values = random_graph(seed, side)
    merging = Merging(sharpness=1.0, small=0.05, cheapness=0.3, most_cost=most_cost)

    def merge() -> Labels:
        histograms = histogram_of(labels, values, 4)
        return RegionGraph(labels, histograms, np.ones(4), values).merge(merging, most, least)

    roots = merge()
    assert np.array_equal(roots, roots[roots]), "a root is its own"
    assert np.array_equal(roots, merge())
    areas = np.bincount(roots[labels].ravel())
    areas = areas[areas > 0]
    assert len(areas) <= most
    if len(areas) > 1:
        assert areas.min() >= least * labels.size
