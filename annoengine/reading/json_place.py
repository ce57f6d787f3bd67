"""Finds where a value stands in the text of a JSON object, so that it alone can be written anew."""

from __future__ import annotations

import json
import re

_DECODER = json.JSONDecoder()
_SPACES = re.compile(r"[ \t\r\n]*")


def place_of(raw: bytes, *path: str | int) -> tuple[int, int]:
    """First byte and end of the value at a path of names and positions.

    ``raw`` must be valid JSON in UTF-8. Raises LookupError where the path leads nowhere.

    >>> place_of(b'{"a": [1, {"b": "x"}]}', "a", 1, "b")
    (16, 19)
    """
    text = raw.decode("utf-8")
    at = _skip(text, 0)
    for step in path:
        at = _member(text, at, step) if isinstance(step, str) else _entry(text, at, step)
    end = _DECODER.raw_decode(text, at)[1]
    before = len(text[:at].encode())
    return before, before + len(text[at:end].encode())


def _skip(text: str, at: int) -> int:
    found = _SPACES.match(text, at)
    assert found is not None
    return found.end()


def _behind(text: str, at: int) -> int:
    """Where the next value or name begins, or the bracket that closes."""
    at = _skip(text, _DECODER.raw_decode(text, at)[1])
    return _skip(text, at + 1) if text[at] == "," else at


def _member(text: str, at: int, name: str) -> int:
    if text[at] != "{":
        raise LookupError(name)
    at = _skip(text, at + 1)
    while text[at] != "}":
        found, end = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, end) + 1)
        if found == name:
            return at
        at = _behind(text, at)
    raise LookupError(name)


def _entry(text: str, at: int, position: int) -> int:
    if text[at] != "[":
        raise LookupError(position)
    at = _skip(text, at + 1)
    for _ in range(position):
        if text[at] == "]":
            break
        at = _behind(text, at)
    if text[at] == "]":
        raise LookupError(position)
    return at
