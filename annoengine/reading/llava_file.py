"""Reads LLaVA conversations: a JSON list of images, and of what is asked and said about each.

An entry has ``id``, ``image`` (a relative path; entries of pure text have none) and
``conversations``, turns of ``{"from": "human" | "gpt", "value": text}``. One entry is read at a
time, and told with the bytes it is written in. Whether the turns alternate and ``<image>`` stands
where it should is for a validator to say.

Source: ``llava/train/train.py`` of haotian-liu/LLaVA; the files of LLaVA-Instruct-150K.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.reading.json_place import place_of
from annoengine.reading.json_slices import Slice, Slices, parsed

IMAGE = "<image>"
"""Stands in the text where the picture goes."""

_COCO_STEM = re.compile(r"(?:COCO_[a-z]+\d{4}_)?(\d{12})")
"""How COCO names photographs: twelve digits, in 2014 behind ``COCO_train2014_``."""


@dataclass(frozen=True)
class LlavaEntry:
    """One entry. ``turns`` are (from, value); ``start`` is the first byte of ``raw`` in the file.

    ``id`` is "" and ``image`` None where there is none.
    """

    position: int
    id: str
    image: str | None
    turns: tuple[tuple[str, str], ...]
    start: int
    raw: bytes

    @property
    def question(self) -> str:
        """The first turn without ``<image>`` and the space around it; "" if nobody asks."""
        if not self.turns or self.turns[0][0] != "human":
            return ""
        return self.turns[0][1].replace(IMAGE, "").strip()

    def answer_place(self) -> tuple[int, int]:
        """Where the first answer is written, quotation marks included: its bytes in the file."""
        start, end = place_of(self.raw, "conversations", 1, "value")
        return self.start + start, self.start + end


def read_llava(path: Path) -> Iterator[LlavaEntry]:
    """Every entry in the order of the file.

    Raises InputError, with the place, for a file that is no list of conversations.
    """
    for found in Slices(path, None, "LLaVA's files are a list of conversations"):
        yield _entry(path, found, parsed(path, found.raw, found.start))


def _entry(path: Path, found: Slice, value: Any) -> LlavaEntry:
    where = f"{path}: entry {found.position}"
    if not isinstance(value, dict):
        raise InputError(f"{where} is no object")
    id, image = value.get("id"), value.get("image")
    name = f" ({id!r})" if isinstance(id, str | int) else ""
    if image is not None and not isinstance(image, str):
        raise InputError(f"{where}{name}: 'image' is {image!r}; a relative path is needed")
    turns = value.get("conversations")
    if not isinstance(turns, list):
        raise InputError(f"{where}{name} has no list 'conversations'")
    read = []
    for number, turn in enumerate(turns):
        if not (
            isinstance(turn, dict)
            and isinstance(turn.get("from"), str)
            and isinstance(turn.get("value"), str)
        ):
            raise InputError(f"{where}{name}: turn {number} has no text 'from' and 'value'")
        read.append((turn["from"], turn["value"]))
    return LlavaEntry(
        found.position,
        str(id) if isinstance(id, str | int) else "",
        image,
        tuple(read),
        found.start,
        found.raw,
    )


def image_key(image: str) -> str:
    """What two paths of one photograph share: COCO's number, or else the file's name.

    >>> [image_key(f"{name}.jpg") for name in ("coco/train2017/000000000009", "gqa/images/9")]
    ['000000000009', '9.jpg']
    >>> image_key("COCO_train2014_000000000009.jpg")
    '000000000009'
    """
    name = image.rpartition("/")[2]
    found = _COCO_STEM.fullmatch(name.rpartition(".")[0])
    return found[1] if found else name
