"""The masks of COCONut-PanCap files: their numbers, their overlaps, and any paragraph over them."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.coconut_pancap import CoconutPancap, CoconutPancapParameters
from annoengine.mask import box_of, read_panoptic_png, write_panoptic_png
from annoengine.record import Caption, Span
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from tests.exporters.grounded_files import (
    ORIGIN,
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


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    exporter = CoconutPancap(CoconutPancapParameters.model_validate(parameters))
    return exporter.export(run, folder)


def test_the_masks_are_a_panoptic_dataset_of_their_own(tmp_path: Path) -> None:
    """COCO's panoptic format: what begins a run here can begin another."""
    run = made_scenes(tmp_path / "data", 5)
    export(run, tmp_path / "out")
    inputs = {
        "images": tmp_path / "data/images",
        "annotations": tmp_path / "out/panoptic_val2017.json",
    }
    again = Run.of(CocoPanoptic(CocoPanopticParameters(), inputs, 0))
    assert [record.id for record in again.given] == [record.id for record in run.given]
    for before, after in zip(run.given, again.given, strict=True):
        theirs = sorted(before.segments, key=lambda segment: segment.isthing)
        assert [s.id for s in after.segments] == list(range(1, len(theirs) + 1))
        for one, other in zip(theirs, after.segments, strict=True):
            assert one.category == other.category
            assert (one.box_xyxy, one.area_px) == (other.box_xyxy, other.area_px)
            assert (one.isthing, one.iscrowd) == (other.isthing, other.iscrowd)


def test_overlapping_masks_are_numbered_by_what_can_be_seen(tmp_path: Path) -> None:
    """A small one lies on a large one; one under another's pixels alone is not there."""
    masks = {
        50: rectangle(0, 0, 8, 6),
        90: rectangle(1, 1, 4, 3),
        20: rectangle(1, 1, 4, 3),
        10: rectangle(3, 2, 8, 6),
    }
    said = grounded(
        "A dog on a rug by a cat and a wall.",
        ("A dog", (10,)),
        ("a rug", (20,)),
        ("a cat", (90, 20)),
        ("a wall", (50,)),
    )
    run = of_masks(masks, said, things=(10, 20))
    exported = export(run, tmp_path / "out")
    # Of 20 and 90, which are equal, the one with the larger id lies on top.
    (row,) = webdataset_rows(tmp_path / "out" / "caption_train2017.tar")
    assert row["__key__"] == "caption_train2017/000000000009"
    assert row["txt"] == "<3: A dog> on a rug by <2: a cat> and <1: a wall>."
    assert exported.counts["segments without pixels"] == 1
    assert exported.counts["segments left out of phrases"] == 2
    infos = read_json(tmp_path / "out/panoptic_train2017.json")["annotations"][0]["segments_info"]
    assert [(info["id"], info["area"]) for info in infos] == [(1, 48 - 6 - 19), (2, 6), (3, 19)]
    taken, refused = read_pancap(tmp_path / "out", "train2017")
    assert refused == {}
    (wall,) = taken["000000000009"].masks[-1]
    assert np.array_equal(wall, masks[50] & ~masks[90] & ~masks[10])
    (line,) = read_lines(tmp_path / "out" / "captions_train2017.jsonl")
    assert {one["reason"] for one in line["left_out"]} == {"segment without a mask"}


