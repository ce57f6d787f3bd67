"""Chooses which claims a description makes: who it is, its look, its place, its neighbours.

A good description is short and tells its segment from the others of the same name. So a few
claims are drawn by what they are worth, and then others are added until no other segment of the
name fits all of them, wherever the claims allow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from random import Random

from annoengine.baseline.claim import Claim
from annoengine.baseline.english import Noun
from annoengine.baseline.region_claims import sets_apart
from annoengine.baseline.region_phrases import Wording
from annoengine.baseline.region_relations import direction

_WORTH = {
    "surrounded": 3.0,
    "inside": 3.0,
    "bordered": 2.6,
    "between": 2.2,
    "overlap": 2.0,
    "direction": 1.8,
    "touch": 1.4,
}
"""How telling a relation is, before what is known of the other: named alone, or one of many."""

_TELLING = ("ordinal", "extreme", "place", "direction", "edges", "share", "proportion", "centre")
"""Kinds to add, in this order, where a description is true of another segment as well."""


def by_kind(claims: Iterable[Claim]) -> dict[str, list[Claim]]:
    """The claims of each kind, in their order."""
    kinds: dict[str, list[Claim]] = {}
    for claim in claims:
        kinds.setdefault(claim.kind, []).append(claim)
    return kinds


def choose(wording: Wording, id: int, rng: Random) -> tuple[list[Claim], list[Claim]]:
    """What to say of a segment, and what may be added where that is too little."""
    kinds = by_kind(wording.claims[id])
    chosen = _head(kinds, rng)

    def add(kind: str, chance: float = 1.0) -> None:
        if kind in kinds and rng.random() < chance:
            chosen.append(kinds[kind][0])

    add("colour")
    add("tinge")
    looks = _looks(kinds, wording.noun(id))
    rng.shuffle(looks)
    chosen += looks[: rng.choice((0, 0, 1))]
    if "edges" in kinds and len(kinds["edges"][0].value) >= 2:
        add("edges")
        add("place", 0.2)
    else:
        add("place")
        add("edges", 0.3)
    small = "share" in kinds and int(kinds["share"][0].value[0]) < 2
    add("share", 0.05 if small else 0.4)
    add("box_share", 0.5)
    neighbours = _neighbours(wording, kinds, rng)
    chosen += neighbours[: rng.choice((1, 1, 1, 2))]
    spare = [*neighbours, *looks]
    rng.shuffle(spare)
    spare += [kinds[kind][0] for kind in ("edges", "share", "place", "box_share") if kind in kinds]
    chosen = _set_apart(wording, id, chosen)
    return chosen, [claim for claim in dict.fromkeys(spare) if claim not in chosen]


def _head(kinds: Mapping[str, list[Claim]], rng: Random) -> list[Claim]:
    """Which of its name it is: an ordinal if there is one, a superlative, or one of so many."""
    ordinals = sorted(
        kinds.get("ordinal", []),
        key=lambda c: (int(c.value[0]), c.value[1] not in ("left", "right"), c.value[1]),
    )
    if ordinals and rng.random() < 0.75:
        return [ordinals[0]]
    if "extreme" in kinds and rng.random() < 0.7:
        return [rng.choice(kinds["extreme"])]
    for claim in kinds.get("count", []):
        few = claim.value[0] == "exactly" and int(claim.value[1]) <= 6
        if rng.random() < (0.6 if few else 0.15):
            return [claim]
    return []


def _looks(kinds: Mapping[str, list[Claim]], noun: Noun) -> list[Claim]:
    """Statements about shape and surface that go together and are worth making."""
    said = {kind: str(kinds[kind][0].value[0]) for kind in kinds if kinds[kind][0].value}
    silent = set()
    wide = "edges" in kinds and len(kinds["edges"][0].value) >= 2
    if wide or said.get("lie") == "level" or said.get("shape") in ("round", "oval"):
        silent.add("proportion")
    if said.get("lie") == "upright" and "proportion" in said:
        silent.add("lie")
    if said.get("shape") == "narrow" and "proportion" in said:
        silent.add("shape")
    if noun.is_person:
        # True of the pixels, but nobody says it of people.
        silent |= {"grain", "tone", "lie", "proportion"}
        if said.get("shape") in ("narrow", "irregular"):
            silent.add("shape")
    return [
        kinds[kind][0]
        for kind in ("shape", "lie", "proportion", "parts", "tone", "grain")
        if kind in kinds and kind not in silent
    ]


def _neighbours(wording: Wording, kinds: Mapping[str, list[Claim]], rng: Random) -> list[Claim]:
    """The relations worth telling, best first, none of which repeats another."""
    touched = {claim.others[0] for claim in kinds.get("touch", ())}
    stronger = {c.others for kind in ("surrounded", "inside") for c in kinds.get(kind, ())}
    ranked = []
    for kind, worth in _WORTH.items():
        for claim in kinds.get(kind, ()):
            if kind in ("bordered", "overlap") and claim.others in stronger:
                continue
            value = worth + rng.random()
            if kind == "direction":
                value += 0.6 if claim.others[0] in touched else 0
                value -= 0.8 if " " in str(claim.value[0]) else 0
            for other in claim.others:
                named = wording.refer(other, claim.segment)
                if not named.startswith("the "):
                    value -= 1.6 if named.startswith(("another", "other")) else 0.8
            ranked.append((value, claim))
    ranked.sort(key=lambda item: -item[0])
    chosen: list[Claim] = []
    told: set[int] = set()
    sides: set[object] = set()
    for value, claim in ranked:
        side = claim.value[0] if claim.kind == "direction" else claim.kind
        if value < 1.0 or told & set(claim.others) or (side in sides and side != "touch"):
            continue
        chosen.append(claim)
        told |= set(claim.others)
        sides.add(side)
    return chosen


def _set_apart(wording: Wording, id: int, chosen: list[Claim]) -> list[Claim]:
    """Adds what is needed so that no other segment of the name fits the whole description."""
    rivals = {
        facts.id for facts in wording.group(id) if facts.id != id and facts.id in wording.claims
    }
    for claim in chosen:
        rivals = _fitting(wording, claim, rivals)
    spare = [c for kind in _TELLING for c in wording.claims[id] if c.kind == kind]
    while rivals:
        left = {claim: len(_fitting(wording, claim, rivals)) for claim in spare}
        better = [claim for claim in spare if left[claim] < len(rivals)]
        if not better:
            break
        # The centre in percent says it exactly but drily: it is the last resort.
        best = min(better, key=lambda claim: (claim.kind == "centre", left[claim]))
        chosen = [*chosen, best]
        rivals = _fitting(wording, best, rivals)
    return chosen


def _fitting(wording: Wording, claim: Claim, rivals: set[int]) -> set[int]:
    """Those rivals of which the claim, as it is worded, may be true as well."""
    if not claim.others:
        return {r for r in rivals if not sets_apart(claim, wording.facts(r), wording.claims)}
    said = [wording.refer(other, claim.segment) for other in claim.others]
    if claim.kind in ("direction", "between"):
        # Claims are made of what is near; but the words are also true of what is far.
        sides = _SIDES.get(str(claim.value[0]), (str(claim.value[0]),))
        return {r for r in rivals if _lies(wording, r, sides, said)}
    return {
        rival
        for rival in rivals
        if any(
            (c.kind, c.value) == (claim.kind, claim.value)
            and all(map(partial(_may_mean, wording, rival), said, c.others))
            for c in wording.claims[rival]
        )
    }


def _may_mean(wording: Wording, speaker: int, name: str, id: int) -> bool:
    """May a segment be meant by a name, in a sentence about another?"""
    return name in (wording.refer(id, speaker), wording.refer_loosely(id, speaker))


_SIDES = {"across": ("right", "left"), "down": ("below", "above")}


def _lies(wording: Wording, id: int, sides: Sequence[str], named: Sequence[str]) -> bool:
    """Does a segment lie on these sides of other segments that are called so?"""
    box = wording.facts(id).box_xyxy
    found: list[set[int]] = [
        {
            other.id
            for other in wording.scene.regions
            if other.id != id
            and _may_mean(wording, id, name, other.id)
            and direction(box, other.box_xyxy) == side
        }
        for side, name in zip(sides, named, strict=True)
    ]
    return all(found) and len(set().union(*found)) >= len(found)
