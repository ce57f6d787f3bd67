"""Several models behind a role: who is asked what, in which order, and what a resume does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from annoengine.errors import RecipeError
from annoengine.provider import Reply
from annoengine.recipe import load_recipe
from annoengine.record import Record
from annoengine.runner import finished_records
from annoengine.workspace import Workspace
from tests.engine.carrying import account_of, carry, recipe_file
from tests.toy import Echo

A, B, C = "tests.toy:Echo/a", "tests.toy:Echo/b", "tests.toy:Echo/c"


def bad(outcome: Any, text: str = "") -> Reply:
    """A reply that is no answer."""
    return Reply(text, outcome, "echo-a", "it said so")


def run(
    folder: Path, model: Any, n: int = 1, asks: dict[str, Any] | None = None
) -> tuple[list[Record], Any]:
    """The records of a run with one asking stage, and its account."""
    stages = [{"tests.toy:Asks": asks or {}, "as": "asks"}]
    recipe = load_recipe(recipe_file(folder, stages, source={"n": n}, model=model))
    workspace = Workspace(folder / "run")
    assert carry(recipe, workspace).finished
    return [record for _, record in finished_records(recipe, workspace)], account_of(
        recipe, workspace
    )


def models_asked() -> list[str]:
    return [model for model, _, _ in Echo.asked]


def test_the_next_model_gets_what_the_first_refused(tmp_path: Path) -> None:
    Echo.script["a: What is 1?"] = [bad("refusal")]
    records, account = run(tmp_path, [A, B], n=2)
    assert sorted(models_asked()) == ["a", "a", "b"]
    assert [r.captions[0].origin.model for r in records] == ["echo-a", "echo-b"]
    assert account.stages[-1].calls.outcomes == {"answer": 2, "refusal": 1}
    assert account.failed == 0


@pytest.mark.parametrize("outcome", ["refusal", "filtered", "empty"])
def test_the_last_models_outcome_is_the_records(outcome: str, tmp_path: Path) -> None:
    for model in "abc":
        Echo.script[f"{model}: What is 0?"] = [bad(outcome)]
    records, account = run(tmp_path, [A, B, C])
    assert records == []
    assert models_asked() == ["a", "b", "c"]
    assert account.stages[-1].failed == {outcome: 1}


def test_a_model_whose_every_try_fails_leaves_it_to_the_next(tmp_path: Path) -> None:
    Echo.script["a: What is 0?"] = [OSError("again:down")] * 3
    records, account = run(tmp_path, [A, B])
    assert models_asked() == ["a", "a", "a", "b"]
    assert records[0].captions[0].origin.model == "echo-b"
    assert account.stages[-1].calls.outcomes == {"answer": 1, "gave_up": 1}


def test_a_truncated_answer_is_asked_with_a_higher_limit(tmp_path: Path) -> None:
    role = {"models": [A], "when": {"truncated": ["raise_tokens", "raise_tokens"]}}
    Echo.script["What is 0?"] = [bad("truncated", "The"), bad("truncated", "The be")]
    records, _ = run(tmp_path, role, asks={"max_tokens": 30})
    assert [s.max_tokens for _, _, s in Echo.asked] == [30, 60, 120]
    assert len(records) == 1


def test_without_a_limit_there_is_none_to_raise(tmp_path: Path) -> None:
    role = {"models": [A, B], "when": {"truncated": ["raise_tokens", "next_model"]}}
    Echo.script["a: What is 0?"] = [bad("truncated", "The")]
    run(tmp_path, role)
    assert models_asked() == ["a", "b"]


def test_the_temperature_rises_by_attempt_and_begins_anew_with_each_model(tmp_path: Path) -> None:
    remedies = ["raise_temperature", "raise_temperature", "next_model"]
    role = {"models": [A, B], "when": {"refusal": remedies}}
    Echo.script["a: What is 0?"] = [bad("refusal")] * 3
    Echo.script["b: What is 0?"] = [bad("refusal")]
    run(tmp_path, role)
    assert [(m, s.temperature) for m, _, s in Echo.asked] == [
        ("a", None),
        ("a", 1.2),
        ("a", 1.4),
        ("b", None),
        ("b", 1.2),
    ]


def test_fail_ends_the_remedies(tmp_path: Path) -> None:
    role = {"models": [A, B], "when": {"refusal": ["fail"]}}
    Echo.script["a: What is 0?"] = [bad("refusal")]
    _, account = run(tmp_path, role)
    assert models_asked() == ["a"]
    assert account.stages[-1].failed == {"refusal": 1}


def test_answers_that_the_stage_cannot_use_go_through_the_models_as_well(tmp_path: Path) -> None:
    role = {"models": [A, B], "when": {"unparsable": ["raise_temperature", "next_model"]}}
    Echo.script["a: What is 0?"] = [Reply("no good", "answer", "echo-a")] * 2
    records, account = run(tmp_path, role, asks={"reject": "no good"})
    assert [(m, s.temperature) for m, _, s in Echo.asked] == [("a", None), ("a", 1.2), ("b", None)]
    assert records[0].captions[0].text == "echo: What is 0?"
    assert account.stages[-1].calls.answered == 3


def test_doubtful_records_are_done_anew_by_the_next_model(tmp_path: Path) -> None:
    role = {"models": [A, B], "escalate_when": "answer.length > 20"}
    Echo.script["a: What is 1?"] = [Reply("x" * 30, "answer", "echo-a")]
    records, account = run(tmp_path, role, n=3, asks={"long": 1})
    assert [r.captions[0].origin.model for r in records] == ["echo-a", "echo-b", "echo-a"]
    assert [r.scores[0].value for r in records] == [16.0, 16.0, 16.0]
    assert account.stages[-1].calls.answered == 4


def test_the_draft_stands_where_the_better_model_refuses(tmp_path: Path) -> None:
    role = {"models": [A, B], "escalate_when": "answer.length > 20"}
    Echo.script["a: What is 0?"] = [Reply("x" * 30, "answer", "echo-a")]
    Echo.script["b: What is 0?"] = [bad("refusal")]
    records, _ = run(tmp_path, role, asks={"long": 1})
    assert records[0].captions[0].text == "x" * 30


def test_passing_trouble_of_the_better_model_does_not_last(tmp_path: Path) -> None:
    """The record fails, so that a retry asks again, rather than keep its draft for good."""
    role = {"models": [A, B], "escalate_when": "answer.length > 20"}
    Echo.script["a: What is 0?"] = [Reply("x" * 30, "answer", "echo-a")]
    Echo.script["b: What is 0?"] = [OSError("again:down")] * 3
    records, account = run(tmp_path, role, asks={"long": 1})
    assert records == []
    assert account.stages[-1].failed == {"gave_up": 1}


def test_a_resume_takes_the_same_path_without_a_call(tmp_path: Path) -> None:
    role = {
        "models": [A, B],
        "when": {"refusal": ["raise_temperature", "next_model"]},
        "escalate_when": "answer.length > 20",
    }
    Echo.script["a: What is 0?"] = [bad("refusal"), bad("refusal")]
    Echo.script["a: What is 1?"] = [Reply("x" * 30, "answer", "echo-a")]
    first, _ = run(tmp_path, role, n=2, asks={"long": 1})
    for marker in (tmp_path / "run").glob("*-asks/*.done.json"):
        marker.unlink()
    Echo.forget()
    again, _ = run(tmp_path, role, n=2, asks={"long": 1})
    assert again == first
    assert Echo.asked == []


def test_several_models_by_the_command_line(tmp_path: Path) -> None:
    from annoengine.recipe_text import Overrides

    path = recipe_file(tmp_path, [{"tests.toy:Asks": {}, "as": "asks"}])
    recipe = load_recipe(path, Overrides(models={"model": f"{A},{B}"}))
    assert [provider.name for provider in recipe.roles["model"].providers] == [A, B]
    # One plain model is in the fingerprint as it always was: runs made before stay fresh.
    assert load_recipe(path).stages[0].made_of["models"] == {"model": {"model": A, "version": 1}}


@pytest.mark.parametrize(
    ("role", "problem"),
    [
        ({"models": [A], "escalate_when": "answer.length > 2"}, "there is no second model"),
        ({"models": [A, B], "escalate_when": "answer.lenght > 2"}, "Did you mean 'answer.length'?"),
        ({"models": [A, B], "escalate_when": "answer.length >"}, "is no condition"),
        ({"models": [A, A]}, "tests.toy:Echo/a stands there twice"),
        ({"models": []}, "models.model.models"),
        ({"models": [A], "when": {"refusal": ["nxt_model"]}}, "models.model.when.refusal"),
        ({"models": [A], "wen": {}}, "unknown key 'wen'. Did you mean 'when'?"),
        ([{"model": A, "price": {"input": -1, "output": 2}}, B], "models.model.0.price.input"),
    ],
)
def test_a_wrong_role_is_refused_with_its_place(role: Any, problem: str, tmp_path: Path) -> None:
    path = recipe_file(tmp_path, [{"tests.toy:Asks": {"long": 1}, "as": "asks"}], model=role)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert problem in str(caught.value)
    assert f"{path}:" in str(caught.value)
