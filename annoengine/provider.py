"""A provider: the wire to a model. It translates and classifies; it decides nothing.

Journals, budgets, limits and retries live in ``annoengine.ask``; a provider turns a
:class:`Request` into one call and the answer into a :class:`Reply`. Kinds live in
``annoengine/providers/``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict

from annoengine.fingerprint import fingerprint, sha256_hex
from annoengine.record import DrawnImage, Photo, Record

if TYPE_CHECKING:
    from annoengine.mask import RecordFiles

Result = TypeVar("Result")

Outcome = Literal["answer", "refusal", "filtered", "truncated", "empty", "gave_up"]
"""What became of a request. Everything but ``answer`` is a bad outcome that a retry redoes."""


class TextPart(BaseModel):
    """Words of a message."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: str


class ImagePart(BaseModel):
    """A picture of a message, by reference; its bytes are loaded only when it is sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    image: DrawnImage | Photo


class Message(BaseModel):
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    role: Literal["system", "user", "assistant"]
    parts: tuple[TextPart | ImagePart, ...]


class Sampling(BaseModel):
    """How the model draws its words; what is None is left to the provider's default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    detail: Literal["low", "high", "auto"] | None = None


@dataclass(frozen=True)
class Context:
    """What a provider that computes may look at; it never goes over a wire.

    ``marks`` are the numbers asked for; ``grammar`` the registered name of the answer grammar
    in which to reply; ``files`` opens the record's photograph and masks, also in another
    process; ``compute`` runs a picklable function in the CPU pool. ``wants``: each mark described
    and what goes on between them; only what goes on between marks of different drawings; one
    paragraph made of the record's region captions, whose numbers ``marks`` are then; the name of
    one segment, whose id ``marks`` holds; which of the marks the text ``about`` means; one caption
    of the whole image that names segments with their boxes, whose ids ``marks`` are then; or, of
    such segments, the boxes, the tags of boxes that are told, or those that are not told (``about``
    has the grid of the boxes and what is told: ``annoengine.pancap.chain_baseline``).
    """

    record: Record
    marks: tuple[int, ...]
    grammar: str
    files: RecordFiles
    compute: Callable[..., Awaitable[Any]]
    wants: Literal[
        "objects",
        "interactions",
        "paragraph",
        "name",
        "choice",
        "scene",
        "boxes",
        "tags",
        "missing",
    ] = "objects"
    about: str = ""


ImageLoader = Callable[[DrawnImage | Photo], Awaitable[bytes]]


@dataclass(frozen=True)
class Request:
    """What is asked of a model.

    ``model`` is a role of the recipe (``annotator``); ``ask`` finds the provider behind it.
    ``context``, ``load`` and ``place`` (record and turn) are the runner's and in no key.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: Mapping[str, Any] | None = None
    context: Context | None = None
    load: ImageLoader | None = field(default=None, compare=False)
    place: tuple[str, str] | None = field(default=None, compare=False)

    def images(self) -> tuple[DrawnImage | Photo, ...]:
        """The pictures of all messages, in order."""
        return tuple(
            part.image for m in self.messages for part in m.parts if isinstance(part, ImagePart)
        )

    def of(self, place: tuple[str, str], load: ImageLoader) -> Request:
        """The request of a record and turn, whose pictures are loaded so."""
        # Half of what dataclasses.replace takes, and every call is one.
        made = object.__new__(Request)
        made.__dict__.update(self.__dict__, place=place, load=load)
        return made

    async def image_bytes(self, image: DrawnImage | Photo) -> bytes:
        """The bytes of one of its pictures, exactly those that its sha256 names."""
        if self.load is None:
            raise RuntimeError("the request has no image loader: it was not sent through ask")
        data = await self.load(image)
        if sha256_hex(data) != image.sha256:
            raise ValueError(f"{image.file} is not the picture that the record names")
        return data

    def content(self) -> dict[str, Any]:
        """All of the request that may change the answer, as JSON-like data; pictures by hash."""
        return {
            "messages": [
                {
                    "role": m.role,
                    "parts": [
                        {"text": p.text}
                        if isinstance(p, TextPart)
                        else {"image_sha256": p.image.sha256}
                        for p in m.parts
                    ],
                }
                for m in self.messages
            ],
            "sampling": {k: v for k, v in self.sampling if v is not None},
            "schema": dict(self.schema) if self.schema is not None else None,
        }

    def key(self, provider: str, extra: Mapping[str, str]) -> str:
        """The content key of this request to ``provider`` (``openai/gpt-4o``).

        ``extra`` is :meth:`Provider.key_extra`: whatever else may change the answer.
        """
        return content_key(provider, extra, self.content())


def content_key(provider: str, extra: Mapping[str, str], content: Mapping[str, Any]) -> str:
    """The key of a request whose :meth:`Request.content` is already made."""
    return fingerprint({"provider": provider, "extra": dict(extra), **content})


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as the provider counted them; None where it did not say."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_input_tokens: int | None = None


@dataclass(frozen=True)
class Announced:
    """What a server says it allows this account a minute; None where it does not say.

    A bound from above and no more: gateways announce what they please.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None


