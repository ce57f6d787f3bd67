"""Lists the photographs of a folder in one order on every machine, without opening any of them.

Names are checked here, because the files themselves are all the list there is: what cannot be
named in a dataset is said, never skipped in silence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import Field

from annoengine.errors import InputError
from annoengine.fingerprint import canonical_json, sha256_hex
from annoengine.packed_file import TAR, packed_files, tars_below
from annoengine.reading.coco_sample import IdPart, smallest
from annoengine.reading.input_file import Links, is_safe_path
from annoengine.record import make_record_id
from annoengine.stage import Parameters

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
"""What counts as a photograph, by its name alone; what it really is shows when it is opened."""


class PhotoSample(Parameters):
    """A sample of the photographs, the same on every machine.

    The ``n`` photographs are those with the smallest seeded hash of their record id, so that a
    larger sample holds the smaller one, and new files take few places from old ones.
    """

    n: int = Field(ge=1)
    """How many photographs to take; fewer where there are fewer."""
    seed: int | None = None
    """Which sample; the run's seed unless set."""


class PhotoFolderParameters(Parameters):
    """Which photographs of the folder, and under which name."""

    dataset: IdPart = "images"
    """The dataset's name: the first part of each record's id."""
    split: IdPart | None = None
    """The split's name; told by the folder's name unless set."""
    sample: PhotoSample | None = None
    """Take only a sample of the photographs."""
    recursive: bool = False
    """Look into the folders in the folder too."""
    links: Links = "refuse"
    """What becomes of a symbolic link that leads out of its folder: ``follow`` or ``refuse``."""


@dataclass(frozen=True)
class ListedFile:
    """A file by its path below the folder, with slashes, and its size."""

    name: str
    size_bytes: int


@dataclass(frozen=True)
class Listing:
    """The photographs of a folder, sorted by name, and how many were passed over, by reason."""

    photos: tuple[ListedFile, ...]
    left_out: Mapping[str, int]

    def fingerprint(self) -> str:
        """Names and sizes in one hash: it changes with every file added, removed or renamed.

        What is in the files is hashed when each one is opened, and kept in its record: hashing
        all of them to see whether anything changed would read the whole dataset twice.
        """
        return names_hash(self.photos)


def names_hash(files: tuple[ListedFile, ...]) -> str:
    """The hash of the names and sizes of some files."""
    return sha256_hex(canonical_json([[shown(f.name), f.size_bytes] for f in files]))


def folder_and_file(path: Path) -> tuple[Path, str | None]:
    """The folder that an input names, and the one photograph in it where the input is a file."""
    return (path.parent, path.name) if path.is_file() else (path, None)


def list_photos(
    path: Path, recursive: bool, suffixes: tuple[str, ...] = PICTURE_SUFFIXES
) -> Listing:
    """The photographs in a folder, or the one photograph that the path itself is.

    A tar is taken for a folder: the one that the path is, those of a folder that has no
    photographs beside them, and all that are met with ``recursive``. Hidden pictures and links to
    folders are passed over and counted. Sorted by the path's characters, which no locale changes.
    Other files than pictures are listed by naming their ``suffixes``.

    Raises InputError for a folder without photographs.
    """
    folder, only = folder_and_file(path)
    if path.suffix == TAR and only is not None:
        packed = tuple(sorted(_packed(path, f"{path.name}/", suffixes), key=lambda file: file.name))
        if not packed:
            raise InputError(f"the tar {path} holds no photograph ({', '.join(PICTURE_SUFFIXES)})")
        return Listing(packed, {})
    if only is not None:
        return Listing((ListedFile(only, path.stat().st_size),), {})
    left_out = dict.fromkeys(("hidden", "linked folder", "no file"), 0)
    photos = sorted(_walk(folder, "", recursive, left_out, suffixes), key=lambda file: file.name)
    if not photos:
        photos = [
            file for tar in tars_below(folder) for file in _packed(tar, f"{tar.name}/", suffixes)
        ]
        photos.sort(key=lambda file: file.name)
    if not photos:
        raise InputError(_none_in(folder, recursive, left_out))
    return Listing(tuple(photos), {reason: n for reason, n in left_out.items() if n})


