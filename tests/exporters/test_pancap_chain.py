"""PancapChain's training data: the four questions, their grids, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.pancap_chain import (
    PancapChain,
    PancapChainParameters,
    split_instances,
)
from annoengine.pancap.chain_entries import read_chain
from annoengine.pancap.grid_boxes import BOX_TEXT, BoxGrid, read_steps
from annoengine.pancap.instance_text import Instance, read_instances, write_instances
from annoengine.pancap.published_files import unpad_boxes
from annoengine.validators.pancap_chain import PancapChain as Validator
from tests.exporters.boxed_runs import BOXES, SIZE, record, run_of
from tests.exporters.grounded_files import grounded, read_json, read_lines
from tests.exporters.runs import Run
from tests.validators.broken import check

FILE = "sapancap_train_data_pancapchain.json"


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return PancapChain(PancapChainParameters(**parameters)).export(run, folder)


def test_four_questions_in_the_papers_words(tmp_path: Path) -> None:
    exported = export(run_of(record()), tmp_path)
    entries = read_json(tmp_path / FILE)
    # 200 x 100 lies 50 pixels down in a square of 200: a pixel is five steps.
    men, dog, man, sky = (
        "100, 500, 300, 750",
        "500, 650, 700, 750",
        "300, 450, 500, 750",
        ("0, 250, 1000, 500"),
    )
    boxes = ", ".join(f"<box>[[{box}]]</box>" for box in (men, dog, man, sky))
    tagged = (
        f"person <box>[[{men}]]</box>, dog <box>[[{dog}]]</box>, "
        f"person <box>[[{man}]]</box>, sky <box>[[{sky}]]</box>"
    )
    talks = [[turn["value"] for turn in entry["conversations"]] for entry in entries]
    assert talks[0] == ["<image>\nPlease localize all entities in this image.", boxes]
    assert talks[1] == [
        "<image>\nPlease specify the semantic tags of all entities based on their bounding boxes: "
        + boxes,
        tagged,
    ]
    assert talks[3] == [
        "<image>\nPlease provide a hyper-detailed description for this image, including all "
        "entities, their locations, attributes, and relationships, as well as the global image "
        f"state, based on boxes and tags: {tagged}",
        f"Two men <box>[[{men}]]</box> walk a brown dog <box>[[{dog}]]</box>. The taller man "
        f"<box>[[{man}]]</box> laughs under the sky <box>[[{sky}]]</box>.",
    ]
    question, missing = talks[2]
    known = question.partition("based on these specified entities: ")[2]
    assert len(read_instances(known).instances) == 3
    assert len(read_instances(missing).instances) == 1
    stages = ["localise", "tag", "discover", "caption"]
    assert [entry["id"] for entry in entries] == [f"sa1b/train/1/{stage}" for stage in stages]
    assert {entry["image"] for entry in entries} == {"sa_1.jpg"}
    assert exported.counts == {
        "images": 1,
        "conversations": 4,
        "entities": 4,
        "entities not in the caption": 1,
    }
    (row,) = read_lines(tmp_path / "captions_train.jsonl")
    assert list(row["entries"]) == stages
    assert check(tmp_path / FILE, Validator) == []


@pytest.mark.parametrize("frame", ["padded", "resized"])
@pytest.mark.parametrize("scale", [1000, 999])
def test_boxes_come_back_within_one_step(tmp_path: Path, frame: Any, scale: Any) -> None:
    tall = record(2)
    tall = tall.but(photo=tall.photo.but(width=201, height=433))
    run = run_of(record(), tall)
    export(run, tmp_path, frame=frame, scale=scale, stages=["localise", "tag"])
    grid = BoxGrid(frame, scale)
    for one, example in zip(run.given, read_chain(tmp_path / FILE), strict=True):
        assert [entity.tag for entity in example.entities] == ["person", "dog", "person", "sky"]
        assert tuple(entity.box for entity in example.entities) == example.boxes
        size = (one.photo.width, one.photo.height)
        for id, steps in zip((5, 7, 9, 300), example.boxes, strict=True):
            side = [max(size) / length if frame == "padded" else 1 for length in size] * 2
            shares = grid.shares(steps, size)
            for got, pixels, length, of in zip(shares, BOXES[id], size * 2, side, strict=True):
                assert abs(got - pixels / length) <= of / scale


def test_the_release_takes_the_padding_off_again(tmp_path: Path) -> None:
    export(run_of(record()), tmp_path, stages=["caption"])
    (entry,) = read_json(tmp_path / FILE)
    text = unpad_boxes(entry["conversations"][1]["value"], SIZE)
    assert "Two men [[0.100, 0.500, 0.300, 1.000]] walk" in text
    assert "the sky [[0.000, 0.000, 1.000, 0.500]]." in text


def test_one_entity_alone_misses_none_and_of_two_one_is_missing(tmp_path: Path) -> None:
    alone = record(1, grounded("A brown dog sleeps.", ("A brown dog", (7,))))
    two = record(2, grounded("A dog and a man.", ("A dog", (7,)), ("a man", (5,))))
    exported = export(run_of(alone, two), tmp_path)
    first, second = read_chain(tmp_path / FILE)
    assert (len(first.known), first.missing) == (1, ())
    assert read_json(tmp_path / FILE)[2]["conversations"][1]["value"] == "None"
    assert (len(second.known), len(second.missing)) == (1, 1)
    assert exported.counts["images of one entity"] == 1
    assert check(tmp_path / FILE, Validator) == []


TAGS = st.lists(st.sampled_from("ab"), min_size=1, max_size=12)


@settings(max_examples=50)
@given(TAGS, st.integers(0, 50))
def test_the_smaller_part_is_missing_and_nothing_is_lost(tags: list[str], seed: int) -> None:
    told = [Instance(f"{tag}{n}", (n, n, n + 1, n + 1)) for n, tag in enumerate(tags)]
    known, missing = split_instances(told, seed, "coco/train/1")
    assert sorted([*known, *missing], key=lambda one: one.box) == told
    assert known == sorted(known, key=lambda one: one.box)
    if len(told) > 2:
        assert 0 < len(missing) < len(known)
    assert (known, missing) == split_instances(told, seed, "coco/train/1")


def test_which_are_missing_hangs_on_image_and_seed_alone(tmp_path: Path) -> None:
    told = [Instance(str(n), (n, n, n + 1, n + 1)) for n in range(12)]
    drawn = {
        tuple(one.tag for one in split_instances(told, seed, f"coco/train/{image}")[1])
        for seed in range(4)
        for image in range(4)
    }
    assert len(drawn) > 12


STEP = st.integers(0, 1000)
ITEMS = st.lists(
    st.builds(
        Instance,
        st.text("abc -'", max_size=9).map(str.strip),
        st.tuples(STEP, STEP, STEP, STEP),
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(ITEMS)
def test_instances_come_back(items: list[Instance]) -> None:
    read = read_instances(write_instances(items))
    assert [one.box for one in read.instances] == [one.box for one in items]
    # "and " before a tag is read as the comma's.
    tags = [one.tag.removeprefix("and ") for one in items]
    assert [one.tag for one in read.instances] == tags
    assert read.strange == ()


@settings(max_examples=60)
@given(
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    st.tuples(*[st.floats(0, 1)] * 4),
    st.sampled_from(["padded", "resized"]),
    st.sampled_from([999, 1000]),
)
def test_a_grid_gives_boxes_back(size: Any, shares: Any, frame: Any, scale: Any) -> None:
    x1, x2 = sorted((shares[0] * size[0], shares[2] * size[0]))
    y1, y2 = sorted((shares[1] * size[1], shares[3] * size[1]))
    grid = BoxGrid(frame, scale)
    steps = grid.steps((x1, y1, x2, y2), size)
    assert 0 <= steps[0] < steps[2] <= scale
    assert 0 <= steps[1] < steps[3] <= scale
    back = grid.shares(steps, size)
    for n, value in enumerate((x1, y1, x2, y2)):
        side = max(size) if frame == "padded" else size[n % 2]
        length = (x2 - x1, y2 - y1)[n % 2]
        # A box that is narrower than a step is widened to one.
        off = 0.5 if length >= side / scale else 1.5
        assert abs(back[n] * size[n % 2] - value) <= off * side / scale + 1e-6
    written = write_instances([Instance("", steps)])
    assert read_steps(BOX_TEXT.fullmatch(written)["steps"]) == steps  # type: ignore[index]


def test_what_does_not_leave_is_told(tmp_path: Path) -> None:
    marked = grounded("A dog sees <image> and waits.", ("A dog", (7,)))
    records = [record(1), record(2, None), record(3, grounded("Nobody.")), record(4, marked)]
    exported = export(run_of(*records), tmp_path)
    assert {name: n for name, n in exported.counts.items() if "left out" in name} == {
        "images left out: no paragraph": 1,
        "images left out: no grounded phrase": 1,
        "images left out: <image> in the text": 1,
    }
    reasons = [row["reason"] for row in read_lines(tmp_path / "left_out_train.jsonl")]
    assert reasons == ["no paragraph", "no grounded phrase", "<image> in the text"]


def test_another_file_is_not_read_as_the_chains(tmp_path: Path) -> None:
    path = tmp_path / "llava.json"
    turns = [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]
    path.write_text(json.dumps([{"id": "7", "image": "a.jpg", "conversations": turns}]))
    with pytest.raises(InputError, match=r"entry 0 \('7'\) asks none of PancapChain's"):
        list(read_chain(path))
