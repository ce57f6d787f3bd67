"""``annoengine export``: writes a finished run's datasets, again or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annoengine.cli import options


def export(
    run: options.RunFolder,
    name: Annotated[str | None, typer.Argument(help="One export of the recipe.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; RUN/export unless given.")
    ] = None,
    set: options.Settings = None,
) -> None:
    """Write the datasets of a finished run."""
    from annoengine.export_run import choose_exports, export_run
    from annoengine.progress import export_lines
    from annoengine.recipe import load_recipe
    from annoengine.workspace import Workspace

    folder = Workspace.of_run(run)
    recipe = load_recipe(run / "recipe.yaml", options.overrides(None, None, set))
    for exported in export_run(recipe, folder, choose_exports(recipe, name), output):
        for line in export_lines(exported):
            typer.echo(line)
