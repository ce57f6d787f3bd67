"""The words of a caption that say something, as the check of a rewrite compares them.

Words that only hold a sentence together (articles, pronouns, "is", "and") say nothing here; each
other word is a unit with the forms under which it is found again. Forms are generous and parts of
speech are not compared, since a parser calls "standing" a verb in one sentence and a noun in the
next. Relations of several words ("next to") are one unit.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from annoengine.language.parsed import Parsed, Token
from annoengine.noun_phrase import singular
from annoengine.rewriting.faithful_lexicon import (
    COLOURS,
    FEMALE,
    GENDERS,
    GENERIC,
    HEDGES,
    KINDS,
    LONGEST_RELATION,
    MALE,
    NEGATIONS,
    NUMBERS,
    ORDINALS,
    PLACED,
    POSITIONS,
    QUANTITIES,
    RELATIONS,
    SPELLINGS,
    STILL,
    Kind,
)

WORDLIKE = re.compile(r"[^\W_]")


@dataclass(frozen=True)
class Unit:
    """A word that says something, or a relation of several; ``i`` is its (first) token.

    ``forms`` are what it is found by; ``free``: it may go without being missed.
    """

    i: int
    kind: Kind
    text: str
    lemma: str
    forms: frozenset[str]
    free: bool = False
    plural: bool = False


@dataclass(frozen=True)
class Given:
    """A stretch of a caption that was put in for a reference; see :func:`units_of`.

    ``own``: it names what the caption is about, so that none of it need stay.
    """

    start: int
    end: int
    own: bool = False


def units_of(parsed: Parsed, given: Sequence[Given] = ()) -> list[Unit]:
    """The units of a caption, in order.

    Of a ``given`` name the noun must stay, its other words may go: a name may be shortened.
    """
    found = []
    for unit in _all_units(parsed):
        token = parsed.tokens[unit.i]
        inside = next((g for g in given if g.start <= token.start < g.end), None)
        if inside is not None and (inside.own or unit.kind != "noun" or not _heads(parsed, token)):
            unit = Unit(unit.i, unit.kind, unit.text, unit.lemma, unit.forms, True, unit.plural)
        found.append(unit)
    return found


def _heads(parsed: Parsed, token: Token) -> bool:
    chunk = parsed.chunk_of(token.i)
    return chunk is None or chunk.root == token.i


def _all_units(parsed: Parsed) -> Iterator[Unit]:
    tokens = parsed.tokens
    past = 0
    for token in tokens:
        if token.i < past or not WORDLIKE.search(token.text):
            continue
        relation, length = _relation_at(parsed, token.i)
        if relation:
            past = token.i + length
            text = parsed.span(token.i, past)
            if not _only_points(parsed, token.i, past, relation):
                yield Unit(token.i, "relation", text, relation, frozenset({relation}))
            if token.lower == "without":
                yield Unit(token.i, "negation", text, "not", frozenset({"not"}))
            continue
        unit = _unit(parsed, token)
        if unit is not None:
            yield unit


def _relation_at(parsed: Parsed, i: int) -> tuple[str, int]:
    """The relation that begins at a token, and of how many tokens it is; "" where none does."""
    tokens = parsed.tokens
    if tokens[i].lower in ("of", "to"):
        return (tokens[i].lower, 1) if _relates(parsed, tokens[i]) else ("", 0)
    for length in range(min(LONGEST_RELATION, len(tokens) - i), 0, -1):
        phrase = " ".join(token.lower for token in tokens[i : i + length])
        relation = RELATIONS.get(phrase)
        if relation is None:
            continue
        if length == 1:
            token = tokens[i]
            if relation == "with" and token.lower in ("has", "have", "having"):
                # "has been caught" says no more than "was caught".
                relation = "" if token.dep in ("aux", "auxpass") else relation
            elif relation == "under" and _ends_place(parsed, i):
                continue
        return relation, length
    return "", 0


def _relates(parsed: Parsed, token: Token) -> bool:
    """Is this the "of" of "left of the lamp", the "to" of "tied to the pier"?

    Other "of" and "to" are held by the words around them.
    """
    objects = parsed.children(token.i, "pobj")
    if not objects or any(GENERIC & {o.lemma.lower()} or o.lower in POSITIONS for o in objects):
        return False
    before = parsed.tokens[token.i - 1].lower if token.i else ""
    return token.lower == "to" or spelled(before) in POSITIONS


def _ends_place(parsed: Parsed, i: int) -> bool:
    """Is "below" an adverb, with nothing after it that it relates to?"""
    return parsed.tokens[i].pos == "ADV" and not parsed.children(i, "pobj", "prep")


def _only_points(parsed: Parsed, first: int, past: int, relation: str) -> bool:
    """Is this the "on" of "on the left side", the "in" of "in the image"? It says nothing more."""
    if relation not in ("in", "on", "at", "with") or past - first > 1:
        return False
    if relation == "with":
        return False
    for token in parsed.tokens[past : past + 5]:
        word = spelled(token.lower)
        if word in POSITIONS or word in GENERIC:
            return True
        if token.pos not in ("DET", "ADJ", "PRON", "ADV", "NOUN", "VERB") or word in COLOURS:
            return False
        if token.pos == "NOUN" and word not in POSITIONS:
            return False
    return False


def _unit(parsed: Parsed, token: Token) -> Unit | None:
    word = spelled(token.lower)
    lemma = spelled(token.lemma.lower())
    if token.lower in NEGATIONS:
        return Unit(token.i, "negation", token.text, "not", frozenset({"not"}))
    hedge = HEDGES.get(word) or HEDGES.get(lemma)
    if hedge:
        # "could be seen" doubts nothing.
        sees = word == "could" and parsed.tokens[token.head].lemma == "see"
        return None if sees else Unit(token.i, "hedge", token.text, hedge, frozenset({hedge}))
    if word in STILL:
        return None
    number = _number(word)
    if number:
        return Unit(token.i, "number", token.text, number, frozenset({number}))
    if word in COLOURS:
        return Unit(token.i, "colour", token.text, word, frozenset({word}))
    if word in POSITIONS:
        free = word == "side" and _says_side(parsed, token.i)
        return Unit(token.i, "position", token.text, word, frozenset({word}), free)
    kind: Kind = KINDS.get(token.pos, "word")
    forms = frozenset({word, lemma, spelled(singular(word)), *_stems(word)})
    free = bool(GENERIC & forms) and _stands_for_any(parsed, token)
    free = free or (lemma in PLACED and _is_light(token))
    plural = kind == "noun" and token.tag in ("NNS", "NNPS")
    return Unit(token.i, kind, token.text, lemma, forms, free, plural)


def _says_side(parsed: Parsed, i: int) -> bool:
    """Does "side" follow a word that says which?"""
    return i > 0 and parsed.tokens[i - 1].lower in POSITIONS


def _stands_for_any(parsed: Parsed, token: Token) -> bool:
    """ "The image", "this object": with a colour or a number before it, it is a thing itself."""
    before = parsed.children(token.i, "amod", "nummod", "compound")
    determiner = parsed.children(token.i, "det")
    definite = all(d.lower in ("the", "this", "that", "entire", "whole") for d in determiner)
    return not before and definite


def _is_light(token: Token) -> bool:
    return token.pos != "VERB" or token.tag == "VBN" or token.lemma in ("show", "depict")


def _number(word: str) -> str:
    """The number that a word says, in digits; its own name for a vague one; "" for none."""
    if word in ("one", "single"):
        return ""
    if word in NUMBERS:
        return str(NUMBERS[word])
    if word in QUANTITIES:
        return "many" if word in ("multiple", "numerous") else word
    if word in ORDINALS.values():
        return word
    if word in ORDINALS:
        return ORDINALS[word]
    return word.lstrip("0") or "0" if word.isdigit() else ""


@lru_cache(maxsize=8192)
def spelled(word: str) -> str:
    """A lower-case word in the spelling that is compared."""
    word = word.replace("’", "'")
    return SPELLINGS.get(word, word)


@lru_cache(maxsize=8192)
def _stems(word: str) -> tuple[str, ...]:
    """What is left of a verb's form without its ending."""
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2:
            short = stem[:-1] if stem[-1] == stem[-2] else stem
            return (stem, f"{stem}e", short)
    if word.endswith("ies") and len(word) > 5:
        return (f"{word[:-3]}y",)
    if word.endswith("es") and len(word) > 4:
        return (word[:-2], word[:-1])
    return (word[:-1],) if word.endswith("s") and len(word) > 3 and word[-2] not in "su" else ()


def neuter_of(parsed: Parsed) -> int:
    """How often "it" or "its" is said."""
    return sum(token.lower in ("it", "its", "itself") for token in parsed.tokens)


def genders_of(parsed: Parsed) -> tuple[frozenset[str], frozenset[str]]:
    """The genders that pronouns say, and those that pronouns and nouns say."""
    said = {GENDERS[token.lower] for token in parsed.tokens if token.lower in GENDERS}
    known = set(said)
    for token in parsed.tokens:
        word = singular(token.lower)
        known |= {"he"} if word in MALE else {"she"} if word in FEMALE else set()
    return frozenset(said), frozenset(known)


def own_forms(names: Collection[str]) -> frozenset[str]:
    """The forms of the words of some names."""
    words = [word for name in names for word in re.findall(r"[^\W_]+", name.lower())]
    return frozenset(form for word in words for form in (spelled(word), spelled(singular(word))))
