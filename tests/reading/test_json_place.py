"""Places of values in JSON text, against the parser."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.reading.json_place import place_of

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def paths(value: Any) -> list[tuple[str | int, ...]]:
    found: list[tuple[str | int, ...]] = [()]
    if isinstance(value, dict):
        found += [(name, *rest) for name, inner in value.items() for rest in paths(inner)]
    elif isinstance(value, list):
        found += [(at, *rest) for at, inner in enumerate(value) for rest in paths(inner)]
    return found


@given(value=VALUES, indent=st.sampled_from([None, 2]), ascii=st.booleans())
def test_every_value_is_found_where_it_stands(value: Any, indent: int | None, ascii: bool) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=ascii).encode("utf-8", "surrogatepass")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return  # a lone surrogate, which UTF-8 does not have
    for path in paths(value):
        start, end = place_of(raw, *path)
        found = value
        for step in path:
            found = found[step]
        assert json.loads(raw[start:end]) == found
        assert raw[start:end] == raw[start:end].strip()


@pytest.mark.parametrize("path", [("b",), ("a", 2), ("a", "x"), (0,), ("c", "d")])
def test_a_path_that_leads_nowhere_is_told(path: tuple[str | int, ...]) -> None:
    with pytest.raises(LookupError):
        place_of(b' { "a" : [ 1 , [] ] , "c": {} }', *path)
