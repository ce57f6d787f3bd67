"""Traces of a drawing in captions: whose colour is named, which number counts, what is left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from annoengine.errors import InputError
from annoengine.fingerprint import sha256_hex
from annoengine.mark_traces.colour_words import (
    FAMILIES,
    FAMILY_OF,
    count_pixels,
    families_of,
    unlike_colours,
)
from annoengine.mark_traces.mending import without_word
from annoengine.mark_traces.redrawing import (
    MOST_MARKS,
    new_numbers,
    numbers_of,
    picture_name,
    redrawn_groups,
)
from annoengine.mark_traces.second_answer import repeats
from annoengine.mark_traces.spoken_colours import spoken_colours
from annoengine.mark_traces.spoken_numbers import NUMERALS, spoken_number
from annoengine.mark_traces.traces import Trace, find_traces, traced
from annoengine.mask import RecordFiles, keyed_rles, rle_from_mask
from annoengine.record import Caption, Category, Mark, MaskStore, Origin, Photo, Record, Segment
from annoengine.som.palette import PALETTE, ground_code, hex_of
from tests.answers.test_paper_captions import ROWS

ALL = set(FAMILIES)

OWNERS = [
    ("A yellow bus is parked on the road.", "bus", ["subject"]),
    ("A large vintage yellow bus.", "bus", ["subject"]),
    ("The car is yellow.", "car", ["subject"]),
    ("The wall behind the car is yellow.", "wall-other-merged", ["subject"]),
    ("It is bright cyan in color.", "car", ["subject"]),
    ("a red and white bus with a sign, parked on the road", "bus", ["subject"]),
    ("Two yellow and blue kites.", "kite", ["subject", "subject"]),
    ("A tower, painted red and white, beside a house.", "tower", ["subject"]),
    ("A saucer that is reddish brown.", "cup", ["subject"]),
    ("A wooden bench. A man sits on it. The bench is blue.", "bench", ["subject"]),
    ("The first tower from the left is mainly dark blue.", "tower", ["subject"]),
    ("A man wearing a black hat and a yellow shirt.", "person", ["part"]),
    ("A man in a blue shirt.", "person", ["part"]),
    ("A person in red holding a purple umbrella.", "person", ["part", "part"]),
    ("Its petals are pink and yellow.", "flower", ["part", "part"]),
    ("A cat with green eyes.", "cat", ["part"]),
    ("The saucer has a cyan rim.", "saucer", ["part"]),
    ("the person's jacket is blue and the pants are pink", "person", ["part", "part"]),
    ("A white baseball with red stitching.", "sports ball", ["part"]),
    ("A wooden bench. The bus is blue.", "bench", ["part"]),
    ("A bunch of yellow bananas.", "banana", ["part"]),
    ("A cup outlined in magenta.", "cup", ["mark"]),
    ("A cup with a magenta outline.", "cup", ["mark"]),
    ("A cup, highlighted in pink, on a saucer.", "cup", ["mark"]),
    ("A dog marked with a green number.", "dog", ["mark"]),
    ("A tree next to a yellow bus.", "tree-merged", ["other"]),
    ("The tree contrasts the yellow wall.", "tree-merged", ["other"]),
    ("Snowy mountains against the blue sky.", "mountain-merged", ["other"]),
    ("A cat on a pink blanket.", "cat", ["other"]),
    ("A dog with a yellow bus in the background.", "dog", ["other"]),
    ("A man in a green field.", "person", ["other"]),
    ("A rocket, lit from below by yellow lights.", "rocket", ["other"]),
    ("A dog, behind which a red car stands.", "dog", ["other"]),
    ("A woman facing the purple curtain.", "person", ["other"]),
    ("A player under green floodlights.", "person", ["other"]),
    ('A sign that reads "RED LION".', "stop sign", []),
    ("A slice of an orange on a plate.", "orange", []),
    ("A cup filled with orange jam.", "cup", []),
    ("A whole uncut orange beside another.", "orange", []),
    ("A rose in a vase.", "vase", []),
    ("A golden retriever and a peach.", "dog", ["subject"]),
    ("A bright orange scarf.", "scarf", ["subject"]),
]


@pytest.mark.parametrize(("text", "category", "owners"), OWNERS)
def test_whose_colour_it_is(text: str, category: str, owners: Sequence[str]) -> None:
    assert [spoken.owner for spoken in spoken_colours(text, category, ALL)] == owners


@given(st.sampled_from(sorted(FAMILY_OF)), st.sampled_from(OWNERS))
def test_a_spoken_colour_is_where_it_says(word: str, case: tuple[str, str, object]) -> None:
    text = f"{case[0]} A {word} colored thing."
    for spoken in spoken_colours(text, case[1], ALL):
        assert text[spoken.start : spoken.end].lower() == spoken.word
        assert FAMILY_OF[spoken.word] == spoken.family


TRACES = [
    ("A player with number 3 on the jersey.", 3, "person", True, "number 3"),
    ("A player with the number three on his back.", 3, "person", True, "the number three"),
    ("person 3 stands by the door", 3, "person", True, "3"),
    ("A dog [2] runs.", 2, "dog", True, "[2]"),
    ("A dog (2) runs.", 2, "dog", True, "(2)"),
    ("A man, #12, waves.", 12, "person", True, "#12"),
    ("A chair marked 5.", 5, "chair", True, "marked 5"),
    ("A chair labelled with the number 5.", 5, "chair", True, "labelled with the number 5"),
    ("A jersey that shows a 7.", 7, "person", True, "7"),
    ("Bus 12 to town.", 12, "bus", True, "12"),
    ("3. A dog on a lawn.", 3, "dog", True, "3"),
    ("Seven birds fly over the sea.", 7, "bird", True, "Seven"),
    ("There are two cats.", 2, "cat", True, "two"),
    ("5 people stand by a bus.", 5, "person", True, "5"),
    ("The number 8 is on its side.", 8, "boat", True, "The number 8"),
]
NO_TRACES = [
    ("A man behind three people.", 3, "person", True),
    ("One of the dogs.", 1, "dog", True),
    ("one person in red", 1, "person", True),
    ("A car with 4 doors.", 4, "car", True),
    ("A 4-door car.", 4, "car", True),
    ("A bus, number 12.", 2, "bus", True),
    ("A bus, number 12.", 1, "bus", True),
    ("The third man.", 3, "person", True),
    ("A clock at 3:15.", 3, "clock", True),
    ("A clock at 3:15.", 15, "clock", True),
    ("Seven birds fly over the sea.", 7, "sky-other-merged", False),
    ("Three trees on a hill.", 3, "tree-merged", False),
    ("The two-storey house.", 2, "house", False),
    ("A board, 3 m long.", 3, "board", True),
    ("It covers about 12 % of the image.", 12, "sky-other-merged", False),
    ("A 2 x 4 board.", 2, "board", True),
    ("1 of 3 towers.", 1, "tower", True),
    ("A sign from 1930.", 30, "stop sign", True),
    ("Highway A7 to the south.", 7, "road", False),
    ("A cup for 2.50 euros.", 2, "cup", True),
    ("A man with 2 skis and 2 poles.", 2, "person", True),
    ("The 5 tall windows of the house.", 5, "house", False),
    ("A person.", 4, "person", True),
]


@pytest.mark.parametrize(("text", "number", "category", "isthing", "word"), TRACES)
def test_a_number_that_counts_nothing(
    text: str, number: int, category: str, isthing: bool, word: str
) -> None:
    found = spoken_number(text, number, category, isthing)
    assert found is not None
    assert found.word == word == text[found.start : found.end]


@pytest.mark.parametrize(("text", "number", "category", "isthing"), NO_TRACES)
def test_a_number_that_counts_or_measures(
    text: str, number: int, category: str, isthing: bool
) -> None:
    assert spoken_number(text, number, category, isthing) is None


def test_the_printed_captions_tell_no_number_of_a_mark() -> None:
    """Pix2Cap-COCO numbers from 1, in the order of its tables (arXiv 2501.13893)."""
    for entries in ROWS.values():
        for number, entry in enumerate(entries, start=1):
            if entry is not None:
                assert spoken_number(entry[1], number, entry[0], True) is None, entry


CUTS = [
    ("A magenta cup on a saucer.", "magenta", "colour", "A cup on a saucer."),
    ("An orange cup.", "orange", "colour", "A cup."),
    ("A pink umbrella.", "pink", "colour", "An umbrella."),
    ("A bright yellow bus with a door.", "yellow", "colour", "A bus with a door."),
    ("A yellow and red bus.", "yellow", "colour", "A red bus."),
    ("A red and yellow bus.", "yellow", "colour", "A red bus."),
    ("A red, yellow and blue kite.", "yellow", "colour", "A red, blue kite."),
    ("Yellow buses in a row.", "Yellow", "colour", "Buses in a row."),
    ("A cup, highlighted in pink, on a saucer.", "pink", "colour", "A cup, on a saucer."),
    ("A cup with a magenta outline.", "magenta", "colour", "A cup."),
    ("A cup outlined in magenta on a saucer.", "magenta", "colour", "A cup."),
    ("A cup on a saucer. It is magenta.", "magenta", "colour", "A cup on a saucer."),
    ("A white and magenta cup.", "magenta", "colour", "A white cup."),
    ("The cup is white and magenta.", "magenta", "colour", "The cup is white."),
    ("It is pink.", "pink", "colour", None),
    ("person 3 stands by the door", "3", "number", "person stands by the door"),
    ("A dog [2] runs.", "[2]", "number", "A dog runs."),
    ("A man, number 3, waves.", "number 3", "number", "A man, waves."),
    ("A man with the number 3 on his back, waving.", "the number 3", "number", "A man, waving."),
    ("A red car. It bears the number 3.", "the number 3", "number", "A red car."),
    ("3. A dog on a lawn.", "3", "number", "A dog on a lawn."),
    ("Number 3.", "Number 3", "number", None),
]


@pytest.mark.parametrize(("text", "word", "kind", "left"), CUTS)
def test_what_is_left_of_a_caption(text: str, word: str, kind: str, left: str | None) -> None:
    start = text.index(word)
    assert without_word(text, start, start + len(word), kind) == left


@settings(max_examples=100)
@given(
    st.sampled_from(
        [
            "A {} cup stands on a table.",
            "A cup with a {} rim, on a table.",
            "A white cup. It is {} below.",
            "A {} and white cup, full of tea.",
        ]
    ),
    st.sampled_from(sorted(FAMILY_OF)),
)
def test_a_word_that_was_cut_is_gone(frame: str, word: str) -> None:
    text = frame.format(word)
    start = text.index(word)
    left = without_word(text, start, start + len(word), "colour")
    assert left is not None
    assert word not in left.split()
    assert "  " not in left
    assert left[0].isupper()
    assert left.endswith(".")


def test_every_colour_of_the_palette_has_names_and_others_that_are_unlike() -> None:
    colours = {hex_of(colour) for colour in PALETTE}
    for colour in colours:
        barred = unlike_colours(colour)
        assert colour in barred
        free = colours - set(barred)
        assert len(free) >= 4
        assert all(not families_of(colour) & families_of(other) for other in free)
        # Its own pixels bear it out by one of its names.
        pixel = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)]], dtype=np.uint8)
        assert any(count_pixels(ground_code(pixel), f)[0] for f in families_of(colour))


def test_a_shadowed_or_mixed_colour_is_near() -> None:
    brown, cream, grass = [150, 90, 65], [240, 226, 196], [86, 128, 60]
    pixels = ground_code(np.array([brown, cream, grass], dtype=np.uint8))
    assert count_pixels(pixels, "red") == (0, 1)
    assert count_pixels(pixels, "yellow") == (0, 1)
    assert count_pixels(pixels, "green") == (1, 0)
    assert count_pixels(pixels, "magenta") == (0, 0)


GREY, YELLOW, CREAM = (120, 120, 120), (250, 240, 20), (240, 226, 196)


class Picture:
    """A grey picture of 200 × 100 with a segment in it, 60 × 60 at (40, 20)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pixels = np.full((100, 200, 3), GREY, dtype=np.uint8)
        self.mask = np.zeros((100, 200), dtype=bool)
        self.mask[20:80, 40:100] = True

    def paint(self, x: int, y: int, w: int, h: int, colour: tuple[int, int, int] = YELLOW) -> None:
        self.pixels[y : y + h, x : x + w] = colour

    def traces(
        self, text: str, colour: str = "#ffff00", number: int = 4, boxed: bool = False
    ) -> tuple[Trace, ...]:
        path = self.folder / "a.png"
        Image.fromarray(self.pixels).save(path)
        rles = keyed_rles([rle_from_mask(self.mask)])
        record = record_of([(7, "car", text)], colour, number, boxed, sha256_hex(path.read_bytes()))
        return find_traces(RecordFiles(path, rles=rles), record.to_line())


