"""What an error of a chat-completions server means: try again, slow down, or a sentence to act on.

OpenAI's codes are read where they are given; most servers have none of their own and say what is
wrong in words alone, under any status: a model without eyes is a 400 (vLLM), a 404 (OpenRouter), a
500 (llama.cpp) or a 200 (LM Studio). So words are looked at before statuses, in patterns that
are each found in a real body (``tests/wire/test_openai_hosted_errors.py`` and ``_local_errors.py``
have them all). A refusal that every call of a stage would meet ends the run with what to do, one
that this call alone meets costs this call; neither is tried again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson

from annoengine.limit_headers import allows_nothing, announced, wait_s
from annoengine.provider import Retry

_MESSAGE_CHARS = 300
_LOADING_S = 30.0
"""Between calls to a server that is still loading its model; a 7B model takes half a minute."""

_POLICY_CODES = {"content_policy_violation", "content_filter", "moderation_blocked"}
_NO_MONEY_CODES = {
    "insufficient_quota",
    "billing_not_active",
    "billing_hard_limit_reached",
    "access_terminated",
}
_TOO_LONG_CODES = {
    "context_length_exceeded",
    "exceed_context_size_error",
    "string_above_max_length",
}
_NO_MODEL_CODES = {"model_not_found", "DeploymentNotFound"}
_REFUSED_CODES = {"unknown_parameter", "unsupported_parameter", "unsupported_value"}

_POLICY = re.compile(
    r"safety system|content (management )?policy|usage polic|(input|prompt|content) was flagged",
    re.I,
)
_TOO_LONG = re.compile(
    r"context (length|window|size)|longer than the maximum model|maximum allowed length"
    r"|tokens to keep from the initial prompt|reduce the length of the (messages|prompt)"
    r"|prompt is too long|input token count .{0,30}exceeds|inputs` (tokens|must have)",
    re.I,
)
_TOO_MUCH_A_MINUTE = re.compile(r"request too large for .*(per min|TPM)", re.I)
_NO_EYES = re.compile(
    r"not (currently )?support(ed)? (for )?(image|vision|multi-?modal)|not a multi-?modal model"
    r"|image( input| content)?s? (is|are) not supported|endpoints found that support image"
    r"|image_url is only supported by certain models|content'? must be a string"
    r"|allowed values: \['text'\]"
    r"|unsupported content part type: .{0,3}image_url|unknown variant `image_url`"
    r"|missing data required for image input|array into Go struct field Message\.messages\.content",
    re.I,
)
_TOO_MANY_PICTURES = re.compile(r"at most \d+ image|too many images|limit.mm.per.prompt", re.I)
_BAD_PICTURE = re.compile(
    r"(invalid|unsupported|corrupt|failed to (load|decode|process)|cannot identify|unable to"
    r" process|must be a base64 encoded) (the |an )?(input )?image|aspect ratio must be"
    r"|image length and width",
    re.I,
)
_LOADING = re.compile(r"loading model|model .{0,80}is (still |currently )?(being )?load", re.I)
_NO_MODEL = re.compile(
    r"no models? (is )?loaded|model .{0,80}(not found|does not exist)|not a valid model"
    r"|invalid model|no endpoints found for|unexpected endpoint",
    re.I,
)
_REFUSES = re.compile(
    r"unsupported (parameter|value)|unknown (parameter|field|name)|unrecognized|extra_forbidden"
    r"|unexpected keyword|not support|not permitted|not allowed|invalid schema",
    re.I,
)

_OUT_OF_BOUNDS = re.compile(r"too (large|small)|at most|(max|min)imum value|must be ", re.I)
_OF_THE_DAY = re.compile(r"per.day|\b[RT]PD\b", re.I)
_PASSING = re.compile(r"out of memory|CUDA|timed? ?out", re.I)
"""Troubles of a server that pass, whatever else its message says went wrong with them."""

_STAGE, _OPTION = "set {0} to null in the stage", "leave the model's option {0} out"
_REMEDIES = {
    "temperature": _STAGE,
    "top_p": _STAGE,
    "seed": _STAGE,
    "detail": _STAGE,
    "max_tokens": _STAGE,
    "max_completion_tokens": "set max_tokens to null in the stage",
    "response_format": "choose an answer format without a schema in the stage",
    "reasoning_effort": _OPTION,
    "verbosity": _OPTION,
}
"""What to do where a server refuses a field of the body; also the list of those that we send."""
_FIELD = re.compile(rf"(?<![A-Za-z_])({'|'.join(_REMEDIES)})(?![A-Za-z_])")
_UNKNOWN_FIELD = re.compile(r"(?:argument supplied|parameters?|field):? *[\[{'\"`]*([\w.]+)", re.I)


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


def classify_broken(error: BrokenCall, base_url: str) -> Retry:
    """What a call means that was answered with nothing, or not in whole."""
    if error.hopeless:
        return Retry("fatal", f"the certificate of {base_url} is no good: {error}")
    if error.sent:
        return Retry("again", f"no whole reply: {error}", "perhaps")
    return Retry("again", f"no connection to {base_url}: {error}")


def _fields(body: Any) -> Mapping[str, Any]:
    """The fields of an error's body, in the wrappings that servers give it."""
    if isinstance(body, list):  # Google's compatible endpoint
        body = next((item for item in body if isinstance(item, dict)), None)
    fields = body
    if isinstance(body, dict):
        choices = body.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        inner = first.get("error") if isinstance(first, dict) else None
        fields = body.get("error") or inner or body.get("detail") or body  # "detail": FastAPI's
    if not isinstance(fields, dict):
        return {"message": fields} if fields else {}
    return _upstream(fields) or fields


