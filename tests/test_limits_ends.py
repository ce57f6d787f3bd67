"""The gate in front of a model changed, stopped, cancelled and asleep: nothing is lost of it.

Time is virtual (``tests.limits_clock``): a task that would wait for ever fails its test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from annoengine.limits import Limits, LimitState, Stopped
from tests.limits_clock import VirtualLoop
from tests.limits_holders import Holder, gate, holders, now, settle, virtual

# Changed while the run goes on, and stopped.


@virtual
async def test_waiting_calls_see_a_change() -> None:
    limits = gate(64, 6)  # one each ten seconds
    calls = await holders(limits, 3)
    await asyncio.sleep(1.0)
    limits.change(64, 600)
    await asyncio.sleep(1.0)
    assert all(call.went for call in calls)
    limits.change(64)
    assert limits.state().requests_per_minute is None
    await asyncio.gather(*(call.end() for call in calls))
    limits.change(2)
    assert sum(call.went for call in await holders(limits, 5)) == 2


@virtual
async def test_a_narrower_window_lets_those_in_flight_end() -> None:
    limits = gate()
    calls = await holders(limits, 8)
    limits.change(3)
    assert (limits.in_flight, limits.state().concurrency) == (8, 3)
    late = await holders(limits, 1)
    for call in calls[:5]:
        await call.end(limits.succeeded)
    assert not late[0].went
    await calls[5].end(limits.succeeded)
    assert late[0].went


@virtual
async def test_stopped_calls_that_wait_are_let_go_and_those_in_flight_end() -> None:
    limits = gate(first=1)
    (flying,) = await holders(limits, 1)
    waiting = [*await holders(limits, 1), *await holders(limits, 1, again=True)]
    reason = RuntimeError("the budget is spent")
    limits.stop(reason)
    limits.stop(RuntimeError("another"))  # the first reason stands
    for call in waiting:
        with pytest.raises(RuntimeError, match="the budget is spent"):
            await call.task
    with pytest.raises(RuntimeError, match="the budget is spent"):
        async with limits.slot():
            pass
    await flying.end(limits.succeeded)
    assert limits.state() == LimitState(0, 0, 1, None, None, 0.0, 0)


@virtual
async def test_without_a_reason_they_are_told_that_it_stopped() -> None:
    limits = gate()
    limits.pause(3600.0)
    (call,) = await holders(limits, 1)
    limits.stop()
    with pytest.raises(Stopped, match="no more calls are sent"):
        await call.task
    assert now() == 0.0


# Cancelled.


@virtual
async def test_a_cancelled_call_that_waited_lets_the_next_go() -> None:
    limits = gate(64, None, 60_000)
    (large,) = await holders(limits, 1, tokens=50_000)
    huge, small = await holders(limits, 2, tokens=50_000)
    huge.task.cancel()
    await settle()
    assert limits.state().waiting == 1
    large.task.cancel()
    await settle()
    assert limits.in_flight == 0
    await asyncio.sleep(51)
    assert small.went


@virtual
async def test_a_large_call_that_gives_up_its_place_in_front_lets_small_ones_by() -> None:
    """Of 200 tokens 100 are left: not enough for 5,000, which need a full bucket."""
    limits = gate(64, None, 60_000)
    _, large, small = (*await holders(limits, 1, 100), *await holders(limits, 1, 5000),
                       *await holders(limits, 1, 50))  # fmt: skip
    assert (large.went, small.went) == (False, False)
    large.task.cancel()
    await settle()
    assert small.went_at == 0.0


@virtual
async def test_a_call_that_is_cancelled_in_its_turn_gives_all_back() -> None:
    """It has its slot and its tokens, and its task did not run yet."""
    limits = gate(64, 600, 60_000, first=1)
    (first,) = await holders(limits, 1)
    (second,) = await holders(limits, 1, tokens=200)
    (third,) = await holders(limits, 1, tokens=200)
    first._end.set_result(lambda slot: None)
    await asyncio.sleep(0)  # the first leaves, and the second's turn comes
    assert limits.in_flight == 1
    assert second.slot is None
    second.task.cancel()
    await settle()
    assert third.went
    assert limits.in_flight == 1
    assert third.went_at == 0.0  # no time passed: nothing of the second is missing


@virtual
async def test_cancelled_at_any_moment_nothing_is_lost() -> None:
    async def calls(at: int, which: int) -> None:
        limits = gate(64, 60_000, 6e6, first=2)

        async def call(number: int) -> None:
            for again in (False, True):
                async with limits.slot(100, again) as slot:
                    await asyncio.sleep(0.01 * (number % 3))
                    if again or number % 2:
                        limits.succeeded(slot, 50)
                        return
                    limits.refused_by_server(slot, 0.02)

        tasks = [asyncio.ensure_future(call(number)) for number in range(6)]
        for _ in range(at):
            await asyncio.sleep(0)
        tasks[which].cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(end, BaseException) for end in ended) <= 1
        assert (limits.in_flight, limits.state().waiting) == (0, 0)

    for at in range(25):
        for which in range(6):
            await calls(at, which)


@virtual
async def test_an_error_within_a_slot_gives_it_back_and_passes() -> None:
    limits = gate(first=1)
    with pytest.raises(ZeroDivisionError):
        async with limits.slot():
            raise ZeroDivisionError
    assert (await holders(limits, 1))[0].went


# Clocks.


def after_an_hour(limits: Callable[[], Limits]) -> int:
    """How many of 200 waiting calls go at the moment at which a loop wakes that slept an hour."""
    loop = VirtualLoop()

    async def main() -> int:
        gate = limits()
        calls = [Holder(gate) for _ in range(200)]
        await settle()
        went = sum(call.went for call in calls)
        loop.skip(3600.0)
        woke = now()
        await asyncio.sleep(0)
        while now() == woke and any(not call.went for call in calls):
            before = sum(call.went for call in calls)
            await settle()
            if sum(call.went for call in calls) == before:
                break
        for call in calls:
            call.task.cancel()
        return sum(call.went for call in calls) - went

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


def test_a_loop_that_slept_for_an_hour_sends_no_more_at_once_than_ever() -> None:
    # 1,800 a minute are six at once; of those that nobody limits, one was let through for sure.
    assert after_an_hour(lambda: gate(64, 1800, first=64)) == 6
    assert after_an_hour(gate) <= 2


def test_progress_may_ask_from_anywhere() -> None:
    limits = Limits(8, 60, 6000)
    assert limits.state() == LimitState(0, 0, 8, 60.0, 6000.0, 0.0, 0)


@virtual
async def test_any_clock_will_do() -> None:
    """Nothing but differences of the clock counts: one that starts elsewhere is as good."""
    clock = asyncio.get_running_loop().time
    limits = Limits(4, 600, clock=lambda: clock() + 1e6)
    calls = await holders(limits, 4)
    await asyncio.sleep(0.25)
    assert [call.went_at for call in calls] == pytest.approx([0, 0, 0.1, 0.2], abs=0.002)
