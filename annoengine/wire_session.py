"""Carries POSTs over a session of aiohttp, and tells what a broken one may have cost.

For calls that are paid: nothing is sent twice, no redirect is followed (a POST comes back as a
GET, and takes the key), neither ``.netrc`` nor cookies add to what was given. Whether a failed
call may have been paid is told by the class of its error and by how much of the body had left.
What is not certain to be unsent counts as sent.

A body of a usual size goes the short way of :mod:`annoengine.wire_connection`, a large one or one
through a proxy by aiohttp's client; replies and errors are the same.
"""

from __future__ import annotations

import asyncio
import ipaddress
import urllib.request
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from annoengine.chat_errors import BrokenCall
from annoengine.wire_connection import UNWRITTEN, Route, has_parts

CONNECT_S = 10.0
KEEP_ALIVE_S = 1.5
"""Shorter than the 2 s (gunicorn) to 5 s (uvicorn, node, llama.cpp) after which servers close an
idle connection: a call that is sent into the closing one breaks, and nobody knows whether it was
charged."""

_LARGE_BODY_BYTES = 1 << 20
_SLICE_BYTES = 1 << 18
"""A larger body is handed over in slices: in one piece it would hold up every other call, and
aiohttp warns of it."""

_STALE_CONNECTIONS = 3
"""How many closed connections may come out of the pool before the call counts as broken."""


def connect_s(timeout_s: float) -> float:
    """Connecting ends before the call's own clock does: then it is certain that nothing was sent.

    >>> connect_s(300.0), connect_s(5.0)
    (10.0, 2.5)
    """
    return min(CONNECT_S, timeout_s / 2)


class WireSession:
    """The connections to one server. Made within the event loop.

    ``headers`` go with every call. ``ssl`` is a context, True for aiohttp's own. ``proxy`` is one
    of the kinds http and https. ``middlewares`` are those of calls that others send over
    ``session``; :meth:`post` goes by none.
    """

    def __init__(
        self,
        timeout_s: float,
        concurrency: int,
        *,
        headers: Mapping[str, str] | None = None,
        ssl: Any = True,
        proxy: str | None = None,
        middlewares: tuple[Any, ...] = (),
    ) -> None:
        import aiohttp

        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=concurrency, keepalive_timeout=KEEP_ALIVE_S, ssl=ssl
            ),
            headers=headers,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(sock_connect=connect_s(timeout_s)),
            middlewares=middlewares,
        )
        self.proxy = proxy
        self._timeout_s = timeout_s
        self._wrong = (aiohttp.ClientError, aiohttp.http.HttpProcessingError)
        self._goes_direct = has_parts()
        self._route: Route | None = None

    async def close(self) -> None:
        """Closes all connections."""
        await self.session.close()

    async def post(
        self,
        url: Any,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        ssl: Any = True,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content of a whole reply.

        Raises BrokenCall where there is none. A connection that turns out to be closed before
        anything was written to it is none; the next one is taken.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                for left in range(_STALE_CONNECTIONS, -1, -1):
                    content = to_send(body)
                    try:
                        return await self._post(url, content, len(body), headers, ssl)
                    except self._wrong as error:
                        begun = isinstance(content, Slices) and content.is_begun
                        if not left or begun or UNWRITTEN not in str(error):
                            raise _broken(error, content) from error
        except TimeoutError:
            raise not_in_time(self._timeout_s, content) from None
        raise AssertionError("the last try raises")

    async def _post(
        self,
        url: Any,
        content: bytes | Slices,
        size: int,
        headers: Mapping[str, str] | None,
        ssl: Any,
    ) -> tuple[int, Mapping[str, str], bytes]:
        # A turn of the loop, in which connections that the server has closed since the last call
        # leave the pool.
        await asyncio.sleep(0)
        if isinstance(content, Slices):
            headers = {**(headers or {}), "Content-Length": str(size)}
        elif self._goes_direct and self.proxy is None:
            route = self._route
            if route is None or not route.is_of(url, headers, ssl):
                route = self._route = await Route.find(self.session, url, headers, ssl)
            return await route.post(content)
        async with self.session.post(
            url,
            data=content,
            headers=headers,
            ssl=ssl,
            proxy=self.proxy,
            allow_redirects=False,
            middlewares=(),
        ) as response:
            reply = await response.read()
            return response.status, {k.lower(): v for k, v in response.headers.items()}, reply


class Slices:
    """A large body in slices; knows whether one was taken, and whether the last was asked for."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.is_begun = False
        self.is_out = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._body), _SLICE_BYTES):
            self.is_out = start + _SLICE_BYTES >= len(self._body)
            yield self._body[start : start + _SLICE_BYTES]
            self.is_begun = True


def to_send(body: bytes) -> bytes | Slices:
    """A body as it is handed over: whole, or in slices where it is large."""
    return Slices(body) if len(body) > _LARGE_BODY_BYTES else body


def is_out(content: bytes | Slices) -> bool:
    """Whether the whole body may have left: no server works on a part of one."""
    return content.is_out if isinstance(content, Slices) else True


def not_in_time(timeout_s: float, content: bytes | Slices) -> BrokenCall:
    """The error of a call that took too long."""
    return BrokenCall(f"no whole reply in {timeout_s:g} s", sent=is_out(content))


def _broken(error: Exception, content: bytes | Slices) -> BrokenCall:
    import aiohttp

    problem = f"{type(error).__name__}: {error}"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return BrokenCall(problem, sent=False, hopeless=True)
    never = isinstance(
        error,
        aiohttp.ClientConnectorError
        | aiohttp.ConnectionTimeoutError
        | aiohttp.ClientHttpProxyError,
    )
    unsent = never or UNWRITTEN in str(error)
    return BrokenCall(problem, sent=not unsent and is_out(content))


def is_on_this_machine(host: str) -> bool:
    """Whether a host is this machine's own loopback.

    >>> [is_on_this_machine(h) for h in ("localhost", "127.0.0.5", "::1", "10.0.0.7", "vllm")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def proxy_for(url: str) -> str | None:
    """The proxy of the environment for an address, of whatever kind; None for none.

    A server on this machine is asked without one. Looked up once for all calls: aiohttp's own
    ``trust_env`` reads the environment and ``.netrc`` in a thread for each call, and refuses a
    token beside an entry for the host there.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_on_this_machine(host) or urllib.request.proxy_bypass(parts.netloc):
        return None
    proxies = urllib.request.getproxies()
    for name in proxies.get("no", "").split(","):
        if name.strip().startswith("*.") and host.endswith(name.strip()[1:].lower()):
            return None
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if proxy is None or "://" in proxy else f"http://{proxy}"


def goes_by_aiohttp(url: str) -> bool:
    """Whether the environment's proxy for an address, if there is one, is of a kind for aiohttp."""
    proxy = proxy_for(url)
    return proxy is None or urlsplit(proxy).scheme in ("http", "https")
