"""Polygons and RLEs of COCO annotations, painted as pycocotools paints them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from annoengine.mask import mask_from_rle
from annoengine.reading.coco_masks import MOST_OUTLINE_PX, read_segmentation
from annoengine.rle_counts import measure_counts, rle_of_counts

WIDTH, HEIGHT = 20, 15
COORDINATES = st.one_of(
    st.integers(-5, 25), st.floats(-14.9, 29.9), st.sampled_from([0.0, -0.0, 20.0, 15.0, 7.5])
)
POLYGONS = st.lists(
    st.integers(3, 7).flatmap(lambda n: st.lists(COORDINATES, min_size=2 * n, max_size=2 * n)),
    min_size=1,
    max_size=3,
)


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> COCO:
    path = tmp_path_factory.mktemp("coco") / "instances.json"
    image = {"id": 1, "width": WIDTH, "height": HEIGHT}
    path.write_text(json.dumps({"images": [image], "annotations": [], "categories": []}))
    return COCO(path)


@settings(max_examples=200)
@given(polygons=POLYGONS)
def test_polygons_are_painted_as_pycocotools_paints_them(coco: COCO, polygons: Any) -> None:
    theirs = coco.annToMask({"image_id": 1, "segmentation": polygons}).astype(bool)
    counts = read_segmentation(polygons, (HEIGHT, WIDTH)).counts
    mine = mask_from_rle(rle_of_counts(counts, (HEIGHT, WIDTH)))
    assert np.array_equal(mine, theirs)


@given(
    centre_xy=st.tuples(st.floats(20, 40), st.floats(20, 40)),
    radii=st.lists(st.floats(9, 11), min_size=10, max_size=24),
)
def test_painting_moves_figures_no_further_than_the_slack_that_is_given(
    centre_xy: tuple[float, float], radii: list[float]
) -> None:
    """The box by less than a pixel, the area by less than half of the outline; but for tips that
    are thinner than a pixel, which are lost."""
    angles = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    x = centre_xy[0] + np.array(radii) * np.cos(angles)
    y = centre_xy[1] + np.array(radii) * np.sin(angles)
    polygon = np.stack([x, y], axis=1).ravel().tolist()
    outlined = read_segmentation([polygon], (60, 60))
    measured = measure_counts(outlined.counts, 60)
    # By the shoelace formula.
    area = abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))) / 2
    assert abs(measured.area_px - area) < outlined.outline_px / 2
    sides = (x.min(), y.min(), x.max(), y.max())
    assert all(abs(a - b) <= 1 for a, b in zip(measured.box_xyxy, sides, strict=True))


def test_what_is_odd_is_counted() -> None:
    square, bow_tie = [2, 2, 6, 2, 6, 6, 2, 6], [8, 2, 14, 8, 14, 2, 8, 8]
    outlined = read_segmentation([square, bow_tie, [1, 1, 2, 2], [3, 3]], (HEIGHT, WIDTH))
    assert (outlined.short, outlined.crossing, outlined.outside) == (2, 1, 0)
    assert outlined.outline_px == pytest.approx(16 + 12 + 2 * 72**0.5)
    outlined = read_segmentation([[-3, 2, 21, 2, 6, 16]], (HEIGHT, WIDTH))
    assert (outlined.short, outlined.crossing, outlined.outside) == (0, 0, 3)
    # The edge itself is inside, as COCO writes it.
    assert read_segmentation([[0, 0, 20, 0, 20, 15, 0, 15]], (HEIGHT, WIDTH)).outside == 0
    # A ring that only touches itself encloses what it seems to enclose.
    touching = [2, 2, 8, 2, 5, 5, 8, 8, 2, 8, 5, 5]
    assert read_segmentation([touching], (HEIGHT, WIDTH)).crossing == 0


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("abc", "its segmentation is 'abc'; polygons or an RLE are needed"),
        (7, "its segmentation is 7; polygons or an RLE are needed"),
        (
            [1, 2, 3, 4, 5, 6],
            "its segmentation is a flat list; polygons are lists in it: [[x, y, …]]",
        ),
        ([[1, 2, 3]], "its segmentation[0] has 3 numbers; pairs of x and y are needed"),
        ([[1, 2, 3, 4, 5, None]], "its segmentation[0] holds None; numbers are needed"),
        ([[1, 2, 3, 4, 5, True]], "its segmentation[0] holds True; numbers are needed"),
        ([[1, 2, 3, 4, 5, "6"]], "its segmentation[0] holds '6'; numbers are needed"),
        ([[1, 2, 3, 4, 5, float("nan")]], "its segmentation[0] holds nan; numbers are needed"),
        ([[1, 2, 3, 4, 5, 10**400]], "its segmentation[0] holds 1000000000"),
        ([[], {}], "its segmentation[1] is an object; a list [x, y, x, y, …] is needed"),
        ([[1, 2, 3, 4]], "no polygon of its segmentation has three points"),
        (
            [[1, 2, 3, 4, 5, 6], [1, 2, 300, 4, 5, 6]],
            "its segmentation[1] has the point (300, 4), far outside of the 20×15 photograph",
        ),
    ],
)
def test_what_cannot_be_painted_says_why(value: Any, words: str) -> None:
    with pytest.raises(ValueError, match=r"^") as caught:
        read_segmentation(value, (HEIGHT, WIDTH))
    assert str(caught.value).startswith(words)


def test_an_outline_that_would_fill_the_memory_is_refused() -> None:
    zigzag = [x for n in range(2000) for x in (0, n % 15, 1999, n % 15)]
    with pytest.raises(ValueError, match="its segmentation\\[0\\] has an outline of") as caught:
        read_segmentation([zigzag], (HEIGHT, 2000))
    assert str(caught.value).endswith(f"px; up to {MOST_OUTLINE_PX} are painted")
