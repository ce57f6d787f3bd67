"""Finds which instances of two captions are the same: the Hungarian method over tags and boxes.

The sum of ``μ·s + iou`` over all pairs is made as large as it can be, one to one; of the pairs
assigned, those with ``s ≥ δt`` are matches. Where a tie is left, instances that were said in like
order go together.

Source: arXiv 2505.16334, section 3.2 and appendix C.1. Deviation: one entity may have several
boxes, where the paper has one; the IoU of two entities is the best over their boxes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from annoengine.pancap.content import BoxUnit, Content
from annoengine.pancap.similarity import TagSimilarity

DELTA_TAG = 0.5
"""δt: tags are consistent from this s on. Source: section 6, "Implementation Details"."""

DELTA_LOCATION = 0.5
"""δl: boxes are consistent from this IoU on. Source: as above."""

_TIE = 1e-7
"""What like order is worth in all: far less than any IoU; ours."""

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two instances that are one and the same, by their ids; ``iou`` None: one has no box."""

    reference: int
    prediction: int
    similarity: float
    iou: float | None


@dataclass(frozen=True)
class InstanceMatch:
    """The matches between a reference and a prediction, by reference id as the caption has it."""

    pairs: tuple[Pair, ...]

    @cached_property
    def to_prediction(self) -> Mapping[int, int]:
        """Reference id → prediction id."""
        return {pair.reference: pair.prediction for pair in self.pairs}

    @cached_property
    def to_reference(self) -> Mapping[int, int]:
        """Prediction id → reference id."""
        return {pair.prediction: pair.reference for pair in self.pairs}

    def located(self, delta: float = DELTA_LOCATION) -> int:
        """How many matches have boxes that are consistent, ``iou ≥ δl``."""
        return sum(1 for pair in self.pairs if pair.iou is not None and pair.iou >= delta)


def match_instances(
    reference: Content,
    prediction: Content,
    similarity: TagSimilarity,
    delta_tag: float = DELTA_TAG,
) -> InstanceMatch:
    """The matches of two contents. Defined for any, with none where one has no entities.

    >>> from annoengine.pancap.content import Entity
    >>> one = Content((Entity(1, "dog"), Entity(2, "tree")))
    >>> other = Content((Entity(4, "oak tree"), Entity(5, "cat")))
    >>> match_instances(one, other, TagSimilarity()).pairs
    (Pair(reference=2, prediction=4, similarity=10.0, iou=None),)
    """
    if not reference.entities or not prediction.entities:
        return InstanceMatch(())
    s = similarity.matrix(
        [entity.tag for entity in reference.entities],
        [entity.tag for entity in prediction.entities],
    )
    overlaps = best_ious(reference, prediction)
    boxed = np.maximum(overlaps, 0.0)
    rows, columns = assign(similarity.mu * s + boxed)
    found = zip(
        rows.tolist(),
        columns.tolist(),
        s[rows, columns].tolist(),
        overlaps[rows, columns].tolist(),
        strict=True,
    )
    pairs = [
        Pair(
            reference.entities[row].id,
            prediction.entities[column].id,
            alike,
            overlap if overlap >= 0 else None,
        )
        for row, column, alike, overlap in found
        if alike >= delta_tag
    ]
    return InstanceMatch(tuple(pairs))


def assign(weights: Weights) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and columns of the one-to-one assignment with the largest sum, by row.

    Ties go to like order. That is worth ``_TIE`` in all, which a float64 still tells from 0 for
    about a hundred instances; beyond, SciPy's own order decides, the same in every run.

    >>> rows, columns = assign(np.ones((3, 3)))
    >>> columns.tolist()
    [0, 1, 2]
    """
    rows, columns = weights.shape
    if weights.size > 1:
        apart = np.subtract.outer(np.arange(rows), np.arange(columns)).astype(np.float64)
        most = float(max(rows, columns))
        weights = weights - apart**2 * (_TIE / (most**2 * min(rows, columns)))
    found: tuple[NDArray[Any], NDArray[Any]] = linear_sum_assignment(weights, maximize=True)
    return found


def best_ious(reference: Content, prediction: Content) -> Weights:
    """The best IoU over the boxes of each two entities; −1 where one has no box.

    (entities of the reference, entities of the prediction), in the order of each.
    """
    row_of, boxes = _boxes_of(reference)
    column_of, others = _boxes_of(prediction)
    size = (len(reference.entities), len(prediction.entities))
    if boxes and others:
        overlaps = box_ious(boxes, others)
        if (row_of, column_of) == (list(range(size[0])), list(range(size[1]))):
            return overlaps
    best = np.full(size, -1.0)
    if not boxes or not others:
        return best
    if len(set(row_of)) == len(row_of) and len(set(column_of)) == len(column_of):
        best[np.ix_(row_of, column_of)] = overlaps
    else:
        np.maximum.at(best, np.ix_(row_of, column_of), overlaps)
    return best


def _boxes_of(content: Content) -> tuple[list[int], list[BoxUnit]]:
    """The boxes of a content, and the place of the entity that each is of."""
    place_of = {entity.id: place for place, entity in enumerate(content.entities)}
    known = [(place_of[at.entity], at.box) for at in content.locations if at.entity in place_of]
    return [place for place, _ in known], [box for _, box in known]


def box_ious(boxes: list[BoxUnit], others: list[BoxUnit]) -> Weights:
    """IoU of each box with each other, 0 to 1; 0 where both are empty.

    >>> box_ious([(0, 0, 0.5, 1)], [(0, 0, 1, 1), (0.5, 0, 1, 1)]).tolist()
    [[0.5, 0.0]]
    """
    # (4, boxes): x1, y1, x2, y2 of all.
    a, b = np.array(boxes, dtype=np.float64).T, np.array(others, dtype=np.float64).T
    low = np.maximum(a[:2, :, None], b[:2, None, :])
    high = np.minimum(a[2:, :, None], b[2:, None, :])
    width, height = np.maximum(high - low, 0.0)
    shared = width * height
    union = _areas(a)[:, None] + _areas(b) - shared
    ious: Weights = shared / np.where(union > 0, union, 1.0)
    return ious


def _areas(boxes: Weights) -> Weights:
    areas: Weights = (boxes[2] - boxes[0]) * (boxes[3] - boxes[1])
    return areas
