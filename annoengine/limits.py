"""The gate in front of a model: how many calls it gets at once, how fast, and when none.

Four things hold a call back; a call that waits holds a part of none of them:

* the *pause*: the server said when to come again. Nothing is sent before; how long it is says
  nothing of what the server can bear, so nothing is learned from it.
* the *rates*: requests and tokens a minute, the least of what the recipe says, what the server
  announces and what its refusals taught. What is announced is a bound from above and never
  evidence of capacity: gateways announce what they please.
* the *concurrency*, learned too, and never more than the provider's window.
* the *hold*: nothing went through since the last trouble, so a few calls find out whether it is
  over, and the time between them grows.

A call that is tried again goes before those that were never sent. Learning costs a few refused
calls; a limit that the recipe states costs none. All times are of one monotonic clock.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from annoengine.concurrency import FIRST_CONCURRENCY as FIRST_CONCURRENCY
from annoengine.concurrency import Concurrency, Flight
from annoengine.pace import Bucket, Pace
from annoengine.provider import Announced

FIRST_HOLD_S = 0.5
_DOUBLED_HOLDS = 4
"""The hold doubles so often: from 0.5 to 8 s."""

_LONGEST_PAUSE_S = 86_400.0
"""A day: what a server asks for beyond that is taken for a mistake."""

_SHORTEST_TIMER_S = 0.001
_LONGEST_TIMER_S = 3_600.0

_SHARE_WEIGHT = 1 / 16
"""Of each new answer in the mean share that calls use of what they may use."""


class Stopped(Exception):
    """Nothing more is sent; raised for each call that waits for its turn."""


@dataclass(frozen=True)
class LimitState:
    """What the limits of a model are at a moment, for progress."""

    in_flight: int
    waiting: int
    concurrency: int
    """Calls that may be in flight."""
    requests_per_minute: float | None
    """The pace; None where there is none."""
    tokens_per_minute: float | None
    paused_for_s: float
    refused: int
    """Calls that were refused so far."""


class Slot(Flight):
    """A call's place in flight: what ``async with limits.slot(…)`` waits for and holds."""

    __slots__ = ("_limits", "taken", "tokens", "turn")

    def __init__(self, limits: Limits, tokens: int, again: bool) -> None:
        super().__init__(again)
        self._limits = limits
        self.tokens = max(0, tokens)
        self.taken = 0.0
        """Tokens that are set aside for it."""
        self.turn: asyncio.Future[bool] | None = None

    async def __aenter__(self) -> Slot:
        await self._limits._enter(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._limits._leave(self)


class Limits:
    """The gate in front of one model.

    ``requests_per_minute`` and ``tokens_per_minute`` are what the recipe says; ``window`` is what
    the provider wants in flight at most, or less where the recipe says so; ``first_hold_s`` is
    the first wait where nothing goes through. ``clock`` never goes back.
    """

    def __init__(
        self,
        window: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        first_concurrency: int = FIRST_CONCURRENCY,
        clock: Callable[[], float] = time.monotonic,
        first_hold_s: float = FIRST_HOLD_S,
    ) -> None:
        self.refused = 0
        self._clock = clock
        self._again: deque[Slot] = deque()
        self._fresh: deque[Slot] = deque()
        self._in_vain = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = -math.inf
        self._stopped: Exception | None = None
        self._open_at = -math.inf
        self._first_hold_s = first_hold_s
        self._fruitless = 0
        self._trouble_to = 0
        self._concurrency = Concurrency(window, first_concurrency)
        self._told = Announced(requests_per_minute, tokens_per_minute)
        self._announced = Announced()
        self._pace = Pace()
        self._measured_to = 0
        self._requests: Bucket | None = None
        self._tokens: Bucket | None = None
        self._share = 1.0
        self._set_rates(-math.inf)

    @property
    def in_flight(self) -> int:
        """Calls that hold a slot."""
        return self._concurrency.in_flight

    def state(self) -> LimitState:
        """A snapshot for progress."""
        return LimitState(
            in_flight=self.in_flight,
            waiting=len(self._again) + len(self._fresh),
            concurrency=self._concurrency.allowed,
            requests_per_minute=self._requests.per_s * 60 if self._requests else None,
            tokens_per_minute=self._tokens.per_s * 60 if self._tokens else None,
            paused_for_s=max(0.0, self._open_at - self._clock()),
            refused=self.refused,
        )

    # In and out.

    def slot(self, tokens: int = 0, again: bool = False) -> Slot:
        """A place in flight, waited for and held by ``async with``.

        ``tokens`` is the most that the call may use; ``again`` says that it was sent before.
        Raises Stopped, or what :meth:`stop` was given.
        """
        return Slot(self, tokens, again)

    async def _enter(self, slot: Slot) -> None:
        if self._stopped is not None:
            raise self._stopped
        now = self._clock()
        if not self._again and not self._fresh and self._held_for_s(slot, now) <= 0:
            self._send(slot, now)
            return
        slot.turn = asyncio.get_running_loop().create_future()
        queue = self._again if slot.again else self._fresh
        queue.append(slot)
        if len(queue) == 1:  # else the same call is the next as before, and cannot go yet
            self._pump()
        try:
            goes = await slot.turn
        except BaseException:
            if slot.number:
                self._take_back(slot)
            elif slot in queue:
                queue.remove(slot)
                self._pump()
            raise
        if not goes:
            assert self._stopped is not None
            raise self._stopped

    def _held_for_s(self, slot: Slot, now: float) -> float:
        """For how long this call is held back; infinite where another has to end first."""
        if self._concurrency.in_flight >= self._concurrency.allowed:
            return math.inf
        if self._open_at > now:
            return self._open_at - now
        held_s = 0.0
        if self._requests is not None:
            held_s = self._requests.wait_s(1.0, now)
            self._pace.used = self._pace.used or held_s > 0
        if self._tokens is not None:
            held_s = max(held_s, self._tokens.wait_s(slot.tokens * self._share, now))
        return held_s

    def _send(self, slot: Slot, now: float) -> None:
        self._concurrency.begin(slot, now)
        self._pace.sent(now)
        if self._requests is not None:
            self._requests.take(1.0, now)
        if self._tokens is not None:
            slot.taken = slot.tokens * self._share
            self._tokens.take(slot.taken, now)

    def _leave(self, slot: Slot) -> None:
        self._concurrency.end(slot)
        if self._again or self._fresh:
            self._pump()

    def _take_back(self, slot: Slot) -> None:
        """The call was cancelled between getting its turn and being sent."""
        now = self._clock()
        self._pace.unsent(slot.sent_at)
        if self._requests is not None:
            self._requests.give(1.0, now)
        self._give_back(slot, 0.0, now)
        self._leave(slot)

    def _give_back(self, slot: Slot, used: float, now: float) -> None:
        if self._tokens is not None:
            self._tokens.give(slot.taken - used, now)
        slot.taken = 0.0

    def _pump(self) -> None:
        """Lets through whoever may go now, and comes back when the next may."""
        now = self._clock()
        self._pace.proven(self._concurrency.age(now))
        while self._again or self._fresh:
            retry = bool(self._again) and not (self._in_vain and self._fresh)
            queue = self._again if retry else self._fresh
            slot = queue[0]
            assert slot.turn is not None
            if not slot.turn.done():
                held_s = self._held_for_s(slot, now)
                if held_s == math.inf:
                    held_s = self._concurrency.ages_in_s(now)
                if held_s > 0:
                    self._come_back(held_s, now)
                    return
                self._send(slot, now)
                slot.turn.set_result(True)
                self._in_vain = self._in_vain and retry
            queue.popleft()

    def _come_back(self, after_s: float, now: float) -> None:
        if after_s == math.inf:
            return
        after_s = min(max(after_s, _SHORTEST_TIMER_S), _LONGEST_TIMER_S)
        if self._timer is not None:
            if self._timer_at <= now + after_s:
                return
            self._timer.cancel()
        self._timer_at = now + after_s
        self._timer = asyncio.get_running_loop().call_later(after_s, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._pump()

    # What came of the calls.

    def succeeded(self, slot: Slot, tokens_used: float | None = None) -> None:
        """A call was answered, and used so many tokens where that is known."""
        now = self._clock()
        self._fruitless = 0
        self._pace.proven(not slot.aged)
        self._concurrency.answered(slot, now)
        if tokens_used is not None and slot.taken:
            self._share += (tokens_used / slot.tokens - self._share) * _SHARE_WEIGHT
            self._give_back(slot, tokens_used, now)
        if self._pace.answered(now):
            self._set_rates(now)

    def refused_by_server(self, slot: Slot, after_s: float | None = None) -> None:
        """A call was refused because there were too many; ``after_s`` is when to come again."""
        now = self._clock()
        self.refused += 1
        hold_s = self._hold_s(slot)
        if slot.number <= self._measured_to:
            self._pace.refused_too(slot.sent_at)
        elif self._pace.refused(slot.sent_at, now):
            self._measured_to = self._concurrency.sent
            self._concurrency.refused(slot, now, self._pace.per_s)
        self._give_back(slot, 0.0, now)
        self._set_rates(now)
        if self._requests is not None:
            self._requests.drain(now)
        self.pause(max(hold_s, after_s or 0.0))

    def congested(self, slot: Slot) -> None:
        """The server broke under a call (5xx, a stall): fewer at once, at the same pace."""
        self._concurrency.congested(slot, self._clock())
        self.pause(self._hold_s(slot))

    def _hold_s(self, slot: Slot) -> float:
        """How long to hold all calls back where none went through since the last trouble."""
        self._in_vain = self._in_vain or slot.again
        if slot.number <= self._trouble_to:
            return 0.0
        self._trouble_to = self._concurrency.sent
        self._fruitless += 1
        if self._fruitless < 2:
            return 0.0
        return self._first_hold_s * 2.0 ** min(self._fruitless - 2, _DOUBLED_HOLDS)

    def pause(self, seconds: float) -> None:
        """Sends nothing for so long; a longer pause that is under way stands."""
        if seconds > 0:
            self._open_at = max(self._open_at, self._clock() + min(seconds, _LONGEST_PAUSE_S))

    # What is known of the limits.

    def announce(self, announced: Announced) -> None:
        """What the server says of its limits: bounds from above."""
        if announced != self._announced:
            self._announced = announced
            self._set_rates(self._clock())

    def change(
        self,
        window: int,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
    ) -> None:
        """Other limits than the recipe's from now on, None for none; for waiting calls too."""
        self._concurrency.change(window)
        self._told = Announced(requests_per_minute, tokens_per_minute)
        self._pace.try_again()
        self._set_rates(self._clock())
        self._pump()

    def _set_rates(self, now: float) -> None:
        told, announced = self._told, self._announced
        learned = None if self._pace.per_s is None else self._pace.per_s * 60
        requests = _least(told.requests_per_minute, announced.requests_per_minute, learned)
        tokens = _least(told.tokens_per_minute, announced.tokens_per_minute)
        self._requests = _with_rate(self._requests, requests, now)
        self._tokens = _with_rate(self._tokens, tokens, now)

    def stop(self, reason: Exception | None = None) -> None:
        """Sends nothing more: calls that wait, and those that come, get ``reason`` or Stopped."""
        self._stopped = self._stopped or reason or Stopped("no more calls are sent")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for queue in (self._again, self._fresh):
            for slot in queue:
                if slot.turn is not None and not slot.turn.done():
                    slot.turn.set_result(False)
            queue.clear()


def _least(*per_minute: float | None) -> float | None:
    """The least of the rates that are one; nonsense that a header says is none.

    >>> _least(None, 0, float("nan"), float("inf"), 1800.0)
    1800.0
    """
    known = [rate for rate in per_minute if rate is not None and 0 < rate < math.inf]
    return min(known, default=None)


def _with_rate(bucket: Bucket | None, per_minute: float | None, now: float) -> Bucket | None:
    if per_minute is None:
        return None
    if bucket is None:
        return Bucket(per_minute / 60, now)
    bucket.change(per_minute / 60, now)
    return bucket
