"""The stage ``describe``: what it tells and asks, its repairs, and what it makes of the replies."""

from __future__ import annotations

from typing import Any

import pytest

from annoengine.errors import Drop, RecipeError, RecordFailed
from annoengine.prompt import load_prompt
from annoengine.provider import Context, ImagePart, Reply, TextPart
from annoengine.record import Caption, Category, Record, Segment
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.describe import Describe, DescribeParameters
from tests.stages.scripted import Script, bad, mark, record

FIRST = ("sa_pancap/caption1.v1", "sa_pancap/caption2.v1")
REPAIRS = ("sa_pancap/repair1.v1", "sa_pancap/repair2.v1")
MAN, DOG, SKY = (
    "[[0.250, 0.500, 0.500, 1.000]]",
    "[[0.500, 0.750, 0.750, 1.000]]",
    "[[0.000, 0.000, 1.000, 0.500]]",
)
RIGHT = (
    f"The image shows a walk in the park on a bright day. A man {MAN} in red leads a brown dog "
    f"{DOG} on a long leash. Above them spans the sky {SKY}, even and blue."
)
TEXT = (
    "The image shows a walk in the park on a bright day. A man in red leads a brown dog on a long "
    "leash. Above them spans the sky, even and blue."
)


def segment(id: int, name: str, box: tuple[int, int, int, int], **values: Any) -> Segment:
    x1, y1, x2, y2 = box
    return Segment(
        id=id,
        category=Category(name=name),
        isthing="sky" not in name,
        box_xyxy=box,
        area_px=(x2 - x1) * (y2 - y1),
        **values,
    )


def given(**changes: Any) -> Record:
    segments = (
        segment(907, "person", (16, 24, 32, 48)),
        segment(31, "dog", (32, 36, 48, 48)),
        segment(404, "sky-other-merged", (0, 0, 64, 24)),
        segment(70, "person", (0, 40, 64, 48), iscrowd=True),
    )
    return record(marks=[], drawings=0).but(segments=segments, **changes)


def stage(seed: int = 7, **settings: Any) -> Describe:
    parameters = DescribeParameters(**{"prompts": FIRST, "repair_prompts": REPAIRS, **settings})
    setup = Setup("describe", seed, load_prompt, {"annotator": "openai/m-1"})
    built = find("stage", "describe")(parameters, setup)
    assert isinstance(built, Describe)
    return built


def caption_of(one: Record) -> Caption:
    (found,) = one.captions
    return found


def phrases_of(caption: Caption) -> list[tuple[str, tuple[int, ...]]]:
    return [(caption.text[s.start : s.end], s.segments) for s in caption.spans]


def scores_of(one: Record) -> dict[str, float]:
    return {score.name.removeprefix("entities."): score.value for score in one.scores}


async def test_boxes_become_spans_of_segments_and_leave_the_text() -> None:
    door = Script({"caption": RIGHT})
    made = await stage().annotate(given(), door)
    caption = caption_of(made)
    assert caption.text == TEXT
    assert phrases_of(caption) == [("A man", (907,)), ("a brown dog", (31,)), ("the sky", (404,))]
    assert (caption.segment, caption.origin.stage, caption.origin.turn) == (
        None,
        "describe",
        "caption",
    )
    assert caption.origin.prompt in FIRST
    assert scores_of(made) == {
        "told": 3,
        "coverage": 1,
        "invented": 0,
        "moved": 0,
        "faults": 0,
        "repaired": 0,
        "words": 32,
    }
    assert Record.from_line(made.to_line()) == made


async def test_paragraphs_are_joined_or_kept() -> None:
    said = RIGHT.replace(" A man", "\n\nA man").replace(" Above", "\n\nAbove")
    made = await stage().annotate(given(), Script({"caption": said}))
    assert caption_of(made).text == TEXT
    assert phrases_of(caption_of(made))[1:] == [("a brown dog", (31,)), ("the sky", (404,))]
    made = await stage(paragraphs="keep").annotate(given(), Script({"caption": said}))
    assert caption_of(made).text.count("\n\n") == 2
    assert phrases_of(caption_of(made))[1:] == [("a brown dog", (31,)), ("the sky", (404,))]