def test_more_than_255_segments_are_written_and_told(tmp_path: Path) -> None:
    size = (30, 20)
    masks = {
        1000 + n: rectangle(n % 30, n // 30, n % 30 + 1, n // 30 + 1, size) for n in range(300)
    }
    said = grounded("A dot and another one.", ("A dot", (1000,)), ("another one", (1299,)))
    exported = export(of_masks(masks, said), tmp_path / "out")
    assert exported.notes[1] == (
        "train: 1 images have more than 255 segments: their ids are R + 256 G, and readers of the "
        "red channel alone take them for others (1 of them have a caption)"
    )
    ids = read_panoptic_png(tmp_path / "out/panoptic_train2017/000000000009.png")
    assert sorted(np.unique(ids).tolist()) == list(range(301))
    (row,) = webdataset_rows(tmp_path / "out" / "caption_train2017.tar")
    assert row["txt"] == "<1: A dot> and <300: another one>."
    # What the note speaks of: the reader of one channel leaves this image out.
    assert read_pancap(tmp_path / "out", "train2017") == (
        {},
        {"000000000009": "invalid segment ids"},
    )
    # 255 are still fine for it.
    few = dict(list(masks.items())[:255])
    said = grounded("A dot and another one.", ("A dot", (1000,)), ("another one", (1254,)))
    exported = export(of_masks(few, said), tmp_path / "few")
    assert len(exported.notes) == 1
    taken, _ = read_pancap(tmp_path / "few", "train2017")
    assert taken["000000000009"].ids == [[1], [255]]


def test_a_mask_that_changed_since_the_run_is_refused(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path / "tiny")
    run = Run.of(tiny.source())
    gone = run.given[0].but(
        segments=(*run.given[0].segments, run.given[0].segments[0].but(id=9, mask=9))
    )
    run.given = [gone]
    with pytest.raises(InputError, match=r"0001\.png has no pixel of segment 9 of coco/val/1"):
        export(run, tmp_path / "out")
    write_panoptic_png(tiny.masks / "0001.png", id_map()[::-1])
    with pytest.raises(InputError, match=r"0001\.png of coco/val/1 has changed since the run"):
        export(run, tmp_path / "out")


WORD = st.text(st.characters(categories=("Ll", "Lu", "Mn", "So")), min_size=1, max_size=6).filter(
    lambda word: word[0].isalnum() and word[-1].isalnum()
)


@st.composite
def paragraphs(draw: st.DrawFn) -> tuple[Caption, dict[int, np.ndarray], tuple[int, ...]]:
    """A paragraph of words in any script, some of them grounded to masks that do not overlap."""
    ids = draw(st.lists(st.integers(1, 1 << 23), min_size=1, max_size=6, unique=True))
    masks = {id: rectangle(at, 0, at + 1, 6) for at, id in enumerate(ids)}
    text = ""
    spans: list[Span] = []
    for _ in range(draw(st.integers(1, 5))):
        words = " ".join(draw(st.lists(WORD, min_size=1, max_size=3)))
        start = len(text) + 1 if text else 0
        text = f"{text} {words}".strip(" ")
        if draw(st.booleans()) or not spans:
            segments = draw(st.lists(st.sampled_from(ids), min_size=1, max_size=4, unique=True))
            spans.append(Span(start=start, end=len(text), segments=tuple(segments)))
        text += draw(st.sampled_from(["", ",", ".", ":"]))
    things = tuple(draw(st.lists(st.sampled_from(ids), unique=True)))
    return Caption(text=text, spans=tuple(spans), origin=ORIGIN), masks, things


@settings(max_examples=60)
@given(paragraphs())
def test_any_paragraph_comes_back_with_its_masks(
    made: tuple[Caption, dict[int, np.ndarray], tuple[int, ...]],
) -> None:
    caption, masks, things = made
    run = of_masks(masks, caption, things=things)
    with TemporaryDirectory() as folder:
        exported = export(run, Path(folder))
        assert exported.counts["captions"] == 1
        assert "phrases left out" not in exported.counts
        taken, refused = read_pancap(Path(folder), "train2017")
        assert refused == {}
        same_as_read_by_pancap(run, run.given[0], taken["000000000009"])
        (line,) = read_lines(Path(folder) / "captions_train2017.jsonl")
    assert [(row["start"], row["end"], tuple(row["segments"])) for row in line["spans"]] == [
        (span.start, span.end, span.segments) for span in caption.spans
    ]
    assert line["text"] == caption.text
    numbers = sorted(masks, key=lambda id: (id in things, list(masks).index(id)))
    assert [row["ids"] for row in line["spans"]] == [
        [numbers.index(id) + 1 for id in span.segments] for span in caption.spans
    ]


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(1, 8), st.integers(1, 6)),
        min_size=1,
        max_size=8,
    ),
    st.integers(0, 255),
)
def test_any_overlap_is_numbered_without_gaps(
    boxes: list[tuple[int, int, int, int]], kinds: int
) -> None:
    masks = {
        100 - at: rectangle(x, y, min(x + w, 8), min(y + h, 6))
        for at, (x, y, w, h) in enumerate(boxes)
    }
    things = tuple(id for at, id in enumerate(masks) if kinds >> at & 1)
    run = of_masks(masks, None, things=things)
    with TemporaryDirectory() as folder:
        exported = export(run, Path(folder))
        (annotation,) = read_json(Path(folder) / "panoptic_train2017.json")["annotations"]
        ids = read_panoptic_png(Path(folder) / "panoptic_train2017/000000000009.png")
    infos = annotation["segments_info"]
    assert [info["id"] for info in infos] == list(range(1, len(infos) + 1))
    assert set(np.unique(ids).tolist()) - {0} == {info["id"] for info in infos}
    assert [info["isthing"] for info in infos] == sorted(info["isthing"] for info in infos)
    lost = exported.counts.get("segments without pixels", 0)
    assert len(infos) == len(masks) - lost
    # Nothing that a mask covers is void, and nothing else is covered.
    assert np.array_equal(ids > 0, np.logical_or.reduce(list(masks.values())))
    for info in infos:
        x, y, w, h = info["bbox"]
        assert (x, y, x + w, y + h) == box_of(ids == info["id"])
        assert info["area"] == int((ids == info["id"]).sum())
