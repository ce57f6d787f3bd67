"""A client's connection to a loopback server: HTTP/1.1 taken apart, as little as a test needs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tests.wire.openai_server import OpenaiServer


class Connection(asyncio.Protocol):
    """One client's connection: takes requests apart, one at a time."""

    def __init__(self, server: OpenaiServer) -> None:
        self.server = server
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.needed = 0
        self.busy = False
        self.pending: asyncio.Task[None] | asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by class
        self.server.came(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self.server.gone(self)
        if self.pending is not None:
            self.pending.cancel()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if not self.busy and len(self.buffer) >= self.needed:
            self._take()

    def next(self) -> None:
        """The reply is out: the next request may be taken."""
        self.busy = False
        self.pending = None
        if self.buffer:
            self._take()

    def _take(self) -> None:
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            self.needed = len(self.buffer) + 1
            return
        first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        assert "transfer-encoding" not in headers, "the client did not say how long its body is"
        total = end + 4 + int(headers.get("content-length", 0))
        if len(self.buffer) < total:
            self.needed = total
            return
        body = bytes(memoryview(self.buffer)[end + 4 : total])
        del self.buffer[:total]
        self.needed = 0
        self.busy = True
        self.server.take(self, method, path, headers, body)
