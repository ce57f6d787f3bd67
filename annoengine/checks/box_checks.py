"""Checks an area and a box for themselves and beside what the pixels say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from annoengine.checks.photo_checks import times
from annoengine.reading.coco_json import is_whole, shown
from annoengine.validator import Code

AREA_MISSING = Code("area-missing", "warning", "segments without an area", fixable=True)
AREA_MALFORMED = Code("area-malformed", "error", "areas that are no number", fixable=True)
AREA_EMPTY = Code("area-empty", "error", "areas of no pixel", fixable=True)
AREA_DIFFERS = Code("area-differs", "error", "areas that are not the pixels'", fixable=True)
BOX_MISSING = Code("box-missing", "warning", "segments without a box", fixable=True)
BOX_MALFORMED = Code("box-malformed", "error", "boxes that are not four numbers", fixable=True)
BOX_EMPTY = Code("box-empty", "error", "boxes less than a pixel wide or high", fixable=True)
BOX_REVERSED = Code("box-reversed", "error", "boxes of negative width or height", fixable=True)
BOX_OUTSIDE = Code("box-outside", "error", "boxes that leave the image", fixable=True)
BOX_DIFFERS = Code("box-differs", "error", "boxes that are not the pixels'", fixable=True)


CODES = (
    AREA_MISSING,
    AREA_MALFORMED,
    AREA_EMPTY,
    AREA_DIFFERS,
    BOX_MISSING,
    BOX_MALFORMED,
    BOX_EMPTY,
    BOX_REVERSED,
    BOX_OUTSIDE,
    BOX_DIFFERS,
)


def is_number(value: Any) -> bool:
    """Is it a finite number that is no flag?"""
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def area_faults(
    given: bool, area: Any, right: int | None, least_px: float = 1
) -> Iterator[tuple[Code, str]]:
    """What is wrong with an area; ``right`` is the pixels', None where nobody measured."""
    if not given:
        yield AREA_MISSING, "it has no 'area'"
    elif not is_number(area):
        yield AREA_MALFORMED, f"the area is {shown(area)}"
    elif right is not None:
        if area != right:
            yield AREA_DIFFERS, f"the area is {shown(area)}, its pixels are {right}"
    elif area < least_px or area <= 0:
        yield AREA_EMPTY, f"the area is {shown(area)}"


def box_faults(
    given: bool,
    box: Any,
    right: Sequence[int | float] | None,
    size_wh: tuple[int, int] | None,
    least_px: float = 1,
    slack_px: float = 0,
) -> Iterator[tuple[Code, str]]:
    """What is wrong with a box [x, y, width, height]; ``right`` is the pixels', or None.

    An edge may lie ``slack_px`` off; a side is at least ``least_px`` long, and more than 0.
    """
    if not given:
        yield BOX_MISSING, "it has no 'bbox'"
        return
    if not isinstance(box, list) or len(box) != 4 or not all(map(is_number, box)):
        text = str(box) if isinstance(box, list) and len(str(box)) < 80 else shown(box)
        yield BOX_MALFORMED, f"the box is {text}; [x, y, width, height] is needed"
        return
    x, y, w, h = box
    if right is not None:
        if _furthest_edge(box, right) > slack_px:
            message = f"the box is {box}, that of its pixels {list(right)}"
            yield BOX_DIFFERS, message + _habit(box, right, slack_px)
    elif w < 0 or h < 0:
        yield BOX_REVERSED, f"the box is {box}; are its corners exchanged?"
    elif w < least_px or h < least_px or w == 0 or h == 0:
        yield BOX_EMPTY, f"the box is {box}"
    elif size_wh and (
        min(x, y) < -slack_px or x + w > size_wh[0] + slack_px or y + h > size_wh[1] + slack_px
    ):
        message = f"the box is {box}, the image {times(size_wh)}"
        if x < w <= size_wh[0] and y < h <= size_wh[1]:
            message += ": it may be [x1, y1, x2, y2]"
        yield BOX_OUTSIDE, message


def _furthest_edge(box: Sequence[float], right: Sequence[float]) -> float:
    """How far the edge lies off that lies off most, in pixels."""
    mine = (box[0], box[1], box[0] + box[2], box[1] + box[3])
    theirs = (right[0], right[1], right[0] + right[2], right[1] + right[3])
    return max(abs(a - b) for a, b in zip(mine, theirs, strict=True))


def _habit(box: Sequence[float], right: Sequence[float], slack_px: float) -> str:
    """The habit of writing boxes that explains a wrong one, or nothing."""
    x, y, w, h = box
    if w > x and h > y and _furthest_edge((x, y, w - x, h - y), right) <= slack_px:
        return ": it is [x1, y1, x2, y2]"
    if _furthest_edge((x, y, w + 1, h + 1), right) <= slack_px:
        return ": width and height are max - min, not max - min + 1"
    if _furthest_edge((x - w / 2, y - h / 2, w, h), right) <= slack_px:
        return ": x and y are those of its centre"
    return ""
