"""An answer grammar: how a model is told to answer, how that is parsed, and what is wrong with it.

Parsing and judging are apart on purpose: ``parse`` is tolerant and knows nothing of the record,
``judge`` is strict and compares with what was asked. Both are pure, so that stored raw answers
can be read again by a better grammar for nothing. Kinds live in ``annoengine/answers/``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Protocol, runtime_checkable


@dataclass(frozen=True)
class Region:
    """What an answer says of one mark: a short summary and the description."""

    mark: int
    summary: str
    description: str


@dataclass(frozen=True)
class Interaction:
    """What an answer says goes on between marks; the first one acts."""

    marks: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class Answer:
    """The neutral content of an answer, whatever grammar it is written in."""

    regions: tuple[Region, ...] = ()
    interactions: tuple[Interaction, ...] = ()


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an answer.

    ``kind`` is a slug that the account counts by; ``marks`` the marks that it concerns (empty:
    the whole answer); ``detail`` a sentence that can be quoted to the model when it is asked
    again.
    """

    kind: str
    marks: tuple[int, ...]
    detail: str


@dataclass(frozen=True)
class Parsed:
    """What ``parse`` made of a text: its content, and the faults of form seen on the way.

    ``tolerated`` names the deviations that were read without loss (``bold``, ``bullets``, …).
    """

    answer: Answer
    faults: tuple[Fault, ...] = ()
    tolerated: tuple[str, ...] = ()


@dataclass(frozen=True)
class Expected:
    """One mark that was asked for: its number and its dataset category's name."""

    mark: int
    category: str


@dataclass(frozen=True)
class Judgement:
    """What of an answer may be used: one region for each accepted mark, and what is wrong.

    Every expected mark is either a key of ``accepted`` or named by at least one fault.
    ``doubtful`` has the regions of faulty marks that are right but for their wording (they speak
    of the marks): worth asking again, and worth keeping where nothing better comes.
    """

    accepted: dict[int, Region]
    interactions: tuple[Interaction, ...]
    faults: tuple[Fault, ...] = ()
    tolerated: tuple[str, ...] = ()
    doubtful: dict[int, Region] = field(default_factory=dict)

    def faulty_marks(self, expected: tuple[Expected, ...]) -> tuple[int, ...]:
        """The expected marks that have no accepted region, in the order asked."""
        return tuple(e.mark for e in expected if e.mark not in self.accepted)


class Grammar(Protocol):
    """One way for a model to answer.

    ``VERSION`` goes up with every change of what parse or judge makes of some text; it is part
    of the fingerprint of each stage that uses the grammar, never of a call's key.
    """

    VERSION: ClassVar[int]

    def write(self, answer: Answer) -> str:
        """The answer in the grammar's own ideal form; ``parse(write(x)).answer == x``."""
        ...

    def parse(self, text: str) -> Parsed:
        """The content of a model's text, read tolerantly. Never raises on any text."""
        ...

    def judge(self, parsed: Parsed, expected: tuple[Expected, ...]) -> Judgement:
        """What may be used of it, strictly: each expected mark once, fitting its category."""
        ...


@runtime_checkable
class InteractionGrammar(Grammar, Protocol):
    """A grammar in which interactions can also be asked for alone."""

    def parse_interactions(self, text: str) -> Parsed:
        """Like ``parse``, for the answer to a question about interactions only."""
        ...


def broken_off(parsed: Parsed, text: str) -> Parsed:
    """An answer that reached its limit of tokens: what stands last is not whole.

    Unless it ends with a sentence, or the grammar saw it already.
    """
    if any(fault.kind == "truncated" for fault in parsed.faults):
        return parsed
    if text.rstrip().rstrip("*_`\"'”’)").endswith((".", "!", "?", ";")):
        return parsed
    answer = parsed.answer
    if answer.interactions:
        kept = Answer(answer.regions, answer.interactions[:-1])
        fault = Fault("truncated", (), "The answer broke off in its last interaction.")
        return replace(parsed, answer=kept, faults=(*parsed.faults, fault))
    if not answer.regions:
        return parsed
    mark = answer.regions[-1].mark
    fault = Fault("truncated", (mark,), f"The description of object {mark} broke off.")
    return replace(parsed, faults=(*parsed.faults, fault))
