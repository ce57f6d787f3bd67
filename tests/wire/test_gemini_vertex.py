"""The ``gemini`` provider on Vertex: application-default credentials, tokens, addresses.

The credentials are those of a service account whose key file names a loopback server of tokens.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from annoengine.chat_errors import BrokenCall
from annoengine.errors import SettingError
from annoengine.provider import Retry
from annoengine.providers.gemini import Gemini
from tests.wire.gemini_answers import error
from tests.wire.gemini_calls import KEY, MODEL, clean_environment, failure_of, opened
from tests.wire.gemini_server import GeminiServer
from tests.wire.openai_calls import ask_for

PLACE = {"project": "my-project", "location": "europe-west4"}


class TokenServer:
    """Gives out tokens that are numbered, valid for ``valid_s``; or an error."""

    def __init__(self) -> None:
        self.given = self.asked = 0
        self.valid_s = 3599
        self.fault: tuple[int, dict[str, Any]] | None = None
        self.hang_up = False
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request: the assertion in, a token out."""
        self.asked += 1
        if self.hang_up:
            writer.transport.abort()
            return
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
        status, body = self.fault or (200, self._token())
        data = orjson.dumps(body)
        line = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n"
        writer.write(f"{line}content-length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        writer.close()

    def _token(self) -> dict[str, Any]:
        self.given += 1
        token = f"ya29.secret-token-number-{self.given:04d}"
        return {"access_token": token, "expires_in": self.valid_s, "token_type": "Bearer"}


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture
async def tokens(
    private_key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TokenServer]:
    clean_environment(monkeypatch)
    running = TokenServer()
    server = await asyncio.start_server(running.answer, "127.0.0.1", 0)
    running.port = server.sockets[0].getsockname()[1]
    account = {
        "type": "service_account",
        "project_id": "own-project",
        "private_key_id": "k1",
        "private_key": private_key,
        "client_email": "annotator@own-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": f"http://127.0.0.1:{running.port}/token",
    }
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "account.json"))
    async with server:
        yield running


