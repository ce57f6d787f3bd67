"""Tokens by hand-worked probabilities, and the slots' arithmetic."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from annoengine.local.chat import Draw
from annoengine.local.sampling import drawn, generator_of, likeliest
from annoengine.local.slots import Shape, SlotCache


@pytest.fixture(scope="module")
def torch() -> Any:
    return importlib.import_module("torch")


def test_the_likeliest_is_the_first_of_equals_and_knows_its_lead(torch: Any) -> None:
    tokens, gaps = likeliest(torch.tensor([[1.0, 3.5, 3.0], [2.0, 0.0, 2.0]]))
    assert tokens.tolist() == [1, 0]
    assert gaps.tolist() == [0.5, 0.0]


def test_a_number_falls_into_the_sorted_probabilities(torch: Any) -> None:
    # Probabilities 0.2, 0.5, 0.3: sorted, token 1 holds [0, 0.5), 2 [0.5, 0.8), 0 the rest.
    row = torch.log(torch.tensor([0.2, 0.5, 0.3]))
    numbers = [0.0, 0.49, 0.51, 0.79, 0.81, 0.999]
    every = Draw(temperature=1.0)
    assert drawn(row.repeat(6, 1), [every] * 6, numbers).tolist() == [1, 1, 2, 2, 0, 0]
    # 0.7 of it: tokens 1 and 2, which share what is left as 5 to 3; 0.5 of it: token 1 alone.
    most = [Draw(temperature=1.0, top_p=0.7)] * 5 + [Draw(temperature=1.0, top_p=0.49)]
    assert drawn(row.repeat(6, 1), most, [0.0, 0.62, 0.63, 0.9, 0.99, 0.99]).tolist() == [
        1, 1, 2, 2, 2, 1,
    ]  # fmt: skip
    # At temperature 0.5 probabilities are squared: 4, 25 and 9 of 38.
    cold = [Draw(temperature=0.5)] * 3
    assert drawn(row.repeat(3, 1), cold, [0.65, 0.67, 0.9]).tolist() == [1, 2, 0]


def test_a_generator_is_its_seeds_and_keys() -> None:
    def first(**named: Any) -> float:
        return generator_of(Draw(**named)).random()

    assert first(seed=1, key="a") == first(seed=1, key="a")
    assert len({first(seed=1, key="a"), first(seed=2, key="a"), first(seed=1, key="b")}) == 3


def test_slots_keep_what_they_hold(torch: Any) -> None:
    cache = SlotCache(Shape(layers=1, heads=1, width=2, bytes_a_number=4), "cpu", torch.float32)
    cache.resize(3, 4)
    new = torch.arange(8.0).reshape(2, 1, 2, 2)
    cache.filling([0, 2], None)
    assert cache.update(new, new, 0)[0] is new
    # A step writes slot 0's third and slot 1's first place, and looks at three.
    cache.stepping(torch.tensor([0, 1]), torch.tensor([2, 0]), 3)
    step = torch.full((2, 1, 1, 2), 9.0)
    keys, _ = cache.update(step, step, 0)
    assert keys[:, 0].tolist() == [[[0, 1], [2, 3], [9, 9]], [[9, 9], [0, 0], [0, 0]]]
    cache.move(2, 1, 2)
    cache.resize(2, 6, keep=2)
    cache.stepping(torch.tensor([0]), torch.tensor([3]), 4)
    assert cache.update(step[:1], step[:1], 0)[0][0, 0].tolist() == [[0, 1], [2, 3], [9, 9], [9, 9]]
    cache.stepping(torch.tensor([0, 1]), torch.tensor([4, 2]), 3)
    assert cache.update(step, step, 0)[1][1, 0].tolist() == [[4, 5], [6, 7], [9, 9]]
    assert (cache.slots, cache.length) == (2, 6)
