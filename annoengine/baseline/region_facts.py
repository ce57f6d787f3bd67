"""Measures what an image's pixels and masks tell of each segment: numbers only, no words.

Every number is of the picture plane and of the pixels as they are stored: nothing is inferred about
depth, material or what a thing does. What words may be made of these numbers stands in
``annoengine.baseline.region_claims``. Work is done on each segment's own crop, so that the cost
follows the area covered and not segments times image.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from annoengine import colour
from annoengine.box import BoxXyxy, intersection
from annoengine.errors import InputError
from annoengine.mask import Mask, RecordFiles, box_of
from annoengine.photo import ImageRgb, read_photo
from annoengine.record import Record

CELLS_ACROSS = 40
"""A segment's box is cut into at most this many square cells along its longer side.

Colours are named cell by cell, on the mean of the segment's pixels in the cell: a lawn is then
green, and not the black and yellow of its blades.
"""


@dataclass(frozen=True)
class Surface:
    """What a segment's pixels look like.

    ``colours``: (name, share of the segment's pixels), largest first, named by cell.
    ``light_mean``, ``light_low``, ``light_high``: mean, 5th and 95th percentile of the cells' L*,
    each cell counting as its pixels. ``grain``: mean absolute difference in luma
    (0.299 R + 0.587 G + 0.114 B) of neighbouring pixels (right and below) that both belong to the
    segment, 0..255; NaN where no two do.
    """

    colours: tuple[tuple[str, float], ...]
    light_mean: float
    light_low: float
    light_high: float
    grain: float


@dataclass(frozen=True)
class Outline:
    """What a segment's mask looks like.

    ``fill``: area / area of its box. ``solidity``: area / area of its convex hull (of pixel
    corners). ``elongation``: ratio of the standard deviations along the principal axes, ≥ 1.
    ``angle_deg``: of the longer axis, -90..90, 0 = level, positive = rising to the right.
    ``ellipse_iou``: intersection over union with the solid ellipse that has the same centroid and
    second moments. ``parts``: 8-connected parts that hold at least a tenth of the area.
    """

    fill: float
    solidity: float
    elongation: float
    angle_deg: float
    ellipse_iou: float
    parts: int


@dataclass(frozen=True)
class RegionFacts:
    """The measurements of one segment.

    ``box_xyxy`` is the mask's own tight box, or the record's box cut to the image where there is
    no mask; ``centre_xy`` the mean of the mask's pixel centres, or the middle of the box.
    ``edges``: how many pairs of 4-neighbours (one pixel of the segment, one outside it but in the
    image) there are; ``contacts``: how many of those have their outer pixel in another segment,
    by its id; ``frame_edges``: pairs whose outer pixel would lie outside the image.
    ``overlaps``: share of this segment's pixels that another segment has too.
    """

    id: int
    category: str
    isthing: bool
    iscrowd: bool
    box_xyxy: BoxXyxy
    area_px: int
    centre_xy: tuple[float, float]
    surface: Surface | None = None
    outline: Outline | None = None
    edges: int = 0
    frame_edges: int = 0
    contacts: Mapping[int, int] = field(default_factory=dict)
    overlaps: Mapping[int, float] = field(default_factory=dict)

    @property
    def has_mask(self) -> bool:
        """False where only a box is known."""
        return self.outline is not None


@dataclass(frozen=True)
class Scene:
    """All segments of an image, measured; ``size_wh`` in pixels. In the record's order."""

    size_wh: tuple[int, int]
    regions: tuple[RegionFacts, ...]

    def region(self, id: int) -> RegionFacts:
        """The facts of a segment; KeyError where there is none."""
        for facts in self.regions:
            if facts.id == id:
                return facts
        raise KeyError(id)


@dataclass(frozen=True)
class _Cut:
    """A mask on its own tight crop: whole-image coordinates of the crop's corner, and the crop."""

    x: int
    y: int
    mask: Mask

    def at(self, ys: NDArray[np.intp], xs: NDArray[np.intp]) -> Mask:
        """Whether the points, in whole-image coordinates, lie on the mask."""
        height, width = self.mask.shape
        y, x = ys - self.y, xs - self.x
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        hits = np.zeros(len(ys), dtype=np.bool_)
        hits[inside] = self.mask[y[inside], x[inside]]
        return hits


def measure_record(files: RecordFiles, record: Record) -> Scene:
    """The scene of a record, from its photograph and masks.

    Raises InputError for a photograph or mask that cannot be read or does not have the record's
    size, and for a segment whose mask holds no pixel.
    """
    photo = read_photo(files.image)
    height, width = photo.shape[:2]
    if (width, height) != (record.photo.width, record.photo.height):
        raise InputError(
            f"{files.image.name} is {width} × {height} pixels, but the record {record.id} says "
            f"{record.photo.width} × {record.photo.height}"
        )
    cuts: dict[int, _Cut] = {}
    for segment in record.segments:
        if segment.mask is None:
            continue
        mask = files.masks([segment.mask])[segment.mask]
        if mask.shape != (height, width):
            raise InputError(
                f"the mask of segment {segment.id} of {record.id} is {mask.shape[1]} × "
                f"{mask.shape[0]} pixels, its photograph {width} × {height}"
            )
        x1, y1, x2, y2 = (int(v) for v in box_of(mask))
        if x2 == x1:
            raise InputError(f"the mask of segment {segment.id} of {record.id} holds no pixel")
        cuts[segment.id] = _Cut(x1, y1, mask[y1:y2, x1:x2].copy())
    return Scene((width, height), tuple(_measure(photo, record, cuts)))


def _measure(photo: ImageRgb, record: Record, cuts: Mapping[int, _Cut]) -> list[RegionFacts]:
    height, width = photo.shape[:2]
    # Written out, for a product of matrices would start threads in each worker of the pool.
    red, green, blue = (photo[..., channel].astype(np.float32) for channel in range(3))
    luma = red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)
    surfaces = _surfaces(photo, luma, cuts)
    regions = []
    for segment in record.segments:
        cut = cuts.get(segment.id)
        if cut is None:
            box = intersection(segment.box_xyxy, (0, 0, width, height))
            if box is None:
                raise InputError(
                    f"the box {segment.box_xyxy!r} of segment {segment.id} of {record.id} lies "
                    f"outside its photograph of {width} × {height} pixels"
                )
            regions.append(
                RegionFacts(
                    id=segment.id,
                    category=segment.category.name,
                    isthing=segment.isthing,
                    iscrowd=segment.iscrowd,
                    box_xyxy=box,
                    area_px=round((box[2] - box[0]) * (box[3] - box[1])),
                    centre_xy=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
                )
            )
            continue
        moments = _moments(cut.mask)
        ys, xs, frame_edges = _outer_pixels(cut, (width, height))
        neighbours = [
            (other, cuts[other])
            for other in cuts
            if other != segment.id and _near(cut, cuts[other])
        ]
        contacts = {other: int(c.at(ys, xs).sum()) for other, c in neighbours}
        overlaps = {other: _shared(cut, c) / moments.area for other, c in neighbours}
        regions.append(
            RegionFacts(
                id=segment.id,
                category=segment.category.name,
                isthing=segment.isthing,
                iscrowd=segment.iscrowd,
                box_xyxy=_box(cut),
                area_px=moments.area,
                centre_xy=(cut.x + moments.x + 0.5, cut.y + moments.y + 0.5),
                surface=surfaces[segment.id],
                outline=_outline(cut.mask, moments),
                edges=len(ys),
                frame_edges=frame_edges,
                contacts={other: n for other, n in contacts.items() if n},
                overlaps={other: share for other, share in overlaps.items() if share},
            )
        )
    return regions


