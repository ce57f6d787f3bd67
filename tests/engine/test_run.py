"""The engine over toy plug-ins: accounts, resume, cuts, barriers, waves, wrong recipes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from annoengine.errors import RecipeError
from annoengine.plan import make_plan
from annoengine.recipe import load_recipe
from annoengine.runner import finished_records
from annoengine.workspace import Shards, Workspace
from tests.engine.carrying import account_of, carry, recipe_file, result_bytes, total_calls
from tests.toy import Batch, Echo


def test_a_run_ends_with_every_record_accounted(tmp_path: Path) -> None:
    stages = [
        {"tests.toy:Draws": {"drop": [1], "fail": [2, 3]}, "as": "draws"},
        {"tests.toy:Asks": {"again": 3}, "as": "asks"},
    ]
    recipe = load_recipe(recipe_file(tmp_path, stages, source={"bad": [9]}))
    workspace = Workspace(tmp_path / "run")
    assert carry(recipe, workspace).finished
    source, draws, asks = account_of(recipe, workspace).stages
    assert (source.came_in, source.given, source.failed) == (10, 9, {"image": 1})
    assert (draws.came_in, draws.given) == (9, 6)
    assert (draws.dropped, draws.failed) == ({"unwanted": 1}, {"undrawable": 2})
    assert (asks.came_in, asks.given, asks.pending) == (6, 6, 0)
    # 0 and 6 are the multiples of three that are left: two more turns each.
    assert asks.calls.asked == asks.calls.answered == 6 + 2 * 2 == total_calls()
    aside = orjson.loads(
        (workspace.root / "01-draws/00000.failed.jsonl").read_text().split("\n")[0]
    )
    assert (aside["id"], aside["reason"]) == ("toy/val/2", "undrawable")
    assert aside["record"]["id"] == "toy/val/2"


def test_the_same_command_again_does_nothing(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path))
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace)
    before = {p: p.stat().st_mtime_ns for p in workspace.root.rglob("*") if p.is_file()}
    Echo.calls.clear()
    carry(recipe, workspace)
    assert not Echo.calls
    after = {p: p.stat().st_mtime_ns for p in workspace.root.rglob("*") if p.is_file()}
    assert after == before


@pytest.mark.parametrize("shard_size", [1, 3, 1000])
@pytest.mark.parametrize("window", [1, 8])
def test_the_same_bytes_for_every_cut_and_width(
    tmp_path: Path, shard_size: int, window: int
) -> None:
    plain = load_recipe(recipe_file(tmp_path))
    carry(plain, Workspace(tmp_path / "plain"))
    model = {"model": "tests.toy:Echo/a", "options": {"window": window}}
    other = load_recipe(recipe_file(tmp_path, run={"shard_size": shard_size}, model=model))
    carry(other, Workspace(tmp_path / "other"))
    assert result_bytes(plain, Workspace(tmp_path / "plain")) == result_bytes(
        other, Workspace(tmp_path / "other")
    )


def test_another_shard_size_asks_nothing_again(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    first = load_recipe(recipe_file(tmp_path))
    carry(first, workspace)
    before = result_bytes(first, workspace)
    for size in (3, 7, 4):
        Echo.calls.clear()
        recipe = load_recipe(recipe_file(tmp_path, run={"shard_size": size}))
        assert make_plan(recipe, workspace).changed
        carry(recipe, workspace)
        assert not Echo.calls
        assert result_bytes(recipe, workspace) == before
        account_of(recipe, workspace)
    assert not list(workspace.root.glob("02-asks/00003*"))


def test_one_record_in_front_costs_one_record(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    carry(load_recipe(recipe_file(tmp_path)), workspace)
    Echo.calls.clear()
    recipe = load_recipe(recipe_file(tmp_path, source={"front": [77]}))
    plan = make_plan(recipe, workspace)
    assert plan.changed
    assert plan.source.changed == ("parameters.front",)
    carry(recipe, workspace)
    assert Echo.calls == {"What is 77?": 1}
    ids = [record.image_id for _, record in finished_records(recipe, workspace)]
    assert ids == ["77", *map(str, range(10))]


def test_a_larger_limit_goes_on_and_a_smaller_one_is_noticed(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "run")
    recipe = load_recipe(recipe_file(tmp_path))
    carry(recipe, workspace, limit=5)
    assert len(list(finished_records(recipe, workspace))) == 5
    assert not make_plan(recipe, workspace, None).changed
    Echo.calls.clear()
    whole = workspace.root / "00-source/00000.jsonl"
    before = whole.stat().st_mtime_ns
    carry(recipe, workspace)
    assert whole.stat().st_mtime_ns == before, "a shard that has not changed is not read again"
    assert len(list(finished_records(recipe, workspace))) == 10
    assert sorted(t for t in Echo.calls if t.startswith("What")) == [
        f"What is {n}?" for n in range(5, 10)
    ]
    assert make_plan(recipe, workspace, 3).source.shrinks
    assert not make_plan(recipe, workspace, 10).changed


def test_a_barrier_sees_all_shards_and_decides_once(tmp_path: Path) -> None:
    stages = [
        {"tests.toy:Draws": {}, "as": "draws"},
        {"tests.toy:Median": {}, "as": "median"},
        {"tests.toy:Asks": {}, "as": "asks"},
    ]
    recipe = load_recipe(recipe_file(tmp_path, stages))
    workspace = Workspace(tmp_path / "run")
    part = carry(recipe, workspace, shards=Shards.parse("0-1"))
    assert (part.finished, part.waiting_for) == (False, [2])
    assert not Echo.calls
    assert carry(recipe, workspace).finished
    assert sorted(Echo.calls) == [f"What is {n}?" for n in range(5, 10)]
    median = account_of(recipe, workspace).stages[2]
    assert median.dropped == {"lower half": 5}
    decision = (workspace.root / "02-median/decision.json").read_bytes()
    one = load_recipe(recipe_file(tmp_path, stages, run={"shard_size": 100}))
    carry(one, Workspace(tmp_path / "one"))
    assert result_bytes(one, Workspace(tmp_path / "one")) == result_bytes(recipe, workspace)
    # More records: another decision, and what hangs on it is done again.
    more = load_recipe(recipe_file(tmp_path, stages, source={"n": 14}))
    carry(more, workspace)
    assert (workspace.root / "02-median/decision.json").read_bytes() != decision
    assert [r.image_id for _, r in finished_records(more, workspace)] == [
        str(n) for n in range(7, 14)
    ]


def test_calls_in_waves(tmp_path: Path) -> None:
    plain = load_recipe(recipe_file(tmp_path))
    carry(plain, Workspace(tmp_path / "plain"))
    Batch.lost.add("What is 3?")
    recipe = load_recipe(recipe_file(tmp_path, model="tests.toy:Batch/a"))
    workspace = Workspace(tmp_path / "run")
    assert carry(recipe, workspace).finished
    texts = [r.captions[0].text for _, r in finished_records(recipe, workspace)]
    assert texts == [
        r.captions[0].text for _, r in finished_records(plain, Workspace(tmp_path / "plain"))
    ]
    asks = account_of(recipe, workspace).stages[2]
    assert asks.calls.failures == {"lost in its wave": 1}
    assert asks.calls.perhaps_paid == 1


def test_a_wave_is_collected_after_the_process_that_sent_it_ended(tmp_path: Path) -> None:
    recipe = load_recipe(
        recipe_file(tmp_path, [{"tests.toy:Asks": {}, "as": "asks"}], model="tests.toy:Batch/a")
    )
    workspace = Workspace(tmp_path / "run")
    real = Batch.collect

    async def cut(self: Batch, wave: str) -> Any:
        raise ConnectionError("the process ends while it waits")

    Batch.collect = cut  # type: ignore[method-assign]
    try:
        with pytest.raises(ConnectionError):
            carry(recipe, workspace)
    finally:
        Batch.collect = real  # type: ignore[method-assign]
    sent = sum(len(calls) for calls in Batch.waves.values())
    carry(recipe, workspace)
    # What was in an open wave was collected, not sent again.
    assert sum(len(calls) for calls in Batch.waves.values()) == 10
    assert 0 < sent <= 10


def test_vectors_are_computed_once(tmp_path: Path) -> None:
    stages = [{"tests.toy:Embeds": {}, "as": "embeds"}]
    recipe = load_recipe(recipe_file(tmp_path, stages, run={"shard_size": 5}))
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace)
    shutil.rmtree(workspace.root / "01-embeds")
    embedded = list(Echo.embedded)
    carry(recipe, workspace)
    assert Echo.embedded == embedded
    assert {e for e in embedded if isinstance(e, str)} == {
        *(f"toy/val/{n}" for n in range(10)),
        "the same for all",
    }
    scores = [r.scores[0].value for _, r in finished_records(recipe, workspace)]
    assert scores[0] == pytest.approx((9**2 + 1) ** 0.5, abs=1e-4)


def test_masks_stay_beside_the_source_shard(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path, source={"masks": True}))
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace)
    assert len((workspace.root / "00-source/00000.masks.jsonl").read_bytes().splitlines()) == 4
    from annoengine.export_run import FinishedRun

    run = FinishedRun(recipe, workspace)
    for record in run.records():
        mask = run.files(record).masks([0])[0]
        assert mask.sum() == 1
        assert mask[0, int(record.image_id) % 8]


def test_shards_can_be_chosen(tmp_path: Path) -> None:
    recipe = load_recipe(recipe_file(tmp_path, source={"n": 16}))
    workspace = Workspace(tmp_path / "run")
    carry(recipe, workspace, shards=Shards.parse("2/4"))
    done = sorted(p.name for p in (workspace.root / "02-asks").glob("*.done.json"))
    assert done == ["00001.done.json"]
    account = account_of(recipe, workspace)
    assert (account.stages[1].pending, account.stages[2].pending) == (12, 0)
    assert not account.finished
    carry(recipe, workspace)
    assert account_of(recipe, workspace).finished


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"stages": [{"tests.toy:Nothing": {}}]}, "cannot be imported"),
        ({"stages": [{"rephrse": {}}]}, "no stage called 'rephrse'"),
        (
            {"stages": [{"tests.toy:Asks": {"agan": 1}}]},
            "unknown key 'agan'. Did you mean 'again'?",
        ),
        ({"stages": [{"tests.toy:Asks": {"again": "x"}}]}, "(got 'x')"),
        ({"stages": [{"tests.toy:Asks": {}}, {"tests.toy:Asks": {}}]}, "two stages are called"),
        ({"stages": [{"tests.toy:Asks": {}, "tests.toy:Draws": {}}]}, "one stage by its name"),
        ({"models": {}}, "asks the model 'model', which the recipe does not name"),
        ({"sed": 1}, "unknown key 'sed'. Did you mean 'seed'?"),
        ({"run": {"shard_siz": 1}}, "Did you mean 'shard_size'?"),
        ({"inputs": {"foldr": "."}}, "Did you mean 'folder'?"),
        ({"exports": [{"nope": {}}]}, "no exporter called 'nope'"),
    ],
)
def test_a_wrong_recipe_is_a_sentence_with_its_place(
    tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    path = recipe_file(tmp_path)
    data = {**yaml.safe_load(path.read_text()), **change}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
