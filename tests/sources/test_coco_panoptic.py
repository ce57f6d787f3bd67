"""Records from COCO panoptic files: what is read, in which order, and what goes wrong how."""

from __future__ import annotations

import copy
import json
import pickle
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from annoengine.errors import InputError
from annoengine.fingerprint import canonical_json
from annoengine.mask import RecordFiles, write_panoptic_png
from annoengine.record import Category, Licence, MaskStore, Photo, Record, Segment
from annoengine.sources.coco_panoptic import CocoPanoptic, CocoPanopticParameters
from tests.sources.opening import (
    VALUES,
    check_told,
    image_numbers,
    naming,
    open_all,
    open_first,
    record_of,
    spoil,
    with_byte,
)
from tests.tiny_coco import HEIGHT, WIDTH, TinyCoco, id_map, segments_info


@pytest.fixture
def tiny(tmp_path: Path) -> TinyCoco:
    return TinyCoco(tmp_path, n=3)


def test_a_record_holds_what_json_and_png_say(tiny: TinyCoco) -> None:
    record = record_of(open_first(tiny.source()))
    assert record == Record(
        id="coco/val/1",
        photo=Photo(
            file="0001.jpg",
            width=WIDTH,
            height=HEIGHT,
            sha256=sha256((tiny.images / "0001.jpg").read_bytes()).hexdigest(),
            licence=Licence(
                id=2, name="Attribution-NonCommercial", url="http://example.org/by-nc/2.0/"
            ),
            coco_url="http://example.org/1",
            flickr_url="http://example.org/f/1",
            date_captured="2013-11-20 16:47:35",
        ),
        masks=MaskStore(
            kind="panoptic_png",
            file="0001.png",
            sha256=sha256((tiny.masks / "0001.png").read_bytes()).hexdigest(),
        ),
        segments=(
            Segment(
                id=7,
                category=Category(id=1, name="person"),
                isthing=True,
                box_xyxy=(0, 2, 3, 6),
                area_px=12,
                mask=7,
                source="coco",
            ),
            Segment(
                id=300,
                category=Category(id=187, name="sky-other-merged"),
                isthing=False,
                box_xyxy=(0, 0, 8, 2),
                area_px=16,
                mask=300,
                source="coco",
            ),
            Segment(
                id=70000,
                category=Category(id=1, name="person"),
                isthing=True,
                iscrowd=True,
                box_xyxy=(5, 2, 8, 6),
                area_px=12,
                mask=70000,
                source="coco",
            ),
        ),
    )
    assert Record.from_line(record.to_line()) == record


def test_records_come_in_the_order_of_annotations(tiny: TinyCoco) -> None:
    tiny.data["annotations"].reverse()
    tiny.write()
    assert [o.record_id for o in open_all(tiny.source())] == [
        "coco/val/3",
        "coco/val/2",
        "coco/val/1",
    ]


def test_files_lie_where_the_inputs_say(tiny: TinyCoco, tmp_path: Path) -> None:
    source = tiny.source()
    record = record_of(open_first(source))
    assert source.files(record) == RecordFiles(
        image=tiny.images / "0001.jpg", panoptic=tiny.masks / "0001.png"
    )
    elsewhere = tiny.masks.rename(tmp_path / "pngs")
    inputs = {"images": tiny.images, "annotations": tiny.json, "panoptic": elsewhere}
    source = CocoPanoptic(CocoPanopticParameters(), inputs, 0)
    source.check()
    assert source.files(record_of(open_first(source))).panoptic == elsewhere / "0001.png"


def test_source_and_entries_travel_to_other_processes(tiny: TinyCoco) -> None:
    source = tiny.source()
    entries = list(source.entries())
    again = pickle.loads(pickle.dumps(source))
    for entry in entries:
        copied = json.loads(canonical_json(dict(entry)))
        assert again.open(copied) == source.open(entry)


@pytest.mark.parametrize(
    ("name", "given_split", "split"),
    [
        ("panoptic_train2017", None, "train"),
        ("panoptic_val2017", None, "val"),
        ("panoptic", None, "all"),
        ("panoptic_train2017", "minitrain", "minitrain"),
    ],
)
def test_the_split_is_the_sources_own(
    tmp_path: Path, name: str, given_split: str | None, split: str
) -> None:
    source = TinyCoco(tmp_path, name=name).source(split=given_split, dataset="zoo")
    assert open_first(source).record_id == f"zoo/{split}/1"


