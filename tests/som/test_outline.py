"""Outlines: every part and hole, at the frame's edge, and never hiding what they mark."""

from __future__ import annotations

import numpy as np
import pytest

from annoengine.som.layout import Bits, Region, Target
from annoengine.som.outline import MAX_LINE_SHARE, Outline, line_px, outline_of

WH = (100, 80)


def region_of(frame: Bits) -> Region:
    """The region of a mask that has the size of the picture."""
    ys, xs = np.nonzero(frame)
    x, y = int(xs.min()), int(ys.min())
    cut = np.ascontiguousarray(frame[y : ys.max() + 1, x : xs.max() + 1])
    target = Target(1, 1, "1", (0, 0, 1, 1), 1)
    return Region(target, x, y, cut, cut, int(cut.sum()))


def on_frame(outline: Outline) -> Bits:
    frame: Bits = np.zeros((WH[1], WH[0]), dtype=np.uint8)
    x1, y1, x2, y2 = outline.box_xyxy
    frame[y1:y2, x1:x2] = outline.line
    return frame


def frame_with(*boxes: tuple[int, int, int, int]) -> Bits:
    frame: Bits = np.zeros((WH[1], WH[0]), dtype=np.uint8)
    for x1, y1, x2, y2 in boxes:
        frame[y1:y2, x1:x2] = 1
    return frame


def test_a_square_is_lined_inside() -> None:
    frame = frame_with((10, 10, 40, 40))
    drawn = on_frame(outline_of(region_of(frame), 2, WH))
    core = frame_with((12, 12, 38, 38))
    assert (drawn == frame - core).all()


def test_a_hole_is_lined_too() -> None:
    frame = frame_with((10, 10, 60, 60)) - frame_with((30, 30, 40, 40))
    drawn = on_frame(outline_of(region_of(frame), 1, WH))
    # The pixels of the region that touch the hole, corners included: an 12 × 12 ring.
    around_hole = frame_with((29, 29, 41, 41)) - frame_with((30, 30, 40, 40))
    assert (drawn[around_hole == 1] == 1).all()
    assert drawn[frame == 0].sum() == 0


def test_every_part_is_lined() -> None:
    parts = ((5, 5, 35, 35), (50, 40, 90, 70))
    drawn = on_frame(outline_of(region_of(frame_with(*parts)), 1, WH))
    for x1, y1, x2, y2 in parts:
        edge = frame_with((x1, y1, x2, y2)) - frame_with((x1 + 1, y1 + 1, x2 - 1, y2 - 1))
        assert (drawn[edge == 1] == 1).all()


def test_a_region_that_fills_the_frame_is_lined_at_its_edge() -> None:
    drawn = on_frame(outline_of(region_of(frame_with((0, 0, *WH))), 2, WH))
    assert (drawn == frame_with((0, 0, *WH)) - frame_with((2, 2, 98, 78))).all()


@pytest.mark.parametrize("at", [(50, 40), (0, 0), (99, 79), (0, 40)])
def test_one_pixel_is_lined_around_and_stays_visible(at: tuple[int, int]) -> None:
    x, y = at
    outline = outline_of(region_of(frame_with((x, y, x + 1, y + 1))), 2, WH)
    drawn = on_frame(outline)
    assert outline.around
    assert drawn[y, x] == 0
    ring = frame_with((max(0, x - 2), max(0, y - 2), x + 3, y + 3))
    ring[y, x] = 0
    assert (drawn == ring).all()


def test_a_thin_region_gets_a_thinner_line() -> None:
    # 12 × 60: two pixels would cover 272 of 720, one covers 140.
    outline = outline_of(region_of(frame_with((10, 10, 22, 70))), 2, WH)
    assert not outline.around
    assert int(outline.line.sum()) == 140


@pytest.mark.parametrize("side", range(1, 40))
def test_a_line_hides_at_most_its_share(side: int) -> None:
    frame = frame_with((20, 20, 20 + side, 20 + side))
    drawn = on_frame(outline_of(region_of(frame), 3, WH))
    assert drawn.any()
    assert (drawn & frame).sum() <= MAX_LINE_SHARE * frame.sum()


def test_a_speck_that_is_all_of_the_picture_is_its_own_line() -> None:
    frame: Bits = np.ones((1, 1), dtype=np.uint8)
    outline = outline_of(region_of(frame), 1, (1, 1))
    assert outline.line.tolist() == [[1]]


def test_lines_grow_with_the_short_side() -> None:
    assert [line_px(wh) for wh in [(40, 30), (640, 360), (640, 480), (1024, 768)]] == [1, 2, 2, 3]
    assert line_px((9000, 9000)) == 6
