"""Calls to Gemini that break: which of them may have been paid, and through what they go."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import uvloop

from annoengine.chat_errors import BrokenCall
from annoengine.errors import SettingError
from annoengine.providers.gemini import Gemini
from tests.wire.gemini_calls import (
    MODEL,
    clean_environment,
    failure_of,
    opened,
    reply_to,
    verdict_on,
)
from tests.wire.gemini_server import GeminiServer
from tests.wire.openai_calls import Pictures, ask_for, jpeg


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


BROKEN: list[dict[str, Any]] = [
    {"do": "cut"},
    {"do": "cut", "framing": "chunked"},
    {"do": "close"},
    {"do": "reset"},
    {"do": "garbage"},
    {"do": "stall"},
    {"do": "drip", "seconds": 20.0, "pieces": 400},
]


@pytest.mark.parametrize("rule", BROKEN, ids=str)
async def test_broken_replies(rule: dict[str, Any]) -> None:
    retry = await verdict_on([rule], timeout_s=0.2)
    assert (retry.action, retry.paid) == ("again", "perhaps")
    assert retry.reason.startswith("no whole reply: ")


def test_broken_replies_under_uvloop() -> None:
    async def verdicts() -> list[tuple[str, str]]:
        found = [await verdict_on([rule], timeout_s=0.2) for rule in BROKEN]
        return [(retry.action, retry.paid) for retry in found]

    assert uvloop.run(verdicts()) == [("again", "perhaps")] * len(BROKEN)


@pytest.mark.parametrize("way", ["close", "reset", "cut"])
async def test_a_broken_call_is_sent_once(way: str) -> None:
    """The SDK's own sending would sleep and send again, whatever its retries are set to."""
    async with GeminiServer([{"do": way}]) as server, opened(server.base_url) as provider:
        await failure_of(provider)
        await asyncio.sleep(0.05)
    assert (server.counts()["received"], server.accepted) == (1, 1)


async def test_a_stalled_reply_holds_up_no_other() -> None:
    script = [{"do": "stall", "match": "dog"}]
    async with (
        GeminiServer(script) as server,
        opened(server.base_url, timeout_s=0.5) as provider,
    ):
        stalled = asyncio.ensure_future(provider.reply(ask_for("a dog")))
        for n in range(20):
            assert (await provider.reply(ask_for(f"a cat {n}"))).outcome == "answer"
        assert not stalled.done()
        with pytest.raises(BrokenCall, match=r"^no whole reply in 0\.5 s$"):
            await stalled
        assert (await provider.reply(ask_for("a cat"))).outcome == "answer"


async def test_a_slow_drip_that_ends_in_time_is_an_answer() -> None:
    reply = await reply_to([{"do": "drip", "seconds": 0.3, "pieces": 30}])
    assert reply.outcome == "answer"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def test_a_refused_connection_is_not_paid() -> None:
    async with opened(f"http://127.0.0.1:{free_port()}") as provider:
        error, retry = await failure_of(provider)
    assert isinstance(error, BrokenCall)
    assert (retry.action, retry.paid) == ("again", "no")
    assert retry.reason.startswith(f"no connection to {provider.base_url}: ClientConnectorError: ")


async def test_an_unknown_host_is_not_paid() -> None:
    async with opened("http://nowhere.invalid") as provider:
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no")


async def test_a_connection_that_is_not_taken_is_not_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annoengine.wire_session.CONNECT_S", 0.1)
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):  # more than its queue holds: the next one gets no answer
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        async with opened(f"http://127.0.0.1:{listener.getsockname()[1]}") as provider:
            _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no"), retry


