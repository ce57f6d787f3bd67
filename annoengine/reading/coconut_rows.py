"""COCONut's annotations as parquet, as Hugging Face keeps them: one row for each image.

The columns are ``mask`` (an image feature: the PNG's bytes), ``segments_info`` (a whole panoptic
annotation record) and ``image_info`` (COCO's image record, without its ``flickr_url``).
Source: the dataset cards of xdeng77/coconut_s, coconut_b and relabeled_coco_val, and
bytedance/coconut_cvpr2024, download_coconut.py.
Rows are read a few at a time, and the masks only of the rows that are chosen.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.reading.coco_json import image_row, text_of
from annoengine.reading.coconut_listing import EachOnce, Listed, Listing, id_text, stem_of
from annoengine.reading.panoptic_annotation import Categories
from annoengine.reading.parquet_file import batches_of, opened_parquet
from annoengine.record import Licence

_COLUMNS = {"mask": (), "segments_info": ("segments_info",), "image_info": ("file_name", "id")}
"""The columns, each with the fields that must be in its structs."""
_BATCH_ROWS = 64
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.parquet")
"""How Hugging Face names the files of a split: train-00000-of-00004.parquet."""

_CC = "http://creativecommons.org/licenses"
COCO_LICENCES: Mapping[int, Licence] = {
    licence.id: licence
    for licence in (
        Licence(
            id=1,
            name="Attribution-NonCommercial-ShareAlike License",
            url=f"{_CC}/by-nc-sa/2.0/",
        ),
        Licence(id=2, name="Attribution-NonCommercial License", url=f"{_CC}/by-nc/2.0/"),
        Licence(
            id=3, name="Attribution-NonCommercial-NoDerivs License", url=f"{_CC}/by-nc-nd/2.0/"
        ),
        Licence(id=4, name="Attribution License", url=f"{_CC}/by/2.0/"),
        Licence(id=5, name="Attribution-ShareAlike License", url=f"{_CC}/by-sa/2.0/"),
        Licence(id=6, name="Attribution-NoDerivs License", url=f"{_CC}/by-nd/2.0/"),
        Licence(
            id=7,
            name="No known copyright restrictions",
            url="http://flickr.com/commons/usage/",
        ),
        Licence(
            id=8, name="United States Government Work", url="http://www.usa.gov/copyright.shtml"
        ),
    )
}
"""What the licence ids of COCO's photographs mean; the rows give the ids alone.

