"""Finds what "it", "his" and "they" stand for in a caption."""

from __future__ import annotations

from annoengine.claims import mention_words as nouns
from annoengine.claims.caption_claim import Mention
from annoengine.claims.mention_context import CaptionContext
from annoengine.claims.mention_grammar import clause_verb, is_picture, subject_of
from annoengine.claims.mention_words import singular


def pronoun_mention(context: CaptionContext, i: int) -> Mention:
    token = context.parsed.tokens[i]
    if token.lower in nouns.THIS:
        if i == context.subject and context.own is not None:
            return context.own_mention(i)
        return context.mention(i, "nobody")
    if token.lower not in nouns.IT | nouns.SHE | nouns.THEY:
        return context.mention(i, "nobody")
    if i == context.named_at:
        return context.own_mention(i)
    for j in _antecedents(context, i):
        told = context.at(j)
        if _agrees(context, i, j, told):
            if told.who == "part" and token.tag != "PRP$":
                # "Its roof is red; it curls": the part or the whole, who knows. What is
                # *its* is a part of the whole either way.
                return context.mention(i, "nobody")
            if told.who in ("segment", "several") and _may_be_self(context, token.lower):
                # A caption that names its own segment by no word that is understood.
                assert context.own is not None
                return context.mention(i, "several", (*told.segments, context.own.id))
            return context.like(i, told)
    if _may_be_self(context, token.lower):
        return context.own_mention(i)
    return context.mention(i, "nobody")


def _may_be_self(context: CaptionContext, word: str) -> bool:
    """*His tie*, where the caption begins so: the one it describes, if that can be."""
    if context.own is None or context.named_at is not None:
        return False
    person = nouns.is_person(context.own.category)
    if word in nouns.SHE:
        return person or nouns.is_animal(context.own.category)
    return word in nouns.IT and not person


def _antecedents(context: CaptionContext, i: int) -> list[int]:
    """Words that a pronoun may stand for, the likeliest first."""
    parsed, found = context.parsed, list[int]()
    sentence = parsed.tokens[i].sentence
    # The noun phrases that it stands within: "a dog with its mouth open".
    within, at = set[int](), i
    while parsed.tokens[at].head != at:
        at = parsed.tokens[at].head
        if at in context.chunk_at and at < i and not _holds(context, at, i):
            within.add(at)
            if parsed.tokens[i].dep == "poss":
                found.append(at)
    # The subjects of its clause and of those around it. An object is seldom its own subject.
    reflexive = parsed.tokens[i].lower.endswith(("self", "selves"))
    objective = parsed.tokens[i].dep in ("dobj", "pobj") and not reflexive
    verb, subjects = clause_verb(parsed, i), list[int]()
    while verb is not None:
        subject = subject_of(parsed, verb)
        if subject is not None and subject < i and not _holds(context, subject, i):
            subjects.append(subject)
        verb = parsed.tokens[verb].head if parsed.tokens[verb].head != verb else None
    late = subjects[:1] if objective else []
    found += subjects[len(late) :]
    # The subject of the sentence before, then any phrase, the latest first.
    for before in range(sentence - 1, -1, -1):
        heads = [c.root for c in parsed.chunks if parsed.tokens[c.root].sentence == before]
        begun = [j for j in heads if parsed.tokens[j].dep in ("nsubj", "nsubjpass")]
        begun = [j for j in begun if not is_picture(parsed, j)]
        if before == 0 and context.named_at is not None:
            begun = [j for j in begun if j <= context.named_at] or [context.named_at]
        found += begun[:1]
    if context.named_at is not None and context.named_at < i:
        found.append(context.named_at)
    found += sorted((c.root for c in parsed.chunks if c.root < i), reverse=True)
    # "The saucer under it" is not under itself.
    barred = {i} if parsed.tokens[i].dep == "poss" else {i, *within}
    last = [j for j in late if j not in barred]
    return [j for j in dict.fromkeys(found) if j not in barred and j not in last] + last


def _holds(context: CaptionContext, outer: int, i: int) -> bool:
    """Does a base noun phrase hold the word? "Its ears" is not what *its* stands for."""
    chunk = context.chunk_at.get(outer)
    return chunk is not None and chunk.first <= i < chunk.past


def _agrees(context: CaptionContext, i: int, j: int, told: Mention) -> bool:
    word, token = context.parsed.tokens[i].lower, context.parsed.tokens[j]
    head = singular(token.lower)
    if token.pos == "PRON":
        same = (nouns.IT, nouns.SHE, nouns.THEY)
        if any(word in group and token.lower in group for group in same):
            return True
        return token.lower in nouns.THIS or (told.who == "self" and word not in nouns.IT)
    if head in nouns.VIEW or (told.who == "part" and word in nouns.SHE):
        return False
    kinds = [context.regions[id].category for id in told.segments[:1]]
    if told.who == "part" or not kinds:
        kinds = [head]
    person, animal = nouns.is_person(kinds[0]), nouns.is_animal(kinds[0])
    if word in nouns.SHE:
        return person or animal
    if word in nouns.THEY:
        return told.plural or person
    return (not person and not told.plural) or (told.who == "self" and not person)
