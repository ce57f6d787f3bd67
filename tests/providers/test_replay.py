"""The provider replay: another run's answers, to the byte, and nothing that it does not have."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from typer.testing import CliRunner, Result

from annoengine.cli import app
from annoengine.errors import RecipeError, RecordFailed, SettingError, WorkspaceError
from annoengine.provider import Message, Reply, Request, Sampling, TextPart, Usage
from annoengine.providers.replay import NOT_THERE, Replay
from tests.scenes import make_dataset
from tests.toy import Echo
from tests.wire.openai_server import server_process

KEY = "sk-proj-replayTESTkey0123456789abcd"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to work in, no key, and a toy model that has been asked nothing."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("OPENAI_"):
            monkeypatch.delenv(name)
    Echo.forget()


def annoengine(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def run(*arguments: str) -> Result:
    """A run in this process that must succeed."""
    result = annoengine("run", *arguments, "-q", "--set", "run.workers=0")
    assert result.exit_code == 0, result.output
    return result


def lines(folder: Path, ending: str = "jsonl") -> dict[str, bytes]:
    """Each stage's records (or what it set aside) of all shards, one after another."""
    return {
        stage.name: b"".join(
            p.read_bytes() for p in sorted(stage.glob("*.jsonl")) if p.name[5:] == f".{ending}"
        )
        for stage in sorted(folder.glob("[0-9][0-9]-*"))
    }


