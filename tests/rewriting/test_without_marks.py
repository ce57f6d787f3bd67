"""What a listener is shown of captions."""

from __future__ import annotations

from annoengine.record import Caption, Origin, Span
from annoengine.rewriting.without_marks import texts_by_segment, without_marks
from tests.stages.scripted import record

ORIGIN = Origin(stage="annotate", model="m-1")


def test_numbers_of_marks_and_talk_of_them_go_and_other_numbers_stay() -> None:
    shown = {
        "The man labelled 1 walks the dog (2).": "The man walks the dog.",
        "Object 2 is a brown dog next to object 1.": "This is a brown dog next to the person.",
        "2. A small dog, marked with a bright 2 at its center.": "A small dog.",
        "A dog below the sky, which is highlighted in red.": "A dog below the sky.",
        "A dog by bus 32, a 7 on its coat.": "A dog by bus 32, a 7 on its coat.",
    }
    assert {text: without_marks(record(), {31: text})[31] for text in shown} == shown


def test_a_segments_own_caption_comes_before_phrases_about_it_and_bare_numbers_say_nothing() -> (
    None
):
    phrases = "The dog by a man under the sky"
    captions = (
        Caption(text="A man.", segment=907, origin=ORIGIN),
        Caption(text="2", segment=31, origin=ORIGIN),
        Caption(
            text=phrases,
            spans=(
                Span(start=0, end=7, segments=(31,)),
                Span(start=11, end=16, segments=(907,)),
                Span(start=17, end=30, segments=(404, 31)),
            ),
            origin=ORIGIN,
        ),
    )
    assert texts_by_segment(record().but(captions=captions)) == {907: "A man.", 31: "The dog"}
