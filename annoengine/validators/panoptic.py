"""Validates COCO panoptic files: stock ones, Pix2Cap-COCO's with descriptions, COCONut's, exports.

The JSON is streamed twice (the list of categories comes last in COCO's files) and the PNGs are
read by all cores, in batches that keep the order. Of the whole dataset only the ids of images,
segments and files are held.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from annoengine.checks import (
    box_checks,
    coco_tables,
    description_checks,
    panoptic_checks,
    photo_checks,
    sidecar_checks,
)
from annoengine.checks.box_checks import BOX_MISSING
from annoengine.checks.coco_pass import CocoPass
from annoengine.checks.coco_tables import (
    ANNOTATION_MALFORMED,
    UNSAFE_PATH,
    ImageId,
    ListedImage,
    first_annotation,
)
from annoengine.checks.description_checks import LOADER_MIN_CHARS
from annoengine.checks.mended_file import MendedFile
from annoengine.checks.ordered_work import FEW, results_in_order
from annoengine.checks.panoptic_checks import (
    SEGMENT_MALFORMED,
    PanopticContext,
    PanopticReport,
    PanopticTask,
    check_image,
    died,
    trimmed,
)
from annoengine.checks.png_folder import MASKS_NOT_CHECKED, find_masks
from annoengine.checks.sidecar_checks import SidecarCheck
from annoengine.reading.coco_json import items, key_twice, text_of
from annoengine.reading.input_file import is_safe_path
from annoengine.validator import Code, Dataset, Finding, Place, Validator
from annoengine.writing.panoptic_json import found_by_loader

ANNOTATION_TWICE = Code("annotation-twice", "error", "images with two annotations")
ANNOTATION_MISSING = Code("annotation-missing", "error", "images without an annotation")
MASK_FILE_TWICE = Code("mask-file-twice", "error", "annotations that name the same PNG")
ORDER_DIFFERS = Code(
    "order-differs", "warning", "'images' and 'annotations' are not in one order", fixable=True
)
MASK_UNLISTED = Code("mask-unlisted", "note", "PNGs that no annotation names")
PHOTO_NAME = Code(
    "photo-name-differs", "warning", "photographs that readers will not find by the PNG's name"
)


class Panoptic(Validator):
    """COCO panoptic JSON and PNGs, with or without descriptions."""

    ABOUT: ClassVar[str] = "a COCO panoptic file"
    CODES: ClassVar[tuple[Code, ...]] = (
        *coco_tables.CODES,
        ANNOTATION_TWICE,
        ANNOTATION_MISSING,
        ORDER_DIFFERS,
        MASKS_NOT_CHECKED,
        MASK_FILE_TWICE,
        MASK_UNLISTED,
        *panoptic_checks.CODES,
        *box_checks.CODES,
        *photo_checks.CODES,
        PHOTO_NAME,
        *description_checks.CODES,
        *sidecar_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Has its first annotation ``segments_info``?"""
        first = first_annotation(path)
        return isinstance(first, dict) and "segments_info" in first

    @classmethod
    def dataset(
        cls, path: Path, masks: Path | None, images: Path | None, panoptic: Path | None = None
    ) -> Dataset:
        """The file with its folders; the PNGs are looked for beside it."""
        return Dataset(path, find_masks(path, masks), images)

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Tables first, then image by image, then what concerns the file as a whole."""
        return _Pass(self, dataset).check()

    def fix(self, dataset: Dataset, target: Path) -> Iterator[Finding]:
        """Mends boxes, areas, isthing, missing descriptions, and the order of annotations."""
        return _Pass(self, dataset).fix(target)


class _Pass(CocoPass):
    """One going over a panoptic file."""

    def __init__(self, validator: Panoptic, dataset: Dataset) -> None:
        super().__init__(validator, dataset)
        self._sidecars = SidecarCheck(dataset.file)
        self._described = self._boxed = False
        self._segments = 0
        self._seen: set[ImageId] = set()
        self._pngs: set[str] = set()
        self._furthest = -1
        self._disorder: tuple[ListedImage, int] | None = None
        self._unfound: tuple[Place, str] | None = None
        self._unfound_count = 0

    def _check_annotations(self, mended: MendedFile | None) -> Iterator[Finding]:
        if self._dataset.masks is None:
            message = f"no folder with its PNGs lies beside {self._file}; the JSON alone is checked"
            yield MASKS_NOT_CHECKED.at(Place(self._file), message)
        for report in self._reports(mended):
            yield from report.findings

    def _glance(self, annotation: Any) -> None:
        infos = annotation.get("segments_info") if isinstance(annotation, dict) else None
        if not isinstance(infos, list):
            return
        for info in infos:
            if isinstance(info, dict):
                self._segments += 1
                self._described |= "description" in info
                self._boxed |= "bbox" in info

    def _reports(self, mended: MendedFile | None) -> Iterator[PanopticReport]:
        rules = self._validator.rules
        # Of each task on the way: its image, and the whole annotation if it is to be mended.
        waiting: deque[tuple[ImageId | None, int | None, Any]] = deque()
        categories = self._tables.categories if "categories" in self._tables.counts else None
        context = PanopticContext(
            self._file,
            rules,
            self._dataset.masks,
            self._dataset.images,
            categories,
            self._described,
            self._boxed,
        )

        def tasks() -> Iterator[PanopticTask]:
            for position, annotation in enumerate(items(self._dataset.file, "annotations")):
                task = self._task(annotation, position, context)
                rank = task.image.position if task.image else None
                whole = annotation if mended is not None else None
                waiting.append((task.place.image_id, rank, whole))
                yield task

        workers = rules.workers if self._listed > FEW else 0
        reports = results_in_order(check_image, tasks(), workers, died)
        for done, report in enumerate(reports, start=1):
            self._validator.progress(done, self._listed)
            for what, n in report.counts.items():
                self._validator.count(what, n)
            image_id, rank, annotation = waiting.popleft()
            if image_id is not None and self._sidecars:
                self._sidecars.add(image_id, report.ids)
            if mended is not None:
                mended.add(_changed(annotation, report), rank)
            yield report

    def _task(self, annotation: Any, position: int, context: PanopticContext) -> PanopticTask:
        where = f"annotations[{position}]"
        if not isinstance(annotation, dict):
            found = ANNOTATION_MALFORMED.at(Place(self._file), f"{where} is no object")
            return PanopticTask(context, None, Place(self._file), None, [], [found])
        image, place = self._image_of(annotation)
        before: list[Finding] = []
        if image is None:
            before.append(self._without_image(where, place))
        elif image.id in self._seen:
            before.append(ANNOTATION_TWICE.at(place, f"{where} is a second one for the image"))
        else:
            self._seen.add(image.id)
            if image.position < self._furthest and self._disorder is None:
                self._disorder = (image, position)
            self._furthest = max(self._furthest, image.position)
        png = self._png(annotation, where, place, before)
        if png is not None and image is not None and image.file_name and not before:
            self._compare_names(image.file_name, png, place)
        infos = annotation.get("segments_info")
        if not isinstance(infos, list):
            before.append(ANNOTATION_MALFORMED.at(place, f"{where} has no list 'segments_info'"))
            infos = []
        for at, info in enumerate(infos):
            twice = key_twice(info)
            if twice is not None:
                message = f"segments_info[{at}] has the key {twice!r} twice; the later is taken"
                before.append(SEGMENT_MALFORMED.at(place, message))
        return PanopticTask(context, image, place, png, [trimmed(info) for info in infos], before)

    def _png(self, annotation: Any, where: str, place: Place, before: list[Finding]) -> str | None:
        name = text_of(annotation.get("file_name"))
        if not name:
            message = f"{where} has no 'file_name' for its PNG"
            before.append(ANNOTATION_MALFORMED.at(place, message))
            return None
        if not is_safe_path(name):
            message = f"the file_name {name!r} of the panoptic mask leads out of its folder"
            before.append(UNSAFE_PATH.at(place, message))
            return None
        if name in self._pngs:
            message = f"{where} names {name!r}, as an earlier annotation does"
            before.append(MASK_FILE_TWICE.at(place, message))
        self._pngs.add(name)
        return name

    def _compare_names(self, photo: str, png: str, place: Place) -> None:
        if is_safe_path(photo) and not found_by_loader(photo, png):
            self._unfound_count += 1
            if self._unfound is None:
                self._unfound = (place, f"{png} is looked for as {Path(png).stem}.jpg, not {photo}")

    def _check_whole(self) -> Iterator[Finding]:
        if self._disorder is not None:
            image, position = self._disorder
            message = (
                f"annotations[{position}] is of images[{image.position}], after an annotation of "
                "a later image; readers that go over both lists at once pair the wrong ones"
            )
            place = Place(self._file, image.id, image.file_name)
            yield ORDER_DIFFERS.at(place, message)
        for image in self._tables:
            if image.id not in self._seen:
                place = Place(self._file, image.id, image.file_name)
                yield ANNOTATION_MISSING.at(place, f"images[{image.position}] has no annotation")
        if self._segments and not self._boxed:
            message = f"none of the {self._segments:,} segments has a 'bbox'"
            measured = self._validator.counts.get("measured", 0) == self._segments
            yield BOX_MISSING.at(Place(self._file), message, fixable=measured)
        if self._unfound is not None:
            place, message = self._unfound
            if self._unfound_count > 1:
                message += f"; so are {self._unfound_count:,} in all"
            yield PHOTO_NAME.at(place, message)
        yield from self._unlisted_pngs()
        yield from self._sidecars.findings()
        self._note()

    def _to_be_ordered(self) -> bool:
        return self._disorder is not None

    def _unlisted_pngs(self) -> Iterator[Finding]:
        folder = self._dataset.masks
        if folder is None:
            return
        unlisted, first = 0, ""
        for root, folders, names in os.walk(folder):
            folders.sort()
            for name in sorted(names):
                path = (Path(root) / name).relative_to(folder).as_posix()
                if name.lower().endswith(".png") and path not in self._pngs:
                    unlisted += 1
                    first = first or path
        if unlisted:
            which = (
                f"{first!r} in {folder} is" if unlisted == 1 else f"{unlisted:,} PNGs in {folder}"
            )
            more = "" if unlisted == 1 else f", {first!r} among them, are"
            message = f"{which}{more} named by no annotation"
            yield MASK_UNLISTED.at(Place(self._file), message)

    def _note(self) -> None:
        counts = self._validator.counts
        notes = self._validator.notes
        if self._described:
            survive = counts.get("survive", 0)
            notes.append(
                f"{survive:,} of {self._listed:,} images survive Pix2Cap-COCO's training loader, "
                "which leaves out every image with a description of under "
                f"{LOADER_MIN_CHARS} characters"
            )
        if counts.get("pixels"):
            share = counts.get("void pixels", 0) / counts["pixels"]
            notes.append(f"{share:.1%} of the pixels are void")
        if self._sidecars:
            notes.append(f"{self._sidecars.lines:,} lines of sidecars were compared")


def _changed(annotation: Any, report: PanopticReport) -> Any:
    """The annotation with the changes that the report asks for."""
    if not report.changes:
        return annotation
    infos = list(annotation["segments_info"])
    for position, key, value in report.changes:
        if key:
            infos[position] = {**infos[position], key: value}
    dropped = {position for position, key, _ in report.changes if not key}
    kept = [info for position, info in enumerate(infos) if position not in dropped]
    return {**annotation, "segments_info": kept}