def record_of(
    told: Sequence[tuple[int, str, str]],
    colour: str = "#ffff00",
    number: int = 4,
    boxed: bool = False,
    sha256: str = "0" * 64,
) -> Record:
    """Segments with a mark each, numbered from ``number``, and their captions."""
    origin = Origin(stage="annotate", model="m-1")
    return Record(
        id="toy/val/1",
        photo=Photo(file="a.png", width=200, height=100, sha256=sha256),
        masks=MaskStore(kind="rle", sha256="0" * 64),
        segments=tuple(
            Segment(
                id=id,
                category=Category(name=category),
                isthing=True,
                box_xyxy=(40, 20, 100, 80),
                area_px=3600,
                mask=None if boxed else 0,
            )
            for id, category, _ in told
        ),
        marks=tuple(
            Mark(
                number=place,
                segment=id,
                text=str(place),
                anchor_xy=(50, 50),
                label_box_xyxy=(45, 45, 55, 55),
                colour=colour,
                text_px=14,
            )
            for place, (id, _, _) in enumerate(told, start=number)
        ),
        captions=tuple(Caption(text=text, segment=id, origin=origin) for id, _, text in told),
    )


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    return Picture(tmp_path)


def test_a_colour_that_the_segment_does_not_have_is_a_trace(picture: Picture) -> None:
    (trace,) = picture.traces("A yellow car on a road.")
    assert (trace.kind, trace.segment, trace.word, trace.family) == (
        "colour",
        7,
        "yellow",
        "yellow",
    )
    assert (trace.start, trace.end, trace.caption, trace.share) == (2, 8, 0, 0.0)
    assert picture.traces("A yellow car on a road.", boxed=True) == (trace,)
    # Another colour, or the colour of another mark, is none of its business.
    assert picture.traces("A green car on a road.") == ()
    assert picture.traces("A yellow car on a road.", colour="#00e1ff") == ()


