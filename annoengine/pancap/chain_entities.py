"""Makes segments of the entities that PancapChain found.

An entity found by the chain is a segment of which only the box is known, its category the tag that
the model gave. Where the record has regions of its own, an entity that lies on one of them is that
region, assigned over all of them at once (scipy); what lies on none is new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from annoengine.box import BoxXyxy, area_px, iou
from annoengine.categories import fits
from annoengine.pancap.boxed_caption import ExpectedEntity
from annoengine.pancap.caption_boxes import rounded_box
from annoengine.pancap.grid_boxes import BoxGrid, Steps
from annoengine.pancap.instance_text import Instance
from annoengine.record import Category, Record, Segment

Ground = Literal["record", "own"]
"""Whose segments entities are: the record's where they lie on one, or always new ones."""

_FIT = 0.25
"""What a tag that fits a region's category is worth beside an IoU of 0 to 1. Ours."""

_ARTICLE = re.compile(r"(?:an?|the)\s+(?=\S)", re.IGNORECASE)


@dataclass(frozen=True)
class ChainEntity:
    """An entity of the chain: its number in the order found, what was told of it, its segment."""

    number: int
    instance: Instance
    segment: Segment

    def expected(self, grid: BoxGrid, size_wh: tuple[int, int]) -> ExpectedEntity:
        """The same for the judge of a caption: where the model was told that it is."""
        box = rounded_box(grid.shares(self.instance.box, size_wh))
        return ExpectedEntity(self.number, self.instance.tag, box, size_wh)


def chain_entities(
    record: Record,
    found: Sequence[tuple[Instance, str]],
    grid: BoxGrid,
    ground: Ground,
    least_iou: float,
) -> tuple[ChainEntity, ...]:
    """The entities of a chain as segments, in the order found.

    ``found``: each instance with the model that found it. New segments have ids behind those of
    the record.
    """
    size_wh = (record.photo.width, record.photo.height)
    boxes = [_pixels(one.box, grid, size_wh) for one, _ in found]
    regions = [segment for segment in record.segments if not segment.iscrowd]
    own = _on_regions(found, boxes, regions, least_iou) if ground == "record" else {}
    following = max((segment.id for segment in record.segments), default=0)
    entities = []
    for n, (instance, model) in enumerate(found):
        if n in own:
            segment = own[n]
        else:
            following += 1
            segment = _segment(following, instance.tag, boxes[n], model)
        entities.append(ChainEntity(n + 1, instance, segment))
    return tuple(entities)


def _on_regions(
    found: Sequence[tuple[Instance, str]],
    boxes: Sequence[BoxXyxy],
    regions: Sequence[Segment],
    least_iou: float,
) -> Mapping[int, Segment]:
    """Which region each instance is, one to one, by overlap and tag."""
    if not boxes or not regions:
        return {}
    overlap = np.array([[iou(box, region.box_xyxy) for region in regions] for box in boxes])
    named = np.array(
        [[fits(one.tag, region.category.name) for region in regions] for one, _ in found]
    )
    allowed = overlap >= least_iou
    rows, columns = linear_sum_assignment(
        np.where(allowed, overlap + _FIT * named, 0.0), maximize=True
    )
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return {row: regions[column] for row, column in pairs if allowed[row, column]}


def _pixels(box: Steps, grid: BoxGrid, size_wh: tuple[int, int]) -> BoxXyxy:
    """A box of steps in pixels to a tenth, at least one pixel wide and high, in the image."""
    x1, y1, x2, y2 = grid.shares(box, size_wh)
    width, height = size_wh
    left, top = min(round(x1 * width, 1), width - 1.0), min(round(y1 * height, 1), height - 1.0)
    right, low = max(round(x2 * width, 1), left + 1), max(round(y2 * height, 1), top + 1)
    return left, top, round(right, 1), round(low, 1)


def _segment(id: int, tag: str, box_xyxy: BoxXyxy, model: str) -> Segment:
    name = _ARTICLE.sub("", tag, count=1) if _ARTICLE.match(tag) else tag
    return Segment(
        id=id,
        category=Category(name=name),
        isthing=True,
        box_xyxy=box_xyxy,
        area_px=round(area_px(box_xyxy), 1),
        source=model,
    )
