"""Cuts a caption into sentences, statements and words, by punctuation alone.

A parser would do it better and takes ten times as long; what is counted here is a share of the
whole, which a sentence cut in two by mistake hardly moves.
"""

from __future__ import annotations

import re
from functools import lru_cache

QUOTED = re.compile(r"[\"“«][^\"”»]*[\"”»]|(?<!\w)['‘][^'’]*['’](?!\w)")
"""What a sign or a shirt says: its words are no words of the caption."""

_QUOTES = frozenset("\"“«'‘")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_LETTERS = re.compile(r"[a-z]+")
_BREAK = re.compile(r"(?<=[.!?;])\s+|(?<=[.!?;][\"”’')\]])\s+|\n+|(?<=[.!?])(?=[A-Z][a-z])")
_ABBREVIATED = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|st|mr|mrs|ms|dr|no|approx|ca|[A-Z]))\.$", re.I)
_STATEMENT = re.compile(r"[,;:.!?()\n]+(?=\s|$)|\s[-–—]\s|—")


def without_quotes(text: str) -> str:
    """The text with what stands in quotation marks left out.

    >>> without_quotes('A sign that says "may be closed" in red.')
    'A sign that says   in red.'
    """
    return text if _QUOTES.isdisjoint(text) else QUOTED.sub(" ", text)


@lru_cache(maxsize=256)
def words_in(text: str) -> tuple[str, ...]:
    """The lower-case words; hyphens and apostrophes bind.

    >>> words_in("It's a half-sliced orange, No. 5.")
    ("it's", 'a', 'half-sliced', 'orange', 'no', '5')
    """
    return tuple(_WORD.findall(text.lower().replace("’", "'")))


@lru_cache(maxsize=256)
def letters_in(text: str) -> frozenset[str]:
    """The runs of the letters a to z, in lower case: each word, and each part of a compound.

    Whether one of some words is there is far quicker to find than in which form.
    """
    return frozenset(_LETTERS.findall(text.lower()))


def sentences_in(text: str) -> list[str]:
    """The sentences of a text, and its parts between semicolons; those without a word left out.

    >>> sentences_in("A car, e.g. a taxi, is here ; it is 4.5 m long. Red!")
    ['A car, e.g. a taxi, is here ;', 'it is 4.5 m long.', 'Red!']
    """
    found: list[str] = []
    for piece in _BREAK.split(text.strip()):
        if found and _ABBREVIATED.search(found[-1]):
            found[-1] = f"{found[-1]} {piece}"
        else:
            found.append(piece)
    return [piece for piece in found if _WORD.search(piece)]


def statements_in(text: str) -> list[str]:
    """The stretches of a text between its marks of punctuation that hold a word.

    >>> statements_in("A flat surface, possibly a table, supports it. It is 4.5 m long.")
    ['A flat surface', ' possibly a table', ' supports it', ' It is 4.5 m long']
    """
    return [piece for piece in _STATEMENT.split(text) if _WORD.search(piece)]
