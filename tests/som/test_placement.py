"""Where labels stand, on hundreds of random scenes and on the awkward ones."""

from __future__ import annotations

import numpy as np
import pytest

from annoengine.mask import IdMap
from annoengine.som.board import MAX_HIDDEN
from annoengine.som.depth import depth_of
from annoengine.som.layout import BoxPx, Label, Layout, Region, Target, TextHeights
from annoengine.som.lettering import label_size_wh
from annoengine.som.placement import MIN_ON, place_labels, text_height
from annoengine.som.region import region_of_box, regions_of_ids, uncover
from annoengine.som.room import Room
from tests.som.marked_scenes import blank, random_scene, scene_of, targets_of, worded

LEAST = TextHeights(12, 12, 12)


def overlap(a: BoxPx, b: BoxPx) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def pixels(mask: np.ndarray, box: BoxPx) -> int:
    x1, y1, x2, y2 = box
    return int(np.count_nonzero(mask[y1:y2, x1:x2]))


def check(layout: Layout, ids: IdMap, targets: tuple[Target, ...]) -> None:
    """Everything that must hold of a layout, from the id map alone."""
    width, height = layout.picture_wh
    hidden = np.zeros((height, width), dtype=bool)
    for label in layout.labels:
        for x1, y1, x2, y2 in label.boxes:
            hidden[y1:y2, x1:x2] = True
    hidden = hidden[: ids.shape[0], : ids.shape[1]]
    assert [label.target for label in layout.labels] == list(targets)
    for at, label in enumerate(layout.labels):
        x1, y1, x2, y2 = label.box_xyxy
        own = ids == label.target.mask
        assert label.alone
        assert label.text_px >= 12
        assert (x2 - x1, y2 - y1) == label_size_wh(label.target.text, label.text_px)
        assert min(x1, y1) >= 0
        assert x2 <= width
        assert y2 <= height
        for other in layout.labels[at + 1 :]:
            assert not overlap(label.box_xyxy, other.box_xyxy), (label, other)
        # All labels together, not its own alone.
        assert np.count_nonzero(own & hidden) <= MAX_HIDDEN * np.count_nonzero(own)
        anchor_x, anchor_y = label.anchor_xy
        assert own[anchor_y, anchor_x]
        area = (x2 - x1) * (y2 - y1)
        if label.leader_xyxy is None:
            assert x1 <= anchor_x < x2
            assert y1 <= anchor_y < y2
            assert pixels(own, label.box_xyxy) >= MIN_ON * area
        else:
            start_x, start_y, end_x, end_y = label.leader_xyxy
            assert own[end_y, end_x]
            assert start_x in (x1, x2 - 1) or start_y in (y1, y2 - 1)
            assert x1 <= start_x < x2
            assert y1 <= start_y < y2
            assert pixels(own, label.box_xyxy) == 0


@pytest.mark.parametrize("block", range(10))
def test_random_scenes(block: int) -> None:
    for seed in range(24 * block, 24 * block + 24):
        scene = random_scene(seed)
        targets = targets_of(scene)
        regions = regions_of_ids(scene.ids, targets, scene.size_wh, 1.0)
        heights = TextHeights(12, 12 + seed % 3, 12 + seed % 9)
        check(place_labels(regions, scene.size_wh, heights), scene.ids, targets)


@pytest.mark.parametrize("block", range(4))
def test_random_scenes_with_long_labels(block: int) -> None:
    for seed in range(300 + 15 * block, 315 + 15 * block):
        scene = random_scene(seed, most=25)
        targets = worded(targets_of(scene))
        regions = regions_of_ids(scene.ids, targets, scene.size_wh, 1.0)
        layout = place_labels(regions, scene.size_wh, TextHeights(12, 14, 18))
        check(layout, scene.ids, targets)


