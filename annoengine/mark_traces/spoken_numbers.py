"""Finds a mark's number in a caption where it is no count and no measure.

What counts as a trace of number n:

- a reference: "[n]", "(n)", "#n", "object n", "marked n", a word for the segment followed by n;
- writing that is claimed: "the number n on his jersey", "a n on its side", "reading n". It may be
  there: nothing but another drawing can tell;
- any other n in digits that no plural, unit or ordinal follows;
- from 2 on, in digits or letters, that many of the segment's own category as the subject, for a
  segment that is one thing ("three dogs stand …" of a single dog).

Not a trace: "three people" elsewhere in the sentence or of stuff ("three trees" of a wood), "one
of the dogs", "with 3 wheels", "3-storey", "3:15", "the third".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from annoengine.categories import fits
from annoengine.mark_traces.spoken_colours import is_within, quoted_spans
from annoengine.noun_phrase import singular

NUMERALS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen twenty"
).split()

_SIGNIFIED = (
    r"(?:(?:the |a )?(?:number|numeral|digit|figure|no\.?|id|label|mark|marker)"
    r"|numbered|labell?ed|marked|tagged|annotated|identified|denoted)"
    r"(?: (?:with|by|as|is|of|the|a|number|id|digit|numeral))*"
)
_UNIT = re.compile(
    r"[\s-]?(?:%|°|×|(?:x|m|percent|per cent|of|mph|km|kg|cm|mm|ft|am|pm|d|way|st|nd|rd|th)\b"
    r"|inch|foot|feet|meter|metre|minute|hour|year|stor(?:e?y|ies)|door|wheel|piece|seat|legged"
    r"|tier|lane|level|part|dimension|panel|row|side|point|speed|star)",
    re.IGNORECASE,
)
_NO_PLURAL = frozenset("is was has its this always stands sits lies holds wears appears as".split())
_GROUPS = frozenset("people men women children sheep deer geese feet teeth mice".split())


@dataclass(frozen=True)
class SpokenNumber:
    """The number of a mark where it is suspicious, ``text[start:end]`` with its leading words."""

    word: str
    start: int
    end: int


def spoken_number(text: str, number: int, category: str, isthing: bool) -> SpokenNumber | None:
    """The first suspicious occurrence of a mark's number in the caption of its segment.

    >>> spoken_number("A player with number 3 on the jersey.", 3, "person", True)
    SpokenNumber(word='number 3', start=14, end=22)
    >>> spoken_number("A man walks behind three people.", 3, "person", True) is None
    True
    >>> spoken_number("Three dogs on a lawn.", 3, "dog", True).word
    'Three'
    """
    digits = str(number)
    named = NUMERALS[number] if number < len(NUMERALS) else ""
    if digits not in text and (not named or named not in text.lower()):
        return None
    quoted = quoted_spans(text)
    forms = [re.escape(digits), *([named] if named else [])]
    # A sign's words are its own, but a digit between quotes may be the mark's all the same.
    for form in forms:
        signified = re.compile(rf"\b{_SIGNIFIED} ?[#\"“'‘(\[]?{form}\b(?![.:,]\d)", re.IGNORECASE)
        match = signified.search(text)
        if match:
            return SpokenNumber(match.group(), *match.span())
    for match in re.finditer(rf"(?<![\w.,:/$€£-])[#(\[]?{digits}[)\]]?(?![\w:/]|[.,]\d)", text):
        if match.group() != digits or _is_alone(text, match.end()):
            return SpokenNumber(match.group(), *match.span())
    if number >= 2 and isthing:
        for form in forms:
            counted = re.compile(
                rf"(?:^|[.!?;]\s+)(?:the |these |there are |a group of )?({form})\b", re.IGNORECASE
            )
            for match in counted.finditer(text):
                if is_within(match.start(1), quoted):
                    continue
                noun = _counted_noun(text, match.end(1))
                if noun and any(fits(singular(part), category) for part in noun):
                    return SpokenNumber(match.group(1), *match.span(1))
    return None


def _is_alone(text: str, end: int) -> bool:
    """Does neither a unit nor a plural follow, so that it counts and measures nothing?"""
    if _UNIT.match(text, end):
        return False
    return _counted_noun(text, end) == ()


def _counted_noun(text: str, end: int) -> tuple[str, ...]:
    """The plural noun after a number, with the words before it; empty where none follows."""
    words = re.findall(r"[^\W\d_]+|[.,;:!?()]", text[end : end + 60])[:4]
    for place, word in enumerate(words):
        lower = word.lower()
        if not word.isalpha() or lower in _NO_PLURAL:
            return ()
        if lower in _GROUPS or (lower.endswith("s") and singular(lower) != lower):
            return tuple(dict.fromkeys((lower, " ".join(words[: place + 1]).lower())))
        if lower in _BREAKS:
            return ()
    return ()


_BREAKS = frozenset("on in at of with and or near by to for from the a an beside behind".split())
