"""The segments that a caption may speak of, and which of them it must."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annoengine.record import Record, Segment


@dataclass(frozen=True)
class KnownSegment:
    """What a judge knows of a segment.

    ``id`` is the number that tags name it by: a segment's id in a file, a mark's number in an
    answer. ``area_share`` is its part of the image's area, 0 to 1.
    """

    id: int
    category: str
    isthing: bool = True
    iscrowd: bool = False
    area_share: float = 1.0


Known = Mapping[int, KnownSegment]
"""The segments of one image by the numbers that tags name them by."""


@dataclass(frozen=True)
class Importance:
    """From which share of the image's area on a segment must be mentioned.

    The paper asks for "key objects and their attributes, as well as … secondary objects and
    background elements" (arXiv 2502.02589, section 3.2) and names no bound; these are our own. A
    thing counts from 32 x 32 pixels in a picture of 640 x 480 on, below which COCO's evaluation
    calls it small; stuff from a twentieth of the image on. Crowds never: they bear no mark.
    """

    least_thing_share: float = 0.0033
    least_stuff_share: float = 0.05

    def demands(self, segment: KnownSegment) -> bool:
        """Must it be mentioned?"""
        least = self.least_thing_share if segment.isthing else self.least_stuff_share
        return not segment.iscrowd and segment.area_share >= least


NONE_DEMANDED = Importance(least_thing_share=2, least_stuff_share=2)
"""No segment must be mentioned: for captions that others wrote, which need not name every one."""


def known_by_id(record: Record) -> dict[int, KnownSegment]:
    """All segments of a record by their ids: what the tags of a finished caption name."""
    return {segment.id: _known(segment.id, segment, record) for segment in record.segments}


def known_by_mark(record: Record) -> dict[int, KnownSegment]:
    """The marked segments of a record by their marks' numbers: what a model's answer names."""
    return {
        mark.number: _known(mark.number, record.segment(mark.segment), record)
        for mark in record.marks
    }


def _known(number: int, segment: Segment, record: Record) -> KnownSegment:
    share = segment.area_px / (record.photo.width * record.photo.height)
    return KnownSegment(
        id=number,
        category=segment.category.name,
        isthing=segment.isthing,
        iscrowd=segment.iscrowd,
        area_share=share,
    )
