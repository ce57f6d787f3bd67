"""The two COCO val2017 images of panopticapi's sample: read, kept and written without loss."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annoengine.box import xywh_from_xyxy
from annoengine.exporters.pix2cap import Pix2cap, Pix2capParameters
from annoengine.mask import RecordFiles, ids_from_masks, mask_from_rle, rle_from_mask
from annoengine.match import PanopticQuality
from annoengine.record import Caption, Origin, Record
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from annoengine.writing.panoptic_json import coco_categories

pytestmark = pytest.mark.check_data


@pytest.fixture(scope="module")
def truth(coco_sample: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((coco_sample / "panoptic.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def source(coco_sample: Path) -> CocoPanoptic:
    source = CocoPanoptic(
        CocoPanopticParameters(split="val"),
        {"images": coco_sample / "images", "annotations": coco_sample / "panoptic.json"},
        0,
    )
    source.check()
    return source


@pytest.fixture(scope="module")
def records(source: CocoPanoptic) -> list[Record]:
    records = []
    for entry in source.entries():
        opened = source.open(entry)
        assert opened.record is not None, opened.detail
        records.append(opened.record)
    return records


def test_every_segment_is_the_one_of_the_json(records: list[Record], truth: dict[str, Any]) -> None:
    assert [record.id for record in records] == ["coco/val/142238", "coco/val/439180"]
    assert [len(record.segments) for record in records] == [18, 32]
    assert [sum(s.iscrowd for s in record.segments) for record in records] == [1, 2]
    names = {row["id"]: (row["name"], bool(row["isthing"])) for row in truth["categories"]}
    for record, annotation in zip(records, truth["annotations"], strict=True):
        assert [
            [s.id, s.category.id, list(xywh_from_xyxy(s.box_xyxy)), s.area_px, int(s.iscrowd)]
            for s in record.segments
        ] == [
            [s[key] for key in ("id", "category_id", "bbox", "area", "iscrowd")]
            for s in annotation["segments_info"]
        ]
        assert [(s.category.name, s.isthing) for s in record.segments] == [
            names[s["category_id"]] for s in annotation["segments_info"]
        ]
        # A score would say that PNG and JSON differ.
        assert record.scores == ()


def test_the_photographs_and_their_licences(records: list[Record]) -> None:
    assert [(r.photo.width, r.photo.height) for r in records] == [(640, 427), (640, 360)]
    licences = [r.photo.licence.name for r in records if r.photo.licence]
    assert licences == [
        "Attribution-NonCommercial License",
        "Attribution-NonCommercial-ShareAlike License",
    ]


@pytest.mark.parametrize(("licence", "image_id"), [("by-nc/2.0", "142238"), (1, "439180")])
def test_a_licence_chooses_one_of_them(
    source: CocoPanoptic, licence: str | int, image_id: str
) -> None:
    chosen = CocoPanoptic(CocoPanopticParameters(licences=(licence,)), source.inputs, 0)
    assert [str(entry["record_id"]) for entry in chosen.entries()] == [f"coco/all/{image_id}"]


def test_rles_and_jsonl_lose_nothing(source: CocoPanoptic, records: list[Record]) -> None:
    quality = PanopticQuality()
    for record in records:
        files = source.files(record)
        masks = files.masks(s.mask for s in record.segments if s.mask is not None)
        again = {key: mask_from_rle(rle_from_mask(mask)) for key, mask in masks.items()}
        shape_hw = (record.photo.height, record.photo.width)
        read = Record.from_line(record.to_line())
        assert read == record
        matches = quality.add(
            files.ids(), record.segments, ids_from_masks(again, shape_hw), read.segments
        )
        assert [m.truth for m in matches] == sorted(s.id for s in record.segments if not s.iscrowd)
        assert [m.predicted for m in matches] == [m.truth for m in matches]
    assert [quality.quality(isthing) for isthing in (None, True, False)] == [1.0, 1.0, 1.0]
    assert len(quality.tallies) == 8
    assert sum(quality.things.values()) == 4


def test_rles_are_those_of_the_detection_file(
    coco_sample: Path, source: CocoPanoptic, records: list[Record]
) -> None:
    rows = json.loads((coco_sample / "panoptic_detection_format.json").read_text())["annotations"]
    theirs = {(row["image_id"], row["id"]): row for row in rows}
    compared = 0
    for record in records:
        masks = source.files(record).masks(s.id for s in record.segments)
        mine = {(s.category.id, s.area_px): rle_from_mask(masks[s.id]) for s in record.segments}
        for (image_id, _), row in theirs.items():
            if str(image_id) == record.image_id:
                assert mine[row["category_id"], row["area"]] == row["segmentation"]
                compared += 1
    assert compared == len(theirs) == 50


def test_a_void_pixel_more_or_less_is_seen(source: CocoPanoptic, records: list[Record]) -> None:
    """The measure can fail: a map with one segment painted over is not perfect."""
    record = records[0]
    ids = np.array(source.files(record).ids())
    tree = next(s for s in record.segments if s.category.name == "tree-merged")
    ball = next(s for s in record.segments if s.category.name == "sports ball")
    ids[ids == ball.id] = tree.id
    quality = PanopticQuality()
    left = [s for s in record.segments if s.id != ball.id]
    quality.add(source.files(record).ids(), record.segments, ids, left)
    assert quality.tallies["sports ball"].missed == 1
    assert quality.tallies["tree-merged"].iou_sum == tree.area_px / (tree.area_px + ball.area_px)


def test_the_packaged_categories_are_cocos(coco_sample: Path) -> None:
    rows = json.loads((coco_sample / "panoptic_coco_categories.json").read_text())
    assert list(coco_categories()) == rows


class _Run:
    name = "sample"

    def __init__(self, source: CocoPanoptic, records: list[Record]) -> None:
        self._source = source
        self._records = records

    def records(self) -> Iterator[Record]:
        yield from self._records

    def files(self, record: Record) -> RecordFiles:
        return self._source.files(record)


def test_an_export_is_the_original_with_descriptions(
    source: CocoPanoptic,
    records: list[Record],
    truth: dict[str, Any],
    coco_sample: Path,
    tmp_path: Path,
) -> None:
    origin = Origin(stage="annotate", model="nobody")
    described = [
        record.but(
            captions=tuple(
                Caption(segment=s.id, text=f"{s.category.name} number {s.id}", origin=origin)
                for s in record.segments
                if not s.iscrowd
            )
        )
        for record in records
    ]
    Pix2cap(Pix2capParameters()).export(_Run(source, described), tmp_path)
    written = json.loads((tmp_path / "pix2cap_coco_val.json").read_text("utf-8"))
    for annotation in written["annotations"]:
        for info in annotation["segments_info"]:
            description = info.pop("description")
            assert description.endswith(f" number {info['id']}") != bool(info["iscrowd"])
    assert written["annotations"] == truth["annotations"]
    assert written["images"] == truth["images"]
    assert written["categories"] == truth["categories"]
    # Of the eight licences the two that these photographs have.
    assert written["licenses"] == truth["licenses"][:2]
    for name in ("000000142238.png", "000000439180.png"):
        copied = (tmp_path / "panoptic_val" / name).read_bytes()
        assert copied == (coco_sample / "panoptic" / name).read_bytes()
