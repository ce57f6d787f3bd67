"""Opens parquet files with pyarrow, which comes with an extra; reads a few rows at a time."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annoengine.errors import InputError, SettingError

_BUFFER_BYTES = 1 << 20


@contextmanager
def opened_parquet(file: Path, what: str) -> Iterator[Any]:
    """An open parquet file; what pyarrow raises of it becomes an InputError.

    Raises SettingError, which calls the files ``what``, where pyarrow is not installed.
    """
    try:
        arrow = importlib.import_module("pyarrow")
        module = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise SettingError(
            f"{what} are read with pyarrow, which is not installed: "
            "pip install 'annoengine[parquet]'"
        ) from None
    try:
        with module.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False) as parquet:
            yield parquet
    except (arrow.ArrowException, OSError, ValueError, KeyError, OverflowError) as error:
        words = str(error).split("\n")[0]
        raise InputError(f"{file} cannot be read as parquet: {words}") from None


def batches_of(
    parquet: Any, columns: Sequence[str], rows: int, groups: Sequence[int] | None = None
) -> Iterator[Any]:
    """The columns of an open file, ``rows`` rows at a time; of all row groups unless given."""
    yield from parquet.iter_batches(
        batch_size=rows,
        row_groups=None if groups is None else list(groups),
        columns=list(columns),
        use_threads=False,
    )
