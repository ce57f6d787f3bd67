"""Opens the failed records of a run for another try, and nothing else.

For each failed record a line in its stage's journal opens the next generation: its bad outcomes,
and the answers that its stage could not use, no longer count. Then the step's done marker goes,
so that the next run carries the shard again; every other record is answered from the journal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from annoengine.errors import WorkspaceError
from annoengine.plan import cut_name, source_made_of
from annoengine.recipe import Recipe
from annoengine.shard import read_marker, read_set_aside, shard_name
from annoengine.workspace import SOURCE, Shards, Workspace


@dataclass
class Reopened:
    """How many failed records of each stage will be tried again."""

    records: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.records.values())


def open_failed(
    recipe: Recipe, workspace: Workspace, shards: Shards | None = None, stage: str | None = None
) -> Reopened:
    """Opens every failed record, or those of one stage, in the chosen shards."""
    done = workspace.source_done()
    if done is None:
        raise WorkspaceError(f"{workspace.root}: the source was not read yet; nothing has failed")
    names = [SOURCE, *(built.name for built in recipe.stages)]
    if stage is not None and stage not in names:
        raise WorkspaceError(f"the run has no stage {stage!r}; it has {', '.join(names)}")
    cut = cut_name(source_made_of(recipe), recipe.text.run.shard_size)
    reopened = Reopened()
    for shard in (shards or Shards()).of(done.shards):
        with workspace.locked([shard]):
            for index, name in enumerate(names):
                if stage in (None, name):
                    count = _reopen(recipe, workspace, cut, index, name, shard)
                    if count:
                        reopened.records[name] = reopened.records.get(name, 0) + count
    return reopened


def _reopen(
    recipe: Recipe, workspace: Workspace, cut: str, index: int, name: str, shard: int
) -> int:
    folder = workspace.folder(index, name)
    marker = read_marker(workspace.storage, folder, shard_name(shard))
    if marker is None or not marker.counts.failed:
        return 0
    failed = list(read_set_aside(workspace.storage, folder, shard_name(shard), "failed"))
    if index and recipe.stages[index - 1].stage.roles():
        journal = workspace.journal(name, cut, shard)
        try:
            for record in failed:
                journal.open_generation(record.id, record.turns)
            journal.flush()
        finally:
            journal.close()
    workspace.storage.delete(f"{folder}/{shard_name(shard)}.done.json")
    return len(failed)
