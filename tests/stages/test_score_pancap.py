"""The stage ``score_pancap``: four calls a pair, answers of every kind, and no score undefined."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import numpy as np
import pytest

from annoengine.errors import RecipeError, RecordFailed
from annoengine.metrics.pancapscore import Pancapscore
from annoengine.pancap.content_items import items_of_lines, lines_of_turn, with_turns
from annoengine.pancap.record_texts import pair_texts, scored_image
from annoengine.prompt import load_prompt
from annoengine.provider import Reply
from annoengine.record import Origin, Record, Score
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.score_pancap import ScorePancap
from tests.pancap.told_pair import (
    ANSWERS,
    CONTENT,
    MAPPED,
    PREDICTION,
    QUESTIONS,
    REFERENCE,
    REPLIES,
    SCORES,
    own_scores,
    pair_record,
)
from tests.stages.scripted import Script, bad

SIDES = ("reference", "prediction")


def stage(**parameters: Any) -> ScorePancap:
    found = find("stage", "score_pancap")
    setup = Setup("score_pancap", 7, load_prompt, {"judge": "openai/m-1"})
    built = found(found.Parameters(**{"model": "judge", **parameters}), setup)
    assert isinstance(built, ScorePancap)
    return built


def read_pair(
    record: Record | None = None, reference: str | None = None, prediction: str | None = None
) -> Record:
    """The record as ``extract_content`` leaves it."""
    record = record or pair_record()
    texts = (reference, prediction)
    lines = [
        CONTENT[side] if text is None else text for side, text in zip(SIDES, texts, strict=True)
    ]
    items = [
        item
        for side, text in zip(SIDES, lines, strict=True)
        for item in items_of_lines(
            text.splitlines(), Origin(stage="x", model="m", turn=f"content/{side}")
        )
    ]
    score = Score(name="content.faults", value=0, by="x")
    return record.but(content=with_turns(record, items, ()), scores=(score,))


def scored(
    record: Record | None = None, replies: dict[str, str | Reply] | None = None, **parameters: Any
) -> tuple[Record, Script]:
    script = Script({**REPLIES, **(replies or {})})
    built = stage(**parameters)
    return asyncio.run(built.annotate(record or read_pair(), script)), script


def test_the_score_by_hand_and_what_was_asked() -> None:
    record, script = scored()
    scores = own_scores(record)
    assert {name: scores[name] for name in SCORES} == SCORES
    assert scores.keys() == ScorePancap.SCORES | {"content.faults"}
    assert list(script.asked) == [f"{t}/{s}" for t in ("questions", "answers") for s in SIDES]
    # Questions are written from a caption's own lines, and answered from the other caption, with
    # its ids.
    written = script.text("questions/reference")
    assert written.endswith("\n".join(CONTENT["reference"].splitlines()[4:]) + "\nQuestions:")
    asked = script.text("answers/reference")
    assert asked.endswith(f"Questions:\n{MAPPED['reference']}\nAnswers:")
    assert f"Description:\n{PREDICTION}\nEntities:\n1 | entity -->> (whole, sofa)" in asked
    assert f"Description:\n{REFERENCE}\n" in script.text("answers/prediction")
    assert script.asked["answers/reference"].sampling.temperature == 0


def test_the_lines_are_kept_and_make_the_published_texts() -> None:
    record, _ = scored()
    texts = pair_texts(record)
    for side, kept in (("reference", texts.reference), ("prediction", texts.prediction)):
        assert kept.content == CONTENT[side]
        assert kept.questions == QUESTIONS[side]
        assert kept.mapped == MAPPED[side]
        assert kept.answers == ANSWERS[side]
    image = scored_image(record)
    assert image is not None
    assert image.score.overall == pytest.approx(SCORES["pancap"], abs=1e-5)
    bare, _ = scored(lines=False)
    assert not lines_of_turn(bare, "answers/reference")
    assert bare.scores == record.scores


NONSENSE = (
    "As an AI language model I cannot see pictures.",
    "Yes",
    "5 | maybe | no idea",
    "42\n42",
)


@pytest.mark.parametrize("said", NONSENSE)
def test_a_judge_that_answers_nonsense_has_failures_and_a_score(said: str) -> None:
    turns = [f"answers/{side}{more}" for side in SIDES for more in ("", "/repair 1")]
    record, _ = scored(replies=dict.fromkeys(turns, said))
    scores = own_scores(record)
    assert scores["pancap"] == 1.3  # tag 0.8 and location 0.5 need no judge
    assert scores["pancap.failures"] == 6
    assert lines_of_turn(record, "answers/prediction")[0].endswith('"Unclear", "Unclear")')


@pytest.mark.parametrize("outcome", ["refusal", "filtered", "empty"])
def test_a_judge_that_does_not_answer_is_the_same_and_not_asked_again(outcome: Any) -> None:
    replies: dict[str, str | Reply] = {f"answers/{side}": bad(outcome) for side in SIDES}
    record, script = scored(replies=replies)
    assert own_scores(record)["pancap.failures"] == 6
    assert len(script.asked) == 4


def test_only_what_was_not_answered_is_asked_again() -> None:
    half = ANSWERS["reference"].replace('"Yes", "No"', '"Perhaps", "No"')
    turn = "answers/reference/repair 1"
    record, script = scored(
        replies={"answers/reference": half, turn: '7 | (entity 2, entity 1, "Yes", "No")'}
    )
    assert {name: own_scores(record)[name] for name in SCORES} == SCORES
    assert re.findall(r"^(\d+) \| relation", script.text(turn), re.MULTILINE) == ["7"]
    assert "brown" not in script.text(turn)
    assert [m.role for m in script.asked[turn].messages] == ["user", "assistant", "user"]


def test_items_without_written_questions_are_asked_plainly_and_counted() -> None:
    replies: dict[str, str | Reply] = {
        "questions/reference": QUESTIONS["reference"].splitlines()[0],
        "questions/prediction": bad("refusal"),
    }
    record, script = scored(replies=replies)
    assert own_scores(record)["pancap.plain"] == 6
    assert "Is it true that entity 1 is red?" in script.text("answers/reference")
    assert own_scores(record)["pancap.failures"] == 0


def test_quotation_marks_within_a_question_break_no_line() -> None:
    quoted = QUESTIONS["reference"].replace("Is it noon?", 'Does it read "12", or “noon”?')
    record, script = scored(replies={"questions/reference": quoted})
    assert own_scores(record)["pancap.plain"] == 0
    line = """8 | global -->> ("Is it evening?", "Does it read '12', or “noon”?")"""
    assert line in script.text("answers/reference")
    assert (pair_texts(record).reference.mapped or "").splitlines()[-1] == line


def test_plain_questions_take_two_calls() -> None:
    record, script = scored(questions="plain")
    assert list(script.asked) == ["answers/reference", "answers/prediction"]
    assert own_scores(record)["pancap"] == SCORES["pancap"]
    assert own_scores(record)["pancap.plain"] == 0
    built = stage(questions="plain")
    assert (built.calls(pair_record()), stage().calls(pair_record())) == (2, 4)
    assert built.likely_output(pair_record()) < stage().likely_output(pair_record())


def test_a_model_that_is_not_reached_fails_the_record_for_a_retry() -> None:
    lost = Reply(text="", outcome="gave_up", model="m", detail="503", turn="answers/reference")
    with pytest.raises(RecordFailed, match="gave_up: 503") as failed:
        scored(replies={"answers/reference": lost})
    assert failed.value.turns == ("answers/reference",)


@pytest.mark.parametrize("there", [{"reference": None}, {"prediction": None}])
def test_a_caption_that_is_not_there_scores_nothing_at_no_cost(there: dict[str, None]) -> None:
    lone = pair_record(**there)  # type: ignore[arg-type]
    record, script = scored(lone.but(scores=read_pair().scores))
    scores = own_scores(record)
    assert (scores["pancap"], scores["pancap.missing"], script.asked) == (0, 1, {})
    assert not any(value for name, value in scores.items() if name != "pancap.missing")
    with pytest.raises(RecordFailed, match="no caption of the whole image is by 'reference' or"):
        scored(pair_record(None, None))


@pytest.mark.parametrize(
    ("reference", "prediction", "score", "calls"),
    [
        # Neither says anything; nothing is asked.
        ("", "", 0.0, 0),
        # Nothing was read in the prediction: all five dimensions are missed. Only the evening, of
        # no entity, can be asked about.
        (CONTENT["reference"], "", 0.0, 2),
        # No entities on either side, but the same state: three dimensions of which neither speaks.
        ('1 | global -->> ("it is evening")', '1 | global -->> ("it is late")', 4.1, 4),
    ],
)
def test_contents_without_entities_have_a_score(
    reference: str, prediction: str, score: float, calls: int
) -> None:
    said = '1 | global -->> ("Yes", "No")'
    replies: dict[str, str | Reply] = {f"answers/{side}": said for side in SIDES}
    record, script = scored(read_pair(None, reference, prediction), replies)
    assert own_scores(record)["pancap"] == score
    assert len(script.asked) == calls


def test_nothing_is_asked_of_a_blank_caption() -> None:
    blank = read_pair(pair_record(prediction=" \n"), None, "")
    record, script = scored(blank)
    assert list(script.asked) == ["questions/reference"]
    assert (own_scores(record)["pancap"], own_scores(record)["pancap.failures"]) == (0, 0)


def test_a_thousand_entities_are_asked_about_in_batches() -> None:
    many = 1000
    lines = [f"{n} | entity -->> (whole, cup)" for n in range(1, many + 1)]
    lines += [f'{many + 1 + n} | attribute -->> (entity {n}, "it is {n}")' for n in range(1, 131)]

    class Yes(Script):
        async def __call__(self, request: Any, turn: str) -> Reply:
            self.asked[turn] = request
            asked = re.findall(r"^(\d+ \| attribute -->> \(entity \d+), ", self.text(turn), re.M)
            pair = '"Is it?", "Is it not?")' if turn.startswith("q") else '"Yes", "No")'
            # The first such lines are those of the prompt's own example.
            text = "\n".join(f"{line}, {pair}" for line in asked[-64:])
            return Reply(text=text, outcome="answer", model="m", turn=turn)

    script = Yes({})
    text = "\n".join(lines)
    record = asyncio.run(stage().annotate(read_pair(None, text, text), script))
    scores = own_scores(record)
    assert scores["pancap"] == 4.1
    assert scores["pancap.failures"] == scores["pancap.plain"] == 0
    turns = [turn for turn in script.asked if turn.startswith("answers/reference")]
    assert turns == ["answers/reference", "answers/reference 2", "answers/reference 3"]
    # Of so many entities a judge is told those alone that are asked about.
    assert len(re.findall("whole, cup", script.text(turns[0]))) == 64


def test_tags_may_be_alike_by_vectors_of_a_role() -> None:
    class Embedding(Script):
        async def embed(self, items: Any, model: str) -> np.ndarray:
            assert model == "tags"
            near = {"canine": (0.8, 0.6), "dog": (1.0, 0.0)}
            return np.array([near.get(tag, (0.0, -1.0)) for tag in items], dtype=np.float32)

    canine = CONTENT["prediction"].replace("dog", "canine")
    record = read_pair(None, None, canine)
    built = stage(vectors="tags")
    assert built.roles() == ("judge", "tags")
    by_vectors = own_scores(asyncio.run(built.annotate(record, Embedding(dict(REPLIES)))))
    assert {name: by_vectors[name] for name in SCORES} == SCORES
    by_words = own_scores(scored(record, answers_repair=0)[0])
    assert by_words["pancap.tag.recall"] == 0.5


def test_what_captions_say_must_have_been_extracted_before() -> None:
    with pytest.raises(RecipeError, match="put extract_content before it"):
        stage().check_scores(frozenset({"pancap"}))
    stage().check_scores(frozenset({"content.faults"}))


def test_the_metric_is_the_mean_over_images() -> None:
    one, _ = scored()
    none, _ = scored(pair_record(prediction=None).but(scores=read_pair().scores))
    metric = Pancapscore(Pancapscore.Parameters())
    measured = metric.measure(iter([one, none, pair_record()]))
    rows = {row.name: row.values for row in measured.rows}
    assert rows["tag"] == {"precision": 0.33333, "recall": 0.5, "F": 0.4}
    assert rows["relation"] == {"precision": 0.25, "recall": 0.5, "F": 0.33333}
    assert rows["PancapScore"] == {"F": 0.98333}
    assert measured.counts == {"images": 2, "failures": 0, "plain": 0, "missing": 1}
    assert "2 captions answered by m-1" in measured.by
    assert measured.notes == ["1 images have only one of the two captions and score 0"]
    assert metric.line(pair_record()) is None
    line = metric.line(none)
    assert line is not None
    assert (line["image_path"], line["missing"]) == ("sam/a/1.jpg", 1)
    empty = metric.measure(iter(()))
    assert empty.rows[-1].values == {"F": 0.0}
    assert empty.counts["images"] == 0
