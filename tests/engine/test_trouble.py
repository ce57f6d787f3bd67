"""Calls, records and workers that fail: what is tried again, what is set aside, what ends a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from annoengine.errors import ProviderUnusable, TooManyFailures
from annoengine.journal import Journal
from annoengine.provider import Reply
from annoengine.recipe import load_recipe
from annoengine.retry import open_failed
from annoengine.runner import finished_records
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, recipe_file, total_calls
from tests.toy import Echo


def test_passing_trouble_is_retried_and_lasting_trouble_fails_the_record(tmp_path: Path) -> None:
    Echo.script["What is 1?"] = [RuntimeError("again:overloaded"), RuntimeError("slow_down:429")]
    Echo.script["What is 2?"] = [RuntimeError("never:bad request")]
    Echo.script["What is 4?"] = [RuntimeError("again:down")] * 3
    Echo.script["What is 5?"] = [Reply("", "refusal", "echo-a", "no")]
    Echo.script["What is 7?"] = [RuntimeError("again:perhaps cut")]
    recipe = load_recipe(recipe_file(tmp_path, [{"tests.toy:Asks": {}, "as": "asks"}]))
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace)
    asks = account_of(recipe, workspace).stages[1]
    assert asks.failed == {"gave_up": 2, "refusal": 1}
    assert asks.given == 7
    assert asks.calls.failures == {
        "overloaded": 1,
        "429": 1,
        "bad request": 1,
        "down": 3,
        "perhaps cut": 1,
    }
    assert asks.calls.perhaps_paid == 1
    assert Echo.calls["What is 4?"] == 3
    # A resume replays bad outcomes instead of asking again.
    Echo.calls.clear()
    (workspace.root / "01-asks/00000.done.json").unlink()
    carry(recipe, workspace)
    assert not Echo.calls
    assert account_of(recipe, workspace).stages[1].failed == {"gave_up": 2, "refusal": 1}


def test_retry_redoes_exactly_the_failed_records(tmp_path: Path) -> None:
    Echo.script["What is 2?"] = [Reply("", "refusal", "echo-a")]
    Echo.script["What is 5?"] = [Reply("bad words", "answer", "echo-a")] * 2
    stages = [{"tests.toy:Asks": {"reject": "bad"}, "as": "asks"}]
    recipe = load_recipe(recipe_file(tmp_path, stages, source={"bad": [8]}, inputs={"folder": "."}))
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace)
    assert account_of(recipe, workspace).failed == 3
    Echo.calls.clear()
    assert open_failed(recipe, workspace).records == {"source": 1, "asks": 2}
    (tmp_path / "mended").touch()
    carry(recipe, workspace)
    assert Echo.calls == {"What is 2?": 1, "What is 5?": 1, "What is 8?": 1}
    account = account_of(recipe, workspace)
    assert account.stages[1].failed == {"rejected": 1}
    Echo.calls.clear()
    assert open_failed(recipe, workspace, stage="asks").records == {"asks": 1}
    carry(recipe, workspace)
    assert Echo.calls == {"What is 5?": 1}
    assert account_of(recipe, workspace).failed == 0
    assert [r.image_id for _, r in finished_records(recipe, workspace)] == [*"0123456789"]
    assert open_failed(recipe, workspace).total == 0


def test_a_fatal_error_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path, [{"tests.toy:Asks": {}, "as": "asks"}]))
    workspace = Workspace(tmp_path / "run")
    Echo.script["What is 6?"] = [RuntimeError("fatal:bad key")]
    with pytest.raises(ProviderUnusable, match="bad key"):
        carry(recipe, workspace)
    account = account_of(recipe, workspace)
    assert account.stages[1].pending + account.stages[1].given == 10
    asked = total_calls()
    Echo.script.clear()
    carry(recipe, workspace)
    # All were asked once, and the one that was refused for its key a second time.
    assert total_calls() <= 11
    assert Echo.calls["What is 6?"] == 2
    assert asked < total_calls()
    assert account_of(recipe, workspace).stages[1].given == 10


def test_the_ceiling_of_failures_ends_the_run(tmp_path: Path) -> None:
    stages = [{"tests.toy:Draws": {"fail": list(range(0, 100, 2))}, "as": "draws"}]
    run = {"failures": {"share": 0.2, "after": 5}}
    recipe = load_recipe(recipe_file(tmp_path, stages, source={"n": 100}, run=run))
    workspace = Workspace(tmp_path / "run")
    with pytest.raises(TooManyFailures, match=r"5 of 9 records failed at draws.*undrawable"):
        carry(recipe, workspace)
    account_of(recipe, workspace)


def test_a_stage_sees_a_reply_only_when_it_is_safe_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    safe: list[int] = []
    real = Journal.durable

    async def durable(self: Journal) -> None:
        await real(self)
        safe.append(self.counts.answered)

    monkeypatch.setattr(Journal, "durable", durable)
    recipe = load_recipe(recipe_file(tmp_path, [{"tests.toy:Asks": {}, "as": "asks"}]))
    carry(recipe, Workspace(tmp_path / "run"))
    # Once for each call, and once more for each of the three shards before it is committed.
    assert len(safe) == 10 + 3


def test_a_bug_in_a_stage_shows_itself_with_the_record(tmp_path: Path) -> None:
    stages = [{"tests.toy:Draws": {"bug": [3]}, "as": "draws"}]
    recipe = load_recipe(recipe_file(tmp_path, stages))
    with pytest.raises(ZeroDivisionError) as caught:
        carry(recipe, Workspace(tmp_path / "run"))
    assert "while the stage draws worked on the record toy/val/3" in caught.value.__notes__


def test_a_dead_worker_costs_one_record(tmp_path: Path) -> None:
    stages = [{"tests.toy:Draws": {"crash": [2]}, "as": "draws"}]
    recipe = load_recipe(recipe_file(tmp_path, stages, run={"workers": 2}))
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace)
    draws = account_of(recipe, workspace).stages[1]
    assert (draws.given, draws.failed) == (9, {"worker died": 1})
