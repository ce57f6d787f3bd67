"""Finds the folder of a panoptic file's PNGs, which the file itself never names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from annoengine.checks.coco_tables import first_annotations
from annoengine.errors import InputError
from annoengine.reading.input_file import is_safe_path
from annoengine.record import split_from_name
from annoengine.validator import Code

MASKS_NOT_CHECKED = Code("masks-not-checked", "warning", "the PNGs were not found; give --masks")

_LOOKED_AT = 20
"""Annotations whose PNG is looked for; one that is missing shall not hide the folder."""


def find_masks(file: Path, given: Path | None) -> Path | None:
    """The folder with the PNGs of a panoptic JSON file, or None.

    A folder that was given is taken itself, unless one of COCO's names in it holds the PNGs.
    Otherwise the folders beside the file are tried: the one named like it, those that begin with
    ``panoptic``, its own. Raises InputError for a given folder that is none.
    """
    if given is not None and not given.is_dir():
        what = "is no folder" if given.exists() else "does not exist"
        raise InputError(f"--masks {given} {what}; name the folder with the panoptic PNGs")
    names = _first_names(file)
    roots = [given] if given is not None else [file.parent, file.parent.parent]
    for folder in (folder for root in roots for folder in _candidates(root, file)):
        if any((folder / name).is_file() for name in names):
            return folder
    if given is not None:
        return given
    # None of the first PNGs is there. A folder of the right name says that they should be.
    split = split_from_name(file.name)
    for name in (file.stem, f"panoptic_{split}", f"panoptic_{split}2017"):
        if (file.parent / name).is_dir():
            return file.parent / name
    return None


def _first_names(file: Path) -> Sequence[str]:
    entries = (a for a in first_annotations(file, _LOOKED_AT) if isinstance(a, dict))
    names = (entry.get("file_name") for entry in entries)
    return [name for name in names if isinstance(name, str) and is_safe_path(name)]


def _candidates(root: Path, file: Path) -> Iterator[Path]:
    yield root / file.stem
    try:
        found = sorted(p for p in root.iterdir() if p.name.startswith("panoptic") and p.is_dir())
    except OSError:
        return
    split = split_from_name(file.name)
    yield from (folder for folder in found if split_from_name(folder.name) == split)
    yield from (folder for folder in found if split_from_name(folder.name) != split)
    yield root
