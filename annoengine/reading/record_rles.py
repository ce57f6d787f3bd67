"""Gives the masks of a record as compressed RLEs, whatever the record keeps them as."""

from __future__ import annotations

from annoengine.errors import InputError
from annoengine.fingerprint import sha256_hex
from annoengine.mask import IdMap, RecordFiles, Rle, ids_from_png, rles_from_ids
from annoengine.record import Record
from annoengine.rle_counts import counts_of_text


def rles_of(record: Record, files: RecordFiles) -> dict[int, Rle]:
    """The RLE of each segment that has a mask, by the segment's id.

    Raises InputError where the masks are not those that the run began with: a PNG that changed,
    a key that is not there, another size than the photograph's.
    """
    if record.masks is None:
        return {}
    keys = {s.id: s.mask for s in record.segments if s.mask is not None}
    shape_hw = (record.photo.height, record.photo.width)
    if record.masks.kind == "panoptic_png":
        ids = _read_ids(record, files)
        rles = rles_from_ids(ids, list(keys.values()))
        found = dict(zip(keys, rles, strict=True))
    else:
        stored = {key: Rle(size=list(size), counts=text) for key, text, size in files.rles or ()}
        absent = [id for id, key in keys.items() if key not in stored]
        if absent:
            raise InputError(
                f"the run has no mask for segment {absent[0]} of {record.id}; was a masks.jsonl "
                "file of its folder changed? Delete the source's folder there and run again"
            )
        found = {id: stored[key] for id, key in keys.items() if key is not None}
    for id, rle in found.items():
        _check(rle, f"the mask of segment {id} of {record.id}", shape_hw)
    return found


def _check(rle: Rle, name: str, shape_hw: tuple[int, int]) -> None:
    if tuple(rle["size"]) != shape_hw:
        height, width = rle["size"]
        raise InputError(f"{name} is {width}×{height}, the photograph {shape_hw[1]}×{shape_hw[0]}")
    try:
        counts = counts_of_text(rle["counts"], shape_hw)
    except ValueError as error:
        raise InputError(f"{name} cannot be read: {error}") from None
    if len(counts) < 2:
        raise InputError(f"{name} has no pixel")


def _read_ids(record: Record, files: RecordFiles) -> IdMap:
    path = files.panoptic
    assert record.masks is not None
    if path is None:
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
    return ids_from_png(data, str(path))
