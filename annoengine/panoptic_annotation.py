"""Reads the entries of a COCO panoptic file: its categories, its annotations, their segments.

An entry that contradicts the form fails its own image (RecordFailed); only what makes the whole
file unusable, such as one category id with two names, is an InputError.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from annoengine.coco_json import is_whole, shown, text_of
from annoengine.errors import InputError, RecordFailed
from annoengine.mask import MAX_ID

_FAR_PX = 1 << 31
"""Box coordinates beyond this are taken as if the file gave no box."""


class ListedSegment(NamedTuple):
    """An entry of ``segments_info``, checked. Box and area are None where the file has none."""

    id: int
    category_id: int
    category: str
    isthing: bool
    iscrowd: bool
    box_xywh: tuple[Any, ...] | None
    area_px: int | float | None


class Categories:
    """The ``categories`` array: id → (name, isthing or None)."""

    def __init__(self, entries: Sequence[Any], path: Path) -> None:
        self._by_id: dict[int, tuple[str, bool | None]] = {}
        for position, entry in enumerate(entries):
            id = entry.get("id") if isinstance(entry, dict) else None
            name = text_of(entry.get("name")) if isinstance(entry, dict) else None
            if not is_whole(id) or not name:
                raise InputError(f"{path}: categories[{position}] has no whole-number id and name")
            if id in self._by_id:
                raise InputError(
                    f"{path}: the category id {id} is used by {self._by_id[id][0]!r} and {name!r}"
                )
            isthing = entry.get("isthing")
            self._by_id[id] = (name, bool(isthing) if isthing in (0, 1) else None)

    def segments(self, annotation: dict[str, Any], where: str) -> list[ListedSegment]:
        """The segments of an annotation, in its order. Raises RecordFailed.

        ``where`` names the annotation in what is raised.
        """
        infos = annotation.get("segments_info")
        if not isinstance(infos, list):
            raise RecordFailed("segments", f"{where}: it has no list 'segments_info'")
        segments = [self._segment(info, at, where) for at, info in enumerate(infos)]
        seen: set[int] = set()
        for segment in segments:
            if segment.id in seen:
                raise RecordFailed("segments", f"{where}: the segment id {segment.id} comes twice")
            seen.add(segment.id)
        return segments

    def _segment(self, info: Any, position: int, where: str) -> ListedSegment:
        if not isinstance(info, dict):
            raise RecordFailed("segments", f"{where}: segments_info[{position}] is no object")
        id = info.get("id")
        if not is_whole(id) or not 1 <= id <= MAX_ID:
            raise RecordFailed(
                "segments",
                f"{where}: segments_info[{position}] has the id {shown(id)}; "
                f"a PNG can hold whole numbers from 1 to {MAX_ID}",
            )
        category_id = info.get("category_id")
        if not is_whole(category_id) or category_id not in self._by_id:
            raise RecordFailed(
                "category",
                f"{where}, segment {id}: the category id {shown(category_id)} is not among the "
                f"{len(self._by_id)} in 'categories'",
            )
        name, isthing = self._by_id[category_id]
        if isthing is None:
            if info.get("isthing") not in (0, 1):
                raise RecordFailed(
                    "category",
                    f"{where}, segment {id}: neither it nor its category {category_id} ({name}) "
                    "says by 'isthing' whether it is a thing",
                )
            isthing = bool(info["isthing"])
        iscrowd = info.get("iscrowd", 0)
        if iscrowd not in (0, 1):
            raise RecordFailed(
                "segments", f"{where}, segment {id}: iscrowd is {shown(iscrowd)}; 0 or 1 is needed"
            )
        area_px = info.get("area")
        return ListedSegment(
            id,
            category_id,
            name,
            isthing,
            bool(iscrowd),
            _box_xywh(info.get("bbox")),
            area_px if _is_number(area_px) else None,
        )


def _is_number(value: Any) -> bool:
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def _box_xywh(value: Any) -> tuple[Any, ...] | None:
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        return None
    return tuple(value) if all(abs(number) < _FAR_PX for number in value) else None


def image_id_of(annotation: Any, position: int, path: Path) -> str:
    """The image that an annotation belongs to, as text. Raises InputError."""
    id = annotation.get("image_id") if isinstance(annotation, dict) else None
    if not (is_whole(id) or (isinstance(id, str) and id)):
        raise InputError(f"{path}: annotations[{position}] has no 'image_id'")
    if "segments_info" not in annotation and "category_id" in annotation:
        raise InputError(
            f"{path}: annotations[{position}] is a single object of image {id}; this is a COCO "
            "instances file. Give the panoptic one, whose annotations have 'segments_info'"
        )
    return text_of(str(id)) or ""


def uncrowded(infos: Any) -> int:
    """How many entries of ``segments_info`` are no crowd; -1 where it is no list."""
    if not isinstance(infos, list):
        return -1
    return sum(1 for info in infos if not (isinstance(info, dict) and info.get("iscrowd") == 1))