def _box(cut: _Cut) -> tuple[int, int, int, int]:
    height, width = cut.mask.shape
    return (cut.x, cut.y, cut.x + width, cut.y + height)


def _near(a: _Cut, b: _Cut) -> bool:
    """Could they touch or overlap at all?"""
    x1, y1, x2, y2 = _box(a)
    return intersection((x1 - 1, y1 - 1, x2 + 1, y2 + 1), _box(b)) is not None


def _shared(a: _Cut, b: _Cut) -> int:
    common = intersection(_box(a), _box(b))
    if common is None:
        return 0
    x1, y1, x2, y2 = (int(v) for v in common)
    one = a.mask[y1 - a.y : y2 - a.y, x1 - a.x : x2 - a.x]
    other = b.mask[y1 - b.y : y2 - b.y, x1 - b.x : x2 - b.x]
    return int(np.count_nonzero(one & other))


def _outer_pixels(
    cut: _Cut, size_wh: tuple[int, int]
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """The outer pixel of each edge, as ys and xs of the image, and the number at the frame."""
    padded = np.pad(cut.mask, 1)
    empty = ~padded
    width = padded.shape[1]
    everything, first, last = slice(None), slice(None, -1), slice(1, None)
    found = []
    for inner, outer in (
        ((last, everything), (first, everything)),
        ((first, everything), (last, everything)),
        ((everything, last), (everything, first)),
        ((everything, first), (everything, last)),
    ):
        hits = np.zeros_like(padded)
        np.logical_and(padded[inner], empty[outer], out=hits[outer])
        found.append(np.flatnonzero(hits))
    ys, xs = np.divmod(np.concatenate(found), width)
    ys, xs = ys + (cut.y - 1), xs + (cut.x - 1)
    inside = (ys >= 0) & (ys < size_wh[1]) & (xs >= 0) & (xs < size_wh[0])
    return ys[inside], xs[inside], int(np.count_nonzero(~inside))


@dataclass(frozen=True)
class _Moments:
    """Area, centroid (of pixel indices) and central second moments per pixel of a crop."""

    area: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float


def _moments(mask: Mask) -> _Moments:
    import cv2

    # Sums of whole numbers, exact in doubles: the same on every machine and number of threads.
    raw = cv2.moments(mask.view(np.uint8), binaryImage=True)
    area = raw["m00"]
    x, y = raw["m10"] / area, raw["m01"] / area
    # Each pixel is a unit square: its own spread of 1/12 keeps a line one pixel wide from being
    # infinitely elongated.
    xx = raw["m20"] / area - x**2 + 1 / 12
    yy = raw["m02"] / area - y**2 + 1 / 12
    return _Moments(round(area), x, y, xx, yy, raw["m11"] / area - x * y)


def _outline(mask: Mask, moments: _Moments) -> Outline:
    import cv2

    half = (moments.xx + moments.yy) / 2
    spread = math.hypot((moments.xx - moments.yy) / 2, moments.xy)
    long, short = math.sqrt(half + spread), math.sqrt(max(half - spread, 1e-9))
    # y grows downwards in an image: the sign is turned so that positive rises to the right.
    angle = -math.degrees(0.5 * math.atan2(2 * moments.xy, moments.xx - moments.yy))

    first, last = mask.argmax(axis=1), mask.shape[1] - mask[:, ::-1].argmax(axis=1)
    rows = np.flatnonzero(mask.any(axis=1))
    ends = np.concatenate([first[rows], last[rows]])
    corners = np.concatenate(
        [np.stack([ends, np.tile(rows, 2) + step], axis=1) for step in (0, 1)]
    ).astype(np.int32)
    hull = float(cv2.contourArea(cv2.convexHull(corners)))

    labels, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    areas = stats[1:labels, cv2.CC_STAT_AREA]
    return Outline(
        fill=moments.area / mask.size,
        solidity=moments.area / hull,
        elongation=long / short,
        angle_deg=angle if angle > -90 else 90.0,
        ellipse_iou=_ellipse_iou(mask, moments),
        parts=int(np.count_nonzero(areas >= moments.area / 10)),
    )


def _ellipse_iou(mask: Mask, moments: _Moments) -> float:
    determinant = moments.xx * moments.yy - moments.xy**2
    if determinant <= 0:
        return 0.0
    columns = (np.arange(mask.shape[1]) - moments.x).astype(np.float32)
    rows = (np.arange(mask.shape[0]) - moments.y).astype(np.float32)
    # A solid ellipse with these moments ends where the squared Mahalanobis distance is 4.
    distance = (columns**2 * (moments.yy / determinant))[None, :] + (
        rows**2 * (moments.xx / determinant)
    )[:, None]
    distance -= np.outer(rows, columns * np.float32(2 * moments.xy / determinant))
    ellipse = 4 * math.pi * math.sqrt(determinant)
    shared = int(np.count_nonzero(mask & (distance <= 4)))
    return shared / (moments.area + ellipse - shared)


def _surfaces(
    photo: ImageRgb, luma: NDArray[np.float32], cuts: Mapping[int, _Cut]
) -> dict[int, Surface]:
    """The surface of each segment; colours of all are named at one go."""
    means, weights, grains = [], [], []
    for cut in cuts.values():
        x1, y1, x2, y2 = _box(cut)
        mean, weight = _cells(photo[y1:y2, x1:x2], cut.mask)
        means.append(mean)
        weights.append(weight)
        grains.append(_grain(luma[y1:y2, x1:x2], cut.mask))
    if not means:
        return {}
    lab = colour.lab_from_srgb(np.concatenate(means))
    names = colour.names_of(lab)
    surfaces, start = {}, 0
    for id, weight, grain in zip(cuts, weights, grains, strict=True):
        end = start + len(weight)
        light = lab[start:end, 0].astype(np.float64)
        low, high = _weighted_percentiles(light, weight, (0.05, 0.95))
        surfaces[id] = Surface(
            colours=tuple(colour.shares_of_names(names[start:end], weight)),
            light_mean=float(light @ weight / weight.sum()),
            light_low=low,
            light_high=high,
            grain=grain,
        )
        start = end
    return surfaces


def _cells(crop: ImageRgb, mask: Mask) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Mean sRGB (n, 3) and number of pixels (n,) of the cells that hold any of the segment."""
    import cv2

    height, width = mask.shape
    side = math.ceil(max(height, width) / CELLS_ACROSS)
    if side == 1:
        return crop[mask].astype(np.float32), np.ones(np.count_nonzero(mask))
    rows, columns = np.arange(0, height, side), np.arange(0, width, side)
    # A cell's sum is at most 255 × side², far below 2^32 for any picture that Pillow opens.
    kept = np.asarray(cv2.bitwise_and(crop, crop, mask=mask.view(np.uint8)))
    by_row = np.add.reduceat(kept, rows, axis=0, dtype=np.uint32)
    sums = np.add.reduceat(by_row, columns, axis=1).reshape(-1, 3)
    counted = np.add.reduceat(mask, rows, axis=0, dtype=np.uint32)
    counts = np.add.reduceat(counted, columns, axis=1).ravel()
    used = counts > 0
    return (
        (sums[used] / counts[used, None]).astype(np.float32),
        counts[used].astype(np.float64),
    )


def _grain(luma: NDArray[np.float32], mask: Mask) -> float:
    total, pairs = 0.0, 0
    for here, there, both in (
        (luma[:, 1:], luma[:, :-1], mask[:, 1:] & mask[:, :-1]),
        (luma[1:], luma[:-1], mask[1:] & mask[:-1]),
    ):
        # A product with the mask is four times as fast as a sum where it is set.
        total += float((np.abs(here - there) * both).sum(dtype=np.float64))
        pairs += int(np.count_nonzero(both))
    return total / pairs if pairs else math.nan


def _weighted_percentiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], shares: Sequence[float]
) -> list[float]:
    """For each share, the least value at or under which that share of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    places = np.searchsorted(reached, np.asarray(shares) * reached[-1] - 1e-9)
    return cast("list[float]", values[order][np.minimum(places, len(values) - 1)].tolist())
