"""Carries out a plan: reads the source into shards, then takes each shard through the stages.

Shards are read ahead while earlier ones are already being worked on. A barrier stage waits for
all shards, decides once, and goes on. What comes out is a stream of events; nothing is printed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from annoengine import registry
from annoengine.ask import Mode
from annoengine.budget import Budget, in_nano
from annoengine.call_counts import count_calls
from annoengine.compute import Pool
from annoengine.door import Door, RetryPolicy
from annoengine.errors import InputError, WorkspaceError
from annoengine.events import Note, OnEvent, StepDone, ignore
from annoengine.executor import Executor
from annoengine.fingerprint import canonical_json
from annoengine.limit_settings import watch
from annoengine.pauses import begin_reviews, end_reviews, paused_steps, told
from annoengine.plan import (
    cut_name,
    is_fresh,
    read_decision,
    source_made_of,
    step_input,
)
from annoengine.recipe import Recipe
from annoengine.record import Record
from annoengine.seeing import records_into, see_shard, seen_records, space_of
from annoengine.shard import (
    DoneMarker,
    read_marker,
    read_records,
    shard_name,
)
from annoengine.source_reader import SourceReader
from annoengine.stage import BarrierStage, SeeingBarrier
from annoengine.step import Job, carry_step
from annoengine.storage import read_bytes, write_bytes
from annoengine.workspace import SOURCE, Shards, Workspace


@dataclass
class Outcome:
    """What became of a run: is every chosen step done, and what kept the rest from it."""

    finished: bool
    shards: int
    waiting_for: list[int] = field(default_factory=list)
    kept_older: int = 0


async def carry_out(
    recipe: Recipe,
    workspace: Workspace,
    *,
    shards: Shards | None = None,
    limit: int | None = None,
    mode: Mode = "run",
    on_event: OnEvent = ignore,
    door: Door | None = None,
    drafts_go_on: bool = False,
) -> Outcome:
    """Does all that the plan leaves to do, for the chosen shards.

    Raises RunStopped where the run ended early and can be resumed (PeopleAwaited: where people
    come next), UserError for what the user must mend. ``door`` is given by tests and by executors
    that make their own. ``drafts_go_on``: nobody is asked to review anything.
    """
    if mode != "count":
        _check_requirements(recipe)
    chosen = shards or Shards()
    made_of = source_made_of(recipe)
    cut = cut_name(made_of, recipe.text.run.shard_size)
    door = door or make_door(recipe)
    job = Job(recipe, workspace, door, cut, on_event, mode, drafts_go_on)
    opened: list[Any] = []
    held = contextlib.ExitStack()
    try:
        begin_reviews(job)
        if mode == "run":
            if door.budget.cap is not None:
                held.enter_context(workspace.locked_budget())
                door.budget.spent = spent_so_far(workspace)
            for provider in recipe.providers():
                opened.append(provider)
                if hasattr(provider, "tell"):
                    provider.tell = lambda text: job.on_event(Note(text))
                await provider.open()
            door.look_up_prices()
            held.callback(_watch_limits(job).cancel)
        elif mode == "replay":
            # Vectors are no calls: what makes them may be asked.
            for provider in recipe.providers():
                if hasattr(provider, "embed"):
                    opened.append(provider)
                    await provider.open()
        source = SourceReader(job, made_of, limit)
        if source.is_done():
            outcome = await _carry_shards(job, chosen, source)
        elif chosen == Shards():
            # Later stages begin while the source is still being read.
            with workspace.locked_source():
                outcome = await _carry_shards(job, chosen, source)
        else:
            with workspace.locked_source():
                async for _ in source.shards():
                    pass
            outcome = await _carry_shards(job, chosen, source)
        outcome.kept_older = job.kept_older
        end_reviews(job, chosen, outcome)
        return outcome
    finally:
        for provider in opened:
            _tell_notes(job, provider)
            await provider.close()
        door.pool.close()
        held.close()


def _check_requirements(recipe: Recipe) -> None:
    """Raises InputError for a stage or an export that this machine lacks something for."""
    holders = [(f"stage {built.name!r}", built.stage.requirements()) for built in recipe.stages]
    holders += [(f"export {e.name!r}", e.exporter.requirements()) for e in recipe.exports]
    for holder, requirements in holders:
        for requirement in requirements:
            if not requirement.met:
                raise InputError(
                    f"the {holder} needs {requirement.what}, which is not installed; "
                    f"install it: {requirement.remedy}"
                )


def _watch_limits(job: Job) -> asyncio.Task[None]:
    """Follows ``limits.yaml`` in the run's folder, which may be written while the run goes on."""
    return asyncio.create_task(
        watch(
            job.workspace.root / "limits.yaml",
            job.door.change_limits,
            lambda text: job.on_event(Note(text)),
            job.door.names(),
        )
    )


