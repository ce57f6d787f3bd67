"""Finds the entities of a caption: which noun phrases and pronouns name one and the same.

A phrase with an indefinite article or another ordinal is a new entity; one with "the" is the last
one of its name that nothing speaks against. A plural that its members follow ("three flowers …
the main flower … the second flower") is no entity but stands for them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from annoengine.box import iou
from annoengine.claims.colour_terms import is_colour_word
from annoengine.claims.mention_words import BODY, IT, PARTS, SHE, THEY, is_person
from annoengine.language.parsed import Parsed, Token
from annoengine.pancap.content import BoxUnit
from annoengine.pancap.embedded_phrases import NOUNS
from annoengine.pancap.embedded_words import (
    AMOUNT,
    GLOBAL,
    MATERIALS,
    NO_ENTITY,
    NUMBERS,
    ORDINALS,
    SIDES,
)

_INDEFINITE = frozenset(
    "a an another some several many two three four five six seven eight".split()
)
_PLURAL_ONLY = {
    word: word for word in "pants jeans trousers shorts clothes glasses sunglasses overalls".split()
}
"""Plurals whose singular is another thing, or none."""

_TIMES = frozenset(
    "day daytime night nighttime morning evening noon afternoon summer winter spring autumn rain "
    "snow raining snowing sunny rainy foggy windy overcast cloudy dark".split()
)
_SAME_ENOUGH = 0.5
"""IoU from which a second box of "the cup" is the same cup's. Ours."""


@dataclass(eq=False)
class Found:
    """An entity while a caption is read."""

    lemma: str
    tag: str
    words: set[str]
    plural: bool
    count: int | None
    first: int
    boxes: list[BoxUnit] = field(default_factory=list)
    part: bool = False
    owner: Found | None = None
    heading: bool = False


@dataclass
class Entities:
    """The entities in their order, and which of them each word stands for."""

    found: list[Found] = field(default_factory=list)
    of_word: dict[int, tuple[Found, ...]] = field(default_factory=dict)


def entities_of(
    parsed: Parsed,
    boxes: Mapping[int, Sequence[BoxUnit]],
    partners: Mapping[int, int],
    headings: set[int],
) -> Entities:
    """The entities of a parsed caption.

    ``boxes``: by the word that heads their phrase. ``partners``: words that share an entity with a
    later one ("stems and leaves"). ``headings``: words of a line's heading.
    """
    reading = _Reading(parsed, boxes, headings)
    for token in parsed.tokens:
        if token.i in partners:
            continue
        reading.read(token)
    for one, other in partners.items():
        named = reading.entities.of_word.get(other, ())
        for found in named:
            found.tag = f"{parsed.tokens[one].lower} and {parsed.tokens[other].lower}"
            found.words |= modifiers_of(parsed, one)
        reading.entities.of_word[one] = named
    reading.settle_parts()
    _dissolve_groups(reading.entities)
    return reading.entities


def modifiers_of(parsed: Parsed, head: int) -> set[str]:
    """What stands before a noun, without articles, numbers and owners."""
    words: set[str] = set()
    for child in parsed.children(head, "amod", "compound", "nmod"):
        if child.i < head:
            words |= {t.lower for t in parsed.subtree(child.i) if t.pos not in ("PUNCT", "CCONJ")}
    return words


