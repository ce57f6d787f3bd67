"""A shard: a JSONL file of records, the unit of parallel work, commit and resume.

Beside ``00017.jsonl`` lie ``00017.dropped.jsonl`` and ``00017.failed.jsonl`` (each line a record
with its reason), ``00017.captions.jsonl`` (captions that left records which went on),
``00017.drafts.jsonl`` (what people have yet to review), whatever the stage drew
(``00017.images.tar``), RLE masks that it made (``00017.masks.jsonl``), and last of all
``00017.done.json``: what it was made of, so that a changed recipe is noticed.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from annoengine.errors import InputError
from annoengine.record import Caption, Record, Score
from annoengine.storage import Storage

Side = Literal["dropped", "failed"]


def shard_name(number: int) -> str:
    """The name of a shard.

    >>> shard_name(17)
    '00017'
    """
    return f"{number:05d}"


class SetAside(BaseModel):
    """A record that left the run at a stage, and why; one line of a dropped or failed file.

    ``record`` is None where the source could not even make one. ``turns`` are those that a
    retry asks again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    reason: str
    detail: str = ""
    turns: tuple[str, ...] = ()
    record: dict[str, Any] | None = None


class DroppedCaption(BaseModel):
    """A caption that a stage took out of a record, why, and its scores then."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    reason: str
    caption: Caption
    scores: tuple[Score, ...] = ()

    def to_line(self) -> bytes:
        """One line of JSON, without its final newline."""
        return self.model_dump_json(exclude_defaults=True).encode()


class Counts(BaseModel):
    """The account of one step: ``taken = given + dropped + failed + paused``.

    ``paused`` are records that wait for people, by reason; ``captions_dropped`` captions that left
    records which went on.
    """

    model_config = ConfigDict(extra="forbid")
    taken: int = 0
    given: int = 0
    dropped: dict[str, int] = {}
    failed: dict[str, int] = {}
    kept_older: int = 0
    captions_dropped: dict[str, int] = {}
    paused: dict[str, int] = {}

    def adds_up(self) -> bool:
        """Is every record that came in accounted for?"""
        left = (self.dropped, self.failed, self.paused)
        return self.taken == self.given + sum(sum(reasons.values()) for reasons in left)


class DoneMarker(BaseModel):
    """Says that a step is done, and of what: written last, compared at every plan.

    ``made_of`` is the readable form of ``fingerprint``, so that a plan can say what changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    fingerprint: str
    made_of: dict[str, Any]
    input_sha256: str
    output_sha256: str
    counts: Counts


def read_marker(storage: Storage, folder: str, shard: str) -> DoneMarker | None:
    """The done marker of a step, or None; a marker that cannot be read counts as none."""
    try:
        with storage.open(f"{folder}/{shard}.done.json") as file:
            return DoneMarker.model_validate_json(file.read())
    except (FileNotFoundError, ValidationError):
        return None


def read_lines(storage: Storage, key: str) -> Iterator[bytes]:
    """The lines of a file, without their ends, one at a time; nothing where there is no file."""
    try:
        file = storage.open(key)
    except FileNotFoundError:
        return
    with file:
        for line in file:
            yield line.rstrip(b"\n")


def read_records(storage: Storage, key: str) -> Iterator[Record]:
    """The records of a shard, streamed. Raises InputError naming the file and the line."""
    for number, line in enumerate(read_lines(storage, key), start=1):
        try:
            yield Record.from_line(line)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"{key}:{number}: this line is no record: {where}: {first['msg']}. "
                "Shards are written by annoengine alone; delete the stage's folder to redo it"
            ) from None


def read_set_aside(storage: Storage, folder: str, shard: str, side: Side) -> Iterator[SetAside]:
    """The records that a step dropped or failed."""
    for line in read_lines(storage, f"{folder}/{shard}.{side}.jsonl"):
        yield SetAside.model_validate_json(line)


def read_dropped_captions(storage: Storage, folder: str, shard: str) -> Iterator[DroppedCaption]:
    """The captions that a step took out of its records."""
    for line in read_lines(storage, f"{folder}/{shard}.captions.jsonl"):
        yield DroppedCaption.model_validate_json(line)


