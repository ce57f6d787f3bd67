"""OpenAI's chat models, and any server that speaks chat completions (``base_url``).

The SDK's client finds the address, the credentials and the headers, and its HTTP client on
aiohttp carries the calls; but a call goes to that HTTP client as a request built in advance
(:mod:`annoengine.chat_wire`), not through the SDK's ``create`` or ``post``. Their building of
options, headers and types costs more than all the rest: 0.5 of bare aiohttp's throughput with
``post``, 0.8 to 0.9 without (``tests/benchmarks/bare_client.py``). So the SDK's retries and error
classes are not met here: ``ask`` has the only loop, and whether a failed call may have been paid
is told by the innermost cause of its error, since the layers above report a refused connection
and a reply cut short alike.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from annoengine.chat_wire import (
    BrokenCall,
    ChatDialect,
    MalformedReply,
    Rejected,
    chat_body,
    classify_status,
    is_reasoning_model,
    read_chat_reply,
    without_keys,
)
from annoengine.errors import RecipeError, SettingError
from annoengine.provider import Reply, Request, Retry
from annoengine.registry import did_you_mean
from annoengine.requirement import Requirement, key_in
from annoengine.stage import Parameters

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_KEY_ENV = "OPENAI_API_KEY"

_CONNECT_S = 10.0
_KEEP_ALIVE_S = 3.0
"""Shorter than the 5 s after which uvicorn (vLLM) and node close an idle connection: a call
that is sent into the closing one breaks, and nobody knows whether it was charged."""

_LARGE_BODY_BYTES = 1 << 20
_SLICE_BYTES = 1 << 18
"""A larger body is handed over in slices: in one piece it would hold up every other call, and
aiohttp warns of it."""

_NEVER_SENT = {"ClientConnectorError", "ConnectionTimeoutError", "ClientHttpProxyError"}
_NEVER_SENT_HTTPX = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"}
"""Classes by name: of aiohttp, and of httpx where it carries the call by itself. Under aiohttp
httpx's own classes say nothing: ``ConnectTimeout`` stands for every broken connection."""

_OF_THE_WIRE = {"ClientError", "RequestError", "SSLError", "EndOfStream"}
_UNTRUSTED = {"ClientConnectorCertificateError", "SSLCertVerificationError"}


