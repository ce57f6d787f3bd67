"""The ``openai`` provider on the SDK's real client, against a real server that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest
import uvloop

from annoengine.chat_wire import BrokenCall, Rejected, chat_body
from annoengine.provider import (
    ImagePart,
    Message,
    Outcome,
    Reply,
    Request,
    Retry,
    Sampling,
    TextPart,
    Usage,
)
from annoengine.providers.openai import Openai
from annoengine.record import DrawnImage, Photo
from tests.wire.openai_server import OpenaiServer

KEY = "sk-proj-wireTESTkey0123456789abcd"
PROMPT = "Describe them. Their categories are: 1: person, 2: dog."


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in list(os.environ):
        of_openai = name.startswith("OPENAI_") and name != "OPENAI_API_KEY"
        if of_openai or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


class Pictures:
    """An image loader that counts."""

    def __init__(self, *pictures: bytes) -> None:
        self.by_hash = {hashlib.sha256(data).hexdigest(): data for data in pictures}
        self.loads = 0

    async def __call__(self, image: DrawnImage | Photo) -> bytes:
        self.loads += 1
        return self.by_hash[image.sha256]

    def parts(self) -> tuple[ImagePart, ...]:
        """A part for each picture."""
        return tuple(
            ImagePart(
                image=DrawnImage(
                    file="a.jpg",
                    sha256=sha256,
                    width=1,
                    height=1,
                    size_bytes=len(data),
                    encoder="test",
                )
            )
            for sha256, data in self.by_hash.items()
        )


def jpeg(size_bytes: int = 100) -> bytes:
    return b"\xff\xd8\xff\xe0".ljust(size_bytes, b"\x5a")


def ask_for(
    text: str = PROMPT, pictures: Pictures | None = None, sampling: Sampling = Sampling()
) -> Request:
    pictures = pictures or Pictures(jpeg())
    parts: tuple[TextPart | ImagePart, ...] = (TextPart(text=text), *pictures.parts())
    message = Message(role="user", parts=parts)
    return Request(model="annotator", messages=(message,), sampling=sampling, load=pictures)


@contextlib.asynccontextmanager
async def opened(base_url: str, **options: Any) -> AsyncIterator[Openai]:
    provider = Openai("gpt-4o", {"base_url": base_url, "timeout_s": 5, **options})
    await provider.open()
    try:
        yield provider
    finally:
        await provider.close()


async def reply_to(script: list[Mapping[str, Any]], **options: Any) -> Reply:
    async with OpenaiServer(script) as server, opened(server.base_url, **options) as provider:
        return await provider.reply(ask_for())


async def failure_of(provider: Openai) -> tuple[Exception, Retry]:
    try:
        reply = await provider.reply(ask_for())
    except Exception as error:
        return error, provider.classify(error)
    raise AssertionError(f"there was a reply: {reply}")


async def verdict_on(script: list[Mapping[str, Any]], **options: Any) -> Retry:
    async with OpenaiServer(script) as server, opened(server.base_url, **options) as provider:
        return (await failure_of(provider))[1]


@pytest.fixture(params=["aiohttp", "httpx"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The SDK's client on aiohttp, and the one it has without its ``aiohttp`` extra."""
    if request.param == "httpx":

        def missing(**_: Any) -> None:
            raise RuntimeError("the aiohttp extra is not installed")

        monkeypatch.setattr(openai, "DefaultAioHttpClient", missing)
    return str(request.param)


# --- answers --------------------------------------------------------------------------------


