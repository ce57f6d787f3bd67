"""Carries one stage over one shard: records in, many at once, results written in input order.

The output is streamed into files that nobody sees before the step commits. A record's trouble
sets it aside; anything that ends the run lets the calls in flight finish first, so that what was
paid for is in the journal.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import orjson

from annoengine.ask import Mode, NewCall, RecordAsk, StepDoor
from annoengine.conditions import Condition
from annoengine.door import Door
from annoengine.errors import Drop, InputError, RecordFailed, RunStopped, TooManyFailures, Waiting
from annoengine.events import CallDone, OnEvent, RecordDone, StepBegins, StepDone
from annoengine.model_chain import FIRST, Role, Variant
from annoengine.plan import decided_input
from annoengine.provider import Reply
from annoengine.recipe import BuiltStage, Recipe
from annoengine.record import Record
from annoengine.reviewing.review_stage import Reviews, ReviewStage, ReviewState, record_ids
from annoengine.shard import DoneMarker, ShardWriter, read_records, shard_name
from annoengine.shard_files import ShardFiles
from annoengine.stage import BarrierStage, Stage
from annoengine.step_result import StepResult, aside_line, older_results
from annoengine.vectors import Vectors
from annoengine.waves import send_wave
from annoengine.workspace import SOURCE, Workspace


@dataclass
class Job:
    """What all steps of a run share. ``cut`` names the way records were cut into shards.

    ``drafts_go_on``: nobody is asked to review anything.
    """

    recipe: Recipe
    workspace: Workspace
    door: Door
    cut: str
    on_event: OnEvent
    mode: Mode = "run"
    drafts_go_on: bool = False
    failed: dict[str, int] = field(default_factory=dict)
    processed: dict[str, int] = field(default_factory=dict)
    kept_older: int = 0
    reviews: Reviews = field(init=False)

    def __post_init__(self) -> None:
        self.reviews = Reviews(self.workspace.root, self.drafts_go_on)

    def folder(self, index: int) -> str:
        """The folder of a stage by its index; 0 is the source."""
        name = SOURCE if index == 0 else self.recipe.stages[index - 1].name
        return self.workspace.folder(index, name)

    def ahead(self, stage: Stage) -> int:
        """How many records of one step are open at once."""
        windows = [self.door.window(role) for role in stage.roles()]
        return max([2 * w for w in windows], default=max(4, 4 * self.door.pool.workers))


class OpenStep:
    """A stage at work on a shard, with the journal and files of that shard open."""

    def __init__(self, job: Job, index: int, shard: int, decision: Any) -> None:
        self.job = job
        self.index = index
        self.shard = shard
        self.built: BuiltStage = job.recipe.stages[index - 1]
        self.name = self.built.name
        self.decision = decision
        self.review: ReviewState | None = job.reviews.of(self.built.stage)
        self.files = ShardFiles(job, shard)
        self.door = self._open_door()
        self.vectors: dict[str, Vectors] = {}
        self.replayed = 0
        """Calls that were answered from the journal."""

    def _open_door(self) -> StepDoor:
        journal = None
        if self.built.stage.roles():
            looks = self.job.mode == "count"
            journal = self.job.workspace.journal(self.name, self.job.cut, self.shard, not looks)
        return StepDoor(
            self.job.door,
            self.name,
            journal,
            self.files.read_image,
            self._vectors_of,
            self.job.mode,
            on_call=self._on_call,
        )

    def _on_call(self, reply: Reply, replayed: bool, usd: float | None) -> None:
        usage = reply.usage
        self.replayed += replayed
        self.job.on_event(
            CallDone(
                self.name,
                reply.outcome,
                replayed,
                usage.input_tokens or 0,
                usage.output_tokens or 0,
                usd,
            )
        )

    def _vectors_of(self, model: str) -> Vectors:
        if model not in self.vectors:
            path = self.job.workspace.journal_path(self.name, self.job.cut, self.shard)
            name = model.replace("/", "_")
            self.vectors[model] = Vectors(path.with_suffix(f".{name}.vectors"))
        return self.vectors[model]

    def close(self) -> None:
        """Closes them."""
        if self.door.journal is not None:
            self.door.journal.close()
        for vectors in self.vectors.values():
            vectors.close()
        self.files.close()

    def ask(self, record: Record, variant: Variant = FIRST) -> RecordAsk:
        """The door as this record's stage sees it."""
        return RecordAsk(record, self.files.files(record), self.door, variant)

    @cached_property
    def _leading_role(self) -> Role | None:
        """The role whose models a record goes through when the stage fails it: the longest."""
        roles = [self.job.door.role(name) for name in self.built.stage.roles()]
        return max(roles, key=lambda role: len(role.providers), default=None)

    async def _annotate(self, record: Record) -> tuple[Record, RecordAsk]:
        """The stage's result; by the role's next model, or warmer, where the recipe says so.

        What a second model was to do better stands as the first did it, if the second cannot.
        """
        stage, role, variant = self.built.stage, self._leading_role, FIRST
        text = None if role is None else role.text.escalate_when
        doubtful = None if text is None else Condition.read(text, None)
        draft: tuple[Record, RecordAsk] | None = None
        while True:
            ask = self.ask(record, variant)
            again: Variant | None = None
            try:
                if isinstance(stage, BarrierStage):
                    result = await stage.annotate_decided(record, self.decision, ask)
                else:
                    result = await stage.annotate(record, ask)
            except RecordFailed as error:
                if role is not None and error.reason in stage.UNPARSABLE:
                    again = role.next_variant(variant)
                if again is None:
                    if draft is None or error.reason == "gave_up":  # passing trouble must not last
                        raise
                    return draft
            else:
                draft = result, ask
                if role is not None and doubtful is not None and doubtful.holds(result.scores):
                    again = role.next_model(variant)
                if again is None:
                    return draft
            variant = again

    async def _reviewed(self, record: Record, review: ReviewState) -> StepResult:
        """What becomes of a record where people come in between."""
        stage = self.built.stage
        assert isinstance(stage, ReviewStage)
        try:
            said = review.corrections.find(record.id)
        except InputError as error:  # no fault of this record
            return StepResult("stopped", record.id, error=error)
        ask = self.ask(record)
        made = await stage.annotate_reviewed(record, said, review.waits, ask)
        if made.record is None:
            return StepResult("paused", record.id, reason=made.waits, draft=made.draft)
        line = made.record.to_line()
        return StepResult(
            "given", record.id, line, aside=ask.aside, draft=made.draft, masks=made.masks
        )

    async def annotate(self, record: Record) -> StepResult:
        """What becomes of a record; every trouble of its own is in the result."""
        try:
            if self.review is not None:
                return await self._reviewed(record, self.review)
            result, ask = await self._annotate(record)
            if result.id != record.id:
                raise AssertionError(f"the stage {self.name} made {record.id} into {result.id}")
        except Drop as drop:
            line = aside_line(record, drop.reason, drop.detail, ())
            return StepResult("dropped", record.id, line, drop.reason)
        except RecordFailed as error:
            line = aside_line(record, error.reason, error.detail, error.turns)
            return StepResult("failed", record.id, line, error.reason)
        except InputError as error:
            return StepResult(
                "failed", record.id, aside_line(record, "input", str(error), ()), "input"
            )
        except Waiting:
            return StepResult("waiting", record.id)
        except NewCall as error:
            return StepResult("older", record.id, error=error)
        except Exception as error:
            error.add_note(f"while the stage {self.name} worked on the record {record.id}")
            return StepResult("stopped", record.id, error=error)
        return StepResult("given", record.id, result.to_line(), drawn=ask.drawn, aside=ask.aside)


