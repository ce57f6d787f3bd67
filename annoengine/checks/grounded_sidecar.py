"""Checks the JSONL beside an export of grounded captions: it says the same as the tar.

Each line has a caption's text without tags, its spans with their ids, and the text with tags; of
the tar only a hash of each caption is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from annoengine.checks.sidecar_checks import SIDECAR_IMAGE, SIDECAR_MALFORMED
from annoengine.checks.span_checks import SPAN_DIFFERS, span_faults
from annoengine.grounded.tags import parse_tags
from annoengine.reading.coco_json import shown, text_hash, text_of
from annoengine.record import Span
from annoengine.validator import Code, Finding, Place

SIDECAR_DIFFERS = Code(
    "sidecar-differs", "error", "sidecar lines that are not what the captions' file says"
)
SIDECAR_CAPTION = Code(
    "caption-without-sidecar-line", "warning", "captions of which no sidecar line tells the spans"
)

CODES = (SIDECAR_MALFORMED, SIDECAR_IMAGE, SIDECAR_DIFFERS, SIDECAR_CAPTION)


class GroundedSidecar:
    """``captions_<name>.jsonl`` and ``left_out_<name>.jsonl`` beside ``caption_<name>.tar``."""

    def __init__(self, captions: Path) -> None:
        name = captions.name.removesuffix(".tar").removeprefix("caption_")
        self.path = captions.with_name(f"captions_{name}.jsonl")
        self._left_out = captions.with_name(f"left_out_{name}.jsonl")
        self._captions = captions.name
        self._hashes: dict[str, int] = {}
        self.lines = 0

    def __bool__(self) -> bool:
        return self._captions.endswith(".tar") and self.path.is_file()

    def add(self, key: str, data: bytes | None) -> None:
        """A caption of the tar, by the name of its sample."""
        if self:
            self._hashes[key] = text_hash((data or b"").decode("utf-8", "replace"))

    def left_out(self) -> set[str]:
        """The ids, as text, of the images that the export says have no caption."""
        if not self or not self._left_out.is_file():
            return set()
        found = set()
        with self._left_out.open("rb") as file:
            for line in file:
                row = _object_of(line)
                if row is not None:
                    found.add(str(row.get("image_id")))
        return found

    def findings(self) -> Iterator[Finding]:
        """What is wrong, line by line; then the captions without a line."""
        if not self:
            return
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                self.lines += 1
                yield from self._check_line(number, line)
        for key in self._hashes:
            message = f"{self.path.name} has no line for it"
            yield SIDECAR_CAPTION.at(Place(self._captions, None, f"{key}.txt"), message)

    def _check_line(self, number: int, line: bytes) -> Iterator[Finding]:
        name = self.path.name
        row = _object_of(line)
        text, tagged = (row or {}).get("text"), (row or {}).get("tagged")
        key = (row or {}).get("key")
        if row is None or not all(isinstance(one, str) for one in (text, tagged, key)):
            message = f"line {number} is no object with a 'key', a 'text' and what is 'tagged'"
            yield SIDECAR_MALFORMED.at(Place(name), message)
            return
        id = row.get("image_id")
        place = Place(name, id if isinstance(id, int | str) else None, text_of(str(key)))
        told = self._hashes.pop(str(key), None)
        if told is None:
            message = f"line {number}: {self._captions} has no {shown(key)}, or an earlier line has"
            yield SIDECAR_IMAGE.at(place, message)
        elif told != text_hash(str(tagged)):
            message = f"line {number}: what is 'tagged' is not the text in {self._captions}"
            yield SIDECAR_DIFFERS.at(place, message)
        spans: list[Span] = []
        faulty = False
        for at, span in enumerate(row.get("spans") or ()):
            faults = span_faults(span, str(text), "ids")
            faulty |= bool(faults)
            for message in faults:
                yield SPAN_DIFFERS.at(place, f"line {number}, spans[{at}]: {message}")
            if not faults:
                ids = tuple(span["ids"])
                spans.append(Span(start=span["start"], end=span["end"], segments=ids))
        read = parse_tags(str(tagged))
        if not faulty and (read.text, read.spans) != (text, tuple(spans)):
            message = f"line {number}: 'text' and 'spans' are not what 'tagged' says"
            yield SIDECAR_DIFFERS.at(place, message)


def _object_of(line: bytes) -> dict[str, Any] | None:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return row if isinstance(row, dict) else None
