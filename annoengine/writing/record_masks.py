"""Reads a record's masks, and refuses those that are no longer what the run began with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from annoengine.errors import InputError
from annoengine.fingerprint import sha256_hex
from annoengine.mask import IdMap, RecordFiles, Rle, ids_from_png, rles_from_ids
from annoengine.record import Record
from annoengine.rle_counts import counts_of_text


def rles_of(record: Record, files: RecordFiles) -> dict[int, Rle]:
    """The compressed RLE of each segment that has a mask, by the segment's id.

    Raises InputError where the masks are not those that the run began with: a PNG that changed,
    a key that is not there, another size than the photograph's.
    """
    if record.masks is None:
        return {}
    keys = {s.id: s.mask for s in record.segments if s.mask is not None}
    if record.masks.kind == "panoptic_png":
        _, _, ids = read_panoptic(record, files)
        found = dict(zip(keys, rles_from_ids(ids, list(keys.values())), strict=True))
    else:
        stored = {key: Rle(size=list(size), counts=text) for key, text, size in files.rles or ()}
        absent = [id for id, key in keys.items() if key not in stored]
        if absent:
            raise InputError(
                f"the run has no mask for segment {absent[0]} of {record.id}; was a masks.jsonl "
                "file of its folder changed? Delete the source's folder there and run again"
            )
        found = {id: stored[key] for id, key in keys.items()}
    for id, rle in found.items():
        name = check_size(record, id, rle["size"])
        try:
            counts = counts_of_text(rle["counts"], (record.photo.height, record.photo.width))
        except ValueError as error:
            raise InputError(f"{name} cannot be read: {error}") from None
        if len(counts) < 2:
            raise InputError(f"{name} has no pixel")
    return found


def read_panoptic(record: Record, files: RecordFiles) -> tuple[Path, bytes, IdMap]:
    """Path, bytes and ids of a record's panoptic PNG. Raises InputError for one that changed."""
    path = files.panoptic
    if path is None or record.masks is None:
        raise InputError(f"{record.id} has no panoptic PNG, though its record names one")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"the panoptic mask {path} cannot be read: {error.strerror}") from None
    if sha256_hex(data) != record.masks.sha256:
        raise InputError(
            f"the panoptic mask {path} of {record.id} has changed since the run read it; "
            "put the old file back, or run again"
        )
    return path, data, ids_from_png(data, str(path))


def check_size(record: Record, id: int, size_hw: Sequence[int]) -> str:
    """What messages call a segment's mask. Raises InputError where its size is another."""
    name = f"the mask of segment {id} of {record.id}"
    height, width = size_hw
    if (height, width) != (record.photo.height, record.photo.width):
        raise InputError(
            f"{name} is {width}×{height}, the photograph {record.photo.width}×{record.photo.height}"
        )
    return name
