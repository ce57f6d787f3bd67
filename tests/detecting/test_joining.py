"""Which detections join, in cases worked out by hand; and their text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.box import BoxXyxy, iou
from annoengine.detecting.detections import Detection, names_of, question, read, write
from annoengine.detecting.joining import joining
from annoengine.detecting.parts import parts_of
from annoengine.mask import RecordFiles, Rle, keyed_rles, rle_from_mask
from annoengine.record import Category, MaskStore, Photo, Record, Segment

# Ten by ten, at x = 0, 20 and 40. Shifted by 2 of 10, the IoU of such boxes is 8 / 12 = 0.667;
# by 4, 6 / 14 = 0.429; by 5, 5 / 15 = 0.333.
CAT, DOG, SOFA = ((x, 0, x + 10, 10) for x in (0, 20, 40))


def shifted(box: BoxXyxy, by: int) -> BoxXyxy:
    return (box[0] + by, box[1], box[2] + by, box[3])


def found(name: str, box: BoxXyxy, score: float) -> Detection:
    return Detection(name, box, score)


CASES: list[tuple[str, list[BoxXyxy], list[list[Detection]], float, list[tuple[int, str]]]] = [
    ("nothing there: all join", [], [[found("a", CAT, 0.5), found("b", DOG, 0.4)]], 0.5,
     [(0, "a"), (0, "b")]),
    ("the same box does not", [CAT], [[found("a", CAT, 0.9)]], 0.5, []),
    ("0.667 is not below 0.5", [CAT], [[found("a", shifted(CAT, 2), 0.9)]], 0.5, []),
    ("0.429 is below 0.5", [CAT], [[found("a", shifted(CAT, 4), 0.9)]], 0.5, [(0, "a")]),
    ("0.429 is not below 0.4", [CAT], [[found("a", shifted(CAT, 4), 0.9)]], 0.4, []),
    ("0.333 is not below a third", [CAT], [[found("a", shifted(CAT, 5), 0.9)]], 1 / 3, []),
    ("names do not matter", [CAT], [[found("cat", CAT, 0.9), found("dog", CAT, 0.9)]], 0.5, []),
    ("of two of one detector the surer", [], [[found("a", CAT, 0.4), found("b", CAT, 0.6)]], 0.5,
     [(0, "b")]),
    ("of two detectors the first, whatever the scores",
     [], [[found("a", CAT, 0.31)], [found("b", CAT, 0.99)]], 0.5, [(0, "a")]),
    ("what joined is a region for the next",
     [CAT], [[found("a", DOG, 0.5)], [found("b", shifted(DOG, 2), 0.9), found("c", SOFA, 0.4)]],
     0.5, [(0, "a"), (1, "c")]),
    ("a small one within a large one joins",
     [(0, 0, 100, 100)], [[found("text", (40, 40, 60, 60), 0.5)]], 0.5, [(0, "text")]),
    ("a chain: the middle one is out, its far neighbour is not",
     [CAT], [[found("a", shifted(CAT, 2), 0.9), found("b", shifted(CAT, 6), 0.8)]], 0.5,
     [(0, "b")]),
    ("level scores go by box, then name", [], [[found("b", CAT, 0.5), found("a", CAT, 0.5)]], 0.5,
     [(0, "a")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("boxes", "detections", "limit", "names"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_by_hand(
    boxes: list[BoxXyxy],
    detections: list[list[Detection]],
    limit: float,
    names: list[tuple[int, str]],
) -> None:
    joined = joining(boxes, detections, limit)
    assert [(number, one.name) for number, one in joined] == names


numbers = st.integers(0, 40)
boxes = st.tuples(numbers, numbers, st.integers(1, 20), st.integers(1, 20)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
detections = st.builds(
    Detection, st.sampled_from(["cat", "dog"]), boxes, st.sampled_from([0.3, 0.7])
)


@given(st.lists(boxes, max_size=4), st.lists(st.lists(detections, max_size=4), max_size=3))
def test_all_that_joined_are_apart_and_all_others_are_not(
    regions: list[BoxXyxy], answers: list[list[Detection]]
) -> None:
    joined = [one for _, one in joining(regions, answers, 0.5)]
    held: list[BoxXyxy] = [*regions, *(one.box_xyxy for one in joined)]
    for place, one in enumerate(joined, start=len(regions)):
        assert all(iou(one.box_xyxy, box) < 0.5 for box in held[:place])
    for answer in answers:
        for one in answer:
            assert one in joined or any(iou(one.box_xyxy, box) >= 0.5 for box in held)


@given(st.lists(detections, max_size=6))
def test_an_answer_reads_back(answers: list[Detection]) -> None:
    text = write(answers, (100, 100))
    assert sorted(map(repr, read(text))) == sorted(
        repr(Detection(d.name, tuple(float(n) for n in d.box_xyxy), d.score))  # type: ignore[arg-type]
        for d in answers
    )
    assert write(read(text), (100, 100)) == text


def test_what_is_outside_the_picture_is_cut() -> None:
    text = write([found("a", (-5, 2, 8, 9), 0.5), found("b", (63.5, 0, 80, 9), 0.9)], (64, 48))
    assert read(text) == [found("a", (0.0, 2.0, 8.0, 9.0), 0.5)]


@pytest.mark.parametrize("text", ["", "[]", '{"detections": [{"name": "a", "box": [1, 2, 3]}]}'])
def test_an_answer_that_is_none_says_so(text: str) -> None:
    with pytest.raises(ValueError, match="no answer of a detector"):
        read(text)


def test_a_question_reads_back() -> None:
    assert names_of(question(["café", 'a "b"'])) == ["café", 'a "b"']
    for text in ("cat", '["cat", 3]', '{"a": 1}'):
        with pytest.raises(ValueError, match="JSON list of names"):
            names_of(text)


def test_parts_lie_within_their_wholes() -> None:
    shape = (40, 40)
    drawn = {
        1: (0, 0, 30, 30),  # the shirt
        2: (5, 5, 20, 12),  # its text, wholly within
        3: (6, 6, 10, 10),  # a letter: in both, and the text is the smaller
        4: (25, 25, 36, 36),  # overlaps the shirt by 25 of 121 pixels
        5: (0, 0, 30, 29),  # nearly the shirt itself
    }
    rles: list[Rle] = []
    segments: list[Segment] = []
    for id, (x1, y1, x2, y2) in drawn.items():
        mask = np.zeros(shape, dtype=np.bool_)
        mask[y1:y2, x1:x2] = True
        segments.append(
            Segment(
                id=id,
                category=Category(name="region"),
                isthing=True,
                box_xyxy=(x1, y1, x2, y2),
                area_px=int(mask.sum()),
                mask=len(rles),
            )
        )
        rles.append(rle_from_mask(mask))
    record = Record(
        id="a/b/c",
        photo=Photo(file="c.jpg", width=40, height=40, sha256="0" * 64),
        masks=MaskStore(kind="rle", sha256="0" * 64),
        segments=tuple(segments),
    )
    files = RecordFiles(Path("c.jpg"), rles=keyed_rles(rles))
    assert parts_of(files, record.to_line(), 0.9) == {2: 5, 3: 2}
