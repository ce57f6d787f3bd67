"""Mends what a small parser gets wrong most often in captions: verbs and inverted sentences.

"An astronaut in a green suit poses for a portrait" comes back without a verb, as a phrase about
*poses*; then nothing that is said is said of anybody. "Above it is the leftmost cup" comes back as
a sentence about *it*. Only where number or order give the mistake away is a parse changed: "a …
poses" is no noun phrase, two phrases do not follow each other without a comma, and neither does
"above" stand alone before a subject. The mended parse is meant for reading alone; whatever else is
odd stays so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from annoengine.claims.caption_reading import STANDING
from annoengine.claims.colour_terms import is_colour_word
from annoengine.language.parsed import Chunk, Parsed, Token

_NOUNS = ("NOUN", "PROPN")
_PLURALS = ("NNS", "NNPS")
_COUNTING = frozenset("few dozen hundred thousand lot couple great good many number".split())
_PARTICIPLES = frozenset({"VBD", "VBN", "VBG"})
_WHERE = frozenset(
    "above over below beneath underneath under inside within near beside alongside behind beyond "
    "opposite around between against".split()
)
"""Words behind which a thing is named, and which are no place by themselves at a clause's head."""


def mended(parsed: Parsed) -> Parsed:
    """The caption with such verbs as verbs; the same object where there are none."""
    for token in parsed.tokens:
        if token.pos in ("VERB", "AUX"):
            inverted = _subject_behind(parsed, token)
            if inverted is not None:
                return mended(inverted)
            continue
        if token.pos not in _NOUNS and token.pos != "ADJ":
            continue
        changed = (
            _verb_with_subject(parsed, token)
            or _verb_in_phrase(parsed, token)
            or _coloured_after(parsed, token)
            or _second_name(parsed, token)
        )
        if changed is not None:
            return mended(changed)
    return parsed


def _verb_with_subject(parsed: Parsed, verb: Token) -> Parsed | None:
    """ "The metal spoon lies on a plate", with *lies* a noun that has a subject."""
    if verb.dep != "ROOT" or verb.pos not in _NOUNS or verb.tag not in _PLURALS:
        return None
    subjects = parsed.children(verb.i, "nsubj")
    if not subjects:
        return _verb_at_end(parsed, verb)
    if subjects[0].i != verb.i - 1 or parsed.children(verb.i, "cop"):
        return None
    subject = subjects[0]
    changes: dict[int, dict[str, Any]] = {verb.i: _as_verb(verb)}
    first = subject.i
    for word in parsed.children(subject.i):
        if word.i == first - 1 and word.dep == "nsubj":
            # "The metal spoon": a subject of its own, for the parser.
            changes[word.i] = {"dep": "compound"}
            first = word.i
    begun = parsed.chunk_of(first)
    first = first if begun is None else begun.first
    gone = {subject.i, verb.i, *(chunk.root for chunk in (begun,) if chunk is not None)}
    return _changed(parsed, changes, gone, Chunk(first, subject.i + 1, subject.i))


def _verb_at_end(parsed: Parsed, verb: Token) -> Parsed | None:
    """ "A green bud waits at …", with *waits* the head of the phrase: "a" has no plural."""
    chunk = parsed.chunk_of(verb.i)
    noun = parsed.tokens[verb.i - 1]
    if chunk is None or chunk.root != verb.i or chunk.first >= noun.i:
        return None
    if parsed.tokens[chunk.first].lower not in ("a", "an") or noun.tag != "NN":
        return None
    if noun.dep != "compound" or noun.head != verb.i:
        return None
    if any(word.lower in _COUNTING for word in parsed.tokens[chunk.first : verb.i]):
        return None
    changes: dict[int, dict[str, Any]] = {
        verb.i: _as_verb(verb),
        noun.i: {"dep": "nsubj"},
        **{w.i: {"head": noun.i} for w in parsed.children(verb.i) if w.i < noun.i},
    }
    for word in parsed.children(verb.i, "appos"):
        changes[word.i] = {"dep": "dobj"}
    return _changed(parsed, changes, {verb.i}, Chunk(chunk.first, verb.i, noun.i))


def _verb_in_phrase(parsed: Parsed, verb: Token) -> Parsed | None:
    """ "A man in a green suit poses for …": the last word of a phrase that hangs on the subject."""
    prep = parsed.tokens[verb.head]
    subject = parsed.tokens[prep.head]
    chunk = parsed.chunk_of(verb.i)
    if verb.dep != "pobj" or verb.pos not in _NOUNS or chunk is None or chunk.root != verb.i:
        return None
    if subject.dep != "ROOT" or subject.pos not in _NOUNS or subject.i >= prep.i:
        return None
    noun = parsed.tokens[verb.i - 1]
    leading = noun.head == verb.i and noun.i >= chunk.first and noun.dep in ("compound", "amod")
    if not leading or not (noun.pos in _NOUNS or is_colour_word(noun.lower)):
        return None
    # A verb of the third person ends in -s after one subject, and does not after several.
    if (verb.tag in _PLURALS) == (subject.tag in _PLURALS):
        return None
    articled = any(word.lower in ("a", "an") for word in parsed.children(verb.i, "det"))
    objects = [word for word in _objects(parsed, verb, subject) if word.i > verb.i]
    if not objects and not (articled and verb.tag in _PLURALS):
        return None
    changes: dict[int, dict[str, Any]] = {
        verb.i: {**_as_verb(verb), "dep": "ROOT", "head": verb.i},
        subject.i: {"dep": "nsubj", "head": verb.i},
        noun.i: {"dep": "pobj", "head": prep.i},
    }
    if is_colour_word(noun.lower):
        changes[noun.i]["pos"] = noun.pos if noun.pos in _NOUNS else "ADJ"
    for word in parsed.children(verb.i):
        if word.i < noun.i:
            changes[word.i] = {"head": noun.i}
    for word in parsed.children(subject.i):
        if word.i > verb.i and word.dep in ("prep", "punct", "advmod"):
            changes[word.i] = {"head": verb.i}
    for word in objects[:1]:
        changes[word.i] = {"dep": "dobj", "head": verb.i}
    return _changed(parsed, changes, {verb.i}, Chunk(chunk.first, verb.i, noun.i))


