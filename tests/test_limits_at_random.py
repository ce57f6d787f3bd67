"""Whatever happens in whatever order, nothing is lost, nothing is held, and no rate is passed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from annoengine.limits import Limits, Slot, Stopped
from annoengine.provider import Announced
from tests.limits_clock import VirtualLoop, run_virtually


@dataclass(frozen=True)
class Call:
    """A call: what it may use, how long it takes, and what becomes of it."""

    tokens: int
    again: bool
    takes_s: float
    end: str
    after_s: float | None


@dataclass(frozen=True)
class Cancel:
    """Some call is cancelled, wherever it is."""

    which: int


@dataclass(frozen=True)
class Wait:
    """Time passes; ``asleep``: with the loop blocked, so that all comes due at once."""

    seconds: float
    asleep: bool


@dataclass(frozen=True)
class Pause:
    """The server says when to come again."""

    seconds: float


@dataclass(frozen=True)
class Change:
    """Somebody sets other limits, or the server announces them."""

    window: int | None
    requests: float | None
    tokens: float | None


Step = Call | Cancel | Wait | Pause | Change

RATES = st.none() | st.sampled_from([0.0, 1.0, 60.0, 600.0, 1e6])
SECONDS = st.sampled_from([0.0, 0.001, 0.05, 0.5, 3.0, 100.0])
STEPS = st.lists(
    st.builds(
        Call,
        tokens=st.sampled_from([0, 1, 100, 5000]),
        again=st.booleans(),
        takes_s=SECONDS,
        end=st.sampled_from(["answered", "answered", "refused", "broke", "raises", "nothing"]),
        after_s=st.none() | SECONDS,
    )
    | st.builds(Cancel, which=st.integers(0, 30))
    | st.builds(Wait, seconds=SECONDS, asleep=st.booleans())
    | st.builds(Pause, seconds=SECONDS)
    | st.builds(Change, window=st.none() | st.integers(1, 6), requests=RATES, tokens=RATES),
    max_size=40,
)


@dataclass
class World:
    """Calls on their way through limits, driven step by step."""

    limits: Limits
    inside: int = 0
    window: int = 4
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def call(self, call: Call) -> None:
        """One call from its wait to its end."""
        async with self.limits.slot(call.tokens, call.again) as slot:
            self.inside += 1
            try:
                await asyncio.sleep(call.takes_s)
                self.report(call, slot)
            finally:
                self.inside -= 1

    def report(self, call: Call, slot: Slot) -> None:
        """What became of it."""
        if call.end == "answered":
            self.limits.succeeded(slot, call.tokens // 2 if call.after_s else None)
        elif call.end == "refused":
            self.limits.refused_by_server(slot, call.after_s)
        elif call.end == "broke":
            self.limits.congested(slot)
        elif call.end == "raises":
            raise ConnectionError("cut")

    async def step(self, step: Step) -> None:
        """One step, and all that follows from it at once."""
        before = self.limits.in_flight
        if isinstance(step, Call):
            self.tasks.append(asyncio.ensure_future(self.call(step)))
        elif isinstance(step, Cancel) and self.tasks:
            self.tasks[step.which % len(self.tasks)].cancel()
        elif isinstance(step, Wait) and step.asleep:
            cast(VirtualLoop, asyncio.get_running_loop()).skip(step.seconds)
        elif isinstance(step, Wait):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, Pause):
            self.limits.pause(step.seconds)
        elif isinstance(step, Change) and step.window is None:
            self.limits.announce(Announced(step.requests, step.tokens))
        elif isinstance(step, Change):
            self.window = cast(int, step.window)
            self.limits.change(self.window, step.requests, step.tokens)
        await self.settle()
        self.check(before)

    async def settle(self) -> None:
        """Lets every task go as far as it can without time passing."""
        for _ in range(10):
            await asyncio.sleep(0)

    def check(self, before: int) -> None:
        """What holds after every step."""
        limits = self.limits
        assert self.inside == limits.in_flight
        assert 0 <= limits.in_flight <= max(self.window, before)
        assert limits.state().concurrency >= 1
        for bucket in (limits._requests, limits._tokens):
            if bucket is not None:
                assert bucket.level <= bucket.brim * (1 + 1e-9)

    async def end(self) -> None:
        """With limits that let them, all calls end."""
        self.limits.announce(Announced())
        self.limits.change(8)
        await asyncio.sleep(200_000)
        assert all(task.done() for task in self.tasks)
        state = self.limits.state()
        assert (state.in_flight, state.waiting, self.inside) == (0, 0, 0)
        for task in self.tasks:
            if not task.cancelled() and (error := task.exception()) is not None:
                assert isinstance(error, ConnectionError | Stopped)


@given(steps=STEPS, told=st.tuples(RATES, RATES))
def test_nothing_is_lost_and_nothing_held(
    steps: list[Step], told: tuple[float | None, float | None]
) -> None:
    async def main() -> None:
        world = World(Limits(4, *told, clock=asyncio.get_running_loop().time))
        for step in steps:
            await world.step(step)
        await world.end()

    run_virtually(main())


@given(steps=STEPS, at=st.integers(0, 40))
def test_a_stop_lets_all_go_that_wait(steps: list[Step], at: int) -> None:
    async def main() -> None:
        world = World(Limits(4, clock=asyncio.get_running_loop().time))
        for step in steps[:at]:
            await world.step(step)
        world.limits.stop()
        await world.settle()
        assert world.limits.state().waiting == 0
        for step in steps[at:]:
            await world.step(step)
            assert world.limits.state().waiting == 0
        await asyncio.sleep(100.1)
        assert all(task.done() for task in world.tasks)
        assert world.limits.in_flight == 0
        for task in world.tasks:
            task.cancelled() or task.exception()

    run_virtually(main())


@given(
    requests=st.sampled_from([30.0, 600.0, 30_000.0]),
    tokens=st.sampled_from([6000.0, 600_000.0]),
    calls=st.lists(st.tuples(SECONDS, st.integers(0, 3000)), min_size=2, max_size=40),
    asleep=st.booleans(),
)
def test_no_stretch_of_time_gets_more_than_the_rates_and_a_fifth_of_a_second(
    requests: float, tokens: float, calls: list[tuple[float, int]], asleep: bool
) -> None:
    """Tokens: and the one call that a full bucket lets through, however large it is."""
    sent: list[tuple[float, int]] = []

    async def main() -> None:
        loop = cast(VirtualLoop, asyncio.get_running_loop())
        limits = Limits(64, requests, tokens, first_concurrency=64, clock=loop.time)

        async def call(most: int) -> None:
            async with limits.slot(most) as slot:
                sent.append((slot.sent_at, most))

        tasks = []
        for wait_s, most in calls:
            tasks.append(asyncio.ensure_future(call(most)))
            if asleep:
                loop.skip(wait_s)
            await asyncio.sleep(0 if asleep else wait_s)
        await asyncio.gather(*tasks)

    run_virtually(main())
    assert len(sent) == len(calls)
    for first in range(len(sent)):
        for last in range(first, len(sent)):
            seconds = sent[last][0] - sent[first][0] + 0.2
            n = last - first + 1
            assert n <= max(1.0, requests / 60 * 0.2) + requests / 60 * (seconds - 0.2) + 1e-6
            used = sum(most for _, most in sent[first:last])
            assert used <= tokens / 60 * seconds + 3000 + 1e-6
