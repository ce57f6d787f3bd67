"""Records from COCO instances files: what is read, in which order, and what goes wrong how."""

from __future__ import annotations

import copy
import json
import math
import pickle
import tracemalloc
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from annoengine.errors import InputError
from annoengine.fingerprint import canonical_json
from annoengine.mask import mask_from_rle, rle_from_mask
from annoengine.reading import json_slices
from annoengine.record import Category, Licence, Photo, Record, Segment
from annoengine.source import Opened
from annoengine.sources.coco_instances import CocoInstances, CocoInstancesParameters
from tests.sources.opening import (
    VALUES,
    check_told,
    image_numbers,
    naming,
    open_all,
    open_first,
    record_of,
    scores_by,
    spoil,
    with_byte,
)
from tests.tiny_coco import HEIGHT, WIDTH
from tests.tiny_instances import TinyInstances


@pytest.fixture
def tiny(tmp_path: Path) -> TinyInstances:
    return TinyInstances(tmp_path, n=3)


def scores_of(record: Record) -> list[tuple[str, int | None, float]]:
    return scores_by("coco_instances", record)


def test_a_record_holds_masks_and_boxes_as_they_are_painted(tiny: TinyInstances) -> None:
    opened = open_first(tiny.source())
    record = record_of(opened)
    cat, dog = Category(id=17, name="cat"), Category(id=18, name="dog")
    assert record.segments == (
        Segment(
            id=11,
            category=dog,
            isthing=True,
            box_xyxy=(1, 1, 5, 4),
            area_px=12,
            mask=0,
            source="coco",
        ),
        Segment(
            id=12,
            category=dog,
            isthing=True,
            box_xyxy=(7, 0, 8, 6),
            area_px=6,
            mask=1,
            source="coco",
        ),
        Segment(
            id=13,
            category=cat,
            isthing=True,
            iscrowd=True,
            box_xyxy=(0, 5, 8, 6),
            area_px=8,
            mask=2,
            source="coco",
        ),
        Segment(
            id=14, category=cat, isthing=True, box_xyxy=(2.5, 0, 5.5, 2), area_px=6, source="coco"
        ),
    )
    assert record.scores == ()
    assert record.photo == Photo(
        file="0001.jpg",
        width=WIDTH,
        height=HEIGHT,
        sha256=sha256((tiny.images / "0001.jpg").read_bytes()).hexdigest(),
        licence=Licence(
            id=2, name="Attribution-NonCommercial", url="http://example.org/by-nc/2.0/"
        ),
        coco_url="http://example.org/val2017/0001.jpg",
    )
    masks = [mask_from_rle(rle) for rle in opened.rles]
    painted = np.zeros((3, HEIGHT, WIDTH), dtype=bool)
    painted[0, 1:4, 1:5], painted[1, :, 7], painted[2, 5] = True, True, True
    assert np.array_equal(masks, painted)
    assert list(opened.rles) == [rle_from_mask(mask) for mask in painted]
    line = orjson.dumps({"id": record.id, "rles": list(opened.rles)})
    assert record.masks is not None
    assert record.masks.kind == "rle"
    assert record.masks.sha256 == sha256(line).hexdigest()
    assert Record.from_line(record.to_line()) == record


def test_records_come_in_the_order_of_images(tiny: TinyInstances) -> None:
    tiny.data["images"].reverse()
    tiny.data["annotations"].reverse()
    tiny.write()
    records = [record_of(opened) for opened in open_all(tiny.source())]
    assert [record.id for record in records] == ["coco/val/3", "coco/val/2", "coco/val/1"]
    # Segments keep the order of their annotations.
    assert [s.id for s in records[0].segments] == [34, 33, 32, 31]


def test_source_and_entries_travel_to_other_processes(tiny: TinyInstances) -> None:
    source = tiny.source()
    entries = list(source.entries())
    again = pickle.loads(pickle.dumps(source))
    for entry in entries:
        copied = json.loads(canonical_json(dict(entry)))
        assert again.open(copied) == source.open(entry)


