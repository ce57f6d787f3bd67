"""What is read as a name out of what models say when they are asked for one."""

from __future__ import annotations

import pytest

from annoengine.detecting.names import name_in

ANSWERS = [
    # As asked.
    ("dog", "dog"),
    ("fire hydrant", "fire hydrant"),
    ("text on t-shirt", "text on t-shirt"),
    # Capitals and full stops.
    ("Dog.", "dog"),
    ("Fire Hydrant!", "fire hydrant"),
    # Articles.
    ("a dog", "dog"),
    ("An umbrella.", "umbrella"),
    ("the sky", "sky"),
    ("part of a wheel", "wheel"),
    # Quotes, bold, code, brackets.
    ('"dog"', "dog"),
    ("“red car”", "red car"),
    ("**dog**", "dog"),
    ("`traffic light`", "traffic light"),
    ("[grass]", "grass"),
    # Sentences.
    ("This is a red car.", "red car"),
    ("It is the trunk of a tree.", "trunk of a tree"),
    ("It appears to be a bench", "bench"),
    ("The image shows a bicycle.", "bicycle"),
    ("This picture depicts grass.", "grass"),
    ("I see a window.", "window"),
    ("I can see some flowers.", "flowers"),
    # Labels and polite openings.
    ("Answer: dog", "dog"),
    ("The answer is: a clock", "clock"),
    ("Name: door handle", "door handle"),
    ("**Label:** Door", "door"),
    ("Sure! This is a dog.", "dog"),
    ("Okay, the object is a cup.", "cup"),
    # Lists and lines: the first counts.
    ("- dog", "dog"),
    ("1. dog\n2. cat", "dog"),
    ("dog, animal, pet", "dog"),
    ("dog\n\nIt is brown.", "dog"),
    ("\n\n  dog  \n", "dog"),
    ("dog. It is brown and lies on grass.", "dog"),
    ("coffee (in a cup)", "coffee"),
    ("wall - made of brick", "wall"),
    ("laptop; computer", "laptop"),
    # Nothing that is a name.
    ("unknown", None),
    ("Unknown.", None),
    ("The answer is unknown", None),
    ("I'm sorry, I can't identify people.", None),
    ("I cannot tell what this is.", None),
    ("It is hard to tell.", None),
    ("object", None),
    ("background", None),
    ("", None),
    ("...", None),
    ("**", None),
    ("42", None),
    ("a man in a blue shirt who is walking along a road", None),
    ("As an AI model, I see pixels", None),
]


@pytest.mark.parametrize(("answer", "name"), ANSWERS)
def test_an_answer_is_read_as_its_name(answer: str, name: str | None) -> None:
    assert name_in(answer) == name
    if name is not None:
        assert name_in(name) == name
