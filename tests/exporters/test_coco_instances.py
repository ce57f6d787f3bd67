"""COCO instances files against pycocotools, which is what reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.exporters.coco_instances import CocoInstances, CocoInstancesParameters
from annoengine.mask import RecordFiles, write_panoptic_png
from annoengine.record import Caption, Category, Origin, Photo, Record, Segment
from annoengine.registry import find
from tests.exporters.runs import Run
from tests.tiny_coco import TinyCoco, id_map
from tests.tiny_instances import TinyInstances

ORIGIN = Origin(stage="annotate", model="gpt-4o-2024-11-20")


def export(run: Run, folder: Path, **parameters: Any) -> Exported:
    folder.mkdir(exist_ok=True)
    exporter = CocoInstances(CocoInstancesParameters.model_validate(parameters))
    return exporter.export(run, folder)


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


@pytest.fixture
def panoptic(tmp_path: Path) -> Run:
    """Two images with the ids 7, 300 and 70000 each, of which the second is without the crowd."""
    tiny = TinyCoco(tmp_path / "tiny", n=2)
    ids = id_map()
    ids[ids == 70000] = 0
    write_panoptic_png(tiny.masks / "0002.png", ids)
    del tiny.data["annotations"][1]["segments_info"][2]
    tiny.write()
    return Run.of(tiny.source())


def test_the_exporter_is_found_by_its_name() -> None:
    assert find("exporter", "coco_instances") is CocoInstances


def test_a_file_is_what_the_format_asks_for(panoptic: Run, tmp_path: Path) -> None:
    one = panoptic.given[0]
    panoptic.given = [
        one.but(
            captions=(
                Caption(text="Two people under a sky.", origin=ORIGIN),
                Caption(segment=7, text=' A man says "你好". ', origin=ORIGIN),
                Caption(segment=7, text="A second one.", origin=ORIGIN),
            )
        )
    ]
    exported = export(panoptic, tmp_path / "out")
    assert exported.counts == {
        "images": 1,
        "annotations": 3,
        "captions": 1,
        "image captions": 1,
    }
    assert exported.notes == []
    written = read(tmp_path / "out" / "coco_val_instances.json")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["coco_val_instances.json"]
    assert list(written) == ["info", "licenses", "images", "annotations", "categories"]
    assert written["info"]["exporter"] == "coco_instances"
    assert written["licenses"] == [
        {"url": "http://example.org/by-nc/2.0/", "id": 2, "name": "Attribution-NonCommercial"}
    ]
    assert written["images"] == [
        {
            "license": 2,
            "file_name": "0001.jpg",
            "coco_url": "http://example.org/1",
            "height": 6,
            "width": 8,
            "date_captured": "2013-11-20 16:47:35",
            "flickr_url": "http://example.org/f/1",
            "id": 1,
            "caption": "Two people under a sky.",
        }
    ]
    # Three columns of four pixels: 2 4 2 4 2 4 30, of which the last four are differences to the
    # one before the last: 0 0 0 28, and 28 takes two characters.
    assert written["annotations"][0] == {
        "id": 7,
        "image_id": 1,
        "category_id": 1,
        "segmentation": {"size": [6, 8], "counts": "242000l0"},
        "area": 12,
        "bbox": [0, 2, 3, 4],
        "iscrowd": 0,
        "caption": 'A man says "你好".',
    }
    assert [(a["id"], a["iscrowd"]) for a in written["annotations"]] == [
        (7, 0),
        (300, 0),
        (70000, 1),
    ]
    assert "caption" not in written["annotations"][1]
    assert {"id": 187, "name": "sky-other-merged"}.items() <= written["categories"][119].items()
    assert len(written["categories"]) == 133


def test_pycocotools_reads_every_mask(panoptic: Run, tmp_path: Path) -> None:
    exported = export(panoptic, tmp_path / "out")
    assert exported.notes == [
        "val: segments of different images have the same id, which COCO's readers cannot hold; "
        "annotations count from 1, and segment_id has the segment's own"
    ]
    path = tmp_path / "out" / "coco_val_instances.json"
    coco = COCO(path)
    assert coco.getImgIds() == [1, 2]
    assert coco.getAnnIds() == [1, 2, 3, 4, 5]
    assert len(coco.getAnnIds(imgIds=[2], iscrowd=0)) == 2
    for id, own in zip(coco.getAnnIds(), (7, 300, 70000, 7, 300), strict=True):
        annotation = coco.loadAnns([id])[0]
        assert annotation["segment_id"] == own
        mask = coco.annToMask(annotation).astype(bool)
        assert np.array_equal(mask, id_map() == own)
        assert annotation["area"] == int(mask.sum())
    results = [
        {**{key: a[key] for key in ("image_id", "category_id", "segmentation")}, "score": 0.5}
        for a in read(path)["annotations"]
    ]
    loaded = coco.loadRes(results)
    for id in loaded.getAnnIds():
        theirs, mine = loaded.loadAnns([id])[0], coco.loadAnns([id])[0]
        assert np.array_equal(loaded.annToMask(theirs), coco.annToMask(mine))
        assert [*theirs["bbox"], theirs["area"]] == [*mine["bbox"], mine["area"]]


def test_overlapping_masks_and_boxes_leave_as_they_came(tmp_path: Path) -> None:
    tiny = TinyInstances(tmp_path / "tiny", n=2)
    tiny.data["annotations"][0]["segmentation"] = [[0, 0, 8, 0, 8, 6, 0, 6]]
    tiny.data["annotations"][0].update(area=48, bbox=[0, 0, 8, 6], score=0.25)
    tiny.write()
    exported = export(Run.of(tiny.source()), tmp_path / "out")
    assert exported.counts["annotations without a mask"] == 2
    assert exported.notes == [
        "val: 2 annotations have a box and no mask; pycocotools reads them, but its annToMask "
        "cannot paint them"
    ]
    theirs, mine = COCO(tiny.json), COCO(tmp_path / "out" / "coco_val_instances.json")
    assert mine.getAnnIds() == sorted(theirs.getAnnIds())
    for id in theirs.getAnnIds():
        before, after = theirs.loadAnns([id])[0], mine.loadAnns([id])[0]
        assert after["bbox"] == before["bbox"]
        assert after["category_id"] == before["category_id"]
        assert after["iscrowd"] == before.get("iscrowd", 0)
        assert after.get("score") == before.get("score")
        if "segmentation" in before:
            assert np.array_equal(mine.annToMask(after), theirs.annToMask(before))
        else:
            assert (after["segmentation"], after["area"]) == ([], 6)
    # A file of things has the categories of things alone: COCO's 80.
    rows = read(tmp_path / "out" / "coco_val_instances.json")["categories"]
    assert len(rows) == 80
    assert all(row["isthing"] for row in rows)


def test_boxes_and_crowds_may_be_left_out(tmp_path: Path) -> None:
    run = Run.of(TinyInstances(tmp_path / "tiny").source())
    exported = export(run, tmp_path / "out", boxes_only=False, crowds=False)
    assert exported.counts == {
        "images": 1,
        "annotations": 2,
        "captions": 0,
        "segments without a mask left out": 1,
        "crowds left out": 1,
    }
    written = read(tmp_path / "out" / "coco_val_instances.json")
    assert [a["id"] for a in written["annotations"]] == [11, 12]


def test_splits_have_a_file_each_and_datasets_do_not_mix(tmp_path: Path) -> None:
    photo = Photo(file="a.jpg", width=4, height=3, sha256="")
    segment = Segment(
        id=1, category=Category(name="a tag"), isthing=True, box_xyxy=(0.5, 0, 2, 3), area_px=4.5
    )
    files = RecordFiles(image=tmp_path)
    run = Run()
    for id in ("zoo/train/a", "zoo/val/007"):
        run.given.append(Record(id=id, photo=photo, segments=(segment,)))
        run.where[id] = files
    export(run, tmp_path / "out")
    train, val = (read(tmp_path / "out" / f"zoo_{s}_instances.json") for s in ("train", "val"))
    assert (train["images"][0]["id"], val["images"][0]["id"]) == ("a", "007")
    assert val["annotations"][0]["bbox"] == [0.5, 0, 1.5, 3]
    assert val["annotations"][0]["category_id"] == 1001
    assert val["categories"][-1]["name"] == "a tag"
    run.given.append(run.given[0].but(id="other/val/1"))
    with pytest.raises(InputError, match="a coco_instances export is of one dataset"):
        export(run, tmp_path / "again")
    assert list((tmp_path / "again").iterdir()) == []


def test_a_tag_that_is_the_name_of_stuff_keeps_its_category(tmp_path: Path) -> None:
    """A detector's free tags are things; one of them may be what COCO calls stuff."""
    photo = Photo(file="a.jpg", width=4, height=3, sha256="")
    segment = Segment(
        id=1, category=Category(name="gravel"), isthing=True, box_xyxy=(0, 0, 2, 3), area_px=6
    )
    run = Run([Record(id="zoo/val/a", photo=photo, segments=(segment,))])
    run.where["zoo/val/a"] = RecordFiles(image=tmp_path)
    export(run, tmp_path / "out")
    written = read(tmp_path / "out" / "zoo_val_instances.json")
    assert written["annotations"][0]["category_id"] == 125
    assert 125 in {row["id"] for row in written["categories"]}


