"""The chat-completions wire: builds a request's JSON body, reads a reply, classifies a refusal.

Every server that speaks this protocol (OpenAI, vLLM, gateways) shares it; a provider adds its
client, its key and the errors of its own library. The body is put together from pieces of JSON
with the pictures' base64 spliced in between, so that the big strings never pass through an
encoder: at 100 KB a picture that is the difference between the network's pace and half of it.
Nothing here imports an SDK or opens a socket.
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pybase64 import b64encode

from annoengine.errors import RecordFailed
from annoengine.provider import ImagePart, Message, Outcome, Reply, Request, Retry, Usage

_REASONING = re.compile(r"(?:.*/)?(?:ft:)?(?:o\d+|gpt-5(?!\.?\d*-chat))(?![a-z0-9])", re.IGNORECASE)
_MESSAGE_CHARS = 300
_POLICY_CODES = {"content_policy_violation", "content_filter", "moderation_blocked"}
_NO_MONEY_CODES = {
    "insufficient_quota",
    "billing_not_active",
    "billing_hard_limit_reached",
    "access_terminated",
}
_KEY_LIKE = re.compile(
    r"\b(?:sk|rk|pk|sess)-[\w*.…\-]{4,}"  # OpenAI's own and those made like them, also masked
    r"|(?<=[Bb]earer )[\w*.…~+/=\-]{4,}"
    r"|(?i:(?<=key provided: )|(?<=api key: )|(?<=api_key=)|(?<=api-key: ))[^\s,;\"'}]{4,}"
)
KEY_STAND_IN = "[key]"


@dataclass(frozen=True)
class ChatDialect:
    """How one model wants to be spoken to.

    A ``reasoning`` model takes ``max_completion_tokens`` (its hidden thoughts count) and rejects
    ``temperature`` and ``top_p``. ``extra`` are further fields of the body, in this order.
    """

    model: str
    reasoning: bool = False
    extra: tuple[tuple[str, Any], ...] = ()


def is_reasoning_model(model: str) -> bool:
    """Whether a model's name is that of one of OpenAI's reasoning families (o1, o3, o4, gpt-5).

    >>> [is_reasoning_model(m) for m in ("o3-mini", "gpt-5", "openai/gpt-5.1-mini", "ft:o4-mini:x")]
    [True, True, True, True]
    >>> [is_reasoning_model(m) for m in ("gpt-4o", "gpt-4.1", "gpt-5-chat-latest", "ovis2")]
    [False, False, False, False]

    Source: OpenAI's API reference, "Create chat completion": ``max_tokens`` "is not compatible
    with o-series models"; the chat variants of gpt-5 do not reason.
    """
    return _REASONING.match(model) is not None


def picture_type(data: bytes) -> str:
    """The media type of an encoded picture, by its first bytes: JPEG, PNG, WebP or GIF.

    >>> picture_type(bytes.fromhex("ffd8ffe0"))
    'image/jpeg'

    Raises RecordFailed(``image``) for anything else: no chat model takes it.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    raise RecordFailed(
        "image", f"a picture that begins with {data[:8]!r} is none of JPEG, PNG, WebP, GIF"
    )


async def chat_body(request: Request, dialect: ChatDialect) -> bytes:
    """The JSON body of a chat-completions call; the same request gives the same bytes.

    A message that is a single text goes as a string, which every server understands; any other
    as a list of parts. Pictures go as data URLs. Raises ValueError for a picture in a message
    that is not the user's, RecordFailed(``image``) for a picture of an unknown type.
    """
    pieces: list[bytes] = [b'{"model":', orjson.dumps(dialect.model), b',"messages":[']
    for number, message in enumerate(request.messages):
        pieces.append(b"," if number else b"")
        await _add_message(pieces, message, request)
    pieces.append(b"]")
    for name, value in _settings(request, dialect):
        pieces += [b",", orjson.dumps(name), b":", orjson.dumps(value)]
    pieces.append(b"}")
    return b"".join(pieces)


async def _add_message(pieces: list[bytes], message: Message, request: Request) -> None:
    pieces += [b'{"role":"', message.role.encode(), b'","content":']
    first = message.parts[0] if len(message.parts) == 1 else None
    if first is not None and not isinstance(first, ImagePart):
        pieces += [orjson.dumps(first.text), b"}"]
        return
    for number, part in enumerate(message.parts):
        pieces.append(b"," if number else b"[")
        if not isinstance(part, ImagePart):
            pieces += [b'{"type":"text","text":', orjson.dumps(part.text), b"}"]
            continue
        if message.role != "user":
            raise ValueError(f"a picture in a message of the {message.role}: only users show them")
        data = await request.image_bytes(part.image)
        pieces += [
            b'{"type":"image_url","image_url":{"url":"data:',
            picture_type(data).encode(),
            b";base64,",
            b64encode(data),
            b'"',
        ]
        if request.sampling.detail is not None:
            pieces += [b',"detail":"', request.sampling.detail.encode(), b'"']
        pieces.append(b"}}")
    pieces.append(b"]}" if message.parts else b"[]}")


