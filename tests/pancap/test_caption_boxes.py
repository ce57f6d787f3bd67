"""Boxes in captions: every form that is known, with exact offsets, and writing that comes back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.pancap.caption_boxes import (
    Boxed,
    PlacedBox,
    find_boxes,
    find_written,
    parse_boxed,
    rounded_box,
    write_box,
    write_boxed,
)

B = (0.1, 0.2, 0.3, 0.4)
TEXT = "[[0.1, 0.2, 0.3, 0.4]]"


@pytest.mark.parametrize(
    "written",
    [
        "[[0.100, 0.200, 0.300, 0.400]]",
        "[[0.1,0.2,0.3,0.4]]",
        "[ [ 0.10 , 0.20 , 0.30 , 0.40 ] ]",
        "[0.1, 0.2, 0.3, 0.4]",
        "[.1, .2, .3, .4]",
        "[[0.1; 0.2; 0.3; 0.4]]",
        "[[0.1, 0.2, 0.3, 0.4,]]",
        "[[x1: 0.1, y1: 0.2, x2: 0.3, y2: 0.4]]",
        "[xmin=0.1, ymin=0.2, xmax=0.3, ymax=0.4]",
        "<box>[[0.1, 0.2, 0.3, 0.4]]</box>",
        "<box>[[100, 200, 300, 400]]</box>",
        "[[100, 200, 300, 400]]",
        "(0.1, 0.2, 0.3, 0.4)",
    ],
)
def test_one_box_in_many_ways(written: str) -> None:
    text = f"A cup {written} stands there."
    (found,) = find_boxes(text).boxes
    assert found.box == B
    assert text[found.start : found.end] == written
    assert text[: found.first] + text[found.past :] == "A cup stands there."
    assert parse_boxed(text) == Boxed("A cup  stands there.", (PlacedBox(6, B),))


@pytest.mark.parametrize(
    ("text", "form", "rest"),
    [
        (f"a cup {TEXT} and", "apposed", "a cup and"),
        (f"a cup ({TEXT}) and", "apposed", "a cup and"),
        (f"a cup (bounding box: {TEXT}) and", "apposed", "a cup and"),
        (f"a cup (Bounding Box: `{TEXT}`) and", "apposed", "a cup and"),
        (f"a cup with a bounding box of {TEXT} and", "with", "a cup and"),
        (f"a cup with its bounding box {TEXT} and", "with", "a cup and"),
        (f"the cup's bounding box is {TEXT}.", "box of", "the cup's bounding box is ."),
        (f"Its bounding box is {TEXT}.", "box of", "Its bounding box is ."),
        (f"the bounding box of the cup is {TEXT}.", "box of", "the bounding box of the cup is ."),
        (f"the cup is located at {TEXT}.", "at", "the cup is ."),
        (f"the cup is at ({TEXT}).", "at", "the cup ."),
        (f"the field covers {TEXT}.", "at", "the field ."),
    ],
)
def test_how_a_sentence_brings_it_in(text: str, form: str, rest: str) -> None:
    (found,) = find_boxes(text).boxes
    assert found.form == form
    assert text[found.start : found.end] == TEXT
    cut = text[: found.first] + text[found.past :]
    assert " ".join(cut.split()) == rest


@pytest.mark.parametrize(
    "text",
    [
        f"two cups {TEXT} [[0.5, 0.2, 0.7, 0.4]] stand",
        f"two cups {TEXT}, [[0.5, 0.2, 0.7, 0.4]] stand",
        f"two cups {TEXT} and [[0.5, 0.2, 0.7, 0.4]] stand",
        f"two cups ({TEXT}) ([[0.5, 0.2, 0.7, 0.4]]) stand",
        "two cups [[0.1, 0.2, 0.3, 0.4], [0.5, 0.2, 0.7, 0.4]] stand",
    ],
)
def test_boxes_in_a_row_are_brought_in_together(text: str) -> None:
    one, other = find_boxes(text).boxes
    assert (one.box, other.box) == (B, (0.5, 0.2, 0.7, 0.4))
    assert one.past == other.first
    assert (text[: one.first] + text[other.past :]).split() == ["two", "cups", "stand"]


@pytest.mark.parametrize(
    ("numbers", "size", "grid", "sure", "box"),
    [
        ("[0, 0, 1, 1]", None, "shares", True, (0, 0, 1, 1)),
        ("[500, 250, 1000, 750]", None, "of 1000", False, (0.5, 0.25, 1, 0.75)),
        ("[333, 0, 999, 666]", None, "of 999", False, (1 / 3, 0, 1, 2 / 3)),
        ("[64, 48, 640, 480]", (640, 480), "pixels", False, (0.1, 0.1, 1, 1)),
        ("[64, 48, 700, 480]", (640, 480), "of 1000", True, (0.064, 0.048, 0.7, 0.48)),
        ("[100, 100, 900, 900]", (4000, 3000), "of 1000", False, (0.1, 0.1, 0.9, 0.9)),
        ("[100, 300, 2000, 1500]", (4000, 3000), "pixels", True, (0.025, 0.1, 0.5, 0.5)),
    ],
)
def test_what_the_numbers_count(
    numbers: str, size: tuple[int, int] | None, grid: str, sure: bool, box: tuple[float, ...]
) -> None:
    found = find_boxes(f"a cup [{numbers}]", size)
    assert (found.grid, found.grid_sure) == (grid, sure)
    assert found.boxes[0].box == pytest.approx(box)


def test_a_grid_that_is_given_is_taken() -> None:
    text = "a cup [[64, 48, 640, 480]]"
    assert find_boxes(text, (640, 480), "of 1000").boxes[0].box == (0.064, 0.048, 0.64, 0.48)


def test_shares_among_other_numbers_stay_shares() -> None:
    one, other = find_boxes("a cup [[0.1, 0.2, 0.3, 0.4]], a jug [[100, 200, 300, 400]]").boxes
    assert one.box == other.box == B


@pytest.mark.parametrize(
    ("numbers", "troubles", "box"),
    [
        ("0.3, 0.2, 0.1, 0.4", ["reversed"], B),
        ("0.1, 0.4, 0.3, 0.2", ["reversed"], B),
        ("0.1, 0.2, 1.01, 0.4", ["clamped"], (0.1, 0.2, 1.0, 0.4)),
        ("0.1, 0.2, 0.1, 0.4", ["empty"], None),
        ("0.1, 0.2, 0.3", ["count"], None),
        ("0.1, 0.2, 0.3, 0.4, 0.9", ["count"], None),
        ("-0.3, 0.2, 0.3, 0.4", ["outside"], None),
        ("10, 20, 1300, 40", ["size unknown"], None),
    ],
)
def test_what_is_wrong_is_said(
    numbers: str, troubles: list[str], box: tuple[float, ...] | None
) -> None:
    text = f"a cup [[{numbers}]] here"
    found = find_boxes(text)
    assert [fault.trouble for fault in found.faults] == troubles
    assert [one.box for one in found.boxes] == ([] if box is None else [box])
    (fault,) = found.faults
    assert text[fault.start : fault.end] == f"[[{numbers}]]"


@pytest.mark.parametrize(
    "text", ["", "no box", "[1]", "see [1, 2]", "a list [1, 2, 3]", "(1, 2, 3, 4)", "[[]]", "[[a]]"]
)
def test_what_is_no_box(text: str) -> None:
    found = find_boxes(text)
    assert (found.boxes, found.faults) == ((), ())
    assert parse_boxed(text) == Boxed(text)


def test_writing_refuses_what_would_be_read_otherwise() -> None:
    with pytest.raises(ValueError, match="would be read differently"):
        write_boxed(Boxed(f"a cup {TEXT}"))
    with pytest.raises(ValueError, match="would be read differently"):
        write_boxed(Boxed("a cup ", (PlacedBox(6, (0.12345, 0.2, 0.3, 0.4)),)))
    with pytest.raises(ValueError, match="stands at 9, outside"):
        write_boxed(Boxed("a cup", (PlacedBox(9, B),)))


STEPS = st.integers(0, 1000)
BOXES = (
    st.tuples(STEPS, STEPS, STEPS, STEPS)
    .map(lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])))
    .filter(lambda b: b[0] < b[2] and b[1] < b[3])
    .map(lambda b: (b[0] / 1000, b[1] / 1000, b[2] / 1000, b[3] / 1000))
)
PROSE = st.text(alphabet="ab A.,:;()[]{}'*`-\n", max_size=30)


@st.composite
def captions(draw: st.DrawFn) -> Boxed:
    prose = draw(PROSE)
    places = sorted(draw(st.lists(st.integers(0, len(prose)), max_size=5)))
    return Boxed(prose, tuple(PlacedBox(at, draw(BOXES)) for at in places))


@settings(max_examples=300)
@given(captions())
def test_what_is_written_comes_back(boxed: Boxed) -> None:
    assert parse_boxed(write_boxed(boxed)) == boxed


@settings(max_examples=300)
@given(st.text(alphabet="[](){}<>box/0123456789.,-: \nat with", max_size=60))
def test_nothing_raises_and_offsets_hold(text: str) -> None:
    last = 0
    for found in find_boxes(text, (640, 480)).boxes:
        assert last <= found.start < found.end <= found.past <= len(text)
        assert found.first <= found.start
        x1, y1, x2, y2 = found.box
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
        last = found.end


@given(BOXES)
def test_a_box_is_written_with_three_decimals(box: tuple[float, float, float, float]) -> None:
    written = write_box(box)
    assert len(written) == len("[[0.000, 0.000, 0.000, 0.000]]")
    assert find_boxes(written).boxes[0].box == box


@given(st.tuples(*[st.floats(0, 1)] * 4).map(sorted).map(lambda b: (b[0], b[1], b[2], b[3])))
def test_every_box_can_be_written(box: tuple[float, float, float, float]) -> None:
    rounded = rounded_box(box)
    assert find_boxes(write_box(rounded)).boxes[0].box == rounded
    assert all(abs(new - old) <= 0.0015 for new, old in zip(rounded, box, strict=True))


def test_numbers_are_found_as_they_were_written() -> None:
    text = "a cup (box: [[100, 200, 300, 400]]), a jug [[0.1, 0.2, 0.3]] [[0, 0, 1, 1]]"
    found = find_written(text)
    assert [box.numbers for box in found] == [(100, 200, 300, 400), (0.1, 0.2, 0.3), (0, 0, 1, 1)]
    assert found[2].first == found[1].past
