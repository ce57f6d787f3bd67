"""A server that runs as a child: started on a free loopback port, waited for, watched, ended.

The child is under a keeper (:mod:`annoengine.server_keeper`), so that whatever becomes of this
process nothing of the server stays behind. It gets no key but those of the model's hub, and hears
on this machine alone. Nothing here knows what the server serves; which calls are sent again after
a death is decided in :mod:`annoengine.kept_server`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annoengine.redaction import without_keys

HOST = "127.0.0.1"
_KEEPER = Path(__file__).with_name("server_keeper.py")
_LOOKS_S = (0.1, 1.0)
"""Between two looks whether the server is up: at first, and in the end."""

_TELLS_S = (10.0, 30.0)
"""After how long the person who waits is told of it, and how often from then on."""

_LOOK_S = 5.0
_HEALTH_S = 30.0
"""How long an answer to /health may take: while it starts, and from a server that is busy. One that
prepares hundreds of pictures answers late, and must not be taken for dead."""

_TAIL_BYTES = 16_384
_TAIL_LINES = 12
_LINE_CHARS = 300

_HUB_KEYS = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_TOKEN", "MODELSCOPE_API_TOKEN"}
_SECRET_WORDS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


class ServerFailed(Exception):
    """A server did not come up, or is gone. Its text ends with what its log said last."""


@dataclass(frozen=True)
class ServerPlan:
    """How a server is started.

    ``command`` gives the words of the command for a port; ``name`` is what it is called in
    sentences; ``start_s`` is how long it may take to come up, ``grace_s`` to end after SIGTERM;
    ``log`` is a file that is written on; ``tell`` takes sentences for the person who waits.
    """

    name: str
    command: Callable[[int], Sequence[str]]
    start_s: float
    grace_s: float
    log: Path
    tell: Callable[[str], None] = lambda text: None


class ChildServer:
    """One start of a server."""

    def __init__(self, plan: ServerPlan) -> None:
        self.plan = plan
        self._log_begins = 0
        self.base_url = ""
        """``http://127.0.0.1:PORT``, once it was started."""
        self._process: asyncio.subprocess.Process | None = None
        self._ended: asyncio.Task[int] | None = None
        self._http: Any = None

    async def start(self) -> None:
        """Starts it and waits until it is healthy.

        Raises ServerFailed where it ends before that or takes too long; nothing of it is left.
        """
        import aiohttp

        self._http = aiohttp.ClientSession()
        try:
            port = free_port()
            self.base_url = f"http://{HOST}:{port}"
            command = [str(word) for word in self.plan.command(port)]
            with self._open_log() as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-I", "-S", str(_KEEPER), str(self.plan.grace_s), *command),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    env=_environment(os.environ),
                    # Ctrl-C at the terminal is for this process, which ends the server in turn.
                    start_new_session=True,
                )
            self._ended = asyncio.create_task(self._process.wait())
            self.plan.tell(f"{self.plan.name}: started; its log is {self.plan.log}")
            await self._come_up()
        except BaseException:
            await self.stop()
            raise

    @property
    def keeper_pid(self) -> int | None:
        """The process id of the keeper."""
        return None if self._process is None else self._process.pid

    @property
    def has_ended(self) -> bool:
        """Is its process gone, or was it never there?"""
        return self._ended is None or self._ended.done()

    async def is_well(self) -> bool:
        """Does it run and say that it is healthy?"""
        return not self.has_ended and await self._health(_HEALTH_S) == 200

    async def stop(self) -> None:
        """Ends it and all that it started; may be called twice. Returns when it is gone."""
        process, ended, http = self._process, self._ended, self._http
        self._http = None
        if http is not None:
            await http.close()
        if process is None or ended is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        # To the end also where the task that stops it is cancelled meanwhile: the keeper is
        # sure to end, and its exit is what says that the GPU's memory is free.
        await asyncio.shield(ended)

    def said_last(self) -> str:
        """The last lines of its log, without keys; empty where it said nothing."""
        return said_last(self.plan.log, self._log_begins, _secrets(os.environ))

    async def _come_up(self) -> None:
        began, tell_at = time.monotonic(), _TELLS_S[0]
        look_s = _LOOKS_S[0]
        assert self._ended is not None
        while True:
            if await self._health(_LOOK_S) == 200 and not self.has_ended:
                break
            await asyncio.wait({self._ended}, timeout=look_s)
            waited_s = time.monotonic() - began
            if self._ended.done():
                raise ServerFailed(self._why(f"ended with status {self._ended.result()}"))
            if waited_s > self.plan.start_s:
                raise ServerFailed(self._why(f"was not up after {self.plan.start_s:g} s"))
            if waited_s >= tell_at:
                tell_at = waited_s + _TELLS_S[1]
                last = self.said_last().rpartition("\n")[2]
                says = f": {last}" if last else ""
                self.plan.tell(f"{self.plan.name}: not up after {waited_s:.0f} s{says}")
            look_s = min(_LOOKS_S[1], look_s * 1.2)
        self.plan.tell(f"{self.plan.name}: up after {time.monotonic() - began:.0f} s")

    def _why(self, what: str) -> str:
        """What became of the server, with the end of its log."""
        return f"{self.plan.name} {what}{self.quoted_log()}"

    def quoted_log(self) -> str:
        """``; its log FILE ends: …``, to stand at the end of a sentence."""
        said = self.said_last()
        if not said:
            return f"; its log {self.plan.log} is empty"
        lines = "\n".join(f"  {line}" for line in said.split("\n"))
        return f"; its log {self.plan.log} ends:\n{lines}"

    async def _health(self, within_s: float) -> int | None:
        """The status of GET /health; None where there is no answer."""
        import aiohttp

        if self._http is None:
            return None
        try:
            timeout = aiohttp.ClientTimeout(within_s)
            async with self._http.get(f"{self.base_url}/health", timeout=timeout) as response:
                status: int = response.status
                return status
        except (aiohttp.ClientError, TimeoutError, OSError):
            return None

    @contextlib.contextmanager
    def _open_log(self) -> Iterator[int]:
        """The log, open for appending, for its owner alone."""
        try:
            self.plan.log.parent.mkdir(parents=True, exist_ok=True)
            log = os.open(self.plan.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            why = error.strerror or str(error)
            raise ServerFailed(
                f"the log {self.plan.log} of {self.plan.name} cannot be written: {why}"
            ) from None
        self._log_begins = os.fstat(log).st_size
        try:
            yield log
        finally:
            os.close(log)


def free_port() -> int:
    """A loopback port that nobody listens on. Another process may still take it first; then the
    server says so and ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        found.bind((HOST, 0))
        port: int = found.getsockname()[1]
        return port


def said_last(log: Path, begins: int = 0, secrets: Sequence[str] = ()) -> str:
    """The last lines of a log that say something, without keys; those before ``begins`` are old."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(begins, file.tell() - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    # A progress bar draws its line again and again; the last of them counts.
    lines = [line.rpartition("\r")[2].rstrip() for line in text.replace("\r\n", "\n").split("\n")]
    told = [line[:_LINE_CHARS] for line in lines if line.strip()][-_TAIL_LINES:]
    return without_keys("\n".join(told), secrets)


def _environment(known: Mapping[str, str]) -> dict[str, str]:
    """What the server gets to know: everything but keys that are for others.

    >>> _environment({"PATH": "/bin", "OPENAI_API_KEY": "sk-1", "HF_TOKEN": "hf_1"})
    {'PATH': '/bin', 'HF_TOKEN': 'hf_1'}
    """
    return {k: v for k, v in known.items() if not k.upper().endswith("_API_KEY")}


def _secrets(known: Mapping[str, str]) -> list[str]:
    """What may not be quoted: the values of variables that are named like keys."""
    return [
        value
        for name, value in known.items()
        if value and (name in _HUB_KEYS or any(word in name.upper() for word in _SECRET_WORDS))
    ]
