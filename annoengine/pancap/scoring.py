"""PancapScore of a pair of captions, and its mean over many.

Five F-scores, tag, location, attribute, relation and global, whose sum, the last weighed by 0.1,
is the score: 4.1 at most. An item is right only if both of its answers are; items without an
answer, as those of unmatched instances, are wrong.

Where the paper leaves a case open: a dimension that neither caption speaks of is agreement (1),
since nothing is missed and nothing invented, but two captions without any content agree on
nothing (0). A dimension that one of them alone speaks of is 0. Locations are counted over the
instances that have a box, as the authors' code does, since many parts are given none.

Source: arXiv 2505.16334, section 3.2 and appendix C.1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from annoengine.pancap.content import Content
from annoengine.pancap.judging import Answer
from annoengine.pancap.line_writing import first_item_id
from annoengine.pancap.matching import DELTA_LOCATION, InstanceMatch
from annoengine.pancap.questions import ASKED, AskedDimension

Dimension = Literal["tag", "location", "attribute", "relation", "global"]
DIMENSIONS: tuple[Dimension, ...] = ("tag", "location", "attribute", "relation", "global")

GLOBAL_WEIGHT = 0.1
"""λ_g, since a caption has one or two global items. Source: section 3.2."""

WEIGHTS: Mapping[Dimension, float] = {
    "tag": 1.0,
    "location": 1.0,
    "attribute": 1.0,
    "relation": 1.0,
    "global": GLOBAL_WEIGHT,
}


@dataclass(frozen=True)
class DimensionScore:
    """Precision, recall and their F-score, each 0 to 1. ``reference`` and ``prediction`` are the
    numbers of items of each side."""

    precision: float
    recall: float
    f1: float
    reference: int = 0
    prediction: int = 0


@dataclass(frozen=True)
class PairScore:
    """The score of one caption against its reference. ``failures`` counts the items that could
    not be asked or answered as they should have been."""

    dimensions: Mapping[Dimension, DimensionScore]
    failures: int = 0

    @property
    def overall(self) -> float:
        """s, 0 to 4.1."""
        return self.total()

    def total(self, of: Sequence[Dimension] = DIMENSIONS) -> float:
        """The weighted sum over some dimensions; without location, the paper's consistency of two
        captions (section 4.1)."""
        return sum(WEIGHTS[name] * self.dimensions[name].f1 for name in of)


def f_score(precision: float, recall: float) -> float:
    """The harmonic mean of two shares; 0 where both are 0.

    >>> f_score(0.5, 1.0), f_score(0, 0)
    (0.6666666666666666, 0.0)
    """
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def dimension_score(
    found: float, reference: int, right: float, prediction: int, unsaid: float = 1.0
) -> DimensionScore:
    """The score of a dimension: ``found`` of so many in the reference, ``right`` of so many in
    the prediction. ``unsaid`` is what it is where neither side has any.

    >>> dimension_score(1, 2, 1, 1).f1, dimension_score(0, 0, 0, 3).f1
    (0.6666666666666666, 0.0)
    >>> dimension_score(0, 0, 0, 0).f1
    1.0
    """
    if not reference and not prediction:
        return DimensionScore(unsaid, unsaid, unsaid)
    recall = found / reference if reference else 0.0
    precision = right / prediction if prediction else 0.0
    return DimensionScore(precision, recall, f_score(precision, recall), reference, prediction)


def score_pair(
    reference: Content,
    prediction: Content,
    match: InstanceMatch,
    found: Mapping[int, Answer],
    right: Mapping[int, Answer],
    failures: int = 0,
    delta_location: float = DELTA_LOCATION,
) -> PairScore:
    """The score of a prediction.

    ``found``: what the judge says of the reference's items, by id, having read the prediction;
    ``right``: of the prediction's items, having read the reference.
    """
    unsaid = float(bool(_says_anything(reference) or _says_anything(prediction)))
    matched, located = len(match.pairs), match.located(delta_location)
    dimensions: dict[Dimension, DimensionScore] = {
        "tag": dimension_score(
            matched, len(reference.entities), matched, len(prediction.entities), unsaid
        ),
        "location": dimension_score(
            located, boxed_entities(reference), located, boxed_entities(prediction), unsaid
        ),
    }
    of_reference = _right_items(reference, found)
    of_prediction = _right_items(prediction, right)
    for name in ASKED:
        dimensions[name] = dimension_score(*of_reference[name], *of_prediction[name], unsaid)
    return PairScore(dimensions, failures)


def no_score() -> PairScore:
    """What a prediction that is not there has: 0 in every dimension, also in those of which the
    reference does not speak."""
    return PairScore({name: DimensionScore(0.0, 0.0, 0.0) for name in DIMENSIONS})


def boxed_entities(content: Content) -> int:
    """How many entities of a content have a box."""
    return len({at.entity for at in content.locations})


def _says_anything(content: Content) -> bool:
    return bool(
        content.entities
        or content.locations
        or content.attributes
        or content.relations
        or content.globals
    )


def _right_items(
    content: Content, answers: Mapping[int, Answer]
) -> dict[AskedDimension, tuple[int, int]]:
    """How many items of each dimension are right, and how many there are."""
    counts = (len(content.attributes), len(content.relations), len(content.globals))
    right = {}
    first = first_item_id(content)
    for name, count in zip(ASKED, counts, strict=True):
        found = sum(1 for id in range(first, first + count) if id in answers and answers[id].right)
        right[name] = (found, count)
        first += count
    return right


@dataclass
class MeanScore:
    """The mean of pairs, added one by one: F-scores are averaged over images, as published."""

    pairs: int = 0
    failures: int = 0
    _sums: dict[Dimension, list[float]] = field(
        default_factory=lambda: {name: [0.0, 0.0, 0.0] for name in DIMENSIONS}, repr=False
    )

    def add(self, score: PairScore) -> None:
        """Counts one pair."""
        self.pairs += 1
        self.failures += score.failures
        for name in DIMENSIONS:
            one = score.dimensions[name]
            sums = self._sums[name]
            sums[0] += one.precision
            sums[1] += one.recall
            sums[2] += one.f1

    @property
    def dimensions(self) -> dict[Dimension, DimensionScore]:
        """The means of each dimension; all 0 where no pair was added."""
        count = self.pairs or 1
        return {
            name: DimensionScore(sums[0] / count, sums[1] / count, sums[2] / count)
            for name, sums in self._sums.items()
        }

    @property
    def overall(self) -> float:
        """The mean score, 0 to 4.1."""
        return PairScore(self.dimensions).overall
