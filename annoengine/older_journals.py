"""Finds answers in journals that were written while the dataset was cut into shards differently."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import orjson

from annoengine.call_counts import journal_lines


@dataclass(frozen=True)
class Place:
    """Where an answered line is: the file, its bytes, and what decides if it may be replayed."""

    path: Path
    offset: int
    length: int
    key: str
    generation: int
    outcome: str


class OlderJournals:
    """Finds answers in the journals of earlier cuts of the dataset, by record, turn and key.

    An SQLite file derived from the journals: delete it and it is built again.
    """

    def __init__(self, folder: Path, current: Path) -> None:
        self._folder = folder
        self._current = current
        self._database: sqlite3.Connection | None = None

    def _files(self) -> list[Path]:
        return [
            path
            for path in sorted(self._folder.glob("*/*.jsonl"))
            if path.parent.name != self._current.name
        ]

    def _open(self) -> sqlite3.Connection | None:
        files = self._files()
        if not files:
            return None
        database = sqlite3.connect(self._folder / "older.sqlite", timeout=60)
        database.execute("pragma synchronous=off")
        database.executescript(
            """
            create table if not exists file (path text primary key, size integer);
            create table if not exists answered (
                record text, turn text, key text, generation integer, outcome text,
                path text, offset integer, length integer
            );
            create index if not exists answered_by_name on answered (record, turn, key);
            create table if not exists retry (record text, generation integer, turns text);
            create index if not exists retry_by_record on retry (record);
            """
        )
        with database:
            known = dict(database.execute("select path, size from file"))
            for path in files:
                name = path.relative_to(self._folder).as_posix()
                if known.get(name) == path.stat().st_size:
                    continue
                database.execute("delete from answered where path = ?", (name,))
                self._index(database, path, name)
                database.execute(
                    "insert or replace into file values (?, ?)", (name, path.stat().st_size)
                )
        return database

    @staticmethod
    def _index(database: sqlite3.Connection, path: Path, name: str) -> None:
        for offset, line in journal_lines(path):
            entry = orjson.loads(line)
            if entry["event"] == "answered":
                database.execute(
                    "insert into answered values (?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        entry["record"],
                        entry["turn"],
                        entry["key"],
                        entry["generation"],
                        entry["outcome"],
                        name,
                        offset,
                        len(line),
                    ),
                )
            elif entry["event"] == "retry":
                database.execute(
                    "insert into retry values (?, ?, ?)",
                    (entry["record"], entry["generation"], orjson.dumps(entry["turns"]).decode()),
                )

    def places(self, record: str, turn: str, key: str) -> list[Place]:
        """All outcomes of this call in earlier cuts."""
        if self._database is None:
            self._database = self._open()
            if self._database is None:
                return []
        rows = self._database.execute(
            "select path, offset, length, generation, outcome from answered "
            "where record = ? and turn = ? and key = ? order by path, offset",
            (record, turn, key),
        )
        return [
            Place(self._folder / path, offset, length, key, generation, outcome)
            for path, offset, length, generation, outcome in rows
        ]

    def retries(self, record: str) -> list[tuple[int, tuple[str, ...]]]:
        """The generations that earlier cuts opened for a record."""
        if self._database is None:
            self._database = self._open()
            if self._database is None:
                return []
        rows = self._database.execute(
            "select generation, turns from retry where record = ?", (record,)
        )
        return [(generation, tuple(orjson.loads(turns))) for generation, turns in rows]

    def close(self) -> None:
        """Closes the index."""
        if self._database is not None:
            self._database.close()
            self._database = None
