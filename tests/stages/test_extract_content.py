"""The stage ``extract_content``: what is asked, what is read, what is asked for again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from annoengine.errors import RecordFailed
from annoengine.pancap.asked_content import Told, judge_extraction, plain_content
from annoengine.pancap.content import Attribute, Content, Entity, GlobalState, Location
from annoengine.pancap.content_items import content_of, lines_of_turn
from annoengine.pancap.content_lines import parse_content
from annoengine.prompt import load_prompt
from annoengine.provider import Reply
from annoengine.record import Caption, ContentItem, Origin, Photo, Record
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.extract_content import ExtractContent
from tests.pancap.told_pair import CONTENT, PREDICTION, REFERENCE, own_scores, pair_record
from tests.stages.scripted import Script, bad

BROKEN = "Sure! The dog is brown and the sofa is red."
HALF = CONTENT["reference"].replace('(entity 2, "entity 2 is red")', '(entity 7, "red")')


def stage(**parameters: Any) -> ExtractContent:
    settings = {"model": "reader", **parameters}
    found = find("stage", "extract_content")
    setup = Setup("extract_content", 7, load_prompt, {"reader": "openai/m-1"})
    built = found(found.Parameters(**settings), setup)
    assert isinstance(built, ExtractContent)
    return built


def extracted(
    replies: dict[str, str | Reply], record: Record, **parameters: Any
) -> tuple[Record, Script]:
    script = Script(replies)
    return asyncio.run(stage(**parameters).annotate(record, script)), script


def test_each_caption_is_read_in_one_call_at_temperature_0_and_kept_line_by_line() -> None:
    replies = {f"content/{side}": CONTENT[side] for side in CONTENT}
    record, script = extracted(dict(replies), pair_record())
    assert lines_of_turn(record, "content/reference") == CONTENT["reference"].splitlines()
    assert content_of(record, "prediction") == parse_content(CONTENT["prediction"]).content
    assert own_scores(record) == {"content.faults": 0, "content.carried": 0}
    assert script.asked["content/reference"].sampling.temperature == 0
    # What is always the same comes first, the caption last.
    one, other = (script.text(f"content/{side}") for side in CONTENT)
    assert one.endswith(f"Description:\n{REFERENCE}\n\nLines:")
    assert one.partition(REFERENCE)[0] == other.partition(PREDICTION)[0]
    origins = {(i.origin.stage, i.origin.model, i.origin.prompt) for i in record.content}
    assert origins == {("extract_content", "m-1", "pancapscore/content1.v1")}


def test_the_prompts_examples_are_read_as_they_stand_and_without_a_fault() -> None:
    body = load_prompt("pancapscore/content1.v1").body
    examples = [part.split("\n\n")[:2] for part in body.split("Description:\n")[1:4]]
    assert len(examples) == 3
    for caption, lines in examples:
        content, faults = judge_extraction(lines.removeprefix("Lines:\n"), Told("x", caption))
        assert not faults
        assert (
            len(content.entities)
            + len(content.locations)
            + len(content.attributes)
            + len(content.relations)
            + len(content.globals)
            == len(lines.splitlines()) - 1
        )


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (HALF, "no line declares entity 7"),
        (CONTENT["reference"].replace("[0.100, 0.200, 0.500, 0.900]", "[0.1, 0.2]"), "2 numbers"),
        (CONTENT["reference"].replace("0.900", "0.700"), "0.700] is not in the description."),
        ("\n".join(CONTENT["reference"].splitlines()[:3]), "1.000] of the description has no loc"),
        (CONTENT["reference"].replace("attribute", "property"), "'property' is no type of line"),
        (BROKEN, "There is no line of the form NUMBER | TYPE -->> (FIELDS)."),
    ],
)
def test_what_cannot_be_used_is_quoted_and_asked_for_again(said: str, words: str) -> None:
    replies: dict[str, str | Reply] = {
        "content/reference": said,
        "content/reference/repair 1": CONTENT["reference"],
    }
    record, script = extracted(replies, pair_record(prediction=None))
    turn = "content/reference/repair 1"
    assert words in script.text(turn)
    roles = [message.role for message in script.asked[turn].messages]
    assert roles == ["user", "assistant", "user"]
    assert own_scores(record)["content.faults"] == 0
    assert record.content[0].origin.repairs == 1


def test_of_several_answers_the_one_with_the_fewest_faults_counts() -> None:
    replies: dict[str, str | Reply] = {
        "content/reference": HALF,
        "content/reference/repair 1": BROKEN,
    }
    record, _ = extracted(replies, pair_record(prediction=None))
    assert own_scores(record)["content.faults"] == 1
    assert [a.text for a in content_of(record, "reference").attributes] == ["entity 1 is brown"]


@pytest.mark.parametrize(
    ("replies", "reason"),
    [
        ([BROKEN, BROKEN], "no_content"),
        ([BROKEN, bad("refusal")], "no_content"),
        ([bad("refusal")], "refusal"),
        ([bad("filtered")], "filtered"),
        ([bad("empty")], "empty"),
        ([bad("gave_up")], "gave_up"),
        ([HALF, bad("gave_up")], "gave_up"),
    ],
)
def test_a_caption_is_never_empty_because_a_model_said_nothing(
    replies: list[str | Reply], reason: str
) -> None:
    turns = ["content/reference", "content/reference/repair 1"]
    with pytest.raises(RecordFailed) as failed:
        extracted(dict(zip(turns, replies, strict=False)), pair_record(prediction=None))
    assert failed.value.reason == reason
    assert set(failed.value.turns) <= set(turns)
    assert failed.value.turns


def test_a_mended_answer_that_lost_lines_does_not_count() -> None:
    replies: dict[str, str | Reply] = {
        "content/reference": CONTENT["reference"].replace(
            '(entity 2, "entity 2', '(entity 7, "red'
        ),
        "content/reference/repair 1": "\n".join(CONTENT["reference"].splitlines()[:4]),
    }
    record, _ = extracted(replies, pair_record(prediction=None))
    assert len(lines_of_turn(record, "content/reference")) == 7
    assert own_scores(record)["content.faults"] == 1


def test_a_model_that_finds_nothing_in_a_caption_with_boxes_is_asked_again_and_believed() -> None:
    replies: dict[str, str | Reply] = {
        "content/reference": "NONE",
        "content/reference/repair 1": "**None.**",
    }
    record, script = extracted(replies, pair_record(prediction=None))
    assert "has no location line" in script.text("content/reference/repair 1")
    assert not record.content
    assert own_scores(record)["content.faults"] == 2


def test_broken_off_lines_are_used_as_far_as_they_came_and_counted() -> None:
    cut = Reply(text=CONTENT["reference"][:-60], outcome="truncated", model="m-1")
    replies: dict[str, str | Reply] = {
        "content/reference": cut,
        "content/reference/repair 1": cut,
    }
    record, script = extracted(replies, pair_record(prediction=None))
    assert "The lines broke off before the end." in script.text("content/reference/repair 1")
    assert own_scores(record)["content.faults"] >= 1
    assert len(content_of(record, "reference").entities) == 2


def test_blank_captions_ask_nothing_and_captions_that_say_nothing_may_answer_none() -> None:
    record, script = extracted({"content/prediction": "NONE"}, pair_record("  \n", "Hello there."))
    assert list(script.asked) == ["content/prediction"]
    assert not record.content
    assert own_scores(record) == {"content.faults": 0, "content.carried": 0}


def test_pairs_are_left_alone_of_which_one_is_not_there() -> None:
    captions = ("reference", "prediction")
    record, script = extracted({}, pair_record(prediction=None), captions=captions)
    assert not script.asked
    assert own_scores(record)["content.faults"] == 0
    built = stage(captions=captions)
    assert (built.calls(pair_record()), built.calls(pair_record(prediction=None))) == (2, 0)
    assert built.likely_output(pair_record()) == round(0.8 * len(REFERENCE)) + round(
        0.8 * len(PREDICTION)
    )


def composed() -> Record:
    """A caption that came with what it was composed of: segments, boxes in pixels, plain words."""
    origin = Origin(stage="compose", model="m")
    items = (
        ContentItem(kind="entity", text="dog", segments=(31,), box_xyxy=(10, 20, 50, 90),
                    origin=origin),
        ContentItem(kind="entity", text="sofa", segments=(907,), origin=origin),
        ContentItem(kind="location", text="", segments=(907,), box_xyxy=(0, 50, 100, 100),
                    origin=origin),
        ContentItem(kind="attribute", text="brown", segments=(31,), origin=origin),
        ContentItem(kind="relation", text="sits on", segments=(31, 907), origin=origin),
        ContentItem(kind="global", text="it is evening", origin=origin),
    )  # fmt: skip
    photo = Photo(file="1.jpg", width=100, height=100, sha256="0")
    return Record(
        id="a/b/1", photo=photo, captions=(Caption(text=REFERENCE, origin=origin),), content=items
    )


def test_a_composed_caption_carries_its_content_and_no_model_is_asked() -> None:
    record, script = extracted({}, composed())
    assert not script.asked
    kept = [line for line in CONTENT["reference"].splitlines()[:6] if "red" not in line]
    assert lines_of_turn(record, "content/compose") == [
        *kept,
        '6 | relation -->> (entity 1, entity 2, "entity 1 sits on entity 2")',
        '7 | global -->> ("it is evening")',
    ]
    assert own_scores(record)["content.carried"] == 1
    assert stage().calls(composed()) == 0


def test_carried_content_may_be_ignored_and_a_rewritten_caption_carries_none() -> None:
    replies: dict[str, str | Reply] = {"content/compose": CONTENT["reference"]}
    record, script = extracted(dict(replies), composed(), carried="ignore")
    assert list(script.asked) == ["content/compose"]
    assert own_scores(record)["content.carried"] == 0
    caption = composed().captions[0]
    other = caption.rewritten(caption.text, Origin(stage="rephrase", model="rules"))
    _, script = extracted(dict(replies), composed().but(captions=(other,)))
    assert list(script.asked) == ["content/compose"]


def test_reading_twice_takes_the_place_of_what_was_read_before() -> None:
    replies: dict[str, str | Reply] = {"content/reference": CONTENT["reference"]}
    once, _ = extracted(dict(replies), pair_record(prediction=None))
    twice, _ = extracted(dict(replies), once)
    assert twice.content == once.content


def test_what_is_kept_is_what_comes_back() -> None:
    content = Content(
        (Entity(1, "dog"), Entity(4, "sign")),
        (Location(4, (0.12345, 0.2, 0.3, 0.98765)),),
        (Attribute(4, 'entity 4 reads "STOP"'),),
        (),
        (GlobalState("it  rains"),),
    )
    plain = plain_content(content)
    assert plain.locations[0].box == (0.123, 0.2, 0.3, 0.988)
    assert plain.attributes[0].text == "entity 4 reads 'STOP'"
    assert plain_content(plain) == plain
