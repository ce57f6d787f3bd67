"""Masks: every form holds the same pixels."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from annoengine.errors import InputError
from annoengine.fingerprint import sha256_of_file
from annoengine.mask import (
    MAX_ID,
    RecordFiles,
    Rle,
    areas_of,
    box_of,
    ids_from_masks,
    ids_from_png,
    ids_from_rgb,
    mask_from_rle,
    palette_ids,
    read_panoptic_png,
    rgb_from_ids,
    rle_from_mask,
    rles_from_ids,
    write_panoptic_png,
)

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)
MASKS = hnp.arrays(np.bool_, SHAPES)
IDS = hnp.arrays(np.uint32, SHAPES, elements=st.integers(0, MAX_ID))


@given(IDS)
def test_ids_there_and_back(ids: np.ndarray) -> None:
    rgb = rgb_from_ids(ids)
    assert rgb.dtype == np.uint8
    assert rgb.shape == (*ids.shape, 3)
    back = ids_from_rgb(rgb)
    assert back.dtype == np.uint32
    assert (back == ids).all()


def test_an_id_is_red_then_green_then_blue() -> None:
    """COCO's person of 000000142238: 3937500 = 220 + 256 · 20 + 65536 · 60."""
    assert rgb_from_ids(np.array([[3937500]])).tolist() == [[[220, 20, 60]]]


@pytest.mark.parametrize("id", [-1, MAX_ID + 1])
def test_ids_beyond_24_bits_are_refused(id: int) -> None:
    with pytest.raises(ValueError, match=r"ids must be 0\.\.16777215"):
        rgb_from_ids(np.array([[id]], dtype=np.int64))


@given(MASKS)
def test_rle_there_and_back(mask: np.ndarray) -> None:
    rle = rle_from_mask(mask)
    assert rle["size"] == list(mask.shape)
    assert rle["counts"].isascii()
    back = mask_from_rle(rle)
    assert back.dtype == np.bool_
    assert (back == mask).all()


@given(IDS, st.lists(st.integers(0, MAX_ID), max_size=4))
def test_rles_of_a_map_are_those_of_its_masks(ids: np.ndarray, others: list[int]) -> None:
    keys = [*np.unique(ids).tolist()[:6], *others]
    assert list(rles_from_ids(ids, keys)) == [rle_from_mask(ids == key) for key in keys]


@given(ids=hnp.arrays(np.uint8, SHAPES, elements=st.integers(0, 40)))
def test_a_palette_has_two_readings(ids: np.ndarray) -> None:
    image = Image.new("P", (ids.shape[1], ids.shape[0]))
    image.putdata(ids.ravel().tolist())
    image.putpalette([value for n in range(256) for value in (n, 2, 1)])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    read = palette_ids(buffer.getvalue(), "p.png")
    assert read is not None
    assert (read.by_index == ids).all()
    assert (read.by_colour == ids.astype(np.uint32) + 2 * 256 + 65536).all()
    with pytest.raises(InputError, match=r"p\.png has mode P; RGB is needed"):
        ids_from_png(buffer.getvalue(), "p.png")
    with pytest.raises(InputError, match=r"the panoptic mask p\.png cannot be read: it is cut off"):
        palette_ids(buffer.getvalue()[:-9], "p.png")


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "I;16"])
def test_other_pictures_have_no_palette(mode: str) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (2, 2)).save(buffer, format="PNG")
    assert palette_ids(buffer.getvalue(), "p.png") is None
    assert palette_ids(b"", "p.png") is None


def test_a_known_rle() -> None:
    """Columns first: two off, two on, of a 2 × 2 mask with its right column on."""
    assert rle_from_mask(np.array([[0, 1], [0, 1]], dtype=bool)) == {
        "size": [2, 2],
        "counts": "22",
    }


@given(MASKS)
def test_the_box_is_tight(mask: np.ndarray) -> None:
    x1, y1, x2, y2 = (int(side) for side in box_of(mask))
    inside = mask[y1:y2, x1:x2]
    assert inside.sum() == mask.sum()
    if not mask.any():
        assert (x1, y1, x2, y2) == (0, 0, 0, 0)
        return
    for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]):
        assert edge.any()


@given(IDS)
def test_areas_sum_to_the_picture(ids: np.ndarray) -> None:
    areas = areas_of(ids)
    assert sum(areas.values()) == ids.size
    assert all((ids == id).sum() == area for id, area in areas.items())
    assert all(type(id) is int and type(area) is int for id, area in areas.items())


@given(st.lists(hnp.arrays(np.bool_, (6, 7)), max_size=4))
def test_later_masks_lie_on_top(masks: list[np.ndarray]) -> None:
    ids = ids_from_masks({n + 1: mask for n, mask in enumerate(masks)}, (6, 7))
    for y in range(6):
        for x in range(7):
            on = [n + 1 for n, mask in enumerate(masks) if mask[y, x]]
            assert ids[y, x] == (on[-1] if on else 0)