def test_pixels_of_the_segment_explain_a_word(picture: Picture) -> None:
    picture.paint(40, 20, 17, 1)  # 17 of 3,600 pixels: under a two-hundredth
    assert picture.traces("A car with a yellow badge.")
    picture.paint(40, 21, 1, 1)  # 18 are a two-hundredth
    assert picture.traces("A car with a yellow badge.") == ()
    # A whole car takes more: a fiftieth.
    picture.paint(40, 20, 59, 1)
    (trace,) = picture.traces("A yellow car on a road.")
    assert trace.share == round(60 / 3600, 5)
    picture.paint(40, 20, 60, 1)
    picture.paint(40, 21, 12, 1)
    assert picture.traces("A yellow car on a road.") == ()


def test_neighbouring_colours_explain_a_word_where_there_are_many(picture: Picture) -> None:
    picture.paint(40, 20, 60, 8, CREAM)  # 480 of 3,600: under 15 %
    assert picture.traces("A yellow car on a road.")
    picture.paint(40, 20, 60, 9, CREAM)  # 540: 15 %
    assert picture.traces("A yellow car on a road.") == ()


def test_what_lies_near_explains_parts_and_the_rim_explains_the_whole(picture: Picture) -> None:
    picture.paint(103, 40, 12, 20)  # beyond the rim of 3, within the reach of 12
    assert picture.traces("A yellow car on a road.")
    assert picture.traces("A car with a yellow flag.") == ()
    assert picture.traces("A car with a yellow outline.")
    picture.paint(100, 30, 3, 30)
    assert picture.traces("A yellow car on a road.") == ()


