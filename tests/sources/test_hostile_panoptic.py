"""Files that nobody should have: each ends in a record, or in a sentence that names what it is.

Bad images fail alone: every test here also sees the good image beside the bad one come out.
"""

from __future__ import annotations

import copy
import io
import os
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.errors import InputError, UserError
from annoengine.mask import mask_from_rle, rgb_from_ids
from annoengine.photo import read_photo
from annoengine.reading.rle_segments import rle_store
from annoengine.record import Record
from annoengine.source import Opened
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from tests.sources.opening import check_told, inside, places, record_of
from tests.tiny_coco import HEIGHT, WIDTH, TinyCoco, id_map, segments_info
from tests.tiny_coconut import TinyCoconut, arrow


@pytest.fixture
def tiny(tmp_path: Path) -> TinyCoco:
    return TinyCoco(tmp_path, n=2)


def open_both(tiny: TinyCoco, **parameters: Any) -> Opened:
    """What became of the first image; the second must be a record."""
    source = tiny.source(**parameters)
    first, second = (source.open(entry) for entry in source.entries())
    assert second.record is not None, second.detail
    assert str(tiny.root) not in first.detail
    assert "\n" not in first.detail
    return first


def failure(tiny: TinyCoco, **parameters: Any) -> tuple[str, str]:
    opened = open_both(tiny, **parameters)
    assert opened.record is None
    assert opened.failed
    return opened.reason, opened.detail


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format=format, **options)
    return file.getvalue()


# ---------------------------------------------------------------- photographs


def _photos() -> dict[str, bytes]:
    rgb = Image.new("RGB", (WIDTH, HEIGHT), (200, 10, 10))
    palette = rgb.convert("P", palette=Image.Palette.ADAPTIVE)
    broken_exif = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xee" * 40
    upright = Image.Exif()
    upright[0x0112] = 1
    grey16 = Image.fromarray(np.full((HEIGHT, WIDTH), 40_000, dtype=np.uint16))
    return {
        "a PNG called .jpg": encoded(rgb, "PNG"),
        "a WebP called .jpg": encoded(rgb, "WEBP"),
        "a GIF called .jpg": encoded(rgb, "GIF"),
        "a TIFF called .jpg": encoded(rgb, "TIFF"),
        "a palette": encoded(palette, "PNG"),
        "a transparent palette": encoded(palette, "PNG", transparency=0),
        "alpha": encoded(rgb.convert("RGBA"), "PNG"),
        "grey": encoded(rgb.convert("L"), "JPEG"),
        "grey with alpha": encoded(rgb.convert("LA"), "PNG"),
        "one bit": encoded(rgb.convert("1"), "PNG"),
        "16 bits": encoded(grey16, "PNG"),
        "CMYK": encoded(rgb.convert("CMYK"), "JPEG"),
        "CMYK in a TIFF": encoded(rgb.convert("CMYK"), "TIFF"),
        "EXIF": encoded(rgb, "JPEG", exif=upright),
        "broken EXIF": encoded(rgb, "JPEG", exif=broken_exif),
        "progressive": encoded(rgb, "JPEG", progressive=True),
        "bytes after its end": encoded(rgb, "JPEG") + b"\0" * 100,
    }


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("kind", list(_photos()))
def test_an_odd_photograph_is_a_photograph(tiny: TinyCoco, kind: str) -> None:
    (tiny.images / "0001.jpg").write_bytes(_photos()[kind])
    record = record_of(open_both(tiny))
    assert (record.photo.width, record.photo.height) == (WIDTH, HEIGHT)
    assert read_photo(tiny.source().files(record).image).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>404", "it is an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "it is a Git LFS pointer (git lfs pull"),
        (b"\xff\xd8\xff\xe0", "it is no picture of a known format"),
        (b"\0" * 5000, "it is no picture of a known format"),
        (b"\x89PNG\r\n\x1a\n", "it is no picture of a known format"),
    ],
)
def test_what_is_no_photograph_is_named(tiny: TinyCoco, data: bytes, words: str) -> None:
    (tiny.images / "0001.jpg").write_bytes(data)
    reason, detail = failure(tiny)
    assert reason == "image"
    assert detail.startswith(f"the image 0001.jpg cannot be read: {words}")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_truncated_photograph_is_named(tiny: TinyCoco, format: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), format)
    (tiny.images / "0001.jpg").write_bytes(data[: len(data) * 2 // 3])
    reason, detail = failure(tiny)
    assert reason == "image"
    assert detail.startswith("the image 0001.jpg cannot be read: ")


def test_a_photograph_of_a_gigapixel_is_not_decoded(tiny: TinyCoco) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 32_000, 32_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 99))
    for file, what in ((tiny.images / "0001.jpg", "image"), (tiny.masks / "0001.png", "mask")):
        good = file.read_bytes()
        file.write_bytes(bomb + chunk(b"IEND", b""))
        reason, detail = failure(tiny)
        assert reason == what
        assert detail.endswith(f"{file.name} cannot be read: it has more than 178956970 pixels")
        file.write_bytes(good)


