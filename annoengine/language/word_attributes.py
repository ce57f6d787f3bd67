"""Parts of speech and lemmas of words, as a spaCy model's own rules give them, remembered.

spaCy matches some 180 patterns against every sentence to find what its tagger and parser have
nearly told: a part of speech follows from a word's tag, its label and, for some hundred words,
their spelling. What the rules gave once for such a combination holds wherever it comes again. The
rules stay spaCy's: what was not seen yet is asked of them, never worked out here.

A few patterns look at two words ("let's"), so the combination says which of those a word could be
a part of, and its neighbours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KEPT = 65536
"""Entries that a table of words may have; a fuller one is begun anew."""

_ATTRIBUTES = ("LOWER", "TAG", "DEP", "IS_SPACE")
"""What a pattern may ask about to be understood here: all that those of the English models do."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """What the rules make of a word. ``lemma`` is None where the lemmatizer is to tell."""

    pos: str
    tag: str
    dep: str
    morph: int
    lemma: str | None


def are_understood(patterns: Sequence[Mapping[str, Any]]) -> bool:
    """Do a ruler's patterns look at one word or two, and only at what is known of them here?"""
    return all(
        0 < len(words) <= 2
        and all(
            set(word) <= set(_ATTRIBUTES) and all(_is_understood(test) for test in word.values())
            for word in words
        )
        for pattern in patterns
        for words in pattern["patterns"]
    )


def _is_understood(test: Any) -> bool:
    if isinstance(test, Mapping):
        return set(test) <= {"IN", "NOT_IN", "REGEX"}
    return isinstance(test, (str, bool))


def _holds(test: Any, value: str | bool) -> bool:
    """Does an attribute pass what a pattern asks of it?"""
    if not isinstance(test, Mapping):
        return bool(test == value)
    passes = {
        "IN": lambda wanted: value in wanted,
        "NOT_IN": lambda wanted: value not in wanted,
        "REGEX": lambda wanted: re.search(wanted, str(value)) is not None,
    }
    return all(passes[kind](wanted) for kind, wanted in test.items())


class WordAttributes:
    """The rules of a model, and what they gave."""

    def __init__(self, ruler: Any, lemmatizer: Any, strings: Any) -> None:
        """spaCy's ruler, whose patterns are understood, its lemmatizer, its table of strings."""
        self._ruler = ruler
        self._lemmatizer = lemmatizer
        self._strings = strings
        matches = [words for pattern in ruler.patterns for words in pattern["patterns"]]
        self._pairs = [words for words in matches if len(words) == 2]
        self._tests = {
            name: [word[name] for words in matches for word in words if name in word]
            for name in _ATTRIBUTES
        }
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._kinds: dict[tuple[int, int, int, int], tuple[int, int]] = {}
        self._given: dict[tuple[int, int, int], Attributes] = {}
        self._lemmas: dict[tuple[int, str, int], str] = {}

    def of(
        self,
        doc: Any,
        orths: Sequence[int],
        lowers: Sequence[int],
        tags: Sequence[int],
        deps: Sequence[int],
        spaces: Sequence[int],
    ) -> list[tuple[Attributes, str]]:
        """The attributes and the lemma of each word of a parsed document.

        Of each word its spelling, the same in lower case, its tag and label, all as spaCy numbers
        strings, and whether it is but space. The document itself is worked on only where it has
        something that was not seen yet.
        """
        if len(self._kinds) > KEPT or len(self._lemmas) > KEPT:
            self._kinds, self._lemmas = {}, {}
        kinds = []
        for seen in zip(lowers, tags, deps, spaces, strict=True):
            kinds.append(self._kinds.get(seen) or self._kind(seen))
        roles = [0, *(role for _, role in kinds), 0]
        keys = [(kind, roles[i], roles[i + 2]) for i, (kind, _) in enumerate(kinds)]
        if any(key not in self._given for key in keys):
            self._learn(doc, keys)
        found = []
        for i, key in enumerate(keys):
            one = self._given[key]
            lemma = one.lemma
            if lemma is None:
                lemma = self._lemmas.get((orths[i], one.pos, one.morph))
            found.append((one, self._lemma(doc, i, orths[i], one) if lemma is None else lemma))
        return found

    def _kind(self, word: tuple[int, int, int, int]) -> tuple[int, int]:
        """What of a word the rules can see, as a number; and what part of pairs it can be."""
        lower, tag, dep, space = word
        values: dict[str, str | bool] = {
            "LOWER": self._strings[lower],
            "TAG": self._strings[tag],
            "DEP": self._strings[dep],
            "IS_SPACE": bool(space),
        }
        passed = tuple(
            _holds(test, values[name]) for name in _ATTRIBUTES for test in self._tests[name]
        )
        parts = tuple(
            all(_holds(test, values[name]) for name, test in part.items())
            for pair in self._pairs
            for part in pair
        )
        # Tag and label are handed on, whether the rules look at them or not.
        number = self._number("kind", tag, dep, passed)
        role = self._number("role", parts) if any(parts) else 0
        self._kinds[word] = number, role
        return number, role

    def _number(self, *key: Any) -> int:
        return self._numbers.setdefault(key, len(self._numbers) + 1)

    def _learn(self, doc: Any, keys: Sequence[tuple[int, int, int]]) -> None:
        """Lets the rules work on a document, and remembers what they gave."""
        self._ruler(doc)
        for key, token in zip(keys, doc, strict=True):
            own = token.lemma_ if token.lemma and not self._lemmatizer.overwrite else None
            self._given[key] = Attributes(token.pos_, token.tag_, token.dep_, token.morph.key, own)

    def _lemma(self, doc: Any, i: int, orth: int, given: Attributes) -> str:
        """The lemma that spelling, part of speech and form give a word."""
        token = doc[i]
        token.pos_ = given.pos
        token.set_morph(given.morph)
        lemma: str = self._lemmatizer.lemmatize(token)[0]
        self._lemmas[orth, given.pos, given.morph] = lemma
        return lemma
