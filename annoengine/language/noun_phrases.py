"""Base noun phrases of a sentence's grammar: "the tall giraffe", "its neck", and no nested ones.

They are those that spaCy's English models call noun chunks, found without its words, which cost
more to walk over than the phrases are worth. Source of the definition: spaCy's documentation of
``Doc.noun_chunks``; that both find the same is tested over whole tables of captions.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.language.parsed import Chunk

_NOUNS = frozenset({"NOUN", "PROPN", "PRON"})
_ROLES = frozenset("nsubj nsubjpass dobj dative attr oprd pobj pcomp appos ROOT".split())
"""What a noun must be for its phrase to count; one that is joined to such a one counts as well."""


def base_noun_phrases(
    pos: Sequence[str], deps: Sequence[str], heads: Sequence[int], silent: Sequence[bool]
) -> tuple[Chunk, ...]:
    """The phrases of a text from its words' parts of speech, labels and heads.

    ``silent`` are spaces and marks of punctuation, which are never what a phrase is about.
    """
    found: list[Chunk] = []
    left = _left_edges(heads)
    past = 0
    for i, kind in enumerate(pos):
        if kind in _NOUNS and left[i] >= past and _role(i, deps, heads) in _ROLES:
            past = i + 1
            found.append(Chunk(left[i], past, _root(left[i], past, heads, silent)))
    return tuple(found)


def _left_edges(heads: Sequence[int]) -> list[int]:
    """For each word the first of those that hang on it."""
    edges = [-1] * len(heads)
    for i in range(len(heads)):
        # From left to right, so that the first to reach a word is the leftmost below it.
        at = i
        while edges[at] < 0:
            edges[at] = i
            at = heads[at]
    return edges


def _role(i: int, deps: Sequence[str], heads: Sequence[int]) -> str:
    """What a word is; for one that is joined to another, what the first of them is."""
    if deps[i] != "conj":
        return deps[i]
    at = heads[i]
    while deps[at] == "conj" and heads[at] < at:
        at = heads[at]
    return deps[at]


def _root(first: int, past: int, heads: Sequence[int], silent: Sequence[bool]) -> int:
    """The word of a phrase that is nearest to the root of the sentence, the first of equals."""
    outside = []
    for i in range(first, past):
        if heads[i] == i:
            return i
        if not first <= heads[i] < past:
            outside.append(i)
    if len(outside) == 1:
        return outside[0]
    return min(outside, key=lambda i: _steps_up(i, heads, silent), default=first)


def _steps_up(i: int, heads: Sequence[int], silent: Sequence[bool]) -> int:
    """How far a word is from the root; a mark on which nothing hangs is as far as can be."""
    if silent[i] and i not in (head for at, head in enumerate(heads) if at != i):
        return len(heads) - 1
    steps = 0
    while heads[i] != i:
        i = heads[i]
        steps += 1
    return steps
