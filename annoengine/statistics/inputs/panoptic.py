"""COCO panoptic files with captions on their segments: Pix2Cap-COCO's, and its predictions.

The released files have ``description``, predictions ``caption``. Source: the released loader and
the evaluators of geshang777/pix2cap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.reading.coco_json import shown
from annoengine.reading.json_slices import Slices, parsed
from annoengine.statistics.inputs.texts import captions_in
from annoengine.statistics.sample import Notes, Sample

_WHAT = "a Pix2Cap-COCO file is an object with 'images', 'annotations' and 'categories'"
FIELDS = ("description", "caption")


class PanopticCaptions:
    """One or several files of one dataset."""

    kind = "pix2cap"

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self.notes = Notes(list(files))

    def class_names(self) -> frozenset[str] | None:
        """The names in ``categories``."""
        names: set[str] = set()
        for file in self._files:
            for slice in Slices(file, {"categories"}, _WHAT):
                row = parsed(file, slice.raw, slice.start)
                name = row.get("name") if isinstance(row, dict) else None
                if isinstance(name, str):
                    names.add(name)
        return frozenset(names) or None

    def samples(self) -> Iterator[Sample]:
        """One for each annotation."""
        for file in self._files:
            slices = Slices(file, {"annotations"}, _WHAT)
            described = False
            for slice in slices:
                place = f"{file}: annotations[{slice.position}]"
                annotation = parsed(file, slice.raw, slice.start)
                infos = annotation.get("segments_info") if isinstance(annotation, dict) else None
                if not isinstance(infos, list):
                    raise InputError(f"{place} has no list 'segments_info'")
                described = described or any(
                    isinstance(info, dict) and (FIELDS[0] in info or FIELDS[1] in info)
                    for info in infos
                )
                yield _sample(annotation, infos, place)
            if "annotations" not in slices.counts:
                raise InputError(f"{file} has no 'annotations'; {_WHAT}")
            if slices.counts["annotations"] and not described:
                raise InputError(
                    f"{file} is a panoptic file without captions: no segment has a 'description' "
                    "or a 'caption'"
                )


def _sample(annotation: Mapping[str, Any], infos: Sequence[Any], place: str) -> Sample:
    texts: list[str] = []
    groundable = grounded = 0
    for at, info in enumerate(infos):
        if not isinstance(info, dict):
            raise InputError(f"{place}, segments_info[{at}] is {shown(info)}, no object")
        field = FIELDS[0] if FIELDS[0] in info else FIELDS[1]
        found = captions_in(info.get(field), f"{place}, segments_info[{at}]: its {field!r}")
        found = tuple(text for text in found if text.strip())
        texts += found
        if info.get("iscrowd", 0) != 1:
            groundable += 1
            grounded += bool(found)
    image = annotation.get("image_id")
    return Sample(
        image=str(annotation.get("file_name") if image is None else image),
        level="region",
        texts=tuple(texts),
        masks=len(infos),
        groundable=groundable,
        grounded=grounded,
    )
