"""What a correction makes of a record of two regions and a paragraph, worked by hand."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.grounded.tags import write_tags
from annoengine.mask import MAX_ID
from annoengine.record import (
    Caption,
    Category,
    Gap,
    Origin,
    Record,
    Relation,
    Score,
    Segment,
    Verdict,
)
from annoengine.reviewing.applying import Applied, apply_correction
from annoengine.reviewing.checking import Unusable, check_correction
from annoengine.reviewing.correction import Correction, text_sha256
from annoengine.reviewing.drafts import draft_line
from annoengine.reviewing.shapes import Extent
from tests.reviewing.toys import toy_record

SIGNED = {"record": "toy/val/0", "who": "Ann", "when": "2025-06-01T10:20:00Z"}
ANN = Origin(stage="review", model="", who="Ann", when="2025-06-01T10:20:00Z")
DRAFTED = toy_record().captions[0].origin


def applied(record: Record, **said: Any) -> Applied:
    """The record after a signed line; shapes are taken to be one pixel large."""
    correction = Correction.model_validate_json(orjson.dumps({**SIGNED, **said}))
    checked = check_correction(record, correction)
    extents = {id: Extent(1, (0, 0, 1, 1)) for id in checked.shapes}
    return apply_correction(record, checked, extents, None, "review")


def unusable(record: Record, **said: Any) -> str:
    """Why a line cannot be used."""
    with pytest.raises(Unusable) as caught:
        applied(record, **said)
    return str(caught.value)


def region(id: int, **said: Any) -> list[dict[str, Any]]:
    return [{"segment": id, **said}]


def added(**said: Any) -> list[dict[str, Any]]:
    shape = {"box_xyxy": [0, 0, 1, 1]}
    return [{"category": {"name": "cat"}, "shape": shape, **said}]


def segment_of(id: int, category: Category, **said: Any) -> Segment:
    return Segment(id=id, category=category, box_xyxy=(0, 0, 1, 1), area_px=1, **said)


def test_a_draft_as_it_is_leaves_the_record_as_it_is() -> None:
    record = toy_record()
    said = orjson.loads(draft_line(record))
    for line in (said, {**said, "segments": []}, {"record": record.id}):
        checked = check_correction(record, Correction.model_validate_json(orjson.dumps(line)))
        assert apply_correction(record, checked, {}, None, "review") == Applied(record, ())


@given(st.lists(st.text(max_size=30) | st.sampled_from(["<3: a>", " ", "a < b"]), max_size=3))
def test_no_text_keeps_its_draft_from_saying_that_all_is_right(texts: list[str]) -> None:
    record = toy_record()
    pairs = zip(record.captions, texts, strict=False)
    captions = [caption.but(text=text, spans=()) for caption, text in pairs]
    record = record.but(captions=tuple(captions))
    said = Correction.model_validate_json(draft_line(record))
    assert not said.changes
    checked = check_correction(record, said)
    assert apply_correction(record, checked, {}, None, "review") == Applied(record, ())


def test_a_corrected_caption_says_who_and_when_and_whose_it_was() -> None:
    record = toy_record().but(
        verdicts=(
            Verdict(segment=3, kind="colour", says="x", start=0, end=1, truth="supported", by="c"),
            Verdict(segment=5, kind="colour", says="x", start=0, end=1, truth="supported", by="c"),
        )
    )
    made = applied(record, segments=region(3, caption="A grey sky.")).record
    assert made.captions[0] == Caption(
        text="A grey sky.", segment=3, origin=ANN, earlier=(DRAFTED,)
    )
    assert made.captions[1:] == record.captions[1:]
    # What was found of the old words says nothing of the new ones.
    assert [verdict.segment for verdict in made.verdicts] == [5]


def test_a_skipped_caption_leaves_a_gap_and_its_region() -> None:
    record = toy_record()
    made = applied(record, segments=region(5, skip="too small"))
    assert made.gone == ((record.captions[1], "skipped in review"),)
    assert made.record.segments == record.segments
    assert made.record.gaps == (
        Gap(
            segment=5,
            reason="skipped in review",
            detail="Ann, 2025-06-01T10:20:00Z: too small",
            stage="review",
        ),
    )


def test_a_caption_where_there_was_none_closes_the_gap() -> None:
    record = toy_record()
    record = record.but(
        captions=(record.captions[1], record.captions[2]),
        gaps=(Gap(segment=3, reason="unmatched"),),
    )
    made = applied(record, segments=region(3, caption="A grey sky.")).record
    assert [c.segment for c in made.captions] == [3, 5, None]
    assert made.captions[0] == Caption(text="A grey sky.", segment=3, origin=ANN)
    assert made.gaps == ()


def test_a_removed_region_takes_along_all_that_was_said_of_it() -> None:
    record = toy_record()
    part = segment_of(6, Category(name="ear"), isthing=True, part_of=5)
    both = Relation(segments=(5, 3), text="below", origin=DRAFTED)
    alone = Relation(segments=(3,), text="covers all", origin=DRAFTED)
    scores = tuple(Score(name="s", value=1, by="x", segment=id) for id in (3, 5, None))
    record = record.but(segments=(*record.segments, part), relations=(both, alone), scores=scores)
    made = applied(record, segments=region(5, remove="a shadow"))
    assert made.gone == ((record.captions[1], "removed in review"),)
    after = made.record
    assert [(s.id, s.part_of) for s in after.segments] == [(3, None), (6, None)]
    assert [mark.segment for mark in after.marks] == [3]
    assert after.relations == (alone,)
    assert [score.segment for score in after.scores] == [3, None]
    paragraph = after.captions[-1]
    assert write_tags(paragraph.text, paragraph.spans) == "A <3: blue sky> over a dog."
    assert [(gap.segment, gap.reason) for gap in after.gaps] == [(5, "removed in review")]


def test_an_added_region_gets_an_id_that_no_other_ever_had() -> None:
    record = toy_record()
    made = applied(
        record,
        segments=region(5, remove=True),
        added=[*added(caption="A cat."), *added(segment=4), *added(part_of=3)],
    ).record
    # 5 is gone, and stays taken; nobody else is renumbered.
    assert [s.id for s in made.segments] == [3, 6, 4, 7]
    assert made.segments[1] == segment_of(
        6, Category(name="cat", id=17), isthing=True, source="person Ann"
    )
    assert made.segments[3].part_of == 3
    assert made.caption_of(6) == Caption(text="A cat.", segment=6, origin=ANN)
    assert [(gap.segment, gap.reason) for gap in made.gaps] == [
        (5, "removed in review"),
        (4, "added without a caption"),
        (7, "added without a caption"),
    ]
    # Nor in a later review.
    again = applied(made, added=added()).record
    assert again.segments[-1].id == 8


def test_an_id_stays_within_what_a_png_can_hold() -> None:
    record = toy_record()
    last = segment_of(MAX_ID, Category(name="cat"), isthing=True)
    record = record.but(segments=(*record.segments, last))
    made = applied(record, added=[*added(), *added(), *added(), *added()]).record
    assert [s.id for s in made.segments[3:]] == [1, 2, 4, 6]


@pytest.mark.parametrize(
    ("said", "category", "isthing"),
    [
        ({"name": "cat"}, Category(name="cat", id=17), True),
        ({"name": "sky-other-merged"}, Category(name="sky-other-merged", id=187), False),
        ({"name": "unicorn"}, Category(name="unicorn"), True),
        ({"name": "unicorn", "id": 300, "isthing": False}, Category(name="unicorn", id=300), False),
    ],
)
def test_a_region_is_something_else(
    said: dict[str, Any], category: Category, isthing: bool
) -> None:
    made = applied(toy_record(), segments=region(5, retag=said)).record
    assert (made.segments[1].category, made.segments[1].isthing) == (category, isthing)
    assert made.captions == toy_record().captions


def test_a_box_that_is_all_that_is_known_moves() -> None:
    record = toy_record()
    record = record.but(segments=tuple(s.but(mask=None) for s in record.segments))
    made = applied(record, segments=region(5, shape={"box_xyxy": [0, 0, 1, 1]})).record
    assert (made.segments[1].box_xyxy, made.segments[1].area_px) == ((0, 0, 1, 1), 1)


@pytest.mark.parametrize(
    ("text", "tags", "tagged"),
    [
        ("<2: A dog> under <1: a sky>.", "marks", "<5: A dog> under <3: a sky>."),
        ("<5: A dog> under <3: a sky>.", "segments", "<5: A dog> under <3: a sky>."),
        ("<1,2: All of it>.", "marks", "<3,5: All of it>."),
        # As people type: nested, without a colon, with spaces.
        ("< 2 :A dog near <1: a sky>.", "marks", "<5: A dog> near <3: a sky>."),
        ("<2>A dog> sits.", "marks", "<5: A dog> sits."),
        ("Nothing is named.", None, "Nothing is named."),
    ],
)
def test_a_paragraph_with_tags_typed_by_people(text: str, tags: str | None, tagged: str) -> None:
    made = applied(toy_record(), paragraph={"caption": text, "tags": tags}).record
    paragraph = made.captions[-1]
    assert (paragraph.origin, paragraph.earlier) == (ANN, (DRAFTED,))
    assert write_tags(paragraph.text, paragraph.spans) == tagged


def test_a_paragraph_that_goes_and_one_that_comes() -> None:
    record = toy_record()
    without = applied(record, paragraph={"skip": True})
    assert without.gone == ((record.captions[2], "skipped in review"),)
    assert [c.segment for c in without.record.captions] == [3, 5]
    written = applied(without.record, paragraph={"caption": "<3: A sky>.", "tags": "segments"})
    assert written.record.captions[-1].text == "A sky."


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"segments": region(9, skip=True)}, "the record has no segment 9; it has 3, 5"),
        (
            {"segments": region(3, shape={"box_xyxy": [0, 0, 1, 1]})},
            "segment 3 has a mask, from which its box follows; give polygons or an rle",
        ),
        (
            {"segments": region(3, caption="<3: A sky>.")},
            "segment 3: the caption of one region has no tags; write it without <…>",
        ),
        (
            {"segments": region(3, retag={"name": "cat", "id": 18})},
            "segment 3: the category 'cat' with the id 18: the dataset has 'cat' with the id 17",
        ),
        (
            {"added": added(segment=5)},
            "the added region asks for the id 5, which is taken already",
        ),
        ({"added": added(part_of=9)}, "segment 6 is part of 9, which is no segment"),
        (
            {"paragraph": {"caption": "<1: A sky>."}},
            "the paragraph: say whether the numbers in its tags are marks or segments: "
            '"tags": "marks"',
        ),
        (
            {"paragraph": {"caption": "<7: A sky>.", "tags": "marks"}},
            "the paragraph: 'A sky' names the mark 7, which the record has not",
        ),
        (
            {
                "segments": region(3, remove=True),
                "paragraph": {"caption": "<1: A sky>.", "tags": "marks"},
            },
            "the paragraph: 'A sky' names the mark 1, which the record has not",
        ),
    ],
)
def test_what_does_not_fit_is_refused_whole(said: dict[str, Any], why: str) -> None:
    assert unusable(toy_record(), **said) == f"does not fit: {why}"


def test_a_tag_that_nobody_can_mend_is_refused_with_the_tags_own_words() -> None:
    why = unusable(toy_record(), paragraph={"caption": "<1: A sky over all.", "tags": "marks"})
    assert why.startswith("does not fit: the paragraph: ")
    assert "A sky over all" in why


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            {"segments": region(5, draft="A cat.", caption="A dog")},
            "segment 5: its caption is 'A dog.' by now",
        ),
        (
            {"segments": region(5, draft_sha256=text_sha256("A cat."), caption="A cat.")},
            "segment 5: its caption is 'A dog.' by now",
        ),
        (
            {"segments": region(5, mark=1)},
            "segment 5: its mark is now 2, not 1",
        ),
        (
            {"segments": region(5, category="cat")},
            "segment 5: its category is now 'dog', not 'cat'",
        ),
        (
            {"segments": region(9, category="cat", skip=True)},
            "the record has no segment 9 any more",
        ),
        (
            {"paragraph": {"draft": "A sky.", "caption": "A blue sky."}},
            "the paragraph: its draft is another by now",
        ),
    ],
)
def test_a_draft_that_is_another_by_now_is_not_overwritten(said: dict[str, Any], why: str) -> None:
    assert unusable(toy_record(), **said) == f"draft changed: {why}"
