"""Measures what a segment's pixels look like: its colours by name, its light, its grain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from annoengine import colour
from annoengine.baseline.region_cut import Cut
from annoengine.mask import Mask
from annoengine.photo import ImageRgb

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


def surfaces_of(photo: ImageRgb, cuts: Mapping[int, Cut]) -> dict[int, Surface]:
    """The surface of each segment, by its id; colours of all are named at one go."""
    # Written out, for a product of matrices would start threads in each worker of the pool.
    red, green, blue = (photo[..., channel].astype(np.float32) for channel in range(3))
    luma = red * np.float32(0.299) + green * np.float32(0.587) + blue * np.float32(0.114)
    means, weights, grains = [], [], []
    for cut in cuts.values():
        x1, y1, x2, y2 = cut.box_xyxy
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
