"""Checks the ``segmentation`` of an instances annotation: polygons and run-length encodings.

RLEs are measured by their counts and never handed to a decoder, which would trust them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annoengine.box import BoxXywh, xywh_from_xyxy
from annoengine.checks.box_checks import is_number
from annoengine.checks.photo_checks import times
from annoengine.reading.coco_json import is_whole, shown
from annoengine.rle_counts import counts_of_rle, measure_counts
from annoengine.validator import Code

SEGMENTATION_MISSING = Code(
    "segmentation-missing", "warning", "annotations without a segmentation among some with one"
)
SEGMENTATION_MALFORMED = Code(
    "segmentation-malformed", "error", "segmentations that are neither polygons nor an RLE"
)
POLYGON_MALFORMED = Code("polygon-malformed", "error", "polygons that are no list of x, y pairs")
POLYGON_SHORT = Code("polygon-too-short", "error", "polygons of fewer than three points")
POLYGON_FLAT = Code("polygon-flat", "warning", "polygons that enclose nothing")
POLYGON_CROSSES = Code("polygon-crosses-itself", "warning", "polygons that cross themselves")
POLYGON_OUTSIDE = Code("polygon-outside", "warning", "polygons that leave the image")
POLYGON_AREA = Code("polygon-area-differs", "warning", "areas that are not those of the polygons")
RLE_MALFORMED = Code("rle-malformed", "error", "RLEs that cannot be read")
RLE_SIZE_DIFFERS = Code("rle-size-differs", "error", "RLEs of another size than the image")
RLE_EMPTY = Code("rle-empty", "error", "RLEs without a pixel")

CODES = (
    SEGMENTATION_MISSING,
    SEGMENTATION_MALFORMED,
    POLYGON_MALFORMED,
    POLYGON_SHORT,
    POLYGON_FLAT,
    POLYGON_CROSSES,
    POLYGON_OUTSIDE,
    POLYGON_AREA,
    RLE_MALFORMED,
    RLE_SIZE_DIFFERS,
    RLE_EMPTY,
)

OF_RLE = (SEGMENTATION_MALFORMED, RLE_MALFORMED, RLE_SIZE_DIFFERS, RLE_EMPTY)
"""The kinds where masks are RLEs and nothing else."""

SLACK_PX = 1.0
"""How far edges may lie off: annotation tools round, and count the last pixel or not."""

Faults = list[tuple[Code, str]]


@dataclass(frozen=True)
class Outline:
    """What a segmentation says of its own extent.

    ``area_px`` is exact for an RLE and None for polygons, which have no pixels.
    """

    box_xywh: BoxXywh
    area_px: int | None = None


def check_segmentation(
    segmentation: Any, area: Any, size_wh: tuple[int, int] | None
) -> tuple[Faults, Outline | None]:
    """What is wrong with a segmentation, and its extent where it can be told."""
    if isinstance(segmentation, dict):
        return _check_rle(segmentation, size_wh)
    if isinstance(segmentation, list):
        return _check_polygons(segmentation, area, size_wh)
    message = f"the segmentation is {shown(segmentation)}; a list of polygons or an RLE is needed"
    return [(SEGMENTATION_MALFORMED, message)], None


def _check_rle(
    rle: Mapping[str, Any], size_wh: tuple[int, int] | None
) -> tuple[Faults, Outline | None]:
    size = rle.get("size")
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(is_whole(n) and 0 < n < 1 << 31 for n in size)
    ):
        return [
            (RLE_MALFORMED, f"the RLE's size is {shown(size)}; [height, width] is needed")
        ], None
    height, width = size
    if size_wh is not None and (width, height) != size_wh:
        message = f"the RLE is {times((width, height))}, the image {times(size_wh)}"
        if (height, width) == size_wh:
            message += ": its size is [width, height]; [height, width] is needed"
        return [(RLE_SIZE_DIFFERS, message)], None
    try:
        measured = measure_counts(counts_of_rle(rle, (height, width)), height)
    except ValueError as error:
        return [(RLE_MALFORMED, str(error))], None
    if not measured.area_px:
        return [(RLE_EMPTY, "the RLE has no pixel")], None
    return [], Outline(xywh_from_xyxy(measured.box_xyxy), measured.area_px)


def _check_polygons(
    polygons: Sequence[Any], area: Any, size_wh: tuple[int, int] | None
) -> tuple[Faults, Outline | None]:
    if not polygons:
        return [(SEGMENTATION_MALFORMED, "the list of polygons is empty")], None
    faults: Faults = []
    rings: list[list[tuple[float, float]]] = []
    for at, polygon in enumerate(polygons):
        faults += _polygon_faults(at, polygon)
        if not faults:
            rings.append(list(zip(polygon[0::2], polygon[1::2], strict=True)))
    if faults:
        return faults, None
    import shapely  # type: ignore[import-untyped]

    shapes = [shapely.Polygon(ring) for ring in rings]
    for at, shape in enumerate(shapes):
        why = "" if shape.is_valid else shapely.is_valid_reason(shape)
        if why.startswith("Self-inter"):
            x, y = (round(float(n), 2) for n in why[why.find("[") + 1 : -1].split()[:2])
            faults.append((POLYGON_CROSSES, f"polygon {at} crosses itself at ({x:g}, {y:g})"))
        elif shape.area == 0:
            faults.append((POLYGON_FLAT, f"polygon {at} encloses nothing"))
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    x, y, right, foot = min(xs), min(ys), max(xs), max(ys)
    if size_wh is not None and (
        min(x, y) < -SLACK_PX or right > size_wh[0] + SLACK_PX or foot > size_wh[1] + SLACK_PX
    ):
        message = (
            f"its points reach from ({x}, {y}) to ({right}, {foot}), the image {times(size_wh)}"
        )
        faults.append((POLYGON_OUTSIDE, message))
    faults += _area_of_polygons(shapes, area)
    w, h = round(right - x, 2), round(foot - y, 2)
    return faults, Outline((x, y, w, h))


def _polygon_faults(at: int, polygon: Any) -> Iterator[tuple[Code, str]]:
    if not isinstance(polygon, list):
        yield POLYGON_MALFORMED, f"polygon {at} is {shown(polygon)}; [x1, y1, x2, y2, …] is needed"
    elif not all(is_number(n) and abs(n) < 1 << 31 for n in polygon):
        wrong = next(n for n in polygon if not (is_number(n) and abs(n) < 1 << 31))
        yield POLYGON_MALFORMED, f"polygon {at} has the coordinate {shown(wrong)}"
    elif len(polygon) % 2:
        yield POLYGON_MALFORMED, f"polygon {at} has {len(polygon)} numbers, which are no pairs"
    elif len(polygon) < 6:
        yield POLYGON_SHORT, f"polygon {at} has {len(polygon) // 2} points of at least 3"


def _area_of_polygons(shapes: Sequence[Any], area: Any) -> Faults:
    if not is_number(area):
        return []
    # Pixels that an outline cuts count or not; there are about as many as it is long.
    slack = 2 + sum(shape.length for shape in shapes)
    summed = sum(shape.area for shape in shapes)
    if abs(area - summed) <= slack:
        return []
    # Where polygons overlap, or one crosses itself, what they cover is less.
    import shapely

    covered = shapely.union_all([shapely.make_valid(shape) for shape in shapes]).area
    if math.isfinite(covered) and abs(area - covered) <= slack:
        return []
    return [(POLYGON_AREA, f"the area is {shown(area)}, that of its polygons {summed:.1f}")]
