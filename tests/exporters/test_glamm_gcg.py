"""GCG files against the rules of what reads them, and against the run they came from."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annoengine.errors import InputError, RecipeError
from annoengine.exporter import Exported
from annoengine.exporters.glamm_gcg import GlammGcg, GlammGcgParameters
from annoengine.prompt import load_prompt
from annoengine.record import Caption
from annoengine.registry import find
from tests.exporters.grounded_files import (
    ORIGIN,
    contents,
    example_photographs,
    grounded,
    made_scenes,
    of_masks,
    read_gcg,
    read_json,
    read_lines,
    rectangle,
    same_as_read_by_gcg,
    same_masks,
)
from tests.exporters.runs import Run
from tests.tiny_coco import TinyCoco, id_map

TEXT = "A man stands under a blue sky, and people wait."
SAID = grounded(TEXT, ("A man", (7,)), ("a blue sky", (300,)), ("people", (7, 70000)))
LEFT, RIGHT, BOTH = rectangle(0, 0, 4, 6), rectangle(4, 0, 8, 6), rectangle(3, 0, 5, 6)


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return GlammGcg(GlammGcgParameters.model_validate(parameters)).export(run, folder)


@pytest.fixture
def tiny(tmp_path: Path) -> Run:
    """One image: person 7, sky 300 (stuff), crowd 70000, and void."""
    run = Run.of(TinyCoco(tmp_path / "tiny").source())
    run.given = [run.given[0].but(captions=(SAID,))]
    return run


def test_the_exporter_is_found_by_its_name() -> None:
    assert find("exporter", "glamm_gcg") is GlammGcg


def test_the_files_are_what_the_format_asks_for(tiny: Run, tmp_path: Path) -> None:
    exported = export(tiny, tmp_path / "out", questions=["glamm_gcg/question1.v1"])
    assert exported.counts == {"images": 1, "phrases": 3, "masks": 4}
    assert exported.notes == []
    assert sorted(contents(tmp_path / "out")) == [
        "captions_val.jsonl",
        "coco_GCG_val.json",
        "coco_GCG_val_conversations.json",
        "coco_PanCaper_val_conversations.json",
        "left_out_val.jsonl",
        "val_gcg_coco_caption_gt.json",
        "val_gcg_coco_mask_gt.json",
    ]
    # Three columns of four pixels under two of void: 2 4 2 4 2 4 30.
    person = {"size": [6, 8], "counts": "242000l0"}
    (row,) = read_json(tmp_path / "out" / "coco_GCG_val.json")
    assert (row["file_name"], row["caption"]) == ("0001.jpg", TEXT)
    assert list(row["groundings"]) == ["A man", "a blue sky", "people"]
    assert row["groundings"]["A man"] == {"token_positives": [0, 5], "rle_masks": [person]}
    assert row["groundings"]["people"]["token_positives"] == [35, 41]
    assert len(row["groundings"]["people"]["rle_masks"]) == 2
    (talk,) = read_json(tmp_path / "out" / "coco_GCG_val_conversations.json")
    asked = (
        "The <image> provides an overview of the picture.\nCould you please give me a detailed "
        "description of the image? Please respond with interleaved segmentation masks for the "
        "corresponding parts of the answer."
    )
    assert (talk["id"], talk["image"], talk["prompt"]) == (
        "1",
        "0001.jpg",
        "glamm_gcg/question1.v1",
    )
    assert talk["conversations"] == [
        {"from": "human", "value": asked},
        {
            "from": "gpt",
            "value": "<p> A man </p> [SEG] stands under <p> a blue sky </p> [SEG], and "
            "<p> people </p> [SEG] wait.",
        },
    ]
    assert talk["segments"] == [[7], [300], [7, 70000]]
    assert talk["masks"][0] == [person]
    (talk,) = read_json(tmp_path / "out" / "coco_PanCaper_val_conversations.json")
    assert talk["conversations"][1]["value"] == (
        "<p> A man </p> <SEG_t> stands under <p> a blue sky </p> <SEG_s>, and "
        "<p> people </p> <SEG_t> <SEG_t> wait."
    )
    assert talk["segments"] == [[7], [300], [7], [70000]]
    captions = read_json(tmp_path / "out" / "val_gcg_coco_caption_gt.json")
    masks = read_json(tmp_path / "out" / "val_gcg_coco_mask_gt.json")
    assert captions["images"][0]["id"] == masks["images"][0]["id"] == "0001"
    assert captions["annotations"] == [
        {
            "id": 1,
            "image_id": "0001",
            "caption": TEXT,
            "labels": ["A man", "a blue sky", "people"],
        }
    ]
    assert masks["categories"] == [{"id": 1, "name": "object", "supercategory": "object"}]
    assert masks["annotations"][0] == {
        "id": 1,
        "image_id": "0001",
        "category_id": 1,
        "segmentation": person,
        "area": 12,
        "bbox": [0, 2, 3, 4],
        "iscrowd": 0,
    }
    # The person's and the crowd's pixels together.
    assert (masks["annotations"][2]["area"], masks["annotations"][2]["bbox"]) == (24, [0, 2, 8, 4])
    (line,) = read_lines(tmp_path / "out" / "captions_val.jsonl")
    assert line["keys"] == ["A man", "a blue sky", "people"]
    assert [span["segments"] for span in line["spans"]] == [[7], [300], [7, 70000]]
    assert line["origin"]["call"] == "cd" * 32


@pytest.mark.parametrize("make", [lambda _: example_photographs(), lambda p: made_scenes(p, 12)])
def test_what_the_reader_gets_is_what_the_run_said(
    make: Callable[[Path], Run], tmp_path: Path
) -> None:
    run = make(tmp_path / "data")
    exported = export(run, tmp_path / "out")
    assert exported.counts["images"] == len(run.given)
    split = run.given[0].split
    images = read_gcg(tmp_path / "out" / f"coco_GCG_{split}.json")
    talks = {
        style: read_json(tmp_path / "out" / f"coco_{style}_{split}_conversations.json")
        for style in ("GCG", "PanCaper")
    }
    again = 0
    for at, record in enumerate(run.given):
        image = images[record.photo.file]
        same_as_read_by_gcg(run, record, image)
        again += sum(key != phrase for key, phrase in zip(image.keys, image.phrases, strict=True))
        glamm, pancaper = (talks[style][at] for style in ("GCG", "PanCaper"))
        assert glamm["conversations"][1]["value"] == image.answer
        same_masks(run, record, glamm, "[SEG]")
        same_masks(run, record, pancaper, "<SEG_t>", "<SEG_s>")
    assert again == exported.counts["phrases said again"] > 0


def test_only_val_and_test_have_files_for_the_evaluation(tmp_path: Path) -> None:
    run = Run()
    said = grounded("A hill.", ("A hill", (1,)))
    for split in ("train", "val", "test", "all"):
        one = of_masks({1: LEFT}, said, split=split)
        run.given += one.given
        run.where |= one.where
    export(run, tmp_path / "out", conversations=["PanCaper"])
    truths = [name for name in contents(tmp_path / "out") if name.endswith("_gt.json")]
    assert sorted(name.split("_")[0] for name in truths) == ["test", "test", "val", "val"]
    assert not [n for n in contents(tmp_path / "out") if re.fullmatch(".*_GCG_.*_conv.*", n)]
    other = of_masks({1: LEFT}, said, file="000000000009.png", split="val")
    run.given.append(other.given[0].but(id="coco/val/10"))
    run.where["coco/val/10"] = other.where["coco/val/9"]
    with pytest.raises(InputError) as caught:
        export(run, tmp_path / "twice")
    assert str(caught.value) == (
        "the evaluation would take two photographs of val for one, '000000000009'; the second is "
        "'000000000009.png' of coco/val/10; rename one of them"
    )
    run.given[-1] = run.given[0].but(id="zoo/val/1")
    with pytest.raises(InputError, match="a glamm_gcg export is of one dataset"):
        export(run, tmp_path / "mixed")


def test_an_image_without_a_grounded_paragraph_is_told_with_its_reason(tmp_path: Path) -> None:
    run = Run.of(TinyCoco(tmp_path / "tiny", n=6).source())
    captions: list[tuple[Caption, ...]] = [
        (SAID,),
        (Caption(text="A man in red.", segment=7, origin=ORIGIN),),
        (Caption(text="A man under a sky.", origin=ORIGIN),),
        (grounded("A man is there.", ("A man", (12,)), ("there", (13,))),),
        (grounded("A man by a sign, <p>.", ("A man", (7,))),),
        (SAID,),
    ]
    run.given = [r.but(captions=c) for r, c in zip(run.given, captions, strict=True)]
    run.given[5] = run.given[5].but(masks=None)
    exported = export(run, tmp_path / "out")
    assert exported.counts == {
        "images": 1,
        "phrases": 3,
        "masks": 4,
        "images with no paragraph": 1,
        "images with no grounded phrase": 2,
        "images with a text that holds a mark of the format": 1,
        "images with no masks": 1,
    }
    assert exported.notes == [
        "val: 1 captions of segments are not part of this format and were not written"
    ]
    rows = read_lines(tmp_path / "out" / "left_out_val.jsonl")
    assert [(row["image_id"], row["reason"], row["detail"]) for row in rows] == [
        (2, "no paragraph", ""),
        (3, "no grounded phrase", ""),
        (4, "no grounded phrase", "unknown segment"),
        (5, "a text that holds a mark of the format", "<p>"),
        (6, "no masks", ""),
    ]
    assert len(read_json(tmp_path / "out" / "coco_GCG_val.json")) == 1


def test_segments_that_are_a_box_alone_are_told(tmp_path: Path) -> None:
    said = grounded("A hill by a lake.", ("A hill", (1, 2)), ("a lake", (2,)))
    run = of_masks({1: LEFT, 2: RIGHT}, said)
    record = run.given[0]
    record = record.but(segments=(record.segments[0], record.segments[1].but(mask=None)))
    run.given = [record]
    exported = export(run, tmp_path / "out")
    assert exported.counts["phrases left out"] == 1
    assert exported.counts["segments left out of phrases"] == 2
    image = read_gcg(tmp_path / "out" / "coco_GCG_train.json")["000000000009.jpg"]
    assert image.phrases == ["A hill"]
    assert np.array_equal(image.masks[0] == 1, LEFT)


def test_questions_are_drawn_from_the_seed_alone(tmp_path: Path) -> None:
    run = made_scenes(tmp_path / "data", 40)
    drawn = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        export(run, tmp_path / name, seed=seed)
        talks = read_json(tmp_path / name / "coco_GCG_val_conversations.json")
        others = read_json(tmp_path / name / "coco_PanCaper_val_conversations.json")
        drawn[name] = [talk["prompt"] for talk in talks]
        assert drawn[name] == [talk["prompt"] for talk in others]
        for talk in talks:
            asked = talk["conversations"][0]["value"].split("\n", 1)[1]
            assert asked == load_prompt(talk["prompt"]).body
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert drawn["a"] != drawn["c"]
    assert {*drawn["a"], *drawn["c"]} == {f"glamm_gcg/question{n}.v1" for n in range(1, 7)}


def test_a_question_that_is_not_there_is_told_before_the_run() -> None:
    with pytest.raises(RecipeError, match=r"no prompt called 'glamm_gcg/question1\.v9'"):
        GlammGcg(GlammGcgParameters(questions=("glamm_gcg/question1.v9",)))


def test_the_six_questions_are_different_and_ask_for_masks() -> None:
    bodies = [load_prompt(f"glamm_gcg/question{n}.v1").body for n in range(1, 7)]
    assert all(a != b for a, b in itertools.combinations(bodies, 2))
    assert all("mask" in body and "<" not in body for body in bodies)


def test_a_mask_that_changed_since_the_run_is_refused(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path / "tiny")
    run = Run.of(tiny.source())
    (tiny.masks / "0001.png").write_bytes(id_map().tobytes())
    with pytest.raises(InputError, match=r"0001\.png of coco/val/1 has changed since the run"):
        export(run, tmp_path / "out")


def test_a_run_without_records_says_so(tmp_path: Path) -> None:
    exported = export(Run(), tmp_path)
    assert exported.notes == ["no record reached the end of the run: nothing was written"]
    assert list(tmp_path.iterdir()) == []
