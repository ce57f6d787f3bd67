"""A photograph as a small vector of where its light, colours and edges lie; no model, no meaning.

Two halves of equal weight. Layout: L*, a* and b* on a grid of 16 × 16, taken apart into cosines
(DCT) of which the 8 × 8 lowest stay; their weights rise with frequency, as those of photographs
fall (amplitudes about 1/f, Field 1987, JOSA A 4:2379), so that no few of them decide alone; the
mean of the light is left out, that of the colours stays. Edges: gradients in 8 directions on a
grid of 4 × 4, each cell by its share, without the mean of all. Unlike photographs come out nearly
at right angles, and copies of one another, scaled or encoded anew, nearly the same.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.photo import decode_photo

VERSION = 1
"""Goes up with every change of the vector of some picture."""

_GRID, _LOWEST = 16, 8
_CELLS, _DIRECTIONS = 4, 8
_EDGE_SIDE = 128


def photo_vector(data: bytes) -> NDArray[np.float32]:
    """float32 (320,), of length 1. Raises InputError for bytes that are no picture."""
    rgb = decode_photo(data, "a picture to embed")
    layout, edges = _layout(rgb), _edges(rgb)
    both = np.concatenate([_of_length_one(layout), _of_length_one(edges)])
    return _of_length_one(both).astype(np.float32)


def _layout(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """float64 (192,)."""
    small = cv2.resize(rgb, (_GRID, _GRID), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.float64)
    steps = np.arange(_LOWEST)
    weights = np.hypot(steps[:, None], steps[None, :])
    weights[0, 0] = 0.5  # a cast of colour says less of a picture than what lies where
    parts = []
    for channel in range(3):
        cosines = cv2.dct(np.ascontiguousarray(lab[:, :, channel]))[:_LOWEST, :_LOWEST] * weights
        if channel == 0:
            cosines[0, 0] = 0.0
        parts.append(cosines.ravel())
    return np.concatenate(parts)


def _edges(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """float64 (128,)."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (_EDGE_SIDE, _EDGE_SIDE), interpolation=cv2.INTER_AREA)
    across = cv2.Sobel(grey, cv2.CV_64F, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_64F, 0, 1)
    strength = np.hypot(across, down)
    turn = np.arctan2(down, across) % np.pi
    direction = np.minimum((turn / np.pi * _DIRECTIONS).astype(np.intp), _DIRECTIONS - 1)
    cell = np.arange(_EDGE_SIDE) * _CELLS // _EDGE_SIDE
    place = (cell[:, None] * _CELLS + cell[None, :]) * _DIRECTIONS + direction
    sums = np.bincount(
        place.ravel(), strength.ravel(), minlength=_CELLS * _CELLS * _DIRECTIONS
    ).reshape(-1, _DIRECTIONS)
    totals = sums.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, sums / np.where(totals > 0, totals, 1), 1 / _DIRECTIONS)
    # How much of a picture's edges is in each cell, and in which directions there.
    centred = (shares - 1 / _DIRECTIONS) * np.sqrt(totals / max(float(totals.sum()), 1e-9))
    found: NDArray[np.float64] = (centred - centred.mean(axis=0)).ravel()
    return found


def _of_length_one(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    if length < 1e-9:  # a picture of one colour: any direction will do, as long as it is the same
        vector = np.zeros_like(vector)
        vector[0] = length = 1.0
    return vector / length
