"""Finds the noun phrases of a sentence that a box may belong to, by rule and with their offsets.

Short word lists and no parser: an answer is read again for nothing, on every machine alike. A
phrase ends where a preposition, a verb of the lists, a pronoun or a punctuation mark follows.
Which of several phrases a box is for is decided where the image's entities are known
(``annoengine.pancap.tying``); without them the nearest one that is no mere place is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from annoengine.categories import named
from annoengine.noun_phrase import singular

Stretch = tuple[int, int]
"""Start and end in the text, half-open."""

_LOOK_BACK = 1000
"""Characters before a box that are looked at: no sentence is longer."""

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_SENTENCE_START = re.compile(r"[.!?]['\"”’)]*\s+(?=[\"“‘(]?[A-Z0-9\ue000-\uf8ff])|\n")


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_DETERMINERS = _words(
    "a an the this these those another other some any each every one its his her their both all",
    "several many few various two three four five six seven eight nine ten",
)
_ENDS = _words(
    # prepositions, pronouns and conjunctions
    "with in on at from near behind beside besides between by for to into onto over under of off",
    "without underneath above below across along around against among amid atop inside outside",
    "within next toward towards through throughout down up out about upon like beyond past via",
    "per as which who whose whom where when while that because but so it they he she them him",
    "there then than or nor also here not both either plus",
    # adverbs that stand before a phrase
    "almost nearly about roughly only just mostly mainly partly partially entirely fully",
)
_VERBS = _words(
    # those that descriptions use
    "is are was were be been being has have had can could will would may might must do does did",
    "appears appear seems seem stands stand sits sit lies lie rests rest hangs hang extends extend",
    "stretches stretch covers cover wears wear holds hold carries carry looks look faces features",
    "feature consists consist provides provide supports support walks walk rides ride shows show",
    "displays display depicts depict contains contain fills fill surrounds surround separates",
    "serves adds creates forms occupies occupy dominates leans lean grows grow rises rise runs run",
    "spans span reflects casts emerges emerge borders touches shades flies floats moves plays eats",
    "drinks grazes flows remains suggests suggesting indicating wearing holding carrying standing",
    "sitting lying hanging covering filling spanning surrounding facing riding located positioned",
    "situated placed found seen visible made covered filled surrounded appearing showing extending",
)
_PLACES = _words(
    "image picture photo photograph scene frame view side corner center centre middle top bottom",
    "part area half third portion section edge left right front back rear foreground background",
    "distance rest",
)
"""Heads that say where: a box behind "the left side of the image" is that of what is there."""

_PREPOSITIONS = _words(
    "in on at near behind beside between under underneath above below across along around against",
    "among inside outside over next to from",
)
_PREPOSITION = re.compile(
    r"\s+(?:of|on|in|at|near|behind|beside|by|under|above|below|from|inside|along|over|around"
    r"|against|between|across|next to|in front of)\s+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Token:
    start: int
    end: int
    lower: str


def sentence_start(text: str, at: int) -> int:
    """Where the sentence begins in which ``at`` stands, or as far back as is looked."""
    start = max(at - _LOOK_BACK, 0)
    while 0 < start < at and not text[start - 1].isspace():
        start += 1
    for match in _SENTENCE_START.finditer(text, start, at):
        start = match.end()
    return start


def phrases_before(text: str, at: int, since: int | None = None) -> list[Stretch]:
    """The noun phrases of the sentence up to ``at``, nearest first. ``since``: where it begins.

    >>> text = "The flower is at the left side of the image"
    >>> [text[start:end] for start, end in phrases_before(text, len(text))]
    ['the image', 'the left side', 'The flower']
    """
    begin = sentence_start(text, at) if since is None else since
    found: list[Stretch] = []
    run: list[_Token] = []

    def close() -> None:
        kept = _trimmed(run)
        if kept:
            found.append((kept[0].start, kept[-1].end))
        run.clear()

    last_end = begin
    matches = _WORD.finditer(text, begin, at)
    tokens = [_Token(*match.span(), match.group().lower()) for match in matches]
    for place, token in enumerate(tokens):
        if run and text[last_end : token.start].strip():
            close()
        following = tokens[place + 1].lower if place + 1 < len(tokens) else ""
        if token.lower == "and":
            if not (run and _goes_on(text, run, following, begin)):
                close()
                last_end = token.end
                continue
        elif token.lower in _ENDS or token.lower in _VERBS:
            close()
            last_end = token.end
            continue
        elif token.lower in _DETERMINERS and not all(t.lower in _DETERMINERS for t in run):
            close()
        run.append(token)
        last_end = token.end
    close()
    return found[::-1]


def _trimmed(run: list[_Token]) -> list[_Token]:
    """A run of words as a noun phrase; nothing where it has no noun."""
    kept = list(run)
    while kept and kept[-1].lower in ("and", "then", "now"):
        kept.pop()
    while len(kept) > 2 and re.fullmatch(r"\w+(?:ly|[^e]ed)", kept[-1].lower):
        kept.pop()
    if all(token.lower in _DETERMINERS for token in kept):
        return []
    if len(kept) == 1 and re.fullmatch(r"\w+(?:ly|[^e]ed)|[a-z]+ing", kept[0].lower):
        return [] if not named(kept[0].lower) else kept
    return kept


def _goes_on(text: str, run: list[_Token], following: str, begin: int) -> bool:
    """Does "and" join words of one phrase: "the steep and rocky slope", "Stems and leaves grow"?"""
    if not following or following in (_DETERMINERS | _ENDS | _VERBS):
        return False
    opens = not text[begin : run[0].start].strip() and run[0].lower not in _DETERMINERS
    return opens or not named(text[run[0].start : run[-1].end])


def is_place(phrase: str) -> bool:
    """Does a phrase only say where something is?

    >>> is_place("the left side"), is_place("the image"), is_place("a side table")
    (True, True, False)
    """
    words = _WORD.findall(phrase.lower())
    return bool(words) and singular(words[-1]) in _PLACES


def nearest_phrase(text: str, at: int, since: int | None = None) -> Stretch | None:
    """The nearest noun phrase before ``at`` that names something, or that there is at all."""
    found = phrases_before(text, at, since)
    return next((s for s in found if not is_place(text[s[0] : s[1]])), found[0] if found else None)


def first_of_chain(text: str, at: int) -> Stretch | None:
    """The first phrase of "vegetation on the upper part of the slope", which ends at ``at``."""
    found = phrases_before(text, at)
    if not found:
        return None
    place = 0
    while place + 1 < len(found):
        between = text[found[place + 1][1] : found[place][0]]
        if not _PREPOSITION.fullmatch(between):
            break
        place += 1
    return found[place]


def phrase_behind(text: str, at: int) -> Stretch | None:
    """The first noun phrase of what follows ``at`` in its sentence that names a thing."""
    end = _SENTENCE_START.search(text, at, at + _LOOK_BACK)
    found = phrases_before(
        text, end.start() + 1 if end else min(at + _LOOK_BACK, len(text)), since=at
    )[::-1]
    named_things = [s for s in found if not is_place(text[s[0] : s[1]])]
    return named_things[0] if named_things else None


def opens_with_place(text: str, at: int) -> bool:
    """Does a sentence that begins at ``at`` begin with a preposition: "Behind the man is a dog"?"""
    first = _WORD.match(text, at)
    return first is not None and first.group().lower() in _PREPOSITIONS


def is_verb(word: str) -> bool:
    """Is a word one of the verbs that descriptions use?"""
    return word.lower() in _VERBS


def content_words(phrase: str) -> frozenset[str]:
    """The words of a phrase in lower case and singular, without its determiners."""
    words = (re.sub(r"['’]s?$", "", word) for word in _WORD.findall(phrase.lower()))
    return frozenset(singular(word) for word in words if word not in _DETERMINERS)
