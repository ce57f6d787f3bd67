"""Validates pairs of photograph and caption in a webdataset's shard, ours or others'.

Samples are streamed in this process: reading them costs more than checking them. Of the shard
the keys are held, and a hash of each line of the metadata that lies beside.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import ClassVar

from annoengine.checks import caption_checks, pair_metadata, pair_samples
from annoengine.checks.caption_files import first_members, is_tar
from annoengine.checks.coco_tables import UNSAFE_PATH
from annoengine.checks.conversation_checks import TAG_LEFT
from annoengine.checks.pair_metadata import PairMetadata, metadata_of
from annoengine.checks.pair_samples import (
    PHOTO_ENDINGS,
    SAMPLE_APART,
    check_sample,
    samples_of,
)
from annoengine.checks.photo_checks import PHOTO_UNREADABLE
from annoengine.errors import InputError
from annoengine.reading.coco_json import text_hash
from annoengine.validator import Code, Dataset, Finding, Place, Validator

SHARD_UNREADABLE = Code("shard-unreadable", "error", "the shard cannot be read on")
_LOOKED_AT = 20


class TextToImage(Validator):
    """One shard of photographs with their captions."""

    ABOUT: ClassVar[str] = "a webdataset of photographs and captions"
    CODES: ClassVar[tuple[Code, ...]] = (
        SHARD_UNREADABLE,
        *pair_samples.CODES,
        UNSAFE_PATH,
        PHOTO_UNREADABLE,
        TAG_LEFT,
        *pair_metadata.CODES,
        *caption_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Are there texts and photographs among its first files?"""
        if not is_tar(path):
            return False
        names = first_members(path, _LOOKED_AT)
        endings = {PurePosixPath(name).suffix.lower().lstrip(".") for name in names}
        return "txt" in endings and not endings.isdisjoint(PHOTO_ENDINGS)

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """The metadata first, then sample by sample."""
        path = dataset.file
        beside = metadata_of(path)
        metadata = PairMetadata(beside, path, self.rules) if beside is not None else None
        if metadata is not None:
            yield from metadata.read()
        seen: set[int] = set()
        try:
            for done, sample in enumerate(samples_of(path), start=1):
                self.count("captions", sample.text is not None)
                self.count("photographs", sample.photo is not None)
                self.progress(done, max(done, metadata.lines if metadata else 0))
                told = text_hash(sample.key)
                if told in seen:
                    message = "its files stand in two places, so that readers make two of it"
                    yield SAMPLE_APART.at(Place(path.name, sample.key), message)
                    continue
                seen.add(told)
                yield from check_sample(sample, path.name, self.rules)
                if metadata is not None:
                    yield from metadata.check(sample)
        except InputError as error:
            yield SHARD_UNREADABLE.at(Place(path.name), str(error))
            return
        if metadata is not None and beside is not None:
            yield from metadata.left()
            where = f"{beside.parent.name}/{beside.name}"
            self.notes.append(f"{metadata.lines:,} lines of {where} were compared")
