"""Finds whose part a noun is by its place: "with …", "has …", "in …", "worn by …"."""

from __future__ import annotations

from collections.abc import Iterable

from annoengine.claims import mention_words as nouns
from annoengine.claims.caption_claim import Mention
from annoengine.claims.mention_context import CaptionContext
from annoengine.claims.mention_grammar import clause_verb, governor, subject_of
from annoengine.claims.mention_words import singular


def owners_by_place(context: CaptionContext, i: int) -> tuple[Mention, ...] | None:
    """Whose part a noun is by its place: "with …", "has …", "in …", "worn by …".

    None where the grammar gives no owner; several where more than one may be meant.
    """
    first = governor(context.parsed, i)
    head = context.parsed.tokens[first.head]
    if first.dep == "pobj":
        if head.lower == "with" or (head.lower == "in" and _is_worn(context, i, head.head)):
            return _owners_by_preposition(context, i, head.i)
        return None
    if first.dep in ("dobj", "attr") and head.lemma in nouns.HAVE:
        subject = subject_of(context.parsed, head.i)
        return _known(context, (subject,)) if subject is not None else None
    if first.dep == "nsubjpass" and head.lemma == "wear":
        agents = [
            inner.i
            for agent in context.parsed.children(head.i, "agent")
            for inner in context.parsed.children(agent.i, "pobj")
        ]
        return _known(context, agents) if agents else None
    return None


def _is_worn(context: CaptionContext, i: int, above: int) -> bool:
    head = singular(context.parsed.tokens[i].lower)
    if context.parsed.tokens[above].lemma in _COVERING:
        # "Trees covered in blossom", "dressed in a white coat".
        return head in nouns.PARTS or head in nouns.WORN or head in nouns.BODY
    return head in nouns.WORN


_COVERING = frozenset("cover wrap drape dress clothe coat clad decorate adorn deck".split())


def _owners_by_preposition(
    context: CaptionContext, i: int, prep: int
) -> tuple[Mention, ...] | None:
    above = context.parsed.tokens[context.parsed.tokens[prep].head]
    if above.pos in ("VERB", "AUX", "ADJ"):
        subject = subject_of(context.parsed, above.i)
    else:
        subject = above.i if above.pos in ("NOUN", "PROPN", "PRON") else None
    if subject is None:
        return None
    if above.pos in ("NOUN", "PROPN"):
        farther = _also_owner(context, i, subject)
        subject = subject if farther is None else farther
    sentence = context.parsed.tokens[i].sentence
    between = [
        chunk.root
        for chunk in context.parsed.chunks
        if subject < chunk.root < prep
        and context.parsed.tokens[chunk.root].sentence == sentence
        and singular(context.parsed.tokens[chunk.root].lower) not in nouns.VIEW
        and not _same(context, chunk.root, subject)
    ]
    head = singular(context.parsed.tokens[i].lower)
    if head in nouns.BODY or head in nouns.WORN:
        owner = context.at(subject)
        if owner.segments and all(context.animate(context.regions[s]) for s in owner.segments):
            between = [j for j in between if _may_live(context, j)]
    return _known(context, (subject, *between))


def _also_owner(context: CaptionContext, i: int, near: int) -> int | None:
    """The clause's subject, where "next to a bus with black wheels" may give it the wheels."""
    if context.parsed.tokens[near].dep in ("nsubj", "nsubjpass", "ROOT", "attr", "dobj"):
        return None
    verb = clause_verb(context.parsed, near)
    subject = None if verb is None else subject_of(context.parsed, verb)
    if subject is None:
        root = context.parsed.tokens[near]
        while root.head != root.i:
            root = context.parsed.tokens[root.head]
        subject = root.i if root.i in context.chunk_at else None
    if subject is None or subject >= near or _same(context, subject, near):
        return None
    head = singular(context.parsed.tokens[i].lower)
    bodily = head in nouns.BODY or head in nouns.WORN
    return None if bodily and _may_live(context, near) else subject


def _same(context: CaptionContext, i: int, j: int) -> bool:
    one, two = context.at(i), context.at(j)
    return one.who != "nobody" and one.segments == two.segments


def _may_live(context: CaptionContext, i: int) -> bool:
    told = context.at(i)
    if told.who == "part":
        return False
    if told.segments:
        return any(context.animate(context.regions[id]) for id in told.segments)
    head = singular(context.parsed.tokens[i].lower)
    return nouns.is_person(head) or nouns.is_animal(head)


def _known(context: CaptionContext, roots: Iterable[int]) -> tuple[Mention, ...]:
    """What the roots speak of; parts stand for their owners."""
    return tuple(context.at(root) for root in roots)
