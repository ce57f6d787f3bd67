"""Checks a correction against its record: does it fit, and is the record still what people saw?

What comes of it is whole: either all of a line can be applied or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from annoengine.grounded.tags import parse_tags
from annoengine.mask import MAX_ID
from annoengine.record import Category, Record, Segment, Span
from annoengine.reviewing.correction import (
    NO_DRAFT,
    AddedRegion,
    Correction,
    NamedCategory,
    ParagraphReview,
    RegionReview,
    Shape,
    Why,
    text_sha256,
)
from annoengine.reviewing.drafts import region_draft, tagged_draft, whole_caption
from annoengine.writing.panoptic_json import coco_categories

CHANGED = "draft changed"
"""Why a record waits: what the person looked at is no longer what the record says."""

UNFIT = "does not fit"
"""Why a record waits: its correction speaks of what the record does not have."""

_TAG = re.compile(r"<\s*\d")


class Unusable(Exception):
    """A correction that cannot be applied: ``reason`` is CHANGED or UNFIT."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Checked:
    """A correction that fits its record, with all that it names found.

    ``shapes`` are those that have to be drawn, by segment; ``added`` the regions to add with
    their ids; ``paragraph`` the text of the whole image with its spans, where it is another.
    """

    correction: Correction
    removed: dict[int, str] = field(default_factory=dict)
    skipped: dict[int, str] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)
    categories: dict[int, tuple[Category, bool]] = field(default_factory=dict)
    shapes: dict[int, Shape] = field(default_factory=dict)
    added: dict[int, AddedRegion] = field(default_factory=dict)
    paragraph: tuple[str, tuple[Span, ...]] | None = None
    without_paragraph: bool = False

    def staying(self, record: Record) -> Record:
        """The record with those of its regions alone that stay."""
        return record.but(segments=tuple(s for s in record.segments if s.id not in self.removed))


def check_correction(record: Record, correction: Correction) -> Checked:
    """The correction, found to fit the record. Raises Unusable."""
    known = {segment.id: segment for segment in record.segments}
    removed: dict[int, str] = {}
    skipped: dict[int, str] = {}
    texts: dict[int, str] = {}
    categories: dict[int, tuple[Category, bool]] = {}
    shapes: dict[int, Shape] = {}
    for one in correction.segments:
        segment = known.get(one.segment)
        if segment is None:
            _refuse_unknown(record, one)
            continue
        _check_quotes(record, segment, one)
        if one.remove is not False:
            removed[segment.id] = _told(one.remove)
            continue
        if one.skip is not False:
            skipped[segment.id] = _told(one.skip)
        elif one.caption not in (None, region_draft(record, segment.id)):
            assert one.caption is not None
            _refuse_tags(one.caption, segment.id)
            texts[segment.id] = one.caption
        if one.retag is not None:
            categories[segment.id] = _category(record, one.retag, segment.id, segment.isthing)
        if one.shape is not None:
            if segment.mask is not None and one.shape.box_xyxy is not None:
                raise Unusable(
                    UNFIT,
                    f"segment {segment.id} has a mask, from which its box follows; give polygons "
                    "or an rle",
                )
            shapes[segment.id] = one.shape
    added: dict[int, AddedRegion] = {}
    for new in correction.added:
        id = _id_of(record, new, added)
        if new.caption is not None:
            _refuse_tags(new.caption, id)
        if new.part_of is not None and (new.part_of not in known or new.part_of in removed):
            raise Unusable(UNFIT, f"segment {id} is part of {new.part_of}, which is no segment")
        added[id], shapes[id] = new, new.shape
        categories[id] = _category(record, new.category, id, True)
    there = (known.keys() - removed.keys()) | added.keys()
    whole = correction.paragraph
    return Checked(
        correction,
        removed,
        skipped,
        texts,
        categories,
        shapes,
        added,
        None if whole is None else _paragraph(record, whole, there),
        whole is not None and whole.skip is not False,
    )


def _told(why: Why) -> str:
    return why if isinstance(why, str) else ""


def _refuse_unknown(record: Record, one: RegionReview) -> None:
    """A region that the record has not: a draft that is no more, or a slip of the pen."""
    ids = [segment.id for segment in record.segments]
    if one.seen_sha256 is not None or one.category is not None:
        raise Unusable(CHANGED, f"the record has no segment {one.segment} any more")
    few = ", ".join(map(str, ids[:12])) + (", …" if len(ids) > 12 else "")
    raise Unusable(UNFIT, f"the record has no segment {one.segment}; it has {few or 'none'}")


