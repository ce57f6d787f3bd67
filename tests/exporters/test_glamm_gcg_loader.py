"""Captions and masks of GCG files that the loader and the evaluation could get wrong."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from annoengine.exporter import Exported
from annoengine.exporters.glamm_gcg import GlammGcg, GlammGcgParameters
from annoengine.record import Caption, Span
from annoengine.writing.gcg_format import guarded, phrase_keys
from tests.exporters.grounded_files import (
    ORIGIN,
    grounded,
    made_scenes,
    masks_in_run,
    of_masks,
    read_gcg,
    read_json,
    rectangle,
    same_as_read_by_gcg,
    same_masks,
    spans_of,
    union,
)
from tests.exporters.runs import Run

LEFT, RIGHT, BOTH = rectangle(0, 0, 4, 6), rectangle(4, 0, 8, 6), rectangle(3, 0, 5, 6)


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    return GlammGcg(GlammGcgParameters.model_validate(parameters)).export(run, folder)


def test_the_evaluation_finds_a_perfect_answer_perfect(tmp_path: Path) -> None:
    """Predictions as its inference names them: the photograph's name without the ending."""
    run = made_scenes(tmp_path / "data", 6)
    export(run, tmp_path / "out")
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(tmp_path / "out" / "val_gcg_coco_mask_gt.json")
        captions = COCO(tmp_path / "out" / "val_gcg_coco_caption_gt.json")
        predictions = []
        for record in run.given:
            masks = masks_in_run(run, record)
            for _, segments in spans_of(record):
                whole = np.asfortranarray(union(masks, segments).astype(np.uint8))
                rle = coco_mask.encode(whole)
                predictions.append(
                    {
                        "image_id": record.photo.file[:-4],
                        "category_id": 1,
                        "segmentation": {**rle, "counts": rle["counts"].decode()},
                        "score": 1.0,
                    }
                )
        found = truth.loadRes(predictions)
        evaluation = COCOeval(truth, found, "segm")
        evaluation.params.catIds = [1]
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == 1.0
    # The n-th label is about the n-th mask of its image.
    for record in run.given:
        id = record.photo.file[:-4]
        (caption,) = (a for a in captions.anns.values() if a["image_id"] == id)
        annotations = [a for a in truth.anns.values() if a["image_id"] == id]
        said = spans_of(record)
        assert caption["labels"] == [phrase for phrase, _ in said]
        masks = masks_in_run(run, record)
        for (_, segments), annotation in zip(said, annotations, strict=True):
            assert np.array_equal(truth.annToMask(annotation) == 1, union(masks, segments))
            assert annotation["area"] == int(union(masks, segments).sum())


def test_identical_phrases_stay_apart(tmp_path: Path) -> None:
    text = "A man, a dog and a dog by a dog near a dog"
    said = grounded(text, *(("a dog", (id,)) for id in (1, 2, 1, 2)))
    run = of_masks({1: LEFT, 2: RIGHT}, said)
    exported = export(run, tmp_path / "out")
    image = read_gcg(tmp_path / "out" / "coco_GCG_train.json")["000000000009.jpg"]
    assert image.keys == ["a dog", "a dog by", "a dog near", "a dog (2)"]
    same_as_read_by_gcg(run, run.given[0], image)
    assert exported.counts["phrases said again"] == 3
    assert exported.notes == [
        "train: 3 phrases are said more than once in their caption; their keys in groundings go on "
        "with the words behind them"
    ]


def test_a_longer_key_never_takes_the_place_of_another_phrase() -> None:
    text = "the cat and the cat sat down, the cat sat, the cat sat"
    starts = [0, 12, 30, 43]
    ends = [7, 19, 41, 54]
    spans = [Span(start=s, end=e, segments=(1,)) for s, e in zip(starts, ends, strict=True)]
    # "the cat sat" is the third phrase; the second goes on until it is told from that.
    assert phrase_keys(text, spans) == [
        "the cat",
        "the cat sat down,",
        "the cat sat",
        "the cat sat (2)",
    ]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ('"Stop", says the sign', ' "Stop", says the sign'),
        ('the sign says "Stop"', 'the sign says "Stop" '),
        ('"a" sign "Stop"', ' "a" sign "Stop" '),
        ('""a sign""', ' ""a sign"" '),
        ("a sign\u00a0says 'Stop'", "a sign\u00a0says 'Stop'"),
    ],
)
def test_quotation_marks_at_the_ends_survive_the_loader(
    text: str, stored: str, tmp_path: Path
) -> None:
    said = grounded(text, ("sign", (1,)))
    run = of_masks({1: LEFT}, said)
    exported = export(run, tmp_path / "out")
    (row,) = read_json(tmp_path / "out" / "coco_GCG_train.json")
    assert row["caption"] == stored
    image = read_gcg(tmp_path / "out" / "coco_GCG_train.json")["000000000009.jpg"]
    same_as_read_by_gcg(run, run.given[0], image)
    assert len(exported.notes) == int(stored != text)


