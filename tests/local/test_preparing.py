"""Prompts are made ahead of the model: pictures as transformers makes them, workers that die."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from annoengine.errors import RecordFailed, SettingError
from annoengine.local import preparing
from annoengine.local.chat import Answer, Draw, Turn
from annoengine.local.pictures import PictureRule, patches, read_picture_rule, resized_picture
from annoengine.local.positions import rope_positions
from annoengine.local.prefixes import Beginnings
from annoengine.model_sight import QWEN2_VL
from tests.local.deadly_pictures import KILLS_ALWAYS, KILLS_ONCE, resize_or_die
from tests.tiny_qwen import PICTURES, Family, open_tiny, save_tiny_qwen


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen3_vl"])
def test_pictures_are_transformers_own_to_the_bit(family: Family, tmp_path: Path) -> None:
    torch: Any = importlib.import_module("torch")
    module: Any = importlib.import_module(
        "transformers.models.qwen2_vl.image_processing_pil_qwen2_vl"
    )
    save_tiny_qwen(tmp_path, family)
    processor = module.Qwen2VLImageProcessorPil.from_pretrained(tmp_path)
    rule = read_picture_rule(tmp_path)
    assert rule is not None
    table = torch.from_numpy(rule.colours())
    shown = [resized_picture(path.read_bytes(), rule) for path in PICTURES[:3]]
    values, grids = patches(shown, rule, "cpu", table)
    theirs = processor([Image.open(path) for path in PICTURES[:3]], return_tensors="pt")
    assert torch.equal(values, theirs["pixel_values"])
    assert torch.equal(grids, theirs["image_grid_thw"])
    tokens = sum(rule.tokens(pixels) for pixels in shown)
    assert tokens == len(values) // 4


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_the_size_is_the_one_that_plans_count_with(width: int, height: int) -> None:
    rule = PictureRule(max_pixels=12_845_056)
    if max(width, height) > 200 * min(width, height):
        with pytest.raises(ValueError, match="more than 200 times as long as wide"):
            rule.size_wh(width, height)
    else:
        wide, high = rule.size_wh(width, height)
        assert wide % 28 == high % 28 == 0
        assert wide * high <= 12_845_056
        if width * height <= 12_000_000:
            assert (wide, high) == QWEN2_VL.seen_wh((width, height))


def test_bounds_that_contradict_each_other_are_told() -> None:
    with pytest.raises(SettingError, match="min_pixels 9999999 is more than max_pixels 1003520"):
        PictureRule().bounded(9_999_999, None)
    assert PictureRule().bounded(None, 50_000) == PictureRule(max_pixels=50_000)


def test_positions_of_two_pictures() -> None:
    # Text 0 1, a picture of one row and two columns from 2, text at 4, one of 2 × 2 from 5, text 7.
    positions, shift = rope_positions([1, 2, 9, 9, 3, 9, 9, 9, 9, 4], 9, [(1, 2), (2, 2)])
    assert positions.tolist() == [
        [0, 1, 2, 2, 4, 5, 5, 5, 5, 7],
        [0, 1, 2, 2, 4, 5, 5, 6, 6, 7],
        [0, 1, 2, 3, 4, 5, 6, 5, 6, 7],
    ]
    assert shift == -2
    assert rope_positions([1, 2, 3], -1, [])[1] == 0
    with pytest.raises(ValueError, match="2 image tokens for pictures of 4"):
        rope_positions([9, 9], 9, [(2, 2)])


def test_beginnings_are_shared_in_whole_steps() -> None:
    beginnings = Beginnings(least=32)
    first = tuple(range(100))
    assert beginnings.shared(first) == 0
    assert beginnings.shared((*range(70), 5, 5)) == 64
    assert beginnings.shared((*range(31), 7)) == 0
    assert beginnings.shared(first) == 96
    assert Beginnings(least=0).shared(first) == 0
    for number in range(8):  # nine others since: the first is forgotten
        beginnings.shared((900 + number,) * 40)
    assert beginnings.shared(first) == 0


async def test_a_dead_worker_process_costs_no_other_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_tiny_qwen(tmp_path)
    monkeypatch.setenv("FOLDER_OF_DEATHS", str(tmp_path))
    monkeypatch.setattr(preparing, "resized_picture", resize_or_die)
    engine = await open_tiny(tmp_path, workers=1)
    good = PICTURES[0].read_bytes()
    shown = [good, good + KILLS_ONCE, good + KILLS_ALWAYS, PICTURES[1].read_bytes()]
    found = await asyncio.gather(
        *(engine.generate([Turn("user", (data, "?"))], Draw(max_tokens=4)) for data in shown),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in found] == [Answer, Answer, RecordFailed, Answer]
    assert isinstance(found[0], Answer)
    assert isinstance(found[1], Answer)
    assert found[1].tokens == found[0].tokens
    assert "died twice" in str(found[2])
    await engine.close()