class ShardWriter:
    """Writes all files of one step and publishes them together, the done marker last.

    Nothing is seen by a reader before :meth:`commit`. Used as a context manager; leaving it
    without a commit leaves no trace.
    """

    def __init__(self, storage: Storage, folder: str, shard: str, keep_images: bool = True) -> None:
        self._storage = storage
        self._folder = folder
        self._shard = shard
        self._keep_images = keep_images
        self._files: dict[str, BinaryIO] = {}
        self._stack = ExitStack()
        self._tar: tarfile.TarFile | None = None
        self._sha256 = hashlib.sha256()
        self.counts = Counts()

    def __enter__(self) -> ShardWriter:
        self._file("jsonl")
        return self

    def __exit__(self, *error: Any) -> None:
        if error[0] is not None:
            # An exception thrown into the stack makes each publish() remove its part file.
            self._stack.__exit__(*error)
        elif self._files:
            self._abandon()

    def _abandon(self) -> None:
        class Abandoned(Exception):
            pass

        try:
            with self._stack:
                raise Abandoned
        except Abandoned:
            self._files.clear()

    def _file(self, ending: str) -> BinaryIO:
        if ending not in self._files:
            key = f"{self._folder}/{self._shard}.{ending}"
            self._files[ending] = self._stack.enter_context(self._storage.publish(key))
        return self._files[ending]

    def write(self, line: bytes) -> None:
        """A record that goes on."""
        self._sha256.update(line + b"\n")
        self._file("jsonl").write(line + b"\n")
        self.counts.taken += 1
        self.counts.given += 1

    def set_aside(self, side: Side, line: bytes, reason: str) -> None:
        """A record that leaves here: a line of :class:`SetAside`."""
        self._file(f"{side}.jsonl").write(line + b"\n")
        self.counts.taken += 1
        reasons = self.counts.dropped if side == "dropped" else self.counts.failed
        reasons[reason] = reasons.get(reason, 0) + 1

    def set_caption_aside(self, caption: DroppedCaption) -> None:
        """A caption that left a record which goes on."""
        self._file("captions.jsonl").write(caption.to_line() + b"\n")
        reasons = self.counts.captions_dropped
        reasons[caption.reason] = reasons.get(caption.reason, 0) + 1

    def pause(self, reason: str) -> None:
        """A record that waits for people: it stays where it came from."""
        self.counts.taken += 1
        self.counts.paused[reason] = self.counts.paused.get(reason, 0) + 1

    def write_draft(self, line: bytes) -> None:
        """What people begin with who review a record."""
        self._file("drafts.jsonl").write(line + b"\n")

    def write_masks(self, line: bytes) -> None:
        """The RLE masks of a record."""
        self._file("masks.jsonl").write(line + b"\n")

    def write_image(self, name: str, data: bytes) -> None:
        """A picture that the stage drew."""
        if not self._keep_images:
            return
        if self._tar is None:
            self._tar = tarfile.open(  # noqa: SIM115
                fileobj=self._file("images.tar"), mode="w", format=tarfile.USTAR_FORMAT
            )
        # No times, owners or modes of this machine: the same pictures give the same tar.
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self._tar.addfile(member, io.BytesIO(data))

    def commit(self, fingerprint: str, made_of: dict[str, Any], input_sha256: str) -> DoneMarker:
        """Publishes every file, then the done marker. The writer cannot be used afterwards."""
        if not self.counts.adds_up():
            raise AssertionError(f"the account of {self._folder}/{self._shard} does not sum")
        if self._tar is not None:
            self._tar.close()
        stale = [
            ending
            for ending in (
                "dropped.jsonl",
                "failed.jsonl",
                "captions.jsonl",
                "drafts.jsonl",
                "images.tar",
                "masks.jsonl",
            )
            if ending not in self._files
        ]
        # The old marker goes first: from here to the new one the step counts as not done.
        self._storage.delete(f"{self._folder}/{self._shard}.done.json")
        self._stack.close()
        self._files.clear()
        for ending in stale:
            self._storage.delete(f"{self._folder}/{self._shard}.{ending}")
        marker = DoneMarker(
            fingerprint=fingerprint,
            made_of=made_of,
            input_sha256=input_sha256,
            output_sha256=self._sha256.hexdigest(),
            counts=self.counts,
        )
        with self._storage.publish(f"{self._folder}/{self._shard}.done.json") as file:
            file.write(orjson.dumps(marker.model_dump(), option=orjson.OPT_INDENT_2))
        return marker


_PLAIN_MEMBER = b"ustar\x0000"
"""Magic and version of a USTAR header (POSIX.1-2017, pax, "ustar Interchange Format")."""


def _plain_places(tar: BinaryIO) -> dict[str, tuple[int, int]] | None:
    """Where the files lie in a tar such as :class:`ShardWriter` writes; None for any other.

    Reads the headers alone, and of a header only these fields: a tenth of tarfile's time, which
    is a thirtieth of a whole call's.
    """
    places: dict[str, tuple[int, int]] = {}
    offset = 0
    while True:
        tar.seek(offset)
        header = tar.read(tarfile.BLOCKSIZE)
        if header == bytes(tarfile.BLOCKSIZE):
            return places
        size = header[124:135]
        if header[156:157] != b"0" or header[257:265] != _PLAIN_MEMBER or not size.isdigit():
            return None
        name = header[:100].rstrip(b"\0")
        if header[345]:
            name = header[345:500].rstrip(b"\0") + b"/" + name
        offset += tarfile.BLOCKSIZE
        places[name.decode()] = offset, int(size, 8)
        offset += -(-int(size, 8) // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE


@dataclass
class TarImages:
    """Pictures in a shard's tar, by name, read one at a time."""

    file: BinaryIO
    places: dict[str, tuple[int, int]]

    @classmethod
    def open(cls, storage: Storage, key: str) -> TarImages | None:
        """The tar of a key, or None where there is none."""
        try:
            file = storage.open(key)
        except FileNotFoundError:
            return None
        places = _plain_places(file)
        if places is None:  # written by something else, or cut short
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as tar:
                places = {member.name: (member.offset_data, member.size) for member in tar}
        return cls(file, places)

    def read(self, name: str) -> bytes | None:
        """The bytes of a picture, or None."""
        place = self.places.get(name)
        if place is None:
            return None
        self.file.seek(place[0])
        return self.file.read(place[1])

    def close(self) -> None:
        """Closes the file."""
        self.file.close()
