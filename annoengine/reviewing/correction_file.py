"""A corrections file, found by record: each line is checked once and read again when it is due.

Of each record only a hash, a place and the hash of its last line are kept, 56 bytes, so that a
file with a line for every image of a large dataset needs a few megabytes.

What cannot be understood is refused as a whole, with each fault's file, line and record: nothing
may be lost between other lines. One thing is not: a last line without its end, which a writer that
was stopped leaves. It is passed over and told.
"""

from __future__ import annotations

import functools
import hashlib
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import ValidationError

from annoengine.errors import InputError
from annoengine.registry import did_you_mean
from annoengine.reviewing.correction import (
    AddedRegion,
    Correction,
    ParagraphReview,
    RegionReview,
)

_MOST_LINE_BYTES = 1 << 26
"""A longer line is no correction: a thousand masks of COCO have an eighth of it."""

_MOST_TOLD = 10
"""Faults that are told at once; of the others only how many there are."""

_HASH_BYTES = 16


@dataclass(frozen=True)
class PlacedCorrection:
    """A correction, and the number of its line."""

    correction: Correction
    line: int


class CorrectionFile:
    """The corrections of one file as it was when it was opened.

    ``replaced`` is how many lines a later line of the same record replaces; ``torn`` says what is
    to be said of a last line that breaks off, or is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.replaced = 0
        self.torn = ""
        self._keys: NDArray[np.uint64] = np.zeros((0, 2), dtype=np.uint64)
        self._places: NDArray[np.uint64] = np.zeros((0, 3), dtype=np.uint64)
        self._digests: NDArray[np.uint8] = np.zeros((0, _HASH_BYTES), dtype=np.uint8)

    @classmethod
    def open(cls, path: Path) -> CorrectionFile:
        """The file, checked; without a line where there is no file yet.

        Raises InputError, which lists the lines that are no corrections.
        """
        try:
            state = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return cls(path)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None
        return _opened(path, state.st_mtime_ns, state.st_size, state.st_ino)

    def __len__(self) -> int:
        return len(self._keys)

    def digest(self, record_id: str) -> str | None:
        """The hash of the line that counts for a record; None where there is none."""
        row = self._row(record_id)
        return None if row is None else self._digests[row].tobytes().hex()

    def find(self, record_id: str) -> PlacedCorrection | None:
        """The correction of a record, read anew; None where there is none.

        Raises InputError where the file is no longer the one that was opened.
        """
        row = self._row(record_id)
        if row is None:
            return None
        offset, length, number = (int(value) for value in self._places[row])
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                line = file.read(length)
        except OSError:
            line = b""
        if _digest(line) != self._digests[row].tobytes():
            raise InputError(
                f"{self.path} was changed while it was read; run the same command again, and add "
                "to the file from now on at its end alone while a run goes on"
            )
        return PlacedCorrection(Correction.model_validate_json(line), number)

    def unclaimed(self, record_ids: Iterable[str]) -> list[str]:
        """Records that the file names and that are none of these: file, line and name of each."""
        left = np.ones(len(self._keys), dtype=np.bool_)
        for id in record_ids:
            row = self._row(id)
            if row is not None:
                left[row] = False
        rows = np.flatnonzero(left)
        told = []
        for row in rows[np.argsort(self._places[rows, 2])]:
            with self.path.open("rb") as file:
                file.seek(int(self._places[row, 0]))
                name = _record_of(file.read(int(self._places[row, 1])))
            told.append(f"{self.path}:{self._places[row, 2]}: {name}")
        return told

    def _row(self, record_id: str) -> int | None:
        high, low = _key(record_id.encode())
        first = int(np.searchsorted(self._keys[:, 0], np.uint64(high)))
        for row in range(first, len(self._keys)):
            if int(self._keys[row, 0]) != high:
                break
            if int(self._keys[row, 1]) == low:
                return row
        return None

    def _read(self, file: BinaryIO) -> None:
        keys, places, digests = array("Q"), array("Q"), bytearray()
        faults: list[str] = []
        offset = number = wrong = 0
        while line := file.readline(_MOST_LINE_BYTES + 1):
            number += 1
            start, offset = offset, offset + len(line)
            where = f"{self.path}:{number}"
            if len(line) > _MOST_LINE_BYTES:
                raise InputError(
                    f"{where}: the line has more than {_MOST_LINE_BYTES >> 20} MiB; a corrections "
                    "file has one JSON object a line, a line for each record"
                )
            whole, text = line.endswith(b"\n"), line.rstrip(b"\r\n")
            if number == 1 and text.startswith(b"\xef\xbb\xbf"):
                start, text = start + 3, text[3:]
            if not text.strip():
                continue
            try:
                correction = Correction.model_validate_json(text)
            except ValidationError as error:
                if not whole and not _is_json(text):
                    self.torn = (
                        f"{where}: the last line breaks off after {len(text)} bytes and is not "
                        "used; its writer was stopped, or it is still being written"
                    )
                    continue
                wrong += 1
                if len(faults) < _MOST_TOLD:
                    faults.append(f"{where}: {_fault(text, error)}")
                continue
            keys.extend(_key(correction.record.encode()))
            places.extend((start, len(text), number))
            digests += _digest(text)
        if wrong:
            more = f"\n… and {wrong - len(faults):,} more" if wrong > len(faults) else ""
            raise InputError(
                "\n".join(faults) + f"{more}\nNothing was done; mend the file and run again"
            )
        self._index(keys, places, digests)

    def _index(self, keys: array[int], places: array[int], digests: bytearray) -> None:
        """Sorts by key; of several lines about a record the last one stays."""
        by_key = np.array(keys, dtype=np.uint64).reshape(-1, 2)
        order = np.lexsort((np.arange(len(by_key)), by_key[:, 1], by_key[:, 0]))
        in_order = by_key[order]
        last = np.ones(len(order), dtype=np.bool_)
        last[:-1] = (in_order[1:] != in_order[:-1]).any(axis=1)
        kept = order[last]
        self._keys = by_key[kept]
        self._places = np.array(places, dtype=np.uint64).reshape(-1, 3)[kept]
        self._digests = np.frombuffer(bytes(digests), np.uint8).reshape(-1, _HASH_BYTES)[kept]
        self.replaced = len(order) - len(kept)


@functools.lru_cache(maxsize=4)
def _opened(path: Path, _mtime_ns: int, _size: int, _inode: int) -> CorrectionFile:
    """The file in this state; a command looks several times at the same one."""
    made = CorrectionFile(path)
    try:
        with path.open("rb") as file:
            made._read(file)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    return made


def _key(record_id: bytes) -> tuple[int, int]:
    digest = hashlib.blake2b(record_id, digest_size=_HASH_BYTES).digest()
    return int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big")


def _digest(line: bytes) -> bytes:
    return hashlib.blake2b(line, digest_size=_HASH_BYTES).digest()


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _record_of(text: bytes) -> str:
    try:
        name = orjson.loads(text)["record"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return name if isinstance(name, str) else ""


def _fault(text: bytes, error: ValidationError) -> str:
    """What is wrong with a line: its record, the place in it, and the words."""
    first = error.errors(include_url=False)[0]
    name = _record_of(text)
    head = f"{name}: " if name else ""
    inside = ".".join(str(part) for part in first["loc"])
    if first["type"] == "json_invalid":
        return f"{head}the line is no JSON: {first['ctx']['error']}"
    if first["type"] == "extra_forbidden":
        known = _KEYS.get(str(first["loc"][0]) if len(first["loc"]) > 1 else "", ())
        return f"{head}unknown key {inside!r}.{did_you_mean(str(first['loc'][-1]), known)}"
    if first["type"] == "missing":
        return f"{head}{inside!r} is needed and not there"
    words = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{head}{_named(text, first['loc'])}{words}"
    place = f"{inside}: " if inside else ""
    return f"{head}{place}{words} (got {_shown(first['input'])})"


def _named(text: bytes, place: tuple[int | str, ...]) -> str:
    """What a part of a line is about: ``segment 7: ``."""
    if not place:
        return ""
    part = orjson.loads(text)
    for step in place:
        try:
            part = part[step]
        except (KeyError, IndexError, TypeError):
            break
    if place[0] == "segments" and isinstance(part, dict) and "segment" in part:
        return f"segment {part['segment']}: "
    return f"{'.'.join(map(str, place))}: "


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


_KEYS = {
    part: tuple(model.model_fields)
    for part, model in (
        ("", Correction),
        ("segments", RegionReview),
        ("added", AddedRegion),
        ("paragraph", ParagraphReview),
    )
}
"""The keys of each part of a line."""
