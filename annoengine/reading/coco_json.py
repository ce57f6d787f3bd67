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
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict, TypeGuard

import ijson
import numpy as np
from numpy.typing import NDArray

from annoengine.errors import InputError
from annoengine.reading.json_file import NOT_JSON, malformed, open_json
from annoengine.record import Licence

_OPENS = frozenset({"start_map", "start_array"})
_CLOSES = frozenset({"end_map", "end_array"})
DEEPEST = 100
"""The deepest nesting that is read; the segments of a COCO file lie at 5."""
_TOP = 1 << 63
_SHOWN_CHARS = 100


Wanted = Mapping[str, Callable[[Any], None] | None]
"""Arrays by name, each with what takes its entries; None passes over them."""


def survey(path: Path, wanted: Wanted) -> dict[str, int]:
    """Hands each entry of the wanted arrays to its function, in one pass.

    Gives the number of entries of every top-level array, wanted or not. Raises InputError for a
    file that is not there, is no JSON object, names an array twice, is cut off, or has something
    other than an array under a wanted name.
    """
    counts: dict[str, int] = {}
    try:
        with open_json(path) as file:
            _survey(path, ijson.basic_parse(file, use_float=True), wanted, counts)
    except NOT_JSON as error:
        raise malformed(path, error) from None
    return counts


def _survey(
    path: Path,
    events: Iterator[tuple[str, Any]],
    wanted: Wanted,
    counts: dict[str, int],
) -> None:
    depth = 0
    name = ""
    in_array = False
    builder: Any = None
    take: Callable[[Any], None] | None = None
    for event, value in events:
        if depth > 2 and builder is None:
            # Inside an entry that nobody wants, which is most of a file: only its end matters.
            if event in _OPENS:
                depth += 1
                if depth > DEEPEST:
                    raise _too_deep(path)
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
            take = wanted.get(name)
            if take is not None:
                builder = ijson.ObjectBuilder(map_type=Fields)
        if builder is not None and take is not None:
            builder.event(event, value)
            if depth == 2 and event not in _OPENS:
                twice = key_twice(builder.value)
                if twice is not None:
                    raise InputError(
                        f"{path}: {name}[{counts[name] - 1}] has the key {twice!r} twice; "
                        "keep one of them"
                    )
                take(builder.value)
                builder = None
        if event in _OPENS:
            depth += 1
            if depth > DEEPEST:
                raise _too_deep(path)


def _too_deep(path: Path) -> InputError:
    return InputError(
        f"{path} nests lists or objects more than {DEEPEST} levels deep; a COCO file has 5"
    )


def survey_array(path: Path) -> int:
    """The number of entries of a file that is one JSON array; -1 for any other JSON value.

    Raises InputError like :func:`survey`.
    """
    depth = entries = 0
    try:
        with open_json(path) as file:
            for event, _ in ijson.basic_parse(file, use_float=True):
                if not depth and event not in _CLOSES and event != "start_array":
                    return -1
                if event in _CLOSES:
                    depth -= 1
                elif depth == 1:
                    entries += 1
                if event in _OPENS:
                    depth += 1
                    if depth > DEEPEST:
                        raise _too_deep(path)
    except NOT_JSON as error:
        raise malformed(path, error) from None
    return entries


def items(path: Path, name: str) -> Iterator[Any]:
    """The entries of one top-level array, in file order. Raises InputError like :func:`survey`.

    With ``name`` empty, the entries of a file that is itself an array. An object in which a key
    comes twice says so to :func:`key_twice`. A survey comes first: it refuses the nesting that
    would cost the parser memory by the square of its depth.
    """
    prefix = f"{name}.item" if name else "item"
    try:
        with open_json(path) as file:
            yield from ijson.items(file, prefix, use_float=True, map_type=Fields)
    except NOT_JSON as error:
        raise malformed(path, error) from None


class Fields(dict[str, Any]):
    """An object of the file; ``twice`` is a key that it has more than once.

    JSON leaves open which value counts then, so that either would be a guess.
    """

    __slots__ = ("twice",)

    def __setitem__(self, key: str, value: Any) -> None:
        if key in self:
            self.twice = key
        dict.__setitem__(self, key, value)


def key_twice(value: Any) -> str | None:
    """A key that an object of the file has twice, or None.

    >>> fields = Fields()
    >>> for id in (7, 300): fields["id"] = id
    >>> key_twice(fields)
    'id'
    """
    return getattr(value, "twice", None)


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
    return type(value) is int and -_TOP <= value < _TOP


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


def check_arrays(counts: Mapping[str, int], path: Path, kind: str) -> None:
    """Raises InputError for a file without images, annotations or categories.

    ``counts`` are the entries of its arrays; ``kind`` is what the file should be: "panoptic".
    """
    for name in ("images", "annotations", "categories"):
        if name not in counts:
            raise InputError(f"{path} has no {name!r}; is it a COCO {kind} file?")
        if not counts[name]:
            raise InputError(f"{path} has no {name}: the array {name!r} is empty")


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


def image_row(entry: Mapping[str, Any], id: int | str) -> ImageRow:
    """What is kept of an entry of ``images`` with this id."""
    licence = entry.get("license")
    return {
        "id": text_of(str(id)) or "",
        "file_name": text_of(entry.get("file_name")),
        "width": _size(entry.get("width")),
        "height": _size(entry.get("height")),
        "licence": licence if is_whole(licence) else None,
        "coco_url": text_of(entry.get("coco_url")),
        "flickr_url": text_of(entry.get("flickr_url")),
        "date_captured": text_of(entry.get("date_captured")),
    }


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
        row = image_row(entry, id)
        id, name = row["id"], row["file_name"]
        self._offsets.append(len(self._rows))
        self._rows += json.dumps(list(row.values()), separators=(",", ":")).encode() + b"\n"
        self._id_hashes.append(text_hash(id))
        self._name_hashes.append(text_hash(name or f"\0{id}"))

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
        wanted = text_hash(id)
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


def text_hash(text: str) -> int:
    """64 bits that stand for a text, the same on every machine."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
