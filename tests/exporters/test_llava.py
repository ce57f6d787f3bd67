"""LLaVA conversations against the rules of what trains with them, and against their run."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from annoengine.errors import RecipeError
from annoengine.exporter import Exported
from annoengine.exporters.llava import Llava, LlavaParameters
from annoengine.prompt import load_prompt
from annoengine.reading.llava_file import read_llava
from annoengine.record import Caption
from annoengine.registry import find
from tests.exporters.grounded_files import (
    ORIGIN,
    contents,
    example_photographs,
    grounded,
    made_scenes,
    masks_in_run,
    of_masks,
    painted,
    read_json,
    read_lines,
    rectangle,
    spans_of,
)
from tests.exporters.runs import Run
from tests.tiny_coco import TinyCoco

TEXT = "A man stands under a blue sky, and people wait."
SAID = grounded(TEXT, ("A man", (7,)), ("a blue sky", (300,)), ("people", (7, 70000)))


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return Llava(LlavaParameters.model_validate(parameters)).export(run, folder)


@pytest.fixture
def tiny(tmp_path: Path) -> Run:
    """One image: person 7, sky 300 (stuff), crowd 70000, and void."""
    run = Run.of(TinyCoco(tmp_path / "tiny").source())
    run.given = [run.given[0].but(captions=(SAID,))]
    return run


def trained_with(path: Path) -> list[dict[str, Any]]:
    """The entries, after LLaVA's own rules: a list, ids unique, one picture, turns that alternate.

    Source: ``LazySupervisedDataset`` and ``preprocess_multimodal`` of haotian-liu/LLaVA.
    """
    entries: list[dict[str, Any]] = read_json(path)
    assert isinstance(entries, list)
    assert len({entry["id"] for entry in entries}) == len(entries)
    for entry in entries:
        assert entry.keys() == {"id", "image", "conversations"}
        assert not entry["image"].startswith("/")
        turns = entry["conversations"]
        assert [turn["from"] for turn in turns] == ["human", "gpt"]
        assert turns[0]["value"].startswith("<image>\n")
        assert "".join(turn["value"] for turn in turns).count("<image>") == 1
    # The package's own reader says the same.
    read = list(read_llava(path))
    assert [(e.id, e.image) for e in read] == [(e["id"], e["image"]) for e in entries]
    assert [e.turns[1][1] for e in read] == [e["conversations"][1]["value"] for e in entries]
    return entries


def test_the_exporter_is_found_by_its_name() -> None:
    assert find("exporter", "llava") is Llava


def test_the_files_are_what_the_format_asks_for(tiny: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    exported = export(tiny, out, image="coco/{split}2017/{file}")
    assert exported.counts == {
        "detailed_caption conversations": 1,
        "segment_each_part conversations": 1,
        "phrases": 3,
        "masks": 4,
    }
    assert exported.notes == []
    assert sorted(contents(out)) == [
        "captions_val.jsonl",
        "coco_llava_val_detailed_caption.json",
        "coco_llava_val_segment_each_part.json",
        "coco_llava_val_segment_each_part_masks.jsonl",
        "left_out_val.jsonl",
    ]
    # Both questions word for word as the paper prints them.
    assert trained_with(out / "coco_llava_val_detailed_caption.json") == [
        {
            "id": "coco/val/1/detailed_caption",
            "image": "coco/val2017/0001.jpg",
            "conversations": [
                {
                    "from": "human",
                    "value": "<image>\nCould you please describe the image in detail?",
                },
                {"from": "gpt", "value": TEXT},
            ],
        }
    ]
    (entry,) = trained_with(out / "coco_llava_val_segment_each_part.json")
    assert entry["id"] == "coco/val/1/segment_each_part"
    assert entry["conversations"][0]["value"] == (
        "<image>\nPlease provide a detailed description of the image and segment each part."
    )
    assert entry["conversations"][1]["value"] == (
        "<p> A man </p> [SEG] stands under <p> a blue sky </p> [SEG], and "
        "<p> people </p> [SEG] wait."
    )
    (line,) = read_lines(out / "coco_llava_val_segment_each_part_masks.jsonl")
    assert (line["id"], line["image"]) == (entry["id"], entry["image"])
    assert [(t["token"], t["segments"]) for t in line["tokens"]] == [
        ("[SEG]", [7]),
        ("[SEG]", [300]),
        ("[SEG]", [7, 70000]),
    ]
    # Three columns of four pixels under two of void: 2 4 2 4 2 4 30.
    assert line["tokens"][0]["masks"] == [{"size": [6, 8], "counts": "242000l0"}]
    (said,) = read_lines(out / "captions_val.jsonl")
    assert said["entries"] == {
        "detailed_caption": "coco/val/1/detailed_caption",
        "segment_each_part": "coco/val/1/segment_each_part",
    }
    assert said["prompts"] == {
        "detailed_caption": "llava/detailed_caption1.v1",
        "segment_each_part": "llava/segment_each_part1.v1",
    }
    assert said["origin"]["model"] == ORIGIN.model


@pytest.mark.parametrize(
    ("grounding", "each", "answer", "tokens"),
    [
        (
            "pancaper",
            "segment",
            "<p> A man </p> <SEG_t> stands under <p> a blue sky </p> <SEG_s>, and "
            "<p> people </p> <SEG_t> <SEG_t> wait.",
            [("<SEG_t>", [7]), ("<SEG_s>", [300]), ("<SEG_t>", [7]), ("<SEG_t>", [70000])],
        ),
        (
            "pancaper",
            "phrase",
            "<p> A man </p> <SEG_t> stands under <p> a blue sky </p> <SEG_s>, and "
            "<p> people </p> <SEG_t> wait.",
            [("<SEG_t>", [7]), ("<SEG_s>", [300]), ("<SEG_t>", [7, 70000])],
        ),
        (
            "tags",
            "segment",
            "<1: A man> stands under <2: a blue sky>, and <1,3: people> wait.",
            [("1", [7]), ("2", [300]), ("3", [70000])],
        ),
    ],
)
def test_masks_are_named_in_other_forms_too(
    grounding: str,
    each: str,
    answer: str,
    tokens: list[tuple[str, list[int]]],
    tiny: Run,
    tmp_path: Path,
) -> None:
    kinds = ["segment_each_part"]
    export(tiny, tmp_path / "out", kinds=kinds, grounding=grounding, pancaper_tokens=each)
    (entry,) = trained_with(tmp_path / "out/coco_llava_val_segment_each_part.json")
    assert entry["conversations"][1]["value"] == answer
    (line,) = read_lines(tmp_path / "out/coco_llava_val_segment_each_part_masks.jsonl")
    assert [(t["token"], t["segments"]) for t in line["tokens"]] == tokens
    assert not (tmp_path / "out/coco_llava_val_detailed_caption.json").exists()


def check_masks(run: Run, line: dict[str, Any], entry: dict[str, Any]) -> None:
    """The n-th token of the answer stands for the n-th masks, and the words are the record's."""
    record = next(r for r in run.given if entry["id"].startswith(f"{r.id}/"))
    masks = masks_in_run(run, record)
    answer = entry["conversations"][1]["value"]
    said = spans_of(record)
    found = re.findall(r"<p> (.*?) </p> \[SEG\]", answer)
    assert found == [phrase for phrase, _ in said]
    assert len(line["tokens"]) == len(found)
    for token, (_, segments) in zip(line["tokens"], said, strict=True):
        assert tuple(token["segments"]) == segments
        for rle, id in zip(token["masks"], segments, strict=True):
            assert np.array_equal(painted([rle]) == 1, masks[id])
    plain = re.sub(r"<p> (.*?) </p> \[SEG\]", r"\1", answer)
    assert plain == next(c.text for c in record.captions if c.segment is None)


