"""The grammar ``choice``: answers as models give them, each labelled with what it names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.answer import Answer, Expected, Region
from annoengine.answers.choice import NONE, UNCHOSEN, UNKNOWN, UNREAD, Choice

GOOD: list[tuple[str, list[int]]] = [
    ("3", [3]),
    ("3.", [3]),
    (" 3\n", [3]),
    ("3, 5", [3, 5]),
    ("3,5,1", [3, 5, 1]),
    ("12, 3, 7", [12, 3, 7]),
    ("3 5", [3, 5]),
    ("3; 5", [3, 5]),
    ("3 > 5 > 1", [3, 5, 1]),
    ("3 and 5", [3, 5]),
    ("3 or 5", [3, 5]),
    ("3, then 5", [3, 5]),
    ("3\n5\n1", [3, 5, 1]),
    ("[3]", [3]),
    ("[3, 5]", [3, 5]),
    ("(3)", [3]),
    ("#3", [3]),
    ("<3>", [3]),
    ('"3"', [3]),
    ("**3**", [3]),
    ("`3`", [3]),
    ("```json\n[3, 5]\n```", [3, 5]),
    ('{"id": 3}', [3]),
    ('{"ids": [3, 5]}', [3, 5]),
    ('{"answer": "3"}', [3]),
    ("ID 3", [3]),
    ("ID: 3", [3]),
    ("IDs: 3, 5", [3, 5]),
    ("The ID: 3", [3]),
    ("Object 3", [3]),
    ("Object 3.", [3]),
    ("Objects 3 and 5", [3, 5]),
    ("object #3", [3]),
    ("Mark [3]", [3]),
    ("The ID is 3.", [3]),
    ("The answer is 3", [3]),
    ("Answer: 3", [3]),
    ("**Answer:** 3", [3]),
    ("Final answer: 3, 5", [3, 5]),
    ("It is 3.", [3]),
    ("It's 3, the man in red.", [3]),
    ("3 (the man in red)", [3]),
    ("3 (90%), 5 (10%)", [3, 5]),
    ("3: person", [3]),
    ("3. Person", [3]),
    ("3 - the man on the left", [3]),
    ("3, because 2 dogs stand beside it", [3]),
    ("The object that is meant is the one labeled 3.", [3]),
    ("The description refers to the object with ID 3.", [3]),
    ("This describes object 3, which is a red kite.", [3]),
    ("There are 4 people in red. The best match is 3.", [3]),
    ("The description speaks of 2 dogs. Answer: 7", [7]),
    ("Object 3 is a man; object 5 is a dog. The answer is 5.", [5]),
    ("<think>Is it 4? The cup at 4 is blue.</think>\n3", [3]),
    ("1. 3\n2. 5\n3. 1", [3, 5, 1]),
    ("1) 12\n2) 4", [12, 4]),
    ("Most likely 3, then 5.", [3, 5]),
    ("5 giraffes stand there; ID 3 is the tallest.", [3]),
    ("three", [3]),
    ("Object three.", [3]),
    ("3, 3, 5", [3, 5]),
    ("1, 2, 3, 4, 5", [1, 2, 3]),
]
NOTHING = [
    "none",
    "None.",
    "None of them.",
    "none of the objects fits",
    "Answer: none",
    "N/A",
    "null",
    "[]",
    '{"ids": []}',
    "No object fits the description.",
    "I cannot tell which object is meant.",
    "It is impossible to say.",
    "Nothing in the image fits.",
]
BAD = [
    "",
    "   \n",
    "The man in the red jacket.",
    "Two of the 4 dogs, not the 7.",
    "Both object 3 and the dog beside object 5 fit, or perhaps object 7.",
    "3-5",
    "3 people stand there, and the tallest is meant.",
    "There are 2 dogs and 3 cats.",
    "<think>It could be 3, or",
    "The one at 45% of the width.",
    "The 3rd from the left.",
]


@pytest.mark.parametrize(("text", "marks"), GOOD)
def test_what_an_answer_names(text: str, marks: list[int]) -> None:
    parsed = Choice().parse(text)
    assert [region.mark for region in parsed.answer.regions] == marks
    assert parsed.faults == ()


@pytest.mark.parametrize(("texts", "kind"), [(NOTHING, NONE), (BAD, UNREAD)])
def test_what_names_nothing(texts: list[str], kind: str) -> None:
    read = {text: [fault.kind for fault in Choice().parse(text).faults] for text in texts}
    assert read == {text: [kind] for text in texts}


def test_judging_keeps_the_order_and_leaves_strange_numbers_out() -> None:
    grammar = Choice()
    expected = tuple(Expected(n, "cup") for n in (1, 2, 3))
    judged = grammar.judge(grammar.parse("9, 3, 1"), expected)
    assert list(judged.accepted) == [3, 1]
    assert [(f.kind, f.marks) for f in judged.faults] == [(UNKNOWN, ()), (UNCHOSEN, (2,))]
    assert judged.faults[0].detail == "The image has no object with the ID 9."


@given(st.lists(st.integers(1, 999), max_size=3, unique=True))
def test_what_is_written_is_read(marks: list[int]) -> None:
    answer = Answer(tuple(Region(mark, "", "") for mark in marks))
    grammar = Choice()
    parsed = grammar.parse(grammar.write(answer))
    assert parsed.answer == answer
    assert parsed.tolerated == ()


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    Choice().parse(text)
