"""How images of two sides are paired, and what is summed of each."""

from __future__ import annotations

import numpy as np
import pytest

from annoengine.comparing.bootstrap import Ratio
from annoengine.comparing.columns import Columns, join
from annoengine.comparing.sides import NAMES, Image, name_key

Names = tuple[str, str, str, str]


def columns(*rows: tuple[Names, float]) -> Columns:
    found = Columns()
    for names, value in rows:
        found.add(names, {"words": (value, 2.0)})
    return found


def of(side: Columns, measure: str, joined_places: object, images: int) -> list[list[float]]:
    ratio = side.ratio(measure, joined_places, images)  # type: ignore[arg-type]
    return [ratio.tops.tolist(), ratio.bottoms.tolist()]


def test_pieces_of_an_image_are_added_up_and_strangers_left_out() -> None:
    first = columns(
        (("coco/val/1", "aa", "1", "1"), 3),
        (("coco/val/2", "bb", "2", "2"), 5),
        (("x", "", "x", "x"), 9),
    )
    second = columns((("coco/val/2", "bb", "2", "2"), 7), (("coco/val/2", "bb", "2", "2"), 1))
    joined = join(first, second)
    assert (joined.by, joined.images, joined.alone) == ("id", 1, (2, 0))
    assert of(first, "words", joined.places[0], 1) == [[5], [2]]
    assert of(second, "words", joined.places[1], 1) == [[8], [4]]
    nothing = of(second, "adverbs", joined.places[1], 1)
    assert nothing == [[0], [0]]
    assert Ratio(np.array([0.0]), np.array([0.0])).value is None


@pytest.mark.parametrize(
    ("first", "second", "by"),
    [
        (("a/val/1", "aa", "p1", "1"), ("b/all/9", "aa", "p1", "9"), "photograph"),
        (("a/val/1", "aa", "p1", "1"), ("p1.png", "", "p1", "p1"), "file name"),
        (("a/val/7", "aa", "p1", "7"), ("000007", "", "7", "7"), "image number"),
        (("a/val/7", "aa", "p1", "7"), ("q", "", "q", "q"), NAMES[0]),
    ],
)
def test_sides_are_paired_by_the_name_that_most_images_share(
    first: Names, second: Names, by: str
) -> None:
    joined = join(columns((first, 1)), columns((second, 1)))
    assert joined.by == by
    assert joined.images == (second[0] != "q")


def test_a_name_is_without_folders_ending_and_zeros() -> None:
    assert [
        name_key(name) for name in ("a/b/000000000007.jpg", "7", "0", "x.y.tiff", "v1.0beta")
    ] == [
        *("7", "7", "0", "x.y", "v1.0beta"),
    ]
    assert Image(("a", "", "a", "a"), {}, "", {}).sums == {}
