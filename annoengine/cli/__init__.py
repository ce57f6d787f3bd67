"""The command line: one file a command, each a few lines over the engine.

Commands import the engine when they run, so that ``annoengine --help`` stays light.
"""

from __future__ import annotations

import typer

from annoengine.cli.bench import bench
from annoengine.cli.calls import calls
from annoengine.cli.compare import compare
from annoengine.cli.doctor import doctor
from annoengine.cli.endings import explained
from annoengine.cli.export import export
from annoengine.cli.plan import plan
from annoengine.cli.render_som import render_som
from annoengine.cli.retry import retry
from annoengine.cli.run import run
from annoengine.cli.score import score
from annoengine.cli.show import show
from annoengine.cli.stats import stats
from annoengine.cli.status import status
from annoengine.cli.sweep import sweep
from annoengine.cli.validate import validate

app = typer.Typer(
    name="annoengine",
    help="Turns images and their masks into caption datasets, in resumable steps.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from annoengine import __version__

        typer.echo(f"annoengine {__version__}")
        raise typer.Exit()


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Print the version.", callback=_version, is_eager=True
    ),
) -> None:
    """The options of annoengine itself."""


for command, name in (
    (run, "run"),
    (plan, "plan"),
    (status, "status"),
    (calls, "calls"),
    (show, "show"),
    (sweep, "sweep"),
    (stats, "stats"),
    (score, "score"),
    (compare, "compare"),
    (retry, "retry"),
    (export, "export"),
    (render_som, "render-som"),
    (doctor, "doctor"),
    (validate, "validate"),
    (bench, "bench"),
):
    app.command(name)(explained(command))


def main() -> None:
    """The entry point of the installed command."""
    app()
