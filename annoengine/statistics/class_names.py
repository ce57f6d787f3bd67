"""Tells of a noun whether it is a class name, another word for a class, or a word beyond both.

COCONut-PanCap (section 3.3, Fig. 4) counts the nouns of its captions and says that they go beyond
the 133 class names, and does not say how a noun is told from a class name. Here a noun *is* a
class name where it is one as a whole, or its last word ("table" for a dining table), or stands in
one that is spoken out ("tennis" in "tennis racket", and not in "tennis court"). *Another word* is
one by which ``annoengine.categories`` knows a class ("man", "vegetable"); the paper, which gives
"vegetable" as an example, counts those as beyond too.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import resources
from typing import Literal

import orjson

from annoengine.categories import is_known, named, words_of
from annoengine.noun_phrase import singular_words

NounKind = Literal["class name", "other word", "beyond"]
NOUN_KINDS: tuple[NounKind, ...] = ("class name", "other word", "beyond")

_TABLE = "coco_panoptic_categories.json"


@functools.cache
def coco_class_names() -> frozenset[str]:
    """The 133 panoptic classes of COCO."""
    rows = orjson.loads(resources.files("annoengine").joinpath(_TABLE).read_bytes())
    return frozenset(row["name"] for row in rows)


def with_all_of_coco(names: frozenset[str] | None) -> frozenset[str]:
    """The class names; all of COCO's where these are some of them, or where there are none."""
    known = frozenset(name for name in names or () if is_known(name))
    return coco_class_names() if known <= coco_class_names() else known


@functools.lru_cache(maxsize=1 << 16)
def singular(word: str) -> str:
    """A noun in the singular and in lower case, by rule.

    >>> singular("Benches"), singular("people"), singular("t-shirts")
    ('bench', 'person', 't shirt')
    """
    return " ".join(singular_words(word)) or word.lower()


class ClassNames:
    """The class names of a dataset.

    >>> names = ClassNames(frozenset({"person", "tennis racket", "dining table"}))
    >>> words = ["a", "man", "with", "tennis", "rackets", "at", "a", "table", "by", "the", "court"]
    >>> [names.kind_of(words, i) for i in (1, 3, 4, 7, 10)]
    ['other word', 'class name', 'class name', 'class name', 'beyond']
    """

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names
        phrases = {tuple(singular(words_of(name).show).split()) for name in names}
        self._last = frozenset(phrase[-1] for phrase in phrases if phrase)
        self._long = tuple(sorted(phrase for phrase in phrases if len(phrase) > 1))
        self._first = frozenset(word for phrase in self._long for word in phrase[:-1])
        self._kinds: dict[str, NounKind] = {}

    def kind_of(self, words: Sequence[str], i: int) -> NounKind:
        """What the noun ``words[i]`` of a caption is."""
        noun = singular(words[i])
        kind = self._kinds.get(noun)
        if kind is None:
            kind = self._kinds[noun] = self._alone(noun)
        if kind != "class name" and noun in self._first and self._within_name(words, i, noun):
            return "class name"
        return kind

    def _alone(self, noun: str) -> NounKind:
        if noun in self._last:
            return "class name"
        return "other word" if self.names.intersection(named(noun)) else "beyond"

    def _within_name(self, words: Sequence[str], i: int, noun: str) -> bool:
        for phrase in self._long:
            for at, word in enumerate(phrase[:-1]):
                start = i - at
                if word == noun and start >= 0:
                    spoken = words[start : start + len(phrase)]
                    if tuple(map(singular, spoken)) == phrase:
                        return True
        return False