def test_overlapping_masks_are_never_added_up(tmp_path: Path) -> None:
    said = grounded(
        "Two walls and a door, all three in one.",
        ("Two walls", (1, 2)),
        ("a door", (3,)),
        ("all three", (1, 3, 2)),
    )
    run = of_masks({1: LEFT, 2: RIGHT, 3: BOTH}, said, things=(3,))
    exported = export(run, tmp_path / "out", pancaper_tokens="phrase")
    (row,) = read_json(tmp_path / "out" / "coco_GCG_train.json")
    assert [len(g["rle_masks"]) for g in row["groundings"].values()] == [2, 1, 1]
    image = read_gcg(tmp_path / "out" / "coco_GCG_train.json")["000000000009.jpg"]
    same_as_read_by_gcg(run, run.given[0], image)
    assert exported.counts["phrases of overlapping masks"] == 1
    assert exported.notes[0].startswith("train: 1 phrases have masks that overlap")
    (talk,) = read_json(tmp_path / "out" / "coco_PanCaper_train_conversations.json")
    assert talk["conversations"][1]["value"] == (
        "<p> Two walls </p> <SEG_s> and <p> a door </p> <SEG_t>, <p> all three </p> <SEG_s> "
        "<SEG_t> in one."
    )
    assert talk["segments"] == [[1, 2], [3], [1, 2], [3]]
    same_masks(run, run.given[0], talk, "<SEG_t>", "<SEG_s>")


@st.composite
def captions(draw: st.DrawFn) -> tuple[str, list[Span]]:
    """A stripped text in any script, often of the same few words, with phrases anywhere in it."""
    any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
    few = st.lists(st.sampled_from(["a", "dog", '"', "狗", " ", ".", "a dog"]), max_size=12)
    text = draw(st.one_of(any_text, few.map("".join), few.map(" ".join))).strip()
    cuts = draw(st.lists(st.integers(0, len(text)), max_size=8, unique=True).map(sorted))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    return text, [Span(start=a, end=b, segments=(1,)) for a, b in pairs]


@settings(max_examples=200)
@given(captions())
def test_any_text_survives_the_loader_and_any_keys_differ(made: tuple[str, list[Span]]) -> None:
    text, spans = made
    assert guarded(text).strip('"').strip() == text
    keys = phrase_keys(text, spans)
    phrases = [text[span.start : span.end] for span in spans]
    assert len(set(keys)) == len(keys) == len(phrases)
    for key, phrase, span in zip(keys, phrases, spans, strict=True):
        assert key.startswith(phrase)
        assert text.startswith(key, span.start) or key[len(phrase) :].startswith(" (")
    for phrase in phrases:
        assert phrase in keys


@settings(max_examples=40)
@given(captions(), st.data())
def test_any_caption_comes_back_with_its_masks(
    made: tuple[str, list[Span]], data: st.DataObject
) -> None:
    text, spans = made
    masks = {5: LEFT, 1 << 23: RIGHT, 3: BOTH}
    ids = st.lists(st.sampled_from(list(masks)), min_size=1, max_size=3, unique=True)
    spans = [
        span.but(segments=tuple(data.draw(ids)))
        for span in spans
        if text[span.start : span.end] == text[span.start : span.end].strip()
    ]
    if not spans or "<" in text or "[" in text:
        return
    run = of_masks(masks, Caption(text=text, spans=tuple(spans), origin=ORIGIN))
    with TemporaryDirectory() as folder:
        export(run, Path(folder))
        image = read_gcg(Path(folder) / "coco_GCG_train.json")["000000000009.jpg"]
    same_as_read_by_gcg(run, run.given[0], image)
