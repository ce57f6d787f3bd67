"""``annoengine status``: where a run stands."""

from __future__ import annotations

from typing import Annotated

import typer

from annoengine.cli import options
from annoengine.cli.endings import interruptible

_MOST_ROWS = 40
"""Shards shown one by one before only the unfinished ones are."""


@interruptible("nothing was changed")
def status(
    run: options.RunFolder,
    json: Annotated[bool, typer.Option("--json", help="The account as JSON.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Every shard, also in a large run.")] = False,
) -> None:
    """Show per stage and shard what is done, pending, dropped, failed, and the calls made."""
    from rich.table import Table

    from annoengine.account import account_json, take_account
    from annoengine.plan import make_plan
    from annoengine.progress import account_notes, account_table, make_console
    from annoengine.recipe import load_recipe
    from annoengine.workspace import Workspace

    folder = Workspace.of_run(run)
    recipe = load_recipe(run / "recipe.yaml")
    done = folder.source_done()
    plan = make_plan(recipe, folder, done.limit if done else None, as_read=True)
    account = take_account(recipe, folder, plan)
    if json:
        typer.echo(account_json(account).decode(), nl=False)
        return
    console = make_console()
    state = "finished" if account.finished else "not finished"
    if account.paused:
        state += f", {account.paused:,} record(s) wait for people"
    console.print(f"{folder.root}: {state}")
    console.print(account_table(account))
    for note in account_notes(account):
        console.print(f"  {note}")
    shards = sorted({step.shard for step in plan.steps})
    unfinished = {step.shard for step in plan.steps if step.state != "done"}
    shown = shards if all or len(shards) <= _MOST_ROWS else sorted(unfinished)[:_MOST_ROWS]
    if not shown:
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("shard")
    for name in plan.stages:
        table.add_column(name)
    cells = {(step.shard, step.stage): step for step in plan.steps}
    for shard in shown:
        row = []
        for name in plan.stages:
            step = cells[(shard, name)]
            counts = step.marker.counts if step.marker and step.settled else None
            text = {"todo": "pending", "stale": "changed"}.get(step.state, step.state)
            if counts is not None:
                text = f"{counts.given} done"
                for what, reasons in (
                    ("dropped", counts.dropped),
                    ("captions dropped", counts.captions_dropped),
                    ("failed", counts.failed),
                    ("wait for people", counts.paused),
                ):
                    if reasons:
                        text += f", {sum(reasons.values())} {what}"
            row.append(text)
        table.add_row(f"{shard:05d}", *row)
    console.print(table)
    if len(shown) < len(shards):
        console.print(f"{len(shards) - len(unfinished):,} of {len(shards):,} shards are finished")
