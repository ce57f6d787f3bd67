"""Knows the numbers that open an entry: ``3.``, ``[3]``, ``Object 3:``, ``2-5.``, ``1, 2:``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LEAD = (
    r"(?:(?:object|obj|item|instance|region|marker|mark|label|segment|entity|element|number|no|id)s?"
    r"\b\.?(?:[ _]?(?:ids?|no\.?|numbers?|marked|labeled|labelled|with|as)\b)*\s*[:#=-]?\s*)"
)
_NUMBER = r"#?\s?[\[({<]?\s?#?\d{1,4}\b(?:\s?[\])}>])?"
_ASIDE = r"(?:\s*\((?![^)]*\d)[^)]{1,40}\))?"
_JOIN = (
    r"\s*(?:[.,]\s*and\b|[.,]\s*&|,|\band\b|&|\+|/|\bto\b|\bthrough\b|\bwith\b"
    r"|-+>|=>|→|↔|<->|-|–|—)\s*"
)
_FIRST = re.compile(rf"(?P<lead>{_LEAD})?(?P<number>{_NUMBER})", re.IGNORECASE)
_NEXT = re.compile(rf"{_ASIDE}{_JOIN}(?:{_LEAD})?(?P<number>{_NUMBER})", re.IGNORECASE)
_BEHIND = re.compile(
    rf"(?P<aside>{_ASIDE})(?P<delimiter>\s*[.):\]]+(?!\d)|\s+[-–—=]+\s+|\s*[–—]\s*|\s+|$)",
    re.IGNORECASE,
)
_NAME_FIRST = re.compile(
    r"(?P<summary>[A-Za-z][A-Za-z' -]{0,40}?)\s*"
    r"(?P<open>[\[(#]|\((?:id|object|mark)\b\s*:?)\s*#?(?P<id>\d{1,4})[\])]?\s*[:–—-]\s*(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_RANGE = re.compile(r"(\d{1,4})[\])}>\s]*(?:\bto\b|\bthrough\b|-|–|—)(?!>)[^\d]*(\d{1,4})", re.I)
_ARROW = re.compile(r"-+>|=>|→|↔|<->")
_WIDEST_RANGE = 200
_MOST_NUMBERS = 100


@dataclass(frozen=True)
class Head:
    """The opening of an entry.

    ``ids``: its numbers in order, ranges written out; ``lead``: a word such as "Object" stood
    before; ``delimiter``: ``.`` ``)`` ``:`` ``-`` ``]``, or empty where only a space followed;
    ``summary``: a name that stood before the number or in brackets behind it; ``rest``: what
    follows.
    """

    ids: tuple[int, ...]
    lead: bool
    delimiter: str
    rest: str
    summary: str = ""
    arrow: bool = False

    @property
    def single(self) -> bool:
        """Does it open an entry about one mark?"""
        return len(self.ids) == 1


def head_of(text: str) -> Head | None:
    """The opening of an entry at the start of a text, or None.

    >>> head_of("2-4. people: three people").ids
    (2, 3, 4)
    >>> head_of("Object 3: Person: a man").rest, head_of("3.5 metres away")
    ('Person: a man', None)
    """
    first = _FIRST.match(text)
    if first is None:
        return _name_first(text)
    # A loop, since one pattern for all numbers would try each in many ways.
    end = first.end()
    ends = [end]
    while (following := _NEXT.match(text, end)) and len(ends) < _MOST_NUMBERS:
        end = following.end()
        ends.append(end)
    behind = None
    while ends and behind is None:
        end = ends.pop()
        behind = _BEHIND.match(text, end)
    if behind is None:
        return _name_first(text)
    numbers = text[first.start("number") : end]
    bracketed = bool(re.match(r"#?\s?[\[({<]", numbers)) and bool(
        re.search(r"[\])}>]\s?$", numbers)
    )
    hashed = numbers.startswith("#")
    delimiter = behind["delimiter"].strip()[:1].replace("–", "-").replace("—", "-")
    ids = _ids(numbers)
    arrow = bool(_ARROW.search(numbers))
    rest = text[behind.end() :].strip()
    if not (first["lead"] or bracketed or hashed or delimiter or arrow or _closed(numbers)):
        return _name_first(text)
    summary = behind["aside"].strip().strip("()").strip()
    if not delimiter and not ids:
        return None
    if _closed(numbers) and not delimiter:
        delimiter = ")"
    return Head(ids, bool(first["lead"]), delimiter, rest, summary, arrow)


def names_numbers(text: str) -> tuple[int, ...]:
    """All numbers of a short text, each once, ranges written out: the ids that it names."""
    return _ids(text)


def _closed(numbers: str) -> bool:
    """``3)``: a bracket closed that was not opened."""
    return bool(re.search(r"[\])]\s?$", numbers)) and not re.search(r"[\[(]", numbers)


def _ids(text: str) -> tuple[int, ...]:
    found: list[int] = []
    position = 0
    for match in re.finditer(r"\d{1,4}", text):
        if match.start() < position:
            continue
        span = _RANGE.match(text, match.start())
        if span and int(span[1]) < int(span[2]) <= int(span[1]) + _WIDEST_RANGE:
            found += range(int(span[1]), int(span[2]) + 1)
            position = span.end()
        else:
            found.append(int(match.group()))
    return tuple(dict.fromkeys(found))


def _name_first(text: str) -> Head | None:
    """``Person (1): …`` and ``Dog #2 - …``."""
    match = _NAME_FIRST.match(text)
    if match is None or len(match["summary"].split()) > 4:
        return None
    return Head((int(match["id"]),), False, ":", match["rest"].strip(), match["summary"].strip())
