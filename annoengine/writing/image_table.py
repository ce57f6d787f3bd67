"""The columns of a Parquet dataset of images, masks and captions, and one row of it.

Columns are given in the words of Hugging Face's ``datasets``, whose features stand in the
parquet files' metadata and in the dataset's card; pyarrow's types follow from them.

Source: ``datasets``, ``features.py`` (``to_dict``, ``_to_yaml_list``) and ``Image``: a struct of
``bytes`` and ``path``. A list of structs is written as a JSON list, which versions before and
after 4.0 read alike, as a list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import orjson

from annoengine.box import xywh_from_xyxy
from annoengine.mask import RecordFiles
from annoengine.record import Record, Segment
from annoengine.writing.grounded_captions import Paragraph, paragraph_of
from annoengine.writing.numbered_masks import NumberedMasks, number_masks
from annoengine.writing.photo_bytes import photo_bytes
from annoengine.writing.split_accounts import Counted

Kind = str | list["Kind"] | dict[str, "Kind"]
"""A column's type: a scalar's name or "image", a list of one kind, or a struct."""

COLUMNS: dict[str, Kind] = {
    "image": "image",
    "image_id": "string",
    "file_name": "string",
    "width": "int32",
    "height": "int32",
    "caption": "string",
    "caption_model": "string",
    "caption_prompt": "string",
    "spans": [
        {"start": "int32", "end": "int32", "phrase": "string", "segments": ["int32"]},
    ],
    "mask": "image",
    "segments": [
        {
            "id": "int32",
            "category": "string",
            "category_id": "int64",
            "isthing": "bool",
            "iscrowd": "bool",
            "bbox": ["float64"],
            "area": "float64",
            "caption": "string",
            "caption_model": "string",
            "source_id": "int64",
        },
    ],
    "license": {"id": "int32", "name": "string", "url": "string"},
    "coco_url": "string",
    "flickr_url": "string",
    "sha256": "string",
    "record": "string",
}

ABOUT: dict[str, str] = {
    "image": "the photograph, its file's bytes as they are",
    "image_id": "the image's id in its dataset",
    "file_name": "the photograph's file",
    "width": "pixels of the upright photograph; the mask has the same size",
    "height": "pixels of the upright photograph",
    "caption": "a text of the whole image, without tags; null where nobody wrote one",
    "caption_model": "the model that wrote it, as it named itself",
    "caption_prompt": "the prompt it was asked with",
    "spans": "phrases of the caption, `caption[start:end]`, and the ids of the segments each "
    "speaks of",
    "mask": "a PNG of which a pixel's R + 256 G + 65536 B is the id of its segment; 0 is none",
    "segments": "the segments of the mask: `id` 1, 2, 3 …, stuff before things; `bbox` is "
    "x, y, width, height; `caption` a text of this segment alone, or null; `source_id` its id in "
    "the run",
    "license": "the photograph's licence as its dataset names it; null where it is not known",
    "coco_url": "where COCO keeps the photograph",
    "flickr_url": "where the photograph was published",
    "sha256": "of the photograph's bytes",
    "record": "dataset, split and image id",
}
"""What each column holds, for the dataset's card."""


def _feature(kind: Kind) -> Any:
    """A kind as it stands in the metadata of a parquet file."""
    if kind == "image":
        return {"_type": "Image"}
    if isinstance(kind, str):
        return {"dtype": kind, "_type": "Value"}
    if isinstance(kind, list):
        return [_feature(kind[0])]
    return {name: _feature(inner) for name, inner in kind.items()}


def _card_feature(name: str, kind: Kind) -> dict[str, Any]:
    """A kind as it stands in a dataset's card."""
    if isinstance(kind, str):
        return {"name": name, "dtype": kind}
    if isinstance(kind, dict):
        return {"name": name, "struct": [_card_feature(n, inner) for n, inner in kind.items()]}
    (inner,) = kind
    if isinstance(inner, dict):
        return {"name": name, "list": [_card_feature(n, each) for n, each in inner.items()]}
    return {"name": name, "list": inner}


def card_features() -> list[dict[str, Any]]:
    """The columns as a dataset's card has them under ``features``."""
    return [_card_feature(name, kind) for name, kind in COLUMNS.items()]


def arrow_schema(arrow: Any) -> Any:
    """The columns as a schema of pyarrow, with the features in its metadata."""

    def type_of(kind: Kind) -> Any:
        if kind == "image":
            return arrow.struct({"bytes": arrow.binary(), "path": arrow.string()})
        if isinstance(kind, str):
            return {
                "string": arrow.string(),
                "bool": arrow.bool_(),
                "int32": arrow.int32(),
                "int64": arrow.int64(),
                "float64": arrow.float64(),
            }[kind]
        if isinstance(kind, list):
            return arrow.list_(type_of(kind[0]))
        return arrow.struct({name: type_of(inner) for name, inner in kind.items()})

    features = {name: _feature(kind) for name, kind in COLUMNS.items()}
    return arrow.schema(
        {name: type_of(kind) for name, kind in COLUMNS.items()},
        metadata={"huggingface": orjson.dumps({"info": {"features": features}})},
    )


