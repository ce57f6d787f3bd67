"""Opens what is compared, a run or a dataset of captions, and streams its images.

An image goes by several names, since a run, its export and somebody's file may call one photograph
differently: the id, the photograph's content, the file's name and the number that datasets give
it. By which of them two sides are paired is found out when both were read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from annoengine.account import Account, take_account
from annoengine.call_counts import journal_lines
from annoengine.comparing.boxed_caption import boxed_caption
from annoengine.plan import make_plan
from annoengine.recipe import load_recipe
from annoengine.score_values import Values
from annoengine.statistics.datasets import Reading, open_dataset
from annoengine.statistics.inputs.lists import SA_PANCAP_FIELDS, entries_of, sa_pancap_sample
from annoengine.statistics.inputs.runs import RunRecords, samples_of
from annoengine.statistics.sample import CaptionDataset, Level, Notes, Sample
from annoengine.workspace import Workspace

Sums = dict[str, tuple[float, float]]
"""What is summed of an image by measure: what is counted, and by what it is divided."""

NAMES = ("id", "photograph", "file name", "image number")
"""What images may be paired by, the surest first."""


@dataclass(frozen=True)
class Image:
    """An image of one side: its names in the order of ``NAMES`` ("" where it has none), what is
    said of it, as one text with boxes too, and what is summed without reading that."""

    names: tuple[str, str, str, str]
    texts: Mapping[Level, tuple[str, ...]]
    boxed: str
    sums: Sums


class Side(Protocol):
    """One of the two that are compared."""

    name: str
    kind: str
    notes: Notes
    account: Account | None

    def images(self) -> Iterator[Image]:
        """Its images; one may come in several pieces."""
        ...


def open_side(label: str, name: str, reading: Reading) -> Side:
    """A side by the path of a run or a dataset, or a run's name. Raises InputError."""
    dataset = open_dataset(name, reading)
    if isinstance(dataset, RunRecords):
        return RunSide(label, dataset)
    return DatasetSide(label, dataset)


def name_key(image: str) -> str:
    """What an image is called without folders, ending and leading zeros.

    >>> name_key("val2017/000000142238.jpg"), name_key("142238"), name_key("0.png")
    ('142238', '142238', '0')
    """
    stem = image.replace("\\", "/").rpartition("/")[2]
    head, dot, ending = stem.rpartition(".")
    stem = head if dot and head and len(ending) <= 4 else stem
    return stem.lstrip("0") or stem[-1:]


@dataclass
class _Calls:
    asked: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0


class RunSide:
    """The records of a run's stage, with their scores and their calls."""

    kind = "run"

    def __init__(self, name: str, records: RunRecords) -> None:
        self.name = name
        self.notes = records.notes
        self._records = records
        workspace = Workspace.of_run(records.root)
        recipe = load_recipe(records.root / "recipe.yaml")
        done = workspace.source_done()
        plan = make_plan(recipe, workspace, done.limit if done else None, as_read=True)
        self.account: Account | None = take_account(recipe, workspace, plan)
        self._journals = workspace.all_journals()

    def images(self) -> Iterator[Image]:
        """One for each record."""
        calls = self._calls_by_record()
        for _, entry in self._records.entries():
            samples = {sample.level: sample for sample in samples_of(entry)}
            sums: Sums = {}
            for sample in samples.values():
                _add_counts(sums, sample)
            _add_scores(sums, entry)
            if calls is not None:
                _add_calls(sums, calls.pop(entry["id"], _Calls()))
            texts = {level: sample.texts for level, sample in samples.items()}
            photo = entry["photo"]
            number = name_key(entry["id"])
            names = (entry["id"], photo["sha256"], name_key(photo["file"]), number)
            yield Image(names, texts, boxed_caption(entry), sums)

    def _calls_by_record(self) -> dict[str, _Calls] | None:
        """What was asked about each record in all of the run; None where nothing was."""
        found: dict[str, _Calls] = {}
        for path in self._journals:
            for _, line in journal_lines(path):
                entry = orjson.loads(line)
                if entry["event"] not in ("asked", "answered"):
                    continue
                calls = found.setdefault(entry["record"], _Calls())
                if entry["event"] == "asked":
                    calls.asked += 1
                    continue
                usage = entry.get("usage") or {}
                calls.input_tokens += usage.get("input_tokens") or 0
                calls.output_tokens += usage.get("output_tokens") or 0
                calls.usd += entry.get("usd") or 0.0
        return found or None


@dataclass
class DatasetSide:
    """A dataset of captions in files."""

    name: str
    dataset: CaptionDataset
    account: Account | None = None
    kind: str = field(init=False)
    notes: Notes = field(init=False)

    def __post_init__(self) -> None:
        self.kind = self.dataset.kind
        self.notes = self.dataset.notes

    def images(self) -> Iterator[Image]:
        """One for each entry."""
        for sample, boxed in self._samples():
            sums: Sums = {}
            _add_counts(sums, sample)
            key = name_key(sample.image)
            names = (sample.image, "", key, key)
            yield Image(names, {sample.level: sample.texts}, boxed, sums)

    def _samples(self) -> Iterator[tuple[Sample, str]]:
        """Entries with their text as it is scored; SA-Pancap's captions have boxes in it."""
        if self.kind != "sa_pancap":
            for sample in self.dataset.samples():
                yield sample, " ".join(sample.texts)
            return
        for file in self.notes.read:
            for position, where, entry in entries_of(file):
                sample = sa_pancap_sample(entry, position, where)
                yield sample, next(str(entry[name]) for name in SA_PANCAP_FIELDS if name in entry)


def _add_counts(sums: Sums, sample: Sample) -> None:
    if sample.texts and sample.groundable is not None and sample.grounded is not None:
        sums[f"{sample.level}.grounded"] = (sample.grounded, sample.groundable)


def _add_scores(sums: Sums, entry: Mapping[str, Any]) -> None:
    """Each score's values: the image's own, and those of segments that have a caption."""
    scores = ((s["name"], float(s["value"]), s.get("segment")) for s in entry.get("scores", ()))
    values = Values.of(scores)
    described = dict.fromkeys(c.get("segment") for c in entry.get("captions", ()))
    for one in (values.own, *(values.segments.get(id, {}) for id in described if id is not None)):
        for name, value in one.items():
            top, bottom = sums.get(f"score.{name}", (0.0, 0.0))
            sums[f"score.{name}"] = (top + value, bottom + 1)


def _add_calls(sums: Sums, calls: _Calls) -> None:
    sums["calls.asked"] = (calls.asked, 1)
    sums["calls.input_tokens"] = (calls.input_tokens, 1)
    sums["calls.output_tokens"] = (calls.output_tokens, 1)
    sums["calls.usd"] = (calls.usd, 1)


def described_path(side: Side) -> str:
    """Where a side was read, in a few words."""
    read = ", ".join(str(path) for path in side.notes.read[:2])
    more = len(side.notes.read) - 2
    return f"{read}{f' and {more} more' if more > 0 else ''}"
