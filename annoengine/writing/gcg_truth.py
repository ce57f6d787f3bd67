"""Writes what GLaMM's evaluation compares predictions with: captions and masks of one split.

Both are COCO files. An annotation of the captions has the phrases as ``labels``; each phrase is
an annotation of the masks, in the same order, because the evaluation takes the n-th label to be
about the n-th mask. It looks for the prediction of an image in ``<image id>.json``, and the
inference names that file after the photograph, less the last four characters: so that is the id.

Source: mbzuai-oryx/groundingLMM, ``eval/gcg/evaluate.py`` and ``infer.py``, read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.mask import Rle
from annoengine.record import Licence, Record
from annoengine.writing.gcg_format import box_and_area
from annoengine.writing.json_stream import JsonObject
from annoengine.writing.panoptic_json import image_row

_CATEGORIES = [{"id": 1, "name": "object", "supercategory": "object"}]
"""The one category; the evaluation asks for the id 1."""


def evaluated_id(file_name: str) -> str:
    """The id by which the evaluation knows a photograph.

    >>> evaluated_id("000000142238.jpg"), evaluated_id("a/1.jpg")
    ('000000142238', 'a_1')
    """
    return file_name[:-4].replace("/", "_")


class GcgTruth(AbstractContextManager["GcgTruth"]):
    """The two files of one split."""

    def __init__(self, folder: Path, split: str) -> None:
        self._split = split
        arrays = ("images", "annotations")
        self._captions = JsonObject(folder / f"{split}_gcg_coco_caption_gt.json", arrays)
        self._masks = JsonObject(folder / f"{split}_gcg_coco_mask_gt.json", arrays)
        self._licences: dict[int, Licence] = {}
        self._seen: set[str] = set()

    def add(self, record: Record, text: str, phrases: Sequence[str], masks: Sequence[Rle]) -> None:
        """One image: its caption, its phrases, and one mask for each phrase.

        Raises InputError for a second image of one id.
        """
        id = evaluated_id(record.photo.file)
        if id in self._seen:
            raise InputError(
                f"the evaluation would take two photographs of {self._split} for one, {id!r}; "
                f"the second is {record.photo.file!r} of {record.id}; rename one of them"
            )
        self._seen.add(id)
        if record.photo.licence is not None:
            self._licences.setdefault(record.photo.licence.id, record.photo.licence)
        for file in (self._captions, self._masks):
            file.add("images", {**image_row(record), "id": id})
        number = self._captions.counts["annotations"] + 1
        caption = {"id": number, "image_id": id, "caption": text, "labels": list(phrases)}
        self._captions.add("annotations", caption)
        for rle in masks:
            box, area = box_and_area(rle)
            self._masks.add(
                "annotations",
                {
                    "id": self._masks.counts["annotations"] + 1,
                    "image_id": id,
                    "category_id": 1,
                    "segmentation": rle,
                    "area": area,
                    "bbox": box,
                    "iscrowd": 0,
                },
            )

    def finish(self, info: Mapping[str, Any]) -> None:
        """Writes both files."""
        licences = [self._licences[id] for id in sorted(self._licences)]
        members = {
            "info": dict(info),
            "licenses": [{"url": x.url, "id": x.id, "name": x.name} for x in licences],
            "images": None,
            "annotations": None,
        }
        self._captions.finish(members)
        self._masks.finish({**members, "categories": _CATEGORIES})

    def __exit__(self, *error: object) -> None:
        self._captions.__exit__(*error)
        self._masks.__exit__(*error)
