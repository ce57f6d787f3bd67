"""What fits a card: bytes by hand, sentences as people read them, GGUF files."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from annoengine.card_fit import (
    cache_bytes_a_token,
    cpu_sentence,
    fit_sentence,
    least_split,
    picture_tokens,
    read_bytes,
    room,
    shape_of_model,
    weight_bytes,
)
from annoengine.cards import GIB, Card, peak_of
from annoengine.errors import InputError
from annoengine.gguf_header import read_gguf_header
from annoengine.image_tokens import image_tokens
from annoengine.model_shapes import SHAPES, TextShape, shape_of_name

H200 = Card("NVIDIA H200", 143_771 * 2**20)
BIG = shape_of_name("Qwen/Qwen2-VL-72B-Instruct")
SEVEN = shape_of_name("qwen2-vl-7b")


def test_bytes_by_hand() -> None:
    assert weight_bytes(SEVEN, "bfloat16") == 2 * 8_291_375_616
    assert weight_bytes(SEVEN, "float32") == 4 * 8_291_375_616
    assert cache_bytes_a_token(SEVEN, "bfloat16") == 2 * 28 * 4 * 128 * 2
    # The layers' matrices in 4 bits, a scale of 16 and a zero of 4 for each 128 of them.
    packed = 28 * (2 * 3584 * 128 * 32 + 3 * 3584 * 18944)
    kept = 2 * (8_291_375_616 - packed)
    assert weight_bytes(SEVEN, "bfloat16", "awq") == packed * (4 + 20 / 128) / 8 + kept
    # A step reads all of the decoder but the input embedding.
    eye = SEVEN.vision
    assert eye is not None
    assert read_bytes(SEVEN, "bfloat16") == 2 * (8_291_375_616 - eye.parameters - 152_064 * 3584)


def test_sequences_by_hand() -> None:
    free = int(24 * GIB * 0.9) - 2 * 8_291_375_616
    assert room(SEVEN, "bfloat16", 24 * GIB).sequences(2048) == free // (57_344 * 2048) == 56
    assert room(SEVEN, "bfloat16", 16 * GIB).sequences(2048) == 0


@pytest.mark.parametrize("name", ["qwen2-vl-2b", "qwen2.5-vl-7b", "qwen3-vl-8b"])
@pytest.mark.parametrize("size_wh", [(640, 480), (427, 640), (20, 20), (9000, 5000)])
def test_pictures_count_as_the_plan_counts_them(name: str, size_wh: tuple[int, int]) -> None:
    assert picture_tokens(SHAPES[name], size_wh) == image_tokens(f"qwen2_vl/{name}", size_wh).likely


def test_the_largest_does_not_fit_one_h200_and_what_would() -> None:
    assert fit_sentence("qwen2_vl/Qwen2-VL-72B", BIG, [H200]) == (
        "qwen2_vl/Qwen2-VL-72B does not fit NVIDIA H200 (140 GiB): its 73.4 billion parameters "
        "take 136.7 GiB in bfloat16, and 126.4 GiB are to be had; what would: vllm/… with the "
        "model split over 2 such cards (tensor parallel), or its checkpoint in 4 bits (AWQ, "
        "39.9 GiB)"
    )
    split = fit_sentence("vllm/Qwen2-VL-72B", BIG, [H200, H200], split=2)
    assert "fits 2 × NVIDIA H200 (140 GiB)" in split
    packed = shape_of_name("Qwen2-VL-72B-Instruct-AWQ")
    assert "fits NVIDIA H200 (140 GiB): 73.4 billion parameters, 39.9 GiB in awq and " in (
        fit_sentence("x", packed, [H200])
    )


def test_other_sentences() -> None:
    small = Card("NVIDIA GeForce RTX 4090", 24_564 * 2**20)
    assert "what would: dtype: bfloat16 (15.4 GiB), or" in fit_sentence(
        "x", SEVEN, [small], "float32"
    )
    # The smallest card decides.
    assert "does not fit NVIDIA L4 (22 GiB)" in fit_sentence(
        "x", shape_of_name("qwen2.5-vl-32b"), [H200, Card("NVIDIA L4", 22 * GIB)]
    )
    assert fit_sentence("x", BIG, [H200], split=2) == (
        "x is to be split over 2 cards, and there are 1"
    )
    assert fit_sentence("x", BIG, [Card("tiny", GIB)]).endswith("; a smaller model would")
    tiny = shape_of_name("smollm2-135m")
    assert cpu_sentence("x", tiny, 8 * GIB) == (
        "x runs on the CPU, for no GPU was found: 135 million parameters, 0.5 GiB in float32"
    )
    assert "does not fit this machine" in cpu_sentence("x", SEVEN, 23 * GIB)


def test_heads_are_shared_out_evenly() -> None:
    # 28 heads go over 4 cards and not over 8.
    assert least_split(SEVEN, "bfloat16", 8 * GIB) == 4
    assert least_split(SEVEN, "bfloat16", 4 * GIB) is None


def test_peaks_of_cards_by_name() -> None:
    for name, bandwidth in (
        ("NVIDIA H200", 4800),
        ("NVIDIA H100 80GB HBM3", 3350),
        ("NVIDIA H100 PCIe", 2000),
        ("NVIDIA A100 80GB PCIe", 1935),
        ("NVIDIA A100-SXM4-40GB", 1555),
        ("NVIDIA L40S", 864),
        ("NVIDIA L40", 864),
        ("NVIDIA GeForce RTX 4090", 1008),
    ):
        peak = peak_of(name)
        assert peak is not None, name
        assert peak.bandwidth_gb_s == bandwidth, name
        assert "NVIDIA" in peak.source
    for name in ("NVIDIA GeForce RTX 4090 D", "Tesla T4", "NVIDIA H200 MIG 1g.18gb", "CPU"):
        assert peak_of(name) is None, name


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def gguf(shape: TextShape, *more: tuple[str, tuple[int, ...]]) -> bytes:
    """The head of a LLaMA's GGUF file, with lists among its entries as real ones have them."""
    numbers = {
        "llama.block_count": shape.layers,
        "llama.embedding_length": shape.hidden,
        "llama.attention.head_count": shape.heads,
        "llama.attention.head_count_kv": shape.kv_heads,
        "llama.feed_forward_length": shape.intermediate,
    }
    entries = [string("general.architecture") + struct.pack("<I", 8) + string("llama")]
    entries += [string(k) + struct.pack("<II", 4, v) for k, v in numbers.items()]
    words = struct.pack("<IIQ", 9, 8, 2) + string("a") + string("bc")
    entries.append(string("tokenizer.ggml.tokens") + words)
    entries.append(string("tokenizer.ggml.scores") + struct.pack("<IIQ", 9, 6, 2) + b"\0" * 8)
    hidden, wide = shape.hidden, shape.intermediate
    sides: list[tuple[str, tuple[int, ...]]] = [
        ("token_embd.weight", (hidden, shape.vocab)),
        ("output_norm.weight", (hidden,)),
        ("rope_freqs.weight", (4,)),
        *more,
    ]
    for n in range(shape.layers):
        sides += [
            (f"blk.{n}.attn_q.weight", (hidden, shape.heads * shape.head_dim)),
            (f"blk.{n}.attn_k.weight", (hidden, shape.kv_heads * shape.head_dim)),
            (f"blk.{n}.attn_v.weight", (hidden, shape.kv_heads * shape.head_dim)),
            (f"blk.{n}.attn_output.weight", (shape.heads * shape.head_dim, hidden)),
            (f"blk.{n}.ffn_gate.weight", (hidden, wide)),
            (f"blk.{n}.ffn_up.weight", (hidden, wide)),
            (f"blk.{n}.ffn_down.weight", (wide, hidden)),
            (f"blk.{n}.attn_norm.weight", (hidden,)),
            (f"blk.{n}.ffn_norm.weight", (hidden,)),
        ]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(sides), len(entries)) + b"".join(entries)
    for name, lengths in sides:
        head += string(name) + struct.pack("<I", len(lengths))
        head += struct.pack(f"<{len(lengths)}Q", *lengths) + struct.pack("<IQ", 2, 0)
    return head