async def test_an_upload_that_breaks_off_is_not_paid() -> None:
    """No server works on half a body."""

    async def read_a_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.abort()

    server = await asyncio.start_server(read_a_little, "127.0.0.1", 0)
    async with server, opened(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as p:
        with pytest.raises(BrokenCall) as caught:
            await p.reply(ask_for(pictures=Pictures(jpeg(20_000_000))))
        assert p.classify(caught.value).paid == "no"


@pytest.mark.parametrize("way", ["close", "reset", "cut"])
async def test_an_upload_that_arrived_is_perhaps_paid(way: str) -> None:
    async with GeminiServer([{"do": way}]) as server, opened(server.base_url) as provider:
        with pytest.raises(BrokenCall) as caught:
            await provider.reply(ask_for(pictures=Pictures(jpeg(3_000_000))))
        assert provider.classify(caught.value).paid == "perhaps"
    assert server.counts()["received"] == 1


async def test_an_upload_that_is_not_taken_in_time_is_not_paid() -> None:
    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await over.wait()
        writer.transport.abort()
        gone.set()

    over, gone = asyncio.Event(), asyncio.Event()
    server = await asyncio.start_server(never_read, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with opened(url, timeout_s=0.2) as provider:
            with pytest.raises(BrokenCall, match=r"no whole reply in 0\.2 s") as caught:
                await provider.reply(ask_for(pictures=Pictures(jpeg(40_000_000))))
            assert provider.classify(caught.value).paid == "no"
        over.set()
        await gone.wait()


# --- connections that the server leaves -----------------------------------------------------


@pytest.mark.parametrize("concurrency", [1, 8])
async def test_a_connection_that_was_left_is_not_used_again(concurrency: int) -> None:
    """The server hangs up after every answer without having said so."""
    async with GeminiServer([{"do": "leave"}]) as server, opened(server.base_url) as provider:

        async def work() -> None:
            for _ in range(20):
                assert (await provider.reply(ask_for())).outcome == "answer"

        await asyncio.gather(*(work() for _ in range(concurrency)))
    assert server.counts()["received"] == server.accepted == 20 * concurrency


async def test_a_call_that_met_a_closing_connection_is_perhaps_paid() -> None:
    """The server hangs up on the second call: it may have read it."""
    script = [{"do": "close", "after": 1}]
    async with GeminiServer(script) as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid, server.accepted) == ("again", "perhaps", 1)


async def test_a_server_that_is_gone_for_a_while_is_not_paid() -> None:
    script = [{"do": "refuse", "until": 1, "seconds": 0.3}]
    async with GeminiServer(script) as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        await asyncio.sleep(0.05)
        _, retry = await failure_of(provider)
        assert (retry.action, retry.paid) == ("again", "no")
        await asyncio.sleep(0.4)
        assert (await provider.reply(ask_for())).outcome == "answer"


@pytest.mark.parametrize("way", ["close", "reset", "cut"])
async def test_the_failure_before_does_not_colour_this_one(way: str) -> None:
    """A call made while a refused connection is being handled, and cut: perhaps paid."""
    async with (
        GeminiServer([{"do": way}]) as server,
        opened(server.base_url) as provider,
        opened(f"http://127.0.0.1:{free_port()}") as nowhere,
    ):
        refused, _ = await failure_of(nowhere)
        try:
            raise refused
        except BrokenCall:
            _, retry = await failure_of(provider)
    assert (nowhere.classify(refused).paid, retry.paid) == ("no", "perhaps")


# --- the way to the server ------------------------------------------------------------------


async def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with GeminiServer(keep_calls=True) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:hunter22@127.0.0.1:{proxy.port}")
        async with opened("http://api.example.invalid") as provider:
            for _ in range(2):
                assert (await provider.reply(ask_for())).outcome == "answer"
    for call in proxy.calls:
        assert call.path == f"http://api.example.invalid/v1/models/{MODEL}:generateContent"
        assert call.headers["proxy-authorization"] == "Basic bWU6aHVudGVyMjI="
    assert (len(proxy.calls), proxy.accepted) == (2, 1)


async def test_no_proxy_for_this_machine_or_where_it_is_excepted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    async with GeminiServer() as server:
        for host in ("127.0.0.1", "localhost"):
            async with opened(f"http://{host}:{server.port}") as provider:
                assert (await provider.reply(ask_for())).outcome == "answer"
    monkeypatch.setenv("NO_PROXY", "nowhere.invalid")
    async with opened("http://nowhere.invalid") as provider:
        _, retry = await failure_of(provider)
    assert "nowhere.invalid" in retry.reason
    assert "127.0.0.1" not in retry.reason


async def test_a_proxy_that_is_not_there_is_not_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://me:hunter22secret@127.0.0.1:{free_port()}")
    async with opened("http://api.example.invalid") as provider:
        error, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no")
    assert "hunter22secret" not in f"{error} {retry.reason}"


async def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(SettingError) as caught:
        await Gemini(MODEL, {}).open()
    assert str(caught.value) == (
        "the proxy for https is of the kind 'socks5'; gemini goes through http and https proxies; "
        "set HTTPS_PROXY to one, or NO_PROXY=generativelanguage.googleapis.com"
    )


async def test_a_login_in_netrc_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """aiohttp would take it over, and refuse the token of Vertex beside it."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password hunter22secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with GeminiServer(keep_calls=True) as server, opened(server.base_url) as provider:
        assert (await provider.reply(ask_for())).outcome == "answer"
    assert "authorization" not in server.calls[0].headers


async def test_a_redirect_does_not_take_the_key_along() -> None:
    async with GeminiServer() as elsewhere:
        rule = {"do": "redirect", "to": f"{elsewhere.base_url}/v1/models/{MODEL}:generateContent"}
        retry = await verdict_on([rule])
        assert (retry.action, elsewhere.accepted) == ("fatal", 0)


async def test_tls_where_there_is_none() -> None:
    async def speak_plainly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(speak_plainly, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"https://127.0.0.1:{port}") as provider:
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("again", "no")


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    if shutil.which("openssl") is None:
        pytest.skip("the openssl program, which makes the certificate, is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout"]
    subprocess.run([*command, key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_an_untrusted_certificate_ends_the_run(self_signed: ssl.SSLContext) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise AssertionError("the client trusted it")

    server = await asyncio.start_server(never, "127.0.0.1", 0, ssl=self_signed)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"https://localhost:{port}") as provider:
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("fatal", "no")
    assert retry.reason.startswith(f"the certificate of {provider.base_url} is no good: ")


async def test_a_certificate_that_the_environment_trusts(
    self_signed: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificates are those that the SDK's client goes by (SSL_CERT_FILE, else certifi's)."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
        body = b'{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}]}'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=self_signed)
    port = server.sockets[0].getsockname()[1]
    async with server, opened(f"https://localhost:{port}") as provider:
        assert (await provider.reply(ask_for())).text == "x"


async def test_a_bug_is_not_taken_for_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    async with GeminiServer() as server, opened(server.base_url) as provider:
        request = ask_for()
        monkeypatch.setattr(Pictures, "__call__", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError) as caught:
            await provider.reply(request)
        with pytest.raises(ZeroDivisionError):
            provider.classify(caught.value)
