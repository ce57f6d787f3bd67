"""Photographs of every odd kind come out upright, 8-bit and in colour, or as a sentence."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.errors import InputError
from annoengine.photo import decode_photo, photo_size_wh, read_photo, size_of_photo

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)

UPRIGHT = np.array([[RED, RED, GREEN], [BLUE, BLUE, WHITE]], dtype=np.uint8)
"""Three wide, two high; no two of its eight turns and mirrors are alike."""

TURNED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.transpose(1, 0, 2),
    6: np.rot90(UPRIGHT, 1),
    7: UPRIGHT[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(UPRIGHT, -1),
}
"""How the camera stored the upright picture. Source: EXIF 2.3, tag 0x0112: 6 says "turn the
stored picture 90 degrees clockwise to see it upright", so it was stored turned the other way."""


def saved(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("orientation", sorted(TURNED))
@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp"])
def test_every_orientation_stands_upright(orientation: int, suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
    stored = Image.fromarray(np.ascontiguousarray(TURNED[orientation]))
    path = saved(tmp_path / f"turned{suffix}", stored, exif=exif, **options)
    assert read_photo(path).tolist() == UPRIGHT.tolist()
    assert photo_size_wh(path) == (3, 2)


@pytest.mark.parametrize("orientation", sorted(TURNED))
def test_a_turned_jpeg(orientation: int, tmp_path: Path) -> None:
    """JPEG blurs, so a large picture: its four corners tell."""
    large = TURNED[orientation].repeat(32, axis=0).repeat(32, axis=1)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(
        tmp_path / "turned.jpg", Image.fromarray(large), exif=exif, quality=95, subsampling=0
    )
    photo = read_photo(path).astype(int)
    assert photo.shape == (64, 96, 3)
    assert photo_size_wh(path) == (96, 64)
    for corner, colour in (((8, 8), RED), ((8, 88), GREEN), ((56, 8), BLUE), ((56, 88), WHITE)):
        assert abs(photo[corner] - colour).max() < 16


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_a_nonsense_orientation_is_none(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "odd.png", Image.fromarray(UPRIGHT), exif=exif)
    assert read_photo(path).tolist() == UPRIGHT.tolist()
    assert photo_size_wh(path) == (3, 2)


def test_grey_becomes_colour(tmp_path: Path) -> None:
    grey = np.array([[0, 77], [200, 255]], dtype=np.uint8)
    photo = read_photo(saved(tmp_path / "grey.png", Image.fromarray(grey)))
    assert photo.tolist() == np.stack([grey] * 3, axis=-1).tolist()


def test_black_and_white(tmp_path: Path) -> None:
    bits = Image.fromarray(np.array([[True, False]]))
    assert bits.mode == "1"
    photo = read_photo(saved(tmp_path / "bits.png", bits))
    assert photo.tolist() == [[list(WHITE), [0, 0, 0]]]


def test_cmyk(tmp_path: Path) -> None:
    """No ink is white, full cyan has no red."""
    ink = np.zeros((16, 32, 4), dtype=np.uint8)
    ink[:, 16:, 0] = 255
    image = Image.frombytes("CMYK", (32, 16), ink.tobytes())
    photo = read_photo(saved(tmp_path / "cmyk.jpg", image, quality=95)).astype(int)
    assert abs(photo[8, 4] - WHITE).max() < 12
    assert abs(photo[8, 28] - (0, 255, 255)).max() < 12


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    rgba = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 51]]], dtype=np.uint8)
    photo = read_photo(saved(tmp_path / "rgba.png", Image.fromarray(rgba)))
    assert photo.tolist() == [[list(RED), list(WHITE), [204, 204, 204]]]


def test_grey_with_alpha(tmp_path: Path) -> None:
    la = Image.merge("LA", [Image.new("L", (2, 1), 100), Image.new("L", (2, 1), 0)])
    assert read_photo(saved(tmp_path / "la.png", la)).tolist() == [[list(WHITE)] * 2]


@pytest.mark.parametrize("transparency", [1, b"\xff\x00"])
def test_a_palette_with_a_transparent_colour(transparency: Any, tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*BLUE, *GREEN])
    image.putpixel((1, 0), 1)
    path = saved(tmp_path / "palette.png", image, transparency=transparency)
    assert read_photo(path).tolist() == [[list(BLUE), list(WHITE)]]


