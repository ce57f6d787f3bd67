"""What a category is called in English: its name to show, its plural, and every head that fits it.

One table (``category_words.yaml``) for the 133 panoptic categories of COCO serves prompts,
labels, hard matching and the ``pixels`` provider; a free tag gets derived words. Fit is decided
by the head of a noun phrase (``annoengine.noun_phrase``) and never by mere occurrence: a dog
house is a house, a hot dog is no dog, and a man on a horse is a man. The table leans to the
generous side among true names of a thing, since a model that says "pitch" for a playing field is
right; it gives nothing to a name that would make another category of it.

Two names stand for no category at all (``region`` and ``object``, for images whose segments
nobody has named): every noun fits them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

import yaml

from annoengine.fingerprint import sha256_hex
from annoengine.noun_phrase import (
    drop_part_words,
    noun_phrases,
    plural,
    possessed_phrases,
    singular_words,
    subject_phrases,
)

Fit = Literal["fits", "other", "unclear"]
"""What a sentence says of a category: it names it, it names another, or neither."""

UNNAMED = frozenset({"region", "object"})
"""What segments are called whose category is not known."""

_TABLE = "category_words.yaml"
_SUFFIXES = ("-merged", "-other", "-stuff")
_NO_PEOPLE = frozenset({"ottoman", "snowman", "talisman", "roman", "german", "caiman", "cayman"})
_PERSON_ENDINGS = ("man", "woman", "boy", "girl", "person", "child")
_LONGEST_HEAD_WORDS = 4


@dataclass(frozen=True)
class CategoryWords:
    """The words of one category.

    ``name`` is the dataset's own; ``show`` is how a reader or a model is shown it; ``plural`` is
    that of ``show``; ``heads`` are the head nouns, singular and lower-case, that a right
    description may use (``show`` is always among them); ``countable`` is False for grass or sky.
    """

    name: str
    show: str
    plural: str
    heads: tuple[str, ...]
    countable: bool


def words_of(name: str) -> CategoryWords:
    """The words of a category of the table, or derived ones for a free tag.

    A tag that is the shown name of a category in the table takes over that category's heads. Any
    other loses the suffixes -merged, -other and -stuff, its hyphens become spaces, its last word
    fits alone, and so does each category of the table that counts the tag among its heads.

    >>> words_of("wall-brick").show, words_of("sky-other-merged").countable
    ('brick wall', False)
    >>> words_of("fire-truck")
    CategoryWords(name='fire-truck', show='fire truck', plural='fire trucks', heads=('fire truck', \
'truck'), countable=True)
    """
    return _words_of(name)


def is_known(name: str) -> bool:
    """Is it a category, and not a word for just anything?

    >>> is_known("person"), is_known("region"), fits("a red kite", "region")
    (True, False, True)
    """
    return name.strip().lower() not in UNNAMED


def shown_names() -> tuple[str, ...]:
    """What the categories of the table are called, in its order.

    >>> len(shown_names()), shown_names()[0]
    (133, 'person')
    """
    return tuple(words.show for words in _table().values())


@functools.lru_cache(maxsize=1 << 16)
def fits(phrase: str, category: str) -> bool:
    """Does the head of a noun phrase (a summary, a title) fit the category?

    >>> fits("Two young women in red", "person"), fits("The hot dog", "dog")
    (True, False)
    >>> fits("slice of pepperoni pizza", "pizza"), fits("dog house", "dog")
    (True, False)
    """
    if not is_known(category):
        return bool(phrase.strip())
    words = words_of(category)
    spoken = singular_words(phrase)
    if spoken and spoken in (singular_words(words.show), singular_words(words.name)):
        return True
    return any(_names(words, found) for found in noun_phrases(phrase, _lexicon()))


def named(phrase: str) -> tuple[str, ...]:
    """The categories of the table that the head of a noun phrase fits, in the table's order.

    >>> named("a wooden gadget"), named("the red stop sign")
    ((), ('stop sign',))
    """
    found: set[str] = set()
    for words in noun_phrases(phrase, _lexicon()):
        found |= _owners(words)
    return tuple(name for name in _table() if name in found)


def fit_of_text(text: str, category: str) -> Fit:
    """Whether a description, by its first clause, is about the category.

    ``fits`` where the subject's head does, or where the subject has, holds, wears, rides or uses
    one ("the person is holding a tennis racket", for a racket: so the paper's own captions say).
    ``other`` where the subject names another category of the table and nothing else; ``unclear``
    where it names none that is known.

    >>> fit_of_text("The person is holding a tennis racket, ready to swing.", "tennis racket")
    'fits'
    >>> fit_of_text("The dog runs after a ball.", "person"), fit_of_text("It is red.", "car")
    ('other', 'unclear')
    """
    if not is_known(category):
        return "fits" if text.strip() else "unclear"
    words = words_of(category)
    lexicon = _lexicon() | {*words.heads}
    subjects = subject_phrases(text, lexicon)
    if any(_names(words, found) for found in subjects):
        return "fits"
    if any(_names(words, found) for found in possessed_phrases(text, lexicon)):
        return "fits"
    return "other" if any(_owners(found) for found in subjects) else "unclear"


@lru_cache(maxsize=1)
def table_sha256() -> str:
    """The hash of the table, for the fingerprint of what matches by it."""
    return sha256_hex(_table_text().encode())


def _names(words: CategoryWords, phrase: tuple[str, ...]) -> bool:
    """Is the longest known head at the end of a singular noun phrase one of this category's?"""
    for candidate in drop_part_words(phrase):
        if words.name == "person" and _is_person(candidate):
            return True
        for tail in _tails(candidate):
            if tail in words.heads:
                return True
            if tail in _lexicon():
                break
    return False


def _owners(phrase: tuple[str, ...]) -> frozenset[str]:
    """The categories that the longest known head at the end of a singular noun phrase fits.

    A head that may name a part ("head", "trunk") counts along with what it is a part of.
    """
    owners: set[str] = set()
    for candidate in drop_part_words(phrase):
        tails = (tail for tail in _tails(candidate) if tail in _lexicon())
        owners |= _owners_by_head()[next(tails, "person" if _is_person(candidate) else "")]
    return frozenset(owners)


def _tails(phrase: tuple[str, ...]) -> list[str]:
    """The ends of a phrase that may be a head of the table, the longest first."""
    longest = min(_LONGEST_HEAD_WORDS, len(phrase))
    return [" ".join(phrase[-length:]) for length in range(longest, 0, -1)]


def _is_person(phrase: tuple[str, ...]) -> bool:
    """fisherman, ballboy, saleswoman: closed compounds that no table can list."""
    last = phrase[-1] if phrase else ""
    return last.endswith(_PERSON_ENDINGS) and last not in _NO_PEOPLE


@lru_cache(maxsize=4096)
def _words_of(name: str) -> CategoryWords:
    known = _table().get(name)
    if known is not None:
        return known
    show = name.strip()
    while show.lower().endswith(_SUFFIXES):
        show = show[: show.rfind("-")]
    show = " ".join(show.replace("-", " ").replace("_", " ").split()) or name
    for words in _table().values():
        if show.lower() in (words.name, words.show.lower()):
            return CategoryWords(name, words.show, words.plural, words.heads, words.countable)
    singular = singular_words(show)
    heads = [" ".join(singular), *singular[-1:]]
    owners = _owners_by_head().get(heads[0], frozenset())
    heads += [words.show for words in _table().values() if words.name in owners]
    unique = tuple(dict.fromkeys(head for head in heads if head))
    return CategoryWords(name, show, plural(show), unique, True)


def _table_text() -> str:
    return resources.files("annoengine").joinpath(_TABLE).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _table() -> dict[str, CategoryWords]:
    """The table, in the order of its file."""
    # The C loader reads the same YAML in a tenth of the time; not every build of PyYAML has it.
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = yaml.load(_table_text(), Loader=loader) or {}
    table = {}
    for name, row in rows.items():
        show = str(row.get("show", name))
        listed = [show, *str(row.get("heads") or "").split(",")]
        heads = dict.fromkeys(" ".join(singular_words(head)) for head in listed)
        table[name] = CategoryWords(
            name=name,
            show=show,
            plural=str(row.get("plural") or plural(show)),
            heads=tuple(head for head in heads if head),
            countable=bool(row.get("countable", True)),
        )
    return table


@lru_cache(maxsize=1)
def _owners_by_head() -> dict[str, frozenset[str]]:
    owners: dict[str, set[str]] = {}
    for words in _table().values():
        for head in words.heads:
            owners.setdefault(head, set()).add(words.name)
    return {"": frozenset(), **{head: frozenset(names) for head, names in owners.items()}}


@lru_cache(maxsize=1)
def _lexicon() -> frozenset[str]:
    """Every head of the table: the nouns that a phrase may be cut after."""
    return frozenset(_owners_by_head()) - {""}
