"""A simulated server with limits, and a client that sends it calls through ``Limits``.

Both live on the virtual clock of ``tests.limits_clock``, so that counts and ratios are exact.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from annoengine.limits import Limits
from annoengine.provider import Announced
from tests.limits_clock import run_virtually

Latency = Callable[[random.Random], float]


def steady(seconds: float) -> Latency:
    """Every answer takes so long."""
    return lambda rnd: seconds


FIFTY_MS = steady(0.05)


def jittered(seconds: float) -> Latency:
    """Answers take about so long, as answers of models do."""
    return lambda rnd: seconds * rnd.lognormvariate(0, 0.3)


def between(least: float, most: float) -> Latency:
    """Answers take any time between."""
    return lambda rnd: rnd.uniform(least, most)


@dataclass
class Server:
    """Lets through what its buckets hold, answers after ``latency_s``, refuses after ``refusal_s``.

    ``per_minute`` requests flow into a bucket of ``bucket``; None lets all through; ``change`` is
    another rate after so many calls that were let through. ``places`` is how many calls it bears
    at once. Calls between the two moments of ``outage_s`` are refused whatever the buckets hold,
    and so is a ``refused_share`` of all.
    """

    per_minute: float | None = 1800
    bucket: float = 30
    latency_s: Latency = FIFTY_MS
    refusal_s: float = 0.02
    retry_after_s: float | None = 1.0
    announced: Announced | None = None
    change: tuple[int, float] | None = None
    tokens_per_minute: float | None = None
    token_bucket: float = 0
    counts_most: bool = False
    places: int | None = None
    outage_s: tuple[float, float] = (0, 0)
    refused_share: float = 0
    seed: int = 0
    through: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    refused_at: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rnd = random.Random(self.seed)
        self._level = self.bucket
        self._token_level = self.token_bucket
        self._at = 0.0

    @property
    def refused(self) -> int:
        """Calls that were refused."""
        return len(self.refused_at)

    def missing_s(self, now: float) -> float:
        """How long until the bucket of requests lets one through."""
        self._flow(now)
        if self.per_minute is None:
            return 0.0
        return max(0.0, (1 - self._level) / self.per_minute * 60)

    def _flow(self, now: float) -> None:
        minutes, self._at = (now - self._at) / 60, now
        if self.per_minute is not None:
            self._level = min(self.bucket, self._level + minutes * self.per_minute)
        if self.tokens_per_minute is not None:
            flow = minutes * self.tokens_per_minute
            self._token_level = min(self.token_bucket, self._token_level + flow)

    def _refuses(self, now: float, tokens: float) -> bool:
        self._flow(now)
        return (
            (self.places is not None and self.in_flight >= self.places)
            or (self.per_minute is not None and self._level < 1 - 1e-9)
            or (self.tokens_per_minute is not None and self._token_level < tokens - 1e-6)
            or self.outage_s[0] <= now < self.outage_s[1]
            or (self.refused_share > 0 and self._rnd.random() < self.refused_share)
        )

    async def call(self, most: float = 0, used: float = 0) -> bool:
        """One call: True when it was answered, False when it was refused."""
        now = asyncio.get_running_loop().time()
        tokens = most if self.counts_most else used
        if self._refuses(now, tokens):
            self.refused_at.append(now)
            await asyncio.sleep(self.refusal_s)
            return False
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        await asyncio.sleep(self.let_through(tokens))
        self.in_flight -= 1
        return True

    def let_through(self, tokens: float = 0) -> float:
        """Takes a call from the buckets; gives the seconds that its answer takes."""
        self._level -= 1
        self._token_level -= tokens
        self.through += 1
        if self.change is not None and self.through == self.change[0]:
            self.per_minute = self.change[1]
        return self.latency_s(self._rnd)


@dataclass
class Client:
    """Calls as annoengine makes them: what is refused comes again when the server says, or later.

    ``tokens`` are the most that each call may use, and what it uses. ``broken`` says of a call's
    number and its try whether it is refused for a reason of its own.
    """

    server: Server
    limits: Limits
    tokens: Callable[[int], tuple[int, int]] = lambda number: (0, 0)
    broken: Callable[[int, int], bool] = lambda number, tried: False
    tries: int = 1_000_000
    ended_at: dict[int, float] = field(default_factory=dict)
    gave_up: int = 0

    async def call(self, number: int) -> None:
        """One call until it is answered or was tried often enough."""
        server, limits = self.server, self.limits
        rnd = random.Random(f"{server.seed}/{number}")
        most, used = self.tokens(number)
        for tried in range(self.tries):
            async with limits.slot(most, again=tried > 0) as slot:
                if self.broken(number, tried):
                    await asyncio.sleep(server.refusal_s)
                elif await server.call(most, used):
                    limits.succeeded(slot, used or None)
                    if server.announced is not None:
                        limits.announce(server.announced)
                    self.ended_at[number] = asyncio.get_running_loop().time()
                    return
                limits.refused_by_server(slot, server.retry_after_s)
            if server.retry_after_s is None:
                await asyncio.sleep(rnd.uniform(0, min(60.0, 0.5 * 2 ** min(tried, 20))))
        self.gave_up += 1

    async def calls(self, n: int) -> float:
        """So many calls, all wanted at once; gives the time until the last good one ended."""
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(self.call(number) for number in range(n)))
        return max(self.ended_at.values()) - began


def send(
    server: Server,
    n: int,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    window: int = 64,
    tokens: Callable[[int], tuple[int, int]] = lambda number: (0, 0),
) -> float:
    """The seconds that ``n`` calls to a server take through fresh limits."""

    async def main() -> float:
        clock = asyncio.get_running_loop().time
        limits = Limits(window, requests_per_minute, tokens_per_minute, clock=clock)
        return await Client(server, limits, tokens).calls(n)

    return run_virtually(main())


def ideal_s(server: Server, n: int, window: int = 64) -> float:
    """The seconds of a client that knows the server's rate, its places and ``window`` beforehand.

    Needs a server of its own, which is as it was before any call.
    """
    places = min(window, server.places or window)
    now = 0.0
    # When the calls in flight end, the soonest first.
    ends: list[float] = []
    for _ in range(n):
        if len(ends) == places:
            now = max(now, heapq.heappop(ends))
        now += server.missing_s(now)
        heapq.heappush(ends, now + server.let_through())
    return max(ends)
