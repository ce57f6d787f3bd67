"""Writes SA-Pancap files: captions with boxes in their text, and lists of images.

For each split ``sapancap_<split>_gtcaption.json``, a JSON list of ``{"image_path", "gt_response"}``
in which each entity's phrase is followed by its box, ``[[x1, y1, x2, y2]]``, shares of the original
image with three decimals; ``sapancap_<split>_data_list.json``, the paths of the same images; and
the sidecars of ``annoengine.writing.grounded_captions``, in which the text has no boxes and its
phrases have the segments' ids.

The release has captions of the validation and the test split in this form, those of the training
split only in that of PancapChain; here every split has its captions.

Source: arXiv 2505.16334; the release's ``sapancap_{val,test}_gtcaption.json`` and data lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from annoengine.errors import InputError
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.pancap.caption_boxes import find_written, rounded_box, write_box
from annoengine.pancap.leaving_caption import check_image_pattern, image_path, leaving_caption
from annoengine.pancap.published_files import CAPTIONS, ListWriter
from annoengine.pancap.told_entities import box_unit
from annoengine.reading.coco_json import text_hash
from annoengine.record import Record, Segment
from annoengine.stage import Parameters
from annoengine.writing.grounded_captions import GroundedSidecars, caption_row
from annoengine.writing.json_list import JsonList
from annoengine.writing.split_accounts import (
    Counted,
    add_up,
    leaving_split,
    no_paragraph_note,
    of_one_dataset,
)


class SaPancapParameters(Parameters):
    """How the images are called."""

    image: str = Field(default="{file}")
    """The path of an image as readers look for it; ``{file}`` stands for the photograph's own,
    ``{split}`` for its split in the source: ``sam/{file}``. The metric compares its last three
    components."""

    @field_validator("image")
    @classmethod
    def _has_the_file(cls, image: str) -> str:
        return check_image_pattern(image)


@dataclass
class _Split(Counted):
    """The open files of one split, what went into them, and hashes of the paths."""

    captions: ListWriter
    images: JsonList
    sidecars: GroundedSidecars
    seen: set[int]


class SaPancap(Exporter):
    """SA-Pancap's captions and data lists, and sidecars."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions", "segments"})
    Parameters: ClassVar[type[Parameters]] = SaPancapParameters
    parameters: SaPancapParameters

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for records of more than one dataset, and for two of one image path.
        """
        splits: dict[str, _Split] = {}
        with ExitStack() as stack:
            for record in of_one_dataset(run.records(), "sa_pancap"):
                leaving = leaving_split(record)
                if leaving not in splits:
                    splits[leaving] = _open_split(stack, folder, leaving)
                self._add(record, splits[leaving])
        return add_up(folder, splits, _COUNTED, _ALWAYS, _notes)

    def _add(self, record: Record, split: _Split) -> None:
        split.count("region captions", sum(1 for c in record.captions if c.segment is not None))
        caption = leaving_caption(record)
        if caption is None:
            split.count("images with no caption")
            split.sidecars.left_out(record, "no paragraph")
            return
        if find_written(caption.paragraph.text):
            split.count("images with numbers in the text that read as a box")
            split.sidecars.left_out(record, "numbers in the text that read as a box")
            return

        def write(segments: tuple[Segment, ...]) -> str:
            boxes = (rounded_box(box_unit(segment, record.photo)) for segment in segments)
            return " ".join(write_box(box) for box in boxes)

        path = image_path(self.parameters.image, record)
        if text_hash(path) in split.seen:
            raise InputError(
                f"two images of {leaving_split(record)} would have the path {path!r}, one of them "
                f"{record.id}; rename one of them"
            )
        split.seen.add(text_hash(path))
        split.captions.add(path, caption.with_boxes(write))
        split.images.add(path)
        split.sidecars.caption(caption_row(record, caption.paragraph, image_path=path))
        told = len(caption.entities)
        split.count("captions")
        split.count("boxes", told)
        split.count("captions without a box", int(not told))
        entities = sum(1 for segment in record.segments if not segment.iscrowd)
        split.count("entities without a box", max(entities - told, 0))


def _open_split(stack: ExitStack, folder: Path, split: str) -> _Split:
    return _Split(
        captions=stack.enter_context(
            ListWriter(folder / f"sapancap_{split}_gtcaption.json", CAPTIONS)
        ),
        images=stack.enter_context(JsonList(folder / f"sapancap_{split}_data_list.json")),
        sidecars=stack.enter_context(GroundedSidecars(folder, split)),
        seen=set(),
    )


_ALWAYS = ("captions", "boxes")
_COUNTED = (
    *_ALWAYS,
    "captions without a box",
    "entities without a box",
    "images with no caption",
    "images with numbers in the text that read as a box",
)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    captions, boxes = counts.get("captions", 0), counts.get("boxes", 0)
    notes = no_paragraph_note(captions, counts.get("images with no caption", 0))
    if captions:
        notes.append(f"{boxes / captions:.1f} boxes a caption; {boxes} in {captions}")
    if counts.get("region captions"):
        notes.append(
            f"{counts['region captions']} captions of segments are not part of this format and "
            "were not written"
        )
    return notes
