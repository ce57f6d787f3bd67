"""Ties each box of a caption to the word that heads its phrase, by grammar and word order.

A parser attaches much wrongly in long sentences; so the grammar is asked only for subjects, and
the words just before a box decide wherever they can.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from annoengine.language.parsed import Chunk, Parsed, Token
from annoengine.pancap.embedded_text import Slot
from annoengine.pancap.embedded_words import PLACES

NOUNS = ("NOUN", "PROPN")
_BOX_WORDS = frozenset({"box", "boxes", "bbox", "coordinate", "coordinates", "bounding"})
_BEFORE_HEAD = ("det", "amod", "compound", "nummod", "poss", "nmod", "quantmod", "predet")
_SUBJECTS = ("nsubj", "nsubjpass", "csubj")
_RELATIVE = frozenset({"which", "that", "who", "whom"})


def with_verbs(parsed: Parsed, slots: Sequence[Slot]) -> Parsed:
    """The caption with a verb where the parser took noun and verb for one noun.

    "The girl kneels beside a pond" is read as if "girl kneels" were things of some kind. Where a
    box stood between the two, or where the sentence has no other verb, they are parted.
    """
    ends = {slot.at for slot in slots}
    tokens = list(parsed.tokens)
    for verb in parsed.tokens[1:]:
        noun = parsed.tokens[verb.i - 1]
        if noun.head != verb.i or noun.dep != "compound" or verb.pos not in NOUNS:
            continue
        goes_on = any(child.i > verb.i for child in parsed.children(verb.i, "prep", "npadvmod"))
        one_and_many = noun.tag in ("NN", "NNP") and verb.tag == "NNS"
        parted = any(noun.end <= end <= verb.start for end in ends)
        if not parted and not (one_and_many and verb.dep == "ROOT" and goes_on):
            continue
        _part(parsed, tokens, noun, verb)
    for noun in parsed.tokens[1:]:
        name = parsed.tokens[noun.i - 1]
        both = name.pos in NOUNS and noun.pos in NOUNS and name.head == noun.head
        if both and name.dep == noun.dep == "nsubj":
            tokens[name.i] = replace(name, dep="compound", head=noun.i)
            for child in parsed.children(name.i):
                if child.i < name.i:
                    tokens[child.i] = replace(child, head=noun.i)
    return parsed if tokens == list(parsed.tokens) else _with_chunks(parsed, tokens)


def _part(parsed: Parsed, tokens: list[Token], noun: Token, verb: Token) -> None:
    """Makes the second of two nouns the verb of their sentence."""
    tokens[verb.i] = replace(
        verb, pos="VERB", tag="VBZ", lemma=verb.lemma.lower(), dep="ROOT", head=verb.i
    )
    if verb.dep == "ROOT":
        tokens[noun.i] = replace(noun, dep="nsubj")
    else:
        tokens[noun.i] = replace(noun, dep=verb.dep, head=verb.head)
        root = next(t for t in parsed.tokens if t.sentence == verb.sentence and t.dep == "ROOT")
        if root.pos in NOUNS:
            tokens[root.i] = replace(root, dep="nsubj", head=verb.i)
    for child in parsed.children(verb.i, "det", "amod", "poss", "nummod", "compound"):
        if child.i < noun.i:
            tokens[child.i] = replace(child, head=noun.i)


def _with_chunks(parsed: Parsed, tokens: Sequence[Token]) -> Parsed:
    chunks = [
        Chunk(chunk.first, chunk.root, chunk.root - 1)
        if tokens[chunk.root].pos == "VERB" and chunk.root > chunk.first
        else chunk
        for chunk in parsed.chunks
    ]
    return Parsed(parsed.text, tuple(tokens), tuple(chunks))


def heads_of_slots(parsed: Parsed, slots: Sequence[Slot]) -> list[tuple[int, ...]]:
    """For each box the words that head its phrase, nearly always one; empty: none was found."""
    found: list[tuple[int, ...]] = []
    for n, slot in enumerate(slots):
        in_row = n > 0 and slots[n - 1].box.past == slot.box.first
        found.append(found[-1] if in_row else _heads(parsed, slot))
    return found


def phrase_start(parsed: Parsed, head: int) -> int:
    """The first word of the base phrase of a noun: "the steep and rocky slope"."""
    first = head
    for child in parsed.children(head):
        if child.i < head and child.dep in _BEFORE_HEAD and child.lower not in _RELATIVE:
            first = min(first, parsed.subtree(child.i)[0].i)
    while first == head and first > 0 and parsed.tokens[head].pos == "VERB":
        if parsed.tokens[first - 1].pos not in ("ADJ", "DET", "NOUN", "PROPN"):
            break
        first = head = first - 1
    before = parsed.tokens[first - 1] if first else None
    if before is not None and before.tag == "VB" and before.dep == "ROOT":
        starts = before.i == 0 or parsed.tokens[before.i - 1].sentence != before.sentence
        return before.i if starts else first  # "Wet rocks" is no command.
    return first


def subject_of(parsed: Parsed, verb: int) -> Token | None:
    """Who a verb speaks of, through conjunctions, auxiliaries, relatives and participles."""
    seen: set[int] = set()
    while verb not in seen:
        seen.add(verb)
        token = parsed.tokens[verb]
        subjects = parsed.children(verb, *_SUBJECTS)
        for auxiliary in parsed.children(verb, "auxpass"):
            subjects += parsed.children(auxiliary.i, *_SUBJECTS)
        if subjects and subjects[0].lower in _RELATIVE and token.dep == "relcl":
            return _noun_above(parsed, token.head)
        if subjects:
            return subjects[0]
        attributes = parsed.children(verb, "attr")
        if attributes and attributes[0].pos in NOUNS:
            return attributes[0]
        if token.dep in ("acl", "relcl"):
            return _noun_above(parsed, token.head)
        behind = [c for c in parsed.children(verb, "dobj") if c.i > verb]
        if behind and any(c.i < verb for c in parsed.children(verb, "prep")):
            return behind[0]  # "In front of the door stands a chair."
        if token.dep not in ("conj", "advcl", "xcomp", "aux", "auxpass", "ccomp", "dep"):
            return None
        verb = token.head
    return None


def _noun_above(parsed: Parsed, i: int) -> Token | None:
    token = parsed.tokens[i]
    return token if token.pos in (*NOUNS, "PRON") else subject_of(parsed, i)


def _heads(parsed: Parsed, slot: Slot) -> tuple[int, ...]:
    last = max((t.i for t in parsed.tokens if t.end <= slot.at and t.text.strip()), default=-1)
    if last < 0:
        return ()
    if slot.box.form == "box of":
        head = _owner_of_box(parsed, last)
    elif slot.box.form == "at" and parsed.tokens[last].lower == "here":
        head = _who_is_here(parsed, last)
    elif slot.box.form in ("with", "at"):
        head = _first_of_chain(parsed, last)
    else:
        head = _apposed(parsed, last)
    if head is None:
        return ()
    if slot.box.form != "apposed":
        return (head,)
    return _misread_pair(parsed, last) or _with_partners(parsed, head)


def _nominal(parsed: Parsed, last: int) -> int | None:
    """The noun or pronoun that the words up to here end with."""
    token = parsed.tokens[last]
    while token.pos in ("PUNCT", "SPACE", "PART") and token.i > 0:
        token = parsed.tokens[token.i - 1]
    return token.i if token.pos in (*NOUNS, "PRON") else None


def _apposed(parsed: Parsed, last: int) -> int | None:
    head = _nominal(parsed, last)
    if head is None:
        token = parsed.tokens[last]
        if token.pos in ("VERB", "AUX", "ADP", "ADV", "ADJ"):
            said = _climb(parsed, last)
            if said is not None:
                return said
        return _nearest_noun(parsed, last)
    if parsed.tokens[head].lemma.lower() in PLACES and not _is_heading(parsed, head):
        said = _climb(parsed, head)
        if said is not None and said != head:
            return said
    return head


def _is_heading(parsed: Parsed, head: int) -> bool:
    """Is a noun a sentence of its own, as a heading is made one?"""
    token = parsed.tokens[head]
    return token.dep == "ROOT" or phrase_start(parsed, head) == min(
        t.i for t in parsed.tokens if t.sentence == token.sentence
    )


def _climb(parsed: Parsed, i: int) -> int | None:
    """From "at the left side of the image" up to who is there."""
    seen: set[int] = set()
    token = parsed.tokens[i]
    while token.i not in seen:
        seen.add(token.i)
        if token.pos in ("VERB", "AUX"):
            subject = subject_of(parsed, token.i)
            if subject is not None and subject.lower == "there":
                below = parsed.children(token.i, "attr", "dobj")
                subject = below[0] if below else None
            return None if subject is None else subject.i
        head = parsed.tokens[token.head]
        if token.dep == "pobj" or token.pos == "ADP" or token.dep == "dobj":
            token = head
            if token.pos in NOUNS and token.lemma.lower() not in PLACES:
                return token.i
            continue
        token = head
    return None


def _nearest_noun(parsed: Parsed, last: int) -> int | None:
    sentence = parsed.tokens[last].sentence
    for token in reversed(parsed.tokens[: last + 1]):
        if token.sentence != sentence:
            return None
        if token.pos in NOUNS and token.lower not in _BOX_WORDS and token.dep != "compound":
            return token.i
    return None


def _owner_of_box(parsed: Parsed, last: int) -> int | None:
    """X of "X's bounding box is here" and "the bounding box of X is here"."""
    sentence = parsed.tokens[last].sentence
    place = last
    while place >= 0 and parsed.tokens[place].sentence == sentence:
        token = parsed.tokens[place]
        if token.lower in _BOX_WORDS and token.lower != "bounding":
            owners = parsed.children(place, "poss")
            if owners and owners[0].lower == "whose":
                return _nearest_noun(parsed, owners[0].i - 1)
            if owners:
                return owners[0].i
            after = [t for t in parsed.tokens[place + 1 : last + 1] if t.pos in NOUNS]
            if after and parsed.tokens[place + 1].lower in ("of", "for"):
                return after[0].i if after[0].dep != "compound" else after[0].head
            break
        place -= 1
    for token in reversed(parsed.tokens[: last + 1]):
        if token.sentence != sentence:
            break
        if token.text in ("'s", "’s", "'", "’") and token.i > 0 and token.tag == "POS":
            return token.i - 1
    return _nearest_noun(parsed, place)


def _who_is_here(parsed: Parsed, last: int) -> int | None:
    said = _climb(parsed, last)
    if said is not None and parsed.tokens[said].lower not in ("here", "there"):
        if parsed.tokens[said].lemma.lower() in _BOX_WORDS:
            return _owner_of_box(parsed, last)
        return said
    head = parsed.tokens[parsed.tokens[last].head]
    if head.pos in NOUNS:
        return head.i
    return _first_of_chain(parsed, last)


def _first_of_chain(parsed: Parsed, last: int) -> int | None:
    """The first noun of "vegetation on the upper part of the slope", at whose end one stands."""
    head = _nearest_noun(parsed, last)
    while head is not None:
        before = phrase_start(parsed, head) - 1
        if before < 1 or parsed.tokens[before].pos != "ADP":
            return head
        above = before - 1
        while above > 0 and parsed.tokens[above].pos == "ADP":
            above -= 1
        token = parsed.tokens[above]
        if token.pos in ("VERB", "AUX"):
            is_place = parsed.tokens[head].lemma.lower() in PLACES or token.lemma == "be"
            subject = subject_of(parsed, token.i) if is_place else None
            return head if subject is None or subject.lower == "there" else subject.i
        if token.pos not in NOUNS:
            return head
        head = token.i
    return None


def _misread_pair(parsed: Parsed, last: int) -> tuple[int, ...] | None:
    """ "Stems and leaves [[…]] emerge": a verb follows, so that the words before it are nouns."""
    token = parsed.tokens[last]
    if token.pos != "VERB" or last + 1 >= len(parsed.tokens) or last < 1:
        return None
    after = parsed.tokens[last + 1]
    if after.pos not in ("VERB", "AUX") or after.sentence != token.sentence:
        return None
    if last > 1 and parsed.tokens[last - 1].lower == "and":
        return (last - 2, last)
    return (last,)


def _with_partners(parsed: Parsed, head: int) -> tuple[int, ...]:
    """Heads that share one box: "green stems and leaves", the second without an article."""
    if head < 2 or phrase_start(parsed, head) != head or parsed.tokens[head - 1].lower != "and":
        return (head,)
    partner = parsed.tokens[head - 2]
    return (partner.i, head) if partner.pos in NOUNS else (head,)
