"""The engine over toy plug-ins: accounts, resume, retries, staleness, barriers, waves."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from annoengine.account import Account, take_account
from annoengine.ask import RetryPolicy
from annoengine.carry import reopen_kept_older
from annoengine.errors import ProviderUnusable, RecipeError, TooManyFailures
from annoengine.estimate import count_new_calls
from annoengine.journal import Journal
from annoengine.plan import make_plan
from annoengine.provider import Reply
from annoengine.recipe import Recipe, load_recipe
from annoengine.retry import open_failed
from annoengine.runner import Outcome, carry_out, finished_records, make_door
from annoengine.workspace import Shards, Workspace
from tests.toy import Batch, Echo


@pytest.fixture(autouse=True)
def _forget() -> None:
    for provider in (Echo, Batch):
        provider.forget()
    Batch.waves.clear()
    Batch.lost.clear()


STAGES: list[Any] = [
    {"tests.toy:Draws": {}, "as": "draws"},
    {"tests.toy:Asks": {"again": 3}, "as": "asks"},
]


def recipe_file(folder: Path, stages: list[Any] | None = None, **changes: Any) -> Path:
    """A recipe over toy plug-ins, written to a file."""
    data: dict[str, Any] = {
        "name": "toy",
        "seed": 3,
        "source": {"tests.toy:Numbers": {"n": 10, **changes.pop("source", {})}},
        "models": {"model": changes.pop("model", "tests.toy:Echo/a")},
        "stages": stages
        if stages is not None
        else [
            {"tests.toy:Draws": {}, "as": "draws"},
            {"tests.toy:Asks": {"again": 3}, "as": "asks"},
        ],
        "run": {"shard_size": 4, "workers": 0, **changes.pop("run", {})},
        **changes,
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def carry(recipe: Recipe, workspace: Workspace, **options: Any) -> Outcome:
    """Runs a recipe with quick retries."""

    async def run() -> Outcome:
        door = make_door(recipe)
        door.policy = RetryPolicy(tries=3, first_wait_s=0.001, longest_wait_s=0.002)
        return await carry_out(recipe, workspace, door=door, **options)

    return asyncio.run(run())


def account_of(recipe: Recipe, workspace: Workspace) -> Account:
    """The account, every line of which must sum."""
    account = take_account(recipe, workspace)
    assert all(stage.adds_up() for stage in account.stages)
    return account


def result_bytes(recipe: Recipe, workspace: Workspace) -> bytes:
    """The records at the end, one after another."""
    return b"\n".join(r.to_line() for _, r in finished_records(recipe, workspace))


def total_calls() -> int:
    return sum(Echo.calls.values())


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


def test_passing_trouble_is_retried_and_lasting_trouble_fails_the_record(tmp_path: Path) -> None:
    Echo.script["What is 1?"] = [RuntimeError("again:overloaded"), RuntimeError("slow_down:429")]
    Echo.script["What is 2?"] = [RuntimeError("never:bad request")]
    Echo.script["What is 4?"] = [RuntimeError("again:down")] * 3
    Echo.script["What is 5?"] = [Reply("", "refusal", "echo-1", "no")]
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
    Echo.script["What is 2?"] = [Reply("", "refusal", "echo-1")]
    Echo.script["What is 5?"] = [Reply("bad words", "answer", "echo-1")] * 2
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
