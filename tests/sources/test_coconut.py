"""Records from COCONut in every form it comes in, and its known faults as reasons."""

from __future__ import annotations

import importlib
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annoengine.errors import InputError, SettingError
from annoengine.mask import mask_from_rle
from annoengine.reading.rle_segments import rle_store
from annoengine.record import Category, Licence, Segment
from annoengine.source import Opened
from annoengine.sources.coconut import Coconut, CoconutParameters
from tests.sources.opening import open_all, record_of
from tests.tiny_coco import HEIGHT, WIDTH
from tests.tiny_coconut import STEMS, TinyCoconut, arrow, infos, parquet, png, small_ids

FORMS = ["parquet", "rebuilt", "bare_list", "files"]


@pytest.fixture
def tiny(tmp_path: Path) -> TinyCoconut:
    return TinyCoconut(tmp_path)


def write(tiny: TinyCoconut, form: str) -> Coconut:
    getattr(tiny, form)()
    source = tiny.source()
    source.check()
    return source


def told(opened: Opened) -> tuple[bool, str, str]:
    return opened.failed, opened.reason, opened.detail


# ---------------------------------------------------------------- the forms


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_segments(tiny: TinyCoconut, form: str) -> None:
    source = write(tiny, form)
    first, second = (record_of(opened) for opened in open_all(source))
    # The key of an RLE is its position, that of a PNG's mask its id.
    shift = 1 if form == "parquet" else 0
    assert first.segments == second.segments
    assert first.segments == (
        Segment(
            id=1,
            category=Category(id=1, name="person"),
            isthing=True,
            box_xyxy=(0, 2, 3, 6),
            area_px=12,
            mask=1 - shift,
            source="coconut",
        ),
        Segment(
            id=2,
            category=Category(id=187, name="sky-other-merged"),
            isthing=False,
            box_xyxy=(0, 0, 8, 2),
            area_px=16,
            mask=2 - shift,
            source="coconut",
        ),
        Segment(
            id=3,
            category=Category(id=1, name="person"),
            isthing=True,
            iscrowd=True,
            box_xyxy=(5, 2, 8, 6),
            area_px=12,
            mask=3 - shift,
            source="coconut",
        ),
    )
    assert first.scores == second.scores == ()
    assert (first.photo.file, second.photo.file) == (
        "000000000009.jpg",
        "patch16/objects365_v2_00908726.jpg",
    )
    assert first.id == f"coconut/{'all' if form == 'files' else 'train'}/9"
    image_id = STEMS[1] if form == "files" else "908726"
    assert second.image_id == image_id
    assert [source.files(record).image for record in (first, second)] == tiny.photos


@pytest.mark.parametrize("form", FORMS[1:])
def test_the_pngs_stay_the_store(tiny: TinyCoconut, form: str) -> None:
    source = write(tiny, form)
    opened = open_all(source)[0]
    record = record_of(opened)
    assert record.masks is not None
    assert (record.masks.kind, record.masks.file) == ("panoptic_png", f"{STEMS[0]}.png")
    assert opened.rles == ()
    assert tiny.panoptic is not None
    files = source.files(record)
    assert files.panoptic == tiny.panoptic / f"{STEMS[0]}.png"
    assert (files.ids() == small_ids()).all()


def test_masks_of_rows_become_rles_that_the_record_names(tiny: TinyCoconut) -> None:
    source = write(tiny, "parquet")
    opened = open_all(source)[0]
    record = record_of(opened)
    assert record.masks == rle_store(record.id, opened.rles)
    for segment in record.segments:
        assert segment.mask is not None
        mask = mask_from_rle(opened.rles[segment.mask])
        assert (mask == (small_ids() == segment.id)).all()
    assert source.files(record).panoptic is None


def test_source_travels_to_other_processes(tiny: TinyCoconut) -> None:
    source = write(tiny, "parquet")
    again = pickle.loads(pickle.dumps(source))
    entries = list(source.entries())
    assert [again.open(e) for e in entries] == [source.open(e) for e in entries]


