"""A caption and its scene while its noun phrases are resolved: what fits what, and what was found.

The rules themselves are functions in the files beside this one; what they share stands here.
"""

from __future__ import annotations

from collections.abc import Iterable

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.categories import fits, is_known, named, words_of
from annoengine.claims import mention_words as nouns
from annoengine.claims.caption_claim import Mention, Who
from annoengine.claims.mention_grammar import (
    first_subject,
    is_plural_word,
    of_noun,
    phrase_words,
)
from annoengine.claims.mention_words import singular
from annoengine.language.parsed import Chunk, Parsed
from annoengine.noun_phrase import plural


class CaptionContext:
    """One caption: ``named_at`` is the word by which it first calls its own segment."""

    def __init__(self, parsed: Parsed, scene: Scene, own: int | None) -> None:
        """Raises KeyError where ``own`` is no segment of the scene."""
        self.parsed = parsed
        self.regions = {region.id: region for region in scene.regions}
        self.own = None if own is None else scene.region(own)
        self.chunk_at = {chunk.root: chunk for chunk in parsed.chunks}
        self.subject = first_subject(parsed)
        self.named_at: int | None = None
        self.found: dict[int, Mention] = {}
        self._fitting: dict[str, list[int]] = {}
        self._shows = {
            category: [singular(word) for word in words_of(category).show.lower().split()]
            for category in dict.fromkeys(region.category for region in scene.regions)
            if is_known(category)
        }

    def at(self, i: int) -> Mention:
        """The mention about a word: of its base noun phrase, or of the word alone."""
        raise NotImplementedError

    def mention(
        self, i: int, who: Who, segments: Iterable[int] = (), *, plural: bool | None = None
    ) -> Mention:
        chunk = self.chunk_at.get(i, Chunk(i, i + 1, i))
        ids = tuple(dict.fromkeys(segments))
        many = is_plural_word(self.parsed, i) if plural is None else plural
        crowd = any(self.regions[id].iscrowd for id in ids)
        return Mention(chunk.first, chunk.past, i, who, ids, many, crowd)

    def like(self, i: int, other: Mention) -> Mention:
        many = other.plural or is_plural_word(self.parsed, i)
        return self.mention(i, other.who, other.segments, plural=many)

    def own_mention(self, i: int) -> Mention:
        assert self.own is not None
        return self.mention(i, "self", (self.own.id,))

    def part(self, i: int, owners: Iterable[Mention]) -> Mention:
        """A part of what all the owners may be; of nobody where any of them is nobody."""
        segments: list[int] = []
        for owner in owners:
            if owner.who == "nobody":
                return self.mention(i, "nobody")
            segments += owner.segments
        return self.mention(i, "part", segments) if segments else self.mention(i, "nobody")

    def of_ids(self, i: int, ids: Iterable[int], *, excluded: bool = False) -> Mention:
        """One of these segments, all of them, or nobody: by how many there are."""
        regions = [self.regions[id] for id in dict.fromkeys(ids)]
        many = is_plural_word(self.parsed, i)
        if not regions:
            return self.mention(i, "nobody")
        one = len(regions) == 1
        mass = one and (not regions[0].isthing or regions[0].iscrowd or has_plural_name(regions[0]))
        if one and (mass or not many):
            if self.own is not None and regions[0].id == self.own.id and not excluded:
                return self.own_mention(i)
            return self.mention(i, "segment", (regions[0].id,))
        return self.mention(i, "several", [region.id for region in regions])

    def fitting(self, phrase: str) -> list[int]:
        """The segments whose category a noun phrase fits; those that bear its very name first."""
        found = self._fitting.get(phrase)
        if found is None:
            found = self._fitting[phrase] = self._find_fitting(phrase)
        return found

    def _find_fitting(self, phrase: str) -> list[int]:
        words = [singular(word) for word in phrase.lower().split()]
        if not words:
            return []
        exact, loose, longest = list[str](), list[str](), 1
        for category, show in self._shows.items():
            if fits(phrase, category):
                (exact if show[-1] == words[-1] else loose).append(category)
            elif words[-1] in nouns.PEOPLE and nouns.is_person(category):
                loose.append(category)
        # "Wine glass" where there are glasses and wine glasses: the longer name is meant.
        for category in exact:
            show = self._shows[category]
            if words[-len(show) :] == show:
                longest = max(longest, len(show))
        if longest > 1:
            exact = [c for c in exact if words[-longest:] == self._shows[c]]
        meant = set(exact or loose)
        return [region.id for region in self.regions.values() if region.category in meant]

    def fits_own(self, phrase: str) -> bool:
        return self.own is not None and self.own.id in self.fitting(phrase)

    def bears_name(self, id: int, head: str) -> bool:
        """Is a noun the last word of what a segment's category is called?"""
        return self._shows.get(self.regions[id].category, [""])[-1] == head

    def is_kin(self, head: str) -> bool:
        """Is there a category to which a noun and the own one both belong: dahlia, flower head?"""
        if self.own is None or self.animate(self.own):
            return False
        return not set(named(words_of(self.own.category).show)).isdisjoint(named(head))

    def phrase(self, i: int) -> str:
        """The words that name the thing: without determiners; with what a quantity is of."""
        text = phrase_words(self.parsed, self.chunk_at.get(i), i)
        inner = of_noun(self.parsed, i)
        head = singular(self.parsed.tokens[i].lower)
        if inner is not None and head in nouns.QUANTITY:
            return phrase_words(self.parsed, self.chunk_at.get(inner), inner)
        return text

    def is_part_word(self, i: int) -> bool:
        head = singular(self.parsed.tokens[i].lower)
        if head == "jumper" and i == self.subject:
            # One who jumps.
            return False
        return head in nouns.BODY or head in nouns.WORN or head in nouns.PARTS

    def is_bodily(self, i: int) -> bool:
        """A hand is no person, though a segment of a hand is called one."""
        if self.own is None or singular(self.parsed.tokens[i].lower) not in nouns.BODY:
            return False
        return self.animate(self.own) or not self.fits_own(self.phrase(i))

    def animate(self, region: RegionFacts) -> bool:
        return nouns.is_person(region.category) or nouns.is_animal(region.category)

    def touch(self, id: int, others: Iterable[int]) -> bool:
        here = self.regions[id]
        return any(
            other in here.contacts
            or other in here.overlaps
            or id in self.regions[other].contacts
            or _boxes_meet(here, self.regions[other])
            for other in others
        )


def has_plural_name(region: RegionFacts) -> bool:
    """Is the category called by a plural, as skis and scissors are?"""
    show = words_of(region.category).show
    return plural(show) == show


def _boxes_meet(one: RegionFacts, two: RegionFacts) -> bool:
    ax1, ay1, ax2, ay2 = one.box_xyxy
    bx1, by1, bx2, by2 = two.box_xyxy
    return ax1 <= bx2 and bx1 <= ax2 and ay1 <= by2 and by1 <= ay2
