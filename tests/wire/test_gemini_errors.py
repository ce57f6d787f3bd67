"""Errors that a script asks for in any protocol, and the keys that errors show."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from annoengine.provider import Retry
from tests.wire.gemini_answers import error as google_error
from tests.wire.gemini_answers import error_info
from tests.wire.gemini_calls import KEY, clean_environment, failure_of, opened, verdict_on
from tests.wire.gemini_known_errors import PER_DAY
from tests.wire.gemini_server import GeminiServer
from tests.wire.openai_calls import ask_for


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"do": "rate_limit"}, Retry("slow_down", "rate limit (429)")),
        ({"do": "rate_limit", "retry_after": 2}, Retry("slow_down", "rate limit (429)", after_s=2)),
        (
            {"do": "rate_limit", "retry_delay": "3.5s"},
            Retry("slow_down", "rate limit (429)", after_s=3.5),
        ),
        (
            {"do": "rate_limit", "date_in_s": 40},
            Retry("slow_down", "rate limit (429)", after_s=40),
        ),
        (
            {"do": "quota"},
            Retry(
                "fatal",
                f"the quota of the day is spent (429): {PER_DAY}, which allows 250; resume after "
                "midnight Pacific time, when it is full again",
            ),
        ),
        ({"do": "gateway", "status": 502}, Retry("again", "server error (502)")),
        (
            {"do": "status", "status": 503, "retry_after": 4},
            Retry("again", "server error (503)", after_s=4),
        ),
        (
            {"do": "no_choices"},
            Retry(
                "again",
                "no answer in the reply: neither candidates nor a reason: it begins "
                '\'{"modelVersion":"m"}\'',
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
        (
            {"do": "raw", "body": "[1, 2]"},
            Retry(
                "again", "no answer in the reply: not a JSON object: it begins '[1, 2]'", "perhaps"
            ),
        ),
        (
            {"do": "raw", "body": ""},
            Retry(
                "again",
                "no answer in the reply: not JSON (application/json): it is blank",
                "perhaps",
            ),
        ),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_scripts_that_work_with_each_protocol(rule: dict[str, Any], expected: Retry) -> None:
    assert await verdict_on([rule]) == expected


async def test_broken_json_is_perhaps_paid() -> None:
    retry = await verdict_on([{"do": "not_json"}])
    assert (retry.action, retry.paid) == ("again", "perhaps")
    assert retry.reason.startswith("no answer in the reply: not JSON (application/json): it begins")


async def test_a_missing_key_is_told_where_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    async with GeminiServer([{"do": "bad_key"}]) as server, opened(server.base_url) as provider:
        _, retry = await failure_of(provider)
    assert retry.reason.startswith(
        f"{provider.base_url} does not know the key in GEMINI_API_KEY (which is not set) (400): "
    )


async def test_a_key_is_revoked_half_way() -> None:
    script = [{"do": "bad_key", "after": 2}]
    async with GeminiServer(script) as server, opened(server.base_url) as provider:
        for _ in range(2):
            assert (await provider.reply(ask_for())).outcome == "answer"
        _, retry = await failure_of(provider)
    assert (retry.action, retry.paid) == ("fatal", "no")


# --- keys -----------------------------------------------------------------------------------

ECHOES = [
    {"do": "bad_key"},
    {"do": "bad_key", "masked": True},
    # continuedev/continue, 10902: the whole key, and once more in the details
    {
        "do": "raw",
        "status": 403,
        "body": google_error(
            403,
            "Permission denied: Consumer 'api_key:THEKEY' has been suspended.",
            error_info("CONSUMER_SUSPENDED", containerInfo="api_key:THEKEY"),
        ).decode(),
    },
    {"do": "raw", "status": 404, "body": "no page at /v1/models/x?key=THEKEY&alt=json"},
    {"do": "raw", "status": 500, "body": "upstream https://g.example/?alt=sse&key=THEKEY failed"},
    {"do": "raw", "status": 200, "body": "<a href='/?key=THEKEY'>"},
    {"do": "redirect", "to": "https://elsewhere.example/v1?key=THEKEY"},
]


@pytest.mark.parametrize("key", [KEY, "AQ.Ab8RN6plainword-without-prefix"])
@pytest.mark.parametrize("rule", ECHOES, ids=lambda rule: str(rule)[:50])
async def test_a_key_that_the_server_echoes_goes_nowhere(
    key: str,
    rule: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", key)
    caplog.set_level(logging.DEBUG)
    rule = {k: v.replace("THEKEY", key) if isinstance(v, str) else v for k, v in rule.items()}
    async with (
        GeminiServer([rule], keep_calls=True) as server,
        opened(server.base_url) as provider,
    ):
        error, retry = await failure_of(provider)
        seen = [str(error), repr(error), retry.reason, repr(provider), caplog.text]
        seen += [repr(value) for value in vars(provider).values() if value != (key,)]
    assert key not in server.calls[0].path
    for text in seen:
        assert key not in text
        assert key[:8] not in text
        assert f"*{key[-4:]}" not in text


async def test_a_key_of_someone_else_is_no_key_to_show() -> None:
    """A proxy's own key, which is not known here, in the address that it asks."""
    rule = {"do": "raw", "status": 500, "body": "GET https://g.example/?key=hunter22 failed"}
    async with GeminiServer([rule]) as server, opened(server.base_url) as provider:
        error, _ = await failure_of(provider)
    assert str(error) == "status 500: GET https://g.example/?key=[key] failed"