def _upstream(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the provider behind OpenRouter said, where OpenRouter passes it on as text."""
    metadata = fields.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if not isinstance(raw, str) or not raw.strip():
        return None
    try:
        inner = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return {**fields, "message": f"{fields.get('message')}: {raw}"}
    deeper = _fields(inner)
    return {**fields, **deeper} if deeper.get("message") else None


def error_message(body: Any) -> str:
    """What a server says is wrong, on one line of at most 300 characters."""
    fields = _fields(body)
    text = fields.get("message") or fields.get("detail") or fields
    if not isinstance(text, str):
        text = orjson.dumps(text, default=str).decode() if text else ""
    text = re.sub(r"<[^>]*>", " ", text) if text.lstrip().startswith("<") else text
    text = " ".join(text.split()).rstrip(". ")
    return text if len(text) <= _MESSAGE_CHARS else text[: _MESSAGE_CHARS - 1] + "…"


@dataclass(frozen=True)
class _Error:
    """An error on its way through the rules; ``status`` 200 is one inside of a good reply."""

    status: int
    fields: Mapping[str, Any]
    headers: Mapping[str, str]
    wait_s: float | None
    said: str
    model: str
    base_url: str
    key: str

    @property
    def codes(self) -> set[str]:
        """Its code and type, of which servers use either."""
        return {str(self.fields.get("code") or ""), str(self.fields.get("type") or "")}

    def __str__(self) -> str:
        """Status and words: ``(404): The model does not exist``."""
        return f"({self.status})" + (f": {self.said}" if self.said else "")


def classify_status(
    status: int, body: Any, headers: Mapping[str, str], model: str, base_url: str, key: str
) -> Retry:
    """What a whole reply of an error status (300–599) means, or an error inside of a 200.

    ``body`` is the decoded JSON, or text; ``key`` says where the key comes from, for the
    sentence of a 401. A server's error is not charged; a gateway that gave up on the server
    behind it (504, 524) does not know, so that call is perhaps paid.
    """
    wait = wait_s(headers, body)
    said = error_message(body)
    error = _Error(status, _fields(body), headers, wait, said, model, base_url, key)
    for rule in (_by_code, _by_words, _by_parameter, _by_status):
        verdict = rule(error)
        if verdict is not None:
            return verdict
    if status == 200:
        return Retry("again", f"no answer in the reply, but an error: {said}", "perhaps")
    code = error.fields.get("code")
    shown = f", {code}" if code and str(code) != str(status) else ""
    return Retry("never", f"rejected ({status}{shown}){f': {said}' if said else ''}")


def _by_code(error: _Error) -> Retry | None:
    status, codes = error.status, error.codes
    if codes & _NO_MONEY_CODES or status == 402:
        return Retry("fatal", f"the account has no credit left {error}")
    if status in (200, 400, 403, 422) and _is_policy(error):
        return Retry("never", f"content policy {error}", outcome="filtered")
    if codes & _TOO_LONG_CODES or status == 413:
        return _too_long(error)
    return _no_model(error) if codes & _NO_MODEL_CODES else None


def _is_policy(error: _Error) -> bool:
    inner = error.fields.get("innererror")  # Azure's place for it
    inner_code = str(inner.get("code")) if isinstance(inner, dict) else ""
    return (
        bool(error.codes & _POLICY_CODES)
        or inner_code == "ResponsibleAIPolicyViolation"
        or _POLICY.search(error.said) is not None
    )


def _by_words(error: _Error) -> Retry | None:
    """Refusals that servers tell in words, whatever their status."""
    said, model, url = error.said, error.model, error.base_url
    if error.status in (401, 403, 408, 409) or (error.status >= 500 and _PASSING.search(said)):
        return None
    if _TOO_MUCH_A_MINUTE.search(said):
        return Retry(
            "never",
            f"one call needs more tokens than the account may use in a minute {error}; lower "
            "max_tokens or send fewer or smaller pictures",
        )
    if error.status == 429:
        return None
    if _NO_EYES.search(said):
        remedy = "choose a model that does"
        if "mmproj" in said:
            remedy += ", or give llama.cpp's server its projector (--mmproj)"
        return Retry("fatal", f"{model!r} at {url} takes no pictures {error}; {remedy}")
    if _TOO_MANY_PICTURES.search(said):
        return Retry(
            "never",
            f"too many pictures in one call for {url} {error}; send fewer, or raise the server's "
            "limit (vLLM: --limit-mm-per-prompt)",
        )
    if _BAD_PICTURE.search(said):
        return Retry("never", f"{url} cannot read a picture of this call {error}")
    if _TOO_LONG.search(said):
        return _too_long(error)
    if _LOADING.search(said):
        wait = _LOADING_S if error.wait_s is None else error.wait_s
        return Retry("again", f"the model at {url} is still being loaded {error}", after_s=wait)
    if error.status in (200, 400, 404) and _NO_MODEL.search(said):
        return _no_model(error)
    return None


def _too_long(error: _Error) -> Retry:
    return Retry(
        "never",
        f"the call is too long for {error.model!r} {error}; lower max_tokens, send fewer or "
        "smaller pictures, or let the server take more",
    )


def _no_model(error: _Error) -> Retry:
    url = error.base_url
    hint = "; on most servers it ends in /v1" if urlsplit(url).path in ("", "/") else ""
    return Retry(
        "fatal", f"no model {error.model!r} at {url} {error}; check model and base_url{hint}"
    )


def _by_parameter(error: _Error) -> Retry | None:
    """A field of the body that the server does not take, or not with this value.

    A field that it does not know would be refused in every call, and ends the run. A value that
    is out of bounds may have been chosen for this one call (a repair with a higher limit).
    """
    if error.status not in (200, 400, 422, 500):
        return None
    if error.status == 500 and "parameter" not in error.said:  # LiteLLM's
        return None
    said, param = error.said, str(error.fields.get("param") or "")
    param = param.replace("reasoning.effort", "reasoning_effort").replace("None", "")
    field = _FIELD.search(param) or (None if param else _FIELD.search(said))
    name = field[1] if field else ""
    refused = bool(error.codes & _REFUSED_CODES) or _REFUSES.search(said) is not None
    if not refused or _OUT_OF_BOUNDS.search(said):
        if not name or error.status not in (400, 422) or not (param or said.startswith(name)):
            return None
        return Retry("never", f"{error.base_url} rejects the value of {name!r} {error}")
    if not name:
        unknown = _UNKNOWN_FIELD.search(said)
        name = param or (unknown[1] if unknown else "")
        if not name:
            return None
    return Retry(
        "fatal",
        f"{error.base_url} refuses the parameter {name!r} {error}; {_remedy(name, said)}",
    )


def _remedy(name: str, said: str) -> str:
    if name == "max_tokens" and "max_completion_tokens" in said:
        return "set the model's option reasoning to true"
    if name.endswith(".role"):
        return "write the system text into the user's prompt"
    remedy = _REMEDIES.get(name, "take it out of the model's option extra_body").format(name)
    if name in ("temperature", "top_p") and "this model" in said:
        remedy += ", or the model's option reasoning to true"
    return remedy


def _by_status(error: _Error) -> Retry | None:
    status, url, wait = error.status, error.base_url, error.wait_s
    if status == 429:
        if allows_nothing(error.headers):
            return Retry("fatal", f"{url} allows this account no call of {error.model!r} {error}")
        of_the_day = " of the day" if _OF_THE_DAY.search(error.said) else ""
        told = announced(error.headers)
        return Retry("slow_down", f"rate limit{of_the_day} (429)", after_s=wait, announced=told)
    if status == 401:
        return Retry("fatal", f"{url} does not know the key in {error.key} {error}")
    if status == 403:
        return Retry("fatal", f"{url} denies access with the key in {error.key} {error}")
    if status == 404:
        return _no_model(error)
    if status in (408, 409, 425):
        return Retry("again", f"status {status}", after_s=wait)
    if status in (301, 302, 303, 307, 308, 405, 501):
        location = error.headers.get("location")
        moved = f" (it points to {location})" if location else ""
        said = f": {error.said}" if error.said else ""
        return Retry("fatal", f"{url} takes no calls ({status}){moved}{said}; check base_url")
    if status in (504, 524):
        return Retry("again", f"server error ({status})", "perhaps", after_s=wait)
    return Retry("again", f"server error ({status})", after_s=wait) if status >= 500 else None