async def test_a_call_and_its_reply() -> None:
    pictures = Pictures(jpeg(), b"\x89PNG\r\n\x1a\n" + b"p" * 50)
    request = ask_for(pictures=pictures, sampling=Sampling(max_tokens=500, detail="low"))
    async with (
        OpenaiServer(keep_calls=True) as server,
        opened(server.base_url, organization="org-7") as provider,
    ):
        reply = await provider.reply(request)
    [call] = server.calls
    assert call.body == await chat_body(request, provider.dialect)
    assert call.headers["content-type"] == "application/json"
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert call.headers["openai-organization"] == "org-7"
    assert reply.text.startswith("The objects include:\n1. Person: the person is ")
    assert "\n2. Dog: the dog is " in reply.text
    assert reply == Reply(
        text=reply.text,
        outcome="answer",
        model="gpt-4o-2024-08-06",
        detail="stop",
        usage=Usage(len(PROMPT) // 4 + 2 * 765, len(reply.text) // 4, 0),
        request_id="req_00000001",
    )


async def test_a_server_on_this_machine_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    async with OpenaiServer(keep_calls=True) as server, opened(server.base_url) as provider:
        assert (await provider.reply(ask_for())).outcome == "answer"
    assert server.calls[0].headers["authorization"] == "Bearer none"


async def test_the_environment_may_name_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    async with OpenaiServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url + "/")
        provider = Openai("gpt-4o", {})
        await provider.open()
        assert (await provider.reply(ask_for())).outcome == "answer"
        await provider.close()


@pytest.mark.parametrize(
    ("rule", "outcome", "detail"),
    [
        ({"do": "refusal"}, "refusal", "stop"),
        ({"do": "content_filter"}, "filtered", "content_filter"),
        ({"do": "truncated"}, "truncated", "length"),
        ({"do": "empty"}, "empty", "stop"),
        ({"do": "empty", "text": None}, "empty", "stop"),
        ({"do": "empty", "text": " \n"}, "empty", "stop"),
        ({"do": "say", "text": "x", "finish_reason": None}, "answer", ""),
        ({"do": "drip", "seconds": 0.05}, "answer", "stop"),
    ],
)
async def test_outcomes(rule: dict[str, Any], outcome: Outcome, detail: str) -> None:
    reply = await reply_to([rule])
    assert (reply.outcome, reply.detail) == (outcome, detail)


async def test_cached_tokens_are_read() -> None:
    reply = await reply_to([{"do": "say", "text": "x", "cached_tokens": 640}])
    assert reply.usage.cached_input_tokens == 640


async def test_a_limit_of_tokens_truncates() -> None:
    async with OpenaiServer() as server, opened(server.base_url) as provider:
        reply = await provider.reply(ask_for(sampling=Sampling(max_tokens=5)))
    assert (reply.outcome, len(reply.text)) == ("truncated", 20)


@pytest.mark.parametrize("size_bytes", [785_000, 1_600_000])  # bodies below and above 1 MiB
async def test_large_pictures_arrive_whole(size_bytes: int) -> None:
    request = ask_for(pictures=Pictures(jpeg(size_bytes)))
    async with OpenaiServer(keep_calls=True) as server, opened(server.base_url) as provider:
        for _ in range(2):
            assert (await provider.reply(request)).outcome == "answer"
        expected = await chat_body(request, provider.dialect)
    assert [call.body for call in server.calls] == [expected, expected]
    assert server.accepted == 1


async def test_a_picture_is_encoded_once_however_often_it_is_sent() -> None:
    pictures = Pictures(jpeg())
    request = ask_for(pictures=pictures)
    script = [{"do": "status", "status": 500, "times": 2}]
    async with OpenaiServer(script) as server, opened(server.base_url) as provider:
        for _ in range(2):
            with pytest.raises(Rejected):
                await provider.reply(request)
        await provider.reply(request)
        assert (pictures.loads, list(server.received.values())) == (1, [3])
        assert not any(isinstance(kept, bytes) for kept in vars(request).values())


async def test_no_more_connections_than_the_window() -> None:
    async with (
        OpenaiServer(latency_s=0.01) as server,
        opened(server.base_url, max_concurrency=3) as provider,
    ):
        await asyncio.gather(*(provider.reply(ask_for(f"{PROMPT} {n}")) for n in range(12)))
    assert (server.accepted, server.counts()["answered"]) == (3, 12)


