"""Short names for segments: "the other giraffe", "the man on the left", "the cup by the laptop".

A name is unique among its category where the picture allows it: by being the only one, the other
of two, the first from a side, the one that touches something unique, or the largest. What may be
said of place and size is measured by ``annoengine.baseline.region_relations`` alone, so a name is
as true as a claim. Never a number that was drawn, never a colour: a drawn mark lends both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from annoengine.baseline.english import join, noun_of, number_word, with_article
from annoengine.baseline.region_claims import groups_of, name_of
from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.baseline.region_phrases import ORDINALS
from annoengine.baseline.region_relations import standing_of, touches
from annoengine.categories import fits, is_known, words_of
from annoengine.noun_phrase import plural, singular
from annoengine.record import Record, Segment

MANY = frozenset({"tree", "mountain", "rock"})
"""What one segment of a merged category usually holds several of: "the trees"."""

OUTER = 0.4
"""A centre within this part of the width (or height) is "on the left" ("at the top"); so is one of
two on the other side, beyond 1 - 0.4. Ours: it leaves a fifth in the middle that is neither."""

_FIRST = {"left": "leftmost", "right": "rightmost", "top": "topmost", "bottom": "lowest"}
_SIDE = {
    "left": "on the left",
    "right": "on the right",
    "top": "at the top",
    "bottom": "at the bottom",
}


SceneOrMeasure = Scene | Callable[[], Scene] | None
"""A record's scene, or what measures it; None where nothing is known of it."""


@dataclass(frozen=True)
class Phrase:
    """A noun phrase, and whether a verb after it is in the plural."""

    text: str
    plural: bool = False


@dataclass(frozen=True)
class _Telling:
    """What goes before and after the noun, after "the".

    ``alone`` goes before a noun that nothing may follow; ``side`` after one that is not the
    category's, of which there may be but one: "the boy on the left", not "the leftmost boy".
    """

    before: str = ""
    after: str = ""
    alone: str = ""
    side: str = ""

    def around(self, word: str, category: str) -> str:
        """The noun phrase. Who is second among people need not be second among men."""
        swapped = word != words_of(category).show
        if swapped and self.side:
            return f"the {word} {self.side}"
        if self.before and self.after and swapped:
            return f"the {word} {self.before} {self.after}"
        return " ".join(part for part in ("the", self.before, word, self.after) if part)


