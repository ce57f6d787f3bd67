"""``annoengine score pancapscore --model``: through the real provider to a server on loopback."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.events import CallDone
from annoengine.recipe import load_recipe
from annoengine.recipe_text import Overrides
from annoengine.runner import carry_out
from annoengine.shard import read_records
from annoengine.workspace import Workspace
from tests.pancap.told_pair import (
    ANSWERS,
    CONTENT,
    MAPPED,
    PREDICTION,
    QUESTIONS,
    REFERENCE,
    SCORES,
    own_scores,
)
from tests.wire.openai_calls import clean_environment
from tests.wire.openai_server import OpenaiServer
from tests.wire.script import Rule

IMAGE = "sam/a/1.jpg"
ENDS = {
    "content": {"reference": f"{REFERENCE}\n\nLines:", "prediction": f"{PREDICTION}\n\nLines:"},
    "questions": {
        "reference": 'it is evening")\nQuestions:',
        "prediction": 'beside entity 3")\nQuestions:',
    },
    "answers": {
        "reference": f"{MAPPED['reference']}\nAnswers:",
        "prediction": f"{MAPPED['prediction']}\nAnswers:",
    },
}
"""How the six prompts end: what tells one from another."""
SAID = {"content": CONTENT, "questions": QUESTIONS, "answers": ANSWERS}


def rules() -> list[dict[str, Any]]:
    """A server that answers each of the six calls as the hand-worked pair has it."""
    return [
        {"do": "say", "text": SAID[text][side], "match": re.escape(end) + r"\Z"}
        for text, sides in ENDS.items()
        for side, end in sides.items()
    ]


class Serving:
    """A server in a thread of its own, whose script the test may change."""

    def __init__(self, script: list[dict[str, Any]]) -> None:
        self.server = OpenaiServer(script, keep_calls=True)
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)

    def __enter__(self) -> OpenaiServer:
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.server.start(), self.loop).result()
        return self.server

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[OpenaiServer]:
    clean_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    with Serving(rules()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield server


def write(name: str, key: str, captions: Mapping[str, str]) -> str:
    Path(name).write_text(json.dumps([{"image_path": i, key: t} for i, t in captions.items()]))
    return name


def score(*more: str, judge: str = "openai/qwen") -> str:
    done = CliRunner().invoke(
        app,
        ["score", "pancapscore", "pred.json", "ref.json", "--model", f"judge={judge}", *more],
    )
    assert done.exit_code == 0, done.output
    return done.output


def two_lists(references: int = 1) -> None:
    """The hand-worked pair, more references, and a prediction of an image that has none."""
    write("pred.json", "model_response", {"/there/" + IMAGE: PREDICTION, "sam/a/9.jpg": "A cat."})
    more = {f"sam/a/{n}.jpg": REFERENCE for n in range(2, references + 1)}
    write("ref.json", "gt_response", {IMAGE: REFERENCE, **more})


def lines_of(name: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in Path(name).read_bytes().splitlines()]


def test_one_pair_by_hand_in_six_calls_and_none_the_second_time(server: OpenaiServer) -> None:
    two_lists(2)
    output = score("--json", "scores.jsonl", "--write", "texts")
    bodies = [call.json() for call in server.calls]
    assert len(bodies) == 6
    assert {(body["model"], body["temperature"]) for body in bodies} == {("qwen", 0)}
    line, missing = lines_of("scores.jsonl")
    assert {
        f"pancap.{n}": line[n] for n in ("tag", "location", "relation")
    }.items() <= SCORES.items()
    assert line["pancapscore"] == SCORES["pancap"]
    assert (missing["pancapscore"], missing["missing"]) == (0, True)
    for words in (
        "2 captions read by qwen-2024-08-06",
        "2 captions answered by qwen-2024-08-06",
        "0.9833",  # the mean with the image that was not predicted
        "1 images have no prediction and score 0",
        "1 predictions are of images without a reference: not scored",
        "runs/pancapscore-pred-ref: the same command goes on from here",
    ):
        assert words in output
    for name, texts in (("gt_content", CONTENT), ("gt_question", QUESTIONS)):
        assert lines_at(f"texts/{name}.json") == texts["reference"]
    assert lines_at("texts/gt4pred_question.json") == MAPPED["reference"]
    assert lines_at("texts/pred4gt_question.json") == MAPPED["prediction"]
    assert lines_at("texts/gt_answer.json") == ANSWERS["prediction"]

    # The run's own export has the same.
    export = Path("runs/pancapscore-pred-ref/export/scores")
    assert lines_of(str(export / "scores.jsonl"))[0]["pancapscore"] == SCORES["pancap"]
    result = json.loads((export / "result.json").read_text())
    assert result["rows"]["PancapScore"] == {"F": 0.98333}
    assert result["counts"] == {"images": 2, "failures": 0, "plain": 0, "missing": 1}

    # The same command again, and counted the other way: nothing is asked.
    assert score("--json", "again.jsonl").splitlines()[-10:] == output.splitlines()[-10:]
    assert lines_of("again.jsonl") == [line, missing]
    score("--as-published", "--wordnet", "off", "--json", "published.jsonl")
    # Brown, red and white were each answered No, No: half a point, F 0.5. The relation: 1 of the
    # reference's one, 1 of the one answer about the prediction that came back. The evening: recall
    # 1/2, but nothing to be precise about.
    published = lines_of("published.jsonl")[0]
    assert [published[name] for name in ("attribute", "relation", "global")] == [0.5, 1, 0]
    # Another folder is made of the first one's answers.
    score("--run", "other", "--json", "other.jsonl", judge="replay/runs/pancapscore-pred-ref")
    assert lines_of("other.jsonl") == [line, missing]
    assert len(server.calls) == 6


def lines_at(path: str) -> str:
    """The text of the first image of a published file."""
    entry = json.loads(Path(path).read_text())[0]
    assert entry["image_path"] == IMAGE
    return str(list(entry.values())[-1])


def test_a_run_that_was_killed_goes_on_without_asking_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Cancelled at each of its six calls in turn, until it is through."""
    clean_environment(monkeypatch)
    monkeypatch.chdir(tmp_path)
    two_lists()
    inputs = {"predictions": "pred.json", "references": "ref.json"}
    models = {"judge": "openai/qwen", "extractor": "openai/qwen"}

    async def once(server: OpenaiServer) -> bool:
        """Carries the run to its next reply, and to the end where there is none."""
        recipe = load_recipe("pancapscore", Overrides(inputs, models, ("run.workers=0",)))
        replied = asyncio.Event()

        def on_event(event: Any) -> None:
            if isinstance(event, CallDone) and not event.replayed:
                replied.set()

        running = asyncio.create_task(
            carry_out(recipe, Workspace(tmp_path / "run"), on_event=on_event)
        )
        waiting = asyncio.create_task(replied.wait())
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        done = running.done()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return done

    async def until_done() -> Counter[str]:
        async with OpenaiServer(rules()) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
            deaths = 0
            while not await once(server):
                deaths += 1
            assert deaths >= 3
            return server.received

    received = asyncio.run(until_done())
    assert len(received) == 6
    # Calls come in twos; the one that was in flight at a death may be asked again.
    asked = [
        json.loads(line)
        for path in (tmp_path / "run/journals").rglob("*.jsonl")
        for line in path.read_text().splitlines()
    ]
    answers = Counter(e["key"] for e in asked if e["event"] == "answered")
    assert len(answers) == 6
    assert set(answers.values()) == {1}
    assert sum(received.values()) <= 6 + 3
    (record,) = read_records(Workspace(tmp_path / "run").storage, "02-score_pancap/00000.jsonl")
    assert own_scores(record)["pancap"] == SCORES["pancap"]


