"""Sends calls to a child server that may die, so that a death costs no call and no record.

A call that was in flight when the server died is sent again to the next one, within the same try:
nothing was paid for it. A call may be what the server dies of. One that has seen two deaths in
company is sent alone; if the server dies again and the next one answers a small question (the
``probe``), that call is at fault and given up, and every other goes on. A server that dies again
and again without an answer in between is given up as a whole.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from annoengine.chat_errors import BrokenCall, MalformedReply, Rejected
from annoengine.child_server import ChildServer, ServerFailed, ServerPlan

Result = TypeVar("Result")

_DEATHS_IN_COMPANY = 2
_FIRST_WAIT_S = 1.0
"""Before the second start in a row; twice as long before the next: a driver frees memory late."""

_SERVER_ERROR = 500
_PORTS = 2
"""Further ports that are tried where another process takes one between its choice and its use."""


class ServerGivenUp(Exception):
    """The server dies again and again. The text tells how often, and what its log said last."""


class DeadlyCall(Exception):
    """The server dies of this call, and of no other."""


class KeptServer:
    """A server that is started anew when it dies, at most ``restarts`` times in a row.

    ``probe`` asks the server at an address something small; it raises where there is no answer.
    """

    def __init__(
        self,
        plan: ServerPlan,
        probe: Callable[[str], Awaitable[object]],
        restarts: int,
    ) -> None:
        self.plan = plan
        self.deaths = 0
        """How often it died so far."""
        self._probe = probe
        self._restarts = restarts
        self._server: ChildServer | None = None
        self._in_a_row = 0
        self._last_words = ""
        self._given_up: ServerGivenUp | None = None
        self._changing = asyncio.Lock()
        self._doors = asyncio.Condition()
        self._inside = 0
        self._is_alone = False
        self._want_alone = 0

    @property
    def server(self) -> ChildServer | None:
        """The server that runs now."""
        return self._server

    async def start(self) -> None:
        """Starts it for the first time.

        Raises ServerFailed. Only where another process took the port is it tried again.
        """
        for left in range(_PORTS, -1, -1):
            server = ChildServer(self.plan)
            try:
                await server.start()
            except ServerFailed as error:
                if not left or "already in use" not in str(error):
                    raise
            else:
                self._server = server
                return

    async def stop(self) -> None:
        """Ends it; may be called twice."""
        server, self._server = self._server, None
        self._given_up = self._given_up or ServerGivenUp(f"{self.plan.name} was closed")
        if server is not None:
            await server.stop()

    async def send(self, call: Callable[[str], Awaitable[Result]]) -> Result:
        """What ``call`` gives, which is given the server's address.

        Raises what ``call`` raises while the server is well, DeadlyCall, and ServerGivenUp.
        """
        deaths = 0
        while True:
            alone = deaths >= _DEATHS_IN_COMPANY
            async with self._room(alone):
                server = await self._up()
                try:
                    result = await call(server.base_url)
                except (BrokenCall, MalformedReply, Rejected) as error:
                    if isinstance(error, Rejected) and error.status < _SERVER_ERROR:
                        raise
                    if not await self._is_lost(server, error):
                        raise
                    # What did not get there is not what the server died of.
                    deaths += not (isinstance(error, BrokenCall) and not error.sent)
                    if alone and deaths > _DEATHS_IN_COMPANY and await self._answers_others():
                        raise DeadlyCall(
                            f"{self.plan.name} died {deaths} times of this call, and of no other: "
                            f"{self._last_words}"
                        ) from error
                else:
                    self._in_a_row = 0
                    return result

    async def _answers_others(self) -> bool:
        """Does a new server answer something small? Raises ServerGivenUp as the call would."""
        server = await self._up()
        try:
            await self._probe(server.base_url)
        except (BrokenCall, Rejected) as error:
            await self._is_lost(server, error)
            return False
        self._in_a_row = 0
        return True

    async def _up(self) -> ChildServer:
        """The server, started anew where it is gone. Raises ServerGivenUp."""
        if self._given_up is None and self._server is not None:
            return self._server
        async with self._changing:
            while self._given_up is None and self._server is None:
                await self._start_again()
            if self._given_up is not None:
                raise ServerGivenUp(*self._given_up.args)
            assert self._server is not None
            return self._server

    async def _start_again(self) -> None:
        if self._in_a_row >= self._restarts:
            self._given_up = ServerGivenUp(
                f"{self.plan.name} died {times(self._in_a_row + 1)} without an answer in between, "
                f"and is not started again (restarts: {self._restarts}): {self._last_words}\n"
                "That is all it says"
            )
            return
        if self._in_a_row:
            await asyncio.sleep(_FIRST_WAIT_S * 2.0 ** (self._in_a_row - 1))
        self._in_a_row += 1
        self.plan.tell(
            f"{self.plan.name} died; it is started again ({self._in_a_row} of {self._restarts})"
        )
        server = ChildServer(self.plan)
        try:
            await server.start()
        except ServerFailed as error:
            self.deaths += 1
            self._last_words = str(error)
            return
        if self._given_up is not None:  # closed meanwhile
            await server.stop()
            return
        self._server = server

    async def _is_lost(self, server: ChildServer, error: Exception) -> bool:
        """After a call without an answer: is that server gone? One that is not well is ended."""
        async with self._changing:
            if self._server is not server:
                return True
            if await server.is_well():
                return False
            # What it said last is read before it is told to end.
            words = f"{error}{server.quoted_log()}"
            await server.stop()
            self._server = None
            self.deaths += 1
            self._last_words = words
            return True

    @contextlib.asynccontextmanager
    async def _room(self, alone: bool) -> AsyncIterator[None]:
        """Among the others; or, ``alone``, when all of them are through, and with none beside."""
        async with self._doors:
            if alone:
                self._want_alone += 1
                try:
                    await self._doors.wait_for(lambda: not self._inside)
                finally:
                    self._want_alone -= 1
                    self._doors.notify_all()
            else:
                await self._doors.wait_for(lambda: not self._want_alone and not self._is_alone)
            self._inside += 1
            self._is_alone = alone
        try:
            yield
        finally:
            async with self._doors:
                self._inside -= 1
                self._is_alone = False
                self._doors.notify_all()


def times(number: int) -> str:
    """How often, in words.

    >>> times(1), times(3)
    ('once', '3 times')
    """
    return "once" if number == 1 else f"{number} times"
