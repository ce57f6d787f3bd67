"""True shapes: parameters against what is published, and by hand; configurations old and new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from annoengine.errors import InputError
from annoengine.model_shapes import (
    SHAPES,
    TextShape,
    VisionShape,
    known_shape,
    shape_of_config,
    shape_of_folder,
    shape_of_name,
)

PUBLISHED = {
    "qwen2-vl-2b": 2.21,
    "qwen2-vl-7b": 8.29,
    "qwen2-vl-72b": 73.4,
    "qwen2.5-vl-3b": 3.75,
    "qwen2.5-vl-7b": 8.29,
    "qwen2.5-vl-32b": 33.5,
    "qwen2.5-vl-72b": 73.4,
    "qwen3-vl-2b": 2.13,
    "qwen3-vl-4b": 4.44,
    "qwen3-vl-8b": 8.77,
    "qwen3-vl-32b": 33.4,
    "llama-3-8b": 8.03,
    "llama-3.1-8b": 8.03,
    "llama-3-70b": 70.6,
    "llama-3.1-70b": 70.6,
    "llama-3.3-70b": 70.6,
    "llama-3.1-405b": 406,
    "llama-3.2-1b": 1.24,
    "llama-3.2-3b": 3.21,
    "smollm2-135m": 0.135,
}
"""Billions of parameters in the safetensors, as the models' pages give them."""


def test_each_shape_has_the_published_number_of_parameters() -> None:
    assert set(PUBLISHED) == set(SHAPES)
    for name, billions in PUBLISHED.items():
        assert SHAPES[name].parameters / 1e9 == pytest.approx(billions, rel=0.005), name


def test_parameters_and_cache_by_hand() -> None:
    text = TextShape(2, 6, 3, 1, 4, 10, 20, tied=True)
    # A layer: queries and outputs 2 × 6 × 12, keys and values 2 × 6 × 4, the MLP 3 × 6 × 10, two
    # norms of 6; then the last norm, and the embedding once.
    assert text.parameters == 2 * (144 + 48 + 180 + 12) + 6 + 120
    assert text.read_parameters == text.parameters
    assert text.kv_values_a_token == 2 * 2 * 1 * 4
    apart = TextShape(2, 6, 3, 1, 4, 10, 20, tied=False, bias=True, head_norms=True)
    assert apart.parameters == text.parameters + 120 + 2 * (5 * 4 + 2 * 4)
    assert apart.read_parameters == apart.parameters - 120
    assert shape_of_name("qwen2-vl-7b").text.kv_values_a_token * 2 == 2 * 28 * 4 * 128 * 2


def test_arithmetic_by_hand() -> None:
    text = TextShape(2, 6, 3, 1, 4, 10, 20, tied=True)
    matrices = 2 * (144 + 48 + 180)
    # Five tokens that look back at seven in the mean; two of them are asked for the next.
    assert text.flops(5, 7, 2) == 2 * 5 * matrices + 5 * 4 * 2 * 12 * 7 + 2 * 2 * 20 * 6
    eye = VisionShape("qwen2_vl", 1, 4, 1, 8, 6, 2, 2, 1)
    # Patches 3 × 4 × 4; attention 4 × 16 + 16; MLP 2 × 32 + 12; four norms' numbers of 4, two
    # more behind; the merger 16 × 16 + 16 + 16 × 6 + 6.
    assert eye.parameters == 48 + 80 + 76 + 16 + 8 + 374
    assert eye.flops(10) == 2 * 10 * eye.parameters + 4 * 1 * 4 * 100


@pytest.mark.parametrize(
    ("name", "known", "packing"),
    [
        ("Qwen/Qwen2-VL-7B-Instruct", "qwen2-vl-7b", ""),
        ("qwen2_vl/Qwen/Qwen2.5-VL-72B-Instruct-AWQ", "qwen2.5-vl-72b", "awq"),
        ("Qwen/Qwen2-VL-2B-Instruct-GPTQ-Int8", "qwen2-vl-2b", "gptq-8"),
        ("Qwen/Qwen2-VL-2B-Instruct-GPTQ-Int4", "qwen2-vl-2b", "gptq"),
        ("Qwen/Qwen3-VL-8B-Instruct-FP8", "qwen3-vl-8b", "fp8"),
        ("unsloth/Llama-3.2-1B-Instruct-bnb-4bit", "llama-3.2-1b", "nf4"),
        ("meta-llama/Meta-Llama-3-8B-Instruct", "llama-3-8b", ""),
        ("/models/qwen2_5_vl_3b", "qwen2.5-vl-3b", ""),
        ("Qwen2VL-7B", "qwen2-vl-7b", ""),
        ("HuggingFaceTB/SmolLM2-135M-Instruct", "smollm2-135m", ""),
    ],
)
def test_names_are_known_in_many_spellings(name: str, known: str, packing: str) -> None:
    found = known_shape(name)
    assert found is not None
    assert (found.name, found.packing) == (known, packing)


def test_what_is_not_known_is_not_guessed() -> None:
    assert known_shape("Qwen/Qwen2-VL-7") is None
    assert known_shape("Qwen/Qwen3-VL-30B-A3B-Instruct") is None
    assert known_shape("Qwen/Qwen2.5-7B-Instruct") is None
    with pytest.raises(InputError, match=r"no shape is known for 'gpt-2'; known are qwen2-vl-2b,"):
        shape_of_name("gpt-2")


FLAT = {
    "model_type": "qwen2_vl",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_attention_heads": 28,
    "num_hidden_layers": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "tie_word_embeddings": False,
    "vision_config": {"depth": 32, "embed_dim": 1280, "mlp_ratio": 4, "hidden_size": 3584},
}
"""What the older config.json of Qwen2-VL-7B says of its shape."""


def test_a_configuration_in_both_forms() -> None:
    rest = {k: v for k, v in FLAT.items() if k not in ("model_type", "vision_config")}
    nested = {
        "model_type": "qwen2_vl",
        "text_config": rest,
        "vision_config": FLAT["vision_config"],
    }
    for config in (FLAT, nested):
        found = shape_of_config(config, "x")
        assert found is not None
        assert found.parameters == SHAPES["qwen2-vl-7b"].parameters
    packed = {**FLAT, "quantization_config": {"quant_method": "gptq", "bits": 8}}
    found = shape_of_config(packed)
    assert found is not None
    assert found.packing == "gptq-8"
    assert shape_of_config({"model_type": "mamba"}) is None


def test_a_folder_and_what_may_be_wrong_with_it(tmp_path: Path) -> None:
    assert shape_of_folder(tmp_path) is None
    file = tmp_path / "config.json"
    file.write_text(json.dumps(FLAT))
    found = shape_of_folder(tmp_path)
    assert found is not None
    assert found.text == SHAPES["qwen2-vl-7b"].text
    for text, words in (
        ("{", "cannot be read as JSON"),
        ("[]", "it is no JSON object"),
        ('{"model_type": "llama"}', "is no model's configuration: KeyError('num_attention_heads')"),
    ):
        file.write_text(text)
        with pytest.raises(InputError) as raised:
            shape_of_folder(tmp_path)
        assert str(file) in str(raised.value)
        assert words in str(raised.value)
