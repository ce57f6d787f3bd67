"""Reads lines that keep the published grammar to the letter, at once and without a second look.

A model that was asked well mostly does, and what annoengine writes always does; such a text needs
none of the tolerant readers' care, which takes several times as long. Whatever is unusual in a text
gives None, and the tolerant readers take the whole of it: both give the same.
"""

from __future__ import annotations

import re
from typing import Any

from annoengine.pancap.content import Attribute, Content, Entity, GlobalState, Location, Relation

_ID = r"^(?:0|[1-9]\d{0,5}) \| "
_ENTITY = r"entity ([1-9]\d{0,5})"
_SHARE = r"(0(?:\.\d+)?|1(?:\.0+)?)"
_TEXT = r"\"([^\s\"](?:[^\"\n]*[^\s\"])?)\""
_NAME = r"([^\s,()\"'](?:[^,()\"'\n]*[^\s,()\"'])?)"


def _lines(tuple: str) -> re.Pattern[str]:
    return re.compile(f"{_ID}{tuple}$", re.MULTILINE)


_ENTITIES = re.compile(
    rf"^([1-9]\d{{0,5}}) \| entity -->> \((whole|part), {_NAME}\)$", re.MULTILINE
)
_LOCATIONS = _lines(rf"location -->> \({_ENTITY}, \[{_SHARE}, {_SHARE}, {_SHARE}, {_SHARE}\]\)")
_ATTRIBUTES = _lines(rf"attribute -->> \({_ENTITY}, {_TEXT}\)")
_RELATIONS = _lines(rf"relation -->> \({_ENTITY}, {_ENTITY}, {_TEXT}\)")
_GLOBALS = _lines(rf"global -->> \({_TEXT}\)")

_ODD = (
    *"_\\&`*#\t\r\v\f\x1c\x1d\x1e",
    "  ",
    "Entity",
    "ENTITY",
    "ID",
)
_ODD_BEYOND_ASCII = tuple("\x85\u2028\u2029“”„‟‘’‚‛«»‹›″′＂")
"""What the tolerant reader would write another way, or take for the end of a line."""

_ITEMS = (" | location -->> ", " | attribute -->> ", " | relation -->> ", " | global -->> ")
_CALLED = re.compile(r"\bentity (\d+)\b")


def read_strict(text: str) -> Content | None:
    """The content of a text that keeps the grammar, or None.

    >>> read_strict("1 | entity -->> (whole, dog)").entities
    (Entity(id=1, tag='dog', part=False),)
    >>> read_strict("1 | entity -->> (dog)") is None
    True
    """
    text = text.removesuffix("\n")
    if any(mark in text for mark in _ODD) or text.count("entity") != text.count("entity "):
        return None
    if not text.isascii() and any(mark in text for mark in _ODD_BEYOND_ASCII):
        return None
    named, placed = _found(_ENTITIES, "entity", text), _found(_LOCATIONS, "location", text)
    traits, held = _found(_ATTRIBUTES, "attribute", text), _found(_RELATIONS, "relation", text)
    states = _found(_GLOBALS, "global", text)
    lists = (placed, traits, held, states)
    if len(named) + sum(map(len, lists)) != text.count("\n") + 1:
        return None
    ids = {id for id, _, _ in named}
    if (
        len(ids) < len(named)
        or any(len(set(said)) < len(said) for said in lists)
        or not ids.issuperset([of for of, *_ in placed])
        or not all(of in ids and _calls(said, of) for of, said in traits)
        or not all(a in ids and b in ids and _calls(said, a) for a, b, said in held)
        or _declared_late(text)
    ):
        return None
    places = [
        Location(int(of), (float(x1), float(y1), float(x2), float(y2)))
        for of, x1, y1, x2, y2 in placed
    ]
    if any(at.box[0] > at.box[2] or at.box[1] > at.box[3] for at in places):
        return None
    return Content(
        tuple([Entity(int(id), tag, kind == "part") for id, kind, tag in named]),
        tuple(places),
        tuple([Attribute(int(of), said) for of, said in traits]),
        tuple([Relation(int(a), int(b), said) for a, b, said in held]),
        tuple([GlobalState(said) for said in states]),
    )


def _found(line: re.Pattern[str], type: str, text: str) -> list[Any]:
    """What the lines of a type hold, looked for between the first and the last of them alone."""
    mark = f" | {type} -->> "
    first = text.find(mark)
    if first < 0:
        return []
    end = text.find("\n", text.rfind(mark))
    return line.findall(text, text.rfind("\n", 0, first) + 1, len(text) if end < 0 else end)


def _calls(text: str, id: str) -> bool:
    """Does a statement call an entity by its id?"""
    return text.startswith(f"entity {id} ") or id in _CALLED.findall(text)


def _declared_late(text: str) -> bool:
    """Does another line come before one that declares an entity?"""
    last = text.rfind(" | entity -->> ")
    return any(text.find(item, 0, max(0, last)) >= 0 for item in _ITEMS)


_ANSWER = re.compile(
    r"^(\d{1,6}) \| (?:(?:entity|location) -->> \([^\n]*\)|"
    r"(?:(attribute) -->> \(entity \d+, |(relation) -->> \(entity \d+, entity \d+, "
    r"|(global) -->> \()\"(Yes|No)\", \"(Yes|No)\"\))$",
    re.MULTILINE,
)

StrictAnswer = tuple[int, str, bool, bool]
"""The number of a line, its type, and whether its first and its second answer is yes."""


def read_strict_answers(text: str) -> list[StrictAnswer] | None:
    """The answers of a text that keeps the grammar, or None.

    >>> read_strict_answers('9 | attribute -->> (entity 1, "Yes", "No")')
    [(9, 'attribute', True, False)]
    """
    text = text.removesuffix("\n")
    lines = _ANSWER.findall(text)
    if len(lines) != text.count("\n") + 1:
        return None
    return [
        (int(id), attribute or relation or whole, first == "Yes", second == "Yes")
        for id, attribute, relation, whole, first, second in lines
        if first
    ]
