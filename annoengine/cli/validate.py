"""``annoengine validate``: what is wrong with a dataset, and its mending."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from annoengine.checks.finding_tally import CheckedDataset, FindingTally
    from annoengine.validation import FoundDatasets, Mending


_AS_IT_WAS = "the dataset is as it was; the same command checks all of it again"


@interruptible(_AS_IT_WAS)
def validate(
    dataset: Annotated[
        Path,
        typer.Argument(metavar="DATASET", help="A dataset's file, or a folder with some."),
    ],
    masks: Annotated[
        Path | None,
        typer.Option("--masks", help="The folder with the PNGs; looked for unless given."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option("--images", help="The photographs' folder; they are not looked at else."),
    ] = None,
    panoptic: Annotated[
        Path | None,
        typer.Option("--panoptic", help="Captions: the panoptic JSON or parquet of their ids."),
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option("--format", "--kind", help="What the dataset is, if its content is unclear."),
    ] = None,
    min_caption_chars: Annotated[
        int, typer.Option("--min-caption-chars", min=1, help="A shorter description is found.")
    ] = 3,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count like errors.")] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
    all: Annotated[bool, typer.Option("--all", help="Every finding, not the first few.")] = False,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write that JSON object to a file.")
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what needs no guess; needs one of the next two.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="--fix: the new dataset's folder.")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="--fix: keep the old file beside as FILE.old.")
    ] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="--fix: take out segments without a pixel.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Processes; as many as cores else.")
    ] = None,
) -> None:
    """Check a dataset: files, ids, masks, boxes, areas, descriptions. Exit 1 if it has errors."""
    from annoengine.checks.finding_tally import FindingTally
    from annoengine.compute import default_workers
    from annoengine.errors import Interrupted
    from annoengine.validation import find_datasets
    from annoengine.validation import validate as check
    from annoengine.validator import Rules

    mending = _mending(dataset, fix, output, in_place, drop)
    found = find_datasets(dataset, kind)
    rules = Rules(min_caption_chars, default_workers() if workers is None else workers, drop)
    try:
        with FindingTally() as tally:
            with _progress(json) as told:
                check(found, tally, rules, masks, images, mending, told, panoptic)
            verdict = _verdict(tally, found, strict, fix)
            if report is not None:
                report.parent.mkdir(parents=True, exist_ok=True)
                tally.write_json(report, verdict)
            if json:
                for piece in tally.json_bytes(verdict):
                    typer.echo(piece, nl=False)
            else:
                _tell(tally, found, verdict, fix, all, report)
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted; {_left(mending)}") from None
    raise typer.Exit(0 if verdict["clean"] else 1)


def _left(mending: Mending | None) -> str:
    """What Ctrl-C leaves of a dataset and its mending."""
    if mending is None or (mending.output is not None and mending.state == "waiting"):
        return _AS_IT_WAS
    if mending.output is None:
        return (
            "each file is either mended, the old one beside it as FILE.old, or as it was; the same "
            "command mends the rest"
        )
    if mending.state == "writing":
        return f"{mending.output} is not whole: delete it before the same command is given again"
    return f"{mending.output} is whole"


def _mending(
    dataset: Path, fix: bool, output: Path | None, in_place: bool, drop: bool
) -> Mending | None:
    """Where a fix writes. Raises InputError for options that do not go together."""
    from annoengine.errors import InputError
    from annoengine.validation import Mending

    if not fix:
        for name, given in (("--output", output), ("--in-place", in_place), ("--drop", drop)):
            if given:
                raise InputError(f"{name} goes with --fix; nothing is written without it")
        return None
    if (output is None) == (not in_place):
        raise InputError(
            "--fix needs either --output FOLDER, for a new dataset, or --in-place, which keeps "
            "the old file beside as FILE.old"
        )
    return Mending(dataset, output)


def _progress(silent: bool) -> AbstractContextManager[Any]:
    """A bar on stderr where someone watches; gives what is to be told, or None."""
    import sys
    from contextlib import contextmanager, nullcontext

    if silent or not sys.stderr.isatty():
        return nullcontext()
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    @contextmanager
    def bar() -> Any:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            tasks: dict[str, Any] = {}

            def told(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = shown.add_task(name, total=total)
                shown.update(tasks[name], completed=done)

            yield told

    return bar()


def _verdict(
    tally: FindingTally, found: FoundDatasets, strict: bool, fixed: bool
) -> dict[str, Any]:
    """Whether the dataset is clean, and what is wrong: after a fix, what is left."""
    from annoengine.validator import SEVERITIES

    left = {s: tally.by_severity[s] - (tally.fixable[s] if fixed else 0) for s in SEVERITIES}
    return {
        "clean": left["error"] == 0 and (left["warning"] == 0 or not strict),
        "errors": left["error"],
        "warnings": left["warning"],
        "notes": left["note"],
        "fixable": 0 if fixed else tally.fixable.total(),
        "mended": tally.fixable.total() if fixed else 0,
        "not_checked": [path.as_posix() for path in found.strangers],
    }


def _tell(
    tally: FindingTally,
    found: FoundDatasets,
    verdict: dict[str, Any],
    fixed: bool,
    all: bool,
    report: Path | None,
) -> None:
    """The summary for a person: each dataset, each code with examples, then the verdict."""
    from annoengine.checks.finding_tally import finding_of

    for dataset in tally.datasets:
        _tell_dataset(dataset, fixed, 0 if all else None)
    if all and tally.by_severity.total():
        typer.echo("all findings:")
        for row in tally.rows():
            finding = finding_of(row)
            typer.echo(f"  {finding.severity} {finding.code} {finding.file}: {finding.line()}")
    for path in found.strangers:
        typer.echo(f"not checked: {path} (of no known kind)")
    numbers = ", ".join(
        f"{verdict[name]:,} {name if verdict[name] != 1 else name[:-1]}"
        for name in ("errors", "warnings", "notes")
    )
    mended = f"; mended {verdict['mended']:,}" if fixed else ""
    left = " are left" if fixed else ""
    typer.echo(f"{'clean' if verdict['clean'] else 'not clean'}: {numbers}{left}{mended}")
    if verdict["fixable"]:
        typer.echo(f"{verdict['fixable']:,} of them can be mended: --fix --output FOLDER")
    if report is not None:
        typer.echo(f"report: {report}")


def _tell_dataset(dataset: CheckedDataset, fixed: bool, most: int | None) -> None:
    about = f" ({dataset.kind})" if dataset.kind else ""
    typer.echo(f"{dataset.path}{about}{_looked_at(dataset)}")
    for count in dataset.in_order():
        mended = ""
        if count.fixable:
            part = "" if count.fixable == count.n else f"{count.fixable:,} "
            mended = f" [{part}{'mended' if fixed else 'fixable'}]"
        code = count.code
        typer.echo(f"  {code.severity:<8}{count.n:>9,}  {code.name}: {code.about}{mended}")
        shown = count.examples[:most]
        for finding in shown:
            typer.echo(f"{'':21}{finding.line()}")
        if most is None and count.n > len(shown):
            typer.echo(f"{'':21}… and {count.n - len(shown):,} more")
    for note in dataset.notes:
        typer.echo(f"  {note}")
    if dataset.mended_path is not None:
        typer.echo(f"  written: {dataset.mended_path}")


_SHOWN = ("images", "annotations", "captions", "phrases", "segments", "PNGs", "photographs")


def _looked_at(dataset: CheckedDataset) -> str:
    counts = dataset.counts
    shown = [f"{counts[what]:,} {what}" for what in _SHOWN if what in counts]
    place = f" ({dataset.masks})" if dataset.masks is not None else ""
    shown = [words + place if words.endswith("PNGs") else words for words in shown]
    return f": {', '.join(shown)}" if shown else ""