# ---------------------------------------------------------------- masks


def with_small_ids(tiny: TinyCoco) -> np.ndarray:
    """Makes the first image's ids 7, 30 and 70, which one byte can hold; gives its map."""
    ids = id_map()
    ids[ids == 300] = 30
    ids[ids == 70_000] = 70
    for entry, id in zip(tiny.data["annotations"][0]["segments_info"], (7, 30, 70), strict=True):
        entry["id"] = id
    tiny.write()
    return ids


def palette_png(indices: np.ndarray, colours: dict[int, tuple[int, int, int]]) -> bytes:
    made = Image.new("P", (indices.shape[1], indices.shape[0]))
    made.putdata(indices.ravel().tolist())
    table = [0] * 768
    for index, colour in colours.items():
        table[3 * index : 3 * index + 3] = colour
    made.putpalette(table)
    return encoded(made, "PNG")


def colour(id: int) -> tuple[int, int, int]:
    red, green, blue = rgb_from_ids(np.array([[id]]))[0, 0].tolist()
    return red, green, blue


def assert_kept_as_rles(opened: Opened, ids: np.ndarray) -> None:
    record = record_of(opened)
    assert record.masks == rle_store(record.id, opened.rles)
    for segment in record.segments:
        assert segment.mask is not None
        assert (mask_from_rle(opened.rles[segment.mask]) == (ids == segment.id)).all()


def test_a_palette_of_ids_as_colours(tiny: TinyCoco) -> None:
    """What optimisers make of an RGB mask: the ids are the colours."""
    ids = id_map()
    indices = np.select([ids == 7, ids == 300, ids == 70_000], [1, 2, 3], 0)
    colours = {1: colour(7), 2: colour(300), 3: colour(70_000)}
    (tiny.masks / "0001.png").write_bytes(palette_png(indices, colours))
    opened = open_both(tiny)
    assert_kept_as_rles(opened, ids)
    assert [(s.name, s.value) for s in record_of(opened).scores] == [("ids_are_palette_colours", 1)]


def test_a_palette_of_ids_as_indices(tiny: TinyCoco) -> None:
    """What labelling tools write: the indices are the ids, the colours are for the eye."""
    ids = with_small_ids(tiny)
    colours = {7: (220, 20, 60), 30: (70, 130, 180), 70: (1, 1, 1)}
    (tiny.masks / "0001.png").write_bytes(palette_png(ids, colours))
    opened = open_both(tiny)
    assert_kept_as_rles(opened, ids)
    assert [(s.name, s.value) for s in record_of(opened).scores] == [("ids_are_palette_indices", 1)]


def test_a_palette_whose_two_readings_are_one(tiny: TinyCoco) -> None:
    ids = with_small_ids(tiny)
    colours = {id: colour(id) for id in (7, 30, 70)}
    (tiny.masks / "0001.png").write_bytes(palette_png(ids, colours))
    assert_kept_as_rles(open_both(tiny), ids)


