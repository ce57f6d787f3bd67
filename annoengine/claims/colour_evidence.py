"""Measures how much of a segment can pass for a colour, from the photograph and the masks.

Pixels are counted by their colour in 32 steps a channel, once a segment, so that each further
colour word costs a look at some thousand different colours and not at every pixel. Averages over
small squares are counted as well: a lawn is green though its blades are black and yellow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from annoengine.baseline.region_facts import photo_of
from annoengine.claims.colour_terms import Term, in_core, in_wide, term_of
from annoengine.colour import Lab, lab_from_srgb, names_of, shares_of_names
from annoengine.mask import Mask, RecordFiles, box_of
from annoengine.photo import ImageRgb
from annoengine.record import Record

_BITS = 5
COARSE = 4
"""Side of the squares whose averages are counted too, in pixels."""


@dataclass(frozen=True)
class Share:
    """How much of a segment is in a term's core, and how much may pass for it, 0 to 1.

    ``wide`` is the larger of what single pixels and what small squares give.
    """

    core: float
    wide: float


@dataclass(frozen=True)
class _Crop:
    """A segment's surroundings: mask and colour steps, of each ``stride``-th row and column."""

    mask: Mask
    codes: NDArray[np.int32]
    stride: int


@dataclass(frozen=True)
class _Counted:
    """Different colour steps (n,) with how many pixels have each."""

    codes: NDArray[np.intp]
    counts: NDArray[np.int64]
    total: int

    def share(self, inside: NDArray[np.bool_]) -> float:
        """The share of pixels whose step a table of steps holds."""
        return float(self.counts[inside[self.codes]].sum()) / self.total if self.total else 0.0


