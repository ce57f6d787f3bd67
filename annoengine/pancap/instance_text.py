"""Writes and reads PancapChain's texts: boxes alone, and tags with boxes, joined by commas.

``<box>[[100, 200, 500, 600]]</box>, <box>…`` and ``dog <box>[[100, 200, 500, 600]]</box>, cat
<box>…``; ``None`` where nothing is missing. The released code stops reading at the first item that
is malformed; here all that can be read is, and what lies between is told.

Source: arXiv 2505.16334, section 5 and Appendix E.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from annoengine.pancap.grid_boxes import BOX_TEXT, Steps, read_steps, write_steps

NOTHING = "None"
"""What stands where no entity is missing."""


@dataclass(frozen=True)
class Instance:
    """An entity: its tag ("" where boxes stand alone) and its box."""

    tag: str
    box: Steps


@dataclass(frozen=True)
class ReadInstances:
    """What a text holds, and the pieces of it that are neither box nor tag."""

    instances: tuple[Instance, ...]
    strange: tuple[str, ...] = ()


def write_instances(instances: Iterable[Instance]) -> str:
    """The text; instances without a tag are boxes alone.

    >>> write_instances([Instance("dog", (1, 2, 3, 4)), Instance("", (5, 6, 7, 8))])
    'dog <box>[[1, 2, 3, 4]]</box>, <box>[[5, 6, 7, 8]]</box>'
    """
    told = [f"{one.tag} {write_steps([one.box])}".lstrip() for one in instances]
    return ", ".join(told) or NOTHING


def read_instances(text: str) -> ReadInstances:
    """The instances of a text, in order. Never raises.

    >>> read_instances("a dog <box>[[1, 2, 3, 4]]</box>, cat <box>[1, 2]</box>")
    ReadInstances(instances=(Instance(tag='a dog', box=(1, 2, 3, 4)),), \
strange=('cat <box>[1, 2]</box>',))
    """
    found: list[Instance] = []
    strange: list[str] = []
    last = 0
    for match in BOX_TEXT.finditer(text):
        tag = re.sub(r"^[\s,;]+(?:and\s+)?|\s+$", "", text[last : match.start()])
        if "<" in tag or ">" in tag:
            broken, _, tag = tag.rpartition(">")
            strange.append(f"{broken}>".strip())
            tag = tag.strip(" ,;")
        found.append(Instance(tag, read_steps(match["steps"])))
        last = match.end()
    rest = text[last:].strip(" \n,;.")
    if rest and (found or rest.lower() != NOTHING.lower()):
        strange.append(rest)
    return ReadInstances(tuple(found), tuple(strange))
