"""Copies a file of any size with some of its bytes replaced, and all else to the byte."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from annoengine.errors import InputError

_CHUNK_BYTES = 1 << 20


class Splice(NamedTuple):
    """What stands in the place of the bytes from ``start`` to ``end``."""

    start: int
    end: int
    data: bytes


def splice(source: Path, target: Path, splices: Iterable[Splice]) -> None:
    """Writes ``target``; the splices come in the order of the file, and never overlap.

    Raises InputError where the source was written to meanwhile.
    """
    with source.open("rb") as old, target.open("wb") as new:
        before = _state(old)
        done = 0
        for start, end, data in splices:
            _copy(old, new, start - done)
            new.write(data)
            old.seek(end)
            done = end
        _copy(old, new, before[0] - done)
        if _state(old) != before or old.read(1):
            raise InputError(f"{source} was changed while it was read; run again")


def _copy(old: BinaryIO, new: BinaryIO, length: int) -> None:
    while length > 0 and (chunk := old.read(min(length, _CHUNK_BYTES))):
        new.write(chunk)
        length -= len(chunk)


def _state(file: BinaryIO) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns
