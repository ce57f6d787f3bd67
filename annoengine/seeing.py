"""Has the photographs of a shard seen by a model, for a barrier that decides by what it saw.

The vectors lie where those of ``ask.embed`` do, by content key, so that a run that was ended goes
on where it was. A photograph that cannot be read has none; the barrier sets its record aside.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np

from annoengine.errors import InputError
from annoengine.record import Record
from annoengine.shard import read_records, shard_name
from annoengine.stage import SeeingBarrier
from annoengine.step import Job, OpenStep
from annoengine.vectors import Vectors, picture_key


def records_into(job: Job, index: int, shard: int) -> Iterator[Record]:
    """The records that come into a stage."""
    key = f"{job.folder(index - 1)}/{shard_name(shard)}.jsonl"
    return read_records(job.workspace.storage, key)


def space_of(job: Job, role: str) -> str:
    """The model of a role by its weights, where its provider tells them, else by its name."""
    provider = job.door.provider(role)
    space: str = getattr(provider, "space", provider.name)
    return space


async def see_shard(job: Job, index: int, shard: int) -> None:
    """Computes the vectors that are missing of the records that come into a stage."""
    step = OpenStep(job, index, shard, None)
    try:
        role = _role(job, index)
        space, vectors = space_of(job, role), _vectors(step, job, role)
        open_now: set[asyncio.Task[None]] = set()
        try:
            for record in records_into(job, index, shard):
                if vectors.get(picture_key(record.photo.sha256, space)) is not None:
                    continue
                if job.door.stop is not None:
                    raise job.door.stop
                open_now.add(asyncio.create_task(_see(step, record, role)))
                if len(open_now) >= job.door.window(role):
                    done, open_now = await asyncio.wait(
                        open_now, return_when=asyncio.FIRST_COMPLETED
                    )
                    for task in done:
                        task.result()
            for task in open_now:
                await task
        finally:
            for task in open_now:
                task.cancel()
            await asyncio.gather(*open_now, return_exceptions=True)
    finally:
        step.close()


async def _see(step: OpenStep, record: Record, role: str) -> None:
    ask = step.ask(record)
    try:
        # Of a file that has changed since the source was read nobody looks for the vector.
        await ask.embed([await asyncio.to_thread(ask.files.image.read_bytes)], role)
    except (InputError, OSError):
        return


def seen_records(job: Job, index: int, shard: int) -> Iterator[tuple[Record, np.ndarray | None]]:
    """The records that come into a stage, each with its vector, float32 (dimensions,)."""
    step = OpenStep(job, index, shard, None)
    try:
        role = _role(job, index)
        space, vectors = space_of(job, role), _vectors(step, job, role)
        for record in records_into(job, index, shard):
            yield record, vectors.get(picture_key(record.photo.sha256, space))
    finally:
        step.close()


def _role(job: Job, index: int) -> str:
    stage = job.recipe.stages[index - 1].stage
    assert isinstance(stage, SeeingBarrier)
    return stage.sees_with()


def _vectors(step: OpenStep, job: Job, role: str) -> Vectors:
    return step.door.vectors(job.door.provider(role).name)