def test_a_plain_palette(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([*BLUE, *GREEN])
    image.putpixel((1, 0), 1)
    photo = read_photo(saved(tmp_path / "palette.png", image))
    assert photo.tolist() == [[list(BLUE), list(GREEN)]]


@pytest.mark.parametrize(
    "values", [[0, 32768, 65535], [0, 100, 255]], ids=["the whole range", "a dark picture"]
)
def test_sixteen_bits_keep_their_range(values: list[int], tmp_path: Path) -> None:
    """The same stored grey is the same grey, however bright the rest of its picture."""
    path = saved(tmp_path / "deep.png", Image.fromarray(np.array([values], dtype=np.uint16)))
    photo = read_photo(path)
    assert photo.dtype == np.uint8
    assert photo[0, :, 0].tolist() == [round(v / 65535 * 255) for v in values]


@pytest.mark.parametrize(
    ("values", "grey"),
    [([0.0, 0.5, 1.0], [0, 128, 255]), ([0.0, 100.0, 255.0], [0, 100, 255])],
)
def test_fractions_of_a_tiff(values: list[float], grey: list[int], tmp_path: Path) -> None:
    image = Image.fromarray(np.array([values], dtype=np.float32))
    assert read_photo(saved(tmp_path / "f.tiff", image))[0, :, 0].tolist() == grey


def test_an_animation_gives_its_first_picture(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, BLUE)]
    path = tmp_path / "moving.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    assert read_photo(path)[0, 0].tolist() == list(RED)


def test_the_picture_can_be_handed_to_opencv(tmp_path: Path) -> None:
    photo = read_photo(saved(tmp_path / "a.png", Image.fromarray(UPRIGHT)))
    assert photo.flags.c_contiguous
    assert photo.dtype == np.uint8


def message_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_photo(path)
    return str(caught.value)


def test_files_that_are_no_photographs(tmp_path: Path) -> None:
    gone = tmp_path / "gone.jpg"
    assert message_of(gone) == f"there is no image {gone}"
    with pytest.raises(InputError, match="there is no image"):
        photo_size_wh(gone)

    text = tmp_path / "text.jpg"
    text.write_text("a note")
    assert (
        message_of(text) == f"the image {text} cannot be read: it is no picture of a known format"
    )
    with pytest.raises(InputError, match="no picture of a known format"):
        photo_size_wh(text)

    empty = tmp_path / "empty.jpg"
    empty.touch()
    assert message_of(empty) == f"the image {empty} cannot be read: it is empty"
    assert message_of(tmp_path) == f"the image {tmp_path} cannot be read: Is a directory"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\n <!DOCTYPE HTML><html>404</html>", "it is an HTML page"),
        (b"<html>404", "it is an HTML page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "it is an XML file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "it is a Git LFS pointer"),
        (b"%PDF-1.7", "it is a PDF"),
        (b"PK\x03\x04", "it is a ZIP archive"),
        (b"\x1f\x8b\x08", "it is a gzip archive"),
        (b"", "it is empty"),
    ],
)
def test_what_a_failed_download_left_is_named(data: bytes, words: str) -> None:
    for read in (decode_photo, size_of_photo):
        with pytest.raises(InputError) as caught:
            read(data, "7.jpg")
        assert str(caught.value).startswith(f"the image 7.jpg cannot be read: {words}")


def test_a_truncated_jpeg(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = saved(tmp_path / "whole.jpg", Image.fromarray(noise))
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(whole.read_bytes()[:1500])
    assert message_of(cut).startswith(f"the image {cut} cannot be read: image file is truncated")
    # The header is whole, and all that the size needs.
    assert photo_size_wh(cut) == (64, 64)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_damaged_files_end_in_a_sentence(format: str) -> None:
    """Cut anywhere or flipped anywhere: a picture or an InputError, never another error."""
    buffer = io.BytesIO()
    Image.fromarray(UPRIGHT.repeat(8, axis=0).repeat(8, axis=1)).save(buffer, format=format)
    data = buffer.getvalue()
    draw = np.random.default_rng(1)
    for _ in range(60):
        at = int(draw.integers(0, len(data)))
        flipped = data[:at] + bytes([data[at] ^ int(draw.integers(1, 256))]) + data[at + 1 :]
        for damaged in (data[:at], flipped):
            told = ""
            try:
                shape = decode_photo(damaged, "it.img").shape
            except InputError as error:
                shape, told = (0, 0, 3), str(error)
            assert shape[2] == 3
            assert shape != (0, 0, 3) or "it.img" in told
            assert "BytesIO" not in told


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_damaged_exif_data_never_cost_the_picture(format: str) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x8769] = 6, "maker", {0x9003: "2020:01:01"}
    good = exif.tobytes()
    draw = np.random.default_rng(1)
    shapes = set()
    for _ in range(300):
        damaged = bytearray(good)
        for at in draw.integers(6, len(good), draw.integers(1, 6)).tolist():
            damaged[at] = int(draw.integers(0, 256))
        buffer = io.BytesIO()
        Image.fromarray(UPRIGHT).save(buffer, format=format, exif=bytes(damaged))
        size = size_of_photo(buffer.getvalue(), "a")
        shape = decode_photo(buffer.getvalue(), "a").shape
        assert shape == (size[1], size[0], 3)
        shapes.add(shape)
    assert shapes == {(2, 3, 3), (3, 2, 3)}


def test_a_bomb_is_not_decoded() -> None:
    """A PNG header that claims 30,000 × 30,000 pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100))
    with pytest.raises(InputError, match=r"bomb\.png cannot be read: .* 178956970 pixels"):
        decode_photo(bomb, "bomb.png")
