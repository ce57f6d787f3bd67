"""``annoengine compare``: two ways of captioning the same images, side by side."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from annoengine.cli.endings import interruptible


@interruptible("both runs are as they were; the same command compares all of them again")
def compare(
    first: Annotated[
        str,
        typer.Argument(
            metavar="A", help="A run's folder or name, or a dataset of captions; LABEL=PATH."
        ),
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FILE",
            help="Also score both against these captions: a JSON list with image_path and "
            "gt_response, model_response or all_content.",
        ),
    ] = None,
    as_published: Annotated[
        bool,
        typer.Option("--as-published", help="PancapScore by the arithmetic of the authors' code."),
    ] = False,
    wordnet: Annotated[
        str | None,
        typer.Option(
            "--wordnet",
            metavar="SETTING",
            help="off, auto, or WordNet's folder; off unless given, auto with --as-published.",
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
    resamples: Annotated[
        int, typer.Option("--resamples", metavar="N", min=100, help="Draws of the bootstrap.")
    ] = 10_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The seed of the draws.")] = 2025,
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all of it as JSON; - is stdout."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Processes; as many as cores else.")
    ] = None,
) -> None:
    """Compare two runs, or datasets, over the images that both have: differences with intervals.

    PancapScore against a common reference, words and parts of speech, stored scores, calls, tokens
    and money.
    """
    import orjson

    from annoengine.comparing.comparison import compare as compared
    from annoengine.comparing.measuring import Measuring, References
    from annoengine.comparing.report import comparison_json, print_comparison
    from annoengine.comparing.sides import open_side
    from annoengine.compute import default_workers
    from annoengine.language.wordnet import AUTO, OFF
    from annoengine.statistics.counting import check_model, labelled
    from annoengine.statistics.datasets import Reading
    from annoengine.statistics.words import check_tokenizer
    from annoengine.storage import LocalFolder, write_bytes

    check_tokenizer()
    if pos:
        check_model(language_model)
    matched = wordnet or (AUTO if as_published else OFF)
    if reference is not None:
        _check(matched, language_model)
    reading = Reading(stage=stage)
    names = labelled([first, second])
    if names[0][0] == names[1][0]:
        names = [
            (f"{name} ({letter})", path) for (name, path), letter in zip(names, "AB", strict=True)
        ]
    a, b = (open_side(label, path, reading) for label, path in names)
    how = Measuring(pos, language_model, as_published, wordnet or OFF, matched)
    with nullcontext() if reference is None else References(reference) as references:
        found = compared(
            (a, b),
            how,
            references,
            resamples,
            seed,
            default_workers() if workers is None else workers,
        )
    if json is not None:
        option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        data = orjson.dumps(comparison_json(found), option=option)
        if json == Path("-"):
            typer.echo(data.decode(), nl=False)
            return
        write_bytes(LocalFolder(json.parent), json.name, data)
    print_comparison(found)
    if json is not None:
        typer.echo(f"written: {json}")


def _check(wordnet: str, model: str) -> None:
    """Raises InputError for what PancapScore needs and is not installed."""
    from annoengine.errors import InputError
    from annoengine.language.parser import language_requirements
    from annoengine.language.wordnet import wordnet_requirements

    for need in (*language_requirements(model), *wordnet_requirements(wordnet)):
        if not need.met:
            raise InputError(f"{need.what} is not installed; install it: {need.remedy}")
