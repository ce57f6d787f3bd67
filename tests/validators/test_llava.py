"""LLaVA instruction files: every kind of finding, with an entry that shows it."""

from __future__ import annotations

import json
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from annoengine.checks.finding_tally import FindingTally
from annoengine.checks.list_pass import ListTask
from annoengine.checks.llava_checks import check_entry, check_mask_line
from annoengine.errors import InputError
from annoengine.validation import Mending, find_datasets, validate
from annoengine.validator import Finding, Rules
from annoengine.validators.llava import Llava
from tests.validators.broken import check

ALL = {"size": [2, 2], "counts": "04"}


def entry(answer: str = "A dog runs over the grass.", **values: Any) -> dict[str, Any]:
    """A right entry with this answer; a member that is None is left out."""
    whole = {
        "id": "coco/train/1/detailed_caption",
        "image": "coco/1.jpg",
        "conversations": [
            {"from": "human", "value": "<image>\nWhat is this?"},
            {"from": "gpt", "value": answer},
        ],
        **values,
    }
    return {key: value for key, value in whole.items() if value is not None}


def turns(*values: str) -> list[dict[str, str]]:
    """Turns of human and gpt."""
    return [{"from": ("human", "gpt")[at % 2], "value": v} for at, v in enumerate(values)]


def findings(folder: Path, entries: Any, **given: Any) -> list[Finding]:
    path = folder / "llava.json"
    path.write_text(json.dumps(entries))
    assert Llava.recognises(path) or not isinstance(entries[0], dict)
    return check(path, Llava, **given)


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([entry(), 3], "file-malformed"),
        ([[]], "entry-malformed"),
        ([entry(id=None)], "entry-malformed"),
        ([entry(id="")], "entry-malformed"),
        ([entry(image=3)], "entry-malformed"),
        ([entry(), entry()], "entry-id-twice"),
        ([entry(image="/data/1.jpg")], "unsafe-path"),
        ([entry(image="../1.jpg")], "unsafe-path"),
        ([entry(conversations=[])], "turns-malformed"),
        ([entry(conversations=[{"from": "human"}])], "turns-malformed"),
        ([entry(conversations=turns("<image>"))], "roles-do-not-alternate"),
        ([entry(conversations=turns("<image>\nA", "B")[::-1])], "roles-do-not-alternate"),
        ([entry(conversations=turns("What?", "A dog."))], "image-token-misplaced"),
        ([entry(conversations=turns("<image> <image>?", "A dog."))], "image-token-misplaced"),
        ([entry(conversations=turns("What?", "A dog.", "<image>?", "B"))],
         "image-token-misplaced"),
        ([entry(image=None)], "image-token-misplaced"),
        ([entry(" ")], "turn-empty"),
        ([entry("A <3: dog> runs.")], "tag-left-over"),
        ([entry("<p> A dog </p> [SEG] and <3: a cat>.")], "tag-left-over"),
        ([entry("<p> A dog </p> runs.")], "phrase-tag-malformed"),
        ([entry("I'm sorry, but I cannot see the image.")], "caption-refusal"),
        ([entry("The dog in the bounding box of the queried object.")], "caption-leak"),
    ],
)  # fmt: skip
def test_every_kind_of_fault_of_an_entry(entries: list[Any], code: str, tmp_path: Path) -> None:
    found = findings(tmp_path, entries)
    assert code in {finding.code for finding in found}, [finding.line() for finding in found]


def test_right_entries_are_clean(tmp_path: Path) -> None:
    """Several turns, and one of text alone with a number for an id, as published files have."""
    talk = turns("What is it?\n<image>", "A dog.", "Is 2 < 3?", "Yes.")
    text_alone = entry(id=7, image=None, conversations=turns("Hi", "Hello."))
    assert findings(tmp_path, [entry(), entry(id="2", conversations=talk), text_alone]) == []


def test_photographs_are_looked_for_below_their_folder(tmp_path: Path) -> None:
    (tmp_path / "coco").mkdir()
    Image.new("RGB", (2, 2)).save(tmp_path / "coco" / "1.jpg")
    (tmp_path / "coco" / "2.jpg").write_bytes(b"no picture")
    entries = [entry(id=str(n), image=f"coco/{n}.jpg") for n in (1, 2, 3)]
    found = findings(tmp_path, entries, images=tmp_path)
    assert [(f.code, f.image_id) for f in found] == [
        ("photo-unreadable", "2"),
        ("photo-missing", "3"),
    ]


def line(id: str, *tokens: str, **values: Any) -> dict[str, Any]:
    """A right line of the file of masks."""
    rows = [{"token": token, "segments": [4], "masks": [ALL], **values} for token in tokens]
    return {"id": id, "image": "coco/1.jpg", "tokens": rows}


GROUNDED = entry("<p> A dog </p> <SEG_t> on <p> grass </p> <SEG_s>.", id="a")
TAGGED = entry("<1: A dog> on <2: grass>, <1,3: two dogs>.", id="b")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([line("a", "<SEG_t>", "<SEG_s>")], "entry-without-masks"),
        ([line("a", "<SEG_t>", "<SEG_s>"), line("b", "1", "2")], "token-count-differs"),
        ([line("a", "<SEG_s>", "<SEG_t>"), line("b", "1", "2", "3")], "token-count-differs"),
        ([line("c", "<SEG_s>")], "sidecar-unknown-image"),
        ([{"id": "a"}], "sidecar-malformed"),
        ([3], "sidecar-malformed"),
        ([line("a", "<SEG_t>", masks=[])], "sidecar-malformed"),
        ([line("a", "<SEG_t>", "<SEG_s>", segments=[1, 2])], "token-count-differs"),
        ([line("a", "<SEG_t>", "<SEG_s>", masks=[{"size": [2, 2], "counts": "4"}])], "rle-empty"),
    ],
)
def test_every_kind_of_fault_of_the_masks(lines: list[Any], code: str, tmp_path: Path) -> None:
    path = tmp_path / "llava_masks.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    found = findings(tmp_path, [GROUNDED, TAGGED])
    assert code in {finding.code for finding in found}, [finding.line() for finding in found]


def test_right_masks_are_clean(tmp_path: Path) -> None:
    lines = [line("a", "<SEG_t>", "<SEG_s>"), line("b", "1", "2", "3")]
    path = tmp_path / "llava_masks.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines))
    assert findings(tmp_path, [entry(), GROUNDED, TAGGED]) == []
    found = findings(tmp_path, [GROUNDED, entry("<1>A dog> on <2: grass>, <3: a dog>.", id="b")])
    assert [finding.code for finding in found] == ["tag-without-colon"]


def test_nothing_is_mended(tmp_path: Path) -> None:
    (tmp_path / "llava.json").write_text(json.dumps([entry()]))
    found = find_datasets(tmp_path)
    words = r"llava\.json: a LLaVA instruction file can be checked, not mended"
    with FindingTally() as tally, pytest.raises(InputError, match=words):
        validate(found, tally, Rules(), mending=Mending(tmp_path, tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_tasks_and_reports_go_to_other_processes() -> None:
    task = ListTask("a.json", Rules(), None, 0, json.dumps(GROUNDED).encode())
    check = pickle.loads(pickle.dumps(partial(check_entry, masked=True)))
    report = check(pickle.loads(pickle.dumps(task)))
    assert pickle.loads(pickle.dumps(report)).told == "<SEG_t> <SEG_s>"
    task = ListTask("a.jsonl", Rules(), None, 0, json.dumps(line("a", "[SEG]")).encode())
    assert check_mask_line(pickle.loads(pickle.dumps(task))).told == "[SEG]"
