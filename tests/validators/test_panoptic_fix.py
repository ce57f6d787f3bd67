"""Mending panoptic files: what is mended, what is left, and that nothing else changes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from annoengine.checks.mended_file import MendedFile
from annoengine.errors import InputError
from annoengine.fingerprint import sha256_of_file
from annoengine.mask import write_panoptic_png
from tests.tiny_coco import TinyCoco, id_map, segments_info
from tests.validators.broken import TEXTS, check, described, fix, infos, names


def pictures(tiny: TinyCoco) -> dict[str, str]:
    return {path.name: sha256_of_file(path) for path in sorted(tiny.masks.iterdir())}


def test_every_fixable_code_is_mended_at_once(tmp_path: Path) -> None:
    tiny = described(tmp_path, 4)
    right = json.loads(tiny.json.read_text())
    rows = infos(tiny)
    rows[0]["area"], rows[1]["area"], rows[2]["area"] = 13, "12", 0
    del rows[3]["area"]
    rows[4]["bbox"], rows[5]["bbox"] = [0, 2, 3, 9], ["0", 2, 3, 4]
    rows[6]["bbox"], rows[7]["bbox"] = [3, 2, -3, 4], [0, 0, 0, 0]
    del rows[8]["bbox"]
    del rows[9]["description"]
    rows[10]["isthing"] = 1
    tiny.data["annotations"].reverse()
    tiny.write()
    before = pictures(tiny)
    data, found = fix(tiny.json, tiny.json.with_name("mended.json"))
    assert names(found) == {
        "area-differs",
        "area-malformed",
        "area-missing",
        "box-differs",
        "box-malformed",
        "box-missing",
        "description-missing",
        "isthing-differs",
        "order-differs",
    }
    assert all(finding.fixable for finding in found)
    again = check(tiny.json.with_name("mended.json"), masks=tiny.masks)
    assert [finding.code for finding in again] == ["description-empty"]
    # What is left of the breaking is the empty text for the lost one, and the key isthing.
    right_rows = [info for a in right["annotations"] for info in a["segments_info"]]
    right_rows[9]["description"] = ""
    right_rows[10]["isthing"] = 0
    assert data == right
    assert pictures(tiny) == before


def test_findings_of_a_fix_are_those_of_a_check(tmp_path: Path) -> None:
    tiny = described(tmp_path, 3)
    rows = infos(tiny)
    rows[0]["area"] = 3
    rows[4]["description"] = ["x"]
    rows[5]["category_id"] = 9
    (tiny.masks / "0003.png").unlink()
    rows[8]["bbox"] = [0, 0, 0, 0]
    tiny.write()
    _, found = fix(tiny.json, tmp_path / "mended.json")
    assert found == check(tiny.json)
    # Without the PNG nobody knows the right box.
    (box,) = [finding for finding in found if finding.code == "box-empty"]
    assert not box.fixable


def test_a_box_of_coconut_is_added(tmp_path: Path) -> None:
    tiny = TinyCoco(tmp_path, 2)
    for info in infos(tiny):
        del info["bbox"]
    tiny.write()
    data, found = fix(tiny.json, tmp_path / "mended.json")
    assert [(f.code, f.segment, f.fixable) for f in found] == [("box-missing", None, True)]
    boxes = [info["bbox"] for info in data["annotations"][1]["segments_info"]]
    assert boxes == [info["bbox"] for info in segments_info()]


def test_segments_without_pixels_go_only_if_asked(tmp_path: Path) -> None:
    tiny = described(tmp_path, 2)
    ids = id_map()
    ids[ids == 300] = 0
    write_panoptic_png(tiny.masks / "0002.png", ids)
    kept, found = fix(tiny.json, tmp_path / "kept.json")
    assert [(f.code, f.fixable) for f in found] == [("segment-without-pixels", False)]
    assert kept == tiny.data
    dropped, found = fix(tiny.json, tmp_path / "dropped.json", drop=True)
    assert [(f.code, f.fixable) for f in found] == [("segment-without-pixels", True)]
    assert [len(a["segments_info"]) for a in dropped["annotations"]] == [3, 2]
    assert check(tmp_path / "dropped.json", masks=tiny.masks) == []


def test_many_annotations_are_put_in_order_and_keep_their_bytes(tmp_path: Path) -> None:
    tiny = described(tmp_path, 40)
    right = [dict(annotation) for annotation in tiny.data["annotations"]]
    random.Random(5).shuffle(tiny.data["annotations"])
    tiny.write()
    data, found = fix(tiny.json, tmp_path / "mended.json")
    assert names(found) == {"order-differs"}
    assert data["annotations"] == right


def test_annotations_of_no_image_come_last(tmp_path: Path) -> None:
    tiny = described(tmp_path, 3)
    first, second, third = tiny.data["annotations"]
    first["image_id"] = 77
    tiny.data["annotations"] = [third, first, second]
    tiny.write()
    data, found = fix(tiny.json, tmp_path / "mended.json")
    assert names(found) == {"order-differs", "image-missing", "annotation-missing"}
    assert [a["image_id"] for a in data["annotations"]] == [2, 3, 77]


def test_values_and_unknown_members_are_kept(tmp_path: Path) -> None:
    tiny = described(tmp_path)
    extra: dict[str, Any] = {
        "info": {"year": 2017, "description": "ünï 狗", "deep": [[{"a": [1, 2.5, None, True]}]]},
        "empty": {},
        "none": [],
        "version": "1.0",
        "big": (1 << 63) - 1,
        "small": 1e-300,
    }
    tiny.data = {**extra, **tiny.data}
    tiny.data["annotations"][0]["segments_info"][0]["score"] = 0.125
    tiny.data["annotations"][0]["extra"] = [1, {"b": "c"}]
    tiny.write()
    expected = json.loads(tiny.json.read_text())
    data, found = fix(tiny.json, tmp_path / "mended.json")
    assert found == []
    assert data == expected
    assert list(data) == list(expected)


@pytest.mark.parametrize(
    ("odd", "why"), [(1 << 70, "64-bit"), (float("inf"), "not JSON compliant"), ({1: 2}, "str")]
)
def test_what_cannot_be_written_again_is_said(odd: Any, why: str, tmp_path: Path) -> None:
    """Some of ijson's parsers let through what others call malformed."""
    tiny = described(tmp_path)
    with (
        pytest.raises(InputError, match=rf"annotations\[0\] cannot be written again: .*{why}"),
        MendedFile(tiny.json, tmp_path / "mended.json") as mended,
    ):
        mended.add({"odd": odd, "nothing": None})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annotations", "val2017"]


def test_a_broken_file_leaves_nothing(tmp_path: Path) -> None:
    tiny = described(tmp_path)
    tiny.json.write_text(tiny.json.read_text()[:-30])
    with pytest.raises(FileNotFoundError):
        fix(tiny.json, tmp_path / "mended.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["annotations", "val2017"]


def test_a_mended_file_is_written_in_one_step(tmp_path: Path) -> None:
    """Until it is finished nothing bears its name."""
    tiny = described(tmp_path, 2)
    target = tmp_path / "mended.json"
    with MendedFile(tiny.json, target) as mended:
        for annotation in reversed(tiny.data["annotations"]):
            mended.add(annotation, annotation["image_id"])
        assert not target.exists()
        mended.finish(ordered=True)
        assert json.loads(target.read_text()) == tiny.data
    assert sorted(path.name for path in tmp_path.glob("*mended*")) == ["mended.json"]
    assert TEXTS[7] in target.read_text()
