"""Measuring a panoptic map against the plain way, and reading its PNG."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from annoengine.errors import InputError
from annoengine.mask import MAX_ID, box_of, ids_from_png, rgb_from_ids
from annoengine.segments_png import measure


def png(array: np.ndarray, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    image = Image.fromarray(array)
    (image.convert(mode) if mode else image).save(file, format="PNG")
    return file.getvalue()


_MAPS = arrays.arrays(
    np.uint32,
    arrays.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([0, 1, 2, 255, 256, 65536, MAX_ID]),
)


@given(_MAPS)
def test_measure_agrees_with_a_mask_for_each_id(ids: np.ndarray) -> None:
    measured = measure(ids)
    assert list(measured) == sorted(np.unique(ids).tolist())
    for id, one in measured.items():
        assert one.area_px == int((ids == id).sum())
        assert one.box_xyxy == box_of(ids == id)
        assert all(type(value) is int for value in (one.area_px, *one.box_xyxy))


@given(_MAPS)
def test_a_png_gives_back_its_ids(ids: np.ndarray) -> None:
    rgb = rgb_from_ids(ids)
    assert np.array_equal(ids_from_png(png(rgb), "x"), ids)
    # What stands in an alpha channel is no part of the id.
    rgba = np.dstack([rgb, np.full(ids.shape, 7, np.uint8)])
    assert np.array_equal(ids_from_png(png(rgba), "x"), ids)


def test_single_channels_of_8_and_16_bits_are_ids() -> None:
    small = np.array([[0, 3], [255, 1]], dtype=np.uint8)
    assert ids_from_png(png(small), "x").tolist() == [[0, 3], [255, 1]]
    large = np.array([[0, 300], [65535, 1]], dtype=np.uint16)
    assert ids_from_png(png(large), "x").tolist() == [[0, 300], [65535, 1]]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"x" * 100])
def test_what_is_no_png_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(InputError, match=r"the panoptic mask 7\.png cannot be read"):
        ids_from_png(data, "7.png")


def test_an_empty_map_measures_nothing() -> None:
    assert measure(np.zeros((0, 3), dtype=np.uint32)) == {}
