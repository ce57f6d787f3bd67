"""Reads a source into shards, in order, so that later stages may begin meanwhile."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence

import orjson

from annoengine.errors import InputError
from annoengine.events import SourceRead
from annoengine.fingerprint import canonical_json, fingerprint, sha256_hex
from annoengine.plan import is_fresh
from annoengine.shard import SetAside, ShardWriter, Side, read_marker, shard_name
from annoengine.source import Entry, Opened, Source
from annoengine.step import Job
from annoengine.storage import write_bytes
from annoengine.workspace import SourceDone

_CHUNK = 16
"""Entries that travel to a pool process together."""


def open_chunk(source: Source, entries: Sequence[Entry]) -> list[Opened]:
    """Opens some entries of a source; runs in the CPU pool."""
    return [source.open(entry) for entry in entries]


class SourceReader:
    """Reads the source into shards, in order, and says how many there are.

    A shard whose entries and source are unchanged is left as it is. The source's own done file
    is written last, with the number of entries.
    """

    def __init__(self, job: Job, made_of: dict[str, object], limit: int | None) -> None:
        self._job = job
        self._made_of = made_of
        self._limit = limit
        self._folder = job.folder(0)

    def done(self) -> SourceDone | None:
        """The finished reading that fits the recipe and the limit, or None."""
        done = self._job.workspace.source_done()
        size = self._job.recipe.text.run.shard_size
        if done is None or done.fingerprint != fingerprint(self._made_of):
            return None
        if done.shard_size != size:
            return None
        if done.limit != self._limit and not (
            # A reading that reached the end of the source covers every larger limit.
            (done.limit is None or done.entries < done.limit)
            and (self._limit is None or self._limit >= done.entries)
        ):
            return None
        storage = self._job.workspace.storage
        present = (
            storage.exists(f"{self._folder}/{shard_name(k)}.done.json") for k in range(done.shards)
        )
        return done if all(present) else None

    def is_done(self) -> bool:
        """Is there nothing to read?"""
        return self.done() is not None

    async def shards(self) -> AsyncIterator[int]:
        """Each shard's number as soon as it is on the disk."""
        done = self.done()
        if done is not None:
            self._job.on_event(SourceRead(done.entries, done.shards, True))
            for number in range(done.shards):
                yield number
            return
        source, size = self._job.recipe.source, self._job.recipe.text.run.shard_size
        await asyncio.to_thread(source.check)
        entries = itertools.islice(source.entries(), self._limit)
        count = number = 0
        while batch := await asyncio.to_thread(lambda: list(itertools.islice(entries, size))):
            await self._write_shard(number, batch)
            count += len(batch)
            number += 1
            self._job.on_event(SourceRead(count, number, False))
            yield number - 1
        if not count:
            raise InputError(
                f"the source {self._job.recipe.source_kind} has no image to offer; look at its "
                "inputs and filters (sample, licences, --limit)"
            )
        self._finish(count, number)

    def _finish(self, entries: int, shards: int) -> None:
        storage = self._job.workspace.storage
        for name in storage.names(self._folder):
            stem = name.split(".")[0]
            if stem.isdigit() and int(stem) >= shards:
                self._remove_shard(int(stem))
        done = SourceDone(
            fingerprint=fingerprint(self._made_of),
            made_of=dict(self._made_of),
            shard_size=self._job.recipe.text.run.shard_size,
            limit=self._limit,
            entries=entries,
            shards=shards,
            left_out=self._job.recipe.source.left_out,
        )
        data = orjson.dumps(done.model_dump(), option=orjson.OPT_INDENT_2)
        write_bytes(storage, f"{self._folder}/done.json", data)
        self._job.on_event(SourceRead(entries, shards, True))

    def _remove_shard(self, number: int) -> None:
        """Takes away the files of a shard that is no more; journals stay."""
        storage = self._job.workspace.storage
        for index in range(len(self._job.recipe.stages) + 1):
            folder = self._job.folder(index)
            for name in storage.names(folder):
                if name.startswith(f"{shard_name(number)}."):
                    storage.delete(f"{folder}/{name}")

    async def _write_shard(self, number: int, entries: list[Entry]) -> None:
        storage, name = self._job.workspace.storage, shard_name(number)
        source_print = fingerprint(self._made_of)
        input_sha256 = sha256_hex(canonical_json([dict(entry) for entry in entries]))
        if is_fresh(read_marker(storage, self._folder, name), source_print, input_sha256):
            return
        chunks = [entries[i : i + _CHUNK] for i in range(0, len(entries), _CHUNK)]
        pool, source = self._job.door.pool, self._job.recipe.source
        opened = await asyncio.gather(*(pool.run(open_chunk, source, chunk) for chunk in chunks))
        with ShardWriter(storage, self._folder, name) as writer:
            for one in itertools.chain.from_iterable(opened):
                _write_opened(writer, one)
            writer.commit(source_print, dict(self._made_of), input_sha256)


def _write_opened(writer: ShardWriter, opened: Opened) -> None:
    if opened.record is None:
        aside = SetAside(id=opened.record_id, reason=opened.reason, detail=opened.detail)
        side: Side = "failed" if opened.failed else "dropped"
        writer.set_aside(side, aside.model_dump_json(exclude_defaults=True).encode(), opened.reason)
        return
    record = opened.record
    if opened.rles:
        line = orjson.dumps({"id": record.id, "rles": list(opened.rles)})
        if record.masks is None or record.masks.sha256 != sha256_hex(line):
            raise AssertionError(f"{record.id}: the record does not name its own masks")
        writer.write_masks(line)
    writer.write(record.to_line())
