"""Cuts a large JSON file into the entries of its arrays, each as the bytes that it is written in.

Only brackets and quotation marks are looked at, a chunk at a time, so that a file of half a
gigabyte takes seconds; an entry is parsed by who wants it (:func:`parsed`). A slice tells where
it lies, so that it can be read again alone (:class:`SliceReader`). The price: what nobody wants
is only stepped over, and a fault in there is not seen.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Set
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import orjson

from annoengine.errors import InputError
from annoengine.reading.json_brackets import BracketScan
from annoengine.reading.json_file import open_json

_CHUNK_BYTES = 1 << 22
_SPACES = b" \t\r\n"
_SHOWN_BYTES = 60


class Slice(NamedTuple):
    """An entry of an array: the array's name, its place in there, its first byte in the file."""

    array: str
    position: int
    start: int
    raw: bytes


def first_byte(path: Path) -> bytes:
    """The first byte that is no space, or nothing for an empty file. Raises InputError."""
    with open_json(path) as file:
        while chunk := file.read(_CHUNK_BYTES):
            if rest := chunk.lstrip(_SPACES):
                return rest[:1]
    return b""


def parsed(path: Path, raw: bytes, start: int) -> Any:
    """The value of a slice. NaN and infinities, which JSON has not, are let through.

    Raises InputError with the line and byte of the file where it is malformed.
    """
    try:
        return value_of(raw)
    except ValueError as error:
        at = getattr(error, "pos", getattr(error, "start", 0))
        words = getattr(error, "msg", None) or getattr(error, "reason", None) or str(error)
        raise malformed(path, start + at, str(words)) from None


def value_of(raw: bytes) -> Any:
    """The value of JSON bytes, NaN and infinities let through.

    Raises ValueError, also for an object with a key twice: either value would be a guess.

    >>> value_of(b'{"id": 3, "bbox": [1, NaN]}')
    {'id': 3, 'bbox': [1, nan]}
    """
    try:
        value = orjson.loads(raw)
    except ValueError:
        # The strict parser knows no NaN and no halves of surrogate pairs; COCO files have both.
        return _value_of(raw)
    if isinstance(value, dict) and len(_KEY_END.findall(raw)) == _keys_of(value):
        return value
    return _value_of(raw)


_KEY_END = re.compile(rb'"\s*:')


def _keys_of(value: dict[str, Any]) -> int:
    """Keys of an object and of the objects right in it."""
    return len(value) + sum(_keys_of(v) for v in value.values() if isinstance(v, dict))


def _value_of(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("lists or objects are nested too deeply") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for at, name in enumerate(names) if name in names[:at])
        raise ValueError(f"an object has the key {twice!r} twice; keep one of them")
    return value


def malformed(path: Path, byte: int, words: str) -> InputError:
    """The error for a place in a file: its line and byte, and what is wrong there."""
    line, left = 1, byte
    with open_json(path) as file:
        left -= file.tell()
        while left > 0 and (chunk := file.read(min(left, _CHUNK_BYTES))):
            line += chunk.count(b"\n")
            left -= len(chunk)
    return InputError(f"{path}, line {line}, byte {byte}: not valid JSON: {words}")


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb", buffering=0)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None