def test_the_fingerprint_is_of_content_and_never_of_a_path(tmp_path: Path) -> None:
    one, other = TinyCoco(tmp_path / "a"), TinyCoco(tmp_path / "b")
    assert one.source().fingerprint() == other.source().fingerprint()
    other.data["annotations"][0]["segments_info"][0]["area"] = 13
    other.write()
    assert one.source().fingerprint() != other.source().fingerprint()
    assert str(tmp_path) not in json.dumps(dict(one.source().fingerprint()))


# ---------------------------------------------------------------- PNG against JSON


def test_pixels_are_the_truth_and_a_differing_json_is_noted(tiny: TinyCoco) -> None:
    info = tiny.data["annotations"][0]["segments_info"]
    info[0]["area"] = 99
    info[1]["bbox"] = [0, 0, 8, 4]
    info[2]["bbox"] = None
    del info[2]["area"]
    tiny.data["images"][0]["width"] = 9
    tiny.write()
    record = record_of(open_first(tiny.source()))
    assert [(s.area_px, s.box_xyxy) for s in record.segments] == [
        (12, (0, 2, 3, 6)),
        (16, (0, 0, 8, 2)),
        (12, (5, 2, 8, 6)),
    ]
    assert (record.photo.width, record.photo.height) == (8, 6)
    assert [(s.name, s.segment, s.value) for s in record.scores] == [
        ("width_in_json", None, 9),
        ("height_in_json", None, 6),
        ("area_in_json", 7, 99),
        ("box_in_json_iou", 300, 0.5),
    ]


def test_ids_in_one_of_png_and_json_alone_fail_with_both_lists(tiny: TinyCoco) -> None:
    info = tiny.data["annotations"][0]["segments_info"]
    info[0]["id"] = 8
    del info[1]
    tiny.write()
    opened = open_first(tiny.source())
    assert (opened.failed, opened.reason) == (True, "ids")
    assert opened.detail == (
        "panoptic_val2017.json and 0001.png do not name the same segments: "
        "in the JSON alone 8; in the PNG alone 7, 300"
    )
    dropped = open_first(tiny.source(on_mismatch="drop"))
    assert (dropped.failed, dropped.reason, dropped.detail) == (False, "ids", opened.detail)


def test_a_long_list_of_ids_is_cut_short(tiny: TinyCoco) -> None:
    ids = np.arange(1, HEIGHT * WIDTH + 1, dtype=np.uint32).reshape(HEIGHT, WIDTH)
    write_panoptic_png(tiny.masks / "0001.png", ids)
    detail = open_first(tiny.source()).detail
    assert detail.endswith("18, 19, 20, 21 and 27 more")  # 48 ids, 7 of them listed


def test_a_greyscale_png_holds_small_ids(tiny: TinyCoco) -> None:
    ids = id_map()
    ids[ids == 300] = 30
    ids[ids == 70000] = 70
    Image.fromarray(ids.astype(np.uint8)).save(tiny.masks / "0001.png")
    for entry, id in zip(tiny.data["annotations"][0]["segments_info"], (7, 30, 70), strict=True):
        entry["id"] = id
    tiny.write()
    assert [s.id for s in record_of(open_first(tiny.source())).segments] == [7, 30, 70]


def test_upright_sizes_are_compared(tiny: TinyCoco) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = Image.new("RGB", (WIDTH, HEIGHT), "red")
    photo.save(tiny.images / "0001.jpg", exif=exif)
    opened = open_first(tiny.source())
    assert (opened.failed, opened.reason) == (True, "size")
    assert opened.detail == (
        "0001.jpg is 6×8 upright, its panoptic mask 8×6; the JSON agrees with the mask. "
        "Perhaps the mask was drawn before the photograph's EXIF orientation"
    )
    write_panoptic_png(tiny.masks / "0001.png", np.rot90(id_map(), -1))
    record = record_of(open_first(tiny.source()))
    assert (record.photo.width, record.photo.height) == (6, 8)


