"""The ``gemini`` provider on the SDK's real client, against a real server."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from typing import Any

import orjson
import pytest
from google import genai
from google.genai import types

from annoengine.chat_errors import Rejected
from annoengine.errors import RecordFailed
from annoengine.gemini_wire import (
    GeminiDialect,
    gemini_body,
)
from annoengine.provider import Message, Reply, Request, Sampling, TextPart, Usage
from annoengine.providers.gemini import Gemini
from tests.wire.gemini_calls import KEY, MODEL, clean_environment, opened
from tests.wire.gemini_server import GeminiServer
from tests.wire.openai_calls import PROMPT, Pictures, ask_for, jpeg

PNG = b"\x89PNG\r\n\x1a\n" + b"p" * 50
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8 " + b"w" * 30
SCHEMA = {
    "title": "Marks",
    "type": "object",
    "properties": {"b": {"type": "string"}, "a": {"type": "array", "items": {"type": "integer"}}},
    "required": ["b", "a"],
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


def said(role: Any, *texts: str) -> Message:
    return Message(role=role, parts=tuple(TextPart(text=text) for text in texts))


def conversation(pictures: Pictures) -> Request:
    """System text, three pictures in two turns, an answer in between, every setting."""
    one, two, three = pictures.parts()
    return Request(
        model="annotator",
        messages=(
            said("system", "You annotate.", "Be brief."),
            Message(role="user", parts=(TextPart(text=PROMPT), one, two)),
            said("assistant", "1. Person: grey.\n“2”"),
            Message(role="user", parts=(three, TextPart(text="And here?"))),
        ),
        sampling=Sampling(temperature=0.5, top_p=0.9, max_tokens=700, seed=-3, detail="low"),
        schema=SCHEMA,
        load=pictures,
    )


# --- requests -------------------------------------------------------------------------------


async def test_a_call_and_its_reply() -> None:
    request = ask_for(pictures=Pictures(jpeg(), PNG), sampling=Sampling(max_tokens=500))
    async with GeminiServer(keep_calls=True) as server, opened(server.base_url) as provider:
        reply = await provider.reply(request)
    [call] = server.calls
    assert call.path == "/v1/models/gemini-2.5-flash:generateContent"
    assert call.body == await gemini_body(request, provider.dialect)
    assert call.headers["x-goog-api-key"] == KEY
    assert call.headers["content-type"] == "application/json"
    assert call.headers["x-goog-api-client"].startswith("google-genai-sdk/")
    assert "authorization" not in call.headers
    assert reply.text.startswith("The objects include:\n1. Person: the person is ")
    assert reply == Reply(
        text=reply.text,
        outcome="answer",
        model="gemini-2.5-flash",
        detail="STOP",
        usage=Usage(len(PROMPT) // 4 + 2 * 258, len(reply.text) // 4, 0),
        request_id=hashlib.sha256(call.body).hexdigest()[:22],
    )


def in_camel_case(data: Any) -> Any:
    """What the SDK sends, in the words of the reference.

    Google takes either form: the SDK mixes ``mime_type`` with ``inlineData`` and encodes in
    base64url. Source: ProtoJSON's format, "Field names as JSON keys" and on ``bytes``.
    """
    if isinstance(data, list):
        return [in_camel_case(item) for item in data]
    if not isinstance(data, dict):
        return data
    renamed = {
        re.sub(r"_([a-z])", lambda letter: letter[1].upper(), name): in_camel_case(value)
        for name, value in data.items()
    }
    if "mimeType" in renamed:
        renamed["data"] = renamed["data"].replace("-", "+").replace("_", "/")
    return renamed


async def test_the_body_is_what_the_sdk_makes_of_the_same() -> None:
    pictures = Pictures(jpeg(), PNG, WEBP)
    options: dict[str, Any] = {"thinking_budget": 128, "safety_threshold": "BLOCK_ONLY_HIGH"}
    harms = ["HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT"]

    def image(data: bytes, kind: str) -> types.Part:
        return types.Part.from_bytes(data=data, mime_type=kind)

    async with (
        GeminiServer(keep_calls=True) as server,
        opened(server.base_url, **options) as provider,
    ):
        await provider.reply(conversation(pictures))
        client = genai.Client(
            vertexai=False, api_key=KEY, http_options=types.HttpOptions(base_url=server.base_url)
        )
        with pytest.warns(DeprecationWarning, match="ClientSession"):  # the SDK's own session
            await client.aio.models.generate_content(
                model=MODEL,
                contents=[
                    types.UserContent(
                        [
                            types.Part(text=PROMPT),
                            image(jpeg(), "image/jpeg"),
                            image(PNG, "image/png"),
                        ]
                    ),
                    types.ModelContent("1. Person: grey.\n“2”"),
                    types.UserContent([image(WEBP, "image/webp"), types.Part(text="And here?")]),
                ],
                config=types.GenerateContentConfig(
                    system_instruction=["You annotate.", "Be brief."],
                    temperature=0.5,
                    top_p=0.9,
                    max_output_tokens=700,
                    seed=-3,
                    media_resolution=types.MediaResolution.MEDIA_RESOLUTION_LOW,
                    response_mime_type="application/json",
                    response_json_schema=SCHEMA,
                    thinking_config=types.ThinkingConfig(thinking_budget=128),
                    safety_settings=[
                        types.SafetySetting(
                            category=types.HarmCategory(f"HARM_CATEGORY_{harm}"),
                            threshold=types.HarmBlockThreshold.BLOCK_ONLY_HIGH,
                        )
                        for harm in harms
                    ],
                ),
            )
        await client.aio.aclose()
    ours, theirs = server.calls
    assert ours.json() == in_camel_case(theirs.json())
    assert ours.path == theirs.path
    for name in ("x-goog-api-key", "user-agent", "x-goog-api-client", "content-type"):
        assert ours.headers[name] == theirs.headers[name]


async def test_the_same_request_gives_the_same_bytes() -> None:
    pictures = Pictures(jpeg(), PNG, WEBP)
    dialect = GeminiDialect(thinking_level="low")
    bodies = {await gemini_body(conversation(pictures), dialect) for _ in range(3)}
    assert len(bodies) == 1
    [body] = bodies
    config = orjson.loads(body)["generationConfig"]
    assert list(config["responseJsonSchema"]["properties"]) == ["b", "a"]  # in the order given
    assert config["thinkingConfig"] == {"thinkingLevel": "LOW"}


async def test_a_plain_request_sets_nothing() -> None:
    request = Request(
        model="annotator", messages=(said("user", "Hi"),), sampling=Sampling(detail="auto")
    )
    body = await gemini_body(request, GeminiDialect())
    assert body == b'{"contents":[{"parts":[{"text":"Hi"}],"role":"user"}]}'


async def test_a_turn_without_words_is_left_out() -> None:
    messages = (said("user", "Hi"), said("assistant", ""), said("user", "", "Again."))
    body = await gemini_body(Request(model="annotator", messages=messages), GeminiDialect())
    assert orjson.loads(body)["contents"] == [
        {"parts": [{"text": "Hi"}], "role": "user"},
        {"parts": [{"text": "Again."}], "role": "user"},
    ]


@pytest.mark.parametrize("role", ["system", "assistant"])
async def test_only_users_show_pictures(role: Any) -> None:
    pictures = Pictures(jpeg())
    message = Message(role=role, parts=pictures.parts())
    request = Request(model="annotator", messages=(message,), load=pictures)
    with pytest.raises(ValueError, match=f"a picture in a message of the {role}"):
        await gemini_body(request, GeminiDialect())


@pytest.mark.parametrize("data", [b"GIF89a" + b"g" * 20, b"BM" + b"b" * 20])
async def test_a_picture_that_gemini_does_not_take_fails_its_record(data: bytes) -> None:
    with pytest.raises(RecordFailed, match=r"image: .*(is a GIF, which Gemini|is none of JPEG)"):
        await gemini_body(ask_for(pictures=Pictures(data)), GeminiDialect())


@pytest.mark.parametrize("size_bytes", [785_000, 1_600_000])  # bodies below and above 1 MiB
async def test_large_pictures_arrive_whole(size_bytes: int) -> None:
    request = ask_for(pictures=Pictures(jpeg(size_bytes)))
    async with GeminiServer(keep_calls=True) as server, opened(server.base_url) as provider:
        for _ in range(2):
            assert (await provider.reply(request)).outcome == "answer"
        expected = await gemini_body(request, provider.dialect)
    assert [call.body for call in server.calls] == [expected, expected]
    assert server.accepted == 1


async def test_a_picture_is_encoded_once_however_often_it_is_sent() -> None:
    pictures = Pictures(jpeg())
    request = ask_for(pictures=pictures)
    script = [{"do": "status", "status": 500, "times": 2}]
    async with GeminiServer(script) as server, opened(server.base_url) as provider:
        for _ in range(2):
            with pytest.raises(Rejected):
                await provider.reply(request)
        await provider.reply(request)
        assert (pictures.loads, list(server.received.values())) == (1, [3])
        assert not any(isinstance(kept, bytes) for kept in vars(request).values())


async def test_the_server_is_told_when_we_give_up() -> None:
    async with GeminiServer(keep_calls=True) as server:
        for timeout_s in (300, 10.5, 9):
            async with opened(server.base_url, timeout_s=timeout_s) as provider:
                await provider.reply(ask_for())
    # Google refuses deadlines below ten seconds.
    assert [call.headers.get("x-server-timeout") for call in server.calls] == ["300", "11", None]


async def test_a_version_of_the_api() -> None:
    async with (
        GeminiServer(keep_calls=True) as server,
        opened(server.base_url, model="gemini-flash-latest", api_version="v1beta") as provider,
    ):
        await provider.reply(ask_for())
    assert server.calls[0].path == "/v1beta/models/gemini-flash-latest:generateContent"


# --- connections ----------------------------------------------------------------------------


async def test_a_hundred_calls_at_once() -> None:
    async with GeminiServer(latency_s=0.01) as server, opened(server.base_url) as provider:
        requests = [ask_for(f"{PROMPT} {n}") for n in range(100)]
        replies = await asyncio.gather(*(provider.reply(request) for request in requests))
        again = await asyncio.gather(*(provider.reply(request) for request in requests))
    assert [reply.text for reply in replies] == [reply.text for reply in again]
    assert len({reply.request_id for reply in replies}) == 100
    assert server.counts()["answered"] == 200
    assert server.accepted <= 64  # the window; the second hundred uses the same connections


async def test_no_more_connections_than_the_window() -> None:
    async with (
        GeminiServer(latency_s=0.01) as server,
        opened(server.base_url, max_concurrency=3) as provider,
    ):
        assert provider.window == 3
        await asyncio.gather(*(provider.reply(ask_for(f"{PROMPT} {n}")) for n in range(12)))
    assert (server.accepted, server.counts()["answered"]) == (3, 12)


@pytest.mark.parametrize(("idle_s", "connections"), [(0.2, 2), (60.0, 1)])
async def test_an_idle_connection_is_left_before_the_server_leaves_it(
    idle_s: float, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annoengine.wire_session.KEEP_ALIVE_S", idle_s / 4)
    async with GeminiServer() as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        await asyncio.sleep(0.2)
        await provider.reply(ask_for())
    assert server.accepted == connections


async def test_closing_twice_and_opening_again() -> None:
    async with GeminiServer() as server:
        provider = Gemini(MODEL, {"base_url": server.base_url})
        await provider.close()
        for _ in range(2):
            await provider.open()
            await provider.open()
            assert (await provider.reply(ask_for())).outcome == "answer"
            await provider.close()
            await provider.close()
        assert server.accepted == 2
        with pytest.raises(RuntimeError, match="was not opened"):
            await provider.reply(ask_for())


async def test_opening_sends_nothing_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with GeminiServer() as server, opened(server.base_url):
        assert server.accepted == 0
    assert [record.message for record in caplog.records if "google" in record.name] == []
