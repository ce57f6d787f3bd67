"""The check against what a small real LLaMA wrote, judged by hand: nothing wrong passes."""

from __future__ import annotations

import pytest

from tests.benchmarks.rephrase_llama import judge, read_table, report

ROWS = read_table()


def test_the_table_is_whole() -> None:
    assert len([row for row in ROWS if not row.number.endswith("b")]) == 100
    for name in ("first", "second"):
        some = [row for row in ROWS if row.set == name]
        assert len(some) == 40
        assert {row.judged for row in some} == {"right", "wrong"}
        assert all(row.why for row in some)


@pytest.mark.parametrize("wordnet", ["off", "auto"])
def test_nothing_that_was_judged_wrong_passes(wordnet: str, request: pytest.FixtureRequest) -> None:
    if wordnet == "auto":
        request.getfixturevalue("_wordnet_there")
    wrong = [row for row in ROWS if row.judged == "wrong"]
    assert len(wrong) == 54
    assert [row.number for row in wrong if not judge(row, wordnet)[1]] == []


def test_nine_in_ten_that_were_judged_right_pass() -> None:
    right = [row for row in ROWS if row.judged == "right"]
    assert len(right) == 26
    assert sum(not judge(row)[1] for row in right) >= 24


def test_no_mark_is_left_in_what_passes() -> None:
    passed = [(row, text) for row in ROWS for text, faults in [judge(row)] if not faults]
    assert len(passed) >= 20
    assert [text for _, text in passed if any(letter.isdigit() for letter in text)] == []


def test_the_report_counts_both_sets() -> None:
    lines = list(report(ROWS, "off"))
    assert lines[0].startswith("140 answers: ")
    assert lines[2].startswith("first 40 judged by hand: 13 right")
    assert lines[3].startswith("second 40 judged by hand: 13 right")
