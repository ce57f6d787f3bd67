"""Answers the first three questions of PancapChain from a record's own segments, by rule.

What a stage asks stands in :attr:`annoengine.provider.Context.about`: the grid in its first line,
and behind it the text of the boxes or entities that are told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from annoengine.box import iou
from annoengine.categories import is_known, words_of
from annoengine.pancap.grid_boxes import BoxGrid, Frame, Steps
from annoengine.pancap.instance_text import Instance, read_instances, write_instances
from annoengine.record import Record, Segment

CHAIN_WANTS: Final = ("boxes", "tags", "missing")
"""What is wanted at the steps ``localise``, ``tag`` and ``discover``."""

ANYTHING = "object"
"""The tag of a segment that nobody has named."""


def about_chain(grid: BoxGrid, told: str) -> str:
    """What a provider that computes must know of a question.

    >>> about_chain(BoxGrid(), "<box>[[1, 2, 3, 4]]</box>")
    'padded 1000\\n<box>[[1, 2, 3, 4]]</box>'
    """
    return f"{grid.frame} {grid.scale}\n{told}"


def chain_answer(record: Record, wants: str, ids: Sequence[int], about: str) -> str:
    """The answer in the paper's form. ``ids`` are those of the segments that are entities.

    ``boxes``: those of the segments. ``tags``: for each box told the category of the segment that
    lies there. ``missing``: the segments whose boxes are not told, or ``None``.
    Raises ValueError for a segment that the record does not have.
    """
    known = {segment.id: segment for segment in record.segments}
    strange = [id for id in ids if id not in known]
    if strange:
        raise ValueError(f"the record {record.id} has no segment {strange[0]}")
    head, _, told_text = about.partition("\n")
    frame, _, scale = head.partition(" ")
    grid = BoxGrid(cast(Frame, frame), int(scale))
    size_wh = (record.photo.width, record.photo.height)
    there = [Instance(_tag(known[i]), grid.steps(known[i].box_xyxy, size_wh)) for i in ids]
    if wants == "boxes":
        return write_instances([Instance("", one.box) for one in there])
    told = read_instances(told_text).instances
    if wants == "tags":
        return write_instances([Instance(_nearest(one.box, there), one.box) for one in told])
    boxes = {one.box for one in told}
    return write_instances([one for one in there if one.box not in boxes])


def _nearest(box: Steps, there: Sequence[Instance]) -> str:
    best = max(there, key=lambda one: iou(one.box, box), default=None)
    return best.tag if best is not None else ANYTHING


def _tag(segment: Segment) -> str:
    name = segment.category.name
    return words_of(name).show if is_known(name) else ANYTHING
