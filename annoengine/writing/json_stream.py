"""Writes large JSON files piece by piece: nothing that grows with the dataset is held in memory.

Two forms: :class:`JsonLines`, one value a line, and :class:`JsonObject`, one object whose arrays
may be filled side by side. The latter keeps each open array in a part file beside the object
until it is put together. UTF-8 as it is, no spaces, keys in the order given: the same values
give the same bytes.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import orjson


class JsonLines(AbstractContextManager["JsonLines"]):
    """A JSONL file, written as it comes."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("wb")
        self.count = 0

    def add(self, value: Any) -> None:
        """One more line."""
        self._file.write(orjson.dumps(value) + b"\n")
        self.count += 1

    def close(self) -> None:
        """Writes what is still in memory; more than once does no harm."""
        self._file.close()

    def __exit__(self, *error: object) -> None:
        self.close()


class JsonObject(AbstractContextManager["JsonObject"]):
    """One JSON object with some arrays that are filled over time.

    Leaving the context before :meth:`finish` is done removes the part files and writes nothing.
    """

    def __init__(self, path: Path, arrays: Sequence[str]) -> None:
        self._path = path
        self._whole = path.with_name(f".{path.name}.part")
        self._parts = {name: path.with_name(f".{path.name}.{name}.part") for name in arrays}
        self._files: dict[str, BinaryIO] = {
            name: part.open("wb") for name, part in self._parts.items()
        }
        self.counts = dict.fromkeys(arrays, 0)

    def add(self, array: str, value: Any) -> None:
        """One more entry of an array."""
        file = self._files[array]
        if self.counts[array]:
            file.write(b",\n")
        file.write(orjson.dumps(value))
        self.counts[array] += 1

    def finish(self, members: Mapping[str, Any]) -> None:
        """Writes the object. ``members`` gives its order; None stands for a filled array."""
        for file in self._files.values():
            file.close()
        with self._whole.open("wb") as whole:
            for position, (name, value) in enumerate(members.items()):
                whole.write((b",\n" if position else b"{") + orjson.dumps(name) + b":")
                if value is None:
                    whole.write(b"[\n")
                    with self._parts[name].open("rb") as part:
                        shutil.copyfileobj(part, whole)
                    whole.write(b"\n]")
                else:
                    whole.write(orjson.dumps(value))
            whole.write(b"}\n")
        self._whole.replace(self._path)

    def __exit__(self, *error: object) -> None:
        for file in self._files.values():
            file.close()
        for part in (*self._parts.values(), self._whole):
            part.unlink(missing_ok=True)
