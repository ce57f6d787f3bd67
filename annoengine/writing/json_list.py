"""Writes a JSON array entry by entry, where a format asks for one large list."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import orjson


class JsonList(AbstractContextManager["JsonList"]):
    """One JSON array, an entry a line; it is whole once the context is left."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self._file.write(b"[")
        self.count = 0

    def add(self, value: Any) -> None:
        """One more entry."""
        self._file.write((b",\n" if self.count else b"\n") + orjson.dumps(value))
        self.count += 1

    def __exit__(self, *error: object) -> None:
        if not self._file.closed:
            self._file.write(b"\n]\n")
            self._file.close()
