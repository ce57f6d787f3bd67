"""A server on loopback that speaks OpenAI's chat completions, and misbehaves on a script.

It counts what it received and what it sent in whole, per body, in memory (``GET /counts``) and
in a JSON-lines log that is written through, so that a test can read it after killing a client.

    python tests/wire/openai_server.py --port 0 --script rules.yaml --log calls.jsonl

prints its port. A script is a list of rules; the first that fits a call is carried out::

    - {do: rate_limit, share: 0.1, seed: 3, times: 1, retry_after: 0.05}
    - {do: cut, every: 50}
    - {do: refusal, match: "7: zebra"}

``every`` counts calls; ``share`` draws from the body's hash, so that the same bodies are hit in
every run; ``times`` spares a body after so many hits; ``match`` is a regular expression on the
text of the messages. Whatever else stands in a rule goes to the misbehaviour of that name
(:mod:`tests.wire.misbehaviours`). A raw asyncio protocol rather than a web framework: on one
core it takes several thousand bodies of 133 KB a second, so that a benchmark measures the client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import inspect
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import orjson
import yaml

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.wire.chat_answers import Call, answer_text, completion
from tests.wire.misbehaviours import MISBEHAVIOURS, Exchange, rate_limit


@dataclass
class Rule:
    """One line of the script; see the module's docstring."""

    do: str
    every: int = 0
    share: float = 1.0
    seed: int = 0
    times: int | None = None
    match: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Rule:
        """A rule of the script. Raises ValueError for what no misbehaviour understands."""
        own = {"do", "every", "share", "seed", "times", "match"}
        rule = cls(**{k: v for k, v in line.items() if k in own})
        rule.arguments = {k: v for k, v in line.items() if k not in own}
        if rule.do not in MISBEHAVIOURS:
            raise ValueError(f"no misbehaviour {rule.do!r}; there are {', '.join(MISBEHAVIOURS)}")
        try:
            inspect.signature(MISBEHAVIOURS[rule.do]).bind(None, **rule.arguments)
        except TypeError as error:
            raise ValueError(f"{rule.do}: {error}") from None
        return rule

    def fits(self, call: Call, hits: Counter[str]) -> bool:
        """Whether the rule is carried out on a call; ``hits`` counts its hits per body."""
        if self.every and call.number % self.every:
            return False
        if self.times is not None and hits[call.sha256] >= self.times:
            return False
        if self.share < 1.0:
            draw = hashlib.sha256(f"{self.seed}/{self.do}/{call.sha256}".encode()).digest()
            if int.from_bytes(draw[:8], "big") / 2**64 >= self.share:
                return False
        return not self.match or any(re.search(self.match, text) for _, text in call.texts())


class Connection(asyncio.Protocol):
    """One client's connection: takes requests apart, one at a time."""

    def __init__(self, server: OpenaiServer) -> None:
        self.server = server
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.needed = 0
        self.busy = False
        self.pending: asyncio.Task[None] | asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self.server.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.server.gone(self)
        if self.pending is not None:
            self.pending.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.busy and len(self.buffer) >= self.needed:
            self._take()

    def next(self) -> None:
        """The reply is out: the next request may be taken."""
        self.busy = False
        self.pending = None
        if self.buffer:
            self._take()

    def _take(self) -> None:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            self.needed = len(self.buffer) + 1
            return
        first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        assert "transfer-encoding" not in headers, "the client did not say how long its body is"
        total = end + 4 + int(headers.get("content-length", 0))
        if len(self.buffer) < total:
            self.needed = total
            return
        body = bytes(memoryview(self.buffer)[end + 4 : total])
        del self.buffer[:total]
        self.needed = 0
        self.busy = True
        self.server.take(self, method, path, headers, body)


