"""The finders alone: where a text speaks of marks, of its annotation, of what stands elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.rewriting.annotation_talk import find_talk
from annoengine.rewriting.dangling import find_dangling
from annoengine.rewriting.draft import Draft, Edit, moved
from annoengine.rewriting.mark_references import find_references
from annoengine.rewriting.mending import cut_out
from annoengine.rewriting.shade import BLOT, shaded

CATEGORIES = {
    1: "person",
    2: "giraffe",
    3: "bus",
    4: "giraffe",
    5: "tree-merged",
    6: "cup",
    7: "person",
    12: "cow",
}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("object 3", (3,)),
        ("object #3", (3,)),
        ("Object3 is red", (3,)),
        ("objects 2 and 5 stand", (2, 5)),
        ("objects 2, 3 and 5", (2, 3, 5)),
        ("objects 2-5", (2, 3, 4, 5)),
        ("objects 4 to 7", (4, 5, 6, 7)),
        ("object two", (2,)),
        ("a tree marked 5", (5,)),
        ("a giraffe labelled with the number 4", (4,)),
        ("a giraffe [2]", (2,)),
        ("a person (7)", (7,)),
        ("the person labelled 1", (1,)),
        ("beside person 1", (1,)),
        ("id 3", (3,)),
        ("near number 12", (12,)),
        ("behind No. 4", (4,)),
        ("below #2", (2,)),
        ("the one marked as 6", (6,)),
        ("object 3 and 5 people", (3,)),
        ("object 3, 2 cups and a plate", (3,)),
    ],
)
def test_a_reference_and_its_numbers(text: str, numbers: tuple[int, ...]) -> None:
    [found] = find_references(text, CATEGORIES, CATEGORIES)
    assert (found.numbers, found.unknown) == (numbers, ())


def test_what_a_reference_takes_in() -> None:
    text = "Near object 3's door the giraffe labelled 4 eats, and a tall giraffe (2) looks."
    found = find_references(text, CATEGORIES, CATEGORIES)
    assert [(text[r.start : r.end], r.kind, r.noun, r.possessive) for r in found] == [
        ("object 3's", "name", "", True),
        ("the giraffe labelled 4", "name", "giraffe", False),
        ("(2)", "note", "", False),
    ]
    # Without categories nobody knows what "the giraffe" is, and only the number goes.
    found = find_references(text, set(CATEGORIES))
    assert [text[r.start : r.end] for r in found] == ["object 3's", "labelled 4", "(2)"]


@pytest.mark.parametrize(
    "text",
    [
        "a bus with the number 3 on its side",
        "the number 3 bus",
        "a 4-story building",
        "route 5",
        "wearing number 7",
        "5:30",
        "a person 5 feet tall",
        "a cup marked 1",  # 1 is a person: the cup bears the digit itself
        "platform 4",
        "a sign that says “object 3”",
        "bus 3.5",
        "3 people",
    ],
)
def test_numbers_that_are_no_reference(text: str) -> None:
    assert find_references(text, CATEGORIES, CATEGORIES) == []


def test_a_noun_refers_where_it_fits_the_marked_category() -> None:
    assert find_references("next to platform 4", {4}, {4: "platform"})
    assert not find_references("next to platform 4", {4}, {4: "person"})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("A cat outlined in red.", "note"),
        ("The marked region is grass.", "own"),
        ("The bounding box contains a cat.", "swap"),
        ("The highlighted cat sleeps.", "swap"),
        ("A red outline surrounds it.", "sentence"),
        ("A cat, grounded by the mask numbers.", "note"),
        ("In the segmented area a cat sleeps.", "note"),
        ("A black cat with a number placed on its centre.", "note"),
    ],
)
def test_talk_and_its_kind(text: str, kind: str) -> None:
    assert [talk.kind for talk in find_talk(text, "cat")] == [kind]


def test_a_clause_with_a_fact_is_never_all_talk() -> None:
    for text in (
        "The white cup with the red outline is on the left.",
        "The mask covers her nose and mouth.",
        "The label on the bottle is green.",
    ):
        assert all(talk.kind != "sentence" for talk in find_talk(text, "cup"))


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("Another cup.", "A cup."),
        ("The other cup is full.", "The cup is full."),
        ("A cup with the same shape as it.", "A cup with the same shape as the other cup."),
        ("A cup, like the previous one.", "A cup, like the other cup."),
        ("The cup is also white.", "The cup is white."),
        ("Likewise, the cup is white.", "the cup is white."),
        ("Next to it is a cup.", "a cup."),
        ("The aforementioned cup is full.", "The cup is full."),
        ("It has a handle.", "The cup has a handle."),
        ("Its handle is thin.", "The cup's handle is thin."),
        ("A bus beside another car.", "A bus beside a car."),
    ],
)
def test_dangling_words_said_alone(text: str, new: str) -> None:
    draft = Draft(text)
    draft.apply(
        [
            Edit(d.start, d.end, d.new)
            for d in find_dangling(text, "cup", "the other cup", "the cup")
            if d.new is not None
        ]
    )
    assert draft.text == new


def test_without_another_segment_a_likeness_is_cut_or_told() -> None:
    text = "This smaller cow has similar coloring to it but is standing."
    [found] = find_dangling(text, "cow")
    assert text[: found.start] + (found.new or "") + text[found.end :] == (
        "This smaller cow is standing."
    )
    [found] = find_dangling("The cow is similar to it.", "cow")
    assert found.new is None


@pytest.mark.parametrize(
    ("text", "cut", "new"),
    [
        ("The cup, marked 4, is red.", "marked 4", "The cup is red."),
        ("The cup is marked 4 and stands here.", "marked 4", "The cup stands here."),
        ("The cup is marked 4 and placed here.", "marked 4", "The cup is placed here."),
        ("The cup is marked 4 in the back.", "marked 4", "The cup is in the back."),
        ("The cup is marked 4, standing there.", "marked 4", "The cup is standing there."),
        ("The cup, which is marked 4, is red.", "marked 4", "The cup is red."),
        ("The cup is red and is marked 4.", "marked 4", "The cup is red."),
        ("It is red. The cup is marked 4.", "marked 4", "It is red. "),
        ("The tall cup is marked 4.", "marked 4", "The tall cup."),
        ("Marked 4, the cup is red.", "Marked 4", "the cup is red."),
        ("A cup (marked 4) is red.", "marked 4", "A cup is red."),
    ],
)
def test_cutting_mends_the_sentence(text: str, cut: str, new: str) -> None:
    start = text.index(cut)
    edit = cut_out(text, start, start + len(cut))
    assert text[: edit.start] + edit.new + text[edit.end :] == new


def test_quotations_and_coordinates_are_blotted_out() -> None:
    text = 'The ring [[0.1, 0.2, 0.3, 0.4]] by "object 3" and the dog\'s 2 bones labelled "4".'
    shade = shaded(text)
    assert len(shade) == len(text)
    assert shade.count(BLOT) == len("[[0.1, 0.2, 0.3, 0.4]]") + len('"object 3"')
    assert "dog's 2 bones labelled  4 ." in shade


@given(st.text("ab ", max_size=12), st.lists(st.tuples(st.integers(0, 12), st.integers(0, 4))))
def test_edits_replayed_give_the_text(text: str, cuts: list[tuple[int, int]]) -> None:
    draft = Draft(text)
    for start, length in cuts:
        begin = min(start, len(draft.text))
        draft.apply([Edit(begin, min(begin + length, len(draft.text)), "xy"[: length % 3])])
    replayed = text
    for edit in reversed(draft.edits()):
        replayed = replayed[: edit.start] + edit.new + replayed[edit.end :]
    assert replayed == draft.text


def test_spans_move_with_the_text() -> None:
    draft = Draft("Object 4 sits by object 2 on a mat.")
    draft.apply([Edit(0, 8, "The cat"), Edit(17, 25, "the bus")])
    edits = draft.edits()
    assert draft.text == "The cat sits by the bus on a mat."
    old = "Object 4 sits by object 2 on a mat."
    for before, after in (("object 2", "the bus"), ("a mat", "a mat"), ("Object 4", "The cat")):
        place = moved(old.index(before), old.index(before) + len(before), edits)
        assert place is not None
        assert draft.text[place[0] : place[1]] == after
    gone = Draft("A cup (4).")
    gone.apply([Edit(5, 9, "")])
    assert moved(6, 8, gone.edits()) is None
