"""How alike two tags are: the same words, synonymous nouns, near vectors.

``s = μ²·same + μ·synonymous + cos``, which ranks them in this order. WordNet and the vectors are
handed in; without either, its term is left out. A pair of tags is compared once and remembered,
since captions of a dataset use the same few hundred tags again and again.

Source: arXiv 2505.16334, appendix C.1, equation A1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from annoengine.noun_phrase import singular
from annoengine.pancap.content import Content

MU = 10.0
"""μ. Source: section 3.2."""

TagVectors = Mapping[str, NDArray[np.float32]]
"""Tag → vector of any length but 0; all of one model."""

_REMEMBERED = 1 << 18
"""Pairs of tags whose similarity is kept, about 40 MB; ours."""


class Synonyms(Protocol):
    """A dictionary of synonyms. annoengine.language.wordnet.WordNet is one."""

    def are_synonyms(self, one: str, other: str, word_class: Literal["noun"]) -> bool:
        """Do two lemmas share a sense?"""
        ...


def tags_of(*contents: Content) -> list[str]:
    """The different tags of contents, in the order in which they come: whose vectors are needed.

    >>> from annoengine.pancap.content import Entity
    >>> tags_of(Content((Entity(1, "dog"), Entity(2, "tree"))), Content((Entity(1, "dog"),)))
    ['dog', 'tree']
    """
    return list(dict.fromkeys(e.tag for content in contents for e in content.entities))


def words_of_tag(tag: str) -> tuple[str, ...]:
    """A tag's words in lower case, "_" read as a space.

    >>> words_of_tag("Traffic_light ")
    ('traffic', 'light')
    """
    return tuple(tag.replace("_", " ").lower().split())


def nouns_of_tag(tag: str) -> tuple[str, ...]:
    """What may be looked up for a tag: the whole of it, and its head, both in the singular.

    The head is its last word, or the last before "of", "with" or "in". Ours: by any word that
    two tags share, a green leaf would be a green car.

    >>> nouns_of_tag("traffic lights"), nouns_of_tag("man with hats"), nouns_of_tag("dog")
    (('traffic light', 'light'), ('man with hat', 'man'), ('dog',))
    """
    words = words_of_tag(tag)
    if not words:
        return ()
    cuts = [at for at, word in enumerate(words) if word in _PREPOSITIONS and at]
    head = singular(words[cuts[0] - 1] if cuts else words[-1])
    whole = " ".join((*words[:-1], singular(words[-1])))
    return tuple(dict.fromkeys((whole, head)))


_PREPOSITIONS = frozenset("of with in on at by for from under near and".split())


@dataclass
class TagSimilarity:
    """The similarity of tags by a dictionary and vectors; None leaves a term out.

    >>> similarity = TagSimilarity()
    >>> similarity.of("red car", "Red Car"), similarity.of("red car", "cars")
    (110.0, 10.0)
    """

    synonyms: Synonyms | None = None
    vectors: TagVectors | None = None
    mu: float = MU
    _known: dict[str, dict[str, float]] = field(default_factory=dict, repr=False)
    _cosines: Cosines | None = field(default=None, repr=False)
    _count: int = field(default=0, repr=False)
    _parts: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(
        default_factory=dict, repr=False
    )
    """The words and the nouns of a tag."""

    def of(self, one: str, other: str) -> float:
        """s of two tags: 111 at most for μ = 10, −1 at least. The same both ways."""
        return float(self.matrix([one], [other])[0, 0])

    def matrix(self, ones: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
        """s of each with each, (len(ones), len(others)); each pair of different tags once."""
        row_of = {tag: row for row, tag in enumerate(dict.fromkeys(ones))}
        column_of = {tag: column for column, tag in enumerate(dict.fromkeys(others))}
        if self._count >= _REMEMBERED:
            self._known.clear()
            self._parts.clear()
            self._count = 0
        cells: list[float] = []
        for one in row_of:
            known = self._known.setdefault(one, {})
            cells += [
                known[other] if other in known else self._of_words(one, other)
                for other in column_of
            ]
        small = np.array(cells, dtype=np.float64).reshape(len(row_of), len(column_of))
        if self.vectors is not None:
            if self._cosines is None:
                self._cosines = Cosines(self.vectors)
            small += self._cosines.of(list(row_of), list(column_of))
        if len(row_of) == len(ones) and len(column_of) == len(others):
            return small
        rows = [row_of[tag] for tag in ones]
        columns = [column_of[tag] for tag in others]
        whole: NDArray[np.float64] = small[np.ix_(rows, columns)]
        return whole

    def _of_words(self, one: str, other: str) -> float:
        """The terms that words decide: same and synonymous."""
        words, nouns = self._parts_of(one)
        other_words, other_nouns = self._parts_of(other)
        s = 0.0
        if words == other_words:
            s = self.mu**2
        if self._share(nouns, other_nouns):
            s += self.mu
        self._known.setdefault(one, {})[other] = s
        self._known.setdefault(other, {})[one] = s
        self._count += 1
        return s

    def are_synonymous(self, one: str, other: str) -> bool:
        """Do two tags share a noun, or have synonymous ones?

        A noun is its own synonym, with WordNet and without.
        """
        return self._share(self._parts_of(one)[1], self._parts_of(other)[1])

    def _share(self, ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
        for our in ours:
            if our in theirs:
                return True
        if self.synonyms is not None:
            ask = self.synonyms.are_synonyms
            for our in ours:
                for their in theirs:
                    if ask(our, their, "noun"):
                        return True
        return False

    def _parts_of(self, tag: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        parts = self._parts.get(tag)
        if parts is None:
            parts = self._parts[tag] = (words_of_tag(tag), nouns_of_tag(tag))
        return parts


_REMEMBERED_VECTORS = 1 << 12
"""Vectors of length 1 that are kept, about 25 MB of 768 numbers each; ours."""

_DECIMALS = 6
"""Cosines are rounded to so many: machines differ in the digits behind."""


class Cosines:
    """The cosines of tags by their vectors, each of which is brought to length 1 once."""

    def __init__(self, vectors: TagVectors) -> None:
        self._vectors = vectors
        self._units: dict[str, NDArray[np.float64]] = {}

    def of(self, ones: Sequence[str], others: Sequence[str]) -> NDArray[np.float64]:
        """The cosine of each with each, −1 to 1; 0 where a vector has the length 0.

        Raises ValueError for a tag that has no vector.
        """
        if len(self._units) >= _REMEMBERED_VECTORS:
            self._units.clear()
        rounded: NDArray[np.float64] = np.round(self._rows(ones) @ self._rows(others).T, _DECIMALS)
        return rounded

    def _rows(self, tags: Sequence[str]) -> NDArray[np.float64]:
        units = self._units
        return np.array([units[tag] if tag in units else self._unit(tag) for tag in tags])

    def _unit(self, tag: str) -> NDArray[np.float64]:
        if tag not in self._vectors:
            raise ValueError(f"the tag {tag!r} has no vector; embed all of tags_of(…) first")
        vector = np.asarray(self._vectors[tag], dtype=np.float64)
        length = float(np.sqrt(vector @ vector))
        unit: NDArray[np.float64] = vector / length if length else vector
        self._units[tag] = unit
        return unit
