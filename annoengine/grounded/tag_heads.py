"""Reads what stands before the phrase of a tag: its ids, and what parts them from the phrase.

The form is ``3: `` or ``6,7: ``. Models also write ``id 3:``, ``[3]:``, ``6 and 7:``, ``1-3:``,
``3,:``, ``3>``, ``3 - `` and ``3 a dog``; each deviation is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Separator = Literal["colon", "bracket", "other", "article", "none"]
"""What parts the ids from the phrase: a colon, the closing bracket (``<3>``), a dash or the like,
only the article of the phrase, or nothing that could be told."""

CLOSE = r"(?:>|&gt;|&#0*62;|&#x0*3e;|[＞〉》⟩])"
"""A closing bracket, in every way it is written."""

_LEAD = (
    r"(?:(?:objects?|obj|ids?|regions?|segments?|marks?|masks?|labels?|items?|instances?|numbers?"
    r"|no|nos)(?![a-z])[.]?[\s_]*(?:(?:ids?|numbers?|no)(?![a-z])\.?[\s_]*)?(?:[:=#]\s*)?|#\s*)"
)
_ID = r"(?:[\[(\"'“#]\s*)?(?P<id>\d+)(?:\s*[\])\"'”])?"
_FIRST = re.compile(rf"[\s,;]*(?P<lead>{_LEAD})?{_ID}", re.IGNORECASE)
_NEXT = re.compile(
    rf"(?P<join>\s*(?:[,，、]\s*and\b|[,，、]\s*&|(?:[,，、;&+/]\s*)+|\band\b|\bto\b|\bthrough\b|[-–—~]+|\.\.+"
    rf"|:(?=\d+(?:\s*,\s*\d+)*\s*:(?!\d))|(?<=\d)\s)\s*)(?:{_LEAD})?{_ID}",
    re.IGNORECASE,
)
_RANGE_JOIN = re.compile(r"[-–—~]|\.\.|\bto\b|\bthrough\b", re.IGNORECASE)
_BEHIND = re.compile(
    rf"[\s,;，、]*(?:(?P<colon>[:：])|(?P<bracket>{CLOSE}\s*[:：]?)"
    r"|(?P<other>[=|]|[-–—]+(?=\s|[^\W\d])|[.;)\]](?=\s|[^\W\d])))",
    re.IGNORECASE,
)
_ARTICLE = re.compile(
    r"[\s,;]+(?=(?:an?|the|another|some|several|this|that|these|those|his|her|its|their)\s)", re.I
)
MOST_ID = (1 << 24) - 1
"""The largest id: a colour of three bytes. Source: the COCO panoptic format."""
_WIDEST_RANGE = 60
_WIDE_DIGITS = str.maketrans("０１２３４５６７８９", "0123456789")


@dataclass(frozen=True)
class Head:
    """The ids of a tag, each once.

    ``end`` is the place behind the separator; ``kinds`` names the deviations (see
    ``tag_faults``); ``fault`` is set where the ids cannot be used as they stand.
    """

    ids: tuple[int, ...]
    separator: Separator
    end: int
    kinds: tuple[str, ...] = ()
    fault: str = ""


def head_at(text: str, place: int) -> Head | None:
    """The ids that begin at a place, behind the opening bracket; None where there are none.

    >>> head_at("<6,7: two men>", 1)
    Head(ids=(6, 7), separator='colon', end=5, kinds=(), fault='')
    >>> head_at("<objects 1-3>dogs>", 1).ids, head_at("<a backpack>", 1)
    ((1, 2, 3), None)
    """
    first = _FIRST.match(text, place)
    if first is None:
        return None
    numbers: list[tuple[str, str]] = [("", first["id"])]
    end = first.end()
    # A loop, since one pattern for all ids would try each in many ways.
    while following := _NEXT.match(text, end):
        numbers.append((following["join"], following["id"]))
        end = following.end()
    wide = any(digits != digits.translate(_WIDE_DIGITS) for _, digits in numbers)
    behind = _BEHIND.match(text, end)
    article = _ARTICLE.match(text, end)
    separator: Separator
    if behind is not None:
        which = str(behind.lastgroup)
        separator = "colon" if which == "colon" else "bracket" if which == "bracket" else "other"
        written = text[place : behind.start(which)]
        wide, end = wide or "：" in behind.group(), behind.end()
    else:
        separator = "article" if article else "none"
        end, written = (article.end() if article else end), text[place:end]
    kinds = ["wide_characters"] if wide else []
    if any(len(digits) > 8 or int(digits) > MOST_ID for _, digits in numbers):
        return Head((), separator, end, tuple(kinds), "huge_id")
    ids, ranged = _ids(numbers)
    if ids is None:
        return Head((), separator, end, tuple(kinds), "range")
    kinds += ["range"] * ranged
    unique = tuple(dict.fromkeys(ids))
    if len(unique) < len(ids):
        kinds.append("repeated_id")
    # What deviates in more than spaces, where no other name fits.
    plain = re.sub(r"\s", "", written.translate(_WIDE_DIGITS)).replace("，", ",")
    canonical = ",".join(map(str, unique))
    if not kinds and separator in ("colon", "bracket") and plain != canonical:
        kinds.append("id_form")
    return Head(unique, separator, end, tuple(kinds))


def _ids(numbers: list[tuple[str, str]]) -> tuple[list[int] | None, bool]:
    """The ids with ranges written out, and whether there were any; None for an absurd range."""
    ids: list[int] = []
    ranged = False
    for join, digits in numbers:
        number = int(digits)
        if ids and _RANGE_JOIN.search(join):
            ranged = True
            if not ids[-1] < number <= ids[-1] + _WIDEST_RANGE:
                return None, True
            ids += range(ids[-1] + 1, number + 1)
        else:
            ids.append(number)
    return ids, ranged
