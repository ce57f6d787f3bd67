"""The loopback server that speaks Gemini's protocol: its scripts, and a whole run against it."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from tests.scenes import make_dataset
from tests.short_recipe import short_recipe
from tests.wire.gemini_calls import KEY, clean_environment
from tests.wire.gemini_server import GeminiServer
from tests.wire.misbehaviours import MISBEHAVIOURS
from tests.wire.openai_server import OpenaiServer, read_log, server_process

TEXT = "Their categories are: 1: person, 2: dog."
MADE_UP: dict[str, Any] = {
    "status": 503,
    "to": "http://127.0.0.1:1",
    "text": "A dog.",
    "model": "some-model",
}
"""Values for the parameters that misbehaviours need."""
SPEECH: dict[type[OpenaiServer], tuple[str, dict[str, Any]]] = {
    OpenaiServer: (
        "/chat/completions",
        {"model": "m", "messages": [{"role": "user", "content": TEXT}]},
    ),
    GeminiServer: (
        "/v1beta/models/gemini-2.5-flash:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": TEXT}]}]},
    ),
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


@pytest.mark.parametrize("kind", SPEECH)
@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_every_misbehaviour_works_with_each_protocol(
    name: str, kind: type[OpenaiServer]
) -> None:
    """None of them ends in an error of the server's own."""
    needed = [
        parameter
        for parameter in list(inspect.signature(MISBEHAVIOURS[name]).parameters.values())[1:]
        if parameter.default is parameter.empty and parameter.kind != parameter.VAR_KEYWORD
    ]
    rule = {"do": name, **{each.name: MADE_UP[each.name] for each in needed}}
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    path, body = SPEECH[kind]
    timeout = aiohttp.ClientTimeout(total=0.25)
    async with kind([rule]) as server, aiohttp.ClientSession(timeout=timeout) as session:
        try:
            async with session.post(
                server.base_url + path, json=body, allow_redirects=False
            ) as reply:
                await reply.read()
        except (aiohttp.ClientError, TimeoutError):
            pass
        assert (server.counts()["received"], server.did[name]) == (1, 1)
    await asyncio.sleep(0)
    assert faults == []


async def post(server: GeminiServer, body: Any, path: str) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(server.base_url + path, json=body) as reply,
    ):
        return reply.status, orjson.loads(await reply.read())


PATHS = {
    "/v1/models/gemini-2.5-flash:generateContent": 200,
    "/v1beta/models/gemini-2.5-pro-preview-05-06:generateContent": 200,
    "/v1beta1/projects/p-1/locations/us/publishers/google/models/g:generateContent": 200,
    "/v1/models/gemini-2.5-flash:streamGenerateContent": 404,
    "/models/gemini-2.5-flash:generateContent": 404,
    "/v1/chat/completions": 404,
}


@pytest.mark.parametrize(("path", "status"), PATHS.items())
async def test_what_is_a_call(path: str, status: int) -> None:
    async with GeminiServer() as server:
        assert (await post(server, SPEECH[GeminiServer][1], path))[0] == status


async def test_both_servers_describe_the_same_objects() -> None:
    """A rule's match and the list of categories are found in either protocol."""
    for kind, (path, body) in SPEECH.items():
        script = [{"do": "status", "status": 500, "match": "zebra"}]
        async with kind(script) as server, aiohttp.ClientSession() as session:
            async with session.post(server.base_url + path, json=body) as reply:
                assert (await reply.text()).count("Person: the person is") == 1
            other = orjson.loads(orjson.dumps(body).replace(b"dog", b"zebra"))
            async with session.post(server.base_url + path, json=other) as reply:
                assert reply.status == 500


async def test_limits_count_the_tokens_of_the_input() -> None:
    limited = {"tokens_per_minute": 400}
    image = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    body = {"contents": [{"role": "user", "parts": [{"text": TEXT}, image]}]}
    path = SPEECH[GeminiServer][0]
    async with GeminiServer(limited=limited) as server:
        statuses = [(await post(server, body, path))[0] for _ in range(2)]
    assert statuses == [200, 429]  # 268 tokens each: a picture counts 258


