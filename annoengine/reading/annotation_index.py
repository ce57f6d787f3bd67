"""Finds the annotations of each image, which COCO instances files scatter over the whole file.

For each annotation it keeps where it lies in the file, whose it is, its id, its category and
whether it is a crowd, in 41 bytes, and 17 more to find it; the annotations stay in the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from annoengine.reading.coco_json import is_whole, text_hash
from annoengine.reading.json_slices import Slice, SliceReader


class AnnotationIndex:
    """Fill it with :meth:`add` in the file's order, then :meth:`seal` it; then it can be asked.

    Image ids are compared as text, as they are in a record's id.
    """

    def __init__(self) -> None:
        self._starts = array("Q")
        self._lengths = array("Q")
        self._images = array("Q")
        self._ids = array("q")
        """0 where it has none from 1 up."""
        self._categories = array("q")
        self._crowds = bytearray()
        self._order: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._sorted: NDArray[np.uint64] = np.zeros(0, dtype=np.uint64)
        self._asked: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._shared: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, slice: Slice, image_id: str, annotation: Mapping[str, Any]) -> None:
        """The next annotation."""
        id, category = annotation.get("id"), annotation.get("category_id")
        self._starts.append(slice.start)
        self._lengths.append(len(slice.raw))
        self._images.append(text_hash(image_id))
        self._ids.append(id if is_whole(id) and id > 0 else 0)
        self._categories.append(category if is_whole(category) else _NO_CATEGORY)
        self._crowds.append(annotation.get("iscrowd") == 1)

    def seal(self) -> None:
        """Makes the annotations findable."""
        images = np.frombuffer(self._images, dtype=np.uint64)
        # A stable sort keeps the annotations of an image in the file's order.
        self._order = np.argsort(images, kind="stable")
        self._sorted = images[self._order]
        self._asked = np.zeros(len(images), dtype=np.bool_)
        ids = np.sort(np.frombuffer(self._ids, dtype=np.int64))
        twice = ids[1:][ids[1:] == ids[:-1]]
        values, more = np.unique(twice[twice > 0], return_counts=True)
        self._shared = dict(zip(values.tolist(), (more + 1).tolist(), strict=True))

    def of(self, image_id: str) -> list[int]:
        """Positions of an image's annotations, in the file's order."""
        first, last = self._range(text_hash(image_id))
        self._asked[first:last] = True
        positions: list[int] = self._order[first:last].tolist()
        return positions

    def _range(self, image: int) -> tuple[int, int]:
        wanted = np.uint64(image)
        first = int(np.searchsorted(self._sorted, wanted, "left"))
        return first, int(np.searchsorted(self._sorted, wanted, "right"))

    def count(self, image_id: str) -> int:
        """How many annotations of an image are no crowd."""
        return sum(1 for position in self.of(image_id) if not self._crowds[position])

    def never_asked(self) -> Iterator[list[int]]:
        """The annotations of each image that :meth:`of` was never asked for, by file order."""
        left = np.sort(self._order[~self._asked])
        images = np.frombuffer(self._images, dtype=np.uint64)
        _, firsts = np.unique(images[left], return_index=True)
        for position in np.sort(left[firsts]).tolist():
            first, last = self._range(self._images[position])
            yield self._order[first:last].tolist()

    def category_of(self, position: int) -> int | None:
        """The category id of an annotation, or None where it has none."""
        category = self._categories[position]
        return None if category == _NO_CATEGORY else category

    def uses_of(self, position: int) -> int:
        """How many annotations of the file have this one's id."""
        return self._shared.get(self._ids[position], 1)

    def read(self, reader: SliceReader, position: int) -> str:
        """The JSON text of an annotation."""
        return reader.read(self._starts[position], self._lengths[position]).decode("utf-8")


_NO_CATEGORY = -(1 << 63)
