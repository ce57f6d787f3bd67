"""Checks one row of a table of images, masks and captions beside what its pictures say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annoengine.box import xywh_from_xyxy
from annoengine.checks.box_checks import area_faults, box_faults
from annoengine.checks.caption_checks import CAPTION_EMPTY
from annoengine.checks.description_checks import faults_of
from annoengine.checks.pair_samples import PHOTO_DIFFERS, caption_findings
from annoengine.checks.panoptic_checks import (
    CHECK_DIED,
    MASK_SIZE_DIFFERS,
    MASK_UNREADABLE,
    PIXELS_WITHOUT_SEGMENT,
    SEGMENT_ID_TWICE,
    SEGMENT_ID_VOID,
    SEGMENT_WITHOUT_PIXELS,
)
from annoengine.checks.photo_checks import PHOTO_MISSING, PHOTO_UNREADABLE, header_of, times
from annoengine.checks.span_checks import SPAN_DIFFERS, span_faults
from annoengine.checks.tag_codes import ID_UNKNOWN
from annoengine.errors import InputError, RecordFailed
from annoengine.mask import ids_from_png
from annoengine.reading.coco_json import is_whole, shown
from annoengine.reading.input_file import whole_photo_size
from annoengine.segments_png import Measured, measure
from annoengine.validator import Code, Finding, Place, Rules

SPANS_OVERLAP = Code("spans-overlap", "warning", "phrases that overlap the one before them")
SPANS_UNCAPTIONED = Code("spans-without-caption", "error", "rows with spans and no caption")
SEGMENTS_UNMASKED = Code("segments-without-mask", "note", "rows with segments and no mask")

CODES = (SPANS_OVERLAP, SPANS_UNCAPTIONED, SEGMENTS_UNMASKED)


@dataclass(frozen=True)
class RowTask:
    """One row, and where it is."""

    place: Place
    rules: Rules
    row: Mapping[str, Any]


@dataclass(frozen=True)
class RowReport:
    """What was found in a row, and what it adds to the counts."""

    place: Place
    findings: list[Finding]
    counts: Mapping[str, int]


def check_row(task: RowTask) -> RowReport:
    """Everything about one row, column by column."""
    row = task.row
    segments = row.get("segments") or []
    findings = [
        *_photo_findings(task),
        *_caption_findings(task, {s["id"] for s in segments if s.get("id") is not None}),
        *_segment_findings(task, segments),
    ]
    counts = {
        "images": 1,
        "captions": int(row.get("caption") is not None),
        "phrases": len(row.get("spans") or ()),
        "segments": len(segments),
        "PNGs": int(row.get("mask") is not None),
    }
    return RowReport(task.place, findings, counts)


def died(task: RowTask, why: str) -> RowReport:
    """The report on a row whose check killed its process."""
    return RowReport(task.place, [CHECK_DIED.at(task.place, why)], {})


def _bytes_of(picture: Any) -> bytes | None:
    data = picture.get("bytes") if isinstance(picture, Mapping) else None
    return data if isinstance(data, bytes) else None


def _photo_findings(task: RowTask) -> Iterator[Finding]:
    row, place = task.row, task.place
    data = _bytes_of(row.get("image"))
    name = str(row.get("file_name") or "")
    if data is None:
        yield PHOTO_MISSING.at(place, "the row has no bytes of the photograph")
        return
    try:
        header_of(data, f"the photograph {name}")
        size_wh = whole_photo_size(Path(name), name, data)
    except (InputError, RecordFailed) as error:
        yield PHOTO_UNREADABLE.at(place, getattr(error, "detail", str(error)))
        return
    told = (row.get("width"), row.get("height"))
    if all(map(is_whole, told)) and told != size_wh:
        message = f"the row says {told[0]}×{told[1]}, the photograph is {times(size_wh)} upright"
        yield PHOTO_DIFFERS.at(place, message)
    digest = row.get("sha256")
    if digest and digest != hashlib.sha256(data).hexdigest():
        message = f"the row has the sha256 {shown(digest)[:14]}…, the photograph another"
        yield PHOTO_DIFFERS.at(place, message)


def _caption_findings(task: RowTask, ids: set[int]) -> Iterator[Finding]:
    text, spans = task.row.get("caption"), task.row.get("spans") or []
    place = task.place
    if text is None:
        if spans:
            yield SPANS_UNCAPTIONED.at(place, f"there are {len(spans)} spans of no caption")
        return
    for code, message in caption_findings(text, task.rules):
        yield code.at(place, message)
        if code is CAPTION_EMPTY:
            return
    done = 0
    for at, span in enumerate(spans):
        faults = span_faults(span, text, "segments")
        for message in faults:
            yield SPAN_DIFFERS.at(place, f"spans[{at}]: {message}")
        if faults:
            continue
        if span["start"] < done:
            message = f"spans[{at}] begins at {span['start']}, the one before ends at {done}"
            yield SPANS_OVERLAP.at(place, message)
        done = max(done, span["end"])
        for id in span["segments"]:
            if id not in ids:
                message = f"spans[{at}], {shown(span['phrase'])}, is about a segment that is none"
                yield ID_UNKNOWN.at(place, message, id)


def _segment_findings(task: RowTask, segments: list[Any]) -> Iterator[Finding]:
    row, place = task.row, task.place
    measured: Mapping[int, Measured] | None = None
    size_wh: tuple[int, int] | None = None
    data = _bytes_of(row.get("mask"))
    if data is not None:
        try:
            ids = ids_from_png(data, "of the row")
        except InputError as error:
            yield MASK_UNREADABLE.at(place, str(error))
        else:
            measured = measure(ids)
            size_wh = (ids.shape[1], ids.shape[0])
            told = (row.get("width"), row.get("height"))
            if all(map(is_whole, told)) and told != size_wh:
                message = f"the mask is {times(size_wh)}, the row says {told[0]}×{told[1]}"
                yield MASK_SIZE_DIFFERS.at(place, message)
    elif segments:
        yield SEGMENTS_UNMASKED.at(place, f"there are {len(segments)} segments and no mask")
    seen: set[int] = set()
    for segment in segments:
        id = segment.get("id")
        if not is_whole(id) or id < 1:
            yield SEGMENT_ID_VOID.at(place, f"a segment has the id {shown(id)}")
            continue
        if id in seen:
            yield SEGMENT_ID_TWICE.at(place, "the id is used twice in the row", id)
        seen.add(id)
        yield from _one_segment(task, segment, id, len(segments), measured, size_wh)
    for id, found in (measured or {}).items():
        if id and id not in seen:
            message = f"the mask has {found.area_px} pixels of it, 'segments' nothing"
            yield PIXELS_WITHOUT_SEGMENT.at(place, message, id)


def _one_segment(
    task: RowTask,
    segment: Mapping[str, Any],
    id: int,
    segments: int,
    measured: Mapping[int, Measured] | None,
    size_wh: tuple[int, int] | None,
) -> Iterator[Finding]:
    place = task.place
    seen = measured.get(id) if measured is not None else None
    if measured is not None and seen is None:
        yield SEGMENT_WITHOUT_PIXELS.at(place, "the mask has no pixel of it", id)
        return
    right = list(xywh_from_xyxy(seen.box_xyxy)) if seen is not None else None
    area = seen.area_px if seen is not None else None
    for code, message in area_faults("area" in segment, segment.get("area"), area):
        yield code.at(place, message, id, fixable=False)
    for code, message in box_faults("bbox" in segment, segment.get("bbox"), right, size_wh):
        yield code.at(place, message, id, fixable=False)
    text = segment.get("caption")
    if text is not None:
        crowd = bool(segment.get("iscrowd"))
        for code, message in faults_of(text, segments, task.rules.min_caption_chars, crowd):
            yield code.at(place, message, id)
