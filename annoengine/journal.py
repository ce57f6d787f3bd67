"""A stage's call journal: every call is written before it is sent and again when it came back.

One JSONL file for each shard, only ever appended to. Five events:

``asked``     before a call is sent, with what is asked (pictures by hash, never their bytes)
``answered``  the outcome of a call, raw, before anybody parses it
``failed``    a try that brought no outcome: why, and whether it may have been charged
``retry``     a record's next generation is open: its bad outcomes no longer count
``wave``      calls went to a batch API together; the id is all that is needed to collect them

A line is named by (record, turn, generation) and carries the call's content key; a replay needs
the turn and the key to be equal. A line is in the file as soon as it is written (a killed process
loses nothing); the disk is asked for safety in groups (a lost machine loses the last group). A
torn last line is cut when the file is opened.

When the way records are cut into shards changes, the journals of the earlier cut stay where they
are and are found through an index that can be deleted at any time
(:mod:`annoengine.older_journals`).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from annoengine.budget import in_nano
from annoengine.call_counts import CallCounts, count_calls, journal_lines
from annoengine.errors import WorkspaceError
from annoengine.older_journals import OlderJournals, Place
from annoengine.provider import Reply, Usage
from annoengine.storage import explain_write_error

WaveCall = tuple[str, str, str]
"""Record, turn and key of a call in a wave."""


@dataclass
class _Retries:
    """The generations opened for one record: number → turns asked again whatever came back."""

    generation: int = 0
    turns: dict[int, tuple[str, ...]] = field(default_factory=dict)

    def allows(self, place: Place, turn: str) -> bool:
        """May this outcome be replayed in the record's present generation?"""
        if place.generation >= self.generation:
            return True
        if place.outcome != "answer":
            return False
        return not any(
            turn in turns
            for generation, turns in self.turns.items()
            if generation > place.generation
        )


_NEVER_RETRIED = _Retries()
"""Of the records that no retry opened anew; nobody adds to it."""


def _reply_from(entry: Mapping[str, Any]) -> Reply:
    usage = entry.get("usage") or {}
    return Reply(
        text=entry["text"],
        outcome=entry["outcome"],
        model=entry["model"],
        detail=entry.get("detail", ""),
        usage=Usage(
            input_tokens=usage.get("input_tokens"),
            output_tokens=usage.get("output_tokens"),
            cached_input_tokens=usage.get("cached_input_tokens"),
        ),
        request_id=entry.get("request_id", ""),
        key=entry["key"],
        turn=entry["turn"],
        tries=entry.get("try", 1),
    )


def _read_entry(path: Path, offset: int, length: int) -> dict[str, Any]:
    with path.open("rb") as file:
        file.seek(offset)
        entry: dict[str, Any] = orjson.loads(file.read(length))
    return entry


