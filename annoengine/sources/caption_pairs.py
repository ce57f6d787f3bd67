"""Begins records at pairs of captions: what is to be scored, and what it is scored against.

Both are lists as PancapScore's authors publish them, ``[{"image_path": …, "gt_response": …}]`` and
``[{"image_path": …, "model_response": …}]``; either key serves either side. Pairs are found by the
last three components of the path. A record has both captions, of the stages ``reference`` and
``prediction``; one without a prediction has the reference alone and scores 0 later. Predictions of
images without a reference are left out and counted.

Photographs are not needed. With the input ``images`` their sizes are read, by which boxes in
pixels are understood; without, a photograph counts as 1 × 1, so that shares are its pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from annoengine.errors import InputError, RecordFailed
from annoengine.fingerprint import sha256_of_file
from annoengine.mask import RecordFiles
from annoengine.pancap.embedded_score import open_captions
from annoengine.pancap.published_files import CONTENT, PublishedList, short_path
from annoengine.photo import photo_size_wh
from annoengine.reading.coco_sample import IdPart
from annoengine.reading.input_file import is_safe_path
from annoengine.record import Caption, Origin, Photo, Record, make_record_id, split_from_name
from annoengine.source import Entry, Opened, Source
from annoengine.stage import Parameters

REFERENCE, PREDICTION = "reference", "prediction"
"""Who wrote a caption: the stage that its origin names."""


class CaptionPairsParameters(Parameters):
    """Under which name the records go."""

    dataset: IdPart = "captions"
    """The dataset's name: the first part of each record's id."""
    split: IdPart | None = None
    """The split; unset, as the name of the references' file tells."""


class CaptionPairs(Source):
    """Pairs of captions, in the order of the references."""

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"captions"})
    INPUTS: ClassVar[Mapping[str, str]] = {
        "predictions": "the list of captions to score (image_path and model_response)",
        "references": "the list of captions to score against (image_path and gt_response)",
        "images": "the folder with the photographs, where boxes are in pixels",
    }
    Parameters: ClassVar[type[Parameters]] = CaptionPairsParameters
    parameters: CaptionPairsParameters

    @property
    def split(self) -> str:
        """The split of every record."""
        return self.parameters.split or split_from_name(self.input_path("references").name)

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""
        self.check_input("references", "file")
        self.check_input("predictions", "file")
        if "images" in self.inputs:
            self.check_input("images", "folder")

    def fingerprint(self) -> Mapping[str, Any]:
        """The files' hashes, and the split that the name tells."""
        self.check()
        names = ("predictions", "references")
        hashes = {name: sha256_of_file(self.inputs[name]) for name in names}
        return {**hashes, "images": "images" in self.inputs, "split": self.split}

    def entries(self) -> Iterator[Entry]:
        """The pairs in their order. Raises InputError naming the file and the place in it."""
        self.check()
        with (
            open_list(self.inputs["references"]) as references,
            open_list(self.inputs["predictions"]) as predictions,
        ):
            self.left_out = _strangers(predictions, references)
            for image in references.images:
                if not image:
                    raise InputError(f"{references.path}: an entry has an empty image_path")
                yield {
                    "record_id": make_record_id(self.parameters.dataset, self.split, image),
                    "image": {"file_name": image},
                    REFERENCE: references.get(image),
                    PREDICTION: predictions.get(image),
                }

    def _opened(self, entry: Entry) -> Opened:
        """The record of a pair. Raises RecordFailed: ``image``, where its size cannot be read."""
        file = entry["image"]["file_name"]
        captions = tuple(
            Caption(text=entry[side], origin=Origin(stage=side, model=""))
            for side in (REFERENCE, PREDICTION)
            if entry[side] is not None
        )
        record = Record(id=entry["record_id"], photo=self._photo(file), captions=captions)
        return Opened(entry["record_id"], record)

    def _photo(self, file: str) -> Photo:
        if "images" not in self.inputs:
            return Photo(file=file, width=1, height=1, sha256="")
        if not is_safe_path(short_path(file)):
            raise RecordFailed("unsafe path", f"the image_path {file!r} leads out of its folder")
        path = self._path(file)
        try:
            width, height = photo_size_wh(path)
        except InputError as error:
            raise RecordFailed("image", str(error)) from None
        return Photo(file=file, width=width, height=height, sha256=sha256_of_file(path))

    def _path(self, file: str) -> Path:
        """Where a photograph lies: under its whole path, or by its name alone."""
        folder = self.inputs["images"]
        whole = folder / short_path(file)
        return whole if whole.is_file() else folder / Path(file).name

    def files(self, record: Record) -> RecordFiles:
        """Where the photograph lies, if there are any."""
        file = record.photo.file
        return RecordFiles(image=self._path(file) if "images" in self.inputs else Path(file))


def open_list(path: Path) -> PublishedList:
    """A list of captions. Raises InputError for what is none, extracted content among it."""
    listed = open_captions(path)
    if listed.kind is CONTENT:
        listed.__exit__(None, None, None)
        raise InputError(
            f"{path} is a list of extracted content (all_content), which has no captions to read; "
            "give the captions (gt_response or model_response)"
        )
    return listed


def _strangers(predictions: PublishedList, references: PublishedList) -> dict[str, int]:
    known = set(references.images)
    count = sum(1 for image in predictions.images if image not in known)
    return {"no reference": count} if count else {}
