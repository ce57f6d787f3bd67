"""The stage ``check_text``: a score of each kind for each segment, on real records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from annoengine.record import Caption, Origin, Record
from annoengine.registry import find
from annoengine.stage import Setup
from annoengine.stages.check_text import CheckText, CheckTextParameters
from annoengine.workspace import Workspace
from tests.stages.checked import recipe_of, records_of, scores_of
from tests.stages.scripted import Script, record

NAMES = [
    "text.refusal",
    "text.leak",
    "text.hedge",
    "text.repetition",
    "text.language",
    "text.words",
    "text.incomplete",
    "text.duplicate",
]


def stage() -> CheckText:
    def no_prompt(name: str) -> Any:
        raise AssertionError(f"the stage asked for the prompt {name}")

    built = find("stage", "check_text")(CheckTextParameters(), Setup("check_text", 7, no_prompt))
    assert isinstance(built, CheckText)
    return built


def told(texts: dict[int | None, str]) -> Record:
    origin = Origin(stage="annotate", model="m-1")
    captions = (Caption(text=text, segment=s, origin=origin) for s, text in texts.items())
    return record().but(captions=tuple(captions))


async def test_the_captions_of_pixels_have_no_fault(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, [{"check_text": {}}])
    records = await records_of(recipe, Workspace(tmp_path / "run"))
    assert len(records) == 6
    for made in records:
        described = [caption.segment for caption in made.captions]
        scores = [s for s in made.scores if s.by == "check_text"]
        assert [(s.segment, s.name) for s in scores] == [(d, n) for d in described for n in NAMES]
        for name in ("text.refusal", "text.leak", "text.hedge", "text.language", "text.incomplete"):
            assert set(scores_of(made, name).values()) == {0.0}, name
        words = scores_of(made, "text.words")
        assert min(words.values()) >= 5
        assert max(scores_of(made, "text.repetition").values()) < 0.2
        assert max(scores_of(made, "text.duplicate").values()) < 0.9
    assert frozenset(NAMES) == recipe.stages[-1].stage.SCORES


async def test_each_fault_is_found_on_its_segment() -> None:
    made = await stage().annotate(
        told(
            {
                907: "A man marked 4, possibly a guard, stands and",
                31: "A man marked 4, possibly a guard, stands and",
                404: "Not visible in the image.",
                None: "Der Himmel ist blau und die Sonne ist auf dem Berg.",
            }
        ),
        Script({}),
    )
    assert scores_of(made, "text.leak") == {907: 1.0, 31: 1.0, 404: 0.0, None: 0.0}
    assert scores_of(made, "text.hedge") == {907: 0.3333, 31: 0.3333, 404: 0.0, None: 0.0}
    assert scores_of(made, "text.incomplete") == {907: 1.0, 31: 1.0, 404: 0.0, None: 0.0}
    assert scores_of(made, "text.refusal") == {907: 0.0, 31: 0.0, 404: 1.0, None: 0.0}
    assert scores_of(made, "text.language") == {907: 0.0, 31: 0.0, 404: 0.0, None: 1.0}
    assert scores_of(made, "text.duplicate") == {907: 1.0, 31: 1.0, 404: 0.0, None: 0.0}
    assert scores_of(made, "text.words") == {907: 9.0, 31: 9.0, 404: 5.0, None: 11.0}
    assert {score.by for score in made.scores} == {"check_text"}
    assert Record.from_line(made.to_line()) == made


async def test_a_record_without_captions_comes_back_as_it_is() -> None:
    assert await stage().annotate(record(), Script({})) == record()


def test_new_rules_are_a_new_fingerprint() -> None:
    assert stage().versions() == {"text_faults": 1}
    assert stage().roles() == ()
