"""Carries shards in this process, so many at once that the models' windows stay full."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable

from annoengine.errors import RunStopped
from annoengine.step import Job

_MOST_OPEN = 128
"""Shards open at the same time: each holds a few files and a window of records."""


class Local:
    """The executor of one machine."""

    def open_shards(self, job: Job) -> int:
        """How many shards are open at once: twice the widest window of records, and one more.

        The one more keeps the models busy while the slowest answers of a shard are awaited.
        """
        ahead = max((job.ahead(built.stage) for built in job.recipe.stages), default=1)
        return min(_MOST_OPEN, 1 + math.ceil(ahead / job.recipe.text.run.shard_size))

    async def carry(
        self, job: Job, shards: AsyncIterator[int], work: Callable[[int], Awaitable[None]]
    ) -> None:
        """Works on shards as the feed gives them."""
        places = asyncio.Semaphore(self.open_shards(job))
        running: set[asyncio.Task[None]] = set()
        errors: list[BaseException] = []

        async def one(shard: int) -> None:
            try:
                await work(shard)
            except Exception as error:
                errors.append(error)
                reason = error if isinstance(error, RunStopped) else RunStopped(str(error))
                job.door.stop_with(reason)
            finally:
                places.release()

        try:
            await places.acquire()
            async for shard in shards:
                if errors or job.door.stop is not None:
                    break
                task = asyncio.create_task(one(shard))
                running.add(task)
                task.add_done_callback(running.discard)
                await places.acquire()
            await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        if errors:
            # A stop that was only passed on says less than what caused it.
            raise next((e for e in errors if e is not job.door.stop), errors[0])
        if job.door.stop is not None:
            raise job.door.stop
