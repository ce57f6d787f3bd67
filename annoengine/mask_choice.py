"""Chooses among many overlapping masks that a model proposes: the sure, the unlike, the large.

The masks are small grids of logits over the whole photograph, positive on the region; all of
this is NumPy and OpenCV, so that it needs no package of the model's.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Logits = NDArray[np.floating[Any]]
"""float (masks, height, width), above 0 on the region."""


def stability(logits: Logits, offset: float) -> NDArray[np.float64]:
    """How little each mask changes when its threshold moves by ``offset`` either way, 0 to 1.

    The IoU of the mask at the higher and at the lower threshold. 0 for one that is empty at the
    lower one. Source: facebookresearch/segment-anything, utils/amg.py; there it is taken at the
    photograph's size, here on the model's own grid.

    >>> stability(np.array([[[3.0, 0.5, -3.0, -3.0]]]), 1.0).tolist()
    [0.5]
    """
    inner = (logits > offset).sum(axis=(1, 2))
    outer = (logits > -offset).sum(axis=(1, 2))
    return np.where(outer > 0, inner / np.maximum(outer, 1), 0.0)


def unlike(logits: Logits, scores: NDArray[np.floating[Any]], most_iou: float) -> list[int]:
    """The masks that are left when of two with a greater IoU than ``most_iou`` the surer stays.

    Positions by falling score; of equal scores the earlier comes first. Masks without a pixel
    are left out. (Non-maximum suppression; Segment Anything compares boxes, here it is the masks,
    so that two regions in one box both stay.)

    >>> grid = np.array([[[1, 1, -1]], [[1, 1, 1]], [[-1, -1, 1]]])
    >>> unlike(grid, np.array([0.9, 0.8, 0.7]), 0.6)
    [0, 2]
    """
    flat = (logits > 0).reshape(len(logits), logits.shape[1] * logits.shape[2])
    areas = flat.sum(axis=1)
    # Counts of pixels are whole numbers below 2 to the 24th: exact in float32, in any order.
    # Rows that are never written take no memory.
    pixels = np.empty(flat.shape, dtype=np.float32)
    kept: list[int] = []
    for position in np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable").tolist():
        if not areas[position]:
            continue
        candidate = pixels[len(kept)]
        candidate[:] = flat[position]
        common = pixels[: len(kept)] @ candidate
        union = areas[kept] + areas[position] - common
        if not (common > most_iou * union).any():
            kept.append(position)
    return kept


def cleaned(logits: Logits, least_px: float) -> NDArray[np.float32]:
    """One mask (height, width) without islands and holes of fewer than ``least_px`` cells.

    The largest island stays, whatever its size, and a hole is one that does not touch the border.
    What goes has its sign turned, so that the outline of the rest is as smooth as before.

    >>> cleaned(np.array([[2.0, 2.0, -1.0, 0.5]]), 2).tolist()
    [[2.0, 2.0, -1.0, -0.5]]
    """
    result = np.asarray(logits, dtype=np.float32).copy()
    if not (result > 0).any():
        return result
    number, labels, stats, _ = cv2.connectedComponentsWithStats((result > 0).astype(np.uint8))
    areas = stats[1:number, cv2.CC_STAT_AREA]
    small = np.append(False, areas < least_px)
    small[1 + int(areas.argmax())] = False
    island = small[labels]
    result[island] = -result[island]
    number, labels, stats, _ = cv2.connectedComponentsWithStats(
        (result <= 0).astype(np.uint8), connectivity=4
    )
    small = np.append(False, stats[1:number, cv2.CC_STAT_AREA] < least_px)
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    small[edge] = False
    hole = small[labels]
    # Exactly 0 counts as outside; turned, it has to count as inside.
    result[hole] = np.maximum(-result[hole], np.float32(1e-3))
    return result


def largest(areas: NDArray[np.integer[Any]], most: int) -> list[int]:
    """The positions of the ``most`` largest, by falling area; of equals the earlier first.

    >>> largest(np.array([3, 9, 9, 1]), 3)
    [1, 2, 0]
    """
    return [int(i) for i in np.argsort(-areas, kind="stable")[:most]]
