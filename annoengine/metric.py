"""A metric: how good a run's records are, in one table. Kinds live in ``annoengine/metrics/``.

A metric is pure over finished records and asks nobody: what it needs of models was stored as
scores by stages before. So moving a threshold, or computing it again, costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from annoengine.record import Record
from annoengine.stage import Parameters


@dataclass(frozen=True)
class Row:
    """One line of the table: values by column; a column that does not apply is left out."""

    name: str
    values: Mapping[str, float]


@dataclass
class Measured:
    """What a metric found: the table, counts by name, what is worth knowing of them, and ``by``
    whom the values come."""

    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    by: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The same as JSON-like data."""
        return {
            "rows": {row.name: dict(row.values) for row in self.rows},
            "counts": dict(self.counts),
            "notes": list(self.notes),
            "by": list(self.by),
        }


class Metric:
    """The base of every metric.

    ``SCORES`` are the names of the scores without which it says nothing about a record.
    """

    VERSION: ClassVar[int] = 1
    SCORES: ClassVar[frozenset[str]] = frozenset()
    Parameters: ClassVar[type[Parameters]] = Parameters

    def __init__(self, parameters: Any) -> None:
        self.parameters = parameters

    def line(self, record: Record) -> dict[str, Any] | None:
        """What a file of results has of one record, JSON-like; None for nothing."""
        raise NotImplementedError

    def measure(self, records: Iterable[Record]) -> Measured:
        """The table over records, which are read once."""
        raise NotImplementedError
