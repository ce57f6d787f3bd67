"""The PNGs of a Pix2Cap-COCO export: as they came, repainted, or drawn from RLEs."""

from __future__ import annotations

from pathlib import Path

import pytest

from annoengine.errors import InputError
from annoengine.mask import MAX_ID, areas_of, read_panoptic_png, write_panoptic_png
from annoengine.record import Relation
from tests.exporters.pix2cap_files import (
    ORIGIN,
    boxed,
    export,
    lines,
    load,
    read_pix2cap,
    rectangle,
)
from tests.exporters.runs import Run
from tests.tiny_coco import id_map


def test_masks_leave_as_they_came(run: Run, tmp_path: Path) -> None:
    export(run, tmp_path / "copied")
    export(run, tmp_path / "linked", copy_masks="link")
    export(run, tmp_path / "none", copy_masks="none")
    source = run.files(run.given[0]).panoptic
    assert source is not None
    copied = tmp_path / "copied" / "panoptic_train" / "0001.png"
    linked = tmp_path / "linked" / "panoptic_train" / "0001.png"
    assert copied.read_bytes() == source.read_bytes()
    assert linked.samefile(source)
    assert not copied.samefile(source)
    assert not (tmp_path / "none" / "panoptic_train").exists()
    name = "pix2cap_coco_train.json"
    assert (tmp_path / "none" / name).read_bytes() == (tmp_path / "copied" / name).read_bytes()


def test_segments_that_left_the_record_leave_the_png(run: Run, tmp_path: Path) -> None:
    run.given[0] = run.given[0].but(segments=run.given[0].segments[:2])
    exported = export(run, tmp_path / "out", copy_masks="link")
    assert exported.counts["masks drawn anew"] == 1
    assert set(read_pix2cap(tmp_path / "out", "train")) >= {(1, 7), (1, 300)}
    ids = read_panoptic_png(tmp_path / "out" / "panoptic_train" / "0001.png")
    assert areas_of(ids) == {0: 20, 7: 12, 300: 16}
    source = run.files(run.given[0]).panoptic
    assert source is not None
    assert areas_of(read_panoptic_png(source)) == {0: 8, 7: 12, 300: 16, 70000: 12}


def test_a_mask_that_changed_since_the_run_is_refused(run: Run, tmp_path: Path) -> None:
    source = run.files(run.given[1]).panoptic
    assert source is not None
    write_panoptic_png(source, id_map())
    with pytest.raises(InputError, match="coco/train/2 has changed since the run read it"):
        export(run, tmp_path / "out")
    source.unlink()
    with pytest.raises(InputError, match=r"0002\.png cannot be read: No such file"):
        export(run, tmp_path / "again")


def test_rles_are_drawn_with_the_smaller_on_top(tmp_path: Path) -> None:
    _, run = boxed([5, 90000], [rectangle(0, 0, 2, 2), rectangle(0, 0, 6, 4)])
    exported = export(run, tmp_path / "out")
    assert read_pix2cap(tmp_path / "out", "train") == {
        ("x1", 5): "segment 5",
        ("x1", 90000): "segment 90000",
    }
    annotation = load(tmp_path / "out", "train")["annotations"][0]
    assert annotation["file_name"] == "a/1.png"
    assert [(s["area"], s["bbox"]) for s in annotation["segments_info"]] == [
        (4, [0, 0, 2, 2]),
        (20, [0, 0, 6, 4]),
    ]
    assert exported.counts["masks drawn anew"] == 1


def test_a_segment_that_is_hidden_by_others_is_left_out_and_counted(tmp_path: Path) -> None:
    left, right = rectangle(0, 0, 3, 4), rectangle(3, 0, 6, 4)
    _, run = boxed([1, 2, 3], [rectangle(0, 0, 6, 4), left, right])
    exported = export(run, tmp_path / "out")
    assert set(read_pix2cap(tmp_path / "out", "train")) == {("x1", 2), ("x1", 3)}
    assert exported.counts["segments without pixels"] == 1
    assert exported.counts["captions"] == 2


def test_ids_too_large_for_a_png_are_numbered(tmp_path: Path) -> None:
    record, run = boxed([908800474293, 12], [rectangle(0, 0, 2, 2), rectangle(3, 0, 6, 4)])
    relation = Relation(segments=(12, 908800474293), text="12 is right of it.", origin=ORIGIN)
    run.given = [record.but(relations=(relation,))]
    export(run, tmp_path / "out")
    assert read_pix2cap(tmp_path / "out", "train") == {
        ("x1", 1): "segment 908800474293",
        ("x1", 2): "segment 12",
    }
    assert lines(tmp_path / "out", "interactions_train.jsonl")[0]["segment_ids"] == [2, 1]
    provenance = lines(tmp_path / "out", "provenance_train.jsonl")
    assert [row["segment_id"] for row in provenance] == [1, 2]
    _, run = boxed([MAX_ID], [rectangle(0, 0, 2, 2)])
    export(run, tmp_path / "largest")
    assert set(read_pix2cap(tmp_path / "largest", "train")) == {("x1", MAX_ID)}


def test_records_without_masks_are_counted_and_left_out(run: Run, tmp_path: Path) -> None:
    run.given[0] = run.given[0].but(masks=None)
    exported = export(run, tmp_path / "out")
    assert exported.counts["images without masks"] == 1
    assert [row["id"] for row in load(tmp_path / "out", "train")["images"]] == [2, 3]


def test_two_images_may_not_share_a_mask_file(tmp_path: Path) -> None:
    record, run = boxed([1], [rectangle(0, 0, 2, 2)], file="1.jpg")
    run.given.append(record.but(id="coco/train/x2", photo=record.photo.but(file="1.webp")))
    run.where["coco/train/x2"] = run.where[record.id]
    with pytest.raises(InputError, match=r"two images of the run have the same panoptic mask 1"):
        export(run, tmp_path / "out")


def test_photographs_that_readers_will_not_find_are_noted(tmp_path: Path) -> None:
    _, run = boxed([1], [rectangle(0, 0, 2, 2)], file="1.webp")
    notes = export(run, tmp_path / "out").notes
    assert notes[1].startswith("train: 1 of 1 photographs will not be found by readers")
