"""Checks one grounded caption beside the segments of its image, and mends what leaves no choice.

A pure function over a picklable task, so that all cores take part. A caption is written anew only
where something is wrong that a rule mends; a mere space that every reader allows is none. What is
wrong and stays open keeps its sentence as it was, byte by byte, so that nothing is lost that a
person needs to mend it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from annoengine.checks.caption_checks import CAPTION_EMPTY, CAPTION_MALFORMED, faults_of_caption
from annoengine.checks.panoptic_checks import CHECK_DIED
from annoengine.checks.segment_index import PackedSegment, known_segments
from annoengine.checks.tag_codes import (
    CAPTION_UNTAGGED,
    GROUP_CATEGORY,
    ID_CATEGORY,
    ID_VOID,
    ID_WITHOUT_PIXELS,
    IDS_FROM_TWO,
    IDS_FROM_ZERO,
    IDS_UNDETERMINED,
    OF_JUDGEMENT,
    OTHER_IMAGE,
    TAG_SPACES,
    code_of_tag,
)
from annoengine.checks.tag_writing import written_sentences, written_tags
from annoengine.grounded.judging import GroundingFault
from annoengine.grounded.known_segments import NONE_DEMANDED, Known
from annoengine.grounded.mending import Mended, mend
from annoengine.grounded.numbering import Evidence, Numbering, evidence, numbering_of
from annoengine.grounded.tags import Tagged, parse_tags
from annoengine.validator import Code, Finding, Place, Rules

LEAST_AGAINST, TIMES_AGAINST = 3, 3
"""So many ids must contradict a caption, and so many times those that fit it, however it counts,
before it is suspected to be another image's. Of 2,000 made captions none is suspected of its own
image, and of as many on another's nine in ten are."""


_BASES: tuple[Literal[0, 1, 2], ...] = (1, 0, 2)


@dataclass(frozen=True)
class PancapContext:
    """What the captions of a store have in common; ``categories`` are by place."""

    file: str
    rules: Rules
    categories: Sequence[str] = ()
    mendable: bool = True


@dataclass(frozen=True)
class PancapTask:
    """One caption, and its image's segments; None where nobody knows them."""

    context: PancapContext
    place: Place
    data: bytes | None
    segments: tuple[PackedSegment, ...] | None
    before: list[Finding] = field(default_factory=list)


