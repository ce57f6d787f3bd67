"""Reads captions that are stored one text an image, and writes a copy with some of them changed.

Three stores: a tar of text files (as COCONut-PanCap is released), a folder of them, and parquet
rows ``__key__`` and ``txt`` (as Hugging Face makes of such a tar). A copy changes what it is told
to and nothing else: of a tar every other byte stays, headers and order included. One caption is
held at a time.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from annoengine.checks.spliced_copy import SplicedCopy
from annoengine.errors import InputError

_BLOCK = 512
"""A tar is made of blocks of so many bytes. Source: POSIX.1-2008, pax, "ustar Interchange"."""
_RECORD = 20 * _BLOCK
_SIZE_AT, _CHECKSUM_AT = 124, 148
"""Places of a file's size (12 bytes) and of the checksum (8) in its header. Source: the same."""
_MOST_BYTES = 1 << 22
"""The largest text that is taken for a caption; the released ones have some 1,200."""


@dataclass(frozen=True)
class StoredCaption:
    """A caption as it is stored.

    ``key`` is the path of its image without the folder of the captions and without an ending;
    ``name`` what the store calls it; ``at`` and ``place`` where a copy finds it. ``data`` is None
    for a text that is too large for a caption.
    """

    key: str
    name: str
    data: bytes | None
    at: int = 0
    place: int = 0


def key_of(name: str, depth: int = 1) -> str:
    """The key of a text file: its path without the first folders and the ending.

    >>> key_of("caption_train2017/000000000009.txt"), key_of("9.txt"), key_of("9.txt", 0)
    ('000000000009', '9', '9')
    """
    parts = PurePosixPath(name).parts
    kept = PurePosixPath(*parts[min(depth, len(parts) - 1) :])
    return kept.as_posix().removesuffix(".txt")


class CaptionStore(ABC):
    """Where captions are stored. Reading one raises InputError for what cannot be read on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.others = 0
        """Files in there that are no captions, once :meth:`captions` has run through."""

    @abstractmethod
    def captions(self) -> Iterator[StoredCaption]:
        """The captions in the store's order."""

    @abstractmethod
    def copy(self, target: Path) -> CaptionCopy:
        """A copy of the store to be changed."""


class CaptionCopy(AbstractContextManager["CaptionCopy"], ABC):
    """A copy of a store. Leaving the context before :meth:`finish` is done leaves nothing."""

    @abstractmethod
    def replace(self, caption: StoredCaption, data: bytes) -> None:
        """Puts other bytes in a caption's place; captions come in the store's order."""

    @abstractmethod
    def finish(self) -> None:
        """Writes what is left; the copy is there as a whole, or not at all."""


class TarCaptions(CaptionStore):
    """A tar, which may be packed with gzip, though not to be copied then."""

    def captions(self) -> Iterator[StoredCaption]:
        """The text files in the tar's order."""
        try:
            with _opened_tar(self.path) as tar:
                # The list of all members would grow with the tar; its type stubs do not know it.
                members: list[tarfile.TarInfo] = getattr(tar, "members", [])
                while (member := tar.next()) is not None:
                    members.clear()
                    caption = self._caption(tar, member)
                    if caption is not None:
                        yield caption
        except (tarfile.TarError, EOFError, OSError, ValueError) as error:
            raise InputError(f"{self.path} cannot be read as a tar: {error}") from None

    def _caption(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> StoredCaption | None:
        if not member.isreg() or not member.name.endswith(".txt") or _is_hidden(member.name):
            self.others += not member.isdir()
            return None
        data = None
        if member.size <= _MOST_BYTES:
            file = tar.extractfile(member)
            data = file.read() if file is not None else b""
            if len(data) != member.size:
                raise EOFError(f"the file ends within {member.name!r}")
        name = member.name.encode("utf-8", "replace").decode()
        key = key_of(name.removeprefix("./"))
        return StoredCaption(key, name, data, member.offset_data, member.size)

    def copy(self, target: Path) -> CaptionCopy:
        """A tar with the same headers. Raises InputError for a packed one."""
        with self.path.open("rb") as file:
            if file.read(2) == b"\x1f\x8b":
                raise InputError(f"{self.path} is packed with gzip; unpack it to mend it")
        return _TarCopy(self.path, target)


class _TarCopy(CaptionCopy):
    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._headers = source.open("rb")
        self._copy = SplicedCopy(source, target)

    def replace(self, caption: StoredCaption, data: bytes) -> None:
        # The header of a file is the last block before its bytes, whatever stands before that.
        start = caption.at - _BLOCK
        self._headers.seek(start)
        header = bytearray(self._headers.read(_BLOCK))
        header[_SIZE_AT : _SIZE_AT + 12] = b"%011o\0" % len(data)
        header[_CHECKSUM_AT : _CHECKSUM_AT + 8] = b" " * 8
        header[_CHECKSUM_AT : _CHECKSUM_AT + 8] = b"%06o\0 " % sum(header)
        self._copy.replace(
            start, caption.at + _padded(caption.place), bytes(header) + _filled(data)
        )

    def finish(self) -> None:
        # A tar that came in whole records stays one.
        whole = self._source.stat().st_size % _RECORD == 0
        self._copy.finish(_RECORD if self._copy.grown and whole else 1)

    def __exit__(self, *error: object) -> None:
        self._headers.close()
        self._copy.__exit__(*error)


def _padded(size: int) -> int:
    return size + -size % _BLOCK


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % _BLOCK)


