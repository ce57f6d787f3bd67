"""How the loopback servers misbehave: a function for each way, in a table by its name.

A new way is one more function here; its parameters are what a rule of the script may set. What
is said in the words of a protocol (an answer, an error) is asked of the server, so that a script
works with each of them.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import orjson

from tests.wire.chat_answers import Call, answer_text

if TYPE_CHECKING:
    from tests.wire.connection import Connection
    from tests.wire.openai_server import OpenaiServer

REASONS = {200: "OK", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass
class Exchange:
    """One call and the connection on which it is answered."""

    call: Call
    connection: Connection
    server: OpenaiServer
    by: str = "answer"

    def send(
        self, body: bytes, status: int = 200, kind: str = "application/json", **headers: str
    ) -> None:
        """A whole reply. Header names are given with ``_`` for ``-``."""
        self.send_with(body, headers, status, kind)

    def send_with(
        self,
        body: bytes,
        headers: Mapping[str, str],
        status: int = 200,
        kind: str = "application/json",
    ) -> None:
        """The same, with the headers in one piece."""
        self.send_part(self.head(len(body), status, kind, **headers) + body)
        self.done(status)

    def head(self, size: int | None, status: int = 200, kind: str = "", **headers: str) -> bytes:
        """Status line and headers of a reply of ``size`` bytes, None for a length not told."""
        limited = self.server.limited
        headers = (limited.headers() if limited else {}) | headers
        lines = [
            f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}",
            f"content-type: {kind or 'application/json'}",
            *([] if size is None else [f"content-length: {size}"]),
            f"x-request-id: req_{self.call.number:08d}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "\r\n"]).encode()

    def send_part(self, data: bytes) -> None:
        """Some bytes of a reply."""
        if self.connection.transport is not None:
            self.connection.transport.write(data)

    def done(self, status: int) -> None:
        """The reply is out in whole: it is counted, unless the client has gone."""
        transport = self.connection.transport
        if transport is not None and not transport.is_closing():
            self.server.answered(self.call, status, self.by)
        self.connection.next()

    def answer(self, text: str | None, finish_reason: str | None = "stop", **more: Any) -> bytes:
        """The body of a good reply, as the server's protocol has it."""
        return self.server.answer(self.call, text, finish_reason, **more)

    def error(self, status: int, message: str, type_: str, code: str | None, **more: Any) -> None:
        """An error in the server's form; ``more`` with ``headers`` for those of the reply.

        ``type_`` and ``code`` are OpenAI's words; another protocol says the same in its own.
        """
        headers = more.pop("headers", {})
        status, body = self.server.error(self.call, status, message, type_, code, **more)
        self.send(body, status, **headers)

    def hang_up(self, *, hard: bool) -> None:
        """Closes the connection: at once and with a reset, or after what was written."""
        transport = self.connection.transport
        if transport is None:
            return
        if hard:
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()


Misbehaviour = Callable[..., Awaitable[None]]
MISBEHAVIOURS: dict[str, Misbehaviour] = {}


def misbehaviour(function: Misbehaviour) -> Misbehaviour:
    """Enters a function into the table, under its own name."""
    MISBEHAVIOURS[function.__name__] = function
    return function


def http_date(when: float, form: str = "imf") -> str:
    """A point in time in one of HTTP's three forms: ``imf``, ``rfc850``, ``asctime``."""
    if form == "imf":
        return formatdate(when, usegmt=True)
    parts = time.gmtime(when)
    return time.strftime(
        {"rfc850": "%A, %d-%b-%y %H:%M:%S GMT", "asctime": "%a %b %e %H:%M:%S %Y"}[form], parts
    )


@misbehaviour
async def rate_limit(
    exchange: Exchange,
    retry_after: float | str | None = None,
    retry_after_ms: float | str | None = None,
    date_in_s: float | None = None,
    date_form: str = "imf",
    epoch_in_s: float | None = None,
    reset_s: float | None = None,
    retry_delay: str = "",
    said: str = "Rate limit reached for requests.",
) -> None:
    """429, with the wait told in any of the ways that servers use, or not at all."""
    headers: dict[str, str] = {}
    for name, value in (("retry_after", retry_after), ("retry_after_ms", retry_after_ms)):
        if value is not None:
            headers[name] = value if isinstance(value, str) else f"{value:g}"
    now = time.time()
    if date_in_s is not None:
        headers["date"] = formatdate(now, usegmt=True)
        headers["retry_after"] = http_date(now + date_in_s, date_form)
    if epoch_in_s is not None:
        headers["date"] = formatdate(now, usegmt=True)
        headers["retry_after"] = str(int(now + epoch_in_s))
    if reset_s is not None:
        headers["x_ratelimit_remaining_requests"] = "0"
        headers["x_ratelimit_reset_requests"] = f"{reset_s:g}s"
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": retry_delay}]
    more = {"details": details} if retry_delay else {}
    exchange.error(429, said, "requests", "rate_limit_exceeded", headers=headers, **more)


@misbehaviour
async def quota(exchange: Exchange) -> None:
    """429 that no waiting mends."""
    message = "You exceeded your current quota, please check your plan and billing details."
    exchange.error(429, message, "insufficient_quota", "insufficient_quota")