def test_the_fingerprint_is_of_content_and_never_of_a_path(tmp_path: Path) -> None:
    one, other = TinyInstances(tmp_path / "a"), TinyInstances(tmp_path / "b")
    assert one.source().fingerprint() == other.source().fingerprint()
    other.data["annotations"][0]["area"] = 13
    other.write()
    assert one.source().fingerprint() != other.source().fingerprint()
    assert str(tmp_path) not in json.dumps(dict(one.source().fingerprint()))


def test_things_are_things_unless_the_categories_say_otherwise(tiny: TinyInstances) -> None:
    tiny.data["categories"][0]["isthing"] = 0
    tiny.write()
    segments = record_of(open_first(tiny.source())).segments
    assert [s.isthing for s in segments] == [False, False, True, True]
    # COCO's own stuff is known where its categories do not say so.
    for annotation in tiny.data["annotations"]:
        annotation["category_id"] = 184
    for name, isthing in (("tree-merged", False), ("tree", True)):
        tiny.data["categories"] = [{"id": 184, "name": name}]
        tiny.write()
        assert {s.isthing for s in record_of(open_first(tiny.source())).segments} == {isthing}


# ---------------------------------------------------------------- odd, and kept


def test_figures_that_differ_from_the_mask_are_noted(tiny: TinyInstances) -> None:
    polygon, rle, crowd, box = tiny.data["annotations"][::3]
    # Half of the outline, 7 px, and one more: so far may painting move an area.
    polygon["area"], polygon["bbox"] = 20.1, [1, 1, 4, 4.1]
    rle["area"], rle["bbox"] = 7, [7, 0, 1, 5]
    crowd["area"], crowd["bbox"] = "8", [0, 5, -8, 1]
    box["bbox"] = [6, -1, 4, 3]
    tiny.write()
    record = record_of(open_first(tiny.source()))
    assert scores_of(record) == [
        ("area_in_json", 11, 20.1),
        ("box_in_json_iou", 11, 0.7317),
        ("area_in_json", 12, 7),
        ("box_in_json_iou", 12, 0.8333),
        ("area_in_json_unusable", 13, 1),
        ("bbox_in_json_unusable", 13, 1),
        ("box_in_json_iou", 14, 0.3333),
    ]
    assert record.segment(14).box_xyxy == (6, 0, 8, 2)
    polygon["area"], polygon["bbox"] = 19.9, [0.1, 1.9, 4.8, 2]
    del rle["area"], rle["bbox"]
    crowd["area"], crowd["bbox"] = 8.0, None
    box["bbox"] = [6, 1, 2, 3]
    tiny.write()
    assert record_of(open_first(tiny.source())).scores == ()


def test_odd_polygons_are_kept_and_counted(tiny: TinyInstances) -> None:
    bow_tie = [1, 1, 5, 4, 5, 1, 1, 4]
    tiny.data["annotations"][0].update(segmentation=[bow_tie, [1, 1, 2, 2]], area=None, bbox=None)
    tiny.data["annotations"][1].update(
        segmentation=[[-2, 1, 4, 1, 4, 3, -2, 3]], area=8, bbox=[-2, 1, 6, 2]
    )
    tiny.write()
    one, two, _ = (record_of(opened) for opened in open_all(tiny.source()))
    assert scores_of(one) == [("short_polygons", 11, 1), ("self_crossing_polygons", 11, 1)]
    assert scores_of(two) == [("points_outside_photo", 21, 2), ("box_in_json_iou", 21, 0.6667)]
    assert two.segment(21).box_xyxy == (0, 1, 4, 3)


def test_masks_may_overlap(tiny: TinyInstances) -> None:
    tiny.data["annotations"][3]["segmentation"] = [[0, 0, 8, 0, 8, 6, 0, 6]]
    tiny.write()
    opened = open_first(tiny.source())
    areas = [int(mask_from_rle(rle).sum()) for rle in opened.rles]
    assert areas == [12, 48, 8]


