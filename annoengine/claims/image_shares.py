"""Tests how much of the image a caption says that something takes up: "fills half of the frame".

What is meant may be the mask or all that its box covers; a statement is false only where both are
far from what is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from annoengine.baseline.region_facts import RegionFacts
from annoengine.claims.caption_claim import Statement
from annoengine.claims.caption_reading import CaptionReading, Verdict, percent
from annoengine.claims.place_phrase import is_image_word
from annoengine.language.parsed import Token


@dataclass(frozen=True)
class _Amount:
    """What an amount means, in shares of the image.

    False where the mask has less than ``least`` and the box less than ``least_box``, or the mask
    more than ``most``; true where the mask lies within ``true``.
    """

    least: float
    least_box: float
    most: float
    true: tuple[float, float]


AMOUNTS = {
    "all": _Amount(0.45, 0.6, 1, (0.7, 1)),
    "the whole": _Amount(0.5, 0.75, 1, (0.8, 1)),
    "most": _Amount(0.35, 0.5, 1, (0.5, 1)),
    "half": _Amount(0.2, 0.3, 0.75, (0.4, 0.6)),
    "third": _Amount(0.12, 0.2, 0.6, (0.25, 0.45)),
    "quarter": _Amount(0.08, 0.14, 0.5, (0.18, 0.35)),
    "fifth": _Amount(0.06, 0.1, 0.4, (0.14, 0.28)),
    "tenth": _Amount(0.03, 0.05, 0.25, (0.06, 0.15)),
    "large part": _Amount(0.06, 0.12, 1, (0.2, 1)),
    "small part": _Amount(0, 0, 0.35, (0, 0.1)),
}
"""Ours: what is true is the word's own meaning, and false begins where the share is off by about
one half of it, so that "about", "nearly" and a holey mask make no difference."""

_SHARES = {"half": 0.5, "third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "tenth": 0.1}
for _word, _share_of_all in _SHARES.items():
    AMOUNTS[f"less than a {_word}"] = _Amount(0, 0, 1.4 * _share_of_all, (0, _share_of_all))
    AMOUNTS[f"more than a {_word}"] = _Amount(
        _share_of_all / 1.4, _share_of_all / 1.2, 1, (_share_of_all, 1)
    )

_VERBS = frozenset("take occupy fill cover dominate span make".split())
_WORDS = {
    "all": "all",
    "entire": "all",
    "whole": "all",
    "full": "all",
    "most": "most",
    "majority": "most",
    "much": "large part",
    "bulk": "most",
    "half": "half",
    "third": "third",
    "quarter": "quarter",
    "fifth": "fifth",
    "tenth": "tenth",
}
_LARGE = frozenset("large significant considerable substantial big major good sizable".split())
_SMALL = frozenset("small tiny little minor".split())
_PORTIONS = frozenset("part portion area section share amount percentage fraction".split())
_SIDES = frozenset("left right top bottom upper lower center middle central side corner".split())


def share_statements(reading: CaptionReading) -> list[Statement]:
    """The statements about shares of the image."""
    found = []
    for verb in reading.tokens:
        if verb.pos != "VERB" or verb.lemma.lower() not in _VERBS:
            continue
        for word in reading.parsed.children(verb.i, "dobj"):
            amount = _amount(reading, verb, word)
            subjects = [one for one in reading.of_verb(verb) if one.who != "part"]
            if amount is None or not subjects:
                continue
            past = reading.parsed.subtree(word.i)[-1].i + 1
            negated = reading.negated(verb.i)
            verdict = reading.weigh(subjects, partial(_share, reading, amount), negated)
            does = "does not take up" if negated else "takes up"
            says = f"{reading.name(subjects[0])}: {does} {amount} of the image"
            found.append(reading.statement("size", says, verb.i, past, verdict))
    return found


def _amount(reading: CaptionReading, verb: Token, word: Token) -> str | None:
    """What is said to be taken up of the image; None where it is no share of the whole image."""
    inside = reading.parsed.subtree(word.i)
    lower = {token.lower for token in inside}
    if not _SIDES.isdisjoint(lower):
        return None
    if is_image_word(reading.parsed, word.i):
        if "half" in lower:
            return "half"
        if {"entire", "whole", "full"} & lower:
            return "the whole"
        return "large part" if verb.lemma.lower() in ("dominate", "take", "make") else "all"
    if word.lower in ("less", "more"):
        return _bounded(reading, word)
    of = [prep for prep in reading.parsed.children(word.i, "prep") if prep.lower == "of"]
    images = [one for prep in of for one in reading.parsed.children(prep.i, "pobj")]
    if not any(is_image_word(reading.parsed, one.i) for one in images):
        return None
    if word.lower in _WORDS:
        if word.lower in _SHARES and "than" in lower and lower & {"less", "more"}:
            # "More than half of the image" and the like, with the half as the head.
            return f"{'less' if 'less' in lower else 'more'} than a {word.lower}"
        if word.lower in ("third", "quarter", "half") and lower & {"two", "three"}:
            return "most"
        return _WORDS[word.lower]
    if word.lemma.lower() in _PORTIONS:
        if lower & _LARGE:
            return "large part"
        return "small part" if lower & _SMALL else None
    return None


def _bounded(reading: CaptionReading, word: Token) -> str | None:
    """ "Less than a tenth of the image"."""
    for than in reading.parsed.children(word.i, "prep"):
        for share in reading.parsed.children(than.i, "pobj"):
            inner = [
                one
                for of in reading.parsed.children(share.i, "prep")
                for one in reading.parsed.children(of.i, "pobj")
            ]
            whole = any(is_image_word(reading.parsed, one.i) for one in inner)
            plain = not reading.parsed.children(share.i, "nummod", "amod")
            if than.lower == "than" and share.lower in _SHARES and whole and plain:
                return f"{word.lower} than a {share.lower}"
    return None


def _share(reading: CaptionReading, name: str, facts: RegionFacts) -> Verdict:
    width, height = reading.scene.size_wh
    x1, y1, x2, y2 = facts.box_xyxy
    area = facts.area_px / (width * height)
    box = (x2 - x1) * (y2 - y1) / (width * height)
    amount = AMOUNTS[name]
    evidence = f"it has {percent(area)} of the image, its box {percent(box)}"
    # What a box covers says little of stuff, which may lie in scraps.
    small = box < amount.least_box or (not facts.isthing and area < amount.least / 2)
    if (area < amount.least and small) or area > amount.most:
        return "contradicted", evidence
    low, high = amount.true
    return ("supported" if low <= area <= high else "cannot tell"), evidence
