"""Segments that go through every format and come back: no pixel is lost.

Panoptic PNG → records → COCO instances → records → panoptic PNG → records. The quality of what
comes back is counted twice: by the package, and anew here, from the format's own description.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from annoengine.box import xywh_from_xyxy
from annoengine.exporters.coco_instances import CocoInstances as CocoInstancesExporter
from annoengine.exporters.coco_instances import (
    CocoInstancesParameters as CocoInstancesExportParameters,
)
from annoengine.exporters.pix2cap import Pix2cap, Pix2capParameters
from annoengine.mask import MAX_ID, IdMap, box_of, read_panoptic_png, rgb_from_ids
from annoengine.match import PanopticQuality
from annoengine.sources.coco_instances import CocoInstances, CocoInstancesParameters
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from tests.exporters.runs import Run
from tests.scenes import make_dataset

EXAMPLES = Path(__file__).parents[1] / "examples" / "photographs"


def open_panoptic(images: Path, annotations: Path, masks: Path | None = None) -> Run:
    inputs = {"images": images, "annotations": annotations}
    if masks is not None:
        inputs["panoptic"] = masks
    return Run.of(CocoPanoptic(CocoPanopticParameters(split="val"), inputs, 0))


def go_round(images: Path, before: Run, folder: Path) -> tuple[Run, Run]:
    """The same segments as COCO instances and, made of those, as panoptic PNGs again."""
    instances, panoptic = folder / "instances", folder / "panoptic"
    for made in (instances, panoptic):
        made.mkdir(parents=True)
    CocoInstancesExporter(CocoInstancesExportParameters()).export(before, instances)
    inputs = {"images": images, "annotations": instances / "coco_val_instances.json"}
    between = Run.of(CocoInstances(CocoInstancesParameters(split="val"), inputs, 0))
    Pix2cap(Pix2capParameters()).export(between, panoptic)
    after = open_panoptic(images, panoptic / "pix2cap_coco_val.json", panoptic / "panoptic_val")
    return between, after


def quality_anew(truth: Run, predicted: Run) -> tuple[float, int]:
    """Panoptic quality in per cent, and over how many categories, written from scratch.

    Pixels are counted by pairs of ids; a pair of one category, of which the true one is no
    crowd, matches above an IoU of a half, void of the truth being no part of the union. What is
    left is missed, unless a crowd, or invented, unless mostly void or crowd of its category.
    """
    found: dict[int, list[float]] = {}
    for true, pred in zip(truth.given, predicted.given, strict=True):
        assert true.id == pred.id
        maps = []
        for opened, record in ((truth, true), (predicted, pred)):
            panoptic = opened.files(record).panoptic
            assert panoptic is not None
            rgb = np.asarray(Image.open(panoptic).convert("RGB"), dtype=np.int64)
            maps.append(rgb[..., 0] + 256 * rgb[..., 1] + 65536 * rgb[..., 2])
        pairs: dict[tuple[int, int], int] = {}
        for pair in zip(*(m.ravel().tolist() for m in maps), strict=True):
            pairs[pair] = pairs.get(pair, 0) + 1
        areas = [{int(i): int((m == i).sum()) for i in np.unique(m)} for m in maps]
        trues = {s.id: s for s in true.segments}
        preds = {s.id: s for s in pred.segments}
        assert set(areas[0]) - {0} == set(trues)
        assert set(areas[1]) - {0} == set(preds)
        used: tuple[set[int], set[int]] = (set(), set())
        for (a, b), common in pairs.items():
            if not a or not b or trues[a].iscrowd or trues[a].category != preds[b].category:
                continue
            iou = common / (areas[0][a] + areas[1][b] - common - pairs.get((0, b), 0))
            if iou > 0.5:
                tally = found.setdefault(trues[a].category.id or 0, [0.0, 0.0, 0.0, 0.0])
                tally[0] += iou
                tally[1] += 1
                used[0].add(a)
                used[1].add(b)
        for a, segment in trues.items():
            if a not in used[0] and not segment.iscrowd:
                found.setdefault(segment.category.id or 0, [0.0, 0.0, 0.0, 0.0])[2] += 1
        for b, segment in preds.items():
            crowds = [a for a, s in trues.items() if s.iscrowd and s.category == segment.category]
            excused = sum(pairs.get((a, b), 0) for a in (0, *crowds))
            if b not in used[1] and excused / areas[1][b] <= 0.5:
                found.setdefault(segment.category.id or 0, [0.0, 0.0, 0.0, 0.0])[3] += 1
    shares = [iou / (tp + fn / 2 + fp / 2) for iou, tp, fn, fp in found.values()]
    return 100 * sum(shares) / len(shares), len(shares)


def quality_of(truth: Run, predicted: Run) -> float:
    quality = PanopticQuality()
    for true, pred in zip(truth.given, predicted.given, strict=True):
        maps = [truth.files(true).ids(), predicted.files(pred).ids()]
        quality.add(maps[0], true.segments, maps[1], pred.segments)
    return 100 * quality.quality()


def check_round_trip(images: Path, before: Run, folder: Path) -> None:
    between, after = go_round(images, before, folder)
    ids, *others = ([record.id for record in run.given] for run in (before, between, after))
    assert others == [ids, ids]
    for first, second, third in zip(before.given, between.given, after.given, strict=True):
        # Nothing in the files differs from the masks.
        assert second.scores == third.scores == ()
        for a, b, c in zip(first.segments, second.segments, third.segments, strict=True):
            for other in (b, c):
                assert (other.category, other.isthing, other.iscrowd) == (
                    a.category,
                    a.isthing,
                    a.iscrowd,
                )
                assert (other.area_px, other.box_xyxy) == (a.area_px, a.box_xyxy)
            masks = [
                opened.files(record).masks([segment.mask or 0])[segment.mask or 0]
                for opened, record, segment in (
                    (before, first, a),
                    (between, second, b),
                    (after, third, c),
                )
            ]
            assert np.array_equal(masks[0], masks[1])
            assert np.array_equal(masks[0], masks[2])
    assert quality_of(before, after) == 100
    share, categories = quality_anew(before, after)
    assert share == 100
    assert categories > 0


def test_made_scenes_go_round(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "scenes", images=6, seed=7)
    before = open_panoptic(folder / "images", folder / "panoptic_val2017.json")
    check_round_trip(folder / "images", before, tmp_path / "made")


def test_the_example_photographs_go_round(tmp_path: Path) -> None:
    before = open_panoptic(EXAMPLES / "images", EXAMPLES / "panoptic.json", EXAMPLES / "panoptic")
    assert sum(len(record.segments) for record in before.given) > 20
    check_round_trip(EXAMPLES / "images", before, tmp_path / "made")


def write_panoptic(folder: Path, maps: list[IdMap], crowd_ids: set[int] | None = None) -> Run:
    """A panoptic dataset of some id maps: odd ids are dogs, even ones sky."""
    data: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [
            {"id": 18, "name": "dog", "isthing": 1},
            {"id": 187, "name": "sky-other-merged", "isthing": 0},
        ],
    }
    (folder / "images").mkdir(parents=True)
    (folder / "panoptic").mkdir()
    for number, ids in enumerate(maps, start=1):
        height, width = ids.shape
        Image.new("RGB", (width, height)).save(folder / "images" / f"{number}.jpg")
        Image.fromarray(rgb_from_ids(ids)).save(folder / "panoptic" / f"{number}.png")
        data["images"].append(
            {"id": number, "file_name": f"{number}.jpg", "width": width, "height": height}
        )
        infos = [
            {
                "id": id,
                "category_id": 18 if id % 2 else 187,
                "iscrowd": int(id in (crowd_ids or ())),
                "area": int((ids == id).sum()),
                "bbox": list(xywh_from_xyxy(box_of(ids == id))),
            }
            for id in sorted(set(ids.ravel().tolist()) - {0})
        ]
        data["annotations"].append(
            {"image_id": number, "file_name": f"{number}.png", "segments_info": infos}
        )
    (folder / "panoptic.json").write_text(json.dumps(data))
    return open_panoptic(folder / "images", folder / "panoptic.json")


def hard_maps() -> dict[str, IdMap]:
    rows, columns = np.indices((7, 10))
    one_pixel = np.zeros((7, 10), dtype=np.uint32)
    one_pixel[3, 4] = MAX_ID
    corners = np.zeros((7, 10), dtype=np.uint32)
    corners[0, 0], corners[0, -1], corners[-1, 0], corners[-1, -1] = 1, 256, 65536, MAX_ID - 1
    return {
        "one pixel": one_pixel,
        "corners": corners,
        "full frame": np.full((7, 10), MAX_ID, dtype=np.uint32),
        "checkerboard": np.where((rows + columns) % 2, 1, MAX_ID - 1).astype(np.uint32),
        "checkerboard on void": np.where((rows + columns) % 2, 65535, 0).astype(np.uint32),
        "every pixel its own": (1 + columns + 10 * rows).astype(np.uint32),
        "one row": np.array([[0, 3, 3, 0, 3, 8]], dtype=np.uint32),
        "one column": np.array([[9], [0], [9], [4]], dtype=np.uint32),
        "one pixel in all": np.array([[255]], dtype=np.uint32),
    }


@pytest.mark.parametrize("name", hard_maps())
def test_hard_masks_go_round(name: str, tmp_path: Path) -> None:
    ids = hard_maps()[name]
    before = write_panoptic(tmp_path / "first", [ids], crowd_ids={65535, 256})
    if any(not segment.iscrowd for segment in before.given[0].segments):
        check_round_trip(tmp_path / "first" / "images", before, tmp_path / "made")
    _, after = go_round(tmp_path / "first" / "images", before, tmp_path / "again")
    panoptic = after.files(after.given[0]).panoptic
    assert panoptic is not None
    assert np.array_equal(read_panoptic_png(panoptic), ids)


@settings(max_examples=25)
@given(
    maps=st.lists(
        st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
            lambda shape: hnp.arrays(
                np.uint32, shape, elements=st.sampled_from([0, 1, 2, 255, 65536, MAX_ID])
            )
        ),
        min_size=1,
        max_size=2,
    )
)
def test_any_map_goes_round(maps: list[IdMap], tmp_path_factory: pytest.TempPathFactory) -> None:
    for ids in maps:
        ids[0, 0] = 1
    folder = tmp_path_factory.mktemp("maps")
    before = write_panoptic(folder / "first", maps)
    check_round_trip(folder / "first" / "images", before, folder / "made")


def test_both_measures_can_fail(tmp_path: Path) -> None:
    """A segment that is half painted over, and one of another category, are both seen."""
    ids = np.array([[1, 1, 1, 1], [2, 2, 0, 0]], dtype=np.uint32)
    other = np.array([[1, 1, 1, 2], [2, 2, 0, 0]], dtype=np.uint32)
    truth = write_panoptic(tmp_path / "truth", [ids])
    predicted = write_panoptic(tmp_path / "predicted", [other])
    # 3 of 4 pixels of the dog, and 2 of 3 of the sky.
    assert quality_anew(truth, predicted)[0] == pytest.approx(100 * (3 / 4 + 2 / 3) / 2)
    assert quality_of(truth, predicted) == pytest.approx(100 * (3 / 4 + 2 / 3) / 2)
    other[0] = 3
    predicted = write_panoptic(tmp_path / "third", [np.where(other == 2, 5, other)])
    # The dog is found; the sky is missed, and the other dog, which lies on it, is invented.
    assert quality_anew(truth, predicted)[0] == pytest.approx(100 * (1 / 1.5 + 0) / 2)
    assert quality_of(truth, predicted) == pytest.approx(100 * (1 / 1.5 + 0) / 2)
