"""Similarity A1 worked by hand, and the assignment against every assignment there is."""

from __future__ import annotations

import itertools
import math
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.language.wordnet import WordNet
from annoengine.pancap.content import BoxUnit, Content, Entity, Location
from annoengine.pancap.matching import Pair, assign, best_ious, box_ious, match_instances
from annoengine.pancap.similarity import TagSimilarity, tags_of


class Pairs:
    """A dictionary that knows the pairs of synonyms that it is told."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        self.pairs = {frozenset(pair) for pair in pairs}
        self.asked = 0

    def are_synonyms(self, one: str, other: str, word_class: Literal["noun"]) -> bool:
        self.asked += 1
        return frozenset((one, other)) in self.pairs


VECTORS = {
    "car": np.array([1, 0, 0], dtype=np.float32),
    "auto": np.array([3, 4, 0], dtype=np.float32),
    "tree": np.array([0, 0, 2], dtype=np.float32),
    "not a car": np.array([-1, 0, 0], dtype=np.float32),
    "": np.zeros(3, dtype=np.float32),
}


def test_similarity_is_a_ladder_of_same_words_synonyms_and_cosine() -> None:
    similarity = TagSimilarity(Pairs(("car", "auto")), VECTORS)
    # 10² · 1 + 10 · 1 + 1: the same words are their own synonyms, and as near as can be.
    assert similarity.of("car", "car") == 111
    # 10² · 0 + 10 · 1 + (1·3 + 0·4)/(1·5) = 10 + 0.6
    assert similarity.of("car", "auto") == pytest.approx(10.6)
    # 0 + 0 + 0, at right angles
    assert similarity.of("car", "tree") == 0
    # the opposite direction lowers it
    assert similarity.of("tree", "not a car") == 0
    # "not a car" has the head "car": 10 · 1 − 1
    assert similarity.of("car", "not a car") == 9
    # a vector of length 0 is near to nothing
    assert similarity.of("", "car") == 0


def test_without_vectors_or_dictionary_the_terms_are_left_out() -> None:
    assert TagSimilarity().of("car", "Car") == 110
    assert TagSimilarity().of("traffic_light", "Traffic light") == 110
    assert TagSimilarity().of("car", "cars") == 10
    assert TagSimilarity().of("red car", "car") == 10
    assert TagSimilarity().of("man with car", "car") == 0
    assert TagSimilarity().of("car", "auto") == 0
    assert TagSimilarity(vectors=VECTORS).of("car", "auto") == pytest.approx(0.6)


def test_a_tag_without_a_vector_is_told() -> None:
    with pytest.raises(ValueError, match=r"the tag 'dog' has no vector; embed all of tags_of"):
        TagSimilarity(vectors=VECTORS).of("car", "dog")


def test_a_pair_of_tags_is_looked_up_once_both_ways() -> None:
    words = Pairs(("car", "auto"))
    similarity = TagSimilarity(words)
    tags = ["car", "tree", "car", "auto"]
    first = similarity.matrix(tags, ["auto", "auto", "car"])
    assert first.tolist() == [[10, 10, 110], [0, 0, 0], [10, 10, 110], [110, 110, 10]]
    asked = words.asked
    assert similarity.matrix(["auto", "car", "tree"], ["car", "tree"]).shape == (3, 2)
    # tree with car and auto was asked already; only what is new (auto-tree as tree-auto) is known
    assert words.asked == asked


@pytest.mark.usefixtures("_wordnet_there")
@pytest.mark.parametrize(
    ("one", "other", "synonymous"),
    [
        ("sofa", "couch", True),
        ("motorcycles", "bike", True),
        ("red automobile", "car", True),
        ("television", "TV", True),
        ("dog", "cat", False),
        ("green leaf", "green car", False),
        ("brick wall", "wall clock", False),
    ],
)
def test_wordnet_says_which_tags_share_synonymous_nouns(
    one: str, other: str, synonymous: bool
) -> None:
    assert TagSimilarity(WordNet("auto")).are_synonymous(one, other) is synonymous


def scene(*entities: tuple[str, BoxUnit | None]) -> Content:
    """A content of tags with at most one box."""
    return Content(
        tuple(Entity(id, tag) for id, (tag, _) in enumerate(entities, start=1)),
        tuple(Location(id, box) for id, (_, box) in enumerate(entities, start=1) if box),
    )


LEFT: BoxUnit = (0, 0, 0.5, 1)
RIGHT: BoxUnit = (0.5, 0, 1, 1)
ALL: BoxUnit = (0, 0, 1, 1)


def test_equal_tags_are_told_apart_by_their_boxes() -> None:
    match = match_instances(
        scene(("man", LEFT), ("man", RIGHT)), scene(("man", RIGHT), ("man", LEFT)), TagSimilarity()
    )
    # 10·110 + 1 for each crossed pair, 10·110 + 0 for each straight one
    assert match.pairs == (Pair(1, 2, 110, 1), Pair(2, 1, 110, 1))
    assert match.to_prediction == {1: 2, 2: 1}
    assert match.located() == 2


def test_a_tag_weighs_more_than_any_box() -> None:
    match = match_instances(
        scene(("man", LEFT), ("tree", RIGHT)),
        scene(("tree", LEFT), ("man", RIGHT)),
        TagSimilarity(),
    )
    # straight: 0 + 1 twice = 2; crossed: 10·110 + 0 twice = 2200
    assert match.to_prediction == {1: 2, 2: 1}
    assert match.located() == 0


def test_an_assigned_pair_below_the_threshold_is_no_match() -> None:
    vectors = {"car": np.array([1.0, 0]), "van": np.array([0.5, math.sqrt(0.75)])}
    similarity = TagSimilarity(vectors=vectors)
    reference, prediction = scene(("car", ALL)), scene(("van", ALL))
    # cos = 0.5: at the threshold it is one
    assert len(match_instances(reference, prediction, similarity, 0.49999).pairs) == 1
    assert match_instances(reference, prediction, similarity, 0.50001).pairs == ()
    # the same box alone makes no match
    assert match_instances(reference, prediction, TagSimilarity()).pairs == ()


def test_the_best_of_several_boxes_counts() -> None:
    several = Content((Entity(1, "tree"),), (Location(1, LEFT), Location(1, RIGHT)))
    match = match_instances(scene(("tree", RIGHT)), several, TagSimilarity())
    # IoU of RIGHT with LEFT 0, with RIGHT 1; with ALL it would be 0.5
    assert match.pairs == (Pair(1, 1, 110, 1),)
    assert best_ious(several, scene(("tree", ALL), ("sky", None))).tolist() == [[0.5, -1]]


def test_an_instance_without_a_box_has_no_overlap() -> None:
    match = match_instances(scene(("sky", None)), scene(("sky", ALL)), TagSimilarity())
    assert match.pairs == (Pair(1, 1, 110, None),)
    assert match.located() == 0


def test_ious_by_hand() -> None:
    boxes: list[BoxUnit] = [(0, 0, 0.4, 0.5), (0.1, 0.1, 0.1, 0.1)]
    others: list[BoxUnit] = [(0.2, 0, 0.6, 0.5), (0.1, 0.1, 0.1, 0.1)]
    # 0.2·0.5 = 0.1 shared; 0.2 + 0.2 − 0.1 = 0.3 in all. An empty box overlaps nothing.
    assert box_ious(boxes, others)[0].tolist() == pytest.approx([1 / 3, 0])
    assert box_ious(boxes, others)[1].tolist() == [0, 0]


def test_ties_go_to_like_order() -> None:
    for rows, columns in ((4, 4), (3, 6), (6, 3), (40, 40)):
        first, second = assign(np.full((rows, columns), 7.0))
        if rows == columns:
            assert second.tolist() == list(range(columns))
        assert second.tolist() == sorted(second.tolist())
        assert first.tolist() == sorted(first.tolist())
    three = scene(*[("man", None)] * 3)
    assert match_instances(three, three, TagSimilarity()).to_prediction == {1: 1, 2: 2, 3: 3}


def brute_force(weights: np.ndarray) -> float:
    """The largest sum of any one-to-one assignment, by trying all."""
    if weights.shape[0] > weights.shape[1]:
        weights = weights.T
    rows, columns = weights.shape
    return max(
        sum(float(weights[row, column]) for row, column in enumerate(chosen))
        for chosen in itertools.permutations(range(columns), rows)
    )


TAGS = ("car", "auto", "tree", "red car", "cars")
SHARES = st.integers(0, 4).map(lambda n: n / 4)


@st.composite
def scenes(draw: st.DrawFn) -> Content:
    entities = []
    for _ in range(draw(st.integers(1, 5))):
        box = None
        if draw(st.booleans()):
            x, y = draw(SHARES), draw(SHARES)
            box = (x / 2, y / 2, x / 2 + 0.5, y / 2 + 0.5)
        entities.append((draw(st.sampled_from(TAGS)), box))
    return scene(*entities)


@given(scenes(), scenes())
def test_the_assignment_is_as_good_as_the_best_of_all(one: Content, other: Content) -> None:
    similarity = TagSimilarity(Pairs(("car", "auto")))
    s = similarity.matrix([e.tag for e in one.entities], [e.tag for e in other.entities])
    weights = 10 * s + np.maximum(best_ious(one, other), 0)
    rows, columns = assign(weights)
    assert float(weights[rows, columns].sum()) == pytest.approx(brute_force(weights), abs=1e-6)
    match = match_instances(one, other, similarity)
    # What the match leaves out of the assignment is below the threshold: it has no similarity.
    kept = sum(10 * pair.similarity for pair in match.pairs)
    assert kept == pytest.approx(float((10 * s)[rows, columns].sum()))
    for pair in match.pairs:
        best = max(
            (
                box_ious([a], [b])[0, 0]
                for a in one.boxes_of(pair.reference)
                for b in other.boxes_of(pair.prediction)
            ),
            default=None,
        )
        assert pair.iou == (None if best is None else pytest.approx(best))


@given(scenes(), scenes())
def test_matching_the_other_way_round_matches_as_many(one: Content, other: Content) -> None:
    there = match_instances(one, other, TagSimilarity())
    back = match_instances(other, one, TagSimilarity())
    assert len(there.pairs) == len(back.pairs)


def test_no_entities_match_nothing() -> None:
    assert match_instances(Content(), scene(("a", ALL)), TagSimilarity()).pairs == ()
    assert match_instances(scene(("a", ALL)), Content(), TagSimilarity()).pairs == ()
    assert tags_of(Content(), scene(("a", None), ("b", None), ("a", None))) == ["a", "b"]


def test_thousands_of_entities_are_matched() -> None:
    count = 2000
    boxes = [((n % 50) / 50, (n // 50) / 40) for n in range(count)]
    entities = [(f"thing {n % 20}", (x, y, x + 0.02, y + 0.025)) for n, (x, y) in enumerate(boxes)]
    many = scene(*entities)
    match = match_instances(many, many, TagSimilarity())
    assert match.to_prediction == {n: n for n in range(1, count + 1)}
