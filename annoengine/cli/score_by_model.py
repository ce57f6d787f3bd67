"""PancapScore by a model, for ``annoengine score``: the packaged recipe, carried out and read.

It is a run like any other: journalled, resumable, with an account, and the other commands know
its folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from annoengine.pancap.embedded_score import Embed, ScoredImage
    from annoengine.pancap.ways import Way
    from annoengine.recipe import Recipe
    from annoengine.workspace import Workspace

GOES_ON = "the same command goes on from here"
RECIPE = "pancapscore"
_ROLES = ("judge", "extractor")


@dataclass(frozen=True)
class ModelRun:
    """A finished run of the recipe. ``by``: who read, asked and answered."""

    recipe: Recipe
    workspace: Workspace
    by: list[str]
    failed: int
    strangers: int

    def scored(
        self, way: Way, wordnet: str, embed: Embed | None, stored: bool
    ) -> Iterator[ScoredImage]:
        """The score of each image: as it was stored, or the stored answers counted another way."""
        from annoengine.pancap.embedded_score import vectors_of
        from annoengine.pancap.file_score import score_texts
        from annoengine.pancap.record_texts import scored_image
        from annoengine.runner import finished_records

        for _, record in finished_records(self.recipe, self.workspace):
            one = scored_image(record)
            if one is None:
                continue
            if stored or one.missing or one.texts is None:
                yield one
                continue
            contents = [
                way.read(side.content or "") for side in (one.texts.reference, one.texts.prediction)
            ]
            vectors = None if embed is None else vectors_of(contents, embed)
            yield score_texts(one.texts, contents[0], contents[1], way, wordnet, vectors)


def run_models(
    predictions: Path,
    references: Path,
    models: Sequence[str],
    run: Path | None,
    budget: float | None,
    settings: Sequence[str],
) -> ModelRun:
    """Carries the recipe out, or goes on with it, and gives the finished run.

    Raises RecipeError for a role that is not there, WorkspaceError for a folder of another run,
    RunStopped where the run ended early.
    """
    from annoengine.carry import carry_and_export
    from annoengine.cli import options
    from annoengine.errors import WorkspaceError
    from annoengine.plan import make_plan
    from annoengine.sources.caption_pairs import open_list
    from annoengine.workspace import Shards

    for path in (predictions, references):
        with open_list(path):
            pass  # what is wrong with it is said before anything else
    inputs = [f"predictions={predictions}", f"references={references}"]
    changes = options.overrides(inputs, None, [*settings, *_model_settings(models)], None, budget)
    folder = run or Path("runs") / f"{RECIPE}-{predictions.stem}-{references.stem}"
    recipe, workspace = options.load(RECIPE, changes, folder)
    plan = make_plan(recipe, workspace)
    if plan.changed:
        changed = sorted({key for step in plan.steps for key in step.changed})
        changed = changed or list(plan.source.changed)
        raise WorkspaceError(
            f"{workspace.root} holds the scores of other captions, models or settings "
            f"({', '.join(changed) or 'its stages'} changed); give another folder with --run, or "
            "remove this one"
        )
    typer.echo(f"{workspace.root}: {GOES_ON}, `annoengine plan`, `status`, `calls` and `retry` too")
    account = carry_and_export(
        recipe, workspace, shards=Shards.parse(None), limit=None, goes_on=GOES_ON
    )
    return ModelRun(
        recipe,
        workspace,
        _told_by(workspace),
        sum(sum(stage.failed.values()) for stage in account.stages),
        account.left_out.get("no reference", 0),
    )


def score_settings(wordnet: str, vectors: str, language: str) -> list[str]:
    """Settings of the recipe for the command's other options."""
    settings = [
        f"score_pancap.wordnet={json.dumps(wordnet)}",
        f"extract_content.language={json.dumps(language)}",
    ]
    if vectors:
        settings.append(f"models.vectors={json.dumps(f'sentence_transformers/{vectors}')}")
        settings.append("score_pancap.vectors=vectors")
    return settings


def _model_settings(models: Sequence[str]) -> list[str]:
    """Settings of the recipe for ``--model judge=…``: the extractor is the judge unless named.

    ``embedded`` is no model: rules, as for the provider ``pixels`` in any recipe.
    """
    from annoengine.errors import RecipeError
    from annoengine.pancap.asked_content import EMBEDDED
    from annoengine.registry import did_you_mean

    given = {}
    for text in models:
        role, equals, model = text.partition("=")
        if not equals or not model:
            raise RecipeError(f"--model {text!r} is not of the form judge=PROVIDER/MODEL")
        if role not in _ROLES:
            raise RecipeError(f"--model {text}: no such role.{did_you_mean(role, _ROLES)}")
        given[role] = model
    if "judge" not in given:
        raise RecipeError(
            f"--model {models[0]} names no judge; add --model judge=PROVIDER/MODEL, or "
            "--model judge=embedded for one by rules"
        )
    given.setdefault("extractor", given["judge"])
    settings = [
        f"models.{role}={'pixels' if model == EMBEDDED else model}" for role, model in given.items()
    ]
    if EMBEDDED not in given.values():
        # Nothing to compute but matches: starting processes would take longer.
        settings.append("run.workers=0")
    return settings


def _told_by(workspace: Workspace) -> list[str]:
    import orjson

    from annoengine.exporters.scores import RESULT

    result = orjson.loads((workspace.root / "export" / "scores" / RESULT).read_bytes())
    return [str(line) for line in result["by"]]
