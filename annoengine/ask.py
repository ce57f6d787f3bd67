"""The one door to a model: the journal's answer, or a call; then the next model, if need be.

A stage asks and gets a reply; whether it came from the journal, the first try or the fifth, from
the first model of the role or the second, is not its business (the reply says). ``ask`` never
parses: a reply is in the journal, raw, before a stage sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

from annoengine.door import Door
from annoengine.errors import Waiting
from annoengine.fingerprint import sha256_hex
from annoengine.journal import Journal
from annoengine.mask import RecordFiles
from annoengine.model_chain import FIRST, Course, Model, Variant
from annoengine.provider import Context, Provider, Reply, Request, content_key
from annoengine.record import Caption, DrawnImage, Photo, Record, Score
from annoengine.sending import Call, Sending
from annoengine.shard import DroppedCaption
from annoengine.vectors import Vectors, vector_key

Result = TypeVar("Result")

Mode = Literal["run", "replay", "count"]
"""``run`` asks what is missing; ``replay`` and ``count`` raise NewCall instead of asking."""


class NewCall(Exception):
    """In the modes that send nothing: this turn is not in the journal.

    ``request`` and ``model`` are what would have been asked of whom; None for vectors.
    """

    def __init__(
        self, where: str, request: Request | None = None, model: Model | None = None
    ) -> None:
        super().__init__(where)
        self.request = request
        self.model = model


def key_of(provider: Provider, request: Request, content: Mapping[str, Any]) -> str:
    """The content key of a request: the provider's own where it knows better (a replay)."""
    find_key = getattr(provider, "find_key", None)
    if find_key is not None:
        found: str = find_key(request, content)
        return found
    return content_key(provider.name, provider.key_extra(request), content)


@dataclass
class StepDoor:
    """What the records of one step share: the journal, pictures and vectors of the shard."""

    door: Door
    stage: str
    journal: Journal | None
    read_image: Callable[[Record, RecordFiles, DrawnImage | Photo], Awaitable[bytes]]
    vectors: Callable[[str], Vectors]
    mode: Mode = "run"
    outbox: dict[tuple[str, str, str], Call] = field(default_factory=dict)
    on_call: Callable[[Reply, bool, float | None], None] | None = None
    """Takes a reply, whether it was replayed, and what it cost in USD where that is known."""

    @property
    def calls(self) -> Journal:
        """The journal of the step; a stage that asks must name its roles."""
        if self.journal is None:
            raise AssertionError(f"the stage {self.stage} asks a model and names no role")
        return self.journal


class RecordAsk:
    """The door as one record's stage sees it; see :class:`annoengine.stage.Ask`."""

    def __init__(
        self, record: Record, files: RecordFiles, step: StepDoor, variant: Variant = FIRST
    ) -> None:
        self.record = record
        self.files = files
        self.variant = variant
        self.drawn: dict[str, bytes] = {}
        self.aside: list[DroppedCaption] = []
        self._step = step
        self._turns: set[str] = set()

    async def __call__(self, request: Request, turn: str) -> Reply:
        """The reply of a call. Raises RunStopped, Waiting, NewCall; RecordFailed is the stage's."""
        if turn in self._turns:
            raise AssertionError(f"{self.record.id}: the turn {turn!r} was asked twice")
        self._turns.add(turn)
        course = Course(self._step.door.role(request.model), request, self.variant)
        while True:
            reply = await self._outcome(course, turn)
            if not course.goes_on(reply.outcome):
                return reply

    async def _outcome(self, course: Course, turn: str) -> Reply:
        """What became of one request to one model, now or earlier."""
        step, provider = self._step, course.provider
        request = course.request.of((self.record.id, turn), self._load)
        content = request.content()
        key = key_of(provider, request, content)
        journal = step.calls
        reply = journal.find(self.record.id, turn, key)
        if reply is not None:
            if step.on_call:
                step.on_call(reply, True, None)
            return reply
        if step.mode != "run":
            raise NewCall(f"{self.record.id}: {turn}", request, course.model)
        call = Call(self.record.id, turn, key, request, content, provider, course.model)
        if provider.BATCH:
            if journal.last_try(self.record.id, turn, key) >= step.door.policy.tries:
                return Sending(step.door, journal, call).gave_up("lost in every wave")
            step.outbox[(self.record.id, turn, key)] = call
            raise Waiting(f"{self.record.id}: {turn} waits for a batch")
        sent = await Sending(step.door, journal, call).outcome()
        await journal.durable()
        if step.on_call:
            step.on_call(sent.reply, False, sent.usd)
        return sent.reply

    async def all(self, requests: Sequence[tuple[Request, str]]) -> list[Reply]:
        """Several turns at once. The first error is raised when all of them have ended."""
        results = await asyncio.gather(
            *(self(request, turn) for request, turn in requests), return_exceptions=True
        )
        replies: list[Reply] = []
        for result in results:
            if isinstance(result, BaseException):
                raise result
            replies.append(result)
        return replies

    async def compute(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """The function in the CPU pool."""
        return await self._step.door.pool.run(function, *arguments)

    async def embed(self, items: Sequence[str | bytes], model: str) -> np.ndarray:
        """float32 (items, dimensions); what the shard has is not computed again."""
        provider: Any = self._step.door.provider(model)
        vectors = self._step.vectors(provider.name)
        # By the weights, where the provider tells them: another model may come to bear the name.
        space = getattr(provider, "space", provider.name)
        keys = [vector_key(item, space) for item in items]
        missing = {k: i for k, i in zip(keys, items, strict=True) if vectors.get(k) is None}
        if missing:
            if self._step.mode == "count":
                raise NewCall(f"{self.record.id}: vectors")
            role = self._step.door.role(model)
            async with self._step.door.limits_of(role.text.models[0], provider).slot():
                rows = await provider.embed(list(missing.values()))
            for key, row in zip(missing, rows, strict=True):
                vectors.put(key, row)
        found = [vectors.get(key) for key in keys]
        return np.stack([vector for vector in found if vector is not None])

    def keep_image(
        self, name: str, data: bytes, width: int, height: int, encoder: str
    ) -> DrawnImage:
        """Keeps a drawn picture with the record; it reaches the tar when the record does."""
        stem = self.record.id.replace("/", "_")
        file = f"{stem}.{name}"
        if file in self.drawn:
            raise AssertionError(f"{self.record.id}: two drawings are called {name!r}")
        self.drawn[file] = data
        return DrawnImage(
            file=file,
            sha256=sha256_hex(data),
            width=width,
            height=height,
            size_bytes=len(data),
            encoder=encoder,
            by=self._step.stage,
        )

    def set_aside(self, caption: Caption, reason: str, scores: Sequence[Score] = ()) -> None:
        """Keeps a caption that leaves the record; it reaches the file when the record goes on."""
        self.aside.append(
            DroppedCaption(id=self.record.id, reason=reason, caption=caption, scores=tuple(scores))
        )

    def context(self, marks: tuple[int, ...], grammar: str) -> Context:
        """What a provider that computes may look at."""
        return Context(self.record, marks, grammar, self.files, self.compute)

    async def _load(self, image: DrawnImage | Photo) -> bytes:
        if isinstance(image, DrawnImage) and image.file in self.drawn:
            return self.drawn[image.file]
        return await self._step.read_image(self.record, self.files, image)
