"""A server on loopback that speaks OpenAI's chat completions, and misbehaves on a script.

It counts what it received and what it sent in whole, per body, in memory (``GET /counts``) and
in a JSON-lines log that is written through, so that a test can read it after killing a client.

    python tests/wire/openai_server.py --port 0 --script rules.yaml --log calls.jsonl

prints its port. A script is a list of rules; the first that fits a call is carried out::

    - {do: rate_limit, share: 0.1, seed: 3, times: 1, retry_after: 0.05}
    - {do: cut, every: 50}
    - {do: refusal, match: "7: zebra"}

``every`` counts calls; ``share`` draws from the body's hash, so that the same bodies are hit in
every run; ``times`` spares a body after so many hits; ``after`` and ``until`` are numbers of
calls; ``match`` is a regular expression on the text of the messages. Whatever else stands in a
rule goes to the misbehaviour of that name (:mod:`tests.wire.misbehaviours`). A raw asyncio
protocol rather than a web framework: on one core it takes several thousand bodies of 133 KB a
second, so that a benchmark measures the client.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import inspect
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import orjson
import yaml

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.wire.chat_answers import Call, answer_text, completion
from tests.wire.connection import Connection
from tests.wire.limited import Limited
from tests.wire.misbehaviours import MISBEHAVIOURS, Exchange, rate_limit
from tests.wire.script import Rule


class OpenaiServer:
    """The server within this process::

        async with OpenaiServer([{"do": "cut", "every": 2}]) as server:
            server.base_url  # http://127.0.0.1:49152/v1

    ``latency_s`` passes before every good answer. ``limited`` refuses calls beyond a rate, in the
    words of :class:`tests.wire.limited.Limited`; ``limit_per_minute`` and ``burst`` are short for
    a limit of requests that tells the true wait. It listens on ``host``; a ``deaf`` one reads
    nothing. ``keep_calls`` keeps every call in ``calls``, bodies and all. What is peculiar to the
    protocol is in ``CALL``, ``PATH`` and the methods that follow ``start`` and ``stop``; a server
    of another one overrides these.
    """

    CALL: ClassVar[type[Call]] = Call
    PATH: ClassVar[str] = "/v1"
    """What follows host and port in the address that a client is told."""

    def __init__(
        self,
        script: Iterable[Mapping[str, Any]] = (),
        latency_s: float = 0.0,
        log: Path | None = None,
        limit_per_minute: float | None = None,
        burst: float | None = None,
        keep_calls: bool = False,
        limited: Mapping[str, Any] | None = None,
        host: str = "127.0.0.1",
        deaf: bool = False,
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
        if limited is None and limit_per_minute:
            limited = {"requests_per_minute": limit_per_minute, "bucket": burst}
        self.limited = Limited(**limited) if limited else None
        self.refused = 0
        self.host = host
        self._deaf = deaf
        self._listens = asyncio.Event()
        self._listens.set()
        self._log_path = log
        self._log = -1
        self._server: asyncio.Server | None = None

    @property
    def base_url(self) -> str:
        """What a client is told."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.PATH}"

    async def start(self, port: int = 0) -> None:
        """Listens; ``port`` 0 takes a free one."""
        if self._log_path is not None:
            self._log = os.open(self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        await self._listen(port)

    async def _listen(self, port: int) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), self.host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self, seconds: float) -> None:
        """Hangs up on idle connections and refuses new ones for a while; once at a time."""
        for connection in list(self.connections):
            if connection.transport is not None and not connection.busy:
                connection.transport.close()
        if self._server is None or not self._listens.is_set():
            return
        self._listens.clear()
        try:
            self._server.close()
            await asyncio.sleep(seconds)
            await self._listen(self.port)
        finally:
            self._listens.set()

    async def stop(self) -> None:
        """Stops listening and hangs up on everyone; waits for the end of a refusal."""
        await self._listens.wait()
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

    def is_call(self, method: str, path: str) -> bool:
        """Whether a request is a call of the protocol."""
        return method == "POST" and path.partition("?")[0].endswith("/chat/completions")

    def answer(self, call: Call, text: str | None, finish_reason: str | None, **more: Any) -> bytes:
        """The body of a good reply."""
        return completion(call, text, finish_reason, **more)

    def error(
        self, call: Call, status: int, message: str, type_: str, code: str | None, **more: Any
    ) -> tuple[int, bytes]:
        """Status and body of an error."""
        error = {"message": message, "type": type_, "param": None, "code": code, **more}
        return status, orjson.dumps({"error": error})

    def no_answer(self) -> bytes:
        """The body of a good reply without an answer in it."""
        return b'{"id":"chatcmpl-x","object":"chat.completion","model":"m","choices":[]}'

    def counts(self) -> dict[str, Any]:
        """What was received and sent: in all, by status, by misbehaviour, and per body."""
        return {
            "received": sum(self.received.values()),
            "answered": sum(self.whole.values()),
            "statuses": {str(code): n for code, n in sorted(self.statuses.items())},
            "did": dict(sorted(self.did.items())),
            "refused": self.refused,
            "bodies": {
                body: {"received": n, "answered": self.whole[body]}
                for body, n in sorted(self.received.items())
            },
        }

    def came(self, connection: Connection) -> None:
        """A client has connected."""
        self.connections.add(connection)
        if self._deaf and connection.transport is not None:
            connection.transport.pause_reading()
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
        if self.is_call(method, path):
            sha256 = hashlib.sha256(body).hexdigest()
            self._numbers += 1
            call = self.CALL(self._numbers, path, headers, body, sha256, self.received[sha256])
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
        refusal = self._refusal(exchange.call, loop.time())
        if refusal is not None:
            exchange.by = "limit"
            self.refused += 1
            self._start(exchange, rate_limit(exchange, **refusal))
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
        exchange.send(exchange.answer(answer_text(exchange.call)))

    def _start(self, exchange: Exchange, doing: Awaitable[None]) -> None:
        self.did[exchange.by] += 1
        exchange.connection.pending = asyncio.ensure_future(_finish(exchange, doing))

    def _refusal(self, call: Call, now: float) -> Mapping[str, Any] | None:
        if self.limited is None:
            return None
        tokens = call.asked_tokens() if self.limited.counts_tokens else 0
        return self.limited.refuse(tokens, now)


