"""``annoengine retry``: tries the failed records of a run again, and only them."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from annoengine.cli import options
from annoengine.cli.endings import interruptible


def _goes_on(run: Path, **_: object) -> str:
    """What Ctrl-C leaves: records that no longer count as failed, so that `run` takes them up."""
    from annoengine.workspace import Workspace

    done = Workspace(run).source_done()
    command = ["annoengine", "run", f"{run}/recipe.yaml", "-w", f"{run}"]
    if done is not None and done.limit is not None:
        command += ["--limit", str(done.limit)]
    return f"`{shlex.join(command)}` goes on from here"


@interruptible(_goes_on)
def retry(
    run: options.RunFolder,
    stage: Annotated[str | None, typer.Option("--stage", help="Only those of one stage.")] = None,
    shards: options.ShardChoice = None,
    quiet: options.Quiet = False,
) -> None:
    """Redo exactly the failed records; every other answer comes from the journal."""
    from annoengine.carry import carry_and_export
    from annoengine.errors import WorkspaceError
    from annoengine.plan import make_plan
    from annoengine.recipe import load_recipe
    from annoengine.retry import open_failed
    from annoengine.workspace import Shards, Workspace

    folder = Workspace.of_run(run)
    recipe = load_recipe(run / "recipe.yaml")
    recipe.source.check()
    done = folder.source_done()
    limit = done.limit if done else None
    plan = make_plan(recipe, folder, limit)
    if plan.changed:
        raise WorkspaceError(
            f"{run}: an input or annoengine itself changed since; look with `annoengine plan "
            f"{run}/recipe.yaml -w {run}` and run it with --redo first"
        )
    reopened = open_failed(recipe, folder, Shards.parse(shards), stage)
    if not reopened.total:
        typer.echo("no record has failed; there is nothing to retry")
        return
    for name, count in reopened.records.items():
        typer.echo(f"{name}: {count} failed record(s) will be tried again")
    carry_and_export(
        recipe,
        folder,
        shards=Shards.parse(shards),
        limit=limit,
        quiet=quiet,
        goes_on=_goes_on(run),
    )
