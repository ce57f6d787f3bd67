"""The gate in front of a model: who goes when, what is held back, what is learned.

Time is virtual (``tests.limits_clock``): a task that would wait for ever fails its test.
"""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest

from annoengine.limits import Limits
from annoengine.provider import Announced
from tests.limits_clock import run_virtually
from tests.limits_holders import gate, holders, now, virtual

# How many, and who first.


@virtual
async def test_no_more_are_in_flight_than_the_concurrency_and_the_window_allow() -> None:
    limits = gate(first=3)
    calls = await holders(limits, 5)
    assert [call.went for call in calls] == [True] * 3 + [False] * 2
    assert (limits.in_flight, limits.state().waiting) == (3, 2)
    await calls[1].end()
    assert [call.went for call in calls] == [True] * 4 + [False]
    narrow = gate(window=2, first=12)
    assert sum(call.went for call in await holders(narrow, 4)) == 2


@virtual
async def test_calls_go_in_the_order_in_which_they_came_and_retries_before_them() -> None:
    limits = gate(first=1)
    first, fresh = await holders(limits, 2)
    (retry,) = await holders(limits, 1, again=True)
    assert limits.in_flight == 1  # a retry that waits holds no slot
    await first.end()
    assert (retry.went, fresh.went) == (True, False)
    await retry.end(limits.succeeded)
    assert fresh.went


@virtual
async def test_after_a_retry_that_failed_again_a_fresh_call_goes() -> None:
    """So a call that is refused for ever starves none."""
    limits = gate(first=1)
    order = []

    async def fresh(name: str) -> None:
        async with limits.slot() as slot:
            order.append(name)
            await asyncio.sleep(0.05)
            limits.succeeded(slot)

    async def refused_for_ever() -> None:
        for tried in range(8):
            async with limits.slot(again=tried > 0) as slot:
                order.append("refused")
                await asyncio.sleep(0.05)
                limits.refused_by_server(slot, 0.01)

    await asyncio.gather(refused_for_ever(), *(fresh(f"fresh {n}") for n in range(6)))
    assert order[1] == "refused"  # the first retry goes first
    gaps = [n for n, name in enumerate(order) if name.startswith("fresh")]
    assert max(b - a for a, b in itertools.pairwise(gaps)) <= 2
    assert order.index("fresh 5") < len(order) - 1


# Pauses.


@virtual
async def test_nothing_is_sent_before_the_end_of_a_pause() -> None:
    limits = gate()
    limits.pause(3.0)
    calls = await holders(limits, 3)
    assert not any(call.went for call in calls)
    assert limits.state().paused_for_s == 3.0
    await asyncio.sleep(3.01)
    assert [call.went_at for call in calls] == [3.0] * 3


@virtual
async def test_a_longer_pause_that_is_under_way_stands() -> None:
    limits = gate()
    limits.pause(10.0)
    limits.pause(2.0)
    (call,) = await holders(limits, 1)
    await asyncio.sleep(5.0)
    limits.pause(20.0)
    await asyncio.sleep(30.0)
    assert call.went_at == 25.0


@virtual
async def test_a_pause_without_sense_is_none() -> None:
    limits = gate()
    for seconds in (0.0, -5.0, math.nan):
        limits.pause(seconds)
    (call,) = await holders(limits, 1)
    assert call.went
    limits.pause(math.inf)
    assert limits.state().paused_for_s == 86_400  # nobody means longer than a day


@virtual
async def test_a_pause_teaches_nothing() -> None:
    """What 429s with Retry-After 89 s leave is what those with 1 s leave."""

    async def learned(after_s: float) -> tuple[int, float]:
        limits = gate()
        for burst in range(3):
            calls = await holders(limits, 6)
            for call in calls:
                await call.end(
                    (lambda slot: limits.refused_by_server(slot, after_s))
                    if burst and call is calls[-1]
                    else limits.succeeded
                )
            await asyncio.sleep(after_s + 0.1)
        state = limits.state()
        assert state.requests_per_minute is not None
        return state.concurrency, state.requests_per_minute

    (few, slow), (many, fast) = await learned(89.0), await learned(1.0)
    assert few == many
    assert slow == pytest.approx(fast, rel=0.05)


@virtual
async def test_a_paused_refusal_goes_first_when_the_pause_ends_and_holds_nothing_before() -> None:
    limits = gate(64, None, 60_000)  # a thousand tokens a second
    (refused,) = await holders(limits, 1, tokens=150)
    fresh = await holders(limits, 2, tokens=150)
    await refused.end(lambda slot: limits.refused_by_server(slot, 5.0))
    (retry,) = await holders(limits, 1, tokens=150, again=True)
    assert not retry.went
    await asyncio.sleep(10)
    assert retry.went_at == 5.0
    assert all(call.went_at <= 5.5 for call in fresh)


# Rates.


@virtual
async def test_a_rate_that_is_told_spaces_calls() -> None:
    """600 a minute: two at once, a fifth of a second's worth, and then one each tenth."""
    limits = gate(64, 600)
    calls = await holders(limits, 6)
    await asyncio.sleep(1.0)
    assert [call.went_at for call in calls] == pytest.approx([0, 0, 0.1, 0.2, 0.3, 0.4], abs=0.002)
    assert limits.state().requests_per_minute == pytest.approx(600)


