"""The loopback server keeps its own promises: what it answers, counts, logs and refuses."""

from __future__ import annotations

import asyncio
import hashlib
import math
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.wire.chat_answers import categories
from tests.wire.limited import Bucket
from tests.wire.misbehaviours import MISBEHAVIOURS
from tests.wire.openai_server import OpenaiServer, read_log, server_process
from tests.wire.script import Rule


def body(*texts: str, **more: Any) -> bytes:
    roles = ["user", "assistant"]
    messages = [{"role": roles[n % 2], "content": text} for n, text in enumerate(texts)]
    return orjson.dumps({"model": "m", "messages": messages, **more})


async def post(session: aiohttp.ClientSession, base_url: str, data: bytes) -> tuple[int, str]:
    async with session.post(f"{base_url}/chat/completions", data=data) as response:
        reply = orjson.loads(await response.read())
    if response.status != 200:
        return response.status, str(reply["error"]["message"])
    return response.status, str(reply["choices"][0]["message"]["content"])


async def statuses(server: OpenaiServer, bodies: list[bytes]) -> list[int]:
    async with aiohttp.ClientSession() as session:
        return [(await post(session, server.base_url, data))[0] for data in bodies]


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(5000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it did not come about")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("categories: 1: person, 2: dog.", {1: "person", 2: "dog"}),
        ("categories:\n1: person\n2: wall-other-merged\n", {1: "person", 2: "wall-other-merged"}),
        ("- 3: dining table;\n- 7: tv", {3: "dining table", 7: "tv"}),
        ("1: bear. (e.g., 1 and 2: the person skis.) Start your answer:", {1: "bear"}),
        ("(e.g., 1. Person: the person is wearing a pink jacket.)", {}),
        ("no list here", {}),
    ],
)
def test_lists_of_categories(text: str, found: dict[int, str]) -> None:
    assert categories(text) == found


async def test_a_repair_asks_for_certain_ids() -> None:
    first = "Their categories: 1: person, 2: dog, 3: grass-merged."
    async with OpenaiServer() as server, aiohttp.ClientSession() as session:
        _, whole = await post(session, server.base_url, body(first))
        _, by_list = await post(session, server.base_url, body(first, whole, "Again: 2: dog"))
        _, by_id = await post(session, server.base_url, body(first, whole, "Missing: 3 and 9."))
        _, none = await post(session, server.base_url, body("What is it?"))
    assert [line.split(":")[0] for line in whole.splitlines()] == [
        "The objects include",
        "1. Person",
        "2. Dog",
        "3. Grass-merged",
        "",
        "The interactions include",
        "1 and 2",
    ]
    assert [line.split(":")[0] for line in by_list.splitlines()[1:]] == ["2. Dog"]
    assert [line.split(":")[0] for line in by_id.splitlines()[1:]] == ["3. Grass-merged"]
    assert none.endswith("and grey.")


async def test_every_and_times() -> None:
    script = [
        {"do": "status", "status": 500, "every": 3},
        {"do": "status", "status": 503, "match": "dog", "times": 1},
    ]
    async with OpenaiServer(script) as server:
        seen = await statuses(server, [body("cat"), body("dog"), body("cat"), body("dog")])
        assert seen == [200, 503, 500, 200]
        counts = server.counts()
    assert counts["did"] == {"answer": 2, "status": 2}
    assert counts["statuses"] == {"200": 2, "500": 1, "503": 1}
    sha256 = hashlib.sha256(body("dog")).hexdigest()
    assert counts["bodies"][sha256] == {"received": 2, "answered": 2}


async def test_a_share_hits_the_same_bodies_in_any_order() -> None:
    bodies = [body(f"picture {n}") for n in range(200)]
    script = [{"do": "quota", "share": 0.25, "seed": 5}]
    async with OpenaiServer(script) as server:
        forwards = await statuses(server, bodies)
        backwards = await statuses(server, bodies[::-1])
    async with OpenaiServer([{"do": "quota", "share": 0.25, "seed": 6}]) as server:
        other = await statuses(server, bodies)
    assert forwards == backwards[::-1]
    assert forwards != other
    assert 30 <= forwards.count(429) <= 70


async def test_a_limit_per_minute_refuses_and_tells_the_wait() -> None:
    async with (
        OpenaiServer(limit_per_minute=1200, burst=2) as server,
        aiohttp.ClientSession() as session,
    ):
        url = f"{server.base_url}/chat/completions"
        seen, waits = [], []
        for _ in range(3):
            async with session.post(url, data=body("x")) as response:
                seen.append(response.status)
                waits.append(response.headers.get("retry-after"))
        assert seen == [200, 200, 429]
        assert 0 < float(waits[2] or 0) <= 0.05
        await asyncio.sleep(float(waits[2] or 0) + 0.005)
        assert (await post(session, server.base_url, body("x")))[0] == 200


