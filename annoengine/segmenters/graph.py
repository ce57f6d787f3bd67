"""Finds regions by colour, texture and edges alone: a graph of pixels, then one of regions.

It needs no model. The pixels are joined as Felzenszwalb and Huttenlocher do (Efficient
Graph-Based Image Segmentation, IJCV 2004; scikit-image's code), into some dozens of pieces, and
the pieces by :mod:`annoengine.region_graph` into regions that a person can point at. It knows no
things: a striped shirt may come in parts, and a black dog may be one with its shadow.

All is done on a picture of 512 pixels at most, so that time and memory of a large photograph are
those of reading it; outlines are smoothed and brought back to its size. Every pixel belongs to
exactly one region.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from annoengine.photo import ImageRgb
from annoengine.region_graph import Floats, Labels, Merging, RegionGraph, histogram_of
from annoengine.segmenter import Found, Segmenter, SegmenterParameters

Numbers = NDArray[np.integer[Any]]
"""int (height, width), the number of the region at each pixel."""

SIDE = 512
"""The longer side of the picture that is worked on."""

_SMALLEST_SIDE = 8
"""A picture narrower than this, at working size, is one region."""

# Tuned on the six example photographs and two of COCO's, for 0.6 of the covering of the known
# segments and 0.4 of their mean best IoU (tests/benchmarks/segmentation.py has both figures):
# 0.68 and 0.58. With each photograph left out of its own tuning, 0.67 and 0.56.
_SCALE = 300.0
_PIECE_SHARE = 0.00085
_COLOUR_WEIGHT = 0.5
_TEXTURE_WEIGHT = 0.3
_MERGING = Merging(sharpness=1.5, small=0.03, cheapness=0.3, most_cost=0.6)
_SLIVER_PX = 4
"""A piece that holds no square of this side is a line."""

_EDGE_SIGMA = 4.0
_HALF_SHARP = 10.0
"""A difference in Lab, over one standard deviation of the blur, that is half as sharp as can be."""

_LAB_RANGES = ((0.0, 100.0, 20), (-60.0, 80.0, 28), (-60.0, 80.0, 28))
"""The lowest and highest value of each channel, and its number of bins."""
_TEXTURE_BINS, _TEXTURE_TOP = 10, 3.5
_DIRECTIONS = 4
_TEXTURE_SIGMAS = (1.0, 2.0)

_SMOOTHING_SIGMA = 2.0
"""Of outlines, in pixels at working size."""
_UPSCALING_SIGMA = 0.8
"""As much again keeps the working size's pixels from showing as steps."""


class GraphParameters(SegmenterParameters):
    """How small a region may be."""

    least_area: float = Field(default=0.003, ge=0, lt=1)
    """Regions below this share of the photograph join the neighbour that is most alike."""


class Graph(Segmenter):
    """Regions of like colour and texture; they cover the photograph and do not overlap."""

    VERSION: ClassVar[int] = 1
    ABOUT: ClassVar[str] = "graph-based segmentation by colour, texture and edges"
    Parameters: ClassVar[type[SegmenterParameters]] = GraphParameters
    parameters: GraphParameters

    def regions(self, photo: ImageRgb) -> Iterator[Found]:
        """The regions, the largest first; ``score`` is how sharply a region is set off."""
        height, width = photo.shape[:2]
        small = _at_working_size(photo)
        if min(small.shape[:2]) < _SMALLEST_SIDE:
            yield Found(np.ones((height, width), dtype=np.bool_))
            return
        lab = _lab(small)
        sharp = _sharpness(lab)
        labels = self._merged(lab, sharp)
        labels = _whole_regions(_scaled(labels, labels.shape, _SMOOTHING_SIGMA), self.parameters)
        scores = _set_off(labels, sharp)
        same = small.shape == photo.shape
        whole: Numbers = labels if same else _scaled(labels, (height, width), _UPSCALING_SIGMA)
        # Column by column, as RLEs run: a mask compared from it needs no turning.
        whole = np.asfortranarray(whole)
        areas = np.bincount(whole.ravel(order="K"), minlength=len(scores))
        for label in np.argsort(-areas, kind="stable").tolist():
            if areas[label]:
                yield Found(whole == label, scores[label])

    def _merged(self, lab: NDArray[np.float32], sharp: Floats) -> Labels:
        pieces = _pieces(lab)
        histograms, weights = _looks(lab, pieces)
        graph = RegionGraph(pieces, histograms, weights, sharp)
        roots = graph.merge(_MERGING, self.parameters.max_regions, self.parameters.least_area)
        return _numbered(roots[pieces])


