"""Calls that break: which of them may have been paid, and through what they go."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import uvloop

from annoengine.chat_errors import BrokenCall
from annoengine.errors import SettingError
from annoengine.providers.openai import Openai
from tests.wire.openai_calls import (
    Pictures,
    ask_for,
    clean_environment,
    failure_of,
    jpeg,
    opened,
    ride_on_httpx,
    verdict_on,
)
from tests.wire.openai_server import OpenaiServer


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


@pytest.fixture(params=["aiohttp", "httpx"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The SDK's client on aiohttp, and the one it has without its ``aiohttp`` extra."""
    if request.param == "httpx":
        ride_on_httpx(monkeypatch)
    return str(request.param)


BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"do": "cut"}, "again", "perhaps"),
    ({"do": "cut", "framing": "chunked"}, "again", "perhaps"),
    ({"do": "close"}, "again", "perhaps"),
    ({"do": "reset"}, "again", "perhaps"),
    ({"do": "garbage"}, "again", "perhaps"),
    ({"do": "stall"}, "again", "perhaps"),
    ({"do": "drip", "seconds": 20.0, "pieces": 400}, "again", "perhaps"),
]


@pytest.mark.parametrize(("rule", "action", "paid"), BROKEN, ids=lambda v: str(v))
async def test_broken_replies(rule: dict[str, Any], action: str, paid: str, transport: str) -> None:
    retry = await verdict_on([rule], timeout_s=0.2)
    assert (retry.action, retry.paid) == (action, paid)
    assert retry.reason.startswith("no whole reply: ")


def test_broken_replies_under_uvloop() -> None:
    async def verdicts() -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for rule, _, _ in BROKEN:
            retry = await verdict_on([rule], timeout_s=0.2)
            found.append((retry.action, retry.paid))
        return found

    assert uvloop.run(verdicts()) == [(action, paid) for _, action, paid in BROKEN]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def test_a_refused_connection_is_not_paid(transport: str) -> None:
    async with opened(f"http://127.0.0.1:{free_port()}/v1") as provider:
        error, retry = await failure_of(provider)
    assert isinstance(error, BrokenCall)
    assert (retry.action, retry.paid) == ("again", "no")
    assert retry.reason.startswith(f"no connection to {provider.base_url}: ")


async def test_an_unknown_host_is_not_paid(transport: str) -> None:
    async with opened("http://nowhere.invalid/v1") as provider:
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no")


async def test_a_connection_that_is_not_taken_is_not_paid(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annoengine.wire_session.CONNECT_S", 0.1)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):  # more than its queue holds: the next one gets no answer
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        async with opened(f"http://127.0.0.1:{listener.getsockname()[1]}/v1") as provider:
            _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no"), retry


async def test_an_upload_that_breaks_off_is_not_paid(transport: str) -> None:
    """No server works on half a body."""

    async def read_a_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.abort()

    server = await asyncio.start_server(read_a_little, "127.0.0.1", 0)
    async with server, opened(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1") as p:
        with pytest.raises(BrokenCall) as caught:
            await p.reply(ask_for(pictures=Pictures(jpeg(20_000_000))))
        assert p.classify(caught.value).paid == "no"


@pytest.mark.parametrize("way", ["close", "reset", "cut"])
async def test_an_upload_that_arrived_is_perhaps_paid(way: str, transport: str) -> None:
    async with OpenaiServer([{"do": way}]) as server, opened(server.base_url) as provider:
        with pytest.raises(BrokenCall) as caught:
            await provider.reply(ask_for(pictures=Pictures(jpeg(3_000_000))))
        assert provider.classify(caught.value).paid == "perhaps"
    assert server.counts()["received"] == 1


async def test_an_upload_that_is_not_taken_in_time_is_not_paid() -> None:
    async with OpenaiServer(deaf=True) as server, opened(server.base_url, timeout_s=0.2) as p:
        with pytest.raises(BrokenCall, match=r"no whole reply in 0\.2 s") as caught:
            await p.reply(ask_for(pictures=Pictures(jpeg(40_000_000))))
        assert p.classify(caught.value).paid == "no"


# --- connections that the server leaves -----------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_a_connection_that_was_left_is_not_used_again(
    concurrency: int, transport: str
) -> None:
    """The server hangs up after every answer without having said so."""
    async with OpenaiServer([{"do": "leave"}]) as server, opened(server.base_url) as provider:

        async def work() -> None:
            for _ in range(20):
                assert (await provider.reply(ask_for())).outcome == "answer"

        await asyncio.gather(*(work() for _ in range(concurrency)))
    assert server.counts()["received"] == server.accepted == 20 * concurrency


async def test_a_call_that_met_a_closing_connection_is_perhaps_paid() -> None:
    """The server hangs up on the second call: it may have read it."""
    script = [{"do": "close", "after": 1}]
    async with OpenaiServer(script) as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid, server.accepted) == ("again", "perhaps", 1)


