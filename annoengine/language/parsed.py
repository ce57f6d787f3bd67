"""A caption taken apart: words, their grammar, noun phrases. Plain values, no parser's own types.

Whoever reads captions (the rewriting rules, the checks) reads these, so that a test can write them
down, another process can take them, and a parser can be exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark of punctuation, ``text[start:end]`` of the caption.

    ``pos`` is a universal part of speech (NOUN, ADJ, VERB, …), ``tag`` a Penn Treebank tag (NNS,
    VBG, …), ``dep`` its relation to its head in the ClearNLP labels that spaCy's English models
    give (nsubj, amod, pobj, …). ``head`` is the index of the word that it depends on, its own for
    the root of a sentence. ``sentence`` counts from 0.
    """

    i: int
    text: str
    lemma: str
    pos: str
    tag: str
    dep: str
    head: int
    start: int
    end: int
    sentence: int
    lower: str = field(init=False, repr=False, compare=False)
    """The word in lower case, which rules ask for some hundred times a caption."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "lower", self.text.lower())


@dataclass(frozen=True)
class Chunk:
    """A base noun phrase: the tokens ``first`` up to, not including, ``past``, about ``root``."""

    first: int
    past: int
    root: int


@dataclass(frozen=True)
class Parsed:
    """One caption, parsed. Indices are those of ``tokens``."""

    text: str
    tokens: tuple[Token, ...]
    chunks: tuple[Chunk, ...]

    @cached_property
    def _below(self) -> tuple[list[Token], ...]:
        below: tuple[list[Token], ...] = tuple([] for _ in self.tokens)
        for token in self.tokens:
            if token.head != token.i:
                below[token.head].append(token)
        return below

    def children(self, i: int, *deps: str) -> list[Token]:
        """The words that depend on a word directly, in order; with ``deps``, only those."""
        below = self._below[i]
        return [token for token in below if token.dep in deps] if deps else below.copy()

    def subtree(self, i: int) -> list[Token]:
        """A word and all that depends on it, in order."""
        found, todo = [], [i]
        while todo:
            one = todo.pop()
            found.append(one)
            todo += [token.i for token in self._below[one]]
        return [self.tokens[one] for one in sorted(found)]

    @cached_property
    def _chunks_at(self) -> dict[int, Chunk]:
        # The first of two that share a word comes last here, and stays.
        return {i: one for one in reversed(self.chunks) for i in range(one.first, one.past)}

    def chunk_of(self, i: int) -> Chunk | None:
        """The base noun phrase that a word stands in, or None."""
        return self._chunks_at.get(i)

    def span(self, first: int, past: int) -> str:
        """The caption's own text from one word up to, not including, another.

        Raises ValueError where that is empty.
        """
        if not 0 <= first < past <= len(self.tokens):
            raise ValueError(f"there are no words {first} to {past} among {len(self.tokens)}")
        return self.text[self.tokens[first].start : self.tokens[past - 1].end]
