"""Which models are known to keep only few marks apart."""

from __future__ import annotations

import pytest

from annoengine.mark_limit import FEW_MARKS, most_marks


@pytest.mark.parametrize(
    "model",
    [
        "vllm/Qwen/Qwen2-VL-2B-Instruct",
        "qwen2_vl/Qwen2-VL-7B-Instruct",
        "openai/Qwen/Qwen2.5-VL-3B-Instruct-AWQ",
        "vllm/Qwen/Qwen2.5-VL-7B-Instruct",
        "vllm/Qwen/Qwen3-VL-8B-Instruct",
        "vllm/HuggingFaceTB/SmolVLM-Instruct",
        "vllm/HuggingFaceTB/SmolVLM2-2.2B-Instruct",
        "vllm/llava-hf/llava-1.5-7b-hf",
        "openai/llava:7b",
        "vllm/OpenGVLab/InternVL2_5-4B",
    ],
)
def test_small_models_get_few_marks(model: str) -> None:
    assert most_marks(model) == FEW_MARKS == 20


@pytest.mark.parametrize(
    "model",
    [
        "pixels",
        "openai/gpt-4o",
        "openai/gpt-4.1-mini",
        "openai/o3",
        "gemini/gemini-2.5-pro",
        "vllm/Qwen/Qwen2-VL-72B-Instruct",
        "vllm/Qwen/Qwen2.5-VL-32B-Instruct",
        # 30 billion parameters, of which 3 are active for a token.
        "vllm/Qwen/Qwen3-VL-30B-A3B-Instruct",
        "vllm/llava-hf/llava-1.5-13b-hf",
        "vllm/Qwen/Qwen2-VL",
        "tests.toy:Echo/a",
        "openai/made-up-1b",
    ],
)
def test_all_others_are_trusted_with_all_marks(model: str) -> None:
    assert most_marks(model) is None
