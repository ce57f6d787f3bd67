"""The ``images`` and ``categories`` of a COCO file as a validator reads them: nothing raises.

What is wrong with an entry becomes a finding, and the entry is left out of the table. Ids are
compared as readers of COCO do, by value: 1 and "1" are two images.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from annoengine.errors import InputError
from annoengine.reading.coco_json import is_whole, shown, survey, text_of
from annoengine.reading.input_file import is_safe_path
from annoengine.validator import Code, Finding, Place

FILE_MALFORMED = Code("file-malformed", "error", "the file is no whole COCO annotation file")
ARRAY_MISSING = Code("array-missing", "error", "the file lacks an array that every reader needs")
IMAGE_MALFORMED = Code("image-malformed", "error", "entries of 'images' without an id or a name")
IMAGE_ID_TWICE = Code("image-id-twice", "error", "image ids that are used twice")
IMAGE_FILE_TWICE = Code("image-file-twice", "error", "images that name the same file")
IMAGE_SIZE_MISSING = Code("image-size-missing", "warning", "images without a width and height")
UNSAFE_PATH = Code("unsafe-path", "error", "file names that lead out of their folder")
CATEGORY_MALFORMED = Code(
    "category-malformed", "error", "entries of 'categories' without an id or a name"
)
CATEGORY_ID_TWICE = Code("category-id-twice", "error", "category ids that are used twice")
ANNOTATION_MALFORMED = Code(
    "annotation-malformed", "error", "annotations without what every reader needs"
)
IMAGE_MISSING = Code("image-missing", "error", "annotations of images that are not in 'images'")
CATEGORY_UNKNOWN = Code("category-unknown", "error", "category ids that are not in 'categories'")
ISCROWD_MALFORMED = Code("iscrowd-malformed", "error", "iscrowd is neither 0 nor 1")

CODES = (
    FILE_MALFORMED,
    ARRAY_MISSING,
    IMAGE_MALFORMED,
    IMAGE_ID_TWICE,
    IMAGE_FILE_TWICE,
    IMAGE_SIZE_MISSING,
    UNSAFE_PATH,
    CATEGORY_MALFORMED,
    CATEGORY_ID_TWICE,
    ANNOTATION_MALFORMED,
    IMAGE_MISSING,
    CATEGORY_UNKNOWN,
    ISCROWD_MALFORMED,
)

ImageId = int | str

_MOST_PX = 1 << 31


class ListedImage(NamedTuple):
    """An entry of ``images``: its place in the array, and what a check needs of it."""

    position: int
    id: ImageId
    file_name: str | None
    size_wh: tuple[int, int] | None


class ListedCategory(NamedTuple):
    """An entry of ``categories``; ``isthing`` is None where it does not say."""

    name: str
    isthing: bool | None


class CocoTables:
    """Both tables, filled by :meth:`read`; ``findings`` is what was wrong with them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.name
        self.findings: list[Finding] = []
        self.categories: dict[int, ListedCategory] = {}
        self.counts: dict[str, int] = {}
        self._images: dict[ImageId, ListedImage] = {}
        self._by_file: dict[str, ImageId] = {}

    def read(self, annotation: Any) -> bool:
        """Reads both, and hands each annotation to a function, in one pass.

        False where nothing more can be checked: the file is malformed or lacks ``images`` or
        ``annotations``.
        """
        place = Place(self.file)
        try:
            self.counts = survey(
                self.path,
                {
                    "images": self._add_image,
                    "categories": self._add_category,
                    "annotations": annotation,
                },
            )
        except InputError as error:
            self.findings.append(FILE_MALFORMED.at(place, str(error)))
            return False
        missing = [n for n in ("images", "annotations", "categories") if n not in self.counts]
        self.findings += [ARRAY_MISSING.at(place, f"there is no array {n!r}") for n in missing]
        return "images" not in missing and "annotations" not in missing

    def __len__(self) -> int:
        return len(self._images)

    def __iter__(self) -> Iterator[ListedImage]:
        return iter(self._images.values())

    def image(self, id: Any) -> ListedImage | None:
        """The image of an id, or None."""
        return self._images.get(id) if is_image_id(id) else None

    def why_missing(self, id: ImageId) -> str:
        """A sentence on an image that is not in the table."""
        other: ImageId = str(id)
        if isinstance(id, str):
            digits = id.isascii() and id.isdigit() and len(id) < 19
            other = int(id) if digits else id
        if other != id and other in self._images:
            return (
                f"'images' has {other!r} but not {id!r}; readers take a number and a text for "
                "two images"
            )
        return f"there is no image {id!r} in 'images'"

    def _add_image(self, entry: Any) -> None:
        position = self.counts.get("images", 0)
        self.counts["images"] = position + 1
        id = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not is_image_id(id):
            what = f"it has the id {shown(id)}" if isinstance(entry, dict) else "it is no object"
            message = f"images[{position}]: {what}; a whole number or a text is needed"
            self.findings.append(IMAGE_MALFORMED.at(Place(self.file), message))
            return
        name = text_of(entry.get("file_name"))
        if isinstance(id, str):
            id = text_of(id) or ""
        place = Place(self.file, id, name)
        if id in self._images:
            message = (
                f"images[{position}] has the id of images[{self._images[id].position}]; "
                "only the earlier one is looked at"
            )
            self.findings.append(IMAGE_ID_TWICE.at(place, message))
            return
        width, height = entry.get("width"), entry.get("height")
        size_wh = (width, height) if _is_size(width) and _is_size(height) else None
        image = ListedImage(position, id, name, size_wh)
        self._images[id] = image
        if not name:
            given = shown(entry.get("file_name"))
            message = f"images[{position}] has the file_name {given}"
            self.findings.append(IMAGE_MALFORMED.at(place, message))
        elif not is_safe_path(name):
            message = f"the file_name {name!r} of the photograph leads out of its folder"
            self.findings.append(UNSAFE_PATH.at(place, message))
        elif name in self._by_file:
            message = f"{name!r} is the file of image {self._by_file[name]!r} as well"
            self.findings.append(IMAGE_FILE_TWICE.at(place, message))
        else:
            self._by_file[name] = id
        if size_wh is None:
            message = f"its width is {shown(width)} and its height {shown(height)}"
            self.findings.append(IMAGE_SIZE_MISSING.at(place, message))

    def _add_category(self, entry: Any) -> None:
        position = self.counts.get("categories", 0)
        self.counts["categories"] = position + 1
        id = entry.get("id") if isinstance(entry, dict) else None
        name = text_of(entry.get("name")) if isinstance(entry, dict) else None
        place = Place(self.file)
        if not is_whole(id) or not name:
            message = f"categories[{position}] has the id {shown(id)} and the name {shown(name)}"
            self.findings.append(CATEGORY_MALFORMED.at(place, message))
            return
        if id in self.categories:
            message = (
                f"the category id {id} is used by {self.categories[id].name!r} and by {name!r}"
            )
            self.findings.append(CATEGORY_ID_TWICE.at(place, message))
            return
        isthing = entry.get("isthing")
        self.categories[id] = ListedCategory(name, bool(isthing) if is_flag(isthing) else None)


