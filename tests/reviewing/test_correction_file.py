"""A corrections file as a whole: which line counts, what is passed over, and what it costs."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.reviewing.correction_file import CorrectionFile


def line_of(record: str, caption: str) -> bytes:
    said = {
        "record": record,
        "who": "Ann",
        "when": "2025-06-01",
        "segments": [{"segment": 1, "caption": caption}],
    }
    return orjson.dumps(said)


def text_of(file: CorrectionFile, record: str) -> str | None:
    placed = file.find(record)
    return None if placed is None else placed.correction.segments[0].caption


def test_there_need_not_be_one(tmp_path: Path) -> None:
    file = CorrectionFile.open(tmp_path / "no" / "c.jsonl")
    assert (len(file), file.find("a/b/c"), file.digest("a/b/c")) == (0, None, None)


def test_a_folder_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: Is a directory"):
        CorrectionFile.open(tmp_path)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from("abcdé"), st.text("xyz ", min_size=1)), max_size=12),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \n"]),
)
def test_the_last_line_of_a_record_counts(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, str]], end: bytes
) -> None:
    said = [(record, f"a {caption}") for record, caption in said]
    path = tmp_path_factory.mktemp("c") / "c.jsonl"
    lines = [line_of(*one) for one in said]
    path.write_bytes(b"\xef\xbb\xbf" + b"".join(line + end for line in lines))
    file = CorrectionFile.open(path)
    last = dict(said)
    assert {record: text_of(file, record) for record in "abcdé"} == {
        record: last.get(record) for record in "abcdé"
    }
    assert file.replaced == len(said) - len(last)
    for record in last:
        placed = file.find(record)
        assert placed is not None
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")[placed.line - 1]
        assert text.rstrip(b"\r") == line_of(record, last[record])


def test_a_torn_last_line_is_passed_over_and_told(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(line_of("a", "One.") + b"\n" + line_of("b", "Two.")[:-9])
    file = CorrectionFile.open(path)
    assert (text_of(file, "a"), text_of(file, "b")) == ("One.", None)
    assert file.torn.startswith(f"{path}:2: the last line breaks off after ")
    # Whole, it counts, with or without its end.
    path.write_bytes(line_of("a", "One.") + b"\n" + line_of("b", "Two."))
    file = CorrectionFile.open(path)
    assert (text_of(file, "b"), file.torn) == ("Two.", "")


def test_a_last_line_that_is_whole_and_wrong_is_no_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b'{"record": 7}')
    with pytest.raises(InputError, match=r"c.jsonl:1: record: Input should be a valid string"):
        CorrectionFile.open(path)


def test_a_file_may_grow_while_it_is_read_but_not_change(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(line_of("a", "One.") + b"\n")
    file = CorrectionFile.open(path)
    with path.open("ab") as more:
        more.write(line_of("b", "Two.") + b"\n")
    assert (text_of(file, "a"), text_of(file, "b")) == ("One.", None)
    assert text_of(CorrectionFile.open(path), "b") == "Two."
    path.write_bytes(line_of("a", "Another.") + b"\n")
    with pytest.raises(InputError, match="was changed while it was read; run the same command"):
        file.find("a")


def test_lines_about_no_record_are_named(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    path.write_bytes(b"".join(line_of(name, "One.") + b"\n" for name in "cab"))
    file = CorrectionFile.open(path)
    assert file.unclaimed(["a", "d"]) == [f"{path}:1: c", f"{path}:3: b"]


def test_one_endless_line_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with path.open("wb") as file:
        file.truncate((1 << 26) + 2)
    with pytest.raises(InputError, match=r"c.jsonl:1: the line has more than 64 MiB"):
        CorrectionFile.open(path)


def test_little_is_kept_of_each_line(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    n = 4000
    with path.open("wb") as out:
        for number in range(n):
            out.write(line_of(f"toy/val/{number}", "A dog. " * 200) + b"\n")
    tracemalloc.start()
    try:
        file = CorrectionFile.open(path)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(file) == n
    assert kept < 200 * n, "of 1,500 bytes a line"
    assert text_of(file, "toy/val/3999") == "A dog. " * 200
