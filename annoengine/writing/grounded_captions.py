"""What of a record's grounded paragraph can leave, and the sidecars that tell the rest.

The paragraph is the first caption of the whole image that has spans. Its text leaves without the
space around it, and its spans move along. A span leaves with those of its segments that are in
the export; what does not leave is listed with a reason. Spans that leave never overlap: of two
that do, the one that begins first stays, and of two that begin together the longer.

For each split ``captions_<name>.jsonl`` (text, phrases with the segments' ids, who wrote it) and
``left_out_<name>.jsonl`` (images without such a paragraph, and why).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annoengine.record import Caption, Record, Span
from annoengine.writing.json_stream import JsonLines
from annoengine.writing.panoptic_json import image_id_of
from annoengine.writing.sidecars import earlier_rows, origin_row, scores_of

_UNKNOWN, _UNMASKED = "unknown segment", "segment without a mask"
_OF_SEGMENTS = (_UNKNOWN, _UNMASKED)


@dataclass(frozen=True)
class LeftOut:
    """A phrase, or some segments of a phrase, that a dataset cannot take, and why."""

    span: Span
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Paragraph:
    """A grounded paragraph as it leaves; ``spans`` are over ``text``, with the record's ids."""

    caption: Caption
    text: str
    spans: tuple[Span, ...]
    left_out: tuple[LeftOut, ...] = ()

    def phrase(self, span: Span) -> str:
        """The words of a span.

        >>> from annoengine.record import Origin
        >>> caption = Caption(text="Two men.", origin=Origin(stage="merge", model="m"))
        >>> Paragraph(caption, "Two men.", ()).phrase(Span(start=4, end=7, segments=(1,)))
        'men'
        """
        return self.text[span.start : span.end]

    @property
    def segments_left_out(self) -> int:
        """How many times a phrase names a segment that is not in the export."""
        return sum(len(x.span.segments) for x in self.left_out if x.reason in _OF_SEGMENTS)


def paragraph_of(record: Record, ids: Collection[int]) -> Paragraph | None:
    """The record's grounded paragraph; None where nobody wrote a text of the whole image.

    ``ids`` are the segments that leave, by their ids in the record. A paragraph without a
    grounded phrase has no ``spans``.
    """
    whole = [c for c in record.captions if c.segment is None and c.text.strip()]
    caption = next((c for c in whole if c.spans), whole[0] if whole else None)
    if caption is None:
        return None
    text = caption.text.strip()
    shift = len(caption.text) - len(caption.text.lstrip())
    own = {segment.id for segment in record.segments}
    spans: list[Span] = []
    left_out: list[LeftOut] = []
    done = 0
    for given in sorted(caption.spans, key=lambda span: (span.start, -span.end)):
        span = _trimmed(given, text, shift)
        reason, detail = "", ""
        if given.end > len(caption.text):
            reason, detail = "outside of the text", f"{given.start} to {given.end}"
        elif span.start >= span.end:
            reason = "no words"
        elif span.start < done:
            reason = "overlaps another phrase"
        if reason:
            left_out.append(LeftOut(span, reason, detail))
            continue
        kept = tuple(dict.fromkeys(id for id in span.segments if id in ids))
        unknown = tuple(id for id in span.segments if id not in own)
        unmasked = tuple(id for id in span.segments if id in own and id not in ids)
        for reason, lost in ((_UNKNOWN, unknown), (_UNMASKED, unmasked)):
            if lost:
                left_out.append(LeftOut(span.but(segments=lost), reason))
        if not span.segments:
            left_out.append(LeftOut(span, "no segment"))
        if kept:
            spans.append(span.but(segments=kept))
            done = span.end
    return Paragraph(caption, text, tuple(spans), tuple(left_out))


def _trimmed(span: Span, text: str, shift: int) -> Span:
    """The span over the text that lost ``shift`` characters in front, without space around it."""
    start, end = max(span.start - shift, 0), min(max(span.end - shift, 0), len(text))
    phrase = text[start:end]
    start += len(phrase) - len(phrase.lstrip())
    return span.but(start=start, end=max(start, end - (len(phrase) - len(phrase.rstrip()))))


def caption_row(
    record: Record, paragraph: Paragraph, ids: Mapping[int, int] | None = None, **more: Any
) -> dict[str, Any]:
    """The line of a paragraph. ``ids``, where given, are the segments' ids in the export.

    ``segments`` are ids of the record; ``start`` and ``end`` count characters of ``text``.
    """
    spans = []
    for span in paragraph.spans:
        row = _span_row(paragraph, span)
        if ids is not None:
            row["ids"] = [ids[id] for id in span.segments]
        spans.append(row)
    return {
        "image_id": image_id_of(record),
        "file_name": record.photo.file,
        "text": paragraph.text,
        **more,
        "spans": spans,
        "left_out": [
            {**_span_row(paragraph, one.span), "reason": one.reason, "detail": one.detail}
            for one in paragraph.left_out
        ],
        "origin": origin_row(paragraph.caption.origin),
        **earlier_rows(paragraph.caption),
        "scores": scores_of(record, None),
    }


def _span_row(paragraph: Paragraph, span: Span) -> dict[str, Any]:
    return {
        "start": int(span.start),
        "end": int(span.end),
        "phrase": paragraph.phrase(span),
        "segments": [int(id) for id in span.segments],
    }


class GroundedSidecars(AbstractContextManager["GroundedSidecars"]):
    """The two files of one split."""

    def __init__(self, folder: Path, name: str) -> None:
        self._captions = JsonLines(folder / f"captions_{name}.jsonl")
        self._left_out = JsonLines(folder / f"left_out_{name}.jsonl")

    def caption(self, row: Mapping[str, Any]) -> None:
        """A paragraph that leaves; see :func:`caption_row`."""
        self._captions.add(row)

    def left_out(self, record: Record, reason: str, detail: str = "", **more: Any) -> None:
        """An image whose paragraph does not leave, or that has none."""
        self._left_out.add(
            {
                "image_id": image_id_of(record),
                "file_name": record.photo.file,
                "reason": reason,
                "detail": detail,
                **more,
            }
        )

    def __exit__(self, *error: object) -> None:
        self._captions.close()
        self._left_out.close()
