"""Writes a record as a draft: a line of a corrections file that says that all is right so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from annoengine.grounded.tags import write_tags
from annoengine.record import Caption, Record
from annoengine.reviewing.correction import NO_DRAFT, text_sha256


def draft_line(record: Record, waits: str = "", because: str = "") -> bytes:
    """The draft of a record, without its final newline.

    ``waits`` and ``because`` tell people why it waits for them; both are empty where it does not.
    """
    line: dict[str, Any] = {"record": record.id, "who": "", "when": ""}
    if waits:
        line["waits"] = waits
    if because:
        line["because"] = because
    line["picture"] = record.photo.file
    if record.drawings:
        line["drawn"] = [drawing.image.file for drawing in record.drawings]
    line["segments"] = [_region(record, segment.id) for segment in record.segments]
    paragraph = whole_caption(record)
    if paragraph is not None:
        text, tags = tagged_draft(record, paragraph)
        line["paragraph"] = {"caption": text, "tags": tags, "draft_sha256": text_sha256(text)}
    return orjson.dumps(line)


def _region(record: Record, id: int) -> dict[str, Any]:
    segment, mark, text = record.segment(id), record.mark_of(id), region_draft(record, id)
    row: dict[str, Any] = {"segment": id}
    if mark is not None:
        row["mark"] = mark.number
    row["category"] = segment.category.name
    row["caption"] = text
    row["draft_sha256"] = NO_DRAFT if text is None else text_sha256(text)
    return row


def region_draft(record: Record, id: int) -> str | None:
    """What a segment's caption says; None where it has none, or one without a word."""
    caption = record.caption_of(id)
    return caption.text if caption is not None and caption.text.strip() else None


def whole_caption(record: Record) -> Caption | None:
    """The caption of the whole image that people review: the first with grounded phrases, or first.

    The same one leaves in exports of grounded paragraphs.
    """
    whole = [c for c in record.captions if c.segment is None and c.text.strip()]
    return next((c for c in whole if c.spans), whole[0] if whole else None)


def tagged_draft(record: Record, caption: Caption, tags: str | None = None) -> tuple[str, str]:
    """A paragraph with tags, and what their numbers are: ``marks``, or ``segments``.

    Marks where every segment that it names has one, since that is what people see in the picture,
    unless ``tags`` says otherwise. A text that cannot have tags (it has ``<`` itself) has none.
    """
    marks = {mark.segment: mark.number for mark in record.marks}
    named = {id for span in caption.spans for id in span.segments}
    if tags is None:
        tags = "marks" if named <= marks.keys() else "segments"
    numbers: Mapping[int, int] = marks if tags == "marks" else {id: id for id in named}
    try:
        spans = [s.but(segments=tuple(numbers[id] for id in s.segments)) for s in caption.spans]
        return write_tags(caption.text, spans), tags
    except (KeyError, ValueError):
        return caption.text, tags
