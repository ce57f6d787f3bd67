"""The loopback server keeps its own promises: what it answers, counts, logs and refuses."""

from __future__ import annotations

import asyncio
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.wire.chat_answers import categories
from tests.wire.misbehaviours import MISBEHAVIOURS
from tests.wire.openai_server import OpenaiServer, Rule, read_log, server_process


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
