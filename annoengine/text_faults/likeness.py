"""How alike two captions are: near-duplicates within an image cannot tell its segments apart.

Words and pairs of neighbouring words are compared, so that order counts and one word more or less
costs little. Two captions that differ in a word that tells things apart (a colour, a side, a
number, a size) are never near-duplicates, however long the rest is that they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from annoengine.noun_phrase import singular
from annoengine.text_faults.sentences import words_in

TOLD_APART = 0.8
"""The most that captions with different telling words are alike. Ours: below any threshold at
which one would call captions duplicates, above what two captions of different things reach."""

_PASSED_OVER = frozenset("a an the this that".split())


def _word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_TELLING = _word_set(
    "left right upper lower top bottom middle center centre front back leftmost rightmost",
    "background foreground near far inside outside above below",
    "red orange yellow green blue purple violet pink brown black white grey gray beige tan navy",
    "teal turquoise cyan magenta maroon olive gold golden silver cream dark light bright pale",
    "one two three four five six seven eight nine ten first second third fourth fifth last",
    "small large big little larger smaller tall short taller shorter wide narrow long largest",
    "smallest young old man woman boy girl standing sitting lying open closed",
)

_singular = lru_cache(maxsize=4096)(singular)


@dataclass(frozen=True)
class Shingles:
    """A caption made ready for comparing."""

    pieces: frozenset[tuple[object, ...]]
    telling: frozenset[str]


def shingles_of(text: str) -> Shingles:
    """The words and pairs of words of a caption, singular, articles left out.

    A word that occurs again is another piece, with its count.
    """
    words = [_singular(word) for word in words_in(text) if word not in _PASSED_OVER]
    counts: dict[tuple[str, ...], int] = {}
    pieces: list[tuple[object, ...]] = []
    for piece in (*((word,) for word in words), *pairwise(words)):
        counts[piece] = counts.get(piece, 0) + 1
        pieces.append((*piece, counts[piece]))
    telling = frozenset(word for word in words if word in _TELLING or word.isdigit())
    return Shingles(frozenset(pieces), telling)


def likeness(one: Shingles, other: Shingles) -> float:
    """0 nothing in common, 1 the same words in the same order.

    Twice the common pieces by the sum of both (Dice's coefficient), at most ``TOLD_APART`` where
    the telling words differ.

    >>> red, blue = map(shingles_of, ("A man in a red shirt.", "a man in a blue shirt"))
    >>> likeness(red, blue), likeness(red, shingles_of("The man in red shirts"))
    (0.5714, 1.0)
    """
    if not one.pieces or not other.pieces:
        return 0.0
    shared = len(one.pieces & other.pieces)
    value = 2 * shared / (len(one.pieces) + len(other.pieces))
    if value > TOLD_APART and one.telling != other.telling:
        value = TOLD_APART
    return round(value, 4)


def largest_likenesses(groups: Sequence[Iterable[str]]) -> list[float]:
    """For each group of texts, the largest likeness of one of them to one of another group.

    >>> largest_likenesses([["a red car"], ["a red car"], ["the sky"]])
    [1.0, 1.0, 0.0]
    """
    made = [[shingles_of(text) for text in group] for group in groups]
    largest = [0.0] * len(made)
    for i, texts in enumerate(made):
        for j in range(i):
            value = max((likeness(one, other) for one in texts for other in made[j]), default=0.0)
            largest[i] = max(largest[i], value)
            largest[j] = max(largest[j], value)
    return largest
