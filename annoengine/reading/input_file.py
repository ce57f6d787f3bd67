"""Opens the files that an annotation file names: safely below their folder, and whole.

What goes wrong here is one record's trouble. Its account names files as the annotation file
does, so that a run says the same on every machine. A name never leads out of the folder; a
symbolic link may, because folders of links are how datasets are put together (COCONut's own
instructions make them), unless the recipe refuses it for a folder that somebody else packed.
"""

from __future__ import annotations

import io
import stat
from pathlib import Path, PurePosixPath
from typing import Literal

from PIL import Image

from annoengine.errors import InputError, RecordFailed
from annoengine.packed_file import place_of, tar_in
from annoengine.photo import UNREADABLE, size_of_photo, why

Links = Literal["follow", "refuse"]
"""What becomes of a symbolic link that leads out of its folder."""

MOST_BYTES = 1 << 30
"""The largest file that is read into memory: twice the pixels that are decoded, uncompressed."""

_JPEG_END = b"\xff\xd9"
PNG_END = b"IEND\xaeB`\x82"
"""A PNG's last chunk."""


def is_safe_path(name: str) -> bool:
    """May a file name from an annotation file be opened below a folder?

    Not if it is empty, absolute, or climbs out of the folder.

    >>> is_safe_path("val2017/1.jpg"), is_safe_path("../1.jpg"), is_safe_path("/etc/passwd")
    (True, False, False)
    """
    if not name or "\0" in name or "\\" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and ":" not in name.split("/")[0]


def read_below(
    folder: Path, name: str | None, what: str, reason: str, links: Links = "follow"
) -> bytes:
    """The bytes of the file ``name`` below a folder.

    Raises RecordFailed with the given reason for a file that is missing or unreadable, and with
    ``unsafe path`` for a name that leads out of the folder, by itself or (where ``links`` are
    refused) by a symbolic link. ``what`` is what it is called.
    """
    if not name:
        raise RecordFailed(reason, f"the annotation file gives no file_name for the {what}")
    if not is_safe_path(name):
        raise RecordFailed(
            "unsafe path", f"the file_name {name!r} of the {what} leads out of its folder"
        )
    if (tar := tar_in(name)) is not None and (folder / tar).is_file():
        return _read_packed(folder, name, what, reason)
    path = folder / name
    try:
        if links == "refuse" and not path.resolve().is_relative_to(folder.resolve()):
            raise RecordFailed(
                "unsafe path",
                f"the {what} {name!r} is a link that leads out of its folder; put the file "
                "itself there, or let links be followed with 'links: follow'",
            )
        found = path.stat()
        # A pipe or a device would be read for ever.
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no file but a pipe or a device"
            raise RecordFailed(reason, f"the {what} {name!r} cannot be read: it is {kind}")
        if found.st_size > MOST_BYTES:
            raise RecordFailed(
                reason,
                f"the {what} {name!r} has {found.st_size} bytes; at most {MOST_BYTES} are read",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise RecordFailed(reason, _missing(path, name, what)) from None
    except OSError as error:
        raise RecordFailed(
            reason, f"the {what} {name!r} cannot be read: {error.strerror}"
        ) from None
    except (ValueError, RuntimeError) as error:
        raise RecordFailed(reason, f"the {what} {name!r} cannot be read: {error}") from None


def _read_packed(folder: Path, name: str, what: str, reason: str) -> bytes:
    try:
        place = place_of(folder, name)
        return place.read_bytes()
    except FileNotFoundError:
        raise RecordFailed(reason, f"there is no {what} {name!r} in its tar") from None
    except (OSError, InputError) as error:
        words = getattr(error, "strerror", None) or str(error)
        raise RecordFailed(reason, f"the {what} {name!r} cannot be read: {words}") from None


def _missing(path: Path, name: str, what: str) -> str:
    """Archives that were packed with links keep the link alone, so that is told apart."""
    if path.is_symlink():
        target = str(path.readlink())
        return f"the {what} {name!r} is a link to {target!r}, which is not there"
    return f"there is no {what} {name!r} in its folder"


def whole_photo_size(path: Path, name: str, data: bytes) -> tuple[int, int]:
    """Width and height of the upright photograph at ``path`` with these bytes.

    A JPEG or PNG that ends as it should is taken as whole; only another is decoded to see.
    Raises RecordFailed("image") for one that is truncated or no picture.
    """
    try:
        size_wh = size_of_photo(data, name)
        if not data.endswith((_JPEG_END, PNG_END)):
            with Image.open(io.BytesIO(data)) as image:
                image.load()
    except (InputError, *UNREADABLE) as error:
        words = str(error)
        if not isinstance(error, InputError):
            words = f"the image {name} cannot be read: {why(error, data)}"
        raise RecordFailed("image", words) from None
    return size_wh
