"""Where a run waits for people: finds the steps, and tells what to do and what was amiss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from annoengine.errors import PeopleAwaited
from annoengine.events import Note
from annoengine.recipe import Recipe
from annoengine.reviewing.review_stage import (
    STILL_OPEN,
    UNREVIEWED,
    ReviewStage,
    record_ids,
)
from annoengine.shard import read_marker, shard_name
from annoengine.workspace import Shards, Workspace

if TYPE_CHECKING:
    from annoengine.runner import Outcome
    from annoengine.step import Job

_MOST_NAMED = 3
"""Lines about unknown records that are named; of the others only how many there are."""


@dataclass(frozen=True)
class PausedStep:
    """A step some of whose records wait for people, by reason."""

    stage: str
    shard: int
    reasons: Mapping[str, int]


def paused_steps(
    recipe: Recipe, workspace: Workspace, shards: int, last: int
) -> Iterator[PausedStep]:
    """The steps up to the stage ``last`` whose markers tell of waiting records."""
    for index, built in enumerate(recipe.stages[:last], start=1):
        if not isinstance(built.stage, ReviewStage):
            continue
        folder = workspace.folder(index, built.name)
        for shard in range(shards):
            marker = read_marker(workspace.storage, folder, shard_name(shard))
            if marker is not None and marker.counts.paused:
                yield PausedStep(built.name, shard, marker.counts.paused)


def told(reasons: Mapping[str, int]) -> str:
    """The reasons with their numbers, the most frequent first.

    >>> told({"draft changed": 2, "not reviewed": 1038})
    '1,038 not reviewed, 2 draft changed'
    """
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{n:,} {reason}" for reason, n in ordered)


def begin_reviews(job: Job) -> None:
    """Opens all corrections, so that a line that is none ends the run before it does anything.

    Tells what of the files is not used.
    """
    for built in job.recipe.stages:
        review = job.reviews.of(built.stage)
        if review is None:
            if isinstance(built.stage, ReviewStage) and not job.drafts_go_on:
                _tell_unread(job, built.name, built.stage.corrections_path(job.workspace.root))
            continue
        file = review.corrections
        if file.torn:
            job.on_event(Note(file.torn))
        if file.replaced:
            job.on_event(
                Note(
                    f"{file.path}: {file.replaced:,} line(s) do not count, since a later line is "
                    "about the same record"
                )
            )


def _tell_unread(job: Job, stage: str, path: Path) -> None:
    if path.exists():
        job.on_event(
            Note(
                f"{stage}: nobody is waited for (wait: none), so that {path} is not read; "
                f"--set {stage}.wait=listed takes its corrections in"
            )
        )


def end_reviews(job: Job, chosen: Shards, outcome: Outcome) -> None:
    """Tells of corrections that met no record, and raises PeopleAwaited where records wait."""
    numbers = chosen.of(outcome.shards)
    for index, built in enumerate(job.recipe.stages, start=1):
        review = job.reviews.of(built.stage)
        if review is None:
            continue
        if chosen == Shards() and len(review.corrections):
            _tell_unclaimed(job, index, outcome.shards)
        paused: Counter[str] = Counter()
        for step in paused_steps(job.recipe, job.workspace, outcome.shards, index):
            if step.stage == built.name and step.shard in numbers:
                paused.update(step.reasons)
        if paused:
            path = review.corrections.path
            path.parent.mkdir(parents=True, exist_ok=True)
            drafts = f"{job.workspace.root / job.folder(index)}/*.drafts.jsonl"
            raise PeopleAwaited(_what_to_do(built.name, paused, drafts, path))


def _what_to_do(stage: str, paused: Mapping[str, int], drafts: str, corrections: Path) -> str:
    text = (
        f"{sum(paused.values()):,} record(s) wait for people at {stage} ({told(paused)}). Their "
        f"drafts are the lines of {drafts}; copy them to {corrections}, correct them there, and "
        "run the same command again (`annoengine show RUN RECORD --png FILE` draws one)"
    )
    if paused.keys() - {UNREVIEWED, STILL_OPEN}:
        text += '. A draft with "because" says what is wrong with the correction that it had'
    if UNREVIEWED in paused:
        text += (
            f"; with --set {stage}.wait=listed, drafts that nobody has reviewed go on as they are"
        )
    return text


def _tell_unclaimed(job: Job, index: int, shards: int) -> None:
    review = job.reviews.of(job.recipe.stages[index - 1].stage)
    assert review is not None
    storage, before = job.workspace.storage, job.folder(index - 1)

    def ids() -> Iterator[str]:
        for shard in range(shards):
            yield from record_ids(storage, f"{before}/{shard_name(shard)}.jsonl")

    strange = review.corrections.unclaimed(ids())
    if strange:
        more = f", … ({len(strange):,} in all)" if len(strange) > _MOST_NAMED else ""
        job.on_event(
            Note(
                f"{job.recipe.stages[index - 1].name}: no record of this name has come this far: "
                f"{', '.join(strange[:_MOST_NAMED])}{more}; nothing was done with these lines"
            )
        )
