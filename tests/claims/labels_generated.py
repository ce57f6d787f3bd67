"""Makes captions whose statements are known to be true or false, by seed, from plain measurements.

A true statement holds by a wide margin; a false one is its mirror: the other side, a far colour,
another number, another place in the row. What is close is not stated at all.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tests.claims.label_table import Kind, Label, Truth
from tests.claims.plain_measures import Region, boxes_near, measure_folder

ORDER = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MIRROR = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
MIRROR |= {"above": "below", "below": "above", "larger": "smaller", "smaller": "larger"}
MIRROR |= {"leftmost": "rightmost", "rightmost": "leftmost", "upper": "lower", "lower": "upper"}
PLURALS = {"person": "people", "bench": "benches"}

COLOUR = (
    "The {n} is [{c}], with soft light on it.",
    "There is [{a} {c} {n}] that is easy to make out.",
    "Here the {n} has [{a} {c} colour].",
    "Seen up close, the {n} looks [{c}].",
    "The surface of the {n}, which is [{c}], shows little texture.",
)
OTHER_COLOUR = (
    "The {o} can be seen in the same scene as [{a} {c} {n}].",
    "In this view, the {o} is accompanied by [{a} {c} {n}].",
)
SIDE = (
    "The {n} can be seen [on the {s} side of the image].",
    "The clearly outlined {n} is placed [in the {s} half of the picture].",
    "[On the {s} of the photo], the {n} draws the eye.",
)
LEVEL = (
    "The {n} can be seen [at the {s} of the image].",
    "The clearly outlined {n} is placed [in the {s} half of the picture].",
    "Look [near the {s} of the photo] to find the {n}.",
)
CORNER = (
    "The {n} is [in the {v} {s} part of the photo].",
    "One can find the {n} [in the {v} {s} corner area].",
)
NTH = (
    "Counted along the row, it is [the {k} {n} from the left].",
    "This one, [the {k} {n} from the left], is in plain view.",
)
END = ("This is [the {e} {n}] in the picture.", "Here we see [the {e} of the {ns}], in full view.")
COUNT = (
    "The {n} shown here is [one of {k} {ns}] in the scene.",
    "A well-lit {n}, [one of the {k} {ns}] in view.",
)
ALONE = ("It is [the only {n}] in the picture.", "The scene shows this as [the only {n}].")
FILLS = ("The {n} [fills most of the picture].", "The {n} [takes up most of the image].")
SMALL = ("The {n} is [small in the image].", "Here the {n} is [a small object in the picture].")
COMPARED = (
    "The {n} is [{w} than the {o}] in this picture.",
    "Compared by eye, the {n} appears [{w} than the {o}].",
    "The {n}, [much {w} than the {o}], belongs to the scene.",
)
BESIDE = (
    "The {n} is [to the {s} of the {o}], plainly visible.",
    "[To the {s} of the {o}] one finds the {n}.",
    "The {n} stands out [on the {s} side of the {o}].",
)
OVER = ("The {n} is [{s} the {o}] in the image.", "One sees the {n} [{s} the {o}].")
INSIDE = ("The {n} lies [inside the {o}].", "The {n} is placed [within the {o}] in this view.")
TOUCHING = (
    "The {n} is [touching the {o}] in this view.",
    "The {n} sits [in contact with the {o}].",
)


@dataclass(frozen=True)
class Pair:
    """A statement that holds and one that does not; their words stand in brackets."""

    segment: int
    kind: Kind
    true: str
    false: str


class Writer:
    """Makes the pairs of one photograph. ``flat``: a drawing, where what meets also touches."""

    def __init__(self, regions: list[Region], dice: random.Random, flat: bool) -> None:
        self.regions = regions
        self.dice = dice
        self.flat = flat
        self.h, self.w = regions[0].mask.shape
        self.same: dict[str, list[Region]] = defaultdict(list)
        for region in regions:
            self.same[region.name].append(region)

    def pairs(self) -> list[Pair]:
        """All of them, in the order of kinds and segments."""
        return [
            *self.colours(),
            *self.positions(),
            *self.ordinals(),
            *self.counts(),
            *self.sizes(),
            *self.comparisons(),
            *self.relations(),
            *self.contacts(),
        ]

    def _pair(
        self,
        region: Region,
        kind: Kind,
        templates: tuple[str, ...],
        true: str,
        false: str,
        **told: str,
    ) -> Pair:
        """One template twice. ``true`` and ``false`` are ``key=value``; empty for none."""
        template = self.dice.choice(templates)
        names = {"n": region.name, "ns": plural(region.name), **told}
        texts = (_filled(template, claim, names) for claim in (true, false))
        return Pair(region.id, kind, *texts)

    def _others(self, region: Region) -> list[Region]:
        """Regions of another name that are alone of theirs."""
        return [r for r in self.regions if len(self.same[r.name]) == 1 and r.name != region.name]

    def colours(self) -> Iterator[Pair]:
        seen = {region.colour for region in self.regions}
        for region in self.regions:
            if not region.lacks:
                continue
            true = f"c={region.colour}" if region.colour else ""
            for _ in range(3):
                false = f"c={self.dice.choice(region.lacks)}"
                yield self._pair(region, "colour", COLOUR, true, false)
            absent = [colour for colour in region.lacks if colour not in seen]
            if region.colour and absent and region.thing and len(self.same[region.name]) == 1:
                for other in self._others(region):
                    false = f"c={self.dice.choice(absent)}"
                    pair = self._pair(region, "colour", OTHER_COLOUR, true, false, o=other.name)
                    yield replace(pair, segment=other.id)

    def positions(self) -> Iterator[Pair]:
        for region in self.regions:
            (x1, y1, x2, y2), (cx, cy) = region.box, region.centre
            side = "left" if x2 < 0.5 * self.w and cx < 0.3 * self.w else ""
            side = "right" if x1 > 0.5 * self.w and cx > 0.7 * self.w else side
            level = "top" if y2 < 0.5 * self.h and cy < 0.3 * self.h else ""
            level = "bottom" if y1 > 0.5 * self.h and cy > 0.7 * self.h else level
            for place, templates in ((side, SIDE), (level, LEVEL)):
                if place:
                    pair = (f"s={place}", f"s={MIRROR[place]}")
                    yield self._pair(region, "position", templates, *pair)
            if side and level:
                upper = "upper" if level == "top" else "lower"
                true, false = f"v={upper},s={side}", f"v={MIRROR[upper]},s={MIRROR[side]}"
                yield self._pair(region, "position", CORNER, true, false)

    def ordinals(self) -> Iterator[Pair]:
        for row in self._rows():
            row = sorted(row, key=lambda r: r.centre[0])
            gaps = [b.centre[0] - a.centre[0] for a, b in itertools.pairwise(row)]
            if len(row) < 2 or min(gaps) < 0.05 * self.w:
                continue
            for at, region in enumerate(row):
                wrong = ORDER[(at + 1) % len(row)]
                yield self._pair(region, "ordinal", NTH, f"k={ORDER[at]}", f"k={wrong}")
                end = {0: "leftmost", len(row) - 1: "rightmost"}.get(at, "")
                true = f"e={end}" if end else ""
                false = f"e={MIRROR.get(end, 'leftmost')}"
                yield self._pair(region, "ordinal", END, true, false)

    def _rows(self) -> list[list[Region]]:
        """The things by their names."""
        return [row for _, row in sorted(self.same.items()) if row[0].thing]

    def counts(self) -> Iterator[Pair]:
        for row in self._rows():
            many = len(row)
            for region in row:
                true = f"k={NUMBERS[many]}" if many > 1 else ""
                yield self._pair(region, "count", COUNT, true, f"k={NUMBERS[many + 2]}")
                pair = self._pair(region, "alone", ALONE, "x=", "x=")
                yield Pair(region.id, "alone", *((pair.true, "") if many == 1 else ("", pair.true)))
                if many == 1:
                    yield self._pair(region, "alone", COUNT, "", "k=two")

    def sizes(self) -> Iterator[Pair]:
        for region in self.regions:
            share = region.area / (self.w * self.h)
            fills = self._pair(region, "size", FILLS, "x=", "").true
            small = self._pair(region, "size", SMALL, "x=", "").true
            if share < 0.01:
                yield Pair(region.id, "size", small, fills)
            elif share > 0.6:
                yield Pair(region.id, "size", fills, small)

    def comparisons(self) -> Iterator[Pair]:
        for region in self.regions:
            for other in self._others(region):
                ratio = region.area / other.area
                if ratio > 3 or ratio < 1 / 3:
                    word = "larger" if ratio > 1 else "smaller"
                    pair = (f"w={word}", f"w={MIRROR[word]}")
                    yield self._pair(region, "relative size", COMPARED, *pair, o=other.name)

    def relations(self) -> Iterator[Pair]:
        for region in self.regions:
            for other in self._others(region):
                (ax1, ay1, ax2, ay2), (bx1, by1, bx2, by2) = region.box, other.box
                if ax2 <= bx1 or bx2 <= ax1:
                    side = "left" if ax2 <= bx1 else "right"
                    pair = (f"s={side}", f"s={MIRROR[side]}")
                    yield self._pair(region, "relation", BESIDE, *pair, o=other.name)
                across = min(ax2, bx2) - max(ax1, bx1)
                shared = across > 0.5 * min(ax2 - ax1, bx2 - bx1)
                if shared and (ay2 <= by1 or by2 <= ay1) and (self.flat or other.thing):
                    level = "above" if ay2 <= by1 else "below"
                    pair = (f"s={level}", f"s={MIRROR[level]}")
                    yield self._pair(region, "relation", OVER, *pair, o=other.name)
                if other.thing:
                    yield from self._inside(region, other)

    def _inside(self, region: Region, other: Region) -> Iterator[Pair]:
        if other.mask[region.ring].mean() > 0.98:
            yield self._pair(region, "relation", INSIDE, "x=", "", o=other.name)
        elif not boxes_near(region, other, 3):
            yield self._pair(region, "relation", INSIDE, "", "x=", o=other.name)

    def contacts(self) -> Iterator[Pair]:
        for region in self.regions:
            for other in self._others(region):
                if region.thing and other.thing:
                    if self.flat and (other.mask & region.ring).sum() >= 20:
                        yield self._pair(region, "contact", TOUCHING, "x=", "", o=other.name)
                    elif not boxes_near(region, other, self.w / 12):
                        yield self._pair(region, "contact", TOUCHING, "", "x=", o=other.name)


def _filled(template: str, claim: str, names: dict[str, str]) -> str:
    """A template with what is claimed; ``claim`` is ``key=value,…``, or empty for no text."""
    if not claim:
        return ""
    values = dict(part.split("=") for part in claim.split(","))
    article = "an" if values.get("c", "")[:1] in ("a", "e", "i", "o", "u") else "a"
    text = template.format(a=article, **names, **values)
    for vowel in "aeiou":
        text = text.replace(f" a {vowel}", f" an {vowel}").replace(f"A {vowel}", f"An {vowel}")
    return text[0].upper() + text[1:] if text[0] != "[" else "[" + text[1].upper() + text[2:]


def plural(name: str) -> str:
    """More than one of it."""
    return PLURALS.get(name, f"{name}s")


def generate(folder: Path, seed: int, per_kind: int = 4, flat: bool = False) -> list[Label]:
    """Labels for the photographs of a folder: up to ``per_kind`` true ones and as many false ones
    of each kind for each photograph, chosen by seed. ``flat``: the folder holds drawings."""
    labels: list[Label] = []
    for file, regions in measure_folder(folder):
        dice = random.Random(f"{seed}/{file}")
        pairs = Writer(regions, dice, flat).pairs()
        dice.shuffle(pairs)
        taken: dict[tuple[Kind, Truth], int] = defaultdict(int)
        seen: set[tuple[int, str]] = set()
        for pair in pairs:
            both: list[tuple[Truth, str]] = [("true", pair.true), ("false", pair.false)]
            both.sort(key=lambda way: taken[pair.kind, way[0]])
            for truth, text in both:
                fresh = bool(text) and (pair.segment, text) not in seen
                if fresh and taken[pair.kind, truth] < per_kind:
                    taken[pair.kind, truth] += 1
                    seen.add((pair.segment, text))
                    labels.append(_label(file, pair, text, truth))
                    break
    return labels


def _label(file: str, pair: Pair, text: str, truth: Truth) -> Label:
    words = text[text.index("[") + 1 : text.index("]")]
    caption = text.replace("[", "").replace("]", "")
    return Label(file, pair.segment, caption, words, pair.kind, truth)