async def test_the_question_tells_every_entity_but_crowds() -> None:
    door = Script({"caption": RIGHT})
    one = given()
    part = segment(32, "collar", (40, 40, 44, 42), part_of=31)
    unnamed = segment(33, "region", (0, 0, 1, 1))
    one = one.but(segments=(*one.segments, part, unnamed))
    await stage(prompts=FIRST[:1], words=120, repair=0).annotate(one, door)
    request = door.asked["caption"]
    words, picture = request.messages[0].parts
    assert isinstance(words, TextPart)
    assert isinstance(picture, ImagePart)
    assert picture.image == one.photo
    assert words.text.endswith(
        f"5 listed entities:\n\n- person: {MAN}\n- dog: {DOG}\n- sky: {SKY}\n"
        "- collar, part of the dog: [[0.625, 0.833, 0.688, 0.875]]\n"
        "- (no tag): [[0.000, 0.000, 0.016, 0.021]]"
    )
    assert "about 120 words" in words.text
    context = request.context
    assert isinstance(context, Context)
    assert (context.marks, context.grammar, context.wants) == (
        (907, 31, 404, 32, 33),
        "pancap",
        "scene",
    )


@pytest.mark.parametrize(
    ("pictures", "kinds", "first"),
    [
        ("clean", ["7.jpg"], "- dog: "),
        ("marked", ["0.png"], "- 1. dog: "),
        ("both", ["0.png", "7.jpg"], "- 1. dog: "),
    ],
)
async def test_marked_pictures_come_with_the_numbers_of_their_marks(
    pictures: str, kinds: list[str], first: str
) -> None:
    marks = (mark(1, 31), mark(2, 907), mark(3, 404))
    one = given(marks=marks, drawings=record().drawings)
    door = Script({"caption": RIGHT})
    made = await stage(prompts=("sa_pancap/marked1.v1",), pictures=pictures).annotate(one, door)
    parts = door.asked["caption"].messages[0].parts
    assert [part.image.file for part in parts if isinstance(part, ImagePart)] == kinds
    (listed,) = [line for line in door.text("caption").splitlines() if "dog:" in line]
    assert listed.startswith(first)
    assert phrases_of(caption_of(made))[0] == ("A man", (907,))


async def test_what_is_wrong_is_quoted_and_the_best_answer_is_kept() -> None:
    first = RIGHT.replace(f" {DOG}", "") + " A kite [[0.8, 0.1, 0.9, 0.2]] flies."
    worse = "A man walks his dog under the sky, and nobody knows where they are going to today."
    door = Script({"caption": first, "caption/repair 1": worse, "caption/repair 2": worse})
    made = await stage(repair_prompts=REPAIRS[1:], least_words=9).annotate(given(), door)
    asked = door.text("caption/repair 1")
    assert "- The box [[0.800, 0.100, 0.900, 0.200]] of 'A kite' is that of no entity" in asked
    assert f"- The dog at {DOG} has no box in the caption." in asked
    assert "between 9 and 800 words" in asked
    assert [m.role for m in door.asked["caption/repair 2"].messages] == [
        "user",
        "assistant",
        "user",
    ]
    said = door.asked["caption/repair 2"].messages[1].parts[0]
    assert isinstance(said, TextPart)
    assert said.text == worse
    assert caption_of(made).text == f"{TEXT} A kite flies."
    assert phrases_of(caption_of(made)) == [("A man", (907,)), ("the sky", (404,))]
    assert scores_of(made) == {
        "told": 3,
        "coverage": 0.6667,
        "invented": 1,
        "moved": 0,
        "faults": 2,
        "repaired": 0,
        "words": 35,
    }


