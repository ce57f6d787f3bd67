"""The grammar ``grounded``: what is read of a model's whole answer, and what a judge makes of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.answer import Answer, Expected, Grammar, Judgement, Parsed, Region, broken_off
from annoengine.answers.grounded import Grounded
from annoengine.answers.numbered import Numbered
from annoengine.grounded.known_segments import Importance
from annoengine.grounded.numbering import Numbering
from annoengine.grounded.paragraph import (
    ExpectedSegment,
    GroundedJudgement,
    Paragraph,
    expected_of,
    paragraph_of,
    spans_of_segments,
)
from annoengine.grounded.tags import Tagged, parse_tags, write_tags
from annoengine.record import Category, Mark, Photo, Record, Segment, Span
from tests.grounded.made_captions import made, shifted

IDEAL = "Below <1: the blue sky>, <2,3: two men> walk <4: a brown dog>. It is sunny."
ASKED = (
    ExpectedSegment(1, "sky-other-merged", isthing=False, area_share=0.3),
    ExpectedSegment(2, "person", area_share=0.1),
    ExpectedSegment(3, "person", area_share=0.1),
    ExpectedSegment(4, "dog", area_share=0.001),
)


def parse(text: str) -> Parsed:
    return Grounded().parse(text)


def judge(text: str, asked: tuple[Expected, ...] = ASKED) -> GroundedJudgement:
    judged = Grounded().judge(parse(text), asked)
    assert isinstance(judged, GroundedJudgement)
    return judged


def written(parsed: Parsed) -> str:
    return Grounded().write(parsed.answer)


def test_the_ideal_form() -> None:
    parsed = parse(IDEAL)
    assert (parsed.faults, parsed.tolerated) == ((), ())
    assert isinstance(parsed.answer, Paragraph)
    assert parsed.answer.tagged == parse_tags(IDEAL)
    assert parsed.answer.regions == (
        Region(1, "", "the blue sky"),
        Region(2, "", "two men"),
        Region(3, "", "two men"),
        Region(4, "", "a brown dog"),
    )
    assert written(parsed) == IDEAL


# Each: what must be named as tolerated, and the answer; all say what IDEAL says.
AROUND = [
    ("preamble", f"Here is the merged paragraph:\n\n{IDEAL}"),
    ("preamble", f"Here's the grounded caption: {IDEAL}"),
    ("preamble", f"Sure! Here is the caption in the format of a grounded caption:\n{IDEAL}"),
    ("preamble", f"Certainly. {IDEAL}"),
    ("preamble", f"Caption: {IDEAL}"),
    ("preamble", f"**Grounded caption:** {IDEAL}"),
    ("preamble", f"# Merged description\n{IDEAL}"),
    ("closing", f"{IDEAL}\n\nLet me know if you need anything else!"),
    ("closing", f"{IDEAL}\nI hope this helps."),
    ("closing", f"{IDEAL}\n\nNote: all regions are mentioned."),
    ("quotes", f'"{IDEAL}"'),
    ("quotes", f"“{IDEAL}”"),
    ("fences", f"```\n{IDEAL}\n```"),
    ("fences", f"```text\n{IDEAL}\n```\n"),
    ("json", json.dumps({"caption": IDEAL})),
    ("json", "```json\n" + json.dumps({"image": 3, "result": IDEAL}) + "\n```"),
    ("bold", IDEAL.replace("<4: a brown dog>", "**<4: a brown dog>**")),
    ("bold", f"**{IDEAL}**"),
    ("bold", IDEAL.replace("a brown dog", "**a brown dog**")),
    ("html", IDEAL.replace("<4: a brown dog>", "<b><4: a brown dog></b>")),
    ("html", f"<p>{IDEAL}</p>"),
    ("html", f"<answer>{IDEAL}</answer>"),
    ("thinking", f"<think>The dog is 4.</think>{IDEAL}"),
    ("entities", IDEAL.replace("<", "&lt;").replace(">", "&gt;")),
    ("wide_characters", IDEAL.replace("<", "＜").replace(": ", "：")),
    ("bullets", f"- {IDEAL}"),
    ("no_colon", IDEAL.replace("<4: a", "<4>a")),
    ("spaces", IDEAL.replace("<4: a", "< 4 :a")),
    ("range", IDEAL.replace("2,3", "2-3")),
    ("id_form", IDEAL.replace("<2,3", "<objects 2 and 3")),
    ("other_brackets", IDEAL.replace("<", "[").replace(">", "]")),
    ("doubled_bracket", IDEAL.replace("<4", "<<4")),
    ("line_ends", IDEAL.replace("walk ", "walk\r\n")),
    ("", IDEAL.replace("walk ", "walk\n\n")),
    ("", f"\n  {IDEAL}\n"),
    ("", IDEAL.replace("brown dog", "brown\ndog")),
]


@pytest.mark.parametrize(("what", "text"), AROUND, ids=[f"{w}-{t[:30]}" for w, t in AROUND])
def test_what_is_around_and_in_a_paragraph_is_taken_off(what: str, text: str) -> None:
    parsed = parse(text)
    assert written(parsed) == IDEAL
    assert parsed.faults == ()
    assert what in (*parsed.tolerated, "")
    judged = judge(text)
    assert judged.right
    assert judged.tolerated == parsed.tolerated


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("", ["empty"]),
        (" \n", ["empty"]),
        ("I'm sorry, I can't assist with that.", ["refusal"]),
        ("I cannot describe this image.", ["refusal"]),
        ("A man walks a dog below the sky.", ["untagged"]),
        ("1: Sky - blue\n2: Person - a man\n3: Person - a man", ["untagged"]),
        (IDEAL.replace("<1: the blue sky>", "the blue sky"), ["missing"]),
        (IDEAL.replace("<4: a brown dog>", "<7: a brown dog>"), ["unknown_id"]),
        (IDEAL.replace("<4: a brown dog>", "a dog <4>"), ["bare_id"]),
        (IDEAL.replace("<4: a brown dog>", "<4: a brown cat>"), ["category"]),
        (IDEAL.replace("<2,3: two men>", "<2,3,4: two men>"), ["group"]),
        (IDEAL.replace("<4: a brown dog>", "<a brown dog>"), ["no_id"]),
        (IDEAL[:60], ["unclosed"]),
        (IDEAL + " All is grounded by the mask numbers for clarity.", ["leak"]),
        (IDEAL + " The grounded caption ends here.", ["leak"]),
        (IDEAL + " The marked object is a dog.", ["leak"]),
        ("Bajo <1: el cielo>, <2,3: los hombres> están en la hierba con <4: el perro>.",
         ["language"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_paragraph(text: str, kinds: list[str]) -> None:
    judged = judge(text)
    assert [fault.kind for fault in judged.faults] == kinds
    assert not judged.right


def test_faults_can_be_quoted() -> None:
    judged = judge(IDEAL.replace("<4: a brown dog>", "<4: a brown cat>") + " Its mask ids are 1.")
    assert [fault.detail for fault in judged.faults] == [
        "The phrase “a brown cat” is tagged with 4, whose category is dog.",
        "The caption speaks of the marks or of the task, not of what the image shows.",
    ]
    assert judged.faults[0].marks == (4,)


def test_what_is_right_is_accepted_beside_faults() -> None:
    judged = judge(IDEAL.replace("<4: a brown dog>", "<4: a brown cat>"))
    assert judged.accepted == {
        1: Region(1, "", "the blue sky"),
        2: Region(2, "", "two men"),
        3: Region(3, "", "two men"),
    }
    assert judged.faulty_marks(ASKED) == (4,)
    assert judged.tagged.text == parse_tags(IDEAL).text.replace("dog", "cat")
    assert [span.segments for span in judged.tagged.spans] == [(1,), (2, 3)]


def test_an_answer_that_counts_from_zero_is_mended() -> None:
    judged = judge("Below <0:the blue sky>, <1,2: two men> walk <3: a brown dog>. It is sunny.")
    assert judged.right
    assert judged.numbering == Numbering(0, 0)
    assert write_tags(judged.tagged.text, judged.tagged.spans) == IDEAL
    assert [mend.kind for mend in judged.mends] == ["spaces", "numbering"]


def test_doubts_are_no_faults() -> None:
    judged = judge(IDEAL + " <2: The other one> waves.")
    assert judged.right
    assert [doubt.kind for doubt in judged.doubts] == ["unclear"]


def test_small_marks_need_not_be_mentioned_unless_nothing_is_known_of_their_size() -> None:
    text = IDEAL.replace("<4: a brown dog>", "a dog")
    assert judge(text).right
    assert judge(text).faulty_marks(ASKED) == (4,)
    plain = tuple(Expected(e.mark, e.category) for e in ASKED)
    assert [fault.marks for fault in judge(text, plain).faults] == [(4,)]
    strict = Grounded(Importance(least_thing_share=0.0005))
    assert [fault.kind for fault in strict.judge(parse(text), ASKED).faults] == ["missing"]


def test_an_answer_that_ran_out_of_tokens_is_no_whole_one() -> None:
    text = "Below <1: the sky>, <2,3: two men> walk with"
    parsed = broken_off(parse(text), text)
    judged = Grounded().judge(parsed, ASKED)
    assert [fault.kind for fault in judged.faults] == ["truncated"]
    whole = "Below <1: the sky>, <2,3: two men> walk."
    assert broken_off(parse(whole), whole) == parse(whole)


def test_regions_are_joined_to_a_paragraph() -> None:
    regions = (
        Region(1, "sky", "The sky is blue."),
        Region(2, "person", "A man in red"),
        Region(3, "person", "The person is tall. They smile."),
        Region(4, "dog", "It is brown."),
    )
    text = Grounded().write(Answer(regions))
    assert text == (
        "<1: The sky> is blue. There is <2: a man> in red. <3: The person> is tall. They smile. "
        "There is <4: a dog>. It is brown."
    )
    assert judge(text).right


def test_another_answer_than_a_paragraph_has_no_phrases() -> None:
    parsed = Numbered().parse("1. Sky: it is blue.")
    judged = Grounded().judge(parsed, ASKED)
    assert [fault.kind for fault in judged.faults] == ["untagged"]


def test_it_is_a_grammar() -> None:
    grammar: Grammar = Grounded()
    judged: Judgement = grammar.judge(grammar.parse(IDEAL), ASKED)
    assert judged.faulty_marks(ASKED) == ()


@pytest.mark.parametrize("seed", range(60))
def test_reading_gives_back_what_was_written(seed: int) -> None:
    paragraph = paragraph_of(made(seed).tagged)
    assert parse(Grounded().write(paragraph)) == Parsed(paragraph)


@pytest.mark.parametrize("seed", range(20))
def test_made_paragraphs_are_judged_like_captions(seed: int) -> None:
    m = made(seed, shown=True)
    asked = tuple(
        ExpectedSegment(k.id, k.category, k.isthing, k.iscrowd, k.area_share)
        for k in m.known.values()
    )
    assert tuple(e.known for e in asked) == tuple(m.known.values())
    text = write_tags(m.tagged.text, m.tagged.spans)
    assert judge(text, asked).tagged == m.tagged
    from_zero = Parsed(paragraph_of(shifted(m.tagged, -1)))
    judged = Grounded().judge(from_zero, asked)
    assert isinstance(judged, GroundedJudgement)
    assert (judged.tagged, judged.faults) == (m.tagged, ())


pieces = st.lists(
    st.sampled_from(
        'a dog. Sure! Here is: <3: <4> > [5: &lt; &amp; ** * _ " “ ” {" "caption": } ``` \n # - | '
        "sky, 1. <think> </think> <b> ＜ ：".split(" ")
    ),
    max_size=25,
).map(" ".join)


@given(pieces)
def test_no_answer_is_too_broken_to_be_read_and_judged(text: str) -> None:
    parsed = parse(text)
    judged = Grounded().judge(parsed, ASKED)
    assert isinstance(parsed.answer, Paragraph)
    assert isinstance(judged, GroundedJudgement)
    assert set(judged.accepted) <= {1, 2, 3, 4}
    named = {mark for fault in judged.faults for mark in fault.marks}
    whole = any(fault.kind in ("empty", "refusal") for fault in judged.faults)
    assert whole or {1, 2, 3} <= named | set(judged.accepted)
    again = parse(write_tags(judged.tagged.text, judged.tagged.spans))
    assert not [fault for fault in again.faults if fault.kind not in ("refusal", "empty")]


def test_what_a_record_expects_and_gives_back() -> None:
    photo = Photo(file="a.jpg", width=20, height=10, sha256="0" * 64)
    segments = tuple(
        Segment(
            id=id, category=Category(name=name), isthing=True, box_xyxy=(0, 0, 1, 1), area_px=40
        )
        for id, name in [(70, "dog"), (9, "cat"), (5, "cow")]
    )
    marks = tuple(
        Mark(
            number=number, segment=segment, text=str(number), anchor_xy=(0, 0),
            label_box_xyxy=(0, 0, 1, 1), colour="#000000", text_px=9,
        )
        for number, segment in [(2, 70), (1, 9)]
    )  # fmt: skip
    record = Record(id="a/b/1", photo=photo, segments=segments, marks=marks)
    assert expected_of(record) == (
        ExpectedSegment(1, "cat", area_share=0.2),
        ExpectedSegment(2, "dog", area_share=0.2),
    )
    tagged = parse_tags("<1: A cat> and <1,2: two pets>.")
    assert spans_of_segments(tagged, record) == (
        Span(start=0, end=5, segments=(9,)),
        Span(start=10, end=18, segments=(9, 70)),
    )
    with pytest.raises(KeyError, match="3"):
        spans_of_segments(Tagged("A", (Span(start=0, end=1, segments=(3,)),)), record)
