"""The generateContent wire: builds a request's JSON body and reads a reply.

AI Studio and Vertex share it; :mod:`annoengine.gemini_errors` tells what errors mean. As in
:mod:`annoengine.chat_wire` the body is put together from pieces of JSON with the pictures' base64
spliced in between. Its fields are those that the SDK makes of the same settings (a test compares
them). Nothing here imports an SDK or opens a socket.

Source: the enums and messages of google-genai 3.4.0 (``types.py``); Google, "Gemini API reference",
``GenerateContentRequest`` and ``GenerateContentResponse``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pybase64 import b64encode

from annoengine.chat_errors import MalformedReply, error_message
from annoengine.chat_wire import picture_type
from annoengine.errors import RecordFailed
from annoengine.provider import ImagePart, Message, Outcome, Reply, Request, Usage

_QUOTED_BYTES = 300
_DETAIL_CHARS = 300

_ROLES = {"user": b"user", "assistant": b"model"}
_RESOLUTIONS = {"low": "MEDIA_RESOLUTION_LOW", "high": "MEDIA_RESOLUTION_HIGH"}
"""``auto`` is what the model does by itself, and sends nothing."""

_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
"""The categories whose threshold both AI Studio and Vertex let a caller choose."""

FINISH_REASONS: Mapping[str, Outcome | None] = {
    "STOP": "answer",
    "FINISH_REASON_UNSPECIFIED": "answer",
    "MAX_TOKENS": "truncated",
    "CONTINUATION": "truncated",
    "SAFETY": "filtered",
    "RECITATION": "filtered",
    "LANGUAGE": "filtered",
    "BLOCKLIST": "filtered",
    "PROHIBITED_CONTENT": "filtered",
    "SPII": "filtered",
    "MODEL_ARMOR": "filtered",
    "ESCALATION": "filtered",
    "IMAGE_SAFETY": "filtered",
    "IMAGE_PROHIBITED_CONTENT": "filtered",
    "IMAGE_RECITATION": "filtered",
    "OTHER": None,
    "IMAGE_OTHER": None,
    "NO_IMAGE": None,
    "MALFORMED_FUNCTION_CALL": None,
    "UNEXPECTED_TOOL_CALL": None,
    "TOO_MANY_TOOL_CALLS": None,
    "MISSING_THOUGHT_SIGNATURE": None,
    "MALFORMED_RESPONSE": None,
}
"""What becomes of an answer by the reason why it ended. None: the model broke off, so that its
words, where there are any, are no whole answer; so too for a reason that is not known here.
``PUP_LIMITED_DISABLED`` is missing on purpose: it is no answer but an account that is shut off."""

ACCOUNT_SHUT = "PUP_LIMITED_DISABLED"
_GRADES = {"NEGLIGIBLE": 0, "LOW": 1, "MEDIUM": 2, "HIGH": 3}


@dataclass(frozen=True)
class GeminiDialect:
    """What a model's options add to every request.

    ``thinking_budget`` is in tokens (0 none, −1 as the model likes); ``safety_threshold`` one of
    Google's words, for all categories of harm.
    """

    thinking_budget: int | None = None
    thinking_level: str | None = None
    safety_threshold: str | None = None


async def gemini_body(request: Request, dialect: GeminiDialect) -> bytes:
    """The JSON body of a generateContent call; the same request gives the same bytes.

    System text goes as the system instruction. An empty text is left out, and so is a message of
    nothing else (a turn in which the model said nothing): Gemini rejects a part without content.
    Raises ValueError for a picture in a message that is not the user's, RecordFailed(``image``)
    for a picture of a type that Gemini does not take.
    """
    pieces: list[bytes] = [b'{"contents":[']
    system: list[bytes] = []
    comma = b""
    for message in request.messages:
        parts = await _parts(message, request)
        if message.role == "system":
            system += parts
        elif parts:
            pieces += [comma, b'{"parts":[', *_listed(parts), b'],"role":"']
            pieces += [_ROLES[message.role], b'"}']
            comma = b","
    pieces.append(b"]")
    if system:
        pieces += [b',"systemInstruction":{"parts":[', *_listed(system), b'],"role":"user"}']
    for name, value in _settings(request, dialect):
        pieces += [b',"', name.encode(), b'":', orjson.dumps(value)]
    pieces.append(b"}")
    return b"".join(pieces)


async def _parts(message: Message, request: Request) -> list[bytes]:
    """The parts of a message as pieces of JSON; those that belong together are one piece."""
    parts: list[bytes] = []
    for part in message.parts:
        if not isinstance(part, ImagePart):
            if part.text:
                parts.append(b'{"text":' + orjson.dumps(part.text) + b"}")
            continue
        if message.role != "user":
            raise ValueError(f"a picture in a message of the {message.role}: only users show them")
        data = await request.image_bytes(part.image)
        kind = picture_type(data)
        if kind == "image/gif":
            raise RecordFailed("image", f"{part.image.file} is a GIF, which Gemini does not take")
        encoded = b64encode(data)
        head = b'{"inlineData":{"data":"'
        parts.append(b"".join([head, encoded, b'","mimeType":"', kind.encode(), b'"}}']))
    return parts


def _listed(parts: Sequence[bytes]) -> list[bytes]:
    return [piece for part in parts for piece in (b",", part)][1:]


def _settings(request: Request, dialect: GeminiDialect) -> list[tuple[str, Any]]:
    sampling = request.sampling
    thinking = {
        "thinkingBudget": dialect.thinking_budget,
        "thinkingLevel": dialect.thinking_level and dialect.thinking_level.upper(),
    }
    config: dict[str, Any] = {
        "temperature": sampling.temperature,
        "topP": sampling.top_p,
        "maxOutputTokens": sampling.max_tokens,
        "seed": sampling.seed,
        "responseMimeType": None if request.schema is None else "application/json",
        "responseJsonSchema": None if request.schema is None else dict(request.schema),
        "mediaResolution": _RESOLUTIONS.get(sampling.detail or ""),
        "thinkingConfig": {k: v for k, v in thinking.items() if v is not None} or None,
    }
    threshold = dialect.safety_threshold
    safety = [{"category": f"HARM_CATEGORY_{harm}", "threshold": threshold} for harm in _HARMS]
    settings: list[tuple[str, Any]] = [
        ("safetySettings", safety if threshold else None),
        ("generationConfig", {k: v for k, v in config.items() if v is not None} or None),
    ]
    return [(name, value) for name, value in settings if value is not None]


def read_gemini_reply(body: bytes, headers: Mapping[str, str], model: str) -> Reply:
    """The Reply in the body of a 200; ``model`` stands in where the server names none.

    A body that holds an answer is taken whatever its content type says: it is paid for.
    Raises MalformedReply, which quotes how the body begins.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        kind = headers.get("content-type", "no content type")
        raise MalformedReply(f"not JSON ({kind}): {_start(body)}") from None
    if isinstance(data, list) and len(data) == 1:  # how Google wraps what could have been streamed
        data = data[0]
    if not isinstance(data, dict):
        raise MalformedReply(f"not a JSON object: {_start(body)}")
    if data.get("error"):
        code = data["error"].get("code") if isinstance(data["error"], dict) else None
        status = code if isinstance(code, int) and 400 <= code < 600 else None
        said = error_message(data)
        raise MalformedReply(f"an error in a reply of status 200: {said}", status, data)
    if not data.keys() & {"candidates", "promptFeedback", "usageMetadata"}:
        raise MalformedReply(f"neither candidates nor a reason: {_start(body)}")
    text, outcome, detail = _text_and_outcome(data)
    return Reply(
        text=text,
        outcome=outcome,
        model=str(data.get("modelVersion") or model),
        detail=detail[:_DETAIL_CHARS],
        usage=_usage(data.get("usageMetadata")),
        request_id=str(data.get("responseId") or ""),
    )


