"""Finds out from which number a grounded caption counts the segments of its image.

Ids in a caption are those of the masks, from 1 on. Some published captions count from 0, since
their writers saw marks from 0, and neither their syntax nor an id 0 alone proves it (some tags of
captions from 1 say 0 as well): only whether phrases fit the categories of their segments does.
Each phrase speaks for or against each way of counting; where they do not clearly prefer another
one, nothing is changed. A caption that nothing contradicts as it stands is never changed.

Source: arXiv 2502.02589, Fig. 9 to 13 (from 0, with colons); the discussions of the dataset
xdeng77/coconut_pancap on Hugging Face (tags with a colon mostly from 1, those without from 0).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from annoengine.categories import Fit
from annoengine.grounded.known_segments import Known
from annoengine.grounded.phrase_fit import phrase_fit
from annoengine.grounded.tags import Tagged
from annoengine.record import Span

Base = Literal[0, 1, 2, "undetermined"]
"""The number that a caption gives to segment 1. 2: its ids are all one too high."""

CLEAR_MARGIN = 4
"""How far ahead another way of counting must be: two ids that fit instead of contradicting."""

ZERO_MARGIN = 2
"""The same where a phrase with the id 0 fits segment 1, and every segment is named from 0 on."""

NOISE = 0.1
"""The share of ids that may contradict another way of counting: some are simply wrong."""


@dataclass(frozen=True)
class Evidence:
    """How many ids of a caption fit their segments by their phrases, and how many cannot."""

    fitting: int
    against: int

    @property
    def score(self) -> int:
        """Above 0 where more fits than not."""
        return self.fitting - self.against


def evidence(
    tagged: Tagged, known: Known, base: Literal[0, 1, 2], spans: Collection[Span] | None = None
) -> Evidence:
    """What phrases say to counting from ``base``; each id counts once, whatever its phrases.

    Against it are ids that the image does not have, and those with a phrase that names another
    category. Once, since a mere slip (a 0 for every background) may be repeated.
    """
    verdicts: dict[int, set[Fit]] = {}
    for span in tagged.spans if spans is None else spans:
        for id in (written + 1 - base for written in span.segments):
            fit = phrase_fit(tagged.phrase(span), known[id].category) if id in known else "other"
            verdicts.setdefault(id, set()).add(fit)
    against = sum("other" in found for found in verdicts.values())
    fitting = sum("fits" in found and "other" not in found for found in verdicts.values())
    return Evidence(fitting, against)


def base_of(tagged: Tagged, known: Known, spans: Collection[Span] | None = None) -> Base:
    """From which number a caption (or some of its spans) counts, by the fit of its phrases.

    >>> from annoengine.grounded.known_segments import KnownSegment
    >>> from annoengine.grounded.tags import parse_tags
    >>> known = {1: KnownSegment(1, "sky-other-merged"), 2: KnownSegment(2, "dog")}
    >>> base_of(parse_tags("<1: A dog> below <0: the sky>."), known)
    0
    >>> base_of(parse_tags("<2: A dog>."), known), base_of(parse_tags("<1: A dog>."), known)
    (1, 'undetermined')
    """
    spans = tagged.spans if spans is None else spans
    as_it_stands = evidence(tagged, known, 1, spans)
    if not as_it_stands.against:
        return 1
    others = {base: evidence(tagged, known, base, spans) for base in _OTHERS}
    better = [base for base in _OTHERS if _beats(tagged, known, base, others[base], spans)]
    if len(better) == 1:
        return better[0]
    best = max(found.score for found in others.values())
    return 1 if not better and as_it_stands.score - best >= CLEAR_MARGIN else "undetermined"


_OTHERS: tuple[Literal[0, 2], ...] = (0, 2)


def _beats(
    tagged: Tagged, known: Known, base: Literal[0, 2], found: Evidence, spans: Collection[Span]
) -> bool:
    """Is another way of counting clearly better than the caption as it stands?"""
    margin = found.score - evidence(tagged, known, 1, spans).score
    if found.against:
        noise = found.against / (found.fitting + found.against)
        return margin >= CLEAR_MARGIN and noise <= NOISE
    if base == 0 and _is_whole_from_zero(tagged, known, spans):
        return margin >= ZERO_MARGIN
    return margin >= CLEAR_MARGIN


def _is_whole_from_zero(tagged: Tagged, known: Known, spans: Collection[Span]) -> bool:
    """Does a phrase with the id 0 fit segment 1, and is every segment named, counting from 0?

    Without the second, a 0 among ids that all fit as they stand may be a mere slip.
    """
    named = {id + 1 for span in spans for id in span.segments}
    whole = all(id in named for id, segment in known.items() if not segment.iscrowd)
    return whole and any(
        0 in span.segments and phrase_fit(tagged.phrase(span), known[1].category) == "fits"
        for span in spans
        if 1 in known
    )


@dataclass(frozen=True)
class Numbering:
    """From which numbers a caption counts; ``without_colon`` differs where it mixes two ways."""

    base: Base
    without_colon: Base

    @property
    def undetermined(self) -> bool:
        """Is there a part of which it cannot be told?"""
        return "undetermined" in (self.base, self.without_colon)


def numbering_of(tagged: Tagged, known: Known) -> Numbering:
    """From which numbers a caption counts, its tags without a colon apart where that helps.

    Some published captions mix both forms, those without a colon counting from 0.
    """
    whole = base_of(tagged, known)
    bare = spans_without_colon(tagged)
    rest = [span for span in tagged.spans if span not in bare]
    if not bare or not rest:
        return Numbering(whole, whole)
    if whole != "undetermined" and not evidence(tagged, known, whole).against:
        return Numbering(whole, whole)
    apart = Numbering(base_of(tagged, known, rest), base_of(tagged, known, bare))
    return Numbering(whole, whole) if apart.undetermined and whole != "undetermined" else apart


def spans_without_colon(tagged: Tagged) -> list[Span]:
    """The spans whose tags had no colon."""
    places = {fault.span for fault in tagged.faults if fault.kind == "no_colon"}
    return [span for place, span in enumerate(tagged.spans) if place in places]
