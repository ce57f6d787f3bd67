"""Every code of the instances validator: a file that has it and nothing else, and its words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.box import xywh_from_xyxy
from annoengine.mask import box_of, rle_from_mask
from annoengine.validator import Rules
from annoengine.validators.instances import Instances
from tests.tiny_coco import CATEGORIES, TinyCoco
from tests.validators.broken import boxes, check, fix, names, polygon, rle

ONE = [{"id": 1, "file_name": "1.jpg", "width": 8, "height": 6}]
BOX = {"id": 7, "image_id": 1, "category_id": 1, "iscrowd": 0, "area": 4, "bbox": [1, 1, 2, 2]}
BOWTIE = [[1, 1, 5, 4, 5, 1, 1, 4]]

Case = tuple[str, list[Any], dict[str, Any], str]

CASES: list[Case] = [
    ("array-missing", [polygon()], {"categories": None}, "there is no array 'categories'"),
    ("image-malformed", [polygon()], {"images": [*ONE, {"file_name": "a"}]}, "has the id None"),
    ("image-id-twice", [polygon()], {"images": [*ONE, {**ONE[0], "file_name": "2.jpg"}]}, "[1]"),
    ("image-file-twice", [polygon()], {"images": [*ONE, {**ONE[0], "id": 2}]}, "of image 1 as"),
    ("image-size-missing", [polygon()], {"images": [{"id": 1, "file_name": "1.jpg"}]}, "None"),
    ("unsafe-path", [polygon()], {"images": [{**ONE[0], "file_name": "../1.jpg"}]}, "leads out"),
    ("category-malformed", [polygon()], {"categories": [*CATEGORIES, 7]}, "has the id None"),
    ("category-id-twice", [polygon()], {"categories": CATEGORIES * 2}, "1 is used by 'person'"),
    ("annotation-malformed", [polygon(id="5")], {}, "annotations[0] has the id '5'"),
    ("annotation-malformed", [polygon(), 7], {}, "annotations[1] is no object"),
    ("image-missing", [polygon(image_id=2)], {}, "annotations[0]: there is no image 2"),
    ("category-unknown", [polygon(category_id=77)], {}, "the category 77 is not"),
    ("iscrowd-malformed", [polygon(iscrowd=2)], {}, "iscrowd is 2"),
    ("annotation-id-twice", [polygon(), rle(id=5)], {}, "annotations[1] has the id 5, as"),
    ("annotation-id-zero", [polygon(id=0)], {}, "its matches are counted as misses"),
    ("segmentation-missing", [polygon(), BOX], {}, "it has no 'segmentation'"),
    ("segmentation-malformed", [polygon(segmentation="x")], {}, "the segmentation is 'x'"),
    ("segmentation-malformed", [polygon(segmentation=[])], {}, "the list of polygons is empty"),
    ("polygon-malformed", [polygon(segmentation=[1, 1, 5, 1, 5, 4])], {}, "polygon 0 is 1;"),
    ("polygon-malformed", [polygon(segmentation=[[1, 1, 5, 1, 5]])], {}, "5 numbers, which"),
    ("polygon-malformed", [polygon(segmentation=[[1, 1, None, 1, 5, 4]])], {}, "coordinate None"),
    ("polygon-malformed", [polygon(segmentation=[[1, 1, 1e300, 1, 5, 4]])], {}, "1e+300"),
    ("polygon-too-short", [polygon(segmentation=[[1, 1, 5, 4]])], {}, "has 2 points of at least 3"),
    (
        "polygon-flat",
        [polygon(segmentation=[[1, 1, 5, 4, 1, 1]], area=0.5)],
        {},
        "polygon 0 encloses nothing",
    ),
    (
        "polygon-crosses-itself",
        [polygon(segmentation=BOWTIE, area=6)],
        {},
        "polygon 0 crosses itself at (3, 2.5)",
    ),
    (
        "polygon-outside",
        [polygon(segmentation=[[1, 1, 11, 1, 11, 4, 1, 4]], bbox=[1, 1, 10, 3], area=30)],
        {},
        "reach from (1, 1) to (11, 4), the image 8×6",
    ),
    (
        "polygon-area-differs",
        [polygon(segmentation=[[1, 1, 5, 1, 5, 4, 1, 4]], area=40)],
        {},
        "the area is 40, that of its polygons 12.0",
    ),
    ("rle-malformed", [rle(segmentation={"size": [6, 8], "counts": [8, 6, 30]})], {}, "make 44"),
    ("rle-malformed", [rle(segmentation={"size": [6], "counts": [48]})], {}, "size is a list"),
    ("rle-malformed", [rle(segmentation={"size": [6, 8], "counts": "~~"})], {}, "characters that"),
    ("rle-malformed", [rle(segmentation={"size": [6, 8], "counts": [-8, 50, 6]})], {}, "whole num"),
    (
        "rle-size-differs",
        [rle(segmentation={"size": [8, 6], "counts": [8, 6, 34]})],
        {},
        "the RLE is 6×8, the image 8×6: its size is [width, height]; [height, width] is needed",
    ),
    ("rle-empty", [rle(segmentation={"size": [6, 8], "counts": [48]})], {}, "has no pixel"),
    ("area-missing", [{k: v for k, v in rle().items() if k != "area"}], {}, "no 'area'"),
    ("area-malformed", [rle(area=None)], {}, "the area is None"),
    ("area-empty", [{**BOX, "area": 0}], {}, "the area is 0"),
    ("area-differs", [rle(area=7)], {}, "the area is 7, its pixels are 6"),
    ("box-missing", [{k: v for k, v in rle().items() if k != "bbox"}], {}, "no 'bbox'"),
    ("box-malformed", [{**BOX, "bbox": [1, 1, "2", 2]}], {}, "the box is [1, 1, '2', 2];"),
    ("box-malformed", [{**BOX, "bbox": None}], {}, "the box is None;"),
    ("box-empty", [{**BOX, "bbox": [1, 1, 0, 2]}], {}, "the box is [1, 1, 0, 2]"),
    ("box-reversed", [{**BOX, "bbox": [3, 3, -2, -2]}], {}, "are its corners exchanged?"),
    ("box-outside", [{**BOX, "bbox": [3, 3, 8, 2]}], {}, "the image 8×6"),
    ("box-outside", [{**BOX, "bbox": [3, 3, 8, 6]}], {}, "it may be [x1, y1, x2, y2]"),
    ("box-differs", [rle(bbox=[1, 0, 3, 9])], {}, "the box is [1, 0, 3, 9], that of its pixels"),
    ("box-differs", [polygon(bbox=[3, 2.5, 4, 3])], {}, ": x and y are those of its centre"),
]


@pytest.mark.parametrize(
    ("code", "annotations", "more", "words"),
    CASES,
    ids=[f"{row[0]}-{at}" for at, row in enumerate(CASES)],
)
def test_each_code_alone(
    code: str, annotations: list[Any], more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    found = check(boxes(tmp_path / "instances.json", annotations, **more), Instances)
    assert names(found) == {code}, found
    assert words in found[0].message, found[0].message
    known = {c.name: c for c in Instances.CODES}
    assert found[0].severity == known[code].severity


@pytest.mark.parametrize(
    ("code", "words", "spoil"),
    [
        ("photo-missing", "there is no photograph '1.jpg'", None),
        ("photo-unreadable", "the image 1.jpg cannot be read", b"no picture"),
        ("photo-size-differs", "1.jpg is 6×8 upright, the JSON says 8×6: as it is stored", (6, 8)),
    ],
)
def test_each_code_of_a_photograph(code: str, words: str, spoil: Any, tmp_path: Path) -> None:
    path = boxes(tmp_path / "instances.json", [polygon()])
    if isinstance(spoil, bytes):
        (tmp_path / "1.jpg").write_bytes(spoil)
    elif spoil is not None:
        Image.new("RGB", spoil).save(tmp_path / "1.jpg")
    (finding,) = check(path, Instances, images=tmp_path)
    assert finding.code == code
    assert words in finding.message


def test_a_file_that_is_cut_off(tmp_path: Path) -> None:
    path = boxes(tmp_path / "instances.json", [polygon()])
    path.write_text(path.read_text()[:-20])
    (finding,) = check(path, Instances)
    assert finding.code == "file-malformed"
    assert "the file ends in the middle; get it again whole" in finding.message


def test_every_code_has_its_file() -> None:
    tested = {code for code, *_ in CASES} | {"file-malformed", "photo-missing"}
    tested |= {"photo-unreadable", "photo-size-differs"}
    codes = [code.name for code in Instances.CODES]
    assert len(set(codes)) == len(codes)
    assert set(codes) == tested


def test_right_annotations_are_clean(tmp_path: Path) -> None:
    text = rle_from_mask(np.array([[1, 0], [0, 0]], dtype=np.bool_))
    small = {"id": 9, "image_id": 2, "category_id": 1, "area": 1, "bbox": [0, 0, 1, 1]}
    small["segmentation"] = text
    images = [*ONE, {"id": 2, "file_name": "2.jpg", "width": 2, "height": 2}]
    assert (
        check(boxes(tmp_path / "a.json", [polygon(), rle(), small], images=images), Instances) == []
    )
    assert check(boxes(tmp_path / "b.json", [BOX]), Instances) == []


def test_tools_may_round_by_a_pixel(tmp_path: Path) -> None:
    """COCO's older boxes of crowds end a pixel early; polygons are drawn in fractions."""
    near = [rle(bbox=[1, 0, 1, 5]), polygon(bbox=[0.5, 1.4, 4.2, 3.3], area=9.5)]
    assert check(boxes(tmp_path / "a.json", near), Instances) == []


