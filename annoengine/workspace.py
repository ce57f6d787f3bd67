"""The folder in which a run is made: the only state there is, readable with ``ls`` and ``less``.

::

    runs/pix2cap/
      recipe.yaml  prompts/     what is made, resolved; the prompts it may use
      manifest.json             the format, and what each stage is made of
      00-source/  01-mark/ …    shards with their done markers, a folder a stage
      journals/annotate/<cut>/  the calls of a stage, by the way records were cut into shards
      export/pix2cap/           what left
      account.json              the last account (money, tries and times are here alone)
      lock                      shard k is byte k of this file, locked by who works on it
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

import annoengine
from annoengine.errors import WorkspaceError
from annoengine.journal import Journal
from annoengine.older_journals import OlderJournals
from annoengine.shard import shard_name
from annoengine.storage import LocalFolder, Storage, explain_write_error, read_bytes, write_bytes

FORMAT = 1
"""The version of the folder's layout; a newer one is refused."""

SOURCE = "source"
"""The name of step 0."""

_SOURCE_BYTE = 1 << 40
"""The byte of the lock file that stands for reading the source."""

_BUDGET_BYTE = _SOURCE_BYTE + 1
"""The one that stands for spending the run's budget."""


class SourceDone(BaseModel):
    """Says that the source was read to its end: how many entries, in how many shards."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    fingerprint: str
    made_of: dict[str, Any]
    shard_size: int
    limit: int | None
    entries: int
    shards: int
    left_out: dict[str, int] = {}


class Shards(BaseModel):
    """Which shards a command works on: all, a range (``0-3``), or part i of n (``2/8``)."""

    model_config = ConfigDict(frozen=True)
    first: int = 0
    last: int | None = None
    part: tuple[int, int] | None = None

    @classmethod
    def parse(cls, text: str | None) -> Shards:
        """From the command line. Raises WorkspaceError that shows the forms.

        >>> Shards.parse("0-3").of(10), Shards.parse("2/8").of(10), Shards.parse("5").of(10)
        ([0, 1, 2, 3], [1, 9], [5])
        """
        if text is None or text == "all":
            return cls()
        if match := re.fullmatch(r"(\d+)(?:-(\d+))?", text):
            first = int(match[1])
            last = int(match[2]) if match[2] else first
            if first <= last:
                return cls(first=first, last=last)
        elif match := re.fullmatch(r"(\d+)/(\d+)", text):
            part, parts = int(match[1]), int(match[2])
            if 1 <= part <= parts:
                return cls(part=(part, parts))
        raise WorkspaceError(
            f"--shards {text!r} is neither a shard (5), a range (0-3) nor a part (2/8)"
        )

    def of(self, count: int) -> list[int]:
        """The shard numbers, given how many there are."""
        if self.part is not None:
            return list(range(self.part[0] - 1, count, self.part[1]))
        last = count - 1 if self.last is None else min(self.last, count - 1)
        return list(range(self.first, last + 1))

    def contains(self, shard: int) -> bool:
        """Is this shard among them?"""
        if self.part is not None:
            return shard % self.part[1] == self.part[0] - 1
        return self.first <= shard and (self.last is None or shard <= self.last)


class Workspace:
    """A run's folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.storage: Storage = LocalFolder(root)

    @classmethod
    def of_run(cls, root: Path) -> Workspace:
        """The folder of a run that exists. Raises WorkspaceError."""
        workspace = cls(root)
        if not workspace.storage.exists("recipe.yaml"):
            what = "is no run" if root.exists() else "does not exist"
            raise WorkspaceError(
                f"{root} {what}: a run's folder has a recipe.yaml (made by `annoengine run`)"
            )
        workspace.check_format()
        return workspace

    def check_format(self) -> None:
        """Refuses a folder that a newer annoengine made."""
        manifest = self.manifest()
        if manifest is not None and manifest.get("format", 0) > FORMAT:
            raise WorkspaceError(
                f"{self.root} was made by annoengine {manifest.get('annoengine')}, whose folders "
                f"have format {manifest['format']}; this is {annoengine.__version__} with format "
                f"{FORMAT}. Update annoengine"
            )

    def manifest(self) -> dict[str, Any] | None:
        """What the stages were made of when the run last began, or None."""
        try:
            manifest: dict[str, Any] = orjson.loads(read_bytes(self.storage, "manifest.json"))
        except FileNotFoundError:
            return None
        except orjson.JSONDecodeError as error:
            raise WorkspaceError(f"{self.root}/manifest.json is damaged: {error}") from None
        return manifest

    def save(self, recipe_yaml: str, prompts: dict[str, str], manifest: dict[str, Any]) -> None:
        """Writes the resolved recipe, its prompts, and the manifest."""
        for name, text in prompts.items():
            write_bytes(self.storage, f"prompts/{name}.md", text.encode())
        head = {"format": FORMAT, "annoengine": annoengine.__version__, **manifest}
        write_bytes(
            self.storage, "manifest.json", orjson.dumps(head, option=orjson.OPT_INDENT_2) + b"\n"
        )
        write_bytes(self.storage, "recipe.yaml", recipe_yaml.encode())

    def recipe_text(self) -> dict[str, Any] | None:
        """The resolved recipe as it was last saved, or None."""
        try:
            data: dict[str, Any] = yaml.safe_load(read_bytes(self.storage, "recipe.yaml"))
        except FileNotFoundError:
            return None
        return data

    @staticmethod
    def folder(index: int, stage: str) -> str:
        """The folder of a stage's shards.

        >>> Workspace.folder(2, "annotate")
        '02-annotate'
        """
        return f"{index:02d}-{stage}"

    def source_done(self) -> SourceDone | None:
        """The source's own done marker, or None."""
        try:
            data = read_bytes(self.storage, f"{self.folder(0, SOURCE)}/done.json")
            return SourceDone.model_validate_json(data)
        except (FileNotFoundError, ValidationError):
            return None

    def journal_path(self, stage: str, cut: str, shard: int) -> Path:
        """The journal of a stage and shard; ``cut`` names the way records were cut."""
        return self.root / "journals" / stage / cut / f"{shard_name(shard)}.jsonl"

    def journal(self, stage: str, cut: str, shard: int, writable: bool = True) -> Journal:
        """The journal, open for appending or only to look, with the older cuts behind it."""
        path = self.journal_path(stage, cut, shard)
        folder = path.parent.parent
        others = [p for p in folder.glob("*") if p.is_dir() and p.name != cut]
        return Journal(path, OlderJournals(folder, path.parent) if others else None, writable)

    def journals(self, stage: str) -> list[Path]:
        """All journals of a stage, of every cut."""
        return sorted((self.root / "journals" / stage).glob("*/*.jsonl"))

    def all_journals(self) -> list[Path]:
        """All journals of the run, also those of stages that the recipe no longer has."""
        return sorted((self.root / "journals").glob("*/*/*.jsonl"))

    @contextlib.contextmanager
    def locked_budget(self) -> Iterator[None]:
        """Holds the right to spend the run's budget: two processes could pass it together."""
        with self._locked([_BUDGET_BYTE], "its budget"):
            yield

    @contextlib.contextmanager
    def locked_source(self) -> Iterator[None]:
        """Holds the right to read the source."""
        with self._locked([_SOURCE_BYTE], "the source"):
            yield

    @contextlib.contextmanager
    def locked(self, shards: list[int]) -> Iterator[None]:
        """Holds the right to work on shards. Raises WorkspaceError that names who holds them."""
        with self._locked(shards, "these shards"):
            yield

    @contextlib.contextmanager
    def _locked(self, places: list[int], what: str) -> Iterator[None]:
        path = self.storage.local("lock")
        key = path.resolve()
        if key not in _locks:
            try:
                _locks[key] = _LockFile(path.open("ab+"), set())
            except OSError as error:
                raise explain_write_error(path, error) from None
        lock = _locks[key]
        if lock.held.intersection(places):
            raise WorkspaceError(f"{self.root}: this process already works on {what}")
        mine: list[int] = []
        try:
            for place in places:
                try:
                    # A byte range lock of the kernel: it ends with the process, whatever kills
                    # it, and works between machines on network file systems that lock at all.
                    fcntl.lockf(lock.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
                except OSError:
                    name = what if place >= _SOURCE_BYTE else f"shard {place}"
                    holder = _holder(lock.file.fileno(), place)
                    raise WorkspaceError(
                        f"{self.root}: another run works on {name}{holder}. "
                        "Wait for it, stop it, or give each run its own --shards"
                    ) from None
                mine.append(place)
                lock.held.add(place)
            yield
        finally:
            for place in mine:
                fcntl.lockf(lock.file, fcntl.LOCK_UN, 1, place)
                lock.held.discard(place)
            # POSIX drops all of a process's locks on a file when any descriptor of it closes:
            # the one descriptor is closed only when nothing of the file is held any more.
            if not lock.held and _locks.get(key) is lock:
                del _locks[key]
                lock.file.close()


@dataclass
class _LockFile:
    file: BinaryIO
    held: set[int]


_locks: dict[Path, _LockFile] = {}


def _holder(descriptor: int, place: int) -> str:
    """``" (process 123)"`` where the kernel tells who holds a lock."""
    import struct

    if sys.platform != "linux":
        return ""
    try:
        # struct flock on 64-bit Linux: type, whence, padding, start, length, pid.
        asked = struct.pack("hhxxxxqqi4x", fcntl.F_WRLCK, os.SEEK_SET, place, 1, 0)
        answer = struct.unpack("hhxxxxqqi4x", fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    except (OSError, struct.error):
        return ""
    return f" (process {answer[4]})" if answer[0] != fcntl.F_UNLCK and answer[4] > 0 else ""
