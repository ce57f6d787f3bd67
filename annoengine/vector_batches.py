"""Gathers items from many records into batches of one shape, for a model that embeds them.

A vector must not depend on which records were open at the same time. Libraries compute a row of a
matrix product the same way whatever its neighbours hold, as long as the whole has one shape: so
every batch has the same number of rows, the last one filled up with copies, and items go together
only where their ``shape`` is the same. The price is what the copies cost at the end of a run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""float32 (dimensions,)."""

_PATIENCE_S = 0.005
"""How long a batch that is not full waits for more while nothing else is to be done."""


@dataclass
class _Waiting:
    """Items of one shape that wait for their batch."""

    items: deque[tuple[Any, asyncio.Future[Vector]]] = field(default_factory=deque)


class VectorBatches:
    """Batches of ``rows`` items. ``prepare`` makes what ``embed`` takes out of the items of one
    shape, in a thread of its own, while ``embed`` works on the batch before it."""

    def __init__(
        self,
        rows: int,
        prepare: Callable[[Hashable, Sequence[Any]], Any],
        embed: Callable[[Any], NDArray[np.float32]],
    ) -> None:
        self.rows = rows
        self.batches = 0
        """How many were computed."""
        self.filled = 0
        """How many of their rows were copies."""
        self._prepare, self._embed = prepare, embed
        self._waiting: dict[Hashable, _Waiting] = {}
        self._preparing = ThreadPoolExecutor(1, "prepare-vectors")
        self._embedding = ThreadPoolExecutor(1, "embed")
        self._running: asyncio.Task[None] | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def vectors(self, items: Sequence[tuple[Hashable, Any]]) -> list[Vector]:
        """The vector of each (shape, item). What ``prepare`` and ``embed`` raise is raised."""
        loop = asyncio.get_running_loop()
        futures = []
        for shape, item in items:
            future: asyncio.Future[Vector] = loop.create_future()
            self._waiting.setdefault(shape, _Waiting()).items.append((item, future))
            futures.append(future)
        if self._running is None or self._running.done():
            self._running = loop.create_task(self._work())
        results = await asyncio.gather(*futures, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if not isinstance(result, BaseException)]

    async def _work(self) -> None:
        """Sends batches while items wait; one is prepared while another is computed."""
        while any(waiting.items for waiting in self._waiting.values()):
            shape = self._fullest()
            if len(self._waiting[shape].items) < self.rows:
                if self._open:
                    await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
                else:
                    await asyncio.sleep(_PATIENCE_S)
                shape = self._fullest()
            while len(self._open) >= 2:
                await asyncio.wait(self._open, return_when=asyncio.FIRST_COMPLETED)
            waiting = self._waiting[shape].items
            batch = [waiting.popleft() for _ in range(min(self.rows, len(waiting)))]
            task = asyncio.create_task(self._carry(shape, batch))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    def _fullest(self) -> Hashable:
        return max(self._waiting, key=lambda shape: len(self._waiting[shape].items))

    async def _carry(
        self, shape: Hashable, batch: list[tuple[Any, asyncio.Future[Vector]]]
    ) -> None:
        """Computes a batch; where that fails, each item alone, so that one fault costs one item."""
        loop = asyncio.get_running_loop()
        items = [item for item, _ in batch]
        copies = self.rows - len(items)
        try:
            prepared = await loop.run_in_executor(
                self._preparing, self._prepare, shape, [*items, *[items[-1]] * copies]
            )
            rows = await loop.run_in_executor(self._embedding, self._embed, prepared)
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    await self._carry(shape, [one])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        self.batches += 1
        self.filled += copies
        for (_, future), row in zip(batch, rows, strict=False):
            if not future.done():
                future.set_result(row)

    def close(self) -> None:
        """Ends its threads; may be called twice."""
        self._preparing.shutdown(wait=True, cancel_futures=True)
        self._embedding.shutdown(wait=True, cancel_futures=True)
