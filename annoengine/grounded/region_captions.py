"""The region captions that a paragraph is made of, with the numbers that its tags name them by."""

from __future__ import annotations

from dataclasses import dataclass

from annoengine.answer import Region
from annoengine.grounded.paragraph import ExpectedSegment
from annoengine.grounded.tags import Tagged
from annoengine.record import Record, Segment, Span


@dataclass(frozen=True)
class CaptionedRegion:
    """A segment with its caption. ``number`` is its mark's."""

    number: int
    segment: Segment
    summary: str
    text: str

    @property
    def region(self) -> Region:
        """The same as an answer of the first round would say it."""
        return Region(self.number, self.summary, self.text)


def captioned_regions(record: Record) -> tuple[CaptionedRegion, ...]:
    """The segments that have a caption, by number, each with its first one.

    A segment that somebody described without its being marked gets a number after all marks: the
    picture does not show it, and the paragraph may still speak of it.
    """
    captions = {c.segment: c for c in reversed(record.captions) if c.segment is not None}
    numbers = {mark.segment: mark.number for mark in record.marks}
    following = max(numbers.values(), default=0)
    found = []
    for segment in record.segments:
        caption = captions.get(segment.id)
        if caption is None or not caption.text.strip():
            continue
        number = numbers.get(segment.id)
        if number is None:
            number = following = following + 1
        found.append(CaptionedRegion(number, segment, caption.summary, caption.text))
    return tuple(sorted(found, key=lambda region: region.number))


def expected_regions(
    record: Record, regions: tuple[CaptionedRegion, ...]
) -> tuple[ExpectedSegment, ...]:
    """What a paragraph about these regions may mention: they alone."""
    whole = record.photo.width * record.photo.height
    return tuple(
        ExpectedSegment(
            mark=region.number,
            category=region.segment.category.name,
            isthing=region.segment.isthing,
            iscrowd=region.segment.iscrowd,
            area_share=region.segment.area_px / whole,
        )
        for region in regions
    )


def spans_of_regions(tagged: Tagged, regions: tuple[CaptionedRegion, ...]) -> tuple[Span, ...]:
    """The spans with ids of segments for the numbers. Raises KeyError for a number of none."""
    ids = {region.number: region.segment.id for region in regions}
    return tuple(
        Span(start=span.start, end=span.end, segments=tuple(ids[n] for n in span.segments))
        for span in tagged.spans
    )
