"""Checks the pair of files that GLaMM's evaluation compares with: captions and masks of a split.

The file of the masks is checked as an instances file of its own; here is what the two say of each
other, since the evaluation takes the n-th label of an image to be about its n-th mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from annoengine.checks.caption_checks import CAPTION_EMPTY, faults_of_caption
from annoengine.checks.coco_tables import (
    ANNOTATION_MALFORMED,
    FILE_MALFORMED,
    IMAGE_SIZE_MISSING,
    CocoTables,
    ImageId,
    is_image_id,
)
from annoengine.checks.gcg_predictions import PHRASE_ELSEWHERE, PHRASE_EMPTY
from annoengine.errors import InputError
from annoengine.reading.coco_json import items, shown, survey
from annoengine.validator import Code, Dataset, Finding, Place, Validator
from annoengine.writing.gcg_truth import evaluated_id

PAIR_MISSING = Code("mask-file-missing", "warning", "the file of the masks is not beside it")
LABEL_COUNT = Code(
    "label-count-differs", "error", "images with labels of another number than their masks"
)
MASK_CATEGORY = Code("mask-category-not-1", "error", "masks of a category other than 1")
MASK_WITHOUT_CAPTION = Code("mask-without-caption", "error", "images with masks and no caption")
CAPTION_TWICE = Code("caption-twice", "error", "images with two captions")
IMAGE_ID_NAME = Code(
    "image-id-differs", "warning", "image ids under which no prediction will be looked for"
)

CODES = (
    PAIR_MISSING,
    LABEL_COUNT,
    MASK_CATEGORY,
    MASK_WITHOUT_CAPTION,
    CAPTION_TWICE,
    IMAGE_ID_NAME,
)

_CAPTIONS, _MASKS = "_caption_gt.json", "_mask_gt.json"


def mask_file_of(path: Path) -> Path | None:
    """The file of the masks beside one of captions, by its name; None where it is not there."""
    if not path.name.endswith(_CAPTIONS):
        return None
    found = path.with_name(path.name.removesuffix(_CAPTIONS) + _MASKS)
    return found if found.is_file() else None


def pair_findings(validator: Validator, dataset: Dataset) -> Iterator[Finding]:
    """The captions in their order, then what the masks say that they do not."""
    path = dataset.file
    masks, left = mask_file_of(path), _MaskCounts()
    tables = CocoTables(path)
    whole = tables.read(lambda _: None)
    for finding in tables.findings:
        # Captions have no categories, and nobody asks them for a size.
        if finding.code != IMAGE_SIZE_MISSING.name and "'categories'" not in finding.message:
            yield finding
    if not whole:
        return
    if masks is None:
        yield PAIR_MISSING.at(Place(path.name), f"there is no …{_MASKS} of the same name")
    else:
        try:
            survey(masks, {"annotations": left.add})
        except InputError as error:
            yield FILE_MALFORMED.at(Place(masks.name), str(error))
            masks = None
    validator.count("images", len(tables))
    yield from _name_findings(tables, path.name)
    seen: set[ImageId] = set()
    listed = tables.counts["annotations"]
    for position, annotation in enumerate(items(path, "annotations")):
        validator.progress(position + 1, listed)
        yield from _caption_findings(validator, path.name, position, annotation, tables, seen)
        id = annotation.get("image_id") if isinstance(annotation, dict) else None
        labels = annotation.get("labels") if isinstance(annotation, dict) else None
        if masks is not None and is_image_id(id) and isinstance(labels, list):
            n = left.take(id)
            if n != len(labels):
                message = f"it has {len(labels)} labels, {masks.name} {n} masks"
                yield LABEL_COUNT.at(Place(path.name, id), message)
    if masks is not None:
        yield from left.findings(masks.name)


def _name_findings(tables: CocoTables, file: str) -> Iterator[Finding]:
    for image in tables:
        name = image.file_name
        if name and str(image.id) != evaluated_id(name):
            message = f"{name} is predicted in {evaluated_id(name)}.json, not {image.id}.json"
            yield IMAGE_ID_NAME.at(Place(file, image.id, name), message)


def _caption_findings(
    validator: Validator,
    file: str,
    position: int,
    annotation: Any,
    tables: CocoTables,
    seen: set[ImageId],
) -> Iterator[Finding]:
    where = f"annotations[{position}]"
    id = annotation.get("image_id") if isinstance(annotation, dict) else None
    image = tables.image(id)
    if image is None:
        message = f"{where} is of the image {shown(id)}, which is not in 'images'"
        yield ANNOTATION_MALFORMED.at(Place(file), message)
        return
    place = Place(file, image.id, image.file_name, "label")
    if image.id in seen:
        yield CAPTION_TWICE.at(place, f"{where} is a second one")
    seen.add(image.id)
    caption, labels = annotation.get("caption"), annotation.get("labels")
    if not isinstance(labels, list) or not isinstance(caption, str):
        yield ANNOTATION_MALFORMED.at(place, f"{where} lacks a 'caption' or a list 'labels'")
        return
    validator.count("captions")
    validator.count("phrases", len(labels))
    if not caption.strip():
        yield CAPTION_EMPTY.at(place, f"the caption is {shown(caption)}")
    else:
        for code, message in faults_of_caption(
            caption, len(labels), validator.rules.min_caption_chars
        ):
            yield code.at(place, message)
    for number, label in enumerate(labels, start=1):
        if not isinstance(label, str) or not label.strip():
            yield PHRASE_EMPTY.at(place, f"the label is {shown(label)}", number)
        elif label not in caption:
            yield PHRASE_ELSEWHERE.at(place, f"{shown(label)} is not in the caption", number)


class _MaskCounts:
    """How many masks each image has, until its caption is met."""

    def __init__(self) -> None:
        self._counts: dict[ImageId, int] = {}
        self._others = 0
        self._first_other = ""

    def add(self, annotation: Any) -> None:
        """One annotation of the masks."""
        if not isinstance(annotation, dict):
            return
        id, category = annotation.get("image_id"), annotation.get("category_id")
        if category != 1:
            self._others += 1
            self._first_other = self._first_other or f"{shown(category)} of image {shown(id)}"
        if is_image_id(id):
            self._counts[id] = self._counts.get(id, 0) + 1

    def take(self, id: ImageId) -> int:
        """The masks of an image, which has a caption."""
        return self._counts.pop(id, 0)

    def findings(self, file: str) -> Iterator[Finding]:
        """What is left: masks that the evaluation passes over, and images without a caption."""
        if self._others:
            message = (
                f"{self._others:,} masks have another category, first {self._first_other}; the "
                "evaluation asks for 1 alone"
            )
            yield MASK_CATEGORY.at(Place(file), message)
        for id, n in self._counts.items():
            yield MASK_WITHOUT_CAPTION.at(Place(file, id), f"its {n} masks have no caption")
