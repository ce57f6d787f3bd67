"""Progress while a run goes on, and the account when it has ended.

On a terminal one line a stage is kept up to date; elsewhere a line is printed now and then, so
that a log file stays readable.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from annoengine.account import Account, StageAccount
from annoengine.budget import in_usd
from annoengine.events import CallDone, Event, Note, RecordDone, SourceRead, StepBegins, StepDone
from annoengine.exporter import Exported
from annoengine.recipe import Recipe
from annoengine.workspace import SOURCE, Workspace

_LINE_EVERY_S = 15.0
"""Seconds between lines where there is no terminal."""


def make_console() -> Console:
    """The console of a command's report: standard output, no wrapping of paths in a pipe."""
    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


@dataclass
class _Line:
    begun: int = 0
    records: int = 0
    given: int = 0
    dropped: int = 0
    failed: int = 0
    paused: int = 0
    calls: int = 0
    replayed: int = 0

    @property
    def done(self) -> int:
        return self.given + self.dropped + self.failed + self.paused


class Progress:
    """Takes events and shows them; a context manager around the run."""

    def __init__(self, console: Console, recipe: Recipe, quiet: bool = False) -> None:
        self._console = console
        self._name = recipe.name
        self._quiet = quiet
        self._lines = {built.name: _Line() for built in recipe.stages}
        self._asks = {built.name for built in recipe.stages if built.stage.roles()}
        self._source = SourceRead(0, 0, False)
        self._tokens = 0
        self._usd = 0.0
        self._notes: list[str] = []
        self._began = time.monotonic()
        self._next_line = self._began + _LINE_EVERY_S
        self._live: Live | None = None

    def __enter__(self) -> Progress:
        if self._console.is_terminal and not self._quiet:
            self._live = Live(
                get_renderable=self._table, console=self._console, refresh_per_second=6
            )
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        elif not self._quiet:
            self._print_line()

    def say(self, text: str) -> None:
        """A sentence for the person who watches, kept above the progress."""
        if self._live is not None:
            self._live.console.print(text)
        elif not self._quiet:
            self._console.print(text)

    def take(self, event: Event) -> None:
        """Counts an event in."""
        match event:
            case SourceRead():
                self._source = event
            case StepBegins(stage=stage, records=records):
                self._lines[stage].begun += 1
                self._lines[stage].records += records
            case RecordDone(stage=stage, outcome=outcome):
                line = self._lines[stage]
                line.given += outcome == "given"
                line.dropped += outcome == "dropped"
                line.failed += outcome == "failed"
                line.paused += outcome == "paused"
            case CallDone(stage=stage, replayed=replayed):
                line = self._lines[stage]
                line.calls += not replayed
                line.replayed += replayed
                self._tokens += 0 if replayed else event.input_tokens + event.output_tokens
                self._usd += event.usd or 0.0
            case StepDone(stage=stage, skipped=True):
                line = self._lines[stage]
                line.given += event.given
                line.dropped += event.dropped
                line.failed += event.failed
                line.paused += event.paused
            case Note(text=text):
                self.say(text)
            case StepDone():
                pass
        if self._live is None and not self._quiet and time.monotonic() >= self._next_line:
            self._print_line()

    def _print_line(self) -> None:
        self._next_line = time.monotonic() + _LINE_EVERY_S
        parts = [f"{SOURCE} {self._source.entries}{'' if self._source.done else '+'}"]
        for name, line in self._lines.items():
            text = f"{name} {line.done}/{self._source.entries}"
            if line.dropped:
                text += f" ({line.dropped} dropped)"
            if line.failed:
                text += f" ({line.failed} failed)"
            if line.paused:
                text += f" ({line.paused} wait for people)"
            if line.calls or line.replayed:
                text += f" [{line.calls} calls, {line.replayed} from the journal]"
            parts.append(text)
        if self._usd:
            parts.append(usd_text(self._usd))
        self._console.print(f"{self._name} {self._elapsed()}: " + ", ".join(parts))

    def _elapsed(self) -> str:
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"

    def _table(self) -> Group:
        table = Table(box=None, padding=(0, 1), header_style="dim")
        for heading in ("stage", "", "records", "dropped", "failed", "calls", "replayed"):
            table.add_column(heading, justify="left" if heading in ("stage", "") else "right")
        total = self._source.entries
        state = f"{total}" if self._source.done else f"{total} …"
        table.add_row(SOURCE, _bar(int(self._source.done), 1), state, "", "", "", "")
        came = total
        for name, line in self._lines.items():
            table.add_row(
                name,
                _bar(line.done, max(1, came)),
                f"{line.done}/{came}" + (f", {line.paused} wait" if line.paused else ""),
                str(line.dropped or ""),
                Text(str(line.failed or ""), style="red"),
                str(line.calls) if name in self._asks else "",
                str(line.replayed or "") if name in self._asks else "",
            )
            came = max(0, came - line.dropped - line.failed - line.paused)
        tokens = f", {self._tokens:,} tokens" if self._tokens else ""
        tokens += f", {usd_text(self._usd)}" if self._usd else ""
        return Group(Text(f"{self._name} {self._elapsed()}{tokens}", style="bold"), table)


