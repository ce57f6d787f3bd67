"""``annoengine calls``: finds, shows and exports single calls of a run."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from annoengine.call_lines import Call

_SHOWN = 20
"""Calls in the table unless --limit says otherwise."""


@interruptible("the run is as it was; what was exported so far stays")
def calls(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run's folder, its name, or its recipe's file.")
    ],
    record: Annotated[
        str, typer.Option("--record", metavar="ID", help="Of this record; its end or a pattern do.")
    ] = "",
    stage: Annotated[str, typer.Option("--stage", metavar="NAME", help="Of this stage.")] = "",
    outcome: Annotated[
        str,
        typer.Option(
            "--outcome",
            metavar="NAME",
            help="answer, refusal, filtered, truncated, empty, gave_up, failed, open, or any.",
        ),
    ] = "",
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="Of this model; a pattern does (gpt-*).")
    ] = "",
    text: Annotated[
        str, typer.Option("--text", metavar="WORDS", help="With all these words in what came back.")
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=1, help=f"The newest N; {_SHOWN} in the table, else all."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON, one call a line.")] = False,
    show: Annotated[
        str, typer.Option("--show", metavar="N|KEY", help="One call in full, by number or key.")
    ] = "",
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FOLDER", help="A folder for each, with its pictures."),
    ] = None,
) -> None:
    """Find, show and export single calls: what was sent, what came back, tokens, price, tries."""
    from annoengine.call_choice import Choice, Wanted
    from annoengine.call_export import call_json, export_calls
    from annoengine.call_lines import Requests
    from annoengine.call_report import call_text, print_calls
    from annoengine.fingerprint import canonical_json
    from annoengine.run_folder import find_run

    root = find_run(run)
    choice = Choice(root, Wanted(record, stage, outcome, model, text, show))
    found: Iterable[Call] = choice.calls(
        lambda damage: typer.echo(f"annoengine: {damage}; the other lines are read", err=True)
    )
    if limit is None and not (json or show or export is not None):
        limit = _SHOWN
    if limit is not None:
        # Newest last, where the eye is when the table has been printed.
        found = heapq.nlargest(limit, found, key=lambda call: (call.at, call.number))[::-1]
    requests = Requests()
    if export is not None:
        written = export_calls(found, root, export)
        typer.echo(f"{written.calls:,} calls with {written.pictures:,} pictures: {export}")
        for missing in written.missing:
            typer.echo(f"  no picture: {missing}")
    elif json:
        for call in found:
            typer.echo(canonical_json(call_json(call, root, requests.read(call))))
    elif show:
        for call in found:
            typer.echo(call_text(call, root, requests.read(call)))
    else:
        print_calls(list(found), choice.sums)
