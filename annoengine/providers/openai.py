"""OpenAI's chat models, Azure's, and any server that speaks chat completions (``base_url``).

The SDK's client finds the address, the credentials and the headers; a body that is built in
advance (:mod:`annoengine.chat_wire`) goes there over a session of our own
(:mod:`annoengine.chat_connection`), not through its ``create``: 0.5 of bare aiohttp's throughput
with that. So the SDK's retries and error classes are not met here:
``ask`` has the only loop, and :mod:`annoengine.chat_errors` says what an error means.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field

from annoengine.chat_connection import ChatConnection, http_client_for, is_private, one_call
from annoengine.chat_errors import (
    BrokenCall,
    MalformedReply,
    Rejected,
    classify_broken,
    classify_status,
)
from annoengine.chat_wire import ChatDialect, chat_body, is_reasoning_model, read_chat_reply
from annoengine.errors import RecipeError, SettingError
from annoengine.fingerprint import canonical_json
from annoengine.provider import Reply, Request, Retry
from annoengine.provider_options import read_options
from annoengine.redaction import without_keys
from annoengine.requirement import Requirement, key_in
from annoengine.stage import Parameters
from annoengine.strict_schema import strict_fault

DEFAULT_BASE_URL = "https://api.openai.com/v1"
DEFAULT_KEY_ENV = "OPENAI_API_KEY"
AZURE_KEY_ENV = "AZURE_OPENAI_API_KEY"

_V1 = {None, "v1", "latest", "preview"}
"""Azure's versions that are the v1 endpoint. Source: Microsoft, "Azure OpenAI v1 API"."""

_OWNED = re.compile(r"(?:.*/)?(?:gpt-\d|o\d)", re.IGNORECASE)
_DATED = re.compile(r"-\d{4}-\d\d-\d\d(?!\d)|-(?:0[1-9]|1[0-2])\d\d(?!\d)|^(?:.*/)?ft:")
_SET_BY_STAGES = {
    "model", "messages", "stream", "n", "temperature", "top_p", "max_tokens",
    "max_completion_tokens", "seed", "response_format", "reasoning_effort", "verbosity",
}  # fmt: skip


class AzureOptions(Parameters):
    """Where a model is deployed on Azure; ``{}`` is its v1 endpoint."""

    deployment: str | None = None
    """Name of the deployment; None is the model's name."""

    api_version: str | None = None
    """A dated version (2024-10-21) for the older endpoint; None is the v1 endpoint."""


