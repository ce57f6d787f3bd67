"""What of a model fits a card: its weights, and how many sequences at once beside them.

A sum of bytes from a shape, made before anything is loaded. It leaves a tenth of a card alone, for
what a step computes with and for torch itself; a share of the sequences that are said to fit is
used only where so many are asked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from annoengine.cards import GIB, Card
from annoengine.errors import InputError
from annoengine.gguf_header import GgufHeader, read_gguf_header
from annoengine.model_shapes import ModelShape, TextShape, known_shape, shape_of_folder
from annoengine.model_sight import QWEN2_VL, QWEN3_VL, SizeWh

Dtype = Literal["float32", "float16", "bfloat16"]

BYTES: dict[str, int] = {"float32": 4, "float16": 2, "bfloat16": 2}
"""Of one number."""

BITS: dict[str, float] = {
    "awq": 4 + (16 + 4) / 128,
    "gptq": 4 + (16 + 4) / 128,
    "gptq-8": 8 + (16 + 8) / 128,
    "nf4": 4 + 32 / 64,
    "int8": 8,
    "fp8": 8,
}
"""Of one number of a packed matrix: AWQ and GPTQ keep a scale and a zero for each 128 (the group
size of the published Qwen checkpoints), bitsandbytes' nf4 a scale of 32 bits for each 64 (its
default, without double quantisation). Embeddings, norms and the vision tower stay as they are."""

USED = 0.9
"""The part of a card that weights and cache may fill; vLLM's default gpu_memory_utilization."""

LENGTH = 2048
"""Tokens of a question with one picture of 640 × 480 (393), a long prompt, and 768 of an answer."""

_FEW = 8
"""Sequences that must fit beside the weights for a model to be worth its card."""

_PICTURE_WH: SizeWh = (640, 480)
_SPLITS = (2, 4, 8)


@dataclass(frozen=True)
class Room:
    """What a model takes, in bytes, and what it may take."""

    weight_bytes: int
    cache_bytes_a_token: int
    usable_bytes: int

    def sequences(self, length: int) -> int:
        """How many of so many tokens fit at once beside the weights; 0 where not even those do."""
        return max(0, self.usable_bytes - self.weight_bytes) // (self.cache_bytes_a_token * length)


def weight_bytes(shape: ModelShape, dtype: str, packing: str | None = None) -> int:
    """What the weights take; ``packing`` None is the shape's own.

    >>> from annoengine.model_shapes import shape_of_name
    >>> round(weight_bytes(shape_of_name("qwen2-vl-72b"), "bfloat16") / GIB, 1)
    136.7
    """
    packing = shape.packing if packing is None else packing
    return _bytes_of(shape, shape.parameters, dtype, packing)


def read_bytes(shape: ModelShape, dtype: str) -> int:
    """Weights that a decode step reads, whatever the number of sequences: the decoder's.

    >>> from annoengine.model_shapes import shape_of_name
    >>> round(read_bytes(shape_of_name("qwen2-vl-7b"), "bfloat16") / 1e9, 1)
    14.1
    """
    return _bytes_of(shape, shape.text.read_parameters, dtype, shape.packing)


def _bytes_of(shape: ModelShape, parameters: int, dtype: str, packing: str) -> int:
    """Of so many parameters, the layers' matrices among them."""
    if not packing:
        return parameters * BYTES[dtype]
    packed = shape.text.packed_parameters
    return round(packed * BITS[packing] / 8) + (parameters - packed) * BYTES[dtype]


def cache_bytes_a_token(shape: ModelShape, dtype: str) -> int:
    """Keys and values of one token.

    >>> from annoengine.model_shapes import shape_of_name
    >>> cache_bytes_a_token(shape_of_name("qwen2-vl-7b"), "bfloat16")
    57344
    """
    return shape.text.kv_values_a_token * BYTES[dtype]


