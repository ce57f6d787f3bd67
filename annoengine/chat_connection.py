"""Carries chat completions to where the SDK's client would, over a session of our own.

The SDK's client finds the address, the credentials and the headers. The calls do not go through
its ``create`` or ``post``, nor through its HTTP client, whose options, headers and types cost as
much as all the rest: 1.3 ms of CPU a call with that client on aiohttp, 0.6 with
:mod:`annoengine.wire_session`, 0.6 by bare aiohttp (``tests/benchmarks/bare_client.py``). Where
aiohttp does not go (through a SOCKS proxy) they take the SDK's own HTTP client.

What every connection shares stands here as well: one call over it.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from annoengine.chat_errors import BrokenCall, Rejected
from annoengine.errors import SettingError
from annoengine.provider import Reply, Request
from annoengine.wire_session import (
    KEEP_ALIVE_S,
    WireSession,
    connect_s,
    goes_by_aiohttp,
    is_on_this_machine,
    is_out,
    not_in_time,
    proxy_for,
    to_send,
)

_NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}
_OF_THE_WIRE = {"RequestError", "SSLError", "EndOfStream"}
_UNTRUSTED = "SSLCertVerificationError"
"""Classes by name, of httpx and what carries it: which library that is depends on the SDK."""


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
    """The HTTP client of the SDK's client; an idle one where aiohttp carries the calls.

    Its proxies are those of the environment, but a server on this machine is asked without one.
    Raises SettingError where it cannot go through such a proxy either.
    """
    httpx = _httpx_of(openai)
    if goes_by_aiohttp(url):
        # Without certificates or proxies of its own: loading them takes longer than 50 calls.
        return openai.DefaultAsyncHttpxClient(transport=httpx.AsyncBaseTransport(), trust_env=False)
    settings: dict[str, Any] = {
        "timeout": httpx.Timeout(timeout_s, connect=connect_s(timeout_s), pool=None),
        "limits": httpx.Limits(
            max_connections=concurrency,
            max_keepalive_connections=concurrency,
            keepalive_expiry=KEEP_ALIVE_S,
        ),
        "follow_redirects": False,  # a redirected POST comes back as a GET, and takes the key
    }
    parts = urlsplit(url)
    if is_on_this_machine(parts.hostname or ""):
        settings["mounts"] = {f"all://{parts.netloc}": None}
    try:
        return openai.DefaultAsyncHttpxClient(**settings)
    except (ImportError, ValueError) as error:
        raise SettingError(
            f"no way to {url} through the proxy of the environment: {error}; or except the server "
            f"from it with NO_PROXY={parts.hostname}"
        ) from None


class ChatConnection:
    """The way to one address: POSTs bodies, a reply or a BrokenCall for each.

    ``client`` is the SDK's, which knows address, credentials and headers; ``http_client`` is that
    of :func:`http_client_for`.
    """

    def __init__(
        self,
        openai: Any,
        client: Any,
        http_client: Any,
        timeout_s: float,
        concurrency: int,
        key_header: str,
    ) -> None:
        httpx = _httpx_of(openai)
        self._client = client
        base_url = str(client.base_url).rstrip("/")
        url = httpx.URL(f"{base_url}/chat/completions", params=client.default_query or None)
        self._url = str(url)
        given = {**client.auth_headers, **client.default_headers}
        unwanted = {"authorization", "api-key"} - {key_header}
        headers = httpx.Headers(
            {k: v for k, v in given.items() if isinstance(v, str) and k.lower() not in unwanted}
        )
        # Replies are short; and what would be offered to be unpacked, we may be unable to.
        headers["accept-encoding"] = "identity"
        self._session: WireSession | _SdkSession
        if goes_by_aiohttp(base_url):
            self._session = WireSession(
                timeout_s,
                concurrency,
                headers=dict(headers),
                # The certificates that the SDK trusts, SSL_CERT_FILE's among them.
                ssl=httpx.create_ssl_context() if url.scheme == "https" else True,
                proxy=proxy_for(base_url),
            )
        else:
            self._session = _SdkSession(httpx, http_client, headers, timeout_s)

    def __repr__(self) -> str:
        return f"ChatConnection({self._url!r})"

    async def close(self) -> None:
        """Closes all connections."""
        await self._session.close()
        await self._client.close()

    async def post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content of a whole reply.

        Raises BrokenCall where there is none.
        """
        return await self._session.post(self._url, body)


class _SdkSession:
    """The same as a WireSession over the SDK's HTTP client, which is httpx."""

    def __init__(
        self, httpx: Any, http_client: Any, headers: Mapping[str, str], timeout_s: float
    ) -> None:
        self._http_client = http_client
        self._request_type = httpx.Request
        self._headers = headers
        self._timeout_s = timeout_s
        self._extensions = {"timeout": http_client.timeout.as_dict()}

    async def close(self) -> None:
        """The SDK's client closes it."""

    async def post(self, url: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content of a whole reply."""
        content = to_send(body)
        headers = self._headers
        if content is not body:
            headers = {**headers, "content-length": str(len(body))}
        request = self._request_type(
            "POST", url, headers=headers, content=content, extensions=self._extensions
        )
        try:
            async with asyncio.timeout(self._timeout_s) as clock:
                # A turn of the loop, in which connections that the server has closed since the
                # last call leave the pool.
                await asyncio.sleep(0)
                response = await self._http_client.send(request)
        except TimeoutError:
            if not clock.expired():
                raise
            raise not_in_time(self._timeout_s, content) from None
        except Exception as error:
            broken = _broken(error, is_out(content))
            if broken is None:
                raise
            raise broken from error
        return (
            response.status_code,
            {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.headers.raw},
            response.content,
        )


def _broken(error: Exception, is_out: bool) -> BrokenCall | None:
    """The BrokenCall that an error of httpx stands for; None where it is a bug."""
    causes = _causes(error)
    names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
    if not names & _OF_THE_WIRE:
        return None
    inner = next((c for c in causes[::-1] if str(c)), error)
    problem = f"{type(inner).__name__}: {inner}"
    if _UNTRUSTED in names:
        return BrokenCall(problem, sent=False, hopeless=True)
    return BrokenCall(problem, sent=not names & _NEVER_SENT and is_out)


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
