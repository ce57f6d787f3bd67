"""The engine that local models answer through: one queue, and a worker on each device.

What a provider does with it::

    engine = await open_engine(name, path, families, options)   # SettingError with what to do
    answer = await engine.generate(turns, Draw(max_tokens=300, key=...))
    engine.counts, engine.facts()                                # what it did, what it runs on
    await engine.close()

``generate`` may be called by any number of coroutines of one event loop; they are answered in any
order. It raises TooLarge for a request that alone does not fit, RecordFailed for a picture that
cannot be read or whose worker died twice, ValueError for a prompt that the model cannot take.

What else is in a batch changes the last digits of the logits, and so a token where the two
likeliest are nearer than that. Measured on a CPU, batches of one beside batches of eight: in
float32 that noise is some 1.5e-6, and no answer of 8 by SmolLM2-135M (24 tokens each, smallest gap
0.015) or of 48 by a tiny Qwen2-VL differed; in bfloat16, where equal logits are common, 2 of the 8
did, from their 19th token on. Who needs the same bytes from any batch sets ``dtype: float32``;
``smallest_gap`` says how near it came.

What measures a model of random weights builds :class:`annoengine.local.model.LoadedModel`
itself, and :class:`LocalEngine` of it; ``generate_tokens`` takes prompts that are made already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import fields, replace

from annoengine.compute import default_workers
from annoengine.local.asked import Asked
from annoengine.local.chat import Answer, Counts, Draw, Facts, Prompt, Turn
from annoengine.local.loading import devices_of, load_model
from annoengine.local.model import LoadedModel
from annoengine.local.options import EngineOptions
from annoengine.local.preparing import Preparing
from annoengine.local.worker import Worker

_MOST_WORKERS = 8
"""Processes for pictures where none are named: each resizes some 100 pictures a second. Ours."""


async def open_engine(
    name: str,
    path: str,
    families: Sequence[str],
    options: EngineOptions,
    plain_template: str | None = None,
) -> LocalEngine:
    """Loads the model at ``path`` (a folder, a .gguf file, a hub's name) on every device.

    ``families`` are the model types that the caller takes (``qwen2_vl``), ``()`` any causal
    language model; ``plain_template`` is the chat template of one that has none. ``name`` is how
    errors call it. Raises SettingError, one sentence each: a missing extra, folder or package,
    another model type, no chat template.
    """
    devices = devices_of(name, options)
    models = [
        await asyncio.to_thread(load_model, name, path, families, device, options, plain_template)
        for device in devices
    ]
    return LocalEngine(models, options)


class LocalEngine:
    """Gathers requests and answers them in batches; ``models`` is one model, on each device."""

    def __init__(self, models: Sequence[LoadedModel], options: EngineOptions) -> None:
        self.options = options
        processes = options.workers
        if processes is None:
            processes = min(_MOST_WORKERS, default_workers())
        self.preparing = Preparing(models[0], processes, options.shared_prefix)
        self._open = 0
        self._workers = [Worker(model, options, lambda: self._open > 0) for model in models]
        self._closed = False
        for worker in self._workers:
            worker.start()

    @property
    def counts(self) -> Counts:
        """What it has done so far, all devices together."""
        total = Counts()
        for worker in self._workers:
            for field in fields(Counts):
                if field.name != "smallest_gap":
                    both = getattr(total, field.name) + getattr(worker.counts, field.name)
                    setattr(total, field.name, both)
        gaps = [w.counts.smallest_gap for w in self._workers]
        total.smallest_gap = min((gap for gap in gaps if gap is not None), default=None)
        return total

    @property
    def smallest_gap(self) -> float | None:
        """The smallest distance, in logits, between a chosen token and the next, greedy answers."""
        return self.counts.smallest_gap

    @property
    def window(self) -> int:
        """How many requests it wants in flight: two for each slot that there may be."""
        return 2 * self.options.slots * len(self._workers)

    async def generate(self, turns: Sequence[Turn], draw: Draw) -> Answer:
        """The answer to a conversation: chat template, tokens, pictures, then the model."""
        self._open += 1
        try:
            return await self.generate_tokens(await self.prepare(turns), draw)
        finally:
            self._open -= 1

    async def prepare(self, turns: Sequence[Turn]) -> Prompt:
        """The prompt that a conversation becomes."""
        return await self.preparing.prompt(turns)

    async def generate_tokens(self, prompt: Prompt, draw: Draw) -> Answer:
        """The answer to a prompt that is made already."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()

        def settle(outcome: Answer | Exception) -> None:
            if answered.done():
                return
            if isinstance(outcome, Exception):
                answered.set_exception(outcome)
            else:
                answered.set_result(outcome)

        def deliver(outcome: Answer | Exception) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(settle, outcome)

        asked = Asked(prompt, draw, deliver, most=draw.max_tokens or self.options.max_tokens)
        min(self._workers, key=lambda worker: worker.load).submit(asked)
        try:
            answer = await answered
        except asyncio.CancelledError:
            asked.cancelled = True
            raise
        return replace(answer, text=await self.preparing.words(answer.tokens))

    def facts(self) -> tuple[Facts, ...]:
        """What it runs on, a device each."""
        return tuple(worker.facts() for worker in self._workers)

    async def close(self) -> None:
        """Ends workers and processes and lets go of the weights; may be called twice."""
        if self._closed:
            return
        self._closed = True
        for worker in self._workers:
            await asyncio.to_thread(worker.close)
            worker.release()
        await asyncio.to_thread(self.preparing.close)
