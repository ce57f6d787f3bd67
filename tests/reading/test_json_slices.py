"""Cutting JSON files into entries: the same entries as of a parser, and faults named by place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.reading import json_brackets, json_slices
from annoengine.reading.json_slices import SliceReader, Slices, first_byte, parsed, value_of

WHAT = "it should be an object"
TEXTS = st.text(st.sampled_from('ab"\\{}[],: \n\u00e9\U0001f600'), max_size=6)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-9, 9), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
ENTRIES = st.lists(
    st.lists(VALUES, max_size=3) | st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4
)


def cut(path: Path, wanted: frozenset[str] | None = frozenset("ab")) -> dict[str, list[Any]]:
    slices = Slices(path, wanted, WHAT)
    found: dict[str, list[Any]] = {}
    for slice in slices:
        entries = found.setdefault(slice.array, [])
        assert slice.position == len(entries)
        with SliceReader(path) as reader:
            assert reader.read(slice.start, len(slice.raw)) == slice.raw
        entries.append(parsed(path, slice.raw, slice.start))
    assert {name: len(entries) for name, entries in found.items()} == {
        name: n for name, n in slices.counts.items() if n
    }
    return found


@settings(max_examples=150)
@given(
    a=ENTRIES,
    b=ENTRIES,
    others=st.dictionaries(TEXTS.map(lambda t: f"x{t}"), VALUES, max_size=3),
    chunk=st.sampled_from([1, 2, 3, 7, 64, 1 << 22]),
    indent=st.sampled_from([None, 1]),
    in_ascii=st.booleans(),
)
def test_entries_are_those_of_a_parser_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory,
    a: Any,
    b: Any,
    others: Any,
    chunk: int,
    indent: int | None,
    in_ascii: bool,
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.json"
    names = list(others)
    value = {**{n: others[n] for n in names[:1]}, "a": a, **others, "b": b}
    path.write_text(json.dumps(value, indent=indent, ensure_ascii=in_ascii), "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_slices, "_CHUNK_BYTES", chunk)
        assert cut(path) == {name: v for name, v in (("a", a), ("b", b)) if v}
        path.write_text(json.dumps(a, indent=indent, ensure_ascii=in_ascii), "utf-8")
        assert cut(path, None) == ({"": a} if a else {})


@settings(max_examples=100)
@given(
    at=st.integers(0, 200),
    byte=st.sampled_from(b'{}[],:"\\ 0a\x00\xff'),
    how=st.sampled_from(["put", "insert", "delete", "cut"]),
    chunk=st.sampled_from([3, 1 << 22]),
)
def test_a_broken_file_is_refused_or_has_the_same_entries_as_of_a_parser(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, how: str, chunk: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "broken.json"
    whole = {"x": 1, "a": [{"k": "v\\"}, [1, [2]]], "y": {"z": []}, "b": [{}, {"k": [{}]}], "c": 0}
    data = bytearray(json.dumps(whole).encode())
    at %= len(data)
    if how == "put":
        data[at] = byte
    elif how == "insert":
        data.insert(at, byte)
    else:
        del data[at : at + 1 if how == "delete" else None]
    path.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_slices, "_CHUNK_BYTES", chunk)
        try:
            found = cut(path)
        except InputError as error:
            if str(path) not in str(error):
                raise AssertionError(f"{error} does not name the file") from error
            return
    try:
        truth = json.loads(data)
    except ValueError:
        # What nobody wants is stepped over: the fault must lie in there.
        truth = json.loads(json.dumps(whole))
        assert at >= data.index(b'"y"'), data
    wanted = {name: truth[name] for name in "ab" if truth.get(name)}
    assert found == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, byte 0: not valid JSON: the file ends in the middle; get it again whole"),
        ('{"a": [{}', "line 1, byte 9: not valid JSON: the file ends in the middle"),
        ('{"a": [{"b": "', "not valid JSON: the file ends in the middle"),
        ("[]", "holds an array; it should be an object"),
        ("7", "is no JSON: '7' was found; it should be an object"),
        ("x{}", "byte 0: not valid JSON: a bracket is needed: 'x' was found"),
        ('{"a": {}}', ": 'a' is no array"),
        ('{"a": 3}', ": 'a' is no array"),
        ('{"a": [], "a": []}', " has 'a' twice; keep one of them"),
        ('{"x": 1, "x": 2, "a": []}', " has 'x' twice; keep one of them"),
        ('{"a": [7, {}]}', ": a[0] is no object: '7' was found"),
        ('{"a": [{}, null]}', ": a[1] is no object: 'null' was found"),
        ('{"a": [{} {}]}', "byte 10: not valid JSON: a comma is missing in 'a'"),
        ('{"a": [{},\n\n,{}]}', "line 3, byte 13: not valid JSON: an entry is missing"),
        ('{"a": [{},]}', "byte 10: not valid JSON: an entry is missing beside a comma in 'a'"),
        ('{"a": [{}}}', "byte 9: not valid JSON: 'a' is not closed with ']'"),
        ('{"a": [{}]]', "byte 10: not valid JSON: the object is not closed with '}'"),
        ('{"a": [{}], }', "byte 11: not valid JSON: a member is missing after the comma"),
        ('{"a": [{}] "b": []}', "byte 11: not valid JSON: a comma is missing: '\"b\":'"),
        ('{"x":1[]}', "not valid JSON: a member's name is needed: '\"x\":1' was found"),
        ('{"a": []} {}', "byte 10: not valid JSON: something follows the end of the JSON value"),
        ('{"a": []} x', "byte 10: not valid JSON: something follows the end of the JSON value"),
        ("}", "byte 0: not valid JSON: a bracket closes that was never opened"),
        ('{"a": [{"k": 1 2}]}', "line 1, byte 15: not valid JSON: "),
        ('{"a": [{},\n {"k": tru}]}', "line 2, byte 18: not valid JSON: "),
        ('{"a": [{"k": 1, "k": 2}]}', "an object has the key 'k' twice; keep one of them"),
        ('{"a": [' + "[" * 5000 + "]" * 5000 + "]}", "are nested too deeply"),
        ("\x1f\x8b", "is a gzip archive; unpack it"),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        cut(path)
    assert str(caught.value).startswith(str(path))
    assert words in str(caught.value)


def test_numbers_and_texts_that_strict_parsers_refuse_are_let_through(tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text('{"a": [{"n": NaN, "i": -Infinity, "t": "\\ud800", "e": 1e999}]}')
    entry = cut(path)["a"][0]
    assert entry["n"] != entry["n"]
    assert (entry["i"], entry["t"], entry["e"]) == (-float("inf"), "\ud800", float("inf"))
    path.write_bytes(b'\xef\xbb\xbf{"a": [{"k": "\xc3\xa9"}]}')
    assert cut(path) == {"a": [{"k": "é"}]}


def test_a_quotation_mark_and_colon_inside_a_text_are_no_key() -> None:
    assert value_of(rb'{"k": "\":", "l": {"m": 1}}') == {"k": '":', "l": {"m": 1}}
    with pytest.raises(ValueError, match="an object has the key 'm' twice"):
        value_of(b'{"k": [{"m": 1, "m": 1}]}')


def test_memory_holds_a_chunk_and_not_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_slices, "_CHUNK_BYTES", 1 << 12)
    path = tmp_path / "long.json"
    entry = '{"k": [1, 2, 3], "t": "]]}}"}'
    many = ",".join([entry] * 5000)
    path.write_text(f'{{"x": [{many}], "y": {{"z": [{many}]}}, "a": [{many}]}}')
    slices = Slices(path, frozenset("a"), WHAT)
    most = 0
    for _ in slices:
        most = max(most, len(slices._held))
    assert slices.counts == {"a": 5000}
    assert most < 3 * (1 << 12) < path.stat().st_size // 30


def test_a_file_that_is_written_to_while_it_is_read_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": [{}]}')
    with SliceReader(path) as reader:
        assert reader.read(7, 2) == b"{}"
        path.write_text('{"a": [{}, {}]}')
        with pytest.raises(InputError, match=r"a\.json was changed while it was read; run again"):
            reader.read(7, 2)


def test_the_first_byte_is_the_first_that_is_no_space(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for text, first in ((b" \n\t[", b"["), (b"\xef\xbb\xbf {", b"{"), (b"  ", b""), (b"", b"")):
        path.write_bytes(text)
        assert first_byte(path) == first
    with pytest.raises(InputError, match="cannot be read: No such file"):
        first_byte(tmp_path / "b")


def test_brackets_count_backslashes_over_the_border_of_chunks() -> None:
    text = rb'{"a": "\\\"{\\", "b": "\\"}'
    whole = [at for at, _, _ in json_brackets.BracketScan(9).brackets(text, 0)]
    assert whole == [0, len(text) - 1]
    for size in (1, 2, 3, 4, 5):
        scan = json_brackets.BracketScan(9)
        pieces = range(0, len(text), size)
        found = [at for p in pieces for at, _, _ in scan.brackets(text[p : p + size], p)]
        assert found == whole