async def test_a_call_on_vertex(tokens: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", KEY)  # is not for Vertex
    async with (
        GeminiServer(keep_calls=True) as server,
        opened(server.base_url, vertex=PLACE) as provider,
    ):
        for _ in range(3):
            assert (await provider.reply(ask_for())).outcome == "answer"
    for call in server.calls:
        assert call.path == (
            "/v1beta1/projects/my-project/locations/europe-west4/publishers/google/models/"
            f"{MODEL}:generateContent"
        )
        assert call.headers["authorization"] == "Bearer ya29.secret-token-number-0001"
        assert "x-goog-api-key" not in call.headers
    assert (tokens.given, server.accepted) == (1, 1)


@pytest.mark.parametrize(
    ("vertex", "environment", "path"),
    [
        ({}, {}, "own-project/locations/global"),
        (
            {},
            {"GOOGLE_CLOUD_PROJECT": "env-project", "GOOGLE_CLOUD_LOCATION": "us-east1"},
            "env-project/locations/us-east1",
        ),
        (
            {"project": "p", "location": "us"},
            {"GOOGLE_CLOUD_PROJECT": "env-project", "GOOGLE_CLOUD_LOCATION": "us-east1"},
            "p/locations/us",
        ),
    ],
)
async def test_project_and_location(
    vertex: dict[str, str],
    environment: dict[str, str],
    path: str,
    tokens: TokenServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    async with (
        GeminiServer(keep_calls=True) as server,
        opened(server.base_url, vertex=vertex) as provider,
    ):
        await provider.reply(ask_for())
    assert server.calls[0].path.startswith(f"/v1beta1/projects/{path}/publishers/google/models/")


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
    ],
)
async def test_the_client_knows_the_address_of_each_region(
    location: str, host: str, tokens: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).decode().partition("\r\n")[0])
        writer.write(b"HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    asked: list[str] = []
    proxy = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    provider = Gemini(MODEL, {"vertex": {"project": "p", "location": location}})
    async with proxy:
        await provider.open()
        error, retry = await failure_of(provider)
        await provider.close()
    assert asked == [f"CONNECT {host}:443 HTTP/1.1"]
    assert isinstance(error, BrokenCall)
    assert (retry.action, retry.paid) == ("again", "no")


async def test_a_token_that_has_expired_is_renewed_once(tokens: TokenServer) -> None:
    async with (
        GeminiServer(keep_calls=True) as server,
        opened(server.base_url, vertex=PLACE) as provider,
    ):
        await provider.reply(ask_for())
        tokens.valid_s = 1  # google-auth renews before the end: this one is over at once
        expire(provider)
        await provider.reply(ask_for())
        tokens.valid_s = 3599
        await asyncio.gather(*(provider.reply(ask_for(f"cat {n}")) for n in range(20)))
    sent = [call.headers["authorization"][-4:] for call in server.calls]
    assert sent == ["0001", "0002"] + ["0003"] * 20
    assert tokens.given == 3


def expire(provider: Gemini) -> None:
    """Lets the clock jump past the end of the token."""
    connection = provider._connection
    assert connection is not None
    connection._credentials.expiry = connection._credentials.expiry.replace(year=2001)


async def test_a_server_of_tokens_that_is_gone_for_a_while(tokens: TokenServer) -> None:
    async with GeminiServer() as server, opened(server.base_url, vertex=PLACE) as provider:
        await provider.reply(ask_for())
        expire(provider)
        tokens.hang_up = True
        _, retry = await failure_of(provider)
        assert (retry.action, retry.paid) == ("again", "no")
        assert retry.reason.startswith("no token for Vertex: ")
        before = tokens.asked
        calls = (provider.reply(ask_for(f"dog {n}")) for n in range(20))
        problems = await asyncio.gather(*calls, return_exceptions=True)
        assert len({id(problem) for problem in problems if isinstance(problem, BrokenCall)}) == 20
        assert tokens.asked <= before + 2  # all twenty waited for one answer
        tokens.hang_up = False
        assert (await provider.reply(ask_for())).outcome == "answer"
    assert server.counts()["received"] == 2


async def test_a_login_that_was_revoked_ends_the_run(tokens: TokenServer) -> None:
    async with GeminiServer() as server, opened(server.base_url, vertex=PLACE) as provider:
        await provider.reply(ask_for())
        expire(provider)
        tokens.fault = (400, {"error": "invalid_grant", "error_description": "Token revoked."})
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("fatal", "no")
    assert retry.reason.startswith("no token for Vertex: ")
    assert "Token revoked." in retry.reason


async def test_a_login_that_is_no_good_is_told_at_once(tokens: TokenServer) -> None:
    tokens.fault = (400, {"error": "invalid_grant", "error_description": "Not a valid login."})
    provider = Gemini(MODEL, {"base_url": "http://127.0.0.1:1", "vertex": PLACE})
    with pytest.raises(
        SettingError, match=r"gemini/gemini-2.5-flash: no token for Vertex: .*Not a"
    ):
        await provider.open()
    await provider.close()


async def test_no_credentials(
    tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(SettingError) as caught:
        await Gemini(MODEL, {"vertex": PLACE}).open()
    assert str(caught.value).startswith("Vertex needs application-default credentials (")
    assert str(caught.value).endswith(
        "; run gcloud auth application-default login, or let GOOGLE_APPLICATION_CREDENTIALS name "
        "a key file"
    )


async def test_no_project(
    tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = json.loads((tmp_path / "account.json").read_text())
    del account["project_id"]
    (tmp_path / "account.json").write_text(json.dumps(account))
    monkeypatch.setenv("PATH", "")  # gcloud, which may know of one
    with pytest.raises(SettingError) as caught:
        await Gemini(MODEL, {"vertex": {}}).open()
    assert str(caught.value) == (
        "gemini/gemini-2.5-flash: the credentials name no project; set the model's option vertex: "
        "{project: …} or export GOOGLE_CLOUD_PROJECT"
    )


async def test_a_token_that_is_refused_is_renewed_once(tokens: TokenServer) -> None:
    """It may have expired by another clock than ours."""
    body = error(401, "Request had invalid authentication credentials.").decode()
    refusal = {"do": "raw", "status": 401, "body": body}
    script = [{**refusal, "until": 20}, {**refusal, "after": 40}]
    async with (
        GeminiServer(script, latency_s=0.01, keep_calls=True) as server,
        opened(server.base_url, vertex=PLACE) as provider,
    ):
        requests = [ask_for(f"dog {n}") for n in range(20)]
        problems = await asyncio.gather(
            *(provider.reply(request) for request in requests), return_exceptions=True
        )
        verdicts = {provider.classify(p) for p in problems if isinstance(p, Exception)}
        assert verdicts == {Retry("again", "no token for Vertex: the last one is refused")}
        replies = await asyncio.gather(*(provider.reply(request) for request in requests))
        assert {reply.outcome for reply in replies} == {"answer"}
        assert tokens.given == 2
        verdict = [(await failure_of(provider))[1] for _ in range(2)]
    assert [retry.action for retry in verdict] == ["again", "fatal"]
    assert tokens.given == 3


async def test_a_token_that_the_server_echoes_goes_nowhere(tokens: TokenServer) -> None:
    body = error(401, "Request had invalid credentials: ya29.secret-token-number-0002").decode()
    rule = {"do": "raw", "status": 401, "body": body}
    async with GeminiServer([rule]) as server, opened(server.base_url, vertex=PLACE) as provider:
        await failure_of(provider)
        problem, retry = await failure_of(provider)
        seen = [str(problem), retry.reason, repr(provider), repr(vars(provider)["_connection"])]
    assert retry.action == "fatal"
    assert retry.reason == (
        f"{provider.base_url} does not know the key in the credentials (401): Request had invalid "
        "credentials: [key]"
    )
    assert "secret-token" not in " ".join(seen)


async def test_a_refusal_names_the_permission(tokens: TokenServer) -> None:
    message = (
        "Permission 'aiplatform.endpoints.predict' denied on resource "
        "'//aiplatform.googleapis.com/projects/p' (or it may not exist)."
    )
    rule = {"do": "raw", "status": 403, "body": error(403, message).decode()}
    async with GeminiServer([rule]) as server, opened(server.base_url, vertex=PLACE) as provider:
        _, retry = await failure_of(provider)
    assert retry.action == "fatal"
    assert "Permission 'aiplatform.endpoints.predict' denied on resource" in retry.reason
