"""The stage ``score_listener``: what is shown, what becomes of answers, and second captions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from annoengine.errors import RecipeError, RecordFailed
from annoengine.estimate import glimpse
from annoengine.prompt import load_prompt
from annoengine.provider import ImagePart, Reply, TextPart
from annoengine.recipe import load_recipe
from annoengine.record import Caption, Origin, Record, Span
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.score_listener import ScoreListener, ScoreListenerParameters
from annoengine.workspace import Workspace
from tests.stages.checked import recipe_of, records_of, scores_of
from tests.stages.scripted import Script, bad, mark, record

ORIGIN = Origin(stage="annotate", model="m-1")
TOLD = {907: "A man in red.", 31: "A dog.", 404: "The sky above object 1, highlighted in red."}
LONG = "The dog at the bottom left, with a red ball in its mouth"


def stage(**parameters: Any) -> ScoreListener:
    setup = Setup("score_listener", 7, load_prompt)
    built = find("stage", "score_listener")(ScoreListenerParameters(**parameters), setup)
    assert isinstance(built, ScoreListener)
    return built


def told(texts: dict[int, str] = TOLD, **changes: Any) -> Record:
    captions = tuple(Caption(text=t, segment=id, origin=ORIGIN) for id, t in texts.items())
    return record().but(captions=captions, **changes)


def stored(result: Record) -> dict[tuple[str, int | None], float]:
    return {(s.name.removeprefix("listener."), s.segment): s.value for s in result.scores}


async def test_right_wrong_none_and_unread_are_stored_each_in_its_way() -> None:
    script = Script({"which 1": "1", "which 2": "3, 2", "which 3": "none"})
    result = await stage().annotate(told(), script)
    assert stored(result) == {
        ("right", 907): 1,
        ("rank", 907): 1,
        ("right", 31): 0,
        ("rank", 31): 2,
        ("taken_for", 31): 404,
        ("right", 404): 0,
        ("rank", 404): 1,
    }
    assert {score.by for score in result.scores} == {"score_listener"}
    assert result.captions == told().captions
    refused = bad("refusal", "I cannot.")
    broken = Reply(text="The object is 1", outcome="truncated", model="m-1")
    script = Script({"which 1": refused, "which 2": broken, "which 3": "the one with ID 9"})
    assert stored(await stage().annotate(told(), script)) == {
        ("unread", 907): 1,
        ("unread", 31): 1,
        ("unread", 404): 1,
    }


async def test_the_listener_sees_picture_and_caption_and_not_whose_it_is() -> None:
    script = Script(dict.fromkeys(("which 1", "which 2", "which 3"), "1"))
    await stage().annotate(told(), script)
    request = script.asked["which 3"]
    picture, words = request.messages[0].parts
    assert isinstance(picture, ImagePart)
    assert picture.image.file == "0.png"
    assert isinstance(words, TextPart)
    shown = words.text.partition("The description: ")[2]
    assert shown == "The sky above the person.\n\nThe ID:"
    assert "The IDs in this image are: 1, 2, 3\n" in words.text
    assert (request.model, request.sampling.max_tokens) == ("listener", 16)
    # All that stands before the caption is the same for all of them, and can be cached.
    others = [script.text(turn).partition("The description: ")[0] for turn in script.asked]
    assert len(set(others)) == 1
    assert "dog" not in others[0]


async def test_candidates_are_the_marks_of_the_drawing_and_one_alone_is_not_asked_about() -> None:
    marks = [mark(1, 907), mark(2, 31), mark(3, 404, of=1)]
    made = record(marks=marks, drawings=2).but(captions=told().captions)
    script = Script({"which 1": "1", "which 2": "2"})
    result = await stage().annotate(made, script)
    assert stored(result).keys() == {("right", 907), ("rank", 907), ("right", 31), ("rank", 31)}
    assert "The IDs in this image are: 1, 2\n" in script.text("which 1")
    assert stage().calls(made) == 2
    alone = record(marks=[mark(1, 907)]).but(captions=told().captions)
    assert await stage().annotate(alone, Script({})) is alone
    assert stage().calls(alone) == 0


async def test_of_a_paragraph_the_phrases_about_one_segment_are_asked_about() -> None:
    text = "A man in red walks a dog; the man smiles at them both."
    spans = (
        Span(start=0, end=12, segments=(907,)),
        Span(start=19, end=24, segments=(31,)),
        Span(start=26, end=33, segments=(907,)),
        Span(start=44, end=53, segments=(907, 31)),
    )
    paragraph = Caption(text=text, spans=spans, origin=ORIGIN)
    script = Script({"which 1": "1", "which 2": "2"})
    result = await stage().annotate(record().but(captions=(paragraph,)), script)
    assert script.text("which 1").endswith("The description: A man in red; the man\n\nThe ID:")
    assert script.text("which 2").endswith("The description: a dog\n\nThe ID:")
    assert stored(result)["right", 31] == 1
    # What is not a caption of its own is not rewritten.
    script = Script({"which 1": "2", "which 2": "2"})
    asking = stage(on_wrong="ask")
    result = await asking.annotate(record().but(captions=(paragraph,)), script)
    assert result.captions == (paragraph,)


async def test_a_caption_that_is_mistaken_is_asked_for_again_with_what_it_was_taken_for() -> None:
    replies: dict[str, str | Reply] = {
        "which 1": "1",
        "which 2": "1",
        "which 3": "3",
        "apart 2/1": f"2. Dog: {LONG}.;",
        "which 2/1": "2",
    }
    script = Script(replies)
    result = await stage(on_wrong="ask").annotate(told(), script)
    asked = script.text("apart 2/1")
    assert "The object is the one with the ID 2 (dog). It was described as follows:\n\nA dog." in (
        asked
    )
    assert (
        "The reader took it for the object with the ID 1 (person), which was described as "
        "follows:\n\nA man in red." in asked
    )
    caption = result.caption_of(31)
    assert caption is not None
    assert caption.text == f"{LONG}."
    assert (caption.origin.turn, caption.origin.repairs) == ("apart 2/1", 1)
    assert caption.origin.prompt == "listener/apart1.v1"
    assert caption.earlier == (ORIGIN,)
    assert [c.segment for c in result.captions] == [907, 31, 404]
    assert (stored(result)["right", 31], stored(result)["rank", 31]) == (1, 1)
    assert f"The description: {LONG}." in script.text("which 2/1")


@pytest.mark.parametrize(
    ("answer", "second", "stays"),
    [
        ("2. Dog: a brown dog.;", "3", True),  # as wrong as before
        ("2. Dog: a brown dog.;", "nobody knows", True),
        ("2. Cat: a brown cat.;", "", True),  # fits another category: of no use
        ("2. Dog: a brown dog.;", "3, 2", False),  # named at least
    ],
)
async def test_the_new_caption_stays_only_where_its_segment_is_found_better(
    answer: str, second: str, stays: bool
) -> None:
    replies: dict[str, str | Reply] = {"which 1": "1", "which 2": "none", "which 3": "3"}
    script = Script({**replies, "apart 2/1": answer, "which 2/1": second})
    result = await stage(on_wrong="ask").annotate(told(), script)
    caption = result.caption_of(31)
    assert caption is not None
    assert (caption.text == "A dog.") is stays
    assert stored(result)["rank", 31] == (1 if stays else 2)
    assert "The reader found no object that fits this description." in script.text("apart 2/1")


async def test_who_is_not_reached_fails_the_record_with_the_turns_to_ask_again() -> None:
    lost = bad("gave_up", detail="down")
    script = Script({"which 1": "1", "which 2": lost, "which 3": lost})
    with pytest.raises(RecordFailed) as caught:
        await stage().annotate(told(), script)
    assert (caught.value.reason, caught.value.turns) == ("gave_up", ("which 2", "which 3"))


def test_settings_that_do_not_fit() -> None:
    with pytest.raises(RecipeError, match="there is no prompt to ask with; name one in"):
        stage(on_wrong="ask", apart_prompts=())
    with pytest.raises(RecipeError, match="wants category, id, mistaken, which"):
        stage(prompts=("listener/apart1.v1",))
    assert stage().roles() == ("listener",)
    assert stage(on_wrong="ask").roles() == ("listener", "annotator")
    before = record()
    assert (stage().calls(before), stage().likely_output(before)) == (3, 9)


async def test_pixels_listens_to_itself_over_the_photographs(tmp_path: Path) -> None:
    keep = {"keep": {"segments": "listener.right == 1"}}
    stages: list[Any] = [{"score_listener": {"on_wrong": "ask"}}, keep]
    recipe = recipe_of(tmp_path, stages, ("rocket", "coffee"), models={"listener": "pixels"})
    counts = (await glimpse(recipe, 2)).counts
    planned = next(count.calls for count in counts if count.stage == "score_listener")
    results = await records_of(recipe, Workspace(tmp_path / "run"))
    right = [v for r in results for v in scores_of(r, "listener.right").values()]
    assert planned == len(right) > 5
    assert sum(right) == sum(len(r.captions) for r in results)
    assert sum(right) / len(right) > 0.8
    # Which shard a record is in changes nothing.
    path = tmp_path / "recipe.yaml"
    text = yaml.safe_load(path.read_text())
    text["run"]["shard_size"] = 1
    path.write_text(yaml.safe_dump(text))
    again = await records_of(load_recipe(path), Workspace(tmp_path / "other"))
    assert [r.to_line() for r in again] == [r.to_line() for r in results]
