"""Tests where in the image a caption puts something: "in the upper left corner of the image".

A place is claimed of the segment's own extent along width and height. Of an implied image ("on
the left") only phrases count that say where a thing is, not how it is made ("white on the left")
or where it looks ("turned to the left"). Depth is never told: masks of a panoptic image do not
overlap, and what is "in the background" may lie anywhere in the picture plane.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.claims.caption_claim import Mention, Statement, Truth
from annoengine.claims.caption_reading import (
    OF_ONE_BODY,
    STANDING,
    CaptionReading,
    Verdict,
    percent,
    together,
)
from annoengine.claims.frame_claims import frame_statements
from annoengine.claims.picture_plane import Extent, extent, scattered
from annoengine.claims.place_phrase import PlacePhrase, place_at, place_phrases
from annoengine.language.parsed import Parsed, Token

SIDE, NOT_SIDE = 0.45, 0.58
"""A centre within the first share is on that side, one beyond the second is not. Ours: halves with
a band about the middle in which people say either; the band reaches farther into the far half
because an object that covers the middle is often placed by where most of it is."""

WIDE, NOT_SIDE_WIDE = 0.7, 0.72
"""What spans more than the first share of the axis is on both sides, unless its centre lies beyond
the second. Ours."""

SPREAD_LOW, SPREAD_CENTRE = 0.4, 0.64
"""Of what has several parts, or is stuff, the box must begin beyond the first share, or the centre
lie beyond the second: a tree line may well be on both sides. Ours."""

NEAR_EDGE = 0.35
"""What begins farther from an edge or a corner than this share is not at it. Ours: a third of the
image, and a little."""

OFF_EDGE = 0.08
"""What keeps farther away than this from an edge, with its centre in the other half, is not at the
very edge ("the far right edge"). Ours."""

FAR_SIDE = 0.9
"""What reaches beyond this share from a side is not only at that side. Ours."""

NARROW = 0.2
"""What spans no more than this share, and is said to be at a side of the image, has its centre in
that half. Ours."""

AMID = 0.15
"""What has its centre so near to that of the image, across and down, is in no corner. Ours."""

MIDDLE, NOT_MIDDLE_ACROSS, NOT_MIDDLE_DOWN = 0.12, 0.22, 0.3
"""How far a centre may lie from that of the image to be in the middle; from where on it is not,
along the width and along the height. Ours: "in the middle" is said of the width above all."""

OFF_CENTRE = 0.05
"""By so much a centre must lie on the other side to contradict "left of centre". Ours."""

_PLACING = frozenset(
    "be locate position place situate stand sit lie appear see show rest hang find remain stay set "
    "park feature occur exist center visible present station display".split()
)
_TURNING = frozenset(
    "face look turn gaze lean tilt point head move walk run go drive travel fly slope bend curve "
    "swing angle glance stare reach slant orient direct sail ride step lunge lead stretch extend "
    "race swim curl sweep gallop trot shift flow flutter wave blow glance tilt taper open curve "
    "slightly view motion swerve kick throw pass".split()
)
_OCCUPYING = frozenset("occupy fill cover dominate span take".split())
_DEPTH = frozenset({"background", "foreground"})
_CENTRAL = frozenset({"centrally", "centered", "centred"})


def place_statements(
    parsed: Parsed, mentions: Sequence[Mention], scene: Scene, own: int | None
) -> list[Statement]:
    """What the caption says of places in the image and of the image's frame, tested."""
    reading = CaptionReading(parsed, mentions, scene, own)
    statements, taken = frame_statements(reading)
    for phrase in [*place_phrases(parsed), *_occupied(parsed)]:
        if phrase.first not in taken and phrase.past - 1 not in taken:
            statements += _of_phrase(reading, phrase)
    statements += _central(reading)
    statements += _depths(reading)
    return sorted(statements, key=lambda statement: (statement.start, statement.end))


def _occupied(parsed: Parsed) -> list[PlacePhrase]:
    """Places that something fills: "takes up the left side of the image"."""
    found = []
    for token in parsed.tokens:
        if token.pos == "VERB" and token.lemma.lower() in _OCCUPYING:
            words = parsed.children(token.i, "dobj")
            start = min((t.i for w in words for t in parsed.subtree(w.i)), default=None)
            phrase = None if start is None else place_at(parsed, token.i, start)
            if phrase is not None and phrase.whose == "image":
                found.append(phrase)
    return found


