"""A grounded paragraph as the content of an answer, and what a judge expects and says of one.

These extend the values of ``annoengine.answer``, so that whatever asks, counts and asks again
needs to know nothing of tags; a stage that merges finds the paragraph itself here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from annoengine.answer import Answer, Expected, Grammar, Judgement, Parsed, Region
from annoengine.grounded.judging import GroundingFault
from annoengine.grounded.known_segments import Importance, KnownSegment, known_by_mark
from annoengine.grounded.numbering import Numbering
from annoengine.grounded.tags import Tagged
from annoengine.record import Record, Span


@dataclass(frozen=True)
class Paragraph(Answer):
    """An answer that is one grounded paragraph; ``regions`` are its phrases, id by id."""

    tagged: Tagged = field(default_factory=lambda: Tagged(""))


def paragraph_of(tagged: Tagged) -> Paragraph:
    """The paragraph with its phrases as regions: of each id the first, without a summary."""
    phrases: dict[int, Region] = {}
    for span in tagged.spans:
        for id in span.segments:
            phrases.setdefault(id, Region(id, "", tagged.phrase(span)))
    return Paragraph(regions=tuple(phrases.values()), tagged=tagged)


@dataclass(frozen=True)
class ExpectedSegment(Expected):
    """A mark that a paragraph may speak of, with what says whether it must."""

    isthing: bool = True
    iscrowd: bool = False
    area_share: float = 1.0

    @property
    def known(self) -> KnownSegment:
        """The same for the judge of grounded captions."""
        return KnownSegment(self.mark, self.category, self.isthing, self.iscrowd, self.area_share)


def expected_of(record: Record) -> tuple[ExpectedSegment, ...]:
    """All marked segments of a record, by number."""
    known = known_by_mark(record)
    return tuple(
        ExpectedSegment(k.id, k.category, k.isthing, k.iscrowd, k.area_share)
        for _, k in sorted(known.items())
    )


@dataclass(frozen=True)
class GroundedJudgement(Judgement):
    """What of a paragraph may be used; ``accepted`` has the first right phrase of each mark.

    ``tagged`` is the paragraph after mending, with its right spans alone: what a Caption takes
    over once the marks' numbers are mapped to segments (:func:`spans_of_segments`). ``mends`` are
    the rules that were needed, ``doubts`` what may be wrong with right spans.
    """

    tagged: Tagged = field(default_factory=lambda: Tagged(""))
    numbering: Numbering | None = None
    mends: tuple[GroundingFault, ...] = ()
    doubts: tuple[GroundingFault, ...] = ()

    @property
    def right(self) -> bool:
        """May the whole paragraph be used, with nothing to ask for again?"""
        return not self.faults and bool(self.tagged.text)


@runtime_checkable
class ParagraphGrammar(Grammar, Protocol):
    """A grammar whose answers are grounded paragraphs."""

    def judge_paragraph(
        self, parsed: Parsed, expected: tuple[Expected, ...], importance: Importance
    ) -> GroundedJudgement:
        """Like ``judge``; ``importance`` says which marks must be mentioned."""
        ...


def spans_of_segments(tagged: Tagged, record: Record) -> tuple[Span, ...]:
    """The spans with ids of segments for the marks' numbers that a model saw.

    Raises KeyError for a number that is no mark of the record.
    """
    segments = {mark.number: mark.segment for mark in record.marks}
    return tuple(
        Span(start=span.start, end=span.end, segments=tuple(segments[i] for i in span.segments))
        for span in tagged.spans
    )
