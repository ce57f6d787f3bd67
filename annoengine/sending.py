"""One call on its way: limits → budget → journal → provider → journal, looped by retry.

The retry loop (tenacity) is the only one of the run. A waiting retry holds neither a slot nor
money, and goes before calls that were never sent. Being told to slow down is no fault of the
call: it counts as a fifth of a try. When the run is stopping, calls in flight finish and are kept,
and others raise what stops the run.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from annoengine.budget import Reservation, in_usd
from annoengine.door import Door, RetryPolicy
from annoengine.errors import BudgetReached, ProviderUnusable, RecordFailed
from annoengine.journal import Journal
from annoengine.limits import Limits, Slot
from annoengine.model_chain import Model
from annoengine.pricing import Price, cost_of, most_of
from annoengine.provider import Provider, Reply, Request, Retry
from annoengine.request_tokens import TokenBounds, request_tokens

_SLOW_DOWNS_A_TRY = 5
"""How often a server may tell us to slow down before that counts as a failed try."""

_USUAL_OUTPUT = 1024
"""Tokens of an answer that are set aside in the limits where the request names no limit."""


class _TryAgain(Exception):
    def __init__(self, retry: Retry, error: Exception) -> None:
        super().__init__(str(error))
        self.retry = retry


@dataclass(frozen=True)
class Call:
    """What is sent, and by which name it is found again."""

    record: str
    turn: str
    key: str
    request: Request
    content: dict[str, Any]
    provider: Provider
    model: Model


@dataclass(frozen=True)
class Sent:
    """A call's outcome and what it cost; ``usd`` is None where no price is known."""

    reply: Reply
    usd: float | None


def _wait_s(policy: RetryPolicy, error: BaseException | None, tried: int = 1) -> float:
    """Exponential back-off with full jitter; none where the server said when to come again.

    In that case the limits hold every call to the model back until then, and let this one go
    first.
    """
    if isinstance(error, _TryAgain) and error.retry.after_s is not None:
        return 0.0
    longest_s = min(policy.longest_wait_s, policy.first_wait_s * 2.0 ** (tried - 1))
    return random.uniform(0, longest_s)


