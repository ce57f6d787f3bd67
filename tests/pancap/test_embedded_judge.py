"""The embedded judge: its rules one by one, its agreement with people, and what it never does."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annoengine.errors import InputError
from annoengine.language.wordnet import AUTO
from annoengine.pancap.content import Attribute, Content, Entity, GlobalState, Relation
from annoengine.pancap.embedded_extractor import extract
from annoengine.pancap.embedded_judge import EmbeddedJudge, judge_version
from annoengine.pancap.judging import Answer
from annoengine.pancap.questions import items_of, map_questions, plain_question
from tests.benchmarks.judge import answers
from tests.pancap.judge_table import read_pairs, read_scenes

TAGS = ("cat", "table", "lamp", "man", "hat")


def content(*texts: str) -> Content:
    """A content of these statements about TAGS: each is what its entities make it."""
    attributes, relations, states = [], [], []
    for text in texts:
        ids = list(dict.fromkeys(int(found) for found in re.findall(r"entity (\d+)", text)))
        if not ids:
            states.append(GlobalState(text))
        elif len(ids) == 1:
            attributes.append(Attribute(ids[0], text))
        else:
            relations.append(Relation(ids[0], ids[1], text))
    entities = tuple(Entity(n, tag) for n, tag in enumerate(TAGS, 1))
    return Content(entities, (), tuple(attributes), tuple(relations), tuple(states))


@pytest.mark.parametrize(
    ("fact", "question", "verdict"),
    [
        # Forms of a word, and words that mean the same.
        ("entity 1 sleeps", "Is entity 1 sleeping?", "yes"),
        ("entity 1 is carried", "Is someone carrying entity 1?", "not mentioned"),
        ("entity 1 is large", "Is entity 1 big?", "yes"),
        ("entity 2 is wooden", "Is entity 2 made of wood?", "yes"),
        ("entity 1 is gray", "Is entity 1 grey?", "yes"),
        # Words that say more.
        ("entity 2 is crimson", "Is entity 2 red?", "yes"),
        ("entity 2 is red", "Is entity 2 crimson?", "not mentioned"),
        # Opposites, colours, numbers.
        ("entity 1 is small", "Is entity 1 large?", "no"),
        ("entity 1 is black", "Is entity 1 white?", "no"),
        ("entity 3 has two shades", "Does entity 3 have three shades?", "no"),
        ("entity 1 is black", "Is entity 1 old?", "not mentioned"),
        # What is not so.
        ("entity 3 is not lit", "Is entity 3 lit?", "no"),
        ("entity 3 is not lit", "Is entity 3 not lit?", "yes"),
        ("entity 3 is full", "Is entity 3 not empty?", "yes"),
        # What another thing is.
        ("entity 4 has a red scarf", "Is entity 4 red?", "not mentioned"),
        ("entity 4 has a red scarf", "Does entity 4 have a red scarf?", "yes"),
        ("entity 4's beard is long", "Is entity 4 long?", "not mentioned"),
        ("entity 4's beard is long", "Is the beard of entity 4 long?", "yes"),
        ("smoke rises from entity 3", "Does smoke rise from entity 3?", "yes"),
        ("smoke rises from entity 3", "Is entity 3 rising?", "not mentioned"),
        # Names.
        ("entity 1 is old", "Is entity 1 a cat?", "yes"),
        ("entity 1 is old", "Is entity 1 a horse?", "not mentioned"),
        # Relations, and their other side.
        ("entity 1 is on entity 2", "Is entity 1 on entity 2?", "yes"),
        ("entity 1 is on entity 2", "Is entity 2 under entity 1?", "yes"),
        ("entity 1 is on entity 2", "Is entity 2 on entity 1?", "no"),
        ("entity 1 is to the left of entity 3", "Is entity 3 to the right of entity 1?", "yes"),
        ("entity 1 is to the left of entity 3", "Is entity 1 right of entity 3?", "no"),
        ("entity 4 is behind entity 2", "Is entity 4 in front of entity 2?", "no"),
        ("entity 4 is behind entity 2", "Is entity 2 in front of entity 4?", "yes"),
        ("entity 1 is near entity 4", "Is entity 4 next to entity 1?", "yes"),
        ("entity 4 is wearing entity 5", "Is entity 5 worn by entity 4?", "yes"),
        ("entity 4 is wearing entity 5", "Is entity 5 wearing entity 4?", "no"),
        ("entity 4 is in entity 5", "Does entity 4 wear entity 5?", "yes"),
        ("entity 4 is taller than entity 2", "Is entity 2 shorter than entity 4?", "yes"),
        ("entity 4 is taller than entity 2", "Is entity 4 shorter than entity 2?", "no"),
        ("entity 4 is holding entity 3", "Is entity 4 touching entity 3?", "not mentioned"),
        ("entity 1 is on entity 2", "Is entity 1 on entity 4?", "not mentioned"),
        ("entity 1 is on entity 2", "Is entity 1 on entity 9?", "not mentioned"),
        # The whole image.
        ("The light is soft", "Is the light soft?", "yes"),
        ("The light is soft", "Is the light harsh?", "no"),
        ("There are no people", "Are there people in the image?", "no"),
        ("There are no people", "Is the image free of people?", "yes"),
        ("No cars are seen, as they cannot pass", "Are there cars?", "no"),
        ("The mood is cheerful", "Is the atmosphere happy?", "yes"),
        ("The mood is cheerful", "Is it raining?", "not mentioned"),
    ],
)
def test_rules(fact: str, question: str, verdict: str) -> None:
    judge = EmbeddedJudge(content(fact))
    assert judge.verdict(question) == verdict
    assert judge.answer(question) == (verdict == "yes")


def test_between_follows_from_two_sides() -> None:
    judge = EmbeddedJudge(
        content("entity 1 is to the left of entity 2", "entity 3 is to the right of entity 2")
    )
    assert judge.answer("Is entity 2 between entity 1 and entity 3?")
    assert not judge.answer("Is entity 1 between entity 2 and entity 3?")


def test_several_statements_hold_one_question() -> None:
    judge = EmbeddedJudge(content("entity 1 is old", "entity 1 is black"))
    assert judge.answer("Is entity 1 old and black?")
    assert not judge.answer("Is entity 1 old and white?")


def test_true_and_false_of_what_is_said_denied_and_unsaid() -> None:
    judge = EmbeddedJudge(content("entity 1 is black", "entity 2 is not round"))
    assert judge.verdict("Is it true that entity 1 is black?") == "yes"
    assert judge.verdict("Is it false that entity 1 is black?") == "no"
    assert judge.verdict("Is it false that entity 1 is white?") == "yes"
    assert judge.verdict("Is it false that entity 2 is round?") == "yes"
    assert judge.verdict("Is it false that entity 1 is fat?") == "not mentioned"


@cache
def scenes() -> dict[str, Content]:
    found = {name: scene.content for name, scene in read_scenes().items()}
    return found | {f"{n}, extracted": extract(s.caption).content for n, s in read_scenes().items()}


@pytest.mark.parametrize("name", [*read_scenes(), *(f"{n}, extracted" for n in read_scenes())])
def test_a_caption_is_right_about_itself(name: str) -> None:
    said = scenes()[name]
    questions = [plain_question(item) for item in items_of(said)]
    given_answers = EmbeddedJudge(said).answer_all(questions)
    assert given_answers == {one.item.id: Answer(True, False) for one in questions}


def test_a_caption_of_something_else_is_not_right() -> None:
    harbour, kitchen = read_scenes()["harbour"].content, read_scenes()["kitchen"].content
    same = {one.id: one.id for one in kitchen.entities}
    questions = map_questions([plain_question(item) for item in items_of(harbour)], same)
    right = [one.right for one in EmbeddedJudge(kitchen).answer_all(questions).values()]
    assert len(right) == 17
    assert sum(right) == 0


def test_the_table_is_large_and_has_answers_of_each_kind() -> None:
    pairs = read_pairs()
    assert len({(one.scene, one.questions) for one in pairs}) == len(pairs) >= 150
    for kind in ("attribute", "relation", "global"):
        told = [one.answers for one in pairs if one.kind == kind]
        assert {(True, False), (False, True), (False, False)} <= set(told) or kind == "global"
    for one in pairs:
        ids = {int(id) for text in one.questions for id in re.findall(r"entity (\d+)", text)}
        assert ids <= {entity.id for entity in read_scenes()[one.scene].content.entities}
        assert bool(ids) == (one.kind != "global")


@pytest.mark.parametrize(("from_captions", "least"), [(False, 0.98), (True, 0.97)])
def test_agreement_with_people(from_captions: bool, least: float) -> None:
    told = [
        one == other
        for pair, said in answers("off", from_captions)
        for one, other in zip(said, pair.answers, strict=True)
    ]
    assert sum(told) / len(told) >= least


@pytest.mark.usefixtures("_wordnet_there")
def test_wordnet_knows_more_words() -> None:
    said = content("entity 4 is wearing entity 5")
    assert not EmbeddedJudge(said).answer("Is entity 5 a chapeau?")
    assert EmbeddedJudge(said, AUTO).answer("Is entity 5 a chapeau?")
    assert not EmbeddedJudge(said, AUTO).answer("Is entity 5 a table?")
    assert judge_version(AUTO) != judge_version()


def test_a_wordnet_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is not installed; install it: apt-get install wordnet"):
        EmbeddedJudge(Content(), str(tmp_path))


WORDS = st.sampled_from(
    "Is Are entity 1 2 7 entity's the of to left right in front on not no red it false that "
    "between and by has made ? 's ( 三".split()
)


@settings(max_examples=300)
@given(st.lists(WORDS, max_size=14).map(" ".join), st.lists(WORDS, max_size=10).map(" ".join))
def test_no_question_and_no_statement_raises(question: str, state: str) -> None:
    judge = EmbeddedJudge(
        Content(
            (Entity(1, ""), Entity(2, "cat")),
            (),
            (Attribute(1, state),),
            (Relation(1, 2, state),),
            (GlobalState(state),),
        )
    )
    assert judge.verdict(question) in ("yes", "no", "not mentioned")
    assert EmbeddedJudge(Content()).verdict(question) == "not mentioned"
