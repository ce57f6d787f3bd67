"""The stage ``rephrase``: by rules, and by a model behind the real SDK on a loopback server.

The server answers from a script of good and bad rewrites; what of them stands, what is asked
again, and what the account and the captions say of it, is looked at in the run's own files.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from annoengine.account import take_account
from annoengine.errors import InputError, RecipeError
from annoengine.prompt import load_prompt
from annoengine.recipe import Recipe, load_recipe
from annoengine.record import Caption, Mark, Origin, Record, Relation, Score, Span
from annoengine.registry import find
from annoengine.runner import carry_out, finished_records
from annoengine.stage import Ask, Setup, Stage
from annoengine.stages.rephrase import Rephrase, RephraseParameters
from annoengine.workspace import Workspace
from tests.scenes import make_dataset
from tests.wire.chat_answers import Call
from tests.wire.faults import key_set
from tests.wire.misbehaviours import Exchange
from tests.wire.openai_server import OpenaiServer

PROMPTS = ("rephrase/pix2cap1.v1", "rephrase/pix2cap2.v1", "rephrase/pix2cap3.v1")
SKY = "The sky labelled 1 is pale blue, above object 2."
GRASS = "Short green grass covers the lower half."
THING = "It has two white stripes and stands next to object 2."


class Plants(Stage):
    """Marks every segment and gives the first three captions, two of which speak of marks."""

    GIVES: ClassVar[frozenset[str]] = frozenset({"marks", "captions", "relations"})

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record with its marks and captions."""
        origin = Origin(stage="plants", model="planter", call="first call")
        marks = tuple(
            Mark(
                number=number,
                segment=segment.id,
                text=str(number),
                anchor_xy=(1, 1),
                label_box_xyxy=(0, 0, 9, 9),
                colour="#ff0000",
                text_px=12,
            )
            for number, segment in enumerate(record.segments, start=1)
        )
        captions = [
            Caption(text=text, segment=segment.id, summary="Plain", origin=origin)
            for text, segment in zip((SKY, GRASS, THING), record.segments, strict=False)
        ]
        captions[0] = captions[0].but(
            spans=(Span(start=0, end=7, segments=(record.segments[0].id,)),)
        )
        two = (record.segments[0].id, record.segments[1].id)
        relation = Relation(segments=two, text="Object 1 is above object 2.", origin=origin)
        return record.but(marks=marks, captions=tuple(captions), relations=(relation,))


Answer = Callable[[str, str], str]
"""What the server says to a caption, and what it said of it before ("" at first)."""


class Rewriter(OpenaiServer):
    """A server that rewrites captions as a function tells, from the request's messages alone."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(keep_calls=True)
        self.rewrite = answer

    def _good(self, exchange: Exchange) -> None:
        exchange.send(exchange.answer(self.rewrite(*self.asked(exchange.call))))

    @staticmethod
    def asked(call: Call) -> tuple[str, str]:
        """The caption that a call is about, and the last answer."""
        texts = call.texts()
        caption = next(c for c in (SKY, GRASS, THING) if c in texts[0][1])
        return caption, next((text for role, text in texts if role == "assistant"), "")


def recipe_of(folder: Path, data: Path, base_url: str = "", **parameters: Any) -> Recipe:
    text: dict[str, Any] = {
        "name": "rephrasing",
        "seed": 4,
        "inputs": {
            "images": str(data / "images"),
            "annotations": str(data / "panoptic_val2017.json"),
        },
        "source": {"coco_panoptic": {}},
        "models": {
            "rewriter": {
                "model": "openai/llama-3.1-8b-instruct",
                "options": {"base_url": base_url or "http://127.0.0.1:9/v1", "timeout_s": 20},
            }
        },
        "stages": [
            {"tests.stages.test_rephrase:Plants": {}, "as": "plants"},
            {"rephrase": parameters},
        ],
        "run": {"shard_size": 2, "workers": 0},
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    return load_recipe(path)


def by_rules(folder: Path, data: Path, **parameters: Any) -> tuple[list[Record], Any]:
    recipe = recipe_of(folder, data, **parameters)
    workspace = Workspace(folder / "run")
    asyncio.run(carry_out(recipe, workspace))
    return [record for _, record in finished_records(recipe, workspace)], take_account(
        recipe, workspace
    )


def by_model(
    folder: Path, data: Path, answer: Answer, **parameters: Any
) -> tuple[list[Record], Any, Rewriter]:
    """Carries a recipe out against a server that answers so; records, account, server."""

    async def run() -> tuple[list[Record], Any, Rewriter]:
        async with Rewriter(answer) as server:
            recipe = recipe_of(folder, data, server.base_url, model="rewriter", **parameters)
            workspace = Workspace(folder / "run")
            with key_set():
                await carry_out(recipe, workspace)
            records = [record for _, record in finished_records(recipe, workspace)]
            return records, take_account(recipe, workspace), server

    return asyncio.run(run())


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three small pictures: sky over grass, and a thing or more."""
    return make_dataset(tmp_path / "data", 3)


