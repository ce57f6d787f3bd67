"""Reads a box as a file lists it, in any of three layouts, and cuts it to the photograph."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeGuard

from annoengine.box import BoxXyxy, area_px, intersection
from annoengine.reading.coco_json import is_whole, shown

Layout = Literal["xyxy", "xywh", "xyxyn"]
"""Corners; left, top, width and height; corners as shares of width and height (0 to 1)."""

FAR_PX = 1 << 31
"""No picture reaches as far; larger numbers would not survive being multiplied."""


def is_number(value: Any) -> TypeGuard[int | float]:
    """Is it a finite number? True and False are none.

    >>> is_number(3), is_number(2.5), is_number(float("nan")), is_number(True), is_number("3")
    (True, True, False, False, False)
    """
    return is_whole(value) or (isinstance(value, float) and math.isfinite(value))


def read_box(value: Any, layout: Layout, size_wh: tuple[int, int]) -> BoxXyxy:
    """The box in pixels, as it is listed: it may reach beyond the photograph.

    Raises ValueError, saying what is wrong with it: no four numbers, reversed, or of no area.

    >>> read_box([0.25, 0.5, 0.75, 1], "xyxyn", (640, 480))
    (160.0, 240.0, 480.0, 480)
    """
    if not isinstance(value, list) or len(value) != 4:
        what = f"{len(value)} values" if isinstance(value, list) else shown(value)
        raise ValueError(f"its box is {what}; a list of four numbers is needed")
    bad = [number for number in value if not is_number(number)]
    if bad:
        raise ValueError(f"its box {_listed(value)} holds {shown(bad[0])}; numbers are needed")
    if max(map(abs, value)) > FAR_PX:
        raise ValueError(f"its box {_listed(value)} is not of this picture")
    width, height = size_wh
    a, b, c, d = value
    box_xyxy: BoxXyxy = (a, b, a + c, b + d) if layout == "xywh" else (a, b, c, d)
    if layout == "xyxyn":
        if max(map(abs, value)) > 2:
            raise ValueError(f"its box {_listed(value)} is not of shares of the size, 0 to 1")
        box_xyxy = (a * width, b * height, c * width, d * height)
    x1, y1, x2, y2 = box_xyxy
    if x2 < x1 or y2 < y1:
        how = "a negative width or height" if layout == "xywh" else "its corners in reverse"
        raise ValueError(f"its box {_listed(value)} has {how}")
    if not area_px(box_xyxy):
        raise ValueError(f"its box {_listed(value)} has no area")
    return box_xyxy


def cut_to_photo(box_xyxy: BoxXyxy, size_wh: tuple[int, int]) -> BoxXyxy:
    """The part of a box that lies in the photograph. Raises ValueError where there is none.

    >>> cut_to_photo((-2, 3, 5, 9), (8, 6))
    (0, 3, 5, 6)
    """
    inside = intersection(box_xyxy, (0, 0, *size_wh))
    if inside is None or not area_px(inside):
        width, height = size_wh
        raise ValueError(
            f"its box {_listed(list(box_xyxy))} lies outside of the {width}×{height} photograph"
        )
    return inside


def _listed(values: list[Any]) -> str:
    return f"[{', '.join(shown(value) for value in values)}]"
