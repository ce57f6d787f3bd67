"""Tests how many a caption says there are: "one of three people", "the only bus", "alone".

Counted is what is annotated of a category. "Two men" is false only where fewer are annotated, for
two of three may be meant; a total ("one of two", "only two", "the only one") also where more are.
Where a crowd of the category is annotated, nothing is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.categories import fits, words_of
from annoengine.claims.caption_claim import Mention, Statement
from annoengine.claims.caption_reading import OF_ONE_BODY, CaptionReading, Verdict
from annoengine.claims.order_claims import MINOR
from annoengine.claims.picture_plane import gap
from annoengine.language.parsed import Parsed, Token

ALONE = 0.15
"""Another of its kind within this gap of the boxes, as a share of the diagonal, is company. Ours:
two people at arm's length, who fill half of the height, stand nearer."""

CROWD = 3
"""What is annotated as a crowd is at least so many. Ours, and low: in COCO up to ten of a category
are drawn one by one before the others make a crowd (Lin et al. 2014, arXiv 1405.0312)."""

Means = Literal["some", "total", "least", "about"]

NUMBERS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen twenty".split()
    )
} | {"dozen": 12}
"""Numbers as words."""

_GROUPS = {"pair": 2, "couple": 2, "trio": 3, "quartet": 4, "duo": 2}
_TOTAL = frozenset({"only", "just", "exactly", "precisely"})
_ABOUT = frozenset(
    "about around approximately nearly almost roughly some perhaps possibly maybe up over".split()
)
_LONE = frozenset({"only", "sole", "single", "lone", "solitary"})
_PAIRED = frozenset(
    "glasses scissors pants shorts jeans trousers shoe ski boot sock glove binocular headphone "
    "sunglass sunglasses goggle legging sandal sneaker heel eye ear hand leg".split()
)
_SHOWING = frozenset({"contain", "show", "feature", "depict", "include", "display", "capture"})


@dataclass(frozen=True)
class _Count:
    """A number of things: ``number`` of what the word ``noun`` names, and what that means."""

    first: int
    past: int
    noun: int
    number: int
    means: Means
    others: bool = False


def count_statements(
    parsed: Parsed, mentions: Sequence[Mention], scene: Scene, own: int | None
) -> list[Statement]:
    """What the caption says of numbers of things, tested."""
    reading = CaptionReading(parsed, mentions, scene, own)
    found = []
    for token in reading.tokens:
        count = _numbered(reading, token) or _lone(reading, token)
        if count is not None:
            found += _of_count(reading, count)
        elif token.lower == "alone":
            found += _alone(reading, token)
    return found


def _numbered(reading: CaptionReading, token: Token) -> _Count | None:
    """ "Two towers", "one of four towers", "a pair of badges"."""
    tokens, parsed = reading.tokens, reading.parsed
    group = _GROUPS.get(token.lower)
    if group is not None:
        inner = [
            noun
            for of in parsed.children(token.i, "prep")
            if of.lower == "of"
            for noun in parsed.children(of.i, "pobj")
        ]
        if not inner or tokens[inner[0].i].lemma.lower() in _PAIRED:
            return None
        return _Count(token.i, inner[0].i + 1, inner[0].i, group, "some")
    number = _value(token)
    if number is None or number < 1:
        return None
    first = token.i
    if token.dep == "nummod" and tokens[token.head].pos in ("NOUN", "PROPN"):
        noun = token.head
    elif of := [c for c in parsed.children(token.i, "prep") if c.lower == "of"]:
        # "Two of the towers" are some; "one of the towers" says nothing of their number.
        nouns = parsed.children(of[0].i, "pobj")
        if number == 1 or not nouns or nouns[0].tag != "NNS":
            return None
        noun = nouns[0].i
    else:
        return None
    if noun < first or (number == 1 and not _only(reading, token)):
        return None
    count = _Count(first, noun + 1, noun, number, "some", _says_others(reading, noun))
    return _meant(reading, token, count)


def _value(token: Token) -> int | None:
    if token.lower.isdigit() and len(token.lower) <= 2:
        return int(token.lower)
    return NUMBERS.get(token.lower) if token.tag in ("CD", "NN", "JJ") else None


def _only(reading: CaptionReading, token: Token) -> bool:
    return any(one.lower in _TOTAL for one in reading.parsed.children(token.i)) or (
        token.i > 0 and reading.tokens[token.i - 1].lower in _TOTAL
    )


