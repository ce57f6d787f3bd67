"""COCONut's annotations as JSON, in the three forms that are about.

A COCO panoptic file (as its download script writes; the categories may be missing), a bare list
of annotation records, and one file for each image with a bare list of segments, all in a folder
(as COCONut-XL has them) or a single one.
Source: bytedance/coconut_cvpr2024, download_coconut.py, tutorials/tools/merge_coconut.py and
tutorials/visualization/demo_segments_info.json.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.reading.coco_json import (
    DEEPEST,
    Fields,
    ImageIndex,
    items,
    licences_of,
    survey,
    survey_array,
    text_of,
)
from annoengine.reading.coconut_listing import (
    EachOnce,
    Listed,
    Listing,
    id_of_stem,
    id_text,
    stem_of,
)
from annoengine.reading.json_file import open_json
from annoengine.reading.panoptic_annotation import Categories, image_id_of

_MOST_BYTES = 1 << 26
"""The largest file of one image's segments that is read; the published ones have some 5 KB."""


class PanopticListing(Listing):
    """A COCO panoptic file: images and annotations, perhaps categories and licences."""

    def __init__(self, path: Path, coco: Categories) -> None:
        super().__init__(path)
        self._names: set[str] = set()
        self._index = ImageIndex(path)
        categories: list[Any] = []
        licences: list[Any] = []

        def add_image(entry: Any) -> None:
            self._index.add(entry)
            name = text_of(entry.get("file_name"))
            if name:
                self._names.add(name.rpartition("/")[2])

        counts = survey(
            path,
            {
                "images": add_image,
                "categories": categories.append,
                "licenses": licences.append,
                "annotations": None,
            },
        )
        for name in ("images", "annotations"):
            if not counts.get(name):
                what = "is empty" if name in counts else "is missing"
                raise InputError(f"{path}: the array {name!r} {what}; is it a panoptic file?")
        self._index.seal()
        self.licences = licences_of(licences, path)
        self.categories = Categories(categories, path) if categories else coco

    def photo_names(self) -> Container[str] | None:
        """The base names in ``images``."""
        return self._names

    def listed(self, masks_of: Container[int] | None = None) -> Iterator[Listed]:
        """The annotations in their order, each with its image."""
        once = EachOnce(self.path)
        for position, annotation in enumerate(items(self.path, "annotations")):
            image_id = image_id_of(annotation, position, self.path)
            once.add(image_id, f"annotations[{position}]")
            found = self._index.find(image_id)
            where = f"{self.path.name}: annotations[{position}], image {image_id}"
            trouble = "" if found else f"{where}: there is no such image in 'images'"
            row = found[1] if found else None
            yield Listed(image_id, where, annotation, row, "", trouble=trouble)

    def unannotated(self, seen: Container[str]) -> Iterable[str]:
        """The images without an annotation, in their order."""
        ids = (self._index.row(position)["id"] for position in range(len(self._index)))
        return (id for id in ids if id not in seen)


class RecordsListing(Listing):
    """A bare list of annotation records: file_name, image_id, segments_info."""

    def __init__(self, path: Path, coco: Categories) -> None:
        super().__init__(path)
        self.categories = coco

    def listed(self, masks_of: Container[int] | None = None) -> Iterator[Listed]:
        """The records in their order."""
        once = EachOnce(self.path)
        for position, annotation in enumerate(items(self.path, "")):
            place = f"[{position}]"
            if not isinstance(annotation, dict):
                raise InputError(f"{self.path}: {place} is no object")
            stem = stem_of(text_of(annotation.get("file_name")))
            image_id = id_text(annotation.get("image_id")) or id_of_stem(stem)
            if not image_id:
                raise InputError(f"{self.path}: {place} has no 'image_id'")
            once.add(image_id, place)
            where = f"{self.path.name}: {place}, image {image_id}"
            trouble = "" if stem else f"{where}: it has no 'file_name'"
            told = id_of_stem(stem)
            if told != stem and told != image_id:
                trouble = (
                    f"{where}: its mask is {annotation['file_name']!r}, which is of COCO's "
                    f"image {told}"
                )
            yield Listed(image_id, where, annotation, None, stem, trouble=trouble)


class FilesListing(Listing):
    """A file for each image, with a bare list of its segments or its annotation record."""

    def __init__(self, path: Path, files: Sequence[Path], coco: Categories) -> None:
        super().__init__(path)
        self._files = files
        self.categories = coco

    def files(self) -> Sequence[Path]:
        """The files, by name."""
        return self._files

    def listed(self, masks_of: Container[int] | None = None) -> Iterator[Listed]:
        """The files in order of their names; one that cannot be read is trouble of its own."""
        once = EachOnce(self.path)
        for file in self._files:
            stem = file.stem
            image_id = id_of_stem(stem)
            once.add(image_id, file.name)
            where = f"{file.name}: image {image_id}"
            try:
                value = _read(file)
            except InputError as error:
                words = str(error).replace(str(file), file.name)
                yield Listed(image_id, where, {}, None, stem, trouble=words)
                continue
            annotation = value if isinstance(value, dict) else {"segments_info": value}
            named = text_of(annotation.get("file_name"))
            trouble = ""
            if named and stem_of(named) != stem:
                trouble = f"{where}: it names the mask {named!r}, which is of another image"
            yield Listed(image_id, where, annotation, None, stem, trouble=trouble)


def json_listing(path: Path, coco: Categories) -> Listing:
    """The listing of a JSON file, or of a folder of them. ``coco``: categories of a file without.

    Raises InputError for what is in none of the forms.
    """
    if path.is_dir():
        files = sorted(f for f in path.glob("*.json") if not f.name.startswith("."))
        if not files:
            raise InputError(f"{path} has no JSON and no parquet file in it")
        return FilesListing(path, files, coco)
    entries = survey_array(path)
    if entries < 0:
        return PanopticListing(path, coco)
    if not entries:
        raise InputError(f"{path} is an empty list")
    first = next(iter(items(path, "")))
    if isinstance(first, dict) and "segments_info" not in first and "category_id" in first:
        return FilesListing(path, [path], coco)
    return RecordsListing(path, coco)


def _read(file: Path) -> Any:
    """A small JSON file. Raises InputError naming it, also for a key that comes twice."""

    def refuse(word: str) -> Any:
        raise ValueError(f"{word} is no number in JSON; write null")

    def collect(pairs: list[tuple[str, Any]]) -> Fields:
        fields = Fields()
        for key, value in pairs:
            fields[key] = value
        return fields

    with open_json(file) as opened:
        data = opened.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InputError(f"{file} has more than {_MOST_BYTES} bytes, for one image's segments")
    try:
        return json.loads(data, object_pairs_hook=collect, parse_constant=refuse)
    except RecursionError:
        raise InputError(f"{file} nests lists or objects more than {DEEPEST} levels deep") from None
    except ValueError as error:
        raise InputError(f"{file}: not valid JSON: {error}") from None
