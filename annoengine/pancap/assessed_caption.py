"""Whether a model's caption with boxes may be used, what is wrong with it, and how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.answer import Fault
from annoengine.pancap.boxed_caption import BoxedJudgement, ExpectedEntity

HOPELESS = frozenset({"refusal", "empty", "language", "truncated"})
"""Kinds of faults for which a caption cannot be kept, whoever would like to."""

USELESS = HOPELESS | {"undetermined", "short", "long"}
"""Kinds of faults for which it is of no use."""

_SENTENCE_END = (".", "!", "?")


@dataclass(frozen=True)
class AssessedCaption:
    """A judged caption. ``faults`` are to be quoted when it is asked for again.

    ``useless`` is the kind of the fault for which it cannot be used, empty where it can.
    ``coverage`` is the share of the entities that have a phrase and a box of their own.
    """

    judgement: BoxedJudgement
    faults: tuple[Fault, ...]
    useless: str
    words: int
    coverage: float

    @property
    def may_be_kept(self) -> bool:
        """Could one do with it, if need be: is it no more than without boxes, short or long?"""
        return not any(fault.kind in HOPELESS for fault in self.faults)

    @property
    def rank(self) -> tuple[bool, int, float]:
        """The better the smaller: usable first, then fewer faults, then more entities told."""
        return (bool(self.useless), len(self.faults), -self.coverage)


def assess_caption(
    judgement: BoxedJudgement,
    expected: Sequence[ExpectedEntity],
    bounds: tuple[int, int],
    cut_short: bool = False,
) -> AssessedCaption:
    """What a judged caption is worth.

    ``bounds`` are the fewest and the most words; ``cut_short``: its answer ended at a limit of
    tokens.
    """
    least, most = bounds
    words = len(judgement.text.split())
    faults = list(judgement.faults)
    if cut_short and not judgement.text.rstrip("\"'”’) ").endswith(_SENTENCE_END):
        faults.append(Fault("truncated", (), "The caption broke off before its end."))
    if words < least and not any(fault.kind in HOPELESS for fault in faults):
        detail = f"The caption has {words} words; it must have {least} or more."
        faults.append(Fault("short", (), detail))
    if words > most:
        detail = f"The caption has {words} words; it may have no more than {most}."
        faults.append(Fault("long", (), detail))
    useless = next((fault.kind for fault in faults if fault.kind in USELESS), "")
    told = {mark for span in judgement.spans for mark in span.segments}
    if not useless and not told:
        useless = "without boxes"
    coverage = len(told) / len(expected) if expected else 1.0
    return AssessedCaption(judgement, tuple(faults), useless, words, round(coverage, 4))
