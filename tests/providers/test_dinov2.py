"""The provider ``dinov2``: real classes with random weights, by the path every model takes."""

from __future__ import annotations

import asyncio
import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annoengine.errors import InputError, SettingError
from annoengine.photo import decode_photo
from annoengine.providers.dinov2 import Dinov2

PICTURES = sorted((Path(__file__).parents[2] / "examples/photographs/images").glob("*.jpg"))


def save_tiny_dino(folder: Path, seed: int = 0) -> Path:
    """Saves one of 48 dimensions for pictures of 28 × 28, as the real ones are saved."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    config = transformers.Dinov2Config(
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
        mlp_ratio=2,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        transformers.Dinov2Model(config).save_pretrained(folder)
    prepares = {
        "image_processor_type": "BitImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": 32},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": 28, "width": 28},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepares), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def dino(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_tiny_dino(tmp_path_factory.mktemp("dino")))


async def test_it_gives_the_class_token_of_the_whole_picture(dino: str) -> None:
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    provider = Dinov2(dino, {"device": "cpu", "batch_size": 4})
    await provider.open()
    data = [path.read_bytes() for path in PICTURES]
    rows = await provider.embed(data)
    assert rows.shape == (len(data), 48)
    assert rows.dtype == np.float32
    each = await asyncio.gather(*(provider.embed([one]) for one in reversed(data)))
    assert np.array_equal(np.concatenate(each)[::-1], rows)
    model = transformers.Dinov2Model.from_pretrained(dino).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(dino)
    for row, one in zip(rows, data, strict=True):
        pixels = processor(images=decode_photo(one, "x"), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            token = model(pixel_values=pixels).pooler_output[0].numpy()
        np.testing.assert_allclose(row, token / np.linalg.norm(token), atol=1e-5)
    assert provider.space.endswith("/cls")
    await provider.close()


async def test_another_token_and_other_weights_are_another_space(dino: str, tmp_path: Path) -> None:
    spaces, rows = set(), []
    for folder, token in ((dino, "cls"), (dino, "mean"), (str(save_tiny_dino(tmp_path, 1)), "cls")):
        provider = Dinov2(folder, {"device": "cpu", "token": token, "batch_size": 1})
        await provider.open()
        spaces.add(provider.space.replace(folder, ""))
        rows.append((await provider.embed([PICTURES[0].read_bytes()]))[0])
        await provider.close()
    assert len(spaces) == 3
    assert len(np.unique(np.round(rows, 5), axis=0)) == 3


async def test_what_it_refuses(dino: str, tmp_path: Path) -> None:
    provider = Dinov2(dino, {"device": "cpu"})
    await provider.open()
    with pytest.raises(SettingError, match="sees pictures and reads no texts"):
        await provider.embed(["a cat"])
    with pytest.raises(InputError, match="a picture to embed"):
        await provider.embed([b"no picture"])
    await provider.close()
    with pytest.raises(SettingError, match=r"cannot be loaded: .*give the folder of a model"):
        await Dinov2(str(tmp_path), {}).open()
