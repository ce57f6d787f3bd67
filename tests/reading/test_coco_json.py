"""Streaming of COCO JSON: counts, places of errors, and the packed index of images."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.reading import coco_json, json_file
from annoengine.reading.coco_json import ImageIndex, items, key_twice, survey, survey_array


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "a.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_survey_hands_out_wanted_arrays_and_counts_all(tmp_path: Path) -> None:
    images = [{"id": 1, "nested": {"images": [1, [2, {}]]}}, {"id": 2}, [3, []], 4.5, None, "x", []]
    content = {"info": {"a": [1, 2]}, "other": [[], {}, 1], "images": images, "n": 7, "empty": []}
    path = written(tmp_path, json.dumps(content))
    seen: list[Any] = []
    assert survey(path, {"images": seen.append, "absent": seen.append}) == {
        "other": 3,
        "images": 7,
        "empty": 0,
    }
    assert seen == images
    assert list(items(path, "images")) == images
    assert list(items(path, "absent")) == []


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = written(tmp_path, b'\xef\xbb\xbf{"images": [1]}')
    assert survey(path, {}) == {"images": 1}
    assert list(items(path, "images")) == [1]
    path = written(tmp_path, b'\xef\xbb\xbf{"images": [1?]}')
    with pytest.raises(InputError, match="line 1, byte 16"):
        survey(path, {})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"images": [1, 2}', "line 1, byte 16: not valid JSON: parse error"),
        ('{\n"images": [\n1,\nNaN]}', "line 4, byte 17: not valid JSON: NaN and Inf"),
        ('{"images": [1,', "line 1, byte 14: not valid JSON: the file ends in the middle"),
        ("", "line 1, byte 0: not valid JSON: the file ends in the middle"),
        ('{"images": []} x', "line 1, byte 15: not valid JSON: parse error: trailing garbage"),
        (b'{"a": "\xff"}', "line 1, byte 7: not valid JSON: lexical error: invalid bytes in UTF8"),
        ('{"images": [123456789012345678901]}', "not valid JSON: parse error: integer overflow"),
        ("[1, 2]", "holds an array; a COCO annotation file is a JSON object with 'images'"),
        ("7", "holds a single value; a COCO"),
        ('{"images": [], "images": []}', "has 'images' twice; keep one of them"),
        ('{"images": {"id": 1}}', "'images' in"),
        ('{"images": null}', "is no array"),
    ],
)
def test_a_malformed_file_is_refused_with_its_place(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        survey(path, {"images": lambda _: None})
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_place_is_right_far_into_a_file(tmp_path: Path) -> None:
    good = "".join(f'{{"id": {n:06d}1}},\n' for n in range(100_000, 120_000))
    text = '{"images": [\n' + good + "{'id': 1}]}"
    assert len(text) > 4 * json_file._CHUNK_BYTES
    path = written(tmp_path, text)
    for read in (lambda: survey(path, {}), lambda: list(items(path, "images"))):
        with pytest.raises(InputError) as caught:
            read()
        # The apostrophe is the first byte that cannot be, after 20,001 lines and a brace.
        assert f"line 20002, byte {text.index(chr(39))}: not valid JSON" in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.json cannot be read: No such file"):
        survey(tmp_path / "gone.json", {})
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        list(items(tmp_path, "images"))


@pytest.mark.parametrize("outer", ["images", "other"])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_nesting_is_refused(outer: str, opening: str, closing: str, tmp_path: Path) -> None:
    """The parser of the entries keeps the whole way to each level: 1,000,000 fill any machine."""
    deep = opening * 1_000_000 + "1" + closing * 1_000_000
    path = written(tmp_path, f'{{"{outer}": [{deep}]}}')
    for wanted in ({}, {"images": lambda _: None}):
        with pytest.raises(InputError) as caught:
            survey(path, wanted)
        assert str(caught.value) == (
            f"{path} nests lists or objects more than 100 levels deep; a COCO file has 5"
        )
    path = written(tmp_path, f"[{deep}]")
    with pytest.raises(InputError, match="more than 100 levels deep"):
        survey_array(path)


def test_nesting_up_to_the_limit_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, '{"images": [' + "[" * 97 + "]" * 97 + "]}")
    assert survey(path, {}) == {"images": 1}
    assert len(list(items(path, "images"))) == 1


@pytest.mark.parametrize(
    ("text", "entries"),
    [('[1, {"a": [2]}, [], "x"]', 4), ("[]", 0), ('{"a": [1]}', -1), ("7", -1), ("null", -1)],
)
def test_the_entries_of_a_bare_list(text: str, entries: int, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    assert survey_array(path) == entries
    if entries >= 0:
        assert list(items(path, "")) == json.loads(text)


def test_a_bare_list_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1, byte 4: not valid JSON: the file ends"):
        survey_array(written(tmp_path, "[1, "))


def test_a_key_that_comes_twice_is_found(tmp_path: Path) -> None:
    path = written(tmp_path, '{"images": [{"id": 1}, {"a": {"b": 1, "b": 2}, "id": 3}]}')
    first, second = items(path, "images")
    assert (key_twice(first), key_twice(second), key_twice(second["a"])) == (None, None, "b")
    assert second == {"a": {"b": 2}, "id": 3}
    path = written(tmp_path, '{"images": [{"id": 1}, {"id": 1, "w": 2, "id": 3}]}')
    with pytest.raises(InputError) as caught:
        survey(path, {"images": lambda _: None})
    assert str(caught.value) == f"{path}: images[1] has the key 'id' twice; keep one of them"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"images": []}'.encode("utf-16"), "is UTF-16; save it as UTF-8"),
        ('{"images": []}'.encode("utf-16-be"), "is UTF-16 or binary, no JSON; save it as UTF-8"),
        (b"\x1f\x8b\x08\0", "is a gzip archive; unpack it"),
        (b"PK\x03\x04", "is a ZIP archive; unpack it"),
        (b"PAR1", "is a parquet file, no JSON"),
        (b"\n<!DOCTYPE html>", "is an HTML or XML page, no JSON; was the download refused?"),
        (
            b"version https://git-lfs.github.com/spec/v1",
            "is a Git LFS pointer; get the file with git lfs pull",
        ),
    ],
)
def test_a_file_of_another_kind_is_named(content: bytes, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, content)
    for read in (lambda: survey(path, {}), lambda: list(items(path, "x"))):
        with pytest.raises(InputError) as caught:
            read()
        assert str(caught.value) == f"{path} {words}"


@pytest.mark.parametrize("text", ["NaN", "-NaN", "Infinity", "-Infinity", '{"a": [1, NaN]}'])
def test_python_s_numbers_that_are_no_json_are_named(text: str, tmp_path: Path) -> None:
    path = written(tmp_path, f'{{"images": [{text}]}}')
    with pytest.raises(InputError, match=r"NaN and Infinity are no numbers in JSON; write null"):
        survey(path, {})


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 5000, "1" * 5000 + ".5"])
def test_numbers_beyond_all_range_are_refused(number: str, tmp_path: Path) -> None:
    path = written(tmp_path, f'{{"images": [{number}]}}')
    with pytest.raises(InputError, match=r"line 1, byte \d+: not valid JSON: .*overflow"):
        survey(path, {})


_IDS = st.one_of(st.integers(-(1 << 63), (1 << 63) - 1), st.text(min_size=1, max_size=8))


@given(st.lists(_IDS, unique_by=str, max_size=40), _IDS)
def test_the_index_finds_what_was_added_and_nothing_else(
    ids: list[int | str], other: int | str
) -> None:
    index = ImageIndex(Path("x.json"))
    for n, id in enumerate(ids):
        index.add({"id": id, "file_name": f"{n}.jpg", "width": n, "license": True})
    index.seal()
    assert len(index) == len(ids)
    for n, id in enumerate(ids):
        found = index.find(str(id))
        assert found is not None
        position, row = found
        assert position == n
        assert row == {
            "id": str(id),
            "file_name": f"{n}.jpg",
            "width": n or None,
            "height": None,
            "licence": None,
            "coco_url": None,
            "flickr_url": None,
            "date_captured": None,
        }
    assert (index.find(str(other)) is not None) == (str(other) in map(str, ids))


def test_colliding_hashes_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coco_json, "text_hash", lambda text: len(text))
    index = ImageIndex(Path("x.json"))
    for id in (5, 3, 4, 12):
        index.add({"id": id, "file_name": f"{id}.jpg"})
    index.seal()
    positions = [found and found[0] for found in map(index.find, ("3", "12", "4", "5", "7"))]
    assert positions == [1, 3, 2, 0, None]
    index = ImageIndex(Path("x.json"))
    for id in (5, 3, 4, 3):
        index.add({"id": id})
    with pytest.raises(InputError, match=r"images\[1\] and images\[3\] have the same id '3'"):
        index.seal()


def test_the_index_of_all_of_coco_stays_under_40_mb() -> None:
    n = 5_000
    tracemalloc.start()
    try:
        index = ImageIndex(Path("x.json"))
        for id in range(n):
            index.add(
                {
                    "license": 3,
                    "file_name": f"{id:012d}.jpg",
                    "coco_url": f"http://images.cocodataset.org/train2017/{id:012d}.jpg",
                    "height": 360,
                    "width": 640,
                    "date_captured": "2013-11-14 11:18:45",
                    "flickr_url": f"http://farm9.staticflickr.com/8186/{id:010d}_75dcc8af6a_z.jpg",
                    "id": id,
                }
            )
        index.seal()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / n * 118_287 < 40e6


def test_find_before_seal_is_a_bug_that_says_so() -> None:
    with pytest.raises(RuntimeError, match=r"seal\(\) comes before find\(\)"):
        ImageIndex(Path("x.json")).find("1")
