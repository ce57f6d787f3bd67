"""``annoengine export``: writes a finished run's datasets, again or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annoengine.cli import options
from annoengine.cli.endings import interruptible


@interruptible(
    "datasets that are written whole are kept; the same command writes all of them again"
)
def export(
    run: options.RunFolder,
    name: Annotated[str | None, typer.Argument(help="One export of the recipe.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; RUN/export unless given.")
    ] = None,
    set: options.Settings = None,
    drop_images_with_missing: Annotated[
        bool,
        typer.Option(
            "--drop-images-with-missing",
            help="pix2cap: leave out images of which a segment has no caption.",
        ),
    ] = False,
    replace: Annotated[
        Path | None,
        typer.Option(
            "--replace",
            metavar="FILE",
            help="llava: also write this LLaVA instruction file with the answers of a subset "
            "replaced by the run's captions.",
        ),
    ] = None,
    subset: Annotated[
        str | None,
        typer.Option(
            "--subset",
            metavar="SUBSET",
            help="llava: the subset, detail_23k unless given; or a file of it, or of its ids.",
        ),
    ] = None,
) -> None:
    """Write the datasets of a finished run."""
    from annoengine.export_run import choose_exports, export_run, replacement_settings
    from annoengine.progress import export_lines
    from annoengine.recipe import load_recipe
    from annoengine.workspace import Workspace

    folder = Workspace.of_run(run)
    settings = list(set or ())
    if drop_images_with_missing:
        settings.append("exports.pix2cap.drop_images_with_missing=true")
    settings += replacement_settings(run / "recipe.yaml", replace, subset)
    recipe = load_recipe(run / "recipe.yaml", options.overrides(None, None, settings))
    for exported in export_run(recipe, folder, choose_exports(recipe, name), output):
        for line in export_lines(exported):
            typer.echo(line)