async def carry_step(
    job: Job, index: int, shard: int, before: DoneMarker, decision: tuple[str, Any] | None
) -> DoneMarker:
    """Carries a stage over a shard and commits it. ``decision``: a barrier's hash and content."""
    step = OpenStep(job, index, shard, decision[1] if decision else None)
    input_sha256 = before.output_sha256
    if decision is not None:
        input_sha256 = decided_input(input_sha256, decision[0])
    if step.review is not None:
        input_sha256 = step.review.input_sha256(input_sha256, _ids(job, index, shard))
    older: dict[str, StepResult] = {}
    if job.mode == "replay":
        older = older_results(job.workspace.storage, job.folder(index), shard_name(shard))
    job.on_event(StepBegins(step.name, shard, before.counts.given))
    try:
        while True:
            keep = job.recipe.text.run.images == "keep"
            folder = job.folder(index)
            writer = ShardWriter(job.workspace.storage, folder, shard_name(shard), keep)
            with writer:
                counted = (dict(job.failed), dict(job.processed))
                waiting = await _pass_over(step, writer, older)
                if not waiting:
                    if step.door.journal is not None:
                        await step.door.journal.durable()
                    marker = await _commit(writer, step.built, input_sha256)
                    counts = marker.counts
                    job.on_event(
                        StepDone(
                            step.name,
                            shard,
                            counts.given,
                            sum(counts.dropped.values()),
                            sum(counts.failed.values()),
                            paused=sum(counts.paused.values()),
                        )
                    )
                    return marker
            job.failed, job.processed = counted
            await send_wave(step.door)
    finally:
        step.close()