def _meant(reading: CaptionReading, token: Token, count: _Count) -> _Count:
    """What a number means by the words about it."""
    tokens, parsed = reading.tokens, reading.parsed
    before = {one.lower for one in parsed.children(token.i)}
    before |= {one.lower for one in tokens[max(0, token.i - 1) : token.i]}
    if {"least"} & before:
        return replace(count, means="least")
    if {"more"} & before and "than" in before:
        return replace(count, means="least", number=count.number + 1)
    if before & _ABOUT or {"most", "less", "fewer"} & before:
        return replace(count, means="about")
    noun = tokens[count.noun]
    of = tokens[noun.head]
    one_of = of.lower == "of" and tokens[of.head].lower == "one" and noun.dep == "pobj"
    total = any(
        one.lower in ("total", "all") for one in tokens[count.past : count.past + 3]
    ) and not _says_others(reading, count.noun)
    if _only(reading, token) or one_of or total or _there_are(reading, noun):
        return replace(count, means="total")
    return count


def _there_are(reading: CaptionReading, noun: Token) -> bool:
    """ "There are three people in the image", "the image shows three people"."""
    parsed = reading.parsed
    verb = reading.tokens[noun.head]
    if noun.dep == "attr" and parsed.children(verb.i, "expl"):
        return any(
            reading.of_image(p) for i in (noun.i, verb.i) for p in parsed.children(i, "prep")
        )
    subjects = parsed.children(verb.i, "nsubj")
    return (
        noun.dep == "dobj"
        and verb.lemma.lower() in _SHOWING
        and any(one.lemma.lower() in ("image", "picture", "photo", "scene") for one in subjects)
    )


def _says_others(reading: CaptionReading, noun: int) -> bool:
    below = reading.parsed.children(noun, "amod", "det")
    return any(one.lower in ("other", "more", "another", "additional") for one in below)


def _lone(reading: CaptionReading, token: Token) -> _Count | None:
    """ "The only bus", "a lone giraffe"."""
    noun = token.head
    if token.lower not in _LONE or token.dep != "amod" or noun < token.i:
        return None
    if any(_value(one) is not None for one in reading.parsed.children(noun, "nummod")):
        return None
    others = _says_others(reading, noun)
    return _Count(token.i, noun + 1, noun, 1, "total", others)


def _of_count(reading: CaptionReading, count: _Count) -> list[Statement]:
    word = reading.tokens[count.noun]
    if word.lemma.lower() in OF_ONE_BODY:
        return []
    mention = reading.subject_of_noun(count.noun)
    if mention is None or mention.who in ("part", "nobody"):
        return []
    regions = reading.regions(mention)
    if not regions:
        return []
    facts = regions[0]
    if len({one.category for one in regions}) > 1:
        return _of_several_kinds(reading, count, regions)
    negated = reading.negated(count.first)
    verdict: Verdict = ("cannot tell", "a denied number is not tested")
    if not negated:
        verdict = _verdict(reading, count, facts)
    words = words_of(facts.category)
    name = words.show if count.number == 1 else words.plural
    how = {"some": "", "total": "exactly ", "least": "at least ", "about": "about "}[count.means]
    says = f"{how}{count.number} {'other ' if count.others else ''}{name}"
    return [reading.statement("count", says, count.first, count.past, verdict)]


def _of_several_kinds(
    reading: CaptionReading, count: _Count, regions: Sequence[RegionFacts]
) -> list[Statement]:
    """ "Four animals": false where all kinds together are fewer."""
    kinds = dict.fromkeys(one.category for one in regions)
    tallies = [reading.peers(category) for category in kinds]
    total = sum(len(ones) for ones, _ in tallies)
    names = " and ".join(words_of(category).plural for category in kinds)
    told = any(crowd for _, crowd in tallies) or not all(one.isthing for one in regions)
    false = count.number > total and count.means != "about" and not told
    verdict: Verdict = (
        "contradicted" if false and not reading.negated(count.first) else "cannot tell",
        f"{total} {names} annotated",
    )
    says = f"{count.number} {reading.tokens[count.noun].lower}"
    return [reading.statement("count", says, count.first, count.past, verdict)]