async def replies(
    server: OpenaiServer, bodies: list[bytes]
) -> list[tuple[int, Mapping[str, str], Any]]:
    """Status, headers (names in lower case) and decoded body of each."""
    found: list[tuple[int, Mapping[str, str], Any]] = []
    async with aiohttp.ClientSession() as session:
        for data in bodies:
            async with session.post(f"{server.base_url}/chat/completions", data=data) as reply:
                headers = {name.lower(): value for name, value in reply.headers.items()}
                found.append((reply.status, headers, orjson.loads(await reply.read())))
    return found


async def test_a_bucket_of_requests_and_what_a_refusal_names() -> None:
    """Two at once, then one every 60 s: the third is refused, in each way of telling."""
    for retry_after, told in ((1, "1"), ("soon", "soon"), (None, None)):
        limited = {"requests_per_minute": 1, "bucket": 2, "retry_after": retry_after}
        async with OpenaiServer(limited=limited) as server:
            seen = await replies(server, [body("x")] * 3)
            assert [status for status, _, _ in seen] == [200, 200, 429]
            assert seen[2][1].get("retry-after") == told
            assert server.counts()["refused"] == 1
            assert "x-ratelimit-limit-requests" not in seen[0][1]


async def test_a_bucket_of_tokens_counts_the_answer_that_may_come() -> None:
    """400 letters are 100 tokens; with an answer of 200 a call takes 300 of 700."""
    limited = {"tokens_per_minute": 700, "retry_after": 9}
    text = "a" * 400
    async with OpenaiServer(limited=limited) as server:
        seen = await replies(server, [body(text, max_tokens=200)] * 3)
        [(status, _, said)] = await replies(server, [body(text, max_tokens=601)])
    assert [status for status, _, _ in seen] == [200, 200, 429]
    assert (status, said["error"]["message"].split(":")[0]) == (
        429,
        "Request too large for the model on tokens per min (TPM)",
    )


@pytest.mark.parametrize(
    ("announce", "told"),
    [
        (None, {}),
        (
            True,
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1000ms",
            },
        ),
        (600_000, {"x-ratelimit-limit-requests": "600000"}),
    ],
)
async def test_limits_are_told_truly_falsely_or_not(
    announce: bool | float | None, told: dict[str, str]
) -> None:
    limited = {"requests_per_minute": 60, "bucket": 60, "announce": announce}
    async with OpenaiServer(limited=limited) as server:
        [(_, headers, _)] = await replies(server, [body("x")])
    assert {name: value for name, value in headers.items() if "ratelimit" in name} == told


def test_a_bucket_fills_evenly_and_no_fuller_than_it_is() -> None:
    bucket = Bucket(per_minute=120, size=4)
    for _ in range(4):
        assert bucket.wait_s(1, now=10.0) == 0.0
        bucket.take(1)
    assert bucket.wait_s(1, now=10.25) == pytest.approx(0.25)
    assert bucket.wait_s(3, now=10.5) == pytest.approx(1.0)
    assert (bucket.wait_s(1, now=99.0), bucket.level) == (0.0, 4.0)
    assert bucket.wait_s(5, now=99.0) == math.inf


async def test_rules_from_a_call_on_and_up_to_one() -> None:
    script = [{"do": "bad_key", "after": 3}, {"do": "status", "status": 500, "until": 1}]
    async with OpenaiServer(script) as server:
        assert await statuses(server, [body("x")] * 5) == [500, 200, 200, 401, 401]


async def test_what_a_reply_tells_may_be_chosen() -> None:
    script = [
        {"do": "announce", "requests": 60, "tokens": "many", "x_mine": "1", "until": 1},
        {"do": "usage", "prompt_tokens": 7, "completion_tokens": 5, "after": 1, "until": 2},
        {"do": "usage", "after": 2, "until": 3},
        {"do": "served", "model": "m-2025-01-31", "after": 3, "until": 4},
        {"do": "raw", "status": 418, "body": {"error": "teapot"}, "retry_after": "7", "after": 4},
    ]
    async with OpenaiServer(script) as server:
        seen = await replies(server, [body("x")] * 5)
    headers = seen[0][1]
    assert (headers["x-ratelimit-limit-requests"], headers["x-mine"]) == ("60", "1")
    assert headers["x-ratelimit-limit-tokens"] == "many"
    assert seen[1][2]["usage"] == {"prompt_tokens": 7, "completion_tokens": 5}
    assert "usage" not in seen[2][2]
    assert seen[3][2]["model"] == "m-2025-01-31"
    assert (seen[4][0], seen[4][2], seen[4][1]["retry-after"]) == (418, {"error": "teapot"}, "7")


