"""The ceiling: what bare aiohttp on uvloop gets out of a chat-completions server.

Sends N calls with one 100 KB picture each, base64 spliced into a pre-built body, a fixed number
in flight, and prints calls per second and CPU milliseconds per call of this process. With
``--client provider`` the same calls go through annoengine's ``openai`` provider instead, so that
the two can be compared against one server; run them in turn, several times, and compare medians::

    python -m tests.wire.openai_server --latency 0.05 &
    python -m tests.benchmarks.bare_client --base-url http://127.0.0.1:PORT/v1
    python -m tests.benchmarks.bare_client --base-url http://127.0.0.1:PORT/v1 --client provider

``--rounds`` does that turn about within one command and starts its own server where no address
is given. Every call has a picture of its own; reading them is not measured, encoding them is.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import orjson

from annoengine.provider import ImagePart, Message, Request, Sampling, TextPart
from annoengine.providers.openai import Openai
from annoengine.record import DrawnImage, Photo
from tests.wire.openai_server import server_process

PROMPT = "Describe each object of the image. Their categories are: 1: person, 2: dog, 3: grass."


def pictures(count: int, size_bytes: int) -> list[bytes]:
    """Byte strings that begin like a JPEG and are as hard to compress."""
    draw = random.Random(7)
    return [b"\xff\xd8\xff\xe0" + draw.randbytes(size_bytes - 4) for _ in range(count)]


async def bare(base_url: str, data: list[bytes], concurrency: int) -> float:
    """Seconds for one call per picture over bare aiohttp."""
    text = orjson.dumps(PROMPT)
    connector = aiohttp.TCPConnector(limit=concurrency)
    headers = {"Authorization": "Bearer none", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:

        async def call(picture: bytes) -> None:
            body = b"".join(
                [
                    b'{"model":"gpt-4o","messages":[{"role":"user","content":[',
                    b'{"type":"text","text":' + text + b"},",
                    b'{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,',
                    b64encode(picture),
                    b'","detail":"high"}}]}],"max_tokens":1024}',
                ]
            )
            async with session.post(f"{base_url}/chat/completions", data=body) as response:
                reply = orjson.loads(await response.read())
            assert reply["choices"][0]["message"]["content"].startswith("The objects include")

        return await _all(call, data, concurrency)


async def through_provider(base_url: str, data: list[bytes], concurrency: int) -> float:
    """Seconds for one call per picture through the ``openai`` provider, without ``ask``."""
    provider = Openai("gpt-4o", {"base_url": base_url, "max_concurrency": concurrency})
    await provider.open()

    images = {
        picture: DrawnImage(
            file="a.jpg",
            sha256=hashlib.sha256(picture).hexdigest(),
            width=640,
            height=480,
            size_bytes=len(picture),
            encoder="none",
        )
        for picture in data
    }

    async def call(picture: bytes) -> None:
        image = images[picture]

        async def load(_: DrawnImage | Photo) -> bytes:
            return picture

        parts = (TextPart(text=PROMPT), ImagePart(image=image))
        request = Request(
            model="annotator",
            messages=(Message(role="user", parts=parts),),
            sampling=Sampling(max_tokens=1024, detail="high"),
            load=load,
        )
        reply = await provider.reply(request)
        assert reply.outcome == "answer"

    try:
        return await _all(call, data, concurrency)
    finally:
        await provider.close()


async def _all(
    call: Callable[[bytes], Awaitable[None]], data: list[bytes], concurrency: int
) -> float:
    left = iter(data)

    async def worker() -> None:
        for picture in left:
            await call(picture)

    await call(data[0])  # the first call opens a connection and fills caches
    started = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(concurrency)))
    return time.perf_counter() - started


CLIENTS = {"bare": bare, "provider": through_provider}


def measure(client: str, base_url: str, requests: int, concurrency: int, size: int) -> None:
    """Prints one line: client, calls per second, CPU milliseconds per call."""
    import openai  # noqa: F401  # so that its import is in nobody's CPU time
    import uvloop

    data = pictures(requests, size)
    cpu = time.process_time()
    seconds = uvloop.run(CLIENTS[client](base_url, data, concurrency))
    cpu_ms = (time.process_time() - cpu) * 1000 / requests
    print(f"{client} {requests / seconds:.0f} req/s {cpu_ms:.2f} CPU ms/req", flush=True)


def compare(options: argparse.Namespace, base_url: str) -> None:
    """Runs the clients in turn, each in a process of its own; prints medians and their ratio."""
    rates: dict[str, list[float]] = {client: [] for client in CLIENTS}
    for _ in range(options.rounds):
        for client in CLIENTS:
            command = [sys.executable, "-m", "tests.benchmarks.bare_client", "--client", client]
            command += ["--base-url", base_url, "--requests", str(options.requests)]
            command += ["--concurrency", str(options.concurrency)]
            command += ["--picture-bytes", str(options.picture_bytes)]
            line = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            print(line, end="", flush=True)
            rates[client].append(float(line.split()[1]))
    medians = {client: statistics.median(found) for client, found in rates.items()}
    ratio = medians["provider"] / medians["bare"]
    print(f"median bare {medians['bare']:.0f}, provider {medians['provider']:.0f}: {ratio:.2f}")


def main() -> None:
    """Reads the options and measures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--base-url", help="of a running server; without, one is started")
    parser.add_argument("--client", choices=sorted(CLIENTS), default="bare")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--picture-bytes", type=int, default=100_000)
    parser.add_argument("--latency", type=float, default=0.05, help="of the started server")
    parser.add_argument("--rounds", type=int, default=0, help="compare the clients, turn about")
    options = parser.parse_args()

    def act(base_url: str) -> None:
        if options.rounds:
            compare(options, base_url)
        else:
            measure(
                options.client,
                base_url,
                options.requests,
                options.concurrency,
                options.picture_bytes,
            )

    if options.base_url:
        act(options.base_url)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        server_process(Path(folder), latency_s=options.latency) as server,
    ):
        act(server.base_url)


if __name__ == "__main__":
    main()
