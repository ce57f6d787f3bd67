"""Records from boxes alone: JSON Lines, JSON lists and COCO detection results."""

from __future__ import annotations

import copy
import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from annoengine.errors import InputError
from annoengine.fingerprint import canonical_json
from annoengine.record import Category, Record, Segment
from annoengine.sources.boxes import Boxes, BoxesParameters
from tests.sources.opening import (
    VALUES,
    check_told,
    naming,
    open_all,
    record_of,
    scores_by,
    spoil,
    with_byte,
)

WIDTH, HEIGHT = 8, 6


def row(number: int, *boxes: Any) -> dict[str, Any]:
    return {"image": f"{number:04d}.jpg", "boxes": list(boxes)}


def box(*box_xyxy: Any, **more: Any) -> dict[str, Any]:
    return {"box_xyxy": list(box_xyxy), "category": "dog", **more}


class Folder:
    """Three photographs of 8 × 6, a file of boxes, and a COCO file of images and categories."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.images = root / "val2017"
        self.images.mkdir(parents=True, exist_ok=True)
        self.boxes = root / "boxes.jsonl"
        self.listing = root / "listing.json"
        for number in (1, 2, 3):
            Image.new("RGB", (WIDTH, HEIGHT)).save(self.images / f"{number:04d}.jpg")
        self.listed: dict[str, Any] = {
            "images": [
                {"id": n, "file_name": f"{n:04d}.jpg", "width": WIDTH, "height": HEIGHT}
                for n in (3, 1, 2)
            ],
            "annotations": [{"anything": [{}]}],
            "categories": [{"id": 18, "name": "dog"}, {"id": 17, "name": "cat", "isthing": 1}],
            "licenses": [{"id": 4, "name": "Attribution"}],
        }
        self.list(self.listed)

    def lines(self, *rows: Any) -> Folder:
        self.boxes.write_text("".join(f"{json.dumps(r)}\n" for r in rows), "utf-8")
        return self

    def json(self, value: Any) -> Folder:
        self.boxes.write_text(json.dumps(value, indent=2), "utf-8")
        return self

    def list(self, value: Any) -> None:
        self.listing.write_text(json.dumps(value), "utf-8")

    def source(self, results: bool = False, seed: int = 0, **parameters: Any) -> Boxes:
        inputs = {"images": self.images, "boxes": self.boxes}
        if results:
            inputs["annotations"] = self.listing
        return Boxes(BoxesParameters.model_validate(parameters), inputs, seed)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "d")


def scores_of(record: Record) -> list[tuple[str, int | None, float]]:
    return scores_by("boxes", record)


def records_of(source: Boxes) -> list[Record]:
    return [record_of(opened) for opened in open_all(source)]


ROWS = (
    row(
        2,
        box(1, 1, 5, 4, score=0.75, id=7),
        {"box_xywh": [2, 0, 3, 2], "category": "a red cat", "category_id": 17, "isthing": False},
        {"box_xyxyn": [0.5, 0, 1, 0.5], "category": "dog"},
    ),
    row(1, box(0, 0, 8, 6)),
)


@pytest.mark.parametrize("form", ["lines", "list"])
def test_boxes_come_in_three_layouts_and_two_files(folder: Folder, form: str) -> None:
    if form == "lines":
        folder.lines(*ROWS)
    else:
        folder.json(list(ROWS))
    two, one = records_of(folder.source(dataset="zoo", found_by="yolo"))
    assert (two.id, one.id) == ("zoo/all/0002.jpg", "zoo/all/0001.jpg")
    dog = Category(name="dog")
    assert two.segments == (
        Segment(
            id=7,
            category=dog,
            isthing=True,
            box_xyxy=(1, 1, 5, 4),
            area_px=12,
            source="yolo",
            score=0.75,
        ),
        Segment(
            id=1,
            category=Category(id=17, name="a red cat"),
            isthing=False,
            box_xyxy=(2, 0, 5, 2),
            area_px=6,
            source="yolo",
        ),
        Segment(id=2, category=dog, isthing=True, box_xyxy=(4, 0, 8, 3), area_px=12, source="yolo"),
    )
    assert (two.masks, two.scores, one.scores) == (None, (), ())
    assert Record.from_line(two.to_line()) == two


def result(image_id: Any, *bbox: Any, **more: Any) -> dict[str, Any]:
    return {"image_id": image_id, "category_id": 18, "bbox": list(bbox), "score": 0.5, **more}


def test_detection_results_go_with_the_images_of_a_coco_file(folder: Folder) -> None:
    folder.json(
        [
            result(2, 1, 1, 4, 3, id=900),
            result(3, 0, 0, 8, 6, category_id=17),
            result(2, 0.5, 0, 2, 2, score=0.9, area=4),
            result("x9", 0, 0, 1, 1),
            result("x9", 0, 0, 1, 1),
        ]
    )
    opened = open_all(folder.source(results=True))
    assert [(o.record_id, o.failed, o.reason) for o in opened] == [
        ("boxes/all/3", False, ""),
        ("boxes/all/1", False, "no boxes"),
        ("boxes/all/2", False, ""),
        ("boxes/all/x9", True, "image"),
    ]
    assert opened[1].detail == "boxes.jsonl has no box of image 1"
    assert opened[3].detail == (
        "boxes.jsonl: [3] is of image x9, which is not in listing.json; 2 of the results are"
    )
    two = opened[2].record
    assert two is not None
    assert [(s.id, s.box_xyxy, s.score) for s in two.segments] == [
        (1, (1, 1, 5, 4), 0.5),
        (2, (0.5, 0, 2.5, 2), 0.9),
    ]
    assert two.segments[0].category == Category(id=18, name="dog")
    assert two.scores == ()


def test_no_detection_at_all_drops_every_image(folder: Folder) -> None:
    folder.json([])
    opened = open_all(folder.source(results=True))
    assert [o.reason for o in opened] == ["no boxes"] * 3


def test_source_and_entries_travel_to_other_processes(folder: Folder) -> None:
    for results in (False, True):
        folder.json([result(2, 1, 1, 4, 3)] if results else list(ROWS))
        source = folder.source(results=results)
        again = pickle.loads(pickle.dumps(source))
        for entry in source.entries():
            copied = json.loads(canonical_json(dict(entry)))
            assert again.open(copied) == source.open(entry)
        assert set(source.fingerprint()) == {"boxes", "split", *(["annotations"] * results)}


def test_boxes_are_cut_to_the_photograph_and_it_is_said(folder: Folder) -> None:
    folder.lines(row(1, box(-4, 0, 4, 6), box(0, 0, 8, 6), box(4, 3, 100, 100)))
    (record,) = records_of(folder.source())
    assert [s.box_xyxy for s in record.segments] == [(0, 0, 4, 6), (0, 0, 8, 6), (4, 3, 8, 6)]
    assert scores_of(record) == [("box_in_json_iou", 1, 0.5), ("box_in_json_iou", 3, 0.0013)]


def test_the_best_boxes_are_kept_in_their_order(folder: Folder) -> None:
    scores = [0.3, None, 0.9, 0.1, 0.5, 0.9]
    folder.lines(row(1, *(box(0, 0, n + 1, 1, score=s) for n, s in enumerate(scores))))
    (record,) = records_of(folder.source(min_score=0.3, most_boxes=3))
    assert [s.score for s in record.segments] == [0.9, 0.5, 0.9]
    assert scores_of(record) == [("below_min_score", None, 1), ("beyond_most_boxes", None, 2)]
    (record,) = records_of(folder.source(min_score=0.95))
    assert [s.score for s in record.segments] == [None]
    folder.lines(row(1, box(0, 0, 1, 1, score=0.1)))
    (opened,) = open_all(folder.source(min_score=0.95))
    assert (opened.failed, opened.reason) == (False, "no segments")
    assert opened.detail == "all 1 boxes were left out: 1 below_min_score"


def test_ids_that_are_none_are_made_up_and_said(folder: Folder) -> None:
    folder.lines(row(1, box(0, 0, 1, 1, id=0), box(0, 0, 2, 1, id=1), box(0, 0, 3, 1, id=True)))
    (record,) = records_of(folder.source())
    assert [s.id for s in record.segments] == [2, 1, 3]
    assert scores_of(record) == [("id_made_up", 2, 0), ("id_made_up", 3, 2)]


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        (box(1, 2, 3), "box", "its box is 3 values; a list of four numbers is needed"),
        (box(1, 2, 3, "4"), "box", "its box [1, 2, 3, '4'] holds '4'; numbers are needed"),
        (box(1, 2, math.nan, 4), "box", "its box [1, 2, nan, 4] holds nan; numbers are needed"),
        (box(1, 2, True, 4), "box", "holds True; numbers are needed"),
        (box(5, 2, 3, 4), "box", "its box [5, 2, 3, 4] has its corners in reverse"),
        (box(1, 2, 1, 4), "box", "its box [1, 2, 1, 4] has no area"),
        (box(9, 2, 12, 4), "box", "its box [9, 2, 12, 4] lies outside of the 8×6 photograph"),
        (box(1, 2, 1e308, 1e308), "box", "is not of this picture"),
        (
            {"box_xyxyn": [0, 0, 8, 6], "category": "dog"},
            "box",
            "its box [0, 0, 8, 6] is not of shares of the size, 0 to 1",
        ),
        (
            {"box_xywh": [0, 0, -8, 6], "category": "dog"},
            "box",
            "its box [0, 0, -8, 6] has a negative width or height",
        ),
        ({"category": "dog"}, "box", "one of box_xyxy, box_xywh, box_xyxyn is needed; it has none"),
        (
            box(0, 0, 1, 1, box_xywh=[0, 0, 1, 1]),
            "box",
            "is needed; it has box_xyxy and box_xywh",
        ),
        (box(0, 0, 1, 1, score="high"), "box", "its score is 'high'; a number is needed"),
        (box(0, 0, 1, 1, category=""), "category", "its category is ''; a name is needed"),
        (box(0, 0, 1, 1, category=7), "category", "its category is 7; a name is needed"),
        (box(0, 0, 1, 1, category_id="7"), "category", "its category_id is '7'; a whole number"),
        (box(0, 0, 1, 1, isthing="no"), "category", "isthing is 'no'; true or false is needed"),
        (box(0, 0, 1, 1, id=5), "segments", "an earlier box has its id 5 too"),
        ("box", "box", "it is 'box'; an object is needed"),
    ],
)
def test_a_bad_box_costs_its_image_or_its_segment(
    folder: Folder, bad: Any, reason: str, words: str
) -> None:
    folder.lines(row(1, box(0, 0, 2, 2, id=5), bad), row(2, box(0, 0, 1, 1)))
    one, two = open_all(folder.source())
    assert (one.failed, one.reason) == (True, reason)
    assert one.detail.startswith("boxes.jsonl: line 1, boxes[1]: ")
    assert words in one.detail
    assert two.record is not None
    record, _ = records_of(folder.source(on_bad="drop_segment"))
    assert [s.id for s in record.segments] == [5]
    assert scores_of(record) == [(f"dropped_{reason}", None, 1)]


@pytest.mark.parametrize(
    ("bad", "reason", "words"),
    [
        (result(2, 1, 2, 3), "box", "its box is 3 values"),
        (result(2, 1, 2, 3, -1), "box", "has a negative width or height"),
        (result(2, 1, 2, 3, 1, score=None, category_id=9), "category", "9 is not among the 2"),
        (result(2, 1, 2, 3, 1, score=[]), "box", "its score is a list; a number is needed"),
        (
            {"image_id": 2, "category_id": 18, "segmentation": {"counts": ""}},
            "box",
            "it has a segmentation and no bbox",
        ),
    ],
)
def test_a_bad_result_costs_its_image_or_its_segment(
    folder: Folder, bad: Any, reason: str, words: str
) -> None:
    folder.json([result(2, 0, 0, 1, 1), bad])
    opened = open_all(folder.source(results=True))[2]
    assert (opened.failed, opened.reason) == (True, reason)
    assert opened.detail.startswith("boxes.jsonl: image 2, [1]: ")
    assert words in opened.detail
    opened = open_all(folder.source(results=True, on_bad="drop_segment"))[2]
    assert opened.record is not None
    assert scores_of(opened.record) == [(f"dropped_{reason}", None, 1)]


def test_images_fail_alone(folder: Folder) -> None:
    (folder.images / "0001.jpg").unlink()
    folder.lines(
        row(1, box(0, 0, 1, 1)),
        {"image": "../x.jpg", "boxes": [box(0, 0, 1, 1)]},
        {"image": "a.jpg", "boxes": {}},
        {"image": "b.jpg", "boxes": []},
        {**row(2, box(0, 0, 1, 1)), "width": 80, "height": 60},
        {
            **row(3, {"box_xyxyn": [0, 0, 1, 1], "category": "dog"}),
            "width": 80,
            "height": 60,
        },
    )
    opened = open_all(folder.source())
    assert [(o.failed, o.reason) for o in opened] == [
        (True, "image"),
        (True, "unsafe path"),
        (True, "segments"),
        (False, "no boxes"),
        (True, "size"),
        (False, ""),
    ]
    assert opened[2].detail == "boxes.jsonl: line 3: it has no list 'boxes'"
    assert opened[4].detail == ("0002.jpg is 8×6 upright, and the JSON's coordinates are of 80×60")
    three = opened[5].record
    assert three is not None
    assert scores_of(three) == [("width_in_json", None, 80), ("height_in_json", None, 60)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no list of boxes; boxes are JSON Lines or a JSON list"),
        ("boxes", "is no list of boxes; boxes are JSON Lines or a JSON list"),
        ("[]", "names no image; boxes are JSON Lines or a JSON list"),
        ('{"image": "a", "boxes": []}\n[]\n', "line 2, byte 28: not valid JSON: an object is nee"),
        ('{"image": "a", "boxes": []}\n{"image"\n', "line 2, byte 36: not valid JSON: "),
        ('{"image": "a", "boxs": []}', "line 1: there is no key 'boxs' in this form. Did you mean"),
        ('{"image": "a", "boxes": [{"lable": 1}]}', "line 1, boxes[0]: there is no key 'lable'"),
        ('{"boxes": []}', "line 1: its image is None; boxes are"),
        ('{"image": 7, "boxes": []}', "line 1: its image is 7; boxes are"),
        ('[{"image": "a", "boxes": []}, 7]', "[1] is no object: '7' was found"),
        ('[{"image": "a", "boxes": []}, [7]]', "[1]: it is a list; boxes are"),
        ('{"images": [], "annotations": []}', "is a COCO annotation file, whose boxes the source"),
        (
            '{"image": "a", "boxes": []}\n\n{"image": "b", "boxes": []}\n{"image": "a"}',
            ": line 1 and line 4 are both of 'a'; put all boxes of an image into one object",
        ),
        ('[{"image_id": 1, "bbox": [1, 2, 3, 4]}]', "the input 'annotations' is missing: give"),
    ],
)
def test_a_file_that_is_something_else_is_refused(folder: Folder, text: str, words: str) -> None:
    folder.boxes.write_text(text)
    with pytest.raises(InputError) as caught:
        list(folder.source().entries())
    assert words in str(caught.value)


def test_the_two_files_of_results_must_be_what_they_are_called(folder: Folder) -> None:
    def error() -> str:
        with pytest.raises(InputError) as caught:
            list(folder.source(results=True).entries())
        return str(caught.value)

    folder.lines(row(1))
    assert "needs no input 'annotations'; that is for COCO detection results" in error()
    folder.json([result(2, 0, 0, 1, 1), {"category_id": 1}])
    assert f"{folder.boxes}: [1] has the image_id None; a whole number or a text is" in error()
    folder.json([result(2, 0, 0, 1, 1)])
    folder.list({"images": folder.listed["images"]})
    assert f"{folder.listing} has no categories; a COCO annotation file is" in error()
    folder.list([])
    assert f"{folder.listing} holds an array; a COCO annotation file is" in error()


def test_samples_and_licences_choose(folder: Folder) -> None:
    folder.lines(row(1, box(0, 0, 1, 1)), row(2, *[box(0, 0, 1, 1)] * 3), row(3))
    source = folder.source(sample={"n": 1, "segments": [1, 3]})
    (entry,) = source.entries()
    assert source.left_out == {"segments": 1, "sample": 1}
    assert entry["record_id"] in ("boxes/all/0001.jpg", "boxes/all/0002.jpg")
    with pytest.raises(InputError, match="says nothing of licences; leave out 'licences', or"):
        list(folder.source(licences=[4]).entries())
    with pytest.raises(InputError, match="is chosen: left out 3 by segments"):
        list(folder.source(sample={"n": 1, "segments": [7, 9]}).entries())
    folder.listed["images"][1]["license"] = 4
    folder.list(folder.listed)
    folder.json([result(1, 0, 0, 1, 1), result(2, 0, 0, 1, 1), result(9, 0, 0, 1, 1)])
    source = folder.source(results=True, licences=["attribution"])
    assert [entry["record_id"] for entry in source.entries()] == ["boxes/all/1"]
    assert source.left_out == {"licence": 2, "not in 'images'": 1}


def test_check_says_which_input_is_wrong(folder: Folder) -> None:
    with pytest.raises(InputError, match="does not exist; give the file with the boxes"):
        folder.source().check()
    folder.lines(row(1))
    folder.source().check()
    folder.listing.unlink()
    with pytest.raises(InputError, match="does not exist; give the COCO file with the images"):
        folder.source(results=True).check()


# ---------------------------------------------------------------- whatever the file holds

_VALUES = st.one_of(
    *VALUES, st.lists(st.builds(box, st.just(0), st.just(0), st.just(8), st.just(6)), max_size=2)
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), form=st.sampled_from(["lines", "list", "results", "listing"]))
def test_no_content_breaks_the_source(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, form: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "boxes_victim"
    folder = Folder(root)
    spoilt: Any = copy.deepcopy(list(ROWS))
    if form in ("results", "listing"):
        spoilt = [result(2, 1, 1, 4, 3, id=900), result(3, 0, 0, 8, 6, category_id=17)]
    folder.json(spoilt)
    if form == "listing":
        spoilt = copy.deepcopy(folder.listed)
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(spoilt, data, _VALUES)
    if form == "listing":
        folder.list(spoilt)
    elif form == "lines":
        folder.lines(*spoilt)
    else:
        folder.json(spoilt)
    _check_all(folder.source(results=form in ("results", "listing")), folder)


def _check_all(source: Boxes, folder: Folder) -> int:
    ids = set()
    with naming(folder.boxes, folder.listing):
        for entry in source.entries():
            canonical_json(dict(entry))
            opened = source.open(entry)
            check_told(opened)
            assert opened.record_id not in ids
            ids.add(opened.record_id)
            if opened.record is not None:
                for segment in opened.record.segments:
                    x1, y1, x2, y2 = segment.box_xyxy
                    assert 0 <= x1 < x2 <= WIDTH
                    assert 0 <= y1 < y2 <= HEIGHT
    return len(ids)


@settings(max_examples=150)
@given(at=st.integers(0, 600), byte=st.integers(0, 255), cut=st.booleans(), lines=st.booleans())
def test_no_bytes_break_the_source(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: bool, lines: bool
) -> None:
    root = tmp_path_factory.getbasetemp() / "boxes_bytes"
    folder = Folder(root)
    if lines:
        folder.lines(*ROWS)
    else:
        folder.json(list(ROWS))
    folder.boxes.write_bytes(with_byte(folder.boxes.read_bytes(), at, byte, cut))
    opened = _check_all(folder.source(), folder)
    # A cut between two lines leaves a whole file of fewer images.
    assert opened <= 2
