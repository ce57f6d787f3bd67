"""What the limits cost a call, and how they fare at servers of all kinds, on a virtual clock.

Seconds in the table are virtual and the same on every machine; the cost of a slot is real.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from dataclasses import replace
from typing import Any

from annoengine.limits import Limits
from annoengine.provider import Announced
from tests.limits_server import Server, between, ideal_s, jittered, send, steady

SEEDS = 5

EVERY: list[tuple[str, int, dict[str, Any], float | None]] = []
"""What the table shows: the server in words, calls, its settings, what the recipe says of it."""

for _name, _latency in (
    ("0.05 s", steady(0.05)),
    ("0.2 s", steady(0.2)),
    ("1 s", steady(1.0)),
    ("2-4 s", between(2.0, 4.0)),
):
    EVERY += [
        (f"1,800/min, bucket 30; {_name}", 300, {"latency_s": _latency}, None),
        (
            f"… announces 600,000; {_name}",
            300,
            {"latency_s": _latency, "announced": Announced(600_000)},
            None,
        ),
        (f"… no Retry-After; {_name}", 300, {"latency_s": _latency, "retry_after_s": None}, None),
        (f"… told in the recipe; {_name}", 300, {"latency_s": _latency}, 1800),
        (f"no limit; {_name}", 2000, {"latency_s": _latency, "per_minute": None}, None),
    ]
EVERY += [
    ("jittered 50 ms", 300, {"latency_s": jittered(0.05)}, None),
    ("jittered 1 s", 300, {"latency_s": jittered(1.0)}, None),
    ("refused as late as answered, jittered 50 ms", 300,
     {"latency_s": jittered(0.05), "refusal_s": 0.05}, None),
    ("a long run", 12_000, {}, None),
    ("halved half-way", 1200, {"change": (600, 900)}, None),
    ("doubled half-way", 1200, {"change": (600, 3600)}, None),
    ("doubled half-way in a long run", 12_000, {"change": (6000, 3600)}, None),
    ("60/min, bucket 1", 100, {"per_minute": 60, "bucket": 1}, None),
    ("600/min, bucket 3", 600, {"per_minute": 600, "bucket": 3}, None),
    ("1,800/min, bucket 1,800", 6000, {"bucket": 1800}, None),
    ("Retry-After 20 s", 12_000, {"retry_after_s": 20}, None),
    ("20 places, 1 s", 2000, {"per_minute": None, "places": 20, "latency_s": steady(1.0)}, None),
    ("all refused for a minute", 1000, {"outage_s": (0.3, 60)}, None),
    ("a tenth refused at random, Retry-After 50 ms", 1000,
     {"per_minute": None, "refused_share": 0.1, "retry_after_s": 0.05}, None),
]  # fmt: skip


def table() -> None:
    """Refusals and time at every kind of server, as multiples of one who knows its limits."""
    print(f"{'Retry-After 1 s where nothing is said':46s} calls refused  most × ideal  most")
    for title, n, settings, told in EVERY:
        refused, ratios = [], []
        for seed in range(SEEDS):
            server = Server(seed=seed, **settings)
            ideal = replace(server, outage_s=(0, 0), refused_share=0, refused_at=[])
            seconds = send(server, n, told)
            refused.append(server.refused)
            ratios.append(seconds / ideal_s(ideal, n))
        print(
            f"{title:46s}{n:6d}{statistics.mean(refused):8.1f}{max(refused):6d}"
            f"{statistics.mean(ratios):8.2f}{max(ratios):6.2f}",
            flush=True,
        )


def slot_us(told: bool, rounds: int = 20_000) -> float:
    """Microseconds of a slot that is not waited for, its report included; the best of five."""

    async def main() -> float:
        limit = 6e9 if told else None
        limits = Limits(64, limit, limit)
        best = float("inf")
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(rounds):
                async with limits.slot(1000) as slot:
                    limits.succeeded(slot, 800)
            best = min(best, (time.perf_counter() - began) / rounds)
        return best * 1e6

    return asyncio.run(main())


def waiting_us(calls: int = 20_000, window: int = 64) -> float:
    """Microseconds of a slot for which others wait in line, two switches of tasks included."""

    async def main() -> float:
        limits = Limits(window, first_concurrency=window)

        async def call() -> None:
            async with limits.slot(1000) as slot:
                await asyncio.sleep(0)
                limits.succeeded(slot, 800)

        began = time.perf_counter()
        await asyncio.gather(*(call() for _ in range(calls)))
        return (time.perf_counter() - began) / calls * 1e6

    return asyncio.run(main())


def main() -> None:
    """Prints both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cost-only", action="store_true", help="leave the table out")
    arguments = parser.parse_args()
    print(f"a slot, nothing known of limits: {slot_us(told=False):.1f} µs")
    print(f"a slot, requests and tokens a minute known: {slot_us(told=True):.1f} µs")
    print(f"a slot that is waited for, tasks included: {waiting_us():.1f} µs")
    if not arguments.cost_only:
        table()


if __name__ == "__main__":
    main()