async def _commit(writer: ShardWriter, built: BuiltStage, input_sha256: str) -> DoneMarker:
    """Commits in a thread: while the disk is waited for, other shards' calls go on.

    Ends with the thread, also where it is cancelled: nobody else may use the writer before.
    """
    # Not a task, which the loop's end would cancel while the thread goes on.
    work = asyncio.get_running_loop().run_in_executor(
        None, writer.commit, built.fingerprint, built.made_of, input_sha256
    )
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        work.exception()  # it is told of the cancelling alone
        raise cancelled
    return work.result()


async def _pass_over(step: OpenStep, writer: ShardWriter, older: dict[str, StepResult]) -> int:
    """One pass over the shard; gives how many records wait for a batch."""
    job = step.job
    records = _input(job, step.index, step.shard)
    running: deque[asyncio.Task[StepResult]] = deque()
    ahead = job.ahead(step.built.stage)
    stop: BaseException | None = None
    waiting = 0
    try:
        while True:
            while stop is None and len(running) < ahead:
                record = next(records, None)
                if record is None:
                    break
                running.append(asyncio.create_task(step.annotate(record)))
            if not running:
                break
            result = await running.popleft()
            if result.outcome == "stopped":
                stop = stop or result.error
                job.door.stop_with(_stop_reason(result.error))
                continue
            if stop is not None:
                continue
            waiting += result.outcome == "waiting"
            _write(step, writer, result, older)
            try:
                _check_ceiling(job, step.name, result)
            except TooManyFailures as error:
                stop = error
                job.door.stop_with(error)
    finally:
        for task in running:
            task.cancel()
        if running:
            await asyncio.gather(*running, return_exceptions=True)
    if stop is not None:
        raise stop
    return waiting


def _stop_reason(error: BaseException | None) -> RunStopped:
    return error if isinstance(error, RunStopped) else RunStopped(f"the run ended: {error}")


def _ids(job: Job, index: int, shard: int) -> Iterator[str]:
    return record_ids(job.workspace.storage, f"{job.folder(index - 1)}/{shard_name(shard)}.jsonl")


def _input(job: Job, index: int, shard: int) -> Iterator[Record]:
    key = f"{job.folder(index - 1)}/{shard_name(shard)}.jsonl"
    return read_records(job.workspace.storage, key)


def _write(
    step: OpenStep, writer: ShardWriter, result: StepResult, older: dict[str, StepResult]
) -> None:
    job = step.job
    if result.outcome == "older":
        kept = older.get(result.record_id)
        if kept is None:
            line = orjson.dumps(
                {"id": result.record_id, "reason": "never asked", "detail": "needs a new call"}
            )
            kept = StepResult("failed", result.record_id, line, "never asked")
        writer.counts.kept_older += 1
        job.kept_older += 1
        result = kept
    if result.outcome == "given":
        for name, data in result.drawn.items():
            writer.write_image(name, data)
        for caption in result.aside:
            writer.set_caption_aside(caption)
        if result.masks:
            writer.write_masks(result.masks)
        writer.write(result.line)
    elif result.outcome == "dropped":
        writer.set_aside("dropped", result.line, result.reason)
    elif result.outcome == "failed":
        writer.set_aside("failed", result.line, result.reason)
    elif result.outcome == "paused":
        writer.pause(result.reason)
    if result.draft:
        writer.write_draft(result.draft)
    job.on_event(RecordDone(step.name, step.shard, result.record_id, result.outcome, result.reason))


def _check_ceiling(job: Job, stage: str, result: StepResult) -> None:
    job.processed[stage] = job.processed.get(stage, 0) + 1
    if result.outcome != "failed":
        return
    failed = job.failed[stage] = job.failed.get(stage, 0) + 1
    ceiling = job.recipe.text.run.failures
    if failed >= ceiling.after and failed > ceiling.share * job.processed[stage]:
        raise TooManyFailures(
            f"{failed} of {job.processed[stage]} records failed at {stage} (the last: "
            f"{result.record_id}, {result.reason}); the recipe allows {ceiling.share:.0%}. See the "
            f".failed.jsonl files of that stage; raise run.failures.share to go on anyway"
        )
