"""Two ways to count what lies under a box, a line, a window: they agree to the pixel."""

from __future__ import annotations

import numpy as np
import pytest

from annoengine.som.cover import Apart, Stacked
from annoengine.som.layout import Target, TextHeights
from annoengine.som.leader import pixels_between
from annoengine.som.placement import place_labels
from annoengine.som.region import Scene, split_ids
from tests.som.marked_scenes import blank, random_scene, targets_of

HEIGHTS = TextHeights(12, 14, 18)


def split(seed: int, scale: float = 1.0) -> tuple[Scene, tuple[int, int]]:
    """A random scene of which every third segment has no mark."""
    scene = random_scene(seed, most=25)
    wide, high = scene.size_wh
    drawn_wh = (max(1, int(wide * scale)), max(1, int(high * scale)))
    targets = [t for t in targets_of(scene) if t.number % 3 or t.number == 1]
    return split_ids(scene.ids, targets, drawn_wh, scale), drawn_wh


@pytest.mark.parametrize("seed", range(12))
def test_both_ways_count_the_same(seed: int) -> None:
    scene, (width, height) = split(seed)
    assert scene.owners is not None
    apart, stacked = Apart(scene.owners), Stacked((*scene.regions, *scene.others))
    draw = np.random.default_rng(seed)
    each = draw.random(len(scene.regions) + len(scene.others)).astype(np.float32)
    for _ in range(40):
        x1, y1 = int(draw.integers(0, width)), int(draw.integers(0, height))
        # Boxes and windows may reach into a margin, on the right and below.
        x2, y2 = x1 + int(draw.integers(1, width)), y1 + int(draw.integers(1, height))
        box = (x1, y1, x2, y2)
        assert sorted(apart.under(box)) == sorted(stacked.under(box))
        xs, ys = pixels_between((x1, y1, x2, int(draw.integers(0, y2))))
        assert sorted(apart.along(xs, ys)) == sorted(stacked.along(xs, ys))
        step = int(draw.integers(1, 6))
        np.testing.assert_array_equal(
            apart.spread(each, box, step), stacked.spread(each, box, step), strict=True
        )


@pytest.mark.parametrize("seed", range(20, 40))
def test_labels_stand_in_the_same_places_either_way(seed: int) -> None:
    scene, drawn_wh = split(seed)
    assert scene.owners is not None
    counted = place_labels(
        scene.regions, drawn_wh, HEIGHTS, bystanders=scene.others, owners=scene.owners
    )
    assert counted == place_labels(scene.regions, drawn_wh, HEIGHTS, bystanders=scene.others)


def test_where_pixels_are_shared_nobody_owns_them() -> None:
    ids = blank(40, 30, 3)
    ids[10, 11] = 4
    targets = [
        Target(1, 3, "1", (0, 0, 40, 30), 3),
        Target(2, 4, "2", (11, 10, 12, 11), 4),
    ]
    assert split_ids(ids, targets, (40, 30), 1.0).owners is not None
    # Shrunk, the speck has no pixel of its own and borrows one.
    assert split_ids(ids, targets, (10, 8), 0.25).owners is None
    twins = [targets[0], Target(2, 3, "2", (0, 0, 40, 30), 3)]
    assert split_ids(ids, twins, (40, 30), 1.0).owners is None
