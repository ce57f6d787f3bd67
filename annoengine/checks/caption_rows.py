"""Reads captions from parquet rows ``__key__`` and ``txt``, and writes a copy with some changed.

So Hugging Face stores a tar of texts. Rows are read some hundreds at a time; what changes waits
in a file beside the copy, so that memory does not grow with it.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from annoengine.checks.caption_files import CaptionCopy, CaptionStore, StoredCaption, key_of
from annoengine.errors import InputError, SettingError

KEY, TEXT = "__key__", "txt"
_BATCH_ROWS = 512


def has_caption_rows(path: Path) -> bool:
    """Is a file parquet with both columns? False where it cannot be read."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        if file.read(4) != b"PAR1":
            return False
    try:
        with opened_parquet(path) as parquet:
            return {KEY, TEXT} <= set(parquet.schema_arrow.names)
    except InputError:
        return False


class RowCaptions(CaptionStore):
    """A parquet file."""

    def captions(self) -> Iterator[StoredCaption]:
        """The rows in their order."""
        row = 0
        with opened_parquet(self.path) as parquet:
            columns = [KEY, TEXT]
            for batch in parquet.iter_batches(batch_size=_BATCH_ROWS, columns=columns):
                for key, text in zip(*(batch[name].to_pylist() for name in columns), strict=True):
                    data = text.encode("utf-8") if isinstance(text, str) else text
                    name = key if isinstance(key, str) else f"row {row}"
                    found = data if isinstance(data, bytes) else b""
                    yield StoredCaption(key_of(name), name, found, row)
                    row += 1

    def copy(self, target: Path) -> CaptionCopy:
        """A parquet file with the same columns, row groups and other values."""
        return _RowsCopy(self.path, target)


class _RowsCopy(CaptionCopy):
    def __init__(self, source: Path, target: Path) -> None:
        self._source = source
        self._target = target
        self._part = target.with_name(f".{target.name}.part")
        self._waiting = target.with_name(f".{target.name}.rows.part")
        self._file = self._waiting.open("wb")

    def replace(self, caption: StoredCaption, data: bytes) -> None:
        self._file.write(orjson.dumps([caption.at, data.decode("utf-8")]) + b"\n")

    def finish(self) -> None:
        self._file.close()
        arrow = importlib.import_module("pyarrow")
        writer = importlib.import_module("pyarrow.parquet").ParquetWriter
        with self._waiting.open("rb") as waiting, opened_parquet(self._source) as parquet:
            changes = map(orjson.loads, waiting)
            following = next(changes, None)
            schema = parquet.schema_arrow
            place = schema.names.index(TEXT)
            row = 0
            with writer(self._part, schema) as written:
                for group in range(parquet.num_row_groups):
                    table = parquet.read_row_group(group)
                    texts = table[TEXT].to_pylist()
                    while following is not None and following[0] < row + len(texts):
                        texts[following[0] - row] = following[1]
                        following = next(changes, None)
                    column = arrow.array(texts, type=schema.field(TEXT).type)
                    table = table.set_column(place, schema.field(TEXT), column)
                    written.write_table(table, row_group_size=max(len(texts), 1))
                    row += len(texts)
        self._part.replace(self._target)

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self._waiting.unlink(missing_ok=True)
        self._part.unlink(missing_ok=True)


@contextmanager
def opened_parquet(path: Path) -> Iterator[Any]:
    """An open parquet file; what pyarrow raises of it becomes an InputError."""
    try:
        arrow = importlib.import_module("pyarrow")
        module = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise SettingError(
            f"{path} is read with pyarrow, which is not installed: "
            "pip install 'annoengine[parquet]'"
        ) from None
    try:
        with module.ParquetFile(path) as parquet:
            yield parquet
    except (arrow.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        words = str(error).split("\n")[0]
        raise InputError(f"{path} cannot be read as parquet: {words}") from None
