"""Checks the samples of a webdataset of photographs and captions, and the metadata beside it.

A sample is the files of one key, side by side: a photograph, ``txt``, and ``json`` that tells of
both. They are read in the tar's order, one sample at a time.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from annoengine.checks.caption_checks import (
    CAPTION_EMPTY,
    CAPTION_MALFORMED,
    faults_of_caption,
)
from annoengine.checks.conversation_checks import TAG_LEFT, has_tokens, tag_left
from annoengine.checks.photo_checks import PHOTO_UNREADABLE, header_of, times
from annoengine.errors import InputError, RecordFailed
from annoengine.grounded.tags import parse_tags
from annoengine.reading.coco_json import is_whole, shown, text_of
from annoengine.reading.input_file import whole_photo_size
from annoengine.validator import Code, Finding, Place, Rules

SAMPLE_INCOMPLETE = Code("sample-incomplete", "error", "samples without a photograph or a text")
SAMPLE_APART = Code(
    "sample-files-apart", "error", "samples whose files are not side by side, or come twice"
)
SAMPLE_JSON = Code("sample-json-malformed", "error", "samples whose json is no object")
SAMPLE_JSON_MISSING = Code("sample-json-missing", "note", "samples without a json")
TEXT_DIFFERS = Code("text-differs", "error", "samples whose json has another caption or key")
PHOTO_DIFFERS = Code(
    "photo-differs", "error", "photographs of another size or hash than their json says"
)

CODES = (
    SAMPLE_INCOMPLETE,
    SAMPLE_APART,
    SAMPLE_JSON,
    SAMPLE_JSON_MISSING,
    TEXT_DIFFERS,
    PHOTO_DIFFERS,
)

PHOTO_ENDINGS = frozenset("jpg jpeg png webp bmp gif tif tiff ppm".split())
_NAME = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
"""How readers of webdatasets part a name into key and field."""
_MOST_BYTES = 1 << 30


@dataclass
class Sample:
    """The files of one key; ``doubled`` are fields that came more than once."""

    key: str
    fields: dict[str, bytes] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)

    @property
    def text(self) -> bytes | None:
        """The caption's bytes."""
        return self.fields.get("txt")

    @property
    def photo(self) -> tuple[str, bytes] | None:
        """The photograph's ending and bytes."""
        found = (item for item in self.fields.items() if item[0].lower() in PHOTO_ENDINGS)
        return next(found, None)


def samples_of(path: Path) -> Iterator[Sample]:
    """The samples of a tar in its order. Raises InputError for one that cannot be read on."""
    sample: Sample | None = None
    try:
        with tarfile.open(path, "r:*") as tar:
            # The list of all members would grow with the tar; its type stubs do not know it.
            members: list[tarfile.TarInfo] = getattr(tar, "members", [])
            while (member := tar.next()) is not None:
                members.clear()
                matched = _NAME.match(member.name)
                if not member.isreg() or matched is None or member.size > _MOST_BYTES:
                    continue
                key = matched[1].encode("utf-8", "replace").decode()
                file = tar.extractfile(member)
                data = file.read() if file is not None else b""
                if len(data) != member.size:
                    raise EOFError(f"the file ends within {member.name!r}")
                if sample is not None and sample.key != key:
                    yield sample
                if sample is None or sample.key != key:
                    sample = Sample(key)
                if matched[2] in sample.fields:
                    sample.doubled.append(matched[2])
                sample.fields[matched[2]] = data
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a tar: {error}") from None
    if sample is not None:
        yield sample


def check_sample(sample: Sample, file: str, rules: Rules) -> Iterator[Finding]:
    """What is wrong with a sample in itself."""
    place = Place(file, sample.key)
    for name in sample.doubled:
        yield SAMPLE_APART.at(place, f"the sample has {name!r} twice")
    row: Any = None
    if "json" in sample.fields:
        try:
            row = orjson.loads(sample.fields["json"])
        except orjson.JSONDecodeError as error:
            yield SAMPLE_JSON.at(place, f"its json cannot be read: {str(error).split(':')[0]}")
        else:
            if not isinstance(row, dict):
                yield SAMPLE_JSON.at(place, f"its json is {shown(row)}; an object is needed")
                row = None
    else:
        yield SAMPLE_JSON_MISSING.at(place, "there is no json beside it")
    row = row or {}
    place = Place(file, sample.key, text_of(row.get("file_name")))
    yield from _text_findings(sample, row, place, rules)
    yield from _photo_findings(sample, row, place)
    told = row.get("key")
    if isinstance(told, str) and told not in (sample.key, sample.key.rpartition("/")[2]):
        yield TEXT_DIFFERS.at(place, f"its json has the key {shown(told)}")


def _text_findings(
    sample: Sample, row: dict[str, Any], place: Place, rules: Rules
) -> Iterator[Finding]:
    if sample.text is None:
        yield SAMPLE_INCOMPLETE.at(place, f"it has {_listed(sample)}, but no txt")
        return
    try:
        text = sample.text.decode("utf-8")
    except UnicodeDecodeError as error:
        yield CAPTION_MALFORMED.at(place, f"byte {error.start} of its txt is not UTF-8")
        return
    if "caption" in row and row["caption"] != text:
        yield TEXT_DIFFERS.at(place, f"its json has the caption {shown(row['caption'])}")
    for code, message in caption_findings(text, rules):
        yield code.at(place, message)


def caption_findings(text: str, rules: Rules) -> Iterator[tuple[Code, str]]:
    """What is wrong with a caption that has to be without tags."""
    if not text.strip():
        yield CAPTION_EMPTY, "the caption has no words"
        return
    if (left := tag_left(text)) or has_tokens(text) or parse_tags(text).spans:
        yield TAG_LEFT, f"{left or 'a tag'!r} is left in the caption"
    else:
        yield from faults_of_caption(text, 0, rules.min_caption_chars)


def _photo_findings(sample: Sample, row: dict[str, Any], place: Place) -> Iterator[Finding]:
    if sample.photo is None:
        yield SAMPLE_INCOMPLETE.at(place, f"it has {_listed(sample)}, but no photograph")
        return
    ending, data = sample.photo
    name = f"{sample.key}.{ending}"
    try:
        header_of(data, f"the photograph {name}")
        size_wh = whole_photo_size(Path(name), name, data)
    except (InputError, RecordFailed) as error:
        yield PHOTO_UNREADABLE.at(place, getattr(error, "detail", str(error)))
        return
    if "original_width" in row:
        # img2dataset's hash and first size are those of the photograph before it was made small.
        return
    told = (row.get("width"), row.get("height"))
    if all(map(is_whole, told)) and told != size_wh:
        message = f"its json says {told[0]}×{told[1]}, the photograph is {times(size_wh)} upright"
        yield PHOTO_DIFFERS.at(place, message)
    digest = row.get("sha256")
    if isinstance(digest, str) and digest and digest != hashlib.sha256(data).hexdigest():
        message = f"its json has the sha256 {digest[:12]}…, the photograph another"
        yield PHOTO_DIFFERS.at(place, message)


def _listed(sample: Sample) -> str:
    return ", ".join(sample.fields) or "nothing"
