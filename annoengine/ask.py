"""The one door to a model: journal → limits → provider → journal, looped by retry.

A stage asks and gets a reply; whether it came from the journal, the first try or the fifth, is
not its business. ``ask`` never parses: a reply is in the journal, raw, before a stage sees it.
The retry loop (tenacity) is the only one; a waiting retry holds no slot. When the run is
stopping, calls in flight finish and are kept, and new ones raise what stops the run.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, cast

import numpy as np
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from annoengine.compute import Pool
from annoengine.errors import ProviderUnusable, RunStopped, SettingError, Waiting
from annoengine.fingerprint import sha256_hex
from annoengine.journal import Journal
from annoengine.limits import Limits
from annoengine.mask import RecordFiles
from annoengine.provider import BatchProvider, Context, Provider, Reply, Request, Retry, content_key
from annoengine.record import DrawnImage, Photo, Record
from annoengine.vectors import Vectors, vector_key

Result = TypeVar("Result")

Mode = Literal["run", "replay", "count"]
"""``run`` asks what is missing; ``replay`` and ``count`` raise NewCall instead of asking."""


class NewCall(Exception):
    """In the modes that send nothing: this turn is not in the journal."""


class _TryAgain(Exception):
    def __init__(self, retry: Retry, error: Exception) -> None:
        super().__init__(str(error))
        self.retry = retry


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently a call is tried; in no fingerprint."""

    tries: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 60.0


def _wait_s(policy: RetryPolicy, error: BaseException | None, tried: int = 1) -> float:
    """What the server asked for, else exponential back-off with full jitter."""
    if isinstance(error, _TryAgain) and error.retry.after_s is not None:
        return error.retry.after_s
    longest_s = min(policy.longest_wait_s, policy.first_wait_s * 2.0 ** (tried - 1))
    return random.uniform(0, longest_s)


def _retrying(door: Door) -> AsyncRetrying:
    """The loop of all tries after the first one and its wait."""

    def wait_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return _wait_s(door.policy, error, state.attempt_number + 1)

    return AsyncRetrying(
        retry=retry_if_exception_type(_TryAgain),
        stop=stop_after_attempt(door.policy.tries - 1),
        wait=wait_s,
        sleep=door.sleep,
        reraise=True,
    )


@dataclass
class Door:
    """What all records of a run share on their way to the models.

    ``providers`` and ``limits`` are by role. ``stop`` ends the run softly: it is raised for
    every call that is not yet sent.
    """

    providers: Mapping[str, Provider]
    pool: Pool
    policy: RetryPolicy = RetryPolicy()
    limits: dict[str, Limits] = field(default_factory=dict)
    stop: RunStopped | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def provider(self, role: str) -> Provider:
        """The provider behind a role."""
        try:
            return self.providers[role]
        except KeyError:
            raise SettingError(f"the recipe names no model for the role {role!r}") from None

    def stop_with(self, reason: RunStopped) -> None:
        """Sends no new call from here on; the first reason stands."""
        self.stop = self.stop or reason
        self.stopping.set()

    async def sleep(self, seconds: float) -> None:
        """Waits, but not past the moment at which the run is stopped."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    def limits_of(self, role: str) -> Limits:
        """The gate in front of a role's provider; roles of one provider share it."""
        provider = self.provider(role)
        if provider.name not in self.limits:
            self.limits[provider.name] = Limits(max(1, provider.window), self.sleep, self.stopping)
        return self.limits[provider.name]


@dataclass
class StepDoor:
    """What the records of one step share: the journal, pictures and vectors of the shard."""

    door: Door
    stage: str
    journal: Journal | None
    read_image: Callable[[Record, RecordFiles, DrawnImage | Photo], Awaitable[bytes]]
    vectors: Callable[[str], Vectors]
    mode: Mode = "run"
    outbox: dict[tuple[str, str, str], Request] = field(default_factory=dict)
    on_call: Callable[[Reply, bool], None] | None = None

    @property
    def calls(self) -> Journal:
        """The journal of the step; a stage that asks must name its roles."""
        if self.journal is None:
            raise AssertionError(f"the stage {self.stage} asks a model and names no role")
        return self.journal