def _settings(request: Request, dialect: ChatDialect) -> list[tuple[str, Any]]:
    sampling = request.sampling
    settings: list[tuple[str, Any]] = []
    if not dialect.reasoning:
        settings += [("temperature", sampling.temperature), ("top_p", sampling.top_p)]
    limit_name = "max_completion_tokens" if dialect.reasoning else "max_tokens"
    settings += [(limit_name, sampling.max_tokens), ("seed", sampling.seed)]
    if request.schema is not None:
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(request.schema.get("title") or "answer"))[:64]
        shape = {"name": name, "strict": True, "schema": dict(request.schema)}
        settings.append(("response_format", {"type": "json_schema", "json_schema": shape}))
    settings += dialect.extra
    return [(name, value) for name, value in settings if value is not None]


class MalformedReply(Exception):
    """A reply with status 200 that holds no answer: not JSON, no choices, an error instead.

    It may have been paid for. ``status`` is the HTTP status that an error inside of the ``body``
    claims, where it does (gateways put a 429 of the model behind them into a 200 of theirs).
    """

    def __init__(self, problem: str, status: int | None = None, body: Any = None) -> None:
        super().__init__(problem)
        self.status = status
        self.body = body


class Rejected(Exception):
    """A whole reply of another status than 200; ``body`` is decoded JSON, or text."""

    def __init__(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        try:
            self.body: Any = orjson.loads(content)
        except orjson.JSONDecodeError:
            self.body = content.decode("utf-8", "replace")
        super().__init__(f"status {status}: {error_message(self.body)}".rstrip(": "))
        self.status = status
        self.headers = headers


class BrokenCall(Exception):
    """A call of which no whole reply arrived.

    ``sent``: the server may have begun to work on it. ``hopeless``: so will the next one end.
    """

    def __init__(self, problem: str, sent: bool, hopeless: bool = False) -> None:
        super().__init__(problem)
        self.sent = sent
        self.hopeless = hopeless


def read_chat_reply(body: bytes, headers: Mapping[str, str], model: str) -> Reply:
    """The Reply in the body of a 200; ``model`` stands in where the server names none.

    A body that holds an answer is taken whatever its content type says: it is paid for.
    Raises MalformedReply, which quotes how the body begins.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        kind = headers.get("content-type", "no content type")
        raise MalformedReply(f"not JSON ({kind}): {_start(body)}") from None
    if not isinstance(data, dict):
        raise MalformedReply(f"not a JSON object: {_start(body)}")
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    error = data.get("error") or (choice.get("error") if isinstance(choice, dict) else None)
    if error:
        code = error.get("code") if isinstance(error, dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else None
        said = error_message(data)
        raise MalformedReply(f"an error in a reply of status 200: {said}", status, data)
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise MalformedReply(f"no choices with a message: {_start(body)}")
    text, outcome = _text_and_outcome(message, choice.get("finish_reason"))
    return Reply(
        text=text,
        outcome=outcome,
        model=str(data.get("model") or model),
        detail=str(choice.get("finish_reason") or ""),
        usage=_usage(data.get("usage")),
        request_id=headers.get("x-request-id") or str(data.get("id") or ""),
    )


def _text_and_outcome(message: Mapping[str, Any], finish_reason: Any) -> tuple[str, Outcome]:
    content = message.get("content")
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "".join(part for part in parts if isinstance(part, str))
    text = content if isinstance(content, str) else ""
    refusal = message.get("refusal")
    if isinstance(refusal, str) and refusal:
        return refusal, "refusal"
    if finish_reason == "content_filter":
        return text, "filtered"
    if finish_reason == "length":  # before "empty": a reasoning model may think its limit away
        return text, "truncated"
    return text, "answer" if text.strip() else "empty"


def _usage(usage: Any) -> Usage:
    if not isinstance(usage, dict):
        return Usage()
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"), cached)
    return Usage(*(count if isinstance(count, int) else None for count in counts))


def _start(body: bytes) -> str:
    text = " ".join(body[:_MESSAGE_CHARS].decode("utf-8", "replace").split())
    return f"it begins {text[:120]!r}" if text else "it is blank"


def _error_fields(body: Any) -> Mapping[str, Any]:
    """The fields of an error's body, in the wrappings that servers give it."""
    fields = body
    if isinstance(body, dict):
        choices = body.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        inner = first.get("error") if isinstance(first, dict) else None
        fields = body.get("error") or inner or body.get("detail") or body  # "detail": FastAPI's
    return fields if isinstance(fields, dict) else {"message": fields} if fields else {}


def error_message(body: Any) -> str:
    """What a server says is wrong, on one line of at most 300 characters."""
    fields = _error_fields(body)
    text = fields.get("message") or fields.get("detail") or fields
    if not isinstance(text, str):
        text = orjson.dumps(text, default=str).decode() if text else ""
    text = re.sub(r"<[^>]*>", " ", text) if text.lstrip().startswith("<") else text
    text = " ".join(text.split()).rstrip(". ")
    return text if len(text) <= _MESSAGE_CHARS else text[: _MESSAGE_CHARS - 1] + "…"


def classify_status(
    status: int, body: Any, headers: Mapping[str, str], model: str, base_url: str, key: str
) -> Retry:
    """What a whole reply of an error status (300–599) means.

    ``body`` is the decoded JSON, or text; ``key`` says where the key comes from, for the
    sentence of a 401. A server's error is not charged; a gateway that gave up on the server
    behind it (504, 524) does not know, so that call is perhaps paid.
    """
    fields = _error_fields(body)
    code, kind = str(fields.get("code") or ""), str(fields.get("type") or "")
    said = error_message(body)
    colon = f": {said}" if said else ""
    if status in (400, 403, 422) and _is_policy(fields, code, said):
        return Retry("never", f"content policy ({status}){colon}", outcome="filtered")
    if {code, kind} & _NO_MONEY_CODES or status == 402:
        return Retry("fatal", f"the account has no credit left ({status}){colon}")
    if status == 429:
        return Retry("slow_down", "rate limit (429)", after_s=wait_s(headers))
    if status == 401:
        return Retry("fatal", f"{base_url} does not know the key in {key} (401){colon}")
    if status == 403:
        return Retry("fatal", f"{base_url} denies access with the key in {key} (403){colon}")
    if status == 404 or code == "model_not_found":
        return Retry(
            "fatal", f"no model {model!r} at {base_url} ({status}){colon}; check model and base_url"
        )
    if status in (408, 409):
        return Retry("again", f"status {status}", after_s=wait_s(headers))
    if status >= 500:
        return Retry(
            "again",
            f"server error ({status})",
            "perhaps" if status in (504, 524) else "no",
            after_s=wait_s(headers),
        )
    if status in (301, 302, 303, 307, 308, 405):
        moved = f" (it points to {headers['location']})" if headers.get("location") else ""
        return Retry("fatal", f"{base_url} takes no calls ({status}){moved}{colon}; check base_url")
    return Retry("never", f"rejected ({status}{f', {code}' if code else ''}){colon}")


def _is_policy(fields: Mapping[str, Any], code: str, said: str) -> bool:
    inner = fields.get("innererror")  # Azure's place for it
    inner_code = str(inner.get("code")) if isinstance(inner, dict) else ""
    return (
        bool({code, str(fields.get("type") or "")} & _POLICY_CODES)
        or inner_code == "ResponsibleAIPolicyViolation"
        or re.search(r"safety system|content (management )?policy|usage polic", said, re.I)
        is not None
    )


def wait_s(headers: Mapping[str, str]) -> float | None:
    """How long a server asks us to wait, in seconds, or None where it does not say.

    Read from ``retry-after-ms``, then ``retry-after`` (seconds or an HTTP date, compared with
    the server's own ``date`` where it gives one: clocks differ), then the latest reset of those
    of OpenAI's ``x-ratelimit`` budgets that are used up.

    >>> wait_s({"retry-after": "2.5"}), wait_s({"retry-after-ms": "40", "retry-after": "1"})
    (2.5, 0.04)
    >>> wait_s({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT",
    ...         "date": "Wed, 21 Oct 2015 07:28:00 GMT"})
    30.0
    >>> wait_s({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1m2.5s"})
    62.5
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    after = headers.get("retry-after")
    if after is not None:
        seconds = _number(after)
        if seconds is not None:
            return seconds
        until, now = _date(after), _date(headers.get("date") or "")
        if until is not None:
            return max(0.0, until - (time.time() if now is None else now))
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{budget}", ""))
        for budget in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{budget}", "").strip() == "0"
    ]
    return max((reset for reset in resets if reset is not None), default=None)


def _number(text: str | None) -> float | None:
    """A finite, non-negative number, or None."""
    if text is None or not re.fullmatch(r"\s*\d+(\.\d*)?\s*", text, re.ASCII):
        return None
    return float(text)


def _date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _duration(text: str) -> float | None:
    """Seconds of a Go duration: ``120ms``, ``1m2.5s``."""
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|h|m|s))+", text.strip(), re.ASCII):
        return None
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    found = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    return sum(float(number) * units[unit] for number, unit in found)


def without_keys(text: str, secrets: Sequence[str] = ()) -> str:
    """A text without anything that looks like a key, and without the ``secrets`` themselves.

    Servers echo the key that they reject, in whole or masked.

    >>> without_keys("Incorrect API key provided: sk-ab***wxyz. Find yours at …")
    'Incorrect API key provided: [key] Find yours at …'
    >>> without_keys("token hunter22 is unknown", ["hunter22"])
    'token [key] is unknown'
    """
    for secret in sorted((s for s in secrets if len(s) >= 4), key=len, reverse=True):
        text = text.replace(secret, KEY_STAND_IN)
    return _KEY_LIKE.sub(KEY_STAND_IN, text)
