"""Connections that are kept between calls: what goes over them, and what is never used again."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
import uvloop
from aiohttp.client_proto import ResponseHandler

from annoengine.chat_errors import BrokenCall
from annoengine.wire_connection import has_parts
from annoengine.wire_session import WireSession

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Outcome = tuple[int, dict[str, str], bytes] | tuple[str, bool, bool]

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
HEADERS = {"Content-Type": "application/json", "X-A": "1"}


async def read_call(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a call. Raises IncompleteReadError where there is none any more."""
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].split()[0])
    return head, await reader.readexactly(size)


class Served:
    """A server whose every connection is answered by one function."""

    def __init__(self, serve: Serve) -> None:
        self.accepted = 0
        self.came, self.ended = asyncio.Semaphore(0), asyncio.Semaphore(0)
        """Released for each connection that has come, and that has ended."""
        self.open: set[asyncio.Task[None]] = set()
        self._serve = serve
        self.url = ""

    async def one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.came.release()
        task = asyncio.current_task()
        assert task is not None
        self.open.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._serve(reader, writer)
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()
        self.ended.release()


@contextlib.asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[Served]:
    by = Served(serve)
    server = await asyncio.start_server(by.one, "127.0.0.1", 0)
    by.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/x?a=%20b"
    async with server:
        yield by
        await asyncio.gather(*by.open)


@contextlib.asynccontextmanager
async def session(timeout_s: float = 5.0, concurrency: int = 1) -> AsyncIterator[WireSession]:
    wire = WireSession(timeout_s, concurrency, headers=HEADERS)
    try:
        yield wire
    finally:
        await wire.close()


