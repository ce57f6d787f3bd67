"""Reads photographs right: EXIF orientation, grey, palette, alpha, CMYK and 16 bits a channel.

Pillow decodes, because it knows all of these; everything after this module sees upright 8-bit
colour.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, TiffImagePlugin, UnidentifiedImageError

from annoengine.errors import InputError
from annoengine.packed_file import PhotoFile

ImageRgb = NDArray[np.uint8]
"""uint8 (height, width, 3), RGB, upright."""

UNREADABLE = (
    UnidentifiedImageError,
    Image.DecompressionBombError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
)
"""What Pillow raises for files that are damaged, no pictures, or bombs.

The last five are slips of its parsers that damaged metadata brings out: seen with EXIF data of
which a few bytes were changed.
"""

_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
"""The tags of a TIFF's stored size."""

_HEAD_BYTES = 64
"""As much of a file as tells what it is."""

MAX_PIXELS = 178_956_970
"""The most pixels that are decoded: Pillow's own guard against decompression bombs."""

# Pillow warns of pictures from half of that on, though panoramas of 100 megapixels are photographs,
# and of metadata that it cannot read, which nothing here depends on.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What stands a picture upright, by its EXIF orientation. Source: EXIF 2.3, tag 0x0112."""


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        values = np.asarray(image, dtype=np.float64)
        # Scaled by the range of the type, not by what this picture uses of it, so that the same
        # grey is the same grey in every picture. Fractions have no range of their own.
        top = 65535.0
        if image.mode == "F":
            most = float(values.max(initial=0.0))
            top = 1.0 if most <= 1 else 255.0 if most <= 255 else 65535.0
        grey = np.clip(values / top * 255.0 + 0.5, 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        ground = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 = upright, also where the file says none or nonsense."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:
        # Damaged EXIF data must not cost the picture, and Pillow raises whatever comes of it.
        return 1
    return int(value) if value in range(1, 9) else 1


_MISTAKEN = {
    b"<!doctype": "an HTML page",
    b"<html": "an HTML page",
    b"<?xml": "an XML file",
    b"version https://git-lfs": "a Git LFS pointer (git lfs pull gets the file)",
    b"%pdf": "a PDF",
    b"pk\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
}
"""What stands in a picture's place after a download went wrong, by its first bytes."""


def why(error: Exception, data: bytes | None = None) -> str:
    """What is wrong with a picture, in words: Pillow's own may hold a buffer's address.

    ``data`` are its bytes, or the first of them, where they are known.
    """
    if isinstance(error, UnidentifiedImageError):
        if data == b"":
            return "it is empty"
        start = (data or b"")[:64].lstrip().lower()
        for beginning, kind in _MISTAKEN.items():
            if start.startswith(beginning):
                return f"it is {kind}"
        return "it is no picture of a known format"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has more than {MAX_PIXELS} pixels"
    return str(error) or type(error).__name__


def decode_photo(data: bytes, name: str) -> ImageRgb:
    """The upright picture of an image file's bytes, uint8 (height, width, 3), RGB.

    Transparency is laid on white. Raises InputError, which calls the picture ``name``, for bytes
    that are truncated or no picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            # Not ImageOps.exif_transpose: it writes the EXIF data again, which may be damaged.
            turn = _TURNS.get(_orientation(image))
            upright = image if turn is None else image.transpose(turn)
            return np.ascontiguousarray(np.asarray(_to_rgb(upright)))
    except UNREADABLE as error:
        raise InputError(f"the image {name} cannot be read: {why(error, data)}") from None


def read_photo(path: PhotoFile) -> ImageRgb:
    """The upright picture in a file, like :func:`decode_photo`.

    Raises InputError for a file that is missing, truncated, or no picture.
    """
    return decode_photo(picture_bytes(path, "image"), str(path))


def photo_size_wh(path: PhotoFile) -> tuple[int, int]:
    """Width and height of the upright picture, from its header alone.

    Raises InputError like :func:`read_photo`, but sees no truncation.
    """
    try:
        with path.open("rb") as file:
            return _size_wh(file, str(path))
    except FileNotFoundError:
        raise InputError(f"there is no image {path}") from None
    except OSError as error:
        raise InputError(f"the image {path} cannot be read: {error.strerror}") from None


def size_of_photo(data: bytes, name: str) -> tuple[int, int]:
    """Like :func:`photo_size_wh`, of a file's bytes."""
    return _size_wh(io.BytesIO(data), name)


def _size_wh(file: BinaryIO, name: str) -> tuple[int, int]:
    try:
        with Image.open(file) as image:
            width, height = image.size
            if isinstance(image, TiffImagePlugin.TiffImageFile):
                # Some versions of Pillow give the upright size of a TIFF, others the stored one.
                width, height = image.tag_v2[_TIFF_WIDTH], image.tag_v2[_TIFF_HEIGHT]
            # 5..8 are the orientations that swap the axes.
            return (height, width) if _orientation(image) in (5, 6, 7, 8) else (width, height)
    except UNREADABLE as error:
        file.seek(0)
        words = why(error, file.read(_HEAD_BYTES))
        raise InputError(f"the image {name} cannot be read: {words}") from None


def picture_bytes(path: PhotoFile, what: str) -> bytes:
    """The bytes of a picture file. Raises InputError, which calls the picture ``what``."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"there is no {what} {path}") from None
    except OSError as error:
        raise InputError(f"the {what} {path} cannot be read: {error.strerror}") from None
