"""Validates COCONut-PanCap captions, ours or others', beside the segments that their tags name.

The captions are a tar with one text an image, a folder of texts, or parquet rows; the segments a
COCO panoptic JSON or COCONut's parquet. The segments are packed into memory, the PNGs looked
through if there are any, and then the captions streamed, and judged by all cores. Nothing is
guessed: how a caption counts is told by whether its phrases fit, or it is listed as undetermined.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import ClassVar

from annoengine.checks import caption_checks, grounded_sidecar, span_checks, tag_codes
from annoengine.checks.caption_files import (
    CaptionCopy,
    StoredCaption,
    caption_store,
    first_members,
    is_tar,
)
from annoengine.checks.caption_rows import has_caption_rows
from annoengine.checks.change_report import ChangeReport
from annoengine.checks.grounded_sidecar import GroundedSidecar
from annoengine.checks.ordered_work import FEW, results_in_order
from annoengine.checks.pancap_checks import (
    PancapContext,
    PancapReport,
    PancapTask,
    check_caption,
    died,
)
from annoengine.checks.panoptic_checks import (
    CHECK_DIED,
    MASK_MISSING,
    MASK_UNREADABLE,
    PIXELS_WITHOUT_SEGMENT,
    SEGMENT_WITHOUT_PIXELS,
)
from annoengine.checks.png_folder import MASKS_NOT_CHECKED, find_masks
from annoengine.checks.segment_index import (
    IndexedImage,
    SegmentIndex,
    check_panoptic,
    image_id_of_key,
    panoptic_beside,
)
from annoengine.checks.segment_pixels import pixel_findings
from annoengine.errors import InputError
from annoengine.grounded.tags import parse_tags
from annoengine.reading.coconut_rows import parquet_files
from annoengine.validator import Code, Dataset, Finding, Place, Validator

CAPTIONS_UNREADABLE = Code("captions-unreadable", "error", "the captions cannot be read on")
PANOPTIC_UNREADABLE = Code("panoptic-unreadable", "error", "the panoptic file cannot be read")
PANOPTIC_MISSING = Code(
    "panoptic-missing", "warning", "there are no segments to compare with; give --panoptic"
)
PANOPTIC_ENTRY = Code(
    "panoptic-entry-malformed", "error", "entries of the panoptic file that cannot be used"
)
CATEGORIES_UNKNOWN = Code(
    "categories-unknown", "warning", "segments without a known category, which fit every phrase"
)
CAPTION_TWICE = Code("caption-twice", "error", "images with two captions")
CAPTION_WITHOUT_IMAGE = Code(
    "caption-without-image", "error", "captions of images that are unknown"
)
IMAGE_WITHOUT_CAPTION = Code("image-without-caption", "warning", "images without a caption")
IDS_OF_OTHER_MASKS = Code(
    "ids-of-other-masks", "error", "the captions name ids of other masks than these"
)
_MANY, _MOSTLY = 5, 0.5
"""So many captions, and this share of all, have no id that their image has: other masks."""
_LOOKED_AT = 20


class CoconutPancap(Validator):
    """Captions with tags, and the segments that they name."""

    ABOUT: ClassVar[str] = "grounded captions as COCONut-PanCap has them"
    TAKES_PANOPTIC: ClassVar[bool] = True
    CODES: ClassVar[tuple[Code, ...]] = (
        CAPTIONS_UNREADABLE,
        PANOPTIC_UNREADABLE,
        PANOPTIC_MISSING,
        PANOPTIC_ENTRY,
        CATEGORIES_UNKNOWN,
        MASKS_NOT_CHECKED,
        MASK_MISSING,
        MASK_UNREADABLE,
        SEGMENT_WITHOUT_PIXELS,
        PIXELS_WITHOUT_SEGMENT,
        CHECK_DIED,
        CAPTION_WITHOUT_IMAGE,
        CAPTION_TWICE,
        IMAGE_WITHOUT_CAPTION,
        IDS_OF_OTHER_MASKS,
        *tag_codes.CODES,
        *caption_checks.CODES,
        *span_checks.CODES,
        *grounded_sidecar.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Are its first files texts and nothing else, or its rows keys and texts?"""
        if path.is_dir():
            names = sorted(p.name for p in path.iterdir() if not p.name.startswith("."))
            first = names[:_LOOKED_AT]
            return _are_texts(first) and any(_is_tagged(path / name) for name in first)
        if is_tar(path):
            return _are_texts(first_members(path, _LOOKED_AT))
        return has_caption_rows(path)

    @classmethod
    def dataset(
        cls, path: Path, masks: Path | None, images: Path | None, panoptic: Path | None = None
    ) -> Dataset:
        """The captions; an export's panoptic file and its PNGs are looked for beside."""
        if panoptic is not None:
            check_panoptic(panoptic)
        else:
            panoptic = panoptic_beside(path)
        if panoptic is None or parquet_files(panoptic):
            if masks is not None:
                raise InputError(
                    f"--masks {masks} goes with the panoptic JSON of those PNGs; give it with "
                    "--panoptic"
                )
            return Dataset(path, None, images, panoptic)
        if panoptic.is_file():
            masks = find_masks(panoptic, masks)
        return Dataset(path, masks, images, panoptic)

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """The panoptic file and its PNGs first, then caption by caption, then the whole."""
        return _Pass(self, dataset).findings(None)

    def fix(self, dataset: Dataset, target: Path) -> Iterator[Finding]:
        """Mends tags and how captions count; what it does not change stays byte by byte.

        ``<captions>.changes.jsonl`` beside ``target`` has each change, before and after.
        """
        return _Pass(self, dataset).findings(target)


