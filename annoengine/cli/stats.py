"""``annoengine stats``: what datasets of captions are like, beside what papers published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from annoengine.statistics.counting import CaptionSet


@interruptible("the datasets are as they were; the same command counts all of them again")
def stats(
    dataset: Annotated[
        list[str],
        typer.Argument(
            metavar="DATASET...",
            help="Runs, files or folders with captions; LABEL=PATH to call one so.",
        ),
    ],
    kind: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="What they are, if their content is unclear: run, pix2cap, coconut_pancap, "
            "text_to_image, glamm_gcg, llava, huggingface, sa_pancap, coco_captions, jsonl.",
        ),
    ] = "",
    text: Annotated[
        str,
        typer.Option("--text", metavar="FIELD", help="The field or column of the captions."),
    ] = "",
    panoptic: Annotated[
        list[Path] | None,
        typer.Option(
            "--panoptic", metavar="FILE", help="The masks of coconut_pancap captions; repeat it."
        ),
    ] = None,
    stage: Annotated[
        str,
        typer.Option(
            "--stage",
            metavar="NAME",
            help="Of runs: what left this stage; unless given, the last with a finished shard.",
        ),
    ] = "",
    pos: Annotated[
        bool, typer.Option("--pos/--no-pos", help="Tell parts of speech, by far the slowest part.")
    ] = True,
    language_model: Annotated[
        str, typer.Option("--language-model", metavar="NAME", help="The spaCy model for that.")
    ] = "en_core_web_sm",
    published: Annotated[
        bool, typer.Option("--published/--no-published", help="Also show what papers print.")
    ] = True,
    most: Annotated[
        int, typer.Option("--most", metavar="N", min=1, help="So many frequent words.")
    ] = 15,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all of it as JSON; - is stdout."),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option("--plots", metavar="FOLDER", help="Draw it: each plot as PNG and as SVG."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Processes; as many as cores else.")
    ] = None,
) -> None:
    """Count captions, words, parts of speech, masks and grounding of datasets, side by side."""
    from annoengine.compute import default_workers
    from annoengine.statistics.counting import check_model, count_captions, labelled, named_apart
    from annoengine.statistics.datasets import Reading, open_dataset
    from annoengine.statistics.plots import check_folder, write_plots
    from annoengine.statistics.report import print_statistics, statistics_json
    from annoengine.statistics.words import check_tokenizer

    check_tokenizer()
    if plots is not None:
        check_folder(plots)
    if pos:
        check_model(language_model)
    reading = Reading(kind, text, stage, tuple(panoptic or ()))
    # All are opened before any is counted, so that a mistake in the last costs no time.
    opened = [(label, open_dataset(path, reading)) for label, path in labelled(dataset)]
    sets: list[CaptionSet] = []
    with _progress(json == Path("-")) as told:
        for label, one in opened:
            model = language_model if pos else None
            sets += count_captions(
                label, one, model, default_workers() if workers is None else workers, told
            )
    sets = named_apart(sets)
    model_told = model_version_of(language_model) if pos else None
    if json is not None:
        _write_json(json, statistics_json(sets, model_told, published, most))
    if json != Path("-"):
        print_statistics(sets, model_told, published)
    written = write_plots(sets, plots, most) if plots is not None else []
    if json != Path("-"):
        for path in ([json] if json is not None else []) + written:
            typer.echo(f"written: {path}")


def model_version_of(model: str) -> str:
    """How a report calls the model."""
    from annoengine.language.parser import model_version

    return f"spaCy {model_version(model)}"


def _write_json(path: Path, value: dict[str, Any]) -> None:
    import orjson

    from annoengine.storage import LocalFolder, write_bytes

    data = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if path == Path("-"):
        typer.echo(data.decode(), nl=False)
        return
    write_bytes(LocalFolder(path.parent), path.name, data)


def _progress(silent: bool) -> AbstractContextManager[Any]:
    """A count on stderr where someone watches; gives what is to be told."""
    import sys
    from contextlib import contextmanager, nullcontext

    def deaf(name: str, captions: int) -> None:
        pass

    if silent or not sys.stderr.isatty():
        return nullcontext(deaf)
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    @contextmanager
    def count() -> Any:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
            task = shown.add_task("reading")

            def told(name: str, captions: int) -> None:
                shown.update(task, description=f"{name}: {captions:,} captions")

            yield told

    return count()
