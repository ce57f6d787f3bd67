"""How calls fare at servers with all kinds of limits, in counts and in multiples of the ideal.

The ideal is a client that knows the server's rate and places beforehand. Time is virtual.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any

import pytest

from annoengine.limits import Limits
from annoengine.provider import Announced
from tests.limits_clock import run_virtually
from tests.limits_server import Client, Latency, Server, between, ideal_s, jittered, send, steady

LATENCIES = {
    "50 ms": steady(0.05),
    "50 ms jittered": jittered(0.05),
    "200 ms": steady(0.2),
    "200 ms jittered": jittered(0.2),
    "1 s": steady(1.0),
    "1 s jittered": jittered(1.0),
    "2 to 4 s": between(2.0, 4.0),
}


def fares(
    n: int,
    seed: int = 0,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    **settings: Any,
) -> tuple[int, float]:
    """How many of the calls were refused, and how many times the ideal they took."""
    server = Server(seed=seed, **settings)
    knowing = replace(server, outage_s=(0, 0), refused_share=0, refused_at=[])
    seconds = send(server, n, requests_per_minute, tokens_per_minute)
    assert server.through == n
    return server.refused, seconds / ideal_s(knowing, n)


@pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
@pytest.mark.parametrize(
    "announced", [None, Announced(600_000, 6e9)], ids=["silent", "announces 600,000"]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_server_of_1800_a_minute_refuses_few_of_300_calls(
    latency: Latency, announced: Announced | None, seed: int
) -> None:
    refused, ratio = fares(300, seed, latency_s=latency, announced=announced)
    assert refused < 15
    assert ratio <= 1.3


@pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_so_does_one_that_does_not_say_when_to_come_again(latency: Latency, seed: int) -> None:
    refused, ratio = fares(300, seed, latency_s=latency, retry_after_s=None)
    assert refused < 15
    assert ratio <= 1.3


@pytest.mark.parametrize("retry_after_s", [1.0, None])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nor_does_it_take_quick_refusals(retry_after_s: float | None, seed: int) -> None:
    """Refusals as late as answers: all that went out with the first one are refused as well."""
    refused, ratio = fares(
        300, seed, latency_s=jittered(0.05), refusal_s=0.05, retry_after_s=retry_after_s
    )
    assert refused < 15
    assert ratio <= 1.1


@pytest.mark.parametrize("latency", [steady(0.2), jittered(1.0)], ids=["200 ms", "1 s jittered"])
def test_a_refusal_that_takes_as_long_as_answers_do_costs_a_few_more(latency: Latency) -> None:
    refused, ratio = fares(300, latency_s=latency, refusal_s=0.2)
    assert refused < 20
    assert ratio <= 1.3


@pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
@pytest.mark.parametrize("how", ["told", "announced"])
def test_a_limit_that_is_known_costs_no_refusal(latency: Latency, how: str) -> None:
    told = 1800 if how == "told" else None
    announced = Announced(1800) if how == "announced" else None
    refused, ratio = fares(300, requests_per_minute=told, latency_s=latency, announced=announced)
    assert refused == 0
    assert ratio <= 1.15


@pytest.mark.parametrize("latency", LATENCIES.values(), ids=LATENCIES)
def test_no_limit_is_found_out_within_a_seventh_of_2000_calls(latency: Latency) -> None:
    refused, ratio = fares(2000, latency_s=latency, per_minute=None)
    assert refused == 0
    assert ratio <= 1.15


@pytest.mark.parametrize("latency", [steady(0.05), steady(1.0)], ids=["50 ms", "1 s"])
def test_in_a_long_run_a_limit_that_stands_is_tried_ever_less_often(latency: Latency) -> None:
    refused, ratio = fares(12_000, latency_s=latency)
    assert refused < 10
    assert ratio <= 1.04


@pytest.mark.parametrize("latency", [steady(0.05), steady(1.0)], ids=["50 ms", "1 s"])
def test_a_limit_that_is_halved_is_followed(latency: Latency) -> None:
    refused, ratio = fares(1200, latency_s=latency, change=(600, 900))
    assert refused < 15
    assert ratio <= 1.1


@pytest.mark.parametrize("latency", [steady(0.05), steady(1.0)], ids=["50 ms", "1 s"])
def test_a_limit_that_is_doubled_is_found(latency: Latency) -> None:
    # One that kept to the old pace would take 600 / 30 + 600 / 30 = 40 s instead of 30, and of
    # 3,000 calls 110 s instead of 65.
    _, ratio = fares(1200, latency_s=latency, change=(600, 3600))
    assert ratio <= 1.4
    _, ratio = fares(3300, latency_s=latency, change=(600, 3600))
    assert ratio <= 1.3


def test_a_limit_that_somebody_changes_is_tried_soon() -> None:
    """In a long run a limit is tried ever less often; whoever changes limits knows of more."""

    async def main(changes: bool) -> float:
        limits = Limits(64, clock=asyncio.get_running_loop().time)
        server = Server(change=(6000, 3600))
        client = Client(server, limits)
        await client.calls(6000)
        if changes:
            limits.change(64)
        return await client.calls(3000)

    # At the old pace they take 100 s, at the new one 50.
    assert run_virtually(main(changes=False)) > 90
    assert run_virtually(main(changes=True)) < 70


@pytest.mark.parametrize("latency", [steady(0.05), steady(1.0)], ids=["50 ms", "1 s"])
def test_a_small_bucket_and_a_large_one(latency: Latency) -> None:
    refused, ratio = fares(100, latency_s=latency, per_minute=60, bucket=1)
    assert refused < 45
    assert ratio <= 1.35
    refused, ratio = fares(6000, latency_s=latency, bucket=1800)
    assert refused < 64
    assert ratio <= 1.05


@pytest.mark.parametrize("latency", [steady(1.0), between(2.0, 4.0)], ids=["1 s", "2 to 4 s"])
def test_a_server_that_bears_twenty_at_once_is_not_asked_by_many_more(latency: Latency) -> None:
    refused, ratio = fares(2000, per_minute=None, places=20, latency_s=latency)
    assert refused < 20
    assert ratio <= 1.3


def test_a_long_retry_after_is_waited_for_and_teaches_nothing() -> None:
    """Between the pauses of 89 s calls go as fast as between pauses of 1 s."""
    short, long = Server(retry_after_s=1.0), Server(retry_after_s=89.0)
    short_s, long_s = send(short, 3000), send(long, 3000)
    assert long.refused <= short.refused + 2
    pauses = len({round(at) for at in long.refused_at})
    assert long_s - 88 * pauses <= short_s + 5


def test_when_all_is_refused_for_a_minute_few_are_sent_and_the_pace_is_kept() -> None:
    server = Server(outage_s=(2, 62), latency_s=jittered(0.05))
    seconds = send(server, 300)
    assert server.refused < 30
    # 60 + (300 - 30) / 30 = 69 s, and what the last wait of 8 s is too long.
    assert seconds < 80


def test_calls_that_are_refused_at_random_do_not_bring_the_pace_to_a_stop() -> None:
    server = Server(
        per_minute=None, refused_share=0.1, retry_after_s=0.05, latency_s=jittered(0.05)
    )
    assert send(server, 1000) < 35
    assert server.refused < 150


def tokens(number: int) -> tuple[int, int]:
    """Calls that may use 2,000 tokens and use 900 to 1,100."""
    return 2000, 900 + 50 * (number % 5)


def test_a_limit_of_tokens_that_is_told_costs_no_refusal() -> None:
    """600,000 tokens a minute let ten calls of 1,000 through a second."""
    server = Server(per_minute=None, tokens_per_minute=600_000, token_bucket=30_000)
    seconds = send(server, 300, tokens_per_minute=600_000, tokens=tokens)
    assert server.refused == 0
    # The server has (300 * 1000 - 30000) / 10000 = 27 s of work, and the first twenty-odd calls
    # are taken at what they may use.
    assert seconds < 27 * 1.15


def test_a_server_that_counts_what_calls_may_use_is_found_out() -> None:
    """600,000 tokens a minute let five calls of 2,000 through a second, whatever they use."""
    server = Server(
        per_minute=None, tokens_per_minute=600_000, token_bucket=20_000, counts_most=True
    )
    seconds = send(server, 300, tokens_per_minute=600_000, tokens=tokens)
    assert server.refused < 10
    assert seconds < (300 * 2000 - 20_000) / 10_000 * 1.1


def test_a_limit_of_tokens_that_nobody_tells_is_learned_as_a_rate_of_calls() -> None:
    server = Server(per_minute=None, tokens_per_minute=600_000, token_bucket=10_000)
    seconds = send(server, 300, tokens=tokens)
    assert server.refused < 10
    assert seconds < 29 * 1.15


def test_a_call_larger_than_the_bucket_goes_and_the_next_ones_wait_for_it() -> None:
    """6,000 tokens a minute are 100 a second: a call of 5,000 is followed 50 s later."""
    server = Server(per_minute=None)
    seconds = send(server, 3, tokens_per_minute=6000, tokens=lambda number: (5000, 5000))
    assert seconds == pytest.approx(2 * 50 + 0.05, abs=0.1)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_server_that_breaks_half_of_all_calls_is_still_asked_four_at_once(seed: int) -> None:
    """However few there are, half of them break: no reason to come to a stop."""
    broken, tries = random.Random(seed), 0

    async def all_calls() -> float:
        nonlocal tries
        loop = asyncio.get_running_loop()
        limits = Limits(window=64, clock=loop.time)

        async def one() -> None:
            nonlocal tries
            again = False
            while True:
                async with limits.slot(again=again) as slot:
                    tries += 1
                    await asyncio.sleep(0.05)
                    if broken.random() < 0.5:
                        limits.congested(slot)
                        again = True
                    else:
                        limits.succeeded(slot)
                        return

        began = loop.time()
        await asyncio.gather(*(one() for _ in range(300)))
        return loop.time() - began

    seconds = run_virtually(all_calls())
    assert seconds <= 2 * tries * 0.05 / 4