class FolderCaptions(CaptionStore):
    """A folder of text files, in sub-folders or not."""

    def captions(self) -> Iterator[StoredCaption]:
        """The text files in the order of their names."""
        for name in self._names():
            path = self.path / name
            try:
                large = path.stat().st_size > _MOST_BYTES
                data = None if large else path.read_bytes()
            except OSError as error:
                raise InputError(f"{path} cannot be read: {error.strerror}") from None
            yield StoredCaption(key_of(name, 0), name, data)

    def _names(self) -> list[str]:
        """Of a folder's files only the names are held."""
        names = []
        self.others = 0
        for root, _, files in os.walk(self.path):
            below = Path(root).relative_to(self.path)
            for file in files:
                if file.endswith(".txt") and not file.startswith("."):
                    names.append((below / file).as_posix())
                else:
                    self.others += 1
        return sorted(names)

    def copy(self, target: Path) -> CaptionCopy:
        """A folder; what is not changed is hard-linked, or copied where links cannot be had."""
        return _FolderCopy(self.path, target)


class _FolderCopy(CaptionCopy):
    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._written: list[Path] = []
        self._whole = False

    def replace(self, caption: StoredCaption, data: bytes) -> None:
        path = self._target / caption.name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._written.append(path)
        path.write_bytes(data)

    def finish(self) -> None:
        self._target.mkdir(parents=True, exist_ok=True)
        for path in sorted(p for p in self._source.rglob("*") if p.is_file()):
            copy = self._target / path.relative_to(self._source)
            if copy.exists():
                continue
            copy.parent.mkdir(parents=True, exist_ok=True)
            self._written.append(copy)
            try:
                os.link(path, copy)
            except OSError:
                shutil.copy2(path, copy)
        self._whole = True

    def __exit__(self, *error: object) -> None:
        if not self._whole:
            for path in self._written:
                path.unlink(missing_ok=True)


def caption_store(path: Path) -> CaptionStore | None:
    """The store at a path, or None for what is none."""
    from annoengine.checks.caption_rows import RowCaptions, has_caption_rows

    if path.is_dir():
        return FolderCaptions(path)
    if is_tar(path):
        return TarCaptions(path)
    return RowCaptions(path) if has_caption_rows(path) else None


def is_tar(path: Path) -> bool:
    """Is a file a tar, plain or packed with gzip?"""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as content:
            head = content.read(_BLOCK)
        return head[257:262] == b"ustar"
    except (OSError, EOFError):
        return False


def first_members(path: Path, n: int) -> list[str]:
    """The names of the first files in a tar; fewer where it cannot be read on."""
    names: list[str] = []
    try:
        with _opened_tar(path) as tar:
            while len(names) < n and (member := tar.next()) is not None:
                if member.isreg() and not _is_hidden(member.name):
                    names.append(member.name)
    except (tarfile.TarError, EOFError, OSError, ValueError):
        pass
    return names


def _opened_tar(path: Path) -> tarfile.TarFile:
    return tarfile.open(path, "r:*")


def _is_hidden(name: str) -> bool:
    """``._9.txt``: what a Mac puts beside a file."""
    return PurePosixPath(name).name.startswith("._")
