"""Sends a long row of tasks through the CPU pool and gives their results in the row's order.

A bounded number of tasks is on the way at a time, so that memory does not grow with the row. A
task whose process dies (an image that crashes a decoder) fails alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from annoengine.compute import Pool
from annoengine.errors import RecordFailed

Task = TypeVar("Task")
Result = TypeVar("Result")

_BATCH = 16
"""Tasks sent at once, so that the trips to other processes cost little beside the work."""
_BATCHES_A_WORKER = 4
"""Batches on the way for each worker, so that none of them waits for the slowest."""

FEW = 200
"""So many pictures are looked at sooner here than processes for them are started."""


def results_in_order(
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: int,
    died: Callable[[Task, str], Result],
) -> Iterator[Result]:
    """The function's result for every task, in order. 0 workers compute here.

    The function is picklable. ``died`` gives the result of a task whose process died, from the
    task and a sentence.
    """
    if workers == 0:
        yield from map(function, tasks)
        return
    pool = Pool(workers)
    try:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            on_the_way: deque[asyncio.Task[list[Result]]] = deque()
            for batch in _batches(tasks):
                on_the_way.append(loop.create_task(_results(pool, function, batch, died)))
                if len(on_the_way) > workers * _BATCHES_A_WORKER:
                    yield from runner.run(_wait(on_the_way.popleft()))
            while on_the_way:
                yield from runner.run(_wait(on_the_way.popleft()))
    finally:
        pool.close()


async def _wait(task: asyncio.Task[list[Result]]) -> list[Result]:
    return await task


async def _results(
    pool: Pool,
    function: Callable[[Task], Result],
    batch: Sequence[Task],
    died: Callable[[Task, str], Result],
) -> list[Result]:
    try:
        return await pool.run(_each, function, batch)
    except RecordFailed:
        results = []
        for task in batch:
            try:
                results += await pool.run(_each, function, [task])
            except RecordFailed as failed:
                results.append(died(task, failed.detail))
        return results


def _each(function: Callable[[Task], Result], batch: Sequence[Task]) -> list[Result]:
    return [function(task) for task in batch]


def _batches(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    batch: list[Task] = []
    for task in tasks:
        batch.append(task)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
