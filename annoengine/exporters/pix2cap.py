"""Writes Pix2Cap-COCO's files: COCO's panoptic JSON with a ``description`` on every segment.

For each split ``pix2cap_<dataset>_<split>.json`` and the masks in ``panoptic_<split>/``, as the
released dataset's own loader, evaluator and users read them (arXiv 2501.13893); beside them what
that format has no place for, in ``annoengine.writing.sidecars``.

A segment without a caption gets the empty description, as in the release, or with
``pad: category`` its category's name, as the paper's section 8.2 does for segmentation. This
matters more than it seems: the released training loader leaves out the *whole image* if one
description is shorter than three characters, crowds included. The export says how many images
survive that.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from annoengine.categories import words_of
from annoengine.errors import InputError
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.record import Caption, Record, Segment
from annoengine.stage import Parameters
from annoengine.writing.panoptic_json import (
    CategoryTable,
    PanopticFile,
    found_by_loader,
    image_id_of,
    segment_row,
)
from annoengine.writing.panoptic_masks import Mode, PanopticMask, take_out
from annoengine.writing.sidecars import Sidecars
from annoengine.writing.split_accounts import leaving_split

LOADER_MIN_CHARS = 3
"""Descriptions shorter than this cost the released training loader the whole image.

Source: the dataset's ``load_coco_panoptic_json``, the filter for train2017.
"""


class Pix2capParameters(Parameters):
    """What becomes of segments without a caption, and of the masks."""

    pad: Literal["none", "category"] = "none"
    """What stands for a missing caption: the empty text, as in the release, or a phrase made of
    the category's name ("a television"), flagged in the provenance."""
    drop_images_with_missing: bool = False
    """Leave out images in which a segment has no caption of its own. Crowds, which are never
    captioned, count too unless they are padded."""
    min_caption_chars: int = Field(default=3, ge=1)
    """A caption with fewer characters counts as missing."""
    copy_masks: Mode = "copy"
    """How the mask PNGs get into the export: copied, hard-linked, or not at all."""


@dataclass(frozen=True)
class _Described:
    """A segment of the export with its description, and why there is no caption (or "")."""

    segment: Segment
    text: str
    caption: Caption | None = None
    why: tuple[str, str, str] = ("", "", "")


@dataclass
class _Split:
    """The open files of one split, and what went into them."""

    json: PanopticFile
    sidecars: Sidecars
    masks: Path
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, n: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + n


def padding_phrase(segment: Segment) -> str:
    """A phrase of at least three characters that names a segment's category.

    >>> from annoengine.record import Category
    >>> def named(name, **more):
    ...     return Segment(id=1, category=Category(name=name), isthing=True,
    ...                    box_xyxy=(0, 0, 1, 1), area_px=1, **more)
    >>> [padding_phrase(named(n)) for n in ("zebra", "elephant", "scissors", "grass-merged")]
    ['a zebra', 'an elephant', 'scissors', 'grass']
    >>> padding_phrase(named("zebra", iscrowd=True))
    'zebras'
    """
    words = words_of(segment.category.name)
    if words.countable and segment.iscrowd:
        phrase = words.plural
    elif words.countable and words.plural != words.show:
        phrase = f"{_article(words.show)} {words.show}"
    else:
        phrase = words.show
    return phrase if len(phrase) >= LOADER_MIN_CHARS else f"some {phrase}".strip()


def _article(noun: str) -> str:
    # A unicycle and a European begin with the sound of "you".
    sounds_open = noun[:1].lower() in "aeiou" and not noun.lower().startswith(("uni", "eu", "one"))
    return "an" if sounds_open else "a"