@pytest.mark.parametrize(("idle_s", "connections"), [(0.2, 2), (60.0, 1)])
async def test_an_idle_connection_is_left_before_the_server_leaves_it(
    idle_s: float, connections: int, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annoengine.providers.openai._KEEP_ALIVE_S", idle_s / 4)
    async with OpenaiServer() as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        await asyncio.sleep(0.2)
        await provider.reply(ask_for())
    assert server.accepted == connections


async def test_closing_twice_and_opening_again() -> None:
    async with OpenaiServer() as server:
        provider = Openai("gpt-4o", {"base_url": server.base_url})
        await provider.close()
        for _ in range(2):
            await provider.open()
            await provider.open()
            assert (await provider.reply(ask_for())).outcome == "answer"
            await provider.close()
            await provider.close()
        assert server.accepted == 2


# --- refusals of the server -----------------------------------------------------------------

STATUSES: list[tuple[dict[str, Any], Retry]] = [
    ({"do": "rate_limit"}, Retry("slow_down", "rate limit (429)")),
    ({"do": "rate_limit", "retry_after": 2}, Retry("slow_down", "rate limit (429)", after_s=2)),
    (
        {"do": "rate_limit", "retry_after_ms": 30, "retry_after": 1},
        Retry("slow_down", "rate limit (429)", after_s=0.03),
    ),
    ({"do": "rate_limit", "date_in_s": 40}, Retry("slow_down", "rate limit (429)", after_s=40)),
    ({"do": "rate_limit", "reset_s": 1.5}, Retry("slow_down", "rate limit (429)", after_s=1.5)),
    (
        {"do": "quota"},
        Retry(
            "fatal",
            "the account has no credit left (429): You exceeded your current quota, please check "
            "your plan and billing details",
        ),
    ),
    ({"do": "status", "status": 500}, Retry("again", "server error (500)")),
    ({"do": "gateway", "status": 502}, Retry("again", "server error (502)")),
    (
        {"do": "status", "status": 503, "retry_after": 4},
        Retry("again", "server error (503)", after_s=4),
    ),
    ({"do": "gateway", "status": 504}, Retry("again", "server error (504)", "perhaps")),
    ({"do": "status", "status": 529}, Retry("again", "server error (529)")),
    ({"do": "status", "status": 408}, Retry("again", "status 408")),
    ({"do": "status", "status": 409}, Retry("again", "status 409")),
    (
        {"do": "status", "status": 403, "message": "Country not supported"},
        Retry(
            "fatal", "URL denies access with the key in OPENAI_API_KEY (403): Country not supported"
        ),
    ),
    (
        {"do": "no_model"},
        Retry(
            "fatal",
            "no model 'gpt-4o' at URL (404): The model `gpt-4o` does not exist; "
            "check model and base_url",
        ),
    ),
    (
        {"do": "policy"},
        Retry(
            "never",
            "content policy (400): Your request was rejected as a result of our safety system",
            outcome="filtered",
        ),
    ),
    (
        {"do": "policy", "azure": True},
        Retry("never", "content policy (400): The prompt was filtered", outcome="filtered"),
    ),
    (
        {"do": "too_long"},
        Retry(
            "never",
            "rejected (400, context_length_exceeded): This model's maximum context length is "
            "128000 tokens. Please reduce your prompt",
        ),
    ),
    (
        {"do": "redirect", "to": "https://elsewhere.example/v1"},
        Retry(
            "fatal",
            "URL takes no calls (308) (it points to https://elsewhere.example/v1); check base_url",
        ),
    ),
    ({"do": "error_in_200"}, Retry("slow_down", "rate limit (429)")),
    (
        {"do": "error_in_200", "code": "overloaded"},
        Retry(
            "again",
            "no answer in the reply: an error in a reply of status 200: Provider returned error",
            "perhaps",
        ),
    ),
    (
        {"do": "no_choices"},
        Retry(
            "again",
            "no answer in the reply: no choices with a message: it begins "
            '\'{"id":"chatcmpl-x","object":"chat.completion","model":"m","choices":[]}\'',
            "perhaps",
        ),
    ),
    (
        {"do": "html"},
        Retry(
            "again",
            "no answer in the reply: not JSON (text/html): it begins "
            "'<html><body>Welcome to the proxy</body></html>'",
            "perhaps",
        ),
    ),
]


@pytest.mark.parametrize(("rule", "expected"), STATUSES, ids=lambda v: str(v)[:60])
async def test_refusals(rule: dict[str, Any], expected: Retry) -> None:
    async with OpenaiServer([rule]) as server, opened(server.base_url) as provider:
        error, retry = await failure_of(provider)
        reason = retry.reason.replace(server.base_url, "URL")
    assert (retry.action, reason, retry.paid, retry.outcome) == (
        expected.action,
        expected.reason,
        expected.paid,
        expected.outcome,
    )
    assert retry.after_s == expected.after_s
    assert str(error)
    assert server.counts()["received"] == 1  # nothing tried again by itself, nowhere redirected


async def test_broken_json_is_perhaps_paid() -> None:
    retry = await verdict_on([{"do": "not_json"}])
    assert (retry.action, retry.paid) == ("again", "perhaps")
    assert retry.reason.startswith("no answer in the reply: not JSON (application/json): it begins")


# --- broken connections ---------------------------------------------------------------------

BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"do": "cut"}, "again", "perhaps"),
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
    monkeypatch.setattr("annoengine.providers.openai._CONNECT_S", 0.1)
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


