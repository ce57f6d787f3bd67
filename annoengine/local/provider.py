"""What providers of local models share: from a request to the engine and back.

A provider names the model types it takes; all else is here. The key of a call holds the model by
the content of its files, never by where they lie: a moved model keeps its answers, a changed one
is asked anew.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from annoengine.errors import RecipeError, SettingError
from annoengine.fingerprint import fingerprint
from annoengine.local.chat import Answer, Draw, TooLarge, Turn
from annoengine.local.engine import LocalEngine, open_engine
from annoengine.local.options import read_engine_options
from annoengine.local.weights import find_model, model_hash
from annoengine.provider import Outcome, Reply, Request, Retry, TextPart, Usage, content_key
from annoengine.requirement import Requirement, extra

_HASH_SHOWN = 12


class LocalProvider:
    """A model that this machine computes. A kind sets ``KIND`` and ``FAMILIES``."""

    VERSION: ClassVar[int] = 1
    BATCH: ClassVar[bool] = False
    FREE: ClassVar[bool] = True
    KIND: ClassVar[str] = ""
    FAMILIES: ClassVar[tuple[str, ...]] = ()
    """Model types that it takes; () is any causal language model."""
    PLAIN_TEMPLATE: ClassVar[str | None] = None
    """The chat template of a model that has none of its own."""
    EXAMPLE: ClassVar[str] = ""

    def __init__(self, model: str, options: Mapping[str, Any]) -> None:
        if not model.strip():
            raise RecipeError(
                f"{self.KIND} needs a model, for example {self.KIND}/{self.EXAMPLE}, or its folder"
            )
        self.name = f"{self.KIND}/{model}"
        self.model = model
        self.options = read_engine_options(self.name, options)
        self.engine: LocalEngine | None = None
        self._remarks: dict[str, None] = {}
        self._told: list[str] = []

    @property
    def window(self) -> int:
        """Two requests for each slot: one being answered, one being prepared."""
        if self.engine is not None:
            return self.engine.window
        return 2 * self.options.slots * max(1, len(self.options.devices))

    def requirements(self) -> Sequence[Requirement]:
        """The extra that brings torch and transformers."""
        return (extra("local", "torch", "transformers"),)

    async def open(self) -> None:
        """Loads the model on every device. Raises SettingError for what is missing or wrong."""
        if self.engine is None:
            self.engine = await open_engine(
                self.name, self.model, self.FAMILIES, self.options, self.PLAIN_TEMPLATE
            )
            # Gigabytes are read once, and not in the loop that waits for them.
            await asyncio.to_thread(lambda: self._identity)

    async def close(self) -> None:
        """Lets go of the model; may be called twice."""
        engine, self.engine = self.engine, None
        if engine is not None:
            self._told = _sayings(self.name, engine)
            await engine.close()

    async def reply(self, request: Request) -> Reply:
        """The model's answer.

        Raises TooLarge for a request that does not fit, RecordFailed for a picture that cannot be
        read, ValueError for a conversation that the model does not take.
        """
        if self.engine is None:
            raise RuntimeError(f"{self.name} was not opened")
        self._remark(request)
        turns = []
        for message in request.messages:
            parts = [
                part.text if isinstance(part, TextPart) else await request.image_bytes(part.image)
                for part in message.parts
            ]
            turns.append(Turn(message.role, tuple(parts)))
        sampling = request.sampling
        draw = Draw(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed or 0,
            key="" if not sampling.temperature else fingerprint(request.content()),
            max_tokens=sampling.max_tokens,
        )
        return self._reply(await self.engine.generate(turns, draw))

    def _reply(self, answer: Answer) -> Reply:
        outcome: Outcome = "answer" if answer.text.strip() else "empty"
        if answer.finish == "length":
            outcome = "truncated"
        return Reply(
            text=answer.text,
            outcome=outcome,
            model=self.answers_as,
            detail=answer.finish,
            usage=Usage(answer.input_tokens, answer.output_tokens),
        )

    @property
    def answers_as(self) -> str:
        """Who said it, wherever the model lies: its name and the hash of its files."""
        path = Path(self.model).expanduser()
        known = path.name if path.exists() else self.model
        return f"{self.KIND}/{known}@{self._identity['model'][:_HASH_SHOWN]}"

    def classify(self, error: Exception) -> Retry:
        """What fails alone will fail again; anything else is no fault of the request."""
        if isinstance(error, TooLarge | ValueError):
            return Retry("never", f"{self.name}: {error}")
        return Retry("fatal", f"{type(error).__name__}: {error}")

    # Keys.

    @functools.cached_property
    def _identity(self) -> dict[str, str]:
        """The model and its adapter by content; ``absent`` where they are not on this machine."""
        found = {}
        for role, path in (("model", self.model), ("adapter", self.options.adapter)):
            if path is not None:
                try:
                    found[role] = model_hash(find_model(self.name, path, download=False))
                except (SettingError, OSError):
                    found[role] = "absent"
        return found

    def key_extra(self, request: Request) -> Mapping[str, str]:
        """The model's files, the adapter's, and the options that may change an answer."""
        return {self.KIND: str(self.VERSION), **self._identity, **self.options.in_key()}

    def find_key(self, request: Request, content: Mapping[str, Any]) -> str:
        """The key of a call, without the place where the model lies."""
        return content_key(self.KIND, self.key_extra(request), content)

    # What its user should know.

    def _remark(self, request: Request) -> None:
        if request.schema is not None:
            self._remarks[
                f"{self.name} is not held to its answers' schema: the prompt alone asks for it"
            ] = None
        if request.sampling.detail in ("low", "high"):
            self._remarks[
                f"{self.name} knows no detail of pictures: set its max_pixels instead"
            ] = None

    def notes(self) -> Sequence[str]:
        """How near its choices were, what it was not held to, whether memory ran out."""
        if self.engine is not None:
            self._told = _sayings(self.name, self.engine)
        return (*self._remarks, *self._told)


def _sayings(name: str, engine: LocalEngine) -> list[str]:
    """What an engine has to say of its work so far."""
    counts = engine.counts
    told = []
    if counts.out_of_memory:
        slots = ", ".join(str(facts.slots) for facts in engine.facts())
        told.append(
            f"{name} ran out of memory {counts.out_of_memory} times and worked on with {slots} "
            "sequences at once; nothing was lost"
        )
    if counts.smallest_gap is not None:
        told.append(
            f"{name}: among {counts.output_tokens} tokens the likeliest was ahead of the second by "
            f"{counts.smallest_gap:.2g} logits at least; below what rounding changes, "
            "another batch may write other words"
        )
    return told
