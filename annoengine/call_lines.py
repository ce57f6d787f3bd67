"""Reads single calls out of a run's journals: what was asked, every try, what came of it.

A journal is gone through once, line by line, and a call is given as soon as its outcome is read.
What is held meanwhile is a small entry for each call under way; of a request only the place where
it stands is kept, and it is read when somebody wants to see it. So calls come in the order of
their outcomes, those without one at the end of their journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from annoengine.call_counts import journal_lines
from annoengine.errors import WorkspaceError
from annoengine.fingerprint import fingerprint
from annoengine.provider import Usage

Ended = Literal["answered", "failed", "open"]
"""How a try ended; ``open`` where nothing says so."""

OUTCOMES = ("answer", "refusal", "filtered", "truncated", "empty", "gave_up", "failed", "open")
"""What may become of a call: a reply's outcome; ``failed`` where the last try failed and no
outcome followed (the run was stopped); ``open`` where the last try has no end."""

Name = tuple[str, str, str]
"""Record, turn and key."""


@dataclass
class Try:
    """One time that a call was sent. ``at`` is Unix time, ``seconds`` how long it took.

    ``reason``, ``detail`` and ``paid`` are those of a failed one.
    """

    number: int
    at: float | None = None
    most_usd: float | None = None
    ended: Ended = "open"
    seconds: float | None = None
    reason: str = ""
    detail: str = ""
    paid: str = ""


@dataclass
class Call:
    """One call of a run: a question of a record to a model, with all its tries.

    ``number`` counts the calls of the run in the order in which they are read. ``provider`` is
    whom the recipe named (``openai/gpt-4o``), ``model`` who says that it answered. ``line`` is
    (offset, length) of the line with the outcome, or of its last line where there is none;
    ``request_at`` the offset of the line that holds the request, None where that must be looked
    for. ``usd`` and ``most_usd`` are None where no price was known.
    """

    number: int
    stage: str
    journal: Path
    record: str
    turn: str
    generation: int
    key: str
    provider: str = ""
    outcome: str = "open"
    tries: list[Try] = field(default_factory=list)
    model: str = ""
    text: str = ""
    detail: str = ""
    usage: Usage = Usage()
    request_id: str = ""
    usd: float | None = None
    most_usd: float | None = None
    at: float = 0.0
    line: tuple[int, int] = (0, 0)
    request_at: int | None = None
    content: str = ""
    """The fingerprint of the request's content, where it was asked for."""

    @property
    def name(self) -> Name:
        """Record, turn and key."""
        return self.record, self.turn, self.key

    @property
    def seconds(self) -> float | None:
        """How long its tries took together, without the waits between them."""
        known = [one.seconds for one in self.tries if one.seconds is not None]
        return round(sum(known), 4) if known else None


@dataclass(frozen=True)
class Damage:
    """A line of a journal that is none."""

    journal: Path
    offset: int

    def __str__(self) -> str:
        return (
            f"{self.journal}: the line at byte {self.offset} is no journal line; the file was "
            "changed by something else"
        )


OnDamage = Callable[[Damage], None]


def _refuse(damage: Damage) -> None:
    raise WorkspaceError(f"{damage}. Restore it from a copy, or move it away")


def run_journals(root: Path) -> list[tuple[str, Path]]:
    """(stage, path) of every journal of a run's folder, of every cut, in a fixed order."""
    found = sorted((root / "journals").glob("*/*/*.jsonl"))
    return [(path.parent.parent.name, path) for path in found]


def read_calls(root: Path, on_damage: OnDamage = _refuse, contents: bool = False) -> Iterator[Call]:
    """Every call of a run, journal by journal; a torn last line is left out.

    ``on_damage`` is told of each line that is none, and the reading goes on; unless given, the
    first one raises WorkspaceError. ``contents`` also takes the fingerprint of each request.
    """
    number = 0
    requests = Requests()
    for stage, path in run_journals(root):
        for call in _read_journal(stage, path, on_damage, contents):
            number += 1
            call.number = number
            if contents and not call.content:
                request = requests.read(call)
                call.content = "" if request is None else fingerprint(request)
            yield call