class Journal:
    """The journal of one stage and shard, open for appending and for finding old answers."""

    def __init__(
        self, path: Path, older: OlderJournals | None = None, writable: bool = True
    ) -> None:
        self.path = path
        self.counts = CallCounts()
        self._older = older
        self._answered: dict[tuple[str, str], list[Place]] = {}
        self._retries: dict[str, _Retries] = {}
        self._tries: dict[tuple[str, str, str], int] = {}
        self._open_most: dict[tuple[str, str, str], int] = {}
        """The bound of the last try of each call that has no outcome, in nano-dollars."""
        self._waves: dict[str, tuple[str, set[WaveCall]]] = {}
        self._written = 0
        self._synced = 0
        self._syncing: asyncio.Task[None] | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._descriptor = self._open() if writable else -1
        self._size = self._load()

    def _open(self) -> int:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # O_RDWR: the torn line of a killed run is cut through the same descriptor.
            return os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        except OSError as error:
            raise explain_write_error(self.path, error) from None

    def _load(self) -> int:
        size = 0
        if self.path.exists() and self.path.stat().st_size:
            for offset, line in journal_lines(self.path):
                try:
                    entry = orjson.loads(line)
                    event = entry["event"]
                except (orjson.JSONDecodeError, KeyError, TypeError):
                    raise WorkspaceError(
                        f"{self.path}: the line at byte {offset} is no journal line; the file was "
                        "changed by something else. Move it away to ask its calls again"
                    ) from None
                size = offset + len(line)
                if event == "asked":
                    name = (entry["record"], entry["turn"], entry["key"])
                    self._tries[name] = max(self._tries.get(name, 0), entry["try"])
                    self._open_most[name] = in_nano(entry.get("most_usd") or 0.0)
                elif event == "answered":
                    self._add_place(entry, offset, len(line))
                    self._settle(entry["record"], entry["turn"], entry["key"])
                elif event == "failed":
                    self._settle(entry["record"], entry["turn"], entry["key"])
                elif event == "wave":
                    calls = {(c[0], c[1], c[2]) for c in entry["calls"]}
                    self._waves[entry["wave"]] = (entry["provider"], calls)
                elif event == "retry":
                    self._open_generation(
                        entry["record"], entry["generation"], tuple(entry["turns"])
                    )
            if self._descriptor >= 0 and size != os.fstat(self._descriptor).st_size:
                os.ftruncate(self._descriptor, size)
            self.counts = count_calls(self.path)
        return size

    def _add_place(self, entry: Mapping[str, Any], offset: int, length: int) -> None:
        place = Place(
            self.path, offset, length, entry["key"], entry["generation"], entry["outcome"]
        )
        self._answered.setdefault((entry["record"], entry["turn"]), []).append(place)

    def _settle(self, record: str, turn: str, key: str) -> None:
        self._open_most.pop((record, turn, key), None)
        for _, calls in self._waves.values():
            calls.discard((record, turn, key))

    def _open_generation(self, record: str, generation: int, turns: tuple[str, ...]) -> None:
        retries = self._retries.setdefault(record, _Retries())
        retries.generation = max(retries.generation, generation)
        retries.turns[generation] = (*retries.turns.get(generation, ()), *turns)

    def _retries_of(self, record: str) -> _Retries:
        known = self._retries.get(record)
        if known is None:
            if self._older is None:
                return _NEVER_RETRIED
            known = self._retries[record] = _Retries()
            for generation, turns in self._older.retries(record):
                self._open_generation(record, generation, turns)
        return known

    def generation(self, record: str) -> int:
        """The record's present generation; 0 before any retry."""
        return self._retries_of(record).generation

    def find(self, record: str, turn: str, key: str) -> Reply | None:
        """The stored outcome of this call, if it may be replayed; the newest one wins."""
        retries = self._retries_of(record)
        places = [p for p in self._answered.get((record, turn), ()) if p.key == key]
        if not places and self._older is not None:
            places = self._older.places(record, turn, key)
        for place in reversed(places):
            if retries.allows(place, turn):
                return _reply_from(_read_entry(place.path, place.offset, place.length))
        return None

    def _write(self, entry: Mapping[str, Any]) -> tuple[int, int]:
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        offset = self._size
        try:
            written = os.write(self._descriptor, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, offset)
            raise explain_write_error(self.path, error) from error
        self._size += len(line)
        self._written += 1
        return offset, len(line)

    def _entry(self, event: str, record: str, turn: str, key: str, number: int) -> dict[str, Any]:
        """What every line about a call begins with."""
        return {
            "event": event,
            "record": record,
            "turn": turn,
            "generation": self.generation(record),
            "key": key,
            "try": number,
            "at": round(time.time(), 3),
        }

    def asked(
        self,
        record: str,
        turn: str,
        key: str,
        provider: str,
        content: Any,
        most_usd: float | None = None,
    ) -> int:
        """A call is about to be sent; gives the number of this try.

        ``most_usd`` is the most that it can cost, where a price is known.
        """
        name = (record, turn, key)
        number = self._tries.get(name, 0) + 1
        entry = self._entry("asked", record, turn, key, number)
        entry["provider"] = provider
        if most_usd is not None:
            entry["most_usd"] = most_usd
        if number == 1:
            entry["request"] = content
        self._write(entry)
        self._tries[name] = number
        self._open_most[name] = in_nano(most_usd or 0.0)
        self.counts.asked += 1
        return number

    def answered(
        self,
        record: str,
        turn: str,
        key: str,
        number: int,
        reply: Reply,
        seconds: float,
        usd: float | None = None,
    ) -> None:
        """The outcome of a call, raw; ``usd`` is what it cost, where a price is known."""
        used = reply.usage
        usage = {
            "input_tokens": used.input_tokens,
            "output_tokens": used.output_tokens,
            "cached_input_tokens": used.cached_input_tokens,
        }
        if None in usage.values():
            usage = {name: count for name, count in usage.items() if count is not None}
        entry = self._entry("answered", record, turn, key, number)
        entry |= {
            "seconds": round(seconds, 4),
            "outcome": reply.outcome,
            "model": reply.model,
            "text": reply.text,
            "detail": reply.detail,
            "usage": usage,
            "request_id": reply.request_id,
        }
        if usd is not None:
            entry["usd"] = usd
        offset, length = self._write(entry)
        self._add_place(entry, offset, length)
        self._settle(record, turn, key)
        self.counts.answered += 1
        self.counts.outcomes[reply.outcome] = self.counts.outcomes.get(reply.outcome, 0) + 1
        self.counts.input_tokens += used.input_tokens or 0
        self.counts.output_tokens += used.output_tokens or 0
        self.counts.spent_nano += in_nano(usd or 0.0)

    def failed(
        self, record: str, turn: str, key: str, number: int, reason: str, detail: str, paid: str
    ) -> None:
        """A try that brought no outcome."""
        entry = self._entry("failed", record, turn, key, number)
        self._write(entry | {"reason": reason, "detail": detail, "paid": paid})
        most = self.open_most(record, turn, key)
        self._settle(record, turn, key)
        self.counts.failed += 1
        self.counts.failures[reason] = self.counts.failures.get(reason, 0) + 1
        if paid == "perhaps":
            self.counts.perhaps_paid += 1
            self.counts.perhaps_nano += most

    def submitted(self, wave: str, provider: str, calls: list[WaveCall]) -> None:
        """Calls went to a batch API; the wave can be collected by its id from now on."""
        self._write(
            {
                "event": "wave",
                "wave": wave,
                "provider": provider,
                "calls": [list(call) for call in calls],
                "at": round(time.time(), 3),
            }
        )
        self._waves[wave] = (provider, set(calls))

    def open_waves(self) -> dict[str, tuple[str, list[WaveCall]]]:
        """Waves with calls that have no outcome: id → provider, those calls in a fixed order."""
        return {
            wave: (provider, sorted(calls))
            for wave, (provider, calls) in self._waves.items()
            if calls
        }

    def last_try(self, record: str, turn: str, key: str) -> int:
        """The number of the last try of a call; 0 where it was never asked."""
        return self._tries.get((record, turn, key), 0)

    def open_most(self, record: str, turn: str, key: str) -> int:
        """What the last try of a call without outcome can cost at most, in nano-dollars."""
        return self._open_most.get((record, turn, key), 0)

    def open_generation(self, record: str, turns: tuple[str, ...]) -> int:
        """Lets a record's bad outcomes, and these turns, be asked again; gives its generation."""
        generation = self.generation(record) + 1
        self._write(
            {
                "event": "retry",
                "record": record,
                "generation": generation,
                "turns": list(turns),
                "at": round(time.time(), 3),
            }
        )
        self._open_generation(record, generation, turns)
        return generation

    async def durable(self) -> None:
        """Returns when all that was written so far is safe on the disk; one flush serves many."""
        if self._synced >= self._written:
            return
        # A future for each: whoever is cancelled while it waits takes nothing from the others.
        safe = asyncio.get_running_loop().create_future()
        self._waiting.append(safe)
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.create_task(self._sync())
        await safe

    async def _sync(self) -> None:
        while self._waiting:
            upto, waiting = self._written, self._waiting
            self._waiting = []
            failed: Exception | None = None
            try:
                await asyncio.to_thread(os.fsync, self._descriptor)
                self._synced = max(self._synced, upto)
            except Exception as error:
                failed = error
            for safe in waiting:
                if safe.done():
                    continue
                if failed is None:
                    safe.set_result(None)
                else:
                    safe.set_exception(failed)

    def flush(self) -> None:
        """Like :meth:`durable`, at once and blocking."""
        os.fsync(self._descriptor)
        self._synced = self._written

    def close(self) -> None:
        """Closes the file; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
