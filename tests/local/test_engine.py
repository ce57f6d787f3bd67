"""The engine against transformers' own generate, and against what may go wrong beside it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annoengine.local.chat import Answer, Draw, Prompt, TooLarge, Turn
from annoengine.local.engine import LocalEngine
from annoengine.local.model import LoadedModel
from annoengine.local.pictures import patches
from tests.tiny_qwen import FAMILIES, PICTURES, Family, open_tiny, questions, save_tiny_qwen

NOISE = 1e-4
"""Logits that differ by less could change places in another batch. In float32 the same gap was
0.0001078 in a batch of one and 0.0001063 in one of eight: the noise is some 1.5e-6."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_qwen(tmp_path_factory.mktemp("qwen2_vl"))


def draws() -> list[Draw]:
    return [Draw(max_tokens=7 + 4 * (number % 4)) for number in range(len(questions()))]


async def answers(
    engine: LocalEngine, drawing: Sequence[Draw] | None = None, asked: Sequence[Any] | None = None
) -> list[Answer]:
    asked = questions() if asked is None else asked
    return await asyncio.gather(
        *(
            engine.generate(turns, draw)
            for turns, draw in zip(asked, drawing or draws(), strict=True)
        )
    )


def model_of(engine: LocalEngine) -> LoadedModel:
    return engine._workers[0].model


def generated(model: LoadedModel, prompt: Prompt, most: int) -> list[int]:
    """What transformers itself says, asked alone: features, positions and cache are its own."""
    torch: Any = importlib.import_module("torch")
    torch.set_num_threads(1)  # the suite's processes share the cores
    tokens = torch.tensor([prompt.tokens])
    given = {}
    if prompt.pictures:
        table = torch.from_numpy(model.rule.colours())
        values, grids = patches(prompt.pictures, model.rule, "cpu", table)
        given = {"pixel_values": values, "image_grid_thw": grids}
        given["mm_token_type_ids"] = (tokens == model.image_token).int()
    said = model.model.generate(
        input_ids=tokens,
        attention_mask=torch.ones_like(tokens),
        do_sample=False,
        max_new_tokens=most,
        **given,
    )
    found: list[int] = said[0, tokens.shape[1] :].tolist()
    return found[:-1] if found[-1] in model.end_tokens else found


@pytest.mark.parametrize("family", FAMILIES)
async def test_it_says_what_generate_says_one_at_a_time(family: Family, tmp_path: Path) -> None:
    save_tiny_qwen(tmp_path, family)
    engine = await open_tiny(tmp_path, slots=4)
    found = await answers(engine)
    counts = engine.counts
    for turns, draw, answer in zip(questions(), draws(), found, strict=True):
        prompt = await engine.prepare(turns)
        assert list(answer.tokens) == generated(model_of(engine), prompt, draw.max_tokens or 0)
        assert answer.input_tokens == len(prompt.tokens)
    # Ten answers through four slots: none waits for a whole batch to end.
    assert counts.answers == len(found)
    assert counts.output_tokens == sum(answer.output_tokens for answer in found)
    assert counts.slot_steps == counts.output_tokens - len(found)
    assert engine.smallest_gap == min(answer.gap for answer in found if answer.gap is not None)
    assert engine.smallest_gap > NOISE, "draw another seed"
    assert {answer.finish for answer in found} == {"end", "length"}
    await engine.close()


async def test_the_batch_and_its_size_change_no_byte(folder: Path) -> None:
    texts = {}
    for slots, options in {
        1: {"shared_prefix": 0},
        8: {},
        3: {"prefill_tokens": 60, "refill": 3},
    }.items():
        engine = await open_tiny(folder, slots=slots, **options)
        found = await answers(engine)
        texts[slots] = [(answer.text, answer.tokens) for answer in found]
        # In a batch, "Please describe …" is computed for one of the two that begin with it.
        assert (engine.counts.prefix_tokens_saved > 0) == (slots != 1)
        assert (engine.smallest_gap or 0) > NOISE
        await engine.close()
    assert texts[1] == texts[8] == texts[3]


async def test_two_devices_share_the_work(folder: Path) -> None:
    engine = await open_tiny(folder, slots=2, devices=("cpu", "cpu"))
    alone = await open_tiny(folder, slots=2)
    both = await answers(engine)
    assert [answer.tokens for answer in both] == [a.tokens for a in await answers(alone)]
    shares = [worker.counts.answers for worker in engine._workers]
    assert sum(shares) == 10
    assert min(shares) >= 2
    assert engine.window == 2 * alone.window == 8
    assert [facts.device for facts in engine.facts()] == ["cpu", "cpu"]
    await engine.close()
    await alone.close()


