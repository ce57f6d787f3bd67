"""The stage that tests what captions state: scores, verdicts, dropping, asking again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from annoengine.errors import InputError, RecipeError, RecordFailed
from annoengine.prompt import Prompt, load_prompt, parse_prompt
from annoengine.provider import Reply, Request
from annoengine.record import Caption, DrawnImage, Origin, Record, Score
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.check_facts import CheckFacts, CheckFactsParameters
from tests.claims.hand_made import files_of, photographs
from tests.stages.scripted import Script, drawing, mark

FLAG, PERSON, HELMET = 7547307, 5446613, 11358009
PROMPT = ("checks/contradiction1.v1",)
FALSE = "The flag hangs on the right side of the image and to the right of the person."
TRUE = "The flag hangs on the left side of the image."
GOOD = f"3. Flag: {TRUE};"


@dataclass
class Door(Script):
    """A scripted door that keeps what is set aside."""

    aside: list[tuple[Caption, str, tuple[Score, ...]]] = field(default_factory=list)

    def set_aside(self, caption: Caption, reason: str, scores: Sequence[Score] = ()) -> None:
        self.aside.append((caption, reason, tuple(scores)))


def captions(*told: tuple[int | None, str]) -> tuple[Caption, ...]:
    origin = Origin(stage="annotate", model="m-0", turn="marks")
    return tuple(Caption(text=text, segment=id, origin=origin) for id, text in told)


def record(*told: tuple[int | None, str], marked: bool = True) -> Record:
    found, _ = photographs()["astronaut"]
    marks = tuple(mark(n, s.id) for n, s in enumerate(found.segments, start=1))
    pictures = (drawing("a.png"),)
    if not marked:
        return found.but(captions=captions(*told))
    return found.but(captions=captions(*told), marks=marks, drawings=pictures)


def stage(load: Callable[[str], Prompt] = load_prompt, **parameters: Any) -> CheckFacts:
    setup = Setup("check_facts", 7, load, {"annotator": "openai/m-1"})
    built = find("stage", "check_facts")(CheckFactsParameters(**parameters), setup)
    assert isinstance(built, CheckFacts)
    return built


def run(
    given: Record, replies: dict[str, str | Reply] | None = None, **parameters: Any
) -> tuple[Record, Door]:
    door = Door(dict(replies or {}), files_of(given))
    return asyncio.run(stage(**parameters).annotate(given, door)), door


def scores_of(given: Record, segment: int | None = FLAG) -> dict[str, float]:
    return {score.name: score.value for score in given.scores if score.segment == segment}


def test_every_statement_is_stored_with_its_verdict() -> None:
    given = record((FLAG, FALSE), (PERSON, "She smiles."))
    result, door = run(given)
    assert [(v.segment, v.kind, v.truth) for v in result.verdicts] == [
        (FLAG, "position", "contradicted"),
        (FLAG, "relation", "contradicted"),
    ]
    first = result.verdicts[0]
    assert FALSE[first.start : first.end] == "on the right side of the image"
    assert first.says == "flag: at the right of the image"
    assert first.evidence == "its centre lies at 6 % of the width, its box spans 0 % to 19 %"
    assert first.by == "check_facts"
    assert result.captions == given.captions
    assert door.asked == {}
    assert result.to_line() == Record.from_line(result.to_line()).to_line()


def test_scores_count_the_verdicts() -> None:
    result, _ = run(record((FLAG, f"{TRUE} It is behind the person."), (PERSON, "She smiles.")))
    assert scores_of(result) == {
        "facts.supported": 1,
        "facts.contradicted": 0,
        "facts.cannot_tell": 1,
    }
    assert scores_of(result, PERSON) == dict.fromkeys(scores_of(result), 0)
    assert {score.by for score in result.scores if score.name.startswith("facts.")} == {
        "check_facts"
    }


def test_a_record_without_captions_is_left_alone() -> None:
    given = record()
    result, _ = run(given)
    assert result == given


def test_a_caption_of_the_whole_image_is_tested_too() -> None:
    result, _ = run(record((None, "One person and two badges. Three people are in the image.")))
    assert [(v.segment, v.truth) for v in result.verdicts if v.truth == "contradicted"] == [
        (None, "contradicted")
    ]
    assert scores_of(result, None)["facts.contradicted"] == 1


def test_drop_sets_a_false_caption_aside_and_leaves_a_gap() -> None:
    result, door = run(record((FLAG, FALSE), (PERSON, "She smiles.")), on_contradicted="drop")
    assert [caption.segment for caption in result.captions] == [PERSON]
    (gap,) = result.gaps
    assert (gap.segment, gap.reason, gap.stage) == (FLAG, "facts.contradicted", "check_facts")
    assert gap.detail.startswith("flag: at the right of the image: its centre lies at 6 %")
    ((caption, reason, scores),) = door.aside
    assert (caption.text, reason) == (FALSE, "facts.contradicted")
    assert {s.name: s.value for s in scores}["facts.contradicted"] == 2
    # What is said of a text that has gone would point nowhere.
    assert all(verdict.segment != FLAG for verdict in result.verdicts)


def test_drop_of_a_caption_of_the_whole_image_leaves_no_gap() -> None:
    result, door = run(
        record((None, "There are three people in the image.")), on_contradicted="drop"
    )
    assert (result.captions, result.gaps, len(door.aside)) == ((), (), 1)


def test_asking_again_quotes_what_is_false_and_keeps_the_better_text() -> None:
    given = record((FLAG, FALSE), (PERSON, "She smiles."))
    result, door = run(given, {"facts 3/1": GOOD}, on_contradicted="ask", prompts=PROMPT)
    assert list(door.asked) == ["facts 3/1"]
    text = door.text("facts 3/1")
    assert FALSE in text
    assert "- “on the right side of the image”: its centre lies at 6 % of the width" in text
    assert "The object is the one with the ID 3 (flag)" in text
    assert door.asked["facts 3/1"].images() == (given.drawings[0].image,)
    flag, person = result.captions
    assert (flag.text, flag.segment, flag.summary) == (TRUE, FLAG, "Flag")
    assert (flag.origin.stage, flag.origin.prompt) == ("check_facts", PROMPT[0])
    assert (flag.origin.repairs, flag.origin.turn) == (1, "facts 3/1")
    assert person == given.captions[1]
    assert scores_of(result)["facts.contradicted"] == 0
    assert [v.truth for v in result.verdicts] == ["supported"]


@pytest.mark.parametrize(
    "answer",
    [
        "3. Flag: The flag hangs on the right side of the image, below the person's shoes and to "
        "the right of the person.;",
        "3. Dog: a brown dog on the left.;",
        "I'm sorry, I can't help with that.",
        "",
    ],
)
def test_an_answer_that_is_no_better_changes_nothing(answer: str) -> None:
    given = record((FLAG, FALSE))
    result, _ = run(given, {"facts 3/1": answer}, on_contradicted="ask", prompts=PROMPT)
    assert result.captions == given.captions
    assert scores_of(result)["facts.contradicted"] == 2


def test_it_is_asked_until_nothing_is_false() -> None:
    half = "3. Flag: The flag hangs on the right side of the image.;"
    replies: dict[str, str | Reply] = {"facts 3/1": half, "facts 3/2": GOOD}
    result, door = run(
        record((FLAG, FALSE)), replies, on_contradicted="ask", prompts=PROMPT, ask_again=3
    )
    assert list(door.asked) == ["facts 3/1", "facts 3/2"]
    assert "hangs on the right side of the image." in door.text("facts 3/2")
    assert result.captions[0].text == TRUE
    assert result.captions[0].origin.repairs == 2


def test_several_captions_are_asked_about_at_once() -> None:
    wrong = "The helmet is in the upper left corner."
    replies: dict[str, str | Reply] = {
        "facts 3/1": GOOD,
        "facts 8/1": "8. Helmet: the helmet is in the lower right corner.;",
    }
    given = record((FLAG, FALSE), (HELMET, wrong))
    assert given.mark_of(HELMET) is not None
    result, door = run(given, replies, on_contradicted="ask", prompts=PROMPT)
    assert sorted(door.asked) == ["facts 3/1", "facts 8/1"]
    assert scores_of(result, HELMET)["facts.contradicted"] == 0


def test_without_a_mark_there_is_nobody_to_ask_about() -> None:
    given = record((FLAG, FALSE), marked=False)
    result, door = run(given, on_contradicted="ask", prompts=PROMPT)
    assert (result.captions, door.asked) == (given.captions, {})


def test_passing_trouble_fails_the_record() -> None:
    gone = Reply(text="", outcome="gave_up", model="m-1", key="k", turn="facts 3/1", detail="429")
    with pytest.raises(RecordFailed) as failed:
        run(record((FLAG, FALSE)), {"facts 3/1": gone}, on_contradicted="ask", prompts=PROMPT)
    assert (failed.value.reason, failed.value.turns) == ("gave_up", ("facts 3/1",))


def test_the_role_is_asked_only_where_a_model_is() -> None:
    asking = stage(on_contradicted="ask", prompts=PROMPT, model="annotator")
    assert (tuple(asking.roles()), [p.name for p in asking.prompts()]) == (
        ("annotator",),
        [*PROMPT],
    )
    for plain in (stage(), stage(on_contradicted="drop", prompts=PROMPT)):
        assert (tuple(plain.roles()), list(plain.prompts())) == ((), [])


def test_asking_needs_a_prompt() -> None:
    with pytest.raises(RecipeError, match=r"there is no prompt to ask with; name one in prompts"):
        stage(on_contradicted="ask")


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        ("variables: [caption, weather]", "wants weather, which this stage cannot fill"),
        ("variables: [caption]\nanswer: other", "in the grammar 'other'"),
    ],
)
def test_a_prompt_that_does_not_fit(head: str, fault: str) -> None:
    weather = " {{weather}}" if "weather" in head else ""
    text = f"---\nabout: a\nsource: b\n{head}\n---\n{{{{caption}}}}{weather}\n"

    def load(name: str) -> Prompt:
        return parse_prompt(name, text)

    with pytest.raises(RecipeError, match=fault):
        stage(load, on_contradicted="ask", prompts=("mine",))


def test_a_missing_language_model_is_one_sentence_with_the_command() -> None:
    missing = stage(language="en_no_such_model")
    (spacy, model) = missing.requirements()
    assert spacy.met
    assert (model.what, model.met) == ("the spaCy model en_no_such_model", False)
    assert model.remedy == "python -m spacy download en_no_such_model"
    with pytest.raises(InputError, match=r"en_no_such_model is not installed; install it: python"):
        run(record((FLAG, TRUE)), language="en_no_such_model")


def test_what_shapes_the_output_is_in_its_versions() -> None:
    plain, asking = stage().versions(), stage(on_contradicted="ask", prompts=PROMPT).versions()
    assert str(plain["language"]).startswith("en_core_web_sm ")
    assert set(asking) - set(plain) == {"grammar"}
    assert {"claims", "language", "category_words"} == set(plain)


def test_the_same_record_gives_the_same_bytes() -> None:
    given = record((FLAG, FALSE), (PERSON, "A person holds a white helmet on the right."))
    assert run(given)[0].to_line() == run(given)[0].to_line()


def test_a_request_is_what_a_provider_takes() -> None:
    _, door = run(record((FLAG, FALSE)), {"facts 3/1": GOOD}, on_contradicted="ask", prompts=PROMPT)
    request: Request = door.asked["facts 3/1"]
    assert request.context is not None
    assert (request.context.marks, request.context.grammar) == ((3,), "numbered")
    assert isinstance(request.images()[0], DrawnImage)