def test_the_polygons_of_one_object_may_overlap(tmp_path: Path) -> None:
    """The area is then what they cover; their sum is let pass, for some tools write it."""
    square = [10, 10, 110, 10, 110, 110, 10, 110]
    images = [{"id": 1, "file_name": "1.jpg", "width": 200, "height": 200}]
    for area, clean in ((10_000, True), (20_000, True), (15_000, False)):
        row = polygon(segmentation=[square, square], bbox=[10, 10, 100, 100], area=area)
        found = check(boxes(tmp_path / "a.json", [row], images=images), Instances)
        assert (found == []) == clean, found


def test_random_masks_measure_as_their_pixels(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = []
    for id in range(1, 120):
        mask = rng.random((6, 8)) < rng.choice([0.05, 0.3, 0.9])
        mask[rng.integers(6), rng.integers(8)] = True
        box = [int(n) for n in xywh_from_xyxy(box_of(mask))]
        rows.append(rle(id=id, segmentation=rle_from_mask(mask), area=int(mask.sum()), bbox=box))
    path = boxes(tmp_path / "a.json", rows)
    assert check(path, Instances) == []
    for row in rows:
        row["area"] += 1
        row["bbox"][2] += 2
    found = check(boxes(path, rows), Instances)
    assert [f.code for f in found] == ["area-differs", "box-differs"] * len(rows)


def test_fix_mends_boxes_and_areas_of_rles(tmp_path: Path) -> None:
    rows = [
        rle(area=1, bbox=[0, 0, 8, 6]),
        {k: v for k, v in rle(id=8).items() if k not in ("bbox", "area")},
        polygon(bbox="x", area=44),
        {**BOX, "bbox": [5, 5, -1, 0], "score": 0.25},
    ]
    path = boxes(tmp_path / "a.json", rows, info={"year": 2017, "ünï": [1.5, None]})
    before = json.loads(path.read_text())
    data, found = fix(path, tmp_path / "b.json", Instances)
    assert json.loads(path.read_text()) == before
    assert [f.code for f in found if f.fixable] == [
        "area-differs",
        "box-differs",
        "area-missing",
        "box-missing",
        "box-malformed",
    ]
    left = [f for f in found if not f.fixable]
    assert names(left) == {"polygon-area-differs", "segmentation-missing", "box-reversed"}
    again = check(tmp_path / "b.json", Instances)
    assert [f.code for f in again] == [f.code for f in left]
    assert [a["bbox"] for a in data["annotations"][:3]] == [[1, 0, 2, 6]] * 2 + [[1, 1, 4, 3]]
    assert [a["area"] for a in data["annotations"]] == [6, 6, 44, 4]
    for was, now in zip(before["annotations"], data["annotations"], strict=True):
        assert {k: v for k, v in now.items() if k not in ("bbox", "area")} == {
            k: v for k, v in was.items() if k not in ("bbox", "area")
        }
    assert list(data) == list(before)
    assert {k: v for k, v in data.items() if k != "annotations"} == {
        k: v for k, v in before.items() if k != "annotations"
    }


def test_recognised_by_content(tmp_path: Path) -> None:
    assert Instances.recognises(boxes(tmp_path / "a.json", [polygon()]))
    assert Instances.recognises(boxes(tmp_path / "b.json", [BOX]))
    assert not Instances.recognises(boxes(tmp_path / "c.json", [{"id": 1, "caption": "A man."}]))
    assert not Instances.recognises(TinyCoco(tmp_path / "tiny").json)


def test_images_without_annotations_are_a_note(tmp_path: Path) -> None:
    images = [*ONE, {"id": 2, "file_name": "2.jpg", "width": 2, "height": 2}]
    validator = Instances(Rules())
    path = boxes(tmp_path / "a.json", [polygon()], images=images)
    assert list(validator.check(Instances.dataset(path, None, None))) == []
    assert validator.notes == ["1 images have no annotation"]
    assert validator.counts == {"images": 2, "annotations": 1}
