"""A step's commit runs in a thread; the step does not end before it, whatever happens."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from annoengine.errors import WorkspaceError
from annoengine.shard import ShardWriter, read_marker
from annoengine.step import _commit
from annoengine.storage import LocalFolder


class HeldUp(LocalFolder):
    """A disk that takes its time over the first thing that a commit does."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self.fails = False

    def delete(self, key: str) -> None:
        self.begun.set()
        assert self.goes_on.wait(10)
        if self.fails:
            raise OSError("no disk any more")
        super().delete(key)


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancelled_step_waits_for_its_commit(fails: bool, tmp_path: Path) -> None:
    storage = HeldUp(tmp_path)
    built = cast(Any, SimpleNamespace(fingerprint="f", made_of={}))
    with ShardWriter(storage, "1-stage", "00000") as writer:
        writer.write(b'{"id":"a/b/1"}')
        step = asyncio.create_task(_commit(writer, built, "input"))
        await asyncio.to_thread(storage.begun.wait, 10)
        for _ in range(3):  # also for one who presses Ctrl-C many times
            step.cancel()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert not step.done()
        storage.fails = fails
        storage.goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await step
    marker = read_marker(storage, "1-stage", "00000")
    assert (marker is None) == fails
    assert sorted(storage.names("1-stage")) == ([] if fails else ["00000.done.json", "00000.jsonl"])


async def test_a_commit_that_fails_says_so(tmp_path: Path) -> None:
    storage = HeldUp(tmp_path)
    storage.fails = True
    storage.goes_on.set()
    with (
        pytest.raises(WorkspaceError, match="no disk any more"),
        ShardWriter(storage, "1-stage", "00000") as writer,
    ):
        await _commit(writer, cast(Any, SimpleNamespace(fingerprint="f", made_of={})), "input")
    assert storage.names("1-stage") == []
