"""The ``openai`` provider on the SDK's real client and a real server: what is sent, what comes.

How calls break is in test_openai_broken_calls.py, what refusals mean in test_openai_refusals.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import orjson
import pytest

from annoengine.chat_errors import Rejected
from annoengine.chat_wire import chat_body
from annoengine.provider import Announced, Outcome, Reply, Sampling, Usage
from annoengine.providers.openai import Openai
from tests.wire.openai_calls import (
    KEY,
    PROMPT,
    Pictures,
    ask_for,
    clean_environment,
    jpeg,
    opened,
    reply_to,
    ride_on_httpx,
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
    monkeypatch.setattr("annoengine.chat_connection.KEEP_ALIVE_S", idle_s / 4)
    monkeypatch.setattr("annoengine.wire_session.KEEP_ALIVE_S", idle_s / 4)
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


@pytest.mark.parametrize("do", ["chunked", "compressed", "mislabelled"])
async def test_answers_in_odd_wrappings(do: str, transport: str) -> None:
    reply = await reply_to([{"do": do}])
    assert reply.outcome == "answer"
    assert reply.text.startswith("The objects include:")


async def test_no_packing_is_asked_for(transport: str) -> None:
    async with OpenaiServer(keep_calls=True) as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
    assert server.calls[0].headers["accept-encoding"] == "identity"


async def test_limits_that_are_announced_come_with_the_reply() -> None:
    script = [
        {"do": "announce", "requests": 600_000, "tokens": 90, "until": 1},
        {"do": "announce", "requests": "plenty", "tokens": -1, "after": 1, "until": 2},
    ]
    async with OpenaiServer(script) as server, opened(server.base_url) as provider:
        told = [(await provider.reply(ask_for())).announced for _ in range(3)]
    assert told == [Announced(600_000, 90), None, None]


async def test_further_fields_arrive() -> None:
    extra = {"top_k": 20, "chat_template_kwargs": {"enable_thinking": False}}
    async with (
        OpenaiServer(keep_calls=True) as server,
        opened(server.base_url, extra_body=extra, verbosity="low") as provider,
    ):
        await provider.reply(ask_for())
    body = server.calls[0].json()
    assert {name: body[name] for name in extra} == extra
    assert body["verbosity"] == "low"


# --- notes ----------------------------------------------------------------------------------


async def notes_after(
    monkeypatch: pytest.MonkeyPatch,
    model: str,
    script: Sequence[Mapping[str, Any]] = (),
    options: Mapping[str, Any] = MappingProxyType({}),
    calls: int = 2,
    sampling: Sampling = Sampling(),
    schema: Mapping[str, Any] | None = None,
) -> list[str]:
    """What a provider says after some calls to a server elsewhere, reached by a proxy."""
    async with OpenaiServer(script) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        provider = Openai(model, {"base_url": "http://api.example.invalid/v1", **options})
        await provider.open()
        for _ in range(calls):
            await provider.reply(replace(ask_for(sampling=sampling), schema=schema))
        await provider.close()
    return list(provider.notes())


MOVES = "is a name that its owner may give to another model at any time"


@pytest.mark.parametrize(
    ("model", "calls", "notes"),
    [
        ("gpt-4o", 2, [f"openai/gpt-4o {MOVES}; to keep to the one that answered, name "
                       "openai/gpt-4o-2024-08-06"]),
        ("gpt-4o", 0, [f"openai/gpt-4o {MOVES}"]),
        ("o3", 0, [f"openai/o3 {MOVES}"]),
        ("gpt-4o-2024-11-20", 2, []),
        ("gpt-4-0613", 2, []),
        ("ft:gpt-4o-2024-08-06:org::x", 2, []),
        ("qwen2.5-vl-7b", 2, []),
        ("gpt-oss-20b", 2, []),
        ("mistral-small-latest", 0, [f"openai/mistral-small-latest {MOVES}"]),
    ],
)  # fmt: skip
async def test_a_name_that_moves_is_said(
    model: str, calls: int, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await notes_after(monkeypatch, model, calls=calls) == notes


async def test_an_alias_that_answers_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    script = [{"do": "served", "model": "chatgpt-4o-latest"}]
    notes = await notes_after(monkeypatch, "chatgpt-4o-latest", script)
    assert notes == [f"openai/chatgpt-4o-latest {MOVES}"]


async def test_a_model_that_changed_half_way_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    script = [{"do": "served", "model": "gpt-4o-2024-11-20", "after": 2}]
    notes = await notes_after(monkeypatch, "gpt-4o", script, calls=3)
    assert notes == [
        "openai/gpt-4o was answered by 2 models: gpt-4o-2024-08-06, gpt-4o-2024-11-20",
        f"openai/gpt-4o {MOVES}; to keep to the one that answered, name openai/gpt-4o-2024-11-20",
    ]


async def test_a_server_of_ones_own_moves_nothing() -> None:
    async with OpenaiServer() as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        assert list(provider.notes()) == []


async def test_what_is_not_sent_or_not_held_is_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sampling = Sampling(temperature=0.2, top_p=0.9, seed=1)
    notes = await notes_after(
        monkeypatch, "o3-2025-04-16", sampling=sampling, schema={"type": "object"}
    )
    assert notes == [
        "openai/o3-2025-04-16 takes no temperature: what the stage sets is not sent",
        "openai/o3-2025-04-16 takes no top_p: what the stage sets is not sent",
        "openai/o3-2025-04-16 is not held strictly to its answers' schema: the schema: "
        "additionalProperties is not false",
    ]