def test_a_palette_that_swaps_ids_is_told_by_the_areas(tiny: TinyCoco) -> None:
    ids = with_small_ids(tiny)
    colours = {7: colour(30), 30: colour(7), 70: colour(70)}
    (tiny.masks / "0001.png").write_bytes(palette_png(ids, colours))
    assert_kept_as_rles(open_both(tiny), ids)
    for entry, area in zip(tiny.data["annotations"][0]["segments_info"], (16, 12, 12), strict=True):
        entry["area"] = area
    tiny.write()
    opened = open_both(tiny)
    swapped = np.select([ids == 7, ids == 30], [30, 7], ids.astype(np.int64))
    assert_kept_as_rles(opened, swapped)
    assert record_of(opened).scores[0].name == "ids_are_palette_colours"
    for entry in tiny.data["annotations"][0]["segments_info"]:
        del entry["area"]
    tiny.write()
    assert failure(tiny) == (
        "mask",
        "the panoptic mask 0001.png has a palette, and both its colours and its indices are the "
        "ids in the JSON; save it as RGB",
    )


def test_a_palette_that_fits_in_neither_reading(tiny: TinyCoco) -> None:
    (tiny.masks / "0001.png").write_bytes(palette_png(with_small_ids(tiny), {7: colour(8)}))
    tiny.data["annotations"][0]["segments_info"][0]["id"] = 9
    tiny.write()
    assert failure(tiny) == (
        "mask",
        "the panoptic mask 0001.png has a palette, and neither its colours (as ids: 8) nor its "
        "indices (7, 30, 70) are the ids in the JSON (9, 30, 70)",
    )


def test_a_palette_png_that_is_cut_off(tiny: TinyCoco) -> None:
    data = palette_png(with_small_ids(tiny), {})
    for keep in (len(data) - 8, len(data) // 2, 40):
        (tiny.masks / "0001.png").write_bytes(data[:keep])
        reason, detail = failure(tiny)
        assert reason == "mask"
        assert detail.startswith("the panoptic mask 0001.png cannot be read: ")


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "RGB", "RGBA"])
def test_modes_that_hold_ids_as_they_are(tiny: TinyCoco, mode: str) -> None:
    ids = with_small_ids(tiny)
    planes: dict[str, np.ndarray] = {
        "L": ids.astype(np.uint8),
        "LA": np.dstack([ids, ids * 0 + 99]).astype(np.uint8),
        "I;16": ids.astype(np.uint16),
        "RGB": rgb_from_ids(ids),
        "RGBA": np.dstack([rgb_from_ids(ids), ids * 0 + 3]).astype(np.uint8),
    }
    image = Image.fromarray(planes[mode])
    assert image.mode == mode
    (tiny.masks / "0001.png").write_bytes(encoded(image, "PNG"))
    opened = open_both(tiny)
    assert [s.area_px for s in record_of(opened).segments] == [12, 16, 12]
    assert not opened.rles


def png_of(depth: int, kind: int, row_bytes: int) -> bytes:
    """A black PNG of a bit depth and colour type that Pillow does not write."""

    def chunk(name: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + check

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, kind, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\0" * row_bytes) * HEIGHT)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png_of(16, 2, 6 * WIDTH), "has 16 bits a channel; RGB with 8 is needed"),
        (png_of(16, 6, 8 * WIDTH), "has 16 bits a channel; RGB with 8 is needed"),
        (png_of(16, 4, 4 * WIDTH), "has 16 bits a channel; RGB with 8 is needed"),
        (png_of(1, 0, 1), "has mode 1; RGB is needed (id = R + 256 G + 65536 B)"),
        (
            encoded(Image.fromarray(rgb_from_ids(id_map())), "JPEG"),
            "is a JPEG, whose compression changes ids; give it as a PNG",
        ),
        (encoded(Image.new("CMYK", (WIDTH, HEIGHT)), "TIFF"), "has mode CMYK; RGB is needed"),
        (b"", "cannot be read: it is empty"),
        (b"<html>", "cannot be read: it is an HTML page"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "cannot be read: it is no picture of a known format"),
    ],
)
def test_masks_that_hold_no_ids_are_named(tiny: TinyCoco, data: bytes, words: str) -> None:
    (tiny.masks / "0001.png").write_bytes(data)
    reason, detail = failure(tiny)
    assert reason == "mask"
    assert detail.startswith(f"the panoptic mask 0001.png {words}")


