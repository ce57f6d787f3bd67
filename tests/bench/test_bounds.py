"""What a measurement rests on: drawn lengths, drawn questions, bounds by hand, who is slow."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from annoengine.bench.bounds import Task, bound_of
from annoengine.bench.lengths import answer_lengths
from annoengine.bench.modes import Measured
from annoengine.bench.report import bottleneck
from annoengine.bench.workload import jobs
from annoengine.cards import Peak
from annoengine.model_shapes import ModelShape, TextShape, VisionShape

TEXT = TextShape(2, 6, 3, 1, 4, 10, 20, tied=True)
EYE = VisionShape("qwen2_vl", 1, 4, 1, 8, 6, 2, 2, 1)


@pytest.mark.parametrize("count", [2, 7, 64, 256])
def test_lengths_keep_to_their_ends_and_mean(count: int) -> None:
    drawn = answer_lengths(count, seed=count)
    assert len(drawn) == count
    assert all(64 <= length <= 768 for length in drawn)
    assert drawn == answer_lengths(count, seed=count)
    assert drawn != answer_lengths(count, seed=count + 1)
    if count >= 64:
        assert sum(drawn) / count == pytest.approx(256, rel=0.02)
        # Half of an exponential lies below ln 2 of its scale, here 147 of 224 tokens above 64.
        assert sorted(drawn)[count // 2] == pytest.approx(64 + 147, rel=0.03)
        assert drawn != sorted(drawn)


def test_a_mean_beyond_the_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="nearer to the shortest"):
        answer_lengths(3, 1, 10, 30, 40)


def test_questions_are_the_same_for_a_seed() -> None:
    asked = jobs([64, 70, 80], 5, pictures=True, prompt_tokens=100)
    assert asked == jobs([64, 70, 80], 5, pictures=True, prompt_tokens=100)
    system, user = asked[0].turns
    picture, text = user.parts
    assert isinstance(picture, bytes)
    assert isinstance(text, str)
    assert Image.open(io.BytesIO(picture)).size == (640, 480)
    assert isinstance(system.parts[0], str)
    assert len(system.parts[0]) + len(text) == 400
    assert asked[0].turns != asked[1].turns
    draw = asked[2].draw(7)
    assert (draw.max_tokens, draw.never_ends, draw.key, draw.greedy) == (80, True, "7", True)
    (_, plain), *_ = (job.turns for job in jobs([64], 5, pictures=False))
    assert len(plain.parts) == 1


def test_bounds_by_hand() -> None:
    shape = ModelShape("by hand", TEXT, EYE)
    tasks = [Task((8,), 10, 4), Task((), 5, 2)]
    peak = Peak(1e-9, 1e-12, "one byte and one operation a second")
    bound = bound_of(shape, "bfloat16", tasks, 2, peak)
    # Three and one steps after the first tokens: three passes at two at once. Each reads all of
    # the decoder; at step n of a sequence, its prompt and n tokens of the cache.
    cache = 2 * 2 * 1 * 4 * 2
    looked_back = (11 + 12 + 13) + 6
    assert bound.read_bytes == 3 * TEXT.parameters * 2 + looked_back * cache
    assert bound.decode_s == bound.read_bytes
    prefill = TEXT.flops(10, 5) + TEXT.flops(5, 2) + EYE.flops(8)
    decode = TEXT.flops(3, 11, 3) + TEXT.flops(1, 5, 1)
    assert bound.prefill_flops == prefill
    assert bound.arithmetic_s == pytest.approx(prefill + decode)
    # One at a time every token reads the weights alone.
    alone = bound_of(shape, "bfloat16", tasks, 1, peak)
    assert alone.read_bytes - bound.read_bytes == TEXT.parameters * 2


def test_the_slow_side_is_named() -> None:
    took = Measured("engine", 8, wall_s=10.0, prepare_s=6.0, prefill_s=1.0, decode_s=3.0)
    assert bottleneck(took) == ("preparing pictures and prompts on the processor", 0.6)
    took.prepare_s, took.prefill_s = 1.0, 6.0
    assert bottleneck(took)[0] == "computing pictures and prompts"
