"""How a command ends: a sentence and an exit code for every error made on purpose."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from annoengine.errors import RunStopped, UserError

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


def explained(command: Callable[..., Any]) -> Callable[..., Any]:
    """The command, with its errors as sentences on stderr; anything else keeps its traceback."""

    @functools.wraps(command)
    def ends(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except (UserError, RunStopped) as error:
            typer.echo(f"annoengine: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            typer.echo("annoengine: interrupted; the same command goes on from here", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            raise typer.Exit(0) from None

    return ends
