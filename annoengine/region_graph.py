"""Merges the many small regions of a picture into few: a region adjacency graph.

Regions are nodes; two that touch share an edge, which costs as much as they differ in colour and
texture and as the picture is sharp along their border. The cheapest edge goes first, and what it
joined is compared anew as a whole. Small regions cost less, so that they find their neighbour
before large ones find each other.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.intp]
"""int (height, width), the region at each pixel, 0 to n - 1, each of them present."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Merging:
    """When two regions become one. The figures of :mod:`annoengine.segmenters.graph` are tuned."""

    sharpness: float
    """The weight of the border's sharpness beside the histograms' distance."""
    small: float
    """Regions below this share of the picture are cheap …"""
    cheapness: float
    """… by their share of that to this power."""
    most_cost: float
    """An edge that costs more is kept, once there are few enough regions."""


class RegionGraph:
    """Regions, what they look like, and which of them touch.

    ``histograms`` are float (n, bins): how often each bin occurs in a region, weighted by what
    the bin counts for. ``sharp`` is float (height, width), how sharp the picture is, 0 to 1.
    """

    def __init__(self, labels: Labels, histograms: Floats, weights: Floats, sharp: Floats) -> None:
        self.n = int(labels.max()) + 1
        self._weights = weights
        self._seen = histograms.astype(np.float64).copy()
        self._area = np.bincount(labels.ravel(), minlength=self.n).astype(np.float64)
        self._total = float(labels.size)
        self._edges: list[dict[int, tuple[float, float]]] = [{} for _ in range(self.n)]
        """For each region its neighbours: the border's length and its summed sharpness."""
        for a, b, length, sharpness in _edges_of(labels, sharp):
            self._edges[a][b] = self._edges[b][a] = (length, sharpness)
        self._into = np.arange(self.n)
        self._age = [0] * self.n
        """Grows with each merge, so that costs from before it are known to be old."""

    def merge(self, merging: Merging, max_regions: int, least_share: float) -> NDArray[np.intp]:
        """For each region the number of the one that it became part of, itself where it stayed.

        At most ``max_regions`` are left, and none below ``least_share`` of the picture (but a
        picture is always one region at least).
        """
        left, heap = self.n, self._all_costs(merging)
        while heap:
            cost, a, b, age_a, age_b = heapq.heappop(heap)
            if (self._age[a], self._age[b]) != (age_a, age_b):
                continue
            if cost > merging.most_cost and left <= max_regions:
                break
            self._join(a, b)
            left -= 1
            self._push(heap, a, merging)
        self._absorb_small(merging, least_share)
        return self._roots()

    def _all_costs(self, merging: Merging) -> list[tuple[float, int, int, int, int]]:
        heap: list[tuple[float, int, int, int, int]] = []
        for a in range(self.n):
            later = [b for b in self._edges[a] if b > a]
            costs = self._costs(a, later, merging)
            heap += [(c, a, b, 0, 0) for b, c in zip(later, costs, strict=True)]
        heapq.heapify(heap)
        return heap

    def _push(self, heap: list[tuple[float, int, int, int, int]], a: int, merging: Merging) -> None:
        others = list(self._edges[a])
        for b, cost in zip(others, self._costs(a, others, merging), strict=True):
            first, second = (a, b) if a < b else (b, a)
            heapq.heappush(heap, (cost, first, second, self._age[first], self._age[second]))

    def _costs(self, a: int, others: list[int], merging: Merging) -> list[float]:
        """What each edge of a region costs."""
        if not others:
            return []
        mine = self._seen[a] / self._area[a]
        theirs = self._seen[others] / self._area[others, None]
        # The chi-squared distance, 0 to the sum of the weights.
        apart = ((mine - theirs) ** 2 / (mine + theirs + 1e-9) * self._weights).sum(axis=1) / 2
        lengths, sharpness = np.array([self._edges[a][b] for b in others]).T
        smaller = np.minimum(self._area[others], self._area[a]) / self._total
        cheap = np.minimum(1.0, smaller / merging.small) ** merging.cheapness
        cost = apart + merging.sharpness * sharpness / lengths
        costs: list[float] = (cost * cheap).tolist()
        return costs

    def _join(self, a: int, b: int) -> None:
        """Region b becomes part of a."""
        del self._edges[a][b]
        self._seen[a] += self._seen[b]
        self._area[a] += self._area[b]
        for other, (more, sharper) in self._edges[b].items():
            if other != a:
                before, sharp = self._edges[a].get(other, (0.0, 0.0))
                self._edges[a][other] = self._edges[other][a] = (before + more, sharp + sharper)
                del self._edges[other][b]
        self._edges[b] = {}
        self._into[b] = a
        self._age[a] += 1
        self._age[b] = -1

    def _absorb_small(self, merging: Merging, least_share: float) -> None:
        """Gives each region that is too small to the neighbour that is most alike."""
        while True:
            small = [
                (self._area[a], a)
                for a in range(self.n)
                if self._edges[a] and self._area[a] < least_share * self._total
            ]
            if not small:
                return
            a = min(small)[1]
            others = sorted(self._edges[a])
            self._join(others[int(np.argmin(self._costs(a, others, merging)))], a)

    def _roots(self) -> NDArray[np.intp]:
        roots = self._into.copy()
        while not np.array_equal(roots, roots[roots]):
            roots = roots[roots]
        return roots


def _edges_of(labels: Labels, sharp: Floats) -> list[tuple[int, int, float, float]]:
    """Pairs of regions that touch, the length of their border, and its summed sharpness."""
    flat, sharp_flat = labels.ravel(), sharp.ravel()
    pixels = np.arange(labels.size).reshape(labels.shape)
    one = np.concatenate([pixels[:, :-1].ravel(), pixels[:-1].ravel()])
    next_ = np.concatenate([pixels[:, 1:].ravel(), pixels[1:].ravel()])
    across = flat[one] != flat[next_]
    one, next_ = one[across], next_[across]
    low = np.minimum(flat[one], flat[next_]).astype(np.int64)
    high = np.maximum(flat[one], flat[next_]).astype(np.int64)
    n = int(labels.max()) + 1
    pairs, which = np.unique(low * n + high, return_inverse=True)
    lengths = np.bincount(which)
    sharpness = np.bincount(which, (sharp_flat[one] + sharp_flat[next_]) / 2)
    return list(
        zip(
            (pairs // n).tolist(),
            (pairs % n).tolist(),
            lengths.astype(float).tolist(),
            sharpness.tolist(),
            strict=True,
        )
    )


def histogram_of(labels: Labels, values: NDArray[np.floating], bins: int) -> Floats:
    """How often each of ``bins`` values from 0 to 1 occurs in each region, float (n, bins).

    A value between the middles of two bins counts for both, in parts, so that a slightly other
    shade is slightly other.

    >>> histogram_of(np.array([[0, 0, 1]]), np.array([[0.25, 0.5, 0.75]]), 2).tolist()
    [[1.5, 0.5], [0.0, 1.0]]
    """
    place = np.clip(values.ravel().astype(np.float64) * bins - 0.5, 0, bins - 1)
    low = np.floor(place).astype(np.intp)
    part = place - low
    high = np.minimum(low + 1, bins - 1)
    size = (int(labels.max()) + 1) * bins
    base = labels.ravel() * bins
    counts = np.bincount(base + low, 1 - part, size) + np.bincount(base + high, part, size)
    return np.asarray(counts, dtype=np.float64).reshape(-1, bins)
