"""An executor: who carries shards. Kinds live in ``annoengine/executors/``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from annoengine.step import Job


class Executor(Protocol):
    """Takes shards as they come and has each one worked on, some at the same time.

    The same plan under each executor gives the same bytes: a shard depends on nothing but its
    input and, behind a barrier, on the decision.
    """

    async def carry(
        self, job: Job, shards: AsyncIterator[int], work: Callable[[int], Awaitable[None]]
    ) -> None:
        """Returns when every shard is done; raises the first error when all have ended."""
        ...
