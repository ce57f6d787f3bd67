"""Ordinals: rows whose order is known, and sentences about the photographs."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.claims.caption_claim import Statement
from annoengine.claims.order_claims import MINOR, order_statements
from tests.claims.hand_made import parse, photographs, region, scene, spoken, truths

TOWERS = (2314903, 2646401, 2977960, 3293842)


def row(*lefts: float, size: float = 8) -> Scene:
    """Giraffes 1, 2, … at these places from the left, all at one height."""
    return scene(
        *(region(n, "giraffe", (x, 40, x + size, 60)) for n, x in enumerate(lefts, start=1))
    )


def said(text: str, where: Scene, own: int = 1) -> list[Statement]:
    parsed = parse(text)
    mentions = spoken(parsed, own, giraffe=own, animal=own, calf=own)
    return order_statements(parsed, mentions, where, own)


@pytest.mark.parametrize(
    ("text", "own", "truth"),
    [
        ("The second giraffe from the left is drinking.", 2, "supported"),
        ("The second giraffe from the left is drinking.", 3, "contradicted"),
        ("The giraffe is second from the left.", 2, "supported"),
        ("The giraffe is the third from the right.", 1, "supported"),
        ("A giraffe, the third from right, is drinking.", 3, "contradicted"),
        ("This is the leftmost giraffe.", 1, "supported"),
        ("This is the leftmost giraffe.", 2, "contradicted"),
        ("The giraffe is the rightmost one.", 3, "supported"),
        ("The giraffe is furthest to the left.", 3, "contradicted"),
        ("The middle giraffe is drinking.", 2, "supported"),
        ("The middle giraffe is drinking.", 1, "contradicted"),
        ("The left giraffe is drinking.", 1, "supported"),
        ("The left giraffe is drinking.", 2, "cannot tell"),
        ("The left giraffe is drinking.", 3, "contradicted"),
        ("The giraffe is not the leftmost one.", 1, "contradicted"),
        ("It is the fourth giraffe from the left.", 3, "contradicted"),
    ],
)
def test_three_in_a_row(text: str, own: int, truth: str) -> None:
    assert truths(said(text, row(10, 40, 70), own)) == [truth]


def test_evidence_counts() -> None:
    (statement,) = said("The second giraffe from the left is drinking.", row(10, 40, 70), 3)
    assert statement.says == "giraffe: the number 2 from the left"
    assert statement.evidence == "of 3 giraffes it is number 3 from the left"
    assert statement.kind == "ordinal"
    assert (statement.start, statement.end) == (4, 32)


def test_nearly_level_ones_are_not_ordered() -> None:
    where = row(10, 11, 70)
    assert truths(said("The second giraffe from the left is drinking.", where, 1)) == [
        "cannot tell"
    ]
    assert truths(said("The third giraffe from the left is drinking.", where, 1)) == [
        "contradicted"
    ]


def test_a_crowd_leaves_the_order_open() -> None:
    where = scene(
        region(1, "giraffe", (10, 40, 20, 60)),
        region(2, "giraffe", (40, 40, 50, 60)),
        region(3, "giraffe", (20, 40, 99, 60), crowd=True),
    )
    assert truths(said("The leftmost giraffe is drinking.", where, 2)) == ["cannot tell"]


def test_a_tiny_one_may_be_passed_over() -> None:
    far = region(2, "giraffe", (2, 40, 4, 43))
    near = region(1, "giraffe", (20, 40, 40, 80))
    assert near.area_px > MINOR * far.area_px
    where = scene(near, far)
    for text in (
        "The leftmost giraffe is drinking.",
        "The second giraffe from the left is drinking.",
    ):
        assert truths(said(text, where, 1)) == ["cannot tell"]


def test_a_narrower_noun_bounds_the_rank_from_above() -> None:
    # Of three giraffes this is the third; as a calf it may be the first, but never the fourth.
    where = row(10, 40, 70)
    assert truths(said("The first calf from the left is drinking.", where, 3)) == ["cannot tell"]
    assert truths(said("The second spotted giraffe from the left.", where, 3)) == ["cannot tell"]
    assert truths(said("The fourth calf from the left is drinking.", where, 3)) == ["contradicted"]


def test_only_some_are_counted() -> None:
    where = row(10, 40, 70)
    text = "The giraffe is the first from the left in the front row."
    assert truths(said(text, where, 3)) == ["cannot tell"]
    text = "The giraffe is the first from the left in the image."
    assert truths(said(text, where, 3)) == ["contradicted"]


def test_a_broader_noun_counts_others_too() -> None:
    where = scene(region(1, "giraffe", (40, 0, 60, 60)), region(2, "zebra", (5, 0, 20, 60)))
    assert truths(said("The second animal from the left.", where, 1)) == ["cannot tell"]


def test_rows_from_top_to_bottom() -> None:
    where = scene(
        region(1, "giraffe", (40, 5, 50, 15)),
        region(2, "giraffe", (40, 40, 50, 50)),
    )
    assert truths(said("The topmost giraffe.", where, 1)) == ["supported"]
    assert truths(said("The lower giraffe.", where, 1)) == ["contradicted"]
    assert truths(said("The second giraffe from the top.", where, 2)) == ["supported"]


@pytest.mark.parametrize(
    "text",
    [
        "The left hand of the giraffe is raised.",
        "The giraffe stands on the left side of the image.",
        "The giraffe stands in the upper right corner.",
        "The second giraffe is drinking.",
        "The giraffe's left ear is brown.",
    ],
)
def test_what_is_no_ordinal(text: str) -> None:
    assert said(text, row(10, 40, 70), 3) == []


@pytest.mark.parametrize(
    ("own", "text", "truth"),
    [
        (0, "The leftmost tower rises high.", "supported"),
        (1, "The leftmost tower rises high.", "contradicted"),
        (1, "The tower second from the left is thin.", "supported"),
        (2, "It is the second lattice tower from the left.", "contradicted"),
        (2, "It is the second tall tower from the left.", "cannot tell"),
        (3, "The tower is the fourth from the left.", "supported"),
        (0, "The middle tower is lit.", "contradicted"),
    ],
)
def test_the_towers_of_the_launch_pad(own: int, text: str, truth: str) -> None:
    _, where = photographs()["rocket"]
    parsed = parse(text)
    mentions = spoken(parsed, TOWERS[own], tower=TOWERS[own])
    assert truths(order_statements(parsed, mentions, where, TOWERS[own])) == [truth]


@given(st.lists(st.integers(0, 90), min_size=2, max_size=6, unique=True), st.data())
def test_exactly_one_rank_is_true_of_a_clear_row(places: list[int], data: st.DataObject) -> None:
    spaced = sorted(places)
    if any(b - a < 3 for a, b in pairwise(spaced)):
        return
    where = row(*places)
    own = data.draw(st.integers(1, len(places)))
    ranks = {}
    for rank, word in enumerate(("first", "second", "third", "fourth", "fifth", "sixth"), 1):
        (truth,) = truths(said(f"The {word} giraffe from the left is drinking.", where, own))
        ranks[rank] = truth
    true_rank = 1 + sum(x < places[own - 1] for x in places)
    assert [rank for rank, truth in ranks.items() if truth == "supported"] == [true_rank]
    assert all(truth == "contradicted" for rank, truth in ranks.items() if rank != true_rank)


def test_regions_carry_what_ranks_need() -> None:
    facts: RegionFacts = row(10, 40).regions[1]
    assert facts.centre_xy == (44, 50)


@pytest.mark.parametrize(
    ("text", "own", "truth"),
    [
        ("A giraffe, the leftmost of the three.", 3, "contradicted"),
        ("The giraffe is the last from the left.", 1, "contradicted"),
        ("The giraffe is the last from the left.", 3, "supported"),
        ("The giraffe is the last on the right.", 1, "contradicted"),
        ("The giraffe is the last to drink.", 1, None),
    ],
)
def test_the_last_and_an_apposition(text: str, own: int, truth: str | None) -> None:
    assert truths(said(text, row(10, 40, 70), own)) == ([] if truth is None else [truth])


def test_a_crowd_leaves_open_all_but_who_is_not_the_first() -> None:
    crowd = region(9, "giraffe", (0, 40, 95, 60), crowd=True)
    where = scene(*row(10, 30, 50, 70).regions, crowd)
    assert truths(said("This is the leftmost giraffe.", where, 4)) == ["contradicted"]
    assert truths(said("This is the leftmost giraffe.", where, 2)) == ["cannot tell"]
    assert truths(said("This is the leftmost giraffe.", where, 1)) == ["cannot tell"]
    assert truths(said("The third giraffe from the left.", where, 1)) == ["cannot tell"]


@pytest.mark.parametrize(
    ("text", "own", "truth"),
    [
        ("The third giraffe from the left is drinking.", 1, "contradicted"),
        ("The first giraffe from the left is drinking.", 1, "supported"),
        ("The third giraffe from the right is drinking.", 1, "cannot tell"),
        ("The first giraffe from the right is drinking.", 1, "contradicted"),
        ("The second giraffe from the left is drinking.", 3, "cannot tell"),
        ("The first giraffe from the left is drinking.", 3, "contradicted"),
    ],
)
def test_a_crowd_on_one_side_leaves_the_order_of_the_other(text: str, own: int, truth: str) -> None:
    three = row(10, 30, 50)
    crowd = region(9, "giraffe", (45, 40, 99, 60), crowd=True)
    assert truths(said(text, Scene(three.size_wh, (*three.regions, crowd)), own)) == [truth]
