"""Measures what an image's pixels and masks tell of each segment: numbers only, no words.

What is costly and often not asked for, how the pixels look and what shape a mask has, is measured
when it is first asked for. Every number is of the picture plane and of the pixels as they are
stored: nothing is inferred about depth, material or what a thing does. What words may be made of
these numbers stands in
``annoengine.baseline.region_looks`` and ``annoengine.baseline.region_relations``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from annoengine.baseline.region_cut import Cut
from annoengine.baseline.region_map import RegionMap
from annoengine.baseline.region_outline import Outline, moments_of
from annoengine.baseline.region_surface import Surface, surfaces_of
from annoengine.box import BoxXyxy, intersection
from annoengine.errors import InputError
from annoengine.mask import RecordFiles, box_of
from annoengine.photo import ImageRgb, photo_size_wh, read_photo
from annoengine.record import Record, Segment


class Looks:
    """Surfaces and outlines of an image's masked segments, measured when first asked for."""

    def __init__(
        self, files: RecordFiles, record: Record, cuts: Mapping[int, Callable[[], Cut]]
    ) -> None:
        """``cuts`` give the masked segments' masks, by segment."""
        self._files = files
        self._record = record
        self._cuts = cuts
        self._surfaces: Mapping[int, Surface] | None = None
        self._outlines: dict[int, Outline] = {}

    def surface(self, id: int) -> Surface:
        """The surface of one; those of all are measured together, which is cheaper.

        Raises InputError for a photograph that cannot be read or has another size than the record.
        """
        if self._surfaces is None:
            cuts = {id: cut() for id, cut in self._cuts.items()}
            self._surfaces = surfaces_of(photo_of(self._files, self._record), cuts)
        return self._surfaces[id]

    def outline(self, id: int) -> Outline:
        """The outline of one."""
        if id not in self._outlines:
            self._outlines[id] = Outline(self._cuts[id]().mask)
        return self._outlines[id]


@dataclass(frozen=True)
class RegionFacts:
    """The measurements of one segment.

    ``box_xyxy`` is the mask's own tight box, or the record's box cut to the image where there is
    no mask; ``centre_xy`` the mean of the mask's pixel centres, or the middle of the box.
    ``edges``: how many pairs of 4-neighbours (one pixel of the segment, one outside it but in the
    image) there are; ``contacts``: how many of those have their outer pixel in another segment,
    by its id; ``frame_edges``: pairs whose outer pixel would lie outside the image.
    ``overlaps``: share of this segment's pixels that another segment has too.
    """

    id: int
    category: str
    isthing: bool
    iscrowd: bool
    box_xyxy: BoxXyxy
    area_px: int
    centre_xy: tuple[float, float]
    edges: int = 0
    frame_edges: int = 0
    contacts: Mapping[int, int] = field(default_factory=dict)
    overlaps: Mapping[int, float] = field(default_factory=dict)
    looks: Looks | None = field(default=None, repr=False, compare=False)

    @property
    def has_mask(self) -> bool:
        """False where only a box is known."""
        return self.looks is not None

    @property
    def surface(self) -> Surface | None:
        """How its pixels look; None where only a box is known."""
        return None if self.looks is None else self.looks.surface(self.id)

    @property
    def outline(self) -> Outline | None:
        """The shape of its mask; None where only a box is known."""
        return None if self.looks is None else self.looks.outline(self.id)


@dataclass(frozen=True)
class Scene:
    """All segments of an image, measured; ``size_wh`` in pixels. In the record's order."""

    size_wh: tuple[int, int]
    regions: tuple[RegionFacts, ...]

    def region(self, id: int) -> RegionFacts:
        """The facts of a segment; KeyError where there is none."""
        for facts in self.regions:
            if facts.id == id:
                return facts
        raise KeyError(id)


def photo_of(files: RecordFiles, record: Record) -> ImageRgb:
    """The pixels of a record's photograph.

    Raises InputError for one that cannot be read or does not have the record's size.
    """
    photo = read_photo(files.image)
    _check_size((photo.shape[1], photo.shape[0]), files, record)
    return photo


def _check_size(size_wh: tuple[int, int], files: RecordFiles, record: Record) -> None:
    if size_wh != (record.photo.width, record.photo.height):
        raise InputError(
            f"{files.image.name} is {size_wh[0]} × {size_wh[1]} pixels, but the record "
            f"{record.id} says {record.photo.width} × {record.photo.height}"
        )


