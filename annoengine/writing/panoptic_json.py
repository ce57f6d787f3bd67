"""Writes COCO panoptic annotation files: ``images`` and ``annotations`` in step, image by image.

The categories of an export are COCO's 133 panoptic ones (so that class indices stay those of
the tools that read the original), followed by whatever else the records hold. Where a dataset
uses COCO's ids for other things, only its own categories are written.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from annoengine.box import Number, xywh_from_xyxy
from annoengine.errors import InputError
from annoengine.fingerprint import sha256_hex
from annoengine.record import Category, Licence, Record, Segment
from annoengine.writing.json_stream import JsonObject
from annoengine.writing.panoptic_masks import PanopticMask, Placed

_FIRST_FREE_ID = 1001
"""Where ids of free tags begin, unless a dataset's own ids reach further: above COCO's 200."""


@functools.lru_cache(maxsize=1)
def coco_categories() -> tuple[dict[str, Any], ...]:
    """COCO's 133 panoptic categories: id, name, isthing, supercategory, color (RGB).

    Source: ``panoptic_coco_categories.json`` of cocodataset/panopticapi.
    """
    text = (
        resources.files("annoengine").joinpath("coco_panoptic_categories.json").read_text("utf-8")
    )
    rows: list[dict[str, Any]] = json.loads(text)
    return tuple(rows)


class CategoryTable:
    """The ``categories`` of an export, from all of its records."""

    def __init__(self, records: Iterable[Record]) -> None:
        by_id: dict[int, str] = {}
        isthing: dict[Category, bool] = {}
        for record in records:
            for segment in record.segments:
                category = segment.category
                if category.id is not None:
                    name = by_id.setdefault(category.id, category.name)
                    if name != category.name:
                        raise InputError(
                            f"{record.id}: the category id {category.id} means "
                            f"{category.name!r} here and {name!r} in an earlier record"
                        )
                isthing[category] = isthing.get(category, False) or segment.isthing
        coco = {row["id"]: row for row in coco_categories()}
        is_coco = all(coco[id]["name"] == name for id, name in by_id.items() if id in coco)
        rows = [dict(row) for row in coco_categories()] if is_coco else []
        listed = {row["id"] for row in rows}
        rows += [
            _row(Category(id=id, name=name), id, isthing)
            for id, name in sorted(by_id.items())
            if id not in listed
        ]
        self._ids = {Category(id=id, name=name): id for id, name in by_id.items()}
        by_name = {row["name"]: row["id"] for row in rows}
        free = max(_FIRST_FREE_ID, *(row["id"] + 1 for row in rows)) if rows else _FIRST_FREE_ID
        for tag in sorted(category.name for category in isthing if category.id is None):
            # A free tag that is a category's very name is that category.
            known = by_name.get(tag)
            if known is None:
                known, free = free, free + 1
                rows.append(_row(Category(name=tag), known, isthing))
            self._ids[Category(name=tag)] = known
        self.rows = rows

    def id_of(self, category: Category) -> int:
        """The id under which a category of the records is listed."""
        return self._ids[category]


def _row(category: Category, id: int, isthing: Mapping[Category, bool]) -> dict[str, Any]:
    digest = bytes.fromhex(sha256_hex(category.name.encode()))
    return {
        "id": id,
        "name": category.name,
        "isthing": int(isthing[category]),
        "supercategory": category.name,
        # Not too dark, so that it is told from void's black.
        "color": [64 + byte % 192 for byte in digest[:3]],
    }


def image_id_of(record: Record) -> int | str:
    """The image id as its dataset writes it: a number if it is one.

    >>> from annoengine.record import Photo
    >>> photo = Photo(file="a.jpg", width=1, height=1, sha256="")
    >>> [image_id_of(Record(id=f"d/s/{id}", photo=photo)) for id in ("142238", "007", "a")]
    [142238, '007', 'a']
    """
    id = record.image_id
    # COCO's readers take int64; a longer row of digits is a name.
    if id.isascii() and id.isdigit() and str(int(id)) == id and int(id) < 1 << 63:
        return int(id)
    return id


def plain_number(value: Number) -> Number:
    """An int where the value is whole, else a float; never a numpy scalar.

    >>> plain_number(3.0), plain_number(2.5)
    (3, 2.5)
    """
    return int(value) if float(value).is_integer() else float(value)


def image_row(record: Record) -> dict[str, Any]:
    """The record's entry of ``images``; keys that nobody gave are left out."""
    photo = record.photo
    row = {
        "license": photo.licence.id if photo.licence else None,
        "file_name": photo.file,
        "coco_url": photo.coco_url,
        "height": int(photo.height),
        "width": int(photo.width),
        "date_captured": photo.date_captured,
        "flickr_url": photo.flickr_url,
        "id": image_id_of(record),
    }
    return {key: value for key, value in row.items() if value is not None}


def segment_row(segment: Segment, placed: Placed, category_id: int) -> dict[str, Any]:
    """A segment's entry of ``segments_info``, its box as [x, y, width, height]."""
    return {
        "id": int(placed.id),
        "category_id": int(category_id),
        "iscrowd": int(segment.iscrowd),
        "bbox": [plain_number(value) for value in xywh_from_xyxy(placed.box_xyxy)],
        "area": plain_number(placed.area_px),
    }


def found_by_loader(image_file: str, mask_file: str) -> bool:
    """Do readers find the photograph by the mask's name? They take its stem and ``.jpg``.

    >>> found_by_loader("000000142238.jpg", "000000142238.png"), found_by_loader("a.png", "a.png")
    (True, False)
    """
    return image_file == PurePosixPath(mask_file).with_suffix(".jpg").as_posix()


class PanopticFile(AbstractContextManager["PanopticFile"]):
    """One panoptic JSON file, filled record by record."""

    def __init__(self, path: Path) -> None:
        self._json = JsonObject(path, ("images", "annotations"))
        self._licences: dict[int, Licence] = {}

    @property
    def images(self) -> int:
        """How many images it has so far."""
        return self._json.counts["images"]

    def add(self, record: Record, mask: PanopticMask, segments_info: list[dict[str, Any]]) -> None:
        """One image and its annotation, at the same place of both arrays."""
        if record.photo.licence is not None:
            self._licences.setdefault(record.photo.licence.id, record.photo.licence)
        self._json.add("images", image_row(record))
        self._json.add(
            "annotations",
            {
                "image_id": image_id_of(record),
                "file_name": mask.file,
                "segments_info": segments_info,
            },
        )

    def finish(self, info: Mapping[str, Any], categories: CategoryTable) -> None:
        """Writes the file."""
        licences = [self._licences[id] for id in sorted(self._licences)]
        self._json.finish(
            {
                "info": dict(info),
                "licenses": [{"url": x.url, "id": x.id, "name": x.name} for x in licences],
                "images": None,
                "annotations": None,
                "categories": categories.rows,
            }
        )

    def __exit__(self, *error: object) -> None:
        self._json.__exit__(*error)