def test_ids_that_are_none_are_made_up_and_said(tiny: TinyInstances) -> None:
    of_first = tiny.data["annotations"][::3]
    for annotation, id in zip(of_first, (0, 2, "a7", None), strict=True):
        annotation["id"] = id
    tiny.write()
    record = record_of(open_first(tiny.source()))
    assert [s.id for s in record.segments] == [1, 2, 3, 4]
    # Their places in the file.
    assert scores_of(record) == [("id_made_up", 1, 0), ("id_made_up", 3, 6), ("id_made_up", 4, 9)]


def test_ids_beyond_24_bits_are_kept(tiny: TinyInstances) -> None:
    tiny.data["annotations"][0]["id"] = 900100002299
    tiny.write()
    assert record_of(open_first(tiny.source())).segments[0].id == 900100002299


def test_an_id_that_another_image_has_too_is_kept_and_said(tiny: TinyInstances) -> None:
    tiny.data["annotations"][1]["id"] = tiny.data["annotations"][2]["id"] = 11
    tiny.write()
    for record in map(record_of, open_all(tiny.source())):
        assert scores_of(record) == [("id_of_other_annotations", 11, 2)]


def test_crowds_and_small_segments_are_left_out_and_counted(tiny: TinyInstances) -> None:
    record = record_of(open_first(tiny.source(crowds="drop", min_area_px=6.5)))
    assert [s.id for s in record.segments] == [11]
    assert scores_of(record) == [("below_min_area", None, 2), ("crowds_left_out", None, 1)]
    assert [s.mask for s in record.segments] == [0]


def test_masks_without_a_pixel_are_left_out_and_counted(tiny: TinyInstances) -> None:
    tiny.data["annotations"][0]["segmentation"] = [[1.1, 1.1, 1.2, 1.1, 1.2, 1.2]]
    tiny.data["annotations"][3]["segmentation"] = {"size": [HEIGHT, WIDTH], "counts": [48]}
    tiny.write()
    record = record_of(open_first(tiny.source()))
    assert [(s.id, s.mask) for s in record.segments] == [(13, 0), (14, None)]
    assert scores_of(record) == [("empty_masks", None, 2)]


def test_an_image_that_loses_all_its_segments_is_dropped(tiny: TinyInstances) -> None:
    opened = open_first(tiny.source(min_area_px=100))
    assert (opened.failed, opened.reason) == (False, "no segments")
    assert opened.detail == "all 4 annotations were left out: 4 below_min_area"


def test_images_without_annotations_are_dropped_and_annotations_without_image_fail(
    tiny: TinyInstances,
) -> None:
    for annotation in tiny.data["annotations"][1::3]:
        annotation["image_id"] = "x9"
    tiny.write()
    opened = open_all(tiny.source())
    assert [(o.record_id, o.failed, o.reason) for o in opened] == [
        ("coco/val/1", False, ""),
        ("coco/val/2", False, "no annotation"),
        ("coco/val/3", False, ""),
        ("coco/val/x9", True, "image"),
    ]
    assert opened[1].detail == "instances_val2017.json has no annotation for image 2"
    assert opened[3].detail == (
        "instances_val2017.json: annotations[1], image x9: there is no such image in 'images', "
        "and 4 of the annotations name it"
    )


def test_lvis_images_are_found_by_their_url(tiny: TinyInstances) -> None:
    for image in tiny.data["images"]:
        del image["file_name"]
        image.update(neg_category_ids=[1], not_exhaustive_category_ids=[])
    for annotation in tiny.data["annotations"]:
        annotation.pop("iscrowd", None)
    tiny.write()
    flat = [record_of(opened) for opened in open_all(tiny.source())]
    assert [record.photo.file for record in flat] == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert not any(segment.iscrowd for segment in flat[0].segments)
    inputs = {"images": tiny.root, "annotations": tiny.json}
    source = CocoInstances(CocoInstancesParameters(), inputs, 0)
    record = record_of(open_first(source))
    assert record.photo.file == "val2017/0001.jpg"
    assert source.files(record).image == tiny.images / "0001.jpg"


