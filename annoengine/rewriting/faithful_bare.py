"""A caption without its marks and without talk of the annotation: what a rewrite must still say.

Spans are cut out and names put in, no more: its grammar may limp, its facts are all there. It is
made apart from the rules that rewrite, so that the check does not repeat their mistakes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from annoengine.rewriting.annotation_talk import Talk
from annoengine.rewriting.faithful_words import Given
from annoengine.rewriting.mark_references import Reference

_ENDS = re.compile(r"\s*(?:[,.;)]|$)")
_RELATIVE = re.compile(r",?\s+(?:which|that|who)\s+(?:is|are|was|were)\s*$")
"""What is left of "which is marked with 5" when the mark has gone: no parser makes sense of it."""


@dataclass(frozen=True)
class Bare:
    """A caption without marks and talk of them; ``given`` are the names put in for marks."""

    text: str
    given: tuple[Given, ...] = ()


def bare_caption(
    text: str,
    references: Sequence[Reference],
    talk: Sequence[Talk],
    name: Callable[[Reference], tuple[str, bool]],
) -> Bare:
    """The caption that a rewrite is compared with. Its grammar may limp; its facts are all there.

    ``name`` gives what a reference of the kind ``name`` stands for, and whether that is what the
    caption itself is about.
    """
    parts: list[tuple[int, int, str, bool | None]] = []
    for reference in references:
        if reference.kind == "name":
            parts.append((reference.start, reference.end, *name(reference)))
        else:
            parts.append((reference.start, reference.end, "", None))
    for one in talk:
        parts.append((one.start, one.end, one.new if one.kind == "swap" else "", None))
    made, given, past = "", [], 0
    for start, end, new, own in sorted(parts, key=lambda part: part[:2]):
        if start < past:
            # Inside a stretch that went already; what reaches beyond it goes as well.
            past = max(past, end)
            continue
        made += text[past:start]
        if not new and _ENDS.match(text, end):
            made = _RELATIVE.sub("", made)
        if own is not None:
            given.append(Given(len(made), len(made) + len(new), own))
        made += new
        past = end
    return Bare(made + text[past:], tuple(given))
