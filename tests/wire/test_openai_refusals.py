"""What the statuses of a chat-completions server mean; no key is in what is said of them."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from annoengine.provider import Retry
from tests.wire.openai_calls import KEY, clean_environment, failure_of, opened, verdict_on
from tests.wire.openai_server import OpenaiServer


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


STATUSES: list[tuple[dict[str, Any], Retry]] = [
    ({"do": "rate_limit"}, Retry("slow_down", "rate limit (429)")),
    ({"do": "rate_limit", "retry_after": 2}, Retry("slow_down", "rate limit (429)", after_s=2)),
    (
        {"do": "rate_limit", "retry_after_ms": 30, "retry_after": 1},
        Retry("slow_down", "rate limit (429)", after_s=0.03),
    ),
    (
        {"do": "rate_limit", "retry_after": "0.25"},
        Retry("slow_down", "rate limit (429)", after_s=0.25),
    ),
    *(
        (
            {"do": "rate_limit", "date_in_s": 40, "date_form": form},
            Retry("slow_down", "rate limit (429)", after_s=40),
        )
        for form in ("imf", "rfc850", "asctime")
    ),
    ({"do": "rate_limit", "epoch_in_s": 9}, Retry("slow_down", "rate limit (429)", after_s=9)),
    *(
        ({"do": "rate_limit", "retry_after": absurd}, Retry("slow_down", "rate limit (429)"))
        for absurd in ("-5", "31536000", "soon", "1e3", "")
    ),
    (
        {"do": "rate_limit", "retry_after": 86400},
        Retry("slow_down", "rate limit (429)", after_s=3600),
    ),
    (
        {"do": "rate_limit", "retry_delay": "3.5s"},
        Retry("slow_down", "rate limit (429)", after_s=3.5),
    ),
    (
        {"do": "rate_limit", "said": "Limit 3. Please try again in 1.2s."},
        Retry("slow_down", "rate limit (429)", after_s=1.2),
    ),
    ({"do": "rate_limit", "reset_s": 1.5}, Retry("slow_down", "rate limit (429)", after_s=1.5)),
    (
        {"do": "quota"},
        Retry(
            "fatal",
            "the account has no credit left (429): You exceeded your current quota, please check "
            "your plan and billing details",
        ),
    ),
    ({"do": "status", "status": 500}, Retry("again", "server error (500)")),
    ({"do": "gateway", "status": 502}, Retry("again", "server error (502)")),
    (
        {"do": "status", "status": 503, "retry_after": 4},
        Retry("again", "server error (503)", after_s=4),
    ),
    ({"do": "gateway", "status": 504}, Retry("again", "server error (504)", "perhaps")),
    ({"do": "status", "status": 529}, Retry("again", "server error (529)")),
    ({"do": "status", "status": 408}, Retry("again", "status 408")),
    ({"do": "status", "status": 409}, Retry("again", "status 409")),
    (
        {"do": "status", "status": 403, "message": "Country not supported"},
        Retry(
            "fatal", "URL denies access with the key in OPENAI_API_KEY (403): Country not supported"
        ),
    ),
    (
        {"do": "no_model"},
        Retry(
            "fatal",
            "no model 'gpt-4o' at URL (404): The model `gpt-4o` does not exist; "
            "check model and base_url",
        ),
    ),
    (
        {"do": "policy"},
        Retry(
            "never",
            "content policy (400): Your request was rejected as a result of our safety system",
            outcome="filtered",
        ),
    ),
    (
        {"do": "policy", "azure": True},
        Retry("never", "content policy (400): The prompt was filtered", outcome="filtered"),
    ),
    (
        {"do": "too_long"},
        Retry(
            "never",
            "the call is too long for 'gpt-4o' (400): This model's maximum context length is "
            "128000 tokens. Please reduce your prompt; lower max_tokens, send fewer or smaller "
            "pictures, or let the server take more",
        ),
    ),
    (
        {"do": "redirect", "to": "https://elsewhere.example/v1"},
        Retry(
            "fatal",
            "URL takes no calls (308) (it points to https://elsewhere.example/v1); check base_url",
        ),
    ),
    ({"do": "error_in_200"}, Retry("slow_down", "rate limit (429)")),
    (
        {"do": "error_in_200", "code": "overloaded"},
        Retry(
            "again",
            "no answer in the reply, but an error: Provider returned error",
            "perhaps",
        ),
    ),
    (
        {"do": "no_choices"},
        Retry(
            "again",
            "no answer in the reply: no choices with a message: it begins "
            '\'{"id":"chatcmpl-x","object":"chat.completion","model":"m","choices":[]}\'',
            "perhaps",
        ),
    ),
    (
        {"do": "html"},
        Retry(
            "again",
            "no answer in the reply: not JSON (text/html): it begins "
            "'<html><body>Welcome to the proxy</body></html>'",
            "perhaps",
        ),
    ),
]


@pytest.mark.parametrize(("rule", "expected"), STATUSES, ids=lambda v: str(v)[:60])
async def test_refusals(rule: dict[str, Any], expected: Retry) -> None:
    async with OpenaiServer([rule]) as server, opened(server.base_url) as provider:
        error, retry = await failure_of(provider)
        reason = retry.reason.replace(server.base_url, "URL")
    assert (retry.action, reason, retry.paid, retry.outcome) == (
        expected.action,
        expected.reason,
        expected.paid,
        expected.outcome,
    )
    assert retry.after_s == expected.after_s
    assert str(error)
    assert server.counts()["received"] == 1  # nothing tried again by itself, nowhere redirected


async def test_broken_json_is_perhaps_paid() -> None:
    retry = await verdict_on([{"do": "not_json"}])
    assert (retry.action, retry.paid) == ("again", "perhaps")
    assert retry.reason.startswith("no answer in the reply: not JSON (application/json): it begins")


@pytest.mark.parametrize("key", [KEY, "plainword-without-prefix"])
@pytest.mark.parametrize("masked", [False, True])
async def test_a_key_that_the_server_echoes_goes_nowhere(
    key: str, masked: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", key)
    caplog.set_level(logging.DEBUG)
    script = [{"do": "bad_key", "masked": masked}]
    async with OpenaiServer(script) as server, opened(server.base_url) as provider:
        error, retry = await failure_of(provider)
        seen = [str(error), repr(error), retry.reason, repr(provider), caplog.text]
        seen += [repr(value) for value in vars(provider).values() if value != (key,)]
    assert retry.action == "fatal"
    assert retry.reason.startswith(
        f"{provider.base_url} does not know the key in OPENAI_API_KEY (401): "
        "Incorrect API key provided: [key]"
    )
    for text in seen:
        assert key not in text
        assert key[:8] not in text
        assert f"*{key[-4:]}" not in text
