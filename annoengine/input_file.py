"""Opens the files that an annotation file names: safely below their folder, and whole.

What goes wrong here is one record's trouble. Its account names files as the annotation file
does, so that a run says the same on every machine.
"""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath

from PIL import Image

from annoengine.errors import InputError, RecordFailed
from annoengine.photo import photo_size_wh

_JPEG_END = b"\xff\xd9"
_PNG_END = b"IEND\xaeB`\x82"


def is_safe_path(name: str) -> bool:
    """May a file name from an annotation file be opened below a folder?

    Not if it is empty, absolute, or climbs out of the folder.

    >>> is_safe_path("val2017/1.jpg"), is_safe_path("../1.jpg"), is_safe_path("/etc/passwd")
    (True, False, False)
    """
    if not name or "\0" in name or "\\" in name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and ":" not in path.parts[0]


def read_below(folder: Path, name: str | None, what: str, reason: str) -> bytes:
    """The bytes of the file ``name`` below a folder.

    Raises RecordFailed with the given reason for a file that is missing or unreadable, and with
    ``unsafe path`` for a name that leads out of the folder. ``what`` is what it is called.
    """
    if not name:
        raise RecordFailed(reason, f"the annotation file gives no file_name for the {what}")
    if not is_safe_path(name):
        raise RecordFailed(
            "unsafe path", f"the file_name {name!r} of the {what} leads out of its folder"
        )
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError:
        raise RecordFailed(reason, f"there is no {what} {name!r} in its folder") from None
    except OSError as error:
        raise RecordFailed(
            reason, f"the {what} {name!r} cannot be read: {error.strerror}"
        ) from None
    except ValueError as error:
        raise RecordFailed(reason, f"the {what} {name!r} cannot be read: {error}") from None


def whole_photo_size(path: Path, name: str, data: bytes) -> tuple[int, int]:
    """Width and height of the upright photograph at ``path`` with these bytes.

    A JPEG or PNG that ends as it should is taken as whole; only another is decoded to see.
    Raises RecordFailed("image") for one that is truncated or no picture.
    """
    try:
        size_wh = photo_size_wh(path)
        if not data.endswith((_JPEG_END, _PNG_END)):
            with Image.open(io.BytesIO(data)) as image:
                image.load()
    except (InputError, OSError, SyntaxError, ValueError, EOFError) as error:
        words = str(error).replace(str(path), name)
        if name not in words:
            words = f"the image {name} cannot be read: {words}"
        raise RecordFailed("image", words) from None
    return size_wh
