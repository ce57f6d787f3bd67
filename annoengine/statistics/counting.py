"""Counts datasets: samples are streamed, their captions counted in worker processes.

What comes out does not depend on the number of workers, on the order of the samples, nor on how
they were cut into shards: everything that is added up is a whole number. Beside the tallies, eight
bytes an image are held, to tell images that come twice.
"""

from __future__ import annotations

import functools
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from annoengine.checks.ordered_work import results_in_order
from annoengine.errors import InputError, RunStopped, SettingError
from annoengine.language.parser import language_requirements, parser_of
from annoengine.reading.coco_json import text_hash
from annoengine.statistics.class_names import ClassNames, with_all_of_coco
from annoengine.statistics.sample import CaptionDataset, Level, Notes, Sample
from annoengine.statistics.tally import Tally
from annoengine.statistics.word_classes import WordClasses

LEVELS: tuple[Level, ...] = ("region", "image")

_TASK_CAPTIONS = 64
_TASK_CHARACTERS = 40_000
"""What goes to a worker at once: so many captions, or fewer long ones."""

_FEW_CHARACTERS = 200_000
_FEW_CHARACTERS_UNPARSED = 5_000_000
"""So much text is counted sooner here than processes for it are started."""


class DistinctImages:
    """How many different images there are, by 64 bits of each name.

    >>> images = DistinctImages()
    >>> for name in ("a.jpg", "b.jpg", "a.jpg"): images.add(name)
    >>> len(images)
    2
    """

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._unique_up_to = 0

    def add(self, name: str) -> None:
        """One more image, perhaps one that was there before."""
        self._hashes.append(text_hash(name))
        if len(self._hashes) > 2 * self._unique_up_to + (1 << 16):
            self._compact()

    def _compact(self) -> None:
        found = np.unique(np.frombuffer(self._hashes, dtype=np.uint64))
        self._hashes = array("Q", found.tobytes())
        self._unique_up_to = len(self._hashes)

    def __len__(self) -> int:
        self._compact()
        return self._unique_up_to


@dataclass
class CaptionSet:
    """The captions of one level of one dataset, counted.

    ``samples`` and ``images`` are those that have a caption. Of the samples whose masks are
    known: ``masked`` is how many they are, ``masks`` how many masks they have together;
    ``groundable`` are the masks that are no crowd and ``grounded`` those that a caption is about,
    where that is known.
    """

    name: str
    level: Level
    kind: str
    notes: Notes
    class_names: frozenset[str]
    tally: Tally = field(default_factory=Tally)
    samples: int = 0
    images: int = 0
    without_caption: int = 0
    masked: int = 0
    masks: int = 0
    groundable: int = 0
    grounded: int = 0


Told = Callable[[str, int], None]
"""Hears the name of a dataset and how many of its captions are counted."""

Task = tuple[Level, tuple[str, ...]]


def count_captions(
    name: str,
    dataset: CaptionDataset,
    model: str | None,
    workers: int,
    told: Told = lambda name, captions: None,
) -> list[CaptionSet]:
    """Counts a dataset: one set for each level on which it has captions.

    ``model`` is the spaCy model that tells parts of speech, None to do without. 0 workers count
    here. Raises InputError for a dataset without a caption.
    """
    names = with_all_of_coco(dataset.class_names())
    sets = {level: CaptionSet(name, level, dataset.kind, dataset.notes, names) for level in LEVELS}
    tasks = _tasks(_counted_in(dataset.samples(), sets))
    # Processes are started for a large dataset alone.
    few = _FEW_CHARACTERS if model is not None else _FEW_CHARACTERS_UNPARSED
    first: list[Task] = []
    size = 0
    for task in tasks:
        first.append(task)
        size += sum(map(len, task[1]))
        if size > few:
            break
    done = 0
    count = functools.partial(_count, names, model)
    for level, tally in results_in_order(
        count, chain(first, tasks), workers if size > few else 0, _died
    ):
        sets[level].tally.merge(tally)
        done += tally.captions
        told(name, done)
    found = [one for one in sets.values() if one.tally.captions]
    if not found:
        raise InputError(f"{name} has no captions: {_looked_at(sets)}")
    return found