def test_colours_of_other_things_are_no_traces(picture: Picture) -> None:
    assert picture.traces("A car next to a yellow wall.") == ()
    assert picture.traces('A car with the words "YELLOW CAB".') == ()


def test_numbers_and_colours_come_in_order(picture: Picture) -> None:
    found = picture.traces("A yellow car with the number 4 on it. Its doors are yellow.")
    assert [(t.kind, t.word) for t in found] == [
        ("colour", "yellow"),
        ("number", "the number 4"),
        ("colour", "yellow"),
    ]
    assert traced(found, "colour") == traced(found, "number") == {7}
    assert traced((), "colour") == frozenset()


def test_without_a_suspicion_no_picture_is_opened(tmp_path: Path) -> None:
    files = RecordFiles(tmp_path / "is not there.png")
    assert (
        find_traces(files, record_of([(7, "car", "A red car by a yellow wall.")]).to_line()) == ()
    )
    (trace,) = find_traces(files, record_of([(7, "car", "A red car, number 4.")]).to_line())
    assert trace.kind == "number"
    with pytest.raises(InputError, match="is not there"):
        find_traces(files, record_of([(7, "car", "A yellow car.")]).to_line())


def test_a_photograph_of_another_size_is_refused(tmp_path: Path) -> None:
    Image.new("RGB", (10, 10)).save(tmp_path / "a.png")
    with pytest.raises(InputError) as error:
        find_traces(
            RecordFiles(tmp_path / "a.png"), record_of([(7, "car", "A yellow car.")]).to_line()
        )
    assert str(error.value) == ("a.png is 10 × 10 pixels, but the record toy/val/1 says 200 × 100")


