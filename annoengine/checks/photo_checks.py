"""Checks a photograph beside what an annotation file says of it."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

from PIL import Image

from annoengine.checks.coco_tables import ListedImage
from annoengine.errors import InputError, RecordFailed
from annoengine.photo import MAX_PIXELS, UNREADABLE, why
from annoengine.reading.input_file import is_safe_path, read_below, whole_photo_size
from annoengine.validator import Code, Finding, Place

PHOTO_MISSING = Code("photo-missing", "error", "photographs that are not there")
PHOTO_UNREADABLE = Code("photo-unreadable", "error", "photographs that cannot be read")
PHOTO_SIZE_DIFFERS = Code("photo-size-differs", "error", "photographs of another size than listed")

CODES = (PHOTO_MISSING, PHOTO_UNREADABLE, PHOTO_SIZE_DIFFERS)


def check_photo(place: Place, folder: Path, image: ListedImage) -> list[Finding]:
    """What is wrong with an image's photograph."""
    name = image.file_name
    # A name that leads elsewhere was found when the table was read.
    if not name or not is_safe_path(name):
        return []
    try:
        data = read_below(folder, name, "photograph", "missing")
        header_of(data, f"the image {name}")
        size_wh = whole_photo_size(folder / name, name, data)
    except RecordFailed as failed:
        code = PHOTO_MISSING if failed.reason == "missing" else PHOTO_UNREADABLE
        return [code.at(place, failed.detail)]
    except InputError as error:
        return [PHOTO_UNREADABLE.at(place, str(error))]
    if image.size_wh is None or size_wh == image.size_wh:
        return []
    message = f"{name} is {times(size_wh)} upright, the JSON says {times(image.size_wh)}"
    if size_wh == (image.size_wh[1], image.size_wh[0]):
        message += ": as it is stored, before its EXIF orientation"
    return [PHOTO_SIZE_DIFFERS.at(place, message)]


def header_of(data: bytes, name: str) -> tuple[tuple[int, int], str]:
    """Width, height and mode of a picture, without decoding it.

    Raises InputError, which calls the picture ``name``.
    """
    try:
        with warnings.catch_warnings():
            # Pillow only warns of pictures between its guard and twice as many pixels.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                size_wh, mode = image.size, image.mode
    except (*UNREADABLE, Image.DecompressionBombWarning) as error:
        raise InputError(f"{name} cannot be read: {_why(error)}") from None
    return size_wh, mode


def _why(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombWarning):
        return f"it has more than {MAX_PIXELS} pixels"
    return why(error)


def times(size_wh: tuple[int, int]) -> str:
    """A size as people write it: ``640×480``."""
    return f"{size_wh[0]}×{size_wh[1]}"
