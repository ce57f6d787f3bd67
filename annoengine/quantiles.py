"""How the values of a score lie: a histogram that merges, and the quantiles read from it.

Values are counted rounded, as model scores are stored: to 1e-4, and where they are above 10 to
five digits. So the memory grows with the range of a score and not with the dataset: 20,001 bins
for a score from -1 to 1, 90,000 more for each power of ten. What is counted does not depend on the
order of the values, nor on how they were cut into shards.
"""

from __future__ import annotations

import bisect
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Self

_BATCH = 10_000
"""Values that wait to be counted together."""


def rounded(value: float) -> float:
    """A value as it is counted.

    >>> rounded(0.123449), rounded(-0.00001), rounded(9.87654), rounded(123456.7)
    (0.1234, 0.0, 9.8765, 123460.0)
    """
    if -10 < value < 10:
        return round(value, 4) + 0.0  # -0.0 + 0.0 is 0.0
    return float(f"{value:.5g}")


class Histogram:
    """How often each value came, rounded.

    >>> found = Histogram([0.3, 0.1, 0.2, 0.2])
    >>> found.total, found.at_least(0.2), found.at_most(0.2), found.quantile(50)
    (4, 3, 3, 0.2)
    """

    def __init__(self, values: Iterable[float] = ()) -> None:
        self._counts: dict[float, int] = {}
        self._waiting: list[float] = []
        self._sorted: tuple[list[float], list[int]] | None = None
        self.extend(values)

    def add(self, value: float) -> None:
        """Counts a value; one that is no finite number has no place among the others."""
        self._waiting.append(value)
        if len(self._waiting) >= _BATCH:
            self._count()

    def extend(self, values: Iterable[float]) -> None:
        """Counts some values."""
        for value in values:
            self.add(value)

    def merge(self, other: Histogram) -> None:
        """Counts in what another has counted."""
        self._put(other.to_json())

    def _count(self) -> None:
        """Counts those that wait: equal values are rounded once, which is most of the work."""
        found, self._waiting = Counter(self._waiting), []
        self._put((v, times) for v, times in found.items() if math.isfinite(v))

    def _put(self, bins: Iterable[tuple[float, int]]) -> None:
        for value, times in bins:
            value = rounded(value)
            self._counts[value] = self._counts.get(value, 0) + times
        self._sorted = None

    @property
    def total(self) -> int:
        """How many values were counted."""
        return self._cumulative()[1][-1]

    @property
    def values(self) -> list[float]:
        """The different values, rounded, in order."""
        return self._cumulative()[0]

    def at_most(self, value: float) -> int:
        """How many lie at a value or below, after rounding."""
        values, counts = self._cumulative()
        return counts[bisect.bisect_right(values, rounded(value))]

    def at_least(self, value: float) -> int:
        """How many lie at a value or above, after rounding."""
        values, counts = self._cumulative()
        return counts[-1] - counts[bisect.bisect_left(values, rounded(value))]

    def quantile(self, percent: int) -> float:
        """The largest value counted below which at most ``percent`` % of all lie, 1 to 99.

        So ``score >= q10`` keeps at least 90 %. Raises ValueError where nothing was counted.

        >>> Histogram(range(10)).quantile(10)
        1.0
        """
        values, counts = self._cumulative()
        if not values:
            raise ValueError("nothing was counted")
        # counts[k] is how many lie below values[k].
        below = counts[-1] * percent // 100
        return values[bisect.bisect_right(counts, below, hi=len(values)) - 1]

    def to_json(self) -> list[tuple[float, int]]:
        """The bins in order, from which :meth:`from_json` makes it again."""
        self._count()
        return sorted(self._counts.items())

    @classmethod
    def from_json(cls, bins: Iterable[tuple[float, int]]) -> Self:
        """The histogram of some bins."""
        made = cls()
        made._put(bins)
        return made

    def _cumulative(self) -> tuple[list[float], list[int]]:
        """The values in order; how many lie below each, and at last how many there are."""
        if self._waiting:
            self._count()
        if self._sorted is None:
            values, counts = [], [0]
            for value, times in sorted(self._counts.items()):
                values.append(value)
                counts.append(counts[-1] + times)
            self._sorted = values, counts
        return self._sorted


def merged(summaries: Iterable[Mapping[str, Iterable[tuple[float, int]]]]) -> dict[str, Histogram]:
    """The histograms of all shards together, by name, from what each gave as JSON."""
    found: dict[str, Histogram] = {}
    for summary in summaries:
        for name, bins in summary.items():
            found.setdefault(name, Histogram()).merge(Histogram.from_json(bins))
    return found