async def _finish(exchange: Exchange, doing: Awaitable[None]) -> None:
    try:
        await doing
    except Exception:
        exchange.hang_up(hard=True)
        raise


class ServerProcess:
    """The server in a process of its own, for clients that are killed or measured."""

    def __init__(self, process: subprocess.Popen[str], port: int, path: str) -> None:
        self.process = process
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}{path}"

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
    kind: type[OpenaiServer] = OpenaiServer,
    limited: Mapping[str, Any] | None = None,
) -> Iterator[ServerProcess]:
    """Runs a server while the block lasts; script and log lie in ``folder``."""
    (folder / "script.yaml").write_text(yaml.safe_dump([dict(line) for line in script]))
    command = [sys.executable, inspect.getfile(kind), "--script", str(folder / "script.yaml")]
    command += ["--log", str(folder / "calls.jsonl"), "--latency", str(latency_s)]
    if limit_per_minute is not None:
        command += ["--limit-per-minute", str(limit_per_minute)]
    if limited is not None:
        command += ["--limited", yaml.safe_dump(dict(limited))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the server did not start: exit code {process.wait()}")
        yield ServerProcess(process, int(line), kind.PATH)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def read_log(path: Path) -> list[dict[str, Any]]:
    """The events of a server's log, in order."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


async def _serve(options: argparse.Namespace, kind: type[OpenaiServer]) -> None:
    script = yaml.safe_load(options.script.read_text()) if options.script else []
    server = kind(
        script or [],
        options.latency,
        options.log,
        options.limit_per_minute,
        options.burst,
        limited=yaml.safe_load(options.limited) if options.limited else None,
    )
    await server.start(options.port)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    print(server.port, flush=True)
    await stop.wait()
    await server.stop()


def main(kind: type[OpenaiServer] = OpenaiServer) -> None:
    """Serves until it is told to end."""
    parser = argparse.ArgumentParser(description="A loopback server for a provider's protocol.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, help="YAML or JSON list of rules")
    parser.add_argument("--log", type=Path, help="JSON lines, one for each call and each reply")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--limit-per-minute", type=float, default=None)
    parser.add_argument("--burst", type=float, default=None)
    parser.add_argument("--limited", help="YAML of limits, instead of the two before")
    options = parser.parse_args()
    import uvloop

    uvloop.run(_serve(options, kind))


if __name__ == "__main__":
    main()
