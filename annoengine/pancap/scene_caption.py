"""Writes a caption with boxes from what was said of each segment: by rule, true by construction.

One paragraph opens with what there is and goes on segment by segment
(``annoengine.grounded.scene_paragraph``); each segment's box stands behind the last phrase that
names it alone, where more is said of it than that it is there, or where no phrase does, behind the
one that names it with others of its kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annoengine.grounded.region_captions import CaptionedRegion
from annoengine.grounded.scene_paragraph import scene_paragraph
from annoengine.pancap.boxed_caption import BoxedCaption, BoxPlace
from annoengine.pancap.caption_boxes import rounded_box
from annoengine.pancap.told_entities import box_unit
from annoengine.record import Record

SaidSegments = Sequence[tuple[int, str, str]]
"""(id, what it is called, its description) of each segment."""

WORDS = 260
"""How long the caption grows. Source: arXiv 2505.16334, Table A3 (257.5 words on average)."""


def scene_caption(record: Record, said: SaidSegments, counts: Mapping[str, int]) -> BoxedCaption:
    """The caption; ``counts``: how many segments of each category the image has."""
    regions = [CaptionedRegion(id, record.segment(id), name, text) for id, name, text in said]
    tagged = scene_paragraph(regions, counts, WORDS)
    chosen: dict[int, tuple[int, int]] = {}
    for span in tagged.spans:
        for id in span.segments:
            before = chosen.get(id)
            if before is None or len(span.segments) <= before[0]:
                chosen[id] = (len(span.segments), span.end)
    places = [
        BoxPlace(end, rounded_box(box_unit(record.segment(id), record.photo)))
        for id, (_, end) in chosen.items()
    ]
    return BoxedCaption(text=tagged.text, places=tuple(sorted(places, key=lambda p: p.at)))
