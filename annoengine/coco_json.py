"""Streams COCO's annotation files: one image or annotation at a time, never the whole file.

A COCO file is one JSON object with the arrays ``images``, ``annotations``, ``categories`` and
``licenses``, in any order; panoptic ones list their categories last. :func:`survey` goes over it
once for the small arrays, :func:`items` gives one array's entries in file order, and
:class:`ImageIndex` keeps what is needed of the images in about 190 bytes each (a dict of dicts
takes 900). The price is that a file is read twice.
"""

from __future__ import annotations

import hashlib
import json
from array import array
from codecs import BOM_UTF8
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypedDict, TypeGuard

import ijson
import numpy as np
from numpy.typing import NDArray

from annoengine.errors import InputError
from annoengine.record import Licence

_OPENS = frozenset({"start_map", "start_array"})
_CLOSES = frozenset({"end_map", "end_array"})
_CHUNK_BYTES = 1 << 16
_TOP = 1 << 63
_SHOWN_CHARS = 100
_NOT_JSON = (ijson.JSONError, ValueError, OverflowError, RecursionError)
"""What ijson's parsers raise for malformed text: the pure Python one lets others through."""


def survey(path: Path, wanted: Mapping[str, Callable[[Any], None]]) -> dict[str, int]:
    """Hands each entry of the wanted arrays to its function, in one pass.

    Gives the number of entries of every top-level array, wanted or not. Raises InputError for a
    file that is not there, is no JSON object, names an array twice, is cut off, or has something
    other than an array under a wanted name.
    """
    counts: dict[str, int] = {}
    try:
        with _open(path) as file:
            _survey(path, ijson.basic_parse(file, use_float=True), wanted, counts)
    except _NOT_JSON as error:
        raise _malformed(path, error) from None
    return counts


def _survey(
    path: Path,
    events: Iterator[tuple[str, Any]],
    wanted: Mapping[str, Callable[[Any], None]],
    counts: dict[str, int],
) -> None:
    depth = 0
    name = ""
    in_array = False
    builder: Any = None
    for event, value in events:
        if depth > 2 and builder is None:
            # Inside an entry that nobody wants, which is most of a file: only its end matters.
            if event in _OPENS:
                depth += 1
            elif event in _CLOSES:
                depth -= 1
            continue
        if event in _CLOSES:
            depth -= 1
            if depth == 1:
                in_array = False
        if depth == 0 and event not in _CLOSES and event != "start_map":
            what = "an array" if event == "start_array" else "a single value"
            raise InputError(
                f"{path} holds {what}; a COCO annotation file is a JSON object with 'images', "
                "'annotations' and 'categories'"
            )
        if depth == 1 and event == "map_key":
            name = value
            if name in counts:
                raise InputError(f"{path} has {name!r} twice; keep one of them")
        elif depth == 1 and event not in _CLOSES:
            if event == "start_array":
                in_array = True
                counts[name] = 0
            elif name in wanted:
                raise InputError(f"{name!r} in {path} is no array")
        elif depth == 2 and in_array and event not in _CLOSES:
            counts[name] += 1
            if name in wanted:
                builder = ijson.ObjectBuilder()
        if builder is not None:
            builder.event(event, value)
            if depth == 2 and event not in _OPENS:
                wanted[name](builder.value)
                builder = None
        if event in _OPENS:
            depth += 1


def items(path: Path, name: str) -> Iterator[Any]:
    """The entries of one top-level array, in file order. Raises InputError like :func:`survey`."""
    try:
        with _open(path) as file:
            yield from ijson.items(file, f"{name}.item", use_float=True)
    except _NOT_JSON as error:
        raise _malformed(path, error) from None


