"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annoengine.errors import RecipeError

if TYPE_CHECKING:
    from annoengine.recipe import Recipe
    from annoengine.recipe_text import Overrides
    from annoengine.workspace import Workspace

RecipeName = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe file, or the name of a packaged one.")
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder (runs/NAME).")]
Inputs = Annotated[
    list[str] | None,
    typer.Option("--input", "-i", metavar="NAME=PATH", help="What the source reads; repeat it."),
]
SourceKind = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="KIND",
        help="Another source than the recipe's (coco_panoptic, coco_instances, coconut, boxes, "
        "mask_folder, images, sa1b), with its own --input.",
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", metavar="ROLE=PROVIDER/MODEL", help="The model of a role."),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="STAGE.KEY=VALUE", help="A setting of the recipe."),
]
WorkspaceFolder = Annotated[
    Path | None,
    typer.Option("--workspace", "-w", help="The run's folder; runs/NAME unless given."),
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first N images.")]
ShardChoice = Annotated[
    str | None,
    typer.Option("--shards", help="Only these shards: 5, 0-3, or part 2/8."),
]
BudgetUsd = Annotated[
    float | None,
    typer.Option("--budget", metavar="USD", min=0, help="Stop before more than this is spent."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the account.")]


def _pairs(texts: Sequence[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise RecipeError(f"{option} {text!r} is not of the form name=value")
        pairs[name] = value
    return pairs


def overrides(
    inputs: Sequence[str] | None,
    models: Sequence[str] | None,
    settings: Sequence[str] | None,
    source: str | None = None,
    budget: float | None = None,
) -> Overrides:
    """What the command line says differently from the recipe."""
    from annoengine.recipe_text import Overrides

    changes = [*(settings or ()), *(() if budget is None else (f"budget.usd={budget}",))]
    return Overrides(_pairs(inputs, "--input"), _pairs(models, "--model"), tuple(changes), source)


def load(recipe: str, changes: Overrides, workspace: Path | None) -> tuple[Recipe, Workspace]:
    """The recipe with what the command line changes, and its run's folder; both are checked."""
    from annoengine.recipe import load_recipe
    from annoengine.workspace import Workspace

    built = load_recipe(recipe, changes)
    folder = Workspace(workspace if workspace is not None else Path("runs") / built.name)
    folder.check_format()
    built.source.check()
    return built, folder
