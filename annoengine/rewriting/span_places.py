"""Finds where the grounded phrases of a caption are once it was rewritten.

A rule tells letter by letter what it changed, so that a phrase is followed; a model does not, and
must leave the phrases as they are. Then the second "a cup" of the old text is the second one of the
new, whatever was changed around them; where there are more of them or fewer than before, nobody can
tell which is which, and the rewrite is of no use.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from annoengine.record import Span
from annoengine.rewriting.draft import Edit, moved

_LOOSE = " \t\n,;:.!?"


def moved_spans(spans: Sequence[Span], edits: Sequence[Edit], text: str) -> tuple[Span, ...]:
    """The spans in the new ``text`` that the edits made; those of which nothing is left are gone.

    A phrase keeps whole words and no marks of punctuation at its ends; where two have run into
    each other, the first one stays.
    """
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        place = moved(span.start, span.end, edits)
        if place is None:
            continue
        start, end = _whole_words(text, *place)
        if start < end and (not found or found[-1].end <= start):
            found.append(Span(start=start, end=end, segments=span.segments))
    return tuple(found)


def spans_in(old: str, spans: Sequence[Span], new: str) -> tuple[Span, ...] | None:
    """The spans of a text in another one that says the same; None where they cannot be told.

    >>> old = "A cup and a cup on a table."
    >>> spans = (Span(start=10, end=15, segments=(2,)), Span(start=19, end=26, segments=(5,)))
    >>> [(s.start, s.segments) for s in spans_in(old, spans, "Here is a cup, a cup, a table.")]
    [(15, (2,)), (22, (5,))]
    >>> spans_in(old, spans, "Two cups on a table.") is None
    True
    """
    found: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        phrase = old[span.start : span.end]
        before, after = _places(old, phrase), _places(new, phrase)
        if span.start not in before or len(before) != len(after):
            return None
        start = after[before.index(span.start)]
        if found and start < found[-1].end:
            return None
        found.append(Span(start=start, end=start + len(phrase), segments=span.segments))
    return tuple(found)


def lost_phrases(old: str, spans: Sequence[Span], new: str) -> list[str]:
    """The phrases that stand in the new text more or less often than in the old one."""
    phrases = dict.fromkeys(old[span.start : span.end] for span in spans)
    return [p for p in phrases if len(_places(old, p)) != len(_places(new, p))]


def _places(text: str, phrase: str) -> list[int]:
    """Where a phrase stands in a text as whole words; its first letter may be large or small.

    What opens a sentence is written large, and a rewrite may open it with other words.
    """
    first, rest = re.escape(phrase[:1]), re.escape(phrase[1:])
    either = f"(?i:{first})" if phrase[:1].isalpha() else first
    edge = (r"(?<!\w)" if phrase[:1].isalnum() else "", r"(?!\w)" if phrase[-1:].isalnum() else "")
    return [m.start() for m in re.finditer(f"{edge[0]}{either}{rest}{edge[1]}", text)]


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start] in _LOOSE:
        start += 1
    while end > start and text[end - 1] in _LOOSE:
        end -= 1
    if start < end:
        while start > 0 and text[start - 1].isalnum() and text[start].isalnum():
            start -= 1
        while end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
            end += 1
    return start, end
