"""Writes the datasets of a finished run: each into a folder beside, which then takes its place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from annoengine.errors import RecipeError
from annoengine.exporter import Exported
from annoengine.mask import KeyedRles, RecordFiles
from annoengine.recipe import BuiltExport, Recipe
from annoengine.record import Record
from annoengine.registry import did_you_mean
from annoengine.runner import finished_records
from annoengine.shard import shard_name
from annoengine.shard_files import folder_of, masks_of_shard
from annoengine.storage import explain_write_error
from annoengine.workspace import Workspace


class FinishedRun:
    """What an exporter sees of a run; see :class:`annoengine.exporter.RunView`."""

    def __init__(self, recipe: Recipe, workspace: Workspace) -> None:
        self.name = recipe.name
        self._recipe = recipe
        self._workspace = workspace
        self._shard = -1
        self._rles: dict[str, dict[str, KeyedRles]] = {}

    def records(self) -> Iterator[Record]:
        """Every record that reached the end, in input order."""
        for shard, record in finished_records(self._recipe, self._workspace):
            if shard != self._shard:
                self._shard = shard
                self._rles.clear()
            yield record

    def files(self, record: Record) -> RecordFiles:
        """The photograph and masks of the record that :meth:`records` gave last."""
        files = self._recipe.source.files(record)
        if record.masks is None or record.masks.kind != "rle":
            return files
        by = record.masks.by
        if by not in self._rles:
            folder = folder_of(self._recipe, self._workspace, by)
            self._rles[by] = masks_of_shard(
                self._workspace.storage, folder, shard_name(self._shard)
            )
        return RecordFiles(image=files.image, rles=self._rles[by].get(record.id, ()))


def export_run(
    recipe: Recipe,
    workspace: Workspace,
    exports: Sequence[BuiltExport] | None = None,
    folder: Path | None = None,
) -> list[Exported]:
    """Every export of the recipe (or the given ones) under ``export/`` of the run's folder."""
    root = folder if folder is not None else workspace.root / "export"
    written = []
    for export in recipe.exports if exports is None else exports:
        target, part = root / export.name, root / f".{export.name}.part"
        try:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            exported = export.exporter.export(FinishedRun(recipe, workspace), part)
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
        except OSError as error:
            raise explain_write_error(target, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)
        exported.folder = target
        written.append(exported)
    return written


def choose_exports(recipe: Recipe, name: str | None) -> list[BuiltExport]:
    """The recipe's exports, or the one of a name. Raises RecipeError."""
    chosen = [e for e in recipe.exports if name in (None, e.name)]
    if name is not None and not chosen:
        known = [e.name for e in recipe.exports]
        raise RecipeError(f"the recipe has no export {name!r}.{did_you_mean(name, known)}")
    return chosen


def replacement_settings(recipe: Path, replace: Path | None, subset: str | None) -> list[str]:
    """Settings of the export ``llava`` that write an instruction file with other answers.

    Raises RecipeError where the recipe, a run's resolved one, does not have that export.
    """
    given = {"replace": None if replace is None else str(replace.absolute()), "subset": subset}
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        return []
    listed = yaml.safe_load(recipe.read_text(encoding="utf-8")).get("exports") or []
    if not any("llava" in export for export in listed):
        raise RecipeError(
            f"--{next(iter(chosen))} is for the export 'llava', which {recipe} does not have; "
            "add '- llava: {}' to the exports of the recipe that was run and run it again: "
            "nothing that is done is asked again"
        )
    return [f"exports.llava.{name}={json.dumps(value)}" for name, value in chosen.items()]
