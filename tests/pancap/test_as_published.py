"""PancapScore as the authors' code computes it, each difference worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from annoengine.pancap.as_published import (
    DIFFERENCES,
    MENDED,
    answers_in_order,
    match_as_published,
    published_content,
    read_answers,
    score_as_published,
    synonym_share,
)
from annoengine.pancap.content import Attribute, Content, GlobalState, Location, Relation
from annoengine.pancap.judging import Answer
from annoengine.pancap.matching import match_instances
from annoengine.pancap.questions import items_of, map_questions, plain_question
from annoengine.pancap.scoring import DIMENSIONS, PairScore
from annoengine.pancap.similarity import TagSimilarity
from tests.pancap.test_scoring import FULL, OTHER, Judge, agree, c, held, said, say_no, tags
from tests.pancap.test_similarity_and_matching import Pairs

SYNONYMS = {
    "car": {"car", "auto", "automobile"},
    "auto": {"car", "auto", "automobile"},
    "van": {"van", "auto"},
    "red": {"red", "redness"},
}


def synonyms(word: str) -> set[str]:
    return SYNONYMS.get(word, set())


def score(
    reference: Content,
    prediction: Content,
    judge: Judge = agree,
    back: Judge | None = None,
    ask_unmatched: bool = False,
) -> PairScore:
    """The score as published; ``ask_unmatched`` asks about instances without a match as well."""
    reference, prediction = published_content(reference), published_content(prediction)
    match = match_as_published(reference, prediction, synonyms)
    answers = []
    for content, ids, who in (
        (reference, match.to_prediction, judge),
        (prediction, match.to_reference, back or judge),
    ):
        names = {e.id: e.tag for e in content.entities} if ask_unmatched else None
        asked = map_questions(map(plain_question, items_of(content)), ids, names)
        answers.append(answers_in_order(items_of(content), {q.item.id: who(q) for q in asked}))
    return score_as_published(reference, prediction, match, answers[0], answers[1])


def f1(score: PairScore) -> list[float]:
    return [score.dimensions[name].f1 for name in DIMENSIONS]


def test_perfect_captions_score_4_1() -> None:
    assert score(FULL, FULL).overall == pytest.approx(4.1)


def test_a_judge_who_says_no_gives_disjoint_captions_1_05_if_everything_is_asked() -> None:
    found = score(FULL, OTHER, say_no, ask_unmatched=True)
    # No tag matches, so 0 and 0. Every item is answered (No, No): the first is wrong, the second
    # right, half a point each. Attributes: R (0.5 + 0.5)/2 = 0.5, P 0.5/1 = 0.5, F 0.5. Relations:
    # R 0.5/1, P 0.5/1, F 0.5. Global: the same, F 0.5.
    assert f1(found) == [0, 0, 0.5, 0.5, 0.5]
    # 0 + 0 + 0.5 + 0.5 + 0.1 · 0.5
    assert found.overall == pytest.approx(1.05)


def test_as_their_code_asks_it_is_0_05() -> None:
    found = score(FULL, OTHER, say_no)
    # Their code puts a question only if all its instances are matched. None is, so that attributes
    # have R 0/2 and no answers, F 0, and relations R 0/1, F 0. Global states need no instance:
    # (No, No) gives 0.5 of 1 on either side, F 0.5.
    assert f1(found) == [0, 0, 0, 0, 0.5]
    # 0.1 · 0.5
    assert found.overall == pytest.approx(0.05)


def test_half_a_point_for_each_answer() -> None:
    one = c(tags("a"), (), said(1))
    for answer, expected in (
        (Answer(True, False), 1.0),
        (Answer(True, True), 0.5),
        (Answer(False, False), 0.5),
        (Answer(False, True), 0.0),
        (Answer(None, False), 0.5),
    ):
        assert f1(score(one, one, lambda q, a=answer: a))[2] == expected  # type: ignore[misc]


def test_precision_is_over_the_answers_and_recall_over_the_items() -> None:
    reference = c(tags("a", "b"), (), said(1, 2))
    prediction = c(tags("a", "x"), (), said(1, 2))
    found = score(reference, prediction).dimensions["attribute"]
    # Of each side, the attribute of a is asked and right, the other is not asked.
    # R 1/2; P 1/1 by the answers, where the paper has 1/2.
    assert (found.recall, found.precision) == (0.5, 1.0)
    assert found.f1 == pytest.approx(2 / 3)


def test_a_dimension_that_the_reference_does_not_speak_of_is_0() -> None:
    alone = c(tags("a"))
    # tag 1; no box, no attribute, no relation, no global
    assert f1(score(alone, alone)) == [1, 0, 0, 0, 0]
    assert score(Content(), Content()).overall == 0
    assert score(Content(), FULL).overall == 0
    assert score(FULL, Content()).overall == 0


def test_answers_are_counted_by_order_and_one_more_than_items_counts() -> None:
    one = c(tags("a"), (), said(1))
    match = match_as_published(one, one, synonyms)
    yes = Answer(True, False)
    many = {"attribute": [yes, yes, yes], "relation": [yes], "global": []}
    found = score_as_published(one, one, match, many, many).dimensions["attribute"]  # type: ignore[arg-type]
    # R (1 + 1)/1 = 2, the third is not taken in; P (1 + 1)/3
    assert found.recall == 2
    assert found.precision == pytest.approx(2 / 3)
    # 2 · 2 · (2/3) / (8/3) = 1
    assert found.f1 == pytest.approx(1)


def test_a_location_is_the_last_that_was_said() -> None:
    left, right = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0)
    twice = c(tags("a"), (Location(1, left), Location(1, right)))
    assert published_content(twice).locations == (Location(1, right),)
    assert f1(score(c(tags("a"), (Location(1, left),)), twice))[1] == 0
    assert f1(score(c(tags("a"), (Location(1, right),)), twice))[1] == 1


def test_items_that_do_not_name_their_entity_are_dropped() -> None:
    content = Content(
        tags("a", "b"),
        (),
        (
            Attribute(1, "entity_1 is red"),
            Attribute(1, "it is red"),
            Attribute(1, "entity 12 is red"),
        ),
        (
            Relation(1, 2, "entity 1 is near it"),
            Relation(1, 2, "it is near entity 2"),
        ),
        (GlobalState("a_b"),),
    )
    kept = published_content(content)
    assert [a.text for a in kept.attributes] == ["entity 1 is red", "entity 12 is red"]
    assert [r.text for r in kept.relations] == ["entity 1 is near it"]
    assert kept.globals == (GlobalState("a b"),)


def test_synonyms_are_shared_over_all_words() -> None:
    # {car, auto, automobile} and {van, auto}: 1 of 4
    assert synonym_share("car", "van", synonyms) == pytest.approx(0.25)
    # {red, redness, car, auto, automobile} and {van, auto}: 1 of 6
    assert synonym_share("red car", "van", synonyms) == pytest.approx(1 / 6)
    assert synonym_share("car", "auto", synonyms) == pytest.approx(1)
    assert synonym_share("car", "scarf", synonyms) == 1
    assert synonym_share("tree", "van", synonyms) == 0


def saving(one: str, other: str, cosine: float) -> float | None:
    """What matching two tags of this cosine saves; None where they do not go together."""
    vectors = {
        one: np.array([1.0, 0], dtype=np.float32),
        other: np.array([cosine, (1 - cosine**2) ** 0.5], dtype=np.float32),
    }
    match = match_as_published(c(tags(one)), c(tags(other)), synonyms, vectors)
    return match.pairs[0].similarity if match.pairs else None


def test_costs_are_a_ladder() -> None:
    assert saving("car", "car", 1) == 1000
    assert saving("car", "scarf", 0.9) == 100
    # 1 of 4 synonyms
    assert saving("car", "van", 0.9) == pytest.approx(25)
    assert saving("tree", "oak", 0.6) == pytest.approx(6)
    assert saving("tree", "oak", 0.5) == pytest.approx(5)
    assert saving("tree", "sky", 0.49) is None


def test_matching_finds_as_many_pairs_as_there_can_be() -> None:
    words = {"car": {"car", "auto", "ruby"}, "van": {"van", "auto"}, "red": {"red", "ruby"}}
    reference, prediction = c(tags("car", "red")), c(tags("car", "van"))
    # Straight: −1000 for car and car, 1e6 for red and van, which share nothing. Crossed: car and
    # van share 1 of 4, red and car 1 of 4: −25 − 25.
    match = match_as_published(reference, prediction, lambda word: words[word])
    assert match.to_prediction == {1: 2, 2: 1}
    # The paper's sum: 10 · 110 + 0 straight, 10 · 10 + 10 · 10 crossed.
    paper = match_instances(
        reference, prediction, TagSimilarity(Pairs(("car", "van"), ("car", "red")))
    )
    assert paper.to_prediction == {1: 1}


def test_overlap_counts_from_a_half_on() -> None:
    left, right, most = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 1.0, 1.0), (0.1, 0.0, 0.5, 1.0)
    reference = c(tags("a", "a"), (Location(1, left), Location(2, right)))
    prediction = c(tags("a", "a"), (Location(1, right), Location(2, most)))
    # crossed: −1000 − 0.8 and −1000 − 1 against −1000 twice
    match = match_as_published(reference, prediction, synonyms)
    assert match.to_prediction == {1: 2, 2: 1}
    assert match.located() == 2


def test_a_published_answers_text_is_read_to_the_letter() -> None:
    text = (
        "1 | entity -->> (whole, boat)\n"
        '4 | attribute -->> (entity 1, "Yes", "No")\n'
        '5 | attribute -->> (1, "Yes", "No")\n'
        "6 | attribute -->> (entity 1, \"Yes.\", 'no')\n"
        '7 | relation -->> (entity 1, entity 2, "NO", "Yes")\n'
        '8 | global -->> ("Yes")\n'
    )
    answers, failures = read_answers(text)
    assert answers == {
        # the one of "1" does not begin with "entity", "Yes." is no "yes"
        "attribute": [Answer(True, False), Answer(None, False)],
        "relation": [Answer(False, True)],
        "global": [Answer(None, None)],
    }
    assert failures == 1
    assert read_answers("no idea") == ({"attribute": [], "relation": [], "global": []}, 0)


def test_thousands_of_entities_have_a_score() -> None:
    names = [f"kind{n % 300:03} of thing" for n in range(2000)]
    many = c(tags(*names), (), said(*range(1, 2001)))
    found = score(many, c(tags(*names[:100]), (), said(*range(1, 101))))
    # tag: P 1, R 100/2000: 2 · 0.05/1.05; so the attributes; nothing else is spoken of
    assert f1(found) == pytest.approx([2 / 21, 0, 2 / 21, 0, 0])


def test_relations_need_both_instances() -> None:
    reference = c(tags("a", "b"), (), (), held((1, 2)))
    found = score(reference, c(tags("a", "x"), (), (), held((1, 2))))
    assert f1(found)[3] == 0


def test_the_differences_are_named() -> None:
    told = [*DIFFERENCES, *MENDED]
    assert len(told) == len(set(told)) == 13
    assert all(sentence.endswith(".") and sentence[0] in "AEPTW'" for sentence in told)
