"""Calls that hold a slot until a test tells them what became of them, on the virtual clock."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

from annoengine.limits import Limits, Slot
from tests.limits_clock import run_virtually


def now() -> float:
    """The virtual time."""
    return asyncio.get_running_loop().time()


def gate(
    window: int = 64, requests: float | None = None, tokens: float | None = None, first: int = 12
) -> Limits:
    """Limits on the virtual clock."""
    return Limits(window, requests, tokens, first, asyncio.get_running_loop().time)


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Runs a test on the virtual clock."""

    def run() -> None:
        run_virtually(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def settle() -> None:
    """Lets all tasks go as far as they can without time passing."""
    for _ in range(20):
        await asyncio.sleep(0)


class Holder:
    """A call that takes a slot and keeps it until it is told what became of it."""

    def __init__(self, limits: Limits, tokens: int = 0, again: bool = False) -> None:
        self.slot: Slot | None = None
        self.went_at = math.nan
        self._limits = limits
        self._end: asyncio.Future[Callable[[Slot], None]] = asyncio.Future()
        self.task = asyncio.ensure_future(self._hold(tokens, again))

    async def _hold(self, tokens: int, again: bool) -> None:
        async with self._limits.slot(tokens, again) as slot:
            self.slot, self.went_at = slot, now()
            (await self._end)(slot)

    @property
    def went(self) -> bool:
        """Has it got its slot?"""
        return self.slot is not None

    async def end(self, report: Callable[[Slot], None] = lambda slot: None) -> None:
        """Its call has come back."""
        self._end.set_result(report)
        await self.task
        await settle()


async def holders(limits: Limits, n: int, tokens: int = 0, again: bool = False) -> list[Holder]:
    """So many calls that want a slot, in order."""
    made = []
    for _ in range(n):
        made.append(Holder(limits, tokens, again))
        await settle()
    return made
