"""Begins records at SA-1B's files: photographs, each with a JSON of masks beside it.

``sa_1.jpg`` and ``sa_1.json`` lie in a folder, in a tar as they are downloaded, or in a folder of
such tars. Regions overlap, have no category, and keep their annotation's id. A region's score is
the IoU that SAM predicted for its mask. Source of the layout: Segment Anything (arXiv 2304.02643),
section 5, and the data set's own description of its JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, ClassVar

import orjson
from pydantic import Field

from annoengine.errors import Drop, RecordFailed
from annoengine.mask import Rle
from annoengine.reading.coco_json import shown as shown_value
from annoengine.reading.coco_photo import read_photo_of
from annoengine.reading.coco_sample import IdPart
from annoengine.reading.input_file import read_below
from annoengine.reading.instance_annotation import id_twice, read_instance, segment_ids
from annoengine.reading.listed_box import is_number
from annoengine.reading.photo_folder import (
    PICTURE_SUFFIXES,
    PhotoFolderParameters,
    list_photos,
)
from annoengine.reading.photo_source import PhotoSource
from annoengine.reading.rle_segments import RleSegments
from annoengine.record import Category, Photo, Score, Segment
from annoengine.rle_counts import rle_of_counts
from annoengine.source import Entry, Opened
from annoengine.stage import Parameters

_REGION = Category(name="region")
_NAME = "sa1b"


class Sa1bParameters(PhotoFolderParameters):
    """Which photographs and regions, and under which name."""

    dataset: IdPart = "sa1b"
    """The dataset's name: the first part of each record's id."""
    recursive: bool = True
    """Look into the folders and tars in the folder too."""
    least_iou: float = Field(default=0, ge=0, le=1)
    """Leave out regions whose ``predicted_iou`` is lower; the record counts them."""
    least_stability: float = Field(default=0, ge=0, le=1)
    """Leave out regions whose ``stability_score`` is lower; the record counts them."""
    least_area: float = Field(default=0, ge=0, lt=1)
    """Leave out regions below this share of the photograph; the record counts them."""
    max_regions: int | None = Field(default=None, ge=1)
    """The most regions of one photograph, the largest; the record counts the others."""


class Sa1b(PhotoSource):
    """SA-1B's photographs in the order of their names, with the masks of their JSON files."""

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"masks", "segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {
        "images": "the folder, or the tars, with sa_*.jpg and sa_*.json"
    }
    Parameters: ClassVar[type[Parameters]] = Sa1bParameters
    parameters: Sa1bParameters

    def fingerprint(self) -> Mapping[str, Any]:
        """Names and sizes of the photographs and of their JSON files, and the split."""
        self.check()
        files = list_photos(self.images, self.parameters.recursive, (*PICTURE_SUFFIXES, ".json"))
        return {"files": files.fingerprint(), "split": self.split}

    def _opened(self, entry: Entry) -> Opened:
        """The record of a photograph with its regions.

        Reasons of a failure: ``image``, ``annotation`` (no JSON, or of another photograph),
        ``segments``, ``mask``, ``unsafe path``. A photograph without regions is dropped.
        """
        folder, links = self.folder, self.parameters.links
        photo, _ = read_photo_of(entry["image"], folder, links)
        json_name = str(PurePosixPath(photo.file).with_suffix(".json"))
        data = read_below(folder, json_name, "annotation", "annotation", links)
        annotations = _annotations(data, json_name, photo)
        size_wh = (photo.width, photo.height)
        made: list[tuple[Segment, Any]] = []
        left_out: dict[str, int] = {}
        for place, (value, id) in enumerate(
            zip(annotations, segment_ids(annotations), strict=True)
        ):
            where = f"{json_name}: annotations[{place}]"
            if id is None:
                raise RecordFailed("segments", id_twice(where, value["id"], annotations))
            instance = read_instance(value, where, size_wh)
            why = self._why_left_out(value, instance.area_px, size_wh)
            if why:
                left_out[why] = left_out.get(why, 0) + 1
                continue
            segment = Segment(
                id=id,
                category=_REGION,
                isthing=True,
                box_xyxy=instance.box_xyxy,
                area_px=instance.area_px,
                source=self.parameters.dataset,
                score=_score(value),
            )
            made.append((segment, instance.counts))
        made, cut = self._largest(made)
        if cut:
            left_out["above_max_regions"] = cut
        if not made:
            words = ", ".join(f"{n} {name}" for name, n in sorted(left_out.items())) or "none"
            raise Drop("no segments", f"{json_name} has no region that is kept: {words} left out")
        segments: list[Segment] = []
        rles: list[Rle] = []
        for segment, counts in made:
            if counts is not None:
                segment = segment.but(mask=len(rles))
                rles.append(rle_of_counts(counts, (size_wh[1], size_wh[0])))
            segments.append(segment)
        scores = tuple(Score(name=n, value=left_out[n], by=_NAME) for n in sorted(left_out))
        return RleSegments(tuple(segments), tuple(rles)).opened(entry["record_id"], photo, scores)

    def _why_left_out(
        self, value: Mapping[str, Any], area_px: float, size_wh: tuple[int, int]
    ) -> str:
        p = self.parameters
        if not area_px:
            return "empty_masks"
        if area_px < p.least_area * size_wh[0] * size_wh[1]:
            return "below_least_area"
        if _number(value, "predicted_iou") < p.least_iou:
            return "below_least_iou"
        if _number(value, "stability_score") < p.least_stability:
            return "below_least_stability"
        return ""

    def _largest(self, made: list[tuple[Segment, Any]]) -> tuple[list[tuple[Segment, Any]], int]:
        most = self.parameters.max_regions
        if most is None or len(made) <= most:
            return made, 0
        by_area = sorted(made, key=lambda pair: (-pair[0].area_px, pair[0].id))[:most]
        kept = {segment.id for segment, _ in by_area}
        return [pair for pair in made if pair[0].id in kept], len(made) - most


def _annotations(data: bytes, name: str, photo: Photo) -> list[dict[str, Any]]:
    """The annotations of a JSON file. Raises RecordFailed where it is none of the photograph."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RecordFailed("annotation", f"{name} is no JSON: {error}") from None
    image = value.get("image") if isinstance(value, dict) else None
    annotations = value.get("annotations") if isinstance(value, dict) else None
    if not isinstance(image, dict) or not isinstance(annotations, list):
        raise RecordFailed(
            "annotation", f"{name} is no file of SA-1B: it needs an object with image, annotations"
        )
    listed = image.get("file_name")
    if not isinstance(listed, str) or PurePosixPath(listed).name != PurePosixPath(photo.file).name:
        raise RecordFailed(
            "annotation", f"{name} is of the photograph {shown_value(listed)}, not {photo.file!r}"
        )
    for place, annotation in enumerate(annotations):
        if not isinstance(annotation, dict):
            raise RecordFailed("annotation", f"{name}: annotations[{place}] is no object")
    return annotations


def _number(value: Mapping[str, Any], key: str) -> float:
    """A measure of a mask; one that the file does not give is taken for good."""
    found = value.get(key)
    return float(found) if is_number(found) else 1.0


def _score(value: Mapping[str, Any]) -> float | None:
    found = value.get("predicted_iou")
    return round(float(found), 4) if is_number(found) else None
