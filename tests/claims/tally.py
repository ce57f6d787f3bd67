"""Counts what a check of captions said about statements whose truth is known.

A statement of a table is judged by what the check said about any part of its words, and about the
same matter: "next to" being supported says nothing of the colour in "next to a red car". It is
contradicted if any of that is, else supported if any of it is, else "cannot tell". The rule is
strict on the check: a true statement is contradicted wrongly whatever the matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from annoengine.claims.caption_claim import Statement
from annoengine.claims.caption_claim import Truth as Verdict
from tests.claims.label_table import NEVER_CONTRADICTED, UNSEEN, Kind, Label

MATTERS: Mapping[str, frozenset[Kind]] = {
    "colour": frozenset({"colour", "part colour"}),
    "position": frozenset({"position", "ordinal", "relation"}),
    "ordinal": frozenset({"ordinal", "position", "size", "relative size"}),
    "size": frozenset({"size", "relative size"}),
    "count": frozenset({"count", "alone"}),
    "number": frozenset({"count", "alone"}),
    "alone": frozenset({"count", "alone"}),
    "relation": frozenset({"relation", "contact"}),
    "contact": frozenset({"contact", "relation"}),
}
"""The kinds of labels that each kind of the check's statements speaks of."""

ANY_MATTER: frozenset[Kind] = UNSEEN
"""Whatever the check says of these, it says of what it cannot see."""


@dataclass(frozen=True)
class Judged:
    """A label, and what the check said about its words; ``by`` are its statements on them."""

    label: Label
    by: tuple[Statement, ...]

    @property
    def verdict(self) -> Verdict:
        """One verdict for the label."""
        truths = {s.truth for s in self.by if self._counts(s)}
        if "contradicted" in truths:
            return "contradicted"
        return "supported" if "supported" in truths else "cannot tell"

    def _counts(self, statement: Statement) -> bool:
        """True where a statement speaks of the label's matter, or contradicts what is true."""
        if statement.truth == "contradicted" and self.label.truth == "true":
            return True
        kind = self.label.kind
        return kind in ANY_MATTER or kind in MATTERS[statement.kind]

    @property
    def rightly_contradicted(self) -> bool:
        """True for a false statement of a decidable kind that was contradicted."""
        kind = self.label.kind
        false = self.label.truth == "false" and kind not in NEVER_CONTRADICTED
        return false and self.verdict == "contradicted"

    @property
    def wrongly_contradicted(self) -> bool:
        """True for a true statement, or one that pixels cannot decide, that was contradicted."""
        bad = self.label.truth == "true" or self.label.kind in NEVER_CONTRADICTED
        return bad and self.verdict == "contradicted"

    @property
    def wrongly_supported(self) -> bool:
        """True for a false statement that was supported."""
        return self.label.truth == "false" and self.verdict == "supported"

    @property
    def wrong(self) -> bool:
        """True where the verdict is plainly not right; "cannot tell" never is wrong."""
        return self.wrongly_contradicted or self.wrongly_supported


def judge(label: Label, statements: Iterable[Statement]) -> Judged:
    """Picks from the statements about the label's caption those that speak of its words.

    Raises ValueError for a statement of a kind that has no line in ``MATTERS``.
    """
    start, end = label.span
    by = tuple(s for s in statements if s.start < end and start < s.end)
    unknown = sorted({statement.kind for statement in by} - set(MATTERS))
    if unknown:
        raise ValueError(f"what statements of the kind {unknown[0]!r} speak of is not in MATTERS")
    return Judged(label, by)


@dataclass(frozen=True)
class Stray:
    """Something that the check contradicts outside the words of all labels of a caption.

    Nothing there was meant to be false, so each is to be looked at; none has a label to count by.
    """

    image: str
    segment: int
    caption: str
    statement: Statement


def strays(labels: Sequence[Label], statements: Iterable[Statement]) -> list[Stray]:
    """The strays of one caption, whose labels are given."""
    spans = [label.span for label in labels]
    first = labels[0]
    return [
        Stray(first.image, first.segment, first.caption, statement)
        for statement in statements
        if statement.truth == "contradicted"
        and not any(statement.start < end and start < statement.end for start, end in spans)
    ]


@dataclass
class Tally:
    """Counts over judged statements, of one kind or of all."""

    judged: list[Judged] = field(default_factory=list)

    def truths(self, truth: str) -> int:
        """How many are labelled so."""
        return sum(one.label.truth == truth for one in self.judged)

    def verdicts(self, verdict: str) -> int:
        """How many were judged so."""
        return sum(one.verdict == verdict for one in self.judged)

    @property
    def rightly_contradicted(self) -> int:
        return sum(one.rightly_contradicted for one in self.judged)

    @property
    def wrongly_contradicted(self) -> int:
        return sum(one.wrongly_contradicted for one in self.judged)

    @property
    def wrongly_supported(self) -> int:
        return sum(one.wrongly_supported for one in self.judged)

    @property
    def precision(self) -> float | None:
        """The share of the contradictions that are right; None where nothing was contradicted."""
        right, wrong = self.rightly_contradicted, self.wrongly_contradicted
        return right / (right + wrong) if right + wrong else None

    @property
    def recall(self) -> float | None:
        """The share of the false statements that are contradicted; None where there are none."""
        false = self.truths("false")
        return self.rightly_contradicted / false if false else None

    @property
    def silence(self) -> float:
        """The share of all statements about which the check cannot tell."""
        return self.verdicts("cannot tell") / len(self.judged) if self.judged else 0.0


def tally(judged: Sequence[Judged]) -> dict[str, Tally]:
    """A tally for each kind, by name, then ``all``, and ``decidable``: what pixels can decide."""
    kinds: dict[str, Tally] = {}
    for one in sorted(judged, key=lambda one: one.label.kind):
        kinds.setdefault(one.label.kind, Tally()).judged.append(one)
    unseen: frozenset[Kind] = UNSEEN
    kinds["all"] = Tally(list(judged))
    kinds["decidable"] = Tally([one for one in judged if one.label.kind not in unseen])
    return kinds


def table_of(judged: Sequence[Judged]) -> str:
    """The tallies as a table for people."""
    columns = (
        "true false unclear │ supp. contr. cannot │ precision recall cannot tell │ false supp."
    )
    lines = [f"{'kind':14} {columns}"]
    for kind, counts in tally(judged).items():
        if kind == "all":
            lines.append("─" * len(lines[0]))
        lines.append(
            f"{kind:14} {counts.truths('true'):4} {counts.truths('false'):5} "
            f"{counts.truths('unclear'):7} │ {counts.verdicts('supported'):5} "
            f"{counts.verdicts('contradicted'):6} {counts.verdicts('cannot tell'):6} │ "
            f"{_share(counts.precision):>9} {_share(counts.recall):>6} "
            f"{_share(counts.silence):>11} │ {counts.wrongly_supported:11}"
        )
    return "\n".join(lines)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
