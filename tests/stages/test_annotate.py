"""The stage ``annotate``: its turns, its repairs, and what it makes of the replies.

The door here answers from a script; what the stage sends and how it goes on is looked at message
by message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from annoengine.errors import RecipeError, RecordFailed
from annoengine.prompt import Prompt, load_prompt, parse_prompt
from annoengine.provider import Context, ImagePart, Outcome, TextPart
from annoengine.record import Gap
from annoengine.registry import find
from tests.stages.scripted import (
    FIRST,
    REPAIRS,
    RIGHT,
    Script,
    bad,
    drawing,
    mark,
    record,
    stage,
)


async def test_every_mark_gets_its_caption_in_the_order_of_segments() -> None:
    door = Script(
        {"objects": RIGHT + "\nThe interactions include:\n2 and 1: the dog follows him.;"}
    )
    given = await stage().annotate(record(), door)
    assert [(c.segment, c.summary, c.text) for c in given.captions] == [
        (907, "Person", "a man in red."),
        (31, "Dog", "a brown dog."),
        (404, "Sky", "the sky is blue."),
    ]
    assert [(r.segments, r.text) for r in given.relations] == [((31, 907), "the dog follows him.")]
    assert given.gaps == ()
    origin = given.captions[0].origin
    assert (origin.stage, origin.model, origin.turn) == ("annotate", "m-1", "objects")
    assert (origin.call, origin.repairs) == ("key objects", 0)
    assert origin.prompt in FIRST
    assert origin.prompt_sha256 == load_prompt(origin.prompt).sha256
    assert given.relations[0].origin == origin


async def test_marks_are_mapped_to_segments_by_the_record_alone() -> None:
    swapped = record(marks=[mark(1, 404), mark(2, 907), mark(3, 31)])
    door = Script(
        {"objects": "1. Sky: blue.\n2. Man: tall man.\n3. Dog: brown dog.\n1 and 3: he looks up."}
    )
    given = await stage().annotate(swapped, door)
    assert [(c.segment, c.summary) for c in given.captions] == [
        (907, "Man"),
        (31, "Dog"),
        (404, "Sky"),
    ]
    assert given.relations[0].segments == (404, 31)


@pytest.mark.parametrize("place", ["last", "first"])
async def test_the_question_is_the_filled_prompt_and_the_picture(place: str) -> None:
    door = Script({"objects": RIGHT})
    made = stage(temperature=0.2, max_tokens=900, seed=3, detail="high", picture=place)
    await made.annotate(record(), door)
    request = door.asked["objects"]
    assert request.model == "annotator"
    assert [message.role for message in request.messages] == ["user"]
    parts = request.messages[0].parts
    words, picture = parts if place == "last" else reversed(parts)
    assert isinstance(picture, ImagePart)
    assert picture.image == drawing("0.png").image
    assert isinstance(words, TextPart)
    assert "1: person, 2: dog, 3: sky" in words.text
    assert "label 3 objects" in words.text or "labeled 3 objects" in words.text
    sampling = request.sampling
    assert (sampling.temperature, sampling.max_tokens, sampling.seed) == (0.2, 900, 3)
    assert sampling.detail == "high"
    context = request.context
    assert isinstance(context, Context)
    assert (context.record, context.marks, context.grammar) == (record(), (1, 2, 3), "numbered")
    assert context.files is door.files
    assert context.compute == door.compute


async def test_a_repair_asks_for_the_missing_marks_alone_and_says_why() -> None:
    first = "1. Person: a man in red.;\n2. Cat: a brown cat.;"
    door = Script(
        {"objects": first, "objects/repair 1": "2. Dog: a brown dog.;\n3. Sky: blue sky."}
    )
    given = await stage().annotate(record(), door)
    assert [c.text for c in given.captions] == ["a man in red.", "a brown dog.", "blue sky."]
    assert [c.origin.repairs for c in given.captions] == [0, 1, 1]
    assert given.captions[1].origin.turn == "objects/repair 1"
    assert given.captions[1].origin.prompt in REPAIRS
    request = door.asked["objects/repair 1"]
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert request.messages[0] == door.asked["objects"].messages[0]
    assert request.messages[1].parts == (TextPart(text=first),)
    text = door.text("objects/repair 1")
    assert '- Object 2 was described as "Cat", but its category is dog.' in text
    assert "- Object 3 was not described." in text
    assert "2: dog, 3: sky" in text
    assert "1: person" not in text
    assert request.context is not None
    assert request.context.marks == (2, 3)


async def test_a_second_repair_quotes_the_last_answer() -> None:
    door = Script(
        {
            "objects": "1. Person: a man in red.",
            "objects/repair 1": "2. Dog: a brown dog.\n3. Sea: the sea.",
            "objects/repair 2": "3. Sky: the sky.",
        }
    )
    given = await stage().annotate(record(), door)
    assert [c.origin.repairs for c in given.captions] == [0, 1, 2]
    messages = door.asked["objects/repair 2"].messages
    assert messages[1].parts == (TextPart(text="2. Dog: a brown dog.\n3. Sea: the sea."),)
    assert 'described as "Sea"' in door.text("objects/repair 2")
    assert "Object 2" not in door.text("objects/repair 2")


async def test_what_was_right_is_not_changed_by_a_repair() -> None:
    door = Script(
        {
            "objects": "1. Person: a man in red.\n2. Dog: a dog here.",
            "objects/repair 1": "1. Person: another text.\n3. Sky: the sky.",
        }
    )
    given = await stage().annotate(record(), door)
    assert given.captions[0].text == "a man in red."


async def test_a_caption_that_speaks_of_marks_is_kept_where_nothing_better_comes() -> None:
    leaky = "1. Person: a man in red.\n2. Dog: a dog near object 1.\n3. Sky: the sky."
    better = Script({"objects": leaky, "objects/repair 1": "2. Dog: a dog near the man."})
    given = await stage().annotate(record(), better)
    assert given.captions[1].text == "a dog near the man."
    assert "speaks of the marks" in better.text("objects/repair 1")

    worse = Script({"objects": leaky, "objects/repair 1": "2. Dog: sorry, I can't."})
    given = await stage(repair=1).annotate(record(), worse)
    assert given.captions[1].text == "a dog near object 1."
    assert (given.captions[1].origin.turn, given.captions[1].origin.repairs) == ("objects", 0)

    as_the_paper = Script({"objects": leaky})
    given = await stage(repair=0).annotate(record(), as_the_paper)
    assert [c.text for c in given.captions][1] == "a dog near object 1."


async def test_no_repair_where_nothing_is_missing() -> None:
    door = Script({"objects": RIGHT})
    await stage().annotate(record(), door)
    assert list(door.asked) == ["objects"]


async def test_a_record_with_unmatched_marks_is_set_aside() -> None:
    door = Script({"objects": "1. Person: a man in red.", "objects/repair 1": "2. Cat: a cat."})
    with pytest.raises(RecordFailed) as error:
        await stage(repair=1).annotate(record(), door)
    assert error.value.reason == "unmatched"
    assert error.value.turns == ("objects/repair 1",)
    assert error.value.detail == (
        'no usable description of mark 2, 3: Object 2 was described as "Cat", but its category is '
        "dog. Object 3 was not described."
    )


async def test_without_repairs_the_first_turn_is_the_one_to_ask_again() -> None:
    door = Script({"objects": "1. Person: a man in red."})
    with pytest.raises(RecordFailed) as error:
        await stage(repair=0).annotate(record(), door)
    assert (error.value.reason, error.value.turns) == ("unmatched", ("objects",))
    assert list(door.asked) == ["objects"]


async def test_all_repairs_are_named_to_be_asked_again() -> None:
    nothing = "1. Person: a man in red."
    door = Script(dict.fromkeys(["objects", "objects/repair 1", "objects/repair 2"], nothing))
    with pytest.raises(RecordFailed) as error:
        await stage(repair=2).annotate(record(), door)
    assert error.value.turns == ("objects/repair 1", "objects/repair 2")


async def test_gaps_are_left_where_the_recipe_says_so() -> None:
    text = (
        "1. Person: a man in red.\n2. Cat: a cat.\nThe interactions include:\n"
        "1 and 3: the man under the sky."
    )
    door = Script({"objects": text, "objects/repair 1": "3. Sky: not visible in the image."})
    given = await stage(repair=1, on_unmatched="leave").annotate(record(), door)
    assert [c.segment for c in given.captions] == [907]
    assert given.gaps == (
        Gap(segment=31, reason="missing", detail="Object 2 was not described.", stage="annotate"),
        Gap(
            segment=404,
            reason="refusal",
            detail='Object 3 was not described, but refused: "not visible in the image".',
            stage="annotate",
        ),
    )
    assert given.relations == (), "an interaction with a mark that has no caption is not kept"


@pytest.mark.parametrize("outcome", ["refusal", "filtered", "empty", "gave_up"])
async def test_a_first_answer_that_is_none_sets_the_record_aside(outcome: Outcome) -> None:
    door = Script({"objects": bad(outcome, detail="said the server")})
    with pytest.raises(RecordFailed) as error:
        await stage().annotate(record(), door)
    assert (error.value.reason, error.value.detail) == (outcome, "said the server")
    assert error.value.turns == ("objects",)


async def test_a_truncated_answer_is_used_as_far_as_it_goes() -> None:
    cut = bad("truncated", "1. Person: a man in red\n2. Dog: a brown dog\n3. Sky: a clear and bl")
    door = Script({"objects": cut, "objects/repair 1": "3. Sky: a clear and blue sky."})
    given = await stage().annotate(record(), door)
    assert [c.origin.repairs for c in given.captions] == [0, 0, 1]
    assert "The description of object 3 broke off." in door.text("objects/repair 1")


async def test_a_truncated_answer_may_end_with_a_sentence() -> None:
    door = Script({"objects": bad("truncated", RIGHT)})
    given = await stage().annotate(record(), door)
    assert len(given.captions) == 3


async def test_a_truncated_answer_loses_its_last_interaction() -> None:
    said = RIGHT + "\nThe interactions include:\n1 and 2: he walks it\n1 and 3: he looks"
    given = await stage().annotate(record(), Script({"objects": bad("truncated", said)}))
    assert [relation.text for relation in given.relations] == ["he walks it"]


async def test_a_truncated_answer_without_a_word_sets_the_record_aside() -> None:
    with pytest.raises(RecordFailed, match="truncated") as error:
        await stage().annotate(record(), Script({"objects": bad("truncated", " \n")}))
    assert error.value.turns == ("objects",)


async def test_a_repair_that_is_refused_is_tried_again_from_the_last_words() -> None:
    first = "1. Person: a man in red.\n2. Dog: a brown dog."
    door = Script(
        {
            "objects": first,
            "objects/repair 1": bad("refusal", detail="policy"),
            "objects/repair 2": "3. Sky: the sky.",
        }
    )
    given = await stage().annotate(record(), door)
    assert len(given.captions) == 3
    assert door.asked["objects/repair 2"].messages[1].parts == (TextPart(text=first),)
    assert "The model did not answer (refusal: policy)." in door.text("objects/repair 2")


async def test_a_refused_repair_leaves_a_gap_that_says_so() -> None:
    door = Script(
        {
            "objects": "1. Person: a man in red.\n2. Dog: a brown dog.",
            "objects/repair 1": bad("filtered"),
        }
    )
    given = await stage(repair=1, on_unmatched="leave").annotate(record(), door)
    assert [(gap.segment, gap.reason) for gap in given.gaps] == [(404, "filtered")]


async def test_a_repair_that_gave_up_is_never_a_gap() -> None:
    door = Script({"objects": "1. Person: a man in red.", "objects/repair 1": bad("gave_up")})
    with pytest.raises(RecordFailed) as error:
        await stage(on_unmatched="leave").annotate(record(), door)
    assert (error.value.reason, error.value.turns) == ("gave_up", ("objects/repair 1",))


async def test_each_drawing_is_a_turn_of_its_own() -> None:
    marks = [mark(1, 907, 0), mark(2, 31, 0), mark(3, 404, 2)]
    door = Script(
        {
            "objects": "1. Person: a man in red.",
            "objects/repair 1": "2. Dog: a brown dog.",
            "objects 2": "3. Sky: the sky.",
        }
    )
    given = await stage().annotate(record(marks=marks, drawings=3), door)
    assert list(door.asked) == ["objects", "objects 2", "objects/repair 1"]
    assert [c.origin.turn for c in given.captions] == ["objects", "objects/repair 1", "objects 2"]
    pictures = [request.images()[0].sha256 for request in door.asked.values()]
    assert pictures == ["0" * 64, "2" * 64, "0" * 64]
    assert "3: sky" not in door.text("objects")
    assert stage().calls(record(marks=marks, drawings=3)) == 2


async def test_numbers_may_begin_again_on_another_drawing() -> None:
    marks = [mark(1, 907, 0), mark(1, 404, 1)]
    door = Script({"objects": "1. Person: a man.", "objects 2": "1. Sky: the sky."})
    given = await stage().annotate(record(marks=marks, drawings=2), door)
    assert [(c.segment, c.text) for c in given.captions] == [(907, "a man."), (404, "the sky.")]


async def test_a_record_without_marks_costs_no_call() -> None:
    bare = record(marks=[])
    door = Script({})
    assert await stage().annotate(bare, door) == bare
    assert stage().calls(bare) == 0


async def test_the_prompt_depends_on_seed_and_record_and_the_odds_are_even() -> None:
    made = stage()
    drawn = {}
    for number in range(400):
        one = record(id=f"coco/val/{number}")
        given = await made.annotate(one, Script({"objects": RIGHT}))
        drawn[one.id] = given.captions[0].origin.prompt
    counts = Counter(drawn.values())
    assert set(counts) == set(FIRST)
    assert 160 <= counts[FIRST[0]] <= 240, "400 fair tosses: 200 ± 4 standard deviations"
    turned_round = stage(prompts=tuple(reversed(FIRST)))
    for number in range(20):
        one = record(id=f"coco/val/{number}")
        given = await turned_round.annotate(one, Script({"objects": RIGHT}))
        assert given.captions[0].origin.prompt == drawn[one.id]
    other_seed = [
        (await stage(run_seed=8).annotate(record(id=id), Script({"objects": RIGHT}))).captions[0]
        for id in list(drawn)[:40]
    ]
    assert [c.origin.prompt for c in other_seed] != list(drawn.values())[:40]


def test_what_it_depends_on_is_declared() -> None:
    made = stage()
    assert {prompt.name for prompt in made.prompts()} == {*FIRST, *REPAIRS}
    assert {prompt.name for prompt in stage(repair=0).prompts()} == set(FIRST)
    assert made.roles() == ("annotator",)
    assert stage(model="second").roles() == ("second",)
    versions = made.versions()
    assert versions["grammar"] == {"numbered": find("answer", "numbered").VERSION}
    assert len(versions["category_words"]) == 64


HEAD = "---\nabout: a\nsource: b\nvariables: [{variables}]\nanswer: {answer}\n---\n{body}\n"


def made_up(variables: str = "categories", answer: str = "numbered") -> Callable[[str], Prompt]:
    body = " ".join("{{" + name + "}}" for name in variables.split(", "))
    text = HEAD.format(variables=variables, answer=answer, body=body)
    return lambda name: parse_prompt(name, text)


@pytest.mark.parametrize(
    ("parameters", "load", "message"),
    [
        ({"answer": "numberd"}, load_prompt, "no answer called 'numberd'. Did you mean 'numbered'"),
        ({"prompts": ("pix2cap/no.v1",)}, load_prompt, "no prompt called 'pix2cap/no.v1'"),
        ({"repair_prompts": ()}, load_prompt, "repair is 2 and there is no prompt"),
        ({}, made_up("categories, weather"), "wants weather, which this stage cannot fill"),
        ({}, made_up("given"), "wants given, which this stage cannot fill"),
        ({}, made_up("faults"), "wants faults, which this stage cannot fill"),
        ({}, made_up(answer="grounded"), "asks for an answer in the grammar 'grounded'"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_before_anything_is_sent(
    parameters: dict[str, Any], load: Callable[[str], Prompt], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        stage(load=load, **parameters)


def test_the_prompts_of_the_paper_show_names_and_not_raw_categories() -> None:
    for name in FIRST:
        text = load_prompt(name).fill(num_instances="2", categories="1: sky, 2: brick wall")
        assert "1: sky, 2: brick wall" in text
        assert text.endswith("Please start your answer:")
        assert "2-5. people: xxx" in text
