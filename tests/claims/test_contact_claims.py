"""What touches: boxes with and without a gap, and sentences about the photographs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.baseline.region_facts import Scene
from annoengine.claims.caption_claim import Statement
from annoengine.claims.contact_claims import contact_statements
from annoengine.claims.plane_relations import CONTACT
from tests.claims.hand_made import parse, photographs, region, scene, spoken, truths

ASTRONAUT = {"person": 5446613, "badge": 16205681, "helmet": 11358009, "flag": 7547307}


def apart(gap: float) -> Scene:
    return scene(
        region(1, "person", (10, 10, 30, 90)),
        region(2, "tennis racket", (30 + gap, 40, 40 + gap, 60)),
    )


def said(
    text: str, where: Scene, own: int = 1, **meant: int | tuple[int, ...] | str
) -> list[Statement]:
    parsed = parse(text)
    words: dict[str, int | tuple[int, ...] | str] = {"person": 1, "racket": 2, **meant}
    return contact_statements(parsed, spoken(parsed, own, **words), where, own)


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("The person is holding a tennis racket.", 1),
        ("The person, holding a racket, smiles.", 1),
        ("The racket is held by the person.", 2),
        ("A racket carried by a person.", 2),
        ("The racket is attached to the person.", 2),
        ("The person is touching the racket.", 1),
        ("The racket is in contact with the person.", 2),
    ],
)
def test_far_apart_nothing_is_held(text: str, own: int) -> None:
    assert truths(said(text, apart(40), own)) == ["contradicted"]
    assert "contradicted" not in truths(said(text, apart(0), own))


def test_evidence_gives_the_gap() -> None:
    (statement,) = said("The person is holding a racket.", apart(40))
    assert statement.says == "person: hold tennis racket"
    assert statement.evidence == (
        "the boxes of it and the tennis racket are 0.28 of the diagonal apart"
    )
    assert (statement.kind, statement.start, statement.end) == ("contact", 14, 30)


def test_touch_can_be_true_and_a_grip_cannot() -> None:
    assert truths(said("The person is touching the racket.", apart(0))) == ["supported"]
    assert truths(said("The person is holding the racket.", apart(0))) == ["cannot tell"]


def test_a_denial() -> None:
    assert truths(said("The person is not holding the racket.", apart(40))) == ["supported"]
    assert truths(said("The person is not touching the racket.", apart(0))) == ["contradicted"]
    assert truths(said("The person is not holding the racket.", apart(0))) == ["cannot tell"]


def test_what_stands_before_may_be_the_one_that_holds() -> None:
    where = scene(*apart(40).regions, region(3, "person", (68, 10, 90, 90)))
    text = "A person beside a woman holding a racket."
    assert "contradicted" not in truths(said(text, where, woman=3))


def test_only_one_segment_that_is_meant_for_sure() -> None:
    where = scene(*apart(40).regions, region(3, "tennis racket", (80, 40, 90, 60)))
    assert said("The person is holding a racket.", where, racket=(2, 3)) == []
    crowd = scene(apart(40).regions[0], region(2, "tennis racket", (70, 40, 90, 60), crowd=True))
    assert said("The person is holding rackets.", crowd) == []


def test_parts_are_worn_without_a_claim() -> None:
    assert said("The person wears a red shirt.", apart(40), shirt="part") == []
    assert said("The hand of the person is holding a racket.", apart(40), hand="part") == []


@pytest.mark.parametrize(
    ("own", "text", "truth"),
    [
        ("person", "The person is holding a helmet.", "cannot tell"),
        ("badge", "The badge is attached to the flag.", "contradicted"),
        ("badge", "A badge touching the helmet.", "contradicted"),
        ("badge", "A badge touching the person.", "supported"),
        ("helmet", "The helmet is held by the person.", "cannot tell"),
    ],
)
def test_the_astronaut(own: str, text: str, truth: str) -> None:
    _, where = photographs()["astronaut"]
    found = said(text, where, ASTRONAUT[own], **ASTRONAUT)
    assert truths(found) == [truth]


@given(st.floats(0, 50))
def test_a_clear_gap_decides(gap: float) -> None:
    (truth,) = truths(said("The person is holding the racket.", apart(gap)))
    assert (truth == "contradicted") == (gap / 2**0.5 / 100 > CONTACT)


def test_plain_touch_asks_for_less_than_a_hands_breadth() -> None:
    # Of boxes alone, 3 pixels of a diagonal of 141, 2.1 %, tell nothing; of masks they do.
    assert truths(said("The person is touching the racket.", apart(3))) == ["cannot tell"]
    _, where = photographs()["flower"]
    flowers = {"flower": 4691953, "bloom": 5023487}
    found = said("The flower touches the bloom.", where, 4691953, **flowers)
    assert truths(found) == ["contradicted"]
    assert truths(said("The flower holds the bloom.", where, 4691953, **flowers)) == ["cannot tell"]


def test_all_that_may_be_meant_are_far_away() -> None:
    where = scene(*apart(40).regions, region(3, "tennis racket", (80, 40, 90, 60)))
    text = "The person is touching the racket."
    assert truths(said(text, where, racket=(2, 3))) == ["contradicted"]
    near = scene(*apart(0).regions, region(3, "tennis racket", (80, 40, 90, 60)))
    assert truths(said(text, near, racket=(2, 3))) == ["cannot tell"]


def test_what_is_walled_in_by_others_touches_no_more() -> None:
    _, where = photographs()["coffee"]
    coffee, spoon = 4699522, 4482049
    found = said("The coffee touches the spoon.", where, coffee, coffee=coffee, spoon=spoon)
    assert truths(found) == ["contradicted"]
    assert found[0].evidence.endswith("and they share no edge")
