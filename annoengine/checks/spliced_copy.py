"""Collects what changes in a file, and writes the copy: all other bytes stay as they are.

Changes wait in a part file beside the copy, so that memory does not grow with them.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from annoengine.writing.spliced_file import Splice, splice

_HEAD = struct.Struct("<QQQ")
"""Start, end and length of what stands there instead."""


class SplicedCopy(AbstractContextManager["SplicedCopy"]):
    """A copy of ``source`` at ``target``. Leaving before :meth:`finish` leaves nothing."""

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._waiting = target.with_name(f".{target.name}.changes.part")
        self._part = target.with_name(f".{target.name}.part")
        self._file = self._waiting.open("wb")
        self.grown = 0
        """How many bytes longer the copy will be."""

    def replace(self, start: int, end: int, data: bytes) -> None:
        """Other bytes from ``start`` to ``end`` of the source; in the order of the file."""
        self._file.write(_HEAD.pack(start, end, len(data)) + data)
        self.grown += len(data) - (end - start)

    def finish(self, record: int = 1) -> None:
        """Writes the copy, filled up with zeros to whole records."""
        self._file.close()
        splice(self._source, self._part, self._splices())
        with self._part.open("ab") as part:
            part.write(bytes(-part.tell() % record))
            part.flush()
            os.fsync(part.fileno())
        self._part.replace(self._target)

    def _splices(self) -> Iterator[Splice]:
        with self._waiting.open("rb") as file:
            while head := file.read(_HEAD.size):
                start, end, length = _HEAD.unpack(head)
                yield Splice(start, end, file.read(length))

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._waiting.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)
