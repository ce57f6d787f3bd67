"""How often the intervals of paired differences hold the true one.

::

    python -m tests.benchmarks.intervals --samples 1500

Samples of differences whose mean is known are drawn, normal and lognormal ones; of each, the
interval that annoengine computes and that of plain percentiles. Prints shares, which should be
0.95, by the number of images. The seed is fixed.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np

from annoengine.comparing.bootstrap import Column, Ratio, paired_difference

RESAMPLES = 2000


def percentiles(values: Column, seed: int) -> tuple[float, float]:
    """The plain percentile interval of a mean."""
    chance = np.random.default_rng(seed)
    drawn = values[chance.integers(0, len(values), size=(RESAMPLES, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def shares(draw: Callable[[int], Column], mean: float, images: int, samples: int) -> list[float]:
    """The shares of intervals that hold the mean: annoengine's, and plain percentiles'."""
    held = [0, 0]
    for n in range(samples):
        values, ones = draw(images), np.ones(images)
        zeros = Ratio(np.zeros(images), ones)
        found = paired_difference(zeros, Ratio(values, ones), RESAMPLES, seed=n)
        if found is not None and found.low is not None and found.high is not None:
            held[0] += found.low <= mean <= found.high
        low, high = percentiles(values, n)
        held[1] += low <= mean <= high
    return [count / samples for count in held]


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1500)
    samples = parser.parse_args().samples
    chance = np.random.default_rng(1)
    draws: dict[str, tuple[Callable[[int], Column], float]] = {
        "normal": (lambda n: chance.normal(size=n), 0.0),
        "lognormal": (lambda n: chance.lognormal(size=n), math.exp(0.5)),
    }
    for name, (draw, mean) in draws.items():
        for images in (6, 10, 50):
            ours, plain = shares(draw, mean, images, samples)
            print(
                f"{name:10} {images:3} images: {ours:.3f}, by percentiles {plain:.3f}", flush=True
            )


if __name__ == "__main__":
    main()