def _open(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if file.read(len(BOM_UTF8)) != BOM_UTF8:
        file.seek(0)
    return file


def _malformed(path: Path, error: Exception) -> InputError:
    """The error with the byte and line where the parser stopped.

    The parser does not tell them, so the file is parsed again up to there.
    """
    byte, line = _stop_of(path)
    # yajl quotes the place over several lines, and where that is no UTF-8 as the repr of bytes.
    words = str(error).removeprefix("b'").replace("\\n", "\n").split("\n")[0].strip()
    if "premature EOF" in words or "Incomplete" in words:
        words = "the file ends in the middle; get it again whole"
    return InputError(f"{path}, line {line}, byte {byte}: not valid JSON: {words}")


def _stop_of(path: Path) -> tuple[int, int]:
    """Byte offset (from 0) and line (from 1) of the last byte that the parser took."""
    events = ijson.sendable_list()
    parsers = [ijson.basic_parse_coro(events, use_float=True) for _ in range(2)]
    try:
        return _stop(path, events, *parsers)
    finally:
        for parser in parsers:
            # One that is closed in the middle of a value complains of it.
            with suppress(Exception):
                parser.close()


def _stop(path: Path, events: Any, whole: Any, again: Any) -> tuple[int, int]:
    good_lines = 1
    with _open(path) as file:
        start = good_bytes = file.tell()
        while chunk := file.read(_CHUNK_BYTES):
            try:
                whole.send(chunk)
            except Exception:
                break
            good_bytes += len(chunk)
            good_lines += chunk.count(b"\n")
            del events[:]
        else:
            return good_bytes, good_lines
        # The chunk that broke, byte by byte, after all that was good.
        file.seek(start)
        left = good_bytes - start
        while left and (part := file.read(min(left, _CHUNK_BYTES))):
            again.send(part)
            left -= len(part)
            del events[:]
        for offset in range(len(chunk)):
            try:
                again.send(chunk[offset : offset + 1])
            except Exception:
                return good_bytes + offset, good_lines + chunk[:offset].count(b"\n")
    return good_bytes, good_lines


def licences_of(entries: list[Any], path: Path) -> dict[int, Licence]:
    """The ``licenses`` array by id. Raises InputError for an entry without a whole-number id."""
    licences: dict[int, Licence] = {}
    for position, entry in enumerate(entries):
        id = entry.get("id") if isinstance(entry, dict) else None
        if not is_whole(id):
            raise InputError(f"{path}: licenses[{position}] has no whole-number 'id'")
        licences[id] = Licence(
            id=id, name=text_of(entry.get("name")) or "", url=text_of(entry.get("url")) or ""
        )
    return licences


def is_whole(value: Any) -> TypeGuard[int]:
    """Is it a whole number of at most 64 bits? True and False are none.

    >>> is_whole(7), is_whole(True), is_whole(7.0), is_whole(1 << 63)
    (True, False, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and -_TOP <= value < _TOP


def text_of(value: Any) -> str | None:
    """A text that can be written as UTF-8, or None for what is no text."""
    if not isinstance(value, str):
        return None
    # One of the JSON parsers lets halves of surrogate pairs through.
    return value.encode("utf-8", "replace").decode()


def shown(value: Any) -> str:
    """A value as an error message shows it: short, whatever the file holds.

    >>> shown("a.png"), shown(None), shown([1, 2])
    ("'a.png'", 'None', 'a list')
    """
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


class ImageRow(TypedDict):
    """What is kept of an entry of ``images``; None where the file does not say it."""

    id: str
    file_name: str | None
    width: int | None
    height: int | None
    licence: int | None
    coco_url: str | None
    flickr_url: str | None
    date_captured: str | None


class ImageIndex:
    """The ``images`` of a COCO file by id, packed into one block of bytes.

    Fill it with :meth:`add`, then :meth:`seal` it; only then can images be found. Ids are
    compared as text, as they are in a record's id.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = bytearray()
        self._offsets = array("Q")
        self._id_hashes = array("Q")
        self._name_hashes = array("Q")
        self._sorted: NDArray[np.uint64] | None = None
        self._order: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self._offsets)

    def add(self, entry: Any) -> None:
        """Adds an entry of ``images``. Raises InputError for one without an id."""
        position = len(self._offsets)
        if not isinstance(entry, dict):
            raise InputError(f"{self._path}: images[{position}] is no object")
        id = entry.get("id")
        if not (is_whole(id) or (isinstance(id, str) and id)):
            raise InputError(
                f"{self._path}: images[{position}] has the id {shown(id)}; "
                "a whole number or a text is needed"
            )
        name = text_of(entry.get("file_name"))
        id = text_of(str(id)) or ""
        row: list[str | int | None] = [id, name]
        row += [_size(entry.get("width")), _size(entry.get("height"))]
        row += [entry.get("license") if is_whole(entry.get("license")) else None]
        row += [text_of(entry.get(key)) for key in ("coco_url", "flickr_url", "date_captured")]
        self._offsets.append(len(self._rows))
        self._rows += json.dumps(row, separators=(",", ":")).encode() + b"\n"
        self._id_hashes.append(_hash(id))
        self._name_hashes.append(_hash(name or f"\0{id}"))

    def seal(self) -> None:
        """Makes the images findable. Raises InputError for an id or a file name used twice."""
        hashes = np.asarray(self._id_hashes, dtype=np.uint64)
        self._check_unique(hashes, "id")
        self._check_unique(np.asarray(self._name_hashes, dtype=np.uint64), "file_name")
        self._order = np.argsort(hashes, kind="stable")
        self._sorted = hashes[self._order]
        del self._id_hashes, self._name_hashes

    def _check_unique(self, hashes: NDArray[np.uint64], key: Literal["id", "file_name"]) -> None:
        _, inverse, counts = np.unique(hashes, return_inverse=True, return_counts=True)
        seen: dict[str, int] = {}
        # Only where hashes agree are the values looked at.
        for position in np.flatnonzero(counts[inverse] > 1).tolist():
            value = self.row(position)[key]
            if value is None:
                continue
            if value in seen:
                raise InputError(
                    f"{self._path}: images[{seen[value]}] and images[{position}] have the same "
                    f"{key} {value!r}; remove one of them"
                )
            seen[value] = position

    def row(self, position: int) -> ImageRow:
        """The image at a position in the file, from 0."""
        start = self._offsets[position]
        id, name, width, height, licence, coco_url, flickr_url, date = json.loads(
            self._rows[start : self._rows.index(b"\n", start)]
        )
        return {
            "id": id,
            "file_name": name,
            "width": width,
            "height": height,
            "licence": licence,
            "coco_url": coco_url,
            "flickr_url": flickr_url,
            "date_captured": date,
        }

    def find(self, id: str) -> tuple[int, ImageRow] | None:
        """Position and image of an id, or None where there is none."""
        if self._sorted is None or self._order is None:
            raise RuntimeError("seal() comes before find()")
        wanted = _hash(id)
        at = int(np.searchsorted(self._sorted, np.uint64(wanted)))
        while at < len(self._sorted) and int(self._sorted[at]) == wanted:
            position = int(self._order[at])
            row = self.row(position)
            if row["id"] == id:
                return position, row
            at += 1
        return None


def _size(value: Any) -> int | None:
    return value if is_whole(value) and 0 < value < 1 << 31 else None


def _hash(text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
