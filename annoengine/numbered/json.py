"""Reads an answer that a model gave as JSON, though it was told to number its lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from annoengine.answer import Answer, Interaction, Region
from annoengine.numbered.heads import names_numbers

_FENCED = re.compile(r"```[a-zA-Z]*\s*\n(.*?)\n?\s*```", re.DOTALL)
_ID_KEYS = ("object_id", "id", "object", "mark", "number", "label")
_SUMMARY_KEYS = ("summary", "category", "name", "class", "type", "title", "object")
_TEXT_KEYS = ("description", "text", "caption", "details", "interaction", "value")
_PAIR_KEYS = ("object_ids", "ids", "objects", "marks", "pair", "between", "object_id")


def answer_from_json(text: str) -> Answer | None:
    """The answer in a text that is JSON, fenced or bare; None where it is not, or says nothing.

    Read are a list of objects with an id and a description, the same under ``objects``, and a
    mapping of ids to descriptions; likewise for ``interactions``.

    >>> answer_from_json('{"objects": {"1": "a red car"}}').regions
    (Region(mark=1, summary='', description='a red car'),)
    """
    fenced = _FENCED.search(text)
    body = (fenced.group(1) if fenced else text).strip()
    if not body.startswith(("{", "[")):
        return None
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    objects: Any = data
    interactions: Any = None
    if isinstance(data, dict):
        keys = {str(key).lower().replace("the ", "").split(" ")[0]: key for key in data}
        if "interactions" in keys:
            interactions = data[keys["interactions"]]
        if "objects" in keys:
            objects = data[keys["objects"]]
        elif interactions is not None:
            objects = {k: v for k, v in data.items() if k != keys["interactions"]}
    answer = Answer(tuple(_regions(objects)), tuple(_interactions(interactions)))
    return answer if answer.regions or answer.interactions else None


def _items(data: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of an id, where it is known, and what is said."""
    if isinstance(data, Mapping):
        yield from data.items()
    elif isinstance(data, list):
        for item in data:
            yield None, item


def _regions(data: Any) -> Iterator[Region]:
    for key, item in _items(data):
        named = item if isinstance(item, Mapping) else {}
        found = key if key is not None else _first(named, _ID_KEYS)
        ids = names_numbers(str(found)) if isinstance(found, str | int) else ()
        text = item if isinstance(item, str) else _first(named, _TEXT_KEYS)
        summary = _first(named, _SUMMARY_KEYS)
        if len(ids) == 1 and isinstance(text, str):
            yield Region(ids[0], summary if isinstance(summary, str) else "", text)


def _interactions(data: Any) -> Iterator[Interaction]:
    for key, item in _items(data):
        named = item if isinstance(item, Mapping) else {}
        found = key if key is not None else _first(named, _PAIR_KEYS)
        if found is None:
            parts = [named.get(name) for name in ("object1", "object2", "subject", "object")]
            found = [part for part in parts if part is not None]
        text = item if isinstance(item, str) else _first(named, _TEXT_KEYS)
        ids = names_numbers(str(found))
        if len(ids) > 1 and isinstance(text, str):
            yield Interaction(ids, text)


def _first(item: Mapping[Any, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key) is not None), None)
