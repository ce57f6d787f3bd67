"""Checks one entry of an SA-Pancap file: an image's path, and its caption with boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from annoengine.checks.caption_checks import (
    CAPTION_EMPTY,
    CAPTION_LANGUAGE,
    CAPTION_LEAK,
    CAPTION_REFUSAL,
)
from annoengine.checks.coco_tables import UNSAFE_PATH, ListedImage
from annoengine.checks.gcg_checks import ENTRY_MALFORMED
from annoengine.checks.list_pass import ListReport, ListTask
from annoengine.checks.photo_checks import check_photo
from annoengine.description_faults import kind_of_fault
from annoengine.pancap.box_prose import read_prose
from annoengine.pancap.caption_boxes import find_boxes, write_box
from annoengine.pancap.published_files import CAPTIONS, PREDICTIONS
from annoengine.reading.coco_json import shown, text_of
from annoengine.reading.input_file import is_safe_path
from annoengine.reading.json_slices import value_of
from annoengine.validator import Code, Finding, Place

IMAGE_TWICE = Code("image-listed-twice", "error", "images that are listed more than once")
BOX_WRONG = Code("box-wrong", "error", "boxes without four numbers or area, or off the image")
BOX_REVERSED = Code("box-reversed", "error", "boxes with their corners in the wrong order")
BOX_CLAMPED = Code("box-over-edge", "warning", "boxes that reach over the edge by a rounding")
BOX_UNIT = Code("box-not-in-shares", "error", "boxes in pixels or steps of a grid")
BOX_FORM = Code("box-form", "note", "boxes in another form than [[0.100, 0.200, 0.300, 0.400]]")
BOX_TWICE = Code("box-twice", "note", "boxes that stand twice in their caption")
NO_BOX = Code("caption-without-box", "warning", "captions without a box")
LIST_DIFFERS = Code("list-differs", "error", "images of the captions or of the list alone")

CODES = (
    ENTRY_MALFORMED,
    IMAGE_TWICE,
    UNSAFE_PATH,
    BOX_WRONG,
    BOX_REVERSED,
    BOX_CLAMPED,
    BOX_UNIT,
    BOX_FORM,
    BOX_TWICE,
    NO_BOX,
    CAPTION_EMPTY,
    CAPTION_REFUSAL,
    CAPTION_LEAK,
    CAPTION_LANGUAGE,
    LIST_DIFFERS,
)
KEYS = (CAPTIONS.key, PREDICTIONS.key)
"""Under which a caption stands: of a reference, of a model."""

_OF_KIND = {
    "refusal": CAPTION_REFUSAL,
    "leak": CAPTION_LEAK,
    "language": CAPTION_LANGUAGE,
}
_WHY = {
    "count": "has not four numbers",
    "empty": "has no area",
    "outside": "leaves the image",
    "size unknown": "is in pixels",
}


def check_caption_entry(task: ListTask) -> ListReport:
    """One entry of a list of captions."""
    where = f"entry {task.position}"
    place = Place(task.file)
    try:
        entry: Any = value_of(task.raw)
    except ValueError as error:
        return ListReport([ENTRY_MALFORMED.at(place, f"{where}: {error}")], place)
    if not isinstance(entry, dict):
        return ListReport([ENTRY_MALFORMED.at(place, f"{where} is no object")], place)
    name = text_of(entry.get("image_path"))
    place = Place(task.file, name)
    findings: list[Finding] = []
    once: tuple[tuple[Code, str], ...] = ()
    counts: dict[str, int] = {}
    if not name:
        shown_path = shown(entry.get("image_path"))
        findings.append(ENTRY_MALFORMED.at(place, f"{where} has the image path {shown_path}"))
    else:
        once, counts = ((IMAGE_TWICE, name),), {"images": 1}
        findings += path_findings(name, place, task.images)
        counts |= {"photographs": 1} if task.images is not None else {}
    key = next((key for key in KEYS if key in entry), CAPTIONS.key)
    caption = entry.get(key)
    if not isinstance(caption, str):
        message = f"{where} has the {key} {shown(caption)}; a text is needed"
        findings.append(ENTRY_MALFORMED.at(place, message))
    else:
        boxes, found = _caption_findings(caption, place)
        findings += found
        counts |= {"captions": 1, "boxes": boxes}
    return ListReport(findings, place, once, counts, told=name or "")


def path_findings(name: str, place: Place, images: Path | None) -> list[Finding]:
    """What is wrong with an image's path, or with the photograph that it leads to."""
    if not is_safe_path(name):
        message = f"the image {name!r} leads out of the folder of images"
        return [UNSAFE_PATH.at(place, message)]
    if images is None:
        return []
    return list(check_photo(place, images, ListedImage(0, name, name, None)))


def _caption_findings(text: str, place: Place) -> tuple[int, list[Finding]]:
    """How many boxes a caption has, and what is wrong with it."""
    if not text.strip():
        return 0, [CAPTION_EMPTY.at(place, "the caption has no words")]
    findings: list[Finding] = []
    found = find_boxes(text)
    for fault in found.faults:
        written = shown(text[fault.start : fault.end])
        if fault.trouble == "reversed":
            findings.append(BOX_REVERSED.at(place, written))
        elif fault.trouble == "clamped":
            findings.append(BOX_CLAMPED.at(place, written))
        elif fault.trouble != "size unknown":
            findings.append(BOX_WRONG.at(place, f"{written} {_WHY[fault.trouble]}"))
    if found.grid != "shares":
        message = f"its boxes are {found.grid}; shares of the image, 0 to 1, are needed"
        findings.append(BOX_UNIT.at(place, message))
    seen = set()
    strange = 0
    for box in found.boxes:
        strange += text[box.start : box.end] != write_box(box.box)
        if box.box in seen:
            findings.append(BOX_TWICE.at(place, write_box(box.box)))
        seen.add(box.box)
    if strange and found.grid == "shares":
        first = next(
            text[b.start : b.end] for b in found.boxes if text[b.start : b.end] != write_box(b.box)
        )
        message = f"{strange} of {len(found.boxes)} boxes, such as {shown(first)}"
        findings.append(BOX_FORM.at(place, message))
    if not found.boxes and not found.faults:
        findings.append(NO_BOX.at(place, f"the caption begins {shown(text[:40])}"))
    kind = kind_of_fault(read_prose(text).text)
    if kind is not None:
        findings.append(_OF_KIND[kind].at(place, f"the caption begins {shown(text[:60])}"))
    return len(found.boxes), findings
