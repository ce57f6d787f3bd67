"""Begins records at COCONut's panoptic annotations, in any of the forms that they come in.

Parquet rows that carry the masks (kept as RLEs), or JSON with mask PNGs; see
``annoengine/reading/coconut_rows.py`` and ``annoengine/reading/coconut_json.py``. COCONut relabels
photographs of COCO and of Objects365, which several folders may hold. Its masks number the segments
of an image from 1 in the red channel, which makes them nearly black.

What is known to be wrong in its releases sets an image aside with a reason: segments that are in
the JSON or the PNG alone, ids that count from 0, masks of another image, void PNGs, links to
files that were never packed, classes that are none of COCO's 133. A crowd stays a crowd.
Source: arXiv 2404.08639, and what its users reported to bytedance/coconut_cvpr2024.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from annoengine.errors import InputError, RecordFailed
from annoengine.fingerprint import fingerprint, sha256_of_file
from annoengine.mask import RecordFiles
from annoengine.reading.coco_json import ImageRow, is_whole, text_of
from annoengine.reading.coco_photo import image_of, read_photo_of
from annoengine.reading.coco_sample import Candidate, IdPart, choose
from annoengine.reading.coconut_json import json_listing
from annoengine.reading.coconut_listing import Listed, Listing, stem_of, wrong_image
from annoengine.reading.coconut_rows import RowsListing, parquet_files
from annoengine.reading.input_file import read_below
from annoengine.reading.panoptic_annotation import Categories, uncrowded
from annoengine.reading.panoptic_record import MaskPicture, PanopticParameters, panoptic_record
from annoengine.reading.photo_places import PhotoPlaces
from annoengine.record import Licence, Record, make_record_id, split_from_name
from annoengine.requirement import Requirement, extra
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters
from annoengine.writing.panoptic_json import coco_categories

_BY = "coconut"
_TRAIN_SET = re.compile(r"coconut[_-]?(s|b|l|large|xl|xlarge)\b", re.IGNORECASE)
_MORE_IMAGES = ("images_2", "images_3")
_SAYS_NOTHING = re.compile(r"data|.+-\d{5}-of-\d{5}\.parquet")
"""Hugging Face calls the files of every dataset without splits "train"."""
_COCO_SITE = "cocodataset.org"
_TOO_MANY_ALIKE = 100
"""So many images with one licence and one second of capture are no coincidence: COCONut's tools
write fixed ones. Source: bytedance/coconut_cvpr2024, create_instance_by_panseg.py."""


class CoconutParameters(PanopticParameters):
    """Which images of the annotation files, and under which name."""

    dataset: IdPart = "coconut"
    """The dataset's name: the first part of each record's id."""
    id_base: Literal[0, 1] = 1
    """The number of an image's first segment in the annotations; 1 in the masks, always."""


