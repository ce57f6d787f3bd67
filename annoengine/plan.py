"""A plan: for every stage and shard, is it done, still to do, or made of something else?

A step is done when its marker names the stage's present fingerprint and the very bytes of its
input. It is *stale* when the stage changed since (the recipe, a prompt, a parser), and *follows*
when only its input is new: an earlier stage's shard, or what people wrote. Stale steps are never
redone unasked: the plan is shown and the run stops until it is told to. A step is *waiting* that is
done as far as people have reviewed its records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from annoengine.fingerprint import changed_keys, fingerprint, sha256_hex
from annoengine.recipe import Recipe
from annoengine.reviewing.review_stage import Reviews, record_ids
from annoengine.shard import DoneMarker, read_marker, shard_name
from annoengine.stage import BarrierStage
from annoengine.storage import read_bytes
from annoengine.workspace import SOURCE, SourceDone, Workspace

State = Literal["done", "waiting", "todo", "stale", "follows"]


@dataclass(frozen=True)
class Step:
    """One stage on one shard; ``index`` 0 is the source."""

    index: int
    stage: str
    shard: int
    state: State
    records_in: int | None = None
    changed: tuple[str, ...] = ()
    marker: DoneMarker | None = None

    @property
    def settled(self) -> bool:
        """Does its marker say what is so now? Then the next step may build on it."""
        return self.state in ("done", "waiting")


@dataclass(frozen=True)
class SourceState:
    """What is known of the source: done, never read, changed, or only read further or less far."""

    state: State
    entries: int | None
    shards: int
    changed: tuple[str, ...] = ()
    shrinks: bool = False


@dataclass
class Plan:
    """All steps, shard by shard within each stage."""

    source: SourceState
    stages: tuple[str, ...]
    steps: list[Step] = field(default_factory=list)
    strangers: tuple[str, ...] = ()
    """Folders of stages that the recipe no longer has, or has elsewhere."""

    def of(self, index: int) -> list[Step]:
        """The steps of one stage, by its index (0 is the source)."""
        return [step for step in self.steps if step.index == index]

    @property
    def stale(self) -> list[Step]:
        """Steps whose stage is made of something else now."""
        return [step for step in self.steps if step.state == "stale"]

    @property
    def done(self) -> bool:
        """Is there nothing left to do?"""
        return self.source.state == "done" and all(s.state == "done" for s in self.steps)

    @property
    def changed(self) -> bool:
        """Would carrying it out replace results of another recipe or source?"""
        return (
            bool(self.stale or self.strangers)
            or self.source.state == "stale"
            or self.source.shrinks
        )


def source_made_of(recipe: Recipe) -> dict[str, object]:
    """All that the source's shards depend on, but for how far it is read."""
    return {
        "source": recipe.source_kind,
        "version": recipe.source.VERSION,
        "parameters": recipe.source.parameters.model_dump(mode="json"),
        "content": dict(recipe.source.fingerprint()),
        "seed": recipe.text.seed,
    }


def cut_name(made_of: dict[str, object], shard_size: int) -> str:
    """A short name for the way the source's entries are cut into shards."""
    return fingerprint({"source": made_of, "shard_size": shard_size})[:12]


def is_fresh(marker: DoneMarker | None, stage_fingerprint: str, input_sha256: str) -> bool:
    """Was the step made by this stage from these bytes?"""
    return (
        marker is not None
        and marker.fingerprint == stage_fingerprint
        and marker.input_sha256 == input_sha256
    )


def decided_input(input_sha256: str, decision_sha256: str) -> str:
    """The input of a step behind a barrier: the shard and what was decided about all of them."""
    return fingerprint([input_sha256, decision_sha256])


def step_input(
    recipe: Recipe,
    workspace: Workspace,
    index: int,
    shard: int,
    before: DoneMarker,
    reviews: Reviews,
) -> str | None:
    """What a step's marker must name as its input, or None while a barrier is undecided."""
    built = recipe.stages[index - 1]
    if isinstance(built.stage, BarrierStage):
        decision = read_decision(workspace, index, built.name)
        return None if decision is None else decided_input(before.output_sha256, decision)
    review = reviews.of(built.stage)
    if review is None:
        return before.output_sha256
    last = SOURCE if index == 1 else recipe.stages[index - 2].name
    key = f"{workspace.folder(index - 1, last)}/{shard_name(shard)}.jsonl"
    return review.input_sha256(before.output_sha256, record_ids(workspace.storage, key))


