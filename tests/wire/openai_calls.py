"""Calls through the ``openai`` provider to a server on loopback, for the tests of the wire."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from annoengine.provider import ImagePart, Message, Reply, Request, Retry, Sampling, TextPart
from annoengine.providers.openai import Openai
from annoengine.record import DrawnImage, Photo
from tests.wire.openai_server import OpenaiServer

KEY = "sk-proj-wireTESTkey0123456789abcd"
PROMPT = "Describe them. Their categories are: 1: person, 2: dog."


def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, and nothing else that the SDK or its HTTP client would read."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "AZURE_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


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


def ride_on_httpx(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls go over the SDK's own HTTP client, as they do where aiohttp cannot go."""
    monkeypatch.setattr("annoengine.chat_connection.goes_by_aiohttp", lambda url: False)
