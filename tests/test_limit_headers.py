"""What servers say of their limits: every form of a wait, and limits a minute, true or garbled."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.limit_headers import (
    LONGEST_BELIEVED_S,
    LONGEST_WAIT_S,
    allows_nothing,
    announced,
    wait_s,
)
from annoengine.provider import Announced

NOW = "Wed, 21 Oct 2015 07:28:00 GMT"  # 1445412480 s after 1970


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": " 3 "}, 3.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e3"}, None),
        ({"retry-after": "\u0663"}, None),  # a digit elsewhere
        ({"retry-after": "3601"}, 3600.0),
        ({"retry-after": "86400"}, 3600.0),
        ({"retry-after": "86401"}, None),
        ({"retry-after": "31536000"}, None),
        ({"retry-after": "31536000", "x-ratelimit-remaining-requests": "0",
          "x-ratelimit-reset-requests": "2s"}, 2.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "-3", "retry-after": "9"}, 9.0),
        # Three forms of a date, and the two of a point in time.
        ({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT", "date": NOW}, 30.0),
        ({"retry-after": "Wednesday, 21-Oct-15 07:28:30 GMT", "date": NOW}, 30.0),
        ({"retry-after": "Wed Oct 21 07:28:30 2015", "date": NOW}, 30.0),
        ({"retry-after": "2015-10-21T07:28:30Z", "date": NOW}, 30.0),
        ({"retry-after": "1445412510", "date": NOW}, 30.0),
        ({"retry-after": "1445412510500", "date": NOW}, 30.5),
        ({"retry-after": "Wed, 21 Oct 2015 07:27:00 GMT", "date": NOW}, 0.0),  # past
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),  # long past, by our clock
        ({"retry-after": "Fri, 21 Oct 2016 07:28:00 GMT", "date": NOW}, None),  # a year
        # OpenAI's budgets: the later of those that are used up.
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "120ms"}, 0.12),
        ({"x-ratelimit-remaining-requests": "4", "x-ratelimit-reset-requests": "120ms"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s",
          "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"}, 62.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "17"}, 17.0),  # Azure
        ({"x-ratelimit-remaining-tokens": "-1", "x-ratelimit-reset-tokens": "0"}, None),  # Azure
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "never"}, None),
        ({"anthropic-ratelimit-requests-remaining": "0", "date": NOW,
          "anthropic-ratelimit-requests-reset": "2015-10-21T07:28:12Z"}, 12.0),
    ],
)  # fmt: skip
def test_waits_of_headers(headers: dict[str, str], seconds: float | None) -> None:
    assert wait_s(headers) == seconds


def retry_info(delay: str) -> list[Any]:
    return [{"error": {"code": 429, "details": [{"@type": "Help"}, {"retryDelay": delay}]}}]


def says(message: str) -> dict[str, Any]:
    return {"error": {"message": message, "code": "rate_limit_exceeded"}}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (None, None),
        ("try again in 3s", None),  # a page, not an error's message
        (retry_info("12.5s"), 12.5),
        (retry_info("0.002s"), 0.002),
        (retry_info("later"), None),
        ({"error": "Model is currently loading", "estimated_time": 20.0}, 20.0),
        (says("Limit 30000, Used 29937, Requested 385. Please try again in 644ms. Visit"), 0.644),
        (says("Please try again in 1.2s."), 1.2),
        (says("Please try again in 7m12s."), 432.0),
        (says("Please try again in 1h0m3s"), 3600.0),
        (says("Please retry after 33 seconds. Please go here"), 33.0),
        (says("Please retry in 12.288s."), 12.288),
        (says("Try again in 2 minutes and be happy"), 120.0),
        (says("wait 1 hour 5 minutes"), 3600.0),
        (says("Please retry after 86400 seconds."), 3600.0),
        (says("Please try again later, at most 5 requests a minute"), None),
        (says("Retry limit 30000 reached"), None),
        (
            {"error": {"metadata": {"headers": {"X-RateLimit-Remaining": "0",
                                                "X-RateLimit-Reset": "1445412510000"}}}},
            30.0,
        ),
        (
            {"error": {"metadata": {"headers": {"X-RateLimit-Remaining": "3",
                                                "X-RateLimit-Reset": "1445412510000"}}}},
            None,
        ),
    ],
)  # fmt: skip
def test_waits_of_bodies(body: Any, seconds: float | None) -> None:
    assert wait_s({"date": NOW}, body) == seconds


def test_what_is_said_first_counts() -> None:
    told = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "60s"}
    assert wait_s(told, says("Please try again in 1s")) == 1.0  # 60 s until it is full again
    assert wait_s({**told, "retry-after": "4"}, says("Please try again in 1s")) == 4.0
    assert wait_s({**told, "retry-after": "4", "retry-after-ms": "3500"}) == 3.5


def test_dates_do_not_depend_on_the_zone_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = os.environ.get("TZ")
    try:
        for name in ("Pacific/Auckland", "America/Los_Angeles"):
            os.environ["TZ"] = name
            time.tzset()
            assert wait_s({"retry-after": "Wed Oct 21 07:28:30 2015", "date": NOW}) == 30.0
    finally:
        if zone is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = zone
        time.tzset()


NAMES = st.sampled_from(
    ["retry-after", "retry-after-ms", "date", "x-ratelimit-limit-requests"]
    + [f"x-ratelimit-{kind}-{what}" for kind in ("remaining", "reset", "limit")
       for what in ("requests", "tokens", "req-minute")]
    + ["ratelimit-limit", "x-ratelimit-limit", "anthropic-ratelimit-tokens-limit"]
)  # fmt: skip
VALUES = (
    st.text(max_size=12)
    | st.sampled_from(["0", "-1", "1e999", "9" * 400, "60;w=0", "0;w=60", "5;w=1, 9;w=60", NOW])
    | st.integers(-5, 10**14).map(str)
    | st.floats().map(str)
)
BODIES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "details", "metadata", "headers", "retryDelay", "message", "detail"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@given(st.dictionaries(NAMES, VALUES, max_size=5), BODIES)
def test_no_header_and_no_body_breaks_the_readers(headers: dict[str, str], body: Any) -> None:
    wait = wait_s(headers, body)
    assert wait is None or 0 <= wait <= LONGEST_WAIT_S <= LONGEST_BELIEVED_S
    found = announced(headers)
    if found is not None:
        limits = [n for n in (found.requests_per_minute, found.tokens_per_minute) if n is not None]
        assert limits
        assert all(0 < limit < float("inf") for limit in limits)
    assert allows_nothing(headers) in (True, False)


@pytest.mark.parametrize(
    ("headers", "requests", "tokens"),
    [
        ({"x-ratelimit-limit-requests": "5000", "x-ratelimit-limit-tokens": "800000"}, 5000, 8e5),
        ({"x-ratelimit-limit-requests": "14400"}, 14400, None),  # Groq's, of a day: still a bound
        ({"x-ratelimit-limit-tokens": "450000"}, None, 450000),
        ({"x-ratelimit-limit-req-minute": "50", "x-ratelimit-limit-tokens-minute": "5e4"},
         50, None),
        ({"x-ratelimit-limit-requests-minute": "30", "x-ratelimit-limit-requests": "14400"},
         30, None),
        ({"anthropic-ratelimit-requests-limit": "1000",
          "anthropic-ratelimit-tokens-limit": "96000"}, 1000, 96000),
        ({"ratelimit-limit": "100;w=60"}, 100, None),
        ({"x-ratelimit-limit": "100, 100;window=60, 10000;window=86400"}, 100, None),
        ({"ratelimit-limit": "5;w=1"}, 300, None),
        ({"x-ratelimit-limit-requests": "-1", "x-ratelimit-limit-tokens": "1000"}, None, 1000),
    ],
)  # fmt: skip
def test_limits_a_minute(
    headers: dict[str, str], requests: float | None, tokens: float | None
) -> None:
    assert announced(headers) == Announced(requests, tokens)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-ratelimit-limit-requests": "0"},
        {"x-ratelimit-limit-requests": "-1", "x-ratelimit-limit-tokens": "-1"},  # Azure has sent it
        {"x-ratelimit-limit-requests": "unlimited"},
        {"x-ratelimit-limit-requests": "1e999"},
        {"x-ratelimit-limit": "300"},  # of which window?
        {"ratelimit-limit": "100;w=0"},
    ],
)
def test_limits_that_say_nothing(headers: dict[str, str]) -> None:
    assert announced(headers) is None


def test_a_limit_of_nothing_is_seen() -> None:
    assert allows_nothing({"x-ratelimit-limit-req-minute": "0"})
    assert not allows_nothing({"x-ratelimit-limit-req-minute": "1"})
    assert not allows_nothing({"x-ratelimit-limit-requests": "0"})  # seen on servers that answer