@pytest.mark.parametrize("make", [lambda _: example_photographs(), lambda p: made_scenes(p, 8)])
def test_what_is_trained_with_is_what_the_run_said(
    make: Callable[[Path], Run], tmp_path: Path
) -> None:
    run = make(tmp_path / "data")
    export(run, tmp_path / "out")
    stem = tmp_path / "out" / f"coco_llava_{run.given[0].split}"
    plain = trained_with(Path(f"{stem}_detailed_caption.json"))
    assert [e["conversations"][1]["value"] for e in plain] == [
        r.captions[0].text for r in run.given
    ]
    assert [e["image"] for e in plain] == [r.photo.file for r in run.given]
    entries = trained_with(Path(f"{stem}_segment_each_part.json"))
    lines = read_lines(Path(f"{stem}_segment_each_part_masks.jsonl"))
    assert [line["id"] for line in lines] == [entry["id"] for entry in entries]
    assert len(lines) == len(run.given)
    for line, entry in zip(lines, entries, strict=True):
        check_masks(run, line, entry)


def test_what_cannot_be_written_is_told_for_each_kind(tmp_path: Path) -> None:
    run = Run.of(TinyCoco(tmp_path / "tiny", n=6).source())
    captions: list[tuple[Caption, ...]] = [
        (SAID,),
        (Caption(text="A man in red.", segment=7, origin=ORIGIN),),
        (Caption(text="A man under a sky.", origin=ORIGIN),),
        (grounded("A man shows the word <image>.", ("A man", (7,))),),
        (grounded("A man by a sign, <p>.", ("A man", (7,))),),
        (SAID,),
    ]
    run.given = [r.but(captions=c) for r, c in zip(run.given, captions, strict=True)]
    run.given[5] = run.given[5].but(masks=None)
    exported = export(run, tmp_path / "out")
    assert exported.counts == {
        "detailed_caption conversations": 4,
        "segment_each_part conversations": 1,
        "phrases": 3,
        "masks": 4,
        "left out of detailed_caption": 2,
        "left out of segment_each_part": 5,
    }
    assert exported.notes == [
        "val: 2 images are not in detailed_caption: 1 with no paragraph, 1 with a text that holds "
        "a mark of the format",
        "val: 5 images are not in segment_each_part: 1 with no paragraph, 2 with a text that holds "
        "a mark of the format, 1 with no grounded phrase, 1 with no masks",
        "val: 1 captions of segments are not part of this format and were not written",
    ]
    rows = read_lines(tmp_path / "out/left_out_val.jsonl")
    assert [(row["image_id"], row["kind"], row["reason"], row["detail"]) for row in rows] == [
        (2, "detailed_caption", "no paragraph", ""),
        (2, "segment_each_part", "no paragraph", ""),
        (3, "segment_each_part", "no grounded phrase", ""),
        (4, "detailed_caption", "a text that holds a mark of the format", "<image>"),
        (4, "segment_each_part", "a text that holds a mark of the format", "<image>"),
        (5, "segment_each_part", "a text that holds a mark of the format", "<p>"),
        (6, "segment_each_part", "no masks", ""),
    ]
    assert len(trained_with(tmp_path / "out/coco_llava_val_detailed_caption.json")) == 4


