"""The segments of all images of a panoptic file, packed, to be found by an image's name.

A caption stored beside the masks names its image by its file's name alone, in any order. About
eight bytes a segment and 250 an image are held; a dict of dicts would take fifty times that.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from annoengine.categories import UNNAMED
from annoengine.errors import InputError
from annoengine.grounded.known_segments import KnownSegment
from annoengine.reading.coco_json import is_whole, text_of
from annoengine.reading.coconut_json import json_listing
from annoengine.reading.coconut_listing import Listing, id_of_stem
from annoengine.reading.coconut_rows import RowsListing, parquet_files
from annoengine.reading.json_slices import Slices, first_byte, value_of
from annoengine.reading.panoptic_annotation import Categories
from annoengine.writing.panoptic_json import coco_categories

ImageId = int | str

_NO_CATEGORY = next(iter(sorted(UNNAMED)))
_WHAT = "a COCO panoptic file is an object with 'images' and 'annotations'"
_CROWD, _ABSENT = 1, 2


class IndexedImage(NamedTuple):
    """An image of the index: its place there, its id and its PNG as the file has them."""

    place: int
    id: ImageId
    png: str


class PackedSegment(NamedTuple):
    """A segment: its id, the place of its category in the table, and what is known of it."""

    id: int
    category: int
    flags: int

    @property
    def is_absent(self) -> bool:
        """Was it looked for in the PNG and not found?"""
        return bool(self.flags & _ABSENT)


class SegmentIndex:
    """The images of one panoptic file, parquet file or folder of either.

    ``problems`` are sentences on entries that could not be used; ``uncategorised`` counts the
    segments whose category is in no table, which fits every phrase.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []
        self.uncategorised = 0
        self.categories: list[str] = [_NO_CATEGORY]
        self._category_places: dict[int, int] = {}
        self._ids: list[ImageId] = []
        self._pngs: list[str] = []
        self._starts = array("Q", [0])
        self._segment_ids = array("I")
        self._segment_categories = array("H")
        self._segment_flags = array("B")
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[IndexedImage]:
        for place in range(len(self)):
            yield self.image(place)

    def image(self, place: int) -> IndexedImage:
        """The image at a place, in the order of the file."""
        return IndexedImage(place, self._ids[place], self._pngs[place])

    def find(self, key: str) -> IndexedImage | None:
        """The image of a key: the path of its PNG or photograph without the ending, or its name."""
        place = self._places.get(key)
        if place is None:
            place = self._places.get(PurePosixPath(key).name)
        return None if place is None or place < 0 else self.image(place)

    def segments(self, place: int) -> tuple[PackedSegment, ...]:
        """The segments of the image at a place, in the order of the file."""
        begin, end = self._starts[place], self._starts[place + 1]
        columns = (self._segment_ids, self._segment_categories, self._segment_flags)
        return tuple(map(PackedSegment, *(column[begin:end] for column in columns)))

    def mark_absent(self, place: int, ids: Sequence[int]) -> None:
        """Notes that the PNG of an image has no pixel of these segments."""
        for at in range(self._starts[place], self._starts[place + 1]):
            if self._segment_ids[at] in ids:
                self._segment_flags[at] |= _ABSENT

    def read(self) -> None:
        """Fills the index. Raises InputError for a file that cannot be read on."""
        files = parquet_files(self.path)
        coco = Categories(coco_categories(), self.path, "panoptic categories of COCO")
        if files:
            self._read_listing(RowsListing(self.path, files, coco))
        elif self.path.is_file() and first_byte(self.path) == b"{":
            self._read_object()
        else:
            self._read_listing(json_listing(self.path, coco))

    def _read_object(self) -> None:
        """A COCO panoptic file; its categories may come last, so they are put in at the end."""
        listed: dict[int, str] = {}
        for entry in Slices(self.path, {"annotations", "categories"}, _WHAT):
            value = self._value(entry.array, entry.position, entry.raw)
            if entry.array == "categories":
                if isinstance(value, dict) and is_whole(value.get("id")):
                    listed[value["id"]] = text_of(value.get("name")) or _NO_CATEGORY
            elif value is not None:
                self._add(value, f"annotations[{entry.position}]")
        if not listed:
            listed = {row["id"]: row["name"] for row in coco_categories()}
        self._name_categories(listed)

    def _value(self, array: str, position: int, raw: bytes) -> Any:
        try:
            return value_of(raw)
        except ValueError as error:
            self.problems.append(f"{array}[{position}]: {error}")
            return None

    def _read_listing(self, listing: Listing) -> None:
        listed: dict[int, str] = {}
        for one in listing.listed():
            if one.trouble and not one.annotation:
                self.problems.append(one.trouble)
                continue
            name = text_of(one.annotation.get("file_name"))
            if not name and one.row is not None:
                name = one.row["file_name"]
            annotation = {
                "image_id": int(one.image_id) if one.image_id.isdecimal() else one.image_id,
                "file_name": name or one.stem,
                "segments_info": one.annotation.get("segments_info"),
            }
            self._add(annotation, one.where)
        for id in self._category_places:
            found = listing.categories.find(id)
            if found is not None:
                listed[id] = found[0]
        self._name_categories(listed)

    def _add(self, annotation: Any, where: str) -> None:
        infos = annotation.get("segments_info") if isinstance(annotation, dict) else None
        if not isinstance(infos, list):
            self.problems.append(f"{where} has no list 'segments_info'")
            return
        id = annotation.get("image_id")
        name = text_of(annotation.get("file_name"))
        if not name and is_whole(id):
            name = f"{id:012}.png"
        if not name or not (is_whole(id) or isinstance(id, str)):
            self.problems.append(f"{where} has no image_id or no file_name")
            return
        path = PurePosixPath(name)
        place = len(self._ids)
        full = path.with_suffix("").as_posix()
        if full in self._places and full == path.stem:
            self.problems.append(f"{where} is a second one for {name!r}")
            return
        self._places[full] = place
        if path.stem != full:
            # A mere name stands for an image as long as no other has it.
            self._places[path.stem] = -1 if path.stem in self._places else place
        self._ids.append(id)
        # A record may name the photograph; its mask is called alike.
        self._pngs.append(name if path.suffix.lower() == ".png" else f"{full}.png")
        seen: set[int] = set()
        for at, info in enumerate(infos):
            own = info.get("id") if isinstance(info, dict) else None
            if not is_whole(own) or not 0 <= own < 1 << 32 or own in seen:
                self.problems.append(f"{where}: segments_info[{at}] has no id of its own")
                continue
            seen.add(own)
            self._segment_ids.append(own)
            self._segment_categories.append(self._category_place(info.get("category_id")))
            self._segment_flags.append(_CROWD if info.get("iscrowd") in (1, True) else 0)
        self._starts.append(len(self._segment_ids))

    def _category_place(self, id: Any) -> int:
        if not is_whole(id) or len(self.categories) > 0xFFFE:
            self.uncategorised += 1
            return 0
        place = self._category_places.get(id)
        if place is None:
            place = self._category_places[id] = len(self.categories)
            self.categories.append(_NO_CATEGORY)
        return place

    def _name_categories(self, names: Mapping[int, str]) -> None:
        unknown = set()
        for id, place in self._category_places.items():
            self.categories[place] = names.get(id, _NO_CATEGORY)
            if id not in names:
                unknown.add(place)
        if unknown:
            self.uncategorised += sum(place in unknown for place in self._segment_categories)


