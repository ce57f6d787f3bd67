"""Reads and writes all that lies between a pair of captions and its score, in the published files.

Eight lists in one folder, each with the ending of the authors' own file, so that what was made
there is found here and the other way round: of each caption its content, the questions about that,
the questions with the ids of the other caption, and the answers to these. A pair is read when it
is asked for; all lists are written at once, and none is held in memory.

Source: the files that the authors' eval_sapancap_test.sh hands from step to step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from annoengine.errors import InputError
from annoengine.pancap.published_files import (
    ANSWERS,
    CONTENT,
    MAPPED_QUESTIONS,
    QUESTIONS,
    ListKind,
    ListWriter,
    PublishedList,
)
from annoengine.storage import explain_write_error

Side = Literal["reference", "prediction"]
Part = Literal["content", "questions", "mapped", "answers"]


@dataclass(frozen=True)
class SideTexts:
    """The texts of one caption; None where there is none.

    ``mapped`` are its questions with the ids of the other caption, those of instances without a
    match left out; ``answers`` are those of a judge who read the other caption.
    """

    content: str | None = None
    questions: str | None = None
    mapped: str | None = None
    answers: str | None = None


@dataclass(frozen=True)
class PairTexts:
    """The texts of an image's two captions."""

    image: str
    reference: SideTexts
    prediction: SideTexts


@dataclass(frozen=True)
class PairFile:
    """One of the lists: what it holds, its name, and the files that its entries name."""

    side: Side
    part: Part
    kind: ListKind
    ending: str
    made_from: tuple[str, ...]


FILES: tuple[PairFile, ...] = (
    PairFile("reference", "content", CONTENT, "gt_content.json", ("REF",)),
    PairFile("reference", "questions", QUESTIONS, "gt_question.json", ("REF",)),
    PairFile("prediction", "content", CONTENT, "pred_content.json", ("PRED",)),
    PairFile("prediction", "questions", QUESTIONS, "pred_question.json", ("PRED",)),
    PairFile(
        "reference",
        "mapped",
        MAPPED_QUESTIONS,
        "gt4pred_question.json",
        ("gt_question.json", "pred_content.json"),
    ),
    PairFile(
        "prediction",
        "mapped",
        MAPPED_QUESTIONS,
        "pred4gt_question.json",
        ("pred_question.json", "gt_content.json"),
    ),
    # Named after the caption that the judge read.
    PairFile("reference", "answers", ANSWERS, "pred_answer.json", ("gt4pred_question.json",)),
    PairFile("prediction", "answers", ANSWERS, "gt_answer.json", ("pred4gt_question.json",)),
)

_WHAT = (
    "a folder of PancapScore's files has lists that end in gt_content.json or gt_question.json "
    "and in pred_content.json, and perhaps " + ", ".join(file.ending for file in FILES[4:])
)


class PairWriter:
    """Writes the lists of a folder pair by pair. A context manager.

    ``references`` and ``predictions`` are the files of the captions, as the entries name them.
    """

    def __init__(self, folder: Path, references: str, predictions: str) -> None:
        self.folder = folder
        self._named = {"REF": references, "PRED": predictions}
        self._stack = ExitStack()
        self._writers: list[tuple[PairFile, ListWriter]] = []

    def __enter__(self) -> Self:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise explain_write_error(self.folder, error) from None
        with ExitStack() as opening:
            for file in FILES:
                names = [self._named.get(name, name) for name in file.made_from]
                writer = ListWriter(self.folder / file.ending, file.kind, *names)
                self._writers.append((file, opening.enter_context(writer)))
            self._stack = opening.pop_all()
        return self

    def add(self, pair: PairTexts) -> None:
        """One more pair; what there is none of is not listed."""
        for file, writer in self._writers:
            text = getattr(getattr(pair, file.side), file.part)
            if text is not None:
                writer.add(pair.image, text)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def write_pairs(
    folder: Path, pairs: Iterable[PairTexts], references: str, predictions: str
) -> None:
    """Writes all pairs into a folder."""
    with PairWriter(folder, references, predictions) as writer:
        for pair in pairs:
            writer.add(pair)


class PairFolder:
    """The pairs of one or several folders, read when they are asked for. A context manager.

    The lists are found by the end of their names, in these folders and below them; content and
    questions of the reference also where the authors' own names have ``GT`` as a folder. Raises
    InputError where no content is there, or two lists of one kind are.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.files: dict[tuple[Side, Part], Path] = {}
        for folder in folders:
            if not folder.is_dir():
                what = "is no folder" if folder.exists() else "does not exist"
                raise InputError(f"{folder} {what}; {_WHAT}")
            for path in sorted(folder.rglob("*.json")):
                self._take(path, folder)
        told = " and ".join(map(str, folders))
        contents = self.files.keys()
        if not {("reference", "content"), ("reference", "questions")} & contents:
            raise InputError(f"{told}: there is no content of references. {_WHAT}")
        if ("prediction", "content") not in contents:
            raise InputError(f"{told}: there is no content of predictions. {_WHAT}")
        kinds = {(file.side, file.part): file.kind for file in FILES}
        with ExitStack() as opening:
            self._lists = {
                key: opening.enter_context(PublishedList(path, kinds[key]))
                for key, path in self.files.items()
            }
            self._stack = opening.pop_all()

    def _take(self, path: Path, folder: Path) -> None:
        key = _role(path.relative_to(folder.parent))
        if key is None:
            return
        other = self.files.setdefault(key, path)
        if other != path:
            raise InputError(
                f"{path} and {other} are both the {key[1]} of {key[0]}s; name the folders of one "
                "prediction alone, each with --from"
            )

    @property
    def images(self) -> list[str]:
        """The images of the references, in the order of their list."""
        content = ("reference", "content") in self._lists
        return self._lists["reference", "content" if content else "questions"].images

    @property
    def strangers(self) -> int:
        """How many predictions are of other images."""
        known = set(self.images)
        return sum(image not in known for image in self._lists["prediction", "content"].images)

    def get(self, image: str) -> PairTexts:
        """The texts of an image."""
        return PairTexts(image, self._side("reference", image), self._side("prediction", image))

    def _side(self, side: Side, image: str) -> SideTexts:
        parts: tuple[Part, ...] = ("content", "questions", "mapped", "answers")
        found = {
            part: self._lists[side, part].get(image) for part in parts if (side, part) in self.files
        }
        return SideTexts(**found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def _role(path: Path) -> tuple[Side, Part] | None:
    """Which list a file is, by its name; the longest ending counts.

    >>> _role(Path("tmp/GT/content/sapancap_test_content.json"))
    ('reference', 'content')
    >>> _role(Path("tmp/mine/content/sapancap_test_gt4pred_question.json"))
    ('reference', 'mapped')
    >>> _role(Path("tmp/mine/content/sapancap_test_content.json"))
    ('prediction', 'content')
    """
    for file in FILES:
        if path.name == file.ending or path.name.endswith(f"_{file.ending}"):
            return file.side, file.part
    if path.name.endswith("content.json"):
        return ("reference" if "GT" in path.parts else "prediction"), "content"
    if path.name.endswith("question.json") and "GT" in path.parts:
        return "reference", "questions"
    return None
