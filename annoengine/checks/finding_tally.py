"""Keeps the findings of a check: counts and some examples at hand, all of them in a file.

A broken dataset has millions of findings, so that only the file grows with them.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from annoengine.validator import SEVERITIES, Code, Finding, Severity
from annoengine.writing.json_stream import JsonLines, JsonObject

EXAMPLES = 3
"""Findings of each code that a summary shows."""


@dataclass
class CodeCount:
    """How often a code was found in a file, how many of those can be mended, the first few."""

    code: Code
    n: int = 0
    fixable: int = 0
    examples: list[Finding] = field(default_factory=list)


@dataclass
class CheckedDataset:
    """What came of one dataset: its kind, what was looked at, findings by code."""

    path: Path
    kind: str
    codes: Mapping[str, Code]
    masks: Path | None = None
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    found: dict[str, CodeCount] = field(default_factory=dict)
    mended_path: Path | None = None

    def in_order(self) -> list[CodeCount]:
        """The codes that were found: errors first, then in the validator's order."""
        order = {name: at for at, name in enumerate(self.codes)}
        return sorted(
            self.found.values(),
            key=lambda count: (SEVERITIES.index(count.code.severity), order[count.code.name]),
        )


class FindingTally(AbstractContextManager["FindingTally"]):
    """The findings of all datasets of a validation."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="annoengine-validate-")
        self._spool = Path(self._folder.name) / "findings.jsonl"
        self._lines = JsonLines(self._spool)
        self.datasets: list[CheckedDataset] = []
        self.by_severity: Counter[Severity] = Counter()
        self.fixable: Counter[Severity] = Counter()

    def add(self, dataset: CheckedDataset, finding: Finding) -> None:
        """One more finding of a dataset."""
        count = dataset.found.get(finding.code)
        if count is None:
            count = dataset.found[finding.code] = CodeCount(dataset.codes[finding.code])
        count.n += 1
        count.fixable += finding.fixable
        if len(count.examples) < EXAMPLES:
            count.examples.append(finding)
        self.by_severity[finding.severity] += 1
        self.fixable[finding.severity] += finding.fixable
        self._lines.add(finding.row())

    def rows(self) -> Iterator[dict[str, Any]]:
        """All findings as JSON, in the order in which they were added."""
        self._lines.close()
        with self._spool.open("rb") as file:
            for line in file:
                yield orjson.loads(line)

    def write_json(self, path: Path, verdict: Mapping[str, Any]) -> None:
        """Writes everything as one JSON object: the verdict, the counts, the list of findings."""
        with JsonObject(path, ("findings",)) as whole:
            for row in self.rows():
                whole.add("findings", row)
            whole.finish(
                {**verdict, "datasets": [_dataset_row(d) for d in self.datasets], "findings": None}
            )

    def json_bytes(self, verdict: Mapping[str, Any]) -> Iterator[bytes]:
        """The bytes of :meth:`write_json`, in pieces."""
        path = self._spool.with_name("findings.json")
        self.write_json(path, verdict)
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                yield piece

    def __exit__(self, *error: object) -> None:
        self._lines.close()
        self._folder.cleanup()


def _dataset_row(dataset: CheckedDataset) -> dict[str, Any]:
    return {
        "path": dataset.path.as_posix(),
        "kind": dataset.kind,
        "masks": dataset.masks.as_posix() if dataset.masks else None,
        "checked": dataset.counts,
        "codes": {count.code.name: count.n for count in dataset.in_order()},
        "notes": dataset.notes,
        "mended": dataset.mended_path.as_posix() if dataset.mended_path else None,
    }


def finding_of(row: Mapping[str, Any]) -> Finding:
    """The finding of a row as :meth:`Finding.row` wrote it."""
    image = row["image"] or {}
    called = "segment" if "segment" in row else "annotation"
    return Finding(
        row["code"],
        row["severity"],
        row["file"],
        row["message"],
        image.get("id"),
        image.get("file_name"),
        row[called],
        row["fixable"],
        called,
    )


def codes_by_name(codes: Sequence[Code]) -> dict[str, Code]:
    """The codes by their names."""
    return {code.name: code for code in codes}
