"""Insets: who gets one, what it shows, and that it hides nothing it should not."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from annoengine.mask import IdMap
from annoengine.model_sight import AS_IS, QWEN2_VL, Sight, bounded
from annoengine.photo import ImageRgb
from annoengine.som.draw import DrawnMark, DrawnPicture, draw_marks
from annoengine.som.inset import MOST_INSETS, MOST_SHARE, Zoom, chosen
from annoengine.som.layout import Region, Target
from annoengine.som.region import region_of_box
from tests.som.marked_scenes import Scene, blank, commission_of, scene_of, stored

RED, GREY = (200, 30, 30), (128, 128, 128)


def drawn_of(
    ids: IdMap, folder: Path, sight: Sight = AS_IS, photo: ImageRgb | None = None
) -> tuple[DrawnPicture, ImageRgb]:
    if photo is None:
        photo = np.full((*ids.shape, 3), 128, dtype=np.uint8)
    files = stored(Scene(photo, ids, frozenset()), folder)
    drawn = draw_marks(files, commission_of(Scene(photo, ids, frozenset()), files, sight))
    with Image.open(io.BytesIO(drawn.data)) as image:
        return drawn, np.asarray(image.convert("RGB"))


def mark_of(drawn: DrawnPicture, segment: int) -> DrawnMark:
    return next(mark for mark in drawn.marks if mark.segment == segment)


def region(number: int, box: tuple[float, float, float, float]) -> Region:
    return region_of_box(Target(number, number, str(number), box, None), (640, 480), 1.0)


ZOOM = Zoom(scale=1.0, pixel=1.0, photo_wh=(640, 480))


@pytest.mark.parametrize(("side", "tiny"), [(1, True), (23, True), (24, False), (60, False)])
def test_under_24_pixels_is_tiny(side: int, tiny: bool, tmp_path: Path) -> None:
    ids = blank(640, 480, 1)
    ids[200 : 200 + side, 300:304] = 2
    drawn, _ = drawn_of(ids, tmp_path)
    assert (mark_of(drawn, 2).inset_xyxy is not None) == tiny
    assert mark_of(drawn, 1).inset_xyxy is None


def test_it_is_the_size_in_the_models_eyes_that_counts() -> None:
    """40 pixels of the photograph, drawn at half size: 20; and seen at two thirds: 13."""
    box = (100.0, 100.0, 140.0, 110.0)
    assert not ZOOM.is_tiny(region(1, box))
    assert replace(ZOOM, scale=0.5).is_tiny(region(1, box))
    assert not replace(ZOOM, pixel=1.5).is_tiny(region(1, box))  # 26.7
    assert replace(ZOOM, pixel=1.7).is_tiny(region(1, box))  # 23.5


def test_a_crop_is_twice_as_large_and_inside_the_photograph() -> None:
    assert ZOOM.crop(region(1, (100, 200, 120, 210))) == (90, 185, 130, 225)
    assert ZOOM.crop(region(1, (0, 0, 20, 20))) == (0, 0, 40, 40)
    assert ZOOM.crop(region(1, (639, 479, 640, 480))) == (626, 466, 640, 480)


def test_a_zoom_is_at_least_60_pixels_and_at_most_84() -> None:
    """With its frame of three pixels: 14 → 60, 40 → 80, 46 → 84."""
    assert ZOOM.size_wh((0, 0, 14, 14)) == (66, 66)
    assert ZOOM.size_wh((0, 0, 40, 40)) == (86, 86)
    assert ZOOM.size_wh((0, 0, 46, 46)) == (90, 90)
    # At the photograph's edge it is no square; a model that sees half has all twice as large.
    assert ZOOM.size_wh((0, 0, 14, 7)) == (66, 36)
    assert replace(ZOOM, pixel=2.0).size_wh((0, 0, 28, 28)) == (132, 132)


def test_the_most_needy_come_first_and_there_is_an_end() -> None:
    large, speck = region(1, (0, 0, 200, 200)), region(2, (300, 300, 302, 301))
    ten, five = region(3, (400, 10, 410, 20)), region(4, (500, 10, 505, 15))
    assert chosen([large, speck, ten, five], ZOOM) == [3, 2, 1]
    many = [region(n, (10 * n, 50, 10 * n + 6, 56)) for n in range(1, 50)]
    assert len(chosen(many, ZOOM)) == min(MOST_INSETS, int(MOST_SHARE * 640 * 480 // 66**2))


def test_an_inset_shows_the_segment_and_what_is_around_it(tmp_path: Path) -> None:
    """A red square of 8 on grey: a red middle of a quarter of the crop, grey around it."""
    ids = blank(640, 480, 1)
    ids[300:308, 200:208] = 2
    photo = np.full((480, 640, 3), 128, dtype=np.uint8)
    photo[300:308, 200:208] = RED
    drawn, picture = drawn_of(ids, tmp_path, photo=photo)
    mark = mark_of(drawn, 2)
    assert mark.inset_xyxy is not None
    x1, y1, x2, y2 = mark.inset_xyxy
    inner = picture[y1 + 3 : y2 - 3, x1 + 3 : x2 - 3].astype(int)
    assert tuple(inner[30, 30]) == RED
    # 16 pixels of the photograph on 60: the square is 30 wide, the middle row shows it.
    red = (abs(inner[30] - RED).max(axis=-1) < 12).sum()
    assert 26 <= red <= 31
    assert tuple(inner[2, 2]) == GREY
    assert tuple(inner[-3, -3]) == GREY
    # The frame and the outline have the mark's colour.
    colour = tuple(int(mark.colour[i : i + 2], 16) for i in (1, 3, 5))
    assert tuple(picture[y1 + 1, (x1 + x2) // 2]) == colour
    assert tuple(picture[(y1 + y2) // 2, x1 + 2]) == colour
    assert (inner[30] == colour).all(axis=-1).sum() == 2


def test_an_inset_shows_pixels_that_the_drawing_lost(tmp_path: Path) -> None:
    """Stripes of two pixels are grey in a drawing of a quarter; the inset shows them."""
    ids = blank(1600, 1200, 1)
    ids[600:680, 800:880] = 2
    photo = np.full((1200, 1600, 3), 128, dtype=np.uint8)
    photo[600:680, 800:880] = 0
    photo[600:680:4, 800:880] = photo[601:680:4, 800:880] = 255
    drawn, picture = drawn_of(ids, tmp_path, Sight("small_eyes", max_side_px=400), photo)
    mark = mark_of(drawn, 2)
    assert drawn.scale == 0.25
    assert mark.inset_xyxy is not None
    x1, y1, x2, y2 = mark.inset_xyxy
    column = picture[y1 + 3 : y2 - 3, (x1 + x2) // 2].astype(int).mean(axis=-1)
    inside = column[25:55]
    assert inside.max() - inside.min() > 60
    small = picture[155:165, 205].astype(int).mean(axis=-1)
    assert small.max() - small.min() < 30


def test_the_leader_goes_from_the_frame_to_the_segment(tmp_path: Path) -> None:
    ids = blank(640, 480, 1)
    ids[300:304, 200:204] = 2
    drawn, _ = drawn_of(ids, tmp_path)
    mark = mark_of(drawn, 2)
    assert mark.leader_xyxy is not None
    assert mark.inset_xyxy is not None
    sx, sy, ex, ey = mark.leader_xyxy
    x1, y1, x2, y2 = mark.inset_xyxy
    assert ids[ey, ex] == 2
    assert sx in (x1, x2 - 1) or sy in (y1, y2 - 1)
    assert x1 <= sx < x2
    assert y1 <= sy < y2


def test_where_nothing_is_roomy_an_inset_gets_a_margin(tmp_path: Path) -> None:
    ids = blank(480, 360, 1)
    for n, x in enumerate(range(0, 480, 15), start=3):
        ids[:, x : x + 15] = n
    ids[180:183, 400:403] = 2
    drawn, picture = drawn_of(ids, tmp_path)
    mark = mark_of(drawn, 2)
    assert mark.inset_xyxy is not None
    assert mark.inset_xyxy[0] >= 480 or mark.inset_xyxy[1] >= 360
    assert picture.shape[:2] == (drawn.height, drawn.width)
    assert drawn.width * drawn.height <= 1.25 * 480 * 360


def test_many_tiny_segments_make_no_wall(tmp_path: Path) -> None:
    """80 specks: some insets at most, every mark legible, the photograph not shrunk away."""
    scene = scene_of(8, 640, 480, 10)
    ids = scene.ids.copy()
    draw = np.random.default_rng(3)
    for n in range(80):
        x, y = draw.integers(4, 630), draw.integers(4, 470)
        ids[y : y + 4, x : x + 5] = 2_000_000 + n
    drawn, _ = drawn_of(ids, tmp_path, bounded(QWEN2_VL, 401_408))
    insets = [mark.inset_xyxy for mark in drawn.marks if mark.inset_xyxy is not None]
    assert 0 < len(insets) <= MOST_INSETS
    taken = sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in insets)
    assert taken <= MOST_SHARE * drawn.width * drawn.height
    assert all(mark.legible for mark in drawn.marks)
    assert drawn.scale > 0.8
