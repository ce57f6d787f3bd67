"""Whether a JSON schema may be sent in strict mode, in which OpenAI's answers cannot break it.

A schema outside of the rules is still sent, and followed as well as the model can; it is the
sender's to say so, since a grammar that forces every field may not be what its author meant.

Source: OpenAI, guide "Structured model outputs", "Supported schemas" (limits of 2026: 5,000
properties, 10 levels of objects, 1,000 enum values).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MOST_PROPERTIES = 5000
_MOST_LEVELS = 10
_MOST_ENUM_VALUES = 1000
_FORBIDDEN = (
    "oneOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
)


def strict_fault(schema: Mapping[str, Any]) -> str:
    """The first rule of strict mode that a schema breaks, with its place; "" where it keeps all.

    >>> strict_fault({"type": "object", "properties": {"a": {"type": "string"}},
    ...               "required": ["a"], "additionalProperties": False})
    ''
    >>> strict_fault({"type": "object", "properties": {"a": {}}, "additionalProperties": False})
    "the schema: 'a' is not required (allow null instead)"
    """
    if schema.get("type") != "object" or "anyOf" in schema:
        return "the schema: its root is no plain object"
    properties = values = 0
    for place, level, node in _nodes(schema, "the schema", 1):
        for word in _FORBIDDEN:
            if word in node:
                return f"{place}: {word!r} is not allowed"
        if level > _MOST_LEVELS:
            return f"{place}: more than {_MOST_LEVELS} objects within each other"
        enum = node.get("enum")
        values += len(enum) if isinstance(enum, list) else 0
        own = node.get("properties")
        if _is_object(node):
            own = own if isinstance(own, Mapping) else {}
            properties += len(own)
            if node.get("additionalProperties") is not False:
                return f"{place}: additionalProperties is not false"
            required = node.get("required")
            for name in own:
                if not isinstance(required, list) or name not in required:
                    return f"{place}: {name!r} is not required (allow null instead)"
    if properties > _MOST_PROPERTIES:
        return f"the schema: {properties} properties, more than {_MOST_PROPERTIES}"
    if values > _MOST_ENUM_VALUES:
        return f"the schema: {values} enum values, more than {_MOST_ENUM_VALUES}"
    return ""


def _nodes(
    node: Mapping[str, Any], place: str, level: int
) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """Every schema within a schema, with its place and how many objects it lies in."""
    yield place, level, node
    for word in ("properties", "$defs", "definitions"):
        inner = node.get(word)
        if isinstance(inner, Mapping):
            deeper = level + 1 if word == "properties" else 1
            for name, child in inner.items():
                if isinstance(child, Mapping):
                    at = deeper if _is_object(child) else level
                    yield from _nodes(child, f"{place}.{name}", at)
    items = node.get("items")
    if isinstance(items, Mapping):
        at = level + 1 if _is_object(items) else level
        yield from _nodes(items, f"{place}[]", at)
    choices = node.get("anyOf")
    if isinstance(choices, list):
        for number, child in enumerate(choices):
            if isinstance(child, Mapping):
                yield from _nodes(child, f"{place}.anyOf[{number}]", level)


def _is_object(node: Mapping[str, Any]) -> bool:
    kind = node.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return "object" in kinds or "properties" in node
