"""What a panoptic caption says, item by item: the value that PancapScore compares.

Five dimensions: which entities there are (semantic tags), where they are (boxes), what is said of
them (attributes), what lies between them (relations), and what holds for the whole image (global).

Source: arXiv 2505.16334, sections 3.1 and 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

BoxUnit = tuple[float, float, float, float]
"""(x1, y1, x2, y2) as shares of the image's width and height, 0 to 1."""


@dataclass(frozen=True)
class Entity:
    """An entity instance. ``id`` is its number within one caption, 1 or more; ``part``: a part
    of another entity, and no whole."""

    id: int
    tag: str
    part: bool = False


@dataclass(frozen=True)
class Location:
    """Where an entity is. One entity may have several boxes."""

    entity: int
    box: BoxUnit


@dataclass(frozen=True)
class Attribute:
    """A statement about one entity, in which it is called by its id: "entity 1 is blue"."""

    entity: int
    text: str


@dataclass(frozen=True)
class Relation:
    """A statement about two entities: "entity 1 is next to entity 4"."""

    subject: int
    object: int
    text: str


@dataclass(frozen=True)
class GlobalState:
    """A statement about the whole image."""

    text: str


@dataclass(frozen=True)
class Content:
    """All that one caption says. Attributes, relations and locations name entities that exist."""

    entities: tuple[Entity, ...] = ()
    locations: tuple[Location, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    relations: tuple[Relation, ...] = ()
    globals: tuple[GlobalState, ...] = ()

    def boxes_of(self, entity: int) -> tuple[BoxUnit, ...]:
        """The boxes of an entity, in the order in which they were said."""
        return tuple(place.box for place in self.locations if place.entity == entity)
