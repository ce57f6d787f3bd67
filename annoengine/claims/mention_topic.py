"""Finds the word by which a caption first calls the segment that it describes."""

from __future__ import annotations

from annoengine.categories import is_known, named, words_of
from annoengine.claims import mention_words as nouns
from annoengine.claims.mention_context import CaptionContext
from annoengine.claims.mention_grammar import has_word, of_noun
from annoengine.noun_phrase import singular


def first_name(context: CaptionContext) -> int | None:
    """The word by which the caption first calls its own segment; None where it never does."""
    if context.own is None:
        return None
    subject = context.subject
    topic = subject is not None and _is_topic(context, subject)
    if topic and not _is_shared(context, subject):
        return subject
    names = [token.i for token in context.parsed.tokens if _is_name(context, token.i)]
    exact = [i for i in names if not _is_shared(context, i) and _is_very_name(context, i)]
    if exact or topic:
        return exact[0] if exact else subject
    if names:
        surely = [i for i in names if not _is_shared(context, i)]
        return surely[0] if surely else names[0]
    if subject is None or context.parsed.tokens[subject].pos not in ("NOUN", "PROPN"):
        return None
    # No word of the category at all: the first subject is meant, by a name of its own.
    head = singular(context.parsed.tokens[subject].lower)
    if context.is_part_word(subject) or named(head) or head in nouns.VIEW:
        return None
    return None if context.fitting(context.phrase(subject)) else subject


def _is_name(context: CaptionContext, i: int) -> bool:
    """May a word name the caption's own segment?"""
    assert context.own is not None
    token = context.parsed.tokens[i]
    if (i not in context.chunk_at and token.dep != "poss") or token.pos == "PRON":
        return False
    if context.is_bodily(i) or has_word(context.parsed, i, nouns.OTHER):
        return False
    if _is_contents(context, i) or not is_known(context.own.category):
        return False
    return context.fits_own(context.phrase(i))


def _is_very_name(context: CaptionContext, i: int) -> bool:
    """Is it the category's own name, and not just a word that fits it?"""
    assert context.own is not None
    show = words_of(context.own.category).show.lower().split()[-1]
    return singular(show) == singular(context.parsed.tokens[i].lower)


def _is_contents(context: CaptionContext, i: int) -> bool:
    """*The coffee*, for a cup beside which the coffee is a segment of its own."""
    head = singular(context.parsed.tokens[i].lower)
    if head not in nouns.CONTENTS or context.own is None:
        return False
    return _is_shared(context, i) and context.own.category in nouns.VESSELS


def _is_shared(context: CaptionContext, i: int | None) -> bool:
    """Does a noun fit segments of other categories as well, as coffee fits a cup and food?"""
    assert context.own is not None
    if i is None:
        return False
    own = context.own.category
    found = context.fitting(context.phrase(i))
    return any(context.regions[id].category != own for id in found)


def _is_topic(context: CaptionContext, i: int) -> bool:
    """Is the first sentence's subject, by its words, the caption's own segment?"""
    assert context.own is not None
    token = context.parsed.tokens[i]
    if token.pos == "PRON":
        return token.lower in nouns.IT | nouns.SHE | nouns.THEY | nouns.THIS
    if context.parsed.children(i, "poss") or context.is_bodily(i):
        return False
    if has_word(context.parsed, i, nouns.OTHER) or _is_contents(context, i):
        return False
    head = singular(token.lower)
    if head in nouns.GENERIC | nouns.LOOSE and of_noun(context.parsed, i) is None:
        return context.fits_own(context.phrase(i)) or not context.fitting(context.phrase(i))
    if not is_known(context.own.category):
        return head not in nouns.VIEW and not context.is_part_word(i)
    if context.is_part_word(i) and of_noun(context.parsed, i) is not None:
        return False
    return context.fits_own(context.phrase(i))
