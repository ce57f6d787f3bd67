"""Writes a caption with boxes from what was said of each segment: by rule, true by construction.

One paragraph opens with what there is and goes on segment by segment
(``annoengine.grounded.scene_paragraph``); each segment's box stands behind the last phrase that
names it alone, where more is said of it than that it is there, or where no phrase does, behind the
one that names it with others of its kind.

What people wrote comes first: of a segment, in place of what was said of it; of the image, in place
of all, and what their text leaves out is added behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annoengine.grounded.region_captions import CaptionedRegion
from annoengine.grounded.scene_paragraph import scene_paragraph
from annoengine.pancap.boxed_caption import BoxedCaption, BoxPlace
from annoengine.pancap.caption_boxes import rounded_box
from annoengine.pancap.leaving_caption import leaving_caption
from annoengine.pancap.told_entities import box_unit
from annoengine.record import Record
from annoengine.reviewing.drafts import whole_caption

SaidSegments = Sequence[tuple[int, str, str]]
"""(id, what it is called, its description) of each segment."""

WORDS = 260
"""How long the caption grows. Source: arXiv 2505.16334, Table A3 (257.5 words on average)."""


def by_people(record: Record) -> dict[int, str]:
    """What people wrote of single segments, by their ids."""
    return {
        caption.segment: caption.text.strip()
        for caption in reversed(record.captions)
        if caption.segment is not None and caption.origin.who and caption.text.strip()
    }


def integrated_caption(
    record: Record, said: SaidSegments, counts: Mapping[str, int]
) -> BoxedCaption:
    """Like :func:`scene_caption`, with what people wrote already."""
    written = by_people(record)
    told = [(id, name, written.get(id, text)) for id, name, text in said]
    whole = whole_caption(record)
    draft = leaving_caption(record)
    if whole is None or draft is None or not whole.origin.who:
        return scene_caption(record, told, counts)
    asked = {id for id, _, _ in told}
    text = draft.paragraph.text
    places = [
        BoxPlace(one.end, rounded_box(box_unit(one.segment, record.photo)))
        for one in draft.entities
        if one.segment.id in asked
    ]
    named = {one.segment.id for one in draft.entities}
    notes = [written[id] for id, _, _ in told if id in named and id in written]
    text = " ".join([text, *(note for note in notes if note not in text)])
    missing = [one for one in told if one[0] not in named]
    if missing:
        rest = scene_caption(record, missing, counts)
        shift = len(text) + 1
        text = f"{text} {rest.text}"
        places += [BoxPlace(place.at + shift, place.numbers) for place in rest.places]
    return BoxedCaption(text=text, places=tuple(sorted(places, key=lambda p: p.at)))


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
