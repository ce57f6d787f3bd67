"""A validator: what is wrong with a dataset on disk. Kinds live in ``annoengine/validators/``.

It goes over a dataset once, image by image, and yields findings as it meets them; nothing that a
dataset contains makes it raise, since a validator is for datasets that are broken. Mending goes
the same way: :meth:`Validator.fix` yields the very findings of a check, and each one that is
``fixable`` is mended in what it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from annoengine.errors import InputError

Severity = Literal["error", "warning", "note"]
"""An error breaks readers of the format; a warning breaks some, or is poor; a note is to know."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, and where.

    ``image_id`` and ``image_file`` are as the dataset writes them, None for the file as a whole.
    ``segment`` is a segment's id, or in an instances file an annotation's.
    """

    code: str
    severity: Severity
    file: str
    message: str
    image_id: int | str | None = None
    image_file: str | None = None
    segment: int | None = None
    fixable: bool = False
    called: str = "segment"
    """What ``segment`` is called where the finding is read."""

    def line(self) -> str:
        """The place and the message, as a person reads them.

        >>> Finding("area-differs", "error", "a.json", "area 3", 7, "7.jpg", 12).line()
        'image 7 (7.jpg), segment 12: area 3'
        """
        where = []
        if self.image_id is not None or self.image_file is not None:
            id = "without an id" if self.image_id is None else printable(str(self.image_id))
            name = f" ({printable(self.image_file)})" if self.image_file else ""
            where.append(f"image {id}{name}")
        if self.segment is not None:
            where.append(f"{self.called} {self.segment}")
        message = printable(self.message)
        return f"{', '.join(where)}: {message}" if where else message

    def row(self) -> dict[str, Any]:
        """The finding as JSON."""
        of_image = self.image_id is not None or self.image_file is not None
        return {
            "code": self.code,
            "severity": self.severity,
            "file": self.file,
            "image": {"id": self.image_id, "file_name": self.image_file} if of_image else None,
            self.called: self.segment,
            "message": self.message,
            "fixable": self.fixable,
        }


def printable(text: str) -> str:
    """A dataset's text as a terminal may show it: quoted where it holds control characters.

    >>> printable("a.jpg"), printable("a\\x1b[31m")
    ('a.jpg', "'a\\\\x1b[31m'")
    """
    return text if text.isprintable() else repr(text)


@dataclass(frozen=True)
class Place:
    """Where in a dataset: the file, and the image if it is about one."""

    file: str
    image_id: int | str | None = None
    image_file: str | None = None
    called: str = "segment"


@dataclass(frozen=True)
class Code:
    """A kind of finding. Its name never changes, for it is what scripts count by."""

    name: str
    severity: Severity
    about: str
    """What it means, in a few words that follow the count."""
    fixable: bool = False

    def at(
        self, place: Place, message: str, segment: int | None = None, fixable: bool | None = None
    ) -> Finding:
        """A finding of this kind. ``fixable`` says so where it depends on the case."""
        return Finding(
            self.name,
            self.severity,
            place.file,
            message,
            place.image_id,
            place.image_file,
            segment,
            self.fixable if fixable is None else fixable,
            place.called,
        )


@dataclass(frozen=True)
class Dataset:
    """What is checked: its file, and the folders of its pictures where there are any.

    ``panoptic`` are the annotations that captions are about, where those are a file of their own;
    ``panoptic_checked`` says that they are checked as a dataset too, their PNGs with them.
    """

    file: Path
    masks: Path | None = None
    images: Path | None = None
    panoptic: Path | None = None
    panoptic_checked: bool = False


@dataclass(frozen=True)
class Rules:
    """How strictly, and with how many processes.

    ``drop`` lets a fix take out entries that nothing can mend: segments without a pixel.
    """

    min_caption_chars: int = 3
    workers: int = 0
    drop: bool = False


def _unseen(done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass
class Validator:
    """The base of every validator, one for each dataset.

    After :meth:`check` or :meth:`fix` has run through, ``counts`` says how much was looked at and
    ``notes`` what else is worth knowing, a sentence each.
    """

    ABOUT: ClassVar[str] = ""
    """What it validates, as a message names it."""
    CODES: ClassVar[tuple[Code, ...]] = ()
    """Every kind of finding it may yield, in the order of a summary."""
    TAKES_PANOPTIC: ClassVar[bool] = False
    """Are its captions about segments of a panoptic file that may be given?"""

    rules: Rules
    progress: Callable[[int, int], None] = _unseen
    """Is told how many images are done, and of how many."""
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def recognises(cls, path: Path) -> bool:
        """Is this path, by its content, a dataset of the kind?"""
        raise NotImplementedError

    @classmethod
    def dataset(
        cls, path: Path, masks: Path | None, images: Path | None, panoptic: Path | None = None
    ) -> Dataset:
        """The dataset at a path, with the folders that were given or that lie beside it."""
        return Dataset(path, masks, images, panoptic)

    def check(self, dataset: Dataset) -> Iterator[Finding]:
        """Everything that is wrong, in the dataset's order."""
        raise NotImplementedError

    def fix(self, dataset: Dataset, target: Path) -> Iterator[Finding]:
        """The findings of :meth:`check`; writes ``target``, in which the fixable ones are mended.

        A validating run over what was written finds none of them. Pictures are left alone.
        """
        raise InputError(f"{dataset.file}: {self.ABOUT} can be checked but not mended")

    def count(self, what: str, n: int = 1) -> None:
        """Counts something that was looked at."""
        self.counts[what] = self.counts.get(what, 0) + n