def test_rows_of_many_files_and_groups_come_in_order(tiny: TinyCoconut) -> None:
    row = tiny.rows[0]
    tiny.rows = []
    for number in range(1, 8):
        image_id = 100 + number
        stem = f"{image_id:012d}"
        Image.new("RGB", (WIDTH, HEIGHT)).save(tiny.images / f"{stem}.jpg")
        ids = np.full((HEIGHT, WIDTH), number, dtype=np.uint32)
        tiny.rows.append(
            {
                "mask": {"bytes": png(ids), "path": None},
                "segments_info": {
                    "file_name": f"{stem}.png",
                    "image_id": image_id,
                    "segments_info": [{**infos()[0], "id": number, "area": None}],
                },
                "image_info": {**row["image_info"], "id": image_id, "file_name": f"{stem}.jpg"},
            }
        )
    every, folder = tiny.rows, "coconut_s/data"
    tiny.rows = every[:4]
    tiny.parquet(f"{folder}/train-00000-of-00002.parquet", group=3)
    tiny.rows = every[4:]
    tiny.parquet(f"{folder}/train-00001-of-00002.parquet", group=2)
    for given in (tiny.root / "coconut_s", tiny.root / folder):
        tiny.annotations = given
        source = tiny.source()
        records = [record_of(opened) for opened in open_all(source)]
        assert [int(record.image_id) for record in records] == list(range(101, 108))
        assert [record.segments[0].id for record in records] == list(range(1, 8))
        assert source.split == "train"
        sampled = tiny.source(sample={"n": 3, "seed": 5})
        chosen = [record_of(opened) for opened in open_all(sampled)]
        assert len(chosen) == 3
        assert [r.to_line() for r in records if r.id in {c.id for c in chosen}] == [
            c.to_line() for c in chosen
        ]
        assert sampled.left_out == {"sample": 4}
    (tiny.root / folder / "train-00000-of-00002.parquet").unlink()
    with pytest.raises(InputError) as caught:
        tiny.source().check()
    assert str(caught.value) == (
        f"{tiny.root / folder} lacks 1 of 2 files, the first train-00000-of-00002.parquet; "
        "get them too, or give one file"
    )


def test_one_channel_holds_the_ids_of_coconut_xl(tiny: TinyCoconut) -> None:
    for row in tiny.rows:
        row["mask"]["bytes"] = png(small_ids(), "L")
    for form in FORMS:
        assert [len(record_of(o).segments) for o in open_all(write(tiny, form))] == [3, 3]


def test_a_single_file_of_segments_is_one_image(tiny: TinyCoconut) -> None:
    tiny.files()
    assert tiny.panoptic is not None
    inputs = {
        "images": tiny.images,
        "annotations": tiny.annotations / f"{STEMS[1]}.json",
        "panoptic": tiny.panoptic,
    }
    (opened,) = open_all(Coconut(CoconutParameters(), inputs, 0))
    assert len(record_of(opened).segments) == 3


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("coconut_s.parquet", "train"),
        ("coconut_b.parquet", "train"),
        ("coconut_large.parquet", "train"),
        ("coconut_val.parquet", "val"),
        ("relabeled_coco_val/data/train-00000-of-00001.parquet", "val"),
        ("coconut_s/data/train-00000-of-00001.parquet", "train"),
        ("mine.parquet", "all"),
    ],
)
def test_the_split_is_told_by_the_name(tiny: TinyCoconut, name: str, split: str) -> None:
    tiny.parquet(name)
    assert tiny.source().split == split
    assert tiny.source(split="mini").split == "mini"


def test_categories_of_the_file_come_before_cocos(tiny: TinyCoconut) -> None:
    zoo = [{"id": 1, "name": "zebra", "isthing": 1}, {"id": 187, "name": "savanna", "isthing": 0}]
    tiny.rebuilt(categories=zoo)
    record = record_of(open_all(tiny.source())[0])
    assert [s.category.name for s in record.segments] == ["zebra", "savanna", "zebra"]


# ---------------------------------------------------------------- licences


def test_licence_and_links_are_kept(tiny: TinyCoconut) -> None:
    first, second = (record_of(o).photo for o in open_all(write(tiny, "parquet")))
    assert first.licence == Licence(
        id=3,
        name="Attribution-NonCommercial-NoDerivs License",
        url="http://creativecommons.org/licenses/by-nc-nd/2.0/",
    )
    assert first.coco_url == f"http://images.cocodataset.org/train2017/{STEMS[0]}.jpg"
    assert first.date_captured == "2013-11-14 16:03:19"
    # The ids are COCO's, and the second photograph is none of COCO's.
    assert second.licence == Licence(id=3)
    first = record_of(open_all(write(tiny, "rebuilt"))[0]).photo
    assert first.licence == Licence(id=3, name="NoDerivs", url="http://example.org/nd")


