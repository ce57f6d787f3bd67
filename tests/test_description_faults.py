"""Refusals, leaks of the task, and other languages, against captions that only look like them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.description_faults import declines, kind_of_fault

FAULTY = {
    "refusal": [
        "I'm sorry, but I can't describe this object.",
        "Sorry, the object is too small.",
        "I cannot identify the object.",
        "I am unable to see it clearly enough to describe it.",
        "Cannot be determined from the image.",
        "Unable to identify the object marked here.",
        "Object 4 is not visible in the image.",
        "The object labeled 7 is not visible.",
        "The dog is not visible in this image.",
        "It is not clearly visible.",
        "Not visible.",
        "Not visible in the image.",
        "There is no object 12 in the image.",
        "There is no visible dog.",
        "There does not appear to be a dog in the image.",
        "The object does not appear in the picture.",
        "The mark cannot be seen.",
        "N/A",
        "None.",
        "Unknown",
        "Same as above.",
        "description of the object",
        "No description available.",
        "We can't make out what this is.",
        "Unfortunately, this part is hidden.",
        "(not visible)",
    ],
    "leak": [
        "The bounding box contains a red car.",
        "The highlighted object is a person in blue.",
        "The marked object is a tree with green leaves.",
        "A person labeled with the number 3 at the center.",
        "A dog, marked with a bright numeric ID.",
        "The queried object is a cup.",
        "In the current frame, a man is running.",
        "A chair marked with a numeric ID, next to a table.",
        "The person is outlined with a yellow mark.",
        "A dog next to object 2.",
        "A wall behind objects 3 and 4.",
    ],
    "language": [
        "El perro está en la hierba y corre con una pelota.",
        "Der Hund läuft auf der Wiese und ist braun.",
        "Un homme avec une veste rouge dans la rue.",
        "Um homem com uma jaqueta e os sapatos.",
        "一个穿着红色夹克的男人。",
        "赤いジャケットを着た人。",
        "Человек в красной куртке.",
        "رجل يرتدي سترة حمراء.",
    ],
}


@pytest.mark.parametrize(
    ("kind", "text"), [(kind, text) for kind, texts in FAULTY.items() for text in texts]
)
def test_a_description_that_is_none(kind: str, text: str) -> None:
    assert kind_of_fault(text) == kind


GOOD = [
    "The house is white but details are not clear due to distance.",
    "A wall whose color and texture are not clearly distinguishable due to obstructions.",
    "The sky is clear, a sunny day without any visible clouds.",
    "A person stands with their back to the camera; their face is not visible.",
    "The person is facing away, so her face cannot be seen.",
    "A dog that is not moving, lying on the rug.",
    "There is a brown dog on the sofa.",
    "There is no snow on the roof of this small house, which is red.",
    "The sign reads 'NO PARKING' in red letters.",
    'A sign that says "la casa de los abuelos" in white letters.',
    "A plate of spaghetti alla carbonara with parsley.",
    "A jersey with the number 10 in white.",
    "An object that looks like a kite, with a long tail.",
    "The bottle is labeled with a brand name.",
    "The field is marked with white lines.",
    "None of the windows of this building is open.",
    "A café table by the façade, with a crème brûlée.",
    "No wind moves the sail, which is blue and white.",
    "The man is unable to hold the kite, which pulls him forward.",
    "A box marked with a red arrow.",
    "red",
    "Le Creuset pot, orange, with a lid.",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_good_description(text: str) -> None:
    assert kind_of_fault(text) is None


@settings(max_examples=400)
@given(
    st.lists(
        st.sampled_from(
            "the a dog man is are not visible can cannot can't cant find see sorry i'm unable to "
            "be seen there no none object image in clearly isn't don't as an ai n/a ??? unknown "
            "same above description of summary xxx never hardly it described . , red and "
            "wears".split()
        ),
        min_size=1,
        max_size=8,
    ).map(" ".join)
)
def test_the_quick_look_for_refusals_misses_none(text: str) -> None:
    assert (kind_of_fault(text) == "refusal") == declines(text)