class OpenaiOptions(Parameters):
    """What a recipe may set for an ``openai/…`` model."""

    base_url: str | None = None
    """Address of the server, up to and with /v1; None is OPENAI_BASE_URL, else OpenAI's own."""

    api_key_env: str = DEFAULT_KEY_ENV
    """Name of the environment variable that holds the key. A server on this machine or a private
    network is asked without a key where the variable is unset."""

    timeout_s: float = Field(default=300.0, gt=0)
    """Seconds that a call may take from its sending to the last byte of its reply."""

    max_concurrency: int = Field(default=64, ge=1)
    """How many calls may be in flight at once."""

    organization: str | None = None
    """The organisation that is charged; None leaves it to the key."""

    reasoning: bool | None = None
    """Whether the model takes max_completion_tokens, and neither temperature nor top_p; None
    tells it by the model's name (o1, o3, o4, gpt-5)."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    """How long a reasoning model may think; None is its own default."""

    served_as: str | None = None
    """A word for what stands behind base_url (``qwen2.5-vl-7b-awq``), put into the key of every
    call: give it where two servers answer differently to the same model name."""


class Openai:
    """The wire to one chat model.

    The key of a call names the model, not the server: a local server that moves to another
    port, or a proxy put in between, must not make paid answers stale. Where the server matters,
    ``served_as`` says so.
    """

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    KEYS: ClassVar[Mapping[str, str]] = {DEFAULT_KEY_ENV: "openai/MODEL"}

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        self.name = f"openai/{model}"
        if not model.strip():
            raise RecipeError("openai needs a model, for example openai/gpt-4o")
        self.options = _read_options(self.name, options)
        by_name = is_reasoning_model(model)
        reasoning = by_name if self.options.reasoning is None else self.options.reasoning
        effort = self.options.reasoning_effort
        self.dialect = ChatDialect(
            model, reasoning, (("reasoning_effort", effort),) if effort else ()
        )
        extra = {"reasoning_effort": effort, "served_as": self.options.served_as}
        if reasoning != by_name:
            extra["reasoning"] = str(reasoning).lower()
        self._key_extra = {name: value for name, value in extra.items() if value}
        self._model = model
        self._client: AsyncOpenAI | None = None
        self._send: _Send | None = None
        self._secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Openai({self.name!r}, base_url={self.base_url!r})"

    @property
    def base_url(self) -> str:
        """The server's address: the option, else OPENAI_BASE_URL, else OpenAI's."""
        url = self.options.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
        return url.rstrip("/")

    @property
    def window(self) -> int:
        """``max_concurrency``."""
        return self.options.max_concurrency

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """``reasoning_effort``, ``served_as`` and an overruled ``reasoning``, where set."""
        return self._key_extra

    def requirements(self) -> Sequence[Requirement]:
        """Its key, unless the server is on this machine or a private network."""
        return () if _is_private(self.base_url) else (key_in(self.options.api_key_env),)

    async def open(self) -> None:
        """Reads the key and makes the client; sends nothing.

        Raises SettingError for a key that is not set, RecipeError for an address that is none.
        """
        if self._client is not None:
            return
        url = _checked_url(self.name, self.base_url)
        key = os.environ.get(self.options.api_key_env, "").strip()
        if not key and not _is_private(url):
            raise SettingError(
                f"{self.options.api_key_env} is not set; export it, or use "
                "--model annotator=pixels to try the recipe without a key"
            )
        self._secrets = (key,) if key else ()
        import openai

        httpx = _httpx_of(openai)
        timeout = httpx.Timeout(
            self.options.timeout_s,
            connect=min(_CONNECT_S, self.options.timeout_s / 2),  # before ours: it was never sent
            pool=None,
        )
        settings: dict[str, Any] = {
            "timeout": timeout,
            "limits": httpx.Limits(
                max_connections=self.options.max_concurrency,
                max_keepalive_connections=self.options.max_concurrency,
                keepalive_expiry=_KEEP_ALIVE_S,
            ),
            "follow_redirects": False,  # a redirected POST comes back as a GET, and takes the key
        }
        try:
            http_client = openai.DefaultAioHttpClient(**settings)
        except RuntimeError:  # openai 2 without its "aiohttp" extra: slower, as sound
            http_client = openai.DefaultAsyncHttpxClient(**settings)
        self._client = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=url,
            organization=self.options.organization,
            max_retries=0,
            http_client=http_client,
        )
        headers = {**self._client.auth_headers, **self._client.default_headers}
        self._send = _Send(
            http_client,
            httpx.Request,
            httpx.URL(f"{url}/chat/completions"),
            httpx.Headers({k: v for k, v in headers.items() if isinstance(v, str)}),
            {"timeout": timeout.as_dict()},
        )

    async def close(self) -> None:
        """Closes the connections; may be called twice, and ``open`` may follow."""
        client, self._client, self._send = self._client, None, None
        if client is not None:
            await client.close()

    async def reply(self, request: Request) -> Reply:
        """One call. Raises Rejected, MalformedReply or BrokenCall, their texts free of keys.

        The body is built once for a request, however often it is tried, and let go with the
        reply.
        """
        send = self._send
        if send is None:
            raise RuntimeError(f"{self.name} was not opened")
        # A request is frozen as to its fields; like functools.cached_property, this is none.
        kept: dict[str, Any] = request.__dict__
        slot = f"body for {self.name}"
        body = kept.get(slot)
        if body is None:
            body = kept[slot] = await chat_body(request, self.dialect)
        try:
            status, headers, content = await self._within_time(send, body)
            if status != 200:
                raise Rejected(status, content, headers)
            reply = read_chat_reply(content, headers, self._model)
        except (Rejected, MalformedReply, BrokenCall) as error:
            error.args = (without_keys(str(error), self._secrets),)
            raise
        del kept[slot]
        return reply

    async def _within_time(self, send: _Send, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content of a whole reply. Raises BrokenCall where there is none."""
        try:
            async with asyncio.timeout(self.options.timeout_s):
                return await send(body)
        except TimeoutError:
            problem = f"no whole reply in {self.options.timeout_s:g} s"
            raise BrokenCall(problem, sent=True) from None
        except Exception as error:
            causes = _causes(error)
            names = {kind.__name__ for cause in causes for kind in type(cause).__mro__}
            if not names & _OF_THE_WIRE:
                raise
            inner = next((c for c in causes[::-1] if str(c)), error)
            problem = f"{type(inner).__name__}: {inner}"
            if names & _UNTRUSTED:
                raise BrokenCall(problem, sent=False, hopeless=True) from error
            on_aiohttp = "ClientError" in names
            never = names & (_NEVER_SENT if on_aiohttp else _NEVER_SENT_HTTPX)
            raise BrokenCall(problem, sent=not never) from error

    def classify(self, error: Exception) -> Retry:
        """What an error of :meth:`reply` means. An error that is not of the wire is raised."""
        verdict = self._verdict(error)
        return replace(verdict, reason=without_keys(verdict.reason, self._secrets))

    def _verdict(self, error: Exception) -> Retry:
        if isinstance(error, Rejected):
            return self._status(error.status, error.body, error.headers)
        if isinstance(error, MalformedReply):
            if error.status is not None:
                return self._status(error.status, error.body, {})
            return Retry("again", f"no answer in the reply: {error}", "perhaps")
        if isinstance(error, BrokenCall):
            if error.sent:
                return Retry("again", f"no whole reply: {error}", "perhaps")
            if error.hopeless:
                return Retry("fatal", f"the certificate of {self.base_url} is no good: {error}")
            return Retry("again", f"no connection to {self.base_url}: {error}")
        raise error

    def _status(self, status: int, body: Any, headers: Mapping[str, str]) -> Retry:
        key = self.options.api_key_env + ("" if self._secrets else " (which is not set)")
        return classify_status(status, body, headers, self._model, self.base_url, key)


