"""Reads a ``numbered`` answer that keeps to the asked form to the letter, and nothing else.

Most answers do, and the tolerant reader costs over a millisecond for each. This one takes a few
patterns and gives up at the first thing that is not plainly right; what it does read, the
tolerant reader reads the same (a property test holds the two together).
"""

from __future__ import annotations

import re

from annoengine.answer import Answer, Interaction, Region

_WORDS = r"[A-Za-z]+(?:['-][A-Za-z]+)*"
_SENTENCES = rf"{_WORDS}(?:[,.]? {_WORDS})*"
_OBJECT = re.compile(rf"(\d{{1,3}})\. ({_WORDS}(?: {_WORDS}){{0,3}}): ({_SENTENCES}\.)(?:;|$)")
_INTERACTION = re.compile(rf"(\d{{1,3}}) and (\d{{1,3}}): ({_SENTENCES}\.)(?:;|$)")


def read_plain(text: str) -> Answer | None:
    """The content of a perfectly formed answer, or None where anything is unusual.

    >>> answer = read_plain("The objects include:\\n1. Dog: It is black.;\\n2. Sky: It is blue.;")
    >>> answer.regions[1]
    Region(mark=2, summary='Sky', description='It is blue.')
    >>> read_plain("1) Dog - the dog is black") is None
    True
    """
    if not text.isascii():
        return None
    head, _, rest = text.strip().partition("\n")
    if head != "The objects include:":
        return None
    objects, _, relations = rest.partition("\nThe interactions include:\n")
    regions: list[Region] = []
    for line in objects.split("\n"):
        if not line:
            continue
        match = _OBJECT.fullmatch(line)
        if match is None or (regions and int(match[1]) <= regions[-1].mark):
            return None
        regions.append(Region(int(match[1]), match[2], match[3]))
    interactions: list[Interaction] = []
    for line in relations.split("\n"):
        if not line:
            continue
        match = _INTERACTION.fullmatch(line)
        if match is None or match[1] == match[2]:
            return None
        interactions.append(Interaction((int(match[1]), int(match[2])), match[3]))
    if not regions or regions[0].mark < 1:
        return None
    return Answer(tuple(regions), tuple(interactions))