class Pix2cap(Exporter):
    """Pix2Cap-COCO's annotation files, masks, and sidecars."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions", "masks", "segments"})
    Parameters: ClassVar[type[Parameters]] = Pix2capParameters
    parameters: Pix2capParameters

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for a mask that is gone or changed since the run, and for records of
        more than one dataset.
        """
        categories = CategoryTable(run.records())
        splits: dict[str, _Split] = {}
        dataset = ""
        with ExitStack() as stack:
            for record in run.records():
                dataset = dataset or record.dataset
                if record.dataset != dataset:
                    raise InputError(
                        f"the run holds records of {dataset!r} and of {record.dataset!r}; "
                        "a pix2cap export is of one dataset"
                    )
                leaving = leaving_split(record)
                if leaving not in splits:
                    splits[leaving] = _open_split(stack, folder, record)
                self._add(record, run, splits[leaving], categories)
            for name, split in splits.items():
                split.json.finish(_info(run.name, dataset, name), categories)
        return _account(folder, splits, self.parameters.pad)

    def _add(self, record: Record, run: RunView, split: _Split, categories: CategoryTable) -> None:
        image_id = image_id_of(record)
        described = self._describe(record)
        if record.masks is None:
            split.count("images without masks")
            return
        own = [d for d in described if d.caption is None]
        if self.parameters.drop_images_with_missing and any(map(self._is_missing, own)):
            split.count("images left out")
            for one in own:
                split.sidecars.gap(image_id, one.segment, one.why, exported=False)
            return
        mask = take_out(record, run.files(record), split.masks, self.parameters.copy_masks)
        split.count("masks drawn anew", int(mask.drawn))
        shown = [d for d in described if d.segment.id in mask.placed]
        split.count("segments without pixels", len(described) - len(shown))
        split.json.add(
            record,
            mask,
            [
                {
                    **segment_row(
                        d.segment,
                        mask.placed[d.segment.id],
                        categories.id_of(d.segment.category),
                    ),
                    "description": d.text,
                }
                for d in shown
            ],
        )
        self._write_sidecars(record, split, image_id, mask, shown)
        split.count("images")
        split.count("segments", len(shown))
        lengths = [len(d.text) for d in shown]
        split.count("survive", int(all(n >= LOADER_MIN_CHARS for n in lengths)))
        split.count("unfound", int(not found_by_loader(record.photo.file, mask.file)))
        split.count("image captions", sum(1 for c in record.captions if c.segment is None))

    def _describe(self, record: Record) -> list[_Described]:
        """Every segment with its description, in the record's order."""
        captions: dict[int | None, Caption] = {}
        for caption in record.captions:
            captions.setdefault(caption.segment, caption)
        gaps = {gap.segment: (gap.reason, gap.detail, gap.stage) for gap in record.gaps}
        described = []
        for segment in record.segments:
            found = captions.get(segment.id)
            text = found.text.strip() if found else ""
            if found is not None and len(text) >= self.parameters.min_caption_chars:
                described.append(_Described(segment, text, found))
                continue
            if found is not None:
                why = ("too short", f"{text!r}", found.origin.stage)
            elif segment.id in gaps:
                why = gaps[segment.id]
            else:
                why = ("crowd" if segment.iscrowd else "no caption", "", "")
            padded = padding_phrase(segment) if self.parameters.pad == "category" else ""
            described.append(_Described(segment, padded, why=why))
        return described

    def _is_missing(self, described: _Described) -> bool:
        return not (described.segment.iscrowd and self.parameters.pad == "category")

    def _write_sidecars(
        self,
        record: Record,
        split: _Split,
        image_id: int | str,
        mask: PanopticMask,
        shown: Sequence[_Described],
    ) -> None:
        ids = {own: placed.id for own, placed in mask.placed.items()}
        for one in shown:
            id = ids[one.segment.id]
            if one.caption is not None:
                split.sidecars.caption(record, image_id, id, one.caption)
                split.count("captions")
                continue
            split.sidecars.gap(image_id, one.segment, one.why, exported=True, id=id)
            if one.text:
                split.sidecars.padding(image_id, id, one.text)
                split.count("padded")
            else:
                split.count("crowds without a caption" if one.segment.iscrowd else "uncaptioned")
        for relation in record.relations:
            if all(own in ids for own in relation.segments):
                split.sidecars.interaction(
                    image_id, relation, [ids[own] for own in relation.segments]
                )
                split.count("interactions")


def _open_split(stack: ExitStack, folder: Path, record: Record) -> _Split:
    split = leaving_split(record)
    masks = folder / f"panoptic_{split}"
    return _Split(
        json=stack.enter_context(PanopticFile(folder / f"pix2cap_{record.dataset}_{split}.json")),
        sidecars=stack.enter_context(Sidecars(folder, split)),
        masks=masks,
    )


def _info(run: str, dataset: str, split: str) -> dict[str, Any]:
    return {
        "description": f"{dataset} {split}: panoptic segments with captions, in the format of "
        "Pix2Cap-COCO",
        "recipe": run,
        "exporter": "pix2cap",
        "exporter_version": Pix2cap.VERSION,
    }


_COUNTED = (
    "images",
    "segments",
    "captions",
    "padded",
    "uncaptioned",
    "crowds without a caption",
    "interactions",
    "images left out",
    "images without masks",
    "masks drawn anew",
    "segments without pixels",
)


def _account(folder: Path, splits: dict[str, _Split], pad: str) -> Exported:
    exported = Exported(folder)
    for what in _COUNTED:
        total = sum(split.counts.get(what, 0) for split in splits.values())
        if total or what in ("images", "captions", "padded", "uncaptioned"):
            exported.counts[what] = total
    if not splits:
        exported.notes.append("no record reached the end of the run: nothing was written")
    for name in sorted(splits):
        counts = splits[name].counts
        images, survive = counts.get("images", 0), counts.get("survive", 0)
        exported.counts[f"{name}: images that survive the training loader"] = survive
        note = (
            f"{name}: {survive} of {images} images survive the released training loader, which "
            f"leaves out every image with a description of under {LOADER_MIN_CHARS} characters"
        )
        if survive < images and pad == "none":
            note += " (pad: category would fill the gaps)"
        exported.notes.append(note)
        if counts.get("unfound"):
            exported.notes.append(
                f"{name}: {counts['unfound']} of {images} photographs will not be found by "
                "readers of the original, which look for the mask's name with .jpg"
            )
        if counts.get("image captions"):
            exported.notes.append(
                f"{name}: {counts['image captions']} captions of whole images are not part of "
                "this format and were not written"
            )
    return exported
