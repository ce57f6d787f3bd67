"""Goes over a COCO file once: its tables, then its annotations, then the file as a whole.

A template method: the order, the image that an annotation is of, and the mended file are here; a
kind of file says in a subclass what its annotations are checked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annoengine.checks.coco_tables import (
    ANNOTATION_MALFORMED,
    IMAGE_MISSING,
    CocoTables,
    ListedImage,
    is_image_id,
)
from annoengine.checks.mended_file import MendedFile
from annoengine.reading.coco_json import text_of
from annoengine.validator import Dataset, Finding, Place, Validator


class CocoPass(ABC):
    """One going over a file; counts and notes go to its validator."""

    def __init__(self, validator: Validator, dataset: Dataset) -> None:
        self._validator = validator
        self._dataset = dataset
        self._file = dataset.file.name
        self._tables = CocoTables(dataset.file)
        self._listed = 0
        """Entries of ``annotations``, known before the first is checked."""

    def check(self) -> Iterator[Finding]:
        """Everything that is wrong."""
        return self._findings(None)

    def fix(self, target: Path) -> Iterator[Finding]:
        """The same; writes the mended file, unless nothing in the file can be checked."""
        with MendedFile(self._dataset.file, target) as mended:
            yield from self._findings(mended)

    def _findings(self, mended: MendedFile | None) -> Iterator[Finding]:
        whole = self._tables.read(self._count_and_glance)
        yield from self._tables.findings
        if not whole:
            return
        self._validator.count("images", len(self._tables))
        yield from self._check_annotations(mended)
        yield from self._check_whole()
        if mended is not None:
            mended.finish(self._to_be_ordered())

    def _count_and_glance(self, annotation: Any) -> None:
        self._listed += 1
        self._glance(annotation)

    @abstractmethod
    def _glance(self, annotation: Any) -> None:
        """Takes note of what must be known of all annotations before the first is checked."""

    @abstractmethod
    def _check_annotations(self, mended: MendedFile | None) -> Iterator[Finding]:
        """What is wrong with each annotation; adds its mended form to the file."""

    @abstractmethod
    def _check_whole(self) -> Iterator[Finding]:
        """What is wrong with the file as a whole."""

    def _to_be_ordered(self) -> bool:
        """Are the mended annotations to be put into the order of their images?"""
        return False

    def _image_of(
        self, annotation: dict[str, Any], called: str = "segment"
    ) -> tuple[ListedImage | None, Place]:
        """The image of an annotation, if it is listed, and where findings about it are."""
        image_id = annotation.get("image_id")
        image = self._tables.image(image_id)
        known_id = image_id if is_image_id(image_id) else None
        if isinstance(known_id, str):
            known_id = text_of(known_id)
        return image, Place(self._file, known_id, image.file_name if image else None, called)

    def _without_image(self, where: str, place: Place, id: int | None = None) -> Finding:
        """The finding of an annotation that :meth:`_image_of` found no image for."""
        if place.image_id is None:
            return ANNOTATION_MALFORMED.at(place, f"{where} has no 'image_id'", id)
        message = f"{where}: {self._tables.why_missing(place.image_id)}"
        return IMAGE_MISSING.at(place, message, id)
