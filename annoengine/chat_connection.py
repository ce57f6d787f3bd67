"""Carries chat completions over the SDK's HTTP client, and tells what a broken one may have cost.

What every connection shares stands here as well: one call over it, and how a large body leaves.
Whether a failed call may have been paid is told by the innermost cause of its error, since the
layers above report a refused connection and a reply cut short alike; and by how much of the body
had left. What is not certain to be unsent counts as sent.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from annoengine.chat_errors import BrokenCall, Rejected
from annoengine.errors import SettingError
from annoengine.provider import Reply, Request

CONNECT_S = 10.0
KEEP_ALIVE_S = 1.5
"""Shorter than the 2 s (gunicorn) to 5 s (uvicorn, node, llama.cpp) after which servers close an
idle connection: a call that is sent into the closing one breaks, and nobody knows whether it was
charged."""

_LARGE_BODY_BYTES = 1 << 20
_SLICE_BYTES = 1 << 18
"""A larger body is handed over in slices: in one piece it would hold up every other call, and
aiohttp warns of it."""

_NEVER_SENT = {"ClientConnectorError", "ConnectionTimeoutError", "ClientHttpProxyError"}
_NEVER_SENT_HTTPX = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}
"""Classes by name: of aiohttp, and of httpx where it carries the call by itself. Under aiohttp
httpx's own classes say nothing: ``ConnectTimeout`` stands for every broken connection."""

_UNWRITTEN = "Cannot write to closing transport"
"""What aiohttp says where the server had hung up before the body was written."""

_STALE_CONNECTIONS = 3
"""How many closed connections may come out of the pool before the call counts as broken."""

_OF_THE_WIRE = {"ClientError", "RequestError", "SSLError", "EndOfStream"}
_UNTRUSTED = {"ClientConnectorCertificateError", "SSLCertVerificationError"}


class Wire(Protocol):
    """A way to one model."""

    async def post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content of a whole reply.

        Raises BrokenCall where there is none.
        """
        ...


async def one_call(
    wire: Wire,
    request: Request,
    name: str,
    write: Callable[[Request], Awaitable[bytes]],
    read: Callable[[bytes, Mapping[str, str]], Reply],
) -> Reply:
    """Sends a request to the model ``name`` over a wire.

    ``write`` makes the body, once for a request however often it is tried; it is let go with the
    reply, which ``read`` makes of content and headers. Raises Rejected for another status than
    200, BrokenCall, and what these two raise.
    """
    # A request is frozen as to its fields; like functools.cached_property, this is none.
    kept: dict[str, Any] = request.__dict__
    slot = f"body for {name}"
    body = kept.get(slot)
    if body is None:
        body = kept[slot] = await write(request)
    status, headers, content = await wire.post(body)
    if status != 200:
        raise Rejected(status, content, headers)
    reply = read(content, headers)
    del kept[slot]
    return reply


def http_client_for(openai: Any, url: str, timeout_s: float, concurrency: int) -> Any:
    """The SDK's HTTP client: on aiohttp, or on httpx where the SDK lacks its ``aiohttp`` extra.

    Proxies are those of the environment, but a server on this machine is asked without one.
    """
    httpx = _httpx_of(openai)
    settings: dict[str, Any] = {
        "timeout": _timeout(httpx, timeout_s),
        "limits": httpx.Limits(
            max_connections=concurrency,
            max_keepalive_connections=concurrency,
            keepalive_expiry=KEEP_ALIVE_S,
        ),
        "follow_redirects": False,  # a redirected POST comes back as a GET, and takes the key
    }
    parts = urlsplit(url)
    if is_on_this_machine(parts.hostname or ""):
        if parts.scheme == "http":
            settings["trust_env"] = False  # cheaper a call, and nothing else to be trusted
        else:
            settings["mounts"] = {f"all://{parts.netloc}": None}
    try:
        return openai.DefaultAioHttpClient(**settings)
    except RuntimeError:  # openai 2 without its "aiohttp" extra: slower, as sound
        return openai.DefaultAsyncHttpxClient(**settings)


def _timeout(httpx: Any, timeout_s: float) -> Any:
    # Connecting ends before our own clock does: then it is certain that nothing was sent.
    return httpx.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s / 2), pool=None)


class ChatConnection:
    """The way to one address: POSTs bodies, a reply or a BrokenCall for each.

    ``client`` is the SDK's, which knows address, credentials and headers, on the HTTP client
    that carries the calls. They do not go through the client's own ``create`` or ``post``: their
    building of options, headers and types costs more than all the rest.
    """

    def __init__(
        self, openai: Any, client: Any, http_client: Any, timeout_s: float, key_header: str
    ) -> None:
        httpx = _httpx_of(openai)
        self._client = client
        self._http_client = http_client
        self._request_type = httpx.Request
        base_url = str(client.base_url).rstrip("/")
        self._url = httpx.URL(f"{base_url}/chat/completions", params=client.default_query or None)
        headers = {**client.auth_headers, **client.default_headers}
        unwanted = {"authorization", "api-key"} - {key_header}
        self._headers = httpx.Headers(
            {k: v for k, v in headers.items() if isinstance(v, str) and k.lower() not in unwanted}
        )
        # Replies are short; and what aiohttp would offer to unpack, httpx may be unable to.
        self._headers["accept-encoding"] = "identity"
        self._timeout_s = timeout_s
        self._extensions = {"timeout": _timeout(httpx, timeout_s).as_dict()}

    def __repr__(self) -> str:
        return f"ChatConnection({str(self._url)!r})"

    async def close(self) -> None:
        """Closes all connections."""
        await self._client.close()

    async def post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content of a whole reply.

        Raises BrokenCall where there is none. A connection that turns out to be closed before
        anything was written to it is none; the next one is taken.
        """
        try:
            async with asyncio.timeout(self._timeout_s) as clock:
                for left in range(_STALE_CONNECTIONS, -1, -1):
                    content = to_send(body)
                    try:
                        return await self._send(content, len(body))
                    except Exception as error:
                        broken = _broken(error, content)
                        if broken is None:
                            raise
                        begun = isinstance(content, Slices) and content.is_begun
                        if not left or begun or _UNWRITTEN not in str(broken):
                            raise broken from error
        except TimeoutError:
            if not clock.expired():
                raise
            problem = f"no whole reply in {self._timeout_s:g} s"
            raise BrokenCall(problem, sent=is_out(content)) from None
        raise AssertionError("the last try raises")

    async def _send(
        self, content: bytes | Slices, size: int
    ) -> tuple[int, Mapping[str, str], bytes]:
        large = isinstance(content, Slices)
        headers = {**self._headers, "content-length": str(size)} if large else self._headers
        request = self._request_type(
            "POST", self._url, headers=headers, content=content, extensions=self._extensions
        )
        # A turn of the loop, in which connections that the server has closed since the last call
        # leave the pool.
        await asyncio.sleep(0)
        response = await self._http_client.send(request)
        return (
            response.status_code,
            {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.headers.raw},
            response.content,
        )


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


