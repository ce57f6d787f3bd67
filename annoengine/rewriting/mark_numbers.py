"""Reads the numbers of a list of marks: "2 and 5", "2-5", "three and four"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection

from annoengine.rewriting.mark_patterns import FOLLOWS_LIST, WORDS


def numbers_in(said: str) -> list[int]:
    """The numbers of a list; "2-5" and "2 to 5" are a range."""
    found: list[int] = []
    last_end = 0
    for match in re.finditer(r"\d+|\b(?:" + "|".join(WORDS) + r")\b", said.lower()):
        word = match.group()
        number = int(word) if word.isdigit() else WORDS.index(word) + 1
        between = said[last_end : match.start()].strip().lower()
        if (
            found
            and between in ("-", "–", "to", "through")
            and found[-1] < number <= found[-1] + 30
        ):
            found += range(found[-1] + 1, number)
        found.append(number)
        last_end = match.end()
    return list(dict.fromkeys(found))


def list_end(
    text: str, match: re.Match[str], group: str, marks: Collection[int], plural: bool
) -> tuple[int, str]:
    """Where a list really ends, and its text: "object 3 and 5 people" ends after 3."""
    start = match.start(group)
    ends = [start + m.end() for m in re.finditer(r"\d+", match.group(group))]
    end = ends[0]
    for position, past in itertools.pairwise(ends):
        number = int(re.findall(r"\d+", text[position:past])[-1])
        bound = plural or FOLLOWS_LIST.match(text, past)
        if not bound or (number not in marks and not plural):
            break
        end = past
    return end, text[start:end]


def known_and_unknown(
    found: list[int], marks: Collection[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    known = tuple(number for number in found if number in marks)
    return known, tuple(number for number in found if number not in marks)