@pytest.mark.parametrize("size_wh", [(1, 1), (WIDTH + 1, HEIGHT), (HEIGHT, WIDTH), (80, 60)])
def test_a_mask_of_another_size_is_named(tiny: TinyCoco, size_wh: tuple[int, int]) -> None:
    Image.new("RGB", size_wh).save(tiny.masks / "0001.png")
    reason, detail = failure(tiny)
    assert reason == "size"
    assert f"its panoptic mask {size_wh[0]}×{size_wh[1]}; the JSON agrees with the ph" in detail


# ---------------------------------------------------------------- figures and ids


@pytest.mark.parametrize(
    ("key", "value", "score"),
    [
        ("bbox", [3, 6, -3, -4], ("box_in_json_iou", 0.0)),
        ("bbox", [-5, -5, 3, 4], ("box_in_json_iou", 0.0)),
        ("bbox", [0, 2, 3, 0], ("box_in_json_iou", 0.0)),
        ("bbox", [0, 2, 1e300, 4], ("bbox_in_json_unusable", 1)),
        ("bbox", [0, 2, 3], ("bbox_in_json_unusable", 1)),
        ("bbox", [0, 2, 3, None], ("bbox_in_json_unusable", 1)),
        ("bbox", ["0", "2", "3", "4"], ("bbox_in_json_unusable", 1)),
        ("bbox", [True, 2, 3, 4], ("bbox_in_json_unusable", 1)),
        ("bbox", "0 2 3 4", ("bbox_in_json_unusable", 1)),
        ("bbox", {"x": 0}, ("bbox_in_json_unusable", 1)),
        ("area", -12, ("area_in_json", -12)),
        ("area", 0, ("area_in_json", 0)),
        ("area", 12.5, ("area_in_json", 12.5)),
        ("area", 1e308, ("area_in_json", 1e308)),
        ("area", "12", ("area_in_json_unusable", 1)),
        ("area", [12], ("area_in_json_unusable", 1)),
        ("area", True, ("area_in_json_unusable", 1)),
    ],
)
def test_a_nonsense_figure_is_noted_and_the_pixels_count(
    tiny: TinyCoco, key: str, value: Any, score: tuple[str, float]
) -> None:
    tiny.data["annotations"][0]["segments_info"][0][key] = value
    tiny.write()
    record = record_of(open_both(tiny))
    assert record.segments[0].box_xyxy == (0, 2, 3, 6)
    assert record.segments[0].area_px == 12
    assert [(s.name, s.value, s.segment) for s in record.scores] == [(*score, 7)]
    assert Record.from_line(record.to_line()) == record


@pytest.mark.parametrize(
    ("id", "shown"),
    [
        (0, "0"),
        (-7, "-7"),
        (7.0, "7.0"),
        ("7", "'7'"),
        (1 << 24, "16777216"),
        ((1 << 63) - 1, "9223372036854775807"),
        (None, "None"),
        ([7], "a list"),
        ({"id": 7}, "an object"),
        ("7" * 500, "'" + "7" * 99 + "…"),
    ],
)
def test_a_segment_id_that_no_png_holds(tiny: TinyCoco, id: Any, shown: str) -> None:
    tiny.data["annotations"][0]["segments_info"][0]["id"] = id
    tiny.write()
    assert failure(tiny) == (
        "segments",
        f"panoptic_val2017.json: annotations[0], image 1: segments_info[0] has the id {shown}; "
        "a PNG can hold whole numbers from 1 to 16777215",
    )


