"""Finds the word of each grounded phrase that speaks of its segments.

In ``<3: a man with a red cap>`` that is *man*: what else stands in the phrase speaks of other
things. A phrase may also be a whole clause ("the sky is blue"), of which it is the first noun.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.language.parsed import Parsed
from annoengine.record import Span


def grounded_words(parsed: Parsed, spans: Sequence[Span]) -> dict[int, tuple[int, ...]]:
    """The segments by the word, for each span that has such a word.

    It is the root of the first base noun phrase in the span; of "one of the dogs" it is *one*.
    """
    found: dict[int, tuple[int, ...]] = {}
    for span in spans:
        for chunk in parsed.chunks:
            root = parsed.tokens[chunk.root]
            if span.start <= root.start and root.end <= span.end:
                of = parsed.tokens[root.head]
                one = parsed.tokens[of.head]
                inside = of.lower == "of" and one.i != of.i and span.start <= one.start
                found.setdefault(one.i if inside else root.i, span.segments)
                break
    return found
