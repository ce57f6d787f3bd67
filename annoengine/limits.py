"""How many calls a provider gets at once, and when it gets none because it asked us to wait.

The simple policy; requests and tokens per minute and a learned concurrency belong here too.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable


class Limits:
    """The gate in front of one provider: a number of slots, and a time before which none opens."""

    def __init__(
        self,
        slots: int,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        stopping: asyncio.Event | None = None,
    ) -> None:
        self.slots = slots
        self._sleep = sleep
        self._stopping = stopping
        self.in_flight = 0
        self._semaphore = asyncio.Semaphore(slots)
        self._open_at = 0.0

    def pause(self, seconds: float) -> None:
        """Sends nothing for so long; a longer pause that is under way stands."""
        self._open_at = max(self._open_at, asyncio.get_running_loop().time() + seconds)

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Holds a slot. Waits for a free one, then for the end of any pause."""
        async with self._semaphore:
            loop = asyncio.get_running_loop()
            while (wait_s := self._open_at - loop.time()) > 0:
                if self._stopping is not None and self._stopping.is_set():
                    break
                await self._sleep(wait_s)
            self.in_flight += 1
            try:
                yield
            finally:
                self.in_flight -= 1
