"""The stage ``annotate`` on images whose marks are shared among several drawings."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from annoengine.answer import Answer, Expected, Judgement, Parsed
from annoengine.errors import RecipeError, RecordFailed
from annoengine.fingerprint import fingerprint
from annoengine.prompt import Prompt, load_prompt, parse_prompt
from annoengine.provider import ImagePart, TextPart
from annoengine.record import Record
from tests.stages.scripted import Script, bad, mark, record, stage

LATER = ("pix2cap/later1.v2", "pix2cap/open_later1.v2")
BETWEEN = ("pix2cap/interactions1.v2",)
OPEN = ("pix2cap/prompt1.v1", "pix2cap/open1.v2", "pix2cap/open2.v2")
OPEN_REPAIRS = ("pix2cap/repair1.v1", "pix2cap/open_repair1.v2")
GOLDEN = Path(__file__).parent / "golden" / "dense_image.txt"

# Segment ids are far from mark numbers; people are on the first and the last drawing.
NAMED = (
    (907, "person"),
    (31, "dog"),
    (404, "sky-other-merged"),
    (12, "person"),
    (77, "kite"),
    (66, "wall-brick"),
)
ANSWERS: dict[str, Any] = {
    "objects": (
        "1. Person: the person wears a red coat and flies a kite.;\n2. Dog: a brown dog runs.;\n"
        "The interactions include:\n1 and 2: the dog runs after the person.;"
    ),
    "objects 2": "3. Sky: the sky is pale blue.;\n5. Kite: a yellow kite flies high up.;",
    "objects 3": "4. Person: the person in green sits on the wall.;\n6. Wall: the wall is low.;",
    "interactions": (
        "The interactions include:\n1 and 5: the person in red holds the string of the kite.;\n"
        "2 and 1: the dog follows the person.;\n4 and 9: nobody knows.;\n"
        "4, 1 and 5: both people look up at the kite.;"
    ),
}


def dense(id: str = "coco/val/7") -> Record:
    """Six marks on three drawings: people on the first and the third."""
    of = {907: 0, 31: 0, 404: 1, 12: 2, 77: 1, 66: 2}
    marks = [mark(n, segment, of[segment]) for n, (segment, _) in enumerate(NAMED, start=1)]
    return record(id, marks, 3, NAMED)


def full(**parameters: Any) -> Any:
    settings = {"later_prompts": LATER, "interaction_prompts": BETWEEN, **parameters}
    return stage(**settings)


def rendered(door: Script) -> str:
    """What each turn says: its pictures by name, its words in full."""
    lines = []
    for turn, request in door.asked.items():
        lines.append(f"==== {turn}")
        for message in request.messages:
            lines.append(f"-- {message.role}")
            for part in message.parts:
                said = part.text if isinstance(part, TextPart) else f"[{part.image.file}]"
                lines.append(said)
    return "\n".join(lines) + "\n"


async def test_what_each_turn_says() -> None:
    """``ANNOENGINE_GOLDEN=write`` writes the file anew after a change that was meant."""
    door = Script(
        {
            **ANSWERS,
            "objects 3": "4. Person: the person in green sits on the wall.;",
            "objects 3/repair 1": "6. Wall: the wall is low.;",
        }
    )
    await full(prompts=("pix2cap/prompt1.v1",), repair_prompts=("pix2cap/repair1.v1",)).annotate(
        dense(), door
    )
    found = rendered(door)
    if os.environ.get("ANNOENGINE_GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")


async def test_captions_and_interactions_of_all_drawings() -> None:
    door = Script(ANSWERS)
    given = await full().annotate(dense(), door)
    assert list(door.asked) == ["objects", "objects 2", "objects 3", "interactions"]
    assert len(door.asked) == full().calls(dense()) == 4
    assert [c.segment for c in given.captions] == [907, 31, 404, 12, 77, 66]
    assert [c.origin.turn for c in given.captions] == [
        *("objects", "objects", "objects 2", "objects 3", "objects 2", "objects 3")
    ]
    assert [(r.segments, r.text) for r in given.relations] == [
        ((907, 31), "the dog runs after the person."),
        ((907, 77), "the person in red holds the string of the kite."),
        ((12, 907, 77), "both people look up at the kite."),
    ], "not what was asked for before (2 and 1), nor what names no mark (9)"
    origin = given.relations[1].origin
    assert (origin.turn, origin.call, origin.prompt) == (
        "interactions",
        "key interactions",
        BETWEEN[0],
    )
    assert origin.prompt_sha256 == load_prompt(BETWEEN[0]).sha256
    assert given.captions[3].origin.prompt == LATER[0]
    assert given.captions[2].origin.prompt.startswith("pix2cap/prompt")


async def test_a_later_drawing_is_told_what_was_said_of_its_categories() -> None:
    door = Script(ANSWERS)
    await full().annotate(dense(), door)
    text = door.text("objects 3")
    assert "- person: the person wears a red coat and flies a kite." in text
    assert "brown dog" not in text, "no dog is on this drawing"
    assert "4: person, 6: brick wall" in text
    assert "red coat" not in door.text("objects 2"), "no category of it was shown before"
    picture = door.asked["objects 3"].messages[0].parts[-1]
    assert isinstance(picture, ImagePart)
    assert picture.image.file == "2.png"


async def test_without_later_prompts_all_drawings_are_asked_alike_and_at_once() -> None:
    door = Script(ANSWERS)
    made = stage()
    given = await made.annotate(dense(), door)
    assert list(door.asked) == ["objects", "objects 2", "objects 3"]
    assert made.calls(dense()) == 3
    assert {c.origin.prompt for c in given.captions} == {given.captions[0].origin.prompt}
    assert [r.segments for r in given.relations] == [(907, 31)]


async def test_drawings_without_a_common_category_are_asked_at_the_same_time() -> None:
    together: list[list[str]] = []

    class Watched(Script):
        async def all(self, requests: Any) -> Any:
            together.append([turn for _, turn in requests])
            return await super().all(requests)

    broken = {
        **ANSWERS,
        "objects": "1. Person: the person wears red.;",
        "objects 2": "3. Sky: sky.",
    }
    repairs = {"objects/repair 1": "2. Dog: a dog.", "objects 2/repair 1": "5. Kite: a kite."}
    await full().annotate(dense(), Watched({**broken, **repairs}))
    assert together == [
        ["objects", "objects 2"],
        ["objects/repair 1", "objects 2/repair 1"],
        ["objects 3"],
    ], "the third has people, as the first: it waits for what is said there"


async def test_the_last_turn_shows_all_drawings_and_lists_every_description() -> None:
    door = Script(ANSWERS)
    await full().annotate(dense(), door)
    request = door.asked["interactions"]
    assert [image.file for image in request.images()] == ["0.png", "1.png", "2.png"]
    assert request.messages[0].parts[1:] == tuple(
        door.asked[turn].messages[0].parts[-1] for turn in ("objects", "objects 2", "objects 3")
    )
    text = door.text("interactions")
    for line in (
        "In picture 1:\n- 1 (person): the person wears a red coat and flies a kite.\n- 2 (dog):",
        "In picture 3:\n- 4 (person): the person in green sits on the wall.\n- 6 (brick wall):",
    ):
        assert line in text
    assert request.context is not None
    assert request.context.wants == "interactions"
    assert request.context.marks == (1, 2, 3, 5, 4, 6)
    assert all(
        door.asked[turn].context.wants == "objects"  # type: ignore[union-attr]
        for turn in ("objects", "objects 2", "objects 3")
    )


@pytest.mark.parametrize(
    "said",
    [
        "1 and 5: the person in red holds the string.;\n4 and 2: they look at each other.",
        "**Interactions:**\n- 1 and 5: the person in red holds the string.\n"
        "- 4 and 2: they look at each other.",
        bad(
            "truncated",
            "The interactions include:\n1 and 5: the person in red holds the string.\n"
            "4 and 2: they look at each other.\n3 and 6: the sky is ab",
        ),
    ],
)
async def test_interactions_are_read_with_and_without_their_heading(said: Any) -> None:
    given = await full().annotate(dense(), Script({**ANSWERS, "interactions": said}))
    assert [r.text for r in given.relations[1:]] == [
        "the person in red holds the string.",
        "they look at each other.",
    ]


@pytest.mark.parametrize(
    "said",
    [
        "The interactions include: none.",
        "There are no interactions between them.",
        bad("refusal", "I can't help with that."),
        bad("filtered"),
        bad("truncated", ""),
        "",
    ],
)
async def test_no_interactions_across_drawings_are_no_fault(said: Any) -> None:
    given = await full().annotate(dense(), Script({**ANSWERS, "interactions": said}))
    assert len(given.captions) == 6
    assert len(given.relations) == 1


async def test_trouble_on_the_way_to_the_interactions_is_no_answer() -> None:
    door = Script({**ANSWERS, "interactions": bad("gave_up", detail="gave up after 6 tries")})
    with pytest.raises(RecordFailed) as error:
        await full(on_unmatched="leave").annotate(dense(), door)
    assert (error.value.reason, error.value.turns) == ("gave_up", ("interactions",))


async def test_interactions_with_a_mark_that_got_no_caption_are_not_asked_for() -> None:
    door = Script({**ANSWERS, "objects 2": "3. Sky: the sky is pale blue.;"})
    given = await full(on_unmatched="leave", repair=0).annotate(dense(), door)
    assert [gap.segment for gap in given.gaps] == [77]
    assert "5 (kite)" not in door.text("interactions")
    assert [r.segments for r in given.relations] == [(907, 31)], "the answer names 5 all the same"


async def test_numbers_that_begin_again_cannot_be_told_apart_across_drawings() -> None:
    marks = [mark(1, 907, 0), mark(1, 404, 1)]
    door = Script({"objects": "1. Person: a man.", "objects 2": "1. Sky: the sky."})
    given = await full().annotate(record(marks=marks, drawings=2), door)
    assert list(door.asked) == ["objects", "objects 2"]
    assert len(given.captions) == 2


async def test_a_refused_later_drawing_sets_the_record_aside() -> None:
    door = Script({**ANSWERS, "objects 3": bad("refusal", detail="policy")})
    with pytest.raises(RecordFailed) as error:
        await full().annotate(dense(), door)
    assert (error.value.reason, error.value.detail) == ("refusal", "policy")
    assert error.value.turns == ("objects 3",)
    both = Script({**ANSWERS, "objects": bad("filtered"), "objects 2": bad("refusal")})
    with pytest.raises(RecordFailed) as error:
        await full().annotate(dense(), both)
    assert (error.value.reason, error.value.turns) == ("filtered", ("objects", "objects 2"))
    assert "objects 3" not in both.asked


async def test_a_refused_drawing_leaves_gaps_where_the_recipe_says_so() -> None:
    door = Script({**ANSWERS, "objects 3": bad("refusal", detail="policy")})
    given = await full(on_unmatched="leave").annotate(dense(), door)
    assert "objects 3/repair 1" not in door.asked, "there is nothing to go on from"
    assert [c.segment for c in given.captions] == [907, 31, 404, 77]
    assert [(g.segment, g.reason, g.detail) for g in given.gaps] == [
        (12, "refusal", "The model did not answer (refusal: policy)."),
        (66, "refusal", "The model did not answer (refusal: policy)."),
    ]
    assert [image.file for image in door.asked["interactions"].images()] == ["0.png", "1.png"]


async def test_passing_trouble_is_never_a_gap() -> None:
    door = Script({**ANSWERS, "objects 2": bad("gave_up", detail="429")})
    with pytest.raises(RecordFailed) as error:
        await full(on_unmatched="leave").annotate(dense(), door)
    assert (error.value.reason, error.value.turns) == ("gave_up", ("objects 2",))


async def test_a_record_of_which_every_drawing_was_refused_is_set_aside() -> None:
    refused = dict.fromkeys(("objects", "objects 2", "objects 3"), bad("refusal", detail="no"))
    with pytest.raises(RecordFailed) as error:
        await full(on_unmatched="leave").annotate(dense(), Script(dict(refused)))
    assert error.value.reason == "refusal"
    assert error.value.turns == ("objects", "objects 2", "objects 3")


async def test_marks_that_stay_unmatched_on_several_drawings_are_all_named() -> None:
    some = {"objects": "1. Person: in red.", "objects 2": "3. Sky: the sky is pale blue."}
    with pytest.raises(RecordFailed) as error:
        await full(repair=0).annotate(dense(), Script({**ANSWERS, **some}))
    assert error.value.turns == ("objects", "objects 2")
    assert error.value.detail == (
        "no usable description of mark 2, 5: Object 2 was not described. "
        "Object 5 was not described."
    )


async def test_a_truncated_drawing_is_asked_again_for_the_rest_alone() -> None:
    cut = bad("truncated", "4. Person: the person in green sits on the wall.;\n6. Wall: the wa")
    door = Script({**ANSWERS, "objects 3": cut, "objects 3/repair 1": "6. Wall: a low wall."})
    given = await full().annotate(dense(), door)
    assert [c.origin.repairs for c in given.captions] == [0, 0, 0, 0, 0, 1]
    assert "6: brick wall" in door.text("objects 3/repair 1")
    assert "4: person" not in door.text("objects 3/repair 1")


async def test_every_run_asks_the_same() -> None:
    first, second = Script(ANSWERS), Script(ANSWERS)
    one = await full().annotate(dense(), first)
    assert await full().annotate(dense(), second) == one
    assert rendered(first) == rendered(second)
    reversed_prompts = Script(ANSWERS)
    made = full(prompts=("pix2cap/prompt2.v1", "pix2cap/prompt1.v1"), later_prompts=LATER[::-1])
    assert await made.annotate(dense(), reversed_prompts) == one


# What annoengine asked before an image could have several drawings: journals replay by these.
OLDER = {
    "objects": "60ded820f391f34b49aa6a1cc9b7eecb32835b587d2b4c89cd6704e5de15eabc",
    "objects/repair 1": "07de34a24ddabc5f3c35c7092e07f0ca97d92ce4744d16d791ed8109396db4ed",
    "objects/repair 2": "1dc2abbfe7ee061a1305838de0d843671c8f86e59022580752df46eedb09272a",
}


async def test_an_image_with_one_drawing_is_asked_to_the_byte_as_it_always_was() -> None:
    answers: dict[str, Any] = {
        "objects": "1. Person: a man in red.;\n2. Cat: a brown cat.;",
        "objects/repair 1": "2. Dog: a brown dog.;",
        "objects/repair 2": "3. Sky: sky is blue",
    }
    prompts = ("pix2cap/prompt1.v1", "pix2cap/prompt2.v1", "pix2cap/open1.v2", "pix2cap/open2.v2")
    repairs = ("pix2cap/repair1.v1", "pix2cap/repair2.v1", "pix2cap/open_repair1.v2")
    made = full(temperature=0.2, seed=3, prompts=prompts, repair_prompts=repairs, picture="first")
    door = Script(answers)
    await made.annotate(record(), door)
    assert {turn: fingerprint(r.content()) for turn, r in door.asked.items()} == OLDER
    assert made.calls(record()) == 1


def unnamed() -> Record:
    """Three segments that nobody has named, on two drawings."""
    named = [(907, "region"), (31, "region"), (404, "region")]
    marks = [mark(1, 907, 0), mark(2, 31, 1), mark(3, 404, 0)]
    return record(marks=marks, drawings=2, named=named)


async def test_segments_without_a_category_get_prompts_that_ask_what_they_are() -> None:
    door = Script(
        {
            "objects": "1. Kite: a yellow kite.;\n3. Not visible: the object is not visible.;",
            "objects/repair 1": "3. Grass: green grass.",
            "objects 2": "2. Young man: a man in black.",
            "interactions": "1 and 2: the man holds the kite.",
        }
    )
    made = full(prompts=OPEN, repair_prompts=OPEN_REPAIRS)
    given = await made.annotate(unnamed(), door)
    assert [(c.segment, c.summary) for c in given.captions] == [
        (907, "Kite"),
        (31, "Young man"),
        (404, "Grass"),
    ]
    assert all("open" in c.origin.prompt for c in given.captions)
    assert "region" not in "".join(map(door.text, door.asked)), "nobody calls a thing a region"
    assert "The IDs are: 1, 3." in door.text("objects") or ": 1, 3." in door.text("objects")
    assert "The IDs to describe (1 in all): 3." in door.text("objects/repair 1")
    assert "- Kite: a yellow kite.\n- Grass: green grass." in door.text("objects 2")
    assert "- 2 (Young man): a man in black." in door.text("interactions")
    assert given.relations[0].segments == (907, 31)


async def test_with_prompts_of_one_kind_only_they_serve_every_record() -> None:
    door = Script({"objects": "1. Kite: a kite.\n3. Grass: grass.", "objects 2": "2. Man: a man."})
    given = await stage().annotate(unnamed(), door)
    assert "1: region, 3: region" in door.text("objects")
    assert [c.summary for c in given.captions] == ["Kite", "Man", "Grass"]


class OtherGrammar:
    """A grammar in which interactions cannot be asked for alone."""

    VERSION = 1

    def write(self, answer: Answer) -> str:
        return str(answer)

    def parse(self, text: str) -> Parsed:
        return Parsed(Answer())

    def judge(self, parsed: Parsed, expected: tuple[Expected, ...]) -> Judgement:
        return Judgement({}, ())


def free_prompt(name: str) -> Prompt:
    """A prompt for any grammar."""
    return parse_prompt(name, "---\nabout: a\nsource: b\n---\nSay something.\n")


def test_prompts_are_checked_before_anything_is_sent() -> None:
    with pytest.raises(RecipeError, match=r"prompt1.v1 wants categories, which this stage cannot"):
        full(interaction_prompts=("pix2cap/prompt1.v1",))
    with pytest.raises(RecipeError, match=r"interactions1.v2 wants num_pictures, objects, which"):
        full(later_prompts=BETWEEN)
    with pytest.raises(RecipeError, match=r"no prompt called 'pix2cap/later9.v1'"):
        full(later_prompts=("pix2cap/later9.v1",))
    names = {prompt.name for prompt in full(repair=0).prompts()}
    assert names == {"pix2cap/prompt1.v1", "pix2cap/prompt2.v1", *LATER, *BETWEEN}
    other: dict[str, Any] = {"answer": f"{__name__}:OtherGrammar", "load": free_prompt, "repair": 0}
    assert stage(**other).calls(dense()) == 3
    with pytest.raises(RecipeError, match="interactions cannot be asked for alone; leave"):
        stage(**other, interaction_prompts=("free",))
