"""Makes a model of a true shape with random weights, on the device itself: nothing is loaded.

What a step costs depends on the shape and on nothing that was learnt, so that a machine can be
measured before the weights are there. Its tokenizer knows the bytes and the marks of a chat, and
no words: a prompt has as many tokens as it has bytes.
"""

from __future__ import annotations

import importlib
from typing import Any

from annoengine.local.model import LoadedModel
from annoengine.local.pictures import PictureRule
from annoengine.model_shapes import ModelShape, TextShape, VisionShape, shape_of_name

TINY = ModelShape(
    "tiny",
    TextShape(2, 64, 4, 2, 16, 128, 320, tied=True, bias=True),
    VisionShape("qwen2_vl", 2, 32, 2, 64, 64, 14),
)
"""Small enough for any processor: a shape to try the command with, and no model's."""

_MARKS = (
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
_BYTES = 256

_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for p in m.content %}"
    "{% if p.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ p.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""Turns between marks: the form that Qwen's chat templates have, without their defaults."""

_CLASSES = {
    "qwen2_vl": "Qwen2VLForConditionalGeneration",
    "qwen2_5_vl": "Qwen2_5_VLForConditionalGeneration",
    "qwen3_vl": "Qwen3VLForConditionalGeneration",
    "llama": "LlamaForCausalLM",
}


def bench_shape(name: str) -> ModelShape:
    """The shape of a name, or :data:`TINY`. Raises InputError with the names that are known."""
    return TINY if name == "tiny" else shape_of_name(name)


def random_model(
    shape: ModelShape, device: str, dtype: str, attention: str = "sdpa", seed: int = 0
) -> LoadedModel:
    """A model of that shape, its weights drawn by ``seed``, in eval mode on ``device``."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    kind = "llama" if shape.vision is None else shape.vision.kind
    config = _config(transformers, kind, shape)
    wanted = {"dtype": getattr(torch, dtype), "attn_implementation": attention}
    on_card = [device] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=on_card), torch.device(device):
        torch.manual_seed(seed)
        model = getattr(transformers, _CLASSES[kind])._from_config(config, **wanted)
    rule = PictureRule()
    if shape.vision is not None:
        rule = PictureRule(
            patch_px=shape.vision.patch_px,
            merge=shape.vision.merge,
            frames=shape.vision.frames,
        )
    end = _BYTES + _MARKS.index("<|im_end|>")
    tokenizer = byte_tokenizer()
    return LoadedModel(
        model.eval(),
        device=device,
        end_tokens=(end,),
        tokenizer=tokenizer,
        template=_TEMPLATE,
        rule=rule,
        name=f"random weights in the shape of {shape.name}",
    )


def byte_tokenizer() -> Any:
    """A tokenizer whose first 256 tokens are the bytes, and the next the marks of a chat."""
    transformers: Any = importlib.import_module("transformers")
    tokenizers: Any = importlib.import_module("tokenizers")
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    words = {letter: number for number, letter in enumerate(alphabet)}
    inner = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=words, merges=[]))
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = tokenizers.decoders.ByteLevel()
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<|im_end|>", pad_token="<|im_end|>"
    )
    inner_marks = [tokenizers.AddedToken(mark, special=True) for mark in _MARKS]
    made.add_special_tokens({"additional_special_tokens": inner_marks})
    made.chat_template = _TEMPLATE
    return made


def _config(transformers: Any, kind: str, shape: ModelShape) -> Any:
    text = shape.text
    tokens = {mark: _BYTES + number for number, mark in enumerate(_MARKS)}
    decoder: dict[str, Any] = {
        "num_hidden_layers": text.layers,
        "hidden_size": text.hidden,
        "num_attention_heads": text.heads,
        "num_key_value_heads": text.kv_heads,
        "head_dim": text.head_dim,
        "intermediate_size": text.intermediate,
        "vocab_size": text.vocab,
        "max_position_embeddings": 32_768,
        "tie_word_embeddings": text.tied,
        "bos_token_id": tokens["<|im_start|>"],
        "eos_token_id": tokens["<|im_end|>"],
        "pad_token_id": tokens["<|im_end|>"],
    }
    if shape.vision is None:
        return transformers.AutoConfig.for_model(kind, **decoder)
    decoder["rope_parameters"] = {
        "rope_type": "default",
        "rope_theta": 1_000_000.0,
        "mrope_section": _sections(kind, text.head_dim),
    }
    return transformers.AutoConfig.for_model(
        kind,
        text_config=decoder,
        vision_config=_tower(shape.vision),
        tie_word_embeddings=text.tied,
        image_token_id=tokens["<|image_pad|>"],
        video_token_id=tokens["<|video_pad|>"],
        vision_start_token_id=tokens["<|vision_start|>"],
        vision_end_token_id=tokens["<|vision_end|>"],
    )


def _sections(kind: str, width: int) -> list[int]:
    """How the angles of a head are shared out among time, rows and columns.

    Source: ``mrope_section`` of the public config.json: 16, 24, 24 of 128 (Qwen3-VL: 24, 20, 20).

    >>> _sections("qwen2_vl", 128), _sections("qwen3_vl", 128), _sections("qwen2_vl", 16)
    ([16, 24, 24], [24, 20, 20], [2, 3, 3])
    """
    side = width * (5 if kind == "qwen3_vl" else 6) // 32
    return [width // 2 - 2 * side, side, side]


def _tower(vision: VisionShape) -> dict[str, Any]:
    both: dict[str, Any] = {
        "depth": vision.layers,
        "num_heads": vision.heads,
        "patch_size": vision.patch_px,
        "spatial_merge_size": vision.merge,
        "temporal_patch_size": vision.frames,
    }
    if vision.kind == "qwen2_vl":
        ratio = vision.intermediate // vision.hidden
        own = {"embed_dim": vision.hidden, "mlp_ratio": ratio, "hidden_size": vision.out}
        return both | own
    both |= {
        "hidden_size": vision.hidden,
        "intermediate_size": vision.intermediate,
        "out_hidden_size": vision.out,
    }
    if vision.kind == "qwen2_5_vl":
        return both
    marks = [vision.layers * (n + 1) // (vision.deepstack + 1) for n in range(vision.deepstack)]
    both["deepstack_visual_indexes"] = marks
    return {**both, "num_position_embeddings": vision.positions}
