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

from pydantic import Field, ValidationError

from annoengine.errors import Drop, InputError, RecordFailed
from annoengine.fingerprint import fingerprint, sha256_hex, sha256_of_file
from annoengine.mask import RecordFiles, rles_from_ids
from annoengine.reading.coco_json import is_whole, text_of
from annoengine.reading.coco_sample import Sample, licences_named, smallest
from annoengine.reading.coconut_json import json_listing
from annoengine.reading.coconut_listing import Listed, Listing, stem_of, wrong_image
from annoengine.reading.coconut_rows import RowsListing, parquet_files
from annoengine.reading.input_file import Links, read_below, whole_photo_size
from annoengine.reading.panoptic_annotation import Categories, ListedSegment, uncrowded
from annoengine.reading.panoptic_record import (
    compare_ids,
    compare_sizes,
    placed_segments,
    read_mask,
    rle_store,
)
from annoengine.reading.photo_places import PhotoPlaces
from annoengine.record import (
    Licence,
    MaskStore,
    Photo,
    Record,
    Score,
    make_record_id,
    split_from_name,
)
from annoengine.requirement import Requirement, extra
from annoengine.segments_png import measure
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters
from annoengine.writing.panoptic_json import coco_categories

_BY = "coconut"
_TRAIN_SET = re.compile(r"coconut[_-]?(s|b|l|large|xl|xlarge)\b", re.IGNORECASE)
_SAYS_NOTHING = re.compile(r"data|.+-\d{5}-of-\d{5}\.parquet")
"""Hugging Face calls the files of every dataset without splits "train"."""
_COCO_SITE = "cocodataset.org"
_TOO_MANY_ALIKE = 100
"""So many images with one licence and one second of capture are no coincidence: COCONut's tools
write fixed ones. Source: bytedance/coconut_cvpr2024, create_instance_by_panseg.py."""


