"""The stage ``merge``: its question, its repairs, and what it makes of the replies.

The door here answers from a script; what the stage sends and how it goes on is looked at message
by message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from annoengine.errors import RecordFailed
from annoengine.prompt import Prompt, load_prompt
from annoengine.provider import Context, ImagePart, Reply, TextPart
from annoengine.record import Caption, Origin, Record
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.merge import Merge, MergeParameters
from tests.stages.scripted import Script, bad, mark, record

FIRST = tuple(f"coconut_pancap/merge{n}.v1" for n in (1, 2, 3))
REPAIRS = tuple(f"coconut_pancap/merge_repair{n}.v1" for n in (1, 2))
REVIEWER = Origin(stage="review", model="people")
TOLD = {907: "a man in red", 31: "a brown dog on a leash", 404: "an even blue sky"}
# Marks 1, 2, 3 are the segments 907 (person), 31 (dog) and 404 (sky).
RIGHT = (
    "The image shows a walk in the park. <1: A man in red> leads <2: a brown dog> on a long leash, "
    "and above the two spans <3: an even blue sky>."
)
SHORT = "<1: A man> and <2: a dog> under <3: the sky>."


def given(told: dict[int, str] = TOLD, **changes: Any) -> Record:
    # 81 of 256 pixels: every segment must be mentioned.
    one = record(**changes)
    one = one.but(photo=one.photo.but(width=16, height=16))
    captions = tuple(Caption(text=text, segment=id, origin=REVIEWER) for id, text in told.items())
    return one.but(captions=captions)


def stage(seed: int = 7, load: Callable[[str], Prompt] = load_prompt, **settings: Any) -> Merge:
    parameters = MergeParameters(**{"prompts": FIRST, "repair_prompts": REPAIRS, **settings})
    setup = Setup("merge", seed, load, {"annotator": "openai/m-1"})
    built = find("stage", "merge")(parameters, setup)
    assert isinstance(built, Merge)
    return built


def paragraph_of(one: Record) -> Caption:
    (found,) = [caption for caption in one.captions if caption.segment is None]
    return found


def phrases_of(caption: Caption) -> list[tuple[str, tuple[int, ...]]]:
    return [(caption.text[s.start : s.end], s.segments) for s in caption.spans]


def scores_of(one: Record) -> dict[str, float]:
    return {score.name: score.value for score in one.scores}


async def test_tags_of_marks_become_spans_of_segments() -> None:
    door = Script({"paragraph": RIGHT})
    made = await stage().annotate(given(), door)
    assert made.captions[:3] == given().captions
    caption = paragraph_of(made)
    assert caption.text == RIGHT.replace("<1: ", "").replace("<2: ", "").replace(
        "<3: ", ""
    ).replace(">", "")
    assert phrases_of(caption) == [
        ("A man in red", (907,)),
        ("a brown dog", (31,)),
        ("an even blue sky", (404,)),
    ]
    assert (caption.origin.stage, caption.origin.model) == ("merge", "m-1")
    assert (caption.origin.call, caption.origin.turn) == ("key paragraph", "paragraph")
    assert caption.origin.prompt in FIRST
    assert caption.origin.prompt_sha256 == load_prompt(caption.origin.prompt).sha256
    assert scores_of(made) == {
        "grounded.coverage": 1,
        "grounded.faults": 0,
        "grounded.doubts": 0,
        "grounded.mends": 0,
        "grounded.words": 29,
        "grounded.repaired": 0,
    }
    assert list(door.asked) == ["paragraph"]
    assert Record.from_line(made.to_line()) == made


async def test_a_phrase_of_several_marks_gets_all_their_segments() -> None:
    two = given(
        {5: "a tall man", 9: "a short man", 3: "grass"},
        marks=[mark(1, 9), mark(2, 5), mark(3, 3)],
        named=[(5, "person"), (9, "person"), (3, "grass-merged")],
    )
    text = "On <3: grass> stand <2,1: two men>, one of whom is much taller than the other one is."
    made = await stage(least_words=5).annotate(two, Script({"paragraph": text}))
    assert phrases_of(paragraph_of(made)) == [("grass", (3,)), ("two men", (5, 9))]


async def test_the_question_has_the_captions_as_words_and_the_marked_picture() -> None:
    door = Script({"paragraph": RIGHT})
    await stage(temperature=0.2, words=150, detail="high").annotate(given(), door)
    request = door.asked["paragraph"]
    words, picture = request.messages[0].parts
    assert isinstance(words, TextPart)
    assert isinstance(picture, ImagePart)
    assert picture.image == given().drawings[0].image
    assert words.text.rstrip().endswith(
        "1: Person - a man in red\n2: Dog - a brown dog on a leash\n3: Sky - an even blue sky"
    )
    assert "150 words" in words.text
    assert (request.sampling.temperature, request.sampling.detail) == (0.2, "high")
    context = request.context
    assert isinstance(context, Context)
    assert (context.marks, context.grammar, context.wants) == ((1, 2, 3), "grounded", "paragraph")


@pytest.mark.parametrize(
    ("pictures", "order", "kinds"),
    [
        ("marked", "last", ["text", "0.png", "1.png"]),
        ("clean", "last", ["text", "7.jpg"]),
        ("both", "first", ["0.png", "1.png", "7.jpg", "text"]),
    ],
)
async def test_which_pictures_are_shown(pictures: str, order: str, kinds: list[str]) -> None:
    dense = given(marks=[mark(1, 907), mark(2, 31, of=1), mark(3, 404, of=1)], drawings=2)
    door = Script({"paragraph": RIGHT})
    made = await stage(pictures=pictures, picture=order).annotate(dense, door)
    parts = door.asked["paragraph"].messages[0].parts
    assert [p.image.file if isinstance(p, ImagePart) else "text" for p in parts] == kinds
    # Marks of several drawings, one paragraph over all of them.
    assert len(paragraph_of(made).spans) == 3


async def test_without_drawings_the_photograph_is_shown_and_numbers_are_given() -> None:
    door = Script({"paragraph": RIGHT})
    made = await stage().annotate(given(marks=[], drawings=0), door)
    assert isinstance(door.asked["paragraph"].messages[0].parts[1], ImagePart)
    assert len(paragraph_of(made).spans) == 3


async def test_a_correction_changes_the_question_of_its_record_alone() -> None:
    async def asked(one: Record) -> Any:
        door = Script({"paragraph": RIGHT})
        await stage().annotate(one, door)
        return door.asked["paragraph"].content()

    corrected = given({**TOLD, 31: "a brown dog without a leash"})
    before, after = await asked(given()), await asked(corrected)
    assert before != after
    assert await asked(given()) == before
    # What people did to other fields is no matter of this call.
    assert await asked(given().but(scores=(), verdicts=())) == before
    other = given({**TOLD, 31: "a brown dog on a leash"}).captions[1]
    by_another = given().but(
        captions=tuple(
            other.but(origin=Origin(stage="review", model="people", repairs=1)) if c == other else c
            for c in given().captions
        )
    )
    assert await asked(by_another) == before


async def test_a_removed_region_is_neither_told_nor_accepted() -> None:
    removed = given({id: text for id, text in TOLD.items() if id != 31})
    door = Script({"paragraph": RIGHT, "paragraph/repair 1": RIGHT})
    made = await stage(repair=1).annotate(removed, door)
    assert "2: Dog" not in door.text("paragraph")
    assert "“a brown dog” is tagged with 2" in door.text("paragraph/repair 1")
    assert phrases_of(paragraph_of(made)) == [
        ("A man in red", (907,)),
        ("an even blue sky", (404,)),
    ]
    assert "leads a brown dog on" in paragraph_of(made).text


async def test_an_added_region_without_a_mark_has_a_number_of_its_own() -> None:
    added = given(
        {**TOLD, 77: "a bench"}, named=[(907, "person"), (31, "dog"), (404, "sky"), (77, "bench")]
    )
    text = RIGHT + " Beside them is <4: a bench>."
    door = Script({"paragraph": text})
    made = await stage().annotate(added, door)
    assert "4: Bench - a bench" in door.text("paragraph")
    assert phrases_of(paragraph_of(made))[-1] == ("a bench", (77,))


async def test_rules_mend_what_has_one_reading_and_nobody_is_asked() -> None:
    text = RIGHT.replace("<2: a brown dog>", "<2>a brown dog>").replace("<3: ", "<3:")
    door = Script({"paragraph": text})
    made = await stage().annotate(given(), door)
    assert phrases_of(paragraph_of(made))[1] == ("a brown dog", (31,))
    assert scores_of(made)["grounded.mends"] == 2
    assert list(door.asked) == ["paragraph"]


async def test_a_caption_that_counts_from_0_is_mended() -> None:
    shifted = RIGHT.replace("<1:", "<0:").replace("<2:", "<1:").replace("<3:", "<2:")
    made = await stage().annotate(given(), Script({"paragraph": shifted}))
    assert phrases_of(paragraph_of(made)) == [
        ("A man in red", (907,)),
        ("a brown dog", (31,)),
        ("an even blue sky", (404,)),
    ]
    assert scores_of(made)["grounded.mends"] == 1


UNDETERMINED = (
    "In a wide park on a sunny day <1: a dog> runs about all the time, and a long way off there "
    "is <3: a man> who watches it with a smile."
)
"""Two of two fit nothing as they stand, and no other way of counting is clearly better."""


async def test_what_counts_from_nobody_knows_where_is_never_guessed() -> None:
    replies: dict[str, str | Reply] = {"paragraph": UNDETERMINED}
    for setting in ("fail", "keep"):
        with pytest.raises(RecordFailed, match="counted from another number") as error:
            await stage(repair=0, on_useless=setting).annotate(given(), Script(replies))
        assert (error.value.reason, error.value.turns) == ("unmerged", ("paragraph",))
    door = Script(replies)
    made = await stage(repair=0, on_useless="leave").annotate(given(), door)
    assert made == given()
    (aside,) = door.aside
    assert aside[1] == "unmerged (undetermined)"
    assert {score.name for score in aside[2]} == set(Merge.SCORES)


async def test_a_repair_quotes_what_is_wrong_in_one_conversation() -> None:
    wrong = RIGHT.replace("<2: a brown dog>", "<2: a parked car>")
    door = Script({"paragraph": wrong, "paragraph/repair 1": RIGHT})
    made = await stage().annotate(given(), door)
    request = door.asked["paragraph/repair 1"]
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert request.messages[0] == door.asked["paragraph"].messages[0]
    assert request.messages[1].parts == (TextPart(text=wrong),)
    text = door.text("paragraph/repair 1")
    assert "- The phrase “a parked car” is tagged with 2, whose category is dog." in text
    assert "1, 2, 3" in text
    caption = paragraph_of(made)
    assert (caption.origin.turn, caption.origin.repairs) == ("paragraph/repair 1", 1)
    assert caption.origin.prompt in REPAIRS
    assert (scores_of(made)["grounded.faults"], scores_of(made)["grounded.repaired"]) == (0, 1)


async def test_the_best_of_all_answers_is_kept_with_what_is_right_of_it() -> None:
    one_wrong = RIGHT.replace("<2: a brown dog>", "<2: a parked car>")
    two_wrong = one_wrong.replace("<1: A man in red>", "<1: A bus>")
    door = Script(
        {"paragraph": two_wrong, "paragraph/repair 1": one_wrong, "paragraph/repair 2": two_wrong}
    )
    made = await stage().annotate(given(), door)
    caption = paragraph_of(made)
    assert caption.origin.turn == "paragraph/repair 1"
    assert phrases_of(caption) == [("A man in red", (907,)), ("an even blue sky", (404,))]
    assert "a parked car" in caption.text
    scores = scores_of(made)
    assert (scores["grounded.faults"], scores["grounded.coverage"]) == (1, 0.6667)


async def test_important_segments_must_be_mentioned_and_the_recipe_says_which() -> None:
    without = RIGHT.replace("<3: an even blue sky>", "a sky")
    door = Script({"paragraph": without, "paragraph/repair 1": RIGHT})
    await stage().annotate(given(), door)
    assert "- Nothing is tagged with 3." in door.text("paragraph/repair 1")
    # Stuff from half of the image on: 81 of 256 pixels are less.
    door = Script({"paragraph": without})
    made = await stage(least_stuff_share=0.5).annotate(given(), door)
    assert scores_of(made)["grounded.coverage"] == 1


@pytest.mark.parametrize(
    ("settings", "text", "detail", "kind"),
    [
        ({}, SHORT, "The paragraph has 8 words; it must have 20 or more.", "short"),
        ({"most_words": 25}, RIGHT, "has 29 words; it may have no more than 25.", "long"),
        ({}, RIGHT.replace("<", "").replace(">", ""), "no tagged phrase", "untagged"),
    ],
)
async def test_a_useless_paragraph_fails_or_is_kept_or_left(
    settings: dict[str, Any], text: str, detail: str, kind: str
) -> None:
    replies: dict[str, str | Reply] = {
        "paragraph": text,
        "paragraph/repair 1": text,
        "paragraph/repair 2": text,
    }
    with pytest.raises(RecordFailed) as error:
        await stage(**settings).annotate(given(), Script(replies))
    assert error.value.reason == "unmerged"
    assert error.value.detail.startswith("no usable paragraph: ")
    assert detail in error.value.detail
    assert error.value.turns == ("paragraph/repair 1", "paragraph/repair 2")
    kept = await stage(**settings, on_useless="keep").annotate(given(), Script(replies))
    assert paragraph_of(kept).text
    assert scores_of(kept)["grounded.faults"] >= 1
    door = Script(replies)
    assert await stage(**settings, on_useless="leave").annotate(given(), door) == given()
    assert [reason for _, reason, _ in door.aside] == [f"unmerged ({kind})"]


async def test_a_usable_paragraph_beats_one_with_fewer_faults() -> None:
    wrong = RIGHT.replace("<2: a brown dog>", "<2: a car> behind a > sign")
    door = Script({"paragraph": wrong, "paragraph/repair 1": SHORT})
    made = await stage(repair=1).annotate(given(), door)
    assert paragraph_of(made).origin.turn == "paragraph"


async def test_a_paragraph_that_broke_off_is_asked_again() -> None:
    half = RIGHT[: RIGHT.index("spans") + 5]
    door = Script({"paragraph": bad("truncated", half), "paragraph/repair 1": RIGHT})
    made = await stage().annotate(given(), door)
    assert "- The paragraph broke off before its end." in door.text("paragraph/repair 1")
    assert paragraph_of(made).origin.repairs == 1
    # One that ended its sentence at the limit is whole.
    made = await stage().annotate(given(), Script({"paragraph": bad("truncated", RIGHT)}))
    assert paragraph_of(made).origin.repairs == 0


@pytest.mark.parametrize("outcome", ["refusal", "filtered", "empty", "gave_up"])
async def test_no_answer_fails_the_record_under_its_own_name(outcome: Any) -> None:
    door = Script({"paragraph": bad(outcome, detail="why")})
    with pytest.raises(RecordFailed) as error:
        await stage().annotate(given(), door)
    assert (error.value.reason, error.value.detail) == (outcome, "why")
    assert error.value.turns == ("paragraph",)
    door = Script({"paragraph": bad(outcome)})
    if outcome == "gave_up":
        with pytest.raises(RecordFailed, match="gave_up"):
            await stage(on_useless="leave").annotate(given(), door)
    else:
        assert await stage(on_useless="leave").annotate(given(), door) == given()


async def test_no_answer_to_a_repair_keeps_what_there_is() -> None:
    wrong = RIGHT.replace("<2: a brown dog>", "<2: a parked car>")
    replies: dict[str, str | Reply] = {
        "paragraph": wrong,
        "paragraph/repair 1": bad("refusal", detail="no"),
        "paragraph/repair 2": RIGHT,
    }
    door = Script(replies)
    made = await stage(repair=1).annotate(given(), door)
    assert len(paragraph_of(made).spans) == 2
    door = Script(replies)
    made = await stage().annotate(given(), door)
    assert "The model did not answer (refusal: no)." in door.text("paragraph/repair 2")
    assert door.asked["paragraph/repair 2"].messages[1].parts == (TextPart(text=wrong),)
    assert len(paragraph_of(made).spans) == 3
    door = Script({"paragraph": wrong, "paragraph/repair 1": bad("gave_up", detail="gone")})
    with pytest.raises(RecordFailed) as error:
        await stage().annotate(given(), door)
    assert (error.value.reason, error.value.turns) == ("gave_up", ("paragraph/repair 1",))


async def test_a_record_without_region_captions_is_left_alone() -> None:
    for one in (given({}), given({907: "  "})):
        door = Script({})
        assert await stage().annotate(one, door) == one
        assert door.asked == {}


async def test_a_paragraph_that_somebody_wrote_stays_the_only_one() -> None:
    made = await stage().annotate(given(), Script({"paragraph": RIGHT}))
    door = Script({})
    assert await stage().annotate(made, door) == made
    assert stage().calls(made) == 0
    # A caption of the whole image without grounded phrases is none.
    bare = given().but(captions=(*given().captions, Caption(text="A park.", origin=REVIEWER)))
    again = await stage().annotate(bare, Script({"paragraph": RIGHT}))
    assert [len(c.spans) for c in again.captions] == [0, 0, 0, 0, 3]
