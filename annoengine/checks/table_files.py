"""Checks the files of a table: their numbers, columns, features, and what the card says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from annoengine.checks.caption_rows import opened_parquet
from annoengine.errors import InputError
from annoengine.reading.coconut_rows import parquet_files
from annoengine.validator import Code, Finding, Place
from annoengine.writing.image_table import COLUMNS, arrow_schema
from annoengine.writing.parquet_shards import load_pyarrow

TABLE_UNREADABLE = Code("table-unreadable", "error", "parquet files that cannot be read")
FILES_MISSING = Code("files-missing", "error", "files of a split that are not there")
COLUMN_MISSING = Code("column-missing", "error", "columns that are not there")
COLUMN_DIFFERS = Code("column-differs", "error", "columns of another type")
FEATURES_MISSING = Code(
    "features-missing", "warning", "files without features, whose pictures load as bytes"
)
FEATURES_DIFFER = Code("features-differ", "error", "features of other columns than the file has")
CARD_MISSING = Code("card-missing", "warning", "there is no README.md with the dataset's card")
CARD_DIFFERS = Code("card-differs", "warning", "the card says something else than the files")

CODES = (
    TABLE_UNREADABLE,
    FILES_MISSING,
    COLUMN_MISSING,
    COLUMN_DIFFERS,
    FEATURES_MISSING,
    FEATURES_DIFFER,
    CARD_MISSING,
    CARD_DIFFERS,
)

_MARKS = ("image", "mask", "segments", "spans", "caption")
"""The columns by which the table is known."""
_SPLIT = re.compile(r"(.+)-\d{5}-of-\d{5}\.parquet")


def is_table(path: Path) -> bool:
    """Is a parquet file one of these, by its columns?"""
    try:
        with path.open("rb") as file:
            if file.read(4) != b"PAR1":
                return False
        with opened_parquet(path) as parquet:
            return set(_MARKS) <= set(parquet.schema_arrow.names)
    except (InputError, OSError):
        return False


def table_files(path: Path) -> list[Path]:
    """The parquet files at a path, also of a set of which some are missing."""
    try:
        return parquet_files(path)
    except InputError:
        folders = [folder for folder in (path, path / "data") if folder.is_dir()]
        return [file for folder in folders for file in sorted(folder.glob("*.parquet"))]


def missing_files(path: Path) -> Iterator[Finding]:
    """The files of a numbered set that are not there."""
    try:
        parquet_files(path)
    except InputError as error:
        yield FILES_MISSING.at(Place(path.name), str(error))


def schema_findings(file: Path, parquet: Any) -> Iterator[Finding]:
    """What is wrong with a file's columns and features."""
    place = Place(file.name)
    wanted, given = arrow_schema(load_pyarrow()[0]), parquet.schema_arrow
    for name in COLUMNS:
        if name not in given.names:
            yield COLUMN_MISSING.at(place, f"there is no column {name!r}")
        elif not given.field(name).type.equals(wanted.field(name).type):
            message = f"the column {name!r} is {given.field(name).type}"
            yield COLUMN_DIFFERS.at(place, message)
    try:
        told = orjson.loads((given.metadata or {}).get(b"huggingface", b"null"))
        features = told["info"]["features"] if told is not None else None
    except (orjson.JSONDecodeError, TypeError, KeyError):
        features = {}
    if features is None:
        yield FEATURES_MISSING.at(place, "its metadata have no 'huggingface'")
    elif not isinstance(features, Mapping) or set(features) != set(given.names):
        yield FEATURES_DIFFER.at(place, "the features in its metadata are not of its columns")


def split_of(file: Path) -> str:
    """The split that a file's name tells.

    >>> split_of(Path("data/train-00000-of-00002.parquet"))
    'train'
    """
    matched = _SPLIT.fullmatch(file.name)
    return matched[1] if matched else file.stem


def card_findings(folder: Path, rows: Mapping[str, int]) -> Iterator[Finding]:
    """What the card says of the splits and their rows, beside what the files have."""
    path = folder / "README.md"
    place = Place(path.name)
    if not path.is_file():
        yield CARD_MISSING.at(place, f"{folder} has none")
        return
    text = path.read_text("utf-8", errors="replace")
    parts = text.split("---\n", 2)
    try:
        head = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    except yaml.YAMLError:
        head = None
    if not isinstance(head, dict):
        yield CARD_DIFFERS.at(place, "it does not begin with YAML between two lines '---'")
        return
    info = head.get("dataset_info")
    listed = info.get("splits") if isinstance(info, dict) else None
    for entry in listed if isinstance(listed, list) else ():
        name, n = (entry.get("name"), entry.get("num_examples")) if entry else (None, None)
        if rows.get(str(name)) != n:
            message = f"the split {name!r} has {rows.get(str(name), 0)} rows, the card says {n}"
            yield CARD_DIFFERS.at(place, message)
    configs = head.get("configs")
    told = {
        str(one.get("split"))
        for config in (configs if isinstance(configs, list) else ())
        for one in (config.get("data_files") or () if isinstance(config, dict) else ())
        if isinstance(one, dict)
    }
    for name in rows:
        if told and name not in told:
            yield CARD_DIFFERS.at(place, f"the card does not name the files of {name!r}")
