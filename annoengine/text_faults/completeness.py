"""Whether a caption is whole: not broken off, nothing opened and left open.

A missing full stop is no fault: captions are often phrases, and recipes store them as they are.
"""

from __future__ import annotations

import re

from annoengine.text_faults.sentences import words_in

_OPENERS = {"(": ")", "[": "]", "{": "}", "“": "”", "«": "»"}
_CLOSERS = {closer: opener for opener, closer in _OPENERS.items()}
_SIGNS = frozenset([*_OPENERS, *_CLOSERS, '"'])


def _word_set(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


_NEVER_LAST = _word_set(
    "a an the and or but nor its their my our your whose which who while because although though",
    "whereas if unless into onto towards toward be been being am as than such",
)
"""No sentence ends in one of these, with a full stop or without."""

_LAST_WITH_A_STOP = _word_set(
    "in on at by from for of with to over under near behind beside between above below across",
    "along through about around against among inside outside within without upon that this these",
    "those his her is are was were has have when where can could will would may might must should",
    "does do very more most some each",
)
"""A sentence may end in one of these ("the bench he sits on."): broken off without a stop."""

_MAY_END = re.compile(r"\b(?:as such|(?:to|can|may|must|will|could|might) be)$", re.IGNORECASE)
_END = re.compile(
    r"(?:what|where|how|as|than|who) (?:\w+ )?(?:it|he|she|they|there) (?:is|are|was|were|has"
    r"|have|be)$|made of$|consists of$|composed of$|(?:taken|care) of$|(?:play|come|dealt)\w* with$"
    r"|as such$|to be$|(?:one|all) of these$|(?:like|of|than) (?:his|these)$",
    re.IGNORECASE,
)
_END = re.compile(r"[\s\"”’'»)\]*_`]+$")


def is_incomplete(text: str) -> bool:
    """Is a caption empty, broken off, or left open?

    True where it has no word; ends in a comma, a colon, a hyphen, an opening bracket or three
    dots; ends in a word after which something must follow ("its", "and the"); or where a bracket
    or a double quotation mark is not closed.

    >>> is_incomplete("the train appears ready for departure, its"), is_incomplete("A red bus.")
    (True, False)
    >>> is_incomplete('A sign that says "STOP'), is_incomplete("The bench he sits on.")
    (True, False)
    """
    if not _is_balanced(text):
        return True
    end = _END.sub("", text)
    if not end or end.endswith(
        (",", ":", "-", "–", "—", "…", "...", "(", "[", "{", "“", "«", "&", "/")
    ):
        return True
    words = words_in(end)
    if not words:
        return True
    if len(words) == 1:
        return words[0] in _NEVER_LAST | _LAST_WITH_A_STOP
    quoted = end != text.rstrip() and text.rstrip()[len(end) :].strip()[:1] in ('"', "”", "’", "'")
    if quoted:  # a sign may end as it likes
        return False
    spoken = end.rstrip(".!?;")
    last = words[-1]
    if last in _NEVER_LAST:
        return not _MAY_END.search(spoken)
    return last in _LAST_WITH_A_STOP and spoken == end


def _is_balanced(text: str) -> bool:
    if _SIGNS.isdisjoint(text):
        return True
    open_: list[str] = []
    for character in text:
        if character in _OPENERS:
            open_.append(character)
        elif character in _CLOSERS and (not open_ or open_.pop() != _CLOSERS[character]):
            return False
    if open_:
        return False
    # A mark of inches is a single one, right behind a digit.
    marks, inches = text.count('"'), len(re.findall(r'(?<=\d)"', text))
    return marks % 2 == 0 or (marks - inches) % 2 == 0
