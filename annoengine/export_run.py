"""Writes the datasets of a finished run: each into a folder beside, which then takes its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from annoengine.errors import RecipeError
from annoengine.exporter import Exported
from annoengine.mask import KeyedRles, RecordFiles
from annoengine.recipe import BuiltExport, Recipe
from annoengine.record import Record
from annoengine.registry import did_you_mean
from annoengine.runner import finished_records
from annoengine.shard import shard_name
from annoengine.step import masks_of_shard
from annoengine.storage import explain_write_error
from annoengine.workspace import Workspace


class FinishedRun:
    """What an exporter sees of a run; see :class:`annoengine.exporter.RunView`."""

    def __init__(self, recipe: Recipe, workspace: Workspace) -> None:
        self.name = recipe.name
        self._recipe = recipe
        self._workspace = workspace
        self._shard = -1
        self._rles: dict[str, KeyedRles] = {}

    def records(self) -> Iterator[Record]:
        """Every record that reached the end, in input order."""
        for shard, record in finished_records(self._recipe, self._workspace):
            self._shard = shard
            yield record

    def files(self, record: Record) -> RecordFiles:
        """The photograph and masks of the record that :meth:`records` gave last."""
        files = self._recipe.source.files(record)
        if record.masks is None or record.masks.kind != "rle":
            return files
        if record.id not in self._rles:
            self._rles = masks_of_shard(self._workspace, shard_name(self._shard))
        return RecordFiles(image=files.image, rles=self._rles.get(record.id, ()))


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
