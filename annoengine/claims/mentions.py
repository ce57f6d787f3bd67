"""Finds out which segments each noun phrase and pronoun of a caption speaks of.

Rules over the grammar of a parsed caption, with the categories' own words. They know parts from
things, the one described from another of its kind, and what "it" can be. Where two answers are left
the phrase speaks of ``several`` or of ``nobody``, so that nothing is held against a caption that
can be read in another way; a phrase that could have been resolved with more wit is the price.
"""

from __future__ import annotations

from collections.abc import Mapping

from annoengine.baseline.region_facts import Scene
from annoengine.categories import named, words_of
from annoengine.claims import mention_words as nouns
from annoengine.claims.caption_claim import Mention
from annoengine.claims.colour_terms import term_of
from annoengine.claims.mention_context import CaptionContext, has_plural_name
from annoengine.claims.mention_grammar import (
    clause_verb,
    governor,
    has_word,
    is_plural_word,
    of_noun,
    phrase_words,
    restricted,
    subject_of,
)
from annoengine.claims.mention_owners import owners_by_place
from annoengine.claims.mention_pronouns import pronoun_mention
from annoengine.claims.mention_topic import first_name
from annoengine.claims.mention_words import singular
from annoengine.language.parsed import Parsed

_ONE_CLAUSE = frozenset({"acl", "relcl", "conj", "advcl", "xcomp", "ccomp", "prep", "pcomp"})

_ARTICLES = frozenset({"the", "this", "that", "a", "an", "these", "those"})


def mentions_of(
    parsed: Parsed,
    scene: Scene,
    own: int | None,
    grounded: Mapping[int, tuple[int, ...]] | None = None,
) -> tuple[Mention, ...]:
    """What each base noun phrase and pronoun of a caption speaks of, in order.

    ``own`` is the segment that the caption describes, None for a caption of the whole image.
    ``grounded`` are words of which it is known what they speak of (``grounded_words``): nothing
    is guessed of them, and what refers back to them follows. The ``segments`` of a ``part`` are
    more than one where several may own it. Raises KeyError where ``scene`` has no such segment.
    """
    return _Reader(parsed, scene, own, grounded).read()


