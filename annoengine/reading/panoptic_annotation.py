"""Reads the entries of a COCO panoptic file: its categories, its annotations, their segments.

An entry that contradicts the form fails its own image (RecordFailed); only what makes the whole
file unusable, such as one category id with two names, is an InputError.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from annoengine.errors import InputError, RecordFailed
from annoengine.mask import MAX_ID
from annoengine.reading.coco_json import is_whole, key_twice, shown, text_of
from annoengine.reading.listed_box import FAR_PX, is_number


class ListedSegment(NamedTuple):
    """An entry of ``segments_info``, checked. Box and area are None where the file has none.

    ``unusable`` names those of the two that are there but are no four numbers, or no number.
    """

    id: int
    category_id: int
    category: str
    isthing: bool
    iscrowd: bool
    box_xywh: tuple[Any, ...] | None
    area_px: int | float | None
    unusable: tuple[str, ...] = ()


class Categories:
    """The ``categories`` array: id → (name, isthing or None).

    ``whose`` is where they stand, as errors say it: "… is not among the 133 in 'categories'".
    """

    def __init__(self, entries: Sequence[Any], path: Path, whose: str = "in 'categories'") -> None:
        self._by_id: dict[int, tuple[str, bool | None]] = {}
        self._whose = whose
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

    def __len__(self) -> int:
        return len(self._by_id)

    def find(self, id: Any) -> tuple[str, bool | None] | None:
        """A category's name, and whether it is a thing (None: it does not say)."""
        return self._by_id.get(id) if is_whole(id) else None

    def segments(
        self, annotation: Mapping[str, Any], where: str, id_base: int = 1
    ) -> list[ListedSegment]:
        """The segments of an annotation, in its order. Raises RecordFailed.

        ``where`` names the annotation in what is raised. ``id_base`` is the least id that the
        file gives; what comes out always counts from 1.
        """
        _once(annotation, where)
        infos = annotation.get("segments_info")
        if not isinstance(infos, list):
            raise RecordFailed("segments", f"{where}: it has no list 'segments_info'")
        segments = [self._segment(info, at, where, id_base) for at, info in enumerate(infos)]
        seen: set[int] = set()
        for segment in segments:
            if segment.id in seen:
                id = segment.id - 1 + id_base
                raise RecordFailed("segments", f"{where}: the segment id {id} comes twice")
            seen.add(segment.id)
        return segments

    def _segment(self, info: Any, position: int, where: str, id_base: int) -> ListedSegment:
        if not isinstance(info, dict):
            raise RecordFailed("segments", f"{where}: segments_info[{position}] is no object")
        _once(info, f"{where}, segments_info[{position}]")
        id = info.get("id")
        if not is_whole(id) or not id_base <= id <= MAX_ID - 1 + id_base:
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
                f"{len(self._by_id)} {self._whose}",
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
        box_xywh, area_px = _box_xywh(info.get("bbox")), info.get("area")
        area_px = area_px if is_number(area_px) else None
        read = {"bbox": box_xywh, "area": area_px}
        return ListedSegment(
            id + 1 - id_base,
            category_id,
            name,
            isthing,
            bool(iscrowd),
            box_xywh,
            area_px,
            tuple(
                key for key, value in read.items() if value is None and info.get(key) is not None
            ),
        )


def _once(value: Mapping[str, Any], where: str) -> None:
    twice = key_twice(value)
    if twice is not None:
        raise RecordFailed("segments", f"{where}: it has the key {twice!r} twice; keep one of them")


def _box_xywh(value: Any) -> tuple[Any, ...] | None:
    if not isinstance(value, list) or len(value) != 4 or not all(map(is_number, value)):
        return None
    return tuple(value) if all(abs(number) < FAR_PX for number in value) else None


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
