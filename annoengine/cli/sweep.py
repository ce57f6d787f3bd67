"""``annoengine sweep``: what each threshold on a stored score would keep."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annoengine.cli.endings import interruptible


@interruptible("the run is as it was; a plot is whole or not written")
def sweep(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's folder, its name, or its recipe's file.")
    ],
    score: Annotated[str, typer.Option("--score", metavar="NAME", help="Only this score.")] = "",
    where: Annotated[
        str,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only captions of which this is true: 'facts.contradicted == 0 and clip >= q10'.",
        ),
    ] = "",
    stage: Annotated[
        str,
        typer.Option(
            "--stage",
            metavar="NAME",
            help="In what left this stage; unless given, in what comes into the first keep.",
        ),
    ] = "",
    plot: Annotated[
        list[Path] | None,
        typer.Option("--plot", metavar="FILE", help="Also draw it: a .png or .svg; repeat it."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Show for each stored score how many captions and images each threshold keeps.

    Nothing is asked or changed: set a threshold in the recipe's keep, and run it again.
    """
    from annoengine.fingerprint import canonical_json
    from annoengine.run_folder import find_run
    from annoengine.sweep.counts import sweep as count
    from annoengine.sweep.plot import check_plot, write_plot
    from annoengine.sweep.report import print_sweep, sweep_json

    for file in plot or ():
        check_plot(file)
    swept = count(find_run(run), score, where, stage)
    for file in plot or ():
        write_plot(swept, file)
    if json:
        typer.echo(canonical_json(sweep_json(swept)))
        return
    print_sweep(swept)
    for file in plot or ():
        typer.echo(f"plot: {file}")
