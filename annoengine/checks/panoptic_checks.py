"""Checks one image of a panoptic file: its segments, its PNG, its photograph.

A pure function over a picklable task, so that the PNGs of a dataset are read by all cores. What
can be mended without guessing comes back as changes; the PNG is the truth for boxes and areas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annoengine.box import xywh_from_xyxy
from annoengine.checks.box_checks import area_faults, box_faults
from annoengine.checks.coco_tables import (
    CATEGORY_UNKNOWN,
    ISCROWD_MALFORMED,
    ListedCategory,
    ListedImage,
    is_flag,
)
from annoengine.checks.description_checks import (
    DESCRIPTION_MALFORMED,
    DESCRIPTION_MISSING,
    DESCRIPTION_TWICE,
    LOADER_MIN_CHARS,
    excerpt,
    faults_of,
    malformed,
    same_words,
)
from annoengine.checks.photo_checks import check_photo, header_of, times
from annoengine.errors import InputError, RecordFailed
from annoengine.mask import MAX_ID, ids_from_png
from annoengine.reading.coco_json import is_whole, shown
from annoengine.reading.input_file import read_below
from annoengine.segments_png import Measured, measure
from annoengine.validator import Code, Finding, Place, Rules

MASK_MISSING = Code("mask-missing", "error", "panoptic PNGs that are not there")
MASK_UNREADABLE = Code("mask-unreadable", "error", "panoptic PNGs that cannot be read")
MASK_SIZE_DIFFERS = Code("mask-size-differs", "error", "panoptic PNGs of another size than listed")
MASK_NOT_RGB = Code("mask-not-rgb", "warning", "panoptic PNGs without three channels")
MASK_EMPTY = Code("mask-empty", "error", "panoptic PNGs in which every pixel is void")
VOID_LARGE = Code("void-large", "note", "images that are mostly void")
CHECK_DIED = Code("check-died", "error", "images whose check killed its process")
SEGMENT_MALFORMED = Code("segment-malformed", "error", "segments without one whole-number id")
SEGMENT_ID_VOID = Code("segment-id-void", "error", "segments with the id 0, which means void")
SEGMENT_ID_RANGE = Code("segment-id-out-of-range", "error", "segment ids that no PNG can hold")
SEGMENT_ID_TWICE = Code("segment-id-twice", "error", "segment ids used twice in an image")
SEGMENT_WITHOUT_PIXELS = Code(
    "segment-without-pixels", "error", "segments of the JSON that the PNG does not have"
)
PIXELS_WITHOUT_SEGMENT = Code(
    "pixels-without-segment", "error", "ids of the PNG that the JSON does not have"
)
ISCROWD_MISSING = Code("iscrowd-missing", "warning", "there is no iscrowd, which readers ask for")
ISTHING_DIFFERS = Code(
    "isthing-differs", "error", "isthing differs from the category's", fixable=True
)
ISTHING_UNKNOWN = Code(
    "isthing-unknown", "warning", "neither the segment nor its category says isthing"
)
CROWD_STUFF = Code("crowd-stuff", "warning", "stuff that is a crowd, which only things can be")
CODES = (
    CHECK_DIED,
    MASK_MISSING,
    MASK_UNREADABLE,
    MASK_SIZE_DIFFERS,
    MASK_NOT_RGB,
    MASK_EMPTY,
    VOID_LARGE,
    SEGMENT_MALFORMED,
    SEGMENT_ID_VOID,
    SEGMENT_ID_RANGE,
    SEGMENT_ID_TWICE,
    SEGMENT_WITHOUT_PIXELS,
    PIXELS_WITHOUT_SEGMENT,
    ISCROWD_MISSING,
    ISTHING_DIFFERS,
    ISTHING_UNKNOWN,
    CROWD_STUFF,
)

_MOSTLY = 0.5
"""The share of void from which an image is mentioned; the two of COCO's sample have 1 and 3 %."""

SEGMENT_KEYS = ("id", "category_id", "iscrowd", "isthing", "area", "bbox", "description")
"""What of a segment is looked at; no more of it is sent to another process."""


@dataclass(frozen=True)
class PanopticContext:
    """What the images of a file have in common."""

    file: str
    rules: Rules
    masks: Path | None
    images: Path | None
    categories: Mapping[int, ListedCategory] | None
    described: bool
    """Does any segment of the file have a description?"""
    boxed: bool
    """Does any segment of the file have a box? COCONut's have none."""


@dataclass(frozen=True)
class PanopticTask:
    """One annotation, cut down to what is checked. ``before`` was found when it was read."""

    context: PanopticContext
    image: ListedImage | None
    place: Place
    png: str | None
    segments: list[Any]
    before: list[Finding] = field(default_factory=list)


Change = tuple[int, str, Any]
"""Position of a segment in its list, key, value; the key "" takes the segment out."""


