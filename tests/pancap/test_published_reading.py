"""Lines as the authors' code reads them: what it takes and what it drops."""

from __future__ import annotations

import pytest

from annoengine.pancap.as_published import published_content
from annoengine.pancap.content import Attribute, Content, Entity, GlobalState, Location, Relation
from annoengine.pancap.content_lines import parse_content
from annoengine.pancap.published_reading import read_published
from tests.pancap.released_files import TEXTS
from tests.pancap.test_content_lines import STRICT
from tests.pancap.test_scoring import FULL, OTHER

BOAT = "1 | entity -->> (whole, boat)\n2 | entity -->> (whole, sea)\n"
ENTITIES = (Entity(1, "boat"), Entity(2, "sea"))


def test_what_keeps_the_grammar_is_read_as_by_the_tolerant_reader() -> None:
    assert read_published(STRICT) == parse_content(STRICT).content


def test_of_what_is_written_whole_their_reader_keeps_all() -> None:
    assert published_content(FULL) == FULL
    assert published_content(OTHER) == OTHER


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("1 | entity -->> (whole, a, b)\n1 | entity -->> (part, sail_boat)", "sail boat"),
        ("1 | entity -->> (boat)", "boat"),
        ("1. | entity -->> (whole, boat)", None),
        ("1 | Entity -->> (whole, boat)", None),
        ("1 | entity -> (whole, boat)", None),
        ("- 1 | entity -->> (whole, boat)", None),
        (" 1 | entity -->> (whole, boat) ", "boat"),
    ],
)
def test_an_entity_is_the_last_of_its_number_by_its_last_part(
    lines: str, expected: str | None
) -> None:
    assert [entity.tag for entity in read_published(lines).entities] == (
        [] if expected is None else [expected]
    )


def test_locations_are_four_numbers_of_a_known_entity_and_the_last_one_counts() -> None:
    read = read_published(
        BOAT
        + "3 | location -->> (entity 1, [0, 0, 1, 1])\n"
        + "4 | location -->> (1, [[0.1, 0.2, 0.3, 0.4]])\n"
        + "5 | location -->> (entity 2, [0.1, 0.2, 0.3])\n"
        + "6 | location -->> (entity 2, [0.1, 0.2, nan, 0.4])\n"
        + "7 | location -->> (entity 9, [0, 0, 1, 1])\n"
    )
    assert read.locations == (Location(1, (0.1, 0.2, 0.3, 0.4)),)


def test_statements_name_whom_they_are_about_and_count_as_often_as_they_are_said() -> None:
    read = read_published(
        BOAT
        + '3 | attribute -->> (entity 1, "entity 1 is red, or orange")\n' * 2
        + '5 | attribute -->> (entity 1, "it is red")\n'
        + '6 | attribute -->> (1, "it is red")\n'
        + '7 | attribute -->> (entity 3, "entity 3 is red")\n'
        + '8 | attribute -->> (image, "dark")\n'
        + '9 | relation -->> (entity 1, entity 2, "entity 1 is on it")\n'
        + '10 | relation -->> (entity 1, entity 2, "it is on entity 2")\n'
        + '11 | relation -->> (1, 2, "entity 1 is on it")\n'
        + '12 | relation -->> (1, 2, "entity 1 is on entity 2")\n'
        + '13 | relation -->> (entity 1, "entity 1 floats")\n'
        + "14 | relation -->> (entity 1)\n"
        + '15 | global -->> ("calm, at dusk")\n'
        + "3 | entity -->> (whole, gull)\n"
    )
    said = Attribute(1, "entity 1 is red, or orange")
    assert read == Content(
        (*ENTITIES, Entity(3, "gull")),
        (),
        (said, said, Attribute(1, "it is red")),
        (Relation(1, 2, "entity 1 is on it"), Relation(1, 2, "entity 1 is on entity 2")),
        (GlobalState("dark"), GlobalState("calm, at dusk")),
    )


def test_a_question_is_read_as_an_item() -> None:
    questions = read_published(TEXTS["GT/questions/sapancap_test_question.json"])
    content = read_published(TEXTS["GT/content/sapancap_test_content.json"])
    assert questions.entities == content.entities
    assert questions.locations == content.locations
    assert questions.attributes[0] == Attribute(1, 'Is entity 1 brown?", "Is entity 1 white?')
    for name in ("attributes", "relations", "globals"):
        assert len(getattr(questions, name)) == len(getattr(content, name))
