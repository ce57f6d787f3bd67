"""The grammar ``pancap``: every deviation in two wordings at least, the judge, and writing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.answer import Answer, Expected, Parsed
from annoengine.answers.pancap import Pancap
from annoengine.pancap.boxed_caption import (
    BoxedCaption,
    BoxedJudgement,
    BoxPlace,
    ExpectedEntity,
)
from annoengine.pancap.caption_boxes import write_box

GRAMMAR = Pancap()
C, T = "[[0.100, 0.200, 0.300, 0.400]]", "[[0.000, 0.300, 1.000, 0.900]]"
CUP = ExpectedEntity(1, "cup", (0.1, 0.2, 0.3, 0.4), (640, 480))
TABLE = ExpectedEntity(2, "dining table", (0, 0.3, 1, 0.9), (640, 480))
BOTH = (CUP, TABLE)


def shown(text: str) -> str:
    """The clean text with a star behind each phrase that has a box."""
    caption = GRAMMAR.parse(text).answer
    assert isinstance(caption, BoxedCaption)
    pieces, last = [], 0
    for place in caption.places:
        pieces += [caption.text[last : place.at], "*"]
        last = place.at
    return "".join([*pieces, caption.text[last:]])


def judged(text: str, expected: tuple[Expected, ...] = BOTH) -> BoxedJudgement:
    found = GRAMMAR.judge(GRAMMAR.parse(text), expected)
    assert isinstance(found, BoxedJudgement)
    return found


def phrases(found: BoxedJudgement) -> list[tuple[str, tuple[int, ...]]]:
    return [(found.text[s.start : s.end], s.segments) for s in found.spans]


def faults(text: str, expected: tuple[Expected, ...] = BOTH) -> list[tuple[str, tuple[int, ...]]]:
    return [(fault.kind, fault.marks) for fault in judged(text, expected).faults]


PLAIN = "A red cup* stands on a wooden table*."
READINGS = [
    # prose, one pair of brackets, round ones
    (f"A red cup {C} stands on a wooden table {T}.", PLAIN),
    ("A red cup [0.1, 0.2, 0.3, 0.4] stands on a wooden table [0, 0.3, 1, 0.9].", PLAIN),
    (f"A red cup ({C}) stands on a wooden table ({T}).", PLAIN),
    (f"A red cup (at {C}) stands on a wooden table (located at {T}).", PLAIN),
    # "bounding box:"
    (f"A red cup (bounding box: {C}) stands on a wooden table (bbox: {T}).", PLAIN),
    (f"A red cup with a bounding box of {C} stands on a wooden table with its box {T}.", PLAIN),
    # decimals
    ("A red cup [[0.1, 0.2, 0.3, 0.4]] stands on a wooden table [[0.0, 0.3, 1.0, 0.9]].", PLAIN),
    ("A red cup [[.10, .20, .30, .40]] stands on a wooden table [[0, .30, 1, .90]].", PLAIN),
    # bold, headings
    (f"A **red cup** {C} stands on a **wooden table** {T}.", PLAIN),
    (f"**Overview**\n\nA red cup {C} stands on a __wooden table__ {T}.", PLAIN),
    # remarks around it
    (f"Here's the description of the image:\n\nA red cup {C} stands on a wooden table {T}.", PLAIN),
    (f"A red cup {C} stands on a wooden table {T}.\n\nLet me know if you need more!", PLAIN),
    (f'"A red cup {C} stands on a wooden table {T}."', PLAIN),
    # JSON
    (f'{{"caption": "A red cup {C} stands on a wooden table {T}."}}', PLAIN),
    (f'```json\n{{"text": "A red cup {C} stands on a wooden table {T}."}}\n```', PLAIN),
    # doubled boxes
    (f"A red cup {C}{C} stands on a wooden table {T} {T}.", PLAIN),
    (f"A red cup {C} and {C} stands on a wooden table {T}, {T}.", PLAIN),
    # bullets and names
    (
        f"- **Cup** {C}: A red cup with a handle.\n- **Table** {T}: The wooden table is brown.",
        "A red cup* with a handle. The wooden table* is brown.",
    ),
    (
        f"1. **Cup** {C}: It is red.\n2. **Dining Table**: {T} It is brown.",
        "The cup* is red. The dining table* is brown.",
    ),
    (
        f"- **Cup** – {C} – A red cup stands there.\n- **Wall:** {T} The wall is grey.",
        "A red cup* stands there. The wall* is grey.",
    ),
    (
        f"* Red cup {C} - stands in the middle\n* Sky {T} - clear and blue",
        "The red cup* stands in the middle. Sky*: clear and blue.",
    ),
    # a list of boxes apart from the prose
    (f"cup: {C}\ntable: {T}\n\nA red cup stands on a wooden table.", PLAIN),
    (
        f"A red cup stands there.\n\n- Cup: {C}\n- Spoon: {T}",
        "A red cup* stands there. The spoon* can be seen.",
    ),
    # sentences and clauses that tell nothing but a box
    (
        f"A red cup stands on a wooden table. The cup's bounding box is {C}. "
        f"The bounding box of the table is {T}.",
        PLAIN,
    ),
    (
        f"A red cup stands on a wooden table, and the cup is located at {C}, "
        f"and the table's box is {T}.",
        PLAIN,
    ),
    (
        f"The cup is located at {C}. It is red. The table covers {T}.",
        "The cup* can be seen. It is red. The table* can be seen.",
    ),
    (
        f"The cup is red, and it is located at {C}. The table is old. Its bounding box is {T}.",
        "The cup* is red. The table* is old.",
    ),
    (
        f"The left cup is red. The right cup is located at {C}.",
        "The left cup is red. The right cup* can be seen.",
    ),
    (
        f"The cup's box is {C}, and it is red. The table is brown.",
        "The cup* can be seen, and it is red. The table is brown.",
    ),
    # words of place, verbs, and boxes before their phrase
    (
        f"The cup is at the left side of the image {C}. A table is at the bottom {T}.",
        "The cup* is at the left side of the image. A table* is at the bottom.",
    ),
    (
        f"The field, which covers almost the entire image {T}, is green.",
        "The field*, which covers almost the entire image, is green.",
    ),
    (f"The cup, located at {C}, stands on the table at {T}.", "The cup* stands on the table*."),
    (f"A cup stands on a table, which spans {T}.", "A cup stands on a table*."),
    (f"{C} A red cup stands on a wooden table {T}.", PLAIN),
    (
        f"In the center of the image {C} there is a red cup.",
        "In the center of the image there is a red cup*.",
    ),
    (
        f"Moss on the upper part of the slope with a bounding box {C} is wet.",
        "Moss* on the upper part of the slope is wet.",
    ),
    (
        f"A flag hangs on the left side, bounding box {C}, near a table with bounding box {T}.",
        "A flag* hangs on the left side, near a table*.",
    ),
    (
        f"Behind the table is a flag; its bounding box is {C}. The wall, whose box is {T}, is grey.",
        "Behind the table is a flag*. The wall* is grey.",
    ),
    (
        f"A model stands on the table, which is partially visible at {T}. A cup is on the right, "
        f"at coordinates {C}.",
        "A model stands on the table*. A cup* is on the right.",
    ),
    # several boxes of one phrase, several paragraphs, phrases of many words
    (f"Two cups {C} and {T} stand there.", "Two cups** stand there."),
    (f"A red cup {C}.\n\nThe light is soft.", "A red cup*.\n\nThe light is soft."),
    (f"He climbs the steep and rocky slope {T}.", "He climbs the steep and rocky slope*."),
    (f"Green stems and leaves {T} emerge.", "Green stems and leaves* emerge."),
    (f"The second cup from the left {C} is red.", "The second cup from the left* is red."),
]


@pytest.mark.parametrize(("text", "expected"), READINGS)
def test_what_a_model_writes_becomes_clean_prose(text: str, expected: str) -> None:
    assert shown(text) == expected
    assert GRAMMAR.parse(text).faults == ()


@pytest.mark.parametrize(("text", "expected"), READINGS)
def test_a_reading_is_read_again_as_itself(text: str, expected: str) -> None:
    caption = GRAMMAR.parse(text).answer
    again = GRAMMAR.parse(GRAMMAR.write(caption))
    assert again.answer == caption
    assert again.faults == ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("preamble", f"Sure! A cup {C}."),
        ("closing", f"A cup {C}.\nI hope this helps."),
        ("bold", f"A **cup** {C}."),
        ("bullets", f"- A cup {C} is there.\n- A table {T} too."),
        ("numbered", f"1. A cup {C} is there.\n2. A table {T} too."),
        ("headings", f"A cup {C}.\n\n**Lighting**\n\nIt is dim."),
        ("legend", f"cup: {C}\n\nA cup is there."),
        ("json", f'{{"caption": "A cup {C}."}}'),
        ("quotes", f"“A cup {C}.”"),
        ("doubled_boxes", f"A cup {C} {C}."),
        ("clauses", f"A cup is there. Its bounding box is {C}."),
    ],
)
def test_what_was_overlooked_is_named(name: str, text: str) -> None:
    assert name in GRAMMAR.parse(text).tolerated


@pytest.mark.parametrize(
    ("cup", "table", "grid"),
    [
        ("0.1, 0.2, 0.3, 0.4", "0, 0.3, 1, 0.9", "shares"),
        ("100, 200, 300, 400", "0, 300, 1000, 900", "of 1000"),
        ("100, 200, 300, 400", "0, 300, 999, 899", "of 1000"),
        ("64, 96, 192, 192", "0, 144, 640, 432", "pixels"),
        ("64, 96, 192, 192", "0, 0.3, 1, 0.9", "pixels"),
        ("0.3, 0.4, 0.1, 0.2", "1, 0.9, 0, 0.3", "shares"),
        ("300, 400, 100, 200", "0, 900, 1000, 300", "of 1000"),
    ],
)
def test_what_boxes_count_is_seen_from_all_of_them(cup: str, table: str, grid: str) -> None:
    found = judged(f"A cup [[{cup}]] stands on a table [[{table}]].")
    assert found.grid == grid
    assert found.faults == ()
    assert phrases(found) == [("A cup", (1,)), ("a table", (2,))]
    assert ("reversed_corners" in found.tolerated) == (cup.startswith("0.3") or cup[0] == "3")


def test_a_grid_of_999_is_told_from_one_of_1000_where_it_lies_better() -> None:
    entities = tuple(
        ExpectedEntity(n, "cup", (x / 999, 0.0, (x + 9) / 999, 9 / 999), (4000, 3000))
        for n, x in ((1, 990), (2, 500))
    )
    found = judged("A cup [[990, 0, 999, 9]] and a cup [[500, 0, 509, 9]].", entities)
    assert (found.grid, found.faults) == ("of 999", ())


@pytest.mark.parametrize("box", ["600, 600, 700, 700", "620, 10, 630, 20"])
def test_numbers_that_may_count_two_things_are_not_guessed(box: str) -> None:
    far = (ExpectedEntity(1, "cup", (0.0, 0.4, 0.1, 0.5), (1600, 1200)),)
    found = judged(f"A cup [[{box}]] stands there.", far)
    assert [fault.kind for fault in found.faults] == ["undetermined"]
    assert found.spans == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"A red cup {C} stands there.", [("left_out", (2,))]),
        ("A red cup stands on a table.", [("left_out", (1,)), ("left_out", (2,))]),
        (
            f"A cup {C} and a spoon [[0.5, 0.5, 0.6, 0.6]] on a table {T}.",
            [("invented", ())],
        ),
        (
            f"The light [[0.8, 0.0, 0.9, 0.1]] falls on a cup {C} and a table {T}.",
            [("invented", ())],
        ),
        (f"A cup [[0.5, 0.2, 0.7, 0.4]] stands on a table {T}.", [("moved", (1,))]),
        (f"A cup {C} stands on a table [[0.0, 0.0, 0.2, 0.1]].", [("moved", (2,))]),
        (f"A cup {T} stands on a table {C}.", [("moved", (1,)), ("moved", (2,))]),
        (f"A table {C} is brown.", [("moved", (2,)), ("left_out", (1,))]),
        (f"A cup [[0.1, 0.2, 0.3]] on a table {T}.", [("malformed", ()), ("left_out", (1,))]),
        (
            f"A cup [[0.1, 0.2, 0.3, 0.4, 0.5]] on a table {T}.",
            [("malformed", ()), ("left_out", (1,))],
        ),
        (f"A cup [[0.1, 0.2, 0.1, 0.4]] on a table {T}.", [("empty", ()), ("left_out", (1,))]),
        (f"A cup [[0.1, 0.2, 0.3, 0.2]] on a table {T}.", [("empty", ()), ("left_out", (1,))]),
        (f"A cup [[0.1, 0.2, 0.3, 1.4]] on a table {T}.", [("outside", ()), ("left_out", (1,))]),
        (f"A cup [[-0.5, 0.2, 0.3, 0.4]] on a table {T}.", [("outside", ()), ("left_out", (1,))]),
        ("", [("empty", ())]),
        ("I'm sorry, but I cannot describe this image.", [("refusal", ())]),
        ("Unfortunately, I can't help with that.", [("refusal", ())]),
        (f"Una taza {C} está en la mesa {T} con una cuchara.", [("language", ())]),
        (f"The highlighted object is a cup {C} on a table {T}.", [("leak", ())]),
    ],
)
def test_what_is_wrong_is_said(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    named = (CUP, TABLE)
    if "language" in str(expected):
        named = (ExpectedEntity(1, "region", CUP.box), ExpectedEntity(2, "region", TABLE.box))
    assert faults(text, named) == expected


def test_faults_can_be_quoted_to_a_model() -> None:
    text = (
        f"A cup [[0.5, 0.2, 0.7, 0.4]] and a spoon [[0.8, 0.8, 0.9, 0.9]] on a {'very ' * 20}rug."
    )
    assert [fault.detail for fault in judged(text).faults] == [
        "'A cup' has the box [[0.500, 0.200, 0.700, 0.400]]; the cup is at "
        "[[0.100, 0.200, 0.300, 0.400]].",
        "The box [[0.800, 0.800, 0.900, 0.900]] of 'a spoon' is that of no entity that was given.",
        "The dining table at [[0.000, 0.300, 1.000, 0.900]] has no box in the caption.",
    ]


def test_of_two_alike_each_gets_its_own_box() -> None:
    left = ExpectedEntity(1, "cup", (0.1, 0.1, 0.3, 0.3))
    right = ExpectedEntity(2, "cup", (0.2, 0.1, 0.4, 0.3))
    # Each box lies on both; the first would take the second's entity by itself.
    text = "One cup [[0.16, 0.1, 0.36, 0.3]] stands by another cup [[0.22, 0.1, 0.42, 0.3]]."
    assert phrases(judged(text, (left, right))) == [("One cup", (1,)), ("another cup", (2,))]


def test_a_thing_may_be_named_twice_and_two_things_at_once() -> None:
    text = f"A cup {C} stands on a table {T}. The cup {C} is red."
    assert phrases(judged(text)) == [("A cup", (1,)), ("a table", (2,)), ("The cup", (1,))]
    other = ExpectedEntity(3, "cup", (0.5, 0.2, 0.7, 0.4))
    text = f"Two cups {C} {write_box(other.box)} stand there."
    found = judged(text, (CUP, other))
    assert phrases(found) == [("Two cups", (1, 3))]
    assert found.accepted[3].description == "Two cups"


def test_a_phrase_is_chosen_by_what_the_entity_is() -> None:
    text = f"A cup on the old rug {C} is red, and a table {T} is brown."
    assert phrases(judged(text)) == [("A cup", (1,)), ("a table", (2,))]
    # The tag of a detector may be wrong: the box says who is meant.
    assert phrases(judged(f"A red mug {C} stands on a desk {T}.")) == [
        ("A red mug", (1,)),
        ("a desk", (2,)),
    ]


def test_how_far_a_box_may_lie_is_a_setting() -> None:
    text = f"A cup [[0.1, 0.2, 0.3, 0.34]] stands on a table {T}."  # an IoU of 0.7
    parsed = GRAMMAR.parse(text)
    assert GRAMMAR.judge_caption(parsed, BOTH, 0.69).faults == ()
    assert [f.kind for f in GRAMMAR.judge_caption(parsed, BOTH, 0.71).faults] == ["moved"]


def test_nothing_of_another_grammar_is_written() -> None:
    with pytest.raises(ValueError, match="a caption of the whole image"):
        GRAMMAR.write(Answer())
    with pytest.raises(ValueError, match="outside the text"):
        GRAMMAR.write(BoxedCaption(text="a cup", places=(BoxPlace(9, CUP.box),)))
    with pytest.raises(ValueError, match="would be read differently"):
        GRAMMAR.write(BoxedCaption(text=f"a cup {C}", places=()))


NOUNS = ["cup", "wooden table", "red brick wall", "second flower", "man in blue", "sky"]
PHRASES = st.builds(
    "{} {}".format, st.sampled_from(["a", "the", "another", "one", "his"]), st.sampled_from(NOUNS)
)
JOINTS = st.sampled_from([" stands on ", " is behind ", ", and ", " with ", " holds ", " near "])
STEPS = st.integers(0, 1000)
BOXES = (
    st.tuples(STEPS, STEPS, STEPS, STEPS)
    .map(lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])))
    .filter(lambda b: b[0] < b[2] and b[1] < b[3])
    .map(lambda b: tuple(value / 1000 for value in b))
)


@st.composite
def captions(draw: st.DrawFn) -> BoxedCaption:
    text = ""
    places: list[BoxPlace] = []
    for _ in range(draw(st.integers(1, 4))):
        text += ("\n\n" if draw(st.booleans()) else " ") if text else ""
        for n in range(draw(st.integers(1, 3))):
            phrase = draw(PHRASES)
            text += draw(JOINTS) if n else ""
            text += phrase if n else phrase.capitalize()
            boxes = draw(st.lists(BOXES, max_size=2, unique=True))
            places += [BoxPlace(len(text), box) for box in boxes]
        text += "."
    return BoxedCaption(text=text, places=tuple(places))


@settings(max_examples=80, deadline=None)
@given(captions())
def test_what_is_written_comes_back(caption: BoxedCaption) -> None:
    assert GRAMMAR.parse(GRAMMAR.write(caption)) == Parsed(caption)


PIECES = st.lists(
    st.sampled_from(
        [C, T, "[[", "]]", "(", ")", "**", "- ", "\n", "1. ", "A cup", "the table's", "is", "at",
         "bounding box", "which", "its", ", and ", ". ", ": ", "image", "left side", "of", "with"]
    ),
    max_size=14,
).map(" ".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(PIECES)
def test_nothing_raises_no_box_is_lost_and_nothing_hangs(text: str) -> None:
    parsed = GRAMMAR.parse(text)
    caption = parsed.answer
    assert isinstance(caption, BoxedCaption)
    assert [p.at for p in caption.places] == sorted(p.at for p in caption.places)
    assert all(0 <= place.at <= len(caption.text) for place in caption.places)
    assert {p.numbers for p in caption.places} == {
        box for box, written in ((CUP.box, C), (TABLE.box, T)) if written in text
    }
    found = GRAMMAR.judge(parsed, BOTH)
    assert all(fault.detail for fault in found.faults)