@dataclass(frozen=True)
class PanopticReport:
    """What was found in an image, what mends it, and what it adds to the counts."""

    findings: list[Finding]
    changes: list[Change] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    ids: tuple[tuple[int, bool], ...] = ()
    """The segments' ids, and whether each has a description."""


def trimmed(segment: Any) -> Any:
    """A segment without what no check looks at; None for what is no object."""
    if not isinstance(segment, dict):
        return None
    return {key: segment[key] for key in SEGMENT_KEYS if key in segment}


def check_image(task: PanopticTask) -> PanopticReport:
    """Everything about one image, in the order of its segments."""
    checking = _Checking(task)
    return checking.report()


def died(task: PanopticTask, why: str) -> PanopticReport:
    """The report on an image whose check killed its process."""
    return PanopticReport([*task.before, CHECK_DIED.at(task.place, f"{task.png}: {why}")])


class _Checking:
    """One image under check: findings and changes as they come."""

    def __init__(self, task: PanopticTask) -> None:
        self._task = task
        self._context = task.context
        self._place = task.place
        self._findings = list(task.before)
        self._changes: list[Change] = []
        self._counts = {"segments": len(task.segments)}
        self._measured: dict[int, Measured] | None = None

    def report(self) -> PanopticReport:
        context = self._context
        if context.masks is not None and self._task.png is not None:
            self._measured = self._measure(context.masks)
        if context.images is not None and self._task.image is not None:
            self._counts["photographs"] = 1
            self._findings += check_photo(self._place, context.images, self._task.image)
        listed: dict[int, bool] = {}
        said: dict[str, int] = {}
        survives = True
        for position, segment in enumerate(self._task.segments):
            id = self._check_segment(position, segment)
            if not isinstance(segment, dict):
                continue
            text = segment.get("description")
            if context.described:
                survives &= isinstance(text, str) and len(text) >= LOADER_MIN_CHARS
                self._check_description(position, segment, id, said)
            if id is None:
                continue
            if id in listed:
                self._find(SEGMENT_ID_TWICE, f"the id {id} is used twice in the image", id)
            listed[id] = isinstance(text, str) and bool(text.strip())
        self._find_unlisted(listed)
        if context.described:
            self._counts["survive"] = int(survives)
        return PanopticReport(self._findings, self._changes, self._counts, tuple(listed.items()))

    def _find(
        self, code: Code, message: str, segment: int | None = None, fixable: bool | None = None
    ) -> None:
        self._findings.append(code.at(self._place, message, segment, fixable))

    def _mend(
        self, code: Code, message: str, id: int | None, position: int, key: str, value: Any
    ) -> None:
        """A finding that can be mended if there is something to put in its place."""
        self._find(code, message, id, value is not None)
        if value is not None:
            self._changes.append((position, key, value))

    def _measure(self, folder: Path) -> dict[int, Measured] | None:
        """What the PNG says of each id, void included; None where it says nothing."""
        name = self._task.png
        try:
            data = read_below(folder, name, "panoptic mask", "mask")
            size_wh, mode = header_of(data, f"the panoptic mask {name}")
            listed_wh = self._task.image.size_wh if self._task.image else None
            if listed_wh is not None and size_wh != listed_wh:
                message = f"{name} is {times(size_wh)}, the JSON says {times(listed_wh)}"
                if size_wh == (listed_wh[1], listed_wh[0]):
                    message += ": width and height are exchanged"
                self._find(MASK_SIZE_DIFFERS, message)
                return None
            ids = ids_from_png(data, str(name))
        except RecordFailed as failed:
            self._find(MASK_MISSING, failed.detail)
            return None
        except InputError as error:
            self._find(MASK_UNREADABLE, str(error))
            return None
        if mode != "RGB":
            self._find(MASK_NOT_RGB, f"{name} has the mode {mode}; most readers take RGB alone")
        measured = measure(ids)
        void = measured.get(0)
        self._counts["pixels"] = ids.size
        self._counts["void pixels"] = void.area_px if void else 0
        self._counts["PNGs"] = 1
        if void and void.area_px == ids.size and self._task.segments:
            self._find(
                MASK_EMPTY, f"every pixel of {name} is 0; {len(self._task.segments)} segments lost"
            )
            return None
        if void and void.area_px > _MOSTLY * ids.size:
            self._find(VOID_LARGE, f"{void.area_px / ids.size:.0%} of {name} is void")
        return measured

    def _find_unlisted(self, listed: Mapping[int, bool]) -> None:
        for id, seen in (self._measured or {}).items():
            if id != 0 and id not in listed:
                box = ", ".join(str(n) for n in xywh_from_xyxy(seen.box_xyxy))
                message = f"{self._task.png} has {seen.area_px} pixels of it in [{box}]"
                self._find(PIXELS_WITHOUT_SEGMENT, message, id)

    def _check_segment(self, position: int, segment: Any) -> int | None:
        """Checks an entry of ``segments_info``; gives its id, or None."""
        if not isinstance(segment, dict):
            self._find(SEGMENT_MALFORMED, f"segments_info[{position}] is no object")
            return None
        id = segment.get("id")
        if not is_whole(id):
            self._find(SEGMENT_MALFORMED, f"segments_info[{position}] has the id {shown(id)}")
            id = None
        elif id == 0:
            message = f"segments_info[{position}] has the id 0; readers take its pixels for void"
            self._find(SEGMENT_ID_VOID, message, 0)
        elif not 1 <= id <= MAX_ID:
            message = f"the id {id} does not fit a PNG, which holds 1 to {MAX_ID}"
            self._find(SEGMENT_ID_RANGE, message, id)
        self._check_category(position, segment, id)
        has_pixels = True
        if id is not None and 1 <= id <= MAX_ID and self._measured is not None:
            has_pixels = id in self._measured
            if not has_pixels:
                drop = self._context.rules.drop
                message = f"{self._task.png} has no pixel of it"
                self._find(SEGMENT_WITHOUT_PIXELS, message, id, fixable=drop)
                if drop:
                    self._changes.append((position, "", None))
        if has_pixels:
            seen = self._measured.get(id) if self._measured and id else None
            self._counts["measured"] = self._counts.get("measured", 0) + int(seen is not None)
            self._check_area(position, segment, id, seen)
            self._check_box(position, segment, id, seen)
        return id

    def _check_category(self, position: int, segment: Mapping[str, Any], id: int | None) -> None:
        iscrowd = segment.get("iscrowd")
        if "iscrowd" not in segment:
            self._find(ISCROWD_MISSING, "it does not say iscrowd", id)
        elif not is_flag(iscrowd):
            self._find(ISCROWD_MALFORMED, f"iscrowd is {shown(iscrowd)}", id)
        categories = self._context.categories
        if categories is None:
            return
        category_id = segment.get("category_id")
        category = categories.get(category_id) if is_whole(category_id) else None
        if category is None:
            message = f"the category {shown(category_id)} is not in 'categories'"
            self._find(CATEGORY_UNKNOWN, message, id)
            return
        own = segment.get("isthing")
        isthing = category.isthing
        if isthing is None:
            isthing = bool(own) if is_flag(own) else None
            if isthing is None:
                message = f"neither it nor its category {category_id} ({category.name}) says"
                self._find(ISTHING_UNKNOWN, message, id)
        elif "isthing" in segment and (not is_flag(own) or bool(own) != isthing):
            message = (
                f"isthing is {shown(own)}, that of its category {category_id} ({category.name}) "
                f"{int(isthing)}"
            )
            self._find(ISTHING_DIFFERS, message, id)
            self._changes.append((position, "isthing", int(isthing)))
        if is_flag(iscrowd) and iscrowd and isthing is False:
            self._find(CROWD_STUFF, f"it is a crowd of {category.name}, which is stuff", id)

    def _check_area(
        self, position: int, segment: Mapping[str, Any], id: int | None, seen: Measured | None
    ) -> None:
        area = segment.get("area")
        right = seen.area_px if seen else None
        for code, message in area_faults("area" in segment, area, right):
            self._mend(code, message, id, position, "area", right)

    def _check_box(
        self, position: int, segment: Mapping[str, Any], id: int | None, seen: Measured | None
    ) -> None:
        right = list(xywh_from_xyxy(seen.box_xyxy)) if seen else None
        if "bbox" not in segment and not self._context.boxed:
            # Said once for the file; mended all the same.
            if right is not None:
                self._changes.append((position, "bbox", right))
            return
        size_wh = self._task.image.size_wh if self._task.image else None
        for code, message in box_faults("bbox" in segment, segment.get("bbox"), right, size_wh):
            self._mend(code, message, id, position, "bbox", right)

    def _check_description(
        self, position: int, segment: Mapping[str, Any], id: int | None, said: dict[str, int]
    ) -> None:
        if "description" not in segment:
            self._find(DESCRIPTION_MISSING, "it has no 'description', which readers index", id)
            self._changes.append((position, "description", ""))
            return
        text = segment["description"]
        if not isinstance(text, str):
            self._find(DESCRIPTION_MALFORMED, malformed(text), id)
            return
        iscrowd = segment.get("iscrowd")
        min_chars = self._context.rules.min_caption_chars
        segments = len(self._task.segments)
        faults = faults_of(text, segments, min_chars, is_flag(iscrowd) and bool(iscrowd))
        for code, message in faults:
            self._find(code, message, id)
        words = same_words(text)
        if not words or id is None:
            return
        if words in said and said[words] != id:
            message = f"segment {said[words]} has the same: {excerpt(text)}"
            self._find(DESCRIPTION_TWICE, message, id)
        said.setdefault(words, id)