def _read_journal(stage: str, path: Path, on_damage: OnDamage, contents: bool) -> Iterator[Call]:
    under_way: dict[tuple[Name, int], Call] = {}
    for offset, line in journal_lines(path):
        try:
            entry = orjson.loads(line)
            event = entry["event"]
            if event not in ("asked", "answered", "failed"):
                continue
            place = (entry["record"], entry["turn"], entry["key"]), entry["generation"]
            call = under_way.get(place)
            if call is None:
                (record, turn, key), generation = place
                call = Call(0, stage, path, record, turn, generation, key)
            _TAKE[event](call, entry)
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError):
            on_damage(Damage(path, offset))
            continue
        call.line = offset, len(line)
        if event == "answered":
            under_way.pop(place, None)
            yield call
            continue
        under_way[place] = call
        if "request" in entry:
            call.request_at = offset
            if contents:
                call.content = fingerprint(entry["request"])
    yield from under_way.values()


def _take_asked(call: Call, entry: Mapping[str, Any]) -> None:
    call.at, call.outcome, call.provider = entry["at"], "open", entry["provider"]
    most = entry.get("most_usd")
    call.most_usd = call.most_usd if most is None else most
    call.tries.append(Try(entry["try"], entry["at"], most))


def _take_failed(call: Call, entry: Mapping[str, Any]) -> None:
    one = _last_open(call, entry)
    one.reason, one.detail, one.paid = entry["reason"], entry["detail"], entry["paid"]
    one.ended, call.outcome, call.at = "failed", "failed", entry["at"]
    if one.at is not None:
        one.seconds = max(0.0, round(entry["at"] - one.at, 3))  # the clock may have been set back


def _take_answered(call: Call, entry: Mapping[str, Any]) -> None:
    if entry["outcome"] != "gave_up":  # giving up ends no try: the last one ended before
        one = _last_open(call, entry)
        one.ended, one.seconds = "answered", entry["seconds"]
    usage = entry.get("usage") or {}
    call.usage = Usage(
        input_tokens=usage.get("input_tokens"),
        output_tokens=usage.get("output_tokens"),
        cached_input_tokens=usage.get("cached_input_tokens"),
    )
    call.outcome, call.at = entry["outcome"], entry["at"]
    call.model, call.text = entry["model"], entry["text"]
    call.detail, call.request_id = entry.get("detail", ""), entry.get("request_id", "")
    call.usd = entry.get("usd")


def _last_open(call: Call, entry: Mapping[str, Any]) -> Try:
    """The try that a line ends; a new one where the line that opened it is not there."""
    for one in reversed(call.tries):
        if one.ended == "open" and one.number == entry["try"]:
            return one
    call.tries.append(Try(entry["try"]))
    return call.tries[-1]


_TAKE = {"asked": _take_asked, "answered": _take_answered, "failed": _take_failed}


class Requests:
    """Reads the requests of calls: what was sent, pictures by hash.

    A request stands in the line of the first try alone, and the first try of a call that was
    asked anew (``annoengine retry``) is one of an earlier generation: then the places of all
    requests of that journal are gathered, and kept until another journal's are wanted.
    """

    def __init__(self) -> None:
        self._path: Path | None = None
        self._places: dict[Name, int] = {}

    def read(self, call: Call) -> dict[str, Any] | None:
        """The content of a call's request, or None where its journal does not have it."""
        offset = call.request_at
        if offset is None:
            if self._path != call.journal:
                self._path, self._places = call.journal, _request_places(call.journal)
            offset = self._places.get(call.name)
            if offset is None:
                return None
        with call.journal.open("rb") as file:
            file.seek(offset)
            request: dict[str, Any] = orjson.loads(file.readline())["request"]
        return request


def _request_places(path: Path) -> dict[Name, int]:
    places: dict[Name, int] = {}
    for offset, line in journal_lines(path):
        if b'"request":' not in line:
            continue
        try:
            entry = orjson.loads(line)
            if entry["event"] == "asked" and "request" in entry:
                places.setdefault((entry["record"], entry["turn"], entry["key"]), offset)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            continue
    return places