def test_three_sizes_that_all_differ_are_all_named(tiny: TinyCoco) -> None:
    write_panoptic_png(tiny.masks / "0001.png", id_map()[:, :7])
    tiny.data["images"][0]["height"] = 60
    tiny.write()
    assert open_first(tiny.source()).detail == (
        "0001.jpg is 8×6 upright, its panoptic mask 7×6; the JSON says 8×60, which is neither"
    )


# ---------------------------------------------------------------- one bad image


def test_what_is_wrong_with_one_image_fails_it_alone(tiny: TinyCoco) -> None:
    (tiny.images / "0002.jpg").unlink()
    opened = open_all(tiny.source())
    assert [(o.failed, o.reason) for o in opened] == [(False, ""), (True, "image"), (False, "")]
    assert opened[1].detail == "there is no photograph '0002.jpg' in its folder"


@pytest.mark.parametrize(("file", "reason"), [("0001.jpg", "image"), ("0001.png", "mask")])
@pytest.mark.parametrize("keep", [0, 10, 0.5, -30, -8])
def test_a_truncated_file_is_noticed(tiny: TinyCoco, file: str, reason: str, keep: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((WIDTH, HEIGHT)).save(tiny.images / "0001.jpg")
    path = (tiny.images if reason == "image" else tiny.masks) / file
    data = path.read_bytes()
    path.write_bytes(data[: int(keep if keep != 0.5 else len(data) / 2)])
    opened = open_first(tiny.source())
    assert (opened.failed, opened.reason) == (True, reason)
    assert file in opened.detail
    assert str(tiny.root) not in opened.detail


def test_a_missing_mask_says_so(tiny: TinyCoco) -> None:
    (tiny.masks / "0001.png").unlink()
    opened = open_first(tiny.source())
    assert (opened.reason, opened.detail) == (
        "mask",
        "there is no panoptic mask '0001.png' in its folder",
    )


def test_a_palette_png_is_refused(tiny: TinyCoco) -> None:
    Image.new("P", (WIDTH, HEIGHT)).save(tiny.masks / "0001.png")
    opened = open_first(tiny.source())
    assert opened.reason == "mask"
    assert opened.detail == (
        "the panoptic mask 0001.png has a palette, and neither its colours (as ids: none) nor its "
        "indices (none) are the ids in the JSON (7, 300, 70000)"
    )


@pytest.mark.parametrize("name", ["../0001.jpg", "/etc/passwd", "a/../../b.jpg", "C:\\x", "c:/x"])
@pytest.mark.parametrize("array", ["images", "annotations"])
def test_file_names_may_not_leave_their_folder(tiny: TinyCoco, array: str, name: str) -> None:
    tiny.data[array][0]["file_name"] = name
    tiny.write()
    opened = open_first(tiny.source())
    assert (opened.failed, opened.reason) == (True, "unsafe path")
    assert repr(name) in opened.detail


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"category_id": 999}, "category", "segment 7: the category id 999 is not among the 2"),
        ({"category_id": "1"}, "category", "the category id '1' is not among"),
        ({"category_id": [[]]}, "category", "the category id a list is not among"),
        ({"id": 0}, "segments", "has the id 0; a PNG can hold whole numbers from 1 to 16777215"),
        ({"id": 1 << 24}, "segments", "has the id 16777216; a PNG"),
        ({"id": None}, "segments", "has the id None; a PNG"),
        ({"id": True}, "segments", "has the id True; a PNG"),
        ({"id": 300}, "segments", "the segment id 300 comes twice"),
        ({"iscrowd": "no"}, "segments", "segment 7: iscrowd is 'no'; 0 or 1 is needed"),
    ],
)
def test_a_bad_segment_fails_its_image(
    tiny: TinyCoco, change: dict[str, Any], reason: str, words: str
) -> None:
    tiny.data["annotations"][0]["segments_info"][0].update(change)
    tiny.write()
    opened = open_first(tiny.source())
    assert (opened.failed, opened.reason) == (True, reason)
    assert opened.detail.startswith("panoptic_val2017.json: annotations[0], image 1")
    assert words in opened.detail


