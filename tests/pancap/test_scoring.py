"""PancapScore worked by hand in all five dimensions, as the paper has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given

from annoengine.pancap.content import (
    Attribute,
    BoxUnit,
    Content,
    Entity,
    GlobalState,
    Location,
    Relation,
)
from annoengine.pancap.judging import Answer, parse_answers
from annoengine.pancap.matching import match_instances
from annoengine.pancap.questions import (
    Question,
    items_of,
    map_questions,
    plain_question,
)
from annoengine.pancap.scoring import DIMENSIONS, MeanScore, PairScore, score_pair
from annoengine.pancap.similarity import TagSimilarity
from tests.pancap.test_content_lines import contents

Judge = Callable[[Question], Answer]

YES = Answer(True, False)
SAYS_YES = Answer(True, True)
SAYS_NO = Answer(False, False)
WRONG = Answer(False, True)


def agree(question: Question) -> Answer:
    """A judge who finds everything."""
    return YES


def say_no(question: Question) -> Answer:
    """A judge who says No to everything."""
    return SAYS_NO


def score(
    reference: Content, prediction: Content, judge: Judge = agree, back: Judge | None = None
) -> PairScore:
    """The score, ``judge`` asked about the reference's items and ``back`` the prediction's."""
    match = match_instances(reference, prediction, TagSimilarity())
    there = map_questions(map(plain_question, items_of(reference)), match.to_prediction)
    here = map_questions(map(plain_question, items_of(prediction)), match.to_reference)
    return score_pair(
        reference,
        prediction,
        match,
        {question.item.id: judge(question) for question in there},
        {question.item.id: (back or judge)(question) for question in here},
    )


def tags(*names: str) -> tuple[Entity, ...]:
    return tuple(Entity(id, name) for id, name in enumerate(names, start=1))


def said(*of: int) -> tuple[Attribute, ...]:
    return tuple(Attribute(id, f"entity {id} has trait {n}") for n, id in enumerate(of))


def held(*pairs: tuple[int, int]) -> tuple[Relation, ...]:
    return tuple(Relation(a, b, f"entity {a} meets entity {b}") for a, b in pairs)


LEFT = (0.0, 0.0, 0.5, 1.0)
FULL = Content(
    tags("boat", "sea"),
    (Location(1, (0.1, 0.2, 0.5, 0.9)), Location(2, (0, 0.5, 1, 1))),
    said(1, 2),
    held((1, 2)),
    (GlobalState("the mood is calm"),),
)


def has_area(box: BoxUnit) -> bool:
    """An empty box overlaps nothing, not even itself."""
    return box[0] < box[2] and box[1] < box[3]


def test_perfect_captions_score_4_1() -> None:
    # 1 + 1 + 1 + 1 + 0.1 · 1
    assert score(FULL, FULL).overall == pytest.approx(4.1)
    assert all(score(FULL, FULL).dimensions[name].f1 == 1 for name in DIMENSIONS)


@given(contents().filter(lambda content: all(has_area(at.box) for at in content.locations)))
def test_a_caption_agrees_with_itself_whatever_it_says(content: Content) -> None:
    assert score(content, content).overall == pytest.approx(4.1)


OTHER = Content(
    tags("cow", "meadow", "sky"),
    (Location(1, (0.1, 0.2, 0.5, 0.9)), Location(3, (0, 0, 1, 0.5))),
    said(1),
    held((1, 2)),
    (GlobalState("the mood is tense"),),
)


def test_disjoint_captions_score_0() -> None:
    # No tag matches: 0 + 0; no attribute or relation is asked: 0 + 0; the global states are asked
    # and No, No is not right: 0.
    assert score(FULL, OTHER, say_no).overall == 0
    # With a judge who finds everything, the global states alone: 0.1 · 1
    assert score(FULL, OTHER, agree).overall == pytest.approx(0.1)


Case = tuple[Content, Content, Judge, Judge, str, float]


def c(
    entities: tuple[Entity, ...] = (),
    locations: tuple[Location, ...] = (),
    attributes: tuple[Attribute, ...] = (),
    relations: tuple[Relation, ...] = (),
    globals: tuple[str, ...] = (),
) -> Content:
    return Content(entities, locations, attributes, relations, tuple(map(GlobalState, globals)))


def only(*ids: int) -> Judge:
    """A judge who finds the items with these places in their dimension alone."""
    return lambda question: YES if question.item.place in ids else WRONG


A_BOX = Location(1, LEFT)

CASES: dict[str, Case] = {
    # tag: P = matches / predicted, R = matches / reference, F = 2PR / (P + R)
    "one of two found": (c(tags("a", "b")), c(tags("a")), agree, agree, "tag", 2 / 3),
    # P 1/1, R 1/2: 2 · 0.5 / 1.5
    "one too many": (c(tags("a")), c(tags("a", "b")), agree, agree, "tag", 2 / 3),
    "two of three and one wrong": (
        # P 2/3, R 2/3
        c(tags("a", "b", "c")),
        c(tags("a", "b", "d")),
        agree,
        agree,
        "tag",
        2 / 3,
    ),
    "three of the same, one said": (
        # P 1/1, R 1/3: 2 · (1/3) / (4/3)
        c(tags("a", "a", "a")),
        c(tags("a")),
        agree,
        agree,
        "tag",
        0.5,
    ),
    "nothing predicted": (c(tags("a")), c(), agree, agree, "tag", 0),
    "nothing to find": (c(), c(tags("a")), agree, agree, "tag", 0),
    # location: over the entities that have a box
    "half the box": (
        # IoU 0.5/1 = 0.5 ≥ δl: P 1/1, R 1/1
        c(tags("a"), (Location(1, (0, 0, 1, 1)),)),
        c(tags("a"), (A_BOX,)),
        agree,
        agree,
        "location",
        1,
    ),
    "less than half the box": (
        # IoU 0.4/1 = 0.4 < δl
        c(tags("a"), (Location(1, (0, 0, 1, 1)),)),
        c(tags("a"), (Location(1, (0, 0, 0.4, 1)),)),
        agree,
        agree,
        "location",
        0,
    ),
    "the right box on the wrong thing": (
        c(tags("a"), (A_BOX,)),
        c(tags("b"), (A_BOX,)),
        agree,
        agree,
        "location",
        0,
    ),
    "one of two boxes given": (
        # both tags match; of 2 boxed in the reference 1 is found, of 1 boxed predicted 1 is right:
        # P 1, R 1/2
        c(tags("a", "b"), (A_BOX, Location(2, LEFT))),
        c(tags("a", "b"), (A_BOX,)),
        agree,
        agree,
        "location",
        2 / 3,
    ),
    "parts without boxes do not count": (
        c(tags("a", "b"), (A_BOX,)),
        c(tags("a", "b"), (A_BOX,)),
        agree,
        agree,
        "location",
        1,
    ),
    "two boxes of one entity count once": (
        c(tags("a"), (A_BOX,)),
        c(tags("a"), (A_BOX, Location(1, (0.5, 0, 1, 1)))),
        agree,
        agree,
        "location",
        1,
    ),
    "boxes on one side alone": (c(tags("a"), (A_BOX,)), c(tags("a")), agree, agree, "location", 0),
    # attribute: R = items of the reference right / all of them, P the same of the prediction
    "one of two attributes found, the other invented": (
        # R 1/2, P 1/2
        c(tags("a"), (), said(1, 1)),
        c(tags("a"), (), said(1, 1)),
        only(0),
        only(0),
        "attribute",
        0.5,
    ),
    "all attributes found, half of the predicted are right": (
        # R 1/1, P 1/2: 2 · 0.5 / 1.5
        c(tags("a"), (), said(1)),
        c(tags("a"), (), said(1, 1)),
        agree,
        only(0),
        "attribute",
        2 / 3,
    ),
    "an attribute of an unmatched instance is wrong": (
        # R: a's of a and b, 1/2. P: a's, 1/1
        c(tags("a", "b"), (), said(1, 2)),
        c(tags("a"), (), said(1)),
        agree,
        agree,
        "attribute",
        2 / 3,
    ),
    "an attribute of an invented instance is wrong": (
        # R 1/1, P: of a right, of x and y not asked: 1/3; 2 · (1/3) / (4/3)
        c(tags("a"), (), said(1)),
        c(tags("a", "x", "y"), (), said(1, 2, 3)),
        agree,
        agree,
        "attribute",
        0.5,
    ),
    "yes to both is not right": (
        c(tags("a"), (), said(1)),
        c(tags("a"), (), said(1)),
        lambda question: SAYS_YES,
        lambda question: SAYS_YES,
        "attribute",
        0,
    ),
    "no to both is not right": (
        c(tags("a"), (), said(1)),
        c(tags("a"), (), said(1)),
        say_no,
        say_no,
        "attribute",
        0,
    ),
    "found, but what is predicted is not confirmed": (
        # R 1, P 0
        c(tags("a"), (), said(1)),
        c(tags("a"), (), said(1)),
        agree,
        say_no,
        "attribute",
        0,
    ),
    # relation
    "a relation with one unmatched instance is wrong": (
        # R: (1,2) is right, (1,3) is not asked: 1/2. P 1/1
        c(tags("a", "b", "c"), (), (), held((1, 2), (1, 3))),
        c(tags("a", "b"), (), (), held((1, 2))),
        agree,
        agree,
        "relation",
        2 / 3,
    ),
    "three relations of four, and two of three": (
        # R 3/4, P 2/3: 2 · 0.5 / (17/12) = 12/17
        c(tags("a", "b"), (), (), held((1, 2), (2, 1), (1, 1), (2, 2))),
        c(tags("a", "b"), (), (), held((1, 2), (2, 1), (1, 1))),
        only(0, 1, 2),
        only(0, 1),
        "relation",
        12 / 17,
    ),
    "relations that the prediction does not have": (
        # R 0 (none is found), P 0/0 = 0
        c(tags("a", "b"), (), (), held((1, 2))),
        c(tags("a", "b")),
        only(),
        agree,
        "relation",
        0,
    ),
    # global: asked whether instances match or not
    "one of two global states": (
        # R 1/2, P 1/1
        c(globals=("calm", "bright")),
        c(globals=("calm",)),
        only(0),
        agree,
        "global",
        2 / 3,
    ),
    "global states of captions that share no instance": (
        c(tags("a"), globals=("calm",)),
        c(tags("b"), globals=("calm",)),
        agree,
        agree,
        "global",
        1,
    ),
    "a dimension that neither speaks of is agreement": (
        c(tags("a")),
        c(tags("a")),
        say_no,
        say_no,
        "relation",
        1,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_by_hand(name: str) -> None:
    reference, prediction, judge, back, dimension, expected = CASES[name]
    found = score(reference, prediction, judge, back)
    assert {d: s.f1 for d, s in found.dimensions.items()}[dimension] == pytest.approx(expected)  # type: ignore[index]


def test_a_whole_pair_by_hand() -> None:
    reference = Content(
        tags("man", "horse", "tree"),
        (Location(1, (0, 0, 0.4, 1)), Location(2, (0.4, 0, 1, 1)), Location(3, (0, 0, 0.2, 0.2))),
        (Attribute(1, "entity 1 is tall"), Attribute(2, "entity 2 is brown")),
        (Relation(1, 2, "entity 1 is left of entity 2"), Relation(3, 1, "entity 3 hides entity 1")),
        (GlobalState("it is noon"),),
    )
    prediction = Content(
        tags("horses", "man"),
        (Location(1, (0.4, 0, 1, 0.9)), Location(2, (0.2, 0, 0.4, 0.8))),
        (Attribute(1, "entity 1 is black"), Attribute(2, "entity 2 is tall")),
        (Relation(2, 1, "entity 2 is left of entity 1"),),
        (GlobalState("it is night"), GlobalState("the light is harsh")),
    )
    found = score(
        reference,
        prediction,
        # of the reference: tall yes, brown no, left of yes; noon no
        lambda q: YES if q.item.text.endswith(("tall", "left of entity 2")) else WRONG,
        # of the prediction: black no, tall yes, left of yes; night no, harsh yes
        lambda q: YES if q.item.text.endswith(("tall", "entity 1", "harsh")) else WRONG,
    )
    f1 = {name: found.dimensions[name].f1 for name in DIMENSIONS}
    # tag: 2 matches; P 2/2, R 2/3: 2 · (2/3) / (5/3) = 4/5
    assert f1["tag"] == pytest.approx(0.8)
    # boxes: horse 0.6·0.9 / 0.6 = 0.9 is right; man 0.2·0.8 / 0.4 = 0.4 is not: P 1/2, R 1/3
    assert f1["location"] == pytest.approx(0.4)
    # attribute: R 1/2, P 1/2
    assert f1["attribute"] == pytest.approx(0.5)
    # relation: R 1/2 (the tree's is not asked), P 1/1
    assert f1["relation"] == pytest.approx(2 / 3)
    # global: R 0/1, P 1/2
    assert f1["global"] == 0
    assert found.overall == pytest.approx(0.8 + 0.4 + 0.5 + 2 / 3 + 0.1 * 0)
    # without location, as captions are compared for consistency (section 4.1)
    assert found.total([d for d in DIMENSIONS if d != "location"]) == pytest.approx(
        0.8 + 0.5 + 2 / 3
    )


def test_empty_captions_have_a_score() -> None:
    assert score(Content(), Content()).overall == 0
    assert score(FULL, Content()).overall == 0
    assert score(Content(), FULL).overall == 0
    # No entities, but the same global state: the four that neither speaks of, and 0.1 · 1
    alone = c(globals=("calm",))
    assert score(alone, alone).overall == pytest.approx(4.1)


def test_a_judge_who_answers_nonsense_gives_a_score_and_counted_failures() -> None:
    match = match_instances(FULL, FULL, TagSimilarity())
    asked = map_questions(map(plain_question, items_of(FULL)), match.to_prediction)
    parsed = parse_answers("As an AI I have no opinion on boats.", asked)
    found = score_pair(FULL, FULL, match, parsed.answers, parsed.answers, parsed.failures * 2)
    # tag 1, location 1, and 2 + 1 + 1 items of each side without an answer
    assert (found.overall, found.failures) == (2, 8)


def test_thousands_of_entities_have_a_score() -> None:
    names = [f"kind {n % 30}" for n in range(1500)]
    many = c(tags(*names), attributes=said(*range(1, 1501)))
    fewer = c(tags(*names[:750]), attributes=said(*range(1, 751)))
    found = score(many, fewer)
    # tag and attribute: P 1, R 1/2, so 2/3 each; location, relation and global are not spoken of
    assert found.overall == pytest.approx(2 / 3 + 1 + 2 / 3 + 1 + 0.1)


def test_the_mean_is_over_pairs() -> None:
    mean = MeanScore()
    assert mean.overall == 0
    one, other = score(FULL, FULL), score(FULL, OTHER, say_no)
    mean.add(one)
    mean.add(PairScore(other.dimensions, failures=3))
    # (4.1 + 0) / 2
    assert mean.overall == pytest.approx(2.05)
    assert mean.dimensions["tag"].precision == 0.5
    assert (mean.pairs, mean.failures) == (2, 3)
