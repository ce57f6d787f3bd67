"""What was summed of each image of a side, kept as columns, and the two sides' columns joined.

What is held is 16 bytes an image and measure: intervals of paired differences are drawn over
images, so each one's sums are needed until the end. Texts and records are not held.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from annoengine.comparing.bootstrap import Ratio
from annoengine.comparing.sides import NAMES, Sums
from annoengine.reading.coco_json import text_hash

Hashes = NDArray[np.uint64]


@dataclass
class _Column:
    rows: array[int] = field(default_factory=lambda: array("L"))
    tops: array[float] = field(default_factory=lambda: array("d"))
    bottoms: array[float] = field(default_factory=lambda: array("d"))


@dataclass
class Columns:
    """The sums of a side, row by row; the rows of one image are added up when sides are joined."""

    rows: int = 0
    _names: list[array[int]] = field(default_factory=lambda: [array("Q") for _ in NAMES])
    _columns: dict[str, _Column] = field(default_factory=dict)

    def add(self, names: Sequence[str], sums: Sums) -> None:
        """One more row: an image, or a piece of it."""
        for name, hashes in zip(names, self._names, strict=True):
            hashes.append(text_hash(name) if name else 0)
        for measure, (top, bottom) in sums.items():
            column = self._columns.setdefault(measure, _Column())
            column.rows.append(self.rows)
            column.tops.append(top)
            column.bottoms.append(bottom)
        self.rows += 1

    @property
    def measures(self) -> tuple[str, ...]:
        """All that was summed."""
        return tuple(self._columns)

    def names(self, which: int) -> Hashes:
        """The images by one of their names, a hash a row; 0 for none."""
        return np.frombuffer(self._names[which], dtype=np.uint64)

    def ratio(self, measure: str, places: NDArray[np.int64], images: int) -> Ratio:
        """A measure of some images; ``places`` says which of them a row belongs to, −1 none."""
        column = self._columns.get(measure, _Column())
        rows = np.frombuffer(column.rows, dtype=f"u{column.rows.itemsize}").astype(np.int64)
        at = places[rows]
        known = at >= 0
        tops, bottoms = (
            np.bincount(at[known], np.frombuffer(sums)[known], images).astype(np.float64)
            for sums in (column.tops, column.bottoms)
        )
        return Ratio(tops, bottoms)


@dataclass(frozen=True)
class Joined:
    """Two sides' images, paired. ``by``: the name that they share; ``alone``: how many images each
    has that the other lacks; ``places``: of each side's rows, which common image it is of."""

    by: str
    images: int
    alone: tuple[int, int]
    places: tuple[NDArray[np.int64], NDArray[np.int64]]


def join(first: Columns, second: Columns) -> Joined:
    """Pairs images by the name by which most of them are found on both sides."""
    shared = [
        np.intersect1d(_some(first.names(n)), _some(second.names(n))) for n in range(len(NAMES))
    ]
    best = max(range(len(NAMES)), key=lambda n: (len(shared[n]), -n))
    common = shared[best]
    alone, places = [], []
    for side in (first, second):
        names = side.names(best)
        alone.append(len(_some(names)) - len(common))
        at = np.searchsorted(common, names)
        found = common[np.minimum(at, len(common) - 1)] == names if len(common) else names < 0
        places.append(np.where(found, at, -1))
    return Joined(NAMES[best], len(common), (alone[0], alone[1]), (places[0], places[1]))


def _some(names: Hashes) -> Hashes:
    """The different ones."""
    return np.unique(names[names != 0])
