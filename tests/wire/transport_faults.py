"""Misbehaviours of the transport: replies that come torn, late, in odd wrappings, or not at all."""

from __future__ import annotations

import asyncio
import gzip

from tests.wire.chat_answers import answer_text
from tests.wire.misbehaviours import Exchange, misbehaviour


@misbehaviour
async def mislabelled(exchange: Exchange, kind: str = "text/plain") -> None:
    """The answer under a wrong content type."""
    exchange.send(exchange.answer(answer_text(exchange.call)), kind=kind)


@misbehaviour
async def compressed(exchange: Exchange) -> None:
    """The answer in gzip, asked for or not."""
    body = gzip.compress(exchange.answer(answer_text(exchange.call)))
    exchange.send(body, content_encoding="gzip")


@misbehaviour
async def chunked(exchange: Exchange, pieces: int = 5) -> None:
    """The answer in chunks, without its length, as OpenAI sends it."""
    body = exchange.answer(answer_text(exchange.call))
    exchange.send_part(exchange.head(None, transfer_encoding="chunked"))
    for part in _parts(body, pieces):
        exchange.send_part(b"%x\r\n%s\r\n" % (len(part), part))
    exchange.send_part(b"0\r\n\r\n")
    exchange.done(200)


@misbehaviour
async def cut(exchange: Exchange, framing: str = "length") -> None:
    """The connection ends in the middle of the body.

    ``framing`` is how its end was to be known: by its ``length``, by a last chunk (``chunked``),
    or by the end of the connection (``close``), where HTTP alone cannot tell.
    """
    body = exchange.answer(answer_text(exchange.call))
    half = body[: len(body) // 2]
    if framing == "length":
        exchange.send_part(exchange.head(len(body)) + half)
    elif framing == "chunked":
        head = exchange.head(None, transfer_encoding="chunked")
        exchange.send_part(head + b"%x\r\n%s\r\n" % (len(half), half))
    else:
        exchange.send_part(exchange.head(None, connection="close") + half)
    exchange.hang_up(hard=False)


@misbehaviour
async def leave(exchange: Exchange, after_s: float = 0.0) -> None:
    """The answer; then the connection ends, which no header had announced."""
    transport = exchange.connection.transport
    exchange.send(exchange.answer(answer_text(exchange.call)))
    if after_s:
        await asyncio.sleep(after_s)
    if transport is not None and not exchange.connection.busy:
        transport.close()


@misbehaviour
async def refuse(exchange: Exchange, seconds: float = 0.2) -> None:
    """The answer; then every idle connection ends, and for a while new ones are refused."""
    exchange.send(exchange.answer(answer_text(exchange.call)))
    await exchange.server.refuse(seconds)


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
    exchange.send(exchange.answer(answer_text(exchange.call)))


@misbehaviour
async def drip(exchange: Exchange, seconds: float = 1.0, pieces: int = 20) -> None:
    """The answer a few bytes at a time: no pause is long, the whole is."""
    body = exchange.answer(answer_text(exchange.call))
    exchange.send_part(exchange.head(len(body)))
    for part in _parts(body, pieces):
        await asyncio.sleep(seconds / pieces)
        exchange.send_part(part)
    exchange.done(200)


def _parts(body: bytes, pieces: int) -> list[bytes]:
    size = -(-len(body) // pieces)
    return [body[start : start + size] for start in range(0, len(body), size)]
