"""Reads lists of boxes: one object an image, as JSON Lines or as one JSON list.

An image is ``{"image": "a.jpg", "boxes": […]}``, with ``width`` and ``height`` if the boxes are
of a picture of a certain size. A box is ``{"box_xyxy": [x1, y1, x2, y2], "category": "dog"}``, or
with ``box_xywh`` or ``box_xyxyn`` (shares of the size) in place of ``box_xyxy``; it may have a
``score``, an ``id``, a ``category_id`` and ``isthing``. The form is closed: a key that is
misspelt is an error, not a box without a category.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

from annoengine.box import BoxXyxy
from annoengine.errors import InputError, RecordFailed
from annoengine.reading.coco_json import is_whole, shown, text_of
from annoengine.reading.json_file import open_json
from annoengine.reading.json_slices import Slices, malformed, parsed
from annoengine.reading.listed_box import Layout, is_number, read_box
from annoengine.registry import did_you_mean

WHAT = (
    'boxes are JSON Lines or a JSON list, with one object {"image": …, "boxes": […]} for each image'
)
LAYOUTS: dict[str, Layout] = {"box_xyxy": "xyxy", "box_xywh": "xywh", "box_xyxyn": "xyxyn"}
_ROW_KEYS = frozenset({"image", "boxes", "width", "height"})
_BOX_KEYS = frozenset({*LAYOUTS, "category", "category_id", "isthing", "score", "id"})


class BoxRow(NamedTuple):
    """One image's object: where it stands in the file, its text, its value."""

    where: str
    raw: bytes
    value: dict[str, Any]


def lines(path: Path) -> Iterator[BoxRow]:
    """The objects of a JSON Lines file; empty lines are passed over.

    Raises InputError, with the line, for what is no object of the form above.
    """
    with open_json(path) as file:
        start = file.tell()
        for number, line in enumerate(file, start=1):
            raw = line.strip()
            if raw:
                if not raw.startswith(b"{"):
                    raise malformed(path, start, f"an object is needed on each line; {WHAT}")
                yield _row(path, f"line {number}", raw, start)
            start += len(line)


def entries(path: Path) -> Iterator[BoxRow]:
    """The objects of a JSON list. Raises InputError like :func:`lines`."""
    for slice in Slices(path, None, WHAT):
        yield _row(path, f"[{slice.position}]", slice.raw, slice.start)


def _row(path: Path, where: str, raw: bytes, start: int) -> BoxRow:
    value = parsed(path, raw, start)
    if not isinstance(value, dict):
        raise InputError(f"{path}, {where}: it is {shown(value)}; {WHAT}")
    if "images" in value or "annotations" in value:
        raise InputError(
            f"{path} is a COCO annotation file, whose boxes the source coco_instances reads; {WHAT}"
        )
    _check_keys(value, _ROW_KEYS, f"{path}, {where}")
    image = text_of(value.get("image"))
    if not image:
        raise InputError(f"{path}, {where}: its image is {shown(value.get('image'))}; {WHAT}")
    value["image"] = image
    boxes = value.get("boxes")
    for position, box in enumerate(boxes if isinstance(boxes, list) else ()):
        if isinstance(box, dict):
            _check_keys(box, _BOX_KEYS, f"{path}, {where}, boxes[{position}]")
    return BoxRow(where, raw, value)


def _check_keys(value: Mapping[str, Any], known: Set[str], where: str) -> None:
    unknown = sorted(value.keys() - known)
    if unknown:
        near = did_you_mean(unknown[0], known)
        raise InputError(f"{where}: there is no key {shown(unknown[0])} in this form.{near}")


class ListedBox(NamedTuple):
    """A box as it is listed, in pixels; it may reach beyond the photograph."""

    box_xyxy: BoxXyxy
    category: str
    category_id: int | None
    isthing: bool
    score: float | None


def listed_box(value: Any, where: str, size_wh: tuple[int, int]) -> ListedBox:
    """An entry of ``boxes``. Raises RecordFailed: ``box`` or ``category``."""
    if not isinstance(value, dict):
        raise RecordFailed("box", f"{where}: it is {shown(value)}; an object is needed")
    given = [key for key in LAYOUTS if key in value]
    if len(given) != 1:
        has = " and ".join(given) or "none of them"
        raise RecordFailed("box", f"{where}: one of {', '.join(LAYOUTS)} is needed; it has {has}")
    try:
        box_xyxy = read_box(value[given[0]], LAYOUTS[given[0]], size_wh)
    except ValueError as error:
        raise RecordFailed("box", f"{where}: {error}") from None
    category = text_of(value.get("category"))
    if not category:
        raise RecordFailed(
            "category", f"{where}: its category is {shown(value.get('category'))}; a name is needed"
        )
    category_id = value.get("category_id")
    if category_id is not None and not is_whole(category_id):
        words = f"{where}: its category_id is {shown(category_id)}; a whole number is needed"
        raise RecordFailed("category", words)
    isthing = value.get("isthing", True)
    if isthing not in (0, 1):
        words = f"{where}: isthing is {shown(isthing)}; true or false is needed"
        raise RecordFailed("category", words)
    score = score_of(value, where)
    return ListedBox(box_xyxy, category, category_id, bool(isthing), score)


def score_of(value: Mapping[str, Any], where: str) -> float | None:
    """The score of a box, or None. Raises RecordFailed("box") for one that is no number."""
    score = value.get("score")
    if score is None:
        return None
    if not is_number(score):
        raise RecordFailed("box", f"{where}: its score is {shown(score)}; a number is needed")
    return float(score)
