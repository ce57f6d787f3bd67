"""How a command ends: a sentence and an exit code for every error made on purpose, and for Ctrl-C.

What Ctrl-C leaves behind differs from command to command, so each says it itself
(:func:`interruptible`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import typer

from annoengine.errors import Interrupted, RunStopped, UserError

Command = Callable[..., Any]


def explained(command: Command) -> Command:
    """The command, with its errors as sentences on stderr; anything else keeps its traceback."""

    @functools.wraps(command)
    def ends(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except (UserError, RunStopped) as error:
            typer.echo(f"annoengine: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            raise typer.Exit(0) from None

    return ends


def interruptible(left: str | Callable[..., str]) -> Callable[[Command], Command]:
    """Decorates a command with what Ctrl-C leaves behind, as it goes on after "interrupted; ".

    Where that depends on the command's options, a function of them says it.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def ends(*arguments: Any, **options: Any) -> Any:
            try:
                return command(*arguments, **options)
            except KeyboardInterrupt:
                words = left if isinstance(left, str) else left(*arguments, **options)
                typer.echo(f"annoengine: interrupted; {words}", err=True)
                raise typer.Exit(Interrupted.exit_code) from None

        return ends

    return decorate
