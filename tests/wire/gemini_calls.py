"""Calls through the ``gemini`` provider to a server on loopback, for the tests of the wire."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from annoengine.provider import Reply, Retry
from annoengine.providers.gemini import Gemini
from tests.wire.gemini_server import GeminiServer
from tests.wire.openai_calls import ask_for

KEY = "AIzaSyWIRE0123456789TESTkeyabcdefghijklm"
MODEL = "gemini-2.5-flash"


def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, and nothing else that the SDK or its HTTP client would read."""
    for name in list(os.environ):
        if name.startswith(("GOOGLE_", "GEMINI_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


@contextlib.asynccontextmanager
async def opened(base_url: str, model: str = MODEL, **options: Any) -> AsyncIterator[Gemini]:
    """A provider for the length of a block."""
    provider = Gemini(model, {"base_url": base_url, "timeout_s": 5, **options})
    await provider.open()
    try:
        yield provider
    finally:
        await provider.close()


async def reply_to(script: list[Mapping[str, Any]], **options: Any) -> Reply:
    """The reply where a server misbehaves as the script says."""
    async with GeminiServer(script) as server, opened(server.base_url, **options) as provider:
        return await provider.reply(ask_for())


async def failure_of(provider: Gemini) -> tuple[Exception, Retry]:
    """The error of a call, and what it is taken for."""
    try:
        reply = await provider.reply(ask_for())
    except Exception as error:
        return error, provider.classify(error)
    raise AssertionError(f"there was a reply: {reply}")


async def verdict_on(script: list[Mapping[str, Any]], **options: Any) -> Retry:
    """What a call's error is taken for where a server misbehaves as the script says."""
    async with GeminiServer(script) as server, opened(server.base_url, **options) as provider:
        return (await failure_of(provider))[1]
