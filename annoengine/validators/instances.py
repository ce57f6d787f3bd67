"""Validates COCO instances files: polygons, run-length encodings, or boxes alone.

The JSON is streamed twice, and annotations are checked one by one, in this process: reading one
costs about as much as checking it, and sending it elsewhere more than both. Of the whole dataset
only the ids of images and annotations are held.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from annoengine.checks import box_checks, coco_tables, photo_checks, segmentation_checks
from annoengine.checks.coco_pass import CocoPass
from annoengine.checks.coco_tables import (
    ANNOTATION_MALFORMED,
    CATEGORY_UNKNOWN,
    ISCROWD_MALFORMED,
    ImageId,
    first_annotation,
    is_flag,
)
from annoengine.checks.instance_checks import AnnotationTask, check_annotation
from annoengine.checks.mended_file import MendedFile
from annoengine.checks.photo_checks import check_photo
from annoengine.reading.coco_json import is_whole, items, shown
from annoengine.validator import Code, Dataset, Finding, Place, Validator

ANNOTATION_ID_TWICE = Code("annotation-id-twice", "error", "annotation ids that are used twice")
ANNOTATION_ID_ZERO = Code(
    "annotation-id-zero", "warning", "the annotation id 0, which COCO's evaluation takes for none"
)
"""Source: ``cocoeval.py`` of cocodataset/cocoapi keeps ids of matches in arrays of zeros."""


class Instances(Validator):
    """COCO instances JSON: an annotation an object."""

    ABOUT: ClassVar[str] = "a COCO instances file"
    CODES: ClassVar[tuple[Code, ...]] = (
        *coco_tables.CODES,
        ANNOTATION_ID_TWICE,
        ANNOTATION_ID_ZERO,
        *segmentation_checks.CODES,
        *box_checks.CODES,
        *photo_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Is its first annotation a single object of a category, with a box or a mask?"""
        first = first_annotation(path)
        if not isinstance(first, dict) or "segments_info" in first:
            return False
        return "category_id" in first and ("bbox" in first or "segmentation" in first)

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Tables first, then annotation by annotation, then the photographs."""
        return _Pass(self, dataset).check()

    def fix(self, dataset: Dataset, target: Path) -> Iterator[Finding]:
        """Mends boxes where there are masks, and areas where these are RLEs."""
        return _Pass(self, dataset).fix(target)


class _Pass(CocoPass):
    """One going over an instances file."""

    def __init__(self, validator: Instances, dataset: Dataset) -> None:
        super().__init__(validator, dataset)
        self._masked = False
        self._ids: set[int] = set()
        self._annotated: set[ImageId] = set()

    def _glance(self, annotation: Any) -> None:
        self._masked |= isinstance(annotation, dict) and "segmentation" in annotation

    def _check_annotations(self, mended: MendedFile | None) -> Iterator[Finding]:
        self._validator.count("annotations", self._listed)
        for position, annotation in enumerate(items(self._dataset.file, "annotations")):
            report = check_annotation(self._task(annotation, position))
            self._validator.progress(position + 1, self._listed)
            if mended is not None:
                changed = {**annotation, **report.changes} if report.changes else annotation
                mended.add(changed)
            yield from report.findings

    def _check_whole(self) -> Iterator[Finding]:
        if self._dataset.images is not None:
            for image in self._tables:
                place = Place(self._file, image.id, image.file_name)
                self._validator.count("photographs")
                yield from check_photo(place, self._dataset.images, image)
        bare = len(self._tables) - len(self._annotated)
        if bare:
            self._validator.notes.append(f"{bare:,} images have no annotation")

    def _task(self, annotation: Any, position: int) -> AnnotationTask:
        where = f"annotations[{position}]"
        if not isinstance(annotation, dict):
            place = Place(self._file)
            found = ANNOTATION_MALFORMED.at(place, f"{where} is no object")
            return AnnotationTask(place, None, {}, None, self._masked, [found])
        image, place = self._image_of(annotation, "annotation")
        id = annotation.get("id")
        before: list[Finding] = []
        if not is_whole(id):
            before.append(ANNOTATION_MALFORMED.at(place, f"{where} has the id {shown(id)}"))
            id = None
        elif id in self._ids:
            message = f"{where} has the id {id}, as an earlier annotation has"
            before.append(ANNOTATION_ID_TWICE.at(place, message, id))
        else:
            self._ids.add(id)
            if id == 0:
                message = f"{where} has the id 0; its matches are counted as misses"
                before.append(ANNOTATION_ID_ZERO.at(place, message, id))
        if image is None:
            before.append(self._without_image(where, place, id))
        else:
            self._annotated.add(image.id)
        category_id = annotation.get("category_id")
        known = is_whole(category_id) and category_id in self._tables.categories
        if "categories" in self._tables.counts and not known:
            message = f"the category {shown(category_id)} is not in 'categories'"
            before.append(CATEGORY_UNKNOWN.at(place, message, id))
        if "iscrowd" in annotation and not is_flag(annotation["iscrowd"]):
            message = f"iscrowd is {shown(annotation['iscrowd'])}"
            before.append(ISCROWD_MALFORMED.at(place, message, id))
        size_wh = image.size_wh if image else None
        return AnnotationTask(place, id, annotation, size_wh, self._masked, before)
