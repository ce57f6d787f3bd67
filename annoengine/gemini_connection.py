"""Carries generateContent calls over a session of aiohttp, as the SDK's client would.

The client finds the address, the credentials and the headers: it is made to ask once, through
its own ``generate_content`` and the session it was given, where a middleware takes the request
down before anything is sent. The calls then go to that session with bodies that are built in
advance. ``generate_content`` itself costs more than all the rest (its types, its encoding, its
reading of the reply): 0.25 of bare aiohttp's throughput with it, 0.9 without.

Nor is the client's own sending fit for calls that are paid: after a connection that broke it
sleeps for up to ten seconds and sends again, also where retries are off, and it follows
redirects with the key in its headers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from annoengine.chat_errors import BrokenCall
from annoengine.errors import SettingError
from annoengine.wire_session import WireSession, goes_by_aiohttp, proxy_for

if TYPE_CHECKING:
    import aiohttp

_SHORTEST_DEADLINE_S = 10.0
"""Google refuses a call that sets its server a shorter deadline (400, "Manually set deadline 5s is
too short. Minimum allowed deadline is 10s.")."""

_NOT_TAKEN_OVER = {"host", "content-length", "transfer-encoding", "cookie"}
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


@dataclass(frozen=True)
class _Address:
    """Where a call goes and with which headers, as the SDK's client had it."""

    url: Any
    headers: Mapping[str, str] = field(repr=False)
    ssl: Any

    @property
    def secrets(self) -> tuple[str, ...]:
        """The key or token among the headers."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        token = headers.get("authorization", "").removeprefix("Bearer ")
        return tuple(s for s in (headers.get("x-goog-api-key", ""), token) if s)


class _TakenDown(Exception):
    """Carries the request that the SDK's client wanted to send out of its call."""

    def __init__(self, address: _Address) -> None:
        super().__init__("taken down")
        self.address = address


async def _take_down(
    request: aiohttp.ClientRequest,
    send: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    """A middleware of the session that sends nothing."""
    headers = {k: v for k, v in request.headers.items() if k.lower() not in _NOT_TAKEN_OVER}
    raise _TakenDown(_Address(request.url, headers, request.ssl))


class GeminiConnection:
    """The way to one model: POSTs bodies, a reply or a BrokenCall for each.

    ``settings`` are those of the SDK's client, with ``credentials`` on Vertex, whose token is
    renewed by the client when it has expired.
    """

    def __init__(self, model: str, settings: Mapping[str, Any], http: Mapping[str, Any]) -> None:
        self._model = model
        self._settings = settings
        self._http = http
        self._credentials: Any = settings.get("credentials")
        self._client: Any = None
        self._renewal: asyncio.Task[_Address] | None = None
        self._stale: _Address | None = None
        self._in_doubt = False
        self._secrets: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"GeminiConnection({self._model!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every key and token that it has sent."""
        return tuple(self._secrets)

    async def open(self, timeout_s: float, concurrency: int) -> None:
        """Makes the client and learns the address from it; sends no call.

        Raises SettingError for settings that the client does not take, BrokenCall where there is
        no token.
        """
        from google import genai
        from google.genai import types

        self._wire = WireSession(timeout_s, concurrency, middlewares=(_take_down,))
        http = {**self._http, "aiohttp_client": self._wire.session}
        # It also makes clients that nobody uses, and that fail at a proxy that httpx cannot use.
        http |= {"client_args": {"trust_env": False}, "async_client_args": {"trust_env": False}}
        if timeout_s >= _SHORTEST_DEADLINE_S:
            http["timeout"] = int(timeout_s * 1000)  # told to the server, which then gives up too
        try:
            self._client = await asyncio.to_thread(  # loads certificates
                genai.Client, http_options=types.HttpOptions(**http), **self._settings
            )
            self._address = await self._ask_client()
            self._wire.proxy = _proxy_for(str(self._address.url))
        except BaseException as error:
            await self.close()
            if isinstance(error, ValueError):
                raise SettingError(f"Google's client refuses its settings: {error}") from None
            raise

    async def close(self) -> None:
        """Closes all connections."""
        if self._renewal is not None:
            self._renewal.cancel()
        await self._wire.close()
        if self._client is not None:
            await self._client.aio.aclose()
            self._client.close()

    async def _ask_client(self) -> _Address:
        from google.auth.exceptions import GoogleAuthError

        try:
            await self._client.aio.models.generate_content(
                model=self._model,
                contents="-",
                config={"automatic_function_calling": {"disable": True}},  # which it would log
            )
        except _TakenDown as taken_down:
            address = taken_down.address
        except GoogleAuthError as error:
            problem = f"no token for Vertex: {error.args[0] if error.args else error}"
            raise BrokenCall(problem, sent=False, hopeless=not _is_passing(error)) from error
        else:
            raise RuntimeError("Google's client did not send through the session it was given")
        self._secrets |= dict.fromkeys(address.secrets)
        return address

    async def _renew(self) -> None:
        """Has the client fetch a new token: once for all calls that wait for one."""
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._ask_client())
            self._renewal.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            self._address = await asyncio.shield(self._renewal)
        except BrokenCall as error:  # each call gets an error of its own
            raise BrokenCall(str(error), error.sent, error.hopeless) from error

    async def post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers (names in lower case) and content of a whole reply.

        Raises BrokenCall where there is none.
        """
        if self._credentials is not None and not self._credentials.valid:
            await self._renew()
        address = self._address
        reply = await self._wire.post(address.url, body, address.headers, address.ssl)
        if reply[0] == 200:
            self._in_doubt = False
        elif reply[0] == 401 and self._may_be_stale(address):
            raise BrokenCall("no token for Vertex: the last one is refused", sent=False)
        return reply

    def _may_be_stale(self, address: _Address) -> bool:
        """Whether a refused token may just be too old, which a wrong clock would not tell.

        It is then renewed before the next call, once: a new one that is refused is no good.
        """
        if self._credentials is None:
            return False
        if address is self._stale or address is not self._address:
            return True
        if self._in_doubt:
            return False
        self._stale, self._in_doubt = address, True
        self._credentials.token = None
        return True


def _is_passing(error: Any) -> bool:
    """Whether a token may be had later: no way to the server of tokens, or it says so itself."""
    from google.auth.exceptions import TransportError

    return isinstance(error, TransportError) or bool(error.retryable)


def _proxy_for(url: str) -> str | None:
    """The proxy of the environment for an address. Raises SettingError for one of another kind."""
    proxy = proxy_for(url)
    if proxy is not None and not goes_by_aiohttp(url):
        scheme = urlsplit(url).scheme
        raise SettingError(
            f"the proxy for {scheme} is of the kind {urlsplit(proxy).scheme!r}; gemini goes "
            f"through http and https proxies; set {scheme.upper()}_PROXY to one, or "
            f"NO_PROXY={urlsplit(url).hostname}"
        )
    return proxy


def default_credentials() -> tuple[Any, str | None]:
    """Google Cloud's application-default credentials and their project. May ask the network.

    Raises SettingError with what to do where there are none.
    """
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    try:
        credentials, project = google.auth.default(scopes=[_SCOPE])
    except GoogleAuthError as error:
        raise SettingError(
            f"Vertex needs application-default credentials ({error}); run "
            "gcloud auth application-default login, or let GOOGLE_APPLICATION_CREDENTIALS name "
            "a key file"
        ) from None
    return credentials, project