def test_things_may_be_told_by_the_segment(tiny: TinyCoco) -> None:
    for category in tiny.data["categories"]:
        del category["isthing"]
    for info, isthing in zip(tiny.data["annotations"][0]["segments_info"], (1, 0, 1), strict=True):
        info["isthing"] = isthing
    tiny.write()
    first, second, _ = open_all(tiny.source())
    assert [s.isthing for s in record_of(first).segments] == [True, False, True]
    assert second.reason == "category"
    assert "says by 'isthing' whether it is a thing" in second.detail


def test_an_annotation_without_image_fails_and_an_image_without_annotation_is_dropped(
    tiny: TinyCoco,
) -> None:
    tiny.data["annotations"][1]["image_id"] = 77
    tiny.write()
    opened = open_all(tiny.source())
    assert [(o.record_id, o.failed, o.reason) for o in opened] == [
        ("coco/val/1", False, ""),
        ("coco/val/77", True, "image"),
        ("coco/val/3", False, ""),
        ("coco/val/2", False, "no annotation"),
    ]
    assert "annotations[1], image 77: there is no such image in 'images'" in opened[1].detail
    assert opened[3].record is None


def test_ids_may_be_texts(tiny: TinyCoco) -> None:
    tiny.data["images"][0]["id"] = tiny.data["annotations"][0]["image_id"] = "aachen_0/1"
    tiny.write()
    record = record_of(open_first(tiny.source()))
    assert record.id == "coco/val/aachen_0/1"
    assert (record.split, record.image_id) == ("val", "aachen_0/1")


def test_a_photograph_without_a_file_name_is_found_by_its_url(tiny: TinyCoco) -> None:
    image = tiny.data["images"][0]
    del image["file_name"]
    image["coco_url"] = "http://example.org/val2017/0001.jpg"
    tiny.write()
    assert record_of(open_first(tiny.source())).photo.file == "0001.jpg"
    image["coco_url"] = None
    tiny.write()
    opened = open_first(tiny.source())
    assert (opened.reason, opened.detail) == (
        "image",
        "the annotation file gives no file_name for the photograph",
    )


def test_a_licence_that_is_not_listed_keeps_its_id(tiny: TinyCoco) -> None:
    tiny.data["images"][0]["license"] = 9
    del tiny.data["images"][1]["license"]
    tiny.write()
    one, two, _ = (record_of(o) for o in open_all(tiny.source()))
    assert one.photo.licence == Licence(id=9)
    assert two.photo.licence is None


# ---------------------------------------------------------------- a bad file


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda d: d.update(annotations=[]), "has no annotations: the array 'annotations' is"),
        (lambda d: d.update(images=[]), "has no images: the array 'images' is empty"),
        (lambda d: d.pop("categories"), "has no 'categories'; is it a COCO panoptic file?"),
        (lambda d: d.update(images={}), "'images' in "),
        (lambda d: d["images"].append(d["images"][0]), "images[0] and images[3] have the same id"),
        (
            lambda d: d["images"][2].update(file_name="0001.jpg"),
            "images[0] and images[2] have the same file_name '0001.jpg'",
        ),
        (lambda d: d["images"].append(7), "images[3] is no object"),
        (lambda d: d["images"][1].pop("id"), "images[1] has the id None"),
        (
            lambda d: d["annotations"].append(d["annotations"][0]),
            "annotations[3] is a second one for image 1",
        ),
        (lambda d: d["annotations"][1].pop("image_id"), "annotations[1] has no 'image_id'"),
        (lambda d: d["annotations"].append("x"), "annotations[3] has no 'image_id'"),
        (
            lambda d: d.update(annotations=[{"image_id": 1, "category_id": 3, "bbox": [0] * 4}]),
            "this is a COCO instances file",
        ),
        (lambda d: d["categories"].append({"id": 1, "name": "dog"}), "id 1 is used by 'person'"),
        (lambda d: d["categories"].append({"id": 5}), "categories[2] has no whole-number id"),
        (lambda d: d["licenses"].append({"id": "x"}), "licenses[2] has no whole-number 'id'"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(tiny: TinyCoco, spoil: Any, words: str) -> None:
    spoil(tiny.data)
    tiny.write()
    with pytest.raises(InputError) as caught:
        list(tiny.source().entries())
    assert words in str(caught.value)
    assert str(tiny.json) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("images", "gone", "does not exist; give the folder with the photographs with --input im"),
        ("images", "file", "is not a folder; give the folder with the photographs"),
        ("annotations", "gone", "does not exist; give the panoptic JSON file with --input annota"),
        ("annotations", "folder", "is not a file; give the panoptic JSON file"),
        ("panoptic", "gone", "does not exist; give the folder with the mask PNGs (default: beside"),
    ],
)
def test_check_says_which_input_is_wrong(
    tiny: TinyCoco, tmp_path: Path, name: str, kind: str, words: str
) -> None:
    wrong = tmp_path / "wrong"
    if kind == "file":
        wrong.touch()
    elif kind == "folder":
        wrong.mkdir()
    inputs = {"images": tiny.images, "annotations": tiny.json, "panoptic": tiny.masks, name: wrong}
    for ask in ("check", "fingerprint"):
        with pytest.raises(InputError) as caught:
            getattr(CocoPanoptic(CocoPanopticParameters(), inputs, 0), ask)()
        assert str(wrong) in str(caught.value)
        assert words in str(caught.value)


