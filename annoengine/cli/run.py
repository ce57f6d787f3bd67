"""``annoengine run``: makes a dataset, or goes on making it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from annoengine.cli import options
from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from annoengine.plan import Plan
    from annoengine.recipe import Recipe
    from annoengine.workspace import Workspace

GOES_ON = "the same command goes on from here"


@interruptible(GOES_ON)
def run(
    recipe: options.RecipeName,
    source: options.SourceKind = None,
    input: options.Inputs = None,
    model: options.Models = None,
    set: options.Settings = None,
    workspace: options.WorkspaceFolder = None,
    limit: options.Limit = None,
    pilot: Annotated[
        int | None,
        typer.Option("--pilot", min=1, help="Only the first N images; then what the rest costs."),
    ] = None,
    budget: options.BudgetUsd = None,
    shards: options.ShardChoice = None,
    redo: Annotated[
        bool, typer.Option("--redo", help="Redo what the recipe changed since; pays only for that.")
    ] = False,
    reparse: Annotated[
        bool, typer.Option("--reparse", help="Read stored answers again; make no new call.")
    ] = False,
    quiet: options.Quiet = False,
) -> None:
    """Make a dataset; the same command again resumes."""
    from annoengine.carry import carry_and_export
    from annoengine.errors import SettingError
    from annoengine.plan import make_plan
    from annoengine.workspace import Shards

    if pilot is not None and limit is not None:
        raise SettingError("--pilot already limits the images; leave --limit away")
    limit = limit if pilot is None else pilot
    changes = options.overrides(input, model, set, source, budget)
    built, folder = options.load(recipe, changes, workspace)
    plan = make_plan(built, folder, limit)
    if plan.changed and not (redo or reparse):
        _refuse(built, folder, plan)
    carry_and_export(
        built,
        folder,
        shards=Shards.parse(shards),
        limit=limit,
        mode="replay" if reparse else "run",
        redo=redo,
        quiet=quiet,
        goes_on=GOES_ON,
    )
    if pilot is not None:
        _print_rest(built, folder, pilot)


def _print_rest(recipe: Recipe, workspace: Workspace, pilot: int) -> None:
    """What the images behind a pilot would take, by the pilot's own answers."""
    from annoengine.estimate import NewCalls, count_listed
    from annoengine.forecast import forecast
    from annoengine.plan_report import print_forecast
    from annoengine.progress import make_console

    rest = max(0, count_listed(recipe, None) - pilot)
    counts = [NewCalls(b.name, rest, rest, False) for b in recipe.stages if b.stage.roles()]
    console = make_console()
    console.print(f"the other {rest:,} images of the source:")
    print_forecast(console, forecast(recipe, workspace, counts))


def _refuse(recipe: Recipe, workspace: Workspace, plan: Plan) -> None:
    import asyncio

    from annoengine.errors import WorkspaceError
    from annoengine.estimate import count_new_calls

    lines = [f"{workspace.root} holds results that this recipe would change:"]
    if plan.source.shrinks:
        lines.append(
            f"  source: {plan.source.entries} images were read; --limit would take some away"
        )
    elif plan.source.state == "stale":
        lines.append(
            f"  source: {', '.join(plan.source.changed)} changed; every shard is read anew"
        )
    lines += [f"  {name}: the recipe has no such stage at this place" for name in plan.strangers]
    for index, name in enumerate(plan.stages):
        stale = [step for step in plan.of(index) if step.state == "stale"]
        if stale and index:
            changed = sorted({key for step in stale for key in step.changed})
            lines.append(f"  {name}: {len(stale)} shard(s), because {', '.join(changed)} changed")
    if plan.source.state != "stale":
        for count in asyncio.run(count_new_calls(recipe, workspace, plan)):
            least = "" if count.exact else "about "
            lines.append(f"  {count.stage}: {least}{count.calls} new call(s), before any repair")
    lines.append(
        "Nothing was done. --redo accepts this (answers that still fit are not asked again), "
        "--reparse reads the stored answers without any new call, and another --workspace "
        "leaves this run as it is"
    )
    raise WorkspaceError("\n".join(lines))