@dataclass(frozen=True)
class PancapReport:
    """What was found; ``after`` are the mended bytes, and ``what`` each change, kind and sentence.

    ``strange`` tells that no id of the caption is its image's.
    """

    findings: list[Finding]
    after: bytes | None = None
    what: tuple[tuple[str, str], ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    strange: bool = False


def check_caption(task: PancapTask) -> PancapReport:
    """Everything about one caption, in the order of its text."""
    if task.data is None:
        message = "it is too large to be one"
        return PancapReport([*task.before, CAPTION_MALFORMED.at(task.place, message)])
    try:
        text = task.data.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8"
        return PancapReport([*task.before, CAPTION_MALFORMED.at(task.place, message)])
    if not text.strip():
        message = "the file has no words" if text else "the file is empty"
        return PancapReport([*task.before, CAPTION_EMPTY.at(task.place, message)])
    return _Checking(task, text).report()


def died(task: PancapTask, why: str) -> PancapReport:
    """The report on a caption whose check killed its process."""
    return PancapReport([*task.before, CHECK_DIED.at(task.place, why)])


class _Written(NamedTuple):
    """A caption that was written anew, and what it is read as then."""

    raw: str
    tagged: Tagged


class _Checking:
    """One caption under check."""

    def __init__(self, task: PancapTask, text: str) -> None:
        self._task = task
        self._text = text
        self._findings = list(task.before)
        self._tagged = parse_tags(text)

    def report(self) -> PancapReport:
        context, segments = self._task.context, self._task.segments
        mended: Mended | None = None
        known: Known = {}
        if segments is not None:
            known = known_segments(segments, context.categories)
            mended = mend(self._tagged, known, NONE_DEMANDED)
        again = self._again(mended, known) if context.mendable else None
        what = self._find_tags(mended, again)
        if mended is not None and segments is not None:
            self._find_ids(mended, known, segments, again is not None)
        else:
            self._find_void()
        for code, message in faults_of_caption(
            self._tagged.text, len(segments or ()) or 1 << 20, context.rules.min_caption_chars
        ):
            self._find(code, message)
        ids = {id for span in self._tagged.spans for id in span.segments}
        return PancapReport(
            self._findings,
            None if again is None else again.raw.encode("utf-8"),
            what,
            {"captions": 1, "phrases": len(self._tagged.spans), "ids": len(ids)},
            segments is not None and bool(ids) and not ids & known.keys(),
        )

    def _find(
        self, code: Code, message: str, segment: int | None = None, fixable: bool = False
    ) -> None:
        self._findings.append(code.at(self._task.place, message, segment, fixable))

    def _again(self, mended: Mended | None, known: Known) -> _Written | None:
        """The caption as it is written anew; None where it has to stay as it is."""
        tagged = self._tagged if mended is None else mended.tagged
        others = _other_mends(mended)
        faults = [fault for fault in self._tagged.faults if fault.mended]
        if not others and all(code_of_tag(fault) is TAG_SPACES for fault in faults):
            return None
        if mended is not None and mended.numbering.undetermined and _has_bare_ids(self._tagged):
            # A missing colon is a hint at how the ids count, and must not go while that is open.
            return None
        text: str | None
        if tagged.open_faults or "<" in tagged.text or ">" in tagged.text:
            text = None
            if not any(kind == "glued_number" for kind, _ in others):
                text = written_sentences(self._text, self._tagged, tagged.spans)
        else:
            text = written_tags(tagged.text, tagged.spans)
        if text is None or text == self._text:
            return None
        again = parse_tags(text)
        if (again.text, again.spans) != (tagged.text, tagged.spans):
            return None
        if mended is not None and _shifts(numbering_of(again, known)):
            return None
        return _Written(text, again)

    def _find_tags(
        self, mended: Mended | None, again: _Written | None
    ) -> tuple[tuple[str, str], ...]:
        """Faults of form; gives what is changed, each kind with a sentence."""
        others = _other_mends(mended)
        unglued = sum(kind == "glued_number" for kind, _ in others)
        left = Counter((f.kind, f.words) for f in again.tagged.faults) if again else Counter()
        what: list[tuple[str, str]] = []
        for fault in self._tagged.faults:
            mends = again is not None and fault.mended
            if again is not None and fault.kind == "glued_number" and unglued:
                unglued -= 1
                mends = True
            elif left[fault.kind, fault.words]:
                left[fault.kind, fault.words] -= 1
                mends = False
            elif mends:
                what.append((fault.kind, fault.detail))
            self._find(code_of_tag(fault), fault.detail, fault.ids[0] if fault.ids else None, mends)
        if not self._tagged.spans and not self._tagged.open_faults:
            self._find(CAPTION_UNTAGGED, "no phrase of it is tagged")
        return (*what, *others) if again is not None else ()

    def _find_void(self) -> None:
        """Without the segments an id 0 says that something is wrong, but not what."""
        for span in self._tagged.spans:
            if 0 in span.segments:
                phrase = self._tagged.phrase(span)
                message = f"the phrase “{phrase}” is tagged with 0: void, or counted from 0"
                self._find(ID_VOID, message, 0)

    def _find_ids(
        self,
        mended: Mended,
        known: Known,
        segments: Sequence[PackedSegment],
        is_mended: bool,
    ) -> None:
        numbering, judged = mended.numbering, mended.judged
        suspicion = ""
        if judged.faults and not _shifts(numbering):
            suspicion = _suspicion(self._tagged, known)
        if suspicion:
            self._find(OTHER_IMAGE, suspicion)
        for base, code in ((0, IDS_FROM_ZERO), (2, IDS_FROM_TWO)):
            if base in (numbering.base, numbering.without_colon):
                self._find(code, self._count_words(numbering, known, base), None, is_mended)
        if numbering.undetermined and not suspicion:
            self._find(IDS_UNDETERMINED, _fit_words(self._tagged, known))
        for fault in (*judged.faults, *judged.doubts):
            of_ids = OF_JUDGEMENT.get(fault.kind)
            if of_ids is None or (suspicion and of_ids in (ID_CATEGORY, GROUP_CATEGORY)):
                continue
            self._find(of_ids, fault.detail, _named_id(fault, known))
        absent = {segment.id for segment in segments if segment.is_absent}
        for span in mended.tagged.spans if absent else ():
            for id in absent & set(span.segments):
                phrase = mended.tagged.phrase(span)
                self._find(ID_WITHOUT_PIXELS, f"no pixel shows what “{phrase}” is tagged with", id)

    def _count_words(self, numbering: Numbering, known: Known, base: int) -> str:
        part = ""
        if numbering.base != numbering.without_colon:
            part = "of its tags without a colon " if base == numbering.without_colon else ""
            part = part or "of its tags with a colon "
        return f"the ids {part}count from {base}; {_fit_words(self._tagged, known)}"


def _other_mends(mended: Mended | None) -> tuple[tuple[str, str], ...]:
    """What is mended beside the form of tags: how the caption counts, numbers stuck to words."""
    kinds = ("numbering", "glued_number")
    return tuple((m.kind, m.detail) for m in mended.mends if m.kind in kinds) if mended else ()


def _has_bare_ids(tagged: Tagged) -> bool:
    return any(fault.kind == "no_colon" for fault in tagged.faults)


def _shifts(numbering: Numbering) -> bool:
    return any(base in (0, 2) for base in (numbering.base, numbering.without_colon))


def _suspicion(tagged: Tagged, known: Known) -> str:
    """Why a caption seems to be another image's, or ""."""
    found: list[Evidence] = []
    for base in _BASES:
        found.append(evidence(tagged, known, base))
        if found[-1].against < max(LEAST_AGAINST, TIMES_AGAINST * found[-1].fitting):
            return ""
    return (
        f"{found[0].against} of its ids do not fit its image, {found[0].fitting} do; "
        "counting from 0 or 2 helps no more"
    )


def _fit_words(tagged: Tagged, known: Known) -> str:
    found = {base: evidence(tagged, known, base) for base in (1, 0)}
    return (
        f"{found[1].fitting} fit and {found[1].against} do not as they stand, "
        f"{found[0].fitting} and {found[0].against} counted from 0"
    )


def _named_id(fault: GroundingFault, known: Known) -> int | None:
    """The id that a finding is about: the first that is not there, else the first."""
    strange = [id for id in fault.marks if id not in known]
    return next(iter([*strange, *fault.marks]), None)
