"""Measures what a segment's mask looks like: how full, how round, how long, how it lies.

All of it follows from the mask's own tight crop: its moments, its convex hull, its parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from annoengine.mask import Mask


@dataclass(frozen=True)
class Moments:
    """Area, centroid (of pixel indices) and central second moments per pixel of a crop."""

    area: int
    x: float
    y: float
    xx: float
    yy: float
    xy: float


def moments_of(mask: Mask) -> Moments:
    """The moments of a crop that holds at least one pixel."""
    import cv2

    # Sums of whole numbers, exact in doubles: the same on every machine and number of threads.
    raw = cv2.moments(mask.view(np.uint8), binaryImage=True)
    area = raw["m00"]
    x, y = raw["m10"] / area, raw["m01"] / area
    # Each pixel is a unit square: its own spread of 1/12 keeps a line one pixel wide from being
    # infinitely elongated.
    xx = raw["m20"] / area - x**2 + 1 / 12
    yy = raw["m02"] / area - y**2 + 1 / 12
    return Moments(round(area), x, y, xx, yy, raw["m11"] / area - x * y)


class Outline:
    """What a segment's mask looks like, each number measured when it is first asked for.

    ``fill``: area / area of its box. ``solidity``: area / area of its convex hull (of pixel
    corners). ``elongation``: ratio of the standard deviations along the principal axes, ≥ 1.
    ``angle_deg``: of the longer axis, -90..90, 0 = level, positive = rising to the right.
    ``ellipse_iou``: intersection over union with the solid ellipse that has the same centroid and
    second moments. ``parts``: 8-connected parts that hold at least a tenth of the area.
    """

    def __init__(self, mask: Mask) -> None:
        """``mask`` is a tight crop that holds at least one pixel."""
        self._mask = mask

    @cached_property
    def _moments(self) -> Moments:
        return moments_of(self._mask)

    @cached_property
    def fill(self) -> float:
        return self._moments.area / self._mask.size

    @cached_property
    def solidity(self) -> float:
        import cv2

        mask = self._mask
        first, last = mask.argmax(axis=1), mask.shape[1] - mask[:, ::-1].argmax(axis=1)
        rows = np.flatnonzero(mask.any(axis=1))
        ends = np.concatenate([first[rows], last[rows]])
        corners = np.concatenate(
            [np.stack([ends, np.tile(rows, 2) + step], axis=1) for step in (0, 1)]
        ).astype(np.int32)
        return self._moments.area / float(cv2.contourArea(cv2.convexHull(corners)))

    @cached_property
    def elongation(self) -> float:
        moments = self._moments
        half = (moments.xx + moments.yy) / 2
        spread = math.hypot((moments.xx - moments.yy) / 2, moments.xy)
        return math.sqrt(half + spread) / math.sqrt(max(half - spread, 1e-9))

    @cached_property
    def angle_deg(self) -> float:
        moments = self._moments
        # y grows downwards in an image: the sign is turned so that positive rises to the right.
        angle = -math.degrees(0.5 * math.atan2(2 * moments.xy, moments.xx - moments.yy))
        return angle if angle > -90 else 90.0

    @cached_property
    def ellipse_iou(self) -> float:
        return _ellipse_iou(self._mask, self._moments)

    @cached_property
    def parts(self) -> int:
        import cv2

        labels, _, stats, _ = cv2.connectedComponentsWithStats(
            self._mask.view(np.uint8), connectivity=8
        )
        areas = stats[1:labels, cv2.CC_STAT_AREA]
        return int(np.count_nonzero(areas >= areas.sum() / 10))


def _ellipse_iou(mask: Mask, moments: Moments) -> float:
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
