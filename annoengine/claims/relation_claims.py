"""Tests how a caption says that things lie to each other: "left of the car", "on the saucer".

All is of the picture plane and with clear margins. Which of two is in front is never told. "On" is
false only of what is far apart, since a plate seen from above is on its table in every direction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.claims.caption_claim import Mention, Statement
from annoengine.claims.caption_reading import CaptionReading, Verdict, turned
from annoengine.claims.count_claims import NUMBERS
from annoengine.claims.place_phrase import PlacePhrase, place_phrases
from annoengine.claims.plane_relations import (
    CLOSENESS,
    Relation,
    between_all,
    between_two,
    check_of,
    has_own_sides,
)
from annoengine.language.parsed import Parsed, Token

_PLAIN: dict[str, Relation] = {
    "above": "above",
    "over": "over",
    "below": "below",
    "beneath": "below",
    "underneath": "below",
    "under": "below",
    "atop": "on top of",
    "on": "on",
    "upon": "on",
    "onto": "on",
    "inside": "inside",
    "within": "inside",
    "in": "in",
    "near": "near",
    "beside": "next to",
    "alongside": "next to",
    "by": "near",
    "behind": "behind",
    "against": "against",
}
_WITH_TO: dict[str, Relation] = {"next": "next to", "close": "near", "adjacent": "next to"}
_WITH_OF: dict[str, Relation] = {"front": "in front of", "top": "on top of"}
_AWAY = frozenset({"far", "away"})
_DEPTH = frozenset({"behind", "in front of"})
_DENIABLE = frozenset({"left of", "right of", "above", "below", "touching", "next to", "near"})
_SPOTS = frozenset("side end edge corner top bottom front back half part".split())
_MOVING = frozenset(
    "look lean bend jump leap fly gaze stare hover pass walk run climb step reach peer peek drive "
    "ride swing hang drape wear cover turn go move head spread fold sling".split()
)
_BY = frozenset("stand sit be lie park rest pose wait".split())


@dataclass(frozen=True)
class _Claim:
    """A relation at the word ``at`` to what the words ``others`` name."""

    at: int
    past: int
    relation: Relation
    others: tuple[int, ...]


def relation_statements(
    parsed: Parsed, mentions: Sequence[Mention], scene: Scene, own: int | None
) -> list[Statement]:
    """What the caption says of how segments lie to each other, tested."""
    reading = CaptionReading(parsed, mentions, scene, own)
    found = []
    for claim in _claims(reading):
        found += _statements(reading, claim)
    return sorted(found, key=lambda statement: (statement.start, statement.end))


def _claims(reading: CaptionReading) -> Iterator[_Claim]:
    taken: set[int] = set()
    for phrase in place_phrases(reading.parsed):
        taken.update(range(phrase.first, phrase.past))
        if phrase.whose == "thing" and phrase.of is not None:
            relation = _of_place(reading, phrase)
            if relation is not None:
                others = (phrase.of, *_joined(reading, phrase.of))
                yield _Claim(phrase.first, phrase.past, relation, others)
    for token in reading.tokens:
        if token.i not in taken:
            claim = _at(reading, token)
            if claim is not None:
                yield claim


def _of_place(reading: CaptionReading, phrase: PlacePhrase) -> Relation | None:
    """ "To the left of the car", "on the left side of the table", "at the top of the tower"."""
    assert phrase.of is not None
    mention = reading.mention(phrase.of)
    owner = reading.regions(mention)[:1] if mention is not None else []
    if mention is None or mention.who == "part" or _goes(reading, phrase.first):
        return None
    # "Its left", "the left side of the bus": of the thing itself, perhaps.
    its_own = phrase.side or phrase.of < phrase.past - 1
    if its_own and any(has_own_sides(facts.category) for facts in owner):
        return None
    if phrase.across in ("left", "right") and phrase.down in ("", "middle"):
        return "left of" if phrase.across == "left" else "right of"
    if phrase.down in ("top", "bottom") and not phrase.across:
        return "at the top of" if phrase.down == "top" else "at the bottom of"
    return None


def _goes(reading: CaptionReading, i: int) -> bool:
    """ "Looks to the left of the camera": a direction and no place."""
    head = reading.tokens[reading.tokens[i].head]
    return head.lemma.lower() in ("look", "face", "turn", "gaze", "point", "stare", "glance")


def _at(reading: CaptionReading, token: Token) -> _Claim | None:
    parsed, word = reading.parsed, token.lower
    if word in _WITH_TO or word in _AWAY:
        link = "to" if word in _WITH_TO else "from"
        for prep in parsed.children(token.i, "prep"):
            if prep.lower == link:
                relation: Relation = _WITH_TO.get(word, "far from")
                return _claim(reading, token.i, relation, prep)
        return None
    if word == "between":
        return _claim(reading, token.i, "between", token)
    if word not in _PLAIN or token.pos not in ("ADP", "SCONJ", "ADV") or token.dep == "agent":
        return None
    for noun in parsed.children(token.i, "pobj"):
        if noun.lower in _WITH_OF and word in ("in", "on"):
            of = [prep for prep in parsed.children(noun.i, "prep") if prep.lower == "of"]
            return _claim(reading, token.i, _WITH_OF[noun.lower], of[0]) if of else None
    head = reading.tokens[token.head]
    if word == "by" and head.lemma.lower() not in _BY:
        return None
    if word == "over" and head.lemma.lower() in _MOVING:
        return None
    return _claim(reading, token.i, _PLAIN[word], token)


def _claim(reading: CaptionReading, at: int, relation: Relation, prep: Token) -> _Claim | None:
    nouns = [noun.i for noun in reading.parsed.children(prep.i, "pobj")]
    nouns += [joined for noun in nouns for joined in _joined(reading, noun)]
    if not nouns:
        return None
    return _Claim(at, max(nouns) + 1, relation, tuple(nouns))


def _joined(reading: CaptionReading, noun: int) -> list[int]:
    """*fence* of "the tree and the fence"."""
    found, todo = [], [noun]
    while todo:
        for one in reading.parsed.children(todo.pop(), "conj"):
            if one.pos in ("NOUN", "PROPN", "PRON"):
                found.append(one.i)
                todo.append(one.i)
    return found


def _statements(reading: CaptionReading, claim: _Claim) -> list[Statement]:
    subjects = reading.subjects_of(claim.at)
    if reading.tokens[claim.at].pos == "VERB":
        subjects = reading.of_verb(reading.tokens[claim.at])
    if not subjects:
        return []
    if claim.relation == "between":
        return _between(reading, claim, subjects)
    found = []
    for other in claim.others:
        statement = _one(reading, claim, subjects, other)
        if statement is not None:
            found.append(statement)
    return found


def _one(
    reading: CaptionReading, claim: _Claim, subjects: Sequence[Mention], other: int
) -> Statement | None:
    mention = reading.mention(other)
    if mention is None or mention.who == "nobody" or not reading.regions(mention):
        return None
    if reading.tokens[other].lemma.lower() in _SPOTS:
        return None
    close = claim.relation in CLOSENESS
    usable = [
        one
        for one in subjects
        if (one.who != "part" or close) and set(one.segments) != set(mention.segments)
    ]
    if not usable or (subjects[0].who == "part" and not close):
        return None
    if mention.who == "part" and not close:
        return None
    negated = reading.negated(claim.at)
    verdict = _weighed(reading, claim.relation, usable, mention, negated)
    if verdict is None:
        return None
    if subjects[0].who == "part" and verdict[0] == "supported":
        verdict = ("cannot tell", f"it is a part: {verdict[1]}")
    says = (
        f"{reading.name(usable[0])}: {'not ' if negated else ''}{claim.relation} "
        f"{reading.name(mention)}"
    )
    return reading.statement("relation", says, claim.at, claim.past, verdict)


def _weighed(
    reading: CaptionReading,
    relation: Relation,
    subjects: Sequence[Mention],
    mention: Mention,
    negated: bool,
) -> Verdict | None:
    if relation in _DEPTH:
        return "cannot tell", "depth is not told by masks of a picture plane"
    check = check_of(relation)
    others = reading.regions(mention)
    every = _every(reading, mention, len(others))

    def test(facts: RegionFacts) -> Verdict:
        chosen = [one for one in others if one.id != facts.id]
        if not chosen:
            return "cannot tell", "it is said of the thing itself"
        found = [check(facts, one, reading.scene) for one in chosen]
        if every and any(verdict[0] == "contradicted" for verdict in found):
            return next(verdict for verdict in found if verdict[0] == "contradicted")
        for truth in ("contradicted", "supported"):
            if all(verdict[0] == truth for verdict in found):
                if truth == "contradicted" and any(one.iscrowd for one in chosen):
                    return "cannot tell", f"a crowd may be meant: {found[0][1]}"
                return found[0]
        return "cannot tell", found[0][1]

    verdict = reading.weigh(subjects, test)
    if negated:
        verdict = turned(verdict)
        if verdict[0] == "contradicted" and relation not in _DENIABLE:
            # What touches a table may stand on a saucer all the same.
            verdict = ("cannot tell", verdict[1])
    if mention.who == "part" and verdict[0] == "supported" and not negated:
        # Near the whole is not near the part.
        return "cannot tell", verdict[1]
    return verdict


def _every(reading: CaptionReading, mention: Mention, count: int) -> bool:
    """ "All the towers", "the four towers" of four: each of them is meant."""
    if not mention.plural or mention.crowd or count < 2:
        return False
    words = {token.lower for token in reading.tokens[mention.first : mention.past]}
    numbers = {NUMBERS.get(word) for word in words}
    return bool(words & {"all", "both"}) or count in numbers


def _between(
    reading: CaptionReading, claim: _Claim, subjects: Sequence[Mention]
) -> list[Statement]:
    found = [reading.mention(i) for i in claim.others]
    if any(one is None or one.who in ("nobody", "part") for one in found):
        return []
    mentions = [one for one in found if one is not None]
    groups = [reading.regions(one) for one in mentions]
    if any(one.iscrowd for group in groups for one in group) or subjects[0].who == "part":
        return []
    subjects = [one for one in subjects if one.who != "part"]
    negated = reading.negated(claim.at)

    def test(facts: RegionFacts) -> Verdict:
        rest = [[one for one in group if one.id != facts.id] for group in groups]
        if len(rest) == 1 and len(rest[0]) > 1:
            if len(rest[0]) == 2:
                return between_two(facts, rest[0][0], rest[0][1], reading.scene)
            return between_all(facts, rest[0], reading.scene)
        if len(rest) != 2 or not all(rest):
            return "cannot tell", "between what is not told"
        pairs = [
            between_two(facts, a, b, reading.scene)
            for a in rest[0]
            for b in rest[1]
            if a.id != b.id
        ]
        for truth in ("contradicted", "supported"):
            if pairs and all(verdict[0] == truth for verdict in pairs):
                return pairs[0]
        return "cannot tell", "several pairs may be meant"

    verdict = reading.weigh(subjects, test)
    if negated:
        verdict = turned(verdict)
    names = " and ".join(dict.fromkeys(reading.name(one) for one in mentions))
    says = f"{reading.name(subjects[0])}: {'not ' if negated else ''}between {names}"
    return [reading.statement("relation", says, claim.at, claim.past, verdict)]
