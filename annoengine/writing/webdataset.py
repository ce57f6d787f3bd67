"""Writes a webdataset: a plain tar in which files with the same stem are one sample.

A reader takes a member's name up to the first dot behind its last slash as the sample's key, and
the rest as the field's name; so a dot in a stem would begin the field too early. The same values
give the same bytes: no times, owners or modes of this machine.

Source: the tar reader of ``webdataset`` (``tariterators.py``) and of ``datasets``
(``packaged_modules/webdataset``), which split names alike.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath


def sample_key(file_name: str) -> str:
    """The key of a photograph's sample: its name without the ending, and without dots.

    >>> sample_key("000000000009.jpg"), sample_key("a.b/1.2.jpg")
    ('000000000009', 'a.b/1_2')
    """
    path = PurePosixPath(file_name)
    return path.with_name(path.stem.replace(".", "_")).as_posix()


class WebdatasetTar(AbstractContextManager["WebdatasetTar"]):
    """One tar, written sample by sample."""

    def __init__(self, path: Path) -> None:
        # Long names and names beyond ASCII need an extended header; others get a plain one.
        self._tar = tarfile.open(path, "w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
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
            self._tar.addfile(member, io.BytesIO(data))
        self.count += 1

    def __exit__(self, *error: object) -> None:
        self._tar.close()
