"""Writes a webdataset: a plain tar in which files with the same stem are one sample.

A reader takes a member's name up to the first dot behind its last slash as the sample's key, and
the rest as the field's name; so a dot in a stem would begin the field too early. The same values
give the same bytes: no times, owners or modes of this machine.

Source: the tar reader of ``webdataset`` (``tariterators.py``) and of ``datasets``
(``packaged_modules/webdataset``), which split names alike.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import BinaryIO


def sample_key(file_name: str) -> str:
    """The key of a photograph's sample: its name without the ending, and without dots.

    >>> sample_key("000000000009.jpg"), sample_key("a.b/1.2.jpg")
    ('000000000009', 'a.b/1_2')
    """
    path = PurePosixPath(file_name)
    return path.with_name(path.stem.replace(".", "_")).as_posix()


class WebdatasetTar(AbstractContextManager["WebdatasetTar"]):
    """One tar, written sample by sample.

    ``tarfile`` makes the headers; its own writer would keep one of each member in memory.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self.count = 0

    def add(self, key: str, fields: Mapping[str, bytes]) -> None:
        """One sample: ``{"txt": b"..."}`` becomes the member ``key.txt``.

        Raises ValueError for a key in which a reader would not find the sample again.
        """
        if not key or "." in PurePosixPath(key).name or key.endswith("/"):
            raise ValueError(f"{key!r} cannot be the key of a sample: it is empty or has a dot")
        for ending, data in fields.items():
            member = tarfile.TarInfo(f"{key}.{ending}")
            member.size = len(data)
            # Long names and names beyond ASCII need an extended header; others get a plain one.
            self._file.write(member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape"))
            self._file.write(data)
            self._fill(tarfile.BLOCKSIZE)
        self.count += 1

    def _fill(self, unit: int) -> None:
        """Zeros up to the next whole unit."""
        self._file.write(bytes(-self._file.tell() % unit))

    def __exit__(self, *error: object) -> None:
        if not self._file.closed:
            # A tar ends with two empty blocks, and is made of whole records.
            self._file.write(bytes(2 * tarfile.BLOCKSIZE))
            self._fill(tarfile.RECORDSIZE)
            self._file.close()
