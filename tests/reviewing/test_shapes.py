"""New masks beside a panoptic PNG and beside RLEs: what the record refers to, and what is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pytest

from annoengine.fingerprint import sha256_hex
from annoengine.mask import Mask, RecordFiles, keyed_rles, mask_from_rle, rle_from_mask
from annoengine.record import Record
from annoengine.reviewing.correction import Shape
from annoengine.reviewing.shapes import DrawnShapes, Extent, draw_shapes
from annoengine.writing.panoptic_masks import take_out
from annoengine.writing.record_masks import rles_of
from tests.reviewing.toys import HEIGHT, WIDTH, toy_record
from tests.tiny_coco import TinyCoco, id_map


def shape_of(**said: object) -> Shape:
    return Shape.model_validate_json(orjson.dumps(said))


def square() -> Mask:
    """Rows 1 and 2, columns 4 and 5 of a picture of 8 × 6: on sky, void and crowd."""
    mask = np.zeros((6, 8), dtype=bool)
    mask[1:3, 4:6] = True
    return mask


@pytest.fixture
def panoptic(tmp_path: Path) -> tuple[Record, RecordFiles]:
    """A record with its masks in a panoptic PNG: 7, 300 and the crowd 70000."""
    source = TinyCoco(tmp_path).source()
    record = source.open(next(source.entries())).record
    assert record is not None
    return record, source.files(record)


@pytest.mark.parametrize(
    "shape",
    [
        shape_of(polygons=[[4, 1, 6, 1, 6, 3, 4, 3]]),
        shape_of(rle=dict(rle_from_mask(square()))),
        shape_of(rle={"size": [6, 8], "counts": [25, 2, 4, 2, 15]}),
    ],
    ids=["polygon", "compressed", "counts"],
)
def test_a_mask_beside_a_png_makes_rles_of_all(
    panoptic: tuple[Record, RecordFiles], shape: Shape
) -> None:
    record, files = panoptic
    drawn = draw_shapes(record, files, {70001: shape})
    assert drawn.extents == {70001: Extent(4, (4, 1, 6, 3))}
    for id in (7, 300, 70000):
        assert (mask_from_rle(drawn.rles[id]) == (id_map() == id)).all()
    assert (mask_from_rle(drawn.rles[70001]) == square()).all()


def test_the_record_refers_to_the_line_beside_the_shard(
    panoptic: tuple[Record, RecordFiles], tmp_path: Path
) -> None:
    record, files = panoptic
    drawn = draw_shapes(record, files, {70001: shape_of(rle=dict(rle_from_mask(square())))})
    store, keys, line = drawn.store(record, "review")
    assert (store.kind, store.by, store.sha256) == ("rle", "review", sha256_hex(line))
    assert orjson.loads(line)["id"] == record.id
    added = record.segments[0].but(id=70001, area_px=4, box_xyxy=(4, 1, 6, 3))
    segments = tuple(s.but(mask=keys[s.id]) for s in (*record.segments, added))
    after = record.but(masks=store, segments=segments)
    own = RecordFiles(image=files.image, rles=keyed_rles(orjson.loads(line)["rles"]))
    assert rles_of(after, own) == drawn.rles
    # It leaves under the name that the PNG had, with everybody's id as it was.
    written = take_out(after, own, tmp_path / "out", "copy")
    assert written.file == "0001.png"
    assert {own: placed.id for own, placed in written.placed.items()} == {
        id: id for id in (7, 300, 70000, 70001)
    }
    assert written.placed[70001].area_px == 4
    assert written.placed[300].area_px == 14, "the square lies on two pixels of the sky"


def test_of_regions_that_go_no_mask_is_kept(panoptic: tuple[Record, RecordFiles]) -> None:
    record, files = panoptic
    staying = record.but(segments=tuple(s for s in record.segments if s.id != 7))
    shape = shape_of(rle=dict(rle_from_mask(square())))
    assert list(draw_shapes(staying, files, {300: shape}).rles) == [70000, 300]


def test_a_box_alone_draws_nothing() -> None:
    files = RecordFiles(image=Path("a.jpg"))
    drawn = draw_shapes(toy_record(), files, {7: shape_of(box_xyxy=[1, 1, 3, 2.5])})
    assert drawn == DrawnShapes({}, {7: Extent(3, (1, 1, 3, 2.5))})


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (shape_of(polygons=[[1, 1, 2, 2]]), "no polygon of its segmentation has three points"),
        (shape_of(polygons=[[99, 9, 99, 10, 98, 9]]), "far outside of the 8×4 photograph"),
        (shape_of(polygons=[[-3, -3, -1, -3, -1, -1]]), "its shape has no pixel in the photograph"),
        (shape_of(rle={"size": [4, 8], "counts": "13"}), "its counts make 4 pixels; 8×4 has 32"),
        (shape_of(rle={"size": [8, 4], "counts": [32]}), "turned by a quarter"),
        (shape_of(box_xyxy=[1, 1, 1, 3]), "[1, 1, 1, 3] is no box [x1, y1, x2, y2] within the 8×4"),
        (shape_of(box_xyxy=[1, 1, 9, 3]), "[1, 1, 9, 3] is no box"),
    ],
)
def test_what_is_no_region_of_the_photograph_is_refused(shape: Shape, why: str) -> None:
    assert (WIDTH, HEIGHT) == (8, 4)
    drawn = draw_shapes(toy_record(), RecordFiles(image=Path("a.jpg")), {7: shape})
    assert drawn.refused.startswith("segment 7: ")
    assert why in drawn.refused
