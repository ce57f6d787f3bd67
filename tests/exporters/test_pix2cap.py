"""Pix2Cap-COCO files against the rules of the tools that read the originals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.pix2cap_files import (
    boxed,
    caption,
    contents,
    export,
    lines,
    load,
    read_pix2cap,
    rectangle,
    training_images,
)
from tests.exporters.runs import Run

GOLDEN = Path(__file__).with_name("golden_pix2cap")
ORIGIN_ROW = {
    "model": "gpt-4o-2024-11-20",
    "prompt": "pix2cap_a@1",
    "prompt_sha256": "ab" * 32,
    "stage": "annotate",
    "call": "cd" * 32,
    "turn": "group 1",
    "repairs": 1,
}


def test_the_small_export_is_golden_to_the_byte(run: Run, tmp_path: Path) -> None:
    """To renew: delete tests/exporters/golden_pix2cap, run this test, and look at the diff."""
    exported = export(run, tmp_path / "out", pad="category")
    written = {
        name: data for name, data in contents(tmp_path / "out").items() if name[-3:] != "png"
    }
    written["account.json"] = (
        json.dumps({"counts": exported.counts, "notes": exported.notes}, indent=1) + "\n"
    ).encode()
    if not GOLDEN.exists():
        GOLDEN.mkdir()
        for name, data in written.items():
            (GOLDEN / name).write_bytes(data)
        pytest.fail("the golden files were written anew")
    assert written == contents(GOLDEN)


def test_the_same_records_give_the_same_bytes(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "a")
    export(run, tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_an_annotation_is_as_published(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    data = load(tmp_path / "out", "train")
    assert list(data) == ["info", "licenses", "images", "annotations", "categories"]
    assert data["annotations"][0] == {
        "image_id": 1,
        "file_name": "0001.png",
        "segments_info": [
            {
                "id": 7,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [0, 2, 3, 4],
                "area": 12,
                "description": 'A man says "hello".',
            },
            {
                "id": 300,
                "category_id": 187,
                "iscrowd": 0,
                "bbox": [0, 0, 8, 2],
                "area": 16,
                "description": "A clear sky, as blue as Köln's.",
            },
            {
                "id": 70000,
                "category_id": 1,
                "iscrowd": 1,
                "bbox": [5, 2, 3, 4],
                "area": 12,
                "description": "",
            },
        ],
    }
    assert data["images"][0] == {
        "license": 2,
        "file_name": "0001.jpg",
        "coco_url": "http://example.org/1",
        "height": 6,
        "width": 8,
        "date_captured": "2013-11-20 16:47:35",
        "flickr_url": "http://example.org/f/1",
        "id": 1,
    }
    assert [row["id"] for row in data["licenses"]] == [2, 4]
    assert len(data["categories"]) == 133
    assert data["categories"][0] == {
        "id": 1,
        "name": "person",
        "isthing": 1,
        "supercategory": "person",
        "color": [220, 20, 60],
    }
    assert "Köln" in (tmp_path / "out" / "pix2cap_coco_train.json").read_text("utf-8")
    assert [row["image_id"] for row in load(tmp_path / "out", "val")["annotations"]] == [4]


@pytest.mark.parametrize("copy_masks", ["copy", "link"])
def test_readers_get_every_caption_back(run: Run, tmp_path: Path, copy_masks: str) -> None:
    export(run, tmp_path / "out", copy_masks=copy_masks)
    sky = "A clear sky, as blue as Köln's."
    assert read_pix2cap(tmp_path / "out", "train") == {
        (1, 7): 'A man says "hello".',
        (1, 300): sky,
        (2, 7): "A woman with a 狗.",
        (2, 300): sky,
        (3, 300): sky,
    }
    assert read_pix2cap(tmp_path / "out", "val") == {(4, 300): sky}


@pytest.mark.parametrize(
    ("parameters", "listed", "survivors"),
    [
        # Published manner: image 1 goes for its crowd, image 3 for its person.
        ({}, 3, ["0002.jpg"]),
        ({"pad": "category"}, 3, ["0001.jpg", "0002.jpg", "0003.jpg"]),
        ({"drop_images_with_missing": True}, 1, ["0002.jpg"]),
        ({"drop_images_with_missing": True, "pad": "category"}, 2, ["0001.jpg", "0002.jpg"]),
    ],
)
def test_how_many_images_survive_the_training_loader(
    run: Run, tmp_path: Path, parameters: dict[str, Any], listed: int, survivors: list[str]
) -> None:
    exported = export(run, tmp_path / "out", **parameters)
    assert len(load(tmp_path / "out", "train")["images"]) == listed
    assert training_images(tmp_path / "out", "train") == survivors
    assert exported.counts["train: images that survive the training loader"] == len(survivors)
    assert f"train: {len(survivors)} of {listed} images survive" in exported.notes[0]


def test_the_account_of_the_published_manner(run: Run, tmp_path: Path) -> None:
    exported = export(run, tmp_path / "out")
    assert exported.counts == {
        "images": 4,
        "segments": 11,
        "captions": 6,
        "padded": 0,
        "uncaptioned": 2,
        "crowds without a caption": 3,
        "interactions": 1,
        "train: images that survive the training loader": 1,
        "val: images that survive the training loader": 0,
    }
    assert exported.notes == [
        "train: 1 of 3 images survive the released training loader, which leaves out every image "
        "with a description of under 3 characters (pad: category would fill the gaps)",
        "val: 0 of 1 images survive the released training loader, which leaves out every image "
        "with a description of under 3 characters (pad: category would fill the gaps)",
    ]


def test_padding_is_flagged_and_counted(run: Run, tmp_path: Path) -> None:
    exported = export(run, tmp_path / "out", pad="category")
    assert (exported.counts["padded"], exported.counts["uncaptioned"]) == (5, 0)
    described = read_pix2cap(tmp_path / "out", "train")
    assert described[3, 7] == "a person"
    assert described[1, 70000] == described[3, 70000] == "people"
    padded = [row for row in lines(tmp_path / "out", "provenance_train.jsonl") if row["padded"]]
    assert padded == [
        {"image_id": 1, "segment_id": 70000, "padded": True, "text": "people"},
        {"image_id": 3, "segment_id": 7, "padded": True, "text": "a person"},
        {"image_id": 3, "segment_id": 70000, "padded": True, "text": "people"},
    ]


def test_who_wrote_a_caption_stands_beside_it(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "out")
    assert lines(tmp_path / "out", "provenance_train.jsonl")[0] == {
        "image_id": 1,
        "segment_id": 7,
        "padded": False,
        **ORIGIN_ROW,
        "scores": [{"name": "clip", "value": 0.25, "by": "score_clip"}],
    }
    assert lines(tmp_path / "out", "interactions_train.jsonl") == [
        {
            "image_id": 1,
            "segment_ids": [7, 300],
            "text": "The person looks at the sky.",
            "origin": ORIGIN_ROW,
        }
    ]
    assert lines(tmp_path / "out", "interactions_val.jsonl") == []


def test_every_gap_is_listed_with_its_reason(run: Run, tmp_path: Path) -> None:
    def gaps(split: str) -> list[list[Any]]:
        rows = lines(tmp_path / "out", f"gaps_{split}.jsonl")
        keys = ("image_id", "segment_id", "reason", "detail", "stage", "image_exported")
        return [[row[key] for key in keys] for row in rows]

    export(run, tmp_path / "out", drop_images_with_missing=True)
    assert gaps("train") == [
        [1, 70000, "crowd", "", "", False],
        [3, 7, "refusal", "I cannot.", "annotate", False],
        [3, 70000, "crowd", "", "", False],
    ]
    assert gaps("val") == [
        [4, 7, "too short", "'ox'", "annotate", False],
        [4, 70000, "crowd", "", "", False],
    ]


def test_the_least_length_of_a_caption_can_be_set(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "a", min_caption_chars=2)
    assert read_pix2cap(tmp_path / "a", "val")[4, 7] == "ox"
    assert training_images(tmp_path / "a", "val") == []
    exported = export(run, tmp_path / "b", min_caption_chars=25)
    assert set(read_pix2cap(tmp_path / "b", "train")) == {(1, 300), (2, 300), (3, 300)}
    assert exported.counts["captions"] == 4


def test_three_characters_are_enough_for_the_loader_and_two_are_not(tmp_path: Path) -> None:
    for text, survive in (("fox", 1), ("ox", 0)):
        record, run = boxed([1], [rectangle(0, 0, 2, 2)], file="1.jpg")
        run.given = [record.but(captions=(caption(1, text),))]
        exported = export(run, tmp_path / text, min_caption_chars=1)
        assert exported.counts["train: images that survive the training loader"] == survive
        assert training_images(tmp_path / text, "train") == ["1.jpg"] * survive