@virtual
async def test_the_lesser_of_what_is_told_and_announced_holds() -> None:
    limits = gate(64, 600, 60_000)
    limits.announce(Announced(1200, 30_000))
    state = limits.state()
    assert (state.requests_per_minute, state.tokens_per_minute) == (600, 30_000)
    limits.announce(Announced(300, 90_000))
    state = limits.state()
    assert (state.requests_per_minute, state.tokens_per_minute) == (300, 60_000)
    limits.announce(Announced())
    state = limits.state()
    assert (state.requests_per_minute, state.tokens_per_minute) == (600, 60_000)


@virtual
async def test_what_is_announced_is_no_evidence_of_capacity() -> None:
    limits = gate()
    limits.announce(Announced(600_000, 1e9))
    calls = await holders(limits, 20)
    assert sum(call.went for call in calls) == 12


@pytest.mark.parametrize("nonsense", [0.0, -1.0, math.inf, math.nan])
def test_an_announcement_without_sense_is_passed_over(nonsense: float) -> None:
    async def main() -> None:
        limits = gate()
        limits.announce(Announced(nonsense, nonsense))
        state = limits.state()
        assert (state.requests_per_minute, state.tokens_per_minute) == (None, None)
        assert (await holders(limits, 1))[0].went

    run_virtually(main())


@virtual
async def test_tokens_are_set_aside_at_most_and_what_was_not_used_is_given_back() -> None:
    """60,000 a minute are 1,000 a second; 200 go at once. A call of 2,000 is waited for 2 s."""
    limits = gate(64, None, 60_000)
    first, second, third = await holders(limits, 3, tokens=2000)
    assert (first.went, second.went) == (True, False)
    await first.end(lambda slot: limits.succeeded(slot, 500))  # 1,500 of them come back
    await asyncio.sleep(0.51)
    assert second.went_at == pytest.approx(0.5, abs=0.01)
    await asyncio.sleep(3)
    assert third.went_at > 2.4


@virtual
async def test_a_refused_call_gives_all_its_tokens_back() -> None:
    limits = gate(64, None, 60_000)
    first, second = await holders(limits, 2, tokens=2000)
    await first.end(lambda slot: limits.refused_by_server(slot, 0.1))
    await asyncio.sleep(0.3)
    assert second.went_at == pytest.approx(0.1, abs=0.01)


@virtual
async def test_a_call_that_broke_on_the_way_may_have_used_its_tokens() -> None:
    limits = gate(64, None, 60_000)
    first, second = await holders(limits, 2, tokens=2000)
    await first.end(limits.congested)
    await asyncio.sleep(3)
    assert second.went_at == pytest.approx(2.0, abs=0.01)


@virtual
async def test_a_call_is_reckoned_by_what_calls_like_it_turned_out_to_use() -> None:
    """Calls that may use 2,000 tokens and use 500 come to 2 a second at 1,000 tokens a second."""
    limits = gate(64, None, 60_000)

    async def call() -> None:
        async with limits.slot(2000) as slot:
            await asyncio.sleep(10.0)
            limits.succeeded(slot, 500)

    await asyncio.gather(*(call() for _ in range(150)))
    began = now()
    await asyncio.gather(*(call() for _ in range(100)))
    assert now() - began - 10 == pytest.approx(50, rel=0.1)


# What is learned.


@virtual
async def test_a_burst_of_refusals_is_one() -> None:
    limits = gate()
    calls = await holders(limits, 12)
    for call in calls:
        await call.end(limits.refused_by_server)
    assert limits.refused == 12
    assert limits.state().concurrency == 6


@virtual
async def test_while_nothing_goes_through_the_wait_doubles() -> None:
    limits = gate()
    waits = []
    for _ in range(8):
        (call,) = await holders(limits, 1)
        assert call.went
        await call.end(limits.refused_by_server)
        waits.append(round(limits.state().paused_for_s, 2))
        await asyncio.sleep(limits.state().paused_for_s + 0.001)
    assert waits == [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    (call,) = await holders(limits, 1)
    await call.end(limits.succeeded)
    (call,) = await holders(limits, 1)
    await call.end(limits.refused_by_server)
    assert limits.state().paused_for_s == 0.0


@virtual
async def test_the_same_holds_where_the_server_breaks() -> None:
    limits = gate()
    for expected in (0.0, 0.5, 1.0):
        (call,) = await holders(limits, 1)
        await call.end(limits.congested)
        assert limits.state().paused_for_s == pytest.approx(expected)
        await asyncio.sleep(expected)
    assert limits.refused == 0


@virtual
async def test_a_run_that_is_less_patient_waits_less() -> None:
    limits = Limits(64, clock=asyncio.get_running_loop().time, first_hold_s=0.01)
    for expected in (0.0, 0.01, 0.02, 0.04, 0.08, 0.16, 0.16):
        (call,) = await holders(limits, 1)
        await call.end(limits.congested)
        assert limits.state().paused_for_s == pytest.approx(expected)
        await asyncio.sleep(expected + 0.001)


@virtual
async def test_a_server_that_names_a_longer_wait_is_believed() -> None:
    limits = gate()
    for _ in range(3):
        (call,) = await holders(limits, 1)
        await call.end(lambda slot: limits.refused_by_server(slot, 30.0))
        assert limits.state().paused_for_s == 30.0
        await asyncio.sleep(30.0)
