"""Tells by place and rank which of several a phrase means: "the tower at the left edge".

A noun that fits several segments is first resolved to all of them. What the caption says of the
one it means then rules out whichever it cannot be true of, by the same tests that a statement of
a caption goes through, with their margins; where it is true of just one, that one is meant, and
else whichever is doubtful stays in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from annoengine.baseline.region_facts import RegionFacts
from annoengine.claims.caption_claim import Mention
from annoengine.claims.caption_reading import CaptionReading, Test
from annoengine.claims.order_claims import orders, rank_verdict
from annoengine.claims.place_claims import place_verdict
from annoengine.claims.place_phrase import place_phrases


def chosen(reading: CaptionReading, mentions: Sequence[Mention]) -> tuple[Mention, ...]:
    """The mentions; those of several, without the segments that their own words rule out."""
    if not any(_may_be_narrowed(reading, one) for one in mentions):
        return tuple(mentions)
    places = {phrase.first: phrase for phrase in place_phrases(reading.parsed)}
    ranks = {order.noun: order for order in orders(reading) if order.noun is not None}
    found = []
    for one in mentions:
        if _may_be_narrowed(reading, one):
            place, rank = places.get(one.past), ranks.get(one.root)
            left = reading.regions(one)
            if place is not None and place.whose in ("image", "nobody"):
                left = _fitting(left, partial(place_verdict, reading, place))
            if rank is not None:
                left = _fitting(left, partial(rank_verdict, reading, rank))
            one = _of(reading, one, left)
        found.append(one)
    return tuple(found)


def _may_be_narrowed(reading: CaptionReading, mention: Mention) -> bool:
    definite = reading.tokens[mention.first].lower in ("the", "that")
    return mention.who == "several" and definite and not mention.plural and not mention.crowd


def _fitting(of: Sequence[RegionFacts], test: Test) -> list[RegionFacts]:
    """The one of which it is true, else those of which it is not false."""
    truths = [test(facts)[0] for facts in of]
    wanted = ("supported",) if truths.count("supported") == 1 else ("supported", "cannot tell")
    return [facts for facts, truth in zip(of, truths, strict=True) if truth in wanted]


def _of(reading: CaptionReading, mention: Mention, left: Sequence[RegionFacts]) -> Mention:
    if not left or len(left) == len(mention.segments):
        return mention
    ids = tuple(facts.id for facts in left)
    if len(ids) > 1:
        return replace(mention, segments=ids)
    return replace(mention, segments=ids, who="self" if ids[0] == reading.own else "segment")
