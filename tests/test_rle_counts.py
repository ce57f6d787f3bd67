"""Masks as run lengths: figures and bytes as of the painted mask, and nothing unchecked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from annoengine.mask import (
    MAX_ID,
    Mask,
    box_of,
    ids_from_png,
    mask_from_rle,
    rle_from_mask,
    rles_from_ids,
    write_panoptic_png,
)
from annoengine.rle_counts import (
    counts_of_list,
    counts_of_rle,
    counts_of_text,
    measure_counts,
    rle_of_counts,
)

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))
MASKS = SHAPES.flatmap(lambda shape: hnp.arrays(np.bool_, shape))


def checkerboard(height: int, width: int) -> Mask:
    rows, columns = np.indices((height, width))
    board: Mask = (rows + columns) % 2 == 0
    return board


def one_pixel(height: int, width: int, y: int, x: int) -> Mask:
    mask = np.zeros((height, width), dtype=bool)
    mask[y, x] = True
    return mask


HARD_MASKS = {
    "one pixel": one_pixel(5, 7, 2, 3),
    "first pixel": one_pixel(5, 7, 0, 0),
    "last pixel": one_pixel(5, 7, 4, 6),
    "full frame": np.ones((5, 7), dtype=bool),
    "one by one": np.ones((1, 1), dtype=bool),
    "checkerboard": checkerboard(5, 7),
    "other checkerboard": ~checkerboard(4, 6),
    "one row": np.ones((1, 300), dtype=bool),
    "one column": checkerboard(300, 1),
    "long runs": one_pixel(2000, 1500, 1999, 1499),
}


@pytest.mark.parametrize("mask", HARD_MASKS.values(), ids=HARD_MASKS)
def test_hard_masks_come_back_and_are_measured(mask: Mask) -> None:
    shape_hw = (mask.shape[0], mask.shape[1])
    rle = rle_from_mask(mask)
    counts = counts_of_rle(rle, shape_hw)
    assert rle_of_counts(counts, shape_hw) == rle
    assert np.array_equal(mask_from_rle(rle_of_counts(counts, shape_hw)), mask)
    measured = measure_counts(counts, shape_hw[0])
    assert measured.area_px == int(mask.sum())
    assert measured.box_xyxy == box_of(mask)


@given(mask=MASKS)
def test_counts_are_those_of_the_mask(mask: Mask) -> None:
    shape_hw = (mask.shape[0], mask.shape[1])
    counts = counts_of_rle(rle_from_mask(mask), shape_hw)
    painted = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(shape_hw[::-1]).T
    assert np.array_equal(painted, mask)
    assert rle_of_counts(counts, shape_hw) == rle_from_mask(mask)
    measured = measure_counts(counts, shape_hw[0])
    assert (measured.area_px, measured.box_xyxy) == (int(mask.sum()), box_of(mask))


@given(mask=MASKS, data=st.data())
def test_equal_masks_become_equal_bytes(mask: Mask, data: st.DataObject) -> None:
    """Runs that are split, and empty runs between them, leave no trace."""
    shape_hw = (mask.shape[0], mask.shape[1])
    values: list[int] = []
    for count in counts_of_rle(rle_from_mask(mask), shape_hw).tolist():
        cut = data.draw(st.integers(0, count))
        values += [cut, 0, count - cut] if data.draw(st.booleans()) else [count]
    values += data.draw(st.sampled_from([[], [0], [0, 0, 0]]))
    odd = coco_mask.frPyObjects({"size": list(shape_hw), "counts": values}, *shape_hw)
    for counts in (
        counts_of_list(values, shape_hw),
        counts_of_text(odd["counts"].decode(), shape_hw),
    ):
        assert rle_of_counts(counts, shape_hw) == rle_from_mask(mask)


@given(
    ids=SHAPES.flatmap(
        lambda shape: hnp.arrays(
            np.uint32, shape, elements=st.sampled_from([0, 1, 255, 256, 65536, MAX_ID - 1, MAX_ID])
        )
    )
)
def test_png_and_rles_and_masks_agree(
    ids: np.ndarray, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "ids.png"
    write_panoptic_png(path, ids)
    read = ids_from_png(path.read_bytes(), path.name)
    assert np.array_equal(read, ids)
    keys = sorted(set(ids.ravel().tolist()) - {0})
    again = np.zeros_like(ids)
    for key, rle in zip(keys, rles_from_ids(read, keys), strict=True):
        assert rle == rle_from_mask(ids == key)
        assert rle_of_counts(counts_of_rle(rle, ids.shape), ids.shape) == rle
        again[mask_from_rle(rle)] = key
    assert np.array_equal(again, ids)


@settings(max_examples=100)
@given(text=st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=12))
def test_no_text_is_taken_that_would_not_come_back(text: str) -> None:
    """Whatever is accepted decodes to a mask of the right size: nothing reaches C unchecked."""
    try:
        counts = counts_of_text(text, (4, 4))
    except ValueError:
        return
    assert int(counts.sum()) == 16
    assert mask_from_rle({"size": [4, 4], "counts": text}).sum() == counts[1::2].sum()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its counts make 0 pixels; 4×4 has 16"),
        ("é", "its counts are no ASCII text"),
        ("~~~", "its counts hold characters that no compressed RLE has"),
        ("P", "its counts are cut off"),
        ("ooooooo0", "it holds a count of more than 32 bits"),
        ("O", "it holds a negative count"),
        ("5", "its counts make 5 pixels; 4×4 has 16"),
        ("oo7", "its counts make more pixels; 4×4 has 16"),
    ],
)
def test_a_broken_text_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^") as caught:
        counts_of_text(text, (4, 4))
    assert str(caught.value) == words


@pytest.mark.parametrize(
    ("rle", "words"),
    [
        ({"counts": "`0"}, "its RLE has no 'size' of two whole numbers, [height, width]"),
        ({"size": [4, 4.0], "counts": ""}, "its RLE has no 'size'"),
        ({"size": [4, 6], "counts": ""}, "its RLE is 6×4, the photograph 4×4"),
        ({"size": [4, 4]}, "its RLE has no 'counts': a text or a list of whole numbers"),
        ({"size": [4, 4], "counts": [16.0]}, "its counts are no whole numbers from 0 to 16"),
        ({"size": [4, 4], "counts": [-1, 17]}, "its counts are no whole numbers from 0 to 16"),
        ({"size": [4, 4], "counts": [True, 15]}, "its counts are no whole numbers"),
        ({"size": [4, 4], "counts": [1 << 70]}, "its counts are no whole numbers"),
        ({"size": [4, 4], "counts": [9, 8]}, "its counts make 17 pixels; 4×4 has 16"),
    ],
)
def test_a_broken_rle_says_what_is_wrong(rle: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"^") as caught:
        counts_of_rle(rle, (4, 4))
    assert str(caught.value).startswith(words)


def test_a_turned_rle_is_told_from_one_of_another_size() -> None:
    with pytest.raises(ValueError, match="its RLE is 6×8, the photograph 8×6: turned by a quarter"):
        counts_of_rle({"size": [8, 6], "counts": ""}, (6, 8))


def test_a_mask_without_a_pixel_measures_nothing() -> None:
    counts = counts_of_list([12], (3, 4))
    assert measure_counts(counts, 3).area_px == 0
    assert measure_counts(counts, 3).box_xyxy == (0, 0, 0, 0)
