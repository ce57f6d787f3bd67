"""Writes COCO instances files: every mask as an RLE, and its caption on the annotation.

For each split ``<dataset>_<split>_instances.json``, as pycocotools reads it. Masks may overlap
there. Annotation ids must be unique in such a file: they are the segments' own where those are,
else they count from 1, and ``segment_id`` holds the segment's own. Besides COCO's keys an
annotation has a ``caption`` where there is one and a ``score`` where the segment has one, and an
image the ``caption`` of the whole image; readers of COCO pass over them.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from annoengine.box import xywh_from_xyxy
from annoengine.errors import InputError
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.mask import Rle
from annoengine.record import Category, Licence, Record, Segment
from annoengine.stage import Parameters
from annoengine.writing.json_stream import JsonObject
from annoengine.writing.panoptic_json import CategoryTable, image_id_of, image_row, plain_number
from annoengine.writing.record_masks import rles_of
from annoengine.writing.split_accounts import leaving_split


class CocoInstancesParameters(Parameters):
    """What becomes of segments and images that COCO's readers may stumble over."""

    boxes_only: bool = True
    """Keep segments that have a box and no mask, with an empty ``segmentation``: pycocotools
    reads their boxes, but cannot paint them."""
    crowds: bool = True
    """Keep segments that are crowds."""


@dataclass
class _Split:
    """The open file of one split, and what went into it."""

    json: JsonObject
    own_ids: bool
    licences: dict[int, Licence] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, n: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + n


class CocoInstances(Exporter):
    """COCO instances files with captions, in the records' order."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"segments"})
    Parameters: ClassVar[type[Parameters]] = CocoInstancesParameters
    parameters: CocoInstancesParameters

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for a mask that is gone or changed since the run, and for records of
        more than one dataset.
        """
        categories = CategoryTable(run.records())
        surveyed = _Survey(run)
        splits: dict[str, _Split] = {}
        with ExitStack() as stack:
            for record in run.records():
                leaving = leaving_split(record)
                if leaving not in splits:
                    name = f"{record.dataset}_{leaving}_instances.json"
                    json = stack.enter_context(JsonObject(folder / name, ("images", "annotations")))
                    own = leaving in surveyed.own_ids
                    splits[leaving] = _Split(json, own)
                self._add(record, rles_of(record, run.files(record)), splits, categories)
            for name, split in splits.items():
                split.json.finish(_members(run.name, surveyed, name, split, categories))
        return _account(folder, splits)

    def _add(
        self,
        record: Record,
        rles: Mapping[int, Rle],
        splits: Mapping[str, _Split],
        categories: CategoryTable,
    ) -> None:
        split = splits[leaving_split(record)]
        if record.photo.licence is not None:
            split.licences.setdefault(record.photo.licence.id, record.photo.licence)
        row = image_row(record)
        whole = next((c.text.strip() for c in record.captions if c.segment is None), "")
        if whole:
            row["caption"] = whole
            split.count("image captions")
        split.json.add("images", row)
        split.count("images")
        captions: dict[int | None, str] = {}
        for caption in record.captions:
            captions.setdefault(caption.segment, caption.text.strip())
        for segment in record.segments:
            if segment.iscrowd and not self.parameters.crowds:
                split.count("crowds left out")
                continue
            rle = rles.get(segment.id)
            if rle is None and not self.parameters.boxes_only:
                split.count("segments without a mask left out")
                continue
            split.count("annotations")
            split.count("captions", int(bool(captions.get(segment.id))))
            split.count("annotations without a mask", int(rle is None))
            number = split.counts["annotations"]
            annotation = annotation_row(record, segment, rle, categories)
            annotation["id"] = int(segment.id) if split.own_ids else number
            if not split.own_ids:
                annotation["segment_id"] = int(segment.id)
            if captions.get(segment.id):
                annotation["caption"] = captions[segment.id]
            split.json.add("annotations", annotation)


def annotation_row(
    record: Record, segment: Segment, rle: Rle | None, categories: CategoryTable
) -> dict[str, Any]:
    """A segment's entry of ``annotations``, but for its id and caption."""
    row: dict[str, Any] = {
        "id": int(segment.id),
        "image_id": image_id_of(record),
        "category_id": int(categories.id_of(segment.category)),
        "segmentation": [],
        "area": plain_number(segment.area_px),
        "bbox": [plain_number(value) for value in xywh_from_xyxy(segment.box_xyxy)],
        "iscrowd": int(segment.iscrowd),
    }
    if rle is not None:
        row["segmentation"] = {
            "size": [int(n) for n in rle["size"]],
            "counts": str(rle["counts"]),
        }
    if segment.score is not None:
        row["score"] = float(segment.score)
    return row


class _Survey:
    """What must be known of all records before the first is written."""

    def __init__(self, run: RunView) -> None:
        self.dataset = ""
        self.categories: set[Category] = set()
        ids: dict[str, array[int]] = {}
        for record in run.records():
            self.dataset = self.dataset or record.dataset
            if record.dataset != self.dataset:
                raise InputError(
                    f"the run holds records of {self.dataset!r} and of {record.dataset!r}; "
                    "a coco_instances export is of one dataset"
                )
            of_split = ids.setdefault(leaving_split(record), array("q"))
            for segment in record.segments:
                of_split.append(segment.id)
                self.categories.add(segment.category)
        self.own_ids = {split for split, found in ids.items() if _are_unique(found)}
        """Splits in which no two segments have the same id."""


def _are_unique(ids: Sequence[int]) -> bool:
    ordered = np.sort(np.asarray(ids, dtype=np.int64))
    return not bool((ordered[1:] == ordered[:-1]).any())


def _members(
    run: str, surveyed: _Survey, name: str, split: _Split, categories: CategoryTable
) -> dict[str, Any]:
    licences = [split.licences[id] for id in sorted(split.licences)]
    used = {categories.id_of(category) for category in surveyed.categories}
    # Where nothing is of a category of stuff, the file is of things, and so are its categories:
    # readers count their classes by them.
    has_stuff = any(row["id"] in used and not row["isthing"] for row in categories.rows)
    rows = [row for row in categories.rows if row["isthing"] or has_stuff]
    return {
        "info": {
            "description": f"{surveyed.dataset} {name}: instances with captions, in COCO's format",
            "recipe": run,
            "exporter": "coco_instances",
            "exporter_version": CocoInstances.VERSION,
        },
        "licenses": [{"url": x.url, "id": x.id, "name": x.name} for x in licences],
        "images": None,
        "annotations": None,
        "categories": rows,
    }


_COUNTED = (
    "images",
    "annotations",
    "captions",
    "image captions",
    "annotations without a mask",
    "segments without a mask left out",
    "crowds left out",
)


def _account(folder: Path, splits: Mapping[str, _Split]) -> Exported:
    exported = Exported(folder)
    for what in _COUNTED:
        total = sum(split.counts.get(what, 0) for split in splits.values())
        if total or what in ("images", "annotations", "captions"):
            exported.counts[what] = total
    if not splits:
        exported.notes.append("no record reached the end of the run: nothing was written")
    for name in sorted(splits):
        counts = splits[name].counts
        if not splits[name].own_ids:
            exported.notes.append(
                f"{name}: segments of different images have the same id, which COCO's readers "
                "cannot hold; annotations count from 1, and segment_id has the segment's own"
            )
        if counts.get("annotations without a mask"):
            exported.notes.append(
                f"{name}: {counts['annotations without a mask']} annotations have a box and no "
                "mask; pycocotools reads them, but its annToMask cannot paint them"
            )
    return exported
