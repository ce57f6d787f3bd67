"""Reads content, questions and answers line by line as the authors' code does, to the letter.

For comparing with published tables alone: what a model wrote a little otherwise is dropped here,
where ``annoengine.pancap.content_lines`` reads it. A question's line is read as an item's, as the
authors count a reference's items in the file of its questions.

Source: the reader of the authors' eval_alldims (Visual-AI/Pancap, pancapscore/).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import cast

from annoengine.pancap.content import (
    Attribute,
    BoxUnit,
    Content,
    Entity,
    GlobalState,
    Location,
    Relation,
)
from annoengine.pancap.line_fields import LineType

_TYPES = ("entity", "location", "attribute", "relation", "global")
_WHOLE_IMAGE = ("global", "image")


def published_lines(text: str) -> Iterator[tuple[int, LineType, list[str]]]:
    """The number, the type and the tuple's parts between commas of each line that can be read.

    >>> list(published_lines('9 | global -->> ("it is dim_lit, calm")\\n9. global -> ("x")'))
    [(9, 'global', ['"it is dim lit', ' calm"'])]
    """
    for line in text.split("\n"):
        number, bar, rest = line.partition("|")
        try:
            id = int(number)
        except ValueError:
            continue
        named = rest.replace("_", " ").split("|")[0].lstrip(" ").split(" -->> ")
        if bar and len(named) > 1 and named[0] in _TYPES:
            yield id, cast(LineType, named[0]), named[1].lstrip("(").rstrip(") ").split(",")


def statement(fields: list[str]) -> str:
    """The text that the last parts of a tuple are, without quotation marks."""
    return ",".join(fields).lstrip('" ').rstrip('"')


def read_published(text: str) -> Content:
    """The content that the authors' code finds in lines of content or of questions.

    An entity's tag is its last part, and the last location of an entity is its only one; who is
    not declared in an earlier line is not known; what is said twice counts twice.

    >>> read_published('1 | entity -->> (whole, dog)\\n2 | attribute -->> (entity 1, "it runs")')
    Content(entities=(Entity(id=1, tag='dog', part=False),), locations=(), attributes=(), \
relations=(), globals=())
    """
    entities: dict[str, Entity] = {}
    boxes: dict[str, BoxUnit] = {}
    attributes: list[Attribute] = []
    relations: list[Relation] = []
    states: list[GlobalState] = []
    for id, type, fields in published_lines(text):
        first = fields[0].strip(" ")
        if type == "entity":
            entities[f"entity {id}"] = Entity(id, fields[-1].strip(" "), first == "part")
        elif type == "location":
            box = _box(statement(fields[1:]))
            name = _name(first)
            if box is not None and name in entities:
                boxes[name] = box
        elif type == "attribute":
            said = statement(fields[1:])
            if first in _WHOLE_IMAGE:
                states.append(GlobalState(said))
            elif _name(first) in entities and (first in said or _name(first) != first):
                attributes.append(Attribute(entities[_name(first)].id, said))
        elif type == "relation" and len(fields) > 1:
            relation = _relation(first, fields[1].strip(" "), statement(fields[2:]), entities)
            relations += [relation] if relation is not None else []
        elif type == "global":
            states.append(GlobalState(statement(fields)))
    return Content(
        tuple(entities.values()),
        tuple(Location(entities[name].id, box) for name, box in boxes.items()),
        tuple(attributes),
        tuple(relations),
        tuple(states),
    )


def _name(reference: str) -> str:
    return reference if reference.startswith("entity") else f"entity {reference}"


def _relation(first: str, second: str, said: str, entities: dict[str, Entity]) -> Relation | None:
    one, other = _name(first), _name(second)
    if one not in entities or other not in entities:
        return None
    # Where both are called in full, their code looks for the first one's name alone.
    wanted = (one,) if (one, other) == (first, second) else (one, other)
    if not all(name in said for name in wanted):
        return None
    return Relation(entities[one].id, entities[other].id, said)


def _box(text: str) -> BoxUnit | None:
    try:
        numbers = [float(part) for part in text.lstrip("[").rstrip("]").split(",")]
    except ValueError:
        return None
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        return None
    return numbers[0], numbers[1], numbers[2], numbers[3]
