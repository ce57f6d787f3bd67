"""Finds the outcome of any call of a run by what was asked: the index behind a replay.

Built by going through all journals once, and kept as columns of numbers: about 50 bytes a call,
whatever was asked and answered. A row is found by its place (record and turn) together with the
content, or by the content alone; the line itself is read again from its journal when it is wanted.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from annoengine.call_lines import Call, read_calls
from annoengine.errors import WorkspaceError

UNANSWERED = ("failed", "open")
"""Outcomes of calls that have no line with a reply."""


@dataclass(frozen=True)
class Row:
    """A call of the run: who was asked, where its last line is, and what orders it."""

    provider: str
    journal: Path
    offset: int
    answered: bool
    generation: int
    written: float
    """When the newest line of its journal was written."""
    number: int

    @property
    def newness(self) -> tuple[bool, int, float, int]:
        """Larger for what came later; any outcome comes before none.

        Within a journal the order of its lines tells, which no clock can turn round.
        """
        return self.answered, self.generation, self.written, self.number


class CallIndex:
    """All calls of a run's folder; of one model alone where ``model`` names it.

    A model is named as the recipe named it (``openai/gpt-4o``) or as it names itself.
    """

    def __init__(self, root: Path, model: str | None = None) -> None:
        self.root = root
        self.providers: list[str] = []
        """Whom the run asked, in the order of their first calls."""
        self._journals: list[Path] = []
        self._written: list[float] = []
        columns = _Columns()
        names: dict[str, int] = {}
        for call in read_calls(root, contents=True):
            provider = names.setdefault(call.provider, len(names))
            if model is not None and model not in (call.provider, call.model):
                continue
            if not self._journals or self._journals[-1] != call.journal:
                self._journals.append(call.journal)
                self._written.append(call.at)
            self._written[-1] = max(self._written[-1], call.at)
            columns.add(call, provider, len(self._journals) - 1)
        self.providers = list(names)
        self._columns = columns
        self._places = _Sorted(columns.place)
        self._contents = _Sorted(columns.content_high)

    def __len__(self) -> int:
        return len(self._columns.offset)

    @property
    def size_bytes(self) -> int:
        """What the columns take in memory."""
        return self._columns.size_bytes + self._places.size_bytes + self._contents.size_bytes

    def at_place(self, record: str, turn: str) -> list[Row]:
        """Every call of a record's turn, whatever was asked."""
        return [self._row(n) for n in self._places.find(_place(record, turn))]

    def find(self, content: str, place: tuple[str, str] | None) -> list[Row]:
        """The calls with this content (a fingerprint): those of the place, or else of any."""
        high, low = _halves(content)
        columns = self._columns
        if place is not None:
            here = [
                self._row(n)
                for n in self._places.find(_place(*place))
                if (columns.content_high[n], columns.content_low[n]) == (high, low)
            ]
            if here:
                return here
        rows = self._contents.find(high)
        return [self._row(n) for n in rows if columns.content_low[n] == low]

    def _row(self, number: int) -> Row:
        c = self._columns
        return Row(
            self.providers[c.provider[number]],
            self._journals[c.journal[number]],
            c.offset[number],
            bool(c.answered[number]),
            c.generation[number],
            self._written[c.journal[number]],
            number,
        )

    def read(self, row: Row) -> dict[str, Any]:
        """The last line of a call. Raises WorkspaceError where the journal is another by now."""
        wanted = "answered" if row.answered else "failed"
        try:
            with row.journal.open("rb") as file:
                file.seek(row.offset)
                entry: dict[str, Any] = orjson.loads(file.readline())
            if entry["event"] == wanted or not row.answered:
                return entry
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
            pass
        raise WorkspaceError(
            f"{row.journal} was changed while its calls were replayed: there is no outcome at byte "
            f"{row.offset} any more; run the same command again"
        )


class _Columns:
    def __init__(self) -> None:
        self.place = array("Q")
        self.content_high = array("Q")
        self.content_low = array("Q")
        self.offset = array("Q")
        self.journal = array("I")
        self.generation = array("I")
        self.provider = array("H")
        self.answered = array("B")

    def add(self, call: Call, provider: int, journal: int) -> None:
        high, low = _halves(call.content)
        self.place.append(_place(call.record, call.turn))
        self.content_high.append(high)
        self.content_low.append(low)
        self.offset.append(call.line[0])
        self.journal.append(journal)
        self.generation.append(call.generation)
        self.provider.append(provider)
        self.answered.append(call.outcome not in UNANSWERED)

    @property
    def size_bytes(self) -> int:
        return sum(len(column) * column.itemsize for column in vars(self).values())


class _Sorted:
    """A column in order, to be searched."""

    def __init__(self, column: array[int]) -> None:
        self._values: NDArray[np.uint64] = np.frombuffer(column, dtype=np.uint64)
        self._order = np.argsort(self._values, kind="stable").astype(np.uint32)

    @property
    def size_bytes(self) -> int:
        return self._order.nbytes

    def find(self, value: int) -> list[int]:
        """The rows with this value, in order."""
        first, last = (
            np.searchsorted(self._values, np.uint64(value), side, sorter=self._order)
            for side in ("left", "right")
        )
        return [int(n) for n in self._order[first:last]]


def _place(record: str, turn: str) -> int:
    digest = hashlib.sha256(f"{record}\0{turn}".encode()).digest()
    return int.from_bytes(digest[:8], "big")


def _halves(content: str) -> tuple[int, int]:
    """The first 128 bits of a fingerprint; zeros for a content that is not known."""
    return int(content[:16] or "0", 16), int(content[16:32] or "0", 16)


def difference(asked: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """In what two requests differ, in words: what was asked, and what is to be replayed.

    >>> difference({"messages": [], "sampling": {"seed": 1}}, {"messages": [], "sampling": {}})
    'the sampling differs (seed=1 there)'
    """
    differs = []
    before, after = asked.get("messages") or [], wanted.get("messages") or []
    if _parts(before, "text") != _parts(after, "text"):
        differs.append("the words differ")
    if _parts(before, "image_sha256") != _parts(after, "image_sha256"):
        differs.append("the pictures differ")
    if before != after and not differs:
        differs.append("the messages are put together differently")
    if asked.get("sampling") != wanted.get("sampling"):
        there = ", ".join(f"{k}={v}" for k, v in (asked.get("sampling") or {}).items())
        differs.append(f"the sampling differs ({there or 'nothing set'} there)")
    if asked.get("schema") != wanted.get("schema"):
        differs.append("the answer's schema differs")
    return ", ".join(differs)


def _parts(messages: Any, kind: str) -> list[Any]:
    return [part[kind] for m in messages for part in m["parts"] if kind in part]
