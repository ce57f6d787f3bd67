"""Opens what lies beside one shard: the photographs, masks and drawings of its records."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import orjson

from annoengine.errors import InputError, RecordFailed
from annoengine.mask import KeyedRles, RecordFiles, keyed_rles
from annoengine.recipe import Recipe
from annoengine.record import DrawnImage, Photo, Record
from annoengine.reviewing.review_stage import ReviewStage
from annoengine.shard import TarImages, read_lines, shard_name
from annoengine.storage import Storage
from annoengine.workspace import SOURCE, Workspace

if TYPE_CHECKING:
    from annoengine.step import Job


def masks_of_shard(storage: Storage, folder: str, shard: str) -> dict[str, KeyedRles]:
    """The RLE masks that lie beside a shard of a stage, by record id."""
    rles: dict[str, KeyedRles] = {}
    for line in read_lines(storage, f"{folder}/{shard}.masks.jsonl"):
        entry = orjson.loads(line)
        rles[entry["id"]] = keyed_rles(entry["rles"])
    return rles


def folder_of(recipe: Recipe, workspace: Workspace, stage: str) -> str:
    """The folder of a stage, or of the source, by its name. Raises InputError for a strange one."""
    for index, name in enumerate((SOURCE, *(built.name for built in recipe.stages))):
        if name == stage:
            return workspace.folder(index, name)
    raise InputError(
        f"a picture or mask was made by a stage {stage!r}, which the recipe does not have any more"
    )


class ShardFiles:
    """Opens the photographs, masks and drawings of one shard's records."""

    def __init__(self, job: Job, shard: int) -> None:
        self._job = job
        self._shard = shard_name(shard)
        self._tars: dict[str, TarImages | None] = {}
        self._rles: dict[str, dict[str, KeyedRles]] = {}

    def files(self, record: Record) -> RecordFiles:
        """The record's own files, picklable."""
        files = self._job.recipe.source.files(record)
        if record.masks is not None and record.masks.kind == "rle":
            by = record.masks.by
            if by not in self._rles:
                storage = self._job.workspace.storage
                self._rles[by] = masks_of_shard(storage, self._folder_of(by), self._shard)
            return RecordFiles(image=files.image, rles=self._rles[by].get(record.id, ()))
        return files

    async def read_image(
        self, record: Record, files: RecordFiles, image: DrawnImage | Photo
    ) -> bytes:
        """The bytes of a photograph or drawing; a drawing that was not kept is drawn again."""
        if isinstance(image, Photo):
            return files.image.read_bytes()
        if image.by not in self._tars:
            self._tars[image.by] = TarImages.open(
                self._job.workspace.storage, f"{self._folder_of(image.by)}/{self._shard}.images.tar"
            )
        tar = self._tars[image.by]
        data = tar.read(image.file) if tar is not None else None
        if data is None:
            stage = next(b.stage for b in self._job.recipe.stages if b.name == image.by)
            drawn = self._as_drawn(record, image.by)
            own = files if drawn is record else self.files(drawn)
            data = await asyncio.to_thread(stage.redraw, drawn, own, image)
            if hashlib.sha256(data).hexdigest() != image.sha256:
                raise RecordFailed(
                    "redrawn differently",
                    f"{image.file} was drawn again and differs from what was drawn first; was "
                    "annoengine or its image library updated? Redo the stage that draws it",
                )
        return data

    def _as_drawn(self, record: Record, by: str) -> Record:
        """The record as a stage drew it: people may have changed its regions since."""
        names = [built.name for built in self._job.recipe.stages]
        later = self._job.recipe.stages[names.index(by) + 1 :]
        if not any(isinstance(built.stage, ReviewStage) for built in later):
            return record
        key = f"{self._folder_of(by)}/{self._shard}.jsonl"
        head = orjson.dumps({"id": record.id})[:-1]
        lines = read_lines(self._job.workspace.storage, key)
        line = next((line for line in lines if line.startswith(head)), None)
        return record if line is None else Record.from_line(line)

    def _folder_of(self, stage: str) -> str:
        return folder_of(self._job.recipe, self._job.workspace, stage)

    def close(self) -> None:
        """Closes the tars."""
        for tar in self._tars.values():
            if tar is not None:
                tar.close()
        self._tars.clear()