def test_nan_costs_its_annotation_and_not_the_file(tiny: TinyInstances) -> None:
    tiny.data["annotations"][0]["area"] = math.nan
    tiny.data["annotations"][1]["segmentation"] = [[1, 1, math.nan, 1, 5, 4]]
    tiny.data["annotations"][11]["bbox"] = [1, math.inf, 2, 2]
    tiny.write()
    one, two, three = open_all(tiny.source())
    assert scores_of(record_of(one)) == [("area_in_json_unusable", 11, 1)]
    assert two.detail.endswith(
        "annotations[1], image 2: its segmentation[0] holds nan; numbers are needed"
    )
    assert three.detail.endswith(
        "annotations[11], image 3: its box [1, inf, 2, 2] holds inf; numbers are needed"
    )


# ---------------------------------------------------------------- one bad image


@pytest.mark.parametrize(
    ("place", "change", "reason", "words"),
    [
        (0, {"category_id": 99}, "category", "the category id 99 is not among the 2 in 'categ"),
        (0, {"category_id": "18"}, "category", "the category id '18' is not among the 2"),
        (0, {"category_id": None}, "category", "the category id None is not among the 2"),
        (0, {"iscrowd": "no"}, "segments", "iscrowd is 'no'; 0 or 1 is needed"),
        (0, {"id": 12}, "segments", "2 annotations of this image have the id 12; give each its"),
        (0, {"segmentation": "x"}, "mask", "its segmentation is 'x'; polygons or an RLE are"),
        (0, {"segmentation": [[1, 1]]}, "mask", "no polygon of its segmentation has three points"),
        (0, {"segmentation": [[0, 0, 9, 0, 9e9, 9]]}, "mask", "far outside of the 8×6 photograph"),
        (3, {"segmentation": {"size": [8, 6], "counts": "0"}}, "mask", "turned by a quarter"),
        (3, {"segmentation": {"size": [6, 9], "counts": "0"}}, "mask", "its RLE is 9×6, the ph"),
        (3, {"segmentation": {"size": [6, 8], "counts": "P"}}, "mask", "its counts are cut off"),
        (3, {"segmentation": {"size": [6, 8], "counts": [3]}}, "mask", "its counts make 3 pixels"),
        (9, {"bbox": None}, "box", "it has neither a segmentation nor a bbox"),
        (9, {"bbox": [1, 2, 3]}, "box", "its box is 3 values; a list of four numbers is needed"),
        (9, {"bbox": [1, 2, -3, 1]}, "box", "its box [1, 2, -3, 1] has a negative width or hei"),
        (9, {"bbox": [1, 2, 0, 1]}, "box", "its box [1, 2, 0, 1] has no area"),
        (9, {"bbox": [1, 2, "3", 1]}, "box", "its box [1, 2, '3', 1] holds '3'; numbers are"),
        (9, {"bbox": [8, 0, 2, 2]}, "box", "its box [8, 0, 10, 2] lies outside of the 8×6 phot"),
        (9, {"bbox": [1e300, 0, 1e300, 2]}, "box", "is not of this picture"),
    ],
)
def test_a_bad_annotation_costs_its_image_or_its_segment(
    tiny: TinyInstances, place: int, change: dict[str, Any], reason: str, words: str
) -> None:
    tiny.data["annotations"][place].update(change)
    tiny.write()
    one, *others = open_all(tiny.source())
    assert (one.failed, one.reason) == (True, reason)
    # Of two annotations with one id the later one is the bad one.
    place = 3 if "id" in change else place
    assert one.detail.startswith(f"instances_val2017.json: annotations[{place}], image 1: ")
    assert words in one.detail
    assert [(o.record is not None) for o in others] == [True, True]
    record = record_of(open_first(tiny.source(on_bad="drop_segment")))
    assert len(record.segments) == 3
    assert (f"dropped_{reason}", None, 1) in scores_of(record)
    masks = [s.mask for s in record.segments if s.mask is not None]
    assert masks == list(range(len(masks)))


