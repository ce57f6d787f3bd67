"""The stage ``check_marks``: what a drawing left in captions, and how a second drawing decides.

Runs go through the whole engine and the real OpenAI SDK, against a server on loopback that reads
the question and describes what it is asked about. The photograph is that of the coffee cup: a red
brown cup and saucer, whose marks are magenta and cyan.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.errors import RecipeError
from annoengine.fingerprint import sha256_hex
from annoengine.mark_traces.colour_words import families_of
from annoengine.mark_traces.redrawing import new_numbers, numbers_of
from annoengine.prompt import load_prompt
from annoengine.record import Record
from annoengine.runner import finished_records
from annoengine.som.draw import draw_marks
from annoengine.stage import Setup
from annoengine.stages.check_marks import CheckMarks, CheckMarksParameters
from annoengine.workspace import Workspace
from tests.stages.checked import (
    PROMPTS,
    Telling,
    model_at,
    recipe_of,
    records_of,
    scores_of,
)

REDRAW = {"check_marks": {"redraw": True, "prompts": PROMPTS}}


async def made_by(
    server: Telling, folder: Path, stages: Any = (REDRAW,), **mark: Any
) -> tuple[Record, Workspace]:
    """The record of the coffee cup at the end of a run against the server."""
    with model_at(server) as model:
        recipe = recipe_of(folder, stages, ["coffee"], model, **mark)
        workspace = Workspace(folder / "run")
        (record,) = await records_of(recipe, workspace)
    return record, workspace


def by_category(record: Record, name: str) -> dict[str, float]:
    """The scores of a name, by the category of the segment."""
    found = scores_of(record, name)
    return {record.segment(s).category.name: value for s, value in found.items() if s is not None}


def caption_of(record: Record, category: str) -> Any:
    (segment,) = (s for s in record.segments if s.category.name == category)
    return record.caption_of(segment.id)


def test_the_marks_are_as_the_tests_say() -> None:
    """Else the captions below would name colours of no mark."""
    assert families_of("#ff28e1") == {"magenta", "pink", "purple"}
    assert families_of("#00e1ff") == {"cyan", "blue"}


async def test_captions_that_tell_what_is_there_raise_no_suspicion(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, [{"check_marks": {}}])
    records = await records_of(recipe, Workspace(tmp_path / "run"))
    assert len(records) == 6
    for made in records:
        assert scores_of(made, "marks.colour") == {c.segment: 0.0 for c in made.captions}
        assert scores_of(made, "marks.number") == {c.segment: 0.0 for c in made.captions}
        assert not scores_of(made, "marks.mended")
        assert len(made.drawings) == 1


async def test_without_redraw_suspicions_are_scores_and_nothing_is_asked(tmp_path: Path) -> None:
    told = {
        "cup": ("a magenta cup with a white inside", ""),
        "saucer": ("a round saucer with number {n} on its rim", ""),
        "dining table": ("a brown wooden table under a purple cup", ""),
        "spoon": ("a silver spoon beside a magenta cup", ""),
    }
    async with Telling(told) as server:
        record, _ = await made_by(server, tmp_path, [{"check_marks": {}}])
    assert len(server.calls) == 1
    colour, number = by_category(record, "marks.colour"), by_category(record, "marks.number")
    assert {name for name, value in colour.items() if value} == {"cup"}
    assert {name for name, value in number.items() if value} == {"saucer"}
    assert len(colour) == len(number) == 5
    assert caption_of(record, "cup").text == "a magenta cup with a white inside."


async def test_what_the_second_answer_does_not_say_is_lost(tmp_path: Path) -> None:
    """The model names the colour of the mark at first, and not after the redraw."""
    second = "a red-brown cup with a white inside, on a saucer"
    told = {"cup": ("a magenta cup with a white inside", second)}
    async with Telling(told) as server:
        record, workspace = await made_by(server, tmp_path)
        # Only the cup is asked about again, under a number that no mark has.
        assert len(server.calls) == 2
        (asked,) = server.asked(1).items()
    assert asked[1] == "cup"
    assert asked[0] not in {mark.number for mark in record.marks}
    caption = caption_of(record, "cup")
    assert caption.text == f"{second}."
    assert (caption.origin.stage, caption.origin.turn) == ("check_marks", "redraw/1")
    assert caption.origin.prompt in PROMPTS
    assert caption.origin.prompt_sha256 == load_prompt(caption.origin.prompt).sha256
    assert caption.origin.call
    assert caption_of(record, "saucer").origin.stage == "annotate"
    assert set(by_category(record, "marks.colour").values()) == {0.0}
    assert by_category(record, "marks.mended") == {"cup": 1.0}
    assert by_category(record, "marks.confirmed") == {"cup": 0.0}
    assert workspace.root.exists()


async def test_what_both_answers_say_is_kept(tmp_path: Path) -> None:
    told = {"cup": ("a magenta cup with a white inside", "a cup of a magenta hue")}
    told |= {"saucer": ("a saucer with number 2 on its rim", "a saucer that bears the number 2")}
    async with Telling(told) as server:
        record, _ = await made_by(server, tmp_path)
        assert sorted(server.asked(1).values()) == ["cup", "saucer"]
    assert caption_of(record, "cup").text == "a magenta cup with a white inside."
    assert caption_of(record, "cup").origin.stage == "annotate"
    assert by_category(record, "marks.confirmed") == {"saucer": 1.0, "cup": 1.0}
    assert by_category(record, "marks.mended") == {"saucer": 0.0, "cup": 0.0}
    assert set(by_category(record, "marks.colour").values()) == {0.0}
    assert set(by_category(record, "marks.number").values()) == {0.0}


@pytest.mark.parametrize("rule", [{"do": "refusal"}, {"do": "empty"}, {"do": "content_filter"}])
async def test_without_a_second_answer_the_suspicion_stays(
    rule: dict[str, Any], tmp_path: Path
) -> None:
    told = {"cup": ("a magenta cup with a white inside", "")}
    async with Telling(told, script=[{**rule, "after": 1}]) as server:
        record, _ = await made_by(server, tmp_path)
        assert len(server.calls) >= 2
    assert caption_of(record, "cup").text == "a magenta cup with a white inside."
    assert by_category(record, "marks.colour")["cup"] == 1.0
    assert (
        by_category(record, "marks.mended")
        == by_category(record, "marks.confirmed")
        == {"cup": 0.0}
    )


async def test_passing_trouble_does_not_last(tmp_path: Path) -> None:
    """A record whose second question could not be put fails, and is asked again by a retry."""
    told = {"cup": ("a magenta cup with a white inside", "a red cup with a white inside")}
    rule = {"do": "status", "status": 500, "after": 1}
    async with Telling(told, script=[rule]) as server:
        with model_at(server) as model:
            recipe = recipe_of(tmp_path, [REDRAW], ["coffee"], model)
            workspace = Workspace(tmp_path / "run")
            assert await records_of(recipe, workspace) == []
            (failed,) = (workspace.root / "03-check_marks").glob("*.failed.jsonl")
            (line,) = failed.read_text().splitlines()
            assert json.loads(line)["reason"] == "gave_up"
            assert json.loads(line)["turns"] == ["redraw/1"]


async def test_a_provider_that_computes_sees_the_second_marks(tmp_path: Path) -> None:
    told = {"cup": ("a magenta cup with a white inside", "")}
    stage = {"check_marks": {"redraw": True, "prompts": PROMPTS, "model": "second"}}
    async with Telling(told) as server:
        with model_at(server) as model:
            recipe = recipe_of(tmp_path, [stage], ["coffee"], model, {"second": "pixels"})
            (record,) = await records_of(recipe, Workspace(tmp_path / "run"))
        assert len(server.calls) == 1
    caption = caption_of(record, "cup")
    assert "cup" in caption.text
    assert "magenta" not in caption.text
    assert caption.origin.model.startswith("pixels/")
    assert by_category(record, "marks.mended") == {"cup": 1.0}


async def test_a_second_answer_with_faults_only_shortens_the_first(tmp_path: Path) -> None:
    told = {
        "cup": ("a magenta cup with a white inside", "a cup marked {n}, red and white"),
        "saucer": ("a round saucer, outlined in cyan, on a table", "a saucer next to object {n}"),
        "spoon": ("a spoon of steel. It is number {n} of the set", "a spoon and the"),
    }
    async with Telling(told) as server:
        record, _ = await made_by(server, tmp_path)
    assert caption_of(record, "cup").text == "a cup with a white inside."
    assert caption_of(record, "saucer").text == "a round saucer, on a table."
    assert caption_of(record, "spoon").text == "a spoon of steel."
    assert by_category(record, "marks.mended") == {"saucer": 1.0, "cup": 1.0, "spoon": 1.0}
    assert caption_of(record, "saucer").origin.turn == "redraw/1"


async def test_a_model_that_goes_on_to_tell_the_marks_is_not_believed(tmp_path: Path) -> None:
    """The second answer names the second mark's colour, whatever that is."""
    told = {"cup": ("a magenta cup with a white inside", "a yellow, green, orange and blue cup")}
    async with Telling(told) as server:
        record, _ = await made_by(server, tmp_path)
    assert caption_of(record, "cup").text == "a cup with a white inside."
    assert by_category(record, "marks.mended") == {"cup": 1.0}