class SliceReader:
    """Reads slices of a file again, by their first byte and length. A context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _open(path)
        self._before = self._state()

    def _state(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def read(self, start: int, length: int) -> bytes:
        """The bytes. Raises InputError where the file was written to since it was opened."""
        self._file.seek(start)
        raw = self._file.read(length)
        if len(raw) != length or self._state() != self._before:
            raise InputError(f"{self._path} was changed while it was read; run again")
        return raw

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


class Slices:
    """The entries of the wanted arrays of a JSON object, or of a JSON list, in file order.

    ``wanted`` names arrays of the object in the file; None stands for a file that is one list,
    whose name is "". ``what`` says in an error what the file should be. After iterating,
    ``counts`` has the number of entries of each wanted array that is there.

    Iterating raises InputError, with line and byte, for a file that cannot be read, is cut off or
    malformed, names a member twice, or has something else than an array of objects or lists
    under a wanted name.
    """

    def __init__(self, path: Path, wanted: Set[str] | None, what: str) -> None:
        self._path = path
        self._wanted = wanted
        self._what = what
        # Brackets at this depth are the arrays; one more, their entries.
        self._array_depth = 1 if wanted is None else 2
        self._held = bytearray()
        """The file's bytes from ``_held_at`` on, as far as they are still needed."""
        self._held_at = 0
        self._names: set[str] = set()
        self._array: str | None = None
        self._open_at: dict[int, int] = {}
        """First byte of the open bracket at each depth."""
        self._gap_at = 0
        """Where the text since the last bracket that mattered begins."""
        self._done = False
        self.counts: dict[str, int] = {}

    def __iter__(self) -> Iterator[Slice]:
        with open_json(self._path) as file:
            self._held_at = self._gap_at = file.tell()
            yield from self._slices(file)

    def _slices(self, file: BinaryIO) -> Iterator[Slice]:
        scan = BracketScan(self._array_depth + 1)
        while chunk := file.read(_CHUNK_BYTES):
            chunk_at = self._held_at + len(self._held)
            self._held += chunk
            for at, depth, opens in scan.brackets(chunk, chunk_at):
                found = self._opened(at, depth) if opens else self._closed(at, depth)
                if found is not None:
                    yield found
            self._forget()
        self._end(scan)

    def _forget(self) -> None:
        """Drops the bytes that are done with, so that memory holds about a chunk."""
        entry = self._open_at.get(self._array_depth + 1)
        array_open = self._array_depth in self._open_at
        needed = self._held_at + len(self._held)
        if self._array is not None or not array_open:
            needed = self._gap_at if entry is None else entry
        del self._held[: needed - self._held_at]
        self._held_at = needed

    def _text(self, start: int, end: int) -> bytes:
        return bytes(self._held[start - self._held_at : end - self._held_at])

    def _opened(self, at: int, depth: int) -> Slice | None:
        bracket = self._text(at, at + 1)
        gap = self._text(self._gap_at, at) if self._listens(depth) else b""
        if self._done:
            raise malformed(self._path, at, "something follows the end of the JSON value")
        if depth == 1:
            self._begin(gap, bracket, at)
        elif depth == 2 and self._wanted is not None:
            self._member(gap, bracket, at)
        elif depth == self._array_depth + 1 and self._array is not None:
            self._between(gap, at, last=False)
        self._open_at[depth] = at
        self._gap_at = at + 1
        return None

    def _listens(self, depth: int) -> bool:
        """Does the text before a bracket at this depth matter?"""
        return depth <= self._array_depth or self._array is not None

    def _closed(self, at: int, depth: int) -> Slice | None:
        if depth < 1:
            raise malformed(self._path, at, "a bracket closes that was never opened")
        start = self._open_at.pop(depth)
        found = None
        if depth == self._array_depth + 1:
            if self._array is not None:
                position = self.counts[self._array]
                found = Slice(self._array, position, start, self._text(start, at + 1))
                self.counts[self._array] += 1
        elif depth == self._array_depth:
            if self._array is not None:
                self._between(self._text(self._gap_at, at), at, last=True)
                if self._text(at, at + 1) != b"]":
                    raise malformed(self._path, at, f"{self._name} is not closed with ']'")
            self._array = None
        if depth == 1:
            if self._wanted is not None:
                self._members(self._text(self._gap_at, at), self._gap_at, end=at)
                if self._text(at, at + 1) != b"}":
                    raise malformed(self._path, at, "the object is not closed with '}'")
            self._done = True
        self._gap_at = at + 1
        return found

    @property
    def _name(self) -> str:
        return repr(self._array) if self._array else "the list"

    def _begin(self, gap: bytes, bracket: bytes, at: int) -> None:
        """The bracket that holds everything."""
        if gap.strip(_SPACES):
            raise malformed(self._path, at - len(gap.lstrip(_SPACES)), self._unexpected(gap))
        wanted = b"[" if self._wanted is None else b"{"
        if bracket != wanted:
            kind = "an array" if bracket == b"[" else "an object"
            raise InputError(f"{self._path} holds {kind}; {self._what}")
        if self._wanted is None:
            self._array = ""
            self.counts[""] = 0

    def _member(self, gap: bytes, bracket: bytes, at: int) -> None:
        """A member of the object that is an array or an object."""
        name = self._members(gap, self._gap_at, end=None)
        assert self._wanted is not None
        if name in self._wanted:
            if bracket != b"[":
                raise InputError(f"{self._path}: {name!r} is no array")
            self._array = name
            self.counts[name] = 0

    def _members(self, gap: bytes, gap_at: int, end: int | None) -> str:
        """Reads ``"a": 1, "b":`` between two brackets; gives the name before the next one."""
        text = gap.lstrip(_SPACES)
        at = gap_at + len(gap) - len(text)
        if self._names:
            if text.startswith(b","):
                text = text[1:]
                at += 1
                if end is not None and not text.strip(_SPACES):
                    raise malformed(self._path, at, "a member is missing after the comma")
            elif text or end is None:
                raise malformed(self._path, at, f"a comma is missing{_found(text)}")
        closing = b"}" if end is not None else b"0}"
        try:
            if end is None and not text.rstrip(_SPACES).endswith(b":"):
                raise ValueError("no name")
            pairs = json.loads((b"{" + text + closing).decode("utf-8"), object_pairs_hook=list)
        except ValueError as error:
            where = at + max(0, min(getattr(error, "pos", 1) - 1, len(text)))
            raise malformed(self._path, where, f"a member's name is needed{_found(text)}") from None
        for position, (name, _) in enumerate(pairs):
            if name in self._names:
                raise InputError(f"{self._path} has {name!r} twice; keep one of them")
            self._names.add(name)
            is_scalar = end is not None or position < len(pairs) - 1
            if is_scalar and self._wanted is not None and name in self._wanted:
                raise InputError(f"{self._path}: {name!r} is no array")
        return str(pairs[-1][0]) if pairs else ""

    def _between(self, gap: bytes, at: int, *, last: bool) -> None:
        """The text between two entries: one comma; before the first and after the last none."""
        text = gap.strip(_SPACES)
        count = self.counts[self._array or ""]
        if text == (b"," if count and not last else b""):
            return
        if text.strip(b"," + _SPACES):
            place = f"{self._array}[{count}]"
            raise InputError(
                f"{self._path}: {place} is no object{_found(text.strip(b',' + _SPACES))}"
            )
        words = "an entry is missing beside a comma" if text else "a comma is missing"
        raise malformed(self._path, at, f"{words} in {self._name}")

    def _end(self, scan: BracketScan) -> None:
        if self._done:
            rest = self._text(self._gap_at, self._held_at + len(self._held))
            if rest.strip(_SPACES):
                at = self._gap_at + len(rest) - len(rest.lstrip(_SPACES))
                raise malformed(self._path, at, "something follows the end of the JSON value")
            return
        end = self._held_at + len(self._held)
        if not self._open_at and not scan.in_string:
            text = bytes(self._held).strip(_SPACES)
            if text:
                raise InputError(f"{self._path} is no JSON{_found(text)}; {self._what}")
        raise malformed(self._path, end, "the file ends in the middle; get it again whole")

    def _unexpected(self, gap: bytes) -> str:
        return f"a bracket is needed{_found(gap.strip(_SPACES))}; {self._what}"


def _found(text: bytes) -> str:
    shown = text[:_SHOWN_BYTES].decode("utf-8", "replace")
    return f": {shown.strip()!r} was found" if text else ""
