"""From masks to regions of the drawn picture: nothing is lost, whatever the scale."""

from __future__ import annotations

import numpy as np
import pytest

from annoengine.errors import InputError
from annoengine.som.layout import Target
from annoengine.som.region import (
    region_of_box,
    region_of_mask,
    regions_of_ids,
    sample_positions,
    uncover,
)
from tests.som.marked_scenes import blank, random_scene, targets_of


def target(number: int, mask: int | None, box: tuple[float, float, float, float]) -> Target:
    return Target(number, number, str(number), box, mask)


def test_pixels_are_sampled_under_their_centres() -> None:
    assert sample_positions(10, 5, 0.5).tolist() == [1, 3, 5, 7, 9]
    assert sample_positions(3, 3, 1.0).tolist() == [0, 1, 2]
    assert sample_positions(7, 2, 0.3).tolist() == [1, 5]


def test_regions_are_the_masks_at_full_size() -> None:
    scene = random_scene(3)
    targets = targets_of(scene)
    for each in regions_of_ids(scene.ids, targets, scene.size_wh, 1.0):
        frame = np.zeros(scene.ids.shape, dtype=bool)
        x1, y1, x2, y2 = each.box_xyxy
        frame[y1:y2, x1:x2] = each.mask
        assert (frame == (scene.ids == each.target.mask)).all()
        assert each.area_px == frame.sum()


@pytest.mark.parametrize("scale", [0.05, 0.3, 0.77])
def test_no_region_is_lost_by_shrinking(scale: float) -> None:
    scene = random_scene(11, most=60)
    width, height = scene.size_wh
    drawn_wh = (max(1, int(width * scale)), max(1, int(height * scale)))
    targets = targets_of(scene)
    regions = regions_of_ids(scene.ids, targets, drawn_wh, scale)
    assert [r.target.number for r in regions] == [t.number for t in targets]
    for each in regions:
        x1, y1, x2, y2 = each.box_xyxy
        assert each.area_px >= 1
        assert 0 <= x1 < x2 <= drawn_wh[0]
        assert 0 <= y1 < y2 <= drawn_wh[1]


def test_a_lost_pixel_is_drawn_where_it_was() -> None:
    ids = blank(100, 100, 1)
    ids[31, 72] = 2
    speck = regions_of_ids(ids, [target(1, 2, (72, 31, 73, 32))], (10, 10), 0.1)[0]
    assert speck.box_xyxy == (7, 3, 8, 4)


def test_an_id_that_is_not_in_the_map_is_named() -> None:
    with pytest.raises(InputError, match="segment 9 has no pixel"):
        regions_of_ids(blank(8, 8, 1), [target(9, 77, (0, 0, 8, 8))], (8, 8), 1.0)


def test_a_single_mask_is_cut_and_shrunk() -> None:
    mask = np.zeros((40, 60), dtype=bool)
    mask[10:30, 20:50] = True
    each = region_of_mask(target(1, 0, (20, 10, 50, 30)), mask, (30, 20), 0.5)
    assert each.box_xyxy == (10, 5, 25, 15)
    assert each.area_px == 150


def test_an_empty_mask_is_an_error() -> None:
    with pytest.raises(InputError, match="segment 4 has no pixel in its mask"):
        region_of_mask(target(4, 0, (0, 0, 1, 1)), np.zeros((5, 5), dtype=bool), (5, 5), 1.0)


@pytest.mark.parametrize(
    ("box", "drawn"),
    [
        ((2.0, 3.0, 6.0, 9.0), (2, 3, 6, 9)),
        ((2.4, 3.6, 6.1, 8.2), (2, 3, 7, 9)),
        ((-5.0, -5.0, 50.0, 50.0), (0, 0, 10, 10)),
        ((20.0, 20.0, 30.0, 30.0), (9, 9, 10, 10)),
    ],
)
def test_a_box_is_kept_inside_the_frame(
    box: tuple[float, float, float, float], drawn: tuple[int, int, int, int]
) -> None:
    assert region_of_box(target(1, None, box), (10, 10), 1.0).box_xyxy == drawn


def test_smaller_regions_uncover_larger_ones() -> None:
    large = region_of_box(target(1, None, (0, 0, 10, 10)), (20, 20), 1.0)
    small = region_of_box(target(2, None, (5, 5, 8, 8)), (20, 20), 1.0)
    first, second = uncover([large, small], (20, 20))
    assert first.area_px == 91
    assert first.visible[6, 6] == 0
    assert first.mask.all()
    assert second.area_px == 9


def test_twins_both_stay_visible() -> None:
    twins = [region_of_box(target(n, None, (0, 0, 6, 6)), (9, 9), 1.0) for n in (1, 2)]
    assert [each.area_px for each in uncover(twins, (9, 9))] == [36, 36]