def test_coordinates_of_another_size_fail_and_rles_do_not_mind(tiny: TinyInstances) -> None:
    Image.new("RGB", (HEIGHT, WIDTH)).save(tiny.images / "0001.jpg")
    opened = open_first(tiny.source())
    assert (opened.failed, opened.reason) == (True, "size")
    assert opened.detail == (
        "0001.jpg is 6×8 upright, and the JSON's coordinates are of 8×6. Perhaps it was annotated "
        "before the photograph's EXIF orientation"
    )
    tiny.data["images"][1]["height"] = 60
    tiny.data["annotations"] = [
        a for a in tiny.data["annotations"] if isinstance(a.get("segmentation"), dict)
    ]
    tiny.write()
    record = record_of(open_all(tiny.source())[1])
    assert scores_of(record) == [("width_in_json", None, 8), ("height_in_json", None, 60)]
    for image in tiny.data["images"]:
        del image["width"]
    tiny.write()
    assert record_of(open_all(tiny.source())[1]).scores == ()


def test_photographs_that_are_missing_cut_off_or_no_pictures(tiny: TinyInstances) -> None:
    (tiny.images / "0001.jpg").unlink()
    data = (tiny.images / "0002.jpg").read_bytes()
    (tiny.images / "0002.jpg").write_bytes(data[:-20])
    (tiny.images / "0003.jpg").write_text("<html>404")
    opened = open_all(tiny.source())
    assert [(o.failed, o.reason) for o in opened] == [(True, "image")] * 3
    assert opened[0].detail == "there is no photograph '0001.jpg' in its folder"
    assert all(name in o.detail for name, o in zip(("0002", "0003"), opened[1:], strict=True))
    assert str(tiny.root) not in "".join(o.detail for o in opened)


def test_a_png_that_is_called_jpg_is_read_as_what_it_is(tiny: TinyInstances) -> None:
    Image.new("RGB", (WIDTH, HEIGHT)).save(tiny.images / "0001.jpg", format="PNG")
    assert record_of(open_first(tiny.source())).photo.width == WIDTH


@pytest.mark.parametrize("name", ["../0001.jpg", "/etc/passwd", "a/../../b.jpg", "c:/x"])
@pytest.mark.parametrize("key", ["file_name", "coco_url"])
def test_file_names_may_not_leave_their_folder(tiny: TinyInstances, key: str, name: str) -> None:
    image = tiny.data["images"][0]
    image["file_name"] = name if key == "file_name" else None
    image["coco_url"] = "../.." if key == "coco_url" else None
    tiny.write()
    opened = open_first(tiny.source())
    assert (opened.failed, opened.reason) == (True, "unsafe path")


def test_links_out_of_the_folder_may_be_refused(tiny: TinyInstances, tmp_path: Path) -> None:
    target = (tiny.images / "0001.jpg").rename(tmp_path / "elsewhere.jpg")
    (tiny.images / "0001.jpg").symlink_to(target)
    assert open_first(tiny.source()).record is not None
    assert open_first(tiny.source(links="refuse")).reason == "unsafe path"


