"""Says of a grounded caption which of its tags may be used, and what is wrong with the rest.

Strict, where reading (``annoengine.grounded.tags``) is tolerant: an id must exist, the head of its
phrase must fit its category, and every important segment must be mentioned. Not every segment
must, and one may be mentioned in several tags. A phrase that names no thing ("the other one",
"a black one") proves nothing: its tag is used, and it is listed as a doubt.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from annoengine.answer import Fault
from annoengine.categories import words_of
from annoengine.grounded.known_segments import Importance, Known
from annoengine.grounded.phrase_fit import count_of, phrase_fit
from annoengine.grounded.tag_faults import quote
from annoengine.grounded.tags import Tagged
from annoengine.record import Span


@dataclass(frozen=True)
class GroundingFault(Fault):
    """A fault of a grounded caption; ``marks`` are the ids concerned, ``span`` the tag's."""

    span: Span | None = None


@dataclass(frozen=True)
class Judged:
    """What of a grounded caption may be used.

    ``accepted`` are the spans that are right, in the order of the text; ``faults`` what is wrong
    with the others and what is missing; ``doubts`` what could be wrong with accepted ones. A
    caption is right where it has no faults.
    """

    accepted: tuple[Span, ...]
    faults: tuple[GroundingFault, ...] = ()
    doubts: tuple[GroundingFault, ...] = ()

    @property
    def mentioned(self) -> frozenset[int]:
        """The ids of all accepted spans."""
        return frozenset(id for span in self.accepted for id in span.segments)


def judge(tagged: Tagged, known: Known, importance: Importance | None = None) -> Judged:
    """Which tags are right for an image with these segments, and what is wrong.

    ``importance`` says which segments must be mentioned (None: our own bounds). Ids are taken as
    they stand: a caption that counts from 0 is mended before (``annoengine.grounded.mending``).

    >>> from annoengine.grounded.known_segments import KnownSegment
    >>> from annoengine.grounded.tags import parse_tags
    >>> known = {1: KnownSegment(1, "dog"), 2: KnownSegment(2, "grass-merged", isthing=False)}
    >>> judged = judge(parse_tags("<1: A dog> runs on <1: grass>."), known)
    >>> [span.segments for span in judged.accepted], [fault.detail for fault in judged.faults]
    ([(1,)], ['The phrase “grass” is tagged with 1, whose category is dog.', \
'Nothing is tagged with 2.'])
    """
    importance = Importance() if importance is None else importance
    accepted: list[Span] = []
    faults = [
        GroundingFault(fault.kind, fault.ids, fault.detail, _span_of(tagged, fault.span))
        for fault in tagged.open_faults
    ]
    unusable = {fault.span for fault in faults} - {None}
    doubts: list[GroundingFault] = []
    done = 0
    for span in tagged.spans:
        if span in unusable:
            continue
        fault = _fault_of_form(tagged, span, done) or _fault_of_ids(tagged, span, known)
        done = max(done, span.end)
        if fault is None:
            accepted.append(span)
            doubts += _doubts(tagged, span, known)
        else:
            faults.append(fault)
    touched = {id for span in tagged.spans for id in span.segments}
    touched |= {id for fault in faults for id in fault.marks}
    missing = tuple(
        id for id, segment in known.items() if importance.demands(segment) and id not in touched
    )
    if missing and not tagged.spans and not faults:
        faults.append(GroundingFault("untagged", missing, "The caption has no tagged phrase."))
    elif missing:
        detail = f"Nothing is tagged with {_listed(missing, 'or')}."
        faults.append(GroundingFault("missing", missing, detail))
    return Judged(tuple(accepted), tuple(faults), tuple(doubts))


def _span_of(tagged: Tagged, place: int | None) -> Span | None:
    return None if place is None else tagged.spans[place]


def _fault_of_form(tagged: Tagged, span: Span, done: int) -> GroundingFault | None:
    """What no tag could be written of; spans that were read from tags have none of it."""
    phrase = tagged.phrase(span)
    if not phrase.strip():
        detail = f"The tag with {_listed(span.segments)} has no phrase."
        return GroundingFault("empty_phrase", span.segments, detail, span)
    if span.start < done:
        detail = f"The phrase “{quote(phrase)}” overlaps the one before it."
        return GroundingFault("nested", span.segments, detail, span)
    if "<" in phrase or ">" in phrase:
        detail = f"The phrase “{quote(phrase)}” has a bracket in it."
        return GroundingFault("stray_bracket", span.segments, detail, span)
    if not span.segments:
        return GroundingFault("no_id", (), f"The phrase “{quote(phrase)}” has no id.", span)
    return None


def _fault_of_ids(tagged: Tagged, span: Span, known: Known) -> GroundingFault | None:
    phrase = tagged.phrase(span)
    said = f"The phrase “{quote(phrase)}” is tagged with"
    if 0 in span.segments:
        detail = f"{said} 0, which stands for no segment."
        return GroundingFault("void", span.segments, detail, span)
    unknown = [id for id in span.segments if id not in known]
    if unknown:
        detail = f"{said} {_listed(unknown)}, which the image does not have."
        return GroundingFault("unknown_id", span.segments, detail, span)
    other = [id for id in span.segments if phrase_fit(phrase, known[id].category) == "other"]
    if not other:
        return None
    shown = dict.fromkeys(words_of(known[id].category).show for id in other)
    which = (
        f"whose category is {next(iter(shown))}" if len(shown) == 1 else "which are other things"
    )
    detail = f"{said} {_listed(other)}, {which}."
    kind = "category" if len(other) == len(span.segments) else "group"
    return GroundingFault(kind, span.segments, detail, span)


def _doubts(tagged: Tagged, span: Span, known: Known) -> list[GroundingFault]:
    phrase, ids = tagged.phrase(span), span.segments
    doubts: list[GroundingFault] = []
    if any(phrase_fit(phrase, known[id].category) == "unclear" for id in ids):
        detail = f"The phrase “{quote(phrase)}” does not say what {_listed(ids)} is."
        doubts.append(GroundingFault("unclear", ids, detail, span))
    count = count_of(phrase)
    if count is not None and count != len(ids) and not any(known[id].iscrowd for id in ids):
        detail = f"The phrase “{quote(phrase)}” speaks of {count}, its tag of {len(ids)}."
        doubts.append(GroundingFault("count", ids, detail, span))
    return doubts


def _listed(ids: Iterable[int], word: str = "and") -> str:
    *first, last = map(str, ids)
    return f"{', '.join(first)} {word} {last}" if first else last
