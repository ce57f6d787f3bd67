"""Writes the content of a caption in lines ``ID | type -->> tuple``, as they are published.

Source: arXiv 2505.16334, Figure 2, and the prompts of its authors' code.
"""

from __future__ import annotations

from collections.abc import Iterable

from annoengine.pancap.content import Content

_PARTS = ("whole", "part")


def write_content(content: Content) -> str:
    """The lines of a content, numbered through, a box to three decimals as in published captions.

    Entities come first and keep their ids; the other lines go on counting after the highest.

    >>> from annoengine.pancap.content import Entity, Location
    >>> print(write_content(Content((Entity(1, "dog"),), (Location(1, (0, 0.25, 1, 1)),))))
    1 | entity -->> (whole, dog)
    2 | location -->> (entity 1, [0.000, 0.250, 1.000, 1.000])
    """
    tuples = [
        *(
            f'attribute -->> (entity {said.entity}, "{_one_line(said.text)}")'
            for said in content.attributes
        ),
        *(
            f'relation -->> (entity {said.subject}, entity {said.object}, "{_one_line(said.text)}")'
            for said in content.relations
        ),
        *(f'global -->> ("{_one_line(said.text)}")' for said in content.globals),
    ]
    first = first_item_id(content)
    items = [f"{number} | {said}" for number, said in enumerate(tuples, start=first)]
    return "\n".join([*entity_lines(content), *items])


def first_item_id(content: Content) -> int:
    """The number of the first line that is neither an entity's nor a location's."""
    highest = max((entity.id for entity in content.entities), default=0)
    return highest + len(content.locations) + 1


def entity_lines(content: Content) -> list[str]:
    """The lines of the entities and of their locations, which come first in every text."""
    first = first_item_id(content) - len(content.locations)
    return [
        *(
            f"{entity.id} | entity -->> ({_PARTS[entity.part]}, {_one_line(entity.tag)})"
            for entity in content.entities
        ),
        *(
            f"{number} | location -->> (entity {at.entity}, {write_box(at.box)})"
            for number, at in enumerate(content.locations, start=first)
        ),
    ]


def write_box(box: Iterable[float]) -> str:
    """A box in the grammar's form.

    >>> write_box((0, 0.5, 1, 1))
    '[0.000, 0.500, 1.000, 1.000]'
    """
    return "[" + ", ".join(f"{share:.3f}" for share in box) + "]"


def _one_line(text: str) -> str:
    return " ".join(text.split())
