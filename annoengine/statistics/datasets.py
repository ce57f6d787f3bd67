"""Finds out by its content what a dataset is, and opens it to be counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from annoengine.checks.caption_files import first_members, is_tar
from annoengine.checks.caption_rows import has_caption_rows
from annoengine.checks.segment_index import check_panoptic
from annoengine.errors import InputError
from annoengine.reading.coconut_rows import parquet_files
from annoengine.reading.json_file import open_json
from annoengine.reading.json_slices import Slices, first_byte, parsed
from annoengine.registry import did_you_mean
from annoengine.run_folder import RUNS, is_run
from annoengine.statistics.inputs import lists
from annoengine.statistics.inputs.panoptic import PanopticCaptions
from annoengine.statistics.inputs.runs import RunRecords
from annoengine.statistics.inputs.stored_texts import StoredTexts
from annoengine.statistics.inputs.tables import TableCaptions
from annoengine.statistics.inputs.texts import TEXT_FIELDS
from annoengine.statistics.sample import CaptionDataset

KINDS = (
    "run",
    "huggingface",
    "coconut_pancap",
    "text_to_image",
    "pix2cap",
    "glamm_gcg",
    "sa_pancap",
    "llava",
    "coco_captions",
    "jsonl",
)
"""What can be counted. Of a folder with files of several kinds, those of the first are read."""

_TEXTS = ("coconut_pancap", "text_to_image")
_IN_JSON = KINDS[4:]
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
_WHAT = "captions are read from JSON, lines of JSON, tars, parquet and folders of texts"
_FIRST_LINE_BYTES = 1 << 20
_LOOKED_AT_FILES = 200


@dataclass(frozen=True)
class Reading:
    """What a person says of how datasets are to be read; "" is to find out."""

    kind: str = ""
    text: str = ""
    stage: str = ""
    panoptic: tuple[Path, ...] = ()


def open_dataset(name: str, reading: Reading) -> CaptionDataset:
    """The dataset at a path, or the run of a name. Raises InputError for what is none."""
    if reading.kind and reading.kind not in KINDS:
        raise InputError(
            f"--format {reading.kind!r} is not known.{did_you_mean(reading.kind, KINDS)} Known "
            f"are {', '.join(KINDS)}"
        )
    for path in reading.panoptic:
        check_panoptic(path)
    path = Path(name)
    if not path.exists():
        if not is_run(RUNS / path):
            raise InputError(f"there is no {name}, and no run {RUNS / path}")
        path = RUNS / path
    if reading.kind:
        return _open(reading.kind, _files_of(path, reading.kind), path, reading)
    if path.is_dir():
        return _open_folder(path, reading)
    kind = _kind_of_file(path, reading)
    return _open(kind, [path], path, reading)


def _open(kind: str, files: Sequence[Path], path: Path, reading: Reading) -> CaptionDataset:
    if kind == "run":
        if not is_run(path):
            raise InputError(f"{path} is no run: a run's folder has a recipe.yaml")
        return RunRecords(path, reading.stage)
    if kind == "huggingface":
        return TableCaptions(files, reading.text)
    if kind in _TEXTS:
        return StoredTexts(kind, files, reading.panoptic)
    if kind == "pix2cap":
        return PanopticCaptions(files)
    if kind == "llava":
        return lists.ListedCaptions(kind, files, lists.llava_samples)
    if kind == "coco_captions":
        read = partial(lists.samples_by, lists.coco_caption_sample, array="annotations")
    elif kind == "jsonl":
        field = reading.text or lists.text_field(*_first_entry(files[0]))
        read = partial(lists.samples_by, lists.field_sample(field))
    elif kind == "glamm_gcg":
        read = partial(lists.samples_by, lists.gcg_sample)
    else:
        read = partial(lists.samples_by, lists.sa_pancap_sample)
    return lists.ListedCaptions(kind, files, read)


def _files_of(path: Path, kind: str) -> list[Path]:
    """The files of a kind that someone names: the path itself, or all of its form in there."""
    if path.is_file() or kind == "run":
        return [path]
    if kind == "huggingface":
        found = parquet_files(path)
    elif kind in _TEXTS:
        found = _stores_in(path) or [path]
    else:
        found = [file for file in _json_files(path) if _known(file) == kind]
        found = found or _json_files(path)
    if not found:
        raise InputError(f"{path} has no file of the format {kind!r}")
    return found


def _open_folder(path: Path, reading: Reading) -> CaptionDataset:
    if is_run(path):
        return _open("run", [], path, reading)
    jsons = _json_files(path)
    stores = _stores_in(path)
    tables = [] if stores else parquet_files(path)
    if tables:
        dataset = _open("huggingface", tables, path, reading)
        dataset.notes.passed_over = jsons
        return dataset
    if stores:
        dataset = _open(_kind_of_store(stores[0]), stores, path, reading)
        read = set(dataset.notes.read)
        dataset.notes.passed_over = [file for file in jsons if file not in read]
        return dataset
    kinds = {file: _known(file) for file in jsons[:_LOOKED_AT_FILES]}
    for kind in _IN_JSON:
        found = [file for file, its in kinds.items() if its == kind]
        if found:
            dataset = _open(kind, found, path, reading)
            dataset.notes.passed_over = [file for file in jsons if file not in found]
            return dataset
    what = ", ".join(sorted(one.name for one in path.iterdir())[:8])
    raise InputError(
        f"{path} is no dataset that is known here; it has {what or 'nothing in it'}. Give a run's "
        "folder, a file with captions, or a folder of texts"
    )


def _json_files(path: Path) -> list[Path]:
    endings = (".json", *lists.LINES)
    return sorted(f for f in path.iterdir() if f.suffix.lower() in endings and f.is_file())


def _stores_in(path: Path) -> list[Path]:
    """The tars of texts in a folder; the folder itself where it has texts."""
    tars = sorted(f for f in path.iterdir() if f.name.endswith((".tar", ".tar.gz", ".tgz")))
    tars = [tar for tar in tars if is_tar(tar) and _has_texts(tar)]
    if tars:
        return tars
    rows = sorted(f for f in path.glob("*.parquet") if has_caption_rows(f))
    if rows:
        return rows
    found = any(
        not file.name.startswith((".", "README", "LICEN"))
        for folder in (path, *sorted(f for f in path.iterdir() if f.is_dir())[:1])
        for file in folder.glob("*.txt")
    )
    return [path] if found else []


def _kind_of_store(path: Path) -> str:
    """Pairs of picture and text are to train on; COCONut-PanCap's texts lie alone."""
    names = first_members(path, 10) if is_tar(path) else []
    pictures = any(name.lower().endswith(_PICTURES) for name in names)
    return "text_to_image" if pictures else "coconut_pancap"


