"""What belongs to what in a caption: which noun is red, what is left of what, who holds whom.

Read from the parse, in classes that a caption and its rewrite share, so that "the bus is red" and
"a red bus" are the same binding. A pronoun stands for what the caption is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from annoengine.language.parsed import Parsed, Token

_LINKS = frozenset({"be", "appear", "seem", "look", "remain", "become", "have"})
_SUBJECTS = ("nsubj", "nsubjpass", "csubj")
_PRONOUNS = frozenset("it he she they him her them this which that who".split())


@dataclass(frozen=True)
class Binding:
    """``kind`` is mod (noun, word), rel (governor, relation, object), agent or patient of a verb.

    ``parts`` are classes: positions in the caption's list of units, shared by both texts.
    """

    kind: str
    parts: tuple[int, ...]


def bindings_of(parsed: Parsed, classes: Mapping[int, int]) -> set[Binding]:
    """The bindings between the words of ``classes``: token to class."""
    return set(_Reader(parsed, classes).all())


class _Reader:
    def __init__(self, parsed: Parsed, classes: Mapping[int, int]) -> None:
        self.parsed = parsed
        self.classes = classes
        self.subject = self._main_subject()

    def _main_subject(self) -> int | None:
        """The class of the first noun that is no pronoun and hangs on no preposition."""
        for token in self.parsed.tokens:
            if token.pos in ("NOUN", "PROPN") and token.dep not in ("pobj", "compound", "poss"):
                return self.classes.get(token.i)
        return None

    def all(self) -> Iterator[Binding]:
        for token in self.parsed.tokens:
            yield from self._of(token)

    def _of(self, token: Token) -> Iterator[Binding]:
        if token.dep in ("amod", "nummod", "compound", "nmod", "appos", "advmod", "neg", "det"):
            yield from self._bind("mod", self._one(token.head), token.i)
        elif token.dep in ("acomp", "attr", "oprd") and self._links(token.head):
            for subject in self._subjects(token.head):
                yield from self._bind("mod", subject, token.i)
        elif token.dep == "prep" or token.dep == "agent":
            yield from self._relation(token)
        elif token.dep in (*_SUBJECTS, "dobj", "dative"):
            yield from self._argument(token)
        elif token.dep in ("acl", "relcl") and token.tag in ("VBN", "VBG"):
            kind = "patient" if token.tag == "VBN" else "agent"
            yield from self._verb(kind, token.i, self._one(token.head))
        elif token.dep == "conj" and token.pos in ("ADJ", "NUM"):
            head = self._first_conjunct(token)
            if head.dep in ("amod", "nummod"):
                yield from self._bind("mod", self._one(head.head), token.i)
            elif head.dep in ("acomp", "attr", "oprd"):
                for subject in self._subjects(head.head):
                    yield from self._bind("mod", subject, token.i)

    def _relation(self, token: Token) -> Iterator[Binding]:
        for object_ in self._objects(token):
            if token.dep == "agent":
                yield from self._verb("agent", token.head, self._one(object_.i))
                continue
            if token.lower == "of":
                yield from self._bind("mod", self._one(token.head), object_.i)
                continue
            for governor in self._governors(token.head):
                relation = self.classes.get(token.i)
                place = self._one(object_.i)
                if relation is not None and place is not None and governor is not None:
                    yield Binding("rel", (governor, relation, place))

    def _argument(self, token: Token) -> Iterator[Binding]:
        verb = self.parsed.tokens[token.head]
        if self._links(token.head):
            return
        passive = token.dep == "nsubjpass"
        kind = "patient" if passive or token.dep in ("dobj", "dative") else "agent"
        for one in self._with_conjuncts(token):
            yield from self._verb(kind, verb.i, self._one(one.i))

    def _verb(self, kind: str, verb: int, noun: int | None) -> Iterator[Binding]:
        yield from self._bind(kind, noun, verb)

    def _bind(self, kind: str, noun: int | None, word: int) -> Iterator[Binding]:
        found = self.classes.get(word)
        if noun is not None and found is not None and noun != found:
            yield Binding(kind, (noun, found))

    def _one(self, i: int) -> int | None:
        """The class of a word; of a pronoun that of what the caption is about."""
        token = self.parsed.tokens[i]
        if token.i not in self.classes and token.lower in _PRONOUNS:
            if token.dep in _SUBJECTS and token.lower in ("which", "that", "who"):
                clause = self.parsed.tokens[token.head]
                return self.classes.get(clause.head) if clause.dep == "relcl" else self.subject
            return self.subject
        return self.classes.get(i)

    def _governors(self, i: int) -> list[int | None]:
        """What a preposition relates: its head, or the subject where the head only links."""
        token = self.parsed.tokens[i]
        if token.pos in ("AUX", "VERB") and (self._links(i) or i not in self.classes):
            return self._subjects(i)
        if token.pos in ("VERB",):
            return [*self._subjects(i)] or [self._one(i)]
        return [self._one(i)]

    def _subjects(self, i: int) -> list[int | None]:
        """The classes of the subjects of a verb, or of the noun that it describes."""
        token = self.parsed.tokens[i]
        found = [
            self._one(one.i)
            for child in self.parsed.children(i, *_SUBJECTS)
            for one in self._with_conjuncts(child)
        ]
        if found:
            return found
        if token.dep in ("acl", "relcl") and token.head != i:
            return [self._one(token.head)]
        if token.dep in ("conj", "advcl", "xcomp", "ccomp") and token.head != i:
            return self._subjects(token.head)
        return []

    def _objects(self, token: Token) -> list[Token]:
        found: list[Token] = []
        for child in self.parsed.children(token.i, "pobj", "pcomp"):
            found += self._with_conjuncts(child)
        for child in self.parsed.children(token.i, "prep"):
            found += self._objects(child)
        return found

    def _with_conjuncts(self, token: Token) -> list[Token]:
        found = [token]
        for child in self.parsed.children(token.i, "conj"):
            if child.pos in ("NOUN", "PROPN", "PRON"):
                found += self._with_conjuncts(child)
        return found

    def _first_conjunct(self, token: Token) -> Token:
        while token.dep == "conj" and token.head != token.i:
            token = self.parsed.tokens[token.head]
        return token

    def _links(self, i: int) -> bool:
        return self.parsed.tokens[i].lemma in _LINKS