def usd_text(usd: float) -> str:
    """Dollars as a person reads them: small sums with two digits that count.

    >>> usd_text(0), usd_text(0.0042), usd_text(12.345), usd_text(1234.5)
    ('$0', '$0.0042', '$12.35', '$1,234')
    """
    if not usd:
        return "$0"
    if usd < 0.1:
        return f"${usd:.2g}"
    return f"${usd:,.2f}" if usd < 1000 else f"${usd:,.0f}"


def _bar(done: int, total: int) -> ProgressBar:
    return ProgressBar(total=total, completed=done, width=30)


def account_table(account: Account) -> Table:
    """The account as a table: a line a stage, each of which sums."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("stage")
    # Part of what is pending, and a column only where people come in between at all.
    people = bool(account.paused)
    headings = ["in", "out", "dropped", "failed", "pending", "calls", "tokens in/out", "USD"]
    if people:
        headings.insert(5, "for people")
    for heading in headings:
        table.add_column(heading, justify="right")
    for stage in account.stages:
        calls = stage.calls
        table.add_row(
            stage.stage,
            f"{stage.came_in:,}",
            f"{stage.given:,}",
            f"{sum(stage.dropped.values()):,}",
            Text(
                f"{sum(stage.failed.values()):,}", style="red" if any(stage.failed.values()) else ""
            ),
            f"{stage.pending:,}",
            *([f"{sum(stage.paused.values()):,}" if stage.paused else ""] if people else []),
            f"{calls.asked:,}" if calls.asked or calls.answered else "",
            f"{calls.input_tokens:,}/{calls.output_tokens:,}" if calls.input_tokens else "",
            usd_text(in_usd(calls.spent_nano)) if calls.spent_nano else "",
        )
    return table


def account_notes(account: Account) -> list[str]:
    """The reasons behind the account's numbers, a sentence each."""
    notes = [f"{SOURCE}: {n:,} images left out by {why}" for why, n in account.left_out.items()]
    for stage in account.stages:
        notes += _stage_notes(stage)
    return notes


def _stage_notes(stage: StageAccount) -> list[str]:
    notes = [f"{stage.stage}: {n:,} dropped: {reason}" for reason, n in stage.dropped.items()]
    notes += [
        f"{stage.stage}: {n:,} captions dropped: {reason}"
        for reason, n in stage.captions_dropped.items()
    ]
    notes += [f"{stage.stage}: {n:,} failed: {reason}" for reason, n in stage.failed.items()]
    notes += [
        f"{stage.stage}: {n:,} of the pending wait for people: {reason}"
        for reason, n in stage.paused.items()
    ]
    calls = stage.calls
    notes += [
        f"{stage.stage}: {n:,} calls ended as {outcome}"
        for outcome, n in sorted(calls.outcomes.items())
        if outcome != "answer"
    ]
    notes += [f"{stage.stage}: {n:,} tries: {why}" for why, n in sorted(calls.failures.items())]
    if calls.perhaps_paid:
        notes.append(
            f"{stage.stage}: {calls.perhaps_paid:,} calls perhaps paid without an answer "
            "(the process or the connection ended in between)"
            + (f", {usd_text(in_usd(calls.perhaps_nano))} at most" if calls.perhaps_nano else "")
        )
    if stage.kept_older:
        notes.append(f"{stage.stage}: {stage.kept_older:,} records keep their older reading")
    return notes


def export_lines(export: Exported) -> list[str]:
    """What an exporter wrote: where, how much of each thing, and what it has to say."""
    # Counts with a colon are a split's own; its note tells them in a sentence.
    shown = {name: n for name, n in export.counts.items() if n and ":" not in name}
    counts = ", ".join(f"{n:,} {name}" for name, n in shown.items())
    return [f"dataset: {export.folder} ({counts})", *(f"  {note}" for note in export.notes)]


def print_account(
    console: Console,
    account: Account,
    workspace: Workspace,
    exported: Sequence[Exported],
    previews: Sequence[Path],
) -> None:
    """The end of a run: what came of it, what is wrong, where it lies."""
    console.print()
    console.print(account_table(account))
    for note in account_notes(account):
        console.print(f"  {note}")
    if account.failed:
        console.print(
            f"{account.failed:,} records failed; `annoengine retry {workspace.root}` tries them "
            "again, and only them"
        )
    for export in exported:
        for line in export_lines(export):
            console.print(line)
    if previews:
        console.print(f"drawn images: {previews[0].parent}")
        for path in previews[:3]:
            console.print(f"  {path}")
