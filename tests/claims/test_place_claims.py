"""Places in the image: drawn scenes with known numbers, and sentences about the photographs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.claims.caption_claim import Mention, Statement
from annoengine.claims.place_claims import NARROW, SIDE, place_statements
from annoengine.claims.place_phrase import place_phrases
from tests.claims.hand_made import parse, photographs, region, scene, spoken, truths

FLAG, SHUTTLE, PERSON, HELMET = 7547307, 15440729, 5446613, 11358009
ROCKET, LEFT_TOWER, LIGHT = 11001071, 2314903, 3132155


def said(text: str, box: tuple[float, float, float, float], **others: int) -> list[Statement]:
    """Of a cup with this box in an image of 100 × 100, and a car at the right."""
    where = scene(region(1, "cup", box), region(2, "car", (80, 40, 100, 60)))
    parsed = parse(text)
    mentions = spoken(parsed, 1, **{"cup": 1, "car": 2, **others})
    return place_statements(parsed, mentions, where, 1)


@pytest.mark.parametrize(
    ("phrase", "box", "truth"),
    [
        ("on the left side of the image", (10, 40, 30, 60), "supported"),
        ("on the left side of the image", (70, 40, 90, 60), "contradicted"),
        ("on the left side of the image", (20, 0, 84, 100), "cannot tell"),
        ("on the right", (10, 40, 30, 60), "contradicted"),
        ("in the upper right corner of the photo", (75, 5, 95, 25), "supported"),
        ("in the upper right corner of the photo", (75, 75, 95, 95), "contradicted"),
        ("in the top-left corner", (40, 40, 60, 60), "contradicted"),
        ("at the bottom of the picture", (40, 80, 60, 100), "supported"),
        ("at the bottom of the picture", (40, 0, 60, 20), "contradicted"),
        ("in the centre of the frame", (40, 40, 60, 60), "supported"),
        ("in the middle of the image", (0, 40, 20, 60), "contradicted"),
        ("at the far right", (60, 40, 70, 60), "cannot tell"),
        ("at the far right", (50, 40, 60, 60), "contradicted"),
        ("near the left edge of the image", (38, 40, 48, 60), "contradicted"),
        ("at the far right edge of the picture", (20, 20, 89, 60), "cannot tell"),
        ("at the far right edge of the picture", (0, 20, 89, 60), "contradicted"),
        ("at the far right edge of the picture", (15, 20, 93, 60), "cannot tell"),
        ("only at the bottom of the image", (0, 0, 100, 99), "contradicted"),
        ("only at the bottom of the image", (0, 60, 100, 99), "supported"),
        ("only at the top of the image", (0, 0, 100, 70), "supported"),
        ("near the edge of the image", (40, 40, 60, 60), "contradicted"),
        ("slightly left of the center of the image", (30, 40, 50, 60), "supported"),
        ("slightly left of center", (60, 40, 80, 60), "contradicted"),
        ("in the background", (10, 40, 30, 60), "cannot tell"),
    ],
)
def test_a_place_in_the_image(
    phrase: str, box: tuple[float, float, float, float], truth: str
) -> None:
    assert truths(said(f"The cup is {phrase}.", box)) == [truth]


def test_evidence_tells_what_was_measured() -> None:
    (statement,) = said("The cup is on the left side of the image.", (70, 40, 90, 60))
    assert statement.kind == "position"
    assert statement.says == "cup: at the left of the image"
    assert (statement.start, statement.end) == (11, 40)
    assert statement.evidence == "its centre lies at 80 % of the width, its box spans 70 % to 90 %"


@pytest.mark.parametrize(
    "text",
    [
        "The cup is held in his left hand.",
        "Its left side is white.",
        "The cup faces left and is turned to the right.",
        "The cup is white on the left and grey at the bottom.",
        "The cup has a handle on the left.",
        "The cup has a logo in the middle.",
        "A path leads from the cup to the right.",
        "The cup looks toward the top left corner.",
        "The cup stands on the left of the car.",
        "The cup stands in the middle of the table.",
        "The cup is on top of the car.",
        "The cup has saucers on the left and right.",
        "Without a cup on the left side of the image.",
        "There is no cup on the left side of the image.",
    ],
)
def test_what_is_no_place_in_the_image(text: str) -> None:
    assert said(text, (70, 80, 90, 100)) == []


def test_a_denial_turns_the_verdict() -> None:
    assert truths(said("The cup is not on the left side of the image.", (70, 0, 90, 9))) == [
        "supported"
    ]
    assert truths(said("The cup is not on the left side of the image.", (10, 0, 30, 9))) == [
        "contradicted"
    ]


def test_the_phrase_may_be_said_of_what_stands_before_it() -> None:
    # The cup is at the left, the car at the right: either may be meant.
    (near,) = said("The cup hides a car on the right side of the image.", (10, 40, 30, 60))
    assert near.truth != "contradicted"
    both = said("The cup hides a car on the left side of the image.", (70, 40, 78, 60))
    assert truths(both) == ["contradicted"]


def test_on_the_left_may_be_the_left_one_of_its_kind() -> None:
    where = scene(region(1, "cup", (60, 40, 70, 60)), region(2, "cup", (80, 40, 90, 60)))
    for own, truth in ((1, "cannot tell"), (2, "contradicted")):
        parsed = parse("The cup on the left is red.")
        found = place_statements(parsed, spoken(parsed, own, cup=own), where, own)
        assert truths(found) == [truth]
        parsed = parse("The cup is in the lower left corner of the image.")
        found = place_statements(parsed, spoken(parsed, own, cup=own), where, own)
        assert truths(found) == ["contradicted"]


def test_to_the_left_may_be_of_something_that_is_not_named() -> None:
    assert truths(said("The cup stands to the left.", (70, 40, 90, 60))) == ["cannot tell"]
    assert truths(said("The cup stands to the left in the image.", (70, 40, 90, 60))) == [
        "contradicted"
    ]


def test_the_images_own_side() -> None:
    assert truths(said("The cup is in the photo's upper left corner.", (70, 70, 90, 90))) == [
        "contradicted"
    ]


def test_stuff_may_be_on_both_sides() -> None:
    parsed = parse("The trees are on the left side of the image.")
    wide = scene(region(1, "tree-merged", (0, 0, 100, 90), thing=False))
    assert truths(place_statements(parsed, spoken(parsed, 1, tree=1), wide, 1)) == ["cannot tell"]
    right = scene(region(1, "tree-merged", (60, 0, 100, 90), thing=False))
    assert truths(place_statements(parsed, spoken(parsed, 1, tree=1), right, 1)) == ["contradicted"]


def test_of_several_all_must_be_elsewhere() -> None:
    where = scene(region(1, "cup", (5, 0, 20, 20)), region(2, "cup", (75, 0, 95, 20)))
    parsed = parse("A cup stands on the right side of the image.")
    assert truths(place_statements(parsed, spoken(parsed, None, cup=(1, 2)), where, None)) == [
        "cannot tell"
    ]
    parsed = parse("A cup stands at the bottom of the image.")
    assert truths(place_statements(parsed, spoken(parsed, None, cup=(1, 2)), where, None)) == [
        "contradicted"
    ]


def test_a_crowd_contradicts_nothing() -> None:
    where = scene(region(1, "person", (70, 0, 95, 90), crowd=True))
    parsed = parse("People stand on the left side of the image.")
    meant = tuple(
        Mention(m.first, m.past, m.root, m.who, m.segments, m.plural, True)
        for m in spoken(parsed, None, people=1)
    )
    assert truths(place_statements(parsed, meant, where, None)) == ["cannot tell"]


@pytest.mark.parametrize(
    ("text", "box", "truth"),
    [
        ("The cup is cut off by the left edge of the frame.", (0, 40, 30, 60), "supported"),
        ("The cup is cut off by the left edge of the frame.", (10, 40, 30, 60), "contradicted"),
        ("The cup is partially out of frame.", (40, 40, 60, 60), "contradicted"),
        ("The cup is cropped at the bottom of the image.", (40, 70, 60, 100), "supported"),
        ("The cup extends beyond the top of the image.", (40, 30, 60, 60), "contradicted"),
        (
            "The cup is cut off by the top and right edges of the image.",
            (60, 0, 100, 30),
            "supported",
        ),
    ],
)
def test_the_frame(text: str, box: tuple[float, float, float, float], truth: str) -> None:
    assert truths(said(text, box)) == [truth]


def test_a_cut_by_something_else_is_no_claim() -> None:
    assert said("The cup is cut into slices by a knife.", (40, 40, 60, 60)) == []


@pytest.mark.parametrize(
    ("photo", "own", "text", "truth"),
    [
        ("astronaut", FLAG, "The flag hangs along the left edge of the image.", "supported"),
        ("astronaut", FLAG, "The flag is on the right side of the image.", "contradicted"),
        ("astronaut", SHUTTLE, "A shuttle is in the upper right corner.", "supported"),
        ("astronaut", HELMET, "A helmet lies in the top left corner.", "contradicted"),
        ("astronaut", PERSON, "The person stands on the far right.", "contradicted"),
        ("rocket", ROCKET, "The rocket is on the left side of the image.", "contradicted"),
        ("rocket", LEFT_TOWER, "The tower reaches beyond the top of the frame.", "supported"),
        ("rocket", LIGHT, "A light near the bottom left corner.", "supported"),
        ("rocket", LIGHT, "A light in the middle of the picture.", "contradicted"),
    ],
)
def test_photographs(photo: str, own: int, text: str, truth: str) -> None:
    record, where = photographs()[photo]
    parsed = parse(text)
    subject = parsed.tokens[1].lemma.lower()
    mentions = spoken(parsed, own, **{subject: own})
    assert truths(place_statements(parsed, mentions, where, own)) == [truth], record.id


@given(st.floats(0, 80), st.floats(5, 20))
def test_left_and_right_are_never_both_true_nor_both_denied(x: float, width: float) -> None:
    box = (x, 40.0, x + width, 60.0)
    left = truths(said("The cup is on the left side of the image.", box))
    right = truths(said("The cup is on the right side of the image.", box))
    assert (left, right) != (["supported"], ["supported"])
    centre = (x + (x + width)) / 2 / 100
    if min(abs(centre - 0.5), abs(centre - SIDE), abs(width - 100 * NARROW)) > 1e-9:
        assert (left == ["supported"]) == (centre <= SIDE)
        assert (left == ["contradicted"]) == (centre >= 0.5)


@given(st.floats(0, 80), st.floats(0, 80))
def test_a_mirror_image_swaps_left_and_right(x: float, y: float) -> None:
    box, mirrored = (x, y, x + 20, y + 20), (80 - x, y, 100 - x, y + 20)
    here = truths(said("The cup is in the upper left corner.", box))
    there = truths(said("The cup is in the upper right corner.", mirrored))
    # Exactly at a threshold 1 - x and x may fall on different sides.
    assert here == there or min(abs(x + 10 - n) for n in (35, 42, 45, 50, 58, 65)) < 1e-6


def test_phrases_are_found_by_their_words() -> None:
    parsed = parse("A flag in the top-left corner of the photo, right next to the right door.")
    (phrase,) = place_phrases(parsed)
    assert (phrase.words, phrase.whose) == ("top left corner", "image")


def test_what_stands_in_a_corner_may_be_named_last() -> None:
    parsed = parse("In the bottom left corner stands a cup.")
    where = scene(region(1, "cup", (70, 0, 90, 30)))
    found = place_statements(parsed, spoken(parsed, 1, cup=1), where, 1)
    assert truths(found) == ["contradicted"]
