"""From a checked recipe to a finished dataset, as a person at a terminal sees it.

Runs the engine in an event loop, shows progress, lets Ctrl-C end it softly, and afterwards
exports, previews and accounts. The commands ``run`` and ``retry`` are this.
"""

from __future__ import annotations

import asyncio
import gc
import shutil
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from annoengine.account import Account, take_account, write_account
from annoengine.ask import Mode
from annoengine.door import Door
from annoengine.errors import Interrupted, RunStopped
from annoengine.export_run import export_run
from annoengine.fingerprint import canonical_json
from annoengine.plan import expected_folders, stage_folders
from annoengine.preview import write_previews
from annoengine.progress import Progress, make_console, print_account
from annoengine.recipe import Recipe
from annoengine.runner import Outcome, carry_out, make_door
from annoengine.shard import read_marker, shard_name
from annoengine.workspace import Shards, Workspace


def carry_and_export(
    recipe: Recipe,
    workspace: Workspace,
    *,
    shards: Shards,
    limit: int | None,
    mode: Mode = "run",
    redo: bool = False,
    quiet: bool = False,
    goes_on: str,
) -> Account:
    """Carries out a recipe, exports what is finished, and prints the final account.

    ``redo`` takes away the folders of stages that the recipe no longer has, and brings up to date
    what a reading without new calls had left as it was. ``goes_on`` says how to resume after
    Ctrl-C. Raises RunStopped after the account was printed.
    """
    console = make_console()
    if redo:
        _clear_other_stages(recipe, workspace)
        reopen_kept_older(recipe, workspace)
    _save(recipe, workspace)
    stopped: RunStopped | None = None
    outcome: Outcome | None = None
    with Progress(console, recipe, quiet=quiet) as progress:
        try:
            outcome = run_loop(_carry(recipe, workspace, shards, limit, mode, progress, goes_on))
        except RunStopped as error:
            stopped = error
        except asyncio.CancelledError:
            # The second signal: without the account, for it is to end at once.
            raise KeyboardInterrupt from None
    account = take_account(recipe, workspace)
    write_account(account, workspace)
    exported = []
    previews: list[Path] = []
    if outcome is not None and outcome.finished and account.finished:
        exported = export_run(recipe, workspace)
        previews = write_previews(recipe, workspace)
    print_account(console, account, workspace, exported, previews)
    if outcome is not None and not account.finished:
        console.print("the export waits until every shard is done; `annoengine status` shows them")
    if stopped is not None:
        raise stopped
    return account


def run_loop(main: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Runs a coroutine, on uvloop where it is installed, with a patient garbage collector.

    What is imported by now lives to the end, and a run makes few cycles: looking through all of
    it after every 700 new objects took a third of the time of a call. A program that has frozen
    its objects itself keeps them so.
    """
    thresholds = gc.get_threshold()
    frozen_before = gc.get_freeze_count()
    if not frozen_before:
        gc.collect()
        gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        import uvloop
    except ImportError:
        factory = None
    else:
        factory = uvloop.new_event_loop
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            return runner.run(main)
    finally:
        gc.set_threshold(*thresholds)
        if not frozen_before:
            gc.unfreeze()


async def _carry(
    recipe: Recipe,
    workspace: Workspace,
    shards: Shards,
    limit: int | None,
    mode: Mode,
    progress: Progress,
    goes_on: str,
) -> Outcome:
    door = make_door(recipe)
    _stop_on_signals(door, progress, goes_on)
    return await carry_out(
        recipe,
        workspace,
        shards=shards,
        limit=limit,
        mode=mode,
        on_event=progress.take,
        door=door,
    )


def _stop_on_signals(door: Door, progress: Progress, goes_on: str) -> None:
    """First signal: calls in flight finish, nothing new is sent. Second: it ends at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def stop() -> None:
        if door.stop is None:
            progress.say("stopping: calls in flight finish first (Ctrl-C again ends at once)")
            door.stop_with(Interrupted(f"interrupted; nothing is lost, {goes_on}"))
        elif task is not None:
            task.cancel()

    for name in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(name, stop)
        except (NotImplementedError, RuntimeError, ValueError):
            return  # Windows, or not the main thread: the default handler does


def _save(recipe: Recipe, workspace: Workspace) -> None:
    stages = {built.name: built.made_of for built in recipe.stages}
    manifest = {"recipe": recipe.name, "stages": stages}
    prompts = {name: prompt.text for name, prompt in recipe.prompts().items()}
    before = workspace.manifest()
    same = before is not None and all(
        canonical_json(before.get(key)) == canonical_json(value) for key, value in manifest.items()
    )
    if not same or workspace.recipe_text() is None or not _same_recipe(recipe, workspace):
        workspace.save(recipe.to_yaml(), prompts, manifest)


def _same_recipe(recipe: Recipe, workspace: Workspace) -> bool:
    return (workspace.root / "recipe.yaml").read_text(encoding="utf-8") == recipe.to_yaml()


def _clear_other_stages(recipe: Recipe, workspace: Workspace) -> None:
    """Takes away shards of stages that moved or went; their journals stay where they are."""
    for name in stage_folders(workspace) - expected_folders(recipe, workspace):
        shutil.rmtree(workspace.root / name)


def reopen_kept_older(recipe: Recipe, workspace: Workspace) -> int:
    """Counts steps as not done whose records kept an older result (``--reparse``); how many."""
    done, reopened = workspace.source_done(), 0
    for index, built in enumerate(recipe.stages, start=1):
        folder = workspace.folder(index, built.name)
        for number in range(done.shards if done else 0):
            marker = read_marker(workspace.storage, folder, shard_name(number))
            if marker is not None and marker.counts.kept_older:
                workspace.storage.delete(f"{folder}/{shard_name(number)}.done.json")
                reopened += 1
    return reopened
