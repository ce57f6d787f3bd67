"""Begins records at a folder of photographs alone; a segmenter finds the regions to speak of.

What is known of a region is where it lies: its category is ``region``, as a free tag. Who needs
to know what it is asks a model in a later stage.

The fingerprint holds the names and sizes of the files. Their contents are hashed one by one when
they are opened: a photograph that was painted over in place at the same size is found by the
stages that read it, which compare its hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from annoengine.errors import InputError, RecipeError, RecordFailed
from annoengine.photo import decode_photo
from annoengine.reading.coco_photo import read_photo_of
from annoengine.reading.photo_folder import (
    PhotoFolderParameters,
)
from annoengine.reading.photo_source import PhotoSource
from annoengine.reading.rle_segments import Drawn, RleSegments, segments_of
from annoengine.record import Category
from annoengine.requirement import Requirement
from annoengine.segmenter import MAX_REGIONS, Segmenter, find_segmenter
from annoengine.source import Entry, Opened
from annoengine.stage import Parameters

REGION = Category(name="region")
"""The category of a region of which nothing is known."""


class ImagesParameters(PhotoFolderParameters):
    """Which photographs of the folder, and who finds their regions."""

    # Where a model lies, and on which device it runs, changes no region: the source's content has
    # what does, so these stay out of the fingerprint.
    segmenter: str = Field(default="graph", exclude=True)
    """Who finds the regions: ``graph``, ``sam:PATH`` (a folder with the model), or ``none``."""
    max_regions: int = Field(default=MAX_REGIONS, ge=1, exclude=True)
    """The most regions of one photograph."""
    options: Mapping[str, Any] = Field(default={}, exclude=True)
    """Settings of the segmenter, by name."""


class Images(PhotoSource):
    """Photographs in the order of their names, with the regions that a segmenter finds.

    The input ``images`` is a folder, one photograph, a tar of photographs, or a folder of such
    tars (a webdataset).
    """

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset({"masks", "segments"})
    INPUTS: ClassVar[Mapping[str, str]] = {"images": "the folder or tars with the photographs"}
    Parameters: ClassVar[type[Parameters]] = ImagesParameters
    parameters: ImagesParameters

    def __init__(self, parameters: Any, inputs: Mapping[str, Path], seed: int) -> None:
        super().__init__(parameters, inputs, seed)
        self._segmenter = self._found()
        if self.parameters.segmenter == "none":
            # A recipe whose stages need segments is refused before anything is read.
            vars(self)["GIVES"] = frozenset()

    def _found(self) -> Segmenter | None:
        """Raises RecipeError for a segmenter, or a setting of it, that is not there."""
        p = self.parameters
        if p.segmenter != "none":
            return find_segmenter(p.segmenter, p.max_regions, p.options)
        if p.options:
            raise RecipeError("'options' are the segmenter's, and 'segmenter' is none")
        return None

    def check(self) -> None:
        """Raises InputError for a path that is missing, SettingError for a segmenter's extra."""
        super().check()
        if self._segmenter:
            self._segmenter.check()

    def requirements(self) -> Sequence[Requirement]:
        """The segmenter's."""
        return self._segmenter.requirements() if self._segmenter else ()

    def fingerprint(self) -> Mapping[str, Any]:
        """Names and sizes of the photographs, the split, and what finds the regions."""
        self.check()
        segmenter = self._segmenter
        return {
            "photographs": self.listing().fingerprint(),
            "split": self.split,
            "segmenter": dict(segmenter.fingerprint()) if segmenter else None,
        }

    def _opened(self, entry: Entry) -> Opened:
        """The record of a photograph, its regions found.

        Reasons of a failure: ``image`` (missing, cut off, no picture), ``file name``,
        ``unsafe path`` (a link out of the folder).
        """
        folder = self.folder
        photo, data = read_photo_of(entry["image"], folder, self.parameters.links)
        return self._regions(data, photo.file).opened(entry["record_id"], photo)

    def _regions(self, data: bytes, name: str) -> RleSegments:
        segmenter = self._segmenter
        if segmenter is None:
            return RleSegments((), ())
        try:
            photo = decode_photo(data, name)
        except InputError as error:
            raise RecordFailed("image", str(error)) from None
        return segments_of(
            Drawn(region.mask, REGION, segmenter.name, region.score)
            for region in segmenter.regions(photo)
        )
