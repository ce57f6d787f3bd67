"""Writes what a fix changed: a line for each caption, with its text before and after."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from annoengine.writing.json_stream import JsonLines


class ChangeReport(AbstractContextManager["ChangeReport"]):
    """``<captions>.changes.jsonl`` beside the mended file; none where nothing was changed.

    A line has ``key``, ``file``, ``kinds`` and ``what`` (a sentence for each kind), ``before``
    and ``after``.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self.path = target.with_name(f"{source.stem}.changes.jsonl")
        self._part = self.path.with_name(f".{self.path.name}.part")
        self._lines = JsonLines(self._part)

    @property
    def count(self) -> int:
        """How many changes there are."""
        return self._lines.count

    def add(
        self, key: str, file: str, what: Sequence[tuple[str, str]], before: str, after: str
    ) -> None:
        """One more change."""
        self._lines.add(
            {
                "key": key,
                "file": file,
                "kinds": list(dict.fromkeys(kind for kind, _ in what)),
                "what": list(dict.fromkeys(sentence for _, sentence in what)),
                "before": before,
                "after": after,
            }
        )

    def finish(self) -> None:
        """Puts the file in its place."""
        self._lines.close()
        if self._lines.count:
            self._part.replace(self.path)

    def __exit__(self, *error: object) -> None:
        self._lines.close()
        self._part.unlink(missing_ok=True)
