"""Words and sentences, counted by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.statistics.words import sentences_of, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A red, half-open door.", ["A", "red", "half-open", "door"]),
        ("The man's dog doesn't run.", ["The", "man", "'s", "dog", "does", "n't", "run"]),
        ("It’s the men’s.", ["It", "'s", "the", "men", "'s"]),
        ("Red. Blue.", ["Red", "Blue"]),
        ("4.5 m at 10 % — (No. 7)", ["4.5", "m", "at", "10", "No", "7"]),
        ("U.S. flag", ["U.S.", "flag"]),
        ("… !? -", []),
        ("", []),
        ("犬 on grass", ["犬", "on", "grass"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("A dog", 1),
        ("A dog. A cat.", 2),
        ("A dog! A cat? Yes.", 3),
        ('A sign says "STOP." It is red.', 2),
        ("It is 4.5 m long.", 1),
        ("A car, e.g. a taxi, is here.", 1),
        ("By Mr. Smith.", 1),
        ("Opens at 9 a.m. daily.", 1),
        ("It waits... and goes.", 1),
        ("A fence.The dog waits.", 2),
        ("1. A car\n2. A dog", 2),
        ("A car\n\nA dog", 2),
        ("…", 0),
        ("", 0),
    ],
)
def test_sentences(text: str, count: int) -> None:
    assert sentences_of(text) == count


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_any_text_has_as_many_words_and_sentences_as_can_be(text: str) -> None:
    words = words_of(text)
    assert all(any(letter.isalnum() for letter in word) for word in words)
    assert (sentences_of(text) == 0) <= (len(words) <= sum(map(str.isdigit, text)))
    assert sentences_of(text) <= len(words) or not words


@settings(max_examples=50)
@given(st.lists(st.sampled_from(["red", "dogs", "half-open", "7"]), min_size=1, max_size=9))
def test_plain_words_are_counted_as_they_are(words: list[str]) -> None:
    assert words_of(", ".join(words) + ".") == words