def _are_texts(names: list[str]) -> bool:
    return bool(names) and all(name.endswith(".txt") for name in names)


def _is_tagged(path: Path) -> bool:
    try:
        return bool(parse_tags(path.read_bytes()[: 1 << 16].decode("utf-8", "replace")).spans)
    except OSError:
        return False


class _Pass:
    """One going over the captions."""

    def __init__(self, validator: CoconutPancap, dataset: Dataset) -> None:
        self._validator = validator
        self._dataset = dataset
        self._file = dataset.file.name
        self._index: SegmentIndex | None = None
        self._captioned = bytearray()
        self._sidecar = GroundedSidecar(dataset.file)
        self._seen: set[str] = set()
        self._strange = 0
        self._faulty = False
        self._done = self._total = 0

    def findings(self, target: Path | None) -> Iterator[Finding]:
        """Everything; writes a mended copy to ``target``."""
        yield from self._read_index()
        with ExitStack() as stack:
            copy: CaptionCopy | None = None
            changes: ChangeReport | None = None
            if target is not None:
                store = caption_store(self._dataset.file)
                if store is not None:
                    changes = stack.enter_context(ChangeReport(self._dataset.file, target))
                    copy = stack.enter_context(store.copy(target))
            try:
                yield from self._check_captions(copy, changes)
            except InputError as error:
                yield CAPTIONS_UNREADABLE.at(Place(self._file), str(error))
                return
            yield from self._check_whole()
            if copy is not None and changes is not None:
                copy.finish()
                changes.finish()
                if changes.count:
                    self._validator.notes.append(f"changes: {changes.path}")

    def _read_index(self) -> Iterator[Finding]:
        path = self._dataset.panoptic
        if path is None:
            message = "no panoptic file lies beside the captions; their tags' form alone is checked"
            yield PANOPTIC_MISSING.at(Place(self._file), message)
            return
        index = SegmentIndex(path)
        try:
            index.read()
        except InputError as error:
            yield PANOPTIC_UNREADABLE.at(Place(path.name), str(error))
            return
        self._index = index
        self._captioned = bytearray(len(index))
        self._total = len(index)
        self._validator.count("images", len(index))
        for problem in index.problems:
            yield PANOPTIC_ENTRY.at(Place(path.name), problem)
        if index.uncategorised:
            message = f"the category ids of {index.uncategorised:,} segments are not in its table"
            yield CATEGORIES_UNKNOWN.at(Place(path.name), message)
        if self._dataset.panoptic_checked:
            return
        if self._dataset.masks is None and not parquet_files(path):
            message = f"no folder with its PNGs lies beside {path.name}"
            yield MASKS_NOT_CHECKED.at(Place(path.name), message)
            return
        self._total *= 2
        workers = self._validator.rules.workers if len(index) > FEW else 0
        for done, found in enumerate(pixel_findings(index, self._dataset.masks, workers), start=1):
            self._validator.count("PNGs", found.read)
            self._progress(done)
            yield from found.findings
        self._done = len(index)

    def _progress(self, done: int) -> None:
        self._validator.progress(done, max(self._total, done))

    def _check_captions(
        self, copy: CaptionCopy | None, changes: ChangeReport | None
    ) -> Iterator[Finding]:
        store = caption_store(self._dataset.file)
        if store is None:
            message = "it is no tar, no folder and no parquet file with captions"
            yield CAPTIONS_UNREADABLE.at(Place(self._file), message)
            return
        index = self._index
        context = PancapContext(
            self._file,
            self._validator.rules,
            () if index is None else tuple(index.categories),
            # An export's sidecar tells of these very bytes.
            mendable=not self._sidecar,
        )
        waiting: deque[StoredCaption] = deque()

        def tasks() -> Iterator[PancapTask]:
            for stored in store.captions():
                waiting.append(stored)
                yield self._task(stored, context)

        many = index is None or len(index) > FEW
        workers = self._validator.rules.workers if many else 0
        for done, report in enumerate(
            results_in_order(check_caption, tasks(), workers, died), start=self._done + 1
        ):
            stored = waiting.popleft()
            self._progress(done)
            self._take(report)
            if copy is not None and changes is not None and report.after is not None:
                copy.replace(stored, report.after)
                before = (stored.data or b"").decode("utf-8")
                changes.add(
                    stored.key, stored.name, report.what, before, report.after.decode("utf-8")
                )
            yield from report.findings
        if store.others:
            self._validator.notes.append(f"{store.others:,} files beside the captions are no text")

    def _take(self, report: PancapReport) -> None:
        self._strange += report.strange
        self._faulty |= bool(report.findings)
        for what, n in report.counts.items():
            self._validator.count(what, n)

    def _task(self, stored: StoredCaption, context: PancapContext) -> PancapTask:
        self._sidecar.add(stored.name.removesuffix(".txt"), stored.data)
        before: list[Finding] = []
        image: IndexedImage | None = None
        if self._index is not None:
            image = self._index.find(stored.key)
        id = image.id if image is not None else image_id_of_key(stored.key)
        place = Place(self._file, id, stored.name)
        if image is None and self._index is not None:
            message = f"{self._index.path.name} has no image of that name"
            before.append(CAPTION_WITHOUT_IMAGE.at(place, message))
        twice = stored.key in self._seen
        if image is not None:
            twice = twice or bool(self._captioned[image.place])
            self._captioned[image.place] = 1
        if twice:
            before.append(CAPTION_TWICE.at(place, "an earlier one is of the same image"))
        if image is None:
            self._seen.add(stored.key)
        segments = None
        if image is not None and self._index is not None:
            segments = self._index.segments(image.place)
        return PancapTask(context, place, stored.data, segments, before)

    def _check_whole(self) -> Iterator[Finding]:
        captions = self._validator.counts.get("captions", 0)
        if self._strange >= _MANY and self._strange > _MOSTLY * captions:
            message = (
                f"{self._strange:,} of {captions:,} captions have no id that is their image's; are "
                "these the masks that the captions were written for?"
            )
            yield IDS_OF_OTHER_MASKS.at(Place(self._file), message)
        if self._index is not None:
            left_out = self._sidecar.left_out()
            for image in self._index:
                if not self._captioned[image.place] and str(image.id) not in left_out:
                    place = Place(self._file, image.id, image.png)
                    yield IMAGE_WITHOUT_CAPTION.at(place, f"{self._file} has no text for it")
        yield from self._sidecar.findings()
        if self._sidecar:
            note = f"{self._sidecar.lines:,} lines of {self._sidecar.path.name} were compared"
            if self._faulty:
                note += "; they tell of these very bytes: export again instead of mending"
            self._validator.notes.append(note)
