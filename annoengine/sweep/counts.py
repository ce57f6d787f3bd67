"""Counts for every score of a run what each threshold on it would keep.

The shards are streamed and three histograms a score are all that is held: the value of each
caption, and the least and the most of each image. An image is kept by ``>= t`` where the most of
its captions is, and by ``<= t`` where the least is: one of its captions is kept then. So every
threshold can be told from one reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from annoengine.conditions import Condition, Quantiles
from annoengine.errors import InputError, UserError
from annoengine.plan import make_plan
from annoengine.quantiles import Histogram
from annoengine.recipe import BuiltStage, Recipe, load_recipe
from annoengine.registry import did_you_mean
from annoengine.score_values import Place, Values, quantiles_of, survey
from annoengine.shard import read_lines, shard_name
from annoengine.storage import Storage
from annoengine.workspace import SOURCE, Workspace


@dataclass(frozen=True)
class Kept:
    """How many captions and images there are, or are left."""

    captions: int = 0
    images: int = 0


@dataclass
class ScoreCounts:
    """How the values of a score lie: of captions, and the least and the most of each image."""

    captions: Histogram = field(default_factory=Histogram)
    least: Histogram = field(default_factory=Histogram)
    most: Histogram = field(default_factory=Histogram)

    def at_least(self, value: float) -> Kept:
        """What ``score >= value`` keeps."""
        return Kept(self.captions.at_least(value), self.most.at_least(value))

    def at_most(self, value: float) -> Kept:
        """What ``score <= value`` keeps."""
        return Kept(self.captions.at_most(value), self.least.at_most(value))

    @property
    def total(self) -> Kept:
        """What has the score."""
        return Kept(self.captions.total, self.most.total)


@dataclass(frozen=True)
class Threshold:
    """A threshold that the recipe has now: ``stage`` keeps ``score sign value``."""

    stage: str
    score: str
    sign: str
    value: float
    bound: str


@dataclass
class Swept:
    """What was counted in the records that left ``stage``.

    ``every`` are all of them, ``counted`` those that ``where`` is true of. ``keeping`` is what
    each ``keep`` of the recipe keeps of those by its condition on captions.
    """

    root: Path
    stage: str
    shards_read: int
    shards: int
    older: int
    where: Condition | None
    every: Kept = field(default_factory=Kept)
    counted: Kept = field(default_factory=Kept)
    scores: dict[str, ScoreCounts] = field(default_factory=dict)
    keeping: list[tuple[str, Condition, Kept]] = field(default_factory=list)
    thresholds: list[Threshold] = field(default_factory=list)


@dataclass(frozen=True)
class _Image:
    values: Values
    captions: tuple[Place, ...]


def sweep(root: Path, score: str = "", where: str = "", stage: str = "") -> Swept:
    """Counts the scores of a run, or one of them, in the captions that ``where`` is true of.

    ``stage``: whose output is read; unless given, what comes into the first ``keep``, as far as
    the run has got. Raises InputError and RecipeError for what the run does not have.
    """
    workspace = Workspace.of_run(root)
    recipe = load_recipe(root / "recipe.yaml")
    condition = Condition.read(where, None, quantiles=True) if where else None
    reading = _Reading.of(recipe, workspace, stage)
    asked = [(b.name, c) for b in recipe.stages if (c := _condition_of(b)) is not None]
    swept = Swept(
        root, reading.stage, len(reading.shards), reading.in_all, reading.older, condition
    )
    conditions = [c for c in (condition, *(c for _, c in asked)) if c is not None]
    quantiles = reading.quantiles(conditions)
    counter = _Counter(swept, score, asked, quantiles)
    for image in reading.images():
        counter.count(image)
    counter.finish(reading.declared)
    return swept


def _condition_of(built: BuiltStage) -> Condition | None:
    """What a ``keep`` asks of captions."""
    text = getattr(built.stage.parameters, "segments", None) if built.kind == "keep" else None
    return None if text is None else Condition.read(text, None, quantiles=True)


class _Counter:
    """Counts image by image."""

    def __init__(
        self,
        swept: Swept,
        score: str,
        asked: list[tuple[str, Condition]],
        quantiles: Quantiles,
    ) -> None:
        self._swept = swept
        self._score = score
        self._asked = asked
        self._quantiles = quantiles
        self._seen: set[str] = set()
        self._all = [0, 0]
        self._counted = [0, 0]
        self._kept = [[0, 0] for _ in asked]

    def count(self, image: _Image) -> None:
        """Counts an image and its captions in."""
        where, values = self._swept.where, image.values
        self._all[0] += len(image.captions)
        self._all[1] += 1
        self._seen.update(values.own, *values.segments.values())
        taken = [(place, values.of_caption(place)) for place in image.captions]
        if where is not None:
            taken = [one for one in taken if where.judge(one[1], self._quantiles)]
            if not taken:
                return
        self._counted[0] += len(taken)
        self._counted[1] += 1
        for (_, condition), kept in zip(self._asked, self._kept, strict=True):
            # A keep leaves captions of whole images alone.
            n = sum(p is None or condition.judge(v, self._quantiles) is True for p, v in taken)
            kept[0] += n
            kept[1] += n > 0
        self._take(values, [one for _, one in taken])

    def _take(self, values: Values, taken: list[Mapping[str, float]]) -> None:
        """Counts the values of the captions ``taken``; an image without any has its own."""
        columns: dict[str, list[float]] = {}
        for one in taken or (values.own,):
            for name, value in one.items():
                if name in columns:
                    columns[name].append(value)
                else:
                    columns[name] = [value]
        for name, column in columns.items():
            if self._score and name != self._score:
                continue
            if name not in self._swept.scores:
                self._swept.scores[name] = ScoreCounts()
            counts = self._swept.scores[name]
            counts.captions.extend(column if taken else ())
            counts.least.add(min(column))
            counts.most.add(max(column))

    def finish(self, declared: frozenset[str]) -> None:
        """Hands over the sums. Raises InputError for a score that is nowhere."""
        swept = self._swept
        if not self._seen:
            raise InputError(
                f"{swept.root}: no record that left {swept.stage!r} has a score; the stages that "
                "check captions store them"
            )
        known = self._seen | declared
        if swept.where is not None:
            try:
                swept.where.check(known)
            except UserError as error:
                raise InputError(f"--where: {error}") from None
        if self._score and self._score not in self._seen:
            if self._score in declared:
                why = "; no record has it yet"
            else:
                why = f".{did_you_mean(self._score, self._seen)}"
            raise InputError(f"{swept.root}: no score is called {self._score!r}{why}")
        swept.every = Kept(*self._all)
        swept.counted = Kept(*self._counted)
        swept.scores = dict(sorted(swept.scores.items()))
        swept.keeping = [
            (name, condition, Kept(*kept))
            for (name, condition), kept in zip(self._asked, self._kept, strict=True)
        ]
        swept.thresholds = list(_thresholds(self._asked, self._quantiles))


def _thresholds(
    asked: Iterable[tuple[str, Condition]], quantiles: Quantiles
) -> Iterator[Threshold]:
    for stage, condition in asked:
        for leaf in condition.comparisons():
            value: float | None = leaf.number
            if leaf.percent is not None:
                value = quantiles.get((leaf.score, leaf.percent))
            if value is not None:
                yield Threshold(stage, leaf.score, leaf.sign, value, leaf.bound)


@dataclass(frozen=True)
class _Reading:
    """The shards that are read: those of one stage that are there."""

    storage: Storage
    folder: str
    stage: str
    shards: tuple[int, ...]
    in_all: int
    older: int
    declared: frozenset[str]
    """The scores that the stages up to this one say that they store."""

    @classmethod
    def of(cls, recipe: Recipe, workspace: Workspace, stage: str) -> _Reading:
        """The shards of a stage. Raises InputError where there is none."""
        done = workspace.source_done()
        plan = make_plan(recipe, workspace, done.limit if done else None, as_read=True)
        names = (SOURCE, *(built.name for built in recipe.stages))
        if stage and stage not in names:
            raise InputError(
                f"{workspace.root} has no stage {stage!r}.{did_you_mean(stage, names)}"
            )
        keeps = [i for i, built in enumerate(recipe.stages, start=1) if built.kind == "keep"]
        last = keeps[0] - 1 if keeps else len(recipe.stages)
        for index in [names.index(stage)] if stage else range(last, -1, -1):
            steps = [step for step in plan.of(index) if step.marker is not None]
            if steps:
                return cls(
                    workspace.storage,
                    workspace.folder(index, names[index]),
                    names[index],
                    tuple(step.shard for step in steps),
                    len(plan.of(index)),
                    sum(step.state != "done" for step in steps),
                    frozenset().union(*(b.stage.SCORES for b in recipe.stages[:index])),
                )
        what = f"the stage {stage!r} of {workspace.root}" if stage else str(workspace.root)
        raise InputError(f"{what} has no finished shard yet: there is nothing to count")

    def images(self) -> Iterator[_Image]:
        """The scores of every image, shard after shard."""
        for shard in self.shards:
            key = f"{self.folder}/{shard_name(shard)}.jsonl"
            for number, line in enumerate(read_lines(self.storage, key), start=1):
                try:
                    yield _image(line)
                except (ValueError, KeyError, TypeError, AttributeError):
                    raise InputError(
                        f"{key}:{number}: this line is no record. Shards are written by "
                        "annoengine alone; delete the stage's folder to redo it"
                    ) from None

    def quantiles(self, conditions: Iterable[Condition]) -> Quantiles:
        """The quantiles that conditions name, for which all has to be read once more."""
        named = {quantile for condition in conditions for quantile in condition.quantiles()}
        if not named:
            return {}
        segments = (
            (i.values, tuple(dict.fromkeys(p for p in i.captions if p is not None)))
            for i in self.images()
        )
        return quantiles_of(survey(segments, (name for name, _ in named)), named)


def _image(line: bytes) -> _Image:
    """What a line of a shard says of scores. Only that is read: ten times as fast as all of it."""
    entry = orjson.loads(line)
    scores = ((s["name"], float(s["value"]), s.get("segment")) for s in entry.get("scores", ()))
    captions = tuple(c.get("segment") for c in entry.get("captions", ()))
    return _Image(Values.of(scores), captions)
