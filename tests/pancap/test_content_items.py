"""Content as lines on the record: what is kept comes back, and belongs to its caption."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.pancap.asked_content import ContentRead, Told, plain_content
from annoengine.pancap.asked_score import content_items
from annoengine.pancap.content import (
    Attribute,
    Content,
    Entity,
    GlobalState,
    Location,
    Relation,
)
from annoengine.pancap.content_items import (
    caption_by,
    content_of,
    known_size_wh,
    lines_of_turn,
    sides_of,
    with_turns,
)
from annoengine.pancap.content_lines import parse_content
from annoengine.pancap.line_writing import write_content
from annoengine.record import Caption, Origin, Photo, Record
from tests.pancap.told_pair import CONTENT, pair_record

WORDS = st.text(
    st.sampled_from('ab,.()[]|->"\'“”é_ \n'), min_size=1, max_size=12
).filter(lambda text: any(c.isalpha() for c in text))  # fmt: skip
SHARE = st.floats(0, 1).map(lambda x: round(x, 6))
BOXES = st.tuples(SHARE, SHARE, SHARE, SHARE)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    ids = draw(st.lists(st.integers(1, 30), min_size=1, max_size=4, unique=True))
    some = st.sampled_from(ids)
    return Content(
        tuple(Entity(id, draw(WORDS), draw(st.booleans())) for id in ids),
        tuple(Location(draw(some), draw(BOXES)) for _ in range(draw(st.integers(0, 3)))),
        tuple(Attribute(id, f"entity {id} is {draw(WORDS)}") for id in draw(st.lists(some))),
        tuple(
            Relation(a, b, f"entity {a} {draw(WORDS)} entity {b}")
            for a, b in draw(st.lists(st.tuples(some, some), max_size=2))
        ),
        tuple(GlobalState(draw(WORDS)) for _ in range(draw(st.integers(0, 2)))),
    )


@settings(max_examples=40)
@given(contents())
def test_what_is_kept_comes_back_from_a_record_on_the_disk(content: Content) -> None:
    kept = plain_content(content)
    assert plain_content(kept) == kept
    items = content_items(Told("x", ""), ContentRead(kept, "m"), "extract_content")
    record = pair_record().but(content=items)
    again = Record.from_line(record.to_line())
    assert content_of(again, "x") == kept
    assert lines_of_turn(again, "content/x") == write_content(kept).splitlines()


def test_lines_of_one_caption_leave_the_other_ones_alone() -> None:
    record = pair_record()
    for side, text in CONTENT.items():
        read = ContentRead(parse_content(text).content, "m")
        items = content_items(Told(side, ""), read, "x")
        record = record.but(content=with_turns(record, items, [f"content/{side}"]))
    assert {s: "\n".join(lines_of_turn(record, f"content/{s}")) for s in CONTENT} == CONTENT
    assert content_of(record, "nobody") == Content()


def test_a_caption_is_found_by_whoever_wrote_it_first() -> None:
    first, second = pair_record().captions
    rewritten = first.rewritten("A dog.", Origin(stage="rephrase", model="rules"))
    region = Caption(text="a dog", segment=3, origin=Origin(stage="annotate", model="m"))
    record = pair_record().but(captions=(region, rewritten, second))
    assert caption_by(record, "reference") == rewritten
    assert caption_by(record, "rephrase") == rewritten
    assert caption_by(record, "annotate") is None
    assert sides_of(record) == ("reference", "prediction")


def test_a_photograph_of_one_pixel_is_one_of_unknown_size() -> None:
    assert known_size_wh(pair_record().photo) is None
    assert known_size_wh(Photo(file="a", width=1, height=2, sha256="")) == (1, 2)
