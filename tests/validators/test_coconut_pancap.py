"""Grounded captions that others wrote: every kind of finding, with a caption that shows it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annoengine.checks.pancap_checks import PancapContext, PancapTask, check_caption, died
from annoengine.checks.segment_index import PackedSegment, SegmentIndex
from annoengine.errors import InputError
from annoengine.validator import Finding, Place, Rules
from annoengine.validators.coconut_pancap import CoconutPancap
from tests.tiny_coco import id_map
from tests.tiny_coconut import STEMS, TinyCoconut, png
from tests.validators.broken import names
from tests.validators.pancap_files import (
    CATEGORIES,
    FARM,
    FROM_ZERO,
    RIGHT,
    Release,
    findings,
    name_of,
    write_pngs,
    write_segments,
    write_tar,
)

HORSES = "<1: The sky> is clear over <3,4: two horses>."


def codes(found: list[Finding]) -> list[tuple[str, int | None, bool]]:
    return [(finding.code, finding.segment, finding.fixable) for finding in found]


def test_right_captions_are_clean(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT, HORSES, "<5: A dog> is here. <5:It> runs.", "<2 :Grass>.")
    found = release.check()
    # What every reader allows is told and left alone.
    assert codes(found)[:1] == [("tag-spaces", 5, False)]
    assert found[0].severity == "note"
    assert (found[0].image_id, found[0].image_file) == (3, "caption_train2017/000000000003.txt")
    assert codes(found)[1:] == [("tag-ids-spaced", 2, True)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<4,5: Two horses>.", ("group-of-other-category", 4, False)),
        ("<3, 4: Two horses>.", ("tag-ids-spaced", 3, True)),
        ("< 3,4:Two horses>.", ("tag-ids-spaced", 3, True)),
        ("<3>A horse> on <2: grass>.", ("tag-without-colon", 3, True)),
        ("<3>A horse</3> on <2: grass>.", ("tag-without-colon", 3, True)),
        ("<3,4: Two horses> in the sun> on <2: grass>.", ("tag-closed-early", 3, True)),
        ("<2: The grass with <5: a dog> on it>.", ("tag-nested", 2, True)),
        ("<3,3: A horse>.", ("tag-id-repeated", 3, True)),
        ("<3-4: Two horses>.", ("tag-range", 3, True)),
        ("<id 3: A horse>.", ("tag-id-form", 3, True)),
        ("<<3: A horse>> runs.", ("tag-bracket-doubled", None, True)),
        ("[3: A horse] runs on <2: grass>.", ("tag-other-brackets", 3, True)),
        ("&lt;3: A horse&gt; runs.", ("tag-entities", 3, True)),
        ("＜3：A horse＞ runs.", ("tag-wide-characters", 3, True)),
        ("<3: A\nhorse> runs.", ("tag-line-break", 3, True)),
        ("<3: A <b>horse</b>> runs.", ("tag-markup", None, True)),
        ("<3,4:5dogs> and <1: the sky>.", ("tag-number-glued", 3, False)),
        ("<3:4horses> and <1: the sky>.", ("tag-number-glued", 3, True)),
        ("<3: A horse runs. The <1: sky> is blue.", ("tag-unclosed", 3, False)),
        ("<3:> A horse runs on <2: grass>.", ("tag-phrase-empty", 3, False)),
        ("A horse <3> runs on <2: grass>.", ("tag-id-bare", 3, False)),
        ("<a horse> runs on <2: grass>.", ("tag-without-id", None, False)),
        ("<99999999: A horse> runs on <2: grass>.", ("tag-id-huge", None, False)),
        ("<2: Grass>. The > is odd.", ("bracket-stray", None, False)),
        ("A horse runs.", ("caption-untagged", None, False)),
        ("<3: A horse> and <9: a dog>.", ("id-unknown", 9, False)),
        ("<1: The sky>. <2: Grass>. <3,4: Horses>. <5: A dog>. <0: Hills>.", ("id-void", 0, False)),
        ("<1: The sky>. <2: Grass>. <3: A horse>. <4: A dog>.", ("id-of-other-category", 4, False)),
        ("<3: Two horses> on <2: grass>.", ("count-differs", 3, False)),
        ("<1: A dog> by <0: the horse>.", ("ids-undetermined", None, False)),
        (FROM_ZERO, ("ids-count-from-0", None, True)),
        (RIGHT.replace("<5", "<6").replace("3,4", "4,5").replace("<2", "<3").replace("<1", "<2"),
         ("ids-count-from-2", None, True)),
        ("<1: A car>. <2: A clock>. <3: A boat>. <4: A pizza>.",
         ("caption-fits-another-image", None, False)),
        ("", ("caption-empty", None, False)),
        (" \n", ("caption-empty", None, False)),
        (b"<1: \xff>", ("caption-malformed", None, False)),
        (b"x" * ((1 << 22) + 1), ("caption-malformed", None, False)),
        ("<3:?>", ("tag-spaces", 3, False)),
        ("<5:I>", ("caption-short", None, False)),
        ("I am sorry, but I cannot see the image.", ("caption-refusal", None, False)),
        ("<3: A horse> in the bounding box of the queried object.", ("caption-leak", None, False)),
        ("<3: El caballo> está en la hierba con el perro.", ("caption-language", None, False)),
        ("<3: A horse> is mask number 3 and stands.", ("caption-speaks-of-marks", None, False)),
        ("<3: A horse> with **a saddle** and {mane}.", ("caption-markup", None, False)),
    ],
)  # fmt: skip
def test_every_kind_of_fault_of_a_caption(
    text: str | bytes, expected: tuple[str, int | None, bool], tmp_path: Path
) -> None:
    found = Release(tmp_path, text).check()
    assert expected in codes(found), [finding.line() for finding in found]
    about = {code.name: code for code in CoconutPancap.CODES}
    assert all(about[finding.code].severity == finding.severity for finding in found)


def test_the_words_of_findings(tmp_path: Path) -> None:
    other = "<1: A car>. <2: A clock>. <3: A boat>. <4: A pizza>."
    found = Release(tmp_path, FROM_ZERO, "<3: A horse> and <9: a dog>.", other).check()
    assert [finding.line() for finding in found] == [
        "image 1 (caption_train2017/000000000001.txt): the ids count from 0; 1 fit and 4 do not as "
        "they stand, 5 and 0 counted from 0",
        "image 2 (caption_train2017/000000000002.txt): 1 fit and 1 do not as they stand, 1 and 1 "
        "counted from 0",
        "image 2 (caption_train2017/000000000002.txt), segment 9: The phrase “a dog” is tagged "
        "with 9, which the image does not have.",
        "image 3 (caption_train2017/000000000003.txt): 4 of its ids do not fit its image, 0 do; "
        "counting from 0 or 2 helps no more",
    ]


def test_images_and_captions_that_lack_each_other(tmp_path: Path) -> None:
    tar = write_tar(
        tmp_path / "a.tar",
        {
            "coconut_pancap_50k/000000000001.txt": RIGHT,
            "other/000000000001.txt": RIGHT,
            "coconut_pancap_50k/000000000077.txt": HORSES,
            "coconut_pancap_50k/._000000000001.txt": "a Mac's own",
            "coconut_pancap_50k/readme.md": "no caption",
        },
    )
    json_path = write_segments(tmp_path / "s.json", {1: FARM, 2: FARM})
    found = findings(tar, panoptic=json_path)
    assert [(f.code, f.image_id, f.image_file) for f in found] == [
        ("caption-twice", 1, "other/000000000001.txt"),
        ("caption-without-image", 77, "coconut_pancap_50k/000000000077.txt"),
        ("image-without-caption", 2, "000000000002.png"),
    ]


def test_without_segments_the_form_is_checked(tmp_path: Path) -> None:
    tar = write_tar(tmp_path / "a.tar", {"c/1.txt": "<0: The sky> over <3>a horse>."})
    found = findings(tar)
    assert [(f.code, f.segment, f.fixable) for f in found] == [
        ("panoptic-missing", None, False),
        ("tag-without-colon", 3, True),
        ("id-void", 0, False),
    ]


def test_pngs_are_compared(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT, RIGHT, RIGHT)
    masks = write_pngs(tmp_path / "masks", {1: (1, 2, 3, 4, 5), 2: (1, 2, 3, 5, 9)})
    found = release.check(masks=masks)
    assert [(f.code, f.image_id, f.segment) for f in found] == [
        ("segment-without-pixels", 2, 4),
        ("pixels-without-segment", 2, 9),
        ("mask-missing", 3, None),
        ("id-without-pixels", 2, 4),
    ]
    (masks / f"{name_of(3)}.png").write_bytes(b"no picture")
    assert "mask-unreadable" in names(release.check(masks=masks))


@pytest.mark.parametrize("form", ["parquet", "rebuilt", "bare_list", "files"])
def test_coconuts_masks_in_each_of_their_forms(form: str, tmp_path: Path) -> None:
    """Parquet rows with their PNGs, a panoptic JSON, a bare list, and a file an image (as XL)."""
    tiny = TinyCoconut(tmp_path)
    grey = id_map()
    tiny.rows[0]["mask"]["bytes"] = png(np.select([grey == 7, grey == 300], [1, 2], 9), mode="L")
    getattr(tiny, form)()
    texts = {
        f"caption_train2017/{STEMS[0]}.txt": "<1: A man> stands below <2: the sky>.",
        f"caption_train2017/{STEMS[1]}.txt": "<1: A man> stands below <3: a crowd>.",
    }
    tar = write_tar(tmp_path / "captions.tar", texts)
    masks = None if form == "parquet" else tiny.panoptic
    found = findings(tar, masks=masks, panoptic=tiny.annotations)
    assert [(f.code, f.segment) for f in found] == [
        ("segment-without-pixels", 3),
        ("pixels-without-segment", 9),
    ]
    assert {f.image_file for f in found} == {f"{STEMS[0]}.png"}


def test_ids_of_cocos_own_masks(tmp_path: Path) -> None:
    """Ids of three bytes are ids like others; captions for other masks are told once."""
    release = Release(tmp_path, *[RIGHT] * 6)
    data = json.loads(release.json.read_text())
    for annotation in data["annotations"]:
        for info in annotation["segments_info"]:
            info["id"] = 3937500 + info["id"]
    release.json.write_text(json.dumps(data))
    found = release.check()
    assert names(found) >= {"ids-of-other-masks", "id-unknown"}
    right = RIGHT
    for id in (1, 2, 5):
        right = right.replace(f"<{id}:", f"<{3937500 + id}:")
    right = right.replace("<3,4:", "<3937503,3937504:")
    (tmp_path / "right").mkdir()
    for number in range(1, 7):
        (tmp_path / "right" / f"{name_of(number)}.txt").write_text(right)
    assert findings(tmp_path / "right", panoptic=release.json) == []


def test_segments_without_a_category_fit_all(tmp_path: Path) -> None:
    release = Release(tmp_path, "<1: A car>. <2: A clock>. <3: A boat>. <4: A pizza>.")
    data = json.loads(release.json.read_text())
    for info in data["annotations"][0]["segments_info"]:
        info["category_id"] = 0
    release.json.write_text(json.dumps(data))
    (finding,) = release.check()
    assert finding.code == "categories-unknown"
    assert finding.message == "the category ids of 5 segments are not in its table"


@pytest.mark.parametrize(
    ("breaking", "message"),
    [
        ({"segments_info": None}, "annotations[0] has no list 'segments_info'"),
        ({"image_id": None}, "annotations[0] has no image_id or no file_name"),
        ({"segments_info": [{"id": "1"}]}, "annotations[0]: segments_info[0] has no id of its own"),
    ],
)
def test_broken_entries_of_the_panoptic_file(
    breaking: dict[str, Any], message: str, tmp_path: Path
) -> None:
    release = Release(tmp_path, RIGHT)
    data = json.loads(release.json.read_text())
    data["annotations"][0].update(breaking)
    release.json.write_text(json.dumps(data))
    found = release.check()
    assert found[0].code == "panoptic-entry-malformed"
    assert found[0].message == message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT)
    release.json.write_text("[1, 2")
    assert names(release.check()) == {"panoptic-unreadable"}
    whole = release.tar.read_bytes()
    release.tar.write_bytes(whole[:600])
    assert names(release.check()) == {"panoptic-unreadable", "captions-unreadable"}
    release.tar.write_bytes(b"no tar")
    assert "captions-unreadable" in names(release.check())


def test_wrong_paths_are_sentences(tmp_path: Path) -> None:
    release = Release(tmp_path, RIGHT)
    with pytest.raises(InputError, match=r"--panoptic .*gone.json does not exist; name the pano"):
        CoconutPancap.dataset(release.tar, None, None, tmp_path / "gone.json")
    with pytest.raises(InputError, match=r"--masks .* goes with the panoptic JSON of those PNGs"):
        CoconutPancap.dataset(release.tar, tmp_path, None)


def test_memory_holds_segments_and_no_captions(tmp_path: Path) -> None:
    """The index packs ids of four bytes; categories are kept once."""
    path = write_segments(tmp_path / "s.json", dict.fromkeys(range(1, 50), FARM))
    index = SegmentIndex(path)
    index.read()
    assert index.categories == ["object", *dict.fromkeys(FARM)]
    assert [segment.id for segment in index.segments(48)] == [1, 2, 3, 4, 5]
    image = index.find(name_of(49))
    assert image is not None
    assert (image.place, image.id, image.png) == (48, 49, "000000000049.png")
    assert index.find("no such") is None
    assert CATEGORIES["dog"] == 18


def test_tasks_and_reports_go_to_other_processes() -> None:
    segments = (PackedSegment(1, 1, 0),)
    context = PancapContext("a.tar", Rules(), ("object", "horse"))
    task = PancapTask(context, Place("a.tar", 1, "1.txt"), b"<0>A horse> on grass>.", segments)
    report = check_caption(pickle.loads(pickle.dumps(task)))
    assert pickle.loads(pickle.dumps(report)) == report == check_caption(task)
    assert [finding.code for finding in died(task, "its process died").findings] == ["check-died"]