Source: ``licenses`` of COCO's 2017 annotation files.
"""


def parquet_files(path: Path) -> list[Path]:
    """The parquet files of an input: itself, or those in the folder or its folder ``data``.

    Empty where there is none. Raises InputError where files of a numbered set are missing.
    """
    if path.is_file():
        return [path] if path.suffix.lower() == ".parquet" else []
    found: list[Path] = []
    for folder in (path, path / "data"):
        if not found and folder.is_dir():
            found = sorted(f for f in folder.glob("*.parquet") if not f.name.startswith("."))
    numbers: dict[tuple[str, int], set[int]] = {}
    for file in found:
        shard = _SHARD.fullmatch(file.name)
        if shard:
            numbers.setdefault((shard[1], int(shard[3])), set()).add(int(shard[2]))
    for (name, total), there in numbers.items():
        missing = [number for number in range(total) if number not in there]
        if missing:
            raise InputError(
                f"{found[0].parent} lacks {len(missing)} of {total} files, the first "
                f"{name}-{missing[0]:05}-of-{total:05}.parquet; get them too, or give one file"
            )
    return found


class RowsListing(Listing):
    """The rows of some parquet files, one after another."""

    kind = "parquet row"

    def __init__(self, path: Path, files: Sequence[Path], coco: Categories) -> None:
        super().__init__(path)
        self._files = files
        self.categories = coco
        self.licences = COCO_LICENCES
        for file in files:
            with opened_parquet(file, "COCONut's parquet files") as parquet:
                _check_columns(file, parquet.schema_arrow)

    def files(self) -> Sequence[Path]:
        """The parquet files, by name."""
        return self._files

    def photo_names(self) -> Container[str] | None:
        """The base names in ``image_info``."""
        names: set[str] = set()
        for file in self._files:
            with opened_parquet(file, "COCONut's parquet files") as parquet:
                for batch in _batches(parquet, ["image_info.file_name"]):
                    infos = batch["image_info"].to_pylist()
                    found = (text_of((info or {}).get("file_name")) for info in infos)
                    names.update(name.rpartition("/")[2] for name in found if name)
        return names

    def listed(self, masks_of: Container[int] | None = None) -> Iterator[Listed]:
        """The rows in their order."""
        once = EachOnce(self.path)
        position = 0
        for file in self._files:
            with opened_parquet(file, "COCONut's parquet files") as parquet:
                in_file = 0
                for group in range(parquet.num_row_groups):
                    rows = parquet.metadata.row_group(group).num_rows
                    positions = range(position, position + rows)
                    with_masks = masks_of is not None and any(p in masks_of for p in positions)
                    for at, (annotation, info, mask) in zip(
                        positions, _rows(parquet, group, with_masks), strict=True
                    ):
                        wanted = masks_of is not None and at in masks_of
                        yield _listed(file, in_file, annotation, info, mask, wanted, once)
                        in_file += 1
                    position += rows


def _check_columns(file: Path, schema: Any) -> None:
    for column, needed in _COLUMNS.items():
        if column not in schema.names:
            raise InputError(
                f"{file} has no column {column!r}; COCONut's files have {', '.join(_COLUMNS)}, "
                f"this one {', '.join(schema.names) or 'none'}"
            )
        kind = schema.field(column).type
        fields = {field.name for field in kind} if hasattr(kind, "fields") else set()
        lacking = [name for name in needed if name not in fields]
        if lacking:
            raise InputError(
                f"{file}: the column {column!r} is {str(kind)[:60]}; a struct with "
                f"{' and '.join(map(repr, needed))} is needed"
            )


def _listed(
    file: Path,
    row: int,
    annotation: Any,
    info: Any,
    mask: Any,
    mask_wanted: bool,
    once: EachOnce,
) -> Listed:
    place = f"{file.name}: row {row}"
    annotation = annotation if isinstance(annotation, dict) else {}
    info = info if isinstance(info, dict) else {}
    image_id = id_text(annotation.get("image_id")) or id_text(info.get("id"))
    if not image_id:
        raise InputError(f"{file}: row {row} has no 'image_id'")
    once.add(image_id, place)
    where = f"{place}, image {image_id}"
    given = id_text(info.get("id"))
    trouble = ""
    if not given:
        trouble = f"{where}: its image_info has no 'id'"
    data, path = (mask.get("bytes"), mask.get("path")) if isinstance(mask, dict) else (mask, None)
    if mask_wanted and not isinstance(data, bytes):
        trouble = f"{where}: it has no bytes of its mask"
        if path:
            trouble += f", only its path {path!r}; load and save the dataset with its images"
    image = image_row(info, given)
    stem = stem_of(image["file_name"])
    return Listed(
        image_id,
        where,
        annotation,
        image,
        stem,
        mask=data if mask_wanted and isinstance(data, bytes) else None,
        trouble=trouble,
    )


def _rows(parquet: Any, group: int, with_masks: bool) -> Iterator[tuple[Any, Any, Any]]:
    columns = ["segments_info", "image_info", *(["mask"] if with_masks else [])]
    for batch in _batches(parquet, columns, [group]):
        masks = batch["mask"].to_pylist() if with_masks else repeat(None, batch.num_rows)
        yield from zip(
            batch["segments_info"].to_pylist(), batch["image_info"].to_pylist(), masks, strict=True
        )


def _batches(parquet: Any, columns: list[str], groups: list[int] | None = None) -> Iterator[Any]:
    return batches_of(parquet, columns, _BATCH_ROWS, groups)
