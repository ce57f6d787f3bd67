"""Makes the masks of a record anew where people changed or added some: they become RLEs.

A panoptic PNG holds no overlaps and belongs to the source, so nothing is painted into it. All
masks of the record, those that stay as they are too, go into one line of a file beside the shard
of the stage that reviewed, in the form that sources keep RLEs in; the record then refers to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from annoengine.box import BoxXyxy, Number, area_px
from annoengine.fingerprint import sha256_hex
from annoengine.mask import RecordFiles, Rle
from annoengine.reading.coco_masks import read_segmentation
from annoengine.record import MaskStore, Record
from annoengine.reviewing.correction import Shape
from annoengine.rle_counts import measure_counts, rle_of_counts
from annoengine.writing.record_masks import rles_of


@dataclass(frozen=True)
class Extent:
    """How large a shape is, and its half-open box."""

    area_px: Number
    box_xyxy: BoxXyxy


@dataclass(frozen=True)
class DrawnShapes:
    """All masks of a record by segment, and what was measured of the new ones.

    ``refused`` says why a shape cannot be a region of the photograph; empty where all can.
    """

    rles: dict[int, Rle]
    extents: dict[int, Extent]
    refused: str = ""

    def store(self, record: Record, stage: str) -> tuple[MaskStore, dict[int, int], bytes]:
        """The record's store of masks, each segment's key in it, and the line of the masks file."""
        line = orjson.dumps({"id": record.id, "rles": list(self.rles.values())})
        # The name of the PNG stays, since exports call the mask by it.
        file = None if record.masks is None else record.masks.file
        store = MaskStore(kind="rle", file=file, sha256=sha256_hex(line), by=stage)
        return store, {id: key for key, id in enumerate(self.rles)}, line


def draw_shapes(record: Record, files: RecordFiles, shapes: Mapping[int, Shape]) -> DrawnShapes:
    """The masks of a record's segments, with these shapes in place of theirs or added to them.

    Runs in the CPU pool. ``record`` has the segments that stay alone; ids that it does not have
    are new. Raises InputError where the masks that are there cannot be read.
    """
    shape_hw = (record.photo.height, record.photo.width)
    rles: dict[int, Rle] = {}
    extents: dict[int, Extent] = {}
    for id, shape in shapes.items():
        try:
            if shape.box_xyxy is not None:
                extents[id] = _extent_of_box(shape.box_xyxy, shape_hw)
                continue
            counts = read_segmentation(shape.segmentation(), shape_hw).counts
            measured = measure_counts(counts, shape_hw[0])
            if not measured.area_px:
                raise ValueError("its shape has no pixel in the photograph")
        except ValueError as error:
            return DrawnShapes({}, {}, f"segment {id}: {error}")
        extents[id] = Extent(measured.area_px, measured.box_xyxy)
        rles[id] = rle_of_counts(counts, shape_hw)
    if not rles:
        return DrawnShapes({}, extents)
    stays = tuple(s for s in record.segments if s.id not in rles)
    return DrawnShapes({**rles_of(record.but(segments=stays), files), **rles}, extents)


def _extent_of_box(box_xyxy: BoxXyxy, shape_hw: tuple[int, int]) -> Extent:
    """Raises ValueError for a box that is none, or not wholly in the photograph."""
    x1, y1, x2, y2 = box_xyxy
    height, width = shape_hw
    if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
        raise ValueError(
            f"{list(box_xyxy)} is no box [x1, y1, x2, y2] within the {width}×{height} photograph"
        )
    return Extent(area_px(box_xyxy), box_xyxy)
