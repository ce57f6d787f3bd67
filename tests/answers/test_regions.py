"""Real ways of writing the lines of a first round, and what the grammar ``regions`` makes of them.

Two regions, mostly, a sky (1) and a stop sign (5): what differs is the form.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.answer import Answer, Expected, Grammar, Interaction, Parsed, Region
from annoengine.answers.regions import Regions

SKY = Region(1, "Sky", "Clear blue sky")
SIGN = Region(5, "Stop sign", "A red sign with white letters")
BARE_SKY = Region(1, "", "Clear blue sky")
BARE_SIGN = Region(5, "", "A red sign with white letters")

IDEAL = "1: Sky - Clear blue sky\n5: Stop sign - A red sign with white letters"


def parse(text: str) -> Parsed:
    return Regions().parse(text)


def kinds(parsed: Parsed) -> list[tuple[str, tuple[int, ...]]]:
    return [(fault.kind, fault.marks) for fault in parsed.faults]


def test_the_ideal_form() -> None:
    parsed = parse(IDEAL)
    assert parsed == Parsed(Answer((SKY, SIGN)))
    assert Regions().write(parsed.answer) == IDEAL


def test_the_answer_that_the_paper_prints() -> None:
    # arXiv 2502.02589, Fig. 3: marks from 0, and an introduction.
    text = "From your image, here is the analysis:\n0: Sky - Clear blue sky\n5: Stop sign - Red"
    parsed = parse(text)
    assert parsed.answer.regions == (
        Region(0, "Sky", "Clear blue sky"),
        Region(5, "Stop sign", "Red"),
    )
    assert parsed.tolerated == ("preamble",)


# Each: the deviation that must be named as tolerated ("" where it is none), and the answer.
SAME_CONTENT = [
    # around the lines
    ("preamble", f"Sure! Here are the details of each region:\n\n{IDEAL}"),
    ("preamble", f"From your image, here is the analysis:\n{IDEAL}"),
    ("closing", f"{IDEAL}.\n\nLet me know if you need more details!"),
    ("closing", f"{IDEAL}.\n\nNote: some marks are small."),
    ("fences", f"```\n{IDEAL}\n```"),
    ("line_ends", IDEAL.replace("\n", "\r\n")),
    ("", IDEAL.replace("\n", "\n\n")),
    ("", f"Regions:\n{IDEAL}"),
    ("thinking", f"<think>1 is the sky.</think>\n{IDEAL}"),
    # bold, bullets, headings
    ("bold", "**1: Sky** - Clear blue sky\n**5: Stop sign** - A red sign with white letters"),
    ("bold", "1: **Sky** - Clear blue sky\n5: **Stop sign** - A red sign with white letters"),
    ("bold", "**1: Sky -** Clear blue sky\n**5: Stop sign -** A red sign with white letters"),
    ("bold", "**1**: Sky - Clear blue sky\n**5**: Stop sign - A red sign with **white** letters"),
    ("bullets", "- 1: Sky - Clear blue sky\n- 5: Stop sign - A red sign with white letters"),
    ("bullets", "• 1: Sky - Clear blue sky\n• 5: Stop sign - A red sign with white letters"),
    ("bullets", "* **1: Sky** - Clear blue sky\n* **5: Stop sign** - A red sign with white letters"),
    ("headings", "### 1: Sky - Clear blue sky\n### 5: Stop sign - A red sign with white letters"),
    ("headings", "### 1: Sky\nClear blue sky\n\n### 5: Stop sign\nA red sign with white letters"),
    # the number
    ("", "1. Sky - Clear blue sky\n5. Stop sign - A red sign with white letters"),
    ("", "1) Sky - Clear blue sky\n5) Stop sign - A red sign with white letters"),
    ("", "1 - Sky - Clear blue sky\n5 - Stop sign - A red sign with white letters"),
    ("", "[1] Sky - Clear blue sky\n[5] Stop sign - A red sign with white letters"),
    ("", "[1]: Sky - Clear blue sky\n[5]: Stop sign - A red sign with white letters"),
    ("", "(1) Sky - Clear blue sky\n(5) Stop sign - A red sign with white letters"),
    ("", "#1: Sky - Clear blue sky\n#5: Stop sign - A red sign with white letters"),
    ("", "1:Sky - Clear blue sky\n5:Stop sign - A red sign with white letters"),
    ("object_word", "Region 1: Sky - Clear blue sky\nRegion 5: Stop sign - A red sign with white letters"),
    ("object_word", "ID 1: Sky - Clear blue sky\nID 5: Stop sign - A red sign with white letters"),
    ("other_marks", "Mask 1 - Sky - Clear blue sky\nMask 5 - Stop sign - A red sign with white letters"),
    ("", "Sky (1): Clear blue sky\nStop sign (5): A red sign with white letters"),
    ("wide_characters", "1：Sky - Clear blue sky\n5：Stop sign - A red sign with white letters"),
    # the dash
    ("", "1: Sky – Clear blue sky\n5: Stop sign – A red sign with white letters"),
    ("", "1: Sky — Clear blue sky\n5: Stop sign — A red sign with white letters"),
    ("", "1: Sky -- Clear blue sky\n5: Stop sign --- A red sign with white letters"),
    ("", "1: Sky: Clear blue sky\n5: Stop sign: A red sign with white letters"),
    ("other_marks", "1: Sky-Clear blue sky\n5: Stop sign-A red sign with white letters"),
    ("other_marks", "1: Sky -Clear blue sky\n5: Stop sign–A red sign with white letters"),
    ("other_marks", "1: Sky → Clear blue sky\n5: Stop sign -> A red sign with white letters"),
    ("other_marks", "1: Sky => Clear blue sky\n5: Stop sign = A red sign with white letters"),
    ("other_marks", "1: Sky | Clear blue sky\n5: Stop sign | A red sign with white letters"),
    # the category
    ("other_marks", "1: [Sky] - Clear blue sky\n5: [Stop sign] - A red sign with white letters"),
    ("other_marks", '1: "Sky" - Clear blue sky\n5: “Stop sign” - A red sign with white letters'),
    ("other_marks", "1: (Sky) - Clear blue sky\n5: `Stop sign` - A red sign with white letters"),
    ("other_marks", "1: Category: Sky - Clear blue sky\n5: Category: Stop sign - A red sign with white letters"),
    ("other_marks", "1: Category: Sky - Description: Clear blue sky\n5: Class: Stop sign - Description: A red sign with white letters"),
    # the lines
    ("other_marks", "<1: Sky - Clear blue sky>\n<5: Stop sign - A red sign with white letters>"),
    ("other_marks", "1: Sky - Clear blue sky; 5: Stop sign - A red sign with white letters"),
    ("several_lines", "1: Sky - Clear\nblue sky\n5: Stop sign - A red sign\n   with white letters"),
    ("several_lines", "1: Sky\nClear blue sky\n5: Stop sign\nA red sign with white letters"),
    ("several_lines", "1: Sky -\nClear blue sky\n5: Stop sign -\nA red sign with white letters"),
    ("several_lines", "1: Sky\nDescription: Clear blue sky\n5: Stop sign\nDescription: A red sign with white letters"),
    ("table", "| ID | Category | Description |\n|---|---|---|\n| 1 | Sky | Clear blue sky |\n| 5 | Stop sign | A red sign with white letters |"),
    ("json", '[{"id": 1, "category": "Sky", "description": "Clear blue sky"}, {"id": 5, "category": "Stop sign", "description": "A red sign with white letters"}]'),
    ("html", "<li>1: Sky - Clear blue sky</li><li>5: Stop sign - A red sign with white letters</li>"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text"), SAME_CONTENT)
def test_the_same_is_read_in_another_form(what: str, text: str) -> None:
    parsed = parse(text)
    stripped = tuple(
        Region(r.mark, r.summary, r.description.rstrip(".")) for r in parsed.answer.regions
    )
    assert stripped == (SKY, SIGN)
    assert parsed.faults == ()
    assert what in (*parsed.tolerated, "")


@pytest.mark.parametrize(
    "text",
    [
        "1: Clear blue sky\n5: A red sign with white letters",
        "1. Clear blue sky\n5. A red sign with white letters",
        "1 - Clear blue sky\n5 - A red sign with white letters",
        "**1:** Clear blue sky\n**5:** A red sign with white letters",
        "Region 1: Clear blue sky\nRegion 5: A red sign with white letters",
        '{"1": "Clear blue sky", "5": "A red sign with white letters"}',
    ],
)
def test_the_category_may_be_missing(text: str) -> None:
    assert parse(text).answer.regions == (BARE_SKY, BARE_SIGN)
    assert parse(text).faults == ()


@pytest.mark.parametrize(
    ("text", "regions"),
    [
        # the names of the dataset
        ("1: sky-other-merged - Clear blue sky", [Region(1, "sky-other-merged", "Clear blue sky")]),
        ("7: wall-brick - Red bricks.", [Region(7, "wall-brick", "Red bricks.")]),
        ("3: Person 3 - A man.", [Region(3, "Person 3", "A man.")]),
        ("3: Person (standing) - A man.", [Region(3, "Person (standing)", "A man.")]),
        # dashes and numbers in the text
        ("3: Person - A man - he smiles - in red.", [Region(3, "Person", "A man - he smiles - in red.")]),
        ("3: A T-Shirt-Wearing man.", [Region(3, "", "A T-Shirt-Wearing man.")]),
        ("3: TV - 2 screens: one is on.", [Region(3, "TV", "2 screens: one is on.")]),
        ("3: Clock - It says 3:30; 12 is on top.", [Region(3, "Clock", "It says 3:30; 12 is on top.")]),
        # several lines and points
        ("3: Dog - A dog.\n    - brown\n    - small\n4: Cat - A cat.", [Region(3, "Dog", "A dog. brown; small"), Region(4, "Cat", "A cat.")]),
        # out of order, and twice
        ("4: Cat - A cat.\n3: Dog - A dog.\n4: Cat - Grey.", [Region(4, "Cat", "A cat."), Region(3, "Dog", "A dog."), Region(4, "Cat", "Grey.")]),
    ],
)  # fmt: skip
def test_what_lines_say(text: str, regions: list[Region]) -> None:
    assert list(parse(text).answer.regions) == regions


ASKED = (
    Expected(1, "sky-other-merged"),
    Expected(5, "stop sign"),
    Expected(6, "person"),
)
PERSON = "\n6: Person - A man in a blue shirt."


@pytest.mark.parametrize(
    ("text", "accepted", "faults"),
    [
        (IDEAL + PERSON, [1, 5, 6], []),
        (IDEAL, [1, 5], [("missing", (6,))]),
        ("", [], [("empty", (1, 5, 6)), ("empty", ())]),
        ("I'm sorry, I can't help with that.", [], [("refusal", (1, 5, 6)), ("refusal", ())]),
        ("A sky above a sign and a man.", [], [("unreadable", (1, 5, 6)), ("unreadable", ())]),
        (IDEAL + "\n6: Dog - A brown dog.", [1, 5], [("category", (6,))]),
        (IDEAL + "\n6: A brown dog.", [1, 5], [("category", (6,))]),
        (IDEAL + "\n6: A man in a blue shirt.", [1, 5, 6], []),
        (IDEAL + "\n6: Man - He smiles.", [1, 5, 6], []),
        ("6: Person -\n" + IDEAL, [1, 5], [("empty", (6,))]),
        ("6: Person\n" + IDEAL, [1, 5], [("empty", (6,))]),
        (IDEAL + "\n6: Young man.", [1, 5, 6], []),
        (IDEAL + "\n6: Person - Not visible in the image.", [1, 5], [("refusal", (6,))]),
        (IDEAL + "\n6: Person - The marked object is a man.", [1, 5], [("leak", (6,))]),
        (IDEAL + "\n6: Persona - El hombre está en la calle con la camisa.", [1, 5],
         [("language", (6,))]),
        (IDEAL + PERSON + "\n6: Person - A tall man.", [1, 5], [("doubled", (6,))]),
        (IDEAL + PERSON + PERSON, [1, 5, 6], []),
        (IDEAL + PERSON + "\n9: Cat - A cat.", [1, 5, 6], [("out_of_range", ())]),
        ("1,5: Things - several things." + PERSON, [6], [("grouped", (1, 5))]),
        (IDEAL.replace("1:", "0:") + PERSON, [5, 6], [("missing", (1,)), ("out_of_range", ())]),
        (IDEAL.replace("sky\n", "sky.\n") + ".\n6: Person - A man in a", [1, 5],
         [("truncated", (6,))]),
    ],
)  # fmt: skip
def test_hard_matching(
    text: str, accepted: list[int], faults: list[tuple[str, tuple[int, ...]]]
) -> None:
    grammar = Regions()
    judged = grammar.judge(grammar.parse(text), ASKED)
    assert list(judged.accepted) == accepted
    assert [(fault.kind, fault.marks) for fault in judged.faults] == faults
    assert judged.interactions == ()


def test_it_is_a_grammar_without_interactions() -> None:
    grammar: Grammar = Regions()
    answer = Answer((SKY,), (Interaction((1, 5), "the sky is above the sign"),))
    assert grammar.write(answer) == "1: Sky - Clear blue sky"
    parsed = grammar.parse(f"{IDEAL}\nThe interactions include:\n1 and 5: the sky is above.")
    assert parsed.answer == Answer((SKY, SIGN))


@pytest.mark.parametrize(
    ("region", "line"),
    [
        (Region(3, "", "A dog"), "3: A dog"),
        (Region(3, "", "Sign: EXIT"), "3: : Sign: EXIT"),
        (Region(3, "", "Dog - brown"), "3: : Dog - brown"),
        (Region(3, "the big dog", "It is brown"), "3: big dog - It is brown"),
        (Region(3, "a dog of a rather long name", "x"), "3: dog of a rather - x"),
        (Region(3, "dog", "It is\n**brown**;"), "3: dog - It is brown"),
        (Region(3, "dog", ""), "3: dog - "),
        (Region(3, "", ""), "3: : "),
    ],
)
def test_what_is_written(region: Region, line: str) -> None:
    grammar = Regions()
    assert grammar.write(Answer((region,))) == line
    assert grammar.parse(line).answer == grammar.plain(Answer((region,)))


words = st.sampled_from(
    "a the red dog Person Sky sky-other-merged 2. 3; 4: (5) [6] #7 3.5 3:30 and & &amp; - – — -> → | "
    "= ** _x_ `a` ; : . , ! 'it' \"EXIT\" Object Category: region [Sky] <b> é 犬 ： T-Shirt sky-Clear "
    "Note Description: I'm sorry".split(" ")
)
phrases = st.lists(words, max_size=10).map(" ".join)
regions = st.builds(Region, st.integers(0, 120), phrases, phrases)


@given(st.lists(regions, max_size=5, unique_by=lambda region: region.mark))
def test_reading_gives_back_what_was_written(told: list[Region]) -> None:
    grammar = Regions()
    plain = grammar.plain(Answer(tuple(told)))
    assert grammar.plain(plain) == plain
    assert grammar.parse(grammar.write(plain)).answer == plain
    assert grammar.write(Answer(tuple(told))) == grammar.write(plain)


@given(st.lists(st.one_of(words, st.just("\n"), st.just("\n3: Dog - ")), max_size=30).map(" ".join))
def test_no_answer_is_too_broken_to_be_read_and_judged(text: str) -> None:
    grammar = Regions()
    judged = grammar.judge(grammar.parse(text), ASKED)
    named = {mark for fault in judged.faults for mark in fault.marks}
    assert {e.mark for e in ASKED} <= named | set(judged.accepted)
