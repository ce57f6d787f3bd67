"""Takes a record's masks out of the run as a panoptic PNG whose ids are those of the export.

A PNG leaves as it came, by copy or hard link, if its ids are exactly the record's segments;
otherwise (segments were removed, or the run keeps RLEs) it is drawn anew. A PNG cannot hold
overlaps: there smaller segments lie on larger ones, and area and box are measured in what is
seen. What reaches a dataset therefore never has an id in the PNG that the JSON lacks, nor the
reverse.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from annoengine.box import BoxXyxy, Number
from annoengine.errors import InputError
from annoengine.mask import MAX_ID, IdMap, RecordFiles, ids_from_masks, write_panoptic_png
from annoengine.record import Record, Segment
from annoengine.segments_png import measure
from annoengine.writing.record_masks import check_size, read_panoptic

Mode = Literal["copy", "link", "none"]


@dataclass(frozen=True)
class Placed:
    """A segment as it leaves: its id in the PNG, its pixels there, its box."""

    id: int
    area_px: Number
    box_xyxy: BoxXyxy


@dataclass(frozen=True)
class PanopticMask:
    """The PNG of a record: its name below the folder, and its segments by their record id.

    A segment that is not in ``placed`` has no pixel of its own in the PNG.
    """

    file: str
    placed: dict[int, Placed]
    drawn: bool = False


def take_out(record: Record, files: RecordFiles, folder: Path, mode: Mode) -> PanopticMask:
    """Writes the record's panoptic PNG below the folder; with ``none`` only names it.

    Raises InputError where the PNG is not the one that the run began with, and ValueError for a
    record without masks.
    """
    if record.masks is None:
        raise ValueError(f"{record.id} has no masks")
    name = record.masks.file or PurePosixPath(record.photo.file).with_suffix(".png").as_posix()
    png_ids = _png_ids(record)
    if mode == "none":
        placed = {
            s.id: Placed(png_ids[s.id], s.area_px, s.box_xyxy)
            for s in record.segments
            if s.id in png_ids
        }
        return PanopticMask(name, placed)
    target = folder / name
    if target.exists():
        raise InputError(f"two images of the run have the same panoptic mask {name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    if record.masks.kind == "panoptic_png":
        ids, drawn = _from_png(record, files, target, mode, png_ids)
    else:
        ids, drawn = _from_rles(record, files, png_ids), True
    if drawn:
        write_panoptic_png(target, ids)
    measured = measure(ids)
    placed = {
        record_id: Placed(id, measured[id].area_px, measured[id].box_xyxy)
        for record_id, id in png_ids.items()
        if id in measured
    }
    return PanopticMask(name, placed, drawn)


def _png_ids(record: Record) -> dict[int, int]:
    """The id in the PNG of each segment that has a mask, by its id in the record.

    In a panoptic PNG that is the mask's key. For RLEs it is the segment's own id if all of them
    fit a PNG's 24 bits, else a number from 1 in the order of the segments.
    """
    segments = [s for s in record.segments if s.mask is not None]
    if record.masks is not None and record.masks.kind == "panoptic_png":
        return {s.id: s.mask for s in segments if s.mask is not None}
    if all(s.id <= MAX_ID for s in segments):
        return {s.id: s.id for s in segments}
    return {s.id: number for number, s in enumerate(segments, start=1)}


def _from_png(
    record: Record, files: RecordFiles, target: Path, mode: Mode, png_ids: dict[int, int]
) -> tuple[IdMap, bool]:
    """The id map, and whether it has to be drawn; copies or links the PNG if not."""
    source, data, ids = read_panoptic(record, files)
    kept = np.fromiter(png_ids.values(), dtype=np.uint32, count=len(png_ids))
    present = np.unique(ids)
    lost = np.setdiff1d(kept, present)
    if lost.size:
        raise InputError(f"{source} has no pixel of segment {int(lost[0])} of {record.id}")
    if np.setdiff1d(present, np.append(kept, 0)).size:
        return np.where(np.isin(ids, kept), ids, np.uint32(0)).astype(np.uint32), True
    if mode == "link":
        try:
            os.link(source, target)
        except OSError:
            # Hard links stop at the border of a file system.
            target.write_bytes(data)
    else:
        target.write_bytes(data)
    return ids, False


def _from_rles(record: Record, files: RecordFiles, png_ids: dict[int, int]) -> IdMap:
    def larger_first(segment: Segment) -> tuple[float, int]:
        return (-segment.area_px, segment.id)

    segments = sorted((s for s in record.segments if s.id in png_ids), key=larger_first)
    masks = files.masks(s.mask for s in segments if s.mask is not None)
    for segment in segments:
        check_size(record, segment.id, masks[segment.mask or 0].shape)
    shape_hw = (record.photo.height, record.photo.width)
    return ids_from_masks({png_ids[s.id]: masks[s.mask or 0] for s in segments}, shape_hw)