async def test_chance_is_a_requests_own(folder: Path) -> None:
    hot = [
        Draw(temperature=0.8, top_p=0.9, seed=7, key=str(number), max_tokens=12)
        for number in range(len(questions()))
    ]
    engine = await open_tiny(folder)
    alone = await open_tiny(folder, slots=1)
    found = await answers(engine, hot)
    assert [a.tokens for a in found] == [a.tokens for a in await answers(alone, hot)]
    assert all(answer.gap is None for answer in found)
    turns = questions()[0]

    async def said(**other: Any) -> tuple[int, ...]:
        settings: dict[str, Any] = {"temperature": 0.8, "seed": 7, "key": "0", "max_tokens": 12}
        return (await engine.generate(turns, Draw(**(settings | other)))).tokens

    greedy = (await engine.generate(turns, Draw(max_tokens=12))).tokens
    assert await said() == await said()
    assert len({await said(), await said(seed=8), await said(key="1"), greedy}) == 4
    assert await said(top_p=1e-9) == greedy
    assert await said(temperature=0.0) == greedy
    await engine.close()
    await alone.close()


class Script:
    """Memory that runs out at the named calls of a method; counts them all."""

    def __init__(self, method: str, fails: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls = 0
        self.fails = fails
        true = getattr(LoadedModel, method)
        torch: Any = importlib.import_module("torch")

        def scripted(model: LoadedModel, first: Any, *others: Any) -> Any:
            self.calls += 1
            if self.fails(self.calls, first):
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
            return true(model, first, *others)

        monkeypatch.setattr(LoadedModel, method, scripted)


async def test_memory_that_runs_out_costs_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await open_tiny(folder)
    expected = [answer.tokens for answer in await answers(engine)]
    await engine.close()
    # In a step over eight, then over four; in prompts of two and more, then of one alone.
    with monkeypatch.context() as patch:
        Script("step", lambda call, _: call in (4, 7), patch)
        engine = await open_tiny(folder)
        assert [answer.tokens for answer in await answers(engine)] == expected
        assert (engine.counts.out_of_memory, engine.facts()[0].slots) == (2, 2)
        assert engine.counts.slot_steps > sum(map(len, expected)) - len(expected)
        await engine.close()
    with monkeypatch.context() as patch:
        Script("fill", lambda call, prompts: len(prompts) > 1 or call == 9, patch)
        engine = await open_tiny(folder)
        assert [answer.tokens for answer in await answers(engine)] == expected
        assert engine.counts.out_of_memory >= 2
        assert engine.facts()[0].slots == 4
        await engine.close()


async def test_a_request_too_large_fails_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = await open_tiny(folder)
    expected = [answer.tokens for answer in await answers(engine)]
    large = len((await engine.prepare(questions()[8])).tokens)
    await engine.close()
    Script("fill", lambda _, prompts: any(len(p.tokens) == large for p in prompts), monkeypatch)
    engine = await open_tiny(folder)
    asked = [engine.generate(t, d) for t, d in zip(questions(), draws(), strict=True)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [getattr(f, "tokens", None) for f in found] == [*expected[:8], None, expected[9]]
    assert "memory ran out on cpu with this request alone" in str(found[8])
    # The others are answered with all slots again.
    assert [a.tokens for a in await answers(engine, draws()[:8], questions()[:8])] == expected[:8]
    assert engine.facts()[0].slots == 8
    with pytest.raises(TooLarge, match=r"may have 8300 tokens, and the model takes 8192"):
        await engine.generate_tokens(Prompt((30,) * 300), Draw(max_tokens=8000))
    await engine.close()


async def test_a_prompt_that_the_model_fails_at_fails_alone_and_a_lost_card_fails_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = [Prompt((30 + number, 31)) for number in range(4)]
    said = {"fill": "shapes do not match", "step": "CUDA error: an illegal memory access"}
    true = LoadedModel.fill

    def fill(model: LoadedModel, group: Sequence[Prompt], *others: Any) -> Any:
        if prompts[2] in group:
            raise RuntimeError(said["fill"])
        return true(model, group, *others)

    monkeypatch.setattr(LoadedModel, "fill", fill)
    engine = await open_tiny(folder)

    async def outcomes() -> list[str]:
        asked = (engine.generate_tokens(prompt, Draw(max_tokens=3)) for prompt in prompts)
        found = await asyncio.gather(*asked, return_exceptions=True)
        return [str(f) if isinstance(f, Exception) else "answer" for f in found]

    failed = "the model failed at this prompt: shapes do not match"
    assert await outcomes() == ["answer", "answer", failed, "answer"]

    def step(*_: Any) -> None:
        raise RuntimeError(said["step"])

    monkeypatch.setattr(LoadedModel, "step", step)
    assert set(await outcomes()) <= {failed, said["step"]}
    assert await outcomes() == [said["step"]] * 4
    await engine.close()


async def test_slots_are_as_many_as_memory_holds(folder: Path) -> None:
    # 512 bytes a token (2 layers, 2 key heads of 16, float32, keys and values): 128 places are
    # 64 KiB, so that 300 KiB hold four sequences of 128, two of 256, none of 1,024.
    engine = await open_tiny(folder, memory_gib=300 / (1 << 20))
    assert engine.facts()[0].kv_bytes_a_token == 512
    short = Prompt((30, 31, 32))
    await asyncio.gather(*(engine.generate_tokens(short, Draw(max_tokens=9)) for _ in range(6)))
    assert (engine.facts()[0].slots, engine.facts()[0].length) == (4, 128)
    draws = [Draw(max_tokens=60, never_ends=True), Draw(max_tokens=200, never_ends=True)]
    sooner, later = await asyncio.gather(
        *(engine.generate_tokens(short, draw) for draw in draws), return_exceptions=False
    )
    assert (len(sooner.tokens), len(later.tokens)) == (60, 200)
    assert (engine.facts()[0].slots, engine.facts()[0].length) == (2, 256)
    await engine.generate_tokens(short, Draw(max_tokens=256))
    # 259 places are 384 of 128; half as long again as 256 is the same, and costs no slot more.
    assert (engine.facts()[0].slots, engine.facts()[0].length) == (1, 384)
    with pytest.raises(TooLarge, match=r"1024 tokens takes 0\.00 GiB of keys and values"):
        await engine.generate_tokens(short, Draw(max_tokens=1000))
    await engine.close()


async def test_a_cancelled_request_frees_its_slot(folder: Path) -> None:
    engine = await open_tiny(folder, slots=1)
    endless = Draw(max_tokens=7000, never_ends=True)
    long = asyncio.create_task(engine.generate_tokens(Prompt((30, 31, 32)), endless))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(engine.generate_tokens(Prompt((30, 31)), endless))
    short = asyncio.create_task(engine.generate_tokens(Prompt((30, 32)), Draw(max_tokens=2)))
    await asyncio.sleep(0.01)
    long.cancel()
    waiting.cancel()
    assert (await short).output_tokens == 2
    assert engine.counts.answers == 1
    left = asyncio.create_task(engine.generate_tokens(Prompt((30, 31)), endless))
    await asyncio.sleep(0)
    await engine.close()
    with pytest.raises(RuntimeError, match="the engine was closed"):
        await left
    await engine.close()


async def test_slots_are_refilled_at_once(folder: Path) -> None:
    """48 answers whose lengths are drawn between 4 and 48, with a mean of 16, through 8 slots."""
    lengths = np.clip(np.random.default_rng(3).geometric(1 / 14, 48) + 3, 4, 48).tolist()
    engine = await open_tiny(folder)
    prompts = [Prompt((30, 31, 40 + number)) for number in range(len(lengths))]
    await asyncio.gather(
        *(
            engine.generate_tokens(prompt, Draw(max_tokens=most, never_ends=True))
            for prompt, most in zip(prompts, lengths, strict=True)
        )
    )
    counts = engine.counts
    await engine.close()
    batches = [lengths[start : start + 8] for start in range(0, len(lengths), 8)]
    # A first token comes with its prompt; a static batch steps until its longest has ended.
    static_steps = sum(max(batch) - 1 for batch in batches)
    useful = sum(lengths) - len(lengths)
    assert counts.slot_steps == useful
    assert counts.decode_steps >= max(useful / 8, max(lengths) - 1)
    assert counts.decode_steps < 0.62 * static_steps
    print(f"steps {counts.decode_steps}, of static batches {static_steps}; useful {useful / 8:.0f}")


async def test_what_is_no_picture_fails_alone_and_a_mark_in_a_text_is_told(folder: Path) -> None:
    engine = await open_tiny(folder)
    good = PICTURES[0].read_bytes()
    asked = [
        (Turn("user", (good[:400], "Truncated.")),),
        (Turn("user", (good, "Says <|image_pad|> itself.")),),
        (Turn("user", (good, "Fine.")),),
    ]
    found = await asyncio.gather(
        *(engine.generate(turns, Draw(max_tokens=3)) for turns in asked), return_exceptions=True
    )
    assert "image: the image a picture to be described cannot be read" in str(found[0])
    assert "the text has 2 marks '<|image_pad|>' for 1 pictures" in str(found[1])
    assert getattr(found[2], "output_tokens", 0) == 3
    await engine.close()
