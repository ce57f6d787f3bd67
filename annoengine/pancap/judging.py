"""Puts questions about one caption to a judge who reads the other, and reads what the judge says.

The prompt is one text for all questions of a pair of captions. Answers are taken by the number of
their line; what is missing or is neither yes nor no is a failure that is counted, and the item
that it belongs to is not right.

Source: arXiv 2505.16334, section 3.2 and appendix C.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from annoengine.pancap.content import Content
from annoengine.pancap.line_fields import Line, LineFault, lines_of
from annoengine.pancap.line_writing import entity_lines
from annoengine.pancap.questions import Question, question_line
from annoengine.pancap.strict_lines import read_strict_answers


class Answer(NamedTuple):
    """What a judge says to the two questions of an item; None: neither yes nor no."""

    yes: bool | None
    no: bool | None

    @property
    def right(self) -> bool:
        """Both as they should be."""
        return self.yes is True and self.no is False

    @property
    def halves(self) -> float:
        """Half a point for each that is as it should be."""
        return 0.5 * (self.yes is True) + 0.5 * (self.no is False)


JUDGE_PROMPT = """\
Read a description of a picture, then answer pairs of yes/no questions about that picture. Judge \
by the description alone: what it neither says nor clearly implies is to be answered with No.

Each line of questions has the form
NUMBER | TYPE -->> (ENTITIES, "first question", "second question")
Answer every line, in the same order and with the same number, in the form
NUMBER | TYPE -->> (ENTITIES, "answer to the first", "answer to the second")
where an answer is Yes or No. Write nothing else. The entities are listed first; their lines need \
no answer.

Example. Description:
A wooden boat [[0.10, 0.55, 0.62, 0.90]] lies on a beach [[0.00, 0.50, 1.00, 1.00]]. The boat is \
empty. It is a calm evening.
Entities:
1 | entity -->> (whole, boat)
2 | entity -->> (whole, beach)
3 | location -->> (entity 1, [0.100, 0.550, 0.620, 0.900])
4 | location -->> (entity 2, [0.000, 0.500, 1.000, 1.000])
Questions:
5 | attribute -->> (entity 1, "Is entity 1 made of wood?", "Is entity 1 made of metal?")
6 | attribute -->> (entity 1, "Is entity 1 full of people?", "Is entity 1 empty?")
7 | relation -->> (entity 1, entity 2, "Is entity 1 on entity 2?", "Is entity 1 beside entity 2?")
8 | global -->> ("Is there a storm?", "Does it rain?")
Answers:
5 | attribute -->> (entity 1, "Yes", "No")
6 | attribute -->> (entity 1, "No", "Yes")
7 | relation -->> (entity 1, entity 2, "Yes", "No")
8 | global -->> ("No", "No")

Description:
{caption}
Entities:
{entities}
Questions:
{questions}
Answers:
"""
"""The fields are what a batch of questions fills in; the example is of this project."""


def judge_prompt(caption: str, content: Content, questions: Iterable[Question]) -> str:
    """What a judge is told: a caption, the entities read from it, and questions with its ids."""
    fields = {
        "caption": caption.strip(),
        "entities": "\n".join(entity_lines(content)),
        "questions": "\n".join(question_line(question) for question in questions),
    }
    return re.sub(r"\{(\w+)\}", lambda found: fields[found[1]], JUDGE_PROMPT)


@dataclass(frozen=True)
class ParsedAnswers:
    """What a judge answered, by item id. ``failures`` counts the items left without an answer
    that is yes or no to both, or that were answered twice and differently."""

    answers: Mapping[int, Answer]
    failures: int = 0
    faults: tuple[LineFault, ...] = ()


_SAID = re.compile(
    r"\b(?:(yes|true|correct|y)|(no|false|incorrect|n)|"
    r"(unknown|unclear|unsure|uncertain|n/?a|none|maybe|not\s+(?:sure|mentioned|stated|specified|"
    r"given|clear)|cannot\s+(?:be\s+determined|tell|say)|can't\s+(?:tell|say)))\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"^\W*(?:line|question|answer|id|q|a)?\s*#?(\d{1,6})\b(?![.,]\d)", re.IGNORECASE
)


def parse_answers(text: str, asked: Sequence[Question]) -> ParsedAnswers:
    """The answers to these questions. Never raises on any text.

    Lines are aligned by their number. Where none of the numbers was asked, or lines have none,
    they are aligned by order, if there are as many as were asked; otherwise all are failures.

    >>> from annoengine.pancap.questions import Item, plain_question
    >>> asked = [plain_question(Item(n, "global", n, (), "it is dark")) for n in (7, 8)]
    >>> parsed = parse_answers('7 | global -->> ("Yes", "No")\\n8: no, NO.', asked)
    >>> parsed.answers[7].right, parsed.answers[8], parsed.failures
    (True, Answer(yes=False, no=False), 0)
    """
    wanted = [question.item.id for question in asked]
    strict = read_strict_answers(text)
    if strict is not None:
        given = {id: Answer(yes, no) for id, _, yes, no in strict}
        if len(given) == len(strict) and list(given) == wanted:
            return ParsedAnswers(given)
    faults: list[LineFault] = []
    read: list[tuple[int | None, Answer]] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        said = _answer_of(raw)
        if isinstance(said, str):
            faults.append(LineFault(number, "no_answer", said))
        elif said is not None:
            read.append(said)
    by_id = _aligned(read, wanted, faults)
    answers = {id: by_id[id] for id in wanted if id in by_id}
    answered = sum(1 for answer in answers.values() if None not in (answer.yes, answer.no))
    return ParsedAnswers(answers, len(wanted) - answered, tuple(faults))


def _answer_of(raw: str) -> tuple[int | None, Answer] | str | None:
    """The number and the answers of a line; a sentence where it has not two; None for prose."""
    found = _NUMBERED.match(raw)
    number = int(found[1]) if found else None
    frame = raw.rpartition(">")[2] if ">" in raw else raw[found.end() :] if found else raw
    words = _SAID.findall(frame)
    if not words:
        typed = next(iter(lines_of(raw)), 0)
        meant = isinstance(typed, Line) and typed.type not in ("entity", "location")
        return f"neither yes nor no: {raw.strip()!r}" if meant else None
    if len(words) != 2:
        if number is None and len(frame.split()) > 4:
            return None
        return f"{len(words)} answers where two are wanted: {raw.strip()!r}"
    first, second = (True if yes else False if no else None for yes, no, _ in words)
    return number, Answer(first, second)


def _aligned(
    read: Sequence[tuple[int | None, Answer]], wanted: Sequence[int], faults: list[LineFault]
) -> dict[int, Answer]:
    numbers = {number for number, _ in read}
    if numbers.isdisjoint(wanted) or None in numbers:
        if len(read) == len(wanted):
            return dict(zip(wanted, (answer for _, answer in read), strict=True))
        if wanted and read:
            faults.append(
                LineFault(0, "count", f"{len(read)} answers to {len(wanted)} pairs of questions")
            )
        read = [(number, answer) for number, answer in read if number is not None]
    by_id: dict[int, Answer] = {}
    for number, answer in read:
        assert number is not None
        if number not in wanted:
            faults.append(LineFault(0, "not_asked", f"an answer to {number}, which was not asked"))
        elif by_id.setdefault(number, answer) != answer:
            faults.append(LineFault(0, "two_answers", f"two different answers to {number}"))
            by_id[number] = Answer(None, None)
    return by_id
