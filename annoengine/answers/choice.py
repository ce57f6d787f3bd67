"""The answer that names marks and says nothing of them: ``3``, or ``3, 5`` with the best first.

It is how a listener says which mark a caption means (:mod:`annoengine.stages.score_listener`). What
is read besides: words before and behind, brackets, bold, JSON, numbered lists, numbers spelled out,
thoughts before the answer. Of more than three marks the first three count. Text in which numbers
stand that need not be marks ("two of the 4 dogs, not 7") is not read: a guess would be a score.
"""

from __future__ import annotations

import re
from typing import ClassVar

from annoengine.answer import Answer, Expected, Fault, Judgement, Parsed, Region

MOST = 3
"""Marks that an answer may name."""

UNREAD = "unread"
NONE = "none"
UNKNOWN = "unknown"
UNCHOSEN = "unchosen"

_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_NOUN = r"(?:ids?|objects?|marks?|numbers?|regions?|segments?|labels?|labell?ed|marked|candidates?)"
_ITEM = (
    rf"(?:{_NOUN}\s*)?[\[(<{{\"']*#?\d{{1,4}}(?!\d|\s*%|\.\d|(?:st|nd|rd|th)\b)[\])>}}\"']*"
    r"(?:\s*\([^()\n]*\))?"
)
_BETWEEN = r"\s*(?:[,;/>|&→\n]|\b(?:and|or|then|followed by)\b|(?<=\d)\s(?=[#\[(]?\d))+\s*"
_LIST = rf"(?P<list>{_ITEM}(?:(?:{_BETWEEN})+{_ITEM})*)"
_FOLLOWS = (
    r"(?!\s+(?!and\b|or\b|then\b|because\b|since\b|as\b|is\b|fits?\b|match|best\b|which\b|who\b"
    r"|with\b|but\b|in\b|on\b|at\b|seems\b|appears\b|would\b)[a-z])"
)
"""What may stand behind a number in a sentence: "2 dogs" is none of the marks."""

_BARE = re.compile(rf"\W*(?:the\s+)?(?:answer\W*)?{_LIST}(?!\s*[-–]\s*\d){_FOLLOWS}", re.IGNORECASE)
_ANSWER = re.compile(
    rf"\b(?:answer|choice|best (?:match|fit|candidate)|final)\b[^\d\n]{{0,40}}?{_LIST}{_FOLLOWS}",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"\b{_NOUN}\W{{0,3}}(?:(?:is|are|as|with|number|id)\W{{1,3}}){{0,2}}{_LIST}{_FOLLOWS}",
    re.IGNORECASE,
)
_SAID = re.compile(
    rf"\b(?:is|are|it's|be|means?|choose|pick|say|likely|to|probably)\W{{1,3}}{_LIST}{_FOLLOWS}",
    re.IGNORECASE,
)
_NUMBERED_LINE = re.compile(rf"\s*(?P<place>\d)[.):]\s+(?P<rest>{_ITEM}.*)", re.IGNORECASE)
_THOUGHT = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_NOTHING = re.compile(
    r"\W*(?:(?:the )?answer\W*|ids?\W*)*(?:none|nothing|null|n/?a|no one|nobody|neither|unknown"
    r"|unclear|not (?:sure|possible|present|visible)"
    r"|no (?:\w+ )?(?:object|mark|id|region|match|one|candidate)\w*"
    r"|(?:it is |i am |i'm )?(?:impossible|unable)"
    r"|i (?:cannot|can't|can not|do not|don't)\b|cannot (?:tell|be))",
    re.IGNORECASE,
)
_EMPTY = re.compile(r"[\s\[\](){}:\"',]*(?:ids?[\s\"':]*)?[\[\](){}\s]*")
_SPELLED = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![\w.])\d{1,4}(?![\w%]|\.\d)")


class Choice:
    """The grammar ``choice``; see the module for the format and its rules."""

    VERSION: ClassVar[int] = 1

    def write(self, answer: Answer) -> str:
        """The marks in their order, three at most, or ``none``."""
        return ", ".join(str(region.mark) for region in answer.regions[:MOST]) or "none"

    def parse(self, text: str) -> Parsed:
        """The marks that a text names, each once, in its order. Never raises."""
        marks = _marks_in(text)
        if marks is None:
            detail = "The answer names no ID, or numbers that may not be IDs."
            return Parsed(Answer(), (Fault(UNREAD, (), detail),))
        if not marks:
            return Parsed(Answer(), (Fault(NONE, (), "The answer says that none is meant."),))
        kept = list(dict.fromkeys(marks))
        tolerated = () if text.strip() == ", ".join(map(str, kept)) else ("other_words",)
        if len(kept) > MOST:
            tolerated = (*tolerated, "more_marks")
        return Parsed(Answer(tuple(Region(m, "", "") for m in kept[:MOST])), (), tolerated)

    def judge(self, parsed: Parsed, expected: tuple[Expected, ...]) -> Judgement:
        """The named marks that are among the expected ones, in the order named."""
        known = {e.mark for e in expected}
        named = [region for region in parsed.answer.regions if region.mark in known]
        faults = list(parsed.faults)
        strange = [region.mark for region in parsed.answer.regions if region.mark not in known]
        if strange:
            listed = ", ".join(map(str, strange))
            faults.append(Fault(UNKNOWN, (), f"The image has no object with the ID {listed}."))
        accepted = {region.mark: region for region in named}
        rest = tuple(e.mark for e in expected if e.mark not in accepted)
        if rest:
            faults.append(Fault(UNCHOSEN, rest, "The answer does not name them."))
        return Judgement(accepted, (), tuple(faults), parsed.tolerated)


def _marks_in(text: str) -> list[int] | None:
    """The marks named, none of them where the text says so, None where it cannot be read.

    >>> _marks_in("3, 5"), _marks_in("None of them."), _marks_in("Two of the 4 dogs, not the 7.")
    ([3, 5], [], None)
    """
    text = _THOUGHT.sub(" ", text)
    text = re.sub(r"```\w*|\*+|`|_{2,}", "", text).strip()
    if not text:
        return None
    lines = [_NUMBERED_LINE.fullmatch(line) for line in text.splitlines() if line.strip()]
    if all(line is not None for line in lines):
        numbered = [line for line in lines if line is not None]
        if [int(line["place"]) for line in numbered] == list(range(1, len(lines) + 1)):
            return [_numbers(line["rest"])[0] for line in numbered]
    if said := list(_ANSWER.finditer(text)):
        return _numbers(said[-1]["list"])
    if bare := _BARE.match(text):
        return _numbers(bare["list"])
    for pattern in (_NAMED, _SAID):
        lists = [_numbers(match["list"]) for match in pattern.finditer(text)]
        if lists:  # where several are spoken of, nothing says which is the answer
            return lists[0] if all(one == lists[0] for one in lists) else None
    if _NOTHING.match(text) or _EMPTY.fullmatch(text):
        return []
    numbers = {int(word) for word in _DIGITS.findall(text)}
    spelled = {_WORDS.index(word.lower()) for word in _SPELLED.findall(text)}
    if not numbers and len(spelled) == 1 and len(text.split()) <= 4:
        return list(spelled)
    return None


def _numbers(said: str) -> list[int]:
    """The numbers of a list; what stands in brackets behind one is a remark about it."""
    bare = re.sub(r"(?<=[\d\])>}])\s*\((?!\s*\d+\s*\))[^()\n]*\)", "", said)
    return [int(number) for number in re.findall(r"\d+", bare)]
