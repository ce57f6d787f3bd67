"""SA-Pancap files: their text with boxes, their lists, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from annoengine.answers.pancap import Pancap
from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.sa_pancap import SaPancap, SaPancapParameters
from annoengine.pancap.boxed_caption import BoxedCaption
from annoengine.pancap.published_files import CAPTIONS, PublishedList, read_list, read_paths
from annoengine.validators.sa_pancap import SaPancap as Validator
from tests.exporters.boxed_runs import BOXES, SAID, SIZE, TEXT, record, run_of
from tests.exporters.grounded_files import grounded, read_lines
from tests.exporters.runs import Run
from tests.validators.broken import check

WRITTEN = (
    "Two men [[0.100, 0.500, 0.300, 1.000]] walk a brown dog [[0.500, 0.800, 0.700, 1.000]]. "
    "The taller man [[0.300, 0.400, 0.500, 1.000]] laughs under the sky "
    "[[0.000, 0.000, 1.000, 0.500]]."
)


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return SaPancap(SaPancapParameters(**parameters)).export(run, folder)


def test_each_box_stands_once_behind_the_phrase_that_is_most_its_own(tmp_path: Path) -> None:
    exported = export(run_of(record()), tmp_path)
    path = tmp_path / "sapancap_train_gtcaption.json"
    assert json.loads(path.read_text()) == [{"image_path": "sa_1.jpg", "gt_response": WRITTEN}]
    assert path.read_text() == json.dumps(json.loads(path.read_text()), indent=4)
    assert exported.counts == {"captions": 1, "boxes": 4, "entities without a box": 1}
    assert exported.notes == ["train: 4.0 boxes a caption; 4 in 1"]
    (row,) = read_lines(tmp_path / "captions_train.jsonl")
    assert (row["text"], row["image_path"]) == (TEXT, "sa_1.jpg")
    assert [span["segments"] for span in row["spans"]] == [[5, 9], [7], [9], [300]]
    assert row["origin"]["model"] == SAID.origin.model


def test_it_comes_back_within_half_a_thousandth(tmp_path: Path) -> None:
    export(run_of(record()), tmp_path)
    ((_, text),) = read_list(tmp_path / "sapancap_train_gtcaption.json", CAPTIONS)
    caption = Pancap().parse(text).answer
    assert isinstance(caption, BoxedCaption)
    assert caption.text == TEXT
    ends = {5: "Two men", 7: "a brown dog", 9: "The taller man", 300: "the sky"}
    for (id, phrase), place in zip(ends.items(), caption.places, strict=True):
        assert caption.text[: place.at].endswith(phrase)
        for got, pixels, side in zip(place.numbers, BOXES[id], SIZE * 2, strict=True):
            assert abs(got - pixels / side) <= 0.0005


def test_paths_are_as_readers_look_for_them_and_lists_name_the_same(tmp_path: Path) -> None:
    records = [record(n, split=split) for n, split in ((1, "val"), (2, "test"), (3, "val"))]
    export(run_of(*records), tmp_path, image="sam/{split}/{file}")
    assert list(read_paths(tmp_path / "sapancap_val_data_list.json")) == [
        "sam/val/sa_1.jpg",
        "sam/val/sa_3.jpg",
    ]
    with PublishedList(tmp_path / "sapancap_test_gtcaption.json", CAPTIONS) as found:
        assert found.get("/data/sam/test/sa_2.jpg") == WRITTEN
    for split in ("val", "test"):
        assert check(tmp_path / f"sapancap_{split}_gtcaption.json", Validator) == []
        assert check(tmp_path / f"sapancap_{split}_data_list.json", Validator) == []


def test_a_tiny_box_keeps_an_area(tmp_path: Path) -> None:
    one = record(caption=grounded("A man waits.", ("A man", (11,))))
    one = one.but(photo=one.photo.but(width=20000, height=10000))
    export(run_of(one), tmp_path)
    ((_, text),) = read_list(tmp_path / "sapancap_train_gtcaption.json", CAPTIONS)
    assert text == "A man [[0.007, 0.006, 0.008, 0.007]] waits."


def test_what_does_not_leave_is_told(tmp_path: Path) -> None:
    boxed = grounded("A man [0.1, 0.2, 0.3, 0.4] waits.", ("A man", (5,)))
    bare = grounded("Nobody is there.")
    records = [record(1), record(2, None), record(3, boxed), record(4, bare)]
    exported = export(run_of(*records), tmp_path)
    assert exported.counts == {
        "captions": 2,
        "boxes": 4,
        "captions without a box": 1,
        "entities without a box": 6,
        "images with no caption": 1,
        "images with numbers in the text that read as a box": 1,
    }
    left = read_lines(tmp_path / "left_out_train.jsonl")
    assert [(row["file_name"], row["reason"]) for row in left] == [
        ("sa_2.jpg", "no paragraph"),
        ("sa_3.jpg", "numbers in the text that read as a box"),
    ]
    (finding,) = check(tmp_path / "sapancap_train_gtcaption.json", Validator)
    assert finding.code == "caption-without-box"
    export(run_of(record(2, None)), tmp_path / "none")
    assert json.loads((tmp_path / "none/sapancap_train_gtcaption.json").read_text()) == []


def test_two_images_of_one_path_are_refused(tmp_path: Path) -> None:
    twice = run_of(record(1), record(2, file="sa_1.jpg"))
    with pytest.raises(InputError, match=r"two images of train would have the path 'sa_1.jpg'"):
        export(twice, tmp_path)
    with pytest.raises(ValidationError, match=r"is no relative path with \{file\} in it"):
        SaPancapParameters(image="/data/{file}")
