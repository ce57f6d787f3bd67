"""The stage ``pancap_chain``: what each turn tells and asks, its repairs, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from annoengine.errors import RecipeError, RecordFailed
from annoengine.pancap.chain_settings import PancapChainParameters
from annoengine.prompt import load_prompt
from annoengine.provider import Context, ImagePart, Reply, TextPart
from annoengine.record import Caption, Category, Photo, Record, Segment
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.pancap_chain import PancapChain
from tests.stages.scripted import Script, bad

# Steps of 1000 over a square of 200 x 200; the image begins 50 pixels below its top.
DOG, CAT, SKY = (
    "<box>[[100, 300, 500, 600]]</box>",
    "<box>[[600, 300, 900, 700]]</box>",
    "<box>[[0, 250, 1000, 450]]</box>",
)
BOXES = f"{DOG}, {CAT}"
TAGGED = f"dog {DOG}, a cat {CAT}"
ALL = f"{TAGGED}, sky {SKY}"
CAPTION = (
    f"A brown dog {DOG} sits beside a cat {CAT} on a lawn. Above them spans the sky {SKY}, even "
    "and blue, and nobody else is there to see them."
)
TEXT = (
    "A brown dog sits beside a cat on a lawn. Above them spans the sky, even and blue, and nobody "
    "else is there to see them."
)
RIGHT: dict[str, str | Reply] = {
    "localise": BOXES,
    "tag": TAGGED,
    "discover": f"sky {SKY}",
    "caption": CAPTION,
}
TURNS = tuple(RIGHT)


def given(*segments: Segment) -> Record:
    photo = Photo(file="7.jpg", width=200, height=100, sha256="0" * 64)
    return Record(id="coco/val/7", photo=photo, segments=segments)


def region(id: int, name: str, box: tuple[int, int, int, int], **values: Any) -> Segment:
    return Segment(
        id=id, category=Category(name=name), isthing=True, box_xyxy=box, area_px=9, **values
    )


def stage(**settings: Any) -> PancapChain:
    setup = Setup("pancap_chain", 7, load_prompt, {"annotator": "openai/m-1"})
    built = find("stage", "pancap_chain")(PancapChainParameters(**settings), setup)
    assert isinstance(built, PancapChain)
    return built


def script(**turns: str | Reply) -> Script:
    return Script(RIGHT | {turn.replace("_", "/repair "): said for turn, said in turns.items()})


def caption_of(one: Record) -> Caption:
    (found,) = one.captions
    return found


def phrases_of(caption: Caption) -> list[tuple[str, tuple[int, ...]]]:
    return [(caption.text[s.start : s.end], s.segments) for s in caption.spans]


def scores_of(one: Record) -> dict[str, float]:
    return {score.name: score.value for score in one.scores}


async def test_each_turn_tells_what_was_read_before() -> None:
    door = script()
    made = await stage().annotate(given(), door)
    assert tuple(door.asked) == TURNS
    assert [door.text(turn) for turn in TURNS] == [
        "Please localize all entities in this image.",
        "Please specify the semantic tags of all entities based on their bounding boxes: " + BOXES,
        "Please specify missing entities and their locations for this image based on these "
        "specified entities: " + TAGGED,
        "Please provide a hyper-detailed description for this image, including all entities, their "
        "locations, attributes, and relationships, as well as the global image state, based on "
        "boxes and tags: " + ALL,
    ]
    # Each question stands alone with the photograph, as in the paper.
    for turn in TURNS:
        (message,) = door.asked[turn].messages
        (picture,) = [part.image for part in message.parts if isinstance(part, ImagePart)]
        assert picture == given().photo
    caption = caption_of(made)
    assert caption.text == TEXT
    assert phrases_of(caption) == [("A brown dog", (1,)), ("a cat", (2,)), ("the sky", (3,))]
    assert (caption.origin.turn, caption.origin.prompt) == ("caption", "pancap_chain/caption1.v1")
    assert [(s.id, s.category.name, s.box_xyxy, s.source) for s in made.segments] == [
        (1, "dog", (20, 10, 100, 70), "m-1"),
        (2, "cat", (120, 10, 180, 90), "m-1"),
        (3, "sky", (0, 0, 200, 40), "m-1"),
    ]
    assert scores_of(made) == {
        "chain.localised": 2,
        "chain.tagged": 2,
        "chain.discovered": 1,
        "chain.faults": 0,
        "chain.repaired": 0,
        "entities.told": 3,
        "entities.coverage": 1,
        "entities.invented": 0,
        "entities.moved": 0,
        "entities.faults": 0,
        "entities.repaired": 0,
        "entities.words": 26,
    }
    assert scores_of(made).keys() == PancapChain.SCORES
    assert Record.from_line(made.to_line()) == made


async def test_exact_doubles_go_and_known_entities_are_not_found_again() -> None:
    door = script(
        localise=f"{DOG}, {DOG}, {CAT}, {DOG}",
        tag=f"{TAGGED}, dog {DOG}, puppy {DOG}",
        discover=f"a cat {CAT}, sky {SKY}, sky {SKY}",
    )
    made = await stage(repair=0).annotate(given(), door)
    assert door.text("tag").endswith(f": {BOXES}")
    assert door.text("discover").endswith(f": {TAGGED}, puppy {DOG}")
    assert door.text("caption").endswith(f": {TAGGED}, puppy {DOG}, sky {SKY}")
    assert scores_of(made)["chain.localised"] == 2
    assert scores_of(made)["chain.tagged"] == 3


@pytest.mark.parametrize("said", ["None", "There are no missing entities in this image."])
async def test_nothing_more_is_an_answer(said: str) -> None:
    door = script(discover=said, caption=CAPTION.replace(f" {SKY}", ""))
    made = await stage().annotate(given(), door)
    assert door.text("caption").endswith(f": {TAGGED}")
    assert (scores_of(made)["chain.discovered"], scores_of(made)["chain.faults"]) == (0, 0)


async def test_entities_are_the_records_own_regions_where_one_lies_there() -> None:
    own = (
        region(31, "dog", (22, 10, 100, 70), mask=5),
        region(907, "person", (0, 80, 20, 100)),
        region(40, "cat", (120, 10, 180, 90), iscrowd=True),
    )
    made = await stage().annotate(given(*own), script())
    assert made.segments[:3] == own
    assert [s.id for s in made.segments[3:]] == [908, 909]
    assert [ids for _, ids in phrases_of(caption_of(made))] == [(31,), (908,), (909,)]
    made = await stage(ground="own").annotate(given(*own), script())
    assert [ids for _, ids in phrases_of(caption_of(made))] == [(908,), (909,), (910,)]


async def test_another_grid_is_told_and_read() -> None:
    dog = "<box>[[100, 100, 500, 699]]</box>"
    prompts = {f"{t}_prompts": (f"pancap_chain/{t}2.v1",) for t in TURNS}
    door = script(
        localise=dog,
        tag=f"dog {dog}",
        discover="None",
        caption=f"A brown dog {dog} sits on a lawn on a bright day.",
    )
    chain = stage(frame="resized", scale=999, least_words=5, words=40, **prompts)
    made = await chain.annotate(given(), door)
    assert made.segments[0].box_xyxy == (20, 10, 100.1, 70)
    for turn in TURNS:
        assert "whole steps from 0 to 999 of the image's width and height" in door.text(turn)
    assert "in about 40 words" in door.text("caption")
    assert phrases_of(caption_of(made)) == [("A brown dog", (1,))]
    context = door.asked["tag"].context
    assert isinstance(context, Context)
    assert (context.wants, context.about) == ("tags", f"resized 999\n{dog}")


async def test_in_a_conversation_the_model_sees_what_it_said() -> None:
    door = script(localise_1=BOXES, localise=f"{DOG}, <box>[[1, 2]]</box>")
    await stage(talk="conversation").annotate(given(), door)
    roles = [message.role for message in door.asked["caption"].messages]
    assert roles == ["user", "assistant"] * 3 + ["user"]
    images = [
        part
        for message in door.asked["caption"].messages
        for part in message.parts
        if isinstance(part, ImagePart)
    ]
    assert len(images) == 1
    # What was mended stands there as if it had been said at once.
    said = [message.parts[0] for message in door.asked["caption"].messages[1::2]]
    assert [part.text for part in said if isinstance(part, TextPart)] == [
        BOXES,
        TAGGED,
        f"sky {SKY}",
    ]


async def test_what_is_wrong_is_quoted_and_the_best_list_goes_on() -> None:
    door = script(
        localise=f"{DOG}, <box>[[1, 2, 3]]</box>, {CAT}",
        localise_1="I'm sorry, I cannot find any boxes.",
        tag=f"dog {DOG}",
        tag_1=TAGGED,
        discover="The image also shows the sky.",
        discover_1="Something else is there.",
        caption=CAPTION.replace(f" {SKY}", ""),
    )
    made = await stage().annotate(given(), door)
    messages = door.asked["localise/repair 1"].messages
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    text = door.text("localise/repair 1")
    assert "- '<box>[[1, 2, 3]]</box>' is no box: a box has four numbers." in text
    assert "The answer consists of boxes, <box>" in text
    assert "steps from 0 to 1000 of the square whose side is the image's longer side" in text
    assert f"- {CAT} has no tag." in door.text("tag/repair 1")
    assert "or of the word None" in door.text("discover/repair 1")
    # The first list had two boxes, and the repair none; nothing that can be read is nothing more.
    assert door.text("tag").endswith(f": {BOXES}")
    assert door.text("caption").endswith(f": {TAGGED}")
    scores = scores_of(made)
    assert (scores["chain.faults"], scores["chain.repaired"]) == (2, 1)


async def test_a_caption_is_asked_for_again_with_its_faults() -> None:
    first = CAPTION.replace(f" {SKY}", "").replace("a lawn", "a lawn [0, 600, 900, 700]")
    door = script(caption=first, caption_1=CAPTION)
    made = await stage().annotate(given(), door)
    text = door.text("caption/repair 1")
    assert f"- The sky at {SKY} has no box in the caption." in text
    assert "- The box <box>[[0, 600, 900, 700]]</box> of 'a lawn' is that of no entity" in text
    assert "in 20 to 800 words" in text
    assert caption_of(made).origin.turn == "caption/repair 1"
    assert scores_of(made)["entities.repaired"] == 1
    made = await stage(repair=0).annotate(given(), script(caption=first))
    assert scores_of(made)["entities.coverage"] == 0.6667
    assert scores_of(made)["entities.invented"] == 1


async def test_paragraphs_are_joined_or_kept() -> None:
    said = CAPTION.replace(" Above", "\n\nAbove")
    made = await stage().annotate(given(), script(caption=said))
    assert caption_of(made).text == TEXT
    made = await stage(paragraphs="keep").annotate(given(), script(caption=said))
    assert caption_of(made).text == TEXT.replace(" Above", "\n\nAbove")
    assert phrases_of(caption_of(made))[2] == ("the sky", (3,))


@pytest.mark.parametrize(
    ("turn", "said", "reason", "detail"),
    [
        ("localise", "None", "unlocalised", "The answer names no entity."),
        ("localise", "dog, cat", "unlocalised", "'dog, cat' has no box."),
        ("tag", "Sorry, I cannot tell.", "untagged", "declined to list entities"),
        ("tag", BOXES.replace(", <", ",\n<"), "untagged", "has no tag before it"),
        ("caption", TEXT, "undescribed", "has no box in the caption"),
        ("caption", f"A dog {DOG}.", "undescribed", "The caption has 2 words"),
    ],
)
async def test_what_is_of_no_use_fails_the_record_or_leaves_it(
    turn: str, said: str, reason: str, detail: str
) -> None:
    with pytest.raises(RecordFailed, match=detail) as failed:
        await stage().annotate(given(), script(**{turn: said, f"{turn}_1": said}))
    assert (failed.value.reason, failed.value.turns) == (reason, (f"{turn}/repair 1",))
    assert reason in PancapChain.UNPARSABLE
    door = script(**{turn: said})
    assert await stage(repair=0, on_useless="leave").annotate(given(), door) == given()
    assert len(door.aside) == (turn == "caption")
    if turn == "caption":
        ((_, why, scores),) = door.aside
        assert why in ("undescribed (without boxes)", "undescribed (short)")
        assert {score.name for score in scores} == PancapChain.SCORES
        made = await stage(repair=0, on_useless="keep").annotate(given(), script(caption=said))
        assert len(made.captions) == 1


@pytest.mark.parametrize("turn", TURNS)
async def test_an_answer_that_is_none_fails_the_record(turn: str) -> None:
    for outcome in ("refusal", "filtered", "empty"):
        door = script(**{turn: bad(outcome, detail="policy")})
        with pytest.raises(RecordFailed) as failed:
            await stage().annotate(given(), door)
        assert (failed.value.reason, failed.value.turns) == (outcome, (turn,))
        door = script(**{turn: bad("refusal")})
        assert await stage(on_useless="leave").annotate(given(), door) == given()


async def test_passing_trouble_never_lasts() -> None:
    broken = f"{DOG}, <box>[[1]]</box>"
    for turns in ({"tag": bad("gave_up")}, {"localise": broken, "localise_1": bad("gave_up")}):
        with pytest.raises(RecordFailed) as failed:
            await stage(on_useless="leave").annotate(given(), script(**turns))
        (turn,) = list(turns)[-1:]
        assert failed.value.reason == "gave_up"
        assert failed.value.turns == (turn.replace("_", "/repair "),)


async def test_who_found_an_entity_is_told() -> None:
    def by(model: str, text: str) -> Reply:
        return Reply(text=text, outcome="answer", model=model)

    door = script(localise=by("a", DOG), tag=by("b", TAGGED), discover=by("c", f"sky {SKY}"))
    made = await stage().annotate(given(), door)
    assert [s.source for s in made.segments] == ["a", "b", "c"]


async def test_a_cut_list_gives_what_is_whole() -> None:
    cut = Reply(text=f"{BOXES}, <box>[[0, 25", outcome="truncated", model="m-1")
    door = script(localise=cut)
    made = await stage(repair=0).annotate(given(), door)
    assert door.text("tag").endswith(f": {BOXES}")
    assert scores_of(made)["chain.faults"] == 1


def test_the_plan_counts_four_calls() -> None:
    one = given(region(1, "dog", (0, 0, 9, 9)), region(2, "cat", (0, 0, 9, 9), iscrowd=True))
    chain = stage()
    assert (chain.calls(given()), chain.calls(one)) == (4, 4)
    assert chain.likely_output(one) == 333 + 3 * 22 + 3
    assert chain.likely_output(given()) == 333 + 7 * (3 * 22 + 3)
    assert len(chain.prompts()) == 6
    assert len(stage(repair=0).prompts()) == 4


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"list_repair_prompts": ()}, "repair is 1 and there is no prompt in list_repair_prompts"),
        ({"caption_repair_prompts": ()}, "no prompt in caption_repair_prompts; name one"),
        ({"answer": "numbered"}, "is no caption with boxes; set answer to pancap"),
        ({"least_words": 9, "most_words": 8}, r"least_words \(9\) is above most_words \(8\)"),
        ({"localise_prompts": ("pancap_chain/tag1.v1",)}, "wants boxes, which"),
        (
            {"tag_prompts": ("pancap_chain/tag1.v1", "pancap_chain/localise1.v1")},
            "localise1.v1 in tag_prompts does not tell what was found before; it needs the "
            "variable boxes",
        ),
    ],
)
def test_settings_that_do_not_fit_are_told_at_once(settings: dict[str, Any], why: str) -> None:
    with pytest.raises(RecipeError, match=why):
        stage(**settings)
