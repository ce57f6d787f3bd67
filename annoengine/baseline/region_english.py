"""Makes fluent English of claims: arranges what is said of a segment in two or three sentences.

Every text is composed from claims alone (``annoengine.baseline.region_choice`` picks them) and says
nothing that they do not. Wordings are drawn from a generator seeded by the record's id and the
mark, so the same picture is always described in the same words, whoever asks and in whatever
groups. Within one name no two descriptions are equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from annoengine.answer import Interaction, Region
from annoengine.baseline.claim import Claim
from annoengine.baseline.english import conjugate, join, with_article
from annoengine.baseline.region_choice import by_kind, choose
from annoengine.baseline.region_claims import claims_of
from annoengine.baseline.region_facts import Scene
from annoengine.baseline.region_phrases import Predicate, Wording, direction_words
from annoengine.baseline.region_relations import direction, gap_px, touches
from annoengine.fingerprint import seeded_random

SHORT_WORDS, LONG_WORDS = 18, 32
"""Below the first a description gets another statement where there is one; above the second it
is told again in other words, which may be shorter."""

MOST_INTERACTIONS = 6
RETELLINGS = 6
"""Tries to word a description shorter, or differently from an equal one of the same name."""

_BODY = (
    *("shape", "lie", "proportion", "parts", "grain", "tone", "share", "box_share"),
    *("place", "edges", "centre"),
)
_LINKS = ("surrounded", "inside", "bordered", "overlap", "between", "direction", "touch")
_HEADS = ("ordinal", "extreme", "count")
_OPPOSITE = {
    "left": "To {its} right",
    "right": "To {its} left",
    "above": "Below {it}",
    "below": "Above {it}",
}


@dataclass(frozen=True)
class Said:
    """A sentence of a description, and the claims that it makes."""

    text: str
    claims: tuple[Claim, ...]


def describe(
    scene: Scene, record_id: str, marks: Mapping[int, int]
) -> tuple[list[Region], list[Interaction]]:
    """A region for each mark (number to segment id), in their order, and what lies between them.

    ``marks`` must be all marks of the record: which of them were asked for changes no text.
    """
    wording = Wording(scene, claims_of(scene))
    regions = [
        Region(number, wording.noun(marks[number]).show, text_of(said))
        for number, said in describe_by_sentence(wording, record_id, marks).items()
    ]
    return regions, _interactions(wording, record_id, marks)


def text_of(said: Sequence[Said]) -> str:
    """The sentences of a description as one text."""
    return " ".join(sentence.text for sentence in said)


def describe_by_sentence(
    wording: Wording, record_id: str, marks: Mapping[int, int]
) -> dict[int, tuple[Said, ...]]:
    """The descriptions of the same regions, by number, each sentence with what it claims."""
    told: dict[str, set[str]] = {}
    found = {}
    for number in sorted(marks):
        noun = wording.noun(marks[number])
        seen = told.setdefault(noun.show, set())
        tried: list[tuple[Said, ...]] = []
        while len(tried) < RETELLINGS:
            tried.append(_told(wording, marks[number], record_id, f"{number} {len(tried)}"))
            if text_of(tried[-1]) not in seen and _length(tried[-1]) <= LONG_WORDS:
                break
        fresh = [said for said in tried if text_of(said) not in seen] or tried
        found[number] = min(fresh, key=lambda said: max(_length(said), LONG_WORDS))
        seen.add(text_of(found[number]))
    return found


def _length(said: Sequence[Said]) -> int:
    return len(text_of(said).split())


def _told(wording: Wording, id: int, record_id: str, name: str) -> tuple[Said, ...]:
    """One way to describe a segment."""
    chosen, spare = choose(wording, id, seeded_random(0, "pixels", record_id, name))
    for count in range(len(spare) + 1):
        rng = seeded_random(0, "pixels", record_id, name, "words")
        said = _Teller(wording, id, rng).tell([*chosen, *spare[:count]])
        if _length(said) >= SHORT_WORDS:
            break
    return said


@dataclass(frozen=True)
class _Sentence:
    """A subject and what is said of it; ``front`` stands before it.

    ``named``: claims that the subject itself makes, as "the leftmost cup" does.
    """

    subject: str
    plural: bool
    predicates: tuple[Predicate, ...]
    front: str = ""
    named: tuple[Claim, ...] = ()

    def said(self) -> Said:
        """The sentence with all that it claims."""
        claims = (claim for predicate in self.predicates for claim in predicate.claims)
        return Said(self.text(), (*self.named, *claims))

    def text(self) -> str:
        """``The cup is round and smooth, covers about 5% of the image and borders the saucer.``"""
        complements = [p.text for p in self.predicates if p.is_complement]
        pieces = [f"[be] {join(complements)}"] if complements else []
        pieces += _varied([p.text for p in self.predicates if not p.is_complement])
        heavy = any(" and " in piece for piece in pieces) and len(pieces) > 1
        words = f"{self.front}{self.subject} {join(pieces, comma=heavy)}."
        return _capital(conjugate(words, self.plural))


def _varied(verbs: Sequence[str]) -> list[str]:
    """The verb phrases without a second "appears"."""
    first = next((i for i, verb in enumerate(verbs) if verb.startswith("[appear] ")), len(verbs))
    rest = [verb.replace("[appear] ", "[can] be seen ") for verb in verbs[first + 1 :]]
    return [*verbs[: first + 1], *rest]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class _Teller:
    """Arranges the chosen claims of one segment in two or three sentences."""

    def __init__(self, wording: Wording, id: int, rng: Random) -> None:
        self.wording = wording
        self.id = id
        self.rng = rng
        self.noun = wording.noun(id)

    def tell(self, chosen: Sequence[Claim]) -> tuple[Said, ...]:
        """The description."""
        kinds = by_kind(dict.fromkeys(chosen))
        heads = [claim for kind in _HEADS for claim in kinds.pop(kind, [])]
        relations = self._relations([claim for kind in _LINKS for claim in kinds.pop(kind, [])])
        opening = self._open(kinds, heads, relations)
        body = [self._predicate(claim) for kind in _BODY for claim in kinds.pop(kind, [])]
        body += [self._predicate(claim) for claim in heads]
        return (opening, *self._continue(body, relations))

    def _predicate(self, claim: Claim) -> Predicate:
        return replace(self.wording.predicate(claim, self.rng), claims=(claim,))

    def _relation(self, claim: Claim, close: bool = False) -> Predicate:
        return replace(self.wording.relation(claim, self.rng, close), claims=(claim,))

    def _continue(self, body: list[Predicate], relations: list[Predicate | Said]) -> list[Said]:
        """The sentences after the first."""
        whole = [r for r in relations if isinstance(r, Said)]
        links = [r for r in relations if isinstance(r, Predicate)]
        groups = [group for group in (body, links) if group]
        if len(groups) == 2 and len(body) + len(links) <= 3:
            # One sentence; what lies about the segment comes last.
            groups = [[*body, *links]]
        elif len(groups) == 2 and self.rng.random() < 0.25:
            groups.reverse()
        plural = self.noun.pronoun == "they"
        sentences = [
            # More than three statements make a list of a sentence.
            _Sentence(self.noun.pronoun, plural, tuple(group[start : start + 3])).said()
            for group in groups
            for start in range(0, len(group), 3)
        ]
        return sentences + whole

    def _relations(self, claims: Sequence[Claim]) -> list[Predicate | Said]:
        """Predicates, and a direction at times as a sentence of its own: "To its left is …"."""
        touched = {c.others[0] for c in self.wording.claims[self.id] if c.kind == "touch"}
        out: list[Predicate | Said] = []
        borders = [c for c in claims if c.kind == "touch"]
        for claim in claims:
            if claim.kind == "touch":
                continue
            close = claim.kind == "direction" and claim.others[0] in touched
            front = _OPPOSITE.get(str(claim.value[0])) if claim.kind == "direction" else None
            if front and not close and self.rng.random() < 0.4:
                other = self.wording.refer(claim.others[0], self.id)
                start = front.format(its=self.noun.possessive, it=self.noun.object)
                verb = "are" if self.wording.noun(claim.others[0]).is_plural else "is"
                out.append(Said(f"{start} {verb} {other}.", (claim,)))
            else:
                out.append(self._relation(claim, close))
        if borders:
            both = tuple(other for claim in borders for other in claim.others)
            out.append(self._relation(Claim("touch", self.id, (), both)))
        return out

    def _open(
        self,
        kinds: dict[str, list[Claim]],
        heads: list[Claim],
        relations: list[Predicate | Said],
    ) -> Said:
        """The first sentence: who it is and its colours; takes what it says out of the lists.

        The name comes first, or as near to it as a place allows, so that a reader (and a matcher
        of captions with categories) sees at once what is spoken of.
        """
        look, colours = self._look(kinds)
        if not look:
            predicates = self._take(kinds, ("place", "proportion", "box_share", "edges"), 2)
            if not predicates:
                link = next((r for r in relations if isinstance(r, Predicate)), None)
                if link is not None:
                    relations.remove(link)
                # Every segment has a centre.
                predicates = [link or self._predicate(self._centre())]
            subject, named = self._subject(heads)
            return self._sentence(subject, predicates, named=named)
        looks = Predicate(look, True, colours)
        # Not "a partly red cup", and not "an orange orange".
        clumsy = {"partly", *self.noun.show.split()} & set(look.split())
        may_be_indefinite = not heads and self.noun.countable and not clumsy
        form = self.rng.random()
        if "place" in kinds and may_be_indefinite and form < 0.45:
            claim = kinds.pop("place")[0]
            if form < 0.3:
                place = replace(self.wording.placed(claim, self.rng), claims=(claim,))
                more = self._take(kinds, ("edges",), 1)
                subject = _capital(self._described(look))
                return self._sentence(subject, [place, *more], named=colours)
            where = f"{self._described(look)} {self.wording.place(claim, self.rng)}"
            return self._sentence("There", [Predicate(where, True, (*colours, claim))])
        if "place" in kinds and 0.45 <= form < 0.55:
            claim = kinds.pop("place")[0]
            where = self.wording.place(claim, self.rng, "image")
            subject, named = self._subject(heads)
            subject = subject[:1].lower() + subject[1:]
            return self._sentence(subject, [looks], f"Seen {where}, ", (claim, *named))
        predicates = [looks]
        if " with " not in look and form > 0.6:
            predicates += self._take(kinds, ("grain", "shape", "edges", "share"), 1)
        subject, named = self._subject(heads)
        return self._sentence(subject, predicates, named=named)

    def _centre(self) -> Claim:
        return next(c for c in self.wording.claims[self.id] if c.kind == "centre")

    def _look(self, kinds: dict[str, list[Claim]]) -> tuple[str, tuple[Claim, ...]]:
        """The colours as a complement, ``mostly white with some blue``; empty where none are."""
        main = [claim for claim in kinds.pop("colour", []) if claim.kind == "colour"][:1]
        tinges = kinds.pop("tinge", [])
        if not main:
            if not tinges:
                return "", ()
            words = join([str(word) for word in tinges[0].value])
            return f"partly {'in ' * self.noun.is_person}{words}", (tinges[0],)
        colour = self.wording.colour(main[0], self.rng)
        partly = main[0].value[0] == "partly"
        further = [f" {self.wording.tinge(claim, self.rng, partly)}" for claim in tinges]
        return colour + "".join(further), (*main, *tinges)

    def _sentence(
        self,
        subject: str,
        predicates: Sequence[Predicate],
        front: str = "",
        named: tuple[Claim, ...] = (),
    ) -> Said:
        return _Sentence(subject, self.noun.is_plural, tuple(predicates), front, named).said()

    def _take(
        self, kinds: dict[str, list[Claim]], wanted: Sequence[str], most: int
    ) -> list[Predicate]:
        taken: list[Predicate] = []
        for kind in wanted:
            if kind in kinds and len(taken) < most:
                taken += [self._predicate(claim) for claim in kinds.pop(kind)]
        return taken

    def _described(self, look: str) -> str:
        """``a mostly white cup with some blue``; ``a person mostly in white``."""
        noun = self.noun
        if noun.is_person:
            phrase = f"{noun.show} {look}"
        else:
            colour, with_, tail = look.partition(" with ")
            phrase = f"{colour} {noun.show}{with_}{tail}"
        return phrase if noun.is_plural else with_article(phrase)

    def _subject(self, heads: list[Claim]) -> tuple[str, tuple[Claim, ...]]:
        """The subject of the first sentence: ``The leftmost cup``, ``The cup, one of three,``."""
        noun = self.noun
        if heads and heads[0].kind == "ordinal":
            head = heads.pop(0)
            return f"The {self.wording.ordinal(head)}", (head,)
        this = "These" if noun.is_plural else "This"
        known = self.wording.is_only_one(self.id)
        subject = f"{self.rng.choice(('The', this)) if known else this} {noun.show}"
        if not heads:
            return subject, ()
        head = heads.pop(0)
        if head.kind == "extreme":
            return f"{subject}, the {self.wording.extreme(head, brief=True)},", (head,)
        return f"{subject}, {self.wording.counted(head, brief=True)},", (head,)


def _interactions(wording: Wording, record_id: str, marks: Mapping[int, int]) -> list[Interaction]:
    """What lies between pairs of marks: different names first, and those that share an outline."""
    ranked = []
    numbers = sorted(marks)
    for i, first in enumerate(numbers):
        for second in numbers[i + 1 :]:
            a, b = wording.facts(marks[first]), wording.facts(marks[second])
            shared = max(a.contacts.get(b.id, 0), b.contacts.get(a.id, 0))
            part = shared / min(a.edges, b.edges) if touches(a, b) else 0.0
            alike = wording.noun(a.id) == wording.noun(b.id)
            things = a.isthing or b.isthing
            gap = gap_px(a.box_xyxy, b.box_xyxy)
            ranked.append((alike, not part, not things, -part, gap, first, second))
    ranked.sort()
    wanted = min(MOST_INTERACTIONS, max(1, round(len(numbers) / 2)))
    used: dict[int, int] = {}
    interactions: list[Interaction] = []
    for *_, first, second in ranked:
        if len(interactions) == wanted:
            break
        if used.get(first, 0) >= 2 or used.get(second, 0) >= 2:
            continue
        rng = seeded_random(0, "pixels", record_id, f"{first} {second}")
        interaction = _interaction(wording, marks, first, second, rng)
        if interaction is not None:
            interactions.append(interaction)
            used[first] = used.get(first, 0) + 1
            used[second] = used.get(second, 0) + 1
    return interactions


def _interaction(
    wording: Wording, marks: Mapping[int, int], first: int, second: int, rng: Random
) -> Interaction | None:
    claims = {
        (number, other): [c for c in wording.claims[marks[number]] if c.others == (marks[other],)]
        for number, other in ((first, second), (second, first))
    }
    for kind in ("surrounded", "inside", "bordered", "overlap"):
        for pair, own in claims.items():
            for claim in own:
                if claim.kind == kind:
                    return _say(wording, marks, pair, wording.relation(claim, rng))
    pair = (first, second) if rng.random() < 0.5 else (second, first)
    if wording.facts(marks[pair[1]]).isthing > wording.facts(marks[pair[0]]).isthing:
        # "The cup borders the wall", and not the other way round.
        pair = (pair[1], pair[0])
    a, b = (wording.facts(marks[number]) for number in pair)
    side = direction(a.box_xyxy, b.box_xyxy)
    if side:
        words = direction_words(side, "{other}", touches(a, b))
        return _say(wording, marks, pair, Predicate(words, True))
    for claim in claims[pair]:
        return _say(wording, marks, pair, wording.relation(claim, rng))
    return None


def _say(
    wording: Wording, marks: Mapping[int, int], pair: tuple[int, int], predicate: Predicate
) -> Interaction:
    ids = [marks[number] for number in pair]
    one, other = (wording.noun(id) for id in ids)
    alike = one.show == other.show
    subject = f"one {one.show}" if alike else f"the {one.show}"
    named = "the other" if alike else f"the {other.show}"
    text = predicate.text.replace(wording.refer(ids[1], ids[0]), named).replace("{other}", named)
    sentence = _Sentence(subject, one.is_plural, (Predicate(text, predicate.is_complement),))
    return Interaction(pair, sentence.text())
