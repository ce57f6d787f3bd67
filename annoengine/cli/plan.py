"""``annoengine plan``: what a run would do, without doing it."""

from __future__ import annotations

from annoengine.cli import options


def plan(
    recipe: options.RecipeName,
    source: options.SourceKind = None,
    input: options.Inputs = None,
    model: options.Models = None,
    set: options.Settings = None,
    workspace: options.WorkspaceFolder = None,
    limit: options.Limit = None,
) -> None:
    """Show what is done, to do or changed, and how many calls are left. Sends nothing."""
    import asyncio
    from collections import Counter

    from rich.table import Table

    from annoengine.estimate import count_listed, count_new_calls
    from annoengine.plan import make_plan
    from annoengine.progress import make_console
    from annoengine.recipe import load_recipe
    from annoengine.workspace import Workspace

    built = load_recipe(recipe, options.overrides(input, model, set, source))
    folder = Workspace(options.workspace_root(built, workspace))
    folder.check_format()
    built.source.check()
    made = make_plan(built, folder, limit)
    console = make_console()
    console.print(f"{built.path} → {folder.root}")
    if made.source.state == "stale" or not made.steps:
        why = "not read yet"
        if made.source.state == "stale":
            why = f"changed: {', '.join(made.source.changed)}"
        images = count_listed(built, limit)
        console.print(f"source: {images:,} images ({why})")
        for stage in built.stages:
            asks = f", at least {images:,} calls" if stage.stage.roles() else ""
            models = ", ".join(built.models[role].model for role in stage.stage.roles())
            console.print(
                f"{stage.name}: {images:,} records{asks}{' to ' + models if asks else ''}"
            )
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("stage")
    for heading in ("done", "to do", "changed", "follows", "new calls", "because"):
        table.add_column(heading, justify="left" if heading == "because" else "right")
    calls = {c.stage: c for c in asyncio.run(count_new_calls(built, folder, made))}
    for index, name in enumerate(made.stages):
        states = Counter(step.state for step in made.of(index))
        count = calls.get(name)
        changed = sorted({key for step in made.of(index) for key in step.changed})
        table.add_row(
            name,
            *(str(states[state] or "") for state in ("done", "todo", "stale", "follows")),
            "" if count is None else f"{'' if count.exact else '≥ '}{count.calls:,}",
            ", ".join(changed),
        )
    console.print(f"{made.source.shards:,} shards of {built.text.run.shard_size:,} images; steps:")
    console.print(table)
    if made.done:
        console.print("nothing is left to do")
