"""Cuts a segment out of the photograph for a model that sees it alone.

By its box with some of what is around it, or by its mask on a neutral ground. Pixels are kept as
they are: models scale a picture themselves, each in its own way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np

from annoengine.errors import InputError
from annoengine.mask import Mask, RecordFiles
from annoengine.photo import ImageRgb, read_photo
from annoengine.record import Record, Segment

VERSION = 1
"""Goes up with every change of a crop's pixels."""

Cut = Literal["box", "mask"]

GROUND_RGB = (122, 116, 104)
"""What stands around a segment that is cut out by its mask: the mean of the pictures that CLIP was
trained with, which its own preparation turns into zeros. Source: openai/CLIP, clip.py,
Normalize((0.48145466, 0.4578275, 0.40821073))."""


def crop_by_box(photo: ImageRgb, segment: Segment, margin: float) -> ImageRgb:
    """The segment's box and ``margin`` times its sides on each side, within the photograph.

    uint8 (height, width, 3), at least a pixel each way.
    """
    x1, y1, x2, y2 = _frame(photo, segment, margin)
    return photo[y1:y2, x1:x2]


def crop_by_mask(photo: ImageRgb, mask: Mask, segment: Segment, margin: float) -> ImageRgb:
    """The same frame, with all that is not the segment in one neutral colour."""
    x1, y1, x2, y2 = _frame(photo, segment, margin)
    crop = np.empty((y2 - y1, x2 - x1, 3), dtype=np.uint8)
    crop[:] = GROUND_RGB
    inside = mask[y1:y2, x1:x2]
    crop[inside] = photo[y1:y2, x1:x2][inside]
    return crop


def _frame(photo: ImageRgb, segment: Segment, margin: float) -> tuple[int, int, int, int]:
    height, width = photo.shape[:2]
    x1, y1, x2, y2 = segment.box_xyxy
    wide, high = (x2 - x1) * margin, (y2 - y1) * margin
    left = min(max(0, int(np.floor(x1 - wide))), width - 1)
    top = min(max(0, int(np.floor(y1 - high))), height - 1)
    right = min(width, max(left + 1, int(np.ceil(x2 + wide))))
    bottom = min(height, max(top + 1, int(np.ceil(y2 + high))))
    return left, top, right, bottom


def region_crops(
    files: RecordFiles, record_json: bytes, ids: Sequence[int], cut: Cut, margin: float
) -> list[bytes]:
    """The segments ``ids`` of a record, each cut out, as PNGs; runs in the CPU pool.

    Raises InputError for a photograph or masks that cannot be read or contradict the record; a
    segment of which only a box is known is cut out by its box.
    """
    record = Record.from_line(record_json)
    photo = read_photo(files.image)
    if photo.shape[:2] != (record.photo.height, record.photo.width):
        raise InputError(
            f"{record.photo.file} is {photo.shape[1]} × {photo.shape[0]} pixels, and "
            f"{record.photo.width} × {record.photo.height} in the record"
        )
    segments = [record.segment(id) for id in ids]
    masks: dict[int, Mask] = {}
    if cut == "mask":
        masks = files.masks([s.mask for s in segments if s.mask is not None])
    crops = []
    for segment in segments:
        if cut == "mask" and segment.mask is not None:
            crop = crop_by_mask(photo, masks[segment.mask], segment, margin)
        else:
            crop = crop_by_box(photo, segment, margin)
        done, data = cv2.imencode(".png", crop[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
        assert done
        crops.append(data.tobytes())
    return crops
