"""How the baseline finds the mark that a text means."""

from __future__ import annotations

from annoengine.baseline.listening import nearest_texts

SAID = {
    1: "Person. This person is red and blue, at the left.",
    2: "Person. This person is red, at the right.",
    3: "Dog. This dog is brown, at the right.",
}


def test_rare_words_count_more_than_common_ones_and_words_of_all_count_nothing() -> None:
    # "person" and "red" are in two of three (ln 1.5 each), "left" and "blue" in one (ln 3).
    assert nearest_texts("The person in red on the left.", SAID) == (1, 2)
    assert nearest_texts("A brown animal at the right.", SAID) == (3, 2)
    assert nearest_texts("This is at the.", SAID) == ()


def test_who_is_said_least_of_wins_where_both_share_the_same_words() -> None:
    # Both share person and red, 2 ln 1.5; 1 has two rare words besides, 2 has "right" besides.
    assert nearest_texts("A red person.", SAID) == (2, 1)


def test_equals_come_by_number_and_three_at_most() -> None:
    alike = {number: f"a cup number{'x' * number}" for number in (5, 4, 3, 2)} | {9: "a dog"}
    assert nearest_texts("The cup.", alike) == (2, 3, 4)
