"""What a judge of grounded captions accepts, refuses, doubts and misses."""

from __future__ import annotations

import pytest

from annoengine.answer import Fault
from annoengine.grounded.judging import Judged, judge
from annoengine.grounded.known_segments import (
    Importance,
    KnownSegment,
    known_by_id,
    known_by_mark,
)
from annoengine.grounded.phrase_fit import count_of, phrase_fit
from annoengine.grounded.tags import Tagged, parse_tags
from annoengine.record import Category, Mark, Photo, Record, Segment, Span

KNOWN = {
    1: KnownSegment(1, "sky-other-merged", isthing=False, area_share=0.3),
    2: KnownSegment(2, "grass-merged", isthing=False, area_share=0.02),
    3: KnownSegment(3, "person", area_share=0.1),
    4: KnownSegment(4, "person", area_share=0.0034),
    5: KnownSegment(5, "dog", area_share=0.003),
    6: KnownSegment(6, "person", iscrowd=True, area_share=0.2),
}
RIGHT = "Below <1: the sky>, <3,4: two men> play."


def told(judged: Judged) -> list[tuple[str, tuple[int, ...], str]]:
    return [(fault.kind, fault.marks, fault.detail) for fault in judged.faults]


def test_a_right_caption_is_accepted_whole() -> None:
    tagged = parse_tags(RIGHT)
    assert judge(tagged, KNOWN) == Judged(tagged.spans)
    assert judge(tagged, KNOWN).mentioned == {1, 3, 4}