def scores_of(record: Record, name: str) -> list[float]:
    return [s.value for s in record.scores if s.name == f"rephrase.{name}"]


def good(caption: str, said: str = "") -> str:
    """A rewrite that keeps every fact: marks become the segment's name."""
    if caption == SKY:
        return "The sky is pale blue, above the grass."
    return caption.replace("object 2", "the grass")


def test_rules_need_no_model_and_leave_no_mark(tmp_path: Path, data: Path) -> None:
    records, account = by_rules(tmp_path, data)
    assert len(records) == 3
    assert account.calls().asked == 0
    for record in records:
        sky, grass, thing = record.captions
        assert sky.text == "The sky is pale blue, above the grass."
        assert (sky.origin.stage, sky.origin.model, sky.origin.call) == ("rephrase", "rules", "")
        assert [(span.start, span.end) for span in sky.spans] == [(0, 7)]
        # What is right is left alone, and so is who said it.
        assert grass.text == GRASS
        assert (grass.origin.model, grass.origin.call) == ("planter", "first call")
        assert "object" not in thing.text
        assert "two white stripes" in thing.text
        assert not re.search(r"\d", record.relations[0].text)
        assert scores_of(record, "changed") == [1, 0, 1]
        assert scores_of(record, "failed") == [0, 0, 0]
        assert scores_of(record, "refused") == scores_of(record, "rules") == []
        assert {s.segment for s in record.scores} == {c.segment for c in record.captions}


def test_a_good_rewrite_stands_with_its_call(tmp_path: Path, data: Path) -> None:
    records, account, server = by_model(tmp_path, data, good)
    assert account.calls().asked == account.calls().answered == 9
    assert server.counts()["received"] == 9
    for record in records:
        sky, grass, thing = record.captions
        assert sky.text == good(SKY)
        assert thing.text == "It has two white stripes and stands next to the grass."
        assert (sky.origin.stage, sky.origin.turn) == ("rephrase", "caption 1")
        assert sky.origin.model == "llama-3.1-8b-instruct-2024-08-06"
        assert sky.origin.prompt in PROMPTS
        assert sky.origin.prompt_sha256 == load_prompt(sky.origin.prompt).sha256
        assert sky.origin.repairs == 0
        assert len(sky.origin.call) == 64
        # What a stretch says stands once in the new text.
        assert [(span.start, span.end) for span in sky.spans] == [(0, 7)]
        assert grass.origin.model == "planter"
        assert scores_of(record, "refused") == scores_of(record, "rules") == [0, 0, 0]
        assert scores_of(record, "changed") == [1, 0, 1]
    drawn = {record.captions[0].origin.prompt for record in records}
    assert drawn <= set(PROMPTS)
    for call in server.calls:
        ((role, text),) = call.texts()
        assert role == "user"
        assert b"image_url" not in call.body
        if SKY in text:
            assert "1: the sky, 2: the grass" in text


def test_a_wrong_rewrite_is_asked_again_with_its_faults(tmp_path: Path, data: Path) -> None:
    def answer(caption: str, said: str) -> str:
        if caption != SKY or said.startswith("Sure!"):
            return f'Here is the rewritten caption:\n\n"{good(caption)}"'
        return f"Sure! {caption}" if said else good(caption).replace("pale blue", "dark")

    records, account, server = by_model(tmp_path, data, answer)
    assert account.calls().asked == 3 * (3 + 2)
    for record in records:
        origin = record.captions[0].origin
        assert record.captions[0].text == good(SKY)
        assert (origin.turn, origin.repairs) == ("caption 1/repair 2", 2)
        assert origin.prompt in ("rephrase/repair1.v1", "rephrase/repair2.v1")
        assert scores_of(record, "refused") == [2, 0, 0]
        assert scores_of(record, "rules") == [0, 0, 0]
    talks = [call.texts() for call in server.calls if len(call.texts()) == 3]
    first = [talk for talk in talks if "dark" in talk[1][1]]
    second = [talk for talk in talks if "Sure!" in talk[1][1]]
    assert (len(first), len(second)) == (3, 3)
    assert [role for role, _ in first[0]] == ["user", "assistant", "user"]
    assert '- "blue" is missing; keep it.' in first[0][2][1]
    assert '- "dark" is new; the original does not say it.' in first[0][2][1]
    assert "labelled 1" in second[0][2][1]
    assert SKY in second[0][2][1]


