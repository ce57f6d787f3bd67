"""Calls out of journals: every try with its end, whatever way the lines were written."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.call_counts import count_calls
from annoengine.call_lines import OUTCOMES, Call, Damage, Requests, read_calls
from annoengine.errors import WorkspaceError
from annoengine.fingerprint import fingerprint
from annoengine.journal import Journal
from annoengine.provider import Outcome, Reply, Usage


def asked_about(text: str) -> dict[str, Any]:
    """The content of a request."""
    parts = [{"image_sha256": "ab" * 32}, {"text": text}]
    return {"messages": [{"role": "user", "parts": parts}], "sampling": {}, "schema": None}


def journal_at(root: Path, stage: str = "annotate", cut: str = "c1", shard: int = 0) -> Journal:
    return Journal(root / "journals" / stage / cut / f"{shard:05d}.jsonl")


def reply(text: str = "yes", outcome: Outcome = "answer", detail: str = "stop") -> Reply:
    return Reply(text, outcome, "m-1-dated", detail, Usage(10, 5, 2), "req-1")


def calls_of(root: Path) -> list[Call]:
    return list(read_calls(root))


def test_a_call_with_its_tries(tmp_path: Path) -> None:
    journal = journal_at(tmp_path)
    ask = ("coco/val/1", "objects", "k1", "openai/m-1", asked_about("What?"))
    one = journal.asked(*ask, most_usd=0.02)
    journal.failed(*ask[:3], one, "rate limited", "429 too many", "no")
    two = journal.asked(*ask, most_usd=0.02)
    journal.failed(*ask[:3], two, "cut", "reset by peer", "perhaps")
    three = journal.asked(*ask, most_usd=0.03)
    journal.answered(*ask[:3], three, reply("A cat."), 1.25, usd=0.0125)
    journal.close()
    (call,) = calls_of(tmp_path)
    assert (call.number, call.stage, call.generation) == (1, "annotate", 0)
    assert call.name == ("coco/val/1", "objects", "k1")
    assert (call.provider, call.model, call.request_id) == ("openai/m-1", "m-1-dated", "req-1")
    assert (call.outcome, call.text, call.detail) == ("answer", "A cat.", "stop")
    assert (call.usage, call.usd, call.most_usd) == (Usage(10, 5, 2), 0.0125, 0.03)
    assert [(t.number, t.ended, t.reason, t.detail, t.paid) for t in call.tries] == [
        (1, "failed", "rate limited", "429 too many", "no"),
        (2, "failed", "cut", "reset by peer", "perhaps"),
        (3, "answered", "", "", ""),
    ]
    assert [t.most_usd for t in call.tries] == [0.02, 0.02, 0.03]
    assert call.tries[2].seconds == 1.25
    assert call.seconds is not None
    assert call.seconds >= 1.25
    assert Requests().read(call) == asked_about("What?")
    offset, length = call.line
    line = call.journal.read_bytes()[offset : offset + length]
    assert orjson.loads(line)["event"] == "answered"


def test_a_failed_try_lasts_from_its_sending_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "journals/annotate/c1/00000.jsonl"
    path.parent.mkdir(parents=True)
    head = {"record": "a", "turn": "t", "generation": 0, "key": "k"}
    failed = {"event": "failed", **head, "reason": "cut", "detail": "", "paid": "perhaps"}
    lines = [
        {"event": "asked", **head, "try": 1, "at": 100.0, "provider": "toy/m", "request": {}},
        {**failed, "try": 1, "at": 102.5},
        {"event": "asked", **head, "try": 2, "at": 110.0, "provider": "toy/m"},
        {**failed, "try": 2, "at": 90.0},  # the clock was set back
    ]
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    (call,) = calls_of(tmp_path)
    assert [t.seconds for t in call.tries] == [2.5, 0.0]
    assert (call.seconds, call.at, call.outcome) == (2.5, 90.0, "failed")


def test_outcomes_that_no_line_names(tmp_path: Path) -> None:
    """Stopped in the middle, stopped by a bad key, given up: three different things."""
    journal = journal_at(tmp_path)
    journal.asked("r", "open", "k1", "toy/m", asked_about("1"))
    number = journal.asked("r", "failed", "k2", "toy/m", asked_about("2"))
    journal.failed("r", "failed", "k2", number, "the key is refused", "401", "no")
    number = journal.asked("r", "given up", "k3", "toy/m", asked_about("3"))
    journal.failed("r", "given up", "k3", number, "overloaded", "503", "no")
    journal.answered("r", "given up", "k3", number, reply("", "gave_up", "after 1 try"), 0.0)
    journal.close()
    calls = {call.turn: call for call in calls_of(tmp_path)}
    assert {turn: call.outcome for turn, call in calls.items()} == {
        "given up": "gave_up",
        "open": "open",
        "failed": "failed",
    }
    # Giving up is no end of a try.
    assert [t.ended for t in calls["given up"].tries] == ["failed"]
    assert [t.ended for t in calls["open"].tries] == ["open"]
    assert calls["open"].seconds is None


def test_a_call_asked_anew_is_another_call_with_the_same_request(tmp_path: Path) -> None:
    journal = journal_at(tmp_path)
    for text in ("bad", "good"):
        number = journal.asked("r", "t", "k", "toy/m", asked_about("What?"))
        journal.answered("r", "t", "k", number, reply(text), 0.1)
        journal.open_generation("r", ("t",))
    journal.close()
    first, second = calls_of(tmp_path)
    assert [(c.generation, c.text) for c in (first, second)] == [(0, "bad"), (1, "good")]
    assert (first.request_at is None, second.request_at is None) == (False, True)
    requests = Requests()
    assert requests.read(second) == requests.read(first) == asked_about("What?")
    assert [t.number for t in second.tries] == [2]
    contents = [call.content for call in read_calls(tmp_path, contents=True)]
    assert contents == [fingerprint(asked_about("What?"))] * 2


def test_all_journals_in_order_with_one_numbering(tmp_path: Path) -> None:
    for stage, cut, shard in (("b", "c1", 1), ("b", "c1", 0), ("a", "c2", 0), ("b", "c0", 0)):
        journal = journal_at(tmp_path, stage, cut, shard)
        number = journal.asked(f"{stage}{cut}{shard}", "t", "k", "toy/m", {})
        journal.answered(f"{stage}{cut}{shard}", "t", "k", number, reply(), 0.1)
        journal.close()
    calls = calls_of(tmp_path)
    assert [(c.number, c.record) for c in calls] == [
        (1, "ac20"),
        (2, "bc00"),
        (3, "bc10"),
        (4, "bc11"),
    ]
    assert [c.stage for c in calls] == ["a", "b", "b", "b"]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    journal = journal_at(tmp_path)
    number = journal.asked("r", "t", "k", "toy/m", asked_about("?"))
    journal.answered("r", "t", "k", number, reply(), 0.1)
    journal.close()
    journal.path.write_bytes(journal.path.read_bytes()[:-1])
    (call,) = calls_of(tmp_path)
    assert (call.outcome, len(call.tries)) == ("open", 1)


def test_a_damaged_line_is_named_and_the_rest_is_read(tmp_path: Path) -> None:
    journal = journal_at(tmp_path)
    for record in ("a", "b"):
        number = journal.asked(record, "t", "k", "toy/m", asked_about("?"))
        journal.answered(record, "t", "k", number, reply(), 0.1)
    journal.close()
    lines = journal.path.read_bytes().splitlines(keepends=True)
    bad = [b"nonsense\n", b"[1]\n", b'{"event":"asked","record":"c"}\n', b"\xff\xfe\n"]
    journal.path.write_bytes(b"".join([*lines[:2], *bad, *lines[2:]]))
    found: list[Damage] = []
    calls = list(read_calls(tmp_path, found.append))
    assert [call.record for call in calls] == ["a", "b"]
    at = sum(len(line) for line in lines[:2])
    assert [d.offset for d in found] == [at, at + 9, at + 13, at + 13 + len(bad[2])]
    assert {d.journal for d in found} == {journal.path}
    with pytest.raises(WorkspaceError, match=rf"00000\.jsonl: the line at byte {at} is no journal"):
        list(read_calls(tmp_path))


def test_an_answer_whose_question_is_gone_is_still_shown(tmp_path: Path) -> None:
    journal = journal_at(tmp_path)
    number = journal.asked("r", "t", "k", "toy/m", asked_about("?"))
    journal.answered("r", "t", "k", number, reply(), 0.5)
    journal.close()
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[1])
    (call,) = calls_of(tmp_path)
    assert (call.outcome, call.provider, call.seconds) == ("answer", "", 0.5)
    assert Requests().read(call) is None


NAMES = st.tuples(st.sampled_from("ab"), st.sampled_from(("t", "u")), st.sampled_from(("k", "l")))
STEPS = st.lists(
    st.tuples(NAMES, st.sampled_from(("answer", "refusal", "gave_up", "fail", "open", "retry"))),
    max_size=30,
)


@given(steps=STEPS)
@settings(max_examples=80)
def test_calls_agree_with_the_counts_of_the_journal(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[tuple[str, str, str], str]]
) -> None:
    """However calls were tried and retried, no try is lost, doubled, or given to another call."""
    root = tmp_path_factory.mktemp("run")
    journal = journal_at(root)
    settled: set[tuple[tuple[str, str, str], int]] = set()
    expected: dict[tuple[tuple[str, str, str], int], str] = {}
    for name, step in steps:
        if step == "retry":
            journal.open_generation(name[0], ())
            continue
        place = (name, journal.generation(name[0]))
        if place in settled:
            continue  # answered calls are not asked again within their generation
        number = journal.asked(*name, "toy/m", asked_about(name[2]))
        expected[place] = "failed" if step == "fail" else step
        if step == "fail":
            journal.failed(*name, number, "cut", "", "perhaps")
        elif step != "open":
            outcome: Any = step
            journal.answered(*name, number, reply("", outcome), 0.1)
            settled.add(place)
    journal.close()
    calls = calls_of(root)
    assert {(c.name, c.generation): c.outcome for c in calls} == expected
    assert len(calls) == len(expected)
    assert {c.outcome for c in calls} <= set(OUTCOMES)
    counts = count_calls(journal.path)
    assert sum(len(c.tries) for c in calls) == counts.asked
    assert Counter(t.ended for c in calls for t in c.tries)["failed"] == counts.failed
    outcomes = Counter(c.outcome for c in calls if c.outcome not in ("failed", "open"))
    assert outcomes == counts.outcomes
    requests = Requests()
    assert all(requests.read(c) == asked_about(c.key) for c in calls)


def test_memory_does_not_grow_with_the_calls(tmp_path: Path) -> None:
    """Twenty megabytes of requests and answers pass; no more than a few lines are held."""
    journal = journal_at(tmp_path)
    long = asked_about("x" * 4000)
    for n in range(4000):
        number = journal.asked(f"coco/val/{n}", "objects", f"{n:064x}", "toy/m", long)
        journal.answered(f"coco/val/{n}", "objects", f"{n:064x}", number, reply("y" * 1000), 0.1)
    journal.close()
    assert journal.path.stat().st_size > 20_000_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_calls(tmp_path, contents=True))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 4000
    assert peak < 300_000
