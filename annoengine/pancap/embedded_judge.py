"""Answers yes/no questions about a caption from its content by rule: an embedded stand-in judge.

A question and every statement of the content become bags of stems with entity numbers; a question
is answered Yes where one statement, or several about the same entity, hold all that it asks, and
No where something speaks against it or nothing is said. It is no text model: it draws no
conclusion, so scores that rest on it must be named as such. No clock, no network, no state.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from annoengine.claims.mention_words import WHOLE, WORN
from annoengine.language.wordnet import OFF, WordClass, WordNet, wordnet_of, wordnet_version
from annoengine.pancap.content import Content
from annoengine.pancap.judge_reading import Said, read_statement, statements_of, verbs_of
from annoengine.pancap.judge_words import (
    IMPLIED,
    INVERSE,
    alike,
    opposite,
    stem,
)
from annoengine.pancap.judging import Answer
from annoengine.pancap.questions import Question

RULES = 1
"""Rises with every change of what is answered."""

_CLASSES: tuple[WordClass, ...] = ("adj", "noun", "verb")
_PARTS_OF_ALL = frozenset(stem(word) for word in WHOLE | {"surface", "front", "body", "texture"})

Verdict = Literal["yes", "no", "not mentioned"]
"""``not mentioned`` counts as No."""

_OPENING = re.compile(r"^\W*is it (true|false|correct|wrong|the case) that\s+", re.IGNORECASE)
_GARMENTS = frozenset(stem(word) for word in WORN | {"uniform", "raincoat", "coat", "dress"})
_WEAK = frozenset({"in", "on", "at", "with"})
_POSTURES = frozenset(
    stem(word) for word in "sit stand lie rest lean stack float place locate park kneel lay".split()
)
"""Verbs of what is simply somewhere: what it is on is below it."""


def judge_version(wordnet: str = OFF) -> str:
    """For fingerprints: the rules, and WordNet where it is on."""
    return f"embedded judge {RULES}, WordNet {wordnet_version(wordnet)}"


class EmbeddedJudge:
    """Answers questions about one caption. ``wordnet``: "off", "auto" or its folder."""

    def __init__(self, content: Content, wordnet: str = OFF) -> None:
        self._tags = {one.id: one.tag.lower() for one in content.entities}
        self._net = _Likeness(wordnet_of(wordnet))
        texts = [one.text for one in content.attributes]
        texts += [one.text for one in content.relations]
        texts += [one.text for one in content.globals]
        self._texts = {_plain(text) for text in texts}
        self._facts = [read_statement(text) for text in statements_of(content, self._tags)]
        self._globals = [read_statement(state.text) for state in content.globals]

    def answer_all(self, questions: Iterable[Question]) -> Mapping[int, Answer]:
        """The answers to both questions of every item, by the item's id."""
        return {
            question.item.id: Answer(self.answer(question.yes), self.answer(question.no))
            for question in questions
        }

    def answer(self, question: str) -> bool:
        """Yes or No; No where the caption does not say."""
        return self.verdict(question) == "yes"

    def verdict(self, question: str) -> Verdict:
        """Yes, no, or not mentioned."""
        opening = _OPENING.match(question)
        text = question[opening.end() :] if opening else question
        verdict: Verdict = "yes"
        if _plain(text) not in self._texts:
            verdict = self._verdict(read_statement(text))
        if opening and opening[1].lower() in ("false", "wrong"):
            turned: dict[Verdict, Verdict] = {"yes": "no", "no": "yes"}
            return turned.get(verdict, verdict)
        return verdict

    def _verdict(self, asked: Said) -> Verdict:
        known = all(entity in self._tags for entity in asked.entities)
        if not known:
            return "not mentioned"
        if len(set(asked.entities)) >= 2:
            return self._of_relation(asked)
        if asked.entities:
            return self._of_entity(asked, asked.entities[0])
        return self._of_image(asked)

    # One entity.

    def _of_entity(self, asked: Said, entity: int) -> Verdict:
        about = [fact for fact in self._facts if fact.entities[:1] == (entity,)]
        return self._weighed(asked, about)

    def _weighed(self, asked: Said, about: Sequence[Said]) -> Verdict:
        """Yes where every stem is held with the same polarity, no where one is spoken against."""
        wanted = asked.direct | asked.rest
        if not wanted:
            return "not mentioned"
        same = [fact for fact in about if fact.negated == asked.negated]
        if any(self._holds(fact, asked) for fact in same):
            return "yes"
        if not asked.rest and len(asked.direct) > 1 and asked.part is None and not asked.negated:
            each = [_only(asked, one) for one in sorted(asked.direct)]
            if all(any(self._holds(fact, one) for fact in same) for one in each):
                return "yes"
        other = [fact for fact in about if fact.negated != asked.negated]
        if any(self._holds(fact, asked) for fact in other):
            return "no"
        plain = [fact for fact in about if not fact.negated]
        against = any(
            self._speaks_against(fact, asked) for fact in plain if asked.part in (None, fact.part)
        )
        if against:
            return "yes" if asked.negated else "no"
        return "not mentioned"

    def _speaks_against(self, fact: Said, asked: Said) -> bool:
        """Does a statement hold the opposite of a stem, and all the others?"""
        if any(self._net.opposite(a, b) for a in asked.direct for b in fact.direct):
            return True
        wanted, said = asked.direct | asked.rest, fact.direct | fact.rest
        return any(
            any(self._net.opposite(one, other) for other in said)
            and len(wanted) > 1
            and all(self._found(rest, said, fact) for rest in wanted - {one})
            for one in wanted
        )

    def _holds(self, fact: Said, asked: Said) -> bool:
        of_part = fact.part is not None and fact.part not in _PARTS_OF_ALL
        if of_part and asked.part is None and fact.part not in asked.direct | asked.rest:
            return False
        if asked.part is not None and fact.part is not None and asked.part != fact.part:
            return False
        unsaid = asked.part is not None and fact.part is None and asked.part not in fact.rest
        if unsaid and asked.part not in _PARTS_OF_ALL:
            return False
        everything = fact.direct | fact.rest | ({fact.part} if fact.part else set())
        of_itself = fact.direct if not asked.having and asked.part is None else everything
        if asked.spatial - fact.spatial - _WEAK:
            return False
        if not all(self._found(one, asked.direct | asked.rest, fact) for one in fact.lead):
            return False
        if not all(self._found(one, of_itself, fact) for one in asked.direct):
            return False
        return all(self._found(one, everything, fact) for one in asked.rest)

    def _found(self, one: str, among: Iterable[str], fact: Said) -> bool:
        if one == "wear":
            worn = bool(_GARMENTS & (fact.rest | fact.direct))
            return "wear" in fact.direct | fact.rest or (worn and "in" in fact.spatial)
        return any(self._net.alike(one, said) for said in among)

    # Two entities and more.

    def _of_relation(self, asked: Said) -> Verdict:
        if "between" in asked.spatial and len(set(asked.entities)) == 3:
            return self._between(asked)
        first, second = asked.entities[0], asked.entities[1]
        verdict: Verdict = "not mentioned"
        for fact in self._facts:
            if len(fact.entities) < 2 or {first, second} - set(fact.entities):
                continue
            forward = fact.entities.index(first) < fact.entities.index(second)
            held = self._relates(asked, fact, forward)
            if held == "yes":
                return "yes" if fact.negated == asked.negated else "no"
            verdict = held if verdict == "not mentioned" else verdict
        return verdict

    def _relates(self, asked: Said, fact: Said, forward: bool) -> Verdict:
        wanted = verbs_of(asked)
        said = verbs_of(fact)
        spatial = fact.spatial | frozenset(
            more for one in fact.spatial for more in IMPLIED.get(one, ())
        )
        if "hang" in said and "from" in spatial:
            spatial |= {"below"}
        if "in" in spatial and "center" in said:
            spatial |= {"on"}
        wears = "wear" in said or "dress" in said
        if wears:
            spatial |= {"in"}
        if "in" in spatial and not said and self._is_garment(fact.entities[-1]):
            said, wears = said | {"wear"}, True
        flipped = forward == (asked.passive != fact.passive) if wanted & said else not forward
        if asked.passive != fact.passive and any(
            self._net.alike(one, other) for one in wanted for other in said
        ):
            flipped = forward
        if flipped:
            return self._inverse(asked, fact, wanted, said, spatial)
        if wanted == {"us"} and "with" in spatial and said:
            return "yes"  # "Using a shovel": digging with it.
        if not all(any(self._net.alike(one, other) for other in said) for one in wanted):
            return self._against(asked, wanted, said, spatial)
        if asked.having and not wanted and not asked.spatial - {"with"}:
            return "yes" if fact.having or "with" in fact.spatial else "not mentioned"
        if asked.passive and not asked.spatial - {"near"}:
            return "yes"
        if asked.spatial <= spatial:
            return "yes" if asked.spatial or wanted else "not mentioned"
        return self._against(asked, wanted, said, spatial)

    def _inverse(
        self,
        asked: Said,
        fact: Said,
        wanted: frozenset[str],
        said: frozenset[str],
        spatial: frozenset[str],
    ) -> Verdict:
        """The fact goes from the second entity to the first."""
        turned = frozenset(INVERSE[one] for one in spatial if one in INVERSE)
        if "on" in spatial and said - _POSTURES:
            turned -= {"below"}
        if wanted == {"part"}:
            return "yes" if fact.having else "not mentioned"
        if wanted:
            compared = any(opposite(one, other) for one in wanted for other in said)
            in_hand = "hand" in wanted and bool(said & {"hold", "carry"})
            if compared or in_hand:
                return "yes"
            return (
                "no"
                if any(alike(one, other) for one in wanted for other in said)
                else ("not mentioned")
            )
        if "in" in asked.spatial and said & {"fill", "contain", "full"}:
            return "yes"
        if asked.spatial and asked.spatial <= turned:
            return "yes"
        if any(INVERSE.get(one) in turned for one in asked.spatial):
            return "no"
        return "not mentioned"

    def _against(
        self, asked: Said, wanted: frozenset[str], said: frozenset[str], spatial: frozenset[str]
    ) -> Verdict:
        if any(INVERSE.get(one) in spatial - {one} for one in asked.spatial):
            return "no"
        if any(self._net.opposite(one, other) for one in wanted for other in said):
            return "no"
        return "not mentioned"

    def _between(self, asked: Said) -> Verdict:
        middle, *sides = asked.entities
        for fact in self._facts:
            told = "between" in fact.spatial and fact.entities[:1] == (middle,)
            if told and set(asked.entities) <= set(fact.entities):
                return "yes"
        for one, other in (("left", "right"), ("above", "below"), ("front", "behind")):
            for a, b in (sides, sides[::-1]):
                if self._is_so(a, middle, one) and self._is_so(b, middle, other):
                    return "yes"
        return "not mentioned"

    def _is_so(self, a: int, b: int, relation: str) -> bool:
        asked = Said(
            (a, b), frozenset(), frozenset(), frozenset({relation}), False, False, None, False
        )
        return self._of_relation(asked) == "yes"

    def _is_garment(self, entity: int) -> bool:
        return stem(self._tags[entity].split()[-1]) in _GARMENTS if self._tags[entity] else False

    # The whole image.

    def _of_image(self, asked: Said) -> Verdict:
        verdict = self._weighed(_flat(asked), [_flat(fact) for fact in self._globals])
        if verdict != "not mentioned":
            return verdict
        words = asked.direct | asked.rest
        for entity, tag in sorted(self._tags.items()):
            name = stem(tag.split()[-1]) if tag else ""
            if name in words and words - {name}:
                about = [fact for fact in self._facts if fact.entities[:1] == (entity,)]
                said = self._weighed(
                    Said(
                        (entity,),
                        words - {name},
                        frozenset(),
                        asked.spatial,
                        False,
                        asked.negated,
                        None,
                        True,
                    ),
                    about,
                )
                if said != "not mentioned":
                    return said
        return "not mentioned"


class _Likeness:
    """Which stems mean the same; remembers what WordNet said."""

    def __init__(self, net: WordNet | None) -> None:
        self._net = net
        self._known: dict[tuple[str, str], bool] = {}

    def alike(self, asked: str, said: str) -> bool:
        if alike(asked, said):
            return True
        if self._net is None or opposite(asked, said):
            return False
        if (asked, said) not in self._known:
            net = self._net
            self._known[asked, said] = any(
                net.are_synonyms(asked, said, kind) for kind in _CLASSES
            ) or net.is_kind_of(said, asked, 3)
        return self._known[asked, said]

    def opposite(self, one: str, other: str) -> bool:
        return opposite(one, other)


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".?! ")


def _only(asked: Said, one: str) -> Said:
    return Said(
        asked.entities,
        frozenset({one}),
        frozenset(),
        asked.spatial,
        asked.passive,
        asked.negated,
        asked.part,
        asked.having,
    )


def _flat(said: Said) -> Said:
    """A statement about the image: nothing in it is another's."""
    every = said.direct | said.rest | ({said.part} if said.part else set())
    return Said((), every, frozenset(), said.spatial, False, said.negated, None, True)
