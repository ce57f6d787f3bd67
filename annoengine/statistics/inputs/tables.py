"""Parquet files with a column of captions, as Hugging Face keeps datasets.

What ``huggingface`` exports is read in full: the image's caption with its ``spans``, the captions
of ``segments``, and how many masks there are. Of other people's files the column of captions is
read, which holds a text or a list of texts, and ``segments`` where they have it. Photographs and
masks, which are most of such a file, are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from annoengine.errors import InputError
from annoengine.reading.parquet_file import batches_of, opened_parquet
from annoengine.statistics.inputs.lists import text_field
from annoengine.statistics.inputs.texts import IMAGE_FIELDS, captions_in, image_of, without_boxes
from annoengine.statistics.sample import Notes, Sample

SEGMENTS, SPANS = "segments", "spans"

_WHAT = "datasets of parquet files"
_BATCH_ROWS = 256


class TableCaptions:
    """The rows of some parquet files."""

    kind = "huggingface"

    def __init__(self, files: Sequence[Path], field: str = "") -> None:
        self._files = files
        self._field = field
        self.notes = Notes(list(files))

    def class_names(self) -> frozenset[str] | None:
        """The categories of the segments, where the rows have some."""
        names: set[str] = set()
        for file in self._files:
            with opened_parquet(file, _WHAT) as parquet:
                if SEGMENTS in parquet.schema_arrow.names:
                    for row in _rows(parquet, [SEGMENTS]):
                        found = (s.get("category") for s in _objects(row, SEGMENTS) or ())
                        names.update(name for name in found if isinstance(name, str))
        return frozenset(names) or None

    def samples(self) -> Iterator[Sample]:
        """One for each row; two where its segments have captions of their own."""
        for file in self._files:
            with opened_parquet(file, _WHAT) as parquet:
                schema = parquet.schema_arrow
                names = schema.names
                field = self._field or text_field(dict.fromkeys(names), f"{file}")
                if field not in names:
                    raise InputError(
                        f"{file} has no column {field!r}; it has {', '.join(names) or 'none'}"
                    )
                # A column "image" may hold the picture itself.
                plain = [name for name in names if not schema.field(name).type.num_fields]
                wanted = [name for name in IMAGE_FIELDS if name in plain]
                wanted += [name for name in (SPANS, SEGMENTS) if name in names]
                for number, row in enumerate(_rows(parquet, [field, *wanted])):
                    yield from _samples(row, field, number, f"{file}: row {number}")


def _rows(parquet: Any, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    for batch in batches_of(parquet, list(dict.fromkeys(columns)), _BATCH_ROWS):
        yield from batch.to_pylist()


def _objects(row: Mapping[str, Any], column: str) -> list[dict[str, Any]] | None:
    value = row.get(column)
    if not isinstance(value, list):
        return None
    return [one for one in value if isinstance(one, dict)]


def _samples(row: Mapping[str, Any], field: str, number: int, where: str) -> Iterator[Sample]:
    image = image_of(row, number)
    texts = tuple(map(without_boxes, captions_in(row[field], f"{where}: its {field!r}")))
    segments = _objects(row, SEGMENTS)
    if segments is None:
        yield Sample(image, "image", texts)
        return
    uncrowded = {s.get("id") for s in segments if not s.get("iscrowd")}
    spoken = {id for span in _objects(row, SPANS) or () for id in span.get("segments") or ()}
    known, masks = len(uncrowded), len(segments)
    yield Sample(image, "image", texts, masks, known, len(spoken & uncrowded))
    of_regions: list[str] = []
    about = set()
    for at, segment in enumerate(segments):
        found = captions_in(segment.get("caption"), f"{where}: {SEGMENTS}[{at}]: its 'caption'")
        if any(text.strip() for text in found):
            of_regions += map(without_boxes, found)
            about.add(segment.get("id"))
    if of_regions:
        yield Sample(image, "region", tuple(of_regions), masks, known, len(about & uncrowded))
