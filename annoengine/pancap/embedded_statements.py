"""Turns the sentences of a caption into statements about its entities.

What stands before a noun, what a verb says of its subject, what a preposition adds: each becomes
one short statement in which entities go by their number. A statement that names a second entity is
a relation, one that names none is an attribute. What only draws a conclusion is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from annoengine.claims.colour_terms import is_colour_word
from annoengine.claims.mention_words import BODY, PARTS, WORN
from annoengine.language.parsed import Parsed, Token
from annoengine.pancap.content import Attribute, Relation
from annoengine.pancap.embedded_phrases import NOUNS, phrase_start, subject_of
from annoengine.pancap.embedded_words import (
    ADVERBS_UNSAID,
    FORMS_OF_BE,
    HOLLOW,
    INFERS,
    LOCATING,
    MATERIALS,
    MODALS,
    NO_ENTITY,
    NUMBERS,
    ORDINALS,
    SHADE_WORDS,
    SHINE,
    SHOWS,
    SIDES,
    STATES,
    VAGUE,
)

_PIECES = ("prep", "dobj", "acomp", "attr", "oprd", "xcomp", "agent", "dative", "npadvmod", "pobj")
_OF_VERB = ("aux", "auxpass", "neg", "prt", "advmod")
_LEFT_OUT = ("punct", "advcl", "relcl", "acl", "ccomp", "mark", "appos")
_BE = frozenset({"be"})
_LONGEST = 16
"""Words of an attribute at most; what is longer says several things. Ours."""


class Statements:
    """Collects what one caption says. ``ids``: the entities that a word stands for."""

    def __init__(self, parsed: Parsed, ids: Mapping[int, Sequence[int]]) -> None:
        self.parsed = parsed
        self.ids = ids
        self.attributes: dict[Attribute, None] = {}
        self.relations: dict[Relation, None] = {}
        for token in parsed.tokens:
            if token.i in ids and token.pos != "PRON":
                self._before_noun(token)
                self._after_noun(token)
            is_said = token.pos in ("VERB", "AUX") or parsed.children(token.i, "auxpass")
            if is_said and token.dep not in ("aux", "auxpass", "amod"):
                self._verb(token)

    # What stands about a noun.

    def _before_noun(self, noun: Token) -> None:
        for child in self.parsed.children(noun.i, "amod", "compound", "nmod", "nummod", "poss"):
            if child.i > noun.i:
                continue
            if (
                child.dep == "nummod"
                and child.lower in NUMBERS.keys() - {"one"}
                and len(self.ids[noun.i]) == 1
            ):
                (one,) = self.ids[noun.i]
                is_or_are = "is" if child.lower == "one" else "are"
                self.attributes[
                    Attribute(one, f"there {is_or_are} {child.lower} of entity {one}")
                ] = None
            elif child.dep == "poss":
                self._owned(noun, child)
            elif child.dep != "nummod":
                self._modifier(noun, child)

    def _modifier(self, noun: Token, child: Token) -> None:
        for word in self._joined(child):
            if word.lower in ORDINALS | SIDES | VAGUE or word.lower in NUMBERS:
                continue
            after = self.parsed.tokens[word.i + 1 : word.i + 2]
            if word.lower in SHADE_WORDS and after and is_colour_word(after[0].lower):
                continue  # "Dark blue" is said with "blue".
            if child.dep == "compound" and not (
                word.lower in MATERIALS or is_colour_word(word.lower)
            ):
                continue
            before = [
                t
                for t in self.parsed.subtree(word.i)
                if t.i < word.i
                and t.dep in ("advmod", "amod", "npadvmod", "compound", "punct")
                and t.lower not in SIDES
            ]
            shade = self.parsed.tokens[word.i - 1] if word.i else word
            if shade.lower in SHADE_WORDS and shade not in before and is_colour_word(word.lower):
                before.append(shade)
            is_stuff = word.lower in MATERIALS and word.pos in NOUNS
            made = "made of " if is_stuff and word.lower not in SHINE else ""
            said = self._text([*before, word])
            for one in self.ids[noun.i]:
                self.attributes[Attribute(one, f"entity {one} is {made}{said}")] = None
            for deeper in self.parsed.children(word.i, "amod"):
                if word.pos in NOUNS and deeper.i < word.i:
                    self._modifier(noun, deeper)

    def _joined(self, first: Token) -> list[Token]:
        found, todo = [], [first]
        while todo:
            one = todo.pop()
            found.append(one)
            todo += [c for c in self.parsed.children(one.i, "conj") if c.pos in ("ADJ", *NOUNS)]
        return sorted(found, key=lambda token: token.i)

    def _owned(self, noun: Token, owner: Token) -> None:
        worn = noun.lemma.lower() in WORN
        for a in self.ids.get(owner.i, ()):
            for b in self.ids[noun.i]:
                self._relation(a, b, f"entity {a} {'wears' if worn else 'has'} entity {b}")

    def _after_noun(self, noun: Token) -> None:
        for child in self.parsed.children(noun.i):
            if child.i < noun.i:
                continue
            if child.dep == "prep":
                self._preposition(noun, child)
            elif child.dep == "amod":
                for one in self.ids[noun.i]:
                    self._complements(one, "is", child)
            elif child.dep == "acl" and child.tag in ("VBG", "VBN"):
                self._predicate(self.ids[noun.i], child, noun.i)

    def _preposition(self, noun: Token, prep: Token) -> None:
        for one in self.ids[noun.i]:
            if prep.lower == "of":
                self._part_of(one, noun, prep)
            elif prep.lower == "with":
                self._piece(one, "has", prep, skip=True)
            else:
                self._piece(one, "is", prep)

    def _part_of(self, one: int, noun: Token, prep: Token) -> None:
        for thing in self.parsed.children(prep.i, "pobj"):
            if is_colour_word(thing.lower):
                self._attribute(one, f"entity {one} is {thing.lower}")
            for whole in self.ids.get(thing.i, ()):
                if noun.lemma.lower() in PARTS | BODY:
                    self._relation(whole, one, f"entity {whole} has entity {one}")
                else:
                    self._relation(one, whole, f"entity {one} is of entity {whole}")

    # What a verb says.

    def _verb(self, verb: Token) -> None:
        if verb.dep == "acl":
            return  # Its noun has it.
        subject = subject_of(self.parsed, verb.i)
        if verb.dep in ("advcl", "xcomp", "ccomp") and verb.lemma.lower() in INFERS:
            return
        if verb.dep == "xcomp" and self.parsed.children(verb.i, "aux"):
            return  # "appears to be …" is said with its verb.
        if subject is None:
            return
        if subject.lower == "there":
            below = self.parsed.children(verb.i, "attr", "dobj")
            if below and below[0].i in self.ids:
                self._there(below[0], verb)
            return
        whose = self.ids.get(subject.i, ())
        if whose:
            self._predicate(whose, verb, subject.i)
        elif subject.lemma.lower() in NO_ENTITY:
            self._of_part(subject, verb)
        for other in self.parsed.children(subject.i, "conj"):
            if self.ids.get(other.i):
                self._predicate(self.ids[other.i], verb, other.i)

    def _there(self, noun: Token, verb: Token) -> None:
        for prep in self.parsed.children(verb.i, "prep"):
            for one in self.ids[noun.i]:
                self._piece(one, "is", prep)

    def _of_part(self, subject: Token, verb: Token) -> None:
        """ "The surface of the desk is smooth": said of the desk, part and all."""
        owners = list(self.parsed.children(subject.i, "poss"))
        for prep in self.parsed.children(subject.i, "prep"):
            owners += self.parsed.children(prep.i, "pobj") if prep.lower == "of" else []
        for owner in owners:
            for one in self.ids.get(owner.i, ()):
                rest = self._predicate_text(verb, subject.i)
                self._attribute(one, f"entity {one}'s {subject.lower} {rest}")

    def _predicate(self, whose: Sequence[int], verb: Token, subject: int) -> None:
        above = self.parsed.tokens[subject]
        same = {subject, above.head if above.dep == "conj" else subject}
        pieces = [
            c
            for c in self.parsed.children(verb.i, *_PIECES)
            if c.i not in same and not self._has_subject(c)
        ]
        for c in pieces:
            if c.dep in ("prep", "prt") and not self.parsed.children(c.i) and c.lower in STATES:
                for one in whose:
                    self._attribute(one, f"entity {one} {self._verb_text(verb)} {c.lower}")
        pieces = [c for c in pieces if not (c.dep == "prep" and not self.parsed.children(c.i))]
        said = self._verb_text(verb)
        things = [c for c in pieces if c.dep == "dobj" and self.ids.get(c.i)]
        where = [c for c in pieces if c.dep == "prep"] if things else []
        pieces = [c for c in pieces if c not in where]
        for piece in where:
            thing = self._own_words(things[0])
            words = [*thing, *self._own_words(piece)]
            for one in whose:
                self._say(
                    one, f"{said} {self._text(thing)} {self._text(words[len(thing) :])}", words
                )
        if not pieces and self._lacks_object(verb):
            return
        if not pieces:
            is_state = verb.lemma.lower() in _BE and any(
                c.i > verb.i for c in self.parsed.children(verb.i, "advmod")
            )
            if is_state or verb.lemma.lower() not in _BE | SHOWS | LOCATING:
                for one in whose:
                    self._attribute(one, f"entity {one} {said}")
            return
        particle_only = all(c.dep in ("prep", "npadvmod") for c in pieces)
        for one in whose:
            if particle_only and self._stands_alone(verb, pieces):
                self._attribute(one, f"entity {one} {said}")
            for piece in pieces:
                if piece.dep in ("acomp", "attr", "oprd"):
                    self._complements(one, said, piece)
                else:
                    self._piece(one, said, piece)

    def _lacks_object(self, verb: Token) -> bool:
        """ "The bag that he carries": the verb says nothing of him without the bag."""
        own = self.parsed.children(verb.i, "nsubj", "nsubjpass")
        return verb.dep == "relcl" and bool(own) and own[0].lower not in ("which", "that", "who")

    def _own_words(self, top: Token) -> list[Token]:
        """A word with what hangs below it, but for other clauses."""
        return [t for t in self.parsed.subtree(top.i) if not self._under(t, top, _LEFT_OUT)]

    def _stands_alone(self, verb: Token, pieces: Sequence[Token]) -> bool:
        """Does a verb say something without what follows it: "is parked", but not "consists"?"""
        if verb.lemma.lower() in _BE | SHOWS | LOCATING | HOLLOW:
            return False
        return all(piece.lower not in ("of", "as", "by", "to", "for") for piece in pieces)

    def _has_subject(self, token: Token) -> bool:
        return bool(self.parsed.children(token.i, "nsubj")) and token.dep == "xcomp"

    def _verb_text(self, verb: Token) -> str:
        words = [
            t
            for t in self.parsed.children(verb.i, *_OF_VERB)
            if t.lower not in ADVERBS_UNSAID and t.lower not in MODALS
        ]
        is_bare = verb.tag in ("VBG", "VBN") and verb.lemma != "be"
        if is_bare and not any(t.dep in ("aux", "auxpass") for t in words):
            return "is " + self._text([*words, verb])
        return self._text([*words, verb])

    def _complements(self, one: int, said: str, piece: Token) -> None:
        for word in self._joined(piece):
            inside = [
                t
                for t in self.parsed.subtree(word.i)
                if t.i == word.i or not self._under(t, word, ("conj", "cc", "preconj", *_LEFT_OUT))
            ]
            self._say(one, f"{said} {self._text(inside)}", inside)
            for prep in self.parsed.children(word.i, "prep"):
                if prep.lower == "with":
                    self._piece(one, "has", prep, skip=True)

    def _piece(self, one: int, said: str, piece: Token, skip: bool = False) -> None:
        """A verb with one of its complements; each noun of a list makes a statement of its own."""
        goal = self._goal(piece)
        goals = self._listed(goal) if goal is not None else []
        if len(goals) > 1 and goal is not None:
            head = [
                t for t in self.parsed.subtree(piece.i) if t.i < phrase_start(self.parsed, goal.i)
            ]
            head = [t for t in head if not (skip and t.i == piece.i)]
            for each in goals:
                inside = [
                    t
                    for t in self.parsed.subtree(each.i)
                    if t.i == each.i or not self._under(t, each, ("conj", "cc", *_LEFT_OUT))
                ]
                self._say(one, f"{said} {self._text([*head, *inside])}", [*head, *inside])
            return
        inside = [
            t
            for t in self.parsed.subtree(piece.i)
            if (t.i != piece.i or not skip) and not self._under(t, piece, _LEFT_OUT)
        ]
        if inside:
            self._say(one, f"{said} {self._text(inside)}", inside)

    def _goal(self, piece: Token) -> Token | None:
        if piece.pos in NOUNS:
            return piece
        below = self.parsed.children(piece.i, "pobj")
        return below[0] if below else None

    def _listed(self, first: Token) -> list[Token]:
        found, at = [first], first
        while True:
            after = [c for c in self.parsed.children(at.i, "conj") if c.pos in NOUNS]
            if not after:
                return found
            at = after[0]
            found.append(at)

    def _under(self, token: Token, top: Token, deps: Iterable[str]) -> bool:
        """Does a word hang below another by one of these relations?"""
        while token.i != top.i:
            above = self.parsed.tokens[token.head]
            own = token.dep in ("prep", "acl") and above.i in self.ids and token.i > above.i
            if token.dep in deps or own:
                return True
            token = above
        return False

    def _say(self, one: int, text: str, inside: Sequence[Token]) -> None:
        others: list[int] = []
        for token in inside:
            others += [other for other in self.ids.get(token.i, ()) if other != one]
        if re.search(rf"\bentity {one}\b(?!'s)", text):
            return
        text = f"entity {one} {text}"
        if others:
            self._relation(one, others[0], text)
            return
        self._attribute(one, text)

    def _attribute(self, one: int, text: str) -> None:
        words = text.split()
        if 3 <= len(words) <= _LONGEST and words[-1] not in ("is", "are", "here"):
            self.attributes[Attribute(one, text)] = None

    def _relation(self, one: int, other: int, text: str) -> None:
        if one != other:
            self.relations[Relation(one, other, text)] = None

    def _predicate_text(self, verb: Token, subject: int) -> str:
        words = [
            t
            for t in self.parsed.subtree(verb.i)
            if t.i == verb.i
            or not (
                self._under(t, verb, ("conj", "advcl", "cc", "relcl", "nsubj", "nsubjpass"))
                if t.pos == "VERB" or t.dep != "conj"
                else t.i <= subject
            )
        ]
        below_subject = {t.i for t in self.parsed.subtree(subject)}
        words = [t for t in words if t.i not in below_subject and t.lower not in ADVERBS_UNSAID]
        return self._text([t for t in words if t.i >= min(verb.i, subject)])

    def _text(self, tokens: Sequence[Token]) -> str:
        """Words in their order; the base phrase of an entity as its number."""
        chosen = {token.i for token in tokens}
        pieces: list[str] = []
        hidden: set[int] = set()
        for i in chosen:
            if self.ids.get(i):
                start = phrase_start(self.parsed, i)
                hidden |= set(range(start, i)) if self.parsed.tokens[i].pos != "PRON" else set()
        for i in sorted(chosen):
            token = self.parsed.tokens[i]
            if i in hidden or not token.text.strip():
                continue
            if self.ids.get(i):
                own = "'s" if token.dep == "poss" and token.pos == "PRON" else ""
                pieces.append("entity " + " and entity ".join(map(str, self.ids[i])) + own)
            elif (token.dep == "punct" and token.text not in "-'") or (
                not pieces and token.tag == "POS"
            ):
                continue
            elif token.tag == "POS" or token.text == "-" or (pieces and pieces[-1].endswith("-")):
                pieces[-1:] = [(pieces[-1] if pieces else "") + token.lower]
            else:
                is_be = token.lemma == "be"
                bare = pieces[-1:] == ["to"]  # "Appears to be."
                one_form = FORMS_OF_BE.get(token.lower, token.lower)
                pieces.append(one_form if is_be and not bare else token.lower)
        return " ".join(pieces)