def test_a_judge_that_answers_nonsense_is_counted_and_scores_nothing(server: OpenaiServer) -> None:
    two_lists()
    nonsense = {"do": "say", "text": "As an AI I cannot see.", "match": "(?s)Questions:.*Answers:"}
    server.script.insert(0, Rule.read(nonsense))
    server._hits.insert(0, Counter())
    output = score("--json", "scores.jsonl")
    line = lines_of("scores.jsonl")[0]
    # Tag and location need no judge: 0.8 + 0.5. Six items were asked, and once more each side.
    assert (line["pancapscore"], line["failures"]) == (1.3, 6)
    assert "6 questions without an answer that is yes or no to both" in output
    assert len(server.calls) == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "jugde=openai/x"], "no such role. Did you mean 'judge'?"),
        (["--model", "extractor=openai/x"], "names no judge; add --model judge=PROVIDER/MODEL"),
        (["--model", "judge"], "'judge' is not of the form judge=PROVIDER/MODEL"),
        (["--run", "there"], "--run and --budget are for a model's run; give --model judge=… too"),
        (["--model", "judge=opnai/x"], "no provider called 'opnai'. Did you mean 'openai'?"),
    ],
)
def test_mistakes_are_sentences(server: OpenaiServer, arguments: list[str], words: str) -> None:
    two_lists()
    done = CliRunner().invoke(app, ["score", "pancapscore", "pred.json", "ref.json", *arguments])
    assert done.exit_code == 2
    assert words in done.output
    assert not server.calls


def test_the_folder_of_another_run_is_left_alone(server: OpenaiServer) -> None:
    two_lists()
    score("--run", "there")
    write("pred.json", "model_response", {IMAGE: "A cat."})
    command = ["score", "pancapscore", "pred.json", "ref.json", "-m", "judge=openai/qwen"]
    done = CliRunner().invoke(app, [*command, "--run", "there"])
    assert done.exit_code == 2
    assert "there holds the scores of other captions, models or settings" in done.output
    assert "give another folder with --run, or remove this one" in done.output
    assert len(server.calls) == 6