def test_check_names_an_input_that_is_not_given(tiny: TinyCoco) -> None:
    source = CocoPanoptic(CocoPanopticParameters(), {"annotations": tiny.json}, 0)
    with pytest.raises(InputError) as caught:
        source.check()
    assert str(caught.value) == (
        "the input 'images' is missing: give the folder with the photographs with "
        "--input images=PATH"
    )


# ---------------------------------------------------------------- sample and licences


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> TinyCoco:
    tiny = TinyCoco(tmp_path_factory.mktemp("many"), n=40)
    for number, annotation in enumerate(tiny.data["annotations"]):
        # 0, 1, 2, 3, 4 segments that are no crowd, in turn; only their number is looked at.
        annotation["segments_info"] = [
            {**segments_info()[0], "id": at + 1} for at in range(number % 5)
        ] + [segments_info()[2]]
    tiny.write()
    return tiny


def test_a_sample_is_the_smallest_hashes_in_source_order(many: TinyCoco) -> None:
    chosen = image_numbers(many.source(sample={"n": 10, "seed": 3}))
    hashes = {number: sha256(b'[3,"coco/val/%d"]' % number).hexdigest() for number in range(1, 41)}
    assert chosen == sorted(sorted(hashes, key=hashes.__getitem__)[:10])


def test_samples_are_nested_and_follow_their_seed(many: TinyCoco) -> None:
    small = image_numbers(many.source(sample={"n": 10, "seed": 3}))
    large = image_numbers(many.source(sample={"n": 25, "seed": 3}))
    other = image_numbers(many.source(sample={"n": 10, "seed": 4}))
    assert set(small) < set(large)
    assert small != other
    assert image_numbers(many.source(seed=4, sample={"n": 10})) == other


def test_a_sample_does_not_depend_on_the_order_of_the_file(many: TinyCoco, tmp_path: Path) -> None:
    before = image_numbers(many.source(sample={"n": 12}))
    turned = TinyCoco(tmp_path, n=1)
    turned.data = {**copy.deepcopy(many.data), "annotations": many.data["annotations"][::-1]}
    turned.write()
    assert image_numbers(turned.source(sample={"n": 12})) == before[::-1]


def test_a_sample_is_taken_of_images_with_enough_segments(many: TinyCoco) -> None:
    source = many.source(sample={"n": 100, "segments": [2, 3]})
    assert [(number - 1) % 5 for number in image_numbers(source)] == [2, 3] * 8
    assert source.left_out == {"segments": 24}
    source = many.source(sample={"n": 7, "segments": [2, 3]})
    assert len(image_numbers(source)) == 7
    assert source.left_out == {"segments": 24, "sample": 9}


@pytest.mark.parametrize(
    ("licences", "odd", "even"),
    [
        ([2], True, False),
        (["NONCOMMERCIAL"], True, False),
        (["/by/"], False, True),
        ([4, "by-nc"], True, True),
    ],
)
def test_photographs_are_chosen_by_licence(
    many: TinyCoco, licences: list[int | str], odd: bool, even: bool
) -> None:
    source = many.source(licences=licences)
    assert image_numbers(source) == [n for n in range(1, 41) if (odd if n % 2 else even)]
    assert source.left_out == ({} if odd and even else {"licence": 20})