async def test_nothing_is_taken_where_nothing_would_be_left(tmp_path: Path) -> None:
    told = {"cup": ("it is magenta", "a cup marked {n}")}
    async with Telling(told) as server:
        record, _ = await made_by(server, tmp_path)
    assert caption_of(record, "cup").text == "it is magenta."
    assert by_category(record, "marks.colour")["cup"] == 1.0
    assert by_category(record, "marks.mended") == {"cup": 0.0}


async def test_the_second_drawing_is_kept_sent_and_drawn_again_to_the_byte(tmp_path: Path) -> None:
    told = {
        "cup": ("a magenta cup", "a red cup"),
        "saucer": ("a cyan saucer", "a red saucer"),
    }
    async with Telling(told) as server:
        record, workspace = await made_by(server, tmp_path)
        sent = server.calls[1].json()["messages"][0]["content"][0]["image_url"]["url"]
    data = base64.b64decode(sent.partition(",")[2])
    first, second = record.drawings
    assert second.image.by == "check_marks"
    assert sha256_hex(data) == second.image.sha256
    assert second.image.file.endswith(".again-2-3.jpg")
    assert numbers_of(second.image.file) == (2, 3)
    # The record's marks are still those of the first drawing.
    assert {mark.drawing for mark in record.marks} == {0}
    with model_at(server) as model:
        recipe = recipe_of(tmp_path, [REDRAW], ["coffee"], model)
    stage = recipe.stages[-1].stage
    assert isinstance(stage, CheckMarks)
    (number, again) = next(finished_records(recipe, workspace))
    assert (number, again) == (0, record)
    files = recipe.source.files(record)
    assert sha256_hex(stage.redraw(record, files, second.image)) == second.image.sha256
    # Other colours, by any name, on the lines of the picture itself.
    drawn = draw_marks(files, stage.commission(record, (2, 3)))
    firsts = {mark.segment: mark.colour for mark in record.marks}
    for mark in drawn.marks:
        assert not families_of(mark.colour) & families_of(firsts[mark.segment])
        assert (
            mark.number
            == new_numbers(record, 5, "check_marks")[
                next(m.number for m in record.marks if m.segment == mark.segment)
            ]
        )
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    magenta = np.abs(pixels - np.array([255, 40, 225])).sum(axis=-1) < 60
    assert magenta.sum() == 0
    assert first.image.sha256 != second.image.sha256


