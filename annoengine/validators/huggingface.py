"""Validates Parquet tables of images, masks and captions, as our export for Hugging Face has them.

Rows are read a few at a time and checked by all cores; of the whole only a hash of each row's
record is held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from annoengine.checks import (
    box_checks,
    caption_checks,
    description_checks,
    span_checks,
    table_files,
    table_rows,
)
from annoengine.checks.caption_rows import opened_parquet
from annoengine.checks.conversation_checks import TAG_LEFT
from annoengine.checks.gcg_checks import IMAGE_TWICE
from annoengine.checks.ordered_work import FEW, results_in_order
from annoengine.checks.pair_samples import PHOTO_DIFFERS
from annoengine.checks.panoptic_checks import (
    CHECK_DIED,
    MASK_SIZE_DIFFERS,
    MASK_UNREADABLE,
    PIXELS_WITHOUT_SEGMENT,
    SEGMENT_ID_TWICE,
    SEGMENT_ID_VOID,
    SEGMENT_WITHOUT_PIXELS,
)
from annoengine.checks.photo_checks import PHOTO_MISSING, PHOTO_UNREADABLE
from annoengine.checks.table_files import (
    TABLE_UNREADABLE,
    card_findings,
    is_table,
    missing_files,
    schema_findings,
    split_of,
)
from annoengine.checks.table_rows import RowTask, check_row, died
from annoengine.checks.tag_codes import ID_UNKNOWN
from annoengine.errors import InputError
from annoengine.reading.coco_json import text_hash
from annoengine.validator import Code, Dataset, Finding, Place, Validator
from annoengine.writing.image_table import COLUMNS

_BATCH_ROWS = 16


class Huggingface(Validator):
    """A folder of parquet files with a card, or one such file."""

    ABOUT: ClassVar[str] = "a Parquet dataset of images, masks and captions"
    CODES: ClassVar[tuple[Code, ...]] = (
        *table_files.CODES,
        CHECK_DIED,
        IMAGE_TWICE,
        PHOTO_MISSING,
        PHOTO_UNREADABLE,
        PHOTO_DIFFERS,
        *caption_checks.CODES,
        TAG_LEFT,
        *span_checks.CODES,
        *table_rows.CODES,
        ID_UNKNOWN,
        MASK_UNREADABLE,
        MASK_SIZE_DIFFERS,
        SEGMENT_ID_VOID,
        SEGMENT_ID_TWICE,
        SEGMENT_WITHOUT_PIXELS,
        PIXELS_WITHOUT_SEGMENT,
        *box_checks.CODES,
        *description_checks.CODES,
    )

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Has its first parquet file the columns of these tables?"""
        files = table_files.table_files(path)
        return bool(files) and is_table(files[0])

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """The files and their columns, then row by row, then the card."""
        yield from missing_files(dataset.file)
        files = table_files.table_files(dataset.file)
        rows: Counter[str] = Counter()
        for file in files:
            try:
                with opened_parquet(file) as parquet:
                    rows[split_of(file)] += parquet.metadata.num_rows
            except InputError:
                # What is wrong with it is said when its rows are read.
                continue
        seen: set[int] = set()
        done = 0
        for file in files:
            try:
                with opened_parquet(file) as parquet:
                    yield from schema_findings(file, parquet)
                    yield from self._check_rows(file, parquet, seen, done, rows.total())
                    done += parquet.metadata.num_rows
            except InputError as error:
                yield TABLE_UNREADABLE.at(Place(file.name), str(error))
        if dataset.file.is_dir():
            yield from card_findings(dataset.file, rows)

    def _check_rows(
        self, file: Path, parquet: Any, seen: set[int], done: int, total: int
    ) -> Iterator[Finding]:
        columns = [name for name in COLUMNS if name in parquet.schema_arrow.names]

        def tasks() -> Iterator[RowTask]:
            number = 0
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                for row in batch.to_pylist():
                    name = row.get("file_name")
                    id = row.get("record") or row.get("image_id") or f"row {number}"
                    yield RowTask(Place(file.name, str(id), name), self.rules, row)
                    number += 1

        workers = self.rules.workers if total > FEW else 0
        for at, report in enumerate(results_in_order(check_row, tasks(), workers, died), start=1):
            self.progress(done + at, total)
            for what, n in report.counts.items():
                self.count(what, n)
            told = text_hash(str(report.place.image_id))
            if told in seen:
                yield IMAGE_TWICE.at(report.place, "an earlier row has the same record")
            seen.add(told)
            yield from report.findings