class Sending:
    """The tries of one call."""

    def __init__(self, door: Door, journal: Journal, call: Call) -> None:
        self._door = door
        self._journal = journal
        self._call = call
        self._limits: Limits = door.limits_of(call.model, call.provider)
        self._price: Price | None = door.price(call.model, call.provider)
        self._bounds: TokenBounds = request_tokens(call.provider.name, call.request)
        self._most: int = most_of(self._price, self._bounds)
        self._failures = 0.0
        """Tries that failed; one that was told to slow down counts less."""

    async def outcome(self) -> Sent:
        """The outcome of the call, journalled; ``gave_up`` where every try failed."""
        door = self._door
        try:
            try:
                return await self._attempt(again=False)
            except _TryAgain as error:
                # Nearly every call ends with its first try; the loop is made only for the rest.
                if self._is_enough():
                    raise
                await door.sleep(_wait_s(door.policy, error))
                sent: Sent = await self._retrying()(self._attempt, again=True)
                return sent
        except _TryAgain as error:
            detail = f"gave up after {self._journal_tries()} tries: {error}"
            return Sent(self.gave_up(detail), 0.0)

    def _journal_tries(self) -> int:
        return self._journal.last_try(self._call.record, self._call.turn, self._call.key)

    def _is_enough(self) -> bool:
        return self._failures > self._door.policy.tries - 1 + 1e-9

    def _retrying(self) -> AsyncRetrying:
        """The loop of all tries after the first one and its wait."""

        def wait_s(state: RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return _wait_s(self._door.policy, error, state.attempt_number + 1)

        return AsyncRetrying(
            retry=retry_if_exception_type(_TryAgain),
            stop=lambda state: self._is_enough(),
            wait=wait_s,
            sleep=self._door.sleep,
            reraise=True,
        )

    async def _attempt(self, again: bool) -> Sent:
        """One try. Raises _TryAgain, or what stops the run."""
        door = self._door
        tokens = self._bounds.likely_input + (self._bounds.most_output or _USUAL_OUTPUT)
        async with self._limits.slot(tokens, again) as slot:
            try:
                reservation = await door.budget.reserve(self._most)
            except BudgetReached as reached:
                door.stop_with(reached)
                raise
            try:
                if door.stop is not None:
                    raise door.stop
                return await self._try(slot, reservation)
            finally:
                door.budget.settle(reservation)

    async def _try(self, slot: Slot, reservation: Reservation) -> Sent:
        call, journal = self._call, self._journal
        most_usd = None if self._price is None else in_usd(self._most)
        number = journal.asked(
            call.record, call.turn, call.key, call.provider.name, call.content, most_usd
        )
        # Whatever becomes of it now, it may have been paid until we know better.
        reservation.cost = reservation.most
        started = time.monotonic()
        try:
            reply = await call.provider.reply(call.request)
        except RecordFailed as error:  # a picture that cannot be read: nothing was sent
            self._failed(number, Retry("never", error.reason), str(error), reservation)
            raise
        except Exception as error:
            verdict = call.provider.classify(error)
            detail = f"{type(error).__name__}: {error}"[:500]
            if verdict.outcome is None:
                self._failed(number, verdict, detail, reservation)
                return self._after(verdict, error, slot)
            reply = Reply("", verdict.outcome, call.provider.name, detail)
        usd = self._charge(reply, reservation)
        journal.answered(
            call.record, call.turn, call.key, number, reply, time.monotonic() - started, usd
        )
        used = (reply.usage.input_tokens or 0) + (reply.usage.output_tokens or 0)
        self._limits.succeeded(slot, used or None)
        if reply.announced is not None:
            self._limits.announce(reply.announced)
        return Sent(reply.of(call.key, call.turn, number), usd)

    def _charge(self, reply: Reply, reservation: Reservation) -> float | None:
        """What an answered call cost: by its usage, else at its bound."""
        if self._price is None:
            reservation.cost = 0
            return None
        cost = cost_of(self._price, reply.usage)
        if cost is not None:
            reservation.cost = cost
        return in_usd(reservation.cost)

    def _failed(self, number: int, verdict: Retry, detail: str, reservation: Reservation) -> None:
        call = self._call
        if verdict.paid == "no":
            reservation.cost = 0
        self._journal.failed(
            call.record, call.turn, call.key, number, verdict.reason, detail, verdict.paid
        )

    def _after(self, verdict: Retry, error: Exception, slot: Slot) -> Sent:
        """What a failed try leads to."""
        name = self._call.provider.name
        if verdict.action == "fatal":
            stop = ProviderUnusable(
                f"{name}: {verdict.reason}. Nothing is lost: mend it and run the same command again"
            )
            self._door.stop_with(stop)
            raise stop from error
        if verdict.action == "never":
            return Sent(self.gave_up(verdict.reason), 0.0)
        if verdict.action == "slow_down":
            self._failures += 1 / _SLOW_DOWNS_A_TRY
            self._limits.refused_by_server(slot, verdict.after_s)
            if verdict.announced is not None:
                self._limits.announce(verdict.announced)
        else:
            self._failures += 1
            if verdict.after_s is not None:
                self._limits.pause(verdict.after_s)
            else:
                self._limits.congested(slot)
        raise _TryAgain(verdict, error) from error

    def gave_up(self, detail: str) -> Reply:
        """An outcome of our own making: kept, so that a resume takes the same path again."""
        call = self._call
        number = self._journal_tries()
        reply = Reply(
            text="",
            outcome="gave_up",
            model=call.provider.name,
            detail=detail,
            key=call.key,
            turn=call.turn,
            tries=number,
        )
        self._journal.answered(call.record, call.turn, call.key, number, reply, 0.0, 0.0)
        return reply
