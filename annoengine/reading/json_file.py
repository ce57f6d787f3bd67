"""Opens JSON files that may be anything, and says where one is malformed, by byte and line."""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from annoengine.errors import InputError

NOT_JSON = (ijson.JSONError, ValueError, OverflowError, RecursionError)
"""What ijson's parsers raise for malformed text: the pure Python one lets others through."""

_CHUNK_BYTES = 1 << 16
_OTHER_FILES = {
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
    b"\x1f\x8b": "is a gzip archive; unpack it",
    b"PK\x03\x04": "is a ZIP archive; unpack it",
    b"PAR1": "is a parquet file, no JSON",
    b"version https://git-lfs": "is a Git LFS pointer; get the file with git lfs pull",
    b"<": "is an HTML or XML page, no JSON; was the download refused?",
}
_HEAD_BYTES = 32


def open_json(path: Path) -> BinaryIO:
    """A JSON file at its first character. Raises InputError for what is plainly none."""
    try:
        file = path.open("rb")
        head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    for start, words in _OTHER_FILES.items():
        if head.lstrip().startswith(start):
            file.close()
            raise InputError(f"{path} {words}")
    if b"\0" in head[:4]:
        file.close()
        raise InputError(f"{path} is UTF-16 or binary, no JSON; save it as UTF-8")
    file.seek(len(BOM_UTF8) if head.startswith(BOM_UTF8) else 0)
    return file


def malformed(path: Path, error: Exception) -> InputError:
    """The error with the byte and line where the parser stopped.

    The parser does not tell them, so the file is parsed again up to there.
    """
    byte, line = _stop_of(path)
    # yajl quotes the place over several lines, and where that is no UTF-8 as the repr of bytes.
    words = str(error).removeprefix("b'").replace("\\n", "\n").split("\n")[0].strip()
    if "premature EOF" in words or "Incomplete" in words:
        words = "the file ends in the middle; get it again whole"
    elif _NO_NUMBER.search(_around(path, byte)):
        words = "NaN and Infinity are no numbers in JSON; write null"
    return InputError(f"{path}, line {line}, byte {byte}: not valid JSON: {words}")


_NO_NUMBER = re.compile(rb"\b(NaN|Infinity)\b")


def _around(path: Path, byte: int) -> bytes:
    """The few bytes where a parser stopped: it does so at any letter of a word."""
    with path.open("rb") as file:
        file.seek(max(0, byte - 9))
        return file.read(9 + 9)


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
    with open_json(path) as file:
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
