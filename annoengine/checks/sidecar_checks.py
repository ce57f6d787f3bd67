"""Checks the files beside an export: every line names an image and segments that are there."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from annoengine.checks.coco_tables import ImageId, is_image_id
from annoengine.reading.coco_json import is_whole, shown
from annoengine.validator import Code, Finding, Place

SIDECAR_MALFORMED = Code("sidecar-malformed", "error", "lines of a sidecar that are no entry")
SIDECAR_IMAGE = Code("sidecar-unknown-image", "error", "sidecar lines of images not in the export")
SIDECAR_SEGMENT = Code("sidecar-unknown-segment", "error", "sidecar lines of unknown segments")
WITHOUT_PROVENANCE = Code(
    "caption-without-provenance", "warning", "captions of which no sidecar line says who wrote them"
)

CODES = (SIDECAR_MALFORMED, SIDECAR_IMAGE, SIDECAR_SEGMENT, WITHOUT_PROVENANCE)

_KINDS = ("provenance", "interactions", "gaps")


class SidecarCheck:
    """The sidecars of one export file. Filled with its segments, then gone over.

    Eight bytes a segment are kept: its id, negative once nobody need account for its caption.
    """

    def __init__(self, file: Path) -> None:
        split = file.stem.rpartition("_")[2]
        self._paths = {kind: file.with_name(f"{kind}_{split}.jsonl") for kind in _KINDS}
        self._paths = {kind: path for kind, path in self._paths.items() if path.is_file()}
        self._export = file.name
        self._segments: dict[ImageId, array[int]] = {}
        self.lines = 0

    def __bool__(self) -> bool:
        return bool(self._paths)

    def add(self, image_id: ImageId, ids: Iterable[tuple[int, bool]]) -> None:
        """The segments of an image, each with whether it has a description."""
        kept = array("q", (id if described else -id for id, described in ids))
        self._segments.setdefault(image_id, kept)

    def findings(self) -> Iterator[Finding]:
        """What is wrong in the sidecars, file by file and line by line."""
        for kind, path in self._paths.items():
            with path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    self.lines += 1
                    yield from self._check_line(kind, path.name, number, line)
        if "provenance" in self._paths:
            yield from self._unaccounted()

    def _check_line(self, kind: str, name: str, number: int, line: bytes) -> Iterator[Finding]:
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            message = f"{name}, line {number} is no JSON: {str(error).split(':')[0]}"
            yield SIDECAR_MALFORMED.at(Place(name), message)
            return
        image_id = row.get("image_id") if isinstance(row, dict) else None
        ids: Any = None
        if isinstance(row, dict):
            ids = row.get("segment_ids") if kind == "interactions" else [row.get("segment_id")]
        if not is_image_id(image_id) or not isinstance(ids, list) or not all(map(is_whole, ids)):
            message = f"{name}, line {number} does not name an image and its segments by their ids"
            yield SIDECAR_MALFORMED.at(Place(name), message)
            return
        place = Place(name, image_id)
        known = self._segments.get(image_id)
        if known is None:
            # Images that were left out of the export have gaps all the same.
            if not (kind == "gaps" and row.get("image_exported") is False):
                message = (
                    f"{name}, line {number}: the image {shown(image_id)} is not in {self._export}"
                )
                yield SIDECAR_IMAGE.at(place, message)
            return
        for id in ids:
            if id in known:
                if kind == "provenance":
                    known[known.index(id)] = -id
            elif -id not in known:
                message = f"{name}, line {number}: the image has no segment {id} in {self._export}"
                yield SIDECAR_SEGMENT.at(place, message, id)

    def _unaccounted(self) -> Iterator[Finding]:
        name = self._paths["provenance"].name
        for image_id, kept in self._segments.items():
            for id in kept:
                if id > 0:
                    message = f"{name} has no line for its description"
                    yield WITHOUT_PROVENANCE.at(Place(self._export, image_id), message, id)
