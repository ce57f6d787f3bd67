"""Reads a webdataset: a tar in which members that follow each other with one key are a sample.

A member's key is its name up to the first dot behind the last slash; the rest is its field. One
sample is held at a time.

Source: the tar reader of ``webdataset`` (``tariterators.py``), which parts names alike and begins
a sample where the key changes.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from annoengine.errors import InputError

_NAME = re.compile(r"((?:.*/)?[^./]+)[.]([^/]*)", re.DOTALL)


@dataclass(frozen=True)
class TarSample:
    """A sample: its key, and its fields in their order."""

    key: str
    fields: dict[str, bytes]


def read_samples(path: Path) -> Iterator[TarSample]:
    """The samples in their order; members without a field are no part of one.

    Raises InputError, with the member, for a file that is no tar or is cut off, and for a sample
    with a field twice.
    """
    key: str | None = None
    fields: dict[str, bytes] = {}
    at = "its beginning"
    try:
        with tarfile.open(path, "r|*") as tar:
            for member in tar:
                found = _NAME.fullmatch(member.name)
                at = member.name
                if not member.isfile() or found is None:
                    continue
                if found[1] != key and key is not None:
                    yield TarSample(key, fields)
                    fields = {}
                key = found[1]
                if found[2] in fields:
                    raise InputError(f"{path} has {member.name!r} twice in one sample")
                file = tar.extractfile(member)
                assert file is not None
                fields[found[2]] = file.read()
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        words = str(error) or type(error).__name__
        raise InputError(f"{path} cannot be read as a tar, at {at}: {words}") from None
    if key is not None:
        yield TarSample(key, fields)
