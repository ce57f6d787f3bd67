"""Measures all segments of an id map in one go: their areas and boxes.

Measuring goes over the runs of equal ids in each row, some thousands of them in a picture of
300,000 pixels, so that it costs half a millisecond where a mask for each segment would cost
that for every one of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from annoengine.box import BoxXyxy
from annoengine.mask import IdMap


@dataclass(frozen=True)
class Measured:
    """What the pixels say of one id: how many there are, and the tight half-open box."""

    area_px: int
    box_xyxy: BoxXyxy


def measure(ids: IdMap) -> dict[int, Measured]:
    """Area and box of every id in the map, 0 (void) included, by ascending id.

    >>> measure(np.array([[0, 5, 5], [0, 0, 5]], dtype=np.uint32))[5]
    Measured(area_px=3, box_xyxy=(1, 0, 3, 2))
    """
    height, width = ids.shape
    if ids.size == 0:
        return {}
    begins = np.ones((height, width), dtype=np.bool_)
    np.not_equal(ids[:, 1:], ids[:, :-1], out=begins[:, 1:])
    starts = np.flatnonzero(begins)
    lengths = np.append(starts[1:], ids.size) - starts
    rows = starts // width
    lefts = starts - rows * width
    values = ids.ravel()[starts]
    # A stable sort keeps each id's runs from top to bottom: its first and last are its extremes.
    order = np.argsort(values, kind="stable")
    values, lengths, rows, lefts = values[order], lengths[order], rows[order], lefts[order]
    firsts = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    lasts = np.append(firsts[1:], len(values)) - 1
    columns = (
        values[firsts],
        np.add.reduceat(lengths, firsts),
        np.minimum.reduceat(lefts, firsts),
        rows[firsts],
        np.maximum.reduceat(lefts + lengths, firsts),
        rows[lasts] + 1,
    )
    return {
        id: Measured(area, (x1, y1, x2, y2))
        for id, area, x1, y1, x2, y2 in zip(*(c.tolist() for c in columns), strict=True)
    }