def test_a_key_that_comes_twice_fails_its_image(tiny: TinyCoco) -> None:
    text = tiny.json.read_text()
    place = "panoptic_val2017.json: annotations[0], image 1"
    tiny.json.write_text(text.replace('{"id": 7,', '{"id": 7, "id": 300,', 1))
    assert failure(tiny) == (
        "segments",
        f"{place}, segments_info[0]: it has the key 'id' twice; keep one of them",
    )
    tiny.json.write_text(
        text.replace('"segments_info": [', '"segments_info": [], "segments_info": [', 1)
    )
    assert failure(tiny) == (
        "segments",
        f"{place}: it has the key 'segments_info' twice; keep one of them",
    )
    tiny.json.write_text(text.replace('"height": 6,', '"height": 6, "height": 7,', 1))
    with pytest.raises(InputError, match=r"images\[0\] has the key 'height' twice"):
        list(tiny.source().entries())


# ---------------------------------------------------------------- paths


@pytest.mark.parametrize(
    "name",
    ["../0001.jpg", "..", "a/../../0001.jpg", "/etc/passwd", "//host/x", "..\\0001.jpg", "C:\\x"],
)
@pytest.mark.parametrize(("array", "what"), [("images", "photograph"), ("annotations", "mask")])
def test_a_name_that_leads_out(tiny: TinyCoco, array: str, what: str, name: str) -> None:
    tiny.data[array][0]["file_name"] = name
    tiny.write()
    reason, detail = failure(tiny)
    assert reason == "unsafe path"
    what = "panoptic mask" if what == "mask" else what
    assert detail == f"the file_name {name!r} of the {what} leads out of its folder"


@pytest.mark.parametrize("name", [".", "a/b.jpg", "x" * 300, "0001.jpg/x", "\u202e.jpg", "a\nb"])
def test_a_name_of_nothing(tiny: TinyCoco, name: str) -> None:
    tiny.data["images"][0]["file_name"] = name
    tiny.write()
    reason, detail = failure(tiny)
    assert reason == "image"
    assert repr(name) in detail


def test_a_nul_in_a_name(tiny: TinyCoco) -> None:
    tiny.data["images"][0]["file_name"] = "0001.jpg\0.png"
    tiny.write()
    assert failure(tiny)[0] == "unsafe path"


@pytest.mark.parametrize(("folder", "what"), [("images", "photograph"), ("masks", "panoptic mask")])
def test_links_that_lead_out(tiny: TinyCoco, folder: str, what: str) -> None:
    suffix = "jpg" if folder == "images" else "png"
    file = getattr(tiny, folder) / f"0001.{suffix}"
    secret = tiny.root / "elsewhere.bin"
    file.rename(secret)
    file.symlink_to(secret)
    record_of(open_both(tiny))
    assert failure(tiny, links="refuse") == (
        "unsafe path",
        f"the {what} '{file.name}' is a link that leads out of its folder; put the file itself "
        "there, or let links be followed with 'links: follow'",
    )
    secret.rename(file.parent / "inside.bin")
    file.unlink()
    file.symlink_to("inside.bin")
    record_of(open_both(tiny, links="refuse"))


@pytest.mark.parametrize("links", ["follow", "refuse"])
def test_what_is_no_file_is_never_read(tiny: TinyCoco, links: str) -> None:
    """A pipe would wait for ever, a device fill the memory."""
    file = tiny.images / "0001.jpg"
    file.unlink()
    os.mkfifo(file)
    words = "the photograph '0001.jpg' cannot be read: it is no file but a pipe or a device"
    assert failure(tiny, links=links) == ("image", words)
    file.unlink()
    file.mkdir()
    words = "the photograph '0001.jpg' cannot be read: it is a folder"
    assert failure(tiny, links=links) == ("image", words)
    file.rmdir()
    file.symlink_to("gone.jpg")
    words = "the photograph '0001.jpg' is a link to 'gone.jpg', which is not there"
    assert failure(tiny, links=links) == ("image", words)
    file.unlink()
    file.symlink_to("0001.jpg")
    assert failure(tiny, links="follow") == (
        "image",
        "the photograph '0001.jpg' cannot be read: Too many levels of symbolic links",
    )