@pytest.mark.parametrize(
    ("text", "accepted", "faults"),
    [
        ("A sky and men.", [],
         [("untagged", (1, 3, 4), "The caption has no tagged phrase.")]),
        ("<1: The sky>.", [(1,)],
         [("missing", (3, 4), "Nothing is tagged with 3 or 4.")]),
        ("<3,4: Two men>.", [(3, 4)],
         [("missing", (1,), "Nothing is tagged with 1.")]),
        (RIGHT + " <9: A cat> sits.", [(1,), (3, 4)],
         [("unknown_id", (9,),
           "The phrase “A cat” is tagged with 9, which the image does not have.")]),
        (RIGHT + " <5,7,8: A dog> sits.", [(1,), (3, 4)],
         [("unknown_id", (5, 7, 8),
           "The phrase “A dog” is tagged with 7 and 8, which the image does not have.")]),
        (RIGHT + " <0: A cloud> drifts.", [(1,), (3, 4)],
         [("void", (0,), "The phrase “A cloud” is tagged with 0, which stands for no segment.")]),
        (RIGHT + " <5: A cat> sits.", [(1,), (3, 4)],
         [("category", (5,), "The phrase “A cat” is tagged with 5, whose category is dog.")]),
        (RIGHT + " <5: The owner of a dog> sits.", [(1,), (3, 4)],
         [("category", (5,),
           "The phrase “The owner of a dog” is tagged with 5, whose category is dog.")]),
        (RIGHT + " <3,5: Two men> sit.", [(1,), (3, 4)],
         [("group", (3, 5), "The phrase “Two men” is tagged with 5, whose category is dog.")]),
        (RIGHT + " <2,5: Two men> sit.", [(1,), (3, 4)],
         [("category", (2, 5),
           "The phrase “Two men” is tagged with 2 and 5, which are other things.")]),
        ("Below <1: the sky>, <3,5: two men> play.", [(1,)],
         [("group", (3, 5), "The phrase “two men” is tagged with 5, whose category is dog."),
          ("missing", (4,), "Nothing is tagged with 4.")]),
        (RIGHT + " A dog <5> sits.", [(1,), (3, 4)],
         [("bare_id", (5,), "The tag “<5>” has ids and no phrase.")]),
        ("Below <1: the sky> is <3,4:", [(1,)],
         [("unclosed", (3, 4), "The tag “<3,4:” is never closed.")]),
        (RIGHT + " <5:11dog> sits.", [(1,), (3, 4)],
         [("glued_number", (5,),
           "The tag “<5:11dog>” has a number stuck to the first word of its phrase.")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(
    text: str, accepted: list[tuple[int, ...]], faults: list[tuple[str, tuple[int, ...], str]]
) -> None:
    judged = judge(parse_tags(text), KNOWN)
    assert [span.segments for span in judged.accepted] == accepted
    assert told(judged) == faults
    assert all(isinstance(fault, Fault) for fault in judged.faults)


def test_faults_name_their_span() -> None:
    tagged = parse_tags(RIGHT + " <5: A cat> sits on <9:11grass>.")
    spans = [fault.span for fault in judge(tagged, KNOWN).faults]
    assert spans == [tagged.spans[3], tagged.spans[2]]


def test_the_same_segment_may_be_mentioned_often() -> None:
    judged = judge(parse_tags(RIGHT + " <3: One man> waves, <3: he> smiles."), KNOWN)
    assert [span.segments for span in judged.accepted] == [(1,), (3, 4), (3,), (3,)]
    assert judged.faults == ()


@pytest.mark.parametrize(
    ("phrase", "doubt"),
    [
        ("<5: The other one>", "The phrase “The other one” does not say what 5 is."),
        ("<5: A black one>", "The phrase “A black one” does not say what 5 is."),
        ("<5: black>", "The phrase “black” does not say what 5 is."),
        ("<5: It>", "The phrase “It” does not say what 5 is."),
        ("<5: Two dogs>", "The phrase “Two dogs” speaks of 2, its tag of 1."),
        ("<3,4: The three men>", "The phrase “The three men” speaks of 3, its tag of 2."),
    ],
)
def test_what_proves_nothing_is_a_doubt_and_no_fault(phrase: str, doubt: str) -> None:
    judged = judge(parse_tags(f"{RIGHT} {phrase} too."), KNOWN)
    assert len(judged.accepted) == 3
    assert judged.faults == ()
    assert [found.detail for found in judged.doubts] == [doubt]


def test_a_crowd_may_be_mentioned_and_may_be_of_any_number() -> None:
    judged = judge(parse_tags(f"{RIGHT} <6: Five people> watch."), KNOWN)
    assert (len(judged.accepted), judged.faults, judged.doubts) == (3, (), ())


def test_importance_is_a_setting() -> None:
    def missing(**bounds: float) -> tuple[int, ...]:
        (fault,) = judge(parse_tags("<6: People>."), KNOWN, Importance(**bounds)).faults
        return fault.marks

    assert missing() == (1, 3, 4)
    assert missing(least_thing_share=0) == (1, 3, 4, 5)
    assert missing(least_thing_share=0.05, least_stuff_share=0.01) == (1, 2, 3)
    assert missing(least_thing_share=0.0034) == (1, 3, 4)


def test_segments_of_unknown_kind_take_any_phrase() -> None:
    known = {1: KnownSegment(1, "region"), 2: KnownSegment(2, "gizmo")}
    judged = judge(parse_tags("<1: A cat> on <2: a gizmo> and <2: a dog>."), known)
    assert [fault.kind for fault in judged.faults] == ["category"]
    assert judged.accepted[0].segments == (1,)


def test_spans_that_no_tag_could_say_are_faults() -> None:
    text = "the sky < men"
    spans = [(0, 7, (1,)), (4, 7, (1,)), (8, 13, (3, 4)), (7, 8, (3,)), (10, 13, ())]
    tagged = Tagged(text, tuple(Span(start=s, end=e, segments=ids) for s, e, ids in spans))
    judged = judge(tagged, KNOWN)
    assert [span.segments for span in judged.accepted] == [(1,)]
    assert told(judged) == [
        ("nested", (1,), "The phrase “sky” overlaps the one before it."),
        ("stray_bracket", (3, 4), "The phrase “< men” has a bracket in it."),
        ("empty_phrase", (3,), "The tag with 3 has no phrase."),
        ("nested", (), "The phrase “men” overlaps the one before it."),
    ]
    free = Tagged("men", (Span(start=0, end=3, segments=()),))
    assert told(judge(free, {})) == [("no_id", (), "The phrase “men” has no id.")]


def test_what_is_known_of_a_record() -> None:
    photo = Photo(file="a.jpg", width=20, height=10, sha256="0" * 64)
    segments = tuple(
        Segment(
            id=id, category=Category(name=name), isthing=thing, box_xyxy=(0, 0, 1, 1), area_px=area
        )
        for id, name, thing, area in [(70, "dog", True, 50), (9, "road", False, 10)]
    )
    mark = Mark(
        number=1, segment=9, text="1", anchor_xy=(0, 0), label_box_xyxy=(0, 0, 1, 1),
        colour="#000000", text_px=9,
    )  # fmt: skip
    record = Record(id="a/b/1", photo=photo, segments=segments, marks=(mark,))
    road = KnownSegment(9, "road", isthing=False, area_share=0.05)
    assert known_by_id(record) == {70: KnownSegment(70, "dog", area_share=0.25), 9: road}
    assert known_by_mark(record) == {1: KnownSegment(1, "road", isthing=False, area_share=0.05)}


@pytest.mark.parametrize(
    ("phrase", "category", "fit"),
    [
        # phrases of the paper's figures 9 to 12, with the categories that they describe
        ("The sky is blue", "sky-other-merged", "fits"),
        ("dense trees, filled with branches and lush green leaves", "tree-merged", "fits"),
        ("a second giraffe with similar distinctive patterns", "giraffe", "fits"),
        ("A black horse with a white mane and tail", "horse", "fits"),
        ("A black horse with a white mane and tail", "potted plant", "other"),
        ("two man who are dressed in blue and white tops", "person", "fits"),
        ("a vivid green grassland", "grass-merged", "fits"),
        ("a half-naked man", "person", "fits"),
        ("sidewalk, notable for its graffiti", "pavement-merged", "fits"),
        ("the wooden desk with a shelf", "table-merged", "fits"),
        ("a DELL computer", "tv", "fits"),
        ("a 4-layer wall-mounted wooden shelf", "shelf", "fits"),
        ("Several people are interacting in and around the café", "person", "fits"),
        ("One motorcycle is predominantly black with white parts", "motorcycle", "fits"),
        ("a person who is skiing down the slope", "skis", "other"),
        ("a person who is skiing down the slope", "person", "fits"),
        # the head decides
        ("the racket of a man", "tennis racket", "fits"),
        ("the racket of a man", "person", "other"),
        ("an orange cat", "orange", "other"),
        ("a hot dog", "dog", "other"),
        # nothing is named
        ("the larger of the two", "dog", "unclear"),
        ("the background", "tree-merged", "unclear"),
        ("a blue and white one", "bus", "unclear"),
    ],
)
def test_the_head_of_a_phrase_decides(phrase: str, category: str, fit: str) -> None:
    assert phrase_fit(phrase, category) == fit


@pytest.mark.parametrize(
    ("phrase", "count"),
    [("two men", 2), ("The other three dogs", 3), ("ten of them", None), ("two", None),
     ("two and a half men", None), ("a man", None), ("these men", None)],
)  # fmt: skip
def test_a_number_word_counts(phrase: str, count: int | None) -> None:
    assert count_of(phrase) == count
