"""The stage ``score_consistency``: two captions of one image, by a model and by rules."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from annoengine.cli import app
from annoengine.errors import RecipeError, RecordFailed
from annoengine.pancap.content_items import content_of, items_of_lines
from annoengine.prompt import load_prompt
from annoengine.provider import Reply
from annoengine.record import Origin, Record, Score
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.score_consistency import ScoreConsistency
from tests.pancap.told_pair import CONTENT, REFERENCE, REPLIES, own_scores, pair_record
from tests.stages.scripted import Script
from tests.stages.test_extract_content import extracted
from tests.stages.test_score_pancap import scored

NAMES = ("annotate", "second")
TURNS = dict(zip(("reference", "prediction"), NAMES, strict=True))
SAID = {
    turn.replace(side, name): text
    for side, name in TURNS.items()
    for turn, text in REPLIES.items()
    if turn.endswith(side)
}


def stage(**parameters: Any) -> ScoreConsistency:
    found = find("stage", "score_consistency")
    setup = Setup("score_consistency", 7, load_prompt, {})
    settings = {"extractor": "judge", "judge": "judge", **parameters}
    built = found(found.Parameters(**settings), setup)
    assert isinstance(built, ScoreConsistency)
    return built


def consistent(record: Record, **parameters: Any) -> tuple[dict[str, float], Script]:
    script = Script(dict[str, str | Reply](SAID))
    made = asyncio.run(stage(**parameters).annotate(record, script))
    return own_scores(made), script


def pair(**captions: Any) -> Record:
    return pair_record(**captions, names=NAMES)


def test_the_score_is_that_of_a_pair_without_location() -> None:
    scores, script = consistent(pair())
    # The hand-worked pair: tag 0.8, attribute 0, relation 2/3, global 0.
    assert scores == {
        "consistency": 1.466667,
        "consistency.tag": 0.8,
        "consistency.attribute": 0.0,
        "consistency.relation": 0.666667,
        "consistency.global": 0.0,
        "consistency.failures": 0.0,
    }
    assert len(script.asked) == stage().calls(pair()) == 6
    with_boxes, _ = consistent(pair(), location=True)
    assert with_boxes["consistency"] == 1.966667
    assert with_boxes["consistency.location"] == 0.5


def test_what_was_extracted_or_carried_is_not_read_again() -> None:
    lines = CONTENT["reference"].splitlines()
    composed = pair().captions[0].origin
    extracted_before = Origin(stage="extract_content", model="m", turn="content/annotate")
    for origin in (composed, extracted_before):
        record = pair().but(content=items_of_lines(lines, origin))
        scores, script = consistent(record)
        assert scores["consistency"] == 1.466667
        assert "content/annotate" not in script.asked
        assert len(script.asked) == stage().calls(record) == 5


def test_a_caption_that_was_rewritten_since_is_still_its_stages() -> None:
    first, second = pair().captions
    rewritten = first.rewritten(REFERENCE, Origin(stage="rephrase", model="rules"))
    scores, _ = consistent(pair().but(captions=(rewritten, second)))
    assert scores["consistency"] == 1.466667


def test_a_record_without_one_of_the_captions_fails_and_says_whose_there_are() -> None:
    with pytest.raises(RecordFailed) as failed:
        consistent(pair(prediction=None))
    assert str(failed.value) == (
        "no_caption: no caption of the whole image is by the stage 'second'; those that are there "
        "are by 'annotate'"
    )
    with pytest.raises(RecipeError, match="first and second are both 'annotate'; a caption says"):
        stage(second="annotate")


def test_the_second_caption_leaves_with_its_scores_where_that_is_wanted() -> None:
    first, second = pair().captions
    scores = tuple(
        Score(name="entities.coverage", value=value, by=by)
        for value, by in ((1, "annotate"), (0, "second"))
    )
    content = tuple(
        item
        for told, side in TURNS.items()
        for item in items_of_lines(
            CONTENT[told].splitlines(),
            Origin(stage="extract_content", model="m", turn=f"content/{side}"),
        )
    )
    record = pair().but(scores=scores, content=content)
    script = Script(dict[str, str | Reply](SAID))
    made = asyncio.run(stage(second_caption="set_aside").annotate(record, script))
    assert made.captions == (first,)
    assert script.aside == [(second, "second caption", scores[1:])]
    assert {item.origin.turn for item in made.content} == {"content/annotate"}
    # A condition on entities.coverage now turns on the first caption, and the score has stayed.
    assert own_scores(made)["entities.coverage"] == 1
    assert "consistency" in own_scores(made)
    kept = asyncio.run(stage().annotate(record, Script(dict[str, str | Reply](SAID))))
    assert kept.captions == (first, second)


def test_rules_read_and_judge_without_a_model() -> None:
    """All that is embedded in one test, since a worker loads spaCy's model only once."""
    embedded = {"extractor": "embedded", "judge": "embedded"}
    assert stage(**embedded).roles() == ()
    tried = find("stage", "score_pancap").Parameters(model="judge")
    pixels = Setup("score_pancap", 7, load_prompt, {"judge": "pixels"})
    assert find("stage", "score_pancap")(tried, pixels).roles() == ()
    assert stage(**embedded).prompts() == []
    assert stage(**embedded).calls(pair()) == 0
    scores, script = consistent(pair(prediction=REFERENCE), **embedded)
    assert scores["consistency"] == 3.1
    assert not script.asked
    apart, _ = consistent(pair(prediction="Two birds fly over a lake."), **embedded)
    assert apart["consistency"] < 1.5

    # The same rules in two stages, and by the model alone what they cannot do.
    read, _ = extracted({}, pair_record(), model="embedded")
    assert [e.tag for e in content_of(read, "reference").entities][:2] == ["dog", "sofa"]
    assert "embedded extractor" in read.content[0].origin.model
    judged, script = scored(read, model="embedded")
    assert not script.asked
    tag = own_scores(judged)["pancap.tag"]
    assert tag == own_scores(scored(read, answers_repair=0)[0])["pancap.tag"] > 0
    # A plan looks at records whose captions were not read yet: rules stand in, so that questions
    # have about their length.
    _, script = scored(pair_record(), answers_repair=0)
    assert "(whole, dog)" in script.text("questions/reference")


def test_a_plan_has_six_calls_a_pair_with_tokens_and_money(tmp_path: Path) -> None:
    """Of the recipe's three example images two have both captions."""
    models = [f"--model={role}=openai/gpt-4.1-mini" for role in ("extractor", "judge")]
    command = ["plan", "pancapscore", "-w", str(tmp_path), "--set", "run.workers=0", *models]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    for name, calls in (("extract_content", 4), ("score_pancap", 8)):
        assert re.search(
            rf"{name}: 3 records, asks openai/\S+, {calls} calls at least", done.output
        )
    stages = json.loads(CliRunner().invoke(app, [*command, "--json"]).output)
    assert [stage["calls"]["low"] for stage in stages] == [4, 8]
    for stage in stages:
        assert stage["usd"]["likely"] > 0
        assert stage["input_tokens"]["likely"] > stage["output_tokens"]["likely"] > 400
