"""How many new calls a plan would make, found by going through the motions and sending nothing.

Where a step's input is there, its records are taken through the stage with a door that stops at
the first call that no journal answers: that call is counted, and its request kept as a sample.
Where the input is still to be made, the stage says how many calls a record is likely to take; but
what people corrected is put in on the way, which costs nothing, and what they have yet to review
counts as its draft. Repairs are not foreseen, so the number is the least there will be.

A source that was never read is read a little way, into a folder that is thrown away.
"""

from __future__ import annotations

import itertools
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from annoengine.ask import NewCall
from annoengine.compute import Pool
from annoengine.door import Door
from annoengine.events import ignore
from annoengine.model_chain import Model
from annoengine.plan import Plan, State, cut_name, make_plan, source_made_of
from annoengine.provider import Request
from annoengine.recipe import Recipe
from annoengine.record import Record
from annoengine.reviewing.review_stage import ReviewStage
from annoengine.runner import carry_out
from annoengine.shard import read_records, shard_name
from annoengine.stage import BarrierStage
from annoengine.step import Job, OpenStep
from annoengine.workspace import SOURCE, Workspace

_MOST_COUNTED = 5_000
"""Records of a stage that are counted one by one; beyond, the share found so far is carried on."""

_MOST_SAMPLES = 200
"""Requests that are kept for counting their tokens."""


@dataclass(frozen=True)
class Sample:
    """A question that would be asked first about a record.

    ``output_tokens`` are likely for all answers about the record; 0 where the stage cannot say.
    """

    request: Request
    model: Model
    calls: int
    output_tokens: int


@dataclass
class NewCalls:
    """The least number of new calls of a stage; ``exact`` when each record was looked at."""

    stage: str
    calls: int = 0
    records: int = 0
    exact: bool = True
    samples: list[Sample] = field(default_factory=list)


async def count_new_calls(recipe: Recipe, workspace: Workspace, plan: Plan) -> list[NewCalls]:
    """New calls of every stage that asks a model, for all steps that are not done."""
    cut = cut_name(source_made_of(recipe), recipe.text.run.shard_size)
    door = Door(recipe.roles, Pool(0))
    job = Job(recipe, workspace, door, cut, ignore, "count")
    counts = []
    states = {(step.index, step.shard): step.state for step in plan.steps}
    for index, built in enumerate(recipe.stages, start=1):
        if not built.stage.roles():
            continue
        count = NewCalls(built.name)
        for step in plan.of(index):
            if step.state == "done" and states[index - 1, step.shard] != "waiting":
                continue
            given = _given(job, states, index - 1, step.shard, count)
            exactly = given is not None and not isinstance(built.stage, BarrierStage)
            if given is not None and exactly and count.records < _MOST_COUNTED:
                await _count_step(job, index, step.shard, given, count)
            else:
                await _guess_step(job, index, step.shard, step.records_in, count)
        counts.append(count)
    return counts


def _given(
    job: Job, states: Mapping[tuple[int, int], State], index: int, shard: int, count: NewCalls
) -> AsyncIterator[Record] | None:
    """The records that leave a stage; None where nobody knows them yet."""
    if states[index, shard] == "done":
        return _read(job, index, shard)
    if not index or not isinstance(job.recipe.stages[index - 1].stage, ReviewStage):
        return None
    before = _given(job, states, index - 1, shard, count)
    return None if before is None else _reviewed(job, index, shard, before, count)


async def _read(job: Job, index: int, shard: int) -> AsyncIterator[Record]:
    key = f"{job.folder(index)}/{shard_name(shard)}.jsonl"
    for record in read_records(job.workspace.storage, key):
        yield record


async def _reviewed(
    job: Job, index: int, shard: int, before: AsyncIterator[Record], count: NewCalls
) -> AsyncIterator[Record]:
    step = OpenStep(job, index, shard, None)
    try:
        async for record in before:
            result = await step.annotate(record)
            if result.outcome == "given":
                yield Record.from_line(result.line)
            elif result.outcome == "paused":
                count.exact = False
                yield record
    finally:
        step.close()