def test_a_device_is_never_read(tiny: TinyCoco) -> None:
    file = tiny.images / "0001.jpg"
    file.unlink()
    file.symlink_to("/dev/zero")
    words = "the photograph '0001.jpg' cannot be read: it is no file but a pipe or a device"
    assert failure(tiny) == ("image", words)


def test_a_file_beyond_all_size_is_not_read(tiny: TinyCoco) -> None:
    with (tiny.images / "0001.jpg").open("wb") as file:
        file.truncate((1 << 30) + 1)
    assert failure(tiny) == (
        "image",
        "the photograph '0001.jpg' has 1073741825 bytes; at most 1073741824 are read",
    )


# ---------------------------------------------------------------- the JSON as a whole


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda b: b.decode().encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (lambda b: b.replace(b'"area": 12', b'"area": NaN', 1), "NaN and Infinity are no numbers"),
        (lambda b: b.replace(b'"area": 12', b'"area": -Infinity', 1), "are no numbers in JSON"),
        (lambda b: b.replace(b'"area": 12', b'"area": 1e999', 1), "overflow"),
        (lambda b: b.replace(b'"id": 7', b'"id": ' + b"7" * 99, 1), "integer overflow"),
        (lambda b: b.replace(b'"area": 12', b'"area": ' + b"[" * 10**6, 1), "100 levels deep"),
        (lambda b: b + b"x", "trailing garbage"),
        (lambda b: b + b, "trailing garbage"),
        (lambda b: b[:-1], "the file ends in the middle; get it again whole"),
        (lambda b: b[: len(b) // 2], "the file ends in the middle; get it again whole"),
        (lambda b: b"", "the file ends in the middle"),
        (lambda b: b"[" + b + b"]", "holds an array"),
        (lambda b: b.replace(b"0001.jpg", b"0001\xff.jpg", 1), "not valid JSON"),
        (lambda b: b.replace(b'"images"', b'"images": [], "images"', 1), "has 'images' twice"),
    ],
)
def test_a_json_that_is_none_is_refused_by_name(
    tiny: TinyCoco, spoil: Callable[[bytes], bytes], words: str
) -> None:
    tiny.json.write_bytes(spoil(tiny.json.read_bytes()))
    with pytest.raises(InputError) as caught:
        list(tiny.source().entries())
    assert str(tiny.json) in str(caught.value)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_no_fault(tiny: TinyCoco) -> None:
    tiny.json.write_bytes(b"\xef\xbb\xbf" + tiny.json.read_bytes())
    record_of(open_both(tiny))


# ---------------------------------------------------------------- whatever comes

_VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    1 << 24,
    1 << 62,
    1e300,
    "",
    "x",
    "7",
    "../x",
    "a\0b",
    "\ud800",
    "0002.png",
    "x" * 3000,
    [],
    {},
    [[]],
    [1, "a", None],
    {"id": 7},
]


def _mutated(data: bytes, draw: random.Random) -> bytes:
    """The bytes with something flipped, cut, doubled or put in."""
    changed = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(changed) + 1)
        match draw.randrange(5):
            case 0 if at < len(changed):
                changed[at] = draw.randrange(256)
            case 1:
                del changed[at:]
            case 2:
                del changed[at : at + draw.randint(1, 9)]
            case 3:
                changed[at:at] = bytes(draw.randrange(256) for _ in range(draw.randint(1, 9)))
            case _:
                changed[at:at] = changed[: draw.randint(0, 30)]
    return bytes(changed)


def names_its_file(error: UserError, path: Path) -> bool:
    assert str(path) in str(error)
    assert "\n" not in str(error)
    return True


def _check(opened: Opened) -> bool:
    check_told(opened)
    assert opened.failed or opened.record is not None or opened.reason in ("no annotation",)
    assert "Traceback" not in opened.detail
    if opened.record is not None:
        store = opened.record.masks
        assert store is not None
        is_rle = store.kind == "rle" and bool(opened.record.segments)
        assert is_rle == bool(opened.rles)
    return opened.record is not None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["photograph", "mask", "mask with a palette"])