async def test_a_server_that_is_gone_for_a_while_is_not_paid(transport: str) -> None:
    script = [{"do": "refuse", "until": 1, "seconds": 0.3}]
    async with OpenaiServer(script) as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        await asyncio.sleep(0.05)
        _, retry = await failure_of(provider)
        assert (retry.action, retry.paid) == ("again", "no")
        await asyncio.sleep(0.4)
        assert (await provider.reply(ask_for())).outcome == "answer"


# --- the way to the server ------------------------------------------------------------------


@pytest.mark.parametrize("host", ["::1", "127.0.0.1"])
async def test_localhost_is_either_of_its_addresses(
    host: str, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server listens on one of them; the name stands for both."""
    resolve = socket.getaddrinfo

    def both(name: str | bytes | None, *rest: Any, **more: Any) -> list[Any]:
        names = ["::1", "127.0.0.1"] if name in ("localhost", b"localhost") else [name]
        return [found for each in names for found in resolve(each, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    async with OpenaiServer(host=host) as server:
        for name in (f"[{host}]" if ":" in host else host, "localhost"):
            async with opened(f"http://{name}:{server.port}/v1") as provider:
                assert (await provider.reply(ask_for())).outcome == "answer"


async def test_the_proxy_of_the_environment_is_used(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with OpenaiServer(keep_calls=True) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        async with opened("http://api.example.invalid/v1") as provider:
            assert (await provider.reply(ask_for())).outcome == "answer"
    [call] = proxy.calls
    assert call.path == "http://api.example.invalid/v1/chat/completions"


async def test_no_proxy_for_this_machine_or_where_it_is_excepted(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    async with OpenaiServer() as server:
        for host in ("127.0.0.1", "localhost"):
            async with opened(f"http://{host}:{server.port}/v1") as provider:
                assert (await provider.reply(ask_for())).outcome == "answer"
    monkeypatch.setenv("NO_PROXY", "nowhere.invalid")
    async with opened("http://nowhere.invalid/v1") as provider:
        _, retry = await failure_of(provider)
    assert "nowhere.invalid" in retry.reason
    assert "127.0.0.1" not in retry.reason


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's own, of proxies' passwords
async def test_a_proxy_that_is_not_there_is_not_paid(
    transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("HTTP_PROXY", f"http://me:hunter22secret@127.0.0.1:{port}")
    async with opened("http://api.example.invalid/v1") as provider:
        error, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no")
    assert "hunter22secret" not in f"{error} {retry.reason}"


@pytest.mark.parametrize("way", ["close", "reset", "cut"])
async def test_the_failure_before_does_not_colour_this_one(way: str, transport: str) -> None:
    """A call made while a refused connection is being handled, and cut: perhaps paid."""
    async with (
        OpenaiServer([{"do": way}]) as server,
        opened(server.base_url) as provider,
        opened(f"http://127.0.0.1:{free_port()}/v1") as nowhere,
    ):
        refused, _ = await failure_of(nowhere)
        try:
            raise refused
        except BrokenCall:
            _, retry = await failure_of(provider)
    assert (nowhere.classify(refused).paid, retry.paid) == ("no", "perhaps")


async def test_tls_where_there_is_none(transport: str) -> None:
    async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"https://127.0.0.1:{port}/v1") as provider:
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no")


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program, which makes the certificate, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-keyout"]
    subprocess.run([*command, key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_an_untrusted_certificate_ends_the_run(
    self_signed: ssl.SSLContext, transport: str
) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("the client trusted it")

    server = await asyncio.start_server(never, "127.0.0.1", 0, ssl=self_signed)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"https://localhost:{port}/v1") as provider:
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("fatal", "no")
    assert retry.reason.startswith(f"the certificate of {provider.base_url} is no good: ")


async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
    body = b'{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}'
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    await writer.drain()
    writer.close()


async def test_a_certificate_that_the_environment_trusts(
    self_signed: ssl.SSLContext, transport: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificates are those that the SDK's own HTTP client goes by."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    server = await asyncio.start_server(answer_once, "127.0.0.1", 0, ssl=self_signed)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"https://localhost:{port}/v1") as provider:
        assert (await provider.reply(ask_for())).text == "x"


def test_tls_under_uvloop(
    self_signed: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body of a size, and one in slices; its TLS is not asyncio's."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))

    async def replies() -> list[str]:
        server = await asyncio.start_server(answer_once, "127.0.0.1", 0, ssl=self_signed)
        port = server.sockets[0].getsockname()[1]
        async with server, opened(f"https://localhost:{port}/v1") as provider:
            pictures = (Pictures(jpeg(100_000)), Pictures(jpeg(3_000_000)))
            return [(await provider.reply(ask_for(pictures=p))).text for p in pictures]

    assert uvloop.run(replies()) == ["x", "x"]


async def test_a_socks_proxy_needs_its_package_and_the_sentence_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """aiohttp goes through none; the SDK's own HTTP client does, with one more package."""
    monkeypatch.setenv("ALL_PROXY", "socks5://me:hunter22secret@127.0.0.1:1080")
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(SettingError) as caught:
        await Openai("gpt-4o", {"base_url": "https://api.example.invalid/v1"}).open()
    text = str(caught.value)
    assert text.startswith(
        "no way to https://api.example.invalid/v1 through the proxy of the environment: "
    )
    assert "socksio" in text
    assert text.endswith("; or except the server from it with NO_PROXY=api.example.invalid")
    assert "hunter22secret" not in text
    async with OpenaiServer() as server, opened(server.base_url) as provider:
        assert (await provider.reply(ask_for())).outcome == "answer"


NO_HTTP = [
    b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"cho\r\nnonsense\r\n',
    b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nx: " + b"long " * 40_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\ncontent-encoding: gzip\r\n\r\nnot gzip!",
]


@pytest.mark.parametrize("said", NO_HTTP, ids=["chunks", "length", "head", "packing"])
async def test_a_reply_that_is_no_http_is_perhaps_paid(said: bytes, transport: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
        writer.write(said)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    async with server, opened(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1") as p:
        error, retry = await failure_of(p)
    assert isinstance(error, BrokenCall)
    assert (retry.action, retry.paid) == ("again", "perhaps")


async def test_both_ways_send_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers and body, whatever their order."""
    async with OpenaiServer(keep_calls=True) as server:
        for on_httpx in (False, True):
            if on_httpx:
                ride_on_httpx(monkeypatch)
            async with opened(server.base_url, organization="org-1") as provider:
                await provider.reply(ask_for())
    first, second = server.calls
    assert first.body == second.body
    assert first.headers == second.headers
    assert first.headers["openai-organization"] == "org-1"


async def test_a_bug_is_not_taken_for_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    async with OpenaiServer() as server, opened(server.base_url) as provider:
        request = ask_for()
        monkeypatch.setattr(Pictures, "__call__", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError) as caught:
            await provider.reply(request)
        with pytest.raises(ZeroDivisionError):
            provider.classify(caught.value)
