"""ASMv2's references: text, boxes and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from annoengine.errors import RecipeError
from annoengine.exporter import Exported
from annoengine.exporters.asmv2 import Asmv2, Asmv2Parameters
from annoengine.pancap.grid_boxes import BoxGrid
from annoengine.pancap.reference_text import read_references
from annoengine.prompt import load_prompt
from annoengine.validators.asmv2 import Asmv2 as Validator
from tests.exporters.boxed_runs import BOXES, SAID, SIZE, TEXT, record, run_of
from tests.exporters.grounded_files import grounded, read_json, read_lines
from tests.exporters.runs import Run
from tests.validators.broken import check

FILE = "sa1b_asmv2_train.json"


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return Asmv2(Asmv2Parameters(**parameters)).export(run, folder)


def test_every_phrase_has_its_boxes_and_comes_back_within_one_step(tmp_path: Path) -> None:
    exported = export(run_of(record()), tmp_path)
    (entry,) = read_json(tmp_path / FILE)
    question, answer = (turn["value"] for turn in entry["conversations"])
    asked = {load_prompt(f"asmv2/detailed{n}.v1").body for n in (1, 2, 3)}
    assert question.removeprefix("<image>\n") in asked
    assert answer == (
        "<ref>Two men</ref><box>[[100, 500, 300, 749], [300, 450, 500, 749]]</box> walk "
        "<ref>a brown dog</ref><box>[[500, 649, 699, 749]]</box>. <ref>The taller man</ref>"
        "<box>[[300, 450, 500, 749]]</box> laughs under <ref>the sky</ref>"
        "<box>[[0, 250, 999, 500]]</box>."
    )
    read = read_references(answer)
    assert (read.text, read.strange) == (TEXT, ())
    grid = BoxGrid("padded", 999)
    for span, reference in zip(SAID.spans, read.references, strict=True):
        assert (reference.start, reference.end) == (span.start, span.end)
        for id, steps in zip(span.segments, reference.boxes, strict=True):
            shares = grid.shares(steps, SIZE)
            for got, pixels, length in zip(shares, BOXES[id], SIZE * 2, strict=True):
                assert abs(got * length - pixels) <= max(SIZE) / 999
    assert exported.counts == {"conversations": 1, "phrases": 4, "boxes": 5}
    (row,) = read_lines(tmp_path / "captions_train.jsonl")
    assert row["entry"] == entry["id"] == "sa1b/train/1/asmv2"
    assert check(tmp_path / FILE, Validator) == []


def test_what_does_not_leave_is_told(tmp_path: Path) -> None:
    marked = grounded("A dog <3 cats.", ("A dog", (7,)))
    records = [record(1), record(2, None), record(3, grounded("Nobody.")), record(4, marked)]
    exported = export(run_of(*records), tmp_path)
    reasons = [row["reason"] for row in read_lines(tmp_path / "left_out_train.jsonl")]
    assert reasons == ["no paragraph", "no grounded phrase", "< or > in the text"]
    assert exported.counts["images left out: < or > in the text"] == 1


def test_questions_are_the_recipes(tmp_path: Path) -> None:
    export(run_of(record()), tmp_path, questions=("llava/detailed_caption1.v1",), image="x/{file}")
    (entry,) = read_json(tmp_path / FILE)
    asked = load_prompt("llava/detailed_caption1.v1").body
    assert entry["conversations"][0]["value"] == f"<image>\n{asked}"
    assert entry["image"] == "x/sa_1.jpg"
    with pytest.raises(RecipeError, match="a question has none"):
        Asmv2(Asmv2Parameters(questions=("sa_pancap/caption1.v1",)))
