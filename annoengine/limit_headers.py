"""What a server says about its limits: how long to wait, and how much it allows a minute.

Every gateway has headers of its own, and some lie; so each reader takes what it understands and
passes over the rest without an error. Seconds and dates come out as seconds from now.
"""

from __future__ import annotations

import email.utils
import math
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from annoengine.provider import Announced

LONGEST_WAIT_S = 3600.0
"""A longer wait is cut to this: a quota of the day is asked about once an hour, so that a wrong
clock somewhere costs an hour and not the night."""

LONGEST_BELIEVED_S = 86400.0
"""No limit lasts longer than its window, and the longest window sold is a day (OpenAI's RPD,
Azure's 86400 s); a longer wait says nothing and is left to the back-off."""

_EPOCH_S, _EPOCH_MS = 1e9, 1e12
"""Numbers from here on are points in time: seconds or milliseconds since 1970."""

_UNITS_S = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0
}  # fmt: skip
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|d|h|m|s)", re.ASCII)
_SPOKEN = re.compile(
    r"(?:try|retry|come back|wait|available)\b[^.\d]{0,20}?"
    r"((?:\d+(?:\.\d+)?\s*"
    r"(?:milliseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|ms|s|m|h)\b\s*)+"
    r"|(?:\d+(?:\.\d+)?(?:ms|s|m|h))+)",
    re.IGNORECASE,
)
_SPOKEN_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h)[a-z]*", re.IGNORECASE)
_WINDOW = re.compile(r"(\d+(?:\.\d+)?)\s*;\s*(?:w|window)=(\d+(?:\.\d+)?)", re.ASCII)


def wait_s(headers: Mapping[str, str], body: Any = None) -> float | None:
    """How long a server asks us to wait, in seconds, or None where it does not say.

    The first of these that says something: ``retry-after-ms``; ``retry-after`` (seconds, an
    HTTP date in any of its three forms, a point in time), compared with the server's own
    ``date`` where it gives one, since clocks differ; what the error's body holds (Google's
    RetryInfo, Hugging Face's estimated_time, the headers that OpenRouter hands on); the sentence
    "try again in 1.2s"; the latest reset of those budgets that are used up. The sentence comes
    before the resets, since these tell when a budget is full again, not when it has room.

    At most LONGEST_WAIT_S; a negative wait or one of more than a day is not believed.

    >>> wait_s({"retry-after": "2.5"}), wait_s({"retry-after-ms": "40", "retry-after": "1"})
    (2.5, 0.04)
    >>> wait_s({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT",
    ...         "date": "Wed, 21 Oct 2015 07:28:00 GMT"})
    30.0
    >>> wait_s({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"})
    62.5
    >>> wait_s({"retry-after": "86400"}), wait_s({"retry-after": "31536000"})
    (3600.0, None)
    """
    date = _date(headers.get("date") or "")
    now = time.time() if date is None else date
    for found in _waits(headers, body, now):
        if found is not None and 0 <= found <= LONGEST_BELIEVED_S:
            return min(found, LONGEST_WAIT_S)
    return None


def _waits(headers: Mapping[str, str], body: Any, now: float) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms"))
    yield None if milliseconds is None else milliseconds / 1000
    yield _until(headers.get("retry-after"), now)
    for holder in _holders(body):
        yield _duration(str(holder.get("retryDelay", "")))
        yield _number(str(holder.get("estimated_time", "")))
        handed_on = holder.get("headers")
        if isinstance(handed_on, dict):
            lower = {str(name).lower(): str(value) for name, value in handed_on.items()}
            yield _until(lower.get("retry-after"), now)
            yield _reset(lower, "x-ratelimit-remaining", "x-ratelimit-reset", now)
    for holder in _holders(body):
        message = holder.get("message")
        yield _spoken(message) if isinstance(message, str) else None
    resets = [_reset(headers, *names, now) for names in _BUDGETS]
    yield max((reset for reset in resets if reset is not None), default=None)


_BUDGETS = [
    (f"x-ratelimit-remaining-{budget}", f"x-ratelimit-reset-{budget}")
    for budget in ("requests", "tokens")
] + [
    (f"anthropic-ratelimit-{budget}-remaining", f"anthropic-ratelimit-{budget}-reset")
    for budget in ("requests", "tokens", "input-tokens", "output-tokens")
]


def _reset(headers: Mapping[str, str], remaining: str, reset: str, now: float) -> float | None:
    """Seconds until a budget that is used up is full again."""
    if headers.get(remaining, "").strip() != "0":
        return None
    text = headers.get(reset, "")
    wait = _duration(text)
    return _until(text, now) if wait is None else wait


