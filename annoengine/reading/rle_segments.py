"""Makes a record's segments of whole masks: boxes and areas are measured, masks become RLEs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import orjson

from annoengine.fingerprint import sha256_hex
from annoengine.mask import Mask, Rle, box_of, rle_from_mask
from annoengine.record import Category, MaskStore, Photo, Record, Score, Segment
from annoengine.source import Opened


def rle_store(record_id: str, rles: Sequence[Rle]) -> MaskStore:
    """The store of masks that a source hands over as RLEs: it names the line they will be."""
    line = orjson.dumps({"id": record_id, "rles": list(rles)})
    return MaskStore(kind="rle", sha256=sha256_hex(line))


@dataclass(frozen=True)
class Drawn:
    """A mask and what is said about it: bool (height, width), True on the segment."""

    mask: Mask
    category: Category
    source: str
    score: float | None = None


@dataclass(frozen=True)
class RleSegments:
    """The segments of a record with their masks; a segment's mask key is its place in ``rles``."""

    segments: tuple[Segment, ...]
    rles: tuple[Rle, ...]

    def opened(self, record_id: str, photo: Photo, scores: tuple[Score, ...] = ()) -> Opened:
        """The record of a photograph with these segments."""
        store = rle_store(record_id, self.rles) if self.rles else None
        record = Record(
            id=record_id, photo=photo, masks=store, segments=self.segments, scores=scores
        )
        return Opened(record_id, record, self.rles)


def segments_of(drawn: Iterable[Drawn]) -> RleSegments:
    """The segments in their order, with ids from 1; empty masks are passed over.

    One mask is held at a time, so that a large picture with many segments needs little memory.

    >>> import numpy as np
    >>> mask = np.array([[0, 1], [1, 1]], dtype=bool)
    >>> made = segments_of([Drawn(mask, Category(name="dog"), "by hand")])
    >>> made.segments[0].area_px, made.segments[0].box_xyxy, made.rles[0]["counts"]
    (3, (0, 0, 2, 2), '13')
    """
    segments: list[Segment] = []
    rles: list[Rle] = []
    for one in drawn:
        area_px = int(one.mask.sum())
        if not area_px:
            continue
        segments.append(
            Segment(
                id=len(segments) + 1,
                category=one.category,
                isthing=True,
                box_xyxy=box_of(one.mask),
                area_px=area_px,
                mask=len(rles),
                source=one.source,
                score=one.score,
            )
        )
        rles.append(rle_from_mask(one.mask))
    return RleSegments(tuple(segments), tuple(rles))
