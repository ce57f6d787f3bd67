"""Whether a model's paragraph may be used as a caption, what is wrong with it, and how good it is.

The grammar says which tags are right. Here its verdict is seen with the bounds of a stage: a
paragraph without one right tag, of too few or too many words, broken off, or one of which nobody
can tell from which number it counts, is of no use; any other is, with what is right of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from annoengine.answer import Fault
from annoengine.grounded.known_segments import Importance
from annoengine.grounded.paragraph import ExpectedSegment, GroundedJudgement
from annoengine.grounded.tags import write_tags

HOPELESS = frozenset({"refusal", "empty", "language", "truncated", "undetermined", "unwritable"})
"""Kinds of faults for which a paragraph cannot be kept, whoever would like to."""

USELESS = HOPELESS | {"short", "long"}
"""Kinds of faults for which it is of no use."""

_SENTENCE_END = (".", "!", "?")


@dataclass(frozen=True)
class Assessed:
    """A judged paragraph. ``faults`` are to be quoted when it is asked for again.

    ``useless`` is the kind of the fault for which it cannot be used at all, empty where it can.
    ``coverage`` is the share of the segments that must be mentioned which are, 1 where none must.
    """

    judgement: GroundedJudgement
    faults: tuple[Fault, ...]
    useless: str
    words: int
    coverage: float

    @property
    def may_be_kept(self) -> bool:
        """Could one do with it, if need be: is it no more than untagged, short or long?"""
        return not any(fault.kind in HOPELESS for fault in self.faults)

    @property
    def rank(self) -> tuple[bool, int, float]:
        """The better the smaller: usable first, then fewer faults, then more that is covered."""
        return (bool(self.useless), len(self.faults), -self.coverage)


def assess(
    judgement: GroundedJudgement,
    expected: tuple[ExpectedSegment, ...],
    importance: Importance,
    least_words: int,
    most_words: int,
    cut_short: bool = False,
) -> Assessed:
    """What a judged paragraph is worth; ``cut_short``: its answer ended at a limit of tokens."""
    text = judgement.tagged.text
    words = len(text.split())
    faults = list(judgement.faults)
    kinds = {fault.kind for fault in faults}
    if judgement.numbering is not None and judgement.numbering.undetermined:
        # Tags that seem right may be so by chance, and nobody can tell which.
        detail = "The ids seem to be counted from another number than those of the regions."
        faults.append(Fault("undetermined", (), detail))
    if cut_short and not text.rstrip("\"'”’) ").endswith(_SENTENCE_END):
        faults.append(Fault("truncated", (), "The paragraph broke off before its end."))
    try:
        write_tags(text, judgement.tagged.spans)
    except ValueError as error:
        faults.append(Fault("unwritable", (), f"The tags cannot be written: {error}."))
    if words < least_words and not kinds & HOPELESS:
        detail = f"The paragraph has {words} words; it must have {least_words} or more."
        faults.append(Fault("short", (), detail))
    if words > most_words:
        detail = f"The paragraph has {words} words; it may have no more than {most_words}."
        faults.append(Fault("long", (), detail))
    useless = next((fault.kind for fault in faults if fault.kind in USELESS), "")
    if not useless and not judgement.tagged.spans:
        useless = "untagged"
    demanded = {e.mark for e in expected if importance.demands(e.known)}
    mentioned = {id for span in judgement.tagged.spans for id in span.segments}
    coverage = len(demanded & mentioned) / len(demanded) if demanded else 1.0
    return Assessed(judgement, tuple(faults), useless, words, round(coverage, 4))
