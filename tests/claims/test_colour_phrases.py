"""Which words of a caption are colours, of which noun, and which are no statement."""

from __future__ import annotations

import pytest

from annoengine.claims.colour_phrases import colour_phrases
from annoengine.language.parser import parser_of

Told = tuple[str, tuple[str, ...], str, str]


def told(text: str) -> list[Told]:
    """Words, colours, noun and scope of each phrase."""
    parsed = parser_of().parse(text)
    return [
        (
            parsed.span(phrase.first, phrase.past),
            tuple(term.says for term in phrase.colours),
            parsed.tokens[phrase.root].text,
            phrase.scope,
        )
        for phrase in colour_phrases(parsed)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The man in a red shirt is smiling.", [("red", ("red",), "shirt", "whole")]),
        (
            "The cat's face is orange and white, with green eyes.",
            [
                ("orange and white", ("orange", "white"), "face", "whole"),
                ("green", ("green",), "eyes", "whole"),
            ],
        ),
        (
            "A tower painted pink and cut off at the top.",
            [("pink", ("pink",), "tower", "whole")],
        ),
        ("A clear sky of pale green.", [("pale green", ("pale green",), "sky", "whole")]),
        ("A patch of green near the road.", []),
        ("The object is red in colour.", [("red", ("red",), "object", "whole")]),
        ("Large, red bus parked on the street.", [("red", ("red",), "bus", "whole")]),
        (
            "A red-and-white striped shirt is worn by the man.",
            [("red-and-white striped", ("red", "white"), "shirt", "some")],
        ),
        (
            "The car is reddish-brown with black wheels.",
            [
                ("reddish-brown", ("reddish brown",), "car", "whole"),
                ("black", ("black",), "wheels", "whole"),
            ],
        ),
        (
            "The leaves are a vibrant, deep green.",
            [("deep green", ("deep green",), "leaves", "whole")],
        ),
        (
            "A dark brown wooden table stands on the left.",
            [("dark brown", ("dark brown",), "table", "whole")],
        ),
        (
            "The bus is painted red and yellow.",
            [("red and yellow", ("red", "yellow"), "bus", "whole")],
        ),
        (
            "A red-haired woman in white is waving.",
            [
                ("red-haired", ("red",), "woman", "part"),
                ("white", ("white",), "woman", "part"),
            ],
        ),
        ("A woman dressed in black.", [("black", ("black",), "woman", "part")]),
        ("The person wears black.", [("black", ("black",), "person", "part")]),
        (
            "The flower has petals in shades of pink and orange.",
            [("pink and orange", ("pink", "orange"), "petals", "whole")],
        ),
        ("The door, which is green, is closed.", [("green", ("green",), "door", "whole")]),
        (
            "The red, white and blue flag hangs behind her.",
            [("red, white and blue", ("red", "white", "blue"), "flag", "whole")],
        ),
        (
            "It is black and white with hints of brown.",
            [
                ("black and white", ("black", "white"), "It", "whole"),
                ("brown", ("brown",), "It", "some"),
            ],
        ),
        (
            "A section of wall with a reddish-brown color.",
            [("reddish-brown", ("reddish brown",), "section", "whole")],
        ),
        ("A cream-colored flower.", [("cream-colored", ("cream",), "flower", "whole")]),
        (
            "The man wears light-blue jeans and a navy blue jacket.",
            [
                ("light-blue", ("light blue",), "jeans", "whole"),
                ("navy blue", ("navy blue",), "jacket", "whole"),
            ],
        ),
    ],
)
def test_colours_belong_to(text: str, expected: list[Told]) -> None:
    assert told(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "The saucer is possibly red.",
        "The saucer might be orange.",
        "The saucer is red or orange.",
        "The car is not red.",
        "The car isn't red at all.",
        "It is as red as a tomato.",
        "A woman holds an orange.",
        "Two oranges lie in a bowl.",
        "Mr. Brown smiles.",
        "A black and white photo of a cat.",
        "A greenhouse stands next to a blackboard.",
        "The player walks on the green.",
        "The cat is darker than the dog.",
        "A man with wine and cherry tomatoes.",
        "The car is fast.",
    ],
)
def test_no_statement_about_a_colour(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    "text", ["A brown bear sits.", "A glass with white wine.", "A red onion lies there."]
)
def test_names_of_kinds_are_told(text: str) -> None:
    found = colour_phrases(parser_of().parse(text))
    assert [phrase.kind_name for phrase in found] == [True]


def test_what_stands_behind_a_denial_is_said() -> None:
    assert told("The sky is light blue, not grey.") == [
        ("light blue", ("light blue",), "sky", "whole")
    ]
