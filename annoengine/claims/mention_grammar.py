"""Asks the grammar of a parsed caption: who is the subject, what governs a noun, what is it of."""

from __future__ import annotations

from annoengine.claims.mention_words import singular
from annoengine.language.parsed import Chunk, Parsed, Token

_SUBJECTS = ("nsubj", "nsubjpass")
_UP = frozenset({"conj", "advcl", "xcomp", "ccomp", "dep", "pcomp", "prep", "acomp", "parataxis"})
_SHOWS = frozenset({"show", "depict", "feature", "capture", "display", "present", "contain"})
_PICTURES = frozenset(
    "image photo photograph picture scene portrait snapshot close-up closeup shot".split()
)
_NAMING = frozenset({"NOUN", "PROPN", "ADJ", "VERB"})
_PLACES = frozenset(
    "left right top bottom upper lower middle central first second third fourth fifth last larger "
    "smaller largest smallest biggest bigger taller tallest shorter shortest nearest closest far "
    "front rear leftmost rightmost main same".split()
)


def first_subject(parsed: Parsed) -> int | None:
    """The word that the first sentence is about; None for a caption without words.

    The head noun where there is no verb ("Large, red bus on a street"), what there is ("there is a
    cat"), and what a picture shows ("the image shows a cat").
    """
    roots = [token for token in parsed.tokens if token.dep == "ROOT"]
    if not roots:
        return None
    root = roots[0]
    subjects = parsed.children(root.i, *_SUBJECTS)
    if parsed.children(root.i, "expl"):
        real = [*parsed.children(root.i, "attr"), *subjects]
        return real[0].i if real else None
    if subjects:
        subject = subjects[0]
        if is_picture(parsed, subject.i) and root.lemma in _SHOWS:
            shown = parsed.children(root.i, "dobj")
            return shown[0].i if shown else subject.i
        return subject.i
    if root.pos in ("NOUN", "PROPN", "PRON"):
        return root.i
    clauses = parsed.children(root.i, "ccomp", "csubj", "dep")
    for clause in clauses:
        inner = parsed.children(clause.i, *_SUBJECTS)
        if inner:
            return inner[0].i
    sentence = (chunk.root for chunk in parsed.chunks)
    return next((i for i in sentence if parsed.tokens[i].sentence == root.sentence), None)


def is_picture(parsed: Parsed, i: int) -> bool:
    """Is it a word for the picture: "the image", "this close-up"?"""
    word = parsed.tokens[i].lemma.lower()
    if word == "up" and i > 1:
        word = "".join(token.lower for token in parsed.tokens[i - 2 : i + 1])
    return word in _PICTURES


def subject_of(parsed: Parsed, verb: int) -> int | None:
    """Who does what a verb (or an adjective, a participle) says; None where that is not said."""
    at, seen = verb, set[int]()
    while at not in seen:
        seen.add(at)
        token = parsed.tokens[at]
        if parsed.children(at, "expl"):
            real = parsed.children(at, "attr", "dobj")
            return real[0].i if real else None
        subjects = parsed.children(at, *_SUBJECTS)
        if subjects:
            return _antecedent(parsed, subjects[0].i, at)
        if token.dep in ("acl", "relcl", "amod", "appos"):
            return token.head
        if token.dep not in _UP:
            if token.dep == "ROOT" and token.pos in ("NOUN", "PROPN", "PRON"):
                return at
            return None
        at = token.head
        if token.dep == "conj" and parsed.tokens[at].pos in ("NOUN", "PROPN"):
            return at
        if token.dep == "prep" and parsed.tokens[at].pos in ("NOUN", "PROPN", "PRON"):
            return at
    return None


def _antecedent(parsed: Parsed, i: int, verb: int) -> int:
    relative = parsed.tokens[i].tag in ("WDT", "WP") and parsed.tokens[verb].dep == "relcl"
    return parsed.tokens[verb].head if relative else i


def governor(parsed: Parsed, i: int) -> Token:
    """The first of the list that a noun stands in: *cap* for the *boots* of "a cap and boots"."""
    token, seen = parsed.tokens[i], set[int]()
    while token.dep == "conj" and token.i not in seen:
        seen.add(token.i)
        above = parsed.tokens[token.head]
        if above.pos not in ("NOUN", "PROPN", "PRON"):
            break
        token = above
    return token


def clause_verb(parsed: Parsed, i: int) -> int | None:
    """The nearest verb above a word; None in a caption without one."""
    at, seen = i, set[int]()
    while at not in seen:
        seen.add(at)
        if at != i and parsed.tokens[at].pos in ("VERB", "AUX"):
            return at
        at = parsed.tokens[at].head
    return None


def of_noun(parsed: Parsed, i: int) -> int | None:
    """Y of "X of Y", for X; None where there is none."""
    for prep in parsed.children(i, "prep"):
        if prep.lower == "of":
            nouns = parsed.children(prep.i, "pobj")
            if nouns:
                return nouns[0].i
    return None


def phrase_words(parsed: Parsed, chunk: Chunk | None, i: int) -> str:
    """The words that name a thing: the noun, singular, and what stands right before it.

    Without determiner and number. Singular, for the categories take *towers* for a verb.
    """
    first = i if chunk is None else chunk.first
    begin = i
    while begin > first:
        before = parsed.tokens[begin - 1]
        if before.pos not in _NAMING and before.lower != "-":
            break
        begin -= 1
    leading = [token.lower for token in parsed.tokens[begin:i] if token.lower != "-"]
    return " ".join([*leading, singular(parsed.tokens[i].lower)])


def has_word(parsed: Parsed, i: int, words: frozenset[str]) -> bool:
    """Does a noun have one of these words as a determiner or an adjective?"""
    return any(
        token.lower in words for token in parsed.children(i, "det", "amod", "nummod", "advmod")
    )


def is_plural_word(parsed: Parsed, i: int) -> bool:
    """Does the word speak of more than one thing?

    *The two* does, and *a group of cats*, by what it is of.
    """
    token = parsed.tokens[i]
    if token.tag in ("NNS", "NNPS") or token.lower in ("they", "them", "these", "those", "their"):
        return True
    groups = ("group", "pair", "row", "couple", "bunch", "number")
    return token.lower in groups and of_noun(parsed, i) is not None


def restricted(parsed: Parsed, i: int) -> bool:
    """Is a noun told from others of its kind: "the left cat", "the cat on the chair"?"""
    for token in parsed.children(i):
        if token.dep in ("amod", "nummod", "compound") and token.lower in _PLACES:
            return True
        if token.dep in ("prep", "relcl", "acl") and token.i > i:
            return True
    return False
