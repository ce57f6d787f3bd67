"""Keeps texts by key in a file; memory holds only where each of them lies."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import orjson


class TextSpool(AbstractContextManager["TextSpool"]):
    """Texts and whose they are, by key; the file goes when the context is left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb+")
        self._places: dict[str, int] = {}
        self._end = 0

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def add(self, key: str, owner: str, text: str) -> None:
        """Keeps a text under a key that has none yet."""
        line = orjson.dumps([owner, text]) + b"\n"
        self._file.seek(self._end)
        self._file.write(line)
        self._places[key] = self._end
        self._end += len(line)

    def get(self, key: str) -> tuple[str, str]:
        """The owner and the text. Raises KeyError for a key that has none."""
        self._file.seek(self._places[key])
        owner, text = orjson.loads(self._file.readline())
        return owner, text

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)