class Names:
    """What the segments of a record are called.

    ``scene`` may be a function that measures it, which is called when several segments of one name
    must be told apart; None: they are called by their categories alone.
    """

    def __init__(self, record: Record, scene: SceneOrMeasure) -> None:
        self._segments = {segment.id: segment for segment in record.segments}
        self._given = scene
        self._tellings: dict[int, _Telling | None] = {}
        self._kin: dict[str, list[int]] = {}
        for segment in record.segments:
            self._kin.setdefault(words_of(segment.category.name).show, []).append(segment.id)

    def category(self, id: int) -> str:
        """The category of a segment."""
        return self._segments[id].category.name

    def kin(self, id: int) -> list[int]:
        """All segments of the same name, itself included."""
        return self._kin[words_of(self.category(id)).show]

    def one(
        self,
        id: int,
        speaker: int | None = None,
        noun: str = "",
        possessive: bool = False,
        opens: bool = False,
    ) -> Phrase:
        """The name of a segment in a caption about ``speaker``.

        ``noun`` is the caption's own word for it, kept where it fits the category ("man" for a
        person). ``possessive``: it ends in "'s", so that nothing may follow the noun. ``opens``:
        the caption begins with it, and nothing stands there yet that it could be another of.
        """
        word, many = self._noun(id, noun)
        kin = self.kin(id)
        rest = [other for other in kin if other != speaker]
        if id == speaker or len(kin) == 1:
            return _ending(f"the {word}", many, possessive)
        if len(rest) == 1 and not self._segments[rest[0]].iscrowd and not opens:
            return _ending(f"the other {word}", many, possessive)
        telling = self._telling(id)
        if telling is not None:
            if not possessive or not (telling.after or telling.side):
                return _ending(telling.around(word, self.category(id)), many, possessive)
            if telling.alone:
                return _ending(f"the {telling.alone} {word}", many, True)
        kindred = speaker in kin
        if not words_of(self.category(id)).countable:
            another = kindred and not opens
            return _ending(f"another area of {word}" if another else f"the {word}", many, False)
        if many:
            return _ending(
                f"other {word}" if kindred and not opens else f"some {word}", many, possessive
            )
        if possessive:
            return _ending(
                f"another {word}" if kindred and not opens else with_article(word), many, True
            )
        return Phrase(f"one of the {'other ' if kindred else ''}{_plural(word)}")

    def several(
        self, ids: Sequence[int], speaker: int | None = None, noun: str = "", opens: bool = False
    ) -> Phrase:
        """The name of several segments at once: "the bus and the other two cars"."""
        groups: dict[str, list[int]] = {}
        for id in dict.fromkeys(ids):
            groups.setdefault(words_of(self.category(id)).show, []).append(id)
        phrases = [
            self._group(group, speaker, noun, opens and not position)
            for position, group in enumerate(groups.values())
        ]
        if len(phrases) == 1:
            return phrases[0]
        return Phrase(join([phrase.text for phrase in phrases]), True)

    def _group(self, ids: Sequence[int], speaker: int | None, noun: str, opens: bool) -> Phrase:
        """Segments of one name."""
        if len(ids) == 1:
            return self.one(ids[0], speaker, noun, opens=opens)
        word, many = self._noun(ids[0], singular(noun) if noun else "")
        if many or not words_of(self.category(ids[0])).countable:
            return Phrase(f"the {word}", many)
        words, count = _plural(word), number_word(len(ids))
        kin = self.kin(ids[0])
        rest = [other for other in kin if other != speaker]
        crowds = any(self._segments[other].iscrowd for other in kin)
        if set(ids) == set(kin) and not crowds:
            return Phrase(f"the {count} {words}", True)
        if speaker in ids:
            others = self._group([id for id in ids if id != speaker], speaker, noun, False)
            return Phrase(f"the {word} and {others.text}", True)
        if speaker in kin:
            all_others = set(ids) == set(rest) and not crowds and not opens
            text = f"the other {count} {words}" if all_others else f"{count} of the other {words}"
            return Phrase(text, True)
        return Phrase(f"{count} of the {words}", True)

    def other_of(self, id: int) -> Phrase:
        """Another segment of the same name, whichever: "the other cow", "another cow"."""
        word, many = self._noun(id, "")
        if many or not words_of(self.category(id)).countable:
            return Phrase(f"the other {word}", many)
        return Phrase(f"the other {word}" if len(self.kin(id)) == 2 else f"another {word}")

    def _noun(self, id: int, noun: str) -> tuple[str, bool]:
        """The word to use, and whether it is in the plural."""
        segment = self._segments[id]
        own = noun_of(segment.category.name)
        if noun and fits(noun, segment.category.name):
            lower = noun.lower()
            return lower, (lower == own.show and own.is_plural) or singular(lower) != lower
        if not is_known(segment.category.name):
            return ("area" if own.show == "region" else own.show), False
        if _is_many(segment):
            return own.plural, True
        return own.show, own.is_plural

    def _telling(self, id: int) -> _Telling | None:
        if id not in self._tellings:
            self._tellings[id] = self._tell(id)
        return self._tellings[id]

    @cached_property
    def _scene(self) -> Scene | None:
        return self._given() if callable(self._given) else self._given

    @cached_property
    def _facts(self) -> dict[int, RegionFacts]:
        assert self._scene is not None
        return {facts.id: facts for facts in self._scene.regions}

    @cached_property
    def _groups(self) -> dict[str, list[RegionFacts]]:
        assert self._scene is not None
        return groups_of(self._scene)

    def _tell(self, id: int) -> _Telling | None:
        """What tells a segment from the others of its name, in words; None where nothing does."""
        if self._scene is None or id not in self._facts:
            return None
        facts = self._facts[id]
        group = self._groups[name_of(facts)]
        drafts = list(standing_of(facts, self._scene, group, light=False))
        places = [value for kind, value, _ in drafts if kind == "ordinal"]
        for place, side in places:
            if place == 1:
                return self._outermost(facts, str(side), len(group))
        ranks = {str(side): int(place) for place, side in places}
        if len(group) == 3 and ranks.get("left") == 2 and self._is_central(facts):
            return _Telling("", "in the middle", "middle")
        neighbour = self._neighbour(facts, group)
        if neighbour:
            return _Telling("", f"next to the {neighbour}", self._ordinal_word(places))
        # Counting beyond the third is work for a reader.
        for place, side in sorted(places, key=lambda p: (int(p[0]), str(p[1]))):
            if int(place) <= 3:
                word = ORDINALS[int(place)]
                return _Telling(word, f"from the {side}", word)
        for kind, value, _ in drafts:
            if kind == "extreme" and value[0] in ("largest", "smallest"):
                word = str(value[0])
                return _Telling(word.removesuffix("est") + "er" if value[1] == 2 else word)
        return None

    def _ordinal_word(self, places: Sequence[tuple[str | int, ...]]) -> str:
        return next((ORDINALS[int(place)] for place, _ in places if int(place) > 1), "")

    def _outermost(self, facts: RegionFacts, side: str, count: int) -> _Telling:
        assert self._scene is not None
        axis = 0 if side in ("left", "right") else 1
        at = facts.centre_xy[axis] / self._scene.size_wh[axis]
        far = at if side in ("left", "top") else 1 - at
        if count == 2 and far < OUTER:
            return _Telling("", _SIDE[side], _FIRST[side])
        return _Telling(_FIRST[side], "", _FIRST[side], _SIDE[side] if far < OUTER else "")

    def _is_central(self, facts: RegionFacts) -> bool:
        assert self._scene is not None
        return OUTER <= facts.centre_xy[0] / self._scene.size_wh[0] <= 1 - OUTER

    def _neighbour(self, facts: RegionFacts, group: Sequence[RegionFacts]) -> str:
        """The only thing of its category that this one touches and no other of its name does."""
        assert self._scene is not None
        for other in self._scene.regions:
            if not other.isthing or other.iscrowd or len(self._groups[name_of(other)]) > 1:
                continue
            if is_known(other.category) and [one.id for one in group if touches(one, other)] == [
                facts.id
            ]:
                return noun_of(other.category).show
        return ""


def _is_many(segment: Segment) -> bool:
    name = segment.category.name
    return name.endswith("-merged") and noun_of(name).show in MANY


def _plural(word: str) -> str:
    return "people" if word == "person" else plural(word)


def _ending(text: str, many: bool, possessive: bool) -> Phrase:
    if not possessive:
        return Phrase(text, many)
    return Phrase(text + ("'" if many and text.endswith("s") else "'s"), many)
