"""A tiny CLIP with random weights, saved as the real ones are. It sees nothing; it is no CLIP that
anyone trained, and only its path through the code is real."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any


def _byte_characters() -> list[str]:
    """The 256 characters that stand for bytes in CLIP's vocabulary (and in GPT-2's)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    stands_for = {byte: chr(byte) for byte in plain}
    for byte in range(256):
        stands_for.setdefault(byte, chr(256 + len(stands_for) - len(plain)))
    return [stands_for[byte] for byte in range(256)]


def save_tiny_clip(folder: Path, seed: int = 0) -> Path:
    """Saves one of 24 dimensions, for pictures of 32 × 32 and 77 tokens; gives its folder."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    letters = _byte_characters()
    words = [*letters, *(letter + "</w>" for letter in letters)]
    first, last = "<|startoftext|>", "<|endoftext|>"
    vocabulary = {word: number for number, word in enumerate([*words, first, last])}
    both = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = transformers.CLIPConfig(
        text_config={
            **both,
            "num_attention_heads": 2,
            "vocab_size": len(vocabulary),
            "max_position_embeddings": 77,
            "bos_token_id": vocabulary[first],
            "eos_token_id": vocabulary[last],
            "pad_token_id": vocabulary[last],
        },
        vision_config={**both, "num_attention_heads": 2, "image_size": 32, "patch_size": 8},
        projection_dim=24,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.CLIPModel(config)
    model.save_pretrained(folder)
    transformers.CLIPTokenizer(vocabulary, [], model_max_length=77).save_pretrained(folder)
    prepares = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": 32},
        "resample": 3,
        "do_center_crop": True,
        "crop_size": {"height": 32, "width": 32},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(prepares))
    return folder
