"""Relations in the picture plane: boxes of known place, and sentences about the photographs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.baseline.region_facts import Scene
from annoengine.box import BoxXyxy
from annoengine.claims.caption_claim import Statement
from annoengine.claims.plane_relations import has_own_sides
from annoengine.claims.relation_claims import relation_statements
from tests.claims.hand_made import parse, photographs, region, scene, spoken, truths

IDS = {
    "flag": 7547307,
    "shuttle": 15440729,
    "person": 5446613,
    "helmet": 11358009,
    "table": 10742218,
}
COFFEE = {"cup": 4019031, "saucer": 3110604, "spoon": 4482049, "coffee": 4699522, "table": 13552129}
CHINA = {"building": 87180, "roof": 3028596, "finial": 883430, "sky": 11232862, "bridge": 5982382}


def said(
    text: str, where: Scene, own: int | None = 1, **meant: int | tuple[int, ...] | str
) -> list[Statement]:
    parsed = parse(text)
    words: dict[str, int | tuple[int, ...] | str] = {"cup": 1, "car": 2, "tree": 3, **meant}
    return relation_statements(parsed, spoken(parsed, own, **words), where, own)


def two(cup: BoxXyxy, car: BoxXyxy) -> Scene:
    return scene(region(1, "cup", cup), region(2, "car", car))


LEFT, RIGHT = (5, 40, 15, 60), (70, 40, 90, 60)
HIGH, LOW = (40, 5, 60, 25), (40, 70, 60, 95)


@pytest.mark.parametrize(
    ("phrase", "cup", "car", "truth"),
    [
        ("to the left of the car", LEFT, RIGHT, "supported"),
        ("to the left of the car", RIGHT, LEFT, "contradicted"),
        ("on the right of the car", LEFT, RIGHT, "contradicted"),
        ("left of the car", RIGHT, LEFT, "contradicted"),
        ("to the left of the car", HIGH, LOW, "cannot tell"),
        ("above the car", HIGH, LOW, "supported"),
        ("above the car", LOW, HIGH, "contradicted"),
        ("below the car", HIGH, LOW, "contradicted"),
        ("under the car", LOW, HIGH, "supported"),
        ("on the car", LEFT, RIGHT, "contradicted"),
        ("on the car", (40, 30, 60, 50), (30, 45, 80, 80), "supported"),
        ("on top of the car", LOW, HIGH, "contradicted"),
        ("in the car", LEFT, RIGHT, "contradicted"),
        ("inside the car", (0, 0, 90, 90), (40, 40, 60, 60), "contradicted"),
        ("next to the car", LEFT, RIGHT, "contradicted"),
        ("next to the car", LEFT, (18, 40, 30, 60), "supported"),
        ("near the car", LEFT, (40, 40, 60, 60), "cannot tell"),
        ("far from the car", LEFT, RIGHT, "supported"),
        ("far from the car", LEFT, (10, 40, 30, 60), "contradicted"),
        ("behind the car", LEFT, RIGHT, "cannot tell"),
        ("in front of the car", LEFT, RIGHT, "cannot tell"),
        ("not next to the car", LEFT, RIGHT, "supported"),
    ],
)
def test_two_boxes(phrase: str, cup: BoxXyxy, car: BoxXyxy, truth: str) -> None:
    assert truths(said(f"The cup is {phrase}.", two(cup, car))) == [truth]


def test_evidence_gives_both_places() -> None:
    (statement,) = said("The cup is to the left of the car.", two(RIGHT, LEFT))
    assert statement.says == "cup: left of car"
    assert statement.evidence == "its centre lies at 80 % of the width, that of the car at 10 %"
    assert (statement.kind, statement.start, statement.end) == ("relation", 11, 33)


def test_to_the_left_stands_something() -> None:
    where = two(LEFT, RIGHT)
    assert truths(said("To the right of the cup is a car.", where)) == ["supported"]
    assert truths(said("To the left of the cup is a car.", where)) == ["contradicted"]


def test_a_thing_with_sides_of_its_own_has_no_left_of_the_image() -> None:
    assert [has_own_sides(name) for name in ("car", "person", "cup")] == [True, True, False]
    where = two(RIGHT, LEFT)
    assert said("The cup is on the left side of the car.", where) == []
    assert said("The car has a cup to its left.", where) == []


@pytest.mark.parametrize(
    ("place", "truth"),
    [((40, 40, 50, 60), "supported"), ((5, 40, 9, 60), "contradicted")],
)
def test_between_two(place: BoxXyxy, truth: str) -> None:
    where = scene(
        region(1, "cup", place),
        region(2, "car", (15, 40, 25, 60)),
        region(3, "tree-merged", (80, 40, 95, 60), thing=False),
    )
    assert truths(said("The cup stands between the car and the tree.", where)) == [truth]


def test_between_two_of_many() -> None:
    cars = [region(n, "car", (20.0 * n, 40, 20.0 * n + 8, 60)) for n in (2, 3, 4)]
    text = "The cup stands between two cars."
    inside = scene(region(1, "cup", (52, 40, 56, 60)), *cars)
    beside = scene(region(1, "cup", (5, 40, 9, 60)), *cars)
    under = scene(region(1, "cup", (5, 90, 9, 99)), *cars)
    found = [truths(said(text, where, car=(2, 3, 4))) for where in (inside, beside, under)]
    # Beside the row it may still be between two that stand one above the other.
    assert found == [["supported"], ["cannot tell"], ["contradicted"]]


def test_several_that_may_be_meant() -> None:
    where = scene(
        region(1, "cup", (40, 40, 50, 60)),
        region(2, "car", (5, 40, 15, 60)),
        region(3, "car", (80, 40, 90, 60)),
    )
    both = (2, 3)
    assert truths(said("The cup is to the left of a car.", where, car=both)) == ["cannot tell"]
    assert truths(said("The cup is on a car.", where, car=both)) == ["contradicted"]
    assert truths(said("The cup is left of both cars.", where, car=both)) == ["contradicted"]


def test_a_crowd_contradicts_nothing() -> None:
    where = scene(region(1, "cup", RIGHT), region(2, "car", LEFT, crowd=True))
    assert truths(said("The cup is to the left of the cars.", where)) == ["cannot tell"]


def test_parts_lie_near_their_whole() -> None:
    where = two(LEFT, RIGHT)
    assert truths(said("The cup's handle touches a wall near the car.", where, handle="part")) == [
        "contradicted"
    ]
    assert said("Its handle is to the left of the car.", where, handle="part") == []


def test_not_on_this_but_on_that() -> None:
    where = scene(
        region(1, "cup", (40, 40, 60, 60)),
        region(2, "car", (40, 50, 90, 90)),
        region(3, "tree-merged", (10, 50, 50, 90), thing=False),
    )
    found = said("The cup is not on the car but on the tree.", where)
    assert "contradicted" not in truths(found)


@pytest.mark.parametrize(
    "text",
    [
        "The cup is in the background.",
        "The cup looks to the left of the car.",
        "The cup is made by the car.",
        "The cup is on its side.",
        "The cup is in the middle of the image.",
    ],
)
def test_what_is_no_relation(text: str) -> None:
    assert said(text, two(RIGHT, LEFT)) == []


@pytest.mark.parametrize(
    ("photo", "ids", "own", "text", "truth"),
    [
        ("astronaut", IDS, "flag", "A flag hangs to the left of the person.", "supported"),
        ("astronaut", IDS, "flag", "A flag hangs to the right of the person.", "contradicted"),
        ("astronaut", IDS, "shuttle", "The shuttle is next to the flag.", "contradicted"),
        ("astronaut", IDS, "shuttle", "The shuttle is below the helmet.", "contradicted"),
        ("astronaut", IDS, "shuttle", "The shuttle stands on the table.", "cannot tell"),
        (
            "astronaut",
            IDS,
            "flag",
            "The flag is between the person and the shuttle.",
            "contradicted",
        ),
        (
            "astronaut",
            IDS,
            "person",
            "The person is between the flag and the shuttle.",
            "supported",
        ),
        ("coffee", COFFEE, "spoon", "The spoon lies to the right of the cup.", "supported"),
        ("coffee", COFFEE, "spoon", "The spoon lies to the left of the cup.", "contradicted"),
        ("coffee", COFFEE, "cup", "The cup is under the saucer.", "contradicted"),
        ("coffee", COFFEE, "coffee", "The coffee is in the cup.", "supported"),
        ("coffee", COFFEE, "cup", "The cup is inside the spoon.", "contradicted"),
        ("china", CHINA, "finial", "The finial is at the top of the building.", "supported"),
        ("china", CHINA, "finial", "The finial is on the building.", "cannot tell"),
        ("china", CHINA, "finial", "The finial is below the roof.", "contradicted"),
        ("china", CHINA, "bridge", "The bridge is to the left of the building.", "contradicted"),
        ("china", CHINA, "sky", "The sky is above the building.", "supported"),
    ],
)
def test_photographs(photo: str, ids: dict[str, int], own: str, text: str, truth: str) -> None:
    _, where = photographs()[photo]
    parsed = parse(text)
    mentions = spoken(parsed, ids[own], **ids)
    assert truths(relation_statements(parsed, mentions, where, ids[own])) == [truth]


boxes = st.tuples(st.floats(0, 80), st.floats(0, 80), st.floats(2, 20), st.floats(2, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(boxes, boxes)
def test_converses_agree(cup: BoxXyxy, car: BoxXyxy) -> None:
    there, back = two(cup, car), two(car, cup)
    for one, other in (("to the left of", "to the right of"), ("above", "below")):
        here = truths(said(f"The cup is {one} the car.", there))
        assert here == truths(said(f"The cup is {other} the car.", back))
        opposite = truths(said(f"The cup is {other} the car.", there))
        assert not (here == opposite == ["supported"])
        assert (here == ["supported"]) == (opposite == ["contradicted"])


@given(boxes, boxes)
def test_what_touches_is_never_denied_contact(cup: BoxXyxy, car: BoxXyxy) -> None:
    where = two(cup, car)
    meet = cup[0] <= car[2] and car[0] <= cup[2] and cup[1] <= car[3] and car[1] <= cup[3]
    for phrase in ("on", "in", "next to", "near"):
        (truth,) = truths(said(f"The cup is {phrase} the car.", where))
        assert not (meet and truth == "contradicted")