def _of_phrase(reading: CaptionReading, phrase: PlacePhrase) -> list[Statement]:
    first = reading.tokens[phrase.first]
    if phrase.whose in ("thing", "depth") or _turns(reading, first):
        return []
    if phrase.whose == "nobody" and not _places(reading, phrase):
        return []
    subjects = reading.subjects_of(phrase.first)
    if first.pos == "VERB":
        subjects = reading.of_verb(first)
    subjects = [mention for mention in subjects if not _is_body_part(reading, mention)]
    if not subjects:
        return []
    negated = reading.negated(phrase.first)

    if subjects[0].who == "part":
        if phrase.whose == "nobody":
            # Of the whole that it is a part of, most likely.
            return []
        verdict = _of_part(reading, phrase, subjects[0], negated)
    else:
        wholes = [mention for mention in subjects if mention.who != "part"]
        verdict = reading.weigh(wholes, partial(place_verdict, reading, phrase), negated)
    says = f"{reading.name(subjects[0])}: {'not ' if negated else ''}at the {_words(phrase)}"
    return [reading.statement("position", says, phrase.first, phrase.past, verdict)]


def _words(phrase: PlacePhrase) -> str:
    of = " of centre" if phrase.whose == "centre" else " of the image"
    return f"{phrase.words}{of}"


def _turns(reading: CaptionReading, first: Token) -> bool:
    """Is it where something looks or goes to, or one end of a way?"""
    head = reading.tokens[first.head]
    if first.lower in ("from", "off", "beyond"):
        return True
    if first.lower in ("to", "toward", "towards", "in", "into", "around", "against"):
        for word in (head, reading.tokens[head.head]):
            if word.lemma.lower() in _TURNING and first.lower not in ("in", "against"):
                return True
    siblings = reading.parsed.children(head.i)
    return first.lower == "to" and any(s.lower == "from" for s in siblings)


def _places(reading: CaptionReading, phrase: PlacePhrase) -> bool:
    """Does a place of nothing named say where its subject is in the image?"""
    first = reading.tokens[phrase.first]
    head = reading.tokens[first.head]
    if head.i == first.i:
        return True
    if head.pos in ("NOUN", "PROPN", "PRON", "NUM"):
        mention = reading.mention(head.i)
        shown = head.dep in ("nsubj", "nsubjpass", "attr", "appos") or head.i == head.head
        return mention is not None and (shown or phrase.across in ("left", "right"))
    if head.lemma.lower() not in _PLACING:
        does = reading.parsed.children(head.i, "dobj", "acomp", "oprd", "attr")
        said = head.pos == "VERB" and not _made(head) and not does
        return said and phrase.across in ("left", "right")
    looks = reading.parsed.children(head.i, "acomp", "dobj", "oprd", "attr")
    if head.lemma.lower() in STANDING and first.i < head.i:
        # "In the corner stands a model": the model is what stands.
        looks = [word for word in looks if word.dep not in ("dobj", "attr") or word.i < head.i]
    return all(word.lemma.lower() in _PLACING or word.i == head.i for word in looks) or (
        reading.tokens[first.i - 1].lower == ","
    )


def _made(verb: Token) -> bool:
    return verb.tag in ("VBN", "VBD")


def _is_body_part(reading: CaptionReading, mention: Mention) -> bool:
    return mention.past > 0 and reading.tokens[mention.root].lemma.lower() in OF_ONE_BODY


def place_verdict(reading: CaptionReading, phrase: PlacePhrase, facts: RegionFacts) -> Verdict:
    """Is a segment where a phrase says?"""
    scene = reading.scene
    x, y = extent(facts, scene, 0), extent(facts, scene, 1)
    found: list[Verdict] = []
    if phrase.whose == "centre":
        return _off_centre(phrase, x, y)
    if phrase.across == "centre" and phrase.down == "middle":
        found = [_middle(x, "width", NOT_MIDDLE_ACROSS), _middle(y, "height", NOT_MIDDLE_DOWN)]
    else:
        if phrase.across == "centre":
            found.append(_middle(x, "width", NOT_MIDDLE_ACROSS))
        elif phrase.across:
            found.append(_side(x, phrase.across == "left", phrase, facts, "width"))
        if phrase.down == "middle":
            found.append(_middle(y, "height", NOT_MIDDLE_DOWN))
        elif phrase.down:
            found.append(_side(y, phrase.down == "top", phrase, facts, "height"))
        if not found:
            found.append(_at_any_edge(x, y, phrase.corner))
    verdict = strictest(found)
    if verdict[0] != "contradicted" and _only(reading, phrase) and _is_beyond(phrase, x, y):
        return "contradicted", f"{_evidence(x, 'width')}, {_evidence(y, 'height')}"
    amid = max(abs(x.centre - 0.5), abs(y.centre - 0.5)) <= AMID
    if phrase.corner and amid and min(x.length, y.length) <= WIDE:
        return "contradicted", f"{_evidence(x, 'width')}, {_evidence(y, 'height')}"
    if verdict[0] == "contradicted" and phrase.whose == "nobody" and not phrase.corner:
        if reading.tokens[phrase.first].lower == "to":
            return "cannot tell", f"{verdict[1]}; of what it is to that side is not told"
        return _among_its_kind(reading, phrase, facts, verdict)
    return verdict


