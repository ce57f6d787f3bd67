"""A model on Azure: which address is asked, with which headers, and with whose key."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from annoengine.errors import RecipeError, SettingError
from annoengine.providers.openai import Openai
from tests.wire.openai_calls import KEY, ask_for, clean_environment, failure_of, ride_on_httpx
from tests.wire.openai_server import OpenaiServer

AZURE_KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", AZURE_KEY)


DATED = "/openai/deployments/{}/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize("on_httpx", [False, True])
@pytest.mark.parametrize("resource", ["", "/", "/openai", "/openai/v1/", "/gate/way"])
@pytest.mark.parametrize(
    ("azure", "path", "model"),
    [
        ({"api_version": "2024-10-21"}, DATED.format("gpt-4o"), "gpt-4o"),
        ({"api_version": "2024-10-21", "deployment": "mine"}, DATED.format("mine"), "mine"),
        ({}, "/openai/v1/chat/completions", "gpt-4o"),
        ({"deployment": "mine"}, "/openai/v1/chat/completions", "mine"),
        ({"api_version": "v1"}, "/openai/v1/chat/completions", "gpt-4o"),
        (
            {"api_version": "preview"},
            "/openai/v1/chat/completions?api-version=preview",
            "gpt-4o",
        ),
    ],
)
async def test_addresses_and_headers(
    azure: dict[str, str],
    path: str,
    model: str,
    resource: str,
    on_httpx: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if on_httpx:
        ride_on_httpx(monkeypatch)
    async with OpenaiServer(keep_calls=True) as server:
        url = f"http://127.0.0.1:{server.port}{resource}"
        provider = Openai("gpt-4o", {"base_url": url, "azure": azure})
        await provider.open()
        reply = await provider.reply(ask_for())
        await provider.close()
    [call] = server.calls
    prefix = "/gate/way" if resource == "/gate/way" else ""
    assert call.path == prefix + path
    assert call.headers["api-key"] == AZURE_KEY
    assert "authorization" not in call.headers
    assert orjson.loads(call.body)["model"] == model
    assert reply.model == f"{model}-2024-08-06"
    assert provider.name == "openai/gpt-4o"


async def test_the_environment_may_name_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    async with OpenaiServer(keep_calls=True) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", f"http://127.0.0.1:{server.port}/")
        monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.invalid/v1")
        monkeypatch.setenv("MY_KEY", "another-key-of-azure")
        provider = Openai("gpt-4o", {"azure": {}, "api_key_env": "MY_KEY"})
        await provider.open()
        assert (await provider.reply(ask_for())).outcome == "answer"
        await provider.close()
    assert server.calls[0].headers["api-key"] == "another-key-of-azure"


async def test_a_resource_without_an_address() -> None:
    with pytest.raises(RecipeError) as caught:
        await Openai("gpt-4o", {"azure": {}}).open()
    assert str(caught.value) == (
        "openai/gpt-4o: azure needs the address of the resource in base_url or in "
        "AZURE_OPENAI_ENDPOINT; one looks like https://NAME.openai.azure.com"
    )


async def test_its_own_key_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_OPENAI_API_KEY")
    url = "https://mine.openai.azure.com"
    provider = Openai("gpt-4o", {"base_url": url, "azure": {"api_version": "2024-10-21"}})
    [requirement] = provider.requirements()
    assert (requirement.what, requirement.met) == ("the key AZURE_OPENAI_API_KEY", False)
    with pytest.raises(SettingError, match="AZURE_OPENAI_API_KEY is not set; export it"):
        await provider.open()


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("azure", [{}, {"api_version": "2024-10-21"}])
async def test_its_key_goes_nowhere(masked: bool, azure: dict[str, Any]) -> None:
    async with OpenaiServer([{"do": "bad_key", "masked": masked}]) as server:
        url = f"http://127.0.0.1:{server.port}"
        provider = Openai("gpt-4o", {"base_url": url, "azure": azure})
        await provider.open()
        error, retry = await failure_of(provider)
        await provider.close()
    assert retry.action == "fatal"
    assert "does not know the key in AZURE_OPENAI_API_KEY (401)" in retry.reason
    for text in (str(error), retry.reason, repr(provider)):
        assert AZURE_KEY[:8] not in text
        assert KEY not in text


def test_a_deployment_is_an_address_and_not_in_the_key() -> None:
    provider = Openai("gpt-4o", {"base_url": "https://x.example", "azure": {"deployment": "d"}})
    assert provider.key_extra(ask_for()) == {}
