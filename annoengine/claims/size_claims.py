"""Tests sizes and comparisons of sizes in the picture plane: "the largest of the three".

A size in the world is not in the picture: "a small dog" cannot be told, and a comparison is called
false only by a clear ratio, a larger one where the two are of different kinds or far from each
other, for then they may stand at different depths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.categories import words_of
from annoengine.claims.caption_claim import Mention, Statement
from annoengine.claims.caption_reading import OF_ONE_BODY, CaptionReading, Verdict
from annoengine.claims.image_shares import share_statements
from annoengine.claims.picture_plane import extent, gap
from annoengine.language.parsed import Parsed, Token

AREA, LENGTH = 1.4, 1.25
"""Two of a kind whose areas (heights, widths) differ by this factor are of clearly different size
in the picture. Ours: heights that differ by less are within what poses and cut masks do."""

TRUE_AREA, TRUE_LENGTH = 1.2, 1.1
"""From these factors on a comparison is called true. Ours; ``region_relations`` takes 1.1."""

CUT_FACTOR = 1.6
"""What the frame cuts may be larger than it shows: the factors above are raised by this. Ours."""

APART = 2.5
"""Of two kinds whose boxes are more than ``NEAR`` apart the factor of areas is raised by this, that
of lengths by its root. Ours: a dog
in front of a distant horse covers some three times its area."""

NEAR = 0.03
"""A gap of boxes, as a share of the diagonal, under which two things stand at one depth. Ours."""

SHAPE = 2.5
"""What is so many times wider than high is not tall, and the other way round. Ours."""

NOT_TINY, NOT_HUGE = 0.3, 0.01
"""What takes up more than the first share of the image is not tiny in it, what takes up less than
the second is not huge. Ours, and wide: a small thing may be seen from close by."""

_MEASURES = {
    "big": ("area", 1),
    "large": ("area", 1),
    **dict.fromkeys(("huge", "enormous", "gigantic", "giant"), ("area", 1)),
    "small": ("area", -1),
    **dict.fromkeys(("tiny", "minuscule", "minute"), ("area", -1)),
    "little": ("area", -1),
    "tall": ("height", 1),
    "short": ("height", -1),
    "wide": ("width", 1),
    "narrow": ("width", -1),
}
_GRADES = {
    form: word
    for word, forms in {
        "big": "bigger biggest",
        "large": "larger largest",
        "small": "smaller smallest",
        "tiny": "tinier tiniest",
        "tall": "taller tallest",
        "short": "shorter shortest",
        "wide": "wider widest",
        "narrow": "narrower narrowest",
    }.items()
    for form in forms.split()
}
_SEEMING = frozenset({"appear", "look", "seem"})
_REST = frozenset({"other", "others", "rest", "one", "ones", "another"})
_GIANT = frozenset({"huge", "enormous", "gigantic", "giant"})
_MINUTE = frozenset({"tiny", "minuscule", "minute"})
_VAGUE = frozenset({"big", "large", "small", "little"}) | _GIANT | _MINUTE


@dataclass(frozen=True)
class _Size:
    """A comparison at a word: of what measure, and which way (1 more, -1 less)."""

    at: Token
    measure: str
    way: int
    most: bool
    noun: int | None


def size_statements(
    parsed: Parsed, mentions: Sequence[Mention], scene: Scene, own: int | None
) -> list[Statement]:
    """What the caption says of sizes, tested."""
    reading = CaptionReading(parsed, mentions, scene, own)
    found = share_statements(reading)
    for token in reading.tokens:
        word = token.lower
        if word in _GRADES:
            found += _graded(reading, token)
        elif word in _MEASURES and token.pos == "ADJ":
            found += _plain(reading, token)
    return sorted(found, key=lambda statement: (statement.start, statement.end))


def _graded(reading: CaptionReading, token: Token) -> list[Statement]:
    word = _GRADES[token.lower]
    measure, way = _MEASURES[word]
    before = reading.tokens[token.i - 1] if token.i else None
    # "The second largest", "one of the largest": no measure of these.
    if before is not None and (before.tag == "JJ" or before.lower in ("second", "third")):
        return []
    noun = token.head if token.dep == "amod" and reading.tokens[token.head].i > token.i else None
    size = _Size(token, measure, way, token.lower.endswith("st"), noun)
    subjects = [one for one in _subjects(reading, size) if _is_one(one)]
    if not subjects or _of_others(reading, token):
        return []
    negated = reading.negated(token.i)
    than = _than(reading, token)
    past = token.i + 1
    if than is not None:
        past = than.i + 1
        said = _compared(reading, size, subjects, than)
    elif size.most:
        said = [reading.weigh(subjects, lambda f: _most(reading, size, f), negated)]
    else:
        said = [reading.weigh(subjects, lambda f: _more(reading, size, f), negated)]
    if than is not None and negated:
        # "Not larger than" may mean alike: only the clear opposite of the denied is told.
        said = [_denied(verdict) for verdict in said]
    of = f" than {than.text}" if than is not None else ""
    says = f"{reading.name(subjects[0])}: {'not ' if negated else ''}{token.lower}{of}"
    return [reading.statement("size", says, token.i, past, verdict) for verdict in said]


def _denied(verdict: Verdict) -> Verdict:
    truth, evidence = verdict
    if truth == "supported":
        return "contradicted", evidence
    return ("supported" if truth == "contradicted" else "cannot tell"), evidence


def _subjects(reading: CaptionReading, size: _Size) -> list[Mention]:
    token = size.at
    if size.noun is not None:
        if reading.tokens[size.noun].lemma.lower() in OF_ONE_BODY:
            return []
        found = reading.subject_of_noun(size.noun)
        return [found] if found is not None and found.who in ("self", "segment", "several") else []
    subjects = reading.said_of(token.i)
    if subjects and subjects[0].who == "part":
        return []
    return [one for one in subjects if one.who not in ("part", "nobody")]


def _is_one(mention: Mention) -> bool:
    """Is it one thing: "the dog", or stuff that is called by a plural ("the trees")?"""
    return not mention.plural or (len(mention.segments) == 1 and not mention.crowd)


def _of_others(reading: CaptionReading, token: Token) -> bool:
    """ "One of the largest", "among the smaller": true of several."""
    head = reading.tokens[token.head]
    for word in (reading.tokens[head.head], head):
        if word.lower in ("of", "among") and reading.tokens[word.head].lower in ("one", "some"):
            return True
    return False


def _than(reading: CaptionReading, token: Token) -> Token | None:
    """What it is compared with; a clause ("than it is tall") is nothing of the kind."""
    for prep in reading.parsed.children(token.i, "prep"):
        if prep.lower == "than":
            return next(iter(reading.parsed.children(prep.i, "pobj")), None)
    return None


def _seems(reading: CaptionReading, token: Token) -> bool:
    head = reading.tokens[token.head]
    up = (head, reading.tokens[head.head])
    return any(word.lemma.lower() in _SEEMING for word in up)


def _compared(
    reading: CaptionReading, size: _Size, subjects: Sequence[Mention], than: Token
) -> list[Verdict]:
    """ "Larger than the dog", "taller than the others"."""
    other = reading.mention(than.i)
    seems = _seems(reading, size.at)
    told = [] if other is None or other.who in ("part", "nobody") else reading.regions(other)
    chosen: list[RegionFacts] | None = told
    if not told:
        rest = than.lower in _REST and (other is None or other.who == "nobody")
        if not rest or reading.parsed.children(than.i, "prep", "advmod", "acl", "relcl", "amod"):
            return []
        chosen = None
    else:
        chosen = [region for region in told if not region.iscrowd]
        if not chosen or (len(chosen) < len(told) and than.tag != "NNS"):
            return []
    narrowed = reading.parsed.children(than.i, "prep", "acl", "relcl", "amod", "compound")
    any_will_do = than.lower in ("others", "rest", "ones") or (
        than.tag == "NNS" and all(word.lower == "other" for word in narrowed)
    )

    def test(facts: RegionFacts) -> Verdict:
        ones, crowd = reading.peers(facts.category)
        against = chosen if chosen is not None else ones
        if any(word.lower == "other" for word in narrowed):
            # "The other flower", where a bud is called so as well.
            kind = [one for one in against if one.category == facts.category]
            against = kind or against
        against = [one for one in against if one.id != facts.id]
        if not against or (chosen is None and crowd):
            return "cannot tell", "what it is compared with is not told"
        found = [_pair(size, facts, one, reading.scene, seems) for one in against]
        for truth in ("contradicted", "supported"):
            if all(verdict[0] == truth for verdict in found):
                return found[0]
        if any_will_do and "contradicted" in [v[0] for v in found]:
            return next(verdict for verdict in found if verdict[0] == "contradicted")
        return "cannot tell", found[0][1]

    return [reading.weigh(subjects, test)]


def _pair(
    size: _Size, a: RegionFacts, b: RegionFacts, scene: Scene, seems: bool = False
) -> Verdict:
    """Is ``a`` more (less) than ``b``?"""
    first, second = _measured(size.measure, a), _measured(size.measure, b)
    ratio = first / second if size.way > 0 else second / first
    wrong, true = (AREA, TRUE_AREA) if size.measure == "area" else (LENGTH, TRUE_LENGTH)
    smaller, larger = (a, b) if first < second else (b, a)
    if _is_cut(smaller, scene, size.measure) and not _is_cut(larger, scene, size.measure):
        wrong *= CUT_FACTOR if size.measure != "area" else CUT_FACTOR**1.5
    if a.category != b.category and not seems and gap(a, b, scene) > NEAR:
        wrong *= APART if size.measure == "area" else APART**0.5
    what = {"area": "its area", "height": "its height", "width": "its width"}[size.measure]
    evidence = (
        f"in the picture plane {what} is {first / second:.2f} times that of the "
        f"{'other ' if a.category == b.category else ''}{words_of(b.category).show}"
    )
    if 1 / ratio >= wrong and _box_agrees(size, a, b):
        return "contradicted", evidence
    return ("supported" if ratio >= true else "cannot tell"), evidence


def _box_agrees(size: _Size, a: RegionFacts, b: RegionFacts) -> bool:
    """Is what its box covers no more (less) either? Cut or holey masks have small areas."""
    if size.measure != "area" or not (a.isthing and b.isthing):
        return True
    first, second = (_measured("width", one) * _measured("height", one) for one in (a, b))
    return first <= second if size.way > 0 else first >= second


def _measured(measure: str, facts: RegionFacts) -> float:
    x1, y1, x2, y2 = facts.box_xyxy
    if measure == "area":
        return facts.area_px
    return y2 - y1 if measure == "height" else x2 - x1


def _is_cut(facts: RegionFacts, scene: Scene, measure: str) -> bool:
    """Does the frame cut it, along what is measured?"""
    axes = {"area": (0, 1), "height": (1,), "width": (0,)}[measure]
    spans = [extent(facts, scene, axis) for axis in axes]
    return any(span.low <= 0.002 or span.high >= 0.998 for span in spans)


def _most(reading: CaptionReading, size: _Size, facts: RegionFacts) -> Verdict:
    """ "The largest": no other of its kind is clearly larger."""
    ones, crowd = reading.peers(facts.category)
    if size.noun is not None:
        kind = reading.kind_of(size.noun, facts.category)
        if kind == "narrower":
            return "cannot tell", "only some of its kind are compared"
        if kind == "broader":
            ones = [one for one in reading.scene.regions if one.isthing or one.id == facts.id]
            crowd = crowd or not facts.isthing
    elif _compares_others(reading, size.at, facts.category):
        return "cannot tell", "with what it is compared is not told"
    others = [one for one in ones if one.id != facts.id and not one.iscrowd]
    found = [_pair(size, facts, one, reading.scene) for one in others]
    for verdict in found:
        if verdict[0] == "contradicted" and not facts.iscrowd:
            return verdict
    if crowd or not others or not facts.isthing:
        why = "a crowd of its kind is annotated" if crowd else "no other of its kind is annotated"
        return "cannot tell", why
    true = all(verdict[0] == "supported" for verdict in found)
    return ("supported" if true else "cannot tell"), found[0][1]


def _compares_others(reading: CaptionReading, token: Token, category: str) -> bool:
    """ "The largest of the women": what follows is not its category as a whole."""
    for of in reading.parsed.children(token.i, "prep"):
        for word in reading.parsed.children(of.i, "pobj"):
            number = word.pos == "NUM" or word.lower in ("all", "group", "set", "them", "others")
            if of.lower == "of" and not number:
                return reading.kind_of(word.i, category) != "same"
            if of.lower != "of" and not number and not reading.of_image(of):
                return True
    return False


def _more(reading: CaptionReading, size: _Size, facts: RegionFacts) -> Verdict:
    """ "The smaller badge", "a larger tower": than the others of its kind, or than the own one."""
    ones, crowd = reading.peers(facts.category)
    others = [one for one in ones if one.id != facts.id]
    own = [one for one in others if one.id == reading.own]
    if own:
        return _pair(size, facts, own[0], reading.scene)
    if crowd or not others or not facts.isthing:
        return "cannot tell", "with what it is compared is not told"
    noun = size.noun
    if noun is not None and reading.kind_of(noun, facts.category, noun + 1) != "same":
        return "cannot tell", "with what it is compared is not told"
    found = [_pair(size, facts, one, reading.scene) for one in others]
    for truth in ("contradicted", "supported"):
        if all(verdict[0] == truth for verdict in found):
            return found[0]
    return "cannot tell", found[0][1]


def _plain(reading: CaptionReading, token: Token) -> list[Statement]:
    """ "Large", "tall": sizes without a measure, unless the shape says the opposite."""
    noun = token.head if token.dep == "amod" else None
    size = _Size(token, *_MEASURES[token.lower], False, noun)
    subjects = [one for one in _subjects(reading, size) if not one.plural]
    if not subjects or _in_comparison(reading, token):
        return []
    negated = reading.negated(token.i)
    verdict = reading.weigh(subjects, lambda f: _shape(reading, token.lower, f), negated)
    says = f"{reading.name(subjects[0])}: {'not ' if negated else ''}{token.lower}"
    return [reading.statement("size", says, token.i, token.i + 1, verdict)]


def _in_comparison(reading: CaptionReading, token: Token) -> bool:
    """ "As tall as", "than it is tall", "taller than wide", "two feet tall"."""
    if token.i and reading.tokens[token.i - 1].lower in ("than", "as"):
        return True
    below = reading.parsed.children(token.i)
    if any(one.lower in ("as", "so", "too") or one.dep == "npadvmod" for one in below):
        return True
    head = reading.tokens[token.head]
    return any(one.lower == "than" for one in reading.parsed.children(head.i, "mark"))


def _shape(reading: CaptionReading, word: str, facts: RegionFacts) -> Verdict:
    width, height = reading.scene.size_wh
    share = facts.area_px / (width * height)
    if (word in _MINUTE and share >= NOT_TINY) or (word in _GIANT and share <= NOT_HUGE):
        return "contradicted", f"it has {100 * share:.1f} % of the image"
    if word in _VAGUE or not facts.isthing or word == "short":
        return "cannot tell", f"{word!r} has no measure in the picture"
    x1, y1, x2, y2 = facts.box_xyxy
    ratio = (x2 - x1) / (y2 - y1)
    evidence = f"it is {ratio:.2f} times as wide as it is high"
    upright = word in ("tall", "narrow")
    wrong = ratio >= SHAPE if upright else ratio <= 1 / SHAPE
    measure = "height" if upright else "width"
    if wrong and word != "narrow" and not _is_cut(facts, reading.scene, measure):
        return "contradicted", evidence
    true = ratio <= 1 / SHAPE if upright else ratio >= SHAPE
    return ("supported" if true else "cannot tell"), evidence
