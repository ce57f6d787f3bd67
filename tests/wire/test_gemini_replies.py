"""What the ``gemini`` provider makes of answers: words, outcomes and their reasons, tokens."""

from __future__ import annotations

import contextlib
from typing import Any

import orjson
import pytest
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st

from annoengine.chat_errors import MalformedReply
from annoengine.gemini_errors import classify_gemini_status
from annoengine.gemini_wire import ACCOUNT_SHUT, FINISH_REASONS, read_gemini_reply
from annoengine.provider import Outcome, Reply, Sampling, Usage
from tests.wire.gemini_answers import rating
from tests.wire.gemini_calls import clean_environment, opened, reply_to
from tests.wire.gemini_server import GeminiServer
from tests.wire.openai_calls import PROMPT, ask_for


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    clean_environment(monkeypatch)


@pytest.mark.parametrize(
    ("rule", "outcome", "detail"),
    [
        ({"do": "refusal"}, "filtered", "prompt blocked: PROHIBITED_CONTENT"),
        ({"do": "policy"}, "filtered", "prompt blocked: PROHIBITED_CONTENT"),
        ({"do": "content_filter"}, "filtered", "SAFETY (DANGEROUS_CONTENT: HIGH)"),
        ({"do": "truncated"}, "truncated", "MAX_TOKENS"),
        ({"do": "empty"}, "empty", "STOP"),
        ({"do": "empty", "text": None}, "empty", "STOP"),
        ({"do": "empty", "text": " \n"}, "empty", "STOP"),
        ({"do": "say", "text": "x", "finish_reason": None}, "answer", ""),
        ({"do": "say", "text": "x", "finish_reason": "OTHER"}, "truncated", "OTHER"),
        ({"do": "say", "text": None, "finish_reason": "OTHER"}, "empty", "OTHER"),
        ({"do": "say", "text": "x", "finish_reason": "NEW_REASON"}, "truncated", "NEW_REASON"),
        ({"do": "say", "text": None, "finish_reason": "length"}, "truncated", "MAX_TOKENS"),
        ({"do": "drip", "seconds": 0.05}, "answer", "STOP"),
        ({"do": "mislabelled"}, "answer", "STOP"),
        ({"do": "compressed"}, "answer", "STOP"),
    ],
)
async def test_outcomes(rule: dict[str, Any], outcome: Outcome, detail: str) -> None:
    reply = await reply_to([rule])
    assert (reply.outcome, reply.detail) == (outcome, detail)


async def test_a_limit_of_tokens_truncates() -> None:
    async with GeminiServer() as server, opened(server.base_url) as provider:
        reply = await provider.reply(ask_for(sampling=Sampling(max_tokens=5)))
    assert (reply.outcome, len(reply.text)) == ("truncated", 20)


def test_every_finish_reason_of_the_sdk_is_decided() -> None:
    names = {reason.value for reason in types.FinishReason}
    assert names == FINISH_REASONS.keys() | {ACCOUNT_SHUT}


@pytest.mark.parametrize("reason", [r.value for r in types.FinishReason if r != ACCOUNT_SHUT])
@pytest.mark.parametrize("text", ["A grey dog.", None])
async def test_every_finish_reason(reason: str, text: str | None) -> None:
    reply = await reply_to([{"do": "say", "text": text, "finish_reason": reason}])
    decided = FINISH_REASONS[reason]
    if decided in ("truncated", "filtered"):
        assert reply.outcome == decided
    elif text is None:
        assert reply.outcome == "empty"
    else:
        assert reply.outcome == ("answer" if decided == "answer" else "truncated")
    assert (reply.text, reply.detail) == (text or "", reason)


@pytest.mark.parametrize("reason", [reason.value for reason in types.BlockedReason])
async def test_every_blocked_prompt_is_filtered(reason: str) -> None:
    feedback = {"blockReason": reason, "safetyRatings": [rating("HARASSMENT", "MEDIUM")]}
    body = {"promptFeedback": feedback, "usageMetadata": {"promptTokenCount": 752}}
    reply = await reply_to([{"do": "raw", "body": body}])
    assert (reply.outcome, reply.text) == ("filtered", "")
    assert reply.detail == f"prompt blocked: {reason} (HARASSMENT: MEDIUM)"
    assert reply.usage == Usage(752, 0, 0)