def picture_tokens(shape: ModelShape, size_wh: SizeWh) -> int:
    """Tokens of a picture: a square of merged patches each, and two around it; 0 for a model
    without eyes.

    >>> from annoengine.model_shapes import shape_of_name
    >>> picture_tokens(shape_of_name("qwen2-vl-7b"), (640, 480))  # 23 × 17 squares of 28 pixels
    393
    """
    if shape.vision is None:
        return 0
    step = shape.vision.patch_px * shape.vision.merge
    rule = QWEN3_VL if shape.vision.kind == "qwen3_vl" else QWEN2_VL
    width, height = replace(rule, multiple_px=step).seen_wh(size_wh)
    return (width // step) * (height // step) + 2


def room(shape: ModelShape, dtype: str, card_bytes: int, split: int = 1) -> Room:
    """What a model leaves on a card, or on ``split`` cards of that size that share it."""
    return Room(
        weight_bytes(shape, dtype),
        cache_bytes_a_token(shape, dtype),
        int(card_bytes * USED) * split,
    )


def least_split(shape: ModelShape, dtype: str, card_bytes: int, length: int = LENGTH) -> int | None:
    """Over how many such cards the model must be split (tensor parallel); None: 8 are too few.

    Heads are shared out evenly, so that their number must be a multiple of the cards'.

    >>> from annoengine.model_shapes import shape_of_name
    >>> least_split(shape_of_name("qwen2-vl-72b"), "bfloat16", 48 * GIB)
    4
    """
    for split in (1, *_SPLITS):
        even = shape.text.heads % split == 0
        if even and room(shape, dtype, card_bytes, split).sequences(length) >= _FEW:
            return split
    return None


def shape_of_model(model: str) -> ModelShape | None:
    """The shape of a folder, a GGUF file, or a model by name; None where it is not known.

    Raises InputError for a config.json or a GGUF file that cannot be read.
    """
    path = Path(model).expanduser()
    if path.suffix == ".gguf":
        return _of_gguf(path) if path.is_file() else None
    return shape_of_folder(path) if path.is_dir() else known_shape(model)


def _of_gguf(path: Path) -> ModelShape | None:
    header = read_gguf_header(path)
    try:
        text = _decoder(header)
    except KeyError as error:
        raise InputError(f"{path} does not say its {error}") from None
    # Another architecture has parts that this one lacks; its shape would be a guess.
    same = text.parameters == header.parameters
    return ModelShape(path.name, text) if same else None


def _decoder(header: GgufHeader) -> TextShape:
    hidden, heads = header.number("embedding_length"), header.number("attention.head_count")
    vocab = header.sides.get("token_embd.weight", (0, 0))[-1]
    return TextShape(
        layers=header.number("block_count"),
        hidden=hidden,
        heads=heads,
        kv_heads=header.number("attention.head_count_kv", heads),
        head_dim=header.number("attention.key_length", hidden // heads),
        intermediate=header.number("feed_forward_length"),
        vocab=vocab,
        tied="output.weight" not in header.sides,
        bias="blk.0.attn_q.bias" in header.sides,
        head_norms="blk.0.attn_q_norm.weight" in header.sides,
    )


def fit_sentence(
    name: str,
    shape: ModelShape,
    cards: Sequence[Card],
    dtype: str = "bfloat16",
    split: int = 1,
    length: int = LENGTH,
) -> str:
    """Whether a model fits these cards, and what would.

    A copy stands on each card, or one on ``split`` of them; the smallest card decides.

    >>> from annoengine.model_shapes import shape_of_name
    >>> card = Card("NVIDIA L4", 24 * GIB)
    >>> print(fit_sentence("llama/Llama-3.1-8B", shape_of_name("llama-3.1-8b"), [card]))
    llama/Llama-3.1-8B fits NVIDIA L4 (24 GiB): 8.03 billion parameters, 15.0 GiB in bfloat16, and \
room for 26 sequences of 2,048 tokens at once
    """
    card = min(cards, key=lambda each: each.memory_bytes)
    left = room(shape, dtype, card.memory_bytes, split)
    many = left.sequences(length)
    size = _size(shape)
    takes = f"{_gib(left.weight_bytes)} in {_kept(shape, dtype)}"
    where = str(card) if split == 1 else f"{split} × {card}"
    if split > len(cards):
        return f"{name} is to be split over {split} cards, and there are {len(cards)}"
    if many:
        seen = picture_tokens(shape, _PICTURE_WH)
        picture = f" (a picture of 640 × 480 is {seen} of them)" if seen else ""
        return (
            f"{name} fits {where}: {size}, {takes}, and room for {many:,} sequences of "
            f"{length:,} tokens at once{picture}"
        )
    return (
        f"{name} does not fit {where}: its {size} take {takes}, and {_gib(left.usable_bytes)} are "
        f"to be had; {_what_would(shape, dtype, card, length)}"
    )


def cpu_sentence(
    name: str,
    shape: ModelShape,
    memory_bytes: int,
    dtype: str = "float32",
    why: str = "no GPU was found",
) -> str:
    """What a model takes of a machine's own memory, and ``why`` it computes there."""
    takes = weight_bytes(shape, dtype)
    found = f"{_size(shape)}, {_gib(takes)} in {_kept(shape, dtype)}"
    if takes > memory_bytes * USED:
        return (
            f"{name} does not fit this machine: {why}, and of its memory of "
            f"{_gib(memory_bytes)} it takes too much ({found})"
        )
    return f"{name} runs on the CPU, for {why}: {found}"


def _what_would(shape: ModelShape, dtype: str, card: Card, length: int) -> str:
    ways = []
    if BYTES[dtype] > 2 and room(shape, "bfloat16", card.memory_bytes).sequences(length) >= _FEW:
        ways.append(f"dtype: bfloat16 ({_gib(weight_bytes(shape, 'bfloat16'))})")
    split = least_split(shape, dtype, card.memory_bytes, length)
    if split is not None and split > 1:
        ways.append(f"vllm/… with the model split over {split} such cards (tensor parallel)")
    if not shape.packing:
        packed = replace(shape, packing="awq")
        short = weight_bytes(packed, "bfloat16")
        if room(packed, "bfloat16", card.memory_bytes).sequences(length) >= _FEW:
            ways.append(f"its checkpoint in 4 bits (AWQ, {_gib(short)})")
    return f"what would: {', or '.join(ways)}" if ways else "a smaller model would"


def _size(shape: ModelShape) -> str:
    billions = shape.parameters / 1e9
    if billions < 1:
        return f"{1000 * billions:.0f} million parameters"
    return f"{billions:.3g} billion parameters"


def _kept(shape: ModelShape, dtype: str) -> str:
    return f"{shape.packing} and {dtype}" if shape.packing else dtype


def _gib(number: float) -> str:
    return f"{number / GIB:.1f} GiB"
