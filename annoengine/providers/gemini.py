"""Google's Gemini models: by a key of AI Studio, on Vertex, or through a proxy (``base_url``).

The SDK's client finds the address, the credentials and the headers; a body that is built in
advance (:mod:`annoengine.gemini_wire`) goes to its session (:mod:`annoengine.gemini_connection`).
So the SDK's retries and error classes are not met here: ``ask`` has the only loop, and
:mod:`annoengine.gemini_errors` says what an error means.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from annoengine.chat_connection import is_private, one_call
from annoengine.chat_errors import BrokenCall, MalformedReply, Rejected, classify_broken
from annoengine.errors import RecipeError, SettingError
from annoengine.gemini_connection import GeminiConnection, default_credentials
from annoengine.gemini_errors import classify_gemini_status
from annoengine.gemini_wire import GeminiDialect, gemini_body, read_gemini_reply
from annoengine.provider import Reply, Request, Retry
from annoengine.provider_options import read_options
from annoengine.redaction import without_keys
from annoengine.requirement import Requirement, key_in
from annoengine.stage import Parameters

DEFAULT_BASE_URL = "https://generativelanguage.googleapis.com"
VERTEX_BASE_URL = "https://aiplatform.googleapis.com"
KEY_ENVS = ("GOOGLE_API_KEY", "GEMINI_API_KEY")
"""Where a key is looked for, in the order in which Google's client does."""

_KEYLESS = "none"
"""Sent in place of a key where none is needed: Google's client does not do without."""

_REFUSED_IN_MODEL = ("..", "?", "&", "#", " ")
"""Google's client takes no model with one of the first three in its name."""


class VertexOptions(Parameters):
    """Which project of Google Cloud is asked, and where."""

    project: str | None = None
    """The project; None is GOOGLE_CLOUD_PROJECT, else that of the credentials."""

    location: str | None = None
    """The region, for example europe-west4; None is GOOGLE_CLOUD_LOCATION, else global."""


class GeminiOptions(Parameters):
    """What a recipe may set for a ``gemini/…`` model."""

    base_url: str | None = None
    """Address of the server, without the API's version; None is GOOGLE_GEMINI_BASE_URL (on Vertex
    GOOGLE_VERTEX_BASE_URL), else Google's own."""

    api_version: str | None = None
    """The API's version; None leaves it to Google's client (v1, on Vertex v1beta1). Some preview
    models and all names that end in -latest are known to v1beta alone."""

    vertex: VertexOptions | None = None
    """Set where the model is asked on Vertex, with application-default credentials."""

    api_key_env: str | None = None
    """Name of the environment variable that holds the key; None is GOOGLE_API_KEY, else
    GEMINI_API_KEY. A server on this machine or a private network is asked without a key where the
    variable is unset."""

    timeout_s: float = Field(default=300.0, gt=0)
    """Seconds that a call may take from its sending to the last byte of its reply."""

    max_concurrency: int = Field(default=64, ge=1)
    """How many calls may be in flight at once."""

    thinking_budget: int | None = Field(default=None, ge=-1)
    """Tokens that a model of the 2.5 series may think: 0 for none, -1 for as many as it likes."""

    thinking_level: Literal["minimal", "low", "medium", "high", "xhigh"] | None = None
    """How long a model of the 3 series or later may think."""

    safety_threshold: (
        Literal[
            "BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"
        ]
        | None
    ) = None
    """From which probability of harm on answers are blocked, in all categories that can be set;
    None is the model's own default. What Google prohibits is blocked at any setting."""

    served_as: str | None = None
    """A word for what stands behind base_url, put into the key of every call: give it where two
    servers answer differently to the same model name."""

    @model_validator(mode="after")
    def _one_way_to_think(self) -> Self:
        if self.thinking_budget is not None and self.thinking_level is not None:
            raise ValueError("set thinking_budget (2.5 series) or thinking_level (3 on), not both")
        return self


