"""Whether the head of a grounded phrase fits a category.

A phrase may be a noun phrase ("a fence made of wood"), a clause ("the sky is blue"), or name no
thing at all ("the other one", "a black one with a white mane"): such phrases are *unclear*, which
speaks neither for nor against an id.
"""

from __future__ import annotations

import functools

from annoengine.categories import Fit, fit_of_text, fits, is_known, named, words_of
from annoengine.noun_phrase import singular_words, words_of_text

_NUMBERS = dict(
    zip("two three four five six seven eight nine ten".split(), range(2, 11), strict=True)
)
_COUNTED_AFTER = frozenset("the these those all another other his her their its".split())
_QUANTITIES = _COUNTED_AFTER | {"several", "some", "many", "few", "a", "an"}
_NO_COUNT = frozenset("of and or".split())


@functools.lru_cache(maxsize=1 << 16)
def phrase_fit(phrase: str, category: str) -> Fit:
    """``fits``, ``other`` where it names another category and not this one, or ``unclear``.

    >>> phrase_fit("a man holding a tennis racket", "tennis racket")
    'other'
    >>> phrase_fit("four lattice towers", "lattice tower")
    'fits'
    >>> phrase_fit("The floor is neutral-toned", "floor-other-merged"), phrase_fit("one", "cat")
    ('fits', 'unclear')
    """
    if not is_known(category) or fits(phrase, category) or _is_name(phrase, category):
        return "fits"
    if named(phrase):
        return "other"
    return fit_of_text(phrase, category)


def _is_name(phrase: str, category: str) -> bool:
    """Is it the category's very name behind a number: "four lattice towers"?

    Without it "towers" might be what the lattice does.
    """
    words = words_of_text(phrase)
    while words and (words[0] in _NUMBERS or words[0] in _QUANTITIES):
        words = words[1:]
    return bool(words) and singular_words(" ".join(words)) == singular_words(
        words_of(category).show
    )


def count_of(phrase: str) -> int | None:
    """How many things a phrase says it is about, where it begins with a number word.

    >>> count_of("two men in blue"), count_of("the three dogs"), count_of("two of them")
    (2, 3, None)
    """
    words = words_of_text(phrase)
    while words and words[0] in _COUNTED_AFTER:
        words = words[1:]
    if len(words) < 2 or words[1] in _NO_COUNT:
        return None
    return _NUMBERS.get(words[0])