@pytest.fixture(params=["direct", "by aiohttp's client"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways that a call may take."""
    if request.param != "direct":
        monkeypatch.setattr("annoengine.wire_session.has_parts", lambda: False)
    return str(request.param)


async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_call(reader)
        writer.write(OK)


async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await read_call(reader)


# --- the two ways ---------------------------------------------------------------------------


async def test_calls_go_by_aiohttps_client_where_its_parts_are_not_there(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    request = aiohttp.ClientSession._request

    async def count(self: Any, method: str, *rest: Any, **more: Any) -> aiohttp.ClientResponse:
        made.append(method)
        return await request(self, method, *rest, **more)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", count)
    async with served(answer_all) as server, session() as wire:
        for _ in range(3):
            assert await wire.post(server.url, b"x") == (200, {"content-length": "2"}, b"{}")
    assert server.accepted == 1
    # The direct way asks aiohttp's client once, for the address and the headers.
    assert len(made) == (1 if way == "direct" else 3)


def test_the_parts_are_known_by_their_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert has_parts()

    def set_response_params(self: Any, *, other: bool) -> None: ...

    with monkeypatch.context() as patch:
        patch.setattr(ResponseHandler, "set_response_params", set_response_params)
        assert not has_parts()
    with monkeypatch.context() as patch:
        patch.delattr("aiohttp.client_proto.ResponseHandler")
        assert not has_parts()
    with monkeypatch.context() as patch:
        patch.delattr(ResponseHandler, "should_close")
        assert not has_parts()
    assert has_parts()


PACKED = gzip.compress(b"{}", mtime=0)
REPLIES = {
    "length": OK,
    "status": b"HTTP/1.1 429 Slow Down\r\nRetry-After: 1\r\ncontent-length: 3\r\n\r\nno.",
    "repeated header": b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\ncontent-length: 0\r\n\r\n",
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n",
    "until the end": b"HTTP/1.1 200 OK\r\n\r\n{}",
    "old": b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}",
    "interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nl: x\r\n\r\n" + OK,
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "redirect": b"HTTP/1.1 307 There\r\nlocation: /v2\r\ncontent-length: 0\r\n\r\n",
    "packed": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b"
    % (len(PACKED), PACKED),
    "wrongly packed": b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}",
    "other protocol": b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nx",
    "cut in the head": OK[:25],
    "cut in the content": OK[:-1],
    "cut in a chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n{",
    "cut between chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n",
    "no chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxy\r\n{}\r\n0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 1\r\n\r\n{}",
    "no length": b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n{}",
    "long header": b"HTTP/1.1 200 OK\r\na: " + b"x" * 10_000 + b"\r\n\r\n",
    "another language": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "nothing": b"",
}


async def outcome_of(reply: bytes, url_of: Callable[[Served], str], body: bytes) -> Outcome:
    """What a WireSession makes of the bytes that a server sends before it hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_call(reader)
        writer.write(reply)

    async with served(answer) as server, session() as wire:
        try:
            status, headers, content = await wire.post(url_of(server), body)
        except BrokenCall as error:
            problem = str(error).replace(server.url.split("/")[2], "HOST")
            return problem, error.sent, error.hopeless
        return status, dict(headers), content


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_both_ways_give_the_same(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annoengine.wire_session.CONNECT_S", 0.1)

    async def outcomes() -> dict[str, Outcome]:
        found = {
            name: await outcome_of(raw, lambda s: s.url, b"x") for name, raw in REPLIES.items()
        }
        nowhere = await outcome_of(OK, lambda s: "http://127.0.0.1:1/v1", b"x")
        tls = await outcome_of(OK, lambda s: s.url.replace("http", "https"), b"x")
        return {**found, "refused": nowhere, "no TLS, and silent": tls}

    run = uvloop.run if loop == "uvloop" else asyncio.run
    direct = run(outcomes())
    monkeypatch.setattr("annoengine.wire_session.has_parts", lambda: False)
    assert direct == run(outcomes())
    broken = {name: outcome for name, outcome in direct.items() if isinstance(outcome[0], str)}
    assert {name: outcome[1:] for name, outcome in broken.items()} == {
        **dict.fromkeys(list(REPLIES)[list(REPLIES).index("cut in the head") :], (True, False)),
        "wrongly packed": (True, False),
        "refused": (False, False),
        "no TLS, and silent": (False, False),
    }
    assert direct["chunks"] == (200, {"transfer-encoding": "chunked"}, b"{}")
    assert direct["interim"] == (200, {"content-length": "2"}, b"{}")
    assert direct["packed"][2] == b"{}"
    assert direct["nothing"][0] == "ServerDisconnectedError: Server disconnected"


async def test_what_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    async def heads_of() -> list[list[str]]:
        heads: list[bytes] = []

        async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while True:
                head, body = await read_call(reader)
                heads.append(head)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))

        async with served(note) as server, session() as wire:
            own = {"X-B": "2"}
            for body in (b"abc", b"", b"y" * 1_000_000, b"z" * 2_000_000):
                assert (await wire.post(server.url, body, own))[2] == body
            await wire.post(server.url, b"abc", {"X-B": "3"})
            await wire.post(server.url.replace("/v1/x", "/v1/y"), b"abc")
        assert server.accepted == 1
        host = server.url.split("/")[2]
        return [head.decode().replace(host, "HOST").rstrip().split("\r\n") for head in heads]

    direct = await heads_of()
    assert [lines[0] for lines in direct] == [
        *["POST /v1/x?a=%20b HTTP/1.1"] * 5, "POST /v1/y?a=%20b HTTP/1.1"
    ]  # fmt: skip
    fields = [dict(line.split(": ", 1) for line in lines[1:]) for lines in direct]
    assert [(f["Host"], f["X-A"], f.get("X-B")) for f in fields] == [
        *[("HOST", "1", "2")] * 4, ("HOST", "1", "3"), ("HOST", "1", None)
    ]  # fmt: skip
    assert [f["Content-Length"] for f in fields] == ["3", "0", "1000000", "2000000", "3", "3"]
    monkeypatch.setattr("annoengine.wire_session.has_parts", lambda: False)
    assert [sorted(lines) for lines in direct] == [sorted(lines) for lines in await heads_of()]


async def test_a_header_is_one_line() -> None:
    async with served(answer_all) as server, session() as wire:
        for value in ("a\r\nY: b", "a\nb", "a\rb", "a\0b", "a\x1bb"):
            with pytest.raises(ValueError, match="a control character in the header 'X'"):
                await wire.post(server.url, b"", {"X": value})
        assert server.accepted == 0
        await wire.post(server.url, b"", {"X": "a\tb \u00e9"})


# --- connections ----------------------------------------------------------------------------


async def test_a_call_that_waits_for_a_connection_too_long_is_broken(way: str) -> None:
    async with served(never_answer) as server, session(timeout_s=0.1) as wire:
        first = asyncio.create_task(wire.post(server.url, b"first"))
        await server.came.acquire()
        second = asyncio.create_task(wire.post(server.url, b"second"))
        for call in (first, second):
            with pytest.raises(BrokenCall, match=r"no whole reply in 0\.1 s"):
                await call


async def test_a_cancelled_call_leaves_its_connection_and_its_place(way: str) -> None:
    async with served(never_answer) as server, session() as wire:
        for _ in range(3):
            call = asyncio.create_task(wire.post(server.url, b"x"))
            await server.came.acquire()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await server.ended.acquire()
        assert server.accepted == 3


@pytest.mark.parametrize("large", [1 << 20, 1 << 30])
async def test_a_reply_before_the_upload_has_ended(
    large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts, and the connection, on which the rest of the body is due, ends."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()
        await asyncio.sleep(0.05)

    monkeypatch.setattr("annoengine.wire_session._LARGE_BODY_BYTES", large)
    async with served(refuse) as server, session() as wire:
        for _ in range(2):
            status, _, content = await wire.post(server.url, bytes(30_000_000))
            assert (status, content) == (413, b"{}")
        assert server.accepted == 2


async def test_a_reply_that_nobody_asked_for_is_not_the_next_calls() -> None:
    async def say_more(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_call(reader)
        writer.write(OK)
        await asyncio.sleep(0.02)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong")
        more.set()
        await read_call(reader)
        raise AssertionError("it was used again")

    more = asyncio.Event()
    async with served(say_more) as server, session() as wire:
        for _ in range(2):
            assert (await wire.post(server.url, b"x"))[2] == b"{}"
            await more.wait()
            more.clear()
            await asyncio.sleep(0.02)
        assert server.accepted == 2


async def test_an_end_of_the_reply_that_is_the_end_of_the_connection(way: str) -> None:
    """The reply is larger than what aiohttp reads ahead."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_call(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000)

    async with served(hang_up) as server, session() as wire:
        for _ in range(2):
            assert len((await wire.post(server.url, b"x"))[2]) == 3_000_000
        assert server.accepted == 2


async def test_no_connection_is_left_open(way: str) -> None:
    async with served(answer_all) as server, session(concurrency=3) as wire:
        await asyncio.gather(*(wire.post(server.url, b"x") for _ in range(9)))
        await wire.close()
        for _ in range(3):
            await server.ended.acquire()
    assert server.accepted == 3
