"""Matches segments of two segmentations of a picture by their pixels, and counts how well.

Panoptic quality as its authors define it (arXiv 1801.00868, section 4) and as panopticapi
computes it: a predicted and a true segment match where they are of one category and their
intersection over union is above a half, which makes the match unique. Void pixels of the truth
do not count against a prediction; crowds of the truth are neither found nor missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from annoengine.errors import InputError
from annoengine.mask import IdMap
from annoengine.record import Segment

MATCH_IOU = 0.5
"""A match needs more than this. Source: arXiv 1801.00868, section 4.1."""


def overlaps(truth: IdMap, predicted: IdMap) -> dict[tuple[int, int], int]:
    """Pixels that each pair (true id, predicted id) shares, void (0) included.

    Raises ValueError where the two maps differ in size.

    >>> a = np.array([[1, 1, 0]], dtype=np.uint32)
    >>> b = np.array([[7, 0, 0]], dtype=np.uint32)
    >>> overlaps(a, b)
    {(0, 0): 1, (1, 0): 1, (1, 7): 1}
    """
    if truth.shape != predicted.shape:
        raise ValueError(f"the maps differ in size: {truth.shape} and {predicted.shape}")
    pairs, counts = np.unique(
        (truth.astype(np.uint64) << np.uint64(32)) | predicted.astype(np.uint64),
        return_counts=True,
    )
    return {
        (pair >> 32, pair & 0xFFFFFFFF): count
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True)
    }


@dataclass(frozen=True)
class Match:
    """A true and a predicted segment (keys of their maps) that are one and the same."""

    truth: int
    predicted: int
    iou: float


@dataclass
class Tally:
    """What became of the segments of one category."""

    matched: int = 0
    missed: int = 0
    invented: int = 0
    iou_sum: float = 0.0

    @property
    def quality(self) -> float:
        """Panoptic quality, 0 to 1."""
        weight = self.matched + 0.5 * (self.missed + self.invented)
        return self.iou_sum / weight if weight else 0.0


@dataclass
class PanopticQuality:
    """Counts over many pictures; quality is the mean over the categories that occur."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    things: dict[str, bool] = field(default_factory=dict)

    def add(
        self,
        truth: IdMap,
        truth_segments: Sequence[Segment],
        predicted: IdMap,
        predicted_segments: Sequence[Segment],
    ) -> list[Match]:
        """Counts one picture and gives its matches, by true id.

        Segments are found in the maps by their ``mask`` key. Raises InputError where a map and
        its segments do not name the same ids, as panopticapi does. Deviation: several crowds of
        a category all excuse a prediction, where panopticapi remembers the last alone.
        """
        shared = overlaps(truth, predicted)
        true_px = _areas(shared, 0)
        predicted_px = _areas(shared, 1)
        trues = _by_key(truth_segments, true_px, "the truth")
        preds = _by_key(predicted_segments, predicted_px, "the prediction")
        matches: list[Match] = []
        for (true_id, predicted_id), common in shared.items():
            if not true_id or not predicted_id:
                continue
            true, pred = trues[true_id], preds[predicted_id]
            if true.iscrowd or true.category != pred.category:
                continue
            void = shared.get((0, predicted_id), 0)
            union = true_px[true_id] + predicted_px[predicted_id] - common - void
            if common / union > MATCH_IOU:
                matches.append(Match(true_id, predicted_id, common / union))
        self._count(trues, preds, matches, shared, predicted_px)
        return matches

    def _count(
        self,
        trues: dict[int, Segment],
        preds: dict[int, Segment],
        matches: Sequence[Match],
        shared: dict[tuple[int, int], int],
        predicted_px: dict[int, int],
    ) -> None:
        for match in matches:
            tally = self._tally(trues[match.truth])
            tally.matched += 1
            tally.iou_sum += match.iou
        found = {match.truth for match in matches}
        for key, true in trues.items():
            if key not in found and not true.iscrowd:
                self._tally(true).missed += 1
        used = {match.predicted for match in matches}
        for key, pred in preds.items():
            if key in used:
                continue
            excused = shared.get((0, key), 0) + sum(
                shared.get((crowd, key), 0)
                for crowd, true in trues.items()
                if true.iscrowd and true.category == pred.category
            )
            if excused / predicted_px[key] <= MATCH_IOU:
                self._tally(pred).invented += 1

    def _tally(self, segment: Segment) -> Tally:
        name = segment.category.name
        self.things.setdefault(name, segment.isthing)
        return self.tallies.setdefault(name, Tally())

    def quality(self, isthing: bool | None = None) -> float:
        """Mean panoptic quality, 0 to 1, over all categories, or over things or stuff alone.

        0 where no category occurs.
        """
        values = [
            tally.quality
            for name, tally in sorted(self.tallies.items())
            if isthing is None or self.things[name] is isthing
        ]
        return sum(values) / len(values) if values else 0.0


def _areas(shared: dict[tuple[int, int], int], side: int) -> dict[int, int]:
    areas: dict[int, int] = {}
    for pair, count in shared.items():
        if pair[side]:
            areas[pair[side]] = areas.get(pair[side], 0) + count
    return areas


def _by_key(segments: Iterable[Segment], areas: dict[int, int], whose: str) -> dict[int, Segment]:
    by_key = {s.id if s.mask is None else s.mask: s for s in segments}
    unlisted = sorted(areas.keys() - by_key.keys())
    unpainted = sorted(by_key.keys() - areas.keys())
    if unlisted:
        raise InputError(f"the map of {whose} has the id {unlisted[0]}, which is no segment")
    if unpainted:
        raise InputError(f"the map of {whose} has no pixel of segment {unpainted[0]}")
    return by_key
