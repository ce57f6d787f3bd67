"""Numbers a record's segments 1, 2, 3 … in one id map, as COCONut's panoptic PNGs have them.

Stuff comes before things, each in the record's order. A PNG cannot hold overlaps: there smaller
segments lie on larger ones. A segment of which nothing can be seen gets no number, so that every
number is in the map. Up to 255 segments the number is the red channel alone.

Source: the COCONut release's ``demo_mask.png`` (RGB, ids 1 to 29, stuff before things).
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from annoengine.errors import InputError
from annoengine.mask import IdMap, RecordFiles, ids_from_masks, mask_from_rle, rgb_from_ids
from annoengine.record import Record, Segment
from annoengine.segments_png import measure_and_rank
from annoengine.writing.panoptic_masks import Placed
from annoengine.writing.record_masks import read_panoptic, rles_of

ONE_CHANNEL = 255
"""The largest number that readers of the red channel alone can tell from others."""


@dataclass(frozen=True)
class NumberedMasks:
    """The map, uint32 (height, width), 0 = void, and the segments in it.

    ``placed`` is by the segment's id in the record, in the order of the numbers.
    """

    ids: IdMap
    placed: dict[int, Placed]

    def png(self) -> bytes:
        """The map as an RGB PNG, R + 256 G + 65536 B; the same ids give the same bytes."""
        data = io.BytesIO()
        Image.fromarray(rgb_from_ids(self.ids)).save(data, format="PNG", compress_level=6)
        return data.getvalue()


def number_masks(record: Record, files: RecordFiles) -> NumberedMasks:
    """The record's masks with their segments numbered.

    Raises InputError where the masks are not those that the run began with, and ValueError for a
    record without masks.
    """
    if record.masks is None:
        raise ValueError(f"{record.id} has no masks")
    segments = [s for s in record.segments if s.mask is not None]
    if record.masks.kind == "panoptic_png":
        source, _, own = read_panoptic(record, files)
        keys = {s.id: s.mask or 0 for s in segments}
    else:
        source, own = None, _layered(record, files, segments)
        keys = {s.id: place for place, s in enumerate(segments, start=1)}
    measured, ranks = measure_and_rank(own)
    found = np.fromiter(measured, dtype=np.uint32, count=len(measured))
    numbers = np.zeros(max(len(measured), 1), dtype=np.uint32)
    placed: dict[int, Placed] = {}
    for segment in sorted(segments, key=lambda s: s.isthing):
        key = keys[segment.id]
        if key not in measured:
            if source is not None:
                raise InputError(f"{source} has no pixel of segment {key} of {record.id}")
            continue
        number = len(placed) + 1
        numbers[np.searchsorted(found, key)] = number
        placed[segment.id] = Placed(number, measured[key].area_px, measured[key].box_xyxy)
    return NumberedMasks(numbers[ranks], placed)


def _layered(record: Record, files: RecordFiles, segments: list[Segment]) -> IdMap:
    """RLE masks in one map, the smaller on top; each id is the segment's place, from 1."""
    rles = rles_of(record, files)
    places = {s.id: place for place, s in enumerate(segments, start=1)}
    larger_first = sorted(segments, key=lambda s: (-s.area_px, s.id))
    masks = {places[s.id]: mask_from_rle(rles[s.id]) for s in larger_first}
    return ids_from_masks(masks, (record.photo.height, record.photo.width))