def test_a_run_without_records_says_so(tmp_path: Path) -> None:
    exported = export(Run(), tmp_path)
    assert exported.notes == ["no record reached the end of the run: nothing was written"]
    assert list(tmp_path.iterdir()) == []


def test_masks_that_changed_since_the_run_are_refused(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path / "tiny")
    run = Run.of(tiny.source())
    write_panoptic_png(tiny.masks / "0001.png", id_map()[::-1])
    with pytest.raises(InputError, match=r"0001\.png of coco/val/1 has changed since the run"):
        export(run, tmp_path / "out")
    (tiny.masks / "0001.png").unlink()
    with pytest.raises(InputError, match=r"0001\.png cannot be read: No such file"):
        export(run, tmp_path / "out")
    run = Run.of(TinyInstances(tmp_path / "other").source())
    for rles, words in (
        ((), "the run has no mask for segment 11 of coco/val/1; was a masks.jsonl file"),
        ([(k, "Z16", (6, 9)) for k in range(3)], "segment 11 of coco/val/1 is 9×6, the photograph"),
        ([(k, "P", (6, 8)) for k in range(3)], "segment 11 of coco/val/1 cannot be read: its coun"),
        ([(k, "`1", (6, 8)) for k in range(3)], "the mask of segment 11 of coco/val/1 has no pix"),
    ):
        files = RecordFiles(image=tmp_path, rles=tuple(rles))
        run.where = {"coco/val/1": files}
        with pytest.raises(InputError) as caught:
            export(run, tmp_path / "out")
        assert words in str(caught.value)


def test_the_same_records_give_the_same_bytes(panoptic: Run, tmp_path: Path) -> None:
    for name in ("a", "b"):
        export(panoptic, tmp_path / name)
    a, b = ((tmp_path / name / "coco_val_instances.json").read_bytes() for name in ("a", "b"))
    assert a == b
