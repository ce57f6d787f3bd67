"""A source: where records begin. Kinds live in ``annoengine/sources/``.

A source first lists light entries in a deterministic order, then opens each one. Listing reads
annotation files; opening reads one image's files and runs in the CPU pool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import ValidationError

from annoengine.errors import Drop, InputError, RecordFailed
from annoengine.mask import RecordFiles, Rle
from annoengine.record import Record
from annoengine.requirement import Requirement
from annoengine.stage import Parameters

Entry = Mapping[str, Any]
"""One image as the annotation file has it: JSON-like, small, picklable; ``record_id`` is set.

``trouble``, where it has one, says why there is nothing to open: reason, detail, and whether that
is a failure."""

PathKind = Literal["file", "folder", "path"]
"""What an input has to be; a path may be either."""

_IS: Mapping[PathKind, Callable[[Path], bool]] = {
    "file": Path.is_file,
    "folder": Path.is_dir,
    "path": Path.exists,
}


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

    def input_path(self, name: str) -> Path:
        """The path of an input. Raises InputError, saying how to give it, where it is missing."""
        if name not in self.inputs:
            raise InputError(
                f"the input {name!r} is missing: give {self.INPUTS[name]} with --input {name}=PATH"
            )
        return self.inputs[name]

    def check_input(self, name: str, kind: PathKind, path: Path | None = None) -> None:
        """Raises InputError for an input that is missing, or of the wrong kind.

        ``path`` is where it lies, where the source can tell that without the recipe.
        """
        path = path or self.input_path(name)
        if not _IS[kind](path):
            found = f"is not a {kind}" if path.exists() else "does not exist"
            raise InputError(f"{path} {found}; give {self.INPUTS[name]} with --input {name}=PATH")

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
        """The record of an entry. Runs in the CPU pool; never raises for a bad image.

        What the listing found to be wrong stands in the entry's ``trouble``; what opening it
        finds is what :meth:`_opened` raises.
        """
        record_id = entry["record_id"]
        try:
            if "trouble" not in entry:
                return self._opened(entry)
            reason, detail, failed = entry["trouble"]
        except Drop as drop:
            reason, detail, failed = drop.reason, drop.detail, False
        except RecordFailed as failure:
            reason, detail, failed = failure.reason, failure.detail, True
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            reason, detail, failed = "segments", f"{where}: {first['msg']}", True
        return Opened(record_id, reason=reason, detail=detail, failed=failed)

    def _opened(self, entry: Entry) -> Opened:
        """What :meth:`open` gives for an entry without trouble; this is the one to write.

        May raise Drop, RecordFailed, and the ValidationError of a record that contradicts itself.
        """
        raise NotImplementedError

    def files(self, record: Record) -> RecordFiles:
        """Where the record's photograph and masks lie (RLEs are added by the runner)."""
        raise NotImplementedError