class RecordAsk:
    """The door as one record's stage sees it; see :class:`annoengine.stage.Ask`."""

    def __init__(self, record: Record, files: RecordFiles, step: StepDoor) -> None:
        self.record = record
        self.files = files
        self.drawn: dict[str, bytes] = {}
        self._step = step
        self._turns: set[str] = set()

    async def __call__(self, request: Request, turn: str) -> Reply:
        """The reply of a call. Raises RunStopped, Waiting, NewCall; RecordFailed is the stage's."""
        if turn in self._turns:
            raise AssertionError(f"{self.record.id}: the turn {turn!r} was asked twice")
        self._turns.add(turn)
        step = self._step
        provider = step.door.provider(request.model)
        content = request.content()
        key = content_key(provider.name, provider.key_extra(request), content)
        journal = step.calls
        reply = journal.find(self.record.id, turn, key)
        if reply is not None:
            if step.on_call:
                step.on_call(reply, True)
            return reply
        if step.mode != "run":
            raise NewCall(f"{self.record.id}: {turn}")
        request = replace(request, load=self._load)
        if provider.BATCH:
            if journal.last_try(self.record.id, turn, key) >= step.door.policy.tries:
                lost, number = self._gave_up(turn, key, provider, "lost in every wave")
                return replace(lost, key=key, turn=turn, tries=number)
            step.outbox[(self.record.id, turn, key)] = request
            raise Waiting(f"{self.record.id}: {turn} waits for a batch")
        return await self._send(request, turn, key, provider, content)

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
        keys = [vector_key(item, provider.name) for item in items]
        missing = {k: i for k, i in zip(keys, items, strict=True) if vectors.get(k) is None}
        if missing:
            if self._step.mode == "count":
                raise NewCall(f"{self.record.id}: vectors")
            async with self._step.door.limits_of(model).slot():
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

    def context(self, marks: tuple[int, ...], grammar: str) -> Context:
        """What a provider that computes may look at."""
        return Context(self.record, marks, grammar, self.files, self.compute)

    async def _load(self, image: DrawnImage | Photo) -> bytes:
        if isinstance(image, DrawnImage) and image.file in self.drawn:
            return self.drawn[image.file]
        return await self._step.read_image(self.record, self.files, image)

    async def _send(
        self, request: Request, turn: str, key: str, provider: Provider, content: dict[str, Any]
    ) -> Reply:
        door = self._step.door
        limits = door.limits_of(request.model)

        async def attempt() -> tuple[Reply, int]:
            async with limits.slot():
                return await self._try(request, turn, key, provider, content, limits)

        try:
            try:
                reply, number = await attempt()
            except _TryAgain as error:
                # Nearly every call ends with its first try; the loop is made only for the rest.
                if door.policy.tries == 1:
                    raise
                await door.sleep(_wait_s(door.policy, error))
                reply, number = await _retrying(door)(attempt)
        except _TryAgain as error:
            detail = f"gave up after {door.policy.tries} tries: {error}"
            reply, number = self._gave_up(turn, key, provider, detail)
        await self._step.calls.durable()
        if self._step.on_call:
            self._step.on_call(reply, False)
        return replace(reply, key=key, turn=turn, tries=number)

    async def _try(
        self,
        request: Request,
        turn: str,
        key: str,
        provider: Provider,
        content: dict[str, Any],
        limits: Limits,
    ) -> tuple[Reply, int]:
        door, journal, record = self._step.door, self._step.calls, self.record.id
        if door.stop is not None:
            raise door.stop
        number = journal.asked(record, turn, key, provider.name, content)
        started = time.monotonic()
        try:
            reply = await provider.reply(request)
        except Exception as error:
            verdict = provider.classify(error)
            detail = f"{type(error).__name__}: {error}"[:500]
            if verdict.outcome is not None:
                reply = Reply(text="", outcome=verdict.outcome, model=provider.name, detail=detail)
            else:
                journal.failed(record, turn, key, number, verdict.reason, detail, verdict.paid)
                if verdict.action == "fatal":
                    stop = ProviderUnusable(
                        f"{provider.name}: {verdict.reason}. Nothing is lost: mend it and run the "
                        "same command again"
                    )
                    door.stop_with(stop)
                    raise stop from error
                if verdict.action == "never":
                    return self._gave_up(turn, key, provider, verdict.reason)
                if verdict.after_s is not None:
                    limits.pause(verdict.after_s)
                raise _TryAgain(verdict, error) from error
        journal.answered(record, turn, key, number, reply, time.monotonic() - started)
        return reply, number

    def _gave_up(self, turn: str, key: str, provider: Provider, detail: str) -> tuple[Reply, int]:
        """An outcome of our own making: kept, so that a resume takes the same path again."""
        number = self._step.calls.last_try(self.record.id, turn, key)
        reply = Reply(text="", outcome="gave_up", model=provider.name, detail=detail)
        self._step.calls.answered(self.record.id, turn, key, number, reply, 0.0)
        return reply, number


async def send_wave(step: StepDoor) -> int:
    """Sends the step's outbox to its batch providers and brings the answers into the journal.

    Waves that an earlier run submitted are collected first. Gives the number of calls settled.
    """
    journal, door, settled = step.calls, step.door, 0
    outbox, step.outbox = step.outbox, {}
    waiting = {call for _, calls in journal.open_waves().values() for call in calls}
    providers: dict[str, BatchProvider] = {}
    fresh: dict[str, dict[tuple[str, str, str], Request]] = {}
    for call, request in outbox.items():
        provider = cast(BatchProvider, door.provider(request.model))
        providers[provider.name] = provider
        if call not in waiting:
            fresh.setdefault(provider.name, {})[call] = request
    for name, calls in fresh.items():
        if door.stop is not None:
            raise door.stop
        for (record, turn, key), request in calls.items():
            journal.asked(record, turn, key, name, request.content())
        wave = await providers[name].submit({"|".join(call): r for call, r in calls.items()})
        journal.submitted(wave, name, list(calls))
    await journal.durable()
    for wave, (name, open_calls) in journal.open_waves().items():
        if name not in providers:  # another model's wave: the recipe no longer asks it
            continue
        replies = await providers[name].collect(wave)
        for record, turn, key in open_calls:
            reply = replies.get("|".join((record, turn, key)))
            number = journal.last_try(record, turn, key)
            if reply is None:
                journal.failed(record, turn, key, number, "lost in its wave", wave, "perhaps")
            else:
                journal.answered(record, turn, key, number, reply, 0.0)
            settled += 1
    await journal.durable()
    return settled
