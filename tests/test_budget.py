"""The money of a run: bounds put aside, rests given back, and the cap that is never passed."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.budget import Budget, in_nano, in_usd
from annoengine.errors import BudgetReached


async def test_a_reservation_is_counted_until_its_price_is_known() -> None:
    budget = Budget(cap=100)
    reservation = await budget.reserve(60)
    assert (budget.spent, budget.reserved) == (0, 60)
    reservation.cost = 25
    budget.settle(reservation)
    budget.settle(reservation)
    assert (budget.spent, budget.reserved) == (25, 0)


async def test_the_next_call_that_could_pass_the_cap_is_refused_with_the_figures() -> None:
    budget = Budget(cap=in_nano(0.05), spent=in_nano(0.04))
    with pytest.raises(BudgetReached) as caught:
        await budget.reserve(in_nano(0.011))
    assert str(caught.value) == (
        "the budget of $0.05 is reached: $0.0400 are spent, and the next call may cost $0.0110. "
        "Nothing is lost; raise budget.usd (--budget) and run the same command to go on"
    )
    assert caught.value.exit_code == 4
    await budget.reserve(in_nano(0.01))


async def test_a_call_waits_while_calls_in_flight_may_give_something_back() -> None:
    budget = Budget(cap=100)
    first = await budget.reserve(80)
    second = asyncio.create_task(budget.reserve(50))
    await asyncio.sleep(0)
    assert not second.done()
    first.cost = 40
    budget.settle(first)
    assert (await second).most == 50
    assert (budget.spent, budget.reserved) == (40, 50)


async def test_it_ends_when_what_was_given_back_is_not_enough() -> None:
    budget = Budget(cap=100)
    first = await budget.reserve(80)
    second = asyncio.create_task(budget.reserve(50))
    await asyncio.sleep(0)
    first.cost = 80
    budget.settle(first)
    with pytest.raises(BudgetReached):
        await second


async def test_a_call_that_is_cancelled_while_it_waits_leaves_nothing_behind() -> None:
    budget = Budget(cap=100)
    first = await budget.reserve(80)
    second = asyncio.create_task(budget.reserve(50))
    await asyncio.sleep(0)
    second.cancel()
    budget.settle(first)
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (budget.spent, budget.reserved) == (0, 0)


async def test_without_a_cap_everything_is_counted_and_nothing_refused() -> None:
    budget = Budget()
    for cost in (10**12, 5):
        reservation = await budget.reserve(10**15)
        reservation.cost = cost
        budget.settle(reservation)
    assert budget.spent == 10**12 + 5


@given(
    seed=st.integers(0, 10**6),
    cap=st.integers(50, 3000),
    bounds=st.lists(st.integers(1, 60), min_size=1, max_size=120),
)
def test_the_cap_is_never_passed_whatever_becomes_of_the_calls(
    seed: int, cap: int, bounds: list[int]
) -> None:
    """Calls end at once or later, cheaply, at their bound, or are cancelled on the way."""
    draw = random.Random(seed)
    budget = Budget(cap=cap)
    worst = 0

    async def call(most: int) -> None:
        nonlocal worst
        for _ in range(draw.randrange(3)):
            await asyncio.sleep(0)
        reservation = await budget.reserve(most)
        try:
            worst = max(worst, budget.spent + budget.reserved)
            reservation.cost = most  # perhaps paid, until its price is known
            for _ in range(draw.randrange(5)):
                await asyncio.sleep(0)
            reservation.cost = draw.choice((0, most // 3, most))
        finally:
            budget.settle(reservation)

    async def all_calls() -> list[object]:
        tasks = [asyncio.create_task(call(most)) for most in bounds]
        for task in tasks[:: draw.randrange(2, 9)]:
            await asyncio.sleep(0)
            task.cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    ends = asyncio.run(all_calls())
    assert worst <= cap
    assert budget.spent <= cap
    assert budget.reserved == 0
    for end in ends:
        assert end is None or isinstance(end, BudgetReached | asyncio.CancelledError)


def test_money_is_exact_in_any_order() -> None:
    prices = [0.1, 0.2, 0.3, 0.0000015]
    assert sum(map(in_nano, prices)) == sum(map(in_nano, reversed(prices))) == 600001500
    assert in_usd(600001500) == 0.6000015