class OpenaiServer:
    """The server within this process::

        async with OpenaiServer([{"do": "cut", "every": 2}]) as server:
            server.base_url  # http://127.0.0.1:49152/v1

    ``latency_s`` passes before every good answer. ``limit_per_minute`` refuses calls beyond it
    with a 429 that tells the wait; ``burst`` of them may come at once (default: one second's).
    ``keep_calls`` keeps every call in ``calls``, bodies and all.
    """

    def __init__(
        self,
        script: Iterable[Mapping[str, Any]] = (),
        latency_s: float = 0.0,
        log: Path | None = None,
        limit_per_minute: float | None = None,
        burst: float | None = None,
        keep_calls: bool = False,
    ) -> None:
        self.script = [Rule.read(line) for line in script]
        self.latency_s = latency_s
        self.received: Counter[str] = Counter()
        self.whole: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.did: Counter[str] = Counter()
        self.calls: list[Call] = []
        self.connections: set[Connection] = set()
        self._all_gone = asyncio.Event()
        self.accepted = 0
        self.port = 0
        self._keep_calls = keep_calls
        self._hits: list[Counter[str]] = [Counter() for _ in self.script]
        self._numbers = 0
        self._per_second = limit_per_minute / 60 if limit_per_minute else None
        self._burst = max(1.0, burst or self._per_second or 1.0)
        self._tokens, self._filled_at = self._burst, time.monotonic()
        self._log_path = log
        self._log = -1
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """What a client is told."""
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self, port: int = 0) -> None:
        """Listens; ``port`` 0 takes a free one."""
        if self._log_path is not None:
            self._log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stops listening and hangs up on everyone."""
        if self._server is not None:
            self._server.close()
            for connection in list(self.connections):
                if connection.transport is not None:
                    connection.transport.abort()
            await self._server.wait_closed()
            if self.connections:
                await self._all_gone.wait()
            self._server = None
        if self._log >= 0:
            os.close(self._log)
            self._log = -1

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    def counts(self) -> dict[str, Any]:
        """What was received and sent: in all, by status, by misbehaviour, and per body."""
        return {
            "received": sum(self.received.values()),
            "answered": sum(self.whole.values()),
            "statuses": {str(code): n for code, n in sorted(self.statuses.items())},
            "did": dict(sorted(self.did.items())),
            "bodies": {
                body: {"received": n, "answered": self.whole[body]}
                for body, n in sorted(self.received.items())
            },
        }

    def came(self, connection: Connection) -> None:
        """A client has connected."""
        self.connections.add(connection)
        self.accepted += 1
        self._all_gone.clear()

    def gone(self, connection: Connection) -> None:
        """A client's connection has ended."""
        self.connections.discard(connection)
        if not self.connections:
            self._all_gone.set()

    def answered(self, call: Call, status: int, by: str) -> None:
        """A reply went out in whole."""
        self.whole[call.sha256] += 1
        self.statuses[status] += 1
        self._write("answered", call, status=status, by=by)

    def _write(self, event: str, call: Call, **more: Any) -> None:
        if self._log >= 0:
            line = {"event": event, "n": call.number, "sha256": call.sha256, **more}
            os.write(self._log, orjson.dumps(line) + b"\n")

    def take(
        self,
        connection: Connection,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """One request: counted, matched with the script, answered."""
        if (method, path) == ("POST", "/v1/chat/completions"):
            sha256 = hashlib.sha256(body).hexdigest()
            self._numbers += 1
            call = Call(self._numbers, path, headers, body, sha256, self.received[sha256])
            self.received[sha256] += 1
            self._write("received", call)
            if self._keep_calls:
                self.calls.append(call)
            self._answer(Exchange(call, connection, self))
            return
        call = Call(0, path, headers, body, "", 0)
        exchange = Exchange(call, connection, self)
        known = (method, path) == ("GET", "/counts")
        reply = orjson.dumps(self.counts() if known else {"error": {"message": "Not Found"}})
        exchange.send_part(exchange.head(len(reply), 200 if known else 404) + reply)
        connection.next()

    def _answer(self, exchange: Exchange) -> None:
        loop = asyncio.get_running_loop()
        wait_s = self._over_limit_s()
        if wait_s:
            exchange.by = "limit"
            self._start(exchange, rate_limit(exchange, retry_after=round(wait_s, 3)))
            return
        for rule, hits in zip(self.script, self._hits, strict=True):
            if rule.fits(exchange.call, hits):
                hits[exchange.call.sha256] += 1
                exchange.by = rule.do
                self._start(exchange, MISBEHAVIOURS[rule.do](exchange, **rule.arguments))
                return
        self.did["answer"] += 1
        if self.latency_s:
            exchange.connection.pending = loop.call_later(self.latency_s, self._good, exchange)
        else:
            self._good(exchange)

    def _good(self, exchange: Exchange) -> None:
        exchange.send(completion(exchange.call, answer_text(exchange.call)))

    def _start(self, exchange: Exchange, doing: Awaitable[None]) -> None:
        self.did[exchange.by] += 1
        exchange.connection.pending = asyncio.ensure_future(_finish(exchange, doing))

    def _over_limit_s(self) -> float:
        """Seconds until another call is allowed, 0 where this one is."""
        if self._per_second is None:
            return 0.0
        now = time.monotonic()
        filled = self._tokens + (now - self._filled_at) * self._per_second
        self._tokens, self._filled_at = min(self._burst, filled), now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._per_second


async def _finish(exchange: Exchange, doing: Awaitable[None]) -> None:
    try:
        await doing
    except Exception:
        exchange.hang_up(hard=True)
        raise


class ServerProcess:
    """The server in a process of its own, for clients that are killed or measured."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}/v1"

    def counts(self) -> dict[str, Any]:
        """``GET /counts``."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts") as reply:
            counts = orjson.loads(reply.read())
        assert isinstance(counts, dict)
        return counts


@contextlib.contextmanager
def server_process(
    folder: Path,
    script: Sequence[Mapping[str, Any]] = (),
    latency_s: float = 0.0,
    limit_per_minute: float | None = None,
) -> Iterator[ServerProcess]:
    """Runs a server while the block lasts; script and log lie in ``folder``."""
    (folder / "script.yaml").write_text(yaml.safe_dump([dict(line) for line in script]))
    command = [sys.executable, __file__, "--script", str(folder / "script.yaml")]
    command += ["--log", str(folder / "calls.jsonl"), "--latency", str(latency_s)]
    if limit_per_minute is not None:
        command += ["--limit-per-minute", str(limit_per_minute)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server did not start: exit code {process.wait()}")
        yield ServerProcess(process, int(line))
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """The events of a server's log, in order."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


async def _serve(options: argparse.Namespace) -> None:
    script = yaml.safe_load(options.script.read_text()) if options.script else []
    server = OpenaiServer(
        script or [], options.latency, options.log, options.limit_per_minute, options.burst
    )
    await server.start(options.port)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    print(server.port, flush=True)
    await stop.wait()
    await server.stop()


def main() -> None:
    """Serves until it is told to end."""
    parser = argparse.ArgumentParser(description="A loopback server for chat completions.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="YAML or JSON list of rules")
    parser.add_argument("--log", type=Path, help="JSON lines, one for each call and each reply")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--limit-per-minute", type=float, default=None)
    parser.add_argument("--burst", type=float, default=None)
    options = parser.parse_args()
    import uvloop

    uvloop.run(_serve(options))


if __name__ == "__main__":
    main()