def _is_size(value: Any) -> TypeGuard[int]:
    return is_whole(value) and 0 < value < _MOST_PX


def is_image_id(id: Any) -> TypeGuard[ImageId]:
    """May a value be the id of an image: a whole number, or a text that is not empty?"""
    return is_whole(id) or (isinstance(id, str) and bool(id))


def is_flag(value: Any) -> bool:
    """Is a value 0 or 1? True, False, 0.0 and 1.0 are taken for them, as readers do.

    >>> is_flag(1), is_flag(True), is_flag("1"), is_flag(None)
    (True, True, False, False)
    """
    return isinstance(value, int | float) and value in (0, 1)


class _Enough(Exception):
    """So many entries were wanted."""


def first_annotations(path: Path, n: int) -> list[Any]:
    """The first entries of a file's ``annotations``, up to n; none where they cannot be had."""
    entries: list[Any] = []

    def take(entry: Any) -> None:
        entries.append(entry)
        if len(entries) == n:
            raise _Enough

    with suppress(_Enough, InputError):
        survey(path, {"annotations": take})
    return entries


def first_annotation(path: Path) -> Any:
    """The first entry of a file's ``annotations``, or None."""
    if not path.is_file():
        return None
    status = path.stat()
    return _first(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _first(path: Path, size: int, changed_ns: int) -> Any:
    """Kept by the file's size and time, since every validator asks for it."""
    return next(iter(first_annotations(path, 1)), None)