class Gemini:
    """The wire to one Gemini model.

    The key of a call names the model, not the server: AI Studio, Vertex and a proxy in between
    serve the same models. Where the server matters, ``served_as`` says so.
    """

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    KEYS: ClassVar[Mapping[str, str]] = {
        "GEMINI_API_KEY": "gemini/MODEL",
        "GOOGLE_API_KEY": "gemini/MODEL, before GEMINI_API_KEY",
    }

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        self.name = f"gemini/{model}"
        if not model.strip():
            raise RecipeError("gemini needs a model, for example gemini/gemini-2.5-flash")
        for piece in _REFUSED_IN_MODEL:
            if piece in model:
                raise RecipeError(f"{self.name} is no model: its name may not hold {piece!r}")
        self.options = chosen = _read_options(self.name, options)
        self.dialect = GeminiDialect(
            chosen.thinking_budget, chosen.thinking_level, chosen.safety_threshold
        )
        named = ("thinking_budget", "thinking_level", "safety_threshold", "served_as")
        told = {name: getattr(chosen, name) for name in named}
        self._key_extra = {name: str(value) for name, value in told.items() if value is not None}
        self._model = model
        self._connection: GeminiConnection | None = None
        self._secrets: tuple[str, ...] = ()
        self._served: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"Gemini({self.name!r}, base_url={self.base_url!r})"

    @property
    def base_url(self) -> str:
        """The server's address: the option's, else the environment's, else Google's.

        Vertex's own is that of all regions; the client puts in the region's.
        """
        on_vertex = self.options.vertex is not None
        variable = "GOOGLE_VERTEX_BASE_URL" if on_vertex else "GOOGLE_GEMINI_BASE_URL"
        given = self.options.base_url or os.environ.get(variable)
        return (given or (VERTEX_BASE_URL if on_vertex else DEFAULT_BASE_URL)).rstrip("/")

    @property
    def window(self) -> int:
        """``max_concurrency``."""
        return self.options.max_concurrency

    @property
    def _key_env(self) -> str:
        """The variable that holds the key, or the one to set where none does."""
        if self.options.api_key_env is not None:
            return self.options.api_key_env
        return next((name for name in KEY_ENVS if os.environ.get(name, "").strip()), KEY_ENVS[-1])

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """How the model thinks, its safety threshold and ``served_as``, where set."""
        return self._key_extra

    def requirements(self) -> Sequence[Requirement]:
        """Its key, unless the server is on this machine or a private network; none on Vertex,
        whose credentials may be the machine's own and are found by asking."""
        if self.options.vertex is not None or is_private(self.base_url):
            return ()
        return (key_in(self._key_env),)

    async def open(self) -> None:
        """Reads the key or the credentials and makes the client; sends no call.

        Raises SettingError for what is not set, RecipeError for an address that is none.
        """
        if self._connection is not None:
            return
        url, options = self.base_url, self.options
        _check_url(self.name, url)
        http: dict[str, Any] = {}
        if url not in (DEFAULT_BASE_URL, VERTEX_BASE_URL):
            http["base_url"] = url
        if options.api_version is not None:
            http["api_version"] = options.api_version
        if options.vertex is None:
            settings = {"vertexai": False, "api_key": self._key(url)}
        else:
            settings = await self._vertex(options.vertex)
        connection = GeminiConnection(self._model, settings, http)
        try:
            await connection.open(options.timeout_s, options.max_concurrency)
        except BrokenCall as error:
            raise SettingError(
                f"{self.name}: {self._redact(str(error))}; run gcloud auth application-default "
                "login, or try again"
            ) from None
        finally:
            self._learn_secrets(connection)
        self._connection = connection

    def _key(self, url: str) -> str:
        key = os.environ.get(self._key_env, "").strip()
        if not key and not is_private(url):
            raise SettingError(
                f"{self._key_env} is not set; export it, or use "
                "--model annotator=pixels to try the recipe without a key"
            )
        return key or _KEYLESS

    async def _vertex(self, vertex: VertexOptions) -> dict[str, Any]:
        credentials, own_project = await asyncio.to_thread(default_credentials)
        project = vertex.project or os.environ.get("GOOGLE_CLOUD_PROJECT") or own_project
        if not project:
            raise SettingError(
                f"{self.name}: the credentials name no project; set the model's option "
                "vertex: {project: …} or export GOOGLE_CLOUD_PROJECT"
            )
        location = vertex.location or os.environ.get("GOOGLE_CLOUD_LOCATION") or "global"
        return {
            "vertexai": True,
            "credentials": credentials,
            "project": project,
            "location": location,
        }

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
        connection = self._connection
        if connection is None:
            raise RuntimeError(f"{self.name} was not opened")
        try:
            reply = await one_call(connection, request, self.name, self._write, self._read)
        except (Rejected, MalformedReply, BrokenCall) as error:
            self._learn_secrets(connection)
            error.args = (self._redact(str(error)),)
            raise
        self._served[reply.model] = self._served.get(reply.model, 0) + 1
        return reply

    async def _write(self, request: Request) -> bytes:
        return await gemini_body(request, self.dialect)

    def _read(self, content: bytes, headers: Mapping[str, str]) -> Reply:
        return read_gemini_reply(content, headers, self._model)

    def _learn_secrets(self, connection: GeminiConnection) -> None:
        """Takes note of the key, or of each token that was sent so far."""
        self._secrets = tuple(s for s in connection.secrets if s != _KEYLESS)

    def _redact(self, text: str) -> str:
        return without_keys(text, self._secrets)

    def classify(self, error: Exception) -> Retry:
        """What an error of :meth:`reply` means. An error that is not of the wire is raised."""
        verdict = self._verdict(error)
        return replace(verdict, reason=self._redact(verdict.reason))

    def _verdict(self, error: Exception) -> Retry:
        if isinstance(error, Rejected):
            return self._status(error.status, error.body, error.headers)
        if isinstance(error, MalformedReply):
            if error.status is not None:
                return self._status(error.status, error.body, {})
            return Retry("again", f"no answer in the reply: {error}", "perhaps")
        if isinstance(error, BrokenCall):
            if str(error).startswith("no token"):
                return Retry("fatal" if error.hopeless else "again", str(error))
            return classify_broken(error, self.base_url)
        raise error

    def _status(self, status: int, body: Any, headers: Mapping[str, str]) -> Retry:
        key = "the credentials"
        if self.options.vertex is None:
            key = self._key_env + ("" if self._secrets else " (which is not set)")
        return classify_gemini_status(status, body, headers, self._model, self.base_url, key)

    def notes(self) -> Sequence[str]:
        """What its user should know of the calls so far, a sentence each; for once at their end.

        That the model's name is one that Google moves to other models, with the one that
        answered; that several models answered.
        """
        notes = []
        served = sorted(self._served)
        if len(served) > 1:
            notes.append(f"{self.name} was answered by {len(served)} models: {', '.join(served)}")
        if self._model.endswith("-latest"):
            note = f"{self.name} is a name that Google gives to each new model"
            own = [model for model in served if not model.endswith("-latest")]
            if own:
                note += f"; to keep to the one that answered, name gemini/{own[-1]}"
            notes.append(note)
        return notes


