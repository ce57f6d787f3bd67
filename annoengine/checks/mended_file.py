"""Writes a COCO file again with mended annotations, everything else as it was.

Annotations are kept in a part file beside the target until all are there, so that they can be put
into the order of ``images`` without holding them in memory. Numbers and texts keep their values,
not their spelling: the file is written without indentation, one entry a line.
"""

from __future__ import annotations

import json
import os
from array import array
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

import ijson
import orjson

from annoengine.errors import InputError
from annoengine.reading.coco_json import items
from annoengine.reading.json_file import open_json

_STREAMED = ("images", "annotations")
_OPENS = ("start_map", "start_array")
_CLOSES = ("end_map", "end_array")
_LAST = 1 << 62
"""The rank of an annotation whose image is not known."""


class MendedFile(AbstractContextManager["MendedFile"]):
    """The mended form of ``source``, written to ``target``.

    Leaving the context without :meth:`finish` leaves nothing behind.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._part = target.with_name(f".{target.name}.annotations.part")
        self._whole = target.with_name(f".{target.name}.part")
        self._file: BinaryIO = self._part.open("wb")
        self._offsets = array("Q", [0])
        self._ranks = array("q")

    def add(self, annotation: Any, rank: int | None = None) -> None:
        """One more annotation; ``rank`` is its place if :meth:`finish` is to order them."""
        data = self._dumped(annotation, f"annotations[{len(self._ranks)}]")
        self._file.write(data)
        self._offsets.append(self._offsets[-1] + len(data))
        self._ranks.append(_LAST if rank is None else rank)

    def finish(self, ordered: bool) -> None:
        """Writes the file; ``ordered`` puts the annotations into the order of their ranks."""
        self._file.close()
        with self._whole.open("wb") as whole:
            for position, (name, value) in enumerate(_members(self._source)):
                whole.write((b",\n" if position else b"{") + orjson.dumps(name) + b":")
                if name == "images":
                    entries = (
                        self._dumped(entry, f"images[{at}]")
                        for at, entry in enumerate(items(self._source, "images"))
                    )
                    _write_array(whole, entries)
                elif name == "annotations":
                    _write_array(whole, self._annotations(ordered))
                else:
                    whole.write(self._dumped(value, repr(name)))
            whole.write(b"}\n")
            whole.flush()
            os.fsync(whole.fileno())
        self._whole.replace(self._target)

    def _annotations(self, ordered: bool) -> Iterator[bytes]:
        order = range(len(self._ranks))
        chosen = sorted(order, key=self._ranks.__getitem__) if ordered else order
        with self._part.open("rb") as part:
            for at in chosen:
                part.seek(self._offsets[at])
                yield part.read(self._offsets[at + 1] - self._offsets[at])

    def _dumped(self, value: Any, what: str) -> bytes:
        try:
            data = orjson.dumps(value)
            if b"null" in data:
                # Numbers beyond a float's range are read as infinite, and would be written so.
                json.dumps(value, allow_nan=False)
            return data
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(
                f"{self._source}: {what} cannot be written again: {error}; mend it by hand"
            ) from None

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)
        self._whole.unlink(missing_ok=True)


def _write_array(whole: BinaryIO, entries: Iterator[bytes]) -> None:
    whole.write(b"[\n")
    for position, entry in enumerate(entries):
        whole.write((b",\n" if position else b"") + entry)
    whole.write(b"\n]")


def _members(path: Path) -> list[tuple[str, Any]]:
    """The top-level members in their order; those that are streamed without their value."""
    members: list[tuple[str, Any]] = []
    depth = 0
    builder: Any = None
    with open_json(path) as file:
        for event, value in ijson.basic_parse(file, use_float=True):
            if event in _CLOSES:
                depth -= 1
            if depth == 1 and event == "map_key":
                members.append((value, None))
                builder = None if value in _STREAMED else ijson.ObjectBuilder()
            elif depth >= 1 and builder is not None:
                builder.event(event, value)
                if depth == 1 and event not in _OPENS:
                    members[-1] = (members[-1][0], builder.value)
                    builder = None
            if event in _OPENS:
                depth += 1
    return members
