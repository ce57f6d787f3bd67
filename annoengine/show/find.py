"""Finds one record of a run by what a person calls it, and how far it has got.

Nothing is held but the record: shards are gone through line by line, and only lines that may be it
are read.
"""

from __future__ import annotations

import difflib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from annoengine.errors import InputError
from annoengine.plan import make_plan
from annoengine.recipe import Recipe, load_recipe
from annoengine.record import Record, Verdict
from annoengine.registry import did_you_mean
from annoengine.shard import DroppedCaption, read_lines, shard_name
from annoengine.workspace import SOURCE, Workspace

Outcome = Literal["given", "dropped", "failed"]

_ENDINGS: dict[str, Outcome] = {
    "jsonl": "given",
    "dropped.jsonl": "dropped",
    "failed.jsonl": "failed",
}
_NEAREST = 3


@dataclass(frozen=True)
class LostCaption:
    """A caption that a stage took out of the record, with what was found of its statements."""

    stage: str
    dropped: DroppedCaption
    verdicts: tuple[Verdict, ...]


@dataclass
class Found:
    """A record as it left a stage, or as it came into the one that set it aside.

    ``record`` is None where the source could not even make one. ``waits_for`` is the stage that
    has not run for it yet; ``older`` says that the step was done by another form of the recipe.
    """

    root: Path
    recipe: Recipe
    id: str
    shard: int
    stage: str
    outcome: Outcome
    record: Record | None
    reason: str = ""
    detail: str = ""
    lost: list[LostCaption] = field(default_factory=list)
    waits_for: str = ""
    older: bool = False


def find_record(root: Path, wanted: str, stage: str = "") -> Found:
    """The record of a run, at one stage or at the last that has run for it.

    ``wanted`` is its id, the end of it (the image id) or the photograph's file name. Raises
    InputError for what is not there, with what is near.
    """
    workspace = Workspace.of_run(root)
    recipe = load_recipe(root / "recipe.yaml")
    names = [SOURCE, *(built.name for built in recipe.stages)]
    if stage and stage not in names:
        raise InputError(f"{root} has no stage {stage!r}.{did_you_mean(stage, names)}")
    search = _Search(workspace, wanted)
    id, shard = search.place()
    found = _last_step(root, recipe, workspace, names, id, shard)
    if stage and stage != found.stage:
        found = _step_of(found, workspace, names, stage)
    index = names.index(found.stage)
    _add_state(found, workspace, names, index)
    found.lost = list(_lost(workspace, names, id, shard, index))
    return found


def _last_step(
    root: Path, recipe: Recipe, workspace: Workspace, names: list[str], id: str, shard: int
) -> Found:
    for index in range(len(names) - 1, -1, -1):
        found = _read_step(root, recipe, workspace, index, names[index], id, shard)
        if found is not None:
            return found
    raise InputError(f"{root}: the record {id} has just left shard {shard}; look again")


def _step_of(last: Found, workspace: Workspace, names: list[str], stage: str) -> Found:
    """The record at a stage before the last that it has come to."""
    index = names.index(stage)
    found = _read_step(last.root, last.recipe, workspace, index, stage, last.id, last.shard)
    if found is not None:
        return found
    if last.outcome != "given":
        raise InputError(
            f"{last.id} did not come to {stage!r}: {last.stage} set it aside ({last.outcome}: "
            f"{last.reason})"
        )
    raise InputError(f"{stage!r} has not run for {last.id} yet; it has got to {last.stage!r}")


def _read_step(
    root: Path,
    recipe: Recipe,
    workspace: Workspace,
    index: int,
    stage: str,
    id: str,
    shard: int,
) -> Found | None:
    """What a stage made of a record, or None where it has not run for it."""
    for ending, outcome in _ENDINGS.items():
        key = f"{workspace.folder(index, stage)}/{shard_name(shard)}.{ending}"
        entry = next(_entries(workspace, key, id), None)
        if entry is None:
            continue
        reason = detail = ""
        if outcome != "given":
            reason, detail, entry = entry["reason"], entry.get("detail", ""), entry.get("record")
        try:
            record = None if entry is None else Record.model_validate(entry)
        except ValidationError:
            raise InputError(
                f"{key}: the line of {id} is no record of this annoengine; run the recipe again"
            ) from None
        return Found(root, recipe, id, shard, stage, outcome, record, reason, detail)
    return None


def _entries(workspace: Workspace, key: str, id: str) -> Iterator[dict[str, Any]]:
    """The lines of a file that are of a record."""
    named = orjson.dumps(id)
    for line in read_lines(workspace.storage, key):
        if named not in line:
            continue
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(entry, dict) and entry.get("id") == id:
            yield entry


