"""Keeps a server's processes no longer than the process that wanted them. Run as a script.

``python -I -S server_keeper.py GRACE_S COMMAND…`` starts the command as the head of a process
group of its own and watches two things: its own standard input, of which the parent holds the
other end, and the command. When the parent closes that end, dies in any way (SIGKILL included), or
the command ends, everything that the command started is ended: SIGTERM, then SIGKILL after
GRACE_S. A signal that the kernel sends with the parent's death alone would not do: it reaches the
head only, and the engine processes of a server whose head was killed keep the GPU's memory.

On Linux orphans come back to the keeper, those too that left the process group. It exits with the
command's own status, 128 + n where signal n ended it, and 127 where the command cannot be started.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
"""Source: Linux, include/uapi/linux/prctl.h."""

_CANNOT_START = 127
_LOOK_S = 0.02
_LEFT_BEHIND_S = 3.0
"""What a head that died has left behind gets so long to end by itself."""

_KILLED_S = 5.0
"""How long the kernel is given to end what was killed; a process in a driver may take longer."""


def _prctl(option: int, value: int) -> None:
    """Asks the kernel for something that not every system has."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _begin() -> None:
    """In the command's process: should the keeper itself be killed, its head is told to end."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _children() -> list[int]:
    """Processes whose parent the keeper is now; none where the system does not tell."""
    try:
        return [int(n) for n in Path("/proc/thread-self/children").read_text().split()]
    except (OSError, ValueError):
        return []


def _send(group: int, number: signal.Signals) -> None:
    """A signal to the group, and to those that left it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
    for child in _children():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, number)


class _Family:
    """The command's process, the head, and all that come back to the keeper when orphaned."""

    def __init__(self, head: int) -> None:
        self.head = head
        self.status: int | None = None
        """The head's exit status once it has ended, negative for a signal."""

    def take_leave(self) -> bool:
        """Takes leave of those that have ended; True where some are left."""
        while True:
            try:
                ended, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if not ended:
                return True
            if ended == self.head:
                self.status = os.waitstatus_to_exitcode(status)

    def wait(self, seconds: float, again: signal.Signals | None = None) -> bool:
        """Waits for all to end; ``again`` is sent to those that turn up. True where some stay."""
        until = time.monotonic() + seconds
        while self.take_leave():
            if time.monotonic() >= until:
                return True
            if again is not None:
                _send(self.head, again)
            time.sleep(_LOOK_S)
        return False

    def end(self, grace_s: float) -> None:
        """Ends them all."""
        _send(self.head, signal.SIGTERM)
        if self.wait(grace_s):
            self.wait(_KILLED_S, signal.SIGKILL)


def keep(grace_s: float, command: list[str]) -> int:
    """Starts the command, and gives its exit status when all of its processes are gone."""
    wakes, rings = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(rings, False)
    signal.set_wakeup_fd(rings, warn_on_full_buffer=False)
    told_to_end: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda n, _: told_to_end.append(n))
    signal.signal(signal.SIGCHLD, lambda n, _: None)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    try:
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_begin
        )
    except OSError as error:
        print(f"{command[0]}: {error.strerror or error}", file=sys.stderr, flush=True)
        return _CANNOT_START
    family = _Family(started.pid)
    while not told_to_end:
        ready, _, _ = select.select([0, wakes], [], [])
        if wakes in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wakes, 4096)
        family.take_leave()
        if family.status is not None or (0 in ready and not os.read(0, 4096)):
            break
    family.end(grace_s if family.status is None else min(grace_s, _LEFT_BEHIND_S))
    status = -signal.SIGKILL if family.status is None else family.status
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(keep(float(sys.argv[1]), sys.argv[2:]))