def row_of(record: Record, files: RecordFiles, counted: Counted) -> tuple[dict[str, Any], int]:
    """A record's row, and about how many bytes it takes; what stays out is counted.

    Raises InputError for a photograph or masks that are not those that the run began with.
    """
    photo = record.photo
    data = photo_bytes(record, files)
    masks = None if record.masks is None else number_masks(record, files)
    segments = list(_segment_rows(record, masks))
    ids = {row["source_id"]: row["id"] for row in segments}
    paragraph = paragraph_of(record, ids)
    png = None if masks is None else masks.png()
    origin = None if paragraph is None else paragraph.caption.origin
    row: dict[str, Any] = {
        "image": {"bytes": data, "path": PurePosixPath(photo.file).name},
        "image_id": record.image_id,
        "file_name": photo.file,
        "width": photo.width,
        "height": photo.height,
        "caption": None if paragraph is None else paragraph.text,
        "caption_model": None if origin is None else origin.model,
        "caption_prompt": None if origin is None else origin.prompt,
        "spans": [] if paragraph is None else list(_span_rows(paragraph, ids)),
        "mask": None
        if png is None
        else {"bytes": png, "path": f"{PurePosixPath(photo.file).stem}.png"},
        "segments": segments,
        "license": photo.licence.model_dump() if photo.licence else None,
        "coco_url": photo.coco_url,
        "flickr_url": photo.flickr_url,
        "sha256": photo.sha256,
        "record": record.id,
    }
    _count(record, masks, paragraph, segments, counted)
    texts = sum(len(caption.text) for caption in record.captions)
    return row, len(data) + len(png or b"") + texts + 100 * len(segments)


def _segment_rows(record: Record, masks: NumberedMasks | None) -> Iterator[dict[str, Any]]:
    """The segments in the order of their ids; without masks, as the record has them."""
    if masks is None:
        for number, segment in enumerate(record.segments, start=1):
            box = xywh_from_xyxy(segment.box_xyxy)
            yield _segment_row(record, segment, number, box, segment.area_px)
        return
    for id, placed in masks.placed.items():
        box = xywh_from_xyxy(placed.box_xyxy)
        yield _segment_row(record, record.segment(id), placed.id, box, placed.area_px)


def _segment_row(
    record: Record, segment: Segment, number: int, box_xywh: Any, area_px: float
) -> dict[str, Any]:
    caption = record.caption_of(segment.id)
    text = caption.text.strip() if caption is not None else ""
    return {
        "id": number,
        "category": segment.category.name,
        "category_id": segment.category.id,
        "isthing": segment.isthing,
        "iscrowd": segment.iscrowd,
        "bbox": [float(value) for value in box_xywh],
        "area": float(area_px),
        "caption": text or None,
        "caption_model": caption.origin.model if caption is not None and text else None,
        "source_id": segment.id,
    }


def _span_rows(paragraph: Paragraph, ids: Mapping[int, int]) -> Iterator[dict[str, Any]]:
    for span in paragraph.spans:
        yield {
            "start": int(span.start),
            "end": int(span.end),
            "phrase": paragraph.phrase(span),
            "segments": [ids[id] for id in span.segments],
        }


def _count(
    record: Record,
    masks: NumberedMasks | None,
    paragraph: Paragraph | None,
    segments: list[dict[str, Any]],
    counted: Counted,
) -> None:
    counted.count("images")
    counted.count("segments", len(segments))
    counted.count("captions", int(paragraph is not None))
    counted.count("captions of segments", sum(row["caption"] is not None for row in segments))
    counted.count("images with no masks", int(masks is None))
    counted.count("segments without pixels", len(record.segments) - len(segments))
    counted.count("interactions", len(record.relations))
    whole = sum(1 for caption in record.captions if caption.segment is None)
    said = {c.segment for c in record.captions if c.segment is not None}
    known = {row["source_id"] for row in segments}
    counted.count("second captions", max(whole - 1, 0) + _said_again(record))
    counted.count("captions of segments that are not there", len(said - known))
    if paragraph is not None:
        counted.count("phrases", len(paragraph.spans))
        counted.count("phrases left out", len(paragraph.caption.spans) - len(paragraph.spans))
        counted.count("segments left out of phrases", paragraph.segments_left_out)


def _said_again(record: Record) -> int:
    """Captions of segments that have an earlier one."""
    of_segments = [c.segment for c in record.captions if c.segment is not None]
    return len(of_segments) - len(set(of_segments))
