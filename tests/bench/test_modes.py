"""Random models in all shapes, and that what is compared answers the same question.

A static batch by ``generate``, padded on the left, and the engine say the same, token for token:
the seconds that are set side by side are those of the same work.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import replace
from typing import Any

import pytest

from annoengine.bench.modes import batch_inputs, task_of
from annoengine.bench.random_models import TINY, random_model
from annoengine.bench.workload import jobs
from annoengine.local.chat import Prompt
from annoengine.local.engine import LocalEngine
from annoengine.local.model import LoadedModel
from annoengine.local.options import EngineOptions
from annoengine.model_shapes import ModelShape, VisionShape

EYE25 = VisionShape("qwen2_5_vl", 2, 32, 2, 64, 64, 14)
EYE3 = VisionShape("qwen3_vl", 4, 32, 2, 64, 64, 16, positions=48 * 48, deepstack=3)
SHAPES = (
    TINY,
    ModelShape("tiny 2.5", TINY.text, EYE25),
    ModelShape("tiny 3", replace(TINY.text, bias=False, head_norms=True), EYE3),
    ModelShape("tiny text", replace(TINY.text, bias=False, tied=False)),
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> None:
    """The suite's processes share the cores."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)


def by_generate(model: LoadedModel, prompts: list[Prompt], tokens: int) -> list[list[int]]:
    """So many tokens for each of a batch, by transformers."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    settings = transformers.GenerationConfig(
        max_new_tokens=tokens,
        do_sample=False,
        eos_token_id=None,
        pad_token_id=model.end_tokens[0],
        suppress_tokens=list(model.end_tokens),
    )
    with torch.inference_mode():
        made = model.model.generate(**batch_inputs(model, prompts), generation_config=settings)
    rows: list[list[int]] = made[:, -tokens:].tolist()
    return rows


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_both_ways_say_the_same(shape: ModelShape) -> None:
    model = random_model(shape, "cpu", "float32")
    assert sum(p.numel() for p in model.model.parameters()) == shape.parameters
    model.rule = model.rule.bounded(None, 112 * 112)
    asked = jobs([4, 7, 5], 1, pictures=model.sees, prompt_tokens=110, bytes_a_token=1)
    options = EngineOptions(devices=("cpu",), slots=2, workers=0, threads=1)

    async def run() -> None:
        engine = LocalEngine([model], options)
        try:
            prompts = [await engine.prepare(job.turns) for job in asked]
            # 640 × 480 within 12,544 pixels: 112 × 84 in patches of 14, 128 × 96 in those of 16.
            patches = (48,) if model.sees else ()
            assert task_of(model, prompts[0], 4).patches == patches
            calls = (engine.generate(job.turns, job.draw(n)) for n, job in enumerate(asked))
            answers = await asyncio.gather(*calls)
            rows = by_generate(model, prompts, 7)
        finally:
            await engine.close()
        assert [answer.output_tokens for answer in answers] == [4, 7, 5]
        for row, job, answer in zip(rows, asked, answers, strict=True):
            assert tuple(row[: job.answer]) == answer.tokens

    asyncio.run(run())


def test_the_same_seed_gives_the_same_weights() -> None:
    torch: Any = importlib.import_module("torch")
    before = torch.random.get_rng_state()
    one, two, other = (random_model(TINY, "cpu", "float32", seed=s).model for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(one.lm_head.weight, two.lm_head.weight)
    assert not torch.equal(one.lm_head.weight, other.lm_head.weight)
