"""The grammar ``numbered`` where interactions are asked for alone, and of things without a name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.answer import Answer, Expected, Interaction, InteractionGrammar
from annoengine.answers.numbered import Numbered

GRAMMAR = Numbered()
TWO = (
    Interaction((1, 25), "the man walks the dog."),
    Interaction((3, 30, 4), "the children play with a ball."),
)


def test_it_is_a_grammar_in_which_interactions_can_be_asked_for_alone() -> None:
    assert isinstance(GRAMMAR, InteractionGrammar)


@pytest.mark.parametrize(
    "text",
    [
        "The interactions include:\n1 and 25: the man walks the dog.;\n"
        "3, 30 and 4: the children play with a ball.;",
        "1 and 25: the man walks the dog.;\n3, 30 and 4: the children play with a ball.;",
        "1 and 25: the man walks the dog.; 3, 30 and 4: the children play with a ball.;",
        "Here are the interactions:\n\n- **1 and 25**: the man walks the dog.\n"
        "- **3, 30 and 4**: the children play with a ball.",
        "The objects include:\n1. Man: a man.\n25. Dog: a dog.\nThe interactions include:\n"
        "1 and 25: the man walks the dog.\n3, 30 and 4: the children play with a ball.",
        '{"interactions": [{"ids": [1, 25], "text": "the man walks the dog."}, '
        '{"ids": [3, 30, 4], "text": "the children play with a ball."}]}',
    ],
)
def test_the_heading_may_be_missing(text: str) -> None:
    assert GRAMMAR.parse_interactions(text).answer.interactions == TWO


@pytest.mark.parametrize(
    "text", ["", "none", "The interactions include: none.", "There are no interactions.", "N/A"]
)
def test_none_is_an_answer(text: str) -> None:
    assert GRAMMAR.parse_interactions(text).answer.interactions == ()


WORDS = st.lists(
    st.sampled_from("the man holds a red cup while another dog runs".split()), min_size=3
)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 99), min_size=2, max_size=4, unique=True), WORDS),
        max_size=8,
    )
)
@settings(max_examples=150, deadline=None)
def test_what_is_written_is_read(found: list[tuple[list[int], list[str]]]) -> None:
    interactions = tuple(Interaction(tuple(ids), " ".join(words)) for ids, words in found)
    text = GRAMMAR.write(Answer(interactions=interactions))
    assert GRAMMAR.parse_interactions(text).answer.interactions == interactions


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_text_breaks_it(text: str) -> None:
    GRAMMAR.parse_interactions(text)


def test_what_nobody_has_named_may_be_described_as_anything() -> None:
    text = (
        "1. Dog: a brown dog.\n2. Contraption: it has levers and wheels.\n3: The dog sleeps.\n"
        "4. Car: sorry, I can't describe it.\n5. Region: the marked region is blue."
    )
    expected = tuple(Expected(n, "region") for n in range(1, 7))
    judged = GRAMMAR.judge(GRAMMAR.parse(text), expected)
    assert list(judged.accepted) == [1, 2, 3]
    assert {fault.kind: fault.marks for fault in judged.faults} == {
        "refusal": (4,),
        "leak": (5,),
        "missing": (6,),
    }
