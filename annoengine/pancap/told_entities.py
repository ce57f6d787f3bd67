"""The entities of an image as a model is told them: tag and box; and prompts filled with them.

An entity is a segment that is no crowd; of a crowd nobody knows how many it is. With a number of
its own where the picture shows its mark, without one where it does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from annoengine.answer import Fault
from annoengine.categories import is_known, words_of
from annoengine.pancap.boxed_caption import ExpectedEntity
from annoengine.pancap.caption_boxes import rounded_box, write_box
from annoengine.pancap.content import BoxUnit
from annoengine.prompt import Prompt
from annoengine.record import Photo, Record, Segment

DESCRIBE = frozenset({"num_entities", "entities", "words"})
"""What a prompt for a caption of told entities may use."""

INTEGRATE = DESCRIBE | {"draft", "notes"}
"""What one may use that puts people's corrections and a caption together."""

DESCRIBE_REPAIR = DESCRIBE | {"faults", "least_words", "most_words"}
"""What one that asks again may use."""

UNNAMED = "(no tag)"
"""Stands where nobody has named a segment."""


@dataclass(frozen=True)
class ToldEntity:
    """A segment as a model is told it. ``part_of`` is the tag of what it is a part of."""

    number: int
    segment: Segment
    tag: str
    box: BoxUnit
    part_of: str = ""

    def expected(self, photo: Photo) -> ExpectedEntity:
        """The same for the judge of an answer."""
        return ExpectedEntity(
            self.number, self.segment.category.name, self.box, (photo.width, photo.height)
        )


def told_entities(record: Record, most: int | None = None) -> tuple[ToldEntity, ...]:
    """The entities of a record in its order; with ``most`` the largest so many of them.

    Marked ones have their mark's number, others the numbers behind.
    """
    segments = [segment for segment in record.segments if not segment.iscrowd]
    if most is not None and len(segments) > most:
        largest = sorted(segments, key=lambda segment: (-segment.area_px, segment.id))[:most]
        kept = {segment.id for segment in largest}
        segments = [segment for segment in segments if segment.id in kept]
    marks = {mark.segment: mark.number for mark in record.marks}
    following = max(marks.values(), default=0)
    names = {segment.id: _tag(segment) for segment in record.segments}
    found = []
    for segment in segments:
        number = marks.get(segment.id)
        if number is None:
            number = following = following + 1
        part_of = names.get(segment.part_of, "") if segment.part_of is not None else ""
        box = rounded_box(box_unit(segment, record.photo))
        found.append(ToldEntity(number, segment, names[segment.id], box, part_of))
    return tuple(sorted(found, key=lambda entity: entity.number))


def box_unit(segment: Segment, photo: Photo) -> BoxUnit:
    """A segment's box as shares of the image."""
    x1, y1, x2, y2 = segment.box_xyxy
    return (x1 / photo.width, y1 / photo.height, x2 / photo.width, y2 / photo.height)


def _tag(segment: Segment) -> str:
    name = segment.category.name
    return words_of(name).show if is_known(name) else UNNAMED


def fill_describe(
    prompt: Prompt,
    entities: Sequence[ToldEntity],
    words: int,
    numbered: bool = False,
    bounds: tuple[int, int] = (0, 0),
    faults: Sequence[Fault] = (),
    more: Mapping[str, str] | None = None,
) -> str:
    """A prompt about entities, one a line. ``numbered``: the picture shows their marks.

    ``bounds`` are the fewest and the most words of the caption; ``more`` the values of variables
    that are not of entities.
    """
    lines = []
    for entity in entities:
        part = f", part of the {entity.part_of}" if entity.part_of else ""
        number = f"{entity.number}. " if numbered else ""
        lines.append(f"- {number}{entity.tag}{part}: {write_box(entity.box)}")
    values = {
        "num_entities": str(len(entities)),
        "entities": "\n".join(lines),
        "words": str(words),
        "least_words": str(bounds[0]),
        "most_words": str(bounds[1]),
        "faults": "\n".join(f"- {detail}" for detail in dict.fromkeys(f.detail for f in faults)),
        **(more or {}),
    }
    return prompt.fill(**{name: values[name] for name in prompt.head.variables})
