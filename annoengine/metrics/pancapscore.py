"""PancapScore over the records that the stage ``score_pancap`` has scored: means over images.

F-scores are averaged over images, as published; a caption that is missing counts with 0. Records
that failed before are in no mean: the run's account has them, and ``annoengine retry`` asks again.

Source: arXiv 2505.16334, section 3.2; the means are those of its authors' code.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from annoengine.metric import Measured, Metric, Row
from annoengine.pancap.content_items import CARRIED
from annoengine.pancap.scoring import DIMENSIONS
from annoengine.record import Record
from annoengine.score_values import Values

_NAME = "pancap"
_OF = (("precision", ".precision"), ("recall", ".recall"), ("F", ""))
_DECIMALS = 5
"""Stored scores have six; a digit less shows nothing of their rounding."""

_COUNTED = {
    "failures": "statements without an answer that is yes or no; they count as wrong",
    "plain": "statements for which no question came; they were asked whether they are true",
    "missing": "images have only one of the two captions and score 0",
}
_TURNS = {"content": "read by", "questions": "asked by", "answers": "answered by"}


class Pancapscore(Metric):
    """Mean precision, recall and F of each dimension, and the mean score."""

    VERSION: ClassVar[int] = 1
    SCORES: ClassVar[frozenset[str]] = frozenset({_NAME})

    def line(self, record: Record) -> dict[str, Any] | None:
        """The image's score, the F-score of each dimension, and what is missing or failed."""
        own = Values.of_record(record).own
        if _NAME not in own:
            return None
        row: dict[str, Any] = {"image_path": record.photo.file, "pancapscore": own[_NAME]}
        row |= {name: own[f"{_NAME}.{name}"] for name in DIMENSIONS}
        row |= {name: count for name in _COUNTED if (count := int(own.get(f"{_NAME}.{name}", 0)))}
        return row

    def measure(self, records: Iterable[Record]) -> Measured:
        """The means, and what was counted on the way."""
        sums: defaultdict[str, float] = defaultdict(float)
        by: dict[str, Counter[str]] = {text: Counter() for text in _TURNS}
        images = 0
        for record in records:
            own = Values.of_record(record).own
            if _NAME not in own:
                continue
            images += 1
            for name, value in own.items():
                if name.partition(".")[0] == _NAME:
                    sums[name] += value
            sums["carried"] += own.get("content.carried", 0)
            for text in _TURNS:
                by[text].update(_told_by(record, text))
        measured = Measured(tuple(name for name, _ in _OF))
        measured.counts = {"images": images, **{n: round(sums[f"{_NAME}.{n}"]) for n in _COUNTED}}
        count = max(1, images)
        for name in DIMENSIONS:
            parts = {column: sums[f"{_NAME}.{name}{end}"] / count for column, end in _OF}
            measured.rows.append(Row(name, {k: round(v, _DECIMALS) for k, v in parts.items()}))
        measured.rows.append(Row("PancapScore", {"F": round(sums[_NAME] / count, _DECIMALS)}))
        measured.notes = [
            f"{measured.counts[name]} {words}"
            for name, words in _COUNTED.items()
            if measured.counts[name]
        ]
        if sums["carried"]:
            measured.by.append(f"{sums['carried']:.0f} captions carried their content")
        for text, words in _TURNS.items():
            for who, captions in sorted(by[text].items()):
                measured.by.append(f"{captions} captions {words} {who}")
        return measured


def _told_by(record: Record, text: str) -> Iterator[str]:
    """Who wrote the lines of a text, once for each caption that they are about."""
    turns = {
        item.origin.turn: item.origin.model
        for item in record.content
        if item.origin.turn.partition("/")[0] == text
    }
    return (model for model in turns.values() if model and model != CARRIED)
