"""The ways of answering that are compared: one at a time, static batches, the engine.

The first two are transformers' own ``generate`` on the very model that the engine runs, prepared
in place as a script would do it. A static batch runs until its longest answer is done; only the
tokens that were asked for count.
"""

from __future__ import annotations

import asyncio
import importlib
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from annoengine.bench.bounds import Task
from annoengine.bench.workload import Job
from annoengine.local.chat import Prompt
from annoengine.local.engine import LocalEngine
from annoengine.local.model import LoadedModel
from annoengine.local.pictures import patches

ONE, STATIC, ENGINE = "one at a time", "static batches", "engine"


@dataclass
class Measured:
    """What some jobs took in one way of answering, added up over rounds; times in seconds."""

    mode: str
    at_once: int
    answers: int = 0
    output_tokens: int = 0
    wall_s: float = 0.0
    prepare_s: float = 0.0
    """While the device had nothing to compute: pictures and prompts were being prepared."""

    prefill_s: float = 0.0
    """For pictures and prompts, up to the first tokens."""

    decode_s: float = 0.0
    steps: int = 0
    """Passes that made a token for each running sequence."""

    row_steps: int = 0
    """Rows that these passes computed; each row without a wanted token is lost."""

    peak_bytes: int = 0
    first_token_s: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    """Answers a second, round by round."""

    tasks: list[Task] = field(default_factory=list)

    def add_round(self, answers: int, tokens: int, wall_s: float) -> None:
        """One round more."""
        self.answers += answers
        self.output_tokens += tokens
        self.wall_s += wall_s
        self.rates.append(answers / wall_s)


def task_of(model: LoadedModel, prompt: Prompt, answer: int) -> Task:
    """What a job is in numbers."""
    grids = [model.rule.grid(pixels) for pixels in prompt.pictures]
    return Task(tuple(down * across for down, across in grids), len(prompt.tokens), answer)


async def by_engine(engine: LocalEngine, jobs: Sequence[Job], into: Measured) -> None:
    """All jobs at once; the engine sees to the rest."""
    counts = engine.counts
    before = (counts.prefill_s, counts.decode_s)
    steps, rows = counts.decode_steps, counts.slot_steps
    began = time.monotonic()
    answers = await asyncio.gather(
        *(engine.generate(job.turns, job.draw(number)) for number, job in enumerate(jobs))
    )
    wall = time.monotonic() - began
    counts = engine.counts
    prefill_s, decode_s = counts.prefill_s - before[0], counts.decode_s - before[1]
    into.prefill_s += prefill_s
    into.decode_s += decode_s
    into.prepare_s += max(0.0, wall - prefill_s - decode_s)
    into.steps += counts.decode_steps - steps
    into.row_steps += counts.slot_steps - rows
    into.first_token_s += [answer.first_token_s for answer in answers]
    into.add_round(len(jobs), sum(answer.output_tokens for answer in answers), wall)


async def by_generate(
    engine: LocalEngine, model: LoadedModel, jobs: Sequence[Job], into: Measured
) -> None:
    """Batches of ``into.at_once``, one after the other."""
    began = time.monotonic()
    for start in range(0, len(jobs), into.at_once):
        batch = jobs[start : start + into.at_once]
        asked = time.monotonic()
        prompts = [await engine.prepare(job.turns) for job in batch]
        ready = time.monotonic()
        longest = max(job.answer for job in batch)
        first = await asyncio.to_thread(generate, model, prompts, longest)
        done = time.monotonic()
        into.prepare_s += ready - asked
        into.prefill_s += first - ready
        into.decode_s += done - first
        into.steps += longest - 1
        into.row_steps += (longest - 1) * len(batch)
        into.first_token_s += [first - asked] * len(batch)
    wall = time.monotonic() - began
    into.add_round(len(jobs), sum(job.answer for job in jobs), wall)


def generate(model: LoadedModel, prompts: Sequence[Prompt], tokens: int) -> float:
    """So many tokens for each prompt, by transformers; gives when the first of them were there."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    seen: list[float] = []

    def first_token(ids: Any, _scores: Any, **_: Any) -> Any:
        if not seen:
            wait_for(model.device)
            seen.append(time.monotonic())
        return torch.zeros(ids.shape[0], dtype=torch.bool, device=ids.device)

    settings = transformers.GenerationConfig(
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=model.end_tokens[0],
        suppress_tokens=list(model.end_tokens),
    )
    with torch.inference_mode():
        made = model.model.generate(
            **batch_inputs(model, prompts),
            generation_config=settings,
            stopping_criteria=transformers.StoppingCriteriaList([first_token]),
        )
        wait_for(model.device)
    if made.shape[1] - max(len(prompt.tokens) for prompt in prompts) != tokens:
        raise RuntimeError(f"generate gave another number of tokens than {tokens}")
    return seen[0]


def batch_inputs(model: LoadedModel, prompts: Sequence[Prompt]) -> dict[str, Any]:
    """What ``generate`` is given: prompts padded on the left, and the patches of all pictures."""
    torch: Any = importlib.import_module("torch")
    width = max(len(prompt.tokens) for prompt in prompts)
    pad = model.end_tokens[0]
    rows = [[pad] * (width - len(p.tokens)) + list(p.tokens) for p in prompts]
    held = [[0] * (width - len(p.tokens)) + [1] * len(p.tokens) for p in prompts]
    ids = torch.tensor(rows, device=model.device)
    inputs = {"input_ids": ids, "attention_mask": torch.tensor(held, device=model.device)}
    pictures = [pixels for prompt in prompts for pixels in prompt.pictures]
    if pictures:
        colours = torch.from_numpy(model.rule.colours()).to(model.device)
        values, grids = patches(pictures, model.rule, model.device, colours)
        inputs |= {"pixel_values": values, "image_grid_thw": grids}
        inputs["mm_token_type_ids"] = (ids == model.image_token).long()
    return inputs


def wait_for(device: str) -> None:
    """Until the device has done all that it was given."""
    if device.startswith("cuda"):
        importlib.import_module("torch").cuda.synchronize(device)


def forget_peak(device: str) -> int:
    """Counts the most memory anew, and gives back what is in reserve; gives what is in use on the
    card, 0 on the CPU."""
    if not device.startswith("cuda"):
        return 0
    cuda = importlib.import_module("torch").cuda
    cuda.empty_cache()
    cuda.reset_peak_memory_stats(device)
    return int(cuda.memory_allocated(device))


def peak_bytes(device: str) -> int:
    """The most memory since: of the card, or of this process since its beginning."""
    if device.startswith("cuda"):
        return int(importlib.import_module("torch").cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