def _text_and_outcome(data: Mapping[str, Any]) -> tuple[str, Outcome, str]:
    feedback = data.get("promptFeedback")
    if isinstance(feedback, dict) and feedback.get("blockReason"):
        why = _why(str(feedback["blockReason"]), feedback, feedback.get("blockReasonMessage"))
        return "", "filtered", f"prompt blocked: {why}"
    candidates = data.get("candidates")
    candidate = candidates[0] if isinstance(candidates, list) and candidates else None
    if not isinstance(candidate, dict):
        return "", "empty", "no candidates"
    text = _text(candidate.get("content"))
    reason = str(candidate.get("finishReason") or "")
    if reason == ACCOUNT_SHUT:
        said = str(candidate.get("finishMessage") or "the account breaks the prohibited use policy")
        error = {"error": {"code": 403, "status": reason, "message": said}}
        raise MalformedReply(f"{reason}: {said}", 403, error)
    outcome = FINISH_REASONS.get(reason or "STOP")
    if outcome == "answer":
        return text, "answer" if text.strip() else "empty", reason
    if outcome is None:
        outcome = "truncated" if text.strip() else "empty"
    return text, outcome, _why(reason, candidate, candidate.get("finishMessage"))


def _text(content: Any) -> str:
    """All that a candidate says, without its thoughts."""
    parts = content.get("parts") if isinstance(content, dict) else None
    if not isinstance(parts, list):
        return ""
    said = [p.get("text") for p in parts if isinstance(p, dict) and p.get("thought") is not True]
    return "".join(text for text in said if isinstance(text, str))


