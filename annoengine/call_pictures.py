"""Finds the pictures of a journalled call again: a journal names them by hash alone.

The record that was asked about names its photograph and its drawings. A drawing lies in the tar
beside the shard of the stage that drew it; a photograph, and a drawing that was not kept, is had
from the run's source and stages, as the run itself would. Whatever is found has the hash that was
sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from annoengine.call_lines import Call
from annoengine.compute import Pool
from annoengine.door import Door
from annoengine.errors import AnnoengineError, InputError
from annoengine.events import ignore
from annoengine.fingerprint import sha256_hex
from annoengine.plan import stage_folders
from annoengine.recipe import Recipe, load_recipe
from annoengine.record import DrawnImage, Photo, Record
from annoengine.shard import TarImages, read_lines
from annoengine.shard_files import ShardFiles
from annoengine.step import Job
from annoengine.workspace import Workspace


@dataclass(frozen=True)
class Picture:
    """A picture of a call. ``data`` is None where it cannot be found, and ``why`` says so."""

    sha256: str
    file: str = ""
    size_wh: tuple[int, int] | None = None
    data: bytes | None = None
    why: str = ""


@dataclass(frozen=True)
class _Found:
    record: Record
    shard: str
    image: DrawnImage | Photo


def picture_hashes(request: dict[str, Any] | None) -> list[str]:
    """The hashes of a request's pictures, in the order in which they were sent, each once."""
    found: dict[str, None] = {}
    for message in (request or {}).get("messages") or ():
        for part in message["parts"]:
            if "image_sha256" in part:
                found[part["image_sha256"]] = None
    return list(found)


class CallPictures:
    """The pictures of a run's calls. It holds the recipe, and one record at a time."""

    def __init__(self, root: Path) -> None:
        self._workspace = Workspace(root)
        self._recipe: Recipe | None = None
        self._folders = {name[3:]: name for name in sorted(stage_folders(self._workspace))}
        self._last: tuple[tuple[str, str, Path, str], _Found | str] | None = None

    def named(self, call: Call, sha256: str) -> Picture:
        """What the record knows of a picture; its bytes are not read."""
        found = self._find(call, sha256)
        if isinstance(found, str):
            return Picture(sha256, why=found)
        image = found.image
        return Picture(sha256, image.file, (image.width, image.height))

    def read(self, call: Call, sha256: str) -> Picture:
        """The picture with its bytes, or why they cannot be had."""
        picture, found = self.named(call, sha256), self._find(call, sha256)
        if isinstance(found, str):
            return picture
        try:
            data = self._bytes(found)
            why = f"{picture.file} is another picture by now"
        except OSError as error:
            data, why = b"", f"{error.filename or picture.file} cannot be read: {error.strerror}"
        except AnnoengineError as error:
            data, why = b"", str(error)
        if sha256_hex(data) != sha256:
            return replace(picture, why=why)
        return replace(picture, data=data)

    def _find(self, call: Call, sha256: str) -> _Found | str:
        """A record of the call's that names the picture, or why there is none."""
        name = (call.stage, call.record, call.journal, sha256)
        if self._last is None or self._last[0] != name:
            self._last = name, self._search(call, sha256)
        return self._last[1]

    def _search(self, call: Call, sha256: str) -> _Found | str:
        wanted, seen = orjson.dumps(call.record), False
        for folder, shard in self._shards(call):
            for ending in ("jsonl", "failed.jsonl", "dropped.jsonl"):
                for line in read_lines(self._workspace.storage, f"{folder}/{shard}.{ending}"):
                    record = _record(line, ending, call.record) if wanted in line else None
                    if record is None:
                        continue
                    image, seen = _image_of(record, sha256), True
                    if image is not None:
                        return _Found(record, shard, image)
        if seen:
            return "the record names other pictures by now"
        return f"the run's shards have no record {call.record}"

    def _shards(self, call: Call) -> Iterator[tuple[str, str]]:
        """Where the record may be, the likeliest first: (folder, shard).

        The stage's own output has what it drew itself; what failed there, its input has.
        """
        own = self._folders.get(call.stage)
        folders = sorted(self._folders.values(), reverse=True)
        if own is not None:
            folders = [own, *(name for name in folders if name < own)]
        for folder in folders:
            yield folder, call.journal.stem
        # The way records are cut into shards changed since.
        for folder in folders:
            for file in self._workspace.storage.names(folder):
                shard, _, ending = file.partition(".")
                if ending == "jsonl" and shard != call.journal.stem:
                    yield folder, shard

    def _bytes(self, found: _Found) -> bytes:
        record, shard, image = found.record, found.shard, found.image
        if isinstance(image, DrawnImage) and image.by in self._folders:
            key = f"{self._folders[image.by]}/{shard}.images.tar"
            tar = TarImages.open(self._workspace.storage, key)
            if tar is not None:
                try:
                    data = tar.read(image.file)
                finally:
                    tar.close()
                if data is not None:
                    return data
        if self._recipe is None:
            self._recipe = load_recipe(self._workspace.root / "recipe.yaml")
        job = Job(self._recipe, self._workspace, Door(self._recipe.roles, Pool(0)), "", ignore)
        files = ShardFiles(job, int(shard))
        try:
            return asyncio.run(files.read_image(record, files.files(record), image))
        except (NotImplementedError, KeyError):
            raise InputError(f"{image.file} cannot be drawn again") from None
        finally:
            files.close()


def _record(line: bytes, ending: str, id: str) -> Record | None:
    try:
        entry = orjson.loads(line)
        if entry["id"] != id:
            return None
        if ending != "jsonl":
            entry = entry["record"]
        return None if entry is None else Record.model_validate(entry)
    except (orjson.JSONDecodeError, ValidationError, KeyError, TypeError):
        return None


def _image_of(record: Record, sha256: str) -> DrawnImage | Photo | None:
    if record.photo.sha256 == sha256:
        return record.photo
    return next((d.image for d in record.drawings if d.image.sha256 == sha256), None)