def _has_texts(tar: Path) -> bool:
    return any(name.endswith(".txt") for name in first_members(tar, 50))


def _kind_of_file(path: Path, reading: Reading) -> str:
    if not path.stat().st_size:
        raise InputError(f"{path} is empty")
    if is_tar(path):
        if _has_texts(path):
            return _kind_of_store(path)
        raise InputError(f"{path} is a tar without a text file (.txt) among its first files")
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return "coconut_pancap" if has_caption_rows(path) else "huggingface"
    kind = _kind_of_json(path)
    if kind is None and (reading.text or path.suffix.lower() in lists.LINES):
        return "jsonl"
    if kind is None:
        entry, place = _first_entry(path)
        has = f"{place} has {lists.fields_of(entry)}"
        raise InputError(
            f"{path} is of no known format: {has}. Name its format with --format ("
            f"{', '.join(KINDS[1:])}), or the field of its captions with --text"
        )
    return kind


def _known(path: Path) -> str | None:
    """What a JSON file is; None also for one that is broken."""
    try:
        return _kind_of_json(path)
    except InputError:
        return None


def _kind_of_json(path: Path) -> str | None:
    line = _first_line(path)
    if line is not None:
        found = [name for name in TEXT_FIELDS if name in line]
        return _kind_of_entry(line) or ("jsonl" if len(found) == 1 else None)
    if first_byte(path) == b"[":
        entry, _ = _first_entry(path)
        if not isinstance(entry, dict):
            return None
        found = [name for name in TEXT_FIELDS if name in entry]
        return _kind_of_entry(entry) or ("jsonl" if len(found) == 1 else None)
    slices = Slices(path, {"annotations"}, _WHAT)
    entry = next((parsed(path, one.raw, one.start) for one in slices), None)
    if not isinstance(entry, dict):
        # An empty one is told so by its reader.
        return "pix2cap" if "annotations" in slices.counts else None
    if "segments_info" in entry:
        return "pix2cap"
    return "coco_captions" if "caption" in entry else None


def _kind_of_entry(entry: dict[str, Any]) -> str | None:
    if "groundings" in entry:
        return "glamm_gcg"
    if "conversations" in entry:
        return "llava"
    if any(name in entry for name in lists.SA_PANCAP_FIELDS):
        return "sa_pancap"
    inner = next(iter(entry.values()), None) if len(entry) == 1 else None
    return "glamm_gcg" if isinstance(inner, dict) and "refs" in inner else None


def _first_line(path: Path) -> dict[str, Any] | None:
    """The first line of a file of lines, or None where a line is no object of its own."""
    with open_json(path) as file:
        line = file.readline(_FIRST_LINE_BYTES)
        while line and not line.strip():
            line = file.readline(_FIRST_LINE_BYTES)
    try:
        entry = orjson.loads(line)
    except ValueError:
        return None
    # A COCO file may be one line.
    return entry if isinstance(entry, dict) and "annotations" not in entry else None


def _first_entry(path: Path) -> tuple[Any, str]:
    """The first entry of a list or of lines, and what an error calls it."""
    if first_byte(path) == b"{" and _first_line(path) is None:
        return {}, f"{path}, an object,"
    for _, where, entry in lists.entries_of(path):
        return entry, where
    raise InputError(f"{path} is empty: it has no entry")
