"""``annoengine run``: makes a dataset, or goes on making it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from annoengine.cli import options

if TYPE_CHECKING:
    from annoengine.plan import Plan
    from annoengine.recipe import Recipe
    from annoengine.workspace import Workspace


def run(
    recipe: options.RecipeName,
    source: options.SourceKind = None,
    input: options.Inputs = None,
    model: options.Models = None,
    set: options.Settings = None,
    workspace: options.WorkspaceFolder = None,
    limit: options.Limit = None,
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
    from annoengine.plan import make_plan
    from annoengine.recipe import load_recipe
    from annoengine.workspace import Shards, Workspace

    built = load_recipe(recipe, options.overrides(input, model, set, source))
    folder = Workspace(options.workspace_root(built, workspace))
    folder.check_format()
    built.source.check()
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
    )


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
