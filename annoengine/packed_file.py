"""A file inside a tar that is not compressed, read in place like any other.

It takes the part of a path wherever photographs are opened: ``read_bytes``, ``open``, ``name``.
The tar stands in names like a folder: ``sa_000000.tar/sa_1.jpg``.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from annoengine.errors import InputError

TAR = ".tar"


@dataclass(frozen=True)
class PackedFile:
    """``size`` bytes from ``offset`` on in the file ``tar``; picklable."""

    tar: Path
    path: str
    offset: int
    size: int

    @property
    def name(self) -> str:
        """The member's name without its folders."""
        return PurePosixPath(self.path).name

    def read_bytes(self) -> bytes:
        """Its bytes. Raises OSError as a path does, also where the tar was cut off."""
        with self.tar.open("rb") as file:
            file.seek(self.offset)
            data = file.read(self.size)
        if len(data) < self.size:
            raise OSError(5, "the tar is cut off")
        return data

    def open(self, mode: str) -> BinaryIO:
        """Its bytes as a file."""
        assert mode == "rb"
        return io.BytesIO(self.read_bytes())

    def __str__(self) -> str:
        return f"{self.tar}/{self.path}"


PhotoFile = Path | PackedFile
"""Where a photograph lies."""


def packed_files(tar: Path) -> dict[str, PackedFile]:
    """The plain files of a tar by their names, in their order; it is read once while unchanged.

    Raises InputError for a tar that is compressed, cut off or none, and for a name twice.
    """
    try:
        found = tar.stat()
    except OSError as error:
        raise InputError(f"the tar {tar} cannot be read: {error.strerror}") from None
    return _packed_files(tar, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=4)
def _packed_files(tar: Path, size: int, mtime_ns: int) -> dict[str, PackedFile]:
    found: dict[str, PackedFile] = {}
    try:
        with tarfile.open(tar, "r:") as members:
            for member in members:
                name = PurePosixPath(member.name).as_posix()
                if not member.isfile():
                    continue
                if name in found:
                    raise InputError(f"the tar {tar} holds {name!r} twice")
                found[name] = PackedFile(tar, name, member.offset_data, member.size)
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        words = str(error) or type(error).__name__
        if _is_compressed(tar):
            words = "it is compressed, so that nothing in it can be found without reading all of it"
        raise InputError(f"the tar {tar} cannot be read: {words}; unpack it") from None
    return found


def _is_compressed(tar: Path) -> bool:
    with tar.open("rb") as file:
        return file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd"))


def place_of(folder: Path, name: str) -> PhotoFile:
    """Where the file ``name`` below a folder lies: by itself, or in a tar that the name tells.

    Raises FileNotFoundError for a name that its tar does not hold, InputError for a bad tar.
    """
    tar = tar_in(name)
    if tar is None or (folder / tar).is_dir():
        return folder / name
    member = name[len(tar) + 1 :]
    try:
        return packed_files(folder / tar)[member]
    except KeyError:
        raise FileNotFoundError(2, "no such member", f"{folder / tar}/{member}") from None


def tar_in(name: str) -> str | None:
    """The tar that a path leads into, or None.

    >>> tar_in("b/sa_1.tar/c/sa_1.jpg"), tar_in("sa_1.tar"), tar_in("sa_1.jpg")
    ('b/sa_1.tar', None, None)
    """
    *folders, _ = parts = name.split("/")
    for depth, part in enumerate(folders, start=1):
        if part.endswith(TAR):
            return "/".join(parts[:depth])
    return None


def tars_below(folder: Path) -> Iterator[Path]:
    """The tars of a folder, by name."""
    yield from sorted(path for path in folder.iterdir() if path.suffix == TAR and path.is_file())