class OpenaiOptions(Parameters):
    """What a recipe may set for an ``openai/…`` model."""

    base_url: str | None = None
    """Address of the server, up to and with /v1; None is OPENAI_BASE_URL, else OpenAI's own. On
    Azure: that of the resource; None is AZURE_OPENAI_ENDPOINT."""

    azure: AzureOptions | None = None
    """Set where the model is one of Azure's."""

    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None is OPENAI_API_KEY, or on Azure
    AZURE_OPENAI_API_KEY. A server on this machine or a private network is asked without a key
    where the variable is unset."""

    timeout_s: float = Field(default=300.0, gt=0)
    """Seconds that a call may take from its sending to the last byte of its reply."""

    max_concurrency: int = Field(default=64, ge=1)
    """How many calls may be in flight at once."""

    organization: str | None = None
    """The organisation that is charged; None leaves it to the key."""

    reasoning: bool | None = None
    """Whether the model takes max_completion_tokens, and neither temperature nor top_p; None
    tells it by the model's name (o1 and later, gpt-5 and later)."""

    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    """How long a reasoning model may think; None is its own default."""

    verbosity: Literal["low", "medium", "high"] | None = None
    """How much a gpt-5 model writes; None is its own default."""

    extra_body: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request's body, for servers that know more than OpenAI's, for example
    ``{chat_template_kwargs: {enable_thinking: false}}``."""

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
    KEYS: ClassVar[Mapping[str, str]] = {
        DEFAULT_KEY_ENV: "openai/MODEL",
        AZURE_KEY_ENV: "openai/MODEL on Azure",
    }

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        self.name = f"openai/{model}"
        if not model.strip():
            raise RecipeError("openai needs a model, for example openai/gpt-4o")
        self.options = chosen = _read_options(self.name, options)
        by_name = is_reasoning_model(model)
        reasoning = by_name if chosen.reasoning is None else chosen.reasoning
        told = {"reasoning_effort": chosen.reasoning_effort, "verbosity": chosen.verbosity}
        extra = {name: value for name, value in told.items() if value} | chosen.extra_body
        deployment = chosen.azure.deployment if chosen.azure else None
        self.dialect = ChatDialect(deployment or model, reasoning, tuple(extra.items()))
        self._key_extra = {
            name: value if isinstance(value, str) else canonical_json(value).decode()
            for name, value in extra.items()
        }
        if chosen.served_as:
            self._key_extra["served_as"] = chosen.served_as
        if reasoning != by_name:
            self._key_extra["reasoning"] = str(reasoning).lower()
        self._model = model
        self._key_env = chosen.api_key_env or (AZURE_KEY_ENV if chosen.azure else DEFAULT_KEY_ENV)
        self._connection: ChatConnection | None = None
        self._secrets: tuple[str, ...] = ()
        self._served: set[str] = set()
        self._remarks: dict[str, None] = {}

    def __repr__(self) -> str:
        return f"Openai({self.name!r}, base_url={self.base_url!r})"

    @property
    def base_url(self) -> str:
        """The server's address: the option's, else the environment's, else OpenAI's."""
        azure, given = self.options.azure, self.options.base_url
        if azure is None:
            url = given or os.environ.get("OPENAI_BASE_URL") or DEFAULT_BASE_URL
            return url.rstrip("/")
        resource = given or os.environ.get("AZURE_OPENAI_ENDPOINT") or ""
        resource = re.sub(r"/openai(/.*)?$", "", resource.rstrip("/"))
        if azure.api_version in _V1:
            return f"{resource}/openai/v1"
        return f"{resource}/openai/deployments/{self.dialect.model}"

    @property
    def window(self) -> int:
        """``max_concurrency``."""
        return self.options.max_concurrency

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """Options that change answers, where set; an overruled ``reasoning``; ``served_as``."""
        return self._key_extra

    def requirements(self) -> Sequence[Requirement]:
        """Its key, unless the server is on this machine or a private network."""
        return () if is_private(self.base_url) else (key_in(self._key_env),)

    async def open(self) -> None:
        """Reads the key and makes the client; sends nothing.

        Raises SettingError for a key that is not set, RecipeError for an address that is none.
        """
        if self._connection is not None:
            return
        url, options = self.base_url, self.options
        if options.azure is not None and url.startswith("/"):
            raise RecipeError(
                f"{self.name}: azure needs the address of the resource in base_url or in "
                "AZURE_OPENAI_ENDPOINT; one looks like https://NAME.openai.azure.com"
            )
        _check_url(self.name, url)
        key = os.environ.get(self._key_env, "").strip()
        if not key and not is_private(url):
            raise SettingError(
                f"{self._key_env} is not set; export it, or use "
                "--model annotator=pixels to try the recipe without a key"
            )
        self._secrets = (key,) if key else ()
        import openai

        http_client = http_client_for(openai, url, options.timeout_s, options.max_concurrency)
        settings: dict[str, Any] = {
            "api_key": key or "none",
            "organization": options.organization,
            "max_retries": 0,
            "http_client": http_client,
        }
        client: openai.AsyncOpenAI
        if options.azure is None:
            client = openai.AsyncOpenAI(base_url=url, **settings)
        elif options.azure.api_version in _V1:
            settings["default_headers"] = {"api-key": settings["api_key"]}
            if options.azure.api_version == "preview":
                settings["default_query"] = {"api-version": "preview"}
            client = openai.AsyncOpenAI(base_url=url, **settings)
        else:
            # With the deployment in the address: the SDK finds it in a body of its own alone.
            client = openai.AsyncAzureOpenAI(
                azure_endpoint=url.partition("/openai/deployments/")[0],
                azure_deployment=self.dialect.model,
                api_version=options.azure.api_version,
                **settings,
            )
        key_header = "authorization" if options.azure is None else "api-key"
        self._connection = ChatConnection(
            openai, client, http_client, options.timeout_s, options.max_concurrency, key_header
        )

    async def close(self) -> None:
        """Closes the connections; may be called twice, and ``open`` may follow."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def reply(self, request: Request) -> Reply:
        """One call. Raises Rejected, MalformedReply or BrokenCall, their texts free of keys.

        The body is built once for a request, however often it is tried, and let go with the
        reply.
        """
        if self._connection is None:
            raise RuntimeError(f"{self.name} was not opened")
        try:
            reply = await one_call(self._connection, request, self.name, self._write, self._read)
        except (Rejected, MalformedReply, BrokenCall) as error:
            error.args = (without_keys(str(error), self._secrets),)
            raise
        self._served.add(reply.model)
        return reply

    async def _write(self, request: Request) -> bytes:
        body = await chat_body(request, self.dialect)
        self._remark(request)
        return body

    def _read(self, content: bytes, headers: Mapping[str, str]) -> Reply:
        return read_chat_reply(content, headers, self._model)

    def classify(self, error: Exception) -> Retry:
        """What an error of :meth:`reply` means. An error that is not of the wire is raised."""
        verdict = self._verdict(error)
        return replace(verdict, reason=without_keys(verdict.reason, self._secrets))

    def _verdict(self, error: Exception) -> Retry:
        if isinstance(error, Rejected):
            return self._status(error.status, error.body, error.headers)
        if isinstance(error, MalformedReply):
            if error.body is not None:
                return self._status(error.status or 200, error.body, {})
            return Retry("again", f"no answer in the reply: {error}", "perhaps")
        if isinstance(error, BrokenCall):
            return classify_broken(error, self.base_url)
        raise error

    def _status(self, status: int, body: Any, headers: Mapping[str, str]) -> Retry:
        key = self._key_env + ("" if self._secrets else " (which is not set)")
        return classify_status(status, body, headers, self._model, self.base_url, key)

    def notes(self) -> Sequence[str]:
        """What its user should know of the calls so far, a sentence each; for once at their end.

        That the model's name is one that its owner moves to other models, with the dated name
        that answered; that several models answered; what a stage asked for and was not sent.
        """
        notes = []
        served = sorted(self._served)
        if len(served) > 1:
            notes.append(f"{self.name} was answered by {len(served)} models: {', '.join(served)}")
        moves = _OWNED.match(self._model) or self._model.endswith("latest")
        if moves and not _DATED.search(self._model) and not is_private(self.base_url):
            note = f"{self.name} is a name that its owner may give to another model at any time"
            dated = [model for model in served if _DATED.search(model)]
            if dated and self.options.azure is None:
                note += f"; to keep to the one that answered, name openai/{dated[-1]}"
            elif dated:
                note += f"; this time {dated[-1]} answered"
            notes.append(note)
        return [*notes, *self._remarks]

    def _remark(self, request: Request) -> None:
        """Keeps what a request asks for and this model is not sent, or not held to."""
        for name in self.dialect.unsent(request.sampling):
            self._remarks[f"{self.name} takes no {name}: what the stage sets is not sent"] = None
        if request.schema is not None and (fault := strict_fault(request.schema)):
            self._remarks[f"{self.name} is not held strictly to its answers' schema: {fault}"] = (
                None
            )


def _read_options(name: str, options: Mapping[str, Any]) -> OpenaiOptions:
    """The options, checked. Values are quoted only where they cannot be a misplaced key."""
    read = read_options(name, options, OpenaiOptions, quote=False)
    variable = read.api_key_env
    if variable is not None and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable) is None:
        raise RecipeError(
            f"{name}: 'api_key_env' takes the name of an environment variable, not a key itself; "
            "keys never stand in a recipe"
        )
    for field in sorted(_SET_BY_STAGES & read.extra_body.keys()):
        raise RecipeError(f"{name}: extra_body may not hold {field!r}, which is set elsewhere")
    if read.base_url is not None:
        _check_url(name, read.base_url)
    return read


def _check_url(name: str, url: str) -> None:
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
    if parts.path.rstrip("/").endswith("/chat/completions"):
        raise RecipeError(f"{name}: base_url ends before /chat/completions, on most servers in /v1")
    if parts.query or parts.fragment:
        raise RecipeError(
            f"{name}: base_url ends before the '?'; Azure's version goes into "
            "azure: {api_version: …}"
        )