def check_model(model: str) -> None:
    """Raises SettingError where spaCy or the model is missing."""
    for requirement in language_requirements(model):
        if not requirement.met:
            raise SettingError(
                f"parts of speech are told by {requirement.what}, which is not installed: "
                f"{requirement.remedy}; or count without them: --no-pos"
            )


def labelled(datasets: Sequence[str]) -> list[tuple[str, str]]:
    """What each dataset is called, and its path: its label, or as much of the path as it takes.

    >>> labelled(["a/val.json", "b/val.json", "ours=runs/pix2cap/"])
    [('a/val.json', 'a/val.json'), ('b/val.json', 'b/val.json'), ('ours', 'runs/pix2cap/')]
    """
    given: list[tuple[str, str]] = []
    for dataset in datasets:
        label, sign, path = dataset.partition("=")
        if not sign or not label or "/" in label or Path(dataset).exists():
            label, path = "", dataset
        given.append((label, path))
    names = Counter(label or Path(path).name for label, path in given)
    found = [(label or Path(path).name, path) for label, path in given]
    return [(label if names[label] == 1 else path, path) for label, path in found]


def named_apart(sets: Sequence[CaptionSet]) -> list[CaptionSet]:
    """The sets, where two of one dataset are told apart by what their captions are about."""
    names = Counter(one.name for one in sets)
    return [
        replace(one, name=f"{one.name} ({one.level}s)") if names[one.name] > 1 else one
        for one in sets
    ]


def _looked_at(sets: dict[Level, CaptionSet]) -> str:
    samples = max(one.without_caption for one in sets.values())
    return f"none of its {samples:,} entries has one" if samples else "it has no entries"


def _died(task: Task, detail: str) -> tuple[Level, Tally]:
    raise RunStopped(
        f"a process that counted captions died twice ({detail.split(';')[0]}); with fewer "
        "--workers there is more memory for each"
    )


def _counted_in(
    samples: Iterator[Sample], sets: dict[Level, CaptionSet]
) -> Iterator[tuple[Level, str]]:
    """The captions of the samples, which are counted on the way."""
    images = {level: DistinctImages() for level in sets}
    for sample in samples:
        one = sets[sample.level]
        texts = [text.strip() for text in sample.texts]
        texts = [text for text in texts if text]
        if not texts:
            one.without_caption += 1
            continue
        one.samples += 1
        images[sample.level].add(sample.image)
        if sample.masks is not None:
            one.masked += 1
            one.masks += sample.masks
        if sample.groundable is not None and sample.grounded is not None:
            one.groundable += sample.groundable
            one.grounded += sample.grounded
        for text in texts:
            yield sample.level, text
    for level, found in images.items():
        sets[level].images = len(found)


def _tasks(captions: Iterator[tuple[Level, str]]) -> Iterator[Task]:
    waiting: dict[Level, list[str]] = {level: [] for level in LEVELS}
    sizes = dict.fromkeys(LEVELS, 0)
    for level, text in captions:
        waiting[level].append(text)
        sizes[level] += len(text)
        if len(waiting[level]) >= _TASK_CAPTIONS or sizes[level] >= _TASK_CHARACTERS:
            yield level, tuple(waiting[level])
            waiting[level], sizes[level] = [], 0
    for level, texts in waiting.items():
        if texts:
            yield level, tuple(texts)


def _count(names: frozenset[str], model: str | None, task: Task) -> tuple[Level, Tally]:
    """Counts some captions; runs in a worker."""
    level, texts = task
    return level, tally_of(texts, names, model)


def tally_of(texts: tuple[str, ...], names: frozenset[str], model: str | None) -> Tally:
    """The tally of some captions."""
    tally = Tally()
    for text in texts:
        tally.add(text)
    if model is not None:
        classes, parser = _class_names(names), parser_of(model)
        tally.classes = WordClasses()
        for parsed in parser.parse_all(texts):
            tally.classes.add(parsed, classes)
        # No caption comes again as it does in a run, where stages share the parses.
        parser.forget()
    return tally


@functools.lru_cache(maxsize=4)
def _class_names(names: frozenset[str]) -> ClassNames:
    return ClassNames(names)
