"""Histograms of scores: what they count, and the quantiles that are read from them."""

from __future__ import annotations

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.quantiles import Histogram, merged, rounded

SCORES = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("values", "percent", "quantile"),
    [
        ([5], 1, 5),
        ([5], 99, 5),
        (range(10), 10, 1),
        (range(10), 9, 0),
        (range(10), 50, 5),
        (range(10), 99, 9),
        (range(100), 10, 10),
        ([0] * 9 + [1], 50, 0),
        ([0] * 5 + [1] * 5, 50, 1),
        ([0] * 5 + [1] * 5, 49, 0),
    ],
)
def test_quantiles_worked_by_hand(values: list[float], percent: int, quantile: float) -> None:
    assert Histogram(values).quantile(percent) == quantile


@given(values=SCORES, percent=st.integers(1, 99))
def test_below_a_quantile_lies_at_most_its_share(values: list[float], percent: int) -> None:
    told = sorted(rounded(value) for value in values)
    quantile = Histogram(values).quantile(percent)
    assert quantile == told[len(told) * percent // 100]
    below = sum(value < quantile for value in told)
    assert 100 * below <= percent * len(told)
    # And the next value that there is would have more below it.
    for larger in told:
        if larger > quantile:
            assert 100 * sum(value < larger for value in told) > percent * len(told)


@given(values=SCORES, cuts=st.lists(st.integers(0, 60), max_size=4), seed=st.integers(0, 9))
def test_shards_and_order_do_not_matter(values: list[float], cuts: list[int], seed: int) -> None:
    whole = Histogram(values)
    mixed = list(values)
    random.Random(seed).shuffle(mixed)
    ends = [0, *sorted(min(cut, len(mixed)) for cut in cuts), len(mixed)]
    shards = [{"clip": Histogram(mixed[a:b]).to_json()} for a, b in itertools.pairwise(ends)]
    found = merged(iter(shards))["clip"]
    assert found.to_json() == whole.to_json()
    for value in values:
        assert found.at_least(value) == sum(rounded(v) >= rounded(value) for v in values)
        assert found.at_most(value) == sum(rounded(v) <= rounded(value) for v in values)
    assert found.total == len(values)


def test_memory_does_not_grow_with_the_dataset() -> None:
    rng = random.Random(3)
    found = Histogram(rng.uniform(0, 0.01) for _ in range(50_000))
    assert found.total == 50_000
    assert len(found.values) == 101
    # Large values have five digits: all of 10,000 to 99,999 at most, whatever comes.
    large = Histogram(rng.uniform(1e6, 1.001e6) for _ in range(20_000))
    assert len(large.values) <= 11


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.00005, 0.0001), (0.12345678, 0.1235), (-0.00001, 0.0), (9.99999, 10.0), (12.34567, 12.346)],
)
def test_values_are_rounded(value: float, told: float) -> None:
    assert rounded(value) == told
    assert math.copysign(1, rounded(value)) == math.copysign(1, told)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_rounding_is_done_once_and_keeps_the_order(value: float) -> None:
    assert rounded(rounded(value)) == rounded(value)
    assert rounded(value) <= rounded(math.nextafter(value, math.inf))


def test_what_is_no_number_is_not_counted() -> None:
    found = Histogram([math.nan, math.inf, -math.inf, 0.5])
    assert found.to_json() == [(0.5, 1)]
    with pytest.raises(ValueError, match="nothing was counted"):
        Histogram([math.nan]).quantile(10)
