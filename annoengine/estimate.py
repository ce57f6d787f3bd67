"""How many new calls a plan would make, found by going through the motions and sending nothing.

Where a step's input is there, its records are taken through the stage with a door that stops at
the first call that no journal answers: that call is counted. Where the input is still to be made,
the stage says how many calls a record is likely to take. Repairs are not foreseen, so the number
is the least there will be.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from annoengine.ask import Door
from annoengine.compute import Pool
from annoengine.events import ignore
from annoengine.plan import Plan, cut_name, source_made_of
from annoengine.recipe import Recipe
from annoengine.shard import read_records, shard_name
from annoengine.stage import BarrierStage
from annoengine.step import Job, OpenStep
from annoengine.workspace import Workspace

_MOST_COUNTED = 5_000
"""Records of a stage that are counted one by one; beyond, the share found so far is carried on."""


@dataclass
class NewCalls:
    """The least number of new calls of a stage; ``exact`` when each record was looked at."""

    stage: str
    calls: int = 0
    records: int = 0
    exact: bool = True


async def count_new_calls(recipe: Recipe, workspace: Workspace, plan: Plan) -> list[NewCalls]:
    """New calls of every stage that asks a model, for all steps that are not done."""
    cut = cut_name(source_made_of(recipe), recipe.text.run.shard_size)
    door = Door(recipe.providers, Pool(0))
    job = Job(recipe, workspace, door, cut, ignore, "count")
    counts = []
    for index, built in enumerate(recipe.stages, start=1):
        if not built.stage.roles():
            continue
        count = NewCalls(built.name)
        ready = {s.shard for s in plan.of(index - 1) if s.state == "done"}
        for step in plan.of(index):
            if step.state == "done":
                continue
            exactly = step.shard in ready and not isinstance(built.stage, BarrierStage)
            if exactly and count.records < _MOST_COUNTED:
                await _count_step(job, index, step.shard, count)
            else:
                _guess_step(job, index, step.shard, step.records_in, count)
        counts.append(count)
    return counts


async def _count_step(job: Job, index: int, shard: int, count: NewCalls) -> None:
    step = OpenStep(job, index, shard, None)
    key = f"{job.folder(index - 1)}/{shard_name(shard)}.jsonl"
    try:
        for record in read_records(job.workspace.storage, key):
            result = await step.annotate(record)
            count.records += 1
            count.calls += result.outcome == "older"
    finally:
        step.close()


def _guess_step(job: Job, index: int, shard: int, records: int | None, count: NewCalls) -> None:
    """Without the step's own input: one likely number a record, from the nearest input there is."""
    count.exact = False
    stage = job.recipe.stages[index - 1].stage
    for before in range(index - 1, -1, -1):
        key = f"{job.folder(before)}/{shard_name(shard)}.jsonl"
        if job.workspace.storage.exists(key):
            for record in read_records(job.workspace.storage, key):
                count.records += 1
                count.calls += max(1, stage.calls(record))
            return
    count.records += records or 0
    count.calls += records or 0


def count_listed(recipe: Recipe, limit: int | None) -> int:
    """How many images the source lists, read from its annotation files alone."""
    return sum(1 for _ in itertools.islice(recipe.source.entries(), limit))
