"""Finds the mark that a text means, by what the baseline itself would say of each mark.

A floor to compare listeners with, not a reader of texts: each candidate is described as ``pixels``
describes it, and the one whose description shares most words with the text is meant. A word counts
by how few of the descriptions have it, so that words of every description count nothing; the sum is
divided by the root of what the description could have counted, so that long ones win nothing. Of
what pixels do not tell (actions, materials, small parts) it knows nothing.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Mapping

from annoengine.mask import RecordFiles

_WORD = re.compile(r"[a-z]+")
_MOST = 3
_DECIMALS = 9


def nearest_texts(text: str, descriptions: Mapping[int, str], most: int = _MOST) -> tuple[int, ...]:
    """The numbers of the descriptions that are nearest to a text, the nearest first.

    Among equals the lower number comes first; one that shares nothing that tells is left out.

    >>> nearest_texts("The red cup.", {1: "a blue cup", 2: "a red cup", 3: "a red dog"})
    (2, 1, 3)
    >>> nearest_texts("A thing.", {1: "a blue cup", 2: "a red cup"})
    ()
    """
    words = {number: set(_WORD.findall(said.lower())) for number, said in descriptions.items()}
    frequency = Counter(word for said in words.values() for word in said)
    weight = {word: math.log(len(words) / n) for word, n in frequency.items()}
    wanted = set(_WORD.findall(text.lower()))
    found = []
    for number, said in sorted(words.items()):
        shared = sum(weight[word] for word in sorted(said & wanted))
        whole = sum(weight[word] for word in sorted(said))
        if shared > 0:
            found.append((-round(shared / math.sqrt(whole), _DECIMALS), number))
    return tuple(number for _, number in sorted(found)[:most])


def marks_meant(
    files: RecordFiles, record_json: bytes, marks: tuple[int, ...], text: str
) -> tuple[int, ...]:
    """Which of the marks a text means, the likeliest first; runs in the CPU pool.

    Raises InputError for files that cannot be read or that contradict the record.
    """
    said = _descriptions(files.image, record_json, _Files(files))
    return nearest_texts(text, {number: said[number] for number in marks})


class _Files:
    """Files beside which nothing is looked at where the same record is described again."""

    def __init__(self, files: RecordFiles) -> None:
        self.files = files

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Files)

    def __hash__(self) -> int:
        return 0


@functools.lru_cache(maxsize=4)
def _descriptions(image: object, record_json: bytes, files: _Files) -> dict[int, str]:
    """What is said of each mark of a record; the captions of one record come after one another."""
    from annoengine.baseline.region_english import describe
    from annoengine.baseline.region_facts import measure_record
    from annoengine.record import Record

    record = Record.from_line(record_json)
    numbers = {mark.number: mark.segment for mark in record.marks}
    regions, _ = describe(measure_record(files.files, record), record.id, numbers)
    return {region.mark: f"{region.summary} {region.description}" for region in regions}
