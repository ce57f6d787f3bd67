"""Measures a server that speaks chat completions, through the provider that runs use.

What a server does inside cannot be seen from here: answers and tokens a second, one at a time and
many at once. Answers end where the model ends them; the drawn lengths are their limits.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from annoengine import registry
from annoengine.bench.lengths import answer_lengths
from annoengine.bench.measuring import Settings, Tell
from annoengine.bench.workload import Job, jobs
from annoengine.errors import SettingError
from annoengine.fingerprint import sha256_hex
from annoengine.provider import ImagePart, Message, Reply, Request, Sampling, TextPart
from annoengine.record import DrawnImage, Photo


@dataclass
class Served:
    """What a server answered, asked ``at_once`` at a time."""

    at_once: int
    answers: int = 0
    output_tokens: int = 0
    failed: list[str] = field(default_factory=list)
    wall_s: float = 0.0


async def measure_server(
    model: str, base_url: str, settings: Settings, pictures: bool, tell: Tell
) -> list[Served]:
    """One at a time, then ``settings.slots`` at once. Raises SettingError where nothing answers."""
    kind, _, name = model.partition("/")
    provider: Any = registry.find("provider", kind)(name, {"base_url": base_url})
    await provider.open()
    try:
        found = []
        for at_once in (1, settings.slots):
            count = settings.answers if at_once > 1 else max(2, settings.answers // 64)
            tell(f"{count} answers, {at_once} at once")
            lengths = answer_lengths(count, settings.seed + at_once, *settings.lengths)
            asked = jobs(
                lengths,
                settings.seed + at_once,
                pictures=pictures,
                prompt_tokens=settings.prompt_tokens,
            )
            served = Served(at_once)
            await _ask_all(provider, asked, served)
            if not served.answers:
                raise SettingError(f"{model} at {base_url} gave no answer: {served.failed[0]}")
            found.append(served)
        return found
    finally:
        await provider.close()


async def _ask_all(provider: Any, asked: Sequence[Job], served: Served) -> None:
    slots = asyncio.Semaphore(served.at_once)

    async def one(job: Job) -> None:
        request = request_of(job)
        async with slots:
            try:
                reply: Reply = await provider.reply(request)
            except Exception as error:
                served.failed.append(str(provider.classify(error).reason))
                return
        served.answers += 1
        served.output_tokens += reply.usage.output_tokens or 0

    began = time.monotonic()
    await asyncio.gather(*(one(job) for job in asked))
    served.wall_s = time.monotonic() - began


def request_of(job: Job) -> Request:
    """A job as a stage would ask it."""
    held: dict[str, bytes] = {}

    def part_of(part: str | bytes) -> TextPart | ImagePart:
        if isinstance(part, str):
            return TextPart(text=part)
        width, height = Image.open(io.BytesIO(part)).size
        sha256 = sha256_hex(part)
        held[sha256] = part
        name = f"{sha256[:8]}.jpg"
        return ImagePart(image=Photo(file=name, width=width, height=height, sha256=sha256))

    async def load(image: DrawnImage | Photo) -> bytes:
        return held[image.sha256]

    messages = tuple(
        Message(role=turn.role, parts=tuple(part_of(part) for part in turn.parts))
        for turn in job.turns
    )
    sampling = Sampling(temperature=0, max_tokens=job.answer)
    return Request(model="bench", messages=messages, sampling=sampling, load=load)
