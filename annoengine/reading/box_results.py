"""Lists COCO detection results by image: a JSON list of boxes beside the file of their images.

A result is ``{"image_id": 7, "category_id": 1, "bbox": [x, y, width, height], "score": 0.9}``, as
COCO's evaluation takes them; images and categories are those of a COCO annotation file. Results
stay in their file: only where each lies is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from annoengine.errors import InputError, RecordFailed
from annoengine.reading.annotation_index import AnnotationIndex
from annoengine.reading.box_rows import ListedBox, score_of
from annoengine.reading.coco_json import ImageIndex, is_whole, licences_of, shown, text_of
from annoengine.reading.json_slices import SliceReader, Slices, parsed, value_of
from annoengine.reading.listed_box import read_box
from annoengine.reading.panoptic_annotation import Categories
from annoengine.record import Licence

_RESULTS = "COCO detection results are a JSON list of objects with image_id, category_id, bbox"
_LISTING = "a COCO annotation file is a JSON object with 'images' and 'categories'"


class Result(NamedTuple):
    """What a source's entry carries of a result: its place, its text, its category if known."""

    place: int
    text: str
    name: str | None
    isthing: bool


class BoxResults:
    """The results of a file, by image. Reads both files when it is made; raises InputError."""

    def __init__(self, results: Path, listing: Path) -> None:
        self._path = results
        self._index = AnnotationIndex()
        self.images = ImageIndex(listing)
        others: dict[str, list[Any]] = {"licenses": [], "categories": []}
        slices = Slices(listing, frozenset({"images", *others}), _LISTING)
        for slice in slices:
            value = parsed(listing, slice.raw, slice.start)
            if slice.array == "images":
                self.images.add(value)
            else:
                others[slice.array].append(value)
        for name in ("images", "categories"):
            if not slices.counts.get(name):
                raise InputError(f"{listing} has no {name}; {_LISTING}")
        self.images.seal()
        self.licences: Mapping[int, Licence] = licences_of(others["licenses"], listing)
        self._categories = Categories(others["categories"], listing)
        for slice in Slices(results, None, _RESULTS):
            value = parsed(results, slice.raw, slice.start)
            self._index.add(slice, _image_id_of(value, slice.position, results), value)
        self._index.seal()

    @property
    def categories(self) -> int:
        """How many categories there are."""
        return len(self._categories)

    def count(self, image_id: str) -> int:
        """How many results an image has."""
        return len(self._index.of(image_id))

    def of(self, image_id: str, reader: SliceReader) -> list[Result]:
        """The results of an image, in the file's order."""
        return [self._result(place, reader) for place in self._index.of(image_id)]

    def _result(self, place: int, reader: SliceReader) -> Result:
        found = self._categories.find(self._index.category_of(place))
        text = self._index.read(reader, place)
        if found is None:
            return Result(place, text, None, True)
        return Result(place, text, found[0], found[1] is not False)

    def unlisted(self, reader: SliceReader) -> Iterator[tuple[str, list[int]]]:
        """Images that results name, never asked for with :meth:`of`, and the results' places."""
        for places in self._index.never_asked():
            value = value_of(self._index.read(reader, places[0]).encode())
            yield text_of(str(value["image_id"])) or "", places


def _image_id_of(value: Any, place: int, path: Path) -> str:
    id = value.get("image_id") if isinstance(value, dict) else None
    if not (is_whole(id) or (isinstance(id, str) and id)):
        raise InputError(
            f"{path}: [{place}] has the image_id {shown(id)}; a whole number or a text is needed. "
            f"{_RESULTS}"
        )
    return text_of(str(id)) or ""


def box_of_result(
    result: Result, where: str, categories: int, size_wh: tuple[int, int]
) -> ListedBox:
    """The box of a result. Raises RecordFailed: ``box`` or ``category``."""
    try:
        value = value_of(result.text.encode())
    except ValueError as error:
        raise RecordFailed("box", f"{where}: it cannot be read: {error}") from None
    id = value.get("category_id")
    if result.name is None:
        raise RecordFailed(
            "category",
            f"{where}: the category id {shown(id)} is not among the {categories} in 'categories'",
        )
    if value.get("bbox") is None and value.get("segmentation") is not None:
        raise RecordFailed(
            "box", f"{where}: it has a segmentation and no bbox; boxes are read here"
        )
    try:
        box_xyxy = read_box(value.get("bbox"), "xywh", size_wh)
    except ValueError as error:
        raise RecordFailed("box", f"{where}: {error}") from None
    return ListedBox(box_xyxy, result.name, id, result.isthing, score_of(value, where))