def measure_record(files: RecordFiles, record: Record) -> Scene:
    """The scene of a record, from its photograph and masks.

    Raises InputError for a photograph or mask that cannot be read or does not have the record's
    size, and for a segment whose mask holds no pixel.
    """
    width, height = photo_size_wh(files.image)
    _check_size((width, height), files, record)
    masked = {s.id: s.mask for s in record.segments if s.mask is not None}
    if files.panoptic is not None and masked and len(set(masked.values())) == len(masked):
        regions = _of_map(files, record, masked)
    else:
        regions = _of_masks(files, record)
    return Scene(
        (width, height),
        tuple(regions[s.id] if s.id in regions else _of_box(s, record) for s in record.segments),
    )


def _check_mask(shape_hw: tuple[int, ...], id: int, record: Record) -> None:
    width, height = record.photo.width, record.photo.height
    if shape_hw != (height, width):
        raise InputError(
            f"the mask of segment {id} of {record.id} is {shape_hw[1]} × {shape_hw[0]} pixels, its "
            f"photograph {width} × {height}"
        )


def _of_map(
    files: RecordFiles, record: Record, masked: Mapping[int, int]
) -> dict[int, RegionFacts]:
    """The masked segments of a panoptic map, by id; ``masked`` are their keys in it."""
    ids = files.ids()
    _check_mask(ids.shape, next(iter(masked)), record)
    regions = RegionMap(ids, list(masked.values()))
    missing = regions.missing()
    if missing:
        raise InputError(f"{files.panoptic} has no pixel of segment {missing[0]}")
    standings = regions.standings()
    by_key = {key: id for id, key in masked.items()}
    looks = Looks(
        files,
        record,
        {
            id: functools.partial(regions.cut, key, standings[key].box_xyxy)
            for id, key in masked.items()
        },
    )
    return {
        id: RegionFacts(
            id=id,
            category=record.segment(id).category.name,
            isthing=record.segment(id).isthing,
            iscrowd=record.segment(id).iscrowd,
            box_xyxy=standings[key].box_xyxy,
            area_px=standings[key].area_px,
            centre_xy=standings[key].centre_xy,
            edges=standings[key].edges,
            frame_edges=standings[key].frame_edges,
            contacts={by_key[other]: n for other, n in standings[key].contacts.items()},
            looks=looks,
        )
        for id, key in masked.items()
    }


def _of_masks(files: RecordFiles, record: Record) -> dict[int, RegionFacts]:
    """The masked segments whose masks may overlap, by id."""
    cuts: dict[int, Cut] = {}
    for segment in record.segments:
        if segment.mask is None:
            continue
        mask = files.masks([segment.mask])[segment.mask]
        _check_mask(mask.shape, segment.id, record)
        x1, y1, x2, y2 = (int(v) for v in box_of(mask))
        if x2 == x1:
            raise InputError(f"the mask of segment {segment.id} of {record.id} holds no pixel")
        cuts[segment.id] = Cut(x1, y1, mask[y1:y2, x1:x2].copy())
    looks = Looks(files, record, {id: functools.partial(cuts.__getitem__, id) for id in cuts})
    size_wh = (record.photo.width, record.photo.height)
    return {s.id: _of_mask(s, cuts, looks, size_wh) for s in record.segments if s.id in cuts}


def _of_mask(
    segment: Segment, cuts: Mapping[int, Cut], looks: Looks, size_wh: tuple[int, int]
) -> RegionFacts:
    cut = cuts[segment.id]
    moments = moments_of(cut.mask)
    ys, xs, frame_edges = cut.outer_pixels(size_wh)
    neighbours = [(id, other) for id, other in cuts.items() if id != segment.id and cut.near(other)]
    contacts = {id: int(other.at(ys, xs).sum()) for id, other in neighbours}
    overlaps = {id: cut.shared_px(other) / moments.area for id, other in neighbours}
    return RegionFacts(
        id=segment.id,
        category=segment.category.name,
        isthing=segment.isthing,
        iscrowd=segment.iscrowd,
        box_xyxy=cut.box_xyxy,
        area_px=moments.area,
        centre_xy=(cut.x + moments.x + 0.5, cut.y + moments.y + 0.5),
        edges=len(ys),
        frame_edges=frame_edges,
        contacts={id: n for id, n in contacts.items() if n},
        overlaps={id: share for id, share in overlaps.items() if share},
        looks=looks,
    )


def _of_box(segment: Segment, record: Record) -> RegionFacts:
    width, height = record.photo.width, record.photo.height
    box = intersection(segment.box_xyxy, (0, 0, width, height))
    if box is None:
        raise InputError(
            f"the box {segment.box_xyxy!r} of segment {segment.id} of {record.id} lies "
            f"outside its photograph of {width} × {height} pixels"
        )
    return RegionFacts(
        id=segment.id,
        category=segment.category.name,
        isthing=segment.isthing,
        iscrowd=segment.iscrowd,
        box_xyxy=box,
        area_px=round((box[2] - box[0]) * (box[3] - box[1])),
        centre_xy=((box[0] + box[2]) / 2, (box[1] + box[3]) / 2),
    )