def files(folder: Path, *kinds: str) -> dict[str, bytes]:
    """The files of a run by their paths within it."""
    found = (p for kind in kinds for p in folder.glob(kind) if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def same_dataset(one: Path, other: Path) -> None:
    """Every record, everything set aside, every drawn picture and every exported byte is equal."""
    assert lines(one)["02-annotate"]
    for ending in ("jsonl", "failed.jsonl", "dropped.jsonl"):
        assert lines(one, ending) == lines(other, ending)
    exported = files(one, "export/**/*")
    assert exported
    assert files(other, "export/**/*") == exported


def journalled(folder: Path, event: str) -> list[dict[str, Any]]:
    """The lines of a kind in all journals of a run."""
    paths = sorted(folder.glob("journals/*/*/*.jsonl"))
    entries = [orjson.loads(line) for p in paths for line in p.read_bytes().splitlines()]
    return [entry for entry in entries if entry["event"] == event]


def test_the_example_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    run("pix2cap", "-w", "runs/first")
    run("pix2cap", "-w", "runs/again", "--model", "annotator=replay/runs/first")
    first, again = Path("runs/first"), Path("runs/again")
    same_dataset(first, again)
    # What marking is made of tells how large the model sees: here the one that is replayed.
    shards = ("[0-9]*/*.jsonl", "[0-9]*/*.tar", "01-mark/*.done.json")
    assert files(again, *shards) == files(first, *shards)
    assert b"replay" not in b"".join(files(again, *shards, "export/**/*").values())
    told = journalled(again, "answered")
    assert [t["key"] for t in journalled(first, "answered")]
    assert {t["key"] for t in told} == {t["key"] for t in journalled(first, "answered")}
    assert {t["model"] for t in told} == {"pixels/1"}
    # A replayed run can be replayed, also when the first one is no longer there.
    shutil.rmtree(first)
    run("pix2cap", "-w", "third", "--model", "annotator=replay/again")
    same_dataset(again, Path("third"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_dataset(tmp_path_factory.mktemp("data") / "set", 8, seed=11)


def inputs(data: Path) -> list[str]:
    names = {"images": data / "images", "annotations": data / "panoptic_val2017.json"}
    return [word for name, path in names.items() for word in ("--input", f"{name}={path}")]


def test_another_cut_into_shards_and_another_order_change_nothing(data: Path) -> None:
    run("pix2cap", *inputs(data), "-w", "first", "--set", "run.shard_size=3")
    options = ["--model", "annotator=replay/first", "--set", "run.shard_size=2"]
    run("pix2cap", *inputs(data), "-w", "again", *options)
    same_dataset(Path("first"), Path("again"))


@pytest.fixture(scope="module")
def made_bad(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run over a real wire with every kind of outcome, what failed tried anew; nobody writes."""
    folder = tmp_path_factory.mktemp("bad")
    script: list[dict[str, Any]] = [
        {"do": "refusal", "share": 0.2, "seed": 1},
        {"do": "truncated", "share": 0.3, "seed": 2, "times": 1},
        {"do": "content_filter", "share": 0.2, "seed": 3},
        {"do": "empty", "share": 0.3, "seed": 4, "times": 1},
        {"do": "status", "status": 500, "share": 0.3, "seed": 5, "times": 3},
    ]
    (folder / "server").mkdir()
    bad = folder / "bad"
    with (
        pytest.MonkeyPatch.context() as patch,
        server_process(folder / "server", script) as server,
    ):
        patch.setenv("OPENAI_API_KEY", KEY)
        model = f"{{model: openai/gpt-4o, options: {{base_url: '{server.base_url}'}}}}"
        settings = ["--set", f"models.annotator={model}"]
        settings += ["--set", "run.retries={tries: 2, first_wait_s: 0.01, longest_wait_s: 0.02}"]
        run("pix2cap", *inputs(data), "-w", str(bad), *settings)
        before = journalled(bad, "answered")
        assert annoengine("retry", str(bad), "-q").exit_code == 0
        assert len(journalled(bad, "answered")) > len(before)
    return bad


@pytest.fixture
def bad_run(made_bad: Path) -> Path:
    """A copy of that run in the working folder; no key is left."""
    shutil.copytree(made_bad, "bad")
    return Path("bad")


def test_every_outcome_is_replayed_as_it_was(data: Path, bad_run: Path) -> None:
    run("pix2cap", *inputs(data), "-w", "again", "--model", "annotator=replay/bad")
    same_dataset(bad_run, Path("again"))
    assert lines(bad_run, "failed.jsonl")["02-annotate"]
    then, now = journalled(bad_run, "answered"), journalled(Path("again"), "answered")
    assert {e["outcome"] for e in then} >= {"answer", "refusal", "filtered", "truncated", "gave_up"}
    by_key = {(e["record"], e["turn"], e["key"]): e for e in then}
    assert now
    for entry in now:
        original = by_key[entry["record"], entry["turn"], entry["key"]]
        for name in ("outcome", "text", "model", "detail", "usage", "request_id"):
            assert entry[name] == original[name], name
    # Nothing was tried twice, nothing failed on the way, and nothing can have been paid.
    assert not journalled(Path("again"), "failed")
    asked = journalled(Path("again"), "asked")
    assert len(asked) == len(now)
    assert {e["try"] for e in asked} == {1}


def test_a_replayed_run_goes_on_from_its_own_journal(data: Path, bad_run: Path) -> None:
    command = ("pix2cap", *inputs(data), "-w", "again", "--model", "annotator=replay/bad")
    run(*command)
    asked = len(journalled(Path("again"), "asked"))
    shutil.rmtree("again/02-annotate")
    run(*command)
    assert len(journalled(Path("again"), "asked")) == asked
    same_dataset(bad_run, Path("again"))


def test_two_models_are_replayed_by_naming_each(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "server").mkdir()
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    script = [{"do": "refusal", "share": 0.5, "seed": 1}]
    with server_process(tmp_path / "server", script) as server:
        options = {"base_url": server.base_url}
        models = [{"model": f"openai/{name}", "options": options} for name in ("mini", "large")]
        chain = orjson.dumps({"models": models}).decode()
        run("pix2cap", *inputs(data), "-w", "first", "--set", f"models.annotator={chain}")
    monkeypatch.delenv("OPENAI_API_KEY")
    providers = {e["provider"] for e in journalled(Path("first"), "asked")}
    assert providers == {"openai/mini", "openai/large"}

    alone = annoengine("run", "pix2cap", *inputs(data), "-w", "x", "-m", "annotator=replay/first")
    assert alone.exit_code == 2
    assert "was asked of openai/mini and openai/large" in alone.output
    assert "options: {model: openai/large}" in alone.output

    models = [
        {"model": "replay/first", "options": {"model": f"openai/{n}"}} for n in ("mini", "large")
    ]
    chain = orjson.dumps({"models": models}).decode()
    run("pix2cap", *inputs(data), "-w", "again", "--set", f"models.annotator={chain}")
    same_dataset(Path("first"), Path("again"))


def test_the_pictures_are_drawn_for_the_model_that_looked_at_them(data: Path) -> None:
    """Rules that go by a model's name (how large it sees) must not meet the name of a replay."""
    for models, name in (
        ({"annotator": "openai/gpt-4.1-mini"}, "openai/gpt-4.1-mini"),
        ({"annotator": ["pixels", "openai/gpt-4o"]}, "pixels"),
        ({"annotator": {"model": "gemini/gemini-3-pro", "options": {}}}, "gemini/gemini-3-pro"),
        ({"annotator": {"models": [{"model": "pixels"}, "openai/x"]}}, "pixels"),
        ({"annotator": "replay/runs/other"}, "pixels/1"),
        ({"writer": "openai/gpt-4o"}, "pixels/1"),
    ):
        if not Path("first").exists():
            run("pix2cap", *inputs(data), "-w", "first", "--limit", "1")
        Path("first/recipe.yaml").write_text(yaml.safe_dump({"models": models}))
        assert Replay("first", {}).stands_for("annotator") == name
    assert Replay("first", {"model": "openai/gpt-4o"}).stands_for("annotator") == "openai/gpt-4o"
    Path("first/recipe.yaml").unlink()
    assert Replay("first", {}).stands_for("annotator") == "pixels/1"
    assert Replay("nowhere", {}).stands_for("annotator") == "replay/nowhere"


def toy_recipe(models: Any, **asks: Any) -> str:
    """A recipe over toy records, which a toy model is asked about; gives its path."""
    data = {
        "name": "toy",
        "source": {"tests.toy:Numbers": {"n": 4}},
        "models": {"model": models},
        "stages": [{"tests.toy:Asks": asks, "as": "asks"}],
        "run": {"workers": 0},
    }
    Path("toy.yaml").write_text(yaml.safe_dump(data))
    return "toy.yaml"


def captions(folder: str) -> list[str]:
    data = (Path(folder) / "01-asks/00000.jsonl").read_bytes()
    return [orjson.loads(line)["captions"][0]["text"] for line in data.splitlines()]


def test_the_same_question_about_two_records_keeps_both_answers() -> None:
    """A model that draws its words gives two answers to one content; each record has its own."""
    replies = [Reply(f"answer {n}", "answer", "toy", usage=Usage(3, 2)) for n in range(4)]
    Echo.script["What is it?"] = list(replies)
    run(toy_recipe("tests.toy:Echo/a", question="What is it?"), "-w", "first")
    assert sorted(captions("first")) == [reply.text for reply in replies]
    run(toy_recipe("replay/first", question="What is it?"), "-w", "again")
    assert captions("again") == captions("first")


def test_records_under_other_names_are_found_by_content() -> None:
    """The same questions about other records: whatever has the same content is its answer."""
    run(toy_recipe("tests.toy:Echo/a", question="What is {n}?"), "-w", "first")
    for path in Path("first/journals").rglob("*.jsonl"):
        path.write_bytes(path.read_bytes().replace(b'"toy/val/', b'"toy/train/'))
    run(toy_recipe("replay/first", question="What is {n}?"), "-w", "again")
    assert captions("again") == captions("first") == [f"echo: What is {n}?" for n in range(4)]


@pytest.mark.parametrize(
    ("asks", "why"),
    [
        ({"question": "Who is {n}?"}, "it asked something else there; the words differ"),
        ({"question": "What is {n}?", "again": 2}, "it asked nothing by that name"),
    ],
)
def test_a_missing_call_ends_the_run_and_names_the_record(asks: dict[str, Any], why: str) -> None:
    run(toy_recipe("tests.toy:Echo/a", question="What is {n}?"), "-w", "first")
    ended = annoengine("run", toy_recipe("replay/first", **asks), "-w", "again", "-q")
    assert ended.exit_code == 2
    turn = "second" if "again" in asks else "first"
    assert f"replay/first: toy/val/0 (turn {turn}) is not in first: {why}. " in ended.output
    assert "missing: fail_record" in ended.output
    assert "Traceback" not in ended.output


def test_a_missing_call_can_cost_its_record_alone() -> None:
    run(toy_recipe("tests.toy:Echo/a", question="What is {n}?"), "-w", "first")
    models = {"model": "replay/first", "options": {"missing": "fail_record"}}
    recipe = toy_recipe(models, question="What is {n}?", odd_question="Is {n} odd?")
    run(recipe, "-w", "again")
    assert captions("again") == ["echo: What is 0?", "echo: What is 2?"]
    aside = [
        orjson.loads(line)
        for line in Path("again/01-asks/00000.failed.jsonl").read_bytes().splitlines()
    ]
    assert [(e["id"], e["reason"]) for e in aside] == [
        ("toy/val/1", NOT_THERE),
        ("toy/val/3", NOT_THERE),
    ]
    assert "is not in first: it asked something else there" in aside[0]["detail"]
    assert len(journalled(Path("again"), "asked")) == 2


def test_a_plan_asks_the_run_without_opening_anything() -> None:
    run(toy_recipe("tests.toy:Echo/a", question="What is {n}?"), "-w", "first")
    recipe = toy_recipe("replay/first", question="What is {n}?")
    planned = annoengine("plan", recipe, "-w", "again")
    assert planned.exit_code == 0, planned.output
    run(recipe, "-w", "again")
    assert "nothing is left to do" in annoengine("plan", recipe, "-w", "again").output


def request(text: str, place: tuple[str, str] | None = ("toy/val/0", "first")) -> Request:
    message = Message(role="user", parts=(TextPart(text=text),))
    return Request("model", (message,), Sampling(seed=1), place=place)


def test_a_call_that_has_no_outcome_or_failed_with_its_record() -> None:
    run(toy_recipe("tests.toy:Echo/a", question="What is {n}?"), "-w", "first")
    (path,) = Path("first/journals").rglob("*.jsonl")
    entries = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    asked = next(e for e in entries if e["event"] == "asked" and e["record"] == "toy/val/0")
    path.write_bytes(orjson.dumps(asked) + b"\n")
    replay = Replay("first", {})
    asyncio.run(replay.open())
    with pytest.raises(WorkspaceError, match="it was asked, and no outcome came; was the run st"):
        asyncio.run(replay.reply(request("What is 0?")))
    asyncio.run(replay.close())
    head = {name: asked[name] for name in ("record", "turn", "generation", "key", "try", "at")}
    failed = {"event": "failed", **head, "reason": "image", "detail": "image: it is cut off"}
    path.write_bytes(orjson.dumps(asked) + b"\n" + orjson.dumps({**failed, "paid": "no"}) + b"\n")
    asyncio.run(replay.open())
    with pytest.raises(RecordFailed) as raised:
        replay.find_key(request("What is 0?"), request("What is 0?").content())
    assert (raised.value.reason, raised.value.detail) == ("image", "it is cut off")
    asyncio.run(replay.close())
    failed |= {"reason": "the key is refused", "detail": "Rejected: 401", "paid": "no"}
    path.write_bytes(orjson.dumps(asked) + b"\n" + orjson.dumps(failed) + b"\n")
    asyncio.run(replay.open())
    with pytest.raises(WorkspaceError, match="no outcome came"):
        asyncio.run(replay.reply(request("What is 0?")))
    asyncio.run(replay.close())


def test_without_a_place_the_content_alone_tells() -> None:
    run(toy_recipe("tests.toy:Echo/a", question="What is {n}?"), "-w", "first")
    replay = Replay("first", {"model": "tests.toy:Echo/a"})
    reply = asyncio.run(replay.reply(request("What is 2?", None)))
    assert (reply.text, reply.outcome, reply.model) == ("echo: What is 2?", "answer", "echo-a")
    assert (reply.usage.input_tokens, reply.key, reply.turn) == (10, "", "")
    by_its_own_name = Replay("first", {"model": "echo-a"})
    assert asyncio.run(by_its_own_name.reply(request("What is 2?", None))).text == reply.text
    with pytest.raises(WorkspaceError, match=r"the call is not in first: it asked nothing by that"):
        asyncio.run(replay.reply(request("What is 9?", None)))
    with pytest.raises(SettingError, match="has no vectors, only answers"):
        asyncio.run(replay.embed(["a"]))


def test_mistakes_are_sentences() -> None:
    with pytest.raises(RecipeError, match=r"for example replay/runs/pix2cap"):
        Replay("", {})
    with pytest.raises(RecipeError, match=r"no option 'modl'. Did you mean 'model'\?"):
        Replay("first", {"modl": "x"})
    with pytest.raises(RecipeError, match=r"'missing' is wrong: .*\(got 'skip'\)"):
        Replay("first", {"missing": "skip"})
    with pytest.raises(WorkspaceError, match="there is no run 'runs/first'"):
        asyncio.run(Replay("runs/first", {}).open())
    run(toy_recipe("tests.toy:Echo/a"), "-w", "runs/first")
    with pytest.raises(WorkspaceError, match=r"Did you mean 'runs/first'\?"):
        asyncio.run(Replay("runs/fist", {}).open())
    with pytest.raises(RecipeError, match=r"answered by 'tests.toy:Eco/a'. Did you mean 'tests.to"):
        asyncio.run(Replay("runs/first", {"model": "tests.toy:Eco/a"}).open())
    (path,) = Path("runs/first/journals").rglob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(b"nonsense\n" + whole)
    with pytest.raises(WorkspaceError, match="line at byte 0 is no journal line"):
        asyncio.run(Replay("runs/first", {}).open())
    path.unlink()
    with pytest.raises(WorkspaceError, match="has no call in its journals"):
        asyncio.run(Replay("runs/first", {}).open())


def test_a_journal_that_is_gone_stops_the_run_and_no_call_counts_as_paid() -> None:
    retry = Replay("first", {}).classify(WorkspaceError("first was changed"))
    assert (retry.action, retry.paid, retry.reason) == ("fatal", "no", "first was changed")
    with pytest.raises(ZeroDivisionError):
        Replay("first", {}).classify(ZeroDivisionError())


def test_what_it_needs_is_the_run() -> None:
    (need,) = Replay("first", {}).requirements()
    assert not need.met
    run(toy_recipe("tests.toy:Echo/a"), "-w", "first")
    (need,) = Replay("first", {}).requirements()
    assert (need.what, need.met) == ("the run first", True)
