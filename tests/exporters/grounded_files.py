"""Runs with grounded paragraphs, and the published files read by the rules of their readers.

The readers are written after the descriptions of PANORAMA's ``COCONutPanCapDataset`` and GLaMM's
``GCGBaseDataset``, and share no code with what writes.
"""

from __future__ import annotations

import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

from annoengine.mask import RecordFiles, box_of, keyed_rles, rle_from_mask
from annoengine.record import (
    Caption,
    Category,
    MaskStore,
    Origin,
    Photo,
    Record,
    Score,
    Segment,
    Span,
)
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from tests.exporters.runs import Run
from tests.scenes import make_dataset

EXAMPLES = Path(__file__).parents[2] / "examples/photographs"

ORIGIN = Origin(
    stage="merge",
    model="gpt-4o-2024-11-20",
    prompt="coconut_pancap/merge1.v1",
    prompt_sha256="ab" * 32,
    call="cd" * 32,
    turn="round 2",
)


def grounded(text: str, *phrases: tuple[str, tuple[int, ...]]) -> Caption:
    """A paragraph; each phrase is looked for behind the one before it."""
    spans, done = [], 0
    for phrase, segments in phrases:
        start = text.index(phrase, done)
        done = start + len(phrase)
        spans.append(Span(start=start, end=done, segments=segments))
    return Caption(text=text, spans=tuple(spans), origin=ORIGIN)


def spans_of(record: Record) -> list[tuple[str, tuple[int, ...]]]:
    """The phrases of the record's paragraph, with their segments."""
    caption = next(c for c in record.captions if c.segment is None and c.spans)
    return [(caption.text[s.start : s.end], s.segments) for s in caption.spans]


def paragraph_about(record: Record) -> Caption:
    """A paragraph that names every segment, and those of one category together as well."""
    pieces: list[tuple[str, tuple[int, ...]]] = []
    by_name: dict[str, list[int]] = {}
    for segment in record.segments:
        by_name.setdefault(segment.category.name.split("-")[0], []).append(segment.id)
        pieces.append((f"a {segment.category.name.split('-')[0]}", (segment.id,)))
    pieces += [(f"all of the {name}", tuple(ids)) for name, ids in by_name.items() if len(ids) > 1]
    text = "In the picture there is " + ", and ".join(phrase for phrase, _ in pieces) + "."
    return grounded(text, *pieces)


def example_photographs() -> Run:
    """The example photographs, each with a paragraph about all of its segments."""
    inputs = {"images": EXAMPLES / "images", "annotations": EXAMPLES / "panoptic.json"}
    return described(Run.of(CocoPanoptic(CocoPanopticParameters(), inputs, 0)))


def made_scenes(folder: Path, images: int) -> Run:
    """Made scenes, each with a paragraph about all of its segments."""
    root = make_dataset(folder, images)
    inputs = {"images": root / "images", "annotations": root / "panoptic_val2017.json"}
    return described(Run.of(CocoPanoptic(CocoPanopticParameters(), inputs, 0)))


def described(run: Run) -> Run:
    """The run with a paragraph about all segments on each of its records."""
    run.given = [
        record.but(
            captions=(paragraph_about(record),),
            scores=(Score(name="clip", value=0.5, by="score_clip"),),
        )
        for record in run.given
    ]
    return run


def of_masks(
    masks: dict[int, np.ndarray],
    caption: Caption | None,
    file: str = "000000000009.jpg",
    things: tuple[int, ...] = (),
    split: str = "train",
) -> Run:
    """One record that keeps its masks as RLEs, which may overlap, by the segments' ids."""
    segments = tuple(
        Segment(
            id=id,
            category=Category(name=f"tag {id}"),
            isthing=id in things,
            box_xyxy=box_of(mask),
            area_px=int(mask.sum()),
            mask=at,
        )
        for at, (id, mask) in enumerate(masks.items())
    )
    height, width = next(iter(masks.values())).shape
    record = Record(
        id=f"coco/{split}/9",
        photo=Photo(file=file, width=width, height=height, sha256=""),
        masks=MaskStore(kind="rle", sha256=""),
        segments=segments,
        captions=() if caption is None else (caption,),
    )
    rles = keyed_rles(rle_from_mask(mask) for mask in masks.values())
    return Run([record], {record.id: RecordFiles(image=Path(file), rles=rles)})


def rectangle(x1: int, y1: int, x2: int, y2: int, size_wh: tuple[int, int] = (8, 6)) -> np.ndarray:
    mask = np.zeros((size_wh[1], size_wh[0]), dtype=np.bool_)
    mask[y1:y2, x1:x2] = True
    return mask


def masks_in_run(run: Run, record: Record) -> dict[int, np.ndarray]:
    """Every mask of a record, by the segment's id, straight from the run."""
    keys = {s.id: s.mask for s in record.segments if s.mask is not None}
    found = run.files(record).masks(keys.values())
    return {id: found[key] for id, key in keys.items()}


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# COCONut-PanCap, as PANORAMA reads it.

_SAMPLE = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")
"""How readers of webdatasets part a member's name into key and field."""
_TAG = re.compile(r"<\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*:\s*([^>]*)>")


@dataclass
class PanCapImage:
    """What the reader trains with: the answer, and the masks of each phrase in turn."""

    answer: str
    phrases: list[str]
    ids: list[list[int]]
    masks: list[list[np.ndarray]]


def webdataset_rows(path: Path) -> list[dict[str, str]]:
    """The rows that a webdataset's reader makes of a tar of texts."""
    rows = []
    with tarfile.open(path, "r|") as tar:
        for member in tar:
            matched = _SAMPLE.match(member.name)
            file = tar.extractfile(member)
            assert matched is not None
            assert file is not None
            rows.append({"__key__": matched[1], matched[2]: file.read().decode("utf-8")})
    return rows