async def test_a_repair_that_is_right_ends_it() -> None:
    door = Script({"caption": TEXT, "caption/repair 1": RIGHT})
    made = await stage().annotate(given(), door)
    assert scores_of(made)["repaired"] == 1
    assert caption_of(made).origin.turn == "caption/repair 1"


async def test_without_repair_one_call_is_the_paper() -> None:
    door = Script({"caption": RIGHT.replace(f" {DOG}", "")})
    made = await stage(repair=0, repair_prompts=()).annotate(given(), door)
    assert scores_of(made)["coverage"] == 0.6667


async def test_the_largest_entities_are_told_or_the_image_is_dropped() -> None:
    text = RIGHT.replace(f" {DOG}", "")
    door = Script({"caption": text})
    made = await stage(max_entities=2).annotate(given(), door)
    assert "- dog:" not in door.text("caption")
    assert (scores_of(made)["told"], scores_of(made)["coverage"]) == (2, 1)
    with pytest.raises(Drop, match="too many entities"):
        await stage(max_entities=2, on_more="drop").annotate(given(), Script({}))
    assert caption_of(
        await stage(max_entities=3, on_more="drop").annotate(given(), Script({"caption": RIGHT}))
    )


@pytest.mark.parametrize(
    ("said", "reason", "keeps"),
    [
        (TEXT, "without boxes", True),
        (f"A man {MAN}.", "short", True),
        (f"I'm sorry, I cannot describe the man {MAN} in this image.", "refusal", False),
        (Reply(text=f"A man {MAN} and a", outcome="truncated", model="m-1"), "truncated", False),
    ],
)
async def test_a_caption_of_no_use_is_set_aside_as_the_recipe_says(
    said: str | Reply, reason: str, keeps: bool
) -> None:
    with pytest.raises(RecordFailed, match="undescribed") as failed:
        await stage(repair=0).annotate(given(), Script({"caption": said}))
    assert failed.value.turns == ("caption",)
    door = Script({"caption": said})
    assert await stage(repair=0, on_useless="leave").annotate(given(), door) == given()
    ((caption, why, scores),) = door.aside
    assert why == f"undescribed ({reason})"
    assert caption.origin.stage == "describe"
    assert len(scores) == 7
    if keeps:
        made = await stage(repair=0, on_useless="keep").annotate(given(), Script({"caption": said}))
        assert len(made.captions) == 1
    else:
        with pytest.raises(RecordFailed):
            await stage(repair=0, on_useless="keep").annotate(given(), Script({"caption": said}))


async def test_an_answer_that_is_none_fails_the_record_or_leaves_it() -> None:
    door: dict[str, str | Reply] = {"caption": bad("refusal", detail="policy")}
    with pytest.raises(RecordFailed, match="policy"):
        await stage().annotate(given(), Script(door))
    assert await stage(on_useless="leave").annotate(given(), Script(door)) == given()
    for outcome in ("caption", "caption/repair 1"):
        turns: dict[str, str | Reply] = {"caption": TEXT, outcome: bad("gave_up", detail="503")}
        with pytest.raises(RecordFailed, match="503") as failed:
            await stage(on_useless="leave").annotate(given(), Script(turns))
        assert failed.value.turns == (outcome,)


async def test_an_image_without_entities_comes_back_as_it_is() -> None:
    one = given().but(segments=given().segments[3:])
    assert await stage().annotate(one, Script({})) == one
    assert (stage().calls(one), stage().calls(given())) == (0, 1)
    assert stage().likely_output(given()) == 333 + 3 * 26


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"repair_prompts": ()}, "repair is 2 and there is no prompt in repair_prompts"),
        ({"answer": "numbered"}, "asks for an answer in the grammar|is no caption with boxes"),
        ({"least_words": 9, "most_words": 8}, r"least_words \(9\) is above most_words \(8\)"),
        ({"prompts": ("coconut_pancap/merge1.v1",)}, "wants num_regions, regions"),
    ],
)
def test_settings_that_do_not_fit_are_told_at_once(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        stage(**settings)