def read_decision(workspace: Workspace, index: int, name: str) -> str | None:
    """The hash of a barrier's decision file, or None."""
    try:
        return sha256_hex(
            read_bytes(workspace.storage, f"{workspace.folder(index, name)}/decision.json")
        )
    except FileNotFoundError:
        return None


def expected_folders(recipe: Recipe, workspace: Workspace) -> set[str]:
    """The folders that the recipe's stages fill, the source's among them."""
    names = (SOURCE, *(built.name for built in recipe.stages))
    return {workspace.folder(index, name) for index, name in enumerate(names)}


def stage_folders(workspace: Workspace) -> set[str]:
    """The folders of stages that are there."""
    return {name for name in workspace.storage.names("") if re.fullmatch(r"\d\d-.+", name)}


def _source_state(
    done: SourceDone | None,
    made_of: dict[str, object],
    shard_size: int,
    limit: int | None,
    written: int,
) -> SourceState:
    if done is None:
        return SourceState("todo", None, written)
    if done.fingerprint != fingerprint(made_of):
        changed = changed_keys(done.made_of, made_of)
        return SourceState("stale", done.entries, done.shards, tuple(changed))
    if done.shard_size != shard_size:
        return SourceState("stale", done.entries, done.shards, ("run.shard_size",))
    if done.limit != limit:
        if limit is not None and limit < done.entries:
            return SourceState("follows", done.entries, done.shards, ("--limit",), shrinks=True)
        if done.limit is not None and done.entries == done.limit:
            return SourceState("follows", done.entries, done.shards, ("--limit",))
    return SourceState("done", done.entries, done.shards)


def make_plan(
    recipe: Recipe,
    workspace: Workspace,
    limit: int | None = None,
    shards: Iterable[int] | None = None,
    as_read: bool = False,
) -> Plan:
    """The plan of a recipe in a workspace. Reads markers; of shards at most who is in them.

    ``as_read`` takes the source for what it was when it was read: its files are not looked at,
    and may be gone.
    """
    done = workspace.source_done() if as_read else None
    made_of = dict(done.made_of) if done is not None else source_made_of(recipe)
    names = workspace.storage.names(workspace.folder(0, SOURCE))
    written = sum(name[0].isdigit() and name.endswith(".done.json") for name in names)
    source = _source_state(
        workspace.source_done(), made_of, recipe.text.run.shard_size, limit, written
    )
    plan = Plan(source, (SOURCE, *(built.name for built in recipe.stages)))
    plan.strangers = tuple(sorted(stage_folders(workspace) - expected_folders(recipe, workspace)))
    chosen = list(range(source.shards)) if shards is None else list(shards)
    source_print = fingerprint(made_of)
    reviews = Reviews(workspace.root)
    for shard in chosen:
        _plan_shard(plan, recipe, workspace, shard, source_print, tuple(source.changed), reviews)
    plan.steps.sort(key=lambda step: (step.index, step.shard))
    return plan


def _plan_shard(
    plan: Plan,
    recipe: Recipe,
    workspace: Workspace,
    shard: int,
    source_print: str,
    changed: tuple[str, ...],
    reviews: Reviews,
) -> None:
    name = shard_name(shard)
    before = read_marker(workspace.storage, workspace.folder(0, SOURCE), name)
    state: State = "todo"
    if before is not None:
        state = "done" if before.fingerprint == source_print else "stale"
        if state == "done" and plan.source.state == "stale":
            state = "stale"
    taken = before.counts.taken if before else None
    plan.steps.append(
        Step(0, SOURCE, shard, state, taken, changed if state == "stale" else (), before)
    )
    settled = state == "done"
    for index, built in enumerate(recipe.stages, start=1):
        marker = read_marker(workspace.storage, workspace.folder(index, built.name), name)
        records = before.counts.given if before else None
        differences: tuple[str, ...] = ()
        if marker is None:
            state = "todo"
        elif marker.fingerprint != built.fingerprint:
            state = "stale"
            differences = tuple(changed_keys(marker.made_of, built.made_of))
        elif before is None or not settled:
            state = "follows"
        else:
            wanted = step_input(recipe, workspace, index, shard, before, reviews)
            state = "follows"
            if marker.input_sha256 == wanted:
                state = "waiting" if marker.counts.paused else "done"
        plan.steps.append(Step(index, built.name, shard, state, records, differences, marker))
        settled = plan.steps[-1].settled
        before = marker
