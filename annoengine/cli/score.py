"""``annoengine score``: how good captions are, against others of the same images."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from annoengine.cli import options
from annoengine.cli.endings import interruptible

if TYPE_CHECKING:
    from annoengine.pancap.embedded_score import Embed


def _left(*_: Any, model: list[str] | None = None, **__: Any) -> str:
    if model:
        return "what is answered is kept; the same command goes on from here"
    return "the captions are as they were; the same command scores all of them again"


@interruptible(_left)
def score(
    metric: Annotated[str, typer.Argument(metavar="METRIC", help="pancapscore.")],
    predictions: Annotated[
        Path | None,
        typer.Argument(
            metavar="PRED",
            help="A JSON list with image_path and model_response, or all_content.",
        ),
    ] = None,
    references: Annotated[
        Path | None,
        typer.Argument(
            metavar="REF",
            help="A JSON list with image_path and gt_response, or all_content.",
        ),
    ] = None,
    as_published: Annotated[
        bool,
        typer.Option(
            "--as-published",
            help="By the arithmetic of the authors' code, for comparing with published tables: "
            "half a point for each right answer, and what else it does.",
        ),
    ] = False,
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
        str | None,
        typer.Option(
            "--wordnet",
            metavar="SETTING",
            help="off, auto, or WordNet's folder; off unless given, auto with --as-published.",
        ),
    ] = None,
    language_model: Annotated[
        str, typer.Option("--language-model", help="The spaCy model that parses.")
    ] = "en_core_web_sm",
    json: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write every image's score as JSON Lines."),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FOLDER",
            help="Write content, questions and answers in the published files' shapes.",
        ),
    ] = None,
    made: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Read them instead of PRED and REF, whoever made them; repeat it.",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="ROLE=PROVIDER/MODEL",
            help="Who asks and answers (judge=…), and who reads captions (extractor=…, the judge "
            "unless named), six calls a pair. Without it, rules do.",
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run",
            metavar="FOLDER",
            help="The folder of a model's run, where it goes on; runs/pancapscore-PRED-REF unless "
            "given.",
        ),
    ] = None,
    budget: options.BudgetUsd = None,
) -> None:
    """Score captions against others of the same images: by rules, at once, or by a model.

    PancapScore: entities by tag and by box, attributes, relations, the image as a whole.
    """
    import orjson

    from annoengine.cli.score_by_model import run_models, score_settings
    from annoengine.errors import RecipeError, SettingError
    from annoengine.language.wordnet import AUTO, OFF, wordnet_version
    from annoengine.pancap.embedded_score import open_captions, score_lists, scored_by, way_of
    from annoengine.pancap.file_score import score_folder
    from annoengine.pancap.published_files import CONTENT
    from annoengine.pancap.published_pairs import PairFolder, PairWriter
    from annoengine.pancap.score_report import Tally, print_score, score_line
    from annoengine.registry import did_you_mean
    from annoengine.storage import LocalFolder

    if not model and (run is not None or budget is not None):
        raise SettingError("--run and --budget are for a model's run; give --model judge=… too")
    if metric != "pancapscore":
        raise RecipeError(f"there is no metric {metric!r}.{did_you_mean(metric, ['pancapscore'])}")
    by_rules, matched = wordnet or OFF, wordnet or (AUTO if as_published else OFF)
    _check_wordnet(matched, as_published)
    tally = Tally(wordnet=wordnet_version(matched), vectors=vectors)
    with ExitStack() as opened:
        if made and predictions is None and references is None:
            pairs = opened.enter_context(PairFolder(made))
            tally.strangers = pairs.strangers
            tally.by = f"content read from {', '.join(map(str, made))}"
            embed = opened.enter_context(_embedding(vectors))
            way = way_of(as_published, matched)
            scored = score_folder(pairs, way, by_rules, embed)
        elif model and not made and predictions is not None and references is not None:
            by_model = run_models(
                predictions,
                references,
                model,
                run,
                budget,
                score_settings(by_rules, vectors, language_model),
            )
            tally.strangers, tally.failed = by_model.strangers, by_model.failed
            tally.by = "\n".join(by_model.by)
            if as_published:
                tally.by += "\nasked about instances that section 3.2 matches"
            way = way_of(as_published, matched)
            embed = opened.enter_context(_embedding(vectors if as_published else ""))
            scored = by_model.scored(way, by_rules, embed, stored=not as_published)
        elif not made and predictions is not None and references is not None:
            told = opened.enter_context(open_captions(predictions))
            true = opened.enter_context(open_captions(references))
            if not told.kind is true.kind is CONTENT:
                _check_parser(language_model)
            tally.strangers = len(told.images) - sum(true.get(i) is not None for i in told.images)
            tally.by = f"by rules: {scored_by(language_model, by_rules)}"
            embed = opened.enter_context(_embedding(vectors))
            way = way_of(as_published, matched)
            scored = score_lists(
                told, true, language_model, by_rules, embed, way, write is not None
            )
        else:
            raise RecipeError(
                "give either PRED and REF, two lists of captions, or --from FOLDER with the files "
                "that were made of them"
            )
        lines = texts = None
        if json is not None:
            lines = opened.enter_context(LocalFolder(json.parent).publish(json.name))
        if write is not None:
            names = [str(path or "") for path in (references, predictions)]
            texts = opened.enter_context(PairWriter(write, *names))
        for one in scored:
            tally.add(one)
            if lines is not None:
                lines.write(orjson.dumps(score_line(one, way)) + b"\n")
            if texts is not None and one.texts is not None:
                texts.add(one.texts)
    print_score(tally, way)


def _check_wordnet(setting: str, as_published: bool) -> None:
    from annoengine.errors import InputError
    from annoengine.language.wordnet import wordnet_requirements

    why = ", whose synonyms tags are matched by as published," if as_published else ""
    for need in wordnet_requirements(setting):
        if not need.met:
            raise InputError(f"{need.what}{why} is not installed; install it: {need.remedy}")


def _check_parser(model: str) -> None:
    from annoengine.errors import InputError
    from annoengine.language.parser import language_requirements

    for need in language_requirements(model):
        if not need.met:
            raise InputError(f"{need.what} is not installed; install it: {need.remedy}")


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
