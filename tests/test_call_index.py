"""The index behind a replay: every call is found, the newest one first, at few bytes a call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.call_index import CallIndex, difference
from annoengine.errors import WorkspaceError
from annoengine.fingerprint import fingerprint
from annoengine.journal import Journal
from annoengine.provider import Outcome, Reply


def content(text: str) -> dict[str, Any]:
    parts = [{"text": text}]
    return {"messages": [{"role": "user", "parts": parts}], "sampling": {}, "schema": None}


def write(root: Path, calls: list[tuple[str, str, str, str, Outcome]], shard: int = 0) -> Journal:
    """Answered calls: record, turn, question, model, outcome; the answer tells its number."""
    journal = Journal(root / "journals/annotate/cut" / f"{shard:05d}.jsonl")
    for n, (record, turn, text, model, outcome) in enumerate(calls):
        key = fingerprint([model, text])
        number = journal.asked(record, turn, key, model, content(text))
        journal.answered(record, turn, key, number, Reply(f"{n}", outcome, model), 0.1)
    journal.close()
    return journal


CALLS = st.lists(
    st.tuples(
        st.sampled_from(("r1", "r2", "r3")),
        st.sampled_from(("t", "u")),
        st.sampled_from(("What?", "Why?")),
        st.sampled_from(("openai/a", "openai/b")),
        st.sampled_from(("answer", "refusal")),
    ),
    max_size=20,
)


@given(calls=CALLS)
@settings(max_examples=60)
def test_it_finds_what_a_search_by_hand_finds(
    tmp_path_factory: pytest.TempPathFactory, calls: list[tuple[str, str, str, str, Outcome]]
) -> None:
    root = tmp_path_factory.mktemp("run")
    write(root, calls)
    for model in (None, "openai/a"):
        index = CallIndex(root, model)
        mine = [(n, c) for n, c in enumerate(calls) if model in (None, c[3])]
        assert len(index) == len(mine)
        for record in ("r1", "r2", "r3", "r4"):
            for text in ("What?", "Why?", "Who?"):
                alike = [(n, c) for n, c in mine if c[2] == text]
                here = [(n, c) for n, c in alike if c[:2] == (record, "t")]
                wanted = [n for n, _ in here or alike]
                rows = index.find(fingerprint(content(text)), (record, "t"))
                assert sorted(int(index.read(row)["text"]) for row in rows) == wanted
                if rows:
                    newest = max(rows, key=lambda row: row.newness)
                    assert int(index.read(newest)["text"]) == wanted[-1]


def test_a_call_takes_few_bytes(tmp_path: Path) -> None:
    for shard in range(3):
        calls: list[tuple[str, str, str, str, Outcome]] = [
            (f"coco/val/{shard}-{n}", "objects", f"{n}", "openai/a", "answer") for n in range(500)
        ]
        write(tmp_path, calls, shard)
    index = CallIndex(tmp_path)
    assert len(index) == 1500
    assert index.size_bytes <= 60 * len(index)
    (row,) = index.find(fingerprint(content("77")), ("coco/val/2-77", "objects"))
    assert index.read(row)["record"] == "coco/val/2-77"


def test_an_outcome_counts_for_more_than_a_later_try_without_one(tmp_path: Path) -> None:
    journal = write(tmp_path, [("r", "t", "What?", "openai/a", "refusal")])
    again = Journal(journal.path)
    again.open_generation("r", ("t",))
    key = fingerprint(["openai/a", "What?"])
    again.asked("r", "t", key, "openai/a", content("What?"))
    again.close()
    index = CallIndex(tmp_path)
    rows = index.find(fingerprint(content("What?")), ("r", "t"))
    assert [row.answered for row in rows] == [True, False]
    newest = max(rows, key=lambda row: row.newness)
    assert index.read(newest)["outcome"] == "refusal"
    assert len(index.at_place("r", "t")) == 2


def test_a_clock_that_was_set_back_makes_nothing_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter((2000.0, 2000.0, 1000.0, 1000.0))
    monkeypatch.setattr(time, "time", lambda: next(clock))
    write(tmp_path, [("r", "t", "What?", "openai/a", "answer")] * 2)
    index = CallIndex(tmp_path)
    rows = index.find(fingerprint(content("What?")), ("r", "t"))
    assert index.read(max(rows, key=lambda row: row.newness))["text"] == "1"


def test_a_journal_that_changed_underneath_is_a_sentence(tmp_path: Path) -> None:
    journal = write(tmp_path, [("r", "t", "What?", "openai/a", "answer")])
    index = CallIndex(tmp_path)
    (row,) = index.find(fingerprint(content("What?")), None)
    journal.path.write_bytes(b"{}\n" * 1000)
    with pytest.raises(WorkspaceError, match=r"00000\.jsonl was changed while its calls were"):
        index.read(row)
    journal.path.unlink()
    with pytest.raises(WorkspaceError, match="run the same command again"):
        index.read(row)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (content("Who?"), "the words differ"),
        ({**content("What?"), "sampling": {"seed": 1}}, "the sampling differs (nothing set there)"),
        ({**content("What?"), "schema": {}}, "the answer's schema differs"),
        (
            {**content("What?"), "messages": [{"role": "system", "parts": [{"text": "What?"}]}]},
            "the messages are put together differently",
        ),
        (
            {
                **content("What?"),
                "messages": [
                    {"role": "user", "parts": [{"image_sha256": "00"}, {"text": "What?"}]}
                ],
            },
            "the pictures differ",
        ),
    ],
)
def test_what_differs_is_said(wanted: Mapping[str, Any], said: str) -> None:
    assert difference(content("What?"), wanted) == said
    assert difference(wanted, wanted) == ""
