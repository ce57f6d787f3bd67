"""Checks a span of a caption: a place in the text, the phrase that stands there, and its ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from annoengine.reading.coco_json import is_whole, shown
from annoengine.validator import Code

SPAN_DIFFERS = Code("span-differs", "error", "spans that are not where their phrase is")

CODES = (SPAN_DIFFERS,)


def place_faults(start: Any, end: Any, text: str) -> str:
    """What is wrong with a place ``[start, end)`` in a text, or "".

    >>> place_faults(2, 9, "A dog."), place_faults(2, 5, "A dog.")
    ('the place 2 to 9 is not in a text of 6 characters', '')
    """
    if not is_whole(start) or not is_whole(end):
        return f"the place is {shown(start)} to {shown(end)}; whole numbers are needed"
    if not 0 <= start <= end <= len(text):
        return f"the place {start} to {end} is not in a text of {len(text)} characters"
    if not text[start:end].strip():
        return f"the place {start} to {end} has no words"
    return ""


def span_faults(span: Any, text: str, ids_key: str) -> list[str]:
    """What is wrong with a span ``{"start", "end", "phrase", ids_key}`` of a text.

    >>> span_faults({"start": 0, "end": 5, "phrase": "a dog", "ids": [1]}, "A dog.", "ids")
    ["its phrase is 'a dog', the text there 'A dog'"]
    """
    if not isinstance(span, Mapping):
        return [f"it is {shown(span)}; an object is needed"]
    start, end = span.get("start"), span.get("end")
    why = place_faults(start, end, text)
    faults = [why] if why else []
    phrase = span.get("phrase")
    if not why and phrase != text[start:end]:
        faults.append(f"its phrase is {shown(phrase)}, the text there {shown(text[start:end])}")
    ids = span.get(ids_key)
    if not isinstance(ids, list) or not ids or not all(is_whole(id) and id > 0 for id in ids):
        faults.append(f"its {ids_key!r} are {shown(ids)}; a list of ids from 1 is needed")
    return faults
