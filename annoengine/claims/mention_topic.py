"""Finds the word by which a caption first calls the segment that it describes."""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.categories import is_known, named, words_of
from annoengine.claims import mention_words as nouns
from annoengine.claims.mention_context import CaptionContext, has_plural_name
from annoengine.claims.mention_grammar import has_word, of_noun
from annoengine.claims.mention_words import singular

_A = frozenset({"a", "an"})
_THIS = frozenset({"this"})
_OTHER_ONE = frozenset({"other", "another"})


def first_name(context: CaptionContext) -> int | None:
    """The word by which the caption first calls its own segment; None where it never does."""
    if context.own is None:
        return None
    subject = context.subject
    topic = subject is not None and _is_topic(context, subject)
    if topic and not _is_shared(context, subject):
        return subject
    names = [token.i for token in context.parsed.tokens if _is_name(context, token.i)]
    if subject is not None and not topic and _is_said_to_be_one(context, subject, names):
        return subject
    compared = [i for i in names if _is_compared(context, i)]
    if compared and compared == names and (called := _by_another_name(context)) is not None:
        return called
    exact = [i for i in names if not _is_shared(context, i) and _is_very_name(context, i)]
    if exact or topic:
        return exact[0] if exact else subject
    if names:
        surely = [i for i in names if not _is_shared(context, i)]
        return surely[0] if surely else names[0]
    return _by_another_name(context)


def _by_another_name(context: CaptionContext) -> int | None:
    """The first subject, where no word of the category is used at all: it has a name of its own."""
    subject, tokens = context.subject, context.parsed.tokens
    if subject is None or tokens[subject].pos not in ("NOUN", "PROPN"):
        return None
    whole = _whole_of(context, subject)
    if whole is not None:
        return whole
    if not _may_be_own(context, subject):
        return None
    head = singular(tokens[subject].lower)
    kin = context.is_kin(head)
    if context.is_part_word(subject) and not _stands_for_itself(context, subject, kin=kin):
        # "The petals are pink", "a stripe runs along its side": captions that begin with a part.
        return None
    if not named(head) or kin:
        return subject
    # A thing of another category, which is not annotated; or the model's own word for this one.
    agent = nouns.is_person(head) or nouns.is_animal(head)
    own_word = not agent and _stands_for_itself(context, subject, kin=False)
    return subject if own_word and not _is_listed(context) else None


def _is_listed(context: CaptionContext) -> bool:
    """Is the own category one of the table's, of which all names are known?"""
    assert context.own is not None
    show = words_of(context.own.category).show
    return bool(named(show)) and singular(show.split()[-1]) not in nouns.LOOSE


def _may_be_own(context: CaptionContext, i: int) -> bool:
    """Can a noun that is no word of the category be a name of the own segment at all?"""
    assert context.own is not None
    tokens = context.parsed.tokens
    head = singular(tokens[i].lower)
    # A picture has a frame; "a support frame" is a thing.
    view = head in nouns.VIEW and not (head == "frame" and context.parsed.children(i, "compound"))
    if view or context.parsed.children(i, "poss") or context.is_bodily(i):
        return False
    if head in nouns.BODY or (context.is_part_word(i) and context.animate(context.own)):
        return False
    if (head in nouns.SHARE or context.is_part_word(i)) and _is_owned(context, i):
        return False
    plural = tokens[i].tag in ("NNS", "NNPS") and (context.is_part_word(i) or bool(named(head)))
    if plural and context.own.isthing and not has_plural_name(context.own):
        return False
    return not context.fitting(context.phrase(i))


def _is_owned(context: CaptionContext, i: int) -> bool:
    """ "The roof of the hut": a part, though of something that is not annotated."""
    inner = of_noun(context.parsed, i)
    if inner is None:
        return False
    word = context.parsed.tokens[inner]
    return word.lower not in nouns.MATERIAL and not has_word(
        context.parsed, inner, frozenset({"two", "three", "four", "all", "both"})
    )


def _stands_for_itself(context: CaptionContext, i: int, *, kin: bool) -> bool:
    """Is a word that may name a part a thing of its own: "this emblem", "a round patch with …"?

    So a caption begins that is no sentence, or says what something is; of a category of the table
    all names are known, and then the word does name a part.
    """
    if has_word(context.parsed, i, _THIS):
        return True
    token = context.parsed.tokens[i]
    above = context.parsed.tokens[token.head]
    bare = token.dep == "ROOT" or (token.dep == "nsubj" and above.lemma == "be")
    return bare and has_word(context.parsed, i, _A) and (kin or not _is_listed(context))


def _whole_of(context: CaptionContext, i: int) -> int | None:
    """ "The bloom's centre": what has the part that a caption begins with."""
    whose = context.parsed.children(i, "poss")
    if not whose or not context.is_part_word(i) or whose[-1].pos not in ("NOUN", "PROPN"):
        return None
    whole = whose[-1].i
    head = singular(context.parsed.tokens[whole].lower)
    if not _may_be_own(context, whole) or (named(head) and not context.is_kin(head)):
        return None
    return whole


def _is_said_to_be_one(context: CaptionContext, i: int, names: Sequence[int]) -> bool:
    """ "This emblem is the only badge", "a lamp, the leftmost of the floodlights"."""
    if context.parsed.tokens[i].pos not in ("NOUN", "PROPN") or not _may_be_own(context, i):
        return False
    told = [word.i for word in context.parsed.children(i, "appos")]
    verb = context.parsed.tokens[context.parsed.tokens[i].head]
    if verb.lemma in ("be", "appear", "seem", "remain") and context.parsed.tokens[i].dep == "nsubj":
        told += [word.i for word in context.parsed.children(verb.i, "attr", "acomp")]
    of = [inner for word in told if (inner := of_noun(context.parsed, word)) is not None]
    if not set(names).isdisjoint((*told, *of)):
        return True
    # "The bloom touches the other flower head": then it is one as well.
    return any(
        has_word(context.parsed, token.i, _OTHER_ONE)
        and context.fits_own(context.phrase(token.i))
        and _is_very_name(context, token.i)
        for token in context.parsed.tokens
        if token.i in context.chunk_at and token.i > i
    )


def _is_compared(context: CaptionContext, i: int) -> bool:
    """ "Smaller than the name badge": another of the kind, and no name of the one described."""
    prep = context.parsed.tokens[context.parsed.tokens[i].head]
    return context.parsed.tokens[i].dep == "pobj" and prep.lower == "than"


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
