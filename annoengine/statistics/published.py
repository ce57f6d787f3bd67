"""What papers print of caption datasets, from ``published.yaml``, to stand beside what is counted.

The values are theirs, by their own rules, of which they tell little: see
``annoengine.statistics.measures`` for what is counted here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from annoengine.statistics.sample import Level

NOT_THERE = "×"
"""Printed where a dataset has no masks."""


@dataclass
class PublishedRow:
    """A dataset in the tables of one paper: each measure as it is printed, and where."""

    name: str
    paper: str
    level: Level
    places: list[str] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)
    note: str = ""

    def value(self, measure: str) -> float | None:
        """The printed value as a number; None where there is none."""
        return number_of(self.printed.get(measure, ""))


def number_of(printed: str) -> float | None:
    """A printed value as a number, or None for one that is none.

    >>> number_of("1,059K"), number_of("22.94"), number_of("92%"), number_of("3.7‡")
    (1059000.0, 22.94, 0.92, 3.7)
    """
    text = printed.replace(",", "").rstrip("‡")
    scale = {"K": 1000.0, "%": 0.01}.get(text[-1:], 1.0)
    try:
        return round(float(text.rstrip("K%")) * scale, 6)
    except ValueError:
        return None


@functools.cache
def published_rows() -> tuple[PublishedRow, ...]:
    """All rows, in the order of the file; tables of one paper about one dataset are one row."""
    text = resources.files("annoengine.statistics").joinpath("published.yaml").read_text("utf-8")
    rows: dict[tuple[str, str], PublishedRow] = {}
    for table in yaml.safe_load(text):
        for name, values in table["rows"].items():
            row = rows.setdefault(
                (table["paper"], name), PublishedRow(name, table["paper"], table["level"])
            )
            row.places.append(table["place"])
            row.note = _notes(table).get(name, row.note)
            row.printed |= dict(zip(table["columns"], values, strict=True))
    return tuple(rows.values())


def _notes(table: Mapping[str, Any]) -> Mapping[str, str]:
    notes: Mapping[str, str] = table.get("notes", {})
    return notes


def of_level(level: Level) -> list[PublishedRow]:
    """The rows of datasets with captions of one level."""
    return [row for row in published_rows() if row.level == level]