# ---------------------------------------------------------------- a bad file


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: d.update(annotations=[]), "has no annotations: the array 'annotations' is"),
        (lambda d: d.pop("annotations"), "has no 'annotations'; is it a COCO instances file?"),
        (lambda d: d.pop("categories"), "has no 'categories'; is it a COCO instances file?"),
        (lambda d: d.update(images=[]), "has no images: the array 'images' is empty"),
        (lambda d: d.update(images={}), "'images' is no array"),
        (lambda d: d["images"].append(d["images"][0]), "images[0] and images[3] have the same id"),
        (
            lambda d: d["images"][2].update(file_name="0001.jpg"),
            "images[0] and images[2] have the same file_name '0001.jpg'",
        ),
        (lambda d: d["images"][1].pop("id"), "images[1] has the id None"),
        (lambda d: d["annotations"][1].pop("image_id"), "annotations[1] has the image_id None; a"),
        (lambda d: d["annotations"].append("x"), "annotations[12] is no object: '\"x\"' was found"),
        (lambda d: d["annotations"].append([]), "annotations[12] is no object"),
        (
            lambda d: d["annotations"][0].update(segments_info=[]),
            "this is a COCO panoptic file, which the source coco_panoptic reads",
        ),
        (
            lambda d: d.update(annotations=[{"image_id": 1, "id": 1, "caption": "A dog."}]),
            "annotations[0] is a caption of an image; give the instances file",
        ),
        (lambda d: d["categories"].append({"id": 18, "name": "cow"}), "id 18 is used by 'dog'"),
        (lambda d: d["licenses"].append({"id": "x"}), "licenses[2] has no whole-number 'id'"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    tiny: TinyInstances, spoil: Any, words: str
) -> None:
    spoil(tiny.data)
    tiny.write()
    with pytest.raises(InputError) as caught:
        list(tiny.source().entries())
    assert words in str(caught.value)
    assert str(tiny.json) in str(caught.value)


def test_check_says_which_input_is_wrong(tiny: TinyInstances, tmp_path: Path) -> None:
    for inputs, words in (
        ({"annotations": tiny.json}, "the input 'images' is missing: give the folder with the"),
        ({"images": tiny.images, "annotations": tmp_path / "no"}, "does not exist; give the ins"),
        ({"images": tiny.images, "annotations": tiny.images}, "is not a file; give the instances"),
        ({"images": tiny.json, "annotations": tiny.json}, "is not a folder; give the folder with"),
    ):
        source = CocoInstances(CocoInstancesParameters(), inputs, 0)
        for ask in (source.check, source.fingerprint):
            with pytest.raises(InputError) as caught:
                ask()
            assert words in str(caught.value)


# ---------------------------------------------------------------- sample and licences


def test_a_sample_is_the_smallest_hashes_whatever_the_order(tmp_path: Path) -> None:
    tiny = TinyInstances(tmp_path, n=30)
    source = tiny.source(sample={"n": 8, "seed": 3})
    hashes = {number: sha256(b'[3,"coco/val/%d"]' % number).hexdigest() for number in range(1, 31)}
    assert image_numbers(source) == sorted(sorted(hashes, key=hashes.__getitem__)[:8])
    assert source.left_out == {"sample": 22}
    tiny.data["images"].reverse()
    tiny.write()
    assert image_numbers(tiny.source(sample={"n": 8, "seed": 3})) == image_numbers(source)


def test_licences_and_the_number_of_segments_choose(tmp_path: Path) -> None:
    tiny = TinyInstances(tmp_path, n=10)
    # Images 1 to 5 lose their first annotation; a crowd does not count.
    tiny.data["annotations"] = tiny.data["annotations"][5:]
    tiny.data["annotations"][0]["image_id"] = 77
    tiny.write()
    source = tiny.source(licences=["by-nc"], sample={"n": 9, "segments": [2, 2]})
    assert image_numbers(source) == [1, 3, 5]
    assert source.left_out == {"licence": 5, "segments": 2, "not in 'images'": 1}
    with pytest.raises(InputError, match="is chosen: left out 10 by segments"):
        image_numbers(tiny.source(sample={"n": 1, "segments": [7, 9]}))


# ---------------------------------------------------------------- large files