def _tell_notes(job: Job, provider: Any) -> None:
    """What a provider has to say after its calls, to the person who watches."""
    for text in getattr(provider, "notes", tuple)():
        job.on_event(Note(text))


def spent_so_far(workspace: Workspace) -> int:
    """What a run has spent in nano-dollars, by its journals; perhaps paid calls at their bound."""
    total = 0
    for path in workspace.all_journals():
        counts = count_calls(path)
        total += counts.spent_nano + counts.perhaps_nano
    return total


def make_door(recipe: Recipe) -> Door:
    """The door of a run: the recipe's providers, its retry policy, its CPU pool, its budget."""
    retries = recipe.text.run.retries
    policy = RetryPolicy(retries.tries, retries.first_wait_s, retries.longest_wait_s)
    usd = recipe.text.budget.usd
    budget = Budget(None if usd is None else in_nano(usd))
    return Door(recipe.roles, Pool(recipe.workers), policy, budget)


async def _carry_shards(job: Job, chosen: Shards, source: SourceReader) -> Outcome:
    """Every phase (the stages up to a barrier) over every chosen shard."""
    executor = registry.find("executor", job.recipe.text.run.executor)()
    phases = _phases(job.recipe)
    total = 0

    async def numbers() -> AsyncIterator[int]:
        nonlocal total
        async for number in source.shards():
            total = number + 1
            if chosen.contains(number):
                yield number

    feed: AsyncIterator[int] = numbers()
    for position, (first, last) in enumerate(phases):
        if position:
            missing = _not_ready(job, first - 1, total)
            if missing:
                job.on_event(
                    Note(
                        f"{job.recipe.stages[first - 1].name} needs every shard up to it; "
                        f"{len(missing)} of {total} are not there yet"
                    )
                )
                return Outcome(False, total, missing)
            await _see(job, first, total, executor)
            _decide(job, first, total)
            feed = _listed(chosen.of(total))

        async def work(shard: int, first: int = first, last: int = last) -> None:
            await carry_shard(job, shard, first, last)

        await executor.carry(job, feed, work)
    return Outcome(True, total)


async def _listed(numbers: list[int]) -> AsyncIterator[int]:
    for number in numbers:
        yield number


def _phases(recipe: Recipe) -> list[tuple[int, int]]:
    """Stage indices (first, last) of each run of stages; a barrier begins a new one.

    The first phase may be empty (1, 0): then only the source is read.
    """
    starts = [1]
    for index, built in enumerate(recipe.stages, start=1):
        if isinstance(built.stage, BarrierStage):
            starts.append(index)
    ends = [start - 1 for start in starts[1:]] + [len(recipe.stages)]
    return list(zip(starts, ends, strict=True))


def _not_ready(job: Job, index: int, total: int) -> list[int]:
    """Shards not all of whose records came through stage ``index``: a barrier needs them all."""
    storage = job.workspace.storage
    missing = {
        k for k in range(total) if read_marker(storage, job.folder(index), shard_name(k)) is None
    }
    missing |= {pause.shard for pause in paused_steps(job.recipe, job.workspace, total, index)}
    return sorted(missing)


async def _see(job: Job, index: int, total: int, executor: Executor) -> None:
    """Has every photograph seen, where a barrier that is not decided yet goes by that."""
    if not isinstance(job.recipe.stages[index - 1].stage, SeeingBarrier):
        return
    if _decided(job, index, total) is not None:
        return

    async def see(shard: int) -> None:
        with job.workspace.locked([shard]):
            await see_shard(job, index, shard)

    await executor.carry(job, _listed(list(range(total))), see)


def _decided(job: Job, index: int, total: int) -> Any | None:
    """A barrier's decision, if there is one and it was made of what is there now."""
    try:
        data = orjson.loads(read_bytes(job.workspace.storage, f"{job.folder(index)}/decision.json"))
        return data["decision"] if data["made_of"] == _made_of(job, index, total) else None
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
        return None


