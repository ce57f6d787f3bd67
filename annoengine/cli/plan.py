"""``annoengine plan``: what a run would do and cost, without doing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from annoengine.cli import options
from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from annoengine.estimate import NewCalls
    from annoengine.recipe import Recipe

_GLIMPSE = 32
"""Images of a source that was never read that are looked at."""


@interruptible("nothing was sent or changed")
def plan(
    recipe: options.RecipeName,
    source: options.SourceKind = None,
    input: options.Inputs = None,
    model: options.Models = None,
    set: options.Settings = None,
    workspace: options.WorkspaceFolder = None,
    limit: options.Limit = None,
    json: Annotated[bool, typer.Option("--json", help="The forecast as JSON.")] = False,
) -> None:
    """Show what is to do, and the calls, tokens, dollars and time it takes. Sends nothing."""
    import asyncio

    import orjson

    from annoengine.estimate import count_licences, count_listed, count_new_calls, glimpse
    from annoengine.forecast import forecast
    from annoengine.plan import make_plan
    from annoengine.plan_report import forecast_json, print_forecast, rights, steps_table
    from annoengine.progress import make_console
    from annoengine.recipe_fit import fits_of_recipe

    changes = options.overrides(input, model, set, source)
    built, folder = options.load(recipe, changes, workspace)
    made = make_plan(built, folder, limit)
    unread = made.source.state == "stale" or not made.steps
    looked_at = None
    if unread:
        images = count_listed(built, limit)
        seen = asyncio.run(glimpse(built, min(images, _GLIMPSE)))
        looked_at, counts, licences = seen.images, seen.counts, seen.licences
        _scale(counts, images, max(1, seen.images))
    else:
        counts = asyncio.run(count_new_calls(built, folder, made))
        licences = count_licences(folder)
    stages = forecast(built, folder, counts)
    if json:
        typer.echo(orjson.dumps(forecast_json(stages), option=orjson.OPT_INDENT_2).decode())
        return
    console = make_console()
    console.print(f"{built.path} → {folder.root}")
    if unread:
        why = "not read yet"
        if made.source.state == "stale":
            why = f"changed: {', '.join(made.source.changed)}"
        console.print(f"source: {images:,} images ({why}); the first {looked_at:,} were looked at")
        least = {count.stage: f", {count.calls:,} calls at least" for count in counts}
        for stage in built.stages:
            asks = f"{_models(built, stage.name)}{least.get(stage.name, '')}"
            console.print(f"{stage.name}: {images:,} records{asks}")
    else:
        console.print(
            f"{made.source.shards:,} shards of {built.text.run.shard_size:,} images; steps:"
        )
        console.print(steps_table(made, {count.stage: count for count in counts}))
    print_forecast(console, stages)
    paid = [p.name for p in built.providers() if not getattr(p, "FREE", False)]
    for line in (*rights(licences, paid), *fits_of_recipe(built, ask_torch=False)):
        console.print(f"  {line}", markup=False)
    if made.done:
        console.print("nothing is left to do")


def _models(recipe: Recipe, stage: str) -> str:
    roles = next(built.stage.roles() for built in recipe.stages if built.name == stage)
    names = ", ".join(recipe.roles[role].text.names for role in roles)
    return f", asks {names}" if names else ""


def _scale(counts: list[NewCalls], images: int, looked_at: int) -> None:
    """From the images that were looked at to all of them."""
    if images > looked_at:
        for count in counts:
            count.calls = round(count.calls * images / looked_at)
            count.records = round(count.records * images / looked_at)
            count.exact = False