async def _count_step(
    job: Job, index: int, shard: int, given: AsyncIterator[Record], count: NewCalls
) -> None:
    step = OpenStep(job, index, shard, None)
    stage = job.recipe.stages[index - 1].stage
    try:
        async for record in given:
            step.replayed = 0
            result = await step.annotate(record)
            if result.outcome == "stopped" and result.error is not None:
                raise result.error
            count.records += 1
            if result.outcome == "older":
                calls = max(1, stage.calls(record) - step.replayed)
                count.calls += calls
                _keep_sample(count, result.error, calls, stage.likely_output(record))
    finally:
        step.close()


def _keep_sample(
    count: NewCalls, new: BaseException | None, calls: int, output_tokens: int
) -> None:
    if not isinstance(new, NewCall) or new.request is None or new.model is None:
        return
    if len(count.samples) < _MOST_SAMPLES:
        count.samples.append(Sample(new.request, new.model, calls, output_tokens))


async def _guess_step(
    job: Job, index: int, shard: int, records: int | None, count: NewCalls
) -> None:
    """Without the step's own input: one likely number a record, from the nearest input there is.

    Its questions may not need what the stages in between add: then they are samples as well.
    """
    count.exact = False
    stage = job.recipe.stages[index - 1].stage
    for before in range(index - 1, -1, -1):
        key = f"{job.folder(before)}/{shard_name(shard)}.jsonl"
        if job.workspace.storage.exists(key):
            step = OpenStep(job, index, shard, None)
            try:
                for record in read_records(job.workspace.storage, key):
                    calls = stage.calls(record)
                    count.records += 1
                    count.calls += calls
                    if (
                        calls
                        and len(count.samples) < _MOST_SAMPLES
                        and not isinstance(stage, BarrierStage)
                    ):
                        result = await step.annotate(record)
                        output = stage.likely_output(record)
                        _keep_sample(count, result.error, calls, output)
            finally:
                step.close()
            return
    count.records += records or 0
    count.calls += records or 0


def count_listed(recipe: Recipe, limit: int | None) -> int:
    """How many images the source lists, read from its annotation files alone."""
    return sum(1 for _ in itertools.islice(recipe.source.entries(), limit))


@dataclass
class Glimpse:
    """What the first images of a source that was never read would take.

    ``licences``: photographs by :func:`annoengine.model_terms.licence_key`.
    """

    images: int
    counts: list[NewCalls]
    licences: Counter[str]


async def glimpse(recipe: Recipe, images: int) -> Glimpse:
    """Takes the first images up to the first question of each stage that can be reached."""
    first = next(
        (i for i, built in enumerate(recipe.stages) if built.stage.roles()), len(recipe.stages)
    )
    with tempfile.TemporaryDirectory(prefix="annoengine-plan-") as folder:
        workspace = Workspace(Path(folder) / "run")
        # Without roles no provider is opened, and no key needed.
        front = replace(recipe, stages=recipe.stages[:first], exports=(), roles={})
        await carry_out(front, workspace, limit=images, drafts_go_on=True)
        plan = make_plan(recipe, workspace, images)
        counts = await count_new_calls(recipe, workspace, plan)
        return Glimpse(plan.source.entries or 0, counts, count_licences(workspace))


def count_licences(workspace: Workspace) -> Counter[str]:
    """The photographs of a run that were read, by licence."""
    from annoengine.model_terms import licence_key

    return Counter(licence_key(record.photo.licence) for record in _photographs(workspace))


def _photographs(workspace: Workspace) -> Iterator[Record]:
    folder = workspace.folder(0, SOURCE)
    done = workspace.source_done()
    for number in range(done.shards if done else 0):
        key = f"{folder}/{shard_name(number)}.jsonl"
        if workspace.storage.exists(key):
            yield from read_records(workspace.storage, key)
