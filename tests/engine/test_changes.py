"""A run whose recipe changed: what is noticed, what is done again, and what that costs."""

from __future__ import annotations

import asyncio
from pathlib import Path

from annoengine.carry import reopen_kept_older
from annoengine.estimate import count_new_calls
from annoengine.plan import make_plan
from annoengine.recipe import load_recipe
from annoengine.runner import finished_records
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, recipe_file
from tests.toy import Echo


def test_a_changed_question_is_noticed_and_costs_the_changed_requests(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    stages = [{"tests.toy:Asks": {}, "as": "asks"}]
    carry(load_recipe(recipe_file(tmp_path, stages)), workspace)
    Echo.calls.clear()
    changed = [{"tests.toy:Asks": {"odd_question": "And {n}?"}, "as": "asks"}]
    recipe = load_recipe(recipe_file(tmp_path, changed))
    plan = make_plan(recipe, workspace)
    assert {step.changed for step in plan.stale} == {("parameters.odd_question",)}
    (count,) = asyncio.run(count_new_calls(recipe, workspace, plan))
    assert (count.calls, count.exact) == (5, True)
    assert not Echo.calls
    carry(recipe, workspace)
    assert Echo.calls == {f"And {n}?": 1 for n in (1, 3, 5, 7, 9)}
    # Back again: the old answers are still there.
    Echo.calls.clear()
    carry(load_recipe(recipe_file(tmp_path, stages)), workspace)
    assert not Echo.calls


def test_a_stage_put_in_between_is_noticed_and_keeps_the_answers(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    asks = {"tests.toy:Asks": {}, "as": "asks"}
    carry(load_recipe(recipe_file(tmp_path, [asks])), workspace)
    Echo.calls.clear()
    recipe = load_recipe(recipe_file(tmp_path, [{"tests.toy:Draws": {}, "as": "draws"}, asks]))
    plan = make_plan(recipe, workspace)
    assert plan.changed
    assert plan.strangers == ("01-asks",)
    carry(recipe, workspace)
    assert not Echo.calls
    assert len(list(finished_records(recipe, workspace))) == 10


def test_a_mended_reading_is_free(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    carry(load_recipe(recipe_file(tmp_path)), workspace)
    Echo.calls.clear()
    stages = [
        {"tests.toy:Draws": {}, "as": "draws"},
        {"tests.toy:Asks": {"again": 3, "reading": 2}, "as": "asks"},
    ]
    recipe = load_recipe(recipe_file(tmp_path, stages))
    assert make_plan(recipe, workspace).changed
    carry(recipe, workspace, mode="replay")
    assert not Echo.calls
    texts = [r.captions[0].text for _, r in finished_records(recipe, workspace)]
    assert texts[1] == "ECHO: WHAT IS 1?"


def test_reparse_keeps_what_would_need_a_call(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    stages = [{"tests.toy:Asks": {}, "as": "asks"}]
    carry(load_recipe(recipe_file(tmp_path, stages)), workspace)
    Echo.calls.clear()
    changed = [{"tests.toy:Asks": {"odd_question": "And {n}?", "reading": 2}, "as": "asks"}]
    recipe = load_recipe(recipe_file(tmp_path, changed))
    outcome = carry(recipe, workspace, mode="replay")
    assert not Echo.calls
    assert outcome.kept_older == 5
    texts = [r.captions[0].text for _, r in finished_records(recipe, workspace)]
    assert texts[:2] == ["ECHO: WHAT IS 0?", "echo: What is 1?"]
    assert account_of(recipe, workspace).stages[1].kept_older == 5
    # They stay so until they may be asked.
    carry(recipe, workspace)
    assert not Echo.calls
    assert reopen_kept_older(recipe, workspace) == 3
    carry(recipe, workspace)
    assert Echo.calls == {f"And {n}?": 1 for n in (1, 3, 5, 7, 9)}
    assert account_of(recipe, workspace).stages[1].kept_older == 0


def test_a_reader_that_asks_nothing_is_not_run_again(tmp_path: Path) -> None:
    """Work whose input came out the same bytes stands: the cut-off is by content."""
    workspace = Workspace(tmp_path / "run")
    asks = {"tests.toy:Asks": {}, "as": "asks"}
    stages = [{"tests.toy:Draws": {"drop": []}, "as": "draws"}, asks]
    carry(load_recipe(recipe_file(tmp_path, stages)), workspace)
    marker = workspace.root / "02-asks/00000.done.json"
    before = marker.stat().st_mtime_ns
    stages[0] = {"tests.toy:Draws": {"drop": [500]}, "as": "draws"}
    carry(load_recipe(recipe_file(tmp_path, stages)), workspace)
    assert marker.stat().st_mtime_ns == before
