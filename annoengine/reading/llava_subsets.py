"""Tells which entries of a LLaVA instruction file belong to a subset of it.

LLaVA-158K mixes 58k conversations, 77k answers of complex reasoning and 23k detailed captions, in
files in which nothing says which is which; an ``id`` is the photograph's, so that one id stands
for an entry in each of the three. ``detail_23k`` is known by its question: each entry has one, of
a fixed set, and one answer. Other subsets come from a file: LLaVA's own of the subset, whose
entries are found by photograph and question, or a list of ids.

Source: arXiv 2502.02589, A.1 and A.3; LLaVA-Instruct-150K (``detail_23k.json``, 23,240 entries).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson

from annoengine.errors import InputError
from annoengine.reading.json_file import open_json
from annoengine.reading.json_slices import first_byte
from annoengine.reading.llava_file import LlavaEntry, image_key, read_llava

DETAIL_23K = "detail_23k"

DETAIL_QUESTIONS = frozenset(
    {
        "Analyze the image in a comprehensive and detailed manner.",
        "Can you describe the main features of this image for me?",
        "Can you elaborate on the elements of the picture provided?",
        "Describe the following image.",
        "Explain the visual content of the image in great detail.",
        "What are the key elements in this picture?",
        "What do you see happening in this image?",
        "What do you think is going on in this snapshot?",
        "What is this photo about'?",
        "What's happening in the scene?",
        "Write a detailed description of the given image.",
    }
)
"""The questions of ``detail_23k.json``, as they stand there (the stray ``'`` too)."""

Subset = Callable[[LlavaEntry], bool]


def open_subset(name: str) -> Subset:
    """What tells whether an entry belongs to the subset: ``detail_23k``, or a file.

    Entries must be asked in the order of their file. Raises InputError for a file that cannot be
    read, and what it gives does so for an id of a list that stands for several entries.
    """
    if name == DETAIL_23K:
        return _is_detailed_caption
    path = Path(name)
    if not path.is_file():
        raise InputError(
            f"there is no subset {name!r}: {DETAIL_23K} is known by its questions; for another "
            "one give a file: LLaVA's own of the subset, or a list of ids"
        )
    if first_byte(path) == b"[" and _holds_entries(path):
        wanted = {_asked(entry) for entry in read_llava(path)}
        return lambda entry: _asked(entry) in wanted
    return _OfIds(path)


def _is_detailed_caption(entry: LlavaEntry) -> bool:
    return entry.image is not None and len(entry.turns) == 2 and entry.question in DETAIL_QUESTIONS


def _asked(entry: LlavaEntry) -> tuple[str, str]:
    return image_key(entry.image or ""), entry.question


def _holds_entries(path: Path) -> bool:
    with open_json(path) as file:
        return file.read(1 << 12).lstrip()[1:].lstrip()[:1] == b"{"


class _OfIds:
    """A list of ids, as JSON or one a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = _read_ids(path)
        self._seen: set[str] = set()

    def __call__(self, entry: LlavaEntry) -> bool:
        if not entry.id or entry.id not in self._ids:
            return False
        if entry.id in self._seen:
            raise InputError(
                f"{self._path} lists {entry.id!r}, which is the id of several entries; give "
                "LLaVA's own file of the subset, whose questions tell them apart"
            )
        self._seen.add(entry.id)
        return True


def _read_ids(path: Path) -> frozenset[str]:
    data = path.read_bytes()
    if not data.lstrip().startswith(b"["):
        try:
            return frozenset(line.strip() for line in data.decode("utf-8").splitlines()) - {""}
        except UnicodeDecodeError as error:
            raise InputError(f"{path} is no text in UTF-8: {error.reason}") from None
    try:
        listed = orjson.loads(data)
    except ValueError as error:
        raise InputError(f"{path} is not valid JSON: {error}") from None
    for id in listed:
        if not isinstance(id, str | int):
            raise InputError(f"{path} lists {id!r}; ids, or entries with conversations, are needed")
    return frozenset(map(str, listed))