def test_the_rules_stand_in_where_no_answer_passes(tmp_path: Path, data: Path) -> None:
    def answer(caption: str, said: str) -> str:
        return "A red dragon." if caption == SKY else good(caption)

    records, account, _ = by_model(tmp_path, data, answer, repair=1)
    assert account.calls().asked == 3 * (3 + 1)
    for record in records:
        assert record.captions[0].text == "The sky is pale blue, above the grass."
        assert record.captions[0].origin.model == "rules"
        assert scores_of(record, "refused") == [2, 0, 0]
        assert scores_of(record, "rules") == [1, 0, 0]


@pytest.mark.parametrize("said", ["I'm sorry, I cannot help with that.", "", "???"])
def test_no_answer_is_no_caption(tmp_path: Path, data: Path, said: str) -> None:
    records, _, _ = by_model(tmp_path, data, lambda caption, before: said, repair=0)
    for record in records:
        assert record.captions[0].text == "The sky is pale blue, above the grass."
        assert record.captions[1].text == GRASS
        assert scores_of(record, "rules") == [1, 1, 1]


def test_only_what_needs_it_is_asked_where_the_recipe_says_so(tmp_path: Path, data: Path) -> None:
    _, account, server = by_model(tmp_path, data, good, all=False)
    assert account.calls().asked == 6
    assert not any(GRASS in text for call in server.calls for _, text in call.texts())


def test_the_same_answers_give_the_same_bytes(tmp_path: Path, data: Path) -> None:
    made = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        records, _, _ = by_model(folder, data, good)
        made.append([record.to_line() for record in records])
    assert made[0] == made[1]


def test_a_resumed_run_pays_nothing(tmp_path: Path, data: Path) -> None:
    _, _, server = by_model(tmp_path, data, good)
    assert server.counts()["received"] == 9

    async def again() -> int:
        async with Rewriter(good) as second:
            recipe = recipe_of(tmp_path, data, server.base_url, model="rewriter")
            with key_set():
                await carry_out(recipe, Workspace(tmp_path / "run"))
            received = second.counts()["received"]
            assert isinstance(received, int)
            return received

    assert asyncio.run(again()) == 0


def stage_of(**parameters: Any) -> Rephrase:
    setup = Setup("rephrase", 7, load_prompt, {"rewriter": "openai/llama"})
    made = find("stage", "rephrase")(RephraseParameters(**parameters), setup)
    assert isinstance(made, Rephrase)
    return made


def test_it_says_what_it_needs_and_what_it_will_ask() -> None:
    rules, model = stage_of(), stage_of(model="rewriter")
    assert (rules.roles(), rules.prompts()) == ((), [])
    assert model.roles() == ("rewriter",)
    assert {p.name for p in model.prompts()} == {
        *PROMPTS,
        "rephrase/repair1.v1",
        "rephrase/repair2.v1",
    }
    assert {p.name for p in stage_of(model="rewriter", repair=0).prompts()} == set(PROMPTS)
    assert [r.what for r in rules.requirements()] == ["spaCy", "the spaCy model en_core_web_sm"]
    strange = stage_of(wordnet="/no/such/folder").requirements()[-1]
    assert not strange.met
    assert strange.what == "WordNet in '/no/such/folder'"
    assert "apt-get install wordnet-base" in strange.remedy
    assert rules.versions()["wordnet"] == "off"


@pytest.mark.usefixtures("_wordnet_there")
def test_the_dictionary_is_in_the_version_by_its_content() -> None:
    assert str(stage_of(wordnet="auto").versions()["wordnet"]).startswith("sha256 ")


def test_a_prompt_with_a_strange_variable_is_a_sentence() -> None:
    with pytest.raises(RecipeError) as error:
        stage_of(model="rewriter", prompts=("pix2cap/prompt1.v1",))
    assert str(error.value) == (
        "rephrase: the prompt pix2cap/prompt1.v1 wants categories, num_instances, which this "
        "stage cannot fill; it knows caption, category, names"
    )
    with pytest.raises(RecipeError, match="repair is 2 and there is no prompt in repair_prompts"):
        stage_of(model="rewriter", repair_prompts=())


def test_a_missing_dictionary_ends_the_run_with_a_sentence(tmp_path: Path, data: Path) -> None:
    with pytest.raises(InputError, match="apt-get install wordnet-base") as error:
        by_rules(tmp_path, data, wordnet="/no/such/folder")
    assert "'/no/such/folder'" in str(error.value)


def test_scores_are_named() -> None:
    score = Score(name="rephrase.changed", value=1, by="rephrase")
    assert score.name in Rephrase.SCORES
    assert {f"rephrase.{n}" for n in ("changed", "refused", "rules", "unresolved", "failed")} == (
        Rephrase.SCORES
    )
