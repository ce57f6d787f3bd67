"""How marks are shared among drawings: what must always hold, and small cases worked by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.mark_groups import Markable, split_marks

NAMES = ("person", "car", "dog", "cup", "sky", "tree")


def marks_of(
    categories: Sequence[str], places: Sequence[tuple[float, float]] = ()
) -> list[Markable]:
    """Marks from 1; in a row where no places are given."""
    return [
        Markable(n, category, places[n - 1] if places else (10.0 * n, 0.0))
        for n, category in enumerate(categories, start=1)
    ]


@st.composite
def scenes(draw: st.DrawFn) -> list[Markable]:
    """Up to 70 marks of a few categories, anywhere; some in the very same place."""
    categories = draw(st.lists(st.sampled_from(NAMES), max_size=70))
    coordinate = st.one_of(st.integers(0, 640), st.floats(0, 640), st.just(7))
    places = draw(
        st.lists(
            st.tuples(coordinate, coordinate),
            min_size=len(categories),
            max_size=len(categories),
        )
    )
    return marks_of(categories, places)


@given(scenes(), st.integers(1, 25))
@settings(max_examples=100, deadline=None)
def test_what_holds_for_every_image(marks: list[Markable], most: int) -> None:
    groups = split_marks(marks, most)
    numbers = [number for group in groups for number in group]
    assert sorted(numbers) == [mark.number for mark in marks], "each mark exactly once"
    assert all(0 < len(group) <= most for group in groups)
    assert all(list(group) == sorted(group) for group in groups)
    assert groups == sorted(groups), "drawings are ordered by their lowest number"
    category = {mark.number: mark.category for mark in marks}
    drawings_of: dict[str, set[int]] = {}
    for index, group in enumerate(groups):
        for number in group:
            drawings_of.setdefault(category[number], set()).add(index)
    for name, size in Counter(category.values()).items():
        # Whole where it fits, and in no more pieces than it needs.
        assert len(drawings_of[name]) == -(-size // most)
    shuffled = random.Random(3).sample(marks, len(marks))
    assert split_marks(shuffled, most) == groups, "the order of the list means nothing"


@given(scenes())
@settings(max_examples=50, deadline=None)
def test_few_marks_or_no_limit_give_one_drawing(marks: list[Markable]) -> None:
    one = [tuple(mark.number for mark in marks)] if marks else []
    assert split_marks(marks, None) == one
    assert split_marks(marks, max(1, len(marks))) == one


@given(st.integers(1, 130), st.integers(2, 25), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_marks_without_known_categories_are_shared_evenly(
    count: int, most: int, draw: random.Random
) -> None:
    places = [(draw.uniform(0, 640), draw.uniform(0, 480)) for _ in range(count)]
    groups = split_marks(marks_of(["region"] * count, places), most)
    assert len(groups) == -(-count // most)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_no_drawing_is_left_with_a_single_mark() -> None:
    # Twenty and one would do, but so do these.
    sizes = [len(group) for group in split_marks(marks_of(["car"] * 21), 20)]
    assert sorted(sizes) == [10, 11]
    mixed = ["car"] * 9 + ["dog"] * 7 + ["cup"] * 5
    assert [len(group) for group in split_marks(marks_of(mixed), 20)] == [9, 12]
    different = [f"tag {n}" for n in range(41)]
    groups = split_marks(marks_of(different), 20)
    assert len(groups) == 3
    assert min(len(group) for group in groups) >= 10, "three quarters of a third of 41"


def test_a_category_is_cut_unevenly_where_that_saves_a_drawing() -> None:
    # 11 + 10 cars leave no room for the 19 dogs in two drawings; 20 cars and one do.
    groups = split_marks(marks_of(["car"] * 21 + ["dog"] * 19), 20)
    assert [len(group) for group in groups] == [20, 20]


def test_blocks_that_only_fit_when_packed_tightly_are() -> None:
    # 6, 4 and 5, 3, 2. The emptier drawing first would give 6, 3 and 5, 4, and no room for the 2.
    sizes = {"a": 6, "b": 5, "c": 4, "d": 3, "e": 2}
    categories = [name for name, size in sizes.items() for _ in range(size)]
    groups = split_marks(marks_of(categories), 10)
    shown = [sorted({categories[number - 1] for number in group}) for group in groups]
    assert shown == [["a", "c"], ["b", "d", "e"]]


def test_neighbours_are_shown_together_among_equals() -> None:
    # Two clusters: 1 to 10 on the left, 11 to 20 on the right, each tag once.
    places = [(20.0 * n if n <= 10 else 5_000 + 20.0 * n, 0.0) for n in range(1, 21)]
    groups = split_marks(marks_of([f"tag {n}" for n in range(20)], places), 10)
    assert groups == [tuple(range(1, 11)), tuple(range(11, 21))]


def test_a_large_category_is_cut_into_neighbourhoods() -> None:
    # Eight people on the four corners of a wide picture.
    corners = [(0.0, 0.0), (900.0, 0.0), (0.0, 300.0), (900.0, 300.0)]
    places = [*corners, *((x + 5, y + 5) for x, y in corners)]
    assert split_marks(marks_of(["person"] * 8, places), 4) == [(1, 3, 5, 7), (2, 4, 6, 8)]
    assert split_marks(marks_of(["person"] * 8, places), 2) == [(1, 5), (2, 6), (3, 7), (4, 8)]


def test_hundreds_of_tags_are_shared_in_bounded_work() -> None:
    draw = random.Random(5)
    places = [(draw.uniform(0, 640), draw.uniform(0, 480)) for _ in range(600)]
    marks = marks_of([f"tag {n}" for n in range(600)], places)
    groups = split_marks(marks, 20)
    assert len(groups) == 30
    assert groups == split_marks(marks, 20)