def _holders(body: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The objects of an error's body that may tell a wait."""
    if isinstance(body, list):
        for item in body:
            yield from _holders(item, depth)
    elif isinstance(body, dict) and depth < 4:
        yield body
        for name in ("error", "details", "metadata", "detail"):
            yield from _holders(body.get(name), depth + 1)


def announced(headers: Mapping[str, str]) -> Announced | None:
    """What a server says it allows a minute, or None where it says nothing that can be read.

    Read from OpenAI's ``x-ratelimit-limit-*`` (Azure and most gateways have the same), Mistral's
    and Cerebras's with ``-minute`` in their names, Anthropic's, and limits that name their window
    (``100;w=60``). OpenAI's name none: they are a minute's, or a day's where the account has only
    that (Groq's are always a day's). A day's limit is passed on as it is, for no more than that
    goes through in a minute either; to pace a run by it would be to spread it over the day.

    Source: OpenAI, guide "Rate limits", "Rate limits in headers"; Groq, "Rate limits"; what
    Azure answers (4500 requests and 450000 tokens for a deployment of 450,000 a minute).

    >>> announced({"x-ratelimit-limit-requests": "3500", "x-ratelimit-limit-tokens": "90000"})
    Announced(requests_per_minute=3500.0, tokens_per_minute=90000.0)
    >>> announced({"ratelimit-limit": "50;w=10"})
    Announced(requests_per_minute=300.0, tokens_per_minute=None)
    >>> announced({"x-ratelimit-limit-requests": "-1"}) is None
    True
    """
    found = Announced(_allowed(headers, _REQUESTS), _allowed(headers, _TOKENS))
    return None if found == Announced() else found


_REQUESTS = (
    "x-ratelimit-limit-req-minute",
    "x-ratelimit-limit-requests-minute",
    "x-ratelimit-limit-requests",
    "anthropic-ratelimit-requests-limit",
    "ratelimit-limit",
    "x-ratelimit-limit",
)
_TOKENS = (
    "x-ratelimit-limit-tokens-minute",
    "x-ratelimit-limit-tokens",
    "anthropic-ratelimit-tokens-limit",
)
_NEED_A_WINDOW = {"ratelimit-limit", "x-ratelimit-limit"}
"""Their window may be anything where they do not name it."""


def _allowed(headers: Mapping[str, str], names: tuple[str, ...]) -> float | None:
    for name in names:
        text = headers.get(name)
        if text is None:
            continue
        windows = [(float(limit), float(s)) for limit, s in _WINDOW.findall(text)]
        rates = [limit * 60 / min(s, 60.0) for limit, s in windows if limit > 0 and s > 0]
        if rates:
            return min(rates)
        limit = _number(text)
        if limit and name not in _NEED_A_WINDOW:
            return limit
    return None


def allows_nothing(headers: Mapping[str, str]) -> bool:
    """Whether a limit is announced as 0: the model is not in the account's plan.

    Source: what Mistral answers for such a model, 429 with ``x-ratelimit-limit-req-minute: 0``.
    """
    return any(_number(headers.get(name)) == 0 for name in _REQUESTS[:2])


def _number(text: str | None) -> float | None:
    """A finite, non-negative number, or None."""
    if text is None or not re.fullmatch(r"\s*\d{1,300}(\.\d*)?\s*", text, re.ASCII):
        return None
    return float(text)


def _until(text: str | None, now: float) -> float | None:
    """Seconds from ``now`` of a number of seconds, a point in time, or a date."""
    if text is None:
        return None
    number = _number(text)
    if number is None:
        point = _date(text)
        return None if point is None else max(0.0, point - now)
    if number >= _EPOCH_MS:
        number /= 1000
    return max(0.0, number - now) if number >= _EPOCH_S else number


def _date(text: str) -> float | None:
    """A date of HTTP (three forms; Source: RFC 9110, 5.6.7) or of RFC 3339, as seconds since 1970.

    >>> _date("Sun, 06 Nov 1994 08:49:37 GMT") == _date("Sunday, 06-Nov-94 08:49:37 GMT")
    True
    >>> _date("Sun Nov  6 08:49:37 1994") == _date("1994-11-06T08:49:37Z") == 784111777.0
    True
    """
    if not text:
        return None
    try:
        try:
            date = datetime.fromisoformat(text.strip())
        except ValueError:
            date = email.utils.parsedate_to_datetime(text)
        point = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
    return point if math.isfinite(point) else None


def _duration(text: str) -> float | None:
    """Seconds of a Go duration: ``120ms``, ``1m2.5s``."""
    text = text.strip()
    if not text or _DURATION.sub("", text):
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in _DURATION.findall(text))


def _spoken(message: str) -> float | None:
    """Seconds of a sentence in an error's text.

    >>> [_spoken(f"Limit 30000. Please {s}.") for s in ("try again in 1.2s", "try again in 7m12s",
    ...     "retry after 26 seconds", "retry in 12.5s", "try again in 644ms", "try again later")]
    [1.2, 432.0, 26.0, 12.5, 0.644, None]
    """
    found = _SPOKEN.search(message)
    if found is None:
        return None
    units = {"ms": 0.001, "mi": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    seconds = 0.0
    for number, unit in _SPOKEN_PART.findall(found[1]):
        short = unit.lower()
        key = "mi" if short == "milli" else short
        seconds += float(number) * units[key]
    return seconds