def test_a_gguf_file_tells_its_shape(tmp_path: Path) -> None:
    text = TextShape(2, 8, 4, 2, 2, 16, 30, tied=True)
    file = tmp_path / "tiny.gguf"
    file.write_bytes(gguf(text))
    found = shape_of_model(str(file))
    assert found is not None
    assert found.text == text
    file.write_bytes(gguf(text, ("output.weight", (8, 30))))
    found = shape_of_model(str(file))
    assert found is not None
    assert not found.text.tied
    # Something that LLaMA has not: no shape is guessed, the count is exact all the same.
    file.write_bytes(gguf(text, ("blk.0.expert.weight", (8, 8))))
    assert shape_of_model(str(file)) is None
    assert read_gguf_header(file).parameters == text.parameters + 64


def test_what_is_no_gguf_file(tmp_path: Path) -> None:
    file = tmp_path / "x.gguf"
    whole = gguf(TextShape(1, 8, 4, 2, 2, 16, 30, tied=True))
    for data, words in (
        (b"PK\x03\x04", "it does not begin with GGUF"),
        (b"GGUF" + struct.pack("<I", 9), "its version is 9, and 2 and 3 are known"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1), "it counts 1,152,921,504,606,846,976"),
        (whole[: len(whole) // 2], "is no GGUF file"),
    ):
        file.write_bytes(data)
        with pytest.raises(InputError) as raised:
            read_gguf_header(file)
        assert f"{file} is no GGUF file" in str(raised.value)
        assert words in str(raised.value)
    assert shape_of_model(str(tmp_path / "none.gguf")) is None