@misbehaviour
async def status(
    exchange: Exchange,
    status: int,
    message: str = "The server had an error.",
    type: str = "server_error",
    code: str | None = None,
    retry_after: float | None = None,
) -> None:
    """Any status, in the protocol's form."""
    headers = {} if retry_after is None else {"retry_after": f"{retry_after:g}"}
    exchange.error(status, message, type, code, headers=headers)


@misbehaviour
async def gateway(exchange: Exchange, status: int = 502) -> None:
    """An error page of something in between."""
    page = f"<html><head><title>{status}</title></head><body>Bad Gateway</body></html>"
    exchange.send(page.encode(), status, "text/html")


@misbehaviour
async def raw(
    exchange: Exchange,
    body: Any = "",
    status: int = 200,
    kind: str = "application/json",
    **headers: str,
) -> None:
    """Any reply: a text as it stands, anything else as JSON; header names with ``_`` for ``-``."""
    data = body.encode() if isinstance(body, str) else orjson.dumps(body)
    exchange.send_with(data, headers, status, kind)


@misbehaviour
async def announce(
    exchange: Exchange,
    requests: float | str | None = None,
    tokens: float | str | None = None,
    **headers: str,
) -> None:
    """The answer, with limits a minute in OpenAI's headers, true or not, and any others."""
    told = {"x_ratelimit_limit_requests": requests, "x_ratelimit_limit_tokens": tokens}
    names = {name: f"{value}" for name, value in told.items() if value is not None} | headers
    exchange.send_with(exchange.answer(answer_text(exchange.call)), names)


@misbehaviour
async def usage(exchange: Exchange, **counts: Any) -> None:
    """The answer, with these counts of tokens instead of its own; without any, none at all."""
    exchange.send(exchange.answer(answer_text(exchange.call), usage=counts))


@misbehaviour
async def served(exchange: Exchange, model: str) -> None:
    """The answer of another model than usual."""
    exchange.send(exchange.answer(answer_text(exchange.call), model=model))


@misbehaviour
async def bad_key(exchange: Exchange, masked: bool = False) -> None:
    """401 that echoes the key it was given, as OpenAI does (masked) and worse (in whole)."""
    key = exchange.call.key()
    shown = f"{key[:8]}{'*' * 20}{key[-4:]}" if masked else key
    message = f"Incorrect API key provided: {shown}. Find yours in your account's settings."
    exchange.error(401, message, "invalid_request_error", "invalid_api_key")


@misbehaviour
async def no_model(exchange: Exchange) -> None:
    """404 for a model."""
    message = f"The model `{exchange.call.model()}` does not exist."
    exchange.error(404, message, "invalid_request_error", "model_not_found")


@misbehaviour
async def too_long(exchange: Exchange) -> None:
    """400 for a prompt beyond the context."""
    message = "This model's maximum context length is 128000 tokens. Please reduce your prompt."
    exchange.error(400, message, "invalid_request_error", "context_length_exceeded")


@misbehaviour
async def policy(exchange: Exchange, azure: bool = False) -> None:
    """400 that is a content filter."""
    message = "Your request was rejected as a result of our safety system."
    if azure:
        inner = {"code": "ResponsibleAIPolicyViolation"}
        exchange.error(400, "The prompt was filtered.", "", "content_filter", innererror=inner)
    else:
        exchange.error(400, message, "invalid_request_error", "content_policy_violation")


@misbehaviour
async def redirect(exchange: Exchange, to: str) -> None:
    """308 to somewhere else."""
    exchange.send(b"", 308, location=to)


@misbehaviour
async def say(exchange: Exchange, text: str | None, **more: Any) -> None:
    """A reply with this text; ``finish_reason``, ``refusal``, ``cached_tokens`` as wanted."""
    exchange.send(exchange.answer(text, **more))


@misbehaviour
async def refusal(exchange: Exchange) -> None:
    """The model declines, in the field made for it."""
    exchange.send(exchange.answer(None, refusal="I'm sorry, I can't help with that."))


@misbehaviour
async def content_filter(exchange: Exchange) -> None:
    """The answer was stopped by a filter."""
    exchange.send(exchange.answer(None, "content_filter"))


@misbehaviour
async def truncated(exchange: Exchange) -> None:
    """The first half of the answer."""
    text = answer_text(exchange.call)
    exchange.send(exchange.answer(text[: len(text) // 2], "length"))


@misbehaviour
async def empty(exchange: Exchange, text: str | None = "") -> None:
    """An answer without a word."""
    exchange.send(exchange.answer(text))


@misbehaviour
async def not_json(exchange: Exchange) -> None:
    """A reply that is whole as HTTP and broken as JSON."""
    exchange.send(exchange.answer(answer_text(exchange.call))[:-20])


@misbehaviour
async def no_choices(exchange: Exchange) -> None:
    """A good reply without an answer in it."""
    exchange.send(exchange.server.no_answer())


@misbehaviour
async def html(exchange: Exchange) -> None:
    """A web page where a completion should be."""
    exchange.send(b"<html><body>Welcome to the proxy</body></html>", kind="text/html")


@misbehaviour
async def error_in_200(exchange: Exchange, code: int | str = 429) -> None:
    """What some gateways do: the error of the model behind them, in a 200 of theirs."""
    error = {"message": "Provider returned error", "code": code}
    exchange.send(orjson.dumps({"error": error}))
