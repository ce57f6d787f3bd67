"""Words for single claims: noun phrases for segments, and predicates for what is said of them.

A predicate is a complement of "to be" or begins with a verb in square brackets (see
``annoengine.baseline.english``), which is made to agree when a sentence is built. Each claim has a
few wordings with the same meaning; all of them are read back by the tests, so a new wording needs a
new rule there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from annoengine.baseline.claim import Claim
from annoengine.baseline.english import Noun, join, noun_of, number_word, with_article
from annoengine.baseline.region_claims import groups_of, name_of
from annoengine.baseline.region_facts import RegionFacts, Scene

ORDINALS = {1: "first", 2: "second", 3: "third", 4: "fourth"}
OUTERMOST = {"left": "leftmost", "right": "rightmost", "top": "topmost", "bottom": "lowest"}


@dataclass(frozen=True)
class Predicate:
    """What is said of a subject: a complement of "to be", or a verb phrase; and what it claims."""

    text: str
    is_complement: bool
    claims: tuple[Claim, ...] = ()


class Wording:
    """Finds the words for the claims of one scene. ``rng`` decides between equal wordings."""

    def __init__(self, scene: Scene, claims: Mapping[int, Sequence[Claim]]) -> None:
        self.scene = scene
        self.claims = claims
        self._facts = {facts.id: facts for facts in scene.regions}
        self._groups = groups_of(scene)
        self._called: dict[tuple[int, bool], str] = {}

    def facts(self, id: int) -> RegionFacts:
        """The measurements of a segment."""
        return self._facts[id]

    def noun(self, id: int) -> Noun:
        """The noun of a segment."""
        return noun_of(self._facts[id].category)

    def group(self, id: int) -> list[RegionFacts]:
        """All segments of the same name, itself and crowds among them."""
        return self._groups[name_of(self._facts[id])]

    def is_only_one(self, id: int) -> bool:
        """Does no other segment, crowd or not, bear its name?"""
        return len(self.group(id)) == 1

    def refer(self, id: int, speaker: int) -> str:
        """What a segment is called in a sentence about another, as below; each worked out once."""
        alike = name_of(self._facts[id]) == name_of(self._facts[speaker])
        if (id, alike) not in self._called:
            self._called[id, alike] = self._refer(id, speaker)
        return self._called[id, alike]

    def _refer(self, id: int, speaker: int) -> str:
        """How a segment is named in a sentence about another.

        ``the cup`` where it is the only one, ``the leftmost cup`` where it is that, else ``a
        cup`` (or ``another cup`` in a sentence about a cup): such a phrase stands for any of them.
        """
        noun = self.noun(id)
        if self.is_only_one(id):
            return f"the {noun.show}"
        for claim in self.claims.get(id, ()):
            if claim.kind == "ordinal" and claim.value[0] == 1 and claim.value[1] in OUTERMOST:
                return f"the {OUTERMOST[str(claim.value[1])]} {noun.show}"
        return self.refer_loosely(id, speaker)

    def refer_loosely(self, id: int, speaker: int) -> str:
        """``a cup``, ``another cup``: words for a segment that may mean any of its name."""
        noun = self.noun(id)
        if noun.is_plural or not noun.countable:
            alike = name_of(self._facts[id]) == name_of(self._facts[speaker])
            return f"{'other' if alike else 'some'} {noun.show}"
        if name_of(self._facts[id]) == name_of(self._facts[speaker]):
            return f"another {noun.show}"
        return with_article(noun.show)

    def ordinal(self, claim: Claim) -> str:
        """``second cup from the left``, ``leftmost cup``: a noun phrase without its article."""
        place, side = int(claim.value[0]), str(claim.value[1])
        noun = self.noun(claim.segment)
        if place == 1:
            return f"{OUTERMOST[side]} {noun.show}"
        return f"{ORDINALS[place]} {noun.show} from the {side}"

    def counted(self, claim: Claim, brief: bool = False) -> str:
        """``one of three cups``, ``one of at least three cups``; ``brief`` leaves out the name."""
        how, n = claim.value
        least = "at least " if how == "at least" else ""
        named = "" if brief else f" {self.noun(claim.segment).plural}"
        return f"one of {least}{number_word(int(n))}{named}"

    def extreme(self, claim: Claim, brief: bool = False) -> str:
        """``largest of the three cups``, ``larger of the two cups``; ``brief`` as above."""
        word, n = str(claim.value[0]), int(claim.value[1])
        word = word.removesuffix("est") + "er" if n == 2 else word
        named = "" if brief else f" {self.noun(claim.segment).plural}"
        return f"{word} of the {number_word(n)}{named}"

    def colour(self, claim: Claim, rng: Random) -> str:
        """The main colours as a complement; of a person: ``mostly in blue``."""
        form, *words = (str(part) for part in claim.value)
        worn = "in " if self.noun(claim.segment).is_person else ""
        if form == "many":
            return "in several colours" if worn else "multicoloured"
        if form == "two":
            return f"{worn}{words[0]} and {words[1]}"
        how = {
            "entirely": "almost entirely",
            "mostly": rng.choice(("mostly", "mainly", "predominantly", "largely")),
            "partly": "partly",
        }[form]
        return f"{how} {worn}{words[0]}"

    def tinge(self, claim: Claim, rng: Random, after_partly: bool) -> str:
        """The further colours: ``with some black``; never "partly red with parts in black"."""
        words = join([str(word) for word in claim.value])
        if after_partly:
            return f"with some {words}"
        return f"{rng.choice(('with some', 'with some', 'with parts in'))} {words}"

    def place(self, claim: Claim, rng: Random, image: str = "") -> str:
        """Where in the image: ``in the upper left of the image``."""
        column, row = (str(part) for part in claim.value)
        image = image or rng.choice(("image", "image", "picture"))
        if not row:
            if column == "centre":
                return f"midway between the left and right sides of the {image}"
            return f"on the {column} side of the {image}"
        level = {"top": "upper", "middle": "middle", "bottom": "lower"}[row]
        if not column:
            if row == "middle":
                return f"at mid-height in the {image}"
            return f"in the {level} part of the {image}"
        if (column, row) == ("centre", "middle"):
            return f"in the {rng.choice(('centre', 'middle'))} of the {image}"
        if column == "centre":
            return f"in the {level} middle of the {image}"
        if row == "middle":
            return f"halfway up the {column} side of the {image}"
        return f"in the {level} {column} of the {image}"

    def placed(self, claim: Claim, rng: Random) -> Predicate:
        """The place as a predicate."""
        verb = rng.choice(("", "[appear] ", "[appear] ", "[can] be seen "))
        return Predicate(verb + self.place(claim, rng), not verb)

    def predicate(self, claim: Claim, rng: Random) -> Predicate:
        """Any claim but colours and relations, as a predicate."""
        method = {
            "tone": _tone,
            "grain": _grain,
            "shape": _shape,
            "lie": _lie,
            "parts": _parts,
            "proportion": _proportion,
            "share": _share,
            "box_share": _box_share,
            "edges": _edges,
            "centre": _centre,
        }.get(claim.kind)
        if method is not None:
            return method(claim, rng)
        if claim.kind == "place":
            return self.placed(claim, rng)
        if claim.kind == "ordinal":
            return Predicate(f"the {self.ordinal(claim)}", True)
        if claim.kind == "count":
            return Predicate(self.counted(claim), True)
        return Predicate(f"the {self.extreme(claim)}", True)

    def relation(self, claim: Claim, rng: Random, close: bool = False) -> Predicate:
        """A relation as a predicate; ``close``: the direction of one that it also touches."""
        others = [self.refer(other, claim.segment) for other in claim.others]
        if claim.kind == "direction":
            return Predicate(direction_words(str(claim.value[0]), others[0], close), True)
        if claim.kind == "touch":
            stuff = not self.facts(claim.segment).isthing
            verb = rng.choice(("[border] ", "[adjoin] " if stuff else "right next to "))
            return Predicate(verb + join(others), not verb.startswith("["))
        if claim.kind == "between":
            if others[0] == others[1] and self.noun(claim.others[0]).countable:
                sides = "on either side" if claim.value[0] == "across" else "above and below"
                return Predicate(f"[have] {others[0]} {sides}", False)
            first, second = ("on the left", "on the right")
            if claim.value[0] == "down":
                first, second = "above", "below"
            return Predicate(f"between {others[0]} {first} and {others[1]} {second}", True)
        if claim.kind == "overlap":
            return Predicate(f"[overlap] {others[0]}", False)
        how = {
            "inside": "within",
            "surrounded": rng.choice(("surrounded by", "surrounded on all sides by")),
            "bordered": rng.choice(("bordered mostly by", "bordered for the most part by")),
        }[claim.kind]
        return Predicate(f"{how} {others[0]}", True)


def direction_words(side: str, other: str, close: bool) -> str:
    """Where a segment is, seen from another.

    >>> direction_words("left", "the cup", True), direction_words("above right", "it", False)
    ('immediately to the left of the cup', 'above and to the right of it')
    """
    down, _, across = side.rpartition(" ")
    if side in ("above", "below"):
        return f"{'directly ' if close else ''}{side} {other}"
    if down:
        return f"{down} and to the {across} of {other}"
    return f"{'immediately ' if close else ''}to the {across} of {other}"


def _tone(claim: Claim, rng: Random) -> Predicate:
    if claim.value[0] == "even":
        return Predicate(rng.choice(("even in tone", "of an even tone")), True)
    return Predicate(
        rng.choice(
            (
                "[show] strong contrasts of light and dark",
                "[have] both very light and very dark parts",
            )
        ),
        False,
    )


def _grain(claim: Claim, rng: Random) -> Predicate:
    if claim.value[0] == "smooth":
        return Predicate(rng.choice(("smooth", "smooth in texture")), True)
    return rng.choice(
        (Predicate("strongly textured", True), Predicate("[have] a busy texture", False))
    )


def _shape(claim: Claim, rng: Random) -> Predicate:
    shape = str(claim.value[0])
    if shape == "irregular":
        return rng.choice(
            (
                Predicate("irregular in outline", True),
                Predicate("[have] an irregular outline", False),
            )
        )
    if shape == "narrow":
        return Predicate(rng.choice(("long and narrow", "narrow")), True)
    return Predicate(rng.choice(("", "roughly ")) + shape, True)


def _lie(claim: Claim, rng: Random) -> Predicate:
    lie = str(claim.value[0])
    if lie == "upright":
        return Predicate("upright", True)
    if lie == "level":
        return Predicate(rng.choice(("[stretch]", "[extend]")) + " horizontally", False)
    start, end = ("lower left", "upper right") if lie == "rising" else ("upper left", "lower right")
    verb = rng.choice(("[run] diagonally", "[slant]"))
    return Predicate(f"{verb} from the {start} to the {end}", False)


def _parts(claim: Claim, rng: Random) -> Predicate:
    n = number_word(int(claim.value[0]))
    if rng.random() < 0.5:
        return Predicate(f"visible in {n} separate parts", True)
    return Predicate(f"[appear] in {n} separate parts", False)


def _proportion(claim: Claim, rng: Random) -> Predicate:
    way, times = str(claim.value[0]), int(claim.value[1])
    first, second = ("tall", "wide") if way == "tall" else ("wide", "tall")
    if times == 1:
        return Predicate(f"{'taller' if way == 'tall' else 'wider'} than {second}", True)
    often = "twice" if times == 2 else f"{number_word(times)} times"
    return Predicate(f"about {often} as {first} as {second}", True)


_FRACTIONS = {
    10: "a tenth",
    20: "a fifth",
    25: "a quarter",
    50: "half",
    75: "three quarters",
}


def _part_of_image(percent: int, rng: Random) -> str:
    image = rng.choice(("image", "image", "picture"))
    if percent == 0:
        return f"less than 1% of the {image}"
    if percent == 100:
        return f"almost all of the {image}"
    if percent in _FRACTIONS and rng.random() < 0.7:
        return f"about {_FRACTIONS[percent]} of the {image}"
    return f"about {percent}% of the {image}"


def _share(claim: Claim, rng: Random) -> Predicate:
    verb = rng.choice(("[cover]", "[take] up", "[occupy]", "[make] up"))
    return Predicate(f"{verb} {_part_of_image(int(claim.value[0]), rng)}", False)


def _box_share(claim: Claim, rng: Random) -> Predicate:
    part = _part_of_image(int(claim.value[0]), rng)
    return Predicate(f"[fit] in a box that takes up {part}", False)


def _edges(claim: Claim, rng: Random) -> Predicate:
    sides = [str(side) for side in claim.value]
    image = rng.choice(("image", "image", "picture"))
    if sides == ["left", "right"] or sides == ["top", "bottom"]:
        size = "width" if sides[0] == "left" else "height"
        return Predicate(
            f"{rng.choice(('[span]', '[cross]'))} the full {size} of the {image}", False
        )
    if len(sides) == 4:
        return Predicate(f"[reach] all four edges of the {image}", False)
    verb = rng.choice(("[reach]", "[extend] to", "[touch]"))
    return Predicate(
        f"{verb} the {join(sides)} {'edge' if len(sides) == 1 else 'edges'} of the {image}", False
    )


def _centre(claim: Claim, rng: Random) -> Predicate:
    x, y = claim.value
    return Predicate(
        f"centred about {x}% of the way across and {y}% of the way down the image", True
    )
