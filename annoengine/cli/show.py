"""``annoengine show``: one record with its marks, captions, scores and verdicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from annoengine.cli.endings import interruptible


@interruptible("the run is as it was; a picture is whole or not written")
def show(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's folder, its name, or its recipe's file.")
    ],
    record: Annotated[
        str,
        typer.Argument(metavar="RECORD", help="Its id, the end of it, or the photograph's file."),
    ],
    stage: Annotated[
        str,
        typer.Option(
            "--stage",
            metavar="NAME",
            help="As it left this stage; unless given, the last that has run for it.",
        ),
    ] = "",
    png: Annotated[
        Path | None,
        typer.Option("--png", metavar="FILE", help="Also draw it, the marked picture beside."),
    ] = None,
) -> None:
    """Show a record: its captions, and each claim in them with its verdict and evidence."""
    from annoengine.errors import InputError
    from annoengine.run_folder import find_run
    from annoengine.show.find import find_record
    from annoengine.show.terminal import print_record

    if png is not None and png.suffix.lower() != ".png":
        raise InputError(f"--png {png}: only a .png file can be written")
    found = find_record(find_run(run), record, stage)
    if png is not None:
        from annoengine.show.picture import draw_record
        from annoengine.storage import LocalFolder, write_bytes

        write_bytes(LocalFolder(png.parent), png.name, draw_record(found))
    print_record(found)
    if png is not None:
        typer.echo(f"picture: {png}")