@pytest.mark.parametrize("do", ["chunked", "compressed", "mislabelled", "drip", "leave"])
async def test_answers_in_odd_wrappings_are_whole(do: str) -> None:
    rule: dict[str, Any] = {"do": do, "seconds": 0.01} if do == "drip" else {"do": do}
    async with OpenaiServer([rule]) as server:
        [(status, headers, data)] = await replies(server, [body("x")])
        await until(lambda: server.whole.total() == 1)
    assert status == 200
    assert data["choices"][0]["message"]["content"].endswith("and grey.")
    assert (headers.get("transfer-encoding"), headers.get("content-encoding")) == (
        "chunked" if do == "chunked" else None,
        "gzip" if do == "compressed" else None,
    )
    assert headers["content-type"] == ("text/plain" if do == "mislabelled" else "application/json")


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_cut_answer_is_not_counted_as_sent(framing: str) -> None:
    async with OpenaiServer([{"do": "cut", "framing": framing}]) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body("x")) + body("x"))
        await until(lambda: server.received.total() == 1 and not server.connections)
        writer.close()
        await writer.wait_closed()
    assert server.counts()["answered"] == 0


async def test_a_server_that_refuses_for_a_while() -> None:
    async with OpenaiServer([{"do": "refuse", "seconds": 0.2, "until": 2}]) as server:
        url = f"{server.base_url}/chat/completions"
        async with aiohttp.ClientSession() as session:
            first, second = await asyncio.gather(
                *(post(session, server.base_url, body(f"{n}")) for n in range(2))
            )
            await until(lambda: not server.connections)
            with pytest.raises(aiohttp.ClientConnectorError):
                await session.post(url, data=body("x"))
            await asyncio.sleep(0.3)
            third = await post(session, server.base_url, body("x"))
    assert (first[0], second[0], third[0]) == (200, 200, 200)


async def test_proxies_and_deployments_ask_in_other_words() -> None:
    async with OpenaiServer(keep_calls=True) as server:
        for path in (
            "http://api.example/v1/chat/completions",
            "/openai/deployments/d/chat/completions?api-version=2024-10-21",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            head = f"POST {path} HTTP/1.1\r\ncontent-length: {len(body('x'))}\r\n\r\n"
            writer.write(head.encode() + body("x"))
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()
            await writer.wait_closed()
        assert server.calls[0].path == "http://api.example/v1/chat/completions"
    assert len(server.calls) == 2


@pytest.mark.parametrize("rule", [{"do": "explode"}, {"do": "stall", "minutes": 3}])
def test_a_wrong_script_is_refused(rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"explode|minutes"):
        Rule.read(rule)


def test_every_misbehaviour_says_what_it_does() -> None:
    assert [name for name, way in MISBEHAVIOURS.items() if not way.__doc__] == []


async def test_a_client_that_left_got_no_answer() -> None:
    async with OpenaiServer(latency_s=5) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body("x")) + body("x"))
        await writer.drain()
        await until(lambda: server.received.total() == 1)
        writer.close()
        await writer.wait_closed()
        await until(lambda: not server.connections)
        counts = server.counts()
    assert (counts["received"], counts["answered"]) == (1, 0)


def test_the_log_outlives_a_killed_client(tmp_path: Path) -> None:
    client = """
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        for n in range(10**6):
            data = b'{"model":"m","messages":[{"role":"user","content":"%d"}]}' % n
            async with session.post(sys.argv[1] + "/chat/completions", data=data) as response:
                await response.read()
            print(n, flush=True)
asyncio.run(main())
"""
    with server_process(tmp_path, [{"do": "stall", "match": "^20$"}]) as server:
        command = [sys.executable, "-c", client, server.base_url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while process.stdout.readline() != "19\n":
                pass
            while server.counts()["received"] < 21:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        events = read_log(tmp_path / "calls.jsonl")
        counts = server.counts()
    assert [e["n"] for e in events if e["event"] == "received"] == list(range(1, 22))
    assert [e["n"] for e in events if e["event"] == "answered"] == list(range(1, 21))
    assert {e["status"] for e in events if e["event"] == "answered"} == {200}
    assert (counts["received"], counts["answered"]) == (21, 20)
    assert sum(n["answered"] for n in counts["bodies"].values()) == 20


def test_the_server_runs_by_its_path_from_anywhere(tmp_path: Path) -> None:
    path = Path(__file__).with_name("openai_server.py")
    process = subprocess.Popen(
        [sys.executable, str(path), "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.terminate()
    assert process.returncode == 0
