"""Sizes in the picture plane: boxes of known size, and sentences about the photographs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.baseline.region_facts import Scene
from annoengine.claims.caption_claim import Statement
from annoengine.claims.size_claims import APART, AREA, TRUE_AREA, size_statements
from tests.claims.hand_made import parse, photographs, region, scene, spoken, truths

BIG_FLOWER, SMALL_FLOWER, BUD = 4691953, 5023487, 2873242
TOWERS = (2314903, 2646401, 2977960, 3293842)


def said(text: str, where: Scene, own: int = 1, **meant: int | tuple[int, ...]) -> list[Statement]:
    parsed = parse(text)
    words = {"giraffe": own, "tree": 9, "object": own, **meant}
    return size_statements(parsed, spoken(parsed, own, **words), where, own)


TWO = scene(region(1, "giraffe", (10, 20, 30, 80)), region(2, "giraffe", (50, 40, 65, 70)))
"""The first is 20 × 60, the second 15 × 30: areas 1200 and 450."""


@pytest.mark.parametrize(
    ("text", "own", "truth"),
    [
        ("The larger giraffe is drinking.", 1, "supported"),
        ("The larger giraffe is drinking.", 2, "contradicted"),
        ("The giraffe is the taller of the two.", 1, "supported"),
        ("The giraffe is the taller of the two.", 2, "contradicted"),
        ("A smaller giraffe stands by.", 1, "contradicted"),
        ("This is the smallest giraffe.", 2, "supported"),
        ("The giraffe is wider than the others.", 2, "contradicted"),
        ("The giraffe is not the tallest one.", 1, "contradicted"),
        ("The tall giraffe is drinking.", 1, "supported"),
        ("The large giraffe is drinking.", 2, "cannot tell"),
        ("The giraffe is one of the largest animals.", 2, None),
        ("The giraffe is as tall as a house.", 2, None),
    ],
)
def test_two_of_a_kind(text: str, own: int, truth: str | None) -> None:
    assert truths(said(text, TWO, own)) == ([] if truth is None else [truth])


def test_evidence_gives_the_ratio() -> None:
    (statement,) = said("The larger giraffe is drinking.", TWO, 2)
    assert statement.says == "giraffe: larger"
    assert statement.evidence == (
        "in the picture plane its area is 0.38 times that of the other giraffe"
    )


def test_a_crowd_or_none_other_tells_nothing() -> None:
    alone = scene(region(1, "giraffe", (10, 20, 30, 80)))
    assert truths(said("The smallest giraffe is drinking.", alone)) == ["cannot tell"]
    crowd = scene(*TWO.regions, region(3, "giraffe", (70, 0, 99, 90), crowd=True))
    assert truths(said("The larger giraffe is drinking.", crowd, 2)) == ["cannot tell"]


def test_only_some_of_the_kind_are_compared() -> None:
    assert truths(said("The largest giraffe on the right is drinking.", TWO, 2)) == ["cannot tell"]
    assert truths(said("The tallest of the young giraffes.", TWO, 2)) == ["cannot tell"]


def test_of_other_kinds_more_is_asked_where_they_are_apart() -> None:
    def compare(gap: float, ratio: float) -> str:
        tree = region(9, "tree-merged", (20 + gap, 20, 20 + gap + 10 * ratio, 40), thing=False)
        where = scene(region(1, "giraffe", (10, 20, 20, 40)), tree)
        (truth,) = truths(said("The giraffe is larger than the tree.", where))
        return truth

    assert compare(0, AREA * 1.02) == "contradicted"
    assert compare(20, AREA * 1.02) == "cannot tell"
    assert compare(20, AREA * APART * 1.02) == "contradicted"


def test_what_the_frame_cuts_may_be_larger() -> None:
    whole = region(2, "giraffe", (50, 20, 70, 60))
    text = "This is the smaller giraffe."
    cut = scene(region(1, "giraffe", (0, 20, 10, 60)), whole)
    free = scene(region(1, "giraffe", (1, 20, 11, 60)), whole)
    assert truths(said("This is the larger giraffe.", free)) == ["contradicted"]
    assert truths(said("This is the larger giraffe.", cut)) == ["cannot tell"]
    assert truths(said(text, free)) == truths(said(text, cut)) == ["supported"]


@pytest.mark.parametrize(
    ("phrase", "box", "truth"),
    [
        ("takes up most of the image", (0, 0, 100, 80), "supported"),
        ("takes up most of the image", (0, 0, 40, 40), "contradicted"),
        ("takes up about half of the frame", (0, 0, 50, 100), "supported"),
        ("takes up about half of the frame", (0, 0, 20, 20), "contradicted"),
        ("fills the entire picture", (0, 0, 100, 100), "supported"),
        ("fills the entire picture", (0, 0, 60, 60), "contradicted"),
        ("occupies a small portion of the image", (0, 0, 90, 90), "contradicted"),
        ("occupies a large part of the image", (0, 0, 60, 60), "supported"),
        ("dominates the scene", (45, 45, 50, 50), "contradicted"),
        ("covers a third of the image", (0, 0, 100, 33), "supported"),
    ],
)
def test_shares_of_the_image(
    phrase: str, box: tuple[float, float, float, float], truth: str
) -> None:
    where = scene(region(1, "giraffe", box))
    assert truths(said(f"The giraffe {phrase}.", where)) == [truth]


def test_shapes_by_clear_ratios() -> None:
    flat = scene(region(1, "giraffe", (10, 40, 90, 60)))
    assert truths(said("The giraffe is tall.", flat)) == ["contradicted"]
    assert truths(said("The giraffe is wide.", flat)) == ["supported"]
    # Cut by the lower edge it may go on below.
    cut = scene(region(1, "giraffe", (10, 80, 90, 100)))
    assert truths(said("The giraffe is tall.", cut)) == ["cannot tell"]


def test_parts_have_no_size() -> None:
    parsed = parse("The giraffe has a long neck and larger ears.")
    mentions = spoken(parsed, 2, giraffe=2, neck="part", ear="part")
    assert size_statements(parsed, mentions, TWO, 2) == []


@pytest.mark.parametrize(
    ("photo", "own", "text", "meant", "truth"),
    [
        ("flower", BIG_FLOWER, "The larger flower is orange.", {"flower": 0}, "supported"),
        ("flower", SMALL_FLOWER, "The larger flower is orange.", {"flower": 0}, "contradicted"),
        (
            "flower",
            BUD,
            "The bud is larger than the flower.",
            {"flower": BIG_FLOWER, "bud": 0},
            "contradicted",
        ),
        ("flower", BUD, "This is the largest object in the image.", {"object": 0}, "contradicted"),
        ("rocket", TOWERS[1], "The tallest of the four towers.", {"tower": TOWERS}, "contradicted"),
        (
            "rocket",
            TOWERS[0],
            "This tower is shorter than the others.",
            {"tower": 0},
            "contradicted",
        ),
        ("chelsea", 16727295, "The cat fills most of the frame.", {"cat": 0}, "supported"),
    ],
)
def test_photographs(
    photo: str, own: int, text: str, meant: dict[str, int | tuple[int, ...]], truth: str
) -> None:
    _, where = photographs()[photo]
    words = {word: ids or own for word, ids in meant.items()}
    assert truths(said(text, where, own, **words)) == [truth]


@given(st.integers(2, 40), st.integers(2, 40))
def test_larger_and_smaller_are_opposites(a: int, b: int) -> None:
    where = scene(
        region(1, "giraffe", (5, 5, 5 + a, 45)), region(2, "giraffe", (50, 5, 50 + b, 45))
    )
    (larger,) = truths(said("The giraffe is the larger of the two.", where))
    (smaller,) = truths(said("The giraffe is the smaller of the two.", where))
    assert (larger == "supported") == (a >= TRUE_AREA * b)
    assert (larger == "contradicted") == (b >= AREA * a)
    assert (smaller == "supported") == (b >= TRUE_AREA * a)
    assert not (larger == smaller == "contradicted")


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("The giraffe takes up less than a tenth of the image.", "contradicted"),
        ("The giraffe takes up more than a third of the image.", "cannot tell"),
        ("The giraffe takes up more than half of the image.", "contradicted"),
        ("The giraffe fills half the frame.", "cannot tell"),
        ("The giraffe fills the entire image.", "contradicted"),
        ("The giraffe takes up a tenth of the image.", "contradicted"),
        ("A tiny giraffe is drinking.", "contradicted"),
        ("A huge giraffe is drinking.", "cannot tell"),
    ],
)
def test_a_third_of_the_image(text: str, truth: str) -> None:
    # 60 × 55 of 100 × 100: 33 %.
    assert truths(said(text, scene(region(1, "giraffe", (10, 20, 70, 75))))) == [truth]


def test_more_than_one_to_compare_with() -> None:
    where = scene(
        region(1, "giraffe", (10, 20, 20, 40)),
        region(2, "giraffe", (30, 20, 60, 60)),
        region(3, "giraffe", (62, 20, 72, 40)),
    )
    # One of the two is larger; where only some are meant, all must be.
    assert truths(said("The giraffe is larger than the other calves.", where, calf=(2, 3))) == [
        "contradicted"
    ]
    assert truths(said("The giraffe is larger than the calves there.", where, 1, calf=(2, 3))) == [
        "contradicted"
    ]
    assert truths(said("The giraffe is larger than the brown calves.", where, calf=(2, 3))) == [
        "cannot tell"
    ]
