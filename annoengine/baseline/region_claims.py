"""All that may truly be said of the segments of an image, and what tells two of them apart.

Measurements come in (``annoengine.baseline.region_facts``), claims go out; words are made of claims
alone (``annoengine.baseline.region_english``), so that every sentence has a definition that anyone
can check against the pixels: in ``annoengine.baseline.region_looks`` for a segment by itself, in
``annoengine.baseline.region_relations`` for a segment among others. All of it is of the picture
plane: "above" is higher in the picture, "next to" is sharing an outline in it. Nothing is said of
depth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from annoengine import colour
from annoengine.baseline.claim import Claim
from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.baseline.region_looks import SOME, colour_holds, looks_of
from annoengine.baseline.region_relations import relations_of, standing_of
from annoengine.categories import words_of


def claims_of(scene: Scene) -> dict[int, tuple[Claim, ...]]:
    """Every true claim about each segment that is no crowd, in a fixed order."""
    groups = groups_of(scene)
    claims: dict[int, tuple[Claim, ...]] = {}
    for facts in scene.regions:
        if facts.iscrowd:
            continue
        own = [
            *looks_of(facts, scene.size_wh),
            *standing_of(facts, scene, groups[name_of(facts)]),
            *relations_of(facts, scene),
        ]
        claims[facts.id] = tuple(Claim(k, facts.id, v, o) for k, v, o in own)
    return claims


def name_of(facts: RegionFacts) -> str:
    """The name that segments of one kind share: the category's, as it is shown."""
    return words_of(facts.category).show


def groups_of(scene: Scene) -> dict[str, list[RegionFacts]]:
    """The segments of each name, crowds among them, in the record's order."""
    groups: dict[str, list[RegionFacts]] = {}
    for facts in scene.regions:
        groups.setdefault(name_of(facts), []).append(facts)
    return groups


def sets_apart(claim: Claim, other: RegionFacts, others: Mapping[int, Sequence[Claim]]) -> bool:
    """Is a claim, which is true of its own segment, clearly untrue of another?

    Relations are left to the caller, who knows what the related segments are called.
    """
    same = [c for c in others[other.id] if c.kind == claim.kind]
    if claim.kind == "colour":
        return other.surface is None or not colour_holds(claim.value, other.surface)
    if claim.kind == "tinge":
        shares = other.surface.colours if other.surface else ()
        return any(colour.share_of(str(word), shares) < SOME for word in claim.value)
    if claim.kind in ("share", "box_share"):
        mine = int(claim.value[0])
        return all(abs(mine - int(c.value[0])) >= max(2, mine // 4) for c in same)
    if claim.kind == "centre":
        return all(
            sum(abs(int(p) - int(q)) for p, q in zip(claim.value, c.value, strict=True)) >= 3
            for c in same
        )
    if claim.kind == "proportion" and claim.value[1] == 1:
        return all(claim.value[0] != c.value[0] for c in same)
    if claim.kind == "edges":
        return not any(set(claim.value) <= set(c.value) for c in same)
    if claim.kind == "place":
        # "On the left side" is also true of what is in the upper left.
        return all(
            any(said and said != there for said, there in zip(claim.value, c.value, strict=True))
            for c in same
        )
    if claim.kind == "count":
        return False
    return claim.value not in [c.value for c in same]