@pytest.mark.parametrize("wh", [(1, 1), (3, 2000), (2000, 3), (20, 20), (30, 14)])
def test_a_picture_smaller_than_its_labels_gets_a_margin(wh: tuple[int, int]) -> None:
    ids = blank(*wh, 5)
    ids[wh[1] // 2 :, :] = 6
    targets = tuple(
        Target(n, id, str(n), (0, 0, 1, 1), id)
        for n, id in enumerate(sorted(set(ids.ravel().tolist())), start=1)
    )
    layout = place_labels(regions_of_ids(ids, targets, wh, 1.0), wh, LEAST)
    check(layout, ids, targets)
    assert layout.picture_wh > wh


def test_two_hundred_segments_on_a_small_picture() -> None:
    scene = scene_of(4, 200, 150, 300)
    targets = targets_of(scene)
    assert len(targets) >= 70
    regions = regions_of_ids(scene.ids, targets, scene.size_wh, 1.0)
    layout = place_labels(regions, scene.size_wh, LEAST)
    check(layout, scene.ids, targets)


def one(ids: IdMap, id: int, heights: TextHeights = LEAST) -> Label:
    wh = (ids.shape[1], ids.shape[0])
    target = Target(1, id, "1", (0, 0, 1, 1), id)
    return place_labels(regions_of_ids(ids, [target], wh, 1.0), wh, heights).labels[0]


def test_the_centre_of_a_square() -> None:
    ids = blank(200, 200)
    ids[50:150, 40:140] = 1
    assert one(ids, 1).anchor_xy == pytest.approx((90, 100), abs=2)


def test_the_middle_of_a_long_strip_not_its_end() -> None:
    ids = blank(400, 100)
    ids[30:70, 10:390] = 1
    assert one(ids, 1).anchor_xy == pytest.approx((200, 50), abs=12)


def test_the_part_with_the_largest_inscribed_circle() -> None:
    """The long part has more pixels (5,200 against 2,500), the square the larger circle."""
    ids = blank(320, 200)
    ids[10:30, 10:270] = 1
    ids[120:170, 200:250] = 1
    label = one(ids, 1)
    assert label.anchor_xy == pytest.approx((225, 145), abs=6)


def test_a_hole_is_no_place() -> None:
    ids = blank(200, 200, 2)
    ys, xs = np.mgrid[0:200, 0:200]
    distance = (xs - 100) ** 2 + (ys - 100) ** 2
    ids[(distance <= 80**2) & (distance >= 40**2)] = 1
    label = one(ids, 1)
    assert label.leader_xyxy is None
    assert ids[label.anchor_xy[1], label.anchor_xy[0]] == 1


def test_a_small_object_is_not_hidden_by_its_number() -> None:
    ids = blank(200, 200, 2)
    ids[100:112, 100:112] = 1
    label = one(ids, 1)
    assert label.leader_xyxy is not None
    assert pixels(ids == 1, label.box_xyxy) == 0
    middle = (
        (label.box_xyxy[0] + label.box_xyxy[2]) / 2,
        (label.box_xyxy[1] + label.box_xyxy[3]) / 2,
    )
    assert max(abs(middle[0] - 106), abs(middle[1] - 106)) <= 40


def test_a_label_beside_keeps_off_other_small_objects() -> None:
    ids = blank(200, 200, 9)
    ids[100:108, 100:108] = 1
    for n, (x, y) in enumerate([(80, 100), (120, 100), (100, 80)], start=2):
        ids[y : y + 8, x : x + 8] = n
    targets = tuple(Target(n, n, str(n), (0, 0, 1, 1), n) for n in range(1, 5))
    regions = regions_of_ids(ids, targets, (200, 200), 1.0)
    layout = place_labels(regions, (200, 200), LEAST)
    check(layout, ids, targets)
    for label in layout.labels:
        for id in range(1, 5):
            assert pixels(ids == id, label.box_xyxy) == 0


def test_the_large_one_gives_way() -> None:
    """Overlapping regions: the label of the whole stands off its part."""
    whole = Target(1, 1, "1", (0, 0, 120, 120), None)
    part = Target(2, 2, "2", (30, 30, 90, 90), None)
    regions = uncover([region_of_box(t, (120, 120), 1.0) for t in (whole, part)], (120, 120))
    first, second = place_labels(regions, (120, 120), LEAST).labels
    assert not overlap(first.box_xyxy, (30, 30, 90, 90))
    assert second.anchor_xy == pytest.approx((60, 60), abs=2)


def test_twins_get_a_place_each() -> None:
    twins = [Target(n, n, str(n), (10, 10, 90, 90), None) for n in (1, 2)]
    regions = uncover([region_of_box(t, (100, 100), 1.0) for t in twins], (100, 100))
    first, second = place_labels(regions, (100, 100), LEAST).labels
    assert not overlap(first.box_xyxy, second.box_xyxy)
    assert first.leader_xyxy is None
    assert second.leader_xyxy is None


def test_leaders_cross_no_label_where_there_is_room() -> None:
    crossed = 0
    for seed in range(20):
        scene = scene_of(seed, 320, 240, 30)
        targets = targets_of(scene)
        regions = regions_of_ids(scene.ids, targets, scene.size_wh, 1.0)
        layout = place_labels(regions, scene.size_wh, LEAST)
        for label in layout.labels:
            if label.leader_xyxy is None:
                continue
            x1, y1, x2, y2 = label.leader_xyxy
            steps = np.linspace(0, 1, 200)
            xs, ys = x1 + steps * (x2 - x1), y1 + steps * (y2 - y1)
            for other in layout.labels:
                if other is not label:
                    bx1, by1, bx2, by2 = other.box_xyxy
                    # A corner may be grazed by less than a pixel.
                    inside = (xs > bx1) & (xs < bx2 - 1) & (ys > by1) & (ys < by2 - 1)
                    crossed += bool(inside.any())
    assert crossed == 0


def test_large_regions_have_larger_numbers() -> None:
    heights = TextHeights(12, 14, 24)
    wide, high = label_size_wh("7", 14)
    usual = wide * high
    # The usual height from 1 / 0.15 times its label's area; 18 / 14 times as high from
    # (18 / 14)² / 0.03 times; the most from (24 / 14)² / 0.03 times.
    areas = [6 * usual, 7 * usual, 43 * usual, 56 * usual, 97 * usual, 98 * usual]
    assert [text_height("7", area, heights) for area in areas] == [12, 14, 14, 18, 22, 24]
    ids = blank(400, 400, 1)
    assert one(ids, 1, heights).text_px == 24


def test_the_same_layout_again() -> None:
    scene = random_scene(77)
    regions = regions_of_ids(scene.ids, targets_of(scene), scene.size_wh, 1.0)
    assert place_labels(regions, scene.size_wh, LEAST) == place_labels(
        regions, scene.size_wh, LEAST
    )


def test_the_order_of_targets_does_not_move_labels() -> None:
    scene = random_scene(78)
    regions: list[Region] = regions_of_ids(scene.ids, targets_of(scene), scene.size_wh, 1.0)
    assert place_labels(regions[::-1], scene.size_wh, LEAST) == place_labels(
        regions, scene.size_wh, LEAST
    )


def test_the_frame_counts_as_a_border() -> None:
    depth = depth_of(np.ones((5, 9), dtype=np.uint8))
    assert depth[2, 4] == pytest.approx(3, abs=0.2)
    assert depth[0, 4] == pytest.approx(1, abs=0.1)


def test_many_labels_leave_what_they_surround_to_be_seen() -> None:
    """A strip between two rows of specks: no label alone hides much of it, together they might."""
    ids = blank(300, 120, 9)
    ids[50:70, :] = 1
    for n in range(20):
        ids[46, 7 + 15 * n] = 100 + n
        ids[73, 7 + 15 * n] = 200 + n
    names = [9, 1, *range(100, 120), *range(200, 220)]
    targets = tuple(Target(n, id, str(n), (0, 0, 1, 1), id) for n, id in enumerate(names, 1))
    regions = regions_of_ids(ids, targets, (300, 120), 1.0)
    check(place_labels(regions, (300, 120), LEAST), ids, targets)


def test_what_is_not_marked_is_not_hidden_either() -> None:
    """A crowd where the label would stand best: the label keeps off it."""
    ids = blank(200, 100, 1)
    ids[42:58, 88:112] = 7
    target = Target(1, 1, "1", (0, 0, 200, 100), 1)
    crowd = Target(0, 7, "", (88, 42, 112, 58), 7)
    marked, other = regions_of_ids(ids, [target, crowd], (200, 100), 1.0)
    (label,) = place_labels([marked], (200, 100), LEAST, bystanders=[other]).labels
    assert pixels(ids == 7, label.box_xyxy) <= 0.3 * 16 * 24


def test_without_room_for_a_margin_marks_are_flagged() -> None:
    """40 segments on 24 × 24 pixels, and no larger picture: no label has a place of its own."""
    ids = np.arange(1, 37, dtype=np.uint32).reshape(6, 6).repeat(4, axis=0).repeat(4, axis=1)
    targets = tuple(Target(n, n, str(n), (0, 0, 4, 4), n) for n in range(1, 37))
    regions = regions_of_ids(ids, targets, (24, 24), 1.0)
    layout = place_labels(regions, (24, 24), LEAST, room=None)
    assert layout.picture_wh == (24, 24)
    assert not any(label.alone for label in layout.labels)
    # With a margin as large as it takes, all have one.
    check(place_labels(regions, (24, 24), LEAST), ids, targets)


def test_a_margin_goes_where_the_view_has_room() -> None:
    """A view of 100 × 400 pixels for a picture of 100 × 100: the margin is below."""
    ids = np.arange(1, 26, dtype=np.uint32).reshape(5, 5).repeat(20, axis=0).repeat(20, axis=1)
    ids[::2] = 99
    targets = tuple(Target(n, n, str(n), (0, 0, 4, 4), n) for n in range(1, 26))
    regions = regions_of_ids(ids, targets, (100, 100), 1.0)
    room = Room(lambda wh: min(1.0, 100 / wh[0], 400 / wh[1]), least_scale=0.5)
    layout = place_labels(regions, (100, 100), LEAST, room=room)
    assert layout.picture_wh[0] == 100
    assert layout.picture_wh[1] > 100
    check(layout, ids, targets)
