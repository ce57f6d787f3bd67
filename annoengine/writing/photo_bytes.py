"""Takes a photograph out of the run as the bytes that it came in, and says how they are stored."""

from __future__ import annotations

import io
from pathlib import PurePosixPath

from PIL import ExifTags, Image

from annoengine.errors import InputError
from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles
from annoengine.photo import UNREADABLE, picture_bytes
from annoengine.record import Record

_ENDINGS = {"JPEG": "jpg", "TIFF": "tif"}
"""Endings of formats that are not called after them."""


def photo_bytes(record: Record, files: RecordFiles) -> bytes:
    """The file's bytes. Raises InputError where they are not those that the run began with."""
    data = picture_bytes(files.image, "image")
    if sha256_hex(data) != record.photo.sha256:
        raise InputError(
            f"the image {files.image} of {record.id} has changed since the run read it; "
            "put the old file back, or run again"
        )
    return data


def photo_ending(file_name: str, data: bytes) -> str:
    """The ending of the photograph's name, in small letters; without one, its format's.

    >>> photo_ending("a/000000000009.JPG", b""), photo_ending("b.tar.png", b"")
    ('jpg', 'png')
    """
    ending = PurePosixPath(file_name).suffix[1:].lower()
    if ending:
        return ending
    with Image.open(io.BytesIO(data)) as image:
        kind = image.format or "jpg"
    return _ENDINGS.get(kind, kind.lower())


def is_turned(data: bytes) -> bool:
    """Does its EXIF data turn or mirror the picture? Many readers show it as it is stored."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except UNREADABLE:
        return False
