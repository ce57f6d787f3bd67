"""Applies a correction that was found to fit its record, with the masks that were drawn for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from annoengine.record import Caption, Gap, MaskStore, Origin, Record, Segment
from annoengine.reviewing.checking import Checked
from annoengine.reviewing.correction import AddedRegion, Correction
from annoengine.reviewing.drafts import whole_caption
from annoengine.reviewing.shapes import Extent

SKIPPED = "skipped in review"
"""Why a caption is gone while its region stays."""

REMOVED = "removed in review"
"""Why a caption is gone: its region was none."""

UNDESCRIBED = "added without a caption"
"""Why a region that people added has none."""


@dataclass(frozen=True)
class NewMasks:
    """The store of a record's masks where it was drawn anew, and each segment's key in it."""

    store: MaskStore
    keys: Mapping[int, int]


@dataclass(frozen=True)
class Applied:
    """The record after a correction, and the captions that left it, each with the reason."""

    record: Record
    gone: tuple[tuple[Caption, str], ...]


def apply_correction(
    record: Record,
    checked: Checked,
    extents: Mapping[int, Extent],
    masks: NewMasks | None,
    stage: str,
) -> Applied:
    """The record as the person says that it is.

    A corrected caption loses its summary, spans and verdicts, which spoke of other words. Where a
    region was none, all goes that was said of it, and of what went on between it and others, and a
    gap stays so that nobody gets its id; the words of a paragraph stay, without their span.
    """
    correction = checked.correction
    origin = Origin(stage=stage, model="", who=correction.who, when=correction.when)
    removed, silent = checked.removed, {**checked.removed, **checked.skipped}
    segments = [
        _segment(s, checked, extents, masks) for s in record.segments if s.id not in removed
    ]
    segments += [_added(id, new, checked, extents, masks) for id, new in checked.added.items()]
    captions, gone = _captions(record, checked, origin)
    told = {c.segment for c in captions if c.segment is not None}
    gaps = [g for g in record.gaps if g.segment not in {*silent, *told}]
    gaps += [
        Gap(segment=id, reason=reason, detail=_by(correction, why), stage=stage)
        for reason, ids in ((REMOVED, removed), (SKIPPED, checked.skipped))
        for id, why in ids.items()
    ]
    gaps += [
        Gap(segment=id, reason=UNDESCRIBED, detail=_by(correction, ""), stage=stage)
        for id, new in checked.added.items()
        if new.caption is None
    ]
    rewritten: set[int | None] = {*silent, *checked.texts}
    if checked.paragraph is not None or checked.without_paragraph:
        rewritten.add(None)
    return Applied(
        record.but(
            masks=record.masks if masks is None else masks.store,
            segments=tuple(segments),
            marks=tuple(mark for mark in record.marks if mark.segment not in removed),
            captions=tuple(captions),
            relations=tuple(r for r in record.relations if not removed.keys() & set(r.segments)),
            content=tuple(c for c in record.content if not removed.keys() & set(c.segments)),
            gaps=tuple(gaps),
            verdicts=tuple(v for v in record.verdicts if v.segment not in rewritten),
            scores=tuple(s for s in record.scores if s.segment not in removed),
        ),
        tuple(gone),
    )


def _by(correction: Correction, why: str) -> str:
    """``Ann, 2025-06-01T10:20:00Z: too small``."""
    signed = ", ".join(filter(None, (correction.who, correction.when)))
    return f"{signed}: {why}" if why else signed


def _segment(
    segment: Segment, checked: Checked, extents: Mapping[int, Extent], masks: NewMasks | None
) -> Segment:
    if segment.part_of in checked.removed:
        segment = segment.but(part_of=None)
    if segment.id in checked.categories:
        category, isthing = checked.categories[segment.id]
        segment = segment.but(category=category, isthing=isthing)
    if segment.id in extents:
        extent = extents[segment.id]
        segment = segment.but(box_xyxy=extent.box_xyxy, area_px=extent.area_px)
    return segment if masks is None else segment.but(mask=masks.keys.get(segment.id))


def _added(
    id: int,
    new: AddedRegion,
    checked: Checked,
    extents: Mapping[int, Extent],
    masks: NewMasks | None,
) -> Segment:
    category, isthing = checked.categories[id]
    return Segment(
        id=id,
        category=category,
        isthing=isthing,
        box_xyxy=extents[id].box_xyxy,
        area_px=extents[id].area_px,
        mask=None if masks is None else masks.keys.get(id),
        part_of=new.part_of,
        source=f"person {checked.correction.who}",
    )


def _captions(
    record: Record, checked: Checked, origin: Origin
) -> tuple[list[Caption], list[tuple[Caption, str]]]:
    """The captions after the correction, regions before the whole image; and those that went."""
    kept: list[Caption] = []
    gone: list[tuple[Caption, str]] = []
    whole = whole_caption(record)
    texts = dict(checked.texts)
    said_whole = False
    for caption in record.captions:
        if caption.segment in checked.removed:
            gone.append((caption, REMOVED))
        elif caption.segment in checked.skipped or (caption is whole and checked.without_paragraph):
            gone.append((caption, SKIPPED))
        elif caption is whole and checked.paragraph is not None:
            text, spans = checked.paragraph
            kept.append(caption.rewritten(text, origin, summary="", spans=spans))
            said_whole = True
        elif caption.segment is not None and caption.segment in texts:
            text = texts.pop(caption.segment)
            kept.append(caption.rewritten(text, origin, summary="", spans=()))
        else:
            kept.append(_without_spans(caption, checked.removed))
    new = {**texts, **{i: a.caption for i, a in checked.added.items() if a.caption is not None}}
    regions = [c for c in kept if c.segment is not None]
    regions += [Caption(text=text, segment=id, origin=origin) for id, text in new.items()]
    if new:
        order = {s.id: n for n, s in enumerate(record.segments)}
        regions.sort(key=lambda c: order.get(c.segment or 0, len(order)))
        kept = regions + [c for c in kept if c.segment is None]
    if checked.paragraph is not None and not said_whole:
        text, spans = checked.paragraph
        kept.append(Caption(text=text, spans=spans, origin=origin))
    return kept, gone


def _without_spans(caption: Caption, removed: Mapping[int, str]) -> Caption:
    """The caption; its phrases no longer name regions that were none."""
    if not any(id in removed for span in caption.spans for id in span.segments):
        return caption
    spans = (
        span.but(segments=tuple(id for id in span.segments if id not in removed))
        for span in caption.spans
    )
    return caption.but(spans=tuple(span for span in spans if span.segments))