class PhotoColours:
    """The colours of a record's segments, measured when they are asked for.

    ``boxes`` holds the segments of which only a box is known: their surroundings count with them.
    """

    def __init__(self, files: RecordFiles, record: Record) -> None:
        """Reads nothing yet."""
        self._files = files
        self._record = record
        self._photo: ImageRgb | None = None
        self._crops: dict[int, _Crop] = {}
        self._areas_px: dict[int, int] = {}
        self._counted: dict[int, tuple[_Counted, _Counted]] = {}
        self._shares: dict[tuple[int, Term], Share] = {}
        self.boxes = frozenset(s.id for s in record.segments if s.mask is None)

    def area_px(self, id: int) -> int:
        """How many pixels are measured for a segment: its mask's, or its box's."""
        self._colours(id)
        return self._areas_px[id]

    def named(self, id: int) -> list[tuple[str, float]]:
        """The colour names of a segment with their shares, largest first."""
        fine, _ = self._colours(id)
        return shares_of_names(_name_table()[fine.codes], fine.counts)

    def share(self, id: int, term: Term) -> Share:
        """How much of a segment is, or may pass for, a term."""
        known = self._shares.get((id, term))
        if known is None:
            core, wide = _table(term, wide=False), _table(term, wide=True)
            both = [(one.share(core), one.share(wide)) for one in self._colours(id)]
            known = Share(max(core for core, _ in both), max(wide for _, wide in both))
            self._shares[id, term] = known
        return known

    def share_beside(self, id: int, name: str, term: Term) -> float:
        """How much of a segment is in the core of a colour word and cannot pass for a term."""
        other = term_of((name,))
        assert other is not None
        return self._colours(id)[0].share(_table(other, wide=False) & ~_table(term, wide=True))

    def patch_px(
        self, id: int, term: Term, *, wide: bool, margin: int = 0, at_least: float = 1
    ) -> int:
        """Pixels of the largest connected patch of a term within a segment.

        ``wide``: of what may pass for it. ``margin``: so many pixels around the segment count too.
        0 where there are less than ``at_least`` of such pixels in all.
        """
        import cv2

        fine, _ = self._colours(id)
        table = _table(term, wide=wide)
        if not margin and fine.share(table) * self._areas_px[id] < at_least / 2:
            return 0
        crop = self._crop(id)
        mask = crop.mask
        if margin:
            size = 2 * max(1, margin // crop.stride) + 1
            mask = np.asarray(
                cv2.dilate(mask.view(np.uint8), np.ones((size, size), np.uint8))
            ).view(np.bool_)
        hits = table[crop.codes] & mask
        each = crop.stride**2
        if int(np.count_nonzero(hits)) * each < at_least:
            return 0
        _, _, stats, _ = cv2.connectedComponentsWithStats(hits.view(np.uint8), connectivity=8)
        return int(stats[1:, cv2.CC_STAT_AREA].max(initial=0)) * each

    def _colours(self, id: int) -> tuple[_Counted, _Counted]:
        if id not in self._counted:
            self._measure(id)
        return self._counted[id]

    def _crop(self, id: int) -> _Crop:
        if id not in self._crops:
            self._measure(id)
        return self._crops[id]

    def _measure(self, id: int) -> None:
        if self._photo is None:
            self._photo = photo_of(self._files, self._record)
        segment = next(s for s in self._record.segments if s.id == id)
        height, width = self._photo.shape[:2]
        if segment.mask is None:
            x1, y1, x2, y2 = (round(v) for v in segment.box_xyxy)
            x1, y1, x2, y2 = max(0, x1), max(0, y1), min(width, x2), min(height, y2)
            whole = np.zeros((height, width), dtype=np.bool_)
            whole[y1:y2, x1:x2] = True
        else:
            whole = self._files.masks([segment.mask])[segment.mask]
            x1, y1, x2, y2 = (int(v) for v in box_of(whole))
        # Room for parts that overhang the mask.
        rows = slice(max(0, y1 - MARGIN_MAX_PX), min(height, y2 + MARGIN_MAX_PX))
        columns = slice(max(0, x1 - MARGIN_MAX_PX), min(width, x2 + MARGIN_MAX_PX))
        rgb, mask = self._photo[rows, columns], whole[rows, columns]
        area_px = self._areas_px[id] = int(np.count_nonzero(mask))
        stride = min(3, 1 + int((mask.size / LARGE_PX) ** 0.5))
        sparse = np.ascontiguousarray(mask[::stride, ::stride])
        few = _codes(np.ascontiguousarray(rgb[::stride, ::stride]))
        fine = few[sparse] if area_px >= MANY_PX else _codes(rgb[mask])
        self._counted[id] = (_count(fine), _count(_codes(_squares(rgb, mask))))
        self._crops[id] = _Crop(sparse, few, stride)


LARGE_PX = 30_000
"""In larger crops, patches are looked for on each second row and column, in very large on each
third: labelling patches is the dearest step here."""

MANY_PX = 30_000
"""Of a segment of so many pixels, each second or third row and column tells the shares."""

MARGIN_MAX_PX = 12
"""The most that a part is looked for outside its segment's mask, in pixels."""


def _codes(rgb: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The step of each colour, (…, 3) to (…), 15 bits."""
    steps = rgb >> (8 - _BITS)
    codes: NDArray[np.int32] = steps[..., 0].astype(np.int32)
    for channel in (1, 2):
        codes <<= _BITS
        codes |= steps[..., channel]
    return codes


def _count(codes: NDArray[np.int32]) -> _Counted:
    counts = np.bincount(codes, minlength=1)
    found = np.flatnonzero(counts)
    return _Counted(found, counts[found].astype(np.int64), len(codes))


def _squares(rgb: ImageRgb, mask: Mask) -> NDArray[np.uint8]:
    """Mean colours of squares that lie in the segment wholly, uint8 (n, 3)."""
    height, width = (n - n % COARSE for n in mask.shape)
    if not height or not width:
        return np.zeros((0, 3), dtype=np.uint8)
    import cv2

    size = (width // COARSE, height // COARSE)
    marked = mask[:height, :width].view(np.uint8) * np.uint8(255)
    whole = cv2.resize(marked, size, interpolation=cv2.INTER_AREA)
    means = cv2.resize(rgb[:height, :width], size, interpolation=cv2.INTER_AREA)
    inside: NDArray[np.uint8] = np.asarray(means)[np.asarray(whole) == 255]
    return inside


@lru_cache(maxsize=1)
def _lab_table() -> Lab:
    """Lab of the middle of each step, float32 (32768, 3)."""
    codes = np.arange(1 << (3 * _BITS))
    least = (1 << _BITS) - 1
    channels = [(codes >> shift) & least for shift in (2 * _BITS, _BITS, 0)]
    # Stretched, so that black and white stay black and white.
    rgb = np.stack(channels, axis=-1).astype(np.float32) * np.float32(255 / least)
    return lab_from_srgb(rgb)


@lru_cache(maxsize=1)
def _name_table() -> NDArray[np.uint8]:
    """The index of each step's name, uint8 (32768,)."""
    return names_of(_lab_table())


@lru_cache(maxsize=512)
def _table(term: Term, *, wide: bool) -> NDArray[np.bool_]:
    """Which steps a term holds, bool (32768,)."""
    return in_wide(term, _lab_table()) if wide else in_core(term, _lab_table())
