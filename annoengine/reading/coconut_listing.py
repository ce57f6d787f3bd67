"""What COCONut's forms have in common: a listing gives each image's annotation, in file order.

The forms themselves are in ``coconut_json.py`` and ``coconut_rows.py``.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from annoengine.errors import InputError
from annoengine.reading.coco_json import ImageRow, is_whole, text_of
from annoengine.reading.panoptic_annotation import Categories
from annoengine.record import Licence

COCO_STEM_DIGITS = 12
"""COCO names its files by the image's id in so many digits: 000000000009.jpg is image 9."""


class Listed(NamedTuple):
    """One image as the annotation files have it.

    ``where`` says where that is. ``row`` is its image record, None where the form has none (then
    its photograph is the one of the name ``stem``). ``mask`` are the mask's own bytes, in the
    form that carries them. ``trouble`` says what is wrong with it as a whole.
    """

    image_id: str
    where: str
    annotation: Mapping[str, Any]
    row: ImageRow | None
    stem: str
    mask: bytes | None = None
    trouble: str = ""


class Listing:
    """One form of COCONut's annotations. Reading it may raise InputError."""

    kind = "JSON"
    """What holds the segments, as messages say it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.licences: Mapping[int, Licence] = {}
        self.categories: Categories = Categories((), path)

    def files(self) -> Sequence[Path]:
        """The annotation files, in a fixed order."""
        return [self.path]

    def photo_names(self) -> Container[str] | None:
        """Base names of the photographs; None where only their stems are known."""
        return None

    def listed(self, masks_of: Container[int] | None = None) -> Iterator[Listed]:
        """Every image in file order; masks only of those at the given positions.

        Raises InputError for an image that comes twice.
        """
        raise NotImplementedError

    def unannotated(self, seen: Container[str]) -> Iterable[str]:
        """Ids of images that the files list without an annotation; ``seen`` have one."""
        return ()


class EachOnce:
    """Refuses the second annotation of an image."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.ids: set[str] = set()

    def add(self, image_id: str, where: str) -> None:
        """Raises InputError where the image has been before."""
        if image_id in self.ids:
            raise InputError(
                f"{self._path}: {where} is a second one for image {image_id}; remove one of them"
            )
        self.ids.add(image_id)


def stem_of(name: str | None) -> str:
    """A file name without its suffix: the name that photograph and mask share.

    >>> stem_of("000000000009.png"), stem_of("patch16/objects365_v2_00908726.jpg")
    ('000000000009', 'objects365_v2_00908726')
    """
    return Path(name or "").stem


def id_of_stem(stem: str) -> str:
    """The image id that a file's stem tells: COCO's number, else the stem itself.

    >>> id_of_stem("000000000009"), id_of_stem("objects365_v2_00908726")
    ('9', 'objects365_v2_00908726')
    """
    is_number = len(stem) == COCO_STEM_DIGITS and stem.isascii() and stem.isdigit()
    return str(int(stem)) if is_number else stem


def id_text(value: Any) -> str:
    """An image id as text; "" for what is none."""
    return text_of(str(value)) or "" if is_whole(value) or isinstance(value, str) else ""


def wrong_image(image_id: str, row: ImageRow, mask_name: str | None) -> str:
    """Why an annotation belongs to another image than it says, or "".

    COCONut names photograph and mask alike, and COCO's photographs by their id.
    """
    stem = stem_of(row["file_name"])
    if mask_name and stem and stem_of(mask_name) != stem:
        return (
            f"its mask is {mask_name!r}, its photograph {row['file_name']!r}; "
            "one of the two is of another image"
        )
    if row["id"] != image_id:
        return f"its image record has the id {row['id']}"
    told = id_of_stem(stem)
    if told != stem and told != image_id:
        return f"its photograph is {row['file_name']!r}, which is COCO's image {told}"
    return ""