def test_photographs_are_chosen_by_licence(tiny: TinyCoconut) -> None:
    tiny.rows[0]["image_info"]["license"] = 4
    tiny.parquet()
    source = tiny.source(licences=["/by/"])
    assert [o.record_id for o in open_all(source)] == ["coconut/train/9"]
    assert source.left_out == {"licence": 1}


def test_a_licence_that_stands_for_none_is_not_chosen_by(tiny: TinyCoconut) -> None:
    row = tiny.rows[0]
    tiny.rows = [
        {
            **row,
            "segments_info": {**row["segments_info"], "image_id": number},
            "image_info": {**row["image_info"], "id": number},
        }
        for number in range(1, 101)
    ]
    tiny.parquet()
    with pytest.raises(InputError) as caught:
        list(tiny.source(licences=[3]).entries())
    assert str(caught.value) == (
        f"{tiny.annotations} gives all of its 100 images the licence 3 and the date 2013-11-14 "
        "16:03:19, which stand for none; choose by licence in COCO's own files instead"
    )


# ---------------------------------------------------------------- known faults

_IDS = (("segments_info", "image_id"), ("image_info", "id"))


@pytest.mark.parametrize("form", FORMS)
def test_a_segment_that_the_annotation_lacks(tiny: TinyCoconut, form: str) -> None:
    del tiny.segments[1]
    opened, good = open_all(write(tiny, form))
    assert (opened.failed, opened.reason) == (True, "ids")
    assert opened.detail.endswith(
        "do not name the same segments: in the JSON alone none; in the PNG alone 2"
    )
    assert "image 9" in opened.detail
    assert good.record is not None
    dropped = tiny.source(on_mismatch="drop")
    assert told(open_all(dropped)[0]) == (False, "ids", opened.detail)


@pytest.mark.parametrize("form", FORMS)
def test_a_segment_that_the_mask_lacks(tiny: TinyCoconut, form: str) -> None:
    tiny.segments.append({**infos()[0], "id": 4})
    opened, _ = open_all(write(tiny, form))
    assert (opened.failed, opened.reason) == (True, "ids")
    assert opened.detail.endswith("in the JSON alone 4; in the PNG alone none")


def test_crowds_that_were_merged_into_one_mask(tiny: TinyCoconut) -> None:
    """Two crowds in the JSON, one id in the PNG; and two that share an id."""
    tiny.segments.append({**infos()[2], "id": 4})
    opened = open_all(write(tiny, "parquet"))[0]
    assert opened.detail.endswith("in the JSON alone 4; in the PNG alone none")
    tiny.segments[3]["id"] = 3
    opened = open_all(write(tiny, "parquet"))[0]
    assert told(opened) == (
        True,
        "segments",
        "coconut_s.parquet: row 0, image 9: the segment id 3 comes twice",
    )


@pytest.mark.parametrize("form", FORMS)
def test_ids_that_count_from_zero_are_recognised(tiny: TinyCoconut, form: str) -> None:
    for segment in tiny.segments:
        segment["id"] -= 1
    opened, good = open_all(write(tiny, form))
    assert (opened.failed, opened.reason) == (True, "ids")
    assert "counts the segments from 0 (0, 1, 2), " in opened.detail
    assert opened.detail.endswith(
        "from 1 (1, 2, 3); if they are otherwise the same, set 'id_base: 0'"
    )
    assert good.record is not None
    mended = record_of(open_all(tiny.source(id_base=0))[0])
    assert [s.id for s in mended.segments] == [1, 2, 3]
    assert [s.area_px for s in mended.segments] == [12, 16, 12]