def read(body: Any) -> Reply:
    return read_gemini_reply(orjson.dumps(body), {}, "asked")


def candidate(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, "finishReason": "STOP", **more}]}


def test_thoughts_are_no_answer() -> None:
    thought = {"text": "Let me look.", "thought": True, "thoughtSignature": "AbC="}
    body = candidate(thought, {"text": "A "}, {"executableCode": {"code": "1"}}, {"text": "dog."})
    assert (read(body).text, read(body).outcome) == ("A dog.", "answer")
    only = read(candidate(thought))
    assert (only.text, only.outcome) == ("", "empty")


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        # 120 tokens of thought are paid as output; 640 of the input came from a cache.
        (
            {
                "promptTokenCount": 1032,
                "candidatesTokenCount": 55,
                "thoughtsTokenCount": 120,
                "cachedContentTokenCount": 640,
                "totalTokenCount": 1207,
            },
            Usage(1032, 175, 640),
        ),
        ({"promptTokenCount": 9, "thoughtsTokenCount": 30}, Usage(9, 30, 0)),
        ({"promptTokenCount": 9, "totalTokenCount": 9}, Usage(9, 0, 0)),
        ({"candidatesTokenCount": 4}, Usage(None, 4, 0)),
        ({"promptTokenCount": "9", "candidatesTokenCount": -1}, Usage()),
        ({}, Usage()),
        (None, Usage()),
        ([1], Usage()),
    ],
)
def test_usage(counts: Any, usage: Usage) -> None:
    assert read(candidate({"text": "x"}) | {"usageMetadata": counts}).usage == usage


