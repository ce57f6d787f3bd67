"""Writes a folder that Hugging Face's ``load_dataset`` opens: Parquet with pictures, and a card.

- ``data/<split>-00000-of-00003.parquet`` … have a row for each image: the photograph's bytes, its
  caption, the caption's phrases with their segments, a PNG of the masks, and the segments with
  their own captions. ``annoengine.writing.image_table`` has the columns; the features of
  ``datasets`` are in the metadata of each file.
- ``README.md`` is the dataset's card: the files of each split, columns, counts, the recipe, the
  models and prompts that wrote the texts, and the licences of the photographs.

The ids of ``mask``, ``segments`` and ``spans`` are the same: 1, 2, 3 …, stuff before things, 0 is
void. A PNG cannot hold overlaps: there smaller segments lie on larger ones, and one of which
nothing is seen is left out and counted. Every image is there, with a caption or without.

The split ``val`` is called ``validation`` and ``all`` is called ``train``, as is usual there;
what is no letter, digit or underscore in the name of another becomes an underscore.

Source: ``datasets`` and ``huggingface_hub``, as named in the modules that write table and card.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from annoengine.errors import InputError
from annoengine.exporter import Exported, Exporter, RunView
from annoengine.record import Record
from annoengine.requirement import Requirement, extra
from annoengine.stage import Parameters
from annoengine.writing.dataset_card import Card, CardSplit, Provenance
from annoengine.writing.image_table import arrow_schema, row_of
from annoengine.writing.parquet_shards import ParquetShards, load_pyarrow
from annoengine.writing.split_accounts import Counted, add_up, leaving_split, of_one_dataset

_NAMES = {"val": "validation", "all": "train"}
"""What splits are called on the hub, where that is not their own name."""


class HuggingfaceParameters(Parameters):
    """How large the files are, and what the card says that no record knows."""

    title: str = ""
    """The dataset's name in the card; the recipe's unless given."""
    licence: str = ""
    """The licence under which the dataset is given, as the hub names it (``cc-by-4.0``). Unless
    given, the card names one only if all photographs have the same."""
    shard_bytes: int = Field(default=500_000_000, ge=1)
    """A file ends as soon as it has so many bytes."""
    group_bytes: int = Field(default=32_000_000, ge=1)
    """The most bytes of a row group, of which readers load one at a time."""
    group_rows: int = Field(default=100, ge=1)
    """The most rows of a row group; the hub's viewer likes 100 for pictures."""


@dataclass
class _Split(Counted):
    """The open files of one split, and what went into them."""

    own_name: str
    shards: ParquetShards


class Huggingface(Exporter):
    """A Parquet dataset with images, masks and captions, and its card."""

    VERSION: ClassVar[int] = 1
    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions", "segments"})
    Parameters: ClassVar[type[Parameters]] = HuggingfaceParameters
    parameters: HuggingfaceParameters

    def requirements(self) -> Sequence[Requirement]:
        """The extra ``parquet``."""
        return (extra("parquet", "pyarrow"),)

    def export(self, run: RunView, folder: Path) -> Exported:
        """Writes every split that the records name, and the card.

        Raises SettingError where pyarrow is missing, and InputError for a photograph or masks
        that are gone or changed since the run, for records of more than one dataset, and for two
        splits that would have one name.
        """
        schema = arrow_schema(load_pyarrow()[0])
        splits: dict[str, _Split] = {}
        provenance = Provenance()
        dataset = ""
        data = folder / "data"
        data.mkdir()
        with ExitStack() as stack:
            for record in of_one_dataset(run.records(), "huggingface"):
                dataset = record.dataset
                leaving = leaving_split(record)
                name = _NAMES.get(leaving, re.sub(r"\W", "_", leaving))
                if name not in splits:
                    splits[name] = self._open_split(stack, data, record, name, schema)
                split = splits[name]
                if split.own_name != leaving:
                    raise InputError(
                        f"the splits {split.own_name!r} and {leaving!r} of {dataset} would "
                        f"both be called {name!r}; export them apart"
                    )
                split.shards.add(*row_of(record, run.files(record), split))
                provenance.add(record)
        for split in splits.values():
            split.count("files", split.shards.count)
        exported = add_up(folder, splits, _COUNTED, _ALWAYS, _notes)
        card = Card(
            title=self.parameters.title or run.name,
            recipe=run.name,
            dataset=dataset,
            version=self.VERSION,
            licence=self.parameters.licence,
            splits=[
                CardSplit(
                    name,
                    f"data/{name}-*",
                    split.shards.rows,
                    split.shards.arrow_bytes,
                    split.shards.file_bytes,
                )
                for name, split in sorted(splits.items(), key=_first_train)
            ],
            counts=[(name, n) for name, n in exported.counts.items() if name in _ALWAYS[1:]],
            provenance=provenance,
        )
        (folder / "README.md").write_text(card.text(), encoding="utf-8")
        return exported

    def _open_split(
        self, stack: ExitStack, data: Path, record: Record, name: str, schema: object
    ) -> _Split:
        shards = ParquetShards(
            data,
            name,
            schema,
            group_rows=self.parameters.group_rows,
            group_bytes=self.parameters.group_bytes,
            shard_bytes=self.parameters.shard_bytes,
        )
        return _Split(leaving_split(record), stack.enter_context(shards))


def _first_train(split: tuple[str, _Split]) -> tuple[int, str]:
    """train, validation and test come first, in this order."""
    usual = ("train", "validation", "test")
    return (usual.index(split[0]) if split[0] in usual else len(usual), split[0])


_ALWAYS = ("files", "images", "segments", "captions", "captions of segments")
_COUNTED = (
    *_ALWAYS,
    "phrases",
    "images with no masks",
    "segments without pixels",
    "phrases left out",
    "segments left out of phrases",
    "captions of segments that are not there",
    "second captions",
)


def _notes(counts: Mapping[str, int]) -> list[str]:
    """What is worth reading of a split."""
    notes = []
    missing = counts["images"] - counts["captions"]
    if missing:
        notes.append(f"{missing} of {counts['images']} images have no caption of the whole image")
    if counts.get("second captions"):
        notes.append(
            f"{counts['second captions']} captions are not the first of their image or segment, "
            "and were not written"
        )
    if counts.get("interactions"):
        notes.append(
            f"{counts['interactions']} sentences about what goes on between segments are not part "
            "of this format and were not written"
        )
    return notes
