"""Regions found by colour, texture and edges: known scenes, real photographs, odd pictures."""

from __future__ import annotations

import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.mask import Mask, read_panoptic_png
from annoengine.photo import ImageRgb, read_photo
from annoengine.segmenter import Found, find_segmenter

EXAMPLES = Path(__file__).parents[2] / "examples/photographs"
NAMES = ["astronaut", "chelsea", "china", "coffee", "flower", "rocket"]


def regions(photo: ImageRgb, max_regions: int = 25, **options: float) -> list[Found]:
    return list(find_segmenter("graph", max_regions, options).regions(photo))


def iou(a: Mask, b: Mask) -> float:
    return float((a & b).sum() / (a | b).sum())


def scene() -> tuple[ImageRgb, dict[str, Mask]]:
    """Sky over grass, with a red disc and a striped board."""
    rng = np.random.default_rng(3)
    photo = np.zeros((240, 320, 3), dtype=np.uint8)
    photo[:120] = (130, 180, 235)
    photo[120:] = (60, 130, 50)
    masks = {"sky": np.zeros((240, 320), dtype=bool), "grass": np.zeros((240, 320), dtype=bool)}
    masks["sky"][:120] = masks["grass"][120:] = True
    rows, columns = np.mgrid[:240, :320]
    masks["disc"] = (rows - 110) ** 2 + (columns - 80) ** 2 < 45**2
    masks["board"] = (abs(rows - 180) < 40) & (abs(columns - 230) < 60)
    photo[masks["disc"]] = (210, 40, 40)
    photo[masks["board"]] = (40, 40, 160)
    for name in ("disc", "board"):
        for other in ("sky", "grass"):
            masks[other] &= ~masks[name]
    noisy = photo.astype(float) + rng.normal(0, 6, photo.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8), masks


def test_a_plain_scene_is_found_as_it_was_painted() -> None:
    photo, painted = scene()
    found = regions(photo)
    assert len(found) == 4
    for name, mask in painted.items():
        assert max(iou(mask, region.mask) for region in found) > 0.95, name


def covering(found: list[Found], ids: np.ndarray) -> float:
    """The mean over known pixels of the IoU of their segment with the region that fits it best.

    Source: Arbelaez et al., Contour Detection and Hierarchical Image Segmentation, PAMI 2011,
    section 3.1. Void is left out of both.
    """
    known = ids > 0
    total = 0.0
    for id in np.unique(ids[known]).tolist():
        mask = ids == id
        total += mask.sum() * max(iou(mask, region.mask & known) for region in found)
    return total / float(known.sum())


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("astronaut", 0.50),
        ("chelsea", 0.70),
        ("china", 0.55),
        ("coffee", 0.75),
        ("flower", 0.80),
        ("rocket", 0.75),
    ],
)
def test_real_photographs_are_covered_as_people_drew_them(name: str, least: float) -> None:
    photo = read_photo(EXAMPLES / f"images/{name}.jpg")
    found = regions(photo)
    assert 3 <= len(found) <= 25
    assert covering(found, read_panoptic_png(EXAMPLES / f"panoptic/{name}.png")) >= least


def check(found: list[Found], photo: ImageRgb, most: int) -> None:
    """What holds of every picture: every pixel in one region, each whole, the largest first."""
    assert 1 <= len(found) <= most
    times = np.zeros(photo.shape[:2], dtype=int)
    for region in found:
        assert region.mask.shape == photo.shape[:2]
        assert region.mask.dtype == np.bool_
        assert region.mask.any()
        assert region.score is None or 0 <= region.score <= 1
        times += region.mask
    assert (times == 1).all()
    areas = [int(region.mask.sum()) for region in found]
    assert areas == sorted(areas, reverse=True)


@pytest.mark.parametrize("most", [1, 2, 7, 25])
def test_there_are_never_more_than_were_asked_for(most: int) -> None:
    photo = read_photo(EXAMPLES / "images/astronaut.jpg")
    check(regions(photo, most), photo, most)


def test_a_region_is_in_one_piece_and_can_be_pointed_at() -> None:
    photo = read_photo(EXAMPLES / "images/rocket.jpg")
    for region in regions(photo):
        assert region.mask.sum() >= 0.002 * region.mask.size
        number, labels = cv2.connectedComponents(region.mask.astype(np.uint8))
        # What scaling back cuts off is crumbs.
        largest = np.bincount(labels[region.mask], minlength=number)[1:].max()
        assert largest > 0.97 * region.mask.sum()


def test_smaller_regions_come_where_they_are_asked_for() -> None:
    photo = read_photo(EXAMPLES / "images/astronaut.jpg")
    coarse, fine = regions(photo, 200, least_area=0.02), regions(photo, 200, least_area=0.001)
    assert len(coarse) < len(fine)
    assert min(region.mask.mean() for region in coarse) >= 0.02


@pytest.mark.parametrize(
    ("shape_hw", "colour"),
    [((1, 1), 0), ((1, 500), 90), ((500, 1), 90), ((2, 3), 255), ((64, 64), 128), ((9, 4000), 10)],
)
def test_one_flat_colour_is_one_region(shape_hw: tuple[int, int], colour: int) -> None:
    photo = np.full((*shape_hw, 3), colour, dtype=np.uint8)
    (only,) = regions(photo)
    assert only.mask.all()
    assert only.score is None


def test_a_large_photograph_gives_the_regions_of_its_small_copy() -> None:
    small, _ = scene()
    large = cv2.resize(small, (1600, 1200), interpolation=cv2.INTER_CUBIC)
    of_small, of_large = regions(small), regions(np.asarray(large, dtype=np.uint8))
    check(of_large, np.asarray(large), 25)
    assert len(of_small) == len(of_large)
    for one, other in zip(of_small, of_large, strict=True):
        scaled = np.kron(one.mask, np.ones((5, 5), dtype=bool))
        assert iou(scaled, other.mask) > 0.95


def test_the_same_pixels_give_the_same_regions_in_a_copy_of_the_segmenter() -> None:
    photo = read_photo(EXAMPLES / "images/coffee.jpg")
    segmenter = find_segmenter("graph")
    first = list(segmenter.regions(photo))
    second = list(pickle.loads(pickle.dumps(segmenter)).regions(photo.copy()))
    assert [r.score for r in first] == [r.score for r in second]
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.mask, other.mask)


@given(
    seed=st.integers(0, 1000),
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    grain=st.integers(1, 30),
    most=st.integers(1, 12),
)
@settings(max_examples=40)
def test_whatever_the_picture_every_pixel_is_in_one_region(
    seed: int, height: int, width: int, grain: int, most: int
) -> None:
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, size=(height // grain + 1, width // grain + 1, 3))
    photo = np.kron(blocks, np.ones((grain, grain, 1)))[:height, :width].astype(np.uint8)
    check(regions(photo, most), photo, most)