@dataclass(frozen=True)
class Reply:
    """What came back. ``ask`` adds ``key``, ``turn`` and ``tries``; a provider leaves them.

    ``announced`` is for the limits alone and reaches no journal.
    """

    text: str
    outcome: Outcome
    model: str
    detail: str = ""
    usage: Usage = Usage()
    request_id: str = ""
    announced: Announced | None = None
    key: str = ""
    turn: str = ""
    tries: int = 1

    def of(self, key: str, turn: str, tries: int) -> Reply:
        """The reply of a call."""
        made = object.__new__(Reply)  # see Request.of
        made.__dict__.update(self.__dict__, key=key, turn=turn, tries=tries)
        return made


@dataclass(frozen=True)
class Retry:
    """What an error means.

    ``action``: ``again`` (passing trouble), ``slow_down`` (the server limits us), ``never``
    (this request will not succeed), ``fatal`` (no request of this provider will).
    ``paid``: may the failed call have been charged? ``perhaps`` for a call whose reply did not
    arrive whole. ``after_s``: how long the server asked us to wait. ``outcome`` is set where the
    error is in truth an answer (a content filter that speaks by status 400). ``announced`` are
    the limits that the server told with it.
    """

    action: Literal["again", "slow_down", "never", "fatal"]
    reason: str
    paid: Literal["no", "perhaps"] = "no"
    after_s: float | None = None
    outcome: Outcome | None = None
    announced: Announced | None = None


class Provider(Protocol):
    """The wire to one model. Built from the model's name and the recipe's options.

    ``VERSION`` goes up where its own code changes what it answers (a provider that computes).
    ``BATCH`` providers also submit and collect waves and are asked through an outbox. A provider
    may have more: ``FREE`` (True: no call is paid for), ``base_url`` (the server's address),
    ``find_key(request, content)`` (the key of a call, where it knows better), ``stands_for(role)``
    (the model whose answers it gives), ``notes()`` (sentences for the person who watches), ``tell``
    (where the run puts what takes such sentences at once, for a provider that is long in opening).
    """

    VERSION: ClassVar[int]
    BATCH: ClassVar[bool]
    name: str
    """provider/model, as the recipe writes it: ``openai/gpt-4o``."""

    @property
    def window(self) -> int:
        """How many requests it wants in flight."""
        ...

    async def open(self) -> None:
        """Connects, loads weights, checks the key. Raises SettingError with what to do."""
        ...

    async def close(self) -> None:
        """Lets go of everything; may be called twice."""
        ...

    async def reply(self, request: Request) -> Reply:
        """One call. Raises the wire's own errors, for :meth:`classify`."""
        ...

    def classify(self, error: Exception) -> Retry:
        """What an error raised by :meth:`reply` means."""
        ...

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """What else may change the answer (weights' hash, own version, masks' hash)."""
        ...


class BatchProvider(Provider, Protocol):
    """A provider whose answers come in waves, perhaps hours later, perhaps to another process."""

    async def submit(self, requests: Mapping[str, Request]) -> str:
        """Sends a wave of requests by name; gives the wave's id, which outlives the process."""
        ...

    async def collect(self, wave: str) -> Mapping[str, Reply]:
        """Waits for a wave and gives a reply by each name; a name left out is a lost call."""
        ...


class EmbeddingProvider(Provider, Protocol):
    """A provider that also turns texts and pictures into vectors."""

    async def embed(self, items: Sequence[str | bytes]) -> np.ndarray:
        """float32 (items, dimensions): a vector for each text (str) or encoded picture (bytes)."""
        ...