def test_a_phrase_that_cannot_be_tagged_leaves_no_gap_in_the_numbers(tmp_path: Path) -> None:
    said = grounded("Hills by a lake.", ("H", (1,)), ("a lake", (2,)))
    run = of_masks({1: rectangle(0, 0, 4, 6), 2: rectangle(4, 0, 8, 6)}, said)
    exported = export(run, tmp_path / "out", kinds=["segment_each_part"], grounding="tags")
    assert exported.counts["phrases left out"] == 1
    (entry,) = trained_with(tmp_path / "out/coco_llava_train_segment_each_part.json")
    assert entry["conversations"][1]["value"] == "Hills by <1: a lake>."
    (line,) = read_lines(tmp_path / "out/coco_llava_train_segment_each_part_masks.jsonl")
    assert [(t["token"], t["segments"]) for t in line["tokens"]] == [("1", [2])]


def test_questions_are_drawn_by_seed_and_record(tmp_path: Path) -> None:
    run = made_scenes(tmp_path / "data", 24)
    names = [f"llava/detailed_caption{n}.v1" for n in range(1, 5)]

    def asked(seed: int, folder: str) -> list[str]:
        kinds = ["detailed_caption"]
        export(run, tmp_path / folder, kinds=kinds, seed=seed, detailed_caption_questions=names)
        file = tmp_path / folder / "coco_llava_val_detailed_caption.json"
        return [e["conversations"][0]["value"] for e in read_json(file)]

    first = asked(1, "first")
    assert set(first) == {f"<image>\n{load_prompt(name).body}" for name in names}
    assert asked(1, "again") == first != asked(2, "other")
    # A record keeps its question whatever else is in the run.
    run.given = run.given[10:12]
    assert asked(1, "some") == first[10:12]


def test_questions_are_found_beside_the_recipe_and_are_told_where_they_do_not_fit(
    tmp_path: Path,
) -> None:
    (tmp_path / "prompts/own").mkdir(parents=True)

    def write(name: str, head: str, body: str) -> None:
        text = f"---\nabout: a\nsource: b\n{head}---\n{body}\n"
        (tmp_path / f"prompts/own/{name}.md").write_text(text, encoding="utf-8")

    def built(*names: str) -> Llava:
        parameters = LlavaParameters(detailed_caption_questions=names)
        return Llava(parameters, lambda name: load_prompt(name, tmp_path))

    write("ask.v1", "", "What is it?")
    assert [p.name for p in built("own/ask.v1").prompts()] == [
        "own/ask.v1",
        "llava/segment_each_part1.v1",
    ]
    write("open.v1", "variables: [n]\n", "What are the {{n}} things?")
    write("placed.v1", "", "<image> What is it?")
    for names, words in (
        (("own/none.v1",), "no prompt called 'own/none.v1'"),
        (
            ("own/open.v1",),
            "the export 'llava': the prompt own/open.v1 has the variables n; a question has none",
        ),
        (
            ("own/placed.v1",),
            "the export 'llava': the prompt own/placed.v1 has '<image>' in it, which the export "
            "writes itself",
        ),
        ((), "the export 'llava' needs a question at least"),
    ):
        with pytest.raises(RecipeError) as caught:
            built(*names)
        assert words in str(caught.value)


@pytest.mark.parametrize("image", ["train2017/a.jpg", "/data/{file}", "../{file}"])
def test_the_path_of_an_image_is_relative_and_has_its_file(image: str) -> None:
    with pytest.raises(ValidationError):
        LlavaParameters(image=image)


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    run = made_scenes(tmp_path / "data", 3)
    for folder in ("one", "two"):
        export(run, tmp_path / folder)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