def _objects(parsed: Parsed, verb: Token, subject: Token) -> list[Token]:
    """A phrase right behind the verb that the parser takes for another name of something."""
    found = parsed.children(verb.i, "appos", "npadvmod", "dep") + parsed.children(
        subject.i, "appos"
    )
    chunks = (parsed.chunk_of(word.i) for word in found)
    return [
        word
        for word, chunk in zip(found, chunks, strict=True)
        if chunk is not None and chunk.first == verb.i + 1
    ]


def _coloured_after(parsed: Parsed, colour: Token) -> Parsed | None:
    """ "A helmet painted green", "a lamp glowing red", read as a phrase about a green."""
    if not is_colour_word(colour.lower):
        return None
    chunk = parsed.chunk_of(colour.i)
    if chunk is None or chunk.root != colour.i:
        return None
    for verb in parsed.children(colour.i, "amod"):
        noun = parsed.tokens[verb.i - 1] if verb.i > chunk.first else None
        if verb.tag not in _PARTICIPLES or noun is None or noun.tag not in ("NN", "NNS"):
            continue
        if noun.head not in (verb.i, colour.i) or noun.dep == "poss":
            continue
        changes: dict[int, dict[str, Any]] = {
            noun.i: {"dep": colour.dep, "head": colour.head},
            verb.i: {"dep": "acl", "head": noun.i, "pos": "VERB"},
            colour.i: {"dep": "oprd", "head": verb.i, "pos": "ADJ", "tag": "JJ"},
        }
        if colour.dep == "ROOT":
            changes[noun.i]["head"] = noun.i
        for word in parsed.children(colour.i):
            if word.i < noun.i or (word.i > colour.i and word.dep != "conj"):
                changes[word.i] = {"head": noun.i}
        return _changed(parsed, changes, {colour.i}, Chunk(chunk.first, noun.i + 1, noun.i))
    return None


def _second_name(parsed: Parsed, name: Token) -> Parsed | None:
    """ "A horse with a calm gait, the fifth from the left": one thing, and no list of two."""
    head = parsed.tokens[name.head]
    chunk = parsed.chunk_of(name.i)
    if name.dep != "conj" or head.dep not in ("ROOT", "nsubj", "nsubjpass") or chunk is None:
        return None
    if head.pos not in _NOUNS or chunk.root != name.i or chunk.first == 0:
        return None
    before, first = parsed.tokens[chunk.first - 1], parsed.tokens[chunk.first]
    if before.text != "," or first.lower != "the" or parsed.children(head.i, "cc"):
        return None
    if parsed.children(name.i, "cc", "conj") or len(parsed.children(head.i, "conj")) > 1:
        return None
    tokens = tuple(
        replace(token, dep="appos") if token.i == name.i else token for token in parsed.tokens
    )
    return Parsed(parsed.text, tokens, parsed.chunks)


def _subject_behind(parsed: Parsed, verb: Token) -> Parsed | None:
    """ "Above it is the leftmost cup": *it* belongs to *above*, and what is there comes last."""
    if verb.lemma.lower() not in STANDING:
        return None
    subjects = parsed.children(verb.i, "nsubj")
    shown = parsed.children(verb.i, "attr", "dobj")
    chunk = parsed.chunk_of(subjects[0].i) if subjects else None
    if chunk is None or chunk.first == 0 or chunk.past != verb.i or not shown:
        return None
    behind = parsed.chunk_of(shown[0].i)
    where = parsed.tokens[chunk.first - 1]
    if behind is None or behind.first != verb.i + 1 or where.lower not in _WHERE:
        return None
    if where.head != verb.i or parsed.children(where.i, "pobj"):
        return None
    changes: dict[int, dict[str, Any]] = {
        where.i: {"dep": "prep", "pos": "ADP", "tag": "IN"},
        subjects[0].i: {"dep": "pobj", "head": where.i},
    }
    tokens = tuple(
        replace(token, **changes[token.i]) if token.i in changes else token
        for token in parsed.tokens
    )
    return Parsed(parsed.text, tokens, parsed.chunks)


def _as_verb(token: Token) -> dict[str, Any]:
    word = token.lower
    one = token.tag in _PLURALS
    lemma = token.lemma.lower() if token.lemma.lower() != word or not one else word.rstrip("s")
    return {"pos": "VERB", "tag": "VBZ" if one else "VBP", "lemma": lemma}


def _changed(
    parsed: Parsed, changes: Mapping[int, Mapping[str, Any]], gone: set[int], chunk: Chunk
) -> Parsed:
    tokens = tuple(
        replace(token, **changes[token.i]) if token.i in changes else token
        for token in parsed.tokens
    )
    kept = [one for one in parsed.chunks if one.root not in gone]
    chunks = tuple(sorted((*kept, chunk), key=lambda one: one.first))
    return Parsed(parsed.text, tokens, chunks)
