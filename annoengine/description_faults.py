"""What makes a description useless whatever it is about: a refusal, a leak, another language.

Rules and word lists, and narrow ones: a caption may well say that a face "is not visible" or that
details "are not clear"; it is a refusal only where the description as a whole declines.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

Kind = Literal["refusal", "leak", "language"]

_THING = r"(?:the |this |that |such |requested |specified )*(?:\w+ ){0,2}?"
_OPENING_REFUSAL = re.compile(
    r"(?:i['’]?m |i am |we are )?(?:very |so )?(?:sorry|afraid|unable to|not able to)\b"
    r"|(?:unfortunately|apologies|as an ai)\b"
    r"|(?:i|we) (?:cannot|can['’]?t|can not|could ?n[o'’]t|do not|don['’]?t|am unable"
    r"|am not able)\b"
    r"|(?:cannot|can['’]?t|unable to) (?:be )?(?:find|identif|see|locat|detect|describ|generat"
    r"|determin|provid|make out|discern|assist|help|recogni)",
    re.IGNORECASE,
)
_NOT_THERE = re.compile(
    rf"(?:{_THING}(?:object|item|mark|marker|label|region|area|number|id|element|it)\b[^.,;]{{0,30}}?"
    rf"|{_THING}\w+ |)(?:is|are|was|does|do|can) ?(?:not|n['’]t|never|not clearly|hardly) ?"
    r"(?:(?:clearly|fully|really|directly|actually|be|seem to be|appear to be|even) )*"
    r"(?:visible|present|discernible|identifiable|seen|shown|identified|described|determined"
    r"|located|found|distinguishable|recogni[sz]able|exist|appear|possible to \w+)"
    r"(?: (?:in|within|from|on|at) (?:the|this) (?:given )?(?:image|picture|photo|scene|frame"
    r"|view))?"
    r"(?: (?:clearly|due to .*|because .*|enough.*|as .*|for .*))?\s*[.!]?\s*$",
    re.IGNORECASE,
)
_NOTHING_SAID = re.compile(
    r"(?:not (?:visible|applicable|described|available|clear|present|identifiable|sure|shown)\b"
    r"[^,]*|no (?:description|visible|details?|such|clear|information)\b[^,]*"
    r"|n/?a|none|unknown|unclear|unidentifiable|undetermined|tbd|\?+|-+|\.+"
    r"|same as (?:above|before|\d+|object).*"
    r"|see (?:above|\d+|object).*|description of the object|summary of the object|xxx+)"
    r"\s*[.!]?\s*$",
    re.IGNORECASE,
)
_NONE_THERE = re.compile(
    r"there (?:is|are|does|do)(?: not|n['’]t)?(?: seem to be| appear to be)?(?: a| an| any| no)"
    r"(?: (?:visible|clear|such|discernible|identifiable|distinct))? ?\w*(?: \w+)?"
    r"(?: (?:visible|present|labell?ed|marked|with|in|at|of|for|number|here)\b.*)?\s*[.!]?\s*$",
    re.IGNORECASE,
)
_NO_DENIAL = re.compile(r"there (?:is|are) (?:a|an|any)\b", re.IGNORECASE)
_LEAK = re.compile(
    r"\bobjects? #?\d|bounding box|(?:queried|specified|highlighted|labell?ed|marked|annotated)"
    r" (?:object|region|area)|current frame|numeric id|object[ _]id"
    r"|(?:label|mark|marker|id|number) (?:is )?placed (?:on|at)"
    r"|(?:marked|labell?ed|annotated|numbered|tagged|denoted|indicated|identified|outlined)"
    r" (?:with|by|as|in) (?:the |a |an )?"
    r"(?:(?:bright|white|red|yellow|green|blue|numeric|numerical) )*"
    r"(?:ids?|mark|marker|object|label)\b"
    r"|(?:marked|labell?ed|annotated|denoted|identified) (?:with|by|as) (?:the )?(?:number|no\.?)"
    r" \d+ (?:at|in|on) (?:the|its) cent(?:er|re)"
    r"|as an ai\b|provided categor|given categor",
    re.IGNORECASE,
)
_LONGEST_REFUSAL = 300
_WORD = re.compile(r"[^\W\d_]+")
_QUOTED = re.compile(r"[\"“«][^\"”»]*[\"”»]|(?<!\w)['‘][^'’]*['’](?!\w)")


def _word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_LEAK_WORDS = _word_set(
    "bounding frame numeric id ids object objects placed queried specified highlighted labeled",
    "labelled marked annotated numbered tagged denoted indicated identified outlined ai category",
    "categories categorization",
)
"""Each form of a leak holds one of these."""
_REFUSAL_WORDS = _word_set(
    "sorry afraid unable able unfortunately apologies ai cannot can cant could couldn couldnt do",
    "don dont t not isnot arenot wasnot doesnot donot never hardly no none n na unknown unclear",
    "unidentifiable undetermined tbd same see description summary there xxx xxxx xxxxx",
)
"""Each form of a refusal holds one of these."""
_ENGLISH = _word_set(
    "the of and is are with to from its it his her their they that this which has have by at for",
    "as or be was were not but there while near behind another some both each also into over under",
    "wearing holding standing sitting visible",
)
_FOREIGN = _word_set(
    "de la le les un une des du et est avec dans sur qui el los las una unos con es en que por",
    "para del al su der die das und ist mit ein eine einen einer auf im von dem den zu il lo gli",
    "che per di della nel sono uno um uma com do da os nas nos het een van op met og och med är på",
    "som av w z jest się na sich trägt lleva está porte à è é e y",
)


def kind_of_fault(description: str) -> Kind | None:
    """What is wrong with a description in itself, or None.

    >>> kind_of_fault("Object 4 is not visible in the image."), kind_of_fault("Her face is hidden.")
    ('refusal', None)
    >>> kind_of_fault("El perro está en la hierba"), kind_of_fault("The marked object is a dog.")
    ('language', 'leak')
    """
    words = _WORD.findall(description.lower())
    # Every form of a refusal has one of these words, or none at all ("???").
    if (not words or not _REFUSAL_WORDS.isdisjoint(words)) and declines(description):
        return "refusal"
    # Every form of a leak has one of these words, and a word is far quicker to find than a form.
    if not _LEAK_WORDS.isdisjoint(words) and _LEAK.search(description):
        return "leak"
    # So has every text in another language, unless its letters tell.
    if description.isascii() and _FOREIGN.isdisjoint(words):
        return None
    return "language" if is_foreign(description) else None


def declines(text: str) -> bool:
    """Does a description, or a whole answer, decline to describe?"""
    text = text.strip().strip("\"'“”()[]").strip()
    first = re.split(r"(?<=[.!?])\s", text, maxsplit=1)[0]
    if _OPENING_REFUSAL.match(text) or _NOTHING_SAID.match(text):
        return True
    if len(first) > _LONGEST_REFUSAL:
        return False
    if _NONE_THERE.match(first) and not _NO_DENIAL.match(first):
        return True
    return bool(_NOT_THERE.match(first)) and len(text) <= 2 * len(first) + 40


def is_foreign(text: str) -> bool:
    """Is a text in another language than English, by its letters and its small words?

    Words in quotation marks do not count: a sign may say what it likes.
    """
    spoken = _QUOTED.sub(" ", text)
    if not spoken.isascii():
        letters = [character for character in spoken if character.isalpha()]
        strange = sum("LATIN" not in unicodedata.name(letter, "") for letter in letters)
        if strange > 2 and strange > 0.3 * len(letters):
            return True
    words = _WORD.findall(spoken.lower())
    english = sum(word in _ENGLISH for word in words)
    foreign = sum(word in _FOREIGN for word in words)
    return foreign >= 2 and foreign > 2 * english
