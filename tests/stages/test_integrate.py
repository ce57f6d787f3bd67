"""The stage ``integrate``: whom it asks about, what it tells the model, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest

from annoengine.errors import RecipeError
from annoengine.pancap.caption_boxes import write_box
from annoengine.pancap.scene_caption import integrated_caption
from annoengine.prompt import load_prompt
from annoengine.record import Caption, Category, Origin, Record, Score, Span, Verdict
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.integrate import Integrate
from tests.stages.scripted import Script
from tests.stages.test_describe import DOG, MAN, RIGHT, SKY, TEXT, given

MODEL = Origin(stage="describe", model="m-0", call="c0ffee", turn="caption")
ANN = Origin(stage="review", model="", who="Ann", when="2025-06-01T10:20:00Z")
DRAFT = Caption(
    text="A man leads a dog.",
    spans=(Span(start=0, end=5, segments=(907,)), Span(start=12, end=17, segments=(31,))),
    origin=MODEL,
)
NOTE = Caption(text="Brown, on a long leash that the man holds.", segment=31, origin=ANN)


def stage(**settings: Any) -> Integrate:
    found = find("stage", "integrate")
    names = {"prompts": ["sa_pancap/integrate1.v1"], "repair": 0, **settings}
    built = found(found.Parameters(**names), Setup("integrate", 7, load_prompt, {}))
    assert isinstance(built, Integrate)
    return built


def described(*captions: Caption, changed: float | None = 1.0, **changes: Any) -> Record:
    """A record as it leaves a review: described, then perhaps changed by people."""
    scores = [Score(name="entities.told", value=3, by="describe")]
    if changed is not None:
        scores.append(Score(name="review.changed", value=changed, by="review"))
    return given(captions=captions, scores=tuple(scores), **changes)


@pytest.mark.parametrize(
    "record",
    [
        described(DRAFT, changed=0.0),
        described(DRAFT, changed=None),
        # Boxes that were corrected before the caption was written.
        given(
            captions=(DRAFT,),
            scores=(
                Score(name="review.changed", value=1, by="boxes"),
                Score(name="entities.told", value=3, by="describe"),
                Score(name="review.changed", value=0, by="review"),
            ),
        ),
        # People took the caption away, and wrote nothing instead.
        described(),
    ],
)
async def test_what_nobody_changed_since_goes_through_and_costs_nothing(record: Record) -> None:
    door = Script({})
    assert await stage().annotate(record, door) is record
    assert stage().calls(record) == 0


async def test_a_changed_record_is_asked_about_once_and_remembers_who_said_what() -> None:
    corrected = DRAFT.rewritten("A man in red leads a dog.", ANN)
    verdict = Verdict(kind="colour", says="man: red", start=0, end=5, truth="supported", by="x")
    of_dog = verdict.but(segment=31)
    record = described(NOTE, corrected, verdicts=(verdict, of_dog))
    assert stage().calls(record) == 1
    made = await stage().annotate(record, Script({"caption": RIGHT}))
    note, caption = made.captions
    assert note == NOTE
    assert caption.text == TEXT
    assert [span.segments for span in caption.spans] == [(907,), (31,), (404,)]
    assert (caption.origin.stage, caption.origin.prompt) == ("integrate", "sa_pancap/integrate1.v1")
    assert [one.stage for one in caption.earlier] == ["describe", "review"]
    assert caption.earlier[1].who == "Ann"
    assert made.verdicts == (of_dog,)
    coverage = [score for score in made.scores if score.name == "entities.coverage"]
    assert [(score.value, score.by) for score in coverage] == [(1, "integrate")]
    # It is done: asked again, there is nothing left to integrate.
    assert stage().calls(made) == 0


async def test_the_model_is_told_boxes_as_they_are_now_and_what_people_wrote() -> None:
    record = described(NOTE, DRAFT)
    man, dog, sky, crowd = record.segments
    moved = dog.but(box_xyxy=(16, 36, 32, 48), category=Category(name="cat"))
    door = Script({"caption": RIGHT.replace(DOG, "[[0.250, 0.750, 0.500, 1.000]]")})
    await stage().annotate(record.but(segments=(man, moved, sky, crowd)), door)
    box = "[[0.250, 0.750, 0.500, 1.000]]"
    assert door.text("caption").endswith(
        f"The list has 3 entities:\n\n- person: {MAN}\n- cat: {box}\n- sky: {SKY}\n\n"
        f"What people wrote about single entities:\n\n- cat {box}: {NOTE.text}\n\n"
        f"The caption as it stands:\n\nA man {MAN} leads a dog {box}."
    )


async def test_without_a_caption_what_people_wrote_of_entities_becomes_one() -> None:
    door = Script({"caption": RIGHT})
    made = await stage().annotate(described(NOTE), door)
    assert door.text("caption").endswith("The caption as it stands:\n\n(nothing)")
    assert [caption.segment for caption in made.captions] == [31, None]
    only = described(DRAFT)
    door = Script({"caption": RIGHT})
    await stage().annotate(only, door)
    assert "about single entities:\n\n(nothing)\n\n" in door.text("caption")


def test_a_recipe_needs_a_review_before_it() -> None:
    with pytest.raises(RecipeError, match="integrate: no earlier stage lets people in; put a rev"):
        stage().check_scores(frozenset({"entities.told"}))
    stage().check_scores(frozenset({"review.changed"}))
    described_stage = find("stage", "describe")
    parameters = described_stage.Parameters(prompts=["sa_pancap/integrate1.v1"], repair=0)
    with pytest.raises(
        RecipeError, match=r"describe: the prompt \S+ wants draft, notes, which this"
    ):
        described_stage(parameters, Setup("describe", 7, load_prompt, {}))


SAID = (
    (907, "person", "A red person."),
    (31, "dog", "A brown dog."),
    (404, "sky", "The sky is blue."),
)


def embedded(record: Record) -> tuple[str, dict[str, str]]:
    """The embedded baseline's text, and what stands before each box."""
    made = integrated_caption(record, SAID, {"person": 1, "dog": 1, "sky-other-merged": 1})
    before = {}
    for place in made.places:
        x1, y1, x2, y2 = place.numbers
        before[write_box((x1, y1, x2, y2))] = made.text[: place.at]
    return made.text, before


def test_the_embedded_baseline_keeps_peoples_text_and_adds_what_it_lacks() -> None:
    corrected = DRAFT.rewritten("A man leads a dog.", ANN, spans=DRAFT.spans)
    text, before = embedded(described(NOTE, corrected))
    assert text.startswith(f"A man leads a dog. {NOTE.text} ")
    assert before[MAN] == "A man"
    assert before[DOG] == "A man leads a dog"
    assert text.count("sky") >= 1
    assert before[SKY].startswith(f"A man leads a dog. {NOTE.text} ")
    assert before[SKY].endswith("sky")


def test_the_embedded_baseline_describes_anew_what_a_model_wrote_but_for_peoples_notes() -> None:
    text, before = embedded(described(NOTE, DRAFT))
    assert "leads" not in text
    assert "brown dog" not in text.lower()
    assert "on a long leash that the man holds." in text
    assert before.keys() == {MAN, DOG, SKY}
