"""Writes rows into numbered parquet files, ``train-00000-of-00003.parquet``, as they come.

A row group is written as soon as it is large enough, so that memory holds one of them; a file
ends at a size that hosts and readers like. How many files there are is known at the end alone,
when they get their names.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from annoengine.errors import SettingError

_BATCH_BYTES = 64
"""About what a row's numbers and names take beside its texts and pictures."""


def load_pyarrow() -> tuple[Any, Any]:
    """pyarrow and pyarrow.parquet. Raises SettingError where they are not installed."""
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise SettingError(
            "parquet files are written with pyarrow, which is not installed: "
            "pip install 'annoengine[parquet]'"
        ) from None


class ParquetShards(AbstractContextManager["ParquetShards"]):
    """The files of one split below a folder. Leaving the context names them."""

    def __init__(
        self,
        folder: Path,
        split: str,
        schema: Any,
        *,
        group_rows: int,
        group_bytes: int,
        shard_bytes: int,
    ) -> None:
        self._arrow, self._parquet = load_pyarrow()
        self._folder = folder
        self._split = split
        self._schema = schema
        self._group_rows = group_rows
        self._group_bytes = group_bytes
        self._shard_bytes = shard_bytes
        self._rows: list[Mapping[str, Any]] = []
        self._rows_bytes = 0
        self._writer: Any = None
        self._parts: list[Path] = []
        self.rows = 0
        """How many rows were added."""
        self.arrow_bytes = 0
        """What the rows take in memory as Arrow tables: ``num_bytes`` of a dataset's card."""
        self.file_bytes = 0
        """What the finished files take."""
        self.count = 0
        """How many files there are, once they have their names."""

    def add(self, row: Mapping[str, Any], size_bytes: int) -> None:
        """One more row; ``size_bytes`` is about what its texts and pictures take."""
        if self._rows and (
            len(self._rows) == self._group_rows or self._rows_bytes + size_bytes > self._group_bytes
        ):
            self._write_group()
        self._rows.append(row)
        self._rows_bytes += size_bytes + _BATCH_BYTES
        self.rows += 1

    def _write_group(self) -> None:
        if self._writer is None:
            part = self._folder / f".{self._split}-{len(self._parts):05}.part"
            self._parts.append(part)
            self._writer = self._parquet.ParquetWriter(part, self._schema, compression="snappy")
        table = self._arrow.Table.from_pylist(self._rows, schema=self._schema)
        self.arrow_bytes += table.nbytes
        self._writer.write_table(table, row_group_size=len(self._rows))
        self._rows, self._rows_bytes = [], 0
        if self._parts[-1].stat().st_size >= self._shard_bytes:
            self._end_file()

    def _end_file(self) -> None:
        self._writer.close()
        self._writer = None
        self.file_bytes += self._parts[-1].stat().st_size

    def __exit__(self, kind: object = None, *error: object) -> None:
        if kind is None and self._rows:
            self._write_group()
        if self._writer is not None:
            self._end_file()
        self.count = len(self._parts)
        for number, part in enumerate(self._parts):
            part.rename(self._folder / f"{self._split}-{number:05}-of-{self.count:05}.parquet")
