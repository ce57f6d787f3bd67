"""COCONut-PanCap files against the rules of what reads them, and against the run they came from."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.coconut_pancap import CoconutPancap, CoconutPancapParameters
from annoengine.record import Caption, Span
from annoengine.registry import find
from tests.exporters.grounded_files import (
    ORIGIN,
    contents,
    example_photographs,
    grounded,
    made_scenes,
    of_masks,
    read_json,
    read_lines,
    read_pancap,
    rectangle,
    same_as_read_by_pancap,
    webdataset_rows,
)
from tests.exporters.runs import Run
from tests.tiny_coco import TinyCoco, id_map

TEXT = "A man stands under a blue sky, and people wait."
SAID = grounded(TEXT, ("A man", (7,)), ("a blue sky", (300,)), ("people", (7, 70000)))


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    exporter = CoconutPancap(CoconutPancapParameters.model_validate(parameters))
    return exporter.export(run, folder)


@pytest.fixture
def tiny(tmp_path: Path) -> Run:
    """One image: person 7, sky 300 (stuff), crowd 70000, and void."""
    run = Run.of(TinyCoco(tmp_path / "tiny").source())
    run.given = [run.given[0].but(captions=(SAID,))]
    return run


def test_the_exporter_is_found_by_its_name() -> None:
    assert find("exporter", "coconut_pancap") is CoconutPancap


def test_the_files_are_what_the_format_asks_for(tiny: Run, tmp_path: Path) -> None:
    exported = export(tiny, tmp_path / "out")
    assert exported.counts == {
        "images": 1,
        "segments": 3,
        "captions": 1,
        "phrases": 3,
        "segments grounded": 3,
    }
    assert exported.notes == ["val: 3 of the 3 segments of 1 captioned images are in a tag"]
    assert sorted(contents(tmp_path / "out")) == [
        "caption_val2017.tar",
        "captions_val2017.jsonl",
        "left_out_val2017.jsonl",
        "panoptic_val2017.json",
        "panoptic_val2017/0001.png",
    ]
    tagged = "<2: A man> stands under <1: a blue sky>, and <2,3: people> wait."
    assert webdataset_rows(tmp_path / "out" / "caption_val2017.tar") == [
        {"__key__": "caption_val2017/0001", "txt": tagged}
    ]
    written = read_json(tmp_path / "out" / "panoptic_val2017.json")
    assert list(written) == ["info", "licenses", "images", "annotations", "categories"]
    assert len(written["categories"]) == 133
    assert written["images"][0]["file_name"] == "0001.jpg"
    # Stuff first, numbered from 1; the sky is 8 by 2, the person and the crowd 3 by 4.
    assert written["annotations"] == [
        {
            "image_id": 1,
            "file_name": "0001.png",
            "segments_info": [
                {
                    "id": 1,
                    "category_id": 187,
                    "iscrowd": 0,
                    "isthing": 0,
                    "area": 16,
                    "bbox": [0, 0, 8, 2],
                },
                {
                    "id": 2,
                    "category_id": 1,
                    "iscrowd": 0,
                    "isthing": 1,
                    "area": 12,
                    "bbox": [0, 2, 3, 4],
                },
                {
                    "id": 3,
                    "category_id": 1,
                    "iscrowd": 1,
                    "isthing": 1,
                    "area": 12,
                    "bbox": [5, 2, 3, 4],
                },
            ],
        }
    ]
    with Image.open(tmp_path / "out/panoptic_val2017/0001.png") as image:
        assert image.mode == "RGB"
        png = np.asarray(image)
    assert png[..., 1:].max() == 0
    for old, new in ((0, 0), (300, 1), (7, 2), (70000, 3)):
        assert np.array_equal(png[..., 0] == new, id_map() == old)
    assert read_lines(tmp_path / "out" / "left_out_val2017.jsonl") == []
    assert read_lines(tmp_path / "out" / "captions_val2017.jsonl") == [
        {
            "image_id": 1,
            "file_name": "0001.jpg",
            "text": TEXT,
            "key": "caption_val2017/0001",
            "tagged": tagged,
            "spans": [
                {"start": 0, "end": 5, "phrase": "A man", "segments": [7], "ids": [2]},
                {"start": 19, "end": 29, "phrase": "a blue sky", "segments": [300], "ids": [1]},
                {"start": 35, "end": 41, "phrase": "people", "segments": [7, 70000], "ids": [2, 3]},
            ],
            "left_out": [],
            "origin": {
                "model": "gpt-4o-2024-11-20",
                "prompt": "coconut_pancap/merge1.v1",
                "prompt_sha256": "ab" * 32,
                "stage": "merge",
                "call": "cd" * 32,
                "turn": "round 2",
                "repairs": 0,
            },
            "scores": [],
        }
    ]


def test_the_tar_knows_nothing_of_when_and_by_whom(tiny: Run, tmp_path: Path) -> None:
    export(tiny, tmp_path / "out")
    with tarfile.open(tmp_path / "out" / "caption_val2017.tar") as tar:
        (member,) = tar.getmembers()
    assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
    assert (member.mode, member.isreg()) == (0o644, True)


@pytest.mark.parametrize("make", [lambda _: example_photographs(), lambda p: made_scenes(p, 12)])
def test_what_the_reader_gets_is_what_the_run_said(
    make: Callable[[Path], Run], tmp_path: Path
) -> None:
    run = make(tmp_path / "data")
    exported = export(run, tmp_path / "out")
    assert exported.counts["captions"] == len(run.given)
    assert exported.counts["segments grounded"] == exported.counts["segments"]
    seen = 0
    for split in {record.split for record in run.given}:
        taken, refused = read_pancap(tmp_path / "out", f"{split}2017")
        assert refused == {}
        for record in run.given:
            seen += same_as_read_by_pancap(run, record, taken[Path(record.photo.file).stem])
    assert seen == exported.counts["phrases"] >= 2 * len(run.given)


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    run = example_photographs()
    for name in ("a", "b"):
        export(run, tmp_path / name)
    a, b = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert a == b
    assert len(a) == 4 + len(run.given)


def test_an_image_without_a_grounded_paragraph_is_told_with_its_reason(tmp_path: Path) -> None:
    source = TinyCoco(tmp_path / "tiny", n=7).source()
    run = Run.of(source)
    plain = Caption(text="A man under a sky.", origin=ORIGIN)
    region = Caption(text="A man in red.", segment=7, origin=ORIGIN)
    lost = grounded("A man is there.", ("A man", (12,)), ("there", (13,)))
    captions: list[tuple[Caption, ...]] = [
        (plain, SAID, SAID),  # The first with spans is the paragraph.
        (region,),
        (plain,),
        (lost,),
        (grounded("A man, 1 < 2.", ("A man", (7,))),),
        (),
        (Caption(text=" ", origin=ORIGIN),),
    ]
    run.given = [r.but(captions=c) for r, c in zip(run.given, captions, strict=True)]
    run.given[5] = run.given[5].but(masks=None)
    exported = export(run, tmp_path / "out")
    assert exported.counts == {
        "images": 6,
        "segments": 18,
        "captions": 1,
        "phrases": 3,
        "segments grounded": 3,
        "images with no paragraph": 2,
        "images with no grounded phrase": 2,
        "images with a text that cannot be tagged": 1,
        "images with no masks": 1,
    }
    assert exported.notes[-1] == (
        "val: 1 captions of segments are not part of this format and were not written"
    )
    rows = read_lines(tmp_path / "out" / "left_out_val2017.jsonl")
    assert [(row["image_id"], row["reason"], row["masks_exported"]) for row in rows] == [
        (2, "no paragraph", True),
        (3, "no grounded phrase", True),
        (4, "no grounded phrase", True),
        (5, "a text that cannot be tagged", True),
        (6, "no masks", False),
        (7, "no paragraph", True),
    ]
    assert rows[2]["detail"] == "unknown segment"
    assert "'<'" in rows[3]["detail"]
    read = read_json(tmp_path / "out" / "panoptic_val2017.json")
    assert [image["id"] for image in read["images"]] == [1, 2, 3, 4, 5, 7]
    exported = export(run, tmp_path / "less", masks_without_text=False)
    assert (exported.counts["images"], exported.counts["captions"]) == (1, 1)
    rows = read_lines(tmp_path / "less" / "left_out_val2017.jsonl")
    assert [row["masks_exported"] for row in rows] == [False] * 6
    assert sorted(contents(tmp_path / "less"))[-1] == "panoptic_val2017/0001.png"


def test_a_phrase_that_cannot_leave_does_not_cost_the_others(tiny: Run, tmp_path: Path) -> None:
    text = f"  {TEXT}\n"
    at = text.index

    def span(words: str, *segments: int, more: int = 0) -> Span:
        return Span(start=at(words), end=at(words) + len(words) + more, segments=segments)

    spans = (
        span("A man ", 7),  # with a space, which does not leave
        span("man stands", 7),  # overlaps it
        span("der a", 7),  # begins within a word
        span("blue sky", 300, 7, 300),  # an id twice
        span("people", 12, 70000),  # a segment that is not there
        span("wait.", 7, more=40),  # ends behind the text
        span(" ", 7).but(start=0, end=2),
        span(",", 12),
        span(" and"),
    )
    caption = Caption(text=text, spans=spans, origin=ORIGIN)
    tiny.given = [tiny.given[0].but(captions=(caption,))]
    exported = export(tiny, tmp_path / "out")
    (row,) = webdataset_rows(tmp_path / "out" / "caption_val2017.tar")
    assert row["txt"] == "<2: A man> stands under a <1,2: blue sky>, and <3: people> wait."
    assert exported.counts["phrases"] == 3
    assert exported.counts["phrases left out"] == 6
    assert exported.counts["segments left out of phrases"] == 2
    (line,) = read_lines(tmp_path / "out" / "captions_val2017.jsonl")
    assert line["text"] == TEXT
    assert [(one["phrase"], one["segments"], one["reason"]) for one in line["left_out"]] == [
        ("", [7], "no words"),
        ("man stands", [7], "overlaps another phrase"),
        (",", [12], "unknown segment"),
        ("and", [], "no segment"),
        ("people", [12], "unknown segment"),
        ("wait.", [7], "outside of the text"),
        ("der a", [7], "cannot be tagged"),
    ]
    assert line["left_out"][-1]["detail"] == (
        "the phrase 'der a' (15 to 20) begins or ends within a word"
    )
    assert line["left_out"][-2]["detail"] == "44 to 89"
    _, refused = read_pancap(tmp_path / "out", "val2017")
    assert refused == {}


def test_names_of_photographs_become_keys(tmp_path: Path) -> None:
    mask = {1: rectangle(0, 0, 2, 2)}
    said = grounded("Ein Hügel.", ("Ein Hügel", (1,)))
    file = "Ä/" + "lang" * 40 + ".v2.png"
    exported = export(of_masks(mask, said, file=file), tmp_path / "out")
    (row,) = webdataset_rows(tmp_path / "out" / "caption_train2017.tar")
    key = "Ä/" + "lang" * 40 + "_v2"
    assert row == {"__key__": f"caption_train2017/{key}", "txt": "<1: Ein Hügel>."}
    assert (tmp_path / "out/panoptic_train2017" / f"{key}.png").is_file()
    assert exported.notes[-1] == (
        "train: 1 of 1 photographs will not be found by readers of the original, which look for "
        "the text's name with .jpg"
    )
    run = of_masks(mask, said, file="a.jpg")
    other = run.given[0].but(id="coco/train/10", photo=run.given[0].photo.but(file="a.png"))
    run.given.append(other)
    run.where[other.id] = run.where[run.given[0].id]
    with pytest.raises(InputError) as caught:
        export(run, tmp_path / "twice")
    assert str(caught.value) == (
        "two photographs of train2017 would have the panoptic mask a.png, one of them 'a.png' of "
        "coco/train/10; rename one of them"
    )


def test_splits_have_files_each_and_their_names_can_be_chosen(tmp_path: Path) -> None:
    mask = {1: rectangle(0, 0, 2, 2)}
    run = of_masks(mask, grounded("A hill.", ("A hill", (1,))))
    other = run.given[0].but(id="coco/val/9")
    run.given.append(other)
    run.where[other.id] = run.where[run.given[0].id]
    export(run, tmp_path / "out", names="{split}")
    names = set(contents(tmp_path / "out"))
    for split in ("train", "val"):
        assert f"panoptic_{split}/000000000009.png" in names
        taken, _ = read_pancap(tmp_path / "out", split)
        assert list(taken) == ["000000000009"]
    for wrong in ("all", "{split}/x", "{split}{split"):
        with pytest.raises(ValidationError):
            CoconutPancapParameters(names=wrong)
    run.given.append(run.given[0].but(id="zoo/val/1"))
    with pytest.raises(InputError, match="a coconut_pancap export is of one dataset"):
        export(run, tmp_path / "mixed")


def test_a_run_without_records_says_so(tmp_path: Path) -> None:
    exported = export(Run(), tmp_path)
    assert exported.notes == ["no record reached the end of the run: nothing was written"]
    assert list(tmp_path.iterdir()) == []
