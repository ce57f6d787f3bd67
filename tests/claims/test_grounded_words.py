"""What a grounded paragraph states is tested against the segments that its phrases carry."""

from __future__ import annotations

import pytest

from annoengine.claims.grounded_words import grounded_words
from annoengine.claims.testing import statements_of_record
from annoengine.grounded.tags import parse_tags
from annoengine.language.parser import parser_of
from annoengine.record import Caption, Origin
from tests.claims.hand_made import files_of, photographs

ORIGIN = Origin(stage="merge", model="m-1")
FLAG, PERSON, LEFT, RIGHT = 7547307, 5446613, 16205681, 16537179
"""Segments of the photograph; LEFT and RIGHT are its two badges."""


@pytest.mark.parametrize(
    ("caption", "words"),
    [
        ("<3: A man with a red cap> holds <4: a small dog>.", {"man": (3,), "dog": (4,)}),
        ("There are <6,7: two men in blue> here.", {"men": (6, 7)}),
        ("Above, <1: the sky is blue and without clouds>.", {"sky": (1,)}),
        ("<5: One of the dogs> is barking.", {"One": (5,)}),
        # No noun, nothing that could be spoken of.
        ("It is <2: green> there.", {}),
    ],
)
def test_the_word_that_speaks_of_the_segments(
    caption: str, words: dict[str, tuple[int, ...]]
) -> None:
    tagged = parse_tags(caption)
    (parsed,) = parser_of().parse_all([tagged.text])
    found = grounded_words(parsed, tagged.spans)
    assert {parsed.tokens[i].text: ids for i, ids in found.items()} == words


def verdicts(caption: str) -> list[tuple[str, str]]:
    """The words and the truth of each statement of a caption with tags."""
    record, _ = photographs()["astronaut"]
    tagged = parse_tags(caption)
    whole = Caption(text=tagged.text, spans=tagged.spans, origin=ORIGIN)
    record = record.but(captions=(whole,))
    (found,) = statements_of_record(files_of(record), record.to_line())
    return [(tagged.text[one.start : one.end], one.truth) for one in found]


def test_what_is_said_of_one_of_two_alike_is_tested_on_the_one_that_is_meant() -> None:
    said = "{} is to the right of the flag and to the left of {}."
    both = "to the left of another badge"
    bare = verdicts(said.format("A badge", "another badge"))
    right = verdicts(said.format(f"<{LEFT}: A badge>", f"<{RIGHT}: another badge>"))
    wrong = verdicts(said.format(f"<{RIGHT}: A badge>", f"<{LEFT}: another badge>"))
    assert (both, "supported") in right
    assert (both, "contradicted") in wrong
    assert (both, "supported") not in bare
    assert (both, "contradicted") not in bare


def test_what_refers_back_to_a_phrase_is_said_of_its_segment() -> None:
    place = "on the left side of the image"
    told = f"The image shows a spacesuit. <{{}}: The thing> hangs there. It is {place}."
    assert (place, "supported") in verdicts(told.format(FLAG))
    right = "on the right side of the image"
    assert (right, "contradicted") in verdicts(told.replace(place, right).format(FLAG))


def test_a_group_states_what_is_true_of_each() -> None:
    place = "in the lower half of the image"
    assert (place, "supported") in verdicts(f"<{LEFT},{RIGHT}: Two badges> are {place}.")
    assert (place, "contradicted") not in verdicts(f"<{LEFT},{FLAG}: Two things> are {place}.")
    assert (place, "supported") not in verdicts(f"<{LEFT},{FLAG}: Two things> are {place}.")


def test_segments_that_are_not_there_say_nothing() -> None:
    assert all(truth == "cannot tell" for _, truth in verdicts("<9: A badge> is on the left."))
