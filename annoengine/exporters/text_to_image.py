"""Writes pairs of photograph and caption, to train text-to-image models with.

For each split:

- ``<dataset>_<split>-000000.tar`` … are webdatasets; a sample is ``000000000009.jpg`` (the
  photograph's bytes as they are, with its own ending), ``000000000009.txt`` (the paragraph
  without tags) and ``000000000009.json`` (``key``, ``caption``, ``file_name``, ``width``,
  ``height``, ``sha256``, ``record``, ``image_id``, ``model`` and ``prompt``, and where they are
  known ``license``, ``coco_url``, ``flickr_url``).
- ``<split>/metadata.jsonl`` has the same pairs a line each, for readers that want a folder:
  ``file_name``, ``text``, and ``shard`` and ``key``, where the sample is. ``file_name`` is the
  photograph's in its own folder: put the file there, or have the photographs put beside it.
- ``captions_<split>.jsonl`` and ``left_out_<split>.jsonl`` are the sidecars of
  ``annoengine.writing.grounded_captions``.

``width`` and ``height`` are those of the upright picture. A photograph that EXIF data turns
leaves as it is stored, and the account says how many there are.

Source: arXiv 2502.02589, section 5, Text Conditioned Image Generation; the output formats of
rom1504/img2dataset; the ``imagefolder`` of Hugging Face's ``datasets``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import orjson
from pydantic import Field

from annoengine.errors import InputError
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.mask import RecordFiles
from annoengine.record import Record
from annoengine.stage import Parameters
from annoengine.writing.grounded_captions import (
    GroundedSidecars,
    Paragraph,
    caption_row,
    paragraph_of,
)
from annoengine.writing.json_stream import JsonLines
from annoengine.writing.panoptic_json import image_id_of
from annoengine.writing.photo_bytes import is_turned, photo_bytes, photo_ending
from annoengine.writing.split_accounts import (
    Counted,
    add_up,
    leaving_split,
    no_paragraph_note,
    of_one_dataset,
)
from annoengine.writing.tar_shards import TarShards
from annoengine.writing.webdataset import sample_key


class TextToImageParameters(Parameters):
    """How large shards may be, and whether photographs leave as files too."""

    shard_samples: int = Field(default=10_000, ge=1)
    """The most samples of a shard."""
    shard_bytes: int = Field(default=1_000_000_000, ge=1)
    """The most bytes of a shard; a sample that is larger has one of its own."""
    photographs: Literal["none", "copy", "link"] = "none"
    """Put the photographs beside ``metadata.jsonl``, as copies or hard links, or not at all."""


@dataclass
class _Split(Counted):
    """The open files of one split, and what went into them."""

    folder: Path
    shards: TarShards
    metadata: JsonLines
    sidecars: GroundedSidecars


class TextToImage(Exporter):
    """Photographs with their captions, as webdataset and as metadata of a folder."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    Parameters: ClassVar[type[Parameters]] = TextToImageParameters
    parameters: TextToImageParameters

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name.

        Raises InputError for a photograph that is gone or changed since the run, for two of one
        name, and for records of more than one dataset.
        """
        splits: dict[str, _Split] = {}
        with ExitStack() as stack:
            for record in of_one_dataset(run.records(), "text_to_image"):
                leaving = leaving_split(record)
                if leaving not in splits:
                    splits[leaving] = self._open_split(stack, folder, record)
                self._add(record, run, splits[leaving])
            for split in splits.values():
                split.count("shards", split.shards.count)
        return add_up(folder, splits, _COUNTED, _ALWAYS, _notes)

    def _open_split(self, stack: ExitStack, folder: Path, record: Record) -> _Split:
        leaving = leaving_split(record)
        own = folder / leaving
        own.mkdir()
        shards = TarShards(
            folder,
            f"{record.dataset}_{leaving}",
            self.parameters.shard_samples,
            self.parameters.shard_bytes,
        )
        return _Split(
            folder=own,
            shards=stack.enter_context(shards),
            metadata=stack.enter_context(JsonLines(own / "metadata.jsonl")),
            sidecars=stack.enter_context(GroundedSidecars(folder, leaving)),
        )

    def _add(self, record: Record, run: RunView, split: _Split) -> None:
        split.count("region captions", sum(1 for c in record.captions if c.segment is not None))
        paragraph = paragraph_of(record, {segment.id for segment in record.segments})
        if paragraph is None:
            split.count("images with no paragraph")
            split.sidecars.left_out(record, "no paragraph")
            return
        files = run.files(record)
        data = photo_bytes(record, files)
        key = sample_key(record.photo.file)
        shard = split.shards.add(
            key,
            {
                photo_ending(record.photo.file, data): data,
                "txt": paragraph.text.encode("utf-8"),
                "json": orjson.dumps(_sample_row(record, paragraph, key)),
            },
        )
        split.metadata.add(
            {
                "file_name": record.photo.file,
                "text": paragraph.text,
                "shard": shard,
                "key": key,
            }
        )
        split.sidecars.caption(caption_row(record, paragraph, key=key, shard=shard))
        if self.parameters.photographs != "none":
            self._put(record, files, data, split)
        split.count("images")
        split.count("turned", int(is_turned(data)))

    def _put(self, record: Record, files: RecordFiles, data: bytes, split: _Split) -> None:
        """The photograph beside ``metadata.jsonl``."""
        target = split.folder / record.photo.file
        if target.exists():
            raise InputError(
                f"{record.photo.file!r} of {record.id} cannot be put into the folder "
                f"{leaving_split(record)}, where a file has that name; rename it"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.parameters.photographs == "link" and isinstance(files.image, Path):
            try:
                os.link(files.image, target)
            except OSError:
                # Hard links stop at the border of a file system.
                target.write_bytes(data)
        else:
            target.write_bytes(data)


def _sample_row(record: Record, paragraph: Paragraph, key: str) -> dict[str, Any]:
    """The ``json`` of a sample."""
    photo, origin = record.photo, paragraph.caption.origin
    licence = photo.licence
    row = {
        "key": key,
        "caption": paragraph.text,
        "file_name": photo.file,
        "width": int(photo.width),
        "height": int(photo.height),
        "sha256": photo.sha256,
        "record": record.id,
        "image_id": image_id_of(record),
        "model": origin.model,
        "prompt": origin.prompt,
        "license": {"id": licence.id, "name": licence.name, "url": licence.url}
        if licence
        else None,
        "coco_url": photo.coco_url,
        "flickr_url": photo.flickr_url,
    }
    return {name: value for name, value in row.items() if value is not None}


_ALWAYS = ("images", "shards")
_COUNTED = (*_ALWAYS, "images with no paragraph")


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    notes = no_paragraph_note(counts.get("images", 0), counts.get("images with no paragraph", 0))
    if counts.get("turned"):
        notes.append(
            f"{counts['turned']} photographs are turned by their EXIF data, which readers that "
            "ignore it show as they are stored"
        )
    if counts.get("region captions"):
        notes.append(
            f"{counts['region captions']} captions of segments are not part of this format and "
            "were not written"
        )
    return notes
