"""What noun phrases and pronouns of captions speak of, on scenes that name categories only."""

from __future__ import annotations

import pytest

from annoengine.baseline.region_facts import RegionFacts, Scene
from annoengine.claims.caption_claim import Mention
from annoengine.claims.mentions import mentions_of
from annoengine.language.parser import parser_of

STUFF = ("tree-merged", "grass-merged", "table-merged", "sky-other-merged", "wall-brick")


def scene(*categories: str) -> Scene:
    """Segments 1, 2, … side by side, each touching the next; "#" marks a crowd."""
    return Scene(
        (1000, 100),
        tuple(
            RegionFacts(
                id=i,
                category=name.rstrip("#"),
                isthing=name not in STUFF,
                iscrowd=name.endswith("#"),
                box_xyxy=(i * 10, 0, i * 10 + 10, 50),
                area_px=500,
                centre_xy=(i * 10 + 5, 25),
            )
            for i, name in enumerate(categories, start=1)
        ),
    )


def told(text: str, own: int | None, *categories: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Who each phrase of a caption is about, by its words."""
    parsed = parser_of().parse(text)
    found = mentions_of(parsed, scene(*categories), own)
    return {parsed.span(m.first, m.past): (m.who, m.segments) for m in found}


CASES: list[tuple[str, int | None, tuple[str, ...], dict[str, tuple[str, tuple[int, ...]]]]] = [
    (
        "A giraffe with a white belly stands next to another giraffe.",
        1,
        ("giraffe", "giraffe", "tree-merged"),
        {
            "A giraffe": ("self", (1,)),
            "a white belly": ("part", (1,)),
            "another giraffe": ("segment", (2,)),
        },
    ),
    (
        "A giraffe stands next to another giraffe.",
        1,
        ("giraffe", "giraffe", "giraffe"),
        {"another giraffe": ("several", (2, 3))},
    ),
    (
        "The man in a red shirt is holding his left foot next to a red car.",
        1,
        ("person", "car"),
        {
            "The man": ("self", (1,)),
            "a red shirt": ("part", (1,)),
            "his left foot": ("part", (1,)),
            "a red car": ("segment", (2,)),
        },
    ),
    (
        "The man in a red shirt stands next to a red car.",
        1,
        ("person", "car", "car"),
        {"a red car": ("several", (2, 3))},
    ),
    (
        "The cat's face is orange, with green eyes.",
        1,
        ("cat", "blanket"),
        {"The cat's face": ("part", (1,)), "green eyes": ("part", (1,))},
    ),
    (
        "The cat's fur is brown and its eyes are yellow.",
        1,
        ("cat",),
        {"The cat's fur": ("part", (1,)), "its eyes": ("part", (1,))},
    ),
    (
        "This is a black and white cat. Its eyes are green. The animal rests on a pink blanket.",
        2,
        ("blanket", "cat"),
        {
            "This": ("self", (2,)),
            "a black and white cat": ("self", (2,)),
            "Its eyes": ("part", (2,)),
            "The animal": ("self", (2,)),
            "a pink blanket": ("segment", (1,)),
        },
    ),
    (
        "The object is red. It is located to the left of the car.",
        1,
        ("bus", "car"),
        {
            "The object": ("self", (1,)),
            "It": ("self", (1,)),
            "the left": ("nobody", ()),
            "the car": ("segment", (2,)),
        },
    ),
    (
        "The neck of the giraffe is long, and the giraffe's tail is short.",
        1,
        ("giraffe", "giraffe"),
        {"The neck": ("part", (1,)), "the giraffe's tail": ("part", (1,))},
    ),
    (
        "A striped shirt is worn by the man.",
        1,
        ("person",),
        {"A striped shirt": ("part", (1,)), "the man": ("self", (1,))},
    ),
    (
        "The person is wearing a blue cap and boots and holding a red umbrella.",
        1,
        ("person",),
        {
            "a blue cap": ("part", (1,)),
            "boots": ("part", (1,)),
            "a red umbrella": ("nobody", ()),
        },
    ),
    (
        "A man holds a cup. It is red. He smiles.",
        1,
        ("person", "cup"),
        {"a cup": ("segment", (2,)), "It": ("segment", (2,)), "He": ("self", (1,))},
    ),
    (
        "The person is holding a tennis racket, ready to swing. The racket is black.",
        2,
        ("person", "tennis racket"),
        {
            "The person": ("segment", (1,)),
            "a tennis racket": ("self", (2,)),
            "The racket": ("self", (2,)),
        },
    ),
    (
        "The car is parked next to a bus with black wheels.",
        1,
        ("car", "bus"),
        {"black wheels": ("part", (1, 2))},
    ),
    (
        "The woman stands beside a table with brown hair.",
        1,
        ("person", "table-merged"),
        {"brown hair": ("part", (1,))},
    ),
    (
        "The man, wearing a black hat, rides a brown horse with a white mane.",
        1,
        ("person", "horse"),
        {"a black hat": ("part", (1,)), "a brown horse": ("segment", (2,))},
    ),
    (
        "The cup holds dark coffee. The saucer under it is white.",
        1,
        ("cup", "food-other-merged", "saucer"),
        {"The saucer": ("segment", (3,)), "it": ("self", (1,))},
    ),
    (
        "The image shows a group of giraffes. Some trees stand behind them.",
        None,
        ("giraffe", "giraffe", "tree-merged"),
        {
            "The image": ("nobody", ()),
            "giraffes": ("several", (1, 2)),
            "Some trees": ("segment", (3,)),
            "them": ("several", (1, 2)),
        },
    ),
    (
        "The left tower is grey. The tower to the right of the rocket is also grey.",
        2,
        ("rocket", "lattice tower", "lattice tower"),
        {"The left tower": ("self", (2,)), "The tower": ("several", (2, 3))},
    ),
    (
        "A giraffe looks left. The other giraffe is behind it. The giraffe has a long neck.",
        1,
        ("giraffe", "giraffe"),
        {"The other giraffe": ("segment", (2,)), "it": ("self", (1,))},
    ),
    (
        "The roof of the building is golden, and its edges curl. It has a finial on top.",
        2,
        ("building-other-merged", "roof", "finial"),
        {
            "The roof": ("self", (2,)),
            "the building": ("segment", (1,)),
            "its edges": ("part", (2,)),
            "a finial": ("segment", (3,)),
        },
    ),
    (
        "The petals are pink with a yellow center.",
        1,
        ("flower head", "tree-merged"),
        {"The petals": ("part", (1,)), "a yellow center": ("part", (1,))},
    ),
    (
        "The model is white. It has black wings.",
        1,
        ("space shuttle model", "person"),
        {"It": ("self", (1,)), "black wings": ("part", (1,))},
    ),
    (
        "The dahlia is the smaller of the two flower heads.",
        1,
        ("flower head", "flower head", "tree-merged"),
        {"The dahlia": ("self", (1,)), "the two flower heads": ("several", (1, 2))},
    ),
    (
        "The bloom is touching the other flower head.",
        1,
        ("flower head", "flower head"),
        {"The bloom": ("self", (1,)), "the other flower head": ("segment", (2,))},
    ),
    (
        "The bloom's centre is bright green.",
        1,
        ("flower head", "tree-merged"),
        {"The bloom's centre": ("part", (1,))},
    ),
    (
        "This emblem is the only badge on the suit.",
        1,
        ("badge", "badge", "person"),
        {"This emblem": ("self", (1,)), "the only badge": ("self", (1,))},
    ),
    (
        "A starry lamp, the rightmost of the floodlights.",
        2,
        ("floodlight", "floodlight"),
        {"A starry lamp": ("self", (2,)), "the floodlights": ("several", (1, 2))},
    ),
    (
        "A round patch that is smaller than the name badge. The patch is purple.",
        1,
        ("badge", "badge"),
        {
            "A round patch": ("self", (1,)),
            "the name badge": ("segment", (2,)),
            "The patch": ("self", (1,)),
        },
    ),
    (
        "A circular patch of yellow cloth.",
        1,
        ("badge", "person"),
        {"A circular patch": ("self", (1,)), "yellow cloth": ("part", (1,))},
    ),
    (
        "A red line is painted along its side.",
        1,
        ("bus", "road"),
        {"A red line": ("part", (1,)), "its side": ("part", (1,))},
    ),
    (
        "A red line is sewn along the badge.",
        1,
        ("badge", "person"),
        {"A red line": ("nobody", ()), "the badge": ("self", (1,))},
    ),
    (
        "A collar with a bell hangs around its neck.",
        1,
        ("cat",),
        {"A collar": ("part", (1,)), "its neck": ("part", (1,))},
    ),
    (
        "A woman walks over the bridge.",
        1,
        ("badge", "tree-merged"),
        {"A woman": ("nobody", ())},
    ),
    (
        "The plate is wider than the cup.",
        1,
        ("saucer", "cup", "food-other-merged"),
        {"The plate": ("several", (1, 3)), "the cup": ("segment", (2,))},
    ),
    (
        "Trees covered in blue blossom, seen from above.",
        1,
        ("tree-merged", "grass-merged"),
        {"Trees": ("self", (1,)), "blue blossom": ("part", (1,))},
    ),
    (
        "The image shows a woman, dressed in a white lab coat.",
        1,
        ("person", "wall-brick"),
        {"a woman": ("self", (1,)), "a white lab coat": ("part", (1,))},
    ),
    (
        "This close-up features a cat. Its eyes are red.",
        1,
        ("cat", "blanket"),
        {"a cat": ("self", (1,)), "Its eyes": ("part", (1,))},
    ),
    (
        "Near the car, upwards. It is white.",
        1,
        ("rocket", "car"),
        {"the car": ("segment", (2,)), "It": ("several", (2, 1))},
    ),
    (
        "The roof of the pavilion is orange.",
        3,
        ("building-other-merged", "roof", "tree-merged"),
        {"The roof": ("segment", (2,))},
    ),
    (
        "The bottom left corner holds a flag.",
        1,
        ("flag", "wall-brick"),
        {"The bottom left corner": ("nobody", ()), "a flag": ("self", (1,))},
    ),
    (
        "A bright green tree next to a house.",
        1,
        ("region", "region"),
        {"A bright green tree": ("self", (1,)), "a house": ("nobody", ())},
    ),
]


@pytest.mark.parametrize(("text", "own", "categories", "expected"), CASES)
def test_phrases_speak_of(
    text: str,
    own: int | None,
    categories: tuple[str, ...],
    expected: dict[str, tuple[str, tuple[int, ...]]],
) -> None:
    found = told(text, own, *categories)
    assert {phrase: found.get(phrase) for phrase in expected} == expected


# Printed in Pix2Cap-COCO (arXiv 2501.13893), figures and tables of examples.
PRINTED: list[tuple[str, str, dict[str, tuple[str, tuple[int, ...]]]]] = [
    (
        "This cow is larger, with a white body adorned with large black spots. It's standing "
        "upright and appears healthy and well-fed.",
        "cow",
        {"This cow": ("self", (1,)), "large black spots": ("part", (1,)), "It": ("self", (1,))},
    ),
    (
        "a section of brick wall is visible to the left, with a reddish-brown color and rough "
        "texture.",
        "wall-brick",
        {"a section": ("self", (1,)), "a reddish-brown color": ("part", (1,))},
    ),
    (
        "a person is wearing a blue jacket, black pants, sunglasses, and a beanie. they are "
        "holding onto ski poles.",
        "person",
        {
            "a blue jacket": ("part", (1,)),
            "black pants": ("part", (1,)),
            "a beanie": ("part", (1,)),
            "they": ("self", (1,)),
        },
    ),
]


@pytest.mark.parametrize(("text", "category", "expected"), PRINTED)
def test_phrases_of_printed_captions(
    text: str, category: str, expected: dict[str, tuple[str, tuple[int, ...]]]
) -> None:
    found = told(text, 1, category)
    assert {phrase: found.get(phrase) for phrase in expected} == expected


def test_plural_and_crowd_are_told() -> None:
    parsed = parser_of().parse("Two people stand behind the dog.")
    found = mentions_of(parsed, scene("dog", "person", "person#"), 1)
    assert found == (
        Mention(0, 2, 1, "several", (2, 3), plural=True, crowd=True),
        Mention(4, 6, 5, "self", (1,)),
    )


def test_each_base_noun_phrase_has_one_mention_in_order() -> None:
    parsed = parser_of().parse("A man, whose hat is black, gives his dog a ball that it likes.")
    found = mentions_of(parsed, scene("person", "dog", "sports ball"), 1)
    assert [(m.first, m.past, m.root) for m in found] == [
        (chunk.first, chunk.past, chunk.root) for chunk in parsed.chunks
    ]


def test_an_unknown_segment_is_an_error() -> None:
    with pytest.raises(KeyError):
        mentions_of(parser_of().parse("A dog."), scene("dog"), 7)


def test_empty_and_wordless_captions_have_no_mention() -> None:
    for text in ("", "   ", "...", "42"):
        assert all(m.who == "nobody" for m in mentions_of(parser_of().parse(text), scene("dog"), 1))
