"""Captions that leave records which go on: where they lie, and who counts them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from annoengine.progress import account_notes
from annoengine.recipe import Recipe, load_recipe
from annoengine.runner import finished_records
from annoengine.shard import read_dropped_captions
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, recipe_file
from tests.toy import Echo


def recipe_of(folder: Path, **settings: Any) -> Recipe:
    return load_recipe(recipe_file(folder, [{"tests.toy:SetsAside": settings, "as": "aside"}]))


def dropped_in(workspace: Workspace) -> list[tuple[str, str]]:
    """Records and texts of all dropped captions, in order."""
    return [
        (dropped.id, dropped.caption.text)
        for shard in ("00000", "00001", "00002")
        for dropped in read_dropped_captions(workspace.storage, "01-aside", shard)
    ]


def test_they_lie_beside_the_shard_with_reason_and_scores(tmp_path: Path) -> None:
    recipe, workspace = recipe_of(tmp_path), Workspace(tmp_path / "run")
    carry(recipe, workspace)
    records = [record for _, record in finished_records(recipe, workspace)]
    assert [record.captions for record in records] == [()] * 10
    assert dropped_in(workspace) == [(r.id, f"echo: What is {n}?") for n, r in enumerate(records)]
    line = (tmp_path / "run/01-aside/00000.captions.jsonl").read_text().splitlines()[0]
    entry = json.loads(line)
    assert entry["reason"] == "first == 1"
    assert entry["scores"] == [{"name": "toy.length", "value": 16.0, "by": "aside"}]
    assert entry["caption"]["origin"]["model"] == "echo-a"


def test_the_account_tells_them_and_still_sums(tmp_path: Path) -> None:
    recipe, workspace = recipe_of(tmp_path), Workspace(tmp_path / "run")
    carry(recipe, workspace)
    account = account_of(recipe, workspace)
    assert account.stages[1].captions_dropped == {"first == 1": 10}
    assert account.stages[1].given == 10
    assert "aside: 10 captions dropped: first == 1" in account_notes(account)


def test_those_of_a_record_that_fails_stay_in_the_record(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, reject="What is 3")
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace)
    assert len(dropped_in(workspace)) == 9
    assert account_of(recipe, workspace).stages[1].captions_dropped == {"first == 1": 9}


def test_a_step_that_drops_none_any_more_leaves_no_file(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    carry(recipe_of(tmp_path), workspace)
    stages = [{"tests.toy:Asks": {}, "as": "aside"}]
    carry(load_recipe(recipe_file(tmp_path, stages)), workspace)
    assert not list((tmp_path / "run").glob("01-aside/*.captions.jsonl"))


def test_a_reading_without_calls_keeps_the_older_ones(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    carry(recipe_of(tmp_path), workspace)
    Echo.calls.clear()
    changed = recipe_of(tmp_path, odd_question="And {n}?", reading=2)
    assert carry(changed, workspace, mode="replay").kept_older == 5
    assert not Echo.calls
    assert [text for _, text in dropped_in(workspace)][:2] == [
        "ECHO: WHAT IS 0?",
        "echo: What is 1?",
    ]