class _Reader(CaptionContext):
    """Reads one caption; each noun phrase is resolved once, those it depends on before it."""

    def __init__(
        self,
        parsed: Parsed,
        scene: Scene,
        own: int | None,
        grounded: Mapping[int, tuple[int, ...]] | None = None,
    ) -> None:
        super().__init__(parsed, scene, own)
        self.grounded = grounded or {}
        self.busy: set[int] = set()
        self.named_at = first_name(self)

    def at(self, i: int) -> Mention:
        """The mention about a word: of its base noun phrase, or of the word alone."""
        if i not in self.found:
            if i in self.busy:
                return self.mention(i, "nobody")
            self.busy.add(i)
            self.found[i] = self._resolve(i)
            self.busy.discard(i)
        return self.found[i]

    def read(self) -> tuple[Mention, ...]:
        roots = {chunk.root for chunk in self.parsed.chunks}
        return tuple(self.at(i) for i in sorted({*roots, *self.grounded}))

    def _resolve(self, i: int) -> Mention:
        if i in self.grounded:
            return self._grounded(i)
        token = self.parsed.tokens[i]
        if token.tag in ("WDT", "WP", "WP$"):
            return self._relative(i)
        if token.pos == "PRON" or token.tag in ("PRP", "PRP$"):
            return pronoun_mention(self, i)
        if i == self.named_at:
            return self._named_first(i)
        owner = self.parsed.children(i, "poss")
        if owner:
            return self._possessed(i, owner[-1].i)
        if token.dep == "attr" and (told := self._complement(i)) is not None:
            return told
        if token.dep == "appos" and (told := self._apposition(i)) is not None:
            return told
        inner = of_noun(self.parsed, i)
        if inner is not None:
            return self._of(i, inner)
        stuff = self._made_into(i)
        if stuff is not None:
            return self.part(i, (self.at(stuff),))
        outer = self._quantity_of(i)
        if outer is not None:
            return self.like(i, self.at(outer))
        return self._noun(i, self.phrase(i))

    def _grounded(self, i: int) -> Mention:
        """A word whose segments are known: one of them, or all as a group of so many."""
        ids = tuple(id for id in self.grounded[i] if id in self.regions)
        if not ids:
            return self.mention(i, "nobody")
        if len(ids) == 1:
            return self.mention(i, "segment", ids)
        return self.mention(i, "several", ids, plural=True)

    def _named_first(self, i: int) -> Mention:
        assert self.own is not None
        if not is_plural_word(self.parsed, i) or has_plural_name(self.own):
            return self.own_mention(i)
        alike = [id for id in self.fitting(self.phrase(i)) if id != self.own.id]
        if alike and self.own.isthing:
            return self.mention(i, "several", (self.own.id, *alike))
        return self.own_mention(i)

    def _complement(self, i: int) -> Mention | None:
        """*This is a cat*: the cat is what *this* is."""
        head = self.parsed.tokens[self.parsed.tokens[i].head]
        subject = subject_of(self.parsed, head.i)
        if head.lemma not in ("be", "appear", "seem", "become", "remain") or subject is None:
            return None
        about = self.at(subject)
        # "The left one is a cat": what the subject is follows from the complement, not the other.
        return self.like(i, about) if about.who != "nobody" else None

    def _apposition(self, i: int) -> Mention | None:
        """*The object, a red car,*: one thing under two names, if its category fits both."""
        about = self.at(self.parsed.tokens[i].head)
        if about.who not in ("self", "segment"):
            return None
        if about.segments[0] in self.fitting(self.phrase(i)):
            return self.like(i, about)
        return None

    def _quantity_of(self, i: int) -> int | None:
        """*giraffes* in "a group of giraffes": the word that counts them."""
        prep = self.parsed.tokens[self.parsed.tokens[i].head]
        if self.parsed.tokens[i].dep != "pobj" or prep.lower != "of" or prep.head == prep.i:
            return None
        outer = self.parsed.tokens[prep.head]
        head = singular(outer.lower)
        ordinary = outer.pos in ("NOUN", "PROPN") and head in nouns.QUANTITY
        return outer.i if ordinary and outer.i in self.chunk_at else None

    def _made_into(self, i: int) -> int | None:
        """*cloth* in "a patch of yellow cloth", "made of cloth": what is made of it."""
        token = self.parsed.tokens[i]
        prep = self.parsed.tokens[token.head]
        if token.dep != "pobj" or prep.lower not in ("of", "from"):
            return None
        if singular(token.lower) not in nouns.MATERIAL or prep.head == prep.i:
            return None
        if has_word(self.parsed, i, _ARTICLES):
            return None
        above = self.parsed.tokens[prep.head]
        if above.pos in ("NOUN", "PROPN"):
            return above.i if prep.lower == "of" else None
        if above.lemma in ("make", "build", "construct", "carve", "cut", "sew", "form"):
            return subject_of(self.parsed, above.i)
        return None

    def _of(self, i: int, inner: int) -> Mention:
        """*X of Y*."""
        head = singular(self.parsed.tokens[i].lower)
        if head in nouns.QUANTITY:
            return self._noun(i, self.phrase(i))
        if head in nouns.VIEW:
            return self.mention(i, "nobody")
        if head not in nouns.SHARE and not self.is_part_word(i):
            found = self.fitting(phrase_words(self.parsed, self.chunk_at.get(i), i))
            if found:
                return self._noun(i, phrase_words(self.parsed, self.chunk_at.get(i), i))
        owner = self.at(inner)
        if head in nouns.SHARE and i == self.subject and inner == self.named_at:
            return self.like(i, owner)
        if owner.who in ("nobody", "several") and head in nouns.SHARE:
            return self.like(i, owner)
        if not self.is_part_word(i) and head not in nouns.SHARE:
            # "the leftmost of the three floodlights", "a cup of coffee": not a part.
            tag = self.parsed.tokens[i].tag
            if tag in ("JJ", "JJR", "JJS", "CD", "RBS") or head.endswith("most"):
                return self.mention(i, owner.who, owner.segments)
            return self.mention(i, "nobody")
        if owner.who == "several":
            # "The roof of the pavilion", where the roof is a segment and may be called a pavilion.
            very = [id for id in self.fitting(head) if self.bears_name(id, head)]
            return self.of_ids(i, very) if very else self.mention(i, "nobody")
        fit = [] if head in nouns.BODY | nouns.WHOLE | nouns.SHARE else self.fitting(head)
        return self._near_owner(i, [id for id in fit if id not in owner.segments], (owner,))

    def _relative(self, i: int) -> Mention:
        """*which*, *that*, *who*: what the clause is attached to."""
        verb = clause_verb(self.parsed, i)
        while verb is not None:
            token = self.parsed.tokens[verb]
            if token.dep == "relcl":
                return self.like(i, self.at(token.head))
            if token.dep not in _ONE_CLAUSE or token.head == verb:
                break
            verb = token.head
        return self.mention(i, "nobody")

    def _possessed(self, i: int, whose: int) -> Mention:
        """*its ears*, *the cat's face*, *the man's bicycle*."""
        head = singular(self.parsed.tokens[i].lower)
        owner = self._relative(whose) if _is_wh(self.parsed, whose) else self.at(whose)
        if head in nouns.VIEW and head not in nouns.PARTS:
            return self.mention(i, "nobody")
        if owner.who == "nobody":
            return self.mention(i, "nobody")
        bodily = head in nouns.BODY or head in nouns.WHOLE
        fit = [] if bodily else self.fitting(self.phrase(i))
        fit = [id for id in fit if id not in owner.segments]
        if owner.who == "several":
            # Each has its own, and who is meant is not known.
            return self.mention(i, "nobody")
        return self._near_owner(i, fit, (owner,))

    def _near_owner(self, i: int, fit: list[int], owners: tuple[Mention, ...]) -> Mention:
        """A thing that belongs to its owner: a part of it, or a segment of its own beside it."""
        part = self.part(i, owners)
        if part.who != "part" or not fit:
            return part
        near = [id for id in fit if self.touch(id, part.segments)]
        if not near:
            return part if self.is_part_word(i) else self.mention(i, "nobody")
        if len(fit) == 1 and not self.is_part_word(i):
            return self.of_ids(i, fit)
        return self.mention(i, "several", (*near, *part.segments))

    def _noun(self, i: int, phrase: str) -> Mention:
        """A noun that nobody is said to own in so many words."""
        token = self.parsed.tokens[i]
        head = singular(token.lower)
        if head in nouns.SPOTS and has_word(self.parsed, i, nouns.SIDES):
            # "The bottom left corner": of the image, or of what it is said to be of.
            return self.mention(i, "nobody")
        if head in nouns.VIEW and not (head in nouns.PARTS and owners_by_place(self, i)):
            return self.mention(i, "nobody")
        if term_of((head,)) is not None and not has_word(self.parsed, i, _ARTICLES):
            # "In light green" is no lawn, though "the green" may be one.
            return self.mention(i, "nobody")
        noun = token.pos in ("NOUN", "PROPN", "NUM") or head in nouns.LOOSE
        if not noun and not self.fitting(phrase):
            # Colours and sides, and participles, that the parser takes for noun phrases.
            return self.mention(i, "nobody")
        other = has_word(self.parsed, i, nouns.OTHER)
        if head in nouns.GENERIC or head in nouns.LOOSE:
            told = self._wide(i, phrase, other=other)
            if told is not None:
                return told
        fit = self.fitting(phrase)
        bodily = head in nouns.BODY
        if bodily and all(self.animate(self.regions[id]) for id in fit):
            fit = []
        owners = owners_by_place(self, i)
        if self.own is not None and self.own.id in fit:
            if other:
                return self.of_ids(i, [id for id in fit if id != self.own.id])
            if owners and self.is_part_word(i) and any(o.who == "self" for o in owners):
                return self.part(i, owners)
            return self._again(i, fit)
        if owners is not None and (self.is_part_word(i) or (not fit and not named(phrase))):
            return self._near_owner(i, fit, owners)
        if fit and i == self.subject and self._may_be_own_loosely(i, fit):
            assert self.own is not None
            return self.mention(i, "several", (self.own.id, *fit))
        if fit:
            return self.of_ids(i, fit)
        if self._is_own_again(i, head):
            return self.own_mention(i)
        if self.is_part_word(i) and self.own is not None:
            return self._bare_part(i)
        return self.mention(i, "nobody")

    def _may_be_own_loosely(self, i: int, fit: list[int]) -> bool:
        """*The plate*, of a saucer, where coffee is annotated: it begins a caption that does not
        name its own segment, and fits another by a word of many meanings only."""
        if self.own is None or self.named_at is not None or self.own.iscrowd:
            return False
        head = singular(self.parsed.tokens[i].lower)
        return len(named(head)) > 1 and not any(self.bears_name(id, head) for id in fit)

    def _is_own_again(self, i: int, head: str) -> bool:
        """*The bloom*, of a flower head; *the patch*, of what was called a patch before."""
        definite = has_word(self.parsed, i, frozenset({"the", "this"}))
        if not definite or self.own is None or is_plural_word(self.parsed, i):
            return False
        first = self.named_at
        if first is not None and first < i and singular(self.parsed.tokens[first].lower) == head:
            return True
        subject = self.parsed.tokens[i].dep in ("nsubj", "nsubjpass", "poss")
        return subject and self.is_part_word(i) and self.is_kin(head)

    def _bare_part(self, i: int) -> Mention:
        """*The ears*, of whom nobody says: of the caption's own segment, if they begin a clause."""
        assert self.own is not None
        if self.named_at is None and i == self.subject:
            # "The petals are pink", of a flower: a caption that begins with a part.
            return self.mention(i, "part", (self.own.id,))
        if self._definite_subject(i):
            if self.named_at is not None:
                return self.part(i, (self.at(self.named_at),))
            if self.subject is not None and self.subject < i:
                return self.like(i, self.at(self.subject))
        head = self.parsed.tokens[self.parsed.tokens[i].head]
        worn = singular(self.parsed.tokens[i].lower) in nouns.WORN and self.animate(self.own)
        definite = has_word(self.parsed, i, frozenset({"the"}))
        if worn and definite and head.lower == "of" and self.named_at in (None, self.subject):
            # "The collar of the suit", of a person.
            return self.mention(i, "part", (self.own.id,))
        return self.mention(i, "nobody")

    def _wide(self, i: int, phrase: str, *, other: bool) -> Mention | None:
        """*the object*, *the animal*: what has been named, if only one thing can be meant."""
        if other or self.own is None or is_plural_word(self.parsed, i):
            return self.mention(i, "nobody") if other else None
        if not has_word(self.parsed, i, frozenset({"the", "this"})):
            return None
        head = singular(self.parsed.tokens[i].lower)
        if head in nouns.GENERIC and self.parsed.tokens[i].dep in ("nsubj", "nsubjpass", "poss"):
            return self.own_mention(i)
        fit = self.fitting(phrase)
        if self.own.id in fit and fit == [self.own.id]:
            return self.own_mention(i)
        subject = self.parsed.tokens[i].dep in ("nsubj", "nsubjpass", "poss")
        return self.own_mention(i) if subject and not fit else None

    def _again(self, i: int, fit: list[int]) -> Mention:
        """A noun that fits the caption's own segment, after it has been named."""
        assert self.own is not None
        own = self.own.id
        others = [id for id in fit if id != own]
        if any(self.regions[id].category != self.own.category for id in others):
            return self.mention(i, "several", fit)
        if is_plural_word(self.parsed, i) and self.own.isthing and not has_plural_name(self.own):
            return self.mention(i, "several", fit)
        if self.named_at is None or i < self.named_at:
            return self.mention(i, "several", fit)
        definite = has_word(self.parsed, i, frozenset({"the", "this", "that"}))
        countable = self.own.isthing and words_of(self.own.category).countable
        if not definite and countable:
            return self.of_ids(i, others)
        token = self.parsed.tokens[i]
        if token.dep in ("nsubj", "nsubjpass", "poss") and not restricted(self.parsed, i):
            spoken = any(self._speaks_of_other(j, fit) for j in range(self.named_at, i))
            return self.mention(i, "several", fit) if spoken and others else self.own_mention(i)
        if not others:
            return self.own_mention(i)
        if restricted(self.parsed, i):
            return self.mention(i, "several", fit)
        verb = clause_verb(self.parsed, i)
        subject = None if verb is None else subject_of(self.parsed, verb)
        if subject is not None and subject != i and self.at(subject).who == "self":
            return self.of_ids(i, others)
        if token.dep == "pobj" and self.parsed.tokens[token.head].lower == "of":
            return self.own_mention(i)
        return self.mention(i, "several", fit)

    def _speaks_of_other(self, j: int, fit: list[int]) -> bool:
        """Is a word before the head of a phrase about another of the same kind?"""
        told = self.found.get(j)
        if told is None or told.who not in ("segment", "several"):
            return False
        return not set(fit).isdisjoint(told.segments)

    def _definite_subject(self, i: int) -> bool:
        token = self.parsed.tokens[i]
        dep = governor(self.parsed, i).dep
        if dep not in ("nsubj", "nsubjpass"):
            return False
        return token.tag in ("NNS", "NNPS") or has_word(
            self.parsed, i, frozenset({"the", "both", "two"})
        )


def _is_wh(parsed: Parsed, i: int) -> bool:
    return parsed.tokens[i].tag in ("WP$", "WDT", "WP")