def _why(reason: str, holder: Mapping[str, Any], message: Any) -> str:
    """A reason with what it rests on: ``SAFETY (SEXUALLY_EXPLICIT: HIGH)``, and in words."""
    found = _offending(holder.get("safetyRatings")) or _recited(holder.get("citationMetadata"))
    said = f": {' '.join(str(message).split())}" if message else ""
    return f"{reason} ({found}){said}" if found else f"{reason}{said}"


def _offending(ratings: Any) -> str:
    """The ratings that blocked, or the highest above negligible where none is marked so."""
    rated = [
        (str(rating.get("category")), str(rating.get("probability")), rating.get("blocked") is True)
        for rating in (ratings if isinstance(ratings, list) else [])
        if isinstance(rating, dict)
    ]
    highest = max((_GRADES.get(grade, 0) for _, grade, _ in rated), default=0)
    blocked = [rating for rating in rated if rating[2]]
    if not blocked and highest:
        blocked = [rating for rating in rated if _GRADES.get(rating[1], 0) == highest]
    return ", ".join(f"{name.removeprefix('HARM_CATEGORY_')}: {g}" for name, g, _ in blocked)


def _recited(citations: Any) -> str:
    """Where the words come from that were held back as a recitation."""
    holder = citations if isinstance(citations, dict) else {}
    sources = holder.get("citationSources") or holder.get("citations")  # AI Studio's, Vertex's
    first = sources[0] if isinstance(sources, list) and sources else None
    return str(first.get("uri") or "") if isinstance(first, dict) else ""


def _usage(usage: Any) -> Usage:
    """Tokens as they are charged: thoughts are output. A count of zero is left out by Google."""
    if not isinstance(usage, dict):
        return Usage()
    names = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
    asked, said, thought = (_count(usage, name) for name in names)
    if asked is said is thought is None:
        return Usage()
    cached = _count(usage, "cachedContentTokenCount")
    return Usage(asked, (said or 0) + (thought or 0), cached or 0)


def _count(usage: Mapping[str, Any], name: str) -> int | None:
    count = usage.get(name)
    return count if type(count) is int and count >= 0 else None


def _start(body: bytes) -> str:
    text = " ".join(body[:_QUOTED_BYTES].decode("utf-8", "replace").split())
    return f"it begins {text[:120]!r}" if text else "it is blank"