def test_the_server_in_a_process_of_its_own(tmp_path: Path) -> None:
    script = [{"do": "bad_key", "after": 1}]
    with server_process(tmp_path, script, kind=GeminiServer) as server:
        path, body = SPEECH[GeminiServer]

        async def ask() -> list[int]:
            async with aiohttp.ClientSession() as session:
                statuses = []
                for _ in range(2):
                    async with session.post(server.base_url + path, json=body) as reply:
                        statuses.append(reply.status)
                return statuses

        assert asyncio.run(ask()) == [200, 400]
        assert server.counts()["did"] == {"answer": 1, "bad_key": 1}
    statuses = [e["status"] for e in read_log(tmp_path / "calls.jsonl") if e["event"] == "answered"]
    assert statuses == [200, 400]


def test_it_runs_by_its_path_from_anywhere(tmp_path: Path) -> None:
    path = Path(__file__).with_name("gemini_server.py")
    process = subprocess.Popen(
        [sys.executable, str(path), "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.terminate()
    assert process.returncode == 0


# --- a whole run ----------------------------------------------------------------------------

SCRIPT = (
    {"do": "rate_limit", "share": 0.3, "seed": 1, "times": 1, "retry_delay": "0.02s"},
    {"do": "status", "share": 0.3, "seed": 2, "times": 1, "status": 503},
    {"do": "cut", "share": 0.3, "seed": 3, "times": 1},
)
"""Some trouble on the way; each body is spared after its first hit."""


def annoengine(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "annoengine", *arguments],
        cwd=cwd,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_recipe_runs_with_a_gemini_model(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", 8, seed=3)
    (tmp_path / "server").mkdir()
    command = [
        "run",
        str(short_recipe()),
        "--model",
        "annotator=gemini/gemini-2.5-flash",
        "-w",
        "run",
    ]
    command += ["--input", f"images={data / 'images'}"]
    command += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
    command += ["--set", "run.retries={first_wait_s: 0.01, longest_wait_s: 0.02}"]
    with server_process(tmp_path / "server", SCRIPT, kind=GeminiServer) as server:
        done = annoengine(*command, cwd=tmp_path, GOOGLE_GEMINI_BASE_URL=server.base_url)
        counts = server.counts()
    assert done.returncode == 0, done.stderr
    told = json.loads(annoengine("status", "run", "--json", cwd=tmp_path).stdout)
    assert told["stages"][2]["given"] == 8
    assert counts["did"]["answer"] == len(counts["bodies"]) >= 8
    assert counts["received"] > counts["did"]["answer"], "the script was to hit some calls"
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert any(b"gemini-2.5-flash" in path.read_bytes() for path in files)
    written = [path.read_bytes() for path in files]
    assert not any(KEY[-12:].encode() in content for content in written)
    assert KEY[-12:] not in done.stdout + done.stderr


def test_a_refusing_server_stops_the_run_with_its_reason(tmp_path: Path) -> None:
    data = make_dataset(tmp_path / "data", 3, seed=3)
    (tmp_path / "server").mkdir()
    command = [
        "run",
        str(short_recipe()),
        "--model",
        "annotator=gemini/gemini-2.5-flash",
        "-w",
        "run",
    ]
    command += ["--input", f"images={data / 'images'}"]
    command += ["--input", f"annotations={data / 'panoptic_val2017.json'}"]
    with server_process(tmp_path / "server", [{"do": "bad_key"}], kind=GeminiServer) as server:
        done = annoengine(*command, cwd=tmp_path, GOOGLE_GEMINI_BASE_URL=server.base_url)
        received = server.counts()["received"]
    assert done.returncode == 3, done.stderr
    assert "does not know the key in GEMINI_API_KEY (400)" in done.stderr
    assert received <= 3
    written = [path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not any(KEY[-12:].encode() in content for content in written)
    assert KEY[-12:] not in done.stdout + done.stderr
