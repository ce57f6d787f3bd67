"""The CPU pool: picklable functions in spawned processes, and a dead process costs one record.

When a worker dies (a decoder that crashes, the kernel's out-of-memory killer) every function then
in the pool is sent once more, one at a time in a process of its own, so that only the one that
kills its worker fails.
"""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from annoengine.errors import RecordFailed

Result = TypeVar("Result")

_WORKER_ENVIRONMENT = {
    # The pool is the parallelism; a matrix library with threads of its own only fights it.
    "OPENBLAS_NUM_THREADS": "1",
    # glibc gives large arrays back to the kernel at once, and pays for each page again: with
    # these, decoding a panoptic PNG of 640 by 480 took 2.7 ms instead of 3.9.
    "MALLOC_MMAP_THRESHOLD_": "100000000",
    "MALLOC_TRIM_THRESHOLD_": "100000000",
}


def _end_with_parent() -> None:
    """Ends this worker when its parent is gone: after a SIGKILL nobody else would tell it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _start_worker() -> None:
    """One thread a worker: the pool itself is the parallelism. Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        import cv2

        cv2.setNumThreads(1)
    except ImportError:
        pass


class Pool:
    """A pool of ``workers`` processes, started when first used; 0 computes in a thread here."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: ProcessPoolExecutor | None = None
        self._alone: asyncio.Lock | None = None

    def _make(self, workers: int) -> ProcessPoolExecutor:
        for name, value in _WORKER_ENVIRONMENT.items():
            # Read when a process starts, and workers start one by one, as they are needed.
            os.environ.setdefault(name, value)
        return ProcessPoolExecutor(
            max_workers=workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_start_worker,
        )

    async def run(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """The function's result. Its own exceptions pass; a dead worker is RecordFailed."""
        call = functools.partial(function, *arguments)
        if self.workers == 0:
            return await asyncio.to_thread(call)
        if self._pool is None:
            self._pool = self._make(self.workers)
        pool = self._pool
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(pool, call)
        except BrokenProcessPool:
            if self._pool is pool:
                self._pool = None
                pool.shutdown(wait=False, cancel_futures=True)
        return await self._run_alone(call)

    async def _run_alone(self, call: Callable[[], Result]) -> Result:
        if self._alone is None:
            self._alone = asyncio.Lock()
        async with self._alone:
            pool = self._make(1)
            try:
                return await asyncio.get_running_loop().run_in_executor(pool, call)
            except BrokenProcessPool:
                raise RecordFailed(
                    "worker died",
                    "the process that worked on this record died twice; is the machine out of "
                    "memory, or does its image crash a decoder?",
                ) from None
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Ends the workers; may be called twice."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def default_workers() -> int:
    """As many workers as this process may use cores."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