class Coconut(Source):
    """COCO's and Objects365's photographs with COCONut's segments, in the order of the files.

    Photographs are found by name in ``images``, ``images_2`` and ``images_3``, and below them.
    """

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"masks", "segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {
        "images": "the folder with the photographs, in sub-folders or not",
        "images_2": "a second such folder, as COCO's unlabeled2017",
        "images_3": "a third, as the photographs of Objects365",
        "annotations": "the parquet file, the JSON file, or a folder of either",
        "panoptic": "the folder with the mask PNGs; not with parquet, which carries them "
        "(default: beside the JSON, named like it)",
    }
    Parameters: ClassVar[type[Parameters]] = CoconutParameters
    parameters: CoconutParameters

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or coconut_split(self.input_path("annotations"))

    @property
    def _panoptic(self) -> Path:
        if "panoptic" in self.inputs:
            return self.inputs["panoptic"]
        annotations = self.input_path("annotations")
        if annotations.is_dir():
            return annotations.with_name(annotations.name.removesuffix("_info"))
        return annotations.with_suffix("")

    @property
    def _folders(self) -> list[Path]:
        more = [self.inputs[name] for name in _MORE_IMAGES if name in self.inputs]
        return [self.input_path("images"), *more]

    def requirements(self) -> list[Requirement]:
        """The extra for parquet, where the annotations are parquet."""
        path = self.inputs.get("annotations")
        return [extra("parquet", "pyarrow")] if path and parquet_files(path) else []

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        self.check_input("annotations", "path")
        for name in ("images", *(name for name in _MORE_IMAGES if name in self.inputs)):
            self.check_input(name, "folder")
        if not parquet_files(self.input_path("annotations")):
            self.check_input("panoptic", "folder", self._panoptic)

    def with_photo_name(self, entry: Entry, name: str) -> Entry:
        """The entry with a photograph of the first folder."""
        return {**super().with_photo_name(entry, name), "folder": 0}

    def fingerprint(self) -> Mapping[str, Any]:
        """The hash of the annotation files, and the split that their name tells."""
        self.check()
        path = self.input_path("annotations")
        files = parquet_files(path) or ([path] if path.is_file() else sorted(path.glob("*.json")))
        hashes = [[file.name, sha256_of_file(file)] for file in files]
        content = hashes[0][1] if path.is_file() else fingerprint(hashes)
        return {"annotations": content, "split": self.split}

    def entries(self) -> Iterator[Entry]:
        """The images in the order of the files; then those that have no annotation.

        With a sample or licences, only what they choose. Raises InputError naming the file and
        the place in it.
        """
        listing = self._listing()
        places = PhotoPlaces(self._folders, listing.photo_names())
        chosen, self.left_out = choose(
            self._candidates(listing), self.parameters, self.seed, listing.path, listing.licences
        )
        seen: set[str] = set()
        every = range(1 << 62)
        for position, listed in enumerate(listing.listed(every if chosen is None else chosen)):
            seen.add(listed.image_id)
            if chosen is None or position in chosen:
                yield self._entry(listed, listing, places)
        if chosen is None:
            for image_id in listing.unannotated(seen):
                detail = f"{listing.path.name} has no annotation for image {image_id}"
                trouble = ["no annotation", detail, False]
                yield {"record_id": self._record_id(image_id), "trouble": trouble}

    def _listing(self) -> Listing:
        path = self.input_path("annotations")
        coco = Categories(coco_categories(), path, "panoptic categories of COCO")
        files = parquet_files(path)
        if not files:
            return json_listing(path, coco)
        if any(path.glob("*.json")) and path.is_dir() and files[0].parent == path:
            raise InputError(f"{path} has parquet files and JSON files; give one of them")
        return RowsListing(path, files, coco)

    def _entry(self, listed: Listed, listing: Listing, places: PhotoPlaces) -> Entry:
        entry: dict[str, Any] = {"record_id": self._record_id(listed.image_id)}
        try:
            if listed.trouble:
                raise RecordFailed("annotation", listed.trouble)
            annotation, row = listed.annotation, listed.row
            named = text_of(annotation.get("file_name"))
            wrong = wrong_image(listed.image_id, row, named) if row else ""
            if wrong:
                raise RecordFailed("image", f"{listed.where}: {wrong}")
            from_zero = self.parameters.id_base == 1 and _has_zero(annotation)
            id_base = 0 if from_zero else self.parameters.id_base
            segments = listing.categories.segments(annotation, listed.where, id_base)
            place = places.find(row["file_name"]) if row else places.find_stem(listed.stem)
        except RecordFailed as failed:
            return {**entry, "trouble": [failed.reason, failed.detail, True]}
        entry["folder"], name = place
        entry["image"] = {
            **(image_of(row, _licences(row, listing)) if row else {}),
            "file_name": name,
        }
        if listed.mask is not None:
            entry["mask"] = base64.b64encode(listed.mask).decode("ascii")
        entry["png"] = _png_name(named or stem_of(name))
        entry["segments"] = [list(segment) for segment in segments]
        entry["from_zero"] = from_zero
        entry["where"] = listed.where
        return entry

    def _record_id(self, image_id: str) -> str:
        return make_record_id(self.parameters.dataset, self.split, image_id)

    def _candidates(self, listing: Listing) -> Iterator[Candidate]:
        """Raises InputError, at the end, where a choice by licence would mean nothing."""
        told: set[tuple[Any, Any]] = set()
        position = -1
        for position, listed in enumerate(listing.listed()):
            row = listed.row
            if row and len(told) < 2:
                told.add((row["licence"], row["date_captured"]))
            count = uncrowded(listed.annotation.get("segments_info"))
            licence = row["licence"] if row else None
            yield Candidate(self._record_id(listed.image_id), position, licence, count)
        by_licence = self.parameters.licences is not None
        if by_licence and len(told) == 1 and position + 1 >= _TOO_MANY_ALIKE:
            licence, date = told.pop()
            raise InputError(
                f"{listing.path} gives all of its {position + 1} images the licence {licence} and "
                f"the date {date}, which stand for none; choose by licence in COCO's own files "
                "instead"
            )

    def _opened(self, entry: Entry) -> Opened:
        """The record of an entry, its files checked and its segments measured.

        Reasons of a failure: ``annotation``, ``image``, ``mask``, ``unsafe path``, ``size``,
        ``ids`` (mask and annotation disagree), ``segments``, ``category``.
        """
        p, png = self.parameters, entry["png"]
        photo, _ = read_photo_of(entry["image"], self._folders[entry["folder"]], p.links)
        if "mask" in entry:
            picture = MaskPicture(_decoded(entry["mask"]), None)
        else:
            data = read_below(self._panoptic, png, "panoptic mask", "mask", p.links)
            picture = MaskPicture(data, png)
        return panoptic_record(entry, photo, picture, entry["where"], p, _BY)

    def files(self, record: Record) -> RecordFiles:
        """Where the record's photograph and, with PNGs, its mask lie."""
        panoptic = record.masks.file if record.masks else None
        there = (folder / record.photo.file for folder in self._folders)
        image = next((path for path in there if path.exists()), None)
        return RecordFiles(
            image=image or self._folders[0] / record.photo.file,
            panoptic=self._panoptic / panoptic if panoptic else None,
        )


def coconut_split(path: Path) -> str:
    """The split that an annotation file or folder tells by its name, or by that of its folder.

    >>> coconut_split(Path("relabeled_coco_val/data/train-00000-of-00001.parquet"))
    'val'
    >>> coconut_split(Path("coconut_s.json")), coconut_split(Path("panseg_info"))
    ('train', 'all')
    """
    while _SAYS_NOTHING.fullmatch(path.name) and path.parent != path:
        path = path.parent
    split = split_from_name(path.name)
    return "train" if split == "all" and _TRAIN_SET.match(path.stem) else split


def _png_name(name: str) -> str:
    """Records in a bare list may name the photograph; its mask is called alike."""
    return name if name.lower().endswith(".png") else f"{name.rpartition('.')[0] or name}.png"


def _has_zero(annotation: Mapping[str, Any]) -> bool:
    infos = annotation.get("segments_info")
    ids = [x.get("id") for x in infos if isinstance(x, dict)] if isinstance(infos, list) else []
    return any(is_whole(id) and id == 0 for id in ids)


def _licences(row: ImageRow, listing: Listing) -> Mapping[int, Licence]:
    """The licences that an image's may be: of parquet rows only COCO's own have COCO's ids."""
    is_cocos = not isinstance(listing, RowsListing) or _COCO_SITE in (row["coco_url"] or "")
    return listing.licences if is_cocos else {}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RecordFailed("mask", f"the mask's bytes cannot be read: {error}") from None
