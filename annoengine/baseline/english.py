"""Small English: articles, numbers, lists, and verbs that agree with their subject.

Verbs are written in square brackets, ``[cover] about 5% of the image``, until it is known who does
it; a :class:`Noun` knows how it is referred to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.categories import words_of

NUMBERS = (
    *("no", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
SAME_IN_PLURAL = frozenset({"sheep", "deer", "fish"})
PEOPLE = frozenset({"person", "man", "woman", "boy", "girl", "child", "baby", "people"})
"""Names of which "it" is not said, and whose colours are said to be worn: a person in blue."""

IRREGULAR = {"be": ("is", "are"), "have": ("has", "have"), "can": ("can", "can")}


@dataclass(frozen=True)
class Noun:
    """A segment's name with what its sentences must agree with."""

    show: str
    plural: str
    is_plural: bool
    is_person: bool
    countable: bool

    @property
    def pronoun(self) -> str:
        """``it`` or ``they``."""
        return "they" if self.is_plural or self.is_person else "it"

    @property
    def possessive(self) -> str:
        """``its`` or ``their``."""
        return "their" if self.is_plural or self.is_person else "its"

    @property
    def object(self) -> str:
        """``it`` or ``them``."""
        return "them" if self.is_plural or self.is_person else "it"


def noun_of(category: str) -> Noun:
    """The noun of a category.

    >>> noun_of("stairs").is_plural, noun_of("person").pronoun, noun_of("grass-merged").pronoun
    (True, 'they', 'it')
    """
    words = words_of(category)
    plural_only = words.countable and words.show == words.plural
    return Noun(
        show=words.show,
        plural=words.plural,
        is_plural=words.show == "people" or (plural_only and words.show not in SAME_IN_PLURAL),
        is_person=words.show in PEOPLE,
        countable=words.countable,
    )


def number_word(n: int) -> str:
    """Numbers up to twelve in words.

    >>> number_word(3), number_word(14)
    ('three', '14')
    """
    return NUMBERS[n] if 0 <= n < len(NUMBERS) else str(n)


def with_article(phrase: str) -> str:
    """The phrase behind "a" or "an", by its first letter and the usual exceptions.

    >>> with_article("orange cup"), with_article("one-way sign"), with_article("uniform")
    ('an orange cup', 'a one-way sign', 'a uniform')
    """
    vowel = re.match(r"(?!one\b|on?ce\b|uni|use|user|eu|ufo)[aeiou]|hour|honest|heir", phrase, re.I)
    return f"{'an' if vowel else 'a'} {phrase}"


def conjugate(text: str, plural: bool) -> str:
    """The verbs in square brackets, made to agree.

    >>> conjugate("[reach] it, [occupy] it and [be] green", False), conjugate("[be] green", True)
    ('reaches it, occupies it and is green', 'are green')
    """

    def agree(match: re.Match[str]) -> str:
        verb = match.group(1)
        if verb in IRREGULAR:
            return IRREGULAR[verb][plural]
        if plural:
            return verb
        if verb.endswith("y"):
            return verb[:-1] + "ies"
        return verb + ("es" if verb.endswith(("ch", "sh", "s", "x")) else "s")

    return re.sub(r"\[(\w+)\]", agree, text)


def join(parts: Sequence[str], comma: bool = False) -> str:
    """``a``, ``a and b``, ``a, b and c``; ``comma`` sets one before "and" as well.

    >>> join(["a", "b", "c"]), join(["a", "b"], comma=True)
    ('a, b and c', 'a, and b')
    """
    if len(parts) < 2:
        return "".join(parts)
    return ", ".join(parts[:-1]) + (", and " if comma else " and ") + parts[-1]
