"""Tests what a caption says touches: "holding a racket", "riding a horse", "leans against".

A mask cannot show that a hand grips; it shows that two things are apart. So these statements are
called false only where the boxes of two single segments keep a clear gap, and true only where
nothing but touch is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.claims.caption_claim import Mention, Statement
from annoengine.claims.caption_reading import CaptionReading, Verdict, together
from annoengine.claims.picture_plane import gap
from annoengine.claims.plane_relations import check_of
from annoengine.language.parsed import Parsed, Token

TOUCH = 0.015
"""Of things that are plainly said to touch, boxes farther apart than this share of the diagonal do
not. Ours: half of what is allowed where they may meet by way of a hand or a strap."""

WALLED = 0.9
"""A segment of whose outline this share borders on others touches no further one. Ours: a mask
that was drawn by hand has strips of nothing around most of it."""

_HOLDING = frozenset(
    "hold wear ride carry grip grasp touch hug embrace clutch cradle lift pet stroke straddle "
    "overlap adjoin mount wield clasp kiss bite lick".split()
)
_FASTENED = {
    "attach": ("to", "on", "onto"),
    "mount": ("to", "on", "onto"),
    "fasten": ("to", "on"),
    "fix": ("to", "on"),
    "affix": ("to", "on"),
    "pin": ("to", "on", "onto"),
    "connect": ("to", "with"),
    "hang": ("from",),
    "join": ("to", "with"),
}
_TOUCH = frozenset({"touch", "overlap", "adjoin"})


def contact_statements(
    parsed: Parsed, mentions: Sequence[Mention], scene: Scene, own: int | None
) -> list[Statement]:
    """What the caption says is held, worn, ridden, fastened or touched, tested."""
    reading = CaptionReading(parsed, mentions, scene, own)
    found = []
    for token in reading.tokens:
        if token.pos == "NOUN" and token.lower == "contact":
            found += _in_contact(reading, token)
        if token.pos not in ("VERB", "AUX", "ADJ", "NOUN"):
            continue
        lemma = token.lemma.lower()
        if lemma in _HOLDING and token.pos == "VERB":
            found += _held(reading, token)
        if lemma in _FASTENED:
            found += _fastened(reading, token)
    return found


def _touches(a: RegionFacts, b: RegionFacts, scene: Scene, plainly: bool) -> Verdict:
    """Do two segments touch? Where nothing but touch is claimed, no third may lie between."""
    truth, evidence = check_of("touching")(a, b, scene)
    if truth == "cannot tell" and plainly:
        apart = gap(a, b, scene) > TOUCH and a.has_mask and b.has_mask
        if apart or _is_walled(a) or _is_walled(b):
            return "contradicted", f"{evidence}, and they share no edge"
    return truth, evidence


def _is_walled(facts: RegionFacts) -> bool:
    """Do other segments lie close around it, so that what it touches would be among them?"""
    return facts.edges > 0 and sum(facts.contacts.values()) >= WALLED * facts.edges


def _held(reading: CaptionReading, verb: Token) -> list[Statement]:
    """ "Holds a racket", "is ridden by a man"."""
    parsed = reading.parsed
    agents = [
        noun for by in parsed.children(verb.i, "agent") for noun in parsed.children(by.i, "pobj")
    ]
    objects = [*parsed.children(verb.i, "dobj")]
    objects += [one for noun in objects for one in parsed.children(noun.i, "conj")]
    found = []
    for noun in agents or objects:
        found += _statement(reading, verb, noun, f"{verb.lemma.lower()}", bool(agents))
    return found


def _fastened(reading: CaptionReading, verb: Token) -> list[Statement]:
    links = _FASTENED[verb.lemma.lower()]
    found = []
    for prep in reading.parsed.children(verb.i, "prep"):
        for noun in reading.parsed.children(prep.i, "pobj") if prep.lower in links else ():
            found += _statement(reading, verb, noun, f"{verb.lower} {prep.lower}", False)
    return found


def _in_contact(reading: CaptionReading, token: Token) -> list[Statement]:
    found = []
    for prep in reading.tokens[token.i + 1 : token.i + 2]:
        for noun in reading.parsed.children(prep.i, "pobj") if prep.lower == "with" else ():
            found += _statement(reading, token, noun, "touch", False)
    return found


def _statement(
    reading: CaptionReading, word: Token, noun: Token, does: str, passive: bool
) -> list[Statement]:
    other = reading.mention(noun.i)
    subjects = reading.of_verb(word) if word.pos == "VERB" else reading.subjects_of(word.i)
    if other is None or not subjects or subjects[0].plural:
        return []
    first = subjects[0]
    # "The bud touches the flower": a word that fits both means the other.
    others = [one for one in reading.regions(other) if one.id not in first.segments]
    if other.who not in ("self", "segment", "several") or any(o.iscrowd for o in others):
        return []
    if not others or (len(others) > 1 and reading.tokens[other.first].lower != "the"):
        # Of several that are not spoken of yet there may be one more.
        return []
    if first.who not in ("self", "segment", "several"):
        return []
    negated = reading.negated(word.i)

    def test(facts: RegionFacts) -> Verdict:
        verdict = together([_touches(facts, one, reading.scene, does in _TOUCH) for one in others])
        if verdict[0] == "supported" and does not in _TOUCH:
            return "cannot tell", verdict[1]
        return verdict

    verdict = reading.weigh([one for one in subjects if one.who != "part"], test)
    if negated and verdict[0] != "cannot tell":
        # Not to hold what is far away is true; not to touch what is touched is false.
        verdict = ("supported" if verdict[0] == "contradicted" else "contradicted", verdict[1])
    says = (
        f"{reading.name(first)}: {'does not ' if negated else ''}{does}{' by' if passive else ''} "
        f"{reading.name(other)}"
    )
    start, past = min(word.i, noun.i), max(word.i, noun.i) + 1
    return [reading.statement("contact", says, start, past, verdict)]
