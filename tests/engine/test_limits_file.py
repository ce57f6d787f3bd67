"""Limits that are changed in a file of the run's folder while the run goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from annoengine.events import Event, Note
from annoengine.recipe import load_recipe
from annoengine.runner import carry_out, make_door
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, recipe_file
from tests.toy import Echo


async def until(true: Callable[[], bool], run: asyncio.Task[Any]) -> None:
    """Waits for something to happen while a run goes on."""
    for _ in range(1000):
        if true():
            return
        assert not run.done(), "the run ended first"
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def test_a_running_run_follows_the_file_and_survives_a_mistake_in_it(tmp_path: Path) -> None:
    stages = [{"tests.toy:Asks": {}, "as": "asks"}]
    role = {"model": "tests.toy:Echo/a", "options": {"window": 8}, "limits": {"concurrency": 2}}
    path = recipe_file(tmp_path, stages, source={"n": 60}, model=role)
    recipe = load_recipe(path)
    workspace = Workspace(tmp_path / "run")
    file = workspace.root / "limits.yaml"
    Echo.delay_s = 0.15
    door = make_door(recipe)
    notes: list[str] = []

    def on_event(event: Event) -> None:
        if isinstance(event, Note):
            notes.append(event.text)

    run = asyncio.create_task(carry_out(recipe, workspace, door=door, on_event=on_event))
    await until(lambda: bool(door.limits), run)
    limits = door.limits["tests.toy:Echo/a"]
    assert limits.state().concurrency <= 2
    file.write_text("tests.toy:Echo/b: {concurrency: 4}\n")
    await until(lambda: bool(notes), run)
    assert "this run asks no model called 'tests.toy:Echo/b'" in notes[0]
    file.write_text("tests.toy:Echo/a: {concurrency: 7, requests_per_minute: 6000}\n")
    await until(lambda: limits.state().requests_per_minute == 6000, run)
    await run
    account = account_of(recipe, workspace)
    assert account.finished
    assert account.stages[-1].given == 60
