"""The journal: what survives a death, what may be replayed, what counts as perhaps paid."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.call_counts import count_calls
from annoengine.errors import WorkspaceError
from annoengine.journal import Journal
from annoengine.older_journals import OlderJournals
from annoengine.provider import Outcome, Reply, Usage


def answer(text: str, outcome: Outcome = "answer") -> Reply:
    return Reply(text, outcome, "m-1", "stop", Usage(10, 5, 2), "req-1")


def call(journal: Journal, record: str, turn: str, key: str, reply: Reply) -> None:
    number = journal.asked(record, turn, key, "toy/m", {"messages": []})
    journal.answered(record, turn, key, number, reply, 0.1)


def test_an_answer_is_replayed_only_for_the_same_turn_and_key(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "00000.jsonl"
    journal = Journal(path)
    call(journal, "a", "first", "k1", answer("yes"))
    journal.close()
    again = Journal(path)
    found = again.find("a", "first", "k1")
    assert found is not None
    assert (found.text, found.model, found.usage) == ("yes", "m-1", Usage(10, 5, 2))
    assert (found.key, found.turn, found.request_id) == ("k1", "first", "req-1")
    assert again.find("a", "first", "k2") is None
    assert again.find("a", "second", "k1") is None
    assert again.find("b", "first", "k1") is None
    again.close()


@given(cut=st.integers(min_value=0, max_value=10_000))
@settings(max_examples=60, deadline=None)
def test_a_file_cut_anywhere_opens_and_keeps_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "00000.jsonl"
    journal = Journal(path)
    for n in range(5):
        call(journal, f"r{n}", "first", f"k{n}", answer(f"text {n}"))
    journal.close()
    data = path.read_bytes()
    cut = cut % (len(data) + 1)
    path.write_bytes(data[:cut])
    whole = data[:cut].count(b"\n")
    again = Journal(path)
    assert path.read_bytes() == b"".join(data.splitlines(keepends=True)[:whole])
    for n in range(5):
        assert (again.find(f"r{n}", "first", f"k{n}") is not None) == (whole >= 2 * n + 2)
    # An odd number of lines ends with a call that nobody answered.
    assert again.counts.perhaps_paid == whole % 2
    call(again, "new", "first", "k", answer("after"))
    again.close()
    assert all(orjson.loads(line) for line in path.read_bytes().splitlines())


def test_bad_outcomes_are_replayed_until_a_retry_opens_the_next_generation(tmp_path: Path) -> None:
    path = tmp_path / "00000.jsonl"
    journal = Journal(path)
    call(journal, "a", "first", "k", answer("", "refusal"))
    call(journal, "a", "second", "k", answer("useless"))
    call(journal, "a", "third", "k", answer("good"))
    assert journal.find("a", "first", "k") is not None
    assert journal.open_generation("a", ("second",)) == 1
    for opened in (journal, Journal(path)):
        assert opened.find("a", "first", "k") is None
        assert opened.find("a", "second", "k") is None
        assert opened.find("a", "third", "k") is not None
    call(journal, "a", "second", "k", answer("better"))
    found = journal.find("a", "second", "k")
    assert found is not None
    assert found.text == "better"
    assert journal.counts.repeated == 0
    assert count_calls(path).repeated == 0
    journal.close()


def test_counts_tell_what_was_paid_and_what_perhaps(tmp_path: Path) -> None:
    path = tmp_path / "00000.jsonl"
    journal = Journal(path)
    call(journal, "a", "t", "k", answer("yes"))
    number = journal.asked("b", "t", "k", "toy/m", {})
    journal.failed("b", "t", "k", number, "overloaded", "503", "no")
    number = journal.asked("b", "t", "k", "toy/m", {})
    journal.failed("b", "t", "k", number, "cut", "reset", "perhaps")
    journal.asked("b", "t", "k", "toy/m", {})
    journal.close()
    counts = count_calls(path)
    assert (counts.asked, counts.answered, counts.failed) == (4, 1, 2)
    assert counts.perhaps_paid == 2  # the cut one, and the one that was never answered
    assert counts.repeated == 2
    assert counts.failures == {"overloaded": 1, "cut": 1}
    assert (counts.input_tokens, counts.output_tokens) == (10, 5)
    again = Journal(path)
    assert again.asked("b", "t", "k", "toy/m", {}) == 4
    again.close()


def test_the_request_is_written_once_and_pictures_never(tmp_path: Path) -> None:
    path = tmp_path / "00000.jsonl"
    journal = Journal(path)
    for _ in range(3):
        journal.asked("a", "t", "k", "toy/m", {"messages": [{"image_sha256": "00"}]})
    journal.close()
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert ["request" in line for line in lines] == [True, False, False]


def test_older_journals_answer_and_can_be_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "annotate"
    first = Journal(folder / "cut-a" / "00000.jsonl")
    call(first, "a", "t", "k", answer("old"))
    call(first, "b", "t", "k", answer("", "refusal"))
    first.open_generation("b", ())
    first.close()
    for _ in range(2):
        path = folder / "cut-b" / "00003.jsonl"
        second = Journal(path, OlderJournals(folder, path.parent))
        found = second.find("a", "t", "k")
        assert found is not None
        assert found.text == "old"
        assert second.find("b", "t", "k") is None, "its retry is known too"
        assert second.generation("b") == 1
        assert second.find("c", "t", "k") is None
        second.close()
        (folder / "older.sqlite").unlink()


def test_an_older_journal_that_grew_is_indexed_again(tmp_path: Path) -> None:
    folder = tmp_path / "annotate"
    older = Journal(folder / "cut-a" / "00000.jsonl")
    call(older, "a", "t", "k", answer("one"))
    path = folder / "cut-b" / "00000.jsonl"
    for record in ("a", "b"):
        reader = Journal(path, OlderJournals(folder, path.parent))
        assert reader.find(record, "t", "k") is not None
        reader.close()
        call(older, "b", "t", "k", answer("two"))
    older.close()


def test_one_flush_serves_many_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = 0
    real = os.fsync

    def counted(descriptor: int) -> None:
        nonlocal flushed
        flushed += 1
        real(descriptor)

    monkeypatch.setattr(os, "fsync", counted)

    async def write() -> None:
        journal = Journal(tmp_path / "00000.jsonl")

        async def one(n: int) -> None:
            call(journal, f"r{n}", "t", "k", answer("x"))
            await journal.durable()

        await asyncio.gather(*(one(n) for n in range(100)))
        journal.close()

    asyncio.run(write())
    assert 1 <= flushed <= 5


def test_a_flush_serves_those_that_wait_whoever_is_cancelled_and_tells_all_of_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = False
    goes_on = threading.Event()

    def slow(descriptor: int) -> None:
        goes_on.wait()
        if broken:
            raise OSError(errno.EIO, "the disk is broken")

    monkeypatch.setattr(os, "fsync", slow)

    async def wait_for(journal: Journal, count: int, cancelled: int) -> list[object]:
        goes_on.clear()
        waiting: list[asyncio.Task[None]] = []
        for n in range(count):
            call(journal, f"r{n}", "t", "k", answer("x"))
            waiting.append(asyncio.create_task(journal.durable()))
            await asyncio.sleep(0)
        waiting[cancelled].cancel()
        goes_on.set()
        return list(await asyncio.gather(*waiting, return_exceptions=True))

    async def write() -> tuple[list[object], list[object]]:
        nonlocal broken
        journal = Journal(tmp_path / "00000.jsonl")
        good = await wait_for(journal, 5, cancelled=0)
        broken = True
        bad = await wait_for(journal, 3, cancelled=1)
        journal.close()
        return good, bad

    good, bad = asyncio.run(write())
    assert [type(one) for one in good] == [asyncio.CancelledError, *[type(None)] * 4]
    assert [type(one) for one in bad] == [OSError, asyncio.CancelledError, OSError]


def test_a_strange_line_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "00000.jsonl"
    path.write_bytes(b'{"event":"retry","record":"a","generation":1,"turns":[]}\nnonsense\n')
    with pytest.raises(WorkspaceError, match=r"00000\.jsonl: the line at byte \d+ is no journal"):
        Journal(path)


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "00000.jsonl"
    looking = Journal(path, writable=False)
    assert looking.find("a", "t", "k") is None
    looking.close()
    assert not path.exists()
    path.write_bytes(b'{"event":"retry","record":"a","generation":1,"turns":[]}\n{"torn')
    Journal(path, writable=False).close()
    assert path.read_bytes().endswith(b'{"torn')


def test_a_full_disk_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "00000.jsonl"
    path.symlink_to("/dev/full")
    journal = Journal(path)
    with pytest.raises(WorkspaceError, match="the disk is full; free some room"):
        journal.asked("a", "t", "k", "toy/m", {})
    journal.close()
