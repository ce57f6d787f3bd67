"""How the loopback server misbehaves: a function for each way, in a table by its name.

A new way is one more function here; its parameters are what a rule of the script may set.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import orjson

from tests.wire.chat_answers import Call, answer_text, completion

if TYPE_CHECKING:
    from tests.wire.openai_server import Connection, OpenaiServer

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
        self.send_part(self.head(len(body), status, kind, **headers) + body)
        self.done(status)

    def head(self, size: int, status: int = 200, kind: str = "", **headers: str) -> bytes:
        """Status line and headers of a reply of ``size`` bytes."""
        lines = [
            f"HTTP/1.1 {status} {REASONS.get(status, 'Unknown')}",
            f"content-type: {kind or 'application/json'}",
            f"content-length: {size}",
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

    def error(self, status: int, message: str, type_: str, code: str | None, **more: Any) -> None:
        """An error in OpenAI's form; ``more`` with ``headers`` for those of the reply."""
        headers = more.pop("headers", {})
        error = {"message": message, "type": type_, "param": None, "code": code, **more}
        self.send(orjson.dumps({"error": error}), status, **headers)

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


@misbehaviour
async def rate_limit(
    exchange: Exchange,
    retry_after: float | None = None,
    retry_after_ms: float | None = None,
    date_in_s: float | None = None,
    reset_s: float | None = None,
) -> None:
    """429, with the wait told in any of the ways that servers use, or not at all."""
    headers: dict[str, str] = {}
    if retry_after is not None:
        headers["retry_after"] = f"{retry_after:g}"
    if retry_after_ms is not None:
        headers["retry_after_ms"] = f"{retry_after_ms:g}"
    if date_in_s is not None:
        now = time.time()
        headers["date"] = formatdate(now, usegmt=True)
        headers["retry_after"] = formatdate(now + date_in_s, usegmt=True)
    if reset_s is not None:
        headers["x_ratelimit_remaining_requests"] = "0"
        headers["x_ratelimit_reset_requests"] = f"{reset_s:g}s"
    message = "Rate limit reached for requests."
    exchange.error(429, message, "requests", "rate_limit_exceeded", headers=headers)


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
    """Any status, in OpenAI's form."""
    headers = {} if retry_after is None else {"retry_after": f"{retry_after:g}"}
    exchange.error(status, message, type, code, headers=headers)


@misbehaviour
async def gateway(exchange: Exchange, status: int = 502) -> None:
    """An error page of something in between."""
    page = f"<html><head><title>{status}</title></head><body>Bad Gateway</body></html>"
    exchange.send(page.encode(), status, "text/html")


@misbehaviour
async def bad_key(exchange: Exchange, masked: bool = False) -> None:
    """401 that echoes the key it was given, as OpenAI does (masked) and worse (in whole)."""
    key = exchange.call.headers.get("authorization", "").removeprefix("Bearer ")
    shown = f"{key[:8]}{'*' * 20}{key[-4:]}" if masked else key
    message = f"Incorrect API key provided: {shown}. Find yours in your account's settings."
    exchange.error(401, message, "invalid_request_error", "invalid_api_key")


@misbehaviour
async def no_model(exchange: Exchange) -> None:
    """404 for a model."""
    message = f"The model `{exchange.call.json()['model']}` does not exist."
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
    exchange.send(completion(exchange.call, text, **more))


@misbehaviour
async def refusal(exchange: Exchange) -> None:
    """The model declines, in the field made for it."""
    exchange.send(completion(exchange.call, None, refusal="I'm sorry, I can't help with that."))


@misbehaviour
async def content_filter(exchange: Exchange) -> None:
    """The answer was stopped by a filter."""
    exchange.send(completion(exchange.call, None, "content_filter"))


@misbehaviour
async def truncated(exchange: Exchange) -> None:
    """The first half of the answer."""
    text = answer_text(exchange.call)
    exchange.send(completion(exchange.call, text[: len(text) // 2], "length"))


@misbehaviour
async def empty(exchange: Exchange, text: str | None = "") -> None:
    """An answer without a word."""
    exchange.send(completion(exchange.call, text))


@misbehaviour
async def not_json(exchange: Exchange) -> None:
    """A reply that is whole as HTTP and broken as JSON."""
    exchange.send(completion(exchange.call, answer_text(exchange.call))[:-20])


@misbehaviour
async def no_choices(exchange: Exchange) -> None:
    """A completion without choices."""
    exchange.send(b'{"id":"chatcmpl-x","object":"chat.completion","model":"m","choices":[]}')


@misbehaviour
async def html(exchange: Exchange) -> None:
    """A web page where a completion should be."""
    exchange.send(b"<html><body>Welcome to the proxy</body></html>", kind="text/html")


@misbehaviour
async def error_in_200(exchange: Exchange, code: int | str = 429) -> None:
    """What some gateways do: the error of the model behind them, in a 200 of theirs."""
    error = {"message": "Provider returned error", "code": code}
    exchange.send(orjson.dumps({"error": error}))


@misbehaviour
async def cut(exchange: Exchange) -> None:
    """The connection ends in the middle of the body."""
    body = completion(exchange.call, answer_text(exchange.call))
    exchange.send_part(exchange.head(len(body)) + body[: len(body) // 2])
    exchange.hang_up(hard=False)


@misbehaviour
async def close(exchange: Exchange) -> None:
    """The connection ends without a reply."""
    exchange.hang_up(hard=False)


@misbehaviour
async def reset(exchange: Exchange) -> None:
    """The connection is reset after the request was read."""
    exchange.hang_up(hard=True)


@misbehaviour
async def garbage(exchange: Exchange) -> None:
    """Something that is not HTTP."""
    exchange.send_part(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    exchange.hang_up(hard=False)


@misbehaviour
async def stall(exchange: Exchange, seconds: float = 3600.0) -> None:
    """Nothing for a long time, then the answer."""
    await asyncio.sleep(seconds)
    exchange.send(completion(exchange.call, answer_text(exchange.call)))


@misbehaviour
async def drip(exchange: Exchange, seconds: float = 1.0, pieces: int = 20) -> None:
    """The answer a few bytes at a time: no pause is long, the whole is."""
    body = completion(exchange.call, answer_text(exchange.call))
    exchange.send_part(exchange.head(len(body)))
    size = -(-len(body) // pieces)
    for start in range(0, len(body), size):
        await asyncio.sleep(seconds / pieces)
        exchange.send_part(body[start : start + size])
    exchange.done(200)
