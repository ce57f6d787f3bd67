"""Paired bootstrap intervals: by hand, against all resamples that there are, and by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from annoengine.comparing import bootstrap
from annoengine.comparing.bootstrap import FEWEST, Column, Ratio, paired_difference


def mean_of(values: Column) -> Ratio:
    return Ratio(values, np.ones(len(values)))


def test_values_are_ratios_of_sums_by_hand() -> None:
    # words 10 + 30 + 20 + 20 + 20 by captions 1 + 3 + 2 + 2 + 2; and 25 + 25 + 15 + 15 + 20 by 10
    first = Ratio(np.array([10.0, 30, 20, 20, 20]), np.array([1.0, 3, 2, 2, 2]))
    second = Ratio(np.array([25.0, 25, 15, 15, 20]), np.array([3.0, 3, 1, 1, 2]))
    found = paired_difference(first, second)
    assert found is not None
    assert (found.images, found.first, found.second, found.difference) == (5, 10, 10, 0)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0 < found.high
    assert not found.excludes_zero


def test_only_images_that_have_both_count() -> None:
    first = Ratio(np.array([4.0, 6, 0, 100]), np.array([1.0, 1, 0, 1]))
    second = Ratio(np.array([5.0, 9, 100, 0]), np.array([1.0, 1, 1, 0]))
    found = paired_difference(first, second)
    assert found is not None
    # (5 + 9)/2 − (4 + 6)/2; two images are too few for an interval
    assert (found.images, found.difference, found.low, found.high) == (2, 2, None, None)
    assert not found.excludes_zero
    assert paired_difference(mean_of(np.array([1.0])), Ratio(np.zeros(1), np.zeros(1))) is None


def test_differences_that_are_all_the_same_have_no_width() -> None:
    values = np.array([0.1, 0.7, 0.3, 0.9, 0.2])
    found = paired_difference(mean_of(values), mean_of(values + 0.3))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.3, 0.3))
    assert found.excludes_zero
    same = paired_difference(mean_of(values), mean_of(values))
    assert same is not None
    assert (same.difference, same.low, same.high, same.excludes_zero) == (0, 0, 0, False)


def test_the_interval_is_that_of_all_resamples_there_are() -> None:
    """Of 5 images there are 5^5 resamples; the interval's ends by the definition, from them all."""
    off = np.array([0.0, 1.0, 1.0, 2.0, 6.0])
    every = np.array([np.mean(draw) for draw in itertools.product(off, repeat=5)])
    # The mean is 2; below it lie so many, at it so many.
    below = np.mean(every < 2 - 1e-9) + np.mean(abs(every - 2) < 1e-9) / 2
    bias = ndtri(below)
    # Without one image the mean is (10 − x)/4, which is 2 + (2 − x)/4: off by (x − 2)/4.
    each = (off - 2) / 4
    skew = (each**3).sum() / (6 * (each**2).sum() ** 1.5)
    # Σ(x − 2)³ = −8 − 1 − 1 + 0 + 64 = 54, Σ(x − 2)² = 4 + 1 + 1 + 0 + 16 = 22
    assert skew == pytest.approx(54 / (6 * 22**1.5))
    # Student's t of 4 degrees of freedom at 0.975 is 2.776; √(5/4) times that is 3.104.
    levels = [ndtr(bias + (bias + end) / (1 - skew * (bias + end))) for end in (-3.104, 3.104)]
    low, high = np.quantile(every, levels)
    found = paired_difference(mean_of(np.zeros(5)), mean_of(off), resamples=200_000)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05)


def test_blocks_and_company_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    first, second = mean_of(chance.normal(size=40)), mean_of(chance.normal(size=40))
    found = paired_difference(first, second, resamples=1000)
    assert found == paired_difference(first, second, resamples=1000)
    assert found != paired_difference(first, second, resamples=1000, seed=1)
    monkeypatch.setattr(bootstrap, "_BLOCK", 40 * 7)
    third = mean_of(chance.normal(size=40))
    _, again = bootstrap.paired_differences([(first, third), (first, second)], resamples=1000)
    assert again is not None
    assert found is not None
    assert (again.low, again.high) == pytest.approx((found.low, found.high))


@pytest.mark.parametrize(("images", "skewed", "least"), [(8, False, 0.90), (40, True, 0.88)])
def test_intervals_hold_the_true_difference_as_often_as_they_say(
    images: int, skewed: bool, least: float
) -> None:
    """Both sides share what makes an image easy or hard, which is far more than the difference."""
    chance = np.random.default_rng(1)
    held, wide = 0, []
    for _ in range(400):
        shared = chance.normal(0, 10, images)
        noise = chance.exponential(1, images) if skewed else chance.normal(1, 1, images)
        found = paired_difference(mean_of(shared), mean_of(shared + noise), resamples=400)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 1 <= found.high
        wide.append(found.high - found.low)
    assert least <= held / 400 <= 0.985
    # Unpaired, the intervals would be about 2 · 1.96 · √(2 · 100 / n) wide: 19.6 and 8.8.
    assert np.mean(wide) < 2.2


def test_the_fewest_are_told_apart() -> None:
    values = np.arange(float(FEWEST))
    found = paired_difference(mean_of(values), mean_of(2 * values + 1))
    assert found is not None
    assert found.low is not None
    assert found.excludes_zero
