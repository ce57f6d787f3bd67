"""From the masks on disk to the regions of the drawn picture, each cut to its own box.

A panoptic map is measured once and then compared inside each segment's own box: full-frame work
per segment would cost more than everything else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.errors import InputError
from annoengine.mask import IdMap, Mask
from annoengine.segments_png import Measured, Ranked, measure, measure_and_rank
from annoengine.som.layout import Bits, BoxPx, Owners, PointPx, Region, Target


def sample_positions(source: int, drawn: int, scale: float) -> NDArray[np.intp]:
    """For each drawn pixel of a side, the source pixel under its centre.

    >>> sample_positions(6, 3, 0.5).tolist()
    [1, 3, 5]
    """
    centres = ((np.arange(drawn) + 0.5) / scale).astype(np.intp)
    return np.minimum(centres, source - 1)


def shrink_ids(ids: IdMap, drawn_wh: tuple[int, int], scale: float) -> IdMap:
    """An id map at the drawn size, by nearest pixel; itself where nothing shrinks."""
    if scale == 1.0:
        return ids
    rows, columns = ids.shape
    width, height = drawn_wh
    taken = ids[sample_positions(rows, height, scale)]
    shrunk: IdMap = taken[:, sample_positions(columns, width, scale)]
    return shrunk


def _drawn_box(target: Target, drawn_wh: tuple[int, int], scale: float) -> BoxPx:
    """The target's box in the drawn picture, at least one pixel, inside the frame."""
    width, height = drawn_wh
    x1, y1, x2, y2 = target.box_xyxy
    left = min(max(0, math.floor(x1 * scale)), width - 1)
    top = min(max(0, math.floor(y1 * scale)), height - 1)
    right = max(left + 1, min(width, math.ceil(x2 * scale)))
    bottom = max(top + 1, min(height, math.ceil(y2 * scale)))
    return (left, top, right, bottom)


def _region(target: Target, x: int, y: int, mask: Bits) -> Region:
    return Region(target, x, y, mask, mask, cv2.countNonZero(mask))


def _one_pixel(
    target: Target, mask: Mask, at: PointPx, drawn_wh: tuple[int, int], scale: float
) -> Region:
    """A region too small to survive the shrinking: the drawn pixel over its middle one.

    ``mask`` is cut from the photograph's frame at ``at``.
    """
    rows, columns = np.nonzero(mask)
    if rows.size == 0:
        raise InputError(
            f"segment {target.segment} has no pixel in its mask (mask key {target.mask})"
        )
    middle = rows.size // 2
    width, height = drawn_wh
    x = min(width - 1, int((at[0] + columns[middle] + 0.5) * scale))
    y = min(height - 1, int((at[1] + rows[middle] + 0.5) * scale))
    return _region(target, x, y, np.ones((1, 1), dtype=np.uint8))


def regions_of_ids(
    ids: IdMap, targets: Sequence[Target], drawn_wh: tuple[int, int], scale: float
) -> list[Region]:
    """The regions of targets whose masks are keys of one panoptic map. They do not overlap.

    ``ids`` has the size of the upright photograph. Raises InputError for a key that is not in it.
    """
    return split_ids(ids, targets, drawn_wh, scale).regions


@dataclass(frozen=True)
class Scene:
    """The regions of all targets, in order, and those of all other segments of the picture.

    ``others`` stand for targets of number 0. ``owners`` is None where regions may overlap.
    """

    regions: list[Region]
    others: list[Region]
    owners: Owners | None


def split_ids(
    ids: IdMap, targets: Sequence[Target], drawn_wh: tuple[int, int], scale: float
) -> Scene:
    """Like :func:`regions_of_ids`; and the regions of all other ids that the drawn map has.

    Void (id 0) is none of them.
    """
    drawn = shrink_ids(ids, drawn_wh, scale)
    measured, ranked = measure_and_rank(drawn)
    rank_of = {key: rank for rank, key in enumerate(measured)}
    whole = measured
    if drawn is not ids and any(target.mask not in measured for target in targets):
        whole = measure(ids)
    marked = {target.mask for target in targets}
    others = [
        _cut(Target(0, key, "", found.box_xyxy, key), ranked, rank_of[key], found)
        for key, found in measured.items()
        if key and key not in marked
    ]
    regions: list[Region] = []
    for target in targets:
        key = -1 if target.mask is None else target.mask
        found = measured.get(key)
        if found is None:
            lost = whole.get(key, Measured(0, (0, 0, 0, 0)))
            x1, y1, x2, y2 = (int(side) for side in lost.box_xyxy)
            mask = ids[y1:y2, x1:x2] == key
            regions.append(_one_pixel(target, mask, (x1, y1), drawn_wh, scale))
            continue
        regions.append(_cut(target, ranked, rank_of[key], found))
    place = {region.target.mask: i for i, region in enumerate((*regions, *others))}
    # Two targets of one mask share its pixels, and a target that the shrinking lost has another's.
    shared = len(place) < len(regions) + len(others) or not place.keys() <= measured.keys()
    owners = None if shared else Owners(ranked, tuple(place.get(key, -1) for key in measured))
    return Scene(regions, others, owners)


def _cut(target: Target, ranked: Ranked, rank: int, found: Measured) -> Region:
    left, top, right, bottom = (int(side) for side in found.box_xyxy)
    bits: Bits = (ranked[top:bottom, left:right] == rank).view(np.uint8)
    return Region(target, left, top, bits, bits, found.area_px)


def region_of_mask(target: Target, mask: Mask, drawn_wh: tuple[int, int], scale: float) -> Region:
    """The region of a mask that has the size of the upright photograph."""
    width, height = drawn_wh
    drawn: Bits = np.ascontiguousarray(mask).view(np.uint8)
    if scale != 1.0:
        rows, columns = mask.shape
        drawn = drawn[sample_positions(rows, height, scale)]
        drawn = np.ascontiguousarray(drawn[:, sample_positions(columns, width, scale)])
    x, y, w, h = cv2.boundingRect(drawn)
    if not h:
        return _one_pixel(target, mask, (0, 0), drawn_wh, scale)
    return _region(target, x, y, np.ascontiguousarray(drawn[y : y + h, x : x + w]))


def region_of_box(target: Target, drawn_wh: tuple[int, int], scale: float) -> Region:
    """The region of a target of which only the box is known: all of the box."""
    left, top, right, bottom = _drawn_box(target, drawn_wh, scale)
    return _region(target, left, top, np.ones((bottom - top, right - left), dtype=np.uint8))


def uncover(regions: Sequence[Region], drawn_wh: tuple[int, int]) -> list[Region]:
    """Regions that may overlap, each with the part that no smaller one covers as ``visible``.

    A region that smaller ones cover wholly (a twin, say) stays visible as it is. Order is kept.
    """
    width, height = drawn_wh
    covered = np.zeros((height, width), dtype=np.uint8)
    result = list(regions)
    for at in sorted(range(len(result)), key=lambda i: (result[i].area_px, i)):
        region = result[at]
        x1, y1, x2, y2 = region.box_xyxy
        under = covered[y1:y2, x1:x2]
        visible: Bits = np.bitwise_and(region.mask, 1 - under)
        area = cv2.countNonZero(visible)
        if area and area != region.area_px:
            result[at] = Region(region.target, region.x, region.y, region.mask, visible, area)
        np.bitwise_or(under, region.mask, out=under)
    return result
