"""Tiny Qwen2-VL, Qwen2.5-VL and Qwen3-VL with random weights, saved as the real ones are.

They babble: nobody trained them. Only their path through the code is real: configuration,
safetensors, a byte-level tokenizer trained in memory, image processor, chat template.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Literal

from annoengine.local.chat import Turn
from annoengine.local.engine import LocalEngine, open_engine
from annoengine.local.options import EngineOptions

Family = Literal["qwen2_vl", "qwen2_5_vl", "qwen3_vl"]
VOCABULARY = 768

FAMILIES: tuple[Family, ...] = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")

SPECIAL = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip

TEMPLATE = (
    "{% if messages[0]['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""In the form of Qwen2-VL's: a system text of its own, and pictures where they stand."""

_PROMPTS = [
    Path(__file__).parents[1] / "prompts/pix2cap" / name
    for name in ("prompt1.v1.md", "prompt2.v1.md", "repair1.v1.md")
]
"""What the tokenizer is trained on: prompts that are never edited."""


def _save_tokenizer(folder: Path) -> Any:
    tokenizers: Any = importlib.import_module("tokenizers")
    transformers: Any = importlib.import_module("transformers")
    model = tokenizers.Tokenizer(tokenizers.models.BPE())
    model.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    model.train_from_iterator([p.read_text("utf-8") for p in _PROMPTS], trainer)
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=model,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL),
    )
    tokenizer.chat_template = TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def _config(family: Family, tokens: dict[str, int]) -> Any:
    transformers: Any = importlib.import_module("transformers")
    text: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 8192,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [2, 3, 3],
        },
        "initializer_range": 0.3,
        "bos_token_id": None,
        "eos_token_id": tokens["<|im_end|>"],
        "pad_token_id": tokens["<|endoftext|>"],
    }
    special = {
        "image_token_id": tokens["<|image_pad|>"],
        "video_token_id": tokens["<|video_pad|>"],
        "vision_start_token_id": tokens["<|vision_start|>"],
        "vision_end_token_id": tokens["<|vision_end|>"],
        "tie_word_embeddings": False,
    }
    if family == "qwen2_vl":
        vision: dict[str, Any] = {
            "depth": 2,
            "embed_dim": 32,
            "hidden_size": 64,
            "num_heads": 2,
            "mlp_ratio": 2,
        }
        vision |= {"initializer_range": 0.3}
        return transformers.Qwen2VLConfig(text_config=text, vision_config=vision, **special)
    vision = {"depth": 2, "hidden_size": 32, "out_hidden_size": 64, "num_heads": 2}
    vision |= {"intermediate_size": 64, "initializer_range": 0.3}
    if family == "qwen2_5_vl":
        vision |= {"fullatt_block_indexes": [1], "window_size": 112}
        return transformers.Qwen2_5_VLConfig(text_config=text, vision_config=vision, **special)
    vision |= {"patch_size": 16, "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 1]}
    text |= {"head_dim": 16}
    text["rope_parameters"] |= {"mrope_interleaved": True}
    return transformers.Qwen3VLConfig(text_config=text, vision_config=vision, **special)


def _processor(family: Family) -> dict[str, Any]:
    middle = [0.5, 0.5, 0.5]
    seeing = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "do_convert_rgb": True,
        "merge_size": 2,
        "temporal_patch_size": 2,
        "resample": 3,
        "rescale_factor": 1 / 255,
    }
    if family == "qwen3_vl":
        size = {"shortest_edge": 32 * 32 * 4, "longest_edge": 32 * 32 * 40}
        return seeing | {"patch_size": 16, "image_mean": middle, "image_std": middle, "size": size}
    return seeing | {
        "patch_size": 14,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "min_pixels": 28 * 28 * 4,
        "max_pixels": 28 * 28 * 40,
    }


def save_tiny_qwen(folder: Path, family: Family = "qwen2_vl", seed: int = 2) -> Path:
    """Saves a model of two layers of each kind, whose pictures have at most 40 tokens."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    tokenizer = _save_tokenizer(folder)
    tokens = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    config = _config(family, tokens)
    kind = {
        "qwen2_vl": "Qwen2VLForConditionalGeneration",
        "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
        "qwen3_vl": "Qwen3VLForConditionalGeneration",
    }[family]
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, kind)(config)
    # An end token in sixteen, so that some answers end by themselves.
    ends = [tokens["<|im_end|>"], tokens["<|endoftext|>"], *range(300, 348)]
    model.generation_config.eos_token_id = ends
    model.generation_config.pad_token_id = tokens["<|endoftext|>"]
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(_processor(family)))
    return folder


PICTURES = sorted((Path(__file__).parents[1] / "examples/photographs/images").glob("*.jpg"))
"""The example photographs; at most 40 tokens each, as the tiny models see them."""


def questions() -> list[tuple[Turn, ...]]:
    """Ten conversations: pictures first, last, two and none; texts short and long; a repair."""
    pictures = [path.read_bytes() for path in PICTURES]
    long = "Please describe the appearance of different visual objects. " * 4
    asked: list[tuple[Turn, ...]] = [
        (Turn("user", (picture, f"Say what{' else' * number} is there.")),)
        for number, picture in enumerate(pictures)
    ]
    asked += [
        (Turn("user", (long, pictures[0])),),
        (Turn("user", (long + "In short.", pictures[1])),),
        (Turn("system", ("Be brief.",)), Turn("user", (pictures[2], "or", pictures[3], "?"))),
        (
            Turn("user", ("Only words.",)),
            Turn("assistant", ("1. cup",)),
            Turn("user", ("Number 2 is missing.",)),
        ),
    ]
    return asked


async def open_tiny(folder: Path, **options: Any) -> LocalEngine:
    """The engine over a tiny model, in threads of this process, one for computing."""
    settings = {"slots": 8, "workers": 0, "threads": 1, "memory_gib": 0.25, **options}
    return await open_engine(
        "qwen2_vl/tiny", str(folder), FAMILIES, EngineOptions.model_validate(settings)
    )
