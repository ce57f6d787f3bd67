"""What is counted: an annotated unit of a dataset with its captions and its masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Level = Literal["region", "image"]
"""Whether a caption is about one segment or about the whole image."""


@dataclass(frozen=True)
class Sample:
    """A record, an image's annotation, or an entry of a list: captions of one level, and masks.

    ``texts`` are without tags, boxes and other markup. ``masks`` is how many the image has, None
    where the dataset has none; ``groundable`` are those of them that are no crowd, and
    ``grounded`` how many of these a caption is about.
    """

    image: str
    level: Level
    texts: tuple[str, ...]
    masks: int | None = None
    groundable: int | None = None
    grounded: int | None = None


@dataclass
class Notes:
    """What is worth knowing of how a dataset was read; complete once it is read to the end."""

    read: list[Path] = field(default_factory=list)
    passed_over: list[Path] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str) -> None:
        """One more of something that is told."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def lines(self) -> list[str]:
        """The notes as sentences."""
        found = [f"{what}: {n:,}" for what, n in sorted(self.counts.items())]
        if self.passed_over:
            names = ", ".join(path.name for path in self.passed_over[:5])
            more = len(self.passed_over) - 5
            found.append(f"not read: {names}{f' and {more} more' if more > 0 else ''}")
        return found


class CaptionDataset(Protocol):
    """A dataset that was recognised, and is not read yet."""

    kind: str
    notes: Notes

    def class_names(self) -> frozenset[str] | None:
        """The names of its classes; None where it has none."""
        ...

    def samples(self) -> Iterator[Sample]:
        """All samples, streamed. Raises InputError for what is malformed, with its place."""
        ...