def _check_quotes(record: Record, segment: Segment, one: RegionReview) -> None:
    """Raises Unusable where what the line quotes is no longer so."""
    mark, draft = record.mark_of(segment.id), region_draft(record, segment.id)
    for name, quoted, now in (
        ("mark", one.mark, None if mark is None else mark.number),
        ("category", one.category, segment.category.name),
        ("box", one.box_xyxy, segment.box_xyxy),
    ):
        if quoted is not None and quoted != now:
            raise Unusable(
                CHANGED, f"segment {segment.id}: its {name} is now {now!r}, not {quoted!r}"
            )
    now_sha256 = NO_DRAFT if draft is None else text_sha256(draft)
    if one.seen_sha256 not in (None, now_sha256):
        says = "it has no caption" if draft is None else f"its caption is {draft!r}"
        raise Unusable(CHANGED, f"segment {segment.id}: {says} by now")


def _refuse_tags(text: str, id: int) -> None:
    if _TAG.search(text):
        raise Unusable(
            UNFIT, f"segment {id}: the caption of one region has no tags; write it without <{'…'}>"
        )


def _id_of(record: Record, new: AddedRegion, added: Mapping[int, AddedRegion]) -> int:
    """An id that no region of the record has, ever had, or is named by in its masks."""
    taken = {segment.id for segment in record.segments} | added.keys()
    if record.masks is not None and record.masks.kind == "panoptic_png":
        taken |= {s.mask for s in record.segments if s.mask is not None}
    taken |= {gap.segment for gap in record.gaps} | {mark.segment for mark in record.marks}
    if new.segment is not None:
        if new.segment in taken:
            raise Unusable(
                UNFIT, f"the added region asks for the id {new.segment}, which is taken already"
            )
        return new.segment
    following = max(taken, default=0) + 1
    if following > MAX_ID >= max(taken):
        # An id above 24 bits could not stand in a panoptic PNG, where all others can.
        following = next(id for id in range(1, MAX_ID + 1) if id not in taken)
    return following


def _category(record: Record, said: NamedCategory, id: int, isthing: bool) -> tuple[Category, bool]:
    """The category of a name, and whether it is a thing.

    By id and name it must be one and the same in the record, and in COCO where the record's
    categories are COCO's. A name that neither knows is a free tag.
    """
    known = {s.category: s.isthing for s in reversed(record.segments)}
    coco = {Category(name=c["name"], id=c["id"]): bool(c["isthing"]) for c in coco_categories()}
    dataset = [category for category in known if category.id is not None]
    if dataset and all(category in coco for category in dataset):
        known = {**coco, **known}
    for category, thing in known.items():
        same_name, same_id = category.name == said.name, category.id == said.id
        if same_name and (said.id is None or same_id):
            return category, thing if said.isthing is None else said.isthing
        if said.id is not None and (same_name or same_id) and category.id is not None:
            raise Unusable(
                UNFIT,
                f"segment {id}: the category {said.name!r} with the id {said.id}: the dataset has "
                f"{category.name!r} with the id {category.id}",
            )
    return (
        Category(name=said.name, id=said.id),
        isthing if said.isthing is None else said.isthing,
    )


def _paragraph(
    record: Record, said: ParagraphReview, there: set[int]
) -> tuple[str, tuple[Span, ...]] | None:
    """The text of the whole image and its spans over segments; None where the draft stays."""
    caption = whole_caption(record)
    draft = None if caption is None else tagged_draft(record, caption, said.tags)[0]
    now_sha256 = NO_DRAFT if draft is None else text_sha256(draft)
    if said.seen_sha256 not in (None, now_sha256):
        raise Unusable(CHANGED, "the paragraph: its draft is another by now")
    if said.skip is not False and caption is None:
        raise Unusable(UNFIT, "the paragraph: there is none that could be skipped")
    if said.caption is None or said.skip is not False or said.caption == draft:
        return None
    tagged = parse_tags(said.caption)
    if tagged.open_faults:
        raise Unusable(
            UNFIT, "the paragraph: " + "; ".join(fault.detail for fault in tagged.open_faults[:3])
        )
    if tagged.spans and said.tags is None:
        raise Unusable(
            UNFIT,
            'the paragraph: say whether the numbers in its tags are marks or segments: "tags": '
            '"marks"',
        )
    ids = {mark.number: mark.segment for mark in record.marks if mark.segment in there}
    if said.tags == "segments":
        ids = {id: id for id in there}
    spans = []
    for span in tagged.spans:
        for number in span.segments:
            if number not in ids:
                what = "mark" if said.tags == "marks" else "segment"
                raise Unusable(
                    UNFIT,
                    f"the paragraph: {tagged.phrase(span)!r} names the {what} {number}, which the "
                    "record has not",
                )
        spans.append(span.but(segments=tuple(dict.fromkeys(ids[n] for n in span.segments))))
    return tagged.text, tuple(spans)