async def test_the_same_run_again_asks_nothing_and_gives_the_same_bytes(tmp_path: Path) -> None:
    told = {"cup": ("a magenta cup with a white inside", "a red cup with a white inside")}
    lines = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        async with Telling(told) as server:
            record, _ = await made_by(server, folder)
            assert len(server.calls) == 2
            again, _ = await made_by(server, folder)
            assert len(server.calls) == 2
        assert again == record
        lines.append(record.to_line())
    assert lines[0] == lines[1]


async def test_labels_that_name_the_category_keep_it(tmp_path: Path) -> None:
    told = {"cup": ("a magenta cup", "a red cup of coffee")}
    async with Telling(told) as server:
        record, _ = await made_by(server, tmp_path, style="coconut")
    assert caption_of(record, "cup").text == "a red cup of coffee."
    assert record.drawings[1].style == "coconut"
    assert record.drawings[1].clean_offset_xy is not None


def built(load: Any = load_prompt, **parameters: Any) -> CheckMarks:
    setup = Setup("check_marks", 7, load, {"annotator": "openai/m-1"})
    return CheckMarks(CheckMarksParameters(**parameters), setup)


def test_redraw_without_a_prompt_is_refused() -> None:
    with pytest.raises(RecipeError) as error:
        built(redraw=True)
    assert str(error.value) == (
        "check_marks: redraw is true and there is no prompt to ask with; name those of annotate in "
        "prompts, or set redraw to false"
    )


def test_a_prompt_that_it_cannot_fill_is_refused() -> None:
    with pytest.raises(RecipeError) as error:
        built(redraw=True, prompts=("pix2cap/repair1.v1",))
    assert "the prompt pix2cap/repair1.v1 wants faults, which this stage cannot fill" in str(
        error.value
    )


def test_without_redraw_no_role_and_no_prompt_is_named() -> None:
    silent = built(prompts=PROMPTS)
    assert (tuple(silent.roles()), tuple(silent.prompts())) == ((), ())
    assert set(silent.versions()) == {"mark_traces", "category_words"}
    asking = built(redraw=True, prompts=PROMPTS)
    assert tuple(asking.roles()) == ("annotator",)
    assert [prompt.name for prompt in asking.prompts()] == PROMPTS
    assert {"sight", "drawing", "grammar", "styles"} < set(asking.versions())
