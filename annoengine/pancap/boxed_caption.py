"""A caption of the whole image with boxes behind its phrases, as the content of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from annoengine.answer import Answer, Expected, Grammar, Judgement, Parsed
from annoengine.pancap.caption_boxes import Grid
from annoengine.pancap.content import BoxUnit
from annoengine.record import Span

Numbers = tuple[float, ...]
"""Four numbers as they were written; what they count is seen from all of them together."""


@dataclass(frozen=True)
class BoxPlace:
    """A box that stands behind the phrase which ends at ``at``."""

    at: int
    numbers: Numbers


@dataclass(frozen=True)
class BoxedCaption(Answer):
    """An answer that is one caption: clean prose, and its boxes in the order of the text."""

    text: str = ""
    places: tuple[BoxPlace, ...] = ()


@dataclass(frozen=True)
class ExpectedEntity(Expected):
    """An entity that the caption must tell: its number, its tag, and where it is.

    ``size_wh`` is the image's, in which pixels count.
    """

    box: BoxUnit = (0.0, 0.0, 1.0, 1.0)
    size_wh: tuple[int, int] = (1000, 1000)


@dataclass(frozen=True)
class BoxedJudgement(Judgement):
    """What of a caption may be used; ``accepted`` has the first phrase of each entity.

    ``spans`` are its phrases over ``text``, with the entities' numbers; ``grid`` is what the
    numbers of its boxes were taken to count.
    """

    text: str = ""
    spans: tuple[Span, ...] = ()
    grid: Grid = "shares"
    invented: int = 0
    moved: int = 0
    told: frozenset[int] = field(default_factory=frozenset)


@runtime_checkable
class BoxedGrammar(Grammar, Protocol):
    """A grammar whose answers are captions with boxes."""

    def judge_caption(
        self, parsed: Parsed, expected: tuple[Expected, ...], least_iou: float
    ) -> BoxedJudgement:
        """Like ``judge``; ``least_iou`` is how far a box must lie on its entity's."""
        ...
