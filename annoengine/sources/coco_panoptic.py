"""Begins records at a COCO panoptic annotation file: photographs, segments and the mask PNGs.

The PNG is the truth for where a segment lies, and the JSON is only compared with it (COCO's own
files agree to the pixel): see ``annoengine/reading/panoptic_record.py``. A PNG with a palette is
kept as RLEs.

What is wrong with the file as a whole (no JSON, an id used twice, a missing array) is the user's
to mend and ends the run; what is wrong with one image fails that image alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, ValidationError

from annoengine.errors import Drop, InputError, RecordFailed
from annoengine.fingerprint import sha256_hex, sha256_of_file
from annoengine.mask import RecordFiles, rles_from_ids
from annoengine.reading.coco_json import ImageIndex, ImageRow, items, licences_of, survey, text_of
from annoengine.reading.coco_sample import Sample, licences_named, smallest
from annoengine.reading.input_file import Links, read_below, whole_photo_size
from annoengine.reading.panoptic_annotation import Categories, ListedSegment, image_id_of, uncrowded
from annoengine.reading.panoptic_record import (
    compare_ids,
    compare_sizes,
    placed_segments,
    read_mask,
    rle_store,
)
from annoengine.record import (
    Licence,
    MaskStore,
    Photo,
    Record,
    Score,
    make_record_id,
    split_from_name,
)
from annoengine.segments_png import measure
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters

_BY = "coco_panoptic"
"""Who gives the scores that tell of the JSON's figures."""


class CocoPanopticParameters(Parameters):
    """Which images of the annotation file, and under which name."""

    dataset: str = Field(default="coco", pattern=r"^[^/]+$")
    """The dataset's name: the first part of each record's id."""
    split: str | None = Field(default=None, pattern=r"^[^/]+$")
    """The split's name; told by the annotation file's name unless set."""
    sample: Sample | None = None
    """Take only a sample of the images."""
    licences: tuple[int | str, ...] | None = None
    """Take only photographs under these licences: ids, or parts of a name or URL."""
    on_mismatch: Literal["fail", "drop"] = "fail"
    """What becomes of an image whose PNG and JSON do not name the same segments."""
    links: Links = "follow"
    """Whether photographs and masks may be symbolic links that lead out of their folder."""