def _made_of(job: Job, index: int, total: int) -> dict[str, Any]:
    """All that a barrier's decision depends on."""
    stage = job.recipe.stages[index - 1]
    before = [_marker(job, index - 1, k).output_sha256 for k in range(total)]
    made_of: dict[str, Any] = {"stage": stage.fingerprint, "inputs": before}
    if isinstance(stage.stage, SeeingBarrier):
        made_of["seen_by"] = space_of(job, stage.stage.sees_with())
    return made_of


def _decide(job: Job, index: int, total: int) -> None:
    """Makes a barrier's decision, unless the one that is there was made of the same."""
    stage = job.recipe.stages[index - 1].stage
    assert isinstance(stage, BarrierStage)
    decision = _decided(job, index, total)
    if decision is None:
        if isinstance(stage, SeeingBarrier):
            seeing = stage
            seen = (seeing.survey_seen(seen_records(job, index, k)) for k in range(total))
            decision = stage.decide(seen)
        else:
            decision = stage.decide(stage.survey(records_into(job, index, k)) for k in range(total))
        data = {"made_of": _made_of(job, index, total), "decision": decision}
        write_bytes(
            job.workspace.storage, f"{job.folder(index)}/decision.json", canonical_json(data)
        )
    for sentence in stage.told(decision):
        job.on_event(Note(sentence))


def _marker(job: Job, index: int, shard: int) -> DoneMarker:
    marker = read_marker(job.workspace.storage, job.folder(index), shard_name(shard))
    if marker is None:
        raise WorkspaceError(
            f"{job.workspace.root}: {job.folder(index)}/{shard_name(shard)} is not done; was it "
            "deleted while the run went on? Run the same command again"
        )
    return marker


async def carry_shard(job: Job, shard: int, first: int, last: int) -> None:
    """Takes one shard through the stages ``first`` to ``last``; done steps are passed over."""
    if last < first:
        return
    with job.workspace.locked([shard]):
        before = _marker(job, first - 1, shard)
        for index in range(first, last + 1):
            if job.door.stop is not None:
                raise job.door.stop
            before = await _carry_or_skip(job, index, shard, before)


async def _carry_or_skip(job: Job, index: int, shard: int, before: DoneMarker) -> DoneMarker:
    built, storage = job.recipe.stages[index - 1], job.workspace.storage
    marker = read_marker(storage, job.folder(index), shard_name(shard))
    wanted = step_input(job.recipe, job.workspace, index, shard, before, job.reviews)
    if marker is not None and wanted and is_fresh(marker, built.fingerprint, wanted):
        counts = marker.counts
        dropped, failed = sum(counts.dropped.values()), sum(counts.failed.values())
        paused = sum(counts.paused.values())
        job.on_event(
            StepDone(built.name, shard, counts.given, dropped, failed, skipped=True, paused=paused)
        )
        return marker
    return await carry_step(job, index, shard, before, _read_decision(job, index))


def _read_decision(job: Job, index: int) -> tuple[str, Any] | None:
    built = job.recipe.stages[index - 1]
    if not isinstance(built.stage, BarrierStage):
        return None
    sha256 = read_decision(job.workspace, index, built.name)
    if sha256 is None:
        raise WorkspaceError(f"{job.folder(index)}/decision.json is gone; run the command again")
    data = orjson.loads(read_bytes(job.workspace.storage, f"{job.folder(index)}/decision.json"))
    return sha256, data["decision"]


def finished_records(recipe: Recipe, workspace: Workspace) -> Iterator[tuple[int, Record]]:
    """The records that reached the end with their shard, in input order.

    Raises WorkspaceError where a shard has not got there.
    """
    done = workspace.source_done()
    last = len(recipe.stages)
    paused = next(paused_steps(recipe, workspace, done.shards if done else 0, last), None)
    if paused is not None:
        raise WorkspaceError(
            f"{workspace.root}: records of shard {paused.shard} wait for people at {paused.stage} "
            f"({told(paused.reasons)}); `annoengine status {workspace.root}` shows all"
        )
    folder = workspace.folder(last, recipe.stages[-1].name if last else SOURCE)
    for number in range(done.shards if done else 0):
        if read_marker(workspace.storage, folder, shard_name(number)) is None:
            raise WorkspaceError(
                f"{workspace.root}: shard {number} has not reached the end of the recipe; run "
                "`annoengine run` again to finish it"
            )
        for record in read_records(workspace.storage, f"{folder}/{shard_name(number)}.jsonl"):
            yield number, record
