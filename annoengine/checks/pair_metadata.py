"""Compares ``metadata.jsonl`` with the shards it tells of: the same pairs, a line each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from annoengine.checks.coco_tables import UNSAFE_PATH
from annoengine.checks.pair_samples import Sample, caption_findings
from annoengine.reading.coco_json import shown, text_hash, text_of
from annoengine.reading.input_file import is_safe_path
from annoengine.validator import Code, Finding, Place, Rules

METADATA_MALFORMED = Code("metadata-malformed", "error", "lines of the metadata that are no pair")
METADATA_DIFFERS = Code(
    "metadata-differs", "error", "pairs of which metadata and shards do not say the same"
)
SAMPLE_UNTOLD = Code("sample-without-metadata", "error", "samples of which no line tells")
SHARD_MISSING = Code("shard-missing", "error", "shards that the metadata names and nobody has")

CODES = (METADATA_MALFORMED, METADATA_DIFFERS, SAMPLE_UNTOLD, SHARD_MISSING)

_SHARD = re.compile(r"(?P<stem>.+)-(?P<number>\d{5,6})\.tar")


def metadata_of(shard: Path) -> Path | None:
    """The metadata of the split that a shard is of; None where there is none.

    ``coco_train-000000.tar`` has it in ``train/metadata.jsonl``.
    """
    matched = _SHARD.fullmatch(shard.name)
    if matched is None:
        return None
    parts = matched["stem"].split("_")
    for at in range(len(parts)):
        path = shard.parent / "_".join(parts[at:]) / "metadata.jsonl"
        if path.is_file():
            return path
    return None


class PairMetadata:
    """The lines about one shard; of each a hash is held until its sample comes."""

    def __init__(self, path: Path, shard: Path, rules: Rules) -> None:
        self.path = path
        self._shard = shard
        self._rules = rules
        self._hashes: dict[str, int] = {}
        self._is_first = bool(re.search(r"-0+\.tar$", shard.name))
        self.lines = 0

    def read(self) -> Iterator[Finding]:
        """Reads the lines about the shard; the first shard answers for all that is wrong."""
        name = f"{self.path.parent.name}/{self.path.name}"
        lost: set[str] = set()
        with self.path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    row: Any = orjson.loads(line)
                except orjson.JSONDecodeError:
                    row = None
                texts = [row.get(k) for k in ("file_name", "text")] if isinstance(row, dict) else []
                if len(texts) != 2 or not all(isinstance(text, str) for text in texts):
                    if self._is_first:
                        message = f"line {number} is no object with a 'file_name' and a 'text'"
                        yield METADATA_MALFORMED.at(Place(name), message)
                    continue
                shard, key = row.get("shard"), row.get("key")
                if shard == self._shard.name and isinstance(key, str):
                    self.lines += 1
                    self._hashes[key] = text_hash(str(texts[1]))
                if self._is_first:
                    place = Place(name, key if isinstance(key, str) else None, text_of(texts[0]))
                    yield from self._line_findings(number, row, place, lost)

    def _line_findings(
        self, number: int, row: dict[str, Any], place: Place, lost: set[str]
    ) -> Iterator[Finding]:
        file_name, shard = row["file_name"], row.get("shard")
        if not is_safe_path(file_name):
            message = f"line {number}: the file_name {file_name!r} leads out of its folder"
            yield UNSAFE_PATH.at(place, message)
        named = isinstance(shard, str) and shard not in lost and is_safe_path(shard)
        if named and not (self._shard.parent / str(shard)).is_file():
            lost.add(str(shard))
            yield SHARD_MISSING.at(place, f"line {number} names {shown(shard)}")
        for code, message in caption_findings(row["text"], self._rules):
            yield code.at(place, f"line {number}: {message}")

    def check(self, sample: Sample) -> Iterator[Finding]:
        """Whether the metadata says the same of a sample."""
        place = Place(self._shard.name, sample.key)
        told = self._hashes.pop(sample.key, None)
        if told is None:
            message = f"{self.path.parent.name}/{self.path.name} has no line for it"
            yield SAMPLE_UNTOLD.at(place, message)
        elif told != text_hash((sample.text or b"").decode("utf-8", "replace")):
            yield METADATA_DIFFERS.at(place, "the metadata has another text")

    def left(self) -> Iterator[Finding]:
        """The lines whose sample did not come."""
        for key in self._hashes:
            place = Place(self._shard.name, key)
            yield METADATA_DIFFERS.at(place, "the metadata has it, the shard does not")