async def test_usage_over_the_wire() -> None:
    rule = {"do": "say", "text": "x" * 40, "thoughts": "t" * 80, "cached_tokens": 64}
    reply = await reply_to([rule])
    assert reply.text == "x" * 40
    assert reply.usage == Usage(len(PROMPT) // 4 + 258, 10 + 20, 64)


def test_the_model_that_answered_is_kept() -> None:
    answered = candidate({"text": "x"}) | {"modelVersion": "gemini-2.5-flash-preview-09-2025"}
    assert read(answered).model == "gemini-2.5-flash-preview-09-2025"
    assert read(candidate({"text": "x"})).model == "asked"


@pytest.mark.parametrize(
    ("more", "detail"),
    [
        (
            {
                "finishReason": "SAFETY",
                "safetyRatings": [
                    rating("HARASSMENT", "LOW"),
                    rating("SEXUALLY_EXPLICIT", "HIGH", blocked=True),
                    rating("DANGEROUS_CONTENT", "HIGH"),
                ],
            },
            "SAFETY (SEXUALLY_EXPLICIT: HIGH)",
        ),
        (  # nothing is marked as blocked: the highest is named
            {
                "finishReason": "SAFETY",
                "safetyRatings": [
                    rating("HARASSMENT", "MEDIUM"),
                    rating("HATE_SPEECH", "NEGLIGIBLE"),
                    rating("DANGEROUS_CONTENT", "MEDIUM"),
                ],
            },
            "SAFETY (HARASSMENT: MEDIUM, DANGEROUS_CONTENT: MEDIUM)",
        ),
        (
            {
                "finishReason": "PROHIBITED_CONTENT",
                "safetyRatings": [rating("HATE_SPEECH", "NEGLIGIBLE")],
                "finishMessage": "The answer\nwas stopped.",
            },
            "PROHIBITED_CONTENT: The answer was stopped.",
        ),
        (
            {
                "finishReason": "RECITATION",
                "citationMetadata": {"citationSources": [{"uri": "https://example.org/poem"}]},
            },
            "RECITATION (https://example.org/poem)",
        ),
        (
            {
                "finishReason": "RECITATION",
                "citationMetadata": {"citations": [{"startIndex": 4}]},
            },
            "RECITATION",
        ),
        ({"finishReason": "SAFETY", "safetyRatings": "odd"}, "SAFETY"),
    ],
)
def test_what_was_filtered_is_told(more: dict[str, Any], detail: str) -> None:
    reply = read(candidate({"text": "A"}, **more))
    assert (reply.outcome, reply.text, reply.detail) == ("filtered", "A", detail)


@pytest.mark.parametrize(
    "body",
    [
        {"usageMetadata": {"promptTokenCount": 9}, "modelVersion": "m"},
        {"candidates": [], "modelVersion": "m"},
        {"candidates": None, "promptFeedback": {}},
    ],
)
def test_no_candidate_and_no_reason_is_empty(body: Any) -> None:
    assert (read(body).outcome, read(body).detail) == ("empty", "no candidates")


@pytest.mark.parametrize("content", [None, {}, {"parts": None}, {"parts": [None, {"text": 5}]}, 3])
def test_a_candidate_without_words_is_empty(content: Any) -> None:
    reply = read({"candidates": [{"content": content, "finishReason": "STOP"}]})
    assert (reply.text, reply.outcome) == ("", "empty")


def test_a_reply_in_a_list_is_read() -> None:
    assert read([candidate({"text": "x"})]).text == "x"


# --- anything a server may say --------------------------------------------------------------

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 600)
    | st.floats(allow_nan=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


def odd(**fields: Any) -> st.SearchStrategy[Any]:
    """An object in which any field may be missing or of another kind, or no object at all."""
    optional = {name: value | ODD for name, value in fields.items()}
    return st.fixed_dictionaries({}, optional=optional) | ODD


def some(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=3)


RATINGS = some(odd(category=st.just("HARM_CATEGORY_X"), probability=st.just("HIGH"), blocked=ODD))
BODIES = odd(
    candidates=some(
        odd(
            content=odd(parts=some(odd(text=st.just("A dog."), thought=st.booleans()))),
            finishReason=st.sampled_from([*FINISH_REASONS, ACCOUNT_SHUT]),
            finishMessage=st.text(max_size=400),
            safetyRatings=RATINGS,
            citationMetadata=odd(citationSources=some(odd(uri=ODD)), citations=ODD),
        )
    ),
    promptFeedback=odd(blockReason=st.just("SAFETY"), safetyRatings=RATINGS),
    usageMetadata=odd(promptTokenCount=st.integers(), thoughtsTokenCount=st.integers()),
    modelVersion=ODD,
)
ERRORS = odd(
    code=st.integers(200, 600),
    message=st.sampled_from(["limit: 0", "API key not valid", "thinking", "schema", "per day"]),
    status=st.sampled_from(["FAILED_PRECONDITION", "RESOURCE_EXHAUSTED"]),
    details=some(
        odd(violations=some(odd(quotaId=ODD, quotaValue=ODD)), reason=ODD, retryDelay=ODD).map(
            lambda detail: (
                {**detail, "@type": "x.QuotaFailure"} if isinstance(detail, dict) else detail
            )
        )
    ),
)


@given(BODIES)
def test_any_json_is_a_reply_or_malformed(body: Any) -> None:
    problem = ""
    try:
        reply = read(body)
    except MalformedReply as error:
        problem = str(error)
        reply = Reply(text="", outcome="empty", model="")
    assert len(reply.detail) <= 300
    assert isinstance(reply.text, str)
    assert bool(problem) == (not reply.model)


@given(st.binary(max_size=40))
def test_any_bytes_are_malformed_or_a_reply(body: bytes) -> None:
    with contextlib.suppress(MalformedReply):
        read_gemini_reply(body, {}, "asked")


@given(st.sampled_from([200, 308, 400, 401, 403, 404, 413, 429, 499, 500, 503, 504]), ERRORS)
def test_any_error_means_something(status: int, body: Any) -> None:
    retry = classify_gemini_status(status, {"error": body}, {}, "m", "URL", "KEY")
    assert retry.reason
    assert retry.paid == ("perhaps" if status in (499, 504) and retry.action == "again" else "no")
