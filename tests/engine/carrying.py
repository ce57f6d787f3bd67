"""Carries out recipes over toy plug-ins, and reads what came of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import yaml

from annoengine.account import Account, take_account
from annoengine.door import RetryPolicy
from annoengine.recipe import Recipe
from annoengine.runner import Outcome, carry_out, finished_records, make_door
from annoengine.workspace import Workspace
from tests.toy import Echo

STAGES: list[Any] = [
    {"tests.toy:Draws": {}, "as": "draws"},
    {"tests.toy:Asks": {"again": 3}, "as": "asks"},
]


def recipe_file(folder: Path, stages: list[Any] | None = None, **changes: Any) -> Path:
    """A recipe over toy plug-ins, written to a file."""
    data: dict[str, Any] = {
        "name": "toy",
        "seed": 3,
        "source": {"tests.toy:Numbers": {"n": 10, **changes.pop("source", {})}},
        "models": {"model": changes.pop("model", "tests.toy:Echo/a")},
        "stages": STAGES if stages is None else stages,
        "run": {"shard_size": 4, "workers": 0, **changes.pop("run", {})},
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def carry(recipe: Recipe, workspace: Workspace, **options: Any) -> Outcome:
    """Runs a recipe with quick retries."""

    async def run() -> Outcome:
        door = make_door(recipe)
        door.policy = RetryPolicy(tries=3, first_wait_s=0.001, longest_wait_s=0.002)
        return await carry_out(recipe, workspace, door=door, **options)

    return asyncio.run(run())


def account_of(recipe: Recipe, workspace: Workspace) -> Account:
    """The account, every line of which must sum."""
    account = take_account(recipe, workspace)
    assert all(stage.adds_up() for stage in account.stages)
    return account


def result_bytes(recipe: Recipe, workspace: Workspace) -> bytes:
    """The records at the end, one after another."""
    return b"\n".join(r.to_line() for _, r in finished_records(recipe, workspace))


def total_calls() -> int:
    """How many calls the toy provider got."""
    return sum(Echo.calls.values())
