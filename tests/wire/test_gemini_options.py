"""The options of a ``gemini/…`` model: keys, addresses, what is in the key of a call, notes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from annoengine.chat_errors import BrokenCall
from annoengine.errors import RecipeError, SettingError
from annoengine.providers.gemini import Gemini
from tests.wire.gemini_calls import KEY, MODEL, clean_environment, opened
from tests.wire.gemini_server import GeminiServer
from tests.wire.openai_calls import ask_for


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


async def key_sent(**options: Any) -> str:
    async with GeminiServer(keep_calls=True) as server, opened(server.base_url, **options) as p:
        await p.reply(ask_for())
    return server.calls[0].headers["x-goog-api-key"]


async def test_which_key_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await key_sent() == KEY
    monkeypatch.setenv("GOOGLE_API_KEY", "AQ.google-key-0123456789")
    assert await key_sent() == "AQ.google-key-0123456789"  # before the other, as in the SDK
    assert await key_sent(api_key_env="GEMINI_API_KEY") == KEY
    monkeypatch.setenv("MY_KEY", " mine-0123456789\n")
    assert await key_sent(api_key_env="MY_KEY") == "mine-0123456789"


async def test_a_server_on_this_machine_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    assert await key_sent() == "none"


async def test_a_missing_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    provider = Gemini(MODEL, {})
    with pytest.raises(
        SettingError, match=r"^GEMINI_API_KEY is not set; export it, or use --model"
    ):
        await provider.open()
    [need] = provider.requirements()
    assert (need.what, need.met, need.remedy) == (
        "the key GEMINI_API_KEY",
        False,
        "export GEMINI_API_KEY=…",
    )
    monkeypatch.setenv("GOOGLE_API_KEY", "k")
    assert [need.met for need in provider.requirements()] == [True]
    assert Gemini(MODEL, {"base_url": "http://localhost:1"}).requirements() == ()
    assert Gemini(MODEL, {"vertex": {"project": "p"}}).requirements() == ()


async def test_the_environment_may_name_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")  # the recipe decides that
    async with GeminiServer() as server:
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.base_url + "/")
        provider = Gemini(MODEL, {})
        assert provider.base_url == server.base_url
        await provider.open()
        assert (await provider.reply(ask_for())).outcome == "answer"
        await provider.close()


async def test_a_server_below_a_path() -> None:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        taken.append((await reader.readline()).decode())
        writer.close()

    taken: list[str] = []
    server = await asyncio.start_server(take, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/gateway/"
    async with server, opened(url) as provider:
        with pytest.raises(BrokenCall):
            await provider.reply(ask_for())
    assert taken == [f"POST /gateway/v1/models/{MODEL}:generateContent HTTP/1.1\r\n"]


def test_googles_own_addresses() -> None:
    assert Gemini(MODEL, {}).base_url == "https://generativelanguage.googleapis.com"
    assert Gemini(MODEL, {"vertex": {}}).base_url == "https://aiplatform.googleapis.com"


@pytest.mark.parametrize(
    ("options", "extra"),
    [
        ({}, {}),
        ({"thinking_budget": 0}, {"thinking_budget": "0"}),
        ({"thinking_level": "high"}, {"thinking_level": "high"}),
        ({"safety_threshold": "OFF"}, {"safety_threshold": "OFF"}),
        ({"served_as": "mirror"}, {"served_as": "mirror"}),
        ({"vertex": {"project": "p"}, "timeout_s": 5, "max_concurrency": 2}, {}),
        ({"base_url": "http://localhost:1", "api_version": "v1beta"}, {}),
    ],
)
def test_what_is_in_the_key_of_a_call(options: dict[str, Any], extra: dict[str, str]) -> None:
    assert Gemini(MODEL, options).key_extra(ask_for()) == extra


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"thinking": 1}, "gemini/m has no option 'thinking'. Did you mean 'thinking_level'?"),
        (
            {"thinking_budget": 5, "thinking_level": "low"},
            "gemini/m: set thinking_budget (2.5 series) or thinking_level (3 on), not both",
        ),
        ({"thinking_budget": -2}, "gemini/m: the option 'thinking_budget' is wrong: "),
        ({"timeout_s": 0}, "gemini/m: the option 'timeout_s' is wrong: "),
        ({"vertex": {"region": "x"}}, "gemini/m: the option 'vertex.region' is wrong: "),
        ({"api_key_env": KEY + "-"}, "gemini/m: 'api_key_env' takes the name of an environment"),
        (
            {"api_key_env": "A", "vertex": {}},
            "gemini/m: Vertex takes no key; leave 'api_key_env' or 'vertex' out",
        ),
        ({"base_url": "localhost:80"}, "gemini/m: base_url 'localhost:80' is no address; one "),
        ({"base_url": "http://a:b@c"}, "gemini/m: base_url holds a user or password; use api_"),
        (
            {"base_url": f"https://proxy.example/?key={KEY}"},
            "gemini/m: base_url ends before the '?'; a key goes into the variable that",
        ),
        (
            {"base_url": "https://proxy.example/v1beta/"},
            "gemini/m: base_url ends before '/v1beta', which goes into api_version",
        ),
        ({"base_url": "http://c:port"}, "gemini/m: base_url 'http://c:port' is no address"),
    ],
)
def test_wrong_options(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Gemini("m", options)
    assert str(caught.value).startswith(problem)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("model", ["", " ", "../files", "m?key=1", "a&b", "a b"])
def test_a_name_that_is_no_model(model: str) -> None:
    with pytest.raises(RecipeError, match=r"gemini needs a model|is no model: its name may not"):
        Gemini(model, {})


async def test_notes_on_names_that_move() -> None:
    version = "gemini-2.5-flash-preview-09-2025"
    script = [{"do": "served", "model": version}]
    async with (
        GeminiServer(script) as server,
        opened(server.base_url, model="gemini-flash-latest") as provider,
    ):
        assert provider.notes() == [
            "gemini/gemini-flash-latest is a name that Google gives to each new model"
        ]
        assert (await provider.reply(ask_for())).model == version
        assert provider.notes() == [
            "gemini/gemini-flash-latest is a name that Google gives to each new model; to keep to "
            f"the one that answered, name gemini/{version}"
        ]


async def test_notes_on_several_models() -> None:
    script = [{"do": "served", "model": "gemini-2.5-flash-001", "every": 2}]
    async with GeminiServer(script) as server, opened(server.base_url) as provider:
        await provider.reply(ask_for())
        assert provider.notes() == []
        await provider.reply(ask_for())
        assert provider.notes() == [
            "gemini/gemini-2.5-flash was answered by 2 models: gemini-2.5-flash, "
            "gemini-2.5-flash-001"
        ]


def test_the_sdk_is_imported_when_a_model_is_opened() -> None:
    code = (
        "import sys\n"
        "from annoengine.providers.gemini import Gemini\n"
        "Gemini('gemini-2.5-flash', {}).requirements()\n"
        "sys.exit(', '.join({'google.genai', 'google.auth', 'aiohttp'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
