"""Numbers of things: scenes with a known count, and sentences about the photographs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.claims.caption_claim import Statement
from annoengine.claims.count_claims import ALONE, count_statements
from annoengine.claims.order_claims import MINOR
from tests.claims.hand_made import parse, photographs, region, scene, spoken, truths

NUMBERS = ("one", "two", "three", "four", "five", "six")


def cats(count: int, *others: RegionFacts) -> Scene:
    """So many cats in a row, each 10 × 20, 16 apart."""
    boxes = [(n * 16.0, 40.0, n * 16.0 + 10, 60.0) for n in range(count)]
    return scene(*(region(n, "cat", box) for n, box in enumerate(boxes, start=1)), *others)


def said(text: str, where: Scene, own: int | None = 1) -> list[Statement]:
    parsed = parse(text)
    all_cats = tuple(facts.id for facts in where.regions if facts.category == "cat")
    meant = {"cat": all_cats, "kitten": all_cats, "animal": all_cats}
    return count_statements(parsed, spoken(parsed, own, **meant), where, own)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("Two cats lie on a sofa.", "supported"),
        ("Three cats lie on a sofa.", "supported"),
        ("Four cats lie on a sofa.", "contradicted"),
        ("A pair of cats lies there.", "supported"),
        ("It is one of three cats.", "supported"),
        ("It is one of two cats.", "contradicted"),
        ("It is one of the four cats.", "contradicted"),
        ("There are only two cats.", "contradicted"),
        ("There are two cats in the image.", "contradicted"),
        ("There are three cats in the image.", "supported"),
        ("The image shows four cats.", "contradicted"),
        ("It is the only cat.", "contradicted"),
        ("At least two cats are asleep.", "supported"),
        ("More than three cats are asleep.", "contradicted"),
        ("About five cats are asleep.", "cannot tell"),
        ("It lies beside two other cats.", "supported"),
        ("It lies beside three other cats.", "contradicted"),
        ("It is the only cat on the sofa.", "cannot tell"),
        ("It is one of two white cats.", "cannot tell"),
        ("It is one of four kittens.", "contradicted"),
        ("It is not the only cat.", "cannot tell"),
    ],
)
def test_three_cats(text: str, truth: str) -> None:
    assert truths(said(text, cats(3))) == [truth]


def test_evidence_tells_the_number() -> None:
    (statement,) = said("It is one of two cats.", cats(3))
    assert (statement.says, statement.evidence) == ("exactly 2 cats", "3 cats annotated")
    assert (statement.kind, statement.start, statement.end) == ("count", 13, 21)


@pytest.mark.parametrize(
    ("text", "truth"),
    [
        ("Four cats lie there.", "cannot tell"),
        ("Twenty cats lie there.", "cannot tell"),
        ("It is one of six cats.", "cannot tell"),
        ("It is one of five cats.", "contradicted"),
        ("It is one of two cats.", "contradicted"),
        ("It is the only cat.", "contradicted"),
        ("It is the only cat in the parade.", "contradicted"),
        ("It is the only cat in a hat.", "cannot tell"),
    ],
)
def test_beside_a_crowd_only_too_few_is_told(text: str, truth: str) -> None:
    where = cats(3, region(9, "cat", (0, 70, 90, 99), crowd=True))
    assert truths(said(text, where)) == [truth]


def test_stuff_is_not_counted() -> None:
    where = scene(region(1, "tree-merged", (0, 0, 90, 90), thing=False))
    parsed = parse("Three trees stand there.")
    found = count_statements(parsed, spoken(parsed, 1, tree=1), where, 1)
    assert truths(found) == ["cannot tell"]


def test_tiny_ones_may_not_have_been_counted() -> None:
    tiny = region(9, "cat", (90, 90, 92, 92))
    where = cats(2, tiny)
    assert where.regions[0].area_px > MINOR * tiny.area_px
    assert truths(said("It is one of two cats.", where)) == ["cannot tell"]
    assert truths(said("It is the only cat.", where)) == ["contradicted"]


def test_several_kinds_together() -> None:
    where = scene(region(1, "cat", (0, 0, 9, 9)), region(2, "dog", (20, 0, 29, 9)))
    for text, truth in (("Two animals.", "cannot tell"), ("Three animals.", "contradicted")):
        parsed = parse(text)
        mentions = spoken(parsed, None, animal=(1, 2))
        assert truths(count_statements(parsed, mentions, where, None)) == [truth]


@pytest.mark.parametrize(
    ("gap", "text", "truth"),
    [
        (5, "The cat lies alone.", "contradicted"),
        (40, "The cat lies alone.", "cannot tell"),
        (40, "The cat is alone in the image.", "contradicted"),
    ],
)
def test_alone(gap: float, text: str, truth: str) -> None:
    where = scene(region(1, "cat", (0, 0, 20, 20)), region(2, "cat", (20 + gap, 0, 40 + gap, 20)))
    parsed = parse(text)
    found = count_statements(parsed, spoken(parsed, 1, cat=1), where, 1)
    assert truths(found) == [truth]
    assert (gap / 141.42 <= ALONE) == (gap == 5)


@pytest.mark.parametrize(
    "text",
    [
        "The cat has two ears and four legs.",
        "The cat wears the number 7.",
        "One of the cats is asleep.",
        "The cat is two years old.",
        "One side of the cat is white.",
    ],
)
def test_what_is_no_count(text: str) -> None:
    parsed = parse(text)
    mentions = spoken(parsed, 1, cat=1, ear="part", leg="part", side="part")
    assert count_statements(parsed, mentions, cats(3), 1) == []


@pytest.mark.parametrize(
    ("photo", "word", "text", "truth"),
    [
        ("rocket", "lattice tower", "Four towers stand around it.", "supported"),
        ("rocket", "lattice tower", "Five towers stand around it.", "contradicted"),
        ("rocket", "floodlight", "The image contains seven floodlights.", "supported"),
        ("rocket", "floodlight", "The image contains six floodlights.", "contradicted"),
        ("astronaut", "person", "She is one of two people.", "contradicted"),
        ("astronaut", "badge", "It is one of two badges.", "supported"),
        ("china", "boat", "Two boats float on the lake.", "cannot tell"),
    ],
)
def test_photographs(photo: str, word: str, text: str, truth: str) -> None:
    _, where = photographs()[photo]
    ids = tuple(facts.id for facts in where.regions if facts.category == word)
    parsed = parse(text)
    meant = dict.fromkeys(("tower", "floodlight", "people", "badge", "boat"), ids)
    mentions = spoken(parsed, ids[0], **meant)
    assert truths(count_statements(parsed, mentions, where, ids[0])) == [truth]


@given(st.integers(1, 6), st.integers(2, 6))
def test_only_more_than_there_are_contradict_a_plain_number(there: int, claimed: int) -> None:
    (plain,) = truths(said(f"Here lie {NUMBERS[claimed - 1]} cats.", cats(there)))
    assert (plain == "contradicted") == (claimed > there)
    (total,) = truths(said(f"It is one of {NUMBERS[claimed - 1]} cats.", cats(there)))
    assert total == ("supported" if claimed == there else "contradicted")
