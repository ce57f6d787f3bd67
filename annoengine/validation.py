"""Validates a file or a folder: finds the datasets in it, checks each, and mends them if asked."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from annoengine import registry
from annoengine.checks.caption_files import first_members
from annoengine.checks.finding_tally import CheckedDataset, FindingTally, codes_by_name
from annoengine.errors import InputError
from annoengine.reading.coco_json import survey
from annoengine.validator import Code, Place, Rules, Validator, printable

NOT_JSON = Code("not-json", "error", "files with the ending .json that are no JSON object")

_TARS = (".tar", ".tar.gz", ".tgz")
_ENDINGS = (".json", *_TARS, ".parquet")
"""What files of datasets end with."""


@dataclass(frozen=True)
class Found:
    """A dataset that was found, and who validates it."""

    kind: str
    path: Path
    validator: type[Validator]


@dataclass(frozen=True)
class FoundDatasets:
    """What a path holds: datasets, files of no known kind, and files that are broken."""

    datasets: tuple[Found, ...]
    strangers: tuple[Path, ...] = ()
    broken: tuple[tuple[Path, str], ...] = ()


def find_datasets(path: Path, kind: str | None = None) -> FoundDatasets:
    """The datasets at a path: the file itself, the folder itself, or the files in the folder.

    Raises InputError where there is none, RecipeError for a kind that does not exist.
    """
    if kind is not None:
        registry.find("validator", kind)
    if not path.exists():
        raise InputError(f"there is no {path}; give a dataset's file or folder")
    names = [kind] if kind is not None else registry.names("validator")
    whole = _recognised(path, names)
    if whole is None and kind is not None and path.is_file():
        # Someone who names the kind of a file knows it better than its first entry tells.
        whole = Found(kind, path, registry.find("validator", kind))
    if whole is not None:
        return FoundDatasets((whole,))
    if path.is_file():
        raise InputError(_unknown(path))
    found, strangers, broken = [], [], []
    for file in sorted(p for p in path.iterdir() if _may_be_dataset(p)):
        known = _recognised(file, names)
        if known is not None:
            found.append(known)
        elif file.suffix != ".json":
            # Other folders and archives are a dataset's pictures, or none of its business.
            continue
        elif (why := _why_no_json(file)) is not None:
            broken.append((file, why))
        else:
            strangers.append(file)
    if not found and not broken:
        listed = f"; it holds {', '.join(f.name for f in strangers[:5])}" if strangers else ""
        raise InputError(f"{path} holds no dataset of a known kind{listed}. Known: {_abouts()}")
    return FoundDatasets(tuple(found), tuple(strangers), tuple(broken))


def _may_be_dataset(path: Path) -> bool:
    """Is a thing in a folder of a form that datasets have?"""
    if path.name.startswith("."):
        return False
    return path.is_dir() or path.name.endswith(_ENDINGS)


def _recognised(path: Path, names: list[str]) -> Found | None:
    for name in names:
        validator: type[Validator] = registry.find("validator", name)
        if validator.recognises(path):
            return Found(name, path, validator)
    return None


def _unknown(path: Path) -> str:
    if path.name.endswith(_TARS):
        first = ", ".join(printable(name) for name in first_members(path, 3)) or "none"
        return f"{path} is a tar of no known kind; its first files: {first}. Known: {_abouts()}"
    counts: dict[str, int] = {}
    try:
        counts = survey(path, {})
    except InputError as error:
        return str(error)
    if counts.get("annotations") == 0:
        return (
            f"{path} has no annotation by which to tell its kind; name it with --format "
            f"({', '.join(registry.names('validator'))})"
        )
    arrays = ", ".join(repr(name) for name in counts) or "none"
    return f"{path} is of no known kind (its arrays: {arrays}). Known: {_abouts()}"


def _abouts() -> str:
    names = registry.names("validator")
    return "; ".join(f"{name}: {registry.find('validator', name).ABOUT}" for name in names)


def _why_no_json(path: Path) -> str | None:
    """Why a file is no JSON, or None; a list is JSON, and no dataset that is known."""
    try:
        survey(path, {})
    except InputError as error:
        return str(error) if "not valid JSON" in str(error) else None
    return None


def validate(
    found: FoundDatasets,
    tally: FindingTally,
    rules: Rules,
    masks: Path | None = None,
    images: Path | None = None,
    mending: Mending | None = None,
    progress: Callable[[str, int, int], None] | None = None,
    panoptic: Path | None = None,
) -> None:
    """Checks every dataset, and fills the tally; with ``mending`` writes the mended forms too.

    Raises InputError for folders that are not there, and where the mended files cannot go.
    """
    if images is not None and not images.is_dir():
        what = "is no folder" if images.exists() else "does not exist"
        raise InputError(f"--images {images} {what}; name the folder with the photographs")
    if panoptic is not None and not any(d.validator.TAKES_PANOPTIC for d in found.datasets):
        raise InputError(f"--panoptic {panoptic} goes with grounded captions; there are none here")
    checked_too = {one.path for one in found.datasets}
    datasets = []
    for one in found.datasets:
        given = (panoptic,) if one.validator.TAKES_PANOPTIC else ()
        dataset = one.validator.dataset(one.path, masks, images, *given)
        if dataset.panoptic in checked_too:
            dataset = replace(dataset, panoptic_checked=True)
        datasets.append((one, dataset))
    if mending is not None:
        mending.prepare(found)
    for path, why in found.broken:
        checked = CheckedDataset(path, "", {NOT_JSON.name: NOT_JSON})
        tally.datasets.append(checked)
        tally.add(checked, NOT_JSON.at(Place(path.name), why))
    for one, dataset in datasets:
        codes = codes_by_name(one.validator.CODES)
        checked = CheckedDataset(one.path, one.kind, codes, dataset.masks)
        tally.datasets.append(checked)
        validator = one.validator(rules)
        if progress is not None:
            validator.progress = partial(progress, one.path.name)
        target = mending.target(one.path) if mending is not None else None
        findings = validator.fix(dataset, target) if target else validator.check(dataset)
        fixable = 0
        for finding in findings:
            tally.add(checked, finding)
            fixable += finding.fixable
        checked.counts, checked.notes = validator.counts, validator.notes
        if mending is not None and target is not None and target.exists():
            checked.mended_path = mending.settle(one.path, target, bool(fixable))
    if mending is not None:
        mending.bring_along(found)


@dataclass
class Mending:
    """Where mended files go: into a new folder, or with ``output`` None in the old ones' place.

    A dataset that is a folder goes whole: what is not mended is hard-linked, or copied where
    links cannot be had.
    """

    root: Path
    """The dataset that was named, a file or a folder."""
    output: Path | None
    state: Literal["waiting", "writing", "whole"] = field(default="waiting", init=False)
    """How far it is; something is in ``output`` only once it no longer waits."""

    def prepare(self, found: FoundDatasets) -> None:
        """Makes the folder. Raises InputError where it would hide or hold what is there."""
        for one in found.datasets:
            if one.validator.fix is Validator.fix:
                raise InputError(f"{one.path}: {one.validator.ABOUT} can be checked, not mended")
        if self.output is None:
            self.state = "writing"
            return
        if self.output.exists() and (not self.output.is_dir() or any(self.output.iterdir())):
            raise InputError(f"--output {self.output} is there and not empty; name a new folder")
        if self.root.is_dir() and self.output.resolve().is_relative_to(self.root.resolve()):
            raise InputError(f"--output {self.output} lies in {self.root}; name one outside of it")
        self.state = "writing"
        self.output.mkdir(parents=True, exist_ok=True)

    def target(self, path: Path) -> Path:
        """Where the mended form of a file, or of a folder that is one dataset, is written first."""
        if self.output is None:
            return path.with_name(f".{path.name}.mended")
        return self.output if path == self.root and path.is_dir() else self.output / path.name

    def settle(self, path: Path, target: Path, changed: bool) -> Path | None:
        """Puts a written file in its place; gives the place, None where nothing was mended."""
        if self.output is not None:
            return target
        if not changed:
            _remove(target)
            return None
        old = _free_name(path)
        if path.is_dir():
            path.rename(old)
            target.rename(path)
            return path
        try:
            os.link(path, old)
        except OSError:
            shutil.copy2(path, old)
        # The old file has two names now; its own goes to the new one in a single step.
        target.replace(path)
        return path

    def bring_along(self, found: FoundDatasets) -> None:
        """Puts the other files of a dataset's folder beside the mended ones."""
        if self.output is not None and self.root.is_dir():
            self._link_others(found, self.output)
        self.state = "whole"

    def _link_others(self, found: FoundDatasets, output: Path) -> None:
        written = {one.path for one in found.datasets}
        for path in sorted(self.root.rglob("*")):
            if path in written or not path.is_file():
                continue
            copy = output / path.relative_to(self.root)
            copy.parent.mkdir(parents=True, exist_ok=True)
            if not copy.exists():
                try:
                    os.link(path, copy)
                except OSError:
                    shutil.copy2(path, copy)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _free_name(path: Path) -> Path:
    """A name beside a file that says it is the old one, and is not taken."""
    old = path.with_name(f"{path.name}.old")
    number = 1
    while old.exists():
        number += 1
        old = path.with_name(f"{path.name}.old{number}")
    return old