def _only(reading: CaptionReading, phrase: PlacePhrase) -> bool:
    """ "Shows only at the bottom of the image"."""
    before = reading.tokens[phrase.first - 1].lower if phrase.first else ""
    return before in ("only", "solely", "just") and phrase.whose == "image"


def _is_beyond(phrase: PlacePhrase, x: Extent, y: Extent) -> bool:
    """Does it reach to the far side as well, with much of it?"""
    for direction, low, along in ((phrase.across, "left", x), (phrase.down, "top", y)):
        if direction in ("", "centre", "middle"):
            continue
        far, centre = along.high, along.centre
        if direction != low:
            far, centre = 1 - along.low, 1 - along.centre
        if far >= FAR_SIDE and centre >= 1 - SIDE - MIDDLE:
            return True
    return False


def strictest(found: Sequence[Verdict]) -> Verdict:
    """The verdict of statements that are all made at once.

    >>> strictest([("supported", "a"), ("contradicted", "b")])
    ('contradicted', 'b')
    """
    for wanted in ("contradicted", "cannot tell"):
        for verdict in found:
            if verdict[0] == wanted:
                return verdict
    return "supported", " and ".join(evidence for _, evidence in found)


def _side(along: Extent, low: bool, phrase: PlacePhrase, facts: RegionFacts, of: str) -> Verdict:
    """Is it at the low side (left, top) of the axis, or at the high one?"""
    shown = along if low else Extent(1 - along.high, 1 - along.low, 1 - along.centre)
    evidence = _evidence(along, of)
    close = phrase.far or phrase.edge or phrase.corner
    out = NOT_SIDE_WIDE if shown.length > WIDE else NOT_SIDE
    if shown.length <= NARROW and phrase.whose == "image":
        out = 0.5
    gone = shown.low >= SPREAD_LOW or (shown.length <= WIDE and shown.centre >= SPREAD_CENTRE)
    if shown.centre >= out and (gone or not scattered(facts)):
        return "contradicted", evidence
    if close and shown.low > NEAR_EDGE:
        return "contradicted", evidence
    if phrase.far and phrase.edge and shown.low > OFF_EDGE and shown.centre > 0.5:
        return ("cannot tell" if scattered(facts) else "contradicted"), evidence
    if shown.centre <= SIDE and shown.length <= 0.85 and (not close or shown.low <= NEAR_EDGE / 2):
        return "supported", evidence
    return "cannot tell", evidence


def _evidence(along: Extent, of: str) -> str:
    return (
        f"its centre lies at {percent(along.centre)} of the {of}, "
        f"its box spans {percent(along.low)} to {percent(along.high)}"
    )


def _middle(along: Extent, of: str, out: float) -> Verdict:
    away = abs(along.centre - 0.5)
    evidence = _evidence(along, of)
    if away >= out and not along.low < 0.48 < 0.52 < along.high:
        return "contradicted", evidence
    return ("supported" if away <= MIDDLE else "cannot tell"), evidence


def _off_centre(phrase: PlacePhrase, x: Extent, y: Extent) -> Verdict:
    found: list[Verdict] = []
    for direction, low, along, of in (
        (phrase.across, "left", x, "width"),
        (phrase.down, "top", y, "height"),
    ):
        if direction in ("", "centre", "middle"):
            continue
        beyond = along.centre - 0.5 if direction == low else 0.5 - along.centre
        truth: Truth = "contradicted" if beyond >= OFF_CENTRE else "supported"
        doubtful = -OFF_CENTRE / 2 < beyond < OFF_CENTRE
        found.append(("cannot tell" if doubtful else truth, _evidence(along, of)))
    return strictest(found) if found else ("cannot tell", _evidence(x, "width"))


