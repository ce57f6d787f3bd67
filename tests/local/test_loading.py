"""What cannot be loaded is told in a sentence that says what to do."""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annoengine.errors import RecipeError, SettingError
from annoengine.local.loading import devices_of, load_model
from annoengine.local.options import EngineOptions, read_engine_options
from annoengine.local.weights import find_model, model_hash
from tests.tiny_qwen import FAMILIES, save_tiny_qwen

NAME = "qwen2_vl/tiny"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_qwen(tmp_path_factory.mktemp("qwen2_vl"))


def changed(folder: Path, file: str, **values: Any) -> None:
    settings = json.loads((folder / file).read_text())
    (folder / file).write_text(json.dumps(settings | values))


def without(*files: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        for file in files:
            (folder / file).unlink()

    return remove


def truncated(folder: Path) -> None:
    """As a download that broke off leaves it."""
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:20_000])


MISSING: list[tuple[Callable[[Path], None], dict[str, Any], str]] = [
    (
        lambda folder: changed(folder, "config.json", model_type="qwen2_audio"),
        {},
        "is a model of type 'qwen2_audio'; this provider takes qwen2_vl, qwen2_5_vl, qwen3_vl",
    ),
    (without("config.json"), {}, "qwen2_vl/tiny cannot be loaded: "),
    (without("preprocessor_config.json"), {}, "has no preprocessor_config.json"),
    (without("chat_template.jinja"), {}, "has no chat template (chat_template.json or .jinja"),
    (without("model.safetensors"), {}, "qwen2_vl/tiny cannot be loaded: "),
    (truncated, {}, "qwen2_vl/tiny cannot be loaded: Error while deserializing header"),
    (
        lambda folder: changed(
            folder, "config.json", quantization_config={"quant_method": "awq", "bits": 4}
        ),
        {},
        "is quantised by awq; install what reads it: pip install gptqmodel",
    ),
    (
        lambda folder: None,
        {"attention": "flash_attention_2"},
        "attention flash_attention_2 needs flash-attn; install it, or use sdpa",
    ),
    (
        lambda folder: None,
        {"adapter": "/no/adapter"},
        "'/no/adapter' is no folder of a LoRA adapter (adapter_config.json)",
    ),
    (
        lambda folder: changed(
            folder,
            "config.json",
            text_config=json.loads((folder / "config.json").read_text())["text_config"]
            | {"layer_types": ["full_attention", "sliding_attention"], "use_sliding_window": True},
        ),
        {},
        "has layers with sliding_attention, which the local engine does not know",
    ),
]


@pytest.mark.parametrize(("spoil", "options", "told"), MISSING, ids=[m[2][:30] for m in MISSING])
def test_what_is_missing_is_told(
    spoil: Callable[[Path], None], options: dict[str, Any], told: str, whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    spoil(folder)
    with pytest.raises(SettingError) as error:
        load_model(NAME, str(folder), FAMILIES, "cpu", EngineOptions.model_validate(options))
    assert told in str(error.value)
    assert str(error.value).startswith(NAME)
    assert "\n" not in str(error.value)


def test_a_model_that_the_card_does_not_hold(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = importlib.import_module("torch")

    def no_memory(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 130.00 MiB")

    transformers: Any = importlib.import_module("transformers")
    monkeypatch.setattr(transformers.AutoModelForImageTextToText, "from_pretrained", no_memory)
    with pytest.raises(SettingError, match="does not fit into the memory of cpu; a smaller or"):
        load_model(NAME, str(whole), FAMILIES, "cpu", EngineOptions())


def test_a_template_of_the_processor_stands_before_the_tokenizers(
    whole: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(whole, folder)
    (folder / "chat_template.jinja").unlink()
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    loaded = load_model(NAME, str(folder), FAMILIES, "cpu", EngineOptions())
    assert loaded.template == "{{ messages }}"
    assert loaded.end_tokens[:2] == (0, 2)
    assert (loaded.longest, loaded.sees, loaded.image_token) == (8192, True, 5)
    # 64-bit floats aside: the bytes of the file's tensors are those of the model's.
    size = (folder / "model.safetensors").stat().st_size
    assert 0 < size - sum(p.numel() * 4 for p in loaded.model.parameters()) < 20_000


def test_a_folder_or_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("/no/such/model", "./model", "~/nothing/here", "model"):
        with pytest.raises(SettingError, match=r"there is no folder .*; give that of a model"):
            find_model(NAME, path)
    with pytest.raises(SettingError, match=r"is neither a folder nor a \.gguf file"):
        find_model(NAME, __file__)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SettingError, match=r"cannot be downloaded: .*; give the folder"):
        find_model(NAME, "Qwen/Qwen2-VL-no-such-model", download=False)
    with pytest.raises(SettingError, match="there is no device 'cuda:7'; this machine has"):
        devices_of(NAME, EngineOptions(devices=("cuda:7",)))
    assert devices_of(NAME, EngineOptions(devices=("cpu", "cpu"))) == ("cpu", "cpu")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingError, match=r"needs torch and transformers; .*annoengine\[local\]"):
        devices_of(NAME, EngineOptions())


def test_options_are_checked() -> None:
    with pytest.raises(RecipeError, match=r"has no option 'slot'. Did you mean 'slots'\?"):
        read_engine_options(NAME, {"slot": 3})
    with pytest.raises(RecipeError, match=r"the option 'slots' is wrong: .*, got 0"):
        read_engine_options(NAME, {"slots": 0})
    plain = EngineOptions().in_key()
    assert plain == {"dtype": "auto", "attention": "sdpa", "max_tokens": "1024"}
    assert EngineOptions(slots=3, memory_gib=1, devices=("cpu",), workers=0).in_key() == plain
    assert EngineOptions(max_pixels=999).in_key() == plain | {"max_pixels": "999"}


def test_a_moved_model_is_the_same_and_a_changed_one_another(whole: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(whole, moved)
    (moved / "README.md").write_text("Nothing that is read.")
    assert model_hash(moved) == model_hash(whole)
    changed(moved, "preprocessor_config.json", max_pixels=12_544)
    assert model_hash(moved) != model_hash(whole)
    file = moved / "model.safetensors"
    before = model_hash(moved)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert model_hash(moved) != before