class CocoPanoptic(Source):
    """Photographs with COCO's panoptic segments, in the order of ``annotations``.

    After :meth:`entries` has run through, ``left_out`` says how many annotations the sample and
    the licences left aside.
    """

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"masks", "segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {
        "images": "the folder with the photographs",
        "annotations": "the panoptic JSON file",
        "panoptic": "the folder with the mask PNGs (default: beside the JSON, named like it)",
    }
    Parameters: ClassVar[type[Parameters]] = CocoPanopticParameters
    parameters: CocoPanopticParameters

    def __init__(self, parameters: Any, inputs: Mapping[str, Path], seed: int) -> None:
        super().__init__(parameters, inputs, seed)

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or split_from_name(self._annotations.name)

    @property
    def _annotations(self) -> Path:
        return self._input("annotations")

    @property
    def _panoptic(self) -> Path:
        if "panoptic" in self.inputs:
            return self.inputs["panoptic"]
        return self._annotations.with_suffix("")

    def _input(self, name: str) -> Path:
        if name not in self.inputs:
            raise InputError(
                f"the input {name!r} is missing: give {self.INPUTS[name]} with --input {name}=PATH"
            )
        return self.inputs[name]

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        for name, path in (
            ("images", self._input("images")),
            ("annotations", self._annotations),
            ("panoptic", self._panoptic),
        ):
            wanted = "a file" if name == "annotations" else "a folder"
            if path.is_file() if name == "annotations" else path.is_dir():
                continue
            found = "does not exist" if not path.exists() else f"is not {wanted}"
            raise InputError(f"{path} {found}; give {self.INPUTS[name]} with --input {name}=PATH")

    def fingerprint(self) -> Mapping[str, Any]:
        """The annotation file's hash, and the split that its name tells."""
        self.check()
        return {"annotations": sha256_of_file(self._annotations), "split": self.split}

    def entries(self) -> Iterator[Entry]:
        """The images in the order of ``annotations``; then those that have no annotation.

        With a sample or licences, only what they choose. Raises InputError naming the file and
        the place in it.
        """
        path = self._annotations
        index = ImageIndex(path)
        category_entries: list[Any] = []
        licence_entries: list[Any] = []
        counts = survey(
            path,
            {
                "images": index.add,
                "categories": category_entries.append,
                "licenses": licence_entries.append,
                "annotations": None,
            },
        )
        for name in ("images", "annotations", "categories"):
            if name not in counts:
                raise InputError(f"{path} has no {name!r}; is it a COCO panoptic file?")
            if not counts[name]:
                raise InputError(f"{path} has no {name}: the array {name!r} is empty")
        index.seal()
        licences = licences_of(licence_entries, path)
        categories = Categories(category_entries, path)
        chosen = self._chosen(index, licences)
        seen = np.zeros(len(index), dtype=np.bool_)
        for position, annotation in enumerate(items(path, "annotations")):
            image_id = image_id_of(annotation, position, path)
            found = index.find(image_id)
            if found is not None:
                if seen[found[0]]:
                    raise InputError(
                        f"{path}: annotations[{position}] is a second one for image {image_id}; "
                        "remove one of them"
                    )
                seen[found[0]] = True
            if chosen is None or position in chosen:
                row = found[1] if found else None
                yield self._entry(annotation, image_id, position, row, licences, categories)
        if chosen is None:
            for position in np.flatnonzero(~seen).tolist():
                yield self._alone(index.row(position)["id"])

    def _entry(
        self,
        annotation: dict[str, Any],
        image_id: str,
        position: int,
        row: ImageRow | None,
        licences: Mapping[int, Licence],
        categories: Categories,
    ) -> Entry:
        entry: dict[str, Any] = {"record_id": self._record_id(image_id)}
        where = f"{self._annotations.name}: annotations[{position}], image {image_id}"
        try:
            if row is None:
                raise RecordFailed("image", f"{where}: there is no such image in 'images'")
            segments = categories.segments(annotation, where)
        except RecordFailed as failed:
            return {**entry, "trouble": [failed.reason, failed.detail, True]}
        licence = licences.get(row["licence"]) if row["licence"] is not None else None
        if licence is None and row["licence"] is not None:
            licence = Licence(id=row["licence"])
        entry["image"] = {
            "file_name": row["file_name"],
            "width": row["width"],
            "height": row["height"],
            "licence": licence.model_dump() if licence else None,
            "coco_url": row["coco_url"],
            "flickr_url": row["flickr_url"],
            "date_captured": row["date_captured"],
        }
        entry["png"] = text_of(annotation.get("file_name"))
        entry["segments"] = [list(segment) for segment in segments]
        return entry

    def _alone(self, image_id: str) -> Entry:
        detail = f"{self._annotations.name} has no annotation for image {image_id}"
        return {
            "record_id": self._record_id(image_id),
            "trouble": ["no annotation", detail, False],
        }

    def _record_id(self, image_id: str) -> str:
        return make_record_id(self.parameters.dataset, self.split, image_id)

    def _chosen(self, index: ImageIndex, licences: Mapping[int, Licence]) -> set[int] | None:
        """Positions in ``annotations`` that the sample and the licences choose; None for all."""
        sample = self.parameters.sample
        if sample is None and self.parameters.licences is None:
            return None
        left_out = dict.fromkeys(("licence", "segments", "sample"), 0)
        candidates = self._candidates(index, licences, left_out)
        if sample is None:
            chosen = {position for _, position in candidates}
        else:
            seed = self.seed if sample.seed is None else sample.seed
            chosen = smallest(sample.n, seed, candidates)
            left_out["sample"] -= len(chosen)
        self.left_out = {reason: n for reason, n in left_out.items() if n}
        if not chosen:
            why = ", ".join(f"{n} by {reason}" for reason, n in self.left_out.items())
            raise InputError(f"nothing of {self._annotations} is chosen: left out {why}")
        return chosen

    def _candidates(
        self, index: ImageIndex, licences: Mapping[int, Licence], left_out: dict[str, int]
    ) -> Iterator[tuple[str, int]]:
        """Record ids and positions of what licences and segments allow, counted as "sample"."""
        path = self._annotations
        wanted, sample = self.parameters.licences, self.parameters.sample
        allowed = None if wanted is None else licences_named(wanted, licences, path)
        range_ = sample.segments if sample else None
        for position, annotation in enumerate(items(path, "annotations")):
            image_id = image_id_of(annotation, position, path)
            found = index.find(image_id) if allowed is not None else None
            if allowed is not None and (found is None or found[1]["licence"] not in allowed):
                left_out["licence"] += 1
                continue
            count = uncrowded(annotation.get("segments_info"))
            if range_ is not None and not range_[0] <= count <= range_[1]:
                left_out["segments"] += 1
                continue
            if sample is not None:
                left_out["sample"] += 1
            yield self._record_id(image_id), position

    def open(self, entry: Entry) -> Opened:
        """The record of an entry, its files checked and its segments measured.

        Reasons of a failure: ``image``, ``mask`` (missing or unreadable), ``unsafe path``,
        ``size``, ``ids`` (PNG and JSON disagree), ``segments``, ``category``.
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
            return Opened(
                record_id, reason="segments", detail=f"{where}: {first['msg']}", failed=True
            )

    def _opened(self, entry: Entry) -> Opened:
        row = entry["image"]
        images, image, png = self._input("images"), row["file_name"], entry["png"]
        links = self.parameters.links
        image_bytes = read_below(images, image, "photograph", "image", links)
        png_bytes = read_below(self._panoptic, png, "panoptic mask", "mask", links)
        size_wh = whole_photo_size(images / image, image, image_bytes)
        listed = [ListedSegment(*values) for values in entry["segments"]]
        read = read_mask(png_bytes, png, listed)
        height, width = read.ids.shape
        json_wh = (row["width"], row["height"])
        scores = compare_sizes(image, size_wh, (width, height), json_wh, _BY)
        measured = measure(read.ids)
        measured.pop(0, None)
        ids = [segment.id for segment in listed]
        names = (self._annotations.name, png)
        compare_ids(ids, measured.keys(), names, self.parameters.on_mismatch)
        if read.palette:
            scores.append(Score(name=read.palette, value=1, by=_BY))
        rles = rles_from_ids(read.ids, ids) if read.palette else ()
        store = MaskStore(kind="panoptic_png", file=png, sha256=sha256_hex(png_bytes))
        segments, differences = placed_segments(
            listed, measured, self.parameters.dataset, _BY, as_rles=bool(read.palette)
        )
        record = Record(
            id=entry["record_id"],
            photo=Photo(
                file=image,
                width=width,
                height=height,
                sha256=sha256_hex(image_bytes),
                licence=Licence(**row["licence"]) if row["licence"] else None,
                coco_url=row["coco_url"],
                flickr_url=row["flickr_url"],
                date_captured=row["date_captured"],
            ),
            masks=rle_store(entry["record_id"], rles) if read.palette else store,
            segments=tuple(segments),
            scores=tuple(scores + differences),
        )
        return Opened(record.id, record=record, rles=rles)

    def files(self, record: Record) -> RecordFiles:
        """Where the record's photograph and its mask PNG lie."""
        panoptic = record.masks.file if record.masks else None
        return RecordFiles(
            image=self._input("images") / record.photo.file,
            panoptic=self._panoptic / panoptic if panoptic else None,
        )
