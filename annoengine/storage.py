"""Where a run's files lie: a few verbs over keys, so that an object store can take its place.

A key is a relative path with forward slashes. A file is *published*: written aside, flushed to
the disk, and renamed into place, so that a reader sees the whole of it or nothing. Journals and
locks are appended to and locked, which only a real folder can do; they use :meth:`local`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from annoengine.errors import WorkspaceError


class Storage(Protocol):
    """What the engine asks of the place where a run is kept."""

    def exists(self, key: str) -> bool:
        """Is there a published file?"""
        ...

    def open(self, key: str) -> BinaryIO:
        """The file for reading; FileNotFoundError where there is none."""
        ...

    def publish(self, key: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """A file to write; it takes the key's place when the block ends without an error."""
        ...

    def delete(self, key: str) -> None:
        """Removes a file; nothing happens where there is none."""
        ...

    def names(self, folder: str) -> list[str]:
        """Names of the published files and folders right in a folder, sorted."""
        ...

    def local(self, key: str) -> Path:
        """A path of this machine's file system for files that are appended to or mapped."""
        ...


def explain_write_error(path: object, error: OSError) -> WorkspaceError:
    """A sentence for a write that the disk refused."""
    if error.errno == errno.ENOSPC:
        why = "the disk is full; free some room and run the same command again, nothing is lost"
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = "it is not writable; choose another --workspace or change its permissions"
    elif error.errno == errno.EDQUOT:
        why = "the disk quota is used up; free some room and run the same command again"
    else:
        why = error.strerror or str(error)
    return WorkspaceError(f"cannot write {path}: {why}")


class LocalFolder:
    """A folder of this machine's file system."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._swept: set[Path] = set()

    def __repr__(self) -> str:
        return f"LocalFolder({str(self.root)!r})"

    def local(self, key: str) -> Path:
        """The path of a key; its folder is made."""
        path = self.root / key
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain_write_error(path.parent, error) from None
        return path

    def exists(self, key: str) -> bool:
        """Is there a published file?"""
        return (self.root / key).is_file()

    def open(self, key: str) -> BinaryIO:
        """The file for reading."""
        return (self.root / key).open("rb")

    @contextlib.contextmanager
    def publish(self, key: str) -> Iterator[BinaryIO]:
        """A file to write; renamed into place last, after its bytes reached the disk."""
        path = self.local(key)
        if path.parent not in self._swept:
            self._swept.add(path.parent)
            _sweep(path.parent)
        part = path.with_name(f".{path.name}.{_HOST}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise explain_write_error(path, error) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def delete(self, key: str) -> None:
        """Removes a file, if it is there."""
        (self.root / key).unlink(missing_ok=True)

    def names(self, folder: str) -> list[str]:
        """Names right in a folder, sorted; unfinished files are not among them."""
        path = self.root / folder
        if not path.is_dir():
            return []
        return sorted(p.name for p in path.iterdir() if not p.name.startswith("."))


_HOST = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())


def _sweep(folder: Path) -> None:
    """Takes away what killed processes of this machine left unfinished in a folder."""
    for part in folder.glob(f".*.{_HOST}.*.part"):
        pid = part.name.split(".")[-2]
        if pid.isdigit() and not _is_alive(int(pid)):
            part.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Brings a folder's entries to the disk, so that a rename outlasts a lost machine."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows, and some network file systems, do not open folders
        return
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_bytes(storage: Storage, key: str) -> bytes:
    """All bytes of a small file."""
    with storage.open(key) as file:
        return file.read()


def write_bytes(storage: Storage, key: str, data: bytes) -> None:
    """Publishes a small file."""
    with storage.publish(key) as file:
        file.write(data)
