"""A loop whose time jumps to the next timer instead of waiting for it: hours take milliseconds.

A loop with nothing to do and nothing to wait for stands still for ever; here that is an error.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Jumps(selectors.DefaultSelector):
    """Passes the time that it was told to wait, instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise AssertionError(f"at {self.now:.3f} s all tasks wait, and for nothing")
            self.now += max(0.0, timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on virtual time; ``skip`` is a machine that slept."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.now

    def skip(self, seconds: float) -> None:
        """So long nothing ran, and all timers of that time are due at once."""
        self._jumps.now += seconds


def run_virtually(main: Coroutine[Any, Any, Result]) -> Result:
    """Like ``asyncio.run``, in no time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