def _broken(error: Exception, content: bytes | Slices) -> BrokenCall | None:
    """The BrokenCall that an error of the HTTP client stands for; None where it is a bug."""
    causes = _causes(error)
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if not names & _OF_THE_WIRE:
        return None
    inner = next((c for c in causes[::-1] if str(c)), error)
    problem = f"{type(inner).__name__}: {inner}"
    if names & _UNTRUSTED:
        return BrokenCall(problem, sent=False, hopeless=True)
    on_aiohttp = "ClientError" in names
    never = names & (_NEVER_SENT if on_aiohttp else _NEVER_SENT_HTTPX)
    unwritten = on_aiohttp and any(_UNWRITTEN in str(cause) for cause in causes)
    return BrokenCall(problem, sent=not never and not unwritten and is_out(content))


def is_on_this_machine(host: str) -> bool:
    """Whether a host is this machine's own loopback.

    >>> [is_on_this_machine(h) for h in ("localhost", "127.0.0.5", "::1", "10.0.0.7", "vllm")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_private(url: str) -> bool:
    """Whether an address is on this machine or a private network.

    >>> [is_private(f"http://{h}/v1") for h in ("localhost:8000", "10.0.0.7", "[::1]", "vllm")]
    [True, True, True, True]
    >>> is_private("https://api.openai.com/v1")
    False
    """
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))


def _httpx_of(openai: Any) -> Any:
    """The HTTP library that this SDK rides on: httpx2 from openai 3 on, httpx before."""
    for base in openai.DefaultAsyncHttpxClient.__mro__:
        library = base.__module__.partition(".")[0]
        if library in ("httpx", "httpx2"):
            return importlib.import_module(library)
    raise SettingError("this version of the openai package rides on an unknown HTTP library")


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what it was made from, innermost last.

    Only what was named as the cause counts (by ``raise … from``, or as the argument, httpcore's
    way). The implicit context also holds errors that were being handled when the call began,
    such as that of the try before, and they say nothing of this one.
    """
    chain = [error]
    while True:
        last = chain[-1]
        cause = last.__cause__ or (last.args[0] if last.args else None)
        if not isinstance(cause, BaseException) or cause in chain:
            return chain
        chain.append(cause)
