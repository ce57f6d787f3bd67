"""Reads the content of a caption from a model's lines ``ID | type -->> tuple``, tolerantly.

Lines are written in ``annoengine.pancap.line_writing``, to the letter of the published grammar;
here is read what models make of it. A deviation that loses nothing is named in ``tolerated``; a
line that says something which cannot be used is a fault, with its number. The text itself is the
caller's to keep.

Source: arXiv 2505.16334, Figure 2 and section 3.2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from annoengine.pancap.boxes_in_text import BoxError, Numbers, box_of, numbers_in, per_mille_text
from annoengine.pancap.content import (
    Attribute,
    Content,
    Entity,
    GlobalState,
    Location,
    Relation,
)
from annoengine.pancap.line_fields import Line, LineFault, lines_of, unquote
from annoengine.pancap.strict_lines import read_strict

_WORD = r"(?:entity|entities|ent|instance|object|id|e)"
_REF = re.compile(
    rf"\s*[\"'“”‘’`<\[]*\s*(?:{_WORD}[\s_#:.-]*)?(\d{{1,6}})(?![\d.]*\d)\s*[\"'“”‘’`>\]]*\s*(?:[,:;|]|$)",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\s*entity \d")
_CALLED = re.compile(r"\b(?:entity|Entity|ENTITY)[\s_#-]*(\d+)\b|\bID[\s_#-]*(\d+)\b")
_PARTS = ("whole", "part")
_WHOLE_IMAGE = ("global", "image", "scene", "the image", "the scene", "whole image")
_VERBS = frozenset(
    "is are was were has have had looks appears seems wears holds contains shows reads says does "
    "can stands sits lies consists features displays carries faces".split()
)


@dataclass(frozen=True)
class ParsedContent:
    """What was read of a text. ``content`` is whole in itself: all ids in it are declared."""

    content: Content
    faults: tuple[LineFault, ...] = ()
    tolerated: tuple[str, ...] = ()


def parse_content(text: str) -> ParsedContent:
    """The content of a model's text. Never raises on any text.

    >>> parse_content("1 | entity -->> (whole, dog)\\n2 | location -->> (1, [[10, 0, 500, 999]])")
    ParsedContent(content=Content(entities=(Entity(id=1, tag='dog', part=False),), \
locations=(Location(entity=1, box=(0.01, 0.0, 0.5, 0.999)),), attributes=(), relations=(), \
globals=()), faults=(), tolerated=('bare_id', 'double_brackets', 'per_mille'))
    """
    strict = read_strict(text)
    return parse_tolerantly(text) if strict is None else ParsedContent(strict)


def parse_tolerantly(text: str) -> ParsedContent:
    """The content of a text that need not keep the grammar, whether it does or not."""
    reading = _Reading()
    lines = list(lines_of(text))
    grammar = [line for line in lines if isinstance(line, Line)]
    if len(grammar) < len(lines):
        reading.tolerate("text_around")
    for line in _numbered(grammar):
        reading.tolerate(*line.tolerated)
        reading.take(line)
    return reading.finish()


def _numbered(lines: list[Line]) -> list[Line]:
    """Lines without a number get the next one, as the grammar counts lines."""
    numbered: list[Line] = []
    last = 0
    for line in lines:
        last = line.id if line.id is not None else last + 1
        numbered.append(
            Line(line.number, last, line.type, line.word, line.rest, line.tolerated)
            if line.id is None
            else line
        )
    return numbered


@dataclass
class _Reading:
    """What has been read so far. Entities first: a line may use one that a later line declares."""

    entities: dict[int, Entity] = field(default_factory=dict)
    waiting: list[Line] = field(default_factory=list)
    faults: list[LineFault] = field(default_factory=list)
    tolerated: dict[str, None] = field(default_factory=dict)
    declared_at: dict[int, int] = field(default_factory=dict)

    def tolerate(self, *names: str) -> None:
        self.tolerated.update(dict.fromkeys(names))

    def fault(self, line: Line, kind: str, detail: str) -> None:
        self.faults.append(LineFault(line.number, kind, detail))

    def take(self, line: Line) -> None:
        if line.type is None:
            self.fault(line, "unknown_type", f"{line.word!r} is no type of line")
        elif line.type == "entity":
            self.declare(line)
        else:
            self.waiting.append(line)

    def declare(self, line: Line) -> None:
        assert line.id is not None
        first, comma, rest = line.rest.partition(",")
        word = unquote(first)[0].lower()
        tag = rest if comma and word in _PARTS else line.rest
        part = word == "part" and bool(comma)
        if not (comma and word in _PARTS):
            head, comma, last = line.rest.rpartition(",")
            if comma and unquote(last)[0].lower() in _PARTS:
                tag, part = head, unquote(last)[0].lower() == "part"
            self.tolerate("part_or_whole")
        named, quote = unquote(tag)
        if quote:
            self.tolerate("quoted_tag")
        if "_" in named:
            named = named.replace("_", " ")
            self.tolerate("underscore")
        named = " ".join(named.split())
        if not named:
            self.fault(line, "no_tag", f"entity {line.id} has no tag")
            return
        entity = Entity(line.id, named, part)
        known = self.entities.setdefault(line.id, entity)
        self.declared_at.setdefault(line.id, line.number)
        if known is not entity:
            kind = "duplicate" if known == entity else "entity_twice"
            self.fault(line, kind, f"entity {line.id} is {known.tag!r} already")

    def finish(self) -> ParsedContent:
        boxes: list[tuple[Line, int, tuple[Numbers, ...]]] = []
        attributes: dict[Attribute, None] = {}
        relations: dict[Relation, None] = {}
        globals: dict[GlobalState, None] = {}
        for line in self.waiting:
            if line.type == "location":
                self.read_location(line, boxes)
            elif line.type == "attribute":
                self.keep(line, attributes, globals, self.read_attribute(line))
            elif line.type == "relation":
                self.keep(line, relations, globals, self.read_relation(line))
            else:
                self.keep(line, globals, globals, self.read_global(line))
        content = Content(
            tuple(self.entities.values()),
            self.place(boxes),
            tuple(attributes),
            tuple(relations),
            tuple(globals),
        )
        if 0 in self.entities:
            self.tolerate("from_zero")
            content = _shifted(content)
        self.faults.sort(key=lambda fault: fault.line)
        return ParsedContent(content, tuple(self.faults), tuple(self.tolerated))

    def keep(
        self,
        line: Line,
        items: dict[Attribute, None] | dict[Relation, None] | dict[GlobalState, None],
        globals: dict[GlobalState, None],
        item: Attribute | Relation | GlobalState | None,
    ) -> None:
        if item is None:
            return
        into: dict[object, None] = globals if isinstance(item, GlobalState) else items  # type: ignore[assignment]
        if item in into:
            self.fault(line, "duplicate", f"it says again {item.text!r}")
        into[item] = None

    def read_location(self, line: Line, boxes: list[tuple[Line, int, tuple[Numbers, ...]]]) -> None:
        ids, rest = self.references(line, 1)
        if not ids:
            self.fault(line, "no_entity", f"it names no entity: {line.rest!r}")
            return
        if not self.are_declared(line, ids):
            return
        try:
            numbers = numbers_in(rest)
        except BoxError as error:
            self.fault(line, "box", str(error))
            return
        if "[[" in rest.replace(" ", ""):
            self.tolerate("double_brackets")
        elif "[" not in rest:
            self.tolerate("no_brackets")
        boxes.append((line, ids[0], numbers))

    def place(self, boxes: list[tuple[Line, int, tuple[Numbers, ...]]]) -> tuple[Location, ...]:
        per_mille = per_mille_text(box for _, _, numbers in boxes for box in numbers)
        places: dict[Location, None] = {}
        for line, entity, numbers in boxes:
            for four in numbers:
                try:
                    box, tolerated = box_of(four, per_mille)
                except BoxError as error:
                    self.fault(line, "box", str(error))
                    continue
                self.tolerate(*tolerated)
                place = Location(entity, box)
                if place in places:
                    self.fault(line, "duplicate", f"it gives entity {entity} the same box again")
                places[place] = None
        return tuple(places)

    def read_attribute(self, line: Line) -> Attribute | GlobalState | None:
        first, comma, rest = line.rest.partition(",")
        if comma and unquote(first)[0].lower() in _WHOLE_IMAGE:
            self.tolerate("global_attribute")
            return self.statement_of_image(line, rest)
        ids, rest = self.references(line, 1)
        text = self.statement(rest)
        if not ids:
            ids = _called_in(text)[:1]
            self.tolerate("no_id_field")
        if not self.are_usable(line, ids, 1, text):
            return None
        if ids[0] not in _called_in(text):
            text = _sentence_of(ids[0], text)
            self.tolerate("unnamed_in_text")
        return Attribute(ids[0], text)

    def read_relation(self, line: Line) -> Relation | None:
        ids, rest = self.references(line, 2)
        before, comma, last = rest.rpartition(",")
        third = _REF.match(last) if comma and len(ids) == 1 else None
        if third is not None:
            # A triple of subject, predicate and object.
            self.tolerate("triple")
            ids, rest = [*ids, int(third[1])], before
        text = self.statement(rest)
        called = _called_in(text)
        if len(ids) < 2:
            ids = [*ids, *(id for id in called if id not in ids)][:2]
            self.tolerate("no_id_field")
        if not self.are_usable(line, ids, 2, text):
            return None
        if not called:
            text = f"entity {ids[0]} {text} entity {ids[1]}"
            self.tolerate("unnamed_in_text")
        return Relation(ids[0], ids[1], text)

    def read_global(self, line: Line) -> GlobalState | None:
        first, comma, rest = line.rest.partition(",")
        if comma and not unquote(first)[1] and rest.strip()[:1] in tuple('"“'):
            # The prompt's own rule asks for the type of the state before the state.
            self.tolerate("type_named")
            return self.statement_of_image(line, rest)
        return self.statement_of_image(line, line.rest)

    def statement_of_image(self, line: Line, rest: str) -> GlobalState | None:
        text = self.statement(rest)
        if not text:
            self.fault(line, "no_text", "it says nothing")
            return None
        return GlobalState(text)

    def references(self, line: Line, count: int) -> tuple[list[int], str]:
        """The ids that a tuple begins with, so many at most, and what follows them."""
        rest = line.rest
        ids: list[int] = []
        skipped = False
        while len(ids) < count:
            found = _REF.match(rest)
            if found is not None:
                if _NAMED.match(rest) is None:
                    bare = rest.lstrip(" \"'“”‘’`<[")[:1].isdigit()
                    self.tolerate("bare_id" if bare else "id_form")
                ids.append(int(found[1]))
                rest = rest[found.end() :]
                continue
            field, comma, after = rest.partition(",")
            named = [e.id for e in self.entities.values() if e.tag == unquote(field)[0].lower()]
            if comma and len(named) == 1:
                self.tolerate("by_tag")
                ids.append(named[0])
                rest = after
            elif comma and not ids and not skipped and _REF.match(after):
                # The prompt's own rule asks for the type of the attribute before the entity.
                self.tolerate("type_named")
                skipped = True
                rest = after
            else:
                break
        return ids, rest

    def statement(self, rest: str) -> str:
        """A text without its quotation marks, its entities called "entity 1"."""
        text, quote = unquote(rest)
        if quote != '"' and text:
            self.tolerate("quotes" if quote else "unquoted")
        called = _CALLED.sub(lambda found: f"entity {found[1] or found[2]}", text)
        if called != text:
            self.tolerate("id_form")
        if "_" in called:
            called = called.replace("_", " ")
            self.tolerate("underscore")
        return " ".join(called.split())

    def are_usable(self, line: Line, ids: list[int], count: int, text: str) -> bool:
        if len(ids) < count:
            named = "no entity" if not ids else "one entity, where a relation has two"
            self.fault(line, "no_entity", f"it names {named}: {line.rest!r}")
            return False
        if not text:
            self.fault(line, "no_text", "it says nothing")
            return False
        return self.are_declared(line, ids)

    def are_declared(self, line: Line, ids: list[int]) -> bool:
        unknown = [id for id in ids if id not in self.entities]
        for id in unknown:
            self.fault(line, "undeclared_entity", f"no line declares entity {id}")
        if not unknown and any(self.declared_at[id] > line.number for id in ids):
            self.tolerate("declared_later")
        return not unknown


def _called_in(text: str) -> list[int]:
    return [int(found[1] or found[2]) for found in _CALLED.finditer(text)]


def _sentence_of(id: int, text: str) -> str:
    """A statement that calls the entity by its id, of one that leaves it out ("blue").

    >>> _sentence_of(1, "blue"), _sentence_of(1, "has two wheels")
    ('entity 1 is blue', 'entity 1 has two wheels')
    """
    first = text.split()[0].lower()
    return f"entity {id} {text}" if first in _VERBS else f"entity {id} is {text}"


def _shifted(content: Content) -> Content:
    """A content whose entities were counted from 0, counted from 1."""

    def shift(text: str) -> str:
        return _CALLED.sub(lambda found: f"entity {int(found[1] or found[2]) + 1}", text)

    return Content(
        tuple(Entity(e.id + 1, e.tag, e.part) for e in content.entities),
        tuple(Location(at.entity + 1, at.box) for at in content.locations),
        tuple(Attribute(a.entity + 1, shift(a.text)) for a in content.attributes),
        tuple(Relation(r.subject + 1, r.object + 1, shift(r.text)) for r in content.relations),
        content.globals,
    )
