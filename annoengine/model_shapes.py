"""True shapes of local models: parameters, weights, KV cache and arithmetic, from a name or a
config.json.

Everything is counted from a model's dimensions; no weights are read and nothing heavy is
imported. It knows dense decoders with grouped-query attention and gated MLPs (LLaMA, Qwen2, Qwen3)
and the vision towers of Qwen2-VL, Qwen2.5-VL and Qwen3-VL; of anything else it says that it does
not know it, and never guesses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from annoengine.errors import InputError

VisionKind = Literal["qwen2_vl", "qwen2_5_vl", "qwen3_vl"]


@dataclass(frozen=True)
class TextShape:
    """A decoder: ``layers`` of grouped-query attention and a gated MLP.

    ``tied``: input and output embedding are one matrix. ``bias``: of the query, key and value
    projections (Qwen2). ``head_norms``: queries and keys are normed head by head (Qwen3).
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int
    tied: bool
    bias: bool = False
    head_norms: bool = False

    @property
    def packed_parameters(self) -> int:
        """Those of the layers' matrices, which 4- and 8-bit formats pack."""
        attention = 2 * self.hidden * self.head_dim * (self.heads + self.kv_heads)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def parameters(self) -> int:
        """All of them; a tied embedding counts once."""
        small = 2 * self.hidden
        if self.bias:
            small += (self.heads + 2 * self.kv_heads) * self.head_dim
        if self.head_norms:
            small += 2 * self.head_dim
        embeddings = self.vocab * self.hidden * (1 if self.tied else 2)
        return self.packed_parameters + self.layers * small + self.hidden + embeddings

    @property
    def read_parameters(self) -> int:
        """Those that a decode step reads whole: all but the input embedding, of which it reads a
        row a sequence; a tied one is read as the output's."""
        return self.parameters - (0 if self.tied else self.vocab * self.hidden)

    @property
    def kv_values_a_token(self) -> int:
        """Numbers that the cache keeps of one token: keys and values of each layer.

        >>> shape_of_name("Qwen2-VL-7B").text.kv_values_a_token  # 2 × 28 × 4 × 128
        28672
        """
        return 2 * self.layers * self.kv_heads * self.head_dim

    def flops(self, tokens: int, context: int, answers: int = 1) -> float:
        """Arithmetic of ``tokens`` forward, each looking back at ``context`` others in the mean.

        Two for each number of a matrix that a token meets (a product and a sum). ``answers``: of
        how many tokens the output embedding is asked.
        """
        looking = 4 * self.layers * self.heads * self.head_dim * context
        return (
            2.0 * tokens * self.packed_parameters
            + float(tokens) * looking
            + 2.0 * answers * self.vocab * self.hidden
        )


@dataclass(frozen=True)
class VisionShape:
    """A vision transformer and the merger that gives its patches to the decoder.

    ``out`` is the decoder's width; ``merge`` patches a side become one token. ``positions``:
    learned ones (Qwen3-VL). ``deepstack``: how many layers also hand their features over.
    """

    kind: VisionKind
    layers: int
    hidden: int
    heads: int
    intermediate: int
    out: int
    patch_px: int
    merge: int = 2
    frames: int = 2
    positions: int = 0
    deepstack: int = 0

    @property
    def parameters(self) -> int:
        """All of them."""
        width, merged = self.hidden, self.hidden * self.merge**2
        patch = 3 * self.frames * self.patch_px**2 * width
        attention = 4 * width * width + 4 * width
        merging = merged * merged + merged + merged * self.out + self.out
        if self.kind == "qwen2_5_vl":  # gated MLP, norms without bias, patches without bias
            mlp = 3 * width * self.intermediate + 2 * self.intermediate + width
            return patch + self.layers * (attention + mlp + 2 * width) + width + merging
        mlp = 2 * width * self.intermediate + self.intermediate + width
        blocks = self.layers * (attention + mlp + 4 * width)
        if self.kind == "qwen2_vl":
            return patch + blocks + 2 * width + merging
        extra = self.deepstack * (2 * merged + merging)
        return patch + width + self.positions * width + blocks + 2 * width + merging + extra

    def flops(self, patches: int) -> float:
        """Arithmetic of one picture of so many patches, each looking at all of them.

        An upper bound for Qwen2.5-VL, most of whose layers look within windows.
        """
        matrices = 2.0 * patches * (self.parameters - self.positions * self.hidden)
        return matrices + 4.0 * self.layers * self.hidden * float(patches) ** 2


