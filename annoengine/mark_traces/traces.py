"""Finds what a drawing has left in a record's captions: text first, then the segment's pixels.

A colour word is a trace where it may name the colour of the segment's mark, is said of the segment
or of a part of it, and is practically absent from the segment's pixels; and where nothing near
explains it: masks end a little beside the thing, and what a person holds may be no part of the
mask. Pixels are looked at only where a caption raises a suspicion, which is rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from annoengine.errors import InputError
from annoengine.mark_traces.colour_words import (
    ABSENT,
    ABSENT_WHOLE,
    NEARLY_ABSENT,
    count_pixels,
    families_of,
)
from annoengine.mark_traces.spoken_colours import SpokenColour, spoken_colours
from annoengine.mark_traces.spoken_numbers import spoken_number
from annoengine.mark_traces.told_stretches import stretches_of
from annoengine.mask import Mask, RecordFiles
from annoengine.photo import ImageRgb, read_photo
from annoengine.record import Mark, Record, Segment
from annoengine.som.palette import ground_code

RIM_SHARE = 0.02
"""How far beside its mask a segment's own colour may lie, as a share of its box's longer side."""

_LEAST_RIM_PX = 3
_RIM_EXPLAINS = 0.02
"""Pixels of the rim that explain a word, as a share of the segment's."""

REACH_SHARE = 0.15
"""How far from the box of a segment what it wears, holds or has may reach, likewise."""

_LEAST_REACH_PX = 12
_NEAR_EXPLAINS = 0.01
_LEAST_PX = 12
"""Fewer pixels than these explain nothing: they are specks."""

VERSION = 2
"""Goes up with any change that may find other traces."""


@dataclass(frozen=True)
class Trace:
    """A word of a record's caption, ``text[start:end]``, that seems to come from the drawing.

    ``caption`` is its place among the record's captions. ``family`` is the family of a colour
    word. ``share`` is that of the segment's pixels which bear the word out; NaN for a number.
    """

    kind: Literal["colour", "number"]
    caption: int
    segment: int
    word: str
    start: int
    end: int
    family: str = ""
    share: float = float("nan")


def find_traces(files: RecordFiles, line: bytes) -> tuple[Trace, ...]:
    """The traces in the captions of a record (its line), in the order of captions and text.

    Captions of the whole image have those of the segments to which their phrases are grounded;
    what is said of segments without a mark has none. Raises InputError for a photograph or mask
    that cannot be read, where a suspicion needs them.
    """
    record = Record.from_line(line)
    marks = {mark.segment: mark for mark in record.marks}
    segments = {segment.id: segment for segment in record.segments}
    pixels: _Pixels | None = None
    found: list[Trace] = []
    for place, caption in enumerate(record.captions):
        for told in stretches_of(caption, marks, segments):
            mark, segment, at = told.mark, told.segment, told.start
            for spoken in suspicious_colours(told.text, mark, segment):
                pixels = pixels or _Pixels(files, record)
                share = pixels.unexplained_share(segment, spoken)
                if share is not None:
                    where = (spoken.word, at + spoken.start, at + spoken.end, spoken.family)
                    found.append(Trace("colour", place, segment.id, *where, round(share, 5)))
            # Where several things are spoken of, "two dogs" is no mark 2 of a single dog.
            single = segment.isthing and told.alone
            number = spoken_number(told.text, mark.number, segment.category.name, single)
            if number is not None:
                spot = (number.word, at + number.start, at + number.end)
                found.append(Trace("number", place, segment.id, *spot))
    # A sentence may name its segment twice.
    found = list(dict.fromkeys(found))
    return tuple(sorted(found, key=lambda trace: (trace.caption, trace.start, trace.kind)))


def suspicious_colours(text: str, mark: Mark, segment: Segment) -> list[SpokenColour]:
    """The colour words of a caption that may name its mark's colour and are not another thing's."""
    found = spoken_colours(text, segment.category.name, families_of(mark.colour))
    return [spoken for spoken in found if spoken.owner != "other"]


class _Pixels:
    """A record's photograph and masks, opened when the first suspicion comes."""

    def __init__(self, files: RecordFiles, record: Record) -> None:
        photo = read_photo(files.image)
        wanted = (record.photo.width, record.photo.height)
        if (photo.shape[1], photo.shape[0]) != wanted:
            raise InputError(
                f"{files.image.name} is {photo.shape[1]} × {photo.shape[0]} pixels, but the record "
                f"{record.id} says {wanted[0]} × {wanted[1]}"
            )
        self._photo: ImageRgb = photo
        self._files = files

    def _mask(self, segment: Segment) -> Mask:
        height, width = self._photo.shape[:2]
        if segment.mask is not None:
            mask = self._files.masks([segment.mask])[segment.mask]
            if mask.shape != (height, width):
                raise InputError(
                    f"the mask of segment {segment.id} is {mask.shape[1]} × {mask.shape[0]} "
                    f"pixels, its photograph {width} × {height}"
                )
            return mask
        x1, y1, x2, y2 = (round(v) for v in segment.box_xyxy)
        boxed = np.zeros((height, width), dtype=np.bool_)
        boxed[max(0, y1) : y2, max(0, x1) : x2] = True
        return boxed

    def unexplained_share(self, segment: Segment, spoken: SpokenColour) -> float | None:
        """The share of a segment's pixels that bear a word out; None where the word is explained.

        0 to ``ABSENT_WHOLE``.
        """
        mask = self._mask(segment)
        area = int(np.count_nonzero(mask))
        if area == 0:
            return None
        exact, near = count_pixels(self._codes(mask), spoken.family)
        least = ABSENT_WHOLE if spoken.owner == "subject" else ABSENT
        if exact >= max(1, least * area) or near >= NEARLY_ABSENT * area:
            return None
        side = _side(mask)
        if spoken.owner == "subject":
            beside = _grown(mask, max(_LEAST_RIM_PX, round(RIM_SHARE * side))) & ~mask
            enough = max(_LEAST_PX, _RIM_EXPLAINS * area)
        elif spoken.owner == "part":
            beside = _box_grown(mask, max(_LEAST_REACH_PX, round(REACH_SHARE * side))) & ~mask
            enough = max(_LEAST_PX, _NEAR_EXPLAINS * area)
        else:
            return exact / area
        if count_pixels(self._codes(beside), spoken.family)[0] >= enough:
            return None
        return exact / area

    def _codes(self, mask: Mask) -> NDArray[np.intp]:
        return ground_code(self._photo[mask])


def _corners(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _side(mask: Mask) -> int:
    x1, y1, x2, y2 = _corners(mask)
    return max(x2 - x1, y2 - y1)


def _grown(mask: Mask, by_px: int) -> Mask:
    """The mask with all that lies within some pixels of it, in squares."""
    kernel = np.ones((2 * by_px + 1, 2 * by_px + 1), dtype=np.uint8)
    return np.asarray(cv2.dilate(mask.view(np.uint8), kernel)).astype(np.bool_)


def _box_grown(mask: Mask, by_px: int) -> Mask:
    x1, y1, x2, y2 = _corners(mask)
    grown = np.zeros_like(mask)
    grown[max(0, y1 - by_px) : y2 + by_px, max(0, x1 - by_px) : x2 + by_px] = True
    return grown


def traced(traces: Sequence[Trace], kind: str) -> frozenset[int]:
    """The segments that have a trace of a kind."""
    return frozenset(trace.segment for trace in traces if trace.kind == kind)
