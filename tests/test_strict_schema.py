"""Which schemas OpenAI takes in strict mode, and what is wrong with the others."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from annoengine.strict_schema import strict_fault

TEXT = {"type": "string"}


def closed(**properties: Any) -> dict[str, Any]:
    """An object as strict mode wants it."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def nested(levels: int) -> dict[str, Any]:
    schema = closed(text=TEXT)
    for _ in range(levels - 1):
        schema = closed(inner=schema)
    return schema


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(objects={"type": "array", "items": closed(id={"type": "integer"}, text=TEXT)}),
        closed(text={"anyOf": [TEXT, {"type": "null"}]}),
        closed(kind={"type": "string", "enum": ["thing", "stuff"]}),
        closed(tree={"$ref": "#/$defs/tree"}) | {"$defs": {"tree": closed(text=TEXT)}},
        closed(**{"not": TEXT}),  # a property of that name
        nested(10),
    ],
)
def test_schemas_that_are_strict(schema: dict[str, Any]) -> None:
    assert strict_fault(schema) == ""


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ({}, "the schema: its root is no plain object"),
        ({"type": "array", "items": TEXT}, "the schema: its root is no plain object"),
        ({"anyOf": [closed()]}, "the schema: its root is no plain object"),
        ({"type": "object", "properties": {}}, "the schema: additionalProperties is not false"),
        (closed(a=TEXT) | {"required": []}, "the schema: 'a' is not required (allow null instead)"),
        (
            closed(a={"type": "array", "items": {"type": "object", "properties": {"b": TEXT}}}),
            "the schema.a[]: additionalProperties is not false",
        ),
        (closed(a={"oneOf": [TEXT]}), "the schema.a: 'oneOf' is not allowed"),
        (
            closed(a={"anyOf": [TEXT, {"type": ["object", "null"]}]}),
            "the schema.a.anyOf[1]: additionalProperties is not false",
        ),
        (
            closed() | {"$defs": {"x": {"type": "object", "patternProperties": {}}}},
            "the schema.x: 'patternProperties' is not allowed",
        ),
        (
            nested(11),
            f"the schema{'.inner' * 10}: more than 10 objects within each other",
        ),
        (
            closed(a={"enum": [str(n) for n in range(1001)]}),
            "the schema: 1001 enum values, more than 1000",
        ),
        (
            closed(**{f"p{n}": TEXT for n in range(5001)}),
            "the schema: 5001 properties, more than 5000",
        ),
    ],
)
def test_schemas_that_are_not(schema: dict[str, Any], fault: str) -> None:
    assert strict_fault(schema) == fault


def test_models_of_pydantic_say_what_they_lack() -> None:
    class Open(BaseModel):
        text: str

    class Closed(BaseModel):
        model_config = ConfigDict(extra="forbid")
        text: str
        mark: int | None

    assert strict_fault(Open.model_json_schema()) == "the schema: additionalProperties is not false"
    assert strict_fault(Closed.model_json_schema()) == ""
