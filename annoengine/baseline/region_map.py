"""Measures all segments of one id map in one pass: areas, boxes, centres, and who borders on whom.

A map's rows are runs of one id, some thirty times fewer than its pixels, so the cost hardly grows
with the number of segments. Segments of a map never overlap; masks that may are measured one by
one (``region_cut``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annoengine.baseline.region_cut import Cut
from annoengine.mask import IdMap


@dataclass(frozen=True)
class Standing:
    """A segment of a map; what the numbers mean stands with ``region_facts.RegionFacts``.

    ``contacts`` counts by key.
    """

    box_xyxy: tuple[int, int, int, int]
    area_px: int
    centre_xy: tuple[float, float]
    edges: int
    frame_edges: int
    contacts: dict[int, int]


class RegionMap:
    """An id map, read for the keys that matter; everything else in it is ground."""

    def __init__(self, ids: IdMap, keys: Sequence[int]) -> None:
        """Finds the runs. ``keys`` differ from each other."""
        self._keys = list(keys)
        height, width = ids.shape
        flat = ids.ravel()
        changes = np.ones(ids.size, dtype=np.bool_)
        np.not_equal(flat[1:], flat[:-1], out=changes[1:])
        changes[::width] = True
        starts = np.flatnonzero(changes)
        self._lengths = np.diff(starts, append=ids.size)
        self._rows, self._columns = np.divmod(starts, width)
        self._codes = _codes(flat[starts], self._keys)
        small = np.uint8 if len(self._keys) < 256 else np.uint32
        self._map = np.repeat(self._codes.astype(small), self._lengths).reshape(height, width)

    def missing(self) -> list[int]:
        """The keys that no pixel has."""
        runs = np.bincount(self._codes, minlength=len(self._keys) + 1)
        return [key for code, key in enumerate(self._keys, 1) if not runs[code]]

    def cut(self, key: int, box_xyxy: tuple[int, int, int, int]) -> Cut:
        """The mask of a key within its box."""
        x1, y1, x2, y2 = box_xyxy
        return Cut(x1, y1, self._map[y1:y2, x1:x2] == self._keys.index(key) + 1)

    def standings(self) -> dict[int, Standing]:
        """All keys, none of which may be missing, measured."""
        lengths, rows, columns, codes = self._lengths, self._rows, self._columns, self._codes
        size = len(self._keys) + 1
        # Sums of whole numbers below 2^53: exact in doubles.
        areas = np.bincount(codes, lengths, size)
        xs = np.bincount(codes, lengths * (2 * columns + lengths - 1) // 2, size)
        ys = np.bincount(codes, lengths * rows, size)
        order = np.argsort(codes, kind="stable")
        firsts = np.searchsorted(codes[order], np.arange(1, size))
        lefts = np.minimum.reduceat(columns[order], firsts)
        rights = np.maximum.reduceat((columns + lengths)[order], firsts)
        # Runs lie in the order of their rows.
        tops = rows[order[firsts]]
        bottoms = rows[order[np.append(firsts[1:], len(order)) - 1]] + 1
        borders, frame = self._borders(size)
        found = {}
        for code, key in enumerate(self._keys, 1):
            at = code - 1
            x1, y1, x2, y2 = (int(side[at]) for side in (lefts, tops, rights, bottoms))
            area = int(areas[code])
            found[key] = Standing(
                (x1, y1, x2, y2),
                area,
                # Within the box first, as a mask on its own crop is measured: the same digits.
                (
                    x1 + (int(xs[code]) - area * x1) / area + 0.5,
                    y1 + (int(ys[code]) - area * y1) / area + 0.5,
                ),
                int(borders[code].sum()),
                int(frame[code]),
                {
                    other: int(borders[code, place])
                    for place, other in enumerate(self._keys, 1)
                    if borders[code, place]
                },
            )
        return found

    def _borders(self, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Edges between each two codes, (size, size), and edges at the frame, (size,)."""
        same_row = self._columns[1:] > 0
        across = self._codes[:-1][same_row] * size + self._codes[1:][same_row]
        upper, lower = self._map[:-1], self._map[1:]
        at = np.flatnonzero(upper != lower)
        down = upper.ravel()[at].astype(np.int64) * size + lower.ravel()[at]
        one_way = np.bincount(across, minlength=size * size)
        one_way = (one_way + np.bincount(down, minlength=size * size)).reshape(size, size)
        sides = (self._map[0], self._map[-1], self._map[:, 0], self._map[:, -1])
        frame = sum(np.bincount(side, minlength=size) for side in sides)
        return one_way + one_way.T, np.asarray(frame)


def _codes(ids: NDArray[np.uint32], keys: Sequence[int]) -> NDArray[np.int64]:
    """The place of each id among the keys, from 1; 0 for ids that are none of them."""
    if not keys:
        return np.zeros(len(ids), dtype=np.int64)
    order = np.argsort(np.asarray(keys))
    ordered = np.asarray(keys, dtype=np.int64)[order]
    places = np.minimum(np.searchsorted(ordered, ids), len(keys) - 1)
    codes: NDArray[np.int64] = np.where(ordered[places] == ids, order[places] + 1, 0)
    return codes