@dataclass(frozen=True)
class _Send:
    """Carries one body to the server over the SDK's HTTP client."""

    client: Any
    request_type: Any
    url: Any
    headers: Any = field(repr=False)
    extensions: Mapping[str, Any]

    async def __call__(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        headers = self.headers
        content: bytes | AsyncIterator[bytes] = body
        if len(body) > _LARGE_BODY_BYTES:
            headers = {**headers, "Content-Length": str(len(body))}
            content = _slices(body)
        response = await self.client.send(
            self.request_type(
                "POST", self.url, headers=headers, content=content, extensions=self.extensions
            )
        )
        return response.status_code, response.headers, response.content


def _read_options(name: str, options: Mapping[str, Any]) -> OpenaiOptions:
    """The options, checked. Values are quoted only where they cannot be a misplaced key."""
    known = OpenaiOptions.model_fields
    for key in options:
        if key not in known:
            raise RecipeError(f"{name} has no option {key!r}.{did_you_mean(key, known)}")
    try:
        read = OpenaiOptions.model_validate(dict(options))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RecipeError(f"{name}: the option {where!r} is wrong: {first['msg']}") from None
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", read.api_key_env) is None:
        raise RecipeError(
            f"{name}: 'api_key_env' takes the name of an environment variable, not a key itself; "
            "keys never stand in a recipe"
        )
    if read.base_url is not None:
        _checked_url(name, read.base_url)
    return read


def _checked_url(name: str, url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise RecipeError(f"{name}: base_url {without_keys(url)!r} is no address") from None
    if parts.username is not None or parts.password is not None:
        raise RecipeError(f"{name}: base_url holds a user or password; use api_key_env instead")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError(
            f"{name}: base_url {without_keys(url)!r} is no address; "
            "one looks like http://localhost:8000/v1"
        )
    return url


def _is_private(url: str) -> bool:
    """Whether an address is on this machine or a private network.

    >>> [_is_private(f"http://{h}/v1") for h in ("localhost:8000", "10.0.0.7", "[::1]", "vllm")]
    [True, True, True, True]
    >>> _is_private("https://api.openai.com/v1")
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


async def _slices(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _SLICE_BYTES):
        yield body[start : start + _SLICE_BYTES]