def test_licences_and_sample_go_together(many: TinyCoco) -> None:
    source = many.source(licences=[4], sample={"n": 5, "segments": [1, 4]})
    assert all(number % 2 == 0 and (number - 1) % 5 for number in image_numbers(source))
    assert source.left_out == {"licence": 20, "segments": 4, "sample": 11}


def test_a_licence_that_is_none_of_the_files_is_refused(many: TinyCoco) -> None:
    with pytest.raises(InputError) as caught:
        image_numbers(many.source(licences=[2, "gpl"]))
    assert str(caught.value) == (
        f"no licence in {many.json} is 'gpl'. There are: 2 Attribution-NonCommercial "
        "(http://example.org/by-nc/2.0/); 4 Attribution (http://example.org/by/2.0/)"
    )


def test_choosing_nothing_is_an_error_that_says_why(many: TinyCoco) -> None:
    with pytest.raises(InputError) as caught:
        image_numbers(many.source(licences=[2], sample={"n": 5, "segments": [9, 12]}))
    assert str(caught.value).endswith("is chosen: left out 20 by licence, 20 by segments")


@pytest.mark.parametrize("segments", [[3, 2], [-1, 2], [1]])
def test_a_range_of_segments_must_be_one(segments: list[int]) -> None:
    with pytest.raises(ValidationError):
        CocoPanopticParameters.model_validate({"sample": {"n": 1, "segments": segments}})


# ---------------------------------------------------------------- whatever the file holds


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> TinyCoco:
    return TinyCoco(tmp_path_factory.mktemp("victim"), n=2)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_content_of_the_json_breaks_the_source(victim: TinyCoco, data: st.DataObject) -> None:
    spoilt = copy.deepcopy(victim.data)
    for _ in range(data.draw(st.integers(1, 3))):
        spoil(spoilt, data, st.one_of(*VALUES))
    path = victim.json.with_name("spoilt.json")
    path.write_text(json.dumps(spoilt), "utf-8")
    inputs = {"images": victim.images, "annotations": path, "panoptic": victim.masks}
    source = CocoPanoptic(CocoPanopticParameters(), inputs, 0)
    ids = set()
    with naming(path):
        for entry in source.entries():
            canonical_json(dict(entry))
            opened = source.open(entry)
            check_told(opened)
            assert opened.record_id not in ids
            ids.add(opened.record_id)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, 2000), byte=st.integers(0, 255), cut=st.booleans())
def test_no_bytes_of_the_json_break_the_source(
    victim: TinyCoco, at: int, byte: int, cut: bool
) -> None:
    path = victim.json.with_name("broken.json")
    path.write_bytes(with_byte(victim.json.read_bytes(), at, byte, cut))
    inputs = {"images": victim.images, "annotations": path, "panoptic": victim.masks}
    source = CocoPanoptic(CocoPanopticParameters(), inputs, 0)
    with naming(path):
        opened = open_all(source)
        assert not cut
        assert opened


@settings(max_examples=150, deadline=None)
@given(
    file=st.sampled_from(["0001.jpg", "0001.png"]),
    at=st.integers(0, 2000),
    byte=st.integers(0, 255),
)
def test_no_bytes_of_an_image_break_the_source(
    victim: TinyCoco, tmp_path_factory: pytest.TempPathFactory, file: str, at: int, byte: int
) -> None:
    folder = victim.images if file.endswith("jpg") else victim.masks
    spoilt = tmp_path_factory.mktemp("spoilt")
    (spoilt / file).write_bytes(with_byte((folder / file).read_bytes(), at, byte))
    inputs = {"images": victim.images, "annotations": victim.json, "panoptic": victim.masks}
    inputs["images" if file.endswith("jpg") else "panoptic"] = spoilt
    source = CocoPanoptic(CocoPanopticParameters(), inputs, 0)
    opened = open_first(source)
    assert (opened.record is None) == bool(opened.reason)
    assert str(spoilt) not in opened.detail
