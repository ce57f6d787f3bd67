"""All kinds of statements together, from text to verdict, on the example photographs."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.claims.caption_claim import Statement
from annoengine.claims.colour_evidence import PhotoColours
from annoengine.claims.testing import statements_of, statements_of_record
from annoengine.record import Caption, Origin
from tests.claims.hand_made import PHOTOGRAPHS, files_of, parse, photographs

LOOKED_AT = Path(__file__).with_name("looked_at.tsv")
FLAG, SHUTTLE, PERSON, HELMET = 7547307, 15440729, 5446613, 11358009
ROUND_BADGE, SMALL_BADGE = 16205681, 16537179
TOWERS = (2314903, 2646401, 2977960, 3293842)


def found(photo: str, own: int | None, text: str) -> list[Statement]:
    record, where = photographs()[photo]
    colours = PhotoColours(files_of(record), record)
    (statements,) = statements_of(where, [(parse(text), own)], colours)
    return statements


TRUE = [
    (
        "astronaut",
        FLAG,
        "An American flag stands to the left of the astronaut, partially cut off by "
        "the left edge, with stars at the top and stripes below.",
    ),
    (
        "astronaut",
        SHUTTLE,
        "A model of the space shuttle stands on a dark table in the upper right "
        "corner, behind the woman.",
    ),
    (
        "astronaut",
        PERSON,
        "The astronaut, the only person in the image, is positioned slightly left "
        "of center and takes up a large part of the frame.",
    ),
    (
        "astronaut",
        PERSON,
        "The woman has two badges on her chest, a round one on the left and a "
        "smaller one on the right.",
    ),
    (
        "astronaut",
        ROUND_BADGE,
        "A round mission patch on the person's chest, to the left of the "
        "smaller rectangular badge.",
    ),
    (
        "astronaut",
        SMALL_BADGE,
        "The badge is small, above the helmet and to the right of the larger round badge.",
    ),
    (
        "astronaut",
        HELMET,
        "The helmet has a bright reflection on the left and is cut off at the bottom.",
    ),
    (
        "coffee",
        4019031,
        "The cup stands on the saucer in the center of the image, with a spoon to "
        "its right and its handle on the left.",
    ),
    ("coffee", 4482049, "The spoon is not on the table but on the saucer."),
    ("coffee", 3110604, "The saucer, larger than the cup, lies under the cup and the spoon."),
    (
        "flower",
        5023487,
        "A second, smaller flower peeks in from the bottom of the frame, to the left of the bud.",
    ),
    (
        "rocket",
        TOWERS[0],
        "The tower is the leftmost of four lattice towers, reaching beyond the top of the frame.",
    ),
    (
        "rocket",
        TOWERS[1],
        "One of four lattice towers, it stands between the leftmost tower and the rocket.",
    ),
    (
        "rocket",
        TOWERS[3],
        "The rightmost tower is as tall as the one on the left and taller than the "
        "two in the middle.",
    ),
    (
        "rocket",
        11001071,
        "The rocket stands next to the service structure, in the middle of the four towers.",
    ),
    (
        "china",
        883430,
        "The finial sits on top of the roof, near the top of the image, against the sky.",
    ),
    ("china", 11993368, "Several small boats float on the lake."),
]


@pytest.mark.parametrize(("photo", "own", "text"), TRUE)
def test_nothing_true_is_called_false(photo: str, own: int, text: str) -> None:
    statements = found(photo, own, text)
    assert [one for one in statements if one.truth == "contradicted"] == []


def test_some_of_what_is_true_is_supported() -> None:
    told = [one for photo, own, text in TRUE for one in found(photo, own, text)]
    supported = [one for one in told if one.truth == "supported"]
    assert len(supported) >= len(TRUE)


@pytest.mark.parametrize(
    ("photo", "own", "text", "false"),
    [
        ("astronaut", FLAG, "The flag hangs to the right of the astronaut.", ["relation"]),
        (
            "astronaut",
            FLAG,
            "The flag is in the upper right corner, next to the space shuttle model.",
            ["position", "relation"],
        ),
        ("astronaut", PERSON, "The person is one of three people in the image.", ["count"]),
        ("astronaut", HELMET, "A helmet resting on the flag.", ["relation"]),
        ("astronaut", ROUND_BADGE, "The badge is the smaller of the two.", ["size"]),
        (
            "astronaut",
            ROUND_BADGE,
            "The rightmost badge is attached to the flag.",
            ["ordinal", "contact"],
        ),
        (
            "coffee",
            4482049,
            "The spoon fills most of the image and lies to the left of the cup.",
            ["size", "relation"],
        ),
        ("rocket", TOWERS[1], "The tower is the third tower from the left.", ["ordinal"]),
        (
            "rocket",
            TOWERS[2],
            "One of three lattice towers, located at the left edge.",
            ["count", "position"],
        ),
        ("china", 883430, "The finial is at the bottom of the building.", ["relation"]),
    ],
)
def test_what_is_false_is_called_so(photo: str, own: int, text: str, false: list[str]) -> None:
    statements = found(photo, own, text)
    assert [one.kind for one in statements if one.truth == "contradicted"] == false


def test_a_wrong_colour_is_among_them() -> None:
    statements = found("astronaut", PERSON, "The person on the far right wears a green suit.")
    assert {one.kind for one in statements if one.truth == "contradicted"} == {"colour", "position"}


def test_statements_come_in_the_order_of_the_text() -> None:
    text = "The tower is the second from the left, to the right of the rocket, in the center."
    statements = found("rocket", TOWERS[2], text)
    places = [(one.start, one.end) for one in statements]
    assert places == sorted(places)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert len(set(statements)) == len(statements)


def test_a_caption_of_the_whole_image() -> None:
    statements = found("rocket", None, "Four lattice towers stand around a rocket in the middle.")
    assert [one.truth for one in statements if one.kind == "count"] == ["supported"]
    assert [one for one in statements if one.truth == "contradicted"] == []


def test_a_record_gives_a_list_for_each_caption() -> None:
    record, _ = photographs()["astronaut"]
    origin = Origin(stage="annotate", model="m-1")
    texts = [(FLAG, "The flag is on the right side of the image."), (PERSON, "A person smiles.")]
    captions = tuple(Caption(text=text, segment=id, origin=origin) for id, text in texts)
    told = record.but(captions=captions)
    first, second = statements_of_record(files_of(record), told.to_line())
    assert [(one.kind, one.truth) for one in first] == [("position", "contradicted")]
    assert second == []
    assert statements_of_record(files_of(record), record.to_line()) == []


def looked_at(holds: str) -> list[tuple[str, int | None, str]]:
    """Sentences about the photographs that were judged by looking at them.

    Those that do not hold have at least one statement of place, order, size, number, relation or
    contact that is false; colours were not judged.
    """
    with LOOKED_AT.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["holds"] == holds]
    return [(r["photo"], int(r["segment"]) if r["segment"] else None, r["caption"]) for r in rows]


def test_of_what_was_seen_to_hold_nothing_is_contradicted() -> None:
    wrong = [
        (caption, one.says, one.evidence)
        for photo, own, caption in looked_at("true")
        for one in found(photo, own, caption)
        if one.truth == "contradicted" and one.kind != "colour"
    ]
    assert len(looked_at("true")) > 100
    assert wrong == []


def test_of_what_was_seen_to_be_false_nine_in_ten_are_contradicted() -> None:
    captions = looked_at("false")
    missed = [
        caption
        for photo, own, caption in captions
        if not any(one.truth == "contradicted" for one in found(photo, own, caption))
    ]
    assert len(captions) > 150
    assert len(missed) <= len(captions) // 10, missed


def test_the_photographs_are_there() -> None:
    assert sorted(photographs()) == sorted(p.stem for p in (PHOTOGRAPHS / "images").glob("*.jpg"))


_WORDS = (
    "the a left right top bottom corner of image tower towers rocket lights one two three second "
    "largest smaller than only from to on in under between and is are not holding cut off by edge "
    "its it they middle most half fills stands next behind , . - 's there other all"
).split()


@given(st.lists(st.sampled_from(_WORDS), max_size=14), st.sampled_from([None, *TOWERS, 11001071]))
@settings(max_examples=150)
def test_any_words_at_all_are_read(words: list[str], own: int | None) -> None:
    text = " ".join(words)
    for one in found("rocket", own, text):
        assert 0 <= one.start < one.end <= len(text)
        assert one.evidence
        assert "  " not in one.says
