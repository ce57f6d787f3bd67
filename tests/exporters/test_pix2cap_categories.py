"""The categories of a Pix2Cap-COCO export, and what does not fit the format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from annoengine.errors import InputError
from annoengine.exporters.pix2cap import Pix2cap, Pix2capParameters, padding_phrase
from annoengine.fingerprint import sha256_hex
from annoengine.record import Caption, Category, Segment
from annoengine.registry import find
from tests.exporters.pix2cap_files import ORIGIN, boxed, contents, export, load, rectangle
from tests.exporters.runs import Run


def test_free_tags_follow_the_133_with_ids_of_their_own(tmp_path: Path) -> None:
    record, run = boxed([1, 2], [rectangle(0, 0, 2, 2), rectangle(3, 0, 6, 4)])
    one, two = record.segments
    run.given = [
        record.but(
            segments=(
                one.but(category=Category(name="zebra crossing")),
                two.but(category=Category(name="zebra")),
            )
        )
    ]
    export(run, tmp_path / "out")
    data = load(tmp_path / "out", "train")
    assert len(data["categories"]) == 134
    added = data["categories"][-1]
    assert (added["id"], added["name"], added["isthing"]) == (1001, "zebra crossing", 1)
    # A tag that is the name of a category is that category: COCO's zebra is 24.
    infos = data["annotations"][0]["segments_info"]
    assert [info["category_id"] for info in infos] == [1001, 24]


def test_a_dataset_with_other_meanings_of_cocos_ids_brings_its_own_alone(tmp_path: Path) -> None:
    record, run = boxed([1, 2], [rectangle(0, 0, 2, 2), rectangle(3, 0, 6, 4)])
    one, two = record.segments
    run.given = [
        record.but(
            segments=(
                one.but(category=Category(id=7, name="road"), isthing=False),
                two.but(category=Category(id=5000, name="rider")),
            )
        )
    ]
    export(run, tmp_path / "out")
    rows = load(tmp_path / "out", "train")["categories"]
    assert [(row["id"], row["name"], row["isthing"]) for row in rows] == [
        (7, "road", 0),
        (5000, "rider", 1),
    ]
    assert all(64 <= part <= 255 for row in rows for part in row["color"])


def test_one_category_id_with_two_names_is_refused(run: Run, tmp_path: Path) -> None:
    segment = run.given[3].segments[0].but(category=Category(id=1, name="horse"))
    run.given[3] = run.given[3].but(segments=(segment,))
    with pytest.raises(InputError, match="coco/val/4: the category id 1 means 'horse' here"):
        export(run, tmp_path / "out")


def test_two_datasets_in_one_export_are_refused(run: Run, tmp_path: Path) -> None:
    run.given[3] = run.given[3].but(id="lvis/val/4")
    run.where["lvis/val/4"] = run.where["coco/val/4"]
    with pytest.raises(InputError, match="records of 'coco' and of 'lvis'"):
        export(run, tmp_path / "out")
    assert not list((tmp_path / "out").glob(".*"))


def test_a_run_without_records_says_so(tmp_path: Path) -> None:
    exported = export(Run([]), tmp_path / "out")
    assert exported.notes == ["no record reached the end of the run: nothing was written"]
    assert contents(tmp_path / "out") == {}


def test_captions_of_whole_images_are_noted(run: Run, tmp_path: Path) -> None:
    whole = Caption(text="A scene.", origin=ORIGIN)
    run.given[0] = run.given[0].but(captions=(*run.given[0].captions, whole))
    exported = export(run, tmp_path / "out")
    assert "train: 1 captions of whole images are not part of this format" in exported.notes[1]


def test_numpy_numbers_leave_as_plain_ones(run: Run, tmp_path: Path) -> None:
    segment = (
        run.given[0]
        .segments[0]
        .model_copy(update={"area_px": np.int64(12), "box_xyxy": tuple(np.array([0, 2, 3, 6]))})
    )
    run.given[0] = run.given[0].but(segments=(segment, *run.given[0].segments[1:]))
    export(run, tmp_path / "out", copy_masks="none")
    info = load(tmp_path / "out", "train")["annotations"][0]["segments_info"][0]
    assert (info["area"], info["bbox"]) == (12, [0, 2, 3, 4])


def test_the_registry_finds_it_and_its_settings_are_described() -> None:
    assert find("exporter", "pix2cap") is Pix2cap
    for name, setting in Pix2capParameters.model_fields.items():
        assert setting.description, name


@pytest.mark.parametrize("name", ["person", "tv", "scissors", "sky-other-merged", "q", "ox", ""])
@pytest.mark.parametrize("iscrowd", [False, True])
def test_a_padding_is_long_enough_for_the_loader(name: str, iscrowd: bool) -> None:
    segment = Segment(
        id=1,
        category=Category(name=name),
        isthing=True,
        iscrowd=iscrowd,
        box_xyxy=(0, 0, 1, 1),
        area_px=1,
    )
    assert len(padding_phrase(segment)) >= 3


def test_bytes_of_the_png_name_the_record(run: Run) -> None:
    for record in run.given:
        png = run.files(record).panoptic
        assert png is not None
        assert record.masks is not None
        assert record.masks.sha256 == sha256_hex(png.read_bytes())
