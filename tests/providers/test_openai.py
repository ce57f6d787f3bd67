"""The ``openai`` provider without a server: its options, its keys, what it says of itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from annoengine.errors import RecipeError, SettingError
from annoengine.provider import Message, Request, TextPart
from annoengine.providers.openai import Openai


def asked(*messages: Message) -> Request:
    return Request(model="annotator", messages=messages)


HELLO = Message(role="user", parts=(TextPart(text="hello"),))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"base_ulr": "x"}, "openai/m has no option 'base_ulr'. Did you mean 'base_url'?"),
        ({"api_key": "sk-abcdef"}, "no option 'api_key'. Did you mean 'api_key_env'?"),
        ({"api_key_env": "sk-abcdef"}, "'api_key_env' takes the name of an environment variable"),
        ({"timeout_s": 0}, "the option 'timeout_s' is wrong: Input should be greater than 0"),
        ({"max_concurrency": "many"}, "the option 'max_concurrency' is wrong"),
        ({"base_url": "localhost:8000"}, "one looks like http://localhost:8000/v1"),
        ({"base_url": "http://me:sk-abcdef@h/v1"}, "base_url holds a user or password"),
        ({"base_url": "http://h/v1/chat/completions/"}, "base_url ends before /chat/completions"),
        ({"base_url": "http://h/v1?api-version=1"}, "base_url ends before the '?'"),
        ({"extra_body": {"temperature": 1}}, "extra_body may not hold 'temperature'"),
        ({"azure": {"deploymnet": "x"}}, "the option 'azure.deploymnet' is wrong"),
        ({"verbosity": "chatty"}, "the option 'verbosity' is wrong"),
    ],
)
def test_wrong_options(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Openai("m", options)
    assert sentence in str(caught.value)
    assert "sk-abcdef" not in str(caught.value)


def test_a_model_must_be_named() -> None:
    with pytest.raises(RecipeError, match="openai needs a model"):
        Openai("", {})


def test_names_and_windows() -> None:
    provider = Openai("gpt-4o", {"max_concurrency": 9})
    assert (provider.name, provider.window) == ("openai/gpt-4o", 9)
    assert Openai("gpt-4o", {}).window == 64
    assert Openai("org/model", {}).name == "openai/org/model"


def test_key_extra_is_what_changes_answers() -> None:
    request = asked(HELLO)
    assert Openai("gpt-4o", {}).key_extra(request) == {}
    moved = {"base_url": "http://localhost:8001/v1", "timeout_s": 3, "max_concurrency": 1}
    assert Openai("gpt-4o", moved).key_extra(request) == {}
    assert Openai("o3", {"reasoning": True}).key_extra(request) == {}
    told = {"served_as": "awq", "reasoning": True, "reasoning_effort": "low", "verbosity": "low"}
    assert Openai("qwen", told).key_extra(request) == {
        "served_as": "awq",
        "reasoning": "true",
        "reasoning_effort": "low",
        "verbosity": "low",
    }


@pytest.mark.parametrize("value", [None, "", " \n"])
async def test_a_missing_key_is_said_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    if value is None:
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    else:
        monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(SettingError) as caught:
        await Openai("gpt-4o", {}).open()
    assert str(caught.value) == (
        "OPENAI_API_KEY is not set; export it, or use "
        "--model annotator=pixels to try the recipe without a key"
    )


async def test_an_unopened_provider_says_so() -> None:
    with pytest.raises(RuntimeError, match="openai/gpt-4o was not opened"):
        await Openai("gpt-4o", {}).reply(asked(HELLO))


def test_foreign_errors_are_raised() -> None:
    error = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        Openai("gpt-4o", {}).classify(error)


def test_importing_the_provider_imports_no_sdk() -> None:
    code = (
        "import sys, annoengine.providers.openai; "
        "print(sorted({'openai', 'aiohttp', 'httpx2', 'httpx', 'cv2'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
