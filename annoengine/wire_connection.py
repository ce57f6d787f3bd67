"""Sends POSTs over the connections of an aiohttp session, without its layers for each call.

aiohttp finds the address and the headers, connects and keeps connections, and its parser reads
the replies. Left out is what its client makes anew for each call (a request, a writer and its
task, timers, redirects, cookies, a response): 0.15 ms of CPU, where a bare call takes 0.6 in all
(``tests/benchmarks/bare_client.py``). aiohttp does not promise all of the parts that are left;
:func:`has_parts` says whether they are there.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import aiohttp

UNWRITTEN = "Cannot write to closing transport"
"""What aiohttp says where the server had hung up before the body was written."""

_CONTROL = re.compile(r"[^\t\x20-\x7e\x80-\U0010ffff]")
"""What may not stand in a header: a line break in one would begin another. Source: RFC 9110,
section 5.5. aiohttp looks for it when it sends, which a Route does itself."""

_OF_THE_BODY = {"content-length", "transfer-encoding"}


def has_parts() -> bool:
    """Has this aiohttp what :class:`Route` is made of, with the arguments that it gives?"""
    try:
        from aiohttp import BaseConnector, ClientRequest
        from aiohttp.client_proto import ResponseHandler
        from aiohttp.connector import Connection

        inspect.signature(BaseConnector.connect).bind(None, None, [], None)
        inspect.signature(ResponseHandler.set_response_params).bind(None, read_until_eof=True)
        inspect.signature(ResponseHandler.read).bind(None)
    except (ImportError, AttributeError, TypeError):
        return False
    return all(
        hasattr(owner, name)
        for owner, names in (
            (Connection, ("protocol", "transport", "closed", "release", "close")),
            (ResponseHandler, ("should_close",)),
            (ClientRequest, ("request_info",)),
        )
        for name in names
    )


class _TakenDown(Exception):
    """Carries a request that aiohttp has made out of its session, before it is sent."""

    def __init__(self, request: aiohttp.ClientRequest) -> None:
        super().__init__("taken down")
        self.request = request


async def _take_down(
    request: aiohttp.ClientRequest,
    send: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    """A middleware that sends nothing."""
    raise _TakenDown(request)


class Route:
    """Where calls go, and what stands before each body but its length.

    Made by :meth:`find`, which keeps what it was asked for, to be known again by: headers are not
    compared, but must be the same object.
    """

    def __init__(
        self, session: aiohttp.ClientSession, request: aiohttp.ClientRequest, made_of: Any
    ) -> None:
        lines = [f"POST {request.url.raw_path_qs} HTTP/1.1"]
        for name, value in request.headers.items():
            if _CONTROL.search(name + value):
                raise ValueError(f"a control character in the header {name!r}")
            if name.lower() not in _OF_THE_BODY:
                lines.append(f"{name}: {value}")
        self._head = "\r\n".join([*lines, ""]).encode()
        self._request = request
        self._connector: Any = session.connector
        self._timeout = session.timeout
        self._made_of = made_of

    @classmethod
    async def find(
        cls, session: aiohttp.ClientSession, url: Any, headers: Mapping[str, str] | None, ssl: Any
    ) -> Route:
        """The way that the session would go. Sends nothing; raises what the session raises."""
        try:
            await session.post(url, data=b"", headers=headers, ssl=ssl, middlewares=(_take_down,))
        except _TakenDown as taken_down:
            return cls(session, taken_down.request, (url, headers, ssl))
        raise RuntimeError("aiohttp did not ask the middleware that it was given")

    def is_of(self, url: Any, headers: Mapping[str, str] | None, ssl: Any) -> bool:
        """Is it the way found for these?"""
        made_of = self._made_of
        return made_of[0] == url and made_of[1] is headers and made_of[2] is ssl

    async def post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content of a whole reply.

        Raises the errors of the session's own ``post``; UNWRITTEN is the text of one that is
        raised before anything was written.
        """
        connection = None
        try:
            connection = await self._connector.connect(self._request, [], self._timeout)
            return await self._post(connection, body)
        except BaseException as error:
            if connection is not None:
                _break_off(connection)
            told = _as_the_session(error, self._request)
            if told is error:
                raise
            raise told from error

    async def _post(self, connection: Any, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        protocol, transport = connection.protocol, connection.transport
        # A reply that nobody asked for may have come while it was idle: it would count as the
        # reply of this call.
        if connection.closed or protocol.should_close:
            raise _Unwritten
        protocol.set_response_params(read_until_eof=True)
        head = b"%bContent-Length: %d\r\n\r\n" % (self._head, len(body))
        transport.writelines((head, body))
        message, content = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:  # the reply follows
            message, content = await protocol.read()
        reply = await content.read()
        if transport.get_write_buffer_size():  # it came before the server had the whole body
            _break_off(connection)
        else:
            connection.release()
        return message.code, {k.lower(): v for k, v in message.headers.items()}, reply


class _Unwritten(Exception):
    """The connection had ended before anything was written."""


def _break_off(connection: Any) -> None:
    """Ends a connection; what has not left yet is not sent any more."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()


def _as_the_session(error: BaseException, request: aiohttp.ClientRequest) -> BaseException:
    """An error of the inner parts of aiohttp as its session raises it."""
    import aiohttp
    from aiohttp.http import HttpProcessingError

    if isinstance(error, _Unwritten):
        return aiohttp.ClientConnectionResetError(UNWRITTEN)
    if isinstance(error, HttpProcessingError):
        return aiohttp.ClientResponseError(
            request.request_info, (), status=error.code, message=error.message
        )
    if isinstance(error, aiohttp.ClientError):
        return error
    if isinstance(error, TimeoutError):  # of connecting: no other step has one
        return aiohttp.ConnectionTimeoutError(f"Connection timeout to host {request.url}")
    if isinstance(error, OSError):
        return aiohttp.ClientOSError(*error.args)
    return error