def _at_working_size(photo: ImageRgb) -> ImageRgb:
    height, width = photo.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return photo
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(photo, size_wh, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _lab(photo: ImageRgb) -> NDArray[np.float32]:
    """Float32 (height, width, 3): L from 0 to 100, a and b about -100 to 100."""
    values = photo.astype(np.float32) / np.float32(255)
    return np.asarray(cv2.cvtColor(values, cv2.COLOR_RGB2LAB), dtype=np.float32)


def _pieces(lab: NDArray[np.float32]) -> Labels:
    """The picture in some dozens of pieces."""
    from skimage.segmentation import felzenszwalb

    least_px = max(1, int(_PIECE_SHARE * lab.shape[0] * lab.shape[1]))
    # Lab in hundredths, because scikit-image's scale is meant for values from 0 to 1.
    pieces = felzenszwalb(lab / 100, scale=_SCALE, sigma=0.8, min_size=least_px)
    return _without_slivers(_numbered(pieces))


def _without_slivers(pieces: Labels) -> Labels:
    """Pieces thinner than a line go to the nearest thick one.

    The blur before the joining makes a piece of its own of every sharp edge.
    """
    from scipy.ndimage import distance_transform_edt

    if pieces.max() > np.iinfo(np.uint16).max:
        return pieces
    values = pieces.astype(np.uint16)
    window = np.ones((_SLIVER_PX, _SLIVER_PX), dtype=np.uint8)
    inside = cv2.erode(values, window) == cv2.dilate(values, window)
    is_thick = np.zeros(int(pieces.max()) + 1, dtype=np.bool_)
    is_thick[values[inside]] = True
    if is_thick.all() or not is_thick.any():
        return pieces
    nearest = distance_transform_edt(~is_thick[pieces], return_distances=False, return_indices=True)
    return _numbered(pieces[tuple(nearest)])


def _numbered(labels: Numbers) -> Labels:
    """The same regions, numbered from 0 without gaps."""
    return np.asarray(np.unique(labels, return_inverse=True)[1].reshape(labels.shape))


def _gradient(channel: NDArray[np.float32], sigma: float) -> tuple[Floats, Floats]:
    """The slope of a blurred channel to the right and downwards, over one sigma."""
    blurred = cv2.GaussianBlur(channel, (0, 0), sigma)
    right = cv2.Sobel(blurred, cv2.CV_32F, 1, 0, ksize=1, scale=sigma / 2)
    down = cv2.Sobel(blurred, cv2.CV_32F, 0, 1, ksize=1, scale=sigma / 2)
    return right.astype(np.float64), down.astype(np.float64)


def _sharpness(lab: NDArray[np.float32]) -> Floats:
    """How sharp the picture is at each pixel, 0 to 1."""
    squares = [
        g**2 for channel in cv2.split(lab) for g in _gradient(np.asarray(channel), _EDGE_SIGMA)
    ]
    slope = np.sqrt(np.sum(squares, axis=0))
    return np.asarray(slope / (slope + _HALF_SHARP))


def _looks(lab: NDArray[np.float32], pieces: Labels) -> tuple[Floats, Floats]:
    """Histograms of colour and texture, and what each of their bins counts for."""
    histograms, weights = [], []
    colours = cv2.GaussianBlur(lab, (0, 0), 0.8)
    for channel, (low, high, bins) in enumerate(_LAB_RANGES):
        values = (colours[..., channel] - low) / (high - low)
        histograms.append(histogram_of(pieces, values, bins))
        weights += [_COLOUR_WEIGHT / len(_LAB_RANGES)] * bins
    angles = [np.pi * k / _DIRECTIONS for k in range(_DIRECTIONS)]
    for sigma in _TEXTURE_SIGMAS:
        # Over two pixels whatever the blur, as the bins' range was chosen.
        right, down = (g * 2 / sigma for g in _gradient(np.ascontiguousarray(lab[..., 0]), sigma))
        for angle in angles:
            energy = np.log1p(np.abs(right * np.cos(angle) + down * np.sin(angle)))
            histograms.append(histogram_of(pieces, energy / _TEXTURE_TOP, _TEXTURE_BINS))
            weights += [_TEXTURE_WEIGHT / _DIRECTIONS / len(_TEXTURE_SIGMAS)] * _TEXTURE_BINS
    return np.concatenate(histograms, axis=1), np.array(weights)


def _scaled(labels: Labels, shape_hw: tuple[int, int], sigma: float) -> NDArray[np.uint16]:
    """The regions at a size: each pixel goes to the one whose blurred mask is highest there."""
    best = np.zeros(shape_hw, dtype=np.uint8)
    result = np.zeros(shape_hw, dtype=np.uint16)
    for label in range(int(labels.max()) + 1):
        mask = np.where(labels == label, np.uint8(255), np.uint8(0))
        mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma), dtype=np.uint8)
        if mask.shape != shape_hw:
            scaled = cv2.resize(mask, shape_hw[::-1], interpolation=cv2.INTER_LINEAR)
            mask = np.asarray(scaled, dtype=np.uint8)
        higher = mask > best
        np.copyto(best, mask, where=higher)
        result[higher] = label
    return result


def _whole_regions(labels: Numbers, parameters: GraphParameters) -> Labels:
    """The same without crumbs: each region in one piece, none too small, not too many.

    What is cut off goes to the region that is nearest.
    """
    pieces = np.zeros(labels.shape, dtype=np.intp)
    number = 0
    for label in np.unique(labels).tolist():
        found, parts = cv2.connectedComponents((labels == label).astype(np.uint8), connectivity=4)
        pieces[parts > 0] = parts[parts > 0] + number
        number += found - 1
    areas = np.bincount(pieces.ravel(), minlength=number + 1)
    order = np.argsort(-areas[1:], kind="stable")[: parameters.max_regions] + 1
    kept = [int(k) for k in order if areas[k] >= parameters.least_area * labels.size] or [order[0]]
    stays = np.isin(pieces, kept)
    _, nearest = cv2.distanceTransformWithLabels(
        (~stays).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_seed = np.zeros(int(nearest.max()) + 1, dtype=np.intp)
    by_seed[nearest[stays]] = pieces[stays]
    return _numbered(by_seed[nearest])


def _set_off(labels: Labels, sharp: Floats) -> list[float | None]:
    """The mean sharpness along each region's border; None for one that has no border."""
    n = int(labels.max()) + 1
    lengths, sums = np.zeros(n), np.zeros(n)
    for one, other, at in (
        (labels[:, :-1], labels[:, 1:], sharp[:, :-1]),
        (labels[:-1], labels[1:], sharp[:-1]),
    ):
        across = one != other
        for side in (one, other):
            lengths += np.bincount(side[across], minlength=n)
            sums += np.bincount(side[across], at[across], n)
    return [
        round(float(total / length), 4) if length else None
        for total, length in zip(sums, lengths, strict=True)
    ]
