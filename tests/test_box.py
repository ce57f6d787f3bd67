"""Boxes: half-open, exact, and the same there and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.box import BoxXyxy, area_px, intersection, iou, xywh_from_xyxy, xyxy_from_xywh

CORNER = st.integers(-50, 10)
BOXES = st.tuples(CORNER, CORNER, st.integers(0, 40), st.integers(0, 40)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.tuples(*[st.integers(-(10**9), 10**9)] * 4))
def test_there_and_back(box_xywh: tuple[int, int, int, int]) -> None:
    assert xywh_from_xyxy(xyxy_from_xywh(box_xywh)) == box_xywh


def test_whole_numbers_stay_whole_and_fractions_stay() -> None:
    assert [type(side) for side in xyxy_from_xywh((1, 2, 3, 4))] == [int] * 4
    assert xyxy_from_xywh((0.5, 1.25, 2.5, 3.0)) == (0.5, 1.25, 3.0, 4.25)


def covered(box: BoxXyxy) -> np.ndarray:
    frame = np.zeros((100, 100), dtype=bool)
    x1, y1, x2, y2 = (int(side) + 50 for side in box)
    frame[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)] = True
    return frame


@given(BOXES, BOXES)
def test_pixels_agree(a: BoxXyxy, b: BoxXyxy) -> None:
    """Area, intersection and IoU are those of the pixels that the boxes cover."""
    in_a, in_b = covered(a), covered(b)
    assert area_px(a) == in_a.sum()
    common = intersection(a, b)
    shared = int((in_a & in_b).sum())
    assert (0 if common is None else area_px(common)) == shared
    assert (common is None) == (shared == 0)
    union = int((in_a | in_b).sum())
    assert iou(a, b) == pytest.approx(shared / union if union else 0.0)
    assert iou(a, b) == iou(b, a)


def test_a_reversed_box_is_empty() -> None:
    assert area_px((4, 4, 0, 0)) == 0
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0