class CoconutParameters(Parameters):
    """Which images of the annotation files, and under which name."""

    dataset: str = Field(default="coconut", pattern=r"^[^/]+$")
    """The dataset's name: the first part of each record's id."""
    split: str | None = Field(default=None, pattern=r"^[^/]+$")
    """The split's name; told by the name of the annotation file or folder unless set."""
    sample: Sample | None = None
    """Take only a sample of the images."""
    licences: tuple[int | str, ...] | None = None
    """Take only photographs under these licences: ids, or parts of a name or URL."""
    on_mismatch: Literal["fail", "drop"] = "fail"
    """What becomes of an image whose mask and annotation do not name the same segments."""
    id_base: Literal[0, 1] = 1
    """The number of an image's first segment in the annotations; 1 in the masks, always."""
    links: Links = "follow"
    """Whether photographs and masks may be symbolic links that lead out of their folder."""


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
        return self.parameters.split or coconut_split(self._input("annotations"))

    @property
    def _panoptic(self) -> Path:
        if "panoptic" in self.inputs:
            return self.inputs["panoptic"]
        annotations = self._input("annotations")
        if annotations.is_dir():
            return annotations.with_name(annotations.name.removesuffix("_info"))
        return annotations.with_suffix("")

    @property
    def _folders(self) -> list[Path]:
        more = [self.inputs[name] for name in ("images_2", "images_3") if name in self.inputs]
        return [self._input("images"), *more]

    def _input(self, name: str) -> Path:
        if name not in self.inputs:
            raise InputError(
                f"the input {name!r} is missing: give {self.INPUTS[name]} with --input {name}=PATH"
            )
        return self.inputs[name]

    def requirements(self) -> list[Requirement]:
        """The extra for parquet, where the annotations are parquet."""
        path = self.inputs.get("annotations")
        return [extra("parquet", "pyarrow")] if path and parquet_files(path) else []

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        annotations = self._input("annotations")
        paths = {"images": self._input("images")}
        paths |= {name: path for name, path in self.inputs.items() if name.startswith("images_")}
        if not annotations.exists():
            raise InputError(
                f"{annotations} does not exist; give {self.INPUTS['annotations']} with "
                "--input annotations=PATH"
            )
        if not parquet_files(annotations):
            paths["panoptic"] = self._panoptic
        for name, path in paths.items():
            if not path.is_dir():
                found = "is not a folder" if path.exists() else "does not exist"
                raise InputError(
                    f"{path} {found}; give {self.INPUTS[name]} with --input {name}=PATH"
                )

    def photo_name(self, entry: Entry) -> str | None:
        """The photograph's place below its folder."""
        place = entry.get("photo")
        return place[1] if place else None

    def with_photo_name(self, entry: Entry, name: str) -> Entry:
        """The entry with a photograph of the first folder."""
        return {**entry, "photo": [0, name]} if entry.get("photo") else entry

    def fingerprint(self) -> Mapping[str, Any]:
        """The hash of the annotation files, and the split that their name tells."""
        self.check()
        path = self._input("annotations")
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
        chosen = self._chosen(listing)
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
        path = self._input("annotations")
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
        entry["photo"] = list(place)
        entry["image"] = _image(row, listing) if row else None
        if listed.mask is not None:
            entry["mask"] = base64.b64encode(listed.mask).decode("ascii")
        entry["png"] = _png_name(named or stem_of(place[1]))
        entry["segments"] = [list(segment) for segment in segments]
        entry["from_zero"] = from_zero
        entry["where"] = listed.where
        return entry

    def _record_id(self, image_id: str) -> str:
        return make_record_id(self.parameters.dataset, self.split, image_id)

    def _chosen(self, listing: Listing) -> set[int] | None:
        """Positions that the sample and the licences choose; None for all."""
        wanted, sample = self.parameters.licences, self.parameters.sample
        if sample is None and wanted is None:
            return None
        path = listing.path
        allowed = None if wanted is None else licences_named(wanted, listing.licences, path)
        left_out = dict.fromkeys(("licence", "segments", "sample"), 0)
        told: set[tuple[Any, Any]] = set()

        def candidates() -> Iterator[tuple[str, int]]:
            for position, listed in enumerate(listing.listed()):
                if listed.row and len(told) < 2:
                    told.add((listed.row["licence"], listed.row["date_captured"]))
                licence = _licence(listed.row, listing) if listed.row else None
                if allowed is not None and (licence is None or licence.id not in allowed):
                    left_out["licence"] += 1
                    continue
                range_ = sample.segments if sample else None
                infos = listed.annotation.get("segments_info")
                if range_ is not None and not range_[0] <= uncrowded(infos) <= range_[1]:
                    left_out["segments"] += 1
                    continue
                left_out["sample"] += 1
                yield self._record_id(listed.image_id), position

        if sample is None:
            chosen = {position for _, position in candidates()}
        else:
            seed = self.seed if sample.seed is None else sample.seed
            chosen = smallest(sample.n, seed, candidates())
        read = sum(left_out.values())
        if allowed is not None and len(told) == 1 and read >= _TOO_MANY_ALIKE:
            licence, date = told.pop()
            raise InputError(
                f"{path} gives all of its {read} images the licence {licence} and the date {date}, "
                "which stand for none; choose by licence in COCO's own files instead"
            )
        left_out["sample"] -= len(chosen)
        self.left_out = {reason: n for reason, n in left_out.items() if n}
        if not chosen:
            why = ", ".join(f"{n} by {reason}" for reason, n in self.left_out.items())
            raise InputError(f"nothing of {path} is chosen: left out {why}")
        return chosen

    def open(self, entry: Entry) -> Opened:
        """The record of an entry, its files checked and its segments measured.

        Reasons of a failure: ``annotation``, ``image``, ``mask``, ``unsafe path``, ``size``,
        ``ids`` (mask and annotation disagree), ``segments``, ``category``.
        """
        record_id = entry["record_id"]
        try:
            if "trouble" in entry:
                reason, detail, failed = entry["trouble"]
                return Opened(record_id, reason=reason, detail=detail, failed=failed)
            return self._opened(entry)
        except Drop as drop:
            return Opened(record_id, reason=drop.reason, detail=drop.detail)
        except RecordFailed as failure:
            return Opened(record_id, reason=failure.reason, detail=failure.detail, failed=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            detail = f"{where}: {first['msg']}"
            return Opened(record_id, reason="segments", detail=detail, failed=True)

    def _opened(self, entry: Entry) -> Opened:
        number, image = entry["photo"]
        folder, row, png = self._folders[number], entry["image"] or {}, entry["png"]
        links = self.parameters.links
        image_bytes = read_below(folder, image, "photograph", "image", links)
        if "mask" in entry:
            mask_bytes, png = _decoded(entry["mask"]), entry["where"]
        else:
            mask_bytes = read_below(self._panoptic, png, "panoptic mask", "mask", links)
        size_wh = whole_photo_size(folder / image, image, image_bytes)
        listed = [ListedSegment(*values) for values in entry["segments"]]
        read = read_mask(mask_bytes, png, listed)
        height, width = read.ids.shape
        json_wh = (row.get("width"), row.get("height"))
        scores = compare_sizes(image, size_wh, (width, height), json_wh, _BY)
        measured = measure(read.ids)
        measured.pop(0, None)
        ids = [segment.id for segment in listed]
        names = (entry["where"], "its mask" if "mask" in entry else png)
        on_mismatch = self.parameters.on_mismatch
        compare_ids(ids, measured.keys(), names, on_mismatch, from_zero=entry["from_zero"])
        if read.palette:
            scores.append(Score(name=read.palette, value=1, by=_BY))
        as_rles = "mask" in entry or bool(read.palette)
        rles = rles_from_ids(read.ids, ids) if as_rles else ()
        store = MaskStore(kind="panoptic_png", file=png, sha256=sha256_hex(mask_bytes))
        segments, differences = placed_segments(
            listed, measured, self.parameters.dataset, _BY, as_rles
        )
        record = Record(
            id=entry["record_id"],
            photo=Photo(
                file=image,
                width=width,
                height=height,
                sha256=sha256_hex(image_bytes),
                licence=Licence(**row["licence"]) if row.get("licence") else None,
                coco_url=row.get("coco_url"),
                flickr_url=row.get("flickr_url"),
                date_captured=row.get("date_captured"),
            ),
            masks=rle_store(entry["record_id"], rles) if as_rles else store,
            segments=tuple(segments),
            scores=tuple(scores + differences),
        )
        return Opened(record.id, record=record, rles=rles)

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


def _licence(row: Mapping[str, Any], listing: Listing) -> Licence | None:
    """The licence of an image; of parquet rows only COCO's own images have COCO's ids."""
    id = row["licence"]
    if id is None:
        return None
    known = isinstance(listing, RowsListing) is False or _COCO_SITE in (row["coco_url"] or "")
    return (listing.licences.get(id) if known else None) or Licence(id=id)


def _image(row: Mapping[str, Any], listing: Listing) -> dict[str, Any]:
    licence = _licence(row, listing)
    kept = ("width", "height", "coco_url", "flickr_url", "date_captured")
    return {**{key: row[key] for key in kept}, "licence": licence.model_dump() if licence else None}


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RecordFailed("mask", f"the mask's bytes cannot be read: {error}") from None