def many(n: int) -> Record:
    return record_of([(100 + i, "car", "a car") for i in range(n)], number=1)


@given(st.integers(1, 60), st.integers(0, 9))
def test_new_numbers_are_no_numbers_of_before_and_no_two_the_same(n: int, seed: int) -> None:
    record = many(n)
    numbers = new_numbers(record, seed, "check_marks")
    assert set(numbers) == {mark.number for mark in record.marks}
    assert not set(numbers.values()) & set(numbers)
    assert sorted(numbers.values()) == list(range(n + 1, 2 * n + 1))
    assert numbers == new_numbers(record.but(captions=()), seed, "check_marks")


def test_new_numbers_come_by_the_seed() -> None:
    orders = {tuple(new_numbers(many(9), seed, "check_marks").values()) for seed in range(8)}
    assert len(orders) == 8
    assert new_numbers(many(0), 1, "check_marks") == {}


def test_many_suspicions_are_shared_among_pictures() -> None:
    record = many(45)
    groups = redrawn_groups(record, [segment.id for segment in record.segments[::-1]])
    assert [len(group) for group in groups] == [MOST_MARKS, MOST_MARKS, 5]
    assert [number for group in groups for number in group] == list(range(1, 46))
    assert redrawn_groups(record, []) == []


@given(st.lists(st.integers(1, 400), min_size=1, max_size=20, unique=True))
def test_the_name_of_a_picture_tells_its_marks(numbers: list[int]) -> None:
    assert numbers_of(f"coco_val_000.again-1.{picture_name(numbers)}.jpg") == tuple(numbers)


@pytest.mark.parametrize(
    ("said", "again"),
    [
        ("A cup with a magenta rim.", True),
        ("A fuchsia cup.", True),
        ("A cup beside a magenta box.", False),
        ("A red cup.", False),
    ],
)
def test_a_second_answer_repeats_a_colour(said: str, again: bool) -> None:
    trace = Trace("colour", 0, 7, "magenta", 2, 9, "magenta")
    assert repeats(said, trace, "cup") is again


@pytest.mark.parametrize("number", [3, 12])
def test_a_second_answer_repeats_a_number_in_digits_or_letters(number: int) -> None:
    word = NUMERALS[number]
    for trace in (
        Trace("number", 0, 7, f"number {number}", 0, 8),
        Trace("number", 0, 7, word.capitalize(), 0, 5),
    ):
        assert repeats(f"A shirt with {number} on it.", trace, "person")
        assert repeats(f"A shirt that says {word}.", trace, "person")
        assert not repeats(f"A shirt with {number}5 on it.", trace, "person")
        assert not repeats("A shirt.", trace, "person")
