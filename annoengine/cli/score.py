"""``annoengine score``: how good captions are, against others of the same images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from annoengine.pancap.embedded_score import Embed
    from annoengine.pancap.scoring import MeanScore


@interruptible("the captions are as they were; the same command scores all of them again")
def score(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="pancapscore.")],
    predictions: Annotated[
        Path,
        typer.Argument(metavar="PRED", help="A JSON list with image_path and model_response."),
    ],
    references: Annotated[
        Path, typer.Argument(metavar="REF", help="A JSON list with image_path and gt_response.")
    ],
    vectors: Annotated[
        str,
        typer.Option(
            "--vectors",
            metavar="MODEL",
            help="A model of sentence-transformers, by which tags may be alike: a name or folder. "
            "The paper: all-mpnet-base-v2.",
        ),
    ] = "",
    wordnet: Annotated[
        str, typer.Option("--wordnet", metavar="SETTING", help="off, auto, or WordNet's folder.")
    ] = "off",
    language_model: Annotated[
        str, typer.Option("--language-model", help="The spaCy model that parses.")
    ] = "en_core_web_sm",
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write every image's score as JSON Lines."),
    ] = None,
) -> None:
    """Score captions against others of the same images, by rules and without a model's answers.

    PancapScore: entities by tag and by box, attributes, relations, the image as a whole.
    """
    from annoengine.errors import InputError, RecipeError
    from annoengine.language.parser import language_requirements
    from annoengine.language.wordnet import wordnet_requirements
    from annoengine.pancap.embedded_score import open_captions, score_lists, scored_by
    from annoengine.pancap.scoring import MeanScore
    from annoengine.registry import did_you_mean

    if metric != "pancapscore":
        raise RecipeError(f"there is no metric {metric!r}.{did_you_mean(metric, ['pancapscore'])}")
    for need in (*language_requirements(language_model), *wordnet_requirements(wordnet)):
        if not need.met:
            raise InputError(f"{need.what} is not installed; install it: {need.remedy}")
    mean, missing, lines = MeanScore(), 0, []
    with (
        open_captions(predictions) as told,
        open_captions(references) as true,
        _embedding(vectors) as embed,
    ):
        strangers = len(told.images) - sum(told.get(image) is not None for image in true.images)
        for one in score_lists(told, true, language_model, wordnet, embed):
            mean.add(one.score)
            missing += one.missing
            if json is not None:
                lines.append(_line(one))
    if json is not None:
        from annoengine.storage import LocalFolder, write_bytes

        write_bytes(LocalFolder(json.parent), json.name, b"".join(lines))
    _print(mean)
    typer.echo(f"{mean.pairs} images; entities, statements and answers by rules:")
    typer.echo(f"  {scored_by(language_model, wordnet)}")
    typer.echo(f"  tags alike by words{', by vectors of ' + vectors if vectors else ''}")
    typer.echo(
        "  for comparing captions, not for setting beside figures that a language model made"
    )
    if missing:
        typer.echo(f"  {missing} images have no prediction and score 0")
    if strangers:
        typer.echo(f"  {strangers} predictions are of images without a reference: not scored")


@contextmanager
def _embedding(model: str) -> Iterator[Embed | None]:
    """Vectors by the provider that every run uses; None where no model is named."""
    if not model:
        yield None
        return
    import asyncio

    from annoengine import registry

    provider: Any = registry.find("provider", "sentence_transformers")(model, {})
    with asyncio.Runner() as runner:
        runner.run(provider.open())
        try:
            yield lambda texts: runner.run(provider.embed(texts))
        finally:
            runner.run(provider.close())


def _line(one: Any) -> bytes:
    import orjson

    f1 = {name: round(score.f1, 6) for name, score in one.score.dimensions.items()}
    row = {"image_path": one.image, "pancapscore": round(one.score.overall, 6), **f1}
    return orjson.dumps({**row, "missing": True} if one.missing else row) + b"\n"


def _print(mean: MeanScore) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("dimension", "precision", "recall", "F"):
        table.add_column(name, justify="left" if name == "dimension" else "right")
    for dimension, score in mean.dimensions.items():
        table.add_row(dimension, f"{score.precision:.4f}", f"{score.recall:.4f}", f"{score.f1:.4f}")
    table.add_row("PancapScore", "", "", f"{mean.overall:.4f}")
    Console(highlight=False).print(table)