def known_segments(
    segments: Sequence[PackedSegment], categories: Sequence[str]
) -> dict[int, KnownSegment]:
    """What a judge of grounded captions knows of an image's segments; void is none.

    >>> known_segments([PackedSegment(3, 1, 0), PackedSegment(0, 1, 0)], ["region", "dog"])
    {3: KnownSegment(id=3, category='dog', isthing=True, iscrowd=False, area_share=1.0)}
    """
    return {
        segment.id: _known(segment.id, categories[segment.category], bool(segment.flags & _CROWD))
        for segment in segments
        if segment.id
    }


@lru_cache(maxsize=1 << 14)
def _known(id: int, category: str, iscrowd: bool) -> KnownSegment:
    return KnownSegment(id, category, iscrowd=iscrowd)


def image_id_of_key(key: str) -> ImageId:
    """The image id that a caption's key tells, for one of which nothing else is known.

    >>> image_id_of_key("000000000009"), image_id_of_key("a/scene_3")
    (9, 'scene_3')
    """
    told = id_of_stem(PurePosixPath(key).name)
    return int(told) if told.isdecimal() else told


def panoptic_beside(captions: Path) -> Path | None:
    """The panoptic file that an export has beside its captions, or None.

    ``caption_train2017.tar`` has ``panoptic_train2017.json``; a folder of the same name also may
    have it beside.
    """
    name = captions.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".parquet")
    names = []
    if name.startswith("caption_"):
        names.append(f"panoptic_{name.removeprefix('caption_')}.json")
    if name.endswith("_captions"):
        names.append(f"{name.removesuffix('_captions')}.json")
    found = (captions.parent / one for one in names)
    return next((path for path in found if path.is_file()), None)


def check_panoptic(path: Path) -> None:
    """Raises InputError for a path that was given as ``--panoptic`` and is not there."""
    if not path.exists():
        raise InputError(f"--panoptic {path} does not exist; name the panoptic JSON or parquet")