def read_pancap(folder: Path, name: str) -> tuple[dict[str, PanCapImage], dict[str, str]]:
    """The images that the reader trains with, and those that it leaves out, with its reason."""
    annotations = {
        row["file_name"]: row["segments_info"]
        for row in read_json(folder / f"panoptic_{name}.json")["annotations"]
    }
    taken: dict[str, PanCapImage] = {}
    refused: dict[str, str] = {}
    for row in webdataset_rows(folder / f"caption_{name}.tar"):
        key = row["__key__"].removeprefix(f"caption_{name}/")
        caption = row["txt"].strip()
        blocks = re.findall(r"<[^>]*>", caption)
        matches = list(_TAG.finditer(caption))
        if not blocks or set(blocks) != {m.group(0) for m in matches}:
            refused[key] = "malformed"
            continue
        groups = [[int(id) for id in m.group(1).split(",")] for m in matches]
        phrases = [m.group(2).strip() for m in matches]
        if not all(phrases):
            refused[key] = "empty phrase"
            continue
        png = np.asarray(Image.open(folder / f"panoptic_{name}" / f"{key}.png"))
        red = png[..., 0] if png.ndim == 3 else png
        listed = {int(info["id"]) for info in annotations[f"{key}.png"]}
        usable = (listed & set(np.unique(red).tolist())) - {0}
        if not {id for group in groups for id in group} <= usable:
            refused[key] = "invalid segment ids"
            continue
        taken[key] = PanCapImage(
            answer=_TAG.sub(lambda m: f"<p> {m.group(2).strip()} </p> [SEG]", caption),
            phrases=phrases,
            ids=groups,
            masks=[[red == id for id in group] for group in groups],
        )
    return taken, refused


def same_as_read_by_pancap(run: Run, record: Record, read: PanCapImage) -> int:
    """Asserts that phrases and masks are the record's; gives the number of phrases."""
    masks = masks_in_run(run, record)
    said = spans_of(record)
    assert read.phrases == [phrase for phrase, _ in said]
    for (_, segments), found in zip(said, read.masks, strict=True):
        assert len(segments) == len(found)
        for id, mask in zip(segments, found, strict=True):
            assert np.array_equal(mask, masks[id])
    assert read.answer.count("</p> [SEG]") == len(said)
    return len(said)


# GLaMM's lists, as its training datasets read them.


@dataclass
class GcgImage:
    """What the reader trains with, the phrases in the order of the caption."""

    caption: str
    answer: str
    keys: list[str]
    phrases: list[str]
    masks: list[np.ndarray]
    """uint8 (height, width): added up, so that an overlap would show as 2."""


def read_gcg(path: Path) -> dict[str, GcgImage]:
    """Every image of a list, by its file name."""
    images = {}
    for row in read_json(path):
        caption = row["caption"].strip('"').strip()
        found = []
        for key, grounding in row["groundings"].items():
            start, end = grounding["token_positives"]
            sums = sum(coco_mask.decode(rle).astype(np.uint8) for rle in grounding["rle_masks"])
            found.append((start, end, key, np.asarray(sums)))
        found.sort(key=lambda one: one[0])
        answer = caption
        for start, end, _, _ in reversed(found):
            answer = f"{answer[:start]}<p> {answer[start:end]} </p> [SEG]{answer[end:]}"
        images[row["file_name"]] = GcgImage(
            caption=caption,
            answer=answer,
            keys=[key for _, _, key, _ in found],
            phrases=[caption[start:end] for start, end, _, _ in found],
            masks=[mask for _, _, _, mask in found],
        )
    return images


def union(masks: dict[int, np.ndarray], segments: tuple[int, ...]) -> np.ndarray:
    return np.asarray(np.logical_or.reduce([masks[id] for id in segments]))


def painted(rles: list[dict[str, Any]]) -> np.ndarray:
    return np.asarray(sum(coco_mask.decode(rle).astype(np.uint8) for rle in rles))


def same_as_read_by_gcg(run: Run, record: Record, image: GcgImage) -> None:
    """Asserts that the caption, its phrases in turn and their masks are the record's."""
    masks = masks_in_run(run, record)
    caption = next(c for c in record.captions if c.segment is None and c.spans)
    assert image.caption == caption.text
    assert image.phrases == [phrase for phrase, _ in spans_of(record)]
    assert len(set(image.keys)) == len(image.keys)
    for (_, segments), mask in zip(spans_of(record), image.masks, strict=True):
        assert mask.max() == 1
        assert np.array_equal(mask == 1, union(masks, segments))


def same_masks(run: Run, record: Record, talk: dict[str, Any], *tokens: str) -> None:
    """Asserts that the n-th token of the answer stands for the n-th masks."""
    human, gpt = talk["conversations"]
    assert human["value"].count("<image>") == 1
    found = re.findall("|".join(map(re.escape, tokens)), gpt["value"])
    masks = masks_in_run(run, record)
    assert len(found) == len(talk["masks"]) == len(talk["segments"])
    for token, rles, segments in zip(found, talk["masks"], talk["segments"], strict=True):
        assert np.array_equal(painted(rles) == 1, union(masks, tuple(segments)))
        if len(tokens) == 2:
            (thing,) = {record.segment(id).isthing for id in segments}
            assert token == tokens[0 if thing else 1]
    plain = re.sub(r"<p> (.*?) </p>(?: (?:\[SEG\]|<SEG_[ts]>))+", r"\1", gpt["value"])
    assert plain == next(c.text for c in record.captions if c.segment is None)