@given(ids=IDS)
def test_png_there_and_back(ids: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "there_and_back.png"
    write_panoptic_png(path, ids)
    assert (read_panoptic_png(path) == ids).all()


def test_the_same_ids_give_the_same_bytes(tmp_path: Path) -> None:
    ids = np.arange(600, dtype=np.uint32).reshape(20, 30)
    for name in ("a.png", "b.png"):
        write_panoptic_png(tmp_path / name, ids)
    assert sha256_of_file(tmp_path / "a.png") == sha256_of_file(tmp_path / "b.png")


@pytest.mark.parametrize(
    ("mode", "dtype", "most"), [("L", np.uint8, 255), ("I;16", np.uint16, 65535)]
)
def test_one_channel_holds_small_ids(
    mode: str, dtype: type[np.generic], most: int, tmp_path: Path
) -> None:
    path = tmp_path / "ids.png"
    Image.fromarray(np.array([[0, 7], [most, 1]], dtype=dtype)).save(path)
    with Image.open(path) as image:
        assert image.mode == mode
    ids = read_panoptic_png(path)
    assert ids.dtype == np.uint32
    assert ids.tolist() == [[0, 7], [most, 1]]


def test_alpha_is_no_part_of_an_id(tmp_path: Path) -> None:
    path = tmp_path / "rgba.png"
    Image.new("RGBA", (2, 1), (1, 2, 3, 99)).save(path)
    assert read_panoptic_png(path).tolist() == [[197121, 197121]]


def message_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_panoptic_png(path)
    return str(caught.value)


def test_bad_panoptic_pngs_are_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone.png"
    assert message_of(gone) == f"there is no panoptic mask {gone}"
    palette = tmp_path / "palette.png"
    Image.new("P", (3, 3)).save(palette)
    assert message_of(palette) == (
        f"the panoptic mask {palette} has mode P; RGB is needed (id = R + 256 G + 65536 B)"
    )
    text = tmp_path / "text.png"
    text.write_text("no picture")
    assert message_of(text) == (
        f"the panoptic mask {text} cannot be read: it is no picture of a known format"
    )
    whole = tmp_path / "whole.png"
    write_panoptic_png(whole, np.arange(10_000, dtype=np.uint32).reshape(100, 100))
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:-200])
    assert message_of(cut).startswith(f"the panoptic mask {cut} cannot be read: ")
    assert message_of(tmp_path) == f"the panoptic mask {tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_a_damaged_png_is_an_input_error_or_a_map(at: int) -> None:
    """Any flipped byte ends in an id map or a sentence, never in a traceback."""
    buffer = io.BytesIO()
    ids = np.random.default_rng(1).integers(0, MAX_ID, (12, 12), dtype=np.uint32)
    Image.fromarray(rgb_from_ids(ids)).save(buffer, format="PNG")
    data = bytearray(buffer.getvalue())
    data[at % len(data)] ^= 0xFF
    told = ""
    try:
        shape = ids_from_png(bytes(data), "x.png").shape
    except InputError as error:
        shape, told = (0, 0), str(error)
    assert len(shape) == 2
    assert "x.png" in told or shape != (0, 0)
    assert "0x" not in told


def test_record_files_open_a_panoptic_png(tmp_path: Path) -> None:
    ids = np.array([[5, 5, 0], [0, 9, 9]], dtype=np.uint32)
    path = tmp_path / "p.png"
    write_panoptic_png(path, ids)
    files: RecordFiles = pickle.loads(pickle.dumps(RecordFiles(tmp_path / "a.jpg", path)))
    assert (files.ids() == ids).all()
    assert not files.ids().flags.writeable
    assert {key: mask.tolist() for key, mask in files.masks([9]).items()} == {
        9: [[False, False, False], [False, True, True]]
    }
    with pytest.raises(InputError, match="has no pixel of segment 6"):
        files.masks([9, 6])


def test_a_rewritten_png_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    files = RecordFiles(tmp_path / "a.jpg", path)
    for id in (3, 4, 5):
        write_panoptic_png(path, np.full((2, 2 + id), id, dtype=np.uint32))
        assert files.ids().tolist() == [[id] * (2 + id)] * 2


def test_record_files_open_rles(tmp_path: Path) -> None:
    mask = np.array([[0, 1, 1], [0, 0, 1]], dtype=bool)
    rle: Rle = rle_from_mask(mask)
    files = RecordFiles(tmp_path / "a.jpg", rles=((4, rle["counts"], (2, 3)),))
    assert (files.masks([4])[4] == mask).all()
    with pytest.raises(InputError, match=r"a\.jpg has no mask with key 5"):
        files.masks([5])
    with pytest.raises(InputError, match=r"a\.jpg has no panoptic mask"):
        files.ids()
