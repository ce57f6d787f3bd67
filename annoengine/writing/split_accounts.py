"""Counts what an export writes and leaves out, split by split, and adds it up for the account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from annoengine.errors import InputError
from annoengine.exporter import Exported
from annoengine.record import Record


@dataclass
class Counted:
    """Counts by name; the base of what an exporter keeps open for a split."""

    counts: dict[str, int] = field(default_factory=dict, kw_only=True)

    def count(self, what: str, n: int = 1) -> None:
        """Adds to a count."""
        self.counts[what] = self.counts.get(what, 0) + n


def leaving_split(record: Record) -> str:
    """The split that a record leaves in: the one that a selection gave it, else its source's.

    >>> from annoengine.record import Photo
    >>> photo = Photo(file="a.jpg", width=2, height=2, sha256="")
    >>> record = Record(id="coco/val/7", photo=photo)
    >>> leaving_split(record), leaving_split(record.but(assigned_split="test"))
    ('val', 'test')
    """
    return record.assigned_split or record.split


def of_one_dataset(records: Iterable[Record], exporter: str) -> Iterator[Record]:
    """The records as they are. Raises InputError at the first one of a second dataset."""
    dataset = ""
    for record in records:
        dataset = dataset or record.dataset
        if record.dataset != dataset:
            article = "an" if exporter[0] in "aeiou" else "a"
            raise InputError(
                f"the run holds records of {dataset!r} and of {record.dataset!r}; "
                f"{article} {exporter} export is of one dataset"
            )
        yield record


def add_up(
    folder: Path,
    splits: Mapping[str, Counted],
    counted: Sequence[str],
    always: Sequence[str],
    notes: Callable[[Mapping[str, int]], list[str]],
) -> Exported:
    """The account: sums over the splits, and what ``notes`` has to say of each split.

    ``counted`` are the names that are added up, in their order; those in ``always`` stand there
    even where they are nought.
    """
    exported = Exported(folder)
    for what in counted:
        total = sum(split.counts.get(what, 0) for split in splits.values())
        if total or what in always:
            exported.counts[what] = total
    if not splits:
        exported.notes.append("no record reached the end of the run: nothing was written")
    for name in sorted(splits):
        exported.notes += [f"{name}: {note}" for note in notes(splits[name].counts)]
    return exported


def no_paragraph_note(written: int, without: int) -> list[str]:
    """What there is to say where not one image of a split has a text of its own."""
    if written or not without:
        return []
    return [
        "no image has a text of the whole image, which is what this format is about; a stage "
        "such as merge writes one"
    ]
