"""Keeps what captions say on the record, and reads it from there: an item a line.

An item of ``Record.content`` whose text is a line of the published grammar belongs to the text
that its origin's ``turn`` names: ``content/reference`` is what the caption of the stage
``reference`` says, ``questions/reference`` what is asked about that, with its own ids, and
``answers/reference`` what a judge who read the other caption answers, with the ids of that one.
Lines of a turn, joined, are the text that the authors' files have.

A caption that was composed of known regions may carry items of another form: plain statements
with ``segments`` and ``box_xyxy``, of the caption's own origin. Both give the same content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from annoengine.baseline.claim import Statement
from annoengine.box import BoxXyxy
from annoengine.categories import words_of
from annoengine.pancap.content import BoxUnit, Content
from annoengine.pancap.content_lines import parse_content
from annoengine.pancap.line_writing import write_box
from annoengine.record import Caption, ContentItem, Origin, Photo, Record

Kind = Literal["entity", "location", "attribute", "relation", "global"]
Text = Literal["content", "questions", "answers"]

CARRIED = "carried"
"""Who read a caption whose content came with it: nobody."""

_UNNAMED = "region"
"""The tag of an entity whose segment nobody has named."""

_LINE = re.compile(r"\d+ \| (entity|location|attribute|relation|global) -->> ")


def turn_of(text: Text, side: str) -> str:
    """The turn under which a text about a caption is kept.

    >>> turn_of("content", "reference")
    'content/reference'
    """
    return f"{text}/{side}"


def caption_by(record: Record, stage: str) -> Caption | None:
    """The caption of the whole image that a stage wrote, the last one where there are several.

    One that a later stage rewrote is still that of the first.
    """
    for caption in reversed(record.captions):
        origins = (caption.origin, *caption.earlier)
        if caption.segment is None and any(origin.stage == stage for origin in origins):
            return caption
    return None


def sides_of(record: Record) -> tuple[str, ...]:
    """Who wrote the captions of the whole image, each once, in their order."""
    writers = (
        (*caption.earlier, caption.origin)[0].stage
        for caption in record.captions
        if caption.segment is None
    )
    return tuple(dict.fromkeys(writers))


def known_size_wh(photo: Photo) -> tuple[int, int] | None:
    """Width and height in pixels; None for a photograph of unknown size, which is 1 × 1."""
    return None if photo.width == photo.height == 1 else (photo.width, photo.height)


def items_of_lines(lines: Iterable[str], origin: Origin) -> tuple[ContentItem, ...]:
    """An item for each line of the grammar."""
    return tuple(
        ContentItem(kind=_kind_of(line), text=line, origin=origin)
        for line in lines
        if _LINE.match(line)
    )


def _kind_of(line: str) -> Kind:
    found = _LINE.match(line)
    assert found is not None, f"no line of the grammar: {line!r}"
    return found[1]  # type: ignore[return-value]


def lines_of_turn(record: Record, turn: str) -> list[str]:
    """The lines that were kept under a turn, in their order."""
    return [item.text for item in record.content if item.origin.turn == turn]


def with_turns(
    record: Record, items: Iterable[ContentItem], turns: Iterable[str]
) -> tuple[ContentItem, ...]:
    """A record's items with new ones, which take the place of all that these turns had."""
    replaced = set(turns)
    kept = (item for item in record.content if item.origin.turn not in replaced)
    return (*kept, *items)


def content_of(record: Record, side: str) -> Content:
    """The content that was extracted from the caption of a stage."""
    return parse_content("\n".join(lines_of_turn(record, turn_of("content", side)))).content


def carried_content(record: Record, caption: Caption) -> Content | None:
    """The content that a caption came with from the stage that composed it; None: it has none.

    A caption that was rewritten since does not say for sure what it was composed of.
    """
    origin = caption.origin
    carried = [
        item
        for item in record.content
        if (item.origin.stage, item.origin.turn) == (origin.stage, origin.turn)
    ]
    if not carried:
        return None
    if all(_LINE.match(item.text) for item in carried):
        return parse_content("\n".join(item.text for item in carried)).content
    return parse_content("\n".join(_as_lines(record.photo, carried))).content


def composed_items(
    record: Record, caption: Caption, statements: Iterable[Statement]
) -> tuple[ContentItem, ...]:
    """The items that a composed caption carries: its grounded entities, and what it says of them.

    Entities come in the order of the text, each with its tag and its box, and statements in theirs.
    A statement that names a segment which no phrase of the caption is grounded to is left out. Of
    the caption's origin an item repeats what it is found by; the rest stands on the caption.
    """
    grounded = dict.fromkeys(id for span in caption.spans for id in span.segments)
    number = {id: place for place, id in enumerate(grounded, 1)}
    whose = caption.origin
    origin = Origin(stage=whose.stage, model=whose.model, turn=whose.turn)
    items = []

    def add(kind: Kind, text: str, segments: tuple[int, ...], box: BoxXyxy | None = None) -> None:
        items.append(
            ContentItem(kind=kind, text=text, segments=segments, box_xyxy=box, origin=origin)
        )

    for id in grounded:
        segment = record.segment(id)
        add("entity", words_of(segment.category.name).show or _UNNAMED, (id,))
        add("location", "", (id,), segment.box_xyxy)
    said = [one for one in statements if number.keys() >= set(one.segments)]
    said.sort(key=lambda one: number[one.segments[0]])
    for one in said:
        if len(one.segments) == 1:
            add("attribute", f"entity {number[one.segments[0]]} {one.text}", one.segments)
    for one in said:
        if len(one.segments) == 2:
            first, second = (number[id] for id in one.segments)
            add("relation", f"entity {first} {one.text} entity {second}", one.segments)
    return tuple(items)


def _as_lines(photo: Photo, items: Iterable[ContentItem]) -> Iterator[str]:
    """Plain items as lines; an entity's segments stand for it in all others."""
    listed = list(items)
    entities = [item for item in listed if item.kind == "entity"]
    id_of = {segment: n for n, item in enumerate(entities, 1) for segment in item.segments}
    for number, item in enumerate(entities, 1):
        yield f"{number} | entity -->> (whole, {_one_line(item.text)})"
    number = len(entities)
    for item in listed:
        ids = list(dict.fromkeys(id_of[s] for s in item.segments if s in id_of))
        if item.box_xyxy is not None and ids and item.kind in ("entity", "location"):
            number += 1
            box = write_box(_shares(photo, item.box_xyxy))
            yield f"{number} | location -->> (entity {ids[0]}, {box})"
        if item.kind in ("entity", "location"):
            continue
        number += 1
        named = "".join(f"entity {id}, " for id in ids)
        yield f'{number} | {item.kind} -->> ({named}"{_one_line(item.text)}")'


def _shares(photo: Photo, box_xyxy: tuple[int | float, ...]) -> BoxUnit:
    x1, y1, x2, y2 = box_xyxy
    return (x1 / photo.width, y1 / photo.height, x2 / photo.width, y2 / photo.height)


def _one_line(text: str) -> str:
    return " ".join(text.replace('"', "'").split())
