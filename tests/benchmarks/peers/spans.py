"""What a stretch of a process took: seconds, CPU seconds of it and its children, memory.

Run in the environments of other engines as well, so it needs nothing but Python.
"""

from __future__ import annotations

import json
import os
import resource
import time
from pathlib import Path


class Span:
    """Begins when it is made."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.cpu_s = _cpu_s()

    def end(self) -> None:
        """Ends it."""
        self.seconds = time.perf_counter() - self.began
        self.cpu_s = _cpu_s() - self.cpu_s

    def told(self, answers: int, written: Path) -> str:
        """It as a line of JSON; ``written`` is the folder with all that was kept."""
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        return json.dumps(
            {
                "seconds": self.seconds,
                "cpu_s": self.cpu_s,
                "peak_mb": max(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024,
                "answers": answers,
                "written_bytes": folder_bytes(written),
            }
        )


def folder_bytes(folder: Path) -> int:
    """The bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
