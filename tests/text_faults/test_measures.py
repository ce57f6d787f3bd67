"""What the scores of words are, by hand-worked numbers, and what holds for any text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.description_faults import kind_of_fault
from annoengine.text_faults import hedging, task_talk
from annoengine.text_faults.completeness import is_incomplete
from annoengine.text_faults.hedging import hedge_share
from annoengine.text_faults.likeness import (
    TOLD_APART,
    largest_likenesses,
    likeness,
    shingles_of,
)
from annoengine.text_faults.repetition import repetition_share
from annoengine.text_faults.sentences import letters_in, sentences_in, statements_in, words_in
from annoengine.text_faults.text_scores import NAMES, faults_of, text_scores
from tests.text_faults.paper_captions import PRINTED

TEXTS = st.lists(
    st.sampled_from(
        'a the red cup cups dog is on and possibly seems , . ; ! " ( ) [2] object 3 left right '
        "der und auf mit I cannot sorry may it it's café 赤い".split(" ")
    ),
    max_size=14,
).map(" ".join)


def alike(one: str, other: str) -> float:
    return likeness(shingles_of(one), shingles_of(other))


def test_sentences_end_at_stops_and_semicolons() -> None:
    assert sentences_in("A dog. It runs!\nFast ; very fast") == [
        "A dog.",
        "It runs!",
        "Fast ;",
        "very fast",
    ]
    assert sentences_in("It is 4.5 m long, e.g. a van of Mr. Smith.") == [
        "It is 4.5 m long, e.g. a van of Mr. Smith."
    ]
    assert sentences_in('It says "STOP." He stops.') == ['It says "STOP."', "He stops."]
    assert sentences_in(" ... ") == []


def test_statements_are_cut_at_punctuation() -> None:
    assert [s.strip() for s in statements_in("It is 4.5 m, red; tall - and thin.")] == [
        "It is 4.5 m",
        "red",
        "tall",
        "and thin",
    ]


def test_hedges_are_a_share_of_statements() -> None:
    assert hedge_share("A car, possibly red, or perhaps brown, on a road.") == 0.5
    assert hedge_share("It appears to be a car.") == 1.0
    assert hedge_share("It appears in the corner.") == 0.0
    assert hedge_share('The sign says "PERHAPS, MAYBE", in red.') == 0.0


def test_repetition_by_hand() -> None:
    # Nine words make six runs of four; the runs 1 to 2 come again as 5 to 6.
    assert repetition_share("a b c d e a b c d") == pytest.approx(1 / 6, abs=1e-4)
    # One of three sentences was said before; runs: 2 of 12.
    assert repetition_share("It is a cup. It is red. It is a cup.") == pytest.approx(
        1 / 3, abs=1e-4
    )
    assert repetition_share("the the sky is blue") == 0.2
    assert repetition_share("") == 0.0


PAIRS_ALIKE = [
    ("A red cup on a table.", "a red cup on the table"),
    ("Two dogs run over a lawn.", "The two dogs run over a lawn!"),
    ("the sky is clear and blue over the sea", "The sky is clear and blue over the sea."),
    ("A man holds an umbrella.", "a man holds an umbrella"),
    ("A tree with green leaves.", "A tree, with green leaves"),
    *(
        (PRINTED[one], PRINTED[other])
        for one, other in [
            (("table 2 row 1", 4), ("table 2 row 1", 6)),
            (("table 8 row 1", 5), ("table 8 row 1", 12)),
            (("table 8 row 4", 4), ("table 8 row 5", 8)),
        ]
    ),
    *((text, text.upper()) for text in list(PRINTED.values())[:12]),
    *((text, f"{text} ") for text in list(PRINTED.values())[12:22]),
]
PAIRS_NEARLY = [
    (PRINTED["table 2 row 2", 1], PRINTED["table 2 row 2", 2]),
    (PRINTED["table 8 row 4", 2], PRINTED["table 8 row 5", 3]),
    (PRINTED["table 8 row 2", 5], PRINTED["table 2 row 2", 5]),
]
TELLING = [
    ("left", "right"),
    ("red", "blue"),
    ("first", "second"),
    ("small", "large"),
    ("front", "back"),
    ("man", "woman"),
    ("two", "three"),
    ("upper", "lower"),
    ("dark", "light"),
    ("tall", "short"),
]
FRAMES = [
    "the {} one of the people who stand beside the long white fence and look towards the sea",
    "A {} thing stands at the side of the road, with a bench beside it and a lamp above it.",
    "A person who is {} and holds an umbrella.",
]


def test_there_are_enough_pairs() -> None:
    assert len(PAIRS_ALIKE) == 30
    assert len(TELLING) * len(FRAMES) == 30


@pytest.mark.parametrize(("one", "other"), PAIRS_ALIKE)
def test_the_same_words_are_a_copy(one: str, other: str) -> None:
    assert alike(one, other) == 1.0


@pytest.mark.parametrize(("one", "other"), PAIRS_NEARLY)
def test_nearly_the_same_words_are_near_duplicates(one: str, other: str) -> None:
    assert TOLD_APART < alike(one, other) < 1.0


@pytest.mark.parametrize("frame", FRAMES)
@pytest.mark.parametrize(("one", "other"), TELLING)
def test_a_telling_word_keeps_captions_apart(frame: str, one: str, other: str) -> None:
    assert 0.4 < alike(frame.format(one), frame.format(other)) <= TOLD_APART


def test_likeness_by_hand() -> None:
    # red cup | red cup on table: 3 pieces, 7 pieces, 3 in common.
    assert alike("a red cup", "the red cups on a table") == 0.6
    assert alike("A dog.", "The sky.") == 0.0
    # A word that comes again is another piece: 2 + 1 pieces against 1.
    assert alike("very very", "very") == 0.5
    assert alike("", "") == 0.0


def test_each_group_is_compared_with_the_others_only() -> None:
    assert largest_likenesses([["a red cup", "a red cup"], ["the sky"]]) == [0.0, 0.0]
    assert largest_likenesses([]) == []


def test_the_scores_of_a_record_follow_its_captions() -> None:
    scores = text_scores(
        [(9, "A red cup."), (4, "Possibly of"), (9, "A cup, possibly of"), (7, "")]
    )
    assert list(scores) == [9, 4, 7]
    assert all(tuple(found) == NAMES for found in scores.values())
    # Of two captions of a segment the worse counts.
    assert (scores[9]["text.words"], scores[9]["text.incomplete"]) == (3.0, 1.0)
    assert scores[9]["text.hedge"] == 0.5
    assert scores[9]["text.duplicate"] == scores[4]["text.duplicate"] == 0.75
    assert (scores[7]["text.words"], scores[7]["text.incomplete"]) == (0.0, 1.0)


@settings(max_examples=150)
@given(TEXTS)
def test_every_share_lies_between_0_and_1(text: str) -> None:
    for name, value in faults_of(text).items():
        assert value >= 0
        assert value <= 1 or name == "text.words"
    assert faults_of(text) == faults_of(text)


@settings(max_examples=100)
@given(TEXTS, TEXTS)
def test_likeness_is_symmetric_and_full_for_oneself(one: str, other: str) -> None:
    assert alike(one, other) == alike(other, one)
    assert 0 <= alike(one, other) <= 1
    assert alike(one, one) == (1.0 if set(words_in(one)) - {"a", "an", "the"} else 0.0)


@settings(max_examples=200)
@given(st.lists(st.sampled_from("red cup dog wall sea tall sky".split()), min_size=5, max_size=9))
def test_a_sentence_said_twice_is_a_repetition(words: list[str]) -> None:
    said = " ".join(words)
    assert repetition_share(f"{said}. {said}.") >= repetition_share(said)
    assert repetition_share(f"{said}. {said}.") >= 0.4


@settings(max_examples=200)
@given(TEXTS)
def test_an_open_bracket_is_never_whole(text: str) -> None:
    assert is_incomplete(f"{text} (and")


CUED = (
    "possibly seems appears to be as if looks like might may could suggests implies not clearly "
    "visible clear hard tell cannot determined some sort of or something similar marked with the "
    "number 3 object [2] bounding box segmentation mask numbers grounded by numeric id outlined in "
    "pink contour given image close-up region requested the prompt objects include: category is "
    "here description the label placed a annotation region4 ( ) # # <1: I is it"
).split()


@settings(max_examples=400)
@given(st.lists(st.sampled_from(CUED), min_size=1, max_size=7).map(" ".join))
def test_the_quick_look_misses_nothing(text: str) -> None:
    """The words that a form needs are all among those that are looked for first."""
    if hedging._HEDGE.search(text):
        assert not hedging._CUES.isdisjoint(letters_in(text))
    if task_talk._LEAK.search(text) or kind_of_fault(text) == "leak":
        seen = not task_talk._CUES.isdisjoint(letters_in(text))
        assert seen or not task_talk._SIGNS.isdisjoint(text)