def _add_state(found: Found, workspace: Workspace, names: list[str], index: int) -> None:
    done = workspace.source_done()
    limit = done.limit if done else None
    plan = make_plan(found.recipe, workspace, limit, [found.shard], as_read=True)
    found.older = any(s.index == index and s.state in ("stale", "follows") for s in plan.steps)
    if found.outcome != "given" or index + 1 == len(names):
        return
    later = next(step for step in plan.steps if step.index == index + 1)
    waits = later.marker is None or later.state == "waiting"
    found.waits_for = names[index + 1] if waits else ""


def _lost(
    workspace: Workspace, names: list[str], id: str, shard: int, last: int
) -> Iterator[LostCaption]:
    """The captions that stages up to this one took out; their verdicts are with what came in."""
    for index in range(1, last + 1):
        key = f"{workspace.folder(index, names[index])}/{shard_name(shard)}.captions.jsonl"
        dropped = [DroppedCaption.model_validate(entry) for entry in _entries(workspace, key, id)]
        if not dropped:
            continue
        before = f"{workspace.folder(index - 1, names[index - 1])}/{shard_name(shard)}.jsonl"
        entry = next(_entries(workspace, before, id), None)
        verdicts = () if entry is None else Record.model_validate(entry).verdicts
        for one in dropped:
            about = tuple(v for v in verdicts if v.segment == one.caption.segment)
            yield LostCaption(names[index], one, about)


@dataclass(frozen=True)
class _Name:
    """What a record can be called."""

    id: str
    shard: int
    file: str

    def rank(self, wanted: str) -> int | None:
        """How well a name fits, 0 best; None where it does not."""
        if wanted == self.id:
            return 0
        if self.id.endswith(f"/{wanted}"):
            return 1
        path = PurePath(self.file)
        if self.file and (wanted in (self.file, path.stem) or PurePath(wanted).name == path.name):
            return 2
        return None

    def likeness(self, wanted: str) -> float:
        """How near a name is, 0 to 1."""
        names = (self.id, self.id.split("/", 2)[-1], PurePath(self.file).name)
        matcher = difflib.SequenceMatcher(b=wanted, autojunk=False)
        best = 0.0
        for name in filter(None, names):
            matcher.set_seq1(name)
            best = max(best, matcher.ratio())
        return best


class _Search:
    """Looks for a record in the source's shards, where every record begins."""

    def __init__(self, workspace: Workspace, wanted: str) -> None:
        self._workspace = workspace
        self._wanted = wanted
        self._folder = workspace.folder(0, SOURCE)

    def place(self) -> tuple[str, int]:
        """The id and the shard. Raises InputError for none, and for several that fit alike."""
        best: list[_Name] = []
        rank = 9
        for name in self._names(PurePath(self._wanted).name):
            fits = name.rank(self._wanted)
            if fits is None or fits > rank:
                continue
            best, rank = [*(best if fits == rank else ()), name], fits
            if rank == 0:
                break
        if not best:
            raise InputError(self._nothing())
        if len(best) > 1:
            ids = ", ".join(name.id for name in best[:_NEAREST])
            more = f" and {len(best) - _NEAREST} more" if len(best) > _NEAREST else ""
            raise InputError(
                f"{self._wanted!r} fits {len(best)} records: {ids}{more}; give the whole id"
            )
        return best[0].id, best[0].shard

    def _nothing(self) -> str:
        near = heapq.nlargest(
            _NEAREST, self._names(""), key=lambda name: (name.likeness(self._wanted), name.id)
        )
        root = self._workspace.root
        if not near:
            return f"{root} has no record yet: its source was not read"
        ids = ", ".join(repr(name.id) for name in near)
        return f"{root} has no record {self._wanted!r}. The nearest are {ids}"

    def _names(self, within: str) -> Iterator[_Name]:
        """The names of all records in whose line a text occurs."""
        needle = orjson.dumps(within)[1:-1]
        storage = self._workspace.storage
        for file in storage.names(self._folder):
            shard, _, ending = file.partition(".")
            if ending not in _ENDINGS or not shard.isdigit():
                continue
            for line in read_lines(storage, f"{self._folder}/{file}"):
                if needle not in line:
                    continue
                try:
                    entry = orjson.loads(line)
                    photo = (entry if ending == "jsonl" else entry.get("record") or {}).get("photo")
                    yield _Name(entry["id"], int(shard), (photo or {}).get("file", ""))
                except (orjson.JSONDecodeError, KeyError, AttributeError, TypeError):
                    continue
