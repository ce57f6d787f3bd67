"""Reads a table of statements about photographs, each labelled true or false by people who looked.

A table is tab-separated UTF-8 with a header line; a line is one statement within a caption of one
segment. The reader is strict: whatever is wrong raises a ``ValueError`` that names file and line.
The labels were written before any check ran over the photographs, and from looking alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

Kind = Literal[
    "colour",
    "part colour",
    "position",
    "ordinal",
    "size",
    "relative size",
    "count",
    "relation",
    "contact",
    "alone",
    "depth",
    "own side",
    "no colour",
]
"""What a statement is about. ``own side``: a person's or an animal's own left and right.
``no colour``: words such as "the green light" that hold a colour's name and tell of no colour."""

Truth = Literal["true", "false", "unclear"]

COLUMNS = ("image", "segment", "caption", "words", "kind", "truth", "note")

UNSEEN: frozenset[Kind] = frozenset({"depth", "own side", "no colour"})
"""Kinds that masks and pixels cannot decide: they take no part in the recall of what can be."""

NEVER_CONTRADICTED: frozenset[Kind] = frozenset({"depth", "no colour"})
"""Kinds where "contradicted" is an error, whatever the label."""

HERE = Path(__file__).parent
EXAMPLES = HERE / "labels_examples.tsv"
COCO = HERE / "labels_coco.tsv"
SECOND = HERE / "labels_second.tsv"
THIRD = HERE / "labels_third.tsv"
"""Further statements by hand about the same photographs, in other words. The second set was
labelled before the check was made better at the first tables; it got two true statements of it
wrong, and their common cause was removed. The third was labelled after that, and nothing was
changed for what it showed."""


@dataclass(frozen=True)
class Label:
    """One statement: ``words`` within the ``caption`` of a segment, and whether it holds.

    ``image`` is the photograph's file name, ``segment`` the id in the panoptic annotation.
    """

    image: str
    segment: int
    caption: str
    words: str
    kind: Kind
    truth: Truth
    note: str = ""

    def __post_init__(self) -> None:
        if self.caption.count(self.words) != 1 or not self.words:
            raise ValueError(f"{self.words!r} does not stand exactly once in {self.caption!r}")
        if self.kind not in get_args(Kind):
            raise ValueError(f"the kind {self.kind!r} is none of {', '.join(get_args(Kind))}")
        if self.truth not in get_args(Truth):
            raise ValueError(f"the truth {self.truth!r} is none of {', '.join(get_args(Truth))}")

    @property
    def span(self) -> tuple[int, int]:
        """Where the words stand in the caption, half-open."""
        start = self.caption.index(self.words)
        return start, start + len(self.words)


def read_labels(path: Path) -> list[Label]:
    """The labels of a table, in its order."""
    lines = path.read_text(encoding="utf-8").split("\n")
    if tuple(lines[0].split("\t")) != COLUMNS:
        raise ValueError(f"{path}:1: the header is {lines[0]!r}, not {' '.join(COLUMNS)}")
    if lines[-1]:
        raise ValueError(f"{path}:{len(lines)}: the last line does not end")
    labels: list[Label] = []
    first_at: dict[tuple[str, int, str, str], int] = {}
    for number, line in enumerate(lines[1:-1], start=2):
        try:
            label = _label_of(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from error
        key = (label.image, label.segment, label.caption, label.words)
        if key in first_at:
            raise ValueError(f"{path}:{number}: the same statement stands in line {first_at[key]}")
        first_at[key] = number
        labels.append(label)
    return labels


def _label_of(line: str) -> Label:
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} columns, not {len(COLUMNS)}")
    if any(cell != cell.strip() for cell in cells):
        raise ValueError("a cell begins or ends with a blank")
    image, segment, caption, words, kind, truth, note = cells
    if not (segment.isascii() and segment.isdigit()):
        raise ValueError(f"the segment {segment!r} is no id")
    return Label(image, int(segment), caption, words, kind, truth, note)  # type: ignore[arg-type]


def segments_of(panoptic_json: Path) -> dict[str, set[int]]:
    """The ids of the segments of each photograph, by its file name."""
    data = json.loads(panoptic_json.read_text(encoding="utf-8"))
    names = {image["id"]: image["file_name"] for image in data["images"]}
    return {
        names[annotation["image_id"]]: {info["id"] for info in annotation["segments_info"]}
        for annotation in data["annotations"]
    }


def strangers(labels: Iterable[Label], panoptic_json: Path) -> list[Label]:
    """The labels whose photograph or segment the annotation does not have."""
    known = segments_of(panoptic_json)
    return [label for label in labels if label.segment not in known.get(label.image, set())]
