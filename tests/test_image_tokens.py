"""Tokens of pictures: the providers' published examples, and what holds of every rule."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.image_tokens import Detail, image_tokens, is_known
from annoengine.model_sight import sight_of

DETAILS: tuple[Detail, ...] = ("low", "high", "auto")

KNOWN = [
    "openai/gpt-4o-2024-11-20",
    "openai/gpt-4o-mini",
    "openai/chatgpt-4o-latest",
    "openai/gpt-4-turbo",
    "openai/gpt-4-1106-vision-preview",
    "openai/gpt-4.1",
    "openai/gpt-4.1-mini",
    "openai/gpt-4.1-nano-2025-04-14",
    "openai/gpt-4.5-preview",
    "openai/o1",
    "openai/o3-2025-04-16",
    "openai/o4-mini",
    "openai/codex-mini-latest",
    "openai/gpt-5",
    "openai/gpt-5-2025-08-07",
    "openai/gpt-5-mini",
    "openai/gpt-5-nano",
    "openai/gpt-5.1",
    "openai/gpt-5.1-codex-mini",
    "openai/gpt-5.2",
    "openai/gpt-5.3-codex",
    "openai/gpt-5.4",
    "openai/gpt-5.4-mini",
    "openai/gpt-5.4-nano",
    "openai/gpt-5.5",
    "openai/gpt-5.6-sol",
    "openai/gpt-6-luna",
    "openai/ft:gpt-4o-2024-08-06:lab:x",
    "openrouter/openai/o3",
    "gemini/gemini-1.5-pro",
    "gemini/gemini-2.0-flash",
    "gemini/gemini-2.5-flash",
    "gemini/gemini-3-pro-preview",
    "gemini/gemini-3.5-flash",
    "gemini/gemini-4-argon",
    "gemini/gemini-flash-latest",
    "openai/Qwen/Qwen2-VL-7B-Instruct",
    "openai/qwen2.5vl:7b",
    "vllm/Qwen/Qwen3-VL-8B-Instruct",
    "pixels",
    "replay/runs/pix2cap",
]
UNKNOWN = ["openai/llava-1.6", "openai/gpt-4", "openai/gpt-oss:20b", "openai/Xkev/LLaVA-o1"]


@pytest.mark.parametrize(
    ("model", "size_wh", "detail", "tokens"),
    [
        # OpenAI's guide "Images and vision", tiles: its three examples for gpt-4o.
        ("openai/gpt-4o", (1024, 1024), "high", 765),  # 768 × 768: 4 × 170 + 85
        ("openai/gpt-4o", (2048, 4096), "high", 1105),  # 768 × 1536: 6 × 170 + 85
        ("openai/gpt-4o", (4096, 8192), "low", 85),
        # By the same rule: 640 × 427 is covered by 2 × 1 tiles and is not enlarged.
        ("openai/gpt-4o", (640, 427), "auto", 425),
        ("openai/gpt-4o", (512, 512), "high", 255),
        ("openai/gpt-4o", (513, 512), "high", 425),
        ("openai/gpt-4.1", (1024, 1024), "high", 765),
        ("openai/gpt-4o-mini", (1024, 1024), "high", 25_501),  # 4 × 5667 + 2833
        ("openai/gpt-4o-mini", (1024, 1024), "low", 2833),
        ("openai/o1", (1024, 1024), "high", 675),  # 4 × 150 + 75
        ("openai/o3", (1024, 1024), "low", 75),
        ("openai/gpt-5", (1024, 1024), "high", 630),  # 4 × 140 + 70
        ("openai/gpt-5.1", (640, 427), "high", 350),
        ("openai/computer-use-preview", (1024, 1024), "high", 581),  # 4 × 129 + 65
        # The same guide, patches: its two examples for gpt-5.4, detail high.
        ("openai/gpt-5.4", (1024, 1024), "high", 1229),  # ⌈1024 × 1.2⌉
        ("openai/gpt-5.4", (2048, 2048), "high", 3000),  # 1600²: 2500 × 1.2
        # ... at low the budget is 6,144: 4096 patches, ⌈4915.2⌉.
        ("openai/gpt-5.4", (2048, 2048), "low", 4916),
        # The older edition's example of a 1,536-patch budget, 1,452 patches, by each multiplier.
        ("openai/o4-mini", (1800, 2400), "high", 2498),  # 1452 × 1.72 = 2497.44
        ("openai/gpt-4.1-nano", (1800, 2400), "high", 3572),  # 1452 × 2.46 = 3571.92
        ("openai/gpt-5-mini", (1800, 2400), "high", 1743),  # 1452 × 1.2 = 1742.4
        ("openai/gpt-5-nano", (1800, 2400), "high", 2178),  # 1452 × 1.5
        # 1800 × 2400 within 2048: 1536 × 2048, 48 × 64 = 3072 patches, within 6,144.
        ("openai/gpt-4.1-mini", (1800, 2400), "high", 4977),  # 3072 × 1.62 = 4976.64
        ("openai/gpt-5.2", (1800, 2400), "auto", 3687),  # 3072 × 1.2 = 3686.4
        # gpt-5.5 and later: 512 at low, and as sent at auto.
        ("openai/gpt-5.5", (1024, 1024), "low", 308),  # 16² × 1.2 = 307.2
        # 125 × 94 = 11,750 patches; √(1024 × 10000 / 12,000,000) = 0.92376 of 125 × 93.75 is
        # 115.47 × 86.60; 86 / 86.60 of that: 3669 × 2752 pixels, 115 × 86 patches.
        ("openai/gpt-5.5", (4000, 3000), "auto", 11_868),  # 9890 × 1.2
        ("openai/gpt-5.6-sol", (4000, 3000), "auto", 14_100),  # 125 × 94 × 1.2
        ("openai/gpt-5.6-sol", (640, 427), "auto", 336),  # 20 × 14 × 1.2
        # Gemini API, "Image understanding": 960 × 540 has a unit of 360 and 3 × 2 tiles.
        ("gemini/gemini-2.5-flash", (960, 540), "auto", 1548),
        ("gemini/gemini-2.5-flash", (384, 384), "auto", 258),
        ("gemini/gemini-2.5-flash", (385, 384), "auto", 1032),  # unit 256: 2 × 2
        ("gemini/gemini-2.0-flash", (640, 427), "high", 1548),  # unit 284: 3 × 2
        ("gemini/gemini-2.5-pro", (640, 427), "low", 64),
        # "Media resolution", Gemini 3.
        ("gemini/gemini-3-pro-preview", (640, 427), "auto", 1120),
        ("gemini/gemini-3.5-flash", (640, 427), "low", 280),
        # Qwen2-VL's paper, section 2.1: 224 × 224 is 66 tokens.
        ("openai/Qwen/Qwen2-VL-7B-Instruct", (224, 224), "auto", 66),
        # 644 × 420 after rounding: 23 × 15, and two around it.
        ("openai/Qwen/Qwen2.5-VL-7B-Instruct", (640, 427), "auto", 347),
        # 640 × 416 after rounding to 32: 20 × 13.
        ("vllm/Qwen/Qwen3-VL-8B-Instruct", (640, 427), "high", 262),
        ("pixels", (640, 427), "high", 0),
    ],
)
def test_published_counts(
    model: str, size_wh: tuple[int, int], detail: Detail, tokens: int
) -> None:
    assert image_tokens(model, size_wh, detail).likely == tokens


@pytest.mark.parametrize(
    ("model", "size_wh", "most"),
    [
        # Exact rules leave no room, beside the one token that OpenAI's guide allows for patches.
        ("openai/gpt-4o", (2048, 4096), 1105),
        ("openai/gpt-5.4", (1024, 1024), 1230),
        ("openai/gpt-5.5", (4000, 3000), 12_001),  # the whole budget of 10,000 patches
        # The older edition's multiplier is the dearer: 1024 × 1.62 = 1658.88.
        ("openai/gpt-5-mini", (1024, 1024), 1660),
        ("openai/gpt-5.4-nano", (1024, 1024), 2521),  # 1024 × 2.46 = 2519.04
        # 258 for the whole, and 2,048 of pan and scan.
        ("gemini/gemini-2.5-flash", (640, 427), 2306),
        ("gemini/gemini-2.5-flash", (384, 384), 258),
        # Llama 3.2 Vision's four tiles of 1,601 and 64² unmerged patches, whichever is more.
        ("openai/llava-1.6", (640, 480), 6404),
        ("openai/llava-1.6", (1400, 1400), 10_000),
    ],
)
def test_the_most_holds_for_every_edition(model: str, size_wh: tuple[int, int], most: int) -> None:
    assert image_tokens(model, size_wh).most == most


def test_a_side_that_may_be_rounded_up_counts_for_the_most() -> None:
    # 5000 × 1251 within 2048: the short side is 512.4 pixels, one tile high or two.
    tokens = image_tokens("openai/gpt-4o", (5000, 1251))
    assert tokens.likely == 85 + 4 * 1 * 170
    assert tokens.most == 85 + 4 * 2 * 170


@pytest.mark.parametrize("model", KNOWN)
def test_known_models_name_their_source(model: str) -> None:
    assert is_known(model)
    source = image_tokens(model, (640, 427)).source
    assert "guess" not in source
    assert any(word in source for word in ("guide", "documents", "transformers", "no picture"))


@pytest.mark.parametrize("model", UNKNOWN)
def test_unknown_models_are_said_to_be(model: str) -> None:
    assert not is_known(model)
    assert image_tokens(model, (640, 427)).source == "no published rule is known: a cautious guess"


@pytest.mark.parametrize(
    "model",
    [
        "openai/gpt-6-luna",
        "openai/gpt-5.7",
        "openai/gpt-5.3-codex",
        "openai/gpt-5.1-codex-mini",
        "openai/codex-mini-latest",
        "gemini/gemini-4-argon",
        "gemini/gemini-flash-latest",
    ],
)
def test_what_no_document_states_is_marked(model: str) -> None:
    assert image_tokens(model, (640, 427)).source.startswith("inferred from ")


def test_no_detail_is_auto() -> None:
    for model in (*KNOWN, *UNKNOWN):
        assert image_tokens(model, (1800, 2400)) == image_tokens(model, (1800, 2400), "auto")


SIDES = st.integers(1, 9000)


@given(st.sampled_from(KNOWN + UNKNOWN), SIDES, SIDES, st.sampled_from(DETAILS))
def test_the_most_is_never_below_the_likely(
    model: str, width: int, height: int, detail: Detail
) -> None:
    tokens = image_tokens(model, (width, height), detail)
    assert 0 <= tokens.likely <= tokens.most


@given(st.sampled_from(["openai/gpt-4o", "openai/gpt-5", "openai/o3"]), SIDES, SIDES)
def test_tiles_are_at_most_eight(model: str, width: int, height: int) -> None:
    base = image_tokens(model, (1, 1), "low").likely
    tile = image_tokens(model, (1, 1), "high").likely - base
    tiles, rest = divmod(image_tokens(model, (width, height), "high").likely - base, tile)
    assert rest == 0
    assert 1 <= tiles <= 8  # 768 × 2048


@given(st.sampled_from(["openai/gpt-5-mini", "openai/o4-mini"]), SIDES, SIDES)
def test_patches_stay_within_their_budget(model: str, width: int, height: int) -> None:
    percent = {"openai/gpt-5-mini": 120, "openai/o4-mini": 172}[model]
    assert image_tokens(model, (width, height)).likely <= math.ceil(1536 * percent / 100)


@given(st.integers(1, 200), st.integers(1, 200))
def test_patches_of_small_pictures_are_counted_by_hand(across: int, down: int) -> None:
    width, height = across * 4, down * 4
    patches = -(-width // 32) * -(-height // 32)
    assert image_tokens("openai/gpt-5.2", (width, height)).likely == -(-patches * 120 // 100)


@given(SIDES, SIDES)
def test_a_picture_drawn_for_a_model_costs_no_more_than_the_one_it_was_drawn_from(
    width: int, height: int
) -> None:
    for model in ("openai/gpt-4o", "openai/gpt-5.4", "openai/gpt-4.1-mini"):
        drawn = sight_of(model).drawn_wh((width, height))
        ours = image_tokens(model, drawn, "high").likely
        assert ours <= image_tokens(model, (width, height), "high").most


@given(st.integers(28, 5000), st.integers(28, 5000))
def test_qwen_counts_the_size_that_it_sees(width: int, height: int) -> None:
    seen = sight_of("qwen2-vl").seen_wh((width, height))
    tokens = image_tokens("vllm/Qwen2-VL-2B", (width, height))
    assert tokens.likely == seen[0] // 28 * (seen[1] // 28) + 2
    assert tokens.most <= 16_384 + 2
