"""Writes COCONut-PanCap files: grounded paragraphs in a tar, and masks with the ids of their tags.

For each split ``caption_train2017.tar`` with one text file an image
(``caption_train2017/000000000009.txt``, a webdataset), in which phrases are tagged with the ids
of their masks: ``<3: a dog>``, ``<6,7: two men>``; the masks in ``panoptic_train2017/`` and
``panoptic_train2017.json``, COCO's panoptic format with the ids 1, 2, 3 … of each image, stuff
before things; and what the format has no place for, in ``annoengine.writing.grounded_captions``:
the text without tags, its spans, the ids in the run, and who wrote it.

The tags and the masks are written from one numbering in one go: an id in a tag is in the JSON
and in the PNG, and never 0. The release's own captions do not keep to that everywhere.

Source: arXiv 2502.02589; the release's captions and COCONut-S masks; the rules by which PANORAMA
reads them (``dataset_coconut_pancap.py``): a caption with a malformed tag, or with an id that is
not in JSON and PNG, costs the image; the text file's name is looked for as ``.png`` and ``.jpg``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from annoengine.errors import InputError
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.mask import write_panoptic_png
from annoengine.record import Record
from annoengine.stage import Parameters
from annoengine.writing.grounded_captions import GroundedSidecars, caption_row, paragraph_of
from annoengine.writing.numbered_masks import ONE_CHANNEL, NumberedMasks, number_masks
from annoengine.writing.panoptic_json import CategoryTable, PanopticFile, segment_row
from annoengine.writing.panoptic_masks import PanopticMask
from annoengine.writing.split_accounts import Counted, add_up, leaving_split, of_one_dataset
from annoengine.writing.tagged_paragraph import tag_paragraph
from annoengine.writing.webdataset import WebdatasetTar, sample_key


class CoconutPancapParameters(Parameters):
    """What the files are called, and what becomes of images without a grounded paragraph."""

    names: str = Field(default="{split}2017", pattern=r"^[\w.-]*\{split\}[\w.-]*$")
    """What follows ``caption_`` and ``panoptic_`` in the names of files; ``{split}`` stands for
    the split. Readers of the release look for ``caption_train2017``."""
    masks_without_text: bool = True
    """Write the masks also of images that have no grounded paragraph, as COCONut-S has them."""


@dataclass
class _Split(Counted):
    """The open files of one split, and what went into them."""

    name: str
    tar: WebdatasetTar
    json: PanopticFile
    sidecars: GroundedSidecars
    masks: Path


class CoconutPancap(Exporter):
    """COCONut-PanCap's captions and masks, and sidecars."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions", "masks", "segments"})
    Parameters: ClassVar[type[Parameters]] = CoconutPancapParameters
    parameters: CoconutPancapParameters

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for a mask that is gone or changed since the run, for two photographs
        of one name, and for records of more than one dataset.
        """
        categories = CategoryTable(run.records())
        splits: dict[str, _Split] = {}
        dataset = ""
        with ExitStack() as stack:
            for record in of_one_dataset(run.records(), "coconut_pancap"):
                dataset = record.dataset
                leaving = leaving_split(record)
                if leaving not in splits:
                    splits[leaving] = self._open_split(stack, folder, leaving)
                self._add(record, run, splits[leaving], categories)
            for name, split in splits.items():
                split.json.finish(_info(run.name, dataset, name), categories)
        return add_up(folder, splits, _COUNTED, _ALWAYS, _notes)

    def _open_split(self, stack: ExitStack, folder: Path, split: str) -> _Split:
        name = self.parameters.names.replace("{split}", split)
        return _Split(
            name=name,
            tar=stack.enter_context(WebdatasetTar(folder / f"caption_{name}.tar")),
            json=stack.enter_context(PanopticFile(folder / f"panoptic_{name}.json")),
            sidecars=stack.enter_context(GroundedSidecars(folder, name)),
            masks=folder / f"panoptic_{name}",
        )

    def _add(self, record: Record, run: RunView, split: _Split, categories: CategoryTable) -> None:
        split.count("region captions", sum(1 for c in record.captions if c.segment is not None))
        if record.masks is None:
            split.count("images with no masks")
            split.sidecars.left_out(record, "no masks", masks_exported=False)
            return
        masks = number_masks(record, run.files(record))
        numbers = {own: placed.id for own, placed in masks.placed.items()}
        tagged = tag_paragraph(paragraph_of(record, numbers), numbers)
        paragraph = tagged.paragraph
        with_masks = paragraph is not None or self.parameters.masks_without_text
        if with_masks:
            self._add_masks(record, masks, split, categories)
        if paragraph is None:
            split.count(f"images with {tagged.reason}")
            split.sidecars.left_out(record, tagged.reason, tagged.detail, masks_exported=with_masks)
            return
        key = f"caption_{split.name}/{sample_key(record.photo.file)}"
        split.tar.add(key, {"txt": tagged.text.encode("utf-8")})
        split.sidecars.caption(caption_row(record, paragraph, numbers, key=key, tagged=tagged.text))
        grounded = {id for span in paragraph.spans for id in span.segments}
        split.count("captions")
        split.count("phrases", len(paragraph.spans))
        split.count("phrases left out", len(paragraph.caption.spans) - len(paragraph.spans))
        split.count("segments left out of phrases", paragraph.segments_left_out)
        split.count("segments of captioned images", len(numbers))
        split.count("segments grounded", len(grounded))
        split.count("captions of more than 255 segments", int(len(numbers) > ONE_CHANNEL))
        split.count("unfound", int(record.photo.file != f"{sample_key(record.photo.file)}.jpg"))

    def _add_masks(
        self, record: Record, masks: NumberedMasks, split: _Split, categories: CategoryTable
    ) -> None:
        mask = PanopticMask(f"{sample_key(record.photo.file)}.png", masks.placed, drawn=True)
        target = split.masks / mask.file
        if target.exists():
            raise InputError(
                f"two photographs of {split.name} would have the panoptic mask {mask.file}, "
                f"one of them {record.photo.file!r} of {record.id}; rename one of them"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        write_panoptic_png(target, masks.ids)
        rows = []
        for id, placed in masks.placed.items():
            segment = record.segment(id)
            row = segment_row(segment, placed, categories.id_of(segment.category))
            # In the order of the release, which has no box.
            order = ("id", "category_id", "iscrowd")
            rows.append(
                {
                    **{key: row[key] for key in order},
                    "isthing": int(segment.isthing),
                    "area": row["area"],
                    "bbox": row["bbox"],
                }
            )
        split.json.add(record, mask, rows)
        split.count("images")
        split.count("segments", len(rows))
        split.count("segments without pixels", len(record.segments) - len(rows))
        split.count("images of more than 255 segments", int(len(rows) > ONE_CHANNEL))


def _info(run: str, dataset: str, split: str) -> dict[str, Any]:
    return {
        "description": f"{dataset} {split}: panoptic masks whose ids are those of the captions' "
        "tags, in the format of COCONut-PanCap",
        "recipe": run,
        "exporter": "coconut_pancap",
        "exporter_version": CoconutPancap.VERSION,
    }


_ALWAYS = ("images", "segments", "captions", "phrases", "segments grounded")
_COUNTED = (
    *_ALWAYS,
    "images with no paragraph",
    "images with no grounded phrase",
    "images with a text that cannot be tagged",
    "images with no masks",
    "phrases left out",
    "segments left out of phrases",
    "segments without pixels",
)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    notes = []
    if counts.get("captions"):
        notes.append(
            f"{counts['segments grounded']} of the {counts['segments of captioned images']} "
            f"segments of {counts['captions']} captioned images are in a tag"
        )
    if counts.get("images of more than 255 segments"):
        notes.append(
            f"{counts['images of more than 255 segments']} images have more than 255 segments: "
            "their ids are R + 256 G, and readers of the red channel alone take them for others"
            f" ({counts.get('captions of more than 255 segments', 0)} of them have a caption)"
        )
    if counts.get("unfound"):
        notes.append(
            f"{counts['unfound']} of {counts['captions']} photographs will not be found by readers "
            "of the original, which look for the text's name with .jpg"
        )
    if counts.get("region captions"):
        notes.append(
            f"{counts['region captions']} captions of segments are not part of this format and "
            "were not written"
        )
    return notes
