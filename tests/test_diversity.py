"""Splits whose images look unlike each other, against the rule said plainly and slowly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from annoengine import diversity
from annoengine.diversity import FULL, TOO_NEAR, Choice, Split, apportioned, choose


def unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = rows.astype(np.float32)
    found /= np.linalg.norm(rows, axis=1, keepdims=True)
    return found


def planted(seed: int, n: int, dimensions: int, copies: int) -> NDArray[np.float32]:
    """Vectors at random, the last ``copies`` of them near-duplicates of the first."""
    draw = np.random.default_rng(seed)
    rows = draw.normal(size=(n, dimensions))
    rows[n - copies :] = rows[:copies] + 0.05 * draw.normal(size=(copies, dimensions))
    return unit(rows)


def names(n: int) -> list[str]:
    return [f"sa/all/{number:04d}" for number in range(n)]


def plainly(
    ids: list[str],
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    counts: dict[Split, int],
    apart: float,
    away: float,
) -> tuple[list[str], list[str]]:
    """The evaluation images and the training images, one comparison after another."""
    order = sorted(range(len(ids)), key=lambda i: (-scores[i], ids[i]))
    rows = vectors.astype(np.float64)
    held: list[int] = []
    for i in order:
        if len(held) < counts["val"] + counts["test"] and all(
            rows[i] @ rows[j] <= apart for j in held
        ):
            held.append(i)
    train = [i for i in order if i not in held and all(rows[i] @ rows[j] <= away for j in held)]
    return [ids[i] for i in held], [ids[i] for i in train[: counts["train"]]]


def of(choice: Choice, *splits: str) -> list[str]:
    return [id for id, split in choice.split.items() if split in splits]


@given(st.integers(0, 10_000), st.sampled_from([3, 7, 2048]))
def test_it_is_the_plain_rule_in_blocks(seed: int, block: int) -> None:
    vectors = planted(seed, 40, 6, 8)
    draw = np.random.default_rng(seed)
    scores = draw.integers(0, 4, size=40) / 4
    counts: dict[Split, int] = {"train": 12, "val": 4, "test": 2}
    usual = diversity._BLOCK
    diversity._BLOCK = block
    try:
        found = choose(names(40), scores, vectors, counts, 0.2, 0.5, seed)
    finally:
        diversity._BLOCK = usual
    held, train = plainly(names(40), scores, vectors, counts, 0.2, 0.5)
    assert sorted(of(found, "val", "test")) == sorted(held)
    assert of(found, "train") == train
    assert set(found.split) | set(found.left) == set(names(40))
    assert not set(found.split) & set(found.left)


def test_thresholds_hold_between_every_two_images() -> None:
    vectors = planted(5, 3000, 128, 700)
    counts: dict[Split, int] = {"train": 2000, "val": 60, "test": 15}
    ids = names(3000)
    found = choose(ids, np.random.default_rng(1).random(3000), vectors, counts, 0.2, 0.5, 3)
    assert (len(of(found, "val")), len(of(found, "test"))) == (60, 15)
    assert len(of(found, "train")) == 2000
    at = {id: number for number, id in enumerate(ids)}
    rows = vectors.astype(np.float64)
    held = rows[[at[id] for id in of(found, "val", "test")]]
    among = held @ held.T
    np.fill_diagonal(among, -1)
    assert among.max() <= 0.2
    train = of(found, "train")
    to_held = rows[[at[id] for id in train]] @ held.T
    assert to_held.max() <= 0.5
    nearest = np.array([found.nearest[id][0] for id in train])
    np.testing.assert_allclose(nearest, to_held.max(axis=1), atol=1e-12)
    near = [id for id, reason in found.left.items() if reason == TOO_NEAR]
    assert near, "no copy of an evaluation image was planted"
    assert all(found.nearest[id][0] > 0.5 for id in near)
    assert FULL in found.left.values()


def test_neither_the_order_of_images_nor_equal_scores_matter() -> None:
    vectors, ids = planted(9, 300, 12, 50), names(300)
    scores = np.round(np.random.default_rng(2).random(300), 1)
    counts: dict[Split, int] = {"train": 150, "val": 12, "test": 6}
    found = choose(ids, scores, vectors, counts, 0.2, 0.5, 7)
    turn = np.random.default_rng(3).permutation(300)
    again = choose([ids[i] for i in turn], scores[turn], vectors[turn], counts, 0.2, 0.5, 7)
    assert dict(found.split) == dict(again.split)
    assert dict(found.left) == dict(again.left)
    # Another seed draws other test images of the same set.
    other = choose(ids, scores, vectors, counts, 0.2, 0.5, 8)
    assert set(of(other, "val", "test")) == set(of(found, "val", "test"))
    assert of(other, "test") != of(found, "test")


def test_the_best_come_first_and_those_without_a_score_last() -> None:
    vectors = unit(np.eye(6))
    scores = np.array([0.1, np.nan, 0.9, 0.5, np.nan, 0.7])
    counts: dict[Split, int] = {"train": 2, "val": 1, "test": 1}
    found = choose(names(6), scores, vectors, counts, 0.2, 0.5, 0)
    assert set(of(found, "val", "test")) == {"sa/all/0002", "sa/all/0005"}
    assert of(found, "train") == ["sa/all/0003", "sa/all/0000"]
    assert found.left == {"sa/all/0001": FULL, "sa/all/0004": FULL}


def test_too_few_unlike_images_leave_no_split_empty() -> None:
    vectors = unit(np.array([[1.0, 0.0], [0.99, 0.1], [0.0, 1.0], [0.1, 0.99]]))
    counts: dict[Split, int] = {"train": 2, "val": 3, "test": 1}
    found = choose(names(4), np.array([4.0, 3.0, 2.0, 1.0]), vectors, counts, 0.2, 0.5, 0)
    assert sorted(found.split.values()) == ["test", "val"]
    assert found.left == {"sa/all/0001": TOO_NEAR, "sa/all/0003": TOO_NEAR}
    cosine, other = found.nearest["sa/all/0001"]
    assert (round(cosine, 4), other) == (0.9949, "sa/all/0000")


@pytest.mark.parametrize("images", [*range(3, 40), 963, 9629, 9630, 50_000])
def test_numbers_shrink_in_proportion(images: int) -> None:
    counts: dict[Split, int] = {"train": 9000, "val": 500, "test": 130}
    found = apportioned(counts, images)
    assert sum(found.values()) == min(images, 9630)
    assert all(found.values())
    for name, count in counts.items():
        assert abs(found[name] - count * min(images, 9630) / 9630) < 2