def _verdict(reading: CaptionReading, count: _Count, facts: RegionFacts) -> Verdict:
    words = words_of(facts.category)
    ones, crowd = reading.peers(facts.category)
    if not facts.isthing or not words.countable:
        return "cannot tell", f"{words.show} is not annotated one by one"
    if crowd:
        return _beside_crowd(reading, count, facts, ones)
    evidence = f"{len(ones)} {words.show if len(ones) == 1 else words.plural} annotated"
    kind = reading.kind_of(count.noun, facts.category)
    if kind != "narrower" and count.means == "total" and not count.others:
        largest = max(one.area_px for one in ones)
        plain = sum(one.area_px * MINOR >= largest for one in ones)
        if fits(reading.tokens[count.noun].lemma.lower(), facts.category) and (
            count.number < plain and not _is_narrowed(reading, count.noun)
        ):
            return "contradicted", evidence
    if kind == "broader" or _shared(reading, count, facts.category) or count.means == "about":
        return "cannot tell", evidence
    own = reading.own is not None and any(one.id == reading.own for one in ones)
    number = count.number + (1 if count.others and own else 0)
    if number > len(ones):
        return "contradicted", evidence
    if count.means == "total":
        largest = max(one.area_px for one in ones)
        plain = sum(one.area_px * MINOR >= largest for one in ones)
        if kind == "same" and number < plain:
            return "contradicted", evidence
        if kind == "narrower" or number < len(ones):
            return "cannot tell", evidence
    return ("supported" if kind == "same" else "cannot tell"), evidence


def _beside_crowd(
    reading: CaptionReading, count: _Count, facts: RegionFacts, ones: Sequence[RegionFacts]
) -> Verdict:
    """Where a crowd is annotated too, only that there are more than so many can be told."""
    words = words_of(facts.category)
    noun = reading.tokens[count.noun].lemma.lower()
    evidence = f"a crowd of {words.plural} is annotated beside {len(ones)} single ones"
    all_of_them = count.means == "total" and not count.others
    plain = fits(noun, facts.category) and reading.kind_of(count.noun, facts.category) != "narrower"
    largest = max((one.area_px for one in ones), default=0)
    least = sum(one.area_px * MINOR >= largest for one in ones) + CROWD
    if all_of_them and plain and count.number < least:
        return "contradicted", evidence
    return "cannot tell", evidence


def _is_narrowed(reading: CaptionReading, noun: int) -> bool:
    """ "The only red flower", "the only flower in the vase": of some that fit the noun."""
    for word in reading.parsed.children(noun, "amod", "compound", "acl", "relcl", "prep"):
        if word.lower not in _LONE | {"of", "single"} and not reading.of_image(word):
            return True
    return False


def _shared(reading: CaptionReading, count: _Count, category: str) -> bool:
    """Is the noun a word of another category's name, as "flower" is of a flower bud's?"""
    word = reading.tokens[count.noun].lemma.lower()
    return any(
        facts.category != category and word in words_of(facts.category).show.lower().split()
        for facts in reading.scene.regions
    )


def _alone(reading: CaptionReading, token: Token) -> list[Statement]:
    """ "Stands alone": nobody of its kind is near; "alone in the image": nobody is there."""
    subjects = [one for one in reading.subjects_of(token.i) if one.who not in ("part", "nobody")]
    if not subjects or subjects[0].plural:
        return []
    negated = reading.negated(token.i)
    preps = [
        *reading.parsed.children(token.i, "prep"),
        *reading.parsed.children(token.head, "prep"),
    ]
    image = any(reading.of_image(prep) for prep in preps)

    def test(facts: RegionFacts) -> Verdict:
        words = words_of(facts.category)
        ones, crowd = reading.peers(facts.category)
        others = [
            one for one in ones if one.id != facts.id and one.area_px * MINOR >= facts.area_px
        ]
        if not facts.isthing or (crowd and not others):
            return "cannot tell", f"a crowd of {words.plural} is annotated"
        if not others:
            return ("supported" if len(ones) == 1 else "cannot tell"), f"no other {words.show} near"
        nearest = min(gap(facts, one, reading.scene) for one in others)
        evidence = f"another {words.show} is {nearest:.2f} of the diagonal away"
        if image or nearest <= ALONE:
            return "contradicted", evidence
        return "cannot tell", evidence

    verdict = reading.weigh(subjects, test, negated)
    says = f"{reading.name(subjects[0])}: {'not ' if negated else ''}alone"
    return [reading.statement("count", says, token.i, token.i + 1, verdict)]
