"""How large models see: the published examples, and what holds of every rule."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.model_sight import (
    AS_IS,
    DEFAULT,
    GEMINI,
    GEMINI_3,
    OPENAI_LOW,
    OPENAI_PATCHES,
    OPENAI_PATCHES_LARGE,
    OPENAI_TILES,
    QWEN2_VL,
    QWEN3_VL,
    Sight,
    bounded,
    seen_size_wh,
    sight_of,
)

RULES = [
    AS_IS,
    OPENAI_TILES,
    OPENAI_PATCHES,
    OPENAI_PATCHES_LARGE,
    OPENAI_LOW,
    GEMINI,
    GEMINI_3,
    QWEN2_VL,
    QWEN3_VL,
    bounded(QWEN2_VL, 1_003_520),
]


@pytest.mark.parametrize(
    ("model", "rule"),
    [
        ("openai/gpt-4o", OPENAI_TILES),
        ("openai/gpt-4o-mini-2024-07-18", OPENAI_TILES),
        ("openai/gpt-4.1", OPENAI_TILES),
        ("openai/gpt-4-turbo", OPENAI_TILES),
        ("openai/gpt-4-vision-preview", OPENAI_TILES),
        ("openai/gpt-5", OPENAI_TILES),
        ("openai/gpt-5.1", OPENAI_TILES),
        ("openai/o3", OPENAI_TILES),
        ("openai/gpt-4.1-mini", OPENAI_PATCHES),
        ("openai/gpt-4.1-nano-2025-04-14", OPENAI_PATCHES),
        ("openai/o4-mini", OPENAI_PATCHES),
        ("openai/gpt-5-mini", OPENAI_PATCHES),
        ("openai/gpt-5.4-nano", OPENAI_PATCHES),
        ("openai/gpt-5.2", OPENAI_PATCHES),
        ("openai/gpt-5.4", OPENAI_PATCHES_LARGE),
        ("openai/gpt-5.5-2026-01-01", OPENAI_PATCHES_LARGE),
        ("openai/gpt-5.1-codex-mini", OPENAI_PATCHES),
        ("openai/codex-mini-latest", OPENAI_PATCHES),
        ("openai/gpt-5.6-sol", OPENAI_PATCHES_LARGE),
        ("gemini/gemini-2.5-flash", GEMINI),
        ("gemini/gemini-3-pro-preview", GEMINI_3),
        ("gemini/gemini-flash-latest", GEMINI),
        ("vllm/Qwen/Qwen3.5-9B", QWEN3_VL),
        ("qwen2_vl/Qwen/Qwen2-VL-2B-Instruct", QWEN2_VL),
        ("vllm/Qwen/Qwen2.5-VL-72B-Instruct-AWQ", QWEN2_VL),
        ("vllm/Qwen/Qwen3-VL-8B-Instruct", QWEN3_VL),
        ("pixels", AS_IS),
        ("pixels/v1", AS_IS),
        ("vllm/llava-hf/llava-1.5-7b-hf", DEFAULT),
        ("replay/openai/gpt-4.1-mini", OPENAI_PATCHES),
    ],
)
def test_models_find_their_rule(model: str, rule: Sight) -> None:
    assert sight_of(model) is rule


@pytest.mark.parametrize(
    ("model", "size_wh", "seen_wh"),
    [
        ("openai/gpt-4o", (1024, 1024), (768, 768)),
        ("openai/gpt-4o", (2048, 4096), (768, 1536)),
        ("openai/gpt-4o", (4096, 8192), (768, 1536)),
        ("openai/gpt-4o", (640, 480), (640, 480)),
        ("openai/gpt-4o", (5000, 100), (2048, 40)),
        # OpenAI's guide: 33 × 44 = 1452 patches.
        ("openai/gpt-4.1-mini", (1800, 2400), (1056, 1408)),
        ("openai/gpt-4.1-mini", (1024, 1024), (1024, 1024)),
        # OpenAI's guide: 50 × 50 = 2500 patches.
        ("openai/gpt-5.4", (2048, 2048), (1600, 1600)),
        ("gemini/gemini-2.5-pro", (3072, 2304), (1536, 1152)),
        ("gemini/gemini-2.5-pro", (640, 480), (640, 480)),
        ("gemini/gemini-3-pro", (3072, 2304), (1536, 1152)),
        # 1,120 × 48² pixels: 2,580,480, a square of 1606.
        ("gemini/gemini-3-pro", (3072, 1024), (2782, 927)),
        # smart_resize: 427 / 28 = 15.25 → 15, 640 / 28 = 22.86 → 23.
        ("qwen2_vl/x-Qwen2-VL", (640, 427), (644, 420)),
        ("qwen2_vl/x-Qwen2-VL", (28, 28), (56, 56)),
        # Eight pixels round to none: smart_resize then aims at 3,136 pixels,
        # √(3136 / 12000) = 0.511 of each side: 766.8 / 28 → 28 steps up, 4.1 / 28 → 1.
        ("qwen2_vl/x-Qwen2-VL", (1500, 8), (784, 28)),
        ("qwen3-vl", (640, 427), (640, 416)),
        ("pixels", (9000, 7), (9000, 7)),
    ],
)
def test_published_sizes(model: str, size_wh: tuple[int, int], seen_wh: tuple[int, int]) -> None:
    assert seen_size_wh(model, size_wh) == seen_wh


def test_low_detail_is_seen_at_512() -> None:
    assert seen_size_wh("openai/gpt-4o", (640, 480), "low") == (512, 384)
    assert sight_of("gemini/gemini-2.5-pro", "low") is GEMINI


def test_patches_stay_within_the_budget() -> None:
    for width in range(100, 3000, 173):
        for height in range(100, 3000, 191):
            w, h = OPENAI_PATCHES.seen_wh((width, height))
            assert math.ceil(w / 32) * math.ceil(h / 32) <= 1536


def test_a_server_may_set_a_smaller_area() -> None:
    assert bounded(QWEN2_VL, 1_003_520).max_pixels == 1_003_520
    assert bounded(QWEN2_VL, 1 << 40) is QWEN2_VL
    assert bounded(OPENAI_TILES, None) is OPENAI_TILES
    assert bounded(OPENAI_TILES, 100_000).drawn_wh((1000, 1000)) == (316, 316)


SIDES = st.integers(1, 20_000)


@given(st.sampled_from(RULES), SIDES, SIDES)
def test_a_drawn_picture_is_never_enlarged_and_not_shrunk_again(
    rule: Sight, width: int, height: int
) -> None:
    drawn = rule.drawn_wh((width, height))
    assert 1 <= drawn[0] <= width
    assert 1 <= drawn[1] <= height
    assert rule.drawn_wh(drawn) == drawn
    assert rule.scale(drawn) == 1.0
    scale = rule.scale((width, height))
    assert abs(drawn[0] - max(1, width * scale)) <= 1
    assert abs(drawn[1] - max(1, height * scale)) <= 1


@given(st.sampled_from(RULES), SIDES, SIDES)
def test_what_is_seen_keeps_to_the_limits(rule: Sight, width: int, height: int) -> None:
    wide, high = rule.seen_wh((width, height))
    assert wide >= 1
    assert high >= 1
    if rule.multiple_px > 1:
        assert wide % rule.multiple_px == 0
        assert high % rule.multiple_px == 0
    elif rule.max_side_px is not None:
        assert max(wide, high) <= rule.max_side_px
    if rule.max_pixels is not None and max(width, height) < 200 * min(width, height):
        assert wide * high <= rule.max_pixels
