"""Reads the Parquet dataset that ``huggingface`` exports: its files by split, and its rows.

A few rows are held at a time, with their pictures as the bytes of their files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.reading.parquet_file import batches_of, opened_parquet

_FILE = re.compile(r"(\w+(?:\.\w+)*)-(\d{5})-of-(\d{5})\.parquet")
_BATCH_ROWS = 8
NEEDED = ("image", "caption", "spans", "mask", "segments")
"""The columns without which a file is none of this dataset."""


@dataclass(frozen=True)
class TableRow:
    """One row: its file, its place in there, and its values by column.

    A picture is ``{"bytes", "path"}``; a struct is a dict, a list a list, and null None.
    """

    file: Path
    position: int
    values: Mapping[str, Any]


def table_files(folder: Path) -> dict[str, list[Path]]:
    """The files of each split, in their order: those in ``data`` below the folder.

    Raises InputError where there is none, or one of a numbered set is missing.
    """
    found: dict[str, dict[int, Path]] = {}
    totals: dict[str, int] = {}
    for file in sorted((folder / "data").glob("*.parquet")):
        matched = _FILE.fullmatch(file.name)
        if matched is None:
            continue
        split, number, total = matched[1], int(matched[2]), int(matched[3])
        if totals.setdefault(split, total) != total:
            raise InputError(f"{file} is one of {total}, others of {split!r} of {totals[split]}")
        found.setdefault(split, {})[number] = file
    if not found:
        raise InputError(f"{folder} has no data/SPLIT-00000-of-0000N.parquet")
    for split, files in found.items():
        for number in range(totals[split]):
            if number not in files:
                name = f"{split}-{number:05}-of-{totals[split]:05}.parquet"
                raise InputError(f"{folder / 'data'} lacks {name}; get it too")
    return {split: [files[n] for n in sorted(files)] for split, files in found.items()}


def read_rows(file: Path) -> Iterator[TableRow]:
    """The rows of one file. Raises InputError for a file that is none, or lacks columns."""
    with opened_parquet(file, "a dataset's parquet files") as parquet:
        names = parquet.schema_arrow.names
        for column in NEEDED:
            if column not in names:
                raise InputError(
                    f"{file} has no column {column!r}, only {', '.join(names) or 'none'}"
                )
        position = 0
        for batch in batches_of(parquet, names, _BATCH_ROWS):
            for values in batch.to_pylist():
                yield TableRow(file, position, values)
                position += 1
