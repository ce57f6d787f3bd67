"""Writes a LLaVA instruction file again with some of its answers replaced, and tells of each.

Beside it ``replaced_answers.jsonl``: a line for each entry of the subset, replaced or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import orjson

from annoengine.writing.json_stream import JsonLines
from annoengine.writing.spliced_file import Splice, splice
from annoengine.writing.text_spool import TextSpool

REPLACED = "answers replaced"
NO_CAPTION = "answers left for lack of a caption"
NO_ANSWER = "entries of the subset without an answer"
OF_SUBSET = (REPLACED, NO_CAPTION, NO_ANSWER)
NOT_OF_SUBSET = "entries not of the subset"
NOT_ASKED_FOR = "captions that no entry asks for"


class Entry(Protocol):
    """An entry of the instruction file, as far as it matters here."""

    @property
    def position(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def image(self) -> str | None: ...
    @property
    def turns(self) -> Sequence[tuple[str, str]]: ...

    def answer_place(self) -> tuple[int, int]:
        """First byte and end, in the file, of its first answer."""
        ...


def replaced_name(file: Path) -> str:
    """What the new file is called.

    >>> replaced_name(Path("a/llava_instruct_150k.json"))
    'llava_instruct_150k_replaced.json'
    """
    return f"{file.stem}_replaced.json"


def replace_answers(
    file: Path, folder: Path, entries: Iterable[tuple[Entry, str | None]], spool: TextSpool
) -> dict[str, int]:
    """Writes both files below the folder; gives the counts.

    ``entries`` are those of the file in their order, each with the key under which the spool may
    have its answer, or None where the entry does not belong to the subset.
    """
    counts = dict.fromkeys((*OF_SUBSET, NOT_OF_SUBSET, NOT_ASKED_FOR), 0)
    used: set[str] = set()

    def splices(lines: JsonLines) -> Iterator[Splice]:
        for entry, key in entries:
            if key is None:
                counts[NOT_OF_SUBSET] += 1
                continue
            owner, text = spool.get(key) if key in spool else (None, "")
            answered = len(entry.turns) > 1 and entry.turns[1][0] == "gpt"
            outcome = NO_ANSWER if not answered else NO_CAPTION if owner is None else REPLACED
            counts[outcome] += 1
            lines.add(
                {
                    "position": entry.position,
                    "id": entry.id,
                    "image": entry.image,
                    "record": owner,
                    "replaced": outcome == REPLACED,
                }
            )
            if outcome == REPLACED:
                used.add(key)
                yield Splice(*entry.answer_place(), orjson.dumps(text))

    with JsonLines(folder / "replaced_answers.jsonl") as lines:
        splice(file, folder / replaced_name(file), splices(lines))
    counts[NOT_ASKED_FOR] = len(spool) - len(used)
    return counts
