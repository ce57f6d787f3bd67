"""Stub servers of the ``vllm`` provider, and what they did."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_STUB = Path(__file__).with_name("stub_server.py")


@dataclass(frozen=True)
class Stub:
    """The folder of a stub's starts."""

    folder: Path

    @classmethod
    def scripted(cls, folder: Path, *scripts: dict[str, Any]) -> Stub:
        """A stub that is to behave so at its first start, so at its second …"""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "script.json").write_text(json.dumps(scripts))
        (folder / "log.txt").write_text("")
        return cls(folder)

    def options(self, **more: Any) -> dict[str, Any]:
        """Options of a ``vllm/…`` model that is this stub."""
        return {
            "command": [sys.executable, "-I", "-S", str(_STUB), str(self.folder)],
            "log": str(self.folder / "server.log"),
            "stop_timeout_s": 2,
            "start_timeout_s": 20,
            "timeout_s": 20,
            **more,
        }

    def _told(self, word: str) -> list[str]:
        lines = (self.folder / "log.txt").read_text().splitlines()
        return [line.partition(" ")[2] for line in lines if line.startswith(word)]

    @property
    def pids(self) -> list[int]:
        """The processes that it started, children of its own included."""
        return [int(pid) for word in ("start", "child") for pid in self._told(word)]

    @property
    def starts(self) -> int:
        """How often it was started."""
        return len(self._told("start"))

    @property
    def answered(self) -> list[str]:
        """The questions that it answered, in order."""
        return self._told("answered")

    def wait_for_start(self) -> None:
        """Returns when it was started once; fails where that takes half a minute."""
        until = time.monotonic() + 30
        while not self.pids:
            assert time.monotonic() < until, "the stub was not started"
            time.sleep(0.02)

    def alive(self) -> list[int]:
        """Its processes that still run."""
        return [pid for pid in self.pids if is_running(pid)]


def is_running(pid: int) -> bool:
    """Does a process run? One that has ended and was not taken leave of does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")


def gone(pids: list[int], within_s: float = 30.0) -> bool:
    """Do all of these end within some time?"""
    until = time.monotonic() + within_s
    while any(is_running(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def this_process_started() -> set[int]:
    """The children of this process that have not been taken leave of."""
    children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for path in children for pid in path.read_text().split()}
