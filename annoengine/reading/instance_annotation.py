"""Reads one annotation of a COCO instances file: its mask or box, and what is odd about it.

The mask is the truth: area and box are measured in it. What the JSON says of them is compared:
to the pixel for an RLE, and for polygons within what painting them can move (a pixel for a side
of the box; for the area half a pixel along the outline), because COCO's own figures are those of
the polygons before they are painted.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annoengine.box import BoxXyxy, Number, area_px, iou
from annoengine.errors import InputError, RecordFailed
from annoengine.reading.coco_json import is_whole, shown, text_of
from annoengine.reading.coco_masks import Outlined, read_segmentation
from annoengine.reading.listed_box import cut_to_photo, is_number, read_box
from annoengine.rle_counts import Counts, measure_counts


@dataclass(frozen=True)
class Instance:
    """What an annotation says. ``counts`` are None where it has a box and no mask.

    ``remarks`` are named numbers about what was odd, for the record's scores. A mask may be
    empty: ``area_px`` is 0 then.
    """

    iscrowd: bool
    counts: Counts | None
    box_xyxy: BoxXyxy
    area_px: Number
    remarks: list[tuple[str, float]] = field(default_factory=list)


def image_id_of(annotation: Any, position: int, path: Path) -> str:
    """The image of an annotation, as text. Raises InputError for one of another kind of file."""
    if not isinstance(annotation, dict):
        raise InputError(f"{path}: annotations[{position}] is no object")
    if "segments_info" in annotation:
        raise InputError(
            f"{path}: annotations[{position}] has 'segments_info'; this is a COCO panoptic file, "
            "which the source coco_panoptic reads"
        )
    if "caption" in annotation and "category_id" not in annotation:
        raise InputError(
            f"{path}: annotations[{position}] is a caption of an image; give the instances file"
        )
    id = annotation.get("image_id")
    if not (is_whole(id) or (isinstance(id, str) and id)):
        raise InputError(
            f"{path}: annotations[{position}] has the image_id {shown(id)}; "
            "a whole number or a text is needed"
        )
    return text_of(str(id)) or ""


def has_own_size(annotation: Mapping[str, Any]) -> bool:
    """Does an annotation say itself, by an RLE, what size of picture it is of?"""
    return isinstance(annotation.get("segmentation"), dict)


def has_mask(annotation: Mapping[str, Any]) -> bool:
    """Does an annotation have a ``segmentation``? An empty list stands for none."""
    return annotation.get("segmentation") not in (None, [])


def segment_ids(annotations: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """The segment id of each annotation of an image; None for one whose id came before.

    An id that is no whole number from 1 up is replaced by the least that is free.

    >>> segment_ids([{"id": 0}, {"id": 2}, {}, {"id": 2}, {"id": "a"}])
    [1, 2, 3, None, 4]
    """
    given = [a.get("id") for a in annotations]
    taken = {id for id in given if is_whole(id) and id > 0}
    free = (id for id in itertools.count(1) if id not in taken)
    ids: list[int | None] = []
    seen: set[int] = set()
    for id in given:
        if not is_whole(id) or id < 1:
            ids.append(next(free))
        else:
            ids.append(None if id in seen else id)
            seen.add(id)
    return ids


def id_twice(where: str, id: int, values: Sequence[Mapping[str, Any]]) -> str:
    """The sentence on an annotation whose id came before in its image."""
    n = sum(1 for value in values if value.get("id") == id)
    return f"{where}: {n} annotations of this image have the id {id}; give each its own"


def read_instance(annotation: Mapping[str, Any], where: str, size_wh: tuple[int, int]) -> Instance:
    """The mask, or the box, of an annotation of a photograph with this upright (width, height).

    Raises RecordFailed, with ``where`` in front: ``segments``, ``mask`` or ``box``.
    """
    iscrowd = annotation.get("iscrowd", 0)
    if iscrowd not in (0, 1):
        raise RecordFailed("segments", f"{where}: iscrowd is {shown(iscrowd)}; 0 or 1 is needed")
    if not has_mask(annotation):
        return _read_boxed(annotation, where, size_wh, bool(iscrowd))
    width, height = size_wh
    try:
        outlined = read_segmentation(annotation["segmentation"], (height, width))
    except ValueError as error:
        raise RecordFailed("mask", f"{where}: {error}") from None
    measured = measure_counts(outlined.counts, height)
    odd = {
        "short_polygons": outlined.short,
        "self_crossing_polygons": outlined.crossing,
        "points_outside_photo": outlined.outside,
    }
    remarks = [(name, float(n)) for name, n in odd.items() if n]
    if measured.area_px:
        remarks += _compared(annotation, outlined, measured.box_xyxy, measured.area_px, size_wh)
    return Instance(bool(iscrowd), outlined.counts, measured.box_xyxy, measured.area_px, remarks)


def _read_boxed(
    annotation: Mapping[str, Any], where: str, size_wh: tuple[int, int], iscrowd: bool
) -> Instance:
    if annotation.get("bbox") is None:
        raise RecordFailed("box", f"{where}: it has neither a segmentation nor a bbox")
    try:
        box_xyxy = read_box(annotation["bbox"], "xywh", size_wh)
        inside = cut_to_photo(box_xyxy, size_wh)
    except ValueError as error:
        raise RecordFailed("box", f"{where}: {error}") from None
    remarks = []
    if inside != box_xyxy:
        remarks.append(("box_in_json_iou", round(iou(inside, box_xyxy), 4)))
    return Instance(iscrowd, None, inside, area_px(inside), remarks)


def _compared(
    annotation: Mapping[str, Any],
    outlined: Outlined,
    box_xyxy: BoxXyxy,
    area: int,
    size_wh: tuple[int, int],
) -> list[tuple[str, float]]:
    """The JSON's area and box where they are not those of the mask."""
    is_polygon = outlined.outline_px > 0
    remarks: list[tuple[str, float]] = []
    listed_area = annotation.get("area")
    if is_number(listed_area):
        slack = outlined.outline_px / 2 + 1 if is_polygon else 0
        if abs(listed_area - area) > slack:
            remarks.append(("area_in_json", float(listed_area)))
    elif listed_area is not None:
        remarks.append(("area_in_json_unusable", 1.0))
    if annotation.get("bbox") is None:
        return remarks
    try:
        listed_box = read_box(annotation["bbox"], "xywh", size_wh)
    except ValueError:
        return [*remarks, ("bbox_in_json_unusable", 1.0)]
    side_slack = 1 if is_polygon else 0
    if any(abs(a - b) > side_slack for a, b in zip(listed_box, box_xyxy, strict=True)):
        remarks.append(("box_in_json_iou", round(iou(listed_box, box_xyxy), 4)))
    return remarks
