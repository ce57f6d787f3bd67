"""A caption in pieces, each with what was found of the words in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from annoengine.record import Verdict

Truth = Literal["supported", "contradicted", "cannot tell"]

_RANK: dict[Truth, int] = {"contradicted": 0, "supported": 1, "cannot tell": 2}
"""What stands where statements overlap: a contradiction must not hide."""

SIGNS: dict[Truth, str] = {"supported": "✓", "contradicted": "✗", "cannot tell": "?"}


def pieces(text: str, verdicts: Iterable[Verdict]) -> list[tuple[str, Truth | None]]:
    """The text in order, cut where a statement begins or ends; None: no statement is there.

    >>> pieces("a red cap", [Verdict(kind="colour", says="cap: red", start=2, end=5,
    ...     truth="contradicted", by="check_facts")])
    [('a ', None), ('red', 'contradicted'), (' cap', None)]
    """
    found: list[Truth | None] = [None] * len(text)
    for verdict in verdicts:
        for place in range(verdict.start, min(verdict.end, len(text))):
            there = found[place]
            if there is None or _RANK[verdict.truth] < _RANK[there]:
                found[place] = verdict.truth
    cut: list[tuple[str, Truth | None]] = []
    for letter, truth in zip(text, found, strict=True):
        if cut and cut[-1][1] == truth:
            cut[-1] = cut[-1][0] + letter, truth
        else:
            cut.append((letter, truth))
    return cut


def in_order(verdicts: Iterable[Verdict]) -> Sequence[Verdict]:
    """Verdicts as a person wants them: contradictions first, then in the order of the words."""
    return sorted(verdicts, key=lambda one: (one.truth != "contradicted", one.start, one.end))
