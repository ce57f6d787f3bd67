"""Opens what a source lists, and spoils what it reads: what the tests of all sources do alike."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.fingerprint import canonical_json
from annoengine.record import Record
from annoengine.source import Opened, Source


def open_all(source: Source) -> list[Opened]:
    """What becomes of each entry, which is JSON and nothing else, as it travels."""
    return [source.open(json.loads(canonical_json(dict(entry)))) for entry in source.entries()]


def open_first(source: Source) -> Opened:
    """What becomes of the first entry."""
    return source.open(next(iter(source.entries())))


def open_by_name(source: Source) -> dict[str, Opened]:
    """What becomes of each entry, by the name of its photograph."""
    return {entry["image"]["file_name"]: source.open(entry) for entry in source.entries()}


def record_of(opened: Opened) -> Record:
    """The record; where there is none, the test fails with the reason."""
    assert opened.record is not None, f"{opened.reason}: {opened.detail}"
    return opened.record


def image_numbers(source: Source) -> list[int]:
    """The image ids of the entries."""
    return [int(str(entry["record_id"]).rsplit("/", 1)[1]) for entry in source.entries()]


def scores_by(by: str, record: Record) -> list[tuple[str, int | None, float]]:
    """Name, segment and value of the scores, all of which are given by one."""
    assert {score.by for score in record.scores} <= {by}
    return [(score.name, score.segment, score.value) for score in record.scores]


def check_told(opened: Opened) -> None:
    """There is a record that can be written, or a reason that can."""
    assert (opened.record is None) == bool(opened.reason)
    json.dumps(opened.detail).encode()
    if opened.record is not None:
        assert Record.from_line(opened.record.to_line()) == opened.record


@contextlib.contextmanager
def naming(*paths: Path) -> Iterator[None]:
    """Lets an InputError pass if it names one of the files or an input, and nothing else."""
    try:
        yield
    except InputError as error:
        if not any(str(path) in str(error) for path in paths) and "--input" not in str(error):
            raise AssertionError(f"{error} names no file") from error


# ---------------------------------------------------------------- spoiling

Way = tuple[Any, ...]
"""Keys and positions that lead to a value."""

VALUES: tuple[st.SearchStrategy[Any], ...] = (
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["../x", "0001.png", "0002.jpg", ".", "a\0b", "\ud800", "x" * 5000]),
    st.sampled_from([10**4000, 1e308]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(-3, 9) | st.floats(), max_size=9),
    st.dictionaries(st.sampled_from(["id", "image_id", "segments_info"]), st.integers(0, 9)),
)
"""What nobody should have written into a file."""


def places(value: Any, way: Way = ()) -> list[Way]:
    """The way to every value inside."""
    keys: list[Any] = []
    if isinstance(value, dict):
        keys = list(value)
    elif isinstance(value, list):
        keys = list(range(len(value)))
    return [p for key in keys for p in [(*way, key), *places(value[key], (*way, key))]]


def inside(value: Any, way: Sequence[Any]) -> Any:
    """The value at the end of the way."""
    for key in way:
        value = value[key]
    return value


def spoil(value: Any, data: st.DataObject, values: st.SearchStrategy[Any]) -> Way:
    """Takes something out of a JSON value, or puts a drawn one in its place; gives the way."""
    ways = places(value)
    if not ways:
        return ()
    way: Way = data.draw(st.sampled_from(ways))
    holder = inside(value, way[:-1])
    if data.draw(st.booleans()):
        del holder[way[-1]]
    else:
        holder[way[-1]] = data.draw(values)
    return way


def with_byte(whole: bytes, at: int, byte: int, cut: bool = False) -> bytes:
    """The bytes with another one at a place, counted round, or cut off there."""
    data = bytearray(whole)
    at %= len(data)
    if cut:
        del data[at:]
    else:
        data[at] = byte
    return bytes(data)
