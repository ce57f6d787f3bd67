"""The chat-completions wire: builds a request's JSON body and reads a reply.

Every server that speaks this protocol (OpenAI, vLLM, gateways) shares it; a provider adds its
client and its key, :mod:`annoengine.chat_errors` what errors mean. The body is put together from
pieces of JSON with the pictures' base64 spliced in between, so that the big strings never pass
through an encoder: at 100 KB a picture that is the difference between the network's pace and half
of it. Nothing here imports an SDK or opens a socket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pybase64 import b64encode

from annoengine.chat_errors import MalformedReply, error_message
from annoengine.errors import RecordFailed
from annoengine.limit_headers import announced
from annoengine.provider import ImagePart, Message, Outcome, Reply, Request, Sampling, Usage
from annoengine.strict_schema import strict_fault

_REASONING = re.compile(
    r"(?:.*/)?(?:ft:)?(?:o\d+|gpt-[5-9](?!\.?\d*-chat))(?![a-z0-9])", re.IGNORECASE
)
_QUOTED_BYTES = 300
_CUT_SHORT = {"abort", "error"}
"""Finish reasons of an answer that the server itself gave up: SGLang's and vLLM's, OpenRouter's."""


@dataclass(frozen=True)
class ChatDialect:
    """How one model wants to be spoken to.

    A ``reasoning`` model takes ``max_completion_tokens`` (its hidden thoughts count) and rejects
    ``temperature`` and ``top_p``, unless it is told to think not at all. ``extra`` are further
    fields of the body, in this order. System text stays in a ``system`` message for all: OpenAI
    and Azure read it as the ``developer`` message that their reasoning models want, and most other
    servers know no such role.

    Source: OpenAI, API reference, "Create chat completion", and guide "Using GPT-5.2",
    "Parameter compatibility"; Microsoft, "Azure OpenAI reasoning models", on system messages.
    """

    model: str
    reasoning: bool = False
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def samples(self) -> bool:
        """Whether it takes ``temperature`` and ``top_p``."""
        return not self.reasoning or ("reasoning_effort", "none") in self.extra

    def unsent(self, sampling: Sampling) -> list[str]:
        """What a stage sets and the model does not take."""
        if self.samples:
            return []
        return [name for name in ("temperature", "top_p") if getattr(sampling, name) is not None]


def is_reasoning_model(model: str) -> bool:
    """Whether a model's name is that of one of OpenAI's reasoning families (o1 on, gpt-5 on).

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
    if dialect.samples:
        settings += [("temperature", sampling.temperature), ("top_p", sampling.top_p)]
    limit_name = "max_completion_tokens" if dialect.reasoning else "max_tokens"
    settings += [(limit_name, sampling.max_tokens), ("seed", sampling.seed)]
    if request.schema is not None:
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", str(request.schema.get("title") or "answer"))[:64]
        strict = not strict_fault(request.schema)
        shape = {"name": name, "strict": strict, "schema": dict(request.schema)}
        settings.append(("response_format", {"type": "json_schema", "json_schema": shape}))
    settings += dialect.extra
    return [(name, value) for name, value in settings if value is not None]


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
    finish_reason = choice.get("finish_reason") if isinstance(choice, dict) else None
    if isinstance(finish_reason, str) and finish_reason in _CUT_SHORT:
        raise MalformedReply(f"the server gave the answer up (finish_reason {finish_reason!r})")
    if not isinstance(choice, dict) or not isinstance(message, dict):
        raise MalformedReply(f"no choices with a message: {_start(body)}")
    text, outcome = _text_and_outcome(message, finish_reason)
    return Reply(
        text=text,
        outcome=outcome,
        model=str(data.get("model") or model),
        detail=str(finish_reason or ""),
        usage=_usage(data.get("usage")),
        request_id=headers.get("x-request-id") or str(data.get("id") or ""),
        announced=announced(headers),
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
    return Usage(*(count if type(count) is int and count >= 0 else None for count in counts))


def _start(body: bytes) -> str:
    text = " ".join(body[:_QUOTED_BYTES].decode("utf-8", "replace").split())
    return f"it begins {text[:120]!r}" if text else "it is blank"
