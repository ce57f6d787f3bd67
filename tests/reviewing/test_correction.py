"""The form of a correction: what a line may say, and what is said of one that may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from annoengine.errors import InputError
from annoengine.reviewing.correction import NO_DRAFT, Correction, text_sha256
from annoengine.reviewing.correction_file import CorrectionFile
from annoengine.reviewing.drafts import draft_line
from tests.reviewing.toys import signed, toy_record

DRAFT = {"caption": "A dog.", "draft_sha256": text_sha256("A dog.")}
SIGNED = {"who": "Ann", "when": "2025-06-01"}


def fault_of(tmp_path: Path, line: Any) -> str:
    """What is said of a file with this one line."""
    path = tmp_path / "c.jsonl"
    path.write_bytes((line if isinstance(line, bytes) else orjson.dumps(line)) + b"\n")
    with pytest.raises(InputError) as caught:
        CorrectionFile.open(path)
    first, last = str(caught.value).splitlines()
    assert last == "Nothing was done; mend the file and run again"
    assert first.startswith(f"{path}:1: ")
    return first.removeprefix(f"{path}:1: ")


def region(**said: Any) -> dict[str, Any]:
    """A signed line about one region."""
    return {"record": "toy/val/0", **SIGNED, "segments": [{"segment": 5, **said}]}


def test_a_draft_is_a_correction_that_changes_nothing() -> None:
    said = Correction.model_validate_json(draft_line(toy_record()))
    assert not said.changes
    assert [one.segment for one in said.segments] == [3, 5]
    assert said.paragraph is not None
    # The numbers are those that stand in the picture, not the ids 3 and 5.
    assert said.paragraph.caption == "A <1: blue sky> over <2: a dog>."


@pytest.mark.parametrize(
    "changed",
    [
        {"caption": "A cat."},
        {**DRAFT, "caption": "A dog"},
        {**DRAFT, "skip": True},
        {**DRAFT, "remove": "a shadow"},
        {"retag": {"name": "cat"}},
        {"shape": {"box_xyxy": [0, 0, 1, 1]}},
    ],
)
def test_whoever_changes_anything_signs(tmp_path: Path, changed: dict[str, Any]) -> None:
    line = {"record": "toy/val/0", "segments": [{"segment": 5, **changed}]}
    said = "toy/val/0: it changes something and does not say "
    assert fault_of(tmp_path, line) == f"{said}who and when"
    assert fault_of(tmp_path, {**line, "who": "Ann"}) == f"{said}when"
    assert Correction.model_validate_json(orjson.dumps({**line, **SIGNED})).changes


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"record": "toy/val/0", "who"', "the line is no JSON: EOF while parsing an object"),
        (b"[1, 2]", "Input should be an object (got [1, 2])"),
        (b"\xff\xfe{}", "the line is no JSON: expected value at line 1 column 1"),
        ({"who": "Ann"}, "'record' is needed and not there"),
        ({"record": 7}, "record: Input should be a valid string (got 7)"),
        (
            {"record": "toy/val/0", "segment": []},
            "toy/val/0: unknown key 'segment'. Did you mean 'segments'?",
        ),
        (
            region(captoin="A dog."),
            "toy/val/0: unknown key 'segments.0.captoin'. Did you mean 'caption'?",
        ),
        (
            {"record": "toy/val/0", "segments": [{"segment": "5"}]},
            "toy/val/0: segments.0.segment: Input should be a valid integer (got '5')",
        ),
        (
            {"record": "toy/val/0", "segments": [{"segment": 0}]},
            "toy/val/0: segments.0.segment: Input should be greater than or equal to 1 (got 0)",
        ),
        (
            region(caption=["A dog."]),
            "toy/val/0: segments.0.caption: Input should be a valid string (got ['A dog.'])",
        ),
        (
            region(caption=" "),
            'toy/val/0: segment 5: its caption is empty; to take a caption away, say "skip": "why"',
        ),
        (
            region(caption=None, draft_sha256=DRAFT["draft_sha256"]),
            'toy/val/0: segment 5: it has no caption any more; to take it away, say "skip": "why"',
        ),
        (
            region(**{**DRAFT, "caption": "A cat.", "skip": "too small"}),
            "toy/val/0: segment 5: it corrects a caption that it takes away; say one of the two",
        ),
        (
            region(remove=True, retag={"name": "cat"}),
            "toy/val/0: segment 5: it removes a region that it also changes; say one of the two",
        ),
        (
            region(skip=" "),
            "toy/val/0: segment 5: skip has an empty reason; give one, or true",
        ),
        (
            region(draft="A cat.", draft_sha256=DRAFT["draft_sha256"]),
            "toy/val/0: segment 5: draft and draft_sha256 quote two different texts",
        ),
        (
            region(shape={}),
            "toy/val/0: segments.0.shape: a shape is one of polygons, rle and box_xyxy, not none",
        ),
        (
            {"record": "toy/val/0", "segments": [{"segment": 5}, {"segment": 5}]},
            "toy/val/0: it names segment 5 twice",
        ),
        (
            {**region(caption="A cat."), "when": "yesterday"},
            "toy/val/0: when is 'yesterday'; a moment in ISO 8601 is needed (2025-06-01T10:20:00Z)",
        ),
    ],
)
def test_each_fault_has_its_sentence(tmp_path: Path, line: Any, said: str) -> None:
    assert fault_of(tmp_path, line).startswith(said)


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b"{}\n" * 12 + orjson.dumps(signed({"record": "toy/val/0"})) + b"\n{}\n")
    with pytest.raises(InputError) as caught:
        CorrectionFile.open(path)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"{path}:1: 'record' is needed and not there"
    assert lines[9].startswith(f"{path}:10: ")
    assert lines[10] == "… and 3 more"


def test_a_draft_of_nothing_may_stay_nothing_or_be_filled() -> None:
    empty = region(caption=None, draft_sha256=NO_DRAFT)
    assert not Correction.model_validate_json(orjson.dumps(empty)).changes
    filled = region(caption="A dog.", draft_sha256=NO_DRAFT)
    assert Correction.model_validate_json(orjson.dumps(filled)).changes