def _walk(
    folder: Path,
    below: str,
    recursive: bool,
    left_out: dict[str, int],
    suffixes: tuple[str, ...],
) -> Iterator[ListedFile]:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be read: {error.strerror}") from None
    for entry in found:
        name = below + entry.name
        is_picture = entry.name.lower().endswith(suffixes)
        if entry.name.startswith("."):
            left_out["hidden"] += is_picture
        elif entry.is_dir(follow_symlinks=False):
            if recursive:
                yield from _walk(folder / entry.name, f"{name}/", recursive, left_out, suffixes)
        elif entry.is_symlink() and entry.is_dir():
            # A link upwards would be walked for ever; one sideways gives every photograph twice.
            left_out["linked folder"] += recursive
        elif recursive and entry.name.endswith(TAR) and entry.is_file():
            yield from _packed(folder / entry.name, f"{name}/", suffixes)
        elif is_picture:
            if entry.is_symlink() and not entry.is_file():
                yield ListedFile(name, 0)  # A broken link: opening it says so.
            elif entry.is_file():
                yield ListedFile(name, entry.stat().st_size)
            else:
                left_out["no file"] += 1


def _packed(tar: Path, below: str, suffixes: tuple[str, ...]) -> Iterator[ListedFile]:
    for name, file in packed_files(tar).items():
        hidden = any(part.startswith(".") for part in PurePosixPath(name).parts)
        if name.lower().endswith(suffixes) and not hidden:
            yield ListedFile(below + name, file.size)


def _none_in(folder: Path, recursive: bool, left_out: Mapping[str, int]) -> str:
    words = f"the folder {folder} holds no photograph ({', '.join(PICTURE_SUFFIXES)})"
    if left_out["hidden"]:
        words += f"; {left_out['hidden']} hidden, whose names begin with a dot"
    if not recursive and any(p.is_dir() for p in folder.iterdir() if not p.name.startswith(".")):
        words += "; it holds folders, which 'recursive: true' looks into"
    return words


def shown(name: str) -> str:
    r"""A file's name as text that can be written anywhere; bytes that are no UTF-8 as ``\xff``.

    >>> shown("a\udcff.jpg")
    'a\\xff.jpg'
    """
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def photo_entry(dataset: str, split: str, name: str) -> dict[str, Any]:
    """The entry of one photograph. Its record id ends in the whole relative path.

    The suffix belongs to it: ``a.jpg`` and ``a.png`` are two photographs.
    """
    text = shown(name)
    entry: dict[str, Any] = {
        "record_id": make_record_id(dataset, split, text),
        "image": {"file_name": text},
    }
    if text != name:
        detail = f"the name of the photograph {text!r} is no UTF-8; rename the file"
        entry["trouble"] = ["file name", detail, True]
    elif not is_safe_path(name):
        detail = (
            f"the name of the photograph {name!r} has a backslash or a colon, which is a path on "
            "other systems; rename the file"
        )
        entry["trouble"] = ["file name", detail, True]
    return entry


def sampled(
    photos: tuple[ListedFile, ...], sample: PhotoSample | None, seed: int, dataset: str, split: str
) -> tuple[ListedFile, ...]:
    """The photographs that the sample chooses, in their order; all where there is none."""
    if sample is None:
        return photos
    candidates = (
        (make_record_id(dataset, split, shown(photo.name)), position)
        for position, photo in enumerate(photos)
    )
    chosen = smallest(sample.n, seed if sample.seed is None else sample.seed, candidates)
    return tuple(photo for position, photo in enumerate(photos) if position in chosen)


def split_of_folder(folder: Path) -> str:
    """The split that a folder's name tells by one of its words, else ``"all"``.

    >>> [split_of_folder(Path(n)) for n in ("val2017", "my-test-set", "latest")]
    ['val', 'test', 'all']
    """
    words = re.split(r"[^a-z]+", folder.name.lower())
    return next((split for split in ("train", "val", "test") if split in words), "all")


def stem_of(name: str) -> str:
    """A relative path without its last suffix.

    >>> stem_of("zoo/lion.king.jpg")
    'zoo/lion.king'
    """
    return PurePosixPath(name).with_suffix("").as_posix()