async def test_an_upload_that_breaks_off_is_perhaps_paid(transport: str) -> None:
    async def read_a_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.transport.abort()

    server = await asyncio.start_server(read_a_little, "127.0.0.1", 0)
    async with server, opened(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1") as p:
        with pytest.raises(BrokenCall) as caught:
            await p.reply(ask_for(pictures=Pictures(jpeg(6_000_000))))
        assert p.classify(caught.value).paid == "perhaps"


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


async def test_a_bug_is_not_taken_for_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    async with OpenaiServer() as server, opened(server.base_url) as provider:
        request = ask_for()
        monkeypatch.setattr(Pictures, "__call__", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError) as caught:
            await provider.reply(request)
        with pytest.raises(ZeroDivisionError):
            provider.classify(caught.value)


# --- keys -----------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, "plainword-without-prefix"])
@pytest.mark.parametrize("masked", [False, True])
async def test_a_key_that_the_server_echoes_goes_nowhere(
    key: str, masked: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    caplog.set_level(logging.DEBUG)
    script = [{"do": "bad_key", "masked": masked}]
    async with OpenaiServer(script) as server, opened(server.base_url) as provider:
        error, retry = await failure_of(provider)
        seen = [str(error), repr(error), retry.reason, repr(provider), caplog.text]
        seen += [repr(value) for value in vars(provider).values() if value != (key,)]
    assert retry.action == "fatal"
    assert retry.reason.startswith(
        f"{provider.base_url} does not know the key in OPENAI_API_KEY (401): "
        "Incorrect API key provided: [key]"
    )
    for text in seen:
        assert key not in text
        assert key[:8] not in text
        assert f"*{key[-4:]}" not in text


# --- the server itself ----------------------------------------------------------------------


async def test_calls_are_answered_alike_every_time() -> None:
    texts = set()
    for _ in range(2):
        texts.add((await reply_to([])).text)
    assert len(texts) == 1


async def test_a_body_of_its_own_gets_an_answer_of_its_own() -> None:
    async with OpenaiServer() as server, opened(server.base_url) as provider:
        replies = [await provider.reply(ask_for(f"{PROMPT} ({n})")) for n in range(5)]
    assert len({reply.text for reply in replies}) == 5
    assert orjson.dumps(server.counts()["bodies"]).count(b'"received":1') == 5