@dataclass(frozen=True)
class ModelShape:
    """One model: its decoder, its vision tower if it has one, and how its weights are packed."""

    name: str
    text: TextShape
    vision: VisionShape | None = None
    packing: str = ""
    """``awq``, ``gptq-8`` … as :data:`annoengine.card_fit.BITS` knows it; "" for none."""

    @property
    def parameters(self) -> int:
        """All of them.

        >>> shape_of_name("Qwen/Qwen2-VL-7B-Instruct").parameters
        8291375616
        """
        return self.text.parameters + (0 if self.vision is None else self.vision.parameters)


def _qwen2(layers: int, hidden: int, heads: int, kv: int, wide: int, *, tied: bool) -> TextShape:
    vocab = 151_936 if tied else 152_064
    return TextShape(layers, hidden, heads, kv, 128, wide, vocab, tied, bias=True)


def _qwen3(layers: int, hidden: int, heads: int, wide: int, *, tied: bool) -> TextShape:
    return TextShape(layers, hidden, heads, 8, 128, wide, 151_936, tied, head_norms=True)


def _llama(layers: int, hidden: int, heads: int, wide: int, *, tied: bool = False) -> TextShape:
    return TextShape(layers, hidden, heads, 8, hidden // heads, wide, 128_256, tied)


def _eye2(out: int) -> VisionShape:
    return VisionShape("qwen2_vl", 32, 1280, 16, 5120, out, 14)


def _eye25(out: int, wide: int) -> VisionShape:
    return VisionShape("qwen2_5_vl", 32, 1280, 16, wide, out, 14)


def _eye3(out: int, *, large: bool) -> VisionShape:
    layers, width, wide = (27, 1152, 4304) if large else (24, 1024, 4096)
    return VisionShape("qwen3_vl", layers, width, 16, wide, out, 16, positions=48 * 48, deepstack=3)


_LLAMA_8B = _llama(32, 4096, 32, 14336)
_LLAMA_70B = _llama(80, 8192, 64, 28672)

SHAPES: Mapping[str, ModelShape] = {
    shape.name: shape
    for shape in (
        ModelShape("qwen2-vl-2b", _qwen2(28, 1536, 12, 2, 8960, tied=True), _eye2(1536)),
        ModelShape("qwen2-vl-7b", _qwen2(28, 3584, 28, 4, 18944, tied=False), _eye2(3584)),
        ModelShape("qwen2-vl-72b", _qwen2(80, 8192, 64, 8, 29568, tied=False), _eye2(8192)),
        ModelShape("qwen2.5-vl-3b", _qwen2(36, 2048, 16, 2, 11008, tied=True), _eye25(2048, 3420)),
        ModelShape("qwen2.5-vl-7b", _qwen2(28, 3584, 28, 4, 18944, tied=False), _eye25(3584, 3420)),
        ModelShape(
            "qwen2.5-vl-32b", _qwen2(64, 5120, 40, 8, 27648, tied=False), _eye25(5120, 3456)
        ),
        ModelShape(
            "qwen2.5-vl-72b", _qwen2(80, 8192, 64, 8, 29568, tied=False), _eye25(8192, 3456)
        ),
        ModelShape("qwen3-vl-2b", _qwen3(28, 2048, 16, 6144, tied=True), _eye3(2048, large=False)),
        ModelShape("qwen3-vl-4b", _qwen3(36, 2560, 32, 9728, tied=True), _eye3(2560, large=False)),
        ModelShape("qwen3-vl-8b", _qwen3(36, 4096, 32, 12288, tied=False), _eye3(4096, large=True)),
        ModelShape(
            "qwen3-vl-32b", _qwen3(64, 5120, 64, 25600, tied=False), _eye3(5120, large=True)
        ),
        ModelShape("llama-3-8b", _LLAMA_8B),
        ModelShape("llama-3.1-8b", _LLAMA_8B),
        ModelShape("llama-3-70b", _LLAMA_70B),
        ModelShape("llama-3.1-70b", _LLAMA_70B),
        ModelShape("llama-3.3-70b", _LLAMA_70B),
        ModelShape("llama-3.1-405b", _llama(126, 16384, 128, 53248)),
        ModelShape("llama-3.2-1b", _llama(16, 2048, 32, 8192, tied=True)),
        ModelShape("llama-3.2-3b", _llama(28, 3072, 24, 8192, tied=True)),
        ModelShape("smollm2-135m", TextShape(30, 576, 9, 3, 64, 1536, 49_152, tied=True)),
    )
}
"""The shapes that are known by name.

Source: the public config.json of each model (Qwen/Qwen2-VL-…-Instruct, Qwen/Qwen2.5-VL-…-Instruct,
Qwen/Qwen3-VL-…-Instruct, meta-llama/Llama-3…, HuggingFaceTB/SmolLM2-135M). Counted from them, the
parameters are those of the published safetensors: 2.21, 8.29 and 73.4 billion for Qwen2-VL, 3.75,
8.29, 33.5 and 73.4 for Qwen2.5-VL, 2.13, 4.44, 8.77 and 33.4 for Qwen3-VL. Table 1 of Qwen2.5-VL's
paper (arXiv 2502.13923) gives the MLPs of the 3B decoder and of the towers of 3B and 7B otherwise
(4,864 and 3,456); the checkpoints have 11,008 and 3,420.
"""

_PACKINGS: tuple[tuple[str, str], ...] = (
    (r"awq", "awq"),
    (r"gptq.*(int8|8bit)", "gptq-8"),
    (r"gptq", "gptq"),
    (r"(bnb|unsloth).*4[-_]?bit|nf4", "nf4"),
    (r"8[-_]?bit|int8", "int8"),
    (r"fp8", "fp8"),
)


def known_shape(name: str) -> ModelShape | None:
    """The shape of a model by its name, in any of the ways in which names are written.

    >>> known_shape("qwen2_vl/Qwen/Qwen2-VL-72B-Instruct-AWQ").packing
    'awq'
    >>> known_shape("mistralai/Pixtral-12B") is None
    True
    """
    plain = _plain(name)
    for key, shape in SHAPES.items():
        if re.search(rf"(?<![a-z0-9]){re.escape(_plain(key))}(?![a-z0-9])", plain):
            lower = name.lower()
            packing = next((p for pattern, p in _PACKINGS if re.search(pattern, lower)), "")
            return replace(shape, packing=packing)
    return None


def _plain(name: str) -> str:
    """A name in one spelling.

    >>> _plain("Meta-Llama-3_1-8B"), _plain("qwen2_5_vl-3B")
    ('llama-3.1-8b', 'qwen2.5-vl-3b')
    """
    lower = name.lower().replace("_", "-")
    lower = re.sub(r"(?<=qwen2)[-.]5(?=-?vl)", ".5", lower)
    lower = re.sub(r"(?<=[a-z0-9])vl(?=-)", lambda m: f"-{m[0]}", lower)
    lower = re.sub(r"(?<=llama-3)-(?=\d-)", ".", re.sub(r"meta-llama(?=-\d)", "llama", lower))
    return re.sub(r"-+", "-", lower)


def shape_of_name(name: str) -> ModelShape:
    """Like :func:`known_shape`. Raises InputError, with the names that are known, for another."""
    shape = known_shape(name)
    if shape is None:
        raise InputError(f"no shape is known for {name!r}; known are {', '.join(SHAPES)}")
    return shape


def shape_of_folder(folder: Path) -> ModelShape | None:
    """The shape of the model that lies in a folder; None for one without a config.json, or of a
    kind that is not known here. Raises InputError for a config.json that cannot be read."""
    file = folder / "config.json"
    if not file.is_file():
        return None
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read as JSON: {error}") from None
    if not isinstance(config, dict):
        raise InputError(f"{file} holds no model's configuration: it is no JSON object")
    try:
        return shape_of_config(config, folder.name)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file} is no model's configuration: {error!r}") from None