def test_mutated_pictures(tiny: TinyCoco, kind: str) -> None:
    draw = random.Random(kind)
    path = tiny.images / "0001.jpg" if kind == "photograph" else tiny.masks / "0001.png"
    if kind == "mask with a palette":
        ids = with_small_ids(tiny)
        colours = {7: colour(7), 30: (9, 9, 9), 70: (1, 2, 3)}
        path.write_bytes(palette_png(ids, colours))
    whole = path.read_bytes()
    assert _check(open_both(tiny))
    came_out = 0
    for _ in range(250):
        path.write_bytes(_mutated(whole, draw))
        came_out += _check(open_both(tiny))
    # A PNG has check sums; in a JPEG some flips are seen, and some only change the picture.
    assert came_out < (200 if kind == "photograph" else 50)


def test_mutated_bytes_of_the_json(tiny: TinyCoco) -> None:
    draw = random.Random(2)
    whole = tiny.json.read_bytes()
    refused = records = 0
    for _ in range(400):
        tiny.json.write_bytes(_mutated(whole, draw))
        source = tiny.source()
        try:
            records += sum(_check(source.open(entry)) for entry in source.entries())
        except UserError as error:
            refused += names_its_file(error, tiny.json)
    assert refused > 200
    assert records > 20


@pytest.mark.parametrize("form", ["coco_panoptic", "parquet", "rebuilt", "bare_list", "files"])
def test_hostile_values_anywhere_in_the_json(tmp_path: Path, form: str) -> None:
    """A hostile value fails the file with a sentence, or its own image, and never another."""
    draw = random.Random(form)
    refused = good = 0
    for number in range(150):
        if form == "coco_panoptic":
            coco = TinyCoco(tmp_path / str(number), n=2)
            *way, key = draw.choice(places(coco.data))
            inside(coco.data, way)[key] = copy.deepcopy(draw.choice(_VALUES))
            coco.write()
            source: Any = coco.source()
            named = coco.json
        else:
            nut = TinyCoconut(tmp_path / str(number))
            rows = [{k: v for k, v in row.items() if k != "mask"} for row in nut.rows]
            *way, key = draw.choice([way for way in places(rows) if len(way) > 1])
            value = copy.deepcopy(draw.choice(_VALUES))
            if form == "parquet" and value == "\ud800":
                continue  # half of a surrogate pair cannot be written: no parquet has one
            inside(rows, way)[key] = value
            for row, spoilt in zip(nut.rows, rows, strict=True):
                row.update(spoilt)
            try:
                getattr(nut, form)()
            except (ValueError, TypeError, LookupError, arrow.ArrowException):
                continue  # a form that has no place for the value, as a column of one type
            source = nut.source()
            named = nut.annotations
        try:
            source.check()
            opened = [_check(source.open(entry)) for entry in source.entries()]
            good += sum(opened)
        except UserError as error:
            refused += names_its_file(error, named)
    assert good > 40
    assert refused + good > 60


def test_mutated_parquet(tmp_path: Path) -> None:
    draw = random.Random(5)
    nut = TinyCoconut(tmp_path).parquet()
    whole = nut.annotations.read_bytes()
    refused = 0
    for _ in range(150):
        changed = bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        nut.annotations.write_bytes(bytes(changed))
        source = nut.source()
        try:
            for entry in source.entries():
                _check(source.open(entry))
        except UserError as error:
            refused += names_its_file(error, nut.annotations)
    assert refused > 20


def test_a_source_over_empty_segments_gives_a_record(tiny: TinyCoco) -> None:
    """An image without segments is an image without segments, if its PNG says so too."""
    tiny.data["annotations"][0]["segments_info"] = []
    tiny.write()
    assert failure(tiny)[0] == "ids"
    Image.new("RGB", (WIDTH, HEIGHT)).save(tiny.masks / "0001.png")
    assert record_of(open_both(tiny)).segments == ()
    assert segments_info()
    assert CocoPanoptic(CocoPanopticParameters(), {}, 0).left_out == {}
