"""Mends what leaves one reading only: the form of tags, a caption's counting, a glued number.

What it cannot mend stays as it is and is said: nothing is guessed, and nothing is taken out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from annoengine.grounded.judging import GroundingFault, Judged, judge
from annoengine.grounded.known_segments import Importance, Known
from annoengine.grounded.numbering import Numbering, numbering_of, spans_without_colon
from annoengine.grounded.phrase_fit import phrase_fit
from annoengine.grounded.tag_faults import quote
from annoengine.grounded.tags import Tagged, parse_tags, write_tags
from annoengine.record import Span

_GLUED = re.compile(r"(\d+)\s*(?=\D)")


@dataclass(frozen=True)
class Mended:
    """A caption after mending: its spans as they should be, what was done, and what is left.

    ``mends`` tells each change; ``judged`` is about the mended caption.
    """

    tagged: Tagged
    numbering: Numbering
    mends: tuple[GroundingFault, ...]
    judged: Judged

    @property
    def right(self) -> bool:
        """Is nothing wrong with it any more?"""
        return not self.judged.faults

    def write(self) -> str:
        """The caption with its tags. Raises ValueError where it has what cannot be written."""
        return write_tags(self.tagged.text, self.tagged.spans)


def mend(
    caption: str | Tagged, known: Known, importance: Importance | None = None
) -> Mended:  # fmt: skip
    """The caption with all mended that can be, for an image with these segments.

    >>> from annoengine.grounded.known_segments import KnownSegment
    >>> known = {1: KnownSegment(1, "sky-other-merged"), 2: KnownSegment(2, "dog")}
    >>> mended = mend("<1>a dog> below < 0:the sky >", known)
    >>> mended.write(), mended.right
    ('<2: a dog> below <1: the sky>', True)
    """
    tagged = parse_tags(caption) if isinstance(caption, str) else caption
    mends = [
        GroundingFault(
            fault.kind,
            fault.ids,
            fault.detail,
            None if fault.span is None else tagged.spans[fault.span],
        )
        for fault in tagged.faults
        if fault.mended
    ]
    numbering = numbering_of(tagged, known)
    tagged, renumbered = _renumbered(tagged, numbering)
    tagged, unglued = _unglued(tagged, known, numbering)
    return Mended(
        tagged, numbering, (*mends, *renumbered, *unglued), judge(tagged, known, importance)
    )


def _shift(base: object) -> int:
    return 1 - base if isinstance(base, int) else 0


def _renumbered(tagged: Tagged, numbering: Numbering) -> tuple[Tagged, list[GroundingFault]]:
    bare = spans_without_colon(tagged)
    shifts = [
        _shift(numbering.without_colon if span in bare else numbering.base) for span in tagged.spans
    ]
    spans = tuple(
        Span(start=span.start, end=span.end, segments=tuple(id + shift for id in span.segments))
        for span, shift in zip(tagged.spans, shifts, strict=True)
    )
    told: dict[int, list[int]] = {}
    for span, shift in zip(tagged.spans, shifts, strict=True):
        if shift:
            told.setdefault(shift, []).extend(span.segments)
    mends = [
        GroundingFault(
            "numbering",
            tuple(dict.fromkeys(ids)),
            f"The ids count from {1 - shift}: each is {abs(shift)} too {_WAY[shift]}.",
        )
        for shift, ids in told.items()
    ]
    return replace(tagged, spans=spans), mends


_WAY = {1: "low", -1: "high"}


def _unglued(
    tagged: Tagged, known: Known, numbering: Numbering
) -> tuple[Tagged, list[GroundingFault]]:
    """``<9:11skateboard>`` as ``<9,11: skateboard>``, where the phrase fits both segments."""
    mends: list[GroundingFault] = []
    for fault in [fault for fault in tagged.faults if fault.kind == "glued_number"]:
        place = fault.span
        span = None if place is None else tagged.spans[place]
        found = None if span is None else _GLUED.match(tagged.phrase(span))
        if place is None or span is None or found is None:
            continue
        id = int(found[1]) + _shift(numbering.base)
        ids = tuple(dict.fromkeys((*span.segments, id)))
        words = tagged.phrase(span)[found.end() :]
        if any(i not in known or phrase_fit(words, known[i].category) != "fits" for i in ids):
            continue
        cut = found.end()
        after = tuple(
            Span(start=other.start - cut, end=other.end - cut, segments=other.segments)
            for other in tagged.spans[place + 1 :]
        )
        mended = Span(start=span.start, end=span.end - cut, segments=ids)
        faults = tuple(other for other in tagged.faults if other is not fault)
        text = tagged.text[: span.start] + tagged.text[span.start + cut :]
        tagged = Tagged(text, (*tagged.spans[:place], mended, *after), faults)
        detail = f"The id {id} was stuck to the phrase “{quote(words)}”."
        mends.append(GroundingFault("glued_number", ids, detail, mended))
    return tagged, mends
