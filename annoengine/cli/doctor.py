"""``annoengine doctor``: what this machine has, and what each recipe still needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annoengine.cli.endings import interruptible

_SIGNS = {True: "ok", False: "--", None: ""}


@interruptible("nothing was sent or changed")
def doctor(
    recipes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RECIPE]...", help="Recipes to look at; the packaged ones else."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The examination as JSON.")] = False,
) -> None:
    """Show versions, extras, keys (set or not), data, GPU, disk, and what each recipe needs.

    Sends nothing. Exit 1 if a recipe lacks something.
    """
    from rich.table import Table
    from rich.text import Text

    from annoengine.doctor import as_json, examine, examine_recipe, packaged_recipes
    from annoengine.fingerprint import canonical_json
    from annoengine.progress import make_console

    sections = examine(Path("runs"))
    looked_at = [examine_recipe(name) for name in recipes or packaged_recipes()]
    ready = all(recipe.ready for recipe in looked_at)
    if json:
        typer.echo(canonical_json(as_json(sections, looked_at)).decode())
        raise typer.Exit(0 if ready else 1)
    console = make_console()
    for section in sections:
        console.print(f"[bold]{section.title}[/bold]")
        table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
        for finding in section.findings:
            remedy = f"\n→ {finding.remedy}" if finding.remedy else ""
            value = Text(finding.value + remedy, overflow="fold")
            table.add_row("", finding.name, _SIGNS[finding.ok], value)
        if not section.findings:
            table.add_row("", "none")
        console.print(table)
    console.print("[bold]recipes[/bold]")
    for recipe in looked_at:
        about = f" ({recipe.about})" if recipe.about else ""
        state = "ready" if recipe.ready else "needs"
        console.print(f"  {recipe.name}: {state}{about}", markup=False)
        for need in recipe.needs:
            remedy = f"  → {need.remedy}" if need.remedy else ""
            console.print(f"    {need.what}{remedy}", markup=False)
        for line in recipe.fits:
            console.print(f"    {line}", markup=False)
    raise typer.Exit(0 if ready else 1)
