"""Texts in a tar, in a folder or in rows of text: COCONut-PanCap's captions, and plain ones.

The tags of grounded phrases are taken out of the text, and tell which segments it is about. How
many segments an image has is in a panoptic file, which an export has beside, or which is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from annoengine.checks.caption_files import CaptionStore, caption_store
from annoengine.checks.segment_index import SegmentIndex, known_segments, panoptic_beside
from annoengine.errors import InputError
from annoengine.grounded.tags import parse_tags
from annoengine.statistics.sample import Notes, Sample


class StoredTexts:
    """The captions of some stores, with the masks of the panoptic files that are given."""

    def __init__(self, kind: str, paths: Sequence[Path], panoptic: Sequence[Path] = ()) -> None:
        self.kind = kind
        self._paths = paths
        beside = [found for path in paths if (found := panoptic_beside(path)) is not None]
        self._panoptic = list(panoptic) or beside
        self._indexes: list[SegmentIndex] | None = None
        self.notes = Notes([*paths, *self._panoptic])

    def class_names(self) -> frozenset[str] | None:
        """The categories of the panoptic files."""
        names: set[str] = set()
        for index in self._read_indexes():
            # The first place is for segments whose category is not known.
            names.update(index.categories[1:])
        return frozenset(names) or None

    def _read_indexes(self) -> list[SegmentIndex]:
        if self._indexes is None:
            self._indexes = []
            for path in self._panoptic:
                index = SegmentIndex(path)
                index.read()
                self._indexes.append(index)
        return self._indexes

    def samples(self) -> Iterator[Sample]:
        """One for each text."""
        for path in self._paths:
            store = caption_store(path)
            if store is None:
                raise InputError(f"{path} is no tar, no folder and no parquet file of texts")
            yield from self._of(store)

    def _of(self, store: CaptionStore) -> Iterator[Sample]:
        for stored in store.captions():
            where = f"{store.path}: {stored.name}"
            if stored.data is None:
                raise InputError(f"{where} is too large for a caption")
            try:
                text = stored.data.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise InputError(f"{where} is no UTF-8: {error.reason}") from None
            tagged = parse_tags(text)
            ids = {id for span in tagged.spans for id in span.segments}
            yield self._sample(stored.key, tagged.text, ids)

    def _sample(self, key: str, text: str, ids: set[int]) -> Sample:
        indexes = self._read_indexes()
        for index in indexes:
            image = index.find(key)
            if image is not None:
                known = known_segments(index.segments(image.place), index.categories)
                uncrowded = {id for id, segment in known.items() if not segment.iscrowd}
                if ids - set(known):
                    self.notes.count("captions with an id that the panoptic file has not")
                return Sample(
                    key, "image", (text,), len(known), len(uncrowded), len(ids & uncrowded)
                )
        if indexes:
            self.notes.count("captions of images that the panoptic file has not")
        return Sample(key, "image", (text,))
