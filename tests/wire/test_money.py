"""The budget against a server that fails, stalls and is asked again; keys; a jumping clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from annoengine.account import take_account
from annoengine.budget import in_nano, in_usd
from annoengine.door import Door
from annoengine.errors import BudgetReached, ProviderUnusable
from annoengine.recipe import load_recipe
from annoengine.runner import spent_so_far
from annoengine.workspace import Workspace
from tests.wire.faults import KEY, Counting, carry, key_set, run_with, write_recipe

PRICE = {"price": {"input": 1000.0, "output": 5000.0}}
"""A tenth of a cent a token in, half a cent out: calls of some cents, so that few fill a budget."""

TROUBLE = [
    {"do": "stall", "share": 0.04, "times": 1, "seed": 1},
    {"do": "cut", "share": 0.08, "times": 1, "seed": 2},
    {"do": "status", "status": 500, "share": 0.1, "times": 1, "seed": 3},
    {"do": "rate_limit", "retry_after": 0.01, "share": 0.04, "times": 1, "seed": 4},
    {"do": "usage", "share": 0.1, "seed": 5},
]
ASKS = {"max_tokens": 40}


def charged(server: Counting, door: Door) -> float:
    """What the door has spent, in USD; everything in flight must be settled."""
    assert door.budget.reserved == 0
    return in_usd(door.budget.spent)


@pytest.mark.parametrize("cap", [0.5, 4.0, 9.0])
async def test_what_is_spent_never_passes_the_budget(cap: float, tmp_path: Path) -> None:
    """64 calls at once, with stalls, cuts, errors, and replies that do not say their tokens."""
    with key_set():
        async with Counting(TROUBLE, latency_s=0.01) as server:
            path = write_recipe(
                tmp_path,
                server.base_url,
                150,
                role=PRICE,
                asks=ASKS,
                budget={"usd": cap},
                options={"timeout_s": 0.3, "max_concurrency": 64},
            )
            recipe = load_recipe(path)
            workspace = Workspace(tmp_path / "run")
            door, stopped = await carry(recipe, workspace)
            assert charged(server, door) <= cap
            # What the journals say is what was charged: the next session begins with that.
            assert spent_so_far(workspace) == door.budget.spent
            # The server's own count of what it answered in whole is no more than was charged.
            assert isinstance(stopped, BudgetReached)
            assert "the budget of" in str(stopped)
            account = take_account(recipe, workspace)
            assert all(stage.adds_up() for stage in account.stages)
            assert not account.finished
            # Under a raised budget it goes on, and pays nothing twice that was answered.
            raised = load_recipe(
                write_recipe(
                    tmp_path,
                    server.base_url,
                    150,
                    role=PRICE,
                    asks=ASKS,
                    budget={"usd": 100.0},
                    options={"timeout_s": 0.3, "max_concurrency": 64},
                )
            )
            before = door.budget.spent
            door, stopped = await carry(raised, workspace)
            assert stopped is None
            assert door.budget.spent > before
            account = take_account(raised, workspace)
            assert account.finished
            assert account.stages[-1].given + account.failed == 150
            calls = account.calls()
            assert spent_so_far(workspace) == door.budget.spent
            assert calls.spent_nano + calls.perhaps_nano == door.budget.spent
            assert sum(max(0, good - 1) for good in server.good.values()) <= calls.perhaps_paid


async def test_without_tokens_in_the_reply_a_call_stays_charged_at_its_bound(
    tmp_path: Path,
) -> None:
    with key_set():
        async with Counting([{"do": "usage"}]) as server:
            path = write_recipe(tmp_path, server.base_url, 3, role=PRICE, asks=ASKS)
            workspace = Workspace(tmp_path / "run")
            door, stopped = await carry(load_recipe(path), workspace)
    assert stopped is None
    # 40 tokens out at half a cent each, and at most a token for each byte of the question.
    assert door.budget.spent >= 3 * in_nano(0.2)
    assert spent_so_far(workspace) == door.budget.spent


async def test_a_price_that_nobody_knows_is_refused_with_a_budget(tmp_path: Path) -> None:
    from annoengine.errors import RecipeError

    path = write_recipe(
        tmp_path, "http://127.0.0.1:9/v1", 3, model="openai/our-own", budget={"usd": 1}
    )
    with pytest.raises(RecipeError, match="nobody knows the price of openai/our-own") as caught:
        load_recipe(path)
    assert "price: {input: …, output: …}" in str(caught.value)


async def test_a_key_that_is_revoked_half_way_stops_the_run_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    with key_set():
        async with Counting([{"do": "bad_key", "after": 30}], latency_s=0.005) as server:
            recipe = load_recipe(write_recipe(tmp_path, server.base_url, 80))
            workspace = Workspace(tmp_path / "run")
            _, stopped = await carry(recipe, workspace)
            assert isinstance(stopped, ProviderUnusable)
            assert "does not know the key in OPENAI_API_KEY (401)" in str(stopped)
            assert KEY not in str(stopped)
            # It stops at once: no more than what was in flight was sent after the first refusal.
            assert sum(server.received.values()) <= 30 + 64
            answered = sum(server.good.values())
            server.script.clear()
            server._hits.clear()
            _, stopped = await carry(recipe, workspace)
            assert stopped is None
            account = take_account(recipe, workspace)
            assert account.finished
            assert (account.stages[-1].given, account.failed) == (80, 0)
            assert answered >= 25
            assert all(good == 1 for good in server.good.values())


async def test_no_key_reaches_any_file_of_a_run(tmp_path: Path) -> None:
    """Servers echo the key they reject, in whole and masked."""
    script = [
        {"do": "status", "status": 400, "message": f"bad key {KEY} here", "every": 7},
        {"do": "status", "status": 500, "message": f"Bearer {KEY}", "share": 0.2, "times": 1},
        {"do": "bad_key", "after": 40},
    ]
    with key_set():
        async with Counting(script) as server:
            recipe = load_recipe(write_recipe(tmp_path, server.base_url, 60))
            workspace = Workspace(tmp_path / "run")
            _, stopped = await carry(recipe, workspace)
    assert isinstance(stopped, ProviderUnusable)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    parts = [KEY[i : i + 8].encode() for i in range(len("sk-test-"), len(KEY) - 7)]
    for path in files:
        data = path.read_bytes()
        assert KEY.encode() not in data, path
        for part in parts:
            assert part not in data, path


@pytest.mark.parametrize("jump_s", [-7200.0, 7200.0])
async def test_a_clock_that_jumps_holds_nothing_up(
    jump_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wall clock jumps by two hours in the middle of a run with limits and dates."""
    true = time.time
    began = time.monotonic()

    def jumping() -> float:
        return true() + (jump_s if time.monotonic() - began > 0.1 else 0.0)

    monkeypatch.setattr(time, "time", jumping)
    fault: dict[str, Any] = {"do": "rate_limit", "date_in_s": 1, "share": 0.1, "times": 1}
    verdict = await run_with(fault, 60)
    assert verdict.problems == []
    assert (verdict.given, verdict.failed) == (60, 0)
