"""The account of a run: at every stage, in = out + dropped + failed + pending.

Read from the done markers and the call journals, which are the truth; written to account.json
for whoever comes later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

import orjson

from annoengine.call_counts import CallCounts, count_calls
from annoengine.plan import Plan, Step, make_plan
from annoengine.recipe import Recipe
from annoengine.storage import write_bytes
from annoengine.workspace import SOURCE, Workspace


@dataclass
class StageAccount:
    """One line of the account. ``came_in = given + dropped + failed + pending``.

    ``paused`` are those of the pending records that wait for people, by reason.
    """

    stage: str
    came_in: int = 0
    given: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    pending: int = 0
    kept_older: int = 0
    captions_dropped: dict[str, int] = field(default_factory=dict)
    paused: dict[str, int] = field(default_factory=dict)
    shards_done: int = 0
    shards: int = 0
    calls: CallCounts = field(default_factory=CallCounts)

    def adds_up(self) -> bool:
        """Is no record missing?"""
        out = self.given + sum(self.dropped.values()) + sum(self.failed.values())
        return self.came_in == out + self.pending


@dataclass
class Account:
    """All stages, the source first."""

    stages: list[StageAccount]
    source_read: bool
    left_out: dict[str, int] = field(default_factory=dict)
    """Images that the source passed over on purpose before anything was counted, by reason."""

    @property
    def failed(self) -> int:
        """Records that failed, at whichever stage."""
        return sum(sum(stage.failed.values()) for stage in self.stages)

    @property
    def paused(self) -> int:
        """Records that wait for people, at whichever stage."""
        return sum(sum(stage.paused.values()) for stage in self.stages)

    @property
    def finished(self) -> bool:
        """Did every record that is not dropped or failed reach the end?"""
        return self.source_read and not any(stage.pending for stage in self.stages)

    def calls(self) -> CallCounts:
        """The calls of all stages."""
        total = CallCounts()
        for stage in self.stages:
            total.add(stage.calls)
        return total


def _add(into: dict[str, int], more: dict[str, int]) -> None:
    for reason, count in more.items():
        into[reason] = into.get(reason, 0) + count


def _stage_account(name: str, steps: Iterable[Step]) -> StageAccount:
    account = StageAccount(name)
    for step in steps:
        account.shards += 1
        came_in = step.records_in or 0
        account.came_in += came_in
        marker = step.marker
        # A step that is stale or follows a newer input will be done again: its records wait.
        if marker is None or not step.settled:
            account.pending += came_in
            continue
        account.pending += sum(marker.counts.paused.values())
        _add(account.paused, marker.counts.paused)
        account.shards_done += step.state == "done"
        account.given += marker.counts.given
        account.kept_older += marker.counts.kept_older
        _add(account.dropped, marker.counts.dropped)
        _add(account.failed, marker.counts.failed)
        _add(account.captions_dropped, marker.counts.captions_dropped)
    for reasons in (account.dropped, account.failed, account.captions_dropped, account.paused):
        ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        reasons.clear()
        reasons.update(ordered)
    return account


def take_account(recipe: Recipe, workspace: Workspace, plan: Plan | None = None) -> Account:
    """The account of a run as it lies on the disk."""
    done = workspace.source_done()
    plan = plan or make_plan(recipe, workspace, done.limit if done else None)
    stages = []
    for index, name in enumerate((SOURCE, *(built.name for built in recipe.stages))):
        account = _stage_account(name, plan.of(index))
        for path in workspace.journals(name):
            account.calls.add(count_calls(path))
        stages.append(account)
    left_out = dict(done.left_out) if done else {}
    return Account(stages, plan.source.state == "done", left_out)


def account_json(account: Account) -> bytes:
    """The account as JSON."""
    data = {
        "finished": account.finished,
        "left_out": account.left_out,
        "stages": [asdict(stage) for stage in account.stages],
    }
    return orjson.dumps(data, option=orjson.OPT_INDENT_2) + b"\n"


def write_account(account: Account, workspace: Workspace) -> None:
    """Writes account.json."""
    write_bytes(workspace.storage, "account.json", account_json(account))