class _Reading:
    def __init__(
        self, parsed: Parsed, boxes: Mapping[int, Sequence[BoxUnit]], headings: set[int]
    ) -> None:
        self.parsed = parsed
        self.boxes = boxes
        self.headings = headings
        self.entities = Entities()
        self.recent: list[Found] = []
        self.topic: Found | None = None

    def read(self, token: Token) -> None:
        if token.lower in IT | SHE | THEY:
            named = self._pronoun(token)
            if named and token.i in self.boxes:
                self._place(named[0], self.boxes[token.i])
        elif token.i in self.boxes or (
            token.pos in NOUNS and token.dep not in ("compound", "amod", "nmod")
        ):
            named = self._noun(token)
        else:
            return
        if not named:
            return
        self.entities.of_word[token.i] = named
        for one in named:
            if one in self.recent:
                self.recent.remove(one)
            self.recent.append(one)
        if token.dep in ("nsubj", "nsubjpass", "ROOT", "attr") or token.i in self.boxes:
            self.topic = named[-1]

    def settle_parts(self) -> None:
        """Says which entities are parts, when those named after them are known: "the lid of …"."""
        for one in self.entities.found:
            token = self.parsed.tokens[one.first]
            one.owner = one.owner or self._owner(token)
            one.part = one.lemma in BODY or (one.owner is not None and one.lemma in PARTS)

    def _pronoun(self, token: Token) -> tuple[Found, ...]:
        if token.lower == "it" and _says_when(self.parsed, token):
            return ()
        if token.lower in THEY:
            fits = [one for one in self.recent if one.plural]
        elif token.lower in SHE:
            fits = [one for one in self.recent if is_person(one.lemma)] or [
                one for one in self.recent if one is self.topic
            ]
        else:
            fits = [one for one in self.recent if not one.plural and not is_person(one.lemma)]
        if not fits:
            return ()
        return (self.topic if self.topic in fits else fits[-1],)

    def _noun(self, token: Token) -> tuple[Found, ...]:
        parsed, boxes = self.parsed, list(self.boxes.get(token.i, ()))
        lemma = _PLURAL_ONLY.get(token.lower, token.lemma.lower())
        if self._is_predicate(token):
            return ()
        before = [child for child in parsed.children(token.i) if child.i < token.i]
        words = modifiers_of(parsed, token.i)
        known = self._known(token, lemma, words, before, boxes)
        if known:
            if boxes and len(known) == 1:
                self._place(known[0], boxes)
            if token.i in self.headings:
                known[0].tag = " ".join([*_compounds(parsed, token.i), lemma])
            return known
        if not boxes and not self._names_entity(token, lemma):
            return ()
        count = next((NUMBERS[c.lower] for c in before if c.lower in NUMBERS), None)
        plural = token.tag in ("NNS", "NNPS")
        tag = " ".join([*_compounds(parsed, token.i), lemma])
        each = len(boxes) if len(boxes) > 1 and (plural or count == len(boxes)) else 1
        made = []
        for n in range(each):
            one = Found(lemma, tag, set(words), plural and each == 1, count, token.i)
            one.boxes = [boxes[n]] if each > 1 else boxes
            one.heading = token.i in self.headings
            one.owner = self._owner(token)
            self.entities.found.append(one)
            made.append(one)
        return tuple(made)

    def _is_predicate(self, token: Token) -> bool:
        """Is a noun what something is said to be: "it is a narrow channel"?"""
        if token.dep != "attr" or token.i in self.boxes:
            return False
        subjects = self.parsed.children(token.head, "nsubj")
        return any(subject.i in self.entities.of_word for subject in subjects)

    def _names_entity(self, token: Token, lemma: str) -> bool:
        if lemma in NO_ENTITY or lemma in GLOBAL or token.pos not in NOUNS:
            return False
        if lemma in MATERIALS and token.dep in ("pobj", "conj"):
            return False
        if lemma.endswith("ness") or any(c.lower == "no" for c in self.parsed.children(token.i)):
            return False
        if is_colour_word(lemma) or lemma in ORDINALS or lemma in SIDES or lemma.isdigit():
            return False
        of_what = self.parsed.children(token.i, "prep")
        if lemma in AMOUNT and any(prep.lower == "of" for prep in of_what):
            return False
        return lemma.isascii() and lemma.replace("-", "").isalpha() and len(lemma) > 1

    def _known(
        self,
        token: Token,
        lemma: str,
        words: set[str],
        before: Sequence[Token],
        boxes: Sequence[BoxUnit],
    ) -> tuple[Found, ...]:
        plural = token.tag in ("NNS", "NNPS")
        same = [one for one in self.recent if one.lemma == lemma]
        if boxes:
            same = [
                one for one in same if not one.boxes or iou(one.boxes[0], boxes[0]) >= _SAME_ENOUGH
            ]
        if not same or len(boxes) > 1:
            return ()
        telling = words & (ORDINALS | SIDES)
        determiners = {child.lower for child in before if child.dep in ("det", "nummod")}
        if "another" in determiners or telling & {"other", "another"}:
            return ()
        definite = bool(determiners & {"the", "this", "that", "these", "those", "both"}) or any(
            child.dep == "poss" for child in before
        )
        if token.dep == "conj" and not determiners and not boxes:
            above = self.parsed.children(token.head, "det")
            definite = definite or any(child.lower == "the" for child in above)
        if determiners & _INDEFINITE and not definite and not boxes and not telling:
            again = [one for one in same if words and words == one.words and one.plural == plural]
            topic = [one for one in same if one.heading and one is self.topic]
            if again or topic:
                return ((again or topic)[-1],)
        if words and words == same[-1].words and not same[-1].boxes and not telling:
            return (same[-1],)
        if determiners & _INDEFINITE and not definite:
            return ()
        if not definite and not plural and token.i not in self.headings:
            fresh = [one for one in same if not one.boxes]
            return (fresh[-1],) if fresh and not boxes else ()
        if plural:
            groups = [one for one in same if one.plural]
            members = [one for one in same if not one.plural]
            if groups and not words - groups[-1].words:
                return (groups[-1],)
            if definite and len(members) > 1 and not telling:
                return tuple(members)
            return (groups[-1],) if groups and definite and not telling else ()
        single = [one for one in same if not one.plural]
        if telling:
            exact = [one for one in single if telling <= one.words]
            loose = [one for one in single if one.heading and not one.words & (ORDINALS | SIDES)]
            picked = exact or (loose if not boxes else [])
            return (picked[-1],) if picked else ()
        owner = self._owner(token)
        if owner is not None and any(child.dep == "poss" for child in before):
            single = [one for one in single if one.owner in (owner, None)]
        fitting = [one for one in single if words <= one.words] or single
        if self.topic in fitting:
            return (self.topic,)
        return (fitting[-1],) if fitting else ()

    def _place(self, one: Found, boxes: Sequence[BoxUnit]) -> None:
        if not one.boxes:
            one.boxes = list(boxes)

    def _owner(self, token: Token) -> Found | None:
        """Whose part a noun is by "its", "the comb's" and "of the comb"."""
        owners = self.parsed.children(token.i, "poss")
        for prep in self.parsed.children(token.i, "prep"):
            if prep.lower == "of":
                owners += self.parsed.children(prep.i, "pobj")
        for owner in owners:
            named = self.entities.of_word.get(owner.i)
            if named:
                return named[-1]
            same = [one for one in self.recent if one.lemma == owner.lemma.lower()]
            if same:
                return same[-1]
        return None


def _says_when(parsed: Parsed, it: Token) -> bool:
    """ "It is daytime", "it is raining": nothing is meant by it."""
    said = [parsed.tokens[it.head], *parsed.children(it.head, "attr", "acomp")]
    return any(t.lemma.lower() in _TIMES for t in said)


def _compounds(parsed: Parsed, head: int) -> list[str]:
    return [
        child.lower
        for child in parsed.children(head, "compound")
        if child.i < head
        and child.lower not in MATERIALS
        and not is_colour_word(child.lower)
        and child.lower not in SIDES | ORDINALS
    ]


def _dissolve_groups(entities: Entities) -> None:
    """Lets a plural without a box stand for the single ones of its name that have theirs."""
    for group in [one for one in entities.found if one.plural and not one.boxes]:
        members = tuple(
            one
            for one in entities.found
            if one.lemma == group.lemma and one.boxes and not one.plural
        )
        enough = len(members) >= 2 and (group.count is None or len(members) <= group.count)
        if not enough:
            continue
        entities.found.remove(group)
        for word, named in entities.of_word.items():
            if group in named:
                rest = tuple(one for one in named if one is not group)
                entities.of_word[word] = tuple(dict.fromkeys((*rest, *members)))