def _at_any_edge(x: Extent, y: Extent, corner: bool) -> Verdict:
    nearest = sorted((min(x.low, 1 - x.high), min(y.low, 1 - y.high)))
    reach = nearest[1] if corner else nearest[0]
    evidence = f"its box keeps {percent(reach)} away from the nearest " + (
        "corner" if corner else "edge"
    )
    if reach > NEAR_EDGE:
        return "contradicted", evidence
    return ("supported" if reach <= 0.05 else "cannot tell"), evidence


def _among_its_kind(
    reading: CaptionReading, phrase: PlacePhrase, facts: RegionFacts, verdict: Verdict
) -> Verdict:
    """ "The man on the left" may be the left one of several, wherever they stand."""
    ones, crowd = reading.peers(facts.category)
    others = [one for one in ones if one.id != facts.id]
    if crowd and not others:
        return "cannot tell", f"{verdict[1]}; a crowd of its kind is annotated"
    checks = []
    for direction, axis in ((phrase.across, 0), (phrase.down, 1)):
        own = facts.centre_xy[axis]
        if direction in ("left", "top"):
            checks.append(bool(others) and all(own <= o.centre_xy[axis] for o in others))
        elif direction in ("right", "bottom"):
            checks.append(bool(others) and all(own >= o.centre_xy[axis] for o in others))
        elif direction:
            low = any(o.centre_xy[axis] < own for o in others)
            checks.append(low and any(o.centre_xy[axis] > own for o in others))
    if checks and all(checks):
        return "cannot tell", f"{verdict[1]}; of its kind it may be the one"
    return verdict


def _of_part(
    reading: CaptionReading, phrase: PlacePhrase, mention: Mention, negated: bool
) -> Verdict:
    """A part lies within its owner: false where the owner does not reach the place at all."""
    if negated or not reading.regions(mention):
        return "cannot tell", "it is a part that has no segment of its own"
    verdicts: list[Verdict] = []
    for facts in reading.regions(mention):
        missed = []
        for direction, low, axis in ((phrase.across, "left", 0), (phrase.down, "top", 1)):
            along = extent(facts, reading.scene, axis)
            if direction in ("", "centre", "middle"):
                continue
            missed.append(along.low >= NOT_SIDE if direction == low else along.high <= 1 - NOT_SIDE)
        evidence = "the whole that it is a part of does not reach there"
        if any(missed):
            verdicts.append(("contradicted", evidence))
        else:
            verdicts.append(("cannot tell", "it is a part that has no segment of its own"))
    return together(verdicts, crowd=mention.crowd)


def _central(reading: CaptionReading) -> list[Statement]:
    """ "Centrally located", "centered in the frame"."""
    found = []
    for token in reading.tokens:
        if token.lower not in _CENTRAL:
            continue
        subjects = reading.subjects_of(token.i)
        if token.pos == "VERB":
            subjects = reading.of_verb(token) or subjects
        subjects = [mention for mention in subjects if mention.who != "part"]
        if not subjects or _is_body_part(reading, subjects[0]):
            continue
        on = [
            c for c in reading.parsed.children(token.i, "prep") if c.lower not in ("in", "within")
        ]
        if on:
            continue
        phrase = PlacePhrase(
            token.i, token.i + 1, "centre", "middle", False, False, False, False, "nobody"
        )
        negated = reading.negated(token.i)
        verdict = reading.weigh(subjects, partial(place_verdict, reading, phrase), negated)
        says = f"{reading.name(subjects[0])}: {'not ' if negated else ''}at the centre of the image"
        found.append(reading.statement("position", says, token.i, token.i + 1, verdict))
    return found


def _depths(reading: CaptionReading) -> list[Statement]:
    """ "In the background": a statement, which no mask can test."""
    found = []
    for token in reading.tokens:
        prep = reading.tokens[token.head]
        if token.lower not in _DEPTH or prep.lower not in ("in", "at"):
            continue
        subjects = reading.subjects_of(prep.i)
        if subjects:
            says = f"{reading.name(subjects[0])}: in the {token.lower}"
            verdict: Verdict = ("cannot tell", "depth is not told by masks of a picture plane")
            found.append(reading.statement("position", says, prep.i, token.i + 1, verdict))
    return found
