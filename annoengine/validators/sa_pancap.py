"""Validates SA-Pancap files, ours or the published ones: captions with boxes, and lists of images.

Entries are streamed and checked by all cores. Where a data list lies beside the captions, both must
name the same images; of these a hash each is held. How many entities an image may have is no rule
of the format.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from annoengine.checks import photo_checks
from annoengine.checks.coco_tables import FILE_MALFORMED
from annoengine.checks.list_pass import ListReport, first_entry, list_findings
from annoengine.checks.panoptic_checks import CHECK_DIED
from annoengine.errors import InputError
from annoengine.pancap import caption_list_checks
from annoengine.pancap.caption_list_checks import (
    IMAGE_TWICE,
    KEYS,
    LIST_DIFFERS,
    check_caption_entry,
    path_findings,
)
from annoengine.pancap.published_files import is_path_list, list_beside, read_paths
from annoengine.reading.coco_json import text_hash
from annoengine.validator import Code, Dataset, Finding, Place, Validator


class SaPancap(Validator):
    """Captions with boxes, and lists of images."""

    ABOUT: ClassVar[str] = "a file of SA-Pancap: captions with boxes, or a list of images"
    CODES: ClassVar[tuple[Code, ...]] = (
        FILE_MALFORMED,
        CHECK_DIED,
        *caption_list_checks.CODES,
        *photo_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Is its first entry an image's path with a caption, or the path of a photograph?"""
        if path.suffix.lower() != ".json" or not path.is_file():
            return False
        entry = first_entry(path)
        if isinstance(entry, dict):
            return "image_path" in entry and any(key in entry for key in KEYS)
        return is_path_list(path)

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Entry by entry, and then against the data list that lies beside."""
        if is_path_list(dataset.file):
            yield from self._check_list(dataset)
            return
        images: set[int] = set()

        def take(report: ListReport) -> None:
            if report.told:
                images.add(text_hash(report.told))

        yield from list_findings(self, dataset, check_caption_entry, take=take)
        beside = list_beside(dataset.file)
        if beside is not None:
            yield from _compared(beside, dataset.file, images)
            self.notes.append(f"the images were compared with {beside.name}")

    def _check_list(self, dataset: Dataset) -> Iterator[Finding]:
        seen: set[int] = set()
        name = dataset.file.name
        try:
            for path in read_paths(dataset.file):
                self.count("images")
                place = Place(name, path)
                if text_hash(path) in seen:
                    yield IMAGE_TWICE.at(place, "an earlier entry is the same")
                seen.add(text_hash(path))
                yield from path_findings(path, place, dataset.images)
        except InputError as error:
            yield FILE_MALFORMED.at(Place(name), str(error))


def _compared(beside: Path, captions: Path, images: set[int]) -> Iterator[Finding]:
    place = Place(beside.name)
    listed = 0
    left = set(images)
    try:
        for path in read_paths(beside):
            listed += 1
            if text_hash(path) not in images:
                message = f"{path!r} is listed, and {captions.name} has no caption of it"
                yield LIST_DIFFERS.at(place, message)
            left.discard(text_hash(path))
    except InputError as error:
        yield FILE_MALFORMED.at(place, str(error))
        return
    if left:
        message = f"{len(left)} images of {captions.name} are not among its {listed}"
        yield LIST_DIFFERS.at(place, message)
