"""The quick reader of perfectly formed answers says what the tolerant one says, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.answer import Answer, Expected, Interaction, Region
from annoengine.answers.numbered import Numbered
from annoengine.numbered.plain import read_plain

WORDS = st.sampled_from(
    [
        "the",
        "a",
        "dog",
        "cat",
        "sky",
        "man",
        "is",
        "are",
        "wearing",
        "holding",
        "red",
        "blue-green",
        "it's",
        "object",
        "objects",
        "number",
        "and",
        "interactions",
        "include",
        "note",
        "sorry",
        "left",
        "right",
        "of",
        "in",
        "on",
        "with",
        "no",
        "none",
        "person",
        "people",
        "1",
        "2",
        "two",
        "first",
        "id",
        "mark",
        "background",
        "image",
        "above",
        "below",
        "here",
        "please",
        "summary",
        "description",
        "I",
        "A",
        "An",
        "The",
        "It",
        "They",
        "sunglasses",
        "visible",
        "not",
        "cannot",
        "see",
        "same",
        "as",
        "etc",
        "unknown",
        "xxx",
        "Sure",
        "Let",
        "know",
        "me",
    ]
)
SENTENCE = st.lists(WORDS, min_size=1, max_size=9).map(" ".join)
TEXT = st.lists(SENTENCE, min_size=1, max_size=3).map(lambda s: ". ".join(s) + ".")
LINE = st.one_of(
    st.builds("{}. {}: {};".format, st.integers(0, 12), SENTENCE, TEXT),
    st.builds("{}. {}: {}".format, st.integers(0, 12), SENTENCE, TEXT),
    st.builds("{} and {}: {};".format, st.integers(0, 9), st.integers(0, 9), TEXT),
    st.sampled_from(["", "The interactions include:", "The objects include:"]),
    TEXT,
)
ANSWERS = st.lists(LINE, max_size=8).map(lambda ls: "\n".join(["The objects include:", *ls]))


@given(ANSWERS)
@settings(max_examples=200, deadline=None)
def test_it_reads_the_same_or_nothing(text: str) -> None:
    quick = read_plain(text)
    if quick is not None:
        tolerant = Numbered().parse_tolerantly(text)
        assert (tolerant.answer, tolerant.faults, tolerant.tolerated) == (quick, (), ())


@st.composite
def well_formed(draw: st.DrawFn) -> Answer:
    plain = st.sampled_from(
        [
            "the",
            "dog",
            "sky",
            "man",
            "is",
            "wearing",
            "holding",
            "red",
            "blue-green",
            "it's",
            "and",
            "left",
        ]
    )
    sentence = st.lists(plain, min_size=3, max_size=9).map(lambda w: " ".join(w).capitalize() + ".")
    marks = sorted(draw(st.sets(st.integers(1, 99), min_size=2, max_size=9)))
    regions = tuple(Region(mark, draw(plain).capitalize(), draw(sentence)) for mark in marks)
    pair = (marks[0], marks[-1])
    return Answer(regions, (Interaction(pair, draw(sentence)),))


@given(well_formed())
@settings(max_examples=200, deadline=None)
def test_what_write_writes_takes_the_quick_way(answer: Answer) -> None:
    text = Numbered().write(answer)
    assert read_plain(text) == answer == Numbered().parse_tolerantly(text).answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1. Dog: The dog is black.",
        "The objects include:\n1. Dog: The dog is black",
        "The objects include:\n2. Dog: The dog is black.;\n1. Sky: It is blue.;",
        "The objects include:\n1. Dog: The dog is **black**.;",
        "The objects include:\n1-2. Dogs: The dogs are black.;",
        "The objects include:\n1. Dog: The dog is black.;\nHope this helps!",
        "The objects include:\n1. Dog: Number 2. is black.;",
        "Sure! The objects include:\n1. Dog: The dog is black.;",
        "The objects include:\n1. Perro: El niño es rojo.;",
    ],
)
def test_what_is_unusual_is_left_to_the_tolerant_reader(text: str) -> None:
    assert read_plain(text) is None


def test_a_long_text_that_is_nearly_right_takes_no_time() -> None:
    """The patterns may not blow up: each gives up in linear time."""
    words = "word, " * 20_000
    assert read_plain(f"The objects include:\n1. Dog: {words}!") is None
    assert Numbered().judge(Numbered().parse(""), (Expected(1, "dog"),)).faults