def _read_options(name: str, options: Mapping[str, Any]) -> GeminiOptions:
    """The options, checked. Values are quoted only where they cannot be a misplaced key."""
    read = read_options(name, options, GeminiOptions, quote=False)
    variable = read.api_key_env
    if variable is not None and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable) is None:
        raise RecipeError(
            f"{name}: 'api_key_env' takes the name of an environment variable, not a key itself; "
            "keys never stand in a recipe"
        )
    if read.vertex is not None and variable is not None:
        raise RecipeError(f"{name}: Vertex takes no key; leave 'api_key_env' or 'vertex' out")
    if read.base_url is not None:
        _check_url(name, read.base_url)
    return read


def _check_url(name: str, url: str) -> None:
    shown = without_keys(url)
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise RecipeError(f"{name}: base_url {shown!r} is no address") from None
    if parts.username is not None or parts.password is not None:
        raise RecipeError(f"{name}: base_url holds a user or password; use api_key_env instead")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecipeError(
            f"{name}: base_url {shown!r} is no address; one looks like {DEFAULT_BASE_URL}"
        )
    if parts.query or parts.fragment:
        raise RecipeError(
            f"{name}: base_url ends before the '?'; a key goes into the variable that "
            "api_key_env names"
        )
    if re.fullmatch(r"/v\d+((alpha|beta)\d*)?", parts.path.rstrip("/")):
        raise RecipeError(
            f"{name}: base_url ends before {parts.path.rstrip('/')!r}, which goes into api_version"
        )
