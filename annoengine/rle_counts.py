"""Works on masks as COCO's run lengths, without painting them: reads, checks, measures, writes.

The counts of a mask are the lengths of its runs, column by column from the top left, the first
of void (perhaps 0), then in turn of the segment and of void. They are checked before pycocotools
sees them: its C code reads past the end of a text that is cut off. What is written is canonical,
so that equal masks have equal bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annoengine.mask import Rle
from annoengine.segments_png import Measured

Counts = NDArray[np.int64]
"""int64 (runs,), void and segment in turn, void first; their sum is height × width."""

_FIRST_CHAR, _LAST_CHAR = ord("0"), ord("o")
"""A character holds 6 bits above "0". Source: pycocotools, ``rleToString``."""
_MOST_CHARS = 7
"""Of one count: 5 bits in each, and COCO's counts have 32."""


def counts_of_text(text: str, shape_hw: tuple[int, int]) -> Counts:
    """The counts in COCO's compressed text. Raises ValueError, saying what is wrong with it.

    >>> counts_of_text("13", (2, 2)).tolist()
    [1, 3]
    """
    try:
        codes = np.frombuffer(text.encode("ascii"), dtype=np.uint8).astype(np.int64)
    except UnicodeEncodeError:
        raise ValueError("its counts are no ASCII text") from None
    if codes.size and not _FIRST_CHAR <= codes.min() <= codes.max() <= _LAST_CHAR:
        raise ValueError("its counts hold characters that no compressed RLE has")
    codes -= _FIRST_CHAR
    ends = np.flatnonzero((codes & 32) == 0)
    if codes.size and (not ends.size or ends[-1] != codes.size - 1):
        raise ValueError("its counts are cut off")
    starts = np.concatenate([[0], ends[:-1] + 1])[: ends.size]
    lengths = ends - starts + 1
    if lengths.max(initial=0) > _MOST_CHARS:
        raise ValueError("it holds a count of more than 32 bits")
    values = np.zeros(ends.size, dtype=np.int64)
    for place in range(int(lengths.max(initial=0))):
        has = lengths > place
        values[has] |= (codes[starts[has] + place] & 31) << (5 * place)
    negative = (codes[ends] & 16) != 0
    values[negative] -= np.int64(1) << (5 * lengths[negative])
    # From the fourth on, each is written as the difference to the one before the last.
    values[1::2] = np.cumsum(values[1::2])
    values[2::2] = np.cumsum(values[2::2])
    return _canonical(values, shape_hw)


def counts_of_list(values: Sequence[Any], shape_hw: tuple[int, int]) -> Counts:
    """The counts of COCO's uncompressed RLE. Raises ValueError, saying what is wrong with it.

    >>> counts_of_list([0, 1, 0, 1, 2], (2, 2)).tolist()
    [0, 2, 2]
    """
    height, width = shape_hw
    if not all(type(value) is int and 0 <= value <= height * width for value in values):
        raise ValueError(f"its counts are no whole numbers from 0 to {height * width}")
    return _canonical(np.array(values, dtype=np.int64), shape_hw)


def _canonical(values: NDArray[np.int64], shape_hw: tuple[int, int]) -> Counts:
    """The same mask without runs of no length, but for a first one of void."""
    height, width = shape_hw
    if values.size and values.min() < 0:
        raise ValueError("it holds a negative count")
    if values.max(initial=0) > height * width or int(values.sum()) != height * width:
        total = "more" if values.max(initial=0) > height * width else int(values.sum())
        raise ValueError(f"its counts make {total} pixels; {width}×{height} has {height * width}")
    kept = np.flatnonzero(values)
    if not kept.size:
        return values[:0]
    # Runs of one kind that stand together now are one run.
    kinds = kept & 1
    firsts = np.flatnonzero(np.append(True, kinds[1:] != kinds[:-1]))
    merged = np.add.reduceat(values[kept], firsts)
    return np.concatenate([[0], merged]) if kinds[0] else merged


def counts_of_rle(rle: Mapping[str, Any], shape_hw: tuple[int, int]) -> Counts:
    """The counts of an RLE in either of COCO's forms.

    ``shape_hw`` is the photograph's. Raises ValueError, saying what is wrong with it.
    """
    size, counts = rle.get("size"), rle.get("counts")
    if not (isinstance(size, list) and len(size) == 2 and all(type(n) is int for n in size)):
        raise ValueError("its RLE has no 'size' of two whole numbers, [height, width]")
    if tuple(size) != shape_hw:
        words = f"its RLE is {size[1]}×{size[0]}, the photograph {shape_hw[1]}×{shape_hw[0]}"
        turned = tuple(size) == shape_hw[::-1]
        raise ValueError(f"{words}: turned by a quarter" if turned else words)
    if isinstance(counts, str):
        return counts_of_text(counts, shape_hw)
    if isinstance(counts, list):
        return counts_of_list(counts, shape_hw)
    raise ValueError("its RLE has no 'counts': a text or a list of whole numbers")


def rle_of_counts(counts: Counts, shape_hw: tuple[int, int]) -> Rle:
    """COCO's compressed RLE: the same as of the painted mask.

    >>> rle_of_counts(np.array([1, 3]), (2, 2))
    {'size': [2, 2], 'counts': '13'}
    """
    from pycocotools import mask as coco_mask

    size = [int(n) for n in shape_hw]
    packed = coco_mask.frPyObjects({"size": size, "counts": counts.tolist()}, *size)
    return {"size": size, "counts": packed["counts"].decode("ascii")}


def measure_counts(counts: Counts, height: int) -> Measured:
    """Area and tight half-open box of a mask; (0, 0, 0, 0) for one without a pixel.

    >>> measure_counts(np.array([3, 1]), 2)
    Measured(area_px=1, box_xyxy=(1, 1, 2, 2))
    """
    borders = np.cumsum(counts)
    # A run of the segment begins where one of void ends.
    starts, ends = borders[:-1:2], borders[1::2]
    if not ends.size:
        return Measured(0, (0, 0, 0, 0))
    lasts = ends - 1
    columns = (int(starts[0] // height), int(lasts[-1] // height) + 1)
    if (starts // height != lasts // height).any():
        # A run that goes on in the next column touches both bottom and top.
        rows = (0, height)
    else:
        rows = (int((starts % height).min()), int((lasts % height).max()) + 1)
    return Measured(int((ends - starts).sum()), (columns[0], rows[0], columns[1], rows[1]))
