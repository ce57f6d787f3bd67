"""Questions with mapped ids, and a judge's answers in every form that models give them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annoengine.pancap.content import Attribute, Content, Entity, GlobalState, Location, Relation
from annoengine.pancap.content_lines import parse_content
from annoengine.pancap.judging import Answer, judge_prompt, parse_answers
from annoengine.pancap.line_writing import write_content
from annoengine.pancap.questions import (
    Question,
    items_of,
    map_questions,
    parse_questions,
    plain_question,
    question_line,
    write_questions,
)
from annoengine.prompt import load_prompt

PROMPT = load_prompt("pancapscore/answers1.v1")
CONTENT = Content(
    (Entity(1, "boat"), Entity(2, "sail", part=True), Entity(12, "sea")),
    (Location(1, (0.1, 0.2, 0.5, 0.9)),),
    (Attribute(1, "entity 1 is white"), Attribute(12, "entity 12 is calm")),
    (Relation(1, 12, "entity 1 is on entity 12"),),
    (GlobalState("the mood is calm"),),
)
ITEMS = items_of(CONTENT)
ASKED = [plain_question(item) for item in ITEMS]


def test_items_have_the_numbers_of_their_lines() -> None:
    written = dict(line.split(" | ", 1) for line in write_content(CONTENT).splitlines())
    assert [item.id for item in ITEMS] == [14, 15, 16, 17]
    for item in ITEMS:
        assert item.text in written[str(item.id)]
        assert written[str(item.id)].startswith(item.dimension)


def test_ids_are_mapped_all_at_once_and_as_whole_numbers() -> None:
    mapped = map_questions(ASKED, {1: 12, 12: 1})
    assert [question.yes for question in mapped] == [
        "Is it true that entity 12 is white?",
        "Is it true that entity 1 is calm?",
        "Is it true that entity 12 is on entity 1?",
        "Is it true that the mood is calm?",
    ]
    assert [question.entities for question in mapped] == [(12,), (1,), (12, 1), ()]
    assert [question.item.id for question in mapped] == [14, 15, 16, 17]


def test_a_statement_over_several_lines_is_one_question() -> None:
    item = ITEMS[0]._replace(text="entity 1\nis white")
    (mapped,) = map_questions([plain_question(item)], {1: 3})
    assert mapped.no == "Is it false that entity 3 is white?"


def test_what_only_looks_like_a_name_is_left() -> None:
    item = ITEMS[0]._replace(text="entity 1 shows the identity 1 of entity 12")
    mapped = map_questions([plain_question(item)], {1: 12, 12: 3})
    assert mapped[0].yes == "Is it true that entity 12 shows the identity 1 of entity 3?"


def test_items_of_unmatched_instances_are_not_asked() -> None:
    mapped = map_questions(ASKED, {12: 3})
    assert [question.item.id for question in mapped] == [15, 17]
    assert [question.item.id for question in map_questions(ASKED, {})] == [17]


def test_items_of_unmatched_instances_may_be_asked_by_their_tags() -> None:
    tags = {entity.id: entity.tag for entity in CONTENT.entities}
    mapped = map_questions(ASKED, {12: 3}, tags)
    assert mapped[0].yes == "Is it true that the boat is white?"
    assert mapped[2].no == "Is it false that the boat is on entity 3?"
    assert mapped[2].entities == (None, 3)
    assert question_line(mapped[2]).startswith('16 | relation -->> (entity 3, "Is it true')


WRITTEN = """\
1 | entity -->> (whole, boat)
13 | location -->> (entity 1, [0.100, 0.200, 0.500, 0.900])
14 | attribute -->> (entity 1, "Is entity 1 white?", "Is entity 1 red?")
15 | attribute -->> (entity 12, "Is entity 12 calm?", "Is entity 12 rough?")
16 | relation -->> (entity 1, entity 12, "Is entity 1 on entity 12?", "Is it, or not, under it?")
17 | global -->> ("Is the mood calm?", "Is it tense?")"""
PAIRS = [
    ("Is entity 1 white?", "Is entity 1 red?"),
    ("Is entity 12 calm?", "Is entity 12 rough?"),
    ("Is entity 1 on entity 12?", "Is it, or not, under it?"),
    ("Is the mood calm?", "Is it tense?"),
]


@pytest.mark.parametrize(
    "text",
    [
        WRITTEN,
        "Here are the questions:\n" + WRITTEN,
        WRITTEN.replace("entity 1,", "entity_1,").replace("Is entity 1 ", "Is Entity_1 "),
        WRITTEN.replace('"', ""),
        "\n".join(f"- {line}" for line in WRITTEN.splitlines()),
        re.sub(r'"([^"]*)"', r"“\1”", WRITTEN),
        "\n".join(reversed(WRITTEN.splitlines())),
        re.sub(r"(?m)^\d+ \| ", "", WRITTEN),
        re.sub(r"(?m)^1(\d) \| ", r"9\1 | ", WRITTEN),
    ],
)
def test_written_questions_are_aligned_with_their_items(text: str) -> None:
    parsed = parse_questions(text, ITEMS)
    assert [(q.yes, q.no) for q in parsed.questions] == PAIRS
    assert parsed.failures == 0


def test_an_item_without_a_pair_is_asked_plainly_and_counted() -> None:
    short = "\n".join(WRITTEN.splitlines()[:3]) + '\n15 | attribute -->> (entity 12, "Calm?")'
    parsed = parse_questions(short, ITEMS)
    assert parsed.failures == 3
    assert (parsed.questions[0].yes, parsed.questions[0].no) == PAIRS[0]
    assert list(parsed.questions[1:]) == ASKED[1:]
    assert [(fault.line, fault.kind) for fault in parsed.faults] == [(4, "no_pair")]
    assert parse_questions("I cannot do that.", ITEMS).failures == 4


def test_questions_are_written_as_they_are_read() -> None:
    questions = parse_questions(WRITTEN, ITEMS).questions
    text = write_questions(CONTENT, questions)
    assert parse_questions(text, ITEMS).questions == questions
    assert text.splitlines()[:3] == write_content(CONTENT).splitlines()[:3]


def test_the_prompt_has_the_caption_the_entities_and_the_questions_as_they_are() -> None:
    prompt = judge_prompt(PROMPT, " A {caption} of a {boat}. {{questions}} ", CONTENT, ASKED[:1])
    assert prompt.endswith(
        "Description:\nA {caption} of a {boat}. {{questions}}\nEntities:\n"
        "1 | entity -->> (whole, boat)\n2 | entity -->> (part, sail)\n"
        "12 | entity -->> (whole, sea)\n"
        "13 | location -->> (entity 1, [0.100, 0.200, 0.500, 0.900])\n"
        "Questions:\n"
        '14 | attribute -->> (entity 1, "Is it true that entity 1 is white?", '
        '"Is it false that entity 1 is white?")\nAnswers:'
    )


def test_the_examples_of_the_prompt_for_questions_are_read_as_they_stand() -> None:
    body = load_prompt("pancapscore/questions1.v1").body
    example = body.split("Example. Entities:\n")[1].split("\n\n")[0]
    content, questions = example.split("Questions:\n")
    items = items_of(parse_content(content.replace("Statements:\n", "")).content)
    parsed = parse_questions(questions, items)
    assert (len(items), parsed.failures, parsed.faults) == (6, 0, ())


def test_the_prompts_own_example_is_read_as_it_says() -> None:
    example = judge_prompt(PROMPT, "", CONTENT, []).split("Answers:\n")[1].split("\n\n")[0]
    questions = [
        Question(item, (), "", "")
        for item in items_of(
            Content(
                (Entity(1, "boat"), Entity(2, "beach")),
                (Location(1, (0, 0, 1, 1)), Location(2, (0, 0, 1, 1))),
                (Attribute(1, "entity 1 is wooden"), Attribute(1, "entity 1 is full")),
                (Relation(1, 2, "entity 1 is on entity 2"),),
                (GlobalState("it storms"),),
            )
        )
    ]
    assert parse_answers(example, questions).answers == {
        5: Answer(True, False),
        6: Answer(False, True),
        7: Answer(True, False),
        8: Answer(False, False),
    }


ANSWERS = """\
14 | attribute -->> (entity 1, "Yes", "No")
15 | attribute -->> (entity 12, "No", "Yes")
16 | relation -->> (entity 1, entity 12, "Yes", "Yes")
17 | global -->> ("No", "No")"""
SAID = {
    14: Answer(True, False),
    15: Answer(False, True),
    16: Answer(True, True),
    17: Answer(False, False),
}


@pytest.mark.parametrize(
    "text",
    [
        ANSWERS,
        "Answers:\n\n" + ANSWERS + "\n\nDone.",
        "```\n" + ANSWERS + "\n```",
        ANSWERS.replace('"', ""),
        ANSWERS.replace('"', "'"),
        ANSWERS.replace("(", "").replace(")", ""),
        ANSWERS.lower(),
        ANSWERS.upper(),
        ANSWERS.replace('"Yes"', '"Yes."').replace('"No"', '"No."'),
        ANSWERS.replace('"Yes"', "True").replace('"No"', "False"),
        "\n".join(reversed(ANSWERS.splitlines())),
        "\n".join("* **" + line + "**" for line in ANSWERS.splitlines()),
        "1 | entity -->> (whole, boat)\n13 | location -->> (entity 1, [0, 0, 1, 1])\n" + ANSWERS,
        "14: Yes, No\n15: No, Yes\n16: Yes, Yes\n17: No, No",
        "14. Yes / No\n15. No / Yes\n16. Yes / Yes\n17. No / No",
        '14 | ("Yes", "No")\n15 | ("No", "Yes")\n16 | ("Yes", "Yes")\n17 | ("No", "No")',
        "14) Yes; No\n15) No; Yes\n16) Yes; Yes\n17) No; No",
        "Yes, No\nNo, Yes\nYes, Yes\nNo, No",
        '("Yes", "No")\n("No", "Yes")\n("Yes", "Yes")\n("No", "No")',
        "1: Yes, No\n2: No, Yes\n3: Yes, Yes\n4: No, No",
        '{"14": ["Yes", "No"],\n"15": ["No", "Yes"],\n"16": ["Yes", "Yes"],\n"17": ["No", "No"]}',
    ],
)
def test_answers_are_read_in_any_form(text: str) -> None:
    parsed = parse_answers(text, ASKED)
    assert parsed.answers == SAID
    assert parsed.failures == 0


@pytest.mark.parametrize(
    ("text", "ids", "failures", "kinds"),
    [
        ("", [], 4, []),
        ("I am sorry, but I cannot answer that.", [], 4, []),
        ("lorem ipsum | dolor -->> (sit)", [], 4, []),
        ("Yes, No\nNo, Yes\nYes, Yes", [], 4, ["count"]),
        ("Yes, No\n" * 5, [], 4, ["count"]),
        ("\n".join(ANSWERS.splitlines()[:3]), [14, 15, 16], 1, []),
        ("\n".join(ANSWERS.splitlines()[1:]) + "\n99: Yes, No", [15, 16, 17], 1, ["not_asked"]),
        (ANSWERS + "\n17: Yes, No", [14, 15, 16, 17], 1, ["two_answers"]),
        (ANSWERS + "\n17: No, No", [14, 15, 16, 17], 0, []),
        (ANSWERS.replace('("No", "No")', '("No")'), [14, 15, 16], 1, ["no_answer"]),
        (ANSWERS.replace('("No", "No")', '("blue")'), [14, 15, 16], 1, ["no_answer"]),
        (ANSWERS.replace('("No", "No")', '("Unknown", "No")'), [14, 15, 16, 17], 1, []),
        (ANSWERS.replace('("No", "No")', '("Not mentioned", "N/A")'), [14, 15, 16, 17], 1, []),
    ],
)
def test_what_is_no_answer_is_a_counted_failure(
    text: str, ids: list[int], failures: int, kinds: list[str]
) -> None:
    parsed = parse_answers(text, ASKED)
    assert list(parsed.answers) == ids
    assert parsed.failures == failures
    assert [fault.kind for fault in parsed.faults] == kinds
    if "two_answers" in kinds:
        assert parsed.answers[17] == Answer(None, None)


def test_nothing_asked_is_no_failure() -> None:
    assert parse_answers(ANSWERS, []).failures == 0
    assert parse_answers("", []).answers == {}


def test_an_answer_counts_whole_or_by_halves() -> None:
    table = {
        Answer(True, False): (True, 1.0),
        Answer(True, True): (False, 0.5),
        Answer(False, False): (False, 0.5),
        Answer(False, True): (False, 0.0),
        Answer(None, False): (False, 0.5),
        Answer(True, None): (False, 0.5),
        Answer(None, None): (False, 0.0),
    }
    assert {answer: (answer.right, answer.halves) for answer in table} == table


@given(st.text(alphabet="147|>-() \"',.:yesnoYN\n", max_size=90))
def test_nonsense_never_raises_and_failures_add_up(text: str) -> None:
    parsed = parse_answers(text, ASKED)
    assert set(parsed.answers) <= set(SAID)
    whole = [a for a in parsed.answers.values() if None not in (a.yes, a.no)]
    assert parsed.failures == len(ASKED) - len(whole)
    assert len(parse_questions(text, ITEMS).questions) == len(ITEMS)
