"""A source: where records begin. Kinds live in ``annoengine/sources/``.

A source first lists light entries in a deterministic order, then opens each one. Listing reads
annotation files; opening reads one image's files and runs in the CPU pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from annoengine.mask import RecordFiles, Rle
from annoengine.record import Record
from annoengine.requirement import Requirement
from annoengine.stage import Parameters

Entry = Mapping[str, Any]
"""One image as the annotation file has it: JSON-like, small, picklable; ``record_id`` is set."""


@dataclass(frozen=True)
class Opened:
    """What became of an entry: a record (with RLEs where the source keeps masks so), or a
    reason why there is none. ``failed`` tells trouble from a decision to leave it out."""

    record_id: str
    record: Record | None = None
    rles: tuple[Rle, ...] = ()
    reason: str = ""
    detail: str = ""
    failed: bool = False


class Source:
    """The base of every source. ``inputs`` are the recipe's paths by name, absolute."""

    VERSION: ClassVar[int] = 1
    GIVES: ClassVar[frozenset[str]] = frozenset()
    INPUTS: ClassVar[Mapping[str, str]] = {}
    """Names of the paths it reads, each with what it is."""
    Parameters: ClassVar[type[Parameters]] = Parameters

    def __init__(self, parameters: Any, inputs: Mapping[str, Path], seed: int) -> None:
        self.parameters = parameters
        self.inputs = inputs
        self.seed = seed
        self.left_out: dict[str, int] = {}
        """How many images the listing passed over on purpose (sample, licences), by reason."""

    def fingerprint(self) -> Mapping[str, Any]:
        """Content hashes of the annotation files, by input name: never a path."""
        return {}

    def check(self) -> None:
        """Raises InputError for a path that is missing or of the wrong kind."""

    def requirements(self) -> Sequence[Requirement]:
        """What it needs from the machine: extra packages, say."""
        return ()

    def entries(self) -> Iterator[Entry]:
        """The images in their order. Raises InputError naming file and entry."""
        raise NotImplementedError

    def photo_name(self, entry: Entry) -> str | None:
        """The file name of an entry's photograph, as the annotation file has it."""
        image = entry.get("image")
        name = image.get("file_name") if isinstance(image, Mapping) else None
        return name if isinstance(name, str) else None

    def with_photo_name(self, entry: Entry, name: str) -> Entry:
        """The entry with its photograph under another name; as it is where it names none."""
        if self.photo_name(entry) is None:
            return entry
        return {**entry, "image": {**entry["image"], "file_name": name}}

    def open(self, entry: Entry) -> Opened:
        """The record of an entry. Runs in the CPU pool; never raises for a bad image."""
        raise NotImplementedError

    def files(self, record: Record) -> RecordFiles:
        """Where the record's photograph and masks lie (RLEs are added by the runner)."""
        raise NotImplementedError