def test_memory_holds_an_image_and_an_index_and_not_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_slices, "_CHUNK_BYTES", 1 << 14)
    tiny = TinyInstances(tmp_path, n=1)
    outline = [round(1 + 6 * math.sin(n), 4) for n in range(2000)]
    polygon = {"category_id": 18, "segmentation": [outline], "image_id": 1}
    tiny.data["images"] = [{"id": n, "file_name": f"{n}.jpg"} for n in range(100)]
    tiny.data["annotations"] = [
        {**polygon, "id": n + 1, "image_id": (n * 79) % 100} for n in range(300)
    ]
    tiny.write()
    size = tiny.json.stat().st_size
    del tiny.data, polygon, outline
    tracemalloc.start()
    seen = sum(len(entry["annotations"]) for entry in tiny.source().entries())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seen == 300
    assert size > 4_000_000
    assert most < 700_000


# ---------------------------------------------------------------- whatever the file holds

_VALUES = st.one_of(
    *VALUES,
    st.lists(st.lists(st.integers(-9, 19) | st.floats(), max_size=9), max_size=3),
    st.builds(
        lambda size, counts: {"size": size, "counts": counts},
        st.sampled_from([[6, 8], [8, 6], [6], "x", [1 << 40, 1 << 40]]),
        st.text("0123456789:PQo`abc", max_size=9) | st.lists(st.integers(-1, 50), max_size=5),
    ),
)


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> TinyInstances:
    return TinyInstances(tmp_path_factory.mktemp("victim"), n=2)


def check_opened(opened: Opened) -> None:
    check_told(opened)
    if opened.record is not None:
        line = orjson.dumps({"id": opened.record_id, "rles": list(opened.rles)})
        if opened.rles:
            assert opened.record.masks is not None
            assert opened.record.masks.sha256 == sha256(line).hexdigest()
        for segment in opened.record.segments:
            if segment.mask is not None:
                mask = mask_from_rle(opened.rles[segment.mask])
                assert int(mask.sum()) == segment.area_px


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), on_bad=st.sampled_from(["fail", "drop_segment"]))
def test_no_content_of_the_json_breaks_the_source(
    victim: TinyInstances, data: st.DataObject, on_bad: str
) -> None:
    spoilt = copy.deepcopy(victim.data)
    spoilt_images = set()
    whole_file = False
    for _ in range(data.draw(st.integers(1, 3))):
        before = copy.deepcopy(spoilt)
        way = spoil(spoilt, data, _VALUES)
        # An annotation's trouble is that of its image; everything else may be of all.
        if len(way) > 2 and way[0] == "annotations" and way[-1] != "image_id":
            spoilt_images.add(before["annotations"][way[1]]["image_id"])
        else:
            whole_file = True
        if whole_file:
            break
    path = victim.json.with_name("spoilt.json")
    path.write_text(json.dumps(spoilt), "utf-8")
    inputs = {"images": victim.images, "annotations": path}
    parameters = CocoInstancesParameters.model_validate({"on_bad": on_bad})
    source = CocoInstances(parameters, inputs, 0)
    good = set()
    with naming(path):
        for entry in source.entries():
            canonical_json(dict(entry))
            opened = source.open(entry)
            check_opened(opened)
            if opened.record is not None:
                good.add(opened.record.image_id)
        if not whole_file:
            assert {"1", "2"} - {str(id) for id in spoilt_images} <= good


@settings(max_examples=150)
@given(at=st.integers(0, 4000), byte=st.integers(0, 255), cut=st.booleans())
def test_no_bytes_of_the_json_break_the_source(
    victim: TinyInstances, at: int, byte: int, cut: bool
) -> None:
    path = victim.json.with_name("broken.json")
    path.write_bytes(with_byte(victim.json.read_bytes(), at, byte, cut))
    source = CocoInstances(
        CocoInstancesParameters(), {"images": victim.images, "annotations": path}, 0
    )
    with naming(path):
        opened = open_all(source)
        assert not cut
        assert opened
        for one in opened:
            check_opened(one)
