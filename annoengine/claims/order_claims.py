"""Tests which of its kind a caption says that something is: "the second tower from the left".

The kind is the segment's category, and its members are what is annotated of it. Members that lie
nearly level are not ordered, and small ones in the distance may or may not have been counted; so a
segment has a range of ranks, and an ordinal is false only outside of it. A crowd leaves the order
open, but for what is said to be the first and has others ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.categories import words_of
from annoengine.claims.caption_claim import Mention, Statement
from annoengine.claims.caption_reading import OF_ONE_BODY, CaptionReading, Verdict
from annoengine.language.parsed import Parsed, Token

LEVEL = 0.02
"""Centres nearer than this share of the image's width (height) are not ordered: that of the
ordinals of ``annoengine.baseline.region_relations``."""

FIRST_AMONG = 2
"""Where a crowd is annotated too, from so many ahead of it on one is surely not the first. Ours:
what is annotated as a crowd may have been cut out of it by hand."""

MINOR = 12
"""A member whose area is so many times smaller may be passed over in counting. Ours: a figure in
the distance, of two sevenths of the height, has a twelfth of the area."""

_ORDINALS = {
    word: rank
    for rank, words in enumerate(
        (
            "first 1st",
            "second 2nd",
            "third 3rd",
            "fourth 4th",
            "fifth 5th",
            "sixth 6th",
            "seventh 7th",
            "eighth 8th",
            "ninth 9th",
            "tenth 10th",
        ),
        start=1,
    )
    for word in words.split()
}
_SIDES = {
    "left": ("left", 0, False),
    "right": ("right", 0, True),
    "top": ("top", 1, False),
    "bottom": ("bottom", 1, True),
}
_UPPER = {"upper": "top", "lower": "bottom"}
_MOST = {
    "leftmost": "left",
    "rightmost": "right",
    "topmost": "top",
    "uppermost": "top",
    "bottommost": "bottom",
    "lowermost": "bottom",
    "lowest": "bottom",
    "highest": "top",
}
_FURTHEST = frozenset({"furthest", "farthest", "last"})
_OTHER_END = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}
_PLACES = frozenset(
    "side hand part half section corner edge end third quadrant portion area border margin region "
    "background foreground of".split()
)
_MIDDLE = frozenset({"middle", "center", "centre", "central"})


@dataclass(frozen=True)
class Order:
    """An ordinal at the words ``first`` up to ``past``, said at the word ``at``.

    ``noun`` is the word that it qualifies, None where it stands for one ("is the second from the
    left"); ``rank`` counts from ``side``, 0 for the middle one; ``loose`` for "the left tower",
    which says no more than that another is farther to the right.
    """

    first: int
    past: int
    at: int
    noun: int | None
    rank: int
    side: str
    loose: bool = False


def order_statements(
    parsed: Parsed, mentions: Sequence[Mention], scene: Scene, own: int | None
) -> list[Statement]:
    """What the caption says of the order of things of one kind, tested."""
    reading = CaptionReading(parsed, mentions, scene, own)
    found = []
    for order in orders(reading):
        statement = _statement(reading, order)
        if statement is not None:
            found.append(statement)
    return found


def orders(reading: CaptionReading) -> list[Order]:
    """The ordinals of a caption, in its order."""
    found: list[Order] = []
    for token in reading.tokens:
        if found and token.i < found[-1].past:
            continue
        order = (
            _counted(reading, token)
            or _last(reading, token)
            or _furthest(reading, token)
            or _qualified(reading, token)
        )
        if order is not None:
            found.append(order)
    return found


def _counted(reading: CaptionReading, token: Token) -> Order | None:
    """ "The second tower from the left", "third from right"."""
    rank = _ORDINALS.get(token.lower)
    if rank is None:
        return None
    tokens = reading.tokens
    at = token.i + 1
    noun = None
    while at < len(tokens) and tokens[at].lower not in ("from", "to", ",", ".", ";"):
        if tokens[at].pos in ("VERB", "AUX") and tokens[at].tag not in ("VBN", "VBG"):
            return None
        if tokens[at].pos in ("NOUN", "PROPN") or tokens[at].lower == "one":
            noun = at
        at += 1
        if at - token.i > 6:
            return None
    side = _side_at(reading, at)
    if side is None or tokens[at].lower != "from":
        return None
    head = tokens[token.head]
    if noun is None and head.pos in ("NOUN", "PROPN") and token.dep in ("amod", "advmod"):
        noun = head.i
    return Order(token.i, side[1], token.i, noun, rank, side[0])


def _side_at(reading: CaptionReading, at: int) -> tuple[str, int] | None:
    """The side after "from" or "to", and where the phrase ends."""
    tokens = reading.tokens
    past = at + 1
    while past < len(tokens) and tokens[past].lower in ("the", "far", "-", "very"):
        past += 1
    if past >= len(tokens) or tokens[past].lower not in _SIDES:
        return None
    side = tokens[past].lower
    past += 1
    if past < len(tokens) and tokens[past].lower in ("side", "hand", "edge", "end"):
        past += 1
    return side, past


def _last(reading: CaptionReading, token: Token) -> Order | None:
    """ "The leftmost tower", "is rightmost", "the left-most one"."""
    side, past = _MOST.get(token.lower), token.i + 1
    tokens = reading.tokens
    if side is None and token.lower in _SIDES:
        rest = [t.lower for t in tokens[token.i + 1 : token.i + 3]]
        if rest == ["-", "most"]:
            side, past = token.lower, token.i + 3
    if side is None:
        return None
    noun = _noun_after(reading, past)
    if noun is not None and reading.tokens[noun].head == token.i:
        # "The rightmost one", where the parser takes "one" for a number.
        noun = None
    if noun is not None and reading.tokens[noun].lemma.lower() in _PLACES:
        return None
    return Order(token.i, past, token.i, noun, 1, side)


def _furthest(reading: CaptionReading, token: Token) -> Order | None:
    """ "Furthest to the left", "the farthest right"."""
    if token.lower not in _FURTHEST:
        return None
    at = token.i + 1
    tokens = reading.tokens
    if token.lower == "last":
        return _last_from(reading, at)
    if at < len(tokens) and tokens[at].lower in ("to", "on", "toward", "towards"):
        side = _side_at(reading, at)
    else:
        side = _side_at(reading, token.i)
    if side is None:
        return None
    noun = _noun_after(reading, side[1]) if at + 1 >= side[1] else None
    return Order(token.i, side[1], token.i, noun, 1, side[0])


def _last_from(reading: CaptionReading, at: int) -> Order | None:
    """ "The last from the left", "the last one on the right"."""
    tokens, first = reading.tokens, at - 1
    noun = _noun_after(reading, at)
    at = at if noun is None else noun + 1
    side = _side_at(reading, at) if at < len(tokens) else None
    if side is None or tokens[at].lower not in ("from", "on", "to"):
        return None
    end = _OTHER_END[side[0]] if tokens[at].lower == "from" else side[0]
    if noun is not None and tokens[noun].lower == "one":
        noun = None
    return Order(first, side[1], first, noun, 1, end)


def _qualified(reading: CaptionReading, token: Token) -> Order | None:
    """ "The left tower", "the middle one", "the one in the middle of the three"."""
    side = _UPPER.get(token.lower, token.lower)
    if side not in _SIDES and side not in _MIDDLE:
        return None
    tokens = reading.tokens
    if token.i == 0 or tokens[token.i - 1].lower not in ("the", "far", "upper", "lower", "this"):
        return None
    past = token.i + 1
    if [t.lower for t in tokens[past : past + 2]] == ["-", "hand"]:
        past += 2
    noun = _noun_after(reading, past)
    if noun is None and side in _SIDES and past < len(tokens) and tokens[past].lower == "of":
        # "The lower of the two flowers".
        return Order(token.i, past, token.i, None, 1, side, loose=True)
    if noun is None or tokens[noun].lemma.lower() in ("side", "hand", "part", "half", "section"):
        return None
    if side in _MIDDLE:
        return Order(token.i, past, token.i, noun, 0, "left")
    return Order(token.i, past, token.i, noun, 1, side, loose=True)


def _noun_after(reading: CaptionReading, at: int) -> int | None:
    """The noun that the words from ``at`` on lead up to, in the same phrase."""
    noun = None
    for token in reading.tokens[at : at + 5]:
        if token.lower == "one" or token.pos in ("NOUN", "PROPN"):
            noun = token.i
        elif token.pos not in ("ADJ", "NUM") and token.tag not in ("VBN", "HYPH"):
            break
    return noun


def _statement(reading: CaptionReading, order: Order) -> Statement | None:
    noun = order.noun
    if noun is not None:
        mention = reading.subject_of_noun(noun)
        if reading.tokens[noun].lemma.lower() in OF_ONE_BODY:
            return None
        subjects = [] if mention is None else [mention]
    else:
        subjects = reading.said_of(order.at)
    subjects = [one for one in subjects if one.who not in ("part", "nobody") and not one.plural]
    if not subjects:
        return None
    negated = reading.negated(order.at)

    verdict = reading.weigh(subjects, lambda f: rank_verdict(reading, order, f), negated)
    says = f"{reading.name(subjects[0])}: {'not ' if negated else ''}the {_words(order)}"
    return reading.statement("ordinal", says, order.first, order.past, verdict)


def rank_verdict(reading: CaptionReading, order: Order, facts: RegionFacts) -> Verdict:
    """Is a segment the one that an ordinal speaks of?"""
    noun = order.noun
    kind = "same" if noun is None else reading.kind_of(noun, facts.category, order.past)
    if kind == "broader":
        return "cannot tell", "not only things of its category are counted"
    some = kind == "narrower" or _among_some(reading, order, facts.category)
    return _verdict(reading, order, facts, some)


def _words(order: Order) -> str:
    if order.rank == 0:
        return "middle one"
    if order.loose:
        return f"{order.side} one"
    return f"number {order.rank} from the {order.side}"


def _among_some(reading: CaptionReading, order: Order, category: str) -> bool:
    """ "The second from the left in the front row": only some are counted."""
    after = reading.tokens[order.past] if order.past < len(reading.tokens) else None
    if after is None or after.lower not in ("in", "among", "of", "on", "at", "within"):
        return False
    nouns = reading.parsed.children(after.i, "pobj")
    counted = [n for n in nouns if n.pos == "NUM" or reading.kind_of(n.i, category) == "same"]
    return not reading.of_image(after) and not counted and not order.loose


def _verdict(reading: CaptionReading, order: Order, facts: RegionFacts, narrow: bool) -> Verdict:
    ones, crowd = reading.peers(facts.category)
    name = words_of(facts.category)
    if not facts.isthing:
        return "cannot tell", f"{name.show} is not annotated one by one"
    crowd = crowd and not _crowd_is_beyond(reading, order, facts)
    if crowd and not (order.rank and not order.loose and len(ones) > 1):
        return "cannot tell", f"a crowd of {name.plural} is annotated"
    if order.rank == 0:
        return _middle(reading, facts, ones, narrow)
    _, axis, high = _SIDES[order.side]
    low, top = _ranks(facts, ones, reading.scene, axis, high)
    ranks = f"number {low}" if low == top else f"one of numbers {low} to {top}"
    evidence = f"of {len(ones)} {name.plural} it is {ranks} from the {order.side}"
    if len(ones) == 1:
        evidence = f"it is the only {name.show} that is annotated"
    if crowd:
        # Whoever is in the crowd, one that others are ahead of is not the first.
        ahead = low >= order.rank + FIRST_AMONG and not narrow
        return ("contradicted" if ahead else "cannot tell"), evidence
    if order.loose:
        return _loosely(low, top, len(ones), evidence, narrow)
    if order.rank > top or (order.rank < low and not narrow):
        return "contradicted", evidence
    return ("cannot tell" if narrow or low != top else "supported"), evidence


def _crowd_is_beyond(reading: CaptionReading, order: Order, facts: RegionFacts) -> bool:
    """Does every crowd of its kind lie behind it, seen from the side that is counted from?"""
    if not order.rank or order.loose:
        return False
    _, axis, high = _SIDES[order.side]
    margin = LEVEL * reading.scene.size_wh[axis]
    own = facts.centre_xy[axis]
    crowds = [
        one.box_xyxy
        for one in reading.scene.regions
        if one.iscrowd and one.category == facts.category
    ]
    if high:
        return all(box[axis + 2] <= own - margin for box in crowds)
    return all(box[axis] >= own + margin for box in crowds)


def _loosely(low: int, top: int, count: int, evidence: str, narrow: bool) -> Verdict:
    """ "The left tower": false where it is the last of them on the other side."""
    if count == 1 or narrow:
        return "cannot tell", evidence
    if low == count:
        return "contradicted", evidence
    return ("supported" if top == 1 else "cannot tell"), evidence


def _ranks(
    facts: RegionFacts, ones: Sequence[RegionFacts], scene: Scene, axis: int, high: bool
) -> tuple[int, int]:
    """The least and the greatest rank that it may have from a side."""
    size = scene.size_wh[axis]

    def ahead(other: RegionFacts) -> float:
        lead = (facts.centre_xy[axis] - other.centre_xy[axis]) / size
        return -lead if high else lead

    others = [other for other in ones if other.id != facts.id]
    sure = [o for o in others if ahead(o) >= LEVEL and o.area_px * MINOR >= facts.area_px]
    maybe = [o for o in others if ahead(o) > -LEVEL]
    return len(sure) + 1, len(maybe) + 1


def _middle(
    reading: CaptionReading, facts: RegionFacts, ones: Sequence[RegionFacts], narrow: bool
) -> Verdict:
    name = words_of(facts.category)
    if len(ones) < 3:
        count = f"{len(ones)} {name.show if len(ones) == 1 else name.plural}"
        evidence = f"only {count} annotated"
        centre = [c / s for c, s in zip(facts.centre_xy, reading.scene.size_wh, strict=True)]
        off = all(abs(c - 0.5) >= 0.2 for c in centre[:1])
        return ("contradicted" if off and not narrow else "cannot tell"), evidence
    extreme, exact, shown = [], [], ""
    for axis, side in ((0, "left"), (1, "top")):
        low, top = _ranks(facts, ones, reading.scene, axis, False)
        extreme.append(top == 1 or low == len(ones))
        exact.append(low == top == (len(ones) + 1) / 2)
        shown = shown or f"of {len(ones)} {name.plural} it is number {low} from the {side}"
    if all(extreme) or (extreme[0] and not any(exact) and _one_row(reading.scene, ones)):
        return ("cannot tell" if narrow else "contradicted"), shown
    return ("supported" if exact[0] else "cannot tell"), shown


def _one_row(scene: Scene, ones: Sequence[RegionFacts]) -> bool:
    """Do they stand side by side, so that a middle one is one of the width?"""
    across = [one.centre_xy[0] / scene.size_wh[0] for one in ones]
    down = [one.centre_xy[1] / scene.size_wh[1] for one in ones]
    return max(across) - min(across) > 2 * (max(down) - min(down))
