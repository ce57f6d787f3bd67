"""A stage that takes in what people write: what it waits for, and when that makes its steps new.

Corrections are input, like a photograph: a changed line changes what the step of its record is
made of, and of no other, so that the run takes it up without being told to redo anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from annoengine.errors import InputError
from annoengine.fingerprint import fingerprint
from annoengine.record import Record
from annoengine.reviewing.correction_file import CorrectionFile, PlacedCorrection
from annoengine.shard import read_lines
from annoengine.stage import Ask, Stage
from annoengine.storage import Storage

UNREVIEWED = "not reviewed"
"""Why a record waits: nobody has written anything about it."""

STILL_OPEN = "still open"
"""Why a record waits: somebody is at it."""


@dataclass(frozen=True)
class ReviewState:
    """The corrections of a stage as they are now, and whether it waits for those it lacks."""

    corrections: CorrectionFile
    waits: bool

    def input_sha256(self, input_sha256: str, record_ids: Iterable[str]) -> str:
        """What a step is made of: its shard, the corrections of its records, and who waits."""
        listed: list[tuple[str, str]] = []
        others = False
        for id in record_ids:
            digest = self.corrections.digest(id)
            if digest is None:
                others = True
            else:
                listed.append((id, digest))
        return fingerprint([input_sha256, listed, others and self.waits])


@dataclass(frozen=True)
class Reviewed:
    """What became of a record: it goes on (``record``), or waits for people (``waits``).

    ``draft`` is the line that people begin with where nobody has reviewed it; ``masks`` the line
    of its masks where they were drawn anew.
    """

    record: Record | None
    waits: str = ""
    draft: bytes = b""
    masks: bytes = b""


class ReviewStage(Stage):
    """The base of stages between which people correct; the step gives it their corrections."""

    def review(self, run: Path) -> ReviewState | None:
        """What people have written so far, in a run's folder; None where nobody is asked.

        Raises InputError for a file with lines that are no corrections.
        """
        raise NotImplementedError

    def corrections_path(self, run: Path) -> Path:
        """Where people write."""
        raise NotImplementedError

    async def annotate_reviewed(
        self, record: Record, said: PlacedCorrection | None, waits: bool, ask: Ask
    ) -> Reviewed:
        """Like :meth:`Stage.annotate`, with the record's correction, or without one.

        ``waits``: whether a record that nobody has reviewed waits. Never raises Drop.
        """
        raise NotImplementedError

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record as it is: nobody is asked."""
        return record


class Reviews:
    """The reviews of a run's stages, each looked at once, so that a command sees one state."""

    def __init__(self, run: Path, drafts_go_on: bool = False) -> None:
        self._run = run
        self._drafts_go_on = drafts_go_on
        self._known: dict[str, ReviewState | None] = {}

    def of(self, stage: Stage) -> ReviewState | None:
        """The review of a stage; None where it is no place for people, or asks nobody."""
        if not isinstance(stage, ReviewStage) or self._drafts_go_on:
            return None
        name = stage.setup.name
        if name not in self._known:
            self._known[name] = stage.review(self._run)
        return self._known[name]


_ID = re.compile(rb'\{"id":"([^"\\]*)"[,}]')


def record_ids(storage: Storage, key: str) -> Iterator[str]:
    """The ids of a shard's records, without reading the records."""
    for line in read_lines(storage, key):
        found = _ID.match(line)
        if found is not None:
            yield found[1].decode()
            continue
        try:
            entry: Any = orjson.loads(line)
            yield str(entry["id"])
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise InputError(f"{key}: a line is no record; delete the stage's folder") from None
