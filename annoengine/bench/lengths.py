"""Draws how long answers are to be, so that a model of random weights can be measured.

Lengths are spread as an exponential distribution cut off at both ends, with a given mean: of all
distributions with these ends and this mean the one that assumes least else. Short answers are
many, long ones few, as with captions. They are drawn in layers (one from each of ``count`` equal
parts of the probability, then shuffled), so that few draws have that mean already.
"""

from __future__ import annotations

import math
import random

SHORTEST, MEAN, LONGEST = 64, 256, 768
"""Tokens: from a caption of one region to a description of twenty."""


def answer_lengths(
    count: int, seed: int, shortest: int = SHORTEST, mean: float = MEAN, longest: int = LONGEST
) -> list[int]:
    """So many lengths in tokens, the same for the same seed. ``mean`` below the middle.

    >>> drawn = answer_lengths(1000, seed=1)
    >>> min(drawn), max(drawn), round(sum(drawn) / 1000)
    (64, 767, 256)
    """
    width = longest - shortest
    rate = _rate(width, mean - shortest)
    chance = random.Random(seed)
    lengths = []
    for layer in range(count):
        part = (layer + chance.random()) / count
        # The inverse of the share of lengths below one.
        beyond = -math.log1p(-part * -math.expm1(-rate * width)) / rate
        lengths.append(shortest + round(beyond))
    chance.shuffle(lengths)
    return lengths


def _rate(width: float, mean: float) -> float:
    """The rate of an exponential distribution on 0 … ``width`` that has this mean.

    >>> round(1 / _rate(704, 192), 1)
    223.5
    """
    if not 0 < mean < width / 2:
        raise ValueError("the mean must be nearer to the shortest than to the longest")
    low, high = 1e-9 / width, 1e3 / mean
    for _ in range(200):
        middle = math.sqrt(low * high)
        found = 1 / middle - width / math.expm1(min(middle * width, 700))
        low, high = (middle, high) if found > mean else (low, middle)
    return math.sqrt(low * high)
