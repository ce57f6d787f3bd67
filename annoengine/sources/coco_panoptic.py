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
from typing import Any, ClassVar

import numpy as np

from annoengine.errors import InputError, RecordFailed
from annoengine.fingerprint import sha256_of_file
from annoengine.mask import RecordFiles
from annoengine.reading.coco_json import (
    ImageIndex,
    ImageRow,
    check_arrays,
    items,
    licences_of,
    survey,
    text_of,
)
from annoengine.reading.coco_photo import image_of, read_photo_of
from annoengine.reading.coco_sample import Candidate, choose
from annoengine.reading.input_file import read_below
from annoengine.reading.panoptic_annotation import Categories, image_id_of, uncrowded
from annoengine.reading.panoptic_record import MaskPicture, PanopticParameters, panoptic_record
from annoengine.record import Licence, Record, make_record_id, split_from_name
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters

_BY = "coco_panoptic"
"""Who gives the scores that tell of the JSON's figures."""


class CocoPanopticParameters(PanopticParameters):
    """Which images of the annotation file, and under which name."""


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

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or split_from_name(self._annotations.name)

    @property
    def _annotations(self) -> Path:
        return self.input_path("annotations")

    @property
    def _panoptic(self) -> Path:
        return self.inputs.get("panoptic") or self._annotations.with_suffix("")

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        self.check_input("images", "folder")
        self.check_input("annotations", "file")
        self.check_input("panoptic", "folder", self._panoptic)

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
        check_arrays(counts, path, "panoptic")
        index.seal()
        licences = licences_of(licence_entries, path)
        categories = Categories(category_entries, path)
        candidates = self._candidates(index)
        chosen, self.left_out = choose(candidates, self.parameters, self.seed, path, licences)
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
        entry["image"] = image_of(row, licences)
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

    def _candidates(self, index: ImageIndex) -> Iterator[Candidate]:
        path = self._annotations
        for position, annotation in enumerate(items(path, "annotations")):
            image_id = image_id_of(annotation, position, path)
            found = index.find(image_id) if self.parameters.licences is not None else None
            licence = found[1]["licence"] if found else None
            count = uncrowded(annotation.get("segments_info"))
            yield Candidate(self._record_id(image_id), position, licence, count)

    def _opened(self, entry: Entry) -> Opened:
        """The record of an entry, its files checked and its segments measured.

        Reasons of a failure: ``image``, ``mask`` (missing or unreadable), ``unsafe path``,
        ``size``, ``ids`` (PNG and JSON disagree), ``segments``, ``category``.
        """
        p, png = self.parameters, entry["png"]
        photo, _ = read_photo_of(entry["image"], self.input_path("images"), p.links)
        data = read_below(self._panoptic, png, "panoptic mask", "mask", p.links)
        name = self._annotations.name
        return panoptic_record(entry, photo, MaskPicture(data, png), name, p, _BY)

    def files(self, record: Record) -> RecordFiles:
        """Where the record's photograph and its mask PNG lie."""
        panoptic = record.masks.file if record.masks else None
        return RecordFiles(
            image=self.input_path("images") / record.photo.file,
            panoptic=self._panoptic / panoptic if panoptic else None,
        )