def test_a_single_id_zero_is_void(tiny: TinyCoconut) -> None:
    tiny.segments[0]["id"] = 0
    opened = open_all(write(tiny, "rebuilt"))[0]
    assert told(opened) == (
        True,
        "ids",
        "coconut_s.json: annotations[0], image 9 has a segment 0, which is void in "
        "000000000009.png, and they do not name the same segments: in the JSON 0, 2, 3; "
        "in the PNG 1, 2, 3",
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_void_mask_says_so(tiny: TinyCoconut, form: str) -> None:
    tiny.rows[0]["mask"]["bytes"] = png(small_ids() * 0, "L")
    opened = open_all(write(tiny, form))[0]
    assert opened.reason == "ids"
    assert opened.detail.endswith("in the PNG alone none. The PNG is void all over")


@pytest.mark.parametrize("form", FORMS)
def test_a_class_that_is_none_of_cocos(tiny: TinyCoconut, form: str) -> None:
    tiny.segments[0]["category_id"] = 0
    opened = open_all(write(tiny, form))[0]
    assert (opened.failed, opened.reason) == (True, "category")
    assert opened.detail.endswith(
        "segment 1: the category id 0 is not among the 133 panoptic categories of COCO"
    )


@pytest.mark.parametrize(
    ("form", "spoil", "words"),
    [
        (
            "parquet",
            lambda t: t.rows[0]["segments_info"].update(file_name=f"{STEMS[1]}.png"),
            "coconut_s.parquet: row 0, image 9: its mask is 'objects365_v2_00908726.png', its "
            "photograph '000000000009.jpg'; one of the two is of another image",
        ),
        (
            "parquet",
            lambda t: t.rows[0]["segments_info"].update(image_id=25),
            "coconut_s.parquet: row 0, image 25: its image record has the id 9",
        ),
        (
            "rebuilt",
            lambda t: [t.rows[0][c].update(**{k: 25}) for c, k in _IDS],
            "coconut_s.json: annotations[0], image 25: its photograph is '000000000009.jpg', "
            "which is COCO's image 9",
        ),
    ],
)
def test_a_mask_of_another_image(
    tiny: TinyCoconut, form: str, spoil: Callable[[TinyCoconut], Any], words: str
) -> None:
    spoil(tiny)
    assert told(open_all(write(tiny, form))[0]) == (True, "image", words)


def test_a_list_s_record_of_another_image(tiny: TinyCoconut) -> None:
    tiny.rows[0]["segments_info"]["image_id"] = 25
    assert told(open_all(write(tiny, "bare_list"))[0]) == (
        True,
        "annotation",
        "coconut_b.json: [0], image 25: its mask is '000000000009.png', which is of COCO's image 9",
    )


def test_a_mask_that_was_packed_as_a_link(tiny: TinyCoconut) -> None:
    source = write(tiny, "files")
    assert tiny.panoptic is not None
    mask = tiny.panoptic / f"{STEMS[0]}.png"
    mask.unlink()
    mask.symlink_to(f"../zipfile_copy/{STEMS[0]}.png")
    assert told(open_all(source)[0]) == (
        True,
        "mask",
        "the panoptic mask '000000000009.png' is a link to '../zipfile_copy/000000000009.png', "
        "which is not there",
    )


def test_an_image_without_annotation_and_the_reverse(tiny: TinyCoconut) -> None:
    tiny.rows[0]["segments_info"]["image_id"] = 7
    assert [told(o) for o in open_all(write(tiny, "rebuilt"))][::2] == [
        (
            True,
            "annotation",
            "coconut_s.json: annotations[0], image 7: there is no such image in 'images'",
        ),
        (False, "no annotation", "coconut_s.json has no annotation for image 9"),
    ]


@pytest.mark.parametrize("form", FORMS[:3])
def test_a_second_annotation_of_an_image_ends_the_run(tiny: TinyCoconut, form: str) -> None:
    tiny.rows[1]["segments_info"]["image_id"] = 9
    with pytest.raises(InputError, match="is a second one for image 9; remove one of them"):
        open_all(write(tiny, form))


def test_a_file_of_segments_that_is_no_json_is_one_images_trouble(tiny: TinyCoconut) -> None:
    source = write(tiny, "files")
    file = tiny.annotations / f"{STEMS[0]}.json"
    for content, words in (
        (b'[{"id": 1, "id": 2}]', "image 9, segments_info[0]: it has the key 'id' twice; keep one"),
        (b'[{"id": NaN}]', "NaN is no number in JSON; write null"),
        (b'[{"id": 1', "000000000009.json: not valid JSON: "),
        (b"<html>", "000000000009.json is an HTML or XML page, no JSON"),
        (b"[" * 100_000, "000000000009.json nests lists or objects more than 100 levels deep"),
        (b"7", "it has no list 'segments_info'"),
        (b'{"file_name": "other.png"}', "it names the mask 'other.png', which is of another image"),
    ):
        file.write_bytes(content)
        bad, good = open_all(source)
        assert bad.failed
        assert words in bad.detail
        assert str(tiny.root) not in bad.detail
        assert good.record is not None


# ---------------------------------------------------------------- finding photographs


def test_photographs_lie_in_several_folders(tiny: TinyCoconut) -> None:
    write(tiny, "parquet")
    other = tiny.root / "unlabeled2017"
    other.mkdir()
    tiny.photos[0].rename(other / tiny.photos[0].name)
    inputs = {"images": tiny.images, "images_2": other, "annotations": tiny.annotations}
    source = Coconut(CoconutParameters(), inputs, 0)
    source.check()
    records = [record_of(opened) for opened in open_all(source)]
    assert [source.files(r).image for r in records] == [other / tiny.photos[0].name, tiny.photos[1]]


@pytest.mark.parametrize("form", FORMS)
def test_a_photograph_in_two_places_is_ambiguous(tiny: TinyCoconut, form: str) -> None:
    copy = tiny.images / "patch23" / tiny.photos[1].name
    copy.parent.mkdir()
    copy.write_bytes(tiny.photos[1].read_bytes())
    good, opened = open_all(write(tiny, form))
    assert good.record is not None
    name = f"{STEMS[1]}.jpg" if form in ("parquet", "rebuilt") else f"{STEMS[1]}.*"
    assert told(opened) == (
        True,
        "image",
        f"the photograph {name!r} lies in 2 places: images/patch16/{STEMS[1]}.jpg and "
        f"images/patch23/{STEMS[1]}.jpg; leave one",
    )


def test_a_folder_in_the_name_is_kept_to(tiny: TinyCoconut) -> None:
    info = tiny.rows[1]["image_info"]
    info["file_name"] = f"images/v2/patch16/{STEMS[1]}.jpg"
    assert record_of(open_all(write(tiny, "parquet"))[1]).photo.file.startswith("patch16/")
    info["file_name"] = f"patch23/{STEMS[1]}.jpg"
    assert told(open_all(write(tiny, "parquet"))[1]) == (
        True,
        "image",
        f"there is no photograph 'patch23/{STEMS[1]}.jpg' in images or below; "
        f"images/patch16/{STEMS[1]}.jpg has another folder",
    )


def test_links_to_folders_are_followed_once(tiny: TinyCoconut) -> None:
    elsewhere = tiny.root / "elsewhere"
    (tiny.images / "patch16").rename(elsewhere)
    (tiny.images / "linked").symlink_to(elsewhere)
    (elsewhere / "up").symlink_to(tiny.images)
    first, second = open_all(write(tiny, "rebuilt"))
    assert record_of(first).photo.file == f"{STEMS[0]}.jpg"
    assert record_of(second).photo.file == f"linked/{STEMS[1]}.jpg"
    refused = open_all(tiny.source(links="refuse"))
    assert refused[0].record is not None
    assert told(refused[1]) == (
        True,
        "unsafe path",
        f"the photograph 'linked/{STEMS[1]}.jpg' is a link that leads out of its folder; put the "
        "file itself there, or let links be followed with 'links: follow'",
    )


@pytest.mark.parametrize("name", ["../x.jpg", "/etc/passwd", "a\\..\\b.jpg", "x\0.jpg", ""])
@pytest.mark.parametrize("form", ["parquet", "rebuilt"])
def test_no_name_leads_out(tiny: TinyCoconut, form: str, name: str) -> None:
    tiny.rows[0]["image_info"]["file_name"] = name
    opened, good = open_all(write(tiny, form))
    assert opened.failed
    assert opened.reason in ("unsafe path", "image")
    assert good.record is not None


# ---------------------------------------------------------------- bad files


def message_of(source: Coconut) -> str:
    with pytest.raises(InputError) as caught:
        list(source.entries())
    return str(caught.value)


def test_parquet_of_another_kind_is_named(tiny: TinyCoconut) -> None:
    tiny.annotations = tiny.root / "x.parquet"
    parquet.write_table(arrow.table({"image": [1], "label": [2]}), tiny.annotations)
    assert message_of(tiny.source()) == (
        f"{tiny.annotations} has no column 'mask'; COCONut's files have mask, segments_info, "
        "image_info, this one image, label"
    )
    columns = {"mask": [b""], "segments_info": ["[]"], "image_info": ["{}"]}
    parquet.write_table(arrow.table(columns), tiny.annotations)
    assert message_of(tiny.source()) == (
        f"{tiny.annotations}: the column 'segments_info' is string; a struct with "
        "'segments_info' is needed"
    )
    tiny.annotations.write_bytes(b"PAR1 and no more")
    assert message_of(tiny.source()).startswith(f"{tiny.annotations} cannot be read as parquet: ")


def test_a_row_without_its_parts_is_trouble_or_refused(tiny: TinyCoconut) -> None:
    tiny.rows[0]["mask"] = {"bytes": None, "path": "/home/me/9.png"}
    assert told(open_all(write(tiny, "parquet"))[0])[2] == (
        "coconut_s.parquet: row 0, image 9: it has no bytes of its mask, only its path "
        "'/home/me/9.png'; load and save the dataset with its images"
    )
    tiny.rows[0]["image_info"] = None
    assert told(open_all(write(tiny, "parquet"))[0])[2].startswith("coconut_s.parquet: row 0, ima")
    tiny.rows[0]["segments_info"] = None
    assert message_of(write(tiny, "parquet")).endswith("row 0 has no 'image_id'")


def test_a_mask_column_of_plain_bytes_is_read(tiny: TinyCoconut) -> None:
    for row in tiny.rows:
        row["mask"] = row["mask"]["bytes"]
    assert [o.reason for o in open_all(write(tiny, "parquet"))] == ["", ""]


def test_pyarrow_is_asked_for_by_its_extra(
    tiny: TinyCoconut, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tiny, "parquet")
    assert [need.what for need in source.requirements()] == ["the extra 'parquet'"]
    assert not write(tiny, "rebuilt").requirements()
    found = importlib.import_module

    def without(name: str) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name)

    monkeypatch.setattr(importlib, "import_module", without)
    with pytest.raises(SettingError) as caught:
        list(source.entries())
    assert str(caught.value) == (
        "COCONut's parquet files are read with pyarrow, which is not installed: "
        "pip install 'annoengine[parquet]'"
    )


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("images", "gone", "does not exist; give the folder with the photographs, in sub-folders"),
        ("images_2", "file", "is not a folder; give a second such folder, as COCO's unlabeled2017"),
        ("annotations", "gone", "does not exist; give the parquet file, the JSON file, or a fo"),
        ("panoptic", "gone", "does not exist; give the folder with the mask PNGs; not with parq"),
    ],
)
def test_check_says_which_input_is_wrong(
    tiny: TinyCoconut, name: str, kind: str, words: str
) -> None:
    tiny.rebuilt()
    wrong = tiny.root / "wrong"
    if kind == "file":
        wrong.touch()
    inputs = {"images": tiny.images, "annotations": tiny.annotations, name: wrong}
    for ask in ("check", "fingerprint"):
        with pytest.raises(InputError) as caught:
            getattr(Coconut(CoconutParameters(), inputs, 0), ask)()
        assert str(caught.value).startswith(f"{wrong} {words}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[]", "is an empty list"),
        ("7", "holds a single value"),
        ('{"annotations": []}', "the array 'images' is missing; is it a panoptic file?"),
        ('{"images": [{"id": 1}], "annotations": []}', "the array 'annotations' is empty"),
        ("[7]", "[0] is no object"),
        ('[{"segments_info": []}]', "[0] has no 'image_id'"),
    ],
)
def test_json_of_no_known_form_is_refused(tiny: TinyCoconut, text: str, words: str) -> None:
    tiny.annotations = tiny.root / "a.json"
    tiny.annotations.write_text(text)
    message = message_of(tiny.source())
    assert message.startswith(str(tiny.annotations))
    assert words in message


def test_a_folder_of_nothing_and_one_of_both(tiny: TinyCoconut) -> None:
    tiny.annotations = tiny.root / "empty"
    tiny.annotations.mkdir()
    assert message_of(tiny.source()).endswith("empty has no JSON and no parquet file in it")
    tiny.parquet("both/a.parquet")
    tiny.annotations = tiny.annotations.parent
    (tiny.annotations / "b.json").write_text("[]")
    assert message_of(tiny.source()).endswith("has parquet files and JSON files; give one of them")


def test_the_fingerprint_is_of_content_and_never_of_a_path(tmp_path: Path) -> None:
    for form in FORMS:
        one, other = TinyCoconut(tmp_path / form / "a"), TinyCoconut(tmp_path / form / "b")
        assert write(one, form).fingerprint() == write(other, form).fingerprint()
        other.segments[0]["area"] = 13
        assert write(one, form).fingerprint() != write(other, form).fingerprint()
        assert str(tmp_path) not in json.dumps(dict(one.source().fingerprint()))