_KINDS: Mapping[str, dict[str, bool]] = {
    "llama": {},
    "mistral": {},
    "qwen2": {"bias": True},
    "qwen2_vl": {"bias": True},
    "qwen2_5_vl": {"bias": True},
    "qwen3": {"head_norms": True},
    "qwen3_vl": {"head_norms": True},
}


def shape_of_config(config: Mapping[str, Any], name: str = "") -> ModelShape | None:
    """The shape that a config.json tells, in its older flat form or its newer nested one.

    None for a kind of model that is not known here. Raises KeyError for a value that is missing.
    """
    kind = str(config.get("model_type", ""))
    if kind not in _KINDS:
        return None
    text = config.get("text_config") or config
    heads, hidden = int(text["num_attention_heads"]), int(text["hidden_size"])
    tied = config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))
    decoder = TextShape(
        layers=int(text["num_hidden_layers"]),
        hidden=hidden,
        heads=heads,
        kv_heads=int(text.get("num_key_value_heads") or heads),
        head_dim=int(text.get("head_dim") or hidden // heads),
        intermediate=int(text["intermediate_size"]),
        vocab=int(text["vocab_size"]),
        tied=bool(tied),
        **_KINDS[kind],
    )
    seen = config.get("vision_config")
    vision = None if seen is None else _vision(kind, seen, hidden)
    return ModelShape(name or kind, decoder, vision, _packing_of(config, name))


def _vision(kind: str, seen: Mapping[str, Any], out: int) -> VisionShape:
    """A tower. What a published config.json leaves out is what transformers takes for it."""
    if kind == "qwen2_vl":
        width = int(seen.get("embed_dim", 1280))
        wide = int(width * float(seen.get("mlp_ratio", 4)))
        return VisionShape(
            "qwen2_vl",
            int(seen.get("depth", 32)),
            width,
            int(seen.get("num_heads", 16)),
            wide,
            int(seen.get("hidden_size", out)),
            int(seen.get("patch_size", 14)),
            int(seen.get("spatial_merge_size", 2)),
            int(seen.get("temporal_patch_size", 2)),
        )
    newest = kind == "qwen3_vl"
    marks = seen.get("deepstack_visual_indexes", (8, 16, 24))
    return VisionShape(
        "qwen3_vl" if newest else "qwen2_5_vl",
        int(seen.get("depth", 27 if newest else 32)),
        int(seen.get("hidden_size", 1152 if newest else 1280)),
        int(seen.get("num_heads", 16)),
        int(seen.get("intermediate_size", 4304 if newest else 3420)),
        int(seen.get("out_hidden_size", out)),
        int(seen.get("patch_size", 16 if newest else 14)),
        int(seen.get("spatial_merge_size", 2)),
        int(seen.get("temporal_patch_size", 2)),
        int(seen.get("num_position_embeddings", 2304)) if newest else 0,
        len(marks) if newest else 0,
    )


def _packing_of(config: Mapping[str, Any], name: str) -> str:
    """How weights are packed, by ``quantization_config``; else by the name."""
    packed = config.get("quantization_config")
    if not isinstance(packed, Mapping):
        found = known_shape(name)
        return found.packing if found is not None else ""
    method = str(packed.get("quant_method", ""))
    if method == "awq":
        return "awq"
    if method == "gptq":
        return "gptq-8" if packed.get("bits") == 8 else "gptq"
    if method == "fp8":
        return "fp8"
    if method.startswith("bitsandbytes") or "load_in_4bit" in packed:
        return "nf4" if packed.get("load_in_4bit") else "int8"
    return ""
