"""Names for segments: unique where the picture allows it, and true of what was measured."""

from __future__ import annotations

import pytest

from annoengine.baseline.region_facts import Scene
from annoengine.rewriting.referring import Names, Phrase
from tests.rewriting.small_records import Thing, make_record, scene_of


def cup(x: float, y: float = 40, size: float = 6) -> Thing:
    """A cup with its upper left corner there."""
    return ("cup", (x, y, x + size, y + size))


def names_of(*things: Thing, contacts: dict[tuple[int, int], int] | None = None) -> Names:
    """The names of a picture of 100 by 100 pixels."""
    record = make_record(things, ())
    return Names(record, scene_of(record, contacts))


def told(names: Names, *numbers: int) -> list[str]:
    """What each is called in a caption about something else."""
    return [names.one(100 + number).text for number in numbers]


def test_the_only_one_the_other_one_and_plurals() -> None:
    names = names_of(cup(10), cup(80), ("bus", (30, 0, 60, 30)), ("tree-merged", (0, 0, 90, 9)))
    assert names.one(103, 101) == Phrase("the bus")
    assert names.one(104, 101) == Phrase("the trees", True)
    assert names.one(102, 101) == Phrase("the other cup")
    assert names.one(102, 101, opens=True) == Phrase("the cup on the right")
    assert names.one(101, 101) == Phrase("the cup")
    assert names.one(104, possessive=True).text == "the trees'"


def test_sides_are_told_only_where_the_centre_is_there() -> None:
    assert told(names_of(cup(10), cup(80)), 1, 2) == ["the cup on the left", "the cup on the right"]
    # Both in the right half: the left one is not on the left.
    assert told(names_of(cup(55), cup(80)), 1, 2) == ["the leftmost cup", "the cup on the right"]
    assert told(names_of(cup(40, 5), cup(40, 80)), 1, 2) == [
        "the cup at the top",
        "the cup at the bottom",
    ]


def test_rows_are_counted_to_the_third() -> None:
    assert told(names_of(cup(5), cup(47), cup(88)), 1, 2, 3) == [
        "the leftmost cup",
        "the cup in the middle",
        "the rightmost cup",
    ]
    row = names_of(*(cup(5 + 9 * place) for place in range(9)))
    assert told(row, 1, 2, 3, 5, 7, 8, 9) == [
        "the leftmost cup",
        "the second cup from the left",
        "the third cup from the left",
        "one of the cups",
        "the third cup from the right",
        "the second cup from the right",
        "the rightmost cup",
    ]
    assert row.one(105, 101).text == "one of the other cups"
    assert row.one(105, 101, possessive=True).text == "another cup's"


def test_a_neighbour_of_its_own_tells_it_apart() -> None:
    things = (cup(5), cup(20), cup(35), cup(80), ("laptop", (20, 46, 34, 60)))
    names = names_of(*things, contacts={(2, 5): 9})
    assert told(names, 2) == ["the cup next to the laptop"]
    assert names.one(102, possessive=True).text == "the second cup's"
    both = names_of(*things, contacts={(2, 5): 9, (3, 5): 9})
    assert told(both, 2) == ["the second cup from the left"]


def test_the_captions_own_noun_is_kept() -> None:
    row = [("person", (5.0 + 20 * n, 30.0, 15.0 + 20 * n, 90.0)) for n in range(5)]
    names = names_of(*row)
    assert names.one(101, noun="man").text == "the man on the left"
    # Second among all people need not be second among women.
    assert names.one(102, noun="woman").text == "the woman second from the left"
    assert names.one(102, noun="dog").text == "the second person from the left"
    assert names.several([101, 102], noun="women").text == "two of the women"


@pytest.mark.parametrize(
    ("speaker", "numbers", "text"),
    [
        (None, (1, 2, 3), "the three cups"),
        (None, (1, 2), "two of the cups"),
        (1, (2, 3), "the other two cups"),
        (1, (1, 2, 3), "the three cups"),
        (1, (1, 3), "the cup and the rightmost cup"),
        (4, (1, 2, 3), "the three cups"),
        (4, (2, 4), "the cup in the middle and the bus"),
        (1, (4, 5), "the bus and the grass"),
    ],
)
def test_several_at_once(speaker: int | None, numbers: tuple[int, ...], text: str) -> None:
    names = names_of(
        cup(5),
        cup(47),
        cup(88),
        ("bus", (30, 0, 60, 30)),
        ("grass-merged", (0, 60, 100, 100)),
    )
    speaker = None if speaker is None else 100 + speaker
    assert names.several([100 + n for n in numbers], speaker) == Phrase(text, True)


def test_segments_that_nobody_named() -> None:
    names = names_of(("region", (0, 0, 10, 10)), ("object", (50, 50, 60, 60)))
    assert told(names, 1, 2) == ["the area", "the object"]


def test_a_scene_is_measured_only_to_tell_segments_of_one_name_apart() -> None:
    record = make_record(
        (("dog", (0, 0, 20, 20)), *(("cup", (x, 50, x + 5, 60)) for x in (5, 40, 80))), ()
    )
    asked = []

    def measure() -> Scene:
        asked.append(1)
        return scene_of(record)

    names = Names(record, measure)
    assert names.one(101, 102).text == "the dog"
    assert names.several([102, 103, 104]).text == "the three cups"
    assert not asked
    assert names.one(102, 101).text == names.one(102, 101).text == "the leftmost cup"
    assert len(asked) == 1
