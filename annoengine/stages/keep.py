"""Keeps the captions and images whose stored scores are good enough; the rest leaves with a reason.

Checks store scores and this stage alone has thresholds, so moving one asks nobody anything.
``segments`` is asked about each caption of a segment, with the scores of that segment and of the
record; where both have a score of one name, the segment's own counts, and of several the last.
``paragraphs`` is asked about the captions of the whole image, with the record's own scores, and
``images`` then about the record, with these scores and what is left of its captions. A caption
that lacks a score on which its condition turns is not kept, and its reason says so: what was never
scored must not pass for good.

A quantile (``clip >= q10``) is one of the whole dataset, for which all shards must be there. Only
such a condition makes the stage wait for them: the class is a barrier exactly then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, ClassVar

from annoengine.conditions import Condition, Quantiles
from annoengine.errors import Drop, RecipeError
from annoengine.quantiles import merged
from annoengine.record import Caption, Gap, Record
from annoengine.score_values import Place, Values, described, quantiles_of, survey
from annoengine.stage import Ask, BarrierStage, Parameters, Setup, Stage

COUNTS = ("captions", "dropped", "segments", "kept_share", "described_share", "paragraphs")
"""What ``images`` may ask about besides scores: how many captions of segments are kept, how many
were dropped here, how many segments there are that could have a caption (all but crowds), kept
captions by those that came in, kept captions by those segments, and how many captions of the whole
image are kept. A share of nothing is 0."""

OVERALL = ("min", "max", "mean")
"""``SCORE.min`` and so on: what ``images`` may ask of a score of the captions that are kept."""

_NO_SCORE = "no score"
_WHERE = ("segments", "paragraphs", "images")


class KeepParameters(Parameters):
    """What is good enough to be kept."""

    segments: str | None = None
    """The condition that the caption of a segment must satisfy, on the scores of that segment and
    of the record (``facts.contradicted == 0 and text.refusal < 0.5 and clip >= q10``); unset:
    every caption is kept."""
    paragraphs: str | None = None
    """The condition that a caption of the whole image must satisfy, on the scores of the record;
    unset: every one is kept."""
    images: str | None = None
    """The condition that an image must satisfy then: on the scores of the record; on ``captions``,
    ``dropped``, ``segments``, ``kept_share``, ``described_share``, ``paragraphs``; on
    ``SCORE.min``, ``.max`` and ``.mean`` of the kept captions of segments; unset: every image is
    kept, also one without a caption."""


@dataclass(frozen=True)
class Objection:
    """Why something is not kept: the part of the condition that it fails, and its values."""

    reason: str
    detail: str


def objection(
    condition: Condition, values: Mapping[str, float], quantiles: Quantiles
) -> Objection | None:
    """What a condition has against these values; None where it is true of them.

    >>> good = Condition.read("clip >= 0.2 and facts == 0", None)
    >>> objection(good, {"clip": 0.3, "facts": 2.0}, {})
    Objection(reason='facts == 0', detail='facts is 2')
    >>> objection(good, {"facts": 0.0}, {})
    Objection(reason='clip >= 0.2 (no score)', detail='clip is missing')
    """
    if condition.judge(values, quantiles):
        return None
    failed = [(p, t) for p in condition.parts() if (t := p.judge(values, quantiles)) is not True]
    # A part that is false says more than one that cannot be judged.
    part, truth = min(failed, key=lambda pair: pair[1] is None)
    told: dict[str, None] = {}
    for one, _ in failed:
        for leaf in one.comparisons():
            value = values.get(leaf.score)
            told[f"{leaf.score} is {'missing' if value is None else f'{value:.6g}'}"] = None
            if leaf.percent is not None and (leaf.score, leaf.percent) in quantiles:
                told[f"{leaf.bound} is {quantiles[(leaf.score, leaf.percent)]:.6g}"] = None
    reason = part.text if truth is False else f"{part.text} ({_NO_SCORE})"
    return Objection(reason, ", ".join(told))


class Keep(Stage):
    """Drops captions and images by their scores; asks nobody."""

    NEEDS: ClassVar[frozenset[str]] = frozenset({"captions"})
    GIVES: ClassVar[frozenset[str]] = frozenset({"gaps"})
    Parameters: ClassVar[type[Parameters]] = KeepParameters
    parameters: KeepParameters

    def __new__(cls, parameters: KeepParameters, setup: Setup) -> Keep:
        """A barrier where a condition names a quantile, else none. Raises RecipeError."""
        conditions = [_read(getattr(parameters, where), where) for where in _WHERE]
        waits = any(c is not None and c.quantiles() for c in conditions)
        return object.__new__(_KeepByQuantiles if waits and cls is Keep else cls)

    def __init__(self, parameters: KeepParameters, setup: Setup) -> None:
        super().__init__(parameters, setup)
        self.segments = _read(parameters.segments, "segments")
        self.paragraphs = _read(parameters.paragraphs, "paragraphs")
        self.images = _read(parameters.images, "images")

    def check_scores(self, known: frozenset[str]) -> None:
        """Raises RecipeError for a score that is not among those that earlier stages give."""
        for condition, where in ((self.segments, "segments"), (self.paragraphs, "paragraphs")):
            if condition is not None:
                _check(condition, where, known)
        if self.images is None:
            return
        summed = {f"{name}.{how}" for name in known for how in OVERALL}
        _check(self.images, "images", known | {*COUNTS} | summed)
        for name, percent in sorted(self.images.quantiles()):
            if name not in known:
                raise RecipeError(
                    f"images: {name} is known only when captions were dropped, so that there is "
                    f"no q{percent} of it; name a number"
                )

    async def annotate(self, record: Record, ask: Ask) -> Record:
        """The record without the captions that are not kept, with a gap for each.

        Their verdicts go with them; scores stay. Raises Drop where the image is not kept.
        """
        return self.sift(record, ask, {})

    def sift(self, record: Record, ask: Ask, quantiles: Quantiles) -> Record:
        """The same, given the quantiles."""
        values = Values.of_record(record)
        objections = self._objections(record, values, quantiles)
        kept = tuple(c for c in record.captions if c.segment not in objections)
        if self.images is not None:
            self._judge_image(record, kept, objections.values(), values, quantiles)
        if not objections:
            return record
        for caption in record.captions:
            if caption.segment in objections:
                scores = [s for s in record.scores if s.segment == caption.segment]
                ask.set_aside(caption, objections[caption.segment].reason, scores)
        gaps = (
            Gap(segment=id, reason=o.reason, detail=o.detail, stage=self.setup.name)
            for id, o in objections.items()
            if id is not None
        )
        return record.but(
            captions=kept,
            gaps=(*record.gaps, *gaps),
            verdicts=tuple(v for v in record.verdicts if v.segment not in objections),
        )

    def _objections(
        self, record: Record, values: Values, quantiles: Quantiles
    ) -> dict[Place, Objection]:
        """What there is against captions, by segment (None: the image), in their order."""
        found: dict[Place, Objection] = {}
        for place in dict.fromkeys(caption.segment for caption in record.captions):
            condition = self.paragraphs if place is None else self.segments
            if condition is None:
                continue
            against = objection(condition, values.of_caption(place), quantiles)
            if against is not None:
                found[place] = against
        return found

    def _judge_image(
        self,
        record: Record,
        kept: Sequence[Caption],
        objections: Iterable[Objection],
        values: Values,
        quantiles: Quantiles,
    ) -> None:
        """Raises Drop where the image is not kept."""
        assert self.images is not None
        reasons = Counter(o.reason for o in objections)
        whole = sum(caption.segment is None for caption in kept)
        known = image_values(record, described(kept), values, self.images.names(), whole)
        against = objection(self.images, known, quantiles)
        if against is None:
            return
        detail = against.detail
        if reasons:
            counts = ", ".join(f"{reason} ({n})" for reason, n in reasons.most_common())
            detail += f"; captions not kept: {counts}"
        raise Drop(against.reason, detail)


class _KeepByQuantiles(Keep, BarrierStage):
    """Keep, where a condition names quantiles: it must have seen every shard."""

    def survey(self, records: Iterable[Record]) -> dict[str, list[tuple[float, int]]]:
        """How the values of the scores lie whose quantiles are named."""
        images = ((Values.of_record(record), described(record.captions)) for record in records)
        lie = survey(images, (name for name, _ in self._quantiles()))
        return {name: histogram.to_json() for name, histogram in lie.items()}

    def decide(self, summaries: Iterable[Any]) -> dict[str, dict[str, float]]:
        """The value of each quantile, by score and percent."""
        decided: dict[str, dict[str, float]] = {}
        for (name, percent), value in quantiles_of(merged(summaries), self._quantiles()).items():
            decided.setdefault(name, {})[str(percent)] = value
        return decided

    async def annotate_decided(self, record: Record, decision: Any, ask: Ask) -> Record:
        """Like :meth:`Keep.annotate`, with the quantiles."""
        quantiles = {
            (name, int(percent)): value
            for name, values in (decision or {}).items()
            for percent, value in values.items()
        }
        return self.sift(record, ask, quantiles)

    def _quantiles(self) -> frozenset[tuple[str, int]]:
        conditions = (self.segments, self.paragraphs, self.images)
        named = (c.quantiles() for c in conditions if c is not None)
        return frozenset[tuple[str, int]]().union(*named)


def image_values(
    record: Record, kept: Sequence[int], values: Values, names: Iterable[str], paragraphs: int = 0
) -> dict[str, float]:
    """What ``images`` can be asked about, with the captions of the segments ``kept``.

    ``paragraphs``: how many captions of the whole image are kept.

    Raises RecipeError for a name that only segments have a score of.
    """
    came = len(described(record.captions))
    could = sum(not segment.iscrowd for segment in record.segments)
    n = len(kept)
    known = {
        **values.own,
        "captions": float(n),
        "dropped": float(came - n),
        "segments": float(could),
        "kept_share": n / came if came else 0.0,
        "described_share": n / could if could else 0.0,
        "paragraphs": float(paragraphs),
    }
    for name in names:
        if name in known:
            continue
        if any(name in scores for scores in values.segments.values()):
            raise RecipeError(
                f"images: {name} is a score of segments, of which {record.id} has several; name "
                f"{name}.min, {name}.max or {name}.mean"
            )
        score, _, how = name.rpartition(".")
        found = [value for id in kept if (value := values.of_caption(id).get(score)) is not None]
        if how in OVERALL and found:
            overall = {"min": min(found), "max": max(found), "mean": fmean(found)}
            known[name] = overall[how]
    return known


def _read(text: str | None, where: str) -> Condition | None:
    if text is None:
        return None
    try:
        return Condition.read(text, None, quantiles=True)
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None


def _check(condition: Condition, where: str, known: Iterable[str]) -> None:
    try:
        condition.check(frozenset(known))
    except RecipeError as error:
        raise RecipeError(f"{where}: {error}") from None
