"""What the loopback server for Gemini says: answers and errors in the form that Google gives them.

The words of an answer are those of :mod:`tests.wire.chat_answers`, a function of the body alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from tests.wire.chat_answers import Call

FINISH_REASONS = {"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
RPC = "type.googleapis.com/google.rpc."
IMAGE_TOKENS = 258


class GeminiCall(Call):
    """One call of generateContent."""

    def key(self) -> str:
        """The key or token that it was sent with."""
        return self.headers.get("x-goog-api-key") or super().key()

    def model(self) -> str:
        """The model that is asked, which stands in the path."""
        return self.path.rpartition("/models/")[2].partition(":")[0]

    def texts(self) -> list[tuple[str, str]]:
        """Role and text of each message, pictures left out."""
        data = self.json()
        messages = [("user", content) for content in data["contents"] if content["role"] == "user"]
        if "systemInstruction" in data:
            messages.insert(0, ("system", data["systemInstruction"]))
        return [
            (role, "\n".join(part["text"] for part in content["parts"] if "text" in part))
            for role, content in messages
        ]

    def asked_tokens(self) -> int:
        """The tokens that it takes from a limit: Google counts those of the input alone."""
        return self.prompt_tokens()

    def prompt_tokens(self) -> int:
        """A rough count, the same for the same body."""
        images = self.body.count(b'"inlineData":')
        return sum(len(text) for _, text in self.texts()) // 4 + IMAGE_TOKENS * images


def rating(category: str, probability: str, blocked: bool = False) -> dict[str, Any]:
    """One rating of harm."""
    found: dict[str, Any] = {
        "category": f"HARM_CATEGORY_{category}",
        "probability": probability,
    }
    return {**found, "blocked": True} if blocked else found


def answer(
    call: Call,
    text: str | None,
    finish_reason: str | None = "stop",
    refusal: str | None = None,
    cached_tokens: int = 0,
    thoughts: str = "",
    usage: Mapping[str, Any] | None = None,
    model: str = "",
) -> bytes:
    """The JSON of a GenerateContentResponse.

    A refusal and a content filter are blocks; OpenAI's words for the reasons are understood.
    ``usage`` takes the place of the server's own counts, none at all where it is empty.
    """
    assert isinstance(call, GeminiCall)
    limit = call.json().get("generationConfig", {}).get("maxOutputTokens")
    if text and limit is not None and len(text) > 4 * limit:
        text, finish_reason = text[: 4 * limit], "length"
    said = len(text or "") // 4
    counted: dict[str, Any] = {"promptTokenCount": call.prompt_tokens()}
    counted |= {"candidatesTokenCount": said} if said else {}
    counted |= {"thoughtsTokenCount": len(thoughts) // 4} if thoughts else {}
    counted |= {"cachedContentTokenCount": cached_tokens} if cached_tokens else {}
    counted["totalTokenCount"] = counted["promptTokenCount"] + said + len(thoughts) // 4
    told = counted if usage is None else dict(usage)
    body: dict[str, Any] = {}
    if refusal is not None:
        body["promptFeedback"] = {"blockReason": "PROHIBITED_CONTENT"}
    else:
        parts = [{"text": thoughts, "thought": True}] if thoughts else []
        parts += [{"text": text}] if text is not None else []
        content = {"parts": parts, "role": "model"} if parts else {"role": "model"}
        candidate: dict[str, Any] = {"content": content, "index": 0}
        if finish_reason is not None:
            candidate["finishReason"] = FINISH_REASONS.get(finish_reason, finish_reason)
        if finish_reason == "content_filter":
            high = rating("DANGEROUS_CONTENT", "HIGH", blocked=True)
            candidate["safetyRatings"] = [rating("HARASSMENT", "NEGLIGIBLE"), high]
        body["candidates"] = [candidate]
    body |= {"usageMetadata": told} if told else {}
    body["modelVersion"] = model or call.model()
    body["responseId"] = call.sha256[:22]
    return orjson.dumps(body)


def error(status: int, message: str, *details: Mapping[str, Any], word: str = "") -> bytes:
    """The JSON of an error, with details of ``google.rpc`` by their short names."""
    fields: dict[str, Any] = {
        "code": status,
        "message": message,
        "status": word or STATUS_WORDS.get(status, "UNKNOWN"),
    }
    if details:
        fields["details"] = list(details)
    return orjson.dumps({"error": fields}, option=orjson.OPT_INDENT_2)


def error_info(reason: str, **metadata: str) -> dict[str, Any]:
    """A detail with the reason of an error."""
    domain = "googleapis.com"
    return {"@type": f"{RPC}ErrorInfo", "reason": reason, "domain": domain, "metadata": metadata}


def retry_info(delay: str) -> dict[str, Any]:
    """A detail with the time to wait."""
    return {"@type": f"{RPC}RetryInfo", "retryDelay": delay}


def quota_failure(*quotas: str, value: str | None = None) -> dict[str, Any]:
    """A detail with the quotas that are passed."""
    metric = "generativelanguage.googleapis.com/generate_content_free_tier_requests"
    return {
        "@type": f"{RPC}QuotaFailure",
        "violations": [
            {
                "quotaMetric": metric,
                "quotaId": quota,
                "quotaDimensions": {"location": "global", "model": "gemini-2.5-flash"},
                **({} if value is None else {"quotaValue": value}),
            }
            for quota in quotas
        ],
    }


def spoken(
    call: Call, status: int, message: str, code: str | None, more: Mapping[str, Any]
) -> tuple[int, bytes]:
    """An error that is given in OpenAI's words, as Google would say it."""
    if code == "invalid_api_key":
        info = error_info("API_KEY_INVALID", service="generativelanguage.googleapis.com")
        return 400, error(400, f"API key not valid. Please pass a valid API key. {message}", info)
    if code == "insufficient_quota":
        quota = quota_failure("GenerateRequestsPerDayPerProjectPerModel-FreeTier", value="250")
        return 429, error(429, message, quota, retry_info("34.074824224s"))
    if code in ("content_policy_violation", "content_filter"):
        return 200, answer(call, None, refusal=message)
    if code == "context_length_exceeded":
        message = "The input token count (1200293) exceeds the maximum number of tokens allowed"
        return 400, error(400, f"{message} (1048576).")
    return status, error(status, message, *more.get("details", ()))
