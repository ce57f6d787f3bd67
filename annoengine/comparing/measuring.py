"""Measures what is said of images, by batches and in worker processes.

Words and parts of speech are counted as ``annoengine stats`` does, and PancapScore is that of
``annoengine score``: by rules. What comes out does not depend on the number of workers.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from annoengine.checks.ordered_work import results_in_order
from annoengine.comparing.columns import Columns
from annoengine.comparing.sides import Image, Side, Sums, name_key
from annoengine.errors import InputError, RunStopped
from annoengine.language.parser import DEFAULT_MODEL, parser_of
from annoengine.language.wordnet import OFF
from annoengine.pancap.content import Content
from annoengine.pancap.embedded_extractor import extract_all
from annoengine.pancap.embedded_score import (
    judge_contents,
    open_captions,
    score_judged,
    way_of,
)
from annoengine.pancap.published_files import CONTENT
from annoengine.pancap.ways import Way
from annoengine.statistics.class_names import ClassNames, coco_class_names
from annoengine.statistics.counting import LEVELS
from annoengine.statistics.sample import Level
from annoengine.statistics.tally import Tally
from annoengine.statistics.word_classes import WordClasses

_TOGETHER = 16
"""Images that go to a worker at once."""

_FEW = 4
"""So many batches are measured sooner here than processes for them are started."""

COUNTS = ("words", "sentences", "nouns", "adjectives", "adverbs", "verbs", "attributes")
"""What is counted in captions."""


@dataclass(frozen=True)
class Measuring:
    """How texts are measured. ``pos``: parts of speech as well, with spaCy's ``model``.

    The rest is PancapScore's: ``wordnet`` helps the rules that answer, ``matched`` tags.
    """

    pos: bool = True
    model: str = DEFAULT_MODEL
    as_published: bool = False
    wordnet: str = OFF
    matched: str = OFF


@dataclass(frozen=True)
class _Task:
    """Some images with their references; ``content``: those are lines of content already."""

    images: tuple[Image, ...]
    references: tuple[str | None, ...]
    content: bool = False


_Row = tuple[Sequence[str], Sums]


class References:
    """The captions that both sides are scored against, found by an image's file name or number.

    A context manager. Raises InputError for a file that is no list of captions.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as opening:
            self._listed = opening.enter_context(open_captions(path))
            self._images: dict[str, str] = {}
            for image in self._listed.images:
                other = self._images.setdefault(name_key(image), image)
                if other != image:
                    raise InputError(
                        f"{path}: {other!r} and {image!r} are files of one name, by which images "
                        "are found; keep one of them"
                    )
            self._stack = opening.pop_all()

    @property
    def content(self) -> bool:
        """Are they lines of content, and no captions?"""
        return self._listed.kind is CONTENT

    def of(self, image: Image) -> str | None:
        """The reference of an image, None where there is none."""
        found = (self._images.get(name) for name in image.names[2:])
        path = next((path for path in found if path is not None), None)
        return None if path is None else self._listed.get(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)


def measure_side(
    side: Side, how: Measuring, references: References | None = None, workers: int = 0
) -> Columns:
    """All images of a side."""
    columns = Columns()
    tasks = _tasks(side, references)
    first = [task for _, task in zip(range(_FEW), tasks, strict=False)]
    work = functools.partial(_measured, how)
    for some, processes in ((iter(first), 0), (tasks, workers)):
        for rows in results_in_order(work, some, processes, _died):
            for names, sums in rows:
                columns.add(names, sums)
    return columns


def _died(task: _Task, detail: str) -> list[_Row]:
    raise RunStopped(
        f"a process that measured captions died twice ({detail.split(';')[0]}); with fewer "
        "--workers there is more memory for each"
    )


def _tasks(side: Side, references: References | None) -> Iterator[_Task]:
    waiting: list[Image] = []
    for image in side.images():
        waiting.append(image)
        if len(waiting) == _TOGETHER:
            yield _task(waiting, references)
            waiting = []
    if waiting:
        yield _task(waiting, references)


def _task(images: list[Image], references: References | None) -> _Task:
    if references is None:
        return _Task(tuple(images), (None,) * len(images))
    of = tuple(references.of(image) for image in images)
    return _Task(tuple(images), of, references.content)


def _measured(how: Measuring, task: _Task) -> list[_Row]:
    """The names and sums of some images; runs in a worker."""
    found = [dict(image.sums) for image in task.images]
    for level in LEVELS:
        _count_words(task.images, level, how, found)
    _score(task, how, found)
    if how.pos:
        # No caption comes again as it does in a run, where stages share the parses.
        parser_of(how.model).forget()
    return [(image.names, sums) for image, sums in zip(task.images, found, strict=True)]


def _count_words(images: Sequence[Image], level: Level, how: Measuring, found: list[Sums]) -> None:
    texts = [[text.strip() for text in image.texts.get(level, ())] for image in images]
    texts = [[text for text in some if text] for some in texts]
    if how.pos:
        parser_of(how.model).parse_all([text for some in texts for text in some])
    for some, sums in zip(texts, found, strict=True):
        tally = Tally()
        for text in some:
            tally.add(text)
        sums[f"{level}.captions"] = (tally.captions, 1)
        before = sums.get("all.words", (0.0, 1.0))[0]
        sums["all.words"] = (before + tally.words, 1)
        counted = {"words": tally.words, "sentences": tally.sentences}
        if how.pos and some:
            classes = WordClasses()
            for parsed in parser_of(how.model).parse_all(some):
                classes.add(parsed, _class_names())
            counted |= {name: getattr(classes, name) for name in COUNTS[2:-1]}
            counted["attributes"] = sum(n * times for n, times in classes.attributes.items())
        for name, count in counted.items():
            sums[f"{level}.{name}"] = (count, tally.captions)


@functools.cache
def _class_names() -> ClassNames:
    return ClassNames(coco_class_names())


def _score(task: _Task, how: Measuring, found: list[Sums]) -> None:
    scored = [
        (image.boxed, reference, sums)
        for image, reference, sums in zip(task.images, task.references, found, strict=True)
        if reference is not None
    ]
    if not scored:
        return
    way = _way(how.as_published, how.matched)
    said = [
        way.kept(one.content) for one in extract_all([s for s, _, _ in scored], None, how.model)
    ]
    for prediction, reference, (_, _, sums) in zip(
        said, _references(scored, task.content, way, how.model), scored, strict=True
    ):
        score = score_judged(way, judge_contents(way, reference, prediction, how.wordnet))
        sums["pancap.score"] = (score.overall, 1)
        for name, one in score.dimensions.items():
            sums[f"pancap.{name}"] = (one.f1, 1)


def _references(
    scored: Sequence[tuple[str, str, Sums]], content: bool, way: Way, model: str
) -> list[Content]:
    texts = [reference for _, reference, _ in scored]
    if content:
        return [way.read(text) for text in texts]
    return [way.kept(one.content) for one in extract_all(texts, None, model)]


@functools.cache
def _way(as_published: bool, matched: str) -> Way:
    """One of a process, whose similarities are remembered."""
    return way_of(as_published, matched)
